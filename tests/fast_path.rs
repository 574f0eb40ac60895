//! The fast parser against its slow twin: where it answers at all, it answers the same.

use crate::support::fixture;
use authfault::{
    model::event::Event,
    parse::{
        ClfMemo, FORMATS, Format, Parser, Scratch,
        fast::{self, Layout},
    },
};
use proptest::prelude::*;

/// The formats that have a fast path.
fn formats() -> Vec<(&'static Format, Layout)> {
    FORMATS.iter().filter_map(|f| Layout::of(f.id).map(|layout| (*f, layout))).collect()
}

/// The quotes of a line.
fn quotes(line: &[u8]) -> Vec<u32> {
    line.iter().enumerate().filter(|(_, b)| **b == b'"').map(|(at, _)| at as u32).collect()
}

/// Holds one line against the twin; tells whether the fast path answered. The clock is carried on from line to line,
/// as in a scan.
fn check(line: &[u8], layout: Layout, slow: &Parser, clock: &mut ClfMemo) -> bool {
    let Some(event) = fast::parse(line, 0, &quotes(line), layout, clock) else { return false };
    let mut scratch = Scratch::default();
    let expected: Result<Event<'_>, _> = slow.parse(line, &mut scratch);
    assert_eq!(Ok(event), expected, "{layout:?}: {}", line.escape_ascii());
    true
}

/// Lines of a fixture, whatever its format.
fn fixture_lines() -> Vec<Vec<u8>> {
    let texts = FORMATS.iter().map(|f| std::fs::read(fixture(&format!("formats/{}.log", f.id))).unwrap());
    texts.flat_map(|text| text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
}

#[test]
fn it_answers_for_every_example_of_its_formats() {
    assert_eq!(formats().len(), 5, "a format with a fast path is missing here");
    for (format, layout) in formats() {
        assert!(check(format.example.as_bytes(), layout, &format.compile(), &mut ClfMemo::default()), "{}", format.id);
    }
}

#[test]
fn it_agrees_on_every_line_of_every_fixture() {
    let lines = fixture_lines();
    for (format, layout) in formats() {
        let (slow, mut clock) = (format.compile(), ClfMemo::default());
        let answered = lines.iter().filter(|line| check(line, layout, &slow, &mut clock)).count();
        assert!(answered >= 2, "{}: only {answered} lines were read fast", format.id);
    }
}

/// Each byte of each example replaced by each byte that means something to a parser, and each prefix.
#[test]
fn it_agrees_on_every_small_change() {
    const BYTES: &[u8] = b"\"\\ -[]:,0/+\t\r\0A\xff";
    for (format, layout) in formats() {
        let (slow, mut clock) = (format.compile(), ClfMemo::default());
        let example = format.example.as_bytes();
        for at in 0..example.len() {
            check(&example[..at], layout, &slow, &mut clock);
            for byte in BYTES {
                let mut line = example.to_vec();
                line[at] = *byte;
                check(&line, layout, &slow, &mut clock);
                line.insert(at, *byte);
                check(&line, layout, &slow, &mut clock);
            }
            let mut shorter = example.to_vec();
            shorter.remove(at);
            check(&shorter, layout, &slow, &mut clock);
        }
    }
}

/// Fields that somebody chose in order to be misread.
fn field() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "-",
        "a",
        " ",
        "  ",
        "\"",
        "\\",
        "\\\"",
        "\\\\",
        "\\x22",
        "[",
        "]",
        "] \"",
        "\" 200 5 \"",
        "\" \"",
        ",",
        ", ",
        ":",
        "::1",
        "192.0.2.7",
        "alice",
        "bob b",
        " [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" 200 5",
        "GET / HTTP/1.1",
        "HTTP/1.1",
        " HTTP/",
        "200",
        "401",
        "0",
        "00",
        "99999999999999999999",
        "\r",
        "\t",
        "\0",
        "\u{e9}",
        "/",
        "?",
        "a.example:443",
        "%22",
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(PIECES), 0..5).prop_map(|p| p.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

/// Mostly the first text.
fn usual(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let first = texts.first().map_or(&b""[..], |text| text.as_bytes()).to_vec();
    prop_oneof![
        12 => Just(first),
        4 => prop::sample::select(texts).prop_map(|t| t.as_bytes().to_vec()),
        1 => field(),
    ]
}

/// A line in the shape of the family, each field usual or hostile.
fn shaped() -> impl Strategy<Value = Vec<u8>> {
    let front = (
        usual(&["", "www.example.com:443 ", "a:80 ", ":1 ", "[::1]:80 "]),
        usual(&["192.0.2.7", "2001:db8::7", "gate.example.net", "X.X.X.X", "-"]),
        usual(&["-", "-", "ident"]),
        usual(&["-", "alice", "bob b", "\"\"", "a - b"]),
        usual(&[
            "10/Mar/2026:11:20:52 +0100",
            "31/Dec/1999:23:59:60 -0930",
            "29/Feb/2026:00:00:00 +0000",
            "10/mar/2026:11:20:52 +0100",
        ]),
    );
    let back = (
        usual(&[
            "GET / HTTP/1.1",
            "POST /a?b=c HTTP/2.0",
            "-",
            "",
            "GET /",
            "get / HTTP/1.1",
            "GET  HTTP/1.1",
            "GET /a b HTTP/1.1",
            "\\x16\\x03",
        ]),
        usual(&["200", "401", "403", "099", "1000", "20", "999", "-"]),
        usual(&["0", "179", "-", "", "18446744073709551616", "+1"]),
        usual(&[
            "",
            " \"-\" \"curl/8.5.0\"",
            " \"https://example.com/\" \"-\"",
            " \"-\" \"a\" \"192.0.2.1\"",
            " \"-\" \"a\" 12 34",
            " \"-\" \"a\" 1",
            " \"\\\\\" \"a\"",
        ]),
        usual(&["", "", "\r", " "]),
    );
    (front, back).prop_map(|((vhost, client, ident, user, time), (request, status, size, tail, end))| {
        let mut line = Vec::new();
        for part in [
            &vhost[..],
            &client,
            b" ",
            &ident,
            b" ",
            &user,
            b" [",
            &time,
            b"] \"",
            &request,
            b"\" ",
            &status,
            b" ",
            &size,
            &tail,
            &end,
        ] {
            line.extend_from_slice(part);
        }
        // A line holds no newline: the scan cuts there.
        line.retain(|b| *b != b'\n');
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_on_hostile_lines(lines in prop::collection::vec(shaped(), 1..6)) {
        for (format, layout) in formats() {
            let (slow, mut clock) = (format.compile(), ClfMemo::default());
            for line in &lines {
                check(line, layout, &slow, &mut clock);
            }
        }
    }

    /// The positions are claims: wrong ones must not make it read outside the line.
    #[test]
    fn positions_that_are_wrong_do_no_harm(line in shaped(), start in 0usize..3, mut at in prop::collection::vec(0u32..300, 0..9)) {
        at.sort_unstable();
        at.dedup();
        for (_, layout) in formats() {
            let _ = fast::parse(&line, start, &at, layout, &mut ClfMemo::default());
        }
    }
}

/// If shaped lines never took the fast path, the test above would prove nothing.
#[test]
fn hostile_lines_do_take_the_fast_path() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut answered = 0;
    for _ in 0..4000 {
        let line = shaped().new_tree(&mut runner).unwrap().current();
        answered +=
            formats().iter().filter(|(f, layout)| check(&line, *layout, &f.compile(), &mut ClfMemo::default())).count();
    }
    assert!(answered >= 100, "only {answered} of 4000 lines");
}
