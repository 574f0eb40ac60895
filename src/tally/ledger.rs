//! Shards to a ledger: the one place where parts become a whole, in an order that no partition can change.
//!
//! Every id is replaced by the rank of what it stands for. Visits are then sorted by client with a counting
//! sort: each shard knows where its rows of each client go, so all shards write side by side. The slots are
//! atomics only so that safe code may do that; a relaxed store is a plain one.

use super::{
    share as shares,
    store::{self, Budget},
};
use crate::{
    model::{
        tally::{
            ClientKey, Counted, Kept, Ledger, NAME_PREFIX, Names, Refusal, Sample, SampleKey, Seen, Settled, Shape,
            Shard,
        },
        time::{Time, joined},
    },
    trim::trim,
};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// For each shard, the global id of each local one.
type Remaps = Vec<Vec<u32>>;

/// Merges shards into the canonical table.
#[must_use]
pub fn build(shards: Vec<Shard>) -> Ledger {
    finished(merge(shards, Kept::default()))
}

/// As [`build`], of the largest share of the clients that fits a budget and of what lies in `[from, until)` alone;
/// tells how many requests do not. Where requests are only counted, the ends move out to those of slices.
#[must_use]
pub fn build_between(tallies: (Vec<Shard>, Kept), span: (Time, Time), budget: &Budget) -> (Ledger, u64) {
    let (mut shards, mut kept) = tallies;
    if !store::fits_anyhow(&shards, budget) {
        let ledger = store::fit(shards, kept, budget);
        if is_open(span) {
            return (finished(ledger), 0);
        }
        kept = ledger.kept;
        shards = vec![ledger.into()];
    }
    if is_open(span) {
        return (finished(merge(shards, kept)), 0);
    }
    let counted = shards.iter().map(|shard| &shard.counted).filter(|counted| counted.span.is_some());
    let slice_secs = counted.map(|counted| counted.slice_secs).max().unwrap_or(0);
    let span = outwards(span, slice_secs);
    let left_out = shards.iter_mut().map(|shard| cut(shard, span, slice_secs)).sum();
    let mut ledger = merge(shards, kept);
    drop_absent(&mut ledger);
    (finished(ledger), left_out)
}

fn is_open(span: (Time, Time)) -> bool {
    span == (Time(0), Time(u32::MAX))
}

/// To the start of a slice and to the end of one.
fn outwards((from, until): (Time, Time), slice_secs: u32) -> (Time, Time) {
    match slice_secs {
        0 => (from, until),
        secs => (Time(from.0 / secs * secs), Time(until.0.div_ceil(secs).saturating_mul(secs))),
    }
}

/// Takes out what is not in `[from, until)`; tells how many requests that were.
fn cut(shard: &mut Shard, (from, until): (Time, Time), slice_secs: u32) -> u64 {
    let is_inside = |time: Time| time >= from && time < until;
    let mut left_out = 0;
    for (bucket, visits) in &mut shard.visits {
        let before = visits.len();
        visits.retain(|v| is_inside(Time(u32::from(*bucket) << 16 | u32::from(v.second))));
        left_out += (before - visits.len()) as u64;
    }
    left_out += cut_settled(&mut shard.settled, is_inside);
    if shard.counted.span.is_some() {
        shard.counted.lengthen(slice_secs);
        left_out += shard.counted.cut((from, until));
    }
    shard.refusals.retain(|r| is_inside(r.time));
    shard.samples.retain(|(_, s)| is_inside(s.time));
    left_out
}

fn cut_settled(settled: &mut Settled, is_inside: impl Fn(Time) -> bool) -> u64 {
    let before = settled.visits.len();
    let visits = std::mem::take(&mut settled.visits);
    let (mut from, mut kept) = (0, Vec::new());
    for bound in settled.bounds.iter_mut().skip(1) {
        let own = visits.get(from as usize..*bound as usize).unwrap_or_default();
        kept.extend(own.iter().copied().filter(|seen| is_inside(seen.time())));
        (from, *bound) = (*bound, kept.len() as u32);
    }
    settled.visits = kept;
    (before - settled.visits.len()) as u64
}

/// Shards as if only the clients that are kept had been seen.
#[must_use]
pub fn share(shards: Vec<Shard>, kept: Kept, budget: &Budget) -> Vec<Shard> {
    let of_one = |shard| shares::retain(shard, kept, budget.lots(), budget.slice_secs());
    shards.into_iter().map(of_one).collect()
}

/// The same ledger of half of the clients.
#[must_use]
pub fn halve(ledger: Ledger, budget: &Budget) -> Ledger {
    let (shards, kept) = store::halved(ledger, budget);
    finished(merge(shards, kept))
}

/// One sample of each shape and hour: the earliest of those of all ranks.
fn finished(mut ledger: Ledger) -> Ledger {
    let mut last = None;
    let is_later =
        |(key, _): &mut (SampleKey, Sample)| last.replace((key.shape, key.hour)) == Some((key.shape, key.hour));
    ledger.spare_samples = ledger.samples.extract_if(.., is_later).collect();
    ledger
}

/// The merged table, with the samples of all ranks, from which [`finished`] makes a ledger.
pub(super) fn merge(mut shards: Vec<Shard>, kept: Kept) -> Ledger {
    let (names, name_maps) = merge_names(&shards, |shard| &shard.names);
    let (agents, agent_maps) = merge_names(&shards, |shard| &shard.agents);
    let ((shapes, shape_maps), (clients, client_maps)) =
        rayon::join(|| merge_shapes(&shards, &name_maps), || merge_clients(&shards, &name_maps, &agent_maps));
    let refusals = merge_refusals(&shards, &client_maps, &shape_maps, &name_maps);
    let samples = merge_samples(&mut shards, &shape_maps, &client_maps);
    let mut counted = Counted::default();
    shards.iter_mut().for_each(|shard| counted.merge(std::mem::take(&mut shard.counted)));
    // Requests need most room while they are moved: what is merged goes before.
    let left = |Shard { visits, settled, .. }| Shard { visits, settled, ..Shard::default() };
    let shards = shards.into_iter().map(left).collect();
    trim();
    let (visit_bounds, visits) = merge_visits(shards, clients.len(), &client_maps, &shape_maps);
    let span = joined(span_of(&visits), counted.span);
    let spare_samples = Vec::new();
    Ledger {
        names,
        agents,
        clients,
        shapes,
        visit_bounds,
        visits,
        refusals,
        samples,
        spare_samples,
        span,
        kept,
        counted,
    }
}

impl From<Ledger> for Shard {
    fn from(ledger: Ledger) -> Self {
        Self {
            names: ledger.names,
            agents: ledger.agents,
            clients: ledger.clients,
            shapes: ledger.shapes,
            visits: BTreeMap::new(),
            refusals: ledger.refusals,
            samples: ledger.samples.into_iter().chain(ledger.spare_samples).collect(),
            settled: Settled { bounds: ledger.visit_bounds, visits: ledger.visits },
            counted: ledger.counted,
        }
    }
}

/// Clients and shapes of which nothing is left are none of this ledger's: it is that of the lines which are left.
fn drop_absent(ledger: &mut Ledger) {
    drop_absent_shapes(ledger);
    let mut kept = Vec::with_capacity(ledger.clients.len());
    let (mut clients, mut bounds) = (Vec::new(), vec![0]);
    for (i, key) in ledger.clients.iter().enumerate() {
        let end = ledger.visit_bounds.get(i + 1).copied().unwrap_or(0);
        let is_present = bounds.last() != Some(&end);
        kept.push(clients.len() as u32);
        if is_present {
            clients.push(*key);
            bounds.push(end);
        }
    }
    for refusal in &mut ledger.refusals {
        refusal.client = at(&kept, refusal.client);
    }
    for (_, sample) in ledger.samples.iter_mut().chain(&mut ledger.spare_samples) {
        sample.client = at(&kept, sample.client);
    }
    (ledger.clients, ledger.visit_bounds) = (clients, bounds);
}

fn drop_absent_shapes(ledger: &mut Ledger) {
    let mut is_left = vec![false; ledger.shapes.len()];
    let samples = ledger.samples.iter().chain(&ledger.spare_samples).map(|(key, _)| key.shape as usize);
    for shape in ledger.visits.iter().map(|seen| seen.shape()).chain(samples) {
        is_left.get_mut(shape).into_iter().for_each(|left| *left = true);
    }
    let mut numbers = Vec::with_capacity(is_left.len());
    let mut next = 0;
    for left in &is_left {
        numbers.push(next);
        next += u32::from(*left);
    }
    let mut left = is_left.into_iter();
    ledger.shapes.retain(|_| left.next().unwrap_or(false));
    for seen in &mut ledger.visits {
        *seen = Seen::new(seen.time(), at(&numbers, seen.shape() as u32));
    }
    for refusal in &mut ledger.refusals {
        refusal.shape = at(&numbers, refusal.shape);
    }
    for (key, _) in ledger.samples.iter_mut().chain(&mut ledger.spare_samples) {
        key.shape = at(&numbers, key.shape);
    }
}

fn at(map: &[u32], index: u32) -> u32 {
    map.get(index as usize).copied().unwrap_or_default()
}

/// Sorts by keys of which no two are the same, or those items are. What comes from ledgers is a few runs in order, which
/// only have to be put together.
fn sort_by_key<T: Send, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K + Sync) {
    /// Of this many items a run is worth it.
    const RUN_LEN: usize = 64;
    let ends = items.windows(2).filter(|pair| matches!(pair, [a, b] if key(a) > key(b))).count();
    if ends < items.len() / RUN_LEN {
        items.par_sort_by_key(key);
    } else {
        items.par_sort_unstable_by_key(key);
    }
}

/// Ranks keyed items: the distinct keys in order, and for each shard the rank of each of its items.
fn rank<K: Ord + Copy + Send>(mut keyed: Vec<(K, u32, u32)>, lens: &[usize]) -> (Vec<K>, Remaps) {
    sort_by_key(&mut keyed, |keyed| *keyed);
    number(keyed.into_iter(), lens)
}

/// As [`rank`], of what is in order already.
fn number<K: Eq + Copy>(keyed: impl Iterator<Item = (K, u32, u32)>, lens: &[usize]) -> (Vec<K>, Remaps) {
    let mut maps: Remaps = lens.iter().map(|len| vec![0; *len]).collect();
    let mut distinct: Vec<K> = Vec::new();
    for (key, shard, index) in keyed {
        if distinct.last() != Some(&key) {
            distinct.push(key);
        }
        if let Some(slot) = maps.get_mut(shard as usize).and_then(|map| map.get_mut(index as usize)) {
            *slot = (distinct.len() - 1) as u32;
        }
    }
    (distinct, maps)
}

fn merge_names(shards: &[Shard], names_of: impl Fn(&Shard) -> &Names) -> (Names, Remaps) {
    let mut keyed: Vec<(&[u8], u32, u32)> = Vec::new();
    for (s, shard) in shards.iter().enumerate() {
        let names = names_of(shard);
        keyed.extend((0..names.len() as u32).map(|i| (names.get(i), s as u32, i)));
    }
    let lens: Vec<usize> = shards.iter().map(|shard| names_of(shard).len()).collect();
    let (distinct, maps) = rank(keyed, &lens);
    let mut merged = Names::default();
    if distinct.is_empty() {
        merged.push(b"");
    }
    for text in distinct {
        merged.push(text);
    }
    (merged, maps)
}

fn merge_shapes(shards: &[Shard], names: &Remaps) -> (Vec<Shape>, Remaps) {
    let mut keyed = Vec::new();
    for (s, (shard, names)) in shards.iter().zip(names).enumerate() {
        keyed.extend(shard.shapes.iter().enumerate().map(|(i, shape)| (globally(shape, names), s as u32, i as u32)));
    }
    rank(keyed, &shards.iter().map(|shard| shard.shapes.len()).collect::<Vec<_>>())
}

fn globally(shape: &Shape, names: &[u32]) -> Shape {
    Shape {
        vhost: at(names, shape.vhost),
        path: at(names, shape.path),
        method: at(names, shape.method),
        protocol: at(names, shape.protocol),
        upstream: at(names, shape.upstream),
        ..*shape
    }
}

/// Clients in order of address and agent. Most logs have mostly IPv4, so those are ranked by numbers of half the size.
fn merge_clients(shards: &[Shard], names: &Remaps, agents: &Remaps) -> (Vec<ClientKey>, Remaps) {
    let lens: Vec<usize> = shards.iter().map(|shard| shard.clients.len()).collect();
    let (mut v4, mut others) = (Vec::with_capacity(lens.iter().sum()), Vec::new());
    for (s, ((shard, names), agents)) in shards.iter().zip(names).zip(agents).enumerate() {
        for (key, i) in shard.clients.iter().zip(0..) {
            let agent = at(agents, key.agent);
            match key.v4() {
                Some(addr) => v4.push((u64::from(addr) << 32 | u64::from(agent), s as u32, i)),
                None => {
                    let addr = key.name().map_or(key.addr, |name| NAME_PREFIX | u128::from(at(names, name)));
                    others.push((ClientKey { addr, agent }, s as u32, i));
                }
            }
        }
    }
    sort_by_key(&mut v4, |keyed| *keyed);
    sort_by_key(&mut others, |keyed| *keyed);
    let (before, after) = others.split_at(others.partition_point(|(key, ..)| key.addr < ClientKey::of_v4(0)));
    let v4 = v4.into_iter().map(|(key, shard, index)| {
        (ClientKey { addr: ClientKey::of_v4((key >> 32) as u32), agent: key as u32 }, shard, index)
    });
    number(before.iter().copied().chain(v4).chain(after.iter().copied()), &lens)
}

fn merge_refusals(shards: &[Shard], clients: &Remaps, shapes: &Remaps, names: &Remaps) -> Vec<Refusal> {
    let mut merged = Vec::with_capacity(shards.iter().map(|shard| shard.refusals.len()).sum());
    for (((shard, clients), shapes), names) in shards.iter().zip(clients).zip(shapes).zip(names) {
        merged.extend(shard.refusals.iter().map(|refusal| Refusal {
            client: at(clients, refusal.client),
            shape: at(shapes, refusal.shape),
            user: at(names, refusal.user),
            referer_host: at(names, refusal.referer_host),
            ..*refusal
        }));
    }
    sort_by_key(&mut merged, |r| (r.client, r.time, r.shape, r.place));
    merged
}

fn merge_samples(shards: &mut [Shard], shapes: &Remaps, clients: &Remaps) -> Vec<(SampleKey, Sample)> {
    let mut merged = Vec::with_capacity(shards.iter().map(|shard| shard.samples.len()).sum());
    for ((shard, shapes), clients) in shards.iter_mut().zip(shapes).zip(clients) {
        merged.extend(std::mem::take(&mut shard.samples).into_iter().map(|(key, sample)| {
            let key = SampleKey { shape: at(shapes, key.shape), ..key };
            (key, Sample { client: at(clients, sample.client), ..sample })
        }));
    }
    sort_by_key(&mut merged, |(key, sample)| (key.shape, key.hour, sample.time, sample.place));
    let (mut last, mut rank) = (None, 0);
    merged.retain(|(key, _)| {
        let is_first = last.replace((key.shape, key.hour)) != Some((key.shape, key.hour));
        let is_higher = is_first || key.rank > rank;
        rank = if is_higher { key.rank } else { rank };
        is_higher
    });
    merged
}

fn merge_visits(
    mut shards: Vec<Shard>,
    clients_len: usize,
    clients: &Remaps,
    shapes: &Remaps,
) -> (Vec<u32>, Vec<Seen>) {
    if let ([shard], [clients], [shapes]) = (shards.as_mut_slice(), clients.as_slice(), shapes.as_slice())
        && is_in_place(shard, clients_len, clients)
    {
        let Settled { bounds, mut visits } = std::mem::take(&mut shard.settled);
        if !(0..).zip(shapes).all(|(old, new)| old == *new) {
            visits.par_iter_mut().for_each(|seen| *seen = Seen::new(seen.time(), at(shapes, seen.shape() as u32)));
        }
        sort_each_client(&mut visits, &bounds);
        return (bounds, visits);
    }
    let mut slots_per_shard: Vec<Vec<u32>> =
        shards.par_iter().zip(clients).map(|(shard, clients)| rows_per_client(shard, clients.len())).collect();
    let bounds = assign_slots(&mut slots_per_shard, clients_len, clients);
    let total = bounds.last().copied().unwrap_or(0) as usize;
    let slots: Vec<AtomicU64> = (0..total).map(|_| AtomicU64::new(0)).collect();
    shards.into_par_iter().zip(slots_per_shard).zip(shapes).for_each(|((shard, next), shapes)| {
        scatter(shard, next, shapes, &slots);
    });
    let mut visits: Vec<Seen> = slots.into_iter().map(|slot| Seen(slot.into_inner())).collect();
    sort_each_client(&mut visits, &bounds);
    (bounds, visits)
}

/// Whether the requests stand by client already, so that they need not be moved.
fn is_in_place(shard: &Shard, clients_len: usize, clients: &[u32]) -> bool {
    shard.visits.is_empty()
        && shard.settled.bounds.len() == clients_len + 1
        && (0..).zip(clients).all(|(old, new)| old == *new)
}

fn rows_per_client(shard: &Shard, clients_len: usize) -> Vec<u32> {
    let mut rows = vec![0; clients_len];
    for visit in shard.visits.values().flatten() {
        if let Some(count) = rows.get_mut(visit.client as usize) {
            *count += 1;
        }
    }
    for (count, bounds) in rows.iter_mut().zip(shard.settled.bounds.windows(2)) {
        if let &[from, to] = bounds {
            *count += to - from;
        }
    }
    rows
}

/// Turns counts per shard and client into the first slot of each; gives the bounds of each client.
fn assign_slots(counts: &mut [Vec<u32>], clients_len: usize, clients: &Remaps) -> Vec<u32> {
    let mut bounds = vec![0u32; clients_len + 1];
    for (counts, map) in counts.iter().zip(clients) {
        for (count, global) in counts.iter().zip(map) {
            if let Some(bound) = bounds.get_mut(*global as usize + 1) {
                *bound += count;
            }
        }
    }
    let mut sum = 0;
    for bound in &mut bounds {
        sum += *bound;
        *bound = sum;
    }
    let mut next = bounds.clone();
    for (counts, map) in counts.iter_mut().zip(clients) {
        for (count, global) in counts.iter_mut().zip(map) {
            if let Some(slot) = next.get_mut(*global as usize) {
                let first = *slot;
                *slot += *count;
                *count = first;
            }
        }
    }
    bounds
}

fn scatter(shard: Shard, mut next: Vec<u32>, shapes: &[u32], slots: &[AtomicU64]) {
    let mut put = |client: usize, seen: Seen| {
        let Some(slot) = next.get_mut(client) else { return };
        if let Some(cell) = slots.get(*slot as usize) {
            cell.store(seen.0, Relaxed);
        }
        *slot += 1;
    };
    for (bucket, visits) in shard.visits {
        let start = u32::from(bucket) << 16;
        for visit in visits {
            let shape = at(shapes, u32::from(visit.shape));
            put(visit.client as usize, Seen::new(Time(start | u32::from(visit.second)), shape));
        }
    }
    let Settled { bounds, visits } = shard.settled;
    for (client, bounds) in bounds.windows(2).enumerate() {
        let &[from, to] = bounds else { continue };
        for seen in visits.get(from as usize..to as usize).unwrap_or_default() {
            put(client, Seen::new(seen.time(), at(shapes, seen.shape() as u32)));
        }
    }
}

fn sort_each_client(visits: &mut [Seen], bounds: &[u32]) {
    /// Clients handed to one worker at a time: large enough to be worth a hand-over.
    const CLIENTS_PER_TASK: usize = 4096;
    let mut tasks = Vec::new();
    let (mut rest, mut taken) = (visits, 0usize);
    for first in (0..bounds.len().saturating_sub(1)).step_by(CLIENTS_PER_TASK) {
        let own = bounds.get(first..(first + CLIENTS_PER_TASK + 1).min(bounds.len())).unwrap_or_default();
        let end = own.last().copied().unwrap_or(0) as usize;
        let (part, after) = rest.split_at_mut(end - taken);
        tasks.push((part, own, taken));
        (rest, taken) = (after, end);
    }
    tasks.into_par_iter().for_each(|(part, own, offset)| {
        for pair in own.windows(2) {
            let &[from, to] = pair else { continue };
            let slice = part.get_mut(from as usize - offset..to as usize - offset).unwrap_or_default();
            if !slice.is_sorted() {
                slice.sort();
            }
        }
    });
}

fn span_of(visits: &[Seen]) -> Option<(Time, Time)> {
    let (first, last) = visits.par_iter().map(|v| (*v, *v)).reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some((first.time(), last.time()))
}
