//! Whether parts make a whole: no line twice, none missing, all read in the same way. Owns when two parts are of the
//! same file.
//!
//! A file is known by its host and its first bytes, not by its name, which rotation changes. A part whose files all
//! stand in another, as far or farther, says nothing new and is left out: so a task that was tried twice, and a host
//! that sends its logs again after they have grown, count once. Parts that overlap otherwise cannot be told apart line
//! by line, and are refused.

use super::coverage;
use crate::{
    error::{Error, Kind},
    exchange::part::{Header, Source},
    input::LogFile,
    model::{
        logged::inert,
        tally::{ChunkCoverage, Place},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

/// A part, where it stands, and what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The file that holds it.
    pub(super) file: LogFile,
    /// Which of its bytes.
    pub(super) range: Range<usize>,
    pub(super) header: Header,
}

/// All parts as one reading.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// In the order of their paths.
    pub(super) files: Vec<LogFile>,
    /// The first bytes of each.
    pub(super) heads: Vec<Vec<u8>>,
    /// One for each stretch of a file, in order.
    pub(super) chunks: Vec<ChunkCoverage>,
    /// What went wrong with each file.
    pub(super) problems: Vec<Option<String>>,
    /// Files whose times bear no zone.
    pub(super) zoneless: Vec<(u32, Error)>,
    /// What is to be said in the report.
    pub(super) limits: Vec<String>,
    /// File and chunk of each part's sources.
    places: BTreeMap<(usize, u32), (u32, u32)>,
}

impl Whole {
    /// A place in a part as one in all.
    pub(super) fn place(&self, part: usize, place: Place) -> Place {
        let (file, chunk) = self.places.get(&(part, place.file)).copied().unwrap_or_default();
        Place { file, chunk, line: place.line }
    }

    /// The sources in the order of the chunks.
    pub(super) fn sources(&self, held: &[Held]) -> Vec<Source> {
        let mut sources: Vec<_> = self.places.iter().collect();
        sources.sort_by_key(|(_, place)| **place);
        let of = |((part, source), _): &(&(usize, u32), &(u32, u32))| {
            held.get(*part)?.header.sources.get(*source as usize).cloned()
        };
        sources.iter().filter_map(of).collect()
    }
}

/// Where a source is to be found among those of all parts.
type Index<'h> = BTreeMap<(&'h str, &'h [u8]), Vec<(usize, &'h Source)>>;

/// What sources that may be of one file have in common: the host, and the first line or where there is none the path.
fn key(source: &Source) -> (&str, &[u8]) {
    let line = source.head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    (&source.host, if source.head.is_empty() { &source.path } else { line })
}

/// Whether two sources are of one file: it may have grown in between, so one beginning may be longer.
fn same_file(a: &Source, b: &Source) -> bool {
    let are_empty = a.head.is_empty() || b.head.is_empty();
    let begin_alike = a.head.starts_with(&b.head) || b.head.starts_with(&a.head);
    a.host == b.host && if are_empty { a.path == b.path } else { begin_alike }
}

fn covers(a: &Source, b: &Source) -> bool {
    same_file(a, b) && a.range.start <= b.range.start && a.range.end >= b.range.end
}

fn overlap(a: &Source, b: &Source) -> bool {
    same_file(a, b) && a.range.start < b.range.end && b.range.start < a.range.end
}

/// Leaves out what stands in another part, and says so.
///
/// # Errors
/// Parts that were read in different ways, or of which each has something of the other.
pub(super) fn each_once(mut held: Vec<Held>) -> Result<(Vec<Held>, Vec<String>), String> {
    held.sort_by(|a, b| (&a.file.path, a.range.start).cmp(&(&b.file.path, b.range.start)));
    read_alike(&held)?;
    let index = index(&held);
    let spare = spare(&held, &index);
    no_overlap(&held, &index, &spare)?;
    let name = |at: usize| held.get(at).map(|held| held.file.name.as_str()).unwrap_or_default();
    let said = spare.iter().map(|(part, in_other)| {
        format!("{}: all that it holds is in {} too, and is counted once", name(*part), name(*in_other))
    });
    let said = said.chain(alike(&held, &spare)).collect();
    let is_spare: Vec<bool> = (0..held.len()).map(|at| spare.contains_key(&at)).collect();
    let kept = held.into_iter().zip(is_spare).filter(|(_, is_spare)| !is_spare).map(|(held, _)| held);
    Ok((kept.collect(), said))
}

/// Whether all were read with the same options.
fn read_alike(held: &[Held]) -> Result<(), String> {
    let Some((first, rest)) = held.split_first() else { return Ok(()) };
    let Some(other) = rest.iter().find(|other| other.header.settings != first.header.settings) else { return Ok(()) };
    let said = |held: &Held| match held.header.settings.join(" ") {
        none if none.is_empty() => "no options".to_owned(),
        some => inert(some.as_bytes()),
    };
    Err(format!(
        "{}: expected a part that was read as {} was, with {}; found one that was read with {}",
        other.file.name,
        first.file.name,
        said(first),
        said(other)
    ))
}

/// The parts of which all sources stand in one other, with that. Of two that say the same, the first stays.
fn spare(held: &[Held], index: &Index<'_>) -> BTreeMap<usize, usize> {
    let mut spare = BTreeMap::new();
    for (at, part) in held.iter().enumerate() {
        let Some((first, rest)) = part.header.sources.split_first() else { continue };
        let with = |source: &Source| -> BTreeSet<usize> {
            let all = index.get(&key(source)).into_iter().flatten();
            all.filter(|(other, theirs)| *other != at && covers(theirs, source)).map(|(other, _)| *other).collect()
        };
        let holders = rest.iter().fold(with(first), |holders, source| &holders & &with(source));
        let stays = |other: &usize| {
            let theirs = held.get(*other).map(|other| other.header.sources.as_slice()).unwrap_or_default();
            let is_no_more = theirs.iter().all(|b| part.header.sources.iter().any(|a| covers(a, b)));
            !spare.contains_key(other) && (!is_no_more || *other < at)
        };
        if let Some(holder) = holders.into_iter().find(stays) {
            spare.insert(at, holder);
        }
    }
    spare
}

/// Whether no two parts hold the same lines.
fn no_overlap(held: &[Held], index: &Index<'_>, spare: &BTreeMap<usize, usize>) -> Result<(), String> {
    for (at, part) in held.iter().enumerate().filter(|(at, _)| !spare.contains_key(at)) {
        for source in &part.header.sources {
            let others = index.get(&key(source)).into_iter().flatten();
            let mut others = others.filter(|(other, _)| *other > at && !spare.contains_key(other));
            let Some((other, _)) = others.find(|(_, theirs)| overlap(source, theirs)) else { continue };
            return Err(format!(
                "{} and {} both hold lines of {}: leave one of them out, or name the hosts (`map --host`) where these \
                 are logs of two that begin alike",
                part.file.name,
                held.get(*other).map(|other| other.file.name.as_str()).unwrap_or_default(),
                name(source)
            ));
        }
    }
    Ok(())
}

/// Each source by its key, and by its path too: what was empty may have grown since, and is of a file all the same.
fn index(held: &[Held]) -> Index<'_> {
    let mut index = Index::new();
    for (at, part) in held.iter().enumerate() {
        for source in &part.header.sources {
            let by_path = (source.host.as_str(), source.path.as_slice());
            for key in BTreeSet::from([key(source), by_path]) {
                index.entry(key).or_default().push((at, source));
            }
        }
    }
    index
}

/// Hosts whose logs begin with the same bytes, a sentence for every two of them: a host may have been renamed and its
/// old part be still there, which nobody but its owner can tell from logs that two hosts write alike.
fn alike(held: &[Held], spare: &BTreeMap<usize, usize>) -> Vec<String> {
    let mut first: BTreeMap<&[u8], &Source> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), (&Source, &Source)> = BTreeMap::new();
    let parts = held.iter().enumerate().filter(|(at, _)| !spare.contains_key(at));
    for source in parts.flat_map(|(_, part)| &part.header.sources).filter(|source| !source.head.is_empty()) {
        let before = *first.entry(&source.head).or_insert(source);
        if before.host != source.host {
            pairs.entry((&before.host, &source.host)).or_insert((before, source));
        }
    }
    let said = |(a, b): &(&Source, &Source)| {
        format!(
            "{} and {} begin alike: if they are one log, it is counted twice; leave out the part of one host",
            name(a),
            name(b)
        )
    };
    pairs.values().map(said).collect()
}

/// The path with its host, as it stands in reports.
fn path(source: &Source) -> PathBuf {
    let path = OsStr::from_bytes(&source.path);
    if source.host.is_empty() {
        return PathBuf::from(path);
    }
    let mut named = std::ffi::OsString::from(&source.host);
    named.push(":");
    named.push(path);
    PathBuf::from(named)
}

fn name(source: &Source) -> String {
    inert(path(source).as_os_str().as_bytes())
}

/// All parts as one reading, and what is missing to it.
pub(super) fn put_together(held: &[Held], expected: Option<&[Vec<u8>]>) -> (Whole, Vec<Error>) {
    let mut all: Vec<((usize, u32), &Source, PathBuf)> = Vec::new();
    for (part, held) in held.iter().enumerate() {
        all.extend(held.header.sources.iter().zip(0..).map(|(source, at)| ((part, at), source, path(source))));
    }
    all.sort_by(|(at_a, a, path_a), (at_b, b, path_b)| {
        (path_a, &a.head, a.range.start, a.range.end, at_a).cmp(&(path_b, &b.head, b.range.start, b.range.end, at_b))
    });
    let (mut whole, mut problems) = (Whole::default(), told(held));
    // Two logs of one name, or that begin alike, were told apart by whoever read both.
    let is_next = |(at_a, a, path_a): &((usize, u32), &Source, PathBuf),
                   (at_b, b, path_b): &((usize, u32), &Source, PathBuf)| {
        path_a == path_b && same_file(a, b) && (at_a.0 != at_b.0 || a.range.end <= b.range.start)
    };
    for stretches in all.chunk_by(is_next) {
        let file = whole.files.len() as u32;
        let Some((_, first, path)) = stretches.first() else { continue };
        let log = LogFile::named(path);
        for ((place, source, _), chunk) in stretches.iter().zip(0..) {
            whole.places.insert(*place, (file, chunk));
            whole.chunks.push(coverage::chunk(&source.coverage, &source.formats, (file, chunk)));
        }
        if first.is_zoneless {
            whole.zoneless.push((file, Error::new(Kind::NoZone, &log.path)));
        }
        let sources: Vec<&Source> = stretches.iter().map(|(_, source, _)| *source).collect();
        let problem = sources.iter().find_map(|source| source.problem.clone());
        problems.extend(problem.clone().map(|text| Error::new(Kind::Told { text }, &log.path)));
        let gap = gap(&sources, whole.chunks.last_mut());
        problems.extend(gap.clone().map(|text| Error::new(Kind::Told { text }, &log.path)));
        whole.problems.push(problem.or(gap));
        whole.files.push(log);
        whole.heads.push(first.head.clone());
    }
    problems.extend(expected.into_iter().flat_map(|expected| unexpected(expected, &all)));
    let versions: BTreeSet<&str> = held.iter().map(|held| held.header.tool.as_str()).collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        whole.limits.push(format!(
            "the logs were read by several versions of the program: {}",
            inert(versions.join(", ").as_bytes())
        ));
    }
    (whole, problems)
}

/// What those who read the logs could not find.
fn told(held: &[Held]) -> Vec<Error> {
    let problems = held.iter().flat_map(|held| &held.header.problems);
    let error = |(path, text): &(Vec<u8>, String)| {
        Error::new(Kind::Told { text: inert(text.as_bytes()) }, &PathBuf::from(OsStr::from_bytes(path)))
    };
    problems.map(error).collect()
}

/// What is missing of a file, in words. Whoever cuts a text into lines cannot tell whether the last one ended, so that
/// a byte too many is taken back.
fn gap(stretches: &[&Source], last: Option<&mut ChunkCoverage>) -> Option<String> {
    let mut end = 0;
    for source in stretches {
        if source.range.start > end {
            return Some(format!("bytes {end} to {} are in no part", source.range.start));
        }
        end = end.max(source.range.end);
    }
    let size = stretches.iter().find_map(|source| source.size_bytes);
    if !stretches.last().is_some_and(|source| source.is_end) {
        return Some(match size {
            Some(size) => format!("bytes {end} to {size} are in no part"),
            None => format!("what follows byte {end} is in no part"),
        });
    }
    let size = size?;
    let read: u64 = stretches.iter().map(|source| source.coverage.bytes).sum();
    match (read.checked_sub(size), last) {
        (Some(1), Some(last)) => last.bytes -= 1,
        (Some(0), _) => {}
        _ if stretches.iter().any(|source| source.problem.is_some()) => {}
        _ => return Some(format!("expected {size} bytes, found {read} in the parts")),
    }
    None
}

/// Files that should be there and are not, and the other way round. What ends with a colon is a host, with whatever
/// files it has.
fn unexpected(expected: &[Vec<u8>], all: &[((usize, u32), &Source, PathBuf)]) -> Vec<Error> {
    let (hosts, files): (BTreeSet<&[u8]>, BTreeSet<&[u8]>) =
        expected.iter().map(Vec::as_slice).partition(|wanted| wanted.ends_with(b":"));
    let host = |source: &Source| format!("{}:", source.host).into_bytes();
    let hosts_there: BTreeSet<Vec<u8>> = all.iter().map(|(_, source, _)| host(source)).collect();
    let files_there: BTreeSet<&[u8]> = all.iter().map(|(_, _, path)| path.as_os_str().as_bytes()).collect();
    let of_others = all.iter().filter(|(_, source, _)| !hosts.contains(host(source).as_slice()));
    let of_others: BTreeSet<&[u8]> = of_others.map(|(_, _, path)| path.as_os_str().as_bytes()).collect();
    let told = |path: &[u8], text: &str| {
        Error::new(Kind::Told { text: text.to_owned() }, &PathBuf::from(OsStr::from_bytes(path)))
    };
    let no_host = hosts.iter().filter(|host| !hosts_there.contains(**host));
    let no_host = no_host.filter_map(|host| host.strip_suffix(b":"));
    let no_host = no_host.map(|host| told(host, "expected a part of this host, found none"));
    let no_file = files.difference(&files_there).map(|path| told(path, "expected this file, found no part of it"));
    let strange = of_others.difference(&files);
    let strange = strange.map(|path| told(path, "found a part of this file, which was not expected"));
    no_host.chain(no_file).chain(strange).collect()
}
