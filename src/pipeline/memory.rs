//! The requests of the last days, as the state keeps them: pieces that are folded as they grow many, and dropped as
//! they grow old. Owns how far back is remembered.

use crate::{
    exchange,
    model::{
        tally::{Kept, Ledger, Place, Shard},
        time::Time,
    },
    state::{self, Change, Piece, Store},
    tally::{self, Budget},
    usual,
};
use std::collections::BTreeMap;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// So long, by the log's time.
    pub secs: u32,
    /// So many bytes of state: some 13 for each request, which takes some 80 in memory while a run looks at it.
    pub bytes: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { secs: 14 * DAY_SECS, bytes: 128 << 20 }
    }
}

const DAY_SECS: u32 = 86_400;
/// So many pieces of a level become one of the next.
const FOLD: usize = 12;
/// Pieces of this level stay as they are: with a run every five minutes they hold half a day.
const LEVEL_MAX: u32 = 2;
/// A line that is later than the clock by more than this has a wrong time, and is not kept: it would make everything
/// before it look over.
const FUTURE_SECS: u32 = 3600;

/// The first time that is in the future.
pub(super) fn future(now: Time) -> Time {
    Time(now.0.saturating_add(FUTURE_SECS))
}

/// Whether most requests bear times in the future: the clock is wrong then, or the zone that was taken for theirs.
pub(super) fn is_mostly_ahead(new: &[Shard], now: Time) -> bool {
    let until = future(now);
    let (all, ahead) = requests(new).fold((0_u64, 0), |(all, ahead), at| (all + 1, ahead + u64::from(at >= until)));
    ahead * 2 > all
}

/// New requests, ready to be kept.
pub(super) struct New {
    /// As pieces, each with its level.
    pub(super) pieces: Vec<(u32, Shard)>,
    /// Whose requests are kept.
    pub(super) kept: Kept,
    /// Of them, those that bear times in the future.
    pub(super) ahead: u64,
    /// What is kept lies in here, the end exclusive.
    within: (Time, Time),
}

impl New {
    /// Earliest and latest time.
    pub(super) fn span(&self) -> Option<(Time, Time)> {
        let times = || self.pieces.iter().flat_map(|(_, shard)| requests(std::slice::from_ref(shard)));
        times().min().zip(times().max())
    }
}

/// What is remembered when a run has read its part.
pub(super) struct Memory {
    /// All of it.
    pub(super) ledger: Ledger,
    /// Nothing before this.
    pub(super) horizon: Time,
}

/// Makes pieces of new requests; what is too old or in the future is dropped.
pub(super) fn take(
    store: &Store,
    (new, kept): (Vec<Shard>, Kept),
    (now, keep): (Time, Keep),
    budget: &Budget,
    change: &mut Change,
) -> Result<New, state::Error> {
    let until = future(now);
    let oldest = store.fact("horizon")?.unwrap_or(0) as u32;
    // By the log's time: a clock that runs ahead must not drop all that is remembered.
    let latest = store.fact("log_end")?.unwrap_or(0) as u32;
    let latest = requests(&new).filter(|time| *time < until).max().map_or(latest, |time| latest.max(time.0));
    let horizon = Time(oldest.max(latest.min(now.0).saturating_sub(keep.secs)));
    let ahead = requests(&new).filter(|time| *time >= until).count() as u64;
    let kept = kept.max(remembered_share(store, now)?);
    let within = (horizon, until);
    let pieces = cut(tally::share(new, kept, budget), kept, within, change);
    Ok(New { pieces, kept, ahead, within })
}

/// The last hour, new requests with it, from the pieces that were not folded yet: as many of the newest as are soon read.
pub(super) fn recent(store: &Store, new: &New, last: Time) -> Result<Ledger, state::Error> {
    const REQUESTS_MAX: u64 = 100_000;
    let mut shards: Vec<Shard> = new.pieces.iter().map(|(_, shard)| shard.clone()).collect();
    let mut requests = 0;
    for piece in store.pieces()?.iter().rev().filter(|piece| is_recent(piece, last)) {
        requests += piece.requests;
        if requests > REQUESTS_MAX {
            break;
        }
        shards.push(store.shard(piece.id)?);
    }
    Ok(tally::build_between((shards, new.kept), new.within, &Budget::default()).0)
}

/// Whether a piece is left as it is for those who ask what is recent.
fn is_recent(piece: &Piece, last: Time) -> bool {
    piece.level == 0 && piece.last.0.saturating_add(usual::RECENT_SECS) > last.0
}

/// Everything that is remembered, with what is new; what of the state changes with that goes into `change`. `ranks`
/// gives each log's id its place among the files of the report.
pub(super) fn whole(
    store: &Store,
    new: New,
    (now, keep): (Time, Keep),
    budget: &Budget,
    ranks: &BTreeMap<u32, u32>,
    change: &mut Change,
) -> Result<Memory, state::Error> {
    let New { pieces: added, kept, within: (mut horizon, until), .. } = new;
    let mut pieces = store.pieces()?;
    let mut gone: Vec<Piece> = pieces.extract_if(.., |piece| piece.last < horizon).collect();
    let mut size_bytes: u64 = pieces.iter().map(|piece| piece.size_bytes).sum();
    while size_bytes > keep.bytes && !pieces.is_empty() {
        let oldest = pieces.remove(0);
        size_bytes -= oldest.size_bytes;
        horizon = horizon.max(Time(oldest.last.0 + 1));
        gone.push(oldest);
    }
    change.dropped_requests += gone.iter().map(|piece| piece.requests).sum::<u64>();
    change.dropped_pieces.extend(gone.iter().map(|piece| piece.id));
    change.facts.push(("horizon", horizon.0.into()));

    let held = pieces.iter().map(|piece| Ok((*piece, store.shard(piece.id)?)));
    let held: Vec<(Piece, Shard)> = held.collect::<Result<_, state::Error>>()?;
    let mut all = Vec::new();
    for (level, added) in fold(&held, added, (kept, budget), change) {
        all.push(added.clone());
        change.pieces.push((level, added));
    }
    let stays = |piece: &Piece| !change.dropped_pieces.contains(&piece.id);
    all.extend(held.into_iter().filter(|(piece, _)| stays(piece)).map(|(_, shard)| shard));
    for shard in &mut all {
        let rank = |id: u32| ranks.get(&id).copied().unwrap_or_default();
        shard.move_places(|place| Place { file: rank(place.file), ..place });
    }
    let (ledger, _) = tally::build_between((tally::share(all, kept, budget), kept), (horizon, until), budget);
    if !ledger.kept.is_all() {
        let over = now.0.saturating_add(keep.secs);
        change.facts.extend([("kept_level", ledger.kept.level.into()), ("kept_until", over.into())]);
    }
    Ok(Memory { ledger, horizon })
}

/// Whose requests are remembered where not all clients' are: for as long as what did not fit would be.
fn remembered_share(store: &Store, now: Time) -> Result<Kept, state::Error> {
    let is_over = store.fact("kept_until")?.is_none_or(|until| i64::from(now.0) >= until);
    let level = if is_over { None } else { store.fact("kept_level")? };
    Ok(Kept { level: level.and_then(|level| u8::try_from(level).ok()).unwrap_or_default() })
}

fn requests(shards: &[Shard]) -> impl Iterator<Item = Time> {
    let buckets = shards.iter().flat_map(|shard| &shard.visits);
    let loose = buckets.flat_map(|(bucket, visits)| {
        visits.iter().map(move |visit| Time(u32::from(*bucket) << 16 | u32::from(visit.second)))
    });
    loose.chain(shards.iter().flat_map(|shard| shard.settled.visits.iter().map(|seen| seen.time())))
}

/// New requests as pieces of at most a day, each with its level: a first run may bring months.
fn cut(new: Vec<Shard>, kept: Kept, within: (Time, Time), change: &mut Change) -> Vec<(u32, Shard)> {
    let (ledger, dropped) = tally::build_between((new, kept), within, &Budget::default());
    change.dropped_requests += dropped;
    let Some((first, last)) = span(&ledger) else { return Vec::new() };
    let (level, days) = if last.0 - first.0 < DAY_SECS {
        (0, vec![(first, last)])
    } else {
        let end_of = |day: u32| Time((day * DAY_SECS).saturating_add(DAY_SECS - 1));
        let days = (first.0 / DAY_SECS..=last.0 / DAY_SECS).map(|day| (Time(day * DAY_SECS), end_of(day)));
        (LEVEL_MAX, days.collect())
    };
    let mut pieces = Vec::new();
    for (first, last) in days {
        let (shards, dropped) = folded(&ledger, first, last);
        change.dropped_requests += dropped;
        pieces.extend(shards.into_iter().map(|shard| (level, shard)));
    }
    pieces
}

/// Earliest and latest time, from the start of the slice on where requests are only counted.
fn span(ledger: &Ledger) -> Option<(Time, Time)> {
    let counted = &ledger.counted;
    let start = counted.slices.keys().next().map(|slice| Time(slice.saturating_mul(counted.slice_secs)));
    ledger.span.map(|(first, last)| (start.map_or(first, |start| start.min(first)), last))
}

/// A stretch of a ledger, both ends inclusive, in as few shards as can number it; and how many requests no shard can.
pub(super) fn folded(ledger: &Ledger, first: Time, last: Time) -> (Vec<Shard>, u64) {
    match exchange::fold(ledger, first, Time(last.0.saturating_add(1))) {
        Some(shard) => (vec![shard], 0),
        // More kinds of request in one second than a shard can number: a flood.
        None if first >= last => {
            let kept = ledger.visits.iter().filter(|seen| seen.time() == first).count() as u64;
            let mut counted = ledger.counted.clone();
            counted.cut((first, Time(first.0.saturating_add(1))));
            (Vec::new(), kept + counted.all().requests)
        }
        None => {
            let middle = first.0 + (last.0 - first.0) / 2;
            let (mut halves, dropped) = folded(ledger, first, Time(middle));
            let (mut later, more) = folded(ledger, Time(middle + 1), last);
            halves.append(&mut later);
            (halves, dropped + more)
        }
    }
}

/// Folds levels that are full; what is recent stays as it is. Gives what is to be written.
fn fold(
    held: &[(Piece, Shard)],
    added: Vec<(u32, Shard)>,
    (kept, budget): (Kept, &Budget),
    change: &mut Change,
) -> Vec<(u32, Shard)> {
    let mut added = added;
    let last = held.iter().map(|(piece, _)| piece.last).max().unwrap_or_default();
    for level in 0..LEVEL_MAX {
        let is_full = |piece: &Piece| piece.level == level && !is_recent(piece, last);
        let full: Vec<&(Piece, Shard)> = held.iter().filter(|(piece, _)| is_full(piece)).collect();
        let new = added.iter().filter(|(l, _)| *l == level && level > 0).count();
        if full.len() + new < FOLD {
            continue;
        }
        let mut shards: Vec<Shard> = full.iter().map(|(_, shard)| shard.clone()).collect();
        shards.extend(added.extract_if(.., |(l, _)| *l == level && level > 0).map(|(_, shard)| shard));
        change.dropped_pieces.extend(full.iter().map(|(piece, _)| piece.id));
        let shards = tally::share(shards, kept, budget);
        let (ledger, _) = tally::build_between((shards, kept), (Time(0), Time(u32::MAX)), &Budget::default());
        let Some((first, last)) = span(&ledger) else { continue };
        let (shards, dropped) = folded(&ledger, first, last);
        change.dropped_requests += dropped;
        added.extend(shards.into_iter().map(|shard| (level + 1, shard)));
    }
    added
}
