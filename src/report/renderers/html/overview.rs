//! What the page says of the log as a whole: the answer, the list of incidents, the course, causes and clients, and
//! the appendix. Owns their tables.

use super::{
    course, drawing, heat,
    incident::{class, facts, section},
    page::Page,
    tables::head,
};
use crate::{
    model::{incident::Incident, report::Report, time::Time},
    report::{
        renderers::Options,
        story::{self, Fact},
        words::{self, EVENT_CAUSES, confidence, count, counted, duration, format_of, share, size, span},
    },
};

/// Limits on tables; what is left out is counted.
const MOST_FILES: usize = 50;

/// The answer, and the figures that matter most.
pub(super) fn top(page: &mut Page, report: &Report, options: &Options, faults: &[&Incident]) {
    let answer = options.answer(report).text;
    let (kind, what) = answer.split_once(": ").unwrap_or(("authfault", &answer));
    page.classed("p", "kicker", |page| {
        page.labelled("span", "badge", kind).text(" ");
        page.text("authfault incident report");
    });
    page.within("h1", &[], |page| with_no_break_spaces(page, what));
    page.classed("dl", "figures", |page| {
        for fact in figures(report, faults) {
            page.within("div", &[], |page| {
                page.element("dt", fact.name).element("dd", &fact.value);
            });
        }
    });
    page.labelled("p", "note", &format!("{}.", story::coverage(report)));
    if let Some(note) = options.names.note() {
        page.labelled("p", "note", note);
    }
}

/// Words that hold together keep to one line, dates with hyphens in them too.
fn with_no_break_spaces(page: &mut Page, text: &str) {
    for (i, words) in text.split(' ').enumerate() {
        if i > 0 {
            page.text(" ");
        }
        if words.contains('\u{a0}') {
            page.labelled("span", "kept", &words.replace('\u{a0}', " "));
        } else {
            page.text(words);
        }
    }
}

fn figures(report: &Report, faults: &[&Incident]) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value };
    let totals = &report.totals;
    let refused = totals.status_401 + totals.status_403;
    let fault = match faults {
        [] => {
            return vec![
                fact("Requests", count(totals.requests)),
                fact("Refused", format!("{} ({})", count(refused), share(refused, totals.requests))),
                fact("Clients", count(totals.clients)),
                fact("Of them refused", count(totals.failing_clients)),
            ];
        }
        [only] => only,
        several => {
            let ongoing = several.iter().filter(|fault| fault.end.is_none()).count();
            let by_them = report.event_causes.server_misconfig;
            return vec![
                fact("Server-side faults", count(several.len() as u64)),
                fact("Still on", count(ongoing as u64)),
                fact("Refused by them", count(by_them)),
                fact("Of all 401 and 403", share(by_them, refused)),
            ];
        }
    };
    let lasted = if fault.end.is_some() { "Lasted" } else { "Lasts for" };
    vec![
        fact("Clients refused", format!("{} of {}", count(fault.clients_affected), count(fault.clients_active))),
        fact(
            "Requests refused in scope",
            format!("{} of {}", count(fault.requests_failed), count(fault.requests_total)),
        ),
        fact(lasted, duration(story::seconds(fault, &report.input))),
        fact("Server-side", confidence(fault.confidence)),
    ]
}

/// The incidents with links to them.
pub(super) fn contents(page: &mut Page, all: &[(String, &Incident)], options: &Options) {
    page.within("nav", &[("aria-label", "Incidents")], |page| {
        page.element("h2", "Incidents");
        page.classed("div", "scroll", |page| {
            page.classed("table", "contents", |page| {
                head(page, &["whose fault", "likely cause", "where", "when (UTC)", "clients"]);
                page.within("tbody", &[], |page| {
                    for (anchor, incident) in all {
                        entry(page, anchor, incident, options);
                    }
                });
            });
        });
    });
}

fn entry(page: &mut Page, anchor: &str, incident: &Incident, options: &Options) {
    let when = match incident.end {
        Some(end) => span(incident.start, end).replace(" UTC", ""),
        None => format!("{}, still on", incident.start.minute()),
    };
    page.classed("tr", class(incident), |page| {
        page.within("td", &[], |page| {
            page.labelled("span", "badge", story::verdict(incident));
        });
        page.within("td", &[], |page| {
            page.within("a", &[("href", &format!("#{anchor}"))], |page| {
                page.text(&story::title(incident, options.cause_title));
            });
        });
        page.element("td", &format!("{} {}", incident.status, words::place(&incident.scope, 1)));
        page.labelled("td", "kept", &when);
        page.labelled("td", "number", &count(incident.clients_affected));
    });
}

/// The course of the whole log, its failures by cause, and the clients with most of them.
pub(super) fn whole_log(page: &mut Page, report: &Report, options: &Options, all: &[(String, &Incident)]) {
    if report.totals.status_401 + report.totals.status_403 == 0 {
        return;
    }
    page.classed("article", "log", |page| {
        page.element("h2", words::extent(&report.input));
        section(page, "Course", |page| {
            page.element("p", &story::whole_log(report));
            let incidents: Vec<&Incident> = all.iter().map(|(_, one)| *one).collect();
            course::whole_log(page, report, &incidents);
            heat::heat_map(page, report);
        });
        section(page, "By cause", |page| causes(page, report));
        if !report.clients.is_empty() {
            section(page, "Clients", |page| clients(page, report, options));
        }
    });
}

fn causes(page: &mut Page, report: &Report) {
    let numbers = EVENT_CAUSES.map(|words| (words, words.number(&report.event_causes)));
    let all: u64 = numbers.iter().map(|(_, number)| number).sum();
    let parts: Vec<(&'static str, u64, String)> = numbers
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(words, number)| (colour(words.id), *number, format!("{} {}", words.title, share(*number, all))))
        .collect();
    page.labelled("p", "note", "Every 401 and 403 once.");
    drawing::parts(page, "Failures by cause", &parts);
    page.classed("table", "causes", |page| {
        head(page, &["cause", "failures", "share", "what it means"]);
        page.within("tbody", &[], |page| {
            for (words, number) in numbers.iter().filter(|(_, number)| *number > 0) {
                page.within("tr", &[], |page| {
                    page.within("th", &[("scope", "row")], |page| {
                        page.labelled("span", colour_key(words.id), words.title);
                    });
                    page.labelled("td", "number", &count(*number));
                    page.labelled("td", "number", &share(*number, all));
                    page.element("td", words.meaning);
                });
            }
        });
    });
}

fn colour(cause: &str) -> &'static str {
    match cause {
        "server_misconfig" => "c-server",
        "no_credentials" => "c-none",
        "incorrect_credentials" => "c-wrong",
        "expired_session" => "c-over",
        _ => "c-not",
    }
}

fn colour_key(cause: &str) -> &'static str {
    match colour(cause) {
        "c-server" => "key c-server",
        "c-none" => "key c-none",
        "c-wrong" => "key c-wrong",
        "c-over" => "key c-over",
        _ => "key c-not",
    }
}

fn clients(page: &mut Page, report: &Report, options: &Options) {
    let shown = report.clients.len().min(options.max_clients);
    let one_day = match (report.input.start, report.input.end) {
        (Some(start), Some(end)) => story::is_one_day(start, end),
        _ => false,
    };
    page.labelled("p", "note", "Those with most 401 and 403. Names are claimed: anybody may type any name.");
    page.classed("div", "scroll", |page| {
        page.classed("table", "clients", |page| {
            head(page, &["client", "requests", "served", "401", "403", "names", "mostly", "seen (UTC)"]);
            page.within("tbody", &[], |page| {
                for client in report.clients.iter().take(shown) {
                    page.within("tr", &[], |page| {
                        page.within("th", &[("scope", "row")], |page| {
                            page.element("code", &client.client.inert());
                        });
                        for number in [client.requests, client.ok, client.status_401, client.status_403, client.users] {
                            page.labelled("td", "number", &count(number));
                        }
                        page.labelled("td", "kept", words::event_cause_short(client.main_cause));
                        let (first, last) = (story::tick(client.first, one_day), story::tick(client.last, one_day));
                        page.labelled("td", "kept", &format!("{first} to {last}"));
                    });
                }
            });
        });
    });
    more(page, report.clients.len(), shown, "clients");
}

/// Says how many were left out.
fn more(page: &mut Page, all: usize, shown: usize, what: &str) {
    if all > shown {
        page.labelled("p", "note", &format!("And {} more {what} in the JSON report.", count((all - shown) as u64)));
    }
}

/// What this rests on, what it cannot say, and what decided.
pub(super) fn appendix(page: &mut Page, report: &Report) {
    page.classed("article", "appendix", |page| {
        page.element("h2", "Appendix");
        section(page, "What was read", |page| {
            page.element("p", &format!("{}.", story::coverage(report)));
            files(page, report);
            rejections(page, report);
        });
        if !report.limits.is_empty() {
            section(page, "What this log cannot tell", |page| {
                page.within("ul", &[], |page| {
                    for limit in &report.limits {
                        page.element("li", limit);
                    }
                });
            });
        }
        section(page, "Thresholds", |page| facts(page, &story::thresholds(report)));
    });
}

fn files(page: &mut Page, report: &Report) {
    let files = &report.input.files;
    page.classed("div", "scroll", |page| {
        page.classed("table", "files", |page| {
            head(page, &["file", "format", "size", "lines", "not understood", "from", "to"]);
            page.within("tbody", &[], |page| {
                for file in files.iter().take(MOST_FILES) {
                    page.within("tr", &[], |page| {
                        page.within("th", &[("scope", "row")], |page| {
                            page.text(if file.path == "-" { "standard input" } else { &file.path });
                            if let Some(problem) = &file.problem {
                                page.labelled("p", "problem", problem);
                            }
                        });
                        page.labelled("td", "kept", format_of(file));
                        page.labelled("td", "number", &size(file.bytes));
                        page.labelled("td", "number", &count(file.lines));
                        page.labelled("td", "number", &count(file.rejected));
                        for time in [file.start, file.end] {
                            page.labelled("td", "kept", &time.map(Time::minute).unwrap_or_default());
                        }
                    });
                }
            });
        });
    });
    more(page, files.len(), files.len().min(MOST_FILES), "files");
}

fn rejections(page: &mut Page, report: &Report) {
    for rejected in &report.input.rejections {
        let first = &rejected.first;
        page.classed("figure", "line", |page| {
            let words = format!(
                "{} not understood: {}; first at {}:{}, column {}",
                counted(rejected.lines, "line", "lines"),
                rejected.reason.text(),
                first.file,
                first.line,
                count((rejected.column as u64).saturating_add(1))
            );
            page.element("figcaption", &words);
            if !first.text.is_empty() {
                page.within("pre", &[], |page| {
                    page.element("code", &first.text.inert());
                });
            }
        });
    }
}
