//! Cloud Foundry's gorouter. The client is the first of X-Forwarded-For, which the router itself writes.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "gorouter",
    title: "Cloud Foundry gorouter",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host - [$time_iso8601] "$request" $status $request_length $body_bytes_sent "$http_referer" "$http_user_agent" "$balancer" "$upstream_addr" x_forwarded_for:"$http_x_forwarded_for" $anything"#,
    spec: "https://docs.cloudfoundry.org/concepts/http-routing.html",
    example: r#"www.example.com - [2026-03-10T10:20:52.123456789Z] "GET /app/ HTTP/1.1" 401 0 179 "https://www.example.com/" "curl/8.5.0" "10.0.0.9:41854" "10.0.0.12:61012" x_forwarded_for:"192.0.2.7, 10.0.0.9" x_forwarded_proto:"https" vcap_request_id:"6f2a" response_time:0.01 app_id:"b1" app_index:"0" x_b3_traceid:"-""#,
};
