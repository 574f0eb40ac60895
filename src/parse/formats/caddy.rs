//! Caddy's access log, JSON by default. Where Caddy knows trusted proxies, `client_ip` is the client behind them, and
//! that is taken first.

use super::{Format, Layout};
use crate::parse::{json::Keys, slots::Slot};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "caddy",
    title: "Caddy, JSON",
    layout: Layout::Json(KEYS),
    template: "",
    spec: "https://caddyserver.com/docs/caddyfile/directives/log",
    example: r#"{"level":"info","ts":1773138052.7564995,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"44790","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"www.example.com","uri":"/app/","headers":{"User-Agent":["curl/8.5.0"]}},"bytes_read":0,"user_id":"","duration":0.002,"size":179,"status":401,"resp_headers":{"Server":["Caddy"]}}"#,
};

const KEYS: Keys = &[
    ("request/client_ip", Slot::Client),
    ("request/remote_ip", Slot::Client),
    // Before Caddy 2.5, with the port.
    ("request/remote_addr", Slot::Client),
    ("user_id", Slot::User),
    ("ts", Slot::Time),
    ("request/method", Slot::Method),
    ("request/uri", Slot::Target),
    ("request/proto", Slot::Protocol),
    ("status", Slot::Status),
    ("size", Slot::Bytes),
    ("request/headers/Referer", Slot::Referer),
    ("request/headers/User-Agent", Slot::Agent),
    ("request/headers/X-Forwarded-For", Slot::ForwardedFor),
    ("request/host", Slot::Vhost),
];
