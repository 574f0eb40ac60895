//! A shard to the bytes of its body.

use crate::model::tally::{Counted, Names, Place, Shard};

pub(super) fn body(shard: &Shard, out: &mut Out) {
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
    out.settled(shard);
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
        out.number(key.rank.into());
        out.number(sample.time.0.into());
        out.place(sample.place);
        out.number(sample.client.into());
        out.text(&sample.line(&shard.clients, &shard.names, &shard.agents));
    }
    out.counted(&shard.counted);
}

#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<u8>);

impl Out {
    /// Seven bits a byte, least first; all but the last with the eighth set.
    #[inline]
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    pub(super) fn names(&mut self, names: &Names) {
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

    /// Client by client, each request by the seconds since the one before it.
    fn settled(&mut self, shard: &Shard) {
        self.number(shard.settled.bounds.len().saturating_sub(1) as u64);
        for bounds in shard.settled.bounds.windows(2) {
            let &[from, to] = bounds else { continue };
            let own = shard.settled.visits.get(from as usize..to as usize).unwrap_or_default();
            self.number(own.len() as u64);
            let mut last = 0;
            for seen in own {
                self.number(u64::from(seen.time().0 - last));
                last = seen.time().0;
                self.number(seen.shape() as u64);
            }
        }
    }

    pub(super) fn counted(&mut self, counted: &Counted) {
        self.number(counted.slice_secs.into());
        let Some((first, last)) = counted.span else { return self.number(0) };
        self.number(counted.slices.len() as u64);
        self.number(first.0.into());
        self.number(last.0.into());
        for (start, slice) in &counted.slices {
            self.number((*start).into());
            self.number(slice.requests);
            self.number(slice.on_401);
            self.number(slice.on_403);
        }
    }
}
