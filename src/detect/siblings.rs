//! What else a fault took with it. The search for its scope counts clients that may remember, and some places have
//! few of them: who logs in twice a month, a settings page. By all requests together they show that nobody is
//! served there any more.

use super::{
    bounds::{Bounds, Dimension, topmost},
    facts::{Facts, Leaf},
    refine::Cluster,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Refusals that show that a place is hit.
const REFUSED_MIN: u64 = 3;

/// Requests to a leaf, of each client a few: refused and served while the fault lasted, and at other times.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    refused: u64,
    served: u64,
    refused_else: u64,
    served_else: u64,
}

impl Fate {
    /// Notes a request of one client.
    fn count(&mut self, is_inside: bool, is_served: bool) {
        /// What one client is asked for its opinion at most.
        const REQUESTS_MAX: u64 = 8;
        let count = match (is_inside, is_served) {
            (true, true) => &mut self.served,
            (true, false) => &mut self.refused,
            (false, true) => &mut self.served_else,
            (false, false) => &mut self.refused_else,
        };
        *count = (*count + 1).min(REQUESTS_MAX);
    }

    fn add(&mut self, other: &Self) {
        self.refused += other.refused;
        self.served += other.served;
        self.refused_else += other.refused_else;
        self.served_else += other.served_else;
    }

    /// Hardly anybody is served, where most were.
    fn is_dead(&self) -> bool {
        self.refused >= REFUSED_MIN && self.served * 10 <= self.refused && self.served_else >= self.refused_else
    }
}

/// The scope of a fault that is told by paths, with the paths and methods that died with it.
pub(crate) fn with_siblings(facts: &Facts<'_>, cluster: &Cluster, status: u16) -> Bounds {
    let mut bounds = cluster.bounds.clone();
    let is_by_path = bounds.nets.is_empty()
        && bounds.values.keys().all(|d| matches!(d, Dimension::Vhost | Dimension::Prefix | Dimension::Method));
    if !is_by_path || bounds.values.is_empty() {
        return bounds;
    }
    let hosts = bounds.values.get(&Dimension::Vhost).cloned();
    let fates = fates(facts, cluster, status);
    let guarded: Vec<(Leaf, Fate)> = fates
        .into_iter()
        .enumerate()
        .filter(|(_, fate)| fate.refused + fate.refused_else > 0)
        .map(|(leaf, fate)| (facts.leaf(leaf as u32), fate))
        .filter(|(leaf, _)| hosts.as_ref().is_none_or(|hosts| hosts.contains(&leaf.vhost)))
        .collect();
    let lies_in = |leaf: &Leaf, prefixes: &BTreeSet<u32>| leaf.prefix.iter().any(|prefix| prefixes.contains(prefix));
    if let Some(login) = dead_login(facts, &guarded, &bounds) {
        return login;
    }
    // Without what was named dead itself, as in a rollout, its siblings need not be either.
    if !sum(guarded.iter().filter(|(leaf, _)| cluster.bounds.hold(leaf))).is_dead() {
        return bounds;
    }
    let named = bounds.values.get(&Dimension::Prefix).cloned();
    if let Some(methods) = bounds.values.get(&Dimension::Method) {
        let is_named = |leaf: &Leaf| named.as_ref().is_none_or(|named| lies_in(leaf, named));
        let others = |(leaf, _): &&(Leaf, Fate)| is_named(leaf) && !methods.contains(&leaf.method);
        if sum(guarded.iter().filter(others)).is_dead() {
            bounds.values.remove(&Dimension::Method);
        }
    }
    let Some(named) = named else { return bounds };
    let methods = bounds.values.get(&Dimension::Method).cloned();
    let own: Vec<&(Leaf, Fate)> =
        guarded.iter().filter(|(leaf, _)| methods.as_ref().is_none_or(|m| m.contains(&leaf.method))).collect();
    let beside: Vec<&(Leaf, Fate)> = own.iter().copied().filter(|(leaf, _)| !lies_in(leaf, &named)).collect();
    let mut dead = named;
    for grain in 0..3 {
        let at = |leaf: &Leaf| leaf.prefix.get(grain).copied().unwrap_or_default();
        let places: BTreeSet<u32> = beside.iter().map(|(leaf, _)| at(leaf)).collect();
        for place in places {
            let below = |(leaf, _): &&&(Leaf, Fate)| at(leaf) == place && facts.prefix_text(place) != "/";
            let is_more = !beside.iter().any(|(leaf, _)| at(leaf) == place && lies_in(leaf, &dead));
            // What lies beside the named must have died by itself, and the place as a whole too.
            if is_more
                && sum(beside.iter().copied().filter(|b| below(&b))).is_dead()
                && sum(own.iter().copied().filter(|b| below(&b))).is_dead()
            {
                dead.insert(place);
            }
        }
    }
    bounds.values.insert(Dimension::Prefix, topmost(facts, &dead));
    bounds
}

/// The bounds narrowed to the places to log in, where these are dead and hold most of the refusals, and most of what was
/// named with them lives: whose session ends meanwhile cannot begin another, which is a consequence.
fn dead_login(facts: &Facts<'_>, guarded: &[(Leaf, Fate)], bounds: &Bounds) -> Option<Bounds> {
    let own = || guarded.iter().filter(|(leaf, _)| bounds.hold(leaf));
    let is_login = |(leaf, _): &&(Leaf, Fate)| facts.route(leaf.route).logs_in;
    let (login, rest) = (sum(own().filter(is_login)), sum(own().filter(|own| !is_login(own))));
    // Not only what was named: who is logged in goes on everywhere.
    let others = sum(guarded.iter().filter(|other| !is_login(other)));
    if !login.is_dead() || login.refused < rest.refused || others.served < others.refused.max(REFUSED_MIN) {
        return None;
    }
    let refused = || own().filter(is_login).filter(|(_, fate)| fate.refused > 0);
    let places: BTreeSet<u32> = refused().map(|(leaf, _)| leaf.prefix[2]).collect();
    let mut narrowed = bounds.clone();
    narrowed.values.insert(Dimension::Method, refused().map(|(leaf, _)| leaf.method).collect());
    narrowed.values.insert(Dimension::Prefix, places);
    Some(narrowed)
}

fn sum<'f>(fates: impl Iterator<Item = &'f (Leaf, Fate)>) -> Fate {
    fates.fold(Fate::default(), |mut sum, (_, fate)| {
        sum.add(fate);
        sum
    })
}

/// The fate of every leaf, by all clients that may be evidence; one that asks without end counts as often as others.
fn fates(facts: &Facts<'_>, cluster: &Cluster, status: u16) -> Vec<Fate> {
    let empty = || vec![Fate::default(); facts.leaves.len()];
    let count = |mut fates: Vec<Fate>, client: usize| {
        let mut own: BTreeMap<u32, Fate> = BTreeMap::new();
        for visit in facts.ledger.visits_of(client) {
            let shape = facts.shape(visit.shape());
            if shape.served || shape.status == status {
                let is_inside = (cluster.from..cluster.to).contains(&visit.time().0);
                own.entry(shape.leaf).or_default().count(is_inside, shape.served);
            }
        }
        for (leaf, fate) in own {
            if let Some(sum) = fates.get_mut(leaf as usize) {
                sum.add(&fate);
            }
        }
        fates
    };
    let clients = (0..facts.ledger.clients.len()).into_par_iter().filter(|client| facts.is_evident(*client as u32));
    clients.fold(empty, count).reduce(empty, |mut a, b| {
        a.iter_mut().zip(&b).for_each(|(a, b)| a.add(b));
        a
    })
}
