//! X-Forwarded-For in front of combined, where it names several.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "forwarded_host",
    title: "X-Forwarded-For and combined",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%{X-Forwarded-For}i %h - %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats",
    example: r#"198.51.100.4, 198.51.100.5 192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0""#,
};
