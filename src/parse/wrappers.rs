//! What loggers put around a line: syslog, containers, the journal. Owns taking it off; what is inside is read as any
//! other line.
//!
//! Sources: RFC 3164, RFC 5424, <https://docs.docker.com/engine/logging/drivers/json-file/>,
//! <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>,
//! <https://systemd.io/JOURNAL_EXPORT_FORMATS/>.

use super::{
    json::{JsonPlan, Keys},
    slots::{Slot, Workspace},
    timestamp,
};
use memchr::{memchr, memchr2, memmem};
use std::sync::LazyLock;

/// Bytes in front of a line that are looked at for a time.
const AROUND_MAX: usize = 128;
/// Wrappers taken off one line at most.
const LAYERS_MAX: usize = 4;

/// A wrapper that stands before a line.
struct Prefix {
    name: &'static str,
    /// What follows it; none where the line has no such prefix.
    peel: fn(&[u8]) -> Option<&[u8]>,
}

const PREFIXES: &[Prefix] = &[
    Prefix { name: "CRI", peel: cri },
    Prefix { name: "syslog (RFC 5424)", peel: rfc5424 },
    Prefix { name: "syslog (RFC 3164)", peel: rfc3164 },
    Prefix { name: "container name", peel: container_name },
    Prefix { name: "time", peel: bare_time },
    Prefix { name: "tag", peel: tag },
    Prefix { name: "logger's name", peel: logger },
    Prefix { name: "file name", peel: file_name },
    Prefix { name: "text before JSON", peel: text_before_json },
];

/// Keys under which collectors keep a line.
const LINE_KEYS: Keys = &[
    ("log", Slot::Target),
    ("MESSAGE", Slot::Target),
    ("msg", Slot::Target),
    ("line", Slot::Target),
    ("short_message", Slot::Target),
    ("event/original", Slot::Target),
    ("textPayload", Slot::Target),
    // Azure's resource logs, where these are text.
    ("properties", Slot::Target),
    ("time", Slot::Time),
    ("@timestamp", Slot::Time),
    ("timestamp", Slot::Time),
    ("__REALTIME_TIMESTAMP", Slot::Time),
];

static LINE: LazyLock<JsonPlan> = LazyLock::new(|| JsonPlan::new(LINE_KEYS));

/// The line inside its wrappers, and their names from the outside in; none where there are none. `text` is for a line
/// that stood escaped.
pub(super) fn peel<'a>(
    line: &'a [u8],
    work: &mut Workspace,
    text: &'a mut Vec<u8>,
) -> Option<(&'a [u8], Vec<&'static str>)> {
    let mut names = Vec::new();
    let outer = peel_prefixes(line, &mut names);
    work.around.clear();
    work.around.extend(line.iter().take((line.len() - outer.len()).min(AROUND_MAX)));
    let inner = match from_json(outer, work, text) {
        Some((inner, name)) => {
            names.push(name);
            peel_prefixes(inner, &mut names)
        }
        None => outer,
    };
    (!names.is_empty()).then_some((inner, names))
}

fn peel_prefixes<'a>(line: &'a [u8], names: &mut Vec<&'static str>) -> &'a [u8] {
    let mut inner = line;
    while names.len() < LAYERS_MAX
        && let Some((rest, name)) = PREFIXES.iter().find_map(|prefix| Some(((prefix.peel)(inner)?, prefix.name)))
    {
        names.push(name);
        inner = rest;
    }
    inner
}

/// The line in a JSON object of Docker, the journal or a collector.
fn from_json<'a>(line: &'a [u8], work: &mut Workspace, text: &'a mut Vec<u8>) -> Option<(&'a [u8], &'static str)> {
    if line.first() != Some(&b'{') {
        return None;
    }
    if let Some(bytes) = byte_array(line) {
        text.clear();
        text.extend(bytes);
        return Some((text, "journal"));
    }
    let inner = LINE.find(Slot::Target, line, work, text)?;
    if let Some(time) = work.value(Slot::Time).and_then(|time| line.get(time.span.clone())) {
        work.around.clear();
        work.around.extend(time);
    }
    Some((inner.strip_suffix(b"\n").unwrap_or(inner), "JSON"))
}

/// The journal writes a message that is not UTF-8 as an array of numbers.
fn byte_array(line: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(line, b"\"MESSAGE\":[")? + b"\"MESSAGE\":[".len();
    let rest = line.get(start..)?;
    let numbers = rest.get(..memchr(b']', rest)?)?.split(|b| *b == b',');
    let byte = |number: &[u8]| u8::try_from(timestamp::number(number.trim_ascii())?).ok();
    numbers.map(byte).collect()
}

/// cri = time " " ("stdout" | "stderr") " " ("F" | "P") " "
pub(super) fn cri(line: &[u8]) -> Option<&[u8]> {
    let (stream, rest) = word(iso_time(line)?)?;
    let (_, rest) = word(rest).filter(|(tag, _)| matches!(*tag, b"F" | b"P"))?;
    matches!(stream, b"stdout" | b"stderr").then_some(rest)
}

/// rfc5424 = "<" pri ">1 " time " " host " " app " " pid " " id " " ("-" | 1*("[" … "]")) " "
fn rfc5424(line: &[u8]) -> Option<&[u8]> {
    let rest = priority(line)?.strip_prefix(b"1 ")?;
    let (time, rest) = word(rest)?;
    (time == b"-" || timestamp::iso8601(time).is_ok()).then_some(())?;
    let rest = (0..4).try_fold(rest, |rest, _| Some(word(rest)?.1))?;
    let message = match rest {
        [b'-', b' ', message @ ..] => message,
        [b'[', ..] => structured_data(rest)?.strip_prefix(b" ")?,
        // Heroku leaves it out.
        _ => rest,
    };
    Some(message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message))
}

/// What follows one or more elements in brackets, in whose values `\]` and `\"` are escaped.
fn structured_data(line: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while line.get(at) == Some(&b'[') {
        let (mut quoted, mut end) = (false, at + 1);
        loop {
            match line.get(end)? {
                b'\\' if quoted => end += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            end += 1;
        }
        at = end + 1;
    }
    line.get(at..).filter(|_| at > 0)
}

/// rfc3164 = ["<" pri ">"] time " " host " " tag ": ", where the host may be missing, as in some servers' own lines
fn rfc3164(line: &[u8]) -> Option<&[u8]> {
    let rest = priority(line).unwrap_or(line);
    let rest = syslog_time(rest)?.trim_ascii_start();
    let (first, after_first) = word(rest)?;
    if first.ends_with(b":") {
        return Some(after_first.trim_ascii_start());
    }
    is_host(first).then_some(())?;
    let (_, rest) = word(after_first.trim_ascii_start()).filter(|(tag, _)| tag.ends_with(b":"))?;
    Some(rest.trim_ascii_start())
}

/// A time alone, as of `docker logs --timestamps` and of Go's logger.
fn bare_time(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = syslog_time(line) {
        return Some(rest.trim_ascii_start());
    }
    let (time, rest) = line.split_at_checked("2026/03/10 11:20:52".len())?;
    timestamp::iso8601(time).ok()?;
    rest.strip_prefix(b" ")
}

/// What follows the host in front of a line of which only a time was taken off: a collector's header without a tag.
pub(super) fn without_host<'a>(line: &'a [u8], names: &[&str]) -> Option<&'a [u8]> {
    if names.last() != Some(&"time") {
        return None;
    }
    word(line).filter(|(host, _)| is_host(host)).map(|(_, rest)| rest.trim_ascii_start())
}

fn is_host(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%' | b'/'))
}

/// What follows `Mar 10 11:20:52 `, with a year and a fraction or without, or an ISO time.
fn syslog_time(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = iso_time(line) {
        return Some(rest);
    }
    timestamp::month(line.first_chunk()?)?;
    let rest = line.get(3..)?.strip_prefix(b" ")?.trim_ascii_start();
    let (_, rest) = word(rest).filter(|(day, _)| timestamp::number(day).is_some_and(|d| (1..=31).contains(&d)))?;
    let (next, rest) = word(rest)?;
    let (clock, rest) = if timestamp::number(next).is_some_and(|year| (1970..=2105).contains(&year)) {
        word(rest)?
    } else {
        (next, rest)
    };
    let is_clock = clock.len() >= 8 && clock.get(2) == Some(&b':') && clock.get(5) == Some(&b':');
    is_clock.then_some(rest)
}

/// What follows `2026-03-10T11:20:52Z `.
fn iso_time(line: &[u8]) -> Option<&[u8]> {
    matches!(line.get(4), Some(b'-' | b'/')).then_some(())?;
    word(line).filter(|(time, _)| timestamp::iso8601(time).is_ok()).map(|(_, rest)| rest)
}

/// `<191>`.
fn priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|b| *b == b'>')?;
    timestamp::number(rest.get(..end)?)?;
    rest.get(end + 1..)
}

/// `[pod/web-7d9/nginx] ` of kubectl, `web-1  | ` of Docker Compose, `web.1.x7@node  | ` of Swarm, `0|web  | ` of PM2.
fn container_name(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = line.strip_prefix(b"[pod/") {
        return rest.get(memchr(b']', rest)? + 1..)?.strip_prefix(b" ");
    }
    let end = line
        .iter()
        .take(64)
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'|')))?;
    let rest = line.get(end..)?.trim_ascii_start();
    (end > 0 && line.get(end) == Some(&b' ')).then_some(rest)?.strip_prefix(b"| ")
}

/// `haproxy[14389]: `, where what stood before it was cut away; `ACCESS ` of Emissary and Ambassador, before Envoy's own.
fn tag(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = line.strip_prefix(b"ACCESS ").filter(|rest| rest.starts_with(b"[")) {
        return Some(rest);
    }
    let (tag, rest) = word(line)?;
    let pid = tag.strip_suffix(b"]:")?;
    let open = memchr(b'[', pid)?;
    (is_host(pid.get(..open)?) && timestamp::number(pid.get(open + 1..)?).is_some()).then_some(rest)
}

/// `INFO:werkzeug:` of Python's loggers, `I, [2026-03-10T10:20:52.123456 #7]  INFO -- : ` of Ruby's.
fn logger(line: &[u8]) -> Option<&[u8]> {
    const LEVELS: [&[u8]; 6] = [b"DEBUG", b"INFO", b"WARN", b"WARNING", b"ERROR", b"CRITICAL"];
    /// No head of Ruby's is longer.
    const HEAD_MAX: usize = 120;
    if let [b'D' | b'I' | b'W' | b'E' | b'F' | b'A', b',', b' ', b'[', ..] = line {
        let head = line.get(..HEAD_MAX).unwrap_or(line);
        let dashes = memmem::find(head, b" -- ")?;
        let colon = memmem::find(head.get(dashes..)?, b": ")?;
        return line.get(dashes + colon + 2..);
    }
    let (level, rest) = line.split_at_checked(memchr(b':', line.get(..9).unwrap_or(line))?)?;
    let rest = LEVELS.contains(&level).then_some(rest)?.strip_prefix(b":")?;
    let (name, rest) = rest.split_at_checked(memchr2(b':', b' ', rest)?)?;
    (is_host(name)).then_some(rest)?.strip_prefix(b":")
}

/// `/var/log/nginx/access.log:` or `access.log.1:42:`, as grep puts it in front.
fn file_name(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = line.split_at_checked(memchr2(b':', b' ', line)?)?;
    let is_path = name.windows(3).any(|part| part == b"log") && name.iter().all(u8::is_ascii_graphic);
    let rest = rest.strip_prefix(b":").filter(|_| is_path && !matches!(name, [b'{' | b'[' | b'"', ..]))?;
    let digits = timestamp::digits(rest, 12);
    Some(rest.get(digits..).filter(|_| digits > 0).and_then(|rest| rest.strip_prefix(b":")).unwrap_or(rest))
}

/// What loggers write before an object, as Caddy on a terminal or CEE's `@cee: `.
fn text_before_json(line: &[u8]) -> Option<&[u8]> {
    let object = line.strip_suffix(b"}").and_then(|line| memmem::find(line, b"{\""))?;
    line.get(object..).filter(|_| object > 0)
}

/// A word and what follows the blank after it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b' ', text).filter(|end| *end > 0)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" 401 179";

    fn peeled(line: &str) -> Option<String> {
        let (mut work, mut text) = (Workspace::default(), Vec::new());
        let (inner, _) = peel(line.as_bytes(), &mut work, &mut text)?;
        Some(String::from_utf8_lossy(inner).into_owned())
    }

    #[test]
    fn every_wrapper_comes_off() {
        for prefix in [
            "<190>Mar 10 11:20:52 www nginx: ",
            "<13>Mar  1 11:20:52 www nginx[7]: ",
            "Mar 10 11:20:52 www.example.com nginx[7]: ",
            "Mar 10 2026 11:20:52.123 www nginx: ",
            "Mar 10 11:20:52 nginx: ",
            "2026-03-10T11:20:52.123456+01:00 www haproxy[7]: ",
            "2026-03-10T11:20:52Z ",
            "2026/03/10 11:20:52 ",
            "<165>1 2026-03-10T10:20:52.003Z www nginx 7 - - ",
            "<158>1 2026-03-10T10:20:52.003Z host heroku router - ",
            "<165>1 2026-03-10T10:20:52.003Z www nginx 7 ID47 [a@1 x=\"\\]\" y=\"]\"][b] \u{feff}",
            "2026-03-10T10:20:52.003Z stdout F ",
            "2026-03-10T10:20:52.003Z stderr P ",
            "[pod/web-7d9/nginx] ",
            "web_1  | ",
            "web.1.x7f@node  | ",
            "0|web  | ",
            "nginx[42]: ",
            "INFO:werkzeug:",
            "I, [2026-03-10T10:20:52.123456 #7]  INFO -- : ",
            "/var/log/nginx/access.log:",
            "access.log.2.gz:42:",
            "web-1 | 2026-03-10T10:20:52.003Z stdout F Mar 10 11:20:52 www nginx: ",
        ] {
            assert_eq!(peeled(&format!("{prefix}{LINE}")).as_deref(), Some(LINE), "{prefix}");
        }
        let escaped = LINE.replace('"', "\\\"");
        for (before, after) in [
            ("{\"log\":\"", "\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-10T10:20:52.1Z\"}"),
            ("{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"", "\"}"),
            ("2026/03/10 10:20:52.123\tINFO\tapp\t{\"msg\":\"", "\"}"),
            ("Mar 10 11:20:52 www app: {\"message\":\"Mar 10 11:20:52 www nginx: ", "\"}"),
        ] {
            assert_eq!(peeled(&format!("{before}{escaped}{after}")).as_deref(), Some(LINE), "{before}");
        }
        assert_eq!(peeled("{\"MESSAGE\":[71,69,84,255]}").as_deref(), Some("GET\u{fffd}"));
    }

    #[test]
    fn lines_without_a_wrapper_keep_what_they_have() {
        for line in [LINE, "", "{}", "log", "x[y]: z", "<1>", "<x>Mar 10", "Mar 10 11:20:52", "[pod/"] {
            let got = peeled(line);
            assert!(got.is_none(), "{line}: {got:?}");
        }
    }
}
