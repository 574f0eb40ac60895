//! Which format a file is in, and how a line in another one is still read. Owns the order of trying.

use super::{
    columns::{Columns, Separator},
    fast::Layout,
    formats::{FORMATS, Format, by_id},
    needs::{self, Glance, Needs},
    parser::{Outcome, Parser, Scratch},
    plan::{Plan, Progress, Stop, with_nul},
    settings::Settings,
    slots::Workspace,
    template::{Syntax, TemplateError},
    timestamp::ClfMemo,
    wrappers,
};
use crate::model::event::{Event, Reason, Rejection};
use std::sync::{Arc, LazyLock};

/// Lines of a file's start that are enough to tell its format.
pub const SAMPLE_LINES: usize = 200;

/// Every known format, compiled.
static PARSERS: LazyLock<Arc<[Parser]>> = LazyLock::new(|| FORMATS.iter().map(|f| f.compile()).collect());

/// The format of a file's first lines.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    /// The format under which most lines are read.
    pub format: &'static Format,
    /// How many lines that is.
    pub fits: usize,
    /// How many lines were tried: blank lines and comments are not.
    pub of: usize,
    /// Whether they were read without the wrapper that they come in.
    pub wrapped: bool,
}

/// Finds the format of a file by its first lines, up to [`SAMPLE_LINES`] of them: the one that reads most; of equals,
/// the first in [`FORMATS`]. A format that leaves the end of lines unread is chosen only where all others together
/// read less than half of the lines. None where no format reads any.
#[must_use]
pub fn guess(sample: &[&[u8]]) -> Option<Guess> {
    guess_among(&PARSERS, sample)
}

/// A line to guess by, and what stood around it.
type Sample<'a> = (&'a [u8], &'a [u8]);

fn guess_among(known: &[Parser], sample: &[&[u8]]) -> Option<Guess> {
    let tried = sample.iter().copied().filter(|l| !is_blank(l)).take(SAMPLE_LINES);
    let lines: Vec<Sample<'_>> = tried.map(|line| (line, &b""[..])).collect();
    let inside: Vec<(Vec<u8>, Vec<u8>)> = lines.iter().map(|(line, _)| without_wrapper(line)).collect();
    let inner: Vec<Sample<'_>> = inside.iter().map(|(line, around)| (line.as_slice(), around.as_slice())).collect();
    let (loose, known) = known.split_last()?;
    guess_strictly(known, &lines, &inner).or_else(|| {
        let fits = Tried::new(&inner).by(loose).into_iter().filter(|fits| *fits).count();
        let format = *FORMATS.last()?;
        let wrapped = lines.iter().zip(&inner).any(|((line, _), (inner, _))| line != inner);
        (fits > 0).then_some(Guess { format, fits, of: lines.len(), wrapped })
    })
}

fn guess_strictly(known: &[Parser], lines: &[Sample<'_>], inner: &[Sample<'_>]) -> Option<Guess> {
    let plain = guess_lines(known, lines);
    if plain.is_some_and(|guess| guess.fits * 2 >= guess.of) || lines == inner {
        return plain;
    }
    let unwrapped = guess_lines(known, inner).map(|guess| Guess { wrapped: true, ..guess });
    let fits = |guess: Option<Guess>| guess.map_or(0, |guess| guess.fits);
    if fits(unwrapped) > fits(plain) { unwrapped } else { plain }
}

/// What is left of a line without its wrappers, and what they say of the time.
fn without_wrapper(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut scratch = Scratch::default();
    let peeled = wrappers::peel(line, &mut scratch.work, &mut scratch.peeled);
    (peeled.map_or(line, |(inner, _)| inner).to_vec(), scratch.work.around)
}

fn guess_lines(known: &[Parser], lines: &[Sample<'_>]) -> Option<Guess> {
    let (mut tried, mut readings) = (Tried::new(lines), Vec::new());
    for (parser, format) in known.iter().zip(FORMATS) {
        let fits = tried.by(parser);
        // No later format can read more, and no earlier one has read as much: mostly the first is the last.
        if !parser.is_open_ended() && !fits.is_empty() && fits.iter().all(|fits| *fits) {
            return Some(Guess { format, fits: fits.len(), of: lines.len(), wrapped: false });
        }
        readings.push(fits);
    }
    let formats = || known.iter().zip(FORMATS).zip(&readings);
    let best = |is_open_ended| {
        let wanted = formats().filter(|((parser, _), _)| parser.is_open_ended() == is_open_ended);
        let count = |fits: &[bool]| fits.iter().filter(|fits| **fits).count();
        wanted
            .map(|((_, format), fits)| Guess { format, fits: count(fits), of: lines.len(), wrapped: false })
            .reduce(|best, next| if next.fits > best.fits { next } else { best })
            .filter(|guess| guess.fits > 0)
    };
    let is_whole =
        |line: &usize| formats().any(|((parser, _), fits)| fits.get(*line) == Some(&true) && !parser.is_open_ended());
    let most_are_whole = (0..lines.len()).filter(is_whole).count() * 2 >= lines.len();
    if most_are_whole { best(false) } else { best(true).or_else(|| best(false)) }
}

/// Lines that formats are tried on.
struct Tried<'l> {
    lines: &'l [Sample<'l>],
    /// Of each line what a format may need; none where nothing in it can be a status.
    glances: Vec<Option<Glance<'l>>>,
    scratch: Scratch,
}

impl<'l> Tried<'l> {
    fn new(lines: &'l [Sample<'l>]) -> Self {
        let glance = |(line, _): &Sample<'l>| needs::may_hold_status(line).then(|| Glance::at(line));
        Self { lines, glances: lines.iter().map(glance).collect(), scratch: Scratch::default() }
    }

    /// For each line, whether a format reads it.
    fn by(&mut self, parser: &Parser) -> Vec<bool> {
        let (needs, scratch) = (parser.needs(), &mut self.scratch);
        let fits = |((line, around), glance): (&Sample<'_>, &Option<Glance<'_>>)| {
            scratch.work.around.clear();
            scratch.work.around.extend(*around);
            glance.as_ref().is_some_and(|glance| needs.are_met(glance)) && parser.parse(line, scratch).is_ok()
        };
        self.lines.iter().zip(&self.glances).map(fits).collect()
    }
}

/// Makes readers of lines, as the operator wants them read.
#[derive(Clone, Debug)]
pub struct Readers {
    known: Arc<[Parser]>,
    settings: Arc<Settings>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { known: Arc::clone(&PARSERS), settings: Arc::default() }
    }
}

impl Readers {
    /// Compiles the known formats for the operator's settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let known = FORMATS.iter().map(|format| format.compile_for(&settings)).collect();
        Self { known, settings: Arc::new(settings) }
    }

    /// What they were made for.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// As [`guess`].
    #[must_use]
    pub fn guess(&self, sample: &[&[u8]]) -> Option<Guess> {
        guess_among(&self.known, sample)
    }

    /// For a file in a known format.
    #[must_use]
    pub fn known(&self, format: &Format) -> LineParser {
        // What is found by its looks is what no other format reads.
        let index = Some(format.index()).filter(|index| *index != LOOSE).unwrap_or(0);
        let primary = self.known.get(index).cloned().unwrap_or_else(|| format.compile());
        LineParser::with(primary, index, Arc::clone(&self.known), Arc::clone(&self.settings))
    }

    /// For a file in the operator's own format.
    #[must_use]
    pub fn custom(&self, parser: &Parser) -> LineParser {
        LineParser::with(parser.clone(), FORMATS.len(), Arc::clone(&self.known), Arc::clone(&self.settings))
    }

    /// For lines under a W3C header; none where the line is no header.
    #[must_use]
    pub fn w3c(&self, header: &[u8]) -> Option<LineParser> {
        let names = String::from_utf8_lossy(fields_of(header)?);
        let columns = Columns::new(&names, Separator::BlankOrTab);
        let columns = match &self.settings.client {
            Some(client) => columns.with_client(client),
            None => columns,
        };
        let index = by_id("w3c").map_or(FORMATS.len(), Format::index);
        let (known, settings) = (Arc::clone(&self.known), Arc::clone(&self.settings));
        Some(LineParser::with_others(Parser::Columns(columns), index, FORMATS.len(), known, settings))
    }

    /// Compiles an operator's template; see [`Parser::from_template`].
    ///
    /// # Errors
    /// Where it is none.
    pub fn template(&self, text: &str) -> Result<Parser, TemplateError> {
        match by_id(text.trim()) {
            Some(format) => Ok(format.compile_for(&self.settings)),
            None => Parser::from_template_for(text, self.settings.client.as_deref()),
        }
    }
}

/// Empty, or a comment as in W3C logs: not a line of any format, and not a bad one.
#[must_use]
pub fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty() || line.starts_with(b"#")
}

/// The fast layout of a parser that makes of every line what a format of that layout does: an operator's own template
/// often is one that is known, in other words.
#[must_use]
pub fn fast_layout(parser: &Parser) -> Option<Layout> {
    /// As Apache's configuration has them.
    const APACHE: [(&str, &str); 4] = [
        ("common", r#"%h %l %u %t "%r" %>s %b"#),
        ("combined", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#),
        ("combinedio", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O"#),
        ("main", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{X-Forwarded-For}i""#),
    ];
    let Parser::Text(plan) = parser else { return None };
    let reads_as = |other: &Plan| plan.reads_as(other);
    let known = FORMATS.iter().filter_map(|format| Some((Layout::of(format.id)?, format)));
    let nginx = known.filter_map(|(layout, format)| match format.compile() {
        Parser::Text(known) if reads_as(&known) => Some(layout),
        _ => None,
    });
    let apache = APACHE.iter().filter(|(_, text)| Plan::compile(text, Syntax::Apache).is_ok_and(|p| reads_as(&p)));
    nginx.chain(apache.filter_map(|(id, _)| Layout::of(id))).next()
}

/// The names in `#Fields: date time …`.
#[must_use]
pub fn fields_of(line: &[u8]) -> Option<&[u8]> {
    let (directive, names) = line.split_at_checked(FIELDS.len())?;
    directive.eq_ignore_ascii_case(FIELDS).then(|| names.trim_ascii())
}

/// The directive that names columns.
pub const FIELDS: &[u8] = b"#Fields:";

/// The names of what loggers put around a line, from the outside in.
#[must_use]
pub fn wrappers_of(line: &[u8]) -> Vec<&'static str> {
    let mut scratch = Scratch::default();
    let direct = PARSERS.iter().any(|parser| parser.read(line, &mut scratch.clock, &mut scratch.work).is_ok());
    let peeled = wrappers::peel(line, &mut scratch.work, &mut scratch.peeled).filter(|_| !direct);
    peeled.map(|(_, names)| names).unwrap_or_default()
}

/// For a line that no format reads: the format that is most like it, and where that one stopped.
///
/// That is the one that got furthest, of equals the first in [`FORMATS`], of those that read enough to know their own. Where
/// that is none with fixed texts, it is rather one whose fixed texts all stand there, and of which a field is wrong that
/// comes too early to tell. And where it is none, what is missing is said of what is found by its looks.
#[must_use]
pub fn nearest(line: &[u8]) -> (&'static Format, Rejection) {
    let Scratch { mut clock, mut work, .. } = Scratch::default();
    let stops = PARSERS.iter().zip(FORMATS).filter_map(|(parser, format)| {
        let stop = parser.read(line, &mut clock, &mut work).err()?;
        Some((parser, *format, stop))
    });
    let stops: Vec<(&Parser, &Format, Stop)> = stops.collect();
    let close = stops.iter().filter(|(parser, _, stop)| parser.knows_its_own(line, stop));
    let furthest =
        close.reduce(|best, next| if next.2.rejection.column > best.2.rejection.column { next } else { best });
    let alike = || {
        let fixed = stops.iter().map(|stop| (stop.0.fixed_bytes_in(line), stop)).filter(|(bytes, _)| *bytes > 0);
        fixed.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, stop)| stop)
    };
    // Columns hold anything: what they got far with may be a line whose fixed texts tell better.
    let is_text = furthest.is_some_and(|(parser, ..)| matches!(parser, Parser::Text(_)));
    let (format, rejection) = furthest
        .filter(|_| is_text)
        .or_else(alike)
        .or(furthest)
        .or_else(|| stops.last())
        .map_or((FORMATS[0], Rejection::new(Reason::NoField, 0)), |(_, format, stop)| (*format, stop.rejection));
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
    others: Arc<[Other]>,
    known: Arc<[Parser]>,
    settings: Arc<Settings>,
    /// Whether lines come in a wrapper, as a rule.
    wrapped: bool,
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
    needs: Needs,
}

/// The index of the format whose fields are found by their looks; only what no other format reads is tried with it.
const LOOSE: usize = FORMATS.len() - 1;

/// Fewer steps are not worth remembering.
const KIN_STEPS: usize = 3;

impl LineParser {
    /// For a file in a known format, read as by default.
    #[must_use]
    pub fn new(format: &Format) -> Self {
        Readers::default().known(format)
    }

    fn with(primary: Parser, index: usize, known: Arc<[Parser]>, settings: Arc<Settings>) -> Self {
        Self::with_others(primary, index, index, known, settings)
    }

    /// As [`LineParser::with`], but another format than the primary one is left out of those tried after it.
    fn with_others(
        primary: Parser,
        index: usize,
        skipped: usize,
        known: Arc<[Parser]>,
        settings: Arc<Settings>,
    ) -> Self {
        let mut tried = vec![&primary];
        let mut others: Vec<Other> = Vec::new();
        for (i, parser) in known.iter().enumerate().filter(|(i, _)| *i != skipped && *i != LOOSE) {
            let shared = tried.iter().enumerate().map(|(at, before)| (parser.shared_steps(before), at));
            let (shared, parent) = shared.max().unwrap_or_default();
            let root = match parent.checked_sub(1).and_then(|at| others.get(at)) {
                _ if shared < KIN_STEPS => tried.len(),
                Some(parent) => parent.root,
                None => 0,
            };
            let shared_with_root = tried.get(root).map_or(0, |root| parser.shared_steps(root));
            tried.push(parser);
            others.push(Other { index: i, parent, shared, root, shared_with_root, needs: parser.needs() });
        }
        Self { primary, index, others: others.into(), known, settings, wrapped: false }
    }

    /// The fields of a line under the names that its format has for them.
    #[must_use]
    pub fn take_apart(&self, line: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut scratch = Scratch::default();
        let Ok((_, format)) = self.parse(line, &mut scratch) else { return Vec::new() };
        let parser = if format == self.index { Some(&self.primary) } else { self.known.get(format) };
        let mut peeling = Scratch::default();
        let peeled = wrappers::peel(line, &mut peeling.work, &mut peeling.peeled);
        let inner = peeled.as_ref().map(|(inner, _)| *inner);
        let without_host = peeled.as_ref().and_then(|(inner, names)| wrappers::without_host(inner, names));
        let fits = |text: &[u8]| parser.is_some_and(|p| p.parse(text, &mut Scratch::default()).is_ok());
        let text = [Some(line), inner, without_host].into_iter().flatten().find(|t| fits(t));
        let (Some(parser), Some(text)) = (parser, text) else { return Vec::new() };
        let fields = parser.take_apart(text).into_iter();
        fields.map(|(name, span)| (name, text.get(span).unwrap_or_default().to_vec())).collect()
    }

    /// The same where lines come in wrappers, as a rule: they are looked for first.
    #[must_use]
    pub fn wrapped(self, wrapped: bool) -> Self {
        Self { wrapped, ..self }
    }

    /// Reads one line, without its newline; gives the index of its format in [`FORMATS`] too. The primary format is
    /// tried first, then the others in their order, then the same for what is left of the line without its wrappers.
    ///
    /// # Errors
    /// Where no format fits: why the primary one does not, and where.
    #[inline]
    pub fn parse<'a>(&self, line: &'a [u8], scratch: &'a mut Scratch) -> Result<(Event<'a>, usize), Rejection> {
        if !self.wrapped {
            match self.primary.read(line, &mut scratch.clock, &mut scratch.work) {
                Ok(outcome) => return Ok((self.settings.apply(outcome.event(line, &scratch.work)), self.index)),
                Err(stop) => return self.parse_oddly(line, Some(stop), scratch),
            }
        }
        self.parse_oddly(line, None, scratch)
    }

    /// A line that the primary format does not read as it stands, or was not asked for.
    fn parse_oddly<'a>(
        &self,
        line: &'a [u8],
        tried: Option<Stop>,
        scratch: &'a mut Scratch,
    ) -> Result<(Event<'a>, usize), Rejection> {
        let Scratch { clock, work, peeled } = scratch;
        let may_fit = needs::may_hold_status(line);
        let mut failed = None;
        if !self.wrapped {
            match self.read_any(line, tried, may_fit, clock, work) {
                Ok((outcome, index)) => return Ok((self.settings.apply(outcome.event(line, work)), index)),
                Err(stop) => failed = Some(stop),
            }
        }
        let peeled = wrappers::peel(line, work, peeled);
        let inner = peeled.as_ref().map(|(inner, _)| *inner);
        let without_host = peeled.as_ref().and_then(|(inner, names)| wrappers::without_host(inner, names));
        for inner in inner.into_iter().chain(without_host) {
            // What is inside holds none that the line does not, unless it stood escaped.
            let may_fit = may_fit && needs::may_hold_status(inner);
            if let Ok((outcome, index)) = self.read_any(inner, None, may_fit, clock, work) {
                work.around.clear();
                return Ok((self.settings.apply(outcome.event(inner, work)), index));
            }
        }
        let stop = match failed.map_or_else(|| self.read_any(line, None, may_fit, clock, work), Err) {
            Ok((outcome, index)) => return Ok((self.settings.apply(outcome.event(line, work)), index)),
            Err(stop) => stop,
        };
        let line_inside = inner.unwrap_or(line);
        let may_be_loose = may_fit && inner.is_none_or(needs::may_hold_status);
        let loosely = may_be_loose.then(|| Parser::Loose.read(line_inside, clock, work).ok()).flatten();
        work.around.clear();
        match loosely {
            Some(outcome) => Ok((self.settings.apply(outcome.event(line_inside, work)), LOOSE)),
            None => Err(with_nul(line, self.furthest(line, inner, stop, clock, work))),
        }
    }

    /// Why the primary format does not fit: the line itself, or what is left of it without its wrappers, if that gets
    /// further.
    fn furthest(
        &self,
        line: &[u8],
        inner: Option<&[u8]>,
        stop: Stop,
        clock: &mut ClfMemo,
        work: &mut Workspace,
    ) -> Rejection {
        let Some(inner) = inner else { return stop.rejection };
        // What stood escaped in another line has no columns there.
        let offset = (inner.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        match self.primary.read(inner, clock, work) {
            Err(inside)
                if offset.saturating_add(inner.len()) <= line.len()
                    && offset + inside.rejection.column > stop.rejection.column =>
            {
                Rejection::new(inside.rejection.reason, offset + inside.rejection.column)
            }
            _ => stop.rejection,
        }
    }

    /// The name of the format that is tried first: of [`FORMATS`], or `custom`.
    #[must_use]
    pub fn format_id(&self) -> &'static str {
        super::id_of(self.index)
    }

    /// By the primary format, unless that was tried, or any other, if the line may fit one.
    fn read_any<'a>(
        &self,
        line: &'a [u8],
        tried: Option<Stop>,
        may_fit: bool,
        clock: &mut ClfMemo,
        work: &mut Workspace,
    ) -> Result<(Outcome<'a>, usize), Stop> {
        let stop = match tried.map_or_else(|| self.primary.read(line, clock, work), Err) {
            Ok(outcome) => return Ok((outcome, self.index)),
            Err(stop) => stop,
        };
        may_fit.then(|| self.read_as_other(line, stop, clock, work)).flatten().ok_or(stop)
    }

    /// Tries the other formats in their order.
    #[cold]
    fn read_as_other<'a>(
        &self,
        line: &'a [u8],
        primary: Stop,
        clock: &mut ClfMemo,
        work: &mut Workspace,
    ) -> Option<(Outcome<'a>, usize)> {
        let mut stopped = [0; FORMATS.len() + 1];
        stopped[0] = primary.step;
        let mut mark = (usize::MAX, None);
        let glance = Glance::at(line);
        for (at, other) in self.others.iter().enumerate() {
            let parent = stopped.get(other.parent).copied().unwrap_or(usize::MAX);
            let step = if parent < other.shared {
                parent
            } else if !other.needs.are_met(&glance) {
                // Where it stops is not known, so that those that begin alike are looked at themselves.
                usize::MAX
            } else {
                match other.read(line, &self.known, clock, work, &mut mark) {
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
        known: &[Parser],
        clock: &mut ClfMemo,
        work: &mut Workspace,
        mark: &mut (usize, Option<Progress<'a>>),
    ) -> Result<Outcome<'a>, Stop> {
        let Some(parser) = known.get(self.index) else {
            return Err(Stop { step: 0, rejection: Rejection::new(Reason::NoField, 0) });
        };
        if self.shared_with_root < KIN_STEPS {
            return parser.read(line, clock, work);
        }
        if mark.0 != self.root {
            *mark = (self.root, None);
        }
        parser.resume(line, clock, work, self.shared_with_root, &mut mark.1)
    }
}
