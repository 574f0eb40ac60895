//! Old logs as checks would have read them: one reading, then detection over what each check would have remembered.
//!
//! The parts of time do not depend on each other, so they are looked at side by side, some at once; the cases are then
//! followed in order of time, once for each confidence that is tried.

use super::{Keep, Looks, Options, check::usual_after, conclude, coverage, members::Scanned, memory, scan};
use crate::{
    cases::{self, Moment, Rules},
    detect::{self, Locate},
    error::Error,
    input::Discovery,
    model::{
        case::{Account, Case, Event, News},
        incident::{Incident, Verdict},
        report::{Input, Report},
        tally::{Ledger, Place},
        time::Time,
        usual::Usual,
    },
    progress::Progress,
    tally::{self, Budget},
    usual::{self, Recent},
};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// What is replayed, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How lines are read.
    pub reading: Options,
    /// When to speak.
    pub rules: Rules,
    /// How much a check remembers.
    pub keep: Keep,
    /// When a check looks at all of it.
    pub looks: Looks,
    /// Seconds from check to check.
    pub every_secs: u32,
    /// Other values of the rules' confidence to be tried.
    pub confidences: Vec<f64>,
}

/// What checks would have said.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Each message, with the time of its check.
    pub news: Vec<(Time, News)>,
    /// What other values of the confidence would have given.
    pub trials: Vec<Trial>,
    /// How many checks that found something new.
    pub checks: u64,
    /// How many of them looked at all that was remembered.
    pub looks: u64,
    /// Lines understood.
    pub parsed: u64,
    /// Earliest and latest time.
    pub span: Option<(Time, Time)>,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Error>,
}

/// What one value of the confidence would have given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The value.
    pub confidence: f64,
    /// Faults that would have been critical.
    pub faults: u64,
    /// Faults that were over when they were told, and so no more than a warning.
    pub missed: u64,
    /// Faults that would never have been more than suspected.
    pub suspected: u64,
    /// The first time at which one would have been critical.
    pub first: Option<Time>,
}

/// Steps that are looked at side by side before their cases are followed: a bound on what is held.
const BATCH: usize = 64;

/// Replays.
#[must_use]
pub fn backtest(
    found: Discovery,
    plan: &Plan,
    progress: &Progress,
    tell: &dyn Fn(&Report, &Incident) -> Account,
) -> Replay {
    let Discovery { files, mut problems, .. } = found;
    let budget = Budget::new(plan.reading.memory_bytes, plan.reading.detect.window_secs);
    let Scanned { files, tallies, problems: broken, .. } = scan::scan(&files, &plan.reading, &budget, progress);
    progress.finish();
    let numbers = coverage::LineNumbers::new(&files, &tallies.chunks);
    let parsed = tallies.chunks.iter().map(|chunk| chunk.parsed).sum();
    problems.extend(broken.into_iter().map(|(_, error)| error));
    let (ledger, _) = tally::build_between((tallies.shards, tallies.kept), (Time(0), Time(u32::MAX)), &budget);
    let mut replay = Replay { parsed, span: ledger.span, problems, ..Replay::default() };
    let Some((first, last)) = ledger.span else { return replay };

    let locate = |place: Place| numbers.locate(place);
    let steps = steps(&ledger, first, last, plan.every_secs.max(1));
    let mut main = Course::new(plan.rules, plan.looks);
    let trial = |confidence: &f64| Course::new(Rules { confidence: *confidence, ..plan.rules }, plan.looks);
    let mut trials: Vec<Course> = plan.confidences.iter().map(trial).collect();
    for batch in steps.chunks(BATCH) {
        let looks: Vec<Look> =
            batch.par_iter().filter_map(|step| look(&ledger, *step, (plan, &budget), &locate)).collect();
        for look in looks {
            let news = main.advance(&look, &|incident| tell(&look.report, incident));
            replay.news.extend(news.into_iter().map(|news| (look.moment.now, news)));
            for course in &mut trials {
                course.advance(&look, &|_| Account::default());
            }
            replay.checks += 1;
        }
    }
    replay.looks = main.looks_taken;
    replay.trials = trials.iter().map(Course::trial).collect();
    replay
}

/// The times of the checks that find something new.
fn steps(ledger: &Ledger, first: Time, last: Time, every_secs: u32) -> Vec<Time> {
    let mut busy = vec![false; (last.0 / every_secs - first.0 / every_secs + 1) as usize];
    for seen in &ledger.visits {
        if let Some(busy) = busy.get_mut((seen.time().0 / every_secs - first.0 / every_secs) as usize) {
            *busy = true;
        }
    }
    let ends = (first.0 / every_secs + 1..).zip(busy).filter(|(_, is_busy)| *is_busy);
    ends.map(|(step, _)| Time(step.saturating_mul(every_secs))).collect()
}

/// What one check sees if it looks, and what it goes by when it decides whether to.
struct Look {
    report: Report,
    /// Its `last_log_end` is for the course to know.
    moment: Moment,
    usual: Usual,
    recent: Recent,
    requests: u64,
}

fn look(ledger: &Ledger, now: Time, (plan, budget): (&Plan, &Budget), locate: Locate<'_>) -> Option<Look> {
    let from = Time(now.0.saturating_sub(plan.keep.secs));
    let (remembered, _) = memory::folded(ledger, from, Time(now.0 - 1));
    let (ledger, _) = tally::build_between((remembered, ledger.kept), (from, now), budget);
    let (_, log_end) = ledger.span?;
    let (usual, recent, requests) = (usual::learn(&ledger), Recent::new(&ledger), ledger.visits.len() as u64);
    let (findings, _) =
        conclude(ledger, budget, &plan.reading.detect, |ledger, settings| detect::detect(ledger, settings, locate));
    let input = Input { end: Some(log_end), ..Input::default() };
    let report = Report { input, incidents: findings.incidents, ..Report::default() };
    let usual = usual_after(usual, &recent, &report);
    Some(Look { report, moment: Moment { now, log_end, last_log_end: None }, usual, recent, requests })
}

/// The cases under one set of rules.
struct Course {
    rules: Rules,
    looks: Looks,
    cases: Vec<Case>,
    /// When all was looked at last, how far the log went then, and what was usual.
    last: Option<(Moment, Usual)>,
    /// When the check before this one was.
    checked: Time,
    looks_taken: u64,
    opened: BTreeSet<String>,
    missed: BTreeSet<String>,
    suspected: BTreeSet<String>,
    first: Option<Time>,
}

impl Course {
    fn new(rules: Rules, looks: Looks) -> Self {
        Self {
            rules,
            looks,
            cases: vec![],
            last: None,
            checked: Time(0),
            looks_taken: 0,
            opened: BTreeSet::new(),
            missed: BTreeSet::new(),
            suspected: BTreeSet::new(),
            first: None,
        }
    }

    fn advance(&mut self, look: &Look, tell: &dyn Fn(&Incident) -> Account) -> Vec<News> {
        let since = std::mem::replace(&mut self.checked, look.moment.now);
        let cases = std::mem::take(&mut self.cases);
        let advance = if self.is_look_needed(&cases, look, since) {
            self.looks_taken += 1;
            let last = self.last.replace((look.moment, look.usual.clone()));
            let moment = Moment { last_log_end: last.map(|(moment, _)| moment.log_end), ..look.moment };
            cases::advance(cases, &look.report.incidents, moment, &self.rules, tell)
        } else {
            cases::wait(cases, look.moment.now, &self.rules)
        };
        let news = cases::news(&advance);
        for news in news.iter().filter(|news| news.case.verdict == Verdict::ServerSide) {
            let id = news.case.id.clone();
            let told = match news.event {
                Event::Opened => {
                    self.first = self.first.or(Some(look.moment.now));
                    &mut self.opened
                }
                Event::Missed => &mut self.missed,
                Event::Suspected => &mut self.suspected,
                _ => continue,
            };
            told.insert(id);
        }
        self.cases = advance.cases;
        news
    }

    /// As a check decides it.
    fn is_look_needed(&self, cases: &[Case], look: &Look, since: Time) -> bool {
        let Some((last, usual)) = &self.last else { return true };
        self.looks.is_due(Some(last.now), look.moment.now, look.requests)
            || cases.iter().any(Case::is_live)
            || look.moment.log_end.0.saturating_sub(since.0) >= usual::RECENT_SECS
            || look.recent.stands_out(usual, since)
    }

    fn trial(&self) -> Trial {
        // Each fault once, as the most that was said of it.
        let (opened, missed) = (&self.opened, &self.missed);
        Trial {
            confidence: self.rules.confidence,
            faults: opened.len() as u64,
            missed: missed.difference(opened).count() as u64,
            suspected: self.suspected.iter().filter(|id| !opened.contains(*id) && !missed.contains(*id)).count() as u64,
            first: self.first,
        }
    }
}
