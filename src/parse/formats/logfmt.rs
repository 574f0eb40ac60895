//! logfmt, under common names.

use super::{Format, Layout};
use crate::parse::{json::Keys, pairs::Style, slots::Slot};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "logfmt",
    title: "logfmt with common names",
    layout: Layout::Pairs(Style::Logfmt, KEYS),
    template: "",
    spec: "https://brandur.org/logfmt",
    example: r#"time=2026-03-10T10:20:52Z level=info remote_addr=192.0.2.7 method=GET path=/app/ proto=HTTP/1.1 status=401 bytes=179 user_agent="curl/8.5.0 (x)""#,
};

const KEYS: Keys = &[
    ("remote_addr", Slot::Client),
    ("remote_ip", Slot::Client),
    ("client_ip", Slot::Client),
    ("client", Slot::Client),
    ("remote", Slot::Client),
    ("ip", Slot::Client),
    ("fwd", Slot::Client),
    ("user", Slot::User),
    ("remote_user", Slot::User),
    ("username", Slot::User),
    ("time", Slot::Time),
    ("ts", Slot::Time),
    ("t", Slot::Time),
    ("timestamp", Slot::Time),
    ("request", Slot::Request),
    ("method", Slot::Method),
    ("http_method", Slot::Method),
    ("path", Slot::Target),
    ("uri", Slot::Target),
    ("url", Slot::Target),
    ("request_uri", Slot::Target),
    ("protocol", Slot::Protocol),
    ("proto", Slot::Protocol),
    ("status", Slot::Status),
    ("status_code", Slot::Status),
    ("code", Slot::Status),
    ("bytes", Slot::Bytes),
    ("size", Slot::Bytes),
    ("response_size", Slot::Bytes),
    ("referer", Slot::Referer),
    ("referrer", Slot::Referer),
    ("user_agent", Slot::Agent),
    ("useragent", Slot::Agent),
    ("agent", Slot::Agent),
    ("ua", Slot::Agent),
    ("x_forwarded_for", Slot::ForwardedFor),
    ("host", Slot::Vhost),
    ("vhost", Slot::Vhost),
    ("upstream", Slot::Upstream),
];
