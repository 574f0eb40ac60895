//! Amazon CloudFront's real-time log with every field, in the order in which it lists them; no header names them.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "cloudfront_realtime",
    title: "Amazon CloudFront, real-time log",
    layout: Layout::Columns(Separator::Tab),
    template: r#"timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs(User-Agent) cs(Referer) cs(Cookie) cs-uri-query [ x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len ..."#,
    spec: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html",
    example: "1773138052.123\t192.0.2.7\t0.012\t401\t179\tGET\thttps\tdxxxxx.cloudfront.net\t/app/\t62\tFRA50-P2\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\twww.example.com\t0.012\tHTTP/2.0\tIPv4\tcurl/8.5.0%20(x)\thttps://www.example.com/\t-\ta=1\tError\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\t-\t-\ttext/html\t179\t-\t-\t52345\tError\tDE",
};
