//! IIS with the fields that AWStats asks for, without its header.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis_short",
    title: "IIS, the fields for AWStats",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time c-ip cs-username cs-method cs-uri-stem sc-status sc-bytes cs-version cs(User-Agent) cs(Referer)"#,
    spec: "https://awstats.sourceforge.io/docs/awstats_faq.html",
    example: r#"2026-03-10 10:20:52 192.0.2.7 - GET /app/ 401 179 HTTP/1.1 Mozilla/5.0+(X11) https://www.example.com/"#,
};
