//! A table for look-ups in bulk: hashes of 64 bits to numbers of 32.
//!
//! A table of all clients does not fit the cache, and a look-up that ends in a branch lets the processor wait for
//! only a few others meanwhile. Here the first place of every hash of a batch is read before any is compared: reads
//! without branches, which wait for memory all at once. Linear probing: mostly the second place is in the same line.

/// The hash that stands for none; what has it is filed one lower.
const EMPTY: u64 = u64::MAX;
/// Places to begin with.
const PLACES_MIN: usize = 64;

#[derive(Clone, Copy)]
struct Place {
    hash: u64,
    number: u32,
}

const FREE: Place = Place { hash: EMPTY, number: 0 };

/// See the module.
pub(super) struct Table {
    places: Vec<Place>,
    len: usize,
    firsts: Vec<Place>,
}

impl Default for Table {
    fn default() -> Self {
        Self { places: vec![FREE; PLACES_MIN], len: 0, firsts: Vec::new() }
    }
}

impl Table {
    /// Writes the number of each item; of a new one, what `create` gives.
    pub(super) fn find_all<T>(
        &mut self,
        items: &[T],
        hash_of: impl Fn(&T) -> u64,
        mut create: impl FnMut(&T) -> u32,
        out: &mut Vec<u32>,
    ) {
        // Room for all beforehand, so that places stay where they are.
        while (self.len + items.len()) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let hash_of = |item: &T| hash_of(item).min(EMPTY - 1);
        let mut firsts = std::mem::take(&mut self.firsts);
        firsts.clear();
        firsts.extend(items.iter().map(|item| self.place(hash_of(item) as usize)));
        out.clear();
        for (item, first) in items.iter().zip(&firsts) {
            let hash = hash_of(item);
            out.push(if first.hash == hash { first.number } else { self.find(hash, || create(item)) });
        }
        self.firsts = firsts;
    }

    #[inline]
    fn place(&self, at: usize) -> Place {
        self.places.get(at & (self.places.len() - 1)).copied().unwrap_or(FREE)
    }

    /// From the first place on.
    fn find(&mut self, hash: u64, create: impl FnOnce() -> u32) -> u32 {
        let mut at = hash as usize;
        loop {
            let place = self.place(at);
            if place.hash == hash {
                return place.number;
            }
            if place.hash == EMPTY {
                let number = create();
                self.len += 1;
                self.put(at, Place { hash, number });
                return number;
            }
            at = at.wrapping_add(1);
        }
    }

    fn put(&mut self, at: usize, place: Place) {
        let mask = self.places.len() - 1;
        if let Some(slot) = self.places.get_mut(at & mask) {
            *slot = place;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![FREE; self.places.len() * 2];
        for place in std::mem::replace(&mut self.places, larger) {
            if place.hash != EMPTY {
                let mut at = place.hash as usize;
                while self.place(at).hash != EMPTY {
                    at = at.wrapping_add(1);
                }
                self.put(at, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use std::collections::HashMap;

    /// Hashes that all want the same few places, new and known in one batch.
    #[test]
    fn it_numbers_hashes_as_a_map_does() {
        let (mut table, mut map, mut out, mut next) = (Table::default(), HashMap::new(), Vec::new(), 0);
        for batch in 0..200u64 {
            let hashes: Vec<u64> = (0..64).map(|i| (batch * 17 + i * i) % 1500 * 0x1_0000_0000 + i % 3).collect();
            let create = |_: &u64| {
                next += 1;
                next - 1
            };
            table.find_all(&hashes, |hash| *hash, create, &mut out);
            for (hash, number) in hashes.iter().zip(&out) {
                assert_eq!(*map.entry(*hash).or_insert(*number), *number, "{hash}");
            }
        }
        assert_eq!(map.len(), next as usize);
    }
}
