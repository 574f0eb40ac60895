//! What comes back: the same share of the same scope is refused at the same hour of other weeks, or of most other days.
//!
//! A fault may come back, with what runs at that hour. What is planned, and what clients do by habit, comes back nearly
//! every time: to whoever knows the other weeks it is the usual of that hour, and nobody is to be woken for it.

use super::{facts::Facts, refine::Cluster, scan::CLIENTS_MIN, table::span, trials::Trial};
use crate::model::{incident::Evidence, tally::Refusal};
use std::collections::BTreeSet;

const HOUR_SECS: u32 = 3600;
/// As large a share is this part of it.
const ALIKE: f64 = 0.5;
/// One client alone comes back whenever it likes.
const COMPANY: u32 = 1;
/// At other hours the share is this part of its first hour's at most, or else it does not come back but goes on.
const ELSEWHERE_MAX: f64 = 0.5;

/// After what length of time something may come back.
struct Period {
    secs: u32,
    name: &'static str,
    /// So many other times make a habit.
    habit_min: u32,
    figures: [&'static str; 2],
}

/// A day needs more of them than a week: what breaks each night for half a week is news, what was so on three Mondays is
/// not.
const PERIODS: [Period; 2] = [
    Period { secs: 86_400, name: "day", habit_min: 4, figures: ["other_days_alike", "other_days"] },
    Period { secs: 604_800, name: "week", habit_min: 2, figures: ["other_weeks_alike", "other_weeks"] },
];

/// What looks like a fault and is the usual of its hour.
pub(crate) struct Habit {
    pub(crate) status: u16,
    pub(crate) cluster: Cluster,
    pub(crate) recurrence: Recurrence,
}

impl Habit {
    /// Whether a refusal belongs to it.
    pub(crate) fn holds(&self, facts: &Facts<'_>, refusal: &Refusal) -> bool {
        let (Cluster { from, to, bounds, .. }, shape) = (&self.cluster, facts.shape(refusal.shape as usize));
        let is_then = shape.status == self.status && (*from..*to).contains(&refusal.time.0);
        is_then && bounds.contain(facts, shape.leaf, refusal.client)
    }
}

/// How often a cluster comes back.
pub(crate) struct Recurrence {
    period: &'static Period,
    /// Other days or weeks in which as large a share was refused at the same hour.
    alike: u32,
    /// Other days or weeks in which the scope was used at that hour.
    others: u32,
    /// Clients refused in those that are alike.
    refused: u32,
}

impl Recurrence {
    /// Of a cluster, by day or else by week; none if it never came.
    pub(crate) fn find(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> Option<Self> {
        let counted = PERIODS.iter().filter_map(|period| Self::by(period, facts, trials, cluster));
        let regularity = |found: &Self| (found.is_habit(), f64::from(found.alike) / f64::from(found.others));
        let found = counted.filter(|counted| counted.alike > 0);
        found.max_by(|a, b| regularity(a).partial_cmp(&regularity(b)).unwrap_or(std::cmp::Ordering::Equal))
    }

    /// Whether it is the usual of its hour.
    pub(crate) fn is_habit(&self) -> bool {
        self.alike >= self.period.habit_min && self.alike * 3 >= self.others * 2 && self.refused >= CLIENTS_MIN
    }

    fn by(period: &'static Period, facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> Option<Self> {
        let (first, last) = (trials.first()?.time, trials.last()?.time);
        let length = cluster.to - cluster.from;
        let rest = period.secs.checked_sub(length + HOUR_SECS)?;
        let count = |from: u32, length: u32| Count::new(facts, trials, cluster, from, from.saturating_add(length));
        let (at, first_hour) = (|from| count(from, length), |from| count(from, length.min(HOUR_SECS)));
        let now = at(cluster.from);
        let hours = (1..24).map(|hours| hours * HOUR_SECS).filter(|ago| (length + HOUR_SECS..rest).contains(ago));
        let elsewhere: Count = hours.filter_map(|ago| cluster.from.checked_sub(ago)).map(first_hour).sum();
        if elsewhere.share() > ELSEWHERE_MAX * first_hour(cluster.from).share() {
            return None;
        }
        let before = (1..).map_while(|n: u32| cluster.from.checked_sub(n.checked_mul(period.secs)?));
        let before = before.take_while(|from| *from >= first.max(HOUR_SECS));
        let after = (1..).map_while(|n: u32| cluster.from.checked_add(n.checked_mul(period.secs)?));
        let after = after.take_while(|from| *from <= last.saturating_sub(length));
        // Clocks change by an hour, twice a year.
        let near = |from: u32| [from, from - HOUR_SECS, from.saturating_add(HOUR_SECS)].map(at);
        let is_alike = |then: &Count| then.refused >= COMPANY && then.share() >= ALIKE * now.share();
        let used = before.chain(after).filter(|from| at(*from).active >= COMPANY);
        let used: Vec<Option<Count>> = used.map(|from| near(from).into_iter().find(is_alike)).collect();
        let refused = used.iter().flatten().map(|then| then.refused).sum();
        Some(Self { period, alike: used.iter().flatten().count() as u32, others: used.len() as u32, refused })
    }

    /// In which other days or weeks, in words.
    pub(crate) fn when(&self) -> String {
        let name = self.period.name;
        match (self.alike, self.others) {
            (1, 1) => format!("one {name} apart"),
            (n, of) if n == of => format!("in each of {of} other {name}s"),
            (n, of) => format!("in {n} of {of} other {name}s"),
        }
    }

    /// Said against a fault.
    pub(crate) fn evidence(&self) -> Evidence {
        let [alike, others] = self.period.figures;
        Evidence {
            supports: false,
            text: format!(
                "as large a share was refused here at the same hour {}: something that comes back",
                self.when()
            ),
            figures: [(alike, f64::from(self.alike)), (others, f64::from(self.others))].into(),
        }
    }
}

/// Distinct clients of a scope in a span.
#[derive(Clone, Copy, Default)]
struct Count {
    refused: u32,
    active: u32,
}

impl Count {
    fn new(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster, from: u32, to: u32) -> Self {
        let (mut refused, mut active) = (BTreeSet::new(), BTreeSet::new());
        for trial in span(trials, from, to).iter().filter(|t| cluster.bounds.contain(facts, t.leaf, t.client)) {
            active.insert(trial.client);
            refused.extend(trial.failed.then_some(trial.client));
        }
        Self { refused: refused.len() as u32, active: active.len() as u32 }
    }

    fn share(self) -> f64 {
        f64::from(self.refused) / f64::from(self.active.max(1))
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |a, b| Self { refused: a.refused + b.refused, active: a.active + b.active })
    }
}
