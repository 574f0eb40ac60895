//! The story of one client, from its requests in order of time and from what detection made of them.

use super::{Inside, classify::EventCause, errors, facts::Facts, hearing::shape_fits, history::Past};
use crate::model::{
    incident::Incident,
    logged::Logged,
    note::When,
    story::{Outcome, Part, PathCount, Run, Stories, Story},
    tally::{ClientKey, Ledger, Refusal, Seen},
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// Whom an operator asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// An address or host name, as in the log, or a user name that was claimed.
    pub address: String,
    /// A part of the user agent, in any case.
    pub agent: Option<String>,
}

/// Clients told at most: many people may share an address.
const STORIES_MAX: usize = 8;
/// Runs told of one client at most.
const RUNS_MAX: usize = 1000;
/// A run of refusals goes on over successes elsewhere in between, if the next refusal comes within this time.
const PAUSE_SECS: u32 = 1800;
const PATHS_MAX: usize = 3;
const NAMES_MAX: usize = 5;

/// The stories of those who fit, and how many more do: by address or host name, or else by a user name that they claimed.
pub(super) fn tell(inside: &Inside<'_, '_>, who: &Who) -> Stories {
    let mut found = matching(inside.facts, who);
    found.retain(|client| !inside.reported.visits_of(*client).is_empty());
    let by_claimed_name = found.is_empty();
    if by_claimed_name {
        found = claiming(inside, who);
    }
    let refusals = |client: &usize| refusals_of(inside, *client).count();
    found.sort_by_key(|client| (std::cmp::Reverse(refusals(client)), *client));
    let left_out = found.len().saturating_sub(STORIES_MAX);
    let stories = found.into_iter().take(STORIES_MAX).filter_map(|client| story(inside, client)).collect();
    Stories { stories, left_out: left_out as u64, by_claimed_name, limits: Vec::new() }
}

/// Clients that were refused under a user name.
fn claiming(inside: &Inside<'_, '_>, who: &Who) -> Vec<usize> {
    let ledger = inside.facts.ledger;
    let claims = |refusal: &Refusal| refusal.user != 0 && ledger.names.get(refusal.user) == who.address.as_bytes();
    let is_agent = is_agent(ledger, who);
    let clients = ledger.clients.iter().enumerate().filter(|(_, key)| is_agent(key)).map(|(client, _)| client);
    clients.filter(|client| refusals_of(inside, *client).any(claims)).collect()
}

fn refusals_of<'l>(inside: &Inside<'_, 'l>, client: usize) -> impl Iterator<Item = &'l Refusal> {
    let reported = inside.reported;
    reported.ledger.refusals_of(client).iter().filter(move |refusal| reported.holds(refusal.time))
}

fn matching(facts: &Facts<'_>, who: &Who) -> Vec<usize> {
    let ledger = facts.ledger;
    let addr = who.address.parse::<IpAddr>().ok().map(|addr| match addr.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    });
    let is_address = |key: &ClientKey| match addr {
        Some(addr) => key.addr == addr,
        None => key.name().is_some_and(|name| ledger.names.get(name).eq_ignore_ascii_case(who.address.as_bytes())),
    };
    let is_agent = is_agent(ledger, who);
    let fits = |(_, key): &(usize, &ClientKey)| is_address(key) && is_agent(key);
    ledger.clients.iter().enumerate().filter(fits).map(|(client, _)| client).collect()
}

fn is_agent(ledger: &Ledger, who: &Who) -> impl Fn(&ClientKey) -> bool {
    let part = who.agent.as_ref().map(|part| part.to_ascii_lowercase());
    move |key| {
        part.as_ref().is_none_or(|part| {
            let agent = ledger.agents.get(key.agent).to_ascii_lowercase();
            memchr::memmem::find(&agent, part.as_bytes()).is_some()
        })
    }
}

fn story(inside: &Inside<'_, '_>, client: usize) -> Option<Story> {
    let ledger = inside.facts.ledger;
    let key = ledger.clients.get(client)?;
    let visits = inside.reported.visits_of(client);
    let status = |visit: &&Seen| inside.facts.shape(visit.shape()).status;
    let count = |test: &dyn Fn(u16) -> bool| visits.iter().filter(|visit| test(status(visit))).count() as u64;
    let names = names(inside, client);
    let mut teller = Teller::new(inside, client);
    ledger.visits_of(client).iter().for_each(|visit| teller.take(*visit));
    let (runs, incidents) = teller.finish();
    Some(Story {
        client: Logged::new(&ledger.address(key)),
        agent: Logged::new(ledger.agents.get(key.agent)),
        requests: visits.len() as u64,
        ok: count(&|status| status < 400),
        status_401: count(&|status| status == 401),
        status_403: count(&|status| status == 403),
        errors: count(&|status| status >= 500),
        users: names.len() as u64,
        claimed_users: names.into_iter().take(NAMES_MAX).collect(),
        first: visits.first()?.time(),
        last: visits.last()?.time(),
        runs_left_out: runs.len().saturating_sub(RUNS_MAX) as u64,
        runs: runs.into_iter().take(RUNS_MAX).collect(),
        incidents,
    })
}

/// Names claimed on refusals, the most frequent first.
fn names(inside: &Inside<'_, '_>, client: usize) -> Vec<Logged> {
    let ledger = inside.facts.ledger;
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for refusal in refusals_of(inside, client).filter(|refusal| refusal.user != 0) {
        *counts.entry(refusal.user).or_default() += 1;
    }
    let mut names: Vec<(u64, u32)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
    names.sort_by_key(|(count, name)| (std::cmp::Reverse(*count), *name));
    names.into_iter().map(|(_, name)| Logged::new(ledger.names.get(name))).collect()
}

/// What the requests of a run have in common.
#[derive(Clone, PartialEq, Eq)]
struct Kind {
    outcome: Outcome,
    status: u16,
    cause: Option<EventCause>,
    /// Index of the incident.
    incident: Option<usize>,
    /// A 401 that was answered right away.
    is_challenge: bool,
}

/// A run in the making.
struct Draft {
    kind: Kind,
    run: Run,
    /// Requests by index of the path.
    paths: BTreeMap<u32, u64>,
    /// Minutes of it, for the error log.
    minutes: BTreeSet<u32>,
}

struct Teller<'i, 'f, 'l> {
    inside: &'i Inside<'f, 'l>,
    client: u32,
    addr: u128,
    /// Index of the next refusal.
    refusal: usize,
    drafts: Vec<Draft>,
    /// When each route was last served.
    served: BTreeMap<u32, Time>,
    /// Requests by index of the incident.
    parts: BTreeMap<usize, u64>,
}

impl<'i, 'f, 'l> Teller<'i, 'f, 'l> {
    fn new(inside: &'i Inside<'f, 'l>, client: usize) -> Self {
        let ledger = inside.facts.ledger;
        Self {
            inside,
            client: client as u32,
            addr: ledger.clients.get(client).map_or(0, |key| key.addr),
            refusal: ledger.refusals.partition_point(|refusal| (refusal.client as usize) < client),
            drafts: Vec::new(),
            served: BTreeMap::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Of what was before the part reported, only when the client was served is told.
    fn take(&mut self, visit: Seen) {
        let shape = self.inside.facts.shape(visit.shape());
        if self.inside.reported.holds(visit.time()) {
            self.tell(visit, shape.status);
        } else if matches!(shape.status, 401 | 403) {
            self.refusal += 1;
        }
        if shape.served {
            self.served.insert(shape.route, visit.time());
        }
    }

    fn tell(&mut self, visit: Seen, status: u16) {
        let mut why = None;
        let kind = match status {
            401 | 403 => {
                let (kind, words) = self.refused(visit);
                why = words;
                kind
            }
            status if status < 400 => {
                Kind { outcome: Outcome::Served, status: 0, cause: None, incident: None, is_challenge: false }
            }
            status if status >= 500 => {
                let incident = self.incident_of(visit);
                Kind { outcome: Outcome::Failed, status, cause: None, incident, is_challenge: false }
            }
            _ => Kind { outcome: Outcome::Other, status: 0, cause: None, incident: None, is_challenge: false },
        };
        if let Some(incident) = kind.incident {
            *self.parts.entry(incident).or_default() += 1;
        }
        self.add(visit, kind, why);
    }

    /// A refusal's kind, and why it is put down to its cause.
    fn refused(&mut self, visit: Seen) -> (Kind, Option<String>) {
        let index = self.refusal;
        self.refusal += 1;
        let status = self.inside.facts.shape(visit.shape()).status;
        let cause = self.inside.causes.get(index).copied();
        let past = self.inside.pasts.get(index).copied().unwrap_or_default();
        let incident = self.incident_of(visit);
        let is_challenge = cause == Some(EventCause::NoCredentials) && (past.challenged || past.resolved);
        let refusal = self.inside.facts.ledger.refusals.get(index);
        let why = cause.zip(refusal).map(|(cause, refusal)| self.why(cause, refusal, &past, incident));
        // A challenge is an everyday thing, whatever wave it was counted to.
        let incident = incident.filter(|_| !is_challenge);
        (Kind { outcome: Outcome::Refused, status, cause, incident, is_challenge }, why)
    }

    /// The incident that a refusal or failure belongs to: a fault of the server before others.
    fn incident_of(&self, visit: Seen) -> Option<usize> {
        let of_both = self.inside.incidents.iter().zip(self.inside.parties);
        let is_during =
            |incident: &Incident| incident.start <= visit.time() && incident.end.is_none_or(|end| visit.time() < end);
        of_both.enumerate().find_map(|(index, (incident, party))| {
            let belongs = is_during(incident)
                && party.contains(self.client)
                && shape_fits(self.inside.facts, visit.shape(), incident);
            belongs.then_some(index)
        })
    }

    /// As `classify` decides, in words.
    fn why(&self, cause: EventCause, refusal: &Refusal, past: &Past, incident: Option<usize>) -> String {
        let facts = self.inside.facts;
        let route = facts.route(facts.shape(refusal.shape as usize).route);
        let of_incident = incident.and_then(|index| self.inside.incidents.get(index));
        match cause {
            EventCause::ServerMisconfig => {
                match of_incident.map_or(0, |incident| incident.clients_affected.saturating_sub(1)) {
                    0 => "it was refused in a fault of the server".to_owned(),
                    1 => "it was refused together with another client in a fault of the server".to_owned(),
                    others => format!("it was refused together with {others} other clients in a fault of the server"),
                }
            }
            EventCause::IncorrectCredentials if refusal.user != 0 => {
                "a user name was sent, and it was refused: a wrong password, or no such user".to_owned()
            }
            EventCause::IncorrectCredentials => "it was sent to a place to log in, and refused there".to_owned(),
            EventCause::ExpiredSession => {
                let again = if past.logged_in_after { ", and it logged in again right after" } else { "" };
                format!(
                    "it had been served at such a place before, no name is logged there{again}: a session or token that ended"
                )
            }
            EventCause::NoCredentials if past.challenged => {
                "a challenge: the next request carried a user name".to_owned()
            }
            EventCause::NoCredentials if past.anywhere => {
                "nothing in the log shows that it sent credentials here, or ever had a session here".to_owned()
            }
            EventCause::NoCredentials => "nothing was sent, and it was never served anything".to_owned(),
            EventCause::Unauthorized if past.on_route => {
                let kind = if route.writes { "writing" } else { "reading" };
                format!("403 is a decision about this client or request; it was served here at another time ({kind})")
            }
            EventCause::Unauthorized => {
                "403 is a decision about this client or request; it was never served here".to_owned()
            }
        }
    }

    fn add(&mut self, visit: Seen, kind: Kind, why: Option<String>) {
        self.resume(&kind, visit.time());
        let shape = self.inside.facts.shape(visit.shape());
        if self.drafts.last().is_none_or(|draft| draft.kind != kind) {
            let last_served_here = self.served.get(&shape.route).copied();
            self.drafts.push(self.draft(visit.time(), kind, why, last_served_here));
        }
        let path = self.inside.facts.ledger.shapes.get(visit.shape()).map_or(0, |shape| shape.path);
        if let Some(draft) = self.drafts.last_mut() {
            draft.run.end = visit.time();
            draft.run.requests += 1;
            *draft.paths.entry(path).or_default() += 1;
            draft.minutes.insert(visit.time().0 / 60);
        }
    }

    /// Takes up the run before the last where only successes and trifles lie between.
    fn resume(&mut self, kind: &Kind, time: Time) {
        if !matches!(kind.outcome, Outcome::Refused | Outcome::Failed) || kind.is_challenge {
            return;
        }
        let before = self.drafts.iter().rposition(|draft| draft.kind == *kind);
        let Some(before) = before.filter(|before| {
            let between = self.drafts.get(before + 1..).unwrap_or_default();
            let is_recent = self.drafts.get(*before).is_some_and(|d| time.0 - d.run.end.0 <= PAUSE_SECS);
            is_recent && between.iter().all(|draft| is_trifle(&draft.kind) || draft.kind.outcome == Outcome::Served)
        }) else {
            return;
        };
        let between = self.drafts.split_off(before + 1);
        if let Some(draft) = self.drafts.last_mut() {
            between.iter().for_each(|other| fold(&mut draft.run, other));
        }
    }

    fn draft(&self, start: Time, kind: Kind, why: Option<String>, last_served_here: Option<Time>) -> Draft {
        let is_refusal = kind.outcome == Outcome::Refused;
        let run = Run {
            start,
            end: start,
            outcome: kind.outcome,
            status: (kind.status != 0).then_some(kind.status),
            requests: 0,
            served_meanwhile: 0,
            challenges: 0,
            other_errors: 0,
            paths: Vec::new(),
            last_served_here: last_served_here.filter(|_| is_refusal || kind.outcome == Outcome::Failed),
            cause: kind.cause.map(EventCause::id),
            why,
            incident: kind.incident.and_then(|i| self.inside.incidents.get(i)).map(|incident| incident.id.clone()),
            error_log: None,
        };
        Draft { kind, run, paths: BTreeMap::new(), minutes: BTreeSet::new() }
    }

    fn finish(self) -> (Vec<Run>, Vec<Part>) {
        let (inside, addr) = (self.inside, self.addr);
        let mut merged: Vec<Draft> = Vec::new();
        let mut drafts = self.drafts.into_iter().peekable();
        while let Some(mut draft) = drafts.next() {
            // Trifles go to the successes around them; a success that follows one takes it in.
            if is_trifle(&draft.kind) {
                if let Some(last) = merged.last_mut().filter(|last| last.kind.outcome == Outcome::Served) {
                    fold(&mut last.run, &draft);
                    continue;
                }
                if let Some(next) = drafts.peek_mut().filter(|next| next.kind.outcome == Outcome::Served) {
                    fold(&mut next.run, &draft);
                    next.run.start = draft.run.start;
                    continue;
                }
            }
            match merged.last_mut().filter(|last| last.kind == draft.kind && draft.kind.outcome == Outcome::Served) {
                Some(last) => {
                    join(&mut last.run, &draft.run);
                    draft.paths.iter().for_each(|(path, count)| *last.paths.entry(*path).or_default() += count);
                    last.minutes.append(&mut draft.minutes);
                }
                None => merged.push(draft),
            }
        }
        let part = |(index, requests): (usize, u64)| {
            let incident = inside.incidents.get(index)?;
            Some(Part {
                id: incident.id.clone(),
                verdict: incident.verdict,
                cause: incident.cause,
                status: incident.status,
                start: incident.start,
                end: incident.end,
                clients_affected: incident.clients_affected,
                requests,
            })
        };
        let parts = self.parts.into_iter().filter_map(part).collect();
        (merged.into_iter().map(|draft| ended(inside, addr, draft)).collect(), parts)
    }
}

/// What is not worth a run of its own where something else goes on.
fn is_trifle(kind: &Kind) -> bool {
    kind.is_challenge || kind.outcome == Outcome::Other
}

/// Counts one run as part of another that it interrupts.
fn fold(run: &mut Run, other: &Draft) {
    run.end = run.end.max(other.run.end);
    match (other.kind.outcome, other.kind.is_challenge) {
        (_, true) => run.challenges += other.run.requests,
        (Outcome::Served, _) => run.served_meanwhile += other.run.requests,
        _ => run.other_errors += other.run.requests,
    }
    run.challenges += other.run.challenges;
    run.other_errors += other.run.other_errors;
}

fn join(run: &mut Run, next: &Run) {
    run.end = next.end;
    run.requests += next.requests;
    run.challenges += next.challenges;
    run.other_errors += next.other_errors;
}

fn ended(inside: &Inside<'_, '_>, addr: u128, draft: Draft) -> Run {
    let mut run = draft.run;
    let mut paths: Vec<(u64, u32)> = draft.paths.into_iter().map(|(path, count)| (count, path)).collect();
    let names = &inside.facts.ledger.names;
    // The files of pages are fetched most often and say least.
    let is_file = |path: u32| memchr::memmem::find(names.get(path), b"/*.").is_some();
    paths.sort_by_key(|(count, path)| (is_file(*path), std::cmp::Reverse(*count), *path));
    let path = |(requests, path): (u64, u32)| PathCount { path: Logged::new(names.get(path)), requests };
    run.paths = paths.into_iter().take(PATHS_MAX).map(path).collect();
    let told: BTreeSet<When> = draft.minutes.into_iter().map(|minute| When { minute, addr }).collect();
    run.error_log = run.status.and_then(|status| errors::words(inside.notes, &told, status));
    run
}
