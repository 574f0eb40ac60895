//! Apache APISIX, its default.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "apisix",
    title: "Apache APISIX",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_url""#,
    spec: "https://github.com/apache/apisix/blob/master/apisix/cli/config.lua",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] www.example.com "GET /app/ HTTP/1.1" 401 179 0.012 "https://www.example.com/" "curl/8.5.0" 10.0.0.12:8080 401 0.011 "http://www.example.com""#,
};
