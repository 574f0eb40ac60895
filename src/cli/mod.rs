//! The command line: what may be typed, and what it means. Decides nothing about logs.

mod check;
mod config;
mod fleet;
mod span;

pub use check::{BacktestArgs, CheckArgs, RuleArgs, StateArgs, Watch};
pub use config::Config;
pub use fleet::{MapArgs, ReduceArgs};

use crate::{
    detect::{self, Who},
    model::zone::Zone,
    parse::{self, Readers},
    pipeline::{Bound, FormatChoice, Formats, Options},
    report,
    tally::{Routes, Statuses},
};
use clap::{
    Args, CommandFactory, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

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
  authfault --since 2h access.log               the last two hours, judged by the day before
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
    /// state cannot be used, or the command line is wrong). The channels are told of UNKNOWN when two runs in a row could
    /// not tell, as a reminder, and when a run can again.
    Check(CheckArgs),
    /// Replay old logs: which messages checks would have sent, and when
    Backtest(BacktestArgs),
    /// List the incidents that are open, from the state of `authfault check`
    Status(StateArgs),
    /// List all incidents that the state of `authfault check` knows
    History(StateArgs),
    /// Tell the story of one client: what it was served, when it began to fail, and why
    Explain(ExplainArgs),
    /// Read logs where they are, and write what a report needs of them, to be merged elsewhere by `authfault reduce`
    Map(MapArgs),
    /// Merge what `authfault map` wrote and report on it, as analyze would on the logs themselves
    ///
    /// Exit status as for analyze. 2 also where a part is damaged, or some of a file is in no part.
    Reduce(ReduceArgs),
    /// Print a PySpark script that maps on a cluster, and reports; its head says how to submit it
    SparkJob,
    /// Say what a log's format is, what does not fit, what it cannot tell, and what to configure
    Doctor(DoctorArgs),
    /// List the known log formats
    Formats,
    /// List the causes that can be named, or explain one
    Causes {
        /// The cause to explain, as it stands in a report
        id: Option<String>,
    },
    /// Print the JSON Schema of the JSON report
    Schema,
    /// Print a manual page (roff): `authfault man | man -l -`
    Man {
        /// Of this subcommand, not of the whole
        command: Option<String>,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Options of analyze.
#[derive(Clone, Debug, Args)]
pub struct AnalyzeArgs {
    /// Access logs: files, directories, quoted patterns, or - for standard input. Plain or packed (gzip,
    /// zstd, bzip2, xz, tar, zip), rotated siblings in any order. Without any: standard input where that is a
    /// pipe, or else /var/log/nginx, /var/log/apache2 and /var/log/httpd.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How lines are read.
    #[command(flatten)]
    pub reading: ReadingArgs,

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

    /// Report what is not before: RFC 3339, a date, or a span before the end of the log such as 2h or 3d. It is judged by
    /// what came before, so a day before it is read as well. Of a plain file in order of time, what lies more than an
    /// hour outside these is not read
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

    /// A database in MaxMind's format (GeoLite2-ASN.mmdb, GeoLite2-Country.mmdb and their like) by which clients and
    /// networks are labelled with autonomous system and country; repeatable
    #[arg(long = "geoip", value_name = "FILE")]
    pub geoip: Vec<PathBuf>,

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
    /// Memory for what is kept of the requests, such as 512M or 8G. What does not fit is told from a share of the
    /// clients, and the report says so
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = span::memory)]
    pub memory: u64,
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
    /// a space: '192.0.2.7 Firefox'. Where nobody goes by that, a user name: those who claimed it when they were refused
    #[arg(value_name = "CLIENT", value_parser = client)]
    pub who: Who,
    /// What is read.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// The defaults of `--window` and `--clients`.
const WINDOW_SECS: u32 = 300;
const CLIENTS: usize = 100;

/// A report has these; a story has not.
const NOT_OF_STORIES: [&str; 9] =
    ["geoip", "window", "clients", "files", "exit_code", "incident", "anonymize", "no_anonymize", "anonymize_key_file"];

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
            _ if !args.geoip.is_empty() => has_none("--geoip"),
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

/// How lines are read.
#[derive(Clone, Debug, Args)]
pub struct ReadingArgs {
    /// Read every line in this known format first instead of finding it out per file (see `authfault formats`)
    #[arg(long, value_name = "NAME", conflicts_with = "log_format")]
    pub format: Option<String>,
    /// The server's own format: nginx log_format or Apache LogFormat text, as it stands in its configuration
    #[arg(long, value_name = "TEXT")]
    pub log_format: Option<String>,

    /// The configuration of nginx or Apache with everything it includes: each log is read in the format that it is
    /// configured with. Without a PATH, the logs that it names are read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "log_format"])]
    pub server_config: Option<PathBuf>,
    /// Where JSON lines keep a field: NAME=KEY such as client=remote.ip, where a dot leads into an object; repeatable.
    /// Names are client, user, time, request, method, target, protocol, status, bytes, referer, agent, forwarded_for,
    /// vhost, upstream
    #[arg(long = "json-field", value_name = "NAME=KEY", value_parser = parse::json_field)]
    pub json_fields: Vec<(String, parse::Slot)>,
    /// Zone of times that are logged without one, and shown beside UTC, such as Europe/Berlin [default: UTC]
    #[arg(long = "tz", value_name = "ZONE")]
    pub zone: Option<Zone>,
    /// The field that holds the client, as the format calls it: http_x_real_ip, %{X-Real-IP}i, a JSON key, a column
    #[arg(long, value_name = "FIELD")]
    pub client: Option<String>,
    /// A proxy or network whose X-Forwarded-For is believed; repeatable. The client is the first address from the right
    /// that is none of these
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_parser = parse::network)]
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

/// Options of doctor.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Access logs, as for analyze
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How lines are read.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// What to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DoctorOutput::Terminal)]
    pub output: DoctorOutput,
    /// When to colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// The command that a word misspells, if it does.
#[must_use]
pub fn nearest_command(word: &Path) -> Option<String> {
    let word = word.to_str().filter(|word| word.len() < 32)?;
    let command = Cli::command();
    let names = command.get_subcommands().map(|command| command.get_name());
    let (typos, name) = names.map(|name| (strsim::osa_distance(name, word), name)).min()?;
    (typos * 3 <= name.len()).then(|| name.to_owned())
}

/// How the findings of doctor are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorOutput {
    /// For people.
    Terminal,
    /// authfault-doctor/1.
    Json,
}

impl AnalyzeArgs {
    /// What the options mean for the pipeline.
    ///
    /// # Errors
    /// A format that does not exist, a template that is none, or a span that ends before it begins, in words.
    pub fn options(&self, cores: usize, texts: Texts) -> Result<Options, String> {
        let (since, until) = span::bounds(self.since, self.until)?;
        Ok(Options {
            format: self.reading.formats(texts)?,
            routes: Arc::new(Routes::new(&self.routes)?),
            statuses: Statuses::new(&self.also_status)?,
            threads: self.threads.map_or(cores, usize::from).max(1),
            memory_bytes: self.memory,
            since,
            until,
            error_log_zone_secs: self.error_log_tz,
            detect: detect::Settings {
                window_secs: self.window,
                clients_max: self.clients,
                ..detect::Settings::default()
            },
        })
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

/// Gives the texts of the files that a pattern names.
pub type Texts = fn(&Path) -> Vec<(PathBuf, String)>;

impl ReadingArgs {
    /// The configuration of the server, where one is named.
    ///
    /// # Errors
    /// The file cannot be read, or names no log and no format, in words.
    pub fn server_config(&self, texts: Texts) -> Result<Option<parse::ServerConfig>, String> {
        let Some(path) = &self.server_config else { return Ok(None) };
        let (_, text) = texts(path)
            .into_iter()
            .next()
            .ok_or_else(|| format!("{}: cannot read the server's configuration", path.display()))?;
        let root = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let config = parse::ServerConfig::read(&text, root, &mut |pattern| texts(pattern));
        if config.access_logs.is_empty() && config.formats.is_empty() {
            return Err(format!(
                "{}: expected access_log or log_format (nginx), CustomLog or LogFormat (Apache), found none",
                path.display()
            ));
        }
        Ok(Some(config))
    }

    /// What the options mean for the pipeline; `texts` reads the files of a configuration.
    ///
    /// # Errors
    /// A format that does not exist, a template that is none or a configuration that is not there, in words.
    pub fn formats(&self, texts: Texts) -> Result<Formats, String> {
        let readers = Readers::new(parse::Settings {
            zone: self.zone,
            trusted_proxies: self.trusted_proxies.clone(),
            client: self.client.clone(),
            json_fields: self.json_fields.clone(),
        });
        let choice = match self.server_config(texts)? {
            Some(config) => FormatChoice::Server(Arc::new(config)),
            None => self.format_choice(&readers)?,
        };
        Ok(Formats { choice, readers, heads: Arc::default() })
    }

    fn format_choice(&self, readers: &Readers) -> Result<FormatChoice, String> {
        if let Some(text) = &self.log_format {
            let parser = readers.template(text).map_err(|e| e.to_string())?;
            let missing = parser.missing();
            if !missing.is_empty() {
                return Err(format!(
                    "log format: lines need a time, a client and a status, found no {}",
                    missing.join(", no ")
                ));
            }
            return Ok(FormatChoice::Custom(Box::new(parser)));
        }
        let Some(id) = &self.format else { return Ok(FormatChoice::Guess) };
        let known = || parse::FORMATS.iter().map(|f| f.id).collect::<Vec<_>>().join(", ");
        parse::by_id(id)
            .map(FormatChoice::Known)
            .ok_or_else(|| format!("no format is called `{id}`; known are {}", known()))
    }
}
