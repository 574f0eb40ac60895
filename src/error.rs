//! What went wrong with an input as a whole, as data. Owns the wording; a bad line is not an error (it is counted
//! in the coverage), and nothing here prints, exits or stops a run.
//!
//! A message says what was expected, what was found and what to do, lower case, without a full stop. Commands in it
//! say `FILE` rather than the name: names come from strangers, and messages are pasted into shells.

use crate::model::{
    logged::{Logged, inert},
    time::Time,
};
use std::{
    fmt, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// A [`Kind`] of problem, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: Kind,
    /// The file or directory, or the pattern, as given or found; `-` for standard input.
    pub path: Option<PathBuf>,
    /// Counted from 1, where one line is to blame.
    pub line: Option<u64>,
}

/// One variant for each thing that can be wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// The path leads nowhere.
    #[error("no such file; check the path, or name a directory or a quoted pattern such as '/var/log/nginx/*access*'")]
    NotFound,
    /// The path is there, but not for us.
    #[error(
        "no permission to read it; run as root or as a member of its group (often `adm`), \
         or pipe it in: `sudo cat FILE | authfault -`"
    )]
    Unreadable,
    /// A directory in which nothing looks like an access log.
    #[error(
        "expected access logs in this directory (names with `access` in them, or `*.log`), found {}; {}",
        seen_text(.seen, *.more),
        what_to_name(.seen)
    )]
    NoLogs {
        /// Some of the files that are there, inert and sorted.
        seen: Vec<String>,
        /// How many files beside those.
        more: u64,
    },
    /// A directory in which nothing looks like an error log.
    #[error("expected error logs in this directory (names with `error` in them), found none; name the file itself")]
    NoErrorLogs,
    /// A directory without parts.
    #[error("expected files of `authfault map` in this directory (names that end with .afpart), found none")]
    NoParts,
    /// A pattern that nothing matches.
    #[error("no file matches this pattern; check it, or name a directory to search all of it")]
    NoMatch,
    /// Not a pattern at all.
    #[error(
        "expected a pattern of file names, found one that cannot be read: {cause}; quote special characters as `[*]`"
    )]
    BadPattern {
        /// What the pattern's parser says.
        cause: String,
    },
    /// Nothing in it. An empty log beside others is no problem; the pipeline decides.
    #[error("expected log lines, found an empty file; check that the server writes its log here")]
    Empty,
    /// Neither text nor a container that is known.
    #[error("expected log text, found {what}; name the access log itself")]
    Binary {
        /// What it looks like.
        what: &'static str,
    },
    /// A container that is recognised but not read yet.
    #[error(
        "expected text, plain or packed, found {what} data, which is not read directly; use `{command} | authfault -`"
    )]
    Container {
        /// Its name.
        what: &'static str,
        /// The command that turns `FILE` into text.
        command: &'static str,
    },
    /// Text, but in UTF-16.
    #[error("expected ASCII or UTF-8 text, found UTF-16; convert it: `iconv -f UTF-16 -t UTF-8 FILE | authfault -`")]
    Utf16,
    /// The gzip data stop before their end.
    #[error(
        "expected the end of the gzip data, found the end of the file after {decoded_bytes} bytes of text, \
         which are counted; the file is cut, or still being written: copy it again or run again later"
    )]
    TruncatedGzip {
        /// Bytes of text delivered before.
        decoded_bytes: u64,
    },
    /// The gzip data are damaged.
    #[error(
        "expected sound gzip data, found damage after {decoded_bytes} bytes of text, which are counted \
         ({cause}); check with `gzip -t FILE` and copy it again"
    )]
    CorruptGzip {
        /// Bytes of text delivered before.
        decoded_bytes: u64,
        /// What the decoder says.
        cause: String,
    },
    /// Packed data or an archive are damaged or cut.
    #[error(
        "expected sound {what} data, found damage after {decoded_bytes} bytes of text, which are counted ({cause}); \
         copy it again, or run again later if it is still being written"
    )]
    Damaged {
        /// What it is packed with.
        what: &'static str,
        /// Bytes of text delivered before.
        decoded_bytes: u64,
        /// What the decoder says.
        cause: String,
    },
    /// A small file that unpacks to far too much.
    #[error(
        "expected a packed log, found {decoded_bytes} bytes of text in the first {raw_bytes} bytes on disk, more than any \
         log; they are counted, the rest is left; unpack it yourself if it is one"
    )]
    Bomb {
        /// Bytes of text delivered before.
        decoded_bytes: u64,
        /// Bytes on disk that they came from.
        raw_bytes: u64,
    },
    /// Something that is not gzip follows the gzip data.
    #[error(
        "expected nothing after the gzip data, found other bytes after {decoded_bytes} bytes of text, \
         which are counted; check with `gzip -t FILE`"
    )]
    GarbageAfterGzip {
        /// Bytes of text delivered before.
        decoded_bytes: u64,
    },
    /// A stretch of a file was asked for that cannot be jumped into.
    #[error(
        "expected a plain file of which a range of bytes can be read, found one that is packed, a stream, or on a file \
         system that cannot be mapped; read it whole"
    )]
    NoRanges,
    /// The middle of a log whose columns are named in its lines, without what comes before.
    #[error(
        "expected lines that can be read by the beginning of their file, found a log that names its columns on the way; \
         read it whole"
    )]
    NoMiddle,
    /// Not what `authfault map` writes, or no longer.
    #[error(
        "expected what `authfault map` of this version wrote: {cause}; nothing of it is used, copy or make it again"
    )]
    BadPart {
        /// What the reader of the form says.
        cause: String,
    },
    /// One end of the span is a moment and the other counts back from the end of the log, which came too early.
    #[error("expected --since to be before --until, found {} and {} UTC", .since.minute(), .until.minute())]
    EmptySpan {
        /// Where it begins.
        since: Time,
        /// Where it ends.
        until: Time,
    },
    /// What was said where it was read.
    #[error("{text}")]
    Told {
        /// In words.
        text: String,
    },
    /// Times without a zone, and the operator named none. No failure: the report says so.
    #[error("expected times with a zone, found none; they are read as UTC, --tz names another")]
    NoZone,
    /// The file shrank or was rewritten under us.
    #[error(
        "expected the file to keep its content, found it truncated while it was read \
         (logrotate's copytruncate does this), so lines may be missing; run again"
    )]
    Changed,
    /// Neither a file nor a directory nor a stream.
    #[error("expected a file, a directory or a pipe, found {what}; name the access log itself")]
    Special {
        /// What it is.
        what: &'static str,
    },
    /// Something that is gone once it was read.
    #[error(
        "expected a regular file, in which the next run can read on, found a pipe or a device; name the log itself"
    )]
    NotFollowable,
    /// Lines that a server wrote about its errors.
    #[error(
        "expected lines of an access log, found those of an error log; give it beside the access log, with --error-log"
    )]
    ErrorLog,
    /// Text of which no line is in a known format.
    #[error(
        "expected lines of a known log format, found `{}`; nearest is `{nearest}`, which stops fitting at column {} \
         ({reason}); {advice}",
        .text.inert(), .column + 1
    )]
    UnknownFormat {
        /// The first line that was not understood.
        text: Logged,
        /// The format that got furthest.
        nearest: &'static str,
        /// Why it stopped there.
        reason: &'static str,
        /// What to do.
        advice: &'static str,
        /// Bytes in front of where it stopped.
        column: usize,
    },
    /// The operating system refused.
    #[error("cannot {doing}: {cause}")]
    Io {
        /// A verb with its object, such as `read it`.
        doing: &'static str,
        /// What the system says.
        cause: String,
    },
}

impl Error {
    /// A problem with a path.
    #[must_use]
    pub fn new(kind: Kind, path: &Path) -> Self {
        Self { kind, path: Some(path.to_owned()), line: None }
    }

    /// The same problem, with the line to blame, counted from 1.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }

    /// What the operating system, or a reader of ours inside an [`io::Error`], says about a path. `doing` is a verb
    /// with its object, such as `read it`.
    #[must_use]
    pub fn from_io(error: io::Error, doing: &'static str, path: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(Kind::NotFound, path),
            io::ErrorKind::PermissionDenied => Self::new(Kind::Unreadable, path),
            _ => match error.downcast::<Self>() {
                Ok(ours) => ours,
                Err(theirs) => Self::new(Kind::Io { doing, cause: cause_text(&theirs) }, path),
            },
        }
    }
}

/// `path:line: message`, the path inert.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}", inert(path.as_os_str().as_bytes()))?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for Error {}

/// The system's words in our style: lower case, without their number.
pub(crate) fn cause_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn seen_text(seen: &[String], more: u64) -> String {
    match (seen, more) {
        ([], _) => "no file at all".to_owned(),
        (_, 0) => format!("only {}", seen.join(", ")),
        _ => format!("only {} and {more} more", seen.join(", ")),
    }
}

fn what_to_name(seen: &[String]) -> &'static str {
    if seen.is_empty() { "name the directory that the server writes to" } else { "name the files that are access logs" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_kinds() -> Vec<Kind> {
        vec![
            Kind::NotFound,
            Kind::Unreadable,
            Kind::NoLogs { seen: vec![], more: 0 },
            Kind::NoLogs { seen: vec!["a".into(), "b".into()], more: 3 },
            Kind::NoErrorLogs,
            Kind::NoMatch,
            Kind::BadPattern { cause: "unclosed class".into() },
            Kind::Empty,
            Kind::Binary { what: "binary data" },
            Kind::Container { what: "zstd", command: "zstdcat FILE" },
            Kind::Utf16,
            Kind::TruncatedGzip { decoded_bytes: 7 },
            Kind::CorruptGzip { decoded_bytes: 7, cause: "crc".into() },
            Kind::GarbageAfterGzip { decoded_bytes: 7 },
            Kind::Damaged { what: "zstd", decoded_bytes: 7, cause: "crc".into() },
            Kind::Bomb { decoded_bytes: 7, raw_bytes: 1 },
            Kind::NoZone,
            Kind::Changed,
            Kind::EmptySpan { since: Time(9), until: Time(7) },
            Kind::Special { what: "a socket" },
            Kind::NotFollowable,
            Kind::Io { doing: "read it", cause: "input/output error".into() },
        ]
    }

    #[test]
    fn every_message_is_lower_case_and_without_full_stop() {
        for kind in all_kinds() {
            let text = kind.to_string();
            assert!(text.starts_with(|c: char| c.is_lowercase()), "{text}");
            assert!(!text.ends_with('.') && !text.contains("  ") && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn a_hostile_path_cannot_act_on_the_terminal() {
        let error = Error::new(Kind::NotFound, Path::new("a\x1b[2Jb")).at_line(3);
        assert!(error.to_string().starts_with("a\\x1b[2Jb:3: no such file"), "{error}");
    }

    #[test]
    fn our_own_error_survives_its_way_through_a_reader() {
        let ours = Error::new(Kind::Changed, Path::new("x"));
        assert_eq!(Error::from_io(io::Error::other(ours.clone()), "read it", Path::new("y")), ours);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(Error::from_io(denied, "read it", Path::new("y")).kind, Kind::Unreadable);
        let disk = Error::from_io(io::Error::from_raw_os_error(5), "read it", Path::new("y"));
        assert_eq!(disk.to_string(), "y: cannot read it: input/output error");
    }
}
