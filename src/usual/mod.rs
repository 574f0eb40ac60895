//! What is usual, and whether what is new stands out from it. Owns the cheap question that spares most runs of a check
//! the dear one; knows no cause and calls nothing a fault.
//!
//! For each part of the site in which most are refused ([`Part`]), [`learn`] keeps what share of the clients of five
//! minutes is refused there, and how far that spreads. [`Recent::stands_out`] asks of the last five, ten ... sixty
//! minutes: are so many more clients refused in some part than that share of those who came that it is hardly chance?
//! Is one client refused more often than the busiest usually is? Detection asks for four clients at least and for
//! evidence beyond their number, and this asks for four and no evidence. What rises more slowly is left to the look that
//! is taken now and then anyway. What stood out in an hour in which a look found nothing stands out again only once it is
//! clearly more ([`Recent::judged`]): a site that has changed is not looked at in each run until a week has shown it.

use crate::model::{
    tally::{Ledger, Shape},
    time::Time,
    usual::{Fate, Part, Rates, SLICE_SECS, Usual},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};

/// What is recent: so many slices.
const RECENT_SLICES: u32 = 12;
/// Seconds of it.
pub const RECENT_SECS: u32 = RECENT_SLICES * SLICE_SECS;
/// A week tells what is usual; each slice more costs memory.
const LEARNT_SLICES: u32 = 7 * 86_400 / SLICE_SECS;
/// Parts that are kept of a site.
const PARTS_MAX: usize = 256;
/// Fewer clients than this are never a fault, nor is one that was refused less often an attack.
const CLIENTS_MIN: u32 = 4;
const REFUSALS_MIN: u32 = 20;
/// Deviance (of a Poisson count) above which a count is hardly chance. Hundreds of parts are asked for in each run, so
/// this is that of four times the spread: one in thirty thousand.
const DEVIANCE: f64 = 16.0;

const FATES: usize = Fate::ALL.len();
/// What is usual in a part of which nothing is known.
const NONE: Rates = Rates { share: [0.0; FATES], spread: [1.0; FATES] };

/// Learns from requests what is usual.
#[must_use]
pub fn learn(ledger: &Ledger) -> Usual {
    let Some((first, last)) = ledger.span else { return Usual::default() };
    let slices = ((last.0 - first.0) / SLICE_SECS + 1).min(LEARNT_SLICES);
    let counts = Counts::new(ledger, last, slices, (1, PARTS_MAX));
    let hours = counts.busiest.chunks(RECENT_SLICES as usize).map(|hour| hour.iter().copied().max().unwrap_or(0));
    let mut hours: Vec<u32> = hours.collect();
    hours.sort_unstable();
    let busiest = hours.get(hours.len() * 49 / 50).copied().unwrap_or(0);
    let parts = counts.parts.iter().map(|part| (part.part.clone(), part.rates()));
    Usual { parts: parts.collect(), busiest }
}

/// The last hour, counted.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    counts: Counts,
}

impl Recent {
    /// Counts the last hour of some requests.
    #[must_use]
    pub fn new(ledger: &Ledger) -> Self {
        let Some((_, last)) = ledger.span else { return Self::default() };
        Self { counts: Counts::new(ledger, last, RECENT_SLICES, (CLIENTS_MIN, usize::MAX)) }
    }

    /// Whether more is refused than usual, of which something lies after `since`.
    #[must_use]
    pub fn stands_out(&self, usual: &Usual, since: Time) -> bool {
        let counts = &self.counts;
        let new_slices = (counts.last.0.saturating_sub(since.0) / SLICE_SECS + 1).min(RECENT_SLICES) as usize;
        let is_busy = |of_slice: &u32| *of_slice >= REFUSALS_MIN && *of_slice > usual.busiest;
        let rates: BTreeMap<&Part, &Rates> = usual.parts.iter().map(|(part, rates)| (part, rates)).collect();
        counts.busiest.iter().take(new_slices).any(is_busy)
            || counts.parts.iter().any(|part| part.stands_out(rates.get(&part.part).unwrap_or(&&NONE), new_slices))
    }

    /// What is usual for the runs that follow a look which found nothing in this hour.
    #[must_use]
    pub fn judged(&self, usual: Usual) -> Usual {
        /// So many times as far from what is usual is clearly more: each of the next four runs of what goes on alike.
        const MORE: f64 = 1.25;
        let busiest = self.counts.busiest.iter().copied().max().unwrap_or(0);
        let busiest = if busiest > usual.busiest { busiest + busiest / 2 } else { usual.busiest };
        let mut parts: BTreeMap<Part, Rates> = usual.parts.into_iter().collect();
        for part in self.counts.parts.iter().take(PARTS_MAX) {
            let mut rates = parts.get(&part.part).copied().unwrap_or(NONE);
            if part.stands_out(&rates, RECENT_SLICES as usize) {
                for fate in Fate::ALL {
                    let deviance = part.deviance(fate, &rates, RECENT_SLICES as usize);
                    let spread = rates.spread.get_mut(fate as usize);
                    spread.into_iter().for_each(|spread| *spread = spread.max(MORE * deviance / DEVIANCE));
                }
                parts.insert(part.part.clone(), rates);
            }
        }
        Usual { parts: parts.into_iter().collect(), busiest }
    }
}

/// Clients by part and slice; slices are counted back from the end.
#[derive(Clone, Debug, Default)]
struct Counts {
    last: Time,
    parts: Vec<PartCounts>,
    /// For each slice, the refusals that one client met at most in the hour that ends there.
    busiest: Vec<u32>,
}

/// Clients of a part.
#[derive(Clone, Debug, Default)]
struct PartCounts {
    part: Part,
    /// For each slice, how many came, and how many met each fate.
    slices: Vec<(u32, [u32; FATES])>,
    /// Who met each fate at once, in all slices together.
    met: [u32; FATES],
}

impl Counts {
    /// Of the parts with `refusals_min` refusals at least, the `parts_max` with most.
    fn new(ledger: &Ledger, last: Time, slices: u32, (refusals_min, parts_max): (u32, usize)) -> Self {
        let from = Time(last.0.saturating_sub(slices * SLICE_SECS - 1));
        let (parts, of_shape) = parts(ledger, from, refusals_min, parts_max);
        let empty = |part| PartCounts { part, slices: vec![<_>::default(); slices as usize], ..PartCounts::default() };
        let parts: Vec<PartCounts> = parts.into_iter().map(empty).collect();
        let mut counts = Self { last, parts, busiest: vec![0; slices as usize] };
        let mut walk = Walk { parts: vec![Met::default(); counts.parts.len()], ..Walk::default() };
        for client in 0..ledger.clients.len() {
            walk.client += 1;
            walk.times.clear();
            let own = ledger.visits_of(client);
            for seen in own.get(own.partition_point(|seen| seen.time() < from)..).unwrap_or_default() {
                let status = ledger.shapes.get(seen.shape()).map_or(0, |shape| shape.status);
                let slice = (last.0.saturating_sub(seen.time().0) / SLICE_SECS) as usize;
                for part in of_shape.get(seen.shape()).into_iter().flatten().flatten() {
                    counts.count(&mut walk, *part as usize, slice, status);
                }
                if matches!(status, 401 | 403) {
                    let busiest = counts.busiest.get_mut(slice);
                    busiest.into_iter().for_each(|busiest| *busiest = (*busiest).max(walk.refusals_until(seen.time())));
                }
            }
        }
        counts
    }

    /// Counts a request: a client once for each part, slice and fate.
    fn count(&mut self, walk: &mut Walk, part: usize, slice: usize, status: u16) {
        let Some((part, met)) = self.parts.get_mut(part).zip(walk.parts.get_mut(part)) else { return };
        let Some((came, fates)) = part.slices.get_mut(slice) else { return };
        if met.client != walk.client {
            *met = Met { client: walk.client, ..Met::default() };
        }
        if met.slice != Some(slice) {
            (met.slice, met.here) = (Some(slice), [false; FATES]);
            met.is_served = false;
            *came += 1;
        }
        let [.., unserved] = fates;
        let [.., was_unserved] = &mut met.here;
        if (200..400).contains(&status) && !std::mem::replace(&mut met.is_served, true) {
            *unserved -= u32::from(std::mem::take(was_unserved));
        }
        if matches!(status, 401 | 403) && !met.is_served {
            *unserved += u32::from(!std::mem::replace(was_unserved, true));
        }
        let Some(fate) = Fate::of(status).map(|fate| fate as usize) else { return };
        let all = [(&mut met.here, fates), (&mut met.ever, &mut part.met)];
        for (known, counted) in all {
            if let Some((known, counted)) = known.get_mut(fate).zip(counted.get_mut(fate)) {
                *counted += u32::from(!std::mem::replace(known, true));
            }
        }
    }
}

/// Where a walk over the clients is.
#[derive(Default)]
struct Walk {
    client: u64,
    parts: Vec<Met>,
    /// When this client was refused in the last hour.
    times: VecDeque<Time>,
}

/// What a client met in a part.
#[derive(Clone, Copy, Default)]
struct Met {
    client: u64,
    slice: Option<usize>,
    here: [bool; FATES],
    is_served: bool,
    ever: [bool; FATES],
}

impl Walk {
    /// Refusals of this client in the hour that ends with one more.
    fn refusals_until(&mut self, time: Time) -> u32 {
        self.times.push_back(time);
        while self.times.front().is_some_and(|first| first.0 + RECENT_SECS <= time.0) {
            self.times.pop_front();
        }
        self.times.len() as u32
    }
}

/// A part by the number of its host and the start of its paths.
type Key<'l> = (u32, &'l [u8]);
/// Parts that a shape belongs to, from wide to narrow, by their place in a list.
type Own = [Option<u32>; 4];

/// The parts of a site where enough is refused, most first; and for each shape with requests, those that it belongs to.
fn parts(ledger: &Ledger, from: Time, refusals_min: u32, parts_max: usize) -> (Vec<Part>, Vec<Own>) {
    let mut requests = vec![0_u32; ledger.shapes.len()];
    for seen in ledger.visits.iter().filter(|seen| seen.time() >= from) {
        if let Some(requests) = requests.get_mut(seen.shape()) {
            *requests += 1;
        }
    }
    // Shapes that differ in neither stand side by side.
    let is_of_one_path = |a: &(&Shape, u32), b: &(&Shape, u32)| (a.0.vhost, a.0.path) == (b.0.vhost, b.0.path);
    let shapes: Vec<(&Shape, u32)> = ledger.shapes.iter().zip(requests).collect();
    let mut all: BTreeMap<Key<'_>, u32> = BTreeMap::new();
    for same in shapes.chunk_by(is_of_one_path) {
        let refused: u32 = same.iter().filter(|it| Fate::of(it.0.status).is_some()).map(|it| it.1).sum();
        if refused > 0 {
            keys(ledger, same).into_iter().flatten().for_each(|key| *all.entry(key).or_default() += refused);
        }
    }
    let mut most: Vec<(Key<'_>, u32)> = all.into_iter().filter(|(_, refused)| *refused >= refusals_min).collect();
    let names = &ledger.names;
    most.sort_by(|((host_a, a), more), ((host_b, b), less)| {
        (Reverse(more), names.get(*host_a), a).cmp(&(Reverse(less), names.get(*host_b), b))
    });
    most.truncate(parts_max);
    let index: BTreeMap<Key<'_>, u32> = most.iter().map(|(key, _)| *key).zip(0..).collect();
    let mut of_shape = Vec::with_capacity(shapes.len());
    for same in shapes.chunk_by(is_of_one_path) {
        let is_any = same.iter().any(|(_, requests)| *requests > 0);
        let keys = if is_any { keys(ledger, same) } else { [None; 4] };
        let own = keys.map(|key| key.and_then(|key| index.get(&key).copied()));
        of_shape.resize(of_shape.len() + same.len(), own);
    }
    let part = |key: Key<'_>| Part { host: names.get(key.0).to_vec(), path: key.1.to_vec() };
    (most.into_iter().map(|(key, _)| part(key)).collect(), of_shape)
}

/// The parts of a path: everything, its host, what begins as it does; each once.
fn keys<'l>(ledger: &'l Ledger, same: &[(&Shape, u32)]) -> [Option<Key<'l>>; 4] {
    let (host, path) = same.first().map_or((0, 0), |(shape, _)| (shape.vhost, shape.path));
    let (one, two) = prefixes(ledger.names.get(path));
    let all: [Key<'_>; 4] = [(0, b""), (host, b""), (host, one), (host, two)];
    let mut last = None;
    all.map(|key| Some(key).filter(|key| last.replace(*key) != Some(*key)))
}

/// A path's first segment, and its first two.
fn prefixes(path: &[u8]) -> (&[u8], &[u8]) {
    let end_of = |from: usize| {
        let rest = path.get(from..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'/').map_or(path.len(), |at| from + at)
    };
    let one = end_of(1);
    (path.get(..one).unwrap_or_default(), path.get(..end_of(one + 1)).unwrap_or(path))
}

impl PartCounts {
    /// What is usual where this was counted. What lies far outside is left out of the spread, so that an outage of last
    /// week does not make the next one look usual.
    fn rates(&self) -> Rates {
        const OUTSIDE: f64 = 0.02;
        /// Where hardly anybody is refused, one refusal alone is no wonder.
        const EXPECTED_MIN: f64 = 0.5;
        let mut rates = Rates::default();
        let came: u64 = self.slices.iter().map(|(came, _)| u64::from(*came)).sum();
        for ((share, spread), fate) in rates.share.iter_mut().zip(&mut rates.spread).zip(0..) {
            let refused = |slice: &(u32, [u32; FATES])| slice.1.get(fate).copied().unwrap_or(0);
            let all: u64 = self.slices.iter().map(|slice| u64::from(refused(slice))).sum();
            *share = all as f64 / came.max(1) as f64;
            let busy = self.slices.iter().filter(|(came, _)| *came > 0);
            let off = busy.map(|slice| {
                let expected = f64::from(slice.0) * *share;
                (f64::from(refused(slice)) - expected).powi(2) / expected.max(EXPECTED_MIN)
            });
            let mut off: Vec<f64> = off.collect();
            off.sort_unstable_by(f64::total_cmp);
            off.truncate(off.len() - (off.len() as f64 * OUTSIDE).ceil() as usize);
            *spread = (off.iter().sum::<f64>() / off.len().max(1) as f64).max(1.0);
        }
        rates
    }

    /// Whether more clients met a fate in the last slices than usual.
    fn stands_out(&self, usual: &Rates, new_slices: usize) -> bool {
        let spread = |fate: Fate| usual.spread.get(fate as usize).copied().unwrap_or(1.0);
        Fate::ALL.into_iter().any(|fate| self.deviance(fate, usual, new_slices) > DEVIANCE * spread(fate))
    }

    /// How far those who met a fate lie above what is usual where that is furthest, in times that end now or in one of
    /// the last slices alone; 0 where they are few.
    fn deviance(&self, fate: Fate, usual: &Rates, new_slices: usize) -> f64 {
        let [asked, forbidden, ..] = self.met;
        let share = usual.share.get(fate as usize).copied().unwrap_or_default();
        let met = self.met.get(fate as usize).copied().unwrap_or_default();
        if (if fate == Fate::Unserved { asked + forbidden } else { met }) < CLIENTS_MIN {
            return 0.0;
        }
        let count = |slice: &(u32, [u32; FATES])| slice.1.get(fate as usize).copied().unwrap_or(0);
        let has_new = |slices: &[(u32, [u32; FATES])]| slices.iter().take(new_slices).any(|slice| count(slice) > 0);
        let ends_now = (1..=self.slices.len()).filter_map(|length| self.slices.get(..length));
        let each_new = self.slices.get(..new_slices).unwrap_or_default().chunks(1);
        let of = |slices: &[(u32, [u32; FATES])]| {
            let met: u32 = slices.iter().map(count).sum();
            let expected = slices.iter().map(|(came, _)| f64::from(*came) * share).sum();
            if met < CLIENTS_MIN { 0.0 } else { deviance(f64::from(met), expected) }
        };
        ends_now.chain(each_new).filter(|slices| has_new(slices)).map(of).fold(0.0, f64::max)
    }
}

/// How far a count lies above what is expected, as the square of so many standard deviations; 0 below it.
fn deviance(count: f64, expected: f64) -> f64 {
    /// Of a part in which nobody was refused yet that is all that is known.
    const EXPECTED_MIN: f64 = 0.05;
    let expected = expected.max(EXPECTED_MIN);
    if count <= expected { 0.0 } else { 2.0 * (count * (count / expected).ln() - (count - expected)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{event::Event, tally::Place},
        tally::{Accumulator, build},
    };

    /// 2026-03-10 00:00 UTC.
    const MIDNIGHT: u32 = 1_773_100_800;
    const HOUR: u32 = 3600;

    /// Who, when, what, and how it went.
    type Request = (u32, u32, &'static str, u16);

    fn ledger(requests: &[Request]) -> Ledger {
        let mut accumulator = Accumulator::default();
        for (line, (who, when, path, status)) in requests.iter().enumerate() {
            let client = format!("10.0.{}.{}", who / 250, who % 250);
            let event = Event {
                time: Time(*when),
                client: client.as_bytes(),
                method: b"GET",
                target: path.as_bytes(),
                protocol: b"HTTP/1.1",
                status: *status,
                agent: b"agent",
                ..Event::default()
            };
            accumulator.add(&event, b"a line", Place { file: 0, chunk: 0, line: line as u32 });
        }
        build(accumulator.finish().take().0)
    }

    /// Three days: by day forty clients each five minutes, by night four; one in twenty is asked to log in on /app.
    fn usual_days() -> Vec<Request> {
        let mut requests = Vec::new();
        for slice in 0..3 * 288 {
            let clients = if (96..240).contains(&(slice % 288)) { 40 } else { 4 };
            for nth in 0..clients {
                let when = MIDNIGHT + slice * SLICE_SECS + nth * 7;
                let who = (slice * 7 + nth * 13) % 300;
                requests.push((who, when, "/docs/start", 200));
                requests.push((who, when + 1, "/app/inbox", if (slice * 3 + nth) % 20 == 0 { 401 } else { 200 }));
            }
        }
        requests
    }

    /// Whether the usual and something on top of it stand out, from `when` on.
    fn stands_out(more: &[Request], when: u32) -> bool {
        let usual = learn(&ledger(&usual_days()));
        let is_recent = |request: &Request| request.1 <= when && request.1 + RECENT_SECS > when;
        let mut recent: Vec<Request> = usual_days().into_iter().filter(is_recent).collect();
        recent.extend_from_slice(more);
        Recent::new(&ledger(&recent)).stands_out(&usual, Time(when - SLICE_SECS + 1))
    }

    /// At night and in the morning of the last day.
    const NIGHT: u32 = MIDNIGHT + 51 * HOUR;
    const DAY: u32 = MIDNIGHT + 60 * HOUR;

    #[test]
    fn what_is_usual_does_not_stand_out_by_day_or_by_night() {
        let times = (MIDNIGHT + 49 * HOUR..MIDNIGHT + 72 * HOUR).step_by(SLICE_SECS as usize);
        let out = times.filter(|when| stands_out(&[], when - 1)).count();
        assert!(out <= 1, "{out} of 276 runs");
    }

    #[test]
    fn a_few_clients_that_are_refused_together_stand_out_even_where_few_come() {
        for (when, path, status) in
            [(NIGHT, "/app/inbox", 401), (DAY, "/docs/start", 403), (DAY, "/new/thing", 401), (DAY, "/docs/start", 500)]
        {
            let refused: Vec<Request> = (0..8).map(|nth| (400 + nth, when - nth * 9, path, status)).collect();
            assert!(stands_out(&refused, when), "{status} on {path}");
            assert!(!stands_out(&refused[..2], when), "two are no wave");
            let served: Vec<Request> = refused.iter().map(|request| (request.0, request.1, path, 404)).collect();
            assert!(!stands_out(&served, when), "and nobody was refused here");
        }
    }

    #[test]
    fn what_comes_slowly_adds_up_over_an_hour() {
        let refused: Vec<Request> = (0..5).map(|nth| (400 + nth, DAY - nth * 700, "/docs/start", 403)).collect();
        assert!(stands_out(&refused, DAY));
        let over: Vec<Request> =
            refused.iter().map(|request| (request.0, request.1 - SLICE_SECS, request.2, 403)).collect();
        assert!(!stands_out(&over, DAY), "it was judged before");
    }

    /// A busier site as such is not unusual: others come too, and fare alike.
    #[test]
    fn twice_the_clients_with_twice_the_refusals_do_not_stand_out() {
        let more = |when: u32| {
            let recent = usual_days().into_iter().filter(|it| it.1 <= when && it.1 + RECENT_SECS > when);
            recent.map(|it| (1000 + (it.0 * 7 + it.1 / SLICE_SECS) % 900, it.1, it.2, it.3)).collect::<Vec<Request>>()
        };
        let times = (MIDNIGHT + 60 * HOUR..MIDNIGHT + 70 * HOUR).step_by(SLICE_SECS as usize);
        let out = times.filter(|when| stands_out(&more(when - 1), when - 1)).count();
        assert!(out <= 1, "{out} of 120 runs");
    }

    /// After a look that found nothing, the same is no reason for another; more of it is, and so is anything else.
    #[test]
    fn what_a_look_found_to_be_nothing_brings_another_only_when_it_grows() {
        let refused = |from: u32, clients: u32, when: u32| {
            (0..clients).map(move |nth| (from + nth, when - nth * 9, "/docs/start", 403)).collect::<Vec<Request>>()
        };
        let recent = |more: &[Request], when: u32| {
            let mut recent: Vec<Request> =
                usual_days().into_iter().filter(|it| it.1 <= when && it.1 + RECENT_SECS > when).collect();
            recent.extend_from_slice(more);
            Recent::new(&ledger(&recent))
        };
        let first = refused(400, 16, DAY);
        let often: Vec<Request> = (0..24).map(|nth| (900, DAY - nth * 20, "/app/login", 401)).collect();
        let seen = recent(&[first.clone(), often.clone()].concat(), DAY);
        let usual = seen.judged(learn(&ledger(&usual_days())));
        let next = DAY + SLICE_SECS;
        let stands_out =
            |more: &[&[Request]]| recent(&more.concat(), next).stands_out(&usual, Time(next - SLICE_SECS + 1));
        assert!(!stands_out(&[&first, &often, &refused(500, 1, next)]), "a straggler");
        assert!(stands_out(&[&first, &often, &refused(500, 16, next)]), "it goes on");
        let elsewhere: Vec<Request> = (0..8).map(|nth| (600 + nth, next - nth * 9, "/new/thing", 403)).collect();
        assert!(stands_out(&[&first, &often, &elsewhere]));
        let guesses =
            |count: u32| (0..count).map(|nth| (900, next - nth * 12, "/app/login", 401)).collect::<Vec<Request>>();
        assert!(!stands_out(&[&first, &often, &guesses(4)]));
        assert!(stands_out(&[&first, &often, &guesses(20)]));
    }

    #[test]
    fn one_client_that_is_refused_often_stands_out() {
        let often: Vec<Request> = (0..24).map(|nth| (400, DAY - nth * 20, "/app/login", 401)).collect();
        assert!(stands_out(&often, DAY));
        assert!(!stands_out(&often[..15], DAY));
    }

    /// An outage that was counted does not make the next one look usual.
    #[test]
    fn an_outage_of_yesterday_hides_none_of_today() {
        let mut days = usual_days();
        let is_out = |when: u32| (MIDNIGHT + 34 * HOUR..MIDNIGHT + 35 * HOUR).contains(&when);
        for request in days.iter_mut().filter(|request| is_out(request.1)) {
            request.3 = 401;
        }
        let usual = learn(&ledger(&days));
        let mut recent: Vec<Request> =
            usual_days().into_iter().filter(|request| request.1 <= DAY && request.1 + RECENT_SECS > DAY).collect();
        for request in recent.iter_mut().filter(|request| request.1 + SLICE_SECS > DAY && request.2 == "/app/inbox") {
            request.3 = 401;
        }
        assert!(Recent::new(&ledger(&recent)).stands_out(&usual, Time(DAY - SLICE_SECS + 1)));
    }

    /// Where each visit begins with a challenge, those who are served after it are no news, and those who are not are.
    #[test]
    fn a_password_file_that_is_lost_shows_where_everybody_meets_a_401_anyway() {
        let visits = |day: u32, is_lost: bool| {
            let at = |nth: u32| (nth % 40, MIDNIGHT + day * 24 * HOUR + nth * 60);
            let visit = move |nth: u32| {
                let ((who, when), status) = (at(nth), if is_lost { 401 } else { 200 });
                [(who, when, "/private/a", 401), (who, when + 1, "/private/a", status)]
            };
            (0..24 * 60).flat_map(visit).collect::<Vec<Request>>()
        };
        let usual = learn(&ledger(&[visits(0, false), visits(1, false)].concat()));
        let hour = |is_lost: bool| {
            let mut hour = visits(2, is_lost);
            hour.truncate(120);
            Recent::new(&ledger(&hour)).stands_out(&usual, hour.last().map_or(Time(0), |last| Time(last.1 - 60)))
        };
        assert!(hour(true));
        assert!(!hour(false));
    }

    #[test]
    fn parts_are_few_however_many_a_scanner_asks_for() {
        let paths: Vec<&'static str> =
            (0..2000).map(|nth| &*Box::leak(format!("/scan{nth}/x").into_boxed_str())).collect();
        let requests: Vec<Request> = (0..2000).map(|nth| (7, MIDNIGHT + nth as u32, paths[nth], 403)).collect();
        assert_eq!(learn(&ledger(&requests)).parts.len(), PARTS_MAX);
        assert!(learn(&Ledger::default()).parts.is_empty());
        assert!(!Recent::new(&Ledger::default()).stands_out(&Usual::default(), Time(0)));
    }

    #[test]
    fn a_path_has_its_first_segments() {
        assert_eq!(prefixes(b"/api/v2/items"), (&b"/api"[..], &b"/api/v2"[..]));
        assert_eq!(prefixes(b"/api"), (&b"/api"[..], &b"/api"[..]));
        assert_eq!(prefixes(b"/"), (&b"/"[..], &b"/"[..]));
        assert_eq!(prefixes(b""), (&b""[..], &b""[..]));
    }
}
