//! What an operator may say about reading lines: the zone of times that carry none, which field is the client, which
//! proxies may be believed about it. Owns what becomes of an event by it.

use super::slots::Slot;
use crate::model::{event::Event, zone::Zone};
use ipnet::IpNet;
use std::net::IpAddr;

/// Entries of X-Forwarded-For that are looked at, from the right; more are an attack.
const FORWARDED_MAX: usize = 64;

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// For times without a zone; without it they are taken as UTC.
    pub zone: Option<Zone>,
    /// Proxies whose word about the client is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// The field that holds the client, by the name that the format has for it.
    pub client: Option<String>,
    /// Keys of JSON lines, before those that are known.
    pub json_fields: Vec<(String, Slot)>,
}

impl Settings {
    /// Whether events are changed whose times have a zone.
    #[must_use]
    pub fn change_clients(&self) -> bool {
        !self.trusted_proxies.is_empty() || self.client.is_some()
    }

    /// The event as the operator wants it.
    #[inline]
    pub(super) fn apply<'a>(&self, event: Event<'a>) -> Event<'a> {
        if event.zoneless || self.change_clients() { self.changed(event) } else { event }
    }

    fn changed<'a>(&self, mut event: Event<'a>) -> Event<'a> {
        if let Some(zone) = self.zone.filter(|_| event.zoneless) {
            event.time = zone.moment(event.time);
        }
        if !self.trusted_proxies.is_empty() && self.is_trusted(event.client) {
            event.client = self.behind_proxies(event.client, event.forwarded_for);
        }
        event
    }

    /// The first address from the right of X-Forwarded-For that is no trusted proxy; where all are, the leftmost; where
    /// one is no address, the last one before it. The same as nginx's `real_ip_recursive`.
    fn behind_proxies<'a>(&self, peer: &'a [u8], forwarded: &'a [u8]) -> &'a [u8] {
        let mut client = peer;
        for entry in forwarded.rsplit(|b| *b == b',').take(FORWARDED_MAX) {
            let Some(entry) = address_in(entry) else { break };
            client = entry;
            if !self.is_trusted(client) {
                break;
            }
        }
        client
    }

    fn is_trusted(&self, client: &[u8]) -> bool {
        let address = std::str::from_utf8(client).ok().and_then(|text| text.parse::<IpAddr>().ok());
        address.is_some_and(|address| self.trusted_proxies.iter().any(|net| net.contains(&address.to_canonical())))
    }
}

/// The address of an entry, without its port and brackets.
fn address_in(entry: &[u8]) -> Option<&[u8]> {
    let entry = entry.trim_ascii();
    let bare = match entry.strip_prefix(b"[") {
        Some(rest) => rest.get(..memchr::memchr(b']', rest)?)?,
        None if entry.iter().filter(|b| **b == b':').count() == 1 => entry.get(..memchr::memchr(b':', entry)?)?,
        None => entry,
    };
    std::str::from_utf8(bare).ok()?.parse::<IpAddr>().ok().map(|_| bare)
}

/// A network, or a single address.
///
/// # Errors
/// Neither of them, in words.
pub fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>()
        .ok()
        .or_else(address)
        .ok_or_else(|| format!("expected a network such as 10.0.0.0/8 or an address, found `{text}`"))
}

/// `client=remote.ip`: what a JSON key is good for.
///
/// # Errors
/// Not of that form, or for nothing that is known, in words.
pub fn json_field(text: &str) -> Result<(String, Slot), String> {
    let known = || Slot::ALL.map(|(name, _)| name).join(", ");
    let (name, key) = text
        .split_once('=')
        .filter(|(_, key)| !key.is_empty())
        .ok_or_else(|| format!("expected NAME=KEY such as client=remote.ip, found `{text}`; names are {}", known()))?;
    let slot = Slot::by_name(name).ok_or_else(|| format!("no field is called `{name}`; known are {}", known()))?;
    Ok((key.to_owned(), slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted_proxies = ["10.0.0.0/8", "2001:db8:5::/48", "127.0.0.1"].map(network);
        let settings = Settings {
            trusted_proxies: trusted_proxies.into_iter().filter_map(Result::ok).collect(),
            ..Settings::default()
        };
        let client = |client: &str, forwarded: &str| {
            let event = Event { client: client.as_bytes(), forwarded_for: forwarded.as_bytes(), ..Event::default() };
            String::from_utf8_lossy(settings.apply(event).client).into_owned()
        };
        assert_eq!(client("10.1.2.3", "198.51.100.1, 192.0.2.7"), "192.0.2.7");
        assert_eq!(client("10.1.2.3", "192.0.2.7, 10.0.0.1,127.0.0.1"), "192.0.2.7");
        assert_eq!(client("::ffff:10.1.2.3", "192.0.2.7:4711"), "192.0.2.7");
        assert_eq!(client("2001:db8:5::1", "[2001:db8::7]:80"), "2001:db8::7");
        // A stranger says what he likes; a proxy that says nothing, or nonsense, is the client.
        assert_eq!(client("192.0.2.99", "198.51.100.1"), "192.0.2.99");
        assert_eq!(client("10.1.2.3", ""), "10.1.2.3");
        assert_eq!(client("10.1.2.3", "192.0.2.7, unknown"), "10.1.2.3");
        assert_eq!(client("10.1.2.3", "10.0.0.9, 10.0.0.1"), "10.0.0.9");
    }

    #[test]
    fn fields_are_named() {
        assert_eq!(json_field("client=remote.ip"), Ok(("remote.ip".to_owned(), Slot::Client)));
        assert!(json_field("client").is_err() && json_field("client=").is_err() && json_field("x=y").is_err());
    }
}
