//! What was seen lately: hashes to small numbers, in a table that stays in the cache.

use crate::prefetch;

/// No number is as large.
const EMPTY: u64 = u64::MAX;

/// A table of the latest number for each place. An entry is the upper 48 bits of a hash above a number of 16; the place
/// is the hash's lowest bits. Nothing else is compared: of a hash of 64 bits seeded at random all but one are, so two
/// of a million texts meet once in ten million logs, and no stranger can make them.
pub(crate) struct Memo(Vec<u64>);

impl Memo {
    /// Of so many places, a power of two and at least 2^15 for the claim above, or few texts.
    pub(crate) fn new(places: usize) -> Self {
        Self(vec![EMPTY; places])
    }

    /// Asks for the place of a hash that will be looked up shortly.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch::near(self.0.as_ptr().wrapping_add(self.place(hash)));
    }

    #[inline]
    pub(crate) fn get(&self, hash: u64) -> Option<u16> {
        let entry = *self.0.get(self.place(hash))?;
        ((entry ^ hash) >> 16 == 0 && entry != EMPTY).then_some(entry as u16)
    }

    #[inline]
    pub(crate) fn put(&mut self, hash: u64, number: u16) {
        let place = self.place(hash);
        if let Some(entry) = self.0.get_mut(place) {
            *entry = hash >> 16 << 16 | u64::from(number);
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn it_gives_what_was_put_last() {
        let mut memo = Memo::new(16);
        assert_eq!(memo.get(0x1234_5678_9abc_def0), None);
        memo.put(0x1234_5678_9abc_def0, 7);
        assert_eq!(memo.get(0x1234_5678_9abc_def0), Some(7));
        // The same place, another hash.
        assert_eq!(memo.get(0x2234_5678_9abc_def0), None);
        memo.put(0x2234_5678_9abc_def0, 65_534);
        assert_eq!(memo.get(0x2234_5678_9abc_def0), Some(65_534));
        assert_eq!(memo.get(0x1234_5678_9abc_def0), None);
    }
}
