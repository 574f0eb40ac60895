//! Lines to notes, counted as they come, in the server's own time. Owns the bounds on what is kept, and keeps the same
//! whatever order lines come in, up to the number of topics.

use super::{Entry, address, entry};
use crate::model::{
    logged::Logged,
    note::{Count, Level, Notes, Quote, Topic, When, Why},
    time::Time,
};
use std::collections::{BTreeMap, HashMap};

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It says something about a refusal.
    Noted(Time),
    /// An error line about something else.
    Other(Time),
    /// Not an error line of a known server.
    Unknown,
    /// Nothing in it.
    Blank,
}

/// Reads error lines one after another.
#[derive(Debug)]
pub struct Collector {
    topics: HashMap<Topic, u32>,
    quotes: Vec<Quote>,
    counts: BTreeMap<When, Vec<Count>>,
    /// How many [`Count`]s there are.
    kept: usize,
    /// Up to here nothing is kept.
    bound: Option<When>,
    span: Option<(Time, Time)>,
    least: Option<Level>,
    left_out: u64,
    limits: Limits,
}

/// A flood of messages must not exhaust memory.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Counts kept; beyond, the earliest minutes are given up, since the latest are what is asked about.
    counts: usize,
    /// Topics kept; beyond, messages are filed under what they say alone.
    topics: usize,
}

/// About 100 MB at the worst.
const LIMITS: Limits = Limits { counts: 1 << 19, topics: 1 << 16 };
/// Longer lines are read up to here: nginx cuts its own at 2,048 bytes, Apache at 8,192.
const LINE_BYTES_MAX: usize = 16 << 10;
/// Bytes kept of a quoted line, and of each text of a topic.
const QUOTE_BYTES_MAX: usize = 512;
const TEXT_BYTES_MAX: usize = 200;

impl Default for Collector {
    fn default() -> Self {
        Self {
            topics: HashMap::new(),
            quotes: Vec::new(),
            counts: BTreeMap::new(),
            kept: 0,
            bound: None,
            span: None,
            least: None,
            left_out: 0,
            limits: LIMITS,
        }
    }
}

impl Collector {
    /// With other limits, so that a test need not write a million lines.
    #[cfg(test)]
    pub(super) fn limited(mut self, counts: usize, topics: usize) -> Self {
        self.limits = Limits { counts, topics };
        self
    }

    /// Takes a line; `file` and `number` say where it stands.
    pub fn read(&mut self, line: &[u8], file: u32, number: u64) -> Line {
        let line = line.get(..LINE_BYTES_MAX).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return Line::Blank;
        }
        let Some(entry) = entry(line) else { return Line::Unknown };
        let time = Time(entry.local_secs);
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        self.least = Some(self.least.map_or(entry.level, |least| least.min(entry.level)));
        let Some(said) = entry.said else { return Line::Other(time) };
        let user = if said.user.is_empty() { 0 } else { digest(said.user) };
        let when = When { minute: time.0 / 60, addr: address(entry.client) };
        let text = Logged::new(line.get(..QUOTE_BYTES_MAX).unwrap_or(line));
        let topic = self.topic(&entry, said.why, Quote { time, file, line: number, text });
        self.count(when, topic, user);
        Line::Noted(time)
    }

    /// All that was read; `files` are their names, in the order of their indices.
    #[must_use]
    pub fn finish(self, files: Vec<String>) -> Notes {
        let mut topics = vec![Topic::default(); self.topics.len()];
        #[expect(clippy::iter_over_hash_type, reason = "each goes to its own place, whatever the order")]
        for (topic, index) in self.topics {
            if let Some(place) = topics.get_mut(index as usize) {
                *place = topic;
            }
        }
        Notes {
            topics,
            quotes: self.quotes,
            counts: self.counts,
            files,
            span: self.span,
            least: self.least,
            left_out: self.left_out,
        }
    }

    fn topic(&mut self, entry: &Entry<'_>, why: Why, quote: Quote) -> u32 {
        let text = |text: &[u8]| Logged::new(text.get(..TEXT_BYTES_MAX).unwrap_or(text));
        let said = entry.said.as_ref();
        let path = said.map(|s| s.path).filter(|path| !path.is_empty()).unwrap_or(entry.path);
        let mut topic = Topic {
            why: Some(why),
            host: text(&entry.host.to_ascii_lowercase()),
            path: text(first_segments(path)),
            thing: text(said.map_or(b"", |s| s.thing)),
        };
        if self.topics.len() >= self.limits.topics && !self.topics.contains_key(&topic) {
            topic = Topic { why: Some(why), ..Topic::default() };
        }
        let next = self.topics.len() as u32;
        let index = *self.topics.entry(topic).or_insert(next);
        match self.quotes.get_mut(index as usize) {
            Some(first) if quote < *first => *first = quote,
            Some(_) => {}
            None => self.quotes.push(quote),
        }
        index
    }

    fn count(&mut self, when: When, topic: u32, user: u32) {
        if self.bound.is_some_and(|bound| when <= bound) {
            self.left_out += 1;
            return;
        }
        let counts = self.counts.entry(when).or_default();
        match counts.iter_mut().find(|c| (c.topic, c.user) == (topic, user)) {
            Some(count) => count.messages = count.messages.saturating_add(1),
            None => {
                counts.push(Count { topic, user, messages: 1 });
                self.kept += 1;
            }
        }
        while self.kept > self.limits.counts {
            let Some((when, given_up)) = self.counts.pop_first() else { break };
            self.kept -= given_up.len();
            self.left_out += given_up.iter().map(|c| u64::from(c.messages)).sum::<u64>();
            // Whatever comes about these minutes later is left out too, so that every count that is kept is whole.
            self.bound = Some(when);
        }
    }
}

/// The first three segments: no scope is longer, and what follows is mostly ids.
fn first_segments(path: &[u8]) -> &[u8] {
    let path = path.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
    let fourth = memchr::memchr_iter(b'/', path).filter(|at| *at > 0).nth(2);
    fourth.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// FNV-1a: names are only told apart.
fn digest(text: &[u8]) -> u32 {
    text.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)).max(1)
}
