//! Lines to events: the fast path, its slow twin, and the guess of the format.
#![allow(missing_docs, clippy::expect_used, reason = "a bench: what is not as expected ends it")]

#[path = "../fixtures/loggen/generator.rs"]
mod generator;

use authfault::{
    input,
    parse::{self, ClfMemo, LineParser, Scratch, fast, marks::Marks},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generator::{Settings, Size, Written};
use std::hint::black_box;

const LINES: u64 = 20_000;

/// Lines read, and how many of them are 401 and 403.
type Answer = (u64, u64, u64);

fn settings() -> Settings {
    Settings { size: Size::Lines(LINES), clients: 5_000, ..Settings::default() }
}

fn expected(written: Written) -> Answer {
    (written.lines, written.unauthorized, written.forbidden)
}

fn counted(answer: &mut Answer, status: u16) {
    answer.0 += 1;
    answer.1 += u64::from(status == 401);
    answer.2 += u64::from(status == 403);
}

/// Every line by the slow twin alone.
fn slowly(log: &[u8], parser: &LineParser) -> Answer {
    let (mut answer, mut scratch) = (Answer::default(), Scratch::default());
    for line in input::lines(log) {
        if let Ok((event, _)) = parser.parse(line, &mut scratch) {
            counted(&mut answer, event.status);
            black_box(event);
        }
    }
    answer
}

/// As the scan does it: quotes and newlines in one pass, what the fast path leaves to its twin.
fn fast(log: &[u8], layout: fast::Layout, parser: &LineParser) -> Answer {
    let (mut answer, mut clock, mut scratch) = (Answer::default(), ClfMemo::default(), Scratch::default());
    let (mut marks, mut rest) = (Marks::default(), log);
    while !rest.is_empty() {
        let (mut start, mut found) = (0, marks.find(rest));
        while let Some((quotes, end)) = found.next_line(layout.quotes()) {
            let line = &rest[start..end];
            match fast::parse(line, start, quotes, layout, &mut clock) {
                Some(event) => {
                    counted(&mut answer, event.status);
                    black_box(event);
                }
                None => {
                    if let Ok((event, _)) = parser.parse(line, &mut scratch) {
                        counted(&mut answer, event.status);
                    }
                }
            }
            start = end + 1;
        }
        assert!(start > 0, "a line of this log is longer than a stretch");
        rest = &rest[start..];
    }
    answer
}

/// The same requests as nginx writes them with `escape=json`.
fn json_lines(log: &[u8]) -> Vec<u8> {
    let (parser, mut scratch) = (LineParser::new(parse::FORMATS[0]), Scratch::default());
    let mut json = Vec::new();
    for line in input::lines(log) {
        let (e, _) = parser.parse(line, &mut scratch).expect("a line");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!(
            "{{\"time_iso8601\":\"{}\",\"remote_addr\":\"{}\",\"remote_user\":\"{}\",\"request\":\"{} {} {}\",\"status\":{},\
             \"body_bytes_sent\":{},\"http_referer\":\"{}\",\"http_user_agent\":\"{}\",\"request_time\":0.012}}\n",
            e.time.rfc3339(),
            text(e.client),
            text(e.user),
            text(e.method),
            text(e.target),
            text(e.protocol),
            e.status,
            e.bytes,
            text(e.referer),
            text(e.agent)
        );
        json.extend(line.as_bytes());
    }
    json
}

fn benches(criterion: &mut Criterion) {
    let variants = [
        ("combined", "combined", settings()),
        ("combined, half IPv6", "combined", Settings { ipv6: 50, ..settings() }),
        ("combined, shuffled in 120 s", "combined", Settings { shuffle_secs: 120, ..settings() }),
        ("vhost_combined", "vhost_combined", Settings { has_vhost: true, ..settings() }),
    ];
    let mut group = criterion.benchmark_group("parse");
    for (name, format, settings) in variants {
        let (log, written) = generator::log(&settings);
        let format = parse::by_id(format).expect("a known format");
        let parser = LineParser::new(format);
        let layout = fast::Layout::of(format.id).expect("a fast format");
        assert_eq!(fast(&log, layout, &parser), expected(written), "{name}");
        assert_eq!(slowly(&log, &parser), expected(written), "{name}");
        group.throughput(Throughput::Bytes(written.bytes));
        group.bench_function(format!("fast, {name}"), |b| b.iter(|| fast(black_box(&log), layout, &parser)));
        if name == "combined" {
            group.bench_function(format!("slow, {name}"), |b| b.iter(|| slowly(black_box(&log), &parser)));
        }
    }
    let (log, written) = generator::log(&settings());
    let json = json_lines(&log);
    let parser = LineParser::new(parse::by_id("json").expect("a known format"));
    assert_eq!(slowly(&json, &parser), expected(written));
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("json", |b| b.iter(|| slowly(black_box(&json), &parser)));
    let template = r#"LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined"#;
    let readers = parse::Readers::default();
    let template = readers.template(template).expect("a template");
    let (layout, parser) = (parse::fast_layout(&template).expect("a known layout"), readers.custom(&template));
    assert_eq!(fast(&log, layout, &parser), expected(written));
    group.throughput(Throughput::Bytes(written.bytes));
    group.bench_function("combined by a template", |b| b.iter(|| fast(black_box(&log), layout, &parser)));
    group.finish();

    let (log, _) = generator::log(&settings());
    let sample: Vec<&[u8]> = input::lines(&log).take(parse::SAMPLE_LINES).collect();
    let guessed = || parse::guess(black_box(&sample)).map(|guess| (guess.format.id, guess.fits));
    assert_eq!(guessed(), Some(("combined", sample.len())));
    criterion.bench_function("guess of the format", |b| b.iter(guessed));
}

criterion_group!(all, benches);
criterion_main!(all);
