//! From a server's clock to UTC. Error logs bear no zone; the access log of the same server does, line by line.

use crate::model::time::Time;

/// By how much the server's clock differs from UTC, and when: a summer and a winter may be in one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The server's own time (seconds since 1970) and the offset then, sorted; empty for UTC.
    known: Vec<(i64, i32)>,
}

impl Zone {
    /// The same offset always, in seconds east of Greenwich.
    #[must_use]
    pub fn fixed(offset_secs: i32) -> Self {
        Self { known: vec![(0, offset_secs)] }
    }

    /// From moments at which the offset is known; between them the nearer one holds.
    #[must_use]
    pub fn from_moments(moments: impl IntoIterator<Item = (Time, i32)>) -> Self {
        let mut known: Vec<(i64, i32)> =
            moments.into_iter().map(|(time, offset)| (i64::from(time.0) + i64::from(offset), offset)).collect();
        known.sort_unstable();
        // Of a run with one offset its ends say all.
        let mut kept: Vec<(i64, i32)> = Vec::new();
        for run in known.chunk_by(|a, b| a.1 == b.1) {
            kept.extend(run.first());
            kept.extend(run.last().filter(|_| run.len() > 1));
        }
        Self { known: kept }
    }

    /// Whether nothing is known, so that UTC is assumed.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.known.is_empty()
    }

    /// The moment at which the server's clock showed what in UTC would be this.
    #[must_use]
    pub fn utc(&self, local: Time) -> Time {
        let local = i64::from(local.0);
        let after = self.known.partition_point(|(at, _)| *at < local);
        let neighbours = [after.checked_sub(1).and_then(|at| self.known.get(at)), self.known.get(after)];
        let nearest = neighbours.into_iter().flatten().min_by_key(|(at, _)| local.abs_diff(*at));
        let secs = local - i64::from(nearest.map_or(0, |(_, offset)| *offset));
        Time(u32::try_from(secs.max(0)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::Zone;
    use crate::model::time::Time;

    #[test]
    fn the_nearer_offset_holds() {
        // Winter until 1000 UTC, summer from 9000 UTC on.
        let zone = Zone::from_moments([(Time(9000), 7200), (Time(500), 3600), (Time(1000), 3600), (Time(9900), 7200)]);
        assert_eq!(zone.utc(Time(3600)), Time(0));
        assert_eq!(zone.utc(Time(4700)), Time(1100));
        assert_eq!(zone.utc(Time(16_000)), Time(8800));
        assert_eq!(zone.utc(Time(1_000_000)), Time(992_800));
        assert_eq!(Zone::default().utc(Time(77)), Time(77));
        assert_eq!(Zone::fixed(-3600).utc(Time(0)), Time(3600));
        assert_eq!(Zone::fixed(3600).utc(Time(0)), Time(0));
    }
}
