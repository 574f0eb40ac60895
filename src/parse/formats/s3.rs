//! Amazon S3 server access log. Quotes in a user agent are not escaped there.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "s3",
    title: "Amazon S3 server access log",
    layout: Layout::Columns(Separator::Blank),
    template: r#"bucket_owner bucket time remote_ip requester request_id operation key request_uri http_status error_code bytes_sent object_size total_time turn_around_time "referer" "user_agent" [ version_id host_id signature_version cipher_suite authentication_type host_header tls_version ..."#,
    spec: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html",
    example: r#"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be examplebucket [10/Mar/2026:10:20:52 +0000] 192.0.2.7 - 3E57427F3EXAMPLE REST.GET.OBJECT app.html "GET /app.html HTTP/1.1" 401 AccessDenied 179 - 7 - "-" "curl/8.5.0" - BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader examplebucket.s3.amazonaws.com TLSv1.2"#,
};
