//! Host and nginx main with X-Forwarded-For as the client.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_forwarded_main",
    title: "host and nginx main with X-Forwarded-For as the client",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host $http_x_forwarded_for - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$forwarded""#,
    spec: "https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    example: r#"www.example.com 192.0.2.7, 198.51.100.4 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0" "-""#,
};
