//! Unpacks logs in chunks of whole lines, as the analysis has them, and does no more: what there is to compare it with.

use authfault::input::{self, Source, StreamChunks, TARGET_CHUNK_BYTES};
use std::{io::Write, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut bytes = 0;
    for log in input::discover(&paths).files {
        match log.open()? {
            Source::Empty => {}
            Source::Mapped(map) => bytes += map.as_bytes().len(),
            Source::Stream(stream) => {
                for chunk in StreamChunks::new(stream, &log.path, TARGET_CHUNK_BYTES) {
                    bytes += chunk?.len();
                }
            }
        }
    }
    Ok(writeln!(std::io::stdout(), "{bytes}")?)
}
