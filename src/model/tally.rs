//! Who asked for what, when, and how it went: the one table everything else is computed from.
//!
//! Scanning writes [`Shard`]s, whose ids mean nothing outside them; merging is putting shards side by side.
//! A [`Ledger`] is the merged table in its one canonical order, the same for every partition of the input.

use super::{
    event::Reason,
    time::{Time, joined},
};
use std::{collections::BTreeMap, ops::Range};

/// One request in eight bytes: who, what, when. All ids are the shard's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Index into [`Shard::clients`].
    pub client: u32,
    /// Index into [`Shard::shapes`].
    pub shape: u16,
    /// Seconds since the start of its [`Shard::visits`] bucket.
    pub second: u16,
}

/// Everything about a request but who sent it and when. Texts are indices into the owner's `names`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Virtual host.
    pub vhost: u32,
    /// The path's first segments, with ids and file names replaced (see `tally::path`).
    pub path: u32,
    /// Request method.
    pub method: u32,
    /// Protocol.
    pub protocol: u32,
    /// Upstream that answered.
    pub upstream: u32,
    /// Final status.
    pub status: u16,
    /// Whether a user name was logged.
    pub with_user: bool,
}

impl Shape {
    /// Whether the request was served: informational, success or redirect.
    #[must_use]
    pub fn served(&self) -> bool {
        self.status < 400
    }

    /// Whether this is one of the two statuses that this program is about.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self.status, 401 | 403)
    }
}

/// Who sent a request: an address with a user agent. Packed, 20 bytes: where an address of 16 stood at a multiple of as
/// many, a third of the space of all clients would be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C, packed(4))]
pub struct ClientKey {
    /// The address: IPv4 as IPv4-mapped IPv6; a host name as [`NAME_PREFIX`] and its index into `names`.
    pub addr: u128,
    /// Index into the owner's `agents`.
    pub agent: u32,
}

/// Marks a [`ClientKey::addr`] that is a name: the discard-only prefix of RFC 6666, from which no client comes.
pub const NAME_PREFIX: u128 = 0x0100_u128 << 112;

impl ClientKey {
    /// The index of the host name, where the client is one.
    #[must_use]
    pub fn name(&self) -> Option<u32> {
        (self.addr >> 64 == NAME_PREFIX >> 64).then_some(self.addr as u32)
    }

    /// The address of a client with an IPv4 one.
    #[must_use]
    pub fn of_v4(addr: u32) -> u128 {
        0xffff_0000_0000 | u128::from(addr)
    }

    /// The IPv4 address, where the client has one.
    #[must_use]
    pub fn v4(&self) -> Option<u32> {
        (self.addr >> 32 == 0xffff).then_some(self.addr as u32)
    }

    /// Whether an address or host name of this client is written as [`Self::text`] does.
    #[must_use]
    pub fn is_written(&self, text: &[u8], names: &Names) -> bool {
        // Four decimal numbers can be written in one way.
        if self.v4().is_some() { !text.contains(&b':') } else { self.text(names) == text }
    }

    /// The address or host name as text; `names` are its owner's.
    #[must_use]
    pub fn text(&self, names: &Names) -> Vec<u8> {
        match (self.name(), self.v4()) {
            (Some(name), _) => names.get(name).to_vec(),
            (_, Some(v4)) => dotted(v4),
            _ => std::net::Ipv6Addr::from(self.addr).to_string().into_bytes(),
        }
    }
}

/// As std writes an IPv4 address, without its machinery, which takes 1,500 instructions.
fn dotted(v4: u32) -> Vec<u8> {
    let mut text = Vec::with_capacity("255.255.255.255".len());
    for octet in v4.to_be_bytes() {
        if !text.is_empty() {
            text.push(b'.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let leading = usize::from(octet < 100) + usize::from(octet < 10);
        text.extend(digits.iter().skip(leading).map(|digit| b'0' + digit));
    }
    text
}

/// What is kept of a 401 or 403 beside its [`Visit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Index into the owner's `clients`.
    pub client: u32,
    /// When.
    pub time: Time,
    /// Index into the owner's `shapes`.
    pub shape: u32,
    /// Index of the file, then of the chunk in it, then of the line in the chunk.
    pub place: Place,
    /// The claimed user name; 0 for none.
    pub user: u32,
    /// The host of the referring page; 0 for none.
    pub referer_host: u32,
    /// Bytes sent, saturating.
    pub bytes: u32,
}

/// Where a line stands, before the lines of the chunks in front of it are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index into the sorted list of files.
    pub file: u32,
    /// Index of the chunk in the file.
    pub chunk: u32,
    /// Index of the line in the chunk, from 0.
    pub line: u32,
}

/// Texts, each kept once. Index 0 is always the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Names {
    /// The text of an index; empty where there is none.
    #[must_use]
    pub fn get(&self, index: u32) -> &[u8] {
        let i = index as usize;
        let start = if i == 0 { 0 } else { self.ends.get(i - 1).copied().unwrap_or(0) as usize };
        let end = self.ends.get(i).copied().unwrap_or(0) as usize;
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Adds a text, the same or not, and gives its index.
    pub fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        (self.ends.len() - 1) as u32
    }

    /// How many texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text at all, not even the empty one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of text held.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// The key of a kept sample line. Of lines of one shape and hour the earliest is kept, and of those of clients of higher
/// rank again the earliest, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleKey {
    /// Index into the owner's `shapes`.
    pub shape: u32,
    /// Hours since 1970.
    pub hour: u32,
    /// The client's rank in [`Kept`], so that there is still an earliest line when clients of lower rank are gone.
    pub rank: u8,
}

/// Which clients are kept where not all of them can be: those whose rank, drawn from their texts alone, is at least so
/// high. Half of all clients have a rank of 0, a quarter of 1 and so on, so one in 2^level is kept, the same ones by
/// every worker and in every run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// The lowest rank that is kept; 0 keeps everybody.
    pub level: u8,
}

impl Kept {
    /// The level at which nobody is left.
    pub const NOBODY: u8 = 40;

    /// One client in how many is kept.
    #[must_use]
    pub fn one_in(self) -> u64 {
        1 << self.level.min(Self::NOBODY)
    }

    /// Whether all are.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.level == 0
    }

    /// Whether none is: not even one client fits.
    #[must_use]
    pub fn is_nobody(self) -> bool {
        self.level >= Self::NOBODY
    }
}

/// Requests of clients that are not kept, counted by slice of log time and otherwise forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Length of a slice in seconds: that of a window of the report, doubled while there are too many.
    pub slice_secs: u32,
    /// By start of the slice, in slices since 1970.
    pub slices: BTreeMap<u32, Slice>,
    /// Earliest and latest time.
    pub span: Option<(Time, Time)>,
}

/// What is counted of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Requests.
    pub requests: u64,
    /// Of them, 401s.
    pub on_401: u64,
    /// Of them, 403s.
    pub on_403: u64,
}

impl Slice {
    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.on_401 += other.on_401;
        self.on_403 += other.on_403;
    }
}

impl Counted {
    /// Slices and windows of a log at most; where there would be more they are made longer.
    pub const SLICES_MAX: u32 = 1 << 16;

    /// None yet, in slices of such a length.
    #[must_use]
    pub fn new(slice_secs: u32) -> Self {
        Self { slice_secs: slice_secs.max(1), ..Self::default() }
    }

    /// How long slices are that cover a span in full.
    #[must_use]
    pub fn fitting(mut slice_secs: u32, (first, last): (Time, Time)) -> u32 {
        while (last.0 - first.0) / slice_secs >= Self::SLICES_MAX {
            slice_secs = slice_secs.saturating_mul(2);
        }
        slice_secs
    }

    /// Counts a request.
    pub fn add(&mut self, time: Time, status: u16) {
        self.cover((time, time));
        let slice = self.slices.entry(time.0 / self.slice_secs).or_default();
        slice.requests += 1;
        slice.on_401 += u64::from(status == 401);
        slice.on_403 += u64::from(status == 403);
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, mut other: Self) {
        let Some(span) = other.span else { return };
        if self.slice_secs == 0 {
            *self = other;
            return;
        }
        self.cover(span);
        other.lengthen(self.slice_secs);
        self.lengthen(other.slice_secs);
        for (start, slice) in other.slices {
            self.slices.entry(start).or_default().merge(slice);
        }
    }

    /// Leaves only the slices that begin in `[from, until)`; gives the number of requests in the others.
    pub fn cut(&mut self, (from, until): (Time, Time)) -> u64 {
        let before = self.all().requests;
        let slice_secs = self.slice_secs;
        self.slices.retain(|start, _| (from.0..until.0).contains(&(start * slice_secs)));
        let Some((first, _)) = self.slices.first_key_value() else {
            self.span = None;
            return before;
        };
        let last = self.slices.last_key_value().map_or(*first, |(last, _)| *last);
        let within = (Time(first * slice_secs), Time((last * slice_secs).saturating_add(slice_secs - 1)));
        self.span = self.span.map(|span| (span.0.max(within.0), span.1.min(within.1)));
        before - self.all().requests
    }

    /// The sum.
    #[must_use]
    pub fn all(&self) -> Slice {
        self.slices.values().fold(Slice::default(), |mut sum, slice| {
            sum.merge(*slice);
            sum
        })
    }

    fn cover(&mut self, (first, last): (Time, Time)) {
        let span = self.span.map_or((first, last), |span| (span.0.min(first), span.1.max(last)));
        self.span = Some(span);
        self.lengthen(Self::fitting(self.slice_secs, span));
    }

    /// Makes slices so long, where they are shorter.
    pub fn lengthen(&mut self, slice_secs: u32) {
        if self.slice_secs > 0 && self.slice_secs < slice_secs {
            let by = slice_secs / self.slice_secs;
            for (start, slice) in std::mem::take(&mut self.slices) {
                self.slices.entry(start / by).or_default().merge(slice);
            }
            self.slice_secs = slice_secs;
        }
    }
}

/// A kept line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// When.
    pub time: Time,
    /// Where.
    pub place: Place,
    /// Index into the owner's `clients`.
    pub client: u32,
    /// The line.
    pub text: Excerpt,
}

impl Sample {
    /// The line again; what is given is the owner's.
    #[must_use]
    pub fn line(&self, clients: &[ClientKey], names: &Names, agents: &Names) -> Vec<u8> {
        let key = clients.get(self.client as usize).copied().unwrap_or_default();
        self.text.line(&key.text(names), agents.get(key.agent))
    }
}

/// A line, cut, without its client's address and agent where they stand as in most formats: the one in front, the other
/// at the end with a quote behind it. Two thirds of a line are these, and the client has them.
///
/// In one piece, since there are many: bits for what stands there beside it, then the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt(Box<[u8]>);

impl Excerpt {
    /// The address stands in front.
    const WITH_ADDRESS: u8 = 1;
    /// The agent stands behind, and a quote behind that.
    const WITH_AGENT: u8 = 2;

    /// Of a line whose client has this address, where it is written as a report writes it, and this agent.
    #[must_use]
    pub fn new(line: &[u8], address: Option<&[u8]>, agent: &[u8]) -> Self {
        let (mut known, mut rest) = (0, line);
        if let Some(behind) = address.and_then(|address| rest.strip_prefix(address)) {
            (known, rest) = (Self::WITH_ADDRESS, behind);
        }
        if let Some(before) = rest.strip_suffix(b"\"").and_then(|rest| rest.strip_suffix(agent)) {
            (known, rest) = (known | Self::WITH_AGENT, before);
        }
        Self::of((known, rest))
    }

    /// From what [`Self::parts`] gave.
    #[must_use]
    pub fn of((known, rest): (u8, &[u8])) -> Self {
        Self([&[known & (Self::WITH_ADDRESS | Self::WITH_AGENT)], rest].concat().into())
    }

    /// What stands there beside the rest, as bits, and the rest.
    #[must_use]
    pub fn parts(&self) -> (u8, &[u8]) {
        self.0.split_first().map_or((0, b""), |(known, rest)| (*known, rest))
    }

    /// Whether a line ends as this one, of whose client this is the agent, does behind the address.
    #[must_use]
    pub fn ends(&self, line: &[u8], agent: &[u8]) -> bool {
        let (known, rest) = self.parts();
        let before = match known & Self::WITH_AGENT {
            0 => Some(line),
            _ => line.strip_suffix(b"\"").and_then(|line| line.strip_suffix(agent)),
        };
        before.is_some_and(|before| before.ends_with(rest))
    }

    /// The line again.
    #[must_use]
    pub fn line(&self, address: &[u8], agent: &[u8]) -> Vec<u8> {
        let (known, rest) = self.parts();
        let front = if known & Self::WITH_ADDRESS == 0 { b"" } else { address };
        let (behind, quote): (&[u8], &[u8]) = if known & Self::WITH_AGENT == 0 { (b"", b"") } else { (agent, b"\"") };
        [front, rest, behind, quote].concat()
    }
}

/// What one worker saw. Ids are its own; a shard that is full is closed and another begun.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// Paths, hosts, methods, protocols, user names.
    pub names: Names,
    /// User agents.
    pub agents: Names,
    /// Distinct clients.
    pub clients: Vec<ClientKey>,
    /// Distinct shapes, at most 65,535.
    pub shapes: Vec<Shape>,
    /// Every request of the clients that are kept, by bucket of 65,536 seconds of log time.
    pub visits: BTreeMap<u16, Vec<Visit>>,
    /// Every 401 and 403.
    pub refusals: Vec<Refusal>,
    /// A few lines of them.
    pub samples: Vec<(SampleKey, Sample)>,
    /// Requests that are already in order, where this was a ledger.
    pub settled: Settled,
    /// Requests of clients that are not kept.
    pub counted: Counted,
}

impl Shard {
    /// Gives every line that is kept or pointed at another place.
    pub fn move_places(&mut self, moved: impl Fn(Place) -> Place) {
        self.refusals.iter_mut().for_each(|refusal| refusal.place = moved(refusal.place));
        self.samples.iter_mut().for_each(|(_, sample)| sample.place = moved(sample.place));
    }
}

/// Requests sorted by client and time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// `clients.len() + 1` bounds into `visits`, or none.
    pub bounds: Vec<u32>,
    /// Their shapes are indices into the owner's `shapes`.
    pub visits: Vec<Seen>,
}

/// How much of one chunk was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkCoverage {
    /// Index of the file, and of the chunk in it.
    pub file: u32,
    /// Index of the chunk in the file.
    pub chunk: u32,
    /// Bytes of text.
    pub bytes: u64,
    /// Lines in it.
    pub lines: u64,
    /// Lines understood.
    pub parsed: u64,
    /// Empty lines and comments.
    pub blank: u64,
    /// Earliest and latest time.
    pub span: Option<(Time, Time)>,
    /// Lines understood, by index of the format.
    pub formats: BTreeMap<u16, u64>,
    /// Lines not understood: how many, and the first with its line in the chunk and column.
    pub rejected: BTreeMap<Reason, RejectedHere>,
}

impl ChunkCoverage {
    /// Takes in the chunk that stands behind this one; first lines are counted from where this one begins.
    pub fn append(&mut self, next: &Self) {
        let before = u32::try_from(self.lines).unwrap_or(u32::MAX);
        self.bytes += next.bytes;
        self.lines += next.lines;
        self.parsed += next.parsed;
        self.blank += next.blank;
        self.span = joined(self.span, next.span);
        for (format, lines) in &next.formats {
            *self.formats.entry(*format).or_default() += lines;
        }
        for (reason, here) in &next.rejected {
            let first = || RejectedHere { lines: 0, line: here.line.saturating_add(before), ..here.clone() };
            self.rejected.entry(*reason).or_insert_with(first).lines += here.lines;
        }
    }
}

/// Lines of one chunk rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedHere {
    /// How many.
    pub lines: u64,
    /// Index of the first in the chunk.
    pub line: u32,
    /// Where it stopped fitting.
    pub column: usize,
    /// The first, cut.
    pub text: Box<[u8]>,
}

/// What all workers saw, side by side; nothing is added up until the [`Ledger`] is made.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    /// In no particular order.
    pub shards: Vec<Shard>,
    /// Whose requests are in them.
    pub kept: Kept,
    /// In no particular order.
    pub chunks: Vec<ChunkCoverage>,
}

/// One request of a known client, in a [`Ledger`]: its time above its shape, so that order is order of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen(pub u64);

impl Seen {
    /// A request of a shape at a time.
    #[must_use]
    pub fn new(time: Time, shape: u32) -> Self {
        Self(u64::from(time.0) << 32 | u64::from(shape))
    }

    /// When.
    #[must_use]
    pub fn time(self) -> Time {
        Time((self.0 >> 32) as u32)
    }

    /// Index into [`Ledger::shapes`].
    #[must_use]
    pub fn shape(self) -> usize {
        self.0 as u32 as usize
    }
}

/// The merged table in canonical order: ids follow the order of what they stand for, visits are sorted by
/// client, then time, then shape, refusals by client, time, shape and place.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Sorted, distinct; index 0 is the empty text.
    pub names: Names,
    /// Sorted, distinct; index 0 is the empty text.
    pub agents: Names,
    /// Sorted by address, then agent.
    pub clients: Vec<ClientKey>,
    /// Sorted, distinct.
    pub shapes: Vec<Shape>,
    /// `clients.len() + 1` bounds into `visits`.
    pub visit_bounds: Vec<u32>,
    /// Every request of the clients that are kept.
    pub visits: Vec<Seen>,
    /// Every 401 and 403: in the same order as the visits whose shape is refused.
    pub refusals: Vec<Refusal>,
    /// Kept lines, sorted by shape and hour, one of each.
    pub samples: Vec<(SampleKey, Sample)>,
    /// Later ones of clients of other ranks, for when fewer clients are kept.
    pub spare_samples: Vec<(SampleKey, Sample)>,
    /// Earliest and latest time, of all requests.
    pub span: Option<(Time, Time)>,
    /// Whose requests these are.
    pub kept: Kept,
    /// The requests of all others.
    pub counted: Counted,
}

impl Ledger {
    /// The requests of one client, in order of time.
    #[must_use]
    pub fn visits_of(&self, client: usize) -> &[Seen] {
        let bound = |i: usize| self.visit_bounds.get(i).copied().unwrap_or(0) as usize;
        self.visits.get(bound(client)..bound(client + 1)).unwrap_or_default()
    }

    /// One of some parts of the clients, which have about as many requests each.
    #[must_use]
    pub fn clients_part(&self, part: usize, parts: usize) -> Range<usize> {
        let bound = |part: usize| {
            let visits = self.visits.len() * part / parts.max(1);
            self.visit_bounds.partition_point(|bound| (*bound as usize) < visits).min(self.clients.len())
        };
        bound(part)..bound(part + 1)
    }

    /// The refusals of one client, in order of time.
    #[must_use]
    pub fn refusals_of(&self, client: usize) -> &[Refusal] {
        let from = self.refusals.partition_point(|r| (r.client as usize) < client);
        let len = self.refusals.get(from..).unwrap_or_default().partition_point(|r| r.client as usize == client);
        self.refusals.get(from..from + len).unwrap_or_default()
    }

    /// The line of a sample.
    #[must_use]
    pub fn line(&self, sample: &Sample) -> Vec<u8> {
        sample.line(&self.clients, &self.names, &self.agents)
    }

    /// Whether a line is that of a sample; soon told where it is not.
    #[must_use]
    pub fn is_line(&self, sample: &Sample, line: &[u8]) -> bool {
        let key = self.clients.get(sample.client as usize).copied().unwrap_or_default();
        sample.text.ends(line, self.agents.get(key.agent)) && self.line(sample) == line
    }

    /// The address or host name of a client, as text.
    #[must_use]
    pub fn address(&self, key: &ClientKey) -> Vec<u8> {
        key.text(&self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, Excerpt, Time, dotted};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn excerpts_are_lines_again(
            (front, address) in ("[a1:.]{0,9}", "[a1:.]{0,9}"), rest in "[ a\"1]{0,9}", agent in "[a\"]{0,3}", quote in "\"?"
        ) {
            for line in [format!("{address}{rest}{agent}{quote}"), format!("{front}{rest}")] {
                for address in [None, Some(address.as_bytes())] {
                    let excerpt = Excerpt::new(line.as_bytes(), address, agent.as_bytes());
                    let again = Excerpt::of(excerpt.parts());
                    prop_assert!(again.ends(line.as_bytes(), agent.as_bytes()));
                    prop_assert_eq!(again.line(address.unwrap_or(b"other"), agent.as_bytes()), line.as_bytes());
                }
            }
        }

        #[test]
        fn addresses_are_written_as_std_does(v4: u32) {
            prop_assert_eq!(dotted(v4), std::net::Ipv4Addr::from(v4).to_string().into_bytes());
        }
    }

    fn counted(times: impl Iterator<Item = u32>) -> Counted {
        let mut counted = Counted::new(60);
        times.for_each(|time| counted.add(Time(time), if time % 3 == 0 { 401 } else { 200 }));
        counted
    }

    #[test]
    fn slices_are_few_however_far_times_lie_apart_and_in_whatever_parts_they_come() {
        let times = || (0..2000u32).map(|i| i.wrapping_mul(2_654_435_761)).chain(4000..4400);
        let whole = counted(times());
        assert!(whole.slices.len() <= Counted::SLICES_MAX as usize);
        assert_eq!(whole.slice_secs, 60 << 11);
        assert_eq!(whole.all().requests, 2400);
        for parts in [2usize, 3, 7] {
            let mut merged = Counted::default();
            for part in 0..parts {
                merged.merge(counted(times().skip(part).step_by(parts)));
            }
            assert_eq!(merged, whole);
        }
    }

    #[test]
    fn a_cut_leaves_whole_slices() {
        let mut some = counted(0..1200);
        assert_eq!(some.cut((Time(120), Time(600))), 720);
        assert_eq!((some.all().requests, some.span), (480, Some((Time(120), Time(599)))));
        assert_eq!(some.cut((Time(900), Time(1000))), 480);
        assert_eq!((some.all().requests, some.span), (0, None));
    }
}
