//! Apache CouchDB: the requests in its log. Whom it took the client for is not read, since it writes a name for nobody
//! too.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "couchdb",
    title: "Apache CouchDB",
    layout: Layout::Columns(Separator::Blank),
    template: r#"=[notice] time node pid request_id host_header remote_ip db_user method url status outcome duration"#,
    spec: "https://docs.couchdb.org/en/stable/config/logging.html",
    example: r#"[notice] 2026-03-10T10:20:52.123456Z couchdb@127.0.0.1 <0.1234.0> 5d3c4a1b2f www.example.com:5984 192.0.2.7 undefined GET /app/ 401 ok 12"#,
};
