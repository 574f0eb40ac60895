//! Events into a shard: the hot path's output side.
//!
//! For each request three small numbers are found: the client's, the shape's and the second's. Eight bytes
//! are appended; nothing is added up here. Adding up would need one table keyed by client and window, which
//! falls out of the cache (12 times slower in a trial), and would fix the questions before they are known.
//!
//! A shape is found through a memo of the raw request, since templating a path costs ten times as much.

use super::{address, interner::Interner, path, routes::Routes, statuses::Statuses};
use crate::model::{
    event::Event,
    tally::{ClientKey, NAME_PREFIX, Place, Refusal, Sample, SampleKey, Shape, Shard, Visit},
};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

/// Bytes kept of a sample line.
const SAMPLE_BYTES_MAX: usize = 512;
/// A shard is closed at so many shapes: their ids have 16 bits, and one line adds at most one.
const SHAPES_MAX: usize = u16::MAX as usize;
/// A shard is closed at so many bytes of text: their offsets have 32 bits.
const TEXT_BYTES_MAX: usize = 1 << 30;
/// Entries of the memo of raw requests: 256 KiB, which stay in the L2 cache. Sites with ids in their paths need that
/// many. An entry is 48 bits of the request's hash above the shape; with the 15 bits of its place that is nearly the
/// whole hash, which is seeded at random, so that no stranger can make two requests meet.
const MEMO_LEN: usize = 1 << 15;
/// No shape has the number 65,535.
const MEMO_EMPTY: u64 = u64::MAX;

/// Takes events, gives shards.
pub struct Accumulator {
    names: Interner,
    agents: Interner,
    clients: Vec<ClientKey>,
    client_table: HashTable<(u32, u32)>,
    waiting: Vec<Waiting>,
    shapes: Vec<Shape>,
    shape_table: HashTable<u16>,
    memo: Vec<u64>,
    visits: BTreeMap<u16, Vec<Visit>>,
    bucket: u16,
    open: Vec<Visit>,
    refusals: Vec<Refusal>,
    samples: BTreeMap<SampleKey, Sample>,
    hasher: RandomState,
    scratch: Vec<u8>,
    routes: Arc<Routes>,
    statuses: Statuses,
    closed: Vec<Shard>,
}

/// A request whose client has still to be looked up.
#[derive(Clone, Copy)]
struct Waiting {
    hash: u64,
    key: ClientKey,
    shape: u16,
    second: u16,
    /// Index into `refusals` plus one; 0 for none.
    refusal: u32,
}

/// Requests looked up together. The table of clients does not fit the cache, and lookups in a row miss it side by
/// side, where one between the parsing of two lines waits for memory alone.
const BATCH_LEN: usize = 64;

impl Default for Accumulator {
    fn default() -> Self {
        Self {
            names: Interner::new(),
            agents: Interner::new(),
            clients: Vec::new(),
            client_table: HashTable::new(),
            waiting: Vec::with_capacity(BATCH_LEN),
            shapes: Vec::new(),
            shape_table: HashTable::new(),
            memo: vec![MEMO_EMPTY; MEMO_LEN],
            visits: BTreeMap::new(),
            bucket: 0,
            open: Vec::new(),
            refusals: Vec::new(),
            samples: BTreeMap::new(),
            hasher: RandomState::default(),
            scratch: Vec::new(),
            routes: Arc::default(),
            statuses: Statuses::default(),
            closed: Vec::new(),
        }
    }
}

impl Accumulator {
    /// One that files paths under the operator's own routes first.
    #[must_use]
    pub fn new(routes: Arc<Routes>) -> Self {
        Self { routes, ..Self::default() }
    }

    /// The same, with other statuses counted as refusals.
    #[must_use]
    pub fn counting(self, statuses: Statuses) -> Self {
        Self { statuses, ..self }
    }

    /// Takes one request; `line` is its text, `place` where it stands.
    #[inline]
    pub fn add(&mut self, event: &Event<'_>, line: &[u8], place: Place) {
        match self.statuses.counted_as(event.status) {
            None => self.take(event, line, place),
            Some(status) => self.take(&Event { status, ..*event }, line, place),
        }
    }

    #[inline]
    fn take(&mut self, event: &Event<'_>, line: &[u8], place: Place) {
        if self.is_full() {
            self.close();
        }
        let shape = self.shape(event);
        let (bucket, second) = ((event.time.0 >> 16) as u16, event.time.0 as u16);
        if bucket != self.bucket {
            self.turn_to(bucket);
        }
        let key = self.client_key(event);
        let hash = self.hasher.hash_one(key);
        let refusal = if matches!(event.status, 401 | 403) { self.refuse(event, shape, line, place) } else { 0 };
        self.waiting.push(Waiting { hash, key, shape, second, refusal });
        if self.waiting.len() >= BATCH_LEN {
            self.look_up();
        }
    }

    /// Gives the waiting requests their clients.
    fn look_up(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for request in &waiting {
            let client = self.client(request.hash, request.key);
            self.open.push(Visit { client, shape: request.shape, second: request.second });
            if let Some(refusal) = (request.refusal as usize).checked_sub(1).and_then(|at| self.refusals.get_mut(at)) {
                refusal.client = client;
            }
        }
        waiting.clear();
        self.waiting = waiting;
    }

    /// Everything taken, as shards.
    #[must_use]
    pub fn finish(mut self) -> Vec<Shard> {
        if !self.shapes.is_empty() {
            self.close();
        }
        self.closed
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.shapes.len() >= SHAPES_MAX
            || self.names.names().size_bytes() + self.agents.names().size_bytes() > TEXT_BYTES_MAX
    }

    #[cold]
    fn close(&mut self) {
        self.look_up();
        let left = std::mem::take(&mut self.open);
        if !left.is_empty() {
            self.visits.insert(self.bucket, left);
        }
        let closed = std::mem::take(&mut self.closed);
        let mut full = std::mem::take(self);
        for sample in full.samples.values_mut() {
            // Until now the index of its refusal, whose client was not looked up yet.
            sample.client = full.refusals.get(sample.client as usize).map_or(0, |refusal| refusal.client);
        }
        self.closed = closed;
        self.routes = full.routes;
        self.statuses = full.statuses;
        self.closed.push(Shard {
            names: full.names.into_names(),
            agents: full.agents.into_names(),
            clients: full.clients,
            shapes: full.shapes,
            visits: full.visits,
            refusals: full.refusals,
            samples: full.samples,
        });
    }

    /// Lines mostly come in order of time, so one bucket is open and the others wait in a map.
    #[cold]
    fn turn_to(&mut self, bucket: u16) {
        self.look_up();
        let left = std::mem::take(&mut self.open);
        if !left.is_empty() {
            self.visits.insert(self.bucket, left);
        }
        self.open = self.visits.remove(&bucket).unwrap_or_default();
        self.bucket = bucket;
    }

    #[inline]
    fn client_key(&mut self, event: &Event<'_>) -> ClientKey {
        let agent = self.agents.intern(event.agent);
        let addr = match address::parse(event.client) {
            Some(addr) => addr,
            None => NAME_PREFIX | u128::from(self.names.intern(event.client)),
        };
        ClientKey { addr, agent }
    }

    /// Half of the hash stands in the table beside the index, so that only a likely match is followed to the keys.
    #[inline]
    fn client(&mut self, hash: u64, key: ClientKey) -> u32 {
        let tag = (hash >> 24) as u32;
        let is_same = |(other, index): &(u32, u32)| *other == tag && self.clients.get(*index as usize) == Some(&key);
        if let Some((_, found)) = self.client_table.find(hash, is_same) {
            return *found;
        }
        let index = self.clients.len() as u32;
        self.clients.push(key);
        let (clients, hasher) = (&self.clients, &self.hasher);
        let rehash = |(_, index): &(u32, u32)| clients.get(*index as usize).map_or(0, |key| hasher.hash_one(key));
        self.client_table.insert_unique(hash, (tag, index), rehash);
        index
    }

    #[inline]
    fn shape(&mut self, event: &Event<'_>) -> u16 {
        let hash = self.request_hash(event);
        let slot = hash as usize % MEMO_LEN;
        if let Some(memo) = self.memo.get(slot).filter(|memo| (**memo ^ hash) >> 16 == 0 && **memo != MEMO_EMPTY) {
            return *memo as u16;
        }
        let shape = self.shape_slowly(event);
        if let Some(memo) = self.memo.get_mut(slot) {
            *memo = hash >> 16 << 16 | u64::from(shape);
        }
        shape
    }

    #[inline]
    fn request_hash(&self, event: &Event<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(path::without_query(event.target));
        hasher.write(event.method);
        hasher.write(event.protocol);
        if !event.vhost.is_empty() || !event.upstream.is_empty() {
            hasher.write(event.vhost);
            hasher.write(event.upstream);
            hasher.write_usize(event.vhost.len());
        }
        let lengths = event.method.len() as u64 | (event.protocol.len() as u64) << 24;
        hasher.write_u64(lengths << 17 | u64::from(event.status) << 1 | u64::from(!event.user.is_empty()));
        hasher.finish()
    }

    fn shape_slowly(&mut self, event: &Event<'_>) -> u16 {
        let mut template = std::mem::take(&mut self.scratch);
        if !self.routes.template(path::without_query(event.target), &mut template) {
            path::template(event.target, &mut template);
        }
        let shape = Shape {
            vhost: self.names.intern(event.vhost),
            path: self.names.intern(&template),
            method: self.names.intern(event.method),
            protocol: self.names.intern(event.protocol),
            upstream: self.names.intern(event.upstream),
            status: event.status,
            with_user: !event.user.is_empty(),
        };
        self.scratch = template;
        let hash = self.hasher.hash_one(shape);
        if let Some(found) = self.shape_table.find(hash, |i| self.shapes.get(usize::from(*i)) == Some(&shape)) {
            return *found;
        }
        let index = self.shapes.len() as u16;
        self.shapes.push(shape);
        let (shapes, hasher) = (&self.shapes, &self.hasher);
        self.shape_table.insert_unique(hash, index, |i| shapes.get(usize::from(*i)).map_or(0, |s| hasher.hash_one(s)));
        index
    }

    #[cold]
    fn refuse(&mut self, event: &Event<'_>, shape: u16, line: &[u8], place: Place) -> u32 {
        self.refusals.push(Refusal {
            // Given when the batch is looked up.
            client: 0,
            time: event.time,
            shape: u32::from(shape),
            place,
            user: self.names.intern(event.user),
            referer_host: self.names.intern(host_of(event.referer)),
            bytes: u32::try_from(event.bytes).unwrap_or(u32::MAX),
        });
        let key = SampleKey { shape: u32::from(shape), hour: event.time.0 / 3600 };
        let is_earlier = self.samples.get(&key).is_none_or(|kept| (event.time, place) < (kept.time, kept.place));
        if is_earlier {
            let text = line.get(..SAMPLE_BYTES_MAX).unwrap_or(line).into();
            let refusal = self.refusals.len() as u32 - 1;
            self.samples.insert(key, Sample { time: event.time, place, client: refusal, text });
        }
        self.refusals.len() as u32
    }
}

/// The host of a URL, or nothing.
fn host_of(url: &[u8]) -> &[u8] {
    let Some(at) = memchr::memmem::find(url, b"://") else { return b"" };
    let rest = url.get(at + 3..).unwrap_or_default();
    let end = rest.iter().position(|b| matches!(b, b'/' | b':' | b'?' | b'#')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}
