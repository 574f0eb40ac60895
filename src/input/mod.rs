//! From paths to text. Owns finding log files, opening them by what they hold, and cutting them into chunks of whole
//! lines; knows no log format, no threads and no order of work.
//!
//! ```text
//! paths ─ discover() ─> LogFile ─ open() ─> Source::Mapped ─ split() ───────┐
//!                                           Source::Stream ─ StreamChunks ──┴─> chunks ─ lines() ─> &[u8]
//! ```
//!
//! What is wrong with one file is an [`Error`] about that file, collected as data; the others are read all the same.
//! Any input, however hostile, is read in bounded memory: what is packed is streamed and may unpack to so much only,
//! overlong lines are cut.

mod archive;
pub mod chunks;
mod codecs;
pub mod decompress;
pub mod discover;
pub mod follow;
pub mod mmap;
mod open;
mod sniff;

pub use archive::Starts;
pub use chunks::{Lines, MAX_LINE_BYTES, StreamChunks, TARGET_CHUNK_BYTES, line_start, lines, split};
pub use discover::{Discovery, discover, discover_errors, discover_parts, texts, usual_places};
pub use mmap::Map;
pub use open::{Source, Stream, bytes};

use crate::{
    error::Error,
    model::{cursor::Cursor, logged::inert},
};
use std::{
    ffi::OsStr,
    fs::Metadata,
    ops::Range,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

/// A discovered input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is; `-` for standard input.
    pub path: PathBuf,
    /// The path as it stands in reports, inert.
    pub name: String,
    /// Which file it is, whatever its name.
    pub identity: Identity,
    /// Its size on disk, before decompression; none for a pipe or device.
    pub size_bytes: Option<u64>,
    /// What of its text is to be read.
    pub part: Part,
}

/// A part of a text, from the beginning of a line to the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Bytes in front of it.
    pub from_bytes: u64,
    /// Where it ends; what is appended later belongs to the next run.
    pub until_bytes: u64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { from_bytes: 0, until_bytes: u64::MAX };

    /// The part of a text that is all there, as a range of its bytes.
    #[must_use]
    pub fn of(self, len_bytes: usize) -> Range<usize> {
        let at = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(len_bytes);
        at(self.from_bytes)..at(self.until_bytes.max(self.from_bytes))
    }
}

/// A file as the system knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The device that holds it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl LogFile {
    /// A file at a path, with what the system says about it.
    pub(crate) fn new(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            name: inert(path.as_os_str().as_bytes()),
            identity: Identity { device: metadata.dev(), inode: metadata.ino() },
            size_bytes: metadata.is_file().then_some(metadata.len()),
            part: Part::WHOLE,
        }
    }

    /// A member of this archive.
    pub(crate) fn member(&self, name: &str) -> Self {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(":{name}"));
        let (path, name) = (PathBuf::from(path), format!("{}:{name}", self.name));
        Self { path, name, size_bytes: None, ..self.clone() }
    }

    /// A file that was read elsewhere, to be named in a report.
    pub(crate) fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            name: inert(path.as_os_str().as_bytes()),
            identity: Identity { device: 0, inode: 0 },
            size_bytes: None,
            part: Part::WHOLE,
        }
    }

    /// A file as it was when it was last seen, to be named in a report.
    pub(crate) fn remembered(cursor: &Cursor) -> Self {
        Self {
            path: path_of(cursor),
            name: inert(&cursor.path),
            identity: Identity { device: cursor.seen.device, inode: cursor.seen.inode },
            size_bytes: Some(cursor.seen.size_bytes),
            part: Part::WHOLE,
        }
    }

    /// Whether this is standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == STDIN
    }

    /// Opens it by what it holds: plain text is mapped where that is safe and otherwise streamed, packed text and
    /// archives of logs are streamed.
    /// A UTF-8 byte-order mark is skipped. An empty file is no error. A pipe without a writer blocks.
    ///
    /// # Errors
    /// The file is gone, forbidden, or holds something that is not a log; the error says what.
    pub fn open(&self) -> Result<Source, Error> {
        open::open(self)
    }
}

/// Where a log was last seen.
#[must_use]
pub fn path_of(cursor: &Cursor) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(&cursor.path))
}

/// The path that means standard input.
pub(crate) const STDIN: &str = "-";
