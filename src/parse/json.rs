//! Lines that are JSON objects. Owns finding the wanted values in one pass and undoing JSON's escapes; which keys
//! are wanted stands in each format's file.
//!
//! Only what is needed is checked: a value that nobody asks for may be malformed inside. Nesting is followed no
//! deeper than the keys go, and skipped with a counter, so neither depth nor length of a line costs more than one pass.

use super::{
    slots::{Numbers, Slot, Workspace},
    timestamp::ClfMemo,
};
use crate::model::event::{Reason, Rejection};
use memchr::memchr2;
use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

/// Deepest nesting that is passed over.
const DEPTH_LIMIT: usize = 64;
/// Bytes of a key that are hashed; no wanted one is longer.
const KEY_LIMIT: usize = 64;

/// The keys of a format, best first: where a line has several for one slot, the earlier one counts. A slash leads
/// into an object: `request/headers/User-Agent`. Keys are compared by their letters and digits, without case.
/// Of an array, the first string is taken.
pub type Keys = &'static [(&'static str, Slot)];

/// The keys of a format, ready for looking up.
#[derive(Clone, Debug)]
pub struct JsonPlan {
    /// The first is the line itself.
    objects: Vec<Object>,
    /// The place of `host` in the list, where it is no client.
    host: Option<usize>,
    /// Tells plans apart.
    id: u64,
}

/// What is wanted of a key: the slot for its value with the place in the list, and the wanted keys inside its value.
type Wanted = (Option<(Slot, usize)>, Option<usize>);

/// The keys of the line before, in their order: lines of a log have the same ones, so that most are told by comparing
/// them with the key that stood in their place. Only speed depends on it.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyMemo {
    pub(super) plan: u64,
    keys: Vec<KnownKey>,
}

#[derive(Clone, Debug)]
struct KnownKey {
    object: usize,
    name: Box<[u8]>,
    wanted: Wanted,
}

/// Keys of a line that are remembered, and their length.
const MEMO_KEYS_MAX: usize = 64;

/// The wanted keys of an object: a table with open addressing, a power of two long and at most half full.
#[derive(Clone, Debug)]
struct Object(Vec<Option<Key>>);

/// A key that is wanted.
#[derive(Clone, Debug)]
struct Key {
    /// Lower case, letters and digits only.
    name: Vec<u8>,
    hash: u64,
    /// The slot for its value, and the place in the list.
    take: Option<(Slot, usize)>,
    /// The wanted keys inside its value.
    enter: Option<usize>,
}

impl JsonPlan {
    /// Prepares the keys.
    pub(super) fn new(keys: Keys) -> Self {
        Self::with(&[], keys)
    }

    /// Prepares the keys of a format, and before them the operator's own: a dot in one of these leads into an object,
    /// or stands in the key itself.
    pub(super) fn with(own: &[(String, Slot)], keys: Keys) -> Self {
        let mut objects = vec![Vec::new()];
        for (rank, (path, slot)) in own.iter().enumerate() {
            want(&mut objects, path, *slot, rank);
            want(&mut objects, &path.replace('.', "/"), *slot, rank);
        }
        for (rank, (path, slot)) in keys.iter().enumerate() {
            want(&mut objects, path, *slot, own.len() + rank);
        }
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let host = keys
            .iter()
            .position(|key| matches!(key, ("host", Slot::Vhost)))
            .map(|rank| own.len() + rank)
            // Whoever says where the client is means no other place.
            .filter(|_| own.iter().all(|(_, slot)| *slot != Slot::Client));
        Self { objects: objects.into_iter().map(Object::new).collect(), host, id }
    }

    /// Reads one line into the workspace.
    ///
    /// # Errors
    /// Why the line is no such object, and where.
    pub(super) fn read(&self, line: &[u8], clock: &mut ClfMemo, work: &mut Workspace) -> Result<Numbers, Rejection> {
        self.scan(line, work).and_then(|()| work.numbers(line, clock))
    }

    /// Finds the values in a line and unescapes those that need it.
    fn scan(&self, line: &[u8], work: &mut Workspace) -> Result<(), Rejection> {
        work.clear();
        work.recall(self.id);
        Scan { line, at: 0, plan: self, work, member: 0 }.line()?;
        work.decode_marked(line, unescape);
        work.join_target(line);
        if let Some(host) = self.host {
            work.take_host_for_client(host, line);
        }
        Ok(())
    }

    /// What a key of the outermost object is good for.
    pub(super) fn top(&self, name: &[u8]) -> Option<(Slot, usize)> {
        self.objects.first()?.find(name)?.take
    }

    /// The text of one value, whatever else the object holds; none where it is no object or has no such value.
    pub(super) fn find<'a>(
        &self,
        slot: Slot,
        line: &'a [u8],
        work: &mut Workspace,
        text: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        work.clear();
        work.recall(self.id);
        Scan { line, at: 0, plan: self, work, member: 0 }.line().ok()?;
        let value = work.value(slot)?;
        let raw = line.get(value.span.clone())?;
        if !value.decoded {
            return Some(raw);
        }
        text.clear();
        unescape(raw, text);
        Some(text)
    }
}

/// Notes that a value is wanted.
fn want(objects: &mut Vec<Vec<Key>>, path: &str, slot: Slot, rank: usize) {
    let (parents, last) = path.rsplit_once('/').unwrap_or(("", path));
    let mut object = 0;
    for name in parents.split('/').filter(|p| !p.is_empty()) {
        object = enter(objects, object, name);
    }
    if let Some(key) = key(objects, object, last) {
        key.take.get_or_insert((slot, rank));
    }
}

/// The key of a name in an object, made if there is none.
fn key<'k>(objects: &'k mut [Vec<Key>], object: usize, name: &str) -> Option<&'k mut Key> {
    let name: Vec<u8> = normal(name.as_bytes()).collect();
    let keys = objects.get_mut(object)?;
    let at = keys.iter().position(|k| k.name == name).unwrap_or_else(|| {
        keys.push(Key { hash: hash(&name), name, take: None, enter: None });
        keys.len() - 1
    });
    keys.get_mut(at)
}

/// The object under a key, made if there is none.
fn enter(objects: &mut Vec<Vec<Key>>, object: usize, name: &str) -> usize {
    let new = objects.len();
    let inner = key(objects, object, name).map_or(new, |key| *key.enter.get_or_insert(new));
    if inner == new {
        objects.push(Vec::new());
    }
    inner
}

impl Object {
    fn new(keys: Vec<Key>) -> Self {
        let mut table = Self(vec![None; (keys.len() * 2).next_power_of_two()]);
        for key in keys {
            let place = table.places(key.hash).find(|at| matches!(table.0.get(*at), Some(None)));
            if let Some(place) = place.and_then(|at| table.0.get_mut(at)) {
                *place = Some(key);
            }
        }
        table
    }

    /// Where a key of this hash can stand, nearest first.
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.0.len().wrapping_sub(1);
        // The high half of the hash is the better mixed one; it fits any usize.
        let start = (hash >> 32) as usize;
        (0..=mask).map(move |step| start.wrapping_add(step) & mask)
    }

    fn find(&self, name: &[u8]) -> Option<&Key> {
        let hash = hash(name);
        self.places(hash)
            .map_while(|at| self.0.get(at)?.as_ref())
            .find(|key| key.hash == hash && normal(name).eq(key.name.iter().copied()))
    }
}

/// FNV-1a of a key's letters and digits, lower case. Two keys with one hash would be no harm: names are compared too.
fn hash(name: &[u8]) -> u64 {
    let name = name.get(..KEY_LIMIT).unwrap_or(name);
    normal(name).fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The letters and digits of a key, lower case.
fn normal(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

/// One pass over a line.
struct Scan<'l> {
    line: &'l [u8],
    at: usize,
    plan: &'l JsonPlan,
    work: &'l mut Workspace,
    /// How many keys were read.
    member: usize,
}

type Scanned<T> = Result<T, Rejection>;

impl Scan<'_> {
    /// line = blank object blank
    fn line(&mut self) -> Scanned<()> {
        self.blank();
        if self.peek() != Some(b'{') {
            return Err(Rejection::new(Reason::NotJson, self.at));
        }
        self.object(0)?;
        self.blank();
        if self.at < self.line.len() { Err(Rejection::new(Reason::Trailing, self.at)) } else { Ok(()) }
    }

    /// object = "{" \[member \*("," member)] "}". Calls itself only as deep as the wanted keys go.
    fn object(&mut self, object: usize) -> Scanned<()> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.member(object)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.stop()),
            }
        }
    }

    /// member = blank string blank ":" blank value
    fn member(&mut self, object: usize) -> Scanned<()> {
        self.blank();
        let (take, enter) = self.key(object)?;
        self.blank();
        if self.peek() != Some(b':') {
            return Err(self.stop());
        }
        self.at += 1;
        self.blank();
        match (self.peek(), enter) {
            (Some(b'{'), Some(inner)) => self.object(inner),
            (Some(b'{'), None) => self.nested(),
            (Some(b'['), _) => self.array(take),
            (Some(b'"'), _) => {
                let (span, escaped) = self.string()?;
                self.take(take, span, escaped);
                Ok(())
            }
            _ => {
                let span = self.scalar()?;
                if self.line.get(span.clone()).and_then(|s| s.first()).is_some_and(u8::is_ascii_digit) {
                    self.take(take, span, false);
                }
                Ok(())
            }
        }
    }

    /// Passes a key; gives what is wanted of it.
    #[inline]
    fn key(&mut self, object: usize) -> Scanned<Wanted> {
        let memo = &self.work.memo;
        let rest = self.line.get(self.at..).unwrap_or_default();
        if memo.plan == self.plan.id
            && let Some(known) = memo.keys.get(self.member)
            && known.object == object
            && let Some(after) = rest.get(1..).and_then(|rest| rest.strip_prefix(&*known.name))
            && rest.first() == Some(&b'"')
            && after.first() == Some(&b'"')
        {
            self.at += known.name.len() + 2;
            self.member += 1;
            return Ok(known.wanted);
        }
        self.new_key(object)
    }

    /// As [`Scan::key`], of one that did not stand there in the line before.
    #[cold]
    fn new_key(&mut self, object: usize) -> Scanned<Wanted> {
        let (name, escaped) = self.string()?;
        let wanted = self.wanted(object, name.clone());
        let memo = &mut self.work.memo;
        if memo.plan != self.plan.id {
            memo.plan = self.plan.id;
            memo.keys.clear();
        }
        // What stood behind is seldom right either.
        memo.keys.truncate(self.member);
        let name = self.line.get(name).unwrap_or_default();
        if memo.keys.len() == self.member && self.member < MEMO_KEYS_MAX && name.len() <= KEY_LIMIT && !escaped {
            memo.keys.push(KnownKey { object, name: name.into(), wanted });
        }
        self.member += 1;
        Ok(wanted)
    }

    /// What is wanted of a key.
    fn wanted(&self, object: usize, name: Range<usize>) -> Wanted {
        let name = self.line.get(name).unwrap_or_default();
        match self.plan.objects.get(object).and_then(|object| object.find(name)) {
            Some(key) => (key.take, key.enter),
            None => (None, None),
        }
    }

    /// Keeps a value that is wanted.
    fn take(&mut self, take: Option<(Slot, usize)>, span: Range<usize>, escaped: bool) {
        if let Some((slot, rank)) = take {
            self.work.put(slot, rank, span, escaped);
        }
    }

    /// array: its first element, where that is a string, and over the rest
    fn array(&mut self, take: Option<(Slot, usize)>) -> Scanned<()> {
        let start = self.at;
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'"') {
            let (span, escaped) = self.string()?;
            self.take(take, span, escaped);
        }
        self.at = start;
        self.nested()
    }

    /// Passes over an object or an array, whatever is in it.
    fn nested(&mut self) -> Scanned<()> {
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') if depth == DEPTH_LIMIT => return Err(Rejection::new(Reason::NotJson, self.at)),
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return Err(self.stop()),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// string = '"' \*(any | "\" any) '"'; gives its inside and whether it holds an escape
    fn string(&mut self) -> Scanned<(Range<usize>, bool)> {
        if self.peek() != Some(b'"') {
            return Err(self.stop());
        }
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match quote_or_backslash(self.line.get(at..).unwrap_or_default()) {
                None => return Err(Rejection::new(Reason::Cut, self.line.len())),
                Some(len) if self.line.get(at + len) == Some(&b'"') => {
                    self.at = at + len + 1;
                    return Ok((start..at + len, escaped));
                }
                Some(len) => at += len + 2,
            }
            escaped = true;
        }
    }

    /// scalar = 1\*(any but blank and "," "}" "]")
    fn scalar(&mut self) -> Scanned<Range<usize>> {
        let start = self.at;
        let rest = self.line.get(start..).unwrap_or_default();
        let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b'"' | b'{' | b'[' | b':') || b.is_ascii_whitespace();
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        if self.at == start { Err(self.stop()) } else { Ok(start..self.at) }
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Something else is needed here, or anything at all.
    fn stop(&self) -> Rejection {
        let reason = if self.at < self.line.len() { Reason::NotJson } else { Reason::Cut };
        Rejection::new(reason, self.at.min(self.line.len()))
    }
}

/// As `memchr2`, whose start costs more than the few bytes of most values: those are looked at eight at a time.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    /// Words looked at before the search proper.
    const WORDS: usize = 3;
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, _) = text.as_chunks::<8>();
    for (i, word) in words.iter().take(WORDS).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            // The lowest mark is a true one, whatever borrows did to those above it.
            return Some(i * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let looked_at = words.len().min(WORDS) * 8;
    memchr2(b'"', b'\\', text.get(looked_at..)?).map(|at| looked_at + at)
}

/// Undoes the escapes of a JSON string. What is no escape is kept as it is; half a surrogate pair becomes U+FFFD.
pub(super) fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', text) {
        out.extend(text.get(..at).unwrap_or_default());
        text = text.get(at..).unwrap_or_default();
        let (byte, len) = match text {
            [_, b'b', ..] => (b'\x08', 2),
            [_, b'f', ..] => (b'\x0c', 2),
            [_, b'n', ..] => (b'\n', 2),
            [_, b'r', ..] => (b'\r', 2),
            [_, b't', ..] => (b'\t', 2),
            [_, quoted @ (b'"' | b'\\' | b'/'), ..] => (*quoted, 2),
            _ => match code_point(text) {
                Some((c, len)) => {
                    out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                    text = text.get(len..).unwrap_or_default();
                    continue;
                }
                None => (b'\\', 1),
            },
        };
        out.push(byte);
        text = text.get(len..).unwrap_or_default();
    }
    out.extend(text);
}

/// The character of `\uXXXX`, or of two of them, and how many bytes they are.
fn code_point(text: &[u8]) -> Option<(char, usize)> {
    let unit = |text: &[u8]| match text {
        [b'\\', b'u', a, b, c, d, ..] => {
            [a, b, c, d].iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(**digit).to_digit(16)?))
        }
        _ => None,
    };
    let high = unit(text)?;
    if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (high, text.get(6..).and_then(unit)) {
        return char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, 12));
    }
    Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = &[
        ("remote_addr", Slot::Client),
        ("request/ip", Slot::Client),
        ("time", Slot::Time),
        ("status", Slot::Status),
        ("request/headers/User-Agent", Slot::Agent),
        ("request", Slot::Request),
        ("uri", Slot::Target),
    ];

    fn reason(line: &str) -> Result<(), (Reason, usize)> {
        let read = JsonPlan::new(KEYS).read(line.as_bytes(), &mut ClfMemo::default(), &mut Workspace::default());
        read.map(|_| ()).map_err(|r| crate::parse::plan::with_nul(line.as_bytes(), r)).map_err(|r| (r.reason, r.column))
    }

    #[test]
    fn values_are_found_where_they_are() {
        let line = br#" {"x":[{"status":1},"]}"],"RemoteAddr":"[2001:db8::1]:80","time":1773138052.1,"status":"401",
            "request":{"ip":"192.0.2.1","headers":{"user_agent":["a\"b","c"],"n":null}},"uri":"/\u00e9\u0026\ud83d\ude00\/\ud800\q"} "#;
        let mut work = Workspace::default();
        let read = JsonPlan::new(KEYS).read(line, &mut ClfMemo::default(), &mut work);
        let event =
            read.map(|numbers| work.event(line, numbers)).map(|e| (e.client, e.status, e.agent, e.target, e.time.0));
        let target = "/\u{e9}&\u{1f600}/\u{fffd}\\q".as_bytes();
        assert_eq!(event, Ok((&b"2001:db8::1"[..], 401, &b"a\"b"[..], target, 1_773_138_052)));
    }

    #[test]
    fn rejections_say_why() {
        assert_eq!(reason(""), Err((Reason::NotJson, 0)));
        assert_eq!(reason("[]"), Err((Reason::NotJson, 0)));
        assert_eq!(reason("{"), Err((Reason::Cut, 1)));
        assert_eq!(reason(r#"{"time":"#), Err((Reason::Cut, 8)));
        assert_eq!(reason(r#"{"time":"a\"#), Err((Reason::Cut, 11)));
        assert_eq!(reason(r#"{"time" 1}"#), Err((Reason::NotJson, 8)));
        assert_eq!(reason("{}"), Err((Reason::NoField, 2)));
        assert_eq!(reason("{} x"), Err((Reason::Trailing, 3)));
        assert_eq!(reason(r#"{"time":"x","status":200,"remote_addr":"192.0.2.1"}"#), Err((Reason::NoTime, 9)));
        assert_eq!(reason(r#"{"time":1773138052,"status":0,"remote_addr":"192.0.2.1"}"#), Err((Reason::NoStatus, 28)));
        assert_eq!(reason(r#"{"time":1773138052,"status":200,"remote_addr":null}"#), Err((Reason::NoField, 51)));
        assert_eq!(reason(r#"{"time":1773138052,"status":200,"remote_addr":"192.0.2.1"}"#), Ok(()));
        assert_eq!(reason(r#"{"time":1,"status":200,"remote_addr":"192.0.2.1"}"#), Err((Reason::ImplausibleTime, 8)));
        assert_eq!(reason("{\"time\":1,\0"), Err((Reason::NulBytes, 10)));
    }

    #[test]
    fn short_and_long_values_end_at_the_same_byte() {
        for len in 0..60 {
            for (end, before) in [(b'"', b'a'), (b'\\', b'#'), (b'"', b'!'), (b'\\', b'[')] {
                let mut text = vec![before; len];
                assert_eq!(quote_or_backslash(&text), None);
                text.extend([end, b'"', b'\\']);
                assert_eq!(quote_or_backslash(&text), Some(len), "{len}");
            }
        }
    }

    #[test]
    fn keys_of_the_line_before_change_nothing() {
        let lines = [
            r#"{"time":1,"status":200,"remote_addr":"192.0.2.1"}"#,
            r#"{"time":1,"status":200,"remote_addr":"192.0.2.2"}"#,
            r#"{"status":201,"time":2,"remote_addr":"192.0.2.3","uri":"/a"}"#,
            r#"{"status":202,"request":{"ip":"192.0.2.4","headers":{"User-Agent":"x"}},"time":3}"#,
            r#"{"status":203,"request":"GET /b HTTP/1.1","time":3,"remote_addr":"192.0.2.5"}"#,
            r#"{"statusx":204,"status":205,"time":3,"remote_addr":"192.0.2.6"}"#,
            r#"{"status"}"#,
        ];
        let (plan, mut used) = (JsonPlan::new(KEYS), Workspace::default());
        for line in lines.iter().chain(lines.iter().rev()) {
            let mut fresh = Workspace::default();
            let read = |work: &mut Workspace| {
                let read = plan.read(line.as_bytes(), &mut ClfMemo::default(), work);
                read.map(|numbers| format!("{:?}", work.event(line.as_bytes(), numbers)))
            };
            assert_eq!(read(&mut used), read(&mut fresh), "{line}");
        }
    }

    #[test]
    fn depth_is_counted_and_not_followed() {
        let nest = |depth: usize| format!(r#"{{"x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(reason(&nest(DEPTH_LIMIT)), Err((Reason::Cut, 2 * DEPTH_LIMIT + 5)));
        assert_eq!(reason(&nest(100_000)), Err((Reason::NotJson, DEPTH_LIMIT + 5)));
        assert_eq!(reason(&r#"{"request":"#.repeat(100_000)), Err((Reason::NotJson, 11 * (DEPTH_LIMIT + 2))));
    }
}
