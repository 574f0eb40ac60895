//! The logs of the last run found again, whatever logrotate did meanwhile, and what in them is new. Owns how a log is
//! known: by its text, never by its name alone.
//!
//! A log is the text that it begins with. Renamed, packed, copied and truncated, moved to another directory: what
//! begins with the same bytes and holds the same bytes in front of where the last run stopped is the same log, and is
//! read on from there. A file that begins otherwise is another log, and is read from its beginning.
//!
//! Device and inode are reused and copied, so they decide only between files that both fit, and, with size and time of
//! the last write, that a file which was read to its end need not be opened again.

use super::{LogFile, Part, Source, Stream};
use crate::{
    error::{Error, Kind},
    model::{
        cursor::{Cursor, Digest, HEAD_BYTES, Stamp, TAIL_BYTES},
        time::Time,
    },
};
use sha2::{Digest as _, Sha256};
use std::{
    cmp::Reverse,
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

/// What is new in a set of files.
#[derive(Debug, Default)]
pub struct Followed {
    /// Each log with something new: the part to read, and where reading will then have come to. A cursor's id is 0
    /// where the log was not known.
    pub news: Vec<(LogFile, Cursor)>,
    /// Logs with nothing new, under the names that they have now.
    pub unchanged: Vec<Cursor>,
    /// Files that hold what is read from another.
    pub copies: Vec<LogFile>,
    /// Files that could not be looked into.
    pub problems: Vec<Error>,
}

/// A last line without an end is left for the next run, unless nothing was written for so long.
const UNFINISHED_SECS: u32 = 3600;

/// How much of a text of whole lines can be read without what will be written behind it.
pub type Whole = fn(&[u8]) -> usize;

/// Finds out what is new. `now` is for telling an unfinished line from one that nobody will finish; so is `whole`, for
/// lines that are unfinished although they end.
#[must_use]
pub fn follow(files: Vec<LogFile>, known: &[Cursor], now: Time, whole: Whole) -> Followed {
    let mut followed = Followed::default();
    let mut taken = vec![false; known.len()];
    let mut looks = Vec::new();
    for log in files {
        match stamp(&log.path) {
            Err(error) => followed.problems.push(error),
            Ok(stamp) => match known.iter().position(|c| c.at_end && c.seen == stamp) {
                Some(at) if !taken.get(at).copied().unwrap_or(true) => {
                    if let (Some(cursor), Some(taken)) = (known.get(at), taken.get_mut(at)) {
                        *taken = true;
                        followed.unchanged.push(Cursor { path: path_bytes(&log), ..cursor.clone() });
                    }
                }
                _ => match Look::new(log, stamp, (known, now), whole) {
                    Ok(look) => looks.extend(look),
                    Err(error) => followed.problems.push(error),
                },
            },
        }
    }
    let claims = claims(&looks, known, &mut taken);
    for (at, look) in looks.iter().enumerate() {
        let cursor = claims.iter().find(|(_, owner)| *owner == at).and_then(|(cursor, _)| known.get(*cursor));
        if cursor.is_none() && look.is_copy(at, &looks, known, &claims) {
            followed.copies.push(look.log.clone());
            continue;
        }
        let from = cursor.map_or(0, |cursor| cursor.offset);
        let cursor = look.cursor(cursor);
        if cursor.offset > from {
            let part = Part { from_bytes: from, until_bytes: cursor.offset };
            followed.news.push((LogFile { part, ..look.log.clone() }, cursor));
        } else if cursor.id > 0 {
            followed.unchanged.push(cursor);
        }
    }
    followed
}

/// Which file each known log is now: of several that fit, the one that is the same file, or else the longest.
fn claims(looks: &[Look], known: &[Cursor], taken: &mut [bool]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..known.len()).collect();
    // Where a file fits two logs, it is the one of which more is known to be in it.
    order.sort_by_key(|at| Reverse(known.get(*at).map_or(0, |cursor| cursor.offset)));
    let (mut claims, mut owners) = (Vec::new(), BTreeSet::new());
    for at in order {
        let Some(cursor) = known.get(at) else { continue };
        if taken.get(at).copied().unwrap_or(true) {
            continue;
        }
        let fitting = looks.iter().enumerate().filter(|(l, look)| look.fits.contains(&at) && !owners.contains(l));
        let best = fitting.max_by_key(|(l, look)| (look.stamp.is_same_file(&cursor.seen), look.until, Reverse(*l)));
        if let (Some((owner, _)), Some(taken)) = (best, taken.get_mut(at)) {
            *taken = true;
            owners.insert(owner);
            claims.push((at, owner));
        }
    }
    claims
}

/// A file looked into.
struct Look {
    log: LogFile,
    stamp: Stamp,
    head: Vec<u8>,
    /// Indices of the known logs that this may be.
    fits: Vec<usize>,
    /// Where the last line ends that is to be read.
    until: u64,
    /// All of its text.
    total: u64,
    /// What is in front of `until`.
    tail: Vec<u8>,
}

impl Look {
    /// None for an empty file.
    fn new(log: LogFile, stamp: Stamp, (known, now): (&[Cursor], Time), whole: Whole) -> Result<Option<Self>, Error> {
        if log.size_bytes.is_none() {
            return Err(Error::new(Kind::NotFollowable, &log.path));
        }
        let text = match log.open()? {
            Source::Empty => return Ok(None),
            Source::Mapped(map) => {
                let bytes = map.as_bytes();
                let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes).to_vec();
                let likely = likely(&head, known);
                let text = Text::of_bytes(bytes, &likely, whole);
                if map.was_truncated() {
                    return Err(Error::new(Kind::Changed, &log.path));
                }
                (head, text, false)
            }
            Source::Stream(mut stream) => {
                let failed = |error| Error::from_io(error, "read it", &log.path);
                let mut head = Vec::new();
                stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
                let likely = likely(&head, known);
                let text = Text::of_stream(&head, stream, &likely).map_err(failed)?;
                let is_packed = is_packed(&log.path, &head).map_err(failed)?;
                (head, text, is_packed)
            }
        };
        let (head, text, is_packed) = text;
        let is_abandoned = stamp.modified().0.saturating_add(UNFINISHED_SECS) < now.0;
        let takes_all = is_packed || is_abandoned;
        let (until, tail) = if takes_all { (text.total, text.end) } else { (text.last_line_end, text.tail) };
        Ok(Some(Self { log, stamp, head, fits: text.fits, until, total: text.total, tail }))
    }

    /// Whether what it holds is read from another file: from the one that the same log was found in, or from a new one
    /// that begins as this one does and has not become another behind that.
    fn is_copy(&self, at: usize, looks: &[Self], known: &[Cursor], claims: &[(usize, usize)]) -> bool {
        let is_told =
            |cursor: &Cursor| cursor.head_bytes as usize == HEAD_BYTES || is_sibling(&cursor.path, &self.log.path);
        let of_known = self.fits.iter().filter_map(|fit| known.get(*fit)).any(is_told);
        let is_claimed = |l: usize| claims.iter().any(|(_, owner)| *owner == l);
        let begins_alike = |(l, other): (usize, &Self)| {
            let is_first = (other.until, Reverse(l)) > (self.until, Reverse(at)) || is_claimed(l);
            let is_alike = l != at && is_first && self.head.len() == HEAD_BYTES && other.head == self.head;
            let (short, long) = if self.until <= other.until { (self, other) } else { (other, self) };
            // One that cannot be read again is not known to be a copy.
            is_alike && long.holds(&short.tail, short.until).unwrap_or(false)
        };
        of_known || looks.iter().enumerate().any(begins_alike)
    }

    /// Whether some bytes stand in front of a place in its text.
    fn holds(&self, bytes: &[u8], until: u64) -> Result<bool, Error> {
        let from = until.saturating_sub(bytes.len() as u64);
        match self.log.open()? {
            Source::Empty => Ok(false),
            Source::Mapped(map) => {
                let part = Part { from_bytes: from, until_bytes: until };
                Ok(map.as_bytes().get(part.of(map.as_bytes().len())) == Some(bytes))
            }
            Source::Stream(mut stream) => {
                let failed = |error| Error::from_io(error, "read it", &self.log.path);
                std::io::copy(&mut stream.by_ref().take(from), &mut std::io::sink()).map_err(failed)?;
                let mut there = Vec::new();
                stream.take(bytes.len() as u64).read_to_end(&mut there).map_err(failed)?;
                Ok(there == bytes)
            }
        }
    }

    /// How it stands when it has been read.
    fn cursor(&self, known: Option<&Cursor>) -> Cursor {
        let (path, seen) = (path_bytes(&self.log), self.stamp);
        if let Some(known) = known.filter(|known| known.offset > self.until) {
            // An unfinished line was taken; what is written behind it will end with a line.
            return Cursor { path, seen, at_end: known.offset == self.total, ..known.clone() };
        }
        let head = self.head.get(..usize::try_from(self.until).unwrap_or(usize::MAX)).unwrap_or(&self.head);
        Cursor {
            id: known.map_or(0, |known| known.id),
            path,
            seen,
            head: digest(head),
            head_bytes: head.len() as u32,
            tail: digest(&self.tail),
            tail_bytes: self.tail.len() as u32,
            offset: self.until,
            at_end: self.until == self.total,
        }
    }
}

/// What a text holds at the places of interest.
#[derive(Default)]
struct Text {
    fits: Vec<usize>,
    last_line_end: u64,
    total: u64,
    tail: Vec<u8>,
    end: Vec<u8>,
}

/// Known logs that begin as this text does, by index.
type Likely<'k> = Vec<(usize, &'k Cursor)>;

fn likely<'k>(head: &[u8], known: &'k [Cursor]) -> Likely<'k> {
    let begins = |cursor: &Cursor| {
        let own = head.get(..cursor.head_bytes as usize);
        cursor.head_bytes > 0 && own.is_some_and(|own| digest(own) == cursor.head)
    };
    known.iter().enumerate().filter(|(_, cursor)| begins(cursor)).collect()
}

impl Text {
    fn of_bytes(bytes: &[u8], likely: &Likely<'_>, whole: Whole) -> Self {
        let lines = memchr::memrchr(b'\n', bytes).and_then(|at| bytes.get(..=at)).unwrap_or_default();
        let last_line_end = whole(lines);
        let before = |at: usize, len: usize| bytes.get(at.saturating_sub(len)..at);
        let fits = |cursor: &Cursor| {
            let at = usize::try_from(cursor.offset).unwrap_or(usize::MAX);
            before(at, cursor.tail_bytes as usize).is_some_and(|tail| digest(tail) == cursor.tail)
        };
        Self {
            fits: likely.iter().filter(|(_, cursor)| fits(cursor)).map(|(at, _)| *at).collect(),
            last_line_end: last_line_end as u64,
            total: bytes.len() as u64,
            tail: before(last_line_end, TAIL_BYTES).unwrap_or_default().to_vec(),
            end: before(bytes.len(), TAIL_BYTES).unwrap_or_default().to_vec(),
        }
    }

    /// The same in one pass, holding no more than a piece.
    fn of_stream(head: &[u8], mut stream: Stream, likely: &Likely<'_>) -> std::io::Result<Self> {
        let mut text = Self::default();
        let mut piece = head.to_vec();
        while !piece.is_empty() {
            text.take(&piece, likely);
            piece.clear();
            stream.by_ref().take(64 << 10).read_to_end(&mut piece)?;
        }
        Ok(text)
    }

    fn take(&mut self, piece: &[u8], likely: &Likely<'_>) {
        let (start, stop) = (self.total, self.total + piece.len() as u64);
        let before = |at: u64, len: usize| {
            let own = piece.get(..(at - start) as usize).unwrap_or_default();
            let all = [self.end.as_slice(), own].concat();
            all.get(all.len().saturating_sub(len)..).unwrap_or_default().to_vec()
        };
        let here = likely.iter().filter(|(_, cursor)| cursor.offset > start && cursor.offset <= stop);
        let fitting = here.filter(|(_, c)| digest(&before(c.offset, c.tail_bytes as usize)) == c.tail);
        let fitting: Vec<usize> = fitting.map(|(at, _)| *at).collect();
        if let Some(at) = memchr::memrchr(b'\n', piece) {
            self.last_line_end = start + at as u64 + 1;
            self.tail = before(self.last_line_end, TAIL_BYTES);
        }
        self.end = before(stop, TAIL_BYTES);
        self.fits.extend(fitting);
        self.total = stop;
    }
}

/// What the system says of a file now.
///
/// # Errors
/// It is gone, or not for us.
pub fn stamp(path: &Path) -> Result<Stamp, Error> {
    let metadata = fs::metadata(path).map_err(|error| Error::from_io(error, "open it", path))?;
    Ok(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.len(),
        modified_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
    })
}

/// Whether a file is still the one that was looked into, with no less in it.
#[must_use]
pub fn is_there(log: &LogFile, cursor: &Cursor) -> bool {
    let is_same = |now: Stamp| now.is_same_file(&cursor.seen) && now.size_bytes >= cursor.seen.size_bytes;
    stamp(&log.path).is_ok_and(is_same)
}

/// What lies beside a file that is named and may be what it was before a rotation: its name with a number or a date
/// behind it, packed or not. The file itself comes first.
#[must_use]
pub fn with_rotated(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_owned()];
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_rotated = |other: &Path| {
        let names = path.file_name().zip(other.file_name());
        let rest = names.and_then(|(own, other)| other.as_bytes().strip_prefix(own.as_bytes()));
        matches!(rest, Some([b'.' | b'-' | b'_', digit, ..]) if digit.is_ascii_digit())
    };
    if path.is_file() || !path.exists() {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut beside: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|other| is_rotated(other) && other.is_file()).collect();
        beside.sort();
        paths.extend(beside);
    }
    paths
}

/// Whether one file name continues the other, as `access.log.1` does `access.log`.
fn is_sibling(known: &[u8], path: &Path) -> bool {
    let name = |path: &[u8]| path.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec();
    let (a, b) = (name(known), name(path.as_os_str().as_bytes()));
    a.starts_with(&b) || b.starts_with(&a)
}

/// Whether a file's text is not its bytes: a packed file was closed when it was packed, and nothing follows.
fn is_packed(path: &Path, head: &[u8]) -> std::io::Result<bool> {
    let mut raw = Vec::new();
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut raw)?;
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
    let len = raw.len().min(head.len());
    Ok(raw.get(..len) != head.get(..len))
}

fn digest(bytes: &[u8]) -> Digest {
    let full: [u8; 32] = Sha256::digest(bytes).into();
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = full;
    first
}

fn path_bytes(log: &LogFile) -> Vec<u8> {
    log.path.as_os_str().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::discover;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    /// A folder of logs, read run by run.
    struct Folder {
        at: tempfile::TempDir,
        known: Vec<Cursor>,
        now: Time,
    }

    impl Folder {
        fn new() -> Self {
            Self { at: tempfile::tempdir().unwrap(), known: vec![], now: Time(0) }
        }

        fn put(&self, name: &str, text: &[u8]) {
            fs::write(self.at.path().join(name), text).unwrap();
        }

        fn append(&self, name: &str, text: &[u8]) {
            let path = self.at.path().join(name);
            File::options().create(true).append(true).open(path).unwrap().write_all(text).unwrap();
        }

        /// What a run reads: for each file, what is new in it.
        fn run(&mut self) -> Vec<(String, String)> {
            let found = discover(&[self.at.path().to_owned()]);
            let followed = follow(found.files, &self.known, self.now, <[u8]>::len);
            assert_eq!(followed.problems, []);
            let mut read = Vec::new();
            for (log, mut cursor) in followed.news {
                let mut text = Vec::new();
                match log.open().unwrap() {
                    Source::Empty => {}
                    Source::Mapped(map) => text.extend(&map.as_bytes()[log.part.of(map.as_bytes().len())]),
                    Source::Stream(stream) => {
                        stream.part(log.part).unwrap().read_to_end(&mut text).unwrap();
                    }
                }
                if cursor.id == 0 {
                    cursor.id = self.known.iter().map(|known| known.id).max().unwrap_or(0) + 1;
                }
                self.know(cursor);
                let name = log.path.file_name().unwrap().to_string_lossy().into_owned();
                read.push((name, String::from_utf8(text).unwrap()));
            }
            followed.unchanged.into_iter().for_each(|cursor| self.know(cursor));
            read
        }

        fn know(&mut self, cursor: Cursor) {
            self.known.retain(|known| known.id != cursor.id);
            self.known.push(cursor);
        }
    }

    fn read(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    /// Some lines, more than a head holds, that no other number gives.
    fn long(number: u32) -> String {
        (0..400).map(|line| format!("line {line} of {number}\n")).collect()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn an_unfinished_line_is_left_until_it_is_finished_packed_or_abandoned() {
        let mut folder = Folder::new();
        folder.put("access.log", b"one\ntw");
        assert_eq!(folder.run(), [read("access.log", "one\n")]);
        assert_eq!(folder.run(), []);
        folder.append("access.log", b"o\nthr");
        assert_eq!(folder.run(), [read("access.log", "two\n")]);
        folder.now = Time(u32::MAX);
        assert_eq!(folder.run(), [read("access.log", "thr")]);
        assert_eq!(folder.run(), []);
        folder.append("access.log", b"ee\nfour\nfi");
        folder.now = Time(0);
        assert_eq!(folder.run(), [read("access.log", "ee\nfour\n")]);
        folder.put("access.log.1.gz", &gzip(b"one\ntwo\nthree\nfour\nfi"));
        fs::remove_file(folder.at.path().join("access.log")).unwrap();
        assert_eq!(folder.run(), [read("access.log.1.gz", "fi")]);
    }

    #[test]
    fn two_logs_that_begin_alike_are_two() {
        let mut folder = Folder::new();
        folder.put("a.access.log", b"the same line\n");
        folder.put("b.access.log", b"the same line\n");
        assert_eq!(folder.run().len(), 2);
        folder.append("b.access.log", b"more of b\n");
        assert_eq!(folder.run(), [read("b.access.log", "more of b\n")]);
        folder.append("a.access.log", b"more of a\n");
        assert_eq!(folder.run(), [read("a.access.log", "more of a\n")]);

        // However long they are alike: two servers may log the same requests, and each its own later.
        for pack in [<[u8]>::to_vec as fn(&[u8]) -> Vec<u8>, gzip] {
            let mut folder = Folder::new();
            let (a, b) = (long(1) + "of a\n", long(1) + "of b\nand more\n");
            folder.put("a.access.log", a.as_bytes());
            folder.put("b.access.log", &pack(b.as_bytes()));
            assert_eq!(folder.run(), [read("a.access.log", &a), read("b.access.log", &b)]);
            folder.append("a.access.log", b"more of a\n");
            assert_eq!(folder.run(), [read("a.access.log", "more of a\n")]);
        }
    }

    #[test]
    fn a_copy_is_read_once_before_and_after_the_original_is_truncated() {
        for text in [long(1), "short\n".to_owned()] {
            let mut folder = Folder::new();
            folder.put("access.log", text.as_bytes());
            assert_eq!(folder.run(), [read("access.log", &text)]);
            folder.append("access.log", b"late\n");
            folder.put("access.log.1", (text.clone() + "late\n").as_bytes());
            assert_eq!(folder.run(), [read("access.log", "late\n")], "not from the copy as well");
            folder.put("access.log", b"");
            assert_eq!(folder.run(), []);
            folder.append("access.log", b"anew\n");
            assert_eq!(folder.run(), [read("access.log", "anew\n")]);
        }
    }

    #[test]
    fn names_that_move_on_are_followed_and_what_was_read_is_not_read_again() {
        let mut folder = Folder::new();
        folder.put("access.log", long(1).as_bytes());
        folder.run();
        folder.append("access.log", b"last of one\n");
        folder.put("access.log.3.gz", &gzip((long(1) + "last of one\n").as_bytes()));
        folder.put("access.log.2.gz", &gzip(long(2).as_bytes()));
        folder.put("access.log.1", long(3).as_bytes());
        folder.put("access.log", b"new\n");
        let expected = [
            read("access.log", "new\n"),
            read("access.log.1", &long(3)),
            read("access.log.2.gz", &long(2)),
            read("access.log.3.gz", "last of one\n"),
        ];
        assert_eq!(folder.run(), expected);
        assert_eq!(folder.run(), []);
    }

    /// However logrotate packs.
    #[test]
    fn what_was_packed_otherwise_than_by_gzip_is_followed_too() {
        let text = long(1) + "last of one\n";
        let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(text.as_bytes()).unwrap();
        for (name, packed) in [("access.log.1.zst", zstd), ("access.log.1.bz2", bzip2.finish().unwrap())] {
            let mut folder = Folder::new();
            folder.put("access.log", long(1).as_bytes());
            folder.run();
            folder.put(name, &packed);
            folder.put("access.log", b"new\n");
            assert_eq!(folder.run(), [read("access.log", "new\n"), read(name, "last of one\n")]);
            assert_eq!(folder.run(), []);
        }
    }

    #[test]
    fn a_log_that_was_begun_anew_is_another() {
        let mut folder = Folder::new();
        folder.put("access.log", long(1).as_bytes());
        folder.run();
        folder.put("access.log", long(2).as_bytes());
        assert_eq!(folder.run(), [read("access.log", &long(2))]);
        // The same head, and yet not what was read.
        let other = long(2).replace("line 399", "line 000") + "more\n";
        folder.put("access.log", other.as_bytes());
        assert_eq!(folder.run(), [read("access.log", &other)]);
    }

    #[test]
    fn siblings_of_a_named_log_are_its_rotations_alone() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["access.log", "access.log.1", "access.log.2.gz", "access.log-20260310", "access.log.bak", "access.log2"];
        for name in names {
            fs::write(folder.path().join(name), b"x\n").unwrap();
        }
        let found = with_rotated(&folder.path().join("access.log"));
        let found: Vec<&str> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(found, ["access.log", "access.log-20260310", "access.log.1", "access.log.2.gz"]);
    }

    #[test]
    fn what_cannot_be_read_again_is_refused() {
        let log = discover(&[PathBuf::from("/dev/null")]).files;
        let followed = follow(log, &[], Time(0), <[u8]>::len);
        assert_eq!(followed.problems.iter().map(|e| e.kind.clone()).collect::<Vec<_>>(), [Kind::NotFollowable]);
    }
}
