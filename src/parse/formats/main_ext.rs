//! The `main_ext` that NGINX Amplify asks its users to configure.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "main_ext",
    title: "nginx main_ext, as for NGINX Amplify",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" "$host" sn="$server_name" rt=$request_time ua="$upstream_addr" us="$upstream_status" ut="$upstream_response_time" ul="$upstream_response_length" cs=$upstream_cache_status"#,
    spec: "https://docs.nginx.com/nginx-amplify/metrics-metadata/other-metrics/",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "-" "www.example.com" sn="www.example.com" rt=0.012 ua="192.0.2.80:8080" us="401" ut="0.011" ul="179" cs=-"#,
};
