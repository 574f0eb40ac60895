//! Gin, the framework for Go, by its default logger. Its times have no zone.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "gin",
    title: "Gin",
    layout: Layout::Columns(Separator::Blank),
    template: r#"=[GIN] date =- time =| status =| latency =| client_ip =| method "url""#,
    spec: "https://github.com/gin-gonic/gin/blob/master/logger.go",
    example: r#"[GIN] 2026/03/10 - 11:20:52 | 401 |      13.977µs |       192.0.2.7 | GET      "/app/""#,
};
