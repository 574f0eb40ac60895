//! The command line: what may be typed, and what it means. Decides nothing about logs.

mod check;
mod config;
mod span;

pub use check::{BacktestArgs, CheckArgs, RuleArgs, StateArgs, Watch};
pub use config::Config;

use crate::{
    detect::{self, Who},
    parse::{self, Parser as LogParser},
    pipeline::{Bound, FormatChoice, Options},
    report,
    tally::{Routes, Statuses},
};
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use std::{path::PathBuf, sync::Arc};

/// People are getting 401 and 403: is it them, or is it us?
///
/// Reads web-server access logs and tells whether refused requests are the server's fault (many clients who used to
/// be served fail together), an attack, or the clients' own doing, with evidence for and against.
#[derive(Debug, Parser)]
#[command(name = "authfault", version, args_conflicts_with_subcommands = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; without it, analyze.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For analyze.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

const EXAMPLES: &str = "Examples:
  authfault /var/log/nginx                      all access logs there, rotated ones too
  authfault --since 2h access.log               the last two hours of a log
  zcat access.log.*.gz | authfault -            standard input
  authfault --output json access.log | jq .incidents
  authfault -o incident.html -o incident.md -o report.json access.log

Exit status: 0 done, 1 a server-side fault was found (only with --exit-code),
2 usage, an input that could not be read, or nothing that could be parsed.";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read everything and report once (what happens without a subcommand)
    Analyze(AnalyzeArgs),
    /// For cron: read what is new since the last run, speak only when something changed
    ///
    /// Prints nothing when all is well and nothing changed. Exit status: 0 OK, 1 WARNING (an attack, or a suspected
    /// fault), 2 CRITICAL (a server-side fault is open), 3 UNKNOWN (a log is missing, stale or not understood, the
    /// state cannot be used, or the command line is wrong).
    Check(CheckArgs),
    /// Replay old logs: which messages checks would have sent, and when
    Backtest(BacktestArgs),
    /// List the incidents that are open, from the state of `authfault check`
    Status(StateArgs),
    /// List all incidents that the state of `authfault check` knows
    History(StateArgs),
    /// Tell the story of one client: what it was served, when it began to fail, and why
    Explain(ExplainArgs),
    /// List the known log formats
    Formats,
    /// List the causes that can be named, or explain one
    Causes {
        /// The cause to explain, as it stands in a report
        id: Option<String>,
    },
    /// Print the JSON Schema of the JSON report
    Schema,
    /// Print the manual page (roff)
    #[command(hide = true)]
    Man,
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Options of analyze.
#[derive(Clone, Debug, Args)]
pub struct AnalyzeArgs {
    /// Access logs: files, directories, quoted patterns, or - for standard input. Plain or gzip, rotated siblings in
    /// any order. Without any: standard input where that is a pipe, or else /var/log/nginx, /var/log/apache2 and
    /// /var/log/httpd.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Read every line in this known format first instead of finding it out per file (see `authfault formats`)
    #[arg(long, value_name = "NAME", conflicts_with = "log_format")]
    pub format: Option<String>,
    /// The server's own format: nginx log_format or Apache LogFormat text, as it stands in its configuration
    #[arg(long, value_name = "TEXT")]
    pub log_format: Option<String>,

    /// The server's error log, for evidence: files, directories, quoted patterns, plain or gzip, of nginx or Apache;
    /// repeatable. It names the password file, the rule or the service behind a refusal
    #[arg(long = "error-log", value_name = "PATH")]
    pub error_logs: Vec<PathBuf>,
    /// The zone of its times, such as +0200, which it does not say [default: that of the access log]
    #[arg(long, value_name = "OFFSET", value_parser = span::offset, allow_hyphen_values = true, requires = "error_logs")]
    pub error_log_tz: Option<i32>,

    /// Paths that are one thing, as a regular expression: its groups, joined, are what they are filed under, such as
    /// '^(/t)/[^/]+(/app)' for /t/NAME/app; repeatable. Ids, hashes and file names are replaced without being told
    #[arg(long = "route", value_name = "REGEX")]
    pub routes: Vec<String>,

    /// Statuses that are refusals too, such as 419 (session over), 440 or 495=403: counted as 401 where they ask for a
    /// login or =401 is said, otherwise as 403; repeatable, or several with commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub also_status: Vec<String>,

    /// Leave out what is before: RFC 3339, a date, or a span before the end of the log such as 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = span::bound)]
    pub since: Option<Bound>,
    /// Leave out what is at or after: RFC 3339, a date, or a span before the end of the log
    #[arg(long, value_name = "TIME", value_parser = span::bound)]
    pub until: Option<Bound>,
    /// Length of the windows in the report: 5m, 1h, 90s
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = span::window)]
    pub window: u32,
    /// Clients listed in the JSON report at most
    #[arg(long, value_name = "N", default_value_t = CLIENTS)]
    pub clients: usize,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal", value_parser = renderer())]
    pub output: &'static report::Renderer,
    /// Write the report to a file as well, in the format that its name ends with (.txt, .html, .md, .json, .csv,
    /// .ecs.ndjson, .ocsf.ndjson);
    /// repeatable. Written beside and renamed, so that nobody reads half of it
    #[arg(short = 'o', value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Report one incident only, by its id
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Replace clients and users by pseudonyms, keep networks to /24 and /48 and leave out queries, in every report.
    /// HTML and Markdown, which are passed on, do so unless told otherwise
    #[arg(long, conflicts_with = "no_anonymize")]
    pub anonymize: bool,
    /// Name clients and users in HTML and Markdown as well
    #[arg(long)]
    pub no_anonymize: bool,
    /// A secret of at least 16 bytes under which pseudonyms stay the same from report to report; also as the variable
    /// AUTHFAULT_ANONYMIZE_KEY. Without one they are numbered
    #[arg(long, value_name = "FILE")]
    pub anonymize_key_file: Option<PathBuf>,
    /// Exit with 1 where a server-side fault was found
    #[arg(long)]
    pub exit_code: bool,

    /// Threads to read with [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print the report and nothing else: no progress, no notes
    #[arg(short, long)]
    pub quiet: bool,
    /// Show no progress
    #[arg(long)]
    pub no_progress: bool,
    /// When to colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
    /// Draw charts with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
}

/// Options of explain: those of analyze that choose what is read and how it is shown.
#[derive(Debug, Args)]
#[command(mut_args = hide_what_explain_has_not)]
pub struct ExplainArgs {
    /// Whom: an address or host name as in the log, and where several people share it a part of the user agent behind
    /// a space: '192.0.2.7 Firefox'
    #[arg(value_name = "CLIENT", value_parser = client)]
    pub client: Who,
    /// What is read.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// The defaults of `--window` and `--clients`.
const WINDOW_SECS: u32 = 300;
const CLIENTS: usize = 100;

/// A report has these; a story has not.
const NOT_OF_STORIES: [&str; 8] =
    ["window", "clients", "files", "exit_code", "incident", "anonymize", "no_anonymize", "anonymize_key_file"];

fn hide_what_explain_has_not(arg: clap::Arg) -> clap::Arg {
    let is_hidden = NOT_OF_STORIES.contains(&arg.get_id().as_str());
    arg.hide(is_hidden)
}

impl ExplainArgs {
    /// The options, if they mean something for a story.
    ///
    /// # Errors
    /// One that only a report can have.
    pub fn checked(&self) -> Result<&AnalyzeArgs, String> {
        let args = &self.analyze;
        let has_none = |what: &str| Err(format!("a story has no {what}; `authfault analyze` has"));
        match args {
            _ if !args.files.is_empty() => has_none("files to write (-o)"),
            _ if args.exit_code => has_none("--exit-code"),
            _ if args.window != WINDOW_SECS => has_none("--window"),
            _ if args.clients != CLIENTS => has_none("--clients"),
            _ if args.incident.is_some() => has_none("--incident"),
            _ if args.anonymize || args.no_anonymize || args.anonymize_key_file.is_some() => has_none("--anonymize"),
            _ if !matches!(args.output.id, "terminal" | "json") => {
                Err("a story is told as terminal or json".to_owned())
            }
            _ => Ok(args),
        }
    }
}

fn client(text: &str) -> Result<Who, String> {
    let (address, agent) = text.trim().split_once(' ').map_or((text.trim(), None), |(a, b)| (a, Some(b)));
    if address.is_empty() {
        return Err("expected an address or host name".to_owned());
    }
    let agent = agent.map(|agent| agent.trim().to_owned());
    Ok(Who { address: address.to_owned(), agent })
}

/// A renderer of the registry, by name.
fn renderer() -> impl TypedValueParser<Value = &'static report::Renderer> {
    let names = report::RENDERERS.iter().map(|renderer| PossibleValue::new(renderer.id).help(renderer.title));
    PossibleValuesParser::new(names).try_map(|id| report::renderer(&id).ok_or("no such report format"))
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal that wants it (NO_COLOR, CLICOLOR).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl AnalyzeArgs {
    /// What the options mean for the pipeline.
    ///
    /// # Errors
    /// A format that does not exist or a template that is none, in words.
    pub fn options(&self, cores: usize) -> Result<Options, String> {
        Ok(Options {
            format: self.format_choice()?,
            routes: Arc::new(Routes::new(&self.routes)?),
            statuses: Statuses::new(&self.also_status)?,
            threads: self.threads.map_or(cores, usize::from).max(1),
            since: self.since.unwrap_or_default(),
            until: self.until.unwrap_or_default(),
            error_log_zone_secs: self.error_log_tz,
            detect: detect::Settings { window_secs: self.window, clients_max: self.clients },
        })
    }

    fn format_choice(&self) -> Result<FormatChoice, String> {
        if let Some(text) = &self.log_format {
            let parser = LogParser::from_template(text).map_err(|e| e.to_string())?;
            return Ok(FormatChoice::Custom(Box::new(parser)));
        }
        let Some(id) = &self.format else { return Ok(FormatChoice::Guess) };
        let known = || parse::FORMATS.iter().map(|f| f.id).collect::<Vec<_>>().join(", ");
        parse::by_id(id)
            .map(FormatChoice::Known)
            .ok_or_else(|| format!("no format is called `{id}`; known are {}", known()))
    }

    /// Whether people in the report of a renderer get pseudonyms.
    #[must_use]
    pub fn hides_people(&self, renderer: &report::Renderer) -> bool {
        self.anonymize || (renderer.is_shared && !self.no_anonymize)
    }

    /// The renderer of each file to write.
    ///
    /// # Errors
    /// An extension that no renderer has.
    pub fn renderers(&self) -> Result<Vec<(&PathBuf, &'static report::Renderer)>, String> {
        let extensions =
            || report::RENDERERS.iter().map(|r| format!(".{}", r.extension)).collect::<Vec<_>>().join(", ");
        let of = |path: &PathBuf| path.file_name().and_then(|e| e.to_str()).and_then(report::renderer_for_file);
        let named = |path| {
            of(path).ok_or_else(|| {
                format!("cannot tell a report format from `{}`; known extensions are {}", path.display(), extensions())
            })
        };
        self.files.iter().map(|path| named(path).map(|renderer| (path, renderer))).collect()
    }
}
