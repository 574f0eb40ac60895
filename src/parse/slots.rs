//! Values by what they are good for, and the event that they make. Owns what JSON lines, columns and labelled fields
//! have in common: where a line has several values for one thing the best is kept, a value that had to be decoded is
//! kept as text, and what has to be right is checked.

use super::{
    json::KeyMemo,
    timestamp::{self, ClfMemo, Moment},
    values,
};
use crate::model::event::{Event, Reason, Rejection};
use std::ops::Range;

/// What a value is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The client's address, or a list that it stands first in; a port after it is dropped.
    Client,
    /// The user name.
    User,
    /// The time, in any form that `timestamp.rs` knows; beside a date, the time of day.
    Time,
    /// The day, where the time of day stands apart.
    Date,
    /// The request line.
    Request,
    /// The method.
    Method,
    /// The target.
    Target,
    /// The query, where it stands apart from the target.
    Query,
    /// The protocol.
    Protocol,
    /// The status.
    Status,
    /// Bytes sent.
    Bytes,
    /// The referring page.
    Referer,
    /// The user agent.
    Agent,
    /// X-Forwarded-For.
    ForwardedFor,
    /// The virtual host; a port after it is dropped.
    Vhost,
    /// Who answered behind the proxy.
    Upstream,
}

/// Length of `2026-03-10`, and what a time of day has at most: `10:20:52.123456`.
const DAY_LEN: usize = 10;
const CLOCK_MAX: usize = 18;

const SLOTS: usize = Slot::Upstream as usize + 1;

impl Slot {
    /// Every slot and its name on the command line.
    pub const ALL: [(&'static str, Self); SLOTS] = [
        ("client", Self::Client),
        ("user", Self::User),
        ("time", Self::Time),
        ("date", Self::Date),
        ("request", Self::Request),
        ("method", Self::Method),
        ("target", Self::Target),
        ("query", Self::Query),
        ("protocol", Self::Protocol),
        ("status", Self::Status),
        ("bytes", Self::Bytes),
        ("referer", Self::Referer),
        ("agent", Self::Agent),
        ("forwarded_for", Self::ForwardedFor),
        ("vhost", Self::Vhost),
        ("upstream", Self::Upstream),
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, slot)| *slot == self).map_or("", |(name, _)| name)
    }

    /// The slot of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, slot)| *slot)
    }
}

/// Where a value stands, in the line or, once it was decoded, in the text of the [`Workspace`].
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) span: Range<usize>,
    pub(super) decoded: bool,
    rank: usize,
}

/// The values of the line read last, and the text of those that were decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    values: [Value; SLOTS],
    /// One bit for each slot that has a value.
    filled: u32,
    pub(super) text: Vec<u8>,
    /// Of JSON lines, and those of other formats that were tried.
    pub(super) memo: KeyMemo,
    memos: Vec<KeyMemo>,
    /// What stood around the line, for a time of lines that have none.
    pub(super) around: Vec<u8>,
}

/// What had to be checked of a line. Borrows nothing, so that where a line does not fit the next parser can use the
/// workspace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    moment: Moment,
    status: u16,
    bytes: u64,
}

impl Workspace {
    /// Before a line of JSON, in a format of this number.
    #[inline]
    pub(super) fn recall(&mut self, plan: u64) {
        if self.memo.plan != plan {
            self.recall_other(plan);
        }
    }

    fn recall_other(&mut self, plan: u64) {
        /// Formats that are tried in turn; more are not remembered.
        const MEMOS_MAX: usize = 8;
        if let Some(memo) = self.memos.iter_mut().find(|memo| memo.plan == plan) {
            std::mem::swap(memo, &mut self.memo);
        } else if self.memos.len() < MEMOS_MAX {
            self.memos.push(std::mem::take(&mut self.memo));
        }
    }

    /// Before a line.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        self.text.clear();
    }

    /// Keeps a value unless a better or earlier one is there; of equals, the lower rank is the better one.
    #[inline]
    pub(super) fn put(&mut self, slot: Slot, rank: usize, span: Range<usize>, decoded: bool) {
        let bit = 1 << slot as u32;
        if let Some(place) = self.values.get_mut(slot as usize)
            && !span.is_empty()
            && (self.filled & bit == 0 || rank < place.rank)
        {
            *place = Value { span, decoded, rank };
            self.filled |= bit;
        }
    }

    /// Keeps a value that `decode` appends to the text.
    pub(super) fn put_decoded(&mut self, slot: Slot, rank: usize, decode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        decode(&mut self.text);
        self.put(slot, rank, start..self.text.len(), true);
    }

    /// Replaces the values that are marked by their decoded text.
    pub(super) fn decode_marked(&mut self, line: &[u8], decode: impl Fn(&[u8], &mut Vec<u8>)) {
        for (i, value) in self.values.iter_mut().enumerate() {
            if self.filled & (1 << i) != 0 && value.decoded {
                let start = self.text.len();
                decode(line.get(value.span.clone()).unwrap_or_default(), &mut self.text);
                value.span = start..self.text.len();
            }
        }
    }

    /// Puts a query behind its target, where that has none yet.
    #[inline]
    pub(super) fn join_target(&mut self, line: &[u8]) {
        let query = self.get(Slot::Query, line);
        if !query.is_empty() {
            let query = query.strip_prefix(b"?").unwrap_or(query);
            let path = self.get(Slot::Target, line);
            if memchr::memchr(b'?', path).is_some() {
                return;
            }
            let target = [path, b"?", query].concat();
            let start = self.text.len();
            self.text.extend(target);
            if let Some(place) = self.values.get_mut(Slot::Target as usize) {
                *place = Value { span: start..self.text.len(), decoded: true, rank: 0 };
                self.filled |= 1 << Slot::Target as u32;
            }
        }
    }

    /// Takes an address under `host`, the key of this rank, for the client where no other key names one: so Fluentd's
    /// parsers and Tomcat's JSON call it.
    #[inline]
    pub(super) fn take_host_for_client(&mut self, rank: usize, line: &[u8]) {
        const CLIENTS: u32 = 1 << Slot::Client as u32 | 1 << Slot::ForwardedFor as u32;
        let is_host = |value: &Value| value.rank == rank && values::is_address(self.get(Slot::Vhost, line));
        if self.filled & CLIENTS == 0
            && let Some(value) = self.value(Slot::Vhost).filter(|value| is_host(value)).cloned()
        {
            self.put(Slot::Client, 0, value.span, value.decoded);
            self.filled &= !(1 << Slot::Vhost as u32);
        }
    }

    /// Where a slot's value stands.
    pub(super) fn value(&self, slot: Slot) -> Option<&Value> {
        self.values.get(slot as usize).filter(|_| self.filled & (1 << slot as u32) != 0)
    }

    /// The text of a slot, decoded; nothing for `-`.
    #[inline]
    pub(super) fn get<'a>(&'a self, slot: Slot, line: &'a [u8]) -> &'a [u8] {
        let Some(value) = self.value(slot) else { return &[] };
        let from = if value.decoded { &self.text } else { line };
        values::value(from.get(value.span.clone()).unwrap_or_default())
    }

    /// The client, or else the first one forwarded.
    fn client<'a>(&'a self, line: &'a [u8]) -> &'a [u8] {
        match self.get(Slot::Client, line) {
            [] => values::bare_address(values::first_of_list(self.get(Slot::ForwardedFor, line))),
            logged => values::bare_address(values::first_of_list(logged)),
        }
    }

    /// A value that is not what it should be, or is not there. A decoded copy has no column of its own.
    fn reject(&self, slot: Slot, line: &[u8], reason: Reason) -> Rejection {
        match self.value(slot) {
            Some(value) if !value.decoded => Rejection::new(reason, value.span.start),
            Some(_) => Rejection::new(reason, line.len()),
            None => Rejection::new(Reason::NoField, line.len()),
        }
    }

    /// Reads the values that can be wrong.
    pub(super) fn numbers(&self, line: &[u8], clock: &mut ClfMemo) -> Result<Numbers, Rejection> {
        let get = |slot| self.get(slot, line);
        let reject = |slot, reason| self.reject(slot, line, reason);
        values::client(self.client(line)).ok_or_else(|| reject(Slot::Client, Reason::NoClient))?;
        let moment = self.moment(line, clock).map_err(|r| reject(Slot::Time, r))?;
        let status = values::whole_status(get(Slot::Status)).ok_or_else(|| reject(Slot::Status, Reason::NoStatus))?;
        let bytes = values::whole_size(get(Slot::Bytes)).ok_or_else(|| reject(Slot::Bytes, Reason::NoSize))?;
        Ok(Numbers { moment, status, bytes })
    }

    /// The first whole time in what stood around the line; RFC 3164 writes no year.
    pub(super) fn wrapped_at(&self, clock: &mut ClfMemo) -> Option<Moment> {
        /// Words in front of it at most.
        const BEFORE_MAX: usize = 4;
        let starts = memchr::memchr2_iter(b' ', b'\t', &self.around).map(|at| at + 1);
        std::iter::once(0).chain(starts).take(BEFORE_MAX).find_map(|start| {
            let rest = self.around.get(start..)?;
            let rest = rest.strip_prefix(b"[").unwrap_or(rest);
            let word = |from: usize| {
                let after = rest.get(from..).unwrap_or_default();
                from + memchr::memchr2(b' ', b'\t', after).unwrap_or(after.len())
            };
            let (one, two) = (rest.get(..word(0))?, rest.get(..word(DAY_LEN + 1)));
            let two = two.filter(|_| one.len() == DAY_LEN);
            let long = [Some(one), two].into_iter().flatten().filter(|text| text.len() > DAY_LEN);
            long.filter_map(|text| timestamp::any_moment(text, clock).ok()).next()
        })
    }

    /// When: one value, or a day and a time of day, which W3C's draft has in UTC; loggers of Go write the day with
    /// slashes, in the server's zone.
    fn moment(&self, line: &[u8], clock: &mut ClfMemo) -> Result<Moment, Reason> {
        let time = without_brackets(self.get(Slot::Time, line));
        match self.get(Slot::Date, line) {
            [] if time.is_empty() => self.wrapped_at(clock).ok_or(Reason::NoTime),
            [] => timestamp::any_moment(time, clock).or_else(|reason| match reason {
                // A duration under the name of a time.
                Reason::ImplausibleTime => self.wrapped_at(clock).ok_or(reason),
                _ => Err(reason),
            }),
            // A day alone, or what calls itself a date and is a whole time.
            date if date.len() != DAY_LEN || time.len() > CLOCK_MAX => {
                timestamp::any_moment(time, clock).or_else(|_| timestamp::any_moment(date, clock))
            }
            date => {
                let moment = timestamp::iso8601_moment(&[date, b" ", time].concat())?;
                Ok(Moment { zoneless: moment.zoneless && date.contains(&b'/'), ..moment })
            }
        }
    }

    /// The event of the line that was read last. A target that stands alone and is absolute loses its host to the
    /// virtual host; in a request line it is what the client asked of a proxy.
    pub(super) fn event<'a>(&'a self, line: &'a [u8], numbers: Numbers) -> Event<'a> {
        match self.get(Slot::Request, line) {
            [] => self.event_of_proxy(line, numbers),
            _ => self.event_as_logged(line, numbers),
        }
    }

    fn event_as_logged<'a>(&'a self, line: &'a [u8], numbers: Numbers) -> Event<'a> {
        let get = |slot| self.get(slot, line);
        let request = get(Slot::Request);
        let (method, target, protocol) = match request {
            // Some call the path alone so.
            [b'/', ..] => (&b""[..], request, &b""[..]),
            _ => values::request(request),
        };
        let or = |part: &'a [u8], slot| if part.is_empty() { get(slot) } else { part };
        Event {
            time: numbers.moment.time,
            zoneless: numbers.moment.zoneless,
            client: self.client(line),
            user: get(Slot::User),
            vhost: values::without_port(get(Slot::Vhost)),
            method: or(method, Slot::Method),
            target: or(target, Slot::Target),
            protocol: or(protocol, Slot::Protocol),
            status: numbers.status,
            bytes: numbers.bytes,
            referer: get(Slot::Referer),
            agent: get(Slot::Agent),
            forwarded_for: get(Slot::ForwardedFor),
            upstream: get(Slot::Upstream),
        }
    }

    /// As [`Workspace::event`], of a format that logs absolute targets: their host is the virtual host where no other
    /// is logged, and what follows it the target.
    pub(super) fn event_of_proxy<'a>(&'a self, line: &'a [u8], numbers: Numbers) -> Event<'a> {
        let mut event = self.event_as_logged(line, numbers);
        if let Some((host, target)) = host_and_path(event.target) {
            event.target = target;
            event.vhost = if event.vhost.is_empty() { values::without_port(host) } else { event.vhost };
        }
        event
    }
}

/// Host and path of `https://host:443/path`.
fn host_and_path(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"))?;
    let end = memchr::memchr(b'/', rest)?;
    Some((rest.get(..end)?, rest.get(end..)?))
}

/// Apache's `%t` as a value keeps its brackets.
fn without_brackets(time: &[u8]) -> &[u8] {
    time.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).unwrap_or(time)
}
