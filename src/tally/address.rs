//! The text of a client to the number that stands for it.

use crate::model::tally::NAME_PREFIX;

/// The address as in [`crate::model::tally::ClientKey::addr`]; none where it is a host name or masked.
#[must_use]
pub(super) fn parse(text: &[u8]) -> Option<u128> {
    if let Some(v4) = parse_v4(text) {
        return Some(mapped(v4));
    }
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    // A zone (RFC 4007) names an interface of the server, not a client.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    let v6 = u128::from(bare.parse::<std::net::Ipv6Addr>().ok()?);
    (v6 >> 64 != NAME_PREFIX >> 64).then_some(v6)
}

pub(super) fn mapped(v4: u32) -> u128 {
    0xffff_0000_0000 | u128::from(v4)
}

/// Four decimal numbers below 256 without leading zeros, as `inet_pton` has it.
///
/// How long each number is cannot be foretold, so nothing here branches on it: the text is taken as one number of 128
/// bits, whose bytes are looked at side by side.
#[inline]
pub(super) fn parse_v4(text: &[u8]) -> Option<u32> {
    const ONES: u128 = u128::from_le_bytes([1; 16]);
    const HIGH: u128 = ONES << 7;
    let (Some(first), Some(last), len @ 8..=15) = (text.first_chunk(), text.last_chunk(), text.len()) else {
        return parse_short(text);
    };
    // Where the two halves overlap they are the same.
    let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    let bytes = u128::from(first) | u128::from(last) << ((len - 8) * 8);
    let within = HIGH & ((1 << (len * 8)) - 1);
    // The highest bit of each byte that is zero in the argument, exactly.
    let zeros = |x: u128| !(((x & !HIGH) + !HIGH) | x) & within;
    let dots = zeros(bytes ^ (ONES * u128::from(b'.')));
    let digits = bytes ^ (ONES * u128::from(b'0'));
    let above_nine = ((digits & !HIGH) + ONES * 0x76) | digits;
    let second = dots & dots.wrapping_sub(1);
    let third = second & second.wrapping_sub(1);
    let at = |dot: u128| dot.trailing_zeros() as usize / 8;
    let ends = [at(dots), at(second), at(third), len];
    let (mut address, mut from, mut is_bad) = (0, 0, dots.count_ones() != 3 || above_nine & within & !dots != 0);
    for end in ends {
        let width = end.wrapping_sub(from);
        // Hundreds, tens and ones stand in the upper three bytes; a width that is none is caught below.
        let octet = ((digits >> ((from & 15) * 8)) as u32) << ((4usize.wrapping_sub(width) & 3) * 8);
        let (hundreds, tens, ones) = (octet >> 8 & 0xff, octet >> 16 & 0xff, octet >> 24);
        let value = hundreds * 100 + tens * 10 + ones;
        let starts_with_zero = (digits >> ((from & 15) * 8)) as u8 == 0;
        is_bad |= !(1..=3).contains(&width) | (value > 255) | (starts_with_zero & (width > 1));
        address = address << 8 | value & 0xff;
        from = end.wrapping_add(1);
    }
    (!is_bad).then_some(address)
}

/// The same, byte by byte: the slow twin, and for texts of seven bytes.
fn parse_short(text: &[u8]) -> Option<u32> {
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
    use super::{parse, parse_short, parse_v4};
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn both_ways_agree(
            octets in prop::collection::vec(prop::sample::select(
                vec!["0", "7", "10", "99", "100", "255", "256", "999", "00", "01", "1000", "", "a", "-", "\u{7f}"]), 3..6),
            bytes in prop::collection::vec(prop::sample::select(b".0159:/\xb0\x30a".to_vec()), 0..18),
        ) {
            let text = octets.join(".");
            prop_assert_eq!(parse_v4(text.as_bytes()), parse_short(text.as_bytes()), "{}", text);
            prop_assert_eq!(parse_v4(&bytes), parse_short(&bytes), "{}", bytes.escape_ascii());
        }
    }
}
