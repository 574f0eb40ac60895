//! A proxy's address where those of clients should be: the setting that restores them was lost, so everybody seems to
//! have gone at once and somebody new has come with everybody's user agents.
//!
//! Such an address says nothing of who asks, so a user agent's past stands for its clients': what it had been served at
//! other addresses, they had been.

use super::facts::Facts;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// The clients that stand at proxies' addresses.
#[derive(Default)]
pub(crate) struct Relays {
    clients: Vec<Range<u32>>,
    /// Routes that each of their user agents was served on at other addresses.
    served: BTreeMap<u32, Vec<u32>>,
}

/// An address at which several user agents were refused.
struct Suspect {
    clients: Range<u32>,
    refused: usize,
    from: u32,
    to: u32,
}

impl Relays {
    pub(crate) fn find(facts: &Facts<'_>) -> Self {
        /// Addresses looked into at most: each costs a look at every client.
        const SUSPECTS_MAX: usize = 8;
        let mut suspects = suspects(facts);
        suspects.sort_by_key(|s| (std::cmp::Reverse(s.refused), s.clients.start));
        suspects.truncate(SUSPECTS_MAX);
        let own: Vec<Range<u32>> = suspects.iter().map(|s| s.clients.clone()).collect();
        suspects.retain(|suspect| others_vanish(facts, suspect, &own));
        let mut clients: Vec<Range<u32>> = suspects.into_iter().map(|suspect| suspect.clients).collect();
        clients.sort_by_key(|clients| clients.start);
        Self { served: served_elsewhere(facts, &clients), clients }
    }

    pub(crate) fn holds(&self, client: u32) -> bool {
        self.clients.iter().any(|clients| clients.contains(&client))
    }

    /// The routes that a client behind a proxy may be taken to have been served on.
    pub(crate) fn routes(&self, facts: &Facts<'_>, client: u32) -> &[u32] {
        if !self.holds(client) {
            return &[];
        }
        self.served.get(&agent(facts, client)).map(Vec::as_slice).unwrap_or_default()
    }
}

fn agent(facts: &Facts<'_>, client: u32) -> u32 {
    facts.ledger.clients.get(client as usize).map_or(0, |key| key.agent)
}

/// Addresses with several refused user agents; clients stand in order of their addresses.
fn suspects(facts: &Facts<'_>) -> Vec<Suspect> {
    const AGENTS_MIN: usize = 4;
    let addr = |client: u32| facts.ledger.clients.get(client as usize).map_or(0, |key| key.addr);
    let evident = facts.ledger.refusals.iter().filter(|refusal| facts.is_evident(refusal.client));
    let evident: Vec<(u32, u32)> = evident.map(|refusal| (refusal.client, refusal.time.0)).collect();
    let suspect = |own: &[(u32, u32)]| {
        let refused = own.chunk_by(|a, b| a.0 == b.0).count();
        let at = addr(own.first()?.0);
        let first = facts.ledger.clients.partition_point(|key| key.addr < at) as u32;
        let end = facts.ledger.clients.partition_point(|key| key.addr <= at) as u32;
        let times = || own.iter().map(|(_, time)| *time);
        (refused >= AGENTS_MIN).then_some(Suspect {
            clients: first..end,
            refused,
            from: times().min()?,
            to: times().max()? + 1,
        })
    };
    evident.chunk_by(|a, b| addr(a.0) == addr(b.0)).filter_map(suspect).collect()
}

/// Whether nearly all other addresses are gone while this one is refused, and were there before and after.
fn others_vanish(facts: &Facts<'_>, suspect: &Suspect, own: &[Range<u32>]) -> bool {
    const LEFT_MAX: f64 = 0.25;
    const USUAL_MIN: usize = 8;
    let Some((first, last)) = facts.ledger.span else { return false };
    let length = suspect.to - suspect.from;
    let others = |from: u32, to: u32| {
        let asks = |client: &u32| {
            let visits = facts.ledger.visits_of(*client as usize);
            let at = visits.partition_point(|visit| visit.time().0 < from);
            visits.get(at).is_some_and(|visit| visit.time().0 < to)
        };
        let all = (0..facts.ledger.clients.len() as u32).into_par_iter();
        let all = all.filter(|c| facts.is_evident(*c) && !own.iter().any(|own| own.contains(c))).filter(asks);
        let mut addrs: Vec<u128> =
            all.filter_map(|client| facts.ledger.clients.get(client as usize)).map(|key| key.addr).collect();
        addrs.dedup();
        addrs.len()
    };
    let before = (suspect.from.saturating_sub(length) >= first.0).then(|| others(suspect.from - length, suspect.from));
    let after = (suspect.to.saturating_add(length) <= last.0 + 1).then(|| others(suspect.to, suspect.to + length));
    let usual = before.into_iter().chain(after).min().unwrap_or(0);
    usual >= USUAL_MIN && others(suspect.from, suspect.to) as f64 <= LEFT_MAX * usual as f64
}

/// Where each user agent of some clients was served at other addresses.
fn served_elsewhere(facts: &Facts<'_>, own: &[Range<u32>]) -> BTreeMap<u32, Vec<u32>> {
    let mut served: BTreeMap<u32, BTreeSet<u32>> =
        own.iter().flat_map(Clone::clone).map(|client| (agent(facts, client), BTreeSet::new())).collect();
    for client in 0..if own.is_empty() { 0 } else { facts.ledger.clients.len() as u32 } {
        let Some(routes) = served.get_mut(&agent(facts, client)) else { continue };
        if !own.iter().any(|own| own.contains(&client)) {
            let shapes = facts.ledger.visits_of(client as usize).iter().map(|visit| facts.shape(visit.shape()));
            routes.extend(shapes.filter(|shape| shape.served).map(|shape| shape.route));
        }
    }
    served.into_iter().map(|(agent, routes)| (agent, routes.into_iter().collect())).collect()
}
