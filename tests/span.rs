//! `--since` and `--until`: a span is judged by what came before it, and counted alone.

use crate::support::{authfault, fixture, generator, gunzip, gzip, incidents, pipe, put, run, run_in, workshop};
use generator::{FAULT_ROUTE, Settings, Size};
use serde_json::Value;
use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

/// All orders are refused from 11:00 to 13:00 on the third day.
fn long_log() -> Vec<u8> {
    let size = Size::Lines(70_000);
    generator::log(&Settings {
        size,
        clients: 3000,
        days: 3,
        fault_minutes: 120,
        shuffle_secs: 5,
        ..Settings::default()
    })
    .0
}

/// `11:40` of the third day.
fn third_day(clock: &str) -> String {
    format!("2025-10-08T{clock}:00Z")
}

fn json(log: &Path, options: &[&str]) -> Value {
    let args = ["--output", "json"].iter().chain(options).map(OsStr::new).chain([log.as_os_str()]);
    let run = run(args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{options:?}");
    run.report()
}

/// What a search by hand finds: the lines of the third day between two times of day.
fn lines_between<'t>(text: &'t str, from: &str, until: &str) -> Vec<&'t str> {
    let clock = |line: &'t str| line.split_once("[08/Oct/2025:").map(|(_, rest)| &rest[..8]);
    text.lines().filter(|line| clock(line).is_some_and(|at| at >= from && at < until)).collect()
}

fn with_status<'t>(lines: &[&'t str], status: &str) -> Vec<&'t str> {
    lines.iter().copied().filter(|line| line.contains(&format!("\" {status} "))).collect()
}

/// Address and user agent.
fn clients(lines: &[&str]) -> usize {
    let client =
        |line: &&str| (line.split(' ').next().unwrap().to_owned(), line.rsplit('"').nth(1).unwrap().to_owned());
    lines.iter().map(client).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_fault_through_all_of_the_span_is_told_from_its_onset() {
    let text = long_log();
    let dir = workshop();
    let log = put(dir.path(), "a.log", &text);
    let whole = json(&log, &[]);
    let fault = incidents(&whole, "server_side")[0];
    assert_eq!(fault["scope"]["path_prefix"][0], FAULT_ROUTE);
    let (since, until) = (third_day("11:40"), third_day("12:20"));
    let part = json(&log, &["--since", &since, "--until", &until]);
    let told = incidents(&part, "server_side");
    assert_eq!(told.len(), 1);
    for key in ["id", "start", "cause", "status", "scope"] {
        assert_eq!(told[0][key], fault[key], "{key}");
    }
    assert!(told[0]["start"].as_str().unwrap() < third_day("11:05").as_str(), "{}", told[0]["start"]);
    assert_eq!(told[0]["state"], "ongoing", "what is on at the end asked for is not over");

    let text = std::str::from_utf8(&text).unwrap();
    let lines = lines_between(text, "11:40:00", "12:20:00");
    let (on_401, on_403) = (with_status(&lines, "401"), with_status(&lines, "403"));
    let totals = &part["totals"];
    assert_eq!(totals["requests"], lines.len());
    assert_eq!((&totals["status_401"], &totals["status_403"]), (&on_401.len().into(), &on_403.len().into()));
    assert_eq!(totals["clients"], clients(&lines));
    assert_eq!(totals["failing_clients"], clients(&[on_401, on_403].concat()));
    let windows = part["windows"].as_array().unwrap();
    assert_eq!((&windows[0]["start"], windows.len()), (&since.as_str().into(), 8));
    let last = lines_between(text, "12:15:00", "12:20:00");
    assert_eq!((&windows[7]["requests"], &windows[7]["clients"]), (&last.len().into(), &clients(&last).into()));
    for client in part["clients"].as_array().unwrap() {
        assert!(
            client["first"].as_str().unwrap() >= since.as_str() && client["last"].as_str().unwrap() < until.as_str()
        );
        let own = lines.iter().filter(|line| line.starts_with(&format!("{} ", client["client"].as_str().unwrap())));
        assert_eq!(client["requests"], own.count(), "{client}");
    }

    // The day before, and nothing older.
    let lead = &part["input"]["lead"];
    assert_eq!(lead["end"], since.as_str());
    assert!(lead["begin"].as_str().unwrap().starts_with("2025-10-07T11:4"), "{lead}");
    let before = text.lines().filter(|line| line.contains("[07/Oct/2025:"));
    let before = before.filter(|line| line.split_once("[07/Oct/2025:").unwrap().1[..8] >= *"11:40:00").count();
    assert_eq!(lead["lines"], before + lines_between(text, "00:00:00", "11:40:00").len());
    assert!(part["input"]["files"][0]["unread_bytes"].as_u64().unwrap() > 0);
    assert_eq!(part["input"]["begins_late"], true);
}

#[test]
fn a_fault_that_was_over_before_the_span_is_not_told() {
    let dir = workshop();
    let log = put(dir.path(), "a.log", &long_log());
    let end = incidents(&json(&log, &[]), "server_side")[0]["end"].as_str().unwrap().to_owned();
    let after = json(&log, &["--since", &end]);
    assert_eq!(incidents(&after, "server_side").len(), 0);
    assert_eq!(after["event_causes"]["server_misconfig"], 0);
    let run = run([OsStr::new("--since"), OsStr::new(&end), log.as_os_str()]);
    assert!(run.out.starts_with("NO SERVER FAULT SEEN: "), "{}", run.out);
    let past = format!("Reported is what follows {} {} UTC; the", &end[..10], &end[11..16]);
    assert!(run.out.contains(&past) && run.out.contains("The span asked for\n"), "{}", run.out);
}

/// Cut by a search in the file, cut after unpacking, or as it comes in; with any number of threads; in two halves.
#[test]
fn however_the_log_comes_in_a_span_has_the_same_answer() {
    let text = long_log();
    let dir = workshop();
    let folder = dir.path();
    let (plain, packed) = (put(folder, "a.log", &text), put(folder, "b.log", &gzip(&text)));
    let (since, until) = (third_day("11:40"), third_day("12:20"));
    let span = ["--output", "json", "--since", &since, "--until", &until];
    // What was read, and where a line stands, differ.
    let concluded = |mut report: Value| {
        for file in report["input"]["files"].as_array_mut().unwrap() {
            *file = Value::Null;
        }
        for key in ["lines", "parsed", "start", "limits"] {
            report["input"][key] = Value::Null;
        }
        report["limits"] = Value::Null;
        for incident in report["incidents"].as_array_mut().unwrap() {
            incident["samples"].as_array_mut().unwrap().iter_mut().for_each(|sample| sample["file"] = Value::Null);
        }
        report
    };
    let first = json(&plain, &span[2..]);
    assert_eq!(concluded(json(&packed, &span[2..])), concluded(first.clone()));
    assert_eq!(concluded(pipe(&text, span.iter().chain(&["-"])).report()), concluded(first));

    let bytes = |threads: &str| run_in(folder, span.iter().chain(&["--threads", threads, "a.log"])).out;
    let one = bytes("1");
    assert!(one.contains("server_side") && bytes("2") == one && bytes("7") == one);

    let half = text.len() / 2 + text[text.len() / 2..].iter().position(|b| *b == b'\n').unwrap() + 1;
    put(folder, "c.log.1.gz", &gzip(&text[..half]));
    put(folder, "c.log.gz", &gzip(&text[half..]));
    for name in ["c.log.1.gz", "c.log.gz"] {
        let mapped = authfault().current_dir(folder).args(["map", "-o", &format!("{name}.afpart"), name]).status();
        assert!(mapped.unwrap().success());
    }
    let whole = run_in(folder, span.iter().chain(&["c.log.1.gz", "c.log.gz"]));
    let reduced = run_in(folder, ["reduce"].iter().chain(&span).chain(&["c.log.1.gz.afpart", "c.log.gz.afpart"]));
    assert!(whole.out.contains("server_side") && whole.out == reduced.out);
}

/// In the small logs that ship, a span within the fault shows it as all of the log does; one before it shows nothing.
#[test]
fn a_span_within_each_fault_shows_it() {
    let mut tried = 0;
    for name in ["access_rule", "deploy_route_block", "file_permissions", "credentials_store_lost", "deny_rule"] {
        let log = fixture(&format!("incidents/{name}.log.gz"));
        let whole = json(&log, &[]);
        let fault = incidents(&whole, "server_side")[0];
        let time = |key: &str| chrono::DateTime::parse_from_rfc3339(fault[key].as_str().unwrap()).unwrap();
        let (start, end) = (time("start"), time("end"));
        let [since, until] = [1, 3].map(|quarter| (start + (end - start) / 4 * quarter).to_rfc3339());
        let later = json(&log, &["--since", &since]);
        assert_eq!(incidents(&later, "server_side"), [fault], "{name}");
        // How it ended is unknown here, which may move its beginning a little.
        let within = json(&log, &["--since", &since, "--until", &until]);
        let told = incidents(&within, "server_side");
        assert_eq!(told.len(), 1, "{name}");
        let told = chrono::DateTime::parse_from_rfc3339(told[0]["start"].as_str().unwrap()).unwrap();
        assert!((told - start).abs() < chrono::TimeDelta::minutes(5), "{name} began at {start}: {told}");
        let before = json(&log, &["--since", "2026-03-10T08:00:00Z", "--until", &start.to_rfc3339()]);
        assert_eq!(incidents(&before, "server_side").len(), 0, "{name}");
        tried += 1;
    }
    assert_eq!(tried, 5);
}

/// A fault older than the lead has hidden who was served before.
#[test]
fn what_was_not_read_is_not_denied() {
    let log = fixture("incidents/slow_burn.log.gz");
    let span = |since: &str| run([OsStr::new("--since"), OsStr::new(since), log.as_os_str()]).out;
    let late = span("2026-03-13T06:00:00Z");
    assert!(!late.starts_with("NOT THE SERVER"), "{late}");
    // Nothing was left out before this one.
    let all = run([OsStr::new("--since"), OsStr::new("2000-01-01"), log.as_os_str()]).out;
    assert_eq!(all.lines().next(), run([&log]).out.lines().next());
}

#[test]
fn a_client_s_story_in_a_span_knows_what_it_was_served_before() {
    let dir = workshop();
    let log = put(dir.path(), "a.log", &gunzip(&fixture("incidents/deploy_route_block.log.gz")));
    let span = ["--since", "2026-03-10T13:30:00Z", "--until", "2026-03-10T14:30:00Z"];
    let part = json(&log, &span);
    let of_fault = |client: &&Value| client["main_cause"] == "server_misconfig";
    let victim = part["clients"].as_array().unwrap().iter().find(of_fault).unwrap();
    let client = victim["client"].as_str().unwrap();
    let args = ["explain", client, "a.log", "--output", "json"];
    let told: Value = serde_json::from_str(&run_in(dir.path(), args.iter().chain(&span)).out).unwrap();
    let stories = told["stories"].as_array().unwrap();
    let sum: u64 = stories.iter().map(|story| story["requests"].as_u64().unwrap()).sum();
    assert_eq!(victim["requests"], sum, "{told:#}");
    let runs: Vec<&Value> = stories.iter().flat_map(|story| story["runs"].as_array().unwrap()).collect();
    assert!(runs.iter().all(|run| run["start"].as_str().unwrap() >= "2026-03-10T13:30:00Z"), "{told:#}");
    let hit = runs.iter().find(|run| run["cause"] == "server_misconfig").unwrap();
    assert!(hit["last_served_here"].as_str().unwrap() < "2026-03-10T13:07", "{told:#}");
    assert_eq!(hit["incident"], incidents(&part, "server_side")[0]["id"]);
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let log = fixture("incidents/deploy_route_block.log.gz");
    let spans = [["2h", "3h"], ["2h", "2h"], ["2026-03-11", "2026-03-10"]];
    for [since, until] in spans {
        let run = run(["--since", since, "--until", until].map(OsStr::new).into_iter().chain([log.as_os_str()]));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{since} {until}");
        assert!(run.err.contains("expected --since to be before --until"), "{}", run.err);
    }
    // Where the log ends is known when it was read.
    let mixed = ["--since", "2026-03-10T16:00:00Z", "--until", "2h"].map(OsStr::new);
    let run = run(mixed.into_iter().chain([log.as_os_str()]));
    assert_eq!(run.code, Some(2));
    let said = "expected --since to be before --until, found 2026-03-10 16:00 and 2026-03-10 14:59 UTC";
    assert!(run.err.contains(said) && run.out.starts_with("NO ANSWER"), "{run:?}");
}

#[test]
fn reports_to_pass_on_say_what_the_span_was_judged_by() {
    let log = fixture("incidents/deploy_route_block.log.gz");
    let dir = workshop();
    let args = ["--since", "2026-03-10T13:30:00Z", "-o", "r.md", "-o", "r.html", log.to_str().unwrap()];
    assert_eq!(run_in(dir.path(), args).code, Some(0));
    for name in ["r.md", "r.html"] {
        let page = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(page.contains("Reported is what follows 2026-03-10 13:30 UTC; the "), "{name}: {page}");
    }
}

#[test]
fn a_span_beside_the_log_is_said_to_hold_nothing_of_it() {
    let log = fixture("incidents/deploy_route_block.log.gz");
    let has = "none of 4,187 lines lies in the span asked for; the log has 2026-03-10 07:00 to 16:59 UTC\n";
    for bound in [["--until", "2026-03-01"], ["--since", "2026-04-01"], ["--until", "2026-03-10T07:00:01Z"]] {
        let run = run(bound.iter().map(OsStr::new).chain([log.as_os_str()]));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{bound:?}");
        assert_eq!(run.out.lines().next(), Some(format!("NO ANSWER: {has}").trim_end()), "{bound:?}");
        assert!(
            run.out.contains("4,187 lines in 1 file, 2026-03-10 07:00 to 16:59 UTC, all understood"),
            "{}",
            run.out
        );
    }
}
