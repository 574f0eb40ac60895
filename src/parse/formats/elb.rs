//! AWS Classic Load Balancer.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "elb",
    title: "AWS Classic Load Balancer",
    layout: Layout::Columns(Separator::Blank),
    template: r#"time elb client:port backend:port request_processing_time backend_processing_time response_processing_time elb_status_code backend_status_code received_bytes sent_bytes "request" [ "user_agent" ssl_cipher ssl_protocol"#,
    spec: "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html",
    example: r#"2026-03-10T10:20:52.945958Z my-balancer 192.0.2.7:2817 10.0.0.12:80 0.000086 0.001048 0.001337 401 401 0 179 "GET https://www.example.com:443/app/ HTTP/1.1" "curl/8.5.0" DHE-RSA-AES128-SHA TLSv1.2"#,
};
