//! Nginx Proxy Manager, its other hosts (redirections, dead hosts, the default site).

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "npm_host",
    title: "Nginx Proxy Manager, other hosts",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"[$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer""#,
    spec: "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/conf.d/include/log-proxy.conf",
    example: r#"[10/Mar/2026:11:20:52 +0100] 401 - GET https www.example.com "/app/" [Client 192.0.2.7] [Length 179] [Gzip -] "curl/8.5.0" "-""#,
};
