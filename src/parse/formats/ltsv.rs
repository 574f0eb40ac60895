//! LTSV, under the labels that ltsv.org recommends and those of nginx.

use super::{Format, Layout};
use crate::parse::{json::Keys, pairs::Style, slots::Slot};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "ltsv",
    title: "LTSV with recommended labels",
    layout: Layout::Pairs(Style::Ltsv, KEYS),
    template: "",
    spec: "http://ltsv.org/",
    example: "time:10/Mar/2026:11:20:52 +0100\thost:192.0.2.7\tuser:alice\treq:GET /app/ HTTP/1.1\tstatus:401\tsize:179\treferer:-\tua:curl/8.5.0\tvhost:www.example.com",
};

const KEYS: Keys = &[
    ("host", Slot::Client),
    ("remote_addr", Slot::Client),
    ("client_ip", Slot::Client),
    ("ip", Slot::Client),
    ("remote_host", Slot::Client),
    ("user", Slot::User),
    ("remote_user", Slot::User),
    ("time", Slot::Time),
    ("time_local", Slot::Time),
    ("time_iso8601", Slot::Time),
    ("timestamp", Slot::Time),
    ("req", Slot::Request),
    ("request", Slot::Request),
    ("method", Slot::Method),
    ("request_method", Slot::Method),
    ("uri", Slot::Target),
    ("request_uri", Slot::Target),
    ("path", Slot::Target),
    ("protocol", Slot::Protocol),
    ("server_protocol", Slot::Protocol),
    ("status", Slot::Status),
    ("size", Slot::Bytes),
    ("body_bytes_sent", Slot::Bytes),
    ("bytes", Slot::Bytes),
    ("referer", Slot::Referer),
    ("http_referer", Slot::Referer),
    ("ua", Slot::Agent),
    ("user_agent", Slot::Agent),
    ("http_user_agent", Slot::Agent),
    ("forwardedfor", Slot::ForwardedFor),
    ("x_forwarded_for", Slot::ForwardedFor),
    ("vhost", Slot::Vhost),
    ("server_name", Slot::Vhost),
    ("http_host", Slot::Vhost),
    ("upstream_addr", Slot::Upstream),
];
