//! Text in pieces of whole lines. Owns where a piece may end and how long a line may get; knows neither files nor
//! formats, and looks at no byte but the newline.
//!
//! Two ways lead here and must give the same lines: [`split`] for bytes that are all there, [`StreamChunks`] for those
//! that come by and by.

use crate::error::Error;
use std::{
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

/// The longest line that is passed on whole. Both servers cut request lines at 8 KiB by default, so that anything
/// longer is damage or an attack. A parser must reject lines longer than this (a smaller limit of its own is fine):
/// [`StreamChunks`] may cut them, to one byte more than this, and would otherwise let a cut line pass as whole.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// A good size for a chunk: large against the cost of passing it on, small against memory and the last-chunk wait.
pub const TARGET_CHUNK_BYTES: usize = 4 << 20;

/// Cuts bytes into ranges of about `target_bytes`, each ending right after a newline; the last one may lack it.
///
/// Jumps ahead and looks for the next newline from there, so that a range is never shorter than the target (but the
/// last) and only a line around each cut is read. One giant line is one range. A short rest joins its neighbour.
#[must_use]
pub fn split(bytes: &[u8], target_bytes: usize) -> Vec<Range<usize>> {
    let target = target_bytes.max(1);
    let mut ranges = Vec::with_capacity(bytes.len() / target + 1);
    let mut start = 0;
    while start < bytes.len() {
        let end =
            if bytes.len() - start <= target + target / 4 { bytes.len() } else { line_end(bytes, start + target) };
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// The first position from `at` on that follows a newline, or the end.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let tail = bytes.get(at - 1..).unwrap_or_default();
    memchr::memchr(b'\n', tail).map_or(bytes.len(), |i| at + i)
}

/// Where the first line begins that begins at a byte or behind it; the end where none does.
#[must_use]
pub fn line_start(bytes: &[u8], at: usize) -> usize {
    if at == 0 || at >= bytes.len() { at.min(bytes.len()) } else { line_end(bytes, at) }
}

/// The lines of a chunk, without their newline and without one `\r` before it. What follows the last newline is a line
/// where it is not empty.
#[must_use]
pub fn lines(chunk: &[u8]) -> Lines<'_> {
    Lines { rest: chunk }
}

/// See [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The chunks of a stream: each ends with a newline (the very last may lack it) and has about `target_bytes`.
///
/// - Never holds more than the target and one line of [`MAX_LINE_BYTES`], whatever arrives. A longer line that does not
///   end within what is held is cut: its first `MAX_LINE_BYTES + 1` bytes and a newline are passed on, so that the
///   parser rejects it as too long, and the rest up to its newline is counted in [`StreamChunks::dropped_bytes`].
/// - When reading fails, what arrived before is passed on first, then the error, then nothing.
#[derive(Debug)]
pub struct StreamChunks<R> {
    reader: R,
    path: PathBuf,
    target_bytes: usize,
    max_line_bytes: usize,
    /// The beginning of a line whose end has not arrived.
    carry: Vec<u8>,
    /// Whether the line that is arriving was cut, so that its rest is dropped.
    cutting: bool,
    dropped_bytes: u64,
    taken_bytes: u64,
    start: u64,
    end: End,
}

/// How far a stream is from its end.
#[derive(Debug)]
enum End {
    Open,
    Failed(Error),
    Reached,
}

impl<R: Read> StreamChunks<R> {
    /// Chunks of a reader; `path` is named where reading fails.
    #[must_use]
    pub fn new(reader: R, path: &Path, target_bytes: usize) -> Self {
        Self::with_line_limit(reader, path, target_bytes, MAX_LINE_BYTES)
    }

    fn with_line_limit(reader: R, path: &Path, target_bytes: usize, max_line_bytes: usize) -> Self {
        Self {
            reader,
            path: path.to_owned(),
            target_bytes: target_bytes.max(1),
            max_line_bytes,
            carry: Vec::new(),
            cutting: false,
            dropped_bytes: 0,
            taken_bytes: 0,
            start: 0,
            end: End::Open,
        }
    }

    /// The reader, for what it counts.
    #[must_use]
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// Where in the text the last chunk begins.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Bytes of overlong lines that were not passed on.
    #[must_use]
    pub fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// Appends up to `target_bytes` in all, but at least a little, and notes the end.
    fn fill(&mut self, buffer: &mut Vec<u8>) {
        let room = self.target_bytes.saturating_sub(buffer.len()).max(self.target_bytes.min(64 << 10));
        buffer.reserve_exact(room);
        let before = buffer.len();
        let read = self.reader.by_ref().take(room as u64).read_to_end(buffer);
        self.taken_bytes += (buffer.len() - before) as u64;
        match read {
            Ok(read) if read == room => {}
            Ok(_) => self.end = End::Reached,
            Err(e) => self.end = End::Failed(Error::from_io(e, "read it", &self.path)),
        }
    }

    /// Takes the rest of a cut line off the front of what arrived.
    fn drop_rest_of_cut_line(&mut self, buffer: &mut Vec<u8>) {
        if self.cutting {
            let newline = memchr::memchr(b'\n', buffer);
            let rest = newline.unwrap_or(buffer.len());
            self.dropped_bytes += rest as u64;
            self.cutting = newline.is_none();
            buffer.drain(..rest + usize::from(newline.is_some()));
        }
    }

    /// Ends the buffer after its last newline, of which all before `seen` are known to be none, and carries the rest.
    fn end_at_newline(&mut self, buffer: &mut Vec<u8>, seen: usize) -> bool {
        let newline = memchr::memrchr(b'\n', buffer.get(seen..).unwrap_or_default());
        if let Some(i) = newline {
            self.carry = buffer.split_off(seen + i + 1);
        }
        newline.is_some()
    }

    /// Cuts a line that has grown past the limit without ending.
    fn cut(&mut self, buffer: &mut Vec<u8>) -> bool {
        let keep = self.max_line_bytes + 1;
        let too_long = buffer.len() > keep;
        if too_long {
            self.dropped_bytes += (buffer.len() - keep) as u64;
            buffer.truncate(keep);
            buffer.push(b'\n');
            self.cutting = true;
        }
        too_long
    }
}

impl<R: Read> Iterator for StreamChunks<R> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut buffer = std::mem::take(&mut self.carry);
        self.start = self.taken_bytes - buffer.len() as u64;
        while matches!(self.end, End::Open) {
            let seen = buffer.len();
            self.fill(&mut buffer);
            self.drop_rest_of_cut_line(&mut buffer);
            self.start = self.taken_bytes - buffer.len() as u64;
            if matches!(self.end, End::Open) && (self.end_at_newline(&mut buffer, seen) || self.cut(&mut buffer)) {
                return Some(Ok(buffer));
            }
        }
        if !buffer.is_empty() {
            return Some(Ok(buffer));
        }
        match std::mem::replace(&mut self.end, End::Reached) {
            End::Failed(error) => Some(Err(error)),
            End::Open | End::Reached => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;
    use std::io;

    /// Gives at most `step` bytes at a time, then fails where told to.
    struct Dribble<'a> {
        bytes: &'a [u8],
        step: usize,
        fail: bool,
    }

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.step.min(out.len()).min(self.bytes.len());
            if n == 0 && self.fail && !out.is_empty() {
                return Err(io::Error::from_raw_os_error(5));
            }
            let (now, later) = self.bytes.split_at(n);
            out[..n].copy_from_slice(now);
            self.bytes = later;
            Ok(n)
        }
    }

    fn stream(bytes: &[u8], step: usize, target: usize, limit: usize) -> (Vec<Vec<u8>>, u64) {
        let reader = Dribble { bytes, step, fail: false };
        let mut chunks = StreamChunks::with_line_limit(reader, Path::new("x"), target, limit);
        let all = chunks.by_ref().map(Result::unwrap).collect();
        (all, chunks.dropped_bytes())
    }

    proptest! {
        #[test]
        fn split_loses_nothing_and_ends_at_newlines(text in "[ab\n]{0,200}", target in 0_usize..50) {
            let ranges = split(text.as_bytes(), target);
            let mut at = 0;
            for range in &ranges {
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end > range.start);
                prop_assert!(range.end == text.len() || text.as_bytes()[range.end - 1] == b'\n');
                at = range.end;
            }
            prop_assert_eq!(at, text.len());
        }

        #[test]
        fn stream_gives_the_same_bytes_as_its_source(text in "[ab\n]{0,300}", step in 1_usize..9, target in 1_usize..60) {
            let (chunks, dropped) = stream(text.as_bytes(), step, target, 1000);
            prop_assert_eq!(dropped, 0);
            prop_assert_eq!(chunks.concat(), text.as_bytes());
            for chunk in chunks.iter().rev().skip(1) {
                prop_assert_eq!(chunk.last(), Some(&b'\n'));
            }
        }

        #[test]
        fn stream_bounds_memory_and_accounts_for_every_byte(
            text in "([ab]{0,90}\n?){0,9}", step in 1_usize..40, target in 1_usize..40,
        ) {
            let limit = 20;
            let (chunks, dropped) = stream(text.as_bytes(), step, target, limit);
            let whole: Vec<_> = lines(text.as_bytes()).collect();
            let all = chunks.concat();
            let got: Vec<_> = lines(&all).collect();
            prop_assert_eq!(got.len(), whole.len());
            for (got, whole) in got.iter().zip(&whole) {
                prop_assert!(whole.starts_with(got));
                // Only lines over the limit may be cut, and then they still look too long.
                prop_assert!(got.len() == whole.len() || got.len() == limit + 1);
            }
            let missing: usize = whole.iter().map(|l| l.len()).sum::<usize>() - got.iter().map(|l| l.len()).sum::<usize>();
            prop_assert_eq!(dropped, missing as u64);
            for chunk in &chunks {
                prop_assert!(chunk.len() <= target + limit + 2 + target);
            }
        }
    }

    #[test]
    fn split_reads_only_around_its_cuts_and_balances_the_rest() {
        let text = b"aaaa\n".repeat(10);
        assert_eq!(split(&text, 20), [0..20, 20..40, 40..50]);
        assert_eq!(split(&text, 48).len(), 1, "a short rest joins");
        assert_eq!(split(&[b'x'; 99], 10).len(), 1, "a giant line is one range");
        assert!(split(b"", 10).is_empty());
    }

    #[test]
    fn lines_strip_one_carriage_return_and_keep_the_unfinished_last() {
        let got: Vec<_> = lines(b"a\r\nb\r\r\n\nc\0d\nlast").collect();
        assert_eq!(got, [&b"a"[..], b"b\r", b"", b"c\0d", b"last"]);
        assert_eq!(lines(b"\n").count(), 1);
        assert_eq!(lines(b"").count(), 0);
    }

    #[test]
    fn what_arrived_before_a_failure_is_delivered_first() {
        let reader = Dribble { bytes: b"one\ntwo\npart", step: 3, fail: true };
        let mut chunks = StreamChunks::new(reader, Path::new("x"), 1000);
        assert_eq!(chunks.next().unwrap().unwrap(), b"one\ntwo\npart");
        assert!(matches!(chunks.next().unwrap().unwrap_err().kind, Kind::Io { .. }));
        assert!(chunks.next().is_none());
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_line_survives() {
        let mut text = vec![b'x'; 3 * MAX_LINE_BYTES];
        text.extend_from_slice(b"\nnext\n");
        let mut chunks = StreamChunks::new(text.as_slice(), Path::new("x"), 64 << 10);
        let all: Vec<u8> = chunks.by_ref().flat_map(Result::unwrap).collect();
        let lens: Vec<_> = lines(&all).map(<[u8]>::len).collect();
        assert_eq!(lens, [MAX_LINE_BYTES + 1, 4]);
        assert_eq!(chunks.dropped_bytes(), 2 * MAX_LINE_BYTES as u64 - 1);
    }
}
