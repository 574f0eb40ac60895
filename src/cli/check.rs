//! What may be said to `check`, `status` and `history`, and what it means together with the configuration file.

use super::{AnalyzeArgs, CLIENTS, Config, Texts, WINDOW_SECS, When, span};
use crate::{
    cases::Rules,
    model::time::Time,
    notify::Settings,
    parse,
    pipeline::{Ask, Keep, Looks, Plan},
};
use clap::Args;
use std::path::PathBuf;

/// Options of check: those of analyze that choose what is read, and its own.
#[derive(Debug, Args)]
#[command(mut_args = hide_what_check_has_not)]
pub struct CheckArgs {
    /// A TOML file with the logs to follow, their format, when to speak, and the channels to notify
    #[arg(long, value_name = "FILE", env = "AUTHFAULT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the state is kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// A log without a new line for so long is stale (UNKNOWN); 0s for never [default: 15m]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_STALE_AFTER", value_parser = span::span)]
    pub stale_after: Option<u32>,
    /// Remember at most so much; a request takes some 13 bytes here, and 80 in memory during a run [default: 128M]
    #[arg(long, value_name = "SIZE", env = "AUTHFAULT_KEEP_SIZE", value_parser = span::size)]
    pub keep_size: Option<u64>,
    /// When to speak.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Print one line with performance data, always, as a monitoring plugin does
    #[arg(long, conflicts_with = "verbose")]
    pub nagios: bool,
    /// Print how things stand even if nothing changed
    #[arg(short, long)]
    pub verbose: bool,
    /// Change nothing and tell nobody: print what would be told to whom
    #[arg(long)]
    pub dry_run: bool,
    /// Wait so long for another run that is still at work
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span::span)]
    pub wait: u32,
    /// The clock, for trying things out: RFC 3339
    #[arg(long, value_name = "TIME", env = "AUTHFAULT_NOW", hide = true, value_parser = instant)]
    pub now: Option<Time>,
    /// What is read.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// When to speak, and what is remembered for it.
#[derive(Clone, Debug, Args)]
pub struct RuleArgs {
    /// Speak again of what is still on after so long; 0s for never [default: 4h]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_REMIND", value_parser = span::span)]
    pub remind: Option<u32>,
    /// What comes back within so long is the same incident [default: 2h]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_REOPEN_WITHIN", value_parser = span::span)]
    pub reopen_within: Option<u32>,
    /// A fault is over when nothing was refused for so long [default: 15m]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_RESOLVE_AFTER", value_parser = span::span)]
    pub resolve_after: Option<u32>,
    /// Below this confidence a fault is only suspected [default: 0.8]
    #[arg(long, value_name = "0..1", env = "AUTHFAULT_CONFIDENCE")]
    pub confidence: Option<f64>,
    /// Remember requests for so long, as what is usual [default: 14d]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_KEEP", value_parser = span::span)]
    pub keep: Option<u32>,
    /// Look at all that is remembered after so long at least; before that only where something is on, or where more is
    /// refused than usual; 0s for each run [default: 1h]
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_LOOK_EVERY", value_parser = span::span)]
    pub look_every: Option<u32>,
    /// Look in each run while fewer requests than this are remembered: that is quickly done [default: 50000]
    #[arg(long, value_name = "N", env = "AUTHFAULT_LOOK_BELOW")]
    pub look_below: Option<u64>,
    /// Say nothing of attacks
    #[arg(long)]
    pub ignore_attacks: bool,
}

/// Options of backtest: those of analyze that choose what is read, and those of check that say when to speak.
#[derive(Debug, Args)]
#[command(mut_args = hide_what_backtest_has_not)]
pub struct BacktestArgs {
    /// How far the checks are apart
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = span::window)]
    pub alert_every: u32,
    /// When to speak.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// What is read.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// Where the state is.
#[derive(Clone, Debug, Args)]
pub struct StateArgs {
    /// The folder of the state [default: $STATE_DIRECTORY, /var/lib/authfault or ~/.local/state/authfault]
    #[arg(long = "state", value_name = "DIR", env = "AUTHFAULT_STATE")]
    pub folder: Option<PathBuf>,
    /// Print JSON (status and history)
    #[arg(long)]
    pub json: bool,
}

/// A report of one reading has these; a check has not.
const NOT_OF_CHECKS: [&str; 10] =
    ["geoip", "since", "until", "output", "incident", "exit_code", "quiet", "no_progress", "color", "json"];

fn hide_what_check_has_not(arg: clap::Arg) -> clap::Arg {
    let is_hidden = arg.is_hide_set() || NOT_OF_CHECKS.contains(&arg.get_id().as_str());
    arg.hide(is_hidden)
}

fn instant(text: &str) -> Result<Time, String> {
    parse::iso8601(text.as_bytes()).map_err(|_| "expected RFC 3339, such as 2026-03-10T11:20:00Z".to_owned())
}

/// A check as the flags, the environment and the file have it together.
#[derive(Debug)]
pub struct Watch {
    /// What the run is to do; its clock is still to be set.
    pub ask: Ask,
    /// How the report is written, where one is wanted.
    pub reporting: AnalyzeArgs,
    /// The folder of the state, where one is named.
    pub state: Option<PathBuf>,
    /// Whom to tell.
    pub channels: Vec<Settings>,
}

impl CheckArgs {
    /// Flags and environment (clap has put these together) over the file over what is usual.
    ///
    /// # Errors
    /// An option that a check has not, or a value that is none.
    pub fn watch(&self, config: Config, cores: usize, texts: Texts) -> Result<Watch, String> {
        let mut reading = self.analyze.clone();
        let has_none = |what: &str| Err(format!("a check has no {what}; `authfault analyze` has"));
        match &reading {
            args if args.since.is_some() || args.until.is_some() => return has_none("--since and --until"),
            args if args.incident.is_some() => return has_none("--incident"),
            args if args.exit_code => return has_none("--exit-code"),
            args if !args.geoip.is_empty() => return has_none("--geoip"),
            args if args.output.id != "terminal" => return has_none("--output (it has -o FILE)"),
            args if args.quiet || args.no_progress => return has_none("--quiet and --no-progress"),
            args if args.color != When::Auto => return has_none("--color"),
            args if self.state.json || args.paths.iter().any(|path| path.as_os_str() == "-") => {
                return Err("a check follows files, and tells of them in words".to_owned());
            }
            _ => {}
        }
        config.fill(&mut reading)?;
        let keep_size = self.keep_size.map(Ok).or_else(|| config.keep_size.as_deref().map(span::size));
        let keep_size = keep_size.unwrap_or(Ok(Keep::default().bytes))?;
        let (rules, keep, looks) = self.rules.put_together(&config)?;
        let ask = Ask {
            paths: reading.paths.clone(),
            error_logs: reading.error_logs.clone(),
            reading: reading.options(cores, texts)?,
            rules,
            keep: Keep { bytes: keep_size, ..keep },
            looks,
            stale_after_secs: either(self.stale_after, config.stale_after.as_deref(), STALE_AFTER_SECS)?,
            now: Time(0),
            wants_report: !reading.files.is_empty(),
            is_dry_run: self.dry_run,
        };
        let state = self.state.folder.clone().or(config.state);
        Ok(Watch { ask, reporting: reading, state, channels: config.notify })
    }
}

/// The flag, or the file, or what is usual.
fn either(flag: Option<u32>, file: Option<&str>, usual: u32) -> Result<u32, String> {
    flag.map_or_else(|| file.map_or(Ok(usual), span::span), Ok)
}

impl RuleArgs {
    fn put_together(&self, file: &Config) -> Result<(Rules, Keep, Looks), String> {
        let (rules, keep, looks) = (Rules::default(), Keep::default(), Looks::default());
        let confidence = self.confidence.or(file.confidence).unwrap_or(rules.confidence);
        if !(0.0..=1.0).contains(&confidence) {
            return Err(format!("expected a confidence from 0 to 1, found {confidence}"));
        }
        let secs = either(self.keep, file.keep.as_deref(), keep.secs)?;
        let rules = Rules {
            confidence,
            reopen_within_secs: either(self.reopen_within, file.reopen_within.as_deref(), rules.reopen_within_secs)?,
            remind_secs: either(self.remind, file.remind.as_deref(), rules.remind_secs)?,
            resolve_after_secs: either(self.resolve_after, file.resolve_after.as_deref(), rules.resolve_after_secs)?,
            attacks: !(self.ignore_attacks || file.ignore_attacks.unwrap_or(false)),
        };
        let every_secs = either(self.look_every, file.look_every.as_deref(), looks.every_secs)?;
        let always_below = self.look_below.or(file.look_below).unwrap_or(looks.always_below);
        Ok((rules, Keep { secs, ..keep }, Looks { every_secs, always_below }))
    }
}

/// A replay has these no more than a check, nor files to write, nor error logs.
const NOT_OF_BACKTESTS: [&str; 11] = [
    "files",
    "clients",
    "window",
    "error_logs",
    "error_log_tz",
    "anonymize",
    "no_anonymize",
    "anonymize_key_file",
    "ascii",
    "since",
    "until",
];

fn hide_what_backtest_has_not(arg: clap::Arg) -> clap::Arg {
    let is_shown = |id: &str| ["quiet", "no_progress"].contains(&id);
    let id = arg.get_id().as_str();
    let is_hidden = NOT_OF_BACKTESTS.contains(&id) || (NOT_OF_CHECKS.contains(&id) && !is_shown(id));
    arg.hide(is_hidden)
}

impl BacktestArgs {
    /// What is to be replayed, and how.
    ///
    /// # Errors
    /// An option that a replay has not, or a value that is none.
    pub fn plan(&self, cores: usize, texts: Texts) -> Result<Plan, String> {
        let args = &self.analyze;
        let has_none = |what: &str| Err(format!("a backtest has no {what}"));
        match args {
            _ if args.since.is_some() || args.until.is_some() => return has_none("--since and --until"),
            _ if !args.error_logs.is_empty() => return has_none("--error-log"),
            _ if !args.geoip.is_empty() => return has_none("--geoip"),
            _ if !args.files.is_empty() => return has_none("files to write (-o)"),
            _ if args.incident.is_some() || args.output.id != "terminal" => return has_none("--incident and --output"),
            _ if args.exit_code || args.ascii || args.color != When::Auto => {
                return has_none("--exit-code, --ascii and --color");
            }
            _ if (args.window, args.clients) != (WINDOW_SECS, CLIENTS) => return has_none("--window and --clients"),
            _ if args.anonymize || args.no_anonymize || args.anonymize_key_file.is_some() => {
                return has_none("--anonymize");
            }
            _ => {}
        }
        let (rules, keep, looks) = self.rules.put_together(&Config::default())?;
        let reading = args.options(cores, texts)?;
        let confidences = vec![0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
        Ok(Plan { reading, rules, keep, looks, every_secs: self.alert_every, confidences })
    }
}

const STALE_AFTER_SECS: u32 = 900;

impl Config {
    /// What the flags left open.
    fn fill(&self, args: &mut AnalyzeArgs) -> Result<(), String> {
        let fill_list = |list: &mut Vec<PathBuf>, file: &[PathBuf]| {
            if list.is_empty() {
                list.extend_from_slice(file);
            }
        };
        fill_list(&mut args.paths, &self.paths);
        fill_list(&mut args.error_logs, &self.error_logs);
        fill_list(&mut args.files, &self.reports);
        let reading = &mut args.reading;
        if reading.format.is_none() && reading.log_format.is_none() {
            (reading.format, reading.log_format) = (self.format.clone(), self.log_format.clone());
        }
        if args.routes.is_empty() {
            args.routes.clone_from(&self.routes);
        }
        if args.also_status.is_empty() {
            args.also_status.clone_from(&self.also_status);
        }
        if let (None, Some(text)) = (args.error_log_tz, &self.error_log_tz) {
            args.error_log_tz = Some(span::offset(text)?);
        }
        Ok(())
    }
}
