//! IIS with every field, without its header.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis_full",
    title: "IIS, every field",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken [ X-Forwarded-For"#,
    spec: "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging",
    example: r#"2026-03-10 10:20:52 W3SVC2 WEB1 10.0.0.12 GET /app/ - 443 - 192.0.2.7 HTTP/1.1 Mozilla/5.0+(X11) - - www.example.com 401 2 5 179 306 1 198.51.100.4"#,
};
