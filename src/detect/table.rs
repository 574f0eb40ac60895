//! A channel's trials, ready to be counted, and how often their like fails.
//!
//! Trials are in order of time, so any span is a slice. Each belongs to a cell, the things it is compared with, and
//! all cells are added up once: what happened outside a span is the whole less the span.

use super::{
    agent::Kind,
    facts::Facts,
    trials::{Trial, Units},
};
use std::collections::HashMap;

/// See the module.
pub(crate) struct Table {
    pub(crate) trials: Vec<Trial>,
    pub(crate) cells: Cells,
    pub(crate) units: Units,
    pub(crate) run: Units,
}

/// Sums of all trials by cell, by what cells have in common, and in all: failing and active.
pub(crate) struct Cells {
    like_of: Vec<u32>,
    by_cell: Vec<(u32, u32)>,
    by_like: Vec<(u32, u32)>,
    all: (u32, u32),
}

impl Table {
    pub(crate) fn new(facts: &Facts<'_>, mut trials: Vec<Trial>) -> Self {
        let cells = Cells::new(facts, &mut trials);
        let (units, run) = (Units::new(&trials), Units::new(&trials));
        Self { trials, cells, units, run }
    }
}

/// The trials of a span.
pub(crate) fn span(trials: &[Trial], from: u32, to: u32) -> &[Trial] {
    let start = trials.partition_point(|t| t.time < from);
    let end = trials.partition_point(|t| t.time < to);
    trials.get(start..end.max(start)).unwrap_or_default()
}

fn add(sums: &mut [(u32, u32)], at: u32, failed: bool) {
    if let Some((failing, active)) = sums.get_mut(at as usize) {
        *failing += u32::from(failed);
        *active += 1;
    }
}

fn less(whole: (u32, u32), part: (u32, u32)) -> (u32, u32) {
    (whole.0.saturating_sub(part.0), whole.1.saturating_sub(part.1))
}

impl Cells {
    fn new(facts: &Facts<'_>, trials: &mut [Trial]) -> Self {
        let mut ids: HashMap<(u32, u32), u32, foldhash::fast::FixedState> = HashMap::default();
        let mut likes: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut cells = Self { like_of: Vec::new(), by_cell: Vec::new(), by_like: Vec::new(), all: (0, 0) };
        for trial in trials {
            let next = ids.len() as u32;
            let like = trial.cell;
            trial.cell = *ids.entry((like, class_of(facts, trial.client))).or_insert_with(|| {
                let next_like = likes.len() as u32;
                cells.like_of.push(*likes.entry(like).or_insert(next_like));
                next
            });
            cells.by_cell.resize(ids.len(), (0, 0));
            cells.by_like.resize(likes.len(), (0, 0));
            cells.count(trial);
        }
        cells
    }

    fn count(&mut self, trial: &Trial) {
        let like = self.like_of.get(trial.cell as usize).copied().unwrap_or(0);
        add(&mut self.by_cell, trial.cell, trial.failed);
        add(&mut self.by_like, like, trial.failed);
        self.all = (self.all.0 + u32::from(trial.failed), self.all.1 + 1);
    }

    /// The rates outside a span.
    pub(crate) fn usual(&self, inside: &[Trial]) -> Usual {
        let empty = |sums: &[(u32, u32)]| vec![(0, 0); sums.len()];
        let mut part = Self {
            like_of: self.like_of.clone(),
            by_cell: empty(&self.by_cell),
            by_like: empty(&self.by_like),
            all: (0, 0),
        };
        inside.iter().for_each(|trial| part.count(trial));
        let whole = drawn(less(self.all, part.all), 0.01).min(0.3);
        let likes = self.by_like.iter().zip(&part.by_like).map(|(all, part)| drawn(less(*all, *part), whole));
        let likes: Vec<f64> = likes.collect();
        let cells = self.by_cell.iter().zip(&part.by_cell).zip(&self.like_of);
        let rates = cells.map(|((all, part), like)| {
            let prior = likes.get(*like as usize).copied().unwrap_or(whole);
            drawn(less(*all, *part), prior).clamp(1e-4, 0.8) as f32
        });
        Usual { rates: rates.collect() }
    }
}

/// How often trials fail outside a span: by route and class of client, drawn towards the route, the route towards
/// the whole. Tools that log in badly all day do not make browsers look usual, nor the reverse.
pub(crate) struct Usual {
    rates: Vec<f32>,
}

impl Usual {
    pub(crate) fn of(&self, trial: &Trial) -> f32 {
        self.rates.get(trial.cell as usize).copied().unwrap_or(0.01)
    }
}

/// A share, drawn towards a prior as if that had been seen on so many trials.
fn drawn((failing, active): (u32, u32), prior: f64) -> f64 {
    const WEIGHT: f64 = 20.0;
    (f64::from(failing) + prior * WEIGHT) / (f64::from(active) + WEIGHT)
}

/// Browsers are one class; every tool is its own.
fn class_of(facts: &Facts<'_>, client: u32) -> u32 {
    if facts.kind(client) == Kind::Browser {
        u32::MAX
    } else {
        facts.families_of(client).last().copied().unwrap_or(u32::MAX - 1)
    }
}
