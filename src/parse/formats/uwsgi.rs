//! uWSGI. Its times have no zone.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "uwsgi",
    title: "uWSGI",
    layout: Layout::Text(Syntax::Apache),
    template: r#"[pid: %P|app: %{app}n|req: %{requests}n] %h (%u) {%{variables}n vars in %{size}n bytes} [%{%a %b %e %H:%M:%S %Y}t] %m %U => generated %B bytes in %D %{unit}n (%H %>s) %{headers}n"#,
    spec: "https://uwsgi-docs.readthedocs.io/en/latest/LogFormat.html",
    example: r#"[pid: 24386|app: 0|req: 482950/4125645] 192.0.2.7 (alice) {44 vars in 1322 bytes} [Tue Mar 10 11:20:52 2026] GET /app/ => generated 179 bytes in 21 msecs (HTTP/1.1 401) 4 headers in 188 bytes (1 switches on core 0)"#,
};
