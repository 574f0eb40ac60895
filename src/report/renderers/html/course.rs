//! The course of an incident and of the whole log, drawn and in numbers. Owns what is drawn beside what.

use super::{
    drawing::{Frame, LINE_PX, drawing},
    page::Page,
    tables::{head, row, slices},
};
use crate::{
    model::{
        incident::{Incident, TimelinePoint, Verdict},
        report::Report,
        time::Time,
    },
    report::{
        story,
        words::{befell, count, counted, duration, moment},
    },
};

/// The course of an incident: clients, and requests with what the usual rate would have given.
pub(super) fn incident(page: &mut Page, incident: &Incident) {
    let points = &incident.timeline;
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    if points.len() < 2 {
        return;
    }
    let step = incident.timeline_step_secs.max(1);
    let span = (first.time, Time(last.time.0.saturating_add(step)));
    page.classed("figure", "course", |page| {
        legend(page, incident);
        clients(page, incident, span, step);
        requests(page, incident, span, step);
        page.within("details", &[], |page| {
            page.element("summary", "The numbers of this chart");
            table(page, points, story::is_one_day(span.0, span.1));
        });
    });
}

fn legend(page: &mut Page, incident: &Incident) {
    let befell = befell(incident.status);
    page.within("figcaption", &[], |page| {
        page.labelled("span", "key failing", &format!("clients {befell} in {}", duration(incident.timeline_step_secs)));
        page.labelled("span", "key active", "clients active there");
        page.labelled("span", "key shaded", "the incident");
        page.labelled("span", "key detected", "detectable from");
        page.labelled("span", "key expected", &format!("requests {befell} at the usual rate"));
    });
}

fn clients(page: &mut Page, incident: &Incident, span: (Time, Time), step: u32) {
    let points = &incident.timeline;
    let most = points.iter().map(|point| point.active_clients.max(point.failing_clients)).max().unwrap_or(0);
    let frame = Frame::new(span, most, 120.0);
    let one_day = story::is_one_day(span.0, span.1);
    let befell = befell(incident.status);
    let at_worst = story::worst(incident).map_or_else(String::new, |worst| {
        format!(
            ", at worst {} of {} from {}",
            count(worst.failing_clients),
            counted(worst.active_clients, "active client", "active clients"),
            moment(worst.time)
        )
    });
    let title = format!("Clients {befell} and clients active, in slices of {}", duration(step));
    let description = format!("From {} to {}{at_worst}.", moment(span.0), moment(span.1));
    drawing(page, frame.floor() + LINE_PX + 4.0, &title, &description, |page| {
        frame.band(page, "shade", incident.start, incident.end.unwrap_or(span.1));
        frame.rules(page, &counted(most, "client", "clients"));
        for point in points {
            page.within("g", &[], |page| {
                page.element("title", &in_words(point, befell, one_day));
                frame.bar(page, "active", point.time, step, point.active_clients);
                frame.bar(page, failing(incident, point), point.time, step, point.failing_clients);
            });
        }
        frame.mark(page, "detected", incident.detected_at);
        frame.ticks(page);
    });
}

/// What failed outside of the incident's time is its background.
fn failing(incident: &Incident, point: &TimelinePoint) -> &'static str {
    if story::is_within(incident, point.time) { "failing" } else { "failing outside" }
}

fn in_words(point: &TimelinePoint, befell: &str, one_day: bool) -> String {
    format!(
        "{}: {} of {} {befell}, {} of {}",
        story::tick(point.time, one_day),
        count(point.failing_clients),
        counted(point.active_clients, "client", "clients"),
        count(point.failed),
        counted(point.requests, "request", "requests")
    )
}

fn requests(page: &mut Page, incident: &Incident, span: (Time, Time), step: u32) {
    let points = &incident.timeline;
    let most = points.iter().map(|point| point.failed).max().unwrap_or(0);
    let expected = incident.requests_failed_expected;
    let rate =
        if expected.is_finite() { (expected / incident.requests_total.max(1) as f64).clamp(0.0, 1.0) } else { 0.0 };
    let frame = Frame::new(span, most, 56.0);
    let befell = befell(incident.status);
    let title = format!("Requests {befell}, and how many the usual rate would give");
    let description = format!("At most {} in {}.", count(most), duration(step));
    drawing(page, frame.floor() + 4.0, &title, &description, |page| {
        frame.band(page, "shade", incident.start, incident.end.unwrap_or(span.1));
        frame.rules(page, &counted(most, "request", "requests"));
        for point in points {
            frame.bar(page, failing(incident, point), point.time, step, point.failed);
            frame.level(page, "expected", point.time, step, rate * point.requests as f64);
        }
        frame.mark(page, "detected", incident.detected_at);
    });
}

fn table(page: &mut Page, points: &[TimelinePoint], one_day: bool) {
    page.within("table", &[], |page| {
        head(page, &["UTC", "clients refused", "clients active", "requests refused", "requests"]);
        page.within("tbody", &[], |page| {
            for point in points {
                let numbers = [point.failing_clients, point.active_clients, point.failed, point.requests];
                row(page, &story::tick(point.time, one_day), &numbers);
            }
        });
    });
}

/// Slices of the whole log at most: more would be thinner than a pixel on a telephone.
const SLICES_MAX: u32 = 160;

/// What the extents of incidents look like.
const VERDICTS: [(Verdict, &str, &str); 4] = [
    (Verdict::ServerSide, "key shaded server", "server-side fault"),
    (Verdict::Attack, "key strip attack", "attack"),
    (Verdict::ClientSide, "key strip client", "client-side"),
    (Verdict::Undecided, "key strip undecided", "undecided"),
];

/// A fault shades the whole height; others get a line each at the top, so that they do not cover each other.
fn extent(page: &mut Page, frame: &Frame, incident: &Incident, log_end: Time) {
    let end = incident.end.unwrap_or(log_end);
    match incident.verdict {
        Verdict::ServerSide => frame.band(page, "shade server", incident.start, end),
        Verdict::Attack => frame.strip(page, "strip attack", 0, incident.start, end),
        Verdict::ClientSide => frame.strip(page, "strip client", 1, incident.start, end),
        Verdict::Undecided => frame.strip(page, "strip undecided", 2, incident.start, end),
    }
}

/// The 401s and 403s of the whole log, with the incidents below them.
pub(super) fn whole_log(page: &mut Page, report: &Report, incidents: &[&Incident]) {
    let (Some(first), Some(last)) = (report.windows.first(), report.windows.last()) else { return };
    let window_secs = last.seconds.max(1);
    let span_secs = last.start.0.saturating_sub(first.start.0).saturating_add(window_secs);
    let step = (span_secs / window_secs).div_ceil(SLICES_MAX).max(1).saturating_mul(window_secs);
    let number = span_secs.div_ceil(step);
    let slices = slices(&report.windows, first.start, step, number);
    let most = slices.iter().map(|slice| slice.refused()).max().unwrap_or(0);
    if number < 6 || most == 0 {
        return;
    }
    let span = (first.start, Time(first.start.0.saturating_add(span_secs)));
    let frame = Frame::new(span, most, 110.0);
    let title = format!("401 and 403 in slices of {}", duration(step));
    let description = format!("From {} to {}, at most {}.", moment(span.0), moment(span.1), count(most));
    page.classed("figure", "course", |page| {
        page.within("figcaption", &[], |page| {
            page.labelled("span", "key s403", &format!("403 in {}", duration(step)));
            page.labelled("span", "key s401", "401");
            for (verdict, class, words) in VERDICTS {
                if incidents.iter().any(|one| one.verdict == verdict) {
                    page.labelled("span", class, words);
                }
            }
        });
        drawing(page, frame.floor() + LINE_PX + 4.0, &title, &description, |page| {
            for one in incidents.iter().rev() {
                extent(page, &frame, one, span.1);
            }
            frame.rules(page, &format!("{} refused", counted(most, "request", "requests")));
            for (i, slice) in slices.iter().enumerate() {
                let time = Time(span.0.0.saturating_add(step.saturating_mul(i as u32)));
                frame.bar(page, "s401", time, step, slice.refused());
                frame.bar(page, "s403", time, step, slice.status_403);
            }
            frame.ticks(page);
        });
        page.within("details", &[], |page| {
            page.element("summary", "The numbers of this chart");
            page.within("table", &[], |page| {
                head(page, &["UTC", "requests", "401", "403"]);
                page.within("tbody", &[], |page| {
                    for (i, slice) in slices.iter().enumerate() {
                        let time = Time(span.0.0.saturating_add(step.saturating_mul(i as u32)));
                        row(page, &time.minute(), &[slice.requests, slice.status_401, slice.status_403]);
                    }
                });
            });
        });
    });
}
