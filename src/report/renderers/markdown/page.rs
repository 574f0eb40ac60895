//! Headings, lists, tables and blocks of Markdown. Owns the blank lines between them and the length of fences.

use crate::{
    model::logged::inert,
    report::{
        escape,
        out::{Color, Out},
    },
};

/// A page in the making.
pub(super) struct Page {
    out: Out,
}

/// Columns of a table that hold numbers, by how their rule is written.
pub(super) const WORDS: &str = " --- |";
/// See [`WORDS`].
pub(super) const NUMBERS: &str = " ---: |";

impl Page {
    pub(super) fn new() -> Self {
        Self { out: Out::new(escape::markdown, Color::Off) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// The title of the page.
    pub(super) fn title(&mut self, text: &str) {
        self.out.markup("# ").text(text).markup("\n\n");
    }

    pub(super) fn chapter(&mut self, text: &str) {
        self.out.markup("## ").text(text).markup("\n\n");
    }

    pub(super) fn section(&mut self, name: &'static str) {
        self.out.markup("### ").markup(name).markup("\n\n");
    }

    pub(super) fn paragraph(&mut self, content: impl FnOnce(&mut Out)) {
        content(&mut self.out);
        self.out.markup("\n\n");
    }

    /// An item of a list: a name of ours in bold, and what is said of it.
    pub(super) fn named(&mut self, name: &'static str, content: impl FnOnce(&mut Out)) {
        self.out.markup("- **").markup(name).markup(":** ");
        content(&mut self.out);
        self.out.markup("\n");
    }

    /// An item of a list.
    pub(super) fn item(&mut self, content: impl FnOnce(&mut Out)) {
        self.out.markup("- ");
        content(&mut self.out);
        self.out.markup("\n");
    }

    /// An item of a numbered list.
    pub(super) fn step(&mut self, number: usize, text: &str) {
        self.out.number(number as u64).markup(". ").text(text).markup("\n");
    }

    /// The end of a list.
    pub(super) fn blank(&mut self) {
        self.out.markup("\n");
    }

    /// The head of a table, each column with how it is ruled.
    pub(super) fn head(&mut self, columns: &[(&'static str, &'static str)]) {
        self.out.markup("|");
        for (name, _) in columns {
            self.out.markup(" ").markup(name).markup(" |");
        }
        self.out.markup("\n|");
        for (_, rule) in columns {
            self.out.markup(rule);
        }
        self.out.markup("\n");
    }

    pub(super) fn row(&mut self, cells: &[&dyn Fn(&mut Out)]) {
        self.out.markup("|");
        for cell in cells {
            self.out.markup(" ");
            cell(&mut self.out);
            self.out.markup(" |");
        }
        self.out.markup("\n");
    }

    /// Lines as they are, in a fence that none of them can close.
    pub(super) fn block(&mut self, indent: &'static str, language: &'static str, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| inert(line.as_bytes())).collect();
        let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
        let fence = |page: &mut Self| {
            page.out.markup(indent);
            for _ in 0..(longest + 1).max(3) {
                page.out.markup("`");
            }
        };
        fence(self);
        self.out.markup(language).markup("\n");
        for line in &lines {
            self.out.markup(indent).escaped(escape::terminal, line).markup("\n");
        }
        fence(self);
        self.out.markup("\n");
    }
}

/// The most grave accents in a row.
fn longest_run(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
