//! The text of a stream on its way to those who read it. Owns what is held back: what stands behind the end of a log in
//! an archive, or under other columns, and pieces of a line whose last one has not arrived.

use crate::{
    error::Error,
    input::{Stream, StreamChunks},
    parse::pieces::{self, Open},
};

/// See the module.
pub(super) struct StreamText {
    chunks: Box<StreamChunks<Stream>>,
    /// Where it begins, and what was put back.
    waiting: Option<(u64, Vec<u8>)>,
    begun: Begun,
    /// Bytes on disk that were accounted for.
    told_bytes: u64,
}

/// Pieces of a line whose last one has not arrived.
#[derive(Default)]
struct Begun {
    text: Vec<u8>,
    /// What is open where it begins.
    open: Open,
}

/// Whole lines, and what is open where they begin.
pub(super) type Given = (Vec<u8>, Open);

impl StreamText {
    pub(super) fn new(chunks: Box<StreamChunks<Stream>>) -> Self {
        Self { chunks, waiting: None, begun: Begun::default(), told_bytes: 0 }
    }

    /// Text that was not asked for before, and where it begins.
    pub(super) fn next(&mut self) -> Option<Result<(u64, Vec<u8>), Error>> {
        let arrived = |chunks: &mut StreamChunks<Stream>| Some(chunks.next()?.map(|text| (chunks.start(), text)));
        self.waiting.take().map(Ok).or_else(|| arrived(&mut self.chunks))
    }

    /// Puts text back that begins at a byte, in front of what was put back before.
    pub(super) fn put_back(&mut self, at: u64, mut text: Vec<u8>) {
        text.extend(self.waiting.take().map(|(_, behind)| behind).unwrap_or_default());
        self.waiting = Some((at, text));
    }

    /// What is called the log in an archive that begins at a byte.
    pub(super) fn member_at(&self, at: u64) -> Option<String> {
        let starts = self.chunks.reader().starts();
        starts.from(at).filter(|(start, _)| *start == at).map(|(_, name)| name)
    }

    /// How many bytes from a byte on belong to the same log.
    pub(super) fn member_len(&self, at: u64) -> usize {
        let next = self.chunks.reader().starts().from(at + 1);
        next.map_or(usize::MAX, |(start, _)| usize::try_from(start - at).unwrap_or(usize::MAX))
    }

    /// What was held back, where a log ends.
    pub(super) fn rest(&mut self) -> Option<Given> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.text.is_empty()).then_some((begun.text, begun.open))
    }

    /// What was held back and what arrived behind it, but for a line at its end that is open, unless a log ends there.
    pub(super) fn joined(&mut self, arrived: Vec<u8>, is_end: bool) -> Option<Given> {
        let Begun { mut text, open } = std::mem::take(&mut self.begun);
        text.extend(arrived);
        if !is_end {
            let (end, open_there) = pieces::cut(&text, text.len(), open);
            self.begun = Begun { text: text.split_off(end), open: open_there };
        }
        (!text.is_empty()).then_some((text, open))
    }

    /// Bytes on disk that were read since this was asked last.
    pub(super) fn disk_bytes(&mut self) -> u64 {
        let raw_bytes = self.chunks.reader().raw_bytes();
        raw_bytes - std::mem::replace(&mut self.told_bytes, raw_bytes)
    }
}
