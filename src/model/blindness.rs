//! A time in which checks could not tell how things stand: a log was missing, not understood, or stale.

use super::{case::Event, time::Time};

/// From the first run that could not tell to the first that could again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blindness {
    /// Made of its start; it stays when it comes back.
    pub id: String,
    /// By the clock, as all of its times.
    pub start: Time,
    /// None while it is on.
    pub end: Option<Time>,
    /// Runs in a row that could not tell, up to the last one; 0 when it is over.
    pub runs: u32,
    /// When it was last spoken of; none where it never was.
    pub told_at: Option<Time>,
    /// What was wrong at last, a line each, the first one first.
    pub troubles: String,
}

impl Blindness {
    /// One that begins.
    #[must_use]
    pub fn new(start: Time) -> Self {
        let digits = start.rfc3339().replace(['-', ':'], "");
        Self { id: format!("blind-{digits}"), start, end: None, runs: 0, told_at: None, troubles: String::new() }
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// Where it stands, in the place of a case's phase.
    #[must_use]
    pub fn phase(&self) -> &'static str {
        if self.is_live() { "blind" } else { "resolved" }
    }

    /// `blind since 2026-03-10 13:06 UTC, still: the log is stale … (and 2 more)`, one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let (first, more) = self.troubles.split_once('\n').unwrap_or((&self.troubles, ""));
        let more = if more.is_empty() { String::new() } else { format!(" (and {} more)", more.lines().count()) };
        let until = self.end.map_or("still".to_owned(), |end| format!("until {}", end.minute_on(self.start)));
        format!("blind since {} UTC, {until}: {first}{more}", self.start.minute())
    }
}

/// Something to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What happened: opened, reopened, reminder or resolved.
    pub event: Event,
    /// As it then stood.
    pub blindness: Blindness,
}
