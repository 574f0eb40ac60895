//! What one run of `map` has read, to be merged elsewhere: how it was read, which stretch of which file it was, and the
//! rows, by day. Owns the form and its check on reading; what parts make a whole is for the pipeline.
//!
//! ```text
//! "AFPT"  version u16  crc u32  length u64 │ header  words  day  day  …
//! block:  length unpacked  length  zstd          day:  its number  requests  block  block  block
//! ```
//!
//! The checksum is over all that follows it, and is looked at before anything is used. The form belongs to a major
//! version of the program: as long as that stays, newer programs read what older ones wrote. Formats and reasons stand
//! in it by name, since their numbers change.

use super::{Damage, columns, envelope::Form, read::In, write::Out};
use crate::model::{
    event::Reason,
    tally::{ChunkCoverage, Kept, Ledger, RejectedHere, Shard},
    time::Time,
};
use std::{collections::BTreeMap, ops::Range};

/// Raised when the form changes.
const FORM: Form = Form { magic: b"AFPT", version: 2 };
/// The columns leave little to find: higher levels take more time than they gain.
const ZSTD_LEVEL: i32 = 1;
/// Unpacked, of one block: no mapper that keeps to its memory writes more.
const BLOCK_BYTES_MAX: u64 = 4 << 30;
/// Unpacked, of a byte of zstd at most: room is made for no more. Its blocks hold so much, and begin with three bytes.
const FRAME_BYTES_MAX: u64 = 128 << 10;
/// Bytes of text at the beginning of a file by which it is known again.
pub const HEAD_BYTES: usize = 512;

/// All but the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The program that wrote it.
    pub tool: String,
    /// What was said about reading, as options of the command line: parts that differ in it cannot be merged.
    pub settings: Vec<String>,
    /// Whose requests are in it.
    pub kept: Kept,
    /// Length of the slices by which the requests of others are counted: the report's windows.
    pub window_secs: u32,
    /// What was read, by host, path and range.
    pub sources: Vec<Source>,
    /// Paths that could not be read at all, and why.
    pub problems: Vec<(Vec<u8>, String)>,
}

/// A stretch of a file, and how much of it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The machine that it is from; empty where nothing was said.
    pub host: String,
    /// The path as the system's bytes, without the host.
    pub path: Vec<u8>,
    /// The first [`HEAD_BYTES`] of the file's text.
    pub head: Vec<u8>,
    /// Which bytes of the text: the lines that begin in it.
    pub range: Range<u64>,
    /// Whether the file ended there when it was read.
    pub is_end: bool,
    /// Bytes of the file's text, where they are known without reading it.
    pub size_bytes: Option<u64>,
    /// Whether its times bear no zone.
    pub is_zoneless: bool,
    /// What went wrong on the way.
    pub problem: Option<String>,
    /// As one chunk, its formats left out.
    pub coverage: ChunkCoverage,
    /// Lines understood, by id of the format.
    pub formats: BTreeMap<String, u64>,
}

/// A part as bytes; places in the ledger are index of the source, 0, and line in its range.
#[must_use]
pub fn write(header: &Header, ledger: &Ledger) -> Vec<u8> {
    let (words, ranks) = columns::write_words(ledger);
    let days = columns::write_days(ledger, &ranks);
    FORM.seal(|out| {
        let mut packer = Packer::default();
        packer.block(&write_header(header), out);
        packer.block(&words, out);
        out.number(days.len() as u64);
        for day in days {
            out.number(day.number.into());
            out.number(day.requests);
            [day.clients, day.visits, day.refusals].iter().for_each(|bytes| packer.block(bytes, out));
        }
    })
}

/// A part whose bytes are all there and as they were written.
#[derive(Debug)]
pub struct Part<'b> {
    /// What it says of itself.
    pub header: Header,
    words: Block<'b>,
    days: Vec<Day<'b>>,
}

/// See [`columns::Written`].
#[derive(Debug)]
struct Day<'b> {
    number: u32,
    requests: u64,
    clients: Block<'b>,
    visits: Block<'b>,
    refusals: Block<'b>,
}

/// Where parts stand that were put one behind another.
///
/// # Errors
/// What begins somewhere is no part, or is cut.
pub fn split(bytes: &[u8]) -> Result<Vec<Range<usize>>, Damage> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < bytes.len() || ranges.is_empty() {
        let end = start + FORM.first_len(bytes.get(start..).unwrap_or_default())?;
        ranges.push(start..end);
        start = end;
    }
    Ok(ranges)
}

/// Checks a part, and reads what it says of itself.
///
/// # Errors
/// It is none, of another version, cut or changed.
pub fn open(bytes: &[u8]) -> Result<Part<'_>, Damage> {
    let mut input = In(FORM.open(bytes)?);
    let header = read_header(Unpacker::default().bytes(input.block()?)?)?;
    let words = input.block()?;
    let days = input.list(8, |input| {
        let (number, requests) = (input.u32()?, input.number()?);
        Ok(Day { number, requests, clients: input.block()?, visits: input.block()?, refusals: input.block()? })
    })?;
    let is_sorted = days.is_sorted_by(|a, b| a.number < b.number);
    if input.0.is_empty() && is_sorted { Ok(Part { header, words, days }) } else { Err(Damage::Nonsense) }
}

impl Part<'_> {
    /// The rows of the days that have something in `[from, until)`, and how many requests the other days have.
    ///
    /// # Errors
    /// Numbers that fit nowhere.
    pub fn rows(&self, (from, until): (Time, Time)) -> Result<(Shard, u64), Damage> {
        let is_wanted = |day: &&Day<'_>| {
            let start = day.number.saturating_mul(columns::DAY_SECS);
            start < until.0 && start.saturating_add(columns::DAY_SECS) > from.0
        };
        let (wanted, others): (Vec<_>, Vec<_>) = self.days.iter().partition(is_wanted);
        let (mut unpacker, mut of_refusals) = (Unpacker::default(), Unpacker::default());
        let words = columns::read_words(unpacker.bytes(self.words)?)?;
        let clients = wanted.iter().map(|day| {
            let clients = columns::read_clients(unpacker.bytes(day.clients)?)?;
            let requests: u64 = clients.iter().map(|(_, count)| u64::from(*count)).sum();
            // Of three columns each has a byte for it.
            let is_sound = requests == day.requests && requests <= day.visits.bytes / 3;
            if is_sound { Ok(clients) } else { Err(Damage::Nonsense) }
        });
        let mut rows = columns::Rows::new(words, clients.collect::<Result<_, _>>()?)?;
        for (at, day) in wanted.iter().enumerate() {
            let (visits, refusals) = (unpacker.bytes(day.visits)?, of_refusals.bytes(day.refusals)?);
            rows.read_day((at, day.number), visits, refusals, self.header.sources.len())?;
        }
        Ok((rows.finish(), others.iter().fold(0, |sum, day| sum.saturating_add(day.requests))))
    }
}

/// Packed bytes, and how many they are unpacked.
#[derive(Clone, Copy, Debug)]
struct Block<'b> {
    packed: &'b [u8],
    bytes: u64,
}

/// Packs blocks, in the same memory one after the other.
#[derive(Default)]
struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    packed: Vec<u8>,
}

impl Packer {
    fn block(&mut self, bytes: &[u8], out: &mut Out) {
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        // Memory takes everything.
        let _ = self.zstd.set_compression_level(ZSTD_LEVEL);
        let _ = self.zstd.compress_to_buffer(bytes, &mut self.packed);
        out.number(bytes.len() as u64);
        out.text(&self.packed);
    }
}

/// Unpacks blocks, in the same memory one after the other.
#[derive(Default)]
struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    bytes: Vec<u8>,
}

impl Unpacker {
    fn bytes(&mut self, block: Block<'_>) -> Result<&[u8], Damage> {
        let length = usize::try_from(block.bytes).map_err(|_| Damage::Nonsense)?;
        self.bytes.clear();
        self.bytes.reserve(length);
        self.zstd.decompress_to_buffer(block.packed, &mut self.bytes).map_err(|_| Damage::Nonsense)?;
        if self.bytes.len() == length { Ok(&self.bytes) } else { Err(Damage::Length) }
    }
}

impl Out {
    fn maybe(&mut self, text: Option<&str>) {
        self.number(text.is_some().into());
        self.text(text.unwrap_or_default().as_bytes());
    }
}

impl<'b> In<'b> {
    fn block(&mut self) -> Result<Block<'b>, Damage> {
        let bytes = self.number()?;
        let packed = self.text()?;
        let is_sound = bytes <= BLOCK_BYTES_MAX && bytes / FRAME_BYTES_MAX <= packed.len() as u64;
        if is_sound { Ok(Block { packed, bytes }) } else { Err(Damage::Nonsense) }
    }

    fn string(&mut self) -> Result<String, Damage> {
        String::from_utf8(self.text()?.to_vec()).map_err(|_| Damage::Nonsense)
    }

    fn maybe(&mut self) -> Result<Option<String>, Damage> {
        let is_some = self.number()? == 1;
        let text = self.string()?;
        Ok(is_some.then_some(text))
    }
}

fn write_header(header: &Header) -> Vec<u8> {
    let mut out = Out::default();
    out.text(header.tool.as_bytes());
    out.number(header.settings.len() as u64);
    header.settings.iter().for_each(|option| out.text(option.as_bytes()));
    out.number(header.kept.level.into());
    out.number(header.window_secs.into());
    out.number(header.sources.len() as u64);
    header.sources.iter().for_each(|source| write_source(source, &mut out));
    out.number(header.problems.len() as u64);
    for (path, problem) in &header.problems {
        out.text(path);
        out.text(problem.as_bytes());
    }
    out.0
}

fn write_source(source: &Source, out: &mut Out) {
    out.text(source.host.as_bytes());
    out.text(&source.path);
    out.text(&source.head);
    out.number(source.range.start);
    out.number(source.range.end);
    out.number(u64::from(source.is_end) | u64::from(source.is_zoneless) << 1);
    out.number(source.size_bytes.map_or(0, |bytes| bytes.saturating_add(1)));
    out.maybe(source.problem.as_deref());
    let coverage = &source.coverage;
    for number in [coverage.bytes, coverage.lines, coverage.parsed, coverage.blank] {
        out.number(number);
    }
    let (first, last) = coverage.span.map_or((1, 0), |(first, last)| (first.0, last.0));
    out.number(first.into());
    out.number(last.into());
    out.number(source.formats.len() as u64);
    for (format, lines) in &source.formats {
        out.text(format.as_bytes());
        out.number(*lines);
    }
    out.number(coverage.rejected.len() as u64);
    for (reason, here) in &coverage.rejected {
        out.text(reason.text().as_bytes());
        out.number(here.lines);
        out.number(here.line.into());
        out.number(here.column as u64);
        out.text(&here.text);
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, Damage> {
    let mut input = In(bytes);
    let header = Header {
        tool: input.string()?,
        settings: input.list(1, In::string)?,
        kept: Kept { level: input.small()?.min(Kept::NOBODY) },
        window_secs: input.u32()?,
        sources: input.list(16, read_source)?,
        problems: input.list(2, |input| Ok((input.text()?.to_vec(), input.string()?)))?,
    };
    if input.0.is_empty() { Ok(header) } else { Err(Damage::Length) }
}

fn read_source(input: &mut In<'_>) -> Result<Source, Damage> {
    let (host, path, head) = (input.string()?, input.text()?.to_vec(), input.text()?.to_vec());
    let range = input.number()?..input.number()?;
    let (flags, size, problem) = (input.number()?, input.number()?, input.maybe()?);
    let (bytes, lines, parsed, blank) = (input.number()?, input.number()?, input.number()?, input.number()?);
    let (first, last) = (input.u32()?, input.u32()?);
    let formats = input.list(2, |input| Ok((input.string()?, input.number()?)))?.into_iter().collect();
    let rejected = input.list(5, |input| {
        let reason = input.string()?;
        let reason = Reason::ALL.into_iter().find(|known| known.text() == reason).ok_or(Damage::Nonsense)?;
        let (lines, line, column) = (input.number()?, input.u32()?, input.u32()? as usize);
        Ok((reason, RejectedHere { lines, line, column, text: input.text()?.into() }))
    })?;
    let rejected: BTreeMap<Reason, RejectedHere> = rejected.into_iter().collect();
    // Every line is accounted for, as whoever reads this relies on.
    let mut numbers = rejected.values().map(|here| here.lines).chain([blank]);
    if numbers.try_fold(parsed, u64::checked_add) != Some(lines) || range.start > range.end {
        return Err(Damage::Nonsense);
    }
    let span = (first <= last).then_some((Time(first), Time(last)));
    Ok(Source {
        host,
        path,
        head,
        range,
        is_end: flags & 1 == 1,
        is_zoneless: flags & 2 == 2,
        size_bytes: size.checked_sub(1),
        problem,
        coverage: ChunkCoverage { bytes, lines, parsed, blank, span, rejected, ..ChunkCoverage::default() },
        formats,
    })
}
