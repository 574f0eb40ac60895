//! Whole reports against golden files, and what must hold for every report.
//!
//! `AUTHFAULT_BLESS=1 cargo test report` writes the golden files anew; look at them before committing.

use super::{
    Options, RENDERERS,
    escape::is_active,
    headline,
    out::Color,
    renderer, renderer_for_file,
    samples::{self, all, cause_title},
};
use crate::model::{
    incident::Verdict,
    report::{Lead, Report},
    time::Time,
};
use std::path::PathBuf;

fn render(id: &str, report: &Report, options: &Options) -> String {
    let bytes = renderer(id).map(|renderer| (renderer.render)(report, options)).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_else(|error| format!("not UTF-8: {error}"))
}

fn terminal(report: &Report) -> String {
    render("terminal", report, &Options::new(cause_title))
}

/// A page without its style sheet and the hash of it: a changed colour is no changed report.
fn without_style_sheet(page: &str) -> String {
    let cut = |text: &str, from: &str, to: &str| match text.split_once(from) {
        Some((before, rest)) => format!("{before}{from}*{to}{}", rest.split_once(to).unwrap_or_default().1),
        None => text.to_owned(),
    };
    cut(&cut(page, "<style>", "</style>"), "sha256-", "&#39;")
}

#[test]
fn reports_are_as_blessed() {
    let options = Options::new(cause_title);
    let mut shown = Vec::new();
    for (name, report) in all() {
        for renderer in RENDERERS {
            // The version is the one thing that changes without anybody's doing here.
            let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
            let shown_version = concat!("authfault ", env!("CARGO_PKG_VERSION"));
            let text = render(renderer.id, &report, &options)
                .replace(&version, "\"version\": \"*\"")
                .replace(&version.replace(' ', ""), "\"version\":\"*\"")
                .replace(shown_version, "authfault *");
            shown.push((format!("{name}.{}", renderer.extension), without_style_sheet(&text)));
        }
    }
    let two_faults = samples::two_faults();
    shown.push((
        "two_faults.ascii.txt".to_owned(),
        render("terminal", &two_faults, &Options { ascii: true, ..options }),
    ));
    shown.push(("two_faults.wide.txt".to_owned(), render("terminal", &two_faults, &Options { width: 120, ..options })));
    let coloured = Options { color: Color::Ansi, ..options };
    shown.push(("two_faults.ansi.txt".to_owned(), render("terminal", &two_faults, &coloured)));

    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports");
    let mut differing = Vec::new();
    for (file, text) in shown {
        let path = folder.join(file);
        if std::env::var_os("AUTHFAULT_BLESS").is_some() {
            assert!(std::fs::write(&path, &text).is_ok(), "cannot write {}", path.display());
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            differing.push(path.display().to_string());
        }
    }
    assert!(differing.is_empty(), "not as blessed, or with other line ends: {differing:#?}");
}

#[test]
fn ascii_is_ascii() {
    for (name, report) in all() {
        let shown = render("terminal", &report, &Options { ascii: true, ..Options::new(cause_title) });
        assert!(shown.is_ascii(), "{name}");
        assert!(name == "hostile" || !shown.contains("\\u{"), "our own text is not ASCII in {name}:\n{shown}");
    }
}

#[test]
fn nothing_hostile_gets_through() {
    let report = samples::hostile();
    for renderer in RENDERERS {
        for width in [60, 80, 120] {
            let shown = render(renderer.id, &report, &Options { width, ..Options::new(cause_title) });
            let active: Vec<char> = shown
                .chars()
                .filter(|c| *c != '\n' && is_active(*c))
                .filter(|c| renderer.id != "csv" || *c != '\r')
                .collect();
            assert!(active.is_empty(), "{} at {width}: {active:?}", renderer.id);
        }
    }
    let coloured = render("terminal", &report, &Options { color: Color::Ansi, ..Options::new(cause_title) });
    assert!(!coloured.contains("\u{1b}]") && !coloured.contains("\u{1b}[2J"), "escapes of strangers");
    let plain = coloured.split('\u{1b}').skip(1).all(|rest| {
        let code = rest.split_once('m').map_or("none", |(code, _)| code);
        code.strip_prefix('[').is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit() || c == ';'))
    });
    assert!(plain, "only colours are sent to the terminal");
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, report) in all() {
        let coloured = render("terminal", &report, &Options { color: Color::Ansi, ..Options::new(cause_title) });
        let mut stripped = String::new();
        for (i, part) in coloured.split('\u{1b}').enumerate() {
            stripped.push_str(if i == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) });
        }
        assert_eq!(stripped, terminal(&report), "{name}");
    }
}

#[test]
fn lines_keep_to_the_width() {
    for (name, report) in all() {
        for width in [60, 80, 120] {
            let shown = render("terminal", &report, &Options { width, ..Options::new(cause_title) });
            // A command is not broken, so that it can be copied.
            let commands: Vec<&str> = report
                .incidents
                .iter()
                .flat_map(|i| i.next_checks.iter().flat_map(|check| check.split('`').skip(1)))
                .collect();
            // The first line is the answer, and the subject of a mail.
            for line in shown.lines().skip(1).filter(|line| !commands.contains(&line.trim())) {
                assert!(line.chars().count() <= width, "{name} at {width}: {line:?}");
                assert_eq!(line.trim_end(), line, "{name} at {width}");
            }
            assert!(!shown.contains("\n\n\n"), "{name}: empty lines in a row");
        }
    }
}

#[test]
fn nobody_is_acquitted_without_a_past() {
    let mut report = samples::quiet();
    report.totals.status_401 = 1;
    assert!(headline(&report).starts_with("NOT THE SERVER: "), "{}", headline(&report));
    report.input.begins_late = true;
    assert!(headline(&report).starts_with("UNDECIDED: "), "{}", headline(&report));
    // A day before was read; what is older may have hidden a fault.
    report.input.lead = Some(Lead { begin: Time(0), end: Time(86_400), lines: 4 });
    assert!(headline(&report).starts_with("NO SERVER FAULT SEEN: "), "{}", headline(&report));
    report.input.begins_late = false;
    assert!(headline(&report).starts_with("NOT THE SERVER: "), "{}", headline(&report));
    report.input.lead = None;
    report.totals.requests = report.totals.status_401 + report.totals.status_403;
    assert!(headline(&report).ends_with(" refused, so nobody is known good"), "{}", headline(&report));
}

#[test]
fn local_times_stand_beside_utc() -> Result<(), String> {
    let options = Options { zone: Some("Asia/Kolkata".parse()?), ..Options::new(cause_title) };
    let shown = render("terminal", &samples::deploy(), &options);
    assert!(shown.contains("2026-03-10 15:50:52 IST to 2026-03-10 17:46:31 IST, Asia/Kolkata"), "{shown}");
    let shown = render("html", &samples::deploy(), &options);
    assert!(shown.contains("<th scope=\"col\">UTC, and Asia/Kolkata</th>"), "{shown}");
    assert!(shown.contains("<time class=\"local\">2026-03-10 15:50:52 IST</time>"), "{shown}");
    let shown = render("markdown", &samples::deploy(), &options);
    assert!(shown.contains("2026-03-10 10:20:52 (2026-03-10 15:50:52 IST) **"), "{shown}");
    Ok(())
}

#[test]
fn a_quiet_log_makes_a_short_report() {
    assert!(terminal(&samples::quiet()).lines().count() <= 25);
    assert!(terminal(&Report::default()).lines().count() <= 25);
}

#[test]
fn a_fault_takes_a_screen_at_most() {
    let shown = terminal(&samples::deploy());
    let fault =
        shown.lines().skip_while(|line| !line.starts_with("SERVER-SIDE,")).take_while(|line| !line.is_empty()).count();
    assert!((10..=40).contains(&fault), "{fault} lines");
}

#[test]
fn the_first_line_is_the_answer() {
    let answers = [
        ("quiet", "NO 401 OR 403 in 12,345 requests"),
        (
            "deploy",
            "SERVER-SIDE FAULT: 161 clients refused (403) on /rest/2.0 since 2026-03-10 10:20 UTC, over at 12:16",
        ),
        (
            "attack",
            "NOT THE SERVER: 2 attacks, 1 client-side incident; 12,345 of 1,234,567 requests refused, nothing that known-good clients share",
        ),
        (
            "two_faults",
            "2 SERVER-SIDE FAULTS, 1 still on: 401 on /api/v2/orders and 1 more of shop.example for iOS 19 and 2 more (1 client, still on), 403 on /rest/2.0 (161 clients); since 2026-03-10 22:11 UTC",
        ),
        (
            "half_understood",
            "NO SERVER FAULT SEEN: no incident; 1 of 55 requests refused, nothing that known-good clients share (only 58 % of lines understood)",
        ),
        ("empty", "NO ANSWER: nothing to read, the log is empty"),
    ];
    for (name, report) in all() {
        if let Some((_, answer)) = answers.iter().find(|(of, _)| *of == name) {
            assert_eq!(headline(&report), *answer);
        }
    }
}

#[test]
fn the_answer_is_no_surer_than_its_grounds() {
    let mut report = samples::deploy();
    report.incidents[0].confidence = 0.7;
    report.incidents[0].end = None;
    report.incidents[0].status = 500;
    let suspected = "SUSPECTED SERVER-SIDE FAULT: 161 clients failed (500) on /rest/2.0 since 2026-03-10 10:20 UTC, \
                     still on at the log's end, 23:59";
    assert_eq!(headline(&report), suspected);

    report.incidents[0].verdict = Verdict::Undecided;
    let undecided = "UNDECIDED: 1 incident the log cannot decide; 1,576 of 48,211 requests refused, \
                     no server-side fault proven";
    assert_eq!(headline(&report), undecided);

    report.input.parsed = 0;
    report.incidents.clear();
    assert_eq!(headline(&report), "NO ANSWER: none of 48,211 lines could be understood");
    assert!(headline(&samples::hostile()).chars().all(|c| !is_active(c)));
}

#[test]
fn json_is_the_contract() -> Result<(), serde_json::Error> {
    for (name, report) in all() {
        let text = render("json", &report, &Options::new(cause_title));
        let json: serde_json::Value = serde_json::from_str(&text)?;
        assert_eq!(json["schema"], "authfault-report/1", "{name}");
        assert!(text.ends_with("}\n"));
        let top = keys_in_order(&text, "  \"");
        assert_eq!(
            top,
            ["schema", "tool", "input", "totals", "event_causes", "incidents", "windows", "clients", "limits"]
        );
        assert_eq!(json["incidents"].as_array().map(Vec::len), Some(report.incidents.len()));
    }
    let json: serde_json::Value =
        serde_json::from_str(&render("json", &samples::deploy(), &Options::new(cause_title)))?;
    let incident = &json["incidents"][0];
    assert_eq!(incident["verdict"], "server_side");
    assert_eq!(incident["confidence"], 0.973);
    assert_eq!(incident["requests_failed_expected"], 2.1);
    assert_eq!(incident["start"], "2026-03-10T10:20:52Z");
    assert_eq!(incident["scope"], serde_json::json!({"path_prefix": ["/rest/2.0"]}));
    assert_eq!(
        incident["evidence"][0]["figures"],
        serde_json::json!({"known_good": 158.0, "log_likelihood_ratio": 812.3})
    );
    Ok(())
}

#[test]
fn json_keys_of_an_incident_stand_in_the_order_of_the_contract() {
    let text = render("json", &samples::deploy(), &Options::new(cause_title));
    let expected = [
        "id",
        "verdict",
        "cause",
        "confidence",
        "severity",
        "state",
        "status",
        "start",
        "peak",
        "end",
        "detected_at",
        "scope",
        "spared",
        "clients_affected",
        "clients_active",
        "clients_known_good",
        "users_affected",
        "requests_failed",
        "requests_total",
        "requests_failed_expected",
        "evidence",
        "ruled_out",
        "next_checks",
        "samples",
        "timeline",
    ];
    let incidents: String =
        text.lines().skip_while(|line| !line.starts_with("  \"incidents\"")).map(|line| format!("{line}\n")).collect();
    let keys = keys_in_order(&incidents, "      \"");
    assert_eq!(keys.get(..expected.len()), Some(expected.as_slice()));
}

/// The keys that stand at one depth of pretty-printed JSON.
fn keys_in_order<'a>(text: &'a str, indent: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(indent)?.split_once("\":")).map(|(key, _)| key).collect()
}

#[test]
fn what_json_escapes_a_reader_gets_back() -> Result<(), serde_json::Error> {
    let json: serde_json::Value =
        serde_json::from_str(&render("json", &samples::hostile(), &Options::new(cause_title)))?;
    let raw = String::from_utf8_lossy(&samples::hostile_bytes()).into_owned();
    assert_eq!(json["incidents"][0]["next_checks"][0], raw.as_str());
    Ok(())
}

#[test]
fn csv_has_as_many_fields_in_every_row() {
    let text = render("csv", &samples::deploy(), &Options::new(cause_title));
    assert_eq!(text.lines().count(), 25);
    assert!(text.split_terminator("\r\n").all(|row| row.split(',').count() == 7));
}

#[test]
fn every_renderer_has_its_own_id_and_extension() {
    for one in RENDERERS {
        assert_eq!(renderer(one.id).map(|r| r.id), Some(one.id));
        assert_eq!(renderer_for_file(&format!("a.b.{}", one.extension.to_uppercase())).map(|r| r.id), Some(one.id));
    }
}
