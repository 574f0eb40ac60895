//! Times in a shape of the operator's own: Apache's `%{format}t`. Owns the pieces of `strftime(3)` that carry a
//! date, a time or a zone, and puts together what several of them say; the calendar is in `timestamp.rs`.
//!
//! Source: <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>, `%{format}t`.

use super::timestamp::{self, Civil, Moment, Unit};
use crate::model::{event::Reason, time::Time};

/// One piece of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Byte(u8),
    Year,
    YearOfCentury,
    Month,
    MonthName,
    Day,
    Hour,
    HalfDay,
    Minute,
    Second,
    Zone,
    Epoch,
    DayOfYear,
    /// Digits that say nothing about the moment (week of the year), or a fraction of a second.
    Digits,
    /// A name that says nothing about it (day of the week).
    Name,
    /// A zone by its letters; one that is not known says nothing.
    ZoneName,
    /// White space, or none.
    Blank,
}

/// A compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strftime(Box<[Step]>);

/// What the pieces of one line have said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    civil: Civil,
    pm: bool,
    twelve_hours: bool,
    day_of_year: Option<u32>,
    epoch: Option<Time>,
}

impl Parts {
    /// The moment, once every piece has been read.
    pub(super) fn moment(self) -> Result<Moment, Reason> {
        if let Some(time) = self.epoch {
            return Ok(time.into());
        }
        let mut civil = self.civil;
        if self.twelve_hours {
            civil.hour = civil.hour % 12 + if self.pm { 12 } else { 0 };
        }
        if let (0, Some(day)) = (civil.month, self.day_of_year) {
            (civil.month, civil.day) = timestamp::month_and_day(civil.year, day).ok_or(Reason::NoTime)?;
        }
        civil.moment()
    }
}

impl Strftime {
    /// Compiles a format; conversions that this tool does not know stand for any word.
    pub(super) fn new(format: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = format.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (first, tail) {
                // Apache takes these words for the fraction; people write them with a percent sign too.
                (b'u' | b'm', [b's', b'e', b'c', b'_', b'f', b'r', b'a', b'c', tail @ ..])
                | (b'%', [b'u' | b'm', b's', b'e', b'c', b'_', b'f', b'r', b'a', b'c', tail @ ..]) => {
                    steps.push(Step::Digits);
                    rest = tail;
                }
                // The flags of glibc and the modifiers of POSIX change padding and alphabet only.
                (b'%', [b'-' | b'_' | b'0' | b'^' | b'E' | b'O', letter, tail @ ..] | [letter, tail @ ..]) => {
                    conversion(*letter, &mut steps);
                    rest = tail;
                }
                _ => steps.push(Step::Byte(*first)),
            }
        }
        Self(steps.into())
    }

    /// Whether it names a day, alone.
    pub(super) fn has_date(formats: &[&Self]) -> bool {
        let has = |wanted: &[Step]| formats.iter().any(|f| f.0.iter().any(|s| wanted.contains(s)));
        has(&[Step::Epoch])
            || has(&[Step::Year, Step::YearOfCentury])
                && (has(&[Step::Month, Step::MonthName]) && has(&[Step::Day]) || has(&[Step::DayOfYear]))
    }

    /// Reads the format at the start of a text; gives the length read.
    pub(super) fn read(&self, text: &[u8], parts: &mut Parts) -> Option<usize> {
        let mut at = 0;
        for step in &self.0 {
            at += step.read(text.get(at..)?, parts)?;
        }
        Some(at)
    }
}

/// The steps of one conversion letter.
fn conversion(letter: u8, steps: &mut Vec<Step>) {
    use Step::*;
    let colon = Byte(b':');
    let slash = Byte(b'/');
    match letter {
        b'Y' => steps.push(Year),
        b'y' => steps.push(YearOfCentury),
        b'm' => steps.push(Month),
        b'b' | b'B' | b'h' => steps.push(MonthName),
        b'd' | b'e' => steps.push(Day),
        b'H' | b'k' | b'I' | b'l' => steps.push(Hour),
        b'p' | b'P' => steps.push(HalfDay),
        b'M' => steps.push(Minute),
        b'S' => steps.push(Second),
        b'z' => steps.push(Zone),
        b's' => steps.push(Epoch),
        b'T' => steps.extend([Hour, colon, Minute, colon, Second]),
        b'R' => steps.extend([Hour, colon, Minute]),
        b'r' => steps.extend([Hour, colon, Minute, colon, Second, Byte(b' '), HalfDay]),
        b'F' => steps.extend([Year, Byte(b'-'), Month, Byte(b'-'), Day]),
        b'D' | b'x' => steps.extend([Month, slash, Day, slash, YearOfCentury]),
        b'X' => conversion(b'T', steps),
        b'c' => {
            steps.extend([Name, Byte(b' '), MonthName, Byte(b' '), Day, Byte(b' ')]);
            conversion(b'T', steps);
            steps.extend([Byte(b' '), Year]);
        }
        b'j' => steps.push(DayOfYear),
        b'Z' => steps.push(ZoneName),
        b'C' | b'G' | b'g' | b'U' | b'u' | b'V' | b'W' | b'w' | b'f' | b'N' | b'L' => steps.push(Digits),
        b'n' | b't' => steps.push(Blank),
        b'%' => steps.push(Byte(b'%')),
        _ => steps.push(Name),
    }
}

impl Step {
    /// Reads one piece at the start of a text; gives the length read.
    fn read(self, text: &[u8], parts: &mut Parts) -> Option<usize> {
        let civil = &mut parts.civil;
        match self {
            Self::Byte(byte) => (text.first() == Some(&byte)).then_some(1),
            Self::Year => digits(text, 4, &mut civil.year),
            Self::YearOfCentury => {
                let len = digits(text, 2, &mut civil.year)?;
                // POSIX: 69 to 99 are the twentieth century.
                civil.year += if civil.year < 69 { 2000 } else { 1900 };
                Some(len)
            }
            Self::Month => digits(text, 2, &mut civil.month),
            Self::Day => digits(text, 2, &mut civil.day),
            Self::Hour => digits(text, 2, &mut civil.hour),
            Self::Minute => digits(text, 2, &mut civil.minute),
            Self::Second => digits(text, 2, &mut civil.second),
            Self::MonthName => {
                civil.month = timestamp::month(text.first_chunk()?)?;
                Some(name(text))
            }
            Self::HalfDay => {
                parts.twelve_hours = true;
                parts.pm = matches!(text.first()?, b'p' | b'P');
                (name(text) == 2).then_some(2)
            }
            Self::Zone => {
                // People write it with a blank where the format has none.
                let blank = usize::from(text.first()? == &b' ');
                let zone = text.get(blank..)?;
                let len =
                    if matches!(zone.first()?, b'Z' | b'z') { 1 } else { 5 + usize::from(zone.get(3) == Some(&b':')) };
                civil.offset_secs = Some(timestamp::offset(zone.get(..len)?)?);
                Some(blank + len)
            }
            Self::Epoch => {
                let len = timestamp::digits(text, 12);
                parts.epoch = Some(timestamp::epoch_in(text.get(..len)?, Unit::Seconds).ok()?);
                Some(len)
            }
            Self::DayOfYear => {
                let len = digits(text, 3, parts.day_of_year.insert(0))?;
                Some(len)
            }
            Self::ZoneName => {
                let len = name(text);
                if let Some(hours) = ZONES.iter().find(|(zone, _)| Some(zone.as_bytes()) == text.get(..len)) {
                    civil.offset_secs = Some(hours.1 * 3600);
                }
                (len > 0).then_some(len)
            }
            Self::Digits => Some(timestamp::digits(text, 20)).filter(|len| *len > 0),
            Self::Name => Some(name(text)).filter(|len| *len > 0),
            Self::Blank => Some(text.len() - text.trim_ascii_start().len()),
        }
    }
}

/// Zones by name, in hours east of Greenwich: those of RFC 822, which are the only ones that mean one thing, and
/// Central Europe's.
const ZONES: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("CET", 1),
    ("CEST", 2),
];

/// Letters, also beyond ASCII, at the start of a text.
fn name(text: &[u8]) -> usize {
    text.iter().take(40).take_while(|b| b.is_ascii_alphabetic() || !b.is_ascii()).count()
}

/// Reads up to `width` digits; one of them may be a space, as in `%e`.
fn digits(text: &[u8], width: usize, value: &mut u32) -> Option<usize> {
    let pad = usize::from(text.first() == Some(&b' '));
    let len = pad + timestamp::digits(text.get(pad..)?, width - pad);
    *value = timestamp::number(text.get(pad..len)?)?;
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        let mut parts = Parts::default();
        let len = Strftime::new(format).read(text.as_bytes(), &mut parts)?;
        (len == text.len()).then_some(parts.moment().ok()?.time.rfc3339())
    }

    #[test]
    fn formats_of_one_moment() {
        for (format, text) in [
            ("%d/%b/%Y:%H:%M:%S %z", "10/Mar/2026:11:20:52 +0100"),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-03-10T11:20:52+01:00"),
            ("%F %T.msec_frac", "2026-03-10 10:20:52.123"),
            ("%F %T.%usec_frac", "2026-03-10 10:20:52.123456"),
            ("%D %r", "03/10/26 10:20:52 AM"),
            ("%s", "1773138052"),
            ("%A, %e %B %y %T %Z", "Tuesday, 10 March 26 10:20:52 UTC"),
            ("%F %T %Z", "2026-03-10 06:20:52 EDT"),
            ("%Y.%j %T", "2026.069 10:20:52"),
        ] {
            assert_eq!(read(format, text).as_deref(), Some("2026-03-10T10:20:52Z"), "{format} {text}");
        }
        assert_eq!(read("%e %b %Y %I %p", " 1 Jan 2026 12 AM").as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn other_texts_do_not_fit() {
        assert_eq!(read("%Y-%m-%d", "2026-3x-10"), None);
        assert_eq!(read("%Y-%m-%d", "2026-02-30"), None);
        assert_eq!(read("%d/%b/%Y", "10/Mr/2026"), None);
        assert_eq!(read("%z", "+1"), None);
        assert_eq!(read("%", ""), None);
    }

    #[test]
    fn dates_may_come_in_pieces() {
        let (date, clock) = (Strftime::new("%Y-%m-%d"), Strftime::new("%H:%M:%S"));
        assert!(Strftime::has_date(&[&date, &clock]));
        assert!(!Strftime::has_date(&[&clock]));
    }
}
