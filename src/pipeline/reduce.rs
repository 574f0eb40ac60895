//! The second half of an analysis: parts to a report, the same as that of one reading of everything. Owns the merging;
//! whether the parts make a whole is for `whole.rs`.

use super::{
    Analysis, LeftOut, Options, Read, bounds, coverage,
    whole::{self, Held, Whole},
    with_lead,
};
#[cfg(feature = "parquet")]
pub use crate::exchange::parquet::Table;
use crate::{
    error::{Error, Kind},
    exchange::{
        Damage,
        part::{self, Header},
    },
    input::{self, Discovery, LogFile},
    model::{
        note::Notes,
        tally::{Kept, Place, Shard},
        time::Time,
    },
    progress::Progress,
    tally::{self, Budget, Store},
};
use std::{collections::BTreeMap, path::PathBuf};

/// Parts of so much, which are those of some gigabytes of log, are read once.
const IN_MEMORY_BYTES: usize = 64 << 20;

/// Parts that were looked at and fit together; their rows are still to be read.
#[derive(Debug)]
pub struct Parts {
    held: Vec<Held>,
    whole: Whole,
    spare: Vec<String>,
    /// What standard input held, and the first files; the others are read a second time, so that not all are in memory
    /// at once.
    in_memory: BTreeMap<PathBuf, Vec<u8>>,
    problems: Vec<Error>,
}

/// Looks at every part: whether it is whole, what it says of itself, and whether together they are all of each file
/// once. `expected` are the paths of the files that there should be, where somebody knows.
///
/// # Errors
/// Two parts cannot be merged: they were read in different ways, or hold the same lines.
pub fn open_parts(found: Discovery, expected: Option<&[Vec<u8>]>) -> Result<Parts, String> {
    let Discovery { files, mut problems, .. } = found;
    let (mut held, mut in_memory, mut room_bytes) = (Vec::new(), BTreeMap::new(), IN_MEMORY_BYTES);
    for file in files {
        match input::bytes(&file).and_then(|bytes| Ok((headers(&bytes, &file)?, bytes))) {
            Ok((headers, bytes)) => {
                held.extend(headers);
                if file.is_stdin() || bytes.len() <= room_bytes {
                    room_bytes = room_bytes.saturating_sub(bytes.len());
                    in_memory.insert(file.path, bytes);
                }
            }
            Err(error) => problems.push(error),
        }
    }
    let (held, spare) = whole::each_once(held)?;
    let (whole, missing) = whole::put_together(&held, expected);
    problems.extend(missing);
    Ok(Parts { held, whole, spare, in_memory, problems })
}

/// The parts of a file, one behind another: all of them, or none where one is damaged.
fn headers(bytes: &[u8], file: &LogFile) -> Result<Vec<Held>, Error> {
    let damaged = |damage: Damage| Error::new(Kind::BadPart { cause: damage.to_string() }, &file.path);
    let mut held = Vec::new();
    for range in part::split(bytes).map_err(damaged)? {
        let opened = part::open(bytes.get(range.clone()).unwrap_or_default()).map_err(damaged)?;
        held.push(Held { file: file.clone(), range, header: opened.header });
    }
    Ok(held)
}

impl Parts {
    /// What was said about reading, as options of the command line.
    #[must_use]
    pub fn settings(&self) -> &[String] {
        self.held.first().map(|held| held.header.settings.as_slice()).unwrap_or_default()
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.held.iter().map(|held| held.range.len() as u64).sum()
    }

    /// Parts that say nothing new: what each of them holds stands in another; a sentence for each.
    #[must_use]
    pub fn spare(&self) -> &[String] {
        &self.spare
    }

    /// Gives the rows of all parts that have some in a span, settled whenever they grow many, and how many requests of
    /// other days were left out.
    ///
    /// # Errors
    /// A part is no longer what it was when it was looked at, or its rows make no sense.
    fn rows(
        &self,
        span: (Time, Time),
        budget: &Budget,
        progress: &Progress,
    ) -> Result<(Vec<Shard>, Kept, u64), String> {
        let store = Store::of_parts(budget.clone(), self.kept());
        let mut left_out = 0;
        let mut again = (PathBuf::new(), Vec::new());
        for (held, at) in self.held.iter().zip(0..) {
            let all = match self.in_memory.get(&held.file.path) {
                Some(bytes) => bytes,
                None if again.0 == held.file.path => &again.1,
                None => {
                    let bytes = input::bytes(&held.file).map_err(|error| error.to_string())?;
                    again = (held.file.path.clone(), bytes);
                    &again.1
                }
            };
            let bytes = all.get(held.range.clone()).unwrap_or_default();
            let named = |damage: Damage| {
                format!("{}: this part is not used, and so nothing is reported: {damage}", held.file.name)
            };
            let part = part::open(bytes).map_err(named)?;
            if part.header != held.header {
                return Err(Error::new(Kind::Changed, &held.file.path).to_string());
            }
            let (mut shard, others) = part.rows(span).map_err(named)?;
            shard.move_places(|place| self.whole.place(at, place));
            store.put(shard);
            left_out += others;
            progress.advance(bytes.len() as u64);
        }
        let (shards, kept) = store.take();
        Ok((shards, kept, left_out))
    }

    fn kept(&self) -> Kept {
        self.held.iter().map(|held| held.header.kept).max().unwrap_or_default()
    }

    /// Whether requests that are only counted were counted by the windows of the report.
    fn check_windows(&self, window_secs: u32) -> Result<(), String> {
        let other = |held: &&Held| !held.header.kept.is_all() && held.header.window_secs != window_secs;
        match self.held.iter().find(other) {
            None => Ok(()),
            Some(held) => Err(format!(
                "{}: not all clients are kept in this part, and the requests of the others were counted by windows of {} \
                 seconds; report with --window {}s",
                held.file.name, held.header.window_secs, held.header.window_secs
            )),
        }
    }
}

/// Merges parts and reports as [`super::analyze`] does; `errors` are the error logs to read beside.
///
/// # Errors
/// The parts cannot give such a report, in words.
pub fn reduce(mut parts: Parts, errors: Discovery, options: &Options, progress: &Progress) -> Result<Analysis, String> {
    parts.check_windows(options.detect.window_secs)?;
    let budget = Budget::new(options.memory_bytes, options.detect.window_secs);
    let Whole { files, chunks, .. } = &parts.whole;
    let (files, chunks) = (files.clone(), chunks.clone());
    let numbers = coverage::LineNumbers::new(&files, &chunks);
    let mut input = coverage::input(&files, &chunks, &[], &numbers);
    for (covered, problem) in input.files.iter_mut().zip(&parts.whole.problems) {
        covered.problem.clone_from(problem);
    }
    let unknown = super::unknown_formats(&files, &input, &chunks, &numbers);
    let copies = coverage::copies(&input, std::mem::take(&mut parts.whole.heads));
    let input = coverage::with_missing(input, &parts.problems);
    let span = bounds(options, &input);
    let (shards, kept, others) = parts.rows(with_lead(span), &budget, progress)?;
    progress.finish();
    let mut problems = std::mem::take(&mut parts.problems);
    problems.extend(unknown);
    let (ledger, requests) = tally::build_between((shards, kept), with_lead(span), &budget);
    let mut limits: Vec<String> = super::zone_assumed(&parts.whole.zoneless, &files).into_iter().collect();
    limits.append(&mut parts.whole.limits);
    let left_out = LeftOut { requests: requests + others, bytes: 0 };
    let notes = Notes::default();
    let read = Read { ledger, budget, notes, input, numbers, problems, limits, copies, span, left_out };
    Ok(super::concluded(super::completed(read, errors, options), options))
}

/// Writes the tables of [`crate::exchange::parquet`] that are asked for. Gives whose requests were written, and what is
/// missing.
///
/// # Errors
/// They cannot be merged or written, in words.
#[cfg(feature = "parquet")]
pub fn write_tables<W: std::io::Write + Send>(
    parts: Parts,
    options: &Options,
    progress: &Progress,
    tables: impl IntoIterator<Item = (Table, W)>,
) -> Result<(Kept, Vec<Error>), String> {
    let budget = Budget::new(options.memory_bytes, options.detect.window_secs);
    let all = (Time(0), Time(u32::MAX));
    let (shards, kept, _) = parts.rows(all, &budget, progress)?;
    progress.finish();
    let (ledger, _) = tally::build_between((shards, kept), all, &budget);
    for (table, out) in tables {
        table.write(&ledger, out).map_err(|error| error.to_string())?;
    }
    Ok((ledger.kept, parts.problems))
}

/// Merges parts into one, which says the same.
///
/// # Errors
/// The requests of some clients were counted by different windows.
pub fn merge_parts(
    parts: Parts,
    options: &Options,
    tool: &str,
    progress: &Progress,
) -> Result<(Vec<u8>, Vec<Error>), String> {
    let window_secs = parts.held.first().map_or(options.detect.window_secs, |held| held.header.window_secs);
    parts.check_windows(window_secs)?;
    let budget = Budget::new(options.memory_bytes, window_secs);
    let (shards, kept, _) = parts.rows((Time(0), Time(u32::MAX)), &budget, progress)?;
    progress.finish();
    let flat: BTreeMap<(u32, u32), u32> =
        parts.whole.chunks.iter().zip(0..).map(|(c, at)| ((c.file, c.chunk), at)).collect();
    let mut shards = shards;
    for shard in &mut shards {
        shard.move_places(|place| {
            let file = flat.get(&(place.file, place.chunk)).copied().unwrap_or_default();
            Place { file, chunk: 0, line: place.line }
        });
    }
    let (ledger, _) = tally::build_between((shards, kept), (Time(0), Time(u32::MAX)), &budget);
    let header = Header {
        tool: tool.to_owned(),
        settings: parts.settings().to_vec(),
        kept: ledger.kept,
        window_secs,
        sources: parts.whole.sources(&parts.held),
        problems: parts.held.iter().flat_map(|held| held.header.problems.clone()).collect(),
    };
    Ok((part::write(&header, &ledger), parts.problems))
}
