//! The `vhost_combined` of Debian's apache2.conf: virtual host and port before combined. nginx writes the same with
//! `$host:$server_port`.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_combined",
    title: "Apache vhost_combined: host:port and combined",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#examples",
    example: r#"www.example.com:443 192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0""#,
};
