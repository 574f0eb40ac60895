//! A ledger in columns, a day at a time: values of one kind stand together and differences instead of the values, so
//! that a packer finds little left to say. Owns the order of the columns; packing and checking is for `part.rs`.
//!
//! ```text
//! words:  names  agents  clients  shapes  shapes by frequency  counted
//! day:    clients that came, how often │ seconds in between │ shapes │ refusals in order of time │ sample lines
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
        ClientKey, Counted, Kept, Ledger, NAME_PREFIX, Names, Place, Refusal, Sample, SampleKey, Seen, Settled, Shape,
        Shard,
    },
    time::Time,
};
use std::{collections::BTreeMap, ops::Range};

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

    fn of(&self, shape: usize) -> u64 {
        self.of_shape.get(shape).copied().unwrap_or_default().into()
    }
}

/// What a ledger has of one day.
#[derive(Debug, Default)]
pub(super) struct Day<'l> {
    /// Who came, and which of the ledger's visits were then.
    visits: Vec<(u32, Range<usize>)>,
    refusals: Vec<Refusal>,
    samples: Vec<&'l (SampleKey, Sample)>,
}

/// A ledger's rows by day, counted from 1970.
pub(super) fn days(ledger: &Ledger) -> BTreeMap<u32, Day<'_>> {
    let mut days = Days::default();
    for (client, bounds) in (0..).zip(ledger.visit_bounds.windows(2)) {
        let &[from, to] = bounds else { continue };
        let mut from = from as usize;
        while let Some(own @ [first, ..]) = ledger.visits.get(from..to as usize) {
            let until = from + own.partition_point(|seen| Days::number(seen.time()) == Days::number(first.time()));
            days.add(first.time(), |day| day.visits.push((client, from..until)));
            from = until;
        }
    }
    for refusal in &ledger.refusals {
        days.add(refusal.time, |day| day.refusals.push(*refusal));
    }
    for sample in ledger.samples.iter().chain(&ledger.spare_samples) {
        days.add(sample.1.time, |day| day.samples.push(sample));
    }
    (0..).zip(days.0).filter(|(_, day)| !day.visits.is_empty()).collect()
}

/// All days since 1970, of which time has 49,711, at the place of their number: nearly every client asks for several.
#[derive(Default)]
struct Days<'l>(Vec<Day<'l>>);

impl<'l> Days<'l> {
    fn number(time: Time) -> u32 {
        time.0 / DAY_SECS
    }

    fn add(&mut self, time: Time, row: impl FnOnce(&mut Day<'l>)) {
        let at = Self::number(time) as usize;
        if at >= self.0.len() {
            self.0.resize_with(at + 1, Day::default);
        }
        self.0.get_mut(at).map(row);
    }
}

impl Day<'_> {
    /// How many requests.
    pub(super) fn requests(&self) -> u64 {
        self.visits.iter().map(|(_, range)| range.len() as u64).sum()
    }

    /// Its rows in columns.
    pub(super) fn write(&self, ledger: &Ledger, ranks: &Ranks, day: u32) -> Vec<u8> {
        let visits = |range: &Range<usize>| ledger.visits.get(range.clone()).unwrap_or_default();
        let mut out = Out::default();
        out.number(self.visits.len() as u64);
        let mut last = 0;
        for (client, _) in &self.visits {
            out.number(u64::from(client - last));
            last = *client;
        }
        self.visits.iter().for_each(|(_, range)| out.number(range.len() as u64));
        // The low byte of a time is nearly noise, the rest is not: apart they pack better.
        let total = self.requests() as usize;
        let (mut low, mut rank) = (Vec::with_capacity(total), Out(Vec::with_capacity(total + total / 4)));
        out.0.reserve(2 * total);
        for (_, range) in &self.visits {
            let mut last = day * DAY_SECS;
            for seen in visits(range) {
                let step = seen.time().0 - std::mem::replace(&mut last, seen.time().0);
                out.number(u64::from(step >> 8));
                low.push(step as u8);
                rank.number(ranks.of(seen.shape()));
            }
        }
        out.0.append(&mut low);
        out.0.append(&mut rank.0);
        self.write_refusals(&mut out);
        self.write_samples(ledger, &mut out);
        out.0
    }

    fn write_refusals(&self, out: &mut Out) {
        let order = in_time(&self.refusals);
        let ordered = || order.iter().filter_map(|at| self.refusals.get(*at as usize));
        ordered().for_each(|r| out.number(r.place.file.into()));
        let mut last = 0;
        ordered().for_each(|r| out.step(r.place.line, &mut last));
        ordered().for_each(|r| out.number(r.user.into()));
        ordered().for_each(|r| out.number(r.referer_host.into()));
        ordered().for_each(|r| out.number(r.bytes.into()));
    }

    /// A line is kept without its client's address and agent, which are known.
    fn write_samples(&self, ledger: &Ledger, out: &mut Out) {
        let mut by_place: Vec<(Place, u32)> = self.refusals.iter().zip(0..).map(|(r, at)| (r.place, at)).collect();
        by_place.sort_unstable();
        let number = |sample: &Sample| {
            let at = by_place.binary_search_by_key(&sample.place, |(place, _)| *place).ok()?;
            by_place.get(at).map(|(_, refusal)| *refusal)
        };
        let mut samples: Vec<(u32, u8, &Sample)> =
            self.samples.iter().filter_map(|(key, sample)| Some((number(sample)?, key.rank, sample))).collect();
        samples.sort_unstable();
        out.number(samples.len() as u64);
        let mut last = 0;
        for (refusal, ..) in &samples {
            out.number(u64::from(refusal - last));
            last = *refusal;
        }
        samples.iter().for_each(|(_, rank, _)| out.number((*rank).into()));
        for (.., sample) in &samples {
            let key = ledger.clients.get(sample.client as usize).copied().unwrap_or_default();
            let (address, agent) = (ledger.address(&key), ledger.agents.get(key.agent));
            let (at_address, at_agent) = known_places(&sample.text, &address, agent);
            out.number(at_agent);
            out.number(at_address);
            out.text(&without(&without(&sample.text, agent, at_agent), &address, at_address));
        }
    }
}

/// The numbers of refusals in order of time, which is nearly that of their lines.
fn in_time(refusals: &[Refusal]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..refusals.len() as u32).collect();
    let key = |at: &u32| refusals.get(*at as usize).map(|r| (r.time, r.client, r.shape, *at));
    order.sort_unstable_by_key(key);
    order
}

/// Where the client's address and its agent stand in a line of most formats, counted from 1; 0 for elsewhere.
fn known_places(text: &[u8], address: &[u8], agent: &[u8]) -> (u64, u64) {
    let at_end = text.strip_suffix(b"\"").and_then(|text| text.strip_suffix(agent)).map_or(0, <[u8]>::len);
    let is_apart = at_end >= address.len() && !agent.is_empty();
    let is_first = text.starts_with(address) && !address.is_empty();
    (u64::from(is_first), if is_apart { at_end as u64 + 1 } else { 0 })
}

/// A text without what is known to stand somewhere.
fn without(text: &[u8], known: &[u8], at: u64) -> Vec<u8> {
    let (front, rest) = match at.checked_sub(1) {
        Some(at) => text.split_at_checked(at as usize).unwrap_or_default(),
        None => return text.to_vec(),
    };
    [front, rest.get(known.len()..).unwrap_or_default()].concat()
}

fn with(text: Vec<u8>, known: &[u8], at: u64) -> Result<Vec<u8>, Damage> {
    if at == 0 {
        return Ok(text);
    }
    let at = usize::try_from(at - 1).map_err(|_| Damage::Nonsense)?;
    let (front, rest) = text.split_at_checked(at).ok_or(Damage::Nonsense)?;
    Ok([front, known, rest].concat())
}

/// Days put together again, in their order.
pub(super) struct Rows {
    words: Words,
    days: Vec<Visits>,
    refusals: Vec<Refusal>,
    samples: Vec<(SampleKey, Sample)>,
}

/// The requests of a day: who came, how often, and all of them one behind another.
struct Visits {
    clients: Vec<u32>,
    counts: Vec<u32>,
    visits: Vec<Seen>,
}

impl Rows {
    pub(super) fn new(words: Words) -> Self {
        Self { words, days: Vec::new(), refusals: Vec::new(), samples: Vec::new() }
    }

    /// Adds the rows of a day, later than those before; places point into so many sources.
    pub(super) fn read_day(&mut self, bytes: &[u8], day: u32, sources: usize) -> Result<(), Damage> {
        let mut input = In(bytes);
        let mut last = 0_u32;
        let clients = input.list(1, |input| {
            last = last.checked_add(input.u32()?).ok_or(Damage::Nonsense)?;
            if (last as usize) < self.words.clients.len() { Ok(last) } else { Err(Damage::Nonsense) }
        })?;
        let counts = input.column(clients.len())?;
        let total = counts.iter().try_fold(0_usize, |sum, count| sum.checked_add(*count as usize));
        let total = total.filter(|total| *total <= bytes.len()).ok_or(Damage::Length)?;
        let (high, low, ranks) = (input.column(total)?, input.take(total)?, input.column(total)?);
        let mut rows = high.iter().zip(low).zip(&ranks);
        let start = day.checked_mul(DAY_SECS).ok_or(Damage::Nonsense)?;
        let end = start.saturating_add(DAY_SECS);
        let (mut visits, mut refused) = (Vec::with_capacity(total), Vec::new());
        for (client, count) in clients.iter().zip(&counts) {
            let mut time = start;
            for ((high, low), rank) in rows.by_ref().take(*count as usize) {
                let step = high.checked_mul(256).map(|high| high + u32::from(*low));
                time =
                    step.and_then(|step| time.checked_add(step)).filter(|time| *time < end).ok_or(Damage::Nonsense)?;
                let (shape, is_refused) = *self.words.by_rank.get(*rank as usize).ok_or(Damage::Nonsense)?;
                visits.push(Seen::new(Time(time), shape));
                if is_refused {
                    let (client, time, place) = (*client, Time(time), Place::default());
                    refused.push(Refusal { client, time, shape, place, user: 0, referer_host: 0, bytes: 0 });
                }
            }
        }
        self.read_refusals(&mut input, &mut refused, sources)?;
        self.read_samples(&mut input, &refused)?;
        self.refusals.append(&mut refused);
        self.days.push(Visits { clients, counts, visits });
        if input.0.is_empty() { Ok(()) } else { Err(Damage::Length) }
    }

    fn read_refusals(&self, input: &mut In<'_>, own: &mut [Refusal], sources: usize) -> Result<(), Damage> {
        let order = in_time(own);
        let files = input.column(order.len())?;
        let mut last = 0;
        let lines = order.iter().map(|_| input.step(&mut last)).collect::<Result<Vec<_>, _>>()?;
        let (users, hosts) = (input.column(order.len())?, input.column(order.len())?);
        let bytes = input.column(order.len())?;
        let names = self.words.names.len();
        let below =
            |number: u32, limit: usize| if (number as usize) < limit { Ok(number) } else { Err(Damage::Nonsense) };
        for (((((at, file), line), user), host), bytes) in
            order.iter().zip(files).zip(lines).zip(users).zip(hosts).zip(bytes)
        {
            let refusal = own.get_mut(*at as usize).ok_or(Damage::Nonsense)?;
            refusal.place = Place { file: below(file, sources)?, chunk: 0, line };
            (refusal.user, refusal.referer_host, refusal.bytes) = (below(user, names)?, below(host, names)?, bytes);
        }
        Ok(())
    }

    fn read_samples(&mut self, input: &mut In<'_>, own: &[Refusal]) -> Result<(), Damage> {
        let mut last = 0_u32;
        let refusals = input.list(1, |input| {
            last = last.checked_add(input.u32()?).ok_or(Damage::Nonsense)?;
            Ok(last)
        })?;
        let ranks = (0..refusals.len()).map(|_| input.small()).collect::<Result<Vec<_>, _>>()?;
        for (at, rank) in refusals.iter().zip(ranks) {
            let refusal = own.get(*at as usize).filter(|_| rank < Kept::NOBODY).ok_or(Damage::Nonsense)?;
            let (at_agent, at_address) = (input.number()?, input.number()?);
            let text = input.text()?.to_vec();
            let key = self.words.clients.get(refusal.client as usize).ok_or(Damage::Nonsense)?;
            let address = key.text(&self.words.names);
            let text = with(with(text, &address, at_address)?, self.words.agents.get(key.agent), at_agent)?;
            let key = SampleKey { shape: refusal.shape, hour: refusal.time.0 / 3600, rank };
            let sample = Sample { time: refusal.time, place: refusal.place, client: refusal.client, text: text.into() };
            self.samples.push((key, sample));
        }
        Ok(())
    }

    /// All that was read as a shard: each client's days one behind another.
    pub(super) fn finish(self) -> Result<Shard, Damage> {
        let mut next = vec![0_usize; self.words.clients.len() + 1];
        for day in &self.days {
            for (client, count) in day.clients.iter().zip(&day.counts) {
                if let Some(bound) = next.get_mut(*client as usize + 1) {
                    *bound += *count as usize;
                }
            }
        }
        let mut sum = 0;
        for bound in &mut next {
            sum += *bound;
            *bound = sum;
        }
        let bounds = next.iter().map(|bound| u32::try_from(*bound).map_err(|_| Damage::Nonsense));
        let bounds = bounds.collect::<Result<Vec<_>, _>>()?;
        let mut visits = vec![Seen::default(); sum];
        for day in &self.days {
            let mut rest = day.visits.as_slice();
            for (client, count) in day.clients.iter().zip(&day.counts) {
                let count = *count as usize;
                let (own, after) = rest.split_at_checked(count).ok_or(Damage::Nonsense)?;
                rest = after;
                let Some(from) = next.get_mut(*client as usize) else { continue };
                if let Some(slots) = visits.get_mut(*from..*from + count) {
                    slots.copy_from_slice(own);
                }
                *from += count;
            }
        }
        let Words { names, agents, clients, shapes, counted, .. } = self.words;
        let (refusals, samples, settled) = (self.refusals, self.samples, Settled { bounds, visits });
        Ok(Shard { names, agents, clients, shapes, visits: BTreeMap::new(), refusals, samples, settled, counted })
    }
}

impl Out {
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

impl In<'_> {
    /// So many numbers one behind another, most of them of one or two bytes.
    fn column(&mut self, len: usize) -> Result<Vec<u32>, Damage> {
        let mut column = Vec::with_capacity(len.min(self.0.len()));
        let mut rest = self.0;
        for _ in 0..len {
            let (value, after) = match rest {
                [a, after @ ..] if *a < 0x80 => (u32::from(*a), after),
                [a, b, after @ ..] if *b < 0x80 => (u32::from(*a & 0x7f) | u32::from(*b) << 7, after),
                _ => {
                    let mut input = In(rest);
                    (input.u32()?, input.0)
                }
            };
            column.push(value);
            rest = after;
        }
        self.0 = rest;
        Ok(column)
    }

    fn wide(&mut self) -> Result<u128, Damage> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
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
