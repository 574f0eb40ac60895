//! How much of the input the conclusions rest on.

use super::{event::Reason, logged::Logged, time::Time};
use schemars::JsonSchema;
use serde::Serialize;

/// One input and how much of it could be read. `lines == parsed + rejected + blank`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileCoverage {
    /// As given or found; `-` for standard input.
    pub path: String,
    /// The format of most of its lines (an id of the format registry), or empty where none was found.
    pub format: String,
    /// Bytes of log text, after decompression.
    pub bytes: u64,
    /// Bytes of log text beside them that were passed over, since the file is in order of time and they lie outside
    /// the span asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread_bytes: u64,
    /// Lines, the last one counted with or without its newline.
    pub lines: u64,
    /// Lines understood.
    pub parsed: u64,
    /// Lines not understood.
    pub rejected: u64,
    /// Empty lines, comments, and further pieces of lines that a container's logger cut.
    pub blank: u64,
    /// Earliest time in it.
    pub start: Option<Time>,
    /// Latest time in it.
    pub end: Option<Time>,
    /// What went wrong with the file as a whole (truncated gzip, unreadable), where anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One error log and how much of it could be read. `lines == parsed + rejected + blank`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorLogCoverage {
    /// As given or found.
    pub path: String,
    /// Bytes of text, after decompression.
    pub bytes: u64,
    /// Lines, the last one counted with or without its newline.
    pub lines: u64,
    /// Lines in the form of a known server.
    pub parsed: u64,
    /// Of them, those that say something about a refusal.
    pub noted: u64,
    /// Other lines: what applications write there, stack traces.
    pub rejected: u64,
    /// Empty lines.
    pub blank: u64,
    /// Earliest time in it.
    pub start: Option<Time>,
    /// Latest time in it.
    pub end: Option<Time>,
    /// What went wrong with the file as a whole, where anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Lines rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub lines: u64,
    /// The first of them, by file and line.
    pub first: LineRef,
    /// Byte offset in that line at which it stopped fitting its nearest format.
    pub column: usize,
}

/// A line of the input, quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct LineRef {
    /// The file as in [`FileCoverage::path`].
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// The line, cut after 512 bytes.
    pub text: Logged,
}
