//! Where the quotes and newlines of a text are: the one loop that looks at every byte.
//!
//! 64 bytes are compared at once into a mask with one bit for each, and the bits are written out as offsets, four at
//! a time whether there are so many or not: how many marks a block has cannot be foretold, and each wrong guess costs
//! more than four stores. Slow twin: `portable`, which machines without AVX2 use; a test holds them against each
//! other.
#![expect(unsafe_code, reason = "vector instructions behind a run-time check; see the safety comments")]

use crate::prefetch;

/// Bytes looked at in one go: they and their marks stay in the L1 cache until the lines are read.
pub const STRETCH: usize = 16 << 10;
/// Bytes compared at once.
const BLOCK: usize = 64;
/// Offsets written at once.
const WRITTEN: usize = 4;

/// The marks of a stretch of text. Made once, filled many times.
#[derive(Debug)]
pub struct Marks {
    at: Vec<u32>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { at: vec![0; STRETCH + WRITTEN] }
    }
}

impl Marks {
    /// The offsets of every `"` and every newline in the first [`STRETCH`] bytes, in order.
    pub fn find(&mut self, text: &[u8]) -> &[u32] {
        let text = text.get(..STRETCH).unwrap_or(text);
        let len = fill(text, &mut self.at);
        self.at.get(..len).unwrap_or_default()
    }
}

/// Writes the marks of at most [`STRETCH`] bytes; tells how many there are.
fn fill(text: &[u8], out: &mut [u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the processor has all that the function asks for.
        return unsafe { with_avx2(text, out) };
    }
    portable(text, 0, out, 0)
}

/// Writes marks of `text`, which stands at `offset`, from `out[len]` on; gives the new length.
fn portable(text: &[u8], offset: usize, out: &mut [u32], mut len: usize) -> usize {
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        if let Some(slot) = out.get_mut(len) {
            *slot = (offset + at) as u32;
            len += 1;
        }
    }
    len
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn with_avx2(text: &[u8], out: &mut [u32]) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut len = 0;
    for (i, block) in blocks.iter().enumerate() {
        prefetch::far(block.as_ptr().wrapping_add(STRETCH));
        let mut mask = mask_avx2(block);
        let until = len + mask.count_ones() as usize;
        while len < until {
            let Some(slots) = out.get_mut(len..).and_then(|free| free.first_chunk_mut::<WRITTEN>()) else { break };
            for slot in slots {
                *slot = (i * BLOCK) as u32 + mask.trailing_zeros();
                mask &= mask.wrapping_sub(1);
            }
            len += WRITTEN;
        }
        len = until;
    }
    portable(rest, blocks.len() * BLOCK, out, len)
}

/// One bit for each byte of the block that is a quote or a newline.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mask_avx2(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };
    let (quote, newline) = (_mm256_set1_epi8(b'"' as i8), _mm256_set1_epi8(b'\n' as i8));
    let half = |at: usize| {
        // SAFETY: `at` is 0 or 32, so the 32 bytes lie within the block's 64; the load may be unaligned.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(at).cast::<__m256i>()) };
        let marks = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, quote), _mm256_cmpeq_epi8(bytes, newline));
        u64::from(_mm256_movemask_epi8(marks) as u32)
    };
    half(0) | half(32) << 32
}

/// The quotes of the next line of a text, its end, and the marks after it; none where no line ends at a mark. A line
/// mostly has as many quotes as its format; of any other none are given, and it will be read slowly.
#[inline]
#[must_use]
pub fn next_line<'m>(text: &[u8], marks: &'m [u32], expected: usize) -> Option<(&'m [u32], usize, &'m [u32])> {
    let is_quote = |at: &u32| text.get(*at as usize) == Some(&b'"');
    if let Some((own, after)) = marks.split_at_checked(expected + 1)
        && let Some((end, quotes)) = own.split_last()
        && !is_quote(end)
        && quotes.iter().all(is_quote)
    {
        return Some((quotes, *end as usize, after));
    }
    let len = marks.iter().position(|at| !is_quote(at))?;
    let end = *marks.get(len)? as usize;
    Some((&[], end, marks.get(len + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::{Marks, STRETCH, portable};
    use proptest::prelude::*;

    fn check(text: &[u8]) {
        let mut expected = vec![0; text.len()];
        let len = portable(text, 0, &mut expected, 0);
        assert_eq!(Marks::default().find(text), &expected[..len]);
    }

    proptest! {
        #[test]
        fn both_find_the_same(text in prop::collection::vec(prop::sample::select(b"\"\na\\\xff\x22".to_vec()), 0..300)) {
            check(&text);
        }
    }

    #[test]
    fn a_stretch_may_be_all_marks() {
        check(&[b'"'; STRETCH]);
        check(&[b'\n'; STRETCH - 1]);
        assert_eq!(Marks::default().find(&[b'"'; STRETCH + 1]).len(), STRETCH);
    }
}
