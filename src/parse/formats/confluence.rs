//! Atlassian Confluence: the pattern of the access log in its `server.xml`. Behind the user stands the thread, such as
//! `http-nio-8090-exec-3`; the plan takes the pool's name off the user.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "confluence",
    title: "Atlassian Confluence",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%t %u-exec-%{THREAD}e %h %r %>s %{MILLISECONDS}ems %b %{Referer}i %{User-Agent}i"#,
    spec: "https://confluence.atlassian.com/doc/how-to-enable-user-access-logging-182682.html",
    example: r#"[10/Mar/2026:11:20:52 +0100] alice http-nio-8090-exec-3 192.0.2.7 GET /app/ HTTP/1.1 401 12ms 179 https://www.example.com/ Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"#,
};
