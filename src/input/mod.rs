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
pub mod mmap;
mod open;
mod sniff;

pub use chunks::{Lines, MAX_LINE_BYTES, StreamChunks, TARGET_CHUNK_BYTES, lines, split};
pub use discover::{Discovery, discover, discover_errors, texts, usual_places};
pub use mmap::Map;
pub use open::{Source, Stream};

use crate::{error::Error, model::logged::inert};
use std::{
    fs::Metadata,
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

/// The path that means standard input.
pub(crate) const STDIN: &str = "-";
