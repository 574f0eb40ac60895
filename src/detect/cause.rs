//! The likely cause of a server-side incident, from what the log shows, with what speaks for and against it.

use super::{
    refine::{Cluster, Dimension},
    verdict::Features,
};
use crate::model::incident::{Evidence, RuledOut};
use std::collections::BTreeMap;

/// A cause and why.
pub(crate) struct Likely {
    pub(crate) cause: &'static str,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) ruled_out: Vec<RuledOut>,
}

/// Picks the cause.
pub(crate) fn likely(cluster: &Cluster, f: &Features, status: u16, is_flush: bool) -> Likely {
    let cause = if status == 401 { of_401(cluster, f, is_flush) } else { of_403(cluster, f) };
    Likely { cause, evidence: evidence(cluster, f, status), ruled_out: ruled_out(f, cluster) }
}

/// A day: what goes on longer is nobody's deploy of this morning.
const LONG_SECS: u32 = 86_400;

fn of_401(cluster: &Cluster, f: &Features, is_flush: bool) -> &'static str {
    let named = f.with_name as f64 / f.requests_failed.max(1) as f64;
    let recovered = f64::from(f.recovered) / f.victims.len().max(1) as f64;
    let share = f.requests_failed as f64 / f.requests_total.max(1) as f64;
    if is_flush && !f.sessions_live {
        "session_store_flush"
    } else if cluster.bounds.bound(Dimension::Upstream) {
        "bad_upstream"
    } else if f.login_failed >= 0.9 {
        "login_backend_down"
    } else if named >= 0.5 {
        "credentials_store_lost"
    } else if recovered >= 0.5 && share < 0.6 {
        if cluster.to - cluster.from > LONG_SECS { "slow_burn" } else { "partial_rollout" }
    } else {
        "auth_backend_down"
    }
}

fn of_403(cluster: &Cluster, f: &Features) -> &'static str {
    let share = f.requests_failed as f64 / f.requests_total.max(1) as f64;
    if cluster.bounds.bound(Dimension::Upstream) {
        "bad_upstream"
    } else if cluster.bounds.bound(Dimension::Network) {
        if f.with_name > 0 { "allowlist_typo" } else { "waf_network_block" }
    } else if cluster.bounds.bound(Dimension::Family) || cluster.bounds.bound(Dimension::Protocol) {
        "waf_false_positive"
    } else if f.with_name * 2 > f.requests_failed && share < 0.999 {
        "credentials_store_lost"
    } else if share < 0.1 && cluster.to - cluster.from > LONG_SECS {
        "slow_burn"
    } else if share < 0.75 {
        "partial_rollout"
    } else if f.static_share > 0.5 {
        "file_permissions"
    } else if f.same_size > 0.98 && f.size < 700 && f.paths > 1 {
        "deploy_route_block"
    } else {
        "deny_rule"
    }
}

fn point(supports: bool, text: String, figures: &[(&'static str, f64)]) -> Evidence {
    Evidence { supports, text, figures: figures.iter().copied().collect::<BTreeMap<_, _>>() }
}

fn evidence(cluster: &Cluster, f: &Features, status: u16) -> Vec<Evidence> {
    let victims = f.victims.len() as f64;
    let mut points = vec![
        point(
            true,
            format!(
                "{} of {} clients active here were refused; usually {:.1} % are",
                f.victims.len(),
                f.active,
                cluster.usual * 100.0
            ),
            &[("clients", victims), ("active", f64::from(f.active)), ("usual_share", round(cluster.usual))],
        ),
        point(
            true,
            format!("{} of them had been served here at another time", f.known),
            &[("known_good", f64::from(f.known))],
        ),
        point(
            true,
            format!("they come from {} networks with {} user agents: no single owner", f.networks, f.agents),
            &[("networks", f64::from(f.networks)), ("agents", f64::from(f.agents))],
        ),
    ];
    if f.with_name > 0 {
        points.push(point(
            true,
            format!("{} of the refused requests carried a user name", f.with_name),
            &[("with_name", f.with_name as f64)],
        ));
    }
    if f.same_size > 0.95 && f.requests_failed > 10 {
        points.push(point(
            true,
            format!(
                "{:.0} % of the refusals have the same size ({} bytes): the server's own page, not the application's",
                f.same_size * 100.0,
                f.size
            ),
            &[("same_size_share", round(f.same_size)), ("size_bytes", f64::from(f.size))],
        ));
    }
    if f.recovered > 0 {
        let share = f64::from(f.recovered) / victims.max(1.0);
        points.push(point(
            share < 0.5 || status == 401,
            format!("{} of {} refused clients were also served here before it ended", f.recovered, f.victims.len()),
            &[("recovered", f64::from(f.recovered))],
        ));
    }
    if f.strangers > 0 {
        points.push(point(
            f64::from(f.strangers) < 0.3 * f64::from(f.refused),
            format!("{} of {} refused clients had never been served", f.strangers, f.refused),
            &[("strangers", f64::from(f.strangers))],
        ));
    }
    points
}

fn ruled_out(f: &Features, cluster: &Cluster) -> Vec<RuledOut> {
    let mut out = Vec::new();
    if f.top_client < 0.5 {
        out.push(RuledOut {
            cause: "brute_force",
            why: format!("the busiest client has {:.0} % of the failures", f.top_client * 100.0),
        });
    }
    if f64::from(f.strangers) < 0.5 * f64::from(f.refused) {
        let why = format!(
            "{} of {} refused clients had been served before or after",
            f.refused - f.strangers.min(f.refused),
            f.refused
        );
        out.push(RuledOut { cause: "credential_stuffing", why });
    }
    if f.recovered * 2 < f.victims.len() as u32 {
        let why = format!("only {} of {} were served again before it ended", f.recovered, f.victims.len());
        out.push(RuledOut { cause: "relogin_wave", why });
    }
    if cluster.inside > 0.5 {
        out.push(RuledOut {
            cause: "stale_credentials",
            why: format!("{:.0} % of all clients here failed, not a few", cluster.inside * 100.0),
        });
    }
    out
}

/// Three significant places are enough, and the same on every machine.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
