//! A cluster in the words and numbers of an incident: scope, what was spared, course, samples.

use super::{
    bounds::{Bounds, Dimension, Net},
    bursts::Burst,
    facts::{Facts, network},
    refine::Cluster,
    trials::Trial,
    verdict::visits_between,
};
use crate::model::{
    coverage::LineRef,
    incident::{Scope, Spared, TimelinePoint},
    logged::Logged,
    tally::{Place, Sample},
    time::Time,
};
use std::collections::{BTreeMap, BTreeSet};

/// Finds the file name and line number of a place.
pub type Locate<'a> = &'a (dyn Fn(Place) -> (String, u64) + Sync);

/// The scope in words.
pub(crate) fn scope(facts: &Facts<'_>, bounds: &Bounds) -> Scope {
    let texts = |dimension: Dimension| -> Vec<String> {
        let mut texts: Vec<String> = bounds
            .values
            .get(&dimension)
            .into_iter()
            .flatten()
            .map(|v| value_text(facts, dimension, *v))
            .filter(|t| !t.is_empty())
            .collect();
        texts.sort();
        texts
    };
    let mut scope = Scope {
        path_prefix: outermost(texts(Dimension::Prefix)),
        vhost: texts(Dimension::Vhost),
        method: texts(Dimension::Method),
        upstream: texts(Dimension::Upstream),
        ua_family: texts(Dimension::Family),
        client_net: bounds.nets.iter().map(|net| net_text(*net)).collect(),
        client_net_origin: Vec::new(),
        http_version: texts(Dimension::Protocol),
    };
    if scope.path_prefix.iter().any(|p| p == "/") {
        scope.path_prefix.clear();
    }
    scope
}

/// Path prefixes without those that lie below another of them.
fn outermost(texts: Vec<String>) -> Vec<String> {
    let is_below = |text: &String| {
        let mut others = texts.iter().filter(|other| *other != text);
        others.any(|other| text.strip_prefix(other.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/')))
    };
    texts.iter().filter(|text| !is_below(text)).cloned().collect()
}

fn value_text(facts: &Facts<'_>, dimension: Dimension, value: u32) -> String {
    match dimension {
        Dimension::Prefix => facts.prefix_text(value).to_owned(),
        Dimension::Family => facts.families.get(value as usize).cloned().unwrap_or_default(),
        _ => facts.name_text(value),
    }
}

pub(crate) fn net_text((addr, len): Net) -> String {
    match len {
        0 => "::/0".to_owned(),
        97.. if addr >> 32 == 0xffff => format!("{}/{}", std::net::Ipv4Addr::from(addr as u32), len - 96),
        _ => format!("{}/{len}", std::net::Ipv6Addr::from(addr)),
    }
}

/// The prefixes that failures are under, for faults that hit whatever a session opens: nothing else is in their
/// evidence, so the whole log would be too wide a word. One that holds under a fiftieth of them is left out.
pub(crate) fn failing_prefixes(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> Vec<String> {
    const VALUES_MAX: usize = 8;
    let mut counts: BTreeMap<u32, (usize, BTreeSet<u32>)> = BTreeMap::new();
    let inside = super::table::span(trials, cluster.from, cluster.to).iter();
    let failing = inside.filter(|t| t.failed && cluster.bounds.contain(facts, t.leaf, t.client));
    let mut all = 0;
    for trial in failing {
        let prefix = facts.leaf(trial.leaf).prefix;
        let entry = counts.entry(prefix[0]).or_default();
        entry.0 += 1;
        entry.1.insert(prefix[1]);
        all += 1;
    }
    let kept = counts.into_iter().filter(|(_, (count, _))| count * 50 >= all);
    // The longer prefix where only one lies below.
    let mut texts: Vec<String> = kept
        .map(|(first, (_, below))| {
            facts.prefix_text(if below.len() == 1 { below.first().copied().unwrap_or(first) } else { first }).to_owned()
        })
        .collect();
    texts.sort();
    let texts = outermost(texts);
    if texts.len() > VALUES_MAX || texts.iter().any(|t| t == "/") { Vec::new() } else { texts }
}

/// For every dimension that bounds the fault, the busiest neighbours that were not hit.
pub(crate) fn spared(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> Vec<Spared> {
    const PER_DIMENSION: usize = 3;
    let inside: Vec<&Trial> = super::table::span(trials, cluster.from, cluster.to).iter().collect();
    let mut out = Vec::new();
    for (dimension, name) in [
        (Dimension::Prefix, "path_prefix"),
        (Dimension::Vhost, "vhost"),
        (Dimension::Method, "method"),
        (Dimension::Upstream, "upstream"),
        (Dimension::Family, "ua_family"),
        (Dimension::Network, "client_net"),
        (Dimension::Protocol, "http_version"),
    ] {
        let mut others = cluster.bounds.clone();
        let bound = if dimension == Dimension::Network {
            !std::mem::take(&mut others.nets).is_empty()
        } else {
            others.values.remove(&dimension).is_some()
        };
        if !bound {
            continue;
        }
        let mut groups: BTreeMap<String, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
        for trial in inside
            .iter()
            .filter(|t| others.contain(facts, t.leaf, t.client) && !cluster.bounds.contain(facts, t.leaf, t.client))
        {
            let (active, failing) = groups.entry(neighbour(facts, dimension, trial)).or_default();
            active.insert(trial.client);
            if trial.failed {
                failing.insert(trial.client);
            }
        }
        let mut found: Vec<Spared> = groups
            .into_iter()
            .filter(|(value, (active, failing))| !value.is_empty() && failing.len() * 5 <= active.len())
            .map(|(value, (active, failing))| Spared {
                dimension: name,
                value,
                clients: active.len() as u64,
                failing: failing.len() as u64,
                approximate: false,
            })
            .collect();
        found.sort_by(|a, b| b.clients.cmp(&a.clients).then_with(|| a.value.cmp(&b.value)));
        found.truncate(PER_DIMENSION);
        out.append(&mut found);
    }
    out
}

fn neighbour(facts: &Facts<'_>, dimension: Dimension, trial: &Trial) -> String {
    let leaf = facts.leaf(trial.leaf);
    match dimension {
        Dimension::Prefix => facts.prefix_text(leaf.prefix[0]).to_owned(),
        Dimension::Vhost => facts.name_text(leaf.vhost),
        Dimension::Method => facts.name_text(leaf.method),
        Dimension::Upstream => facts.name_text(leaf.upstream),
        Dimension::Protocol => facts.name_text(leaf.protocol),
        Dimension::Family => facts
            .families_of(trial.client)
            .last()
            .and_then(|f| facts.families.get(*f as usize))
            .cloned()
            .unwrap_or_default(),
        Dimension::Network => {
            let addr = facts.ledger.clients.get(trial.client as usize).map_or(0, |k| k.addr);
            let net = network(addr);
            if addr >> 32 == 0xffff { net_text((net << 16, 112)) } else { net_text((net << 96, 32)) }
        }
    }
}

/// Slice length for a course of about forty points.
pub(crate) fn step(cluster: &Cluster) -> u32 {
    const STEPS: [u32; 12] = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
    let length = (cluster.to - cluster.from).max(600) * 2;
    STEPS.into_iter().find(|step| length / step <= 40).unwrap_or(86_400)
}

/// The course of the scope, from half a length before to half a length after, inside the log. Of all clients, or of
/// some.
pub(crate) fn timeline(
    facts: &Facts<'_>,
    cluster: &Cluster,
    status: u16,
    only: Option<&BTreeSet<u32>>,
) -> Vec<TimelinePoint> {
    let step = step(cluster);
    let Some((first, last)) = facts.ledger.span else { return Vec::new() };
    let margin = (cluster.to - cluster.from).max(600) / 2;
    let from = cluster.from.saturating_sub(margin).max(first.0) / step * step;
    let to = cluster.to.saturating_add(margin).min(last.0 + 1);
    let point = |i: u32| TimelinePoint {
        time: Time(from + i * step),
        requests: 0,
        failed: 0,
        active_clients: 0,
        failing_clients: 0,
        approximate: false,
    };
    let mut points: Vec<TimelinePoint> = (0..to.saturating_sub(from).div_ceil(step)).map(point).collect();
    let mut add = |client: u32| add_course(facts, cluster, status, client, (from, to, step), &mut points);
    match only {
        Some(clients) => clients.iter().for_each(|client| add(*client)),
        None => (0..facts.ledger.clients.len() as u32).for_each(add),
    }
    points
}

/// One client's part; its requests come in order of time, so a slice is new to it when it changes.
fn add_course(
    facts: &Facts<'_>,
    cluster: &Cluster,
    status: u16,
    client: u32,
    (from, to, step): (u32, u32, u32),
    points: &mut [TimelinePoint],
) {
    let (mut active_in, mut failing_in) = (u32::MAX, u32::MAX);
    for visit in visits_between(facts, client, from, to) {
        let shape = facts.shape(visit.shape());
        let slice = (visit.time().0 - from) / step;
        let Some(point) = points.get_mut(slice as usize) else { continue };
        if !cluster.bounds.contain(facts, shape.leaf, client) {
            continue;
        }
        point.requests += 1;
        point.active_clients += u64::from(std::mem::replace(&mut active_in, slice) != slice);
        if shape.status == status {
            point.failed += 1;
            point.failing_clients += u64::from(std::mem::replace(&mut failing_in, slice) != slice);
        }
    }
}

/// The earliest kept lines of it, those of clients that were hit before others.
pub(crate) fn samples(
    facts: &Facts<'_>,
    cluster: &Cluster,
    status: u16,
    victims: &BTreeSet<u32>,
    locate: Locate<'_>,
) -> Vec<LineRef> {
    const SAMPLES_MAX: usize = 3;
    let hours = cluster.from / 3600..=cluster.to / 3600;
    let mut found: Vec<_> = facts
        .ledger
        .samples
        .iter()
        .filter(|(key, s)| {
            let shape = facts.shape(key.shape as usize);
            hours.contains(&key.hour)
                && shape.status == status
                && s.time.0 >= cluster.from
                && s.time.0 < cluster.to
                && cluster.bounds.contain(facts, shape.leaf, s.client)
        })
        .map(|(_, sample)| sample)
        .collect();
    found.sort_by_key(|s| (!victims.contains(&s.client), s.time, s.place));
    found.truncate(SAMPLES_MAX);
    quoted(facts, found, locate)
}

/// The earliest kept lines of a burst's own clients.
pub(crate) fn samples_of(
    facts: &Facts<'_>,
    burst: &Burst,
    clients: &BTreeSet<u32>,
    locate: Locate<'_>,
) -> Vec<LineRef> {
    const SAMPLES_MAX: usize = 2;
    let order = |s: &Sample| (s.time, s.place);
    let mut found: Vec<&Sample> = Vec::new();
    for (_, sample) in &facts.ledger.samples {
        // Whose it is is asked last: of the many lines of a long burst only few are so early.
        let is_early = found.len() < SAMPLES_MAX || found.last().is_some_and(|last| order(sample) < order(last));
        if is_early && (burst.from..burst.to).contains(&sample.time.0) && clients.contains(&sample.client) {
            found.truncate(SAMPLES_MAX - 1);
            found.push(sample);
            found.sort_by_key(|s| order(s));
        }
    }
    quoted(facts, found, locate)
}

fn quoted(facts: &Facts<'_>, found: Vec<&Sample>, locate: Locate<'_>) -> Vec<LineRef> {
    found
        .into_iter()
        .map(|sample| {
            let (file, line) = locate(sample.place);
            LineRef { file, line, text: Logged::new(&facts.ledger.line(sample)) }
        })
        .collect()
}
