//! Requests to shapes: what was asked for, how, and how it went, as one small number.
//!
//! Every text is hashed once, and where it was seen lately that hash alone finds its number ([`Memo`]): the path gives
//! the number of its template; method, protocol, host and upstream together that of a manner; both with the status
//! the shape. So a path not seen lately, every sixth on a site with ids in its paths, costs one templating, whatever
//! it is asked with.

use super::{accumulate::Row, interner::Interner, memo::Memo, path, routes::Routes};
use crate::model::{event::Event, tally::Shape};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

/// Paths remembered: sites with ids in their paths need that many, and 256 KiB stay in the L2 cache.
const PATHS_MEMO: usize = 1 << 15;
/// Shapes remembered.
const SHAPES_MEMO: usize = 1 << 13;
/// Manners remembered.
const MANNERS_MEMO: usize = 1 << 8;

/// The shapes of one shard.
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    /// By template, manner, status and user.
    table: HashTable<(u64, u16)>,
    seen: Memo,
    /// Indices into the names.
    templates: Vec<u32>,
    /// By the hash of the text.
    template_table: HashTable<(u64, u16)>,
    seen_paths: Memo,
    manners: Vec<Manner>,
    /// By the hash of the texts.
    manner_table: HashTable<(u64, u16)>,
    seen_manners: Memo,
    hasher: RandomState,
    routes: Arc<Routes>,
    scratch: Vec<u8>,
    hashes: Vec<u64>,
    found: Vec<Option<u16>>,
    keys: Vec<u64>,
}

/// How a request was made: all of its shape but path, status and user. Indices into the names.
#[derive(Clone, Copy, Default)]
struct Manner {
    vhost: u32,
    method: u32,
    protocol: u32,
    upstream: u32,
}

impl Default for Shapes {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Shapes {
    pub(super) fn new(routes: Arc<Routes>) -> Self {
        Self {
            shapes: Vec::new(),
            table: HashTable::new(),
            seen: Memo::new(SHAPES_MEMO),
            templates: Vec::new(),
            template_table: HashTable::new(),
            seen_paths: Memo::new(PATHS_MEMO),
            manners: Vec::new(),
            manner_table: HashTable::new(),
            seen_manners: Memo::new(MANNERS_MEMO),
            hasher: RandomState::default(),
            routes,
            scratch: Vec::new(),
            hashes: Vec::new(),
            found: Vec::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shapes.len()
    }

    /// The shapes, and the routes for the next shard.
    pub(super) fn into_parts(self) -> (Vec<Shape>, Arc<Routes>) {
        (self.shapes, self.routes)
    }

    /// The hash of a path, for [`Row::path_hash`].
    #[inline]
    pub(super) fn hash(&self, path: &[u8]) -> u64 {
        self.hasher.hash_one(path)
    }

    /// All of a request's shape but its path: the manner above the status above whether a user is named.
    #[inline]
    pub(super) fn outcome(&mut self, event: &Event<'_>, names: &mut Interner) -> u32 {
        let manner = u32::from(self.manner(event, names));
        manner << 16 | u32::from(event.status) << 1 | u32::from(!event.user.is_empty())
    }

    /// Writes the shape of each request.
    pub(super) fn find(&mut self, batch: &[Row<'_>], names: &mut Interner, out: &mut Vec<u16>) {
        self.found.clear();
        self.found.extend(batch.iter().map(|row| self.seen_paths.get(row.path_hash)));
        self.keys.clear();
        for (i, row) in batch.iter().enumerate() {
            let template = self.found.get(i).copied().flatten().unwrap_or_else(|| self.template(row, names));
            self.keys.push(u64::from(template) << 32 | u64::from(row.outcome));
        }
        self.hashes.clear();
        self.hashes.extend(self.keys.iter().map(|key| self.hasher.hash_one(key)));
        self.found.clear();
        self.found.extend(self.hashes.iter().map(|hash| self.seen.get(*hash)));
        out.clear();
        for i in 0..batch.len() {
            out.push(self.found.get(i).copied().flatten().unwrap_or_else(|| self.shape(i)));
        }
    }

    /// The template of a path that was not seen lately.
    fn template(&mut self, row: &Row<'_>, names: &mut Interner) -> u16 {
        let mut text = std::mem::take(&mut self.scratch);
        if !self.routes.template(row.path, &mut text) {
            path::template(row.path, &mut text);
        }
        let hash = self.hasher.hash_one(&text);
        let found = self.template_table.find(hash, |(other, _)| *other == hash).map(|(_, template)| *template);
        let template = found.unwrap_or_else(|| {
            let index = self.templates.len() as u16;
            self.templates.push(names.intern(&text));
            self.template_table.insert_unique(hash, (hash, index), |(hash, _)| *hash);
            index
        });
        self.scratch = text;
        self.seen_paths.put(row.path_hash, template);
        template
    }

    #[inline]
    fn manner(&mut self, event: &Event<'_>, names: &mut Interner) -> u16 {
        let mut hasher = self.hasher.build_hasher();
        write_short(&mut hasher, event.method);
        write_short(&mut hasher, event.protocol);
        if !event.vhost.is_empty() || !event.upstream.is_empty() {
            hasher.write(event.vhost);
            hasher.write(event.upstream);
            hasher.write_usize(event.vhost.len());
        }
        hasher.write_u64((event.method.len() as u64) << 32 | event.protocol.len() as u64);
        let hash = hasher.finish();
        self.seen_manners.get(hash).unwrap_or_else(|| {
            let manner = self.manner_slowly(event, hash, names);
            self.seen_manners.put(hash, manner);
            manner
        })
    }

    fn manner_slowly(&mut self, event: &Event<'_>, hash: u64, names: &mut Interner) -> u16 {
        if let Some((_, manner)) = self.manner_table.find(hash, |(other, _)| *other == hash) {
            return *manner;
        }
        let index = self.manners.len() as u16;
        self.manners.push(Manner {
            vhost: names.intern(event.vhost),
            method: names.intern(event.method),
            protocol: names.intern(event.protocol),
            upstream: names.intern(event.upstream),
        });
        self.manner_table.insert_unique(hash, (hash, index), |(hash, _)| *hash);
        index
    }

    /// The shape of the batch's row `i`, which was not seen lately.
    fn shape(&mut self, i: usize) -> u16 {
        let (Some(key), Some(hash)) = (self.keys.get(i).copied(), self.hashes.get(i).copied()) else { return 0 };
        let found = self.table.find(hash, |(other, _)| *other == key).map(|(_, shape)| *shape);
        let shape = found.unwrap_or_else(|| self.new_shape(key, hash));
        self.seen.put(hash, shape);
        shape
    }

    #[cold]
    fn new_shape(&mut self, key: u64, hash: u64) -> u16 {
        let path = self.templates.get((key >> 32) as usize).copied().unwrap_or_default();
        let manner = self.manners.get((key >> 16) as usize & 0xffff).copied().unwrap_or_default();
        let Manner { vhost, method, protocol, upstream } = manner;
        let (status, with_user) = ((key as u16) >> 1, key & 1 == 1);
        let index = self.shapes.len() as u16;
        self.shapes.push(Shape { vhost, path, method, protocol, upstream, status, with_user });
        let hasher = &self.hasher;
        self.table.insert_unique(hash, (key, index), |(key, _)| hasher.hash_one(key));
        index
    }
}

/// Methods and protocols, whose lengths are few, without the general case's start.
#[inline]
fn write_short(hasher: &mut impl Hasher, text: &[u8]) {
    match *text {
        [a, b, c] => hasher.write_u32(u32::from_le_bytes([a, b, c, 0])),
        [a, b, c, d] => hasher.write_u32(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => hasher.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => hasher.write(text),
    }
}
