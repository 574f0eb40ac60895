//! The hot loop: chunks to tallies, one worker per thread, one shard per worker.
//!
//! A chunk is walked once for its marks. A line whose quotes are where its format has them is cut by
//! [`fast`], everything else by the slow twin; both give the accumulator the same event.

use super::{
    Options,
    members::{self, Scanned},
    skip::Asked,
    source::{Draw, Queue, Reading},
};
use crate::{
    input::LogFile,
    model::{
        event::{Reason, Rejection},
        tally::{ChunkCoverage, Place, RejectedHere, Tallies},
        time::{Time, joined},
    },
    parse::{
        Scratch, fast, is_blank,
        marks::{self, Found, Marks},
        pieces::{self, Joined, Stretch},
    },
    progress::Progress,
    tally::{Accumulator, BATCH_LEN, Budget, Row, Store, path},
};
use std::{collections::BTreeSet, sync::Arc, thread};

/// Bytes kept of a rejected line.
const REJECTED_BYTES_MAX: usize = 512;
/// Longer lines are rejected unread: nothing that a server writes comes near.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Reads all files within a budget, as far as they may hold lines of the span asked for.
///
/// Workers are threads of their own: they wait for the store, and what waits may not hold up a pool's other work.
pub(super) fn scan(files: &[LogFile], options: &Options, budget: &Budget, progress: &Progress) -> Scanned {
    let queue = Queue::new(files, &options.format, Asked::of(options));
    let store = Arc::new(Store::new(budget.clone(), options.threads));
    let work = || work(&queue, &store, options, progress);
    let mut chunks = Vec::new();
    thread::scope(|scope| {
        // Where the system has no thread left, fewer do it.
        let others = (1..options.threads).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok());
        let others: Vec<_> = others.collect();
        chunks = work();
        for other in others {
            chunks.append(&mut other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let (shards, kept) = store.take();
    members::unfolded(files, Tallies { shards, kept, chunks }, queue.into_findings())
}

/// One worker: draws until nothing is left.
fn work(queue: &Queue<'_>, store: &Arc<Store>, options: &Options, progress: &Progress) -> Vec<ChunkCoverage> {
    let accumulator = Accumulator::new(Arc::clone(store), Arc::clone(&options.routes));
    let mut worker = Worker {
        accumulator: accumulator.counting(options.statuses.clone()),
        scratch: Scratch::default(),
        coverage: ChunkCoverage::default(),
        marks: Marks::default(),
        quoted: BTreeSet::new(),
    };
    let mut chunks = Vec::new();
    while let Some(draw) = queue.draw() {
        chunks.push(worker.scan_chunk(&draw));
        draw.text.release();
        progress.advance(draw.disk_bytes);
    }
    let _store = worker.accumulator.finish();
    chunks
}

struct Worker {
    accumulator: Accumulator,
    scratch: Scratch,
    coverage: ChunkCoverage,
    marks: Marks,
    /// Of which file and for which reason a rejected line was quoted: chunks of a file come in their order, so later
    /// ones are not the first.
    quoted: BTreeSet<(u32, Reason)>,
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
            None => self.scan_slowly(text, draw),
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
        mut found: Found<'_>,
        reading: &Reading,
        layout: fast::Layout,
        rows: &mut Vec<Row<'a>>,
        span: &mut Span,
    ) -> usize {
        let mut start = 0;
        while let Some((quotes, end)) = found.next_line(layout.quotes()) {
            let line = text.get(start..end).unwrap_or_default();
            marks::ask_ahead(line);
            let place = Place { file: reading.file, chunk: self.coverage.chunk, line: self.coverage.lines as u32 };
            match fast::parse(line, start, quotes, layout, &mut self.scratch.clock) {
                Some(event) => {
                    self.coverage.lines += 1;
                    span.add(event.time);
                    let path = path::before(event.target, found.query_after(fast::target_at(quotes, &event)));
                    self.accumulator.prepare(&event, path, line, place, rows);
                    if rows.len() == BATCH_LEN {
                        self.take(rows);
                    }
                }
                None => {
                    self.take(rows);
                    self.read_slowly(line, reading);
                }
            }
            start = end + 1;
        }
        if start > 0 {
            return start;
        }
        self.take(rows);
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        self.read_slowly(text.get(..end).unwrap_or_default(), reading);
        end + 1
    }

    fn scan_slowly(&mut self, text: &[u8], draw: &Draw) {
        for stretch in pieces::stretches(text, draw.open) {
            match stretch {
                Stretch::Line(line) => self.read_slowly(line, &draw.reading),
                Stretch::Lines(lines) => self.read_together(&lines, &draw.reading),
            }
        }
    }

    /// Reads lines among which are pieces of one: as one where that fits a format, else each by itself.
    fn read_together(&mut self, lines: &[&[u8]], reading: &Reading) {
        let mut is_read = vec![false; lines.len()];
        for Joined { pieces, line } in pieces::joined(lines) {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            let number = self.coverage.lines as u32 + pieces.first().map_or(0, |first| *first as u32);
            if line.len() <= LINE_BYTES_MAX && self.parse_slowly(line, number, reading).is_ok() {
                self.coverage.blank += pieces.len() as u64 - 1;
                for at in pieces {
                    is_read.get_mut(at).into_iter().for_each(|is_read| *is_read = true);
                }
            }
        }
        for (line, is_read) in lines.iter().zip(is_read) {
            match is_read {
                true => self.coverage.lines += 1,
                false => self.read_slowly(line, reading),
            }
        }
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
        } else if let Err(rejection) = self.parse_slowly(line, number, reading) {
            self.reject(line, number, rejection);
        }
    }

    fn parse_slowly(&mut self, line: &[u8], number: u32, reading: &Reading) -> Result<(), Rejection> {
        let (event, format) = reading.parser.parse(line, &mut self.scratch)?;
        let place = Place { file: reading.file, chunk: self.coverage.chunk, line: number };
        let time = event.time;
        self.accumulator.add(&event, line, place);
        self.parsed(format as u16, 1, (time, time));
        Ok(())
    }

    fn parsed(&mut self, format: u16, lines: u64, (first, last): (Time, Time)) {
        let coverage = &mut self.coverage;
        coverage.parsed += lines;
        *coverage.formats.entry(format).or_default() += lines;
        coverage.span = joined(coverage.span, Some((first, last)));
    }

    #[cold]
    fn reject(&mut self, line: &[u8], number: u32, rejection: Rejection) {
        let text = line.get(..REJECTED_BYTES_MAX).unwrap_or(line);
        let quoted = (self.coverage.file, rejection.reason);
        let first = || {
            let text = if self.quoted.insert(quoted) { text } else { b"" };
            RejectedHere { lines: 0, line: number, column: rejection.column, text: text.into() }
        };
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
