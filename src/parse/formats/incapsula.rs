//! Imperva Cloud WAF (Incapsula), its W3C format without the header; every column is quoted.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "incapsula",
    title: "Imperva Cloud WAF (Incapsula)",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date time cs-vid cs-clapp cs-browsertype cs-js-support cs-co-support c-ip s-caip cs-clappsig s-capsupport s-suid cs(User-Agent) cs-sessionid s-siteid cs-countrycode s-tag cs-cicode s-computername cs-lat cs-long s-accountname cs-uri cs-postbody cs-version sc-action s-externalid cs(Referrer) s-ip s-port cs-method cs-uri-query sc-status s-xff bytes cs-start [ cs-rule cs-severity cs-attacktype cs-attackid s-ruleName"#,
    spec: "https://docs.imperva.com/bundle/cloud-application-security/page/settings/log-file-structure.htm",
    example: r#""2026-03-10" "10:20:52" "a1f36498-c34a-45b9-b3a5-ee0bd00f91b6" "Firefox" "Browser" "false" "true" "192.0.2.7" "" "62a660e57ba257275cf7ccf699919eae" "NA" "774502" "curl/8.5.0 (x)" "452000660051880893" "44850949" "DE" "FRA" "Berlin" "www.example.com" "52.0000" "13.0000" "Customer" "www.example.com/app/" "" "HTTP" "REQ_BLOCKED" "118866685985031205" "https://www.example.com/" "10.0.0.12" "443" "GET" "a=1" "401" "192.0.2.7" "179" "1773138052555" "" "" "" "" """#,
};
