//! The likely cause of a server-side incident, from what the log shows, with what speaks for and against it.

use super::{
    bounds::Dimension,
    course::{self, Course},
    facts::Facts,
    refine::Cluster,
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

/// Picks the cause: the narrow name where something in the log separates it from its neighbours, else the wider one.
pub(crate) fn likely(facts: &Facts<'_>, cluster: &Cluster, f: &Features, status: u16, is_flush: bool) -> Likely {
    let course = course::follow(facts, cluster, status, &f.victims);
    let cause = if status == 401 { of_401(cluster, f, &course, is_flush) } else { of_403(cluster, f, &course) };
    let mut evidence = evidence(cluster, f, status);
    evidence.extend(of_course(cause, f, &course));
    evidence.extend(open_question(cause).map(|text| point(false, text.to_owned(), &[])));
    Likely { cause, evidence, ruled_out: ruled_out(f, cluster) }
}

/// A day: what goes on longer is nobody's deploy of this morning.
const LONG_SECS: u32 = 86_400;

fn share(part: u32, all: usize) -> f64 {
    f64::from(part) / all.max(1) as f64
}

fn of_401(cluster: &Cluster, f: &Features, course: &Course, is_flush: bool) -> &'static str {
    let victims = f.victims.len();
    let named = f.with_name as f64 / f.requests_failed.max(1) as f64;
    let failed = f.requests_failed as f64 / f.requests_total.max(1) as f64;
    let in_turn = share(course.relapsed, victims);
    if cluster.bounds.bound(Dimension::Upstream) {
        "bad_upstream"
    } else if f.login_failed >= 0.9 && course.beside_login < 3 {
        "login_backend_down"
    } else if named >= 0.5 {
        // A store that is lost knows nobody; a service in trouble, or a replica, still lets some in.
        if failed >= 0.6 { "credentials_store_lost" } else { "credentials_rejected" }
    } else if is_flush && in_turn < 0.5 && !f.sessions_live {
        sessions(course)
    } else if is_skewed(course, victims) {
        "clock_skew"
    } else if in_turn >= 0.5 || (failed < 0.6 && (in_turn >= 0.25 || f.recovered as usize * 2 >= victims)) {
        if cluster.to - cluster.from > LONG_SECS { "slow_burn" } else { "partial_rollout" }
    } else if failed < 0.6 {
        "unknown"
    } else {
        "auth_backend_down"
    }
}

/// Whether it is the age of a login that decides: those refused are minutes old, and the same ones work later. No
/// other fault lets anybody in for waiting.
fn is_skewed(course: &Course, victims: usize) -> bool {
    const SKEW_SECS_MAX: u32 = 900;
    let is_young = course.young.is_some_and(|young| young >= 0.85) && course.young_secs <= SKEW_SECS_MAX;
    is_young && course.healed as usize * 8 >= victims && course.refused_after as usize * 3 >= victims
}

/// Sessions that died at one moment and were replaced by logging in. A store holds the sessions of people, a key
/// signs the tokens of programs as well; with no programs about, nothing tells the two apart.
fn sessions(course: &Course) -> &'static str {
    let programs = course.programs + course.programs_spared;
    if course.programs >= 3 && course.programs * 2 >= programs {
        "signing_key_rotated"
    } else if programs >= 3 && course.programs * 5 < programs {
        "session_store_flush"
    } else {
        "sessions_invalidated"
    }
}

fn of_403(cluster: &Cluster, f: &Features, course: &Course) -> &'static str {
    let failed = f.requests_failed as f64 / f.requests_total.max(1) as f64;
    let bound = |dimension| cluster.bounds.bound(dimension);
    let is_kind = bound(Dimension::Family) || bound(Dimension::Protocol);
    if bound(Dimension::Upstream) {
        "bad_upstream"
    } else if bound(Dimension::Network) {
        of_network(cluster, f, is_kind)
    } else if is_kind {
        "waf_false_positive"
    } else if f.with_name * 2 > f.requests_failed && failed < 0.999 {
        "credentials_store_lost"
    } else if failed < 0.1 && cluster.to - cluster.from > LONG_SECS {
        "slow_burn"
    } else if failed < 0.75 {
        in_part(f, course)
    } else if f.static_share > 0.5 {
        "file_permissions"
    } else if !bound(Dimension::Prefix) {
        "deny_rule"
    } else if f.size >= OWN_PAGE_BYTES_MAX {
        // The application's own page: it refuses what it had served, so it is another application now.
        "deploy_route_block"
    } else {
        "access_rule"
    }
}

/// The servers' own error pages are smaller.
const OWN_PAGE_BYTES_MAX: u32 = 700;

/// An allow list guards an area, a block list the whole site.
fn of_network(cluster: &Cluster, f: &Features, is_kind: bool) -> &'static str {
    let has_area = cluster.bounds.bound(Dimension::Prefix) || cluster.bounds.bound(Dimension::Vhost);
    if is_kind {
        "waf_or_network_block"
    } else if f.with_name > 0 || (has_area && f.addresses <= 8) {
        "allowlist_typo"
    } else if has_area {
        "waf_or_network_block"
    } else {
        "waf_network_block"
    }
}

/// Some are refused and some are not. Servers that differ refuse whoever happens to reach them; a rule that differs
/// refuses the same people always. Programs keep their connection, and so the server that they reached first.
fn in_part(f: &Features, course: &Course) -> &'static str {
    if f.recovered as usize * 3 >= f.victims.len() || course.programs as usize * 2 >= f.victims.len() {
        "partial_rollout"
    } else if f.known as usize * 4 < f.victims.len() {
        "access_rule"
    } else {
        "unknown"
    }
}

/// What the access log leaves open, for the wider names: which causes it may be, and what would decide.
pub(crate) fn open_question(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "credentials_rejected" => {
            "the store of accounts may be lost in part, or the service that asks it may fail at times: \
             credentials_store_lost and auth_backend_down look the same here, the error log tells"
        }
        "sessions_invalidated" => {
            "an emptied session store and a changed key look the same here, since programs with tokens do not tell them \
             apart: session_store_flush or signing_key_rotated"
        }
        "access_rule" => {
            "a rule, a deploy and files that may not be read look the same here: deny_rule, deploy_route_block or \
             file_permissions; the error log tells"
        }
        "waf_or_network_block" => {
            "a block list, an allow list and a filter look the same here: waf_network_block, allowlist_typo or \
             waf_false_positive; the lists tell"
        }
        "unknown" => "some are refused and others served, with no network, program or server in common",
        _ => return None,
    })
}

/// What in the course of the victims speaks for a cause.
fn of_course(cause: &str, f: &Features, course: &Course) -> Option<Evidence> {
    let (text, key, figure) = match cause {
        "session_store_flush" => (
            format!(
                "{} programs with tokens went on being served: people's sessions are gone, not the key",
                course.programs_spared
            ),
            "programs_spared",
            f64::from(course.programs_spared),
        ),
        "signing_key_rotated" => (
            format!(
                "{} programs with tokens were refused as well as people: a store of sessions would not have hit them",
                course.programs
            ),
            "programs",
            f64::from(course.programs),
        ),
        "clock_skew" => {
            let young = course.young.unwrap_or(0.0);
            let text = format!(
                "the younger the login the more is refused: in {:.0} % of all pairs the refused request has the younger one",
                young * 100.0
            );
            (text, "younger_share", round(young))
        }
        "partial_rollout" if course.relapsed > 0 => (
            format!(
                "{} of {} were served and refused in turn, with no login between",
                course.relapsed,
                f.victims.len()
            ),
            "in_turn",
            f64::from(course.relapsed),
        ),
        _ => return None,
    };
    Some(point(true, text, &[(key, figure)]))
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
            if f.relayed {
                format!("the user agents of {} of them had been served here, at other addresses", f.known)
            } else {
                format!("{} of them had been served here at another time", f.known)
            },
            &[("known_good", f64::from(f.known))],
        ),
        point(
            true,
            if f.relayed {
                format!(
                    "{} address(es) with {} user agents stand where everybody else's were: a proxy hides the clients, \
                     so look at its real-IP setting (set_real_ip_from, RemoteIPInternalProxy)",
                    f.addresses, f.agents
                )
            } else if f.networks == 1 {
                format!("they come from one network, but with {} user agents: no single program", f.agents)
            } else {
                format!("they come from {} networks with {} user agents: no single owner", f.networks, f.agents)
            },
            &[("networks", f64::from(f.networks)), ("agents", f64::from(f.agents))],
        ),
    ];
    if let Some((refused, all)) = f.regulars {
        points.push(point(
            true,
            format!(
                "{} of {all} clients that had come before were served here: only newcomers are refused",
                all - refused
            ),
            &[("regulars", f64::from(all)), ("regulars_refused", f64::from(refused))],
        ));
    }
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
                "{:.0} % of the refusals have the same size ({} bytes), as a page that the server itself sends has, or one \
                 fixed answer of the application",
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
            "{} of {} refused clients had been served somewhere on the site",
            f.refused - f.strangers.min(f.refused),
            f.refused
        );
        out.push(RuledOut { cause: "credential_stuffing", why });
    }
    if f.recovered * 2 < f.victims.len() as u32 {
        let why = format!("{} of {} were served again while it lasted", f.recovered, f.victims.len());
        out.push(RuledOut { cause: "relogin_wave", why });
    }
    if cluster.inside > 0.5 {
        out.push(RuledOut {
            cause: "stale_credentials",
            why: format!("{} of {} clients here were refused, not a few of them", f.victims.len(), f.active),
        });
    }
    out
}

/// Three significant places are enough, and the same on every machine.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
