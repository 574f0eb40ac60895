//! Apache's `vcommon`: a virtual host before the common log format.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_common",
    title: "host and common log format",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent"#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#examples",
    example: r#"www.example.com 192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179"#,
};
