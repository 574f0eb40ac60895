//! nginx in front of Cloud Foundry's cloud controller. The client is the first of X-Forwarded-For.

use super::{Format, Layout};
use crate::parse::template::Syntax;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "cloud_controller",
    title: "Cloud Foundry cloud controller",
    layout: Layout::Text(Syntax::Nginx),
    template: r#"$host - [$time_local] "$request" $status $bytes_sent "$http_referer" "$http_user_agent" $proxy_add_x_forwarded_for vcap_request_id:$anything"#,
    spec: "https://github.com/cloudfoundry/capi-release/blob/develop/jobs/cloud_controller_ng/templates/nginx.conf.erb",
    example: r#"www.example.com - [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "https://www.example.com/" "curl/8.5.0" 192.0.2.7, 10.0.0.9 vcap_request_id:6f2a::b1 response_time:0.012"#,
};
