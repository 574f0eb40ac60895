//! Lines that are like the common log format without being in one that is known: a time in brackets, a request in
//! quotes, then status and size, and whatever a site put between. Owns finding the fields by their looks.
//!
//! It takes little for granted, so that what it says is right where it says anything: the request must begin with a
//! method, or be what servers write where there was none, right behind the time; the status must follow it, and the client
//! be an address (or the first word, if that can be a host). Behind the size, the first text in quotes that begins like a
//! user agent is one, and one that is a URL before it the referer. A line that ends in a quoted text was cut.

use super::{
    slots::Workspace,
    timestamp::{self, ClfMemo, Moment},
    values,
};
use crate::model::event::{Event, Reason, Rejection};
use memchr::{memchr, memchr_iter, memchr2_iter};

/// Words looked at in front of the request, and quoted texts behind it.
const WORDS_MAX: usize = 32;
/// Length of `2026-03-10`: no time is shorter.
const DAY_LEN: usize = 10;

/// Reads one line.
///
/// # Errors
/// What could not be found.
pub(super) fn read<'a>(line: &'a [u8], clock: &mut ClfMemo, work: &Workspace) -> Result<Event<'a>, Rejection> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let column = |reason| if reason == Reason::Cut { line.len() } else { 0 };
    find(line, clock, work).map_err(|reason| Rejection::new(reason, column(reason)))
}

fn find<'a>(line: &'a [u8], clock: &mut ClfMemo, work: &Workspace) -> Result<Event<'a>, Reason> {
    if memchr(b'\r', line).is_some() {
        // Lines that end with a carriage return alone have run into one.
        return Err(Reason::Trailing);
    }
    let (open, close) = request(line)?.or_else(|| no_request(line)).ok_or(Reason::NoRequest)?;
    let close = end_behind_quotes(line, open, close);
    let before = line.get(..open).unwrap_or_default();
    let after = line.get(close + 1..).unwrap_or_default();
    if is_cut_in_quotes(after) {
        return Err(Reason::Cut);
    }
    let logged = time(before, clock).or_else(|| time(after, clock));
    let around = |clock: &mut ClfMemo| work.wrapped_at(clock).map(|moment| (moment, before.len()));
    let (moment, time_start) = logged.or_else(|| around(clock)).ok_or(Reason::NoTime)?;
    let mut words = words_of(after).flat_map(|word| word.split(|b| *b == b',')).filter(|word| !word.is_empty());
    let status = words.next().and_then(values::whole_status).ok_or(Reason::NoStatus)?;
    // OpenLiteSpeed puts the whole line in quotes.
    let size = words.next().map(|word| word.strip_suffix(b"\"").unwrap_or(word));
    let bytes = size.and_then(values::whole_size).unwrap_or(0);
    let is_last = words.next().is_none();
    let (vhost, client, user) = front(before, time_start, is_last).ok_or(Reason::NoClient)?;
    let (method, target, protocol) = values::request(without_colours(line.get(open + 1..close).unwrap_or_default()));
    let (referer, agent) = back(after);
    let zoneless = moment.zoneless;
    let time = moment.time;
    Ok(Event {
        time,
        zoneless,
        client,
        user,
        vhost,
        method,
        target,
        protocol,
        status,
        bytes,
        referer,
        agent,
        ..Event::default()
    })
}

/// Nothing but what parts two fields.
fn is_gap(between: &[u8]) -> bool {
    matches!(between, b"," | b"|") || between.trim_ascii().is_empty()
}

/// What stands between blanks, tabs or bars.
fn words_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| matches!(b, b' ' | b'\t' | b'|')).filter(|word| !word.is_empty())
}

/// The quotes of a line that are not escaped.
fn quotes(line: &[u8]) -> impl Iterator<Item = usize> {
    memchr_iter(b'"', line).filter(|at| at.checked_sub(1).and_then(|i| line.get(i)) != Some(&b'\\'))
}

/// The quotes around the text that is a request.
///
/// # Errors
/// Where two texts are, since one of them is forged.
fn request(line: &[u8]) -> Result<Option<(usize, usize)>, Reason> {
    let mut found = None;
    let mut quotes = quotes(line);
    let Some(mut open) = quotes.next() else { return Ok(None) };
    for close in quotes.take(WORDS_MAX) {
        let text = without_colours(line.get(open + 1..close).unwrap_or_default());
        let (method, target, protocol) = values::request(text);
        let is_method = method.len() >= 3 && method.iter().all(|b| b.is_ascii_uppercase() || *b == b'-');
        if is_method && (!protocol.is_empty() || target.starts_with(b"/") || target.starts_with(b"http")) {
            if found.is_some() {
                return Err(Reason::NoRequest);
            }
            found = Some((open, close));
        }
        open = close;
    }
    Ok(found)
}

/// The quote that ends a request, where some stand in its target because the server does not escape them: the only one
/// behind a protocol and before a status. Where there are two, one may be forged.
fn end_behind_quotes(line: &[u8], open: usize, close: usize) -> usize {
    let text = line.get(open + 1..close).unwrap_or_default();
    let status = |end: usize| words_of(line.get(end + 1..)?).next().and_then(values::whole_status);
    if status(close).is_some() || !values::request(text).2.is_empty() {
        return close;
    }
    let is_end = |end: &usize| {
        let last = line.get(open..*end).and_then(|text| text.rsplit(|b| *b == b' ').next());
        last.is_some_and(|word| word.starts_with(b"HTTP/")) && status(*end).is_some()
    };
    let mut ends = quotes(line).take(WORDS_MAX).filter(|end| *end > close).filter(is_end);
    match (ends.next(), ends.next()) {
        (Some(end), None) => end,
        _ => close,
    }
}

/// Whether a quote opens a text that the line ends in.
fn is_cut_in_quotes(after: &[u8]) -> bool {
    let is_opened = |at: usize| at.checked_sub(1).is_some_and(|i| after.get(i).is_some_and(|b| is_gap(&[*b])));
    quotes(after).count() % 2 == 1 && quotes(after).last().is_some_and(is_opened)
}

/// The quotes around what stands for a request right behind the time where none was sent, or bytes that are none.
fn no_request(line: &[u8]) -> Option<(usize, usize)> {
    let mut quotes = quotes(line);
    let (open, close) = (quotes.next()?, quotes.next()?);
    let is_behind_time = line.get(..open)?.trim_ascii_end().ends_with(b"]");
    let is_none = matches!(line.get(open + 1..close)?, b"" | b"-" | [b'\\', b'x' | b'n' | b'r', ..]);
    (is_behind_time && is_none).then_some((open, close))
}

/// Werkzeug colours a request that failed.
fn without_colours(text: &[u8]) -> &[u8] {
    let mut text = text.strip_suffix(b"\x1b[0m").unwrap_or(text);
    while let Some(rest) = text.strip_prefix(b"\x1b[")
        && let Some(end) = memchr(b'm', rest)
    {
        text = rest.get(end + 1..).unwrap_or_default();
    }
    text
}

/// A time in brackets, or as the first word or two; where it begins.
fn time(text: &[u8], clock: &mut ClfMemo) -> Option<(Moment, usize)> {
    for open in memchr_iter(b'[', text).take(WORDS_MAX) {
        let inside = text.get(open + 1..)?;
        let Some(end) = memchr(b']', inside) else { break };
        let inside = inside.get(..end)?;
        // Rust's loggers name the level and the module behind it.
        let first = memchr(b' ', inside).filter(|end| *end > DAY_LEN).and_then(|end| inside.get(..end));
        let texts = [Some(inside).filter(|text| text.len() >= DAY_LEN), first];
        if let Some(moment) = texts.into_iter().flatten().find_map(|text| timestamp::any_moment(text, clock).ok()) {
            return Some((moment, open));
        }
    }
    let mut blanks = memchr2_iter(b' ', b'\t', text);
    let (first, second) = (blanks.next()?, blanks.next());
    // The longer first: its second word may be the zone.
    let words = [second, Some(first)].into_iter().flatten().filter_map(|end| text.get(..end));
    let begins = words.filter(|word| word.len() >= DAY_LEN).find_map(|word| timestamp::any_moment(word, clock).ok());
    begins.map(|moment| (moment, 0)).or_else(|| bare_time(text, clock))
}

/// A time as the common log format has it, without brackets.
fn bare_time(text: &[u8], clock: &mut ClfMemo) -> Option<(Moment, usize)> {
    let starts = memchr_iter(b'/', text).take(WORDS_MAX).filter_map(|slash| slash.checked_sub(2));
    starts.filter_map(|start| Some((start, text.get(start..)?))).find_map(|(start, rest)| {
        let written = rest.get(..timestamp::clf_span(rest)?)?;
        Some((timestamp::any_moment(written, clock).ok()?, start))
    })
}

/// Virtual host, client and user in front of the request. The host stands before the client, or right behind it where
/// an identity and a name follow. A line that ends behind its size has the name alone between client and time, as
/// WebSphere Liberty writes it; in others that one word may be anything.
fn front(before: &[u8], time_start: usize, ends_with_size: bool) -> Option<(&[u8], &[u8], &[u8])> {
    let head = before.get(..time_start).filter(|head| !head.trim_ascii().is_empty());
    let is_separator = |b: &u8| matches!(b, b' ' | b'\t' | b'|' | b',' | b'"' | b'[' | b']' | b'(' | b')');
    let mut start = 0;
    let all = before.split(is_separator).map(|word| {
        let at = start;
        start += word.len() + 1;
        (at, word)
    });
    let words: Vec<(usize, &[u8])> = all.filter(|(_, word)| !word.is_empty()).take(WORDS_MAX).collect();
    let (at, client) = match words.iter().enumerate().find_map(|(i, (_, word))| Some((i, address(word)?))) {
        Some(found) => found,
        None => (0, words.first().map(|(_, word)| *word).filter(|word| head.is_some() && is_full_host(word))?),
    };
    // As in the common format: an identity and a name between the client and the time.
    let between = head.map(|head| words_of(head).collect::<Vec<_>>());
    let behind = || match between.as_deref() {
        Some([_, host, _, _]) if at == 0 && is_full_host(host) => Some(*host),
        _ => None,
    };
    // What stands in brackets is the name of a logger.
    let is_in_brackets = |at: usize, word: &[u8]| {
        at.checked_sub(1).and_then(|at| before.get(at)) == Some(&b'[') && before.get(at + word.len()) == Some(&b']')
    };
    // And so is what a colon of its own follows, as in Spring Boot's lines.
    let is_labelled = |at: usize| words.iter().find(|(next, _)| *next > at).is_some_and(|(_, next)| *next == b":");
    let is_host = |(at, word): &&(usize, &[u8])| is_full_host(word) && !is_in_brackets(*at, word) && !is_labelled(*at);
    let vhost = words.get(..at)?.iter().rev().find(is_host).map(|(_, word)| *word).or_else(behind);
    let can_be_user = |word: &[u8]| word.first().is_some_and(u8::is_ascii_alphabetic) && !is_full_host(word);
    let user = between.and_then(|words| match *words {
        [_, name] if at == 0 && ends_with_size && can_be_user(name) => Some(name),
        [_, _, .., name] => Some(name),
        _ => None,
    });
    let user = user.map(values::user).filter(|user| *user != client).unwrap_or_default();
    Some((vhost.map(values::without_port).unwrap_or_default(), client, user))
}

/// An address, with or without a port.
fn address(word: &[u8]) -> Option<&[u8]> {
    [word, values::without_port(word)].into_iter().find(|text| values::is_address(text))
}

/// A host name that no other word is like.
fn is_full_host(word: &[u8]) -> bool {
    word == b"localhost" || values::is_full_host(word)
}

/// Referer and user agent among the quoted texts behind the request: two side by side of which the first can be a
/// referer, or else what looks like a user agent.
fn back(after: &[u8]) -> (&[u8], &[u8]) {
    let unescaped = |at: &usize| at.checked_sub(1).and_then(|i| after.get(i)) != Some(&b'\\');
    let quotes: Vec<usize> = memchr_iter(b'"', after).filter(unescaped).take(2 * WORDS_MAX).collect();
    let texts = quotes.chunks_exact(2).filter_map(|pair| match *pair {
        [open, close] => Some((open, close, after.get(open + 1..close)?)),
        _ => None,
    });
    let texts: Vec<(usize, usize, &[u8])> = texts.collect();
    let is_referer = |text: &[u8]| values::value(text).is_empty() || text.windows(3).any(|w| w == b"://");
    for pair in texts.windows(2) {
        if let [(_, close, referer), (open, _, agent)] = *pair
            && after.get(close + 1..open).is_some_and(is_gap)
            && is_referer(referer)
        {
            return (values::value(referer), values::value(agent));
        }
    }
    // Traefik once wrote an absent referer without quotes.
    if let Some((open, _, agent)) = texts.first()
        && after.get(..*open).is_some_and(|text| text.ends_with(b" - "))
    {
        return (&[], agent);
    }
    (&[], texts.iter().map(|(_, _, text)| *text).find(|text| is_agent(text)).unwrap_or_default())
}

/// `Mozilla/5.0 …`, `curl/8.5.0`: a product and its version.
fn is_agent(text: &[u8]) -> bool {
    let product =
        text.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b' ')).count();
    let version = text.get(product + 1..).and_then(<[u8]>::first);
    product > 1 && text.get(product) == Some(&b'/') && version.is_some_and(|b| b.is_ascii_digit() || *b == b'v')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Result<String, Reason> {
        let event = read(line.as_bytes(), &mut ClfMemo::default(), &Workspace::default()).map_err(|r| r.reason)?;
        let texts = [event.vhost, event.client, event.user, event.target, event.referer, event.agent];
        Ok(format!("{} {} {}", event.status, event.bytes, texts.map(String::from_utf8_lossy).join("|")))
    }

    #[test]
    fn fields_are_found_by_their_looks() {
        for (line, expected) in [
            (r#"[10/Mar/2026:11:20:52 +0100] 192.0.2.7 TLSv1.2 AES "GET /a HTTP/1.1" 401 -"#, "401 0 |192.0.2.7||/a||"),
            (
                r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7 3551 "-" "Mozilla/5.0""#,
                "401 7 |192.0.2.7|alice|/a||Mozilla/5.0",
            ),
            (
                r#"www.example.com 10.0.0.1 192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a" 200 7 0.1 "https://x/" "curl/8""#,
                "200 7 www.example.com|10.0.0.1||/a|https://x/|curl/8",
            ),
            (
                "192.0.2.7 - - [10/Mar/2026 11:20:52] \"\x1b[31m\x1b[1mGET /a HTTP/1.1\x1b[0m\" 403 -",
                "403 0 |192.0.2.7||/a||",
            ),
            (
                "192.0.2.7\t-\talice\t[10/Mar/2026:11:20:52 +0100]\t\"GET /a HTTP/1.1\"\t401\t7\t\"-\"\t\"Mozilla/5.0 (x)\"",
                "401 7 |192.0.2.7|alice|/a||Mozilla/5.0 (x)",
            ),
            (r#"192.0.2.7 alice [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7"#, "401 7 |192.0.2.7|alice|/a||"),
            (
                r#"192.0.2.7|-|alice|[10/Mar/2026:11:20:52 +0100]|"GET /a HTTP/1.1"|401|7|"-"|"curl/8""#,
                "401 7 |192.0.2.7|alice|/a||curl/8",
            ),
            (
                r#"192.0.2.7,-,alice,[10/Mar/2026:11:20:52 +0100],"GET /a HTTP/1.1",401,7,"-","curl/8""#,
                "401 7 |192.0.2.7||/a||curl/8",
            ),
            (r#"10/Mar/2026:11:20:52 +0100 192.0.2.7 "GET /a HTTP/1.1" 401 7"#, "401 7 |192.0.2.7||/a||"),
            (
                r#"2026-03-10 11:20:52.123  INFO 7 --- [or-http-1] reactor.netty.http.AccessLog      : 192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7"#,
                "401 7 |192.0.2.7||/a||",
            ),
            (r#"192.0.2.7 f3a9 [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7 12"#, "401 7 |192.0.2.7||/a||"),
            (
                r#"192.0.2.7 - "alice" 10/Mar/2026:11:20:52 +0100 "GET /a HTTP/1.1" 401 7 "-"  "x y""#,
                "401 7 |192.0.2.7|alice|/a||x y",
            ),
            (r#""192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7""#, "401 7 |192.0.2.7||/a||"),
            (r#"2026-03-10T10:20:52Z [2001:db8::7]:443 "POST /a HTTP/2.0" 403 9"#, "403 9 |2001:db8::7||/a||"),
            (
                r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a?b="c" d HTTP/1.1" 403 9"#,
                r#"403 9 |192.0.2.7||/a?b="c" d||"#,
            ),
            (
                r#"192.0.2.7 www.example.com - alice [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/2.0" 401 7 210 0.1 0.1 "-" "curl/8""#,
                "401 7 www.example.com|192.0.2.7|alice|/a||curl/8",
            ),
            (
                r#"2026-03-10 11:20:52,123 INFO  [io.quarkus.http.access-log] (executor-1) 192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 401 7"#,
                "401 7 |192.0.2.7||/a||",
            ),
            (
                r#"[2026-03-10T10:20:52.123Z INFO  actix_web::middleware::logger] 192.0.2.7 "GET /a HTTP/1.1" 401 7 "-" "curl/8" 0.1"#,
                "401 7 |192.0.2.7||/a||curl/8",
            ),
            (r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "-" 408 - 12"#, "408 0 |192.0.2.7||||"),
            (r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "" 400 0 0.1 "-" "-""#, "400 0 |192.0.2.7||||"),
            (r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "\x16\x03\" 200 " 400 7 12"#, "400 7 |192.0.2.7||||"),
        ] {
            assert_eq!(said(line).as_deref(), Ok(expected), "{line}");
        }
    }

    /// Uvicorn logs no time.
    #[test]
    fn what_stands_around_tells_the_time() {
        let line = br#"INFO:     192.0.2.7:52345 - "GET /a HTTP/1.1" 401 Unauthorized"#;
        for (around, expected) in [
            ("", None),
            ("www", None),
            ("1773138052123456", Some("2026-03-10T10:20:52Z")),
            ("2026-03-10T10:20:52.1Z stdout F ", Some("2026-03-10T10:20:52Z")),
            ("<134>1 2026-03-10T11:20:52+01:00 www app - - - ", Some("2026-03-10T10:20:52Z")),
            ("2026/03/10 10:20:52.123\tINFO\t", Some("2026-03-10T10:20:52Z")),
        ] {
            let mut work = Workspace::default();
            work.around.extend(around.as_bytes());
            let time = read(line, &mut ClfMemo::default(), &work).ok().map(|event| event.time.rfc3339());
            assert_eq!(time.as_deref(), expected, "{around}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        assert_eq!(said("x"), Err(Reason::NoRequest));
        let forged = r#"192.0.2.7 - x [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 200 [10/Mar/2026:11:20:52 +0100] "GET / HTTP/1.1" 401 1"#;
        assert_eq!(said(forged), Err(Reason::NoRequest));
        let head = r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100]"#;
        assert_eq!(said(&format!(r#"{head} "GET /a" HTTP/1.1" 200 "b HTTP/1.1" 403 9"#)), Err(Reason::NoStatus));
        assert_eq!(said(&format!(r#"{head} "GET /a HTTP/1.1" 401 7 0.1 "-" "Mozilla/5.0 (X"#)), Err(Reason::Cut));
        assert_eq!(said(r#"192.0.2.7 "GET /a HTTP/1.1" 200 1"#), Err(Reason::NoTime));
        assert_eq!(said(r#"[10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 200 1"#), Err(Reason::NoClient));
        assert_eq!(said(r#"192.0.2.7 [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" OK 1"#), Err(Reason::NoStatus));
        assert_eq!(said(r#"192.0.2.7 [10/Mar/2026:11:20:52 +0100] "hello world" 200 1"#), Err(Reason::NoRequest));
    }
}
