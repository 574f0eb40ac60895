//! The text of a client to the number that stands for it.

use crate::model::tally::{ClientKey, NAME_PREFIX};

/// The address as in [`crate::model::tally::ClientKey::addr`]; none where it is a host name or masked.
#[must_use]
pub(super) fn parse(text: &[u8]) -> Option<u128> {
    if let Some(v4) = parse_v4(text) {
        return Some(ClientKey::of_v4(v4));
    }
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    // A zone (RFC 4007) names an interface of the server, not a client.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    let v6 = u128::from(bare.parse::<std::net::Ipv6Addr>().ok()?);
    (v6 >> 64 != NAME_PREFIX >> 64).then_some(v6)
}

/// Four decimal numbers below 256 without leading zeros, as `inet_pton` has it.
fn parse_v4(text: &[u8]) -> Option<u32> {
    if text.len() > 15 {
        return None;
    }
    let (mut address, mut octet, mut digits, mut dots) = (0u32, 0u32, 0u32, 0u32);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            if digits > 0 && octet == 0 {
                return None;
            }
            octet = octet * 10 + u32::from(digit);
            digits += 1;
            if octet > 255 {
                return None;
            }
        } else if *byte == b'.' && digits > 0 {
            address = address << 8 | octet;
            (octet, digits, dots) = (0, 0, dots + 1);
        } else {
            return None;
        }
    }
    (dots == 3 && digits > 0).then_some(address << 8 | octet)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn agrees_with_std() {
        for text in ["1.2.3.4", "255.255.255.255", "0.0.0.0", "::1", "2001:db8::7", "::ffff:1.2.3.4"] {
            let expected = match text.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(v4)) => u128::from(v4.to_ipv6_mapped()),
                Ok(std::net::IpAddr::V6(v6)) => u128::from(v6),
                Err(_) => 0,
            };
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
        assert_eq!(parse(b"fe80::1%eth0"), parse(b"fe80::1"));
    }

    #[test]
    fn names_and_masks_are_not_addresses() {
        for text in
            ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "X.X.X.X", "host.example.com", "1.2.3.", "100::5"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
