//! What must hold for the reports that are passed on, HTML and Markdown: nothing in them acts, and they stay small.

use super::{
    Options, renderer,
    samples::{self, all, cause_title},
};
use crate::model::report::Report;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

fn render(id: &str, report: &Report) -> String {
    let bytes = renderer(id).map(|renderer| (renderer.render)(report, &Options::new(cause_title))).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_else(|error| format!("not UTF-8: {error}"))
}

/// A tag: its name, whether it closes, whether it holds nothing, and its attributes.
struct Tag<'a> {
    name: &'a str,
    is_closing: bool,
    is_empty: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

/// The tags of a page without its style sheet, as a browser would find them.
fn tags(page: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    for piece in page.split('<').skip(1) {
        let (inside, text) = piece.split_once('>').unwrap_or((piece, ""));
        assert!(!text.contains('>'), "a bracket that opens nothing: {piece:?}");
        let is_closing = inside.starts_with('/');
        let is_empty = inside.ends_with('/');
        let inside = inside.trim_start_matches('/').trim_end_matches('/');
        let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while let Some((attribute, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap_or((after, ""));
            attributes.push((attribute.trim(), value));
            rest = after;
        }
        assert!(rest.trim().is_empty(), "{inside:?}");
        tags.push(Tag { name, is_closing, is_empty, attributes });
    }
    tags
}

/// The elements and attributes that a report is made of.
const ELEMENTS: &str = "html head meta title style body main header nav article section div h1 h2 h3 h4 p span a dl dt dd \
                        ul ol li table thead tbody tr th td figure figcaption details summary pre code strong time svg \
                        g rect line text desc";
const ATTRIBUTES: &str = "lang charset http-equiv content name class id href scope role aria-label aria-hidden x y x1 x2 \
                          y1 y2 width height text-anchor";

#[test]
fn html_is_well_formed_and_holds_our_elements_only() {
    for (name, report) in all() {
        let page = render("html", &report);
        let (before, rest) = page.split_once("<style>").unwrap_or_default();
        let (_, after) = rest.split_once("</style>").unwrap_or_default();
        let page = format!("{before}{after}").replace("<!DOCTYPE html>", "");
        let mut open = Vec::new();
        for tag in tags(&page) {
            assert!(ELEMENTS.split_whitespace().any(|one| one == tag.name), "{name}: <{}>", tag.name);
            for (attribute, value) in tag.attributes {
                assert!(ATTRIBUTES.split_whitespace().any(|one| one == attribute), "{name}: {attribute}");
                assert!(attribute != "href" || value.starts_with("#incident-"), "{name}: a link to {value}");
            }
            if tag.is_closing {
                assert_eq!(open.pop(), Some(tag.name), "{name}: closed out of order");
            } else if !tag.is_empty {
                open.push(tag.name);
            }
        }
        assert_eq!(open, Vec::<&str>::new(), "{name}: left open");
    }
}

#[test]
fn html_allows_its_own_style_sheet_and_nothing_else() {
    let page = render("html", &samples::deploy());
    let sheet = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap_or_default().0;
    let hash = STANDARD.encode(Sha256::digest(sheet.as_bytes()));
    let policy = format!("default-src &#39;none&#39;; style-src &#39;sha256-{hash}&#39;; base-uri");
    assert!(page.contains(&policy), "{policy}");
    let before_all_else = page.find("Content-Security-Policy") < page.find("<style>");
    assert!(before_all_else && !sheet.contains("url(") && !sheet.contains("@import"), "the sheet loads something");
}

#[test]
fn drawings_are_told_to_those_who_do_not_see_them() {
    for (name, report) in all() {
        for drawing in render("html", &report).split("<svg role=\"img\"").skip(1) {
            let inside = drawing.split("</svg>").next().unwrap_or_default();
            assert!(inside.contains("<title>") && inside.contains("<desc>"), "{name}: {inside}");
        }
    }
}

#[test]
fn a_month_with_fifty_incidents_stays_small() {
    let report = samples::month();
    for (id, most) in [("html", 2_000_000), ("markdown", 400_000)] {
        let size = render(id, &report).len();
        assert!((20_000..most).contains(&size), "{id}: {size} bytes");
    }
}

/// Markdown without its code: what a renderer would look for links, mentions and tags in.
fn running_text(markdown: &str) -> String {
    let mut text = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let marks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) => {
                if line.trim() == open {
                    fence = None;
                }
            }
            None if marks.len() >= 3 => fence = Some(marks),
            None => {
                let outside: Vec<&str> = line.split('`').step_by(2).collect();
                assert!(line.matches('`').count() % 2 == 0, "a span that is not closed: {line}");
                text.push_str(&outside.join("\u{fffc}"));
                text.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence that is not closed");
    text
}

#[test]
fn markdown_of_strangers_is_code() {
    for (name, report) in all() {
        let text = running_text(&render("markdown", &report));
        for line in text.lines() {
            let acts = line.contains(['<', '>', '[', ']', '@', '&', '\\', '$', '~', '_', '{'])
                || line.contains("://")
                || line.trim_start_matches('#').contains('#')
                || line.matches('*').count() % 4 != 0;
            assert!(!acts, "{name}: {line:?}");
        }
    }
}

#[test]
fn markdown_tables_keep_their_columns() {
    for (name, report) in all() {
        let mut columns = None;
        for line in render("markdown", &report).lines() {
            let bars = line.starts_with('|').then(|| line.matches('|').count());
            assert!(columns.is_none() || bars.is_none() || bars == columns, "{name}: {line}");
            columns = bars;
        }
    }
}
