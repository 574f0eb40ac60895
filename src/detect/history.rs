//! What each refused client had been before: known on that route or a stranger, served again or not.
//!
//! One walk over each client's requests in order of time. The answer is kept for refusals only; whoever needs
//! it for served requests walks again with [`Walk`].

use super::{agent::Kind, facts::Facts, tail::better_half};
use crate::model::tally::Seen;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A refusal that is answered by success on the same route within so many seconds was a challenge, a typing
/// error or an expired session: everyday.
pub(crate) const RESOLVED_SECS: u32 = 120;
/// Upper bounds of the strata of time since a client was last served where sessions matter. Whether a session
/// has a right to be dead depends on little else.
const STRATA_SECS: [u32; 4] = [900, 7200, 43_200, 144_000];
const NEVER: u32 = u32::MAX;

/// What the client of a refusal had been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// Served on this route at another time.
    pub(crate) on_route: bool,
    /// Served on this route before.
    pub(crate) before: bool,
    /// Served anywhere at another time.
    pub(crate) anywhere: bool,
    /// Served on this route again within [`RESOLVED_SECS`].
    pub(crate) resolved: bool,
    /// How long ago it was last served where sessions matter, as a stratum; none if never, or if this route is
    /// not such a place.
    pub(crate) stratum: Option<u8>,
    /// A 401 without a user name, and the next request on this route carried one.
    pub(crate) challenged: bool,
    /// A 401 answered by a login (a served write on a login route) within [`RESOLVED_SECS`].
    pub(crate) logged_in_after: bool,
    /// Served with a user name at another time.
    pub(crate) had_name: bool,
}

/// First and last service of one client on each route, and the latest so far.
pub(crate) struct Walk {
    first: Vec<u32>,
    last: Vec<u32>,
    /// For each host, when a route that sessions open was last served.
    latest: Vec<(u32, u32)>,
    touched: Vec<u32>,
}

impl Walk {
    pub(crate) fn new(facts: &Facts<'_>) -> Self {
        let routes = facts.routes.len();
        Self { first: vec![NEVER; routes], last: vec![0; routes], latest: Vec::new(), touched: Vec::new() }
    }

    /// Takes up a client.
    pub(crate) fn take(&mut self, facts: &Facts<'_>, client: u32) {
        for route in self.touched.drain(..) {
            let at = route as usize;
            if let (Some(first), Some(last)) = (self.first.get_mut(at), self.last.get_mut(at)) {
                (*first, *last) = (NEVER, 0);
            }
        }
        self.latest.clear();
        for visit in facts.ledger.visits_of(client as usize) {
            let shape = facts.shape(visit.shape());
            if !shape.served {
                continue;
            }
            let (Some(first), Some(last)) =
                (self.first.get_mut(shape.route as usize), self.last.get_mut(shape.route as usize))
            else {
                continue;
            };
            if *first == NEVER {
                *first = visit.time().0;
                self.touched.push(shape.route);
            }
            *last = visit.time().0;
        }
        for route in facts.relays.routes(facts, client) {
            let at = *route as usize;
            if let (Some(first), Some(last)) = (self.first.get_mut(at), self.last.get_mut(at)) {
                if *first == NEVER {
                    self.touched.push(*route);
                }
                // At other addresses, so at any other time.
                (*first, *last) = (0, NEVER);
            }
        }
    }

    /// Notes a service; gives the stratum of the time since the one before it.
    pub(crate) fn serve(&mut self, facts: &Facts<'_>, route: u32, time: u32) -> Option<u8> {
        /// Hosts remembered of one client.
        const HOSTS_MAX: usize = 64;
        if !facts.opens_by_session(route) {
            return None;
        }
        let stratum = self.stratum(facts, route, time);
        let vhost = facts.route(route).vhost;
        match self.latest.iter_mut().find(|(host, _)| *host == vhost) {
            Some((_, latest)) => *latest = time,
            None => self.latest.push((vhost, time)),
        }
        self.latest.truncate(HOSTS_MAX);
        stratum
    }

    /// The stratum of a length of time.
    pub(crate) fn stratum_of(secs: u32) -> Option<u8> {
        STRATA_SECS.iter().position(|bound| secs < *bound).map(|stratum| stratum as u8)
    }

    /// The stratum of the time since the latest noted service where sessions matter on this host.
    pub(crate) fn stratum(&self, facts: &Facts<'_>, route: u32, time: u32) -> Option<u8> {
        let vhost = facts.route(route).vhost;
        let (_, latest) = self.latest.iter().find(|(host, _)| *host == vhost)?;
        Self::stratum_of(time - latest).filter(|_| facts.opens_by_session(route))
    }

    /// Whether the client was served on a route at a time other than this second.
    pub(crate) fn is_known(&self, route: u32, time: u32) -> bool {
        self.known_before(route, time) || self.last.get(route as usize).is_some_and(|last| *last > time)
    }

    pub(crate) fn known_before(&self, route: u32, time: u32) -> bool {
        self.first.get(route as usize).is_some_and(|first| *first < time)
    }

    fn anywhere(&self, time: u32) -> bool {
        self.touched.iter().any(|route| self.is_known(*route, time))
    }
}

/// The past of every refusal, in the ledger's order.
pub(crate) fn pasts(facts: &Facts<'_>) -> Vec<Past> {
    let clients: Vec<u32> = failing_clients(facts);
    let parts: Vec<Vec<Past>> = clients
        .par_chunks(256)
        .map(|clients| {
            let (mut walk, mut out) = (Walk::new(facts), Vec::new());
            for client in clients {
                pasts_of(facts, *client, &mut walk, &mut out);
            }
            out
        })
        .collect();
    parts.concat()
}

/// Clients with at least one refusal, in order.
pub(crate) fn failing_clients(facts: &Facts<'_>) -> Vec<u32> {
    let mut clients: Vec<u32> = facts.ledger.refusals.iter().map(|r| r.client).collect();
    clients.dedup();
    clients
}

fn pasts_of(facts: &Facts<'_>, client: u32, walk: &mut Walk, out: &mut Vec<Past>) {
    let visits = facts.ledger.visits_of(client as usize);
    walk.take(facts, client);
    let served_with_name = visits.iter().any(|v| {
        let shape = facts.shape(v.shape());
        shape.served && shape.with_user
    });
    let first = out.len();
    for (i, visit) in visits.iter().enumerate() {
        let shape = facts.shape(visit.shape());
        let time = visit.time().0;
        if shape.served {
            walk.serve(facts, shape.route, time);
        } else if matches!(shape.status, 401 | 403) {
            // Lines of one second may stand in any order: the answer to a challenge may come before it.
            let same_second =
                visits.get(i.saturating_sub(16)..i).unwrap_or_default().iter().filter(|v| v.time().0 == time).count();
            let rest = visits.get(i - same_second..).unwrap_or_default();
            let next = look_ahead(facts, rest, shape.route, shape.with_user, time);
            out.push(Past {
                on_route: walk.is_known(shape.route, time),
                before: walk.known_before(shape.route, time),
                anywhere: walk.anywhere(time),
                resolved: next.served,
                stratum: walk.stratum(facts, shape.route, time),
                challenged: shape.status == 401 && next.named,
                logged_in_after: next.logged_in,
                had_name: served_with_name,
            });
        }
    }
    debug_assert_eq!(out.len() - first, facts.ledger.refusals_of(client as usize).len());
}

#[derive(Default)]
struct Next {
    served: bool,
    named: bool,
    logged_in: bool,
}

/// What the client did within [`RESOLVED_SECS`]. At most so many requests are looked at, so that a client that
/// hammers cannot make this quadratic.
fn look_ahead(facts: &Facts<'_>, rest: &[Seen], route: u32, had_user: bool, time: u32) -> Next {
    const REQUESTS_MAX: usize = 64;
    let mut next = Next::default();
    for visit in rest.iter().take(REQUESTS_MAX).take_while(|v| v.time().0 <= time + RESOLVED_SECS) {
        let shape = facts.shape(visit.shape());
        next.named |= !had_user && shape.with_user;
        next.served |= shape.served && shape.route == route;
        next.logged_in |= shape.served && facts.route(shape.route).logs_in;
    }
    next
}

/// Strata and kinds of client in which sessions seldom die: only there is a dead one evidence. Judged by the
/// better half of the hours, so that the fault itself does not make dying look normal.
pub(crate) struct Telling([Vec<bool>; 2]);

/// Failing and all, by hour, for each stratum, of programs and of browsers.
type ByHour = [Vec<BTreeMap<u32, (u32, u32)>>; 2];

impl Telling {
    const SHARE_MAX: f64 = 0.15;

    pub(crate) fn new(facts: &Facts<'_>, pasts: &[Past]) -> Self {
        let hours = deaths(facts, pasts);
        Self(hours.map(|strata| {
            strata.into_iter().map(|hours| better_half(hours.into_values().collect()).0 <= Self::SHARE_MAX).collect()
        }))
    }

    pub(crate) fn tells(&self, is_browser: bool, stratum: Option<u8>) -> bool {
        let [programs, browsers] = &self.0;
        let tells = if is_browser { browsers } else { programs };
        stratum.is_some_and(|stratum| tells.get(usize::from(stratum)).copied().unwrap_or(false))
    }
}

/// How many of those who come again find their session dead, of a share of the clients.
fn deaths(facts: &Facts<'_>, pasts: &[Past]) -> ByHour {
    let none = || -> ByHour { std::array::from_fn(|_| vec![BTreeMap::new(); STRATA_SECS.len()]) };
    let sampled: Vec<u32> = (0..facts.ledger.clients.len() as u32).step_by(facts.stride()).collect();
    let counted = sampled.par_chunks(4096).map(|clients| {
        let (mut hours, mut walk) = (none(), Walk::new(facts));
        for client in clients.iter().copied().filter(|client| facts.is_evident(*client)) {
            let visits = facts.ledger.visits_of(client as usize);
            if let Some(hours) = hours.get_mut(usize::from(facts.kind(client) == Kind::Browser)) {
                count_deaths(facts, pasts, client, visits, &mut walk, hours);
            }
        }
        hours
    });
    counted.reduce(none, |mut sum, other| {
        for (sum, other) in sum.iter_mut().flatten().zip(other.into_iter().flatten()) {
            for (hour, (failing, all)) in other {
                let sum = sum.entry(hour).or_default();
                *sum = (sum.0 + failing, sum.1 + all);
            }
        }
        sum
    })
}

fn count_deaths(
    facts: &Facts<'_>,
    pasts: &[Past],
    client: u32,
    visits: &[Seen],
    walk: &mut Walk,
    hours: &mut [BTreeMap<u32, (u32, u32)>],
) {
    walk.take(facts, client);
    let mut refusal = facts.ledger.refusals.partition_point(|r| r.client < client);
    for visit in visits {
        let shape = facts.shape(visit.shape());
        let stratum = if matches!(shape.status, 401 | 403) {
            refusal += 1;
            pasts.get(refusal - 1).filter(|past| shape.status == 401 && !past.challenged).and_then(|past| past.stratum)
        } else if shape.served {
            walk.serve(facts, shape.route, visit.time().0)
        } else {
            None
        };
        if let Some(hours) = stratum.and_then(|stratum| hours.get_mut(usize::from(stratum))) {
            let hour = hours.entry(visit.time().0 / 3600).or_default();
            *hour = (hour.0 + u32::from(!shape.served), hour.1 + 1);
        }
    }
}
