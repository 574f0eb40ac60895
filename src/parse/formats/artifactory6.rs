//! JFrog Artifactory up to 6: `request.log`. Its time is that of the server's zone; the type of the request is
//! REQUEST, DOWNLOAD or UPLOAD.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "artifactory6",
    title: "JFrog Artifactory up to 6, request log",
    layout: Layout::Columns(Separator::Pipe),
    template: r#"time_compact duration type remote_ip user method url cs-version status bytes"#,
    spec: "https://www.jfrog.com/confluence/display/RTF/Artifactory+Log+Files",
    example: r#"20260310112052|12|REQUEST|192.0.2.7|alice|GET|/app/|HTTP/1.1|401|179"#,
};
