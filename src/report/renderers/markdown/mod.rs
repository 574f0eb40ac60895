//! The report to paste into a merge request, an issue or a chat. Owns the order of its parts and its small drawings.
//!
//! GitHub, GitLab, Jira and Slack agree on headings, lists, bold, tables, code spans and fences, so nothing else is
//! used; how strangers' text is kept from acting in them stands at [`crate::report::escape::markdown`].

mod page;

use super::{Options, Renderer};
use crate::{
    model::{
        incident::{Incident, Verdict},
        report::Report,
        time::Time,
    },
    report::{
        answer::{faults, others},
        escape::markdown_code,
        out::Out,
        story,
        words::{
            self, EVENT_CAUSES, befell, cause, confidence, count, counted, duration, format_of, share, size,
            with_seconds,
        },
    },
};
use page::{NUMBERS, Page, WORDS};

pub(super) const RENDERER: Renderer = Renderer {
    id: "markdown",
    title: "the same to paste into GitHub, GitLab, Jira or Slack",
    extension: "md",
    is_shared: true,
    render,
};

/// Limits on tables; what is left out is counted.
const MOST_FILES: usize = 20;

/// Columns of drawings: a telephone shows them in one line.
const COLUMNS: usize = 48;

fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut page = Page::new();
    page.title(&options.answer(report).text.replace('\u{a0}', " "));
    page.paragraph(|out| {
        out.text(&story::coverage(report)).markup(".");
        if let Some(note) = options.names.note() {
            out.markup(" ").markup(note);
        }
    });
    let all: Vec<&Incident> = faults(report).into_iter().chain(others(report)).collect();
    if all.len() > 1 {
        contents(&mut page, &all, options);
    }
    for one in &all {
        if one.verdict == Verdict::ServerSide || all.len() == 1 {
            in_full(&mut page, one, report, options);
        } else {
            in_brief(&mut page, one, report, options);
        }
    }
    whole_log(&mut page, report, options);
    appendix(&mut page, report);
    page.into_bytes()
}

fn code(out: &mut Out, text: &str) {
    out.escaped(markdown_code, text);
}

fn contents(page: &mut Page, all: &[&Incident], options: &Options) {
    page.head(&[
        ("Whose fault", WORDS),
        ("Likely cause", WORDS),
        ("Where", WORDS),
        ("When (UTC)", WORDS),
        ("Clients", NUMBERS),
    ]);
    for one in all {
        page.row(&[
            &|out| {
                out.markup(story::verdict(one));
            },
            &|out| {
                out.text(&story::title(one, options.cause_title));
            },
            &|out| {
                out.text(&format!("{} {}", one.status, words::place(&one.scope, 1)));
            },
            &|out| {
                out.text(&match one.end {
                    Some(end) => words::span(one.start, end).replace(" UTC", ""),
                    None => format!("{}, still on", one.start.minute()),
                });
            },
            &|out| {
                out.count(one.clients_affected);
            },
        ]);
    }
    page.blank();
}

fn heading(page: &mut Page, incident: &Incident, options: &Options) {
    page.chapter(&story::title(incident, options.cause_title));
    page.paragraph(|out| {
        out.markup("**").markup(story::verdict(incident)).markup("**, ");
        out.text(&format!(
            "{}; {} {}; {}; incident ",
            confidence(incident.confidence),
            incident.status,
            words::place(&incident.scope, 2),
            story::state(incident.state)
        ));
        code(out, &incident.id);
    });
}

/// What pages nobody: its summary and the first thing to do.
fn in_brief(page: &mut Page, incident: &Incident, report: &Report, options: &Options) {
    heading(page, incident, options);
    summary(page, incident, report, options);
    if let Some(why) = incident.evidence.first() {
        page.paragraph(|out| {
            out.markup("Why: ").text(&why.text);
        });
    }
    if let Some(check) = story::checks(incident).first() {
        page.paragraph(|out| {
            out.markup("Next: ").text(&check.words);
        });
        if !check.commands.is_empty() {
            page.block("", "sh", &check.commands);
            page.blank();
        }
    }
}

fn summary(page: &mut Page, incident: &Incident, report: &Report, options: &Options) {
    let [first, second] = story::summary(incident, &report.input, options.cause_title);
    page.paragraph(|out| {
        out.text(&first).markup(" ").text(&second);
    });
}

fn in_full(page: &mut Page, incident: &Incident, report: &Report, options: &Options) {
    heading(page, incident, options);
    page.section("Summary");
    summary(page, incident, report, options);
    page.section("Impact");
    for fact in story::impact(incident, &report.input) {
        page.named(fact.name, |out| {
            out.text(&fact.value);
        });
    }
    page.blank();
    page.section("Timeline (UTC)");
    for moment in story::timeline(incident, &report.input) {
        page.item(|out| {
            let local = options.zone.map(|zone| format!(" ({})", zone.clock(moment.time)));
            out.text(&with_seconds(moment.time))
                .text(&local.unwrap_or_default())
                .markup(" **")
                .markup(moment.what)
                .markup(":** ")
                .text(&moment.how);
        });
    }
    page.blank();
    course(page, incident);
    page.section("Detection");
    page.paragraph(|out| {
        out.text(&story::detection(incident));
    });
    page.section("Scope");
    scope(page, incident);
    page.section("Likely cause");
    page.paragraph(|out| {
        out.text(&story::likely_cause(incident, options.cause_title));
    });
    evidence(page, incident);
    ruled_out(page, incident, options);
    next_checks(page, incident);
    page.section("For people");
    for (name, hint) in story::FOR_PEOPLE {
        page.named(name, |out| {
            out.text(hint);
        });
    }
    page.blank();
    samples(page, incident);
}

/// The failing clients per slice, with the extent of the incident below.
fn course(page: &mut Page, incident: &Incident) {
    let points = &incident.timeline;
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let most = points.iter().map(|point| point.failing_clients).max().unwrap_or(0);
    if most == 0 || points.len() < 2 {
        return;
    }
    let step = incident.timeline_step_secs;
    let merged = points.len().div_ceil(COLUMNS);
    let (mut drawn, mut axis) = (String::new(), String::new());
    for slices in points.chunks(merged) {
        let failing = slices.iter().map(|point| point.failing_clients).max().unwrap_or(0);
        drawn.push(words::block(failing, most));
        axis.push(if slices.iter().any(|point| story::is_within(incident, point.time)) { '━' } else { '─' });
    }
    let caption = format!("clients {} in {}, at most {}", befell(incident.status), duration(step), count(most));
    let end = Time(last.time.0.saturating_add(step));
    let times = format!("{} to {} UTC, heavy: the incident", first.time.minute(), words::clock_on(end, first.time));
    page.block("", "text", &[&caption, &drawn, &axis, &times]);
    page.blank();
}

fn scope(page: &mut Page, incident: &Incident) {
    page.head(&[
        ("", WORDS),
        ("Part of the traffic", WORDS),
        ("Clients", NUMBERS),
        (if befell(incident.status) == "refused" { "Refused" } else { "Failed" }, NUMBERS),
        ("Share", NUMBERS),
    ]);
    for part in story::parts(incident) {
        page.row(&[
            &|out| {
                out.markup(if part.is_hit { "**Hit**" } else { "Spared" });
            },
            &|out| {
                if part.is_hit {
                    out.text(&part.value);
                } else {
                    out.text(&part.dimension).markup(" ");
                    code(out, &part.value);
                }
            },
            &|out| {
                out.count(part.clients);
            },
            &|out| {
                out.count(part.failing);
            },
            &|out| {
                out.text(&share(part.failing, part.clients));
            },
        ]);
    }
    page.blank();
}

fn evidence(page: &mut Page, incident: &Incident) {
    page.section("Evidence");
    for (supports, name) in [(true, "For it"), (false, "Against it")] {
        let side: Vec<_> = incident.evidence.iter().filter(|one| one.supports == supports).collect();
        page.paragraph(|out| {
            out.markup("**").markup(name).markup("**");
            if side.is_empty() {
                out.markup(": nothing found in the log.");
            }
        });
        for one in &side {
            page.item(|out| {
                out.text(&one.text);
            });
        }
        if !side.is_empty() {
            page.blank();
        }
    }
}

fn ruled_out(page: &mut Page, incident: &Incident, options: &Options) {
    if incident.ruled_out.is_empty() {
        return;
    }
    page.section("Ruled out");
    for other in &incident.ruled_out {
        page.item(|out| {
            out.markup("**").text(&cause(other.cause, options.cause_title)).markup(":** ").text(&other.why);
        });
    }
    page.blank();
}

fn next_checks(page: &mut Page, incident: &Incident) {
    let checks = story::checks(incident);
    if checks.is_empty() {
        return;
    }
    page.section("Next checks");
    for (i, check) in checks.iter().enumerate() {
        page.step(i + 1, &check.words);
        if !check.commands.is_empty() {
            page.block("   ", "sh", &check.commands);
        }
    }
    page.blank();
}

fn samples(page: &mut Page, incident: &Incident) {
    if incident.samples.is_empty() {
        return;
    }
    page.section("Lines of the log");
    for line in &incident.samples {
        page.paragraph(|out| {
            code(out, &format!("{}:{}", line.file, line.line));
        });
        page.block("", "text", &[&line.text.inert()]);
        page.blank();
    }
}

fn whole_log(page: &mut Page, report: &Report, options: &Options) {
    let totals = &report.totals;
    if totals.status_401 + totals.status_403 == 0 {
        return;
    }
    page.chapter(words::extent(&report.input));
    page.paragraph(|out| {
        out.text(&story::whole_log(report));
    });
    let numbers = EVENT_CAUSES.map(|words| (words, words.number(&report.event_causes)));
    let all: u64 = numbers.iter().map(|(_, number)| number).sum();
    page.head(&[("Cause", WORDS), ("Failures", NUMBERS), ("Share", NUMBERS), ("", WORDS), ("What it means", WORDS)]);
    for (words, number) in numbers.iter().filter(|(_, number)| *number > 0) {
        page.row(&[
            &|out| {
                out.markup(words.title);
            },
            &|out| {
                out.count(*number);
            },
            &|out| {
                out.text(&share(*number, all));
            },
            &|out| {
                out.text(&words::bar(*number, all, 12));
            },
            &|out| {
                out.markup(words.meaning);
            },
        ]);
    }
    page.blank();
    clients(page, report, options);
}

fn clients(page: &mut Page, report: &Report, options: &Options) {
    if report.clients.is_empty() {
        return;
    }
    page.paragraph(|out| {
        out.markup("Clients with most 401 and 403 (names are claimed user names):");
    });
    page.head(&[
        ("Client", WORDS),
        ("Requests", NUMBERS),
        ("Served", NUMBERS),
        ("401", NUMBERS),
        ("403", NUMBERS),
        ("Names", NUMBERS),
        ("Mostly", WORDS),
        ("Seen (UTC)", WORDS),
    ]);
    for client in report.clients.iter().take(options.max_clients) {
        let number = |number: u64| {
            move |out: &mut Out| {
                out.count(number);
            }
        };
        page.row(&[
            &|out| code(out, &client.client.inert()),
            &number(client.requests),
            &number(client.ok),
            &number(client.status_401),
            &number(client.status_403),
            &number(client.users),
            &|out| {
                out.text(words::event_cause_short(client.main_cause));
            },
            &|out| {
                out.text(&words::span(client.first, client.last).replace(" UTC", ""));
            },
        ]);
    }
    page.blank();
}

fn appendix(page: &mut Page, report: &Report) {
    page.chapter("Appendix");
    page.section("What was read");
    for file in report.input.files.iter().take(MOST_FILES) {
        page.item(|out| {
            code(out, if file.path == "-" { "standard input" } else { &file.path });
            let format = format_of(file);
            out.markup(": ").text(&format!("{format}, {}, {}", size(file.bytes), counted(file.lines, "line", "lines")));
            if let Some(problem) = &file.problem {
                out.markup("; **problem:** ").text(problem);
            }
        });
    }
    if report.input.files.len() > MOST_FILES {
        page.item(|out| {
            out.markup("and ").count((report.input.files.len() - MOST_FILES) as u64).markup(" more files");
        });
    }
    page.blank();
    for rejected in &report.input.rejections {
        let first = &rejected.first;
        page.paragraph(|out| {
            out.text(&format!("{} not understood: ", counted(rejected.lines, "line", "lines")));
            out.markup(rejected.reason.text()).markup("; first at ");
            code(out, &format!("{}:{}", first.file, first.line));
            out.markup(", column ").count((rejected.column as u64).saturating_add(1));
        });
        if !first.text.is_empty() {
            page.block("", "text", &[&first.text.inert()]);
            page.blank();
        }
    }
    if !report.limits.is_empty() {
        page.section("What this log cannot tell");
        for limit in &report.limits {
            page.item(|out| {
                out.text(limit);
            });
        }
        page.blank();
    }
    page.section("Thresholds");
    for fact in story::thresholds(report) {
        page.named(fact.name, |out| {
            out.text(&fact.value);
        });
    }
}
