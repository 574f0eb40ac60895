//! The bytes of a body to a shard. Takes nothing on trust: every count is held against the bytes that are left before
//! room is made for it, every index against what it points into.

use super::Damage;
use crate::model::{
    tally::{
        ClientKey, Counted, Excerpt, NAME_PREFIX, Names, Place, Refusal, Sample, SampleKey, Seen, Settled, Shape,
        Shard, Slice, Visit,
    },
    time::Time,
};
use std::collections::BTreeMap;

pub(super) fn body(bytes: &[u8]) -> Result<Shard, Damage> {
    let mut input = In(bytes);
    let (names, agents) = (input.names()?, input.names()?);
    let clients = input.list(17, |input| {
        let addr = u128::from_le_bytes(input.array()?);
        let key = ClientKey { addr, agent: input.index(agents.len())? };
        // The bits between the prefix and the index are never set.
        let is_sound =
            key.name().is_none_or(|name| (name as usize) < names.len() && addr == NAME_PREFIX | u128::from(name));
        if is_sound { Ok(key) } else { Err(Damage::Nonsense) }
    })?;
    let shapes = input.list(6, |input| shape(input, names.len()))?;
    if shapes.len() > usize::from(u16::MAX) {
        return Err(Damage::Nonsense);
    }
    let visits = visits(&mut input, clients.len(), shapes.len())?;
    let settled = settled(&mut input, clients.len(), shapes.len())?;
    let refusals = input.list(9, |input| {
        Ok(Refusal {
            client: input.index(clients.len())?,
            time: Time(input.u32()?),
            shape: input.index(shapes.len())?,
            place: input.place()?,
            user: input.index(names.len())?,
            referer_host: input.index(names.len())?,
            bytes: input.u32()?,
        })
    })?;
    let samples = input.list(9, |input| {
        let key = SampleKey { shape: input.index(shapes.len())?, hour: input.u32()?, rank: input.small()? };
        let (time, place) = (Time(input.u32()?), input.place()?);
        let client = input.index(clients.len())?;
        let of = clients.get(client as usize).copied().unwrap_or_default();
        let text = Excerpt::new(input.text()?, Some(&of.text(&names)), agents.get(of.agent));
        Ok((key, Sample { time, place, client, text }))
    })?;
    let counted = counted(&mut input)?;
    if !input.0.is_empty() {
        return Err(Damage::Length);
    }
    Ok(Shard { names, agents, clients, shapes, visits, settled, refusals, samples, counted })
}

pub(super) fn shape(input: &mut In<'_>, names: usize) -> Result<Shape, Damage> {
    let (vhost, path, method) = (input.index(names)?, input.index(names)?, input.index(names)?);
    let (protocol, upstream) = (input.index(names)?, input.index(names)?);
    let last = input.u32()?;
    let status = u16::try_from(last >> 1).map_err(|_| Damage::Nonsense)?;
    Ok(Shape { vhost, path, method, protocol, upstream, status, with_user: last & 1 == 1 })
}

fn visits(input: &mut In<'_>, clients: usize, shapes: usize) -> Result<BTreeMap<u16, Vec<Visit>>, Damage> {
    let mut buckets = BTreeMap::new();
    for _ in 0..input.count(2)? {
        let bucket = input.u16()?;
        let mut last = 0_i32;
        let visits = input.list(3, |input| {
            let step = input.u32()?;
            last = last.wrapping_add((step >> 1) as i32 ^ -((step & 1) as i32));
            let second = u16::try_from(last).map_err(|_| Damage::Nonsense)?;
            Ok(Visit { second, client: input.index(clients)?, shape: input.index(shapes)? as u16 })
        })?;
        if buckets.insert(bucket, visits).is_some() {
            return Err(Damage::Nonsense);
        }
    }
    Ok(buckets)
}

fn settled(input: &mut In<'_>, clients: usize, shapes: usize) -> Result<Settled, Damage> {
    let count = input.count(1)?;
    if count == 0 {
        return Ok(Settled::default());
    }
    if count != clients {
        return Err(Damage::Nonsense);
    }
    let mut settled = Settled { bounds: vec![0], visits: Vec::new() };
    for _ in 0..count {
        let mut time = 0_u32;
        for _ in 0..input.count(2)? {
            time = time.checked_add(input.u32()?).ok_or(Damage::Nonsense)?;
            settled.visits.push(Seen::new(Time(time), input.index(shapes)?));
        }
        settled.bounds.push(u32::try_from(settled.visits.len()).map_err(|_| Damage::Nonsense)?);
    }
    Ok(settled)
}

pub(super) fn counted(input: &mut In<'_>) -> Result<Counted, Damage> {
    let (slice_secs, count) = (input.u32()?, input.count(4)?);
    if count == 0 {
        return Ok(Counted { slice_secs, ..Counted::default() });
    }
    let span = (Time(input.u32()?), Time(input.u32()?));
    let mut slices = BTreeMap::new();
    for _ in 0..count {
        let start = input.u32()?;
        let slice = Slice { requests: input.number()?, on_401: input.number()?, on_403: input.number()? };
        let is_new = slices.insert(start, slice).is_none();
        let is_within = slice_secs > 0 && (span.0.0 / slice_secs..=span.1.0 / slice_secs).contains(&start);
        let is_sound =
            is_new && is_within && slice.on_401.checked_add(slice.on_403).is_some_and(|n| n <= slice.requests);
        if !is_sound || slice.requests > u64::from(u32::MAX) << 16 {
            return Err(Damage::Nonsense);
        }
    }
    Ok(Counted { slice_secs, slices, span: Some(span) })
}

pub(super) struct In<'b>(pub(super) &'b [u8]);

impl<'b> In<'b> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'b [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Damage::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        self.take(N)?.try_into().map_err(|_| Damage::Length)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Damage> {
        match self.0.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.0 = rest;
                Ok((*byte).into())
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Damage> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage::Nonsense)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Damage> {
        u32::try_from(self.number()?).map_err(|_| Damage::Nonsense)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Damage> {
        u16::try_from(self.number()?).map_err(|_| Damage::Nonsense)
    }

    pub(super) fn small(&mut self) -> Result<u8, Damage> {
        u8::try_from(self.number()?).map_err(|_| Damage::Nonsense)
    }

    /// A number that points into so many things.
    #[inline]
    pub(super) fn index(&mut self, len: usize) -> Result<u32, Damage> {
        let index = self.u32()?;
        if (index as usize) < len { Ok(index) } else { Err(Damage::Nonsense) }
    }

    /// How many things of at least so many bytes follow.
    pub(super) fn count(&mut self, bytes_min: usize) -> Result<usize, Damage> {
        let count = usize::try_from(self.number()?).map_err(|_| Damage::Nonsense)?;
        if count <= self.0.len() / bytes_min { Ok(count) } else { Err(Damage::Length) }
    }

    pub(super) fn list<T>(
        &mut self,
        bytes_min: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Damage>,
    ) -> Result<Vec<T>, Damage> {
        (0..self.count(bytes_min)?).map(|_| item(self)).collect()
    }

    pub(super) fn text(&mut self) -> Result<&'b [u8], Damage> {
        let length = self.count(1)?;
        self.take(length)
    }

    pub(super) fn names(&mut self) -> Result<Names, Damage> {
        let mut names = Names::default();
        for _ in 0..self.count(1)? {
            names.push(self.text()?);
        }
        Ok(names)
    }

    fn place(&mut self) -> Result<Place, Damage> {
        Ok(Place { file: self.u32()?, chunk: self.u32()?, line: self.u32()? })
    }
}
