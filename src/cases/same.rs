//! Which incident is which case.

use crate::model::{
    case::Case,
    incident::{Incident, Scope},
    time::Time,
};
use std::cmp::Reverse;

/// The case that an incident belongs to: of those that it may, the one with its id, then a live one, then one with the
/// same scope, then the one that is older.
pub(super) fn case_of(cases: &[Case], incident: &Incident, log_end: Time, within_secs: u32) -> Option<usize> {
    let fitting = cases.iter().enumerate().filter(|(_, case)| {
        (case.verdict, case.status) == (incident.verdict, incident.status)
            && is_near(span(case.start, case.end, log_end), span(incident.start, incident.end, log_end), within_secs)
            && (case.id == incident.id || have_common(&case.scope, &incident.scope))
    });
    let rank =
        |case: &Case| (case.id == incident.id, case.is_live(), case.scope == incident.scope, Reverse(case.start));
    fitting.max_by_key(|(at, case)| (rank(case), Reverse(*at))).map(|(at, _)| at)
}

/// The wave of a case under another verdict: the same status, at the same time, at the same place.
pub(super) fn seen_otherwise<'i>(case: &Case, incidents: &'i [Incident], log_end: Time) -> Option<&'i Incident> {
    let own = span(case.start, case.end, log_end);
    let fitting = incidents.iter().filter(|incident| {
        incident.verdict != case.verdict
            && incident.status == case.status
            && is_near(own, span(incident.start, incident.end, log_end), 0)
            && have_common(&case.scope, &incident.scope)
            // Some wave of refusals is always there; one that is far smaller is another.
            && incident.clients_affected.saturating_mul(2) >= case.clients
    });
    fitting.max_by_key(|incident| (incident.end.is_none(), incident.clients_affected))
}

/// The case that has taken over one of which nothing was found: found itself, on at the same time, with a scope that
/// has something in common.
pub(super) fn heir(cases: &[Case], gone: usize, case: &Case, own: &[Vec<&Incident>]) -> Option<usize> {
    let is_heir = |(at, other): &(usize, &Case)| {
        *at != gone
            && other.is_live()
            && own.get(*at).is_some_and(|own| !own.is_empty())
            && (other.verdict, other.status) == (case.verdict, case.status)
            && have_common(&other.scope, &case.scope)
    };
    cases.iter().enumerate().find(is_heir).map(|(at, _)| at)
}

fn span(start: Time, end: Option<Time>, log_end: Time) -> (u32, u32) {
    (start.0, end.unwrap_or(log_end).0.max(start.0))
}

fn is_near(a: (u32, u32), b: (u32, u32), within_secs: u32) -> bool {
    a.0 <= b.1.saturating_add(within_secs) && b.0 <= a.1.saturating_add(within_secs)
}

/// Whether two scopes can hold the same request. A dimension that one does not bound is no hindrance.
fn have_common(a: &Scope, b: &Scope) -> bool {
    let overlap = |a: &[String], b: &[String]| a.is_empty() || b.is_empty() || a.iter().any(|value| b.contains(value));
    let below = |a: &String, b: &String| {
        a.strip_prefix(b.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || b.ends_with('/'))
    };
    let paths = a.path_prefix.is_empty()
        || b.path_prefix.is_empty()
        || a.path_prefix.iter().any(|a| b.path_prefix.iter().any(|b| below(a, b) || below(b, a)));
    // Networks and agents become narrower and wider as more is seen, and their texts do not tell which holds which.
    paths && overlap(&a.vhost, &b.vhost) && overlap(&a.upstream, &b.upstream)
}
