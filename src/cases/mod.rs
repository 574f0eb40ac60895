//! From what each run finds to what there is to say: the life of a case. A pure function of the cases so far, the
//! incidents of this run and two clocks, so that a replay of old logs says what the runs would have said.
//!
//! ```text
//! suspected ─> open ─> ongoing ─> recovering ─> resolved ─> (back within two hours) ongoing
//! ```
//!
//! Of what began a few minutes ago too little is seen: tokens that end together look like a lost store for as long as
//! nobody has come back. So a fault opens when it has lasted, or when the next run sees it refuse more; until then it is
//! suspected and nothing is said. One that is over by then is told when it is sure to be over, as a warning.
//!
//! A report's incident has an id made of what was known when it was written; as a fault goes on, its scope and even its
//! start become clearer, and the id another. So a case is known by what it is: the same verdict and status, near in
//! time, and a scope that has something in common. It keeps the id under which it was first told.
//!
//! That runs cannot tell how things stand has a life of its own, [`blindness`].
//!
//! Whether a fault is over is for the *log's* time to say: a log that stands still says nothing. When to speak again of
//! one that is on is for the *clock's*.

pub mod blindness;
mod same;

use crate::model::{
    case::{Account, Case, Event, News, Phase},
    incident::{Incident, State, Verdict},
    time::Time,
};

/// What the operator may choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Below it a fault is suspected.
    pub confidence: f64,
    /// Back within so long, it is the same case.
    pub reopen_within_secs: u32,
    /// Spoken of again after so long.
    pub remind_secs: u32,
    /// Over when nothing was refused for so long; twice that after each return, so that what flaps is one case.
    pub resolve_after_secs: u32,
    /// Whether attacks are cases too.
    pub attacks: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { confidence: 0.8, reopen_within_secs: 7200, remind_secs: 14_400, resolve_after_secs: 900, attacks: true }
    }
}

impl Rules {
    /// Only what somebody may have to act on becomes a case.
    fn is_told(&self, incident: &Incident) -> bool {
        match incident.verdict {
            Verdict::ServerSide => true,
            Verdict::Attack => self.attacks,
            Verdict::ClientSide | Verdict::Undecided => false,
        }
    }
}

/// When a run takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock.
    pub now: Time,
    /// The latest time in the log.
    pub log_end: Time,
    /// The same at the run before; none at the first.
    pub last_log_end: Option<Time>,
}

impl Moment {
    fn is_quiet_since(&self, last: Option<Time>, rules: &Rules) -> bool {
        last.is_none_or(|last| self.log_end.0.saturating_sub(last.0) >= rules.resolve_after_secs)
    }
}

/// A fault that has lasted so long opens at once.
const LASTED_SECS: u32 = 300;
/// What is found so long after its end is still news.
const RETROSPECT_SECS: u32 = 3600;
/// It is worse when so many times as many clients are hit as when it was last spoken of.
const WORSE: u64 = 3;

/// What a run changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advance {
    /// All cases, by start.
    pub cases: Vec<Case>,
    /// What to say, by index of the case, in order.
    pub news: Vec<(Event, usize)>,
}

/// Takes the incidents of a run into the cases. `tell` puts an incident into words.
#[must_use]
pub fn advance(
    cases: Vec<Case>,
    incidents: &[Incident],
    moment: Moment,
    rules: &Rules,
    tell: &dyn Fn(&Incident) -> Account,
) -> Advance {
    let known = cases.len();
    let mut run = Run { cases, news: Vec::new(), moment, rules, tell };
    let mut own: Vec<Vec<&Incident>> = vec![Vec::new(); known];
    for incident in incidents.iter().filter(|incident| rules.is_told(incident)) {
        match same::case_of(&run.cases, incident, moment.log_end, rules.reopen_within_secs) {
            Some(at) => own.get_mut(at).into_iter().for_each(|own| own.push(incident)),
            None => {
                let case = run.new_case(incident);
                run.cases.push(case);
                own.push(vec![incident]);
            }
        }
    }
    for (at, own) in own.iter().enumerate() {
        run.follow(at, own, at >= known);
    }
    for at in 0..known {
        let is_missing = own.get(at).is_some_and(Vec::is_empty) && run.cases.get(at).is_some_and(Case::is_live);
        let other = run.cases.get(at).and_then(|case| same::seen_otherwise(case, incidents, moment.log_end));
        match other {
            Some(other) if is_missing => run.follow_otherwise(at, other),
            _ if is_missing => run.miss(at, &own),
            _ => {}
        }
    }
    run.remind();
    Advance { cases: run.cases, news: run.news }
}

/// Where nothing new was read: only time has passed.
#[must_use]
pub fn wait(cases: Vec<Case>, now: Time, rules: &Rules) -> Advance {
    let moment = Moment { now, log_end: Time(0), last_log_end: None };
    let mut run = Run { cases, news: Vec::new(), moment, rules, tell: &|_| Account::default() };
    run.remind();
    Advance { cases: run.cases, news: run.news }
}

/// The news as they are told.
#[must_use]
pub fn news(advance: &Advance) -> Vec<News> {
    let told = advance
        .news
        .iter()
        .filter_map(|(event, at)| advance.cases.get(*at).map(|case| News { event: *event, case: case.clone() }));
    told.collect()
}

/// What a run sees of a case that was known.
#[derive(Clone, Copy)]
struct Sight {
    is_on: bool,
    /// Whether it is more than the stragglers of what was seen before.
    goes_on: bool,
    is_sure: bool,
}

struct Run<'r> {
    cases: Vec<Case>,
    news: Vec<(Event, usize)>,
    moment: Moment,
    rules: &'r Rules,
    tell: &'r dyn Fn(&Incident) -> Account,
}

impl Run<'_> {
    fn new_case(&self, incident: &Incident) -> Case {
        Case {
            id: self.free_id(incident),
            verdict: incident.verdict,
            status: incident.status,
            cause: incident.cause.to_owned(),
            scope: incident.scope.clone(),
            phase: Phase::Resolved,
            confidence: incident.confidence,
            start: incident.start,
            end: incident.end,
            clients: 0,
            requests: 0,
            returns: 0,
            missing_since: None,
            told_at: None,
            told_clients: 0,
            account: Account::default(),
            remark: String::new(),
        }
    }

    /// The incident's id, or, where an older case has it, that with a letter behind it.
    fn free_id(&self, incident: &Incident) -> String {
        let is_free = |id: &String| self.cases.iter().all(|case| case.id != *id);
        let more = ('b'..='z').map(|letter| format!("{}{letter}", incident.id));
        let mut ids = std::iter::once(incident.id.clone()).chain(more);
        ids.find(is_free).unwrap_or_else(|| format!("{}-{}", incident.id, self.cases.len()))
    }

    /// Takes what was found of a case into it.
    fn follow(&mut self, at: usize, own: &[&Incident], is_new: bool) {
        // What is on counts for more than what was, then the wider.
        let main = own.iter().max_by_key(|i| (i.state == State::Ongoing, i.clients_affected));
        let (Some(main), Some(case)) = (main, self.cases.get_mut(at)) else { return };
        let was = (case.phase, case.end);
        let last_log_end = self.moment.last_log_end.unwrap_or_default();
        let goes_on = own.iter().any(|i| goes_on_after(i, last_log_end, self.moment.log_end));
        let last_failure = own.iter().filter_map(|i| last_failure(i)).max();
        let confidence = own.iter().map(|i| i.confidence).fold(0.0, f64::max);
        let is_sure = confidence >= self.rules.confidence || case.verdict == Verdict::Attack;
        if !is_less_than_told(case, main.clients_affected, confidence, self.rules) {
            case.cause = main.cause.to_owned();
            case.scope = main.scope.clone();
            case.confidence = confidence;
            case.clients = case.clients.max(main.clients_affected);
            case.account = (self.tell)(main);
        }
        case.remark.clear();
        case.start = own.iter().map(|i| i.start).min().unwrap_or(case.start).min(case.start);
        case.requests = case.requests.max(own.iter().map(|i| i.requests_failed).sum());
        case.missing_since = None;
        let is_on = own.iter().any(|i| i.state == State::Ongoing);
        let latest = own.iter().filter_map(|i| i.end).max();
        // Nobody may have come back to show that it is over.
        let is_idle =
            is_on && was.0 == Phase::Suspected && !goes_on && self.moment.is_quiet_since(last_failure, self.rules);
        let is_on = is_on && !is_idle;
        case.end = if is_on { None } else { latest.max(was.1).or(last_failure) };
        if is_new {
            self.begin(at, is_on, is_sure);
        } else {
            self.go_on(at, was, Sight { is_on, goes_on, is_sure });
        }
    }

    /// A case that was not known. What was over long before the run before this one is history, found in retrospect; but
    /// some faults only show what they were when they are over.
    fn begin(&mut self, at: usize, is_on: bool, is_sure: bool) {
        let rules = *self.rules;
        let moment = self.moment;
        let Some(case) = self.cases.get_mut(at) else { return };
        let begun = if is_sure { (Phase::Open, Event::Opened) } else { (Phase::Suspected, Event::Suspected) };
        let end = case.end.unwrap_or(moment.log_end);
        let is_quiet = moment.log_end.0.saturating_sub(end.0) >= rules.resolve_after_secs;
        let is_news = moment.last_log_end.is_some_and(|last| end.0.saturating_add(RETROSPECT_SECS) >= last.0);
        let has_lasted = end.0.saturating_sub(case.start.0) >= LASTED_SECS;
        let (phase, event) = match (is_on, case.verdict) {
            (true, Verdict::ServerSide) if is_sure && !has_lasted => (Phase::Suspected, None),
            (true, _) => (begun.0, Some(begun.1)),
            (false, Verdict::Attack) => (Phase::Resolved, None),
            _ if !is_news => (Phase::Resolved, None),
            // A suspicion that is over before it could be told is not worth a word.
            _ if !is_sure => (Phase::Resolved, None),
            _ if is_quiet => (Phase::Resolved, Some(Event::Missed)),
            // Told when it is sure to be over, or opened when it is not.
            _ if !has_lasted || moment.last_log_end.is_some_and(|last| end < last) => (Phase::Suspected, None),
            _ => (Phase::Recovering, Some(Event::Opened)),
        };
        case.phase = phase;
        self.say(at, event);
    }

    /// A case that was known.
    fn go_on(&mut self, at: usize, (was, ended): (Phase, Option<Time>), Sight { is_on, goes_on, is_sure }: Sight) {
        let rules = *self.rules;
        let moment = self.moment;
        let Some(case) = self.cases.get_mut(at) else { return };
        let is_fault = case.verdict == Verdict::ServerSide;
        let resolve_after = rules.resolve_after_secs << case.returns.min(3);
        let quiet_secs = case.end.map_or(0, |end| moment.log_end.0.saturating_sub(end.0));
        let is_worse = case.told_clients > 0 && case.clients >= case.told_clients.saturating_mul(WORSE);
        let has_more = moment.last_log_end.is_none_or(|last| case.end.is_none_or(|end| end >= last));
        let (phase, event) = match was {
            Phase::Resolved if is_on && has_more && goes_on => {
                case.returns += 1;
                (Phase::Suspected, (!is_sure).then_some(Event::Suspected))
            }
            // Of what is over more is known now, and what was told of it was little.
            Phase::Resolved => (Phase::Resolved, (is_worse && is_sure && is_fault).then_some(Event::Missed)),
            Phase::Suspected if is_sure && is_on && goes_on => {
                let is_back = case.returns > 0 && case.told_at.is_some();
                (Phase::Open, Some(if is_back { Event::Reopened } else { Event::Opened }))
            }
            _ if is_on => {
                case.returns += u32::from(was == Phase::Recovering);
                let phase = if was == Phase::Suspected { was } else { Phase::Ongoing };
                (phase, is_worse.then_some(Event::Worsened))
            }
            _ if !is_fault || quiet_secs >= resolve_after => {
                let event = match was {
                    // Told once, and what came after was not.
                    Phase::Suspected if is_sure && case.told_at.is_some() => None,
                    Phase::Suspected if is_sure && is_fault => Some(Event::Missed),
                    _ => Some(Event::Resolved),
                };
                (Phase::Resolved, event)
            }
            Phase::Suspected => (Phase::Suspected, None),
            _ => (Phase::Recovering, None),
        };
        if phase == Phase::Resolved && was == Phase::Resolved {
            // What an old log shows anew of an old case does not move its end.
            case.end = ended.max(case.end);
        }
        case.phase = phase;
        self.say(at, event);
    }

    /// A live case whose wave is called otherwise now. Whatever it is, people are refused as they were when it was told,
    /// so it is over when that is, and a fault is told as what it was; what it is called now is a remark. A mere suspicion
    /// is dropped.
    fn follow_otherwise(&mut self, at: usize, other: &Incident) {
        let Some(case) = self.cases.get_mut(at) else { return };
        let was = (case.phase, case.end);
        case.missing_since = None;
        case.end = other.end;
        case.remark = format!("a later look takes it for {}", other.cause);
        if case.phase == Phase::Suspected {
            // More of the log has shown what it is, before anybody was woken.
            case.phase = Phase::Resolved;
            return self.say(at, Some(Event::Withdrawn));
        }
        let is_sure = case.confidence >= self.rules.confidence || case.verdict == Verdict::Attack;
        self.go_on(at, was, Sight { is_on: other.end.is_none(), goes_on: true, is_sure });
    }

    /// A live case that this run does not show. What more of the log takes back is not taken back at once: the next
    /// lines may bring it again.
    fn miss(&mut self, at: usize, own: &[Vec<&Incident>]) {
        let moment = self.moment;
        let heir = self.cases.get(at).and_then(|case| same::heir(&self.cases, at, case, own));
        let heir = heir.and_then(|heir| self.cases.get(heir)).map(|heir| heir.id.clone());
        let Some(case) = self.cases.get_mut(at) else { return };
        let since = *case.missing_since.get_or_insert(moment.log_end);
        let is_gone = moment.log_end.0.saturating_sub(since.0) >= self.rules.resolve_after_secs;
        if heir.is_none() && !is_gone {
            return;
        }
        case.phase = Phase::Resolved;
        case.end = case.end.or(Some(since));
        case.remark = match heir {
            Some(heir) => format!("part of incident {heir}"),
            None => "more of the log shows no fault".to_owned(),
        };
        self.say(at, Some(Event::Withdrawn));
    }

    fn remind(&mut self) {
        for at in 0..self.cases.len() {
            let Some(case) = self.cases.get(at) else { continue };
            let after_secs = self.rules.remind_secs;
            let is_due = after_secs > 0 && case.told_at.is_some_and(|told| told.is_past(after_secs, self.moment.now));
            if is_due && case.is_live() && case.verdict == Verdict::ServerSide {
                self.say(at, Some(Event::Reminder));
            }
        }
    }

    /// Says something of a case. Of an attack only that it has begun: there is always one. Of what was never told not that
    /// it is gone.
    fn say(&mut self, at: usize, event: Option<Event>) {
        let (Some(event), Some(case)) = (event, self.cases.get_mut(at)) else { return };
        if case.told_at.is_none() && matches!(event, Event::Resolved | Event::Withdrawn) {
            return;
        }
        if case.verdict == Verdict::Attack && event != Event::Opened {
            return;
        }
        case.told_at = Some(self.moment.now);
        case.told_clients = case.clients;
        self.news.push((event, at));
    }
}

/// Whether a run sees less of a case than was told: what somebody was woken for is not told as something smaller later,
/// only as something larger, or surer.
fn is_less_than_told(case: &Case, clients: u64, confidence: f64, rules: &Rules) -> bool {
    let is_doubted = confidence < rules.confidence && case.confidence >= rules.confidence;
    case.told_at.is_some() && (is_doubted || (clients < case.clients && confidence <= case.confidence))
}

/// The end of the last slice with a refusal.
fn last_failure(incident: &Incident) -> Option<Time> {
    let last = incident.timeline.iter().rfind(|point| point.failed > 0)?;
    Some(Time(last.time.0.saturating_add(incident.timeline_step_secs)))
}

/// Whether an incident is more than the stragglers of what was seen before: a tenth of its clients in the slices of its
/// timeline that begin at a time or after it, or anybody once it has lasted for three runs of the usual kind.
fn goes_on_after(incident: &Incident, time: Time, log_end: Time) -> bool {
    const LONG_SECS: u32 = 900;
    let later = incident.timeline.iter().filter(|point| point.time >= time);
    let failing: u64 = later.map(|point| point.failing_clients).sum();
    let has_lasted = log_end.0.saturating_sub(incident.start.0) >= LONG_SECS;
    failing >= if has_lasted { 1 } else { (incident.clients_affected / 10).max(2) }
}

#[cfg(test)]
mod tests;
