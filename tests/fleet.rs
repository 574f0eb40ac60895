//! Logs that are read in parts, elsewhere: the report on the parts is that of one reading, byte for byte, and a part that
//! is missing, there twice, damaged or read in another way is named.

use crate::support::{Dice, Run, fixture, generator, gunzip, gzip, put, run_in, workshop};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Two days with a fault, times out of order, and lines that nobody understands here and there.
fn long_log(seed: u64) -> Vec<u8> {
    use generator::{Settings, Size};
    let settings = Settings {
        size: Size::Lines(8_000),
        seed,
        clients: 700,
        shuffle_secs: 5,
        days: 2,
        fault_minutes: 60,
        ..Settings::default()
    };
    let mut text = Vec::new();
    for (number, line) in generator::log(&settings).0.split_inclusive(|b| *b == b'\n').enumerate() {
        match number % 2000 {
            1777 => text.extend_from_slice(b"no \xff line of \"a log\n\r\n"),
            1901 => text.extend_from_slice(&line[..line.len() / 2]),
            _ => text.extend_from_slice(line),
        }
    }
    text
}

fn json(folder: &Path, paths: &[&str], more: &[&str]) -> Run {
    run_in(folder, ["analyze", "--output", "json"].iter().chain(more).chain(paths))
}

fn map(folder: &Path, args: &[&str], part: &str) {
    let run = run_in(folder, ["map", "-o", part].iter().chain(args));
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""), "{args:?}");
}

fn reduce<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Run {
    let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
    run_in(folder, ["reduce", "--output", "json"].iter().map(|arg| OsStr::new(*arg).to_owned()).chain(args))
}

/// Maps a file in so many ranges, cut anywhere.
fn map_in_ranges(folder: &Path, name: &str, count: usize, dice: &mut Dice, more: &[&str]) -> Vec<String> {
    let size = fs::metadata(folder.join(name)).unwrap().len();
    let mut cuts: Vec<u64> = (1..count).map(|_| dice.below(size as usize) as u64).collect();
    cuts.extend([0, size]);
    cuts.sort_unstable();
    let parts = cuts.windows(2).enumerate().map(|(at, cut)| {
        let (range, part) = (format!("{}:{}", cut[0], cut[1]), format!("{name}.{at}.afpart"));
        map(folder, &[&["--range", &range, name], more].concat(), &part);
        part
    });
    parts.collect()
}

#[test]
fn ranges_cut_anywhere_give_the_report_of_one_reading() {
    let dir = workshop();
    let folder = dir.path();
    put(folder, "a.log", &long_log(1));
    put(folder, "b.log", &gunzip(&fixture("incidents/session_store_flush.log.gz")));
    put(folder, "c.log.gz", &gzip(&long_log(2)));
    for name in ["json", "w3c", "combined", "haproxy"] {
        let log = fixture("formats").join(format!("{name}.log"));
        if log.exists() {
            put(folder, &format!("z-{name}.log"), &fs::read(log).unwrap());
        }
    }
    put(folder, "empty.log", b"");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let whole = json(folder, &names, &[]);
    assert_eq!(whole.code, Some(0), "{}", whole.err);

    let mut dice = Dice::new(5);
    for count in [1, 2, 13] {
        let mut parts = Vec::new();
        for name in &names {
            if name.ends_with(".gz") || *name == "empty.log" {
                let part = format!("{name}.afpart");
                map(folder, &[name], &part);
                parts.push(part);
            } else {
                parts.extend(map_in_ranges(
                    folder,
                    name,
                    count.min(fs::metadata(folder.join(name)).unwrap().len() as usize / 9),
                    &mut dice,
                    &[],
                ));
            }
        }
        dice.shuffle(&mut parts);
        let reduced = reduce(folder, &parts);
        assert_eq!((reduced.code, reduced.err.as_str()), (Some(0), ""), "{count}");
        assert!(reduced.out == whole.out, "{count} ranges: {}", first_difference(&whole.out, &reduced.out));

        // Merged in two steps, the one behind the other, from standard input.
        let (some, others) = parts.split_at(parts.len() / 2);
        for (merged, parts) in [("1.merged", some), ("2.merged", others)] {
            let run = reduce(folder, ["--merge-into", merged].map(str::to_owned).iter().chain(parts));
            assert!(folder.join(merged).exists(), "{run:?}");
        }
        let both = ["1.merged", "2.merged"].map(|name| fs::read(folder.join(name)).unwrap_or_default()).concat();
        put(folder, "both", &both);
        let reduced = reduce(folder, ["both"]);
        assert_eq!((reduced.code, reduced.err.as_str()), (Some(0), ""), "{count}");
        assert!(reduced.out == whole.out, "{count} merged: {}", first_difference(&whole.out, &reduced.out));
        for part in parts {
            fs::remove_file(folder.join(part)).unwrap();
        }
    }
}

fn first_difference(a: &str, b: &str) -> String {
    let differ = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    differ.map_or_else(|| "one is longer".to_owned(), |(a, b)| format!("{a}\ninstead\n{b}"))
}

/// The whole lines of a range come in by standard input, as a cluster's reader cuts them: a line that begins where a
/// range ends belongs to it, and whether the last line ended nobody can tell.
#[test]
fn ranges_by_standard_input_give_the_report_of_one_reading() {
    let dir = workshop();
    let folder = dir.path();
    for (name, text) in [("a.log", long_log(3)), ("b.log", long_log(4).strip_suffix(b"\n").unwrap().to_vec())] {
        put(folder, name, &text);
        let whole = json(folder, &[name], &[]);
        let head: Vec<u8> = text.split_inclusive(|b| *b == b'\n').take(200).flatten().copied().collect();
        put(folder, "head", &head);
        let (split, end) = (200_000, text.len());
        let starts: Vec<usize> = std::iter::once(0)
            .chain(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1))
            .filter(|at| *at < text.len())
            .collect();
        let mut parts = Vec::new();
        for from in (0..text.len()).step_by(split) {
            let until = (from + split).min(text.len());
            let own = starts.iter().zip(starts.iter().skip(1).chain([&end]));
            let own = own.filter(|(at, _)| (**at > from || from == 0) && **at <= until);
            let mut lines: Vec<u8> = own.flat_map(|(at, end)| text[*at..*end].to_vec()).collect();
            if lines.last() != Some(&b'\n') {
                lines.push(b'\n');
            }
            put(folder, "lines", &lines);
            let (part, range, size) = (format!("{from}.afpart"), format!("{from}:{until}"), text.len().to_string());
            let line = format!(
                "'{}' map - --name {name} --range {range} --size {size} --head head -o {part} < lines",
                env!("CARGO_BIN_EXE_authfault")
            );
            let status = std::process::Command::new("sh").args(["-c", &line]).current_dir(folder).status().unwrap();
            assert!(status.success());
            parts.push(part);
        }
        let reduced = reduce(folder, &parts);
        assert_eq!((reduced.code, reduced.err.as_str()), (Some(0), ""));
        assert!(reduced.out == whole.out, "{}", first_difference(&whole.out, &reduced.out));
        let reduced = reduce(folder, &parts[1..]);
        assert_eq!(reduced.code, Some(2));
        assert!(reduced.err.contains("a.log: bytes 0 to 200000") || name == "b.log", "{}", reduced.err);
        parts.iter().for_each(|part| fs::remove_file(folder.join(part)).unwrap());
    }
}

#[test]
fn every_option_of_a_report_means_the_same() {
    let dir = workshop();
    let folder = dir.path();
    for name in ["ldap.access.log", "ldap.error.log"] {
        put(folder, name, &fs::read(fixture("errorlog").join(name)).unwrap());
    }
    put(folder, "long.log", &long_log(6));
    let logs = ["ldap.access.log", "long.log"];
    let reading: [&[&str]; 3] = [
        &[],
        &["--also-status", "404,500=401", "--route", "^(/api)/[^/]+"],
        &["--tz", "Europe/Berlin", "--memory", "2M"],
    ];
    let reporting: [&[&str]; 5] = [
        &["--output", "json", "--clients", "7"],
        &["--output", "json", "--since", "9h", "--window", "10m"],
        &["--output", "json", "--since", "2025-10-07", "--until", "2025-10-07T20:00:00Z"],
        &["--output", "terminal", "--error-log", "ldap.error.log"],
        &["--output", "html", "--exit-code"],
    ];
    for reading in reading {
        let in_memory = reading.iter().skip_while(|arg| **arg != "--memory").copied().collect::<Vec<_>>();
        let mut dice = Dice::new(1);
        let mut parts = map_in_ranges(folder, "long.log", 3, &mut dice, reading);
        map(folder, &[&["ldap.access.log"], reading].concat(), "ldap.afpart");
        parts.push("ldap.afpart".to_owned());
        for reporting in reporting {
            if !in_memory.is_empty() && (reporting.contains(&"--window") || reporting.contains(&"--since")) {
                continue;
            }
            let whole = run_in(folder, ["analyze"].iter().chain(reading).chain(reporting).chain(&logs));
            let reduced = run_in(
                folder,
                ["reduce"].iter().chain(&in_memory).chain(reporting).copied().chain(parts.iter().map(String::as_str)),
            );
            assert_eq!((reduced.code, &reduced.err), (whole.code, &whole.err), "{reading:?} {reporting:?}");
            let same = reduced.out == whole.out;
            assert!(same, "{reading:?} {reporting:?}: {}", first_difference(&whole.out, &reduced.out));
        }
        let files = ["reduce", "--quiet", "-o", "r.json", "-o", "r.md", "-o", "r.csv"];
        let reduced = run_in(folder, files.iter().chain(&in_memory).copied().chain(parts.iter().map(String::as_str)));
        assert_eq!(reduced.code, Some(0), "{}", reduced.err);
        let files = ["--quiet", "-o", "w.json", "-o", "w.md", "-o", "w.csv"];
        run_in(folder, files.iter().chain(reading).chain(&logs));
        for extension in ["json", "md", "csv"] {
            let [whole, reduced] = ["w", "r"].map(|name| fs::read(folder.join(format!("{name}.{extension}"))).unwrap());
            assert!(whole == reduced, "{extension}");
        }
    }
}

#[test]
fn a_part_that_is_there_twice_counts_once_and_one_that_overlaps_is_refused() {
    let dir = workshop();
    let folder = dir.path();
    let text = long_log(8);
    let half = text[..text.len() / 2].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    put(folder, "a.log", &text[..half]);
    map(folder, &["a.log"], "early.afpart");
    put(folder, "a.log", &text);
    map(folder, &["a.log"], "late.afpart");
    let whole = json(folder, &["a.log"], &[]);

    fs::copy(folder.join("late.afpart"), folder.join("again.afpart")).unwrap();
    for parts in [["late.afpart", "again.afpart"], ["early.afpart", "late.afpart"]] {
        let reduced = reduce(folder, parts);
        assert_eq!(reduced.code, Some(0), "{}", reduced.err);
        assert!(reduced.err.contains("counted once"), "{}", reduced.err);
        assert!(reduced.out == whole.out);
    }
    // Rotated, it has another name and is the same file of the same host.
    fs::rename(folder.join("a.log"), folder.join("a.log.1")).unwrap();
    map(folder, &["--host", "www1", "a.log.1"], "rotated.afpart");
    let other = reduce(folder, ["rotated.afpart", "late.afpart"]);
    assert_eq!(other.code, Some(0), "{}", other.err);
    let totals: serde_json::Value = serde_json::from_str(&other.out).unwrap();
    assert_eq!(totals["input"]["files"][1]["path"], "www1:a.log.1", "logs of two hosts may begin alike");
    let said = "authfault: a.log and www1:a.log.1 begin alike: if they are one log, it is counted twice";
    assert!(other.err.starts_with(said), "{}", other.err);

    let range = |from: usize, until: usize| format!("{from}:{until}");
    map(folder, &["--range", &range(0, half + 9), "a.log.1"], "1.afpart");
    map(folder, &["--range", &range(half, text.len()), "a.log.1"], "2.afpart");
    let reduced = reduce(folder, ["1.afpart", "2.afpart"]);
    assert_eq!((reduced.code, reduced.out.as_str()), (Some(2), ""));
    assert!(reduced.err.contains("1.afpart and 2.afpart both hold lines of a.log.1"), "{}", reduced.err);
}

/// A log that was just rotated away leaves an empty one behind, which then grows.
#[test]
fn an_empty_log_keeps_no_part_from_counting_once() {
    let dir = workshop();
    let folder = dir.path();
    let (text, more) = (long_log(8), long_log(9));
    put(folder, "access.log", &text);
    map(folder, &["access.log"], "1.afpart");
    fs::rename(folder.join("access.log"), folder.join("access.log.1")).unwrap();
    put(folder, "access.log", b"");
    map(folder, &["access.log", "access.log.1"], "2.afpart");
    put(folder, "access.log", &more);
    map(folder, &["access.log", "access.log.1"], "3.afpart");
    let whole = json(folder, &["access.log", "access.log.1"], &[]);
    for parts in [["1.afpart", "3.afpart"], ["2.afpart", "3.afpart"]] {
        let reduced = reduce(folder, parts);
        assert_eq!(reduced.code, Some(0), "{}", reduced.err);
        assert!(reduced.err.starts_with(&format!("authfault: {}: all that it holds is in 3.afpart", parts[0])));
        assert!(reduced.out == whole.out);
    }
    // These hold the same lines: the first is enough.
    fs::copy(folder.join("2.afpart"), folder.join("0.afpart")).unwrap();
    for parts in [["1.afpart", "2.afpart"], ["0.afpart", "1.afpart"]] {
        let reduced = reduce(folder, parts);
        assert_eq!(reduced.code, Some(0), "{}", reduced.err);
        assert!(reduced.err.contains(&format!("all that it holds is in {} too", parts[0])), "{}", reduced.err);
    }
}

#[test]
fn what_is_missing_is_named() {
    let dir = workshop();
    let folder = dir.path();
    put(folder, "a.log", &long_log(9));
    let parts = map_in_ranges(folder, "a.log", 3, &mut Dice::new(2), &[]);
    for left_out in 0..3 {
        let some = parts.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, part)| part);
        let reduced = reduce(folder, some);
        assert_eq!(reduced.code, Some(2));
        assert!(reduced.err.contains("a.log: bytes ") && reduced.err.contains("are in no part"), "{}", reduced.err);
        let report: serde_json::Value = serde_json::from_str(&reduced.out).unwrap();
        assert!(report["input"]["files"][0]["problem"].as_str().unwrap().contains("in no part"));
    }
    put(folder, "expected", b"a.log\nb.log\n");
    let reduced = reduce(folder, ["--expect", "expected"].map(str::to_owned).iter().chain(&parts));
    assert_eq!(
        (reduced.code, reduced.err.as_str()),
        (Some(2), "authfault: b.log: expected this file, found no part of it\n")
    );
    // A host, whatever its files are called.
    map(folder, &["--host", "www1", "a.log"], "www1.afpart");
    put(folder, "expected", b"www1:\nwww2:\n");
    let reduced = reduce(folder, ["--expect", "expected", "www1.afpart"]);
    assert_eq!(
        (reduced.code, reduced.err.as_str()),
        (Some(2), "authfault: www2: expected a part of this host, found none\n")
    );

    // What a mapper could not find, the report knows.
    let run = run_in(folder, ["map", "-o", "c.afpart", "gone.log"]);
    assert_eq!(run.code, Some(2));
    let reduced = reduce(folder, ["c.afpart".to_owned()].iter().chain(&parts));
    assert_eq!(reduced.code, Some(2));
    assert!(reduced.err.contains("gone.log: no such file"), "{}", reduced.err);
}

#[test]
fn a_part_that_is_damaged_foreign_or_read_otherwise_is_named_and_refused() {
    let dir = workshop();
    let folder = dir.path();
    put(folder, "a.log", &long_log(10)[..40_000]);
    put(folder, "b.log", &long_log(11)[..40_000]);
    map(folder, &["a.log"], "a.afpart");
    map(folder, &["b.log"], "b.afpart");
    let alone = reduce(folder, ["a.afpart"]);
    let sound = fs::read(folder.join("b.afpart")).unwrap();
    let mut dice = Dice::new(3);
    let mut wrong: Vec<Vec<u8>> = (0..30)
        .map(|_| {
            let mut bytes = sound.clone();
            bytes[dice.below(sound.len())] ^= 1 + dice.below(255) as u8;
            bytes
        })
        .collect();
    wrong.extend([sound[..sound.len() - 1].to_vec(), [sound.as_slice(), b"x"].concat(), b"{}".to_vec(), Vec::new()]);
    for bytes in wrong {
        put(folder, "bad.afpart", &bytes);
        let reduced = reduce(folder, ["a.afpart", "bad.afpart"]);
        assert_eq!(reduced.code, Some(2));
        assert!(reduced.err.starts_with("authfault: bad.afpart: expected what `authfault map`"), "{}", reduced.err);
        let mut report = reduced.report();
        let files = report["input"]["files"].as_array_mut().unwrap();
        let bad = files.pop_if(|file| file["path"] == "bad.afpart").unwrap();
        assert!(bad["problem"].as_str().unwrap().starts_with("expected what `authfault map`"), "{bad}");
        assert_eq!(report, alone.report(), "nothing of it is used");
    }
    let mut newer = sound;
    newer[4] = 9;
    put(folder, "bad.afpart", &newer);
    assert!(reduce(folder, ["a.afpart", "bad.afpart"]).err.contains("has version 9"));

    map(folder, &["--tz", "Europe/Berlin", "b.log"], "zone.afpart");
    let reduced = reduce(folder, ["a.afpart", "zone.afpart"]);
    assert_eq!((reduced.code, reduced.out.as_str()), (Some(2), ""));
    assert!(reduced.err.contains("zone.afpart") && reduced.err.contains("--tz=Europe/Berlin"), "{}", reduced.err);
    let reduced = reduce(folder, ["--tz", "Europe/Berlin", "a.afpart"]);
    assert!(reduced.err.contains("is said to `authfault map`"), "{}", reduced.err);
}

#[test]
fn a_share_of_the_clients_is_told_as_such() {
    let dir = workshop();
    let folder = dir.path();
    put(folder, "a.log", &long_log(12));
    map(folder, &["a.log"], "all.afpart");
    map(folder, &["--one-in", "4", "a.log"], "some.afpart");
    let size = |name: &str| fs::metadata(folder.join(name)).unwrap().len();
    assert!(size("some.afpart") * 2 < size("all.afpart"));
    let [all, some] = ["all.afpart", "some.afpart"].map(|part| -> serde_json::Value {
        let run = reduce(folder, [part]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        serde_json::from_str(&run.out).unwrap()
    });
    for count in ["requests", "status_401", "status_403"] {
        assert_eq!(all["totals"][count], some["totals"][count], "{count} stays exact");
    }
    assert_eq!(some["totals"]["approximate"], true, "{}", some["totals"]);
}

/// Bytes of parts for the bytes of a log: what the README says holds.
#[test]
fn a_part_is_a_few_per_cent_of_its_log() {
    let dir = workshop();
    let log: PathBuf = put(dir.path(), "a.log", &long_log(13));
    map(dir.path(), &["a.log"], "a.afpart");
    let [part, log] = [dir.path().join("a.afpart"), log].map(|path| fs::metadata(path).unwrap().len());
    assert!(part * 100 < log * 6, "{part} bytes for {log}");
}
