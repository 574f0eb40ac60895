//! When a fault began and ended: the segment of time with the greatest log-likelihood ratio of "fails at the incident's
//! rate" against "fails at the usual rate" (Kadane's maximum-sum segment).

use super::{
    refine::likelihood,
    table::{Table, Usual, span},
    trials::{Trial, Units},
};

/// The best segment near a window; looked for farther around as long as it goes on to the edge of what was looked at.
pub(crate) fn widening_segment(
    table: &mut Table,
    is_own: impl Fn(&Trial) -> bool,
    from: u32,
    to: u32,
) -> Option<(u32, u32)> {
    const DAY_SECS: u32 = 86_400;
    let mut margin = (to - from).saturating_mul(4).max(DAY_SECS);
    loop {
        let (low, high) = (from.saturating_sub(margin), to.saturating_add(margin));
        let segment = best_segment(table, &is_own, (low, high), from, to)?;
        let edge = margin / 8;
        let reaches = segment.0 < low.saturating_add(edge) || segment.1 > high.saturating_sub(edge);
        let is_all =
            table.trials.first().is_none_or(|t| t.time >= low) && table.trials.last().is_none_or(|t| t.time < high);
        if !reaches || is_all {
            return Some(segment);
        }
        margin = margin.saturating_mul(4);
    }
}

pub(crate) fn within(trial: &Trial, from: u32, to: u32) -> bool {
    trial.time >= from && trial.time < to
}

/// The maximum-sum segment of a region that meets `[from, to)`.
fn best_segment(
    table: &mut Table,
    is_own: &impl Fn(&Trial) -> bool,
    (low, high): (u32, u32),
    from: u32,
    to: u32,
) -> Option<(u32, u32)> {
    let Table { trials, cells, units, .. } = table;
    let own: Vec<&Trial> = span(trials, low, high).iter().filter(|t| is_own(t)).collect();
    let (mut from, mut to) = (from, to);
    for _ in 0..3 {
        let usual = cells.usual(span(trials, from, to));
        units.clear();
        own.iter().filter(|t| within(t, from, to)).for_each(|t| units.add(t, usual.of(t)));
        if units.failing == 0 {
            return None;
        }
        let odds = odds_ratio(units);
        let next = densest(&own, &usual, units, odds, (from, to))?;
        if next == (from, to) {
            break;
        }
        (from, to) = next;
    }
    Some((from, to))
}

/// Of the segments for these odds and for higher ones, the one with the greatest likelihood: odds that are learnt from a
/// window much longer than the fault are too low, and their segment takes in what only touches it.
fn densest(own: &[&Trial], usual: &Usual, units: &mut Units, odds: f64, (from, to): (u32, u32)) -> Option<(u32, u32)> {
    let mut best = None::<(f64, (u32, u32))>;
    for times in [1.0, 4.0, 16.0] {
        let Some(segment) = maximum_sum(own, usual, units, odds * times, from, to) else { continue };
        if best.is_some_and(|(_, other)| other == segment) {
            continue;
        }
        units.clear();
        own.iter().filter(|t| within(t, segment.0, segment.1)).for_each(|t| units.add(t, usual.of(t)));
        let value = likelihood(units);
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, segment));
        }
    }
    best.map(|(_, segment)| segment)
}

/// By how much the odds of failing are raised over the usual ones; at least threefold, or it is no incident.
fn odds_ratio(units: &Units) -> f64 {
    let (f, a) = (f64::from(units.failing), f64::from(units.active));
    let e = units.expected.clamp(1e-3, a * 0.9);
    ((f + 0.1) / (a - f + 0.1) / (e / (a - e))).max(3.0)
}

/// Kadane's algorithm over events in order of time. Each is weighed by how likely it is at raised odds against the
/// usual ones of its like: what often fails by itself gains little by failing.
fn maximum_sum(own: &[&Trial], usual: &Usual, units: &mut Units, odds: f64, from: u32, to: u32) -> Option<(u32, u32)> {
    units.clear();
    let (mut best, mut sum, mut start) = (None::<(f64, u32, u32)>, 0.0, None);
    for trial in own {
        if !units.add_event(trial, 0.0) {
            continue;
        }
        let usual = f64::from(usual.of(trial));
        if sum <= 0.0 {
            (sum, start) = (0.0, None);
        }
        let raised = (odds * usual / (1.0 - usual + odds * usual)).min(0.99);
        sum += if trial.failed { (raised / usual).ln() } else { ((1.0 - raised) / (1.0 - usual)).ln() };
        if trial.failed {
            let begun = *start.get_or_insert(trial.time);
            let end = trial.last.max(trial.time) + 1;
            let meets = begun < to && end > from;
            if meets && best.is_none_or(|(value, _, _)| sum > value) {
                best = Some((sum, begun, end));
            }
        }
    }
    best.map(|(_, from, to)| (from, to))
}
