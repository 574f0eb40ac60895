//! The program's story: find the files, scan them side by side, merge, detect, report. Owns order and threads.

mod advice;
mod backtest;
mod check;
mod coverage;
mod doctor;
mod errors;
mod map;
mod members;
mod memory;
mod news;
mod reduce;
mod reread;
mod scan;
mod skip;
mod source;
mod stream;
mod whole;

pub use backtest::{Plan, Replay, Trial, backtest};
pub use check::{Ask, Figures, Looks, Outcome, Trouble, Word, check, level, without_state};
pub use doctor::diagnose;
pub use map::{Mapped, Mapping, map};
pub use memory::Keep;
pub use reduce::{Parts, merge_parts, open_parts, reduce};
#[cfg(feature = "parquet")]
pub use reduce::{Table, write_tables};
pub use reread::reread;
pub use source::{FormatChoice, Formats, Heads};

use self::members::Scanned;
use crate::{
    detect::{self, Findings, Who},
    error::{Error, Kind},
    input::{Discovery, LogFile},
    model::{
        logged::Logged,
        note::Notes,
        report::{Input, Report},
        story::Stories,
        tally::{ChunkCoverage, Kept, Ledger, Place},
        time::Time,
    },
    parse,
    progress::Progress,
    tally::{self, Budget},
};
use std::{path::Path, sync::Arc};

/// What the operator asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How lines are read.
    pub format: Formats,
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Memory for what is kept of requests.
    pub memory_bytes: u64,
    /// The operator's own routes.
    pub routes: Arc<tally::Routes>,
    /// Statuses that count as 401 or 403.
    pub statuses: tally::Statuses,
    /// Reported is what is not before this, judged by what was in the day before it.
    pub since: Bound,
    /// Left out from this on.
    pub until: Bound,
    /// The zone of the error logs' times, in seconds east of Greenwich; the access log's where none is given.
    pub error_log_zone_secs: Option<i32>,
    /// For detection.
    pub detect: detect::Settings,
}

/// An end of the span to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bound {
    /// Everything.
    #[default]
    Open,
    /// A moment.
    At(Time),
    /// So many seconds before the end of the log.
    BeforeEnd(u32),
}

/// So much of the log before a span is read as its past. Who is known good shows within a day, and so does what is
/// usual at each hour: what goes wrong every night is no news. A day is also what most logs hold between two rotations,
/// so that little is read beside the file at hand.
const LEAD_SECS: u32 = 86_400;

/// A report, and what went wrong on the way to it.
#[derive(Debug)]
pub struct Analysis {
    /// The answer.
    pub report: Report,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Error>,
    /// That files may be copies of each other; the report says so too.
    pub copies: Option<String>,
}

/// Reads everything and reports once; `errors` are the error logs to read beside.
#[must_use]
pub fn analyze(found: Discovery, errors: Discovery, options: &Options, progress: &Progress) -> Analysis {
    concluded(read(found, errors, options, progress, None), options)
}

/// The report on what was read.
fn concluded(read: Read, options: &Options) -> Analysis {
    let locate = |place: Place| read.numbers.locate(place);
    let settings = detect::Settings { since: read.span.0, ..options.detect };
    let (mut findings, ledger) = conclude(read.ledger, &read.budget, &settings, |ledger, settings| {
        detect::detect_with(ledger, &read.notes, settings, &locate)
    });
    findings.limits.extend(read.limits);
    findings.limits.extend(read.copies.clone());
    findings.limits.extend(asked_for(options, read.left_out, ledger.kept));
    // The process is about to end, and giving the memory back piece by piece would take a while.
    std::mem::forget(ledger);
    Analysis { report: report(read.input, findings), problems: read.problems, copies: read.copies }
}

/// Stories of clients, and what went wrong on the way to them.
#[derive(Debug)]
pub struct Explanation {
    /// None where no client fits.
    pub stories: Stories,
    /// Lines understood.
    pub parsed: u64,
    /// Whose requests memory held; those of whoever goes by what was asked for in any case, unless that is nobody.
    pub kept: Kept,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Error>,
}

/// Reads everything and tells the stories of some clients.
#[must_use]
pub fn explain(found: Discovery, errors: Discovery, options: &Options, progress: &Progress, who: &Who) -> Explanation {
    let read = read(found, errors, options, progress, Some(&who.address));
    let locate = |place: Place| read.numbers.locate(place);
    let settings = detect::Settings { since: read.span.0, ..options.detect };
    let (mut stories, ledger) = conclude(read.ledger, &read.budget, &settings, |ledger, settings| {
        detect::explain(ledger, &read.notes, settings, &locate, who)
    });
    stories.limits.extend(read.limits);
    stories.limits.extend(read.copies);
    stories.limits.extend(asked_for(options, read.left_out, ledger.kept));
    Explanation { stories, parsed: read.input.parsed, kept: ledger.kept, problems: read.problems }
}

/// What detection finds in the largest share of the clients for which it has the room, and the ledger of that share.
fn conclude<T>(
    mut ledger: Ledger,
    budget: &Budget,
    settings: &detect::Settings,
    find: impl Fn(&Ledger, &detect::Settings) -> Option<T>,
) -> (T, Ledger) {
    loop {
        let settings = detect::Settings { room_bytes: budget.left_bytes(&ledger), ..*settings };
        if let Some(found) = find(&ledger, &settings) {
            return (found, ledger);
        }
        ledger = tally::halve(ledger, budget);
    }
}

/// All that was read, before anything is concluded from it.
struct Read {
    ledger: Ledger,
    budget: Budget,
    notes: Notes,
    input: Input,
    numbers: coverage::LineNumbers,
    problems: Vec<Error>,
    limits: Vec<String>,
    copies: Option<String>,
    /// What was asked for; the end exclusive.
    span: (Time, Time),
    left_out: LeftOut,
}

/// What is not looked at, since it lies outside the span asked for and its lead.
#[derive(Clone, Copy, Default)]
struct LeftOut {
    /// Requests that were read.
    requests: u64,
    /// Bytes of log that were not.
    bytes: u64,
}

/// Reads it all; `wanted` is an address or host name that is kept, whoever else is not.
fn read(found: Discovery, errors: Discovery, options: &Options, progress: &Progress, wanted: Option<&str>) -> Read {
    let Discovery { files, mut problems, .. } = found;
    let budget = Budget::new(options.memory_bytes, options.detect.window_secs).wanting(wanted);
    let Scanned { files, origins, tallies, problems: noticed, skipped } =
        scan::scan(&files, options, &budget, progress);
    progress.finish();
    let (zoneless, broken): (Vec<_>, Vec<_>) = noticed.into_iter().partition(|(_, error)| error.kind == Kind::NoZone);
    let numbers = coverage::LineNumbers::new(&files, &tallies.chunks).behind(skipped);
    let input = coverage::input(&files, &tallies.chunks, &broken, &numbers);
    let unknown = unknown_formats(&files, &input, &tallies.chunks, &numbers);
    let copies = coverage::copies(&input, origins.into_iter().map(|origin| options.format.heads.seen(origin)));
    let input = coverage::with_missing(sorted(&files, input), &problems);
    problems.extend(broken.into_iter().map(|(_, error)| error));
    problems.extend(unknown);
    let span = bounds(options, &input);
    let (ledger, requests) = tally::build_between((tallies.shards, tallies.kept), with_lead(span), &budget);
    let limits = zone_assumed(&zoneless, &files).into_iter().collect();
    let left_out = LeftOut { requests, bytes: input.files.iter().map(|file| file.unread_bytes).sum() };
    let notes = Notes::default();
    let read = Read { ledger, budget, notes, input, numbers, problems, limits, copies, span, left_out };
    completed(read, errors, options)
}

/// The files in order of their paths, which members of an archive are not.
fn sorted(files: &[LogFile], mut input: Input) -> Input {
    let mut covered: Vec<_> = files.iter().map(|file| &file.path).zip(input.files).collect();
    covered.sort_by_key(|(path, _)| *path);
    input.files = covered.into_iter().map(|(_, covered)| covered).collect();
    input
}

/// With the error logs.
fn completed(mut read: Read, errors: Discovery, options: &Options) -> Read {
    let errors = errors::read(errors, options.error_log_zone_secs, &read.ledger);
    read.problems.extend(errors.problems);
    let (since, until) = read.span;
    if since >= until && read.input.parsed > 0 {
        read.problems.push(Error { kind: Kind::EmptySpan { since, until }, path: None, line: None });
    }
    read.input.error_logs = errors.covered;
    read.notes = errors.notes;
    read.input.begins_late = read.input.start.is_some_and(|start| start < with_lead(read.span).0);
    // What is still on at the end asked for is on no longer than that. Where nothing is in front of it, nothing is.
    if read.input.start.is_some_and(|start| start < until) {
        read.input.end = read.input.end.map(|end| end.min(until));
    }
    read.limits.splice(0..0, errors.limits);
    read
}

/// What the report shows otherwise because it was asked for.
fn asked_for(options: &Options, left_out: LeftOut, kept: Kept) -> Vec<String> {
    let statuses = options.statuses.text().map(|text| format!("as asked for, these statuses are counted: {text}"));
    let mut limits: Vec<String> = statuses.into_iter().collect();
    let span = match (options.since, options.until) {
        (Bound::Open, Bound::Open) => return limits,
        (Bound::Open, _) => "the span asked for",
        _ => "the span asked for and the day before it",
    };
    if !kept.is_all() {
        limits.push("the span asked for was widened to whole windows, by which requests were counted".to_owned());
    }
    limits.extend(match left_out {
        LeftOut { requests: 0, bytes: 0 } => None,
        LeftOut { requests, bytes: 0 } => Some(format!("{requests} requests outside {span} were left out")),
        LeftOut { requests: 0, bytes } => Some(format!("{bytes} bytes of log outside {span} were not read")),
        LeftOut { requests, bytes } => {
            Some(format!("{requests} requests and another {bytes} bytes of log outside {span} were left out"))
        }
    });
    limits
}

/// A span with the lead in front of it.
fn with_lead((since, until): (Time, Time)) -> (Time, Time) {
    (Time(since.0.saturating_sub(LEAD_SECS)), until)
}

/// The span to look at; the end exclusive.
fn bounds(options: &Options, input: &Input) -> (Time, Time) {
    let at = |bound: Bound, open: u32| match bound {
        Bound::Open => Time(open),
        Bound::At(time) => time,
        Bound::BeforeEnd(secs) => Time(input.end.unwrap_or_default().0.saturating_sub(secs)),
    };
    (at(options.since, 0), at(options.until, u32::MAX))
}

fn report(input: Input, findings: Findings) -> Report {
    let Findings { totals, event_causes, incidents, windows, clients, limits, lead } = findings;
    Report { input: Input { lead, ..input }, totals, event_causes, incidents, windows, clients, limits }
}

/// That UTC was taken for times without a zone.
fn zone_assumed(zoneless: &[(u32, Error)], files: &[LogFile]) -> Option<String> {
    let (first, more) = zoneless.split_first()?;
    let name = files.get(first.0 as usize).map(|file| file.name.as_str()).unwrap_or_default();
    let others = if more.is_empty() { String::new() } else { format!(" and {} other files", more.len()) };
    Some(format!("the times in {name}{others} carry no zone and were read as UTC: --tz names the server's"))
}

/// A file with lines of which none could be read is a problem of its own: the first one is shown, with the format
/// that came nearest and where it stopped fitting.
fn unknown_formats(
    files: &[LogFile],
    input: &Input,
    chunks: &[ChunkCoverage],
    numbers: &coverage::LineNumbers,
) -> Vec<Error> {
    let unread = files
        .iter()
        .zip(&input.files)
        .enumerate()
        .filter(|(_, (_, covered))| covered.parsed == 0 && covered.rejected > 0);
    unread
        .filter_map(|(index, (file, _))| {
            let rejected = chunks
                .iter()
                .filter(|c| c.file as usize == index)
                .flat_map(|c| c.rejected.values().map(move |r| (c.chunk, r)));
            let (chunk, first) = rejected.min_by_key(|(chunk, r)| (*chunk, r.line))?;
            let (_, line) = numbers.locate(Place { file: index as u32, chunk, line: first.line });
            Some(unknown_format(&file.path, &first.text, line))
        })
        .collect()
}

/// A line that no format fits, in front of others like it.
fn unknown_format(path: &Path, text: &[u8], line: u64) -> Error {
    if advice::is_of_error_log(text) {
        return Error::new(Kind::ErrorLog, path).at_line(line);
    }
    let (format, rejection) = parse::nearest(text);
    let kind = Kind::UnknownFormat {
        text: Logged::new(text.get(..TEXT_BYTES_MAX).unwrap_or(text)),
        nearest: format.id,
        reason: rejection.reason.text(),
        advice: match text.trim_ascii_start() {
            [b'{', ..] => "name its keys with --json-field, as `authfault doctor` suggests",
            _ => "give the server's own with --log-format, or see `authfault formats`",
        },
        column: rejection.column,
    };
    Error::new(kind, path).at_line(line)
}

/// Of a line that is quoted in an error.
const TEXT_BYTES_MAX: usize = 160;
