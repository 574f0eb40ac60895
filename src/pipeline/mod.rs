//! The program's story: find the files, scan them side by side, merge, detect, report. Owns order and threads.

mod backtest;
mod check;
mod coverage;
mod errors;
mod memory;
mod news;
mod reread;
mod scan;
mod source;

pub use backtest::{Plan, Replay, Trial, backtest};
pub use check::{Ask, Figures, Outcome, Trouble, check};
pub use memory::Keep;
pub use reread::reread;
pub use source::FormatChoice;

use crate::{
    detect::{self, Findings, Who},
    error::{Error, Kind},
    input::{Discovery, LogFile},
    model::{
        logged::Logged,
        note::Notes,
        report::{Input, Report},
        story::Stories,
        tally::{ChunkCoverage, Ledger, Place},
        time::Time,
    },
    parse,
    progress::Progress,
    tally,
};
use std::{path::Path, sync::Arc};

/// What the operator asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How lines are read.
    pub format: FormatChoice,
    /// Worker threads, at least 1.
    pub threads: usize,
    /// The operator's own routes.
    pub routes: Arc<tally::Routes>,
    /// Statuses that count as 401 or 403.
    pub statuses: tally::Statuses,
    /// Left out before this.
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

/// A report, and what went wrong on the way to it.
#[derive(Debug)]
pub struct Analysis {
    /// The answer.
    pub report: Report,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Error>,
}

/// Reads everything and reports once; `errors` are the error logs to read beside.
#[must_use]
pub fn analyze(found: Discovery, errors: Discovery, options: &Options, progress: &Progress) -> Analysis {
    let read = read(found, errors, options, progress);
    let locate = |place: Place| read.numbers.locate(place);
    let mut findings = detect::detect_with(&read.ledger, &read.notes, &options.detect, &locate);
    findings.limits.extend(read.limits);
    Analysis { report: report(read.input, findings), problems: read.problems }
}

/// Stories of clients, and what went wrong on the way to them.
#[derive(Debug)]
pub struct Explanation {
    /// None where no client fits.
    pub stories: Stories,
    /// Lines understood.
    pub parsed: u64,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Error>,
}

/// Reads everything and tells the stories of some clients.
#[must_use]
pub fn explain(found: Discovery, errors: Discovery, options: &Options, progress: &Progress, who: &Who) -> Explanation {
    let read = read(found, errors, options, progress);
    let locate = |place: Place| read.numbers.locate(place);
    let mut stories = detect::explain(&read.ledger, &read.notes, &locate, who);
    stories.limits.extend(read.limits);
    Explanation { stories, parsed: read.input.parsed, problems: read.problems }
}

/// All that was read, before anything is concluded from it.
struct Read {
    ledger: Ledger,
    notes: Notes,
    input: Input,
    numbers: coverage::LineNumbers,
    problems: Vec<Error>,
    limits: Vec<String>,
}

fn read(found: Discovery, errors: Discovery, options: &Options, progress: &Progress) -> Read {
    let Discovery { files, mut problems, .. } = found;
    let (tallies, broken) = scan::scan(&files, options, progress);
    progress.finish();
    let numbers = coverage::LineNumbers::new(&files, &tallies.chunks);
    let mut input = coverage::input(&files, &tallies.chunks, &broken, &numbers);
    problems.extend(broken.into_iter().map(|(_, error)| error));
    problems.extend(unknown_formats(&files, &input, &tallies.chunks, &numbers));
    let (ledger, left_out) = tally::build_between(tallies.shards, bounds(options, &input));
    let errors = errors::read(errors, options.error_log_zone_secs, &ledger);
    problems.extend(errors.problems);
    input.error_logs = errors.covered;
    let mut limits = errors.limits;
    limits.extend(options.statuses.text().map(|text| format!("as asked for, these statuses are counted: {text}")));
    if left_out > 0 {
        limits.push(format!(
            "{left_out} requests outside the span asked for were left out: what came before may explain what is shown"
        ));
    }
    Read { ledger, notes: errors.notes, input, numbers, problems, limits }
}

/// The span to keep; the end exclusive.
fn bounds(options: &Options, input: &Input) -> (Time, Time) {
    let at = |bound: Bound, open: u32| match bound {
        Bound::Open => Time(open),
        Bound::At(time) => time,
        Bound::BeforeEnd(secs) => Time(input.end.unwrap_or_default().0.saturating_sub(secs)),
    };
    (at(options.since, 0), at(options.until, u32::MAX))
}

fn report(input: Input, findings: Findings) -> Report {
    let Findings { totals, event_causes, incidents, windows, clients, limits } = findings;
    Report { input, totals, event_causes, incidents, windows, clients, limits }
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
    let (format, rejection) = parse::nearest(text);
    let kind = Kind::UnknownFormat {
        text: Logged::new(text.get(..TEXT_BYTES_MAX).unwrap_or(text)),
        nearest: format.id,
        reason: rejection.reason.text(),
        column: rejection.column,
    };
    Error::new(kind, path).at_line(line)
}

/// Of a line that is quoted in an error.
const TEXT_BYTES_MAX: usize = 160;
