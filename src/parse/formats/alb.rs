//! AWS Application Load Balancer. Targets are absolute; their host is the virtual host.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "alb",
    title: "AWS Application Load Balancer",
    layout: Layout::Columns(Separator::Blank),
    template: r#"type time elb client:port target:port request_processing_time target_processing_time response_processing_time elb_status_code target_status_code received_bytes sent_bytes "request" "user_agent" ssl_cipher ssl_protocol [ target_group_arn "trace_id" "domain_name" "chosen_cert_arn" matched_rule_priority request_creation_time "actions_executed" "redirect_url" "error_reason" "target:port_list" "target_status_code_list" "classification" "classification_reason" ..."#,
    spec: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    example: r#"https 2026-03-10T10:20:52.186641Z app/my-balancer/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.12:80 0.086 0.048 0.037 401 401 0 179 "GET https://www.example.com:443/app/ HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 2026-03-10T10:20:51.364000Z "forward" "-" "-" "10.0.0.12:80" "401" "-" "-""#,
};
