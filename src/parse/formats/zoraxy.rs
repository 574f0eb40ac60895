//! Zoraxy, whose times have no zone; the time that its logger puts in front comes off as a wrapper.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "zoraxy",
    title: "Zoraxy",
    layout: Layout::Text(Syntax::Apache),
    template: r#"[%{%Y-%m-%d %H:%M:%S}t.%{usec_frac}t] [router:%{router}n] [origin:%{Host}i] [client: %h] [useragent: %{User-Agent}i] %m %U %>s"#,
    spec: "https://github.com/tobychui/zoraxy",
    example: r#"[2026-03-10 11:20:52.150624] [router:host-http] [origin:www.example.com] [client: 192.0.2.7] [useragent: Mozilla/5.0 (X11; Linux x86_64)] GET /app/ 401"#,
};
