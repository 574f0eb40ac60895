//! The story of one client: who was refused when, and what is made of it.

use crate::support::{fixture, gunzip, log_with_fault, put, report, run, workshop};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

fn explain(client: &str, paths: &[&Path], options: &[&str]) -> crate::support::Run {
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    run(["explain", client].into_iter().chain(paths).chain(options.iter().copied()))
}

fn stories(client: &str, log: &Path, options: &[&str]) -> Vec<Value> {
    let options = [options, &["--output", "json"]].concat();
    let run = explain(client, &[log], &options);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{client}");
    let told: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(told["schema"], "authfault-story/1");
    told["stories"].as_array().unwrap().clone()
}

fn n(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no number `{key}` in {value}"))
}

/// Every request of a client is in one run, whatever it was folded into, and runs come in order of time.
#[test]
fn every_request_is_told_once() {
    for name in ["credentials_store_lost", "deploy_route_block", "session_store_flush", "auth_backend_down.quiet"] {
        let log = fixture(&format!("incidents/{name}.log.gz"));
        let report = report([&log]);
        for summary in report["clients"].as_array().unwrap().iter().take(12) {
            let client = summary["client"].as_str().unwrap();
            let told = stories(client, &log, &[]);
            let (mut requests, mut refused) = (0, 0);
            for story in &told {
                let runs = story["runs"].as_array().unwrap();
                let sum: u64 = ["requests", "served_meanwhile", "challenges", "other_errors"]
                    .iter()
                    .flat_map(|key| runs.iter().map(|run| n(run, key)))
                    .sum();
                assert_eq!(sum, n(story, "requests"), "{name}, {client}: {story:#}");
                assert!(runs.is_sorted_by_key(|run| run["start"].as_str().unwrap()), "{name}, {client}");
                assert!(runs.iter().all(|run| run["start"].as_str() <= run["end"].as_str()));
                requests += n(story, "requests");
                refused += n(story, "status_401") + n(story, "status_403");
            }
            assert_eq!(requests, n(summary, "requests"), "{name}, {client}: all its user agents");
            assert_eq!(refused, n(summary, "status_401") + n(summary, "status_403"), "{name}, {client}");
        }
    }
}

#[test]
fn a_victim_learns_of_its_incident() {
    let report = report([log_with_fault()]);
    let fault = crate::support::incidents(&report, "server_side")[0].clone();
    let victim = report["clients"].as_array().unwrap().iter().find(|c| c["main_cause"] == "server_misconfig").unwrap();
    let client = victim["client"].as_str().unwrap();
    let told = stories(client, &log_with_fault(), &[]);
    let story = told.iter().find(|s| s["incidents"].as_array().unwrap().iter().any(|i| i["id"] == fault["id"]));
    let story = story.unwrap_or_else(|| panic!("{client} was a victim: {told:#?}"));
    let run = story["runs"].as_array().unwrap().iter().find(|r| r["incident"] == fault["id"]).unwrap();
    assert_eq!((&run["outcome"], &run["cause"]), (&"refused".into(), &"server_misconfig".into()));
    assert!(run["why"].as_str().unwrap().contains("a fault of the server"));
    let text = explain(client, &[&log_with_fault()], &[]).out;
    for words in ["server's fault", "began to fail", "Incidents it was part of", "What this log cannot tell"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_guesser_is_told_as_one() {
    let folder = fixture("realserver/logs/nginx-brute-force");
    let errors = folder.join("error.log.gz");
    let told = stories("127.211.7.66", &folder.join("access.log.gz"), &["--error-log", errors.to_str().unwrap()]);
    assert_eq!((told.len(), n(&told[0], "users"), n(&told[0], "ok")), (1, 6, 0));
    let run = &told[0]["runs"][0];
    assert_eq!((&run["cause"], n(run, "requests")), (&"incorrect_credentials".into(), 1200));
    assert!(run["error_log"].as_str().unwrap().contains("wrong password (914 times)"), "{run}");
    assert_eq!(told[0]["incidents"][0]["cause"], "brute_force");
}

/// With its error log, a 500 is part of an outage of authentication.
#[test]
fn failures_that_are_no_refusals_are_told_too() {
    let folder = fixture("realserver/logs/apache-htpasswd-unreadable");
    let errors = folder.join("error.log.gz");
    let told = stories("127.40.8.187", &folder.join("access.log.gz"), &["--error-log", errors.to_str().unwrap()]);
    let runs = told.iter().flat_map(|story| story["runs"].as_array().unwrap());
    let failed: Vec<&Value> = runs.filter(|run| run["outcome"] == "failed").collect();
    assert!(!failed.is_empty() && failed.iter().all(|run| run["status"] == 500));
    assert!(failed.iter().any(|run| run["incident"].is_string() && run["error_log"].as_str().unwrap().contains("/srv/site/htpasswd")));
}

/// The normal first half of a login is counted, not told as a failure.
#[test]
fn challenges_are_no_failures() {
    let line = |second: u32, user: &str, status: u16| {
        format!(
            "192.0.2.7 - {user} [10/Mar/2026:10:{:02}:{:02} +0000] \"GET /wiki/ HTTP/1.1\" {status} 179 \"-\" \"Firefox/136.0\"\n",
            second / 60,
            second % 60
        )
    };
    let log: String = (0..10).map(|i| line(i * 300, "-", 401) + &line(i * 300 + 3, "mira", 200)).collect();
    let dir = workshop();
    let told = stories("192.0.2.7", &put(dir.path(), "access.log", log.as_bytes()), &[]);
    let runs = told[0]["runs"].as_array().unwrap();
    assert_eq!((runs.len(), n(&runs[0], "challenges"), n(&runs[0], "requests")), (1, 10, 10), "{runs:#?}");
}

#[test]
fn people_behind_one_address_are_told_by_their_user_agent() {
    let log = fixture("incidents/deploy_route_block.log.gz");
    let text = String::from_utf8(gunzip(&log)).unwrap();
    let mut agents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let (address, agent) = (line.split(' ').nth(1).unwrap(), line.rsplit('"').nth(1).unwrap());
        agents.entry(address).or_default().insert(agent);
    }
    let (address, agents) = agents.into_iter().max_by_key(|(_, agents)| agents.len()).unwrap();
    assert_eq!(stories(address, &log, &[]).len(), agents.len().min(8));
    let one = agents.first().unwrap();
    let told = stories(&format!("{address} {}", one.to_ascii_uppercase()), &log, &[]);
    assert!(told.iter().any(|story| story["agent"] == **one), "in any case");
    assert!(told.iter().all(|story| story["agent"].as_str().unwrap().contains(one)));
}

#[test]
fn an_address_is_one_however_it_is_written() {
    let log = "2001:db8::7 - - [10/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 401 5 \"-\" \"a\"\n\
               ::ffff:192.0.2.7 - - [10/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 401 5 \"-\" \"a\"\n\
               host.example.org - - [10/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 401 5 \"-\" \"a\"\n";
    let dir = workshop();
    let log = put(dir.path(), "access.log", log.as_bytes());
    for client in ["2001:0db8:0:0::7", "192.0.2.7", "::ffff:192.0.2.7", "host.example.org", "HOST.example.org"] {
        assert_eq!(stories(client, &log, &[]).len(), 1, "{client}");
    }
}

#[test]
fn who_is_not_there_is_said_to_be_so() {
    let run = explain("203.0.113.99", &[&log_with_fault()], &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("is by `203.0.113.99`"), "{}", run.err);
    let run = explain("203.0.113.99\u{1b}[2J", &[&log_with_fault()], &[]);
    assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);
}

/// Whoever calls says a name. It is one that was claimed, which is said.
#[test]
fn a_user_name_finds_those_who_claimed_it() {
    let log = fixture("incidents/credentials_store_lost.log.gz");
    let told = stories("kim", &log, &[]);
    assert_eq!((told.len(), &told[0]["claimed_users"]), (1, &serde_json::json!(["kim"])));
    let client = told[0]["client"].as_str().unwrap();
    assert!(stories(client, &log, &[]).contains(&told[0]), "the story of that client");
    assert_eq!(stories("kim Safari", &log, &[]), told);
    let run = explain("kim", &[&log], &[]);
    assert!(
        run.out.starts_with("No client goes by that as an address or host name. These claimed it as"),
        "{}",
        run.out
    );
    assert!(!explain(client, &[&log], &[]).out.contains("No client"));
    assert_eq!(explain("kim Firefox", &[&log], &[]).code, Some(2));
    assert_eq!(explain("ki", &[&log], &[]).code, Some(2), "no part of a name");
}

/// No option may be there and do nothing.
#[test]
fn options_of_reports_are_refused() {
    for options in
        [&["-o", "x.json"][..], &["--exit-code"], &["--window", "1h"], &["--clients", "3"], &["--output", "csv"]]
    {
        let run = explain("192.0.2.7", &[&log_with_fault()], options);
        assert_eq!(run.code, Some(2), "{options:?}");
        assert!(run.err.contains("a story"), "{options:?}: {}", run.err);
    }
    let help = run(["explain", "--help"]).out;
    assert!(help.contains("--error-log") && !help.contains("--exit-code") && !help.contains("--window"), "{help}");
}
