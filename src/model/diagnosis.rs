//! What a log format can and cannot tell: the findings of `authfault doctor`.

use super::logged::Logged;
use serde::Serialize;
use std::collections::BTreeMap;

/// The findings on every file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// In the order of the paths.
    pub files: Vec<FileDiagnosis>,
}

/// The findings on one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileDiagnosis {
    /// As given or found.
    pub path: String,
    /// The format by which it is read: an id of the registry, or `custom`; empty where no format reads any line.
    pub format: String,
    /// What loggers put around the lines, from the outside in.
    pub wrappers: Vec<&'static str>,
    /// Lines.
    pub lines: u64,
    /// Lines read.
    pub parsed: u64,
    /// Lines not read.
    pub rejected: u64,
    /// Empty lines and comments.
    pub blank: u64,
    /// Lines read by format: other formats may stand among those of the file.
    pub formats: BTreeMap<String, u64>,
    /// Whether times are logged without a zone.
    pub zoneless: bool,
    /// A line taken apart.
    pub sample: Option<Sample>,
    /// Lines that do not fit, the most frequent first.
    pub misfits: Vec<Misfit>,
    /// Where no format reads any line: what to do.
    pub advice: Option<Logged>,
    /// What cannot be concluded from lines of this format.
    pub limits: Vec<Limit>,
    /// Lines for a server's configuration that log what is missing.
    pub remedies: Vec<Remedy>,
}

/// A line taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Counted from 1.
    pub line: u64,
    /// The line.
    pub text: Logged,
    /// Its fields, under the names that the format has for them; what is skipped too.
    pub fields: Vec<Field>,
    /// What becomes of it, by our names.
    pub read_as: Vec<Field>,
}

/// A name and a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The value as logged.
    pub value: Logged,
}

/// Lines that do not fit for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// Why, in a few words.
    pub reason: &'static str,
    /// The format that came nearest to the first of them.
    pub nearest: &'static str,
    /// How many.
    pub lines: u64,
    /// The first of them, counted from 1.
    pub first_line: u64,
    /// Where it stopped fitting, counted from 1.
    pub column: u64,
    /// What stands there.
    pub token: Logged,
    /// The line.
    pub text: Logged,
}

/// Something that this log cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// What is not logged.
    pub missing: &'static str,
    /// What follows from that.
    pub consequence: &'static str,
}

/// A line to add to a server's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// Whose configuration.
    pub server: &'static str,
    /// The text, as it stands there.
    pub text: String,
}
