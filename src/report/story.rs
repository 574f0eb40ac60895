//! An incident told in the order of an incident report: summary, impact, timeline, detection, scope, likely cause,
//! evidence, next checks. Owns what is said and in which sentence; the renderers for sharing own how it looks.
//!
//! Everything here is text of mixed origin, unescaped.

use super::words::{
    self, befell, cause, clock_on, confidence, count, counted, date, duration, moment, share, span, with_seconds,
};
use crate::{
    model::{
        incident::{Incident, Severity, State, TimelinePoint, Verdict},
        report::{Input, Report},
        time::Time,
    },
    report::answer,
};

/// Limits on what a stranger may write into a sentence.
const MOST_VALUES: usize = 12;
const LONGEST_VALUE: usize = 160;

/// What people fill in: a log does not know it.
pub(super) const FOR_PEOPLE: [(&str, &str); 6] = [
    ("Owner", "who sees it through"),
    ("How it was noticed", "by whom, when, and how that could have taken half the time"),
    ("Resolution", "what ended it"),
    ("What went well", ""),
    ("What went badly, and where there was luck", ""),
    ("Action items", "what, who, until when"),
];

/// A fact with a name.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// A point of the timeline, and how it was arrived at.
pub(super) struct Moment {
    pub(super) time: Time,
    pub(super) what: &'static str,
    pub(super) how: String,
}

/// A part of the traffic beside others: hit or spared.
pub(super) struct Part {
    pub(super) is_hit: bool,
    pub(super) dimension: String,
    pub(super) value: String,
    pub(super) clients: u64,
    pub(super) failing: u64,
}

/// A check in words, and the command for it.
pub(super) struct Check<'a> {
    pub(super) words: String,
    pub(super) commands: Vec<&'a str>,
}

/// The likely cause with a capital letter.
pub(super) fn title(incident: &Incident, title: fn(&str) -> &'static str) -> String {
    capital(&cause(incident.cause, title))
}

/// Whose fault, for a label.
pub(super) fn verdict(incident: &Incident) -> &'static str {
    match incident.verdict {
        Verdict::ServerSide if incident.confidence < answer::SURE => "Suspected server-side fault",
        Verdict::ServerSide => "Server-side fault",
        Verdict::Attack => "Attack",
        Verdict::ClientSide => "Client-side",
        Verdict::Undecided => "Undecided",
    }
}

/// Two sentences with numbers: what befell whom and when; whose fault, and the likely cause.
pub(super) fn summary(incident: &Incident, input: &Input, title: fn(&str) -> &'static str) -> [String; 2] {
    let length = duration(seconds(incident, input));
    let when = match (incident.end, input.end) {
        (Some(end), _) => format!("{} ({length})", capital(&span_in_words(incident.start, end))),
        (None, Some(end)) => format!(
            "Since {}, and still at the end of the log at {} ({length} so far)",
            moment(incident.start),
            clock_on(end, incident.start)
        ),
        (None, None) => format!("Since {}, and still at the end of the log", moment(incident.start)),
    };
    let were = if incident.clients_affected == 1 && incident.clients_active == 0 { "was" } else { "were" };
    let place = words::place(&incident.scope, 3);
    let first = format!(
        "{when}, {} {were} {} ({}) {place}: {}.",
        clients(incident),
        befell(incident.status),
        incident.status,
        requests(incident)
    );
    let whose = match incident.verdict {
        Verdict::ServerSide => "the server's fault",
        Verdict::Attack => "an attack",
        Verdict::ClientSide => "the clients' own doing",
        Verdict::Undecided => "undecided: the log cannot tell whose fault it is",
    };
    let second = format!(
        "It is {whose}, {}; the likely cause, inferred from the log, is: {}.",
        confidence(incident.confidence),
        cause(incident.cause, title)
    );
    [first, second]
}

fn span_in_words(start: Time, end: Time) -> String {
    format!("between {}", span(start, end).replacen(" to ", " and ", 1))
}

/// `32 of 40 active clients`.
fn clients(incident: &Incident) -> String {
    let about = words::about(incident.approximate);
    match incident.clients_active {
        0 => format!("{about}{}", counted(incident.clients_affected, "client", "clients")),
        active => {
            let active = counted(active, "active client", "active clients");
            format!("{about}{} of {active}", count(incident.clients_affected))
        }
    }
}

fn requests(incident: &Incident) -> String {
    format!(
        "{}{} of all {} in scope ({}), where the usual rate would give {}",
        words::about(incident.approximate),
        count(incident.requests_failed),
        counted(incident.requests_total, "request", "requests"),
        share(incident.requests_failed, incident.requests_total),
        expected(incident.requests_failed_expected)
    )
}

/// Failures that the usual rate would have given, with a decimal where there are few.
pub(super) fn expected(failures: f64) -> String {
    // `as` saturates, and a negative or missing number becomes 0.
    if failures < 10.0 { format!("{:.1}", failures.max(0.0)) } else { count(failures.round() as u64) }
}

/// How long it was on, as far as the log knows.
pub(super) fn seconds(incident: &Incident, input: &Input) -> u32 {
    let last = incident.end.or(input.end).unwrap_or(incident.start);
    last.0.saturating_sub(incident.start.0)
}

/// Whom it hit and how badly.
pub(super) fn impact(incident: &Incident, input: &Input) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value };
    let affected = incident.clients_affected;
    let mut facts = vec![
        fact("Clients", format!("{} ({})", clients(incident), share(affected, incident.clients_active.max(affected)))),
        fact("Known good", format!("{} of them were served there before or after", count(incident.clients_known_good))),
    ];
    if incident.users_affected > 0 {
        let names = counted(incident.users_affected, "user name", "user names");
        facts.push(fact("Users", format!("{names} on the refused requests (claimed: anybody may type any name)")));
    }
    facts.push(fact("Requests", requests(incident)));
    let so_far = if incident.end.is_none() { " so far" } else { "" };
    facts.push(fact("Duration", format!("{}{so_far}", duration(seconds(incident, input)))));
    if let Some(worst) = worst(incident) {
        let slice = duration(incident.timeline_step_secs);
        facts.push(fact(
            "At worst",
            format!(
                "{} of {} {} in {slice} from {}",
                count(worst.failing_clients),
                counted(worst.active_clients, "active client", "active clients"),
                befell(incident.status),
                moment(worst.time)
            ),
        ));
    }
    facts.push(fact("Severity", severity(incident.severity).to_owned()));
    facts
}

/// The slice with the most failing clients, the first of several.
pub(super) fn worst(incident: &Incident) -> Option<&TimelinePoint> {
    let points = incident.timeline.iter().filter(|point| point.failing_clients > 0);
    points.max_by_key(|point| (point.failing_clients, std::cmp::Reverse(point.time)))
}

/// Whether a slice of the timeline lies in the incident's time, at least in part.
pub(super) fn is_within(incident: &Incident, slice: Time) -> bool {
    slice.0.saturating_add(incident.timeline_step_secs) > incident.start.0 && incident.end.is_none_or(|end| slice < end)
}

/// How bad, in words.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical: users are locked out",
        Severity::Warning => "warning: can wait for working hours",
        Severity::Info => "info: nothing to do now",
    }
}

/// Whether it is over, in words.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Ended => "over",
        State::Ongoing => "still on at the end of the log",
    }
}

/// When what happened, in order, each with how the time was arrived at.
pub(super) fn timeline(incident: &Incident, input: &Input) -> Vec<Moment> {
    let is_refusal = befell(incident.status) == "refused";
    let first = match incident.samples.first() {
        Some(line) => format!("{}:{}", line.file, line.line),
        None => "the first one that belongs to it".to_owned(),
    };
    let after = duration(incident.detected_at.0.saturating_sub(incident.start.0));
    let mut moments = vec![
        Moment { time: incident.start, what: if is_refusal { "First refusal" } else { "First failure" }, how: first },
        Moment {
            time: incident.detected_at,
            what: "Detectable",
            how: format!("a reader of the log could have said so with the same confidence, {after} after the start"),
        },
        Moment { time: incident.peak, what: "Peak", how: "the slice with the most refused clients begins".to_owned() },
    ];
    match (incident.end, input.end) {
        (Some(time), _) => {
            moments.push(Moment { time, what: "Over", how: "the second after the last refusal".to_owned() });
        }
        (None, Some(time)) => {
            moments.push(Moment { time, what: "End of the log", how: "still on".to_owned() });
        }
        (None, None) => {}
    }
    // Stable, so that what happens in one second stays in the order of an incident's life.
    moments.sort_by_key(|moment| moment.time);
    moments
}

/// How soon it could have been known.
pub(super) fn detection(incident: &Incident) -> String {
    let after = duration(incident.detected_at.0.saturating_sub(incident.start.0));
    format!(
        "From {} UTC the log held enough to say this with the same confidence: {after} after the first failure. \
         When it was really noticed, the log does not say.",
        with_seconds(incident.detected_at)
    )
}

/// What was hit, and beside it what could have been hit and was not.
pub(super) fn parts(incident: &Incident) -> Vec<Part> {
    let dimensions = words::dimensions(&incident.scope);
    let mut hit: Vec<String> = Vec::new();
    for (name, values) in &dimensions {
        let values: Vec<String> = values.iter().map(|value| words::shorten(value, LONGEST_VALUE)).collect();
        hit.push(format!("{} {}", words::dimension(name), words::list(&values, MOST_VALUES)));
    }
    let whole = Part {
        is_hit: true,
        dimension: String::new(),
        value: if hit.is_empty() { "the whole site: no smaller part holds it".to_owned() } else { hit.join("; ") },
        clients: incident.clients_active.max(incident.clients_affected),
        failing: incident.clients_affected,
    };
    let spared = incident.spared.iter().map(|spared| Part {
        is_hit: false,
        dimension: words::dimension(spared.dimension).to_owned(),
        value: words::shorten(&spared.value, LONGEST_VALUE),
        clients: spared.clients,
        failing: spared.failing,
    });
    std::iter::once(whole).chain(spared).collect()
}

/// The likely cause and how sure it is.
pub(super) fn likely_cause(incident: &Incident, title: fn(&str) -> &'static str) -> String {
    format!(
        "{}. This is inferred from the log, which shows what happened and not why: read it as the first thing to \
         check. That it is {}: {}.",
        self::title(incident, title),
        words::verdict(incident.verdict),
        confidence(incident.confidence)
    )
}

/// The next checks, each in words and commands.
pub(super) fn checks(incident: &Incident) -> Vec<Check<'_>> {
    let parts = incident.next_checks.iter().map(|check| words::split_commands(check));
    parts.map(|(words, commands)| Check { words, commands }).collect()
}

/// The numbers that decided what is called what.
pub(super) fn thresholds(report: &Report) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value };
    let mut facts = vec![
        fact("Suspected only", format!("a server-side fault below a confidence of {}", answer::SURE)),
        fact(
            "Reservation in the first line",
            format!("where less than {} % of the lines were understood", answer::ENOUGH_PERCENT),
        ),
    ];
    if let Some(window) = report.windows.first() {
        facts.push(fact("Windows", format!("{} each", duration(window.seconds))));
    }
    facts.push(fact("Tool", concat!("authfault ", env!("CARGO_PKG_VERSION")).to_owned()));
    facts
}

/// How much was read: `4,187 lines in 1 file, 2026-03-10 07:00 to 16:59 UTC, all understood`.
pub(super) fn coverage(report: &Report) -> String {
    let input = &report.input;
    let files = counted(input.files.len() as u64, "file", "files");
    let mut text = format!("{} in {files}", counted(input.lines, "line", "lines"));
    if let (Some(start), Some(end)) = (input.start, input.end) {
        text.push_str(&format!(", {}", span(start, end)));
    }
    match (input.parsed, input.rejected) {
        (0, 0) => {}
        (_, 0) => text.push_str(", all understood"),
        (parsed, rejected) => {
            text.push_str(&format!(": {} understood, {} not", count(parsed), count(rejected)));
        }
    }
    if input.blank > 0 {
        text.push_str(&format!(", {} blank", count(input.blank)));
    }
    let notes = [input.lead.as_ref().map(words::judged_by), words::estimated(&report.totals)];
    for note in notes.into_iter().flatten() {
        text.push_str(&format!(". {note}"));
    }
    text
}

/// The whole log in a sentence.
pub(super) fn whole_log(report: &Report) -> String {
    let totals = &report.totals;
    let refused = totals.status_401 + totals.status_403;
    format!(
        "{}, {} refused ({}): {} with 401 and {} with 403, met by {}{} of {}.",
        counted(totals.requests, "request", "requests"),
        count(refused),
        share(refused, totals.requests),
        count(totals.status_401),
        count(totals.status_403),
        words::about(totals.approximate),
        count(totals.failing_clients),
        counted(totals.clients, "client", "clients")
    )
}

/// `13:06` where the whole chart lies on one day, else `03-10 13:06`.
pub(super) fn tick(time: Time, one_day: bool) -> String {
    if one_day { words::clock(time) } else { time.minute().chars().skip(5).collect() }
}

/// Whether two times lie on one day.
pub(super) fn is_one_day(first: Time, last: Time) -> bool {
    date(first) == date(Time(last.0.saturating_sub(1).max(first.0)))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
