//! The report formats. Owns their table and what all of them may be told.
//!
//! To add one: a file that exports `RENDERER`, and an entry in [`RENDERERS`].

mod csv;
mod json;
mod terminal;

use super::out::Color;
use crate::model::{diagnosis::Diagnosis, report::Report};

/// What a renderer may be told. Nothing in it comes from the clock or the environment.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of text; held between 60 and 120.
    pub width: usize,
    /// Whether styles are written.
    pub color: Color,
    /// Only ASCII in the terminal report, for fonts and mails that know no block characters.
    pub ascii: bool,
    /// At most so many clients in the table of clients.
    pub max_clients: usize,
    /// At most so many incidents that are not server-side; those are all shown.
    pub max_other_incidents: usize,
    /// The words for a cause by its id; empty where there are none, and the id is used.
    pub cause_title: fn(&str) -> &'static str,
}

impl Options {
    /// 80 columns without colour.
    #[must_use]
    pub fn new(cause_title: fn(&str) -> &'static str) -> Self {
        Self { width: 80, color: Color::Off, ascii: false, max_clients: 10, max_other_incidents: 12, cause_title }
    }
}

/// A report format.
#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    /// As given to `--output`.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// By which `-o FILE` chooses it, without the dot.
    pub extension: &'static str,
    /// The same report and options give the same bytes.
    pub render: fn(&Report, &Options) -> Vec<u8>,
}

/// All report formats; the first is the default.
pub const RENDERERS: &[&Renderer] = &[&terminal::RENDERER, &json::RENDERER, &csv::RENDERER];

/// The findings of `authfault doctor`, for people.
#[must_use]
pub fn diagnosis_page(diagnosis: &Diagnosis, options: &Options) -> Vec<u8> {
    terminal::doctor::render(diagnosis, options)
}

/// The same for programs: `authfault-doctor/1`.
#[must_use]
pub fn diagnosis_json(diagnosis: &Diagnosis) -> Vec<u8> {
    json::diagnosis(diagnosis)
}

/// The renderer of an id.
#[must_use]
pub fn renderer(id: &str) -> Option<&'static Renderer> {
    RENDERERS.iter().find(|renderer| renderer.id == id).copied()
}

/// The renderer of a file extension, in any case.
#[must_use]
pub fn renderer_for_extension(extension: &str) -> Option<&'static Renderer> {
    RENDERERS.iter().find(|renderer| renderer.extension.eq_ignore_ascii_case(extension)).copied()
}
