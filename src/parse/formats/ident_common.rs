//! The common log format with a word in the second place, from identd or from a generator of sample logs.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "ident_common",
    title: "common log format with an identity",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h %l %u %t "%r" %>s %b"#,
    spec: "https://httpd.apache.org/docs/2.4/logs.html#common",
    example: r#"192.0.2.7 user-identifier alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179"#,
};
