//! The same lines give the same answer: whatever the number of threads, the order of files, the cuts between them,
//! and the way by which they come in.

use crate::support::{Dice, Run, fixture, generator, gunzip, gzip, log_with_fault, pipe, put, report, run, workshop};
use serde_json::{Value, json};
use std::{ffi::OsStr, path::PathBuf};

/// A log of several chunks, out of order by up to five seconds, with a fault in it.
fn long_log() -> Vec<u8> {
    use generator::{Settings, Size};
    let settings = Settings {
        size: Size::Lines(60_000),
        clients: 3000,
        shuffle_secs: 5,
        days: 2,
        fault_minutes: 60,
        ..Settings::default()
    };
    generator::log(&settings).0
}

/// Logs of several kinds, unpacked.
fn logs() -> Vec<Vec<u8>> {
    let names = [
        "incidents/credentials_store_lost.log.gz",
        "incidents/session_store_flush.log.gz",
        "incidents/bad_upstream.log.gz",
    ];
    names.iter().map(|name| gunzip(&fixture(name))).chain([long_log()]).collect()
}

fn json(paths: &[PathBuf], more: &[&str]) -> Run {
    let args = ["--output", "json"].iter().chain(more).map(OsStr::new).chain(paths.iter().map(|p| p.as_os_str()));
    let run = run(args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    run
}

/// A report without what says where a line stood: names of files, counts by file, numbers of lines.
fn placeless(mut report: Value) -> Value {
    report["input"]["files"] = json!(null);
    let blank = |line: &mut Value| {
        line["file"] = json!(null);
        line["line"] = json!(null);
    };
    for rejection in report["input"]["rejections"].as_array_mut().unwrap() {
        blank(&mut rejection["first"]);
    }
    for incident in report["incidents"].as_array_mut().unwrap() {
        incident["samples"].as_array_mut().unwrap().iter_mut().for_each(blank);
    }
    report
}

/// Cuts at line ends, at places that the dice choose.
fn pieces(text: &[u8], count: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = (1..count)
        .map(|_| {
            let at = dice.below(text.len());
            at + text[at..].iter().position(|b| *b == b'\n').unwrap_or(0) + 1
        })
        .filter(|cut| *cut < text.len())
        .collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|w| text[w[0]..w[1]].to_vec()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let dir = workshop();
    for (i, text) in logs().iter().enumerate() {
        let mut dice = Dice::new(i as u64);
        let mut paths: Vec<PathBuf> = pieces(text, 5, &mut dice)
            .iter()
            .enumerate()
            .map(|(n, piece)| put(dir.path(), &format!("{i}-{n}.log"), piece))
            .collect();
        paths.push(put(dir.path(), &format!("{i}.log"), text));
        let one = json(&paths, &["--threads", "1"]);
        for threads in ["2", "7"] {
            assert_eq!(json(&paths, &["--threads", threads]).out, one.out, "log {i} with {threads} threads");
        }
        assert_eq!(json(&paths, &["--threads", "7"]).out, one.out, "log {i} once more");
    }
}

#[test]
fn the_order_in_which_files_are_named_does_not_matter() {
    let dir = workshop();
    for (i, text) in logs().iter().enumerate() {
        let mut dice = Dice::new(i as u64);
        let mut paths: Vec<PathBuf> = pieces(text, 6, &mut dice)
            .iter()
            .enumerate()
            .map(|(n, piece)| put(dir.path(), &format!("{i}-{n}.log"), piece))
            .collect();
        let sorted = json(&paths, &[]).out;
        for _ in 0..3 {
            dice.shuffle(&mut paths);
            assert_eq!(json(&paths, &[]).out, sorted, "log {i}: {paths:?}");
        }
    }
}

#[test]
fn a_log_and_its_pieces_give_the_same() {
    for (i, text) in logs().iter().enumerate() {
        let dir = workshop();
        let whole = placeless(report([put(dir.path(), "whole.log", text)]));
        for seed in 0..3 {
            let dir = workshop();
            // The names are in the order of the pieces, as rotation dates are.
            for (n, piece) in pieces(text, 2 + 3 * seed as usize, &mut Dice::new(seed)).iter().enumerate() {
                put(dir.path(), &format!("access.log-{n:03}"), piece);
            }
            assert_eq!(placeless(report([dir.path()])), whole, "log {i} in pieces, seed {seed}");
        }
    }
}

/// logrotate gives the newest file the first name: sorted by name, time runs backwards.
#[test]
fn rotated_names_run_against_time() {
    let text = gunzip(&fixture("incidents/slow_burn.log.gz"));
    let dir = workshop();
    let whole = placeless(report([put(dir.path(), "whole.log", &text)]));
    for count in [2, 5, 9] {
        let dir = workshop();
        let pieces = pieces(&text, count, &mut Dice::new(count as u64));
        for (age, piece) in pieces.iter().rev().enumerate() {
            let name = if age == 0 { "access.log".to_owned() } else { format!("access.log.{age}") };
            put(dir.path(), &name, piece);
        }
        for threads in ["1", "2"] {
            let rotated = json(&[dir.path().to_owned()], &["--threads", threads]).report();
            assert_eq!(placeless(rotated), whole, "{count} files with {threads} threads");
        }
    }
}

/// Within a second the order of lines says something (a challenge, then its answer), so seconds are shuffled whole.
#[test]
fn lines_may_stand_in_any_order() {
    for (i, text) in logs().iter().enumerate() {
        let dir = workshop();
        let ordered = placeless(report([put(dir.path(), "ordered.log", text)]));
        let mut seconds: std::collections::BTreeMap<Vec<u8>, Vec<u8>> = std::collections::BTreeMap::new();
        for line in text.split_inclusive(|b| *b == b'\n') {
            let stamp = time_of(line);
            seconds.entry(stamp).or_default().extend_from_slice(line);
        }
        let mut shuffled: Vec<Vec<u8>> = seconds.into_values().collect();
        Dice::new(i as u64).shuffle(&mut shuffled);
        let mut again = placeless(report([put(dir.path(), "shuffled.log", &shuffled.concat())]));
        // Which of several bad lines came first is a matter of their order.
        let mut ordered = ordered;
        for report in [&mut ordered, &mut again] {
            for rejection in report["input"]["rejections"].as_array_mut().unwrap() {
                rejection["first"] = json!(null);
                rejection["column"] = json!(null);
            }
        }
        assert_eq!(again, ordered, "log {i}");
    }
}

/// The text of a line's time.
fn time_of(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let from = text.find('[').map(|at| at + 1).or_else(|| text.find("\"time\":\"").map(|at| at + 8)).unwrap_or(0);
    text[from..].split([']', '"']).next().unwrap_or_default().as_bytes().to_vec()
}

#[test]
fn mapped_piped_and_packed_give_the_same() {
    let dir = workshop();
    for (i, text) in logs().iter().enumerate() {
        let mapped = placeless(report([put(dir.path(), &format!("{i}.log"), text)]));
        let packed = placeless(report([put(dir.path(), &format!("{i}.log.gz"), &gzip(text))]));
        let piped = pipe(text, ["--output", "json", "-"]);
        assert_eq!(packed, mapped, "log {i} as gzip");
        assert_eq!(placeless(piped.report()), mapped, "log {i} through a pipe");
        let half = text.len() / 2;
        let members = [gzip(&text[..half]), gzip(&text[half..])].concat();
        let members = placeless(report([put(dir.path(), &format!("members-{i}.log.gz"), &members)]));
        assert_eq!(members, mapped, "log {i} as two gzip members");
    }
}

/// Nothing that a server writes comes near a quarter of a megabyte: longer lines are rejected, by whichever way and
/// however fast they are read.
#[test]
fn long_lines_are_judged_alike_mapped_and_piped() {
    const LIMIT_BYTES: usize = 256 << 10;
    let dir = workshop();
    let line = |bytes: usize| {
        let frame = |path: &str| {
            format!("192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET /{path} HTTP/1.1\" 401 17 \"-\" \"curl/8.5.0\"")
        };
        frame(&"a".repeat(bytes - frame("").len()))
    };
    for bytes in
        [200 << 10, LIMIT_BYTES - 1, LIMIT_BYTES, LIMIT_BYTES + 1, 300 << 10, 1 << 20, (1 << 20) + 1, 3 << 20, 6 << 20]
    {
        let text = [line(100), line(bytes), line(200), String::new()].join("\n");
        let path = put(dir.path(), "access.log", text.as_bytes());
        let mapped = placeless(report([&path]));
        let piped = placeless(pipe(text.as_bytes(), ["--output", "json", "-"]).report());
        assert_eq!(mapped["input"]["rejected"], u64::from(bytes > LIMIT_BYTES), "a line of {bytes} bytes");
        assert_eq!(piped["totals"], mapped["totals"], "a line of {bytes} bytes");
        assert_eq!(piped["input"]["rejections"], mapped["input"]["rejections"], "a line of {bytes} bytes");
    }
}

#[test]
fn final_newlines_and_carriage_returns_do_not_matter() {
    let dir = workshop();
    let text = gunzip(&log_with_fault());
    let unix = placeless(report([put(dir.path(), "unix.log", &text)]));
    let cut = placeless(report([put(dir.path(), "cut.log", text.strip_suffix(b"\n").unwrap())]));
    assert_eq!(cut, unix);
    let dos = String::from_utf8(text).unwrap().replace('\n', "\r\n");
    let dos = placeless(report([put(dir.path(), "dos.log", dos.as_bytes())]));
    assert_eq!(dos, unix);
}

/// The report without what tells how much was read.
fn concluded(mut report: Value) -> Value {
    report["input"] = json!(null);
    report["limits"] = json!(null);
    let incidents = report["incidents"].as_array_mut().unwrap();
    incidents.iter_mut().flat_map(|i| i["samples"].as_array_mut().unwrap()).for_each(|s| s["file"] = json!(null));
    report
}

/// What is packed is always read whole; numbers of lines are the same, too.
#[test]
fn passing_over_what_lies_outside_the_span_changes_nothing() {
    use generator::{FIRST_SECOND, Settings, Size};
    let settings = Settings {
        size: Size::Lines(60_000),
        clients: 3000,
        shuffle_secs: 120,
        days: 5,
        fault_minutes: 60,
        ..Settings::default()
    };
    let (text, _) = generator::log(&settings);
    let dir = workshop();
    let (plain, packed) = (put(dir.path(), "a.log", &text), put(dir.path(), "b.log", &gzip(&text)));
    let mut dice = Dice::new(7);
    let mut time = || {
        let secs = FIRST_SECOND + dice.below(5 * 86_400) as u64;
        chrono::DateTime::from_timestamp(secs as i64, 0).unwrap().to_rfc3339()
    };
    let mut spans: Vec<[String; 2]> = (0..5)
        .map(|_| {
            let mut ends = [time(), time()];
            ends.sort();
            ends
        })
        .collect();
    spans.extend(
        [["2h", "30m"], ["90s", "1s"], ["1970-01-01", "2025-10-06"], ["2030-01-01", "2031-01-01"]]
            .map(|ends| ends.map(str::to_owned)),
    );
    let (tried, mut passed_over) = (spans.len(), 0);
    for [since, until] in spans {
        let args = ["--since", &since, "--until", &until];
        let (part, whole) =
            (json(std::slice::from_ref(&plain), &args).report(), json(std::slice::from_ref(&packed), &args).report());
        let covered = &part["input"]["files"][0];
        let [bytes, unread] = ["bytes", "unread_bytes"].map(|key| covered[key].as_u64().unwrap_or(0));
        assert_eq!(bytes + unread, text.len() as u64, "{since} {until}");
        assert!(whole["input"]["files"][0]["unread_bytes"].is_null(), "{since} {until}");
        passed_over += usize::from(unread > 0);
        assert_eq!(concluded(part), concluded(whole), "{since} {until}");
    }
    assert!(passed_over > tried / 2, "{passed_over} of {tried}");
}

#[test]
fn a_log_in_no_order_is_read_whole() {
    let text = long_log();
    let half = text.len() / 2 + text[text.len() / 2..].iter().position(|b| *b == b'\n').unwrap() + 1;
    let dir = workshop();
    let turned = put(dir.path(), "a.log", &[&text[half..], &text[..half]].concat());
    let damaged = put(dir.path(), "b.log", &[&text[..half], &vec![b'\n'; 500_000], &text[half..]].concat());
    for path in [turned, damaged] {
        let report = json(&[path], &["--since", "2h"]).report();
        let covered = &report["input"]["files"][0];
        assert!(covered["unread_bytes"].is_null(), "{covered}");
    }
}
