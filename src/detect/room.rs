//! Whether there is memory for the trials of all channels that have a candidate: what detection takes beside the
//! ledger, and the most of it. Judged by what is in the ledger, so that every run judges alike.

use super::{
    facts::Facts,
    scan::{Candidate, Channel},
    trials::SLOT_SECS,
};
use crate::model::tally::Seen;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Bytes of a trial in its table, with what is numbered by it and the copy while tables are put together.
const TRIAL_BYTES: u64 = 96;

/// Whether it suffices.
pub(super) fn suffices(facts: &Facts<'_>, candidates: &[Candidate], room_bytes: u64) -> bool {
    // What a candidate may be looked at by, beside its own channel.
    let channels_of = |candidate: &Candidate| match candidate.channel {
        Channel::Unresolved403 => [Channel::Unresolved403, Channel::Newcomers403],
        other => [other; 2],
    };
    let channels = candidates.iter().flat_map(channels_of).collect::<BTreeSet<_>>().len() as u64;
    let at_most = |trials: u64| channels * trials * TRIAL_BYTES <= room_bytes;
    at_most(facts.ledger.visits.len() as u64) || at_most(trials(facts))
}

/// Trials of one channel at most.
fn trials(facts: &Facts<'_>) -> u64 {
    let of_client = |leaves: &mut Vec<u32>, client: usize| {
        if !facts.is_evident(client as u32) {
            return 0;
        }
        let slots = facts.ledger.visits_of(client).chunk_by(|a, b| a.time().0 / SLOT_SECS == b.time().0 / SLOT_SECS);
        let of_slot = |slot: &[Seen]| {
            let shapes = slot.iter().map(|seen| facts.shape(seen.shape()));
            leaves.clear();
            leaves.extend(shapes.filter(|s| s.served || matches!(s.status, 401 | 403)).map(|shape| shape.leaf));
            leaves.sort_unstable();
            leaves.dedup();
            leaves.len() as u64
        };
        slots.map(of_slot).sum::<u64>()
    };
    let clients = 0..facts.ledger.clients.len();
    clients.into_par_iter().with_min_len(4096).map_init(Vec::new, of_client).sum()
}
