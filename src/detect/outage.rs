//! Authentication that broke and shows as 500: a password file that may not be read, a service or a directory that
//! does not answer. The access log alone cannot tell these from any other error of the server; the error log can.

use super::{
    bounds::Bounds,
    errors,
    facts::Facts,
    figures::{step, timeline},
    hearing::Party,
    refine::Cluster,
    summary::id,
    verdict::visits_between,
};
use crate::model::{
    incident::{Incident, Scope, Severity, Spared, State, Verdict},
    note::{Notes, When, Why},
    tally::Seen,
    time::Time,
};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer clients are no outage, whatever the error log says.
const CLIENTS_MIN: usize = 4;
/// An outage that comes back within this time is the same.
const PAUSE_SECS: u32 = 1800;

/// A request that failed while the error log said of its client that authentication broke.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Failure {
    time: u32,
    client: u32,
    shape: u32,
}

/// Finds them, with what the error log says and who was hit.
pub(crate) fn find(facts: &Facts<'_>, notes: &Notes) -> Vec<(Incident, Party)> {
    let broken = broken(notes);
    let failures = failures(facts, &broken);
    let outages = failures.chunk_by(|a, b| b.time - a.time <= PAUSE_SECS);
    outages.filter_map(|own| outage(facts, notes, &broken, own)).collect()
}

/// Where and about whom the error log says that authentication broke, and what of it broke.
fn broken(notes: &Notes) -> BTreeMap<When, Why> {
    let why = |topic: u32| notes.topics.get(topic as usize)?.why.filter(|why| why.breaks_authentication());
    let told = notes.counts.iter().filter(|(when, _)| when.addr != 0);
    told.filter_map(|(when, counts)| Some((*when, counts.iter().find_map(|count| why(count.topic))?))).collect()
}

fn failures(facts: &Facts<'_>, broken: &BTreeMap<When, Why>) -> Vec<Failure> {
    let addrs: BTreeSet<u128> = broken.keys().map(|when| when.addr).collect();
    let mut failures = Vec::new();
    for addr in addrs {
        let from = facts.ledger.clients.partition_point(|key| key.addr < addr);
        let to = facts.ledger.clients.partition_point(|key| key.addr <= addr);
        for client in from..to {
            let failed =
                |visit: &&Seen| facts.shape(visit.shape()).status >= 500 && is_told(broken, addr, visit.time());
            let own = facts.ledger.visits_of(client).iter().filter(failed);
            failures.extend(own.map(|visit| Failure {
                time: visit.time().0,
                client: client as u32,
                shape: visit.shape() as u32,
            }));
        }
    }
    failures.sort_unstable();
    failures
}

/// Whether the error log has a word on a client at that minute or one beside it.
fn is_told(broken: &BTreeMap<When, Why>, addr: u128, time: Time) -> bool {
    around(addr, time).any(|when| broken.contains_key(&when))
}

fn around(addr: u128, time: Time) -> impl Iterator<Item = When> {
    let minute = time.0 / 60;
    (minute.saturating_sub(1)..=minute + 1).map(move |minute| When { minute, addr })
}

fn outage(
    facts: &Facts<'_>,
    notes: &Notes,
    broken: &BTreeMap<When, Why>,
    own: &[Failure],
) -> Option<(Incident, Party)> {
    let clients: BTreeSet<u32> = own.iter().map(|failure| failure.client).collect();
    let (first, last) = (own.first()?.time, own.last()?.time + 1);
    if clients.len() < CLIENTS_MIN {
        return None;
    }
    let status = most(own.iter().map(|failure| facts.shape(failure.shape as usize).status))?;
    let scope = scope(facts, own);
    let course = Course::new(facts, &scope, status, (first, last));
    let address = |failure: &Failure| facts.ledger.clients.get(failure.client as usize).map_or(0, |key| key.addr);
    let told: BTreeSet<When> = own.iter().flat_map(|failure| around(address(failure), Time(failure.time))).collect();
    let cluster = Cluster {
        from: first,
        to: last,
        bounds: Bounds::default(),
        inside: 0.0,
        usual: 0.0,
        expected: 0.0,
        ratio: 0.0,
        price: 0.0,
        failing_units: 0,
    };
    let timeline = timeline(facts, &cluster, status, Some(&course.active));
    let is_open = !course.served_after && facts.ledger.span.is_some_and(|(_, end)| end.0 - last.min(end.0) < 900);
    let why = most(told.iter().filter_map(|when| broken.get(when)).copied())?;
    let mut incident = Incident {
        id: id(status, &scope, first),
        verdict: Verdict::ServerSide,
        cause: if why == Why::CredentialsFile { "credentials_store_lost" } else { "auth_backend_down" },
        cause_is_settled: false,
        confidence: 0.95,
        severity: Severity::Critical,
        state: if is_open { State::Ongoing } else { State::Ended },
        status,
        start: Time(first),
        peak: super::summary::peak(&timeline, &cluster),
        end: (!is_open).then_some(Time(last)),
        detected_at: Time(nth_client(own, CLIENTS_MIN)),
        spared: course.spared,
        clients_affected: course.failing.len() as u64,
        clients_active: course.active.len() as u64,
        clients_known_good: known_good(facts, &course.failing, own, (first, last)),
        users_affected: 0,
        requests_failed: course.failed,
        requests_total: course.requests,
        requests_failed_expected: course.expected,
        approximate: false,
        evidence: super::sentence(&format!(
            "{} of {} clients active here got {status}, although the same paths were served at other times",
            course.failing.len(),
            course.active.len()
        )),
        ruled_out: Vec::new(),
        next_checks: Vec::new(),
        samples: Vec::new(),
        timeline_step_secs: step(&cluster),
        timeline,
        scope,
    };
    errors::tell_of(notes, &mut incident, &told);
    Some((incident, Party::new(facts, course.failing)))
}

/// The most frequent; of equals the smallest.
fn most<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_insert(0) += 1);
    counts.into_iter().max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value))).map(|(value, _)| value)
}

/// The first segments that hold a fiftieth of the failures each, or the two where only one lies below; the hosts,
/// where others are spared.
fn scope(facts: &Facts<'_>, own: &[Failure]) -> Scope {
    const VALUES_MAX: usize = 8;
    let mut prefixes: BTreeMap<u32, (usize, BTreeSet<u32>)> = BTreeMap::new();
    let mut hosts = BTreeSet::new();
    for failure in own {
        let leaf = facts.leaf(facts.shape(failure.shape as usize).leaf);
        let entry = prefixes.entry(leaf.prefix[0]).or_default();
        entry.0 += 1;
        entry.1.insert(leaf.prefix[1]);
        hosts.insert(leaf.vhost);
    }
    let kept = prefixes.into_iter().filter(|(_, (count, _))| count * 50 >= own.len());
    let is_folder = |prefix: &u32| !facts.prefix_text(*prefix).contains('.');
    let only = |(first, (_, below)): (u32, (usize, BTreeSet<u32>))| match below.len() {
        1 => below.first().copied().filter(is_folder).unwrap_or(first),
        _ => first,
    };
    let mut path_prefix: Vec<String> = kept.map(only).map(|prefix| facts.prefix_text(prefix).to_owned()).collect();
    path_prefix.sort();
    if path_prefix.len() > VALUES_MAX || path_prefix.iter().any(|path| path == "/") {
        path_prefix.clear();
    }
    let spares_hosts = facts.vhosts.iter().any(|host| !hosts.contains(host));
    let vhost = hosts.iter().filter(|_| spares_hosts).map(|host| facts.name_text(*host)).filter(|h| !h.is_empty());
    Scope { path_prefix, vhost: vhost.collect(), ..Scope::default() }
}

/// Everybody's requests where an outage is, and beside it.
#[derive(Default)]
struct Course {
    requests: u64,
    failed: u64,
    active: BTreeSet<u32>,
    failing: BTreeSet<u32>,
    /// Whether somebody was served there afterwards.
    served_after: bool,
    /// Failures that the rate at other times would give.
    expected: f64,
    spared: Vec<Spared>,
}

impl Course {
    fn new(facts: &Facts<'_>, scope: &Scope, status: u16, (from, to): (u32, u32)) -> Self {
        let inside: Vec<bool> = (0..facts.shapes.len()).map(|shape| is_inside(facts, shape, scope)).collect();
        let mut course = Self::default();
        let (mut others, mut others_failed) = (0u64, 0u64);
        let mut beside: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
        for client in (0..facts.ledger.clients.len() as u32).filter(|client| facts.is_evident(*client)) {
            for visit in facts.ledger.visits_of(client as usize) {
                let (time, shape) = (visit.time().0, facts.shape(visit.shape()));
                let (is_now, fails) = ((from..to).contains(&time), shape.status == status);
                match (inside.get(visit.shape()) == Some(&true), is_now) {
                    (true, true) => {
                        course.requests += 1;
                        course.failed += u64::from(fails);
                        course.active.insert(client);
                        course.failing.extend(fails.then_some(client));
                    }
                    (true, false) => {
                        (others, others_failed) = (others + 1, others_failed + u64::from(fails));
                        course.served_after |= time >= to && shape.served;
                    }
                    (false, true) => {
                        let (active, failing) = beside.entry(facts.leaf(shape.leaf).prefix[0]).or_default();
                        active.insert(client);
                        failing.extend(fails.then_some(client));
                    }
                    (false, false) => {}
                }
            }
        }
        course.expected = super::cause::round(course.requests as f64 * others_failed as f64 / others.max(1) as f64);
        course.spared = spared(facts, beside);
        course
    }
}

fn is_inside(facts: &Facts<'_>, shape: usize, scope: &Scope) -> bool {
    let leaf = facts.leaf(facts.shape(shape).leaf);
    let is_named = |prefix: &u32| scope.path_prefix.iter().any(|path| path == facts.prefix_text(*prefix));
    (scope.path_prefix.is_empty() || leaf.prefix.iter().any(is_named))
        && (scope.vhost.is_empty() || scope.vhost.contains(&facts.name_text(leaf.vhost)))
}

fn spared(facts: &Facts<'_>, beside: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<u32>)>) -> Vec<Spared> {
    const SPARED_MAX: usize = 3;
    let served = beside.into_iter().filter(|(_, (active, failing))| failing.len() * 5 <= active.len());
    let mut spared: Vec<Spared> = served
        .map(|(prefix, (active, failing))| Spared {
            dimension: "path_prefix",
            value: facts.prefix_text(prefix).to_owned(),
            clients: active.len() as u64,
            failing: failing.len() as u64,
            approximate: false,
        })
        .collect();
    spared.sort_by(|a, b| b.clients.cmp(&a.clients).then_with(|| a.value.cmp(&b.value)));
    spared.truncate(SPARED_MAX);
    spared
}

/// When so many distinct clients had failed.
fn nth_client(own: &[Failure], count: usize) -> u32 {
    let mut seen = BTreeSet::new();
    let reached = own.iter().find(|failure| seen.insert(failure.client) && seen.len() >= count);
    reached.or(own.last()).map_or(0, |failure| failure.time)
}

/// Clients that were served on a route of the outage at another time.
fn known_good(facts: &Facts<'_>, failing: &BTreeSet<u32>, own: &[Failure], (from, to): (u32, u32)) -> u64 {
    let routes: BTreeSet<u32> = own.iter().map(|failure| facts.shape(failure.shape as usize).route).collect();
    let is_good = |visit: &Seen| {
        let shape = facts.shape(visit.shape());
        shape.served && routes.contains(&shape.route)
    };
    let is_known = |client: u32| {
        visits_between(facts, client, 0, from).iter().chain(visits_between(facts, client, to, u32::MAX)).any(is_good)
    };
    failing.iter().filter(|client| is_known(**client)).count() as u64
}

/// Whether failures of the server beside an incident are worth a word: it may have to do with them, and nothing tells of
/// them.
pub(super) fn may_be_beside(incident: &Incident, notes: &Notes) -> bool {
    notes.is_empty() && matches!(incident.verdict, Verdict::ServerSide | Verdict::Undecided)
}

/// Answers by which a server says that it failed, by minute.
pub(super) fn by_minute(facts: &Facts<'_>) -> BTreeMap<u32, u64> {
    let mut failures = BTreeMap::new();
    let failed = |seen: &&Seen| matches!(facts.shape(seen.shape()).status, 500 | 502..=504);
    for seen in facts.ledger.visits.iter().filter(failed) {
        *failures.entry(seen.time().0 / 60).or_default() += 1;
    }
    failures
}

/// What to do about such answers while an incident was on, where they are many and more than at other times.
pub(super) fn beside(failures: &BTreeMap<u32, u64>, incident: &Incident, span: Option<(Time, Time)>) -> Option<String> {
    const MANY: u64 = 20;
    const TIMES: u64 = 3;
    let (first, last) = span.map(|(first, last)| (first.0 / 60, last.0 / 60))?;
    let (from, to) = (incident.start.0 / 60, incident.end.map_or(last, |end| end.0 / 60));
    let beside: u64 = failures.range(from..=to.max(from)).map(|(_, number)| number).sum();
    let others = failures.values().sum::<u64>() - beside;
    let inside = u64::from(to.saturating_sub(from)) + 1;
    let outside = (u64::from(last - first) + 1).saturating_sub(inside);
    let is_more = beside.saturating_mul(outside) >= others.saturating_mul(inside).saturating_mul(TIMES);
    let text =
        "Many requests failed with 500, 502, 503 or 504 meanwhile: --error-log reads the error log, which tells why.";
    (beside >= MANY && is_more).then(|| text.to_owned())
}
