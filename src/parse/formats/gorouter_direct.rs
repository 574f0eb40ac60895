//! Cloud Foundry's gorouter, where nothing was forwarded, as for hosts that no application has: the client is who
//! connected.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "gorouter_direct",
    title: "Cloud Foundry gorouter, nothing forwarded",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host - [$time_iso8601] "$request" $status $request_length $body_bytes_sent "$http_referer" "$http_user_agent" "$remote_addr" "$upstream_addr" x_forwarded_for:"-" $anything"#,
    spec: "https://docs.cloudfoundry.org/concepts/http-routing.html",
    example: r#"www.example.com - [2026-03-10T10:20:52.123456789Z] "GET /app/ HTTP/1.1" 401 0 179 "https://www.example.com/" "curl/8.5.0" "192.0.2.7:41854" "-" x_forwarded_for:"-" x_forwarded_proto:"-" vcap_request_id:"6f2a" response_time:0.01 app_id:"-" app_index:"-" x_b3_traceid:"-""#,
};
