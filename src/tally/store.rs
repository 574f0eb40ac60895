//! Full shards, within a bound. Owns the decision what share of the clients is kept.
//!
//! ```text
//!  open shards, one per worker ──put──> waiting shards ──settle──> one shard in order
//!   an eighth of the bound in all       an eighth            three quarters by Size, or fewer clients
//! ```
//!
//! What is settled is exactly what a ledger of all rows so far would be, so its size depends on the rows alone. Where
//! it does not fit, half of the clients go. Rows only come in, so no other order and no other number of threads would
//! have kept them in the end; and when all is read the whole is settled once more ([`fit`]). The share is therefore
//! the largest that fits, for every partition of the input.

use super::{ledger, share, share::Lots, size::Size};
use crate::model::tally::{Kept, Ledger, Shard};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU8, Ordering::Relaxed},
};

/// What may be used, and for whom.
#[derive(Clone, Debug)]
pub struct Budget {
    bytes: u64,
    slice_secs: u32,
    lots: Lots,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(u64::MAX, 300)
    }
}

impl Budget {
    /// So many bytes; requests that are only counted are counted in slices of so many seconds.
    #[must_use]
    pub fn new(bytes: u64, slice_secs: u32) -> Self {
        Self { bytes, slice_secs, lots: Lots::default() }
    }

    /// The same, with an address or host name that is kept to the last.
    #[must_use]
    pub fn wanting(self, client: Option<&str>) -> Self {
        Self { lots: client.map(Lots::wanting).unwrap_or_default(), ..self }
    }

    /// What a ledger leaves of it.
    #[must_use]
    pub fn left_bytes(&self, ledger: &Ledger) -> u64 {
        self.bytes.saturating_sub(Size::of_ledger(ledger).resting_bytes())
    }

    pub(super) fn lots(&self) -> &Lots {
        &self.lots
    }

    pub(super) fn slice_secs(&self) -> u32 {
        self.slice_secs
    }

    /// For what is settled.
    fn settled_bytes(&self) -> u64 {
        self.bytes - self.bytes / 4
    }

    /// For the open shards together, and once more for those that wait.
    fn loose_bytes(&self) -> u64 {
        self.bytes / 8
    }
}

/// See the module.
#[derive(Debug)]
pub struct Store {
    budget: Budget,
    /// Bytes of an open shard at most.
    room_bytes: u64,
    /// And of those that wait.
    waiting_bytes_max: u64,
    level: AtomicU8,
    shards: Mutex<Shards>,
}

#[derive(Debug, Default)]
struct Shards {
    shards: Vec<Shard>,
    waiting_bytes: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(Budget::default(), 1)
    }
}

impl Store {
    /// An empty one for so many workers.
    #[must_use]
    pub fn new(budget: Budget, workers: usize) -> Self {
        let waiting_bytes_max = budget.loose_bytes();
        let room_bytes = waiting_bytes_max / workers.max(1) as u64;
        Self { budget, room_bytes, waiting_bytes_max, level: AtomicU8::new(0), shards: Mutex::default() }
    }

    /// For shards of these clients that were read elsewhere: none of them is open here.
    #[must_use]
    pub fn of_parts(budget: Budget, kept: Kept) -> Self {
        let waiting_bytes_max = 2 * budget.loose_bytes();
        Self { waiting_bytes_max, level: AtomicU8::new(kept.level), ..Self::new(budget, 1) }
    }

    /// All shards, and whose requests are in them.
    #[must_use]
    pub fn take(&self) -> (Vec<Shard>, Kept) {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut *shards).shards, self.kept())
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn room_bytes(&self) -> u64 {
        self.room_bytes
    }

    #[inline]
    pub(super) fn kept(&self) -> Kept {
        Kept { level: self.level.load(Relaxed) }
    }

    /// Takes a shard in; now and then that takes a while, and others who come wait.
    pub fn put(&self, shard: Shard) {
        let mut waiting = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let Budget { lots, slice_secs, .. } = &self.budget;
        let shard = share::retain(shard, self.kept(), lots, *slice_secs);
        waiting.waiting_bytes += Size::of_shard(&shard).shard_bytes();
        waiting.shards.push(shard);
        if waiting.waiting_bytes > self.waiting_bytes_max {
            let ledger = fit(std::mem::take(&mut waiting.shards), self.kept(), &self.budget);
            self.level.store(ledger.kept.level, Relaxed);
            *waiting = Shards { shards: vec![ledger.into()], waiting_bytes: 0 };
        }
    }
}

/// The ledger of some shards, of the largest share of the clients that fits. The shards hold no client below `kept`.
pub(super) fn fit(mut shards: Vec<Shard>, mut kept: Kept, budget: &Budget) -> Ledger {
    loop {
        let ledger = ledger::merge(shards, kept);
        if Size::of_ledger(&ledger).ledger_bytes() <= budget.settled_bytes() || kept.is_nobody() {
            return ledger;
        }
        (shards, kept) = halved(ledger, budget);
    }
}

/// A ledger's rows without half of the clients.
pub(super) fn halved(ledger: Ledger, budget: &Budget) -> (Vec<Shard>, Kept) {
    let kept = Kept { level: ledger.kept.level + 1 };
    (vec![share::retain(ledger.into(), kept, &budget.lots, budget.slice_secs)], kept)
}

/// Whether shards fit without a look at what they have in common.
pub(super) fn fits_anyhow(shards: &[Shard], budget: &Budget) -> bool {
    shards.iter().map(|shard| Size::of_shard(shard).ledger_bytes()).sum::<u64>() <= budget.settled_bytes()
}
