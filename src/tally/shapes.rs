//! Requests to shapes: what was asked for, how, and how it went, as one small number.
//!
//! Every text is hashed once, and where it was seen lately that hash alone finds its number ([`Memo`]): the path gives
//! the number of its template; method, protocol, host and upstream together that of a manner; both with the status
//! the shape. So a path not seen lately, every sixth on a site with ids in its paths, costs one templating, whatever
//! it is asked with. Which those are cannot be foretold, so they are only noted when the batch is looked up, without a
//! branch, and templated afterwards.

use super::{
    accumulate::Row,
    hash::PathHasher,
    interner::Interner,
    memo::Memo,
    path,
    routes::Routes,
    table::Table,
    text::{self, cut},
};
use crate::model::{event::Event, tally::Shape};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

/// Paths remembered: sites with ids in their paths need that many, and 256 KiB stay in the L2 cache.
const PATHS_MEMO: usize = 1 << 15;
/// Manners remembered.
const MANNERS_MEMO: usize = 1 << 8;

/// Of them, those of a method and a protocol alone.
const PLAIN_MANNERS: usize = 1 << 6;

/// The shapes of one shard.
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    /// How many of them are refused.
    refused: usize,
    /// By the hash of template, manner, status and user.
    table: Table,
    /// Indices into the names.
    templates: Vec<u32>,
    /// By the hash of the text.
    template_table: HashTable<(u64, u16)>,
    seen_paths: Memo,
    manners: Vec<Manner>,
    /// By the hash of the texts.
    manner_table: HashTable<(u64, u16)>,
    seen_manners: Memo,
    /// The latest manner of method and protocol alone for each place.
    plain_manners: Vec<([(u64, usize); 2], u16)>,
    path_hasher: PathHasher,
    hasher: RandomState,
    routes: Arc<Routes>,
    scratch: Vec<u8>,
    found_templates: Vec<u16>,
    unseen: Vec<u32>,
    /// Of each request of a batch, with their hashes.
    keys: Vec<(u64, u64)>,
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
            refused: 0,
            table: Table::default(),
            templates: Vec::new(),
            template_table: HashTable::new(),
            seen_paths: Memo::new(PATHS_MEMO),
            manners: Vec::new(),
            manner_table: HashTable::new(),
            seen_manners: Memo::new(MANNERS_MEMO),
            // No text has such a length.
            plain_manners: vec![([(0, usize::MAX); 2], 0); PLAIN_MANNERS],
            path_hasher: PathHasher::default(),
            hasher: RandomState::default(),
            routes,
            scratch: Vec::new(),
            found_templates: Vec::new(),
            unseen: Vec::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shapes.len()
    }

    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    pub(super) fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes)
    }

    pub(super) fn into_shapes(self) -> Vec<Shape> {
        self.shapes
    }

    /// That a path will be looked up shortly.
    #[inline]
    pub(super) fn prefetch(&self, path_hash: u64) {
        self.seen_paths.prefetch(path_hash);
    }

    /// The hash of a path, for [`Row::path_hash`].
    #[inline(always)]
    pub(super) fn hash(&self, path: &[u8]) -> u64 {
        self.path_hasher.hash(path)
    }

    /// Writes the shape of each request.
    pub(super) fn find(&mut self, batch: &[Row<'_>], names: &mut Interner, out: &mut Vec<u32>) {
        let mut templates = std::mem::take(&mut self.found_templates);
        self.find_templates(batch, names, &mut templates);
        self.keys.clear();
        self.keys.extend(batch.iter().zip(&templates).map(|(row, template)| {
            let key = u64::from(*template) << 32 | u64::from(row.outcome);
            (key, self.hasher.hash_one(key))
        }));
        self.found_templates = templates;
        let Self { shapes, refused, table, templates, manners, keys, .. } = self;
        let create = |(key, _): &(u64, u64)| {
            let shape = shape_of(*key, templates, manners);
            *refused += usize::from(shape.refused());
            shapes.push(shape);
        };
        table.find_all(keys, |(_, hash)| *hash, create, out);
    }

    /// Writes the template of each request's path.
    fn find_templates(&mut self, batch: &[Row<'_>], names: &mut Interner, out: &mut Vec<u16>) {
        out.clear();
        self.unseen.resize(batch.len(), 0);
        let mut unseen_len = 0;
        for (row, i) in batch.iter().zip(0..) {
            let seen = self.seen_paths.get(row.path_hash);
            out.push(seen.unwrap_or_default());
            self.unseen.get_mut(unseen_len).into_iter().for_each(|slot| *slot = i);
            unseen_len += usize::from(seen.is_none());
        }
        for at in 0..unseen_len {
            let i = self.unseen.get(at).map_or(0, |i| *i as usize);
            if let (Some(row), Some(template)) = (batch.get(i), out.get_mut(i)) {
                *template = self.template(row, names);
            }
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
            self.templates.push(names.intern(cut(&text, text::TEMPLATE_MAX)));
            self.template_table.insert_unique(hash, (hash, index), |(hash, _)| *hash);
            index
        });
        self.scratch = text;
        self.seen_paths.put(row.path_hash, template);
        template
    }

    /// Most logs name neither host nor upstream, and most methods and protocols are short: those few are compared as they
    /// are.
    #[inline(always)]
    pub(super) fn manner(&mut self, event: &Event<'_>, names: &mut Interner) -> u16 {
        if event.vhost.is_empty()
            && event.upstream.is_empty()
            && let (Some(method), Some(protocol)) = (short(event.method), short(event.protocol))
        {
            let mixed = (method.0 ^ protocol.0.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let place = (mixed >> (64 - PLAIN_MANNERS.ilog2())) as usize;
            if let Some((plain, manner)) = self.plain_manners.get(place)
                && *plain == [method, protocol]
            {
                return *manner;
            }
            let manner = self.manner_of_any(made_how(event), names);
            if let Some(slot) = self.plain_manners.get_mut(place) {
                *slot = ([method, protocol], manner);
            }
            return manner;
        }
        self.manner_of_any(made_how(event), names)
    }

    fn manner_of_any(&mut self, texts: [&[u8]; 4], names: &mut Interner) -> u16 {
        let mut hasher = self.hasher.build_hasher();
        for text in texts {
            hasher.write(text);
            hasher.write_usize(text.len());
        }
        let hash = hasher.finish();
        self.seen_manners.get(hash).unwrap_or_else(|| {
            let manner = self.manner_slowly(texts, hash, names);
            self.seen_manners.put(hash, manner);
            manner
        })
    }

    fn manner_slowly(&mut self, texts: [&[u8]; 4], hash: u64, names: &mut Interner) -> u16 {
        if let Some((_, manner)) = self.manner_table.find(hash, |(other, _)| *other == hash) {
            return *manner;
        }
        let index = self.manners.len() as u16;
        let [method, protocol, vhost, upstream] = texts;
        self.manners.push(Manner {
            vhost: names.intern(cut(vhost, text::HOST_MAX)),
            method: names.intern(cut(method, text::WORD_MAX)),
            protocol: names.intern(cut(protocol, text::WORD_MAX)),
            upstream: names.intern(cut(upstream, text::HOST_MAX)),
        });
        self.manner_table.insert_unique(hash, (hash, index), |(hash, _)| *hash);
        index
    }
}

/// What tells the manner of a request.
#[inline(always)]
fn made_how<'t>(event: &Event<'t>) -> [&'t [u8]; 4] {
    [event.method, event.protocol, event.vhost, event.upstream]
}

/// All of a request's shape but its path: the manner above the status above whether a user is named.
#[inline]
pub(super) fn outcome(manner: u16, status: u16, with_user: bool) -> u32 {
    u32::from(manner) << 16 | u32::from(status) << 1 | u32::from(with_user)
}

fn shape_of(key: u64, templates: &[u32], manners: &[Manner]) -> Shape {
    let path = templates.get((key >> 32) as usize).copied().unwrap_or_default();
    let manner = manners.get((key >> 16) as usize & 0xffff).copied().unwrap_or_default();
    let Manner { vhost, method, protocol, upstream } = manner;
    Shape { vhost, path, method, protocol, upstream, status: key as u16 >> 1, with_user: key & 1 == 1 }
}

/// A method or protocol of up to eight bytes as a number, with its length beside; the usual lengths without a loop.
#[inline(always)]
fn short(text: &[u8]) -> Option<(u64, usize)> {
    let number = match *text {
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ if text.len() > 8 => return None,
        _ => text.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    };
    Some((number, text.len()))
}
