//! How those who were refused fared during a fault: whether a new login helped, whether they were served and refused
//! in turn, and whether it was the young logins that were refused. This tells apart faults of sessions that look the
//! same when refusals are only counted.

use super::{agent::Kind, facts::Facts, history::RESOLVED_SECS, refine::Cluster, verdict::visits_between};
use std::collections::BTreeSet;

/// Distinct victims, unless it says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Course {
    /// Logged in, or renewed a token, during the fault.
    pub(crate) logged_in: u32,
    /// Of them, those refused at the next request that a login should have opened.
    pub(crate) refused_after: u32,
    /// Served in scope, and refused again with no login in between.
    pub(crate) relapsed: u32,
    /// Refused at something else than a login.
    pub(crate) beside_login: u32,
    /// Refused, and then served with the same login.
    pub(crate) healed: u32,
    /// Of a refused and a served request, both after a login, how likely the refused one has the younger login; none
    /// where there are too few.
    pub(crate) young: Option<f64>,
    /// The age in seconds below which nine of ten refused logins are.
    pub(crate) young_secs: u32,
    /// Programs refused, and programs that were served on such routes all along.
    pub(crate) programs: u32,
    pub(crate) programs_spared: u32,
}

/// Follows the victims of a cluster.
pub(crate) fn follow(facts: &Facts<'_>, cluster: &Cluster, status: u16, victims: &BTreeSet<u32>) -> Course {
    let mut course = Course::default();
    let (mut refused_ages, mut served_ages) = (Vec::new(), Vec::new());
    for client in victims {
        let one = follow_one(facts, cluster, status, *client, &mut refused_ages, &mut served_ages);
        course.logged_in += u32::from(one.logged_in);
        course.refused_after += u32::from(one.refused_after);
        course.relapsed += u32::from(one.relapsed);
        course.healed += u32::from(one.healed);
        course.beside_login += u32::from(one.beside_login);
        course.programs += u32::from(facts.kind(*client) == Kind::Tool);
    }
    refused_ages.sort_unstable();
    course.young_secs = refused_ages.get(refused_ages.len() * 9 / 10).copied().unwrap_or(0);
    course.young = younger(&refused_ages, served_ages);
    course.programs_spared = spared_programs(facts, cluster, status, victims);
    course
}

#[derive(Default)]
struct One {
    logged_in: bool,
    refused_after: bool,
    relapsed: bool,
    healed: bool,
    beside_login: bool,
}

/// One client, from half a day before the fault, so that the age of its login is known.
fn follow_one(
    facts: &Facts<'_>,
    cluster: &Cluster,
    status: u16,
    client: u32,
    refused_ages: &mut Vec<u32>,
    served_ages: &mut Vec<u32>,
) -> One {
    const BEFORE_SECS: u32 = 43_200;
    let mut one = One::default();
    let (mut login, mut is_first_after, mut was_served) = (None, false, false);
    // Ages of the latest refusals: a login straight after them says that the old one had simply ended.
    let mut pending: Vec<(u32, u32)> = Vec::new();
    for visit in visits_between(facts, client, cluster.from.saturating_sub(BEFORE_SECS), cluster.to) {
        let (shape, time) = (facts.shape(visit.shape()), visit.time().0);
        let (inside, refused) = (time >= cluster.from, shape.status == status);
        if facts.route(shape.route).logs_in {
            if shape.served {
                pending.retain(|(refused, _)| time - refused > RESOLVED_SECS);
                refused_ages.extend(pending.drain(..).map(|(_, age)| age));
                (login, is_first_after, was_served) = (Some(time), inside, false);
                one.logged_in |= inside;
            }
            continue;
        }
        if !inside || !(refused || shape.served) || !cluster.bounds.contain(facts, shape.leaf, client) {
            continue;
        }
        one.beside_login |= refused;
        one.refused_after |= refused && is_first_after;
        one.relapsed |= refused && was_served;
        is_first_after = false;
        was_served |= shape.served && facts.opens_by_session(shape.route);
        if let Some(login) = login {
            if refused {
                pending.push((time, time - login));
            } else {
                one.healed |= !pending.is_empty();
                refused_ages.extend(pending.drain(..).map(|(_, age)| age));
                if facts.opens_by_session(shape.route) {
                    served_ages.push(time - login);
                }
            }
        }
    }
    refused_ages.extend(pending.into_iter().map(|(_, age)| age));
    one
}

/// The share of pairs of a refused and a served age in which the refused one is younger: Mann and Whitney's U.
fn younger(refused: &[u32], mut served: Vec<u32>) -> Option<f64> {
    const ENOUGH: usize = 8;
    if refused.len() < ENOUGH || served.len() < ENOUGH {
        return None;
    }
    served.sort_unstable();
    let older = |age: &u32| (served.len() - served.partition_point(|s| s <= age)) as f64;
    Some(refused.iter().map(older).sum::<f64>() / (refused.len() as f64 * served.len() as f64))
}

/// Programs that sessions or tokens let in during the fault and that never were refused in it.
fn spared_programs(facts: &Facts<'_>, cluster: &Cluster, status: u16, victims: &BTreeSet<u32>) -> u32 {
    let programs = (0..facts.ledger.clients.len() as u32)
        .filter(|client| facts.kind(*client) == Kind::Tool && !victims.contains(client));
    let is_spared = |client: &u32| {
        let shapes = || visits_between(facts, *client, cluster.from, cluster.to).iter().map(|v| facts.shape(v.shape()));
        shapes().any(|shape| shape.served && facts.opens_by_session(shape.route))
            && shapes().all(|shape| shape.status != status)
    };
    programs.filter(is_spared).count() as u32
}

#[cfg(test)]
mod tests {
    use super::younger;

    #[test]
    fn pairs_are_counted() {
        assert_eq!(younger(&[1; 8], vec![9; 8]), Some(1.0));
        assert_eq!(younger(&[9; 8], vec![1; 8]), Some(0.0));
        assert_eq!(younger(&[0, 1, 2, 3, 4, 5, 6, 7], (0..8).collect()), Some(28.0 / 64.0));
        assert_eq!(younger(&[1; 8], vec![9; 7]), None);
    }
}
