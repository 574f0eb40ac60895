//! Larger logs with known truth, which do not ship: the folder that AUTHFAULT_DATA names. Skips where it is absent.

use crate::support::{
    adds_up, incidents, report, root, run,
    truth::{Span, brief, seconds, span},
};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// The part of the data in a folder; none, saying so, where it is absent.
pub(crate) fn data(part: &str) -> Option<PathBuf> {
    let Some(named) = std::env::var_os("AUTHFAULT_DATA") else {
        eprintln!("skipped: AUTHFAULT_DATA names no folder with `{part}`");
        return None;
    };
    let folder = root().join(named).join(part);
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(folder)
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

/// Files whose names end so.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files_below(folder, &mut all);
    all.retain(|path| path.to_str().is_some_and(|p| p.ends_with(end)));
    all
}

fn truth(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// At least 99 % of the lines must be understood.
fn understood(report: &Value, path: &Path) {
    let n = |key: &str| report["input"][key].as_u64().unwrap();
    let text = n("lines") - n("blank");
    assert!(n("parsed") * 100 >= text * 99, "{}: {} of {text} lines", path.display(), n("parsed"));
}

fn said(faults: &[&Value]) -> String {
    faults.iter().map(|f| brief(f)).collect::<Vec<_>>().join("; ")
}

#[test]
fn faults_of_the_scenarios_are_found_and_nothing_else() {
    let Some(folder) = data("scenarios") else { return };
    let mut wrong = Vec::new();
    let logs = files(&folder, ".log.gz");
    assert!(!logs.is_empty(), "no scenario in {}", folder.display());
    for log in logs {
        let name = log.file_name().unwrap().to_string_lossy().replace(".log.gz", "");
        let truth = truth(&log.with_file_name(format!("{name}.truth.json")));
        let report = report([&log]);
        understood(&report, &log);
        let faults = incidents(&report, "server_side");
        let actual: Vec<(Span, &Value)> = truth["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|i| i["verdict"] == "server_side")
            .map(|i| {
                (
                    Span {
                        from: i["onset_epoch"].as_f64().unwrap() as i64,
                        to: i["end_epoch"].as_f64().unwrap() as i64 + 1,
                    },
                    i,
                )
            })
            .collect();
        for (when, incident) in &actual {
            let is_found = faults.iter().any(|f| span(f, &report).overlaps(*when) && f["status"] == incident["status"]);
            if !is_found {
                wrong.push(format!("{name}: {} not found among {}", incident["kind"], said(&faults)));
            }
        }
        for fault in &faults {
            if !actual.iter().any(|(when, _)| span(fault, &report).overlaps(*when)) {
                wrong.push(format!("{name}: false alarm: {}", brief(fault)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn verdicts_on_the_real_servers_are_right() {
    let Some(folder) = data("realsrv") else { return };
    let mut wrong = Vec::new();
    for path in files(&folder, "truth.json") {
        let log = path.with_file_name("access.log.gz");
        let (truth, report) = (truth(&path), report([&log]));
        understood(&report, &log);
        let faults = incidents(&report, "server_side");
        let name = truth["case"].as_str().unwrap();
        if truth["verdict"] == "server_side" {
            let actual = Span { from: seconds(&truth["onset_utc"]), to: seconds(&truth["end_utc"]) };
            let is_right = faults.len() == 1
                && faults.iter().all(|f| span(f, &report).overlaps(actual) && f["status"] == truth["status"]);
            if !is_right {
                wrong.push(format!("{name}: {}", said(&faults)));
            }
        } else if !faults.is_empty() {
            wrong.push(format!("{name}: false alarm: {}", said(&faults)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What somebody is told of is over as what it was, whatever a look in between took it for, and with all that it hit.
#[test]
fn faults_of_the_real_servers_are_over_as_what_they_were() {
    let Some(folder) = data("realsrv") else { return };
    for path in files(&folder, "truth.json").iter().filter(|path| truth(path)["verdict"] == "server_side") {
        let log = path.with_file_name("access.log.gz");
        let replay = run(["backtest".as_ref(), "--alert-every".as_ref(), "5m".as_ref(), log.as_os_str()]);
        let over: Vec<&str> = replay.out.lines().filter(|line| line.contains(" UTC  OK ")).collect();
        let is_fault = |line: &&str| line.contains(": SERVER-SIDE FAULT: ");
        assert!(!over.is_empty() && over.iter().all(is_fault), "{}: {}", log.display(), replay.out);
        let clients = format!("(in all {} clients, ", truth(path)["clients_affected"]);
        assert!(over[over.len() - 1].contains(&clients), "{clients}: {over:#?}");
    }
}

/// Inputs of other tools' test suites, in dozens of formats, most of them not ours: nothing may break on any.
#[test]
fn logs_of_other_tools_are_survived() {
    let Some(folder) = data("conformance") else { return };
    let mut all = Vec::new();
    files_below(&folder, &mut all);
    let (mut run_over, mut read) = (0, 0);
    for path in all {
        let run = run([OsStr::new("--output"), OsStr::new("json"), path.as_os_str()]);
        assert!(matches!(run.code, Some(0 | 2)), "{}: {run:?}", path.display());
        assert!(!run.err.contains("panicked"), "{}: {}", path.display(), run.err);
        run_over += 1;
        if !run.out.is_empty() {
            let report = run.report();
            adds_up(&report);
            read += u32::from(report["input"]["parsed"].as_u64().unwrap() > 0);
        }
    }
    eprintln!("{run_over} files, {read} of them with lines that are understood");
    assert!(read >= 30, "only {read} of {run_over} files");
}
