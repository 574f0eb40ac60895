//! GlassFish and Payara, by their default format. The user is not read, since they write a name for nobody too.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "glassfish",
    title: "GlassFish, Payara",
    layout: Layout::Text(Syntax::Nginx),
    template: r#""$remote_addr" "$auth_user_name" "$time_local" "$request" $status $body_bytes_sent"#,
    spec: "https://glassfish.org/docs/latest/administration-guide.html#administering-access-logs",
    example: r#""192.0.2.7" "NULL-AUTH-USER" "10/Mar/2026:11:20:52 +0100" "GET /app/ HTTP/1.1" 401 179"#,
};
