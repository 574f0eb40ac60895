//! The operator's own time. Owns the zone, and what a clock there shows.

use super::time::Time;
use chrono::{DateTime, Duration, TimeZone, Utc};
use chrono_tz::Tz;
use std::str::FromStr;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl FromStr for Zone {
    type Err = String;

    /// A name such as `Europe/Berlin`, in any case.
    fn from_str(name: &str) -> Result<Self, String> {
        Tz::from_str_insensitive(name)
            .map(Self)
            .map_err(|_| format!("expected a time zone such as Europe/Berlin or UTC, found `{name}`"))
    }
}

impl Zone {
    /// The moment of a local time that was read as if it were UTC. Of an hour that came twice, the first is meant; an
    /// hour that never came is an hour late.
    #[must_use]
    pub fn moment(self, read: Time) -> Time {
        let local = utc(read).naive_utc();
        let found = self.0.from_local_datetime(&local).earliest().map(|moment| moment.timestamp());
        let skipped = || {
            let later = self.0.from_local_datetime(&(local + Duration::hours(1))).earliest();
            later.map(|moment| moment.timestamp() - 3600)
        };
        found.or_else(skipped).and_then(|secs| u32::try_from(secs).ok()).map_or(read, Time)
    }

    /// What a clock there shows: `2026-03-10 11:20:52 CET`.
    #[must_use]
    pub fn clock(self, time: Time) -> String {
        utc(time).with_timezone(&self.0).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether its clocks show what every report shows anyway.
    #[must_use]
    pub fn is_utc(self) -> bool {
        matches!(self.0, Tz::UTC | Tz::Etc__UTC)
    }
}

fn utc(time: Time) -> DateTime<Utc> {
    DateTime::from_timestamp(i64::from(time.0), 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Zone;
    use crate::model::time::Time;

    /// 2026-01-10, 2026-07-10 and the nights in which the clocks change.
    #[test]
    fn local_times_become_moments() -> Result<(), String> {
        let zone: Zone = "europe/berlin".parse()?;
        let moment = |read: u32| zone.moment(Time(read)).rfc3339();
        assert_eq!(moment(1_768_046_400), "2026-01-10T11:00:00Z");
        assert_eq!(moment(1_783_684_800), "2026-07-10T10:00:00Z");
        // The hour that comes twice, and the one that never comes.
        assert_eq!(moment(1_792_895_400), "2026-10-25T00:30:00Z");
        assert_eq!(moment(1_774_751_400), "2026-03-29T00:30:00Z");
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        Ok(())
    }

    #[test]
    fn clocks_show_local_times() -> Result<(), String> {
        let zone: Zone = "Europe/Berlin".parse()?;
        assert_eq!(zone.clock(Time(1_768_043_052)), "2026-01-10 12:04:12 CET");
        assert_eq!(zone.clock(Time(1_783_677_600)), "2026-07-10 12:00:00 CEST");
        assert_eq!("Asia/Kolkata".parse::<Zone>()?.clock(Time(u32::MAX)), "2106-02-07 11:58:15 IST");
        Ok(())
    }
}
