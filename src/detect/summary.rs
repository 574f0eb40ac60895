//! The sums of a report, and waves other than faults put into an incident's form.

use super::{
    bursts::Burst,
    classify::EventCause,
    facts::Facts,
    figures::{Locate, timeline},
    refine::{Bounds, Cluster},
    sentence,
    trials::Trial,
};
use crate::model::{
    incident::{Incident, Scope, Severity, State, TimelinePoint, Verdict},
    logged::Logged,
    report::{ClientSummary, EventCauses, Totals, Window},
    tally::Seen,
    time::Time,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn totals(facts: &Facts<'_>) -> Totals {
    let refusals = &facts.ledger.refusals;
    let on_401 = refusals.iter().filter(|r| facts.shape(r.shape as usize).status == 401).count() as u64;
    Totals {
        requests: facts.ledger.visits.len() as u64,
        clients: facts.ledger.clients.len() as u64,
        status_401: on_401,
        status_403: refusals.len() as u64 - on_401,
        failing_clients: refusals.chunk_by(|a, b| a.client == b.client).count() as u64,
    }
}

pub(crate) fn event_causes(causes: &[EventCause]) -> EventCauses {
    let count = |cause: EventCause| causes.iter().filter(|c| **c == cause).count() as u64;
    EventCauses {
        no_credentials: count(EventCause::NoCredentials),
        incorrect_credentials: count(EventCause::IncorrectCredentials),
        expired_session: count(EventCause::ExpiredSession),
        unauthorized: count(EventCause::Unauthorized),
        server_misconfig: count(EventCause::ServerMisconfig),
    }
}

/// Windows of the whole log that hold a request. Where there would be too many they are made longer, as their length
/// says.
pub(crate) fn windows(facts: &Facts<'_>, seconds: u32) -> Vec<Window> {
    const WINDOWS_MAX: u32 = 1 << 16;
    let Some((first, last)) = facts.ledger.span else { return Vec::new() };
    let mut seconds = seconds.max(1);
    while (last.0 - first.0) / seconds >= WINDOWS_MAX {
        seconds *= 2;
    }
    let first = first.0 / seconds;
    let empty = || vec![Tally::default(); (last.0 / seconds - first + 1) as usize];
    let clients = 0..facts.ledger.clients.len();
    let counted = clients.into_par_iter().with_min_len(4096).fold(empty, |mut tallies, client| {
        let visits = facts.ledger.visits_of(client);
        for own in visits.chunk_by(|a, b| a.time().0 / seconds == b.time().0 / seconds) {
            if let Some(tally) = own.first().and_then(|v| tallies.get_mut((v.time().0 / seconds - first) as usize)) {
                tally.add(facts, own);
            }
        }
        tallies
    });
    let tallies = counted.reduce(empty, |mut a, b| {
        a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        a
    });
    let windows = tallies.into_iter().enumerate().filter(|(_, tally)| tally.requests > 0);
    windows.map(|(i, tally)| tally.window((first + i as u32) * seconds, seconds)).collect()
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
    /// The requests of one client in the window.
    fn add(&mut self, facts: &Facts<'_>, own: &[Seen]) {
        let (before, on_401, on_403) = (self.on_401 + self.on_403, &mut self.on_401, &mut self.on_403);
        for visit in own {
            match facts.shape(visit.shape()).status {
                401 => *on_401 += 1,
                403 => *on_403 += 1,
                _ => {}
            }
        }
        self.requests += own.len() as u64;
        self.clients += 1;
        self.failing += u64::from(self.on_401 + self.on_403 > before);
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.clients += other.clients;
        self.on_401 += other.on_401;
        self.on_403 += other.on_403;
        self.failing += other.failing;
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
        }
    }
}

/// The addresses with the most failures, over all their user agents.
pub(crate) fn clients(facts: &Facts<'_>, causes: &[EventCause], clients_max: usize) -> Vec<ClientSummary> {
    let mut by_address: BTreeMap<u128, (u64, [u64; 5], BTreeSet<u32>)> = BTreeMap::new();
    for (refusal, cause) in facts.ledger.refusals.iter().zip(causes) {
        let addr = facts.ledger.clients.get(refusal.client as usize).map_or(0, |k| k.addr);
        let (failures, by_cause, names) = by_address.entry(addr).or_default();
        *failures += 1;
        if let Some(count) = by_cause.get_mut(*cause as usize) {
            *count += 1;
        }
        if refusal.user != 0 {
            names.insert(refusal.user);
        }
    }
    let mut ranked: Vec<(u64, u128)> = by_address.iter().map(|(addr, (failures, _, _))| (*failures, *addr)).collect();
    ranked.sort_by_key(|(failures, addr)| (std::cmp::Reverse(*failures), *addr));
    ranked.truncate(clients_max);
    let summary = |addr: u128| {
        by_address.get(&addr).and_then(|(_, by_cause, names)| client(facts, addr, by_cause, names.len() as u64))
    };
    ranked.into_iter().filter_map(|(_, addr)| summary(addr)).collect()
}

fn client(facts: &Facts<'_>, addr: u128, by_cause: &[u64; 5], users: u64) -> Option<ClientSummary> {
    let from = facts.ledger.clients.partition_point(|k| k.addr < addr);
    let to = facts.ledger.clients.partition_point(|k| k.addr <= addr);
    let visits = || (from..to).flat_map(|client| facts.ledger.visits_of(client));
    let count = |test: &dyn Fn(u16) -> bool| visits().filter(|v| test(facts.shape(v.shape()).status)).count() as u64;
    let main =
        EventCause::ALL.iter().zip(by_cause).max_by_key(|(cause, count)| (**count, std::cmp::Reverse(**cause)))?.0;
    Some(ClientSummary {
        client: Logged::new(&facts.ledger.address(facts.ledger.clients.get(from)?)),
        requests: visits().count() as u64,
        ok: count(&|s| s < 400),
        status_401: count(&|s| s == 401),
        status_403: count(&|s| s == 403),
        main_cause: main.id(),
        users,
        first: visits().map(|v| v.time()).min()?,
        last: visits().map(|v| v.time()).max()?,
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
    let text = format!("{status} {scope:?} {start}");
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:012x}", hash >> 16)
}

/// Whether a cluster is still on: nothing in scope was served for long after its last failure, or the log ends.
pub(crate) fn is_ongoing(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> bool {
    let Some((_, last)) = facts.ledger.span else { return false };
    let after = trials.partition_point(|t| t.time < cluster.to);
    let served = trials
        .iter()
        .skip(after)
        .filter(|t| !t.failed && cluster.bounds.contain(facts, t.leaf, t.client))
        .take(3)
        .count();
    served < 3 && last.0.saturating_sub(cluster.to) < (cluster.to - cluster.from).max(900)
}

/// The slice with the most failing clients.
pub(crate) fn peak(timeline: &[TimelinePoint], cluster: &Cluster) -> Time {
    let inside = timeline.iter().filter(|p| p.time.0 < cluster.to);
    let peak = inside.max_by_key(|p| (p.failing_clients, std::cmp::Reverse(p.time))).map_or(cluster.from, |p| p.time.0);
    Time(peak.max(cluster.from))
}

/// The address of an incident that is one address's doing, from its sample lines.
pub(crate) fn sole_client(facts: &Facts<'_>, incident: &Incident) -> Option<String> {
    let own = facts
        .ledger
        .samples
        .values()
        .filter(|s| s.time >= incident.start && incident.end.is_none_or(|end| s.time < end));
    let quoted = own.filter(|s| incident.samples.iter().any(|line| line.text.as_bytes() == &*s.text));
    let addresses: BTreeSet<u128> =
        quoted.filter_map(|s| facts.ledger.clients.get(s.client as usize)).map(|k| k.addr).collect();
    let (first, is_sole) = (addresses.first()?, addresses.len() == 1 && incident.clients_affected == 1);
    let key = crate::model::tally::ClientKey { addr: *first, agent: 0 };
    (is_sole && key.name().is_none()).then(|| String::from_utf8_lossy(&facts.ledger.address(&key)).into_owned())
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
        id: id(burst.status, &scope, burst.from ^ burst.refusals.first().copied().unwrap_or(0)),
        verdict: burst.verdict,
        cause: burst.cause,
        cause_is_settled: false,
        confidence: 0.8,
        severity: if burst.verdict == Verdict::Attack { Severity::Warning } else { Severity::Info },
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
    let most = |counts: BTreeMap<String, usize>| -> Vec<String> {
        let mut ranked: Vec<(usize, String)> = counts.into_iter().map(|(text, count)| (count, text)).collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let (mut sum, mut kept) = (0, Vec::new());
        for (count, text) in ranked.into_iter().take(VALUES_MAX) {
            if sum * 10 >= shapes.len() * 9 {
                break;
            }
            sum += count;
            kept.push(text);
        }
        if sum * 10 >= shapes.len() * 9 { kept } else { Vec::new() }
    };
    let (mut prefixes, mut vhosts) = (BTreeMap::new(), BTreeMap::new());
    for shape in shapes {
        let leaf = facts.leaf(facts.shape(*shape as usize).leaf);
        *prefixes.entry(facts.prefix_text(leaf.prefix[1]).to_owned()).or_default() += 1;
        *vhosts.entry(facts.name_text(leaf.vhost)).or_default() += 1;
    }
    let clean = |mut texts: Vec<String>| {
        texts.retain(|t| !t.is_empty() && t != "/");
        texts.sort();
        texts
    };
    Scope { path_prefix: clean(most(prefixes)), vhost: clean(most(vhosts)), ..Scope::default() }
}
