//! Telling somebody. Owns the ways to do it, their limits of time and number of tries, and that no secret shows.
//!
//! Some channels are *told* of events, one message each; others are *shown* how things stand after each run. To add
//! one: a file that exports a `KIND`, and an entry in [`KINDS`].

mod alertmanager;
mod exec;
mod http;
mod mail;
mod program;
mod slack;
mod smtp;
mod textfile;
mod webhook;

use crate::model::{
    blindness::{Blindness, Sight},
    case::{Case, Level, News},
    time::Time,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// The name of the shape of a [`Message`]. Adding a key keeps it.
const SCHEMA: &str = "authfault-alert/1";

/// One thing to say, as programs get it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The name of this shape.
    pub schema: String,
    /// What happened: `suspected`, `opened`, `worsened`, `reminder`, `resolved`, `reopened`, `missed`, `withdrawn`.
    pub event: String,
    /// `WARNING`, `CRITICAL`, or `UNKNOWN` where checks cannot tell how things stand.
    pub level: String,
    /// The case, the same from its first message to its last; `blind-…` where it is that checks cannot tell.
    pub id: String,
    /// Fit as a mail's subject: one line of text in which nothing acts.
    pub subject: String,
    /// For people.
    pub text: String,
    /// When it was told, RFC 3339; empty in messages of older versions.
    #[serde(default)]
    pub told: String,
    /// RFC 3339.
    pub start: String,
    /// RFC 3339; null while it is on.
    pub end: Option<String>,
    /// Distinct clients hit so far.
    pub clients: u64,
    /// Requests refused so far.
    pub requests: u64,
    /// The incident as in `authfault-report/1`; null where there is none.
    pub incident: serde_json::Value,
}

impl Message {
    /// What there is to say of news.
    #[must_use]
    pub fn new(news: &News) -> Self {
        let case = &news.case;
        Self {
            schema: SCHEMA.to_owned(),
            event: news.event.id().to_owned(),
            level: news.level().id().to_owned(),
            id: case.id.clone(),
            subject: subject(news),
            text: text(case),
            told: case.told_at.map(Time::rfc3339).unwrap_or_default(),
            start: case.start.rfc3339(),
            end: case.end.map(Time::rfc3339),
            clients: case.clients,
            requests: case.requests,
            incident: incident(case),
        }
    }

    /// What there is to say of being blind.
    #[must_use]
    pub fn of_sight(sight: &Sight) -> Self {
        let Sight { event, blindness } = sight;
        let level = if event.is_last() { Level::Ok } else { Level::Unknown };
        let does_see = if event.is_last() { "checks can tell again; " } else { "" };
        Self {
            schema: SCHEMA.to_owned(),
            event: event.id().to_owned(),
            level: Level::Unknown.id().to_owned(),
            id: blindness.id.clone(),
            subject: format!("{} {}: {does_see}{}", level.id(), event.id(), blindness.headline()),
            text: blind_text(blindness),
            told: blindness.told_at.map(Time::rfc3339).unwrap_or_default(),
            start: blindness.start.rfc3339(),
            end: blindness.end.map(Time::rfc3339),
            clients: 0,
            requests: 0,
            incident: serde_json::Value::Null,
        }
    }

    /// As it is kept until it is delivered.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The incident of a case as in a JSON report. The account may be of a time when it was on; where it is over, that is
/// in it.
#[must_use]
pub fn incident(case: &Case) -> serde_json::Value {
    let mut incident: serde_json::Value = serde_json::from_str(&case.account.json).unwrap_or_default();
    if let (Some(end), Some(fields)) = (case.end, incident.as_object_mut()) {
        fields.insert("end".to_owned(), end.rfc3339().into());
        fields.insert("state".to_owned(), "ended".into());
    }
    incident
}

/// The incidents as in a JSON report, each with where it stands, then times of being blind, which have none; an array.
#[must_use]
pub fn listed(cases: &[Case], blind: &[Blindness]) -> String {
    let time = |time: Option<Time>| time.map_or("null".to_owned(), |time| format!("\"{}\"", time.rfc3339()));
    let cases = cases.iter().map(|case| {
        format!(
            "{{\"id\":\"{}\",\"phase\":\"{}\",\"start\":{},\"end\":{},\"clients\":{},\"requests\":{},\"remark\":\"{}\",\"incident\":{}}}",
            case.id,
            case.phase.id(),
            time(Some(case.start)),
            time(case.end),
            case.clients,
            case.requests,
            case.remark,
            incident(case)
        )
    });
    let blind = blind.iter().map(|it| {
        format!(
            "{{\"id\":\"{}\",\"phase\":\"{}\",\"start\":{},\"end\":{},\"clients\":0,\"requests\":0,\"remark\":{},\"incident\":null}}",
            it.id,
            it.phase(),
            time(Some(it.start)),
            time(it.end),
            serde_json::Value::from(it.troubles.as_str()),
        )
    });
    format!("[{}]\n", cases.chain(blind).collect::<Vec<_>>().join(",\n "))
}

/// The account of a case, which says so where it is of a time when the case was on.
fn text(case: &Case) -> String {
    let was_on =
        || serde_json::from_str(&case.account.json).is_ok_and(|it: serde_json::Value| it["state"] == "ongoing");
    match case.end {
        Some(end) if was_on() => {
            format!("Over at {} UTC. This is how it looked before:\n\n{}", end.minute(), case.account.text)
        }
        _ => case.account.text.clone(),
    }
}

/// What is wrong, or was, and what that means.
fn blind_text(blindness: &Blindness) -> String {
    let troubles: String = blindness.troubles.lines().map(|trouble| format!("  {trouble}\n")).collect();
    match blindness.end {
        None => format!(
            "Since {} UTC checks cannot tell how things stand.\n\n{troubles}\n\
             While that is so, nobody is told of a fault that shows in these logs alone.",
            blindness.start.minute()
        ),
        Some(end) => format!(
            "From {} to {} UTC checks could not tell how things stood.\n\n{troubles}",
            blindness.start.minute(),
            end.minute()
        ),
    }
}

/// `CRITICAL opened: 32 clients refused (403) on /api/v2 since 2026-03-10 13:06 UTC`, one line.
fn subject(news: &News) -> String {
    let case = &news.case;
    let level = if news.event.is_last() { Level::Ok.id() } else { news.level().id() };
    let totals = match (news.event.is_last(), case.end) {
        (true, Some(end)) => {
            format!(" (in all {} clients, {} requests, until {} UTC)", case.clients, case.requests, end.minute())
        }
        _ => String::new(),
    };
    format!("{level} {}: {}{totals}", news.event.id(), case.headline())
}

/// How things stand after a run.
#[derive(Clone, Debug)]
pub struct Standing<'r> {
    /// In a word.
    pub level: Level,
    /// Cases that are not over.
    pub live: Vec<&'r Case>,
    /// Cases that ended with this run.
    pub ended: Vec<&'r Case>,
    /// That checks cannot tell how things stand, where that was told, until the run that can again.
    pub blindness: Option<&'r Blindness>,
    /// Whether the state could not be used, so that nothing is known of cases.
    pub is_broken: bool,
    /// By the clock.
    pub now: Time,
    /// Numbers by name; those that end in `_total` only grow.
    pub figures: Vec<(&'static str, &'static str, f64)>,
}

/// Why a message did not arrive. Never holds an address or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

/// Said where the other side is not who it should be.
const UNTRUSTED: &str = "no secure connection: its certificate was not accepted";

/// A way to tell.
pub trait Channel {
    /// Delivers one message.
    ///
    /// # Errors
    /// It did not arrive, in words.
    fn tell(&self, _message: &Message) -> Result<(), Failure> {
        Ok(())
    }

    /// Shows how things stand.
    ///
    /// # Errors
    /// It did not arrive, in words.
    fn show(&self, _standing: &Standing<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether it is told of events, and not shown how things stand.
    fn is_told(&self) -> bool {
        true
    }
}

/// A kind of channel.
#[derive(Clone, Copy)]
pub struct Kind {
    /// As `type` in the configuration.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Makes one of its settings; what is missing or of no use there is an error in words.
    make: Make,
}

type Make = fn(&Settings, &Secrets<'_>) -> Result<Box<dyn Channel>, String>;

/// All of them.
pub const KINDS: &[Kind] =
    &[exec::KIND, webhook::KIND, slack::KIND, alertmanager::KIND, mail::KIND, smtp::KIND, textfile::KIND];

/// A `[[notify]]` table of the configuration. Which keys mean something depends on the type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// One of [`KINDS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// How it is called in messages about it; its type where none is given. Two may not have the same.
    pub name: Option<String>,
    /// The least level that it is told of: `warning` or `critical`.
    pub level: Option<String>,
    /// Seconds until a try is given up.
    pub timeout_secs: Option<u64>,
    /// Tries in one run.
    pub attempts: Option<u32>,
    /// Where to send.
    pub url: Option<String>,
    /// A file that holds the same.
    pub url_file: Option<PathBuf>,
    /// An environment variable that holds the same.
    pub url_env: Option<String>,
    /// A file with a bearer token, or a mail account's password.
    pub token_file: Option<PathBuf>,
    /// An environment variable with the same.
    pub token_env: Option<String>,
    /// A mail account.
    pub user: Option<String>,
    /// A file with the certificates of whoever vouches for the server; those that browsers know where none is given.
    pub ca_file: Option<PathBuf>,
    /// A body with `{subject}`, `{text}`, `{event}`, `{level}`, `{id}`, `{start}` in it, each as the inside of a JSON
    /// string.
    pub template: Option<String>,
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// Whom a mail goes to.
    pub to: Option<Vec<String>>,
    /// Whom it comes from.
    pub from: Option<String>,
    /// The program that takes mail.
    pub sendmail: Option<PathBuf>,
    /// The file to write.
    pub file: Option<PathBuf>,
    /// More labels of an alert.
    pub labels: Option<BTreeMap<String, String>>,
    /// Seconds after which an alert ends that is not shown again.
    pub ends_after_secs: Option<u32>,
}

/// Where secrets are found: the environment, as the program's main file reads it.
pub type Secrets<'s> = dyn Fn(&str) -> Option<String> + 's;

/// A channel of the configuration, ready.
pub struct Configured {
    /// Its name.
    pub name: String,
    /// The least level that it is told of.
    pub level: Level,
    attempts: u32,
    channel: Box<dyn Channel>,
}

impl Configured {
    /// Makes a channel of its settings.
    ///
    /// # Errors
    /// What is missing, or of no use there, in words that name the channel.
    pub fn new(settings: &Settings, secrets: &Secrets<'_>) -> Result<Self, String> {
        let name = settings.name.clone().unwrap_or_else(|| settings.kind.clone());
        let known = || KINDS.iter().map(|kind| kind.id).collect::<Vec<_>>().join(", ");
        let kind = KINDS.iter().find(|kind| kind.id == settings.kind);
        let kind =
            kind.ok_or_else(|| format!("notify: no type is called `{}`; known are {}", settings.kind, known()))?;
        let level = match settings.level.as_deref() {
            None | Some("critical") => Level::Critical,
            Some("warning") => Level::Warning,
            Some(other) => return Err(format!("{name}: expected level warning or critical, found `{other}`")),
        };
        let channel = (kind.make)(settings, secrets).map_err(|problem| format!("{name}: {problem}"))?;
        Ok(Self { name, level, attempts: settings.attempts.unwrap_or(3).clamp(1, 10), channel })
    }

    /// Whether it is told of events.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.channel.is_told()
    }

    /// Delivers a message, trying again after a pause that grows.
    ///
    /// # Errors
    /// It did not arrive.
    pub fn tell(&self, message: &Message) -> Result<(), Failure> {
        self.try_often(|| self.channel.tell(message))
    }

    /// Shows how things stand, trying again after a pause that grows.
    ///
    /// # Errors
    /// It did not arrive.
    pub fn show(&self, standing: &Standing<'_>) -> Result<(), Failure> {
        self.try_often(|| self.channel.show(standing))
    }

    fn try_often(&self, attempt: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
        const PAUSE: Duration = Duration::from_millis(200);
        let mut outcome = attempt();
        for pause in 0..self.attempts - 1 {
            if outcome.is_ok() {
                break;
            }
            std::thread::sleep(PAUSE * 2_u32.pow(pause));
            outcome = attempt();
        }
        outcome
    }
}

impl Settings {
    /// How long a try may take.
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs.unwrap_or(10).clamp(1, 300))
    }
}

/// A secret given directly, by file or by environment variable; the first that is given counts.
fn secret(
    what: &str,
    direct: Option<&String>,
    file: Option<&PathBuf>,
    variable: Option<&String>,
    secrets: &Secrets<'_>,
) -> Result<Option<String>, String> {
    if let Some(direct) = direct {
        return Ok(Some(direct.clone()));
    }
    if let Some(path) = file {
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("{}: cannot read the {what}: {e}", path.display()))?;
        return Ok(Some(text.trim().to_owned()));
    }
    let Some(variable) = variable else { return Ok(None) };
    let found = secrets(variable).ok_or_else(|| format!("the {what} should be in {variable}, which is not set"))?;
    Ok(Some(found.trim().to_owned()))
}

#[cfg(test)]
mod tests;
