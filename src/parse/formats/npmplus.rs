//! NPMplus, whose user agent stands at the end without quotes.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "npmplus",
    title: "NPMplus",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"[$time_local] $host $remote_addr $request_time "$request" $status $bytes_sent $request_length $http_referer $http_user_agent"#,
    spec: "https://github.com/ZoeyVid/NPMplus",
    example: r#"[10/Mar/2026:11:20:52 +0100] www.example.com 192.0.2.7 0.002 "GET /app/ HTTP/1.1" 401 179 935 - Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"#,
};
