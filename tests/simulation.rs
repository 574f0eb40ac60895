//! Days of a log in fake time: a server that writes, logrotate in all its ways, a check every five minutes, runs that
//! are missed and runs that are killed. In the end the counts are those of one reading of everything, and each fault
//! was told once when it opened and once when it was over.

use crate::support::{Dice, authfault, gzip, receiver::Receiver, run, workshop};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// 2026-03-10 00:00 UTC.
const MIDNIGHT: u32 = 1_773_100_800;
const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
const STEP: u32 = 5 * MINUTE;

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
    let hour = second % (24 * HOUR) / HOUR;
    let is_first_day = second < 24 * HOUR;
    let (minute, refused) = (second % HOUR / MINUTE, path.starts_with("/api/v2"));
    // A rule against /api/v2 from 10:00 to 10:40 of the first day; everything asks for a password from 09:00 to 09:50
    // of the second.
    let status = if is_first_day && hour == 10 && minute < 40 && refused {
        403
    } else if !is_first_day && hour == 9 && minute < 50 {
        401
    } else if dice.below(200) == 0 {
        [401, 403, 404, 500][dice.below(4)]
    } else {
        200
    };
    let (day, clock) = (10 + second / (24 * HOUR), format!("{hour:02}:{minute:02}:{:02}", second % MINUTE));
    format!(
        "10.{}.7.{} - - [{day:02}/Mar/2026:{clock} +0000] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"{}\"\n",
        who * 5,
        who + 1,
        if status == 200 { 900 + dice.below(5000) } else { 153 },
        AGENTS[who % 4]
    )
}

/// The ways of logrotate.
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
        for number in (1..=30).rev() {
            let name = |n: u32, end: &str| self.directory.join(format!("access.log.{n}{end}"));
            if name(number, ".gz").exists() {
                fs::rename(name(number, ".gz"), name(number + 1, ".gz")).unwrap();
            }
            if name(number, "").exists() {
                pack(&name(number, ""), &name(number + 1, ".gz"));
            }
        }
    }

    fn rotate(&mut self, how: Rotation, second: u32) {
        let (live, first) = (self.live(), self.directory.join("access.log.1"));
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

/// Hours in which, at twenty past, a run's report is compared: quiet ones, one in each fault, one after cron was down, one after the
/// directory moved, and between them each way of rotation.
const COMPARED: [u32; 8] = [4, 7, 10, 13, 17, 21, 28, 33];

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

#[test]
fn days_of_rotations_misses_and_kills_lose_and_repeat_nothing() {
    let workshop = workshop();
    let receiver = Receiver::start();
    let config = workshop.path().join("check.toml");
    let text = format!("stale_after = '0s'\nremind = '0s'\n[[notify]]\ntype = 'webhook'\nurl = '{}'\n", receiver.url());
    fs::write(&config, text).unwrap();
    let cron = Cron { state: workshop.path().join("state"), config };
    let mut server = Server { directory: workshop.path().join("logs"), written: String::new() };
    fs::create_dir(&server.directory).unwrap();

    let mut dice = Dice::new(11);
    let (mut kills, mut rotations, mut late, mut unfinished) = (0, ROTATIONS.iter().cycle(), None, String::new());
    let end = 36 * HOUR;
    let mut second = 0;
    for tick in (STEP..=end).step_by(STEP as usize) {
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
        let is_compared = COMPARED.contains(&(tick / HOUR)) && tick % HOUR == 20 * MINUTE;
        if dice.below(4) == 0 && !is_compared {
            let text = line(&mut dice, second);
            let (begun, rest) = text.split_at(1 + dice.below(text.len() - 2));
            server.append(begun);
            unfinished = rest.to_owned();
        }
        if tick % (150 * MINUTE) == 0 {
            server.append(&std::mem::take(&mut unfinished));
            let how = *rotations.next().unwrap();
            server.rotate(how, tick);
            late = (how == Rotation::Create).then(|| server.directory.join("access.log.1"));
        }
        if tick == 20 * HOUR {
            let moved = workshop.path().join("moved");
            fs::rename(&server.directory, &moved).unwrap();
            server.directory = moved;
        }
        // Two hours and a half in which cron is down, with rotations in them, and single runs that are missed.
        let is_missed = (14 * HOUR..17 * HOUR).contains(&tick) || dice.below(12) == 0;
        if is_compared {
            is_that_of_one_reading(&cron, &server, tick);
            continue;
        }
        if is_missed && tick != end {
            continue;
        }
        let mut command = cron.check(&server.directory, tick);
        if dice.below(5) == 0 {
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(dice.below(90) as u64));
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            continue;
        }
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        assert!(code < 3, "at {}: {output:?}", moment(tick));
    }
    server.append(&std::mem::take(&mut unfinished));

    let lines = is_that_of_one_reading(&cron, &server, end + STEP);
    assert_eq!(lines, server.written.lines().count() as u64, "each line once");

    let mut told: BTreeMap<(String, String), u32> = BTreeMap::new();
    for message in receiver.messages() {
        let word = |key: &str| message[key].as_str().unwrap().to_owned();
        *told.entry((word("id"), word("event"))).or_default() += 1;
    }
    let faults: Vec<&String> = told.keys().filter(|(_, event)| event == "opened").map(|(id, _)| id).collect();
    assert_eq!(faults.len(), 2, "two faults: {told:?}");
    for fault in faults {
        for event in ["opened", "resolved"] {
            assert!(told.contains_key(&(fault.clone(), event.to_owned())), "{event} of {fault}: {told:?}");
        }
    }
    // A run that is killed between delivery and its note delivers again; nothing else does.
    let repeated: u32 = told.values().map(|times| times - 1).sum();
    assert!(kills > 20 && repeated <= kills, "{kills} kills, {told:?}");
    assert!(told.keys().all(|(_, event)| matches!(event.as_str(), "opened" | "resolved" | "worsened")), "{told:?}");
}

/// With the real one, where it is installed.
#[test]
fn logrotate_itself_loses_and_repeats_nothing() {
    if Command::new("logrotate").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        assert!(!crate::support::is_required("logrotate"), "logrotate is required, and not there");
        eprintln!("skipped: logrotate is not installed");
        return;
    }
    let ways = [
        "create\nrotate 20",
        "create\ncompress\nrotate 20",
        "create\ncompress\ndelaycompress\nrotate 20",
        "copytruncate\nrotate 20",
        "copytruncate\ncompress\nrotate 20",
        "create\ndateext\ndateformat -%Y%m%d-%s\nrotate 20",
    ];
    let xz = "create\ncompress\ncompresscmd /usr/bin/xz\nuncompresscmd /usr/bin/unxz\ncompressext .xz\nrotate 20";
    for way in ways.into_iter().chain(Path::new("/usr/bin/xz").exists().then_some(xz)) {
        let workshop = workshop();
        let logs = workshop.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let config = workshop.path().join("check.toml");
        fs::write(&config, "stale_after = '0s'\n").unwrap();
        let cron = Cron { state: workshop.path().join("state"), config };
        let mut server = Server { directory: logs.clone(), written: String::new() };
        let rules = workshop.path().join("logrotate.conf");
        fs::write(&rules, format!("{} {{\n{way}\n}}\n", logs.join("access.log").display())).unwrap();
        let mut dice = Dice::new(5);
        for round in 0..6_u32 {
            for minute in 0..20 {
                let text = line(&mut dice, round * HOUR + minute * MINUTE);
                server.append(&text);
            }
            // Some rounds pass without a run.
            if round != 2 && round != 3 {
                let run = cron.check(&logs, round * HOUR + 30 * MINUTE).output().unwrap();
                assert_eq!(run.status.code(), Some(0), "{way}: {run:?}");
            }
            let text = line(&mut dice, round * HOUR + 40 * MINUTE);
            server.append(&text);
            let status = workshop.path().join("logrotate.state");
            let done =
                Command::new("logrotate").args(["--force", "--state"]).arg(&status).arg(&rules).output().unwrap();
            assert!(done.status.success(), "{way}: {done:?}");
            if way.contains("dateext") {
                // Names are by the second, and two rotations in one would be one.
                std::thread::sleep(Duration::from_millis(1100));
            }
        }
        let report = workshop.path().join("report.json");
        let last = cron.check(&logs, 7 * HOUR).arg("-o").arg(&report).output().unwrap();
        assert_eq!(last.status.code(), Some(0), "{way}: {last:?}");
        let followed: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(followed["input"]["lines"], server.written.lines().count() as u64, "{way}");
        let batch = run(["--output".as_ref(), "json".as_ref(), logs.as_os_str()]).report();
        assert_eq!(followed["windows"], batch["windows"], "{way}");
    }
}
