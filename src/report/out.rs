//! Where a report is written. Owns the border between our own text and everybody else's.

use super::{escape::Escape, words};
use crate::model::{logged::Logged, time::Time};
use anstyle::Style;

/// Whether styles are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Never: for files, pipes and mails.
    #[default]
    Off,
    /// As ANSI escapes.
    Ansi,
}

/// A report in the making.
///
/// [`Out::markup`] takes `&'static str`, which a log cannot produce; everything else is escaped for the medium.
/// A [`Logged`] has no `Display`, so it cannot come in by way of `format!` without its own escape.
#[derive(Debug)]
pub struct Out {
    buffer: String,
    escape: Escape,
    color: Color,
}

impl Out {
    /// An empty report for a medium.
    #[must_use]
    pub fn new(escape: Escape, color: Color) -> Self {
        Self { buffer: String::new(), escape, color }
    }

    /// Writes our own text as it stands.
    pub fn markup(&mut self, own: &'static str) -> &mut Self {
        self.buffer.push_str(own);
        self
    }

    /// Writes text of any origin, escaped.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.buffer.push_str(&(self.escape)(text));
        self
    }

    /// Writes text of any origin by another escape of the same medium.
    pub fn escaped(&mut self, escape: Escape, text: &str) -> &mut Self {
        self.buffer.push_str(&escape(text));
        self
    }

    /// Writes what a stranger wrote, made inert and then escaped.
    pub fn logged(&mut self, logged: &Logged) -> &mut Self {
        self.text(&logged.inert())
    }

    /// Writes a number for machines: `12345`.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.buffer.push_str(&number.to_string());
        self
    }

    /// Writes a number for people: `12,345`.
    pub fn count(&mut self, number: u64) -> &mut Self {
        self.buffer.push_str(&words::count(number));
        self
    }

    /// Writes a time for machines: `2026-03-10T10:20:52Z`.
    pub fn time(&mut self, time: Time) -> &mut Self {
        self.buffer.push_str(&time.rfc3339());
        self
    }

    /// Writes text of any origin, escaped, in a style where the reader wants any.
    pub fn styled(&mut self, style: Style, text: &str) -> &mut Self {
        let plain = self.color == Color::Off || style == Style::new();
        if !plain {
            self.buffer.push_str(&style.render().to_string());
        }
        self.text(text);
        if !plain {
            self.buffer.push_str(&style.render_reset().to_string());
        }
        self
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.buffer.into_bytes()
    }
}
