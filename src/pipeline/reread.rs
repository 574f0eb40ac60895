//! A kept line read once more, for those who need its fields. Owns the choice of the format that reads it.

use super::{FormatChoice, Formats};
use crate::{
    model::{coverage::LineRef, event::Event, report::Report},
    parse::{self, Scratch},
};
use std::path::Path;

/// What a line of a report says, told to `tell`. None where it does not fit its file's format or any other, as a line
/// that was cut when it was kept does not.
pub fn reread<T>(line: &LineRef, report: &Report, formats: &Formats, tell: impl FnOnce(Event<'_>) -> T) -> Option<T> {
    let Formats { choice, readers, .. } = formats;
    let guessed = || {
        let file = report.input.files.iter().find(|file| file.path == line.file)?;
        Some(readers.known(parse::by_id(&file.format)?))
    };
    let parser = match choice {
        FormatChoice::Custom(parser) => readers.custom(parser),
        FormatChoice::Known(format) => readers.known(format),
        FormatChoice::Guess => guessed()?,
        FormatChoice::Server(config) => {
            let parser = config.log_of(Path::new(&line.file)).and_then(|log| config.parser(log).ok());
            parser.map(|parser| readers.custom(&parser)).or_else(guessed)?
        }
    };
    let mut scratch = Scratch::default();
    let (event, _) = parser.parse(line.text.as_bytes(), &mut scratch).ok()?;
    Some(tell(event))
}
