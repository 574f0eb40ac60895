//! The hash of a path: the same work for every usual length.
//!
//! How long a path is cannot be foretold, so a hash that takes as many steps as there are bytes costs a wrong guess a
//! line, which is more than the hash. From 8 to 32 bytes four words are read, which overlap as far as the path is shorter.
//! They are mixed as foldhash and wyhash do it, by multiplication folded upon itself under seeds drawn at random; every
//! other length is left to foldhash.

use foldhash::fast::RandomState;
use std::hash::BuildHasher;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// The lengths that are hashed here.
const LENGTHS: std::ops::RangeInclusive<usize> = WORD..=4 * WORD;

/// See the module.
pub(super) struct PathHasher {
    seeds: [u64; 5],
    others: RandomState,
}

impl Default for PathHasher {
    fn default() -> Self {
        let others = RandomState::default();
        Self { seeds: [0, 1, 2, 3, 4].map(|i: u64| others.hash_one(i)), others }
    }
}

impl PathHasher {
    #[inline(always)]
    pub(super) fn hash(&self, path: &[u8]) -> u64 {
        match four_words(path) {
            Some([a, b, c, d]) => {
                let [s0, s1, s2, s3, s4] = self.seeds;
                let halves = (folded(a ^ s0, b ^ s1), folded(c ^ s2, d ^ s3));
                folded(halves.0 ^ s4, halves.1 ^ path.len() as u64)
            }
            None => self.others.hash_one(path),
        }
    }
}

/// Words that together hold every byte, where there is such a length.
#[inline(always)]
fn four_words(text: &[u8]) -> Option<[u64; 4]> {
    if !LENGTHS.contains(&text.len()) {
        return None;
    }
    let last = text.len() - WORD;
    let second = last.min(WORD);
    let word = |at: usize| text.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
    Some([word(0)?, word(second)?, word(last - second)?, word(last)?])
}

/// The upper half of a product folded upon its lower one.
#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::{LENGTHS, PathHasher};
    use std::collections::HashSet;

    /// Every byte counts, and so does the length: no two of these meet, nor do their places in a table crowd.
    #[test]
    fn paths_that_differ_differ() {
        let hasher = PathHasher::default();
        let (mut hashes, mut places, mut paths) = (HashSet::new(), HashSet::new(), 0);
        for len in 1..=2 * LENGTHS.end() {
            for at in 0..len {
                for byte in 1..=64 {
                    let mut path = vec![0; len];
                    path[at] = byte;
                    hashes.insert(hasher.hash(&path));
                    places.insert(hasher.hash(&path) & 0x3_ffff);
                    paths += 1;
                }
            }
        }
        assert_eq!(hashes.len(), paths);
        // So many of 2^18 places would be taken by chance: 1 - 1/e^(n / 2^18), here 39.8 %.
        let expected = f64::from(1 << 18) * (1.0 - (-(paths as f64) / f64::from(1 << 18)).exp());
        assert!((places.len() as f64 / expected - 1.0).abs() < 0.02, "{} of {expected}", places.len());
    }
}
