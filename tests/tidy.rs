//! The walls between modules, kept by reading the source: inside one crate the compiler cannot.

use crate::support::root;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Who may name whom. A stage knows the nouns and itself, never another stage; only the pipeline knows them all.
const WALLS: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("error", &["model"]),
    ("progress", &[]),
    ("prefetch", &[]),
    ("trim", &[]),
    ("errorlog", &["errorlog", "model"]),
    ("input", &["error", "input", "model"]),
    ("parse", &["model", "parse", "prefetch"]),
    ("tally", &["model", "prefetch", "tally", "trim"]),
    ("detect", &["detect", "model"]),
    ("cases", &["cases", "model"]),
    ("exchange", &["exchange", "model"]),
    ("state", &["exchange", "model", "state"]),
    ("notify", &["model", "notify"]),
    ("usual", &["model", "usual"]),
    ("geoip", &["geoip", "model"]),
    ("privacy", &["model", "privacy"]),
    ("report", &["model", "report"]),
    (
        "pipeline",
        &[
            "cases", "detect", "error", "errorlog", "exchange", "input", "model", "parse", "pipeline", "progress",
            "state", "tally", "usual",
        ],
    ),
    ("cli", &["cases", "cli", "detect", "model", "notify", "parse", "pipeline", "report", "tally"]),
    (
        "main",
        &[
            "cli", "detect", "geoip", "input", "model", "notify", "parse", "pipeline", "privacy", "progress", "report",
            "state",
        ],
    ),
];

/// One power, one home: what the code says to use it, and the files that may.
const HOMES: &[(&str, &[&str])] = &[
    ("unsafe ", &["input/mmap.rs", "parse/marks.rs", "prefetch.rs", "trim.rs"]),
    ("unsafe{", &[]),
    ("memmap2::", &["input/mmap.rs"]),
    ("libc::", &["input/mmap.rs", "trim.rs"]),
    ("indicatif::", &["progress.rs"]),
    ("nom::", &["parse/"]),
    ("crc32fast::", &["exchange/envelope.rs"]),
    ("flate2::", &["input/decompress.rs", "input/archive.rs"]),
    ("zstd::", &["exchange/part.rs", "input/codecs.rs"]),
    ("bzip2::", &["input/codecs.rs"]),
    ("lzma_rust2::", &["input/codecs.rs"]),
    ("tar::", &["input/archive.rs"]),
    ("zip::", &["input/archive.rs"]),
    ("chrono_tz::", &["model/zone.rs"]),
    ("ipnet::", &["parse/settings.rs", "cli/"]),
    ("walkdir::", &["input/discover.rs"]),
    ("globset::", &["input/discover.rs"]),
    ("thread::scope", &["pipeline/scan.rs"]),
    ("rusqlite::", &["state/"]),
    ("use parquet::", &["exchange/parquet.rs", "exchange/parquet/"]),
    ("datasketches::", &["exchange/parquet/hours.rs"]),
    ("ureq::", &["notify/http.rs"]),
    ("rustls::", &["notify/smtp.rs"]),
    ("toml::", &["cli/config.rs", "notify/tests.rs"]),
    ("process::Command", &["notify/program.rs"]),
    ("process::{Command", &["notify/program.rs"]),
    ("rayon::", &["pipeline/backtest.rs", "tally/ledger.rs", "detect/", "main.rs", "main/check.rs", "main/fleet.rs"]),
    ("chrono::", &["model/zone.rs", "parse/"]),
    ("hashbrown::", &["tally/", "detect/"]),
    ("foldhash::", &["tally/", "detect/"]),
    ("aho_corasick::", &["detect/agent.rs"]),
    ("statrs::", &["detect/"]),
    (
        "serde_json::",
        &[
            "report/renderers/json/",
            "report/renderers/ecs.rs",
            "report/renderers/ocsf.rs",
            "report/tests.rs",
            "notify/",
            "pipeline/advice.rs",
            "state/",
        ],
    ),
    ("schemars::", &["model/", "report/renderers/json/"]),
    ("clap::", &["cli/", "main.rs"]),
    ("strsim::", &["cli/"]),
    ("maxminddb::", &["geoip.rs"]),
    ("hmac::", &["privacy/names.rs"]),
    (
        "sha2::",
        &[
            "cli/fleet.rs",
            "input/follow.rs",
            "privacy/names.rs",
            "report/renderers/html/mod.rs",
            "report/shared_tests.rs",
        ],
    ),
    ("base64::", &["notify/mail.rs", "notify/smtp.rs", "report/renderers/html/mod.rs", "report/shared_tests.rs"]),
    ("regex::", &["tally/routes.rs"]),
    ("tempfile::", &["main.rs"]),
    ("terminal_size::", &["main.rs"]),
    ("std::env", &["main.rs", "main/check.rs", "report/tests.rs"]),
    ("SystemTime", &["main/check.rs"]),
    ("Instant", &["notify/smtp.rs", "progress.rs"]),
    ("println!", &["main.rs"]),
    ("print!", &["main.rs"]),
    ("process::exit", &[]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("dbg!", &[]),
    ("#[ignore", &[]),
];

/// A source file: its path below `src/`, its text, and its code without comments and tests.
struct Source {
    path: String,
    text: String,
    code: String,
}

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let mut paths = Vec::new();
    rust_files(&folder, &mut paths);
    assert!(paths.len() > 50, "the source is in src/");
    let relative = |path: &Path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            Source { path: relative(path), code: code(&text), text }
        })
        .collect()
}

/// Without comments, what only debug builds have, and the tests, which stand at the end of a file.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.split("//").next().unwrap_or_default();
        // `mod tests;` is a line; `mod tests {` runs to the end of the file, as rustfmt and habit have it.
        if line.trim() == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'))
        {
            break;
        }
        if line.trim() == "#[cfg(debug_assertions)]" {
            lines.by_ref().find(|line| *line == "}");
            continue;
        }
        code.push_str(line);
        code.push('\n');
    }
    code
}

impl Source {
    /// The module at the top that it belongs to.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// The top modules of the crate that it names.
    fn names(&self) -> BTreeSet<String> {
        let head = if self.module() == "main" { "authfault::" } else { "crate::" };
        self.code.split(head).skip(1).flat_map(first_words).collect()
    }
}

/// `a::b` gives a; `{a, b::{c, d}, e}` gives a, b, e.
fn first_words(path: &str) -> Vec<String> {
    let word = |text: &str| {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else { return vec![word(path)] };
    let (mut words, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                words.push(word(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[test]
fn groups_of_imports_are_read() {
    assert_eq!(first_words("a::b;"), ["a"]);
    assert_eq!(first_words("{\n    a,\n    b::{c, d},\n    e::f,\n};"), ["a", "b", "e"]);
}

#[test]
fn no_stage_names_another() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|s| s.path != "lib.rs") {
        let allowed = WALLS.iter().find(|(module, _)| *module == source.module());
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{}: which modules may it name? Add it to the walls", source.path));
        let strangers: Vec<String> = source.names().into_iter().filter(|n| !allowed.contains(&n.as_str())).collect();
        if !strangers.is_empty() {
            broken.push(format!("{} names {strangers:?}", source.path));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn each_power_has_one_home() {
    let mut broken = Vec::new();
    for source in sources() {
        for (power, homes) in HOMES {
            let is_home =
                homes.iter().any(|home| source.path == *home || (home.ends_with('/') && source.path.starts_with(home)));
            if !is_home && uses(&source.code, power) {
                broken.push(format!("{} uses `{power}`", source.path));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Whether code uses a power: the text, not as the end of a longer word, and not in a string.
fn uses(code: &str, power: &str) -> bool {
    code.lines().any(|line| {
        line.match_indices(power).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let in_string = line[..at].matches('"').count() % 2 == 1;
            !in_string && !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    })
}

#[test]
fn every_file_says_what_it_owns() {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "fixtures"] {
        rust_files(&root.join(folder), &mut paths);
    }
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let is_said = first.strip_prefix("//! ").is_some_and(|words| words.len() > 20 && !words.contains("stub"));
        assert!(is_said, "{}: begins with `{first}`", path.display());
    }
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let silences =
                ["#[allow(", "#![allow(", "#[expect(", "#![expect("].iter().any(|a| line.trim_start().starts_with(a));
            let rest: String = source.text.lines().skip(number).take(4).collect();
            assert!(!silences || rest.contains("reason = "), "{}:{}: {line}", source.path, number + 1);
        }
    }
}

/// What is only true on somebody's machine.
#[test]
fn no_file_knows_whose_machine_it_is_on() {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "fixtures/loggen"] {
        rust_files(&root.join(folder), &mut paths);
    }
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml", "deny.toml"] {
        paths.push(root.join(name));
    }
    let places = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("C:", "\\")];
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for place in places {
            assert!(!text.contains(place), "{} mentions {place}", path.display());
        }
    }
}

/// The example of a terminal report that ships and the list of modules at the top of the tests are for reading.
#[test]
fn the_tests_have_a_table_of_contents() {
    let text = fs::read_to_string(root().join("tests/tests.rs")).unwrap();
    for line in text.lines().filter(|line| line.starts_with("mod ")) {
        assert!(line.contains("; // "), "{line}");
    }
}
