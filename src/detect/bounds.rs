//! What a fault hits: the values of each dimension that bounds it. Owns what lies within.

use super::{
    facts::{Facts, Leaf, network},
    scan::Group,
};
use std::collections::{BTreeMap, BTreeSet};

/// A dimension of [`crate::model::incident::Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Dimension {
    Vhost,
    Prefix,
    Method,
    Upstream,
    Family,
    Network,
    Protocol,
}

impl Dimension {
    pub(crate) const ALL: [Self; 7] =
        [Self::Vhost, Self::Prefix, Self::Method, Self::Upstream, Self::Family, Self::Network, Self::Protocol];
}

/// A network as address and prefix length in IPv6 bits.
pub(crate) type Net = (u128, u8);

/// What a fault hits: the values of each dimension that bounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bounds {
    pub(crate) values: BTreeMap<Dimension, BTreeSet<u32>>,
    pub(crate) nets: BTreeSet<Net>,
}

impl Bounds {
    pub(crate) fn contain(&self, facts: &Facts<'_>, leaf: u32, client: u32) -> bool {
        let families = self.values.get(&Dimension::Family);
        self.hold(&facts.leaf(leaf))
            && families.is_none_or(|values| facts.families_of(client).iter().any(|family| values.contains(family)))
            && (self.nets.is_empty() || self.nets.iter().any(|net| in_net(facts, client, *net)))
    }

    /// Whether a leaf lies in them, whoever the client.
    pub(crate) fn hold(&self, at: &Leaf) -> bool {
        self.values.iter().all(|(dimension, values)| match dimension {
            Dimension::Vhost => values.contains(&at.vhost),
            Dimension::Prefix => at.prefix.iter().any(|prefix| values.contains(prefix)),
            Dimension::Method => values.contains(&at.method),
            Dimension::Upstream => values.contains(&at.upstream),
            Dimension::Protocol => values.contains(&at.protocol),
            Dimension::Family | Dimension::Network => true,
        })
    }

    pub(crate) fn of_group(group: Group) -> Self {
        let mut bounds = Self::default();
        let mut set = |dimension, value| {
            bounds.values.insert(dimension, BTreeSet::from([value]));
        };
        match group {
            Group::Site | Group::Network(_) => {}
            Group::Vhost(vhost) => set(Dimension::Vhost, vhost),
            Group::Prefix(vhost, prefix) => {
                set(Dimension::Prefix, prefix);
                if vhost != 0 {
                    set(Dimension::Vhost, vhost);
                }
            }
            Group::Family(family) => set(Dimension::Family, family),
            Group::Protocol(protocol) => set(Dimension::Protocol, protocol),
            Group::Upstream(upstream) => set(Dimension::Upstream, upstream),
        }
        bounds
    }

    pub(crate) fn bound(&self, dimension: Dimension) -> bool {
        if dimension == Dimension::Network { !self.nets.is_empty() } else { self.values.contains_key(&dimension) }
    }

    /// The most values that any one dimension needs.
    pub(crate) fn values_named(&self) -> usize {
        self.values.values().map(BTreeSet::len).chain([self.nets.len()]).max().unwrap_or(0)
    }
}

pub(crate) fn in_net(facts: &Facts<'_>, client: u32, (addr, len): Net) -> bool {
    let Some(key) = facts.ledger.clients.get(client as usize) else { return false };
    if len == 0 {
        return key.v4().is_none() && key.name().is_none();
    }
    key.name().is_none() && key.addr >> (128 - len) == addr >> (128 - len)
}

/// A path below another one is in it already.
pub(crate) fn topmost(facts: &Facts<'_>, prefixes: &BTreeSet<u32>) -> BTreeSet<u32> {
    let is_below = |value: &u32| {
        let text = facts.prefix_text(*value);
        let goes_on = |other| text.strip_prefix(facts.prefix_text(other)).is_some_and(|rest| rest.starts_with('/'));
        prefixes.iter().any(|other| goes_on(*other))
    };
    prefixes.iter().filter(|value| !is_below(value)).copied().collect()
}

/// Distinct networks behind clients.
pub(crate) fn networks<'t>(facts: &Facts<'_>, clients: impl Iterator<Item = &'t u32>) -> usize {
    let nets: BTreeSet<u128> =
        clients.filter_map(|c| facts.ledger.clients.get(*c as usize)).map(|key| network(key.addr)).collect();
    nets.len()
}
