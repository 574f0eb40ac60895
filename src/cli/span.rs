//! Points and lengths of time, and sizes, as operators type them.

use crate::{model::time::Time, parse, pipeline::Bound};

/// `2h`, `3d`, `90s`, `1w` before the end of the log; RFC 3339; or a date (its midnight, UTC).
pub(super) fn bound(text: &str) -> Result<Bound, String> {
    if let Some(secs) = length(text) {
        return Ok(Bound::BeforeEnd(secs));
    }
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time: Option<Time> = parse::iso8601(full.as_bytes()).ok();
    time.map(Bound::At).ok_or_else(|| {
        "expected RFC 3339 (2026-03-10T11:20:00+01:00), a date (2026-03-10) or a span (2h, 3d)".to_owned()
    })
}

/// Both ends of a span; one that is not given is open. Whether a moment lies before the end of the log by so much is not
/// known yet.
pub(super) fn bounds(since: Option<Bound>, until: Option<Bound>) -> Result<(Bound, Bound), String> {
    let is_empty = match (since, until) {
        (Some(Bound::At(since)), Some(Bound::At(until))) => since >= until,
        (Some(Bound::BeforeEnd(since)), Some(Bound::BeforeEnd(until))) => since <= until,
        _ => false,
    };
    if is_empty {
        return Err(
            "expected --since to be before --until; a span such as 2h counts back from the end of the log, so \
                    `--since 3h --until 2h` is one hour"
                .to_owned(),
        );
    }
    Ok((since.unwrap_or_default(), until.unwrap_or_default()))
}

/// A window of at least a second.
pub(super) fn window(text: &str) -> Result<u32, String> {
    length(text).filter(|secs| *secs > 0).ok_or_else(|| "expected a span such as 5m, 1h or 90s".to_owned())
}

/// A span of any length, also of none.
pub(super) fn span(text: &str) -> Result<u32, String> {
    length(text).ok_or_else(|| "expected a span such as 15m, 4h or 14d".to_owned())
}

/// `64M`, `1G`, or bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
    let unit = units.iter().find(|(unit, _)| text.to_uppercase().ends_with(*unit));
    let (digits, bytes) = match unit {
        Some((_, bytes)) => (text.get(..text.len() - 1).unwrap_or_default(), *bytes),
        None => (text, 1),
    };
    let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    size.ok_or_else(|| "expected a size such as 64M or 1G".to_owned())
}

/// Seconds east of Greenwich.
pub(super) fn offset(text: &str) -> Result<i32, String> {
    parse::zone(text.as_bytes()).ok_or_else(|| "expected an offset from UTC such as +0200, -05:30 or Z".to_owned())
}

/// Bytes: `512M`, `2G`; units are powers of 1024.
pub(super) fn memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 1 << 20;
    const MOST: u64 = 256 << 30;
    let bytes = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let power = "KMGT".find(&unit.to_ascii_uppercase())? as u32 + 1;
        number.parse::<u64>().ok()?.checked_mul(1024u64.pow(power))
    };
    bytes()
        .filter(|bytes| (LEAST..=MOST).contains(bytes))
        .ok_or_else(|| "expected a size from 1M to 256G, such as 512M or 2G".to_owned())
}

fn length(text: &str) -> Option<u32> {
    let unit = text.chars().last()?;
    let secs: u32 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(secs)
}

#[cfg(test)]
mod tests {
    use super::{Bound, bound, bounds, memory, offset, size, span, window};
    use crate::model::time::Time;

    #[test]
    fn spans_and_points_are_told_apart() {
        assert_eq!(bound("2h"), Ok(Bound::BeforeEnd(7200)));
        assert_eq!(bound("1970-01-02"), Ok(Bound::At(Time(86_400))));
        assert_eq!(bound("1970-01-01T01:00:00+01:00"), Ok(Bound::At(Time(0))));
        assert!(bound("yesterday").is_err() && bound("").is_err() && bound("9999999w").is_err());
        assert_eq!(window("5m"), Ok(300));
        assert!(window("0s").is_err());
        assert_eq!((span("0s"), span("14d")), (Ok(0), Ok(14 * 86_400)));
        assert_eq!((size("64M"), size("1g"), size("77")), (Ok(64 << 20), Ok(1 << 30), Ok(77)));
        assert!(size("M").is_err() && size("").is_err() && span("4").is_err());
        assert_eq!((offset("-05:30"), offset("Z")), (Ok(-19_800), Ok(0)));
        assert!(offset("CET").is_err());
    }
    #[test]
    fn a_span_begins_before_it_ends() {
        let at = |secs| Some(Bound::At(Time(secs)));
        let back = |secs| Some(Bound::BeforeEnd(secs));
        assert!(bounds(at(1), at(2)).is_ok() && bounds(back(2), back(1)).is_ok() && bounds(at(9), back(9)).is_ok());
        for (since, until) in [(at(2), at(1)), (at(1), at(1)), (back(1), back(2)), (back(1), back(1))] {
            assert!(bounds(since, until).is_err(), "{since:?} {until:?}");
        }
        assert_eq!(bounds(None, back(5)), Ok((Bound::Open, Bound::BeforeEnd(5))));
    }

    #[test]
    fn sizes_have_a_unit_and_bounds() {
        assert_eq!((memory("512M"), memory("2g"), memory("1024K")), (Ok(512 << 20), Ok(2 << 30), Ok(1 << 20)));
        for text in ["", "M", "512", "1K", "-1G", "2 G", "257G", "99999999999999999999G", "1.5G", "2GB", "é"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }
}
