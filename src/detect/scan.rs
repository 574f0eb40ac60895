//! Where do more known clients fail than this log explains? Every group, every window, one test each.
//!
//! A group is a part of the traffic that one fault could hit: all of it, a host, a path prefix, a family of user
//! agents, a network, a protocol, an upstream. A window counts distinct clients, never requests, so that one
//! client that tries a thousand times weighs one. Windows of several lengths find faults of every length; the
//! long ones are also laid shifted by half, so that none falls between two.

use super::{
    agent::Kind,
    facts::{Facts, network},
    ground::Ground,
    history::{Past, Walk},
    standout,
    tail::{quiet_rate, settled_rate, upper_tail},
};
use crate::model::tally::{ClientKey, Seen};
use rayon::prelude::*;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// Seconds of the shortest window; the others begin and end with such.
const UNIT_SECS: u32 = 300;
/// Window lengths, and how far they are shifted, in units.
const LEVELS: [(u32, u32); 6] = [(1, 0), (12, 0), (12, 6), (72, 0), (72, 36), (288, 0)];
/// Fewer distinct clients are no wave.
pub(crate) const CLIENTS_MIN: u32 = 4;
/// Counters kept at most; groups beyond, those with the fewest failing clients, are not tested by themselves.
const COUNTERS_MAX: usize = 8 << 20;
/// Of the first groups, which have most of the requests, each worker has so many counters of its own: it adds to them
/// without a lock.
const OWN_COUNTERS: usize = 256 << 10;
/// A candidate must fail at so many times its usual rate.
const EXCESS_MIN: f64 = 3.0;
/// Chance of one candidate in a log where nothing happens.
const ALPHA: f64 = 0.1;

/// In which way known clients fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Channel {
    /// 401, not served again soon: no challenge, no typing error.
    Unresolved401,
    /// 403.
    Unresolved403,
    /// 401 a short time after being served: sessions do not die so young.
    Gap401,
    /// 403 to clients that came for the first time; not scanned by itself, but a second look at some candidates.
    Newcomers403,
}

impl Channel {
    /// Those that are scanned.
    pub(crate) const ALL: [Self; 3] = [Self::Unresolved401, Self::Unresolved403, Self::Gap401];

    pub(crate) fn status(self) -> u16 {
        if matches!(self, Self::Unresolved403 | Self::Newcomers403) { 403 } else { 401 }
    }
}

/// A part of the traffic that one fault could hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    Site,
    Vhost(u32),
    /// Host and path prefix of one or two segments.
    Prefix(u32, u32),
    Family(u32),
    Network(u128),
    Protocol(u32),
    Upstream(u32),
}

/// A window in which more clients of a group fail than usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) channel: Channel,
    pub(crate) group: Group,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) chance: f64,
}

/// Counters of one window: active for the unresolved channels, active for the gap channel, failing by channel.
const COUNTERS: usize = 5;

struct Grid {
    origin: u32,
    /// The first window of each level: those of all levels are numbered one after the other.
    starts: [usize; LEVELS.len() + 1],
    /// For each unit the window of each level in which it lies.
    windows: Vec<[u32; LEVELS.len()]>,
    groups: Vec<Group>,
    /// How many groups, from the first on, were not shown by a handful of failures alone.
    by_many: usize,
    ids: HashMap<Group, u32, foldhash::fast::FixedState>,
    /// The windows of each group, in `cells`, and how many of the first are not counted.
    rows: Vec<Row>,
    cells: Vec<AtomicU32>,
}

/// Where the counters of a group are. The shortest windows are most of all, and in most groups none of them can hold a
/// wave, so they have none.
#[derive(Clone, Copy)]
struct Row {
    first: usize,
    left_out: usize,
}

impl Grid {
    fn new(facts: &Facts<'_>, pasts: &[Past]) -> Option<Self> {
        let (first, last) = facts.ledger.span?;
        let origin = first.0 - first.0 % 86_400;
        let mut starts = [0; LEVELS.len() + 1];
        let units = (last.0 - origin) / UNIT_SECS + 1;
        for (i, (len, shift)) in LEVELS.iter().enumerate() {
            let windows = ((units - 1 + shift) / len + 1) as usize;
            if let [.., from, to] = starts.get_mut(..i + 2)? {
                *to = *from + windows;
            }
        }
        let of_unit = |unit: u32| std::array::from_fn(|i| starts[i] as u32 + (unit + LEVELS[i].1) / LEVELS[i].0);
        let of_unit = (0..units).map(of_unit).collect();
        let windows = *starts.last()?;
        let found = standout::groups(facts, pasts, origin, COUNTERS_MAX / windows.max(1) / COUNTERS);
        let (mut rows, mut first) = (Vec::new(), 0);
        for (_, has_bursts) in &found.groups {
            let left_out = if *has_bursts { 0 } else { starts[1] };
            rows.push(Row { first, left_out });
            first += windows - left_out;
        }
        let groups: Vec<Group> = found.groups.into_iter().map(|(group, _)| group).collect();
        let ids = groups.iter().enumerate().map(|(i, g)| (*g, i as u32)).collect();
        let cells = (0..first * COUNTERS).map(|_| AtomicU32::new(0)).collect();
        Some(Self { origin, starts, windows: of_unit, groups, by_many: found.by_many, ids, rows, cells })
    }

    /// Chance of a candidate: all windows of all levels and channels could have stood out.
    fn chance_max(&self, group: usize) -> f64 {
        let tested = if group < self.by_many { self.by_many } else { self.groups.len() };
        ALPHA / (tested * self.windows() * Channel::ALL.len()).max(1000) as f64
    }

    fn windows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn unit(&self, time: u32) -> u32 {
        (time - self.origin) / UNIT_SECS
    }

    #[inline]
    fn windows_of(&self, unit: u32) -> [u32; LEVELS.len()] {
        self.windows.get(unit as usize).copied().unwrap_or_default()
    }

    /// Where a counter of a window is; none where the window is not counted.
    #[inline]
    fn cell(&self, row: Row, window: usize, counter: usize) -> Option<usize> {
        Some((row.first + window.checked_sub(row.left_out)?) * COUNTERS + counter)
    }

    /// Failing and active clients of a group in each window of a level; of windows that are not counted none.
    fn series(&self, group: usize, level: usize, channel: Channel) -> Vec<(u32, u32)> {
        let row = self.rows.get(group).copied().unwrap_or(Row { first: 0, left_out: usize::MAX });
        let read = |window: usize, counter: usize| {
            let cell = self.cell(row, window, counter).and_then(|cell| self.cells.get(cell));
            cell.map_or(0, |cell| cell.load(Relaxed))
        };
        let (active, failing) = (usize::from(channel == Channel::Gap401), 2 + channel as usize);
        let start = |level: usize| self.starts.get(level).copied().unwrap_or(0);
        (start(level)..start(level + 1)).map(|window| (read(window, failing), read(window, active))).collect()
    }
}

/// Whether a refusal is evidence on a channel.
pub(crate) fn fails_on(
    channel: Channel,
    status: u16,
    past: &Past,
    open: bool,
    is_browser: bool,
    ground: &Ground,
) -> bool {
    if status != channel.status() {
        return false;
    }
    match channel {
        Channel::Unresolved401 => (past.on_route || open) && !past.resolved && !past.challenged,
        Channel::Unresolved403 | Channel::Newcomers403 => past.on_route || open,
        Channel::Gap401 => ground.telling.tells(is_browser, past.stratum) && !past.challenged,
    }
}

pub(crate) fn leaf_groups(facts: &Facts<'_>, leaf: u32) -> Vec<Group> {
    let leaf = facts.leaf(leaf);
    let mut groups = vec![Group::Site, Group::Prefix(leaf.vhost, leaf.prefix[0]), Group::Protocol(leaf.protocol)];
    if leaf.prefix[1] != leaf.prefix[0] {
        groups.push(Group::Prefix(leaf.vhost, leaf.prefix[1]));
    }
    if leaf.vhost != 0 {
        groups.push(Group::Vhost(leaf.vhost));
    }
    if leaf.upstream != 0 {
        groups.push(Group::Upstream(leaf.upstream));
    }
    groups
}

fn client_groups(facts: &Facts<'_>, client: u32) -> Vec<Group> {
    let mut groups: Vec<Group> = facts.families_of(client).iter().map(|family| Group::Family(*family)).collect();
    groups.extend(facts.ledger.clients.get(client as usize).into_iter().flat_map(networks));
    groups
}

/// The network of a client, and all of IPv6 where it is there.
pub(crate) fn networks(key: &ClientKey) -> impl Iterator<Item = Group> + use<> {
    let is_v6 = key.v4().is_none() && key.name().is_none();
    [Some(Group::Network(network(key.addr))), is_v6.then_some(Group::Network(0))].into_iter().flatten()
}

/// Whether a leaf or client lies in a group.
pub(crate) fn contains(facts: &Facts<'_>, group: Group, leaf: u32, client: u32) -> bool {
    let at = facts.leaf(leaf);
    match group {
        Group::Site => true,
        Group::Vhost(vhost) => at.vhost == vhost,
        Group::Prefix(vhost, prefix) => at.vhost == vhost && at.prefix.contains(&prefix),
        Group::Protocol(protocol) => at.protocol == protocol,
        Group::Upstream(upstream) => at.upstream == upstream,
        Group::Family(family) => facts.families_of(client).contains(&family),
        Group::Network(_) => client_groups(facts, client).contains(&group),
    }
}

/// All candidates, the least likely by chance first, and the ground that they were judged on; none where no group
/// stands out, which for most logs of most days ends the search here.
pub(crate) fn candidates(facts: &Facts<'_>, pasts: &[Past]) -> Option<(Ground, Vec<Candidate>)> {
    let grid = Grid::new(facts, pasts).filter(|grid| !grid.groups.is_empty())?;
    let ground = Ground::new(facts, pasts);
    count(facts, pasts, &ground, &grid);
    let tests: Vec<(Channel, Option<usize>)> =
        Channel::ALL.iter().flat_map(|c| (0..LEVELS.len()).map(Some).chain([None]).map(|level| (*c, level))).collect();
    let found = tests.into_par_iter().flat_map_iter(|(channel, level)| match level {
        Some(level) => test(&grid, channel, level),
        None => test_turns(&grid, channel),
    });
    let mut found: Vec<Candidate> = found.collect();
    found.sort_by(|a, b| {
        a.chance
            .total_cmp(&b.chance)
            .then_with(|| (a.from, a.to, a.channel, a.group).cmp(&(b.from, b.to, b.channel, b.group)))
    });
    Some((ground, found))
}

fn count(facts: &Facts<'_>, pasts: &[Past], ground: &Ground, grid: &Grid) {
    let by_leaf: Vec<Vec<u32>> =
        (0..facts.leaves.len() as u32).map(|leaf| known_ids(grid, leaf_groups(facts, leaf))).collect();
    let workers = rayon::current_num_threads();
    (0..workers).into_par_iter().for_each(|part| {
        let mut counter = Counter::new(facts, ground, grid, &by_leaf);
        for client in facts.ledger.clients_part(part, workers) {
            if facts.is_evident(client as u32) {
                counter.count_client(client, pasts);
            }
        }
        for (own, cell) in counter.own.iter().zip(&grid.cells).filter(|(own, _)| **own > 0) {
            cell.fetch_add(*own, Relaxed);
        }
    });
}

fn known_ids(grid: &Grid, groups: Vec<Group>) -> Vec<u32> {
    groups.iter().filter_map(|group| grid.ids.get(group).copied()).collect()
}

/// Counts one client after the other, each at most once per window and counter.
struct Counter<'c> {
    facts: &'c Facts<'c>,
    ground: &'c Ground,
    grid: &'c Grid,
    by_leaf: &'c [Vec<u32>],
    walk: Walk,
    /// As many of the grid's counters, from the first on.
    own: Vec<u32>,
    /// How many refusals are those of clients before, and the client's own so far.
    refusal: usize,
    /// The client and unit last counted, by group and counter.
    seen: Vec<(u32, u32)>,
}

impl<'c> Counter<'c> {
    fn new(facts: &'c Facts<'c>, ground: &'c Ground, grid: &'c Grid, by_leaf: &'c [Vec<u32>]) -> Self {
        let seen = vec![(u32::MAX, 0); grid.groups.len() * COUNTERS];
        let own = vec![0; grid.cells.len().min(OWN_COUNTERS)];
        Self { facts, ground, grid, by_leaf, walk: Walk::new(facts), own, refusal: 0, seen }
    }

    fn count_client(&mut self, client: usize, pasts: &[Past]) {
        let (facts, ledger) = (self.facts, self.facts.ledger);
        let visits = ledger.visits_of(client);
        self.walk.take(facts, client as u32);
        let own = known_ids(self.grid, client_groups(facts, client as u32));
        let is_browser = facts.kind(client as u32) == Kind::Browser;
        let rest = ledger.refusals.get(self.refusal..).unwrap_or_default();
        self.refusal += rest.iter().take_while(|refusal| (refusal.client as usize) < client).count();
        for visit in visits {
            let shape = facts.shape(visit.shape());
            let past = matches!(shape.status, 401 | 403).then(|| {
                self.refusal += 1;
                pasts.get(self.refusal - 1).copied().unwrap_or_default()
            });
            self.count_visit((client as u32, is_browser), *visit, past.as_ref(), &own);
        }
    }

    fn count_visit(&mut self, (client, is_browser): (u32, bool), visit: Seen, past: Option<&Past>, own: &[u32]) {
        let shape = self.facts.shape(visit.shape());
        let time = visit.time().0;
        let is_open = self.ground.is_open(shape.route);
        let mut counters = [false; COUNTERS];
        match past {
            Some(past) => {
                counters[0] = past.on_route || is_open;
                counters[1] = self.ground.telling.tells(is_browser, past.stratum);
                for (i, channel) in Channel::ALL.iter().enumerate() {
                    counters[2 + i] = fails_on(*channel, shape.status, past, is_open, is_browser, self.ground);
                }
            }
            None if shape.served => {
                counters[0] = is_open || self.walk.is_known(shape.route, time);
                let stratum = self.walk.serve(self.facts, shape.route, time);
                counters[1] = self.ground.telling.tells(is_browser, stratum);
            }
            None => {}
        }
        if counters == [false; COUNTERS] {
            return;
        }
        let leaf_groups = self.by_leaf.get(shape.leaf as usize).map(Vec::as_slice).unwrap_or_default();
        let unit = self.grid.unit(time);
        for group in leaf_groups.iter().chain(own) {
            self.count_in(client, *group, unit, counters);
        }
    }

    /// A client's requests come in order of time, so a window is new to it if that of the request before was another.
    fn count_in(&mut self, client: u32, group: u32, unit: u32, counters: [bool; COUNTERS]) {
        let Some(row) = self.grid.rows.get(group as usize).copied() else { return };
        for (counter, _) in counters.iter().enumerate().filter(|(_, set)| **set) {
            let Some(seen) = self.seen.get_mut(group as usize * COUNTERS + counter) else { break };
            let before = std::mem::replace(seen, (client, unit));
            if before == (client, unit) {
                continue;
            }
            let before = if before.0 == client { self.grid.windows_of(before.1) } else { [u32::MAX; LEVELS.len()] };
            let windows = self.grid.windows_of(unit);
            for (window, before) in windows.iter().zip(&before) {
                let Some(cell) = self.grid.cell(row, *window as usize, counter) else { continue };
                let is_new = window != before;
                // Added whether new or not: which it is cannot be foretold.
                if let Some(own) = self.own.get_mut(cell) {
                    *own += u32::from(is_new);
                } else if let Some(shared) = self.grid.cells.get(cell).filter(|_| is_new) {
                    shared.fetch_add(1, Relaxed);
                }
            }
        }
    }
}

/// The hour after which more of a group fail than before, until the end; or before which they did. A fault that fills
/// most of a log makes itself look usual, and only the rest of the log shows it. Not of networks: whom a rule
/// has met for days is one owner's machines.
fn test_turns(grid: &Grid, channel: Channel) -> Vec<Candidate> {
    /// Hours, as they lie.
    const LEVEL: usize = 1;
    /// What fills less of a log is left aside when its usual rate is learnt.
    const FILLED_MIN: f64 = 0.4;
    if channel == Channel::Gap401 {
        return Vec::new();
    }
    let len = LEVELS[LEVEL].0 * UNIT_SECS;
    let found = grid.groups.iter().enumerate().filter(|(_, group)| !matches!(group, Group::Network(_)));
    let found = found.filter_map(|(id, group)| {
        let hours = grid.series(id, LEVEL, channel);
        let turned: Vec<(u32, u32)> = hours.iter().rev().copied().collect();
        let fills = |hours: &(usize, usize, f64), all: usize| (hours.1 - hours.0) as f64 >= FILLED_MIN * all as f64;
        let until_the_end = turn(&hours).map(|(at, chance)| (at, hours.len(), chance));
        let from_the_start = turn(&turned).map(|(at, chance)| (0, hours.len() - at, chance));
        let both = until_the_end.into_iter().chain(from_the_start).filter(|found| fills(found, hours.len()));
        let (from, to, chance) = both.min_by(|a, b| a.2.total_cmp(&b.2))?;
        let at = |hour: usize| grid.origin + hour as u32 * len;
        (chance < grid.chance_max(id)).then(|| Candidate { channel, group: *group, from: at(from), to: at(to), chance })
    });
    found.collect()
}

/// After how many of some windows `(failing, active)` the rest fails most surprisingly, and how surprising that is.
fn turn(windows: &[(u32, u32)]) -> Option<(usize, f64)> {
    /// Clients that show what is usual.
    const QUIET_MIN: u32 = 100;
    let (mut before, mut after) = ((0u32, 0u32), (0u32, 0u32));
    windows.iter().for_each(|w| after = (after.0 + w.0, after.1 + w.1));
    let mut best: Option<(usize, f64)> = None;
    for (at, (failing, active)) in windows.iter().enumerate() {
        if before.1 >= QUIET_MIN && after.0 >= CLIENTS_MIN && *failing > 0 {
            let rate = settled_rate(before);
            if f64::from(after.0) >= EXCESS_MIN * rate.mean * f64::from(after.1) {
                let chance = upper_tail(after.0, after.1, rate);
                if best.is_none_or(|(_, least)| chance < least) {
                    best = Some((at, chance));
                }
            }
        }
        before = (before.0 + failing, before.1 + active);
        after = (after.0 - failing, after.1 - active);
    }
    best
}

/// The windows of one level that stand out from their group's own quiet ones.
fn test(grid: &Grid, channel: Channel, level: usize) -> Vec<Candidate> {
    /// Clients as whose the rate of the whole counts in a group's own.
    const WEIGHT: f64 = 20.0;
    let (len, shift) = LEVELS.get(level).map_or((0, 0), |(len, shift)| (len * UNIT_SECS, shift * UNIT_SECS));
    let mut found = Vec::new();
    let mut whole = None;
    for (id, group) in grid.groups.iter().enumerate() {
        let series = grid.series(id, level, channel);
        // The whole comes first, and small groups are drawn towards its rate.
        let whole = *whole.get_or_insert_with(|| quiet_rate(&series, 0.01, 5.0).mean);
        if series.iter().all(|(failing, _)| *failing < CLIENTS_MIN) {
            continue;
        }
        let rate = quiet_rate(&series, whole, WEIGHT);
        for (window, (f, a)) in series.iter().enumerate() {
            if *f < CLIENTS_MIN || f64::from(*f) < EXCESS_MIN * rate.mean * f64::from(*a) {
                continue;
            }
            let chance = upper_tail(*f, *a, rate);
            if chance < grid.chance_max(id) {
                let from = (grid.origin + window as u32 * len).saturating_sub(shift);
                found.push(Candidate { channel, group: *group, from, to: from + len, chance });
            }
        }
    }
    found
}
