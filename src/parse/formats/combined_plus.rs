//! Combined and anything after it: the last resort for the many sites that append fields of their own. What is
//! appended is not read; `--log-format` with the site's own template reads it.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "combined_plus",
    title: "combined and fields that are not read",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $anything"#,
    spec: "https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0" "www.example.com" TLSv1.3 MISS 3f2a"#,
};
