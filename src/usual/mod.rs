//! What is usual, and whether what is new stands out from it. Owns the cheap question that spares most runs of a check
//! the dear one; knows no cause and calls nothing a fault.
//!
//! For each part of the site in which most are refused ([`Part`]), [`learn`] keeps what share of the clients of five
//! minutes is refused there, and how far that spreads. [`Recent::stands_out`] asks of the last five, ten ... sixty
//! minutes: are so many more clients refused in some part than that share of those who came that it is hardly chance?
//! Is one client refused more often than the busiest usually is? Detection asks for four clients at least and for
//! evidence beyond their number, and this asks for four and no evidence. What rises more slowly is left to the look that
//! is taken now and then anyway.

use crate::model::{
    tally::Ledger,
    time::Time,
    usual::{Part, Rates, Refused, SLICE_SECS, Usual},
};
use std::{cmp::Reverse, collections::BTreeMap};

/// What is recent: so many slices.
const RECENT_SLICES: u32 = 12;
/// Seconds of it.
pub const RECENT_SECS: u32 = RECENT_SLICES * SLICE_SECS;
/// A week tells what is usual; each slice more costs memory.
const LEARNT_SLICES: u32 = 7 * 86_400 / SLICE_SECS;
/// Parts that are kept of a site.
const PARTS_MAX: usize = 256;
/// Fewer clients than this are never a fault, nor is one that was refused less often an attack.
const CLIENTS_MIN: u32 = 4;
const REFUSALS_MIN: u32 = 20;
/// Deviance (of a Poisson count) above which a count is hardly chance. Hundreds of parts are asked for in each run, so
/// this is that of four times the spread: one in thirty thousand.
const DEVIANCE: f64 = 16.0;

/// Kinds of refusal.
const KINDS: usize = Refused::ALL.len();

/// Learns from requests what is usual.
#[must_use]
pub fn learn(ledger: &Ledger) -> Usual {
    let Some((first, last)) = ledger.span else { return Usual::default() };
    let slices = ((last.0 - first.0) / SLICE_SECS + 1).min(LEARNT_SLICES);
    let counts = Counts::new(ledger, last, slices, (1, PARTS_MAX));
    let hours = counts.busiest.chunks(RECENT_SLICES as usize).map(|hour| hour.iter().copied().max().unwrap_or(0));
    let mut hours: Vec<u32> = hours.collect();
    hours.sort_unstable();
    let busiest = hours.get(hours.len() * 49 / 50).copied().unwrap_or(0);
    let parts = counts.parts.iter().map(|part| (part.part.clone(), part.rates()));
    Usual { parts: parts.collect(), busiest }
}

/// The last hour, counted.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    counts: Counts,
}

impl Recent {
    /// Counts the last hour of some requests.
    #[must_use]
    pub fn new(ledger: &Ledger) -> Self {
        let Some((_, last)) = ledger.span else { return Self::default() };
        Self { counts: Counts::new(ledger, last, RECENT_SLICES, (CLIENTS_MIN, usize::MAX)) }
    }

    /// Whether more is refused than usual, of which something lies after `since`.
    #[must_use]
    pub fn stands_out(&self, usual: &Usual, since: Time) -> bool {
        let counts = &self.counts;
        let new_slices = (counts.last.0.saturating_sub(since.0) / SLICE_SECS + 1).min(RECENT_SLICES) as usize;
        let is_busy = |of_slice: &u32| *of_slice >= REFUSALS_MIN && *of_slice > usual.busiest;
        let none = Rates { share: [0.0; KINDS], spread: [1.0; KINDS] };
        let rates: BTreeMap<&Part, &Rates> = usual.parts.iter().map(|(part, rates)| (part, rates)).collect();
        counts.busiest.iter().take(new_slices).any(is_busy)
            || counts.parts.iter().any(|part| part.stands_out(rates.get(&part.part).unwrap_or(&&none), new_slices))
    }
}

/// Clients by part and slice; slices are counted back from the end.
#[derive(Clone, Debug, Default)]
struct Counts {
    last: Time,
    parts: Vec<PartCounts>,
    /// For each slice, the refusals that one client met at most in the hour that ends there.
    busiest: Vec<u32>,
}

/// Clients of a part.
#[derive(Clone, Debug, Default)]
struct PartCounts {
    part: Part,
    /// For each slice, how many came, and how many were refused in each way.
    slices: Vec<(u32, [u32; KINDS])>,
    /// Refused in each way, in all slices together.
    refused: [u32; KINDS],
}

impl Counts {
    /// Of the parts with `refusals_min` refusals at least, the `parts_max` with most.
    fn new(ledger: &Ledger, last: Time, slices: u32, (refusals_min, parts_max): (u32, usize)) -> Self {
        let from = Time(last.0.saturating_sub(slices * SLICE_SECS - 1));
        let (parts, of_shape) = parts(ledger, from, refusals_min, parts_max);
        let empty = |part| PartCounts { part, slices: vec![<_>::default(); slices as usize], ..PartCounts::default() };
        let parts: Vec<PartCounts> = parts.into_iter().map(empty).collect();
        let mut counts = Self { last, parts, busiest: vec![0; slices as usize] };
        let mut walk = Walk { came: vec![0; counts.parts.len()], refused: vec![[0; KINDS]; counts.parts.len()], ..Walk::default() };
        for client in 0..ledger.clients.len() {
            walk.client += 1;
            walk.times.clear();
            let own = ledger.visits_of(client);
            for seen in own.get(own.partition_point(|seen| seen.time() < from)..).unwrap_or_default() {
                let shape = ledger.shapes.get(seen.shape());
                let kind = shape.and_then(|shape| Refused::of(shape.status));
                let slice = (last.0.saturating_sub(seen.time().0) / SLICE_SECS) as usize;
                let parts = of_shape.get(seen.shape()).map(Vec::as_slice).unwrap_or_default();
                counts.count(&mut walk, parts, slice, kind);
                if kind.is_some_and(|kind| kind != Refused::Failed) {
                    walk.times.push_back(seen.time());
                    while walk.times.front().is_some_and(|first| first.0 + RECENT_SECS <= seen.time().0) {
                        walk.times.pop_front();
                    }
                    if let Some(busiest) = counts.busiest.get_mut(slice) {
                        *busiest = (*busiest).max(walk.times.len() as u32);
                    }
                }
            }
        }
        counts
    }

    /// Counts a request once for each part, slice and client.
    fn count(&mut self, walk: &mut Walk, parts: &[u32], slice: usize, kind: Option<Refused>) {
        let stamp = walk.client << 12 | slice as u64;
        for at in parts {
            let at = *at as usize;
            let Some(part) = self.parts.get_mut(at) else { continue };
            let Some((came, refused)) = part.slices.get_mut(slice) else { continue };
            if let Some(known) = walk.came.get_mut(at).filter(|known| **known != stamp) {
                *known = stamp;
                *came += 1;
            }
            let Some(kind) = kind.map(|kind| kind as usize) else { continue };
            let known = walk.refused.get_mut(at).and_then(|known| known.get_mut(kind));
            if let Some(known) = known.filter(|known| **known != stamp) {
                if *known >> 12 != walk.client {
                    part.refused.iter_mut().skip(kind).take(1).for_each(|refused| *refused += 1);
                }
                *known = stamp;
                refused.iter_mut().skip(kind).take(1).for_each(|refused| *refused += 1);
            }
        }
    }
}

/// Where a walk over the clients is.
#[derive(Default)]
struct Walk {
    client: u64,
    /// For each part, the client and slice that were counted last.
    came: Vec<u64>,
    refused: Vec<[u64; KINDS]>,
    /// When this client was refused in the last hour.
    times: std::collections::VecDeque<Time>,
}

/// The parts of a site where enough is refused, most first; and for each shape, those that it belongs to.
fn parts(ledger: &Ledger, from: Time, refusals_min: u32, parts_max: usize) -> (Vec<Part>, Vec<Vec<u32>>) {
    let mut refused = vec![0_u32; ledger.shapes.len()];
    for seen in ledger.visits.iter().filter(|seen| seen.time() >= from) {
        if let Some(refused) = refused.get_mut(seen.shape()) {
            *refused += 1;
        }
    }
    let parts_of = |at: usize| {
        let shape = ledger.shapes.get(at).copied().unwrap_or_default();
        let (host, path) = (ledger.names.get(shape.vhost), ledger.names.get(shape.path));
        let (one, two) = prefixes(path);
        let part = |host: &[u8], path: &[u8]| Part { host: host.to_vec(), path: path.to_vec() };
        let mut parts = vec![Part::default(), part(host, b""), part(host, one), part(host, two)];
        parts.dedup();
        (shape.status, parts)
    };
    let mut all: BTreeMap<Part, u32> = BTreeMap::new();
    for (at, requests) in refused.iter().enumerate().filter(|(_, requests)| **requests > 0) {
        let (status, parts) = parts_of(at);
        if Refused::of(status).is_some() {
            parts.into_iter().for_each(|part| *all.entry(part).or_default() += requests);
        }
    }
    let mut most: Vec<(Part, u32)> = all.into_iter().filter(|(_, requests)| *requests >= refusals_min).collect();
    most.sort_by(|(a, more), (b, less)| (Reverse(more), a).cmp(&(Reverse(less), b)));
    most.truncate(parts_max);
    let index: BTreeMap<&Part, u32> = most.iter().map(|(part, _)| part).zip(0..).collect();
    let of_shape = (0..ledger.shapes.len())
        .map(|at| parts_of(at).1.iter().filter_map(|part| index.get(part).copied()).collect())
        .collect();
    (most.into_iter().map(|(part, _)| part).collect(), of_shape)
}

/// A path's first segment, and its first two.
fn prefixes(path: &[u8]) -> (&[u8], &[u8]) {
    let end_of = |from: usize| {
        let rest = path.get(from..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'/').map_or(path.len(), |at| from + at)
    };
    let one = end_of(1);
    (path.get(..one).unwrap_or_default(), path.get(..end_of(one + 1)).unwrap_or(path))
}

impl PartCounts {
    /// What is usual where this was counted. What lies far outside is left out of the spread, so that an outage of last
    /// week does not make the next one look usual.
    fn rates(&self) -> Rates {
        const OUTSIDE: f64 = 0.02;
        /// Where hardly anybody is refused, one refusal alone is no wonder.
        const EXPECTED_MIN: f64 = 0.5;
        let mut rates = Rates::default();
        let came: u64 = self.slices.iter().map(|(came, _)| u64::from(*came)).sum();
        for ((share, spread), kind) in rates.share.iter_mut().zip(&mut rates.spread).zip(0..) {
            let refused = |slice: &(u32, [u32; KINDS])| slice.1.get(kind).copied().unwrap_or(0);
            let all: u64 = self.slices.iter().map(|slice| u64::from(refused(slice))).sum();
            *share = all as f64 / came.max(1) as f64;
            let busy = self.slices.iter().filter(|(came, _)| *came > 0);
            let off = busy.map(|slice| {
                let expected = f64::from(slice.0) * *share;
                (f64::from(refused(slice)) - expected).powi(2) / expected.max(EXPECTED_MIN)
            });
            let mut off: Vec<f64> = off.collect();
            off.sort_unstable_by(f64::total_cmp);
            off.truncate(off.len() - (off.len() as f64 * OUTSIDE).ceil() as usize);
            *spread = (off.iter().sum::<f64>() / off.len().max(1) as f64).max(1.0);
        }
        rates
    }

    /// Whether more was refused in the last slices than usual.
    fn stands_out(&self, usual: &Rates, new_slices: usize) -> bool {
        (0..KINDS).any(|kind| {
            let of = |rates: &[f64; KINDS]| rates.get(kind).copied().unwrap_or_default();
            let (share, spread) = (of(&usual.share), of(&usual.spread));
            if self.refused.get(kind).is_none_or(|clients| *clients < CLIENTS_MIN) {
                return false;
            }
            let count = |slice: &(u32, [u32; KINDS])| slice.1.get(kind).copied().unwrap_or(0);
            let is_more = |slices: &[(u32, [u32; KINDS])]| {
                let refused: u32 = slices.iter().map(count).sum();
                let expected = slices.iter().map(|(came, _)| f64::from(*came) * share).sum::<f64>();
                refused >= CLIENTS_MIN && deviance(f64::from(refused), expected) > DEVIANCE * spread
            };
            let has_new = |slices: &[(u32, [u32; KINDS])]| slices.iter().take(new_slices).any(|slice| count(slice) > 0);
            let ends_now = (1..=self.slices.len()).filter_map(|length| self.slices.get(..length));
            let each_new = self.slices.get(..new_slices).unwrap_or_default().chunks(1);
            ends_now.chain(each_new).any(|slices| has_new(slices) && is_more(slices))
        })
    }
}

/// How far a count lies above what is expected, as the square of so many standard deviations; 0 below it.
fn deviance(count: f64, expected: f64) -> f64 {
    /// Of a part in which nobody was refused yet that is all that is known.
    const EXPECTED_MIN: f64 = 0.05;
    let expected = expected.max(EXPECTED_MIN);
    if count <= expected { 0.0 } else { 2.0 * (count * (count / expected).ln() - (count - expected)) }
}

#[cfg(test)]
mod tests;
