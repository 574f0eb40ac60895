//! Opening one input by what it holds. Owns the choice between mapping and reading, and taking off what a text is packed
//! in; the bytes themselves pass through untouched, but for a byte-order mark.

use super::{
    LogFile, Part,
    archive::{self, Starts},
    codecs::{Bounded, Bytes},
    mmap::{Map, may_map},
    sniff::{Content, SNIFF_BYTES, classify},
};
use crate::error::{Error, Kind};
use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, Cursor, Read, Seek},
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// An opened input.
#[derive(Debug)]
pub enum Source {
    /// Nothing in it. Not an error: logs are empty after a rotation.
    Empty,
    /// All there: cut it with [`super::split`]. Ask [`Map::was_truncated`] after the last chunk, and if so report
    /// [`Kind::Changed`].
    Mapped(Map),
    /// Comes by and by: read it with [`super::StreamChunks`].
    Stream(Stream),
}

/// Text that comes by and by: standard input, a pipe, gzip, a file on the network.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    raw_bytes: Arc<AtomicU64>,
    starts: Starts,
}

impl Stream {
    /// Bytes taken from the file so far, before decompression: what a progress bar over sizes on disk counts.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes.load(Ordering::Relaxed)
    }

    /// Where the members of an archive begin.
    #[must_use]
    pub fn starts(&self) -> &Starts {
        &self.starts
    }

    /// A part of it alone. What is in front is read and forgotten, since nothing can jump in packed text.
    ///
    /// # Errors
    /// It cannot be read that far.
    pub fn part(mut self, part: Part) -> io::Result<Self> {
        io::copy(&mut self.reader.by_ref().take(part.from_bytes), &mut io::sink())?;
        self.starts = Starts::default();
        self.reader = Box::new(self.reader.take(part.until_bytes.saturating_sub(part.from_bytes)));
        Ok(self)
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("raw_bytes", &self.raw_bytes()).finish_non_exhaustive()
    }
}

/// See [`LogFile::open`].
pub(super) fn open(log: &LogFile) -> Result<Source, Error> {
    let failed = |e| Error::from_io(e, "open it", &log.path);
    let file = if log.is_stdin() { stdin() } else { File::open(&log.path) }.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    open_file(file, &metadata, &log.path)
}

/// All bytes of a file that is no log, as they are.
///
/// # Errors
/// The file is gone, forbidden or cannot be read to its end.
pub fn bytes(log: &LogFile) -> Result<Vec<u8>, Error> {
    let file = if log.is_stdin() { stdin() } else { File::open(&log.path) };
    let mut bytes = Vec::new();
    file.and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|e| Error::from_io(e, "read it", &log.path))?;
    Ok(bytes)
}

/// Standard input without std's buffer, so that a redirected file can be mapped like any other.
fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// The length is the one of `metadata`, taken before anything was read: what is appended later belongs to the next run.
fn open_file(mut file: File, metadata: &Metadata, path: &Path) -> Result<Source, Error> {
    // Redirected standard input may have been read in part; a mapping would begin at the beginning.
    let at = file.stream_position().unwrap_or(0);
    let mapped_file = (at == 0 && may_map(&file, metadata)).then(|| file.try_clone().ok()).flatten();
    let (raw_bytes, starts) = (Arc::default(), Starts::default());
    // Files in /proc say that they are empty.
    let expected_bytes = (metadata.is_file() && metadata.len() > 0).then(|| metadata.len().saturating_sub(at));
    let archive = metadata.is_file().then(|| file.try_clone().ok()).flatten();
    let headed =
        Headed::new(Counted { reader: file, count: Arc::clone(&raw_bytes), expected_bytes, path: path.into() });
    let unpacked = |text: Option<Bytes>| match text {
        None => Source::Empty,
        Some(text) => {
            let reader = Box::new(Bounded::new(text, Arc::clone(&raw_bytes), path));
            Source::Stream(Stream { reader, raw_bytes: Arc::clone(&raw_bytes), starts: starts.clone() })
        }
    };
    match headed.content(path)? {
        Content::Text { start } => {
            let map = mapped_file.and_then(|file| Map::open(&file, metadata.len()).ok());
            Ok(match map {
                Some(map) => Source::Mapped(map.starting_at(start)),
                None => Source::Stream(Stream { reader: headed.from(start), raw_bytes, starts: Starts::default() }),
            })
        }
        Content::Zip => match archive {
            Some(file) => archive::zip_text(file, Arc::clone(&raw_bytes), path, &starts)
                .and_then(|text| text_of(text, path, 1, &starts))
                .map(unpacked),
            None => Err(Error::new(PIPED_ZIP, path)),
        },
        _ => text_of(headed.from(0), path, 0, &starts).map(unpacked),
    }
}

/// The directory of a zip archive stands at its end.
const PIPED_ZIP: Kind = Kind::Container { what: "piped zip", command: "unzip -p FILE" };
/// Layers taken off one file: a tar in gzip of logs in gzip has three.
const LAYERS_MAX: usize = 4;

/// The text in a stream that may be packed, in several layers; none where there is nothing.
pub(super) fn text_of(reader: Bytes, path: &Path, layer: usize, starts: &Starts) -> Result<Option<Bytes>, Error> {
    let headed = Headed::new(reader);
    let kind = match headed.content(path)? {
        Content::Text { start } => return Ok(Some(headed.from(start))),
        Content::Packed(codec) if layer < LAYERS_MAX => {
            return text_of(codec.unpack(headed.from(0), path)?, path, layer + 1, starts);
        }
        Content::Tar if layer < LAYERS_MAX => {
            return text_of(archive::tar_text(headed.from(0), path, starts), path, layer + 1, starts);
        }
        Content::Empty => return Ok(None),
        Content::Utf16 => Kind::Utf16,
        Content::Container { what, command } => Kind::Container { what, command },
        Content::Binary { what } => Kind::Binary { what },
        Content::Zip => Kind::Container { what: "zip inside another", command: "unzip -p FILE" },
        Content::Packed(_) | Content::Tar => Kind::Binary { what: "data packed over and over" },
    };
    Err(Error::new(kind, path))
}

/// The first bytes of the text of a file, to compare files by; none where there is no text.
pub(super) fn head_of(log: &LogFile) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    match open(log).ok()? {
        Source::Empty => {}
        Source::Mapped(map) => head.extend(map.as_bytes().iter().take(SNIFF_BYTES)),
        Source::Stream(stream) => {
            stream.take(SNIFF_BYTES as u64).read_to_end(&mut head).ok()?;
        }
    }
    (!head.is_empty()).then_some(head)
}

/// A reader whose first bytes were looked at and will be read again, as will the failure that ended them.
struct Headed<R> {
    head: Cursor<Vec<u8>>,
    failure: Option<io::Error>,
    rest: R,
}

impl<R: Read> Headed<R> {
    fn new(mut rest: R) -> Self {
        let mut head = Vec::with_capacity(SNIFF_BYTES);
        let failure = rest.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head).err();
        Self { head: Cursor::new(head), failure, rest }
    }

    /// What the first bytes look like; the failure, where there are none because of it.
    fn content(&self, path: &Path) -> Result<Content, Error> {
        let head = self.head.get_ref();
        match &self.failure {
            Some(failure) if head.is_empty() => Err(Error::from_io(again(failure), "read it", path)),
            _ => Ok(classify(head)),
        }
    }
}

impl<R: Read + Send + 'static> Headed<R> {
    fn from(mut self, start: usize) -> Box<dyn Read + Send> {
        self.head.set_position(start as u64);
        Box::new(self)
    }
}

impl<R: Read> Read for Headed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.head.read(out)? {
            0 if !out.is_empty() => self.failure.take().map_or_else(|| self.rest.read(out), Err),
            n => Ok(n),
        }
    }
}

/// The same failure once more, as far as errors can be copied.
fn again(failure: &io::Error) -> io::Error {
    let ours = failure.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match (ours, failure.raw_os_error()) {
        (Some(error), _) => io::Error::other(error.clone()),
        (_, Some(code)) => io::Error::from_raw_os_error(code),
        _ => io::Error::new(failure.kind(), failure.to_string()),
    }
}

/// Counts what passes, and holds a regular file to the length that it had when it was opened, as a mapping does: what
/// is appended is not seen, and a file that shrank is an error at its end.
struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
    expected_bytes: Option<u64>,
    path: PathBuf,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.expected_bytes.map(|expected| expected.saturating_sub(self.count.load(Ordering::Relaxed)));
        let room = left.map_or(out.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(out.len()));
        let n = self.reader.read(out.get_mut(..room).unwrap_or_default())?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        if n == 0 && room > 0 && left.is_some() {
            return Err(io::Error::other(Error::new(Kind::Changed, &self.path)));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{StreamChunks, discover::discover, lines};
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::{fs, io::Write};

    const LOG: &[u8] = b"192.0.2.1 - - one\n192.0.2.2 - - two\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn put(name: &str, bytes: &[u8]) -> (tempfile::TempDir, LogFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let log = LogFile::new(&path, &fs::metadata(&path).unwrap());
        (dir, log)
    }

    /// The text of a source, and the error at its end.
    fn text_of(source: Source) -> (Vec<u8>, Option<Kind>) {
        match source {
            Source::Empty => (Vec::new(), None),
            Source::Mapped(map) => (map.as_bytes().to_vec(), None),
            Source::Stream(stream) => {
                let (mut text, mut kind) = (Vec::new(), None);
                for chunk in StreamChunks::new(stream, Path::new("x"), 1000) {
                    match chunk {
                        Ok(chunk) => text.extend(chunk),
                        Err(error) => kind = Some(error.kind),
                    }
                }
                (text, kind)
            }
        }
    }

    #[test]
    fn content_decides_and_not_the_name() {
        let (_dir, plain) = put("access.log.gz", LOG);
        assert!(matches!(plain.open().unwrap(), Source::Mapped(map) if map.as_bytes() == LOG));
        let (_dir, packed) = put("access.log", &gzip(LOG));
        let Source::Stream(stream) = packed.open().unwrap() else { panic!("gzip is streamed") };
        assert_eq!(Some(stream.raw_bytes()), packed.size_bytes);
        assert_eq!(text_of(Source::Stream(stream)), (LOG.to_vec(), None));
    }

    #[test]
    fn empty_files_are_no_errors_packed_or_not() {
        for bytes in [vec![], gzip(b"")] {
            let (_dir, log) = put("access.log", &bytes);
            assert!(matches!(log.open().unwrap(), Source::Empty));
        }
    }

    #[test]
    fn byte_order_mark_is_skipped_mapped_and_streamed() {
        let text = [b"\xef\xbb\xbf", LOG].concat();
        for bytes in [text.clone(), gzip(&text)] {
            let (_dir, log) = put("access.log", &bytes);
            assert_eq!(text_of(log.open().unwrap()), (LOG.to_vec(), None));
        }
    }

    #[test]
    fn what_is_not_a_log_says_what_it_is() {
        let mut tar = vec![0; 1024];
        tar[257..262].copy_from_slice(b"ustar");
        let cases = [
            (b"\x04\x22\x4d\x18....".to_vec(), "lz4cat FILE | authfault -"),
            (b"\x28\xb5\x2f\xfd....".to_vec(), "sound zstd data"),
            (gzip(&tar), "sound tar data"),
            ((0..6).fold(LOG.to_vec(), |text, _| gzip(&text)), "packed over and over"),
            (b"\xff\xfe1\0".to_vec(), "iconv -f UTF-16"),
            (b"\x7fELF\0".to_vec(), "an executable"),
            (b"\x1f\x8b".to_vec(), "after 0 bytes of text"),
        ];
        for (bytes, expected) in cases {
            let (_dir, log) = put("access.log", &bytes);
            let message = log.open().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn cut_gzip_shorter_than_the_sample_still_delivers_then_fails() {
        let data = gzip(LOG);
        let (_dir, log) = put("access.log.gz", &data[..data.len() - 3]);
        let (text, kind) = text_of(log.open().unwrap());
        assert_eq!((text.as_slice(), kind), (LOG, Some(Kind::TruncatedGzip { decoded_bytes: LOG.len() as u64 })));
    }

    /// Runs a packer of the system on files in a folder, where it is installed.
    fn pack(folder: &Path, command: &str, arguments: &[&str]) -> bool {
        let status = std::process::Command::new(command).args(arguments).current_dir(folder).output();
        status.is_ok_and(|output| output.status.success())
    }

    #[test]
    fn logs_of_archives_are_read_one_behind_another() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join("logs").join(name), bytes).unwrap();
        put("access.log", b"last line without an end");
        put("access.log.1", LOG);
        put("access.log.2.gz", &gzip(LOG));
        put("error.log", b"an error\n");
        put("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0");
        let long = format!("access-{}.log", "x".repeat(180));
        put(&long, b"");
        let expected = [b"last line without an end\n", LOG, LOG].concat();
        let mut tried = 0;
        for (file, command, arguments) in [
            ("a.tar", "tar", vec!["--sort=name", "-cf", "a.tar", "logs"]),
            ("a.tar.gz", "tar", vec!["--sort=name", "-czf", "a.tar.gz", "logs"]),
            ("a.tar.xz", "tar", vec!["--sort=name", "-cJf", "a.tar.xz", "logs"]),
            ("a.zip", "zip", vec!["-qr", "a.zip", "logs"]),
            ("b.zip", "zip", vec!["-qr0", "b.zip", "logs"]),
        ] {
            if pack(dir.path(), command, &arguments) {
                let path = dir.path().join(file);
                let log = LogFile::new(&path, &fs::metadata(&path).unwrap());
                assert_eq!(text_of(log.open().unwrap()), (expected.clone(), None), "{file}");
                let cut = fs::read(&path).unwrap();
                fs::write(&path, &cut[..cut.len() * 2 / 3]).unwrap();
                let log = LogFile::new(&path, &fs::metadata(&path).unwrap());
                let kind = log.open().map_or_else(|e| Some(e.kind), |source| text_of(source).1);
                assert!(
                    matches!(kind, Some(Kind::Damaged { .. } | Kind::TruncatedGzip { .. })) || file == "a.tar",
                    "{file}: {kind:?}"
                );
                tried += 1;
            }
        }
        assert!(tried > 0, "tar is everywhere");
    }

    #[test]
    fn xz_and_its_cut_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("access.log"), LOG).unwrap();
        if !pack(dir.path(), "xz", &["access.log"]) {
            return;
        }
        let path = dir.path().join("access.log.xz");
        let data = fs::read(&path).unwrap();
        for (bytes, text, is_sound) in
            [(data.repeat(2), LOG.repeat(2), true), (data[..data.len() - 8].to_vec(), LOG.to_vec(), false)]
        {
            fs::write(&path, bytes).unwrap();
            let log = LogFile::new(&path, &fs::metadata(&path).unwrap());
            let (got, kind) = text_of(log.open().unwrap());
            assert_eq!((got, kind.is_none()), (text, is_sound));
        }
    }

    /// The slow twin of the mapping's tests.
    #[test]
    fn a_read_file_ends_where_it_ended_when_opened_and_says_when_it_shrank() {
        let counted =
            |expected| Counted { reader: LOG, count: Arc::default(), expected_bytes: Some(expected), path: "x".into() };
        let text = |expected| {
            let mut text = Vec::new();
            let failure = counted(expected).read_to_end(&mut text).err();
            (text, failure.map(|e| Error::from_io(e, "read it", Path::new("x")).kind))
        };
        assert_eq!(text(5), (LOG[..5].to_vec(), None));
        assert_eq!(text(1000), (LOG.to_vec(), Some(Kind::Changed)));
        let mut gunzip = super::super::decompress::Gunzip::new(counted(1000), Path::new("x"));
        assert!(gunzip.read(&mut [0; 8]).is_err());
    }

    #[test]
    fn files_of_proc_are_read_though_they_say_they_are_empty() {
        let path = Path::new("/proc/version");
        if let Ok(metadata) = fs::metadata(path) {
            assert!(matches!(LogFile::new(path, &metadata).open().unwrap(), Source::Stream(_)));
        }
    }

    #[test]
    fn pipes_are_streamed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let found = discover(std::slice::from_ref(&path));
        assert_eq!((found.files.len(), found.problems.len()), (1, 0));
        let writer = std::thread::spawn(move || fs::write(path, gzip(LOG)));
        let (text, kind) = text_of(found.files[0].open().unwrap());
        writer.join().unwrap().unwrap();
        assert_eq!((lines(&text).count(), kind), (2, None));
    }

    #[test]
    fn a_file_that_is_gone_says_so() {
        let (dir, log) = put("access.log", LOG);
        drop(dir);
        assert_eq!(log.open().unwrap_err(), Error::new(Kind::NotFound, &PathBuf::from(&log.path)));
    }
}
