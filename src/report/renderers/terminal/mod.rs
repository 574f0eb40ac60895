//! The report for the person on call, in 80 columns. Owns the order of its sections; each has its own file.

mod chart;
mod coverage;
pub(super) mod doctor;
mod incident;
mod page;
pub(in crate::report) mod story;
mod tables;

use super::{Options, Renderer};
use crate::{
    model::{
        incident::{Incident, Verdict},
        report::Report,
    },
    report::{
        answer::{Mood, faults, others},
        words::{about, count, counted, estimated, extent, share},
    },
};
use page::{Page, Prose, Tone};

pub(super) const RENDERER: Renderer = Renderer {
    id: "terminal",
    title: "plain text for people, in 80 columns",
    extension: "txt",
    is_shared: false,
    render,
};

fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color, options.ascii);
    first_line(&mut page, report, options);
    let faults = faults(report);
    for (i, fault) in faults.iter().enumerate() {
        let number = (faults.len() > 1).then_some(i + 1);
        incident::fault(&mut page, number, fault, report, options);
    }
    incident::others(&mut page, &others(report), report, options);
    whole_log(&mut page, report);
    tables::causes(&mut page, report);
    tables::clients(&mut page, report, options);
    coverage::input(&mut page, &report.input);
    coverage::limits(&mut page, &report.limits);
    coverage::names(&mut page, options.names);
    page.into_bytes()
}

/// One incident without the report around it.
pub(super) fn alone(incident: &Incident, report: &Report, options: &Options) -> String {
    let mut page = Page::new(options.width, options.color, options.ascii);
    match incident.verdict {
        Verdict::ServerSide => incident::fault(&mut page, None, incident, report, options),
        _ => incident::others(&mut page, &[incident], report, options),
    }
    String::from_utf8_lossy(&page.into_bytes()).trim_matches('\n').to_owned()
}

/// The answer on one line, however long: it is what a mail gets as its subject.
fn first_line(page: &mut Page, report: &Report, options: &Options) {
    let answer = options.answer(report);
    let tone = match answer.mood {
        Mood::Bad => Tone::Bad,
        Mood::Unsure => Tone::Unsure,
        Mood::Good => Tone::Good,
    };
    page.line(0, &Prose::new().toned(tone, &answer.text.replace('\u{a0}', " ")));
    if let Some(note) = estimated(&report.totals) {
        page.wrapped(0, 0, &Prose::new().toned(Tone::Unsure, &note));
    }
}

/// The whole log in a sentence and a line of blocks.
fn whole_log(page: &mut Page, report: &Report) {
    let totals = &report.totals;
    let refused = totals.status_401 + totals.status_403;
    if refused == 0 {
        return;
    }
    page.heading(extent(&report.input));
    let prose = Prose::new()
        .text(&format!("{}, {} refused ", counted(totals.requests, "request", "requests"), count(refused)))
        .kept(&format!("({}),", share(refused, totals.requests)))
        .text(&format!(" {} with 401 and {} with 403,", count(totals.status_401), count(totals.status_403)))
        .text(&format!(
            " met by {}{} of {}",
            about(totals.approximate),
            count(totals.failing_clients),
            counted(totals.clients, "client", "clients")
        ));
    page.wrapped(2, 4, &prose);
    chart::course(page, report);
}
