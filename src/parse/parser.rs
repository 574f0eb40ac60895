//! One compiled format, whatever its kind. Owns nothing but the choice between the kinds.

use super::{
    columns::{Columns, Separator},
    formats, iis,
    json::JsonPlan,
    loose,
    needs::{Marked, Needs},
    pairs::Pairs,
    plan::{Plan, Progress, Stop, with_nul},
    slots::{Numbers, Slot, Workspace},
    template::{self, Syntax, TemplateError},
    timestamp::ClfMemo,
};
use crate::model::event::{Event, Rejection};
use std::ops::Range;

/// A format made ready to read lines.
#[derive(Clone, Debug)]
pub enum Parser {
    /// Fields between fixed texts.
    Text(Plan),
    /// JSON objects.
    Json(JsonPlan),
    /// Columns in a fixed order.
    Columns(Columns),
    /// Labelled fields.
    Pairs(Pairs),
    /// Whatever looks like a line of IIS.
    Iis,
    /// Whatever looks like the common log format.
    Loose,
}

/// What a worker keeps from line to line: only time and allocations are saved by it, no answer depends on it.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// For [`Plan::parse`].
    pub clock: ClfMemo,
    pub(super) work: Workspace,
    /// The text of a line that stood escaped in another one.
    pub(super) peeled: Vec<u8>,
}

impl Parser {
    /// Compiles an operator's own template, of nginx or of Apache: bare, or as it stands in the server's configuration;
    /// or the name of a known format.
    ///
    /// # Errors
    /// Where it is no such template, and what was expected there.
    pub fn from_template(text: &str) -> Result<Self, TemplateError> {
        Self::from_template_for(text, None)
    }

    /// As [`Parser::from_template`], with the field that holds the client.
    pub(super) fn from_template_for(text: &str, client: Option<&str>) -> Result<Self, TemplateError> {
        if let Some(format) = formats::by_id(text.trim()) {
            return Ok(format.compile());
        }
        let syntax = template::syntax_of(text).unwrap_or(Syntax::Nginx);
        Plan::compile_for(text, syntax, client).map(Self::Text)
    }

    /// Reads one line, without its newline. What the event borrows is in the line or in the scratch.
    ///
    /// # Errors
    /// Why the line does not fit, and where.
    pub fn parse<'a>(&self, line: &'a [u8], scratch: &'a mut Scratch) -> Result<Event<'a>, Rejection> {
        match self.read(line, &mut scratch.clock, &mut scratch.work) {
            Ok(outcome) => Ok(outcome.event(line, &scratch.work)),
            Err(stop) => Err(with_nul(line, stop.rejection)),
        }
    }

    /// As [`Parser::parse`], in two steps: the first one's result does not borrow the scratch, so that a line that
    /// does not fit can go to the next parser.
    #[inline]
    pub(super) fn read<'a>(
        &self,
        line: &'a [u8],
        clock: &mut ClfMemo,
        work: &mut Workspace,
    ) -> Result<Outcome<'a>, Stop> {
        let stop = |rejection| Stop { step: 0, rejection };
        match self {
            Self::Text(plan) => plan.run(line, clock).map(Outcome::Text),
            Self::Json(plan) => plan.read(line, clock, work).map(Outcome::Values).map_err(stop),
            Self::Columns(columns) => columns.read(line, clock, work).map(Outcome::ProxyValues).map_err(stop),
            Self::Pairs(pairs) => pairs.read(line, clock, work).map(Outcome::ProxyValues).map_err(stop),
            Self::Iis => iis::read(line, clock, work).map(Outcome::Values).map_err(stop),
            Self::Loose => loose::read(line, clock, work).map(Outcome::Text).map_err(stop),
        }
    }

    /// Whether a line that was not read was read so far that it must be one of this format, or nearly.
    pub(super) fn knows_its_own(&self, line: &[u8], stop: &Stop) -> bool {
        /// The first field may be any text, and the one after it as well.
        const STEPS_MIN: usize = 2;
        match self {
            Self::Text(_) => stop.step >= STEPS_MIN,
            Self::Columns(columns) => columns.half_stand_in(line.get(..stop.rejection.column).unwrap_or(line)),
            Self::Json(_) => stop.rejection.column > 0,
            // Every word can be a label.
            Self::Pairs(_) => stop.rejection.column == line.len(),
            Self::Iis | Self::Loose => false,
        }
    }

    /// See [`Plan::fixed_bytes_in`]; none of what has no fixed texts.
    pub(super) fn fixed_bytes_in(&self, line: &[u8]) -> usize {
        if let Self::Text(plan) = self { plan.fixed_bytes_in(line) } else { 0 }
    }

    /// As [`Parser::read`], going on from a mark; see [`Plan::resume`].
    pub(super) fn resume<'a>(
        &self,
        line: &'a [u8],
        clock: &mut ClfMemo,
        work: &mut Workspace,
        shared: usize,
        mark: &mut Option<Progress<'a>>,
    ) -> Result<Outcome<'a>, Stop> {
        match self {
            Self::Text(plan) => plan.resume(line, clock, shared, mark).map(Outcome::Text),
            _ => self.read(line, clock, work),
        }
    }

    /// Of how many first steps it can be said that, where the other stops in them, this one does.
    pub(super) fn shared_steps(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Text(plan), Self::Text(other)) => plan.shared_steps(other),
            _ => 0,
        }
    }

    /// What every line holds that this format reads.
    pub(super) fn needs(&self) -> Needs {
        let marked = |marks: &[u8]| Needs { marked: Marked::in_text(marks), ..Needs::default() };
        match self {
            Self::Text(plan) => plan.needs(),
            Self::Columns(columns) => columns.needs(),
            Self::Json(_) => marked(b"{\"}"),
            Self::Pairs(pairs) => marked(pairs.marks()),
            Self::Iis => {
                Needs { time: Some(true), separators: Some((Separator::Blank, iis::BLANKS_MIN)), ..marked(b" /:-") }
            }
            Self::Loose => Needs::default(),
        }
    }

    /// Whether it leaves the end of the line unread.
    pub(super) fn is_open_ended(&self) -> bool {
        match self {
            Self::Text(plan) => plan.is_open_ended(),
            Self::Loose => true,
            Self::Json(_) | Self::Columns(_) | Self::Pairs(_) | Self::Iis => false,
        }
    }

    /// Of the fields without which an event says nothing, those that lines of this format lack: where there are any,
    /// every line is rejected. Of formats whose fields have names in each line, none can be named beforehand.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        match self {
            Self::Text(plan) => plan.missing().to_vec(),
            Self::Columns(columns) => columns.missing(),
            Self::Json(_) | Self::Pairs(_) | Self::Iis | Self::Loose => Vec::new(),
        }
    }

    /// The fields of a line as far as it fits, under the names that the format has for them, and where they stand. Of
    /// formats whose fields have names in each line, those that are read.
    #[must_use]
    pub fn take_apart(&self, line: &[u8]) -> Vec<(String, Range<usize>)> {
        match self {
            Self::Text(plan) => plan.take_apart(line),
            Self::Columns(columns) => columns.take_apart(line),
            Self::Loose => Vec::new(),
            Self::Json(_) | Self::Pairs(_) | Self::Iis => {
                let mut work = Workspace::default();
                let _ = self.read(line, &mut ClfMemo::default(), &mut work);
                let spans = Slot::ALL.iter().filter_map(|(name, slot)| Some((*name, work.value(*slot)?)));
                // A value that was decoded is shown by the event.
                spans.filter(|(_, v)| !v.decoded).map(|(name, v)| (name.to_owned(), v.span.clone())).collect()
            }
        }
    }
}

/// A line that was read; where it is values, they are in the workspace.
pub(super) enum Outcome<'a> {
    Text(Event<'a>),
    Values(Numbers),
    /// Values of a format that may log absolute targets.
    ProxyValues(Numbers),
}

impl<'a> Outcome<'a> {
    /// The event; the workspace as the reading left it.
    #[inline]
    pub(super) fn event(self, line: &'a [u8], work: &'a Workspace) -> Event<'a> {
        match self {
            Self::Text(event) => event,
            Self::Values(numbers) => work.event(line, numbers),
            Self::ProxyValues(numbers) => work.event_of_proxy(line, numbers),
        }
    }
}
