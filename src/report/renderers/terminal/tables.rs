//! Failures by cause and clients to look at. Owns their columns.

use super::page::{Glyphs, Page, Prose, Tone};
use crate::{
    model::{
        logged::inert,
        report::{ClientSummary, Report},
        time::Time,
    },
    report::{
        renderers::Options,
        words::{self, EVENT_CAUSES, clock, count, date, share},
    },
};
use std::collections::BTreeMap;

/// Columns of the longest bar, where there is room for it.
const BAR: usize = 24;

/// Every 401 and 403 once, by cause, with what each cause means.
pub(super) fn causes(page: &mut Page, report: &Report) {
    let causes = &report.event_causes;
    let all: u64 = EVENT_CAUSES.iter().map(|words| words.number(causes)).sum();
    if all == 0 {
        return;
    }
    page.heading("Failures by cause (each 401 and 403 once)");
    let digits = count(all).len();
    let longest = BAR.min(page.width.saturating_sub(2 + 18 + digits + 2 + 7 + 2 + 1));
    for words in EVENT_CAUSES {
        let number = words.number(causes);
        if number == 0 {
            continue;
        }
        let figures = format!("{:<18}{:>digits$}  {:>7}  ", words.title, count(number), share(number, all));
        page.line(2, &Prose::new().text(&figures).toned(Tone::Faint, &bar(number, all, longest, &page.glyphs)));
        page.wrapped(4, 4, &Prose::new().toned(Tone::Faint, words.meaning));
    }
}

/// A bar in eighths of a column; what is not zero shows.
fn bar(part: u64, whole: u64, longest: usize, glyphs: &Glyphs) -> String {
    let eighths = (u128::from(part) * (longest as u128 * 8)).div_ceil(u128::from(whole.max(1))) as usize;
    let full = glyphs.right.last().copied().unwrap_or(' ');
    let rest = glyphs.right.get(eighths % 8).copied().unwrap_or(' ');
    std::iter::repeat_n(full, eighths / 8).chain([rest]).collect()
}

/// Columns that a client always has: those of an IPv4 address.
const SHORT_CLIENT: usize = 15;

/// The clients with the most failures.
pub(super) fn clients(page: &mut Page, report: &Report, options: &Options) {
    let shown: Vec<&ClientSummary> = report.clients.iter().take(options.max_clients).collect();
    if shown.is_empty() {
        return;
    }
    page.heading("Clients to look at (most 401 and 403; names are claimed user names)");
    let one_day = days(&shown).is_none_or(|(first, last)| date(first) == date(last));
    let header =
        ["client", "requests", "served", "401", "403", "names", "mostly", if one_day { "seen" } else { "seen (days)" }];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(shown.iter().map(|client| row(client, one_day)));
    table(page, &rows);
    origins(page, &shown);
}

/// Where the clients are from, where that is known.
fn origins(page: &mut Page, clients: &[&ClientSummary]) {
    const MOST_CLIENTS: usize = 4;
    let mut by_origin: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for client in clients {
        let origin = client.origin.as_ref().map(|origin| inert(origin.text().as_bytes()));
        if let Some(origin) = origin {
            by_origin.entry(origin).or_default().push(client.client.inert());
        }
    }
    for (origin, clients) in by_origin {
        page.wrapped(2, 4, &Prose::new().text(&format!("from {origin}: ")).kept(&words::list(&clients, MOST_CLIENTS)));
    }
}

fn days(clients: &[&ClientSummary]) -> Option<(Time, Time)> {
    let first = clients.iter().map(|client| client.first).min()?;
    Some((first, clients.iter().map(|client| client.last).max()?))
}

fn row(client: &ClientSummary, one_day: bool) -> [String; 8] {
    let seen = if one_day {
        format!("{}-{}", clock(client.first), clock(client.last))
    } else {
        let day = |time| date(time).chars().skip(5).collect::<String>();
        let (first, last) = (day(client.first), day(client.last));
        if first == last { first } else { format!("{first}/{last}") }
    };
    [
        client.client.inert(),
        count(client.requests),
        count(client.ok),
        count(client.status_401),
        count(client.status_403),
        count(client.users),
        words::event_cause_short(client.main_cause).to_owned(),
        seen,
    ]
}

/// Columns as wide as their widest cell; where the page is narrow, the last ones are left out. A client that is
/// too long for its column has a line of its own, in full: an address is there to be copied.
fn table(page: &mut Page, rows: &[[String; 8]]) {
    let mut widths = [0; 8];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(page.columns(cell));
        }
    }
    let [client, figures @ ..] = widths;
    let taken = |columns: &[usize]| columns.iter().map(|width| width + 2).sum::<usize>() + 2;
    let fitting = |shown: &usize| {
        figures.get(..*shown).is_none_or(|figures| taken(figures) + client.min(SHORT_CLIENT) <= page.width)
    };
    let shown = (0..=figures.len()).rev().find(fitting).unwrap_or(0);
    let figures = figures.get(..shown).unwrap_or_default();
    let client = client.min(page.width.saturating_sub(taken(figures)));
    for (i, row) in rows.iter().enumerate() {
        let tone = if i == 0 { Tone::Faint } else { Tone::Plain };
        let mut line = row[0].clone();
        if page.columns(&line) > client {
            page.line(2, &Prose::new().text(&page.cut(&line, page.width - 2)));
            line.clear();
        }
        line.push_str(&" ".repeat(client.saturating_sub(page.columns(&line))));
        for (at, (cell, width)) in row.iter().skip(1).zip(figures).enumerate() {
            // The last two columns are words.
            line.push_str(&if at < 5 { format!("  {cell:>width$}") } else { format!("  {cell:<width$}") });
        }
        page.line(2, &Prose::new().toned(tone, &line));
    }
}
