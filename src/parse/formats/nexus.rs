//! Sonatype Nexus Repository 3: `request.log`.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "nexus",
    title: "Sonatype Nexus Repository",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h - %u %t "%r" %>s %{Content-Length}i %b %D "%{User-Agent}i" [%{THREAD}e]"#,
    spec: "https://help.sonatype.com/en/logging.html",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 - 179 12 "curl/8.5.0" [qtp1234-56]"#,
};
