//! The `main` of the nginx.conf that nginx.org's packages and container images install: combined and X-Forwarded-For.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "main",
    title: "nginx main: combined and X-Forwarded-For",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for""#,
    spec: "https://github.com/nginx/nginx/blob/master/conf/nginx.conf",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "198.51.100.4, 203.0.113.9""#,
};
