//! What operators may say about a log's format, and what comes of it: wrappers, headers in the middle of a file, zones,
//! proxies, keys, templates, a server's configuration, packed files, the doctor; and what becomes of every odd line.

use crate::support::{Dice, Run, authfault, fixture, gzip, pipe, put, report, root, run, workshop};
use authfault::{
    model::logged::inert,
    parse::{self, LineParser, Scratch},
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

const LINE: &str = r#"192.0.2.7 - alice [10/Mar/2026:11:20:52 +0100] "GET /app/ HTTP/1.1" 401 179 "-" "curl/8.5.0""#;

/// The report on one log, with options.
fn analyzed(text: &str, options: &[&str]) -> Value {
    let dir = workshop();
    let path = put(dir.path(), "access.log", text.as_bytes());
    let args = options.iter().map(|o| (*o).to_owned()).chain([path.to_str().unwrap().to_owned()]);
    report(args)
}

fn client(report: &Value) -> &str {
    report["clients"][0]["client"].as_str().unwrap()
}

#[test]
fn every_odd_line_has_an_outcome() {
    let log = fs::read(fixture("odd/lines.log")).unwrap();
    let lines: Vec<&[u8]> = log.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    let parser = LineParser::new(parse::by_id("combined").unwrap());
    let rows = lines.chunks_exact(2).map(|pair| {
        let mut scratch = Scratch::default();
        let outcome = match parser.parse(pair[1], &mut scratch) {
            Err(rejection) => format!("!{}@{}", rejection.reason.text(), rejection.column),
            Ok((e, format)) => {
                let texts = [e.client, e.user, e.vhost, e.method, e.target, e.protocol, e.agent].map(inert);
                format!(
                    "{}\t{}\t{}\t{}\t{}",
                    parse::FORMATS[format].id,
                    e.time.rfc3339(),
                    e.status,
                    e.bytes,
                    texts.join("\t")
                )
            }
        };
        format!("{}\t{outcome}\n", inert(&pair[0][2..]))
    });
    let rows: String = rows.collect();
    let path = fixture("odd/lines.expected.tsv");
    if std::env::var_os("AUTHFAULT_BLESS").is_some() {
        fs::write(&path, &rows).unwrap();
    }
    assert_eq!(rows, fs::read_to_string(&path).unwrap());
}

#[test]
fn a_last_line_without_its_newline_counts() {
    assert_eq!(analyzed(&format!("{LINE}\n{LINE}"), &[])["input"]["parsed"], 2);
}

#[test]
fn old_line_ends_alone_are_no_line_ends() {
    let run = pipe(format!("{LINE}\r{LINE}\r").as_bytes(), ["-"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("`"), "{}", run.err);
}

/// A log in W3C's format whose columns change, long enough to be cut into several pieces.
fn w3c() -> String {
    let mut text = String::new();
    for part in 0..3 {
        text += "#Software: Microsoft Internet Information Services 10.0\r\n";
        text += match part {
            0 => "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\r\n",
            1 => "#Fields: date time c-ip cs-host cs-method cs-uri-stem sc-status time-taken\r\n",
            _ => "#Fields: sc-status c-ip date time cs-method cs-uri-stem cs-username\r\n",
        };
        for i in 0..40_000 {
            let clock = format!("1{part}:{:02}:{:02}", i / 60 % 60, i % 60);
            text += &match part {
                0 => format!("2026-03-10 {clock} 10.0.0.1 GET /a q=1 192.0.2.{} curl/8 401\r\n", i % 200),
                1 => format!("2026-03-10 {clock} 198.51.100.{} www GET /b 200 7\r\n", i % 200),
                _ => format!("403 203.0.113.{} 2026-03-10 {clock} GET /c al+ice\r\n", i % 200),
            };
        }
    }
    text
}

#[test]
fn columns_that_change_in_the_middle_are_obeyed_however_the_file_is_read() {
    let dir = workshop();
    let text = w3c();
    let log = put(dir.path(), "u_ex260310.log", text.as_bytes());
    let whole = report([log.to_str().unwrap()]);
    let input = &whole["input"];
    assert_eq!((&input["parsed"], &input["blank"], &input["rejected"]), (&120_000.into(), &6.into(), &0.into()));
    assert_eq!(whole["input"]["files"][0]["format"], "w3c");
    assert_eq!((&whole["totals"]["status_401"], &whole["totals"]["status_403"]), (&40_000.into(), &40_000.into()));
    assert_eq!(whole["totals"]["clients"], 600);
    let packed = put(dir.path(), "u_ex260310.log.gz", &gzip(text.as_bytes()));
    for other in [report(["--threads", "1", log.to_str().unwrap()]), report([packed.to_str().unwrap()])] {
        assert_eq!(other["totals"], whole["totals"]);
        assert_eq!(other["clients"], whole["clients"]);
        assert_eq!(other["windows"], whole["windows"]);
    }
}

#[test]
fn a_header_on_every_line_takes_no_more_than_time() {
    let text: String = (0..60_000)
        .map(|i| format!("#Fields: date time c-ip sc-status x{i}\n2026-03-10 10:00:00 192.0.2.7 401 y\n"))
        .collect();
    let report = analyzed(&text, &[]);
    assert_eq!(report["input"]["lines"], 120_000);
    assert_eq!(report["input"]["parsed"], 60_000);
}

#[test]
fn wrapped_logs_are_read_as_what_is_inside() {
    for (before, after) in [
        ("Mar 10 11:20:52 www nginx: ", ""),
        ("<190>1 2026-03-10T10:20:52Z www nginx - - - ", ""),
        ("2026-03-10T10:20:52.003Z stdout F ", ""),
        ("{\"log\":\"", "\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-10T10:20:52Z\"}"),
    ] {
        let line = if before.starts_with('{') { LINE.replace('"', "\\\"") } else { LINE.to_owned() };
        let report = analyzed(&format!("{before}{line}{after}\n").repeat(3), &[]);
        assert_eq!(report["input"]["files"][0]["format"], "combined", "{before}");
        assert_eq!((&report["totals"]["status_401"], client(&report)), (&3.into(), "192.0.2.7"), "{before}");
    }
}

/// Heroku's router, and whoever logs without a time since the collector has one.
#[test]
fn a_line_without_a_time_has_that_of_its_wrapper() {
    let line = r#"<158>1 2026-03-10T10:20:52.123456+00:00 host heroku router - at=info method=GET path="/app" host=www.example.com fwd="192.0.2.7" dyno=web.1 status=401 bytes=13"#;
    let report = analyzed(line, &[]);
    assert_eq!((&report["input"]["start"], client(&report)), (&"2026-03-10T10:20:52Z".into(), "192.0.2.7"));
}

#[test]
fn times_without_a_zone_are_read_in_the_one_that_is_named_and_else_the_report_says_so() {
    let line = r#"192.0.2.7:38862 [10/Mar/2026:11:20:52.726] www~ app/web1 0/0/1/11/12 401 179 - - ---- 6/6/0/0/0 0/0 "GET / HTTP/1.1""#;
    let says = |report: &Value| report["limits"].to_string().contains("--tz");
    let assumed = analyzed(line, &[]);
    assert_eq!((&assumed["input"]["start"], says(&assumed)), (&"2026-03-10T11:20:52Z".into(), true));
    let named = analyzed(line, &["--tz", "Europe/Berlin"]);
    assert_eq!((&named["input"]["start"], says(&named)), (&"2026-03-10T10:20:52Z".into(), false));
    let own = analyzed(LINE, &["--tz", "Asia/Tokyo"]);
    assert_eq!((&own["input"]["start"], says(&own)), (&"2026-03-10T10:20:52Z".into(), false));
    assert!(run(["--tz", "Mars/Olympus", "x"]).err.contains("expected a time zone"));
}

#[test]
fn json_keys_may_be_named() {
    let line = r#"{"when":"2026-03-10T11:20:52+01:00","remote":{"ip":"192.0.2.7"},"result":{"code":401},"request":"GET / HTTP/1.1","http.ua":"x"}"#;
    let fields =
        ["--json-field", "time=when", "--json-field", "client=remote.ip", "--json-field", "status=result.code"];
    let report = analyzed(line, &fields);
    assert_eq!((client(&report), &report["totals"]["status_401"]), ("192.0.2.7", &1.into()));
    assert!(run(["--json-field", "colour=x", "y"]).err.contains("no field is called"));
}

#[test]
fn the_client_is_whom_trusted_proxies_name() {
    let line = LINE.replace("192.0.2.7", "10.0.0.1") + r#" "203.0.113.9, 192.0.2.7, 10.0.0.2""#;
    assert_eq!(client(&analyzed(&line, &[])), "10.0.0.1");
    assert_eq!(client(&analyzed(&line, &["--trusted-proxy", "10.0.0.0/8"])), "192.0.2.7");
    assert_eq!(client(&analyzed(&line, &["--trusted-proxy", "10.0.0.1"])), "10.0.0.2");
    assert_eq!(client(&analyzed(&line, &["--client", "http_x_forwarded_for"])), "203.0.113.9");
}

#[test]
fn templates_are_taken_as_they_stand_in_a_configuration() {
    let expected = analyzed(LINE, &[]);
    for template in [
        "combined",
        r#"log_format x '$remote_addr - $remote_user [$time_local] '
               '"$request" $status $body_bytes_sent '
               '"$http_referer" "$http_user_agent"';"#,
        r#"LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined"#,
        "LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\n    \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"\" combined"
            .replace("\\\n    ", "\\\n")
            .as_str(),
        r#"%{c}h %l %u %t "%r" %>s %b "%!200,304{Referer}i" "%<{User-Agent}i""#,
    ] {
        let report = analyzed(LINE, &["--log-format", template]);
        assert_eq!((&report["totals"], &report["clients"]), (&expected["totals"], &expected["clients"]), "{template}");
    }
    let run = run(["--log-format", "%h %>s", "x"]);
    assert!(run.code == Some(2) && run.err.contains("found no time"), "{}", run.err);
}

#[test]
fn a_variable_of_the_operators_own_is_the_client_where_it_is_called_so() {
    let expected = analyzed(LINE, &[]);
    let template = |name: &str| {
        format!(
            r#"${name} - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#
        )
    };
    for name in ["real_ip", "clientRealIp", "remote_addr_masked", "ip_anonymized", "anon_ip"] {
        let report = analyzed(LINE, &["--log-format", &template(name)]);
        assert_eq!((&report["totals"], &report["clients"]), (&expected["totals"], &expected["clients"]), "{name}");
    }
    for name in ["server_ip", "binary_remote_addr", "realip_remote_port", "arg_client_ip", "geoip_city", "ip"] {
        let run = run(["--log-format", &template(name), "x"]);
        assert!(run.code == Some(2) && run.err.contains("found no client"), "{name}: {}", run.err);
    }
    let both = "$real_ip ".to_owned() + &template("remote_addr");
    assert_eq!(client(&analyzed(&format!("198.51.100.4 {LINE}"), &["--log-format", &both])), "192.0.2.7");
    let listed = format!("192.0.2.7, 198.51.100.4{}", LINE.trim_start_matches("192.0.2.7"));
    assert_eq!(client(&analyzed(&listed, &["--log-format", &template("real_ip")])), "192.0.2.7");
}

#[test]
fn headers_of_upstreams_may_hold_blanks() {
    let template =
        r#"$remote_addr [$time_local] $upstream_http_date $upstream_cache_last_modified $status $request_time"#;
    let date = "Tue, 10 Mar 2026 10:20:52 GMT";
    for text in [format!("{date} {date}"), "- -".to_owned()] {
        let line = format!("192.0.2.7 [10/Mar/2026:11:20:52 +0100] {text} 401 0.012");
        let report = analyzed(&line, &["--log-format", template]);
        assert_eq!(report["totals"]["status_401"], 1, "{line}");
    }
}

#[test]
fn threads_of_atlassians_servers_are_told_from_what_was_forwarded() {
    let rest = "192.0.2.7 GET /app/ HTTP/1.1 401 12ms 179 - Mozilla/5.0 (X11; Linux x86_64; rv:128.0)";
    for pool in ["http-nio-8090", "https-jsse-nio-8443", "ajp-nio-8009", "catalina"] {
        for (format, front, user) in [
            ("confluence", "alice", "alice"),
            ("confluence", "-", ""),
            ("confluence_forwarded", "198.51.100.4 alice", "alice"),
            ("confluence_forwarded", "2001:db8::7, 10.0.0.9 alice", "alice"),
            ("confluence_forwarded", "- -", ""),
        ] {
            let line = format!("[10/Mar/2026:11:20:52 +0100] {front} {pool}-exec-3 {rest}");
            for known in ["confluence", "confluence_forwarded", "combined"] {
                let mut scratch = Scratch::default();
                let parser = LineParser::new(parse::by_id(known).unwrap());
                let (event, read_as) = parser.parse(line.as_bytes(), &mut scratch).unwrap();
                let found = (parse::FORMATS[read_as].id, event.client, event.user, event.status);
                assert_eq!(found, (format, &b"192.0.2.7"[..], user.as_bytes(), 401), "{known}: {line}");
            }
        }
    }
}

/// nginx calls so how long it took, Amazon when it was.
#[test]
fn a_duration_is_no_time() {
    let line = r#"{"request_time":0.012,"remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":401,"WHEN":"2026-03-10T10:20:52Z"}"#;
    for when in ["event_datetime", "logged_at", "local_time", "started_at"] {
        let report = analyzed(&line.replace("WHEN", when), &[]);
        assert_eq!(report["input"]["start"], "2026-03-10T10:20:52Z", "{when}");
    }
    let amazon = line.replace("0.012", r#""10/Mar/2026:10:20:52 +0000""#);
    assert_eq!(analyzed(&amazon, &[])["input"]["start"], "2026-03-10T10:20:52Z");
    let alone = pipe(line.as_bytes(), ["-"]);
    assert_eq!(alone.code, Some(2), "{}", alone.err);
    let wrapped = format!("2026-03-10T10:20:52.003Z stdout F {line}");
    assert_eq!(analyzed(&wrapped, &[])["input"]["start"], "2026-03-10T10:20:52Z");
}

#[test]
fn a_server_configuration_says_how_its_logs_are_written() {
    let dir = workshop();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    put(
        dir.path(),
        "nginx.conf",
        b"http { log_format odd '$status|$remote_addr|$time_iso8601|$request'; include conf.d/*.conf; }",
    );
    let site = format!(
        "server {{ server_name www.example.com; access_log {}/www.log odd; error_log {}/error.log; }}",
        logs.display(),
        logs.display()
    );
    put(&dir.path().join("conf.d"), "www.conf", site.as_bytes());
    put(&logs, "www.log", b"401|192.0.2.7|2026-03-10T11:20:52+01:00|GET / HTTP/1.1\n");
    let config = dir.path().join("nginx.conf");
    let named = report(["--server-config", config.to_str().unwrap()]);
    assert_eq!((&named["totals"]["status_401"], &named["input"]["files"][0]["format"]), (&1.into(), &"custom".into()));
    // A copy elsewhere, and a log under another name.
    let elsewhere = workshop();
    let text = fs::read(logs.join("www.log")).unwrap();
    for name in ["www.log.1", "somewhere.log"] {
        let copy = put(elsewhere.path(), name, &text);
        let copied = report(["--server-config", config.to_str().unwrap(), copy.to_str().unwrap()]);
        assert_eq!(copied["totals"], named["totals"], "{name}");
    }
    let empty = put(dir.path(), "empty.conf", b"events {}");
    assert!(run(["--server-config", empty.to_str().unwrap()]).err.contains("expected access_log"));
}

/// Runs a packer of the system, where it is installed.
fn packed(folder: &Path, command: &str, arguments: &[&str]) -> bool {
    Command::new(command).args(arguments).current_dir(folder).output().is_ok_and(|output| output.status.success())
}

#[test]
fn packed_logs_say_what_the_plain_one_says() {
    let dir = workshop();
    let text: String = (0..5000).map(|i| LINE.replace("192.0.2.7", &format!("192.0.2.{}", i % 250)) + "\n").collect();
    let plain = put(dir.path(), "access.log", text.as_bytes());
    let expected = report([plain.to_str().unwrap()]);
    let mut tried = 0;
    for (file, command, arguments) in [
        ("access.log.zst", "zstd", vec!["-qk", "access.log"]),
        ("access.log.bz2", "bzip2", vec!["-k", "access.log"]),
        ("access.log.xz", "xz", vec!["-k", "access.log"]),
        ("logs.zip", "zip", vec!["-q", "logs.zip", "access.log"]),
        ("logs.tar", "tar", vec!["-cf", "logs.tar", "access.log"]),
        ("logs.tgz", "tar", vec!["-czf", "logs.tgz", "access.log"]),
    ] {
        if packed(dir.path(), command, &arguments) {
            let report = report([dir.path().join(file).to_str().unwrap()]);
            assert_eq!((&report["totals"], &report["clients"]), (&expected["totals"], &expected["clients"]), "{file}");
            tried += 1;
        }
    }
    assert!(tried > 0, "tar is everywhere");
}

#[test]
fn a_bomb_is_reported_and_what_came_before_is_counted() {
    let dir = workshop();
    fs::write(dir.path().join("access.log"), LINE.to_owned() + "\n").unwrap();
    if !packed(
        dir.path(),
        "sh",
        // Long lines: short ones are many, and a test is not built for speed.
        &[
            "-c",
            r#"blanks=$(printf '%100000s'); (cat access.log; yes "$blanks" | head -c 2000000000) | zstd -q > bomb.zst"#,
        ],
    ) {
        return;
    }
    let run = run(["--output", "json", dir.path().join("bomb.zst").to_str().unwrap()]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("more than any log"), "{}", run.err);
    assert_eq!(run.report()["input"]["parsed"], 1);
}

#[test]
fn the_doctor_says_what_fits_what_does_not_and_what_to_do() {
    let dir = workshop();
    let text =
        format!("{LINE}\n{LINE}\n{}\n{}\ngibberish \x1b[31m\n", LINE.replace("401", "4x1"), LINE.replace("401", "4x1"));
    let path = put(dir.path(), "access.log", text.as_bytes());
    let page = run(["doctor", path.to_str().unwrap()]);
    assert_eq!((page.code, page.err.as_str()), (Some(0), ""));
    for expected in [
        "access.log: combined, 2 of 5 lines read (40 %)",
        "$remote_addr",
        "2 lines: no status at column 69 (nearest is combined), `4x1`",
        "- no virtual host: a fault",
        "log_format main_ext '",
        "LogFormat \"%v:%p",
    ] {
        assert!(page.out.contains(expected), "{expected}: {}", page.out);
    }
    assert!(!page.out.contains('\x1b'));
    let json = run(["doctor", "--output", "json", path.to_str().unwrap()]);
    let found: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(found["schema"], "authfault-doctor/1");
    let file = &found["files"][0];
    assert_eq!((&file["parsed"], &file["rejected"], &file["misfits"][0]["lines"]), (&2.into(), &3.into(), &2.into()));
    assert_eq!(file["sample"]["read_as"][1]["value"], "192.0.2.7");
    assert_eq!(run(["doctor", root().join("Cargo.toml").to_str().unwrap()]).code, Some(2));
    for (name, text, expected) in [
        ("empty.log", "", "empty.log: empty\n"),
        ("blank.log", "\n#\n", "blank.log: nothing but empty lines and comments\n"),
        (
            "odd.json",
            "{\"when\":1773138052,\"ip\":\"192.0.2.7\",\"rc\":401}\n",
            "--json-field time=when --json-field status=rc\n",
        ),
        ("odd.log", "hello world\n", "give the format as the server's configuration has it"),
    ] {
        let path = put(dir.path(), name, text.as_bytes());
        let page = run(["doctor", path.to_str().unwrap()]);
        assert!(page.out.contains(expected), "{name}: {}", page.out);
    }
}

/// What does not fit, what to do, and the options by which the line is read after all, where there are some.
#[test]
fn the_doctor_is_right_about_lines_unlike_any_known_one() {
    let dir = workshop();
    let (template, json) = ("give the format as the server's configuration has it", "name its keys");
    for (line, misfit, advice, options) in [
        (
            "192.0.2.7|2026-03-10T10:20:52+00:00|GET /app HTTP/1.1|401|179",
            "no request at column 1",
            template,
            &["--log-format", "$remote_addr|$time_iso8601|$request|$status|$body_bytes_sent"][..],
        ),
        (
            "when=2026-03-10T10:20:52+00:00 ip=192.0.2.7 verb=GET what=/app rc=401",
            "required field absent at column 70 (nearest is logfmt)",
            template,
            &["--log-format", "when=$time_iso8601 ip=$remote_addr verb=$request_method what=$request_uri rc=$status"],
        ),
        (
            r#"{"when":1773138052,"ip":"192.0.2.7","rc":401,"url":"/app"}"#,
            "required field absent at column 59 (nearest is json)",
            json,
            &["--json-field", "time=when", "--json-field", "status=rc"],
        ),
        (
            "2026-03-10 10:20:52;192.0.2.7;GET;/app;401;179",
            "no request at column 1",
            template,
            &["--log-format", "%{%Y-%m-%d %H:%M:%S}t;%h;%m;%U;%>s;%b"],
        ),
        (&LINE.replace("401", "4x1"), "no status at column 69 (nearest is combined), `4x1`", template, &[]),
        (&LINE.replace("192.0.2.7", "-"), "no client at column 1 (nearest is combined), `-`", template, &[]),
        (&LINE.replace("2026", "1026"), "implausible time at column", template, &[]),
        (
            r#"2026/03/10 10:20:52 [error] 7#7: *1 user "bob" was not found in "/etc/nginx/htpasswd", client: 192.0.2.7, server: www.example.com, request: "GET /app HTTP/1.1", host: "www.example.com""#,
            "line cut short at column",
            "this is an error log: give it beside the access log, with --error-log",
            &[],
        ),
        (
            "Mar 10 10:20:52 www haproxy[7]: 192.0.2.7:52345 [10/Mar/2026:10:20:52.123] fe be/s1 1/0/12 179 -- 1/1/0/0/0 0/0",
            "no status at column",
            template,
            &[],
        ),
        ("GET /app 401 2.1 ms - 179", "no time at column", template, &[]),
        ("<entry><ip>192.0.2.7</ip><status>401</status></entry>", "no request at column 1", template, &[]),
    ] {
        let path = put(dir.path(), "access.log", format!("{line}\n").repeat(4).as_bytes());
        let path = path.to_str().unwrap();
        let page = run(["doctor", path]);
        let said = page.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("4 lines: {misfit}")), "{line}: {}", page.out);
        assert!(said.contains(advice), "{line}: {}", page.out);
        if !options.is_empty() {
            let told = run([&["--output", "json", path], options].concat()).report();
            assert_eq!((&told["input"]["parsed"], &told["totals"]["status_401"]), (&4.into(), &4.into()), "{line}");
        }
    }
}

#[test]
fn the_list_of_formats_shows_a_line_of_each() {
    let listed = run(["formats"]).out;
    for format in parse::FORMATS {
        assert!(listed.contains(&format!("\n  example  {}\n", format.example)), "{}", format.id);
    }
}

/// The records of a line as Docker's json-file writes it: cut where its buffer is full.
fn docker(line: &str, stream: &str) -> Vec<String> {
    let record = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2026-03-10T10:20:52.1Z\"}}\n")
    };
    let line = format!("{line}\n");
    line.as_bytes().chunks(16 << 10).map(|piece| record(std::str::from_utf8(piece).unwrap())).collect()
}

/// The same as CRI writes it.
fn cri(line: &str, stream: &str) -> Vec<String> {
    let pieces: Vec<&[u8]> = line.as_bytes().chunks(16 << 10).collect();
    let tag = |i: usize| if i + 1 == pieces.len() { "F" } else { "P" };
    let record = |(i, piece): (usize, &&[u8])| {
        format!("2026-03-10T10:20:52.003Z {stream} {} {}\n", tag(i), std::str::from_utf8(piece).unwrap())
    };
    pieces.iter().enumerate().map(record).collect()
}

/// So many lines on both streams, long ones in pieces and short ones, whose records are mixed as they may come.
fn mixed(records: fn(&str, &str) -> Vec<String>, lines: usize, dice: &mut Dice) -> String {
    let mut line = |stream: &str| {
        let len = if dice.below(8) == 0 { 41_000 + dice.below(9_000) } else { 7 };
        let line = LINE
            .replace("/app/", &format!("/app/{}", "\\x22".repeat(len / 4)))
            .replace("192.0.2.7", &format!("192.0.2.{}", dice.below(250)));
        records(&line, stream)
    };
    let [mut out, mut err] =
        ["stdout", "stderr"].map(|stream| (0..lines / 2).flat_map(|_| line(stream)).rev().collect());
    let mut text = String::new();
    while let Some(record) = pick(&mut out, &mut err, dice.below(2) == 0) {
        text.push_str(&record);
    }
    text
}

fn pick(a: &mut Vec<String>, b: &mut Vec<String>, is_second: bool) -> Option<String> {
    let (first, second) = if is_second { (b, a) } else { (a, b) };
    first.pop().or_else(|| second.pop())
}

#[test]
fn lines_that_a_container_logger_cut_are_read_as_one() {
    let dir = workshop();
    for (seed, records) in [(1, docker as fn(&str, &str) -> _), (2, cri)] {
        let text = mixed(records, 1000, &mut Dice::new(seed));
        assert!(text.len() > 5 << 20, "more than a chunk");
        let count = text.lines().count() as u64;
        let path = put(dir.path(), "a.log", text.as_bytes());
        let one = run(["--output", "json", "--threads", "1", path.to_str().unwrap()]);
        let found = one.report();
        assert_eq!(found["input"]["parsed"], 1000, "{}", found["input"]);
        assert_eq!((&found["input"]["rejected"], &found["input"]["blank"]), (&0.into(), &(count - 1000).into()));
        let many = run(["--output", "json", "--threads", "5", path.to_str().unwrap()]);
        let piped = pipe(text.as_bytes(), ["--output", "json", "-"]);
        assert!(many.out == one.out && piped.out.replace("\"-\"", &format!("{path:?}")) == one.out);
        let doctor = run(["doctor", "--output", "json", path.to_str().unwrap()]);
        let seen = &serde_json::from_str::<Value>(&doctor.out).unwrap()["files"][0];
        assert_eq!((&seen["parsed"], &seen["rejected"]), (&1000.into(), &0.into()), "{}", doctor.err);
    }
}

#[test]
fn a_line_whose_last_piece_is_not_there_yet_is_left_for_the_next_run() {
    let dir = workshop();
    let text = mixed(docker, 40, &mut Dice::new(3));
    let records: Vec<&str> = text.split_inclusive('\n').collect();
    let (path, file) = (dir.path().join("a.log"), dir.path().join("report.json"));
    let check = |state: &str, written: usize, now: &str| {
        put(dir.path(), "a.log", records[..written].concat().as_bytes());
        let written_at = UNIX_EPOCH + Duration::from_secs(1_773_138_060);
        fs::File::options().append(true).open(&path).unwrap().set_modified(written_at).unwrap();
        let mut command = authfault();
        command.args(["check", "--stale-after", "0s", "--now", now, "--state"]).arg(dir.path().join(state));
        let done = Run::of(&command.arg("-o").arg(&file).arg(&path).output().unwrap());
        assert!(done.err.is_empty(), "{}", done.err);
        serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap()["input"].clone()
    };
    for written in 1..records.len() {
        check("growing", written, "2026-03-10T10:30:00Z");
    }
    let by_and_by = check("growing", records.len(), "2026-03-10T10:30:00Z");
    let whole = report([&path])["input"].clone();
    for key in ["lines", "parsed", "rejected", "blank"] {
        assert_eq!(by_and_by[key], whole[key], "{key}");
    }
    let first_piece = records.iter().position(|record| !record.contains("\\n\",\"stream")).unwrap();
    let lines = |now: &str| check(now, first_piece + 1, now)["lines"].clone();
    assert_eq!(lines("2026-03-10T10:30:00Z"), first_piece);
    assert_eq!(lines("2026-03-10T12:30:00Z"), first_piece + 1, "nobody will end it");
}

#[test]
fn pieces_without_an_end_are_lines_of_their_own() {
    let dir = workshop();
    let end = cri(LINE, "stdout").concat();
    let piece = end.replace(" F ", " P ");
    let other = cri(LINE, "stderr").concat();
    for (unit, times) in [(piece.clone(), 80_000), ([piece.as_str(), &other].concat(), 40_000)] {
        let text = [end.as_str(), &unit.repeat(times), &end, &unit.repeat(100), &end].concat();
        let lines = text.lines().count();
        let path = put(dir.path(), "a.log", text.as_bytes());
        let found = report([path.to_str().unwrap()]);
        let totals = &found["input"];
        // What follows a hundred pieces is garbage as one line, so that these stand alone too.
        assert_eq!((&totals["lines"], &totals["parsed"]), (&lines.into(), &lines.into()), "{totals}");
        let piped = pipe(text.as_bytes(), ["--output", "json", "-"]).report();
        assert_eq!((&piped["totals"], &piped["input"]["parsed"]), (&found["totals"], &totals["parsed"]));
    }
}

/// An archive of files in their order.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn each_member_of_an_archive_is_covered_by_itself() {
    let json = parse::by_id("caddy").unwrap().example;
    let good = format!("{LINE}\n").repeat(40_000);
    let (late, early) = (format!("{json}\n{json}"), format!("gibberish\n{good}"));
    let packed = gzip(good.replace("192.0.2.7", "192.0.2.8").as_bytes());
    let files: [(&str, &[u8]); 4] =
        [("c.log", b""), ("d.log.gz", &packed), ("logs/a.log", early.as_bytes()), ("logs/b.log", late.as_bytes())];
    let archive = tar(&files);
    let dir = workshop();
    for (name, bytes) in [("x.tar", archive.clone()), ("x.tgz", gzip(&archive))] {
        let path = put(dir.path(), name, &bytes);
        let path = path.to_str().unwrap();
        let found = report([path]);
        let covered = found["input"]["files"].as_array().unwrap();
        let rows: Vec<_> = covered
            .iter()
            .map(|f| [&f["path"], &f["format"], &f["lines"], &f["rejected"]].map(|v| v.to_string()))
            .collect();
        let row = |member: &str, format: &str, lines: u64, rejected: u64| {
            [format!("\"{path}:{member}\""), format!("\"{format}\""), lines.to_string(), rejected.to_string()]
        };
        let expected = [
            row("d.log.gz", "combined", 40_000, 0),
            row("logs/a.log", "combined", 40_001, 1),
            row("logs/b.log", "caddy", 2, 0),
        ];
        assert_eq!(rows, expected);
        let first = &found["input"]["rejections"][0]["first"];
        assert_eq!((first["file"].as_str(), &first["line"]), (Some(format!("{path}:logs/a.log").as_str()), &1.into()));
        let page = run([path]).out;
        assert!(page.contains(&format!("{path}:logs/b.log: caddy")) && page.contains(" in 3 files"), "{page}");
        let part = dir.path().join("x.afpart");
        let mapped = run(["map", "-o", part.to_str().unwrap(), path]);
        assert_eq!(mapped.code, Some(0), "{mapped:?}");
        let reduced = run(["reduce", "--output", "json", part.to_str().unwrap()]);
        let whole = run(["--output", "json", "--threads", "3", path]);
        assert!(reduced.out == whole.out && whole.report() == found, "{name}");
    }
}

#[test]
fn what_is_wrong_with_an_archive_is_said_of_the_archive() {
    let dir = workshop();
    let archive =
        tar(&[("a.log", format!("{LINE}\n").as_bytes()), ("b.log", format!("{LINE}\n").repeat(99).as_bytes())]);
    let path = put(dir.path(), "x.tar", &archive[..archive.len() / 2]);
    let found = run(["--output", "json", path.to_str().unwrap()]);
    assert_eq!(found.code, Some(2));
    let covered = &found.report()["input"]["files"];
    let [whole, a, b] = [0, 1, 2].map(|i| &covered[i]);
    assert!(whole["path"].as_str().unwrap().ends_with("x.tar") && whole["problem"].is_string(), "{covered}");
    assert_eq!((&whole["lines"], &a["lines"]), (&0.into(), &1.into()));
    assert!(a["problem"].is_null() && b["lines"].as_u64().unwrap() > 1, "{covered}");
}
