//! One server-side incident on half a screen, and the others in a few lines each. Owns their wording.

use super::{
    chart::chart,
    page::{LABELLED, Page, Prose, Tone},
};
use crate::{
    model::{
        coverage::LineRef,
        incident::{Incident, Severity, Spared, Verdict},
        report::Report,
        zone::Zone,
    },
    report::{
        renderers::Options,
        story,
        words::{self, befell, cause, clock_on, confidence, count, counted, duration, share, span},
    },
};

/// Limits that keep a fault to half a screen; what is left out is counted.
const MOST_SPARED: usize = 6;
const MOST_EVIDENCE: usize = 8;
const MOST_RULED_OUT: usize = 5;
const MOST_CHECKS: usize = 6;
const MOST_SAMPLES: usize = 2;
const MOST_VALUES: usize = 6;
const LONGEST_VALUE: usize = 120;
const LONGEST_TEXT: usize = 400;
const LONGEST_ID: usize = 40;
const LONGEST_FILE: usize = 36;

/// A server-side incident in full.
pub(super) fn fault(page: &mut Page, number: Option<usize>, incident: &Incident, report: &Report, options: &Options) {
    page.blank();
    title(page, number, incident);
    likely_cause(page, incident, options);
    when(page, incident, report, options.zone);
    hit(page, incident);
    who(page, incident);
    chart(page, incident);
    spared(page, &incident.spared, incident.status);
    evidence(page, incident);
    ruled_out(page, incident, options);
    next_checks(page, &incident.next_checks);
    samples(page, &incident.samples, report.input.files.len());
}

fn title(page: &mut Page, number: Option<usize>, incident: &Incident) {
    let number = number.map(|number| format!("{number}. ")).unwrap_or_default();
    let verdict = words::verdict(incident.verdict).to_uppercase();
    let prose = Prose::new()
        .toned(verdict_tone(incident.verdict), &format!("{number}{verdict}"))
        .toned(Tone::Strong, &format!(", {}", confidence(incident.confidence)))
        .toned(Tone::Faint, &format!("   incident {}", words::shorten(&incident.id, LONGEST_ID)));
    page.wrapped(0, 2, &prose);
}

/// The cause is inferred, and says so: an access log shows what happened, not why. An error log may say it.
fn likely_cause(page: &mut Page, incident: &Incident, options: &Options) {
    let title = cause(incident.cause, options.cause_title);
    let source = if incident.cause_is_settled { " (the error log says so)" } else { " (inferred)" };
    page.labelled("Cause", &Prose::new().toned(Tone::Strong, &title).text(source));
    match incident.severity {
        Severity::Critical => {}
        Severity::Warning => page.labelled("Severity", &Prose::new().text("warning: can wait for working hours")),
        Severity::Info => page.labelled("Severity", &Prose::new().text("info: nothing to do now")),
    }
}

fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::ServerSide => Tone::Bad,
        Verdict::Attack | Verdict::Undecided => Tone::Unsure,
        Verdict::ClientSide => Tone::Theirs,
    }
}

fn when(page: &mut Page, incident: &Incident, report: &Report, zone: Option<Zone>) {
    let delay = duration(incident.detected_at.0.saturating_sub(incident.start.0));
    let told = format!("detectable from {}", clock_on(incident.detected_at, incident.start));
    let prose = extent(incident, report, Tone::Bad)
        .text(if incident.end.is_some() { ", over; " } else { "; " })
        .kept(&format!("peak {}", clock_on(incident.peak, incident.start)))
        .text("; ")
        .kept(&told)
        .text(" ")
        .kept(&format!("(after {delay})"));
    page.labelled("When", &prose);
    if let Some(zone) = zone {
        let from = zone.clock(incident.start);
        let to = incident.end.map(|end| format!(" to {}", zone.clock(end))).unwrap_or_default();
        page.labelled("", &Prose::new().kept(&from).kept(&to).text(&format!(", {}", zone.name())));
    }
}

/// From when to when, and for how long.
fn extent(incident: &Incident, report: &Report, still_on: Tone) -> Prose {
    let last = incident.end.or(report.input.end).unwrap_or(incident.start).max(incident.start);
    let length = duration(last.0.saturating_sub(incident.start.0));
    match incident.end {
        Some(end) => Prose::new().kept(&span(incident.start, end)).text(" ").kept(&format!("({length})")),
        None => Prose::new()
            .kept(&format!("since {}", words::moment(incident.start)))
            .text(", ")
            .toned(still_on, "still on at the end of the log")
            .text(" ")
            .kept(&format!("({length} so far)")),
    }
}

fn hit(page: &mut Page, incident: &Incident) {
    let mut prose = Prose::new().toned(Tone::Strong, &incident.status.to_string()).text(" on ");
    let dimensions = words::dimensions(&incident.scope);
    if dimensions.is_empty() {
        prose = prose.text("the whole site: no smaller part holds it");
    }
    for (i, (name, values)) in dimensions.into_iter().enumerate() {
        let link = if i > 0 { "; " } else { "" };
        prose = prose
            .text(&format!("{link}{} ", words::dimension(name)))
            .toned(Tone::Strong, &words::list(&short(values), MOST_VALUES));
    }
    page.labelled("Hit", &prose);
    let networks = incident.scope.client_net.iter().zip(&incident.scope.client_net_origin);
    let labels = networks.map(|(network, origin)| (network, origin.text())).filter(|(_, origin)| !origin.is_empty());
    let labels: Vec<String> = labels.map(|(network, origin)| format!("{network}: {origin}")).collect();
    if !labels.is_empty() {
        let labels: Vec<String> = labels.iter().take(MOST_VALUES).cloned().collect();
        page.labelled("From", &Prose::new().text(&labels.join("; ")));
    }
}

fn short(values: &[String]) -> Vec<String> {
    values.iter().map(|value| words::shorten(value, LONGEST_VALUE)).collect()
}

fn who(page: &mut Page, incident: &Incident) {
    let (affected, active) = (incident.clients_affected, incident.clients_active);
    let clients = match active {
        0 => counted(affected, "client", "clients"),
        _ => format!("{} of {}", count(affected), counted(active, "active client", "active clients")),
    };
    let known = match incident.clients_known_good {
        known if known == affected && known > 1 => "all known good".to_owned(),
        known => format!("{} known good", count(known)),
    };
    let about = words::about(incident.approximate);
    let mut prose =
        Prose::new().text(about).toned(Tone::Strong, &clients).text(&format!(", {known} (also served here)"));
    if incident.users_affected > 0 {
        prose = prose.text("; ").kept(&counted(incident.users_affected, "user name", "user names")).text(" (claimed)");
    }
    page.labelled("Who", &prose);
    page.labelled(
        "Requests",
        &requests(incident)
            .text(&format!("; the usual rate would give {}", story::expected(incident.requests_failed_expected))),
    );
}

fn requests(incident: &Incident) -> Prose {
    let (failed, total) = (incident.requests_failed, incident.requests_total);
    Prose::new()
        .text(&format!(
            "{}{} of all {} in scope {} ",
            words::about(incident.approximate),
            count(failed),
            count(total),
            befell(incident.status)
        ))
        .kept(&format!("({})", share(failed, total)))
}

/// What was not hit, dimension by dimension.
fn spared(page: &mut Page, spared: &[Spared], status: u16) {
    let mut prose = Prose::new();
    let mut dimension = "";
    for (i, part) in spared.iter().take(MOST_SPARED).enumerate() {
        let name = words::dimension(part.dimension);
        let link = match (i, name == dimension) {
            (0, _) => format!("{name} "),
            (_, true) => ", ".to_owned(),
            (_, false) => format!("; {name} "),
        };
        dimension = name;
        let unit = if i > 0 { String::new() } else { format!(" clients {}", befell(status)) };
        prose = prose
            .text(&link)
            .toned(Tone::Strong, &words::shorten(&part.value, LONGEST_VALUE))
            .text(" ")
            .kept(&format!("({} of {}{unit})", count(part.failing), count(part.clients)));
    }
    if !spared.is_empty() {
        page.labelled("Spared", &prose);
    }
    left_out(page, spared.len(), MOST_SPARED);
}

/// Says how many entries of a list were not shown.
fn left_out(page: &mut Page, all: usize, shown: usize) {
    if all > shown {
        let more = format!("and {} more in the JSON report", count((all - shown) as u64));
        page.labelled("", &Prose::new().toned(Tone::Faint, &more));
    }
}

fn evidence(page: &mut Page, incident: &Incident) {
    let mut label = "Evidence";
    let (supporting, opposing): (Vec<_>, Vec<_>) = incident.evidence.iter().partition(|evidence| evidence.supports);
    for evidence in supporting.into_iter().chain(opposing).take(MOST_EVIDENCE) {
        let (sign, tone) = if evidence.supports { ("+", Tone::Good) } else { ("-", Tone::Unsure) };
        page.listed(
            label,
            &Prose::new().toned(tone, sign),
            2,
            &Prose::new().text(&words::shorten(&evidence.text, LONGEST_TEXT)),
        );
        label = "";
    }
    left_out(page, incident.evidence.len(), MOST_EVIDENCE);
}

fn ruled_out(page: &mut Page, incident: &Incident, options: &Options) {
    let mut prose = Prose::new();
    for (i, other) in incident.ruled_out.iter().take(MOST_RULED_OUT).enumerate() {
        let link = if i > 0 { "; " } else { "" };
        prose = prose
            .text(&format!("{link}{}", cause(other.cause, options.cause_title)))
            .toned(Tone::Faint, &format!(" ({})", words::shorten(&other.why, LONGEST_TEXT)));
    }
    if !incident.ruled_out.is_empty() {
        page.labelled("Ruled out", &prose);
    }
    left_out(page, incident.ruled_out.len(), MOST_RULED_OUT);
}

fn next_checks(page: &mut Page, checks: &[String]) {
    let mut label = "Next";
    for (i, check) in checks.iter().take(MOST_CHECKS).enumerate() {
        let (words, commands) = words::split_commands(check);
        let mark = Prose::new().toned(Tone::Strong, &format!("{}.", i + 1));
        page.listed(label, &mark, 3, &Prose::new().text(&words));
        for command in commands {
            page.line(LABELLED + 3, &Prose::new().toned(Tone::Strong, command));
        }
        label = "";
    }
    left_out(page, checks.len(), MOST_CHECKS);
}

/// Lines of the log, cut: two lines hold what matters in the usual formats. Where there is one file, its name says
/// nothing.
fn samples(page: &mut Page, samples: &[LineRef], files: usize) {
    let mut label = "Lines";
    for sample in samples.iter().take(MOST_SAMPLES) {
        let place = match files {
            1 => format!("line {}: ", sample.line),
            _ => format!("{}:{}: ", page.cut_within(&sample.file, LONGEST_FILE), sample.line),
        };
        let room = (2 * (page.width - LABELLED)).saturating_sub(page.columns(&place)).max(20);
        let text = page.cut(&sample.text.inert(), room);
        page.labelled(label, &Prose::new().toned(Tone::Strong, &place).toned(Tone::Faint, &text));
        label = "";
    }
}

/// The incidents that page nobody, in a few lines each.
pub(super) fn others(page: &mut Page, incidents: &[&Incident], report: &Report, options: &Options) {
    if incidents.is_empty() {
        return;
    }
    page.heading("Other incidents");
    for incident in incidents.iter().take(options.max_other_incidents) {
        other(page, incident, report, options);
    }
    let left = incidents.len().saturating_sub(options.max_other_incidents);
    if left > 0 {
        page.wrapped(
            2,
            4,
            &Prose::new().toned(Tone::Faint, &format!("and {} more in the JSON report", count(left as u64))),
        );
    }
}

fn other(page: &mut Page, incident: &Incident, report: &Report, options: &Options) {
    let title = Prose::new()
        .toned(verdict_tone(incident.verdict), words::verdict(incident.verdict))
        .text(&format!(", {}: ", confidence(incident.confidence)))
        .toned(Tone::Strong, &cause(incident.cause, options.cause_title))
        .text(&format!(", {} {}", incident.status, words::place(&incident.scope, 2)));
    page.wrapped(2, 4, &title);
    let mut figures = extent(incident, report, Tone::Plain)
        .text("; ")
        .kept(&counted(incident.clients_affected, "client", "clients"))
        .text(", ")
        .kept(&format!("{} known good", count(incident.clients_known_good)));
    if incident.users_affected > 0 {
        figures = figures.text(", ").kept(&counted(incident.users_affected, "claimed name", "claimed names"));
    }
    let failed = format!(
        "; {} of {} {}",
        count(incident.requests_failed),
        counted(incident.requests_total, "request", "requests"),
        befell(incident.status)
    );
    page.wrapped(4, 4, &figures.text(&failed));
    if let Some(why) = incident.evidence.first() {
        page.wrapped(4, 6, &Prose::new().toned(Tone::Faint, "Why: ").text(&words::shorten(&why.text, LONGEST_TEXT)));
    }
    if let Some(check) = incident.next_checks.first() {
        let (words, commands) = words::split_commands(check);
        page.wrapped(4, 6, &Prose::new().toned(Tone::Faint, "Next: ").text(&words));
        for command in commands {
            page.line(6, &Prose::new().text(command));
        }
    }
}
