//! Traefik's access log as JSON. Request headers are there only where they are configured to be kept.

use super::{Format, Layout};
use crate::parse::{json::Keys, slots::Slot};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "traefik_json",
    title: "Traefik, JSON",
    layout: Layout::Json(KEYS),
    template: "",
    spec: "https://doc.traefik.io/traefik/reference/install-configuration/observability/logs-and-accesslogs/",
    example: r#"{"ClientAddr":"192.0.2.7:39496","ClientHost":"192.0.2.7","ClientUsername":"alice","DownstreamContentSize":17,"DownstreamStatus":401,"RequestHost":"www.example.com","RequestMethod":"GET","RequestPath":"/app/?a=1\u0026b=2","RequestProtocol":"HTTP/1.1","ServiceAddr":"10.0.0.12:8080","StartUTC":"2026-03-10T10:20:52.587782192Z","request_User-Agent":"curl/8.5.0","time":"2026-03-10T10:20:52Z"}"#,
};

const KEYS: Keys = &[
    ("ClientHost", Slot::Client),
    ("ClientAddr", Slot::Client),
    ("ClientUsername", Slot::User),
    ("StartUTC", Slot::Time),
    ("StartLocal", Slot::Time),
    ("time", Slot::Time),
    ("RequestMethod", Slot::Method),
    ("RequestPath", Slot::Target),
    ("RequestProtocol", Slot::Protocol),
    ("DownstreamStatus", Slot::Status),
    ("DownstreamContentSize", Slot::Bytes),
    ("request_Referer", Slot::Referer),
    ("request_User-Agent", Slot::Agent),
    ("request_X-Forwarded-For", Slot::ForwardedFor),
    ("RequestHost", Slot::Vhost),
    ("RequestAddr", Slot::Vhost),
    ("ServiceAddr", Slot::Upstream),
    ("ServiceURL", Slot::Upstream),
];
