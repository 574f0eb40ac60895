//! Events to shards, and shards to the ledger.
#![allow(missing_docs, clippy::expect_used, reason = "a bench: what is not as expected ends it")]

#[path = "../fixtures/loggen/generator.rs"]
mod generator;

use authfault::{
    input,
    model::{
        event::Event,
        tally::{Ledger, Place, Shard},
    },
    parse::{self, LineParser, Scratch},
    tally::{self, Accumulator},
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use generator::{Settings, Size, Written};
use std::{collections::BTreeSet, hint::black_box};

const LINES: u64 = 50_000;

fn settings() -> Settings {
    Settings { size: Size::Lines(LINES), clients: 10_000, ..Settings::default() }
}

/// A line with what it says.
type Read<'a> = (Event<'a>, &'a [u8]);

fn read<'a>(lines: &[&'a [u8]], scratches: &'a mut [Scratch], written: Written) -> Vec<Read<'a>> {
    let parser = LineParser::new(parse::by_id("combined").expect("a known format"));
    let events: Vec<Read<'a>> = lines
        .iter()
        .zip(scratches)
        .map(|(line, scratch)| (parser.parse(line, scratch).expect("a line of that format").0, *line))
        .collect();
    assert_eq!(events.len() as u64, written.lines);
    events
}

fn accumulated(events: &[Read<'_>]) -> Vec<Shard> {
    let mut accumulator = Accumulator::default();
    for (i, (event, line)) in events.iter().enumerate() {
        accumulator.add(event, line, Place { file: 0, chunk: 0, line: i as u32 });
    }
    accumulator.finish().take().0
}

/// As two workers would leave it, each with pieces from all over the log.
fn in_two_parts(events: &[Read<'_>]) -> Vec<Shard> {
    const PIECE: usize = 5_000;
    let part = |odd: usize| {
        let pieces = events.chunks(PIECE).enumerate().filter(|(i, _)| i % 2 == odd);
        accumulated(&pieces.flat_map(|(_, piece)| piece.iter().copied()).collect::<Vec<_>>())
    };
    [part(0), part(1)].concat()
}

/// Requests, clients and refusals.
fn summary(ledger: &Ledger) -> (usize, usize, usize) {
    (ledger.visits.len(), ledger.clients.len(), ledger.refusals.len())
}

fn benches(criterion: &mut Criterion) {
    let variants = [
        ("in order", settings()),
        ("half IPv6", Settings { ipv6: 50, ..settings() }),
        ("shuffled in 120 s", Settings { shuffle_secs: 120, ..settings() }),
        ("a new client in every other line", Settings { clients: 1_000_000, ..settings() }),
    ];
    let mut group = criterion.benchmark_group("tally");
    group.throughput(Throughput::Elements(LINES));
    for (name, settings) in variants {
        let (log, written) = generator::log(&settings);
        let lines: Vec<&[u8]> = input::lines(&log).collect();
        let mut scratches: Vec<Scratch> = lines.iter().map(|_| Scratch::default()).collect();
        let events = read(&lines, &mut scratches, written);
        let clients = events.iter().map(|(event, _)| (event.client, event.agent)).collect::<BTreeSet<_>>().len();
        let expected = (written.lines as usize, clients, (written.unauthorized + written.forbidden) as usize);
        assert_eq!(summary(&tally::build(accumulated(&events))), expected, "{name}");
        let parts = in_two_parts(&events);
        assert_eq!(summary(&tally::build(parts.clone())), expected, "{name}, in two parts");

        group.bench_function(format!("accumulate, {name}"), |b| b.iter(|| accumulated(black_box(&events))));
        group.bench_function(format!("merge two parts, {name}"), |b| {
            b.iter_batched(|| parts.clone(), |parts| summary(&tally::build(parts)), BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
