//! Traefik's `common` access log: combined, then request count, router, server and duration.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "traefik_clf",
    title: "Traefik, common log format",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_count "$router_name" "$upstream_addr" ${duration_millis}ms"#,
    spec: "https://doc.traefik.io/traefik/reference/install-configuration/observability/logs-and-accesslogs/",
    example: r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" 42 "shop@docker" "http://192.0.2.80:8080" 12ms"#,
};
