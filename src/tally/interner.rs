//! Strangers' texts to small numbers, each text kept once.

use crate::model::tally::Names;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Gives equal texts equal numbers, in order of first sight; 0 is the empty text.
pub(crate) struct Interner {
    names: Names,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Default for Interner {
    fn default() -> Self {
        let mut names = Names::default();
        names.push(b"");
        Self { names, table: HashTable::new(), hasher: RandomState::default() }
    }
}

impl Interner {
    #[inline]
    pub(crate) fn intern(&mut self, text: &[u8]) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(text);
        if let Some(found) = self.table.find(hash, |i| self.names.get(*i) == text) {
            return *found;
        }
        self.insert(hash, text)
    }

    #[cold]
    fn insert(&mut self, hash: u64, text: &[u8]) -> u32 {
        let index = self.names.push(text);
        let (names, hasher) = (&self.names, &self.hasher);
        self.table.insert_unique(hash, index, |i| hasher.hash_one(names.get(*i)));
        index
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn into_names(self) -> Names {
        self.names
    }
}
