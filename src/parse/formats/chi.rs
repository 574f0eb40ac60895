//! chi, the router for Go, by its middleware's logger. Targets are absolute; times have no zone.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "chi",
    title: "chi",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time * "request" =from client:port =- status size =in duration"#,
    spec: "https://github.com/go-chi/chi/blob/master/middleware/logger.go",
    example: r#"2026/03/10 11:20:52 [web-01/Vf3q-000042] "GET http://www.example.com/app/ HTTP/1.1" from 192.0.2.7:52345 - 401 179B in 13.977µs"#,
};
