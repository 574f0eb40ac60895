//! What tallies cost in memory, by what is in them alone: the same for every partition of the input.
//!
//! An entry is charged for the most that it takes at any time from the ledger to the report: a kept request is eight
//! bytes, twice while ledgers are merged; a path has its prefixes, its leaf and its groups in detection. A shard that is
//! still open is charged for what it takes itself. The charges were measured (`benches/memory.py`) and rounded up, so
//! what fits by them fits. Detection's trials are not among them: it needs them only where it has something to look
//! into, and is told what is left.

use crate::model::tally::{Ledger, Names, Shard};

/// Bytes that an entry takes in a shard, and at most from then on.
struct Charge(u64, u64);

const REQUEST: Charge = Charge(12, 40);
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

    /// What a ledger takes while detection is at work.
    pub(super) fn resting_bytes(&self) -> u64 {
        self.ledger_bytes() - self.requests * (REQUEST.1 - REQUEST.0)
    }

    #[inline]
    fn sum(&self, of: impl Fn(Charge) -> u64) -> u64 {
        self.requests * of(REQUEST)
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
        Self {
            requests: (requests + shard.settled.visits.len()) as u64,
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
            refusals: ledger.refusals.len() as u64,
            clients: ledger.clients.len() as u64,
            shapes: ledger.shapes.len() as u64,
            refused_shapes: ledger.shapes.iter().filter(|shape| shape.refused()).count() as u64,
            samples: (ledger.samples.len() + ledger.spare_samples.len()) as u64,
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
