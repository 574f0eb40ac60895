//! What tallies cost in memory, by what is in them alone: the same for every partition of the input.
//!
//! An entry is charged for the most that it takes at any time from the shard to the report, not for what it takes now:
//! a kept request is eight bytes in its shard and eight in the ledger beside it while the ledger is made, and later up
//! to three trials in detection; a path has its prefixes, its leaf and its groups there. The charges were measured
//! (`benches/memory.py`) and rounded up, so what fits by them fits.

use crate::model::tally::{Ledger, Names, Shard};

const REQUEST_BYTES: u64 = 64;
const REFUSAL_BYTES: u64 = 192;
const CLIENT_BYTES: u64 = 256;
const AGENT_BYTES: u64 = 1024;
const NAME_BYTES: u64 = 128;
const SHAPE_BYTES: u64 = 512;
/// Of a shape that is refused, by which detection makes groups.
const REFUSED_SHAPE_BYTES: u64 = 1536;
/// With its text, however long: which of the lines of one second is the sample may depend on their order.
const SAMPLE_BYTES: u64 = 768;
/// Of each byte of text: in the shard, and in the ledger beside it.
const PER_TEXT_BYTE: u64 = 2;
/// A bucket of time of a shard.
const BUCKET_BYTES: u64 = 192;

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
    pub(super) fn bytes(&self) -> u64 {
        self.requests * REQUEST_BYTES
            + self.refusals * REFUSAL_BYTES
            + self.clients * CLIENT_BYTES
            + self.agents * AGENT_BYTES
            + self.names * NAME_BYTES
            + self.shapes * SHAPE_BYTES
            + self.refused_shapes * REFUSED_SHAPE_BYTES
            + self.samples * SAMPLE_BYTES
            + self.text_bytes * PER_TEXT_BYTE
            + self.buckets * BUCKET_BYTES
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
