//! Cases of other tools' test suites, where AUTHFAULT_DATA has them: each line goes through the library and what it
//! says is held against what that suite expects. What differs for a reason stands in `REASONED`; anything else fails.

use crate::data::{data, files};
use authfault::parse::{self, ClfMemo, LineParser, Parser, Readers, Scratch};
use regex::Regex;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Differences that stay: suite, a part of the case's name or line, and why.
const REASONED: &[(&str, &str, &str)] = &[
    ("apachelogs", "test_parse.json 6 ", "a status is 100 to 999"),
    ("apachelogs", "t\\xc3\\xa9st", "escapes are kept as they were logged"),
    ("apachelogs", "Mär", "Apache writes the names of months in English"),
    ("apachelogs", "%G--%V", "a date by its ISO week is not read: Apache's own %t and every usual shape name the day"),
    ("apachelogs", "1969", "before 1970: not believed"),
    ("axslogparser", "unescape", "the repacked case lost the end of what it expects"),
    ("axslogparser", "invalid request", "a target may hold blanks: the request is read, not thrown away"),
    ("axslogparser", "filled uri", "the request line, where it is logged, is what the server received"),
    (
        "crowdsec",
        "- req0",
        "the id of the request stands before the user there, and looks like a name with blanks; --log-format reads it",
    ),
    ("crowdsec", "\"http.log.access\"", "Caddy writes status 0 where the client went away: a status is 100 to 999"),
    ("crowdsec", "[Gzip 1.", "no line that Nginx Proxy Manager writes: its two formats are mixed"),
    ("crowdsec", "\" - - \"-\" \"Mozilla/5.00 (Nikto", "a line without a status says nothing about refusals"),
    ("crowdsec", "\"ClientHost\":\"192.168.1.100,", "of a list as the client, the first is meant"),
    ("filebeat", "](http://", "a line that an editor made links of"),
    ("logstash", "CLOUDFRONT", "blanks of a user agent are decoded, as a server would have logged them"),
    ("logstash", "TCP_MISS_ABORTED/000", "a status is 100 to 999"),
    ("logstash", "OPTIONS /remote.php/ HTTP/1.1\" - 7908", "a line without a status says nothing about refusals"),
];

/// What a suite expects of a line, by our names.
type Expected = BTreeMap<&'static str, String>;

struct Case {
    suite: &'static str,
    name: String,
    line: String,
    /// How its file is read.
    reader: LineParser,
    /// None where the line must not be read.
    expected: Option<Expected>,
}

enum Outcome {
    Passed,
    Differing(String),
}

#[test]
fn suites_of_other_tools_are_read_as_they_expect() {
    let Some(folder) = data("conformance") else { return };
    let (mut cases, mut unsupported) = (Vec::new(), BTreeMap::new());
    filebeat(&folder, &mut cases, &mut unsupported);
    crowdsec(&folder, &mut cases, &mut unsupported);
    apachelogs(&folder, &mut cases);
    axslogparser(&folder, &mut cases);
    logstash(&folder, &mut cases, &mut unsupported);
    telegraf(&folder, &mut cases, &mut unsupported);
    nielsbasjes(&folder, &mut cases, &mut unsupported);
    fluentd(&folder, &mut cases);
    traefik(&folder, &mut cases);
    mtail(&folder, &mut cases);

    let mut sums: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let (mut used, mut wrong) = (vec![false; REASONED.len()], Vec::new());
    for case in &cases {
        let sum = sums.entry(case.suite).or_default();
        match judge(case) {
            Outcome::Passed => sum[0] += 1,
            Outcome::Differing(how) => {
                sum[1] += 1;
                let reason = REASONED.iter().position(|(suite, part, _)| {
                    *suite == case.suite && format!("{} {}", case.name, case.line).contains(part)
                });
                match reason {
                    Some(at) => used[at] = true,
                    None => wrong.push(format!("{} {}: {how}\n    {}", case.suite, case.name, case.line)),
                }
            }
        }
    }
    for (suite, cases) in unsupported {
        sums.entry(suite).or_default()[2] += cases;
    }
    for (suite, [passed, differing, unsupported]) in &sums {
        eprintln!(
            "{suite:14} {passed:4} passed, {differing:3} differing, {unsupported:3} unsupported (not access logs)"
        );
    }
    assert!(wrong.is_empty(), "{} differ without a reason:\n{}", wrong.len(), wrong.join("\n"));
    let unused: Vec<_> = REASONED.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(unused.is_empty(), "no case differs for these reasons any more: {unused:?}");
}

fn judge(case: &Case) -> Outcome {
    let mut scratch = Scratch::default();
    let parsed = case.reader.parse(case.line.as_bytes(), &mut scratch);
    let (event, expected, format) = match (parsed, &case.expected) {
        (Err(_), None) => return Outcome::Passed,
        (Ok(_), None) => return Outcome::Differing("read, where nothing was expected".to_owned()),
        (Err(e), Some(_)) => return Outcome::Differing(format!("{} at column {}", e.reason.text(), e.column + 1)),
        (Ok((event, format)), Some(expected)) => {
            (event, expected, parse::FORMATS.get(format).map_or("custom", |f| f.id))
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let differs = |(name, expected): (&&'static str, &String)| {
        let (got, alternatives) = match *name {
            "client" => (text(event.client), vec![]),
            "user" => (text(event.user), vec![]),
            "time" => (event.time.rfc3339(), vec![]),
            "method" => (text(event.method), vec![]),
            "path" => {
                let target = text(event.target);
                let path = target.split('?').next().unwrap_or_default().to_owned();
                (target, vec![path])
            }
            "protocol" => (text(event.protocol), vec![text(event.protocol).replace("HTTP/", "")]),
            "status" => (event.status.to_string(), vec![]),
            "bytes" => (event.bytes.to_string(), vec![]),
            "referer" => (text(event.referer), vec![]),
            "agent" => (text(event.agent), vec![]),
            "vhost" => (text(event.vhost), vec![]),
            other => panic!("{other}"),
        };
        let wanted = nothing(expected);
        let is_same = |got: &String| {
            nothing(got) == wanted
                || unescaped(got) == wanted
                || *name == "path" && (wanted.ends_with(got.as_str()) && wanted.contains("://"))
                || *name == "vhost" && wanted.split(':').next() == Some(got)
                || *name == "bytes" && wanted.is_empty() && got == "0"
                // What is no request has no path; they take the whole of it for one.
                || *name == "path" && event.method.is_empty()
        };
        (!is_same(&got) && !alternatives.iter().any(is_same))
            .then(|| format!("{name} is {got:?}, expected {expected:?}"))
    };
    let all: Vec<String> = expected.iter().filter_map(differs).collect();
    if all.is_empty() { Outcome::Passed } else { Outcome::Differing(format!("as {format}: {}", all.join("; "))) }
}

/// Their suites write what is not there in several ways.
fn nothing(text: &str) -> &str {
    let text = text.trim_start_matches(['\\', '"']);
    let text = text.strip_suffix("\\\"").or(text.strip_suffix('"')).unwrap_or(text);
    if matches!(text, "-" | "nil" | "null" | "(String)null") { "" } else { text }
}

/// Some suites undo the servers' escapes.
fn unescaped(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\\\", "\\").replace("\\t", "\t")
}

// ---- reading as the program does ------------------------------------------------------------------------------

/// A line of a file, with what reads it: the guess by the whole file, or the header above.
fn lines_of(path: &Path) -> Vec<(usize, String, LineParser)> {
    let text = fs::read(path).unwrap();
    let readers = Readers::default();
    let all: Vec<&[u8]> = text.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect();
    let mut reader = readers
        .guess(&all)
        .map_or_else(|| readers.known(parse::FORMATS[0]), |guess| readers.known(guess.format).wrapped(guess.wrapped));
    let (mut lines, mut at) = (Vec::new(), 0);
    for raw in text.split(|b| *b == b'\n') {
        let line = raw.strip_suffix(b"\r").unwrap_or(raw);
        reader = readers.w3c(line).unwrap_or(reader);
        lines.push((at, String::from_utf8_lossy(line).into_owned(), reader.clone()));
        at += raw.len() + 1;
    }
    lines
}

/// A line alone.
fn alone(line: &str) -> LineParser {
    let readers = Readers::default();
    let lines: Vec<&[u8]> = line.lines().map(str::as_bytes).collect();
    readers
        .guess(&lines)
        .map_or_else(|| readers.known(parse::FORMATS[0]), |guess| readers.known(guess.format).wrapped(guess.wrapped))
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Their names to ours; the first that is there counts.
fn renamed(get: impl Fn(&str) -> Option<String>, names: &[(&'static str, &str)]) -> Expected {
    let mut expected = Expected::new();
    for (ours, theirs) in names {
        if let Some(value) = get(theirs) {
            expected.entry(*ours).or_insert(value);
        }
    }
    expected
}

/// `2016-12-07T10:05:07.000Z` and the like as we write it.
fn whole_seconds(time: &str) -> String {
    parse::iso8601(time.as_bytes()).map_or_else(|_| time.to_owned(), |t| t.rfc3339())
}

// ---- the suites -----------------------------------------------------------------------------------------------

fn filebeat(folder: &Path, cases: &mut Vec<Case>, unsupported: &mut BTreeMap<&'static str, usize>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "source.address"),
        ("user", "user.name"),
        ("time", "@timestamp"),
        ("method", "http.request.method"),
        ("path", "url.original"),
        ("protocol", "http.version"),
        ("status", "http.response.status_code"),
        ("bytes", "http.response.body.bytes"),
        ("bytes", "http.response.bytes"),
        ("referer", "http.request.referrer"),
        ("agent", "user_agent.original"),
    ];
    for path in files(&folder.join("filebeat"), "-expected.json") {
        let log = path.with_file_name(path.file_name().unwrap().to_str().unwrap().replace("-expected.json", ""));
        let lines = lines_of(&log);
        for wanted in json(path.clone()).as_array().unwrap() {
            let has = |key: &str| wanted.get(key).is_some();
            let offset = wanted["log.offset"].as_u64().unwrap() as usize;
            let (_, line, reader) = lines.iter().find(|(at, _, _)| *at == offset).unwrap();
            if !has("http.response.status_code") || !has("source.address") || path.to_str().unwrap().contains("/error/")
            {
                *unsupported.entry("filebeat").or_default() += 1;
                continue;
            }
            let mut expected = renamed(|key| wanted.get(key).and_then(text), NAMES);
            if let Some(time) = expected.get_mut("time") {
                *time = whole_seconds(time);
            }
            // Several addresses: theirs is the first public one, the field as logged begins with the client.
            if wanted.get("nginx.access.remote_ip_list").and_then(Value::as_array).is_some_and(|l| l.len() > 1) {
                expected.remove("client");
            }
            if line.contains("haproxy[") {
                // Read from the syslog header, in a zone of the test's own.
                expected.remove("time");
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            cases.push(Case {
                suite: "filebeat",
                name,
                line: line.clone(),
                reader: reader.clone(),
                expected: Some(expected),
            });
        }
    }
}

fn crowdsec(folder: &Path, cases: &mut Vec<Case>, unsupported: &mut BTreeMap<&'static str, usize>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "source_ip"),
        ("method", "http_verb"),
        ("path", "http_path"),
        ("protocol", "http_version"),
        ("protocol", "httpversion"),
        ("status", "http_status"),
        ("agent", "http_user_agent"),
        ("bytes", "body_bytes_sent"),
        ("bytes", "bytes"),
        ("referer", "http_referer"),
        ("referer", "referrer"),
        ("user", "remote_user"),
        ("user", "auth"),
    ];
    let row = Regex::new(
        r#"^results\["s01-parse"\]\["([^"]*)"\]\[(\d+)\]\.Evt\.(?:Parsed|Meta)\["([^"]*)"\] == ("(?:[^"\\]|\\.)*")$"#,
    )
    .unwrap();
    for path in files(&folder.join("crowdsec-hub"), "parser.assert") {
        let mut events: BTreeMap<(String, usize), BTreeMap<String, String>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&fs::read(&path).unwrap()).lines() {
            let Some(found) = row.captures(line) else { continue };
            let Ok(value) = serde_json::from_str::<String>(&found[4]) else { continue };
            let key = (found[1].to_owned(), found[2].parse().unwrap());
            events.entry(key).or_default().insert(found[3].to_owned(), value);
        }
        let logs = files(path.parent().unwrap(), ".log");
        let lines = logs.first().map(|log| lines_of(log)).unwrap_or_default();
        let lines: Vec<_> = lines.into_iter().filter(|(_, line, _)| !line.trim().is_empty()).collect();
        for ((parser, _), values) in events {
            let is_access = values.get("log_type").is_some_and(|t| t == "http_access-log");
            let message = values.get("message").cloned().unwrap_or_default();
            let line = lines.iter().find(|(_, line, _)| !message.is_empty() && plain(line).contains(&plain(&message)));
            let (Some((_, line, reader)), true) = (line, is_access) else {
                *unsupported.entry("crowdsec").or_default() += 1;
                continue;
            };
            let mut expected = renamed(|key| values.get(key).cloned(), NAMES);
            // Caddy's and others' pipelines fill it in later.
            if expected.get("status").is_some_and(|s| s == "0") {
                expected.remove("status");
            }
            cases.push(Case {
                suite: "crowdsec",
                name: format!("{} {parser}", path.parent().unwrap().file_name().unwrap().display()),
                line: line.clone(),
                reader: reader.clone(),
                expected: Some(expected),
            });
        }
    }
}

/// To find a message in its line whatever was escaped.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

/// A template that lacks what an event needs gets it in front, and so does its line.
fn completed(format: &str, line: &str) -> (String, String) {
    let parser = Parser::from_template(format).unwrap_or_else(|e| panic!("{format}: {e}"));
    let is_nginx = format.contains('$');
    let (mut head, mut text) = (String::new(), String::new());
    for missing in parser.missing() {
        let (variable, value) = match (missing, is_nginx) {
            ("time", true) => ("[$time_local] ", "[10/Mar/2026:10:20:52 +0000] "),
            ("time", false) => ("%t ", "[10/Mar/2026:10:20:52 +0000] "),
            ("client", true) => ("$remote_addr ", "192.0.2.7 "),
            ("client", false) => ("%h ", "192.0.2.7 "),
            (_, true) => ("$status ", "200 "),
            (_, false) => ("%>s ", "200 "),
        };
        head += variable;
        text += value;
    }
    (head + format, text + line)
}

fn by_template(suite: &'static str, name: String, format: &str, line: &str, expected: Expected) -> Case {
    let (format, line) = completed(format, line);
    let parser = Parser::from_template(&format).unwrap_or_else(|e| panic!("{format}: {e}"));
    Case { suite, name, line, reader: Readers::default().custom(&parser), expected: Some(expected) }
}

/// A time that the suite wrote as Python; none where it has no zone of its own.
fn python_time(text: &str) -> Option<String> {
    let found =
        Regex::new(r"datetime\((\d+), (\d+), (\d+), (\d+), (\d+), (\d+)(?:, \d+)?(?:, tzinfo=(.*))?\)").unwrap();
    let found = found.captures(text)?;
    let n = |i: usize| found[i].parse::<u32>().unwrap();
    let zone = found.get(7).map_or("", |zone| zone.as_str().split("))").next().unwrap_or_default());
    let mktz = Regex::new(r"^mktz\((-?\d+), (-?\d+)").unwrap();
    let hours = Regex::new(r"^timezone\(timedelta\(hours=(-?\d+)").unwrap();
    let zone = match zone.split([',', '}', ')']).next().unwrap_or_default() {
        "timezone.utc" | "utc" | "UTC" | "" => "+00:00".to_owned(),
        named if named.len() == 2 && named.starts_with(['e', 'w']) => {
            format!("{}0{}:00", if named.starts_with('e') { '+' } else { '-' }, &named[1..])
        }
        _ => {
            let (h, m) = match (mktz.captures(zone), hours.captures(zone)) {
                (Some(z), _) => (z[1].parse::<i32>().unwrap(), z[2].parse::<i32>().unwrap()),
                (_, Some(z)) => (z[1].parse::<i32>().unwrap(), 0),
                _ => panic!("{zone}"),
            };
            let sign = if h < 0 || m < 0 || zone.starts_with("mktz(-") { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", h.abs(), m.abs())
        }
    };
    let text = format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}", n(1), n(2), n(3), n(4), n(5), n(6));
    Some(whole_seconds(&text))
}

fn apachelogs(folder: &Path, cases: &mut Vec<Case>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "remote_host"),
        ("client", "remote_address"),
        ("user", "remote_user"),
        ("method", "request_method"),
        ("path", "request_uri"),
        ("protocol", "request_protocol"),
        ("status", "final_status"),
        ("status", "status"),
        ("bytes", "bytes_sent"),
    ];
    let time = Regex::new(r"'(?:\w+_)?request_time': (datetime\(.*)").unwrap();
    let folder = folder.join("apachelogs");
    for file in ["test_parse.json", "test_parse_custom_time.json"] {
        for (i, case) in json(folder.join(file)).as_array().unwrap().iter().enumerate() {
            let format = match case["fmt"]["py"].as_str() {
                Some("COMBINED") => "combined".to_owned(),
                Some("VHOST_COMBINED") => "vhost_combined".to_owned(),
                _ => case["fmt"].as_str().unwrap().to_owned(),
            };
            let fields = &case["fields"];
            let python = fields["py"].as_str().unwrap_or_default();
            let of_python = |key: &str| {
                let rest = python.split(&format!("'{key}': ")).nth(1)?;
                let value = rest.strip_prefix('\'').map_or_else(
                    || rest.split([',', '}']).next(),
                    |quoted| quoted.split("', ").next().map(|v| v.trim_end_matches(['\'', '}'])),
                )?;
                Some(if value == "None" { String::new() } else { value.to_owned() })
            };
            let mut expected = renamed(|key| fields.get(key).and_then(text).or_else(|| of_python(key)), NAMES);
            let line = fields.get("request_line").and_then(text).or_else(|| of_python("request_line"));
            let mut words = line.iter().flat_map(|l| l.split(' '));
            for name in ["method", "path", "protocol"] {
                if let Some(word) = words.next() {
                    expected.insert(name, word.to_owned());
                }
            }
            if let Some(time) = time.captures(python).and_then(|found| python_time(&found[1])) {
                expected.insert("time", time);
            }
            let line = case["entry"].as_str().unwrap();
            cases.push(by_template("apachelogs", format!("{file} {i} {format}"), &format, line, expected));
        }
    }
    for case in json(folder.join("test_parse_apache_timestamp.json")).as_array().unwrap() {
        let time = case["ts"].as_str().unwrap();
        let expected = case["dt"]["py"].as_str().map(|py| Expected::from([("time", python_time(py).unwrap())]));
        let line = format!("192.0.2.7 200 {}", time.trim_matches(['[', ']']));
        let parser = Parser::from_template("%h %>s %{%d/%b/%Y:%H:%M:%S %z}t").unwrap();
        let reader = Readers::default().custom(&parser);
        cases.push(Case { suite: "apachelogs", name: format!("timestamp {time}"), line, reader, expected });
        let bare = time.trim_matches(['[', ']']);
        assert_eq!(
            parse::clf(bare.as_bytes(), &mut ClfMemo::default()).is_ok(),
            case["dt"]["py"].is_string() && !bare.contains("1969")
        );
    }
    for (_, line, reader) in lines_of(&folder.join("vhost_combined.log")) {
        if !line.is_empty() {
            let expected = (line != "Bad line").then(|| Expected::from([("client", "203.62.1.80".to_owned())]));
            cases.push(Case { suite: "apachelogs", name: "vhost_combined.log".to_owned(), line, reader, expected });
        }
    }
}

/// `time.Date(2017, time.June, 11, 5, 56, 4, 0, loc)` of Go, where loc is nine hours east.
fn go_time(text: &str) -> Option<String> {
    let found = Regex::new(r"time\.Date\((\d+), time\.(\w{3})\w*, (\d+), (\d+), (\d+), (\d+)").unwrap();
    let found = found.captures(text)?;
    let clf = format!(
        "{:0>2}/{}/{}:{:0>2}:{:0>2}:{:0>2} +0900",
        &found[3], &found[2], &found[1], &found[4], &found[5], &found[6]
    );
    parse::clf(clf.as_bytes(), &mut ClfMemo::default()).ok().map(|t| t.rfc3339())
}

fn axslogparser(folder: &Path, cases: &mut Vec<Case>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "Host"),
        ("vhost", "VirtualHost"),
        ("user", "User"),
        ("method", "Method"),
        ("path", "RequestURI"),
        ("protocol", "Protocol"),
        ("status", "Status"),
        ("bytes", "Size"),
        ("referer", "Referer"),
        ("agent", "UserAgent"),
    ];
    for case in json(folder.join("axslogparser/cases.json")).as_array().unwrap() {
        let line = case["input"].as_str().unwrap().to_owned();
        let wanted = &case["expected"];
        let mut expected = renamed(|key| wanted.get(key).and_then(text), NAMES);
        if let Some(time) = wanted["Time"].as_str().and_then(go_time) {
            expected.insert("time", time);
        }
        let fails = wanted.get("error_contains").is_some();
        let name = case["name"].as_str().unwrap().to_owned();
        let reader = alone(&line);
        cases.push(Case { suite: "axslogparser", name, line, reader, expected: (!fails).then_some(expected) });
    }
}

fn pairs(case: &Value) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for pair in case["expected_pairs"].as_array().unwrap().iter().filter_map(Value::as_array) {
        let value = |i: usize| pair.get(i).and_then(text).unwrap_or_default();
        pairs.entry(value(0)).or_insert(value(1));
    }
    pairs
}

fn logstash(folder: &Path, cases: &mut Vec<Case>, unsupported: &mut BTreeMap<&'static str, usize>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "clientip"),
        ("client", "client_ip"),
        ("user", "auth"),
        ("method", "verb"),
        ("method", "http_verb"),
        ("method", "method"),
        ("protocol", "httpversion"),
        ("protocol", "http_version"),
        ("status", "response"),
        ("status", "http_status_code"),
        ("status", "status_code"),
        ("agent", "agent"),
    ];
    for file in files(&folder.join("logstash-patterns-core"), "_cases.json") {
        for case in json(file).as_array().unwrap() {
            let pattern = case["pattern"].as_str().unwrap().to_owned();
            if matches!(pattern.as_str(), "HTTPD_ERRORLOG" | "HAPROXYTCP") {
                *unsupported.entry("logstash").or_default() += 1;
                continue;
            }
            let values = pairs(case);
            let mut expected = renamed(|key| values.get(key).cloned(), NAMES);
            // Their pairs name a balancer's two statuses alike.
            if pattern == "ELB_ACCESS_LOG" {
                expected.remove("status");
            }
            let line = case["message"].as_str().unwrap().to_owned();
            let reader = alone(&line);
            cases.push(Case { suite: "logstash", name: pattern, line, reader, expected: Some(expected) });
        }
    }
}

fn telegraf(folder: &Path, cases: &mut Vec<Case>, unsupported: &mut BTreeMap<&'static str, usize>) {
    for case in json(folder.join("telegraf-grok/cases.json")).as_array().unwrap() {
        let name = case["test"].as_str().unwrap();
        if !matches!(name, "TestMeasurementName" | "TestCLF_IPv6") && !name.starts_with("TestBuiltin") {
            *unsupported.entry("telegraf").or_default() += 1;
            continue;
        }
        let values = pairs(case);
        let bare = |key: &str| {
            let value = values.get(key)?;
            Some(
                value
                    .trim_matches('"')
                    .trim_start_matches("int64(")
                    .trim_start_matches("float64(")
                    .trim_end_matches(')')
                    .to_owned(),
            )
        };
        let names = [
            ("user", "auth"),
            ("method", "verb"),
            ("path", "request"),
            ("protocol", "http_version"),
            ("status", "resp_code"),
            ("bytes", "resp_bytes"),
        ];
        for (i, line) in case["inputs"].as_array().unwrap().iter().filter_map(Value::as_str).enumerate() {
            let mut expected = renamed(bare, &names);
            if i == 0 {
                expected.extend(bare("client_ip").map(|client| ("client", client)));
            }
            cases.push(Case {
                suite: "telegraf",
                name: name.to_owned(),
                line: line.to_owned(),
                reader: alone(line),
                expected: Some(expected),
            });
        }
    }
}

fn nielsbasjes(folder: &Path, cases: &mut Vec<Case>, unsupported: &mut BTreeMap<&'static str, usize>) {
    const NAMES: &[(&str, &str)] = &[
        ("client", "IP:connection.client.host"),
        ("client", "IP:connection.client.ip"),
        ("user", "STRING:connection.client.user"),
        ("method", "HTTP.METHOD:request.firstline.method"),
        ("status", "STRING:request.status.last"),
        ("agent", "HTTP.USERAGENT:request.user-agent"),
        ("referer", "HTTP.URI:request.referer"),
    ];
    for case in json(folder.join("nielsbasjes-logparser/cases.json")).as_array().unwrap() {
        let formats = &case["formats"];
        let format = formats.get("logFormat").or(formats.get("logformat")).and_then(Value::as_str);
        let name = case["test"].as_str().unwrap();
        let inputs: Vec<&str> = case["inputs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        // Inputs that are the name of a variable in the test's code, and one that is the text of a time alone.
        let inputs: Vec<&str> =
            inputs.into_iter().filter(|i| !matches!(*i, "logline" | "logLine" | "2017-12-25 00:00:00")).collect();
        let (Some(format), false) = (format, inputs.is_empty()) else {
            *unsupported.entry("nielsbasjes").or_default() += 1;
            // That it compiles is all that can be asked.
            if let Some(format) = format {
                assert!(Parser::from_template(format).is_ok(), "{format}");
            }
            continue;
        };
        let values: BTreeMap<String, String> = case["expected"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), text(&pair[1])?)))
            .rev()
            .collect();
        let mut expected = renamed(|key| values.get(key).filter(|v| *v != "(String").cloned(), NAMES);
        let epoch = ["request.receive.time.epoch", "request.receive.time.last.epoch"]
            .iter()
            .find_map(|key| values.get(&format!("TIME.EPOCH:{key}")))
            .and_then(|ms| parse::epoch(ms.trim_end_matches('L').as_bytes()).ok());
        if let Some(time) = epoch {
            expected.insert("time", time.rfc3339());
        }
        for line in inputs {
            cases.push(by_template("nielsbasjes", format!("{name} {format}"), format, line, expected.clone()));
        }
    }
}

fn fluentd(folder: &Path, cases: &mut Vec<Case>) {
    for (file, client) in [("apache2_cases.json", "192.168.0.1"), ("nginx_cases.json", "127.0.0.1")] {
        for case in json(folder.join("fluentd").join(file))["cases"].as_array().unwrap() {
            let line = case["input"].as_str().unwrap().to_owned();
            let mut expected = Expected::from([
                ("client", client.to_owned()),
                ("time", "2013-02-28T03:00:00Z".to_owned()),
                ("method", "GET".to_owned()),
                ("status", "200".to_owned()),
                ("bytes", "777".to_owned()),
            ]);
            if line.contains("Opera") {
                expected.extend([("agent", "Opera/12.0".to_owned()), ("referer", String::new())]);
            }
            let reader = alone(&line);
            cases.push(Case { suite: "fluentd", name: file.to_owned(), line, reader, expected: Some(expected) });
        }
    }
}

fn traefik(folder: &Path, cases: &mut Vec<Case>) {
    let found = Regex::new(r#"^(\S+) - (\S+) \[.*\] "(\S+) .*" (\d{3}) (\S+) "(.*?)" "((?:[^"\\]|\\.)*)""#).unwrap();
    for file in ["clf_parser_inputs.json", "clf_formatter_cases.json"] {
        for case in json(folder.join("traefik").join(file)).as_array().unwrap() {
            let line = case["line"].as_str().or(case["input"].as_str()).unwrap().to_owned();
            let expected = found.captures(&line).map(|found| {
                let names = ["client", "user", "method", "status", "bytes", "referer", "agent"];
                names.iter().enumerate().map(|(i, name)| (*name, found[i + 1].to_owned())).collect()
            });
            let reader = alone(&line);
            cases.push(Case { suite: "traefik", name: file.to_owned(), line, reader, expected });
        }
    }
}

fn mtail(folder: &Path, cases: &mut Vec<Case>) {
    let found =
        Regex::new(r#"^(\S+) (?:\S+) - \[[^\]]*\] "(\S+) (\S+) [^"]*" (\d+) (\S+) .*"([^"]*)" "([^"]*)"$"#).unwrap();
    for file in ["apache-combined.log", "apache-common.log", "lighttpd_access.log"] {
        for (_, line, reader) in lines_of(&folder.join("mtail").join(file)) {
            let Some(found) = found.captures(&line) else { continue };
            let names = ["client", "method", "path", "status", "bytes", "referer", "agent"];
            let mut expected: Expected =
                names.iter().enumerate().map(|(i, name)| (*name, found[i + 1].to_owned())).collect();
            if expected["client"] == "-" {
                // lighttpd's %h is the first of X-Forwarded-For there; the address in second place is the client.
                expected.insert("client", "127.0.0.1".to_owned());
            }
            cases.push(Case { suite: "mtail", name: file.to_owned(), line, reader, expected: Some(expected) });
        }
    }
}
