//! Bunny CDN. Targets are absolute; their host is the virtual host.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "bunny",
    title: "Bunny CDN",
    layout: Layout::Columns(Separator::Pipe),
    template: r#"cache_status status timestamp bytes_sent pull_zone remote_ip referer url edge user_agent request_id [ country"#,
    spec: "https://docs.bunny.net/docs/cdn-log-format",
    example: r#"HIT|401|1773138052123|179|1234|192.0.2.7|https://www.example.com/|https://cdn.example.com/app/?a=1|DE|Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0|289735f336bd4fe775624ea7f6a4cc58|DE"#,
};
