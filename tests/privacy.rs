//! What is passed on names nobody: no address, user or query of any log of the project gets through `--anonymize`.

use crate::support::{fixture, gunzip, log_with_fault, put, run, run_in, workshop};
use authfault::{
    parse::{FORMATS, LineParser, Scratch},
    report::RENDERERS,
};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Every log that ships.
fn logs() -> Vec<PathBuf> {
    let mut folders = vec![fixture("incidents"), fixture("formats"), fixture("realserver/logs")];
    let mut logs = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".log") || (name.ends_with(".log.gz") && !name.starts_with("error")) {
                logs.push(path);
            }
        }
    }
    logs.sort();
    assert!(logs.len() > 50, "{}", logs.len());
    logs
}

fn text_of(log: &Path) -> Vec<u8> {
    if log.extension().is_some_and(|e| e == "gz") { gunzip(log) } else { fs::read(log).unwrap() }
}

/// What must not get through, and the words that may stand in a report for other reasons.
#[derive(Default)]
struct Words {
    secret: BTreeSet<String>,
    open: BTreeSet<String>,
}

impl Words {
    fn of(text: &[u8]) -> Self {
        let (parser, mut scratch) = (LineParser::new(FORMATS[0]), Scratch::default());
        let mut words = Self::default();
        for line in text.split(|b| *b == b'\n') {
            let Ok((event, _)) = parser.parse(line, &mut scratch) else { continue };
            for addresses in [event.client, event.forwarded_for, event.upstream] {
                words.addresses(&String::from_utf8_lossy(addresses));
            }
            words.secret.insert(String::from_utf8_lossy(event.user).into_owned());
            for address in [event.target, event.referer] {
                let address = String::from_utf8_lossy(address).into_owned();
                let (path, query) = address.split_once('?').unwrap_or((&address, ""));
                words.secret.extend(query.split(['&', '=']).skip(1).map(str::to_owned));
                words.open.extend(tokens(path).map(str::to_owned));
            }
            for own in [event.vhost, event.agent, event.method, event.protocol] {
                words.open.extend(tokens(&String::from_utf8_lossy(own)).map(str::to_owned));
            }
        }
        words
    }

    fn addresses(&mut self, list: &str) {
        for one in list.split([',', ' ']).filter(|one| !one.is_empty()) {
            let host =
                one.parse::<IpAddr>().is_err().then(|| one.rsplit_once(':')).flatten().map_or(one, |(host, _)| host);
            if host.parse::<IpAddr>().is_ok_and(|_| !matches!(host, "127.0.0.1" | "::1")) {
                self.secret.insert(host.to_owned());
            }
        }
    }

    /// Those that stand in a text as words.
    fn met_in(&self, text: &str) -> Vec<&str> {
        let met: BTreeSet<&str> = tokens(text).collect();
        let own = our_words();
        let is_telling = |word: &&String| {
            // Short ones are numbers and words of ours by chance, and so is the first address of a network that is kept.
            word.len() > 4 && !self.open.contains(*word) && !own.contains(word.as_str()) && !word.ends_with(".0")
        };
        self.secret.iter().filter(is_telling).map(String::as_str).filter(|word| met.contains(word)).collect()
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_');
    text.split(move |c| !is_part(c)).flat_map(|word| {
        let bare = word.trim_matches(['.', ':', '-']);
        // An address may have a port behind it.
        [word, bare, bare.rsplit_once(':').map_or(bare, |(host, _)| host)]
    })
}

/// What the program says of its own accord.
fn our_words() -> &'static BTreeSet<String> {
    static WORDS: std::sync::OnceLock<BTreeSet<String>> = std::sync::OnceLock::new();
    let collect = || {
        let causes = authfault::detect::causes::all().map(|cause| run(["causes", cause.id]).out);
        causes
            .chain([run(["--help"]).out])
            .flat_map(|text| tokens(&text).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    WORDS.get_or_init(collect)
}

/// One run that writes every report; gives them by file name.
fn all_reports(log: &Path, options: &[&str]) -> Vec<(String, String)> {
    let dir = workshop();
    let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
    for renderer in RENDERERS {
        args.extend(["-o".into(), format!("report.{}", renderer.extension).into()]);
    }
    args.push(log.into());
    run_in(dir.path(), &args);
    let files = RENDERERS.iter().map(|renderer| format!("report.{}", renderer.extension));
    files.filter_map(|name| Some((name.clone(), fs::read_to_string(dir.path().join(name)).ok()?))).collect()
}

#[test]
fn nobody_is_named_in_any_report_of_any_log() {
    let (mut telling, mut files) = (0, 0);
    for (i, log) in logs().into_iter().enumerate() {
        let words = Words::of(&text_of(&log));
        for (name, text) in all_reports(&log, &["--anonymize"]) {
            files += 1;
            assert_eq!(words.met_in(&text), Vec::<&str>::new(), "{name} of {}", log.display());
        }
        // The search finds what is there: without the option these reports do name people.
        if i % 5 == 0 {
            let named = all_reports(&log, &["--no-anonymize"]);
            telling += named.iter().filter(|(_, text)| !words.met_in(text).is_empty()).count();
        }
    }
    assert!(files > 300 && telling > 30, "only {telling} of a fifth of {files} would have named somebody");
}

#[test]
fn what_is_passed_on_names_nobody_unless_asked() {
    let log = log_with_fault();
    let words = Words::of(&text_of(&log));
    for (name, text) in all_reports(&log, &[]) {
        match name.as_str() {
            "report.html" | "report.md" => assert_eq!(words.met_in(&text), Vec::<&str>::new(), "{name}"),
            "report.txt" | "report.json" => assert!(!words.met_in(&text).is_empty(), "{name}"),
            _ => {}
        }
    }
}

#[test]
fn names_are_the_same_under_the_same_key() {
    let dir = workshop();
    let log = log_with_fault();
    let under = |key: &str| {
        let key = put(dir.path(), "key", key.as_bytes());
        run(["--anonymize", "--anonymize-key-file", key.to_str().unwrap(), log.to_str().unwrap()])
    };
    let (one, again, other) = (under("0123456789abcdef\n"), under("0123456789abcdef"), under("fedcba9876543210"));
    assert_eq!((one.code, one.err.as_str()), (Some(0), ""));
    assert_eq!(one.out, again.out, "a line's end is no part of the key");
    assert_ne!(one.out, other.out);
    let short = under("secret");
    assert!(
        short.code == Some(2) && short.err.contains("expected a key of at least 16 bytes, found 6"),
        "{}",
        short.err
    );
}
