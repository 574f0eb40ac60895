//! IIS without its header, whichever fields a site chose: found by their looks (see `iis.rs`).

use super::{Format, Layout};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "iis_any",
    title: "IIS, any fields, found by their looks",
    layout: Layout::Iis,
    template: "",
    spec: "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging",
    example: r#"2026-03-10 10:20:52 web-01 10.0.0.12 GET /app/ a=1 443 EXAMPLE\alice 192.0.2.7 Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://www.example.com/ 401 1 1326 26 198.51.100.4"#,
};
