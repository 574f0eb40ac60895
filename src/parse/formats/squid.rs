//! Squid's native format. The target is absolute; its host is the virtual host.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "squid",
    title: "Squid, native",
    layout: Layout::Columns(Separator::Blank),
    template: r#"timestamp elapsed remotehost code/status bytes method url rfc931 peerstatus/peerhost [ type ..."#,
    spec: "https://wiki.squid-cache.org/Features/LogFormat",
    example: r#"1773138052.899    132 192.0.2.7 TCP_MISS/401 179 GET http://www.example.com/app/ alice HIER_DIRECT/10.0.0.12 text/html"#,
};
