//! Host and combined with X-Forwarded-For as the client.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_forwarded",
    title: "host and combined with X-Forwarded-For as the client",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%v %{X-Forwarded-For}i - %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats",
    example: r#"www.example.com 192.0.2.7, 198.51.100.4 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0""#,
};
