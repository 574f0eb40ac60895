//! The default of the Kubernetes ingress controller ingress-nginx (`log-format-upstream`).

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "ingress_nginx",
    title: "Kubernetes ingress-nginx",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"#,
    spec: "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" 734 0.012 [shop-web-8080] [] 10.0.0.12:8080, 10.0.0.13:8080 0, 179 0.001, 0.011 502, 401 d2b5a4f1c0e94a6f8d7c6b5a49382716"#,
};
