//! The formats that are known without being told. Owns the table; each file beside this one is one of them.
//!
//! To add one: a file that exports `FORMAT`, a line in [`FORMATS`], and a pair `fixtures/formats/<id>.log` and
//! `<id>.expected.tsv`. The tests below fail until all three are there.

use super::{
    columns::{Columns, Separator},
    json::{JsonPlan, Keys},
    pairs::{Pairs, Style},
    parser::{Parser, Scratch},
    plan::Plan,
    settings::Settings,
    slots::Slot,
    template::Syntax,
};

mod alb;
mod apisix;
mod artifactory;
mod artifactory6;
mod bitbucket;
mod bunny;
mod caddy;
mod chi;
mod clf_like;
mod cloud_controller;
mod cloudfront;
mod cloudfront_realtime;
mod combined;
mod combined_forwarded;
mod combined_plus;
mod combined_timed;
mod combinedio;
mod common;
mod confluence;
mod confluence_forwarded;
mod couchdb;
mod elb;
mod envoy;
mod forwarded_combined;
mod forwarded_host;
mod gcs;
mod gin;
mod gitea;
mod glassfish;
mod gorouter;
mod gorouter_direct;
mod haproxy;
mod ident_common;
mod iis6;
mod iis_any;
mod iis_azure;
mod iis_full;
mod iis_native;
mod iis_short;
mod incapsula;
mod ingress_nginx;
mod ingress_nginx_old;
mod ingress_nginx_twice;
mod istio;
mod json;
mod lighttpd;
mod logfmt;
mod ltsv;
mod main;
mod main_ext;
mod main_labelled;
mod main_timed;
mod nexus;
mod npm_host;
mod npm_proxy;
mod npmplus;
mod oauth2_proxy;
mod s3;
mod squid;
mod synapse;
mod tornado;
mod traefik_clf;
mod traefik_json;
mod uwsgi;
mod vhost_combined;
mod vhost_common;
mod vhost_extended;
mod vhost_forwarded;
mod vhost_forwarded_main;
mod vhost_nginx;
mod w3c;
mod zoraxy;

/// One known format.
#[derive(Debug)]
pub struct Format {
    /// How it is called on the command line and in reports.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What kind of text its lines are.
    pub layout: Layout,
    /// The template as the server's configuration would have it, or the names of the columns; empty for JSON lines and
    /// labelled fields, whose keys are in `layout`.
    pub template: &'static str,
    /// Where it is specified.
    pub spec: &'static str,
    /// A line of it.
    pub example: &'static str,
}

/// What kind of text the lines of a format are.
#[derive(Debug)]
pub enum Layout {
    /// Fields between fixed texts, by a template in this syntax.
    Text(Syntax),
    /// JSON objects with these keys.
    Json(Keys),
    /// Columns, named in the template as [`Columns::new`] takes them.
    Columns(Separator),
    /// Labelled fields with these labels.
    Pairs(Style, Keys),
    /// Fields of IIS, found by their looks.
    Iis,
    /// Fields found by their looks.
    Loose,
}

/// Every known format, in the order in which they are tried: where a line fits two, the earlier one is meant. Those
/// that leave the end of the line unread come last.
pub const FORMATS: &[&Format] = &[
    &combined::FORMAT,
    &combinedio::FORMAT,
    &main::FORMAT,
    &main_timed::FORMAT,
    &main_labelled::FORMAT,
    &main_ext::FORMAT,
    &combined_timed::FORMAT,
    &combined_forwarded::FORMAT,
    &ingress_nginx_old::FORMAT,
    &ingress_nginx_twice::FORMAT,
    &ingress_nginx::FORMAT,
    &traefik_clf::FORMAT,
    &apisix::FORMAT,
    &vhost_combined::FORMAT,
    &vhost_extended::FORMAT,
    &vhost_nginx::FORMAT,
    &forwarded_combined::FORMAT,
    &vhost_forwarded::FORMAT,
    &vhost_forwarded_main::FORMAT,
    &forwarded_host::FORMAT,
    &lighttpd::FORMAT,
    &common::FORMAT,
    &vhost_common::FORMAT,
    &ident_common::FORMAT,
    &json::FORMAT,
    &caddy::FORMAT,
    &traefik_json::FORMAT,
    &npm_proxy::FORMAT,
    &npm_host::FORMAT,
    &npmplus::FORMAT,
    &zoraxy::FORMAT,
    &oauth2_proxy::FORMAT,
    &gin::FORMAT,
    &uwsgi::FORMAT,
    &haproxy::FORMAT,
    &w3c::FORMAT,
    &iis6::FORMAT,
    &iis_full::FORMAT,
    &iis_azure::FORMAT,
    &iis_short::FORMAT,
    &iis_any::FORMAT,
    &iis_native::FORMAT,
    &cloudfront::FORMAT,
    &cloudfront_realtime::FORMAT,
    &incapsula::FORMAT,
    &alb::FORMAT,
    &elb::FORMAT,
    &s3::FORMAT,
    &gcs::FORMAT,
    &envoy::FORMAT,
    &istio::FORMAT,
    &squid::FORMAT,
    &bunny::FORMAT,
    &artifactory::FORMAT,
    &artifactory6::FORMAT,
    &nexus::FORMAT,
    &bitbucket::FORMAT,
    &confluence::FORMAT,
    &confluence_forwarded::FORMAT,
    &synapse::FORMAT,
    &couchdb::FORMAT,
    &gorouter::FORMAT,
    &gorouter_direct::FORMAT,
    &cloud_controller::FORMAT,
    &glassfish::FORMAT,
    &chi::FORMAT,
    &tornado::FORMAT,
    &gitea::FORMAT,
    &ltsv::FORMAT,
    &logfmt::FORMAT,
    &combined_plus::FORMAT,
    &clf_like::FORMAT,
];

/// The id of a format by its index; that of the operator's own where there is none.
#[must_use]
pub fn id_of(index: usize) -> &'static str {
    FORMATS.get(index).map_or("custom", |format| format.id)
}

/// The other way round: the operator's own, and what this version does not know, get an index that no format has.
#[must_use]
pub fn index_of(id: &str) -> u16 {
    FORMATS.iter().position(|format| format.id == id).map_or(u16::MAX, |at| at as u16)
}

/// The format of an id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.id == id)
}

impl Format {
    /// Makes the format ready to read lines. A template of the table that does not compile would reject every line;
    /// a test keeps it from getting there.
    #[must_use]
    pub fn compile(&self) -> Parser {
        self.compile_for(&Settings::default())
    }

    /// As [`Format::compile`], with the operator's own fields before those that are known.
    pub(super) fn compile_for(&self, settings: &Settings) -> Parser {
        let client = settings.client.as_deref();
        let keys = |keys| {
            let chosen = client.map(|key| (key.to_owned(), Slot::Client));
            let own: Vec<_> = chosen.into_iter().chain(settings.json_fields.iter().cloned()).collect();
            JsonPlan::with(&own, keys)
        };
        match self.layout {
            Layout::Text(syntax) => {
                let plan = Plan::compile_for(self.template, syntax, client).unwrap_or_default();
                Parser::Text(plan.in_any_order())
            }
            Layout::Json(wanted) => Parser::Json(keys(wanted)),
            Layout::Columns(separator) => {
                let columns = Columns::new(self.template, separator);
                Parser::Columns(match client {
                    Some(name) => columns.with_client(name),
                    None => columns,
                })
            }
            Layout::Pairs(style, wanted) => Parser::Pairs(Pairs::new(style, keys(wanted))),
            Layout::Iis => Parser::Iis,
            Layout::Loose => Parser::Loose,
        }
    }

    /// What its lines say, by our names: as much of it as its example has.
    #[must_use]
    pub fn carries(&self) -> Vec<&'static str> {
        let mut scratch = Scratch::default();
        let Ok(event) = self.compile().parse(self.example.as_bytes(), &mut scratch) else { return Vec::new() };
        let texts = [
            ("client", event.client),
            ("user", event.user),
            ("vhost", event.vhost),
            ("method", event.method),
            ("target", event.target),
            ("protocol", event.protocol),
            ("referer", event.referer),
            ("agent", event.agent),
            ("forwarded_for", event.forwarded_for),
            ("upstream", event.upstream),
        ];
        let there = texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name);
        let time = if event.zoneless { "time without zone" } else { "time" };
        [time, "status"].into_iter().chain((event.bytes > 0).then_some("bytes")).chain(there).collect()
    }

    /// Its place in [`FORMATS`].
    #[must_use]
    pub fn index(&self) -> usize {
        FORMATS.iter().position(|f| f.id == self.id).unwrap_or(FORMATS.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            event::{Event, Rejection},
            logged::inert,
        },
        parse::{LineParser, Scratch, guess},
    };

    /// A row of `expected.tsv`.
    fn row(parsed: Result<Event<'_>, Rejection>) -> String {
        match parsed {
            Err(rejection) => format!("!{}@{}", rejection.reason.text(), rejection.column),
            Ok(e) => {
                let time = e.time.rfc3339();
                let (status, bytes) = (e.status.to_string(), e.bytes.to_string());
                let texts = [e.client, e.user, e.vhost, e.method, e.target, e.protocol].map(inert);
                let more = [e.referer, e.agent, e.forwarded_for, e.upstream].map(inert);
                [&[time], &texts[..], &[status, bytes], &more[..]].concat().join("\t")
            }
        }
    }

    fn fixture(name: &str) -> Vec<u8> {
        let path = format!("{}/fixtures/formats/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read(&path);
        assert!(text.is_ok(), "{path}: {text:?}: each format has its fixtures");
        text.unwrap_or_default()
    }

    fn lines(text: &[u8]) -> Vec<&[u8]> {
        text.strip_suffix(b"\n").unwrap_or(text).split(|b| *b == b'\n').collect()
    }

    #[test]
    fn ids_are_unique_and_templates_compile() {
        for format in FORMATS {
            assert_eq!(FORMATS.iter().filter(|f| f.id == format.id).count(), 1, "{}", format.id);
            assert_eq!(by_id(format.id).map(Format::index), Some(format.index()));
            if let Layout::Text(syntax) = format.layout {
                let missing = Plan::compile(format.template, syntax).map(|p| p.missing().to_vec());
                assert_eq!(missing, Ok(vec![]), "{}", format.id);
            }
            assert!(format.spec.starts_with("http"), "{}", format.id);
        }
    }

    #[test]
    fn each_example_is_read_and_guessed() {
        for format in FORMATS {
            let mut scratch = Scratch::default();
            let parsed = format.compile().parse(format.example.as_bytes(), &mut scratch);
            // Bunny CDN logs no method.
            let seen = parsed.map(|e| (e.client, e.status, if e.method.is_empty() { b"GET" } else { e.method }));
            assert_eq!(seen, Ok((&b"192.0.2.7"[..], 401, &b"GET"[..])), "{}", format.id);
            assert_eq!(guess(&[format.example.as_bytes()]).map(|g| g.format.id), Some(format.id));
        }
    }

    /// Whatever format the file is in, the example of any other says what it says alone; but for a format that leaves
    /// the end unread, which reads all that begins like it.
    #[test]
    fn each_example_is_read_among_lines_of_any_format() {
        let said = |e: Event<'_>| {
            format!("{:?}", (e.time, inert(e.client), inert(e.user), e.status, inert(e.target), e.bytes))
        };
        for primary in FORMATS.iter().filter(|format| format.id == "clf_like" || !format.compile().is_open_ended()) {
            let parser = LineParser::new(primary);
            for format in FORMATS {
                let (mut scratch, mut alone) = (Scratch::default(), Scratch::default());
                let among = parser.parse(format.example.as_bytes(), &mut scratch).map(|(event, _)| said(event));
                let alone = format.compile().parse(format.example.as_bytes(), &mut alone).map(said);
                assert_eq!(among, alone, "{} in {}", format.id, primary.id);
            }
        }
    }

    /// With `AUTHFAULT_BLESS` set, what is read becomes what is expected: look at the difference before keeping it.
    #[test]
    fn fixtures_are_read_as_expected() {
        for format in FORMATS {
            let log = fixture(&format!("{}.log", format.id));
            let (parser, mut scratch) = (format.compile(), Scratch::default());
            let rows: Vec<String> = lines(&log).iter().map(|line| row(parser.parse(line, &mut scratch))).collect();
            if std::env::var_os("AUTHFAULT_BLESS").is_some() {
                let path = format!("{}/fixtures/formats/{}.expected.tsv", env!("CARGO_MANIFEST_DIR"), format.id);
                assert!(std::fs::write(&path, rows.join("\n") + "\n").is_ok(), "{path}");
            }
            let expected = fixture(&format!("{}.expected.tsv", format.id));
            let expected = String::from_utf8_lossy(&expected);
            for (i, (row, expected)) in rows.iter().zip(expected.lines()).enumerate() {
                assert_eq!(row, expected, "{}.log, line {}", format.id, i + 1);
            }
            assert_eq!(rows.len(), expected.lines().count(), "{}: one row for each line", format.id);
            assert!(rows.iter().any(|r| r.starts_with('!')), "{}: a line that must not match", format.id);
            assert!(rows.iter().any(|r| !r.starts_with('!')), "{}: a line that must match", format.id);
        }
    }
}
