//! How far a log has been read, and how it is known again under another name.

use super::time::Time;

/// Bytes of text at the beginning of a log that tell it from others.
pub const HEAD_BYTES: usize = 4096;
/// Bytes of text in front of where reading stopped that tell it from one that merely begins alike.
pub const TAIL_BYTES: usize = 256;

/// The first 16 bytes of a SHA-256: strangers write logs, so a digest that can be forged would let them hide lines.
pub type Digest = [u8; 16];

/// A log and how much of its text was read. Offsets count bytes after decompression, so that a log stays the same
/// when it is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Given when it was first seen; never reused.
    pub id: u32,
    /// Where it was last seen, as the system's bytes.
    pub path: Vec<u8>,
    /// What the system said of the file then: a hint, since numbers are reused.
    pub seen: Stamp,
    /// Of its first bytes.
    pub head: Digest,
    /// How many these were: fewer than [`HEAD_BYTES`] while the log is short.
    pub head_bytes: u32,
    /// Of the bytes in front of [`Self::offset`].
    pub tail: Digest,
    /// How many these were.
    pub tail_bytes: u32,
    /// Bytes of text read, up to the end of a line.
    pub offset: u64,
    /// Whether nothing followed there when the file looked like [`Self::seen`].
    pub at_end: bool,
}

/// A file as its directory entry describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The device that holds it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size on disk.
    pub size_bytes: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub modified_ns: i64,
}

impl Stamp {
    /// Whether this is the same file, whatever was written to it.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// When it was last written to.
    #[must_use]
    pub fn modified(&self) -> Time {
        Time(u32::try_from(self.modified_ns / 1_000_000_000).unwrap_or(if self.modified_ns < 0 { 0 } else { u32::MAX }))
    }
}
