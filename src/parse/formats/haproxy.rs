//! HAProxy with `option httplog` or `option httpslog`: captured headers in braces or none, and whatever a site puts
//! between. Its time has no zone, and a long line is cut inside the request.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "haproxy",
    title: "HAProxy, option httplog",
    layout: Layout::Columns(Separator::Blank),
    template: r#"client:port accept_date frontend backend_server * timers status bytes captured_request_cookie captured_response_cookie termination_state connections queues * "request_or_cut" ..."#,
    spec: "https://docs.haproxy.org/3.0/configuration.html#8.2.3",
    example: r#"192.0.2.7:38862 [10/Mar/2026:11:20:52.726] www~ app/web1 0/0/1/11/12 401 179 - - ---- 6/6/0/0/0 0/0 {www.example.com||} {} "GET /app/ HTTP/1.1""#,
};
