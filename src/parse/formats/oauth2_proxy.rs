//! oauth2-proxy, whose times have no zone. Behind a proxy it names the client without a port.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "oauth2_proxy",
    title: "oauth2-proxy",
    layout: Layout::Columns(Separator::Blank),
    template: r#"client_ip =- request_id =- user timestamp authority method upstream_host "url" cs-version "user_agent" status bytes request_duration"#,
    spec: "https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview#request-log-format",
    example: r#"192.0.2.7:41234 - 8601b555-8d2e-4a5c-9f77-0f0a3c9f4a11 - alice@example.com [2026/03/10 11:20:52] www.example.com GET - "/app/" HTTP/1.1 "curl/8.5.0" 401 179 0.001"#,
};
