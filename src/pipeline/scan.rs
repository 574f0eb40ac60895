//! The hot loop: chunks to tallies, one worker per thread, one shard per worker.
//!
//! A chunk is walked once for quotes and newlines. A line whose quotes are where its format has them is cut by
//! [`fast`], everything else by the slow twin; both give the accumulator the same event.

use super::{
    Options,
    source::{Draw, Queue, Reading},
};
use crate::{
    error::Error,
    input::LogFile,
    model::{
        event::{Reason, Rejection},
        tally::{ChunkCoverage, Place, RejectedHere, Tallies},
        time::Time,
    },
    parse::{Scratch, fast, is_blank, marks},
    progress::Progress,
    tally::Accumulator,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Bytes kept of a rejected line.
const REJECTED_BYTES_MAX: usize = 512;
/// Longer lines are rejected unread: nothing that a server writes comes near.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Reads all files. What went wrong with a file as a whole comes beside, by its index.
pub(super) fn scan(files: &[LogFile], options: &Options, progress: &Progress) -> (Tallies, Vec<(u32, Error)>) {
    let queue = Queue::new(files, &options.format);
    let tallies = (0..options.threads)
        .into_par_iter()
        .with_max_len(1)
        .map(|_| work(&queue, options, progress))
        .reduce(Tallies::default, Tallies::merge);
    (tallies, queue.into_problems())
}

/// One worker: draws until nothing is left.
fn work(queue: &Queue<'_>, options: &Options, progress: &Progress) -> Tallies {
    let mut worker = Worker {
        accumulator: Accumulator::new(Arc::clone(&options.routes)).counting(options.statuses.clone()),
        scratch: Scratch::default(),
        coverage: ChunkCoverage::default(),
    };
    let mut chunks = Vec::new();
    while let Some(draw) = queue.draw() {
        chunks.push(worker.scan_chunk(&draw));
        draw.text.release();
        progress.advance(draw.disk_bytes);
    }
    Tallies { shards: worker.accumulator.finish(), chunks }
}

struct Worker {
    accumulator: Accumulator,
    scratch: Scratch,
    coverage: ChunkCoverage,
}

impl Worker {
    fn scan_chunk(&mut self, draw: &Draw) -> ChunkCoverage {
        let text = draw.text.bytes();
        self.coverage = ChunkCoverage {
            file: draw.reading.file,
            chunk: draw.chunk,
            bytes: text.len() as u64,
            ..ChunkCoverage::default()
        };
        match draw.reading.fast {
            Some((layout, format)) => self.scan_fast(text, &draw.reading, layout, format as u16),
            None => crate::input::lines(text).for_each(|line| self.read_slowly(line, &draw.reading)),
        }
        std::mem::take(&mut self.coverage)
    }

    /// Quotes and newlines are found in one pass; at each newline the line between is read.
    fn scan_fast(&mut self, text: &[u8], reading: &Reading, layout: fast::Layout, format: u16) {
        let (mut quotes, mut found) = ([0usize; fast::QUOTES_MAX], 0);
        let (mut start, mut span, mut parsed) = (0, (u32::MAX, 0), 0);
        marks::each_mark(text, |at| {
            if text.get(at) == Some(&b'"') {
                if let Some(slot) = quotes.get_mut(found) {
                    *slot = at - start;
                }
                found += 1;
                return;
            }
            let line = text.get(start..at).unwrap_or_default();
            let place = Place { file: reading.file, chunk: self.coverage.chunk, line: self.coverage.lines as u32 };
            // More quotes than any layout has: none are as good, and a line that is too long is rejected unread.
            let known = if line.len() > LINE_BYTES_MAX { &[] } else { quotes.get(..found).unwrap_or_default() };
            match fast::parse(line, known, layout, &mut self.scratch.clock) {
                Some(event) => {
                    self.coverage.lines += 1;
                    parsed += 1;
                    span = (span.0.min(event.time.0), span.1.max(event.time.0));
                    self.accumulator.add(&event, line, place);
                }
                None => self.read_slowly(line, reading),
            }
            (start, found) = (at + 1, 0);
        });
        if parsed > 0 {
            self.parsed(format, parsed, (Time(span.0), Time(span.1)));
        }
        let rest = text.get(start..).unwrap_or_default();
        if !rest.is_empty() {
            self.read_slowly(rest, reading);
        }
    }

    fn read_slowly(&mut self, line: &[u8], reading: &Reading) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = self.coverage.lines as u32;
        self.coverage.lines += 1;
        if is_blank(line) {
            self.coverage.blank += 1;
        } else if line.len() > LINE_BYTES_MAX {
            self.reject(line, number, Rejection::new(Reason::TooLong, LINE_BYTES_MAX));
        } else {
            self.parse_slowly(line, number, reading);
        }
    }

    fn parse_slowly(&mut self, line: &[u8], number: u32, reading: &Reading) {
        match reading.parser.parse(line, &mut self.scratch) {
            Ok((event, format)) => {
                let place = Place { file: reading.file, chunk: self.coverage.chunk, line: number };
                let time = event.time;
                self.accumulator.add(&event, line, place);
                self.parsed(format as u16, 1, (time, time));
            }
            Err(rejection) => self.reject(line, number, rejection),
        }
    }

    fn parsed(&mut self, format: u16, lines: u64, (first, last): (Time, Time)) {
        let coverage = &mut self.coverage;
        coverage.parsed += lines;
        *coverage.formats.entry(format).or_default() += lines;
        coverage.span = Some(coverage.span.map_or((first, last), |span| (span.0.min(first), span.1.max(last))));
    }

    #[cold]
    fn reject(&mut self, line: &[u8], number: u32, rejection: Rejection) {
        let text = line.get(..REJECTED_BYTES_MAX).unwrap_or(line);
        let first = || RejectedHere { lines: 0, line: number, column: rejection.column, text: text.into() };
        self.coverage.rejected.entry(rejection.reason).or_insert_with(first).lines += 1;
    }
}
