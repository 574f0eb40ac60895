//! Sessions that die together. Whoever was served within the last hours and comes back is let in, unless the
//! session has died; when a store is flushed or a key rotated at a moment, nearly everybody's has.
//!
//! So a moment is tried as a cut: of the clients that were served where sessions matter shortly before it, how many
//! are refused at their first request after it? The same cut at other hours tells what is usual: a fleet that renews
//! its tokens on the hour, or Monday, looks just as bad then.

use super::{
    agent::Kind,
    facts::Facts,
    history::{Past, Telling, Walk},
    scan::CLIENTS_MIN,
    trials::Trial,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long before the cut a client must have been served.
const BEFORE_SECS: u32 = 2 * 3600;
/// How long after the cut its first request may come to count for the test.
const AFTER_SECS: u32 = 3600;
/// A flush is over when the last client that had a session has found out.
const LAST_SECS: u32 = 12 * 3600;

/// The requests of one client to what a session opens: when, and whether it was let in.
struct Course {
    client: u32,
    is_browser: bool,
    visits: Vec<(u32, bool)>,
}

/// All clients that have sessions.
pub(crate) struct Sessions {
    courses: Vec<Course>,
}

/// What a cut at one moment shows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cut {
    /// Clients served shortly before that came back.
    pub(crate) back: u32,
    /// Of them, those refused at their first request.
    pub(crate) refused: u32,
}

impl Cut {
    fn share(self) -> f64 {
        f64::from(self.refused) / f64::from(self.back.max(1))
    }
}

/// A moment at which sessions died.
pub(crate) struct Flush {
    pub(crate) from: u32,
    /// Exclusive.
    pub(crate) to: u32,
    pub(crate) victims: BTreeSet<u32>,
    /// When each client that had a session came back, refused or not.
    pub(crate) returns: BTreeMap<u32, u32>,
    /// Of the victims that were served again and went on, the share that was refused once more before it ended.
    pub(crate) relapsed: f64,
}

impl Flush {
    /// Whether a trial is a client's first after the cut: what it asked for later, logged in again, says nothing.
    pub(crate) fn is_return(&self, trial: &Trial) -> bool {
        self.returns.get(&trial.client).is_some_and(|at| (trial.time..=trial.last).contains(at))
    }
}

impl Sessions {
    pub(crate) fn new(facts: &Facts<'_>, pasts: &[Past]) -> Self {
        let mut courses = Vec::new();
        for client in (0..facts.ledger.clients.len() as u32).filter(|c| facts.is_evident(*c)) {
            let mut refusal = facts.ledger.refusals.partition_point(|r| r.client < client);
            let mut visits = Vec::new();
            for visit in facts.ledger.visits_of(client as usize) {
                let shape = facts.shape(visit.shape());
                let mut counts = shape.served;
                if matches!(shape.status, 401 | 403) {
                    refusal += 1;
                    counts = shape.status == 401 && !pasts.get(refusal - 1).is_some_and(|past| past.challenged);
                }
                if counts && facts.opens_by_session(shape.route) {
                    visits.push((visit.time().0, shape.served));
                }
            }
            if visits.iter().any(|(_, served)| *served) {
                courses.push(Course { client, is_browser: facts.kind(client) == Kind::Browser, visits });
            }
        }
        Self { courses }
    }

    fn cut(&self, at: u32) -> Cut {
        let mut cut = Cut::default();
        for course in &self.courses {
            if let Some(served) = course.first_after(at, BEFORE_SECS, AFTER_SECS) {
                cut.back += 1;
                cut.refused += u32::from(!served);
            }
        }
        cut
    }

    /// The best cut among the failures in `[from, to)`, if it is a flush.
    pub(crate) fn flush(&self, telling: &Telling, failures: &[u32], span: (u32, u32)) -> Option<Flush> {
        /// Cuts tried: enough to find the minute, few enough to be quick.
        const TRIED_MAX: usize = 64;
        let step = failures.len().div_ceil(TRIED_MAX).max(1);
        let tried = failures.iter().step_by(step).map(|at| (*at, self.cut(*at)));
        let (at, cut) = tried.max_by(|a, b| gain(a.1).total_cmp(&gain(b.1)).then(b.0.cmp(&a.0)))?;
        // Between two tried failures the true moment may be missed by one step.
        let near = failures.iter().filter(|t| t.abs_diff(at) < 1800).map(|t| (*t, self.cut(*t)));
        let (at, cut) = near.max_by(|a, b| gain(a.1).total_cmp(&gain(b.1)).then(b.0.cmp(&a.0))).unwrap_or((at, cut));
        let others = self.others(at, span);
        let usual = others.iter().map(|c| f64::from(c.refused)).sum::<f64>()
            / others.iter().map(|c| f64::from(c.back)).sum::<f64>().max(1.0);
        let as_bad = others.iter().filter(|c| c.refused >= 3 && c.share() >= 0.5 * cut.share()).count();
        let is_flush = cut.refused >= 5 && cut.share() >= 0.3 && cut.share() >= 3.0 * usual && as_bad < 2;
        is_flush.then(|| self.extent(telling, at, cut, usual))
    }

    /// Cuts at other times: the same minute of other hours, which shows schedules, and of other days. Not sooner after
    /// it than clients who found out late can be in.
    fn others(&self, at: u32, (first, last): (u32, u32)) -> Vec<Cut> {
        let offsets: [i64; 17] =
            [-1, -2, -3, -4, -6, 4, 6, 8, 13, 14, -22, -23, -24, -25, 24, -48, -168].map(|h| h * 3600);
        let moments = offsets.iter().map(|offset| i64::from(at) + offset);
        let inside =
            moments.filter(|t| *t > i64::from(first) + i64::from(BEFORE_SECS) / 2 && *t < i64::from(last) - 600);
        inside.map(|t| self.cut(t as u32)).filter(|cut| cut.back >= 3).collect()
    }

    /// Of some clients that were refused in a span, then served, and went on, the share that was refused once more. A dead
    /// session is replaced once; who is refused again was not logged out: the server answers now so, now so.
    pub(crate) fn relapsed(&self, victims: &BTreeSet<u32>, from: u32, to: u32) -> f64 {
        let (mut went_on, mut relapsed) = (0u32, 0u32);
        for course in self.courses.iter().filter(|course| victims.contains(&course.client)) {
            let inside = course.visits.iter().filter(|(time, _)| (from..to).contains(time));
            let mut after = inside.map(|(_, served)| *served).skip_while(|served| *served).skip_while(|served| !served);
            if after.next().is_some() {
                went_on += 1;
                relapsed += u32::from(after.any(|served| !served));
            }
        }
        if went_on < CLIENTS_MIN { 0.0 } else { f64::from(relapsed) / f64::from(went_on) }
    }

    /// Who found out, and when nearly all had: clients that come back later meet, one by one, the ordinary end of
    /// their sessions, so it is over where refused returns stop outweighing the others.
    fn extent(&self, telling: &Telling, at: u32, cut: Cut, usual: f64) -> Flush {
        /// In percent: the last few come whenever they like.
        const NEARLY_ALL: usize = 95;
        let mut returns: Vec<(u32, bool, u32)> = Vec::new();
        for course in &self.courses {
            let Some((time, served, gap)) = course.return_after(at) else { continue };
            if time - at < LAST_SECS && telling.tells(course.is_browser, Walk::stratum_of(gap)) {
                returns.push((time, served, course.client));
            }
        }
        returns.sort_unstable();
        let (share, usual) = (cut.share().clamp(0.3, 0.95), usual.clamp(0.02, 0.25));
        let (gain, loss) = ((share / usual).ln(), ((1.0 - share) / (1.0 - usual)).ln());
        let (mut sum, mut best, mut len) = (0.0, 0.0, 0);
        for (i, (_, served, _)) in returns.iter().enumerate() {
            sum += if *served { loss } else { gain };
            if sum > best {
                (best, len) = (sum, i + 1);
            }
        }
        let found_out: Vec<(u32, u32)> = returns.iter().take(len).filter(|r| !r.1).map(|r| (r.0, r.2)).collect();
        let last = found_out.get((found_out.len() * NEARLY_ALL / 100).min(found_out.len().saturating_sub(1)));
        let to = last.map_or(at, |(time, _)| *time) + 1;
        let returns = returns.iter().take(len).map(|(time, _, client)| (*client, *time)).collect();
        let victims: BTreeSet<u32> = found_out.into_iter().map(|(_, client)| client).collect();
        let relapsed = self.relapsed(&victims, at, to);
        Flush { from: at, to, victims, returns, relapsed }
    }
}

/// How much a cut says: failures against the one in ten that a bad hour has.
fn gain(cut: Cut) -> f64 {
    let (f, a) = (f64::from(cut.refused), f64::from(cut.back));
    f * (0.9f64 / 0.1).ln() + (a - f) * (0.1f64 / 0.9).ln()
}

impl Course {
    /// Whether the first request after a cut was let in, for clients served within `before` and back within `after`.
    fn first_after(&self, at: u32, before: u32, after: u32) -> Option<bool> {
        let (time, served, gap) = self.return_after(at)?;
        (time - at < after && time - gap >= at.saturating_sub(before)).then_some(served)
    }

    /// The first request at or after a cut: its time, whether it was let in, and the seconds since the last service.
    fn return_after(&self, at: u32) -> Option<(u32, bool, u32)> {
        let next = self.visits.partition_point(|(time, _)| *time < at);
        let (time, _) = *self.visits.get(next)?;
        // Lines of one second stand in any order: refused if any of that second was.
        let same_second = self.visits.get(next..).unwrap_or_default().iter().take_while(|(t, _)| *t == time);
        let served = same_second.clone().all(|(_, served)| *served);
        let last = self.visits.get(..next).unwrap_or_default().iter().rev().find(|(_, served)| *served)?;
        Some((time, served, time - last.0))
    }
}
