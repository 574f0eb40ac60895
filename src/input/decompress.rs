//! gzip, streamed. Owns what to do with concatenated members, padding, cut and damaged data; told by content, never by
//! name. Holds a fixed amount of memory however much a small file unpacks to.
//!
//! Members are walked here rather than by flate2's `MultiGzDecoder`, which takes zero padding for a broken member and
//! does not tell a cut file from a damaged one.

use crate::error::{Error, Kind, cause_text};
use flate2::bufread::GzDecoder;
use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Compressed bytes read at a time.
const READ_BYTES: usize = 128 << 10;

/// The text of a gzip stream.
///
/// Everything that can be decoded is delivered; only then does a cut or damaged stream fail, with an [`Error`] of ours
/// inside the [`io::Error`], and again on each further read.
#[derive(Debug)]
pub struct Gunzip<R> {
    path: PathBuf,
    state: State<R>,
    decoded_bytes: u64,
}

#[derive(Debug)]
enum State<R> {
    Member(Box<GzDecoder<BufReader<R>>>),
    Between(BufReader<R>),
    Failed(Error),
    End,
}

impl<R: Read> Gunzip<R> {
    /// Decodes a reader that stands at the beginning of a member; `path` is named in errors.
    #[must_use]
    pub fn new(reader: R, path: &Path) -> Self {
        let decoder = GzDecoder::new(BufReader::with_capacity(READ_BYTES, reader));
        Self { path: path.to_owned(), state: State::Member(Box::new(decoder)), decoded_bytes: 0 }
    }

    /// What a failure means, told from where it happened.
    fn failure(&self, error: io::Error) -> Error {
        let decoded_bytes = self.decoded_bytes;
        let kind = match error.kind() {
            _ if error.raw_os_error().is_some() || is_ours(&error) => {
                return Error::from_io(error, "read it", &self.path);
            }
            io::ErrorKind::UnexpectedEof => Kind::TruncatedGzip { decoded_bytes },
            _ => Kind::CorruptGzip { decoded_bytes, cause: cause_text(&error) },
        };
        Error::new(kind, &self.path)
    }

    /// Looks behind a member: the next one, padding and the end, or garbage.
    fn next_member(&self, mut reader: BufReader<R>) -> State<R> {
        match skip_zeros(&mut reader) {
            Err(error) => State::Failed(self.failure(error)),
            Ok(None) => State::End,
            // One byte will do: a member that is cut or broken behind it is told by its decoder.
            Ok(Some(0x1f)) => State::Member(Box::new(GzDecoder::new(reader))),
            Ok(Some(_)) => {
                State::Failed(Error::new(Kind::GarbageAfterGzip { decoded_bytes: self.decoded_bytes }, &self.path))
            }
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let state = match std::mem::replace(&mut self.state, State::End) {
                State::End => return Ok(0),
                State::Failed(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(io::Error::other(error));
                }
                State::Between(reader) => self.next_member(reader),
                State::Member(mut decoder) => match decoder.read(out) {
                    Ok(0) if !out.is_empty() => State::Between(decoder.into_inner()),
                    Ok(n) => {
                        self.decoded_bytes += n as u64;
                        self.state = State::Member(decoder);
                        return Ok(n);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        self.state = State::Member(decoder);
                        return Err(error);
                    }
                    Err(error) => State::Failed(self.failure(error)),
                },
            };
            self.state = state;
        }
    }
}

/// Whether a reader of ours below said what is wrong.
fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Error>())
}

/// Passes zero bytes (tapes and block devices pad with them); the byte after them, not consumed.
fn skip_zeros(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
        let next = buffer.get(zeros).copied();
        let ended = buffer.is_empty();
        reader.consume(zeros);
        if ended || next.is_some() {
            return Ok(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// What is delivered, and what is said at the end.
    fn gunzip(data: &[u8]) -> (Vec<u8>, Option<Kind>) {
        let mut out = Vec::new();
        let mut reader = Gunzip::new(data, Path::new("x.gz"));
        let kind = reader.read_to_end(&mut out).err().map(|e| Error::from_io(e, "read it", Path::new("")).kind);
        if kind.is_some() {
            assert!(reader.read(&mut [0; 8]).is_err(), "a failure is not forgotten");
        }
        (out, kind)
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut x = 1_u32;
        let step = |_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b' ' + (x >> 24) as u8 % 64
        };
        (0..len).map(step).collect()
    }

    #[test]
    fn members_follow_each_other_and_padding_is_passed() {
        let data = [gzip(b"one\n"), gzip(b""), gzip(b"two\n"), vec![0; 300_000]].concat();
        assert_eq!(gunzip(&data), (b"one\ntwo\n".to_vec(), None));
    }

    #[test]
    fn a_cut_stream_delivers_what_it_has_then_says_so() {
        let text = noise(500_000);
        let data = gzip(&text);
        let (got, kind) = gunzip(&data[..data.len() / 2]);
        assert!(got.len() > 200_000 && text.starts_with(&got), "{}", got.len());
        assert_eq!(kind, Some(Kind::TruncatedGzip { decoded_bytes: got.len() as u64 }));
        let (got, kind) = gunzip(&data[..data.len() - 4]);
        assert_eq!(got, text, "cut in the footer, nothing is lost");
        assert_eq!(kind, Some(Kind::TruncatedGzip { decoded_bytes: 500_000 }));
        for cut in [1, 5] {
            assert_eq!(
                gunzip(&[gzip(b"one\n"), data[..cut].to_vec()].concat()),
                (b"one\n".to_vec(), Some(Kind::TruncatedGzip { decoded_bytes: 4 }))
            );
        }
    }

    #[test]
    fn damage_is_told_from_a_cut() {
        let mut data = gzip(&noise(100_000));
        let crc = data.len() - 8;
        data[crc] ^= 1;
        let (got, kind) = gunzip(&data);
        assert_eq!(got.len(), 100_000);
        assert!(matches!(kind, Some(Kind::CorruptGzip { decoded_bytes: 100_000, .. })), "{kind:?}");
        let garbage = [gzip(b"one\n"), b"plain text".to_vec()].concat();
        assert_eq!(gunzip(&garbage), (b"one\n".to_vec(), Some(Kind::GarbageAfterGzip { decoded_bytes: 4 })));
    }

    #[test]
    fn a_bomb_is_streamed_not_stored() {
        // 256 MiB in 256 KiB; each read fills no more than it is given.
        let member = gzip(&vec![0; 16 << 20]);
        let bomb = member.repeat(16);
        let mut reader = Gunzip::new(bomb.as_slice(), Path::new("bomb.gz"));
        assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), 256 << 20);
    }
}
