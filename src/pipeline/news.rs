//! What was written to the logs since the last run, read: from positions to tallies whose places hold for ever.

use super::{Options, coverage, members::Scanned, scan};
use crate::{
    error::{Error, Kind},
    input::{self, Discovery, LogFile, follow},
    model::{
        cursor::Cursor,
        tally::{ChunkCoverage, Kept, Place, Shard, Tallies},
        time::Time,
    },
    parse::pieces::{self, Open},
    progress::Progress,
    state::Log,
    tally::Budget,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What a run has read.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Each log that was seen, as it stands now.
    pub(super) logs: Vec<Log>,
    /// The new requests; the file of a place is the log's id, its line counts from the beginning of the log.
    pub(super) shards: Vec<Shard>,
    /// Whose requests are in them.
    pub(super) kept: Kept,
    /// Lines read.
    pub(super) lines: u64,
    /// Lines understood.
    pub(super) parsed: u64,
    /// What could not be read.
    pub(super) problems: Vec<Error>,
}

/// Fewer new lines than this that nobody understands are noise, not another format.
const UNKNOWN_MIN: u64 = 20;
/// A rotation that falls into the reading makes it worthless, so it is done again: a few times at most.
const TRIES: usize = 3;

/// Reads what is new. `next` is the first free id of a log; it moves on.
pub(super) fn read(
    paths: &[PathBuf],
    known: &[Log],
    next: &mut u32,
    options: &Options,
    budget: &Budget,
    now: Time,
    progress: &Progress,
) -> News {
    let cursors: Vec<Cursor> = known.iter().map(|log| log.cursor.clone()).collect();
    let mut left_out: Vec<(PathBuf, Error)> = Vec::new();
    for attempt in 1.. {
        let found = discover(paths);
        let (files, mut problems) = (found.files, found.problems);
        let files = files.into_iter().filter(|file| left_out.iter().all(|(path, _)| *path != file.path)).collect();
        let followed = follow::follow(files, &cursors, now, whole);
        problems.extend(followed.problems);
        let files: Vec<LogFile> = followed.news.iter().map(|(file, _)| file.clone()).collect();
        // Parts of files are read here, so that archives are not taken apart.
        let Scanned { tallies, problems: broken, .. } = scan::scan(&files, options, budget, progress);
        let broken = broken.into_iter().chain(moved(&followed.news));
        let broken: Vec<(PathBuf, Error)> =
            broken.filter_map(|(at, error)| Some((files.get(at as usize)?.path.clone(), error))).collect();
        if !broken.is_empty() {
            // Tallies of all files are mixed, so those of a broken one cannot be left out of them.
            if attempt >= TRIES {
                left_out.extend(broken);
            }
            if attempt < 2 * TRIES {
                continue;
            }
            problems.extend(left_out.into_iter().map(|(_, error)| error));
            return News { problems, ..News::default() };
        }
        problems.extend(left_out.into_iter().map(|(_, error)| error));
        let mut news = Merge::new(known, next).merge(&followed.news, tallies);
        let unchanged = followed.unchanged.into_iter().filter_map(|cursor| {
            let log = known.iter().find(|log| log.cursor.id == cursor.id)?;
            Some(Log { cursor, ..log.clone() })
        });
        news.logs.extend(unchanged);
        news.problems.splice(0..0, problems);
        return news;
    }
    News::default()
}

/// A line of which a container's logger has written some pieces is left for the next run.
fn whole(lines: &[u8]) -> usize {
    pieces::cut(lines, lines.len(), Open::default()).0
}

/// The files behind paths, with what became of them in rotations.
fn discover(paths: &[PathBuf]) -> Discovery {
    let all: Vec<PathBuf> = paths.iter().flat_map(|path| follow::with_rotated(path)).collect();
    input::discover(&all)
}

/// Files that are no longer what they were when they were looked into.
fn moved(read: &[(LogFile, Cursor)]) -> Vec<(u32, Error)> {
    let moved = read.iter().zip(0..).filter(|((log, cursor), _)| !follow::is_there(log, cursor));
    moved.map(|((log, _), at)| (at, Error::new(Kind::Changed, &log.path))).collect()
}

/// Adds what was read to what was known.
struct Merge<'k> {
    known: &'k [Log],
    next: &'k mut u32,
    /// For each chunk read, the log's id and the number of its first line.
    first: BTreeMap<(u32, u32), (u32, u64)>,
}

impl<'k> Merge<'k> {
    fn new(known: &'k [Log], next: &'k mut u32) -> Self {
        Self { known, next, first: BTreeMap::new() }
    }

    fn merge(mut self, read: &[(LogFile, Cursor)], tallies: Tallies) -> News {
        let Tallies { mut shards, kept, mut chunks } = tallies;
        chunks.sort_by_key(|chunk| (chunk.file, chunk.chunk));
        let mut news = News::default();
        for ((file, cursor), index) in read.iter().zip(0..) {
            let mut log = self.log(cursor);
            let own: Vec<&ChunkCoverage> = chunks.iter().filter(|chunk| chunk.file == index).collect();
            let (lines, parsed) = (log.coverage.lines, log.coverage.parsed);
            for chunk in &own {
                self.first.insert((chunk.file, chunk.chunk), (log.cursor.id, log.coverage.lines));
                coverage::add(&mut log.coverage, &mut log.formats, chunk);
            }
            let (lines, parsed) = (log.coverage.lines - lines, log.coverage.parsed - parsed);
            news.lines += lines;
            news.parsed += parsed;
            let rejected: u64 = own.iter().flat_map(|chunk| chunk.rejected.values()).map(|here| here.lines).sum();
            if rejected >= UNKNOWN_MIN && rejected > parsed {
                news.problems.extend(unknown(&file.path, &log));
            }
            news.logs.push(log);
        }
        for shard in &mut shards {
            shard.move_places(|place| self.placed(place));
        }
        news.shards = shards;
        news.kept = kept;
        news
    }

    fn log(&mut self, cursor: &Cursor) -> Log {
        let mut log = self.known.iter().find(|log| log.cursor.id == cursor.id).cloned().unwrap_or_default();
        log.cursor = cursor.clone();
        if log.cursor.id == 0 {
            log.cursor.id = *self.next;
            *self.next += 1;
        }
        log
    }

    fn placed(&self, place: Place) -> Place {
        let (file, first) = self.first.get(&(place.file, place.chunk)).copied().unwrap_or_default();
        Place { file, chunk: 0, line: u32::try_from(first).unwrap_or(u32::MAX).saturating_add(place.line) }
    }
}

/// Most of its new lines were not understood: did the format change?
fn unknown(path: &Path, log: &Log) -> Option<Error> {
    let here = log.coverage.rejected.values().max_by_key(|here| here.lines)?;
    Some(super::unknown_format(path, &here.text, u64::from(here.line) + 1))
}

/// What is known of all logs as the tallies of one reading: one chunk for each, files in the order of their paths.
/// Gives the files, their chunks, and for each log's id its index.
pub(super) fn coverage_of(logs: &[Log]) -> (Vec<LogFile>, Vec<ChunkCoverage>, BTreeMap<u32, u32>) {
    let mut sorted: Vec<&Log> = logs.iter().collect();
    sorted.sort_by(|a, b| (&a.cursor.path, a.cursor.id).cmp(&(&b.cursor.path, b.cursor.id)));
    let files = sorted.iter().map(|log| LogFile::remembered(&log.cursor)).collect();
    let chunk = |(log, file): (&&Log, u32)| coverage::chunk(&log.coverage, &log.formats, (file, 0));
    let chunks = sorted.iter().zip(0..).map(chunk).collect();
    (files, chunks, sorted.iter().zip(0..).map(|(log, file)| (log.cursor.id, file)).collect())
}
