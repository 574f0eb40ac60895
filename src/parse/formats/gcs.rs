//! Google Cloud Storage usage logs, as CSV.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "gcs",
    title: "Google Cloud Storage usage log",
    layout: Layout::Columns(Separator::Comma),
    template: r#"time_micros c_ip c_ip_type c_ip_region cs_method cs_uri sc_status cs_bytes sc_bytes time_taken_micros cs_host cs_referer cs_user_agent [ s_request_id cs_operation cs_bucket cs_object ..."#,
    spec: "https://cloud.google.com/storage/docs/access-logs",
    example: r#""1773138052123456","192.0.2.7","1","","GET","/examplebucket/app.html","401","0","179","129000","storage.googleapis.com","","curl/8.5.0,gzip","AEnB2UrUbkB","GET_Object","examplebucket","app.html""#,
};
