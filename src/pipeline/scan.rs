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
    parse::{
        Scratch, fast, is_blank,
        marks::{self, Marks},
    },
    progress::Progress,
    tally::{Accumulator, BATCH_LEN, Row},
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
        marks: Marks::default(),
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
    marks: Marks,
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

    /// Stretch after stretch: first its marks, then its lines.
    fn scan_fast(&mut self, text: &[u8], reading: &Reading, layout: fast::Layout, format: u16) {
        let mut marks = std::mem::take(&mut self.marks);
        let (mut rows, mut span) = (Vec::with_capacity(BATCH_LEN), Span::default());
        let mut rest = text;
        while !rest.is_empty() {
            let read = self.scan_stretch(rest, marks.find(rest), reading, layout, &mut rows, &mut span);
            rest = rest.get(read..).unwrap_or_default();
        }
        self.take(&mut rows);
        self.marks = marks;
        if span.lines > 0 {
            self.parsed(format, span.lines, (Time(span.first), Time(span.last)));
        }
    }

    /// Reads the lines that end at a mark; gives the bytes that they took, or those of one line without such an end.
    fn scan_stretch<'a>(
        &mut self,
        text: &'a [u8],
        mut marks: &[u32],
        reading: &Reading,
        layout: fast::Layout,
        rows: &mut Vec<Row<'a>>,
        span: &mut Span,
    ) -> usize {
        let mut start = 0;
        while let Some((quotes, end, after)) = marks::next_line(text, marks, layout.quotes()) {
            let line = text.get(start..end).unwrap_or_default();
            let place = Place { file: reading.file, chunk: self.coverage.chunk, line: self.coverage.lines as u32 };
            match fast::parse(line, start, quotes, layout, &mut self.scratch.clock) {
                Some(event) => {
                    self.coverage.lines += 1;
                    span.add(event.time);
                    rows.push(self.accumulator.prepare(&event, line, place));
                    if rows.len() == BATCH_LEN {
                        self.take(rows);
                    }
                }
                None => {
                    self.take(rows);
                    self.read_slowly(line, reading);
                }
            }
            (start, marks) = (end + 1, after);
        }
        if start > 0 {
            return start;
        }
        self.take(rows);
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        self.read_slowly(text.get(..end).unwrap_or_default(), reading);
        end + 1
    }

    fn take(&mut self, rows: &mut Vec<Row<'_>>) {
        self.accumulator.take(rows);
        rows.clear();
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

/// How many lines were read fast, and between which times.
struct Span {
    lines: u64,
    first: u32,
    last: u32,
}

impl Default for Span {
    fn default() -> Self {
        Self { lines: 0, first: u32::MAX, last: 0 }
    }
}

impl Span {
    fn add(&mut self, time: Time) {
        self.lines += 1;
        self.first = self.first.min(time.0);
        self.last = self.last.max(time.0);
    }
}
