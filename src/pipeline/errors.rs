//! Error logs to notes: file after file, in the order of their names; or, for `check`, what is new in them, put beside
//! what was noted before.
//!
//! They are far smaller than access logs, so one thread reads them, a piece at a time.

use crate::{
    error::{Error, Kind},
    errorlog::{Collector, Line, Zone},
    input::{self, Discovery, LogFile, Source, StreamChunks, TARGET_CHUNK_BYTES, follow},
    model::{
        coverage::ErrorLogCoverage,
        cursor::Cursor,
        note::Notes,
        tally::Ledger,
        time::{Time, joined},
    },
    parse,
    state::ErrorLog,
};
use std::path::PathBuf;

/// What the error logs say, and how much of them was read.
#[derive(Default)]
pub(super) struct Read {
    pub(super) notes: Notes,
    pub(super) covered: Vec<ErrorLogCoverage>,
    pub(super) problems: Vec<Error>,
    /// What the times in them rest on.
    pub(super) limits: Vec<String>,
}

/// Reads all of them.
pub(super) fn read(found: Discovery, zone_secs: Option<i32>, ledger: &Ledger) -> Read {
    let (mut collector, mut covered, mut problems) = (Collector::default(), Vec::new(), found.problems);
    for (log, index) in found.files.iter().zip(0..) {
        let mut reader = Reader {
            collector,
            file: index,
            covered: ErrorLogCoverage { path: log.name.clone(), ..Default::default() },
        };
        if let Err(error) = reader.read(log) {
            reader.covered.problem = Some(error.kind.to_string());
            problems.push(error);
        }
        let of_file = &reader.covered;
        assert_eq!(of_file.lines, of_file.parsed + of_file.rejected + of_file.blank, "every line is accounted for");
        collector = reader.collector;
        covered.push(reader.covered);
    }
    let notes = collector.finish(found.files.into_iter().map(|file| file.name).collect());
    in_utc(Read { notes, covered, problems, limits: Vec::new() }, zone_secs, ledger)
}

/// The times of error logs bear no zone, so that of the access log is taken, unless the operator says another.
fn in_utc(read: Read, zone_secs: Option<i32>, ledger: &Ledger) -> Read {
    if read.covered.is_empty() && read.notes == Notes::default() {
        // Then nobody asks for the zone, for which all samples would be searched.
        return read;
    }
    let zone = zone_secs.map_or_else(|| zone_of(ledger), Zone::fixed);
    let Read { notes, mut covered, problems, mut limits } = read;
    if zone.is_unknown() && !covered.is_empty() {
        limits.push(
            "the error log's times bear no zone and the access log does not tell the server's: they were taken as UTC \
             (--error-log-tz says otherwise)"
                .to_owned(),
        );
    }
    if notes.left_out > 0 {
        limits.push(format!(
            "{} error-log messages about the earliest minutes were too many to keep and are not in the evidence",
            notes.left_out
        ));
    }
    let utc = |time: Time| zone.utc(time);
    for log in &mut covered {
        (log.start, log.end) = (log.start.map(utc), log.end.map(utc));
    }
    Read { notes: notes.moved(utc), covered, problems, limits }
}

/// The server's zone as the kept lines of the access log have it, through summer and winter.
fn zone_of(ledger: &Ledger) -> Zone {
    Zone::from_moments(
        ledger.samples.iter().filter_map(|(_, s)| parse::zone_of(s.text.parts().1).map(|offset| (s.time, offset))),
    )
}

/// What was written to the error logs since the last run.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Each log that was seen, as it stands now.
    pub(super) logs: Vec<ErrorLog>,
    /// The new messages; the file of a quote is the log's id.
    pub(super) notes: Notes,
    /// What could not be read.
    pub(super) problems: Vec<Error>,
}

/// Reads what is new. `next` is the first free id of a log; it moves on.
pub(super) fn news(paths: &[PathBuf], known: &[ErrorLog], next: &mut u32, now: Time) -> News {
    let cursors: Vec<Cursor> = known.iter().map(|log| log.cursor.clone()).collect();
    let all: Vec<PathBuf> = paths.iter().flat_map(|path| follow::with_rotated(path)).collect();
    let found = input::discover_errors(&all);
    let followed = follow::follow(found.files, &cursors, now, <[u8]>::len);
    let mut news = News { problems: [found.problems, followed.problems].concat(), ..News::default() };
    let before = |id: u32| known.iter().find(|log| log.cursor.id == id).cloned().unwrap_or_default();
    for cursor in followed.unchanged {
        news.logs.push(ErrorLog { cursor: cursor.clone(), ..before(cursor.id) });
    }
    for (file, mut cursor) in followed.news {
        let ErrorLog { covered, least, .. } = before(cursor.id);
        if cursor.id == 0 {
            cursor.id = *next;
            *next += 1;
        }
        let mut reader = Reader { collector: Collector::default(), file: cursor.id, covered };
        match reader.read(&file) {
            Ok(()) if follow::is_there(&file, &cursor) => {}
            // A rotation fell into the reading: the next run finds all of it.
            Ok(()) => continue,
            Err(error) => {
                news.problems.push(error);
                continue;
            }
        }
        let notes = reader.collector.finish(Vec::new());
        let least = least.into_iter().chain(notes.least).min();
        news.logs.push(ErrorLog { cursor, covered: reader.covered, least });
        news.notes.absorb(notes);
    }
    news
}

/// All that is remembered of error logs, in the order of their names, as one reading has it.
pub(super) fn remembered(mut logs: Vec<ErrorLog>, mut notes: Notes, zone_secs: Option<i32>, ledger: &Ledger) -> Read {
    logs.sort_by(|a, b| (&a.cursor.path, a.cursor.id).cmp(&(&b.cursor.path, b.cursor.id)));
    let name = |log: &ErrorLog| LogFile::remembered(&log.cursor).name;
    for quote in &mut notes.quotes {
        let rank = logs.iter().position(|log| log.cursor.id == quote.file);
        quote.file = rank.map_or(u32::MAX, |rank| rank as u32);
    }
    notes.files = logs.iter().map(name).collect();
    let span = |log: &ErrorLog| log.covered.start.zip(log.covered.end);
    notes.span = logs.iter().map(span).fold(None, joined);
    notes.least = logs.iter().filter_map(|log| log.least).min();
    let covered = logs.iter().map(|log| ErrorLogCoverage { path: name(log), ..log.covered.clone() }).collect();
    in_utc(Read { notes, covered, problems: Vec::new(), limits: Vec::new() }, zone_secs, ledger)
}

struct Reader {
    collector: Collector,
    file: u32,
    covered: ErrorLogCoverage,
}

impl Reader {
    fn read(&mut self, log: &LogFile) -> Result<(), Error> {
        match log.open()? {
            Source::Empty => {}
            Source::Mapped(map) => {
                let part = log.part.of(map.as_bytes().len());
                for range in input::split(map.as_bytes().get(part.clone()).unwrap_or_default(), TARGET_CHUNK_BYTES) {
                    let range = part.start + range.start..part.start + range.end;
                    self.take(map.as_bytes().get(range.clone()).unwrap_or_default());
                    map.release(range);
                }
                if map.was_truncated() {
                    return Err(Error::new(Kind::Changed, &log.path));
                }
            }
            Source::Stream(stream) => {
                let stream = stream.part(log.part).map_err(|error| Error::from_io(error, "read it", &log.path))?;
                for chunk in StreamChunks::new(stream, &log.path, TARGET_CHUNK_BYTES) {
                    self.take(&chunk?);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, text: &[u8]) {
        self.covered.bytes += text.len() as u64;
        for line in input::lines(text) {
            self.covered.lines += 1;
            match self.collector.read(line, self.file, self.covered.lines) {
                Line::Noted(time) => {
                    self.covered.noted += 1;
                    self.parsed(time);
                }
                Line::Other(time) => self.parsed(time),
                Line::Unknown => self.covered.rejected += 1,
                Line::Blank => self.covered.blank += 1,
            }
        }
    }

    fn parsed(&mut self, time: Time) {
        let covered = &mut self.covered;
        covered.parsed += 1;
        covered.start = Some(covered.start.map_or(time, |start| start.min(time)));
        covered.end = Some(covered.end.map_or(time, |end| end.max(time)));
    }
}
