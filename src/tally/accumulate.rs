//! Events into a shard: the hot path's output side.
//!
//! For each request three small numbers are found: the client's, the shape's and the second's. Eight bytes
//! are appended; nothing is added up here. Adding up would need one table keyed by client and window, which
//! falls out of the cache (12 times slower in a trial), and would fix the questions before they are known.
//!
//! Requests come in batches, and each step is done for the whole batch before the next: first all hashes, then all
//! look-ups. Of look-ups in a row the processor waits for many at once; one between the parsing of two lines would
//! wait for memory alone.

use super::{
    clients::Clients,
    interner::Interner,
    path,
    routes::Routes,
    shapes::{self, Shapes},
    size::Size,
    statuses::Statuses,
    store::Store,
    table,
    text::{self, cut},
};
use crate::model::{
    event::Event,
    tally::{Counted, Excerpt, Kept, Place, Refusal, Sample, SampleKey, Settled, Shard, Visit},
    time::Time,
};
use foldhash::fast::RandomState;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Bytes kept of a sample line.
const SAMPLE_BYTES_MAX: usize = 512;
/// Requests looked up together.
pub const BATCH_LEN: usize = 64;
/// A shard is closed at so many shapes: their ids have 16 bits, and a batch may add as many as it is long.
const SHAPES_MAX: usize = u16::MAX as usize - BATCH_LEN;
/// A shard is closed at so many clients, for the same reason.
const CLIENTS_MAX: usize = table::NUMBERS_MAX - BATCH_LEN;
/// A shard is closed at so many bytes of text: their offsets have 32 bits.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// A request whose texts are hashed and whose numbers are still to be looked up. It belongs to the shard that is open.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    pub(super) path: &'t [u8],
    pub(super) path_hash: u64,
    pub(super) client: &'t [u8],
    pub(super) agent: &'t [u8],
    pub(super) client_hash: u64,
    /// See [`shapes::outcome`].
    pub(super) outcome: u32,
    time: Time,
    /// Index into `refusals` plus one; 0 for none.
    refusal: u32,
    line: &'t [u8],
}

/// Takes events, gives shards to a [`Store`].
pub struct Accumulator {
    store: Arc<Store>,
    /// Whose requests are in the open shard.
    kept: Kept,
    /// The requests of the others.
    counted: Counted,
    names: Interner,
    clients: Clients,
    shapes: Shapes,
    visits: BTreeMap<u16, Vec<Visit>>,
    bucket: u16,
    open: Vec<Visit>,
    refusals: Vec<Refusal>,
    samples: Vec<(SampleKey, Sample)>,
    /// Of each shape and hour the index of the sample that was kept last: none of them is both later than another and of
    /// no higher rank.
    sample_table: HashMap<(u32, u32), u32, RandomState>,
    /// For each sample, the index of the one of its shape and hour that was kept before it.
    sample_before: Vec<Option<u32>>,
    statuses: Statuses,
    /// Rows out there.
    prepared: usize,
    /// Rows in the open shard.
    taken: usize,
    found_clients: Vec<u32>,
    found_shapes: Vec<u32>,
}

impl Default for Accumulator {
    fn default() -> Self {
        Self::new(Arc::default(), Arc::default())
    }
}

impl Accumulator {
    /// One that files paths under the operator's own routes first.
    #[must_use]
    pub fn new(store: Arc<Store>, routes: Arc<Routes>) -> Self {
        Self {
            kept: store.kept(),
            counted: Counted::new(store.budget().slice_secs()),
            store,
            shapes: Shapes::new(routes),
            names: Interner::default(),
            clients: Clients::default(),
            visits: BTreeMap::new(),
            bucket: 0,
            open: Vec::new(),
            refusals: Vec::new(),
            samples: Vec::new(),
            sample_table: HashMap::default(),
            sample_before: Vec::new(),
            statuses: Statuses::default(),
            prepared: 0,
            taken: 0,
            found_clients: Vec::new(),
            found_shapes: Vec::new(),
        }
    }

    /// The same, with other statuses counted as refusals.
    #[must_use]
    pub fn counting(self, statuses: Statuses) -> Self {
        Self { statuses, ..self }
    }

    /// Takes one request; `line` is its text, `place` where it stands.
    pub fn add(&mut self, event: &Event<'_>, line: &[u8], place: Place) {
        if let Some(row) = self.row(event, path::without_query(event.target), line, place) {
            self.take(&[row]);
        }
    }

    /// Reads what there is to be read of a request and puts it into a batch, which is then to be given to
    /// [`Self::take`]; nothing where its client is not kept. `path` is the target without its query. Texts are looked at
    /// here, while they are in the cache, and tables there.
    #[inline(always)]
    pub fn prepare<'t>(
        &mut self,
        event: &Event<'t>,
        path: &'t [u8],
        line: &'t [u8],
        place: Place,
        batch: &mut Vec<Row<'t>>,
    ) {
        if let Some(row) = self.row(event, path, line, place) {
            batch.push(row);
        }
    }

    /// Nothing here takes the event as a whole, so that it need not be in memory.
    #[inline(always)]
    fn row<'t>(&mut self, event: &Event<'t>, path: &'t [u8], line: &'t [u8], place: Place) -> Option<Row<'t>> {
        let status = self.statuses.counted_as(event.status).unwrap_or(event.status);
        let (client, agent) = (cut(event.client, text::HOST_MAX), cut(event.agent, text::AGENT_MAX));
        let client_hash = self.clients.hash(client, agent);
        if !self.kept.is_all() && !self.keeps(client, agent, client_hash) {
            self.counted.add(event.time, status);
            return None;
        }
        self.clients.prefetch(client_hash);
        let path_hash = self.shapes.hash(path);
        let manner = self.shapes.manner(event, &mut self.names);
        let outcome = shapes::outcome(manner, status, !event.user.is_empty());
        self.shapes.prefetch(path_hash);
        let refusal = if matches!(status, 401 | 403) {
            self.refuse(event.time, event.user, event.referer, event.bytes, place)
        } else {
            0
        };
        self.prepared += 1;
        Some(Row { path, path_hash, client, agent, client_hash, outcome, time: event.time, refusal, line })
    }

    /// Whether a client is one of those that are kept. Those in the shard are.
    #[cold]
    fn keeps(&self, client: &[u8], agent: &[u8], hash: u64) -> bool {
        self.clients.holds(hash) || self.store.budget().lots().of_texts(client, agent) >= self.kept.level
    }

    /// Takes all requests that were prepared; quickest with [`BATCH_LEN`] at once.
    pub fn take(&mut self, batch: &[Row<'_>]) {
        let mut clients = std::mem::take(&mut self.found_clients);
        let mut shapes = std::mem::take(&mut self.found_shapes);
        self.clients.find(batch, &mut self.names, &mut clients);
        self.shapes.find(batch, &mut self.names, &mut shapes);
        for ((row, client), shape) in batch.iter().zip(&clients).zip(&shapes) {
            self.keep(row, *client, *shape);
        }
        for ((row, client), shape) in batch.iter().zip(&clients).zip(&shapes) {
            if row.refusal > 0 {
                self.complete(row, *client, *shape);
            }
        }
        (self.found_clients, self.found_shapes) = (clients, shapes);
        self.prepared -= batch.len();
        self.taken += batch.len();
        if self.is_full() {
            self.close();
        }
    }

    #[inline]
    fn keep(&mut self, row: &Row<'_>, client: u32, shape: u32) {
        let (bucket, second) = ((row.time.0 >> 16) as u16, row.time.0 as u16);
        if bucket != self.bucket {
            self.turn_to(bucket);
        }
        self.open.push(Visit { client, shape: shape as u16, second });
        if row.refusal > 0 {
            self.clients.prefetch_key(client);
        }
    }

    /// Gives everything taken to the store.
    #[must_use]
    pub fn finish(mut self) -> Arc<Store> {
        self.close();
        self.store
    }

    /// Asked once for each batch.
    fn is_full(&self) -> bool {
        self.shapes.len() > SHAPES_MAX
            || self.clients.len() > CLIENTS_MAX
            || self.names.names().size_bytes() + self.clients.agents().size_bytes() > TEXT_BYTES_MAX
            || self.size().shard_bytes() > self.store.room_bytes()
            || self.kept != self.store.kept()
    }

    fn size(&self) -> Size {
        let (names, agents) = (self.names.names(), self.clients.agents());
        Size {
            requests: self.taken as u64,
            refusals: self.refusals.len() as u64,
            clients: self.clients.len() as u64,
            agents: agents.len() as u64,
            names: names.len() as u64,
            shapes: self.shapes.len() as u64,
            refused_shapes: self.shapes.refused() as u64,
            samples: self.samples.len() as u64,
            text_bytes: (names.size_bytes() + agents.size_bytes()) as u64,
            buckets: self.visits.len() as u64,
        }
    }

    #[cold]
    fn close(&mut self) {
        debug_assert_eq!(self.prepared, 0, "a row would outlive its shard");
        self.put_away();
        let fresh = Self::new(Arc::clone(&self.store), self.shapes.routes()).counting(self.statuses.clone());
        let full = std::mem::replace(self, fresh);
        let (clients, agents) = full.clients.into_parts();
        self.store.put(Shard {
            names: full.names.into_names(),
            agents,
            clients,
            shapes: full.shapes.into_shapes(),
            visits: full.visits,
            refusals: full.refusals,
            samples: full.samples,
            settled: Settled::default(),
            counted: full.counted,
        });
        self.kept = self.store.kept();
    }

    /// Lines mostly come in order of time, so one bucket is open and the others wait in a map.
    #[cold]
    fn turn_to(&mut self, bucket: u16) {
        self.put_away();
        self.open = self.visits.remove(&bucket).unwrap_or_default();
        self.bucket = bucket;
    }

    fn put_away(&mut self) {
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            self.visits.insert(self.bucket, open);
        }
    }

    /// Keeps a refusal; its client and shape are given when they are known.
    #[cold]
    fn refuse(&mut self, time: Time, user: &[u8], referer: &[u8], bytes: u64, place: Place) -> u32 {
        self.refusals.push(Refusal {
            client: 0,
            time,
            shape: 0,
            place,
            user: self.names.intern(cut(user, text::USER_MAX)),
            referer_host: self.names.intern(cut(host_of(referer), text::HOST_MAX)),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        });
        self.refusals.len() as u32
    }

    #[cold]
    fn complete(&mut self, row: &Row<'_>, client: u32, shape: u32) {
        let Some(refusal) = self.refusals.get_mut(row.refusal as usize - 1) else { return };
        (refusal.client, refusal.shape) = (client, shape);
        let (time, place) = (refusal.time, refusal.place);
        let rank = self.clients.rank(client, self.store.budget().lots(), self.names.names());
        let key = SampleKey { shape, hour: time.0 / 3600, rank };
        let latest = self.sample_table.get(&(key.shape, key.hour)).copied();
        let (mut own, mut outdone) = (latest, None);
        while let Some(index) = own {
            let Some((other, kept)) = self.samples.get(index as usize) else { break };
            let is_earlier = (kept.time, kept.place) <= (time, place);
            if is_earlier && other.rank >= rank {
                return;
            }
            if !is_earlier && other.rank <= rank {
                outdone = Some(index);
            }
            own = self.sample_before.get(index as usize).copied().flatten();
        }
        let line = row.line.get(..SAMPLE_BYTES_MAX).unwrap_or(row.line);
        let address = self.clients.is_written(client, row.client, self.names.names()).then_some(row.client);
        let text = Excerpt::new(line, address, row.agent);
        let sample = (key, Sample { time, place, client, text });
        match outdone.and_then(|index| self.samples.get_mut(index as usize)) {
            Some(kept) => *kept = sample,
            None => {
                self.sample_table.insert((key.shape, key.hour), self.samples.len() as u32);
                self.sample_before.push(latest);
                self.samples.push(sample);
            }
        }
    }
}

/// The host of a URL, or nothing.
fn host_of(url: &[u8]) -> &[u8] {
    let after_scheme = memchr::memchr(b':', url).and_then(|at| url.get(at + 1..)?.strip_prefix(b"//"));
    let Some(rest) = after_scheme else { return b"" };
    let end = rest.iter().position(|b| matches!(b, b'/' | b':' | b'?' | b'#')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}
