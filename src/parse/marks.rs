//! Where the quotes and newlines of a text are: the one loop that looks at every byte.
//!
//! 64 bytes are compared at once into a mask with one bit for each, and the bits are walked. In logs one byte in
//! thirty is a quote or newline, so the walk is short; a search for one after the other (`memchr2`) pays its start
//! each time, a quarter of the whole scan. Slow twin: [`portable`], which machines without AVX2 use; a test holds
//! them against each other.
#![expect(unsafe_code, reason = "vector instructions behind a run-time check; see the safety comment")]

/// Bytes compared at once.
const BLOCK: usize = 64;

/// Calls `each` with the offset of every `"` and every newline, in order.
#[inline]
pub fn each_mark(text: &[u8], each: impl FnMut(usize)) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { with_avx2(text, each) };
    }
    portable(text, each);
}

/// See [`each_mark`].
pub fn portable(text: &[u8], each: impl FnMut(usize)) {
    memchr::memchr2_iter(b'"', b'\n', text).for_each(each);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(text: &[u8], mut each: impl FnMut(usize)) {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        let mut mask = mask_avx2(block);
        while mask != 0 {
            each(i * BLOCK + mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }
    portable(rest, |at| each(blocks.len() * BLOCK + at));
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

#[cfg(test)]
mod tests {
    use super::{each_mark, portable};
    use proptest::prelude::*;

    fn all(find: impl Fn(&[u8], &mut dyn FnMut(usize)), text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        find(text, &mut |at| found.push(at));
        found
    }

    proptest! {
        #[test]
        fn both_find_the_same(text in prop::collection::vec(prop::sample::select(b"\"\na\\\xff\x22".to_vec()), 0..300)) {
            let fast = all(|text, each| each_mark(text, each), &text);
            prop_assert_eq!(fast, all(|text, each| portable(text, each), &text));
        }
    }
}
