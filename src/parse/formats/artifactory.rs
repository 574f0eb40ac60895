//! JFrog Artifactory 7 and its access service: the request log.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "artifactory",
    title: "JFrog Artifactory, request log",
    layout: Layout::Columns(Separator::Pipe),
    template: r#"timestamp trace_id remote_ip user method url status request_length bytes duration [ user_agent"#,
    spec: "https://jfrog.com/help/r/jfrog-platform-administration-documentation/request-log",
    example: r#"2026-03-10T10:20:52.123Z|59d2c1b1a5e27f0b|192.0.2.7|alice|GET|/app/|401|-1|179|12|JFrog/2.52 (go)"#,
};
