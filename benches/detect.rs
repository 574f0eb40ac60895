//! The ledger to the answer: a quiet day, a fault, and refusals wherever one looks.
#![allow(missing_docs, clippy::expect_used, reason = "a bench: what is not as expected ends it")]

#[path = "../fixtures/loggen/generator.rs"]
mod generator;

use authfault::{
    detect::{self, Findings},
    input,
    model::{
        incident::Verdict,
        tally::{Ledger, Place},
    },
    parse::{self, LineParser, Scratch},
    tally::{self, Accumulator},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generator::{Settings, Size, Written};
use std::hint::black_box;

const LINES: u64 = 100_000;

fn ledger(settings: &Settings) -> (Ledger, Written) {
    let (log, written) = generator::log(settings);
    let parser = LineParser::new(parse::by_id("combined").expect("a known format"));
    let (mut accumulator, mut scratch) = (Accumulator::default(), Scratch::default());
    for (i, line) in input::lines(&log).enumerate() {
        let (event, _) = parser.parse(line, &mut scratch).expect("a line of that format");
        accumulator.add(&event, line, Place { file: 0, chunk: 0, line: i as u32 });
    }
    (tally::build(accumulator.finish().take().0), written)
}

fn detected(ledger: &Ledger) -> Findings {
    let locate = |place: Place| ("access.log".to_owned(), u64::from(place.line) + 1);
    detect::detect(ledger, &detect::Settings::default(), &locate).expect("room without a limit")
}

/// The paths of the server-side incidents.
fn faults(findings: &Findings) -> Vec<&str> {
    let incidents = findings.incidents.iter().filter(|incident| incident.verdict == Verdict::ServerSide);
    incidents.flat_map(|incident| &incident.scope.path_prefix).map(String::as_str).collect()
}

fn benches(criterion: &mut Criterion) {
    let day = Settings { size: Size::Lines(LINES), clients: 3_000, days: 1, ..Settings::default() };
    let variants: [(&str, Settings, &[&str]); 3] = [
        ("a quiet day", day.clone(), &[]),
        ("a fault of half an hour", Settings { fault_minutes: 30, ..day.clone() }, &[generator::FAULT_ROUTE]),
        ("a quiet week of many clients", Settings { clients: 100_000, days: 7, ..day }, &[]),
    ];
    let mut group = criterion.benchmark_group("detect");
    group.throughput(Throughput::Elements(LINES)).sample_size(20);
    for (name, settings, expected) in variants {
        let (ledger, written) = ledger(&settings);
        let findings = detected(&ledger);
        let totals = &findings.totals;
        assert_eq!(
            (totals.requests, totals.status_401, totals.status_403),
            (written.lines, written.unauthorized, written.forbidden),
            "{name}"
        );
        assert_eq!(faults(&findings), expected, "{name}");
        group.bench_function(name, |b| b.iter(|| detected(black_box(&ledger))));
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
