//! Azure App Service, without its header.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis_azure",
    title: "Azure App Service",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time s-sitename cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"#,
    spec: "https://learn.microsoft.com/en-us/azure/app-service/troubleshoot-diagnostic-logs",
    example: r#"2026-03-10 10:20:52 EXAMPLE GET /app/ X-ARR-LOG-ID=1 443 - 192.0.2.7 Mozilla/5.0+(X11) - - www.example.com 401 0 0 179 306 1"#,
};
