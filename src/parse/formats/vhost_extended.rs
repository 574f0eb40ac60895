//! Apache's vhost_combined with whom it was forwarded for, the worker that answered and how long it took: what
//! `authfault doctor` recommends.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "vhost_extended",
    title: "Apache vhost_combined with X-Forwarded-For, worker and time",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" "%{X-Forwarded-For}i" "%{BALANCER_WORKER_NAME}e" %D"#,
    spec: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats",
    example: r#"www.example.com:443 192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0" "-" "http://10.0.0.12:8080" 12034"#,
};
