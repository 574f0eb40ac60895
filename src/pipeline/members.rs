//! Archives taken for the logs that are in them: each member that was read is a file of its own from here on, called
//! `archive.tar:member`. Owns giving them their numbers, in the order in which they were read: of lines that are equal
//! otherwise the first one is kept, and workers have chosen already. An archive itself stays where something is wrong
//! with it as a whole, and so does one in which no log was found.

use super::{skip::Skipped, source::Findings};
use crate::{
    error::Error,
    input::LogFile,
    model::tally::{Place, Tallies},
};
use std::collections::BTreeMap;

/// What was read, and of which files.
pub(super) struct Scanned {
    /// What chunks, places and problems are numbered by.
    pub(super) files: Vec<LogFile>,
    /// For each of them, the file that was asked for and the chunk of it with which it begins.
    pub(super) origins: Vec<(u32, u32)>,
    pub(super) tallies: Tallies,
    /// What went wrong with files as a whole.
    pub(super) problems: Vec<(u32, Error)>,
    pub(super) skipped: Vec<Skipped>,
}

/// The same with members for archives.
pub(super) fn unfolded(files: &[LogFile], mut tallies: Tallies, findings: Findings) -> Scanned {
    let Findings { problems, mut skipped, members } = findings;
    let (mut unfolded, mut origins) = (Vec::new(), Vec::new());
    let (mut own, mut of_chunk) = (BTreeMap::new(), BTreeMap::new());
    for (log, file) in files.iter().zip(0..) {
        let inside: Vec<_> = members.range((file, 0)..=(file, u32::MAX)).collect();
        if inside.is_empty() || problems.iter().any(|(of, chunk, _)| *of == file && chunk.is_none()) {
            own.insert(file, unfolded.len() as u32);
            of_chunk.insert((file, 0), unfolded.len() as u32);
            origins.push((file, if inside.is_empty() { 0 } else { u32::MAX }));
            unfolded.push(log.clone());
        }
        for (origin, name) in inside {
            of_chunk.insert(*origin, unfolded.len() as u32);
            origins.push(*origin);
            unfolded.push(log.member(name));
        }
    }
    let at = |file: u32, chunk: u32| {
        let known = of_chunk.range(..=(file, chunk)).next_back();
        known.map_or(file, |(_, number)| *number)
    };
    if !members.is_empty() {
        tallies.chunks.iter_mut().for_each(|chunk| chunk.file = at(chunk.file, chunk.chunk));
        let moved = |place: Place| Place { file: at(place.file, place.chunk), ..place };
        tallies.shards.iter_mut().for_each(|shard| shard.move_places(moved));
        skipped.iter_mut().for_each(|skipped| skipped.file = at(skipped.file, 0));
    }
    let number = |file: u32, chunk: Option<u32>| match chunk {
        Some(chunk) => at(file, chunk),
        None => own.get(&file).copied().unwrap_or(file),
    };
    let mut problems: Vec<(u32, Error)> =
        problems.into_iter().map(|(file, chunk, error)| (number(file, chunk), error)).collect();
    problems.sort_by_key(|(file, _)| *file);
    Scanned { files: unfolded, origins, tallies, problems, skipped }
}
