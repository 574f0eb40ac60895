//! What tallies cost in memory, by what is in them alone: the same for every partition of the input.
//!
//! An entry is charged for the most that it takes at any time from the ledger to the report: a kept request is eight
//! bytes, twice while ledgers are merged, and later it may be one of three trials in detection; a path has its
//! prefixes, its leaf and its groups there. A shard that is still open is charged for what it takes itself. The charges
//! were measured (`benches/memory.py`) and rounded up, so what fits by them fits.

use crate::model::tally::{Ledger, Names, Seen, Shard};
use rayon::prelude::*;

/// Bytes that an entry takes in a shard, and at most from then on.
struct Charge(u64, u64);

const REQUEST: Charge = Charge(12, 40);
/// On each of three channels.
const TRIAL: Charge = Charge(0, 160);
const REFUSAL: Charge = Charge(64, 192);
const CLIENT: Charge = Charge(128, 192);
const AGENT: Charge = Charge(128, 640);
const NAME: Charge = Charge(96, 128);
const SHAPE: Charge = Charge(192, 384);
/// By which detection makes groups.
const REFUSED_SHAPE: Charge = Charge(0, 768);
/// With its text, however long: which of the lines of one second is the sample may depend on their order.
const SAMPLE: Charge = Charge(640, 768);
const TEXT_BYTE: Charge = Charge(1, 2);
/// A bucket of time, of which a ledger has none.
const BUCKET: Charge = Charge(192, 192);

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) requests: u64,
    /// Of them, those that may be trials.
    pub(super) trials: u64,
    pub(super) refusals: u64,
    pub(super) clients: u64,
    pub(super) agents: u64,
    pub(super) names: u64,
    pub(super) shapes: u64,
    pub(super) refused_shapes: u64,
    pub(super) samples: u64,
    pub(super) text_bytes: u64,
    pub(super) buckets: u64,
}

impl Size {
    /// What a shard takes.
    pub(super) fn shard_bytes(&self) -> u64 {
        self.sum(|charge| charge.0)
    }

    /// What a ledger comes to take.
    pub(super) fn ledger_bytes(&self) -> u64 {
        self.sum(|charge| charge.1)
    }

    #[inline]
    fn sum(&self, of: impl Fn(Charge) -> u64) -> u64 {
        self.requests * of(REQUEST)
            + self.trials * of(TRIAL)
            + self.refusals * of(REFUSAL)
            + self.clients * of(CLIENT)
            + self.agents * of(AGENT)
            + self.names * of(NAME)
            + self.shapes * of(SHAPE)
            + self.refused_shapes * of(REFUSED_SHAPE)
            + self.samples * of(SAMPLE)
            + self.text_bytes * of(TEXT_BYTE)
            + self.buckets * of(BUCKET)
    }

    pub(super) fn of_shard(shard: &Shard) -> Self {
        let requests: usize = shard.visits.values().map(Vec::len).sum();
        let requests = (requests + shard.settled.visits.len()) as u64;
        Self {
            requests,
            trials: requests,
            refusals: shard.refusals.len() as u64,
            clients: shard.clients.len() as u64,
            shapes: shard.shapes.len() as u64,
            refused_shapes: shard.shapes.iter().filter(|shape| shape.refused()).count() as u64,
            samples: shard.samples.len() as u64,
            buckets: shard.visits.len() as u64,
            ..Self::of_texts(&shard.names, &shard.agents)
        }
    }

    pub(super) fn of_ledger(ledger: &Ledger) -> Self {
        Self {
            requests: ledger.visits.len() as u64,
            trials: trials(ledger),
            refusals: ledger.refusals.len() as u64,
            clients: ledger.clients.len() as u64,
            shapes: ledger.shapes.len() as u64,
            refused_shapes: ledger.shapes.iter().filter(|shape| shape.refused()).count() as u64,
            samples: ledger.samples.len() as u64,
            ..Self::of_texts(&ledger.names, &ledger.agents)
        }
    }

    fn of_texts(names: &Names, agents: &Names) -> Self {
        Self {
            agents: agents.len() as u64,
            names: names.len() as u64,
            text_bytes: (names.size_bytes() + agents.size_bytes()) as u64,
            ..Self::default()
        }
    }
}

/// Trials of a channel at most: a client, one kind of request, one quarter of an hour. Without refusals there are none.
fn trials(ledger: &Ledger) -> u64 {
    const TRIAL_SECS: u32 = 900;
    if ledger.refusals.is_empty() {
        return 0;
    }
    let counts: Vec<bool> = ledger.shapes.iter().map(|shape| shape.served() || shape.refused()).collect();
    let of_client = |shapes: &mut Vec<u32>, client: usize| {
        let slots = ledger.visits_of(client).chunk_by(|a, b| a.time().0 / TRIAL_SECS == b.time().0 / TRIAL_SECS);
        let of_slot = |slot: &[Seen]| {
            shapes.clear();
            shapes
                .extend(slot.iter().map(|seen| seen.shape() as u32).filter(|s| counts.get(*s as usize) == Some(&true)));
            shapes.sort_unstable();
            shapes.dedup();
            shapes.len() as u64
        };
        slots.map(of_slot).sum::<u64>()
    };
    (0..ledger.clients.len()).into_par_iter().with_min_len(4096).map_init(Vec::new, of_client).sum()
}
