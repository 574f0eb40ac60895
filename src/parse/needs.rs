//! What a line must hold for a format to read it, as far as a look at its bytes tells: a line that fits no format would
//! otherwise be begun in every one of them. Owns conditions that are necessary and cheap; whether a line fits is for the
//! format alone to say.

use super::columns::Separator;
use memchr::memchr_iter;

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.add(byte));
        set
    }

    #[inline]
    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    #[inline]
    fn holds(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(has, needed)| needed & !has == 0)
    }
}

/// What there is to see of a line at a glance.
pub(super) struct Glance<'l> {
    line: &'l [u8],
    bytes: ByteSet,
    quotes: usize,
    blanks: usize,
    tabs: usize,
}

impl<'l> Glance<'l> {
    pub(super) fn at(line: &'l [u8]) -> Self {
        let bytes = ByteSet::of(line.iter().copied());
        let count = |byte| if bytes.has(byte) { memchr_iter(byte, line).count() } else { 0 };
        Self { line, bytes, quotes: count(b'"'), blanks: count(b' '), tabs: count(b'\t') }
    }
}

/// What every line of a format holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    /// Each of these somewhere.
    pub(super) bytes: ByteSet,
    /// One of these first, if any is named.
    pub(super) first: ByteSet,
    /// A day with dashes first, where the line does not begin with what may stand in its place.
    pub(super) day: bool,
    /// So many double quotes.
    pub(super) quotes: usize,
    /// So many of what parts its columns.
    pub(super) separators: Option<(Separator, usize)>,
}

impl Needs {
    /// Whether a line may fit.
    #[inline]
    pub(super) fn are_met(&self, glance: &Glance<'_>) -> bool {
        let first = glance.line.first().copied().unwrap_or_default();
        glance.bytes.holds(&self.bytes)
            && glance.quotes >= self.quotes
            && (self.first == ByteSet::default() || self.first.has(first))
            && (!self.day || !first.is_ascii_digit() || glance.line.get(4) == Some(&b'-'))
            && self.separators.is_none_or(|(separator, least)| match separator {
                Separator::BlankOrTab if glance.tabs > 0 => glance.tabs >= least,
                Separator::BlankOrTab | Separator::Blank => glance.blanks >= least,
                Separator::Tab => glance.tabs >= least,
                Separator::Comma => least == 0 || glance.bytes.has(b','),
            })
    }
}
