//! A virtual host without a port before combined: `$host` in nginx, `%v` in Apache.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_nginx",
    title: "host and combined",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
    spec: "https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    example: r#"www.example.com 192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0""#,
};
