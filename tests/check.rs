//! `check`, `status` and `history` as cron, a monitoring system and a person at the terminal meet them.

use crate::support::{
    Dice, Run, authfault, fixture, gunzip, log_of_mondays, log_with_ongoing_fault, put, receiver::Receiver, run,
    workshop,
};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A log with a fault from 15:40 on, as it was at some minute, beside the state.
struct Site {
    folder: tempfile::TempDir,
    text: String,
}

impl Site {
    fn new() -> Self {
        let text = String::from_utf8(gunzip(&log_with_ongoing_fault())).unwrap();
        Self { folder: workshop(), text }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the log as it was at `clock`, and runs a check a few seconds later.
    fn check_at(&self, clock: &str, args: &[&str]) -> Run {
        let is_written = |line: &&str| line.split_once("2026:").is_some_and(|(_, rest)| &rest[..5] < clock);
        let written: String = self.text.split_inclusive('\n').filter(is_written).collect();
        put(self.path(), "access.log", written.as_bytes());
        self.run(clock, args)
    }

    fn run(&self, clock: &str, args: &[&str]) -> Run {
        self.run_when(&format!("2026-03-10T{clock}:05Z"), args)
    }

    fn run_when(&self, now: &str, args: &[&str]) -> Run {
        let mut command = authfault();
        command.current_dir(self.path()).args(["check", "--state", "state", "--now", now]).args(args);
        if !args.contains(&"--config") {
            command.arg("access.log");
        }
        Run::of(&command.output().unwrap())
    }

    fn look(&self, args: &[&str]) -> Run {
        Run::of(&authfault().current_dir(self.path()).args(args).args(["--state", "state"]).output().unwrap())
    }

    fn configure(&self, text: &str) {
        put(self.path(), "check.toml", format!("paths = ['access.log']\n{text}").as_bytes());
    }
}

const SILENT: (Option<i32>, &str, &str) = (Some(0), "", "");

fn said(run: &Run) -> (Option<i32>, &str, &str) {
    (run.code, &run.out, &run.err)
}

#[test]
fn it_speaks_when_something_changes_and_only_then() {
    let site = Site::new();
    assert_eq!(said(&site.check_at("15:30", &[])), SILENT);
    assert_eq!(said(&site.check_at("15:35", &[])), SILENT);
    let opened = site.check_at("15:50", &[]);
    assert_eq!((opened.code, opened.err.as_str()), (Some(2), ""));
    let subject = opened.out.lines().next().unwrap();
    assert!(subject.starts_with("CRITICAL opened: SERVER-SIDE FAULT: "), "{subject}");
    assert!(opened.out.lines().all(|line| line.chars().count() <= 78 || line.starts_with("   ") || line == subject));
    let again = site.check_at("15:55", &[]);
    assert_eq!((again.code, again.out.as_str()), (Some(2), ""), "still on, and nothing to add");
    let status = site.look(&["status"]);
    assert!(status.out.starts_with("CRITICAL: 1 incident is not over; last run 2026-03-10T15:55:05Z"), "{status:?}");
    assert_eq!(status.code, Some(0));
}

#[test]
fn a_report_beside_is_that_of_one_reading() {
    let site = Site::new();
    for clock in ["12:00", "15:00", "15:50"] {
        site.check_at(clock, &[]);
    }
    let run = site.check_at("16:40", &["-o", "report.json", "-o", "report.html"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let batch = authfault().current_dir(site.path()).args(["--output", "json", "access.log"]).output().unwrap();
    let followed = fs::read(site.path().join("report.json")).unwrap();
    assert_eq!(String::from_utf8(followed).unwrap(), String::from_utf8(batch.stdout).unwrap());
    assert!(site.path().join("report.html").exists());
}

#[test]
fn a_plugin_prints_one_line_whatever_happens() {
    let site = Site::new();
    for (clock, word, code) in [("15:30", "OK", 0), ("15:50", "CRITICAL", 2)] {
        let run = site.check_at(clock, &["--nagios"]);
        assert_eq!((run.code, run.out.lines().count()), (Some(code), 1), "{run:?}");
        let (text, figures) = run.out.trim_end().split_once(" | ").unwrap();
        assert!(text.starts_with(&format!("AUTHFAULT {word} - ")), "{text}");
        assert!(!text.contains('|') && figures.contains("lines=") && figures.contains("log_age="), "{figures}");
    }
    let wrong = site.run("15:51", &["--nagios", "--config", "absent.toml"]);
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.out.starts_with("AUTHFAULT UNKNOWN - absent.toml: "), "{wrong:?}");
}

#[test]
fn what_keeps_it_from_knowing_is_unknown_and_told_once() {
    let site = Site::new();
    let absent = site.run("15:00", &[]);
    assert_eq!(absent.code, Some(3));
    assert!(absent.out.starts_with("UNKNOWN: access.log: no such file"), "{absent:?}");
    assert_eq!(said(&site.run("15:05", &[])), (Some(3), "", ""), "the same trouble is no news");
    let found = site.check_at("15:10", &[]);
    assert_eq!(said(&found), (Some(0), "OK: the logs can be read again\n", ""));
    assert_eq!(site.run("15:24", &[]).code, Some(0));
    let stale = site.run("15:26", &[]);
    assert!(stale.out.starts_with("UNKNOWN: the log is stale: its last line is of 2026-03-10 15:09 UTC"), "{stale:?}");
    assert_eq!((stale.code, site.run("15:27", &["--stale-after", "1h"]).code), (Some(3), Some(0)));

    let strange = "what is this\n".repeat(50);
    put(site.path(), "other.log", strange.as_bytes());
    let unknown = site.run("15:12", &["other.log"]);
    assert_eq!(unknown.code, Some(3));
    assert!(unknown.out.contains("other.log:1: expected lines of a known log format"), "{unknown:?}");
    let some: String = site.text.split_inclusive('\n').take(40).collect();
    put(site.path(), "some.log", ("and what is that\n".repeat(50) + &some).as_bytes());
    let mostly = site.run("15:13", &["some.log"]);
    assert_eq!(mostly.code, Some(3), "where most is not understood, too: {mostly:?}");
}

#[test]
fn wrong_usage_is_unknown_for_check_alone() {
    for args in [&["check", "--bogus"][..], &["check", "--since", "2h", "x.log"], &["check", "-"]] {
        let run = Run::of(&authfault().args(args).output().unwrap());
        assert_eq!((run.code, run.out.as_str()), (Some(3), ""), "{args:?}: {run:?}");
    }
    assert_eq!(Run::of(&authfault().args(["status", "--bogus"]).output().unwrap()).code, Some(2));
    assert_eq!(Run::of(&authfault().args(["check", "--help"]).output().unwrap()).code, Some(0));
}

#[test]
fn two_runs_at_once_do_not_count_twice() {
    let site = Site::new();
    site.check_at("15:30", &[]);
    let lock = fs::File::open(site.path().join("state/lock")).unwrap();
    lock.lock().unwrap();
    let held = site.check_at("15:35", &["--wait", "0s"]);
    assert_eq!(held.code, Some(3));
    assert!(held.err.contains("another run is still at work"), "{held:?}");
    let status = site.look(&["status"]);
    assert_eq!(status.code, Some(0), "looking needs no lock: {status:?}");
    drop(lock);
    assert_eq!(site.check_at("15:35", &["--wait", "0s"]).code, Some(0));
}

#[test]
fn a_state_that_cannot_be_used_is_left_alone() {
    let site = Site::new();
    assert_eq!(site.look(&["status"]).code, Some(2), "there is none yet");
    site.check_at("15:30", &[]);
    let database = site.path().join("state/authfault.sqlite");
    assert_eq!(fs::metadata(site.path().join("state")).unwrap().permissions().mode() & 0o777, 0o700);
    // What the last runs changed waits in a file beside it.
    let (sound, beside) = (fs::read(&database).unwrap(), site.path().join("state/authfault.sqlite-wal"));
    let waiting = fs::read(&beside).unwrap();

    // `user_version`, big-endian at 60.
    let mut newer = sound.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    for (bytes, why) in
        [(newer, "the state has version 99, this program knows"), (b"no database".to_vec(), "not a database")]
    {
        fs::write(&database, &bytes).unwrap();
        fs::remove_file(&beside).ok();
        let refused = site.check_at("15:35", &[]);
        assert_eq!(refused.code, Some(3));
        assert!(refused.err.contains(why), "{refused:?}");
        assert_eq!(fs::read(&database).unwrap(), bytes);
    }
    fs::write(&database, sound).unwrap();
    fs::write(&beside, waiting).unwrap();
    assert_eq!(said(&site.check_at("15:35", &[])), SILENT, "as before");
    let batch = authfault().current_dir(site.path()).args(["--output", "json", "access.log"]).output().unwrap();
    site.run("15:35", &["-o", "report.json"]);
    assert_eq!(fs::read(site.path().join("report.json")).unwrap(), batch.stdout);
}

#[test]
fn a_rehearsal_tells_nobody_and_changes_nothing() {
    let site = Site::new();
    let receiver = Receiver::start();
    site.configure(&format!("[[notify]]\ntype = 'webhook'\nname = 'oncall'\nurl = '{}'\n", receiver.url()));
    assert!(site.check_at("15:30", &["--dry-run"]).out.starts_with("OK: no incident is open"));
    assert!(!site.path().join("state").exists());
    site.check_at("15:30", &[]);
    for _ in 0..2 {
        let run = site.check_at("15:50", &["--config", "check.toml", "--dry-run"]);
        assert_eq!(run.code, Some(2));
        assert!(run.out.starts_with("would tell oncall: CRITICAL opened: "), "{run:?}");
    }
    assert!(receiver.posted().is_empty());
    assert!(site.check_at("15:50", &[]).out.starts_with("CRITICAL opened: "));
}

#[test]
fn a_channel_that_is_down_gets_its_message_later_and_shows_no_secret() {
    let site = Site::new();
    let receiver = Receiver::start();
    put(site.path(), "url", receiver.url().as_bytes());
    put(site.path(), "token", b"t0ken\n");
    let channel = "[[notify]]\ntype = 'webhook'\nurl_file = 'url'\ntoken_file = 'token'\nattempts = 2\n";
    let slack = "[[notify]]\ntype = 'slack'\nurl_file = 'url'\n";
    site.configure(&format!("{channel}{slack}"));
    let config = ["--config", "check.toml"];
    site.check_at("15:30", &config);
    receiver.answer_with(503);
    let failed = site.check_at("15:50", &config);
    assert_eq!(failed.code, Some(2));
    assert_eq!(
        failed.err,
        "authfault: webhook: the server answered 503; the next run tries again\n\
         authfault: slack: the server answered 503; the next run tries again\n"
    );
    assert!(!format!("{failed:?}").contains("s3cret"));
    assert!(site.look(&["status"]).out.contains("2 messages are still to be delivered"));
    receiver.answer_with(200);
    let later = site.run("15:51", &config);
    assert_eq!((later.code, later.out.as_str(), later.err.as_str()), (Some(2), "", ""));
    let posted = receiver.posted();
    assert_eq!(posted.len(), 2);
    assert!(posted[0].head.to_lowercase().contains("authorization: bearer t0ken"), "{}", posted[0].head);
    let messages = receiver.messages();
    assert_eq!(messages[0]["schema"], "authfault-alert/1");
    assert_eq!((&messages[0]["event"], &messages[0]["level"]), (&"opened".into(), &"CRITICAL".into()));
    assert_eq!(messages[0]["incident"]["id"], messages[0]["id"]);
    assert!(messages[1]["text"].as_str().unwrap().starts_with("*CRITICAL opened: "), "{}", messages[1]);
    site.run("15:52", &config);
    assert_eq!(receiver.posted().len(), 2, "and not again");
}

#[test]
fn a_report_that_cannot_be_written_keeps_no_message_back() {
    let site = Site::new();
    site.check_at("15:30", &[]);
    let failed = site.check_at("15:35", &["-o", "absent/report.html"]);
    assert_eq!((failed.code, failed.out.as_str()), (Some(3), ""), "{failed:?}");
    assert!(failed.err.starts_with("authfault: absent/report.html: cannot write the report: "), "{failed:?}");
    let opened = site.check_at("15:50", &["-o", "absent/report.html"]);
    assert_eq!(opened.code, Some(2));
    assert!(opened.out.starts_with("CRITICAL opened: "), "{opened:?}");
}

#[test]
fn alertmanager_is_shown_the_same_alert_until_it_ends() {
    let site = Site::new();
    let receiver = Receiver::start();
    let url = receiver.url().replace("/hook/s3cret", "");
    site.configure(&format!("[[notify]]\ntype = 'alertmanager'\nurl = '{url}'\nlabels = {{ site = 'shop' }}\n"));
    let config = ["--config", "check.toml"];
    for clock in ["15:30", "15:50", "15:55"] {
        site.check_at(clock, &config);
    }
    let messages = receiver.messages();
    assert_eq!(messages.len(), 2);
    assert!(receiver.posted()[0].head.starts_with("POST /api/v2/alerts "));
    let (first, second) = (&messages[0][0], &messages[1][0]);
    assert_eq!(first["labels"], second["labels"], "an alert is known by its labels");
    assert_eq!((&first["labels"]["site"], &first["labels"]["verdict"]), (&"shop".into(), &"server_side".into()));
    assert_eq!((&first["endsAt"], &second["endsAt"]), (&"2026-03-10T16:20:05Z".into(), &"2026-03-10T16:25:05Z".into()));
}

/// A rotation in progress wakes nobody, blindness that lasts does, through the same channels as a fault.
#[test]
fn that_it_cannot_tell_is_told_once_reminded_of_and_told_to_be_over() {
    let site = Site::new();
    let receiver = Receiver::start();
    let url = receiver.url();
    site.configure(&format!(
        "[[notify]]\ntype = 'webhook'\nurl = '{url}'\nattempts = 1\n\
         [[notify]]\ntype = 'exec'\ncommand = ['sh', '-c', 'cat > told.json']\n\
         [[notify]]\ntype = 'alertmanager'\nurl = '{}'\n",
        url.replace("/hook/s3cret", "")
    ));
    let config = ["--config", "check.toml"];
    let subjects = || {
        let told = receiver.messages().into_iter().filter(|message| message["schema"] == "authfault-alert/1");
        told.map(|message| message["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    site.check_at("14:50", &config);
    let rotated = site.path().join("elsewhere");
    fs::rename(site.path().join("access.log"), &rotated).unwrap();
    assert_eq!(site.run("14:55", &config).code, Some(3));
    let status = site.look(&["status"]).out;
    assert!(status.starts_with("UNKNOWN: no incident is open; last run 2026-03-10T14:55:05Z"), "{status}");
    fs::rename(&rotated, site.path().join("access.log")).unwrap();
    site.check_at("15:00", &config);
    assert_eq!((subjects(), receiver.posted().len()), (vec![], 0), "one run is no news");

    fs::rename(site.path().join("access.log"), &rotated).unwrap();
    site.run("15:05", &config);
    receiver.answer_with(503);
    let down = site.run("15:10", &config);
    assert_eq!(down.code, Some(3));
    assert!(
        down.err.starts_with("authfault: webhook: the server answered 503; the next run tries again\n"),
        "{down:?}"
    );
    receiver.answer_with(200);
    site.run("15:15", &config);
    let blind = "blind since 2026-03-10 14:55 UTC";
    let [opened] = <[String; 1]>::try_from(subjects()).unwrap();
    assert!(opened.starts_with(&format!("UNKNOWN opened: {blind}, still: access.log: no such file")), "{opened}");
    let told: Value = serde_json::from_slice(&fs::read(site.path().join("told.json")).unwrap()).unwrap();
    assert_eq!(
        (&told["event"], &told["level"], &told["incident"]),
        (&"opened".into(), &"UNKNOWN".into(), &Value::Null)
    );
    let rehearsed = site.run("20:10", &[config[0], config[1], "--dry-run"]);
    assert!(
        rehearsed.out.contains(&format!("would tell webhook: UNKNOWN reminder: {blind}, still: ")),
        "{rehearsed:?}"
    );
    site.run("20:10", &config);
    assert!(subjects()[1].starts_with(&format!("UNKNOWN reminder: {blind}, still: ")), "{:?}", subjects());

    fs::rename(&rotated, site.path().join("access.log")).unwrap();
    site.run("20:15", &[config[0], config[1], "--stale-after", "0s"]);
    site.run("20:20", &[config[0], config[1], "--stale-after", "0s"]);
    let messages = receiver.messages();
    let told: Vec<&Value> = messages.iter().filter(|message| message["schema"] == "authfault-alert/1").collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|message| message["id"] == "blind-20260310T145505Z"), "{told:?}");
    let over = format!("OK resolved: checks can tell again; {blind}, until 20:15: ");
    assert!(told[2]["subject"].as_str().unwrap().starts_with(&over), "{told:?}");
    // Shown after each run from the second on, and for the last time with its end.
    let shown: Vec<&Value> = messages.iter().filter_map(|message| message.get(0)).collect();
    assert!(shown.iter().all(|alert| alert["labels"] == shown[0]["labels"]), "{shown:?}");
    assert_eq!(shown[0]["labels"]["alertname"], "AuthfaultBlind");
    assert_eq!(shown.last().unwrap()["endsAt"], "2026-03-10T20:15:05Z");
    let history = site.look(&["history"]).out;
    assert!(history.contains(&format!("blind-20260310T145505Z  resolved    {blind}, until 20:15: ")), "{history}");
    let rows: Value = serde_json::from_str(&site.look(&["history", "--json"]).out).unwrap();
    assert_eq!(rows.as_array().unwrap().last().unwrap()["end"], "2026-03-10T20:15:05Z", "{rows}");
}

/// Nothing can be kept then but a note in the lock's file.
#[test]
fn a_state_that_cannot_be_used_is_told_through_channels_too() {
    let site = Site::new();
    let receiver = Receiver::start();
    site.configure(&format!("[[notify]]\ntype = 'webhook'\nurl = '{}'\nattempts = 1\n", receiver.url()));
    let config = ["--config", "check.toml"];
    site.check_at("14:50", &config);
    let (database, kept) = (site.path().join("state/authfault.sqlite"), site.path().join("kept"));
    fs::rename(&database, &kept).unwrap();
    for name in ["authfault.sqlite-wal", "authfault.sqlite-shm"] {
        fs::rename(site.path().join("state").join(name), site.path().join(name)).unwrap();
    }
    fs::write(&database, "no database at all, but long enough to be looked at").unwrap();
    assert_eq!(site.run("14:55", &config).code, Some(3));
    assert!(receiver.posted().is_empty(), "it may be over at once");
    receiver.answer_with(503);
    assert!(site.run("15:00", &config).err.starts_with("authfault: webhook: the server answered 503\n"));
    receiver.answer_with(200);
    for clock in ["15:05", "15:10"] {
        assert_eq!(site.run(clock, &config).code, Some(3));
    }
    fs::rename(&kept, &database).unwrap();
    for name in ["authfault.sqlite-wal", "authfault.sqlite-shm"] {
        fs::rename(site.path().join(name), site.path().join("state").join(name)).unwrap();
    }
    for clock in ["15:15", "15:20"] {
        site.check_at(clock, &config);
    }
    let told = receiver.messages();
    let events: Vec<&Value> = told.iter().map(|message| &message["event"]).collect();
    assert_eq!(events, ["opened", "resolved"], "{told:?}");
    assert!(told.iter().all(|message| message["id"] == "blind-20260310T145505Z"), "{told:?}");
    assert!(told[0]["text"].as_str().unwrap().contains("the state cannot be used"), "{told:?}");
    assert!(site.look(&["history"]).out.contains("until 15:15"));
}

/// As the manual has it: the lock keeps runs out while the folder is copied; status reads meanwhile.
#[test]
fn a_copy_that_is_made_under_the_lock_is_whole() {
    let site = Site::new();
    for clock in ["14:50", "14:55", "15:50"] {
        site.check_at(clock, &[]);
    }
    let under_lock = |command: &[&str]| {
        let mut flock = std::process::Command::new("flock");
        flock.current_dir(site.path()).arg("state/lock").args(command).output().unwrap()
    };
    let run = [env!("CARGO_BIN_EXE_authfault"), "check", "--state", "state", "--wait", "0s", "access.log"];
    let waiting = under_lock(&run);
    assert_eq!(waiting.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&waiting.stderr).contains("another run is still at work"), "{waiting:?}");
    assert!(under_lock(&["cp", "-a", "state", "copy"]).status.success());
    let of = |folder: &str| {
        let look =
            authfault().current_dir(site.path()).args(["history", "--json", "--state", folder]).output().unwrap();
        String::from_utf8(look.stdout).unwrap()
    };
    assert!(of("state").contains("server_side"));
    assert_eq!(of("copy"), of("state"));
}

#[test]
fn programs_mail_and_figures_get_theirs() {
    let site = Site::new();
    let script = put(site.path(), "sendmail", b"#!/bin/sh\ncat > mail.txt\necho \"$@\" > arguments.txt\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    site.configure(
        "[[notify]]\ntype = 'mail'\nto = ['oncall@example.org']\nsendmail = './sendmail'\n\
         [[notify]]\ntype = 'exec'\ncommand = ['sh', '-c', 'cat > told.json']\n\
         [[notify]]\ntype = 'textfile'\nfile = 'authfault.prom'\n",
    );
    let config = ["--config", "check.toml"];
    site.check_at("15:30", &config);
    let read = |name: &str| fs::read_to_string(site.path().join(name)).unwrap();
    assert!(read("authfault.prom").contains("authfault_status 0\n"), "{}", read("authfault.prom"));
    site.check_at("15:50", &config);
    assert_eq!(read("arguments.txt"), "-t -oi\n");
    let mail = read("mail.txt");
    assert!(mail.starts_with("To: oncall@example.org\nSubject: CRITICAL opened: SERVER-SIDE FAULT: "), "{mail}");
    let told: Value = serde_json::from_str(&read("told.json")).unwrap();
    assert_eq!(told["event"], "opened");
    let figures = read("authfault.prom");
    assert!(figures.contains("authfault_incidents{level=\"critical\"} 1\n"), "{figures}");
    assert!(figures.contains("authfault_status 2\n"), "{figures}");
}

#[test]
fn flags_beat_the_environment_and_that_beats_the_file() {
    let site = Site::new();
    site.configure("stale_after = '1m'\n");
    site.check_at("15:30", &[]);
    let config = ["--config", "check.toml"];
    assert_eq!(site.run("15:40", &config).code, Some(3), "the file");
    let mut command = authfault();
    command.current_dir(site.path()).args(["check", "--state", "state", "--now", "2026-03-10T15:40:05Z"]).args(config);
    assert_eq!(command.env("AUTHFAULT_STALE_AFTER", "1h").output().unwrap().status.code(), Some(0));
    assert_eq!(command.args(["--stale-after", "2m"]).output().unwrap().status.code(), Some(3));

    site.configure("stale_afer = '1m'\n[[notify]]\ntype = 'slack'\nurl = 'https://hooks.example.org/s3cret'\n");
    let wrong = site.run("15:40", &config);
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.err.contains("check.toml:2: unknown key `stale_afer`"), "{wrong:?}");
    assert!(!wrong.err.contains("s3cret"), "{wrong:?}");
}

/// Every key that the sample shows is one, and every type has a table in it.
#[test]
fn the_sample_configuration_holds() {
    let sample = fs::read_to_string(crate::support::root().join("dist/authfault.toml")).unwrap();
    let is_key = |rest: &str| rest.starts_with("[[") || rest.split(' ').nth(1) == Some("=");
    let excluded = |line: &&str| line.starts_with("# format") || line.starts_with("# log_format");
    let shown: String = sample
        .lines()
        .filter(|line| !excluded(line))
        .map(|line| line.strip_prefix("# ").filter(|rest| is_key(rest)).unwrap_or(line).to_owned() + "\n")
        .collect();
    let file = workshop();
    let config = authfault::cli::Config::read(&put(file.path(), "all.toml", shown.as_bytes())).unwrap();
    let types: Vec<&str> = config.notify.iter().map(|settings| settings.kind.as_str()).collect();
    for kind in authfault::notify::KINDS {
        assert!(types.contains(&kind.id), "{} is not in the sample", kind.id);
    }
    let args = config.complete(vec!["authfault".into(), "check".into()]).unwrap();
    assert!(args.state.folder.is_some() && args.rules.ignore_attacks && args.analyze.threads.is_some(), "{args:?}");
}

/// Every option of `check` may stand in the file, where it means what it means on the command line.
#[test]
fn every_option_may_stand_in_the_file() {
    // What they exclude apart from each other; a new option needs a line.
    let flags_and_lines = [
        ("access.log", "paths = ['access.log']"),
        ("--error-log=e.log --error-log-tz=+0200", "error_logs = ['e.log']\nerror_log_tz = '+0200'"),
        ("-oa.html -ob.md", "reports = ['a.html', 'b.md']"),
        ("--format=combined", "format = 'combined'"),
        ("--log-format=$remote_addr", "log_format = '$remote_addr'"),
        ("--server-config=nginx.conf", "server_config = 'nginx.conf'"),
        ("--json-field=client=ip --json-field=vhost=h", "json_fields = ['client=ip', 'vhost=h']"),
        ("--tz=Europe/Berlin", "tz = 'Europe/Berlin'"),
        ("--client=http_x_real_ip", "client = 'http_x_real_ip'"),
        ("--trusted-proxy=10.0.0.0/8", "trusted_proxy = '10.0.0.0/8'"),
        ("--route=^(/t)/x", "routes = '^(/t)/x'"),
        ("--also-status=419 --also-status=495=403", "also_status = [419, '495=403']"),
        ("--window=1h", "window = '1h'"),
        ("--clients=7", "clients = 7"),
        ("--anonymize --anonymize-key-file=key", "anonymize = true\nanonymize_key_file = 'key'"),
        ("--no-anonymize", "no_anonymize = true"),
        ("--threads=3", "threads = 3"),
        ("--memory=512M", "memory = '512M'"),
        ("--ascii", "ascii = true"),
        ("--state=there", "state = 'there'"),
        ("--stale-after=1h", "stale_after = '1h'"),
        ("--keep=3d --keep-size=1M", "keep = '3d'\nkeep_size = '1M'"),
        ("--remind=1h --reopen-within=3h", "remind = '1h'\nreopen_within = '3h'"),
        ("--resolve-after=30m --confidence=0.9", "resolve_after = '30m'\nconfidence = 0.9"),
        ("--look-every=2h --look-below=5", "look_every = '2h'\nlook_below = 5"),
        ("--ignore-attacks", "ignore_attacks = true\nascii = false"),
        ("--nagios", "nagios = true"),
        ("--verbose", "verbose = true"),
        ("--dry-run --wait=1m", "dry_run = true\nwait = '1m'"),
    ];
    let folder = workshop();
    let options = |typed: &str, lines: &str| {
        let config = authfault::cli::Config::read(&put(folder.path(), "check.toml", lines.as_bytes())).unwrap();
        let typed = ["authfault", "check"].into_iter().chain(typed.split_whitespace());
        config.complete(typed.map(Into::into).collect()).map(|args| format!("{args:?}"))
    };
    let usual = options("", "").unwrap();
    for (flags, lines) in flags_and_lines {
        let typed = options(flags, "").unwrap();
        assert_ne!(typed, usual, "{flags} does something");
        assert_eq!(options("", lines).unwrap(), typed, "{lines}");
        assert_eq!(options(flags, lines).unwrap(), typed, "{flags} beats {lines}");
    }
    assert_eq!(options("--format=combined", "server_config = 'x'"), options("--format=combined", ""), "excluded");

    let command = <authfault::cli::Cli as clap::CommandFactory>::command();
    let check = command.find_subcommand("check").unwrap();
    for arg in check.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_id() != "config") {
        let flag = match (arg.get_long(), arg.get_short()) {
            (Some(long), _) => format!("--{long}"),
            (None, short) => short.map_or("access.log".to_owned(), |short| format!("-{short}")),
        };
        assert!(flags_and_lines.iter().any(|(flags, _)| flags.contains(&flag)), "{flag} is not tried");
    }
    for wrong in ["since = '2h'", "config = 'x'", "now = '2026-03-10T00:00:00Z'", "stale_after = 5", "ascii = 'yes'"] {
        assert!(options("", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn history_remembers_what_is_over_and_json_is_for_programs() {
    let site = Site::new();
    site.check_at("16:30", &[]);
    let history = site.look(&["history"]);
    assert!(history.out.contains("SERVER-SIDE FAULT: "), "{history:?}");
    let rows: Value = serde_json::from_str(&site.look(&["history", "--json"]).out).unwrap();
    assert_eq!((&rows[0]["phase"], &rows[0]["incident"]["verdict"]), (&"open".into(), &"server_side".into()));
}

/// A replay says what the runs said, at the same times.
#[test]
fn a_backtest_tells_what_checks_would_have_told() {
    let site = Site::new();
    let mut told = Vec::new();
    for minute in (7 * 60 + 5..=17 * 60).step_by(5) {
        let clock = format!("{:02}:{:02}", minute / 60, minute % 60);
        let run = site.check_at(&clock, &["--stale-after", "0s"]);
        let subjects = run.out.lines().filter(|line| line.starts_with("CRITICAL ") || line.starts_with("WARNING "));
        told.extend(subjects.map(|subject| format!("2026-03-10 {clock} UTC  {subject}")));
    }
    let mut command = authfault();
    let replay =
        command.current_dir(site.path()).args(["backtest", "--alert-every", "5m", "access.log"]).output().unwrap();
    let replay = Run::of(&replay);
    assert_eq!((replay.code, replay.err.as_str()), (Some(0), ""));
    let (head, rest) = replay.out.split_once('\n').unwrap();
    let messages = if told.len() == 1 { "message" } else { "messages" };
    assert!(head.starts_with(&format!("{} {messages} would have been sent by ", told.len())), "{head}");
    let replayed: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(replayed, told);
    assert!(told.iter().any(|line| line.contains("CRITICAL opened: ")), "{told:?}");
    assert!(rest.contains("\n  0.8           1       0          0  2026-03-10 15:"), "{rest}");
}

/// What was over before it could be told pages nobody, so no table counts it as critical.
#[test]
fn a_backtest_counts_what_was_missed_by_itself() {
    let log = fixture("incidents/session_store_flush.log.gz");
    let replay = run(["backtest", "--alert-every", "5m", log.to_str().unwrap()]);
    assert!(replay.out.starts_with("1 message would have been sent") && replay.out.contains(" missed: "), "{replay:?}");
    assert!(replay.out.contains("\n  0.8           0       1          0  -\n"), "{replay:?}");
}

/// The first line is a mail's subject, whatever else there is to say.
#[test]
fn the_first_line_agrees_with_the_exit_status() {
    let site = Site::new();
    site.check_at("15:30", &[]);
    site.check_at("15:50", &[]);
    let log = site.path().join("access.log");
    fs::rename(&log, site.path().join("elsewhere")).unwrap();
    let blind = site.run("15:55", &[]);
    let (first, rest) = blind.out.split_once('\n').unwrap();
    assert!(blind.code == Some(2) && first.starts_with("CRITICAL: SERVER-SIDE FAULT: "), "{blind:?}");
    assert!(rest.starts_with("UNKNOWN: access.log: no such file"), "{blind:?}");
    fs::rename(site.path().join("elsewhere"), &log).unwrap();
    let seeing = site.run("15:56", &[]);
    let (first, rest) = seeing.out.split_once('\n').unwrap();
    assert!(seeing.code == Some(2) && first.starts_with("CRITICAL: SERVER-SIDE FAULT: "), "{seeing:?}");
    assert_eq!(rest, "The logs can be read again\n");
}

/// Two faults of one site, of which the first is over while the second is on.
fn log_of_two_faults() -> String {
    let (mut dice, mut log) = (Dice::new(5), String::new());
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    for minute in (0..16 * 60).flat_map(|minute| [minute; 6]) {
        let faults = [
            (10, ["/app/inbox", "/app/tasks"], 13 * 60..14 * 60, "403 153"),
            (172, ["/shop/cart", "/shop/list"], 13 * 60 + 30..16 * 60, "401 402"),
        ];
        for (net, paths, span, refused) in faults {
            let (who, path) = (dice.below(60) * 3, paths[dice.below(2)]);
            let outcome = if span.contains(&minute) { refused } else { "200 5310" };
            let time = format!("10/Mar/2026:{:02}:{:02}:00 +0000", minute / 60, minute % 60);
            log += &format!("{net}.{who}.7.9 - - [{time}] \"GET {path} HTTP/1.1\" {outcome} \"-\" \"{agent}\"\n");
        }
    }
    log
}

#[test]
fn the_first_line_is_not_ok_while_another_fault_is_on() {
    let site = Site { folder: workshop(), text: log_of_two_faults() };
    let first = |clock| {
        let run = site.check_at(clock, &[]);
        assert_eq!((run.code, run.err.as_str()), (Some(2), ""));
        run.out
    };
    assert_eq!(said(&site.check_at("12:30", &[])), SILENT);
    assert!(first("13:20").starts_with("CRITICAL opened: SERVER-SIDE FAULT: "));
    assert!(first("13:50").starts_with("CRITICAL opened: SERVER-SIDE FAULT: "));
    let out = first("14:20");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("CRITICAL: SERVER-SIDE FAULT: ") && lines[0].contains("(401) on /shop"), "{out}");
    assert!(lines[1].starts_with("OK resolved: SERVER-SIDE FAULT: ") && lines[1].contains("(403) on /app"), "{out}");
}

/// A run whose clock is wrong cannot tell, and takes away nothing from those that come after it.
#[test]
fn a_clock_that_jumps_is_unknown_and_loses_nothing() {
    for (wrong, why) in [
        ("2027-03-10T15:30:05Z", "UNKNOWN: the log is stale: its last line is of 2026-03-10 15:29 UTC, 365 days ago\n"),
        (
            "2026-03-09T15:30:05Z",
            "UNKNOWN: most new lines bear times that are ahead of the clock, and were left for later",
        ),
        (
            "1970-01-01T00:01:00Z",
            "UNKNOWN: most new lines bear times that are ahead of the clock, and were left for later",
        ),
    ] {
        let site = Site::new();
        assert_eq!(said(&site.check_at("15:00", &[])), SILENT);
        site.check_at("15:30", &["--dry-run"]);
        let jumped = site.run_when(wrong, &[]);
        assert_eq!(jumped.code, Some(3), "{jumped:?}");
        assert!(jumped.out.starts_with(why), "{jumped:?}");
        let right = site.run("15:30", &[]);
        assert_eq!(said(&right), (Some(0), "OK: the logs can be read again\n", ""), "{wrong}");
        let opened = site.check_at("15:50", &["-o", "report.json"]);
        assert!(opened.out.starts_with("CRITICAL opened: SERVER-SIDE FAULT: "), "{opened:?}");
        let batch = authfault().current_dir(site.path()).args(["--output", "json", "access.log"]).output().unwrap();
        assert_eq!(fs::read(site.path().join("report.json")).unwrap(), batch.stdout, "{wrong}");
    }

    let site = Site::new();
    site.check_at("15:30", &[]);
    let behind = site.run_when("2026-03-09T15:31:05Z", &[]);
    assert!(behind.out.starts_with("UNKNOWN: the log is ahead of the clock: "), "no new line either: {behind:?}");
}

/// What is remembered is bounded, said, and still adds up.
#[test]
fn old_requests_are_forgotten_and_it_says_so() {
    let site = Site::new();
    for clock in ["09:00", "11:00", "13:00", "15:00"] {
        site.check_at(clock, &["--keep", "2h"]);
    }
    let run = site.check_at("15:10", &["--keep", "2h", "-o", "report.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let report: Value = serde_json::from_slice(&fs::read(site.path().join("report.json")).unwrap()).unwrap();
    let first = report["windows"][0]["start"].as_str().unwrap();
    assert!(("2026-03-10T13:05".."2026-03-10T13:15").contains(&first), "{first}");
    let limits = report["limits"].to_string();
    assert!(limits.contains("baseline: 0.1 days"), "{limits}");
    assert!(report["input"]["lines"].as_u64() > report["totals"]["requests"].as_u64());
}

/// Two weeks are remembered, so the third Monday at nine wakes nobody; a state of one week would.
#[test]
fn what_comes_back_each_week_is_known_after_two() {
    const NINE_ON_THE_THIRD: u32 = (14 * 24 + 9) * 60;
    let run_with = |args: &[&str]| {
        let site = Site::new();
        let when =
            |minute: u32| format!("2026-03-{:02}T{:02}:{:02}:05Z", minute / 1440 + 2, minute / 60 % 24, minute % 60);
        let check = |minute: u32| {
            put(site.path(), "access.log", log_of_mondays(minute, None).as_bytes());
            site.run_when(&when(minute), args)
        };
        check(NINE_ON_THE_THIRD - 2);
        check(NINE_ON_THE_THIRD + 40)
    };
    assert_eq!(said(&run_with(&[])), SILENT);
    let forgetful = run_with(&["--keep", "8d"]);
    assert_eq!(forgetful.code, Some(2), "{forgetful:?}");
    let words = forgetful.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("as large a share was refused here at the same hour one week apart"), "{words}");
}
