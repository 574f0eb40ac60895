//! Error logs to notes: file after file, in the order of their names.
//!
//! They are far smaller than access logs, so one thread reads them, a piece at a time.

use crate::{
    error::{Error, Kind},
    errorlog::{Collector, Line, Zone},
    input::{self, Discovery, LogFile, Source, StreamChunks, TARGET_CHUNK_BYTES},
    model::{coverage::ErrorLogCoverage, note::Notes, tally::Ledger, time::Time},
    parse,
};

/// What the error logs say, and how much of them was read.
pub(super) struct Read {
    pub(super) notes: Notes,
    pub(super) covered: Vec<ErrorLogCoverage>,
    pub(super) problems: Vec<Error>,
    /// What the times in them rest on.
    pub(super) limits: Vec<String>,
}

/// Reads all of them. Their times bear no zone, so that of the access log is taken, unless the operator says another.
pub(super) fn read(found: Discovery, zone_secs: Option<i32>, ledger: &Ledger) -> Read {
    let mut limits = Vec::new();
    if found.files.is_empty() {
        // Then nobody asks for the zone, for which all samples would be searched.
        return Read { notes: Notes::default(), covered: Vec::new(), problems: found.problems, limits };
    }
    let zone = zone_secs.map_or_else(|| zone_of(ledger), Zone::fixed);
    if zone.is_unknown() {
        limits.push(
            "the error log's times bear no zone and the access log does not tell the server's: they were taken as UTC \
             (--error-log-tz says otherwise)"
                .to_owned(),
        );
    }
    let mut reader = Reader { collector: Collector::new(zone), file: 0, covered: ErrorLogCoverage::default() };
    let (mut covered, mut problems) = (Vec::new(), found.problems);
    for (index, log) in found.files.iter().enumerate() {
        (reader.file, reader.covered) =
            (index as u32, ErrorLogCoverage { path: log.name.clone(), ..Default::default() });
        if let Err(error) = reader.read(log) {
            reader.covered.problem = Some(error.kind.to_string());
            problems.push(error);
        }
        let of_file = std::mem::take(&mut reader.covered);
        assert_eq!(of_file.lines, of_file.parsed + of_file.rejected + of_file.blank, "every line is accounted for");
        covered.push(of_file);
    }
    let notes = reader.collector.finish(found.files.into_iter().map(|file| file.name).collect());
    if notes.left_out > 0 {
        limits.push(format!(
            "{} error-log messages about the earliest minutes were too many to keep and are not in the evidence",
            notes.left_out
        ));
    }
    Read { notes, covered, problems, limits }
}

/// Error logs that cannot be opened, for a run that does not read them.
pub(super) fn unreadable(found: Discovery) -> Vec<Error> {
    let failed = found.files.iter().filter_map(|log| log.open().err());
    failed.chain(found.problems).collect()
}

/// The server's zone as the kept lines of the access log have it, through summer and winter.
fn zone_of(ledger: &Ledger) -> Zone {
    Zone::from_moments(
        ledger.samples.iter().filter_map(|(_, s)| parse::zone_of(&s.text).map(|offset| (s.time, offset))),
    )
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
                for range in input::split(map.as_bytes(), TARGET_CHUNK_BYTES) {
                    self.take(map.as_bytes().get(range.clone()).unwrap_or_default());
                    map.release(range);
                }
                if map.was_truncated() {
                    return Err(Error::new(Kind::Changed, &log.path));
                }
            }
            Source::Stream(stream) => {
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
