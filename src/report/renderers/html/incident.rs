//! One incident in the order of an incident report. Owns its sections; what they say is in `story.rs`.

use super::{course, drawing, page::Page, tables::head};
use crate::{
    model::{
        incident::{Incident, Verdict},
        report::Report,
        zone::Zone,
    },
    report::{
        renderers::Options,
        story::{self, Fact},
        words::{self, befell, cause, count, share, with_seconds},
    },
};

/// The class that gives an incident its one colour.
pub(super) fn class(incident: &Incident) -> &'static str {
    match incident.verdict {
        Verdict::ServerSide => "incident server",
        Verdict::Attack => "incident attack",
        Verdict::ClientSide => "incident client",
        Verdict::Undecided => "incident undecided",
    }
}

/// A server-side fault, open.
pub(super) fn open(page: &mut Page, anchor: &str, incident: &Incident, report: &Report, options: &Options) {
    page.within("article", &[("class", class(incident)), ("id", anchor)], |page| {
        page.within("header", &[], |page| {
            page.element("h2", &story::title(incident, options.cause_title));
            tags(page, incident);
        });
        sections(page, incident, report, options);
    });
}

/// Any other, closed: its line says enough for most readers.
pub(super) fn folded(page: &mut Page, anchor: &str, incident: &Incident, report: &Report, options: &Options) {
    page.within("article", &[("class", class(incident)), ("id", anchor)], |page| {
        page.within("details", &[("class", "whole")], |page| {
            page.within("summary", &[], |page| {
                page.element("h2", &story::title(incident, options.cause_title));
                tags(page, incident);
            });
            sections(page, incident, report, options);
        });
    });
}

fn tags(page: &mut Page, incident: &Incident) {
    page.classed("p", "tags", |page| {
        page.labelled("span", "badge", story::verdict(incident)).text(" ");
        page.element("span", &words::confidence(incident.confidence)).text(" ");
        page.element("span", &format!("{} {}", incident.status, words::place(&incident.scope, 2))).text(" ");
        page.element("span", story::state(incident.state)).text(" ");
        page.within("span", &[], |page| {
            page.text("incident ");
            page.element("code", &incident.id);
        });
    });
}

fn sections(page: &mut Page, incident: &Incident, report: &Report, options: &Options) {
    let input = &report.input;
    section(page, "Summary", |page| {
        let [first, second] = story::summary(incident, input, options.cause_title);
        page.labelled("p", "lead", &format!("{first} {second}"));
    });
    section(page, "Impact", |page| facts(page, &story::impact(incident, input)));
    section(page, "Timeline", |page| {
        timeline(page, incident, report, options.zone);
        course::incident(page, incident);
    });
    section(page, "Detection", |page| {
        page.element("p", &story::detection(incident));
    });
    section(page, "Scope", |page| scope(page, incident));
    section(page, "Likely cause", |page| {
        page.element("p", &story::likely_cause(incident, options.cause_title));
    });
    if !incident.evidence.is_empty() {
        section(page, "Evidence", |page| evidence(page, incident));
    }
    if !incident.ruled_out.is_empty() {
        section(page, "Ruled out", |page| {
            let facts = incident.ruled_out.iter().map(|other| (cause(other.cause, options.cause_title), &other.why));
            page.classed("dl", "ruled", |page| {
                for (title, why) in facts {
                    page.element("dt", &title).element("dd", why);
                }
            });
        });
    }
    if !incident.next_checks.is_empty() {
        section(page, "Next checks", |page| next_checks(page, incident));
    }
    if incident.verdict == Verdict::ServerSide {
        section(page, "For people", for_people);
    }
    if !incident.samples.is_empty() {
        section(page, "Lines of the log", |page| samples(page, incident));
    }
}

/// A section: its name, and beside it what there is to say.
pub(super) fn section(page: &mut Page, name: &str, content: impl FnOnce(&mut Page)) {
    page.within("section", &[], |page| {
        page.element("h3", name);
        page.classed("div", "body", content);
    });
}

/// Names and values.
pub(super) fn facts(page: &mut Page, facts: &[Fact]) {
    page.within("dl", &[], |page| {
        for fact in facts {
            page.element("dt", fact.name).element("dd", &fact.value);
        }
    });
}

fn timeline(page: &mut Page, incident: &Incident, report: &Report, zone: Option<Zone>) {
    page.classed("table", "moments", |page| {
        let clocks = zone.map_or("UTC".to_owned(), |zone| format!("UTC, and {}", zone.name()));
        head(page, &[&clocks, "what", "how this is known"]);
        page.within("tbody", &[], |page| {
            for moment in story::timeline(incident, &report.input) {
                page.within("tr", &[], |page| {
                    page.within("th", &[("scope", "row")], |page| {
                        page.element("time", &with_seconds(moment.time));
                        if let Some(zone) = zone {
                            page.labelled("time", "local", &zone.clock(moment.time));
                        }
                    });
                    page.element("td", moment.what).element("td", &moment.how);
                });
            }
        });
    });
}

fn scope(page: &mut Page, incident: &Incident) {
    let refused = befell(incident.status);
    page.classed("table", "scope", |page| {
        head(page, &["", "part of the traffic", "clients", refused, "share"]);
        page.within("tbody", &[], |page| {
            for part in story::parts(incident) {
                page.classed("tr", if part.is_hit { "hit" } else { "spared" }, |page| {
                    page.within("th", &[("scope", "row")], |page| {
                        page.text(if part.is_hit { "Hit" } else { "Spared" });
                    });
                    page.within("td", &[], |page| {
                        page.text(&part.dimension);
                        if !part.dimension.is_empty() {
                            page.text(" ");
                        }
                        page.element(if part.is_hit { "strong" } else { "span" }, &part.value);
                    });
                    page.labelled("td", "number", &count(part.clients));
                    page.labelled("td", "number", &count(part.failing));
                    page.classed("td", "shares", |page| {
                        page.element("span", &share(part.failing, part.clients));
                        drawing::share_bar(page, "failing", part.failing, part.clients);
                    });
                });
            }
        });
    });
    if incident.spared.is_empty() {
        page.labelled("p", "note", "There was nothing beside it to compare with.");
    }
}

fn evidence(page: &mut Page, incident: &Incident) {
    page.classed("div", "sides", |page| {
        for (name, class, supports) in [("For it", "for", true), ("Against it", "against", false)] {
            page.classed("div", class, |page| {
                page.element("h4", name);
                let side: Vec<_> = incident.evidence.iter().filter(|one| one.supports == supports).collect();
                if side.is_empty() {
                    page.labelled("p", "note", "Nothing found in the log.");
                }
                page.within("ul", &[], |page| {
                    for one in side {
                        page.element("li", &one.text);
                    }
                });
            });
        }
    });
}

fn next_checks(page: &mut Page, incident: &Incident) {
    page.classed("ol", "checks", |page| {
        for check in story::checks(incident) {
            page.within("li", &[], |page| {
                page.text(&check.words);
                for command in check.commands {
                    page.within("pre", &[], |page| {
                        page.element("code", command);
                    });
                }
            });
        }
    });
}

/// Headings with room to write: on paper, or in a copy.
fn for_people(page: &mut Page) {
    page.classed("dl", "blanks", |page| {
        for (name, hint) in story::FOR_PEOPLE {
            page.element("dt", name).element("dd", hint);
        }
    });
}

fn samples(page: &mut Page, incident: &Incident) {
    for line in &incident.samples {
        page.classed("figure", "line", |page| {
            page.element("figcaption", &format!("{}:{}", line.file, line.line));
            page.within("pre", &[], |page| {
                page.element("code", &line.text.inert());
            });
        });
    }
}
