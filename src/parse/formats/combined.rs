//! The format that nginx writes by default and that Apache calls combined. The identity in the second place must be
//! `-`, as nginx writes it and as Apache does without mod_ident: another word there is a virtual host (see
//! `lighttpd.rs`).

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "combined",
    title: "nginx and Apache combined",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
    spec: "https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0""#,
};
