//! Which zone a line's time was written in. Owns the look for it in a line of any format; reads nothing else.

use super::timestamp::{clf_span, offset};

/// Seconds east of Greenwich in the first time of a line: of `[10/Oct/2000:13:55:36 -0700]` or
/// `2026-03-09T11:20:52+01:00`. None where the line's time bears no zone, or a `Z`, which says nothing about the
/// server's own clock.
#[must_use]
pub fn zone_of(line: &[u8]) -> Option<i32> {
    (0..line.len()).find_map(|at| {
        let rest = line.get(at..)?;
        match rest {
            [b'0'..=b'9', b'0'..=b'9', b'/', ..] => {
                let end = clf_span(rest)?;
                offset(rest.get(end - 5..end)?)
            }
            [b'T', b'0'..=b'9', b'0'..=b'9', b':', ..] => iso_zone(rest),
            _ => None,
        }
    })
}

/// Seconds east of Greenwich of `Z`, `+01`, `+0100` or `+01:00`.
#[must_use]
pub fn zone(text: &[u8]) -> Option<i32> {
    offset(text)
}

/// Of `T11:20:52.123+01:00`.
fn iso_zone(text: &[u8]) -> Option<i32> {
    let zone = text.get(9..)?.trim_ascii_start();
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let zone = match zone {
        [b'.' | b',', fraction @ ..] => fraction.get(digits(fraction)..)?,
        _ => zone,
    };
    let is_zone = matches!(zone.first(), Some(b'+' | b'-'));
    [6, 5].into_iter().filter(|_| is_zone).find_map(|len| offset(zone.get(..len)?))
}

#[cfg(test)]
mod tests {
    use super::zone_of;

    #[test]
    fn the_zone_of_a_line_is_found_in_any_format() {
        for (line, zone) in [
            ("192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" 401 5", Some(3600)),
            ("a 10/20/2 [10/Mar/2026:11:20:52.123 -0730] \"GET / HTTP/1.1\" 401 5", Some(-27_000)),
            ("{\"time\":\"2026-03-10T11:20:52.123+05:30\",\"status\":401}", Some(19_800)),
            ("2026-03-10T11:20:52-0500 GET", Some(-18_000)),
            ("{\"time\":\"2026-03-10T11:20:52Z\",\"status\":401}", None),
            ("1773138052.123 GET /T11:20:52", None),
            ("", None),
            ("10/", None),
        ] {
            assert_eq!(zone_of(line.as_bytes()), zone, "{line}");
        }
    }
}
