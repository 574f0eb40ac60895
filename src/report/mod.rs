//! From a [`Report`](crate::model::report::Report) to bytes. Owns words, escapes and layouts; decides nothing.
//!
//! A renderer is one file under [`renderers`] and one entry in [`RENDERERS`]. What a stranger wrote reaches the
//! output only through [`out::Out`], which escapes it for the medium; see [`escape`].

pub mod answer;
pub mod escape;
pub mod out;
pub mod renderers;
mod story;
pub mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;

pub use answer::headline;
pub use renderers::{
    Names, Options, RENDERERS, Renderer, diagnosis_json, diagnosis_page, incident_for_people, incident_for_programs,
    incident_in_a_line, renderer, renderer_for_file, schema, stories_for_people, stories_for_programs,
};
