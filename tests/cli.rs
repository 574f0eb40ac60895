//! What may be typed, what comes out where, and with which exit code.

use crate::support::{
    authfault, fixture, gunzip, gzip, incidents, log_with_fault, log_with_ongoing_fault, log_without_fault, pipe, put,
    report, run, run_in, workshop,
};
use std::{ffi::OsStr, fs, io::Read, process::Stdio};

/// A log with a fault, unpacked.
fn fault_text() -> Vec<u8> {
    gunzip(&log_with_fault())
}

#[test]
fn found_or_not_is_success_unless_asked() {
    let (fault, quiet) = (log_with_fault(), log_without_fault());
    assert_eq!(run([&fault]).code, Some(0));
    assert_eq!(run([&quiet]).code, Some(0));
    assert_eq!(run([OsStr::new("--exit-code"), fault.as_os_str()]).code, Some(1));
    assert_eq!(run([OsStr::new("--exit-code"), quiet.as_os_str()]).code, Some(0));
    assert_eq!(run([OsStr::new("analyze"), OsStr::new("--exit-code"), fault.as_os_str()]).code, Some(1));
}

#[test]
fn usage_errors_exit_with_2_and_say_what_is_meant() {
    let log = log_without_fault();
    let log = log.to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--no-such-option"], "--no-such-option"),
        (&["--since", "yesterday", log], "RFC 3339"),
        (&["--format", "nope", log], "known are combined,"),
        (&["--log-format", "words only", log], "$variables"),
        (&["--format", "main", "--log-format", "$status", log], "cannot be used with"),
        (&["--output", "pdf", log], "possible values"),
        (&["-o", "report.pdf", log], "known extensions are .txt, .html, .md, .json, .csv, .ecs.ndjson, .ocsf.ndjson"),
        (&["--threads", "0", log], "1..=1024"),
        (&["causes", "nope"], "no cause is called `nope`"),
    ];
    for (args, expected) in cases {
        let run = run(*args);
        assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
        assert_eq!(run.out, "", "{args:?}");
    }
}

#[test]
fn a_missing_file_is_named_and_the_others_are_read() {
    let dir = workshop();
    let log = log_without_fault();
    let paths = [log.as_os_str(), OsStr::new("no/such/access.log")];
    let run = run_in(dir.path(), ["-o", "r.json"].map(OsStr::new).into_iter().chain(paths));
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("no/such/access.log: no such file"), "{}", run.err);
    assert!(run.out.starts_with("NO SERVER FAULT SEEN"), "what is missing may hold the fault: {}", run.out);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(dir.path().join("r.json")).unwrap()).unwrap();
    let files = report["input"]["files"].as_array().unwrap();
    assert_eq!((files.len(), &files[1]["path"], &files[1]["lines"]), (2, &"no/such/access.log".into(), &0.into()));
    assert!(files[1]["problem"].as_str().unwrap().starts_with("no such file"), "{files:?}");
}

#[test]
fn a_path_that_looks_like_a_command_is_asked_about() {
    let dir = workshop();
    let run = run_in(dir.path(), ["docter", "x.log"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("did you mean the command `doctor`?"), "{}", run.err);
    let run = run_in(dir.path(), ["-q", "explain", "192.0.2.1"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("the command comes before all options: authfault explain"), "{}", run.err);
    let run = run_in(dir.path(), ["access.log", "docter"]);
    assert!(!run.err.contains("did you mean"), "a command comes first: {}", run.err);
    put(dir.path(), "docter", &gunzip(&log_without_fault()));
    let run = run_in(dir.path(), ["docter"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

/// A fault that is on now is more urgent than a file that is missing.
#[test]
fn an_open_fault_outranks_a_missing_file() {
    let log = log_with_ongoing_fault();
    let missing = OsStr::new("no/such/access.log");
    assert_eq!(run([log.as_os_str(), missing]).code, Some(0));
    assert_eq!(run([OsStr::new("--exit-code"), log.as_os_str(), missing]).code, Some(1));
}

#[test]
fn directories_are_searched_for_access_logs() {
    let dir = workshop();
    let text = fault_text();
    let cut = text.len() / 2 + text[text.len() / 2..].iter().position(|b| *b == b'\n').unwrap() + 1;
    put(dir.path(), "access.log", &text[cut..]);
    put(dir.path(), "access.log.1.gz", &gzip(&text[..cut]));
    put(dir.path(), "error.log", b"2026/03/10 10:20:52 [error] 7#7: *1 access forbidden by rule\n");
    let found = run_in(dir.path(), ["--output", "json", "."]);
    assert_eq!((found.code, found.err.as_str()), (Some(0), ""));
    let report = found.report();
    let names: Vec<_> =
        report["input"]["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["./access.log", "./access.log.1.gz"]);
    assert_eq!(report["input"]["lines"], text.iter().filter(|b| **b == b'\n').count() as u64);
    assert_eq!(incidents(&report, "server_side").len(), 1);
}

#[test]
fn a_directory_without_logs_says_what_is_there() {
    let dir = workshop();
    put(dir.path(), "notes.txt", b"hello\n");
    let run = run([dir.path()]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("expected access logs in this directory") && run.err.contains("notes.txt"), "{}", run.err);
}

#[test]
fn patterns_work_without_a_shell() {
    let dir = workshop();
    put(dir.path(), "a.access.log", &fault_text());
    put(dir.path(), "b.access.log", b"");
    let found = run_in(dir.path(), ["--output", "json", "*.access.log"]).report();
    assert_eq!(found["input"]["files"].as_array().unwrap().len(), 2);
    let none = run_in(dir.path(), ["*.nothing"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("no file matches this pattern"), "{}", none.err);
}

#[test]
fn what_is_no_log_is_told_by_what_it_is() {
    let dir = workshop();
    let mut elf = b"\x7fELF\x02\x01\x01\0".to_vec();
    elf.resize(4096, 0);
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cases: [(&str, &[u8], &str); 4] = [
        ("program.log", &elf, "found an executable"),
        ("noise.log", &noise, "found binary data"),
        ("packed.log", b"\x04\x22\x4d\x18\0\0\0\0", "lz4cat FILE | authfault -"),
        ("wide.log", b"\xff\xfe1\x009\x002\x00", "iconv -f UTF-16"),
    ];
    for (name, bytes, expected) in cases {
        let run = run([put(dir.path(), name, bytes)]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{name}");
        assert!(run.err.contains(expected), "{name}: {}", run.err);
    }
}

#[test]
fn an_empty_log_gives_no_answer_and_is_no_matter_beside_others() {
    let dir = workshop();
    let empty = put(dir.path(), "access.log", b"");
    let alone = run([&empty]);
    assert_eq!(alone.code, Some(2), "nothing could be parsed");
    assert!(alone.out.starts_with("NO ANSWER: nothing to read"), "{}", alone.out);
    let beside = run([&empty, &log_with_fault()]);
    assert_eq!((beside.code, beside.err.as_str()), (Some(0), ""));
    assert!(beside.out.starts_with("SERVER-SIDE FAULT"), "{}", beside.out);
}

#[test]
fn truncated_gzip_is_read_as_far_as_it_goes() {
    let dir = workshop();
    let mut bytes = fs::read(log_with_fault()).unwrap();
    bytes.truncate(bytes.len() * 3 / 4);
    let path = put(dir.path(), "access.log.gz", &bytes);
    let run = run([OsStr::new("--output"), OsStr::new("json"), path.as_os_str()]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("expected the end of the gzip data"), "{}", run.err);
    let report = run.report();
    assert!(report["input"]["parsed"].as_u64().unwrap() > 1000);
    assert!(report["input"]["files"][0]["problem"].as_str().unwrap().contains("gzip"));
}

#[test]
fn an_unknown_format_shows_the_line_and_how_far_the_nearest_format_got() {
    let dir = workshop();
    let line = "192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" - 17 \"-\" \"curl/8.5.0\"";
    let path = put(dir.path(), "access.log", format!("{line}\n").as_bytes());
    let run = run([&path]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    for expected in [":1: ", line, "nearest is `combined`", "column 61", "no status", "--log-format"] {
        assert!(run.err.contains(expected), "no `{expected}` in {}", run.err);
    }
}

#[test]
fn an_operators_own_format_is_read() {
    let dir = workshop();
    let lines: String = String::from_utf8(fault_text())
        .unwrap()
        .lines()
        .map(|line| format!("v1;{}\n", line.replacen(" - ", ";", 1).replacen(" [", ";[", 1)))
        .collect();
    let path = put(dir.path(), "access.log", lines.as_bytes());
    let template = "v1;$remote_addr;$remote_user;[$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
    let own = run([
        OsStr::new("--output"),
        OsStr::new("json"),
        OsStr::new("--log-format"),
        OsStr::new(template),
        path.as_os_str(),
    ]);
    assert_eq!((own.code, own.err.as_str()), (Some(0), ""));
    let report = own.report();
    assert_eq!((&report["input"]["files"][0]["format"], &report["input"]["rejected"]), (&"custom".into(), &0.into()));
    assert_eq!(incidents(&report, "server_side").len(), 1);
    assert_eq!(run([&path]).code, Some(2), "and not without being told");
}

#[test]
fn standard_input_is_read_when_named_and_when_piped() {
    let text = fault_text();
    let named = pipe(&text, ["-"]);
    let unnamed = pipe::<&str>(&text, []);
    assert_eq!(named.code, Some(0));
    assert!(named.out.starts_with("SERVER-SIDE FAULT"), "{}", named.out);
    assert_eq!(named, unnamed);
    assert_eq!(pipe(&gzip(&text), ["-"]).out.lines().next(), named.out.lines().next(), "gzip as well");
}

/// Under cron standard input is /dev/null: nobody pipes anything in, so the usual places are meant.
#[test]
fn without_a_path_and_without_a_pipe_the_usual_places_are_read() {
    let run = run::<&str>([]);
    let found_some = run.err.contains("no log named, reading /var/log/");
    let found_none = run.err.contains("no access logs in /var/log/nginx") && run.err.contains("try: authfault ");
    assert!(found_some || (found_none && run.code == Some(2)), "{run:?}");
}

#[test]
fn since_and_until_bound_what_is_looked_at() {
    let log = log_with_fault();
    let bounded = |bound: &[&str]| {
        let mut args: Vec<_> = ["--output", "json"].iter().chain(bound).map(|a| OsStr::new(*a).to_owned()).collect();
        args.push(log.as_os_str().to_owned());
        let run = run(args);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.report()
    };
    let whole = bounded(&[]);
    let fault = incidents(&whole, "server_side")[0].clone();
    let (start, end) = (fault["start"].as_str().unwrap(), whole["input"]["end"].as_str().unwrap());
    let before = bounded(&["--until", start]);
    assert!(incidents(&before, "server_side").is_empty());
    let after = bounded(&["--since", start]);
    let count = |report: &serde_json::Value| report["totals"]["requests"].as_u64().unwrap();
    assert_eq!(count(&before) + count(&after), count(&whole), "a request lies before the moment or not");
    let day = bounded(&["--since", &start[..10], "--until", "2100-01-01"]);
    assert!(count(&day) <= count(&whole) && count(&day) > 0);
    let last = bounded(&["--since", "1h"]);
    assert!(last["windows"][0]["start"].as_str().unwrap() >= start || end > start);
    assert!(count(&last) < count(&whole));
    let read = last["input"]["parsed"].as_u64().unwrap();
    assert_eq!(count(&last) + last["input"]["lead"]["lines"].as_u64().unwrap(), read, "what came before is its past");
    assert!(before["limits"].to_string().contains("outside the span"));
}

#[test]
fn a_span_in_which_nothing_lies_gives_no_answer() {
    let log = log_with_fault();
    let run = run([OsStr::new("--until"), OsStr::new("1999-01-01"), log.as_os_str()]);
    assert!(run.out.starts_with("NO ANSWER: "), "{}", run.out);
}

#[test]
fn reports_are_written_to_files_by_extension() {
    let dir = workshop();
    let log = log_with_fault();
    let files = ["-o", "r.json", "-o", "r.csv", "-o", "r.txt", "-o", "r.html", "-o", "r.md"];
    let run = run_in(dir.path(), files.into_iter().chain([log.to_str().unwrap()]));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert!(read("r.json").starts_with("{\n  \"schema\": \"authfault-report/1\""));
    assert!(read("r.csv").starts_with("start,seconds,requests,"));
    assert_eq!(read("r.txt"), run.out, "and the report is printed all the same");
    assert!(read("r.html").starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(read("r.md").starts_with("# SERVER-SIDE FAULT: "));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5, "nothing else is left behind");
}

#[test]
fn one_incident_may_be_asked_for() {
    let log = log_with_fault();
    let whole = report([&log]);
    let ids: Vec<&str> = whole["incidents"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
    let one = report([OsStr::new("--incident"), OsStr::new(ids[0]), log.as_os_str()]);
    assert_eq!(one["incidents"].as_array().unwrap().as_slice(), &whole["incidents"].as_array().unwrap()[..1]);
    assert_eq!(one["totals"], whole["totals"], "the log is still the whole log");

    let run = run([OsStr::new("--incident"), OsStr::new("nope"), log.as_os_str()]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("no incident is called `nope`; found were ") && run.err.contains(ids[0]), "{}", run.err);
}

#[test]
fn the_answer_about_one_incident_says_nothing_of_the_others() {
    // A log in which something else than a fault was found.
    let log = fixture("realserver/logs/nginx-brute-force");
    let whole = report([&log]);
    let other = whole["incidents"].as_array().unwrap().iter().find(|i| i["verdict"] != "server_side").unwrap();
    let run = run([OsStr::new("--incident"), OsStr::new(other["id"].as_str().unwrap()), log.as_os_str()]);
    assert!(run.out.starts_with("ATTACK: ") || run.out.starts_with("CLIENT-SIDE: "), "{}", run.out);
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let log = log_with_fault();
    let run = run(["-o", "no/such/folder/report.json", log.to_str().unwrap()]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("no/such/folder/report.json: cannot write the report"), "{}", run.err);
}

#[test]
fn the_first_line_is_the_answer() {
    for (log, expected) in [(log_with_fault(), "SERVER-SIDE FAULT: "), (log_without_fault(), "NOT THE SERVER: ")] {
        let run = run([&log]);
        assert!(run.out.starts_with(expected), "{}", run.out);
    }
}

#[test]
fn no_color_is_obeyed_where_colour_would_be() {
    let coloured = |name: &str| {
        let mut command = authfault();
        command.env("CLICOLOR_FORCE", "1").arg(log_with_fault());
        if !name.is_empty() {
            command.env(name, "1");
        }
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(coloured(""), "colour may be forced");
    assert!(!coloured("NO_COLOR"));
}

#[test]
fn no_colour_into_pipes_and_files_unless_asked() {
    let log = log_with_fault();
    let log = log.to_str().unwrap();
    assert!(!run([log]).out.contains('\u{1b}'));
    let forced = run(["--color", "always", log]).out;
    assert!(forced.contains("\u{1b}["));
    let dir = workshop();
    run_in(dir.path(), ["--color", "always", "-o", "r.txt", log]);
    assert!(!fs::read_to_string(dir.path().join("r.txt")).unwrap().contains('\u{1b}'));
    let said_no = authfault().env("NO_COLOR", "1").arg(log).output().unwrap();
    assert!(!said_no.stdout.contains(&0x1b));
}

#[test]
fn ascii_is_ascii() {
    let log = log_with_fault();
    assert!(run([OsStr::new("--ascii"), log.as_os_str()]).out.is_ascii());
}

#[test]
fn quiet_says_nothing_beside_the_report() {
    let log = log_with_fault();
    let run = run([OsStr::new("--quiet"), log.as_os_str()]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

/// `authfault log | head -1` must not complain.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = authfault()
        .args(["--output", "json"])
        .arg(log_with_fault())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn the_lists_are_those_of_the_registries() {
    let formats = run(["formats"]);
    assert_eq!(formats.code, Some(0));
    for format in authfault::parse::FORMATS {
        assert!(formats.out.contains(format.id) && formats.out.contains(format.title), "{}", format.id);
    }
    let causes = run(["causes"]);
    for cause in authfault::detect::causes::all() {
        assert!(causes.out.contains(cause.id) && causes.out.contains(cause.title), "{}", cause.id);
        let one = run(["causes", cause.id]);
        let check = cause.next_checks[0].split('{').next().unwrap();
        assert!(one.out.contains(cause.looks_like) && one.out.contains(check), "{}", cause.id);
        assert!(!one.out.contains("{path}") && !one.out.contains("{since}"), "{}", one.out);
    }
}

#[test]
fn help_version_manual_and_completions_are_there() {
    assert!(run(["--help"]).out.contains("Exit status: 0 done"));
    assert_eq!(run(["--version"]).out, format!("authfault {}\n", env!("CARGO_PKG_VERSION")));
    assert!(run(["man"]).out.contains(".TH authfault "));
    let page = run(["man", "check"]).out;
    assert!(page.contains(".TH authfault-check ") && page.contains("stale"), "{page}");
    assert_eq!(run(["man", "chekc"]).code, Some(2));
    for shell in ["bash", "zsh", "fish"] {
        let run = run(["completions", shell]);
        assert!(run.code == Some(0) && run.out.contains("authfault"), "{shell}");
    }
}

/// Logs that can be told from their first lines only by counting: the configuration changed in the middle.
#[test]
fn a_log_in_two_formats_is_read_to_its_end() {
    let dir = workshop();
    let text = String::from_utf8(fault_text()).unwrap();
    let half = text.lines().count() / 2;
    let lines: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| if i < half { format!("{line}\n") } else { format!("{line} \"-\"\n") })
        .collect();
    let path = put(dir.path(), "access.log", lines.as_bytes());
    let report = crate::support::report([&path]);
    assert_eq!(report["input"]["rejected"], 0);
    assert_eq!(incidents(&report, "server_side").len(), 1);
}

/// A framework that says 419 where others say 401 is read as if it did not.
#[test]
fn other_statuses_count_as_refusals_where_asked_for() {
    let log = String::from_utf8(gunzip(&log_with_ongoing_fault())).unwrap();
    let (mut renamed, mut lines) = (String::new(), 0);
    for line in log.lines() {
        let other = line.replacen("\" 401 ", "\" 419 ", 1);
        lines += u64::from(other != line);
        renamed += &(other + "\n");
    }
    assert!(lines > 20);
    let dir = workshop();
    let (plain, renamed) = (put(dir.path(), "a.log", log.as_bytes()), put(dir.path(), "b.log", renamed.as_bytes()));
    let silent = report([&renamed]);
    assert_eq!((&silent["totals"]["status_401"], incidents(&silent, "server_side").len()), (&0.into(), 0));
    let (expected, told) = (report([&plain]), report([renamed.as_os_str(), "--also-status".as_ref(), "419".as_ref()]));
    assert_eq!(expected["totals"], told["totals"]);
    assert_eq!(expected["event_causes"], told["event_causes"]);
    let ids = |report: &serde_json::Value| {
        incidents(report, "server_side").iter().map(|i| (i["id"].clone(), i["cause"].clone())).collect::<Vec<_>>()
    };
    assert_eq!((ids(&expected), ids(&expected).len()), (ids(&told), 1));
    assert!(told["limits"].to_string().contains("419 as 401"), "the report says what it counts");
    let run = run([plain.as_os_str(), "--also-status".as_ref(), "419=404".as_ref()]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("found `419=404`"), "{}", run.err);
}

#[test]
fn every_command_is_in_the_help() {
    let help = run(["--help"]).out;
    for command in ["man", "completions", "explain", "backtest"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
}

/// Whoever waits for a pipe that nobody writes to is told what for.
#[test]
fn a_named_pipe_is_waited_for_with_a_word() {
    let dir = workshop();
    let path = dir.path().join("access.log");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for (quiet, said) in [(&[][..], "access.log: a named pipe: waiting for whoever writes to it"), (&["--quiet"], "")] {
        let mut command = authfault();
        command.current_dir(dir.path()).args(quiet).arg("access.log");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = child.stderr.take().unwrap();
        let mut first = vec![0; said.len()];
        // Before anybody writes.
        err.read_exact(&mut first).unwrap();
        fs::write(&path, fault_text()).unwrap();
        let mut rest = String::new();
        err.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success());
        let all = String::from_utf8(first).unwrap() + &rest;
        assert!(all.contains(said) && all.is_empty() == said.is_empty(), "{all}");
    }
}

#[test]
fn copies_of_a_log_are_named_and_counted() {
    let dir = workshop();
    let text = fault_text();
    for (name, bytes) in
        [("b.log", text.clone()), ("a.log.gz", gzip(&text)), ("c.log", text[..text.len() / 2].to_vec())]
    {
        put(dir.path(), name, &bytes);
    }
    let said = "a.log.gz and b.log look like copies of one log, by beginning, end and length; their lines";
    let names = ["a.log.gz", "b.log", "c.log"];
    let loud = run_in(dir.path(), ["--output", "json"].iter().chain(&names));
    assert!(loud.code == Some(0) && loud.err.starts_with(&format!("authfault: {said}")), "{loud:?}");
    assert_eq!(loud.err.lines().count(), 1);
    let limits = loud.report()["limits"].to_string();
    assert!(limits.contains(said), "{limits}");
    let quiet = run_in(dir.path(), ["--quiet"].iter().chain(&names));
    assert_eq!(quiet.err, "");
    let one = run_in(dir.path(), ["b.log", "c.log"]);
    assert!(one.err.is_empty() && !one.out.contains("copies of one log"), "{one:?}");

    // Parts say the same.
    let mapped = run_in(dir.path(), ["map", "-o", "all.afpart"].iter().chain(&names));
    assert_eq!(mapped.code, Some(0), "{mapped:?}");
    let reduced = run_in(dir.path(), ["reduce", "--output", "json", "all.afpart"]);
    assert_eq!((&reduced.out, &reduced.err), (&loud.out, &loud.err));
}

/// What fails with 500 may be the same trouble, and the error log would tell.
#[test]
fn many_500s_beside_a_fault_are_a_word_for_the_error_log() {
    let dir = workshop();
    let hint = "Many requests failed with 500, 502, 503 or 504 meanwhile";
    let log = fixture("incidents/deploy_route_block.log.gz");
    let fault = report([&log]);
    let fault = incidents(&fault, "server_side")[0].clone();
    assert!(!fault["next_checks"].to_string().contains(hint), "none is there");
    let text = String::from_utf8(gunzip(&log)).unwrap();
    let (start, end) = (fault["start"].as_str().unwrap(), fault["end"].as_str().unwrap());
    let with = |is_inside: bool| {
        let clock = |line: &str| line.split_once("2026:").map(|(_, rest)| rest[..5].to_owned()).unwrap_or_default();
        let lines = text.lines().map(|line| {
            let inside = clock(line).as_str() > &start[11..16] && clock(line).as_str() < &end[11..16];
            if inside == is_inside && line.contains("\" 200 ") && line.len() % 3 == 0 {
                line.replacen("\" 200 ", "\" 502 ", 1) + "\n"
            } else {
                line.to_owned() + "\n"
            }
        });
        let log = put(dir.path(), "access.log", lines.collect::<String>().as_bytes());
        let report = report([log]);
        incidents(&report, "server_side")[0]["next_checks"][0].as_str().unwrap().to_owned()
    };
    assert!(with(true).starts_with(hint), "{}", with(true));
    assert!(!with(false).starts_with(hint), "at other times: {}", with(false));
}
