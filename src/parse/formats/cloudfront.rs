//! Amazon CloudFront without its header; with it the columns are those of `#Fields` (see `w3c.rs`).

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "cloudfront",
    title: "Amazon CloudFront",
    layout: Layout::Columns(Separator::Tab),
    template: r#"date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query [ cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version ..."#,
    spec: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html",
    example: "2026-03-10\t10:20:52\tFRA50-P2\t179\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/app/\t401\t-\tcurl/8.5.0\ta=1\t-\tError\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\twww.example.com\thttps\t62\t0.113\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\tHTTP/2.0\t-\t-",
};
