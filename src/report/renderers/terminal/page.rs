//! Lines of limited width. Owns wrapping, cutting, columns and tones; knows nothing of incidents.
//!
//! Everything is escaped before it is measured, so that what is measured is what is shown.

use crate::report::{
    escape::{self, Escape},
    out::{Color, Out},
};
use anstyle::{AnsiColor, Style};

/// Where the text beside a label begins.
pub(super) const LABELLED: usize = 12;

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Strong,
    Faint,
    Bad,
    Unsure,
    Good,
    Theirs,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Unsure => AnsiColor::Yellow.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Theirs => AnsiColor::Blue.on_default().bold(),
        }
    }
}

/// The characters that drawings are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyphs {
    /// A column from empty to full, in eighths.
    pub(super) up: [char; 9],
    /// A bar from empty to full, in eighths.
    pub(super) right: [char; 9],
    /// The axis outside of the incident.
    pub(super) outside: char,
    /// The axis within it.
    pub(super) within: char,
    /// Where text was cut.
    pub(super) ellipsis: &'static str,
}

const BLOCKS: Glyphs = Glyphs {
    up: [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    right: [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'],
    outside: '─',
    within: '━',
    ellipsis: "…",
};

const ASCII: Glyphs = Glyphs {
    up: [' ', '.', '.', '.', ':', ':', ':', '#', '#'],
    right: [' ', ' ', ' ', ' ', '#', '#', '#', '#', '#'],
    outside: '-',
    within: '=',
    ellipsis: "...",
};

/// A paragraph in the making: text of any origin, not yet escaped, and how it is meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Prose {
    spans: Vec<Span>,
}

#[derive(Clone, Debug)]
struct Span {
    text: String,
    tone: Tone,
    /// Whether its spaces hold the line together.
    kept: bool,
}

impl Prose {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Text that may be broken at its spaces.
    pub(super) fn text(self, text: &str) -> Self {
        self.toned(Tone::Plain, text)
    }

    /// The same, with a meaning.
    pub(super) fn toned(mut self, tone: Tone, text: &str) -> Self {
        self.spans.push(Span { text: text.to_owned(), tone, kept: false });
        self
    }

    /// Text that stays on one line where it fits on one.
    pub(super) fn kept(mut self, text: &str) -> Self {
        self.spans.push(Span { text: text.to_owned(), tone: Tone::Plain, kept: true });
        self
    }
}

/// A character as it will be shown.
#[derive(Clone, Copy)]
struct Cell {
    c: char,
    tone: Tone,
    kept: bool,
}

impl Cell {
    fn breaks(self) -> bool {
        self.c == ' ' && !self.kept
    }
}

/// A report of limited width in the making.
pub(super) struct Page {
    out: Out,
    escape: Escape,
    pub(super) width: usize,
    pub(super) glyphs: Glyphs,
}

impl Page {
    pub(super) fn new(width: usize, color: Color, ascii: bool) -> Self {
        let escape: Escape = if ascii { escape::ascii } else { escape::terminal };
        let glyphs = if ascii { ASCII } else { BLOCKS };
        Self { out: Out::new(escape, color), escape, width: width.clamp(60, 120), glyphs }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    pub(super) fn blank(&mut self) {
        self.out.markup("\n");
    }

    /// The title of a section, after an empty line.
    pub(super) fn heading(&mut self, title: &'static str) {
        self.blank();
        self.wrapped(0, 2, &Prose::new().toned(Tone::Strong, title));
    }

    /// One line that is not broken, whatever its width: for what is copied, and for what was measured.
    pub(super) fn line(&mut self, indent: usize, prose: &Prose) {
        let cells = self.cells(prose);
        self.emit(indent, &cells);
    }

    /// A paragraph with its first line and the others indented.
    pub(super) fn wrapped(&mut self, first: usize, rest: usize, prose: &Prose) {
        let cells = self.cells(prose);
        self.paragraph(first, rest, &cells);
    }

    fn paragraph(&mut self, first: usize, rest: usize, cells: &[Cell]) {
        let mut indent = first;
        for line in wrap(cells, self.width.saturating_sub(first), self.width.saturating_sub(rest)) {
            self.emit(indent, line);
            indent = rest;
        }
    }

    /// A paragraph beside a label, or below the one above where the label is empty.
    pub(super) fn labelled(&mut self, label: &'static str, prose: &Prose) {
        self.listed(label, &Prose::new(), 0, prose);
    }

    /// The same as an item of a list: a mark in some columns, and the text indented below itself.
    pub(super) fn listed(&mut self, label: &'static str, mark: &Prose, mark_columns: usize, prose: &Prose) {
        let mut cells = self.cells(&Prose::new().toned(Tone::Faint, &format!("{label:<width$}", width = LABELLED - 2)));
        cells.extend(self.cells(mark));
        let begin = LABELLED - 2 + mark_columns;
        while cells.len() < begin {
            cells.push(Cell { c: ' ', tone: Tone::Plain, kept: true });
        }
        cells.iter_mut().for_each(|cell| cell.kept = true);
        cells.extend(self.cells(prose));
        self.paragraph(2, begin + 2, &cells);
    }

    /// Escaped text, cut to some columns.
    pub(super) fn cut(&self, text: &str, columns: usize) -> String {
        let shown = (self.escape)(text);
        if columns_of(&shown) <= columns {
            return shown;
        }
        let room = columns.saturating_sub(columns_of(self.glyphs.ellipsis));
        let mut used = 0;
        let head = shown.chars().take_while(|c| {
            used += column_of(*c);
            used <= room
        });
        let mut head: String = head.collect();
        head.push_str(self.glyphs.ellipsis);
        head
    }

    /// Escaped text, its middle left out where it takes more than some columns: of a path, both ends tell.
    pub(super) fn cut_within(&self, text: &str, columns: usize) -> String {
        let shown = (self.escape)(text);
        if columns_of(&shown) <= columns {
            return shown;
        }
        let room = columns.saturating_sub(columns_of(self.glyphs.ellipsis));
        let mut head = String::new();
        for c in shown.chars() {
            if columns_of(&head) + column_of(c) > room / 3 {
                break;
            }
            head.push(c);
        }
        let (left, mut used) = (room - columns_of(&head), 0);
        let tail = shown.chars().rev().take_while(|c| {
            used += column_of(*c);
            used <= left
        });
        let tail: Vec<char> = tail.collect();
        format!("{head}{}{}", self.glyphs.ellipsis, tail.into_iter().rev().collect::<String>())
    }

    /// Columns that a text takes once escaped.
    pub(super) fn columns(&self, text: &str) -> usize {
        columns_of(&(self.escape)(text))
    }

    fn cells(&self, prose: &Prose) -> Vec<Cell> {
        let mut cells = Vec::new();
        for span in &prose.spans {
            let shown = (self.escape)(&span.text);
            cells.extend(shown.chars().map(|c| Cell { c, tone: span.tone, kept: span.kept }));
        }
        cells
    }

    fn emit(&mut self, indent: usize, cells: &[Cell]) {
        let kept = cells.iter().rposition(|cell| cell.c != ' ').map_or(0, |last| last + 1);
        let cells = cells.get(..kept).unwrap_or_default();
        if !cells.is_empty() {
            self.out.text(&" ".repeat(indent));
        }
        for run in cells.chunk_by(|a, b| a.tone == b.tone) {
            let text: String = run.iter().map(|cell| cell.c).collect();
            let tone = run.first().map_or(Tone::Plain, |cell| cell.tone);
            self.out.styled(tone.style(), &text);
        }
        self.out.markup("\n");
    }
}

/// Breaks at the last space that fits, or within a word that is too long for a line.
fn wrap(cells: &[Cell], first: usize, rest: usize) -> Vec<&[Cell]> {
    let mut lines = Vec::new();
    let (mut left, mut room) = (cells, first);
    loop {
        let fits = fitting(left, room).max(1);
        if fits >= left.len() {
            lines.push(left);
            return lines;
        }
        // A space just behind the last column is as good as one before it.
        let space = left.iter().take(fits + 1).rposition(|cell| cell.breaks()).filter(|at| *at > 0);
        let (line, more) = left.split_at(space.unwrap_or(fits));
        lines.push(line);
        let skipped = more.iter().take_while(|cell| cell.breaks()).count();
        left = more.get(skipped..).unwrap_or_default();
        room = rest;
        if left.is_empty() {
            return lines;
        }
    }
}

/// How many characters fit into some columns.
fn fitting(cells: &[Cell], columns: usize) -> usize {
    let mut used = 0;
    let fits = cells.iter().take_while(|cell| {
        used += column_of(cell.c);
        used <= columns
    });
    fits.count()
}

fn columns_of(text: &str) -> usize {
    text.chars().map(column_of).sum()
}

/// Columns that terminals give a character: two for East Asian and emoji, else one. Combining marks are counted
/// too, so that a line of nothing but marks has an end.
fn column_of(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, Page, Prose, Tone};

    fn page(write: impl FnOnce(&mut Page)) -> String {
        let mut page = Page::new(60, Color::Off, false);
        write(&mut page);
        String::from_utf8_lossy(&page.into_bytes()).into_owned()
    }

    #[test]
    fn long_words_are_broken_and_kept_ones_are_not() {
        let word = "x".repeat(130);
        let shown = page(|page| page.wrapped(0, 4, &Prose::new().text(&word)));
        assert_eq!(shown.lines().map(str::len).collect::<Vec<_>>(), [60, 60, 18]);

        let shown =
            page(|page| page.wrapped(0, 2, &Prose::new().text(&"y".repeat(50)).text(" ").kept("10:20 to 12:16")));
        assert_eq!(shown, format!("{}\n  10:20 to 12:16\n", "y".repeat(50)));
    }

    #[test]
    fn styles_do_not_reach_over_lines() {
        let mut page = Page::new(60, Color::Ansi, false);
        page.wrapped(0, 0, &Prose::new().toned(Tone::Bad, &"word ".repeat(30)));
        let shown = String::from_utf8_lossy(&page.into_bytes()).into_owned();
        assert!(shown.lines().all(|line| line.ends_with("\u{1b}[0m")), "{shown:?}");
    }

    #[test]
    fn wide_characters_count_twice() {
        let shown = page(|page| {
            let cut = page.cut(&"漢".repeat(40), 11);
            page.line(0, &Prose::new().text(&cut));
        });
        assert_eq!(shown, "漢漢漢漢漢…\n");
    }
}
