//! From paths as given to files that are there. Owns which names look like access logs, and that no file is read
//! twice; opens files only to tell a compressed copy from its original.

use super::{LogFile, STDIN, open::head_of};
use crate::{
    error::{Error, Kind},
    model::logged::inert,
};
use globset::{GlobBuilder, GlobMatcher};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, FileType, Metadata},
    io,
    os::{
        fd::AsFd,
        unix::{ffi::OsStrExt, fs::FileTypeExt},
    },
    path::{Path, PathBuf},
};
use walkdir::{DirEntry, WalkDir};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// What to read, sorted by path, each file once.
    pub files: Vec<LogFile>,
    /// What is wrong with paths as a whole, in the order of the paths.
    pub problems: Vec<Error>,
    /// Compressed copies of files that are read as they are, as logrotate leaves them for a moment. Not read.
    pub copies: Vec<LogFile>,
}

/// The texts of the regular files that a path or pattern names, in order: configuration, which is short and UTF-8 or
/// nearly so. What cannot be read is left out.
#[must_use]
pub fn texts(pattern: &Path) -> Vec<(PathBuf, String)> {
    /// More is no configuration.
    const BYTES_MAX: u64 = 4 << 20;
    let mut paths = vec![pattern.to_owned()];
    if !pattern.exists() && is_pattern(pattern) {
        let matches = Pattern::new(pattern).map(|pattern| {
            let entries = pattern.walk().filter_map(Result::ok).filter(|entry| pattern.matches(entry.path()));
            entries.map(DirEntry::into_path).collect::<Vec<_>>()
        });
        paths = matches.unwrap_or_default();
        paths.sort();
    }
    let small = paths.into_iter().filter(|path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() < BYTES_MAX));
    small
        .filter_map(|path| Some((path.clone(), String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned())))
        .collect()
}

/// Finds the files behind paths.
///
/// - A file, pipe or character device that is named is taken, whatever its name. `-` is standard input.
/// - A directory is searched with everything below it, for regular files whose names look like access logs.
/// - A pattern (`*`, `?`, `[`, `**`) that is not itself a path gives the regular files that it matches, and searches
///   the directories; error logs only where the pattern itself says `error`. As in a shell, it must say a leading dot.
///
/// Symbolic links are followed. Pipes and devices that are found rather than named are left alone: they may block.
#[must_use]
pub fn discover(paths: &[PathBuf]) -> Discovery {
    discover_as(paths, Wanted::AccessLogs)
}

/// As [`discover`], but directories are searched for error logs.
#[must_use]
pub fn discover_errors(paths: &[PathBuf]) -> Discovery {
    discover_as(paths, Wanted::ErrorLogs)
}

/// As [`discover`], but directories are searched for what `authfault map` wrote.
#[must_use]
pub fn discover_parts(paths: &[PathBuf]) -> Discovery {
    discover_as(paths, Wanted::Parts)
}

/// How the files of parts end.
const PART_SUFFIX: &str = ".afpart";

/// What directories are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    AccessLogs,
    ErrorLogs,
    Parts,
}

impl Wanted {
    /// Whether a file is called so.
    fn looks(self, path: &Path) -> bool {
        match self {
            Self::AccessLogs => is_access_log(path),
            Self::ErrorLogs => is_error_log(path) && !is_no_log(&lower_name(path)),
            Self::Parts => lower_name(path).ends_with(PART_SUFFIX),
        }
    }
}

fn discover_as(paths: &[PathBuf], wanted: Wanted) -> Discovery {
    let mut found = Discovery::default();
    for path in paths {
        found.add(path, wanted);
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut seen = BTreeSet::new();
    found.files.retain(|file| seen.insert(file.identity));
    found.set_copies_aside();
    found
}

/// The directories in which servers log by default, as far as they are there and hold access logs, or will not say.
#[must_use]
pub fn usual_places() -> Vec<PathBuf> {
    const PLACES: [&str; 3] = ["/var/log/nginx", "/var/log/apache2", "/var/log/httpd"];
    PLACES.iter().map(PathBuf::from).filter(|place| is_worth_a_look(place)).collect()
}

/// A directory that may not be read counts: the operator learns that from the error, not from silence.
fn is_worth_a_look(place: &Path) -> bool {
    match fs::read_dir(place) {
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        Ok(_) => {
            let mut found = Discovery::default();
            found.add_directory(place, Wanted::AccessLogs);
            !found.files.is_empty()
        }
    }
}

impl Discovery {
    fn add(&mut self, path: &Path, wanted: Wanted) {
        if path.as_os_str() == STDIN {
            return match stdin_metadata() {
                Ok(metadata) => self.files.push(LogFile::new(path, &metadata)),
                Err(error) => self.problems.push(Error::from_io(error, "open it", path)),
            };
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let (files, problems) = (self.files.len(), self.problems.len());
                let seen = self.add_directory(path, wanted);
                if (files, problems) == (self.files.len(), self.problems.len()) {
                    self.problems.push(Error::new(seen.into_kind(wanted), path));
                }
            }
            Ok(metadata) => match special(metadata.file_type()) {
                Some(what) => self.problems.push(Error::new(Kind::Special { what }, path)),
                None => self.files.push(LogFile::new(path, &metadata)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_pattern(path) => self.add_matches(path, wanted),
            Err(error) => self.problems.push(Error::from_io(error, "open it", path)),
        }
    }

    /// Takes what looks like a log that is wanted, and says what else is there.
    fn add_directory(&mut self, directory: &Path, wanted: Wanted) -> Seen {
        let mut seen = Seen::default();
        for entry in WalkDir::new(directory).follow_links(true).into_iter().filter_entry(is_visible) {
            let Some((path, metadata)) = self.regular_file(entry, directory) else { continue };
            if wanted.looks(&path) {
                self.files.push(LogFile::new(&path, &metadata));
            } else {
                seen.note(path.strip_prefix(directory).unwrap_or(&path));
            }
        }
        seen
    }

    /// The file of an entry, unless it is something else. Loops end silently, and so does what vanished or points
    /// nowhere, unless it is called like an access log.
    fn regular_file(&mut self, entry: walkdir::Result<DirEntry>, root: &Path) -> Option<(PathBuf, Metadata)> {
        let (path, error) = match entry {
            Ok(entry) => match entry.metadata() {
                Ok(metadata) => return metadata.is_file().then(|| (entry.into_path(), metadata)),
                Err(error) => (entry.into_path(), error),
            },
            Err(error) => (error.path().unwrap_or(root).to_owned(), error),
        };
        let error = error.into_io_error()?;
        if error.kind() != io::ErrorKind::NotFound || is_access_log(&path) {
            self.problems.push(Error::from_io(error, "look into it", &path));
        }
        None
    }

    fn add_matches(&mut self, path: &Path, wanted: Wanted) {
        let pattern = match Pattern::new(path) {
            Ok(pattern) => pattern,
            Err(kind) => return self.problems.push(Error::new(kind, path)),
        };
        let (files, problems) = (self.files.len(), self.problems.len());
        let mut directories = Vec::new();
        for entry in pattern.walk() {
            match entry {
                Ok(entry) if !pattern.matches(entry.path()) => {}
                Ok(entry) if entry.file_type().is_dir() => directories.push(pattern.shown(entry.path())),
                other => {
                    let file = self.regular_file(other, &pattern.base);
                    let is_meant =
                        |path: &Path| wanted != Wanted::AccessLogs || pattern.wants_errors || !is_error_log(path);
                    let file = file.filter(|(path, _)| is_meant(path));
                    self.files.extend(file.map(|(path, metadata)| LogFile::new(&pattern.shown(&path), &metadata)));
                }
            }
        }
        for directory in directories {
            self.add_directory(&directory, wanted);
        }
        if (files, problems) == (self.files.len(), self.problems.len()) {
            self.problems.push(Error::new(Kind::NoMatch, path));
        }
    }

    /// Leaves out `X.gz` (or as else it is packed) where `X` is read too and begins with the same text: logrotate keeps
    /// both until `X.gz` is complete, and every line would count twice.
    fn set_copies_aside(&mut self) {
        let by_path: BTreeMap<&Path, &LogFile> = self.files.iter().map(|file| (file.path.as_path(), file)).collect();
        let is_copy = |file: &LogFile| {
            let original = file.path.to_str().and_then(without_packing).and_then(|p| by_path.get(Path::new(p)));
            original.is_some_and(|original| begin_alike(original, file))
        };
        let copies: BTreeSet<PathBuf> = self.files.iter().filter(|f| is_copy(f)).map(|f| f.path.clone()).collect();
        self.copies = self.files.extract_if(.., |file| copies.contains(&file.path)).collect();
    }
}

/// Whether a packed file begins as its original does; not where one is empty, nor where the packed one has more.
fn begin_alike(original: &LogFile, packed: &LogFile) -> bool {
    // Pipes must not be opened to be looked at: what is read from them is gone.
    if original.size_bytes.is_none() || packed.size_bytes.is_none() {
        return false;
    }
    let heads = head_of(original).zip(head_of(packed));
    heads.is_some_and(|(original, packed)| original.starts_with(&packed))
}

fn stdin_metadata() -> io::Result<Metadata> {
    File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata()
}

/// What a file is that cannot be read as a stream of text.
fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() {
        Some("a block device")
    } else {
        None
    }
}

/// Some of the files of a directory in which there is no access log.
#[derive(Debug, Default)]
struct Seen {
    names: BTreeSet<String>,
    more: u64,
}

impl Seen {
    /// Enough to see what kind of directory it is.
    const MAX_NAMES: usize = 8;

    /// Keeps the first names in order, so that the order in which a file system lists them does not show.
    fn note(&mut self, name: &Path) {
        self.names.insert(inert(name.as_os_str().as_bytes()));
        if self.names.len() > Self::MAX_NAMES {
            self.names.pop_last();
            self.more += 1;
        }
    }

    fn into_kind(self, wanted: Wanted) -> Kind {
        match wanted {
            Wanted::AccessLogs => Kind::NoLogs { seen: self.names.into_iter().collect(), more: self.more },
            Wanted::ErrorLogs => Kind::NoErrorLogs,
            Wanted::Parts => Kind::NoParts,
        }
    }
}

/// Whether an entry is to be looked at: hidden ones are not, unless they were named.
fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().as_bytes().starts_with(b".")
}

/// Whether a path could be a pattern. Braces alone do not make one.
fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_bytes().iter().any(|b| matches!(b, b'*' | b'?' | b'['))
}

/// A pattern below a directory.
struct Pattern {
    /// The part of the path before the first component with a special character; empty for the working directory.
    base: PathBuf,
    matcher: GlobMatcher,
    max_depth: usize,
    wants_errors: bool,
    wants_hidden: bool,
}

impl Pattern {
    fn new(path: &Path) -> Result<Self, Kind> {
        // A pattern is typed by the operator; one that is not UTF-8 is a file name that is not there.
        let text = path.to_str().ok_or(Kind::NotFound)?;
        let special = text.find(['*', '?', '[']).unwrap_or(text.len());
        let cut = text.get(..special).and_then(|before| before.rfind('/')).map_or(0, |slash| slash + 1);
        let (base, rest) = text.split_at(cut);
        let glob = GlobBuilder::new(rest).literal_separator(true).build();
        let glob = glob.map_err(|e| Kind::BadPattern { cause: e.kind().to_string() })?;
        Ok(Self {
            base: PathBuf::from(base),
            matcher: glob.compile_matcher(),
            max_depth: if rest.contains("**") { usize::MAX } else { rest.split('/').count() },
            wants_errors: rest.to_ascii_lowercase().contains("error"),
            wants_hidden: rest.split('/').any(|part| part.starts_with('.')),
        })
    }

    fn root(&self) -> &Path {
        if self.base.as_os_str().is_empty() { Path::new(".") } else { &self.base }
    }

    fn walk(&self) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
        let walk = WalkDir::new(self.root()).min_depth(1).max_depth(self.max_depth).follow_links(true);
        walk.into_iter().filter_entry(|entry| self.wants_hidden || is_visible(entry))
    }

    fn matches(&self, path: &Path) -> bool {
        path.strip_prefix(self.root()).is_ok_and(|below| self.matcher.is_match(below))
    }

    /// The path as the operator would have written it.
    fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root()).map_or_else(|_| path.to_owned(), |below| self.base.join(below))
    }
}

/// Endings of compressed logs.
const PACKED: [&str; 9] = [".gz", ".bz2", ".xz", ".zst", ".lz4", ".z", ".zip", ".tgz", ".tar"];

/// Endings of files that speak of access logs and are none: configuration, scripts, pages, positions of log shippers,
/// and logs that are being written by logrotate or an editor.
const NOT_LOGS: [&str; 29] = [
    "conf", "cfg", "ini", "yml", "yaml", "toml", "htaccess", "html", "htm", "css", "js", "php", "py", "pl", "rb", "sh",
    "md", "pid", "lock", "pos", "offset", "idx", "db", "sqlite", "tmp", "swp", "svg", "png", "pdf",
];

/// `*.log` files in /var/log that other programs write. Whole names: `auth.example.com.log` is a site's.
const OTHER_LOGS: [&str; 31] = [
    "alternatives.log",
    "auth.log",
    "boot.log",
    "bootstrap.log",
    "cloud-init.log",
    "cloud-init-output.log",
    "cron.log",
    "daemon.log",
    "debug.log",
    "dpkg.log",
    "eipp.log",
    "fail2ban.log",
    "fontconfig.log",
    "history.log",
    "install.log",
    "kern.log",
    "letsencrypt.log",
    "mail.log",
    "modsec_audit.log",
    "modsec_debug.log",
    "mysql.log",
    "mysqld.log",
    "slow.log",
    "syslog.log",
    "term.log",
    "ufw.log",
    "unattended-upgrades.log",
    "unattended-upgrades-dpkg.log",
    "unattended-upgrades-shutdown.log",
    "user.log",
    "xorg.0.log",
];

/// Whether a name looks like an access log, rotated and packed or not.
fn is_access_log(path: &Path) -> bool {
    let name = lower_name(path);
    let stem = without_rotation(&name);
    let ending = stem.rsplit_once('.').map_or("", |(_, ending)| ending);
    if stem.contains("error") || is_no_log(&name) {
        return false;
    }
    stem.contains("access") || (ending == "log" && !is_of_another_program(stem))
}

/// Whether a lower-case name is that of configuration, a script, a page or a copy that an editor keeps.
fn is_no_log(name: &str) -> bool {
    let ending = without_rotation(name).rsplit_once('.').map_or("", |(_, ending)| ending);
    NOT_LOGS.contains(&ending) || name.ends_with('~')
}

fn is_of_another_program(stem: &str) -> bool {
    OTHER_LOGS.contains(&stem) || stem.ends_with("-fpm.log") || stem.starts_with("postgresql-")
}

pub(super) fn is_error_log(path: &Path) -> bool {
    lower_name(path).contains("error")
}

fn lower_name(path: &Path) -> String {
    path.file_name().map(|name| String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase()).unwrap_or_default()
}

/// A path without the ending of what packs one text.
fn without_packing(path: &str) -> Option<&str> {
    [".gz", ".bz2", ".xz", ".zst"].iter().find_map(|ending| path.strip_suffix(ending))
}

/// A lower-case name without the endings that rotation adds, in any order: `.gz`, `.1`, `-20260301`, `.2026-03-01`.
fn without_rotation(name: &str) -> &str {
    let mut stem = name;
    loop {
        let unpacked = PACKED.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
        let undated = unpacked.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
        // Only whole endings: `access2` keeps its digit, since nothing separates it.
        let ending = unpacked.get(undated.len()..).unwrap_or_default();
        let separated = ending.find(['-', '_', '.']).and_then(|at| unpacked.get(..undated.len() + at));
        let next = separated.filter(|s| !s.is_empty()).unwrap_or(unpacked);
        if next == stem {
            return stem;
        }
        stem = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::{io::Write, os::unix::fs::symlink};

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("192.0.2.1 {file}\n")).unwrap();
        }
        dir
    }

    /// Paths found below a directory.
    fn found_in(dir: &Path, paths: &[&str]) -> Vec<String> {
        let found = discover(&paths.iter().map(|p| dir.join(p)).collect::<Vec<_>>());
        assert_eq!(found.problems, []);
        found.files.iter().map(|f| f.path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn problem_of(path: &Path) -> Kind {
        let mut found = discover(&[path.to_owned()]);
        assert_eq!((found.files.len(), found.problems.len()), (0, 1));
        found.problems.remove(0).kind
    }

    #[test]
    fn names_of_access_logs_are_known_and_others_are_not() {
        for name in [
            "access.log",
            "access.log.1",
            "access.log.2.gz",
            "access.log-20260301",
            "access.log-20260301.gz",
            "access_log",
            "access_log.2026.03.01",
            "ssl_access_log-2026030112",
            "example.com-access_log",
            "other_vhosts_access.log.10.gz",
            "site.log",
            "site.log.1",
            "u_ex260301.log",
            "access-20260301.log",
            "access.example.com",
            "access.1.log.gz",
            "Access.LOG",
            "access2.json",
            "mylog-access.1.foo.gz",
            "auth.example.com.log",
            "localhost_access_log.2026-03-01.txt",
            "access.log.zst",
        ] {
            assert!(is_access_log(Path::new(name)), "{name}");
        }
        for name in [
            "error.log",
            "error.log.1",
            "error_log-20260301.gz",
            "access_error.log",
            "access.conf",
            "access.log.tmp",
            "access.log~",
            "access.pos",
            "auth.log",
            "syslog.1",
            "wtmp",
            "dpkg.log.2.gz",
            "php8.2-fpm.log",
            "readme.txt",
            "log",
            "1",
            "-",
            ".",
        ] {
            assert!(!is_access_log(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn directories_give_access_logs_and_leave_error_logs_out() {
        let dir = tree(&[
            "b/access.log",
            "a/access.log.1",
            "a/error.log",
            "a/.access.log.swp",
            "access.log.2.gz",
            "notes.txt",
        ]);
        assert_eq!(found_in(dir.path(), &["."]).len(), 3);
        assert_eq!(found_in(dir.path(), &["", ""]), ["a/access.log.1", "access.log.2.gz", "b/access.log"]);
    }

    #[test]
    fn error_logs_are_found_where_they_are_wanted() {
        let dir =
            tree(&["a/access.log", "a/error.log", "error.conf", "ssl_error_log-20260301.gz", "x/error.log.1", "notes"]);
        let found = |paths: &[&str]| {
            let found = discover_errors(&paths.iter().map(|p| dir.path().join(p)).collect::<Vec<_>>());
            assert_eq!(found.problems, []);
            found
                .files
                .iter()
                .map(|f| f.path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(found(&[""]), ["a/error.log", "ssl_error_log-20260301.gz", "x/error.log.1"]);
        assert_eq!(found(&["a/*", "notes"]), ["a/access.log", "a/error.log", "notes"]);
        let quiet = tree(&["access.log"]);
        assert_eq!(discover_errors(&[quiet.path().to_owned()]).problems[0].kind, Kind::NoErrorLogs);
    }

    #[test]
    fn a_named_file_is_taken_whatever_its_name() {
        let dir = tree(&["error.log", "notes.txt"]);
        assert_eq!(found_in(dir.path(), &["notes.txt", "error.log"]), ["error.log", "notes.txt"]);
    }

    #[test]
    fn patterns_find_files_and_directories() {
        let dir = tree(&[
            "v1/access.log",
            "v2/access.log",
            "v2/error.log",
            "v3/deep/access.log.1",
            ".v4/access.log",
            "[x].log",
        ]);
        assert_eq!(found_in(dir.path(), &["v*/access*"]), ["v1/access.log", "v2/access.log"]);
        assert_eq!(found_in(dir.path(), &["v?/*"]), ["v1/access.log", "v2/access.log", "v3/deep/access.log.1"]);
        assert_eq!(found_in(dir.path(), &["**/*.log"]), ["[x].log", "v1/access.log", "v2/access.log"]);
        assert_eq!(found_in(dir.path(), &["v2/error*"]), ["v2/error.log"]);
        assert_eq!(found_in(dir.path(), &["[x].log"]), ["[x].log"], "a path that is there is no pattern");
        assert_eq!(problem_of(&dir.path().join("w*")), Kind::NoMatch);
        assert!(matches!(problem_of(&dir.path().join("v[1")), Kind::BadPattern { .. }));
    }

    #[test]
    fn no_file_is_read_twice() {
        let dir = tree(&["access.log", "logs/x"]);
        symlink(dir.path().join("access.log"), dir.path().join("current_access.log")).unwrap();
        fs::hard_link(dir.path().join("access.log"), dir.path().join("logs/access.log")).unwrap();
        assert_eq!(found_in(dir.path(), &["", "access.log", "current_access.log", "*.log"]), ["access.log"]);
    }

    #[test]
    fn loops_of_links_end_and_dangling_links_are_reported_where_they_matter() {
        let dir = tree(&["access.log"]);
        symlink(dir.path(), dir.path().join("again")).unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        assert_eq!(found_in(dir.path(), &[""]), ["access.log"]);
        symlink("nowhere", dir.path().join("access.log.1")).unwrap();
        let found = discover(&[dir.path().to_owned()]);
        assert_eq!((found.files.len(), found.problems.len()), (1, 1));
    }

    #[test]
    fn a_directory_without_logs_says_what_it_holds() {
        let dir = tree(&["a.txt", "error.log", "sub/b"]);
        let seen = vec!["a.txt".to_owned(), "error.log".to_owned(), "sub/b".to_owned()];
        assert_eq!(problem_of(dir.path()), Kind::NoLogs { seen, more: 0 });
        let many: Vec<String> = (0..20).map(|i| format!("{i:02}")).collect();
        let dir = tree(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(problem_of(dir.path()), Kind::NoLogs { seen: many[..8].to_vec(), more: 12 });
        assert_eq!(problem_of(tempfile::tempdir().unwrap().path()), Kind::NoLogs { seen: vec![], more: 0 });
    }

    #[test]
    fn pipes_and_devices_in_a_directory_are_left_alone() {
        let dir = tree(&["access.log"]);
        symlink("/dev/null", dir.path().join("ssl_access.log")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(dir.path().join("access.log.1")).status().unwrap().success());
        assert_eq!(found_in(dir.path(), &["", "access*"]), ["access.log"]);
    }

    #[test]
    fn paths_that_lead_nowhere_or_to_a_socket_are_problems() {
        let dir = tree(&[]);
        assert_eq!(problem_of(&dir.path().join("access.log")), Kind::NotFound);
        let socket = dir.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(problem_of(&socket), Kind::Special { what: "a socket" });
    }

    #[test]
    fn a_compressed_copy_beside_its_original_is_not_counted_twice() {
        let gzip = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let dir = tree(&["access.log", "access.log.1"]);
        fs::write(dir.path().join("access.log.1.gz"), gzip(b"192.0.2.1 access.log.1\n")).unwrap();
        fs::write(dir.path().join("access.log.gz"), gzip(b"192.0.2.1 another\n")).unwrap();
        assert_eq!(found_in(dir.path(), &[""]), ["access.log", "access.log.1", "access.log.gz"]);
        assert_eq!(discover(&[dir.path().to_owned()]).copies.len(), 1);
    }

    #[test]
    fn standard_input_is_taken_once() {
        let found = discover(&["-".into(), "-".into()]);
        assert_eq!((found.files.len(), found.problems.len()), (1, 0));
        assert!(found.files[0].is_stdin());
    }
}
