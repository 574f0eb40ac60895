//! What a run notes that cannot use the database: that checks are blind. It stands in the file of the lock, which is
//! there and has its place on the disk, so that a full one is no hindrance.

use super::LOCK;
use crate::model::{blindness::Blindness, time::Time};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// The note is filled up with spaces to this.
const BYTES: usize = 1024;

/// What the run before this one noted; none where it could use the database.
#[must_use]
pub fn recall(folder: &Path) -> Option<Blindness> {
    let bytes = fs::read(folder.join(LOCK)).ok()?;
    // A long note may be cut within a character.
    let text = String::from_utf8_lossy(&bytes);
    let (numbers, troubles) = text.split_once('\n')?;
    let mut numbers = numbers.split(' ').map(|number| number.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    let (start, runs, told_at) = (Time(next()?), next()?, next()?);
    let told_at = Some(Time(told_at)).filter(|_| told_at > 0);
    Some(Blindness {
        runs,
        told_at,
        troubles: troubles.trim_end_matches([' ', '\u{fffd}']).to_owned(),
        ..Blindness::new(start)
    })
}

/// Notes that checks are blind, or that they are not.
///
/// # Errors
/// The folder cannot be written to.
pub fn note(folder: &Path, blindness: Option<&Blindness>) -> io::Result<()> {
    let mut bytes = blindness.map_or(Vec::new(), |it| {
        let told_at = it.told_at.map_or(0, |at| at.0);
        format!("{} {} {told_at}\n{}", it.start.0, it.runs, it.troubles).into_bytes()
    });
    bytes.resize(BYTES, b' ');
    File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_holds_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(recall(folder.path()), None);
        let blind = Blindness {
            runs: 3,
            told_at: Some(Time(1_773_101_000)),
            troubles: "no disk\nno log".to_owned(),
            ..Blindness::new(Time(1_773_100_800))
        };
        note(folder.path(), Some(&blind)).unwrap();
        assert_eq!(recall(folder.path()), Some(blind.clone()));
        let long = Blindness { troubles: "\u{e9}".repeat(2 * BYTES), ..blind };
        note(folder.path(), Some(&long)).unwrap();
        assert!(long.troubles.starts_with(&recall(folder.path()).unwrap().troubles));
        assert_eq!(fs::read(folder.path().join(LOCK)).unwrap().len(), BYTES);
        note(folder.path(), None).unwrap();
        assert_eq!(recall(folder.path()), None);
    }
}
