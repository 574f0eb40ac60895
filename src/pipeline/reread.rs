//! A kept line read once more, for those who need its fields. Owns the choice of the format that reads it.

use super::FormatChoice;
use crate::{
    model::{coverage::LineRef, event::Event, report::Report},
    parse::{self, LineParser, Scratch},
};

/// What a line of a report says, told to `tell`. None where it does not fit its file's format or any other, as a line
/// that was cut when it was kept does not.
pub fn reread<T>(
    line: &LineRef,
    report: &Report,
    format: &FormatChoice,
    tell: impl FnOnce(Event<'_>) -> T,
) -> Option<T> {
    let parser = match format {
        FormatChoice::Custom(parser) => LineParser::custom((**parser).clone()),
        FormatChoice::Known(format) => LineParser::new(format),
        FormatChoice::Guess => {
            let file = report.input.files.iter().find(|file| file.path == line.file)?;
            LineParser::new(parse::by_id(&file.format)?)
        }
    };
    let mut scratch = Scratch::default();
    let (event, _) = parser.parse(line.text.as_bytes(), &mut scratch).ok()?;
    Some(tell(event))
}
