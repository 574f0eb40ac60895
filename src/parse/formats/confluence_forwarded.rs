//! Atlassian Confluence since 7.11 and Jira since 9.4, whose pattern has X-Forwarded-For behind the time.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "confluence_forwarded",
    title: "Atlassian Confluence and Jira with X-Forwarded-For",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%t %{X-Forwarded-For}i %u-exec-%{THREAD}e %h %r %>s %{MILLISECONDS}ems %b %{Referer}i %{User-Agent}i"#,
    spec: "https://confluence.atlassian.com/doc/audit-confluence-using-the-tomcat-valve-component-223216846.html",
    example: r#"[10/Mar/2026:11:20:52 +0100] 198.51.100.4 alice http-nio-8090-exec-3 192.0.2.7 GET /app/ HTTP/1.1 401 12ms 179 https://www.example.com/ Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"#,
};
