//! Nginx Proxy Manager, its proxy hosts.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "npm_proxy",
    title: "Nginx Proxy Manager, proxy hosts",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer""#,
    spec: "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/conf.d/include/log-proxy.conf",
    example: r#"[10/Mar/2026:11:20:52 +0100] - 401 401 - GET https www.example.com "/app/" [Client 192.0.2.7] [Length 179] [Gzip -] [Sent-to 10.0.0.12] "curl/8.5.0" "-""#,
};
