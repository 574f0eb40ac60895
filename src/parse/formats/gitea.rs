//! Gitea and Forgejo: their router's log, in the server's zone. What is logged besides (`started`, `slow`, `failed`) says
//! no status. Go's server lets no blank into a target.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "gitea",
    title: "Gitea, Forgejo: router log",
    layout: Layout::Columns(Separator::Blank),
    template: r#"date_local time * =completed method url =for client:port, status ..."#,
    spec: "https://github.com/go-gitea/gitea/blob/main/modules/web/routing/logger.go",
    example: r#"2026/03/10 11:20:52 HTTPRequest [I] router: completed GET /app/ for 192.0.2.7:52345, 401 Unauthorized in 2.1ms @ auth/auth.go:122(auth.SignIn)"#,
};
