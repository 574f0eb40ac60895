//! Everybody from the clients that were kept: where memory did not hold all, counts are scaled up, and each says so.
//!
//! Requests, 401s and 403s of the whole log and of its windows are counted beside, so they stay exact.

use super::{classify::EventCause, facts::Facts, reported::Reported};
use crate::model::{
    incident::Incident,
    report::{EventCauses, Totals, Window},
    tally::Kept,
};

/// A number of clients, scaled up; there is no more than one for each request, and one where there is a request.
fn clients(kept: u64, one_in: u64, requests: u64) -> u64 {
    if one_in == 1 { kept } else { kept.saturating_mul(one_in).clamp(u64::from(requests > 0), requests) }
}

/// Adds those that were only counted.
pub(crate) fn totals(totals: Totals, reported: Reported<'_>) -> Totals {
    let kept = reported.ledger.kept;
    let (counted, one_in) = (reported.counted().all(), kept.one_in());
    let requests = totals.requests + counted.requests;
    let (status_401, status_403) = (totals.status_401 + counted.on_401, totals.status_403 + counted.on_403);
    Totals {
        requests,
        clients: clients(totals.clients, one_in, requests),
        status_401,
        status_403,
        failing_clients: clients(totals.failing_clients, one_in, status_401 + status_403),
        approximate: !kept.is_all(),
        kept_one_in: if kept.is_nobody() { 0 } else { one_in },
    }
}

/// The same for the windows.
pub(crate) fn windows(windows: &mut [Window], kept: Kept) {
    let one_in = kept.one_in();
    for window in windows.iter_mut().filter(|_| !kept.is_all()) {
        window.clients = clients(window.clients, one_in, window.requests);
        window.failing_clients = clients(window.failing_clients, one_in, window.status_401 + window.status_403);
        window.approximate = true;
    }
}

/// All refusals by the causes that those of the same status have; without any of them, by what a refusal without a
/// past has.
pub(crate) fn event_causes(facts: &Facts<'_>, reported: Reported<'_>, causes: &[EventCause]) -> EventCauses {
    let counted = reported.counted().all();
    let mut sums = [0; EventCause::ALL.len()];
    let by_status = [(401, counted.on_401, EventCause::NoCredentials), (403, counted.on_403, EventCause::Unauthorized)];
    for (status, counted, usual) in by_status {
        let mut kept = [0; EventCause::ALL.len()];
        for (refusal, cause) in facts.ledger.refusals.iter().zip(causes) {
            if reported.holds(refusal.time)
                && facts.shape(refusal.shape as usize).status == status
                && let Some(count) = kept.get_mut(*cause as usize)
            {
                *count += 1;
            }
        }
        let shares = shared_out(counted, &kept, usual as usize);
        for ((sum, kept), share) in sums.iter_mut().zip(kept).zip(shares) {
            *sum += kept + share;
        }
    }
    let [no_credentials, incorrect_credentials, expired_session, unauthorized, server_misconfig] = sums;
    EventCauses {
        no_credentials,
        incorrect_credentials,
        expired_session,
        unauthorized,
        server_misconfig,
        approximate: !facts.ledger.kept.is_all(),
    }
}

/// A number in the proportions of some counts, in whole ones: each share is cut at its end, which is rounded down.
fn shared_out<const N: usize>(number: u64, counts: &[u64; N], otherwise: usize) -> [u64; N] {
    let mut shares = [0; N];
    let all: u64 = counts.iter().sum();
    if all == 0 {
        if let Some(share) = shares.get_mut(otherwise) {
            *share = number;
        }
        return shares;
    }
    let (mut before, mut given) = (0, 0);
    for (share, count) in shares.iter_mut().zip(counts) {
        before += count;
        let end = (u128::from(number) * u128::from(before) / u128::from(all)) as u64;
        *share = end - given;
        given = end;
    }
    shares
}

/// Scales an incident up. Its evidence keeps the numbers that it rests on.
pub(crate) fn incident(incident: &mut Incident, kept: Kept) {
    if kept.is_all() {
        return;
    }
    let one_in = kept.one_in();
    let scale = |count: &mut u64| *count = count.saturating_mul(one_in);
    scale(&mut incident.clients_affected);
    scale(&mut incident.clients_active);
    scale(&mut incident.clients_known_good);
    scale(&mut incident.users_affected);
    scale(&mut incident.requests_failed);
    scale(&mut incident.requests_total);
    incident.requests_failed_expected *= one_in as f64;
    incident.approximate = true;
    for spared in &mut incident.spared {
        scale(&mut spared.clients);
        scale(&mut spared.failing);
        spared.approximate = true;
    }
    for point in &mut incident.timeline {
        scale(&mut point.requests);
        scale(&mut point.failed);
        scale(&mut point.active_clients);
        scale(&mut point.failing_clients);
        point.approximate = true;
    }
}

/// What that means for whoever reads the report.
pub(crate) fn limits(kept: Kept) -> Option<String> {
    let said = || {
        format!(
            "not every client fitted into --memory: one in {} was kept, with all its requests, drawn by its address \
             and user agent. Requests, 401s and 403s of the log and of its windows are exact, other counts are \
             estimates from those who were kept, and evidence speaks of these alone; what a few clients did, such as \
             an attack from one address, may be missing",
            kept.one_in()
        )
    };
    if kept.is_nobody() {
        return Some(
            "not even one client fitted into --memory: only the requests, 401s and 403s of the log and of its windows \
             were counted"
                .to_owned(),
        );
    }
    (!kept.is_all()).then(said)
}

#[cfg(test)]
mod tests {
    use super::{clients, shared_out};

    #[test]
    fn shares_add_up_to_the_whole() {
        for number in [0, 1, 7, 1000, u64::from(u32::MAX)] {
            for counts in [[1, 1, 1], [0, 0, 5], [3, 0, 4], [999, 1, 0]] {
                assert_eq!(shared_out(number, &counts, 0).iter().sum::<u64>(), number, "{number} {counts:?}");
            }
        }
        assert_eq!(shared_out(100, &[30, 0, 10], 1), [75, 0, 25]);
        assert_eq!(shared_out(100, &[0, 0, 0], 1), [0, 100, 0]);
    }

    #[test]
    fn there_are_not_more_clients_than_requests() {
        assert_eq!((clients(3, 1, 2), clients(3, 4, 100), clients(3, 4, 7), clients(0, 4, 7)), (3, 12, 7, 1));
    }
}
