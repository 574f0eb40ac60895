//! A table for look-ups in bulk: keys of 64 bits to numbers of 32.
//!
//! A table of all clients does not fit the cache, and a look-up that ends in a branch lets the processor wait for
//! only a few others meanwhile. Here the first place of every key of a batch is read before any is compared: reads
//! without branches, which wait for memory all at once. Linear probing: mostly the second place is in the same line.

/// No key is as large: it would be a client of the highest address and user agent number.
const EMPTY: u64 = u64::MAX;
/// Places to begin with.
const PLACES_MIN: usize = 64;

#[derive(Clone, Copy)]
struct Place {
    key: u64,
    number: u32,
}

/// See the module. Keys come with their hashes, which the caller makes.
pub(super) struct Table {
    places: Vec<Place>,
    len: usize,
    firsts: Vec<Place>,
}

impl Default for Table {
    fn default() -> Self {
        Self { places: vec![Place { key: EMPTY, number: 0 }; PLACES_MIN], len: 0, firsts: Vec::new() }
    }
}

impl Table {
    /// Writes the number of each key; of a new one, what `create` gives. `rehash` gives the hash of a key.
    pub(super) fn find_all(
        &mut self,
        keys: &[u64],
        rehash: impl Fn(u64) -> u64,
        mut create: impl FnMut(u64) -> u32,
        out: &mut Vec<u32>,
    ) {
        // Room for all beforehand, so that places stay where they are.
        while (self.len + keys.len()) * 4 > self.places.len() * 3 {
            self.grow(&rehash);
        }
        let mut firsts = std::mem::take(&mut self.firsts);
        firsts.clear();
        firsts.extend(keys.iter().map(|key| self.place(rehash(*key) as usize)));
        out.clear();
        for (key, first) in keys.iter().zip(&firsts) {
            out.push(if first.key == *key { first.number } else { self.find(*key, rehash(*key), &mut create) });
        }
        self.firsts = firsts;
    }

    #[inline]
    fn place(&self, at: usize) -> Place {
        let mask = self.places.len() - 1;
        self.places.get(at & mask).copied().unwrap_or(Place { key: EMPTY, number: 0 })
    }

    /// From the first place on.
    fn find(&mut self, key: u64, hash: u64, create: &mut impl FnMut(u64) -> u32) -> u32 {
        let mut at = hash as usize;
        loop {
            let place = self.place(at);
            if place.key == key {
                return place.number;
            }
            if place.key == EMPTY {
                let number = create(key);
                self.len += 1;
                self.put(at, Place { key, number });
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
    fn grow(&mut self, rehash: &impl Fn(u64) -> u64) {
        let larger = vec![Place { key: EMPTY, number: 0 }; self.places.len() * 2];
        for place in std::mem::replace(&mut self.places, larger) {
            if place.key != EMPTY {
                let mut at = rehash(place.key) as usize;
                while self.place(at).key != EMPTY {
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

    /// Keys that all want the same few places, new and known in one batch.
    #[test]
    fn it_numbers_keys_as_a_map_does() {
        let (mut table, mut map, mut out, mut next) = (Table::default(), HashMap::new(), Vec::new(), 0);
        for batch in 0..200u64 {
            let keys: Vec<u64> = (0..64).map(|i| (batch * 17 + i * i) % 1500).collect();
            let create = |_| {
                next += 1;
                next - 1
            };
            table.find_all(&keys, |key| key / 8, create, &mut out);
            for (key, number) in keys.iter().zip(&out) {
                assert_eq!(*map.entry(*key).or_insert(*number), *number, "{key}");
            }
        }
        assert_eq!(map.len(), next as usize);
    }
}
