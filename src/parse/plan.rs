//! A template made ready to cut lines. Owns how one line becomes an [`Event`]; knows no other format and no file.
//!
//! # What a plan accepts
//!
//! A plan is fixed texts with fields between them. It reads from left to right, never goes back, and accepts a line
//! only if the whole line fits; one `\r` at the end is not part of the line. Where a field ends:
//!
//! - in double quotes: at the first `"` that is not escaped, that is, before which an even number of backslashes
//!   stands (`\"` and `\\` are Apache's and JSON's, nginx writes `\x22` and `\x5C`, so there the rule never acts;
//!   with `escape=none` the first `"` ends it). The text after the field must follow right there;
//! - status, size, counts and times know their own length;
//! - a user name may hold blanks: it ends at the first place where the text after it stands in full and, if that text
//!   leads to a common-log time or a status, where such a one and the text after *that* follow (if there is no such
//!   place, at the first where the text stands). So a name that imitates ` [` or a time does not hide the line. The same
//!   goes for other texts with blanks outside quotes. But after `%l` or `%V` and a blank, a name holds blanks only if `-`
//!   stands there: otherwise a line that begins with other words, as in syslog, would be one of these;
//! - a list of upstreams or proxies ends at a blank that is not part of `, ` or ` : `;
//! - a request outside quotes ends after its protocol, or else as other texts do;
//! - the last field without a text after it takes the rest of the line, or a word of it where it cannot hold blanks;
//! - every other field ends at the first byte of the text after it, and the rest of that text must follow.
//!
//! # What becomes of the fields
//!
//! What their texts mean is for `values.rs`. A request that is none leaves method, target and protocol empty, and the line
//! is accepted. Beyond one field:
//!
//! - In a template without a client it is the first entry of X-Forwarded-For.
//! - In a known format, an address in the place of the virtual host is the client where a name is in that of the client.
//! - Outside quotes a virtual host holds no comma, blank, quote, slash or plus sign: a list of clients is no host, nor is
//!   an offset.
//! - Known numbers that are not kept (`$request_time`, `%I`) are checked all the same, since they tell formats apart; a
//!   wrong one counts as absent.
//!
//! # What a rejection says
//!
//! The reason and the column of the field or fixed text at which it stopped: the start of a field, the first wrong
//! byte of a fixed text, the length of a line that ends too early. Wherever a rejected line holds a NUL byte, that is
//! the reason, with its column.

use super::{
    needs::{Marked, Needs},
    strftime::Parts,
    timestamp::{self, ClfMemo},
    values::{
        bare_address, client, first_of_list, is_address, is_full_host, request, size, status, user, value, without_port,
    },
    variables::{Meaning, TimeKind},
};
use crate::model::event::{Event, Reason, Rejection};
use memchr::{memchr, memchr_iter, memmem, memrchr};
use std::ops::Range;

/// A compiled template. The default one rejects every line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The text before the first field.
    pub(super) lead: Box<[u8]>,
    pub(super) steps: Vec<Step>,
    /// What the template calls the field of each step.
    pub(super) names: Vec<String>,
    /// Of the fields without which an event says nothing, those that the template lacks.
    pub(super) missing: Vec<&'static str>,
    /// There is no client field: the first of X-Forwarded-For has to do.
    pub(super) client_is_forwarded: bool,
    /// The time comes in pieces.
    pub(super) shaped_time: bool,
    /// The virtual host and the client may stand in the other order; see [`Plan::in_any_order`].
    pub(super) in_any_order: bool,
}

/// One field and the fixed text after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) meaning: Meaning,
    pub(super) end: End,
    pub(super) after: Box<[u8]>,
    pub(super) next: Next,
}

/// Where a field ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Where its own grammar ends.
    Own,
    /// At an unescaped double quote.
    Quote,
    /// At a byte.
    Byte(u8),
    /// At a colon outside brackets.
    Host,
    /// At the fixed text after it, in full; where a common-log time or a status comes next, only where that and the
    /// text after it follow. `after_word`: a field without a mark of its own stands before it, and only where that one
    /// is `-` may this one hold blanks.
    Text {
        ahead: Option<Box<[u8]>>,
        after_word: bool,
    },
    /// At a blank outside `, ` and ` : `.
    List,
    /// After ` HTTP/…`.
    Request,
    /// At the end of the line: all that is left, a word of it, or a list.
    Line,
    LastWord,
    LastList,
}

/// What kind of field follows a fixed text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    Time,
    Request,
    Status,
    #[default]
    Other,
}

/// Where and why a plan stopped, and at which step (the steps before it had fitted).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) step: usize,
    pub(super) rejection: Rejection,
}

/// The state between two steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress<'a> {
    /// The next step.
    step: usize,
    at: usize,
    event: Event<'a>,
    parts: Parts,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            lead: [].into(),
            steps: Vec::new(),
            names: Vec::new(),
            missing: vec!["time"],
            client_is_forwarded: false,
            shaped_time: false,
            in_any_order: false,
        }
    }
}

impl Plan {
    /// Cuts one line, without its newline. `clock` only saves time.
    ///
    /// # Errors
    /// Why the line does not fit, and where; see the head of this file.
    pub fn parse<'a>(&self, line: &'a [u8], clock: &mut ClfMemo) -> Result<Event<'a>, Rejection> {
        self.run(line, clock).map_err(|stop| with_nul(line, stop.rejection))
    }

    /// For a format that was found out and not told: where virtual host and client begin the line, an address in front
    /// of a name is the client, unless only the address has a port: then it is Apache's `%v:%p`, and the name that of
    /// a client that was looked up. Where both have a port, that of the web is the server's.
    pub(super) fn in_any_order(self) -> Self {
        let begins = |plan: &Self| {
            let meanings: Vec<&Meaning> = plan.steps.iter().map(|step| &step.meaning).collect();
            let front: &[&Meaning] = if matches!(meanings.get(1), Some(Meaning::Count)) {
                &[&Meaning::Vhost, &Meaning::Count, &Meaning::Client]
            } else {
                &[&Meaning::Vhost, &Meaning::Client]
            };
            plan.lead.is_empty() && meanings.starts_with(front)
        };
        Self { in_any_order: begins(&self), ..self }
    }

    /// Names of the fields without which an event says nothing and which the template lacks: a plan that misses any
    /// rejects every line.
    #[must_use]
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }

    /// Whether it makes of every line what another one does; what the fields are called does not matter.
    pub(super) fn reads_as(&self, other: &Self) -> bool {
        let ends = |plan: &Self| (plan.missing.is_empty(), plan.client_is_forwarded, plan.shaped_time);
        self.lead == other.lead && self.steps == other.steps && ends(self) == ends(other)
    }

    /// The fields of a line, as far as it fits: what the template calls them, and where they stand.
    pub(super) fn take_apart(&self, line: &[u8]) -> Vec<(String, Range<usize>)> {
        let line = without_cr(line);
        let Ok(at) = skip_literal(line, 0, &self.lead, Next::Other) else { return Vec::new() };
        let (mut progress, mut clock) = (Progress { at, ..Progress::default() }, ClfMemo::default());
        let mut fields = Vec::new();
        for (step, name) in self.steps.iter().zip(&self.names) {
            let start = progress.at;
            if step.take(line, &mut progress, &mut clock).is_err() {
                break;
            }
            fields.push((name.clone(), start..progress.at - step.after.len()));
        }
        fields
    }

    /// Whether the last field takes whatever is left of a line.
    pub(super) fn is_open_ended(&self) -> bool {
        self.steps.last().is_some_and(|s| s.end == End::Line && s.meaning == Meaning::Skip)
    }

    /// What every line holds that fits: the fixed texts, and a time.
    pub(super) fn needs(&self) -> Needs {
        let texts: Vec<&[u8]> =
            std::iter::once(&self.lead).chain(self.steps.iter().map(|step| &step.after)).map(|t| &**t).collect();
        let texts = texts.concat();
        Needs {
            marked: Marked::in_text(&texts),
            first: self.lead.first().copied(),
            clf_day: self.steps.iter().any(|step| step.meaning == Meaning::Time(TimeKind::Clf)),
            quotes: memchr_iter(b'"', &texts).count(),
            ..Needs::default()
        }
    }

    /// How many steps this plan takes exactly as another one does.
    pub(super) fn shared_steps(&self, other: &Self) -> usize {
        if self.lead != other.lead || !self.missing.is_empty() || !other.missing.is_empty() {
            return 0;
        }
        self.steps.iter().zip(&other.steps).take_while(|(a, b)| a == b).count()
    }

    /// As [`Plan::parse`], but says at which step it stopped.
    #[inline]
    pub(super) fn run<'a>(&self, line: &'a [u8], clock: &mut ClfMemo) -> Result<Event<'a>, Stop> {
        let line = without_cr(line);
        let progress = self.start(line)?;
        let progress = self.advance(line, clock, progress, self.steps.len())?;
        self.finish(line, progress)
    }

    /// As [`Plan::run`] for a line of which some steps were taken before, by this plan or by one that shares at least
    /// `shared` steps with it. `mark` holds how far that was and, if nothing yet, is set there.
    pub(super) fn resume<'a>(
        &self,
        line: &'a [u8],
        clock: &mut ClfMemo,
        shared: usize,
        mark: &mut Option<Progress<'a>>,
    ) -> Result<Event<'a>, Stop> {
        let line = without_cr(line);
        let progress = match mark {
            Some(progress) if progress.step <= shared => *progress,
            Some(_) => self.start(line)?,
            None => *mark.insert(self.advance(line, clock, self.start(line)?, shared)?),
        };
        let progress = self.advance(line, clock, progress, self.steps.len())?;
        self.finish(line, progress)
    }

    /// Before the first step.
    #[inline]
    fn start<'a>(&self, line: &'a [u8]) -> Result<Progress<'a>, Stop> {
        let begun = match self.missing.is_empty() {
            true => skip_literal(line, 0, &self.lead, Next::Other),
            false => Err(Rejection::new(Reason::NoField, 0)),
        };
        match begun {
            Ok(at) => Ok(Progress { at, ..Progress::default() }),
            Err(rejection) => Err(Stop { step: 0, rejection }),
        }
    }

    /// The steps before `end` that are not yet taken.
    #[inline]
    fn advance<'a>(
        &self,
        line: &'a [u8],
        clock: &mut ClfMemo,
        mut progress: Progress<'a>,
        end: usize,
    ) -> Result<Progress<'a>, Stop> {
        for step in self.steps.get(progress.step..end).unwrap_or_default() {
            if let Err(rejection) = step.take(line, &mut progress, clock) {
                return Err(Stop { step: progress.step, rejection });
            }
            progress.step += 1;
        }
        Ok(progress)
    }

    /// After the last step.
    #[inline]
    fn finish<'a>(&self, line: &'a [u8], progress: Progress<'a>) -> Result<Event<'a>, Stop> {
        let Progress { step, at, mut event, parts } = progress;
        let stop = |reason, column| Stop { step, rejection: Rejection::new(reason, column) };
        if at != line.len() {
            return Err(stop(Reason::Trailing, at));
        }
        if self.shaped_time {
            let moment = parts.moment().map_err(|reason| stop(reason, 0))?;
            (event.time, event.zoneless) = (moment.time, moment.zoneless);
        }
        if self.client_is_forwarded {
            event.client = client(bare_address(first_of_list(event.forwarded_for))).ok_or(stop(Reason::NoClient, 0))?;
        }
        if self.in_any_order && event.vhost.first().is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'[' | b':')) {
            put_in_order(line, &mut event);
        }
        Ok(event)
    }

    /// The length of all fixed texts, where they stand in a line one after the other and nothing stands around them; 0
    /// where they do not.
    pub(super) fn fixed_bytes_in(&self, line: &[u8]) -> usize {
        let Some(rest) = line.strip_prefix(&*self.lead) else { return 0 };
        let rest = self.steps.iter().try_fold(rest, |rest, step| {
            memmem::find(rest, &step.after).and_then(|at| rest.get(at + step.after.len()..))
        });
        let is_closed = self.steps.last().is_some_and(|step| !step.after.is_empty());
        match rest {
            Some(rest) if rest.is_empty() || !is_closed => {
                self.lead.len() + self.steps.iter().map(|step| step.after.len()).sum::<usize>()
            }
            _ => 0,
        }
    }
}

/// See [`Plan::in_any_order`].
fn put_in_order<'a>(line: &'a [u8], event: &mut Event<'a>) {
    let mut words = line.split(|b| *b == b' ');
    let [first, second] = [(); 2].map(|()| words.next().unwrap_or_default());
    let has_port = |word: &[u8]| without_port(word).len() < word.len();
    let is_served_at = |word: &[u8]| word.ends_with(b":80") || word.ends_with(b":443");
    let is_client_first = match (has_port(first), has_port(second)) {
        (true, false) => false,
        (true, true) if is_served_at(second) && !is_served_at(first) => true,
        _ => is_full_host(event.client),
    };
    if is_client_first && is_address(bare_address(event.vhost)) {
        (event.client, event.vhost) = (bare_address(event.vhost), without_port(second));
    }
}

/// A line without the carriage return of a file from Windows.
#[inline]
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A rejected line with a NUL byte is rejected for that.
pub(super) fn with_nul(line: &[u8], rejection: Rejection) -> Rejection {
    memchr(0, line).map_or(rejection, |column| Rejection::new(Reason::NulBytes, column))
}

impl Step {
    /// Reads the field at the current place and the fixed text after it.
    #[inline]
    fn take<'a>(&self, line: &'a [u8], progress: &mut Progress<'a>, clock: &mut ClfMemo) -> Result<(), Rejection> {
        let start = progress.at;
        let rest = line.get(start..).unwrap_or_default();
        let len = match self.end {
            End::Own => self.read_own(rest, progress, clock),
            _ => self.length(rest).and_then(|len| {
                let text = rest.get(..len).unwrap_or_default();
                self.check_before(line, start, text)?;
                self.store(text, progress, clock).map(|()| len)
            }),
        };
        let end = match len {
            Ok(len) => start + len,
            Err(Reason::Cut) => return Err(self.cut_short(line, progress, clock)),
            Err(reason) => return Err(Rejection::new(reason, start)),
        };
        progress.at = skip_literal(line, end, &self.after, self.next).map_err(|r| self.misfit(r, start))?;
        Ok(())
    }

    /// See [`End::Text`].
    #[inline]
    fn check_before(&self, line: &[u8], start: usize, text: &[u8]) -> Result<(), Reason> {
        let is_open = !matches!(self.end, End::Text { after_word: true, .. });
        if is_open || line.get(..start).is_some_and(|l| l.ends_with(b" - ")) || memchr(b' ', text).is_none() {
            Ok(())
        } else {
            Err(if self.next == Next::Time { Reason::NoTime } else { Reason::NoField })
        }
    }

    /// The line ended before the field did; unless what there is of the field is none.
    #[cold]
    fn cut_short<'a>(&self, line: &'a [u8], progress: &mut Progress<'a>, clock: &mut ClfMemo) -> Rejection {
        let start = progress.at;
        let rest = line.get(start..).unwrap_or_default();
        let is_word = matches!(self.meaning, Meaning::Client | Meaning::Vhost) && !rest.is_empty();
        match self.store(rest, progress, clock) {
            Err(reason) if is_word => Rejection::new(reason, start),
            _ if self.end == End::List && memchr(b'"', rest).is_some() => Rejection::new(Reason::NoField, start),
            _ => Rejection::new(Reason::Cut, line.len()),
        }
    }

    /// A number that goes on where its end should be is no number.
    fn misfit(&self, rejection: Rejection, start: usize) -> Rejection {
        match (&self.meaning, rejection.reason) {
            (Meaning::Bytes, Reason::NoLiteral) => Rejection::new(Reason::NoSize, start),
            (Meaning::Count, Reason::NoLiteral) => Rejection::new(Reason::NoField, start),
            (Meaning::Status, Reason::NoLiteral) => Rejection::new(Reason::NoStatus, start),
            _ => rejection,
        }
    }

    /// The length of a field that ends at what follows it.
    #[inline]
    fn length(&self, rest: &[u8]) -> Result<usize, Reason> {
        let end = match &self.end {
            End::Quote => {
                let unclosed = if self.meaning == Meaning::Request { Reason::NoRequest } else { Reason::Cut };
                return quote(rest).ok_or(unclosed);
            }
            End::Byte(byte) => memchr(*byte, rest),
            End::Host => host(rest),
            End::Text { ahead, .. } => return self.free_text(rest, ahead.as_deref()),
            End::List => list(rest),
            End::Request => return request_text(rest, &self.after),
            End::LastWord => Some(memchr(b' ', rest).unwrap_or(rest.len())),
            End::LastList => Some(list(rest).unwrap_or(rest.len())),
            End::Line | End::Own => Some(rest.len()),
        };
        end.ok_or(Reason::Cut)
    }

    /// The length of a text with blanks in it; see the head of this file. `ahead` is the text after the next field.
    fn free_text(&self, rest: &[u8], ahead: Option<&[u8]>) -> Result<usize, Reason> {
        let Some(first) = self.after.first() else { return Ok(rest.len()) };
        let mut ends = memchr_iter(*first, rest).filter(|at| rest.get(*at..).is_some_and(|r| begins(r, &self.after)));
        let Some(ahead) = ahead else { return ends.next().ok_or(Reason::Cut) };
        let mut fallback = None;
        for end in ends {
            let next = rest.get(end + self.after.len()..).unwrap_or_default();
            let len = if self.next == Next::Time { timestamp::clf_span(next) } else { status(next).ok().map(|_| 3) };
            if len.and_then(|len| next.get(len..)).is_some_and(|rest| begins(rest, ahead)) {
                return Ok(end);
            }
            fallback.get_or_insert(end);
        }
        // Without another blank the line was cut inside the name.
        let is_time = self.next == Next::Time && memchr(b' ', rest).is_some();
        fallback.ok_or(if is_time { Reason::NoTime } else { Reason::Cut })
    }

    /// Reads a field that knows its own length; gives the length.
    #[inline]
    fn read_own(&self, rest: &[u8], progress: &mut Progress<'_>, clock: &mut ClfMemo) -> Result<usize, Reason> {
        match &self.meaning {
            Meaning::Status => status(rest).map(|value| {
                progress.event.status = value;
                3
            }),
            Meaning::Bytes => size(rest).map(|(len, value)| {
                progress.event.bytes = value;
                len
            }),
            Meaning::Time(TimeKind::Shaped(shape)) => shape.read(rest, &mut progress.parts).ok_or(Reason::NoTime),
            Meaning::Pattern(shape) => shape.read(rest, &mut Parts::default()).ok_or(Reason::NoTime),
            Meaning::Time(_) => {
                let short = if rest.len() < timestamp::CLF_LEN { Reason::Cut } else { Reason::NoTime };
                let len = timestamp::clf_span(rest).ok_or(short)?;
                progress.event.time = timestamp::clf_with_fraction(rest.get(..len).unwrap_or_default(), clock)?;
                Ok(len)
            }
            _ => match size(rest) {
                Ok((len, _)) => Ok(len),
                Err(Reason::NoSize) => Err(Reason::NoField),
                Err(reason) => Err(reason),
            },
        }
    }

    /// Puts the text of a field where it belongs.
    #[inline]
    fn store<'a>(&self, text: &'a [u8], progress: &mut Progress<'a>, clock: &mut ClfMemo) -> Result<(), Reason> {
        let event = &mut progress.event;
        match &self.meaning {
            Meaning::Client if memchr(b',', text).is_none() => event.client = client(text).ok_or(Reason::NoClient)?,
            Meaning::Client if matches!(self.end, End::Quote | End::List | End::LastList) => {
                event.client = client(first_of_list(text)).ok_or(Reason::NoClient)?;
            }
            Meaning::Client => return Err(Reason::NoClient),
            // The address again, of formats that have it there.
            Meaning::User if text.starts_with(b"[") && memmem::find(text, b"] - ").is_some() => {
                return Err(Reason::NoField);
            }
            Meaning::User if &*self.after == THREAD => event.user = user(before_pool(text).ok_or(Reason::NoField)?),
            Meaning::User => event.user = user(text),
            Meaning::Time(TimeKind::Iso) => {
                let moment = timestamp::iso8601_moment(text)?;
                (event.time, event.zoneless) = (moment.time, moment.zoneless);
            }
            Meaning::Time(TimeKind::Epoch(unit)) => event.time = timestamp::epoch_in(text, *unit)?,
            Meaning::Time(_) => event.time = timestamp::clf(text, clock)?,
            Meaning::Request => (event.method, event.target, event.protocol) = request(text),
            Meaning::Method => event.method = value(text),
            Meaning::Target => event.target = value(text),
            Meaning::Protocol => event.protocol = value(text),
            Meaning::Referer => event.referer = value(text),
            Meaning::Agent => event.agent = value(text),
            Meaning::ForwardedFor if self.end != End::Quote && memchr(b'/', text).is_some() => {
                return Err(Reason::NoField);
            }
            Meaning::ForwardedFor => event.forwarded_for = value(text),
            Meaning::Vhost
                if self.end != End::Quote && text.iter().any(|b| matches!(b, b',' | b' ' | b'"' | b'/' | b'+')) =>
            {
                return Err(Reason::NoField);
            }
            Meaning::Vhost => event.vhost = without_port(value(text)),
            Meaning::Upstream => event.upstream = value(text),
            // Lines that end with a carriage return alone have run into one.
            Meaning::Skip if self.end == End::Line && memchr(b'\r', text).is_some() => return Err(Reason::Trailing),
            Meaning::Decimals if !decimals(text) => return Err(Reason::NoField),
            Meaning::Pattern(_)
            | Meaning::Status
            | Meaning::Bytes
            | Meaning::Count
            | Meaning::Decimals
            | Meaning::Skip => {}
        }
        Ok(())
    }
}

/// What stands between the name of a pool of Tomcat's and the number of its thread.
const THREAD: &[u8] = b"-exec-";

/// The user in front of the name of a pool of threads, as Atlassian's servers log them, unless there is what was
/// forwarded as well: a list of addresses or a dash in front of the name, which is for the pattern that has it there.
#[cold]
fn before_pool(text: &[u8]) -> Option<&[u8]> {
    let name = text.get(..memrchr(b' ', text)?)?;
    let front = list(name).and_then(|end| name.get(..end));
    let is_forwarded = |front: &[u8]| front == b"-" || is_address(bare_address(first_of_list(front)));
    (!front.is_some_and(is_forwarded)).then_some(name)
}

/// Passes over a fixed text; gives the place after it.
#[inline]
fn skip_literal(line: &[u8], at: usize, literal: &[u8], next: Next) -> Result<usize, Rejection> {
    let rest = line.get(at..).unwrap_or_default();
    if begins(rest, literal) { Ok(at + literal.len()) } else { Err(missing_literal(rest, at, literal, next)) }
}

/// As `starts_with`, for the two or three bytes that fixed texts mostly are: a call to memcmp for each of them was a
/// quarter of the time of a line.
#[inline]
fn begins(rest: &[u8], literal: &[u8]) -> bool {
    rest.len() >= literal.len() && rest.iter().zip(literal).all(|(a, b)| a == b)
}

#[cold]
fn missing_literal(rest: &[u8], at: usize, literal: &[u8], next: Next) -> Rejection {
    let same = rest.iter().zip(literal).take_while(|(a, b)| a == b).count();
    let reason = match (next, literal.get(same)) {
        _ if same == rest.len() => Reason::Cut,
        (Next::Time, Some(b'[')) => Reason::NoTime,
        (Next::Request, Some(b'"')) => Reason::NoRequest,
        _ => Reason::NoLiteral,
    };
    Rejection::new(reason, at + same)
}

/// Up to the first double quote with an even number of backslashes before it. Each backslash is looked at twice at
/// most: once by the search and once when counting back from the quote after it.
#[inline]
fn quote(rest: &[u8]) -> Option<usize> {
    memchr_iter(b'"', rest).find(|end| {
        let before = rest.get(..*end).unwrap_or_default();
        before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 0
    })
}

/// Up to a blank that is not part of `, ` or ` : `.
fn list(rest: &[u8]) -> Option<usize> {
    memchr_iter(b' ', rest).find(|at| {
        let before = at.checked_sub(1).and_then(|i| rest.get(i));
        let between = rest.get(at + 1) == Some(&b':') && rest.get(at + 2) == Some(&b' ');
        let after_colon = before == Some(&b':') && at.checked_sub(2).and_then(|i| rest.get(i)) == Some(&b' ');
        before != Some(&b',') && !between && !after_colon
    })
}

/// Decimal numbers or `-`, alone or in a list.
fn decimals(text: &[u8]) -> bool {
    let in_list = |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'-' | b',' | b':' | b' ');
    !text.is_empty() && text.iter().all(in_list) && list(text).is_none()
}

/// Up to the colon before the port; colons in brackets belong to an IPv6 address.
fn host(rest: &[u8]) -> Option<usize> {
    let from = if rest.first() == Some(&b'[') { memchr(b']', rest)? } else { 0 };
    memchr(b':', rest.get(from..)?).map(|at| from + at)
}

/// A request outside quotes: up to the text after its protocol.
fn request_text(rest: &[u8], after: &[u8]) -> Result<usize, Reason> {
    let from = memmem::find(rest, b" HTTP/").map_or(0, |at| at + 1);
    match after {
        [] => Ok(rest.len()),
        _ => memmem::find(rest.get(from..).unwrap_or_default(), after).map(|at| from + at).ok_or(Reason::Cut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::template::Syntax::{self, Apache, Nginx};

    const TIME: &str = "10/Mar/2026:11:20:52 +0100";

    /// What one line says under a template; `TIME` stands for a time in both.
    fn read(syntax: Syntax, template: &str, line: &str) -> Result<String, (Reason, usize)> {
        let line = line.replace("TIME", TIME);
        let plan = Plan::compile(template, syntax).unwrap_or_default();
        let event = plan.parse(line.as_bytes(), &mut ClfMemo::default()).map_err(|r| (r.reason, r.column))?;
        assert_eq!(event.time.rfc3339(), "2026-03-10T10:20:52Z");
        let fields = [event.client, event.user, event.vhost, event.method, event.target, event.protocol];
        let more = [event.agent, event.forwarded_for, event.upstream];
        let text = [&fields[..], &more[..]].concat().join(&b"|"[..]);
        Ok(format!("{} {}", event.status, String::from_utf8_lossy(&text)))
    }

    #[test]
    fn fields_may_stand_in_any_order() {
        let template = r#"$status $request_time [$time_local] "$http_user_agent" $remote_addr $remote_user"#;
        assert_eq!(
            read(Nginx, template, r#"401 0.1 [TIME] "x y" 192.0.2.7 al ice"#).as_deref(),
            Ok("401 192.0.2.7|al ice|||||x y||")
        );
        let template = "%>s %t %h %u";
        assert_eq!(read(Apache, template, "401 [TIME] 192.0.2.7 -").as_deref(), Ok("401 192.0.2.7||||||||"));
    }

    #[test]
    fn a_target_may_come_in_pieces() {
        let template = "$remote_addr $msec $request_method $scheme://$host$uri$is_args$args $server_protocol $status";
        let line = "192.0.2.7 1773138052.123 GET https://www.example.com/a?b=c HTTP/2.0 403";
        assert_eq!(read(Nginx, template, line).as_deref(), Ok("403 192.0.2.7||www.example.com|GET|/a?b=c|HTTP/2.0|||"));
        let template = r#"%a %{%F %T}t.%{msec_frac}t %m "%U%q" %H %>s"#;
        let line = r#"192.0.2.7 2026-03-10 10:20:52.123 GET "/a?b=c" HTTP/1.1 403"#;
        assert_eq!(read(Apache, template, line).as_deref(), Ok("403 192.0.2.7|||GET|/a?b=c|HTTP/1.1|||"));
    }

    #[test]
    fn texts_outside_quotes_end_where_the_next_field_fits() {
        let template = "%t %h [%r] %{Cookie}i %s %{User-Agent}i";
        let line = "[TIME] 192.0.2.7 [GET /a]b HTTP/1.1] a=b; c=200 d 401 x y";
        assert_eq!(read(Apache, template, line).as_deref(), Ok("401 192.0.2.7|||GET|/a]b|HTTP/1.1|x y||"));
        let template = "$remote_addr $upstream_addr $upstream_status $time_iso8601 $status";
        let line = "192.0.2.7 192.0.2.80:80, 192.0.2.81:80 : unix:/run/a 502, 401 : 401 2026-03-10T11:20:52+01:00 401";
        let said = "401 192.0.2.7||||||||192.0.2.80:80, 192.0.2.81:80 : unix:/run/a";
        assert_eq!(read(Nginx, template, line).as_deref(), Ok(said));
    }

    #[test]
    fn without_a_client_the_first_forwarded_address_is_it() {
        let template = r#"%{X-Forwarded-For}i %l %u %t "%r" %>s"#;
        let line = r#"2001:db8::7, 192.0.2.80 - al ice [TIME] "-" 408"#;
        assert_eq!(read(Apache, template, line).as_deref(), Ok("408 2001:db8::7|al ice||||||2001:db8::7, 192.0.2.80|"));
        assert_eq!(read(Apache, template, r#"- - - [TIME] "-" 408"#), Err((Reason::NoClient, 0)));
    }

    #[test]
    fn escapes_are_honoured_unless_there_are_none() {
        let json = r#"log_format j escape=json '{"ip":"$remote_addr","t":"$time_local","s":$status,"ua":"$http_user_agent"}';"#;
        let line = r#"{"ip":"192.0.2.7","t":"TIME","s":401,"ua":"a \"b\" \\"}"#;
        assert_eq!(read(Nginx, json, line).as_deref(), Ok(r#"401 192.0.2.7||||||a \"b\" \\||"#));
        let none = r#"log_format n escape=none '$remote_addr [$time_local] "$http_user_agent" $status';"#;
        assert_eq!(read(Nginx, none, r#"192.0.2.7 [TIME] "a\" 401"#).as_deref(), Ok(r"401 192.0.2.7||||||a\||"));
        assert_eq!(
            read(Nginx, &none.replace("none", "default"), r#"192.0.2.7 [TIME] "a\" 401"#),
            Err((Reason::Cut, 47))
        );
    }

    #[test]
    fn a_client_before_its_host_is_told_by_its_looks_unless_the_operator_said_otherwise() {
        let template = r#"%v %h %l %u %t "%r" %>s"#;
        let told = Plan::compile(template, Apache).unwrap_or_default();
        let found_out = told.clone().in_any_order();
        for (front, expected) in [
            ("192.0.2.7 www.example.com", ["www.example.com|192.0.2.7", "192.0.2.7|www.example.com"]),
            ("www.example.com 192.0.2.7", ["192.0.2.7|www.example.com"; 2]),
            ("192.0.2.80 192.0.2.7", ["192.0.2.7|192.0.2.80"; 2]),
            ("192.0.2.80 localhost", ["localhost|192.0.2.80"; 2]),
            ("www.example.com client.example.net", ["client.example.net|www.example.com"; 2]),
        ] {
            let line = format!(r#"{front} - - [{TIME}] "GET / HTTP/1.1" 401"#);
            let said = [&told, &found_out].map(|plan| {
                let event = plan.parse(line.as_bytes(), &mut ClfMemo::default()).unwrap_or_default();
                [event.client, event.vhost].map(String::from_utf8_lossy).join("|")
            });
            assert_eq!(said, expected, "{front}");
        }
    }

    #[test]
    fn a_name_cannot_hide_its_line() {
        let template = r#"%h %l %u %t "%r" %>s"#;
        let forged = r#"- [TIME] \"GET / HTTP/1.1\" 200"#;
        for name in ["a [b", "[", "x [TIME] y", r#"x [TIME] \""#, forged] {
            let line = format!(r#"192.0.2.7 - {name} [TIME] "GET / HTTP/1.1" 401"#);
            let said = format!("401 192.0.2.7|{}||GET|/|HTTP/1.1|||", name.replace("TIME", TIME));
            assert_eq!(read(Apache, template, &line), Ok(said));
        }
        // Where another word than `-` stands before it, it is one word: this is a line of syslog.
        let line = r#"Mar 10 11:20:52 www nginx[7]: 192.0.2.7 - - [TIME] "GET / HTTP/1.1" 401"#;
        assert_eq!(read(Apache, template, line), Err((Reason::NoTime, 7)));
    }
}
