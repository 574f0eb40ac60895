//! What each refused client had been before: known on that route or a stranger, served again or not.
//!
//! One walk over each client's requests in order of time. The answer is kept for refusals only; whoever needs
//! it for served requests walks again with [`Walk`].

use super::facts::Facts;
use crate::model::tally::Seen;
use rayon::prelude::*;

/// A refusal that is answered by success on the same route within so many seconds was a challenge, a typing
/// error or an expired session: everyday.
pub(crate) const RESOLVED_SECS: u32 = 120;
/// How far back a client must have been served for its session to be worth believing in.
pub(crate) const GAP_SECS: u32 = 2 * 3600;
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
    /// Seconds since it was last served on this route, where it was.
    pub(crate) gap_secs: Option<u32>,
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
    latest: Vec<u32>,
    touched: Vec<u32>,
}

impl Walk {
    pub(crate) fn new(facts: &Facts<'_>) -> Self {
        let routes = facts.routes.len();
        Self { first: vec![NEVER; routes], last: vec![0; routes], latest: vec![NEVER; routes], touched: Vec::new() }
    }

    /// Takes up a client.
    pub(crate) fn take(&mut self, facts: &Facts<'_>, visits: &[Seen]) {
        for route in self.touched.drain(..) {
            let at = route as usize;
            if let (Some(first), Some(last), Some(latest)) = (self.first.get_mut(at), self.last.get_mut(at), self.latest.get_mut(at)) {
                (*first, *last, *latest) = (NEVER, 0, NEVER);
            }
        }
        for visit in visits {
            let shape = facts.shape(visit.shape());
            if !shape.served {
                continue;
            }
            let (Some(first), Some(last)) = (self.first.get_mut(shape.route as usize), self.last.get_mut(shape.route as usize)) else { continue };
            if *first == NEVER {
                *first = visit.time().0;
                self.touched.push(shape.route);
            }
            *last = visit.time().0;
        }
    }

    /// Notes a service; gives the seconds since the one before it on this route.
    pub(crate) fn serve(&mut self, route: u32, time: u32) -> Option<u32> {
        let gap = self.gap(route, time);
        if let Some(latest) = self.latest.get_mut(route as usize) {
            *latest = time;
        }
        gap
    }

    /// Seconds since the latest noted service on this route.
    pub(crate) fn gap(&self, route: u32, time: u32) -> Option<u32> {
        self.latest.get(route as usize).filter(|latest| **latest != NEVER).map(|latest| time - latest)
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
    walk.take(facts, visits);
    let served_with_name = visits.iter().any(|v| {
        let shape = facts.shape(v.shape());
        shape.served && shape.with_user
    });
    let first = out.len();
    for (i, visit) in visits.iter().enumerate() {
        let shape = facts.shape(visit.shape());
        let time = visit.time().0;
        if shape.served {
            walk.serve(shape.route, time);
        } else if matches!(shape.status, 401 | 403) {
            // Lines of one second may stand in any order: the answer to a challenge may come before it.
            let same_second = visits.get(i.saturating_sub(16)..i).unwrap_or_default().iter().filter(|v| v.time().0 == time).count();
            let rest = visits.get(i - same_second..).unwrap_or_default();
            let next = look_ahead(facts, rest, shape.route, shape.with_user, time);
            out.push(Past {
                on_route: walk.is_known(shape.route, time),
                before: walk.known_before(shape.route, time),
                anywhere: walk.anywhere(time),
                resolved: next.served,
                gap_secs: walk.gap(shape.route, time),
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
