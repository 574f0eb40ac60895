//! Open inputs as a queue of chunks that several workers draw from. Owns the order of drawing, not of results:
//! nothing downstream depends on which worker got which chunk.
//!
//! A mapped file is cut into ranges beforehand. A stream is decoded by whichever worker draws from it while the
//! others parse what was drawn before, and workers that find one stream busy go on to the next file.

use super::{
    skip::{Asked, Skipped},
    stream::StreamText,
};
use crate::{
    error::{Error, Kind},
    input::{self, LogFile, Map, Part, Source, Stream, StreamChunks, TARGET_CHUNK_BYTES},
    parse::{
        self, Format, LineParser, fast,
        pieces::{self, Open},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, PoisonError, TryLockError},
};

/// How the lines of one file are to be read.
pub(super) struct Reading {
    /// Index of the file.
    pub(super) file: u32,
    pub(super) parser: LineParser,
    /// The fast path, where the format has one, and the format's index.
    pub(super) fast: Option<(fast::Layout, usize)>,
    /// The columns in force, where the file names its own: none before the first header.
    header: Option<Box<[u8]>>,
}

impl Reading {
    /// Whether lines may come in pieces: those that a container's logger wrote are never read fast.
    fn may_be_in_pieces(&self) -> bool {
        self.fast.is_none() && self.header.is_none()
    }
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
    /// The streams of a container that are open where it begins.
    pub(super) open: Open,
    /// Bytes on disk that it took.
    pub(super) disk_bytes: u64,
}

enum State {
    Waiting,
    Mapped { map: Arc<Map>, ranges: VecDeque<Range<usize>>, reading: Arc<Reading>, skipped_bytes: u64 },
    Streamed { text: StreamText, reading: Arc<Reading> },
    Done,
}

struct Slot {
    state: State,
    next: u32,
    /// How often the columns changed.
    headers: u32,
}

/// All inputs.
pub(super) struct Queue<'f> {
    files: &'f [LogFile],
    slots: Vec<Mutex<Slot>>,
    formats: &'f Formats,
    asked: Asked,
    problems: Mutex<Vec<(u32, Option<u32>, Error)>>,
    skipped: Mutex<Vec<Skipped>>,
    members: Mutex<BTreeMap<(u32, u32), String>>,
}

/// What there is to say of the inputs when all are read.
pub(super) struct Findings {
    /// What went wrong with a file, or with the log in it that holds a chunk.
    pub(super) problems: Vec<(u32, Option<u32>, Error)>,
    pub(super) skipped: Vec<Skipped>,
    /// The members of archives, by file and first chunk.
    pub(super) members: BTreeMap<(u32, u32), String>,
}

/// How lines are to be read.
#[derive(Clone, Debug, Default)]
pub struct Formats {
    /// In which format.
    pub choice: FormatChoice,
    /// With which settings.
    pub readers: parse::Readers,
    /// How files begin.
    pub heads: Arc<Heads>,
}

/// The beginnings of files: one that stands in for what comes from the middle of a file, and those that were seen.
#[derive(Debug, Default)]
pub struct Heads {
    given: Option<Vec<u8>>,
    seen: Mutex<BTreeMap<(u32, u32), Vec<u8>>>,
}

impl Heads {
    /// What is read is the middle of a file that begins so.
    #[must_use]
    pub fn given(head: Vec<u8>) -> Self {
        Self { given: Some(head), ..Self::default() }
    }

    /// The first bytes of a log that begins with a chunk of a file; nothing where it was empty.
    pub(super) fn seen(&self, file: (u32, u32)) -> Vec<u8> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&file).cloned().unwrap_or_default()
    }

    fn of<'t>(&'t self, file: (u32, u32), text: &'t [u8]) -> &'t [u8] {
        /// Of each file.
        const SEEN_BYTES: usize = 1024;
        let head = self.given.as_deref().unwrap_or(text);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(file, head.get(..SEEN_BYTES).unwrap_or(head).to_vec());
        head
    }
}

/// Which format to read with.
#[derive(Clone, Debug, Default)]
pub enum FormatChoice {
    /// Found out for each file.
    #[default]
    Guess,
    /// A known one for all.
    Known(&'static Format),
    /// The operator's own for all.
    Custom(Box<parse::Parser>),
    /// What a server's configuration says about each log; for others whichever of its formats reads most.
    Server(Arc<parse::ServerConfig>),
}

impl<'f> Queue<'f> {
    pub(super) fn new(files: &'f [LogFile], formats: &'f Formats, asked: Asked) -> Self {
        let slots = files.iter().map(|_| Mutex::new(Slot { state: State::Waiting, next: 0, headers: 0 })).collect();
        Self {
            files,
            slots,
            formats,
            asked,
            problems: Mutex::default(),
            skipped: Mutex::default(),
            members: Mutex::default(),
        }
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

    /// What went wrong, what was not read, and what was in archives.
    pub(super) fn into_findings(self) -> Findings {
        Findings {
            problems: self.problems.into_inner().unwrap_or_default(),
            skipped: self.skipped.into_inner().unwrap_or_default(),
            members: self.members.into_inner().unwrap_or_default(),
        }
    }

    fn report(&self, file: u32, error: Error) {
        if let Ok(mut problems) = self.problems.lock() {
            problems.push((file, None, error));
        }
    }

    fn draw_from(&self, file: u32, slot: &mut Slot) -> Option<Draw> {
        if matches!(slot.state, State::Waiting) {
            slot.state = self.open(file, &mut slot.headers);
        }
        let (chunk, headers) = (slot.next, &mut slot.headers);
        let draw = match &mut slot.state {
            State::Waiting | State::Done => None,
            State::Mapped { map, ranges, reading, skipped_bytes } => ranges.pop_front().map(|mut range| {
                let (_, open) = match reading.may_be_in_pieces() {
                    true => pieces::cut(map.as_bytes(), range.start, Open::default()),
                    false => (0, Open::default()),
                };
                let text = map.as_bytes().get(range.clone()).unwrap_or_default();
                let len = self.under_one_header(text, reading, headers);
                if len < range.len() {
                    ranges.push_front(range.start + len..range.end);
                    range.end = range.start + len;
                }
                let disk_bytes = range.len() as u64 + std::mem::take(skipped_bytes);
                let text = Text::Mapped(Arc::clone(map), range);
                Draw { reading: Arc::clone(reading), chunk, text, open, disk_bytes }
            }),
            State::Streamed { text, reading } => self.draw_streamed((file, chunk), text, reading, headers),
        };
        slot.next += 1;
        if draw.is_none() {
            self.close(file, slot);
        }
        draw
    }

    fn draw_streamed(
        &self,
        (file, chunk): (u32, u32),
        stream: &mut StreamText,
        reading: &mut Arc<Reading>,
        headers: &mut u32,
    ) -> Option<Draw> {
        let (mut at, mut given) = (0, None);
        while given.is_none() {
            let Some((start, mut text)) = self.next_of(file, stream) else { break };
            at = start;
            if start > 0
                && let Some(name) = stream.member_at(start)
            {
                if let Some(held) = stream.rest() {
                    stream.put_back(start, text);
                    given = Some(held);
                    break;
                }
                if text.len() < HEAD_BYTES {
                    text.extend(self.next_of(file, stream).map(|(_, more)| more).unwrap_or_default());
                }
                let own = text.get(..stream.member_len(start)).unwrap_or(&text);
                *reading = Arc::new(self.member(file, chunk, name, own));
            }
            let len = stream.member_len(start);
            let is_end = len < text.len();
            if is_end {
                stream.put_back(start + len as u64, text.split_off(len));
            }
            given =
                if reading.may_be_in_pieces() { stream.joined(text, is_end) } else { Some((text, Open::default())) };
        }
        let (mut text, open) = given.or_else(|| stream.rest())?;
        let disk_bytes = stream.disk_bytes();
        let len = self.under_one_header(&text, reading, headers);
        if len < text.len() {
            stream.put_back(at + len as u64, text.split_off(len));
        }
        Some(Draw { reading: Arc::clone(reading), chunk, text: Text::Owned(text), open, disk_bytes })
    }

    fn close(&self, file: u32, slot: &mut Slot) {
        let state = std::mem::replace(&mut slot.state, State::Done);
        if let (State::Mapped { map, .. }, Some(log)) = (state, self.files.get(file as usize))
            && map.was_truncated()
        {
            self.report(file, Error::new(Kind::Changed, &log.path));
        }
    }

    fn open(&self, file: u32, headers: &mut u32) -> State {
        let Some(log) = self.files.get(file as usize) else { return State::Done };
        match log.open() {
            Err(error) => {
                self.report(file, error);
                State::Done
            }
            Ok(Source::Empty) => State::Done,
            Ok(Source::Mapped(map)) => {
                let map = Arc::new(map);
                let mut reading = Arc::new(self.reading(file, map.as_bytes()));
                let mut part = log.part.of(map.as_bytes().len());
                let mut skipped_bytes = 0;
                if log.part == Part::WHOLE && reading.header.is_none() {
                    part = self.asked.part_of(map.as_bytes(), &reading.parser);
                    let skipped = Skipped::around(&part, file, &map);
                    skipped_bytes = skipped.as_ref().map_or(0, |skipped| skipped.bytes);
                    self.skipped.lock().unwrap_or_else(PoisonError::into_inner).extend(skipped);
                }
                self.catch_up(map.as_bytes().get(..part.start).unwrap_or_default(), &mut reading, headers);
                let text = map.as_bytes().get(part.clone()).unwrap_or_default();
                let ranges = input::split(text, TARGET_CHUNK_BYTES);
                let mut ranges: VecDeque<Range<usize>> =
                    ranges.into_iter().map(|r| r.start + part.start..r.end + part.start).collect();
                if reading.may_be_in_pieces() {
                    join_pieces(map.as_bytes(), ranges.make_contiguous());
                }
                State::Mapped { map, ranges, reading, skipped_bytes }
            }
            Ok(Source::Stream(stream)) => {
                let mut text = streamed(stream, log);
                let Some((at, first)) = self.next_of(file, &mut text) else { return State::Done };
                let head = first.get(..text.member_len(at)).unwrap_or(&first);
                let reading = match text.member_at(at).filter(|_| log.part == Part::WHOLE) {
                    Some(name) => Arc::new(self.member(file, 0, name, head)),
                    None => Arc::new(self.reading(file, &first)),
                };
                if log.part != Part::WHOLE {
                    return self.resume(file, log, reading);
                }
                text.put_back(at, first);
                State::Streamed { text, reading }
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
            Ok(stream) => State::Streamed { text: streamed(stream, log), reading },
            Err(error) => {
                self.report(file, error);
                State::Done
            }
        }
    }

    /// What comes next of a stream, and where in its text it begins. What went wrong is reported.
    fn next_of(&self, file: u32, text: &mut StreamText) -> Option<(u64, Vec<u8>)> {
        text.next()?.map_err(|error| self.report(file, error)).ok()
    }

    /// How a member of an archive is to be read that begins with a chunk.
    fn member(&self, file: u32, chunk: u32, name: String, text: &[u8]) -> Reading {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).insert((file, chunk), name);
        self.reading_from(file, chunk, text)
    }

    /// How a file is to be read, by its first lines.
    fn reading(&self, file: u32, text: &[u8]) -> Reading {
        self.reading_from(file, 0, text)
    }

    fn reading_from(&self, file: u32, chunk: u32, text: &[u8]) -> Reading {
        let text = self.formats.heads.of((file, chunk), text);
        let head = text.get(..HEAD_BYTES).unwrap_or(text);
        let sample: Vec<&[u8]> = input::lines(head).take(parse::SAMPLE_LINES).collect();
        let Formats { choice, readers, heads } = self.formats;
        let (parser, fast) = match choice {
            FormatChoice::Custom(parser) => {
                (readers.custom(parser), parse::fast_layout(parser).map(|layout| (layout, parse::FORMATS.len())))
            }
            FormatChoice::Known(format) => (readers.known(format), with_index(format)),
            FormatChoice::Guess => self.guessed(&sample),
            FormatChoice::Server(config) => match self.configured(file, config, &sample) {
                Some(parser) => {
                    (readers.custom(&parser), parse::fast_layout(&parser).map(|layout| (layout, parse::FORMATS.len())))
                }
                None => self.guessed(&sample),
            },
        };
        let names_columns = match choice {
            FormatChoice::Guess | FormatChoice::Server(_) => sample.iter().any(|line| parse::fields_of(line).is_some()),
            FormatChoice::Known(format) => format.id == "w3c",
            FormatChoice::Custom(_) => false,
        };
        if names_columns && heads.given.is_some() {
            self.refuse_middle(file);
        }
        let fast = fast.filter(|_| !names_columns && !readers.settings().change_clients());
        if readers.settings().zone.is_none() && fast.is_none() && is_zoneless(&parser, &sample) {
            self.note_zone(file, chunk);
        }
        Reading { file, parser, fast, header: names_columns.then(Box::default) }
    }

    /// The known format that reads most.
    fn guessed(&self, sample: &[&[u8]]) -> (LineParser, Option<(fast::Layout, usize)>) {
        let readers = &self.formats.readers;
        let guess = readers.guess(sample);
        let format = guess.map_or(parse::FORMATS[0], |guess| guess.format);
        let wrapped = guess.is_some_and(|guess| guess.wrapped);
        (readers.known(format).wrapped(wrapped), with_index(format).filter(|_| !wrapped))
    }

    /// The format that the configuration has for a file, or else that of its formats which reads most lines, if it reads
    /// more than any known one.
    fn configured(&self, file: u32, config: &parse::ServerConfig, sample: &[&[u8]]) -> Option<parse::Parser> {
        let log = self.files.get(file as usize).and_then(|log| config.log_of(&log.path));
        if let Some(parser) = log.and_then(|log| config.parser(log).ok()).filter(|parser| parser.missing().is_empty()) {
            return Some(parser);
        }
        let mut scratch = parse::Scratch::default();
        let mut fits = |parser: &parse::Parser| sample.iter().filter(|l| parser.parse(l, &mut scratch).is_ok()).count();
        let best = config.parsers().into_iter().map(|parser| (fits(&parser), parser)).max_by_key(|(fits, _)| *fits);
        let known = self.formats.readers.guess(sample).map_or(0, |guess| guess.fits);
        best.filter(|(fits, _)| *fits > known).map(|(_, parser)| parser)
    }

    /// Says once that the times of a file have no zone.
    fn note_zone(&self, file: u32, chunk: u32) {
        if let (Some(log), Ok(mut problems)) = (self.files.get(file as usize), self.problems.lock()) {
            problems.push((file, Some(chunk), Error::new(Kind::NoZone, &log.path)));
        }
    }

    /// The middle of a log whose columns change on the way cannot be read by its beginning.
    fn refuse_middle(&self, file: u32) {
        if let Some(log) = self.files.get(file as usize) {
            self.report(file, Error::new(Kind::NoMiddle, &log.path));
        }
    }

    /// Takes over the columns that are in force behind a text.
    fn catch_up(&self, mut front: &[u8], reading: &mut Arc<Reading>, headers: &mut u32) {
        while reading.header.is_some() && !front.is_empty() {
            let under_one = self.under_one_header(front, reading, headers);
            front = front.get(under_one..).unwrap_or_default();
        }
    }

    /// Takes over the columns that a text names in front of its lines; gives how much of it stands under them. Text
    /// under other columns is a chunk of its own, so that what becomes of a line never depends on who read the one
    /// before it.
    fn under_one_header(&self, text: &[u8], reading: &mut Arc<Reading>, headers: &mut u32) -> usize {
        if reading.header.is_none() {
            return text.len();
        }
        let mut start = 0;
        for at in memchr::memmem::find_iter(text, parse::FIELDS) {
            if at > 0 && text.get(at - 1) != Some(&b'\n') {
                continue;
            }
            let line = input::lines(text.get(at..).unwrap_or_default()).next().unwrap_or_default();
            if reading.header.as_deref() == Some(line) || *headers == HEADERS_MAX {
                continue;
            }
            if !input::lines(text.get(start..at).unwrap_or_default()).all(parse::is_blank) {
                return at;
            }
            if let Some(parser) = self.formats.readers.w3c(line) {
                *headers += 1;
                let (file, header) = (reading.file, Some(line.into()));
                *reading = Arc::new(Reading { file, parser, fast: None, header });
                start = at;
            }
        }
        text.len()
    }
}

/// Text looked at for the format.
const HEAD_BYTES: usize = 128 << 10;

fn streamed(stream: Stream, log: &LogFile) -> StreamText {
    StreamText::new(Box::new(StreamChunks::new(stream, &log.path, TARGET_CHUNK_BYTES)))
}

/// Moves the cuts between ranges of a text to where no line is open.
fn join_pieces(text: &[u8], ranges: &mut [Range<usize>]) {
    for at in 1..ranges.len() {
        if let Some([front, behind]) = ranges.get_mut(at - 1..=at) {
            let (cut, _) = pieces::cut(text, behind.start, Open::default());
            (front.end, behind.start) = (cut, cut);
        }
    }
}

/// What reads the lines of a file, by its first ones; what is said about it goes unheard.
pub(super) fn parser_for(text: &[u8], formats: &Formats) -> LineParser {
    Queue::new(&[], formats, Asked::default()).reading(0, text).parser
}

/// Changes of columns that are followed in one file; more are no log of a server.
const HEADERS_MAX: u32 = 10_000;

fn with_index(format: &Format) -> Option<(fast::Layout, usize)> {
    fast::Layout::of(format.id).map(|layout| (layout, format.index()))
}

/// Whether the first line that is understood has a time without a zone.
fn is_zoneless(parser: &LineParser, sample: &[&[u8]]) -> bool {
    let mut scratch = parse::Scratch::default();
    sample.iter().find_map(|line| Some(parser.parse(line, &mut scratch).ok()?.0.zoneless)).unwrap_or(false)
}
