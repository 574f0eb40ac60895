//! The merged ledger in, the answer out: a pure function, so that every partition of the input and every
//! number of threads gives the same.
//!
//! ```text
//! facts ─> pasts ─> scan ─> refine ─> verdict ─> cause ─> figures      server-side incidents
//!                     ^________ taken out, next candidate ___|
//!          └─> bursts (what is left, named)          └─> classify (every refusal once)
//! ```
//!
//! The idea: one person with a wrong password looks like one refusal, and so does one person whom a broken
//! server refuses. What tells them apart is company. So *clients that were served before* are counted, not
//! requests, and a fault is a moment from which many of them, owned by nobody in common, fail together.

mod agent;
mod bounds;
mod bursts;
mod cause;
pub mod causes;
mod checks;
mod classify;
mod course;
mod doings;
mod errors;
mod estimate;
mod facts;
mod figures;
mod ground;
mod hearing;
mod history;
mod naming;
mod outage;
mod pace;
mod recurrence;
mod refine;
mod relay;
mod releases;
mod reported;
mod room;
mod scan;
mod segment;
mod sessions;
mod siblings;
mod standout;
mod story;
mod summary;
mod table;
mod tail;
mod trials;
mod verdict;

use crate::model::{
    incident::{Evidence, Incident, Severity, State, Verdict},
    note::Notes,
    report::{ClientSummary, EventCauses, Lead, Totals, Window},
    story::Stories,
    tally::Ledger,
    time::Time,
};
use bursts::Burst;
use classify::EventCause;
use facts::Facts;
pub use figures::Locate;
use ground::Ground;
use hearing::Party;
use history::Past;
use rayon::prelude::*;
use recurrence::{Habit, Recurrence};
use refine::Cluster;
use reported::Reported;
use scan::{Candidate, Channel};
use segment::within;
use sessions::Sessions;
use std::collections::{BTreeMap, BTreeSet};
pub use story::Who;
use table::{Table, span};
use trials::Trial;
use verdict::Features;

/// What the operator may choose.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Length of a window of the report, in seconds.
    pub window_secs: u32,
    /// Clients listed at most.
    pub clients_max: usize,
    /// Memory for what is found on the way, beside the ledger.
    pub room_bytes: u64,
    /// Reported is what happened from here on; what was before is its past.
    pub since: Time,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_secs: 300, clients_max: 100, room_bytes: u64::MAX, since: Time(0) }
    }
}

/// The part of a report that comes from the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Sums.
    pub totals: Totals,
    /// Every refusal once.
    pub event_causes: EventCauses,
    /// Server-side first, then by start.
    pub incidents: Vec<Incident>,
    /// The course of the log.
    pub windows: Vec<Window>,
    /// Those with the most failures.
    pub clients: Vec<ClientSummary>,
    /// What this log cannot tell.
    pub limits: Vec<String>,
    /// What was before that.
    pub lead: Option<Lead>,
}

/// A server-side incident before it is put into words.
struct Fault {
    channel: Channel,
    cluster: Cluster,
    features: Features,
}

/// So many times as many newcomers as others must fail where newcomers are looked at alone.
const MOSTLY_NEW: usize = 4;
/// Clusters looked into at most: a limit against logs made to be slow, far above what real ones need.
const REFINED_MAX: usize = 400;

/// Finds what happened; nothing where a ledger of fewer clients is needed for that to fit.
#[must_use]
pub fn detect(ledger: &Ledger, settings: &Settings, locate: Locate<'_>) -> Option<Findings> {
    detect_with(ledger, &Notes::default(), settings, locate)
}

/// As [`detect`], with what the server's error log says about it.
#[must_use]
pub fn detect_with(ledger: &Ledger, notes: &Notes, settings: &Settings, locate: Locate<'_>) -> Option<Findings> {
    Some(investigate(ledger, notes, settings, locate, |_| ())?.0)
}

/// The stories of some clients, from all that detection found; nothing as in [`detect`]. No client may fit.
#[must_use]
pub fn explain(ledger: &Ledger, notes: &Notes, settings: &Settings, locate: Locate<'_>, who: &Who) -> Option<Stories> {
    let ask = |inside: &Inside<'_, '_>| story::tell(inside, who);
    let (findings, stories) = investigate(ledger, notes, settings, locate, ask)?;
    Some(Stories { limits: findings.limits, ..stories })
}

/// What is known when everything is found.
struct Inside<'f, 'l> {
    facts: &'f Facts<'l>,
    reported: Reported<'l>,
    pasts: &'f [Past],
    /// Of each refusal.
    causes: &'f [EventCause],
    incidents: &'f [Incident],
    /// Of each incident.
    parties: &'f [Party],
    notes: &'f Notes,
}

/// Finds what happened, and asks something more of what is known then.
fn investigate<T>(
    ledger: &Ledger,
    notes: &Notes,
    settings: &Settings,
    locate: Locate<'_>,
    ask: impl FnOnce(&Inside<'_, '_>) -> T,
) -> Option<(Findings, T)> {
    let reported = Reported::new(ledger, settings.since);
    let mut trials: BTreeMap<Channel, Table> = BTreeMap::new();
    let look = || {
        let facts = Facts::new(ledger);
        let pasts = history::pasts(&facts);
        let faults = faults(&facts, &pasts, &mut trials, settings.room_bytes)?;
        Some((facts, pasts, faults))
    };
    // Side by side, since much of the look waits for itself.
    let (looked, windows) = rayon::join(look, || summary::windows(reported, settings.window_secs));
    let (facts, pasts, (faults, habits)) = looked?;
    let mut causes = classify::classify(&facts, &pasts);
    let free = mark(&facts, &pasts, &faults, &mut causes);
    let mut incidents: Vec<Incident> = faults.iter().map(|fault| told(&facts, &trials, fault, locate)).collect();
    let bursts = bursts::find(&facts, &pasts, &habits, &free);
    incidents.par_extend(bursts.par_iter().map(|burst| summary::burst(&facts, burst, locate)));
    let parties = ask_the_error_log(&facts, notes, &mut incidents, &faults, &bursts, &mut causes);
    let mut told: Vec<(Incident, Party)> = incidents.into_iter().zip(parties).collect();
    told.extend(outage::find(&facts, notes));
    told.retain(|(incident, _)| reported.meets(incident));
    let is_asked_for = |(incident, _): &(Incident, Party)| outage::may_be_beside(incident, notes);
    let failures = if told.iter().any(is_asked_for) { outage::by_minute(&facts) } else { BTreeMap::new() };
    for (incident, _) in &mut told {
        let sole = summary::sole_client(&facts, incident);
        incident.next_checks.extend(outage::beside(&failures, incident, ledger.span));
        incident.next_checks.extend(checks::next(incident, sole.as_deref()));
        estimate::incident(incident, ledger.kept);
    }
    told.sort_by(|(a, _), (b, _)| {
        let key = |i: &Incident| (i.verdict, i.start, i.status, i.id.clone());
        key(a).cmp(&key(b))
    });
    let (incidents, parties): (Vec<Incident>, Vec<Party>) = told.into_iter().unzip();
    let more = ask(&Inside {
        facts: &facts,
        reported,
        pasts: &pasts,
        causes: &causes,
        incidents: &incidents,
        parties: &parties,
        notes,
    });
    let ((totals, event_causes), clients) = rayon::join(
        || (summary::totals(reported), estimate::event_causes(&facts, reported, &causes)),
        || summary::clients(&facts, reported, &causes, settings.clients_max),
    );
    let lead = reported.lead(totals.requests);
    let findings = Findings {
        totals,
        event_causes,
        incidents,
        windows,
        clients,
        limits: estimate::limits(ledger.kept)
            .into_iter()
            .chain(summary::limits(&facts))
            .chain(errors::limits(notes, ledger.span))
            .collect(),
        lead,
    };
    Some((findings, more))
}

/// Candidate after candidate, the strongest first, each taken out before the next is looked at; nothing where there is
/// no room for their trials.
fn faults(
    facts: &Facts<'_>,
    pasts: &[Past],
    trials: &mut BTreeMap<Channel, Table>,
    room_bytes: u64,
) -> Option<(Vec<Fault>, Vec<Habit>)> {
    let Some((ground, mut candidates)) = scan::candidates(facts, pasts) else { return Some(<_>::default()) };
    candidates.truncate(REFINED_MAX);
    if !room::suffices(facts, &candidates, room_bytes) {
        return None;
    }
    let ground = &ground;
    let (mut faults, mut habits): (Vec<Fault>, Vec<Habit>) = (Vec::new(), Vec::new());
    let mut told: Vec<(u16, Cluster)> = Vec::new();
    let (mut sessions, mut cuts) = (None, 0);
    for candidate in candidates {
        let own = trials
            .entry(candidate.channel)
            .or_insert_with(|| Table::new(facts, trials::collect(facts, pasts, ground, candidate.channel)));
        if is_told(facts, &own.trials, &candidate, &told, &faults) {
            continue;
        }
        let refined = if candidate.channel == Channel::Gap401 {
            let sessions = sessions.get_or_insert_with(|| Sessions::new(facts, pasts));
            flushed(facts, ground, own, sessions, &candidate, &mut cuts)
        } else {
            refine::refine(facts, own, &candidate).map(|cluster| (cluster, None))
        };
        let Some((cluster, flush)) = refined else { continue };
        let status = candidate.channel.status();
        if told.iter().any(|(s, old)| {
            *s == status && (old.from, old.to, &old.bounds) == (cluster.from, cluster.to, &cluster.bounds)
        }) {
            continue;
        }
        told.push((status, cluster.clone()));
        let mut features = verdict::features(facts, pasts, ground, &own.trials, &cluster, status);
        if is_shadow(status, &cluster, &features, &faults) {
            continue;
        }
        let mut doubts = verdict::doubts(facts, &cluster, &features, candidate.channel);
        features.sessions_live = candidate.channel == Channel::Gap401 && flush.is_none();
        if let Some(flush) = flush {
            // The cut has already told people from schedules and retries; what is left is who owns them.
            features.known = flush.victims.len() as u32;
            features.active = features.active.max(features.known);
            features.victims = flush.victims;
            doubts.retain(|doubt| matches!(doubt, verdict::Doubt::OneOwner));
        }
        if doubts.is_empty() {
            let whole = siblings::with_siblings(facts, &cluster, status);
            let (mut cluster, mut features) = (cluster, features);
            if whole != cluster.bounds {
                cluster.bounds = whole;
                let own = verdict::features(facts, pasts, ground, &own.trials, &cluster, status);
                features = Features { sessions_live: features.sessions_live, ..own };
            }
            match Recurrence::find(facts, &own.trials, &cluster).filter(Recurrence::is_habit) {
                Some(recurrence) => habits.push(Habit { status, cluster, recurrence }),
                None => faults.push(Fault { channel: candidate.channel, cluster, features }),
            }
        } else if candidate.channel == Channel::Unresolved403 {
            faults.extend(of_newcomers(facts, pasts, ground, trials, &candidate));
        }
    }
    Some((join(facts, pasts, ground, trials, faults), habits))
}

/// A candidate as a fault that hits newcomers alone: who came before is served in the same place, and dilutes what the
/// look at all shows.
fn of_newcomers(
    facts: &Facts<'_>,
    pasts: &[Past],
    ground: &Ground,
    trials: &mut BTreeMap<Channel, Table>,
    candidate: &Candidate,
) -> Option<Fault> {
    let mut table = trials.remove(&Channel::Newcomers403);
    let all = &trials.get(&Channel::Unresolved403)?.trials;
    let is_new = |trial: &&Trial| facts.is_newcomer(trial.client, trial.time);
    let failing = span(all, candidate.from, candidate.to).iter().filter(|trial| trial.failed);
    let own = failing.filter(|trial| scan::contains(facts, candidate.group, trial.leaf, trial.client));
    let (new, old): (Vec<&Trial>, Vec<&Trial>) = own.partition(is_new);
    let found = if new.is_empty() || new.len() < MOSTLY_NEW * old.len() {
        None
    } else {
        let table = table.get_or_insert_with(|| Table::new(facts, all.iter().filter(is_new).copied().collect()));
        refine::refine(facts, table, candidate).and_then(|cluster| {
            let own = verdict::features(facts, pasts, ground, &table.trials, &cluster, candidate.channel.status());
            let features = Features { regulars: Some(verdict::regulars(facts, all, &cluster)), ..own };
            let channel = Channel::Newcomers403;
            let doubts = verdict::doubts(facts, &cluster, &features, channel);
            doubts.is_empty().then_some(Fault { channel, cluster, features })
        })
    };
    if let Some(table) = table {
        trials.insert(Channel::Newcomers403, table);
    }
    found
}

/// A gap candidate as a flush: a moment at which sessions died, with the scope that the failures after it have. Or as
/// sessions that live, and are refused now and then.
fn flushed(
    facts: &Facts<'_>,
    ground: &Ground,
    table: &mut Table,
    sessions: &Sessions,
    candidate: &Candidate,
    cuts: &mut u32,
) -> Option<(Cluster, Option<sessions::Flush>)> {
    /// Gap candidates looked into at most: each costs a pass over all sessions for every cut.
    const CUTS_MAX: u32 = 12;
    /// Of a flush few are refused again; of an upstream that refuses, most.
    const RELAPSED_MAX: f64 = 0.4;
    *cuts += 1;
    let span = facts.ledger.span.map(|(first, last)| (first.0, last.0)).filter(|_| *cuts <= CUTS_MAX)?;
    let around = candidate.from.saturating_sub(900)..candidate.to;
    let failures = table.trials.iter().filter(|t| t.failed && around.contains(&t.time)).map(|t| t.time);
    let mut failures: Vec<u32> = failures.collect();
    failures.sort_unstable();
    failures.dedup();
    let flush = sessions.flush(&ground.telling, &failures, span).filter(|flush| flush.relapsed < RELAPSED_MAX);
    let Some(flush) = flush else {
        let cluster = refine::refine(facts, table, candidate)?;
        let own = table::span(&table.trials, cluster.from, cluster.to).iter();
        let refused = own.filter(|t| t.failed && cluster.bounds.contain(facts, t.leaf, t.client)).map(|t| t.client);
        let do_live = sessions.relapsed(&refused.collect(), cluster.from, cluster.to) >= RELAPSED_MAX;
        return do_live.then_some((cluster, None));
    };
    let cluster = refine::around(facts, table, (flush.from, flush.to), &|trial| flush.is_return(trial))?;
    Some((cluster, Some(flush)))
}

/// Whether most of a candidate's failing clients belong to what was already looked into, or are victims of a
/// fault at the same time: who cannot log in fails everywhere else too.
fn is_told(
    facts: &Facts<'_>,
    trials: &[Trial],
    candidate: &Candidate,
    told: &[(u16, Cluster)],
    faults: &[Fault],
) -> bool {
    let status = candidate.channel.status();
    let is_old = |trial: &Trial| {
        told.iter().any(|(s, old)| {
            *s == status && within(trial, old.from, old.to) && old.bounds.contain(facts, trial.leaf, trial.client)
        }) || faults
            .iter()
            .any(|f| within(trial, f.cluster.from, f.cluster.to) && f.features.victims.contains(&trial.client))
    };
    let (mut all, mut left) = (BTreeSet::new(), BTreeSet::new());
    let from = trials.partition_point(|t| t.time < candidate.from);
    for trial in trials.iter().skip(from).take_while(|t| t.time < candidate.to).filter(|t| t.failed) {
        if scan::contains(facts, candidate.group, trial.leaf, trial.client) {
            all.insert(trial.client);
            if !is_old(trial) {
                left.insert(trial.client);
            }
        }
    }
    left.len() < scan::CLIENTS_MIN as usize || left.len() * 2 < all.len()
}

/// Whether a cluster is what a fault already found makes of its victims' everyday refusals: in its very scope and time,
/// hitting hardly anybody else. Who renews a session and is refused for another reason then has not been let in either.
fn is_shadow(status: u16, cluster: &Cluster, features: &Features, faults: &[Fault]) -> bool {
    let is_inside = |fault: &&Fault| {
        let of = &fault.cluster;
        fault.channel.status() != status && of.bounds == cluster.bounds && cluster.from < of.to && of.from < cluster.to
    };
    let is_shared = |fault: &Fault| {
        features.victims.intersection(&fault.features.victims).count() * 5 >= features.victims.len() * 4
    };
    faults.iter().filter(is_inside).any(is_shared)
}

/// Faults of one status with the same scope, or that share victims at the same time, are one.
fn join(
    facts: &Facts<'_>,
    pasts: &[Past],
    ground: &Ground,
    trials: &BTreeMap<Channel, Table>,
    mut faults: Vec<Fault>,
) -> Vec<Fault> {
    /// A fault that comes back within this time is flapping.
    const PAUSE_SECS: u32 = 7200;
    faults.sort_by_key(|f| (f.channel.status(), f.cluster.from, f.cluster.to));
    let mut joined: Vec<Fault> = Vec::new();
    for fault in faults {
        let near = |a: &Fault, b: &Fault| {
            a.channel.status() == b.channel.status()
                && a.cluster.from <= b.cluster.to + PAUSE_SECS
                && b.cluster.from <= a.cluster.to + PAUSE_SECS
        };
        let overlap = |a: &Fault, b: &Fault| a.cluster.from < b.cluster.to && b.cluster.from < a.cluster.to;
        let shared = |a: &Fault, b: &Fault| {
            a.features.victims.intersection(&b.features.victims).count() * 2
                >= a.features.victims.len().min(b.features.victims.len())
        };
        let same = joined.iter().position(|old| {
            near(old, &fault)
                && (old.cluster.bounds == fault.cluster.bounds || (overlap(old, &fault) && shared(old, &fault)))
        });
        let Some(at) = same else {
            joined.push(fault);
            continue;
        };
        let Some(old) = joined.get_mut(at) else { continue };
        let (from, to) = (old.cluster.from.min(fault.cluster.from), old.cluster.to.max(fault.cluster.to));
        if fault.features.requests_failed > old.features.requests_failed {
            *old = fault;
        }
        (old.cluster.from, old.cluster.to) = (from, to);
        let own = trials.get(&old.channel).map(|t| t.trials.as_slice()).unwrap_or_default();
        let (sessions_live, regulars) = (old.features.sessions_live, old.features.regulars);
        old.features = Features {
            sessions_live,
            regulars,
            ..verdict::features(facts, pasts, ground, own, &old.cluster, old.channel.status())
        };
    }
    joined
}

/// What the server's own words change: evidence, causes, and waves that turn out to be its fault after all. Gives who
/// was refused in each incident.
fn ask_the_error_log(
    facts: &Facts<'_>,
    notes: &Notes,
    incidents: &mut Vec<Incident>,
    faults: &[Fault],
    bursts: &[Burst],
    causes: &mut [EventCause],
) -> Vec<Party> {
    let client = |refusal: &u32| facts.ledger.refusals.get(*refusal as usize).map(|r| r.client);
    let of_faults = faults.iter().map(|fault| Party::new(facts, fault.features.victims.iter().copied()));
    let of_bursts = bursts.iter().map(|burst| Party::new(facts, burst.refusals.iter().filter_map(client)));
    let mut parties: Vec<Party> = of_faults.chain(of_bursts).collect();
    errors::weigh(facts, notes, incidents, &parties);
    let turned = incidents.iter().skip(faults.len()).zip(bursts).filter(|(i, _)| i.verdict == Verdict::ServerSide);
    for refusal in turned.flat_map(|(_, burst)| &burst.refusals) {
        if let Some(cause) = causes.get_mut(*refusal as usize) {
            *cause = EventCause::ServerMisconfig;
        }
    }
    errors::absorb(incidents, &mut parties, faults.len());
    parties
}

/// Gives the refusals of faults their cause; tells which are free. What others meet in a fault's scope is no second event
/// beside it, unless strangers send credentials, which may be an attack.
fn mark(facts: &Facts<'_>, pasts: &[Past], faults: &[Fault], causes: &mut [EventCause]) -> Vec<bool> {
    let refusals = facts.ledger.refusals.iter().zip(pasts).zip(causes.iter_mut());
    refusals
        .map(|((refusal, past), cause)| {
            let shape = facts.shape(refusal.shape as usize);
            let mut in_scope = faults.iter().filter(|fault| {
                let c = &fault.cluster;
                fault.channel.status() == shape.status
                    && refusal.time.0 >= c.from
                    && refusal.time.0 < c.to
                    && c.bounds.contain(facts, shape.leaf, refusal.client)
            });
            let sends = !past.anywhere && (refusal.user != 0 || facts.route(shape.route).logs_in);
            let is_beside = !sends && in_scope.clone().next().is_some();
            if in_scope.any(|fault| fault.features.victims.contains(&refusal.client)) {
                *cause = EventCause::ServerMisconfig;
                return false;
            }
            !is_beside
        })
        .collect()
}

fn told(facts: &Facts<'_>, trials: &BTreeMap<Channel, Table>, fault: &Fault, locate: Locate<'_>) -> Incident {
    let (cluster, f, status) = (&fault.cluster, &fault.features, fault.channel.status());
    let own = trials.get(&fault.channel).map(|t| t.trials.as_slice()).unwrap_or_default();
    let likely = cause::likely(facts, cluster, f, status, fault.channel == Channel::Gap401);
    let mut scope = figures::scope(facts, &cluster.bounds);
    if fault.channel == Channel::Gap401 && scope.path_prefix.is_empty() {
        scope.path_prefix = figures::failing_prefixes(facts, own, cluster);
    }
    let comes_back = Recurrence::find(facts, own, cluster).map(|found| found.evidence());
    let evidence = likely.evidence.into_iter().chain(comes_back).collect();
    let timeline = figures::timeline(facts, cluster, status, None);
    let ongoing = summary::is_ongoing(facts, own, cluster);
    Incident {
        id: summary::id(status, &scope, cluster.from),
        verdict: Verdict::ServerSide,
        cause: likely.cause,
        cause_is_settled: false,
        confidence: confidence(cluster, f, fault.channel == Channel::Gap401),
        severity: Severity::Critical,
        state: if ongoing { State::Ongoing } else { State::Ended },
        status,
        start: Time(cluster.from),
        peak: summary::peak(&timeline, cluster),
        end: (!ongoing).then_some(Time(cluster.to)),
        detected_at: Time(detected_at(facts, own, cluster)),
        spared: figures::spared(facts, own, cluster),
        clients_affected: f.victims.len() as u64,
        clients_active: u64::from(f.active),
        clients_known_good: u64::from(f.known),
        users_affected: f.names.len() as u64,
        requests_failed: f.requests_failed,
        requests_total: f.requests_total,
        requests_failed_expected: cause::round(f.requests_expected),
        approximate: false,
        evidence,
        ruled_out: likely.ruled_out,
        next_checks: Vec::new(),
        samples: figures::samples(facts, cluster, status, &f.victims, locate),
        timeline_step_secs: figures::step(cluster),
        timeline,
        scope,
    }
}

/// How sure that this is a fault of the server and of that cause: the share that was right of such faults in
/// `fixtures/scenarios` (seeds 21 to 23; a right and a wrong one added), less where the evidence is weak, of which
/// there were too few to count. What hits few of the clients with few of the requests is wrong more often; sessions
/// that die at one moment have passed a test of their own.
fn confidence(cluster: &Cluster, f: &Features, is_flush: bool) -> f64 {
    const RIGHT_OF_WIDE: f64 = (110.0 + 1.0) / (112.0 + 2.0);
    const RIGHT_OF_THIN: f64 = (5.0 + 1.0) / (8.0 + 2.0);
    const WEAK: f64 = 0.25;
    let is_wide = f.victims.len() as f64 >= 0.4 * f64::from(f.active)
        || f.requests_failed as f64 >= 0.1 * f.requests_total as f64;
    let weakness = if is_flush { 0.0 } else { (-(cluster.ratio - 6.0).max(0.0) / 14.0).exp() };
    cause::round(if is_wide || is_flush { RIGHT_OF_WIDE } else { RIGHT_OF_THIN } - WEAK * weakness)
}

/// When five clients had failed and the likelihood ratio of what had been seen reached the gate.
fn detected_at(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> u32 {
    const RATIO: f64 = 14.0;
    let usual = cluster.usual.clamp(1e-4, 0.5);
    let share = cluster.inside.clamp(3.0 * usual.min(0.3), 0.98);
    let (gain, loss) = ((share / usual).ln(), ((1.0 - share) / (1.0 - usual)).ln());
    let (mut sum, mut clients, mut units) = (0.0f64, BTreeSet::new(), BTreeSet::new());
    let start = trials.partition_point(|t| t.time < cluster.from);
    for trial in trials.iter().skip(start).take_while(|t| t.time < cluster.to) {
        if !cluster.bounds.contain(facts, trial.leaf, trial.client) || !units.insert((trial.unit, trial.failed)) {
            continue;
        }
        sum = (sum + if trial.failed { gain } else { loss }).max(0.0);
        if trial.failed {
            clients.insert(trial.client);
            if clients.len() >= 5 && sum >= RATIO {
                return trial.time;
            }
        }
    }
    cluster.to
}

/// Evidence of a burst is one sentence.
pub(crate) fn sentence(text: &str) -> Vec<Evidence> {
    vec![Evidence { supports: true, text: text.to_owned(), figures: BTreeMap::new() }]
}
