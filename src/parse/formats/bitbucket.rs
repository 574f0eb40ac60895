//! Atlassian Bitbucket, Data Center and Server. The client is the first of those that the request came through; what
//! comes in is logged before it has a status, so that every other line is rejected. Times have no zone.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "bitbucket",
    title: "Atlassian Bitbucket",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%{X-Forwarded-For}i | %{PROTOCOL}e | %{REQUEST}e | %u | %{%F %T,msec_frac}t | "%r" | "%{Referer}i" "%{User-Agent}i" | %>s | %{READ}e | %b | %{LABELS}e | %{MILLISECONDS}e | %{SESSION}e"#,
    spec: "https://confluence.atlassian.com/bitbucketserver/how-to-read-the-bitbucket-data-center-log-formats-779171668.html",
    example: r#"192.0.2.7 | https | o@1ABC2x620x1x0 | alice | 2026-03-10 11:20:52,123 | "GET /app/ HTTP/1.1" | "https://www.example.com/" "git/2.40" | 401 | 0 | 179 | - | 12 | 1a2b3c | "#,
};
