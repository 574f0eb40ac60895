//! The report to pass on: one HTML file that needs nothing else. Owns the order of the page and its style sheet.
//!
//! It holds no script, loads nothing and says so to the browser: its content security policy allows the one style
//! sheet in it, by hash, and nothing else. So it reads the same offline, from a mail and on paper.

mod course;
mod drawing;
mod heat;
mod incident;
mod overview;
mod page;
mod tables;

use super::{Options, Renderer};
use crate::{
    model::{
        incident::{Incident, Verdict},
        report::Report,
    },
    report::answer::{Mood, faults, others},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use page::Page;
use sha2::{Digest, Sha256};

pub(super) const RENDERER: Renderer = Renderer {
    id: "html",
    title: "incident report to pass on: one file, no script, prints well",
    extension: "html",
    is_shared: true,
    render,
};

const STYLE: &str = include_str!("style.css");

fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut page = Page::new();
    page.within("html", &[("lang", "en")], |page| {
        head(page, report, options);
        page.within("body", &[], |page| {
            page.within("main", &[], |page| content(page, report, options));
        });
    });
    page.into_bytes()
}

fn head(page: &mut Page, report: &Report, options: &Options) {
    page.within("head", &[], |page| {
        page.empty("meta", &[("charset", "utf-8")]);
        page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy())]);
        page.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        page.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
        page.empty("meta", &[("name", "referrer"), ("content", "no-referrer")]);
        page.empty("meta", &[("name", "robots"), ("content", "noindex")]);
        page.empty("meta", &[("name", "generator"), ("content", concat!("authfault ", env!("CARGO_PKG_VERSION")))]);
        page.element("title", &options.answer(report).text.replace('\u{a0}', " "));
        page.style(STYLE);
    });
}

/// Nothing may run or be loaded; the style sheet is named by its hash.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn content(page: &mut Page, report: &Report, options: &Options) {
    let (faults, others) = (faults(report), others(report));
    let mood = match options.answer(report).mood {
        Mood::Bad => "top bad",
        Mood::Unsure => "top unsure",
        Mood::Good => "top good",
    };
    page.classed("header", mood, |page| overview::top(page, report, options, &faults));
    let all: Vec<(String, &Incident)> =
        faults.iter().chain(&others).enumerate().map(|(i, one)| (format!("incident-{}", i + 1), *one)).collect();
    if all.len() > 1 {
        overview::contents(page, &all, options);
    }
    for (anchor, one) in &all {
        // One that was asked for, or is alone, is not folded away.
        if one.verdict == Verdict::ServerSide || all.len() == 1 {
            incident::open(page, anchor, one, report, options);
        } else {
            incident::folded(page, anchor, one, report, options);
        }
    }
    overview::whole_log(page, report, options, &all);
    overview::appendix(page, report);
}
