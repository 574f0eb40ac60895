//! What may be said to `check`, `status` and `history`, and what it means.

use super::{AnalyzeArgs, CLIENTS, Texts, WINDOW_SECS, When, span};
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
    /// A TOML file with any of these options (paths, reports for -o, stale_after for --stale-after and so on), and the
    /// channels to notify
    #[arg(long, value_name = "FILE", env = "AUTHFAULT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the state is kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// A log without a new line for so long is stale (UNKNOWN); 0s for never
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_STALE_AFTER", default_value = "15m", value_parser = span::span)]
    pub stale_after: u32,
    /// Remember at most so much; a request takes some 13 bytes here, and 80 in memory during a run
    #[arg(long, value_name = "SIZE", env = "AUTHFAULT_KEEP_SIZE", default_value = "128M", value_parser = span::size)]
    pub keep_size: u64,
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
    /// Speak again of what is still on after so long; 0s for never
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_REMIND", default_value = "4h", value_parser = span::span)]
    pub remind: u32,
    /// What comes back within so long is the same incident
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_REOPEN_WITHIN", default_value = "2h", value_parser = span::span)]
    pub reopen_within: u32,
    /// A fault is over when nothing was refused for so long
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_RESOLVE_AFTER", default_value = "15m", value_parser = span::span)]
    pub resolve_after: u32,
    /// Below this confidence a fault is only suspected
    #[arg(long, value_name = "0..1", env = "AUTHFAULT_CONFIDENCE", default_value_t = 0.8, value_parser = confidence)]
    pub confidence: f64,
    /// Remember requests for so long, as what is usual: two weeks show what comes back each week
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_KEEP", default_value = "15d", value_parser = span::span)]
    pub keep: u32,
    /// Look at all that is remembered after so long at least; before that only where something is on, or where more is
    /// refused than usual; 0s for each run
    #[arg(long, value_name = "SPAN", env = "AUTHFAULT_LOOK_EVERY", default_value = "1h", value_parser = span::span)]
    pub look_every: u32,
    /// Look in each run while fewer requests than this are remembered: that is quickly done
    #[arg(long, value_name = "N", env = "AUTHFAULT_LOOK_BELOW", default_value_t = 50_000)]
    pub look_below: u64,
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

/// A check follows files, so it has another word for its paths.
const PATHS: &str = "Access logs: files, directories, quoted patterns. A file that is named is followed through its \
                     rotations beside it. Without any: /var/log/nginx, /var/log/apache2 and /var/log/httpd";

fn hide_what_check_has_not(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        "paths" => arg.help(PATHS),
        id => {
            let is_hidden = arg.is_hide_set() || NOT_OF_CHECKS.contains(&id);
            arg.hide(is_hidden)
        }
    }
}

fn instant(text: &str) -> Result<Time, String> {
    parse::iso8601(text.as_bytes()).map_err(|_| "expected RFC 3339, such as 2026-03-10T11:20:00Z".to_owned())
}

/// A check, as it is to be done.
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
    /// What a run is to do, with the channels of the configuration file.
    ///
    /// # Errors
    /// An option that a check has not, or a value that is none.
    pub fn watch(&self, channels: Vec<Settings>, cores: usize, texts: Texts) -> Result<Watch, String> {
        let args = &self.analyze;
        let has_none = |what: &str| Err(format!("a check has no {what}; `authfault analyze` has"));
        match args {
            _ if args.since.is_some() || args.until.is_some() => return has_none("--since and --until"),
            _ if args.incident.is_some() => return has_none("--incident"),
            _ if args.exit_code => return has_none("--exit-code"),
            _ if !args.geoip.is_empty() => return has_none("--geoip"),
            _ if args.output.id != "terminal" => return has_none("--output (it has -o FILE)"),
            _ if args.quiet || args.no_progress => return has_none("--quiet and --no-progress"),
            _ if args.color != When::Auto => return has_none("--color"),
            _ if self.state.json => return has_none("--json (`authfault status --json` has it)"),
            _ if args.paths.iter().any(|path| path.as_os_str() == "-") => {
                return Err("a check cannot follow standard input (-): name the log's file or its directory".to_owned());
            }
            _ => {}
        }
        let (rules, keep, looks) = self.rules.put_together();
        let ask = Ask {
            paths: args.paths.clone(),
            error_logs: args.error_logs.clone(),
            reading: args.options(cores, texts)?,
            rules,
            keep: Keep { bytes: self.keep_size, ..keep },
            looks,
            stale_after_secs: self.stale_after,
            now: Time(0),
            wants_report: !args.files.is_empty(),
            is_dry_run: self.dry_run,
        };
        Ok(Watch { ask, reporting: args.clone(), state: self.state.folder.clone(), channels })
    }
}

fn confidence(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a confidence from 0 to 1".to_owned())
}

impl RuleArgs {
    fn put_together(&self) -> (Rules, Keep, Looks) {
        let rules = Rules {
            confidence: self.confidence,
            reopen_within_secs: self.reopen_within,
            remind_secs: self.remind,
            resolve_after_secs: self.resolve_after,
            attacks: !self.ignore_attacks,
        };
        let keep = Keep { secs: self.keep, ..Keep::default() };
        (rules, keep, Looks { every_secs: self.look_every, always_below: self.look_below })
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
        let (rules, keep, looks) = self.rules.put_together();
        let reading = args.options(cores, texts)?;
        let confidences = vec![0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
        Ok(Plan { reading, rules, keep, looks, every_secs: self.alert_every, confidences })
    }
}
