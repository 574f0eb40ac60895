//! Apache's combined with the bytes received and sent by mod_logio.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "combinedio",
    title: "Apache combined with bytes in and out",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h - %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O"#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_logio.html",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" 734 412"#,
};
