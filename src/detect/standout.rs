//! Which groups are worth counting clients for, by their refusals alone.
//!
//! Counting costs a pass over every request, so a group has to show first a window with more failing clients than its
//! own number of them and the log's traffic explain. That is a low bar, of which a few groups pass by chance: what
//! passes is tested properly.

use super::{
    facts::Facts,
    history::Past,
    scan::{CLIENTS_MIN, Group, leaf_groups, networks},
};
use crate::model::tally::Refusal;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What is worth counting.
#[derive(Default)]
pub(crate) struct Found {
    /// Those with the most failing clients, the whole first, each with whether some window of five minutes can hold as
    /// many failing clients as a wave has.
    pub(crate) groups: Vec<(Group, bool)>,
    /// How many of them, from the first on, were not shown by a handful of failures alone: that others have to be tested
    /// as well makes these no less surprising.
    pub(crate) by_many: usize,
}

/// The groups that are worth counting, so many at most.
pub(crate) fn groups(facts: &Facts<'_>, pasts: &[Past], origin: u32, groups_max: usize) -> Found {
    let windows = &Windows::new(facts, origin);
    let (groups, failing) = failures_by_group(facts, pasts, windows);
    let bar = chance_bar(failing.iter().filter(|group| group.clients >= CLIENTS_MIN).count(), windows);
    let shown: Vec<Option<Shown>> = failing.par_iter().map(|group| group.shown(windows, bar)).collect();
    let shown = groups.into_iter().zip(&failing).zip(shown).filter_map(|(both, shown)| Some((shown?, both)));
    let mut groups: Vec<(Shown, u32, Group, bool)> =
        shown.map(|(shown, (group, failing))| (shown, failing.clients, group, failing.has_bursts(windows))).collect();
    if groups.is_empty() {
        return Found::default();
    }
    groups.retain(|(_, _, group, _)| *group != Group::Site);
    groups.sort_unstable_by_key(|(shown, clients, group, _)| (*shown, std::cmp::Reverse(*clients), *group));
    groups.truncate(groups_max.saturating_sub(1));
    let by_many = 1 + groups.partition_point(|(shown, ..)| *shown == Shown::ByMany);
    // The whole comes first: its rate is what small groups are drawn towards.
    let whole = std::iter::once((Group::Site, true));
    Found { groups: whole.chain(groups.into_iter().map(|(.., group, bursts)| (group, bursts))).collect(), by_many }
}

/// What a group was shown by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    ByMany,
    /// By a handful of failures, which are rare at any time.
    ByFew,
}

/// All groups with refusals that could be evidence, and these: those of requests and those of clients side by side.
fn failures_by_group(facts: &Facts<'_>, pasts: &[Past], windows: &Windows) -> (Vec<Group>, Vec<GroupFailures>) {
    let by_leaf = || {
        let mut found = Failures::default();
        let mut of_leaf: Vec<Option<Vec<u32>>> = vec![None; facts.leaves.len()];
        evident(facts, pasts, |refusal, kinds| {
            let leaf = facts.shape(refusal.shape as usize).leaf;
            if let Some(slot) = of_leaf.get_mut(leaf as usize) {
                let own = slot.get_or_insert_with(|| found.ids(leaf_groups(facts, leaf)));
                found.add(own, refusal, kinds, windows);
            }
        });
        found
    };
    let by_client = || {
        let mut found = Failures::default();
        let mut of_agent: Vec<Option<Vec<u32>>> = vec![None; facts.agents.len()];
        let (mut client, mut own) = (u32::MAX, Vec::new());
        evident(facts, pasts, |refusal, kinds| {
            // What a client belongs to is found once for each.
            if client != refusal.client {
                client = refusal.client;
                let key = facts.ledger.clients.get(client as usize).copied().unwrap_or_default();
                let families = || facts.families_of(client).iter().map(|family| Group::Family(*family));
                own.clear();
                if let Some(slot) = of_agent.get_mut(key.agent as usize) {
                    own.extend_from_slice(slot.get_or_insert_with(|| found.ids(families())));
                }
                own.extend(found.ids(networks(&key)));
            }
            found.add(&own, refusal, kinds, windows);
        });
        found
    };
    let (mut found, of_clients) = rayon::join(by_leaf, by_client);
    found.groups.extend(of_clients.groups);
    found.failing.extend(of_clients.failing);
    (found.groups, found.failing)
}

/// Every refusal that could be evidence, with its kinds, in the order of clients.
fn evident(facts: &Facts<'_>, pasts: &[Past], mut each: impl FnMut(&Refusal, [bool; KINDS])) {
    for (refusal, past) in facts.ledger.refusals.iter().zip(pasts).filter(|(r, _)| facts.is_evident(r.client)) {
        let kinds = kinds_of(facts.shape(refusal.shape as usize).status, past);
        if kinds != [false; KINDS] {
            each(refusal, kinds);
        }
    }
}

/// Groups, and who fails in each.
#[derive(Default)]
struct Failures {
    ids: HashMap<Group, u32, foldhash::fast::RandomState>,
    groups: Vec<Group>,
    failing: Vec<GroupFailures>,
}

impl Failures {
    fn ids(&mut self, groups: impl IntoIterator<Item = Group>) -> Vec<u32> {
        let id_of = |group: Group| {
            *self.ids.entry(group).or_insert_with(|| {
                self.groups.push(group);
                self.failing.push(GroupFailures::default());
                self.groups.len() as u32 - 1
            })
        };
        groups.into_iter().map(id_of).collect()
    }

    fn add(&mut self, groups: &[u32], refusal: &Refusal, kinds: [bool; KINDS], windows: &Windows) {
        let window = windows.of(refusal.time.0);
        for id in groups {
            if let Some(group) = self.failing.get_mut(*id as usize) {
                group.add(refusal.client, kinds, window);
            }
        }
    }
}

/// Kinds of refusal that could be evidence on some channel, whatever the ground is like: of each status those of
/// clients known on the route and of strangers, and sessions that died. Apart, so that the daily noise of one kind
/// does not drown the other.
const KINDS: usize = 5;
/// Those of clients known on the route.
const KNOWN_KINDS: [usize; 2] = [0, 2];

fn kinds_of(status: u16, past: &Past) -> [bool; KINDS] {
    let unresolved = status == 401 && !past.resolved && !past.challenged;
    let refused = status == 403;
    [
        unresolved && past.on_route,
        unresolved && !past.on_route,
        refused && past.on_route,
        refused && !past.on_route,
        status == 401 && past.stratum.is_some() && !past.challenged,
    ]
}

/// Requests of the whole log by window of five minutes, as a measure of traffic.
struct Windows {
    origin: u32,
    /// Requests before each window, and in all.
    before: Vec<u64>,
}

impl Windows {
    const SECS: u32 = 300;
    /// Windows joined: five minutes, an hour, six hours, a day.
    const JOINED: [usize; 4] = [1, 12, 72, 288];

    fn new(facts: &Facts<'_>, origin: u32) -> Self {
        let last = facts.ledger.span.map_or(origin, |(_, last)| last.0);
        let empty = || vec![0u32; ((last - origin) / Self::SECS + 1) as usize];
        let requests = facts
            .ledger
            .visits
            .par_chunks(1 << 16)
            .fold(empty, |mut counts, visits| {
                for visit in visits {
                    if let Some(count) = counts.get_mut(((visit.time().0 - origin) / Self::SECS) as usize) {
                        *count += 1;
                    }
                }
                counts
            })
            .reduce(empty, |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            });
        let mut before = vec![0u64];
        for count in requests {
            before.push(before.last().copied().unwrap_or(0) + u64::from(count));
        }
        Self { origin, before }
    }

    fn len(&self) -> usize {
        self.before.len() - 1
    }

    /// The share of all requests in windows `from` to before `to`.
    fn traffic(&self, from: usize, to: usize) -> f64 {
        let at = |window: usize| self.before.get(window.min(self.len())).copied().unwrap_or(0);
        (at(to) - at(from)) as f64 / at(self.len()).max(1) as f64
    }

    fn of(&self, time: u32) -> u32 {
        (time - self.origin) / Self::SECS
    }
}

/// Distinct failing clients of a group, in all and by window and status; clients come one after the other.
struct GroupFailures {
    clients: u32,
    /// The one that was counted last, and its latest window by kind.
    client: u32,
    last: [u32; KINDS],
    /// The window of each failing client, by kind.
    windows: [Vec<u32>; KINDS],
}

impl Default for GroupFailures {
    fn default() -> Self {
        Self { clients: 0, client: u32::MAX, last: [u32::MAX; KINDS], windows: Default::default() }
    }
}

/// A handful of failures of known clients, and the bar for these: to be more than usual is enough.
const FEW: usize = 16;
const FEW_BAR: f64 = 0.0;

impl GroupFailures {
    fn add(&mut self, client: u32, kinds: [bool; KINDS], window: u32) {
        if self.client != client {
            self.client = client;
            self.clients += 1;
            self.last = [u32::MAX; KINDS];
        }
        for ((_, last), list) in kinds.iter().zip(&mut self.last).zip(&mut self.windows).filter(|((is, _), _)| **is) {
            if *last != window {
                *last = window;
                list.push(window);
            }
        }
    }

    /// Whether the failures of all kinds that count on one channel can be a wave in one of the shortest windows.
    fn has_bursts(&self, windows: &Windows) -> bool {
        let [known_401, new_401, known_403, new_403, dead] = &self.windows;
        [[known_401.as_slice(), new_401], [known_403, new_403], [dead, &[]]].iter().any(|lists| {
            let all: usize = lists.iter().map(|list| list.len()).sum();
            all >= CLIENTS_MIN as usize
                && counted(&lists.concat(), windows.len()).iter().any(|(_, count)| *count >= CLIENTS_MIN as usize)
        })
    }

    fn shown(&self, windows: &Windows, bar: f64) -> Option<Shown> {
        if self.clients < CLIENTS_MIN {
            return None;
        }
        let enough = |(_, list): &(usize, &Vec<u32>)| list.len() >= CLIENTS_MIN as usize;
        let own = self.windows.iter().enumerate().filter(enough).filter_map(|(kind, list)| {
            let counts = counted(list, windows.len());
            // Dead sessions are few at the beginning of any log: nobody has been seen yet.
            let may_be_few = kind + 1 < KINDS;
            let passes = |bar: f64| {
                Windows::JOINED.iter().any(|joined| stands_out_in(&counts, *joined, may_be_few, windows, bar))
            };
            // Few failures in all cannot be surprising by when they were; they may be by whom they hit.
            let is_few = list.len() <= FEW && KNOWN_KINDS.contains(&kind);
            if passes(bar) { Some(Shown::ByMany) } else { (is_few && passes(FEW_BAR)).then_some(Shown::ByFew) }
        });
        own.min()
    }
}

/// How often each window stands in a list, in order of windows.
fn counted(list: &[u32], windows: usize) -> Vec<(usize, usize)> {
    if list.len() < windows / 16 {
        let mut sorted = list.to_vec();
        sorted.sort_unstable();
        let own = sorted.chunk_by(|a, b| a == b);
        return own.filter_map(|own| Some((*own.first()? as usize, own.len()))).collect();
    }
    let mut counts = vec![0; windows];
    for window in list {
        if let Some(count) = counts.get_mut(*window as usize) {
            *count += 1;
        }
    }
    counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect()
}

/// A candidate must fail at three times its usual rate; half of that is asked for here.
const TIMES: f64 = 1.5;

/// How unlikely, as the negative logarithm, a window must be by chance: so that of all groups and windows of a log in
/// which nothing happens a few pass.
fn chance_bar(groups: usize, windows: &Windows) -> f64 {
    const BY_CHANCE: f64 = 3.0;
    // The longer windows add a tenth to the number of those of five minutes.
    let tested = (groups * KINDS) as f64 * windows.len() as f64 * 1.1;
    (tested / BY_CHANCE).ln().max(4.0)
}

/// The negative logarithm of the chance that a Poisson variable of this mean lies as far out as `count`, on its side
/// of the mean: Chernoff's bound.
fn surprise(count: f64, mean: f64) -> f64 {
    let ratio = if count > 0.0 { count * (count / mean.max(1e-9)).ln() } else { 0.0 };
    ratio - count + mean
}

/// Whether some joined windows, of which the counts are given in order, hold more than their share of the traffic
/// explains.
fn stands_out_in(counts: &[(usize, usize)], joined: usize, may_be_few: bool, windows: &Windows, bar: f64) -> bool {
    let sum = |own: &[(usize, usize)]| own.iter().map(|(_, count)| count).sum::<usize>();
    let all = sum(counts);
    // What is missing surprises by no more than was to be expected.
    let may_be_few = may_be_few && all as f64 > bar;
    let stands_out = |part: usize, count: usize, shift: usize| {
        if count < CLIENTS_MIN as usize && !may_be_few {
            return false;
        }
        let (from, to) = ((part * joined).saturating_sub(shift), (part + 1) * joined - shift);
        let usual = all as f64 * windows.traffic(from, to);
        let count = count as f64;
        let is_many = count >= f64::from(CLIENTS_MIN) && count > TIMES * usual;
        let is_few = may_be_few && count * TIMES * 2.0 < usual;
        (is_many || is_few) && surprise(count, usual) > bar
    };
    // Once as they lie and once shifted by half; too few stand out as well, where most of the log is the fault.
    [0, joined / 2].into_iter().take(if joined > 1 { 2 } else { 1 }).any(|shift| {
        let part_of = |(window, _): &(usize, usize)| (window + shift) / joined;
        let mut parts =
            counts.chunk_by(|a, b| part_of(a) == part_of(b)).filter_map(|own| Some((part_of(own.first()?), sum(own))));
        if joined < 72 {
            return parts.any(|(part, count)| stands_out(part, count, shift));
        }
        let counts: BTreeMap<usize, usize> = parts.collect();
        let len = (windows.len() + shift).div_ceil(joined);
        (0..len).any(|part| stands_out(part, counts.get(&part).copied().unwrap_or(0), shift))
    })
}
