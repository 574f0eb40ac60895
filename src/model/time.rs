//! Points in log time. Owns the type; calendars live in `parse::timestamp` and in the renderers.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Seconds since 1970-01-01 00:00:00 UTC. Logs before 1970 or after 2106 are not believed by the parsers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u32);

/// From the earlier start to the later end.
#[must_use]
pub fn joined(a: Option<(Time, Time)>, b: Option<(Time, Time)>) -> Option<(Time, Time)> {
    a.zip(b).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))).or(a).or(b)
}

impl Time {
    /// As RFC 3339 in UTC with a `Z`: `2026-03-09T11:20:52Z`.
    ///
    /// The calendar arithmetic is Howard Hinnant's `civil_from_days`
    /// (<https://howardhinnant.github.io/date_algorithms.html>), exact for every `u32`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (y, m, d, rest) = self.civil();
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// As `2026-03-09 11:20`, for people.
    #[must_use]
    pub fn minute(self) -> String {
        let (y, m, d, rest) = self.civil();
        format!("{y:04}-{m:02}-{d:02} {:02}:{:02}", rest / 3600, rest / 60 % 60)
    }

    /// As `11:20` on the day of another time, else `2026-03-09 11:20`.
    #[must_use]
    pub fn minute_on(self, day_of: Self) -> String {
        let minute = self.minute();
        if self.0 / 86_400 == day_of.0 / 86_400 { minute.chars().skip(11).collect() } else { minute }
    }

    /// Whether so many seconds have passed since. What is later than now was noted by a clock that was wrong, and is past.
    #[must_use]
    pub fn is_past(self, secs: u32, now: Self) -> bool {
        now < self || now.0 - self.0 >= secs
    }

    fn civil(self) -> (u32, u32, u32, u32) {
        let days = self.0 / 86_400 + 719_468;
        let era = days / 146_097;
        let doe = days % 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + u32::from(month <= 2);
        (year, month, doy - (153 * mp + 2) / 5 + 1, self.0 % 86_400)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "pattern": "Z$", "description": "RFC 3339 in UTC."})
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn calendar_is_right_at_its_edges() {
        assert_eq!(Time(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Time(951_782_400).rfc3339(), "2000-02-29T00:00:00Z");
        assert_eq!(Time(1_773_138_052).rfc3339(), "2026-03-10T10:20:52Z");
        assert_eq!(Time(u32::MAX).rfc3339(), "2106-02-07T06:28:15Z");
    }
}
