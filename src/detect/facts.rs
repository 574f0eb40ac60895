//! What the ledger's ids mean for detection: routes, leaves, kinds of client. Computed once, read by every step.

use super::{
    agent::{self, Kind, Kinds},
    relay::Relays,
    releases,
};
use crate::model::{
    logged,
    tally::{Ledger, Shape},
};
use foldhash::fast::RandomState;
use rayon::prelude::*;
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::OnceLock,
};

/// A request's place among the things that a fault can hit: all of a [`Shape`] but its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Leaf {
    pub(crate) vhost: u32,
    /// Ids of the path's prefixes with one, two and three segments; a short path repeats its last.
    pub(crate) prefix: [u32; 3],
    pub(crate) method: u32,
    pub(crate) protocol: u32,
    pub(crate) upstream: u32,
    /// Index into [`Facts::routes`].
    pub(crate) route: u32,
}

/// Where being served once says that one may be served again: a host, two segments of path, read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Route {
    pub(crate) vhost: u32,
    pub(crate) prefix: u32,
    pub(crate) writes: bool,
    /// A place to log in: success there needs a password, so failure is everyday.
    pub(crate) logs_in: bool,
}

/// What a shape comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShapeFacts {
    pub(crate) leaf: u32,
    pub(crate) route: u32,
    pub(crate) status: u16,
    pub(crate) served: bool,
    pub(crate) with_user: bool,
    /// A file that is served as it is.
    pub(crate) is_file: bool,
}

/// What a user agent comes to.
#[derive(Clone, Debug)]
pub(crate) struct AgentFacts {
    pub(crate) kind: Kind,
    /// Ids into [`Facts::families`], wide to narrow.
    pub(crate) families: Vec<u32>,
}

/// See the module.
pub(crate) struct Facts<'l> {
    pub(crate) ledger: &'l Ledger,
    pub(crate) shapes: Vec<ShapeFacts>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) routes: Vec<Route>,
    /// Path prefixes as text.
    pub(crate) prefixes: Vec<String>,
    /// For each prefix, that of its first segment.
    tops: Vec<u32>,
    pub(crate) families: Vec<String>,
    family_ranks: Vec<u8>,
    pub(crate) agents: Vec<AgentFacts>,
    /// For each client, whether its failures may be evidence: neither bot nor monitor nor scanner.
    pub(crate) evident: Vec<bool>,
    pub(crate) has_agents: bool,
    /// The hosts that are logged.
    pub(crate) vhosts: BTreeSet<u32>,
    /// Whether two hosts or more are logged.
    pub(crate) has_hosts: bool,
    /// For each browser that was served a few things, whether a file of a page was among them.
    fetched: OnceLock<Vec<Option<bool>>>,
    served_clients: OnceLock<u32>,
    /// Routes that answer 401 to those who have no session, and name no users: not Basic authentication.
    by_session: Vec<bool>,
    ever_served: Vec<bool>,
    /// Clients at the addresses of proxies that hide everybody else.
    pub(crate) relays: Relays,
    /// The host that refusals are referred from day in, day out: the site itself, since a page's parts refer to it.
    pub(crate) own_host: u32,
}

impl<'l> Facts<'l> {
    pub(crate) fn new(ledger: &'l Ledger) -> Self {
        let ((agents, families), own_host) = rayon::join(|| agents(ledger), || own_host(ledger));
        let evident = ledger.clients.iter().map(|key| is_evident(agents.get(key.agent as usize))).collect();
        let mut paths = Prefixes::default();
        let (mut routes, mut leaves) = (Ids::default(), Ids::default());
        let placed: Vec<Leaf> =
            ledger.shapes.iter().map(|shape| leaf(ledger, shape, &mut paths, &mut routes)).collect();
        let shapes = ledger.shapes.iter().zip(&placed);
        let shapes = shapes.map(|(shape, leaf)| shape_facts(ledger, shape, *leaf, &mut leaves)).collect();
        Self {
            ledger,
            shapes,
            leaves: by_id(leaves),
            routes: by_id(routes),
            tops: tops(&placed, paths.ids.len()),
            prefixes: by_id(paths.ids),
            family_ranks: family_ranks(&agents, families.len()),
            families,
            has_agents: agents.len() > 1,
            vhosts: ledger.shapes.iter().map(|s| s.vhost).collect(),
            has_hosts: ledger.shapes.iter().any(|s| s.vhost != ledger.shapes.first().map_or(0, |first| first.vhost)),
            agents,
            evident,
            own_host,
            by_session: Vec::new(),
            ever_served: Vec::new(),
            relays: Relays::default(),
            fetched: OnceLock::new(),
            served_clients: OnceLock::new(),
        }
        .with_releases()
        .with_sessions()
        .with_relays()
    }

    fn with_releases(mut self) -> Self {
        let stand_ins = releases::stand_ins(&self);
        if !stand_ins.is_empty() {
            let replace = |route: &mut u32| *route = stand_ins.get(route).copied().unwrap_or(*route);
            self.shapes.iter_mut().for_each(|shape| replace(&mut shape.route));
            self.leaves.iter_mut().for_each(|leaf| replace(&mut leaf.route));
        }
        self
    }

    /// The prefix with one segment that a prefix lies below.
    pub(crate) fn top_of(&self, prefix: u32) -> u32 {
        self.tops.get(prefix as usize).copied().unwrap_or(prefix)
    }

    fn with_relays(mut self) -> Self {
        self.relays = Relays::find(&self);
        self
    }

    fn with_sessions(mut self) -> Self {
        let mut refuses = vec![(false, false); self.routes.len()];
        for shape in &self.shapes {
            if let Some((refused, named)) = refuses.get_mut(shape.route as usize) {
                *refused |= shape.status == 401;
                *named |= shape.with_user;
            }
        }
        self.ever_served = vec![false; self.routes.len()];
        for shape in self.shapes.iter().filter(|shape| shape.served) {
            if let Some(served) = self.ever_served.get_mut(shape.route as usize) {
                *served = true;
            }
        }
        self.by_session = refuses
            .iter()
            .zip(&self.routes)
            .map(|((refused, named), route)| *refused && !named && !route.logs_in)
            .collect();
        self
    }

    /// Made when first asked for: most logs have no cluster to ask about.
    fn fetched(&self) -> &[Option<bool>] {
        const SERVED_MIN: usize = 4;
        let fetched = |client: usize| {
            if self.kind(client as u32) != Kind::Browser {
                return None;
            }
            let visits = self.ledger.visits_of(client);
            let mut served = 0;
            for visit in visits {
                let shape = self.shape(visit.shape());
                served += usize::from(shape.served);
                if shape.served && shape.is_file {
                    return (visits.len() >= SERVED_MIN).then_some(true);
                }
            }
            (served >= SERVED_MIN).then_some(false)
        };
        self.fetched.get_or_init(|| (0..self.ledger.clients.len()).into_par_iter().map(fetched).collect())
    }

    /// Whether a browser fetched a file of a page; none where it was served too little to tell.
    pub(crate) fn fetches_files(&self, client: u32) -> Option<bool> {
        self.fetched().get(client as usize).copied().flatten()
    }

    /// How many browsers did, of how many that can tell.
    pub(crate) fn browsers_with_files(&self) -> (u32, u32) {
        let told = self.fetched().iter().flatten();
        told.fold((0, 0), |(fetched, all), shows| (fetched + u32::from(*shows), all + 1))
    }

    /// How many clients that may be evidence are served anything: counted once, since a hostile log asks for every path.
    pub(crate) fn served_clients(&self) -> u32 {
        let is_served = |client: &u32| {
            let visits = self.ledger.visits_of(*client as usize);
            self.is_evident(*client) && visits.iter().any(|visit| self.shape(visit.shape()).served)
        };
        let clients = || (0..self.ledger.clients.len() as u32).into_par_iter();
        *self.served_clients.get_or_init(|| clients().filter(is_served).count() as u32)
    }

    pub(crate) fn opens_by_session(&self, route: u32) -> bool {
        self.by_session.get(route as usize).copied().unwrap_or(false)
    }

    /// Whether anybody is ever served on a route.
    pub(crate) fn is_ever_served(&self, route: u32) -> bool {
        self.ever_served.get(route as usize).copied().unwrap_or(false)
    }

    /// Whether nearly all clients of the log are of one network, as on an intranet.
    pub(crate) fn is_one_network(&self) -> bool {
        let networks = self.ledger.clients.chunk_by(|a, b| network(a.addr) == network(b.addr));
        networks.map(<[_]>::len).max().unwrap_or(0) * 10 >= self.ledger.clients.len() * 7
    }

    /// Every how many clients to look at where only a share is wanted: fifty thousand are enough for one.
    pub(crate) fn stride(&self) -> usize {
        const ENOUGH: usize = 50_000;
        (self.ledger.clients.len() / ENOUGH).max(1)
    }

    pub(crate) fn shape(&self, index: usize) -> ShapeFacts {
        self.shapes.get(index).copied().unwrap_or(ShapeFacts {
            leaf: 0,
            route: 0,
            status: 0,
            served: false,
            with_user: false,
            is_file: false,
        })
    }

    pub(crate) fn leaf(&self, index: u32) -> Leaf {
        self.leaves.get(index as usize).copied().unwrap_or(Leaf {
            vhost: 0,
            prefix: [0; 3],
            method: 0,
            protocol: 0,
            upstream: 0,
            route: 0,
        })
    }

    pub(crate) fn route(&self, index: u32) -> Route {
        self.routes.get(index as usize).copied().unwrap_or(Route { vhost: 0, prefix: 0, writes: false, logs_in: false })
    }

    pub(crate) fn is_evident(&self, client: u32) -> bool {
        self.evident.get(client as usize).copied().unwrap_or(false)
    }

    /// Whether a client had come only just before, as far as the log shows.
    pub(crate) fn is_newcomer(&self, client: u32, time: u32) -> bool {
        const VISIT_SECS: u32 = 1800;
        let first = self.ledger.visits_of(client as usize).first();
        first.is_none_or(|visit| time < visit.time().0.saturating_add(VISIT_SECS))
    }

    pub(crate) fn kind(&self, client: u32) -> Kind {
        self.agent_of(client).map_or(Kind::Unknown, |agent| agent.kind)
    }

    pub(crate) fn families_of(&self, client: u32) -> &[u32] {
        self.agent_of(client).map(|agent| agent.families.as_slice()).unwrap_or_default()
    }

    fn agent_of(&self, client: u32) -> Option<&AgentFacts> {
        self.agents.get(self.ledger.clients.get(client as usize)?.agent as usize)
    }

    /// Whether a shape is a file that is served as it is.
    pub(crate) fn is_file(&self, shape: usize) -> bool {
        self.shapes.get(shape).is_some_and(|s| s.is_file)
    }

    /// How good a word a family is where several say the same: versions first, of the system before the browser's.
    pub(crate) fn family_rank(&self, family: u32) -> u8 {
        self.family_ranks.get(family as usize).copied().unwrap_or(u8::MAX)
    }

    pub(crate) fn prefix_text(&self, prefix: u32) -> &str {
        self.prefixes.get(prefix as usize).map_or("", String::as_str)
    }

    pub(crate) fn name_text(&self, name: u32) -> String {
        logged::inert(self.ledger.names.get(name))
    }
}

fn tops(placed: &[Leaf], prefixes: usize) -> Vec<u32> {
    let mut tops: Vec<u32> = (0..prefixes as u32).collect();
    for leaf in placed {
        for prefix in leaf.prefix {
            if let Some(top) = tops.get_mut(prefix as usize) {
                *top = leaf.prefix[0];
            }
        }
    }
    tops
}

/// The host that refers in the most hours: a burst from elsewhere may be larger, but it is short.
fn own_host(ledger: &Ledger) -> u32 {
    let mut hours: Vec<(u32, u32)> =
        ledger.refusals.iter().filter(|r| r.referer_host != 0).map(|r| (r.referer_host, r.time.0 / 3600)).collect();
    hours.sort_unstable();
    hours.dedup();
    let hosts = hours.chunk_by(|a, b| a.0 == b.0).filter_map(|own| own.first().map(|(host, _)| (own.len(), *host)));
    hosts.max_by_key(|(hours, host)| (*hours, std::cmp::Reverse(*host))).map_or(0, |(_, host)| host)
}

fn agents(ledger: &Ledger) -> (Vec<AgentFacts>, Vec<String>) {
    let kinds = Kinds::new();
    let mut ids = Ids::default();
    let agents = (0..ledger.agents.len() as u32)
        .map(|i| {
            let text = ledger.agents.get(i);
            let families = agent::families(text).into_iter().map(|family| id_of(&mut ids, family)).collect();
            AgentFacts { kind: kinds.of(text), families }
        })
        .collect();
    (agents, by_id(ids))
}

fn family_ranks(agents: &[AgentFacts], families: usize) -> Vec<u8> {
    const BY_PLACE: [u8; 4] = [3, 0, 2, 1];
    let mut ranks = vec![u8::MAX; families];
    for agent in agents {
        for (place, family) in agent.families.iter().enumerate() {
            if let (Some(rank), Some(of)) = (ranks.get_mut(*family as usize), BY_PLACE.get(place)) {
                *rank = (*rank).min(*of);
            }
        }
    }
    ranks
}

fn is_evident(agent: Option<&AgentFacts>) -> bool {
    agent.is_some_and(|agent| matches!(agent.kind, Kind::Unknown | Kind::Browser | Kind::Tool))
}

/// Numbers in order of first sight.
type Ids<K> = HashMap<K, u32, RandomState>;

fn id_of<K: Eq + Hash>(ids: &mut Ids<K>, key: K) -> u32 {
    let next = ids.len() as u32;
    *ids.entry(key).or_insert(next)
}

fn by_id<K>(ids: Ids<K>) -> Vec<K> {
    let mut keyed: Vec<(u32, K)> = ids.into_iter().map(|(key, id)| (id, key)).collect();
    keyed.sort_unstable_by_key(|(id, _)| *id);
    keyed.into_iter().map(|(_, key)| key).collect()
}

#[derive(Default)]
struct Prefixes {
    ids: Ids<String>,
    /// What was found for each path, by its index into the names.
    known: HashMap<u32, [u32; 3], RandomState>,
}

impl Prefixes {
    /// The prefixes of a template with one, two and three segments. A segment that stands for many (an id, a
    /// file name) ends the prefix: it would not be one in the operator's eyes.
    fn of(&mut self, path: u32, template: &[u8]) -> [u32; 3] {
        if let Some(known) = self.known.get(&path) {
            return *known;
        }
        let text = logged::inert(template);
        let mut prefix = String::new();
        let mut ids = [0; 3];
        let mut segments = text.split('/').filter(|s| !s.is_empty());
        let mut is_open = true;
        for slot in &mut ids {
            match segments.next().filter(|s| is_open && !(s.contains(":id") || s.contains(":n") || s.starts_with("*.")))
            {
                Some(segment) => {
                    prefix.push('/');
                    prefix.push_str(segment);
                }
                None => is_open = false,
            }
            let key = if prefix.is_empty() { "/".to_owned() } else { prefix.clone() };
            *slot = id_of(&mut self.ids, key);
        }
        self.known.insert(path, ids);
        ids
    }
}

fn leaf(ledger: &Ledger, shape: &Shape, paths: &mut Prefixes, routes: &mut Ids<Route>) -> Leaf {
    let template = ledger.names.get(shape.path);
    let prefix = paths.of(shape.path, template);
    let writes =
        !matches!(ledger.names.get(shape.method), b"GET" | b"HEAD" | b"OPTIONS" | b"PROPFIND" | b"REPORT" | b"");
    let route = Route { vhost: shape.vhost, prefix: prefix[1], writes, logs_in: writes && is_login(template) };
    let route = id_of(routes, route);
    Leaf { vhost: shape.vhost, prefix, method: shape.method, protocol: shape.protocol, upstream: shape.upstream, route }
}

fn shape_facts(ledger: &Ledger, shape: &Shape, leaf: Leaf, leaves: &mut Ids<Leaf>) -> ShapeFacts {
    ShapeFacts {
        route: leaf.route,
        leaf: id_of(leaves, leaf),
        status: shape.status,
        served: shape.served(),
        with_user: shape.with_user,
        is_file: ledger.names.get(shape.path).windows(3).any(|part| part == b"/*."),
    }
}

/// Whether a path is a place to send credentials to, by the names that are in use.
fn is_login(template: &[u8]) -> bool {
    const NAMES: [&str; 19] = [
        "login",
        "signin",
        "sign-in",
        "sign_in",
        "logon",
        "log-in",
        "authenticate",
        "auth",
        "token",
        "session",
        "sessions",
        "oauth",
        "sso",
        "wp-login.php",
        "login.php",
        "xmlrpc.php",
        "authorize",
        "j_security_check",
        "password",
    ];
    template.split(|b| *b == b'/').any(|segment| NAMES.iter().any(|name| segment.eq_ignore_ascii_case(name.as_bytes())))
}

/// Networks of an address, wide enough to have owners: /16 of IPv4, /32 of IPv6.
pub(crate) fn network(addr: u128) -> u128 {
    if addr >> 32 == 0xffff { addr >> 16 } else { addr >> 96 }
}
