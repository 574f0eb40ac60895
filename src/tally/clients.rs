//! Addresses and user agents to clients: who sent a request, as one number.
//!
//! A client is looked up by the hash of its texts as they stand in the line, 64 bits seeded at random; only one that
//! is new is taken apart. (How seldom two clients are taken for one is said in [`Table`]; no stranger can make them.) An
//! address that is written in two ways is two clients here and one in the ledger.

use super::{
    accumulate::Row,
    address,
    interner::Interner,
    share::{Lots, draw},
    table::Table,
};
use crate::{
    model::tally::{ClientKey, NAME_PREFIX, Names},
    prefetch,
};
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hasher};

/// The clients of one shard.
#[derive(Default)]
pub(super) struct Clients {
    clients: Vec<ClientKey>,
    table: Table,
    agents: Interner,
    /// For each agent, what it brings to a rank.
    draws: Vec<u64>,
    hasher: RandomState,
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(super) fn agents(&self) -> &Names {
        self.agents.names()
    }

    /// Whether the client with a hash is here.
    pub(super) fn holds(&self, hash: u64) -> bool {
        self.table.holds(hash)
    }

    /// The rank of a client; `names` holds its host name.
    pub(super) fn rank(&self, client: u32, lots: &Lots, names: &Names) -> u8 {
        self.clients.get(client as usize).map_or(0, |key| lots.of_client(key, names, &self.draws))
    }

    /// Whether a client is written so in a report.
    pub(super) fn is_written(&self, client: u32, text: &[u8], names: &Names) -> bool {
        self.clients.get(client as usize).is_some_and(|key| key.is_written(text, names))
    }

    pub(super) fn into_parts(self) -> (Vec<ClientKey>, Names) {
        (self.clients, self.agents.into_names())
    }

    /// That a client will be looked up shortly.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        self.table.prefetch(hash);
    }

    /// That the rank of a client will be asked for shortly.
    #[inline]
    pub(super) fn prefetch_key(&self, client: u32) {
        prefetch::near(self.clients.as_ptr().wrapping_add(client as usize));
    }

    /// For [`Row::client_hash`].
    #[inline]
    pub(super) fn hash(&self, address: &[u8], agent: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(address);
        hasher.write(agent);
        hasher.write_u64((address.len() as u64) << 32 | agent.len() as u64);
        hasher.finish()
    }

    /// Writes the client of each request.
    pub(super) fn find(&mut self, batch: &[Row<'_>], names: &mut Interner, out: &mut Vec<u32>) {
        let (clients, agents, draws) = (&mut self.clients, &mut self.agents, &mut self.draws);
        let create = |row: &Row<'_>| {
            let name = || NAME_PREFIX | u128::from(names.intern(row.client));
            let addr = address::parse(row.client).unwrap_or_else(name);
            let agent = agents.intern(row.agent);
            while draws.len() < agents.names().len() {
                draws.push(draw(agents.names().get(draws.len() as u32)));
            }
            clients.push(ClientKey { addr, agent });
        };
        self.table.find_all(batch, |row| row.client_hash, create, out);
    }
}
