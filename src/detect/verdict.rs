//! Server's fault or not: what a cluster must show before anybody is woken.
//!
//! Each gate answers one innocent explanation. All numbers are distinct clients unless they say otherwise.

use super::{
    bounds::networks,
    facts::{Facts, network},
    ground::Ground,
    history::Past,
    pace,
    refine::Cluster,
    scan::Channel,
    table::span,
    trials::Trial,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a cluster, for the verdict, the cause and the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features {
    /// Clients refused that had been served there, or are refused where everybody is served.
    pub(crate) victims: BTreeSet<u32>,
    /// Of them, those served there themselves at another time.
    pub(crate) known: u32,
    /// Clients active in scope that had been served there themselves at another time, refused or not.
    pub(crate) known_active: u32,
    /// All clients refused in scope, strangers and bots included.
    pub(crate) refused: u32,
    /// Refused, served nowhere ever, on a route that is not open.
    pub(crate) strangers: u32,
    /// Clients active in scope that may be evidence.
    pub(crate) active: u32,
    pub(crate) networks: u32,
    pub(crate) addresses: u32,
    pub(crate) families: u32,
    pub(crate) agents: u32,
    pub(crate) names: BTreeSet<u32>,
    /// Distinct names that victims gave who had been served there themselves.
    pub(crate) own_names: u32,
    pub(crate) requests_failed: u64,
    pub(crate) requests_total: u64,
    pub(crate) with_name: u64,
    pub(crate) requests_expected: f64,
    /// Share of the failing clients that independent failures at this rate would give.
    pub(crate) breadth: f64,
    /// Units served inside over those that the same scope had per second outside, before and after.
    pub(crate) served_ratio: f64,
    /// All units inside over the usual.
    pub(crate) traffic_ratio: f64,
    /// Units that the same scope usually has in that time.
    pub(crate) usual_units: f64,
    /// Victims served again in scope before the end of the incident.
    pub(crate) recovered: u32,
    /// Victims that logged in right after.
    pub(crate) logged_in: u32,
    /// Share of failures that have the most frequent size in bytes.
    pub(crate) same_size: f64,
    pub(crate) size: u32,
    /// Share of failures to files that are served as they are.
    pub(crate) static_share: f64,
    /// Share of failures of clients whose user agent is a browser's.
    pub(crate) browser_share: f64,
    /// Most failures of one client, as a share.
    pub(crate) top_client: f64,
    /// Distinct path templates refused of which nobody was ever served one.
    pub(crate) paths: u32,
    /// Share of the victims with a browser that ever fetched a file of a page, and of all other browsers.
    pub(crate) with_files: f64,
    pub(crate) others_with_files: f64,
    /// Share of the victims in the network with most of them; of their names, where they have given some: one person may
    /// come from many addresses of a provider.
    pub(crate) top_network: f64,
    /// Share of the victims that are tools, and how many kinds of program nearly all victims are.
    pub(crate) tool_share: f64,
    pub(crate) programs: u32,
    /// Nearly all victims are at the addresses of proxies that hide everybody.
    pub(crate) relayed: bool,
    /// Share of the failures that are to a place to log in.
    pub(crate) login_failed: f64,
    /// Share of the failures that are to files with a referring page on another host; to a page it is but a link.
    pub(crate) foreign_referer: f64,
    /// Share of the refusals that come when their client had just been served more than usual.
    pub(crate) paced: f64,
    /// Sessions are refused, served and refused again, so they did not die.
    pub(crate) sessions_live: bool,
    /// Where newcomers alone are looked at: how many others were refused in scope at the time, and how many asked.
    pub(crate) regulars: Option<(u32, u32)>,
    /// Trials that the cluster was found among.
    pub(crate) trials: usize,
    /// Log-likelihood ratio of "fails at a rate of its own" against "fails as the rest of the same scope does", for a
    /// cluster that fills most of the log: what is left is too little to take its rate as known.
    pub(crate) unlike_the_rest: Option<f64>,
}

/// Of those who are no newcomers, how many are refused in a cluster's scope and time, and how many ask; by all trials.
pub(crate) fn regulars(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> (u32, u32) {
    let inside = span(trials, cluster.from, cluster.to).iter();
    let own =
        inside.filter(|t| cluster.bounds.contain(facts, t.leaf, t.client) && !facts.is_newcomer(t.client, t.time));
    let own: Vec<&Trial> = own.collect();
    (distinct(own.iter().filter(|t| t.failed).map(|t| t.client)), distinct(own.iter().map(|t| t.client)))
}

/// Computes all features of a cluster.
pub(crate) fn features(
    facts: &Facts<'_>,
    pasts: &[Past],
    ground: &Ground,
    trials: &[Trial],
    cluster: &Cluster,
    status: u16,
) -> Features {
    let mut f = Features { trials: trials.len(), ..Features::default() };
    let own = |t: &&Trial| cluster.bounds.contain(facts, t.leaf, t.client);
    let inside: Vec<&Trial> = span(trials, cluster.from, cluster.to).iter().filter(own).collect();
    f.active = distinct(inside.iter().map(|t| t.client));
    f.victims = inside.iter().filter(|t| t.failed).map(|t| t.client).collect();
    f.known = distinct(inside.iter().filter(|t| t.failed && t.known).map(|t| t.client));
    f.known_active = distinct(inside.iter().filter(|t| t.known).map(|t| t.client));
    f.top_network = top_network(facts, &f.victims);
    f.unlike_the_rest = unlike_the_rest(facts, trials, cluster);
    breadth(&mut f, &inside);
    ratios(&mut f, facts, trials, cluster);
    refusals(&mut f, facts, pasts, ground, cluster, status);
    requests(&mut f, facts, cluster);
    files(&mut f, facts);
    f.paced = pace::follows_pace(facts, cluster, status, &f.victims).unwrap_or(0.0);
    f.networks = networks(facts, f.victims.iter()) as u32;
    let keys = || f.victims.iter().filter_map(|c| facts.ledger.clients.get(*c as usize));
    let tools = f.victims.iter().filter(|c| facts.kind(**c) == super::agent::Kind::Tool).count();
    f.tool_share = tools as f64 / f.victims.len().max(1) as f64;
    f.programs = programs(facts, &f.victims);
    f.relayed = f.victims.iter().filter(|c| facts.relays.holds(**c)).count() * 10 >= f.victims.len() * 9;
    f.addresses = keys().map(|k| k.addr).collect::<BTreeSet<_>>().len() as u32;
    f.agents = keys().map(|k| k.agent).collect::<BTreeSet<_>>().len() as u32;
    f.families = f.victims.iter().map(|c| facts.families_of(*c).last()).collect::<BTreeSet<_>>().len() as u32;
    f
}

/// The share of clients in the network with most of them.
fn top_network(facts: &Facts<'_>, clients: &BTreeSet<u32>) -> f64 {
    let mut counts: BTreeMap<u128, u32> = BTreeMap::new();
    for key in clients.iter().filter_map(|c| facts.ledger.clients.get(*c as usize)) {
        *counts.entry(network(key.addr)).or_default() += 1;
    }
    f64::from(counts.values().max().copied().unwrap_or(0)) / clients.len().max(1) as f64
}

/// How many kinds of program nearly all of some clients are; what is no tool counts as one. Not all, since a stray browser
/// beside a fleet makes it none.
fn programs(facts: &Facts<'_>, clients: &BTreeSet<u32>) -> u32 {
    const NEARLY_ALL: f64 = 0.95;
    let mut counts: BTreeMap<Option<&u32>, usize> = BTreeMap::new();
    for client in clients {
        let is_tool = facts.kind(*client) == super::agent::Kind::Tool;
        *counts.entry(facts.families_of(*client).first().filter(|_| is_tool)).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let (mut kinds, mut sum) = (0, 0);
    for count in counts {
        if sum as f64 >= NEARLY_ALL * clients.len() as f64 {
            break;
        }
        sum += count;
        kinds += 1;
    }
    kinds
}

/// See [`Features::unlike_the_rest`].
fn unlike_the_rest(facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) -> Option<f64> {
    let (first, last) = (trials.first()?.time, trials.last()?.time);
    if (cluster.to - cluster.from) * 2 < last - first {
        return None;
    }
    let (mut inside, mut rest) = ((0.0, 0.0), (0.0, 0.0));
    for trial in trials.iter().filter(|t| cluster.bounds.contain(facts, t.leaf, t.client)) {
        let sum = if (cluster.from..cluster.to).contains(&trial.time) { &mut inside } else { &mut rest };
        *sum = (sum.0 + f64::from(u8::from(trial.failed)), sum.1 + 1.0);
    }
    let likelihood = |(failed, all): (f64, f64)| {
        let part = |count: f64| if count > 0.0 { count * (count / all).ln() } else { 0.0 };
        part(failed) + part(all - failed)
    };
    Some(likelihood(inside) + likelihood(rest) - likelihood((inside.0 + rest.0, inside.1 + rest.1)))
}

fn distinct(clients: impl Iterator<Item = u32>) -> u32 {
    clients.collect::<BTreeSet<_>>().len() as u32
}

/// Against retries of a few: how many distinct clients would fail if each unit failed by itself at this share.
fn breadth(f: &mut Features, inside: &[&Trial]) {
    let mut by_client: BTreeMap<u32, BTreeMap<u32, bool>> = BTreeMap::new();
    for trial in inside {
        *by_client.entry(trial.client).or_default().entry(trial.slot()).or_default() |= trial.failed;
    }
    let units: usize = by_client.values().map(BTreeMap::len).sum();
    let failing: usize = by_client.values().flat_map(BTreeMap::values).filter(|failed| **failed).count();
    let share = failing as f64 / units.max(1) as f64;
    let expected: f64 = by_client.values().map(|slots| 1.0 - (1.0 - share).powi(slots.len() as i32)).sum();
    f.breadth = f.victims.len() as f64 / expected.max(1.0);
}

/// Served and all units, against the same span before and after.
fn ratios(f: &mut Features, facts: &Facts<'_>, trials: &[Trial], cluster: &Cluster) {
    let length = (cluster.to - cluster.from).max(900);
    let count = |from: u32, to: u32, only_served: bool| {
        let own = span(trials, from, to).iter().filter(|t| cluster.bounds.contain(facts, t.leaf, t.client));
        let mut units: Vec<(u32, bool)> = own.map(|t| (t.unit, t.failed)).collect();
        units.sort_unstable();
        units.chunk_by(|a, b| a.0 == b.0).filter(|unit| !(only_served && unit.iter().any(|u| u.1))).count() as f64
    };
    let (first, last) = (trials.first().map_or(0, |t| t.time), trials.last().map_or(0, |t| t.time));
    let mut neighbours = Vec::new();
    for (from, to) in
        [(cluster.from.saturating_sub(length), cluster.from), (cluster.to, cluster.to.saturating_add(length))]
    {
        let (from, to) = (from.max(first), to.min(last));
        if to > from && to - from >= length / 3 {
            neighbours.push(count(from, to, false) * f64::from(length) / f64::from(to - from));
        }
    }
    // The same time of day, one day and one week before, where the log has it.
    for day in [86_400u32, 604_800] {
        if length < day && cluster.from >= first.saturating_add(day) {
            neighbours.push(count(cluster.from - day, cluster.from - day + length, false));
        }
    }
    let usual = neighbours.iter().sum::<f64>() / neighbours.len().max(1) as f64;
    f.usual_units = usual;
    if usual >= 1.0 {
        f.served_ratio = count(cluster.from, cluster.to, true) / usual;
        f.traffic_ratio = count(cluster.from, cluster.to, false) / usual;
    } else {
        (f.served_ratio, f.traffic_ratio) = (0.0, 1.0);
    }
}

fn refusals(f: &mut Features, facts: &Facts<'_>, pasts: &[Past], ground: &Ground, cluster: &Cluster, status: u16) {
    let mut refused = BTreeMap::<u32, u64>::new();
    let served: BTreeSet<u32> = facts.ledger.shapes.iter().filter(|s| s.served()).map(|s| s.path).collect();
    let (mut strangers, mut sizes, mut paths) = (BTreeSet::new(), BTreeMap::<u32, u64>::new(), BTreeSet::new());
    let (mut logins, mut own_names, mut homes) = (0u64, BTreeSet::new(), BTreeMap::<u128, BTreeSet<u32>>::new());
    let (mut logged_in, mut browsers, mut statics, mut foreign) = (BTreeSet::new(), 0u64, 0u64, 0u64);
    for (refusal, past) in facts.ledger.refusals.iter().zip(pasts) {
        let shape = facts.shape(refusal.shape as usize);
        let inside = refusal.time.0 >= cluster.from && refusal.time.0 < cluster.to && shape.status == status;
        if !inside || !cluster.bounds.contain(facts, shape.leaf, refusal.client) {
            continue;
        }
        f.requests_failed += 1;
        *refused.entry(refusal.client).or_default() += 1;
        let is_open = ground.is_open(shape.route);
        if !past.anywhere && !is_open {
            strangers.insert(refusal.client);
        }
        if refusal.user != 0 {
            f.with_name += 1;
            f.names.insert(refusal.user);
            if f.victims.contains(&refusal.client) {
                if past.on_route {
                    own_names.insert(refusal.user);
                }
                if let Some(key) = facts.ledger.clients.get(refusal.client as usize) {
                    homes.entry(network(key.addr)).or_default().insert(refusal.user);
                }
            }
        }
        if past.logged_in_after {
            logged_in.insert(refusal.client);
        }
        *sizes.entry(refusal.bytes).or_default() += 1;
        logins += u64::from(facts.route(shape.route).logs_in);
        let raw = facts.ledger.shapes.get(refusal.shape as usize).copied().unwrap_or_default();
        if !served.contains(&raw.path) {
            paths.insert(raw.path);
        }
        statics += u64::from(facts.is_file(refusal.shape as usize));
        browsers += u64::from(facts.kind(refusal.client) == super::agent::Kind::Browser);
        let is_embedded = facts.is_file(refusal.shape as usize) && refusal.referer_host != 0;
        foreign += u64::from(is_embedded && is_foreign(facts, refusal.referer_host));
    }
    let all = f.requests_failed.max(1) as f64;
    f.refused = refused.len() as u32;
    f.strangers = strangers.len() as u32;
    f.own_names = own_names.len() as u32;
    if f.own_names >= OWN_NAMES_MIN {
        let names = homes.values().flatten().collect::<BTreeSet<_>>().len();
        let most = homes.values().map(BTreeSet::len).max().unwrap_or(0);
        f.top_network = f.top_network.min(most as f64 / names.max(1) as f64);
    }
    f.logged_in = logged_in.intersection(&f.victims).count() as u32;
    f.top_client = refused.values().max().copied().unwrap_or(0) as f64 / all;
    if let Some((size, count)) = sizes.iter().max_by_key(|(size, count)| (**count, std::cmp::Reverse(**size))) {
        (f.size, f.same_size) = (*size, *count as f64 / all);
    }
    (f.static_share, f.browser_share, f.foreign_referer) =
        (statics as f64 / all, browsers as f64 / all, foreign as f64 / all);
    f.paths = paths.len() as u32;
    f.login_failed = logins as f64 / all;
}

/// Whether a referring host is not one that this log's own pages refer from most.
fn is_foreign(facts: &Facts<'_>, host: u32) -> bool {
    facts.own_host != 0 && host != facts.own_host && !facts.vhosts.contains(&host)
}

fn requests(f: &mut Features, facts: &Facts<'_>, cluster: &Cluster) {
    let mut recovered = BTreeSet::new();
    for client in 0..facts.ledger.clients.len() as u32 {
        for visit in visits_between(facts, client, cluster.from, cluster.to) {
            let shape = facts.shape(visit.shape());
            if cluster.bounds.contain(facts, shape.leaf, client) {
                f.requests_total += 1;
                if shape.served && f.victims.contains(&client) {
                    recovered.insert(client);
                }
            }
        }
    }
    f.recovered = recovered.len() as u32;
    f.requests_expected = cluster.usual * f.requests_total as f64;
}

/// A client's requests in a span.
pub(crate) fn visits_between<'l>(
    facts: &Facts<'l>,
    client: u32,
    from: u32,
    to: u32,
) -> &'l [crate::model::tally::Seen] {
    let visits = facts.ledger.visits_of(client as usize);
    let start = visits.partition_point(|v| v.time().0 < from);
    let end = visits.partition_point(|v| v.time().0 < to);
    visits.get(start..end).unwrap_or_default()
}

/// People's browsers fetch the files of a page; programs that only say they are browsers do not. Only clients that
/// were served a few things can show it.
fn files(f: &mut Features, facts: &Facts<'_>) {
    const CLIENTS_MIN: u32 = 4;
    let (fetched, all) = facts.browsers_with_files();
    let mut victims = (0, 0);
    for shows in f.victims.iter().filter_map(|client| facts.fetches_files(*client)) {
        victims = (victims.0 + u32::from(shows), victims.1 + 1);
    }
    let share = |(fetched, all): (u32, u32)| (all >= CLIENTS_MIN).then(|| f64::from(fetched) / f64::from(all));
    // Too few to tell are taken for people; and where nobody else is there, nobody else shows what is usual.
    f.with_files = share(victims).unwrap_or(1.0);
    f.others_with_files = share((fetched - victims.0, all - victims.1)).unwrap_or(0.0);
}

/// Why a cluster is not believed to be the server's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    TooFew,
    Retries,
    Strangers,
    LoginStillWorks,
    UsualRate,
    OneOwner,
    ExtraTraffic,
    SmallShare,
    FirstTimersOnly,
    NotOnlyNew,
    NotPeople,
    Coincidence,
    OneProgram,
    Scanner,
    Hotlink,
    RateLimit,
    ManyNames,
}

/// Log-likelihood ratio that a cluster must have left when its scope is paid for. The best segment of a longer log is
/// better by chance alone, by the logarithm of the places where it could lie.
const RATIO_MIN: f64 = 10.0;
const RATIO_PER_TENFOLD: f64 = 4.0;
/// Known clients that show how known clients fare.
const KNOWN_ENOUGH: u32 = 4;

/// So many names of persons who had been served here themselves are several persons'.
const OWN_NAMES_MIN: u32 = 4;
/// So many times the usual traffic is a crowd.
const CROWD: f64 = 2.0;
/// Quarters of an hour in which each of some clients is refused, on average, where they go on whatever they get.
const GOES_ON_QUARTERS: f64 = 20.0;
/// The same, where they have an address each: an office behind one is people for longer.
const APART_QUARTERS: f64 = 8.0;
/// The same, where they ask more than they ever did.
const RETRY_QUARTERS: f64 = 10.0;

/// The gates in order; the first that does not hold is the doubt.
pub(crate) fn doubts(facts: &Facts<'_>, cluster: &Cluster, f: &Features, channel: Channel) -> Vec<Doubt> {
    let victims = f.victims.len() as u32;
    let mut doubts = Vec::new();
    let mut doubt = |holds: bool, doubt: Doubt| {
        if !holds {
            doubts.push(doubt);
        }
    };
    let share = f64::from(victims) / f64::from(f.active.max(1));
    let ratio_min = RATIO_MIN + RATIO_PER_TENFOLD * (f.trials as f64 / 10_000.0).log10().max(0.0);
    doubt(
        (victims >= 5 || (victims >= 4 && share >= 0.8)) && cluster.ratio - cluster.price >= ratio_min,
        Doubt::TooFew,
    );
    doubt(f.breadth >= 0.5, Doubt::Retries);
    let are_strangers = f64::from(f.strangers) >= 0.3 * f64::from(f.refused);
    doubt(f64::from(victims) >= 0.1 * f64::from(f.refused) || !are_strangers, Doubt::Strangers);
    // A fault that comes and goes lets some in between.
    let are_shut_out =
        f.served_ratio < 0.5 || (f.known >= 20 && f.known * 4 >= f.known_active * 3 && f.served_ratio < 0.7);
    doubt(f.login_failed < 0.5 || (share >= 0.6 && are_shut_out), Doubt::LoginStillWorks);
    let is_unlike = f.unlike_the_rest.is_none_or(|ratio| ratio >= ratio_min);
    doubt(f64::from(cluster.failing_units) >= 3.0 * cluster.expected && is_unlike, Doubt::UsualRate);
    // One network is an owner of its own, unless it is wide enough for a provider's. A rule (403) may hit one office
    // that used to be let in; a password that many programs of one office share is the office's own affair.
    let is_wide = cluster.bounds.nets.iter().any(|(addr, len)| *len <= if addr >> 32 == 0xffff { 116 } else { 40 });
    let is_office = channel == Channel::Unresolved403 && f.known * 2 >= victims;
    // Persons with a name each share no password.
    let have_names = f.own_names >= OWN_NAMES_MIN && f.own_names * 3 >= victims;
    // And people who are turned away give up; the machines of one owner go on as before.
    let quarters = f64::from(cluster.failing_units) / f64::from(victims.max(1));
    let goes_on_min = if f.addresses < 4 { GOES_ON_QUARTERS } else { APART_QUARTERS };
    let goes_on = quarters >= goes_on_min && f.traffic_ratio >= 0.8;
    // Nor do people who are turned away ask several times as often as ever, all day.
    let programs_retry = !cluster.bounds.nets.is_empty()
        && channel == Channel::Unresolved401
        && f.traffic_ratio >= 2.0
        && quarters >= RETRY_QUARTERS;
    let owners = if programs_retry {
        false
    } else if f.relayed {
        // Everybody is there, whoever owns the address.
        f.agents >= 4
    } else if facts.is_one_network() {
        // An intranet: its network says nothing, its machines do.
        f.addresses >= 4
    } else if f.top_network > 0.7 {
        f.agents >= 4 && (is_wide || is_office || have_names) && !goes_on
    } else {
        f.networks >= 4 || f.families >= 3
    };
    doubt(owners, Doubt::OneOwner);
    doubt(channel != Channel::Unresolved401 || f.tool_share < 0.9 || f.programs > 1, Doubt::OneProgram);
    // Few fail, and nearly all of them get in after all: passwords that end one by one, not a server.
    let own_trouble =
        channel == Channel::Unresolved401 && share < 0.35 && f.logged_in * 2 > victims && f.login_failed > 0.2;
    doubt(!own_trouble, Doubt::LoginStillWorks);
    doubt(
        channel == Channel::Gap401 || cluster.inside < 0.3 || f.served_ratio < 0.75 || f.traffic_ratio < 1.25,
        Doubt::ExtraTraffic,
    );
    let failed_share = f.requests_failed as f64 / f.requests_total.max(1) as f64;
    let share_min = if channel == Channel::Unresolved401 { 0.02 } else { 0.0 };
    doubt(failed_share >= share_min, Doubt::SmallShare);
    // Where those who had been served there still are, newcomers are asked who they are: the everyday answer to them.
    // In a crowd, whom a fault does not bring, fewer of them are enough.
    let refused_min = if f.traffic_ratio >= CROWD { 0.75 } else { 0.5 };
    let known_are_served = channel.status() == 401
        && f.known_active >= KNOWN_ENOUGH
        && f64::from(f.known) < refused_min * f64::from(f.known_active);
    // Some that look new had come before the log begins, and are spared like the others.
    let inside_min = if f.regulars.is_some() { 0.25 } else { 0.5 };
    doubt(f.known * 4 >= victims || (cluster.inside >= inside_min && !known_are_served), Doubt::FirstTimersOnly);
    // An area for members refuses those without an account, whether they came before or not; and a crowd comes on top.
    // Some that look as if they had come before share an address and an agent with somebody who had.
    let refused_max = (0.3 * cluster.inside).max(0.1);
    let spares_regulars = f
        .regulars
        .is_none_or(|(refused, all)| all >= KNOWN_ENOUGH && f64::from(refused) <= refused_max * f64::from(all));
    doubt(spares_regulars && (f.regulars.is_none() || f.usual_units >= 1.0), Doubt::NotOnlyNew);
    doubt(f.browser_share < 0.6 || f.with_files >= 0.4 * f.others_with_files, Doubt::NotPeople);
    doubt(f.known * 4 >= victims || f.paths < 2 * victims, Doubt::Scanner);
    doubt(f.foreign_referer < 0.5, Doubt::Hotlink);
    // A limit refuses the next request after so many, and lets the same clients in here otherwise; a fault does not count.
    doubt(f.paced < 0.85 || f.recovered * 2 < victims, Doubt::RateLimit);
    // People have a name each; who tries many names from one place is guessing.
    doubt(f.names.len() <= 2 * victims as usize + 2, Doubt::ManyNames);
    // Of clients that nobody knows, more are asked for: newcomers who give up are found under any few words.
    let each = if f.known * 4 >= victims { 2 } else { 4 };
    doubt(victims as usize >= each * cluster.bounds.values_named(), Doubt::Coincidence);
    doubts
}
