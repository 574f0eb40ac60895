//! The README: its commands work, and what it shows is what happens. AUTHFAULT_BLESS=1 writes the shown parts anew.

use crate::support::{root, run_in};
use authfault::{detect::causes, model::incident::Verdict, parse::FORMATS, report::RENDERERS};
use std::fs;

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("a README")
}

/// Holds the text between two markers against what it should be, or writes it.
fn shown(name: &str, expected: &str) {
    let text = readme();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&open).unwrap_or_else(|| panic!("no {open}")) + open.len();
    let to = from + text[from..].find(&close).unwrap_or_else(|| panic!("no {close}"));
    if std::env::var_os("AUTHFAULT_BLESS").is_some() {
        fs::write(root().join("README.md"), format!("{}{expected}{}", &text[..from], &text[to..])).unwrap();
    } else {
        assert_eq!(
            &text[from..to],
            expected,
            "`{name}` of the README; AUTHFAULT_BLESS=1 cargo test readme writes it anew"
        );
    }
}

/// One test, since blessing writes one file.
#[test]
fn what_is_shown_is_what_happens() {
    let log = quick_start()[0].rsplit(' ').next().unwrap().to_owned();
    let run = run_in(&root(), [log.as_str()]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    shown("report", &format!("```text\n$ authfault {log}\n{}```\n", run.out));

    let run = run_in(&root(), ["--output", "markdown", log.as_str()]);
    let begin: String = run.out.split_inclusive('\n').take_while(|line| *line != "### Impact\n").collect();
    shown("markdown", &format!("```markdown\n{begin}…\n```\n"));

    let mut table = "| Verdict | Cause | Meaning |\n| --- | --- | --- |\n".to_owned();
    for cause in causes::all() {
        let verdict = match cause.verdict {
            Verdict::ServerSide => "server-side fault",
            Verdict::Attack => "attack",
            Verdict::ClientSide => "client-side",
            Verdict::Undecided => "undecided",
        };
        table += &format!("| {verdict} | `{}` | {} |\n", cause.id, cause.title);
    }
    let unnamed = never_named();
    if !unnamed.is_empty() {
        table += &format!("\nExplained, but not told from its neighbours yet: `{}`.\n", unnamed.join("`, `"));
    }
    shown("causes", &table);

    let mut table = "| Format | What it is |\n| --- | --- |\n".to_owned();
    for format in FORMATS {
        table += &format!("| `{}` | {} |\n", format.id, format.title);
    }
    shown("formats", &table);

    let mut table = "| `--output` | `-o FILE` | What it is |\n| --- | --- | --- |\n".to_owned();
    for renderer in RENDERERS {
        table += &format!("| `{}` | `.{}` | {} |\n", renderer.id, renderer.extension, renderer.title);
    }
    shown("reports", &table);
}

/// The causes that no rule of the detector gives.
fn never_named() -> Vec<&'static str> {
    let files = fs::read_dir(root().join("src/detect")).unwrap().map(|entry| entry.unwrap().path());
    let code: String = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    causes::all().map(|cause| cause.id).filter(|id| !code.contains(&format!("\"{id}\""))).collect()
}

/// The commands between the markers of the quick start.
fn quick_start() -> Vec<String> {
    let text = readme();
    let block = text.split("<!-- quick-start -->").nth(1).and_then(|rest| rest.split("<!-- /quick-start -->").next());
    let lines = block.expect("a quick start").lines().map(str::trim);
    lines.filter(|line| line.starts_with("cargo ")).map(str::to_owned).collect()
}

#[test]
fn the_quick_start_is_two_commands() {
    let commands = quick_start();
    let [run, test] = commands.as_slice() else { panic!("{commands:?}") };
    let log = run.strip_prefix("cargo run --locked -- ").unwrap_or_else(|| panic!("{run}"));
    assert!(root().join(log).is_file(), "{log}");
    assert_eq!(test, "cargo test --locked");
}

/// Files and folders that are named in the documents are there.
#[test]
fn files_that_are_named_exist() {
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "dist/", "docs/", "fixtures/", "tests/", "benches/", ".ci/"]
                .iter()
                .any(|p| name.starts_with(p));
            if is_path && !name.contains(['<', '*', ' ', '{']) {
                assert!(root().join(name).exists(), "{document} names `{name}`");
            }
        }
    }
}

#[test]
fn options_that_are_named_exist() {
    let help: String = [
        &["--help"][..],
        &["check", "--help"],
        &["map", "--help"],
        &["reduce", "--help"],
        &["status", "--help"],
        &["backtest", "--help"],
    ]
    .into_iter()
    .map(|args| crate::support::run(args).out)
    .collect();
    let text = readme();
    for word in text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|w| w.starts_with("--") && !w.starts_with("---") && w.len() > 2)
    {
        let of_others = [
            "--exclude-dir",
            "--files",
            "--authfault",
            "--locked",
            "--release",
            "--features",
            // Only where that feature is built in.
            "--parquet",
            "--parquet-hours",
            "--path",
            "--bin",
            "--example",
            "--bench",
            "--bytes",
            "--seed",
            "--seeds",
            "--lines",
        ];
        assert!(help.contains(word) || of_others.contains(&word), "the README names {word}");
    }
}
