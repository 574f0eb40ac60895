//! Addresses and user agents to clients: who sent a request, as one number.

use super::{accumulate::Row, address, interner::Interner, memo::Memo, table::Table};
use crate::model::tally::{ClientKey, NAME_PREFIX, Names};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// User agents remembered.
const AGENTS_MEMO: usize = 1 << 12;
/// In a key: the address is the number of one that has more than 32 bits.
const WIDE: u64 = 1 << 31;

/// The clients of one shard.
pub(super) struct Clients {
    clients: Vec<ClientKey>,
    /// By key, the address above the user agent.
    table: Table,
    agents: Interner,
    seen_agents: Memo,
    /// IPv6 addresses and names, by number and back.
    wide: Vec<u128>,
    wide_table: HashTable<u32>,
    hasher: RandomState,
    found: Vec<Option<u16>>,
    keys: Vec<u64>,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            table: Table::default(),
            agents: Interner::default(),
            seen_agents: Memo::new(AGENTS_MEMO),
            wide: Vec::new(),
            wide_table: HashTable::new(),
            hasher: RandomState::default(),
            found: Vec::new(),
            keys: Vec::new(),
        }
    }
}

impl Clients {
    /// Bytes of user agents held.
    pub(super) fn text_bytes(&self) -> usize {
        self.agents.names().size_bytes()
    }

    pub(super) fn into_parts(self) -> (Vec<ClientKey>, Names) {
        (self.clients, self.agents.into_names())
    }

    /// The hash of a user agent, for [`Row::agent_hash`].
    #[inline]
    pub(super) fn hash(&self, agent: &[u8]) -> u64 {
        self.hasher.hash_one(agent)
    }

    /// The upper half of a client's key.
    #[inline]
    pub(super) fn address(&mut self, text: &[u8], names: &mut Interner) -> u64 {
        match address::parse_v4(text) {
            Some(v4) => u64::from(v4) << 32,
            None => u64::from(self.wide(text, names)) << 32 | WIDE,
        }
    }

    /// Writes the client of each request.
    pub(super) fn find(&mut self, batch: &[Row<'_>], out: &mut Vec<u32>) {
        self.found.clear();
        self.found.extend(batch.iter().map(|row| self.seen_agents.get(row.agent_hash)));
        self.keys.clear();
        for (i, row) in batch.iter().enumerate() {
            let agent = self.found.get(i).copied().flatten().map_or_else(|| self.agent(row), u32::from);
            self.keys.push(row.address | u64::from(agent));
        }
        let (hasher, clients, wide) = (&self.hasher, &mut self.clients, &self.wide);
        let create = |key| {
            clients.push(client_of(key, wide));
            clients.len() as u32 - 1
        };
        self.table.find_all(&self.keys, |key| hasher.hash_one(key), create, out);
    }

    /// A user agent that was not seen lately.
    fn agent(&mut self, row: &Row<'_>) -> u32 {
        let agent = self.agents.intern(row.agent);
        if let Ok(small) = u16::try_from(agent) {
            self.seen_agents.put(row.agent_hash, small);
        }
        agent
    }

    /// The number of an address that is no IPv4 one.
    fn wide(&mut self, text: &[u8], names: &mut Interner) -> u32 {
        let addr = address::parse(text).unwrap_or_else(|| NAME_PREFIX | u128::from(names.intern(text)));
        let hash = self.hasher.hash_one(addr);
        if let Some(found) = self.wide_table.find(hash, |i| self.wide.get(*i as usize) == Some(&addr)) {
            return *found;
        }
        let index = self.wide.len() as u32;
        self.wide.push(addr);
        let (wide, hasher) = (&self.wide, &self.hasher);
        let rehash = |i: &u32| wide.get(*i as usize).map_or(0, |addr| hasher.hash_one(addr));
        self.wide_table.insert_unique(hash, index, rehash);
        index
    }
}

fn client_of(key: u64, wide: &[u128]) -> ClientKey {
    let (address, agent) = ((key >> 32) as u32, (key & (WIDE - 1)) as u32);
    let addr = match key & WIDE {
        0 => address::mapped(address),
        _ => wide.get(address as usize).copied().unwrap_or_default(),
    };
    ClientKey { addr, agent }
}
