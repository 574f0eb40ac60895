//! Tornado, and Jupyter's servers, which add the user: by their access loggers, in the server's zone. Jupyter logs only
//! redirections and failures unless it is told to debug. JupyterHub puts the place that it redirects to behind the
//! target. What Tornado says beside (`403 GET /app/ (192.0.2.7): reason`) belongs to a request that is logged anyway and
//! is not read, so that none counts twice.
//!
//! Sources: `log_request` and `_request_summary` in <https://github.com/tornadoweb/tornado/blob/master/tornado/web.py>,
//! <https://github.com/jupyter-server/jupyter_server/blob/main/jupyter_server/log.py>,
//! <https://github.com/jupyterhub/jupyterhub/blob/main/jupyterhub/log.py>.

use super::{Format, Layout};
use crate::parse::columns::Separator;

/// See the head of this file.
pub(super) const FORMAT: Format = Format {
    id: "tornado",
    title: "Tornado, Jupyter",
    layout: Layout::Columns(Separator::Blank),
    template: r#"level date_local time * status method url * (user@client) millis [ referer_labelled ..."#,
    spec: "https://github.com/tornadoweb/tornado/blob/master/tornado/web.py",
    example: r#"[W 2026-03-10 11:20:52.123 ServerApp] 401 GET /app/ (alice@192.0.2.7) 3.21ms referer=None"#,
};
