//! The life of a case, run by run.

use super::*;
use crate::model::{
    case::Level,
    incident::{Scope, Severity, TimelinePoint},
};

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
const DAY: u32 = 1_773_100_800;

fn failure(time: u32) -> TimelinePoint {
    TimelinePoint {
        time: Time(time),
        requests: 1,
        failed: 1,
        active_clients: 1,
        failing_clients: 1,
        approximate: false,
    }
}

fn incident(start: u32, end: Option<u32>, path: &str, clients: u64) -> Incident {
    Incident {
        id: format!("{start:x}{path}"),
        verdict: Verdict::ServerSide,
        cause: "deny_rule",
        cause_is_settled: false,
        confidence: 0.95,
        severity: Severity::Critical,
        state: if end.is_some() { State::Ended } else { State::Ongoing },
        status: 403,
        start: Time(DAY + start),
        peak: Time(DAY + start),
        end: end.map(|end| Time(DAY + end)),
        detected_at: Time(DAY + start),
        scope: Scope { path_prefix: vec![path.to_owned()], ..Scope::default() },
        spared: vec![],
        clients_affected: clients,
        clients_active: clients,
        clients_known_good: clients,
        users_affected: 0,
        requests_failed: clients * 2,
        requests_total: clients * 2,
        requests_failed_expected: 0.0,
        evidence: vec![],
        ruled_out: vec![],
        next_checks: vec![],
        samples: vec![],
        // One more client each half a minute.
        timeline: (0..clients as u32).map(|i| failure(DAY + start + 30 * i)).collect(),
        approximate: false,
        timeline_step_secs: 60,
    }
}

/// Runs one after another, every five minutes or when told.
struct Cron {
    cases: Vec<Case>,
    last: Option<Time>,
    rules: Rules,
}

impl Cron {
    fn new() -> Self {
        let mut cron = Self { cases: vec![], last: None, rules: Rules::default() };
        assert_eq!(cron.run(0, &[]), []);
        cron
    }

    fn run(&mut self, at: u32, incidents: &[Incident]) -> Vec<Event> {
        let now = Time(DAY + at);
        let moment = Moment { now, log_end: now, last_log_end: self.last.replace(now) };
        let tell = |i: &Incident| Account { headline: i.cause.to_owned(), ..Account::default() };
        let advance = advance(std::mem::take(&mut self.cases), incidents, moment, &self.rules, &tell);
        let news = news(&advance).iter().map(|news| news.event).collect();
        self.cases = advance.cases;
        news
    }

    fn level(&self) -> Level {
        self.cases.iter().map(Case::level).max().unwrap_or(Level::Ok)
    }
}

#[test]
fn a_fault_is_told_when_it_opens_and_when_it_is_over() {
    let mut cron = Cron::new();
    assert_eq!(cron.run(10 * MINUTE, &[incident(300, None, "/a", 6)]), [Event::Opened]);
    assert_eq!((cron.cases[0].phase, cron.level()), (Phase::Open, Level::Critical));
    assert_eq!(cron.run(15 * MINUTE, &[incident(290, None, "/a/b", 9)]), []);
    assert_eq!(cron.cases[0].phase, Phase::Ongoing);
    assert_eq!(cron.run(20 * MINUTE, &[incident(290, Some(1000), "/a", 9)]), []);
    assert_eq!((cron.cases[0].phase, cron.level()), (Phase::Recovering, Level::Critical));
    assert_eq!(cron.run(40 * MINUTE, &[incident(290, Some(1000), "/a", 9)]), [Event::Resolved]);
    assert_eq!((cron.cases.len(), cron.level()), (1, Level::Ok));
    let case = &cron.cases[0];
    assert_eq!(
        (case.id.as_str(), case.start.0, case.clients),
        ("12c/a", DAY + 290, 9),
        "its first id, its whole extent"
    );
    assert_eq!(cron.run(300 * MINUTE, &[incident(290, Some(1000), "/a", 9)]), [], "and never again");
}

#[test]
fn two_faults_at_once_are_two_cases() {
    let mut cron = Cron::new();
    let both = [incident(300, None, "/a", 6), incident(310, None, "/b", 7)];
    assert_eq!(cron.run(11 * MINUTE, &both), [Event::Opened, Event::Opened]);
    assert_eq!(cron.run(15 * MINUTE, &both), []);
}

/// What is seen for a few minutes may be tokens that end together.
#[test]
fn what_has_just_begun_opens_when_it_goes_on() {
    let mut cron = Cron::new();
    assert_eq!(cron.run(5 * MINUTE, &[incident(100, None, "/a", 6)]), []);
    assert_eq!((cron.cases[0].phase, cron.level()), (Phase::Suspected, Level::Warning));
    assert_eq!(cron.run(10 * MINUTE, &[incident(100, None, "/a", 6)]), [], "nothing more was refused");
    assert_eq!(cron.run(15 * MINUTE, &[incident(100, None, "/a", 20)]), [Event::Opened]);
    assert_eq!(cron.level(), Level::Critical);

    let mut cron = Cron::new();
    assert_eq!(cron.run(5 * MINUTE, &[incident(100, Some(200), "/a", 6)]), []);
    assert_eq!(cron.run(25 * MINUTE, &[incident(100, Some(200), "/a", 6)]), [Event::Missed], "it is over and was one");

    let mut cron = Cron::new();
    cron.run(5 * MINUTE, &[incident(100, None, "/a", 6)]);
    let wave = Incident { verdict: Verdict::ClientSide, ..incident(100, None, "/a", 30) };
    assert_eq!(cron.run(10 * MINUTE, &[wave]), [], "more of the log shows what it is");
    assert_eq!((cron.cases[0].phase, cron.level()), (Phase::Resolved, Level::Ok));

    let mut cron = Cron::new();
    cron.run(5 * MINUTE, &[incident(100, None, "/a", 6)]);
    cron.run(10 * MINUTE, &[]);
    assert_eq!(cron.run(40 * MINUTE, &[]), [], "what was not told is not taken back");
    assert_eq!(cron.level(), Level::Ok);
}

#[test]
fn what_flaps_is_one_case_and_is_quiet_for_longer_each_time() {
    let mut cron = Cron::new();
    cron.run(10 * MINUTE, &[incident(300, None, "/a", 6)]);
    assert_eq!(cron.run(40 * MINUTE, &[incident(300, Some(700), "/a", 6)]), [Event::Resolved]);
    assert_eq!(cron.run(55 * MINUTE, &[incident(300, None, "/a", 80)]), [], "it may be a straggler");
    assert_eq!(cron.run(60 * MINUTE, &[incident(300, None, "/a", 110)]), [Event::Reopened]);
    assert_eq!(cron.run(82 * MINUTE, &[incident(300, Some(3900), "/a", 8)]), [], "17 minutes are not enough now");
    assert_eq!(cron.run(100 * MINUTE, &[incident(300, Some(3900), "/a", 8)]), [Event::Resolved]);
    assert_eq!(cron.cases.len(), 1);
    let later = [incident(300, Some(3900), "/a", 8), incident(6 * HOUR, None, "/a", 6)];
    assert_eq!(cron.run(6 * HOUR + 300, &later), [Event::Opened], "much later it is another");
    assert_eq!(cron.cases.len(), 2);
}

#[test]
fn it_is_told_when_it_grows_threefold_and_as_a_reminder() {
    let mut cron = Cron::new();
    cron.run(10 * MINUTE, &[incident(300, None, "/a", 10)]);
    assert_eq!(cron.run(15 * MINUTE, &[incident(300, None, "/a", 29)]), []);
    assert_eq!(cron.run(20 * MINUTE, &[incident(300, None, "/a", 30)]), [Event::Worsened]);
    assert_eq!(cron.run(25 * MINUTE, &[incident(300, None, "/a", 31)]), []);
    assert_eq!(cron.run(20 * MINUTE + 4 * HOUR, &[incident(300, None, "/a", 31)]), [Event::Reminder]);
    let waited = wait(cron.cases, Time(DAY + 20 * MINUTE + 8 * HOUR), &cron.rules);
    assert_eq!(waited.news, [(Event::Reminder, 0)], "also while the log says nothing new");
}

#[test]
fn a_suspicion_opens_when_it_becomes_sure() {
    let mut cron = Cron::new();
    let unsure = Incident { confidence: 0.6, ..incident(300, None, "/a", 5) };
    assert_eq!(cron.run(10 * MINUTE, std::slice::from_ref(&unsure)), [Event::Suspected]);
    assert_eq!(cron.level(), Level::Warning);
    assert_eq!(cron.run(15 * MINUTE, &[unsure]), []);
    assert_eq!(cron.run(20 * MINUTE, &[incident(300, None, "/a", 40)]), [Event::Opened]);
    assert_eq!(cron.level(), Level::Critical);
}

#[test]
fn what_came_and_went_between_two_runs_is_told_once() {
    let mut cron = Cron::new();
    assert_eq!(cron.run(3 * HOUR, &[incident(600, Some(4000), "/a", 6)]), [Event::Missed]);
    assert_eq!(cron.run(3 * HOUR + 300, &[incident(600, Some(4000), "/a", 6)]), []);
    assert_eq!(cron.level(), Level::Ok);
    let more = [incident(300, Some(4000), "/a", 18)];
    assert_eq!(cron.run(6 * HOUR, &more), [Event::Missed], "it was three times as large");
    assert_eq!(cron.run(7 * HOUR, &more), []);
}

#[test]
fn the_first_run_does_not_tell_old_stories() {
    let mut cron = Cron { cases: vec![], last: None, rules: Rules::default() };
    let told = cron.run(9 * HOUR, &[incident(600, Some(4000), "/a", 6), incident(8 * HOUR, None, "/b", 9)]);
    assert_eq!(told, [Event::Opened]);
    assert_eq!(cron.cases.len(), 2, "but it remembers them");
}

#[test]
fn what_is_taken_back_is_told_after_a_while() {
    let mut cron = Cron::new();
    cron.run(10 * MINUTE, &[incident(300, None, "/a", 6)]);
    assert_eq!(cron.run(15 * MINUTE, &[]), []);
    assert_eq!(cron.run(20 * MINUTE, &[incident(300, None, "/a", 6)]), [], "it came back, and nobody heard");
    assert_eq!(cron.run(25 * MINUTE, &[]), []);
    assert_eq!(cron.run(45 * MINUTE, &[]), [Event::Withdrawn]);
    assert!(cron.cases[0].headline().ends_with("(more of the log shows no fault)"));
}

/// Detection may change its mind about a wave that goes on: nobody is told that it is over before it is.
#[test]
fn what_is_called_otherwise_is_over_when_that_is() {
    let mut cron = Cron::new();
    cron.run(10 * MINUTE, &[incident(300, None, "/a", 6)]);
    let wave = |end| Incident { verdict: Verdict::ClientSide, cause: "relogin_wave", ..incident(300, end, "/a", 7) };
    for minute in [15, 40, 90] {
        assert_eq!(cron.run(minute * MINUTE, &[wave(None)]), []);
        assert_eq!(cron.level(), Level::Critical);
    }
    assert_eq!(cron.run(120 * MINUTE, &[wave(Some(92 * MINUTE))]), [Event::Resolved]);
    let case = &cron.cases[0];
    assert_eq!((cron.cases.len(), case.cause.as_str(), case.account.headline.as_str()), (1, "deny_rule", "deny_rule"));
    assert!(
        case.headline().ends_with(" over at 01:32 (a later look takes it for relogin_wave)"),
        "{}",
        case.headline()
    );
}

/// What somebody was woken for does not shrink in the history.
#[test]
fn a_case_is_remembered_as_it_was_told_at_its_worst() {
    let mut cron = Cron::new();
    cron.run(10 * MINUTE, &[incident(300, None, "/a", 20)]);
    let said = |cron: &Cron| {
        let case = &cron.cases[0];
        (case.account.headline.clone(), case.scope.path_prefix[0].clone(), case.confidence)
    };
    let told = |path: &str, confidence| ("deny_rule".to_owned(), path.to_owned(), confidence);
    let of =
        |cause, path, clients, confidence, end| Incident { cause, confidence, ..incident(300, end, path, clients) };
    cron.run(15 * MINUTE, &[of("unknown", "/a/b", 4, 0.9, None)]);
    assert_eq!(said(&cron), told("/a", 0.95), "fewer");
    cron.run(20 * MINUTE, &[of("unknown", "/", 90, 0.6, None)]);
    assert_eq!(said(&cron), told("/a", 0.95), "more, but it may be none");
    assert_eq!((cron.cases[0].phase, cron.cases[0].clients), (Phase::Ongoing, 20));
    cron.run(25 * MINUTE, &[of("deny_rule", "/a/c", 30, 0.99, None)]);
    assert_eq!(said(&cron), told("/a/c", 0.99), "surer");
    cron.run(30 * MINUTE, &[of("deny_rule", "/", 95, 0.9, Some(1700))]);
    assert_eq!(said(&cron), told("/", 0.9), "more");
    assert_eq!(cron.run(50 * MINUTE, &[of("unknown", "/a", 5, 0.85, Some(1700))]), [Event::Resolved]);
    assert_eq!(said(&cron), told("/", 0.9));
    cron.run(90 * MINUTE, &[of("unknown", "/a", 5, 0.85, Some(1700))]);
    assert_eq!(said(&cron), told("/", 0.9), "in the history too");
}

#[test]
fn two_cases_that_turn_out_to_be_one_become_one() {
    let mut cron = Cron::new();
    cron.run(11 * MINUTE, &[incident(300, None, "/a", 6), incident(310, None, "/b", 7)]);
    let wide = Incident { scope: Scope::default(), ..incident(300, None, "", 13) };
    assert_eq!(cron.run(15 * MINUTE, &[wide]), [Event::Withdrawn]);
    let live: Vec<&Case> = cron.cases.iter().filter(|case| case.is_live()).collect();
    assert_eq!(live.len(), 1);
}

#[test]
fn of_an_attack_only_its_beginning_is_told() {
    let mut cron = Cron::new();
    let attack = |end| Incident { verdict: Verdict::Attack, cause: "scanner", ..incident(300, end, "/", 1) };
    assert_eq!(cron.run(10 * MINUTE, &[attack(None)]), [Event::Opened]);
    assert_eq!(cron.level(), Level::Warning);
    assert_eq!(cron.run(5 * HOUR, &[attack(None)]), []);
    assert_eq!(cron.run(6 * HOUR, &[attack(Some(5 * HOUR))]), []);
    assert_eq!(cron.level(), Level::Ok);
    cron.rules.attacks = false;
    assert_eq!(cron.run(9 * HOUR, &[incident(300, Some(400), "/x", 1)]), []);
}
