//! W3C's extended format: under a `#Fields` line the columns that it names, and without one those that IIS writes by
//! default.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "w3c",
    title: "W3C extended, IIS: by its #Fields, or the columns of IIS",
    layout: Layout::Columns(Separator::BlankOrTab),
    template: r#"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) referer_or_none sc-status sc-substatus sc-win32-status [ time-taken X-Forwarded-For"#,
    spec: "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging",
    example: r#"2026-03-10 10:20:52 10.0.0.12 GET /app/ a=1 443 EXAMPLE\alice 192.0.2.7 Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://www.example.com/ 401 1 1326 26"#,
};
