//! The first half of an analysis: what one machine, or one task, can read, as a part to be merged elsewhere. Owns what
//! a part says of itself.

use super::{
    Options,
    coverage::{self, LineNumbers},
    members::Scanned,
    scan,
};
use crate::{
    error::{Error, Kind},
    exchange::part::{self, Header},
    input::{self, Discovery, LogFile, Part, Source},
    model::{
        tally::{ChunkCoverage, Kept},
        time::Time,
    },
    parse::pieces::{self, Open},
    progress::Progress,
    tally::{self, Budget},
};
use std::{ops::Range, os::unix::ffi::OsStrExt, path::PathBuf};

/// What there is to say of the input beside how it is read.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// The machine that the files are from.
    pub host: String,
    /// What standard input is, as it is to be named.
    pub name: Option<PathBuf>,
    /// The bytes of the one file whose lines are wanted: those that begin there. Standard input holds only these.
    pub range: Option<Range<u64>>,
    /// How long the file is of which standard input is a range.
    pub size_bytes: Option<u64>,
    /// One client in 2^so many is kept, the requests of the others are counted.
    pub kept: Kept,
    /// What the reading depends on, as options of the command line.
    pub settings: Vec<String>,
    /// The program's version.
    pub tool: String,
}

/// A part, and what went wrong on the way to it.
#[derive(Debug)]
pub struct Mapped {
    /// In the form of [`crate::exchange::part`].
    pub bytes: Vec<u8>,
    /// Lines understood.
    pub parsed: u64,
    /// Files that could not be read, or not to their end. The part knows of them too.
    pub problems: Vec<Error>,
}

/// Reads everything once and writes down what a report can be made from.
#[must_use]
pub fn map(found: Discovery, options: &Options, mapping: &Mapping, progress: &Progress) -> Mapped {
    let Discovery { mut files, mut problems, .. } = found;
    if let Some(range) = &mapping.range {
        files = files.into_iter().filter_map(|file| lines_in(file, range).map_err(|e| problems.push(e)).ok()).collect();
    }
    let unfound: Vec<_> = problems.iter().map(said).collect();
    let budget = Budget::new(options.memory_bytes, options.detect.window_secs);
    let Scanned { files, origins, tallies, problems: noticed, .. } = scan::scan(&files, options, &budget, progress);
    progress.finish();
    let numbers = LineNumbers::new(&files, &tallies.chunks);
    let mut sources: Vec<part::Source> =
        files.iter().zip(origins).map(|(file, origin)| source(file, origin, options, mapping)).collect();
    add_up(&mut sources, tallies.chunks);
    for (source, file) in sources.iter_mut().zip(&files) {
        // What is read whole is known by how much there was.
        source.range = mapping.range.clone().unwrap_or(0..source.coverage.bytes);
        source.size_bytes = mapping.size_bytes.or_else(|| mapping.range.as_ref().and_then(|_| text_bytes(file)));
        source.is_end = source.size_bytes.is_none_or(|size| source.range.end >= size);
        source.range.end = source.size_bytes.map_or(source.range.end, |size| source.range.end.min(size));
    }
    for (index, error) in noticed {
        let Some(source) = sources.get_mut(index as usize) else { continue };
        if error.kind == Kind::NoZone {
            source.is_zoneless = true;
        } else {
            source.problem = Some(error.kind.to_string());
            problems.push(error);
        }
    }
    let parsed = sources.iter().map(|source| source.coverage.parsed).sum();
    let kept = tallies.kept.max(mapping.kept);
    let mut shards = tally::share(tallies.shards, kept, &budget);
    shards.iter_mut().for_each(|shard| shard.move_places(|at| numbers.in_file(at)));
    let (ledger, _) = tally::build_between((shards, kept), (Time(0), Time(u32::MAX)), &budget);
    let header = Header {
        tool: mapping.tool.clone(),
        settings: mapping.settings.clone(),
        kept: ledger.kept,
        window_secs: options.detect.window_secs,
        sources,
        problems: unfound,
    };
    let bytes = part::write(&header, &ledger);
    // As after a report: the process is about to end.
    std::mem::forget(ledger);
    Mapped { bytes, parsed, problems }
}

fn said(error: &Error) -> (Vec<u8>, String) {
    let path = error.path.as_ref().map(|path| path.as_os_str().as_bytes().to_vec());
    (path.unwrap_or_default(), error.kind.to_string())
}

/// The file with the lines that begin in a range of its bytes. Standard input holds no others.
fn lines_in(file: LogFile, range: &Range<u64>) -> Result<LogFile, Error> {
    if file.is_stdin() {
        return Ok(file);
    }
    match file.open()? {
        Source::Mapped(map) => {
            let text = map.as_bytes();
            let at = |bytes: u64| {
                let at = input::line_start(text, usize::try_from(bytes).unwrap_or(usize::MAX));
                if at < text.len() { pieces::cut(text, at, Open::default()).0 as u64 } else { at as u64 }
            };
            Ok(LogFile { part: Part { from_bytes: at(range.start), until_bytes: at(range.end) }, ..file })
        }
        Source::Empty => Ok(file),
        Source::Stream(_) => Err(Error::new(Kind::NoRanges, &file.path)),
    }
}

fn text_bytes(file: &LogFile) -> Option<u64> {
    match file.open().ok()? {
        Source::Mapped(map) => Some(map.as_bytes().len() as u64),
        Source::Empty => Some(0),
        Source::Stream(_) => None,
    }
}

fn source(file: &LogFile, origin: (u32, u32), options: &Options, mapping: &Mapping) -> part::Source {
    let path = mapping.name.as_ref().filter(|_| file.is_stdin()).unwrap_or(&file.path);
    let mut head = options.format.heads.seen(origin);
    head.truncate(part::HEAD_BYTES);
    part::Source {
        host: mapping.host.clone(),
        path: path.as_os_str().as_bytes().to_vec(),
        head,
        ..part::Source::default()
    }
}

/// The chunks of each source as one.
fn add_up(sources: &mut [part::Source], mut chunks: Vec<ChunkCoverage>) {
    chunks.sort_by_key(|chunk| (chunk.file, chunk.chunk));
    for chunk in &chunks {
        if let Some(source) = sources.get_mut(chunk.file as usize) {
            coverage::add(&mut source.coverage, &mut source.formats, chunk);
        }
    }
}
