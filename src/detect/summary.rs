//! The sums of a report, and waves other than faults put into an incident's form.

use super::{
    bounds::Bounds,
    bursts::Burst,
    classify::EventCause,
    estimate,
    facts::Facts,
    figures::{Locate, timeline},
    refine::Cluster,
    reported::Reported,
    sentence,
    trials::Trial,
};
use crate::model::{
    incident::{Incident, Scope, Severity, State, TimelinePoint, Verdict},
    logged::Logged,
    report::{ClientSummary, Totals, Window},
    tally::{Counted, Refusal, Slice},
    time::{Time, joined},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

pub(crate) fn totals(reported: Reported<'_>) -> Totals {
    let ledger = reported.ledger;
    let mut kept = Totals::default();
    for client in 0..ledger.clients.len() {
        let requests = reported.visits_of(client).len() as u64;
        kept.requests += requests;
        kept.clients += u64::from(requests > 0);
    }
    let mut last = None;
    for refusal in reported.refusals() {
        let is_401 = ledger.shapes.get(refusal.shape as usize).is_some_and(|shape| shape.status == 401);
        kept.status_401 += u64::from(is_401);
        kept.status_403 += u64::from(!is_401);
        kept.failing_clients += u64::from(last.replace(refusal.client) != Some(refusal.client));
    }
    estimate::totals(kept, reported)
}

/// Windows that hold a request. Where there would be too many they are made longer, as their length says.
pub(crate) fn windows(reported: Reported<'_>, seconds: u32) -> Vec<Window> {
    let ledger = reported.ledger;
    let Some((first, last)) = reported.span() else { return Vec::new() };
    let mut counted = reported.counted();
    let seconds = Counted::fitting(seconds.max(1), (first, last)).max(counted.slice_secs);
    let first = first.0 / seconds;
    let empty = || vec![Tally::default(); (last.0 / seconds - first + 1) as usize];
    let clients = 0..ledger.clients.len();
    let kept = clients.into_par_iter().with_min_len(4096).fold(empty, |mut tallies, client| {
        // Requests come in order of time: a division where a window ends, not one for each.
        let (mut window, mut until) = (0, 0);
        for visit in reported.visits_of(client) {
            let is_new = visit.time().0 >= until;
            if is_new {
                window = visit.time().0 / seconds;
                until = (window + 1).saturating_mul(seconds);
            }
            if let Some(tally) = tallies.get_mut((window - first) as usize) {
                tally.requests += 1;
                tally.clients += u64::from(is_new);
            }
        }
        tallies
    });
    let mut tallies = kept.reduce(empty, |mut a, b| {
        a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        a
    });
    let mut last = (0, 0);
    for refusal in reported.refusals() {
        let window = refusal.time.0 / seconds;
        if let Some(tally) = tallies.get_mut((window - first) as usize) {
            let is_401 = ledger.shapes.get(refusal.shape as usize).is_some_and(|shape| shape.status == 401);
            tally.on_401 += u64::from(is_401);
            tally.on_403 += u64::from(!is_401);
            tally.failing += u64::from(last != (refusal.client + 1, window));
            last = (refusal.client + 1, window);
        }
    }
    counted.lengthen(seconds);
    for (start, slice) in counted.slices {
        if let Some(tally) = tallies.get_mut((start - first) as usize) {
            tally.count(slice);
        }
    }
    let windows = tallies.into_iter().enumerate().filter(|(_, tally)| tally.requests > 0);
    let mut windows: Vec<Window> =
        windows.map(|(i, tally)| tally.window((first + i as u32) * seconds, seconds)).collect();
    estimate::windows(&mut windows, ledger.kept);
    windows
}

#[derive(Clone, Copy, Default)]
struct Tally {
    requests: u64,
    clients: u64,
    on_401: u64,
    on_403: u64,
    failing: u64,
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.clients += other.clients;
    }

    fn count(&mut self, slice: Slice) {
        self.requests += slice.requests;
        self.on_401 += slice.on_401;
        self.on_403 += slice.on_403;
    }

    fn window(self, start: u32, seconds: u32) -> Window {
        Window {
            start: Time(start),
            seconds,
            requests: self.requests,
            clients: self.clients,
            status_401: self.on_401,
            status_403: self.on_403,
            failing_clients: self.failing,
            approximate: false,
        }
    }
}

/// The addresses with the most failures, over all their user agents.
pub(crate) fn clients(
    facts: &Facts<'_>,
    reported: Reported<'_>,
    causes: &[EventCause],
    clients_max: usize,
) -> Vec<ClientSummary> {
    let refusals = &facts.ledger.refusals;
    let addr = |refusal: &Refusal| facts.ledger.clients.get(refusal.client as usize).map_or(0, |key| key.addr);
    // Clients, and so their refusals, stand in order of their addresses.
    let mut ranked: Vec<(usize, u128, Range<usize>)> = Vec::new();
    let mut from = 0;
    for own in refusals.chunk_by(|a, b| addr(a) == addr(b)) {
        let failures = own.iter().filter(|refusal| reported.holds(refusal.time)).count();
        if failures > 0 {
            ranked.push((failures, own.first().map_or(0, addr), from..from + own.len()));
        }
        from += own.len();
    }
    let order = |(failures, addr, _): &(usize, u128, Range<usize>)| (std::cmp::Reverse(*failures), *addr);
    if ranked.len() > clients_max {
        ranked.select_nth_unstable_by_key(clients_max, order);
        ranked.truncate(clients_max);
    }
    ranked.sort_unstable_by_key(order);
    let summary = |(_, addr, range): (usize, u128, Range<usize>)| {
        let (mut by_cause, mut names) = ([0; 5], BTreeSet::new());
        let own = refusals.get(range.clone())?.iter().zip(causes.get(range)?);
        for (refusal, cause) in own.filter(|(refusal, _)| reported.holds(refusal.time)) {
            if let Some(count) = by_cause.get_mut(*cause as usize) {
                *count += 1;
            }
            names.insert(refusal.user);
        }
        names.remove(&0);
        client(facts, reported, addr, &by_cause, names.len() as u64)
    };
    ranked.into_par_iter().filter_map(summary).collect()
}

fn client(
    facts: &Facts<'_>,
    reported: Reported<'_>,
    addr: u128,
    by_cause: &[u64; 5],
    users: u64,
) -> Option<ClientSummary> {
    let from = facts.ledger.clients.partition_point(|k| k.addr < addr);
    let to = facts.ledger.clients.partition_point(|k| k.addr <= addr);
    let (mut requests, mut ok, mut on_401, mut on_403) = (0, 0, 0, 0);
    let mut span: Option<(Time, Time)> = None;
    for visit in (from..to).flat_map(|client| reported.visits_of(client)) {
        let status = facts.shape(visit.shape()).status;
        requests += 1;
        ok += u64::from(status < 400);
        on_401 += u64::from(status == 401);
        on_403 += u64::from(status == 403);
        span = joined(span, Some((visit.time(), visit.time())));
    }
    let (first, last) = span?;
    let main =
        EventCause::ALL.iter().zip(by_cause).max_by_key(|(cause, count)| (**count, std::cmp::Reverse(**cause)))?.0;
    Some(ClientSummary {
        client: Logged::new(&facts.ledger.address(facts.ledger.clients.get(from)?)),
        requests,
        ok,
        status_401: on_401,
        status_403: on_403,
        main_cause: main.id(),
        users,
        origin: None,
        first,
        last,
        approximate: !facts.ledger.kept.is_all(),
    })
}

/// What this log cannot tell, from what its lines lack.
pub(crate) fn limits(facts: &Facts<'_>) -> Vec<String> {
    let shapes = &facts.ledger.shapes;
    let mut limits = Vec::new();
    let mut lacks = |is_so: bool, text: &str| {
        if is_so && !shapes.is_empty() {
            limits.push(text.to_owned());
        }
    };
    lacks(
        !facts.has_agents,
        "no user agent is logged: people behind one address cannot be told apart, nor bots by their name",
    );
    lacks(
        shapes.iter().all(|s| s.vhost == 0),
        "no virtual host is logged: a fault of one site among several cannot be told from a fault of all",
    );
    lacks(
        shapes.iter().all(|s| s.upstream == 0),
        "no upstream is logged: one bad server of several shows only as a share of failures",
    );
    let names = shapes.iter().any(|s| s.with_user);
    lacks(
        !names,
        "no user names are logged: with cookie or token logins, credentials that are missing, wrong and expired look alike",
    );
    lacks(names, "user names on a 401 are claimed, not proven");
    limits
}

/// The same for the same incident: status, scope and start, hashed with FNV-1a.
pub(crate) fn id(status: u16, scope: &Scope, start: u32) -> String {
    // Ids outlive this version: they rest on these words and on nothing else that a scope may say.
    let Scope { path_prefix, vhost, method, upstream, ua_family, client_net, http_version, .. } = scope;
    let text = format!(
        "{status} Scope {{ path_prefix: {path_prefix:?}, vhost: {vhost:?}, method: {method:?}, upstream: {upstream:?}, \
         ua_family: {ua_family:?}, client_net: {client_net:?}, http_version: {http_version:?} }} {start}"
    );
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:012x}", hash >> 16)
}

/// Whether a cluster is still on: since its last failure too little was served in scope to show that it is over, and not
/// for long, or the log ends. What refuses one in twenty lets dozens pass between two refusals.
pub(crate) fn is_ongoing(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> bool {
    const SERVED_MIN: usize = 3;
    /// So many refusals should have come by then: that none did by chance happens once in twenty times.
    const MISSED: f64 = 3.0;
    let Some((_, last)) = facts.ledger.span else { return false };
    let since = trials.partition_point(|t| t.time < cluster.to);
    let own = trials.iter().skip(since).filter(|t| cluster.bounds.contain(facts, t.leaf, t.client));
    let served = own.filter(|t| !t.failed).count();
    let missed = -(1.0 - cluster.inside.min(0.99)).ln() * served as f64;
    let is_over = served >= SERVED_MIN && missed >= MISSED;
    !is_over && last.0.saturating_sub(cluster.to) < (cluster.to - cluster.from).max(900)
}

/// The slice with the most failing clients.
pub(crate) fn peak(timeline: &[TimelinePoint], cluster: &Cluster) -> Time {
    let inside = timeline.iter().filter(|p| p.time.0 < cluster.to);
    let peak = inside.max_by_key(|p| (p.failing_clients, std::cmp::Reverse(p.time))).map_or(cluster.from, |p| p.time.0);
    Time(peak.max(cluster.from))
}

/// The address of an incident that is one address's doing, from its sample lines.
pub(crate) fn sole_client(facts: &Facts<'_>, incident: &Incident) -> Option<String> {
    if incident.clients_affected != 1 {
        return None;
    }
    let own = facts
        .ledger
        .samples
        .iter()
        .map(|(_, sample)| sample)
        .filter(|s| s.time >= incident.start && incident.end.is_none_or(|end| s.time < end));
    let quoted = own.filter(|s| incident.samples.iter().any(|line| facts.ledger.is_line(s, line.text.as_bytes())));
    let addresses: BTreeSet<u128> =
        quoted.filter_map(|s| facts.ledger.clients.get(s.client as usize)).map(|k| k.addr).collect();
    let (first, is_sole) = (addresses.first()?, addresses.len() == 1);
    let key = crate::model::tally::ClientKey { addr: *first, agent: 0 };
    (is_sole && key.name().is_none()).then(|| String::from_utf8_lossy(&facts.ledger.address(&key)).into_owned())
}

/// The address that was refused first, folded: it tells waves of one scope and second apart, and stays as a log grows.
fn whose(facts: &Facts<'_>, own: &[&Refusal]) -> u32 {
    let addr = |refusal: &&Refusal| facts.ledger.clients.get(refusal.client as usize).map_or(0, |key| key.addr);
    let first = own.iter().map(|refusal| (refusal.time, addr(refusal))).min().map_or(0, |(_, addr)| addr);
    (0..4).fold(0, |folded, part| folded ^ (first >> (32 * part)) as u32)
}

/// A burst as an incident.
pub(crate) fn burst(facts: &Facts<'_>, burst: &Burst, locate: Locate<'_>) -> Incident {
    let own: Vec<_> = burst.refusals.iter().filter_map(|i| facts.ledger.refusals.get(*i as usize)).collect();
    let clients: BTreeSet<u32> = own.iter().map(|r| r.client).collect();
    let names: BTreeSet<u32> = own.iter().map(|r| r.user).filter(|u| *u != 0).collect();
    let scope = burst_scope(facts, &own.iter().map(|r| r.shape).collect::<Vec<_>>());
    let cluster = Cluster {
        from: burst.from,
        to: burst.to,
        bounds: Bounds::default(),
        inside: 0.0,
        usual: 0.0,
        expected: 0.0,
        ratio: 0.0,
        price: 0.0,
        failing_units: 0,
    };
    let timeline = timeline(facts, &cluster, burst.status, Some(&clients));
    let (mut active, mut total, mut known) = (0, 0, 0);
    for client in &clients {
        let visits = super::verdict::visits_between(facts, *client, burst.from, burst.to);
        total += visits.len() as u64;
        active += 1;
        known += u64::from(facts.ledger.visits_of(*client as usize).iter().any(|v| facts.shape(v.shape()).served));
    }
    let last = facts.ledger.span.map_or(0, |(_, last)| last.0);
    let ongoing = last.saturating_sub(burst.to) < 900;
    Incident {
        id: id(burst.status, &scope, burst.from ^ whose(facts, &own)),
        verdict: burst.verdict,
        cause: burst.cause,
        cause_is_settled: false,
        confidence: 0.8,
        severity: if burst.verdict == Verdict::ClientSide { Severity::Info } else { Severity::Warning },
        state: if ongoing { State::Ongoing } else { State::Ended },
        status: burst.status,
        start: Time(burst.from),
        peak: peak(&timeline, &cluster),
        end: (!ongoing).then_some(Time(burst.to)),
        detected_at: Time(burst.from),
        scope,
        spared: Vec::new(),
        clients_affected: clients.len() as u64,
        clients_active: active,
        clients_known_good: known,
        users_affected: names.len() as u64,
        requests_failed: own.len() as u64,
        requests_total: total,
        requests_failed_expected: 0.0,
        approximate: false,
        evidence: sentence(&burst.why),
        ruled_out: Vec::new(),
        next_checks: Vec::new(),
        samples: super::figures::samples_of(facts, burst, &clients, locate),
        timeline_step_secs: super::figures::step(&cluster),
        timeline,
    }
}

/// The prefixes and hosts that hold nine tenths of a burst's failures, where few do.
fn burst_scope(facts: &Facts<'_>, shapes: &[u32]) -> Scope {
    const VALUES_MAX: usize = 3;
    let most = |counts: BTreeMap<u32, usize>| -> Vec<u32> {
        let mut ranked: Vec<(usize, u32)> = counts.into_iter().map(|(id, count)| (count, id)).collect();
        ranked.sort_by_key(|(count, id)| (std::cmp::Reverse(*count), *id));
        let (mut sum, mut kept) = (0, Vec::new());
        for (count, id) in ranked.into_iter().take(VALUES_MAX) {
            if sum * 10 >= shapes.len() * 9 {
                break;
            }
            sum += count;
            kept.push(id);
        }
        if sum * 10 >= shapes.len() * 9 { kept } else { Vec::new() }
    };
    let (mut prefixes, mut vhosts) = (BTreeMap::new(), BTreeMap::new());
    for shape in shapes {
        let leaf = facts.leaf(facts.shape(*shape as usize).leaf);
        *prefixes.entry(leaf.prefix[1]).or_default() += 1;
        *vhosts.entry(leaf.vhost).or_default() += 1;
    }
    let clean = |mut texts: Vec<String>| {
        texts.retain(|t| !t.is_empty() && t != "/");
        texts.sort();
        texts
    };
    let prefixes = most(prefixes).into_iter().map(|prefix| facts.prefix_text(prefix).to_owned()).collect();
    let vhosts = most(vhosts).into_iter().map(|vhost| facts.name_text(vhost)).collect();
    Scope { path_prefix: clean(prefixes), vhost: clean(vhosts), ..Scope::default() }
}
