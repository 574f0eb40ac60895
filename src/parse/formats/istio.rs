//! Istio's sidecars and gateways, as text. Between flags and bytes stand one to three reasons, and before them what Mixer
//! said, by version; the route is there from 1.4 on.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "istio",
    title: "Istio, default text",
    layout: Layout::Columns(Separator::Blank),
    template: r#"start_time "request" response_code response_flags * bytes_received bytes_sent duration upstream_service_time "x_forwarded_for" "user_agent" "request_id" "authority" "upstream_host" upstream_cluster upstream_local_address downstream_local_address downstream_remote_address requested_server_name [ route_name"#,
    spec: "https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format",
    example: r#"[2026-03-10T10:20:52.373Z] "GET /app/ HTTP/1.1" 401 - via_upstream - "-" 0 179 13 12 "-" "curl/8.5.0" "84961386-6d84-929d-98bd-c5aee93b5c88" "www.example.com" "127.0.0.1:80" inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 192.0.2.7:37652 outbound_.8000_._.web.default.svc.cluster.local default"#,
};
