//! What is left when the server's own faults are taken out: who is behind the other waves of failures.
//!
//! Four passes, each over what the one before left. First what comes back at its hour; then the addresses that fail a lot
//! by themselves; then the quarters of an hour in which more distinct clients fail than usual; last what goes on all day
//! at a low rate. A wave is of one status and one [`Sort`], and is named as a whole, strangers and known clients alike,
//! since an attack comes through real people's addresses too. Only who got in within two minutes is apart from who did
//! not: a person who knows the password gets in, a guesser does not.

use super::{
    doings::{Group, Item, Sort, items, served_in},
    facts::{Facts, network},
    history::Past,
    naming::{Name, name_address, name_closed, name_crawler, name_habit, name_never_served, name_shut_out, name_wave},
    recurrence::Habit,
};
use crate::model::incident::Verdict;
use rayon::prelude::*;

/// A wave of failures that is nobody's fault on our side.
#[derive(Clone, Debug)]
pub(crate) struct Burst {
    pub(crate) verdict: Verdict,
    pub(crate) cause: &'static str,
    pub(crate) status: u16,
    pub(crate) from: u32,
    /// Exclusive.
    pub(crate) to: u32,
    /// Indices of its refusals.
    pub(crate) refusals: Vec<u32>,
    pub(crate) why: String,
}

impl Burst {
    fn new(group: &Group<'_, '_>, (verdict, cause, why): Name) -> Self {
        let on_401 = group.share(|item| item.status == 401);
        Self {
            verdict,
            cause,
            status: if on_401 >= 0.5 { 401 } else { 403 },
            from: group.from,
            to: group.to,
            refusals: group.items.iter().map(|item| item.index).collect(),
            why,
        }
    }
}

/// Names what `free` refusals (those in no server-side incident) make up.
pub(crate) fn find(facts: &Facts<'_>, pasts: &[Past], habits: &[Habit], free: &[bool]) -> Vec<Burst> {
    let mut left = items(facts, pasts, free);
    let mut bursts: Vec<Burst> = habits.iter().filter_map(|habit| usual_of_its_hour(facts, habit, &mut left)).collect();
    bursts.extend(heavy_addresses(facts, &mut left));
    bursts.extend(waves(facts, &mut left));
    bursts.extend(everyday(facts, left));
    let mut merged = merge(bursts);
    merged.sort_by_key(|b| (b.from, b.to, b.cause, b.status));
    merged
}

/// What comes back at its hour, as one wave.
fn usual_of_its_hour(facts: &Facts<'_>, habit: &Habit, left: &mut Vec<Item<'_>>) -> Option<Burst> {
    let (mut own, rest): (Vec<_>, Vec<_>) = left.drain(..).partition(|item| habit.holds(facts, item.refusal));
    *left = rest;
    own.sort_by_key(|item| (item.time(), item.index));
    (!own.is_empty()).then(|| {
        let group = Group::new(facts, &own);
        Burst::new(&group, name_habit(&group, habit))
    })
}

/// Splits where nothing happened for half a day, so that one address of all day is not one event of a month.
fn pieces<'a, 'f>(own: &'a [Item<'f>]) -> impl Iterator<Item = &'a [Item<'f>]> {
    const SILENCE_SECS: u32 = 12 * 3600;
    const FAILURES_MIN: usize = 10;
    own.chunk_by(|a, b| b.time() - a.time() < SILENCE_SECS).filter(|piece| piece.len() >= FAILURES_MIN)
}

/// Addresses with many failures of their own. Answered challenges are nobody's failure, and a busy page elsewhere
/// embeds a file however few addresses its readers have.
fn heavy_addresses(facts: &Facts<'_>, left: &mut Vec<Item<'_>>) -> Vec<Burst> {
    const FAILURES_MIN: usize = 40;
    const PIECE_MIN: usize = 10;
    let is_own = |item: &Item<'_>| !matches!(item.sort, Sort::Challenge | Sort::Embedded);
    let addr = |item: &Item<'_>| facts.ledger.clients.get(item.refusal.client as usize).map_or(0, |k| k.addr);
    let (mut bursts, mut rest) = (Vec::new(), Vec::new());
    // Refusals stand in the order of their clients, and these in that of their addresses.
    for all in left.chunk_by(|a, b| addr(a) == addr(b)) {
        if all.iter().filter(|item| is_own(item)).count() < FAILURES_MIN {
            rest.extend_from_slice(all);
            continue;
        }
        let mut own: Vec<Item<'_>> = all.iter().filter(|item| is_own(item)).copied().collect();
        rest.extend(all.iter().filter(|item| !is_own(item)).copied());
        own.sort_by_key(|i| (i.time(), i.index));
        let Some(name) = name_address(facts, &Group::new(facts, &own)) else {
            rest.extend(own);
            continue;
        };
        bursts.extend(
            pieces(&own)
                .filter(|piece| piece.len() >= PIECE_MIN)
                .map(|piece| Burst::new(&Group::new(facts, piece), name.clone())),
        );
    }
    *left = rest;
    bursts
}

/// Quarters of an hour with more distinct failing clients than usual, joined where they touch.
fn waves(facts: &Facts<'_>, left: &mut Vec<Item<'_>>) -> Vec<Burst> {
    const SLOT_SECS: u32 = 900;
    /// More of those who got in, which is everyday.
    const CLIENTS_MIN: usize = 8;
    const CLIENTS_MIN_WHERE_ANSWERED: usize = 10;
    let class = |item: &Item<'_>| (item.status, item.sort, item.got_in());
    let slot = |item: &Item<'_>| item.time() / SLOT_SECS;
    left.par_sort_unstable_by_key(|item| (class(item), slot(item), item.index));
    let slots = facts.ledger.span.map_or(0, |(first, last)| (last.0 / SLOT_SECS - first.0 / SLOT_SECS + 1) as usize);
    let (mut bursts, mut rest) = (Vec::new(), Vec::new());
    for own in left.chunk_by(|a, b| class(a) == class(b)) {
        // The refusals of one client follow each other.
        let counted: Vec<(usize, &[Item<'_>])> = own
            .chunk_by(|a, b| slot(a) == slot(b))
            .map(|items| (items.chunk_by(|a, b| a.refusal.client == b.refusal.client).count(), items))
            .collect();
        let mut counts: Vec<usize> = counted.iter().map(|(clients, _)| *clients).collect();
        counts.resize(slots.max(counts.len()), 0);
        let is_answered = own.first().is_some_and(Item::got_in);
        let least = if is_answered { CLIENTS_MIN_WHERE_ANSWERED } else { CLIENTS_MIN };
        let bound = least.max(outlier_bound(counts));
        let (full, quiet): (Vec<_>, Vec<_>) = counted.into_iter().partition(|(clients, _)| *clients >= bound);
        rest.extend(quiet.into_iter().flat_map(|(_, items)| items.iter().copied()));
        let place = |items: &[Item<'_>]| items.first().map_or(0, slot);
        for run in full.chunk_by(|(_, a), (_, b)| place(b) <= place(a) + 4) {
            let run: Vec<Item<'_>> = run.iter().flat_map(|(_, items)| items.iter().copied()).collect();
            let group = Group::new(facts, &run);
            bursts.push(Burst::new(&group, name_wave(facts, &group)));
        }
    }
    *left = rest;
    bursts
}

/// Median and six median absolute deviations.
fn outlier_bound(mut counts: Vec<usize>) -> usize {
    let median = |sorted: &[usize]| sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    counts.sort_unstable();
    let middle = median(&counts);
    let mut deviations: Vec<usize> = counts.iter().map(|c| c.abs_diff(middle)).collect();
    deviations.sort_unstable();
    middle + 6 * median(&deviations).max(1)
}

/// What goes on at a low rate: crawlers by their name, herds of one network that are shut out, and closed areas.
fn everyday(facts: &Facts<'_>, mut left: Vec<Item<'_>>) -> Vec<Burst> {
    left.retain(|item| item.status == 403 && item.sort != Sort::Login);
    let net = |item: &Item<'_>| network(facts.ledger.clients.get(item.refusal.client as usize).map_or(0, |k| k.addr));
    let family = |item: &Item<'_>| facts.families_of(item.refusal.client).last().copied().unwrap_or(0);
    let is_bot = |item: &Item<'_>| matches!(item.sort, Sort::Crawler | Sort::Monitor);
    let mut bursts = Vec::new();
    let mut tell = |group: &Group<'_, '_>, name: Option<Name>| bursts.extend(name.map(|name| Burst::new(group, name)));
    let (bots, left): (Vec<_>, Vec<_>) = left.into_iter().partition(is_bot);
    for own in grouped(bots, family) {
        let group = Group::new(facts, &own);
        tell(&group, name_crawler(facts, &group));
    }
    let (out, mut left): (Vec<_>, Vec<_>) = left.into_iter().partition(Item::is_shut_out);
    for own in grouped(out, net) {
        let group = Group::new(facts, &own);
        match name_shut_out(facts, &group) {
            None => left.extend_from_slice(&own),
            name => tell(&group, name),
        }
    }
    let areas = grouped(left, |item| item.area(facts));
    let groups: Vec<Group<'_, '_>> = areas.par_iter().map(|own| Group::new(facts, own)).collect();
    let span = |g: &Group<'_, '_>| (g.items.first().map_or((0, 0), |i| i.area(facts)), g.from, g.to);
    let spans: Vec<_> = groups.iter().map(span).collect();
    let served = served_in(facts, &spans);
    let names: Vec<_> = groups.par_iter().zip(served).map(|(group, served)| name_area(facts, group, served)).collect();
    for (group, name) in groups.iter().zip(names) {
        tell(group, name);
    }
    bursts
}

/// Names the refusals of an area; `served` is how many clients were served there meanwhile, and at other times.
fn name_area(facts: &Facts<'_>, own: &Group<'_, '_>, served: (u32, u32)) -> Option<Name> {
    let never_served = if served == (0, 0) { name_never_served(facts, own) } else { None };
    never_served.or_else(|| name_closed(facts, own, served))
}

/// Those with the same key, split where nothing happened for long.
fn grouped<'f, K: Ord + Send>(mut own: Vec<Item<'f>>, key: impl Fn(&Item<'f>) -> K + Sync) -> Vec<Vec<Item<'f>>> {
    own.par_sort_by_cached_key(|item| (key(item), item.time(), item.index));
    own.chunk_by(|a, b| key(a) == key(b)).flat_map(pieces).map(<[Item<'f>]>::to_vec).collect()
}

/// Bursts of the same cause and status that overlap are one.
fn merge(mut bursts: Vec<Burst>) -> Vec<Burst> {
    bursts.sort_by(|a, b| {
        (a.cause, a.status, a.from, a.to, &a.refusals).cmp(&(b.cause, b.status, b.from, b.to, &b.refusals))
    });
    let mut merged: Vec<Burst> = Vec::new();
    for burst in bursts {
        match merged
            .last_mut()
            .filter(|last| (last.cause, last.status) == (burst.cause, burst.status) && burst.from <= last.to + 3600)
        {
            Some(last) => {
                last.to = last.to.max(burst.to);
                last.refusals.extend(&burst.refusals);
                last.why = format!(
                    "{} of the kind: {}",
                    last.refusals.len(),
                    last.why.split(" of the kind: ").last().unwrap_or_default()
                );
            }
            None => merged.push(burst),
        }
    }
    merged
}
