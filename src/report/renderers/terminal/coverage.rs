//! How much of the log was read, what was not understood and where, and what no log of this kind can tell.

use super::page::{Page, Prose, Tone};
use crate::{
    model::{
        coverage::{ErrorLogCoverage, FileCoverage, Rejected},
        logged::inert,
        report::Input,
    },
    report::{
        renderers::Names,
        words::{count, counted, format_of, judged_by, share, size, span},
    },
};

/// Limits on lists; what is left out is counted.
const MOST_FILES: usize = 10;
const MOST_REASONS: usize = 6;
/// Columns of a file's name where it was shown before.
const NAME_COLUMNS: usize = 48;

/// Files, lines and times.
pub(super) fn input(page: &mut Page, input: &Input) {
    page.heading("What was read");
    let mut prose = Prose::new().kept(&counted(input.lines, "line", "lines")).text(" in ").kept(&counted(
        input.files.len() as u64,
        "file",
        "files",
    ));
    if let (Some(start), Some(end)) = (input.start, input.end) {
        prose = prose.text(", ").kept(&span(start, end));
    }
    prose = match (input.parsed, input.rejected) {
        (0, 0) => prose,
        (_, 0) => prose.text(", ").kept("all understood"),
        (parsed, rejected) => prose
            .text(": ")
            .kept(&format!("{} understood", count(parsed)))
            .text(", ")
            .kept(&format!("{} not", count(rejected))),
    };
    if input.blank > 0 {
        prose = prose.text(", ").kept(&format!("{} blank", count(input.blank)));
    }
    page.wrapped(2, 4, &prose);
    if let Some(lead) = &input.lead {
        page.wrapped(2, 4, &Prose::new().text(&judged_by(lead)));
    }
    for file in input.files.iter().take(MOST_FILES) {
        self::file(page, file, input.files.len() > 1);
    }
    if input.files.len() > MOST_FILES {
        let more = format!("and {} more files", count((input.files.len() - MOST_FILES) as u64));
        page.line(2, &Prose::new().toned(Tone::Faint, &more));
    }
    rejections(page, &input.rejections);
    for log in input.error_logs.iter().take(MOST_FILES) {
        error_log(page, log);
    }
    if input.error_logs.len() > MOST_FILES {
        let more = format!("and {} more error logs", count((input.error_logs.len() - MOST_FILES) as u64));
        page.line(2, &Prose::new().toned(Tone::Faint, &more));
    }
}

/// Lines that are not in a server's form are normal there: applications write to it as well.
fn error_log(page: &mut Page, log: &ErrorLogCoverage) {
    let mut prose = Prose::new()
        .text(&format!("{}: error log, {}, ", log.path, size(log.bytes)))
        .kept(&counted(log.lines, "line", "lines"))
        .text(", ")
        .kept(&format!("{} about refusals", count(log.noted)));
    if log.rejected > 0 {
        prose = prose.text(", ").kept(&format!("{} not understood", count(log.rejected)));
    }
    if let (Some(start), Some(end)) = (log.start, log.end) {
        prose = prose.text(", ").kept(&span(start, end));
    }
    page.wrapped(2, 4, &prose);
    if let Some(problem) = &log.problem {
        page.wrapped(4, 4, &Prose::new().toned(Tone::Unsure, "Problem: ").text(problem));
    }
}

fn file(page: &mut Page, file: &FileCoverage, among_others: bool) {
    let path = if file.path == "-" { "standard input" } else { &file.path };
    let mut prose = Prose::new().text(&format!("{path}: {}, {}", format_of(file), size(file.bytes)));
    if file.unread_bytes > 0 {
        prose = prose.text(", ").kept(&format!("{} outside the span not read", size(file.unread_bytes)));
    }
    if among_others {
        prose = prose.text(", ").kept(&counted(file.lines, "line", "lines"));
        if file.rejected > 0 {
            prose = prose
                .text(" ")
                .kept(&format!("({} not understood)", share(file.rejected, file.lines - file.blank.min(file.lines))));
        }
        if let (Some(start), Some(end)) = (file.start, file.end) {
            prose = prose.text(", ").kept(&span(start, end));
        }
    }
    page.wrapped(2, 4, &prose);
    if let Some(problem) = &file.problem {
        page.wrapped(4, 4, &Prose::new().toned(Tone::Unsure, "Problem: ").text(problem));
    }
}

fn rejections(page: &mut Page, rejections: &[Rejected]) {
    for rejected in rejections.iter().take(MOST_REASONS) {
        let first = &rejected.first;
        let lines = counted(rejected.lines, "line", "lines");
        let prose = Prose::new()
            .toned(Tone::Unsure, &format!("{lines} not understood"))
            .text(&format!(": {}; first at ", rejected.reason.text()))
            .kept(&format!("{}:{}, ", page.cut_within(&first.file, NAME_COLUMNS), first.line))
            .kept(&format!("column {}", count((rejected.column as u64).saturating_add(1))));
        page.wrapped(2, 4, &prose);
        quote_with_caret(page, first.text.as_bytes(), rejected.column);
    }
    if rejections.len() > MOST_REASONS {
        let more = format!("and {} more reasons in the JSON report", count((rejections.len() - MOST_REASONS) as u64));
        page.line(2, &Prose::new().toned(Tone::Faint, &more));
    }
}

/// The line with a caret under the byte at which it stopped fitting. Where that lies far to the right, the line is
/// cut at its front instead of its end.
fn quote_with_caret(page: &mut Page, line: &[u8], column: usize) {
    if line.is_empty() {
        return;
    }
    let room = page.width - 4;
    let column = column.min(line.len());
    let (before, after) = line.split_at(column);
    let (mut before, after) = (inert(before), inert(after));
    // Two thirds of the line show what led there.
    let most_before = room * 2 / 3;
    if page.columns(&before) > most_before {
        let ellipsis = page.glyphs.ellipsis;
        let mut tail = String::new();
        for c in before.chars().rev() {
            tail.insert(0, c);
            if page.columns(&tail) + ellipsis.len() > most_before {
                break;
            }
        }
        before = format!("{ellipsis}{tail}");
    }
    let at = if before.is_empty() { 0 } else { page.columns(&before) };
    let shown = page.cut(&format!("{before}{after}"), room);
    page.line(4, &Prose::new().toned(Tone::Faint, &shown));
    page.line(4 + at, &Prose::new().toned(Tone::Unsure, "^ here"));
}

/// What this log cannot tell.
pub(super) fn limits(page: &mut Page, limits: &[String]) {
    if limits.is_empty() {
        return;
    }
    page.heading("What this log cannot tell");
    for limit in limits {
        page.wrapped(2, 4, &Prose::new().text("- ").text(limit));
    }
}

/// Who the clients are to the reader, where they are not named as in the log.
pub(super) fn names(page: &mut Page, names: Names) {
    if let Some(note) = names.note() {
        page.blank();
        page.wrapped(0, 0, &Prose::new().toned(Tone::Faint, note));
    }
}
