//! The answer in one line: is it them, or is it us? Owns the sentence that becomes a mail's subject.

use super::escape;
use super::words::{about, befell, cause, clock_on, count, counted, moment, place, share, span};
use crate::model::{
    incident::{Incident, Verdict},
    report::{Input, Report},
    time::Time,
};

/// Below this share of lines understood, in percent, the answer itself says so.
pub(super) const ENOUGH_PERCENT: u64 = 90;

/// Below this confidence a server-side fault is called suspected.
pub(super) const SURE: f64 = 0.8;

/// What the answer means for the night's sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Get up.
    Bad,
    /// Read on.
    Unsure,
    /// Sleep on.
    Good,
}

/// The first line of every report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One line of text (never markup), in which a no-break space stands where a line should not be broken.
    pub text: String,
    /// How bad it is.
    pub mood: Mood,
}

/// The answer as one line of inert text: no line end can get into a mail's subject this way. Not fit for markup.
#[must_use]
pub fn headline(report: &Report) -> String {
    escape::terminal(&answer(report).text.replace('\u{a0}', " "))
}

/// The answer.
#[must_use]
pub fn answer(report: &Report) -> Answer {
    let faults = faults(report);
    let (mut text, mood) = match faults.as_slice() {
        [] => without_fault(report),
        [fault] => (one_fault(fault, report.input.end), Mood::Bad),
        [first, second, more @ ..] => (several_faults(first, second, more), Mood::Bad),
    };
    if report.input.parsed > 0 && !understood_enough(&report.input) {
        let understood = share(report.input.parsed, text_lines(&report.input));
        text.push_str(&kept(&format!(" (only {understood} of lines understood)")));
        return Answer { text, mood: if mood == Mood::Good { Mood::Unsure } else { mood } };
    }
    Answer { text, mood }
}

/// The server-side incidents: those still on first, then the widest.
pub(super) fn faults(report: &Report) -> Vec<&Incident> {
    let mut faults: Vec<&Incident> = report.incidents.iter().filter(|i| i.verdict == Verdict::ServerSide).collect();
    faults.sort_by_key(|i| (i.end.is_some(), std::cmp::Reverse(i.clients_affected)));
    faults
}

/// The other incidents: those the log cannot decide first, then attacks, then what clients do to themselves.
pub(super) fn others(report: &Report) -> Vec<&Incident> {
    let mut others: Vec<&Incident> = report.incidents.iter().filter(|i| i.verdict != Verdict::ServerSide).collect();
    others.sort_by_key(|incident| {
        let rank = match incident.verdict {
            Verdict::ServerSide => 0,
            Verdict::Undecided => 1,
            Verdict::Attack => 2,
            Verdict::ClientSide => 3,
        };
        (rank, incident.start)
    });
    others
}

/// The answer where only one incident was asked for: it says nothing about the rest of the log.
pub(super) fn of_one(incident: &Incident, report: &Report, title: fn(&str) -> &'static str) -> Answer {
    let mood = match incident.verdict {
        Verdict::ServerSide => Mood::Bad,
        Verdict::Attack | Verdict::Undecided => Mood::Unsure,
        Verdict::ClientSide => Mood::Good,
    };
    Answer { text: format!("{} {}", whom_of_one(incident, title), when(incident, report.input.end)), mood }
}

/// `CLIENT-SIDE: token refresh, 7 clients refused (401) on /api`.
pub(super) fn whom_of_one(incident: &Incident, title: fn(&str) -> &'static str) -> String {
    let kind = match incident.verdict {
        Verdict::ServerSide => return format!("{}: {}", fault_kind(incident), whom(incident)),
        Verdict::Attack => "ATTACK",
        Verdict::ClientSide => "CLIENT-SIDE",
        Verdict::Undecided => "UNDECIDED",
    };
    format!("{kind}: {}, {}", cause(incident.cause, title), whom(incident))
}

/// Lines that could have been requests.
fn text_lines(input: &Input) -> u64 {
    input.lines.saturating_sub(input.blank)
}

/// Whether conclusions about the whole log rest on enough of it.
#[must_use]
pub fn understood_enough(input: &Input) -> bool {
    u128::from(input.parsed) * 100 >= u128::from(text_lines(input)) * u128::from(ENOUGH_PERCENT)
}

fn one_fault(fault: &Incident, log_end: Option<Time>) -> String {
    format!("{}: {} {}", fault_kind(fault), whom(fault), when(fault, log_end))
}

fn fault_kind(fault: &Incident) -> &'static str {
    if fault.confidence < SURE { "SUSPECTED SERVER-SIDE FAULT" } else { "SERVER-SIDE FAULT" }
}

/// `161 clients refused (403) on /rest/2.0`.
fn whom(incident: &Incident) -> String {
    let (clients, befell, place) = (clients(incident), befell(incident.status), place(&incident.scope, 2));
    format!("{clients} {befell} ({}) {place}", incident.status)
}

/// `since 2026-03-10 10:20 UTC, over at 12:16`.
fn when(incident: &Incident, log_end: Option<Time>) -> String {
    let since = kept(&format!("since {}", moment(incident.start)));
    let until = match (incident.end, log_end) {
        (Some(end), _) => kept(&format!("over at {}", clock_on(end, incident.start))),
        (None, Some(end)) => kept(&format!("still on at the log's end, {}", clock_on(end, incident.start))),
        (None, None) => kept("still on at the log's end"),
    };
    format!("{since}, {until}")
}

/// `161 clients`, `about 644 clients`.
fn clients(incident: &Incident) -> String {
    format!("{}{}", about(incident.approximate), counted(incident.clients_affected, "client", "clients"))
}

fn several_faults(first: &Incident, second: &Incident, more: &[&Incident]) -> String {
    let all = || [first, second].into_iter().chain(more.iter().copied());
    let ongoing = all().filter(|fault| fault.end.is_none()).count() as u64;
    let state = if ongoing == 0 { "all over".to_owned() } else { format!("{} still on", count(ongoing)) };
    let is_mixed = (1..2 + more.len() as u64).contains(&ongoing);
    let brief = |fault: &Incident| {
        let which = if is_mixed && fault.end.is_none() { ", still on" } else { "" };
        format!("{} {} {}", fault.status, place(&fault.scope, 1), kept(&format!("({}{which})", clients(fault))))
    };
    let tail = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let kind =
        if all().all(|fault| fault.confidence < SURE) { "SUSPECTED SERVER-SIDE FAULTS" } else { "SERVER-SIDE FAULTS" };
    // Of what is still on, if anything is: that is what somebody gets up for.
    let current = all().filter(|fault| ongoing == 0 || fault.end.is_none());
    let since = current.map(|fault| fault.start).min().map(moment).unwrap_or_default();
    let when = kept(&format!("since {since}"));
    format!("{} {kind}, {state}: {}, {}{tail}; {when}", 2 + more.len(), brief(first), brief(second))
}

fn without_fault(report: &Report) -> (String, Mood) {
    let input = &report.input;
    let refused = report.totals.status_401 + report.totals.status_403;
    if text_lines(input) == 0 {
        return ("NO ANSWER: nothing to read, the log is empty".to_owned(), Mood::Unsure);
    }
    if input.parsed == 0 {
        let lines = counted(text_lines(input), "line", "lines");
        return (format!("NO ANSWER: none of {lines} could be understood"), Mood::Unsure);
    }
    let total = report.totals.requests;
    if total == 0 {
        let lines = counted(input.parsed, "line", "lines");
        let has = input.start.zip(input.end).map(|(start, end)| format!("; the log has {}", kept(&span(start, end))));
        let has = has.unwrap_or_default();
        return (format!("NO ANSWER: none of {lines} lies in the span asked for{has}"), Mood::Unsure);
    }
    if refused == 0 && report.incidents.is_empty() {
        return (format!("NO 401 OR 403 in {}", counted(total, "request", "requests")), Mood::Good);
    }
    let refused = format!("{} of {} refused", count(refused), counted(total, "request", "requests"));
    let others = others_in_words(report);
    if report.incidents.iter().any(|i| i.verdict == Verdict::Undecided) {
        return (format!("UNDECIDED: {others}; {refused}, no server-side fault proven"), Mood::Unsure);
    }
    let others = if others.is_empty() { "no incident".to_owned() } else { others };
    if input.begins_late && input.lead.is_none() {
        let why = "no fault shows, but what came before the span asked for was left out";
        return (format!("UNDECIDED: {others}; {refused}; {why}"), Mood::Unsure);
    }
    if report.totals.status_401 + report.totals.status_403 == total {
        return (format!("UNDECIDED: {others}; {refused}, so nobody is known good"), Mood::Unsure);
    }
    // What was not read may hold the fault, or its beginning.
    let is_all =
        understood_enough(input) && !input.begins_late && input.files.iter().all(|file| file.problem.is_none());
    let denial = if is_all { "NOT THE SERVER" } else { "NO SERVER FAULT SEEN" };
    (format!("{denial}: {others}; {refused}, nothing that known-good clients share"), Mood::Good)
}

/// `2 attacks, 1 client-side incident`; empty where there is none.
fn others_in_words(report: &Report) -> String {
    let kinds = [
        (Verdict::Undecided, "incident the log cannot decide", "incidents the log cannot decide"),
        (Verdict::Attack, "attack", "attacks"),
        (Verdict::ClientSide, "client-side incident", "client-side incidents"),
    ];
    let phrases = kinds.into_iter().filter_map(|(verdict, one, many)| {
        let number = report.incidents.iter().filter(|i| i.verdict == verdict).count() as u64;
        (number > 0).then(|| counted(number, one, many))
    });
    phrases.collect::<Vec<_>>().join(", ")
}

/// The same with its spaces made unbreakable, the first one excepted where the text starts with it.
fn kept(text: &str) -> String {
    match text.strip_prefix(' ') {
        Some(rest) => format!(" {}", rest.replace(' ', "\u{a0}")),
        None => text.replace(' ', "\u{a0}"),
    }
}
