//! Open inputs as a queue of chunks that several workers draw from. Owns the order of drawing, not of results:
//! nothing downstream depends on which worker got which chunk.
//!
//! A mapped file is cut into ranges beforehand. A stream is decoded by whichever worker draws from it while the
//! others parse what was drawn before, and workers that find one stream busy go on to the next file.

use crate::{
    error::{Error, Kind},
    input::{self, LogFile, Map, Part, Source, Stream, StreamChunks, TARGET_CHUNK_BYTES},
    parse::{self, Format, LineParser, fast},
};
use std::{
    ops::Range,
    sync::{Arc, Mutex, TryLockError},
};

/// How the lines of one file are to be read.
pub(super) struct Reading {
    /// Index of the file.
    pub(super) file: u32,
    pub(super) parser: LineParser,
    /// The fast path, where the format has one, and the format's index.
    pub(super) fast: Option<(fast::Layout, usize)>,
}

/// Text of whole lines.
pub(super) enum Text {
    Mapped(Arc<Map>, Range<usize>),
    Owned(Vec<u8>),
}

impl Text {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map, range) => map.as_bytes().get(range.clone()).unwrap_or_default(),
            Self::Owned(bytes) => bytes,
        }
    }

    /// Lets go of a mapped range's pages: they were read once and stay in the system's cache.
    pub(super) fn release(&self) {
        if let Self::Mapped(map, range) = self {
            map.release(range.clone());
        }
    }
}

/// One draw.
pub(super) struct Draw {
    pub(super) reading: Arc<Reading>,
    pub(super) chunk: u32,
    pub(super) text: Text,
    /// Bytes on disk that it took.
    pub(super) disk_bytes: u64,
}

enum State {
    Waiting,
    Mapped { map: Arc<Map>, ranges: Vec<Range<usize>>, reading: Arc<Reading> },
    Streamed { chunks: Box<StreamChunks<Stream>>, first: Option<Vec<u8>>, reading: Arc<Reading>, seen_bytes: u64 },
    Done,
}

struct Slot {
    state: State,
    next: u32,
}

/// All inputs.
pub(super) struct Queue<'f> {
    files: &'f [LogFile],
    slots: Vec<Mutex<Slot>>,
    format: &'f FormatChoice,
    problems: Mutex<Vec<(u32, Error)>>,
}

/// Which format to read with.
#[derive(Clone, Debug)]
pub enum FormatChoice {
    /// Found out for each file.
    Guess,
    /// A known one for all.
    Known(&'static Format),
    /// The operator's own for all.
    Custom(Box<parse::Parser>),
}

impl<'f> Queue<'f> {
    pub(super) fn new(files: &'f [LogFile], format: &'f FormatChoice) -> Self {
        let slots = files.iter().map(|_| Mutex::new(Slot { state: State::Waiting, next: 0 })).collect();
        Self { files, slots, format, problems: Mutex::default() }
    }

    /// Draws a chunk from any file, those in front first; none when all are done.
    pub(super) fn draw(&self) -> Option<Draw> {
        loop {
            let mut is_busy = None;
            for (file, slot) in self.slots.iter().enumerate() {
                match slot.try_lock() {
                    Ok(mut slot) => {
                        if let Some(draw) = self.draw_from(file as u32, &mut slot) {
                            return Some(draw);
                        }
                    }
                    Err(TryLockError::WouldBlock) => is_busy = is_busy.or(Some(slot)),
                    Err(TryLockError::Poisoned(_)) => {}
                }
            }
            // Every free file is done: wait for one that another worker is drawing from.
            drop(is_busy?.lock());
        }
    }

    /// What went wrong, by file.
    pub(super) fn into_problems(self) -> Vec<(u32, Error)> {
        let mut problems = self.problems.into_inner().unwrap_or_default();
        problems.sort_by_key(|(file, _)| *file);
        problems
    }

    fn report(&self, file: u32, error: Error) {
        if let Ok(mut problems) = self.problems.lock() {
            problems.push((file, error));
        }
    }

    fn draw_from(&self, file: u32, slot: &mut Slot) -> Option<Draw> {
        if matches!(slot.state, State::Waiting) {
            slot.state = self.open(file);
        }
        let chunk = slot.next;
        let draw = match &mut slot.state {
            State::Waiting | State::Done => None,
            State::Mapped { map, ranges, reading } => ranges.get(chunk as usize).map(|range| Draw {
                reading: Arc::clone(reading),
                chunk,
                text: Text::Mapped(Arc::clone(map), range.clone()),
                disk_bytes: range.len() as u64,
            }),
            State::Streamed { chunks, first, reading, seen_bytes } => {
                let text = first.take().map(Ok).or_else(|| chunks.next());
                let raw_bytes = chunks.reader().raw_bytes();
                let disk_bytes = raw_bytes - std::mem::replace(seen_bytes, raw_bytes);
                match text {
                    Some(Ok(text)) => {
                        Some(Draw { reading: Arc::clone(reading), chunk, text: Text::Owned(text), disk_bytes })
                    }
                    Some(Err(error)) => {
                        self.report(file, error);
                        None
                    }
                    None => None,
                }
            }
        };
        slot.next += 1;
        if draw.is_none() {
            self.close(file, slot);
        }
        draw
    }

    fn close(&self, file: u32, slot: &mut Slot) {
        let state = std::mem::replace(&mut slot.state, State::Done);
        if let (State::Mapped { map, .. }, Some(log)) = (state, self.files.get(file as usize))
            && map.was_truncated()
        {
            self.report(file, Error::new(Kind::Changed, &log.path));
        }
    }

    fn open(&self, file: u32) -> State {
        let Some(log) = self.files.get(file as usize) else { return State::Done };
        match log.open() {
            Err(error) => {
                self.report(file, error);
                State::Done
            }
            Ok(Source::Empty) => State::Done,
            Ok(Source::Mapped(map)) => {
                let reading = Arc::new(self.reading(file, map.as_bytes()));
                let part = log.part.of(map.as_bytes().len());
                let text = map.as_bytes().get(part.clone()).unwrap_or_default();
                let ranges = input::split(text, TARGET_CHUNK_BYTES);
                let ranges = ranges.into_iter().map(|r| r.start + part.start..r.end + part.start).collect();
                State::Mapped { map: Arc::new(map), ranges, reading }
            }
            Ok(Source::Stream(stream)) => {
                let mut chunks = Box::new(StreamChunks::new(stream, &log.path, TARGET_CHUNK_BYTES));
                match chunks.next() {
                    Some(Ok(first)) => {
                        let reading = Arc::new(self.reading(file, &first));
                        if log.part != Part::WHOLE {
                            return self.resume(file, log, reading);
                        }
                        State::Streamed { chunks, first: Some(first), reading, seen_bytes: 0 }
                    }
                    Some(Err(error)) => {
                        self.report(file, error);
                        State::Done
                    }
                    None => State::Done,
                }
            }
        }
    }

    /// A stream of which a part is to be read: opened once more, now that its beginning has told the format.
    fn resume(&self, file: u32, log: &LogFile, reading: Arc<Reading>) -> State {
        let part = match log.open() {
            Ok(Source::Stream(stream)) => {
                stream.part(log.part).map_err(|error| Error::from_io(error, "read it", &log.path))
            }
            Ok(_) => Err(Error::new(Kind::Changed, &log.path)),
            Err(error) => Err(error),
        };
        match part {
            Ok(stream) => {
                let chunks = Box::new(StreamChunks::new(stream, &log.path, TARGET_CHUNK_BYTES));
                State::Streamed { chunks, first: None, reading, seen_bytes: 0 }
            }
            Err(error) => {
                self.report(file, error);
                State::Done
            }
        }
    }

    /// The format of a file, by its first lines.
    fn reading(&self, file: u32, text: &[u8]) -> Reading {
        /// Text looked at for the format.
        const HEAD_BYTES: usize = 128 << 10;
        let format = match self.format {
            FormatChoice::Custom(parser) => {
                return Reading { file, parser: LineParser::custom((**parser).clone()), fast: None };
            }
            FormatChoice::Known(format) => *format,
            FormatChoice::Guess => {
                let head = text.get(..HEAD_BYTES).unwrap_or(text);
                let sample: Vec<&[u8]> = input::lines(head).take(parse::SAMPLE_LINES).collect();
                parse::guess(&sample).map_or(parse::FORMATS[0], |guess| guess.format)
            }
        };
        let fast = fast::Layout::of(format.id).map(|layout| (layout, format.index()));
        Reading { file, parser: LineParser::new(format), fast }
    }
}
