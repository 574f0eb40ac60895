//! The common log format of CERN and NCSA, Apache's `common`. The identity must be `-`, as in `combined.rs`.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "common",
    title: "common log format",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h - %u %t "%r" %>s %b"#,
    spec: "https://httpd.apache.org/docs/2.4/logs.html#common",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179"#,
};
