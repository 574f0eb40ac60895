//! What leaves the program, and that nothing in it acts.

use super::*;
use crate::model::{
    case::{Account, Event, Phase},
    incident::{Scope, Verdict},
};

fn case() -> Case {
    Case {
        id: "0123456789ab".to_owned(),
        verdict: Verdict::ServerSide,
        status: 403,
        cause: "deny_rule".to_owned(),
        scope: Scope::default(),
        phase: Phase::Ongoing,
        confidence: 0.9,
        start: Time(1_773_138_052),
        end: None,
        clients: 32,
        requests: 99,
        returns: 0,
        missing_since: None,
        told_at: None,
        told_clients: 0,
        account: Account {
            headline: "SERVER-SIDE FAULT: 32 clients refused (403) on /<!channel>".to_owned(),
            text: "``` {id} <b>\"quoted\"</b>\nsecond line".to_owned(),
            json: r#"{"id": "0123456789ab", "state": "ongoing", "end": null}"#.to_owned(),
        },
        remark: String::new(),
    }
}

fn message() -> Message {
    Message::new(&News { event: Event::Opened, case: case() })
}

#[test]
fn a_message_survives_being_kept() {
    assert_eq!(Message::from_json(&message().to_json()), Some(message()));
    let refused = "SERVER-SIDE FAULT: 32 clients refused (403) on /<!channel> since 2026-03-10 10:20 UTC";
    assert_eq!(message().subject, format!("CRITICAL opened: {refused}, still on"));
    let over = Case { end: Some(Time(1_773_138_652)), ..case() };
    let over = Message::new(&News { event: Event::Resolved, case: over });
    let totals = "in all 32 clients, 99 requests, until 2026-03-10 10:30 UTC";
    assert_eq!(over.subject, format!("OK resolved: {refused}, over at 10:30 ({totals})"));
    assert!(over.text.starts_with("Over at 2026-03-10 10:30 UTC. This is how it looked before:\n\n"), "{}", over.text);
    assert_eq!((&over.incident["state"], &over.incident["end"]), (&"ended".into(), &"2026-03-10T10:30:52Z".into()));
}

#[test]
fn a_template_is_filled_once_and_stays_json() {
    let json = webhook::filled(r#"{"a": "{subject}", "b": "{text}", "c": "{id}", "d": {}}"#, &message());
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["b"], "``` {id} <b>\"quoted\"</b>\nsecond line");
    assert_eq!(value["c"], "0123456789ab");
}

#[test]
fn slack_markup_in_a_path_does_nothing() {
    let text = slack::text(&message());
    assert!(!text.contains("<!channel>") && text.contains("&lt;!channel&gt;"), "{text}");
    assert_eq!(text.matches("```").count(), 2, "{text}");
}

#[test]
fn a_subject_is_one_header_whatever_is_in_it() {
    assert_eq!(mail::encoded("CRITICAL opened: 3 clients"), "CRITICAL opened: 3 clients");
    let words = mail::encoded(&"/caf\u{e9} ".repeat(30));
    assert!(words.lines().all(|line| line.trim_start().len() <= 75 && line.is_ascii()), "{words}");
    assert!(words.lines().skip(1).all(|line| line.starts_with(' ')), "{words}");
    assert!(!mail::encoded("a\nBcc: x").contains('\n'));
}

#[test]
fn figures_have_no_label_of_a_stranger() {
    let case = case();
    let standing = Standing {
        level: Level::Critical,
        live: vec![&case],
        ended: vec![],
        blindness: None,
        is_broken: false,
        now: Time(1_773_138_100),
        figures: vec![("lines_total", "Lines read.", 12.0)],
    };
    let text = textfile::text(&standing);
    assert!(text.contains("authfault_incidents{level=\"critical\"} 1\n"), "{text}");
    assert!(text.contains("# TYPE authfault_lines_total counter\nauthfault_lines_total 12\n"), "{text}");
    assert!(!text.contains("channel") && !text.contains("0123"), "{text}");
}

#[test]
fn settings_that_make_no_channel_say_why() {
    let none = |_: &str| None;
    let made = |toml: &str| {
        let settings: Settings = toml::from_str(toml).unwrap();
        Configured::new(&settings, &none).err().unwrap_or_default()
    };
    assert!(made("type = 'pigeon'").contains("known are exec, webhook"), "{}", made("type = 'pigeon'"));
    assert_eq!(made("type = 'slack'"), "slack: expected url, url_file or url_env");
    assert_eq!(
        made("type = 'slack'\nname = 'x'\nurl_env = 'NOT_SET'"),
        "x: the url should be in NOT_SET, which is not set"
    );
    assert!(made("type = 'mail'\nto = [\"a\\nBcc: b\"]").contains("control characters"));
    assert!(made("type = 'textfile'\nfile = '/tmp/x.txt'").contains(".prom"));
    assert!(made("type = 'exec'\ncommand = ['true']\nlevel = 'loud'").contains("warning or critical"));
    assert_eq!(made("type = 'exec'\ncommand = ['true']"), "");
}

#[test]
fn a_program_is_told_and_not_waited_for_too_long() {
    let told = program::run(&["sh".into(), "-c".into(), "grep -q opened".into()], b"opened", Duration::from_secs(5));
    assert_eq!(told, Ok(()));
    let failed = program::run(&["sh".into(), "-c".into(), "exit 3".into()], b"", Duration::from_secs(5));
    assert_eq!(failed, Err(Failure("it ended with status 3".to_owned())));
    let slow = program::run(&["sleep".into(), "60".into()], b"", Duration::from_secs(1));
    assert_eq!(slow, Err(Failure("it did not end within 1 s".to_owned())));
    let absent = program::run(&["/nonexistent/program".into()], b"", Duration::from_secs(1));
    assert!(absent.is_err());
}
