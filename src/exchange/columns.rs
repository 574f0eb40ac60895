//! A ledger in columns, a day at a time: values of one kind stand together and differences instead of the values, so
//! that a packer finds little left to say. Owns the order of the columns; packing and checking is for `part.rs`.
//!
//! ```text
//! words:  names  agents  clients  shapes  shapes by frequency  counted
//! day:    clients that came, how often ║ seconds in between │ shapes ║ refusals in order of time │ sample lines
//! ```
//!
//! A request is not written in full anywhere: its client is that of its row, its time the seconds since the one before
//! it, its shape a rank by frequency. A refusal is the request whose shape is refused, and a sample is a refusal; only
//! what they have beside is written.

use super::{
    Damage,
    read::{self, In},
    write::Out,
};
use crate::model::{
    tally::{
        ClientKey, Counted, Excerpt, Kept, Ledger, NAME_PREFIX, Names, Place, Refusal, Sample, SampleKey, Seen,
        Settled, Shape, Shard,
    },
    time::Time,
};
use std::collections::BTreeMap;

pub(super) const DAY_SECS: u32 = 86_400;

/// What all days refer to.
#[derive(Clone, Debug)]
pub(super) struct Words {
    names: Names,
    agents: Names,
    clients: Vec<ClientKey>,
    shapes: Vec<Shape>,
    /// The most frequent first, each with whether it is refused.
    by_rank: Vec<(u32, bool)>,
    counted: Counted,
}

/// The words of a ledger, and how its days name the shapes.
pub(super) fn write_words(ledger: &Ledger) -> (Vec<u8>, Ranks) {
    let ranks = Ranks::new(ledger);
    let mut out = Out::default();
    out.names(&ledger.names);
    out.names(&ledger.agents);
    out.number(ledger.clients.len() as u64);
    let mut last = 0;
    for client in &ledger.clients {
        out.wide(client.addr.wrapping_sub(last));
        last = client.addr;
    }
    ledger.clients.iter().for_each(|client| out.number(client.agent.into()));
    out.number(ledger.shapes.len() as u64);
    for shape in &ledger.shapes {
        for name in [shape.vhost, shape.path, shape.method, shape.protocol, shape.upstream] {
            out.number(name.into());
        }
        out.number(u64::from(shape.status) << 1 | u64::from(shape.with_user));
    }
    ranks.by_rank.iter().for_each(|shape| out.number((*shape).into()));
    out.counted(&ledger.counted);
    (out.0, ranks)
}

pub(super) fn read_words(bytes: &[u8]) -> Result<Words, Damage> {
    let mut input = In(bytes);
    let (names, agents) = (input.names()?, input.names()?);
    let mut last = 0_u128;
    let addresses = input.list(1, |input| {
        last = last.wrapping_add(input.wide()?);
        Ok(last)
    })?;
    let mut clients = Vec::with_capacity(addresses.len());
    for addr in addresses {
        let key = ClientKey { addr, agent: input.index(agents.len())? };
        let is_sound =
            key.name().is_none_or(|name| (name as usize) < names.len() && addr == NAME_PREFIX | u128::from(name));
        clients.push(if is_sound { key } else { return Err(Damage::Nonsense) });
    }
    let shapes = input.list(6, |input| read::shape(input, names.len()))?;
    let ranked = |shape: u32| (shape, shapes.get(shape as usize).is_some_and(Shape::refused));
    let by_rank = (0..shapes.len()).map(|_| input.index(shapes.len()).map(ranked)).collect::<Result<_, _>>()?;
    let counted = read::counted(&mut input)?;
    if input.0.is_empty() {
        Ok(Words { names, agents, clients, shapes, by_rank, counted })
    } else {
        Err(Damage::Length)
    }
}

/// How often shapes are asked for: small numbers for the most frequent ones.
#[derive(Debug)]
pub(super) struct Ranks {
    by_rank: Vec<u32>,
    of_shape: Vec<u32>,
}

impl Ranks {
    fn new(ledger: &Ledger) -> Self {
        let mut often = vec![0_u32; ledger.shapes.len()];
        for seen in &ledger.visits {
            if let Some(count) = often.get_mut(seen.shape()) {
                *count += 1;
            }
        }
        let mut by_rank: Vec<u32> = (0..ledger.shapes.len() as u32).collect();
        by_rank.sort_by_key(|shape| std::cmp::Reverse(often.get(*shape as usize).copied()));
        let mut of_shape = vec![0; by_rank.len()];
        for (rank, shape) in (0..).zip(&by_rank) {
            if let Some(slot) = of_shape.get_mut(*shape as usize) {
                *slot = rank;
            }
        }
        Self { by_rank, of_shape }
    }

    #[inline]
    fn of(&self, shape: usize) -> u32 {
        self.of_shape.get(shape).copied().unwrap_or_default()
    }
}

/// A column of numbers: their first seven bits stand together, and what some of them have beyond stands behind.
#[derive(Debug, Default)]
struct Column {
    first: Vec<u8>,
    beyond: Out,
}

impl Column {
    #[inline]
    fn push(&mut self, number: u32) {
        if number < 0x80 {
            self.first.push(number as u8);
        } else {
            self.first.push(number as u8 | 0x80);
            self.beyond.number(u64::from(number >> 7));
        }
    }
}

impl FromIterator<u32> for Column {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut column = Self::default();
        numbers.into_iter().for_each(|number| column.push(number));
        column
    }
}

/// What a ledger has of one day, being put into columns.
#[derive(Debug, Default)]
struct Day<'l> {
    /// Who came, as the difference from the one before, and how often.
    clients: Column,
    counts: Column,
    last_client: u32,
    /// The low byte of a step in time is nearly noise, the rest is not: apart they pack better.
    high: Column,
    low: Vec<u8>,
    ranks: Column,
    refusals: Vec<&'l Refusal>,
    samples: Vec<&'l (SampleKey, Sample)>,
}

/// A day in its columns.
#[derive(Debug)]
pub(super) struct Written {
    /// Counted from 1970.
    pub(super) number: u32,
    pub(super) requests: u64,
    /// Who came, how often.
    pub(super) clients: Vec<u8>,
    /// When, and for what.
    pub(super) visits: Vec<u8>,
    /// Refusals and sample lines.
    pub(super) refusals: Vec<u8>,
}

/// A ledger's rows, a day at a time.
pub(super) fn write_days<'l>(ledger: &'l Ledger, ranks: &Ranks) -> impl ExactSizeIterator<Item = Written> + use<'l> {
    let mut days = Days { first: ledger.span.map_or(0, |(first, _)| day_of(first)), days: Vec::new() };
    for (client, bounds) in (0..).zip(ledger.visit_bounds.windows(2)) {
        let &[from, to] = bounds else { continue };
        let mut own = ledger.visits.get(from as usize..to as usize).unwrap_or_default();
        while let Some(first) = own.first() {
            let start = day_of(first.time()) * DAY_SECS;
            let Some(day) = days.of(first.time()) else { break };
            let (some, rest) = own.split_at(own.iter().take_while(|seen| seen.time().0 - start < DAY_SECS).count());
            day.put(client, start, some, ranks);
            own = rest;
        }
    }
    for refusal in &ledger.refusals {
        days.of(refusal.time).into_iter().for_each(|day| day.refusals.push(refusal));
    }
    for sample in ledger.samples.iter().chain(&ledger.spare_samples) {
        days.of(sample.1.time).into_iter().for_each(|day| day.samples.push(sample));
    }
    let days: Vec<_> = (days.first..).zip(days.days).filter(|(_, day)| !day.low.is_empty()).collect();
    days.into_iter().map(|(number, day)| day.written(number))
}

fn day_of(time: Time) -> u32 {
    time.0 / DAY_SECS
}

/// From some day on, each at its place: nearly every client asks for several. Time has 49,711 days.
struct Days<'l> {
    first: u32,
    days: Vec<Day<'l>>,
}

impl<'l> Days<'l> {
    fn of(&mut self, time: Time) -> Option<&mut Day<'l>> {
        let at = day_of(time).checked_sub(self.first)? as usize;
        if at >= self.days.len() {
            self.days.resize_with(at + 1, Day::default);
        }
        self.days.get_mut(at)
    }
}

impl Day<'_> {
    /// A client's requests of the day that began then.
    fn put(&mut self, client: u32, start: u32, visits: &[Seen], ranks: &Ranks) {
        self.clients.push(client - std::mem::replace(&mut self.last_client, client));
        self.counts.push(visits.len() as u32);
        let mut last = start;
        for seen in visits {
            let step = seen.time().0 - std::mem::replace(&mut last, seen.time().0);
            self.high.push(step >> 8);
            self.low.push(step as u8);
            self.ranks.push(ranks.of(seen.shape()));
        }
    }

    fn written(self, number: u32) -> Written {
        let (mut clients, mut visits, mut refusals) = (Out::default(), Out::default(), Out::default());
        self.write_refusals(&mut refusals);
        self.write_samples(&mut refusals);
        clients.number(self.clients.first.len() as u64);
        clients.column(self.clients);
        clients.column(self.counts);
        visits.0.reserve(3 * self.low.len());
        visits.column(self.high);
        visits.0.extend_from_slice(&self.low);
        visits.column(self.ranks);
        let requests = self.low.len() as u64;
        Written { number, requests, clients: clients.0, visits: visits.0, refusals: refusals.0 }
    }

    fn write_refusals(&self, out: &mut Out) {
        let order = in_time(self.refusals.iter().map(|refusal| refusal.time));
        let ordered = || order.iter().filter_map(|at| self.refusals.get(*at as usize));
        out.column(ordered().map(|r| r.place.file).collect());
        let mut last = 0;
        ordered().for_each(|r| out.step(r.place.line, &mut last));
        out.column(ordered().map(|r| r.user).collect());
        out.column(ordered().map(|r| r.referer_host).collect());
        out.column(ordered().map(|r| r.bytes).collect());
    }

    fn write_samples(&self, out: &mut Out) {
        // Both in one order: then they are found in one walk.
        let mut wanted: Vec<_> =
            self.samples.iter().map(|(key, s)| ((s.client, s.time, key.shape, s.place), key.rank, s)).collect();
        wanted.sort_unstable_by_key(|(of_sample, rank, _)| (*of_sample, *rank));
        let mut refusals = self.refusals.iter().zip(0_u32..).peekable();
        let mut number = |of_sample: &(u32, Time, u32, Place)| {
            let of_refusal = |r: &Refusal| (r.client, r.time, r.shape, r.place);
            while refusals.next_if(|(refusal, _)| of_refusal(refusal) < *of_sample).is_some() {}
            refusals.peek().filter(|(refusal, _)| of_refusal(refusal) == *of_sample).map(|(_, number)| *number)
        };
        let samples = wanted.iter().filter_map(|(of_sample, rank, sample)| Some((number(of_sample)?, *rank, *sample)));
        let samples: Vec<(u32, u8, &Sample)> = samples.collect();
        out.number(samples.len() as u64);
        let mut last = 0;
        out.column(samples.iter().map(|(refusal, ..)| refusal - std::mem::replace(&mut last, *refusal)).collect());
        samples.iter().for_each(|(_, rank, _)| out.number((*rank).into()));
        for (.., sample) in &samples {
            let (known, rest) = sample.text.parts();
            out.number(known.into());
            out.text(rest);
        }
    }
}

/// The numbers of refusals in order of time, which is nearly that of their lines; those of one second as they stand.
fn in_time(times: impl Iterator<Item = Time>) -> Vec<u32> {
    let mut order: Vec<u64> = times.zip(0..).map(|(time, at)| u64::from(time.0) << 32 | at).collect();
    order.sort_unstable();
    order.into_iter().map(|at| at as u32).collect()
}

/// Days put together again.
pub(super) struct Rows {
    words: Words,
    /// Who came on each day, and how often.
    clients: Vec<Vec<(u32, u32)>>,
    bounds: Vec<u32>,
    /// Where the next request of each client comes to stand.
    next: Vec<u32>,
    visits: Vec<Seen>,
    refusals: Vec<Refusal>,
    samples: Vec<(SampleKey, Sample)>,
}

impl Rows {
    /// Room for the requests of some days, by who came on each of them.
    pub(super) fn new(words: Words, clients: Vec<Vec<(u32, u32)>>) -> Result<Self, Damage> {
        let mut bounds = vec![0_u32; words.clients.len() + 1];
        for (client, count) in clients.iter().flatten() {
            let bound = bounds.get_mut(*client as usize + 1).ok_or(Damage::Nonsense)?;
            *bound = bound.checked_add(*count).ok_or(Damage::Nonsense)?;
        }
        let mut sum = 0_u32;
        for bound in &mut bounds {
            sum = sum.checked_add(*bound).ok_or(Damage::Nonsense)?;
            *bound = sum;
        }
        let (next, visits) = (bounds.clone(), vec![Seen::default(); sum as usize]);
        Ok(Self { words, clients, bounds, next, visits, refusals: Vec::new(), samples: Vec::new() })
    }

    /// Adds the rows of one of the days, later than those before; places point into so many sources. Days are counted
    /// from 1970, and `at` is the place of this one among those given to [`Self::new`].
    pub(super) fn read_day(
        &mut self,
        (at, day): (usize, u32),
        visits: &[u8],
        refusals: &[u8],
        sources: usize,
    ) -> Result<(), Damage> {
        let mut refused = self.read_visits((at, day), visits)?;
        let mut input = In(refusals);
        self.read_refusals(&mut input, &mut refused, sources)?;
        self.read_samples(&mut input, &refused)?;
        self.refusals.append(&mut refused);
        if input.0.is_empty() { Ok(()) } else { Err(Damage::Length) }
    }

    /// Gives those that were refused.
    fn read_visits(&mut self, (at, day): (usize, u32), bytes: &[u8]) -> Result<Vec<Refusal>, Damage> {
        let clients = self.clients.get_mut(at).map(std::mem::take).unwrap_or_default();
        let total = clients.iter().map(|(_, count)| *count as usize).sum();
        let mut input = In(bytes);
        let (mut high, low, mut ranks) = (input.column(total)?, input.take(total)?, input.column(total)?);
        let mut low = low.iter();
        let start = day.checked_mul(DAY_SECS).ok_or(Damage::Nonsense)?;
        let end = start.saturating_add(DAY_SECS);
        let mut refused = Vec::new();
        for (client, count) in clients {
            let from = self.next.get_mut(client as usize).ok_or(Damage::Nonsense)?;
            let own = self.visits.get_mut(*from as usize..(*from + count) as usize).ok_or(Damage::Nonsense)?;
            *from += count;
            let mut time = start;
            for (slot, low) in own.iter_mut().zip(&mut low) {
                let step = high.next()?.checked_mul(256).map(|high| high | u32::from(*low));
                time =
                    step.and_then(|step| time.checked_add(step)).filter(|time| *time < end).ok_or(Damage::Nonsense)?;
                let (shape, is_refused) = *self.words.by_rank.get(ranks.next()? as usize).ok_or(Damage::Nonsense)?;
                *slot = Seen::new(Time(time), shape);
                if is_refused {
                    let (time, place) = (Time(time), Place::default());
                    refused.push(Refusal { client, time, shape, place, user: 0, referer_host: 0, bytes: 0 });
                }
            }
        }
        if input.0.is_empty() { Ok(refused) } else { Err(Damage::Length) }
    }

    fn read_refusals(&self, input: &mut In<'_>, own: &mut [Refusal], sources: usize) -> Result<(), Damage> {
        let order = in_time(own.iter().map(|refusal| refusal.time));
        let mut files = input.column(order.len())?;
        let mut last = 0;
        let lines = order.iter().map(|_| input.step(&mut last)).collect::<Result<Vec<_>, _>>()?;
        let (mut users, mut hosts) = (input.column(order.len())?, input.column(order.len())?);
        let mut bytes = input.column(order.len())?;
        let names = self.words.names.len();
        let below =
            |number: u32, limit: usize| if (number as usize) < limit { Ok(number) } else { Err(Damage::Nonsense) };
        for (at, line) in order.iter().zip(lines) {
            let refusal = own.get_mut(*at as usize).ok_or(Damage::Nonsense)?;
            refusal.place = Place { file: below(files.next()?, sources)?, chunk: 0, line };
            (refusal.user, refusal.referer_host) = (below(users.next()?, names)?, below(hosts.next()?, names)?);
            refusal.bytes = bytes.next()?;
        }
        Ok(())
    }

    fn read_samples(&mut self, input: &mut In<'_>, own: &[Refusal]) -> Result<(), Damage> {
        let count = input.count(4)?;
        let mut refusals = input.column(count)?;
        let ranks = (0..count).map(|_| input.small()).collect::<Result<Vec<_>, _>>()?;
        let mut at = 0_u32;
        for rank in ranks {
            at = at.checked_add(refusals.next()?).ok_or(Damage::Nonsense)?;
            let refusal = own.get(at as usize).filter(|_| rank < Kept::NOBODY).ok_or(Damage::Nonsense)?;
            let text = Excerpt::of((input.small()?, input.text()?));
            let key = SampleKey { shape: refusal.shape, hour: refusal.time.0 / 3600, rank };
            let sample = Sample { time: refusal.time, place: refusal.place, client: refusal.client, text };
            self.samples.push((key, sample));
        }
        Ok(())
    }

    /// All that was read as a shard.
    pub(super) fn finish(self) -> Shard {
        let Words { names, agents, clients, shapes, counted, .. } = self.words;
        let settled = Settled { bounds: self.bounds, visits: self.visits };
        let (refusals, samples) = (self.refusals, self.samples);
        Shard { names, agents, clients, shapes, visits: BTreeMap::new(), refusals, samples, settled, counted }
    }
}

/// Who came on a day, and how often.
pub(super) fn read_clients(bytes: &[u8]) -> Result<Vec<(u32, u32)>, Damage> {
    let mut input = In(bytes);
    let count = input.count(2)?;
    let (mut steps, mut counts) = (input.column(count)?, input.column(count)?);
    let mut client = 0_u32;
    let clients = (0..count).map(|_| {
        client = client.checked_add(steps.next()?).ok_or(Damage::Nonsense)?;
        Ok((client, counts.next()?))
    });
    let clients = clients.collect::<Result<_, _>>()?;
    if input.0.is_empty() { Ok(clients) } else { Err(Damage::Length) }
}

/// A column being read.
struct Numbers<'b> {
    first: std::slice::Iter<'b, u8>,
    beyond: In<'b>,
}

impl Numbers<'_> {
    #[inline]
    fn next(&mut self) -> Result<u32, Damage> {
        match self.first.next() {
            Some(first) => match (first >> 7, self.beyond.0) {
                // Whether there is more cannot be foretold, so it is read anyway and counts for nothing.
                (more, [beyond @ ..0x80, ..]) => {
                    self.beyond.0 = self.beyond.0.get(usize::from(more)..).unwrap_or_default();
                    Ok((u32::from(*beyond) * u32::from(more)) << 7 | u32::from(first & 0x7f))
                }
                (0, _) => Ok((*first).into()),
                _ => self.next_beyond(*first),
            },
            None => Err(Damage::Length),
        }
    }

    #[cold]
    fn next_beyond(&mut self, first: u8) -> Result<u32, Damage> {
        let beyond = self.beyond.u32()?.checked_mul(0x80).ok_or(Damage::Nonsense)?;
        Ok(beyond | u32::from(first & 0x7f))
    }
}

impl Out {
    fn column(&mut self, column: Column) {
        self.number(column.beyond.0.len() as u64);
        self.0.extend_from_slice(&column.first);
        self.0.extend_from_slice(&column.beyond.0);
    }

    /// As a number, of up to 128 bits.
    fn wide(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// The difference from the one before, of either sign (zigzag).
    fn step(&mut self, value: u32, last: &mut u32) {
        let step = i64::from(value) - i64::from(std::mem::replace(last, value));
        self.number(((step << 1) ^ (step >> 63)) as u64);
    }
}

impl<'b> In<'b> {
    /// A column of so many numbers.
    fn column(&mut self, len: usize) -> Result<Numbers<'b>, Damage> {
        let beyond = self.count(1)?;
        Ok(Numbers { first: self.take(len)?.iter(), beyond: In(self.take(beyond)?) })
    }

    fn wide(&mut self) -> Result<u128, Damage> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Damage::Length)?;
            self.0 = rest;
            value |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage::Nonsense)
    }

    fn step(&mut self, last: &mut u32) -> Result<u32, Damage> {
        let step = self.number()?;
        let step = (step >> 1) as i64 ^ -((step & 1) as i64);
        let value = i64::from(*last).checked_add(step).and_then(|value| u32::try_from(value).ok());
        *last = value.ok_or(Damage::Nonsense)?;
        Ok(*last)
    }
}
