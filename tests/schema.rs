//! The shapes that other programs rely on: the JSON report by its published schema, ECS and OCSF by what they require.

use crate::support::{fixture, gunzip, log_with_fault, put, root, run, workshop};
use jsonschema::Validator;
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

const PUBLISHED: &str = "docs/authfault-report-1.schema.json";

/// Every log of a folder of the fixtures.
fn logs(folder: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(fixture(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<PathBuf> = paths
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".log") || name.ends_with(".log.gz")
        })
        .collect();
    logs.sort();
    assert!(logs.len() > 20, "{folder}: {}", logs.len());
    logs
}

fn output(format: &str, log: &Path) -> String {
    run([OsStr::new("--output"), OsStr::new(format), log.as_os_str()]).out
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The schema, and in it no key that it does not name: readers may be given more, but not by us without saying so.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(closed);
        }
        Value::Array(all) => all.iter_mut().for_each(closed),
        _ => {}
    }
}

fn validator() -> Validator {
    let mut schema: Value = serde_json::from_str(&run(["schema"]).out).unwrap();
    closed(&mut schema);
    jsonschema::validator_for(&schema).expect("a schema")
}

#[test]
fn the_published_schema_is_the_one_of_the_program() {
    let schema = run(["schema"]).out;
    let path = root().join(PUBLISHED);
    if std::env::var_os("AUTHFAULT_BLESS").is_some() {
        fs::write(path, schema).unwrap();
    } else {
        let published = fs::read_to_string(path).unwrap_or_default();
        assert!(published == schema, "AUTHFAULT_BLESS=1 cargo test schema writes {PUBLISHED} anew");
    }
}

#[test]
fn every_json_report_fits_the_schema() {
    let validator = validator();
    let mut reports: Vec<(String, String)> = Vec::new();
    for log in logs("incidents").iter().chain(&logs("formats")) {
        reports.push((log.display().to_string(), output("json", log)));
    }
    // With counts that are estimates.
    let dir = workshop();
    let log = put(dir.path(), "access.log", &gunzip(&log_with_fault()).repeat(8));
    let estimated = run([OsStr::new("--output=json"), OsStr::new("--memory=1M"), log.as_os_str()]).out;
    assert!(estimated.contains("\"approximate\": true"), "{estimated}");
    reports.push(("an estimate".to_owned(), estimated));
    for golden in fs::read_dir(fixture("reports")).unwrap().map(|entry| entry.unwrap().path()) {
        if golden.extension().is_some_and(|e| e == "json") {
            reports.push((golden.display().to_string(), fs::read_to_string(golden).unwrap()));
        }
    }
    for (name, text) in reports {
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let errors: Vec<String> =
            validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).take(3).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_the_contract() {
    let validator = validator();
    let text = output("json", &fixture("incidents/deploy_route_block.log.gz"));
    let good: Value = serde_json::from_str(&text).unwrap();
    assert!(validator.is_valid(&good));
    let spoil: [fn(&mut Value); 5] = [
        |report| report["schema"] = "authfault-report/2".into(),
        |report| report["incidents"][0]["verdict"] = "nobody".into(),
        |report| report["incidents"][0]["start"] = 7.into(),
        |report| drop(report["totals"].as_object_mut().unwrap().remove("clients")),
        |report| report["input"]["unheard_of"] = 1.into(),
    ];
    for (i, spoil) in spoil.iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!validator.is_valid(&bad), "case {i}");
    }
}

#[test]
fn ecs_has_an_alert_for_each_incident() {
    for log in logs("incidents") {
        let report: Value = serde_json::from_str(&output("json", &log)).unwrap();
        let documents = lines(&output("ecs", &log));
        let incidents = report["incidents"].as_array().unwrap();
        assert_eq!(documents.len(), incidents.len(), "{}", log.display());
        for (document, incident) in documents.iter().zip(incidents) {
            for (field, expected) in [
                ("/@timestamp", &incident["detected_at"]),
                ("/event/id", &incident["id"]),
                ("/event/start", &incident["start"]),
                ("/rule/id", &incident["cause"]),
                ("/http/response/status_code", &incident["status"]),
                ("/authfault/clients/affected", &incident["clients_affected"]),
            ] {
                assert_eq!(document.pointer(field), Some(expected), "{field} of {}", log.display());
            }
            assert_eq!(document["event"]["kind"], "alert");
            assert_eq!(document["event"].get("end").is_some(), incident["state"] == "ended");
        }
    }
}

#[test]
fn ocsf_opens_each_incident_and_closes_it_when_it_is_over() {
    for log in logs("incidents") {
        let report: Value = serde_json::from_str(&output("json", &log)).unwrap();
        let events = lines(&output("ocsf", &log));
        let incidents = report["incidents"].as_array().unwrap();
        assert_eq!(events.len(), 2 * incidents.len(), "{}", log.display());
        for (pair, incident) in events.chunks(2).zip(incidents) {
            let second = if incident["state"] == "ended" { 3 } else { 2 };
            assert_eq!([&pair[0]["activity_id"], &pair[1]["activity_id"]], [1, second]);
            assert!(pair[0]["time"].as_u64() <= pair[1]["time"].as_u64());
            for event in pair {
                let n = |key: &str| event[key].as_u64().unwrap_or_else(|| panic!("no {key}"));
                assert_eq!((n("class_uid"), n("category_uid")), (2005, 2));
                assert_eq!(n("type_uid"), 200_500 + n("activity_id"));
                assert!(n("start_time") <= n("end_time") && (1..=5).contains(&n("severity_id")) && n("status_id") > 0);
                assert_eq!(event["finding_info_list"][0]["uid"], incident["id"]);
                assert!(
                    event["metadata"]["version"].is_string() && event["metadata"]["product"]["name"] == "authfault"
                );
            }
        }
    }
}
