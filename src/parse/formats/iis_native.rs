//! The log file format of IIS's own, fixed and with commas, in the server's zone. A comma without a blank belongs to the
//! target. FTP and mail sites write it too: only lines of a web site are read.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis_native",
    title: "IIS, its own format with commas",
    layout: Layout::Columns(Separator::CommaBlank),
    template: r#"client_ip user date_american time_short service server_name server_ip time_taken bytes_received bytes_sent status win32_status method url cs-uri-query"#,
    spec: "https://learn.microsoft.com/en-us/previous-versions/iis/6.0-sdk/ms525807(v=vs.90)",
    example: r#"192.0.2.7, EXAMPLE\alice, 3/10/2026, 9:20:52, W3SVC1, WEB-01, 10.0.0.12, 26, 163, 1326, 401, 5, GET, /app/, a=1,"#,
};
