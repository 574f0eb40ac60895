//! Which format a file is in, and how a line in another one is still read. Owns the order of trying.

use super::{
    formats::{FORMATS, Format},
    parser::{Outcome, Parser, Scratch},
    plan::{Progress, Stop, with_nul},
};
use crate::model::event::{Event, Reason, Rejection};
use std::sync::LazyLock;

/// Lines of a file's start that are enough to tell its format.
pub const SAMPLE_LINES: usize = 200;

/// Every known format, compiled.
static PARSERS: LazyLock<Vec<Parser>> = LazyLock::new(|| FORMATS.iter().map(|f| f.compile()).collect());

/// The format of a file's first lines.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    /// The format under which most lines are read.
    pub format: &'static Format,
    /// How many lines that is.
    pub fits: usize,
    /// How many lines were tried: blank lines and comments are not.
    pub of: usize,
}

/// Finds the format of a file by its first lines, up to [`SAMPLE_LINES`] of them: the one that reads most; of equals,
/// the first in [`FORMATS`]. A format that leaves the end of lines unread is chosen only where all others together
/// read less than half of the lines. None where no format reads any.
#[must_use]
pub fn guess(sample: &[&[u8]]) -> Option<Guess> {
    let lines: Vec<&[u8]> = sample.iter().copied().filter(|l| !is_blank(l)).take(SAMPLE_LINES).collect();
    let whole = best(&lines, |parser| !parser.is_open_ended());
    let read_whole = |line: &&&[u8]| PARSERS.iter().any(|p| !p.is_open_ended() && fits(p, &[line]) == 1);
    let most_are_whole = lines.iter().filter(read_whole).count() * 2 >= lines.len();
    if most_are_whole { whole } else { best(&lines, Parser::is_open_ended).or(whole) }
}

/// The first of those formats that read most, if any line.
fn best(lines: &[&[u8]], wanted: fn(&Parser) -> bool) -> Option<Guess> {
    PARSERS
        .iter()
        .zip(FORMATS)
        .filter(|(parser, _)| wanted(parser))
        .map(|(parser, format)| Guess { format, fits: fits(parser, lines), of: lines.len() })
        .reduce(|best, next| if next.fits > best.fits { next } else { best })
        .filter(|guess| guess.fits > 0)
}

/// How many lines a format reads.
fn fits(parser: &Parser, lines: &[&[u8]]) -> usize {
    let mut scratch = Scratch::default();
    lines.iter().filter(|line| parser.parse(line, &mut scratch).is_ok()).count()
}

/// Empty, or a comment as in W3C logs: not a line of any format, and not a bad one.
#[must_use]
pub fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty() || line.starts_with(b"#")
}

/// For a line that no format reads: the format that got furthest, of equals the first in [`FORMATS`], and where it
/// stopped.
#[must_use]
pub fn nearest(line: &[u8]) -> (&'static Format, Rejection) {
    let mut scratch = Scratch::default();
    let stops = PARSERS.iter().zip(FORMATS).filter_map(|(parser, format)| {
        let stop = parser.read(line, &mut scratch).err()?;
        Some((*format, stop.rejection))
    });
    let furthest = stops.reduce(|best, next| if next.1.column > best.1.column { next } else { best });
    let (format, rejection) = furthest.unwrap_or((FORMATS[0], Rejection::new(Reason::NoField, 0)));
    (format, with_nul(line, rejection))
}

/// Reads the lines of a file whose format is known, and those among them that are in another known format, as after
/// a change of the configuration.
///
/// What becomes of a line depends on the line and on the format given at the start, never on the lines before it:
/// however a file is cut into pieces, the pieces give the same.
#[derive(Clone, Debug)]
pub struct LineParser {
    primary: Parser,
    index: usize,
    others: Vec<Other>,
}

/// A format to try where the primary one does not fit, and what can be taken over from those tried before it, so that
/// a line that fits no format, or only a late one, costs little more than trying one format of each kind.
#[derive(Clone, Debug)]
struct Other {
    /// In [`FORMATS`].
    index: usize,
    /// Of the formats tried before (0 is the primary one), the one that begins most alike, and how many steps both
    /// take alike. Where that one stopped within them, this one would too, and need not be tried.
    parent: usize,
    shared: usize,
    /// The first format of its kind and how many steps both take alike: they are taken once. None for that first one.
    root: usize,
    shared_with_root: usize,
}

/// Fewer steps are not worth remembering.
const KIN_STEPS: usize = 3;

impl LineParser {
    /// For a file in a known format.
    #[must_use]
    pub fn new(format: &Format) -> Self {
        let index = format.index();
        Self::with(PARSERS.get(index).cloned().unwrap_or_else(|| format.compile()), index)
    }

    /// For a file in the operator's own format, which has the index after the last of [`FORMATS`].
    #[must_use]
    pub fn custom(parser: Parser) -> Self {
        Self::with(parser, FORMATS.len())
    }

    fn with(primary: Parser, index: usize) -> Self {
        let mut tried = vec![&primary];
        let mut others: Vec<Other> = Vec::new();
        for (i, parser) in PARSERS.iter().enumerate().filter(|(i, _)| *i != index) {
            let shared = tried.iter().enumerate().map(|(at, before)| (parser.shared_steps(before), at));
            let (shared, parent) = shared.max().unwrap_or_default();
            let root = match parent.checked_sub(1).and_then(|at| others.get(at)) {
                _ if shared < KIN_STEPS => tried.len(),
                Some(parent) => parent.root,
                None => 0,
            };
            let shared_with_root = tried.get(root).map_or(0, |root| parser.shared_steps(root));
            tried.push(parser);
            others.push(Other { index: i, parent, shared, root, shared_with_root });
        }
        Self { primary, index, others }
    }

    /// Reads one line, without its newline; gives the index of its format in [`FORMATS`] too. The primary format is
    /// tried first, then the others in their order.
    ///
    /// # Errors
    /// Where no format fits: why the primary one does not, and where.
    #[inline]
    pub fn parse<'a>(&self, line: &'a [u8], scratch: &'a mut Scratch) -> Result<(Event<'a>, usize), Rejection> {
        match self.primary.read(line, scratch) {
            Ok(outcome) => Ok((outcome.event(line, scratch), self.index)),
            Err(stop) => match self.parse_as_other(line, stop, scratch) {
                Some((outcome, index)) => Ok((outcome.event(line, scratch), index)),
                None => Err(with_nul(line, stop.rejection)),
            },
        }
    }

    /// Tries the other formats in their order.
    #[cold]
    fn parse_as_other<'a>(&self, line: &'a [u8], primary: Stop, scratch: &mut Scratch) -> Option<(Outcome<'a>, usize)> {
        let mut stopped = [0; FORMATS.len() + 1];
        stopped[0] = primary.step;
        let mut mark = (usize::MAX, None);
        for (at, other) in self.others.iter().enumerate() {
            let parent = stopped.get(other.parent).copied().unwrap_or(usize::MAX);
            let step = if parent < other.shared {
                parent
            } else {
                match other.read(line, scratch, &mut mark) {
                    Ok(outcome) => return Some((outcome, other.index)),
                    Err(stop) => stop.step,
                }
            };
            if let Some(place) = stopped.get_mut(at + 1) {
                *place = step;
            }
        }
        None
    }
}

impl Other {
    /// Reads a line in this format. `mark` is a root and how far its kind has come in the line.
    fn read<'a>(
        &self,
        line: &'a [u8],
        scratch: &mut Scratch,
        mark: &mut (usize, Option<Progress<'a>>),
    ) -> Result<Outcome<'a>, Stop> {
        let Some(parser) = PARSERS.get(self.index) else {
            return Err(Stop { step: 0, rejection: Rejection::new(Reason::NoField, 0) });
        };
        if self.shared_with_root < KIN_STEPS {
            return parser.read(line, scratch);
        }
        if mark.0 != self.root {
            *mark = (self.root, None);
        }
        parser.resume(line, scratch, self.shared_with_root, &mut mark.1)
    }
}
