//! Lines of labelled fields: LTSV (`label:value`, parted by tabs) and logfmt (`key=value`, parted by blanks). Owns where
//! a field ends; which labels are wanted stands in each format's file.
//!
//! Sources: <http://ltsv.org/>, <https://brandur.org/logfmt>.

use super::{
    json::{self, JsonPlan},
    slots::{Numbers, Slot, Workspace},
    timestamp::ClfMemo,
};
use crate::model::event::{Reason, Rejection};
use memchr::{memchr, memchr2};

/// How fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `label:value` and a tab.
    Ltsv,
    /// `key=value` or `key="a value"` and a blank.
    Logfmt,
}

/// Labelled fields, ready to be read.
#[derive(Clone, Debug)]
pub struct Pairs {
    style: Style,
    keys: JsonPlan,
}

impl Pairs {
    /// Fields of these labels; see [`json::Keys`].
    pub(super) fn new(style: Style, keys: JsonPlan) -> Self {
        Self { style, keys }
    }

    /// What stands in and between the two fields that every line has.
    pub(super) fn marks(&self) -> &'static [u8] {
        match self.style {
            Style::Ltsv => b":\t",
            Style::Logfmt => b"= ",
        }
    }

    /// Reads one line into the workspace.
    ///
    /// # Errors
    /// Why the line does not fit, and where.
    pub(super) fn read(&self, line: &[u8], clock: &mut ClfMemo, work: &mut Workspace) -> Result<Numbers, Rejection> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.scan(line, work).and_then(|()| work.numbers(line, clock))
    }

    fn scan(&self, line: &[u8], work: &mut Workspace) -> Result<(), Rejection> {
        work.clear();
        match self.style {
            Style::Ltsv => self.ltsv(line, work)?,
            Style::Logfmt => self.logfmt(line, work)?,
        }
        work.join_target(line);
        Ok(())
    }

    /// line = field \*(tab field); field = label ":" \*any
    fn ltsv(&self, line: &[u8], work: &mut Workspace) -> Result<(), Rejection> {
        let mut at = 0;
        while at < line.len() {
            let rest = line.get(at..).unwrap_or_default();
            let end = memchr(b'\t', rest).unwrap_or(rest.len());
            let field = rest.get(..end).unwrap_or_default();
            let Some(colon) = memchr(b':', field).filter(|c| is_label(field.get(..*c).unwrap_or_default())) else {
                return Err(Rejection::new(Reason::NoLiteral, at));
            };
            self.take(line, at..at + colon, at + colon + 1..at + end, false, work);
            at += end + 1;
        }
        Ok(())
    }

    /// line = [time blank] field \*(1\*blank field); field = key ["=" value] [","];
    /// value = 1\*word | "[" \*any "]" | '"' \*(any | "\" any) '"'
    fn logfmt(&self, line: &[u8], work: &mut Workspace) -> Result<(), Rejection> {
        let mut at = 0;
        if line.first().is_some_and(u8::is_ascii_digit) {
            at = memchr(b' ', line).unwrap_or(line.len());
            work.put(Slot::Time, usize::MAX, 0..at, false);
        }
        while at < line.len() {
            let rest = line.get(at..).unwrap_or_default();
            if rest.first() == Some(&b' ') {
                at += 1;
                continue;
            }
            let end = memchr2(b'=', b' ', rest).unwrap_or(rest.len());
            if !is_label(rest.get(..end).unwrap_or_default()) {
                return Err(Rejection::new(Reason::NoLiteral, at));
            }
            if rest.get(end) != Some(&b'=') {
                at += end + 1;
                continue;
            }
            let value = at + end + 1;
            let text = line.get(value..).unwrap_or_default();
            at = if text.first() == Some(&b'"') {
                let Some((len, escaped)) = quoted(text.get(1..).unwrap_or_default()) else {
                    return Err(Rejection::new(Reason::Cut, line.len()));
                };
                self.take(line, at..at + end, value + 1..value + 1 + len, escaped, work);
                let end = value + len + 2;
                if line.get(end) == Some(&b',') { end + 1 } else { end + usize::from(end < line.len()) }
            } else if let Some(len) = in_brackets(text) {
                self.take(line, at..at + end, value + 1..value + 1 + len, false, work);
                value + len + 2
            } else {
                let len = memchr(b' ', text).unwrap_or(text.len());
                let comma =
                    usize::from(len < text.len() && len.checked_sub(1).and_then(|at| text.get(at)) == Some(&b','));
                self.take(line, at..at + end, value..value + len - comma, false, work);
                value + len + 1
            };
        }
        work.decode_marked(line, json::unescape);
        Ok(())
    }

    fn take(
        &self,
        line: &[u8],
        label: std::ops::Range<usize>,
        value: std::ops::Range<usize>,
        escaped: bool,
        work: &mut Workspace,
    ) {
        if let Some((slot, rank)) = self.keys.top(line.get(label).unwrap_or_default()) {
            work.put(slot, rank, value, escaped);
        }
    }
}

/// The length of a time in brackets.
fn in_brackets(text: &[u8]) -> Option<usize> {
    /// None is longer.
    const TIME_MAX: usize = 40;
    let inside = text.strip_prefix(b"[")?;
    memchr(b']', inside.get(..TIME_MAX).unwrap_or(inside))
}

/// Up to the closing quote, and whether a backslash stands before it.
fn quoted(text: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (0, false);
    loop {
        let found = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(found) == Some(&b'"') {
            return Some((found, escaped));
        }
        (at, escaped) = (found + 2, true);
    }
}

fn is_label(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(style: Style, line: &str) -> Result<String, (Reason, usize)> {
        let keys = JsonPlan::new(&[
            ("time", Slot::Time),
            ("host", Slot::Client),
            ("status", Slot::Status),
            ("ua", Slot::Agent),
            ("req", Slot::Request),
        ]);
        let mut work = Workspace::default();
        let read = Pairs::new(style, keys).read(line.as_bytes(), &mut ClfMemo::default(), &mut work);
        let event = read.map(|numbers| work.event(line.as_bytes(), numbers)).map_err(|r| (r.reason, r.column))?;
        let texts = [event.client, event.target, event.agent].map(String::from_utf8_lossy);
        Ok(format!("{} {}", event.status, texts.join("|")))
    }

    #[test]
    fn fields_stand_in_any_order() {
        let line = "ua:a b: c\thost:192.0.2.7\tx:\ttime:[10/Mar/2026:11:20:52 +0100]\tstatus:401\treq:GET /a HTTP/1.1";
        assert_eq!(read(Style::Ltsv, line).as_deref(), Ok("401 192.0.2.7|/a|a b: c"));
        let line = r#"time=2026-03-10T10:20:52Z flag host=192.0.2.7 ua="a \"b\"" status=401 req="GET /a HTTP/1.1""#;
        assert_eq!(read(Style::Logfmt, line).as_deref(), Ok("401 192.0.2.7|/a|a \"b\""));
        // As Splunk has Apache, nginx and Squid write.
        for line in [
            r#"time=1773138052.1, host=192.0.2.7, ua="a", status=401, req="GET /a HTTP/1.1""#,
            r#"1773138052.1 x=[] host=192.0.2.7 ua="a"  status=401 req="GET /a HTTP/1.1""#,
            r#"host=192.0.2.7 time=[10/Mar/2026:11:20:52 +0100] ua="a" req="GET /a HTTP/1.1" status=401"#,
        ] {
            assert_eq!(read(Style::Logfmt, line).as_deref(), Ok("401 192.0.2.7|/a|a"), "{line}");
        }
    }

    #[test]
    fn other_lines_do_not_fit() {
        assert_eq!(read(Style::Ltsv, "192.0.2.7 - -"), Err((Reason::NoLiteral, 0)));
        assert_eq!(read(Style::Ltsv, "host:192.0.2.7"), Err((Reason::NoField, 14)));
        assert_eq!(read(Style::Logfmt, "[x] y"), Err((Reason::NoLiteral, 0)));
        assert_eq!(read(Style::Logfmt, "a=\"b"), Err((Reason::Cut, 4)));
    }
}
