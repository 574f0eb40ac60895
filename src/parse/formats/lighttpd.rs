//! lighttpd's default `accesslog.format`: the requested host stands where combined has the identity.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "lighttpd",
    title: "lighttpd: combined with the host in second place",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
    spec: "https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_accesslog",
    example: r#"192.0.2.7 www.example.com alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0""#,
};
