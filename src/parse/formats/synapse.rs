//! Matrix Synapse: the requests in its log. Times have no zone; whom it took the client for is not read, since it writes
//! a name for nobody too.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "synapse",
    title: "Matrix Synapse",
    layout: Layout::Text(Syntax::Apache),
    template: r#"%{%F %T,msec_frac}t - synapse.access.%{SITE}e - %{LINE}e - INFO - %{REQUEST}e - %a - %{TAG}e - {%{REQUESTER}e} Processed request: %{TIME}e (%{QUEUED}e) (%{DATABASE}e) %bB %>s "%r" "%{User-Agent}i" [%{EVENTS}e dbevts]"#,
    spec: "https://element-hq.github.io/synapse/latest/usage/administration/request_log.html",
    example: r#"2026-03-10 11:20:52,123 - synapse.access.http.8008 - 460 - INFO - GET-1234 - 192.0.2.7 - 8008 - {@alice:example.org} Processed request: 0.012sec/0.001sec (0.003sec, 0.000sec) (0.001sec/0.002sec/3) 179B 401 "GET /app/ HTTP/1.1" "Element/1.11" [0 dbevts]"#,
};
