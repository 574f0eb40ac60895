//! The configuration file: the options of `check` under the same names, and the channels, which are only here.

use crate::notify::Settings;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file. What is not in it is as the flags have it, or as usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Access logs.
    pub paths: Vec<PathBuf>,
    /// Error logs.
    pub error_logs: Vec<PathBuf>,
    /// Reports to write after each run that found something new.
    pub reports: Vec<PathBuf>,
    /// As `--format`.
    pub format: Option<String>,
    /// As `--log-format`.
    pub log_format: Option<String>,
    /// As `--error-log-tz`.
    pub error_log_tz: Option<String>,
    /// As `--route`.
    pub routes: Vec<String>,
    /// As `--also-status`.
    pub also_status: Vec<String>,
    /// As `--state`.
    pub state: Option<PathBuf>,
    /// As `--stale-after`.
    pub stale_after: Option<String>,
    /// As `--remind`.
    pub remind: Option<String>,
    /// As `--reopen-within`.
    pub reopen_within: Option<String>,
    /// As `--resolve-after`.
    pub resolve_after: Option<String>,
    /// As `--confidence`.
    pub confidence: Option<f64>,
    /// As `--keep`.
    pub keep: Option<String>,
    /// As `--keep-size`.
    pub keep_size: Option<String>,
    /// As `--look-every`.
    pub look_every: Option<String>,
    /// As `--look-below`.
    pub look_below: Option<u64>,
    /// As `--ignore-attacks`.
    pub ignore_attacks: Option<bool>,
    /// Whom to tell.
    pub notify: Vec<Settings>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or says what means nothing; where, in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: cannot read it: {error}"))?;
        // The parser's message shows the line, but what it shows could be a secret beside the key that is wrong.
        toml::from_str(&text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            format!("{name}:{line}: {}", error.message().trim_end())
        })
    }
}
