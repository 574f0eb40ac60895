//! One compiled format, whatever its kind. Owns nothing but the choice between the kinds.

use super::{
    json::{JsonPlan, Numbers, Workspace},
    plan::{Plan, Progress, Stop, with_nul},
    template::{self, Syntax, TemplateError},
    timestamp::ClfMemo,
};
use crate::model::event::{Event, Rejection};

/// A format made ready to read lines.
#[derive(Clone, Debug)]
pub enum Parser {
    /// Fields between fixed texts.
    Text(Plan),
    /// JSON objects.
    Json(JsonPlan),
}

/// What a worker keeps from line to line: only time and allocations are saved by it, no answer depends on it.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// For [`Plan::parse`].
    pub clock: ClfMemo,
    json: Workspace,
}

impl Parser {
    /// Compiles an operator's own template, of nginx or of Apache: bare, or as it stands in the server's configuration.
    ///
    /// # Errors
    /// Where it is no such template, and what was expected there.
    pub fn from_template(text: &str) -> Result<Self, TemplateError> {
        let syntax = template::syntax_of(text).unwrap_or(Syntax::Nginx);
        Plan::compile(text, syntax).map(Self::Text)
    }

    /// Reads one line, without its newline. What the event borrows is in the line or in the scratch.
    ///
    /// # Errors
    /// Why the line does not fit, and where.
    pub fn parse<'a>(&self, line: &'a [u8], scratch: &'a mut Scratch) -> Result<Event<'a>, Rejection> {
        match self.read(line, scratch) {
            Ok(outcome) => Ok(outcome.event(line, scratch)),
            Err(stop) => Err(with_nul(line, stop.rejection)),
        }
    }

    /// As [`Parser::parse`], in two steps: the first one's result does not borrow the scratch, so that a line that
    /// does not fit can go to the next parser.
    #[inline]
    pub(super) fn read<'a>(&self, line: &'a [u8], scratch: &mut Scratch) -> Result<Outcome<'a>, Stop> {
        match self {
            Self::Text(plan) => plan.run(line, &mut scratch.clock).map(Outcome::Text),
            Self::Json(plan) => match plan.read(line, &mut scratch.clock, &mut scratch.json) {
                Ok(numbers) => Ok(Outcome::Json(numbers)),
                Err(rejection) => Err(Stop { step: 0, rejection }),
            },
        }
    }

    /// As [`Parser::read`], going on from a mark; see [`Plan::resume`].
    pub(super) fn resume<'a>(
        &self,
        line: &'a [u8],
        scratch: &mut Scratch,
        shared: usize,
        mark: &mut Option<Progress<'a>>,
    ) -> Result<Outcome<'a>, Stop> {
        match self {
            Self::Text(plan) => plan.resume(line, &mut scratch.clock, shared, mark).map(Outcome::Text),
            Self::Json(_) => self.read(line, scratch),
        }
    }

    /// Of how many first steps it can be said that, where the other stops in them, this one does.
    pub(super) fn shared_steps(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Text(plan), Self::Text(other)) => plan.shared_steps(other),
            _ => 0,
        }
    }

    /// Whether it leaves the end of the line unread.
    pub(super) fn is_open_ended(&self) -> bool {
        matches!(self, Self::Text(plan) if plan.is_open_ended())
    }
}

/// A line that was read; of a JSON line the texts are in the scratch.
pub(super) enum Outcome<'a> {
    Text(Event<'a>),
    Json(Numbers),
}

impl<'a> Outcome<'a> {
    /// The event; the scratch as the reading left it.
    #[inline]
    pub(super) fn event(self, line: &'a [u8], scratch: &'a Scratch) -> Event<'a> {
        match self {
            Self::Text(event) => event,
            Self::Json(numbers) => scratch.json.event(line, numbers),
        }
    }
}
