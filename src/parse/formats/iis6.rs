//! IIS 6 without its header: the columns it writes by default.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis6",
    title: "IIS 6",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status [ time-taken"#,
    spec: "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging",
    example: r#"2026-03-10 10:20:52 W3SVC1 10.0.0.12 GET /app/ - 80 - 192.0.2.7 Mozilla/4.0+(compatible;+MSIE+8.0) 401 2 2148074254"#,
};
