//! Addresses, mail addresses, names and queries found in running text, and what is put there instead.
//!
//! Text is read once from left to right; what is found begins at the start of a word.

use super::names::{Kind, Names};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Segments of a path after which the next one is somebody's name.
const OWNED: [&str; 8] = ["~", "home/", "Users/", "users/", "user/", "u/", "people/", "profile/"];

/// Segments that are pages of their own there.
const NOBODY: [&str; 16] = [
    "all", "current", "edit", "forgot", "list", "login", "logout", "me", "new", "password", "register", "search",
    "settings", "signin", "signup", "self",
];

/// The text without anything that points at a person.
pub(super) fn text(names: &mut Names, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_start = !out.chars().next_back().is_some_and(|before| before.is_ascii_alphanumeric() || before == '_');
        let found =
            query(&out, rest).map(|length| (length, String::new())).or_else(|| owned(names, rest)).or_else(|| {
                is_start
                    .then(|| address(names, rest).or_else(|| mail(names, rest)).or_else(|| host(names, rest)))
                    .flatten()
            });
        match found {
            Some((length, instead)) => {
                out.push_str(&instead);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// A network no finer than what is kept: /24, or /48 of IPv6. None where it is not one.
pub(super) fn network(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/').unwrap_or((text, "128"));
    let length: u32 = length.parse().ok()?;
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => {
            let length = length.min(24);
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            format!("{}/{length}", Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let length = length.min(48);
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            format!("{}/{length}", Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    })
}

/// Letters and digits of a line that nobody understood, each replaced by its like: enough to see why it does not fit a
/// format. A byte stays a byte, so that columns keep their meaning.
pub(super) fn shape(line: &[u8]) -> Vec<u8> {
    line.iter()
        .map(|byte| match byte {
            b'a'..=b'z' => b'x',
            b'A'..=b'Z' => b'X',
            b'0'..=b'9' => b'9',
            b' '..=b'~' => *byte,
            _ => b'?',
        })
        .collect()
}

/// The bytes of a query behind a path: `?page=2`, up to the next space, quote or bracket.
fn query(before: &str, rest: &str) -> Option<usize> {
    let is_path =
        before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '%' | '*'));
    let query = rest.strip_prefix('?').filter(|_| is_path)?;
    let length = query
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')'))
        .unwrap_or(query.len());
    (length > 0).then_some(length + 1)
}

/// A segment that names its owner.
fn owned(names: &mut Names, rest: &str) -> Option<(usize, String)> {
    let below = rest.strip_prefix('/')?;
    let collection = OWNED.iter().find(|collection| below.starts_with(**collection))?;
    let segment = below.get(collection.len()..)?;
    let end = segment.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '"' | '\'' | '`' | ',' | ';' | ')'));
    let segment = segment.get(..end.unwrap_or(segment.len()))?;
    // A place that the tally keeps for names, or a pattern.
    let is_nobody = segment.is_empty() || segment.starts_with([':', '*', '{', '$']) || NOBODY.contains(&segment);
    (!is_nobody)
        .then(|| (1 + collection.len() + segment.len(), format!("/{collection}{}", names.of(Kind::User, segment))))
}

/// An address, with a port or the length of a network behind it.
fn address(names: &mut Names, rest: &str) -> Option<(usize, String)> {
    let run = rest.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':'))).unwrap_or(rest.len());
    let run = rest.get(..run)?;
    let (found, address) = longest_address(run)?;
    let after = rest.get(found.len()..)?;
    if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || is_ours(address) {
        return None;
    }
    if let Some(length) = after.strip_prefix('/') {
        let digits = length.find(|c: char| !c.is_ascii_digit()).unwrap_or(length.len());
        let whole = found.len() + 1 + digits;
        if let Some(network) = rest.get(..whole).filter(|_| digits > 0).and_then(network) {
            return Some((whole, network));
        }
    }
    Some((found.len(), names.of_address(found)))
}

/// Letters of the longest address (an IPv6 one that ends like an IPv4 one).
const ADDRESS_LEN_MAX: usize = 45;

/// The longest start of a run of digits, dots and colons that is an address: a port or a full stop may follow it.
fn longest_address(run: &str) -> Option<(&str, IpAddr)> {
    let ends = run.char_indices().filter(|(_, c)| matches!(c, '.' | ':')).map(|(at, _)| at);
    let mut ends: Vec<usize> = ends.chain([run.len()]).filter(|end| *end <= ADDRESS_LEN_MAX).collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let start = run.get(..end)?;
        Some((start, start.parse().ok()?))
    })
}

/// A client that goes by its host name.
fn host(names: &mut Names, rest: &str) -> Option<(usize, String)> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(rest.len());
    let word = rest.get(..end)?.trim_end_matches('.');
    names.is_client(word).then(|| (word.len(), names.of(Kind::Client, word)))
}

/// The machine itself, which commands talk to; not all of 127.0.0.0/8, of which each may be somebody in a test.
fn is_ours(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST || address.is_unspecified()
}

/// `alice@example.org`, its sign plain or as in a path.
fn mail(names: &mut Names, rest: &str) -> Option<(usize, String)> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let local = rest.find(|c: char| !is_local(c)).filter(|length| *length > 0)?;
    let sign = ["@", "%40"].into_iter().find(|sign| rest.get(local..).is_some_and(|rest| rest.starts_with(sign)))?;
    let domain = rest.get(local + sign.len()..)?;
    let end = domain.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(domain.len());
    let domain = domain.get(..end)?.trim_end_matches(['.', '-']);
    let length = local + sign.len() + domain.len();
    (!domain.is_empty())
        .then(|| (length, names.of(Kind::User, &rest.get(..length).unwrap_or_default().replace("%40", "@"))))
}

#[cfg(test)]
mod tests {
    use super::{Names, network, shape, text};
    use crate::privacy::Scheme;

    fn scrubbed(from: &str) -> String {
        text(&mut Names::new(Scheme::Numbered), from)
    }

    #[test]
    fn what_points_at_people_is_replaced() {
        for (from, to) in [
            ("from 192.0.2.7, then 192.0.2.8.", "from client-1, then client-2."),
            ("192.0.2.7:8080 and [2001:db8::7]:443", "client-1:8080 and [client-2]:443"),
            ("192.0.2.128/25 and 2001:db8:1:2::/64", "192.0.2.0/24 and 2001:db8:1::/48"),
            ("10.0.0.0/8 stays, as does ::/0", "10.0.0.0/8 stays, as does ::/0"),
            ("curl 'http://127.0.0.1:8080/a?b=c'", "curl 'http://127.0.0.1:8080/a'"),
            ("GET /a.php?q=alice HTTP/1.1", "GET /a.php HTTP/1.1"),
            ("grep 'Require (not )?ip' and why? Because", "grep 'Require (not )?ip' and why? Because"),
            ("mail bob@example.org, bob%40example.org", "mail user-1, user-1"),
            (
                "/Users/alice/access.log and /~alice/ and /users/:id/cart",
                "/Users/user-1/access.log and /~user-1/ and /users/:id/cart",
            ),
            ("/users/login at 13:06:15 on 2026-03-10T13:06:15Z", "/users/login at 13:06:15 on 2026-03-10T13:06:15Z"),
        ] {
            assert_eq!(scrubbed(from), to);
        }
    }

    #[test]
    fn networks_are_kept_but_no_finer_than_that() {
        assert_eq!(network("203.0.113.9/32").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("0.0.0.0/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(network("::/0").as_deref(), Some("::/0"));
        assert_eq!(network("2001:db8:1:2:3::4/128").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(network("nobody"), None);
    }

    #[test]
    fn a_shape_keeps_columns_and_no_letter() {
        assert_eq!(shape(b"192.0.2.7 - Al\xc3\xa9 [x]"), b"999.9.9.9 - Xx?? [x]");
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for from in
            ["", "?", "@", "a@", "1.2.3", "::", ":::1", "\u{e9}@\u{e9}.org", "/~", "/Users/", "%40", "1.2.3.4.5.6"]
        {
            scrubbed(from);
        }
    }
}
