//! From a window that stands out to the fault: when it began and ended, and the smallest part of the traffic
//! that explains it.
//!
//! Two steps take turns until neither moves. *When* is `segment.rs`. *What* is here: a greedy drill-down that adds one
//! dimension after the other as long as the likelihood pays for the words. Within a dimension values are taken in order
//! of their share of failures, which finds the best set without trying all (the linear-time subset scanning property,
//! Neill 2012).

use super::{
    bounds::{Bounds, Dimension, Net, topmost},
    facts::{Facts, Leaf},
    scan::{Candidate, contains},
    segment::widening_segment,
    table::{Table, Usual, span},
    trials::{Trial, Units},
};
use statrs::function::gamma::ln_gamma;
use std::collections::{BTreeMap, BTreeSet};

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
}

/// Log-likelihood ratio of "all these events fail at one raised share" against "each fails at the usual rate of its
/// like"; 0 where no more fail than usual. The share is one for all on purpose: what lies in the scope of a fault
/// and does not fail speaks against the scope, however seldom it fails in quiet times.
pub(crate) fn likelihood(units: &Units) -> f64 {
    let (f, a) = (f64::from(units.failing), f64::from(units.active));
    if a <= 0.0 || f <= units.expected {
        return 0.0;
    }
    let served = if f < a { (a - f) * ((a - f) / a).ln() } else { 0.0 };
    f * (f / a).ln() + served - units.ln_usual
}

/// Price of a dimension, in units of log-likelihood. A value costs what it takes to name it among the others
/// (the description length of a choice), or else any coincidence of a few small networks would pay.
const DIMENSION_PRICE: f64 = 3.0;

/// Refines a candidate.
pub(crate) fn refine(facts: &Facts<'_>, table: &mut Table, candidate: &Candidate) -> Option<Cluster> {
    let mut bounds = Bounds::of_group(candidate.group);
    let (mut from, mut to) = (candidate.from, candidate.to);
    for round in 0..4 {
        let is_own = |t: &Trial| {
            if round == 0 {
                contains(facts, candidate.group, t.leaf, t.client)
            } else {
                bounds.contain(facts, t.leaf, t.client)
            }
        };
        let segment = widening_segment(table, is_own, from, to)?;
        let drilled = drill(facts, table, segment, None);
        let is_stable = segment == (from, to) && drilled == bounds && round > 0;
        ((from, to), bounds) = (segment, drilled);
        if is_stable {
            break;
        }
    }
    measure(facts, table, from, to, bounds)
}

/// The cluster of a span that is known already: only its scope is looked for. That of all trials, if the failures that
/// `only` holds for lie in it; or else that of these trials alone.
pub(crate) fn around(
    facts: &Facts<'_>,
    table: &mut Table,
    (from, to): (u32, u32),
    only: &dyn Fn(&Trial) -> bool,
) -> Option<Cluster> {
    const NEARLY_ALL: f64 = 0.85;
    let mut bounds = drill(facts, table, (from, to), None);
    let (mut inside, mut all) = (0, 0);
    for trial in span(&table.trials, from, to).iter().filter(|trial| trial.failed && only(trial)) {
        inside += u32::from(bounds.contain(facts, trial.leaf, trial.client));
        all += 1;
    }
    if f64::from(inside) < NEARLY_ALL * f64::from(all) {
        bounds = drill(facts, table, (from, to), Some(only));
    }
    measure(facts, table, from, to, bounds).map(|cluster| Cluster { from, to, ..cluster })
}

fn measure(facts: &Facts<'_>, table: &mut Table, from: u32, to: u32, bounds: Bounds) -> Option<Cluster> {
    let Table { trials, cells, units, .. } = table;
    let own = |t: &&Trial| bounds.contain(facts, t.leaf, t.client);
    let inside = span(trials, from, to);
    let usual = cells.usual(inside);
    units.clear();
    inside.iter().filter(own).for_each(|t| units.add(t, usual.of(t)));
    let (failing_units, all_units, expected, ratio) = (units.failing, units.active, units.expected, likelihood(units));
    let failing = || inside.iter().filter(own).filter(|t| t.failed);
    let (first, last) = (failing().map(|t| t.time).min()?, failing().map(|t| t.last).max()?);
    Some(Cluster {
        from: first,
        to: last + 1,
        inside: f64::from(failing_units) / f64::from(all_units.max(1)),
        usual: expected / f64::from(all_units.max(1)),
        expected,
        ratio,
        price: bounds_price(facts, &bounds),
        bounds,
        failing_units,
    })
}

/// What it costs to say a scope: which of all values that the log has.
fn bounds_price(facts: &Facts<'_>, bounds: &Bounds) -> f64 {
    let named = bounds.values.iter().map(|(dimension, values)| match dimension {
        Dimension::Vhost => 0.0,
        Dimension::Prefix => price_of(values.len(), facts.prefixes.len().min(150)),
        Dimension::Family => price_of(values.len(), facts.families.len().min(150)),
        _ => price_of(values.len(), 4),
    });
    named.sum::<f64>() + if bounds.nets.is_empty() { 0.0 } else { price_of(bounds.nets.len(), 100) }
}

/// Faults seldom go by method or protocol; where the path says the same it is the better word.
fn seldom(dimension: Dimension) -> f64 {
    if matches!(dimension, Dimension::Method | Dimension::Protocol) { 4.0 } else { 0.0 }
}

/// The description length of a choice of `values` among so many: a price for the dimension, and the logarithm of
/// the number of such choices.
fn price_of(values: usize, among: usize) -> f64 {
    let (k, n) = (values as f64, among.max(values) as f64 + 1.0);
    DIMENSION_PRICE + ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// Two sets of counters, so that none has to be made anew.
struct Counters<'c> {
    units: &'c mut Units,
    run: &'c mut Units,
}

/// The scope with the best likelihood for its price, of all trials or of some.
fn drill(
    facts: &Facts<'_>,
    table: &mut Table,
    (from, to): (u32, u32),
    only: Option<&dyn Fn(&Trial) -> bool>,
) -> Bounds {
    let Table { trials, cells, units, run } = table;
    let counters = &mut Counters { units, run };
    let mut bounds = Bounds::default();
    let whole = span(trials, from, to);
    let logins = if only.is_none() { of_the_login_alone(facts, whole) } else { Vec::new() };
    let some: Vec<Trial> = match only {
        Some(only) => whole.iter().filter(|trial| only(trial)).copied().collect(),
        None => Vec::new(),
    };
    let slice = match only {
        Some(_) => some.as_slice(),
        None if logins.is_empty() => whole,
        None => logins.as_slice(),
    };
    let usual = cells.usual(whole);
    let mut inside: Vec<(&Trial, f32)> = slice.iter().map(|t| (t, usual.of(t))).collect();
    counters.units.clear();
    inside.iter().for_each(|(t, rate)| counters.units.add(t, *rate));
    let (mut value, mut paid) = (likelihood(counters.units), 0.0);
    loop {
        let best =
            choices(facts, &inside, &bounds, counters).into_iter().max_by(|a, b| a.value().total_cmp(&b.value()));
        let Some(best) = best.filter(|best| best.value() - paid > value) else { break };
        value = best.value() - paid;
        paid += best.price;
        best.apply(&mut bounds);
        inside.retain(|(t, _)| bounds.contain(facts, t.leaf, t.client));
    }
    if !logins.is_empty() {
        name_logins(facts, &logins, &mut bounds);
    }
    tidy(facts, &inside, &mut bounds);
    relax(facts, slice, &usual, counters, &mut bounds);
    let own = slice.iter().filter(|t| bounds.contain(facts, t.leaf, t.client));
    let inside: Vec<(&Trial, f32)> = own.map(|t| (t, usual.of(t))).collect();
    name_host(facts, &inside, &mut bounds);
    join_prefixes(facts, slice, &mut bounds);
    let own = slice.iter().filter(|t| bounds.contain(facts, t.leaf, t.client));
    let inside: Vec<(&Trial, f32)> = own.map(|t| (t, usual.of(t))).collect();
    narrow(facts, &inside, &mut bounds);
    deepen(facts, &inside, &mut bounds);
    name_host(facts, &inside, &mut bounds);
    name_prefix(facts, &inside, &mut bounds);
    tighten(facts, &inside, &mut bounds);
    bounds
}

/// Places to log in, of which a site may have several, where nearly all who try fail.
fn dead_logins(facts: &Facts<'_>, slice: &[Trial]) -> BTreeSet<u32> {
    let mut clients: BTreeMap<u32, [BTreeSet<u32>; 2]> = BTreeMap::new();
    for trial in slice {
        let route = facts.leaf(trial.leaf).route;
        if facts.route(route).logs_in {
            let [served, refused] = clients.entry(route).or_default();
            if trial.failed { refused } else { served }.insert(trial.client);
        }
    }
    let is_dead = |[served, refused]: &[BTreeSet<u32>; 2]| refused.len() >= 4 && refused.len() >= 3 * served.len();
    clients.into_iter().filter(|(_, clients)| is_dead(clients)).map(|(route, _)| route).collect()
}

/// The paths and methods by which the refused tried to log in.
fn name_logins(facts: &Facts<'_>, logins: &[Trial], bounds: &mut Bounds) {
    let failed = || logins.iter().filter(|t| t.failed).map(|t| facts.leaf(t.leaf));
    bounds.values.insert(Dimension::Prefix, failed().map(|leaf| leaf.prefix[2]).collect());
    bounds.values.insert(Dimension::Method, failed().map(|leaf| leaf.method).collect());
}

/// The trials of places to log in where nearly all fail, if these are most of those who fail and sessions hold: what
/// else they are refused is a consequence, and the scope is the login alone. Or else none.
fn of_the_login_alone(facts: &Facts<'_>, slice: &[Trial]) -> Vec<Trial> {
    let dead = dead_logins(facts, slice);
    let own: Vec<Trial> = slice.iter().filter(|t| dead.contains(&facts.leaf(t.leaf).route)).copied().collect();
    let failing =
        |trials: &[Trial]| trials.iter().filter(|t| t.failed).map(|t| t.client).collect::<BTreeSet<_>>().len();
    let hosts: BTreeSet<u32> = own.iter().map(|t| facts.leaf(t.leaf).vhost).collect();
    let session = |failed: bool| {
        let by_session = |leaf: Leaf| hosts.contains(&leaf.vhost) && facts.opens_by_session(leaf.route);
        let own = slice.iter().filter(|t| t.failed == failed && by_session(facts.leaf(t.leaf)));
        own.map(|t| t.client).collect::<BTreeSet<_>>().len()
    };
    let is_alone = session(true) < session(false) && failing(&own) * 2 >= failing(slice);
    if is_alone { own } else { Vec::new() }
}

/// Drops values that a later dimension left without a failure.
fn tidy(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    for dimension in Dimension::ALL {
        let Some(values) = bounds.values.get_mut(&dimension) else { continue };
        let failing: BTreeSet<u32> = inside
            .iter()
            .filter(|(t, _)| t.failed)
            .flat_map(|(t, _)| {
                (0..grains(dimension)).flat_map(|grain| values_at(facts, t, dimension, grain)).collect::<Vec<_>>()
            })
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

/// Where all of many failures are below one path and the log has others, that one is named.
fn name_prefix(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    const FAILURES_MIN: usize = 30;
    let tops: Vec<u32> = inside.iter().filter(|(t, _)| t.failed).map(|(t, _)| facts.leaf(t.leaf).prefix[0]).collect();
    let Some(first) = tops.first() else { return };
    let has_others = facts.leaves.iter().any(|leaf| leaf.prefix[0] != *first);
    let is_named = bounds.bound(Dimension::Prefix) || facts.prefix_text(*first) == "/";
    if !is_named && has_others && tops.len() >= FAILURES_MIN && tops.iter().all(|top| top == first) {
        bounds.values.insert(Dimension::Prefix, BTreeSet::from([*first]));
        deepen(facts, inside, bounds);
    }
}

/// Two prefixes or more below one parent are the parent, unless what else is below it is plainly spared.
fn join_prefixes(facts: &Facts<'_>, slice: &[Trial], bounds: &mut Bounds) {
    let Some(values) = bounds.values.remove(&Dimension::Prefix) else { return };
    let parents: BTreeMap<u32, u32> = facts.leaves.iter().map(|leaf| (leaf.prefix[1], leaf.prefix[0])).collect();
    let mut below: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for value in values {
        below.entry(parents.get(&value).copied().unwrap_or(value)).or_default().insert(value);
    }
    let mut joined = BTreeSet::new();
    for (parent, own) in below {
        let is_one = own.len() < 2 || facts.prefix_text(parent) == "/";
        let beside = || {
            let all = slice.iter().filter(|t| bounds.contain(facts, t.leaf, t.client));
            let all: Vec<(&Trial, f32)> = all.map(|trial| (trial, 0.0)).collect();
            failing_part(facts, all.iter().filter(|(t, _)| facts.leaf(t.leaf).prefix.contains(&parent)), 1)
        };
        match if is_one { Some(own) } else { beside() } {
            Some(part) => joined.extend(part),
            None => drop(joined.insert(parent)),
        }
    }
    bounds.values.insert(Dimension::Prefix, joined);
}

/// Drops a dimension whose other side fails as well: there it bounds the statistics, not the fault.
fn relax(facts: &Facts<'_>, slice: &[Trial], usual: &Usual, counters: &mut Counters<'_>, bounds: &mut Bounds) {
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
            slice
                .iter()
                .filter(|t| {
                    wider.contain(facts, t.leaf, t.client) && bounds.contain(facts, t.leaf, t.client) == is_inside
                })
                .for_each(|t| counters.units.add(t, usual.of(t)));
            *sum = (counters.units.failing, counters.units.active, counters.units.expected);
        }
        let excess =
            |(failing, active, expected): (u32, u32, f64)| (f64::from(failing) - expected) / f64::from(active.max(1));
        if beside.0 >= 4 && f64::from(beside.0) >= beside.2 * 2.0 && excess(beside) >= SHARE * excess(inside) {
            *bounds = wider;
        }
    }
}

/// Names the prefixes that fail where others beside them, asked for by the same clients in the same quarters of an
/// hour, plainly do not. The likelihood cannot see this: it counts a client once however many things it asks for.
/// First the top of the paths, then below each prefix that is left.
fn narrow(facts: &Facts<'_>, inside: &[(&Trial, f32)], bounds: &mut Bounds) {
    for grain in 0..3 {
        let parents: Vec<Option<u32>> = match bounds.values.get(&Dimension::Prefix) {
            Some(values) => values.iter().map(|v| Some(*v)).collect(),
            None if grain == 0 => vec![None],
            None => return,
        };
        let mut named = BTreeSet::new();
        for parent in parents {
            let below = |t: &&(&Trial, f32)| parent.is_none_or(|parent| facts.leaf(t.0.leaf).prefix.contains(&parent));
            match failing_part(facts, inside.iter().filter(below), grain) {
                Some(part) => named.extend(part),
                None => named.extend(parent),
            }
        }
        if !named.is_empty() {
            bounds.values.insert(Dimension::Prefix, named);
        }
    }
}

/// The prefixes at one depth that fail, if those that do not would have shown it.
fn failing_part<'t>(
    facts: &Facts<'_>,
    trials: impl Iterator<Item = &'t (&'t Trial, f32)>,
    grain: usize,
) -> Option<BTreeSet<u32>> {
    const VALUES_MAX: usize = 8;
    /// Failures that the spared part would have had, were it hit; more where the hit are many of many, since such a
    /// choice is found by chance as well.
    const EXPECTED_MIN: f64 = 5.0;
    let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for (trial, _) in trials {
        let count = counts.entry(*facts.leaf(trial.leaf).prefix.get(grain)?).or_default();
        *count = (count.0 + u32::from(trial.failed), count.1 + 1);
    }
    let share = |(failed, all): (u32, u32)| f64::from(failed) / f64::from(all.max(1));
    let all_failed: u32 = counts.values().map(|c| c.0).sum();
    // The share of the whole part that fails, by those that hold most of the failures.
    let top = counts.values().filter(|c| c.0 * 20 >= all_failed && c.0 >= 2).map(|c| share(*c)).fold(0.0, f64::max);
    let (hit, spared): (Vec<_>, Vec<_>) = counts.iter().partition(|(_, c)| c.0 >= 2 && share(**c) >= 0.25 * top);
    let sum = |part: &[(&u32, &(u32, u32))]| part.iter().fold((0, 0), |sum, (_, c)| (sum.0 + c.0, sum.1 + c.1));
    let (of_hit, of_spared) = (sum(&hit), sum(&spared));
    let expected = share(of_hit) * f64::from(of_spared.1);
    let is_plain = !hit.is_empty()
        && hit.len() <= VALUES_MAX
        && expected >= EXPECTED_MIN.max(price_of(hit.len(), counts.len()))
        && f64::from(of_spared.0) <= 0.2 * expected;
    is_plain.then(|| hit.into_iter().map(|(prefix, _)| *prefix).collect())
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
    *values = topmost(facts, &values.iter().map(|value| longest(*value)).collect());
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
        // What was refused before it was passed on has no upstream: the refusal's mark, not its place.
        Dimension::Upstream if leaf.upstream == 0 => return None,
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
fn best_values(
    facts: &Facts<'_>,
    inside: &[(&Trial, f32)],
    (dimension, grain): (Dimension, usize),
    counters: &mut Counters<'_>,
) -> Option<Choice> {
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
    let among = by_value.len();
    let mut ranked: Vec<(f64, u32, Value)> = Vec::new();
    for (value, trials) in &by_value {
        counters.units.clear();
        trials.iter().for_each(|(t, rate)| counters.units.add(t, *rate));
        let (failing, active) = (counters.units.failing, f64::from(counters.units.active));
        if failing > 0 {
            ranked.push(((f64::from(failing) + 0.1 - counters.units.expected) / (active + 1.0), failing, *value));
        }
    }
    let wordy = |value: Value| {
        if let (Dimension::Family, Value::Id(id)) = (dimension, value) { facts.family_rank(id) } else { 0 }
    };
    ranked.sort_by(|a, b| {
        b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then_with(|| wordy(a.2).cmp(&wordy(b.2))).then(a.2.cmp(&b.2))
    });
    counters.run.clear();
    let mut best: Option<(f64, f64, usize)> = None;
    for (len, (_, _, value)) in ranked.iter().take(values_max).enumerate() {
        by_value.get(value).into_iter().flatten().for_each(|(t, rate)| counters.run.add(t, *rate));
        let price = price_of(len + 1, among) + grain as f64 * 0.25 + seldom(dimension);
        let likelihood = likelihood(counters.run);
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
    let addrs: Vec<u128> = inside
        .iter()
        .filter(|(t, _)| t.failed)
        .filter_map(|(t, _)| facts.ledger.clients.get(t.client as usize))
        .map(|k| k.addr)
        .collect();
    let Some(first) = addrs.first() else { return };
    let same = addrs.iter().map(|a| (a ^ first).leading_zeros()).min().unwrap_or(128).min(128) as u8;
    if let Some((_, len)) = bounds.nets.pop_first() {
        let len = same.max(len);
        bounds.nets.insert((first >> (128 - len) << (128 - len), len));
    }
}
