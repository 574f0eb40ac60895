//! Lines like the common log format in which fields stand where no other format has them: found by their looks (see
//! `loose.rs`).

use super::{Format, Layout};

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "clf_like",
    title: "like the common log format, its fields found by their looks",
    layout: Layout::Loose,
    template: "",
    spec: "https://www.w3.org/Daemon/User/Config/Logging.html#common-logfile-format",
    example: r#"[10/Mar/2026:11:20:52 +0100] 192.0.2.7 TLSv1.3 ECDHE-RSA-AES128-GCM-SHA256 "GET /app/ HTTP/1.1" 401 179 12 "curl/8.5.0" x"#,
};
