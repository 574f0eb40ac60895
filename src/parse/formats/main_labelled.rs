//! nginx main with labelled times, as nginx's own guide on performance logging has it, quoted times included.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "main_labelled",
    title: "nginx main with rt=, uct=, uht=, urt=",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" rt=$request_time uct="$upstream_connect_time" uht="$upstream_header_time" urt="$upstream_response_time""#,
    spec: "https://www.nginx.com/blog/using-nginx-logging-for-application-performance-monitoring/",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "-" rt=0.012 uct="0.000" uht="0.011" urt="0.011""#,
};
