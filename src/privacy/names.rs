//! Names that stand for people and machines. Owns how they are made; knows nothing of where they are put.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    net::IpAddr,
};

/// How names are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// By number, in the order of appearance in the report: nothing can be computed back from it, and nothing can be
    /// compared between two reports.
    #[default]
    Numbered,
    /// By key (HMAC-SHA-256): the same under the same key, so that reports can be compared by those who share it.
    Keyed(Vec<u8>),
}

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Client,
    User,
    Upstream,
    Host,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::User => "user",
            Self::Upstream => "upstream",
            Self::Host => "host",
        }
    }
}

/// A shorter host name may be any word.
const SHORTEST_HOST: usize = 4;

/// The names given so far.
pub(super) struct Names {
    scheme: Scheme,
    given: BTreeMap<(Kind, String), String>,
    /// How many of each kind.
    numbers: BTreeMap<Kind, usize>,
    /// Clients that the log names instead of giving their address.
    hosts: BTreeSet<String>,
}

impl Names {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self { scheme, given: BTreeMap::new(), numbers: BTreeMap::new(), hosts: BTreeSet::new() }
    }

    /// Remembers a client that may be met in running text by its name.
    pub(super) fn expect_client(&mut self, client: &str) {
        if client.len() >= SHORTEST_HOST && client.parse::<IpAddr>().is_err() {
            self.hosts.insert(canonical(client));
        }
    }

    /// Whether a word is such a client.
    pub(super) fn is_client(&self, word: &str) -> bool {
        self.hosts.contains(&word.to_lowercase())
    }

    /// The name of something, the same each time.
    pub(super) fn of(&mut self, kind: Kind, what: &str) -> String {
        let key = (kind, canonical(what));
        if let Some(name) = self.given.get(&key) {
            return name.clone();
        }
        let name = match &self.scheme {
            Scheme::Numbered => {
                let number = self.numbers.entry(kind).or_default();
                *number += 1;
                format!("{}-{number}", kind.word())
            }
            Scheme::Keyed(secret) => format!("{}-{}", kind.word(), pseudonym(secret, &key.1)),
        };
        self.given.insert(key, name.clone());
        name
    }

    /// The name of an address: what it was called first, or else a client.
    pub(super) fn of_address(&mut self, address: &str) -> String {
        let address = canonical(address);
        let known =
            [Kind::Upstream, Kind::Host].into_iter().find(|kind| self.given.contains_key(&(*kind, address.clone())));
        self.of(known.unwrap_or(Kind::Client), &address)
    }
}

/// One way of writing each address, and each name in small letters.
fn canonical(what: &str) -> String {
    what.parse::<IpAddr>().map_or_else(|_| what.to_lowercase(), |address| address.to_canonical().to_string())
}

/// Forty bits in hexadecimal: short enough for a table, long enough that the clients of a report do not meet.
fn pseudonym(secret: &[u8], what: &str) -> String {
    // A key of any length will do (RFC 2104, section 2), so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(what.as_bytes());
    mac.finalize().into_bytes().iter().take(5).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, Names, Scheme};

    #[test]
    fn numbers_follow_the_order_of_appearance() {
        let mut names = Names::new(Scheme::Numbered);
        assert_eq!(names.of(Kind::Client, "192.0.2.7"), "client-1");
        assert_eq!(names.of(Kind::Client, "2001:db8::7"), "client-2");
        assert_eq!(names.of(Kind::User, "Alice"), "user-1");
        assert_eq!(names.of(Kind::User, "alice"), "user-1");
        assert_eq!(names.of(Kind::Client, "2001:0DB8:0::7"), "client-2");
        assert_eq!(names.of_address("::ffff:192.0.2.7"), "client-1");
    }

    #[test]
    fn keys_decide_the_names() {
        let name = |secret: &str| Names::new(Scheme::Keyed(secret.into())).of(Kind::Client, "192.0.2.7");
        assert_eq!(name("one key"), name("one key"));
        assert_ne!(name("one key"), name("another"));
        assert_eq!(name("one key").len(), "client-".len() + 10);
    }
}
