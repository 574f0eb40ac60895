//! The story of `authfault doctor`: read every line of each file, keep what does not fit, and say what lines of this
//! kind can tell.

use super::{Formats, advice, source};
use crate::{
    error::Error,
    input::{Discovery, LogFile, Source, StreamChunks, TARGET_CHUNK_BYTES},
    model::{
        diagnosis::{Diagnosis, Field, FileDiagnosis, Limit, Misfit, Remedy, Sample},
        event::{Event, Rejection},
        logged::Logged,
    },
    parse::{
        self, LineParser, Scratch,
        pieces::{self, Joined, Open, Stretch},
    },
};
use std::collections::BTreeMap;

/// Bytes kept of a line, and of a token.
const TEXT_BYTES_MAX: usize = 512;
const TOKEN_BYTES_MAX: usize = 40;
/// Kinds of misfit that are told apart; more count under their reason alone.
const MISFITS_MAX: usize = 200;
/// Kinds of misfit that are shown.
const MISFITS_SHOWN: usize = 12;
/// As the analysis has it.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Looks at every file. What could not be read comes beside.
#[must_use]
pub fn diagnose(found: Discovery, formats: &Formats) -> (Diagnosis, Vec<Error>) {
    let Discovery { files, mut problems, .. } = found;
    let mut diagnosis = Diagnosis::default();
    for file in &files {
        let mut doctor = Doctor::new(file);
        let read = doctor.read(file, formats);
        // Of what is no text at all there is nothing more to say.
        let is_text = read.is_ok() || doctor.found.lines > 0;
        problems.extend(read.err());
        if is_text {
            diagnosis.files.push(doctor.finish());
        }
    }
    (diagnosis, problems)
}

/// What is known of one file so far.
struct Doctor {
    found: FileDiagnosis,
    /// By reason and what stands where the line stops fitting.
    misfits: BTreeMap<(&'static str, Vec<u8>), Misfit>,
    formats: BTreeMap<usize, u64>,
    /// While no line was read.
    first_misfit: Option<Vec<u8>>,
    seen: Seen,
}

/// Which fields any line had.
#[derive(Default)]
struct Seen {
    vhost: bool,
    agent: bool,
    user: bool,
    upstream: bool,
    forwarded: bool,
    bytes: bool,
    protocol: bool,
    referer: bool,
}

impl Doctor {
    fn new(file: &LogFile) -> Self {
        Self {
            found: FileDiagnosis { path: file.name.clone(), ..FileDiagnosis::default() },
            misfits: BTreeMap::new(),
            formats: BTreeMap::new(),
            first_misfit: None,
            seen: Seen::default(),
        }
    }

    fn read(&mut self, file: &LogFile, formats: &Formats) -> Result<(), Error> {
        match file.open()? {
            Source::Empty => {}
            Source::Mapped(map) => self.chunk(map.as_bytes(), formats, &mut None),
            Source::Stream(stream) => {
                let mut reader = None;
                for chunk in StreamChunks::new(stream, &file.path, TARGET_CHUNK_BYTES) {
                    self.chunk(&chunk?, formats, &mut reader);
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, text: &[u8], formats: &Formats, reader: &mut Option<LineParser>) {
        let mut parser = reader.take().unwrap_or_else(|| source::parser_for(text, formats));
        let mut scratch = Scratch::default();
        for stretch in pieces::stretches(text, Open::default()) {
            match stretch {
                Stretch::Line(line) => {
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    parser = formats.readers.w3c(line).unwrap_or(parser);
                    self.line(line, &parser, &mut scratch);
                }
                Stretch::Lines(lines) => self.together(&lines, &parser, &mut scratch),
            }
        }
        *reader = Some(parser);
    }

    /// Lines among which are pieces of one: as one where that fits a format, its other pieces counted as blank, else
    /// each by itself.
    fn together(&mut self, lines: &[&[u8]], parser: &LineParser, scratch: &mut Scratch) {
        let mut whole = pieces::joined(lines);
        whole.retain(|joined| joined.line.len() <= LINE_BYTES_MAX && parser.parse(&joined.line, scratch).is_ok());
        for (at, line) in lines.iter().enumerate() {
            match whole.iter().find(|joined| joined.pieces.contains(&at)) {
                Some(Joined { pieces, line }) if pieces.first() == Some(&at) => self.line(line, parser, scratch),
                Some(_) => {
                    self.found.lines += 1;
                    self.found.blank += 1;
                }
                None => self.line(line.strip_suffix(b"\r").unwrap_or(line), parser, scratch),
            }
        }
    }

    fn line(&mut self, line: &[u8], parser: &LineParser, scratch: &mut Scratch) {
        self.found.lines += 1;
        if parse::is_blank(line) {
            self.found.blank += 1;
            return;
        }
        let too_long = line.len() > LINE_BYTES_MAX;
        let parsed = if too_long {
            Err(Rejection::new(crate::model::event::Reason::TooLong, LINE_BYTES_MAX))
        } else {
            parser.parse(line, scratch)
        };
        match parsed {
            Ok((event, format)) => {
                self.found.parsed += 1;
                *self.formats.entry(format).or_default() += 1;
                self.seen.add(&event);
                self.found.zoneless |= event.zoneless;
                if self.found.sample.is_none() {
                    self.found.sample = Some(sample(self.found.lines, line, &event, parser));
                    self.found.wrappers = parse::wrappers_of(line);
                }
            }
            Err(rejection) => self.misfit(line, rejection, parser.format_id()),
        }
    }

    /// Of a file that is in no known format so far, the nearest one is asked.
    fn misfit(&mut self, line: &[u8], rejection: Rejection, format: &'static str) {
        self.found.rejected += 1;
        if self.found.rejected == 1 {
            self.first_misfit = Some(line.get(..LINE_BYTES_MAX).unwrap_or(line).to_vec());
        }
        let (nearest, rejection) = match self.found.parsed {
            0 => {
                let (nearest, rejection) = parse::nearest(line.get(..LINE_BYTES_MAX).unwrap_or(line));
                (nearest.id, rejection)
            }
            _ => (format, rejection),
        };
        let reason = rejection.reason.text();
        let token = token_at(line, rejection.column);
        let key = if self.misfits.len() < MISFITS_MAX { (reason, token.to_vec()) } else { (reason, Vec::new()) };
        let first_line = self.found.lines;
        let misfit = self.misfits.entry(key).or_insert_with(|| Misfit {
            reason,
            nearest,
            lines: 0,
            first_line,
            column: (rejection.column as u64).saturating_add(1),
            token: Logged::new(token),
            text: Logged::new(line.get(..TEXT_BYTES_MAX).unwrap_or(line)),
        });
        misfit.lines += 1;
    }

    fn finish(mut self) -> FileDiagnosis {
        let name = |format: usize| parse::id_of(format).to_owned();
        let most = self.formats.iter().max_by_key(|(format, lines)| (**lines, std::cmp::Reverse(**format)));
        self.found.format = most.map(|(format, _)| name(*format)).unwrap_or_default();
        self.found.formats = self.formats.iter().map(|(format, lines)| (name(*format), *lines)).collect();
        let mut misfits: Vec<Misfit> = self.misfits.into_values().collect();
        misfits.sort_by_key(|misfit| (std::cmp::Reverse(misfit.lines), misfit.first_line));
        misfits.truncate(MISFITS_SHOWN);
        self.found.misfits = misfits;
        if self.found.parsed == 0 {
            self.found.advice = self.first_misfit.map(|line| Logged::new(advice::on(&line).as_bytes()));
        } else {
            self.found.limits = self.seen.limits(self.found.zoneless);
            self.found.remedies = remedies(&self.found.limits);
        }
        self.found
    }
}

impl Seen {
    fn add(&mut self, event: &Event<'_>) {
        self.vhost |= !event.vhost.is_empty();
        self.agent |= !event.agent.is_empty();
        self.user |= !event.user.is_empty();
        self.upstream |= !event.upstream.is_empty();
        self.forwarded |= !event.forwarded_for.is_empty();
        self.bytes |= event.bytes > 0;
        self.protocol |= !event.protocol.is_empty();
        self.referer |= !event.referer.is_empty();
    }

    /// What follows from what no line has.
    fn limits(&self, zoneless: bool) -> Vec<Limit> {
        let all = [
            (self.vhost, "virtual host", "a fault of one of several sites shows only as a share of all"),
            (
                self.agent,
                "user agent",
                "everybody behind one address is one client, and what hits one browser or app is not told",
            ),
            (
                self.forwarded,
                "client behind a proxy",
                "where a proxy or load balancer stands in front, all clients may be one address; name it with --trusted-proxy",
            ),
            (self.upstream, "upstream", "one bad application server of several shows only as a share of failures"),
            (
                self.user,
                "user name",
                "with cookies or tokens, credentials that are missing, wrong and expired look alike",
            ),
            (self.bytes, "size", "the server's own error page is not told from the application's"),
            (self.protocol, "protocol", "what hits one HTTP version alone is not told"),
            (self.referer, "referer", "files embedded by other sites are not told from other refusals"),
            (!zoneless, "time zone", "times are read as UTC unless --tz names the server's zone"),
        ];
        let missing = all.into_iter().filter(|(is_there, ..)| !is_there);
        missing.map(|(_, missing, consequence)| Limit { missing, consequence }).collect()
    }
}

/// The formats that log whatever a server can tell, if one of those fields is missing. Both are read without being
/// told.
fn remedies(limits: &[Limit]) -> Vec<Remedy> {
    let is_cured = |limit: &Limit| !matches!(limit.missing, "user name" | "referer" | "size" | "protocol");
    if !limits.iter().any(is_cured) {
        return Vec::new();
    }
    let template = |id| parse::by_id(id).map(|format| format.template).unwrap_or_default();
    vec![
        Remedy {
            server: "nginx",
            text: format!(
                "log_format main_ext '{}';\naccess_log /var/log/nginx/access.log main_ext;",
                template("main_ext")
            ),
        },
        Remedy {
            server: "Apache",
            text: format!(
                "LogFormat \"{}\" vhost_extended\nCustomLog ${{APACHE_LOG_DIR}}/access.log vhost_extended",
                template("vhost_extended").replace('"', "\\\"")
            ),
        },
    ]
}

fn sample(number: u64, line: &[u8], event: &Event<'_>, parser: &LineParser) -> Sample {
    let field = |name: &str, value: &[u8]| Field { name: name.to_owned(), value: Logged::new(value) };
    let (time, status, bytes) = (event.time.rfc3339(), event.status.to_string(), event.bytes.to_string());
    let read_as = [
        ("time", time.as_bytes()),
        ("client", event.client),
        ("user", event.user),
        ("vhost", event.vhost),
        ("method", event.method),
        ("target", event.target),
        ("protocol", event.protocol),
        ("status", status.as_bytes()),
        ("bytes", bytes.as_bytes()),
        ("referer", event.referer),
        ("agent", event.agent),
        ("forwarded_for", event.forwarded_for),
        ("upstream", event.upstream),
    ];
    let cut = |text: &[u8]| text.get(..TEXT_BYTES_MAX).unwrap_or(text).to_vec();
    Sample {
        line: number,
        text: Logged::new(&cut(line)),
        fields: parser.take_apart(line).iter().map(|(name, value)| field(name, &cut(value))).collect(),
        read_as: read_as
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| field(name, &cut(value)))
            .collect(),
    }
}

/// The word at a column.
fn token_at(line: &[u8], column: usize) -> &[u8] {
    let rest = line.get(column..).unwrap_or_default();
    let end = rest.iter().skip(1).position(|b| matches!(b, b' ' | b'\t')).map_or(rest.len(), |end| end + 1);
    rest.get(..end.min(TOKEN_BYTES_MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever does what the doctor says gets a log that is read without being told how, and lacks nothing it named.
    #[test]
    fn what_is_recommended_is_known() {
        let limits = Seen::default().limits(true);
        assert_eq!(limits.len(), 9);
        for remedy in remedies(&limits) {
            let statement = remedy.text.lines().next().unwrap_or_default();
            let parser = parse::Parser::from_template(statement).map_err(|e| e.to_string());
            assert!(parser.is_ok_and(|parser| parser.missing().is_empty()), "{statement}");
        }
        assert!(remedies(&[Limit { missing: "user name", consequence: "" }]).is_empty());
    }
}
