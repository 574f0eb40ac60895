//! What is left when the server's own faults are taken out: who is behind the other waves of failures.
//!
//! Two passes. First the addresses that fail a lot by themselves, each named by what it does; then the quarters
//! of an hour in which more distinct clients fail than usual, named by what these clients have in common.

use super::{agent::Kind, facts::Facts, history::Past};
use crate::model::{incident::Verdict, tally::Refusal};
use rayon::prelude::*;
use std::collections::BTreeSet;

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

/// Names what `free` refusals (those in no server-side incident) make up.
pub(crate) fn find(facts: &Facts<'_>, pasts: &[Past], free: &[bool]) -> Vec<Burst> {
    let mut free = free.to_vec();
    let mut bursts = heavy_addresses(facts, pasts, &mut free);
    bursts.extend(waves(facts, pasts, &free));
    let mut merged = merge(bursts);
    merged.sort_by_key(|b| (b.from, b.to, b.cause, b.status));
    merged
}

/// One refusal with what the naming asks for.
struct Item<'f> {
    index: u32,
    refusal: &'f Refusal,
    past: &'f Past,
    status: u16,
    logs_in: bool,
    path: u32,
    kind: Kind,
}

fn item<'f>(facts: &'f Facts<'_>, pasts: &'f [Past], index: usize) -> Option<Item<'f>> {
    let (refusal, past) = (facts.ledger.refusals.get(index)?, pasts.get(index)?);
    let shape = facts.shape(refusal.shape as usize);
    Some(Item {
        index: index as u32,
        refusal,
        past,
        status: shape.status,
        logs_in: facts.route(shape.route).logs_in,
        path: facts.ledger.shapes.get(refusal.shape as usize).map_or(0, |s| s.path),
        kind: facts.kind(refusal.client),
    })
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// Addresses with many failures of their own.
fn heavy_addresses(facts: &Facts<'_>, pasts: &[Past], free: &mut [bool]) -> Vec<Burst> {
    const FAILURES_MIN: usize = 40;
    let addr = |refusal: &Refusal| facts.ledger.clients.get(refusal.client as usize).map_or(0, |k| k.addr);
    let mut bursts = Vec::new();
    let mut next = 0;
    // Refusals stand in the order of their clients, and these in that of their addresses.
    for all in facts.ledger.refusals.chunk_by(|a, b| addr(a) == addr(b)) {
        let from = next;
        next += all.len();
        if all.len() < FAILURES_MIN {
            continue;
        }
        let mut own: Vec<Item<'_>> =
            (from..next).filter(|i| free.get(*i) == Some(&true)).filter_map(|i| item(facts, pasts, i)).collect();
        if own.len() < FAILURES_MIN {
            continue;
        }
        own.sort_by_key(|i| (i.refusal.time, i.index));
        for item in &own {
            if let Some(free) = free.get_mut(item.index as usize) {
                *free = false;
            }
        }
        let (verdict, cause, why) = name_address(facts, &own);
        bursts.extend(pieces(&own, verdict, cause, &why));
    }
    bursts
}

/// Splits where nothing happened for half a day, so that one address of all day is not one event of a month.
fn pieces(own: &[Item<'_>], verdict: Verdict, cause: &'static str, why: &str) -> Vec<Burst> {
    const SILENCE_SECS: u32 = 12 * 3600;
    own.chunk_by(|a, b| b.refusal.time.0 - a.refusal.time.0 < SILENCE_SECS)
        .filter(|piece| piece.len() >= 10)
        .filter_map(|piece| {
            let (first, last) = (piece.first()?, piece.last()?);
            let on_401 = piece.iter().filter(|i| i.status == 401).count();
            Some(Burst {
                verdict,
                cause,
                status: if on_401 * 2 >= piece.len() { 401 } else { 403 },
                from: first.refusal.time.0,
                to: last.refusal.time.0 + 1,
                refusals: piece.iter().map(|i| i.index).collect(),
                why: why.to_owned(),
            })
        })
        .collect()
}

fn name_address(facts: &Facts<'_>, own: &[Item<'_>]) -> (Verdict, &'static str, String) {
    let all = own.len();
    let names: BTreeSet<u32> = own.iter().map(|i| i.refusal.user).filter(|u| *u != 0).collect();
    let paths: BTreeSet<u32> = own.iter().map(|i| i.path).collect();
    let on_401 = own.iter().filter(|i| i.status == 401).count();
    let tries = own.iter().filter(|i| i.status == 401 && (i.logs_in || i.refusal.user != 0)).count();
    let known = own.iter().filter(|i| i.past.on_route).count();
    let kind = own.iter().map(|i| i.kind).max().unwrap_or(Kind::Unknown);
    let span = own.last().map_or(0, |i| i.refusal.time.0) - own.first().map_or(0, |i| i.refusal.time.0);
    let per_hour = all as f64 * 3600.0 / f64::from(span.max(60));
    let by_bots = own.iter().filter(|i| matches!(i.kind, Kind::Bot)).count();
    let by_monitors = own.iter().filter(|i| i.kind == Kind::Monitor).count();
    if share(by_monitors, all) > 0.6 {
        return (Verdict::ClientSide, "monitor_probe", format!("{all} failures of a declared monitor"));
    }
    if share(by_bots, all) > 0.6 {
        return (Verdict::ClientSide, "crawler_blocked", format!("{all} failures of a declared crawler"));
    }
    if share(tries, all) > 0.5 {
        let named = own.iter().filter(|i| i.refusal.user != 0).count();
        let per_name = named as f64 / names.len().max(1) as f64;
        if names.len() >= 8 && per_name < 5.0 {
            return (
                Verdict::Attack,
                "password_spray",
                format!("{tries} tries with {} names from one address", names.len()),
            );
        }
        if named * 2 > tries && per_name >= 5.0 && per_hour / (names.len() as f64) < 240.0 {
            let why = format!("one address repeats {} name(s) {tries} times, {per_hour:.0} an hour", names.len());
            return (Verdict::ClientSide, "stale_credentials", why);
        }
        if per_hour >= 20.0 || names.len() > 4 {
            return (Verdict::Attack, "brute_force", format!("{tries} tries from one address, {per_hour:.0} an hour"));
        }
        return (
            Verdict::ClientSide,
            "stale_credentials",
            format!("{tries} tries from one address over {} h", span / 3600),
        );
    }
    if kind == Kind::Scanner || (paths.len() >= 12 && share(known, all) < 0.3) {
        return (
            Verdict::Attack,
            "scanner",
            format!("one address asked for {} kinds of path and was refused {all} times", paths.len()),
        );
    }
    if share(on_401, all) > 0.5 {
        let resolved = own.iter().filter(|i| i.past.resolved || i.past.challenged).count();
        let cause = if share(resolved, all) > 0.5 { "token_refresh" } else { "stale_credentials" };
        return (
            Verdict::ClientSide,
            cause,
            format!("one address met {on_401} 401s, {} of them resolved at once", resolved),
        );
    }
    if share(known, all) > 0.5 {
        return (
            Verdict::ClientSide,
            "rate_limit",
            format!("one address was served and refused in turn on the same route, {all} times"),
        );
    }
    let _ = facts;
    (Verdict::ClientSide, "restricted_page", format!("one address asked {all} times for what it may not have"))
}

/// Quarters of an hour with more distinct failing clients than usual, joined where they touch.
fn waves(facts: &Facts<'_>, pasts: &[Past], free: &[bool]) -> Vec<Burst> {
    const SLOT_SECS: u32 = 900;
    const CLIENTS_MIN: usize = 8;
    let mut places: Vec<Place> = (0..free.len())
        .filter(|i| free.get(*i) == Some(&true))
        .filter_map(|i| item(facts, pasts, i))
        .filter(|item| !(item.past.challenged && item.past.on_route))
        .map(|item| Place {
            class: (item.status, item.logs_in, item.past.anywhere),
            slot: item.refusal.time.0 / SLOT_SECS,
            index: item.index,
            client: item.refusal.client,
        })
        .collect();
    places.par_sort_unstable();
    let slots = facts.ledger.span.map_or(0, |(first, last)| (last.0 / SLOT_SECS - first.0 / SLOT_SECS + 1) as usize);
    let mut bursts = Vec::new();
    for own in places.chunk_by(|a, b| a.class == b.class) {
        // The refusals of one client follow each other.
        let counted: Vec<(usize, &[Place])> = own
            .chunk_by(|a, b| a.slot == b.slot)
            .map(|places| (places.chunk_by(|a, b| a.client == b.client).count(), places))
            .collect();
        let mut counts: Vec<usize> = counted.iter().map(|(clients, _)| *clients).collect();
        counts.resize(slots.max(counts.len()), 0);
        let bound = CLIENTS_MIN.max(outlier_bound(counts));
        let full: Vec<&[Place]> = counted.into_iter().filter(|(n, _)| *n >= bound).map(|(_, places)| places).collect();
        let slot = |places: &[Place]| places.first().map_or(0, |place| place.slot);
        for run in full.chunk_by(|a, b| slot(b) <= slot(a) + 4) {
            let items: Vec<Item<'_>> =
                run.iter().copied().flatten().filter_map(|place| item(facts, pasts, place.index as usize)).collect();
            bursts.extend(items.first().and_then(|first| name_wave(facts, first.status, &items)));
        }
    }
    bursts
}

/// Where a refusal stands among the waves; sorted, those of one class, slot and client follow each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Status, whether it was at a login, whether its client had been served anywhere.
    class: (u16, bool, bool),
    slot: u32,
    index: u32,
    client: u32,
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

fn name_wave(facts: &Facts<'_>, status: u16, run: &[Item<'_>]) -> Option<Burst> {
    let all = run.len();
    let count = |test: &dyn Fn(&Item<'_>) -> bool| share(run.iter().filter(|i| test(i)).count(), all);
    let clients: BTreeSet<u32> = run.iter().map(|i| i.refusal.client).collect();
    let addresses: BTreeSet<u128> =
        clients.iter().filter_map(|c| facts.ledger.clients.get(*c as usize)).map(|k| k.addr).collect();
    let agents: BTreeSet<u32> =
        clients.iter().filter_map(|c| facts.ledger.clients.get(*c as usize)).map(|k| k.agent).collect();
    let paths: BTreeSet<u32> = run.iter().map(|i| i.path).collect();
    let names: BTreeSet<u32> = run.iter().map(|i| i.refusal.user).filter(|u| *u != 0).collect();
    let strangers = count(&|i| !i.past.anywhere);
    let tries = count(&|i| i.logs_in || i.refusal.user != 0);
    let recovered = count(&|i| i.past.resolved || i.past.logged_in_after || i.past.challenged);
    let foreign = count(&|i| i.refusal.referer_host != 0 && i.refusal.referer_host != facts.own_host);
    let bots = count(&|i| matches!(i.kind, Kind::Bot));
    let scanners = count(&|i| matches!(i.kind, Kind::Scanner));
    use Verdict::{Attack, ClientSide};
    let (verdict, cause, common) = if status == 401 && tries > 0.5 {
        if strangers > 0.5 {
            if addresses.len() <= 5 && names.len() > 20 {
                (Attack, "password_spray", "many names from few addresses")
            } else {
                (Attack, "credential_stuffing", "strangers try to log in")
            }
        } else if agents.len() <= 2 && clients.len() > 5 {
            (ClientSide, "stale_credentials", "one kind of agent, the same everywhere")
        } else {
            (ClientSide, "password_expiry", "known clients whose passwords are refused, one by one")
        }
    } else if status == 401 && recovered > 0.5 {
        (ClientSide, "relogin_wave", "known clients log in again and are served")
    } else if status == 401 && agents.len() <= 2 {
        (ClientSide, "stale_credentials", "one kind of agent, the same everywhere")
    } else if status == 401 {
        (ClientSide, "relogin_wave", "sessions that ended by themselves")
    } else if foreign > 0.5 {
        (ClientSide, "hotlink_block", "referred from other sites")
    } else if bots > 0.5 {
        (ClientSide, "crawler_blocked", "declared crawlers")
    } else if scanners > 0.3 || (strangers > 0.5 && paths.len() >= 12) {
        (Attack, "scanner", "strangers ask for many paths")
    } else if strangers < 0.5 && count(&|i| i.past.on_route) > 0.5 {
        (Attack, "bot_swarm", "clients that had been served are now refused by a rule")
    } else {
        (ClientSide, "restricted_page", "visitors ask for what they may not have")
    };
    let (from, to) = (run.iter().map(|i| i.refusal.time.0).min()?, run.iter().map(|i| i.refusal.time.0).max()?);
    let why = format!("{} clients from {} addresses, {all} failures: {common}", clients.len(), addresses.len());
    Some(Burst { verdict, cause, status, from, to: to + 1, refusals: run.iter().map(|i| i.index).collect(), why })
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
