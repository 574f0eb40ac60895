//! What the texts of fields mean: one value each, whatever format it stood in. Knows no format and no line.
//!
//! - `-` is empty, and so is `""` as Apache writes an empty user. A user loses quotes and blanks around it.
//! - The client must be 1 or more printable ASCII characters other than blank, comma and `"`, and not `-`. It is kept as
//!   logged (host names, masked and IPv4-mapped addresses).
//! - The request is `method target protocol`: the method (letters, `-`, `_`) up to the first blank, the protocol the text
//!   after the last blank if it begins with `HTTP/` or is another that servers of HTTP are asked for (else there is none),
//!   the target what lies between, blanks and escapes included. What does not begin with a method and a blank (a TLS
//!   handshake, `-`, nothing) is none.
//! - The status is three digits, 100 to 999; the size digits (saturating) or `-` for 0.
//! - A virtual host loses its port.

use crate::model::event::Reason;
use memchr::{memchr, memrchr};
use std::net::IpAddr;

/// A text as it goes into the event.
#[inline]
pub(super) fn value(text: &[u8]) -> &[u8] {
    if matches!(text, b"-" | b"\"\"") { &[] } else { text }
}

/// A user name. Jetty writes two blanks around it, Fastly quotes; where a format has one field more than is known and
/// nobody is named, two dashes stand there.
pub(super) fn user(text: &[u8]) -> &[u8] {
    match text.trim_ascii() {
        [b'"', inside @ .., b'"'] => value(inside),
        b"- -" => &[],
        text => value(text),
    }
}

/// A client that can be one, without a port. A colon is one of IPv6 or stands before a port; nginx has `unix:`.
#[inline]
pub(super) fn client(text: &[u8]) -> Option<&[u8]> {
    let is_unix = text.starts_with(b"unix:");
    let can_hold = |b: &u8| matches!(b, 0x21..=0x7e) && !matches!(b, b'"' | b',') && (*b != b'/' || is_unix);
    let bare = if memchr(b':', text).is_some() && !is_unix { bare_address(text) } else { text };
    let is_client = !bare.is_empty() && bare != b"-" && bare.iter().all(can_hold);
    (is_client && (is_unix || memchr(b':', bare).is_none() || is_ipv6(bare))).then_some(bare)
}

/// As far as a glance tells, zone included.
fn is_ipv6(text: &[u8]) -> bool {
    let address = text.split(|b| *b == b'%').next().unwrap_or_default();
    address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
}

/// The first entry of a list such as X-Forwarded-For.
pub(super) fn first_of_list(text: &[u8]) -> &[u8] {
    memchr(b',', text).and_then(|end| text.get(..end)).unwrap_or(text).trim_ascii()
}

/// Three digits that are a status.
#[inline]
pub(super) fn status(rest: &[u8]) -> Result<u16, Reason> {
    match rest {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            Ok(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        [] | [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'] => Err(Reason::Cut),
        _ => Err(Reason::NoStatus),
    }
}

/// Digits or `-`, and how many bytes they are.
#[inline]
pub(super) fn size(rest: &[u8]) -> Result<(usize, u64), Reason> {
    if rest.first() == Some(&b'-') {
        return Ok((1, 0));
    }
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = rest.get(..len).unwrap_or_default();
    let add = |sum: u64, b: &u8| sum.saturating_mul(10).saturating_add(u64::from(b - b'0'));
    match (len, rest) {
        (0, []) => Err(Reason::Cut),
        (0, _) => Err(Reason::NoSize),
        _ => Ok((len, digits.iter().fold(0, add))),
    }
}

/// A text that is a status and nothing else.
pub(super) fn whole_status(text: &[u8]) -> Option<u16> {
    status(text).ok().filter(|_| text.len() == 3)
}

/// A text that is a size and nothing else; nothing is 0, and so is -1, which servers in Java write for what they do not
/// know.
pub(super) fn whole_size(text: &[u8]) -> Option<u64> {
    match size(text) {
        _ if text == b"-1" => Some(0),
        Ok((len, value)) => (len == text.len()).then_some(value),
        Err(_) => text.is_empty().then_some(0),
    }
}

/// Method, target and protocol of a request; three times nothing if it is not one.
#[inline]
pub(super) fn request(text: &[u8]) -> (&[u8], &[u8], &[u8]) {
    const NONE: (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    let is_method = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_');
    let Some((method, rest)) = memchr(b' ', text).and_then(|at| halves(text, at)) else { return NONE };
    if !method.first().is_some_and(u8::is_ascii_alphabetic) || !method.iter().all(is_method) {
        return NONE;
    }
    match memrchr(b' ', rest).and_then(|at| halves(rest, at)) {
        Some((target, protocol)) if protocol.starts_with(b"HTTP/") || is_rare_protocol(protocol) => {
            (method, target, protocol)
        }
        // Some write the blank in front of a protocol that is not there.
        Some((_, b"")) => request(text.trim_ascii_end()),
        _ => (method, rest, &[]),
    }
}

/// A protocol that HTTP servers are asked for by others' clients, or the bare version that Hypercorn writes.
fn is_rare_protocol(text: &[u8]) -> bool {
    matches!(text, b"1.0" | b"1.1" | b"2" | b"3")
        || [&b"RTSP/"[..], b"ICE/", b"SIP/", b"SPDY/"].iter().any(|name| text.starts_with(name))
}

/// What stands before and after one byte.
#[inline]
fn halves(text: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A host without its port; an IPv6 address without brackets is left alone.
pub(super) fn without_port(host: &[u8]) -> &[u8] {
    match memrchr(b':', host).and_then(|at| halves(host, at)) {
        Some((name, port)) if is_port(port) && (memchr(b':', name).is_none() || name.ends_with(b"]")) => name,
        _ => host,
    }
}

/// An address without its port and without the brackets that set it apart.
pub(super) fn bare_address(client: &[u8]) -> &[u8] {
    let host = without_port(client);
    host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host)
}

/// An address of either kind.
pub(super) fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

/// A host name with a domain, such as no other word is like.
pub(super) fn is_full_host(text: &[u8]) -> bool {
    text.contains(&b'.')
        && memchr(b':', without_port(text)).is_none()
        && text.first().is_some_and(u8::is_ascii_alphanumeric)
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':'))
        && text.iter().any(u8::is_ascii_alphabetic)
}

fn is_port(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
