//! Combined with X-Forwarded-For in place of the client, as behind a load balancer: the client is the first of the
//! list. With a single address in it the line is a combined one.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "forwarded_combined",
    title: "combined with X-Forwarded-For as the client",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%{X-Forwarded-For}i - %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_remoteip.html",
    example: r#"192.0.2.7, 198.51.100.4 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0""#,
};
