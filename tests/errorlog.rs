//! Error logs as evidence: what they settle, what they leave alone, and how much of them was read.
//!
//! Real ones are in `fixtures/realserver/logs`; those in `fixtures/errorlog` have messages of modules and services that
//! are not at hand there.

use crate::support::{Run, authfault, fixture, gunzip, incidents, put, report, run, workshop};
use serde_json::Value;
use std::{ffi::OsString, fs, io::Write, path::Path};

/// The report on an access log with its error log beside it.
fn with_errors(access: &Path, errors: &Path) -> Value {
    let args: [OsString; 3] = [access.into(), "--error-log".into(), errors.into()];
    let report = report(args);
    for log in report["input"]["error_logs"].as_array().unwrap() {
        let n = |key: &str| log[key].as_u64().unwrap();
        assert_eq!(n("lines"), n("parsed") + n("rejected") + n("blank"), "{log}");
        assert!(n("noted") <= n("parsed"), "{log}");
    }
    report
}

fn real(case: &str) -> Value {
    let folder = fixture("realserver/logs").join(case);
    with_errors(&folder.join("access.log.gz"), &folder.join("error.log.gz"))
}

fn pair(name: &str) -> Value {
    with_errors(&fixture(&format!("errorlog/{name}.access.log")), &fixture(&format!("errorlog/{name}.error.log")))
}

/// The one server-side incident.
#[track_caller]
fn fault(report: &Value) -> &Value {
    let faults = incidents(report, "server_side");
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults[0]
}

/// Evidence by what it says.
fn evidence<'r>(incident: &'r Value, words: &str) -> Option<&'r Value> {
    incident["evidence"].as_array().unwrap().iter().find(|e| e["text"].as_str().unwrap().contains(words))
}

#[track_caller]
fn settled(report: &Value, cause: &str, words: &str) {
    let fault = fault(report);
    assert_eq!((&fault["cause"], &fault["cause_is_settled"]), (&cause.into(), &true.into()), "{fault:#}");
    let first = &fault["evidence"][0];
    assert!(first["text"].as_str().unwrap().contains(words), "{first}");
    assert_eq!(first["supports"], true);
    assert!(first["figures"]["error_log_messages"].as_f64().unwrap() > 0.0);
}

fn first_check(report: &Value) -> &str {
    fault(report)["next_checks"][0].as_str().unwrap()
}

#[test]
fn a_lost_password_file_is_named() {
    let emptied = real("nginx-htpasswd-emptied");
    settled(&emptied, "credentials_store_lost", "user not found");
    assert!(first_check(&emptied).contains("'/srv/site/htpasswd'"), "{}", first_check(&emptied));
    let missing = real("nginx-htpasswd-missing");
    settled(&missing, "credentials_store_lost", "missing or unreadable (673 times), naming /srv/site/htpasswd");
    assert!(first_check(&missing).contains("'/srv/site/htpasswd'"));
    settled(&real("apache-htpasswd-emptied"), "credentials_store_lost", "user not found");
}

#[test]
fn rules_and_permissions_are_told_apart() {
    settled(&real("nginx-deny-rule"), "deny_rule", "access forbidden by rule");
    settled(&real("nginx-allowlist-typo"), "allowlist_typo", "access forbidden by rule");
    let apache = real("apache-require-denied");
    settled(&apache, "deny_rule", "client denied by server configuration");
    assert!(first_check(&apache).contains("'/srv/site/www/downloads'"), "{}", first_check(&apache));
}

/// The access log alone suggested another cause: that stays beside the one that the error log gives.
#[test]
fn where_the_logs_disagree_both_are_told() {
    let report = pair("ldap");
    let fault = fault(&report);
    let alternative = evidence(fault, "the access log alone suggests").expect("the alternative");
    assert_eq!(alternative["supports"], false);
    assert_eq!(fault["ruled_out"][0]["cause"], "credentials_store_lost");
}

/// What the access log leaves open, the error log decides: that is no disagreement.
#[test]
fn a_wider_name_is_narrowed() {
    let alone = report([fixture("realserver/logs/apache-require-denied/access.log.gz")]);
    assert_eq!(fault(&alone)["cause"], "access_rule");
    assert!(evidence(fault(&alone), "look the same here").is_some());
    let both = real("apache-require-denied");
    let fault = fault(&both);
    assert_eq!(fault["cause"], "deny_rule");
    assert!(evidence(fault, "look the same here").is_none() && evidence(fault, "suggests another").is_none());
}

/// Nobody had been served below the new prefix, so the access log alone shows a wave of nobody's known good.
#[test]
fn files_that_may_not_be_read_are_the_servers_fault() {
    let report = real("nginx-static-permissions");
    settled(&report, "file_permissions", "no permission to read the file");
    let causes = &report["event_causes"];
    assert!(causes["server_misconfig"].as_u64().unwrap() > 200, "{causes}");
}

#[test]
fn modsecurity_is_named_by_the_rule_that_matches() {
    let report = pair("waf");
    settled(&report, "waf_false_positive", "ModSecurity refused (72 times), naming 942100");
    assert!(first_check(&report).contains("942100"), "949110 only adds up");
}

#[test]
fn a_directory_that_cannot_be_asked_is_no_lost_password_file() {
    let report = pair("ldap");
    settled(&report, "auth_backend_down", "LDAP");
    let (failed, all) = (&fault(&report)["requests_failed"], &report["totals"]["status_401"]);
    assert!(
        failed.as_u64().unwrap() * 100 >= all.as_u64().unwrap() * 95,
        "one fault, nearly all of it: {failed} of {all}"
    );
}

/// Behind a proxy that only the access log sees through, addresses do not match: time and path must do.
#[test]
fn an_error_log_of_other_addresses_is_matched_by_time_and_path() {
    let folder = fixture("realserver/logs/nginx-deny-rule");
    let errors = String::from_utf8(crate::support::gunzip(&folder.join("error.log.gz"))).unwrap();
    let behind = |line: &str| match (line.find(", client: "), line.find(", server: ")) {
        (Some(from), Some(to)) => format!("{}, client: 203.0.113.1{}\n", &line[..from], &line[to..]),
        _ => format!("{line}\n"),
    };
    let dir = workshop();
    let errors = put(dir.path(), "error.log", errors.lines().map(behind).collect::<String>().as_bytes());
    let report = with_errors(&folder.join("access.log.gz"), &errors);
    settled(&report, "deny_rule", "matched by time and path, since it knows clients by other addresses");
}

/// Neither server can check a password then, and both answer 500: no 401 or 403 tells of it.
#[test]
fn authentication_that_breaks_with_500_is_told() {
    for (report, cause, check, paths, hit) in [
        (
            real("nginx-auth-service-stopped"),
            "auth_backend_down",
            "'http://127.0.4.9:9/_auth'",
            vec!["/api/v1", "/app"],
            33,
        ),
        (
            real("apache-htpasswd-unreadable"),
            "credentials_store_lost",
            "'/srv/site/htpasswd'",
            vec!["/calendar", "/reports", "/wiki"],
            30,
        ),
        (pair("auth_request"), "auth_backend_down", "'http://127.0.0.1:9000/check'", vec!["/app", "/wiki"], 30),
    ] {
        settled(
            &report,
            cause,
            if cause == "auth_backend_down" { "the service that decides failed" } else { "missing or unreadable" },
        );
        let fault = fault(&report);
        assert_eq!((&fault["status"], &fault["clients_affected"]), (&500.into(), &hit.into()), "{fault:#}");
        assert_eq!(fault["scope"]["path_prefix"], serde_json::json!(paths));
        assert_eq!((&fault["state"], fault["evidence"][0]["supports"] == true), (&"ended".into(), true));
        assert!(first_check(&report).contains(check), "{}", first_check(&report));
    }
}

/// 500s of an application, of which the error log says nothing or something else, are nobody's authentication.
#[test]
fn other_500s_are_no_outage_of_authentication() {
    let access = String::from_utf8(std::fs::read(fixture("errorlog/auth_request.access.log")).unwrap()).unwrap();
    let errors = String::from_utf8(std::fs::read(fixture("errorlog/auth_request.error.log")).unwrap()).unwrap();
    let dir = workshop();
    let upstream: Vec<String> = errors
        .lines()
        .filter(|line| line.contains("connect()"))
        .map(|line| line.replace(", subrequest: \"/_auth\"", "") + "\n")
        .collect();
    let others: String = errors.replace("client: 10.", "client: 203.");
    for errors in [upstream.concat(), others] {
        let (access, errors) =
            (put(dir.path(), "access.log", access.as_bytes()), put(dir.path(), "error.log", errors.as_bytes()));
        let report = with_errors(&access, &errors);
        assert!(incidents(&report, "server_side").is_empty(), "{:#}", report["incidents"]);
    }
}

/// nginx says nothing where auth_request refuses: that is told, and speaks for the service behind it.
#[test]
fn silence_is_evidence() {
    let report = real("nginx-auth-request-refuses");
    let fault = fault(&report);
    let silence = evidence(fault, "says nothing about these refusals").expect("silence");
    assert_eq!((&silence["supports"], &fault["cause"]), (&true.into(), &"auth_backend_down".into()));
    assert!(fault.get("cause_is_settled").is_none());
}

#[test]
fn attacks_and_clients_own_trouble_stay_what_they_are() {
    for (case, verdict, words) in [
        ("nginx-brute-force", "attack", "wrong password (914 times); user not found (286 times)"),
        ("apache-password-spray", "attack", "102 user names"),
        ("nginx-vulnerability-scan", "attack", "access forbidden by rule"),
        ("nginx-device-old-password", "client_side", "of 1 address and 1 user name"),
    ] {
        let report = real(case);
        assert!(incidents(&report, "server_side").is_empty(), "{case}");
        let told = incidents(&report, verdict);
        assert!(told.iter().any(|i| evidence(i, words).is_some_and(|e| e["supports"] == true)), "{case}: {told:#?}");
    }
    let quiet = pair("typing_errors");
    assert!(quiet["incidents"].as_array().unwrap().is_empty());
    let log = &quiet["input"]["error_logs"][0];
    assert_eq!((&log["lines"], &log["noted"], &log["rejected"]), (&30.into(), &29.into(), &1.into()));
}

/// The access log is in +0200, the error log says no zone.
#[test]
fn times_are_taken_in_the_zone_of_the_access_log() {
    let report = pair("waf");
    let log = &report["input"]["error_logs"][0];
    assert_eq!(log["start"].as_str().unwrap().get(..14), Some("2026-03-10T08:"), "ten o'clock there");
    let limits = report["limits"].to_string();
    assert!(!limits.contains("error-log-tz") && !limits.contains("another time"), "{limits}");
    let (access, errors) = (fixture("errorlog/waf.access.log"), fixture("errorlog/waf.error.log"));
    let args: [OsString; 5] =
        [access.into(), "--error-log".into(), errors.into(), "--error-log-tz".into(), "-0700".into()];
    let wrong = crate::support::report(args);
    assert!(fault(&wrong).get("cause_is_settled").is_none(), "the wrong zone explains nothing");
    assert!(wrong["limits"].to_string().contains("the error log is of another time"));
}

#[test]
fn directories_patterns_and_gzip_are_read() {
    let dir = workshop();
    let errors = std::fs::read(fixture("errorlog/waf.error.log")).unwrap();
    let (first, second) = errors.split_at(errors.iter().rposition(|b| *b == b'\n').unwrap() / 2);
    let cut = first.iter().rposition(|b| *b == b'\n').unwrap() + 1;
    put(dir.path(), "error.log.1.gz", &crate::support::gzip(&first[..cut]));
    put(dir.path(), "error.log", &[&first[cut..], second].concat());
    put(dir.path(), "access.log", b"");
    let access = fixture("errorlog/waf.access.log");
    let whole = pair("waf");
    for errors in [dir.path().to_owned(), dir.path().join("error*")] {
        let report = with_errors(&access, &errors);
        assert_eq!(report["input"]["error_logs"].as_array().unwrap().len(), 2);
        assert_eq!(fault(&report)["evidence"], fault(&whole)["evidence"], "in pieces or whole");
    }
}

/// A check reads what is new in it, whatever rotation did, and remembers what was rotated away: nothing twice, nothing
/// lost, and the evidence is that of one reading of everything.
#[test]
fn a_check_follows_error_logs_from_run_to_run() {
    let real = fixture("realserver/logs/nginx-htpasswd-missing");
    let dir = workshop();
    let whole = put(dir.path(), "whole.log", &gunzip(&real.join("error.log.gz")));
    let text = fs::read_to_string(&whole).unwrap();
    let access = put(dir.path(), "access.log", &gunzip(&real.join("access.log.gz")));
    let (at_once, site) = (with_errors(&access, &whole), workshop());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (part, live) = (lines.len() / 4, site.path().join("error.log"));
    let write = |piece: usize| {
        let text = lines[piece * part..if piece == 3 { lines.len() } else { (piece + 1) * part }].concat();
        fs::File::options().create(true).append(true).open(&live).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let rotated = |name: &str| site.path().join(name);
    let report = site.path().join("report.json");
    let check = || {
        let mut command = authfault();
        command.args(["check", "--stale-after", "0s", "--now", at_once["input"]["end"].as_str().unwrap(), "--state"]);
        command.arg(site.path().join("state")).arg(&access).arg("--error-log").arg(&live).arg("-o").arg(&report);
        let run = Run::of(&command.output().unwrap());
        assert_eq!((run.code.unwrap() < 3, run.err.as_str()), (true, ""), "{run:?}");
        serde_json::from_slice::<Value>(&fs::read(&report).unwrap()).unwrap()
    };
    write(0);
    check();
    write(1);
    fs::rename(&live, rotated("error.log.1")).unwrap();
    write(2);
    check();
    fs::rename(rotated("error.log.1"), rotated("error.log.2")).unwrap();
    fs::rename(&live, rotated("error.log.1")).unwrap();
    write(3);
    let followed = check();
    let gone = ["error.log.1", "error.log.2"].map(|name| fs::remove_file(rotated(name)));
    assert!(gone.iter().all(Result::is_ok));
    for (report, when) in [(followed, "after two rotations"), (check(), "when what was rotated is gone")] {
        let logs = report["input"]["error_logs"].as_array().unwrap();
        for key in ["bytes", "lines", "parsed", "noted", "rejected", "blank"] {
            let sum: u64 = logs.iter().map(|log| log[key].as_u64().unwrap()).sum();
            assert_eq!(sum, at_once["input"]["error_logs"][0][key], "{key} {when}");
        }
        for key in ["verdict", "cause", "confidence", "evidence", "next_checks"] {
            assert_eq!(fault(&report)[key], fault(&at_once)[key], "{key} {when}");
        }
        let samples = fault(&report)["samples"].as_array().unwrap();
        assert!(samples.iter().any(|line| line["file"].as_str().unwrap().contains("error.log")), "{samples:?} {when}");
    }
}

#[test]
fn an_error_log_that_cannot_be_read_is_a_problem() {
    let access = fixture("errorlog/waf.access.log");
    let run = run([access.as_os_str(), "--error-log".as_ref(), "no-such-error.log".as_ref()]);
    assert!(run.err.contains("no-such-error.log: no such file"), "{}", run.err);
    assert_eq!(run.code, Some(2), "as with an access log");
    let output = authfault().arg(&access).args(["--error-log-tz", "+0100"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a zone without a log has no meaning");
}

#[test]
fn an_error_log_in_the_place_of_an_access_log_is_called_one() {
    let apache = "[Tue Mar 10 13:00:01.123456 2026] [auth_basic:error] [pid 12:tid 34] [client 192.0.2.7:5678] AH01617: user \
                  alice: authentication failure for \"/a\": Password Mismatch\n";
    let nginx = "2026/03/10 13:00:01 [error] 12#12: *5 access forbidden by rule, client: 192.0.2.7, server: x, request: \
                 \"GET /a HTTP/1.1\", host: \"x\"\n";
    let dir = workshop();
    for text in [apache, nginx] {
        let run = run([put(dir.path(), "some.log", text.as_bytes())]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(
            run.err.contains("some.log:1: expected lines of an access log, found those of an error log"),
            "{}",
            run.err
        );
        assert!(run.err.contains("--error-log"), "{}", run.err);
    }
}
