//! The times of logs. Owns every written form of a moment and its conversion to UTC; knows no lines.
//!
//! A time without a zone is read as if it were UTC and says so ([`Moment::zoneless`]); whoever knows the zone puts that
//! right (`zone.rs`). Fractions of a second are dropped. Second 60 (a leap second)
//! counts as 59. The written year and the resulting moment must lie within 1970 to 2105.

use crate::model::{event::Reason, time::Time};
use chrono::{Datelike, NaiveDate};

/// Length of `10/Oct/2000:13:55:36 -0700`.
pub(super) const CLF_LEN: usize = 26;
/// Its part up to the seconds, and the part from the space before the zone.
const MINUTE_LEN: usize = 18;
const ZONE_START: usize = 20;
/// Length of `2026-03-10`.
const DAY_LEN: usize = 10;

/// The calendar fields of a moment, before they are checked against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    /// East of Greenwich, where the zone was written.
    pub(super) offset_secs: Option<i32>,
}

/// A point in time as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// In UTC; where no zone was written, as if it had been UTC.
    pub(super) time: Time,
    /// Whether no zone was written.
    pub(super) zoneless: bool,
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self { time, zoneless: false }
    }
}

impl Civil {
    /// The moment, and whether its zone is known.
    pub(super) fn moment(self) -> Result<Moment, Reason> {
        Ok(Moment { time: self.time()?, zoneless: self.offset_secs.is_none() })
    }

    /// The moment in UTC.
    pub(super) fn time(self) -> Result<Time, Reason> {
        if !(1970..=2105).contains(&self.year) {
            return Err(Reason::ImplausibleTime);
        }
        let date = NaiveDate::from_ymd_opt(i32::try_from(self.year).unwrap_or(0), self.month, self.day);
        let second = if self.second == 60 { 59 } else { self.second };
        let moment = date.and_then(|d| d.and_hms_opt(self.hour, self.minute, second)).ok_or(Reason::NoTime)?;
        let secs = moment.and_utc().timestamp() - i64::from(self.offset_secs.unwrap_or(0));
        u32::try_from(secs).map(Time).map_err(|_| Reason::ImplausibleTime)
    }
}

/// The last common-log time and minute seen, so that one comparison reads most times, and the calendar is asked once a
/// minute.
///
/// Only speed depends on what it remembers: the same text gives the same time with any memo.
#[derive(Clone, Debug)]
pub struct ClfMemo {
    text: [u8; CLF_LEN],
    time: Time,
    minute: [u8; MINUTE_LEN],
    zone: [u8; CLF_LEN - ZONE_START],
    start_secs: u32,
    /// The same of ISO 8601, whose zone stands behind a fraction: the day, and its first second as if in UTC.
    day: [u8; DAY_LEN],
    day_secs: i64,
}

impl Default for ClfMemo {
    fn default() -> Self {
        Self {
            text: *b"01/Jan/1970:00:00:00 +0000",
            time: Time(0),
            minute: *b"01/Jan/1970:00:00:",
            zone: *b" +0000",
            start_secs: 0,
            day: *b"1970-01-01",
            day_secs: 0,
        }
    }
}

/// A time of exactly the form `10/Oct/2000:13:55:36 -0700`, as nginx's `$time_local` and Apache's `%t` write it.
///
/// # Errors
/// [`Reason::NoTime`] for another form or an impossible date, [`Reason::ImplausibleTime`] outside 1970 to 2105.
#[inline(always)]
pub fn clf(text: &[u8], memo: &mut ClfMemo) -> Result<Time, Reason> {
    let text: &[u8; CLF_LEN] = text.try_into().map_err(|_| Reason::NoTime)?;
    if *text != memo.text {
        memo.time = clf_of_second(text, memo)?;
        memo.text = *text;
    }
    Ok(memo.time)
}

/// A time that is not the last one.
fn clf_of_second(text: &[u8; CLF_LEN], memo: &mut ClfMemo) -> Result<Time, Reason> {
    // Arrays of known length, so that each is compared in a few instructions.
    let (Some((minute, rest)), Some(zone)) = (text.split_first_chunk::<MINUTE_LEN>(), text.last_chunk()) else {
        return Err(Reason::NoTime);
    };
    let second =
        rest.get(..ZONE_START - MINUTE_LEN).and_then(number).filter(|s| *s <= 60).ok_or(Reason::NoTime)?.min(59);
    if *minute != memo.minute || *zone != memo.zone {
        memo.start_secs = clf_minute(text)?.0;
        (memo.minute, memo.zone) = (*minute, *zone);
    }
    Ok(Time(memo.start_secs + second))
}

/// How many bytes at the start have the shape of a common-log time; a fraction of a second may stand in it.
pub(super) fn clf_span(text: &[u8]) -> Option<usize> {
    let marks = text.get(2) == Some(&b'/') && text.get(6) == Some(&b'/') && text.get(11) == Some(&b':');
    let zone = match text.get(ZONE_START)? {
        b' ' => ZONE_START,
        b'.' | b',' => ZONE_START + 1 + digits(text.get(ZONE_START + 1..)?, 9),
        _ => return None,
    };
    let end = zone + CLF_LEN - ZONE_START;
    (marks && text.get(zone) == Some(&b' ') && text.len() >= end).then_some(end)
}

/// A common-log time with or without a fraction, as measured by [`clf_span`].
pub(super) fn clf_with_fraction(text: &[u8], memo: &mut ClfMemo) -> Result<Time, Reason> {
    match text.split_at_checked(ZONE_START) {
        Some((head, tail)) if tail.len() > CLF_LEN - ZONE_START => {
            let zone = tail.get(tail.len() - (CLF_LEN - ZONE_START)..).unwrap_or_default();
            clf(&[head, zone].concat(), memo)
        }
        _ => clf(text, memo),
    }
}

/// The first second of the minute that a common-log time names.
fn clf_minute(text: &[u8; CLF_LEN]) -> Result<Time, Reason> {
    let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', h1, h2, b':', n1, n2, b':', _, _, b' ', zone @ ..] =
        *text
    else {
        return Err(Reason::NoTime);
    };
    let read = |digits: &[u8]| number(digits).ok_or(Reason::NoTime);
    Civil {
        year: read(&[y1, y2, y3, y4])?,
        month: month(&[m1, m2, m3]).ok_or(Reason::NoTime)?,
        day: read(&[d1, d2])?,
        hour: read(&[h1, h2])?,
        minute: read(&[n1, n2])?,
        second: 0,
        offset_secs: Some(offset(&zone).ok_or(Reason::NoTime)?),
    }
    .time()
}

/// Month and day of the month of the n-th day of a year, the first being 1.
pub(super) fn month_and_day(year: u32, day: u32) -> Option<(u32, u32)> {
    let date = NaiveDate::from_yo_opt(i32::try_from(year).ok()?, day)?;
    Some((date.month(), date.day()))
}

/// The number of an English month's first three letters, in any case.
pub(super) fn month(name: &[u8; 3]) -> Option<u32> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)).and_then(|i| u32::try_from(i + 1).ok())
}

/// Seconds east of Greenwich of `Z`, `+01`, `+0100` or `+01:00`.
pub(super) fn offset(text: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, number(&[h1, h2])?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, number(&[h1, h2])?, number(&[m1, m2])?),
        _ => return None,
    };
    let secs = i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours < 24 && minutes < 60)?;
    match sign {
        b'+' => Some(secs),
        b'-' => Some(-secs),
        _ => None,
    }
}

/// A time as in ISO 8601 and RFC 3339: `2026-03-09T11:20:52.123+01:00`. A space may stand for the `T`, slashes
/// for the hyphens (as Caddy writes), and the fraction and the zone may be missing.
///
/// # Errors
/// As [`clf`].
pub fn iso8601(text: &[u8]) -> Result<Time, Reason> {
    iso8601_moment(text).map(|moment| moment.time)
}

/// See [`iso8601`].
pub(super) fn iso8601_moment(text: &[u8]) -> Result<Moment, Reason> {
    let (head, tail) = text.split_at_checked(19).ok_or(Reason::NoTime)?;
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-' | b'/',
        m1,
        m2,
        b'-' | b'/',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = head
    else {
        return Err(Reason::NoTime);
    };
    let read = |digits: &[u8]| number(digits).ok_or(Reason::NoTime);
    Civil {
        year: read(&[y1, y2, y3, y4])?,
        month: read(&[m1, m2])?,
        day: read(&[d1, d2])?,
        hour: read(&[h1, h2])?,
        minute: read(&[n1, n2])?,
        second: read(&[s1, s2])?,
        offset_secs: iso_zone(tail).ok_or(Reason::NoTime)?,
    }
    .moment()
}

/// As [`iso8601_moment`], asking the calendar once a day.
fn iso8601_remembered(text: &[u8], memo: &mut ClfMemo) -> Result<Moment, Reason> {
    let quick = |memo: &ClfMemo| {
        let (day, rest) = text.split_at_checked(DAY_LEN)?;
        let (clock, tail) = rest.split_at_checked(9)?;
        let &[b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] = clock else { return None };
        let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
        let zone = iso_zone(tail)?;
        if day != memo.day || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let of_day = hour * 3600 + minute * 60 + second.min(59);
        let secs = memo.day_secs + i64::from(of_day) - i64::from(zone.unwrap_or(0));
        Some(Moment { time: Time(u32::try_from(secs).ok()?), zoneless: zone.is_none() })
    };
    if let Some(moment) = quick(memo) {
        return Ok(moment);
    }
    let moment = iso8601_moment(text)?;
    if let Some(day) = text.first_chunk::<DAY_LEN>()
        && let Ok(start) = iso8601(&[&day[..], b"T00:00:00Z"].concat())
    {
        (memo.day, memo.day_secs) = (*day, i64::from(start.0));
    }
    Ok(moment)
}

/// What follows the seconds of a time: a fraction or none, a zone or none.
fn iso_zone(tail: &[u8]) -> Option<Option<i32>> {
    let zone = match tail {
        [b'.' | b',', fraction @ ..] => match digits(fraction, 12) {
            0 => return None,
            len => fraction.get(len..)?,
        },
        _ => tail,
    };
    match zone {
        [] => Some(None),
        b" UTC" | b" GMT" => Some(Some(0)),
        [b' ', zone @ ..] | zone => offset(zone).map(Some),
    }
}

/// A common-log time whose zone may be missing, as HAProxy and Python's servers write it, the latter with a blank before
/// the hour, or the name of a zone that only the server knows, as Ruby's.
fn clf_moment(text: &[u8], memo: &mut ClfMemo) -> Result<Moment, Reason> {
    let Some((head, tail)) = text.split_first_chunk::<ZONE_START>() else { return Err(Reason::NoTime) };
    let is_name = |name: &[u8]| (3..=4).contains(&name.len()) && name.iter().all(u8::is_ascii_uppercase);
    let zone = iso_zone(tail).or_else(|| tail.strip_prefix(b" ").filter(|name| is_name(name)).map(|_| None));
    match zone {
        Some(None | Some(0)) => {
            let mut head = *head;
            if let (Some(blank @ b' '), []) = (head.get_mut(11), tail) {
                *blank = b':';
            }
            let time = clf(&[&head[..], b" +0000"].concat(), memo)?;
            Ok(Moment { time, zoneless: zone == Some(None) })
        }
        _ => clf_with_fraction(text, memo).map(Moment::from),
    }
}

/// A common-log time with its month in English, where a server in Java wrote it in the language of its machine:
/// `02/sept./2015:…`, `02/Dez/2015:…`.
fn in_english(text: &[u8]) -> Option<Vec<u8>> {
    /// What months begin with in Dutch, French, German, Italian, Portuguese and Spanish; the longer ones first.
    const NAMES: [(&str, &str); 37] = [
        ("juin", "Jun"),
        ("juil", "Jul"),
        ("giu", "Jun"),
        ("lug", "Jul"),
        ("jan", "Jan"),
        ("ene", "Jan"),
        ("gen", "Jan"),
        ("feb", "Feb"),
        ("f\u{e9}v", "Feb"),
        ("fev", "Feb"),
        ("mar", "Mar"),
        ("m\u{e4}r", "Mar"),
        ("mrz", "Mar"),
        ("mrt", "Mar"),
        ("apr", "Apr"),
        ("avr", "Apr"),
        ("abr", "Apr"),
        ("mai", "May"),
        ("may", "May"),
        ("mag", "May"),
        ("mei", "May"),
        ("jun", "Jun"),
        ("jul", "Jul"),
        ("ao\u{fb}", "Aug"),
        ("ago", "Aug"),
        ("aug", "Aug"),
        ("set", "Sep"),
        ("sep", "Sep"),
        ("ott", "Oct"),
        ("okt", "Oct"),
        ("out", "Oct"),
        ("oct", "Oct"),
        ("nov", "Nov"),
        ("dec", "Dec"),
        ("dez", "Dec"),
        ("dic", "Dec"),
        ("d\u{e9}c", "Dec"),
    ];
    /// No name is longer.
    const NAME_MAX: usize = 16;
    let (day, rest) = text.split_at_checked(3)?;
    let end = memchr::memchr(b'/', rest.get(..NAME_MAX).unwrap_or(rest))?;
    let (name, rest) = rest.split_at_checked(end)?;
    let name = std::str::from_utf8(name).ok()?.to_lowercase();
    let (_, month) = NAMES.iter().find(|(begins, _)| name.starts_with(begins))?;
    Some([day, month.as_bytes(), rest].concat())
}

/// `Tue, 10 Mar 2026 10:20:52 GMT`, as in HTTP's own headers (RFC 9110, 5.6.7): a common-log time with blanks.
fn http_date(text: &[u8], memo: &mut ClfMemo) -> Result<Moment, Reason> {
    let mut text = text.get(3..).and_then(|text| text.strip_prefix(b", ")).ok_or(Reason::NoTime)?.to_vec();
    for (at, mark) in [(2, b'/'), (6, b'/'), (11, b':')] {
        *text.get_mut(at).filter(|byte| **byte == b' ').ok_or(Reason::NoTime)? = mark;
    }
    clf_moment(&text, memo)
}

/// The unit of a count since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    /// Told from the size: anything from 10^11 on is milliseconds, from 10^14 microseconds, from 10^17 nanoseconds.
    BySize,
}

/// A count of seconds since 1970, with or without a fraction; a count too large for seconds is read as milliseconds,
/// microseconds or nanoseconds, and one before 1973 as none: it is how long something took.
///
/// # Errors
/// As [`clf`].
pub fn epoch(text: &[u8]) -> Result<Time, Reason> {
    epoch_in(text, Unit::BySize)
}

/// A count since 1970 in a known unit; a fraction is dropped.
pub(super) fn epoch_in(text: &[u8], unit: Unit) -> Result<Time, Reason> {
    let len = digits(text, 20);
    let (whole, fraction) = text.split_at_checked(len).ok_or(Reason::NoTime)?;
    match fraction {
        [] => {}
        [b'.', fraction @ ..] if digits(fraction, fraction.len()) == fraction.len() => {}
        _ => return Err(Reason::NoTime),
    }
    let count = std::str::from_utf8(whole).ok().and_then(|t| t.parse::<u64>().ok()).ok_or(Reason::NoTime)?;
    let divisor = match unit {
        Unit::Seconds => 1,
        Unit::Millis => 1000,
        Unit::Micros => 1_000_000,
        Unit::BySize => match count {
            0..100_000_000 => return Err(Reason::ImplausibleTime),
            100_000_000..100_000_000_000 => 1,
            100_000_000_000..100_000_000_000_000 => 1000,
            100_000_000_000_000..100_000_000_000_000_000 => 1_000_000,
            _ => 1_000_000_000,
        },
    };
    let secs = u32::try_from(count / divisor).map_err(|_| Reason::ImplausibleTime)?;
    // 2106-01-01, the first moment that is not believed.
    if secs < 4_291_747_200 { Ok(Time(secs)) } else { Err(Reason::ImplausibleTime) }
}

/// A time in any of the forms above, told apart by their first separator.
///
/// # Errors
/// As [`clf`].
pub fn any_form(text: &[u8], memo: &mut ClfMemo) -> Result<Time, Reason> {
    any_moment(text, memo).map(|moment| moment.time)
}

/// See [`any_form`].
pub(super) fn any_moment(text: &[u8], memo: &mut ClfMemo) -> Result<Moment, Reason> {
    match text.iter().position(|b| !b.is_ascii_digit()) {
        Some(2) => {
            clf_moment(text, memo).or_else(|no| in_english(text).map_or(Err(no), |text| clf_moment(&text, memo)))
        }
        Some(4) => iso8601_remembered(text, memo),
        Some(0) => http_date(text, memo),
        _ => epoch(text).map(Moment::from),
    }
}

/// The value of a short run of digits; none where it is empty or holds anything else.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

/// How many digits the text begins with, at most `limit`.
pub(super) fn digits(text: &[u8], limit: usize) -> usize {
    text.iter().take(limit).take_while(|b| b.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, Reason> {
        any_form(text.as_bytes(), &mut ClfMemo::default()).map(Time::rfc3339)
    }

    #[test]
    fn forms_of_one_moment() {
        for text in [
            "10/Mar/2026:11:20:52 +0100",
            "10/Mar/2026:11:20:52.123 +0100",
            "10/Mar/2026 10:20:52",
            "10/Mar/2026:10:20:52 UTC",
            "10/Mar/2026:10:20:52 CET",
            "10/mars/2026:11:20:52 +0100",
            "10/M\u{e4}rz/2026:11:20:52 +0100",
            "10/mar./2026:11:20:52 +0100",
            "Tue, 10 Mar 2026 10:20:52 GMT",
            "Tue, 10 Mar 2026 11:20:52 +0100",
            "10/Mar/2026:05:20:52 -0500",
            "2026-03-10T11:20:52+01:00",
            "2026-03-10T11:20:52.123+0100",
            "2026-03-10 11:20:52,123 +01",
            "2026-03-10T10:20:52Z",
            "2026-03-10T10:20:52.587782192Z",
            "2026-03-10 10:20:52",
            "2026-03-10 10:20:52 UTC",
            "2026/03/10 10:20:52.756",
            "10/Mar/2026:10:20:52.726",
            "10/mar/2026:10:20:52 +0000",
            "1773138052",
            "1773138052.999",
            "1773138052123",
            "1773138052123456",
            "1773138052123456789",
        ] {
            assert_eq!(read(text).as_deref(), Ok("2026-03-10T10:20:52Z"), "{text}");
        }
    }

    #[test]
    fn impossible_dates_are_no_times() {
        for text in [
            "",
            "-",
            "32/Jan/2026:00:00:00 +0000",
            "30/Feb/2026:00:00:00 +0000",
            "29/Feb/2025:00:00:00 +0000",
            "00/Jan/2026:00:00:00 +0000",
            "10/Jxn/2026:00:00:00 +0000",
            "10/Jan/2026:24:00:00 +0000",
            "10/Jan/2026:00:60:00 +0000",
            "10/Jan/2026:00:00:61 +0000",
            "10/Jan/2026:00:00:00 +2400",
            "10/Jan/2026:00:00:00 +0060",
            "10/Jan/2026:00:00:00 *0000",
            "10/Jan/2026:00:00:00  0000",
            "10/Jan/2026 00:00:00 +0000",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1",
            "17731380x2",
            "1773138052.x",
        ] {
            assert_eq!(read(text), Err(Reason::NoTime), "{text}");
        }
    }

    #[test]
    fn far_times_are_implausible() {
        for text in [
            "31/Dec/1969:23:59:59 +0000",
            "01/Jan/1970:00:30:00 +0100",
            "01/Jan/2106:00:00:00 +0000",
            "01/Jan/0001:00:00:00 +0000",
            "9999-01-01T00:00:00Z",
            "99999999999",
        ] {
            assert_eq!(read(text), Err(Reason::ImplausibleTime), "{text}");
        }
        assert_eq!(read("01/Jan/1970:00:00:00 +0000").as_deref(), Ok("1970-01-01T00:00:00Z"));
        assert_eq!(read("31/Dec/2105:23:59:60 -2359").as_deref(), Ok("2106-01-01T23:58:59Z"));
    }

    #[test]
    fn a_leap_second_is_the_second_before() {
        assert_eq!(read("31/Dec/2016:23:59:60 +0000").as_deref(), Ok("2016-12-31T23:59:59Z"));
        assert_eq!(read("2016-12-31T23:59:60Z").as_deref(), Ok("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn a_time_without_a_zone_says_so() {
        let zoneless = |text: &str| any_moment(text.as_bytes(), &mut ClfMemo::default()).map(|m| m.zoneless);
        for text in ["10/Mar/2026:10:20:52.726", "2026-03-10 10:20:52", "2026-03-10T10:20:52.1"] {
            assert_eq!(zoneless(text), Ok(true), "{text}");
        }
        for text in ["10/Mar/2026:10:20:52 +0000", "2026-03-10 10:20:52Z", "1773138052"] {
            assert_eq!(zoneless(text), Ok(false), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_memo_never_changes_the_answer(
            days in prop::collection::vec((0u32..40, 0usize..13, 1969u32..2107, 0u32..25, 0u32..61, 0u32..62, -25i32..25), 1..20),
            repeat in prop::collection::vec(0usize..20, 0..40),
        ) {
            const MONTHS: [&str; 13] =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Foo"];
            let mut memo = ClfMemo::default();
            for i in repeat {
                let (d, m, y, h, n, s, z) = days[i % days.len()];
                let text = format!("{d:02}/{}/{y}:{h:02}:{n:02}:{s:02} {z:+03}00", MONTHS[m]);
                prop_assert_eq!(clf(text.as_bytes(), &mut memo), clf(text.as_bytes(), &mut ClfMemo::default()), "{}", text);
            }
        }

        #[test]
        fn the_memo_of_a_day_never_changes_the_answer(
            days in prop::collection::vec((0u32..40, 0u32..14, 1969u32..2107, 0u32..26, 0u32..62, 0u32..62, 0usize..6), 1..12),
            repeat in prop::collection::vec(0usize..12, 0..40),
        ) {
            let mut memo = ClfMemo::default();
            for i in repeat {
                let (d, m, y, h, n, s, z) = days[i % days.len()];
                let zone = ["Z", "", "+01:00", ".123-0530", ".1", "+2"][z];
                let text = format!("{y}-{m:02}-{d:02}T{h:02}:{n:02}:{s:02}{zone}");
                prop_assert_eq!(any_moment(text.as_bytes(), &mut memo), iso8601_moment(text.as_bytes()), "{}", text);
            }
        }

        #[test]
        fn agrees_with_chrono(secs in 86_400u32..4_291_000_000, zone_minutes in -1439i32..1440) {
            let zone = chrono::FixedOffset::east_opt(zone_minutes * 60);
            let text = zone.and_then(|z| chrono::DateTime::from_timestamp(i64::from(secs), 0).map(|t| t.with_timezone(&z)));
            let clf_text = text.map(|t| t.format("%d/%b/%Y:%H:%M:%S %z").to_string()).unwrap_or_default();
            let iso_text = text.map(|t| t.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()).unwrap_or_default();
            prop_assert_eq!(clf(clf_text.as_bytes(), &mut ClfMemo::default()), Ok(Time(secs)));
            prop_assert_eq!(iso8601(iso_text.as_bytes()), Ok(Time(secs)));
        }

        #[test]
        fn any_bytes_are_survived(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = super::any_form(&text, &mut ClfMemo::default());
            let _ = clf_span(&text);
        }
    }
}
