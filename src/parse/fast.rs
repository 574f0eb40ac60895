//! The combined family read at full speed. Slow twin: [`super::plan::Plan::parse`] of the same format.
//!
//! In a well-formed line of this family everything has a fixed distance from a quote: the time stands in the 28
//! bytes before the first, the status in the five after the second. So the quotes of a line are found once, and
//! the fields are cut out without looking at their bytes again. Whatever is not exactly so (a backslash before
//! a quote, a quote too many, a request that is none) is left to the slow twin: this path answers only where
//! both agree, and tests hold the two against each other.

use super::timestamp::{ClfMemo, clf};
use crate::model::event::Event;

/// A member of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether the line begins with `host:port `.
    pub vhost: bool,
    /// What follows the status and size.
    pub tail: Tail,
}

/// What follows the status and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the common format.
    Nothing,
    /// Referer and user agent.
    Combined,
    /// Referer, user agent, bytes in and out.
    CombinedIo,
    /// Referer, user agent, X-Forwarded-For.
    Forwarded,
}

impl Layout {
    /// The layout of a built-in format, where it is of this family.
    #[must_use]
    pub fn of(format: &str) -> Option<Self> {
        let (vhost, tail) = match format {
            "common" => (false, Tail::Nothing),
            "combined" => (false, Tail::Combined),
            "combinedio" => (false, Tail::CombinedIo),
            "main" => (false, Tail::Forwarded),
            "vhost_combined" => (true, Tail::Combined),
            _ => return None,
        };
        Some(Self { vhost, tail })
    }

    /// How many quotes a line has.
    #[must_use]
    pub fn quotes(self) -> usize {
        match self.tail {
            Tail::Nothing => 2,
            Tail::Combined | Tail::CombinedIo => 6,
            Tail::Forwarded => 8,
        }
    }
}

/// Reads a line that stands at `start` of a text, whose quotes stand at `quotes` of it; none where the slow twin has
/// to look.
#[inline(always)]
pub fn parse<'a>(
    line: &'a [u8],
    start: usize,
    quotes: &[u32],
    layout: Layout,
    clock: &mut ClfMemo,
) -> Option<Event<'a>> {
    // A place before the line's start becomes one far behind its end, where nothing is.
    let at = |quote: u32| (quote as usize).wrapping_sub(start);
    let (&[open, close], tail) = quotes.split_first_chunk()?;
    let (open, close) = (at(open), at(close));
    // `... [10/Oct/2000:13:55:36 -0700] "` : the bracket stands 29 bytes before the quote, the time between.
    let (before, &[b'[', ref stamp @ .., b']', b' ']) = line.get(..open)?.split_last_chunk::<29>()? else {
        return None;
    };
    let time = clf(stamp, clock).ok()?;
    let (vhost, client, user) = front(before, layout.vhost)?;
    let (method, target, protocol) = split_request(line.get(open.wrapping_add(1)..close)?)?;
    let size_end = tail.first().map_or(line.len(), |quote| at(*quote));
    let (status, bytes) = status_and_size(line, close.wrapping_add(1), size_end, tail.is_empty())?;
    let event = Event { time, client, user, vhost, method, target, protocol, status, bytes, ..Event::default() };
    match (layout.tail, tail) {
        (Tail::Nothing, []) => Some(event),
        (Tail::Combined | Tail::CombinedIo, &[r0, r1, a0, a1]) => {
            let (referer, agent) = referer_and_agent(line, [r0, r1, a0, a1].map(at))?;
            let after = line.get(at(a1).wrapping_add(1)..)?;
            let is_whole = if layout.tail == Tail::Combined { after.is_empty() } else { two_numbers(after) };
            is_whole.then_some(Event { referer, agent, ..event })
        }
        (Tail::Forwarded, &[r0, r1, a0, a1, f0, f1]) => {
            let (referer, agent) = referer_and_agent(line, [r0, r1, a0, a1].map(at))?;
            let is_whole =
                line.get(at(a1).wrapping_add(1)..at(f0)) == Some(b" ") && at(f1).wrapping_add(1) == line.len();
            let forwarded_for = unescaped(line, at(f0), at(f1))?;
            is_whole.then_some(Event { referer, agent, forwarded_for, ..event })
        }
        _ => None,
    }
}

/// Where in the text the target of an event stands that was read with these quotes.
#[inline(always)]
#[must_use]
pub fn target_at(quotes: &[u32], event: &Event<'_>) -> usize {
    quotes.first().map_or(0, |open| *open as usize) + 1 + event.method.len() + 1
}

/// `[vhost:port ]client ident user `: the user may hold spaces.
#[inline]
fn front(text: &[u8], has_vhost: bool) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.strip_suffix(b" ")?;
    let (vhost, text) = if has_vhost {
        let (host, rest) = cut(text)?;
        // A name with a port; a literal address, a list or anything odd is for the slow twin.
        let (name, port) = host.split_at_checked(memchr::memrchr(b':', host)?)?;
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let is_host = name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().all(is_plain);
        let is_port = port.len() > 1 && port.iter().skip(1).all(u8::is_ascii_digit);
        (is_host && is_port).then_some((name, rest))?
    } else {
        (&b""[..], text)
    };
    // Mostly nobody is named: then the client ends where `- -` begins, and no blank need be looked for.
    let (client, user) = match text.split_last_chunk() {
        Some((client, b" - -")) => (client, &b""[..]),
        _ => named(text)?,
    };
    // Anything odd in front is for the slow twin to judge.
    (client != b"-" && (is_plain(client) || is_ipv6(client))).then_some((vhost, client, user))
}

/// `client - user`
#[inline]
fn named(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (client, rest) = cut(text)?;
    let user = rest.strip_prefix(b"- ")?;
    let is_blank = |end: Option<&u8>| end.is_none_or(u8::is_ascii_whitespace);
    let is_odd =
        is_blank(user.first()) || is_blank(user.last()) || memchr::memchr(b'[', user).is_some() || user == b"- -";
    (!is_odd).then_some((client, dash(user)))
}

/// Nothing but hexadecimal digits and colons, or an IPv4 address behind them.
#[cold]
fn is_ipv6(text: &[u8]) -> bool {
    let is_mapped = text.starts_with(b"::");
    let is_inside = |b: &u8| b.is_ascii_hexdigit() || *b == b':' || *b == b'.' && is_mapped;
    text.len() > 1
        && memchr::memchr(b':', text).is_some_and(|at| memchr::memrchr(b':', text) != Some(at))
        && text.iter().all(is_inside)
}

/// Whether a text is one word, and printable, and neither a path nor an address with colons.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let odd = |word: u64| {
        // Bytes below `!`, at `,`, `/` or `:` or above `~`, eight at a time (Lamport 1975, "Multiple byte processing with
        // full-word instructions"); a borrow may call a byte odd that is not, never the other way round.
        const ONES: u64 = u64::from_le_bytes([1; 8]);
        const HIGH: u64 = ONES << 7;
        let below = word.wrapping_sub(ONES * 0x21);
        let at = |mark: u8| (word ^ (ONES * u64::from(mark))).wrapping_sub(ONES);
        (below | at(b',') | at(b'/') | at(b':') | word | word.wrapping_add(ONES)) & HIGH
    };
    match (text.first_chunk::<8>(), text.last_chunk::<8>(), text.len()) {
        (Some(first), Some(last), ..=16) => odd(u64::from_le_bytes(*first)) | odd(u64::from_le_bytes(*last)) == 0,
        (_, _, len) => len > 0 && text.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b'/' | b':')),
    }
}

#[inline]
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', text)?;
    Some((text.get(..space)?, text.get(space + 1..)?))
}

#[inline]
fn dash(text: &[u8]) -> &[u8] {
    if text == b"-" { b"" } else { text }
}

/// `GET /path HTTP/1.1`, nothing else.
#[inline]
fn split_request(request: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (method, rest) = match request {
        [b'G', b'E', b'T', b' ', rest @ ..] => (&b"GET"[..], rest),
        [b'P', b'O', b'S', b'T', b' ', rest @ ..] => (&b"POST"[..], rest),
        _ => cut(request).filter(|(method, _)| !method.is_empty() && method.iter().all(u8::is_ascii_uppercase))?,
    };
    let (target, &[b' ', ref protocol @ ..]) = rest.split_last_chunk::<9>()? else { return None };
    let &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = protocol else { return None };
    // What is no digit may be a blank, at which the slow twin would cut.
    (major.is_ascii_digit() && minor.is_ascii_digit() && !target.is_empty()).then_some((method, target, protocol))
}

/// ` 200 1234 ` or, at the end of a line, ` 200 1234`, from `start` to `end` of it.
#[inline]
fn status_and_size(line: &[u8], start: usize, end: usize, at_end: bool) -> Option<(u16, u64)> {
    let line = line.get(..end)?;
    let line = if at_end { line } else { line.strip_suffix(b" ")? };
    let (&[b' ', a, b, c, b' '], size) = line.get(start..)?.split_first_chunk()? else { return None };
    if !(a.is_ascii_digit() && a != b'0' && b.is_ascii_digit() && c.is_ascii_digit()) {
        return None;
    }
    let status = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    Some((status, last_number(line, size.len())?))
}

/// A number of up to eighteen digits, or a dash for none.
#[inline]
fn number(text: &[u8]) -> Option<u64> {
    if text == b"-" {
        return Some(0);
    }
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0u64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
}

/// As [`number`] of the last `len` bytes of a text, up to eight of them at once: how many digits a size has cannot be
/// foretold (Lemire 2018, "Quickly parsing eight digits").
#[inline]
fn last_number(text: &[u8], len: usize) -> Option<u64> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const SIXES: u64 = u64::from_le_bytes([6; 8]);
    const HIGH: u64 = u64::from_le_bytes([0xf0; 8]);
    let (Some(last), 1..=8) = (text.last_chunk::<8>(), len) else {
        return number(text.get(text.len().wrapping_sub(len)..)?);
    };
    // The first byte is the lowest: what is before the number becomes leading zeros.
    let before = (1 << (64 - 8 * len)) - 1;
    let digits = u64::from_le_bytes(*last) & !before | ZEROS & before;
    if digits & HIGH != ZEROS || (digits + SIXES) & HIGH != ZEROS {
        return number(text.get(text.len() - len..)?);
    }
    let pairs = (digits & !HIGH).wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32)
}

fn two_numbers(text: &[u8]) -> bool {
    let mut parts = text.strip_prefix(b" ").unwrap_or_default().split(|b| *b == b' ');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty() && p.len() <= 18 && p.iter().all(u8::is_ascii_digit));
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}

/// `"referer" "agent"`
#[inline(always)]
fn referer_and_agent(line: &[u8], [r0, r1, a0, a1]: [usize; 4]) -> Option<(&[u8], &[u8])> {
    let texts = (unescaped(line, r0, r1)?, unescaped(line, a0, a1)?);
    (line.get(r1.wrapping_add(1)..a0) == Some(b" ")).then_some(texts)
}

/// The text between two quotes, where no backslash stands before the closing one.
#[inline(always)]
fn unescaped(line: &[u8], open: usize, close: usize) -> Option<&[u8]> {
    let text = line.get(open.wrapping_add(1)..close)?;
    (text.last() != Some(&b'\\')).then_some(dash(text))
}

#[cfg(test)]
mod tests {
    use super::{last_number, number};

    #[test]
    fn eight_digits_at_once_are_what_one_after_the_other_are() {
        for line in
            ["/ HTTP/1.1\" 200 00000000", "/ HTTP/1.1\" 200 98765432109876543210", "\" 200 1234:678", "\" 200 /-", "7"]
        {
            for text in (0..=line.len()).map(|end| &line.as_bytes()[..end]) {
                for len in 0..=text.len() {
                    assert_eq!(last_number(text, len), number(&text[text.len() - len..]), "{len} of {line}");
                }
            }
        }
    }
}
