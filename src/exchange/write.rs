//! A shard to the bytes of its body.

use crate::model::tally::{Names, Place, Shard};

pub(super) fn body(shard: &Shard) -> Vec<u8> {
    let mut out = Out::default();
    out.names(&shard.names);
    out.names(&shard.agents);
    out.number(shard.clients.len() as u64);
    for client in &shard.clients {
        out.0.extend_from_slice(&client.addr.to_le_bytes());
        out.number(client.agent.into());
    }
    out.number(shard.shapes.len() as u64);
    for shape in &shard.shapes {
        for name in [shape.vhost, shape.path, shape.method, shape.protocol, shape.upstream] {
            out.number(name.into());
        }
        out.number(u64::from(shape.status) << 1 | u64::from(shape.with_user));
    }
    out.visits(shard);
    out.number(shard.refusals.len() as u64);
    for refusal in &shard.refusals {
        out.number(refusal.client.into());
        out.number(refusal.time.0.into());
        out.number(refusal.shape.into());
        out.place(refusal.place);
        for number in [refusal.user, refusal.referer_host, refusal.bytes] {
            out.number(number.into());
        }
    }
    out.number(shard.samples.len() as u64);
    for (key, sample) in &shard.samples {
        out.number(key.shape.into());
        out.number(key.hour.into());
        out.number(sample.time.0.into());
        out.place(sample.place);
        out.number(sample.client.into());
        out.text(&sample.text);
    }
    out.0
}

#[derive(Default)]
struct Out(Vec<u8>);

impl Out {
    /// Seven bits a byte, least first; all but the last with the eighth set.
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    fn names(&mut self, names: &Names) {
        self.number(names.len() as u64);
        for index in 0..names.len() as u32 {
            self.text(names.get(index));
        }
    }

    fn place(&mut self, place: Place) {
        for number in [place.file, place.chunk, place.line] {
            self.number(number.into());
        }
    }

    /// Bucket by bucket, each request by the seconds since the one before it, which may be fewer than none.
    fn visits(&mut self, shard: &Shard) {
        self.number(shard.visits.len() as u64);
        for (bucket, visits) in &shard.visits {
            self.number((*bucket).into());
            self.number(visits.len() as u64);
            let mut last = 0;
            for visit in visits {
                let step = i32::from(visit.second) - last;
                last = i32::from(visit.second);
                // Zigzag: small numbers of either sign become small numbers.
                self.number(u64::from(((step << 1) ^ (step >> 31)) as u32));
                self.number(visit.client.into());
                self.number(visit.shape.into());
            }
        }
    }
}
