//! Refusals that belong to no fault, each with what tells apart those who met it: what they sent, and what became of
//! them.

use super::{
    agent::Kind,
    facts::{Facts, ShapeFacts, network},
    history::Past,
};
use crate::model::tally::Refusal;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What a refused request was about. Waves are looked for within each: refusals of different sorts have nothing to do
/// with each other, however well they fit in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// The first half of Basic or Digest authentication, with its second half after it.
    Challenge,
    /// Somebody sent credentials.
    Login,
    /// A 401 to somebody who sent none, or a session that is over.
    Session,
    /// A file of a page, asked for by somebody who was sent here by another site.
    Embedded,
    /// A crawler that says so.
    Crawler,
    /// An uptime check that says so.
    Monitor,
    /// Any other 403.
    Forbidden,
}

/// One refusal with what the naming asks for, in 24 bytes: a flood has millions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'f> {
    pub(crate) refusal: &'f Refusal,
    pub(crate) past: &'f Past,
    pub(crate) index: u32,
    pub(crate) status: u16,
    pub(crate) sort: Sort,
    served: Served,
}

/// Whether a client was served anything at another time than that of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    OnlyBefore,
    Later,
    Never,
}

impl Item<'_> {
    pub(crate) fn time(&self) -> u32 {
        self.refusal.time.0
    }

    pub(crate) fn route(&self, facts: &Facts<'_>) -> u32 {
        facts.shape(self.refusal.shape as usize).route
    }

    pub(crate) fn path(&self, facts: &Facts<'_>) -> u32 {
        facts.ledger.shapes.get(self.refusal.shape as usize).map_or(0, |shape| shape.path)
    }

    pub(crate) fn area(&self, facts: &Facts<'_>) -> Area {
        area(facts, facts.shape(self.refusal.shape as usize).leaf)
    }

    /// Whether it was let in within two minutes, on the same route or by logging in.
    pub(crate) fn got_in(&self) -> bool {
        self.past.resolved || self.past.logged_in_after
    }

    /// Whether its client was served anything later.
    pub(crate) fn again(&self) -> bool {
        self.served == Served::Later
    }

    /// Whether this client got in with credentials at another time. A page served, or the form to log in, shows
    /// nothing of the kind: those are served to everybody.
    pub(crate) fn has_account(&self) -> bool {
        self.past.had_name || self.past.stratum.is_some() || (self.past.on_route && self.sort == Sort::Login)
    }

    /// Whether it was served once, and never anything again from this refusal on.
    pub(crate) fn is_shut_out(&self) -> bool {
        self.served == Served::OnlyBefore
    }
}

/// The items of the refusals that are free, in the ledger's order.
pub(crate) fn items<'f>(facts: &'f Facts<'_>, pasts: &'f [Past], free: &[bool]) -> Vec<Item<'f>> {
    let own: Vec<u32> = (0..free.len() as u32).filter(|i| free.get(*i as usize) == Some(&true)).collect();
    let client = |i: &u32| facts.ledger.refusals.get(*i as usize).map_or(0, |refusal| refusal.client);
    let by_client: Vec<&[u32]> = own.chunk_by(|a, b| client(a) == client(b)).collect();
    let of_client = |own: &&[u32]| {
        let served = own.first().and_then(|i| served(facts, client(i)));
        own.iter().filter_map(|i| item(facts, pasts, *i, served)).collect::<Vec<_>>()
    };
    by_client.par_iter().map(of_client).collect::<Vec<_>>().concat()
}

/// When a client was first and last served anything.
fn served(facts: &Facts<'_>, client: u32) -> Option<(u32, u32)> {
    let visits = facts.ledger.visits_of(client as usize).iter();
    let mut times = visits.filter(|visit| facts.shape(visit.shape()).served).map(|visit| visit.time().0);
    let first = times.next()?;
    Some((first, times.next_back().unwrap_or(first)))
}

fn item<'f>(facts: &'f Facts<'_>, pasts: &'f [Past], index: u32, served: Option<(u32, u32)>) -> Option<Item<'f>> {
    let (refusal, past) = (facts.ledger.refusals.get(index as usize)?, pasts.get(index as usize)?);
    let shape = facts.shape(refusal.shape as usize);
    let kind = facts.kind(refusal.client);
    let logs_in = facts.route(shape.route).logs_in;
    let is_from_elsewhere = refusal.referer_host != 0
        && (!past.anywhere
            || (refusal.referer_host != facts.own_host && !facts.vhosts.contains(&refusal.referer_host)));
    let sort = match (kind, shape.status) {
        (Kind::Bot, _) => Sort::Crawler,
        (Kind::Monitor, _) => Sort::Monitor,
        (_, 401) if past.challenged => Sort::Challenge,
        (_, 401) if logs_in || refusal.user != 0 => Sort::Login,
        (_, 401) => Sort::Session,
        _ if logs_in => Sort::Login,
        // Who has a page of ours was served it: a file without a page is in somebody else's.
        _ if shape.is_file && is_from_elsewhere => Sort::Embedded,
        _ => Sort::Forbidden,
    };
    let served = match served {
        Some((_, last)) if last > refusal.time.0 => Served::Later,
        Some((first, _)) if first < refusal.time.0 => Served::OnlyBefore,
        _ => Served::Never,
    };
    Some(Item { refusal, past, index, status: shape.status, sort, served })
}

/// The host and the first segment of a path.
pub(crate) fn area(facts: &Facts<'_>, leaf: u32) -> Area {
    let leaf = facts.leaf(leaf);
    (leaf.vhost, leaf.prefix[0])
}

/// A group of items in numbers, each once and in order.
pub(crate) struct Group<'a, 'f> {
    pub(crate) items: &'a [Item<'f>],
    pub(crate) clients: Vec<u32>,
    pub(crate) addresses: Vec<u128>,
    pub(crate) agents: Vec<u32>,
    pub(crate) names: Vec<u32>,
    pub(crate) paths: Vec<u32>,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl<'a, 'f> Group<'a, 'f> {
    pub(crate) fn new(facts: &Facts<'_>, items: &'a [Item<'f>]) -> Self {
        let clients = distinct(items.iter().map(|i| i.refusal.client));
        let keys = || clients.iter().filter_map(|client| facts.ledger.clients.get(*client as usize));
        Self {
            addresses: distinct(keys().map(|key| key.addr)),
            agents: distinct(keys().map(|key| key.agent)),
            names: distinct(items.iter().map(|i| i.refusal.user).filter(|user| *user != 0)),
            paths: distinct(items.iter().map(|i| i.path(facts))),
            from: items.iter().map(Item::time).min().unwrap_or(0),
            to: items.iter().map(Item::time).max().unwrap_or(0) + 1,
            clients,
            items,
        }
    }

    /// The share of the refusals of which something holds.
    pub(crate) fn share(&self, holds: impl Fn(&Item<'f>) -> bool) -> f64 {
        self.items.iter().filter(|item| holds(item)).count() as f64 / self.items.len().max(1) as f64
    }

    /// The share of the refusals that are for the most frequent kind of path.
    pub(crate) fn top_path(&self, facts: &Facts<'_>) -> f64 {
        let mut paths: Vec<u32> = self.items.iter().map(|item| item.path(facts)).collect();
        paths.sort_unstable();
        let most = paths.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        most as f64 / paths.len().max(1) as f64
    }

    /// The share of the clients in the network with most of them.
    pub(crate) fn top_network(&self, facts: &Facts<'_>) -> f64 {
        let keys = self.clients.iter().filter_map(|client| facts.ledger.clients.get(*client as usize));
        let mut networks: Vec<u128> = keys.map(|key| network(key.addr)).collect();
        networks.sort_unstable();
        let most = networks.chunk_by(|a, b| a == b).map(<[u128]>::len).max().unwrap_or(0);
        most as f64 / networks.len().max(1) as f64
    }

    /// The most names that one client sent.
    pub(crate) fn names_of_one(&self) -> usize {
        let sent = self.items.iter().map(|item| (item.refusal.client, item.refusal.user));
        let sent = distinct(sent.filter(|(_, user)| *user != 0));
        sent.chunk_by(|a, b| a.0 == b.0).map(<[(u32, u32)]>::len).max().unwrap_or(0)
    }

    /// Pauses between one refusal and the next in seconds, in order of length.
    pub(crate) fn pauses(&self) -> Vec<u32> {
        let mut times: Vec<u32> = self.items.iter().map(Item::time).collect();
        times.sort_unstable();
        let mut pauses: Vec<u32> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
        pauses.sort_unstable();
        pauses
    }

    /// How many come in an hour, by the median pause: whatever else comes on other days does not slow it down.
    pub(crate) fn per_hour(&self) -> f64 {
        let pauses = self.pauses();
        3600.0 / f64::from(pauses.get(pauses.len() / 2).copied().unwrap_or(3600).max(1))
    }
}

/// Each once, in order.
fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// A host and the first segment of a path.
pub(crate) type Area = (u32, u32);

/// How many clients were served in each area from one time to another, and outside of it.
pub(crate) fn served_in(facts: &Facts<'_>, spans: &[(Area, u32, u32)]) -> Vec<(u32, u32)> {
    if spans.is_empty() {
        return Vec::new();
    }
    let mut by_area: BTreeMap<Area, Vec<usize>> = BTreeMap::new();
    for (i, (area, _, _)) in spans.iter().enumerate() {
        by_area.entry(*area).or_default().push(i);
    }
    // For each shape, so that the look at a request is a look at an array.
    let of_shape = |shape: &ShapeFacts| if shape.served { by_area.get(&area(facts, shape.leaf)) } else { None };
    let by_shape: Vec<&[usize]> =
        facts.shapes.iter().map(|shape| of_shape(shape).map_or(&[][..], Vec::as_slice)).collect();
    // Beside the counts, the client that was last counted for each, inside and outside.
    let none = || (vec![(0, 0); spans.len()], vec![[usize::MAX; 2]; spans.len()]);
    let add = |(mut counts, mut last): (Vec<(u32, u32)>, Vec<[usize; 2]>), client: usize| {
        for visit in facts.ledger.visits_of(client) {
            for i in by_shape.get(visit.shape()).copied().unwrap_or_default() {
                let (Some((_, from, to)), Some((during, else_when)), Some([inside, outside])) =
                    (spans.get(*i), counts.get_mut(*i), last.get_mut(*i))
                else {
                    continue;
                };
                let is_inside = (*from..*to).contains(&visit.time().0);
                let (count, last) = if is_inside { (during, inside) } else { (else_when, outside) };
                *count += u32::from(*last != client);
                *last = client;
            }
        }
        (counts, last)
    };
    let sum =
        |a: Vec<(u32, u32)>, b: Vec<(u32, u32)>| a.into_iter().zip(b).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect();
    let counted = (0..facts.ledger.clients.len()).into_par_iter().with_min_len(4096).fold(none, add);
    counted.map(|(counts, _)| counts).reduce(|| none().0, sum)
}
