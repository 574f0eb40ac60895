//! Lines that are columns in a fixed order, named by a header or by their documentation: W3C's extended format (IIS,
//! CloudFront), AWS's balancers and S3, Envoy, HAProxy, Squid, Artifactory, Tornado. Owns where a column ends and what its
//! name means.
//!
//! A column that begins with a double quote ends at the first quote before a separator, so that S3's unescaped quotes
//! stay inside; one in brackets or braces ends at the closing one; any other at the separator. As in all formats, a
//! line is read once from left to right.
//!
//! Sources: <https://www.w3.org/TR/WD-logfile.html>, and each format's own.

use super::{
    needs::{Marked, Needs},
    slots::{Numbers, Slot, Workspace},
    timestamp::ClfMemo,
    values,
};
use crate::model::event::{Reason, Rejection};
use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

/// What stands between columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// One blank or several; but a tab each in a line that has any, since CloudFront lists its columns with blanks and
    /// writes them with tabs.
    BlankOrTab,
    /// One blank or several.
    Blank,
    /// A tab each; a column may be empty.
    Tab,
    /// A comma each, as in CSV (RFC 4180).
    Comma,
    /// A comma and a blank each, and a comma at the end or none: commas alone may stand inside.
    CommaBlank,
    /// A bar each; a column may be empty.
    Pipe,
}

/// Columns passed over at most in search of the next one.
const SEEK_MAX: usize = 8;
/// Columns of a header that are kept; nothing comes near.
const COLUMNS_MAX: usize = 256;

/// The columns of a format, ready to read lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    separator: Separator,
    columns: Vec<Column>,
    /// How many of them must be there.
    required: usize,
    /// Whether more may follow.
    open: bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    take: Option<(Slot, usize)>,
    form: Form,
    /// Whether others may stand before it.
    seek: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    /// An address and a port.
    HostPort,
    /// Blanks as plus signs where blanks part the columns (IIS), or else as in a URL, perhaps twice (CloudFront); of IIS
    /// as in a URL where there is no plus sign.
    Blanks,
    /// Addresses with plus signs for the blanks between them.
    Plus,
    /// Squid's `TCP_MISS/200`.
    AfterSlash,
    /// HAProxy's five timers.
    Timers,
    /// Always the same: the name itself.
    Fixed,
    /// In quotes; HAProxy cuts a long line, so that the closing one may be missing.
    Cut,
    /// A day in the server's own zone, for which [`Workspace::moment`] takes one with slashes; also `260310`.
    Local,
    /// `3/10/26` or `3/10/2026` in the server's own zone.
    American,
    /// A time of day, also `7:55:20`.
    ShortHour,
    /// `20260310112052` in the server's own zone.
    Compact,
    /// `(alice@192.0.2.7)`, `(@192.0.2.7)` or `(192.0.2.7)`.
    Person,
    /// `referer=https://…`; `None` where there was none.
    Labelled,
    /// IIS's service for HTTP: `W3SVC` and a number.
    Service,
    /// How bad it is, as Python's loggers begin a line: `[I`.
    Level,
    /// `3.21ms`.
    Millis,
    /// Digits alone.
    Count,
    /// `www.example.com/app/`: a target without the scheme in front of its host.
    Hosted,
    /// No status: where a set of columns is only supposed, that may stand there.
    NoStatus,
}

impl Columns {
    /// Reads the names of columns as a header or a documentation lists them. Beside names: `[` before the first one
    /// that may be missing, `*` before one that others may stand in front of, `=text` for one that always holds that text,
    /// `...` at the end where more may follow.
    #[must_use]
    pub fn new(names: &str, separator: Separator) -> Self {
        let mut columns = Self { separator, columns: Vec::new(), required: usize::MAX, open: false };
        let mut seek = false;
        for name in names.split(|c: char| c.is_whitespace() || (c == ',' && separator == Separator::Comma)) {
            match name {
                "" => {}
                "[" => columns.required = columns.columns.len(),
                "*" => seek = true,
                "..." => columns.open = true,
                _ if columns.columns.len() == COLUMNS_MAX => columns.open = true,
                _ => columns.columns.push(Column { seek: std::mem::take(&mut seek), ..column(name) }),
            }
        }
        columns.required = columns.required.min(columns.columns.len());
        columns
    }

    /// Whether a text holds half of the columns that must be there, as far as separators tell.
    pub(super) fn half_stand_in(&self, text: &[u8]) -> bool {
        let is_separator = |b: &&u8| match self.separator {
            Separator::BlankOrTab | Separator::Blank => matches!(b, b' ' | b'\t'),
            Separator::Tab => **b == b'\t',
            Separator::Comma | Separator::CommaBlank => **b == b',',
            Separator::Pipe => **b == b'|',
        };
        2 * text.iter().filter(is_separator).count() >= self.required
    }

    /// Of the values without which an event says nothing, those that no column holds.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let has = |slot| self.columns.iter().any(|c| c.take.is_some_and(|(taken, _)| taken == slot));
        let there = [
            ("time", has(Slot::Time)),
            ("client", has(Slot::Client) || has(Slot::ForwardedFor)),
            ("status", has(Slot::Status)),
        ];
        there.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect()
    }

    /// Takes a column for the client, whatever it is called otherwise.
    pub(super) fn with_client(mut self, name: &str) -> Self {
        for column in self.columns.iter_mut().filter(|c| normal(&c.name) == normal(name)) {
            column.take = Some((Slot::Client, 0));
        }
        self
    }

    /// Reads one line into the workspace.
    ///
    /// # Errors
    /// Why the line does not fit, and where.
    pub(super) fn read(&self, line: &[u8], clock: &mut ClfMemo, work: &mut Workspace) -> Result<Numbers, Rejection> {
        self.scan(line, work, |_, _| {}).and_then(|()| work.numbers(line, clock))
    }

    /// What every line holds that fits: something between its columns, and a time where that comes first.
    pub(super) fn needs(&self) -> Needs {
        let head = self.columns.first();
        let first = head.and_then(|column| column.take).map(|(slot, _)| slot);
        let separators = self.required.saturating_sub(1);
        Needs {
            marked: Marked::in_text(match self.separator {
                Separator::Comma if separators > 0 => b",",
                Separator::CommaBlank if separators > 0 => b", ",
                Separator::Pipe if separators > 0 => b"|",
                _ => b"",
            }),
            first: head.and_then(Column::first_byte),
            time: matches!(first, Some(Slot::Date | Slot::Time)).then_some(first == Some(Slot::Date)),
            separators: Some((self.separator, separators)),
            ..Needs::default()
        }
    }

    /// The names and places of the columns of a line, as far as it fits.
    pub(super) fn take_apart(&self, line: &[u8]) -> Vec<(String, Range<usize>)> {
        let mut fields = Vec::new();
        let _ = self.scan(line, &mut Workspace::default(), |column, span| fields.push((column.name.clone(), span)));
        fields
    }

    fn scan(
        &self,
        line: &[u8],
        work: &mut Workspace,
        mut see: impl FnMut(&Column, Range<usize>),
    ) -> Result<(), Rejection> {
        work.clear();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let separator = self.separator.in_line(line);
        let line = if separator == Separator::CommaBlank { line.strip_suffix(b",").unwrap_or(line) } else { line };
        let (mut at, mut last) = (separator.skip_blanks(line, 0), 0);
        for (i, column) in self.columns.iter().enumerate() {
            if at >= line.len() && (separator == Separator::Blank || at > line.len()) {
                if i < self.required {
                    return Err(Rejection::new(Reason::Cut, last));
                }
                break;
            }
            let (mut span, mut next) = separator.token(line, at, column)?;
            let mut passed = 0;
            while column.seek && !column.fits(line, at) {
                passed += 1;
                if passed > SEEK_MAX || next >= line.len() {
                    let is_cut = column.form == Form::Count && next >= line.len();
                    let reason = if is_cut { Reason::Cut } else { column.reason() };
                    return Err(Rejection::new(reason, at));
                }
                at = next;
                (span, next) = separator.token(line, at, column)?;
            }
            column.store(line, span.clone(), separator, work).map_err(|reason| Rejection::new(reason, span.start))?;
            see(column, span);
            (last, at) = (at, next);
        }
        if at < line.len() && !self.open {
            return Err(Rejection::new(Reason::Trailing, at));
        }
        work.join_target(line);
        Ok(())
    }
}

impl Separator {
    /// What parts the columns of this line.
    fn in_line(self, line: &[u8]) -> Self {
        match self {
            Self::BlankOrTab if memchr(b'\t', line).is_some() => Self::Tab,
            Self::BlankOrTab => Self::Blank,
            other => other,
        }
    }

    fn skip_blanks(self, line: &[u8], at: usize) -> usize {
        let rest = line.get(at..).unwrap_or_default();
        let blanks = if self == Self::Blank { rest.iter().take_while(|b| **b == b' ').count() } else { 0 };
        at + blanks
    }

    /// The inside of the column at a place, and where the next one begins: behind the line's end where there is none.
    fn token(self, line: &[u8], at: usize, column: &Column) -> Result<(Range<usize>, usize), Rejection> {
        let rest = line.get(at..).unwrap_or_default();
        let separator = match self {
            Self::Blank | Self::BlankOrTab => b' ',
            Self::Tab => b'\t',
            Self::Comma => b',',
            Self::Pipe => b'|',
            Self::CommaBlank => {
                let len = memmem::find(rest, b", ").unwrap_or(rest.len());
                return Ok((at..at + len, at + len + 2));
            }
        };
        let is_end = |end: usize| rest.get(end).is_none_or(|b| *b == separator);
        let closing = match rest.first() {
            Some(b'"') if !matches!(self, Self::Tab | Self::Pipe) => Some(b'"'),
            Some(b'[') if self == Self::Blank && column.is_time() => Some(b']'),
            Some(b'{') if self == Self::Blank && column.seek => Some(b'}'),
            Some(b'(') if column.form == Form::Person => Some(b')'),
            _ => None,
        };
        let closed = closing.and_then(|closing| {
            let inside = rest.get(1..).unwrap_or_default();
            let is_escaped = |end: usize| {
                closing == b'"'
                    && rest.get(1..=end).is_some_and(|t| t.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1)
            };
            memchr::memchr_iter(closing, inside).find(|end| is_end(end + 2) && !is_escaped(*end))
        });
        let (span, end) = match (closing, closed) {
            (Some(_), Some(len)) => (at + 1..at + 1 + len, len + 2),
            (Some(b')'), None) => return Err(Rejection::new(Reason::NoClient, at)),
            (Some(b'"'), None) if column.form == Form::Cut => (at + 1..line.len(), rest.len()),
            (Some(b'"'), None) if memchr(separator, rest).is_none() || column.form != Form::Blanks => {
                return Err(Rejection::new(Reason::Cut, at));
            }
            _ => {
                let len = memchr(separator, rest).unwrap_or(rest.len());
                (at..at + len, len)
            }
        };
        Ok((span, self.skip_blanks(line, at + end + 1)))
    }
}

impl Column {
    fn is_time(&self) -> bool {
        matches!(self.take, Some((Slot::Time, _)))
    }

    /// What it always begins with, if that is known.
    fn first_byte(&self) -> Option<u8> {
        match self.form {
            Form::Fixed => self.name.bytes().next(),
            Form::Level => Some(b'['),
            _ => None,
        }
    }

    /// Whether what stands at a place can be this column; asked only where others may stand before it.
    fn fits(&self, line: &[u8], at: usize) -> bool {
        let rest = line.get(at..).unwrap_or_default();
        let word = || rest.split(|b| *b == b' ').next().unwrap_or_default();
        match (self.form, self.take) {
            (Form::Timers, _) => is_timers(word()),
            (Form::Person, _) => rest.first() == Some(&b'('),
            (Form::Fixed, _) => word() == self.name.as_bytes(),
            (Form::Count, _) => is_count(word()),
            (_, Some((Slot::Status, _))) => values::whole_status(word()).is_some(),
            _ => rest.first() == Some(&b'"'),
        }
    }

    /// What a line lacks that lacks this column.
    fn reason(&self) -> Reason {
        match self.take {
            Some((Slot::Client, _)) => Reason::NoClient,
            Some((Slot::Time | Slot::Date, _)) => Reason::NoTime,
            Some((Slot::Status, _)) => Reason::NoStatus,
            Some((Slot::Bytes, _)) => Reason::NoSize,
            Some((Slot::Request, _)) => Reason::NoRequest,
            _ => Reason::NoField,
        }
    }

    /// Keeps the value, where it can be one: lines of other formats should be told early.
    fn store(&self, line: &[u8], span: Range<usize>, separator: Separator, work: &mut Workspace) -> Result<(), Reason> {
        let text = line.get(span.clone()).unwrap_or_default();
        let is_right = match self.form {
            Form::Timers if !is_timers(text) => return Err(Reason::NoField),
            Form::Fixed => text == self.name.as_bytes(),
            Form::Service => text.strip_prefix(b"W3SVC").is_some_and(|site| site.iter().all(u8::is_ascii_digit)),
            Form::Level => matches!(text, [b'[', b'D' | b'I' | b'W' | b'E' | b'C']),
            Form::Count => is_count(text),
            Form::Millis => text.strip_suffix(b"ms").is_some_and(|n| !n.is_empty() && is_clock_or_count(n)),
            _ => true,
        };
        if !is_right {
            return Err(Reason::NoLiteral);
        }
        let Some((slot, rank)) = self.take else { return Ok(()) };
        let whole = span.len();
        let span = match self.form {
            Form::Person => {
                let at = memrchr(b'@', text).map(|at| span.start + at);
                work.put(Slot::User, 0, span.start..at.unwrap_or(span.start), false);
                at.map_or(span.start, |at| at + 1)..span.end
            }
            Form::Labelled => {
                let value = text.strip_prefix(b"referer=").ok_or(Reason::NoLiteral)?;
                if value == b"None" { span.end..span.end } else { span.end - value.len()..span.end }
            }
            Form::HostPort => memrchr(b':', text).map_or(span.clone(), |colon| span.start..span.start + colon),
            // With `option logasap`.
            Form::Plain if slot == Slot::Bytes && text.first() == Some(&b'+') => span.start + 1..span.end,
            Form::Hosted => {
                let slash = memchr(b'/', text).unwrap_or(0);
                let slash = if memmem::find(text, b"://").is_some() { 0 } else { slash };
                if slash > 0 {
                    work.put(Slot::Vhost, 0, span.start..span.start + slash, false);
                }
                span.start + slash..span.end
            }
            Form::AfterSlash => memchr(b'/', text).map_or(span.clone(), |slash| span.start + slash + 1..span.end),
            _ => span,
        };
        let text = line.get(span.clone()).unwrap_or_default();
        let is_value = match slot {
            _ if values::value(text).is_empty() => true,
            _ if matches!(self.form, Form::HostPort | Form::AfterSlash) && span.len() == whole => false,
            _ if self.form == Form::NoStatus => values::whole_status(text).is_none(),
            Slot::Client => !text.iter().any(|b| matches!(b, b'"' | b'/') || !b.is_ascii_graphic() && *b != b' '),
            _ if matches!(self.form, Form::Compact) => text.len() == 14 && text.iter().all(u8::is_ascii_digit),
            Slot::Date if self.form == Form::American => american(text).is_some(),
            Slot::Date if self.form == Form::Local && text.len() == 6 => text.iter().all(u8::is_ascii_digit),
            Slot::Time if self.form == Form::ShortHour => matches!(text, [_, b':', _, _, b':', ..] | [_, _, b':', ..]),
            Slot::Date => text.len() == 10 && matches!(text.get(4), Some(b'-' | b'/')),
            Slot::Time => text.len() >= 8 && text.first().is_some_and(u8::is_ascii_digit) && is_clock_or_count(text),
            Slot::Status => values::whole_status(text).is_some(),
            Slot::Bytes => values::whole_size(text).is_some(),
            Slot::Method => text.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')),
            _ => true,
        };
        if !is_value {
            return Err(self.reason());
        }
        match self.form {
            Form::Plus | Form::Blanks if separator == Separator::Blank && memchr(b'+', text).is_some() => {
                work.put_decoded(slot, rank, |out| out.extend(text.iter().map(|b| if *b == b'+' { b' ' } else { *b })));
            }
            Form::Local if text.len() == 6 => work.put_decoded(slot, rank, |out| out.extend(day_of(text, b"20"))),
            Form::American => work.put_decoded(slot, rank, |out| out.extend(american(text).unwrap_or_default())),
            Form::ShortHour if text.get(1) == Some(&b':') => {
                work.put_decoded(slot, rank, |out| out.extend([b"0", text].concat()));
            }
            Form::Compact => {
                let (day, clock) = text.split_at_checked(8).unwrap_or_default();
                let [h1, h2, n1, n2, s1, s2] = *clock else { return Err(self.reason()) };
                let clock = [b' ', h1, h2, b':', n1, n2, b':', s1, s2];
                work.put_decoded(slot, rank, |out| out.extend([&day_of(day, b"")[..], &clock].concat()));
            }
            Form::Local => {
                work.put_decoded(slot, rank, |out| out.extend(text.iter().map(|b| if *b == b'-' { b'/' } else { *b })));
            }
            // SHOUTcast writes no plus sign.
            Form::Blanks if memchr(b'%', text).is_some() && (separator != Separator::Blank || has_escapes(text)) => {
                let once = percent_decoded(text);
                work.put_decoded(slot, rank, |out| out.extend(percent_decoded(&once)));
            }
            _ => work.put(slot, rank, span, false),
        }
        Ok(())
    }
}

/// `2026/03/10` of `20260310`, or of `260310` with the century in front.
fn day_of(digits: &[u8], century: &[u8]) -> Vec<u8> {
    let (year, rest) = digits.split_at_checked(digits.len().saturating_sub(4)).unwrap_or_default();
    let (month, day) = rest.split_at_checked(2).unwrap_or_default();
    [century, year, b"/", month, b"/", day].concat()
}

/// `2026/03/10` of `3/10/26`, `03/10/2026` and the like.
fn american(text: &[u8]) -> Option<Vec<u8>> {
    let mut parts = text.split(|b| *b == b'/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let two =
        |part: &[u8]| (part.len() == 1).then(|| [b"0", part].concat()).or((part.len() == 2).then(|| part.to_vec()));
    let year = match year.len() {
        // As POSIX has it: 69 to 99 are the twentieth century.
        2 => [if year >= &b"69"[..] { &b"19"[..] } else { b"20" }, year].concat(),
        _ => year.to_vec(),
    };
    let is_day = parts.next().is_none() && year.len() == 4;
    is_day.then_some(())?;
    Some([&year[..], b"/", &two(month)?, b"/", &two(day)?].concat())
}

/// With colons, or digits alone.
fn is_clock_or_count(text: &[u8]) -> bool {
    let dots = text.iter().filter(|b| **b == b'.').count();
    memchr(b':', text).is_some() || dots <= 1 && text.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

fn is_count(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// `0/-1/+3/4/5`: five numbers, or more.
fn is_timers(text: &[u8]) -> bool {
    let is_number = |part: &[u8]| {
        let digits = part.strip_prefix(b"-").or_else(|| part.strip_prefix(b"+")).unwrap_or(part);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    };
    text.split(|b| *b == b'/').all(is_number) && text.iter().filter(|b| **b == b'/').count() >= 4
}

/// Whether blanks or slashes stand escaped as in a URL.
fn has_escapes(text: &[u8]) -> bool {
    memmem::find(text, b"%20").is_some() || memmem::find(text, b"%2F").is_some()
}

/// `%20` and the like undone once; what is no escape stays.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if hex(*a).is_some() && hex(*b).is_some() => {
                out.push(hex(*a).unwrap_or(0) << 4 | hex(*b).unwrap_or(0));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// The letters and digits of a name, lower case: `cs(User-Agent)` and `cs_user_agent` are one.
fn normal(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a column is good for, by its name in the documentation of W3C, IIS, AWS, Google, Envoy, HAProxy or Squid, or ours.
fn column(name: &str) -> Column {
    use Slot::*;
    if let Some(text) = name.strip_prefix('=') {
        return Column { name: text.to_owned(), take: None, form: Form::Fixed, seek: false };
    }
    let name = name.to_owned();
    let (take, form) = match normal(&name).as_str() {
        "date" => (Some((Date, 0)), Form::Plain),
        "datelocal" => (Some((Date, 0)), Form::Local),
        "dateamerican" => (Some((Date, 0)), Form::American),
        "timeshort" => (Some((Time, 0)), Form::ShortHour),
        "timecompact" => (Some((Time, 0)), Form::Compact),
        "userclient" => (Some((Client, 0)), Form::Person),
        "refererlabelled" => (Some((Referer, 0)), Form::Labelled),
        "service" => (None, Form::Service),
        "level" => (None, Form::Level),
        "bytesreceived" => (None, Form::Count),
        "millis" => (None, Form::Millis),
        "time" | "timelocal" | "datetime" | "timestamp" | "starttime" | "acceptdate" | "timemicros" => {
            (Some((Time, 0)), Form::Plain)
        }
        "cip" | "remoteip" | "clientip" | "remotehost" | "csip" => (Some((Client, 0)), Form::Plain),
        "clientport" | "downstreamremoteaddress" => (Some((Client, 0)), Form::HostPort),
        "csusername" | "requester" | "rfc931" | "user" => (Some((User, 0)), Form::Plain),
        "csmethod" | "method" => (Some((Method, 0)), Form::Plain),
        "csuristem" | "url" => (Some((Target, 1)), Form::Plain),
        "csuri" => (Some((Target, 0)), Form::Hosted),
        "csuriquery" => (Some((Query, 0)), Form::Plain),
        "csversion" | "csprotocolversion" => (Some((Protocol, 0)), Form::Plain),
        "request" | "requesturi" => (Some((Request, 0)), Form::Plain),
        "requestorcut" => (Some((Request, 0)), Form::Cut),
        "scstatus" | "cstatus" | "httpstatus" | "elbstatuscode" | "responsecode" | "status" => {
            (Some((Status, 0)), Form::Plain)
        }
        "codestatus" => (Some((Status, 0)), Form::AfterSlash),
        "scbytes" | "sentbytes" | "bytessent" | "bytes" => (Some((Bytes, 0)), Form::Plain),
        "csreferer" | "csreferrer" | "referer" => (Some((Referer, 0)), Form::Plain),
        "refererornone" => (Some((Referer, 0)), Form::NoStatus),
        "csuseragent" => (Some((Agent, 0)), Form::Blanks),
        "useragent" => (Some((Agent, 0)), Form::Plain),
        "xforwardedfor" | "csxforwardedfor" => (Some((ForwardedFor, 0)), Form::Plus),
        "xhostheader" => (Some((Vhost, 0)), Form::Plain),
        "cshost" | "domainname" | "hostheader" | "authority" => (Some((Vhost, 1)), Form::Plain),
        "upstreamhost" | "targetport" | "backendport" | "backendserver" => (Some((Upstream, 0)), Form::Plain),
        "timers" => (None, Form::Timers),
        _ => (None, Form::Plain),
    };
    Column { name, take, form, seek: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &str, separator: Separator, line: &str) -> Result<String, (Reason, usize)> {
        let mut work = Workspace::default();
        let numbers = Columns::new(names, separator).read(line.as_bytes(), &mut ClfMemo::default(), &mut work);
        let event = numbers.map(|n| work.event_of_proxy(line.as_bytes(), n)).map_err(|r| (r.reason, r.column))?;
        let texts = [event.client, event.user, event.vhost, event.target, event.agent].map(String::from_utf8_lossy);
        Ok(format!("{} {} {}", event.time.rfc3339(), event.status, texts.join("|")))
    }

    #[test]
    fn names_decide_and_not_places() {
        let said = Ok("2026-03-10T10:20:52Z 401 192.0.2.7|al ice||/a?b=c|x y".to_owned());
        let names = "sc-status date time cs(User-Agent) c-ip cs-username cs-uri-stem cs-uri-query";
        let line = "401 2026-03-10 10:20:52 x+y 192.0.2.7 \"al ice\" /a b=c";
        assert_eq!(read(names, Separator::Blank, line), said);
        assert_eq!(read(names, Separator::Tab, "401\t2026-03-10\t10:20:52\tx%2520y\t192.0.2.7\tal ice\t/a\tb=c"), said);
        assert_eq!(read(names, Separator::Comma, "401,2026-03-10,10:20:52,\"x%20y\",192.0.2.7,al ice,/a,b=c"), said);
        assert_eq!(read(names, Separator::Blank, "401 2026-03-10 10:20:52 x 192.0.2.7 -"), Err((Reason::Cut, 36)));
        assert_eq!(read(names, Separator::Blank, &format!("{line} more")), Err((Reason::Trailing, 54)));
        assert_eq!(read(names, Separator::Blank, "40 2026-03-10"), Err((Reason::NoStatus, 0)));
    }

    #[test]
    fn quotes_that_nobody_escaped_stay_inside() {
        let names = "time c-ip sc-status \"user_agent\" [ x";
        let said = |agent| Ok(format!("2026-03-10T10:20:52Z 200 192.0.2.7||||{agent}"));
        let line = |agent| format!("2026-03-10T10:20:52Z 192.0.2.7 200 \"{agent}\"");
        for agent in ["a\"b", "a\\\" b", "", "a [b] {c}"] {
            assert_eq!(read(names, Separator::Blank, &line(agent)), said(agent), "{agent}");
            assert_eq!(read(names, Separator::Blank, &(line(agent) + " 7")), said(agent), "{agent}");
        }
        assert_eq!(read(names, Separator::Blank, "2026-03-10T10:20:52Z 192.0.2.7 200 \"a"), Err((Reason::Cut, 35)));
    }

    #[test]
    fn hosts_of_absolute_targets_are_virtual_hosts() {
        let line = "2026-03-10T10:20:52Z [2001:db8::7]:4000 401 \"GET https://www.example.com:443/a HTTP/2.0\" more";
        let said = Ok("2026-03-10T10:20:52Z 401 2001:db8::7||www.example.com|/a|".to_owned());
        assert_eq!(read("time client:port sc-status \"request\" ...", Separator::Blank, line), said);
    }

    #[test]
    fn an_endless_header_is_no_endless_work() {
        let names = "x ".repeat(100_000);
        assert_eq!(Columns::new(&names, Separator::Blank).columns.len(), COLUMNS_MAX);
        let quotes = "\" ".repeat(100_000);
        assert!(read(&names, Separator::Blank, &quotes).is_err());
    }
}
