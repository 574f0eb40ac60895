//! Whether it is the pace that is refused: a limit lets each client have so many requests, and then refuses until it
//! slows down. A fault does not count.

use super::{
    facts::{Facts, ShapeFacts},
    refine::Cluster,
    verdict::visits_between,
};
use std::collections::BTreeSet;

/// The share of refused requests with more served ones in the hour before them than the client's median served request
/// has, each client by itself. None where few clients were both served and refused.
pub(crate) fn follows_pace(facts: &Facts<'_>, cluster: &Cluster, status: u16, victims: &BTreeSet<u32>) -> Option<f64> {
    const CLIENTS_MIN: u32 = 4;
    let (mut busy, mut all, mut clients) = (0, 0, 0);
    for client in victims {
        let (own_busy, own) = refused_when_busy(facts, cluster, status, *client);
        (busy, all, clients) = (busy + own_busy, all + own, clients + u32::from(own > 0));
    }
    (clients >= CLIENTS_MIN && clients as usize * 2 >= victims.len()).then(|| f64::from(busy) / f64::from(all))
}

/// One client's refusals in scope that come when it had been served more than usual, and all; none of one that was
/// served too little to tell. What it was served counts wherever it was: a limit counts everything.
fn refused_when_busy(facts: &Facts<'_>, cluster: &Cluster, status: u16, client: u32) -> (u32, u32) {
    const LOOK_BACK_SECS: u32 = 3600;
    const SERVED_MIN: usize = 4;
    let visits = visits_between(facts, client, cluster.from.saturating_sub(LOOK_BACK_SECS), cluster.to);
    let served: Vec<u32> = visits.iter().filter(|v| facts.shape(v.shape()).served).map(|v| v.time().0).collect();
    let until = |time: u32| served.partition_point(|at| *at < time);
    let before = |time: u32| until(time) - until(time.saturating_sub(LOOK_BACK_SECS));
    let inside = served.get(until(cluster.from)..).unwrap_or_default();
    let mut counts: Vec<usize> = inside.iter().map(|time| before(*time)).collect();
    counts.sort_unstable();
    let Some(usual) = counts.get(counts.len() / 2).filter(|_| counts.len() >= SERVED_MIN) else { return (0, 0) };
    let is_refused = |shape: ShapeFacts| shape.status == status && cluster.bounds.contain(facts, shape.leaf, client);
    let refused =
        visits.iter().filter(|visit| visit.time().0 >= cluster.from && is_refused(facts.shape(visit.shape())));
    refused.fold((0, 0), |(busy, all), visit| (busy + u32::from(before(visit.time().0) > *usual), all + 1))
}
