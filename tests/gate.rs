//! Most runs of a check only store what is new. What that may delay: each log with a known fault is replayed as runs
//! every five minutes would have seen it, once with a look in each run, and once with looks only where something stands
//! out or an hour has passed.

use crate::support::{Run, authfault, fixture, generator, put, run_in, workshop};
use authfault::{
    cli, input,
    model::{
        case::{Account, Event, News},
        incident::Verdict,
        time::Time,
    },
    pipeline::{self, Looks, Plan, Replay},
    progress::Progress,
};
use clap::Parser;
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

const STEP_SECS: u32 = 300;
/// The look that is taken once an hour is the latest.
const HOUR_RUNS: u32 = 12;
/// Its fault is told in each case only when it is over, by what came after: nothing stands out any more.
const IN_RETROSPECT: &str = "waf_false_positive";

fn replay(log: &Path, looks: Looks) -> Replay {
    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        backtest: cli::BacktestArgs,
    }
    let arguments = Arguments::parse_from(["backtest", "--alert-every", "5m"]);
    let plan = Plan { looks, ..arguments.backtest.plan(2, input::texts).unwrap() };
    let found = input::discover(&[log.to_owned()]);
    pipeline::backtest(found, &plan, &Progress::new(None, false), &|_, _| Account::default())
}

/// When faults of the server were first told, in order.
fn first_told(replay: &Replay) -> Vec<Time> {
    let is_first = |news: &News| {
        news.case.verdict == Verdict::ServerSide
            && matches!(news.event, Event::Opened | Event::Suspected | Event::Missed)
    };
    replay.news.iter().filter(|(_, news)| is_first(news)).map(|(when, _)| *when).collect()
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut logs: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(".log.gz")).collect();
    logs.sort();
    logs
}

/// Runs that a fault was told later because most runs do not look, for each fault; and how many runs looked.
fn delays(log: &Path) -> (Vec<u32>, u64, u64) {
    let always = replay(log, Looks { every_secs: 0, always_below: 0 });
    let gated = replay(log, Looks { every_secs: 3600, always_below: 0 });
    let (told, later) = (first_told(&always), first_told(&gated));
    assert_eq!(always.looks, always.checks);
    let name = log.file_name().unwrap().to_string_lossy();
    let delay = |told: &Time| {
        let later = later.iter().find(|later| *later >= told);
        later.unwrap_or_else(|| panic!("{name}: told at {told:?} in each run, {later:?} with the gate")).0 - told.0
    };
    (told.iter().map(|told| delay(told) / STEP_SECS).collect(), gated.looks, gated.checks)
}

#[test]
fn no_fault_is_told_more_than_a_run_later_for_want_of_a_look() {
    let (mut looks, mut checks, mut faults) = (0, 0, 0);
    for log in logs(&fixture("incidents")).iter().filter(|log| !log.to_string_lossy().contains(".quiet.")).step_by(3) {
        let (delays, looked, checked) = delays(log);
        let is_in_retrospect = log.to_string_lossy().contains(IN_RETROSPECT);
        let bound = if is_in_retrospect { HOUR_RUNS } else { 1 };
        assert!(delays.iter().all(|runs| *runs <= bound), "{}: {delays:?} runs later", log.display());
        (looks, checks, faults) = (looks + looked, checks + checked, faults + delays.len());
    }
    assert!(faults > 5, "{faults} faults");
    assert!(looks < checks * 4 / 5, "{looks} of {checks} runs looked");
}

/// Three days of a busy site, with everybody refused on one route from noon of the last day on.
fn busy_site() -> String {
    use generator::{Settings, Size};
    let settings =
        Settings { size: Size::Lines(90_000), clients: 2_000, days: 3, fault_minutes: 60, ..Settings::default() };
    String::from_utf8(generator::log(&settings).0).unwrap()
}

/// Runs that only store, runs that look, and in the end the same report as that of one reading.
#[test]
fn quiet_runs_only_store_and_a_fault_is_told_at_once() {
    let (folder, text) = (workshop(), busy_site());
    let log = folder.path().join("access.log");
    let mut lines = text.lines().peekable();
    let mut run = |clock: String, more: &[&str]| {
        let mut file = File::options().create(true).append(true).open(&log).unwrap();
        let is_written = |line: &&str| {
            let (before, rest) = line.split_once("/Oct/2025:").unwrap();
            (&before[before.len() - 2..], &rest[..5]) < ("08", clock.as_str())
        };
        let mut new = String::new();
        while let Some(line) = lines.next_if(is_written) {
            new.push_str(line);
            new.push('\n');
        }
        file.write_all(new.as_bytes()).unwrap();
        let mut command = authfault();
        command.current_dir(folder.path()).args(["check", "-v", "--state", "state", "access.log", "--now"]);
        Run::of(&command.arg(format!("2025-10-08T{clock}:05Z")).args(more).output().unwrap())
    };
    let first = run("10:00".to_owned(), &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(!first.out.contains("nothing unusual"), "{first:?}");
    let (mut looks, mut told) = (0, None);
    for minute in (605..=740).step_by(5) {
        let clock = format!("{:02}:{:02}", minute / 60, minute % 60);
        let run = run(clock.clone(), &[]);
        assert!(matches!(run.code, Some(0 | 2)), "{run:?}");
        if minute <= 720 {
            assert_eq!(run.code, Some(0), "nothing is wrong yet: {run:?}");
            looks += u32::from(!run.out.contains("nothing unusual"));
        } else if run.out.starts_with("CRITICAL opened: ") {
            told = told.or(Some(minute));
        }
    }
    assert!((2..=8).contains(&looks), "{looks} of 24 quiet runs looked, and two had to for the hour");
    assert!(told.is_some_and(|minute| minute <= 730), "told at minute {told:?} of the day, 720 is the onset");
    let last = run("12:25".to_owned(), &["-o", "report.json"]);
    assert_eq!(last.code, Some(2), "{last:?}");
    let batch = run_in(folder.path(), ["--output", "json", "access.log"]);
    assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), batch.out);
}

/// What a run cannot know it says, whether it looks or not.
#[test]
fn a_run_that_only_stores_still_notices_an_error_log_that_is_gone() {
    let (folder, text) = (workshop(), busy_site());
    put(folder.path(), "error.log", b"2025/10/08 09:00:00 [notice] 1#1: start\n");
    let cut = text.find("08/Oct/2025:10:0").unwrap();
    let end = cut + text[cut..].find('\n').unwrap() + 1;
    let run = |upto: usize, clock: &str| {
        put(folder.path(), "access.log", &text.as_bytes()[..upto]);
        let arguments = ["check", "-v", "--state", "state", "access.log", "--error-log", "error.log", "--now", clock];
        run_in(folder.path(), arguments)
    };
    assert_eq!(run(end, "2025-10-08T10:00:00Z").code, Some(0));
    let later = end + text[end..].find("08/Oct/2025:10:05").unwrap();
    let later = text[..later].rfind('\n').unwrap() + 1;
    let quiet = run(later, "2025-10-08T10:05:00Z");
    assert!(quiet.code == Some(0) && quiet.out.contains("nothing unusual"), "{quiet:?}");
    fs::remove_file(folder.path().join("error.log")).unwrap();
    let later = later + 20_000;
    let blind = run(text[..later].rfind('\n').unwrap() + 1, "2025-10-08T10:10:00Z");
    assert_eq!(blind.code, Some(3), "{blind:?}");
    assert!(blind.out.contains("UNKNOWN: error.log: no such file"), "{blind:?}");
}
