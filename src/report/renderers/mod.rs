//! The report formats. Owns their table and what all of them may be told.
//!
//! To add one: a file that exports `RENDERER`, and an entry in [`RENDERERS`].

mod csv;
mod ecs;
mod html;
mod json;
mod markdown;
mod ocsf;
mod terminal;

pub use json::schema;

use super::{
    answer::{self, Answer},
    escape,
    out::Color,
};
use crate::model::{diagnosis::Diagnosis, incident::Incident, report::Report, story::Stories, zone::Zone};

/// What the names of clients and users in a report are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// What the log says.
    #[default]
    AsLogged,
    /// Numbers in the order in which they appear in the report.
    Numbered,
    /// Pseudonyms that are the same under the same key.
    Keyed,
}

impl Names {
    /// What a reader has to know about them.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::AsLogged => None,
            Self::Numbered => Some(
                "Clients and users are numbered in order of appearance; networks are kept to /24 and /48, and \
                 queries are left out.",
            ),
            Self::Keyed => Some(
                "Clients and users are pseudonyms, the same in every report with the same key; networks are kept to \
                 /24 and /48, and queries are left out.",
            ),
        }
    }
}

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
    /// Whether the report was narrowed to one incident, which is then all that the answer speaks of.
    pub is_single: bool,
    /// What the names in the report are.
    pub names: Names,
    /// Whose clock is shown beside UTC; none where UTC is enough.
    pub zone: Option<Zone>,
    /// The words for a cause by its id; empty where there are none, and the id is used.
    pub cause_title: fn(&str) -> &'static str,
}

impl Options {
    /// 80 columns without colour.
    #[must_use]
    pub fn new(cause_title: fn(&str) -> &'static str) -> Self {
        Self {
            width: 80,
            color: Color::Off,
            ascii: false,
            max_clients: 10,
            max_other_incidents: 12,
            is_single: false,
            names: Names::AsLogged,
            zone: None,
            cause_title,
        }
    }

    /// The answer that a report begins with.
    pub(super) fn answer(&self, report: &Report) -> Answer {
        match report.incidents.as_slice() {
            [only] if self.is_single => answer::of_one(only, report, self.cause_title),
            _ => answer::answer(report),
        }
    }
}

/// A report format.
#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    /// As given to `--output`.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// How a file's name ends by which `-o FILE` chooses it, without the first dot.
    pub extension: &'static str,
    /// Whether it is made to be passed on, so that people in it get pseudonyms unless they are asked for.
    pub is_shared: bool,
    /// The same report and options give the same bytes.
    pub render: fn(&Report, &Options) -> Vec<u8>,
}

/// All report formats; the first is the default.
pub const RENDERERS: &[&Renderer] = &[
    &terminal::RENDERER,
    &html::RENDERER,
    &markdown::RENDERER,
    &json::RENDERER,
    &csv::RENDERER,
    &ecs::RENDERER,
    &ocsf::RENDERER,
];

/// The stories of clients for people.
#[must_use]
pub fn stories_for_people(stories: &Stories, options: &Options) -> Vec<u8> {
    terminal::story::render(stories, options)
}

/// The stories of clients for programs: `authfault-story/1`.
#[must_use]
pub fn stories_for_programs(stories: &Stories) -> Vec<u8> {
    json::stories(stories)
}

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

/// Whom an incident hit and how, in a line of inert text, fit as a mail's subject.
#[must_use]
pub fn incident_in_a_line(incident: &Incident, options: &Options) -> String {
    escape::terminal(&answer::whom_of_one(incident, options.cause_title).replace('\u{a0}', " "))
}

/// One incident alone, as it stands in a terminal report.
#[must_use]
pub fn incident_for_people(incident: &Incident, report: &Report, options: &Options) -> String {
    terminal::alone(incident, report, options)
}

/// One incident alone, as it stands in a JSON report.
#[must_use]
pub fn incident_for_programs(incident: &Incident) -> String {
    json::alone(incident)
}

/// The renderer of an id.
#[must_use]
pub fn renderer(id: &str) -> Option<&'static Renderer> {
    RENDERERS.iter().find(|renderer| renderer.id == id).copied()
}

/// The renderer that a file's name asks for by its end, in any case.
#[must_use]
pub fn renderer_for_file(name: &str) -> Option<&'static Renderer> {
    let name = name.to_lowercase();
    RENDERERS.iter().find(|renderer| name.ends_with(&format!(".{}", renderer.extension))).copied()
}
