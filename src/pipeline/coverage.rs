//! How much of the input was read, from what each chunk says of itself.

use super::skip::Skipped;
use crate::{
    error::Error,
    exchange::part,
    input::LogFile,
    model::{
        coverage::{FileCoverage, LineRef, Rejected},
        event::Reason,
        logged::Logged,
        report::Input,
        tally::{ChunkCoverage, Place},
    },
    parse,
};
use std::{collections::BTreeMap, path::Path};

/// The number of the first line of each chunk of each file, counted from 1.
pub(super) struct LineNumbers {
    names: Vec<String>,
    first: BTreeMap<(u32, u32), u64>,
    skipped: BTreeMap<u32, Skipped>,
}

impl LineNumbers {
    pub(super) fn new(files: &[LogFile], chunks: &[ChunkCoverage]) -> Self {
        let mut sorted: Vec<&ChunkCoverage> = chunks.iter().collect();
        sorted.sort_by_key(|c| (c.file, c.chunk));
        let mut first = BTreeMap::new();
        let (mut file, mut next) = (u32::MAX, 1);
        for chunk in sorted {
            if chunk.file != file {
                (file, next) = (chunk.file, 1);
            }
            first.insert((chunk.file, chunk.chunk), next);
            next += chunk.lines;
        }
        Self { names: files.iter().map(|f| f.name.clone()).collect(), first, skipped: BTreeMap::new() }
    }

    /// The same where files were not read whole.
    pub(super) fn behind(self, skipped: Vec<Skipped>) -> Self {
        Self { skipped: skipped.into_iter().map(|skipped| (skipped.file, skipped)).collect(), ..self }
    }

    /// The same place with its line counted from the beginning of the file.
    pub(super) fn in_file(&self, place: Place) -> Place {
        let first = self.first.get(&(place.file, place.chunk)).map_or(0, |first| first - 1);
        Place { chunk: 0, line: u32::try_from(first).unwrap_or(u32::MAX).saturating_add(place.line), ..place }
    }

    /// File name and line number of a place.
    pub(super) fn locate(&self, place: Place) -> (String, u64) {
        let name = self.names.get(place.file as usize).cloned().unwrap_or_default();
        let first = self.first.get(&(place.file, place.chunk)).copied().unwrap_or(1);
        let unread = self.skipped.get(&place.file).map_or(0, Skipped::front_lines);
        (name, unread + first + u64::from(place.line))
    }
}

/// Adds a chunk to all that stands before it; lines understood are counted by the format's id, which holds for ever.
pub(super) fn add(all: &mut ChunkCoverage, formats: &mut BTreeMap<String, u64>, chunk: &ChunkCoverage) {
    all.append(chunk);
    for (format, lines) in std::mem::take(&mut all.formats) {
        *formats.entry(parse::id_of(usize::from(format)).to_owned()).or_default() += lines;
    }
}

/// What was added up, as a chunk of a file again.
pub(super) fn chunk(all: &ChunkCoverage, formats: &BTreeMap<String, u64>, (file, chunk): (u32, u32)) -> ChunkCoverage {
    let formats = formats.iter().map(|(id, lines)| (parse::index_of(id), *lines)).collect();
    ChunkCoverage { file, chunk, formats, ..all.clone() }
}

/// Adds up all chunks; the files in their order, those with a problem too.
pub(super) fn input(
    files: &[LogFile],
    chunks: &[ChunkCoverage],
    problems: &[(u32, Error)],
    numbers: &LineNumbers,
) -> Input {
    let mut all = vec![ChunkCoverage::default(); files.len()];
    for chunk in chunks {
        if let Some(all) = all.get_mut(chunk.file as usize) {
            all.append(chunk);
        }
    }
    let mut covered: Vec<FileCoverage> = files.iter().zip(&all).map(|(log, all)| file(log, all)).collect();
    for (file, skipped) in &numbers.skipped {
        if let Some(file) = covered.get_mut(*file as usize) {
            file.unread_bytes = skipped.bytes;
        }
    }
    for (file, error) in problems {
        if let Some(file) = covered.get_mut(*file as usize) {
            file.problem = Some(error.kind.to_string());
        }
    }
    let sum = |field: fn(&FileCoverage) -> u64| covered.iter().map(field).sum();
    Input {
        lines: sum(|f| f.lines),
        parsed: sum(|f| f.parsed),
        rejected: sum(|f| f.rejected),
        blank: sum(|f| f.blank),
        rejections: rejections(chunks, numbers),
        start: covered.iter().filter_map(|f| f.start).min(),
        end: covered.iter().filter_map(|f| f.end).max(),
        files: covered,
        lead: None,
        begins_late: false,
        error_logs: Vec::new(),
    }
}

/// That files look like copies of each other, whose lines count for each; `heads` are their first bytes. Packed or not,
/// what is compared is the text.
pub(super) fn copies(input: &Input, heads: impl IntoIterator<Item = Vec<u8>>) -> Option<String> {
    let mut alike: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for (file, mut head) in input.files.iter().zip(heads).filter(|(file, head)| file.parsed > 0 && !head.is_empty()) {
        // As much as a part knows.
        head.truncate(part::HEAD_BYTES);
        alike.entry((head, file.bytes + file.unread_bytes, file.end)).or_default().push(&file.path);
    }
    let mut alike: Vec<Vec<&str>> = alike.into_values().filter(|names| names.len() > 1).collect();
    alike.iter_mut().for_each(|names| names.sort_unstable());
    alike.sort_unstable();
    let ([first, second, more @ ..], others) = alike.split_first().map(|(names, rest)| (names.as_slice(), rest))?
    else {
        return None;
    };
    let more = match more.len() + others.iter().map(Vec::len).sum::<usize>() {
        0 => String::new(),
        more => format!(" (and {more} more files)"),
    };
    Some(format!(
        "{first} and {second} look like copies of one log, by beginning, end and length{more}; their lines are counted \
         each time, so leave copies out"
    ))
}

/// The same with what was named and could not be found, as files of which nothing is known but that.
pub(super) fn with_missing(mut input: Input, problems: &[Error]) -> Input {
    for error in problems {
        let Some(log) = error.path.as_deref().map(LogFile::named) else { continue };
        if input.files.iter().all(|file| file.path != log.name) {
            let problem = Some(error.kind.to_string());
            input.files.push(FileCoverage { path: log.name, problem, ..FileCoverage::default() });
        }
    }
    input.files.sort_by(|a, b| Path::new(&a.path).cmp(Path::new(&b.path)));
    input
}

fn file(log: &LogFile, all: &ChunkCoverage) -> FileCoverage {
    let rejected = all.rejected.values().map(|here| here.lines).sum();
    assert_eq!(all.lines, all.parsed + rejected + all.blank, "every line is accounted for");
    let most = all.formats.iter().max_by_key(|(format, lines)| (**lines, std::cmp::Reverse(**format)));
    FileCoverage {
        path: log.name.clone(),
        format: most.map(|(format, _)| parse::id_of(usize::from(*format))).unwrap_or_default().to_owned(),
        bytes: all.bytes,
        unread_bytes: 0,
        lines: all.lines,
        parsed: all.parsed,
        rejected,
        blank: all.blank,
        start: all.span.map(|(first, _)| first),
        end: all.span.map(|(_, last)| last),
        problem: None,
    }
}

/// By reason, the most frequent first, each with its first line by file and number.
fn rejections(chunks: &[ChunkCoverage], numbers: &LineNumbers) -> Vec<Rejected> {
    /// The first line rejected for a reason: where, at which column, its text.
    type First<'c> = (Place, usize, &'c [u8]);
    let mut by_reason: BTreeMap<Reason, (u64, First<'_>)> = BTreeMap::new();
    for chunk in chunks {
        for (reason, here) in &chunk.rejected {
            let place = Place { file: chunk.file, chunk: chunk.chunk, line: here.line };
            let entry = by_reason.entry(*reason).or_insert((0, (place, here.column, &here.text)));
            entry.0 += here.lines;
            if place < entry.1.0 {
                entry.1 = (place, here.column, &here.text);
            }
        }
    }
    let mut rejected: Vec<Rejected> = by_reason
        .into_iter()
        .map(|(reason, (lines, (place, column, text)))| {
            let (file, line) = numbers.locate(place);
            Rejected { reason, lines, first: LineRef { file, line, text: Logged::new(text) }, column }
        })
        .collect();
    rejected.sort_by_key(|r| (std::cmp::Reverse(r.lines), r.reason));
    rejected
}
