//! Running the program and reading what it says. Owns no expectation.

/// Made-up lines, the same for a seed everywhere.
#[path = "../../fixtures/loggen/generator.rs"]
pub(crate) mod generator;
pub(crate) mod mailserver;
pub(crate) mod receiver;
pub(crate) mod tls;
pub(crate) mod truth;

use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The top of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
pub(crate) fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// The built program, in an environment that says nothing about colour, width or logs.
pub(crate) fn authfault() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authfault"));
    for name in [
        "AUTHFAULT_STATE",
        "AUTHFAULT_NOW",
        "STATE_DIRECTORY",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "TERM",
        "AUTHFAULT_TRACE",
        "AUTHFAULT_ANONYMIZE_KEY",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a run of the program left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The report, which must be whole and in order.
    pub(crate) fn report(&self) -> Value {
        let report: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        adds_up(&report);
        report
    }
}

/// Runs it to its end, with nothing on standard input.
pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    Run::of(&authfault().args(args).output().expect("the program starts"))
}

/// Runs it in a directory.
pub(crate) fn run_in<A: AsRef<OsStr>>(directory: &Path, args: impl IntoIterator<Item = A>) -> Run {
    Run::of(&authfault().current_dir(directory).args(args).output().expect("the program starts"))
}

/// Runs it with a gigabyte of address space: what asks for more ends.
pub(crate) fn run_in_a_gigabyte<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_authfault")]);
    Run::of(&command.args(args).stdin(Stdio::null()).output().expect("a shell"))
}

/// Runs it with bytes piped in. A program that stops reading early is no error here.
pub(crate) fn pipe<A: AsRef<OsStr>>(input: &[u8], args: impl IntoIterator<Item = A>) -> Run {
    let mut child = authfault()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    Run::of(&output)
}

/// The JSON report on some paths; the program must have been content with them.
pub(crate) fn report<A: AsRef<OsStr>>(paths: impl IntoIterator<Item = A>) -> Value {
    let mut args = vec![OsStr::new("--output").to_owned(), OsStr::new("json").to_owned()];
    args.extend(paths.into_iter().map(|p| p.as_ref().to_owned()));
    let run = run(&args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    let report = run.report();
    assert_eq!(report["totals"]["requests"], report["input"]["parsed"], "every line that was understood is counted");
    report
}

/// Every line and every refusal is counted once, in each file and in all.
pub(crate) fn adds_up(report: &Value) {
    let n = |value: &Value, key: &str| value[key].as_u64().unwrap_or_else(|| panic!("no number `{key}` in {value}"));
    let input = &report["input"];
    let files = input["files"].as_array().expect("files");
    for covered in files.iter().chain([input]) {
        assert_eq!(
            n(covered, "lines"),
            n(covered, "parsed") + n(covered, "rejected") + n(covered, "blank"),
            "{}",
            covered["path"]
        );
    }
    for key in ["lines", "parsed", "rejected", "blank"] {
        assert_eq!(n(input, key), files.iter().map(|f| n(f, key)).sum::<u64>(), "{key} of all files");
    }
    let rejections = input["rejections"].as_array().expect("rejections");
    assert_eq!(n(input, "rejected"), rejections.iter().map(|r| n(r, "lines")).sum::<u64>(), "rejections by reason");
    let (totals, causes) = (&report["totals"], report["event_causes"].as_object().expect("event_causes"));
    let by_cause: u64 = causes.values().filter_map(Value::as_u64).sum();
    assert_eq!(by_cause, n(totals, "status_401") + n(totals, "status_403"), "each refusal has one cause");
    let lead = input["lead"]["lines"].as_u64().unwrap_or(0);
    assert!(n(totals, "requests") + lead <= n(input, "parsed"), "what was read is of the span, before it, or left out");
    let windows = report["windows"].as_array().expect("windows");
    for (key, of_window) in [("requests", "requests"), ("status_401", "status_401"), ("status_403", "status_403")] {
        assert_eq!(n(totals, key), windows.iter().map(|w| n(w, of_window)).sum::<u64>(), "{key} of all windows");
    }
}

/// The incidents of a verdict.
pub(crate) fn incidents<'r>(report: &'r Value, verdict: &str) -> Vec<&'r Value> {
    let all = report["incidents"].as_array().expect("incidents");
    all.iter().filter(|i| i["verdict"] == verdict).collect()
}

/// What a gzip file holds.
pub(crate) fn gunzip(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(file), &mut text).expect("sound gzip");
    text
}

/// Packs bytes.
pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// A directory that is gone afterwards.
pub(crate) fn workshop() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Writes a file into a directory and gives its path.
pub(crate) fn put(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

/// Whether a program that a test needs must be there, so that the test may not skip.
pub(crate) fn is_required(program: &str) -> bool {
    std::env::var("AUTHFAULT_REQUIRE").is_ok_and(|list| list.contains(program))
}

/// A log with a server-side fault in it that is over before the log ends.
pub(crate) fn log_with_fault() -> PathBuf {
    fixture("incidents/credentials_store_lost.log.gz")
}

/// A log without one.
pub(crate) fn log_without_fault() -> PathBuf {
    fixture("incidents/credentials_store_lost.quiet.log.gz")
}

/// A log whose fault is still on at its end.
pub(crate) fn log_with_ongoing_fault() -> PathBuf {
    fixture("incidents/auth_backend_down.log.gz")
}

/// A log from Monday, 2 March 2026, on: sixty clients, one every two minutes in turn, all refused from nine to ten on
/// Mondays, and on one more day from two to three.
pub(crate) fn log_of_mondays(minutes: u32, also: Option<u32>) -> String {
    const HOUR: u32 = 3600;
    let mut log = String::new();
    for (minute, who) in (0..minutes).step_by(2).zip((0..60).cycle()) {
        let (day, second) = (minute / 1440, minute % 1440 * 60);
        let is_weekly = day % 7 == 0 && (9 * HOUR..10 * HOUR).contains(&second);
        let is_once = Some(day) == also && (14 * HOUR..15 * HOUR).contains(&second);
        let status = if is_weekly || is_once { 403 } else { 200 };
        log += &format!(
            "10.{}.7.9 - - [{:02}/Mar/2026:{:02}:{:02}:00 +0000] \"GET /app/inbox HTTP/1.1\" {status} 153 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\"\n",
            who * 3,
            day + 2,
            second / HOUR,
            second / 60 % 60,
        );
    }
    log
}

/// Seeded numbers: the same on every machine (xorshift*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
