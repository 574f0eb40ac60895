//! Logs written by somebody who wants to stop the program, to slow it down or to act on the reader's terminal.

use crate::support::{Dice, adds_up, put, run, run_in, run_in_a_gigabyte, workshop};
use authfault::report::RENDERERS;
use std::{
    ffi::OsStr,
    time::{Duration, Instant},
};

/// More than any of these logs takes, even in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs all renderers over a log and holds them to what is promised of every log. Gives the number of lines parsed.
fn survives(name: &str, text: &[u8]) -> u64 {
    let dir = workshop();
    let path = put(dir.path(), "access.log", text);
    let began = Instant::now();
    let mut parsed = 0;
    for output in ["terminal", "json", "csv"] {
        let run = run([OsStr::new("--output"), OsStr::new(output), path.as_os_str()]);
        let is_known = matches!(run.code, Some(0 | 2));
        assert!(is_known, "{name}: {:?}: {}", run.code, run.err);
        let line_end = if output == "csv" { "\r\n" } else { "\n" };
        inert(name, &run.out.replace(line_end, "\n"));
        inert(name, &run.err);
        assert!(!run.err.contains("panicked"), "{name}: {}", run.err);
        if output == "json" && !run.out.is_empty() {
            let report = run.report();
            adds_up(&report);
            parsed = report["input"]["parsed"].as_u64().unwrap();
            let expected = text.split_inclusive(|b| *b == b'\n').count() as u64;
            assert_eq!(report["input"]["lines"], expected, "{name}: lines");
        }
    }
    // All formats at once, as files.
    let files: Vec<String> = RENDERERS.iter().map(|renderer| format!("report.{}", renderer.extension)).collect();
    let args = files.iter().flat_map(|file| ["-o", file]).chain([path.to_str().unwrap()]);
    let run = run_in(dir.path(), args);
    assert!(matches!(run.code, Some(0 | 2)) && !run.err.contains("panicked"), "{name}: {}", run.err);
    for file in &files {
        let written = std::fs::read(dir.path().join(file)).unwrap_or_default();
        let written = String::from_utf8(written).unwrap_or_else(|e| panic!("{name}: {file}: {e}"));
        inert(name, &written.replace("\r\n", "\n"));
        assert!(!written.to_lowercase().contains("<script>") || !file.ends_with(".html"), "{name}: a script");
    }
    assert!(began.elapsed() < LIMIT, "{name}: took {:?}", began.elapsed());
    parsed
}

/// Nothing in a text can act on a terminal, hide or reorder what is read.
fn inert(name: &str, text: &str) {
    for c in text.chars() {
        let is_active = (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        assert!(!is_active, "{name}: U+{:04X} in the output", c as u32);
    }
}

/// A combined line with one field chosen by the enemy.
fn line(second: usize, field: &str, value: &[u8]) -> Vec<u8> {
    let (minute, second) = (second / 60 % 60, second % 60);
    let pick = |name: &str, usual: &'static [u8]| if name == field { value } else { usual };
    let mut line = Vec::new();
    for part in [
        pick("client", b"192.0.2.7"),
        b" - ",
        pick("user", b"-"),
        format!(" [10/Mar/2026:11:{minute:02}:{second:02} +0100] \"GET ").as_bytes(),
        pick("path", b"/private/"),
        b" HTTP/1.1\" 401 179 \"",
        pick("referer", b"-"),
        b"\" \"",
        pick("agent", b"curl/8.5.0"),
        b"\"\n",
    ] {
        line.extend_from_slice(part);
    }
    line
}

const FIELDS: [&str; 5] = ["client", "user", "path", "referer", "agent"];

#[test]
fn escapes_controls_and_bidi_in_every_field() {
    let values: Vec<Vec<u8>> = [
        "\u{1b}[2J\u{1b}[31mgone",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;https://evil.example/\u{1b}\\click\u{1b}]8;;\u{1b}\\",
        "\u{9b}31m",
        "a\rb",
        "a\u{8}\u{8}b",
        "\t",
        "\u{7f}",
        "\u{202e}txt.exe",
        "\u{2066}a\u{2069}",
        "\u{200b}\u{feff}",
        "\u{2028}",
        "\0",
        "\u{e0041}",
        "'; rm -rf / #",
        "`id`",
        "$(id)",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "\\x22\\x0a",
        "\\u001b[2J",
        "{\"a\":1}",
        "%1b%5b2J",
    ]
    .iter()
    .map(|v| v.as_bytes().to_vec())
    .chain([b"\xff\xfe\xfd".to_vec(), b"\xc3".to_vec(), b"\xed\xa0\x80".to_vec(), b"\x80\x81".to_vec()])
    .collect();
    for field in FIELDS {
        let mut text = Vec::new();
        for (i, value) in values.iter().enumerate() {
            // Enough of each that it reaches the tables of the report.
            for repeat in 0..30 {
                text.extend(line(i * 30 + repeat, field, value));
            }
        }
        let parsed = survives(field, &text);
        assert!(field == "client" || parsed > 300, "{field}: only {parsed} lines reached the report");
    }
}

#[test]
fn json_lines_with_escapes_in_them() {
    let mut text = Vec::new();
    for i in 0..600 {
        let value = ["\\u001b[2J", "\\u202e", "\\ud83d", "\\u0000", "\\n\\n", "\\\"", "\u{1b}[2J"][i % 7];
        text.extend_from_slice(
            format!(
                "{{\"time_iso8601\":\"2026-03-10T11:{:02}:{:02}+01:00\",\"remote_addr\":\"192.0.2.{}\",\"remote_user\":\"{value}\",\
                 \"request\":\"GET /{value} HTTP/1.1\",\"status\":401,\"body_bytes_sent\":179,\"http_user_agent\":\"{value}\",\"host\":\"{value}\"}}\n",
                i / 60, i % 60, i % 5
            )
            .as_bytes(),
        );
    }
    assert!(survives("json", &text) > 400);
}

#[test]
fn lines_of_a_megabyte() {
    for field in FIELDS {
        let mut text = line(0, "", b"");
        for (i, value) in [&b"a"[..], b"/a", b"\\", b" ", b"a b", b"\xff", b"%", b"/1"].iter().enumerate() {
            text.extend(line(i, field, &value.repeat((1 << 20) / value.len())));
        }
        text.extend(line(9, "", b""));
        survives(field, &text);
    }
    let mut endless = line(0, "", b"");
    endless.extend(vec![b'a'; 5 << 20]);
    survives("a line without end", &endless);
}

#[test]
fn holes_of_nul_bytes() {
    let one = line(0, "", b"");
    for (name, text) in [
        ("between lines", [&one[..], &vec![0; 100_000], &one].concat()),
        ("at the end", [&one[..], &one, &vec![0; 1 << 20]].concat()),
        ("at the start", [&vec![0; 5000][..], b"\n", &one, &one].concat()),
        ("in every line", one.iter().flat_map(|b| [*b, 0]).collect::<Vec<u8>>().repeat(50)),
    ] {
        survives(name, &text);
    }
    survives("only NULs", &vec![0; 50_000]);
}

#[test]
fn nothing_but_line_ends() {
    survives("newlines", &vec![b'\n'; 300_000]);
    survives("carriage returns", &b"\r\n".repeat(100_000));
    survives("blanks", &b"   \n\t\n#\n".repeat(30_000));
}

/// A hundred thousand of everything that is remembered by name.
#[test]
fn floods_of_distinct_values() {
    for field in FIELDS {
        let mut text = Vec::new();
        for i in 0..100_000usize {
            let value = match field {
                "client" => format!("10.{}.{}.{}", i >> 16 & 255, i >> 8 & 255, i & 255),
                "path" => format!("/{:x}/{:x}/{i}?{i}", i.wrapping_mul(7919) & 0xfff, i % 97),
                "agent" => format!("Mozilla/5.0 (X11; {i}) Firefox/{}.{}", i % 300, i % 7),
                _ => format!("name-{i}"),
            };
            text.extend(line(i / 30, field, value.as_bytes()));
        }
        assert_eq!(survives(field, &text), 100_000, "{field}");
    }
}

#[test]
fn times_all_over_the_place() {
    let mut text = Vec::new();
    for year in (1960..2200).step_by(3) {
        for (day, zone) in [(1, "+0000"), (28, "-1200"), (30, "+1400"), (31, "+9999")] {
            text.extend_from_slice(
                format!(
                    "192.0.2.7 - a [{day:02}/Jan/{year}:23:59:60 {zone}] \"GET / HTTP/1.1\" 401 179 \"-\" \"curl/8\"\n"
                )
                .as_bytes(),
            );
        }
    }
    assert!(survives("times", &text) > 100);
}

/// One line with a wrong year must not become a million windows.
#[test]
fn a_century_between_two_lines() {
    let two = "192.0.2.7 - a [01/Jan/1971:00:00:00 +0000] \"GET / HTTP/1.1\" 401 179 \"-\" \"curl/8\"\n\
               192.0.2.7 - a [01/Jan/2100:00:00:00 +0000] \"GET / HTTP/1.1\" 401 179 \"-\" \"curl/8\"\n";
    let dir = workshop();
    let path = put(dir.path(), "access.log", two.as_bytes());
    let began = Instant::now();
    for window in ["5m", "1s"] {
        let run = run_in_a_gigabyte(["--threads", "2", "--output", "json", "--window", window, path.to_str().unwrap()]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "windows of {window}");
        assert!(run.out.len() < 100_000, "windows of {window}: {} bytes", run.out.len());
        adds_up(&run.report());
    }
    assert!(began.elapsed() < LIMIT / 4, "took {:?}", began.elapsed());
}

#[test]
fn random_bytes_and_damaged_logs() {
    let mut dice = Dice::new(7);
    let good: Vec<u8> = (0..2000).flat_map(|i| line(i, "user", format!("u{}", i % 50).as_bytes())).collect();
    for round in 0..12 {
        let mut text = good.clone();
        for _ in 0..(50 << (round / 2)) {
            let at = dice.below(text.len());
            match dice.below(4) {
                0 => text[at] = dice.below(256) as u8,
                1 => text[at] = b"\"\\ []\n\0{}"[dice.below(9)],
                2 => drop(text.drain(at..(at + dice.below(40)).min(text.len()))),
                _ => {
                    let piece = text[at..(at + dice.below(60)).min(text.len())].to_vec();
                    let to = dice.below(text.len());
                    text.splice(to..to, piece);
                }
            }
        }
        survives("damaged", &text);
    }
    for size in [1, 2, 100, 10_000, 300_000] {
        // A head of text, so that the file is taken for a log at all.
        let mut text = good[..good.len() / 2].to_vec();
        text.extend((0..size).map(|_| dice.below(256) as u8));
        survives("random tail", &text);
    }
}

/// Whatever a client sent, its story can be told.
#[test]
fn stories_of_clients_that_send_anything() {
    let mut text = Vec::new();
    let values = ["\u{1b}[2J", "\u{202e}x", "\u{200b}", "\u{9b}31m", "a b \\x22", "<script>"];
    for i in 0..3000 {
        let field = ["path", "agent", "user"][i % 3];
        text.extend(line(i, field, values[i / 3 % values.len()].as_bytes()));
    }
    text.extend(line(5, "agent", &[0xff, 0xfe, 0x1b]));
    let dir = workshop();
    let path = put(dir.path(), "access.log", &text);
    for output in ["terminal", "json"] {
        let run = run([
            OsStr::new("explain"),
            OsStr::new("192.0.2.7"),
            path.as_os_str(),
            OsStr::new("--output"),
            OsStr::new(output),
        ]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        inert(output, &run.out);
        assert!(run.out.len() < 5_000_000, "{output}: {} bytes", run.out.len());
        if output == "json" {
            serde_json::from_str::<serde_json::Value>(&run.out).unwrap();
        }
    }
}

/// An error log is written with what strangers sent, and nothing in it is escaped.
#[test]
fn error_logs_with_anything_in_them() {
    let mut access = Vec::new();
    let mut errors = Vec::new();
    for i in 0..600 {
        access.extend(line(i, "user", b"mira"));
        let value = [
            "\u{1b}[2J",
            "\u{202e}",
            "'; reboot #",
            "`id`",
            "\", client: 203.0.113.9",
            "<script>",
            "\u{200b}",
            "{path}",
        ][i % 8];
        let (minute, second) = (i / 60 % 60, i % 60);
        let stamp = format!("2026/03/10 11:{minute:02}:{second:02} [error] 7#7: *{i} ");
        let context = format!(
            ", client: 192.0.2.7, server: a{value}, request: \"GET /private/{value} HTTP/1.1\", host: \"{value}\"\n"
        );
        for message in [
            format!("user \"{value}\" was not found in \"/etc/{value}\""),
            format!("user \"{value}\": password mismatch"),
            format!("open() \"/etc/{value}passwd\" failed (13: Permission denied)"),
            format!("[client 192.0.2.7] ModSecurity: Access denied with code 401 [id \"{value}\"] [uri \"/private\"]"),
        ] {
            errors.extend_from_slice(format!("{stamp}{message}{context}").as_bytes());
        }
        errors.extend_from_slice(b"\xff\xfe\0 [[[ \x1b]0;x\x07\n");
    }
    errors.extend(vec![b'['; 3 << 20]);
    let dir = workshop();
    let (access, errors) = (put(dir.path(), "access.log", &access), put(dir.path(), "error\u{202e}.log", &errors));
    for output in ["terminal", "json", "csv"] {
        let args = [
            OsStr::new("--output"),
            OsStr::new(output),
            access.as_os_str(),
            OsStr::new("--error-log"),
            errors.as_os_str(),
        ];
        let run = run(args);
        assert_eq!(run.code, Some(0), "{output}: {}", run.err);
        inert(output, &run.out.replace("\r\n", "\n"));
        inert(output, &run.err);
        if output == "json" {
            let report = run.report();
            assert!(report["incidents"].to_string().contains("the error log says"), "the notes reached the report");
            for incident in report["incidents"].as_array().unwrap() {
                let checks = incident["next_checks"].to_string();
                assert!(!checks.contains("reboot") && !checks.contains("`id`"), "{checks}");
            }
        }
    }
}

/// Names of files are strangers' bytes too.
#[test]
fn hostile_file_names() {
    use std::os::unix::ffi::OsStrExt;
    let dir = workshop();
    for name in
        [&b"access\x1b[2J.log"[..], b"access\n.log", "access\u{202e}.log".as_bytes(), b"access\xff.log", b"-access.log"]
    {
        let path = dir.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, line(0, "", b"")).unwrap();
    }
    for output in ["terminal", "json"] {
        let run = run([OsStr::new("--output"), OsStr::new(output), dir.path().as_os_str()]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        inert("file names", &run.out);
        inert("file names", &run.err);
    }
}
