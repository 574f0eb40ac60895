//! From a line to an [`Event`]. Owns every format of log lines and the choice between them; knows no files, no
//! threads and no statistics.
//!
//! - `timestamp.rs`, `strftime.rs`: written times to UTC
//! - `template.rs` (grammar), `variables.rs` (meanings), `compile.rs` (steps): the text of a format to a `Plan`
//! - `values.rs`: what the text of a field means
//! - `plan.rs`: a line by a plan; `json.rs`, `pairs.rs`: by its keys; `columns.rs`: by its columns; `loose.rs`: by the
//!   looks of its fields, and `iis.rs` those of IIS; `slots.rs`: what most of these put together; `parser.rs`: any of them
//! - `server_config.rs`: which formats and logs a server is configured with
//! - `wrappers.rs`: what loggers put around a line; `pieces.rs`: lines that they cut in pieces; `settings.rs`: what the operator says about zone and client
//! - `formats/`: the known formats; `detect.rs`: which of them a file is in, and reading lines that may be in another,
//!   spared the formats that `needs.rs` rules out
//!
//! A line that does not fit is no error but a [`Rejection`]: a reason and a column. No line costs more than time in
//! proportion to its length, and none can stop the run.
//!
//! [`Event`]: crate::model::event::Event
//! [`Rejection`]: crate::model::event::Rejection

mod columns;
mod compile;
mod detect;
pub mod fast;
mod formats;
mod iis;
mod json;
mod loose;
pub mod marks;
mod needs;
mod pairs;
mod parser;
pub mod pieces;
mod plan;
mod server_config;
mod settings;
mod slots;
mod strftime;
mod template;
mod timestamp;
mod values;
mod variables;
mod wrappers;
mod zone;

pub use columns::{Columns, Separator};
pub use detect::{
    FIELDS, Guess, LineParser, Readers, SAMPLE_LINES, fast_layout, fields_of, guess, is_blank, nearest, wrappers_of,
};
pub use formats::{FORMATS, Format, Layout, by_id, id_of, index_of};
pub use json::{JsonPlan, Keys};
pub use pairs::{Pairs, Style};
pub use parser::{Parser, Scratch};
pub use plan::Plan;
pub use server_config::{ConfiguredLog, ServerConfig};
pub use settings::{Settings, json_field, network};
pub use slots::Slot;
pub use template::{Syntax, TemplateError};
pub use timestamp::{ClfMemo, any_form, clf, epoch, iso8601};
pub use zone::{zone, zone_of};

#[cfg(test)]
mod tests {
    //! What holds for every line and every template, tried on random ones.

    use super::*;
    use crate::model::event::Rejection;
    use proptest::prelude::*;

    /// Pieces that lines and templates are made of, valid and not.
    const PIECES: &[&str] = &[
        "192.0.2.7",
        "2001:db8::7",
        " - ",
        "-",
        " ",
        "\"",
        "\\",
        "\\\"",
        "\\x22",
        "[",
        "]",
        " [",
        "] \"",
        "\" ",
        "\" \"",
        "\0",
        "\r",
        ",",
        ", ",
        " : ",
        ":",
        "10/Mar/2026:11:20:52 +0100",
        "[10/Mar/2026:11:20:52 +0100]",
        "31/Feb/2026:11:20:52 +0100",
        "GET / HTTP/1.1",
        "200",
        "401",
        "9999",
        "0.012",
        "www.example.com",
        "www.example.com:443",
        "{",
        "}",
        "{\"",
        "\":",
        "\"status\":200",
        "\"remote_addr\":\"192.0.2.7\"",
        "\"time\":1773138052",
        "\\u00e9",
        "\u{e9}",
        "$remote_addr",
        "${status}",
        "$time_local",
        "$request",
        "$",
        "%h",
        "%>s",
        "%t",
        "%{%F %T}t",
        "%{",
        "%!200",
        "%",
        "log_format x '",
        "';",
        "LogFormat \"",
        "Mar 10 11:20:52 www nginx: ",
        "2026-03-10T10:20:52Z stdout F ",
        "{\"log\":\"",
    ];

    fn from_pieces() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat().into_bytes())
    }

    /// An example line with a few bytes changed, a piece put in, or its end cut off.
    fn mutated() -> impl Strategy<Value = Vec<u8>> {
        let example = prop::sample::select(FORMATS).prop_map(|f| f.example.as_bytes().to_vec());
        let edits = prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0usize..6, prop::sample::select(PIECES)),
            0..4,
        );
        (example, edits).prop_map(|(mut line, edits)| {
            for (at, byte, kind, piece) in edits {
                let at = at.index(line.len() + 1);
                match kind {
                    0 => line.truncate(at),
                    1 => drop(line.splice(at..at, piece.bytes())),
                    2 => drop(line.splice(at..(at + 3).min(line.len()), [])),
                    _ => line[at..].iter_mut().take(1).for_each(|b| *b = byte),
                }
            }
            line
        })
    }

    fn lines() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![mutated(), mutated(), from_pieces(), prop::collection::vec(any::<u8>(), 0..120)]
    }

    /// What [`LineParser::parse`] means, without its short cuts; the event as text, and its format.
    fn slowly(primary: &Format, line: &[u8]) -> Result<(String, usize), Rejection> {
        let (loose, strict) = FORMATS.split_last().unwrap_or((&FORMATS[0], &[]));
        let primary = if primary.id == loose.id { FORMATS[0] } else { primary };
        let others = strict.iter().copied().filter(|f| f.id != primary.id);
        let formats: Vec<&Format> = std::iter::once(primary).chain(others).collect();
        let mut peeling = Scratch::default();
        let peeled = wrappers::peel(line, &mut peeling.work, &mut peeling.peeled);
        let inner = peeled.as_ref().map(|(inner, _)| *inner);
        let without_host = peeled.as_ref().and_then(|(inner, names)| wrappers::without_host(inner, names));
        let texts = [Some(line), inner, without_host];
        let around = peeling.work.around.clone();
        let read = |format: &Format, text: &[u8]| {
            let mut scratch = Scratch::default();
            scratch.work.around.clone_from(&around);
            let event = format.compile().parse(text, &mut scratch).map(|event| format!("{event:?}"));
            event.map(|event| (event, format.index()))
        };
        let strictly = || texts.iter().flatten().find_map(|text| formats.iter().find_map(|f| read(f, text).ok()));
        let loosely = || read(loose, inner.unwrap_or(line)).ok();
        strictly().or_else(loosely).map_or_else(|| read(primary, line), Ok)
    }

    proptest! {
        #[test]
        fn the_short_cuts_change_nothing(line in lines(), primary in prop::sample::select(FORMATS)) {
            let mut scratch = Scratch::default();
            let said = LineParser::new(primary).parse(&line, &mut scratch).map(|(event, format)| (format!("{event:?}"), format));
            // Of a line that does not fit, the reason may be one inside its wrappers.
            prop_assert_eq!(said.ok(), slowly(primary, &line).ok());
        }

        #[test]
        fn a_format_is_guessed_for_each_line_that_any_reads(line in lines()) {
            let mut peeling = Scratch::default();
            let peeled = wrappers::peel(&line, &mut peeling.work, &mut peeling.peeled);
            let inner = peeled.map_or(line.as_slice(), |(inner, _)| inner);
            let is_read = |format: &Format, text: &[u8], around: &[u8]| {
                let mut scratch = Scratch::default();
                scratch.work.around.extend(around);
                format.compile().parse(text, &mut scratch).is_ok()
            };
            let (_, strict) = FORMATS.split_last().unwrap();
            let reads = |format: &&Format| is_read(format, &line, b"");
            let is_any = strict.iter().any(reads) || FORMATS.iter().any(|f| is_read(f, inner, &peeling.work.around));
            prop_assert_eq!(guess(&[&line]).is_some(), is_any && !is_blank(&line));
        }

        #[test]
        fn events_are_made_of_the_line(line in lines()) {
            for format in FORMATS {
                let mut scratch = Scratch::default();
                let parsed = format.compile().parse(&line, &mut scratch);
                match parsed {
                    Err(rejection) => prop_assert!(rejection.column <= line.len()),
                    Ok(event) => {
                        prop_assert!((100..=999).contains(&event.status) && !event.client.is_empty());
                        let fields = [event.client, event.user, event.vhost, event.method, event.target, event.protocol,
                            event.referer, event.agent, event.forwarded_for, event.upstream];
                        let within = |field: &[u8]| line.as_ptr_range().start <= field.as_ptr() && field.as_ptr_range().end <= line.as_ptr_range().end;
                        let is_text = matches!(format.layout, Layout::Text(_));
                        prop_assert!(!is_text || fields.iter().all(|f| f.is_empty() || within(f)), "{}", format.id);
                    }
                }
            }
            let _ = nearest(&line);
            let _ = guess(&[&line]);
        }

        #[test]
        fn any_template_compiles_or_says_why(text in from_pieces(), noise in any::<String>(), line in lines()) {
            for text in [String::from_utf8_lossy(&text).as_ref(), &noise] {
                match Parser::from_template(text) {
                    Ok(parser) => drop(parser.parse(&line, &mut Scratch::default())),
                    Err(error) => prop_assert!(error.to_string().starts_with("log format")),
                }
            }
        }
    }

    /// Quadratic work on any of these would take minutes.
    #[test]
    fn long_hostile_lines_take_one_pass() {
        let head = "192.0.2.7 - ";
        for piece in [
            "a",
            "\"",
            "\\",
            "\\\\\"",
            " ",
            " [",
            " [10/Mar/2026:11:20:52 +0100]",
            ", ",
            " : ",
            ":",
            "{",
            "[",
            "{\"a\":",
            "\0",
            "1",
            "{\"request\":",
            " HTTP/",
        ] {
            let line = format!("{head}{}", piece.repeat(200_000));
            let quoted = format!("{head}- [10/Mar/2026:11:20:52 +0100] \"{}", piece.repeat(200_000));
            for line in [line.as_bytes(), &line.as_bytes()[head.len()..], quoted.as_bytes()] {
                for primary in [FORMATS[0], FORMATS[FORMATS.len() - 1]] {
                    let _ = LineParser::new(primary).parse(line, &mut Scratch::default());
                }
                let _ = nearest(line);
            }
        }
    }

    #[test]
    fn the_guess_prefers_what_reads_lines_whole() {
        let [combined, main, plus] =
            ["combined", "main", "combined_plus"].map(|id| by_id(id).map_or("", |f| f.example).as_bytes());
        let id = |lines: &[&[u8]]| guess(lines).map(|g| (g.format.id, g.fits, g.of));
        assert_eq!(id(&[]), None);
        assert_eq!(id(&[b"", b"#Fields: date", b"gibberish"]), None);
        assert_eq!(id(&[b"", combined, b"gibberish"]), Some(("combined", 1, 2)));
        assert_eq!(id(&[combined, main]), Some(("combined", 1, 2)));
        assert_eq!(id(&[combined, main, main]), Some(("main", 2, 3)));
        assert_eq!(id(&[combined, plus]), Some(("combined", 1, 2)));
        assert_eq!(id(&[combined, plus, plus]), Some(("combined_plus", 2, 3)));
        // Both halves begin alike; what leaves the end unread would read all, and say less.
        assert_eq!(id(&[main, main, plus]), Some(("main", 2, 3)));
    }

    #[test]
    fn the_nearest_format_explains_a_bad_line() {
        let near = |line: &[u8]| {
            let (format, rejection) = nearest(line);
            (format.id, rejection.reason.text(), rejection.column)
        };
        let main = by_id("main").map_or("", |f| f.example).as_bytes();
        assert_eq!(near(b"{\"remote_addr\":\"192.0.2.7\"}"), ("json", "required field absent", 27));
        assert_eq!(
            near(b"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" - 17"),
            ("combined", "no status", 60)
        );
        assert_eq!(near(&main[..main.len() - 1]), ("main", "line cut short", main.len() - 1));
    }
}
