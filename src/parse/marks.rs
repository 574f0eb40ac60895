//! Where the quotes, newlines and queries of a text are: the one loop that looks at every byte.
//!
//! 64 bytes are compared at once into masks with one bit for each. Of quotes and newlines the bits are written out as
//! offsets, some at a time whether there are so many or not: how many marks a block has cannot be foretold, and each
//! wrong guess costs more than four stores. Quotes and newlines are apart, so that two comparisons tell whether a line
//! has as many quotes as its format. Of `?` and `#` the masks are kept as they are: a line needs the first after its
//! method alone, and mostly finds it in the 64 bits from there on. Slow twin: `portable`, which machines without AVX2
//! use; a test holds them against each other.
//!
//! While the lines of a stretch are read, memory is asked for the next one, line for line ([`ask_ahead`]). Were it asked
//! for all of it where the marks are found, the processor would wait for memory there, and memory be idle the rest of
//! the time: a tenth of the whole reading.
#![expect(unsafe_code, reason = "vector instructions behind a run-time check; see the safety comments")]

use crate::prefetch;

/// Bytes looked at in one go: they and their marks stay in the L1 cache until the lines are read.
pub const STRETCH: usize = 16 << 10;
/// Bytes compared at once.
const BLOCK: usize = 64;
/// Offsets of quotes written at once.
const QUOTES_WRITTEN: usize = 4;
/// Offsets of newlines written at once: most lines are longer than a block.
const NEWLINES_WRITTEN: usize = 1;

/// The marks of a stretch of text. Made once, filled many times.
#[derive(Debug)]
pub struct Marks {
    quotes: Vec<u32>,
    newlines: Vec<u32>,
    /// Of each block one bit for each byte that ends a path; a word more than blocks.
    queries: Vec<u64>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            quotes: vec![0; STRETCH + QUOTES_WRITTEN],
            newlines: vec![0; STRETCH + NEWLINES_WRITTEN],
            queries: vec![0; STRETCH / BLOCK + 1],
        }
    }
}

/// How many there are in the part that was looked at.
#[derive(Clone, Copy, Default)]
struct Counts {
    quotes: usize,
    newlines: usize,
}

/// What was found, from the next line on.
#[derive(Clone, Copy, Debug)]
pub struct Found<'m> {
    quotes: &'m [u32],
    newlines: &'m [u32],
    queries: &'m [u64],
}

impl Marks {
    /// The marks of the first [`STRETCH`] bytes.
    pub fn find(&mut self, text: &[u8]) -> Found<'_> {
        // What is not mapped yet cannot be asked for: so what comes after the next stretch is touched.
        std::hint::black_box(text.get(2 * STRETCH).copied());
        let text = text.get(..STRETCH).unwrap_or(text);
        let counts = self.fill(text);
        Found {
            quotes: self.quotes.get(..counts.quotes).unwrap_or_default(),
            newlines: self.newlines.get(..counts.newlines).unwrap_or_default(),
            queries: &self.queries,
        }
    }

    /// Of at most [`STRETCH`] bytes.
    fn fill(&mut self, text: &[u8]) -> Counts {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("popcnt")
        {
            // SAFETY: the processor has all that the function asks for.
            return unsafe { self.with_avx2(text) };
        }
        self.portable(text, 0, Counts::default())
    }

    /// Adds the marks of `text`, which stands at `offset`, a multiple of [`BLOCK`].
    fn portable(&mut self, text: &[u8], offset: usize, mut counts: Counts) -> Counts {
        for at in memchr::memchr2_iter(b'"', b'\n', text) {
            let (out, len) = match text.get(at) {
                Some(b'"') => (&mut self.quotes, &mut counts.quotes),
                _ => (&mut self.newlines, &mut counts.newlines),
            };
            if let Some(slot) = out.get_mut(*len) {
                *slot = (offset + at) as u32;
                *len += 1;
            }
        }
        let words = self.queries.get_mut(offset / BLOCK..).unwrap_or_default();
        words.iter_mut().take(text.len().div_ceil(BLOCK) + 1).for_each(|word| *word = 0);
        for at in memchr::memchr2_iter(b'?', b'#', text) {
            words.get_mut(at / BLOCK).into_iter().for_each(|word| *word |= 1 << (at % BLOCK));
        }
        counts
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn with_avx2(&mut self, text: &[u8]) -> Counts {
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut counts = Counts::default();
        for ((i, block), queries) in blocks.iter().enumerate().zip(&mut self.queries) {
            let [quotes, newlines, ends] = masks_avx2(block);
            *queries = ends;
            let base = (i * BLOCK) as u32;
            counts.quotes = write::<QUOTES_WRITTEN>(quotes, base, &mut self.quotes, counts.quotes);
            counts.newlines = write::<NEWLINES_WRITTEN>(newlines, base, &mut self.newlines, counts.newlines);
        }
        self.portable(rest, blocks.len() * BLOCK, counts)
    }
}

/// Asks for what stands one stretch behind a line that is being read.
#[inline(always)]
pub fn ask_ahead(line: &[u8]) {
    /// Most lines of logs are no longer: so much is asked for without counting.
    const MOSTLY: usize = 4 * BLOCK;
    let next = line.as_ptr().wrapping_add(STRETCH);
    for at in (0..MOSTLY).step_by(BLOCK) {
        prefetch::far(next.wrapping_add(at));
    }
    for at in (MOSTLY..line.len()).step_by(BLOCK) {
        prefetch::far(next.wrapping_add(at));
    }
}

/// Writes the offsets of a mask's bits from `out[len]` on, `AT_ONCE` of them and then as many more as there are; gives
/// the new length.
#[inline(always)]
fn write<const AT_ONCE: usize>(mut mask: u64, base: u32, out: &mut [u32], len: usize) -> usize {
    let until = len + mask.count_ones() as usize;
    let mut at = len;
    while let Some(slots) = out.get_mut(at..).and_then(|free| free.first_chunk_mut::<AT_ONCE>()) {
        for slot in slots {
            *slot = base + mask.trailing_zeros();
            mask &= mask.wrapping_sub(1);
        }
        at += AT_ONCE;
        if at >= until {
            break;
        }
    }
    until
}

/// One bit for each byte of the block that is a quote; a newline; the end of a path.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn masks_avx2(block: &[u8; BLOCK]) -> [u64; 3] {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };
    let half = |at: usize| {
        // SAFETY: `at` is 0 or 32, so the 32 bytes lie within the block's 64; the load may be unaligned.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(at).cast::<__m256i>()) };
        let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte as i8));
        let mask = |marks: __m256i| u64::from(_mm256_movemask_epi8(marks) as u32);
        [mask(is(b'"')), mask(is(b'\n')), mask(_mm256_or_si256(is(b'?'), is(b'#')))]
    };
    let ([q0, n0, e0], [q1, n1, e1]) = (half(0), half(32));
    [q0 | q1 << 32, n0 | n1 << 32, e0 | e1 << 32]
}

impl<'m> Found<'m> {
    /// The quotes of the next line, and its end; none where no line ends any more. A line mostly has as many quotes as
    /// its format; of any other none are given, and it will be read slowly.
    #[inline(always)]
    pub fn next_line(&mut self, expected: usize) -> Option<(&'m [u32], usize)> {
        let (end, newlines) = self.newlines.split_first()?;
        self.newlines = newlines;
        if let Some((own, after)) = self.quotes.split_at_checked(expected)
            && own.last().is_some_and(|last| last < end)
            && after.first().is_none_or(|next| next > end)
        {
            self.quotes = after;
            return Some((own, *end as usize));
        }
        let len = self.quotes.iter().position(|quote| quote > end).unwrap_or(self.quotes.len());
        self.quotes = self.quotes.get(len..).unwrap_or_default();
        Some((&[], *end as usize))
    }

    /// How many bytes after `at` the next `?` or `#` stands; 64 for those that are farther away.
    #[inline(always)]
    #[must_use]
    pub fn query_after(&self, at: usize) -> usize {
        let words = self.queries.get(at / BLOCK..).and_then(|words| words.first_chunk());
        let [low, high] = words.copied().unwrap_or_default();
        let bit = at % BLOCK;
        (low >> bit | high << 1 << (BLOCK - 1 - bit)).trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Found, Marks, STRETCH};
    use proptest::prelude::*;

    /// Both ways give the same, and what they should.
    fn check(text: &[u8]) {
        let offsets_of = |byte| (0..).zip(text).filter(|(_, b)| **b == byte).map(|(at, _)| at).collect::<Vec<u32>>();
        let (mut slow, mut fast) = (Marks::default(), Marks::default());
        // What was there before must not matter.
        fast.find(&[b'?'; STRETCH]);
        let counts = slow.portable(text, 0, Counts::default());
        let found = fast.find(text);
        assert_eq!(found.quotes, &slow.quotes[..counts.quotes]);
        assert_eq!(found.newlines, &slow.newlines[..counts.newlines]);
        assert_eq!(found.queries[..=text.len() / 64], slow.queries[..=text.len() / 64]);
        assert_eq!((found.quotes, found.newlines), (&*offsets_of(b'"'), &*offsets_of(b'\n')));
        for at in 0..text.len() {
            let expected = text[at..].iter().take(64).position(|b| matches!(b, b'?' | b'#')).unwrap_or(64);
            assert_eq!(found.query_after(at), expected, "at {at}");
        }
    }

    proptest! {
        #[test]
        fn both_find_the_same(text in prop::collection::vec(prop::sample::select(b"\"\na\\\xff\x22?#bcdefgh".to_vec()), 0..300)) {
            check(&text);
        }

        /// Lines as a look at each byte cuts them.
        #[test]
        fn lines_have_their_own_quotes(text in prop::collection::vec(prop::sample::select(b"\"\"\na".to_vec()), 0..100), expected in 1usize..4) {
            let mut marks = Marks::default();
            let (mut found, mut start): (Found<'_>, usize) = (marks.find(&text), 0);
            while let Some((quotes, end)) = found.next_line(expected) {
                let own = (start..end).filter(|at| text[*at] == b'"').map(|at| at as u32).collect::<Vec<_>>();
                assert_eq!(text[end], b'\n');
                assert!(!text[start..end].contains(&b'\n'));
                assert_eq!(quotes, if own.len() == expected { &own[..] } else { &[] });
                start = end + 1;
            }
            assert!(!text[start..].contains(&b'\n'));
        }
    }

    #[test]
    fn a_stretch_may_be_all_marks() {
        for mark in *b"\"\n?" {
            check(&[mark; STRETCH]);
            check(&[mark; STRETCH - 1]);
        }
        assert_eq!(Marks::default().find(&[b'"'; STRETCH + 1]).quotes.len(), STRETCH);
    }
}
