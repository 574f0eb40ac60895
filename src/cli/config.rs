//! The configuration file: the options of `check` under the same names, and the channels, which are only here. Owns how
//! the two are put together: flags beat the environment beats the file, and every option can stand in any of them.

use super::{CheckArgs, Cli, Command};
use crate::notify::Settings;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, Parser, parser::ValueSource};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};
use toml::{Spanned, Value};

/// The file, as it stands.
#[derive(Clone, Debug, Default)]
pub struct Config {
    path: PathBuf,
    /// Key, line and value.
    options: Vec<(String, usize, Value)>,
    /// Whom to tell.
    pub notify: Vec<Settings>,
}

const NOTIFY: &str = "notify";

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file; where, in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Channels {
            #[serde(default)]
            notify: Vec<Settings>,
        }
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: cannot read it: {error}"))?;
        let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        // The parser's message shows the line, but what it shows could be a secret beside the key that is wrong.
        let wrong = |error: toml::de::Error| {
            format!("{name}:{}: {}", error.span().map_or(0, |span| line(span.start)), error.message().trim_end())
        };
        let all: BTreeMap<Spanned<String>, Value> = toml::from_str(&text).map_err(wrong)?;
        let Channels { notify } = toml::from_str(&text).map_err(wrong)?;
        let options = all.into_iter().filter(|(key, _)| key.get_ref() != NOTIFY);
        let options = options.map(|(key, value)| (key.get_ref().clone(), line(key.span().start), value)).collect();
        Ok(Self { path: path.to_owned(), options, notify })
    }

    /// The options of a check as the command line, the environment and the file have them together.
    ///
    /// # Errors
    /// A key that is no option, or a value that it cannot have; where, in words.
    pub fn complete(&self, typed: Vec<OsString>) -> Result<CheckArgs, String> {
        let mut command = Cli::command();
        command.build();
        let failed = |error: clap::Error| format!("{}: {}", self.path.display(), in_a_line(&error));
        let given = command.clone().try_get_matches_from(&typed).map_err(failed)?;
        let (Some(check), Some(given)) = (command.find_subcommand("check"), given.subcommand_matches("check")) else {
            return Err("this is no check".to_owned());
        };
        let (mut flags, mut paths) = (Vec::new(), Vec::new());
        for (key, line, value) in &self.options {
            let at = format!("{}:{line}", self.path.display());
            let Some(arg) = check.get_arguments().find(|arg| key_of(arg).contains(key)) else {
                return Err(format!("{at}: unknown key `{key}`; the keys are the options of `authfault check --help`"));
            };
            if is_settled(arg, check, given) {
                continue;
            }
            let values = values(value).ok_or_else(|| format!("{at}: `{key}` has a value that no option has"))?;
            match (arg.get_action(), value) {
                (ArgAction::SetTrue, Value::Boolean(false)) => {}
                (ArgAction::SetTrue, Value::Boolean(true)) => flags.push(flag(arg, None)),
                (ArgAction::SetTrue, _) => return Err(format!("{at}: expected `{key}` to be true or false")),
                _ if arg.is_positional() => paths.extend(values.into_iter().map(OsString::from)),
                _ => flags.extend(values.iter().map(|value| flag(arg, Some(value)))),
            }
        }
        // The program and its subcommand, then the file's flags, then all that was typed, then the file's paths.
        let (head, rest) = typed.split_at(typed.len().min(2));
        let separator = (!paths.is_empty()).then(|| OsString::from("--"));
        let whole = head.iter().cloned().chain(flags).chain(rest.iter().cloned()).chain(separator).chain(paths);
        match Cli::try_parse_from(whole).map_err(failed)?.command {
            Some(Command::Check(args)) => Ok(args),
            _ => Err("this is no check".to_owned()),
        }
    }
}

/// Under which keys an option may stand: its own name; one that is repeatable also under the plural.
fn key_of(arg: &Arg) -> Vec<String> {
    let id = arg.get_id().as_str();
    match (arg.get_long(), id) {
        _ if arg.is_hide_set() => vec![],
        (Some("config" | "help"), _) => vec![],
        (Some(long), _) if matches!(arg.get_action(), ArgAction::Append) => vec![long.replace('-', "_"), id.to_owned()],
        (Some(long), _) => vec![long.replace('-', "_")],
        (None, "files") => vec!["reports".to_owned()],
        (None, _) => vec![id.to_owned()],
    }
}

/// Whether the command line or the environment has an option, or one that it excludes.
fn is_settled(arg: &Arg, check: &clap::Command, given: &ArgMatches) -> bool {
    let is_given = |arg: &Arg| {
        let source = given.value_source(arg.get_id().as_str());
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let excludes = |one: &Arg, other: &Arg| check.get_arg_conflicts_with(one).iter().any(|arg| arg == &other);
    let is_excluded = |other: &Arg| is_given(other) && (excludes(arg, other) || excludes(other, arg));
    is_given(arg) || check.get_arguments().any(is_excluded)
}

fn flag(arg: &Arg, value: Option<&str>) -> OsString {
    let value = |mark: &str| value.map(|value| format!("{mark}{value}")).unwrap_or_default();
    match (arg.get_long(), arg.get_short()) {
        (Some(long), _) => format!("--{long}{}", value("=")),
        (None, short) => format!("-{}{}", short.unwrap_or_default(), value("")),
    }
    .into()
}

/// As they would be typed.
fn values(value: &Value) -> Option<Vec<String>> {
    Some(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Boolean(yes) => vec![yes.to_string()],
        Value::Array(all) => all.iter().map(values).collect::<Option<Vec<_>>>()?.concat(),
        Value::Datetime(_) | Value::Table(_) => return None,
    })
}

/// What clap has to say, without its advice on usage.
fn in_a_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
