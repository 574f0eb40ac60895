//! Files that hold several: tar, streamed, and zip. Owns walking through their members and giving their logs as one
//! text, each ending with a newline. Members that are no text, or are error logs by name, are passed over; packed ones
//! are unpacked.

use super::{codecs::Bytes, discover::is_error_log, open::text_of};
use crate::{
    error::{Error, Kind},
    model::logged::inert,
};
use flate2::read::DeflateDecoder;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Members looked at; more are no archive of logs.
const MEMBERS_MAX: usize = 100_000;
/// Members that are told apart; the others count together.
const NAMED_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 512;
const BLOCK: usize = 512;

/// Where in the text of an archive its members begin, and what they are called, as far as was read.
#[derive(Clone, Debug, Default)]
pub struct Starts(Arc<Mutex<Vec<(u64, String)>>>);

impl Starts {
    /// The first member that begins at a byte or behind it.
    #[must_use]
    pub fn from(&self, at: u64) -> Option<(u64, String)> {
        let starts = self.0.lock().ok()?;
        starts.get(starts.partition_point(|(start, _)| *start < at)).cloned()
    }

    fn add(&self, at: u64, name: &Path) {
        let Ok(mut starts) = self.0.lock() else { return };
        let name = name.as_os_str().as_bytes();
        match starts.len() {
            named if named < NAMED_MAX => starts.push((at, inert(name.get(..NAME_BYTES_MAX).unwrap_or(name)))),
            NAMED_MAX => starts.push((at, "further members".to_owned())),
            _ => {}
        }
    }
}

/// Gives the next member, or nothing at the end.
trait Members {
    fn next(&mut self) -> io::Result<Option<(PathBuf, Bytes)>>;
}

/// The text of a tar archive.
pub(super) fn tar_text(reader: Bytes, path: &Path, starts: &Starts) -> Bytes {
    let members =
        Tar { archive: Shared(Arc::new(Mutex::new(reader))), left: Arc::default(), padding: 0, path: path.to_owned() };
    Box::new(Joined::new(Box::new(members), path, starts))
}

/// The text of a zip archive. `raw_bytes` counts what is read of it.
pub(super) fn zip_text(file: File, raw_bytes: Arc<AtomicU64>, path: &Path, starts: &Starts) -> Result<Bytes, Error> {
    let damaged = |cause: String| Error::new(Kind::Damaged { what: "zip", decoded_bytes: 0, cause }, path);
    let mut archive = zip::ZipArchive::new(&file).map_err(|e| damaged(e.to_string().to_lowercase()))?;
    let mut entries = Vec::new();
    for i in 0..archive.len().min(MEMBERS_MAX) {
        let entry = archive.by_index_raw(i).map_err(|e| damaged(e.to_string().to_lowercase()))?;
        if entry.is_file() {
            let start = entry.data_start().unwrap_or_default();
            let is_readable = !entry.encrypted();
            let name = PathBuf::from(String::from_utf8_lossy(entry.name_raw()).into_owned());
            entries.push(Entry {
                name,
                start,
                size_bytes: entry.compressed_size(),
                method: entry.compression(),
                is_readable,
            });
        }
    }
    entries.sort_by(|a, b| b.name.cmp(&a.name));
    let members = Zip {
        file: file.try_clone().map_err(|e| Error::from_io(e, "open it", path))?,
        entries,
        raw_bytes,
        path: path.to_owned(),
    };
    Ok(Box::new(Joined::new(Box::new(members), path, starts)))
}

/// The logs among members, one behind another.
struct Joined {
    members: Box<dyn Members + Send>,
    path: PathBuf,
    current: Option<Bytes>,
    ends_with_newline: bool,
    seen: usize,
    starts: Starts,
    given_bytes: u64,
    /// What went wrong with a member; said at the end, so that the others are read.
    failure: Option<Error>,
    is_done: bool,
}

impl Joined {
    fn new(members: Box<dyn Members + Send>, path: &Path, starts: &Starts) -> Self {
        Self {
            members,
            path: path.to_owned(),
            current: None,
            ends_with_newline: true,
            seen: 0,
            starts: starts.clone(),
            given_bytes: 0,
            failure: None,
            is_done: false,
        }
    }

    fn failed(&mut self, error: io::Error) {
        let error = Error::from_io(error, "read it", &self.path);
        self.failure.get_or_insert(error);
    }

    /// Goes to the next member that is a log; notes the end.
    fn advance(&mut self) {
        self.seen += 1;
        match self.members.next() {
            Ok(Some(_)) if self.seen > MEMBERS_MAX => self.is_done = true,
            Ok(Some((name, _))) if is_error_log(&name) => {}
            // What is no text is passed over, as in a directory.
            Ok(Some((name, member))) => {
                self.current = text_of(member, &self.path, 1, &Starts::default()).ok().flatten();
                if self.current.is_some() {
                    self.starts.add(self.given_bytes, &name);
                }
            }
            Ok(None) => self.is_done = true,
            Err(error) => {
                self.failed(error);
                self.is_done = true;
            }
        }
    }
}

impl Read for Joined {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(member) = &mut self.current {
                match member.read(out) {
                    Ok(0) => self.current = None,
                    Ok(n) => {
                        self.ends_with_newline = out.get(n - 1) == Some(&b'\n');
                        self.given_bytes += n as u64;
                        return Ok(n);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                    Err(error) => {
                        self.current = None;
                        self.failed(error);
                    }
                }
                if self.current.is_none() && !self.ends_with_newline {
                    self.ends_with_newline = true;
                    self.given_bytes += 1;
                    return (&b"\n"[..]).read(out);
                }
            } else if !self.is_done {
                self.advance();
            } else {
                return self.failure.clone().map_or(Ok(0), |failure| Err(io::Error::other(failure)));
            }
        }
    }
}

/// One reader for the archive and for the member that is being read.
#[derive(Clone)]
struct Shared(Arc<Mutex<Bytes>>);

impl Read for Shared {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("a reader of the same archive failed"))?.read(out)
    }
}

struct Tar {
    archive: Shared,
    /// Bytes of the current member that were not read.
    left: Arc<AtomicU64>,
    padding: u64,
    path: PathBuf,
}

/// The bytes of one member.
struct Body {
    archive: Shared,
    left: Arc<AtomicU64>,
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let n = self.archive.read(out.get_mut(..room).unwrap_or_default())?;
        self.left.fetch_sub(n as u64, Ordering::Relaxed);
        if n == 0 && room > 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(n) }
    }
}

impl Tar {
    fn damaged(&self, cause: &str) -> io::Error {
        let kind = Kind::Damaged { what: "tar", decoded_bytes: 0, cause: cause.to_owned() };
        io::Error::other(Error::new(kind, &self.path))
    }

    /// Passes what is left of a member.
    fn skip_rest(&mut self) -> io::Result<()> {
        let rest = self.left.swap(0, Ordering::Relaxed) + std::mem::take(&mut self.padding);
        let passed = io::copy(&mut (&mut self.archive).take(rest), &mut io::sink())?;
        if passed < rest { Err(self.damaged("it is cut")) } else { Ok(()) }
    }

    /// The header at the current place; none at the end.
    fn header(&mut self) -> io::Result<Option<tar::Header>> {
        let mut block = Vec::with_capacity(BLOCK);
        (&mut self.archive).take(BLOCK as u64).read_to_end(&mut block)?;
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let Ok(bytes) = <[u8; BLOCK]>::try_from(block) else { return Err(self.damaged("it is cut")) };
        let header = tar::Header::from_byte_slice(&bytes).clone();
        let (ahead, behind) = (bytes.get(..148).unwrap_or_default(), bytes.get(156..).unwrap_or_default());
        let sum: u32 = ahead.iter().chain(behind).map(|b| u32::from(*b)).sum::<u32>() + 8 * u32::from(b' ');
        match header.cksum() {
            Ok(expected) if expected == sum => Ok(Some(header)),
            _ => Err(self.damaged("a header is wrong")),
        }
    }
}

impl Members for Tar {
    fn next(&mut self) -> io::Result<Option<(PathBuf, Bytes)>> {
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size_bytes = header.entry_size().map_err(|_| self.damaged("a size is wrong"))?;
            self.left.store(size_bytes, Ordering::Relaxed);
            self.padding = (BLOCK as u64 - size_bytes % BLOCK as u64) % BLOCK as u64;
            if header.entry_type().is_file() {
                let name = PathBuf::from(String::from_utf8_lossy(&header.path_bytes()).into_owned());
                return Ok(Some((
                    name,
                    Box::new(Body { archive: self.archive.clone(), left: Arc::clone(&self.left) }),
                )));
            }
        }
    }
}

struct Entry {
    name: PathBuf,
    start: u64,
    size_bytes: u64,
    method: zip::CompressionMethod,
    is_readable: bool,
}

struct Zip {
    file: File,
    /// Last first.
    entries: Vec<Entry>,
    raw_bytes: Arc<AtomicU64>,
    path: PathBuf,
}

/// Counts what passes.
struct Counting(io::Take<File>, Arc<AtomicU64>);

impl Read for Counting {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(out)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Members for Zip {
    fn next(&mut self) -> io::Result<Option<(PathBuf, Bytes)>> {
        let Some(entry) = self.entries.pop() else { return Ok(None) };
        let damaged = |cause: &str| {
            let kind = Kind::Damaged { what: "zip", decoded_bytes: 0, cause: cause.to_owned() };
            io::Error::other(Error::new(kind, &self.path))
        };
        // One member is read at a time, so that they can share the file's position.
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(entry.start))?;
        let raw = Counting(file.take(entry.size_bytes), Arc::clone(&self.raw_bytes));
        let member: Bytes = match entry.method {
            _ if !entry.is_readable => return Err(damaged("a member is encrypted")),
            zip::CompressionMethod::Stored => Box::new(raw),
            #[expect(deprecated, reason = "the crate is used for its directory only, without its decoders")]
            zip::CompressionMethod::Unsupported(8) => Box::new(DeflateDecoder::new(raw)),
            _ => return Err(damaged("a member is packed in a way that is not known")),
        };
        Ok(Some((entry.name, member)))
    }
}
