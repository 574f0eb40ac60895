//! Logs that real nginx and Apache servers wrote while something went wrong: the verdicts on them.

use crate::support::{
    fixture, incidents, report,
    truth::{Span, brief, seconds, span, strings},
};
use serde_json::Value;
use std::fs;

/// What is not told rightly yet, and how: a case leaves this list with the change that gets it right.
const NOT_YET: &[(&str, &str)] = &[
    ("nginx-auth-service-stopped", "500s look like any other error: only the error log tells"),
    ("apache-htpasswd-unreadable", "500s look like any other error: only the error log tells"),
];

/// The same with the error log beside.
const NOT_YET_WITH_ERRORS: &[(&str, &str)] = &[];

/// What is wrong with the answer; none where it is right.
fn error(case: &str, with_errors: bool) -> Option<String> {
    let folder = fixture("realserver/logs").join(case);
    let truth: Value = serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let mut args = vec![folder.join("access.log.gz")];
    if with_errors {
        args.extend(["--error-log".into(), folder.join("error.log.gz")]);
    }
    let report = report(args);
    assert_eq!(report["input"]["rejected"], 0, "{case}: every line is understood");
    let faults = incidents(&report, "server_side");
    let said = || faults.iter().map(|f| brief(f)).collect::<Vec<_>>().join("; ");
    if truth["verdict"] != "server_side" {
        return (!faults.is_empty()).then(|| format!("false alarm: {}", said()));
    }
    let log_end = seconds(&report["input"]["end"]) + 1;
    let end = if truth["end"].is_null() { log_end } else { seconds(&truth["end"]) };
    let actual = Span { from: seconds(&truth["onset"]), to: end };
    let [fault] = faults.as_slice() else { return Some(format!("one fault, not {}: {}", faults.len(), said())) };
    let accepted = strings(&truth["cause_accept"]);
    let late = seconds(&fault["start"]) - seconds(&truth["first_failed"]);
    if fault["status"] != truth["status"] || !span(fault, &report).overlaps(actual) {
        Some(format!("another fault: {}", said()))
    } else if !accepted.contains(&fault["cause"].as_str().unwrap().to_owned()) {
        Some(format!("another cause than {accepted:?}: {}", said()))
    } else if late.abs() > 600 {
        Some(format!("dated {late} s beside its first failure: {}", said()))
    } else {
        None
    }
}

#[test]
fn verdicts_on_logs_of_real_servers() {
    let mut cases: Vec<String> = fs::read_dir(fixture("realserver/logs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    cases.sort();
    assert!(cases.len() >= 20, "{cases:?}");
    let mut wrong = Vec::new();
    for case in &cases {
        for (list, with_errors) in [(NOT_YET, false), (NOT_YET_WITH_ERRORS, true)] {
            let excuse = list.iter().find(|(name, _)| name == case);
            let how = if with_errors { "with its error log" } else { "alone" };
            match (error(case, with_errors), excuse) {
                (Some(error), None) => wrong.push(format!("{case}, {how}: {error}")),
                (None, Some(_)) => wrong.push(format!("{case}, {how}: told rightly now; take it off the list")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
