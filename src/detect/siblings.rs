//! What else a fault took with it. The search for its scope counts clients that may remember, and some places have
//! few of them: who logs in twice a month, a settings page. By all requests together they show that nobody is
//! served there any more.

use super::{
    bounds::{Bounds, Dimension, topmost},
    facts::{Facts, Leaf},
    refine::Cluster,
    verdict::visits_between,
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
    let bounds = &cluster.bounds;
    let is_by_path = bounds.nets.is_empty()
        && bounds.values.keys().all(|d| matches!(d, Dimension::Vhost | Dimension::Prefix | Dimension::Method));
    if !is_by_path || bounds.values.is_empty() {
        return bounds.clone();
    }
    let is_named_dead = |guarded: &[(Leaf, Fate)]| sum(guarded.iter().filter(|(leaf, _)| bounds.hold(leaf))).is_dead();
    let mut phases = Phases::whole(cluster);
    let mut guarded = guarded(facts, bounds, &phases, status);
    if let Some(login) = dead_login(facts, &guarded, bounds) {
        return login;
    }
    if !is_named_dead(&guarded) && phases.part(facts, cluster, status) {
        guarded = self::guarded(facts, bounds, &phases, status);
    }
    // Without what was named dead itself, as in a rollout, its siblings need not be either.
    if is_named_dead(&guarded) { with_places(facts, &guarded, with_methods(&guarded, bounds)) } else { bounds.clone() }
}

/// The leaves on the named hosts at which somebody was refused, with their fates.
fn guarded(facts: &Facts<'_>, bounds: &Bounds, phases: &Phases, status: u16) -> Vec<(Leaf, Fate)> {
    let hosts = bounds.values.get(&Dimension::Vhost);
    let all = fates(facts, phases, status).into_iter().enumerate();
    all.filter(|(_, fate)| fate.refused + fate.refused_else > 0)
        .map(|(leaf, fate)| (facts.leaf(leaf as u32), fate))
        .filter(|(leaf, _)| hosts.is_none_or(|hosts| hosts.contains(&leaf.vhost)))
        .collect()
}

fn lies_in(leaf: &Leaf, prefixes: &BTreeSet<u32>) -> bool {
    leaf.prefix.iter().any(|prefix| prefixes.contains(prefix))
}

/// The bounds without their methods where the others died too. Where these alone were named, no path is named then, and
/// those that died are left to be found.
fn with_methods(guarded: &[(Leaf, Fate)], bounds: &Bounds) -> Bounds {
    let Some(methods) = bounds.values.get(&Dimension::Method) else { return bounds.clone() };
    let named = bounds.values.get(&Dimension::Prefix);
    let others = || guarded.iter().filter(|(leaf, _)| !methods.contains(&leaf.method));
    let mut own = others().filter(|(leaf, _)| named.is_none_or(|named| lies_in(leaf, named))).peekable();
    // Where nothing else is guarded, as at a place to log in, the rest of the site tells.
    let are_dead = if own.peek().is_some() { sum(own).is_dead() } else { sum(others()).is_dead() };
    let mut wider = bounds.clone();
    if are_dead {
        wider.values.remove(&Dimension::Method);
        wider.values.entry(Dimension::Prefix).or_default();
    }
    wider
}

/// The bounds, if they name paths, with those that died with them.
fn with_places(facts: &Facts<'_>, guarded: &[(Leaf, Fate)], mut bounds: Bounds) -> Bounds {
    let Some(named) = bounds.values.remove(&Dimension::Prefix) else { return bounds };
    let methods = bounds.values.get(&Dimension::Method);
    let own: Vec<&(Leaf, Fate)> =
        guarded.iter().filter(|(leaf, _)| methods.is_none_or(|methods| methods.contains(&leaf.method))).collect();
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
    if !dead.is_empty() {
        bounds.values.insert(Dimension::Prefix, topmost(facts, &dead));
    }
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

/// The minutes of a fault's time in which it is there: all of them, or for one that comes and goes, some.
struct Phases {
    from: u32,
    to: u32,
    /// By minute.
    on: Vec<bool>,
}

impl Phases {
    fn whole(cluster: &Cluster) -> Self {
        Self { from: cluster.from, to: cluster.to, on: vec![true; ((cluster.to - cluster.from) / 60 + 1) as usize] }
    }

    /// Whether a time is inside; nothing in pauses, which are neither.
    fn is_inside(&self, time: u32) -> Option<bool> {
        if !(self.from..self.to).contains(&time) {
            return Some(false);
        }
        self.on.get(((time - self.from) / 60) as usize).copied().filter(|on| *on)
    }

    /// Keeps the minutes in which what was named is dead; whether these hold most of its refusals.
    fn part(&mut self, facts: &Facts<'_>, cluster: &Cluster, status: u16) -> bool {
        let mut minutes = vec![(0u64, 0u64); self.on.len()];
        for client in (0..facts.ledger.clients.len() as u32).filter(|client| facts.is_evident(*client)) {
            for visit in visits_between(facts, client, self.from, self.to) {
                let shape = facts.shape(visit.shape());
                let minute = minutes.get_mut(((visit.time().0 - self.from) / 60) as usize);
                if let Some((refused, served)) = minute.filter(|_| cluster.bounds.hold(&facts.leaf(shape.leaf))) {
                    *refused += u64::from(shape.status == status);
                    *served += u64::from(shape.served);
                }
            }
        }
        self.on = minutes.iter().map(|(refused, served)| *refused > 0 && served * 10 <= *refused).collect();
        let sum = |on: bool| minutes.iter().zip(&self.on).filter(|(_, is)| **is == on).map(|(m, _)| m.0).sum::<u64>();
        sum(true) >= 4 * sum(false)
    }
}

/// The fate of every leaf at which somebody was ever refused, by all clients that may be evidence; one that asks without
/// end counts as often as others.
fn fates(facts: &Facts<'_>, phases: &Phases, status: u16) -> Vec<Fate> {
    let mut is_guarded = vec![false; facts.leaves.len()];
    for shape in facts.ledger.refusals.iter().map(|refusal| facts.shape(refusal.shape as usize)) {
        if let Some(is_guarded) = is_guarded.get_mut(shape.leaf as usize) {
            *is_guarded |= shape.status == status;
        }
    }
    let empty = || vec![Fate::default(); facts.leaves.len()];
    let count = |mut fates: Vec<Fate>, client: usize| {
        let mut own: BTreeMap<u32, Fate> = BTreeMap::new();
        for visit in facts.ledger.visits_of(client) {
            let shape = facts.shape(visit.shape());
            let counts = (shape.served || shape.status == status) && is_guarded.get(shape.leaf as usize) == Some(&true);
            if let Some(is_inside) = phases.is_inside(visit.time().0).filter(|_| counts) {
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
