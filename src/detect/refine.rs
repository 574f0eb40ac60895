//! From a window that stands out to the fault: when it began and ended, and the smallest part of the traffic
//! that explains it.
//!
//! Two steps take turns until neither moves. *When*: the segment of time with the greatest log-likelihood ratio
//! of "fails at the incident's rate" against "fails at the usual rate" (Kadane's maximum-sum segment). *What*: a
//! greedy drill-down that adds one dimension after the other as long as the likelihood pays for the words.
//! Within a dimension values are taken in order of their share of failures, which finds the best set without
//! trying all (the linear-time subset scanning property, Neill 2012).

use super::{
    agent::Kind,
    facts::{Facts, network},
    scan::{Candidate, Group, contains},
    trials::{Trial, Units},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    pub(crate) const ALL: [Self; 7] = [Self::Vhost, Self::Prefix, Self::Method, Self::Upstream, Self::Family, Self::Network, Self::Protocol];
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
        let at = facts.leaf(leaf);
        self.values.iter().all(|(dimension, values)| match dimension {
            Dimension::Vhost => values.contains(&at.vhost),
            Dimension::Prefix => at.prefix.iter().any(|prefix| values.contains(prefix)),
            Dimension::Method => values.contains(&at.method),
            Dimension::Upstream => values.contains(&at.upstream),
            Dimension::Protocol => values.contains(&at.protocol),
            Dimension::Family => facts.families_of(client).iter().any(|family| values.contains(family)),
            Dimension::Network => true,
        }) && (self.nets.is_empty() || self.nets.iter().any(|net| in_net(facts, client, *net)))
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
            Group::Method(method) => set(Dimension::Method, method),
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

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.nets.is_empty()
    }
}

pub(crate) fn in_net(facts: &Facts<'_>, client: u32, (addr, len): Net) -> bool {
    let Some(key) = facts.ledger.clients.get(client as usize) else { return false };
    if len == 0 {
        return key.v4().is_none() && key.name().is_none();
    }
    key.name().is_none() && key.addr >> (128 - len) == addr >> (128 - len)
}

/// A fault as far as time and scope go.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) from: u32,
    /// Exclusive.
    pub(crate) to: u32,
    pub(crate) bounds: Bounds,
    /// Share of units failing inside, and outside the segment in the same scope.
    pub(crate) inside: f64,
    pub(crate) usual: f64,
    /// Failing events that the usual rates of their like would give.
    pub(crate) expected: f64,
    /// Log-likelihood ratio, and what naming the scope cost of it.
    pub(crate) ratio: f64,
    pub(crate) price: f64,
    pub(crate) failing_units: u32,
    pub(crate) units: u32,
}

/// Log-likelihood ratio of `failing` out of `active` at their own share against the `expected` number
/// (Kulldorff's scan statistic for the Bernoulli model); 0 where no more fail than expected.
fn likelihood(failing: u32, active: u32, expected: f64) -> f64 {
    let (f, a) = (f64::from(failing), f64::from(active));
    let e = expected.min(a * 0.9);
    if a <= 0.0 || f <= e {
        return 0.0;
    }
    let served = if f < a { (a - f) * ((a - f) / (a - e)).ln() } else { 0.0 };
    f * (f / e).ln() + served
}

/// Price of a dimension, in units of log-likelihood. A value costs what it takes to name it among the others
/// (the description length of a choice), or else any coincidence of a few small networks would pay.
const DIMENSION_PRICE: f64 = 3.0;

/// A channel's trials with what counting them needs.
pub(crate) struct Table {
    pub(crate) trials: Vec<Trial>,
    units: Units,
    run: Units,
}

impl Table {
    pub(crate) fn new(trials: Vec<Trial>) -> Self {
        let fresh = || Units::new(&trials);
        let (units, run) = (fresh(), fresh());
        Self { trials, units, run }
    }
}

/// Refines a candidate.
pub(crate) fn refine(facts: &Facts<'_>, table: &mut Table, candidate: &Candidate) -> Option<Cluster> {
    let Table { trials, units, run } = table;
    let mut bounds = Bounds::of_group(candidate.group);
    let mut own: Vec<&Trial> = trials.iter().filter(|t| contains(facts, candidate.group, t.leaf, t.client)).collect();
    let (mut from, mut to) = (candidate.from, candidate.to);
    for round in 0..4 {
        let segment = best_segment(facts, trials, &own, units, from, to)?;
        let drilled = drill(facts, trials, &mut Counters { units, run }, segment);
        let is_stable = segment == (from, to) && drilled == bounds && round > 0;
        ((from, to), bounds) = (segment, drilled);
        own = trials.iter().filter(|t| bounds.contain(facts, t.leaf, t.client)).collect();
        if is_stable {
            break;
        }
    }
    let usual = Usual::outside(facts, trials, from, to);
    measure(facts, &own, &usual, units, from, to, bounds)
}

/// The cluster of a span that is known already: only its scope is looked for.
pub(crate) fn around(facts: &Facts<'_>, table: &mut Table, from: u32, to: u32) -> Option<Cluster> {
    let Table { trials, units, run } = table;
    let bounds = drill(facts, trials, &mut Counters { units, run }, (from, to));
    let own: Vec<&Trial> = trials.iter().filter(|t| bounds.contain(facts, t.leaf, t.client)).collect();
    let usual = Usual::outside(facts, trials, from, to);
    measure(facts, &own, &usual, units, from, to, bounds).map(|cluster| Cluster { from, to, ..cluster })
}

fn measure(facts: &Facts<'_>, own: &[&Trial], rates: &Usual, units: &mut Units, from: u32, to: u32, bounds: Bounds) -> Option<Cluster> {
    units.clear();
    own.iter().filter(|t| within(t, from, to)).for_each(|t| drop(units.add(t, rates.of(facts, t))));
    let (inside, expected) = ((units.failing, units.active), units.expected);
    let outside = units.of(own.iter().filter(|t| !within(t, from, to)).copied());
    let usual = (f64::from(outside.0) + 0.5) / (f64::from(outside.1) + 20.0);
    let failing = || own.iter().filter(|t| t.failed && within(t, from, to));
    let (first, last) = (failing().map(|t| t.time).min()?, failing().map(|t| t.last).max()?);
    Some(Cluster {
        from: first,
        to: last + 1,
        inside: f64::from(inside.0) / f64::from(inside.1.max(1)),
        usual,
        expected,
        ratio: likelihood(inside.0, inside.1, expected),
        price: bounds_price(facts, &bounds),
        bounds,
        failing_units: inside.0,
        units: inside.1,
    })
}

/// What it costs to say a scope: the values' names among all that the log has.
fn bounds_price(facts: &Facts<'_>, bounds: &Bounds) -> f64 {
    let of = |values: usize, among: usize| DIMENSION_PRICE + values as f64 * (among as f64 + 1.0).ln().min(5.0);
    let named = bounds.values.iter().map(|(dimension, values)| match dimension {
        Dimension::Vhost => 0.0,
        Dimension::Prefix => of(values.len(), facts.prefixes.len()),
        Dimension::Family => of(values.len(), facts.families.len()),
        _ => of(values.len(), 4),
    });
    named.sum::<f64>() + if bounds.nets.is_empty() { 0.0 } else { of(bounds.nets.len(), 100) }
}

pub(crate) fn within(trial: &Trial, from: u32, to: u32) -> bool {
    trial.time >= from && trial.time < to
}

/// The maximum-sum segment that meets `[from, to)`.
fn best_segment(facts: &Facts<'_>, trials: &[Trial], own: &[&Trial], units: &mut Units, from: u32, to: u32) -> Option<(u32, u32)> {
    let (mut from, mut to) = (from, to);
    for _ in 0..3 {
        let usual = Usual::outside(facts, trials, from, to);
        units.clear();
        own.iter().filter(|t| within(t, from, to)).for_each(|t| drop(units.add(t, usual.of(facts, t))));
        if units.failing == 0 {
            return None;
        }
        let odds = odds_ratio(units);
        let weighed: Vec<(&Trial, f64)> = own.iter().map(|t| (*t, f64::from(usual.of(facts, t)))).collect();
        let next = maximum_sum(&weighed, units, odds, from, to)?;
        if next == (from, to) {
            break;
        }
        (from, to) = next;
    }
    Some((from, to))
}

/// By how much the odds of failing are raised over the usual ones; at least threefold, or it is no incident.
fn odds_ratio(units: &Units) -> f64 {
    let (f, a) = (f64::from(units.failing), f64::from(units.active));
    let e = units.expected.clamp(1e-3, a * 0.9);
    ((f + 0.1) / (a - f + 0.1) / (e / (a - e))).max(3.0)
}

/// Kadane's algorithm over events in order of time. Each is weighed by how likely it is at raised odds against the
/// usual ones of its like: what often fails by itself gains little by failing.
fn maximum_sum(own: &[(&Trial, f64)], units: &mut Units, odds: f64, from: u32, to: u32) -> Option<(u32, u32)> {
    units.clear();
    let (mut best, mut sum, mut start) = (None::<(f64, u32, u32)>, 0.0, None);
    for (trial, usual) in own {
        if !units.add(trial, 0.0) {
            continue;
        }
        if sum <= 0.0 {
            (sum, start) = (0.0, None);
        }
        let raised = (odds * usual / (1.0 - usual + odds * usual)).min(0.99);
        sum += if trial.failed { (raised / usual).ln() } else { ((1.0 - raised) / (1.0 - usual)).ln() };
        if trial.failed {
            let begun = *start.get_or_insert(trial.time);
            let end = trial.last.max(trial.time) + 1;
            let meets = begun < to && end > from;
            if meets && best.is_none_or(|(value, _, _)| sum > value) {
                best = Some((sum, begun, end));
            }
        }
    }
    best.map(|(_, from, to)| (from, to))
}

/// Two sets of counters, so that none has to be made anew.
struct Counters<'c> {
    units: &'c mut Units,
    run: &'c mut Units,
}

/// How often trials of a kind fail outside a segment: by route and class of client, drawn towards the route,
/// the route towards the whole. Tools that log in badly all day do not make browsers look usual, nor the reverse.
pub(crate) struct Usual {
    whole: f64,
    by_route: HashMap<u32, (u32, u32), foldhash::fast::FixedState>,
    by_class: HashMap<(u32, u32), (u32, u32), foldhash::fast::FixedState>,
}

impl Usual {
    pub(crate) fn outside(facts: &Facts<'_>, trials: &[Trial], from: u32, to: u32) -> Self {
        let mut usual = Self { whole: 0.0, by_route: HashMap::default(), by_class: HashMap::default() };
        let mut all = (0u32, 0u32);
        for trial in trials.iter().filter(|t| !within(t, from, to)) {
            let route = trial.like;
            let failed = u32::from(trial.failed);
            all = (all.0 + failed, all.1 + 1);
            let at = usual.by_route.entry(route).or_default();
            *at = (at.0 + failed, at.1 + 1);
            let at = usual.by_class.entry((route, class_of(facts, trial.client))).or_default();
            *at = (at.0 + failed, at.1 + 1);
        }
        usual.whole = drawn(all, 0.01, 20.0).min(0.3);
        usual
    }

    pub(crate) fn of(&self, facts: &Facts<'_>, trial: &Trial) -> f32 {
        let route = trial.like;
        let of_route = drawn(self.by_route.get(&route).copied().unwrap_or_default(), self.whole, 20.0);
        let of_class = self.by_class.get(&(route, class_of(facts, trial.client))).copied().unwrap_or_default();
        drawn(of_class, of_route, 20.0).clamp(1e-4, 0.8) as f32
    }
}

fn drawn((failing, active): (u32, u32), prior: f64, weight: f64) -> f64 {
    (f64::from(failing) + prior * weight) / (f64::from(active) + weight)
}

/// Browsers are one class; every tool is its own.
fn class_of(facts: &Facts<'_>, client: u32) -> u32 {
    if facts.kind(client) == Kind::Browser { u32::MAX } else { facts.families_of(client).last().copied().unwrap_or(u32::MAX - 1) }
}

/// The scope with the best likelihood for its price.
fn drill(facts: &Facts<'_>, trials: &[Trial], counters: &mut Counters<'_>, (from, to): (u32, u32)) -> Bounds {
    let mut bounds = Bounds::default();
    let usual = Usual::outside(facts, trials, from, to);
    let mut inside: Vec<(&Trial, f32)> = trials.iter().filter(|t| within(t, from, to)).map(|t| (t, usual.of(facts, t))).collect();
    counters.units.clear();
    inside.iter().for_each(|(t, rate)| drop(counters.units.add(t, *rate)));
    let (mut value, mut paid) = (likelihood(counters.units.failing, counters.units.active, counters.units.expected), 0.0);
    loop {
        let best = choices(facts, &inside, &bounds, counters).into_iter().max_by(|a, b| a.value().total_cmp(&b.value()));
        let Some(best) = best.filter(|best| best.value() - paid > value) else { break };
        value = best.value() - paid;
        paid += best.price;
        best.apply(&mut bounds);
        inside.retain(|(t, _)| bounds.contain(facts, t.leaf, t.client));
    }
    tidy(facts, &inside, &mut bounds);
    relax(facts, trials, &usual, counters, (from, to), &mut bounds);
    let inside: Vec<(&Trial, f32)> = trials
        .iter()
        .filter(|t| within(t, from, to) && bounds.contain(facts, t.leaf, t.client))
        .map(|t| (t, usual.of(facts, t)))
        .collect();
    deepen(facts, &inside, &mut bounds);
    name_host(facts, &inside, &mut bounds);
    tighten(facts, &inside, &mut bounds);
    bounds
}

/// Drops values that a later dimension left without a failure.
fn tidy(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    for dimension in Dimension::ALL {
        let Some(values) = bounds.values.get_mut(&dimension) else { continue };
        let failing: BTreeSet<u32> = inside
            .iter()
            .filter(|(t, _)| t.failed)
            .flat_map(|(t, _)| (0..grains(dimension)).flat_map(|grain| values_at(facts, t, dimension, grain)).collect::<Vec<_>>())
            .filter_map(|value| if let Value::Id(id) = value { Some(id) } else { None })
            .collect();
        values.retain(|value| failing.contains(value));
    }
}

/// Where the log knows hosts and all failures are on one, that one is named: it costs nothing and is never wrong.
fn name_host(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    let hosts: BTreeSet<u32> = inside.iter().filter(|(t, _)| t.failed).map(|(t, _)| facts.leaf(t.leaf).vhost).collect();
    if hosts.len() == 1 && !bounds.bound(Dimension::Vhost) && facts.has_hosts {
        bounds.values.insert(Dimension::Vhost, hosts);
    }
}

/// Drops a dimension whose other side fails as well: there it bounds the statistics, not the fault.
fn relax(facts: &Facts<'_>, trials: &[Trial], usual: &Usual, counters: &mut Counters<'_>, (from, to): (u32, u32), bounds: &mut Bounds) {
    /// The other side fails "as well" at so much of the inside's excess.
    const SHARE: f64 = 0.5;
    for dimension in Dimension::ALL {
        if !bounds.bound(dimension) {
            continue;
        }
        let mut wider = bounds.clone();
        wider.values.remove(&dimension);
        if dimension == Dimension::Network {
            wider.nets.clear();
        }
        let (mut inside, mut beside) = ((0, 0, 0.0), (0, 0, 0.0));
        for (is_inside, sum) in [(true, &mut inside), (false, &mut beside)] {
            counters.units.clear();
            trials
                .iter()
                .filter(|t| within(t, from, to) && wider.contain(facts, t.leaf, t.client) && bounds.contain(facts, t.leaf, t.client) == is_inside)
                .for_each(|t| drop(counters.units.add(t, usual.of(facts, t))));
            *sum = (counters.units.failing, counters.units.active, counters.units.expected);
        }
        let excess = |(failing, active, expected): (u32, u32, f64)| (f64::from(failing) - expected) / f64::from(active.max(1));
        if beside.0 >= 4 && f64::from(beside.0) >= beside.2 * 2.0 && excess(beside) >= SHARE * excess(inside) {
            *bounds = wider;
        }
    }
}

/// A prefix below which all traffic goes on through one longer prefix is the longer one.
fn deepen(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    let Some(values) = bounds.values.get_mut(&Dimension::Prefix) else { return };
    let longest = |value: u32| {
        let mut below = inside.iter().map(|(t, _)| facts.leaf(t.leaf).prefix).filter(|prefix| prefix.contains(&value));
        let Some(mut common) = below.next() else { return value };
        for prefix in below {
            for grain in (0..3).rev() {
                if common[grain] != prefix[grain] {
                    let parent = if grain == 0 { common[0] } else { common[grain - 1] };
                    common[grain..].fill(parent);
                }
            }
        }
        if common.contains(&value) { common[2] } else { value }
    };
    *values = values.iter().map(|value| longest(*value)).collect();
}

struct Choice {
    likelihood: f64,
    price: f64,
    dimension: Dimension,
    values: BTreeSet<u32>,
    nets: BTreeSet<Net>,
}

impl Choice {
    fn value(&self) -> f64 {
        self.likelihood - self.price
    }

    fn apply(self, bounds: &mut Bounds) {
        if self.dimension == Dimension::Network {
            bounds.nets = self.nets;
        } else {
            bounds.values.insert(self.dimension, self.values);
        }
    }
}

/// One value of a dimension as a number: an id, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Id(u32),
    Net(Net),
}

/// For every dimension still open, at each of its granularities, the best set of values.
fn choices(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &Bounds, counters: &mut Counters<'_>) -> Vec<Choice> {
    let mut found = Vec::new();
    for dimension in Dimension::ALL {
        if bounds.bound(dimension) && dimension != Dimension::Prefix {
            continue;
        }
        for grain in 0..grains(dimension) {
            found.extend(best_values(facts, inside, (dimension, grain), counters));
        }
    }
    found
}

/// How many ways a dimension can be cut: depths of a path, widths of a family, lengths of a network.
fn grains(dimension: Dimension) -> usize {
    match dimension {
        Dimension::Prefix => 3,
        Dimension::Network => NET_LENS.len(),
        _ => 1,
    }
}

/// IPv4 prefix lengths as IPv6 bits, all of IPv6, then IPv6 /32 and /48.
const NET_LENS: [u8; 9] = [104, 106, 108, 110, 112, 116, 0, 32, 48];

/// The values of a trial: one, but for families, of which a user agent has several that compete with each other.
fn values_at(facts: &Facts<'_>, trial: &Trial, dimension: Dimension, grain: usize) -> Vec<Value> {
    if dimension == Dimension::Family {
        return facts.families_of(trial.client).iter().map(|family| Value::Id(*family)).collect();
    }
    value_at(facts, trial, dimension, grain).into_iter().collect()
}

fn value_at(facts: &Facts<'_>, trial: &Trial, dimension: Dimension, grain: usize) -> Option<Value> {
    let leaf = facts.leaf(trial.leaf);
    let id = match dimension {
        Dimension::Vhost => leaf.vhost,
        Dimension::Prefix => *leaf.prefix.get(grain)?,
        Dimension::Method => leaf.method,
        Dimension::Upstream => leaf.upstream,
        Dimension::Protocol => leaf.protocol,
        Dimension::Family => return None,
        Dimension::Network => return net_at(facts, trial.client, *NET_LENS.get(grain)?).map(Value::Net),
    };
    Some(Value::Id(id))
}

fn net_at(facts: &Facts<'_>, client: u32, len: u8) -> Option<Net> {
    let key = facts.ledger.clients.get(client as usize)?;
    if key.name().is_some() || key.v4().is_some() != (len > 96) {
        return None;
    }
    Some(if len == 0 { (0, 0) } else { (key.addr >> (128 - len) << (128 - len), len) })
}

/// Values with at least one failure, in order of their excess; the best run from the top.
fn best_values(facts: &Facts<'_>, inside: &[(&Trial, f32)], (dimension, grain): (Dimension, usize), counters: &mut Counters<'_>) -> Option<Choice> {
    let values_max = match dimension {
        Dimension::Network => 3,
        Dimension::Family => 4,
        _ => 12,
    };
    let mut by_value: BTreeMap<Value, Vec<(&Trial, f32)>> = BTreeMap::new();
    for (trial, rate) in inside {
        for value in values_at(facts, trial, dimension, grain) {
            by_value.entry(value).or_default().push((trial, *rate));
        }
    }
    let value_price = (by_value.len() as f64 + 1.0).ln();
    let mut ranked: Vec<(f64, u32, Value)> = Vec::new();
    for (value, trials) in &by_value {
        counters.units.clear();
        trials.iter().for_each(|(t, rate)| drop(counters.units.add(t, *rate)));
        let (failing, active) = (counters.units.failing, f64::from(counters.units.active));
        if failing > 0 {
            ranked.push(((f64::from(failing) + 0.1 - counters.units.expected) / (active + 1.0), failing, *value));
        }
    }
    let wordy = |value: Value| if let (Dimension::Family, Value::Id(id)) = (dimension, value) { facts.family_rank(id) } else { 0 };
    ranked.sort_by(|a, b| {
        b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then_with(|| wordy(a.2).cmp(&wordy(b.2))).then(a.2.cmp(&b.2))
    });
    counters.run.clear();
    let mut best: Option<(f64, f64, usize)> = None;
    for (len, (_, _, value)) in ranked.iter().take(values_max).enumerate() {
        by_value.get(value).into_iter().flatten().for_each(|(t, rate)| drop(counters.run.add(t, *rate)));
        let price = DIMENSION_PRICE + (len + 1) as f64 * value_price + grain as f64 * 0.25;
        let likelihood = likelihood(counters.run.failing, counters.run.active, counters.run.expected);
        if best.is_none_or(|(other, paid, _)| likelihood - price > other - paid) {
            best = Some((likelihood, price, len + 1));
        }
    }
    let (likelihood, price, len) = best?;
    let chosen = ranked.iter().take(len).map(|(_, _, value)| *value);
    let mut choice = Choice { likelihood, price, dimension, values: BTreeSet::new(), nets: BTreeSet::new() };
    for value in chosen {
        match value {
            Value::Id(id) => drop(choice.values.insert(id)),
            Value::Net(net) => drop(choice.nets.insert(net)),
        }
    }
    Some(choice)
}

/// A single network shrinks to the shortest prefix that holds all who failed in it.
fn tighten(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    if bounds.nets.len() != 1 || bounds.nets.first().is_some_and(|net| net.1 == 0) {
        return;
    }
    let addrs: Vec<u128> = inside.iter().filter(|(t, _)| t.failed).filter_map(|(t, _)| facts.ledger.clients.get(t.client as usize)).map(|k| k.addr).collect();
    let Some(first) = addrs.first() else { return };
    let same = addrs.iter().map(|a| (a ^ first).leading_zeros()).min().unwrap_or(128).min(128) as u8;
    if let Some((_, len)) = bounds.nets.pop_first() {
        let len = same.max(len).min(120);
        bounds.nets.insert((first >> (128 - len) << (128 - len), len));
    }
}

/// Distinct networks behind clients.
pub(crate) fn networks<'t>(facts: &Facts<'_>, clients: impl Iterator<Item = &'t u32>) -> usize {
    let nets: BTreeSet<u128> = clients.filter_map(|c| facts.ledger.clients.get(*c as usize)).map(|key| network(key.addr)).collect();
    nets.len()
}
