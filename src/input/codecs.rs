//! zstd, bzip2 and xz, streamed, and the limit on what any packed file may unpack to. gzip is in `decompress.rs`, what
//! holds several files in `archive.rs`.
//!
//! Every decoder holds a bounded amount of memory, whatever a file says that it needs.

use crate::error::{Error, Kind, cause_text};
use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Memory for the window of an xz stream: as much as `xz -9` asks for.
const XZ_MEMORY_KIB: u32 = 96 << 10;
/// The window of a zstd stream: as much as `zstd --ultra -22` asks for.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Compressed bytes read at a time.
const READ_BYTES: usize = 128 << 10;

/// How a file is packed that holds one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

/// A reader of any kind.
pub(super) type Bytes = Box<dyn Read + Send>;

impl Codec {
    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    /// The text in a packed stream, also of several put one behind another.
    pub(super) fn unpack(self, reader: Bytes, path: &Path) -> Result<Bytes, Error> {
        let reader = BufReader::with_capacity(READ_BYTES, reader);
        let unpacked: Bytes = match self {
            Self::Gzip => return Ok(Box::new(super::decompress::Gunzip::new(reader, path))),
            Self::Zstd => {
                let failed = |e| Error::from_io(e, "read it", path);
                let mut decoder = zstd::Decoder::with_buffer(reader).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
                Box::new(decoder)
            }
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB)),
        };
        Ok(Box::new(Unpacked { reader: unpacked, codec: self, path: path.to_owned(), decoded_bytes: 0, failure: None }))
    }
}

/// Says what is wrong with packed data in our words, and again on each further read.
struct Unpacked {
    reader: Bytes,
    codec: Codec,
    path: PathBuf,
    decoded_bytes: u64,
    failure: Option<Error>,
}

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(io::Error::other(failure.clone()));
        }
        match self.reader.read(out) {
            Ok(n) => {
                self.decoded_bytes += n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let is_ours = error.get_ref().is_some_and(|inner| inner.is::<Error>());
                let failure = if is_ours || error.raw_os_error().is_some() {
                    Error::from_io(error, "read it", &self.path)
                } else {
                    let (what, decoded_bytes, cause) = (self.codec.name(), self.decoded_bytes, cause_text(&error));
                    Error::new(Kind::Damaged { what, decoded_bytes, cause }, &self.path)
                };
                self.failure = Some(failure.clone());
                Err(io::Error::other(failure))
            }
        }
    }
}

/// Text that a packed file may always unpack to.
const FREE_BYTES: u64 = 256 << 20;
/// Beyond that, how many bytes of text one byte on disk may stand for. A log that repeats one line with another time
/// comes to about 200 with xz.
const RATIO_MAX: u64 = 500;

/// Ends a text that is too large for what it was unpacked from: no log compresses like that, a bomb does.
pub(super) struct Bounded {
    reader: Bytes,
    path: PathBuf,
    raw_bytes: Arc<AtomicU64>,
    text_bytes: u64,
    free_bytes: u64,
}

impl Bounded {
    pub(super) fn new(reader: Bytes, raw_bytes: Arc<AtomicU64>, path: &Path) -> Self {
        Self { reader, path: path.to_owned(), raw_bytes, text_bytes: 0, free_bytes: FREE_BYTES }
    }
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let raw_bytes = self.raw_bytes.load(Ordering::Relaxed);
        if self.text_bytes > self.free_bytes && self.text_bytes / RATIO_MAX > raw_bytes {
            let kind = Kind::Bomb { decoded_bytes: self.text_bytes, raw_bytes };
            return Err(io::Error::other(Error::new(kind, &self.path)));
        }
        let n = self.reader.read(out)?;
        self.text_bytes += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LINE: &[u8] = b"192.0.2.1 - - one\n";

    fn packed(codec: Codec, text: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Zstd => zstd::encode_all(text, 3).unwrap(),
            Codec::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Xz | Codec::Gzip => panic!("no encoder here"),
        }
    }

    fn unpacked(codec: Codec, data: Vec<u8>) -> (Vec<u8>, Option<Kind>) {
        let mut text = Vec::new();
        let mut reader = codec.unpack(Box::new(io::Cursor::new(data)), Path::new("x")).unwrap();
        let failure = reader.read_to_end(&mut text).err();
        if failure.is_some() {
            assert!(reader.read(&mut [0; 8]).is_err(), "a failure is not forgotten");
        }
        (text, failure.map(|e| Error::from_io(e, "read it", Path::new("x")).kind))
    }

    #[test]
    fn streams_may_follow_each_other_and_a_cut_one_says_so() {
        for codec in [Codec::Zstd, Codec::Bzip2] {
            let one = packed(codec, LINE);
            assert_eq!(unpacked(codec, [one.clone(), one.clone()].concat()), (LINE.repeat(2), None), "{codec:?}");
            let (text, kind) = unpacked(codec, [&one[..], &one[..one.len() - 3]].concat());
            assert!(text.starts_with(LINE) && matches!(kind, Some(Kind::Damaged { .. })), "{codec:?}: {kind:?}");
        }
    }

    #[test]
    fn a_bomb_is_cut_off() {
        let reader = |bytes: u64| Bounded {
            reader: Box::new(io::repeat(b'\n').take(bytes)),
            path: "x".into(),
            raw_bytes: Arc::new(AtomicU64::new(10)),
            text_bytes: 0,
            free_bytes: 8000,
        };
        assert_eq!(io::copy(&mut reader(8000), &mut io::sink()).unwrap(), 8000);
        let failure = io::copy(&mut reader(1 << 30), &mut io::sink()).unwrap_err();
        let kind = Error::from_io(failure, "read it", Path::new("x")).kind;
        assert!(matches!(kind, Kind::Bomb { raw_bytes: 10, decoded_bytes } if decoded_bytes < 1 << 20), "{kind:?}");
    }
}
