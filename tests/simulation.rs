//! Days of a log in fake time: a server that writes, logrotate in all its ways, a check every five minutes, runs that
//! are missed and runs that are killed. In the end the counts are those of one reading of everything, and each fault
//! was told once when it opened and once when it was over.
//!
//! How long they are in the ordinary tests stands with each; `AUTHFAULT_DAYS` makes all of them so many days long.

use crate::support::{Dice, authfault, gzip, receiver::Receiver, run, workshop};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// 2026-03-10 00:00 UTC.
const MIDNIGHT: u32 = 1_773_100_800;
const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

/// From when to when, whom it refuses, and how.
struct Fault {
    from: u32,
    until: u32,
    below: &'static str,
    status: u16,
}

/// One a day: a rule against a part of the site, or everything asks for a password.
fn fault_of(day: u32) -> Fault {
    let (hour, minutes, below, status) =
        [(10, 40, "/api/v2", 403), (9, 50, "/", 401), (18, 45, "/app", 403), (2, 70, "/", 401)][day as usize % 4];
    let from = day * DAY + hour * HOUR;
    Fault { from, until: from + minutes * MINUTE, below, status }
}

/// A request of somebody, as a line in nginx's combined format.
fn line(dice: &mut Dice, second: u32) -> String {
    const AGENTS: [&str; 4] = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
        "okhttp/4.12.0",
    ];
    const PATHS: [&str; 6] = ["/app/inbox", "/app/tasks", "/api/v2/items", "/api/v2/orders", "/docs/start", "/"];
    let who = dice.below(40);
    let path = PATHS[dice.below(PATHS.len())];
    let fault = fault_of(second / DAY);
    let status = if (fault.from..fault.until).contains(&second) && path.starts_with(fault.below) {
        fault.status
    } else if dice.below(200) == 0 {
        [401, 403, 404, 500][dice.below(4)]
    } else {
        200
    };
    let clock = format!("{:02}:{:02}:{:02}", second % DAY / HOUR, second % HOUR / MINUTE, second % MINUTE);
    let day = 10 + second / DAY;
    format!(
        "10.{}.7.{} - - [{day:02}/Mar/2026:{clock} +0000] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"{}\"\n",
        who * 5,
        who + 1,
        if status == 200 { 900 + dice.below(5000) } else { 153 },
        AGENTS[who % 4]
    )
}

/// The ways of logrotate, imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotation {
    Create,
    CreateAndPack,
    CopyTruncate,
    CopyTruncateAndPack,
    DateExt,
}

const ROTATIONS: [Rotation; 5] = [
    Rotation::Create,
    Rotation::CopyTruncate,
    Rotation::CreateAndPack,
    Rotation::DateExt,
    Rotation::CopyTruncateAndPack,
];

/// The server's side: a directory with a log in it.
struct Server {
    directory: PathBuf,
    written: String,
}

impl Server {
    fn live(&self) -> PathBuf {
        self.directory.join("access.log")
    }

    fn append(&mut self, text: &str) {
        self.append_to(&self.live(), text);
    }

    fn append_to(&mut self, path: &Path, text: &str) {
        self.written.push_str(text);
        fs::File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Moves the older ones up, packing those that were left plain for a cycle.
    fn shift(&self) {
        for number in (1..=100).rev() {
            let name = |n: u32, end: &str| self.directory.join(format!("access.log.{n}{end}"));
            if name(number, ".gz").exists() {
                fs::rename(name(number, ".gz"), name(number + 1, ".gz")).unwrap();
            }
            if name(number, "").exists() {
                pack(&name(number, ""), &name(number + 1, ".gz"));
            }
        }
    }

    fn first(&self) -> PathBuf {
        self.directory.join("access.log.1")
    }

    fn rotate(&mut self, how: Rotation, second: u32) {
        let (live, first) = (self.live(), self.first());
        let dated = self.directory.join(format!("access.log-20260{}", 310_000 + second / MINUTE));
        if how != Rotation::DateExt {
            self.shift();
        }
        match how {
            Rotation::Create | Rotation::CreateAndPack => fs::rename(&live, &first).unwrap(),
            Rotation::DateExt => fs::rename(&live, &dated).unwrap(),
            Rotation::CopyTruncate | Rotation::CopyTruncateAndPack => {
                fs::copy(&live, &first).unwrap();
                fs::File::options().write(true).truncate(true).open(&live).unwrap();
            }
        }
        if matches!(how, Rotation::CreateAndPack | Rotation::CopyTruncateAndPack) {
            pack(&first, &first.with_file_name("access.log.1.gz"));
        }
        self.append("");
    }

    /// With the real one; `way` is what stands between the braces.
    fn logrotate(&self, way: &str) {
        let beside = |name: &str| self.directory.with_file_name(name);
        let rules = format!("{} {{\n{way}\nrotate 400\n}}\n", self.live().display());
        fs::write(beside("logrotate.conf"), rules).unwrap();
        let mut command = Command::new("logrotate");
        command.args(["--force", "--state"]).arg(beside("logrotate.state")).arg(beside("logrotate.conf"));
        let done = command.output().unwrap();
        assert!(done.status.success(), "{way}: {done:?}");
        if way.contains("dateext") {
            // Names are by the second, and two rotations in one would be one.
            std::thread::sleep(Duration::from_millis(1100));
        }
    }
}

fn pack(from: &Path, to: &Path) {
    fs::write(to, gzip(&fs::read(from).unwrap())).unwrap();
    fs::remove_file(from).unwrap();
}

/// The operator's side.
struct Cron {
    state: PathBuf,
    config: PathBuf,
}

impl Cron {
    fn check(&self, logs: &Path, second: u32) -> Command {
        let mut command = authfault();
        command.arg("check").arg("--state").arg(&self.state).arg("--config").arg(&self.config);
        command.args(["--threads", "1", "--now", &moment(second)]).arg(logs);
        command
    }
}

fn moment(second: u32) -> String {
    authfault::model::time::Time(MIDNIGHT + second).rfc3339()
}

/// A run writes a report that is, but for the time that it takes, that of one reading of all files. Gives its lines.
fn is_that_of_one_reading(cron: &Cron, server: &Server, second: u32) -> u64 {
    let report = cron.config.with_file_name("report.json");
    let run_of_cron = cron.check(&server.directory, second).arg("-o").arg(&report).output().unwrap();
    assert!(run_of_cron.status.code().unwrap() < 3, "at {}: {run_of_cron:?}", moment(second));
    let followed: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    let at_once = run(["--output".as_ref(), "json".as_ref(), server.directory.as_os_str()]).report();
    for part in ["input", "totals", "event_causes", "incidents", "windows", "clients", "limits"] {
        assert_eq!(followed[part], at_once[part], "{part} at {} as in one reading", moment(second));
    }
    followed["input"]["lines"].as_u64().unwrap()
}

/// How a simulation goes.
struct Course {
    hours: u32,
    /// Seconds between two checks.
    step: u32,
    /// What stands between the braces of the real logrotate; where nothing does, all ways are imitated in turn.
    logrotate: Option<&'static str>,
}

impl Course {
    /// So long, or as long as the environment asks for.
    fn new(hours: u32, step: u32, logrotate: Option<&'static str>) -> Self {
        match std::env::var("AUTHFAULT_DAYS") {
            Ok(days) => {
                let days: u32 = days.parse().expect("AUTHFAULT_DAYS is a number of days");
                Self { hours: days * 24, step: 5 * MINUTE, logrotate }
            }
            Err(_) => Self { hours, step, logrotate },
        }
    }

    /// In each fault, after cron was down, and now and then, at all times of day in the end.
    fn is_compared(&self, tick: u32) -> bool {
        tick == fault_of(tick / DAY).from + 20 * MINUTE || tick % (7 * HOUR) == 80 * MINUTE
    }

    /// Three hours and a half without cron, with two rotations in them, every third day.
    fn is_down(tick: u32) -> bool {
        (4 * HOUR + 30 * MINUTE..8 * HOUR).contains(&(tick % (3 * DAY)))
    }

    /// Those that are over in time to be told as that.
    fn faults(&self) -> Vec<Fault> {
        let faults = (0..self.hours.div_ceil(24)).map(fault_of);
        faults.filter(|fault| fault.until + 2 * HOUR < self.hours * HOUR).collect()
    }
}

fn simulate(course: &Course) {
    let workshop = workshop();
    let receiver = Receiver::start();
    let config = workshop.path().join("check.toml");
    // Some days in, most runs do not look at all that is remembered.
    let when = "stale_after = '0s'\nremind = '0s'\nlook_below = 10000\n";
    fs::write(&config, format!("{when}[[notify]]\ntype = 'webhook'\nurl = '{}'\n", receiver.url())).unwrap();
    let cron = Cron { state: workshop.path().join("state"), config };
    let mut server = Server { directory: workshop.path().join("logs"), written: String::new() };
    fs::create_dir(&server.directory).unwrap();

    let mut dice = Dice::new(11);
    let (mut rotations, mut late, mut unfinished) = (ROTATIONS.iter().cycle(), None, String::new());
    let (mut kills, mut usual_time) = (0, Duration::from_millis(50));
    // Of each message, whether the run that sent it came after one that was killed.
    let (mut after_kill, mut was_killed) = (Vec::new(), false);
    let end = course.hours * HOUR;
    let mut second = 0;
    for tick in (course.step..=end).step_by(course.step as usize) {
        // What was begun is finished first, and a worker that was not told of a rotation writes to the old file.
        server.append(&std::mem::take(&mut unfinished));
        if let Some(path) = late.take().filter(|path: &PathBuf| path.exists()) {
            let text = line(&mut dice, second);
            server.append_to(&path, &text);
        }
        while second < tick {
            let text = line(&mut dice, second);
            server.append(&text);
            second += 1 + dice.below(30) as u32;
        }
        let is_compared = course.is_compared(tick);
        if dice.below(4) == 0 && !is_compared {
            let text = line(&mut dice, second);
            let (begun, rest) = text.split_at(1 + dice.below(text.len() - 2));
            server.append(begun);
            unfinished = rest.to_owned();
        }
        if tick % (150 * MINUTE) == 0 {
            server.append(&std::mem::take(&mut unfinished));
            let writes_on = match course.logrotate {
                Some(way) => {
                    server.logrotate(way);
                    way.starts_with("create")
                }
                None => {
                    let how = *rotations.next().unwrap();
                    server.rotate(how, tick);
                    how == Rotation::Create
                }
            };
            late = Some(server.first()).filter(|first| writes_on && first.exists());
        }
        if tick % (3 * DAY) == 20 * HOUR {
            let moved = workshop.path().join(format!("moved{}", tick / DAY));
            fs::rename(&server.directory, &moved).unwrap();
            server.directory = moved;
        }
        let is_missed = Course::is_down(tick) || dice.below(12) == 0;
        let is_killed = dice.below(5) == 0;
        if is_compared {
            is_that_of_one_reading(&cron, &server, tick);
        } else if is_missed {
            continue;
        } else if is_killed {
            let mut command = cron.check(&server.directory, tick);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(usual_time * dice.below(120) as u32 / 100);
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        } else {
            let start = Instant::now();
            let output = cron.check(&server.directory, tick).output().unwrap();
            usual_time = start.elapsed();
            assert!(output.status.code().unwrap() < 3, "at {}: {output:?}", moment(tick));
        }
        after_kill.resize(receiver.posted().len(), was_killed);
        was_killed = is_killed && !is_compared;
    }
    server.append(&std::mem::take(&mut unfinished));
    // A log that is still empty is none yet for a check.
    let text = line(&mut dice, second);
    server.append(&text);

    let lines = is_that_of_one_reading(&cron, &server, end + course.step);
    assert_eq!(lines, server.written.lines().count() as u64, "each line once");
    assert!(kills > course.hours / 3, "{kills} kills");
    after_kill.resize(receiver.posted().len(), was_killed);
    each_fault_is_told_once(&course.faults(), &receiver.messages(), &after_kill);
}

/// A run that is killed between delivery and its note delivers again; nothing else does.
fn each_fault_is_told_once(faults: &[Fault], messages: &[Value], after_kill: &[bool]) {
    let word = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
    let mut told: Vec<(String, String, String)> = Vec::new();
    for (message, after_kill) in messages.iter().zip(after_kill) {
        let this = (word(message, "event"), word(message, "id"), word(message, "start"));
        let is_repeated = told.iter().any(|(event, id, _)| (event, id) == (&this.0, &this.1));
        match this.0.as_str() {
            "worsened" => {}
            _ if is_repeated => assert!(after_kill, "{this:?} again: {told:?}"),
            _ => told.push(this),
        }
    }
    let (opened, others): (Vec<_>, Vec<_>) = told.iter().partition(|(event, ..)| event == "opened");
    assert_eq!(opened.len(), faults.len(), "{told:?}");
    for (fault, (_, id, start)) in faults.iter().zip(&opened) {
        assert!((moment(fault.from)..moment(fault.until)).contains(start), "{id} began at {start}: {told:?}");
    }
    let opened: Vec<_> = opened.iter().map(|(_, id, _)| ("resolved", id)).collect();
    let others: Vec<_> = others.iter().map(|(event, id, _)| (event.as_str(), id)).collect();
    assert_eq!(others, opened, "each is resolved before the next begins: {told:?}");
}

#[test]
fn days_of_rotations_misses_and_kills_lose_and_repeat_nothing() {
    simulate(&Course::new(36, 5 * MINUTE, None));
}

/// The same with the real logrotate, where it is installed, in one way.
fn logrotate_loses_and_repeats_nothing(way: &'static str) {
    if Command::new("logrotate").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        assert!(!crate::support::is_required("logrotate"), "logrotate is required, and not there");
        eprintln!("skipped: logrotate is not installed");
        return;
    }
    simulate(&Course::new(13, 10 * MINUTE, Some(way)));
}

#[test]
fn logrotate_with_create() {
    logrotate_loses_and_repeats_nothing("create");
}

#[test]
fn logrotate_with_create_and_compress() {
    logrotate_loses_and_repeats_nothing("create\ncompress");
}

#[test]
fn logrotate_with_create_and_delayed_compress() {
    logrotate_loses_and_repeats_nothing("create\ncompress\ndelaycompress");
}

#[test]
fn logrotate_with_copytruncate() {
    logrotate_loses_and_repeats_nothing("copytruncate");
}

#[test]
fn logrotate_with_copytruncate_and_compress() {
    logrotate_loses_and_repeats_nothing("copytruncate\ncompress");
}

#[test]
fn logrotate_with_dateext() {
    logrotate_loses_and_repeats_nothing("create\ndateext\ndateformat -%Y%m%d-%s");
}

#[test]
fn logrotate_with_xz() {
    if !Path::new("/usr/bin/xz").exists() {
        eprintln!("skipped: xz is not installed");
        return;
    }
    logrotate_loses_and_repeats_nothing(
        "create\ncompress\ncompresscmd /usr/bin/xz\nuncompresscmd /usr/bin/unxz\ncompressext .xz",
    );
}
