//! A share of the clients, for when all do not fit: who belongs to it, and a shard without the others.

use super::address;
use crate::model::{
    tally::{ClientKey, Counted, Kept, NAME_PREFIX, Names, Seen, Settled, Shard},
    time::Time,
};

/// Draws ranks; see [`Kept`].
#[derive(Clone, Debug, Default)]
pub(super) struct Lots {
    /// An address or host name that the operator asks about: kept to the last.
    wanted: Option<Wanted>,
}

#[derive(Clone, Debug)]
enum Wanted {
    Address(u128),
    Name(String),
}

impl Lots {
    pub(super) fn wanting(text: &str) -> Self {
        let address = address::parse(text.as_bytes()).map(Wanted::Address);
        Self { wanted: Some(address.unwrap_or_else(|| Wanted::Name(text.to_owned()))) }
    }

    /// The rank of a client as it stands in a line, cut as it is kept.
    pub(super) fn of_texts(&self, client: &[u8], agent: &[u8]) -> u8 {
        match address::parse(client) {
            Some(addr) => self.rank(addr, b"", draw(agent)),
            None => self.rank(NAME_PREFIX, client, draw(agent)),
        }
    }

    /// The rank of a known client; `draws` holds the [`draw`] of each agent.
    pub(super) fn of_client(&self, key: &ClientKey, names: &Names, draws: &[u64]) -> u8 {
        let agent = draws.get(key.agent as usize).copied().unwrap_or_default();
        match key.name() {
            None => self.rank(key.addr, b"", agent),
            Some(name) => self.rank(NAME_PREFIX, names.get(name), agent),
        }
    }

    fn rank(&self, addr: u128, name: &[u8], agent: u64) -> u8 {
        const RANK_MAX: u8 = Kept::NOBODY - 1;
        let is_wanted = match &self.wanted {
            None => false,
            Some(Wanted::Address(wanted)) => *wanted == addr,
            Some(Wanted::Name(wanted)) => name.eq_ignore_ascii_case(wanted.as_bytes()),
        };
        if is_wanted {
            return RANK_MAX;
        }
        let mut hash = Hash::default();
        hash.word(addr as u64);
        hash.word((addr >> 64) as u64);
        hash.text(name);
        hash.word(agent);
        (hash.finish().leading_zeros() as u8).min(RANK_MAX)
    }
}

/// What an agent brings to the ranks of its clients.
pub(super) fn draw(agent: &[u8]) -> u64 {
    let mut hash = Hash::default();
    hash.text(agent);
    hash.finish()
}

/// The same on every machine and for ever, since it chooses what a report rests on: multiplications and rotations of
/// words, and the last mixing of MurmurHash3. Whoever knows it can choose addresses and agents that are kept or are
/// not; a seed would hinder that and make every run another.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn text(&mut self, text: &[u8]) {
        self.word(text.len() as u64);
        for part in text.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn finish(self) -> u64 {
        let hash = (self.0 ^ self.0 >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ hash >> 33
    }
}

/// A shard as if only the clients that are kept had been seen; the requests of the others are counted.
pub(super) fn retain(mut shard: Shard, kept: Kept, lots: &Lots, slice_secs: u32) -> Shard {
    if kept.is_all() {
        return shard;
    }
    let draws: Vec<u64> = (0..shard.agents.len() as u32).map(|agent| draw(shard.agents.get(agent))).collect();
    let is_kept = |key: &ClientKey| lots.of_client(key, &shard.names, &draws) >= kept.level;
    let clients: Vec<bool> = shard.clients.iter().map(is_kept).collect();
    if clients.iter().all(|is_kept| *is_kept) {
        return shard;
    }
    let mut counted = Counted::new(slice_secs);
    counted.merge(std::mem::take(&mut shard.counted));
    let clients = Numbers::new(clients);
    let mut shapes = Used::new(shard.shapes.len());
    shard.settled = settled(&shard, &clients, &mut shapes, &mut counted);
    buckets(&mut shard, &clients, &mut shapes, &mut counted);
    shard.counted = counted;
    shard.refusals.retain(|refusal| clients.of(refusal.client).is_some());
    shard.samples.retain(|(_, sample)| clients.of(sample.client).is_some());
    renumber(shard, &clients, &Numbers::new(shapes.0))
}

/// The ordered requests of kept clients.
fn settled(shard: &Shard, clients: &Numbers, shapes: &mut Used, counted: &mut Counted) -> Settled {
    let mut kept = Settled { bounds: vec![0], visits: Vec::new() };
    for (client, bounds) in shard.settled.bounds.windows(2).enumerate() {
        let &[from, to] = bounds else { continue };
        let own = shard.settled.visits.get(from as usize..to as usize).unwrap_or_default();
        if clients.of(client as u32).is_some() {
            shapes.mark_all(own.iter().map(|seen| seen.shape() as u32));
            kept.visits.extend_from_slice(own);
            kept.bounds.push(kept.visits.len() as u32);
        } else {
            own.iter().for_each(|seen| counted.add(seen.time(), status(shard, seen.shape())));
        }
    }
    if shard.settled.bounds.is_empty() { Settled::default() } else { kept }
}

fn status(shard: &Shard, shape: usize) -> u16 {
    shard.shapes.get(shape).map_or(0, |shape| shape.status)
}

/// The requests of kept clients that are in the order in which they came.
fn buckets(shard: &mut Shard, clients: &Numbers, shapes: &mut Used, counted: &mut Counted) {
    let mut visits = std::mem::take(&mut shard.visits);
    for (bucket, visits) in &mut visits {
        let start = u32::from(*bucket) << 16;
        visits.retain(|visit| {
            let is_kept = clients.of(visit.client).is_some();
            if is_kept {
                shapes.mark(u32::from(visit.shape));
            } else {
                counted.add(Time(start | u32::from(visit.second)), status(shard, usize::from(visit.shape)));
            }
            is_kept
        });
        visits.shrink_to_fit();
    }
    visits.retain(|_, visits| !visits.is_empty());
    shard.visits = visits;
}

/// Gives everything that is left new numbers, and leaves out what nothing refers to any more.
fn renumber(shard: Shard, clients: &Numbers, shapes: &Numbers) -> Shard {
    let (mut names, mut agents) = (Used::new(shard.names.len()), Used::new(shard.agents.len()));
    // The empty text is always the first.
    names.mark(0);
    agents.mark(0);
    for key in clients.kept(&shard.clients) {
        names.mark_all(key.name());
        agents.mark(key.agent);
    }
    for shape in shapes.kept(&shard.shapes) {
        names.mark_all([shape.vhost, shape.path, shape.method, shape.protocol, shape.upstream]);
    }
    for refusal in &shard.refusals {
        names.mark_all([refusal.user, refusal.referer_host]);
    }
    let (names, agents) = (Numbers::new(names.0), Numbers::new(agents.0));
    let name = |name: u32| names.of(name).unwrap_or_default();
    let mut shard = shard;
    shard.clients = clients
        .kept(&shard.clients)
        .map(|key| ClientKey {
            addr: key.name().map_or(key.addr, |text| NAME_PREFIX | u128::from(name(text))),
            agent: agents.of(key.agent).unwrap_or_default(),
        })
        .collect();
    let client = |client: u32| clients.of(client).unwrap_or_default();
    let shape = |shape: u32| shapes.of(shape).unwrap_or_default();
    shard.shapes = shapes.kept(&shard.shapes).copied().collect();
    for of in &mut shard.shapes {
        (of.vhost, of.path, of.method) = (name(of.vhost), name(of.path), name(of.method));
        (of.protocol, of.upstream) = (name(of.protocol), name(of.upstream));
    }
    for seen in &mut shard.settled.visits {
        *seen = Seen::new(seen.time(), shape(seen.shape() as u32));
    }
    for visit in shard.visits.values_mut().flatten() {
        (visit.client, visit.shape) = (client(visit.client), shape(u32::from(visit.shape)) as u16);
    }
    for refusal in &mut shard.refusals {
        (refusal.client, refusal.shape) = (client(refusal.client), shape(refusal.shape));
        (refusal.user, refusal.referer_host) = (name(refusal.user), name(refusal.referer_host));
    }
    for (key, sample) in &mut shard.samples {
        (key.shape, sample.client) = (shape(key.shape), client(sample.client));
    }
    shard.refusals.shrink_to_fit();
    shard.samples.shrink_to_fit();
    (shard.names, shard.agents) = (names.texts(&shard.names), agents.texts(&shard.agents));
    shard
}

/// Which of some numbers are referred to.
struct Used(Vec<bool>);

impl Used {
    fn new(len: usize) -> Self {
        Self(vec![false; len])
    }

    fn mark(&mut self, number: u32) {
        if let Some(used) = self.0.get_mut(number as usize) {
            *used = true;
        }
    }

    fn mark_all(&mut self, numbers: impl IntoIterator<Item = u32>) {
        numbers.into_iter().for_each(|number| self.mark(number));
    }
}

/// The new number of each old one that is left, in the same order.
struct Numbers(Vec<u32>);

impl Numbers {
    const GONE: u32 = u32::MAX;

    fn new(left: Vec<bool>) -> Self {
        let mut next = 0;
        let number = |is_left: bool| {
            let number = if is_left { next } else { Self::GONE };
            next += u32::from(is_left);
            number
        };
        Self(left.into_iter().map(number).collect())
    }

    #[inline]
    fn of(&self, old: u32) -> Option<u32> {
        self.0.get(old as usize).copied().filter(|new| *new != Self::GONE)
    }

    fn kept<'i, T>(&'i self, items: &'i [T]) -> impl Iterator<Item = &'i T> {
        items.iter().zip(&self.0).filter(|(_, new)| **new != Self::GONE).map(|(item, _)| item)
    }

    fn texts(&self, texts: &Names) -> Names {
        let mut left = Names::default();
        for (old, new) in (0..).zip(&self.0) {
            if *new != Self::GONE {
                left.push(texts.get(old));
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::{Lots, retain};
    use crate::{
        model::{
            event::Event,
            tally::{Counted, Kept, Ledger, Place, Shard},
            time::Time,
        },
        tally::{Accumulator, build},
    };

    /// What a report rests on must not change from one version to the next.
    #[test]
    fn ranks_are_what_they_always_were() {
        let lots = Lots::default();
        let agents: Vec<String> = (0..6).map(|i| format!("Mozilla/5.0 Firefox/{i}")).collect();
        let ranks =
            |client: &str| agents.iter().map(|a| lots.of_texts(client.as_bytes(), a.as_bytes())).collect::<Vec<_>>();
        assert_eq!(ranks("192.0.2.7"), RANKS[0]);
        assert_eq!(ranks("2001:db8::7"), RANKS[1]);
        assert_eq!(ranks("pc7.example.org"), RANKS[2]);
    }

    /// As another program computes them.
    const RANKS: [[u8; 6]; 3] = [[4, 0, 0, 4, 1, 0], [4, 2, 0, 1, 3, 0], [2, 0, 2, 0, 0, 3]];

    #[test]
    fn half_of_all_clients_have_each_rank_less() {
        let lots = Lots::default();
        let mut counts = [0; 5];
        for i in 0..16_000u32 {
            let client = std::net::Ipv4Addr::from(0x0a00_0000 | i).to_string();
            let rank = lots.of_texts(client.as_bytes(), b"curl/8.5.0");
            counts[usize::from(rank).min(4)] += 1;
        }
        for (count, expected) in counts.into_iter().zip([8000, 4000, 2000, 1000, 1000]) {
            assert!(i32::abs(count - expected) < expected / 8, "{counts:?}");
        }
    }

    #[test]
    fn whom_the_operator_asks_about_is_kept_to_the_last() {
        let rank = |wanted: &str, client: &str| Lots::wanting(wanted).of_texts(client.as_bytes(), b"a");
        assert_eq!(rank("192.0.2.7", "192.0.2.7"), Kept::NOBODY - 1);
        assert_eq!(rank("2001:DB8::7", "2001:db8:0::7"), Kept::NOBODY - 1);
        assert_eq!(rank("PC7.example.org", "pc7.example.org"), Kept::NOBODY - 1);
        assert!(rank("192.0.2.7", "192.0.2.8") < 20 && rank("pc7", "pc8") < 20);
    }

    type Request = (String, String, String, u16, u32);

    fn requests() -> Vec<Request> {
        let request = |i: u32| {
            let client =
                if i.is_multiple_of(5) { format!("host-{}", i % 35) } else { format!("192.0.2.{}", i * 7 % 90) };
            let status = [200, 401, 403, 200, 404][(i / 3 % 5) as usize];
            (
                client,
                format!("agent {}", i % 3),
                format!("/a/{}/x", ["b", "c", "d"][(i % 3) as usize]),
                status,
                90_000 + i * 61,
            )
        };
        (0..1000).map(request).collect()
    }

    fn shard<'r>(requests: impl Iterator<Item = &'r Request>) -> Shard {
        let mut accumulator = Accumulator::default();
        for (client, agent, target, status, second) in requests {
            let event = Event {
                client: client.as_bytes(),
                agent: agent.as_bytes(),
                target: target.as_bytes(),
                user: client.as_bytes(),
                status: *status,
                time: Time(*second),
                ..Event::default()
            };
            accumulator.add(&event, target.as_bytes(), Place { file: 0, chunk: 0, line: *second });
        }
        accumulator.finish().take().0.pop().unwrap()
    }

    /// All of a ledger but what is only counted.
    fn parts(ledger: Ledger) -> impl PartialEq + std::fmt::Debug {
        let Ledger { names, agents, clients, shapes, visit_bounds, visits, refusals, samples, .. } = ledger;
        (names, agents, clients, shapes, visit_bounds, visits, refusals, samples)
    }

    /// In the order in which they came, and settled.
    #[test]
    fn what_is_left_is_as_if_the_others_had_never_been_seen() {
        let (requests, lots) = (requests(), Lots::default());
        for level in 1..5 {
            let kept = Kept { level };
            let is_kept = |r: &&Request| lots.of_texts(r.0.as_bytes(), r.1.as_bytes()) >= level;
            let expected = parts(build(vec![shard(requests.iter().filter(is_kept))]));
            let mut others = Counted::new(300);
            requests.iter().filter(|r| !is_kept(r)).for_each(|r| others.add(Time(r.4), r.3));
            let settled = Shard::from(crate::tally::ledger::merge(vec![shard(requests.iter())], Kept::default()));
            for of_all in [shard(requests.iter()), settled] {
                let left = retain(of_all, kept, &lots, 300);
                assert_eq!(left.counted, others, "level {level}");
                assert_eq!(parts(build(vec![left])), expected, "level {level}");
            }
        }
    }
}
