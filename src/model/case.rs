//! An incident as it is followed from run to run: a report finds incidents, the state remembers cases.

use super::{
    incident::{Scope, Verdict},
    time::Time,
};

/// Where a case stands. Only a fault of the server is ever suspected, or recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Seen, with less confidence than was asked for, or for too short a time.
    Suspected,
    /// Seen for the first time by the last run.
    Open,
    /// Seen before.
    Ongoing,
    /// Over, but not for long enough.
    Recovering,
    /// Over.
    Resolved,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Suspected, Self::Open, Self::Ongoing, Self::Recovering, Self::Resolved];

    /// Its name where programs read it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Open => "open",
            Self::Ongoing => "ongoing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        }
    }
}

/// What there is to say of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// It may be a fault.
    Suspected,
    /// It is there.
    Opened,
    /// It has grown threefold since it was last spoken of.
    Worsened,
    /// It is still there.
    Reminder,
    /// It is over.
    Resolved,
    /// It is back.
    Reopened,
    /// It came and went between two runs, or was a step larger than was told when it was over.
    Missed,
    /// What more of the log shows is no fault, or part of another.
    Withdrawn,
}

impl Event {
    /// Its name where programs read it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Opened => "opened",
            Self::Worsened => "worsened",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Missed => "missed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether the case is over with it.
    #[must_use]
    pub fn is_last(self) -> bool {
        matches!(self, Self::Resolved | Self::Missed | Self::Withdrawn)
    }
}

/// How serious the whole is, in the words and numbers of monitoring plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// An attack, or a suspected fault.
    Warning,
    /// A fault of the server is open.
    Critical,
    /// It cannot be told.
    Unknown,
}

impl Level {
    /// The exit status.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Its word.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The id of the incident when it was first seen; it stays.
    pub id: String,
    /// Whose fault.
    pub verdict: Verdict,
    /// The failing status.
    pub status: u16,
    /// The likely cause; this and what else is said of it stand as they were told until a look finds more.
    pub cause: String,
    /// What it hit.
    pub scope: Scope,
    /// Where it stands.
    pub phase: Phase,
    /// How sure.
    pub confidence: f64,
    /// The first failure.
    pub start: Time,
    /// The second after the last failure; none while it is on.
    pub end: Option<Time>,
    /// Distinct clients hit, at most.
    pub clients: u64,
    /// Requests refused, at most.
    pub requests: u64,
    /// How often it came back.
    pub returns: u32,
    /// The end of the log when it was first not found any more.
    pub missing_since: Option<Time>,
    /// By the clock: when it was last spoken of; none where it never was.
    pub told_at: Option<Time>,
    /// Clients hit when it was last spoken of.
    pub told_clients: u64,
    /// In words.
    pub account: Account,
    /// What a later look has against it; mostly empty.
    pub remark: String,
}

/// A case in words. Made by the report, kept so that it can be told when the log has moved on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Whom it hit and how, in one line; when is for the case to say.
    pub headline: String,
    /// The incident as it stands in a terminal report.
    pub text: String,
    /// The incident as it stands in a JSON report.
    pub json: String,
}

impl Case {
    /// Whether it is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase != Phase::Resolved
    }

    /// `32 clients refused (403) on /api/v2 since 2026-03-10 13:06 UTC, over at 14:02`, one line of inert text.
    #[must_use]
    pub fn headline(&self) -> String {
        let until = self.end.map_or("still on".to_owned(), |end| format!("over at {}", end.minute_on(self.start)));
        let remark = if self.remark.is_empty() { String::new() } else { format!(" ({})", self.remark) };
        format!("{} since {} UTC, {until}{remark}", self.account.headline, self.start.minute())
    }

    /// What it means for the whole.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.phase, self.verdict) {
            (Phase::Resolved, _) => Level::Ok,
            (Phase::Suspected, _) | (_, Verdict::Attack) => Level::Warning,
            _ => Level::Critical,
        }
    }
}

/// Something to say, to whoever is to hear it.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// What happened to the case.
    pub event: Event,
    /// The case as it then stood.
    pub case: Case,
}

impl News {
    /// How serious it was at its worst: whoever heard of a fault hears that it is over. What came and went wakes nobody.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.event, self.case.verdict) {
            (Event::Suspected | Event::Missed, _) | (_, Verdict::Attack) => Level::Warning,
            _ => Level::Critical,
        }
    }
}
