//! Small logs with one thing in each, and what must be said of it: `fixtures/incidents/`, made by its `make.py`.
//!
//! For each cause that can be told there is a log with that fault and a quiet twin: the nearest thing that is nobody's
//! fault on the server's side.

use crate::support::{
    Dice, authfault, fixture, incidents, log_of_mondays, put, report,
    truth::{brief, seconds, strings},
    workshop,
};
use serde_json::Value;
use std::fs;

/// What is not told rightly yet, and how: a log leaves this list with the change that gets it right.
const NOT_YET: &[(&str, &str)] = &[];

/// How far a time may be from the truth.
const START_SECS: i64 = 300;
const END_SECS: i64 = 600;

fn names() -> Vec<String> {
    let entries = fs::read_dir(fixture("incidents")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter_map(|name| name.strip_suffix(".log.gz").map(str::to_owned)).collect();
    names.sort();
    names
}

fn expected(name: &str) -> Value {
    let path = fixture(&format!("incidents/{name}.expected.json"));
    serde_json::from_slice(&fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// What is wrong with the answer to a log; none where it is right.
fn error(name: &str) -> Option<String> {
    let (expected, report) = (expected(name), report([fixture(&format!("incidents/{name}.log.gz"))]));
    assert_eq!(report["input"]["rejected"], 0, "{name}: every line is understood");
    let all: Vec<&Value> = report["incidents"].as_array().unwrap().iter().collect();
    let said = || all.iter().map(|i| brief(i)).collect::<Vec<_>>().join("; ");
    let faults = incidents(&report, "server_side");
    if expected["verdict"] != "server_side" {
        if !faults.is_empty() {
            return Some(format!("false alarm: {}", said()));
        }
        let is_named =
            all.iter().any(|i| strings(&expected["cause_accept"]).contains(&i["cause"].as_str().unwrap().to_owned()));
        return (!is_named && expected["must_be_named"] == true).then(|| format!("not named: {}", said()));
    }
    let [fault] = faults.as_slice() else { return Some(format!("one fault, not {}: {}", faults.len(), said())) };
    let cause = fault["cause"].as_str().unwrap().to_owned();
    let starts = seconds(&fault["start"]) - seconds(&expected["start"]);
    let ends = match (&fault["end"], &expected["end"]) {
        (Value::Null, Value::Null) => 0,
        (Value::Null, _) | (_, Value::Null) => i64::MAX,
        (found, actual) => seconds(found) - seconds(actual),
    };
    let (found, hit) = (fault["clients_affected"].as_i64().unwrap(), expected["clients_affected"].as_i64().unwrap());
    if !strings(&expected["cause_accept"]).contains(&cause) || fault["status"] != expected["status"] {
        Some(format!("another cause than {}: {}", expected["cause_accept"], said()))
    } else if starts.abs() > START_SECS {
        Some(format!("starts {starts} s off: {}", said()))
    } else if ends.abs() > END_SECS && expected["end_is_soft"] != true {
        Some(format!("ends at another time than {}: {}", expected["end"], said()))
    } else if !scope_fits(&fault["scope"], &expected) {
        Some(format!("another scope than {}: {}", expected["scope"], said()))
    } else if (found - hit).abs() > 2 + if expected["end_is_soft"] == true { hit / 2 } else { hit / 4 } {
        Some(format!("{found} clients instead of {hit}: {}", said()))
    } else {
        None
    }
}

/// Every dimension that is expected is there, and no other but those that may be, all with values that are accepted.
/// A path below another one that is named says nothing.
fn scope_fits(found: &Value, expected: &Value) -> bool {
    let (must, may) = (expected["scope"].as_object().unwrap(), expected["scope_may"].as_object().unwrap());
    let found = found.as_object().unwrap();
    let paths = strings(&found.get("path_prefix").cloned().unwrap_or_default());
    let is_below = |path: &String| paths.iter().any(|p| path.len() > p.len() && path.starts_with(&format!("{p}/")));
    must.keys().all(|key| found.contains_key(key))
        && found.iter().all(|(key, values)| {
            let accepted = must.get(key).or_else(|| may.get(key)).map(strings).unwrap_or_default();
            strings(values).iter().all(|value| accepted.contains(value))
        })
        && !paths.iter().any(is_below)
}

#[test]
fn each_log_is_told_rightly() {
    let mut wrong = Vec::new();
    for name in names() {
        let excuse = NOT_YET.iter().find(|(listed, _)| *listed == name);
        match (error(&name), excuse) {
            (Some(error), None) => wrong.push(format!("{name}: {error}")),
            (None, Some(_)) => wrong.push(format!("{name}: told rightly now; take it off the list")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An attack through hundreds of addresses is one entry, whoever else they are.
#[test]
fn a_wave_is_one_entry() {
    let report = report([fixture("incidents/login_backend_down.quiet.log.gz")]);
    let waves: Vec<&Value> = report["incidents"].as_array().unwrap().iter().filter(|i| i["status"] == 401).collect();
    assert_eq!(waves.len(), 1, "{waves:#?}");
    assert_eq!(waves[0]["cause"], "credential_stuffing");
}

/// A line of so many seconds after the tenth of March began, by somebody in a network of his own.
fn line(second: usize, net: usize, path: &str, status: u32, agent: &str) -> String {
    let (day, hour, minute) = (10 + second / 86_400, second / 3600 % 24, second / 60 % 60);
    let time = format!("{day}/Mar/2026:{hour:02}:{minute:02}:{:02} +0000", second % 60);
    format!("10.{net}.7.9 - - [{time}] \"GET {path} HTTP/1.1\" {status} 153 \"-\" \"{agent}\"\n")
}

fn firefox(version: usize) -> String {
    format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
}

/// Nobody has a past in the folder of a new release, but all were served the one before: a fault while it is still on.
#[test]
fn a_release_that_nobody_may_read_is_a_fault_at_once() {
    let (mut dice, mut log) = (Dice::new(11), String::new());
    for second in (0..6 * 3600).step_by(20) {
        let (who, is_new) = (dice.below(60), second >= 6 * 3600 - 1200);
        let (folder, status) = if is_new { ("/static/r419", 403) } else { ("/static/r418", 200) };
        let paths = ["/index.html".to_owned(), format!("{folder}/js/app.js"), format!("{folder}/css/site.css")];
        for (path, status) in paths.iter().zip([200, status, status]) {
            log += &line(second, who * 3, path, status, &firefox(145));
        }
    }
    let dir = workshop();
    let told = report([put(dir.path(), "access.log", log.as_bytes())]);
    let first = &told["incidents"][0];
    assert_eq!((&first["verdict"], &first["state"]), (&"server_side".into(), &"ongoing".into()), "{first:#}");
    assert_eq!(strings(&first["scope"]["path_prefix"]), ["/static/r419"]);
}

/// Requests of sixty clients, one every ten seconds; of those to `/api/v1` some are refused, by the second.
fn log_of_sixty(seconds: std::ops::Range<usize>, is_refused: impl Fn(usize, &mut Dice) -> bool) -> String {
    let (mut dice, mut log) = (Dice::new(5), String::new());
    for second in seconds.step_by(10) {
        let (who, path) = (dice.below(60), ["/app/inbox", "/api/v1/items", "/docs/start"][dice.below(3)]);
        let status = if path.starts_with("/api") && is_refused(second, &mut dice) { 403 } else { 200 };
        log += &line(second, who * 3, path, status, &firefox(145));
    }
    log
}

/// A log that begins in an outage does not show that it was ever otherwise: that is not said to be the clients' doing.
#[test]
fn what_nobody_is_ever_served_is_undecided() {
    let log = log_of_sixty(36_000..50_400, |_, _| true);
    let dir = workshop();
    let path = put(dir.path(), "access.log", log.as_bytes());
    let told = report([path.clone()]);
    let (first, of_all) = (&told["incidents"][0], told["incidents"].as_array().unwrap().len());
    assert_eq!((&first["verdict"], of_all), (&"undecided".into(), 1), "{told:#}");
    assert_eq!(strings(&first["scope"]["path_prefix"]), ["/api/v1"]);
    let out = String::from_utf8(authfault().arg(path).output().unwrap().stdout).unwrap();
    assert!(out.starts_with("UNDECIDED: 1 incident the log cannot decide; "), "{out}");
    assert!(out.split_whitespace().collect::<Vec<_>>().join(" ").contains("older logs tell"), "{out}");
}

/// What refuses one of five lets several pass between two refusals: at the log's end that does not make it over.
#[test]
fn a_fault_of_few_requests_is_still_on_at_the_end() {
    let log = log_of_sixty(0..50_400, |second, dice| second > 36_000 && dice.below(5) == 0 && second < 50_290);
    let dir = workshop();
    let told = report([put(dir.path(), "access.log", log.as_bytes())]);
    let faults = incidents(&told, "server_side");
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!((&faults[0]["state"], &faults[0]["end"]), (&"ongoing".into(), &Value::Null), "{:#}", faults[0]);
}

/// What comes on two Mondays at nine is a fault each time, and the report says that it comes back; who knows three of
/// them knows what is usual at that hour. What comes on a Wednesday does not come back, and is a fault.
#[test]
fn what_comes_back_at_the_same_hour_of_three_weeks_is_usual() {
    let evidence = |incident: &Value| {
        let points = incident["evidence"].as_array().unwrap().iter();
        points.filter_map(|point| point["text"].as_str()).collect::<Vec<_>>().join("; ")
    };
    let dir = workshop();
    let found = |days: u32, verdict: &str, words: &str| -> Vec<(i64, bool)> {
        let log = log_of_mondays(days * 1440, Some(days - 1));
        let told = report([put(dir.path(), "access.log", log.as_bytes())]);
        let first = seconds(&"2026-03-02T00:00:00Z".into());
        let own = incidents(&told, verdict);
        let own = own.iter().map(|it| ((seconds(&it["start"]) - first) / 86_400, evidence(it).contains(words)));
        let mut own: Vec<(i64, bool)> = own.collect();
        own.sort_unstable();
        own
    };
    assert_eq!(found(10, "server_side", "one week apart"), [(0, true), (7, true), (9, false)]);
    assert_eq!(found(10, "client_side", ""), []);
    assert_eq!(found(17, "server_side", "week"), [(16, false)]);
    let usual = "as many are refused at the same hour in each of 2 other weeks";
    assert_eq!(found(17, "client_side", usual), [(0, true), (7, true), (14, true)]);
}

/// Where everybody is refused, nobody is left to compare them with, and a site of forms and interfaces has no files that
/// would show a browser: forty clients, each every ten minutes, all refused for fifty minutes of the second day.
#[test]
fn everybody_refused_on_a_quiet_site_without_files_is_a_fault() {
    let agents = [firefox(145), "okhttp/4.12.0".to_owned()];
    let (mut dice, mut log) = (Dice::new(7), String::new());
    for second in (0..2 * 86_400).step_by(15) {
        let (who, path) = (dice.below(40), ["/app/inbox", "/api/items", "/"][dice.below(3)]);
        let (day, hour, minute) = (second / 86_400, second / 3600 % 24, second / 60 % 60);
        let status = if (day, hour) == (1, 9) && minute < 50 { 401 } else { 200 };
        log += &line(second, who * 5, path, status, &agents[who % 4 / 3]);
    }
    let dir = workshop();
    let report = report([put(dir.path(), "access.log", log.as_bytes())]);
    let faults: Vec<&Value> =
        report["incidents"].as_array().unwrap().iter().filter(|i| i["verdict"] == "server_side").collect();
    assert_eq!(faults.len(), 1, "{:#}", report["incidents"]);
    assert!(faults[0]["clients_affected"].as_u64().unwrap() >= 38);
    assert!(faults[0]["start"].as_str().unwrap().starts_with("2026-03-11T09:0"));
}

/// Seven persons of a small host beside a busy one, each there once in an hour of three days: all of them are refused
/// its bills for four hours of the last day. So few failures are rare at any time; that all fail is not.
#[test]
fn the_few_of_a_small_host_beside_a_busy_one_are_enough() {
    let (mut dice, mut log) = (Dice::new(11), String::new());
    let mut add = |second: usize, (host, net, agent): (&str, usize, usize), path: &str, status: u32| {
        log += &format!("{host}:443 {}", line(second, net, path, status, &firefox(agent)));
    };
    for second in (0..3 * 86_400).step_by(10) {
        add(second, ("shop.example.com", 100 + dice.below(60), 145), ["/store/a", "/store/b", "/"][dice.below(3)], 200);
        if second % 500 == 0 {
            let who = dice.below(7);
            let is_fault = (2 * 86_400 + 9 * 3600..2 * 86_400 + 13 * 3600).contains(&second);
            add(
                second,
                ("desk.example.com", who * 9, 140 + who % 3),
                "/billing/open",
                if is_fault { 403 } else { 200 },
            );
            add(second, ("desk.example.com", who * 9, 140 + who % 3), "/start", 200);
        }
    }
    let dir = workshop();
    let report = report([put(dir.path(), "access.log", log.as_bytes())]);
    let faults: Vec<&Value> =
        report["incidents"].as_array().unwrap().iter().filter(|i| i["verdict"] == "server_side").collect();
    assert_eq!(faults.len(), 1, "{:#}", report["incidents"]);
    assert_eq!(faults[0]["scope"]["path_prefix"], serde_json::json!(["/billing/open"]));
    assert!(faults[0]["start"].as_str().unwrap().starts_with("2026-03-12T09:0"));
}

#[test]
fn each_fault_has_a_quiet_twin() {
    let names = names();
    assert!(names.len() >= 40, "{names:?}");
    for name in names.iter().filter(|name| !name.ends_with(".quiet")) {
        // A second log of one cause is called `<cause>.<what is special>`.
        let cause = name.split('.').next().unwrap();
        assert!(names.contains(&format!("{cause}.quiet")), "{cause} has no quiet twin");
        assert_eq!(expected(name)["verdict"], "server_side", "{name}");
        assert_ne!(expected(&format!("{cause}.quiet"))["verdict"], "server_side", "{name}");
        assert!(authfault::detect::causes::find(cause).is_some(), "{name} is no cause");
    }
}

/// Addresses and names come from the ranges for documentation, or are private.
#[test]
fn nobody_real_is_in_them() {
    for name in names() {
        let log = String::from_utf8(crate::support::gunzip(&fixture(&format!("incidents/{name}.log.gz")))).unwrap();
        for line in log.lines().take(500) {
            assert!(!line.contains(".com/") || line.contains("example.com/") || line.contains("bot"), "{name}: {line}");
        }
    }
}
