//! The evidence, one trial each: a client that may remember asked for one kind of thing in one quarter of an
//! hour, and was refused or not. Retries within the quarter do not multiply it.

use super::{
    agent::Kind,
    facts::Facts,
    ground::Ground,
    history::{Past, Walk},
    scan::{Channel, fails_on},
};
use rayon::prelude::*;

/// Length of a slot.
pub(crate) const SLOT_SECS: u32 = 900;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Trial {
    /// Of the first failure, or else of the first request.
    pub(crate) time: u32,
    pub(crate) client: u32,
    pub(crate) leaf: u32,
    pub(crate) failed: bool,
    /// Of the last failure, or else of the last request.
    pub(crate) last: u32,
    /// The client had been served here, not only anybody.
    pub(crate) known: bool,
    /// Number of its client and slot: what is counted once however many things were asked for.
    pub(crate) unit: u32,
    /// What it is compared with: its route, or the stratum of time since the client was served; in a table, the
    /// number of that and its class of client.
    pub(crate) cell: u32,
}

impl Trial {
    pub(crate) fn slot(&self) -> u32 {
        self.time / SLOT_SECS
    }
}

/// Counts events, one for each unit and outcome: a client that was refused one thing and served another within
/// a quarter of an hour is one failure and one success, which is what tells the two things apart.
pub(crate) struct Units {
    /// For each unit the highest usual rate of its served and of its failed trials so far; 0 is none.
    seen: Vec<[f32; 2]>,
    touched: Vec<u32>,
    /// Events in all.
    pub(crate) active: u32,
    /// Of them, failures.
    pub(crate) failing: u32,
    /// Failures that the usual rates would give.
    pub(crate) expected: f64,
    /// Logarithm of how likely all outcomes are at the usual rates.
    pub(crate) ln_usual: f64,
}

impl Units {
    pub(crate) fn new(trials: &[Trial]) -> Self {
        let units = trials.iter().map(|t| t.unit + 1).max().unwrap_or(0);
        Self {
            seen: vec![[0.0; 2]; units as usize],
            touched: Vec::new(),
            active: 0,
            failing: 0,
            expected: 0.0,
            ln_usual: 0.0,
        }
    }

    pub(crate) fn clear(&mut self) {
        for unit in self.touched.drain(..) {
            if let Some(seen) = self.seen.get_mut(unit as usize) {
                *seen = [0.0; 2];
            }
        }
        (self.active, self.failing, self.expected, self.ln_usual) = (0, 0, 0.0, 0.0);
    }

    /// Adds a trial whose like fails at `usual`.
    pub(crate) fn add(&mut self, trial: &Trial, usual: f32) {
        self.add_event(trial, usual);
    }

    /// As [`Units::add`]; tells whether it made a new event.
    pub(crate) fn add_event(&mut self, trial: &Trial, usual: f32) -> bool {
        let Some(seen) = self.seen.get_mut(trial.unit as usize) else { return false };
        if *seen == [0.0; 2] {
            self.touched.push(trial.unit);
        }
        let rate = &mut seen[usize::from(trial.failed)];
        let is_new = *rate == 0.0;
        self.active += u32::from(is_new);
        self.failing += u32::from(is_new && trial.failed);
        let higher = rate.max(usual.max(1e-6));
        self.expected += f64::from(higher - *rate);
        if higher > *rate {
            let ln = |rate: f32| if trial.failed { f64::from(rate).ln() } else { f64::from(1.0 - rate).ln() };
            self.ln_usual += ln(higher) - if is_new { 0.0 } else { ln(*rate) };
        }
        *rate = higher;
        is_new
    }
}

/// All trials of a channel, in order of time.
pub(crate) fn collect(facts: &Facts<'_>, pasts: &[Past], ground: &Ground, channel: Channel) -> Vec<Trial> {
    /// Clients handed to one worker at a time.
    const CLIENTS_PER_TASK: usize = 1024;
    let clients = facts.ledger.clients.len();
    let parts: Vec<Vec<Trial>> = (0..clients.div_ceil(CLIENTS_PER_TASK))
        .into_par_iter()
        .map(|task| {
            let (mut walk, mut out) = (Walk::new(facts), Vec::new());
            for client in task * CLIENTS_PER_TASK..((task + 1) * CLIENTS_PER_TASK).min(clients) {
                if facts.is_evident(client as u32) {
                    collect_client(facts, pasts, ground, channel, client, &mut walk, &mut out);
                }
            }
            out
        })
        .collect();
    let mut trials = parts.concat();
    number_units(&mut trials);
    trials.par_sort_unstable();
    trials
}

/// Trials come client by client, each in order of slot.
fn number_units(trials: &mut [Trial]) {
    let (mut unit, mut last) = (0, None);
    for trial in trials {
        let own = (trial.client, trial.slot());
        unit += u32::from(last.is_some_and(|last| last != own));
        (trial.unit, last) = (unit, Some(own));
    }
}

fn collect_client(
    facts: &Facts<'_>,
    pasts: &[Past],
    ground: &Ground,
    channel: Channel,
    client: usize,
    walk: &mut Walk,
    out: &mut Vec<Trial>,
) {
    let visits = facts.ledger.visits_of(client);
    walk.take(facts, client as u32);
    let mut refusal = facts.ledger.refusals.partition_point(|r| (r.client as usize) < client);
    let is_browser = facts.kind(client as u32) == Kind::Browser;
    let mut own: Vec<Trial> = Vec::new();
    for visit in visits {
        let shape = facts.shape(visit.shape());
        let time = visit.time().0;
        let is_open = ground.is_open(shape.route);
        let (counts, failed, known, stratum) = if matches!(shape.status, 401 | 403) {
            refusal += 1;
            let past = pasts.get(refusal - 1).copied().unwrap_or_default();
            let failed = fails_on(channel, shape.status, &past, is_open, is_browser, ground);
            (failed, failed, past.on_route || channel == Channel::Gap401, past.stratum)
        } else if shape.served {
            let stratum = walk.serve(facts, shape.route, time);
            let known = walk.is_known(shape.route, time);
            let counts =
                if channel == Channel::Gap401 { ground.telling.tells(is_browser, stratum) } else { known || is_open };
            (counts, false, known, stratum)
        } else {
            (false, false, false, None)
        };
        if counts {
            let cell = if channel == Channel::Gap401 { stratum.map_or(u32::MAX, u32::from) } else { shape.route };
            own.push(Trial { time, client: client as u32, leaf: shape.leaf, failed, last: time, known, unit: 0, cell });
        }
    }
    own.sort_unstable_by_key(|t| (t.slot(), t.leaf, !t.failed, t.time));
    for trial in own {
        match out
            .last_mut()
            .filter(|last| last.client == trial.client && last.slot() == trial.slot() && last.leaf == trial.leaf)
        {
            Some(last) => {
                last.known |= trial.known;
                if last.failed == trial.failed {
                    last.last = last.last.max(trial.time);
                }
            }
            None => out.push(trial),
        }
    }
}
