//! The part of the log that a report is about: all of it, or what follows a lead, which is judged by and not counted.

use crate::model::{
    incident::Incident,
    report::Lead,
    tally::{Counted, Ledger, Refusal, Seen},
    time::Time,
};

/// What happened from a moment on.
#[derive(Clone, Copy)]
pub(crate) struct Reported<'l> {
    pub(crate) ledger: &'l Ledger,
    since: Time,
}

impl<'l> Reported<'l> {
    /// Where requests are only counted, the moment moves back to the start of a slice.
    pub(crate) fn new(ledger: &'l Ledger, since: Time) -> Self {
        let slice_secs = ledger.counted.slice_secs.max(1);
        Self { ledger, since: Time(since.0 / slice_secs * slice_secs) }
    }

    pub(crate) fn holds(self, time: Time) -> bool {
        time >= self.since
    }

    /// The requests of one client, in order of time.
    pub(crate) fn visits_of(self, client: usize) -> &'l [Seen] {
        let visits = self.ledger.visits_of(client);
        let is_all = visits.first().is_none_or(|first| self.holds(first.time()));
        let from = if is_all { 0 } else { visits.partition_point(|visit| !self.holds(visit.time())) };
        visits.get(from..).unwrap_or_default()
    }

    /// The refusals of all clients, in order of clients.
    pub(crate) fn refusals(self) -> impl Iterator<Item = &'l Refusal> {
        self.ledger.refusals.iter().filter(move |refusal| self.holds(refusal.time))
    }

    /// The requests of those who are not kept.
    pub(crate) fn counted(self) -> Counted {
        let mut counted = self.ledger.counted.clone();
        counted.cut((self.since, Time(u32::MAX)));
        counted
    }

    /// Earliest and latest time.
    pub(crate) fn span(self) -> Option<(Time, Time)> {
        let (first, last) = self.ledger.span?;
        self.holds(last).then_some((first.max(self.since), last))
    }

    /// Whether some of an incident is in it; what goes on lasts until the end of the log.
    pub(crate) fn meets(self, incident: &Incident) -> bool {
        self.span().is_some() && incident.end.is_none_or(|end| end > self.since)
    }

    /// What came before, of which so many requests follow.
    pub(crate) fn lead(self, requests: u64) -> Option<Lead> {
        let begin = self.ledger.span?.0;
        let all = self.ledger.visits.len() as u64 + self.ledger.counted.all().requests;
        (!self.holds(begin)).then_some(Lead { begin, end: self.since, lines: all - requests })
    }
}
