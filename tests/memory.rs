//! Memory stays within its bound whatever the log, and what is told from a share of the clients is right, marked as
//! an estimate, and the same for every partition of the input.

use crate::support::{self, Dice, Run, authfault, generator, incidents, put, run, workshop};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{Read, Write},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

/// Half an hour in which everybody is refused on one route.
fn log_with_fault() -> Vec<u8> {
    use generator::{Settings, Size};
    let settings =
        Settings { size: Size::Lines(120_000), clients: 6000, days: 1, fault_minutes: 60, ..Settings::default() };
    generator::log(&settings).0
}

fn json<A: AsRef<OsStr>>(path: A, more: &[&str]) -> Run {
    let args = ["--output", "json"].iter().chain(more).map(|arg| OsStr::new(*arg)).chain([path.as_ref()]);
    let run = run(args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    run
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("no number `{key}` in {value}"))
}

#[track_caller]
fn near(estimate: &Value, exact: &Value, key: &str, percent: f64) {
    let (estimate, exact) = (number(estimate, key), number(exact, key));
    assert!((estimate / exact - 1.0).abs() < percent / 100.0, "{key}: {estimate} instead of {exact}");
}

#[test]
fn a_fault_is_found_among_a_share_of_the_clients() {
    let dir = workshop();
    let path = put(dir.path(), "access.log", &log_with_fault());
    let exact = json(&path, &[]).report();
    assert_eq!(exact["totals"]["approximate"], Value::Null, "all fit by default");
    let estimate = json(&path, &["--memory", "8M"]).report();
    let kept_one_in = number(&estimate["totals"], "kept_one_in");
    assert!(kept_one_in >= 4.0, "one in {kept_one_in}");

    for key in ["requests", "status_401", "status_403"] {
        assert_eq!(estimate["totals"][key], exact["totals"][key], "{key} is exact");
    }
    let windows = |report: &Value| report["windows"].as_array().unwrap().clone();
    assert_eq!(windows(&estimate).len(), windows(&exact).len());
    for (estimate, exact) in windows(&estimate).iter().zip(&windows(&exact)) {
        for key in ["start", "seconds", "requests", "status_401", "status_403"] {
            assert_eq!(estimate[key], exact[key], "{key} of a window is exact");
        }
        assert_eq!(estimate["approximate"], true);
    }
    near(&estimate["totals"], &exact["totals"], "clients", 5.0);
    near(&estimate["totals"], &exact["totals"], "failing_clients", 10.0);

    let fault = |report: &Value| {
        let faults = incidents(report, "server_side");
        assert_eq!(faults.len(), 1, "one fault: {faults:#?}");
        faults[0].clone()
    };
    let (found, of_all) = (fault(&estimate), fault(&exact));
    for key in ["status", "cause", "scope", "state"] {
        assert_eq!(found[key], of_all[key], "{key}");
    }
    for key in ["clients_affected", "clients_active"] {
        near(&found, &of_all, key, 15.0);
    }
    // A few clients send most of the requests, and whether they are among the kept is luck.
    for key in ["requests_failed", "requests_total"] {
        near(&found, &of_all, key, 50.0);
    }
    assert_eq!((&found["approximate"], &of_all["approximate"]), (&Value::Bool(true), &Value::Null));
    assert!(estimate["limits"][0].as_str().unwrap().contains("--memory"), "{}", estimate["limits"]);
}

#[test]
fn the_share_is_the_same_for_every_partition() {
    let dir = workshop();
    let text = log_with_fault();
    let path = put(dir.path(), "access.log", &text);
    for memory in ["1M", "3M"] {
        let one = json(&path, &["--memory", memory, "--threads", "1"]);
        for threads in ["2", "7"] {
            assert_eq!(json(&path, &["--memory", memory, "--threads", threads]).out, one.out, "{memory}, {threads}");
        }
        let piped = support::pipe(&text, ["--output", "json", "--memory", memory, "-"]).report();
        let one = one.report();
        for key in ["totals", "event_causes", "windows", "clients", "limits"] {
            assert_eq!(piped[key], one[key], "{key} through a pipe with {memory}");
        }
        let pieces = workshop();
        let cut = text.len() / 3;
        let cut = cut + text[cut..].iter().position(|b| *b == b'\n').unwrap() + 1;
        // The older half has the later name, as after rotation.
        put(pieces.path(), "access.log", &text[cut..]);
        put(pieces.path(), "access.log.1", &text[..cut]);
        let pieces = json(pieces.path(), &["--memory", memory]).report();
        for key in ["totals", "event_causes", "windows", "clients", "limits"] {
            assert_eq!(pieces[key], one[key], "{key} in pieces with {memory}");
        }
    }
}

/// What is left out is counted as well, and a span that cuts a window is widened to it.
#[test]
fn a_span_of_a_share_is_exact_by_window() {
    use generator::{Settings, Size};
    let dir = workshop();
    let size = Size::Lines(120_000);
    let (text, _) =
        generator::log(&Settings { size, clients: 6000, days: 3, fault_minutes: 60, ..Settings::default() });
    let path = put(dir.path(), "access.log", &text);
    let all = json(&path, &["--memory", "2M"]).report();
    let part = json(&path, &["--memory", "2M", "--since", "2025-10-08T06:02:03Z"]).report();
    let from = "2025-10-08T06:00:00Z";
    // Of a part more clients fit, so that their numbers are better estimates.
    let exact = |report: &Value| -> Vec<[Value; 4]> {
        let windows = report["windows"].as_array().unwrap().iter();
        let own = windows.filter(|window| window["start"].as_str().unwrap() >= from);
        own.map(|window| ["start", "requests", "status_401", "status_403"].map(|key| window[key].clone())).collect()
    };
    assert_eq!(part["windows"][0]["start"], from);
    assert!(exact(&part).len() > 50 && exact(&part) == exact(&all));
    let limits = part["limits"].to_string();
    assert!(limits.contains("widened to whole windows"), "{limits}");
    // What was not read lies in front of what was.
    let unread_bytes = number(&part["input"]["files"][0], "unread_bytes");
    let unread = text[..unread_bytes as usize].iter().filter(|byte| **byte == b'\n').count() as f64;
    let lead = &part["input"]["lead"];
    assert_eq!((&lead["end"], &lead["begin"]), (&from.into(), &"2025-10-07T06:00:00Z".into()));
    let looked_at = number(&part["totals"], "requests") + number(lead, "lines");
    let left_out = number(&all["totals"], "requests") - looked_at - unread;
    let said = format!("{left_out} requests and another {unread_bytes} bytes of log outside");
    assert!(unread > 0.0 && left_out > 0.0 && limits.contains(&said), "{said}: {limits}");
}

#[test]
fn people_are_told_on_the_first_screen() {
    let dir = workshop();
    let path = put(dir.path(), "access.log", &log_with_fault());
    for (output, lines) in [("terminal", 3), ("markdown", 4)] {
        let shown = run([OsStr::new("--output"), OsStr::new(output), "--memory=2M".as_ref(), path.as_ref()]);
        let screen: Vec<&str> = shown.out.lines().take(lines).collect();
        assert!(screen[0].contains("about "), "{output}: {}", screen[0]);
        assert!(screen.join(" ").contains("Approximate: one in "), "{output}: {screen:?}");
        let exact = run([OsStr::new("--output"), OsStr::new(output), path.as_ref()]);
        assert!(!exact.out.contains("pproximate") && !exact.out.contains("about "), "{output}");
    }
}

/// Whom the operator asks about is kept, whoever else is not.
#[test]
fn a_client_that_is_asked_for_is_kept() {
    let dir = workshop();
    let text = log_with_fault();
    let path = put(dir.path(), "access.log", &text);
    let lines: Vec<&str> = std::str::from_utf8(&text).unwrap().lines().collect();
    for line in lines.iter().step_by(lines.len() / 12) {
        let client = line.split(' ').next().unwrap();
        let own = lines.iter().filter(|line| line.split(' ').next() == Some(client)).count();
        let story = run(["explain", client, "--output", "json", "--memory", "8M", path.to_str().unwrap()]);
        let story: Value = serde_json::from_str(&story.out).unwrap_or_else(|e| panic!("{client}: {e}: {story:?}"));
        let told: f64 = story["stories"].as_array().unwrap().iter().map(|story| number(story, "requests")).sum();
        assert_eq!(told, own as f64, "{client}");
    }
    // A user name is looked for among those who were kept anyhow.
    let nobody = run(["explain", "nobody", "--memory", "8M", path.to_str().unwrap()]);
    assert!(nobody.err.contains("under that user name, of the clients that fitted into --memory;"), "{nobody:?}");
}

/// A first run may find months of log. What it keeps of them is what one reading would, and what comes later is added.
#[test]
fn a_first_check_of_more_than_memory_holds_is_that_of_one_reading() {
    let dir = workshop();
    let text = log_with_fault();
    let cut = text.len() * 9 / 10;
    let cut = cut + text[cut..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let (state, report) = (dir.path().join("state"), dir.path().join("report.json"));
    let check = |now: &str| {
        let mut command = authfault();
        command.args(["check", "--memory", "2M", "--stale-after", "0s", "--now", now, "--state"]).arg(&state);
        let run = Run::of(&command.arg("-o").arg(&report).arg(dir.path().join("access.log")).output().unwrap());
        assert_eq!((run.code.unwrap() < 3, run.err.as_str()), (true, ""), "{run:?}");
        serde_json::from_slice::<Value>(&fs::read(&report).unwrap()).unwrap()
    };
    let path = put(dir.path(), "access.log", &text[..cut]);
    let (first, at_once) = (check("2025-10-06T21:45:00Z"), json(&path, &["--memory", "2M"]).report());
    assert!(number(&first["totals"], "kept_one_in") >= 16.0, "{}", first["totals"]);
    for key in ["input", "totals", "event_causes", "incidents", "windows", "clients"] {
        assert_eq!(first[key], at_once[key], "{key} of a first run");
    }
    put(dir.path(), "access.log", &text);
    let (later, at_once) = (check("2025-10-07T00:00:00Z"), json(&path, &["--memory", "2M"]).report());
    assert!(number(&later["totals"], "kept_one_in") >= number(&first["totals"], "kept_one_in"));
    let exact = |report: &Value| ["requests", "status_401", "status_403"].map(|key| report["totals"][key].clone());
    assert_eq!(exact(&later), exact(&at_once));
    assert_eq!(later["input"], at_once["input"]);
    assert_eq!(incidents(&later, "server_side").len(), 1, "{}", later["incidents"]);
}

/// One address, one agent, so many requests that even it alone does not fit.
#[test]
fn a_log_of_one_client_ends_too() {
    let dir = workshop();
    let line = "192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET /a HTTP/1.1\" 403 17 \"-\" \"curl/8.5.0\"\n";
    let path = put(dir.path(), "access.log", line.repeat(60_000).as_bytes());
    let report = json(&path, &["--memory", "1M"]).report();
    assert_eq!((number(&report["totals"], "requests"), number(&report["totals"], "status_403")), (6e4, 6e4));
    assert_eq!(report["totals"]["approximate"], true);
    assert_eq!(report["event_causes"]["unauthorized"], 60_000);
    let shown = run(["--memory", "1M", path.to_str().unwrap()]).out;
    assert!(shown.contains("Approximate: "), "{shown}");
    let story = run(["explain", "192.0.2.7", "--memory", "1M", path.to_str().unwrap()]);
    assert_eq!(story.code, Some(2));
    assert!(story.err.contains("--memory"), "{}", story.err);
}

/// A log in which everything differs in every line, and the highest memory of the program that read it.
fn peak_bytes(lines: usize, memory: &str, threads: &str) -> (u64, Value) {
    let mut child = authfault()
        .args(["--output", "json", "--memory", memory, "--threads", threads, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let watch = std::thread::spawn(move || {
        let mut highest = 0;
        while let Some(kibibytes) = fs::read_to_string(&status).ok().as_deref().and_then(high_water) {
            highest = highest.max(kibibytes << 10);
            std::thread::sleep(Duration::from_millis(1));
        }
        highest
    });
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || hostile(&mut stdin, lines));
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("the program writes UTF-8");
    assert!(child.wait().expect("the program ends").success());
    writer.join().expect("the writer ends");
    (watch.join().expect("the watch ends"), serde_json::from_str(&out).expect("a report"))
}

/// `VmHWM`, in KiB; gone where the program is.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Another address, agent (of 8 KiB), path, user and referer in every line.
fn hostile(out: &mut impl Write, lines: usize) {
    let mut dice = Dice::new(7);
    let filling = "x".repeat(8 << 10);
    let mut line = String::new();
    for i in 0..lines {
        line.clear();
        let mut word = || (0..12).map(|_| char::from(b'a' + dice.below(26) as u8)).collect::<String>();
        let (path, user, host, agent) = ([word(), word(), word()].join("/"), word(), word(), word());
        write!(line, "2001:db8:{:x}:{:x}::7 - {user} ", i >> 16, i & 0xffff).expect("text");
        let (hour, minute, second) = (i / 3600 % 24, i / 60 % 60, i % 60);
        write!(line, "[10/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] ").expect("text");
        let status = [200, 401, 403][i % 3];
        writeln!(line, "\"GET /{path} HTTP/1.1\" {status} {i} \"https://{host}/\" \"{agent}{filling}\"").expect("text");
        out.write_all(line.as_bytes()).expect("the program reads");
    }
}

/// The program, its stacks and what is being read: a chunk for each thread, one more of the stream, unpacked.
const BESIDE_BYTES: u64 = 48 << 20;
const PER_THREAD_BYTES: u64 = 8 << 20;

#[test]
fn memory_is_bounded_whatever_varies() {
    for (memory, bytes, threads) in [("8M", 8 << 20, 1), ("8M", 8 << 20, 7), ("16M", 16 << 20, 2)] {
        let lines = 12_000;
        let (peak, report) = peak_bytes(lines, memory, &threads.to_string());
        let bound = bytes + BESIDE_BYTES + PER_THREAD_BYTES * threads;
        assert!(peak > 1 << 20 && peak < bound, "{} MiB with --memory {memory}, {threads} threads", peak >> 20);
        assert_eq!(number(&report["totals"], "requests"), lines as f64);
        assert!(number(&report["totals"], "kept_one_in") >= 4.0, "{}", report["totals"]);
    }
}
