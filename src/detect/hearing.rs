//! Which messages of an error log are about an incident, by reason. Owns the matching; draws no conclusion.
//!
//! A message belongs to an incident if its client was refused there, at that minute or the one beside it, on that path
//! and host. Error lines can be imitated by requests; a refusal at the same time cannot. Where the error log knows
//! clients by other addresses (a proxy's), time, path and host must do.

use super::facts::Facts;
use crate::model::{
    incident::{Incident, Scope},
    logged::Logged,
    note::{Notes, Topic, When, Why},
    tally::Ledger,
};
use std::collections::{BTreeMap, BTreeSet};

/// Messages that give one reason.
#[derive(Default)]
pub(super) struct Voice<'n> {
    pub(super) messages: u64,
    pub(super) addrs: BTreeSet<u128>,
    pub(super) users: BTreeSet<u32>,
    /// Files, rules and upstreams that they name, with how often.
    pub(super) things: BTreeMap<&'n Logged, u64>,
    /// Topics of these messages.
    pub(super) topics: BTreeSet<u32>,
}

impl<'n> Voice<'n> {
    /// What they name most often; a service rather than the status that it answered.
    pub(super) fn thing(&self) -> Option<&'n Logged> {
        let is_status = |thing: &Logged| thing.as_bytes().starts_with(b"status: ");
        let most =
            self.things.iter().max_by_key(|(thing, count)| (!is_status(thing), **count, std::cmp::Reverse(**thing)));
        most.map(|(thing, _)| *thing)
    }
}

/// Everything said about one incident, by reason.
pub(super) type Heard<'n> = BTreeMap<Why, Voice<'n>>;

/// Who was refused in an incident.
pub(crate) struct Party {
    clients: BTreeSet<u32>,
    addrs: BTreeSet<u128>,
}

impl Party {
    /// Of clients by their index.
    pub(crate) fn new(facts: &Facts<'_>, clients: impl IntoIterator<Item = u32>) -> Self {
        let clients: BTreeSet<u32> = clients.into_iter().collect();
        let keys = clients.iter().filter_map(|client| facts.ledger.clients.get(*client as usize));
        Self { addrs: keys.map(|key| key.addr).collect(), clients }
    }

    pub(crate) fn contains(&self, client: u32) -> bool {
        self.clients.contains(&client)
    }

    /// Takes in another party; gives how many they are together.
    pub(super) fn join(&mut self, other: Self) -> usize {
        self.clients.extend(other.clients);
        self.addrs.extend(other.addrs);
        self.clients.len()
    }
}

/// Whether the error log knows clients by the addresses that the access log has.
pub(super) fn knows_clients(ledger: &Ledger, notes: &Notes) -> bool {
    let addrs: BTreeSet<u128> = notes.counts.keys().map(|when| when.addr).filter(|addr| *addr != 0).collect();
    let is_known = |addr: u128| {
        let at = ledger.clients.partition_point(|key| key.addr < addr);
        ledger.clients.get(at).is_some_and(|key| key.addr == addr)
    };
    addrs.iter().filter(|addr| is_known(**addr)).count() * 2 >= addrs.len()
}

/// What is said about the clients of an incident, or, without them, about its time and scope.
pub(super) fn hear<'n>(facts: &Facts<'_>, notes: &'n Notes, incident: &Incident, party: Option<&Party>) -> Heard<'n> {
    let mut hearing = Hearing::new(notes, &incident.scope);
    if let Some(party) = party {
        refused_at(facts, incident, party).iter().for_each(|when| hearing.add(when));
    } else {
        let (from, to) = minutes(facts.ledger, incident);
        let range = When { minute: from, addr: 0 }..=When { minute: to, addr: u128::MAX };
        notes.counts.range(range).for_each(|(when, _)| hearing.add(when));
    }
    hearing.heard
}

/// What is said at some minutes about some clients.
pub(super) fn hear_at<'n>(notes: &'n Notes, scope: &Scope, told: &BTreeSet<When>) -> Heard<'n> {
    let mut hearing = Hearing::new(notes, scope);
    told.iter().for_each(|when| hearing.add(when));
    hearing.heard
}

/// Messages on their way into a [`Heard`].
struct Hearing<'n> {
    notes: &'n Notes,
    /// For each topic, whether it may be about the scope.
    fits: Vec<bool>,
    heard: Heard<'n>,
}

impl<'n> Hearing<'n> {
    fn new(notes: &'n Notes, scope: &Scope) -> Self {
        let fits = notes.topics.iter().map(|topic| topic_fits(topic, scope)).collect();
        Self { notes, fits, heard: Heard::new() }
    }

    fn add(&mut self, when: &When) {
        for count in self.notes.counts.get(when).into_iter().flatten() {
            let index = count.topic as usize;
            let topic = self.notes.topics.get(index).filter(|_| self.fits.get(index) == Some(&true));
            let Some((topic, why)) = topic.and_then(|topic| Some((topic, topic.why?))) else { continue };
            let voice = self.heard.entry(why).or_default();
            voice.messages += u64::from(count.messages);
            voice.addrs.insert(when.addr);
            voice.users.extend(Some(count.user).filter(|user| *user != 0));
            voice.topics.insert(count.topic);
            if !topic.thing.is_empty() {
                *voice.things.entry(&topic.thing).or_default() += u64::from(count.messages);
            }
        }
    }
}

/// The incident's minutes and one on either side, both ends included.
fn minutes(ledger: &Ledger, incident: &Incident) -> (u32, u32) {
    let last = incident.end.or(ledger.span.map(|(_, last)| last)).unwrap_or(incident.start);
    ((incident.start.0 / 60).saturating_sub(1), last.0 / 60 + 1)
}

/// The minutes at which clients were refused in an incident, with the one before and after.
fn refused_at(facts: &Facts<'_>, incident: &Incident, party: &Party) -> BTreeSet<When> {
    let fits: Vec<bool> = (0..facts.shapes.len()).map(|shape| shape_fits(facts, shape, incident)).collect();
    let (from, to) = minutes(facts.ledger, incident);
    let mut at = BTreeSet::new();
    for refusal in &facts.ledger.refusals {
        let minute = refusal.time.0 / 60;
        if (from..=to).contains(&minute)
            && fits.get(refusal.shape as usize) == Some(&true)
            && let Some(key) = facts.ledger.clients.get(refusal.client as usize)
            // A copy: nothing may point into what is packed.
            && party.addrs.contains(&{ key.addr })
        {
            at.extend((minute.saturating_sub(1)..=minute + 1).map(|minute| When { minute, addr: key.addr }));
        }
    }
    at
}

/// Whether a request is in the scope of an incident and has its status.
pub(crate) fn shape_fits(facts: &Facts<'_>, shape: usize, incident: &Incident) -> bool {
    let of = facts.shape(shape);
    let leaf = facts.leaf(of.leaf);
    let paths = &incident.scope.path_prefix;
    let hosts = &incident.scope.vhost;
    of.status == incident.status
        && (paths.is_empty() || leaf.prefix.iter().any(|p| paths.iter().any(|path| path == facts.prefix_text(*p))))
        && (hosts.is_empty() || hosts.contains(&facts.name_text(leaf.vhost)))
}

/// Whether a message may be about what a scope covers: it is not about another path or host.
fn topic_fits(topic: &Topic, scope: &Scope) -> bool {
    let path = topic.path.as_bytes();
    let is_host = |host: &String| host.as_bytes().eq_ignore_ascii_case(topic.host.as_bytes());
    (path.is_empty()
        || scope.path_prefix.is_empty()
        || scope.path_prefix.iter().any(|prefix| is_under(path, prefix.as_bytes())))
        && (topic.host.is_empty() || scope.vhost.is_empty() || scope.vhost.iter().any(is_host))
}

/// Whether the segments of a prefix stand in a path, in their order: an operator's own route may leave some out.
fn is_under(path: &[u8], prefix: &[u8]) -> bool {
    let mut segments = path.split(|b| *b == b'/').filter(|s| !s.is_empty());
    prefix.split(|b| *b == b'/').filter(|s| !s.is_empty()).all(|wanted| segments.any(|segment| segment == wanted))
}

#[cfg(test)]
mod tests {
    use super::is_under;

    #[test]
    fn paths_are_under_prefixes_by_whole_segments() {
        assert!(
            is_under(b"/api/v2/items", b"/api/v2") && is_under(b"/api", b"/") && is_under(b"/t/acme/app", b"/t/app")
        );
        assert!(
            !is_under(b"/api/v20", b"/api/v2") && !is_under(b"/api", b"/api/v2") && !is_under(b"/v2/api", b"/api/v2")
        );
    }
}
