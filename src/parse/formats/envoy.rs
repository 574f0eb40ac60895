//! Envoy's own text format. The client is the first of X-Forwarded-For: a line without that names none.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "envoy",
    title: "Envoy, default text",
    layout: Layout::Columns(Separator::Blank),
    template: r#"start_time "request" response_code response_flags bytes_received bytes_sent duration upstream_service_time "x_forwarded_for" "user_agent" "request_id" "authority" "upstream_host""#,
    spec: "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string",
    example: r#"[2026-03-10T10:20:52.308Z] "GET /app/ HTTP/2" 401 - 0 179 226 100 "192.0.2.7" "curl/8.5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "www.example.com" "10.0.0.12:80""#,
};
