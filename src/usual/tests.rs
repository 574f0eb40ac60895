//! What stands out, and what does not.

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
        assert!(!stands_out(&refused[..3], when), "three are no wave");
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
    let paths: Vec<&'static str> = (0..2000).map(|nth| &*Box::leak(format!("/scan{nth}/x").into_boxed_str())).collect();
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
