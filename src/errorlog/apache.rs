//! Apache's error lines, 2.2 and 2.4: `[Wed Feb 11 16:00:00.017402 2026] [module:level] [pid 1:tid 2] (13)Permission
//! denied: [client 192.0.2.7:5678] AH01617: MESSAGE, referer: …` (`ErrorLogFormat` in its manual). Owns their head.

use super::{Entry, cut, level, messages, number, seconds};

pub(super) fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let (stamp, rest) = bracket(line)?;
    let local_secs = time(stamp)?;
    let (word, rest) = bracket(rest)?;
    let (module, word) = cut(word, b":").map_or((None, word), |(module, word)| (Some(module), word));
    let mut head = Head { has_port: module.is_some(), ..Head::default() };
    let message = head.read(rest);
    let (code, message) = code(message);
    let message = memchr::memmem::rfind(message, b", referer: ").and_then(|end| message.get(..end)).unwrap_or(message);
    Some(Entry {
        local_secs,
        level: level(word)?,
        said: messages::of_apache(code, head.is_forbidden, message),
        client: head.client,
        host: head.host,
        path: b"",
    })
}

/// The text within brackets at the start, and what follows it.
fn bracket(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let (inner, rest) = cut(inner, b"]")?;
    Some((inner, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// `Wed Feb 11 16:00:00.017402 2026`, with or without the fraction.
fn time(stamp: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let mut words = stamp.split(|b| *b == b' ').filter(|w| !w.is_empty()).skip(1);
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u32 + 1;
    let day = number(words.next()?)?;
    let clock = words.next()?.split(|b| *b == b'.').next()?;
    let mut parts = clock.split(|b| *b == b':').map(number);
    let clock = (parts.next()??, parts.next()??, parts.next()??);
    seconds((number(words.next()?)?, month, day), clock)
}

/// What stands between the level and the message, in any order.
#[derive(Default)]
struct Head<'l> {
    client: &'l [u8],
    host: &'l [u8],
    /// Since 2.4, a client's address is followed by a colon and its port, that of IPv6 too.
    has_port: bool,
    /// Whether the system refused: errno 13, `EACCES`.
    is_forbidden: bool,
}

impl<'l> Head<'l> {
    /// Takes brackets and the system's error off the front; gives the rest.
    fn read(&mut self, mut text: &'l [u8]) -> &'l [u8] {
        loop {
            text = text.trim_ascii_start();
            if let Some((inner, rest)) = bracket(text) {
                self.note(inner);
                text = rest;
            } else if let Some(rest) = text.strip_prefix(b"(").and_then(|rest| self.system_error(rest)) {
                text = rest;
            } else {
                return text;
            }
        }
    }

    fn note(&mut self, inner: &'l [u8]) {
        let of = |name: &[u8]| inner.strip_prefix(name);
        if let Some(client) = of(b"client ").filter(|_| self.client.is_empty()) {
            let colon = memchr::memrchr(b':', client).filter(|_| self.has_port);
            self.client = colon.and_then(|colon| client.get(..colon)).unwrap_or(client);
        } else if let Some(host) = of(b"vhost ") {
            self.host = host;
        }
    }

    /// `13)Permission denied: `.
    fn system_error(&mut self, text: &'l [u8]) -> Option<&'l [u8]> {
        let (errno, rest) = cut(text, b")")?;
        self.is_forbidden |= number(errno)? == 13;
        cut(rest, b": ").map(|(_, rest)| rest)
    }
}

/// The number in `AH01617: `.
fn code(message: &[u8]) -> (Option<u32>, &[u8]) {
    let coded = message.strip_prefix(b"AH").and_then(|rest| cut(rest, b": "));
    coded.and_then(|(code, rest)| Some((Some(number(code)?), rest))).unwrap_or((None, message))
}
