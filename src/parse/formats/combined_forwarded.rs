//! Apache combined with a labelled X-Forwarded-For at the end, as Elastic's integration wants it.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "combined_forwarded",
    title: "combined with X-Forwarded-For=",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" X-Forwarded-For="%{X-Forwarded-For}i""#,
    spec: "https://github.com/elastic/integrations/blob/main/packages/apache/_dev/build/docs/README.md",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0" X-Forwarded-For="198.51.100.4, 10.0.0.1""#,
};
