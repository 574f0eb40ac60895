//! What a line must hold for a format to read it, as far as a look at its bytes tells: a line that fits no format would
//! otherwise be begun in every one of them. Owns conditions that are necessary and cheap; whether a line fits is for the
//! format alone to say.

use super::columns::Separator;
use memchr::{memchr_iter, memchr2};

/// Bytes that formats are told by.
const MARKS: &[u8; 19] = b"\" \t[]{}()|:;,=-/%<>";

/// Some of [`MARKS`], as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked(u32);

impl Marked {
    /// Those among some bytes; others are left out.
    pub(super) fn in_text(text: &[u8]) -> Self {
        let mut seen = [false; 256];
        for byte in text {
            if let Some(seen) = seen.get_mut(usize::from(*byte)) {
                *seen = true;
            }
        }
        let is_seen = |mark: &u8| seen.get(usize::from(*mark)).copied().unwrap_or(false);
        Self(MARKS.iter().enumerate().fold(0, |bits, (i, mark)| bits | u32::from(is_seen(mark)) << i))
    }
}

/// Whether three digits stand somewhere between what are none: without a status no known format reads a line. Where
/// something is escaped, or a whole line may be, nothing can be said.
pub(super) fn may_hold_status(line: &[u8]) -> bool {
    let is_digit = |at: &usize| line.get(*at).is_some_and(u8::is_ascii_digit);
    // Of three digits side by side, one stands at every third place.
    let is_one_of_three = |at: usize| {
        let before = (at.saturating_sub(3)..at).rev().take_while(is_digit).count();
        let after = (at + 1..at + 4).take_while(is_digit).count();
        before + after == 2
    };
    memchr2(b'{', b'\\', line).is_some() || (2..line.len()).step_by(3).filter(is_digit).any(is_one_of_three)
}

/// What there is to see of a line at a glance.
pub(super) struct Glance<'l> {
    line: &'l [u8],
    marked: Marked,
    quotes: usize,
    blanks: usize,
    tabs: usize,
    has_clf_day: bool,
}

impl<'l> Glance<'l> {
    pub(super) fn at(line: &'l [u8]) -> Self {
        let count = |byte| memchr_iter(byte, line).count();
        let is_clf_day = |slash: usize| line.get(slash + 4) == Some(&b'/') && line.get(slash + 9) == Some(&b':');
        Self {
            line,
            marked: Marked::in_text(line),
            quotes: count(b'"'),
            blanks: count(b' '),
            tabs: count(b'\t'),
            has_clf_day: memchr_iter(b'/', line).any(is_clf_day),
        }
    }
}

/// What every line of a format holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    /// Each of these somewhere.
    pub(super) marked: Marked,
    /// This first, if anything is named.
    pub(super) first: Option<u8>,
    /// A time first, or what may stand in its place; and whether the time begins with a day with dashes or slashes.
    pub(super) time: Option<bool>,
    /// A day as the common log format has it, and what follows it.
    pub(super) clf_day: bool,
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
        let begins = || match self.time {
            _ if !first.is_ascii_digit() => self.time.is_none() || b" \t,-\"[{".contains(&first),
            Some(true) => matches!(glance.line.get(4), Some(b'-' | b'/')),
            _ => true,
        };
        self.marked.0 & !glance.marked.0 == 0
            && (glance.has_clf_day || !self.clf_day)
            && glance.quotes >= self.quotes
            && self.first.is_none_or(|byte| byte == first)
            && begins()
            && self.separators.is_none_or(|(separator, least)| match separator {
                Separator::BlankOrTab if glance.tabs > 0 => glance.tabs >= least,
                Separator::BlankOrTab | Separator::Blank => glance.blanks >= least,
                Separator::Tab => glance.tabs >= least,
                // Their marks are needed beside.
                Separator::Comma | Separator::CommaBlank | Separator::Pipe => true,
            })
    }
}
