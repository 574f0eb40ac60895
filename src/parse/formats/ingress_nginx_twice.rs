//! Kubernetes ingress-nginx from 0.22 to 0.25: the real address twice, and the alternative upstream.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "ingress_nginx_twice",
    title: "Kubernetes ingress-nginx 0.22 to 0.25",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$the_real_ip - [$real_ip_again] - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"#,
    spec: "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/",
    example: r#"192.0.2.7 - [192.0.2.7] - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "-" "curl/8.5.0" 89 0.001 [default-web-80] [] 10.0.0.12:8080 179 0.000 401 529a007902362a5f51385a5fa7049884"#,
};
