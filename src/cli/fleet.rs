//! What may be said to `map` and `reduce`, and how what was said to the one comes to the other.

use super::{AnalyzeArgs, CLIENTS, Cli, Command, Texts, When};
use crate::{
    model::tally::Kept,
    pipeline::{Heads, Mapping, Options},
};
use clap::{Args, Parser};
use std::{
    fmt::Write,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Options of map: those of analyze that choose what is read, and its own.
#[derive(Debug, Args)]
#[command(mut_args = hide_what_map_has_not)]
pub struct MapArgs {
    /// The machine that the logs are from: stands in front of their names, and tells logs of two machines apart
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// What standard input is, as it is to be named
    #[arg(long, value_name = "PATH")]
    pub name: Option<PathBuf>,
    /// Only the lines that begin in these bytes of the one PATH, which is plain; standard input holds no others
    #[arg(long, value_name = "FROM:UNTIL", value_parser = range)]
    pub range: Option<Range<u64>>,
    /// How long the file is of which standard input is a range
    #[arg(long, value_name = "BYTES", requires = "range")]
    pub size: Option<u64>,
    /// The first lines of the file of which standard input is a range: they tell its format
    #[arg(long, value_name = "FILE", requires = "range")]
    pub head: Option<PathBuf>,
    /// Keep the requests of one client in N, a power of two, and count those of the others: for more than one machine
    /// can merge
    #[arg(long, value_name = "N", default_value = "1", value_parser = one_in)]
    pub one_in: Kept,
    /// What is read.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// Options of reduce: those of analyze that choose what is reported.
#[derive(Debug, Args)]
#[command(mut_args = hide_what_reduce_has_not)]
pub struct ReduceArgs {
    /// Write one part that holds what all do, instead of a report
    #[arg(long, value_name = "FILE")]
    pub merge_into: Option<PathBuf>,
    /// Write the requests of all parts as a Parquet table, for questions of your own, instead of a report
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE", conflicts_with = "merge_into")]
    pub parquet: Option<PathBuf>,
    /// Write requests and distinct clients by hour, host, path and status as a Parquet table, instead of a report
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE", conflicts_with = "merge_into")]
    pub parquet_hours: Option<PathBuf>,
    /// The files that there should be, a path a line as in reports (`www1:/var/log/nginx/access.log`), or hosts (`www1:`):
    /// those that are in no part are named
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// What is reported.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// A part has no more than what was read.
const NOT_OF_PARTS: [&str; 14] = [
    "geoip",
    "error_logs",
    "error_log_tz",
    "since",
    "until",
    "clients",
    "output",
    "incident",
    "anonymize",
    "no_anonymize",
    "anonymize_key_file",
    "exit_code",
    "color",
    "ascii",
];

fn hide_what_map_has_not(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        id if NOT_OF_PARTS.contains(&id) => arg.hide(true),
        "files" => {
            arg.help("Write the part to a file, called .afpart, instead of to standard output").long_help(None::<&str>)
        }
        _ => arg,
    }
}

/// Said where the logs were read.
const NOT_OF_REDUCTIONS: [&str; 8] =
    ["format", "log_format", "json_fields", "zone", "client", "trusted_proxies", "routes", "also_status"];

fn hide_what_reduce_has_not(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        id if NOT_OF_REDUCTIONS.contains(&id) => arg.hide(true),
        "paths" => arg
            .value_name("PART")
            .help("What `authfault map` wrote: files, directories (of .afpart files), quoted patterns, or - for standard input")
            .long_help(None::<&str>),
        _ => arg,
    }
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let expected = || format!("expected FROM:UNTIL in bytes, such as 0:67108864, found `{text}`");
    let (from, until) = text.split_once(':').ok_or_else(expected)?;
    let range = from.parse().map_err(|_| expected())?..until.parse().map_err(|_| expected())?;
    if range.start <= range.end { Ok(range) } else { Err(expected()) }
}

fn one_in(text: &str) -> Result<Kept, String> {
    let number: Option<u64> = text.parse().ok();
    let level = number.filter(|n| n.is_power_of_two()).map(|n| n.trailing_zeros() as u8);
    level
        .filter(|level| *level < Kept::NOBODY)
        .map(|level| Kept { level })
        .ok_or_else(|| format!("expected a power of two, found `{text}`"))
}

impl MapArgs {
    /// What is to be read, how, and what the part is to say of it; `head` reads the file of that option.
    ///
    /// # Errors
    /// An option that only a report can have, a value that is none, or a range of more than one file, in words.
    pub fn mapping(
        &self,
        cores: usize,
        texts: Texts,
        head: impl Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<(Options, Mapping), String> {
        let args = &self.analyze;
        let has_none = |what: &str| Err(format!("a part has no {what}; `authfault reduce` has"));
        let is_stdin = matches!(args.paths.as_slice(), [path] if path.as_os_str() == "-");
        match args {
            _ if !args.error_logs.is_empty() => return has_none("--error-log"),
            _ if args.since.is_some() || args.until.is_some() => return has_none("--since and --until"),
            _ if args.clients != CLIENTS => return has_none("--clients"),
            _ if !args.geoip.is_empty() => return has_none("--geoip"),
            _ if args.output.id != "terminal" || args.incident.is_some() => return has_none("--output and --incident"),
            _ if args.anonymize || args.no_anonymize || args.anonymize_key_file.is_some() => {
                return has_none("--anonymize");
            }
            _ if args.exit_code || args.ascii || args.color != When::Auto => {
                return has_none("--exit-code, --ascii and --color");
            }
            _ if args.files.len() > 1 => return Err("one part goes to one file; give -o once".to_owned()),
            _ if self.range.is_some() && args.paths.len() != 1 => {
                return Err("--range is of one file; name it, or - for standard input".to_owned());
            }
            _ if !is_stdin && (self.name.is_some() || self.size.is_some() || self.head.is_some()) => {
                return Err("--name, --size and --head are about standard input; name it as `-`".to_owned());
            }
            _ if is_stdin && self.range.is_some() && self.size.is_none() => {
                return Err("a range of standard input needs --size, how long its file is".to_owned());
            }
            _ => {}
        }
        let mut options = args.options(cores, texts)?;
        if let Some(range) = self.range.as_ref().filter(|range| is_stdin && range.start > 0) {
            let Some(path) = &self.head else {
                return Err(format!("lines from byte {} on need --head, the first lines of their file", range.start));
            };
            options.format.heads = Arc::new(Heads::given(head(path)?));
        }
        let mapping = Mapping {
            host: self.host.clone().unwrap_or_default(),
            name: self.name.clone(),
            range: self.range.clone(),
            size_bytes: self.size,
            kept: self.one_in,
            settings: self.analyze.said(texts)?,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok((options, mapping))
    }
}

impl ReduceArgs {
    /// The options of a report, with what was said where the logs were read.
    ///
    /// # Errors
    /// An option about reading, or parts that were read with options which this program has not.
    pub fn reporting(&self, said: &[String]) -> Result<AnalyzeArgs, String> {
        let (args, reading) = (&self.analyze, &self.analyze.reading);
        let is_about_reading = reading.format.is_some()
            || reading.log_format.is_some()
            || !reading.json_fields.is_empty()
            || reading.zone.is_some()
            || reading.client.is_some()
            || !reading.trusted_proxies.is_empty()
            || !args.routes.is_empty()
            || !args.also_status.is_empty();
        if is_about_reading {
            return Err("how lines are read is said to `authfault map`; the parts know it".to_owned());
        }
        let options = said.iter().map(String::as_str).filter(|option| !option.starts_with(CONFIG));
        let line = ["authfault", "analyze"].into_iter().chain(options);
        let cli = Cli::try_parse_from(line)
            .map_err(|e| format!("the parts were read with options of another version: {e}"))?;
        let Some(Command::Analyze(mut read)) = cli.command else { return Ok(args.clone()) };
        read.reading.server_config.clone_from(&reading.server_config);
        Ok(AnalyzeArgs { reading: read.reading, routes: read.routes, also_status: read.also_status, ..args.clone() })
    }
}

/// A configuration is known by its text, which need not be where parts are merged.
const CONFIG: &str = "server configuration ";

impl AnalyzeArgs {
    /// What the reading depends on, as options of the command line, always in this order.
    fn said(&self, texts: Texts) -> Result<Vec<String>, String> {
        let reading = &self.reading;
        let mut said = Vec::new();
        let mut say = |name: &str, value: &str| said.push(format!("--{name}={value}"));
        reading.format.iter().for_each(|id| say("format", id));
        reading.log_format.iter().for_each(|text| say("log-format", text));
        reading.json_fields.iter().for_each(|(key, slot)| say("json-field", &format!("{}={key}", slot.name())));
        reading.zone.iter().for_each(|zone| say("tz", zone.name()));
        reading.client.iter().for_each(|field| say("client", field));
        reading.trusted_proxies.iter().for_each(|network| say("trusted-proxy", &network.to_string()));
        self.routes.iter().for_each(|route| say("route", route));
        self.also_status.iter().for_each(|status| say("also-status", status));
        if let Some(config) = reading.server_config(texts)? {
            said.push(format!("{CONFIG}{}", fingerprint(&format!("{config:?}"))));
        }
        Ok(said)
    }
}

/// The same for the same text, on every machine.
fn fingerprint(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
