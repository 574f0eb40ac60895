//! What of a plain file need not be read because of `--since`, with the lead before it, and `--until`. Owns the judgement whether a file is in
//! order of time, and where it is cut.
//!
//! No log is in strict order: a line is written when its request is over, may bear the time at which that began, and
//! waits in its worker's buffer. So a file is taken to be in order where, of some sixty lines spread over it, none is
//! older than one before it by more than half of [`MARGIN_SECS`], and it is cut a whole margin outside the span: what
//! is passed over is nowhere near. Any other file is read whole, and so is one in which a probe finds no line that is
//! understood. The span itself, with its lead, is applied to what was read, as ever.

use super::{Bound, LEAD_SECS, Options};
use crate::{
    input::{self, Map, TARGET_CHUNK_BYTES},
    model::time::Time,
    parse::{
        LineParser, Scratch,
        pieces::{self, Open},
    },
};
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// How far outside the span a file is cut: lines may be half of it older or newer than their place tells.
const MARGIN_SECS: u32 = 3600;
/// Smaller files are read in no time.
const LEAST_BYTES: usize = 2 * TARGET_CHUNK_BYTES;
/// Lines looked at, evenly spread, beside those at which the cut is searched.
const PROBES: usize = 64;
/// Text looked at for a line that is understood; as much is always read of each end of a file, so that its format and
/// its end are known.
const PROBE_BYTES: usize = 64 << 10;
const PROBE_LINES: usize = 32;

/// The span to look at, as far as it is known before anything is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    since: Bound,
    until: Bound,
    margin_secs: u32,
}

impl Asked {
    /// What was asked for. Requests that are only counted are counted by window, so that a whole one is needed.
    pub(super) fn of(options: &Options) -> Self {
        Self { since: options.since, until: options.until, margin_secs: MARGIN_SECS.max(options.detect.window_secs) }
    }

    /// The part of a file's text that may hold lines of the span, in whole lines.
    pub(super) fn part_of(&self, text: &[u8], parser: &LineParser) -> Range<usize> {
        let is_open = self.since == Bound::Open && self.until == Bound::Open;
        let part = if is_open || text.len() < LEAST_BYTES { None } else { self.cut(text, parser) };
        part.unwrap_or(0..text.len())
    }

    /// None where the lines are in no order.
    fn cut(&self, text: &[u8], parser: &LineParser) -> Option<Range<usize>> {
        let mut search = Search { text, parser, scratch: Scratch::default(), slack_secs: self.margin_secs / 2 };
        let step = text.len().checked_sub(PROBE_BYTES)? / PROBES;
        let marks: Vec<Mark> = (0..=PROBES).map(|i| search.mark(step * i)).collect::<Option<_>>()?;
        let last = marks.last()?;
        if !search.is_ordered(&marks) {
            return None;
        }
        let since = match self.since {
            Bound::Open => None,
            Bound::At(time) => Some(time),
            // The end of the log is not before that of this file.
            Bound::BeforeEnd(secs) => Some(Time(last.time.0.saturating_sub(secs))),
        };
        let until = match (self.since, self.until) {
            // Where the log ends must be known, so that all ends are read.
            (Bound::BeforeEnd(_), _) | (_, Bound::Open | Bound::BeforeEnd(_)) => None,
            (_, Bound::At(time)) => Some(time),
        };
        let lead_secs = LEAD_SECS.saturating_add(self.margin_secs);
        let start = match since.map(|since| Time(since.0.saturating_sub(lead_secs))) {
            Some(time) => match marks.iter().position(|mark| mark.time >= time) {
                Some(behind) => match behind.checked_sub(1).and_then(|before| marks.get(before..=behind)) {
                    Some([before, behind]) => search.narrow(*before, *behind, time)?.0.at,
                    _ => 0,
                },
                None => last.at,
            },
            None => 0,
        };
        let end = match until.map(|until| Time(until.0.saturating_add(self.margin_secs))) {
            Some(time) => match marks.iter().rposition(|mark| mark.time < time) {
                Some(before) => match marks.get(before..).unwrap_or_default() {
                    [before, behind, ..] => search.narrow(*before, *behind, time)?.1.at,
                    _ => text.len(),
                },
                None => input::line_start(text, PROBE_BYTES),
            },
            None => text.len(),
        };
        // Where no line is open.
        let (start, _) = pieces::cut(text, start, Open::default());
        let end = if end < text.len() { pieces::cut(text, end, Open::default()).0 } else { end };
        Some(start..end.max(start))
    }
}

/// A line that is understood.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    time: Time,
}

struct Search<'t> {
    text: &'t [u8],
    parser: &'t LineParser,
    scratch: Scratch,
    /// A line may be so much older than one in front of it.
    slack_secs: u32,
}

impl Search<'_> {
    /// The first line that is understood among those that begin at a byte or behind it.
    fn mark(&mut self, at: usize) -> Option<Mark> {
        let near = self.text.get(..at.saturating_add(PROBE_BYTES)).unwrap_or(self.text);
        let mut start = input::line_start(near, at);
        for line in input::lines(near.get(start..)?).take(PROBE_LINES) {
            if let Ok((event, _)) = self.parser.parse(line, &mut self.scratch) {
                return Some(Mark { at: start, time: event.time });
            }
            start = input::line_start(near, start + 1);
        }
        None
    }

    fn is_ordered(&self, marks: &[Mark]) -> bool {
        let mut latest = Time(0);
        marks.iter().all(|mark| {
            latest = latest.max(mark.time);
            latest.0 - mark.time.0 <= self.slack_secs
        })
    }

    /// Two lines close to each other, the first one older than a time, the second one not; none where what stands
    /// between is in no order.
    fn narrow(&mut self, mut before: Mark, mut behind: Mark, time: Time) -> Option<(Mark, Mark)> {
        while behind.at - before.at > PROBE_BYTES {
            let middle = self.mark(before.at + (behind.at - before.at) / 2)?;
            if middle.at >= behind.at {
                break;
            }
            if !self.is_ordered(&[before, middle, behind]) {
                return None;
            }
            *(if middle.time < time { &mut before } else { &mut behind }) = middle;
        }
        Some((before, behind))
    }
}

/// What was not read of a file.
#[derive(Debug)]
pub(super) struct Skipped {
    pub(super) file: u32,
    pub(super) bytes: u64,
    map: Arc<Map>,
    front_bytes: usize,
    front_lines: OnceLock<u64>,
}

impl Skipped {
    /// All but a part of a file; none where that is all of it.
    pub(super) fn around(part: &Range<usize>, file: u32, map: &Arc<Map>) -> Option<Self> {
        let bytes = (map.as_bytes().len() - part.len()) as u64;
        let (map, front_bytes) = (Arc::clone(map), part.start);
        (bytes > 0).then_some(Self { file, bytes, map, front_bytes, front_lines: OnceLock::new() })
    }

    /// Lines in front of what was read: counted when the first number of a line is wanted, since that takes a look at
    /// every byte.
    pub(super) fn front_lines(&self) -> u64 {
        *self.front_lines.get_or_init(|| {
            let pieces = (0..self.front_bytes).step_by(TARGET_CHUNK_BYTES);
            let lines = pieces.map(|at| {
                let piece = at..self.front_bytes.min(at + TARGET_CHUNK_BYTES);
                let text = self.map.as_bytes().get(piece.clone()).unwrap_or_default();
                let lines = memchr::memchr_iter(b'\n', text).count() as u64;
                self.map.release(piece);
                lines
            });
            lines.sum()
        })
    }
}
