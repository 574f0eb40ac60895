//! Many small shards as one: a ledger, or a part of its time, back in a shard's form, so that what they have in common
//! is kept once.

use crate::model::{
    tally::{ClientKey, Ledger, NAME_PREFIX, Names, Refusal, Sample, SampleKey, Settled, Shape, Shard, Visit},
    time::Time,
};
use std::collections::BTreeMap;

/// What lies in `[from, until)` of a ledger as one shard, with nothing in it that is not used there; of what is only
/// counted, the slices that begin there. None where it has
/// more shapes than a shard can number: it then stays in pieces.
#[must_use]
pub fn fold(ledger: &Ledger, from: Time, until: Time) -> Option<Shard> {
    let is_inside = |time: Time| time >= from && time < until;
    let visits_of = |client: usize| ledger.visits_of(client).iter().filter(|seen| is_inside(seen.time()));
    let refusals: Vec<&Refusal> = ledger.refusals.iter().filter(|r| is_inside(r.time)).collect();
    let samples = ledger.samples.iter().chain(&ledger.spare_samples);
    let samples: Vec<&(SampleKey, Sample)> = samples.filter(|(_, s)| is_inside(s.time)).collect();

    let (mut clients, mut shapes) = (Numbering::new(ledger.clients.len()), Numbering::new(ledger.shapes.len()));
    for client in 0..ledger.clients.len() {
        for seen in visits_of(client) {
            clients.need(client as u32);
            shapes.need(seen.shape() as u32);
        }
    }
    let shapes = shapes.number();
    u16::try_from(shapes.kept.len()).ok()?;
    let clients = clients.number();

    let (mut names, mut agents) = (Numbering::new(ledger.names.len()), Numbering::new(ledger.agents.len()));
    names.need(0);
    agents.need(0);
    for shape in shapes.items(&ledger.shapes) {
        let texts = [shape.vhost, shape.path, shape.method, shape.protocol, shape.upstream];
        texts.into_iter().for_each(|name| names.need(name));
    }
    for client in clients.items(&ledger.clients) {
        agents.need(client.agent);
        client.name().into_iter().for_each(|name| names.need(name));
    }
    for refusal in &refusals {
        names.need(refusal.user);
        names.need(refusal.referer_host);
    }
    let (names, agents) = (names.number(), agents.number());

    let mut visits: BTreeMap<u16, Vec<Visit>> = BTreeMap::new();
    for client in &clients.kept {
        for seen in visits_of(*client as usize) {
            let (time, shape) = (seen.time().0, shapes.of(seen.shape() as u32) as u16);
            let visit = Visit { client: clients.of(*client), shape, second: time as u16 };
            visits.entry((time >> 16) as u16).or_default().push(visit);
        }
    }
    for bucket in visits.values_mut() {
        bucket.sort_unstable_by_key(|visit| (visit.second, visit.client, visit.shape));
    }
    let client = |key: &ClientKey| ClientKey {
        addr: key.name().map_or(key.addr, |name| NAME_PREFIX | u128::from(names.of(name))),
        agent: agents.of(key.agent),
    };
    let shape = |shape: &Shape| Shape {
        vhost: names.of(shape.vhost),
        path: names.of(shape.path),
        method: names.of(shape.method),
        protocol: names.of(shape.protocol),
        upstream: names.of(shape.upstream),
        ..*shape
    };
    let refusal = |refusal: &&Refusal| Refusal {
        client: clients.of(refusal.client),
        shape: shapes.of(refusal.shape),
        user: names.of(refusal.user),
        referer_host: names.of(refusal.referer_host),
        ..**refusal
    };
    let sample = |(key, sample): &&(SampleKey, Sample)| {
        let key = SampleKey { shape: shapes.of(key.shape), ..*key };
        (key, Sample { client: clients.of(sample.client), ..sample.clone() })
    };
    let mut counted = ledger.counted.clone();
    counted.cut((from, until));
    Some(Shard {
        clients: clients.items(&ledger.clients).map(client).collect(),
        shapes: shapes.items(&ledger.shapes).map(shape).collect(),
        visits,
        refusals: refusals.iter().map(refusal).collect(),
        samples: samples.iter().map(sample).collect(),
        names: names.texts(&ledger.names),
        agents: agents.texts(&ledger.agents),
        settled: Settled::default(),
        counted,
    })
}

/// Which of many numbers are needed.
struct Numbering(Vec<bool>);

/// New numbers for those that are needed, in the same order.
struct Numbers {
    kept: Vec<u32>,
    new: Vec<u32>,
}

impl Numbering {
    fn new(len: usize) -> Self {
        Self(vec![false; len])
    }

    fn need(&mut self, old: u32) {
        if let Some(is_needed) = self.0.get_mut(old as usize) {
            *is_needed = true;
        }
    }

    fn number(self) -> Numbers {
        let mut kept = Vec::new();
        let new = self.0.iter().enumerate().map(|(old, is_needed)| {
            let number = kept.len() as u32;
            if *is_needed {
                kept.push(old as u32);
            }
            number
        });
        let new = new.collect();
        Numbers { kept, new }
    }
}

impl Numbers {
    fn of(&self, old: u32) -> u32 {
        self.new.get(old as usize).copied().unwrap_or_default()
    }

    fn items<'a, T>(&'a self, all: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.kept.iter().filter_map(|old| all.get(*old as usize))
    }

    fn texts(&self, all: &Names) -> Names {
        let mut names = Names::default();
        for old in &self.kept {
            names.push(all.get(*old));
        }
        names
    }
}
