//! IIS lines without their header, in whatever set of columns a site chose. Owns finding the fields by their looks,
//! which IIS's fixed order allows: method, path, query, port, user and client stand side by side, the agent behind
//! them, and status, substatus and Windows status are three numbers in a row.
//!
//! What a request sent stands between the agent and those numbers, so that a number there could be taken for the status:
//! where more stand in a row than can be told apart, the line is not read.

use super::{
    slots::{Numbers, Slot, Workspace},
    timestamp::ClfMemo,
    values,
};
use crate::model::event::{Reason, Rejection};
use std::ops::Range;

/// Blanks of the shortest line: from the day to the Windows status.
pub(super) const BLANKS_MIN: usize = 11;
/// Words of a line that are looked at.
const WORDS_MAX: usize = 64;
/// Site, computer and the server's address may stand between the time and the method.
const METHOD_AT: Range<usize> = 2..6;
/// From the method on: path, query, port, user, client.
const USER: usize = 4;
const CLIENT: usize = 5;
/// Cookie, referer and host may stand behind the agent.
const EXTRAS_MAX: usize = 3;
/// Status, substatus, Windows status, bytes sent, bytes received, time taken.
const RUN_MAX: usize = 6;

/// Reads one line into the workspace.
///
/// # Errors
/// That it is no such line.
pub(super) fn read(line: &[u8], clock: &mut ClfMemo, work: &mut Workspace) -> Result<Numbers, Rejection> {
    work.clear();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    find(line, work).ok_or(Rejection::new(Reason::NoField, 0))?;
    work.join_target(line);
    work.numbers(line, clock)
}

fn find(line: &[u8], work: &mut Workspace) -> Option<()> {
    let is_dated = line.get(4) == Some(&b'-') && line.get(10) == Some(&b' ') && line.get(13) == Some(&b':');
    let words = is_dated.then(|| words(line))?;
    let text = |at: usize| words.get(at).and_then(|span| line.get(span.clone())).unwrap_or_default();
    let method = METHOD_AT.into_iter().find(|at| is_method(text(*at)) && text(at + 1).starts_with(b"/"))?;
    let client = method + CLIENT;
    is_address(text(client)).then_some(())?;
    let protocol = client + 1;
    let agent = protocol + usize::from(text(protocol).starts_with(b"HTTP/"));
    let is_number = |at: &usize| !text(*at).is_empty() && text(*at).iter().all(u8::is_ascii_digit);
    let is_run = |at: &usize| values::whole_status(text(*at)).is_some() && is_number(&(at + 1)) && is_number(&(at + 2));
    let status = (agent + 1..agent + 2 + EXTRAS_MAX).find(is_run)?;
    let run = (status..).take_while(is_number).count();
    // Five are bytes without a time, or a number that was sent as the referer before four.
    let is_sure = run < RUN_MAX - 1 || run == RUN_MAX || values::whole_status(text(status + 1)).is_none();
    (run <= RUN_MAX && is_sure).then_some(())?;

    let mut put = |slot, at: usize| work.put(slot, 0, words.get(at).cloned().unwrap_or_default(), false);
    put(Slot::Date, 0);
    put(Slot::Time, 1);
    put(Slot::Method, method);
    put(Slot::Target, method + 1);
    put(Slot::Query, method + 2);
    put(Slot::User, method + USER);
    put(Slot::Client, client);
    if agent > protocol {
        put(Slot::Protocol, protocol);
    }
    put(Slot::Status, status);
    if run >= RUN_MAX - 1 {
        put(Slot::Bytes, status + 3);
    }
    let last = status - 1;
    let is_url = |at: &usize| text(*at).windows(3).any(|part| part == b"://");
    match last - agent {
        0 => {}
        1 => put(Slot::Referer, last),
        _ if is_url(&last) || text(last) == b"-" => put(Slot::Referer, last),
        _ => {
            put(Slot::Vhost, last);
            if is_url(&(last - 1)) {
                put(Slot::Referer, last - 1);
            }
        }
    }
    let forwarded = status + run;
    let blanks_back = |out: &mut Vec<u8>, at| out.extend(text(at).iter().map(|b| if *b == b'+' { b' ' } else { *b }));
    if is_address(values::first_of_list(text(forwarded))) {
        work.put_decoded(Slot::ForwardedFor, 0, |out| blanks_back(out, forwarded));
    }
    work.put_decoded(Slot::Agent, 0, |out| blanks_back(out, agent));
    Some(())
}

fn words(line: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let spans = line.split(|b| *b == b' ').map(|word| {
        let span = start..start + word.len();
        start = span.end + 1;
        span
    });
    spans.filter(|span| !span.is_empty()).take(WORDS_MAX).collect()
}

fn is_method(text: &[u8]) -> bool {
    text.len() >= 3 && text.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'_'))
}

/// An address, with or without the zone of IPv6.
fn is_address(text: &[u8]) -> bool {
    let text = text.split(|b| *b == b'%').next().unwrap_or_default();
    values::is_address(values::bare_address(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Option<String> {
        let mut work = Workspace::default();
        let numbers = read(line.as_bytes(), &mut ClfMemo::default(), &mut work).ok()?;
        let event = work.event(line.as_bytes(), numbers);
        let texts = [event.client, event.user, event.vhost, event.target, event.referer, event.agent];
        let texts = texts.map(String::from_utf8_lossy).join("|");
        Some(format!("{} {} {texts}|{}", event.status, event.bytes, String::from_utf8_lossy(event.forwarded_for)))
    }

    #[test]
    fn every_set_of_columns_is_found() {
        for (line, expected) in [
            (
                "10.0.0.12 GET /a b=c 443 EXAMPLE\\alice 192.0.2.7 x+y 401 2 5 12",
                "401 0 192.0.2.7|EXAMPLE\\alice||/a?b=c||x y|",
            ),
            (
                "web-01 10.0.0.12 GET /a ?b=c 443 - 192.0.2.7 x - 401 501 0 12 198.51.100.4,+10.0.0.1 59050",
                "401 0 192.0.2.7|||/a?b=c||x|198.51.100.4, 10.0.0.1",
            ),
            (
                "W3SVC1 10.0.0.12 GET /a - 443 - fe80::7%3 HTTP/1.1 x - www.example.com 403 4 5 179 306 12",
                "403 179 fe80::7%3||www.example.com|/a||x|",
            ),
            (
                "W3SVC1 WEB 10.0.0.12 GET /a - 443 - 192.0.2.7 - c=d https://x/ www.example.com 401 2 5 12",
                "401 0 192.0.2.7||www.example.com|/a|https://x/||",
            ),
            (
                "10.0.0.12 GET /a - 443 - 192.0.2.7 x c=d;+e=f https://x/ 401 2 5 179 306 12 198.51.100.4",
                "401 179 192.0.2.7|||/a|https://x/|x|198.51.100.4",
            ),
        ] {
            assert_eq!(said(&format!("2026-03-10 10:20:52 {line}")).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn numbers_that_a_client_sent_are_no_status() {
        for line in [
            "10.0.0.12 GET /a - 443 - 192.0.2.7 x 200 401 2 5 12",
            "10.0.0.12 GET /a - 443 - 192.0.2.7 x 200 401 2 5 179 306 12",
            "10.0.0.12 GET /a - 443 192.0.2.7 203.0.113.66/ x - 401 2 5 12",
            "10.0.0.12 GET /a - 443 - 192.0.2.7 200 0 5",
        ] {
            assert_eq!(said(&format!("2026-03-10 10:20:52 {line}")), None, "{line}");
        }
    }
}
