//! A table for look-ups in bulk: hashes of 64 bits to numbers of 24, given in order of first sight.
//!
//! A table of all clients does not fit the cache. So its entries are small: the upper 40 bits of a hash above a number;
//! the hash's lowest bits choose the place, so all but a few of the 64 are compared, and two of 200,000 clients meet
//! once in a million logs. And memory is asked early: whoever has a hash calls [`Table::prefetch`] when it is known, and
//! [`Table::find_all`] some lines later. That reads the first place of every hash of a batch before any is compared:
//! reads without branches, which wait for memory all at once. Linear probing: mostly the second place is in the same
//! line.

use crate::prefetch;

/// Bits of a number.
const NUMBER_BITS: u32 = 24;
/// Numbers that may be given; the one above marks free places.
pub(super) const NUMBERS_MAX: usize = (1 << NUMBER_BITS) - 1;
/// No number has that entry.
const FREE: u64 = u64::MAX;
/// Places to begin with.
const PLACES_MIN: usize = 64;

/// See the module.
pub(super) struct Table {
    places: Vec<u64>,
    /// Of each number, for when the table grows.
    hashes: Vec<u64>,
    firsts: Vec<u64>,
}

impl Default for Table {
    fn default() -> Self {
        Self { places: vec![FREE; PLACES_MIN], hashes: Vec::new(), firsts: Vec::new() }
    }
}

impl Table {
    /// Asks for the place of a hash that will be looked up shortly.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch::near(self.places.as_ptr().wrapping_add(hash as usize & (self.places.len() - 1)));
    }

    /// Writes the number of each item; `create` is called for those that are new, which get the numbers after the last.
    pub(super) fn find_all<T>(
        &mut self,
        items: &[T],
        hash_of: impl Fn(&T) -> u64,
        mut create: impl FnMut(&T),
        out: &mut Vec<u32>,
    ) {
        // Room for all beforehand, so that places stay where they are.
        while (self.hashes.len() + items.len()) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let mut firsts = std::mem::take(&mut self.firsts);
        firsts.clear();
        firsts.extend(items.iter().map(|item| self.place(hash_of(item) as usize)));
        out.clear();
        for (item, first) in items.iter().zip(&firsts) {
            let hash = hash_of(item);
            out.push(number(*first, hash).unwrap_or_else(|| self.find(hash, || create(item))));
        }
        self.firsts = firsts;
    }

    /// Whether a hash has a number.
    pub(super) fn holds(&self, hash: u64) -> bool {
        let mut at = hash as usize;
        loop {
            match self.place(at) {
                FREE => return false,
                entry if number(entry, hash).is_some() => return true,
                _ => at = at.wrapping_add(1),
            }
        }
    }

    #[inline]
    fn place(&self, at: usize) -> u64 {
        self.places.get(at & (self.places.len() - 1)).copied().unwrap_or(FREE)
    }

    /// From the first place on.
    fn find(&mut self, hash: u64, create: impl FnOnce()) -> u32 {
        let mut at = hash as usize;
        loop {
            let entry = self.place(at);
            if let Some(number) = number(entry, hash) {
                return number;
            }
            if entry == FREE {
                create();
                let number = self.hashes.len() as u32;
                self.hashes.push(hash);
                self.put(at, hash, number);
                return number;
            }
            at = at.wrapping_add(1);
        }
    }

    fn put(&mut self, at: usize, hash: u64, number: u32) {
        debug_assert!((number as usize) < NUMBERS_MAX, "the shard should have been closed");
        let mask = self.places.len() - 1;
        if let Some(place) = self.places.get_mut(at & mask) {
            *place = hash >> NUMBER_BITS << NUMBER_BITS | u64::from(number);
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.places = vec![FREE; self.places.len() * 2];
        let hashes = std::mem::take(&mut self.hashes);
        for (hash, number) in hashes.iter().zip(0..) {
            let mut at = *hash as usize;
            while self.place(at) != FREE {
                at = at.wrapping_add(1);
            }
            self.put(at, *hash, number);
        }
        self.hashes = hashes;
    }
}

/// The number in an entry, where it is that of a hash.
#[inline]
fn number(entry: u64, hash: u64) -> Option<u32> {
    ((entry ^ hash) >> NUMBER_BITS == 0 && entry != FREE).then_some(entry as u32 & NUMBERS_MAX as u32)
}

#[cfg(test)]
mod tests {
    use super::Table;
    use std::collections::HashMap;

    /// Hashes that all want the same few places, new and known in one batch.
    #[test]
    fn it_numbers_hashes_as_a_map_does() {
        let (mut table, mut map, mut out, mut created) = (Table::default(), HashMap::new(), Vec::new(), 0);
        for batch in 0..200u64 {
            let hashes: Vec<u64> =
                (0..64).map(|i| (batch * 17 + i * i) % 1500).map(|hash| (hash << 32) | (hash % 3)).collect();
            table.find_all(&hashes, |hash| *hash, |_| created += 1, &mut out);
            for (hash, number) in hashes.iter().zip(&out) {
                assert_eq!(*map.entry(*hash).or_insert(*number), *number, "{hash}");
                assert!(table.holds(*hash) && !table.holds(hash | 1 << 63));
            }
        }
        assert_eq!(map.len(), created);
        assert!(map.values().all(|number| (*number as usize) < created));
    }
}
