//! A run of `check`: read what is new, remember it, look at all that is remembered, follow the cases, and put it all
//! into the state at once. What is said, and to whom, is for others.

use super::{Options, conclude, coverage, errors, memory, news, report};
use crate::{
    cases::{self, Advance, Moment, Rules, blindness},
    detect, input,
    model::{
        blindness::{Blindness, Sight},
        case::{Account, Case, Level, News},
        cursor::Cursor,
        incident::{Incident, Verdict},
        report::Report,
        tally::Place,
        time::Time,
        usual::Usual,
    },
    pipeline::Keep,
    progress::Progress,
    state::{self, Change, ErrorLog, Log, Store},
    tally::Budget,
    usual::{self, Recent},
};
use std::path::PathBuf;

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The access logs: files, directories, patterns.
    pub paths: Vec<PathBuf>,
    /// The error logs.
    pub error_logs: Vec<PathBuf>,
    /// How lines are read.
    pub reading: Options,
    /// When to speak.
    pub rules: Rules,
    /// How much to remember.
    pub keep: Keep,
    /// When to look at all that is remembered.
    pub looks: Looks,
    /// A log without a line for so long is stale; 0 for never.
    pub stale_after_secs: u32,
    /// The clock.
    pub now: Time,
    /// Whether the report is wanted even if nothing is new.
    pub wants_report: bool,
    /// Whether the state stays as it is.
    pub is_dry_run: bool,
}

/// When a run looks at all that is remembered, which is dear, and when it may leave it at storing what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// After so long in any case, by the clock; 0 for each run.
    pub every_secs: u32,
    /// Fewer requests than this are looked at by each run: that costs no more than the rest of it.
    pub always_below: u64,
}

impl Default for Looks {
    fn default() -> Self {
        Self { every_secs: 3600, always_below: 50_000 }
    }
}

impl Looks {
    /// Whether it is time for one, the last having been taken at `last` or never.
    pub(super) fn is_due(self, last: Option<Time>, now: Time, requests: u64) -> bool {
        requests < self.always_below || last.is_none_or(|last| last.is_past(self.every_secs, now))
    }
}

/// What keeps the run from telling how things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The same as long as it is the same trouble.
    pub key: String,
    /// In words, with numbers that change.
    pub text: String,
}

/// Numbers about a run, for those who draw them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Whether this run looked at all that is remembered.
    pub is_look: bool,
    /// Lines read by this run.
    pub lines: u64,
    /// Of them, those understood.
    pub parsed: u64,
    /// The same over all runs.
    pub lines_total: u64,
    /// The same over all runs.
    pub parsed_total: u64,
    /// The earliest request that is remembered.
    pub since: Option<Time>,
    /// The latest time in the log.
    pub log_end: Option<Time>,
}

/// Something to say.
#[derive(Clone, Copy, Debug)]
pub enum Word<'w> {
    /// Of an incident.
    Case(&'w News),
    /// Of being blind.
    Sight(&'w Sight),
}

/// What a run has found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How things stand.
    pub level: Level,
    /// What is to be said, in order.
    pub news: Vec<News>,
    /// All cases, by start.
    pub cases: Vec<Case>,
    /// What is wrong with the logs.
    pub troubles: Vec<Trouble>,
    /// Whether the troubles are others than the last run told, or were told long ago.
    pub troubles_are_news: bool,
    /// What is to be said of being blind.
    pub sight: Option<Sight>,
    /// The latest time of being blind, where it is on.
    pub blindness: Option<Blindness>,
    /// Numbers.
    pub figures: Figures,
    /// The report on all that is remembered, where it was looked at.
    pub report: Option<Report>,
}

/// Does a run. `tell` puts an incident into words; `post` gives the messages that news of incidents or of being blind
/// become, each with its channel: they go into the state together with what they tell of, and are delivered from there.
///
/// # Errors
/// The state cannot be used; nothing has changed then.
pub fn check(
    store: &mut Store,
    ask: &Ask,
    progress: &Progress,
    tell: &dyn Fn(&Report, &Incident) -> Account,
    post: &dyn Fn(Word<'_>) -> Vec<(String, String)>,
) -> Result<Outcome, state::Error> {
    let known = store.logs()?;
    let mut next = store.fact("next_log")?.unwrap_or(1) as u32;
    let budget = Budget::new(ask.reading.memory_bytes, ask.reading.detect.window_secs);
    let first_free = next;
    let mut news = news::read(&ask.paths, &known, &mut next, &ask.reading, &budget, ask.now, progress);
    progress.finish();
    let is_ahead = memory::is_mostly_ahead(&news.shards, ask.now);
    if is_ahead {
        // Nothing is taken, so that nothing is lost when the clock is right again.
        (news, next) = (news::News { problems: news.problems, ..news::News::default() }, first_free);
    }
    let errors = errors::news(&ask.error_logs, &store.error_logs()?, &mut next, ask.now);
    let mut change =
        Change { facts: vec![("next_log", next.into()), ("last_run", ask.now.0.into())], ..Change::default() };
    let logs = all_logs(known, &news.logs);
    let mut troubles: Vec<Trouble> = news.problems.iter().chain(&errors.problems).map(trouble).collect();
    if is_ahead {
        let text = "most new lines bear times that are ahead of the clock, and were left for later: the clock is wrong, \
                    or the zone of a log that names none (--tz)";
        troubles.push(Trouble { key: "ahead".to_owned(), text: text.to_owned() });
    }
    let mut run = Run { store, ask, budget: &budget, errors: &errors, change: &mut change, troubles: &mut troubles };

    let (lines, parsed) = (news.lines, news.parsed);
    let new = memory::take(run.store, (news.shards, news.kept), (ask.now, ask.keep), &budget, run.change)?;
    let is_look = ask.wants_report || run.is_look_needed(&new, lines > 0)?;
    let (report, advance) = if is_look {
        let (report, advance) = run.look(&logs, new, tell)?;
        (Some(report), advance)
    } else {
        run.keep(new)?;
        (None, cases::wait(run.store.cases()?, ask.now, &ask.rules))
    };
    let log_end = run.end_of_log(&logs)?;
    run.mark_stale(log_end);
    let troubles_are_news = run.compare_troubles()?;
    let since = run.fact("remembered_since")?;
    let horizon = run.fact("horizon")?.unwrap_or_default();
    let told = cases::news(&advance);
    let (blindness, sight) = run.see()?;
    let words = told.iter().map(Word::Case).chain(sight.iter().map(Word::Sight));
    change.messages = words.flat_map(post).collect();
    change.cases = advance.cases.clone();
    change.logs = news.logs;
    change.notes = Some((errors.notes, horizon)).filter(|_| !ask.error_logs.is_empty());
    change.error_logs = errors.logs;
    let figures = Figures {
        is_look,
        lines,
        parsed,
        lines_total: logs.iter().map(|log| log.coverage.lines).sum(),
        parsed_total: logs.iter().map(|log| log.coverage.parsed).sum(),
        since,
        log_end,
    };
    if !ask.is_dry_run {
        store.commit(&change)?;
    }
    let level = level(&advance.cases, !troubles.is_empty());
    let cases = advance.cases;
    Ok(Outcome { level, news: told, cases, troubles, troubles_are_news, sight, blindness, figures, report })
}

/// What a run makes of it that cannot use the state, from what the one before it made of that: as it stands now, and
/// what there is to say.
#[must_use]
pub fn without_state(before: Option<Blindness>, message: &str, ask: &Ask) -> (Option<Blindness>, Option<Sight>) {
    blindness::look(before, &[message], ask.now, &ask.rules)
}

/// A fault that is open is more urgent than a log that cannot be read; that in turn more than all else.
#[must_use]
pub fn level(cases: &[Case], is_blind: bool) -> Level {
    let worst = cases.iter().map(Case::level).max().unwrap_or(Level::Ok);
    if worst < Level::Critical && is_blind { Level::Unknown } else { worst }
}

/// Those that were seen, as they stand now, and those that were not.
fn all_logs(known: Vec<Log>, seen: &[Log]) -> Vec<Log> {
    let unseen = known.into_iter().filter(|log| seen.iter().all(|other| other.cursor.id != log.cursor.id));
    unseen.chain(seen.iter().cloned()).collect()
}

fn trouble(error: &crate::error::Error) -> Trouble {
    let kind = std::mem::discriminant(&error.kind);
    Trouble { key: format!("{:?} {kind:?}", error.path), text: error.to_string() }
}

/// A run in the middle of its work.
struct Run<'r> {
    store: &'r Store,
    ask: &'r Ask,
    budget: &'r Budget,
    /// What is new in the error logs.
    errors: &'r errors::News,
    change: &'r mut Change,
    troubles: &'r mut Vec<Trouble>,
}

impl Run<'_> {
    /// Whether this run has to look at all that is remembered: it is time for that, or there is something to follow, or
    /// what is new is not as usual.
    fn is_look_needed(&self, new: &memory::New, is_news: bool) -> Result<bool, state::Error> {
        let store = self.store;
        let (log_end, looked_until) = (self.fact("log_end")?, self.fact("looked_until")?);
        if !is_news && looked_until >= log_end {
            return Ok(false);
        }
        let requests = store.pieces()?.iter().map(|piece| piece.requests).sum();
        if self.ask.looks.is_due(self.fact("looked_at")?, self.ask.now, requests)
            || store.cases()?.iter().any(Case::is_live)
            // A trouble may be one that only a look finds.
            || !store.word("troubles")?.is_empty()
            || new.ahead > 0
        {
            return Ok(true);
        }
        let (Some(usual), Some((first, last))) = (store.usual()?, new.span()) else { return Ok(is_news) };
        // Late lines, or the lines of runs that were missed.
        let last = last.max(log_end.unwrap_or_default());
        if last.0 - first.0 >= usual::RECENT_SECS {
            return Ok(true);
        }
        Ok(Recent::new(&memory::recent(store, new, last)?).stands_out(&usual, first))
    }

    /// Keeps what is new, and leaves it at that.
    fn keep(&mut self, new: memory::New) -> Result<(), state::Error> {
        if let Some((_, last)) = new.span() {
            let end = self.fact("log_end")?.map_or(last, |end| end.max(last));
            self.change.facts.push(("log_end", end.0.into()));
        }
        self.change.pieces.extend(new.pieces);
        Ok(())
    }

    /// Looks at all that is remembered, and follows the cases where there is anything that no look has seen.
    fn look(
        &mut self,
        logs: &[Log],
        new: memory::New,
        tell: &dyn Fn(&Report, &Incident) -> Account,
    ) -> Result<(Report, Advance), state::Error> {
        let ask = self.ask;
        let (files, chunks, ranks) = news::coverage_of(logs);
        let ahead = new.ahead;
        let is_news = !new.pieces.is_empty() || self.fact("looked_until")? < self.fact("log_end")?;
        let memory = memory::whole(self.store, new, (ask.now, ask.keep), self.budget, &ranks, self.change)?;
        self.forget_logs(logs, memory.horizon);
        let numbers = coverage::LineNumbers::new(&files, &chunks);
        let mut input = coverage::input(&files, &chunks, &[], &numbers);
        let notes = self.said(&memory)?;
        input.error_logs = notes.covered;
        let locate = |place: Place| numbers.locate(place);
        let limits = limits((&memory, ahead), &input, self.store, self.change)?;
        let span = memory.ledger.span;
        let is_learnt = memory.ledger.visits.len() as u64 >= ask.looks.always_below;
        let learnt = is_learnt.then(|| (usual::learn(&memory.ledger), Recent::new(&memory.ledger)));
        let (mut findings, _) = conclude(memory.ledger, self.budget, &ask.reading.detect, |ledger, settings| {
            detect::detect_with(ledger, &notes.notes, settings, &locate)
        });
        findings.limits.extend(notes.limits);
        findings.limits.extend(limits);
        let report = report(input, findings);
        self.change.usual = learnt.map(|(usual, recent)| usual_after(usual, &recent, &report));

        let Some((since, log_end)) = span else {
            return Ok((report, cases::wait(self.store.cases()?, ask.now, &ask.rules)));
        };
        let last_log_end = self.fact("looked_until")?;
        self.change.facts.extend([
            ("log_end", log_end.0.into()),
            ("remembered_since", since.0.into()),
            ("looked_until", log_end.0.into()),
            ("looked_at", ask.now.0.into()),
        ]);
        let known = self.store.cases()?;
        let advance = if is_news {
            let moment = Moment { now: ask.now, log_end, last_log_end };
            cases::advance(known, &report.incidents, moment, &ask.rules, &|incident| tell(&report, incident))
        } else {
            cases::wait(known, ask.now, &ask.rules)
        };
        self.forget_cases(&advance.cases, log_end);
        Ok((report, advance))
    }

    /// All that the error logs said, as far back as is remembered.
    fn said(&mut self, memory: &memory::Memory) -> Result<errors::Read, state::Error> {
        let (ask, new) = (self.ask, self.errors);
        if ask.error_logs.is_empty() {
            return Ok(errors::Read::default());
        }
        let mut notes = self.store.notes()?;
        notes.absorb(new.notes.clone());
        let mut logs = self.store.error_logs()?;
        logs.retain(|log| new.logs.iter().all(|seen| seen.cursor.id != log.cursor.id));
        let is_quoted = |log: &ErrorLog| notes.quotes.iter().any(|quote| quote.file == log.cursor.id);
        let is_old = |log: &ErrorLog| log.cursor.seen.modified() < memory.horizon && !is_quoted(log);
        let gone = logs.extract_if(.., |log| is_old(log) && is_gone(&log.cursor));
        self.change.forgotten_error_logs.extend(gone.map(|log| log.cursor.id));
        logs.extend(new.logs.iter().cloned());
        Ok(errors::remembered(logs, notes, ask.reading.error_log_zone_secs, &memory.ledger))
    }

    /// Logs that were rotated away and of which nothing is remembered.
    fn forget_logs(&mut self, logs: &[Log], horizon: Time) {
        let is_old = |log: &Log| log.coverage.span.map_or(log.cursor.seen.modified(), |(_, last)| last) < horizon;
        let gone = logs.iter().filter(|log| is_old(log) && is_gone(&log.cursor)).map(|log| log.cursor.id);
        self.change.forgotten_logs.extend(gone);
    }

    /// History is kept for a year.
    fn forget_cases(&mut self, cases: &[Case], now: Time) {
        const KEPT_SECS: u32 = 366 * 86_400;
        let is_old =
            |case: &&Case| !case.is_live() && case.end.is_some_and(|end| end.0.saturating_add(KEPT_SECS) < now.0);
        self.change.forgotten_cases.extend(cases.iter().filter(is_old).map(|case| case.id.clone()));
    }

    fn end_of_log(&self, logs: &[Log]) -> Result<Option<Time>, state::Error> {
        let is_any = logs.iter().any(|log| log.coverage.parsed > 0);
        // A log that is older than all that is remembered has an end, too.
        let latest = || logs.iter().filter_map(|log| log.coverage.span).map(|(_, last)| last).max();
        Ok(self.fact("log_end")?.or_else(latest).filter(|_| is_any))
    }

    /// A time as this run leaves it.
    fn fact(&self, name: &str) -> Result<Option<Time>, state::Error> {
        let changed = self.change.facts.iter().rev().find(|(known, _)| *known == name).map(|(_, at)| *at);
        Ok(changed.or(self.store.fact(name)?).map(|at| Time(at as u32)))
    }

    fn mark_stale(&mut self, log_end: Option<Time>) {
        let Some(end) = log_end else {
            // Where the files themselves are the trouble, that says enough.
            if self.troubles.is_empty() {
                let text = "no line of a log was understood yet".to_owned();
                self.troubles.push(Trouble { key: "nothing".to_owned(), text });
            }
            return;
        };
        if end >= memory::future(self.ask.now) && self.troubles.is_empty() {
            let text = format!("the log is ahead of the clock: its last line is of {} UTC", end.minute());
            self.troubles.push(Trouble { key: "ahead".to_owned(), text });
        }
        let age_secs = self.ask.now.0.saturating_sub(end.0);
        if self.ask.stale_after_secs > 0 && age_secs > self.ask.stale_after_secs {
            let (age, unit) =
                if age_secs < 2 * 86_400 { (age_secs / 60, "minutes") } else { (age_secs / 86_400, "days") };
            let text = format!("the log is stale: its last line is of {} UTC, {age} {unit} ago", end.minute());
            self.troubles.push(Trouble { key: "stale".to_owned(), text });
        }
    }

    /// Follows whether runs can tell how things stand: what that is now, where they cannot, and what to say of it.
    fn see(&mut self) -> Result<(Option<Blindness>, Option<Sight>), state::Error> {
        let latest = self.store.blindness()?.pop();
        let troubles: Vec<&str> = self.troubles.iter().map(|trouble| trouble.text.as_str()).collect();
        let (now, sight) = blindness::look(latest.clone(), &troubles, self.ask.now, &self.ask.rules);
        self.change.blindness = now.clone().filter(|now| latest.as_ref() != Some(now));
        Ok((now.filter(Blindness::is_live), sight))
    }

    /// Whether the troubles are others than those that were told last, and notes them then.
    fn compare_troubles(&mut self) -> Result<bool, state::Error> {
        let mut keys: Vec<&str> = self.troubles.iter().map(|trouble| trouble.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.join("\n");
        let told = self.store.word("troubles")?;
        let told_at = Time(self.store.fact("troubles_told_at")?.unwrap_or(0) as u32);
        let remind_secs = self.ask.rules.remind_secs;
        let is_due = remind_secs > 0 && told_at.is_past(remind_secs, self.ask.now);
        let are_news = keys != told || (is_due && !keys.is_empty());
        if are_news {
            self.change.words.push(("troubles", keys));
            self.change.facts.push(("troubles_told_at", self.ask.now.0.into()));
        }
        Ok(are_news)
    }
}

/// What is usual after a look: as it was learnt, and what stands out in the last hour with it if that is no fault and no
/// attack.
pub(super) fn usual_after(usual: Usual, recent: &Recent, report: &Report) -> Usual {
    let hour = report.input.end.map_or(0, |end| end.0.saturating_sub(usual::RECENT_SECS));
    let is_bad = |incident: &Incident| matches!(incident.verdict, Verdict::ServerSide | Verdict::Attack);
    let is_recent = |incident: &Incident| incident.end.is_none_or(|end| end.0 >= hour);
    let is_clear = !report.incidents.iter().any(|incident| is_bad(incident) && is_recent(incident));
    if is_clear { recent.judged(usual) } else { usual }
}

fn is_gone(cursor: &Cursor) -> bool {
    !std::fs::exists(input::path_of(cursor)).unwrap_or(true)
}

/// How far back this looks, and what it left out.
fn limits(
    (memory, ahead): (&memory::Memory, u64),
    input: &crate::model::report::Input,
    store: &Store,
    change: &Change,
) -> Result<Vec<String>, state::Error> {
    let mut limits = Vec::new();
    let dropped = store.fact("dropped_requests")?.unwrap_or(0) as u64 + change.dropped_requests;
    if let (Some((since, until)), true) = (memory.ledger.span, dropped > 0) {
        let days = f64::from(until.0 - since.0) / 86_400.0;
        limits.push(format!(
            "baseline: {days:.1} days; of the {} lines understood, {dropped} are older and no longer remembered",
            input.parsed
        ));
    }
    if ahead > 0 {
        limits.push(format!("{ahead} new requests bear times in the future and were left out"));
    }
    Ok(limits)
}
