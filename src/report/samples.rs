//! Reports made by hand for the tests: a quiet log, a deploy that blocks a route, attacks, two faults, hostile bytes.

use crate::model::{
    coverage::{FileCoverage, LineRef, Rejected},
    event::Reason,
    incident::{Evidence, Incident, Origin, RuledOut, Scope, Severity, Spared, State, TimelinePoint, Verdict},
    logged::{Logged, inert},
    report::{ClientSummary, EventCauses, Input, Report, Totals, Window},
    time::Time,
};
use std::collections::BTreeMap;

/// 2026-03-10 00:00:00 UTC.
pub(super) const DAY: u32 = 1_773_100_800;

/// A time on that day.
pub(super) fn at(hour: u32, minute: u32, second: u32) -> Time {
    Time(DAY + hour * 3600 + minute * 60 + second)
}

/// A registry of causes, as far as these reports need one.
pub(super) fn cause_title(id: &str) -> &'static str {
    match id {
        "deploy_route_block" => "a deploy or rule change blocks a route",
        "auth_backend_down" => "the authentication backend is down",
        "waf_false_positive" => "a firewall rule takes one kind of client for an attack",
        "credential_stuffing" => "credential stuffing",
        "brute_force" => "brute force on one account",
        "scanner" => "vulnerability scanner",
        "stale_credentials" => "a client with an old password",
        "file_permissions" => "file permissions",
        _ => "",
    }
}

/// Every sample by the name of its golden file.
pub(super) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("deploy", deploy()),
        ("quiet", quiet()),
        ("empty", Report::default()),
        ("attack", attack()),
        ("two_faults", two_faults()),
        ("half_understood", half_understood()),
        ("hostile", hostile()),
    ]
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn evidence(supports: bool, text: &str, figures: &[(&'static str, f64)]) -> Evidence {
    Evidence { supports, text: text.to_owned(), figures: figures.iter().copied().collect::<BTreeMap<_, _>>() }
}

fn line(file: &str, line: u64, text: &[u8]) -> LineRef {
    LineRef { file: file.to_owned(), line, text: Logged::new(text) }
}

fn spared(dimension: &'static str, value: &str, clients: u64, failing: u64) -> Spared {
    Spared { dimension, value: value.to_owned(), clients, failing, approximate: false }
}

fn input(lines: u64) -> Input {
    let (start, end) = (Some(at(0, 0, 3)), Some(at(23, 59, 41)));
    Input {
        files: vec![FileCoverage {
            path: "access.log".to_owned(),
            format: "combined".to_owned(),
            bytes: lines * 187,
            lines,
            parsed: lines,
            start,
            end,
            ..FileCoverage::default()
        }],
        lines,
        parsed: lines,
        start,
        end,
        ..Input::default()
    }
}

/// A day in windows of an hour, with a bump from ten to twelve.
fn windows(refused: u64) -> Vec<Window> {
    let window = |hour: u32| {
        let refused = if (10..=12).contains(&hour) { refused * 9 } else { refused };
        Window {
            start: at(hour, 0, 0),
            seconds: 3600,
            requests: 1200 + u64::from(hour) * 7,
            clients: 140 + u64::from(hour),
            status_401: refused / 3,
            status_403: refused,
            failing_clients: refused / 2,
            approximate: false,
        }
    };
    (0..24).map(window).collect()
}

/// The failing clients of each slice; the active ones are a few more.
fn timeline(start: Time, step_secs: u32, failing: &[u64]) -> Vec<TimelinePoint> {
    let point = |(i, failing): (usize, &u64)| TimelinePoint {
        time: Time(start.0 + step_secs * i as u32),
        requests: failing * 9 + 31,
        failed: failing * 8,
        active_clients: failing + 4,
        failing_clients: *failing,
        approximate: false,
    };
    failing.iter().enumerate().map(point).collect()
}

/// A deploy at 10:20 denies a route; rolled back at 12:16.
pub(super) fn deploy() -> Report {
    Report {
        input: input(48_211),
        totals: Totals {
            requests: 48_211,
            clients: 2_011,
            status_401: 184,
            status_403: 1_392,
            failing_clients: 229,
            ..Totals::default()
        },
        event_causes: EventCauses {
            no_credentials: 141,
            incorrect_credentials: 31,
            expired_session: 12,
            unauthorized: 88,
            server_misconfig: 1_304,
            ..EventCauses::default()
        },
        incidents: vec![deploy_incident()],
        windows: windows(9),
        clients: vec![
            client("203.0.113.77", 412, 301, (0, 111), "server_misconfig", 0, (at(8, 2, 1), at(17, 40, 0))),
            client("198.51.100.4", 96, 3, (0, 93), "server_misconfig", 0, (at(10, 21, 7), at(12, 15, 58))),
            client("192.0.2.200", 61, 30, (31, 0), "incorrect_credentials", 1, (at(9, 2, 0), at(9, 30, 0))),
            client(
                "2001:db8:85a3:1234:5678:8a2e:370:7334",
                77,
                50,
                (2, 25),
                "server_misconfig",
                1,
                (at(10, 40, 0), at(23, 2, 0)),
            ),
        ],
        limits: strings(&[
            "With cookie or bearer authentication, this format cannot tell a missing session from an expired one.",
            "User names on a 401 are claimed: anybody may have typed them.",
            "The format has no virtual host, so faults of one host cannot be told from those of the site.",
        ]),
    }
}

fn deploy_incident() -> Incident {
    Incident {
        id: "20260310T1020-403-7c1f09".to_owned(),
        verdict: Verdict::ServerSide,
        cause: "deploy_route_block",
        cause_is_settled: false,
        confidence: 0.973_456_7,
        severity: Severity::Critical,
        state: State::Ended,
        status: 403,
        start: at(10, 20, 52),
        peak: at(10, 45, 0),
        end: Some(at(12, 16, 31)),
        detected_at: at(10, 23, 40),
        scope: Scope { path_prefix: strings(&["/rest/2.0"]), ..Scope::default() },
        spared: vec![spared("path_prefix", "/rest/1.0", 88, 0), spared("path_prefix", "/static", 170, 1), spared("method", "OPTIONS", 41, 0)],
        clients_affected: 161,
        clients_active: 170,
        clients_known_good: 158,
        users_affected: 0,
        requests_failed: 1_304,
        requests_total: 1_361,
        requests_failed_expected: 2.148_73,
        approximate: false,
        evidence: vec![
            evidence(
                true,
                "158 clients that were served on /rest/2.0 before 10:20 or after 12:16 were refused in between",
                &[("known_good", 158.0), ("log_likelihood_ratio", 812.345_678_9)],
            ),
            evidence(true, "they come from 93 networks and use 21 kinds of user agent: no one party sends this", &[("networks", 93.0)]),
            evidence(true, "1,298 of 1,304 refusals have the same size, 153 bytes: the server's own error page, not the application's", &[]),
            evidence(false, "57 requests there were served meanwhile, all of them HEAD", &[("served", 57.0)]),
        ],
        ruled_out: vec![
            RuledOut { cause: "scanner", why: "98 % of the clients were served there at another time".to_owned() },
            RuledOut { cause: "file_permissions", why: "requests that do not touch files are refused as well".to_owned() },
        ],
        next_checks: strings(&[
            "What was deployed or reloaded shortly before 10:20 UTC? `journalctl -u nginx --since '2026-03-10 10:00' --until '2026-03-10 10:25'`",
            "Is there a deny or return 403 for the route? `nginx -T | grep -nE 'location|deny|return 403'`",
            "Why does the server say it refused? `grep -nE 'forbidden by rule|denied' /var/log/nginx/error.log | head`",
        ]),
        samples: vec![
            line(
                "access.log",
                21_877,
                b"203.0.113.77 - - [10/Mar/2026:10:20:52 +0000] \"GET /rest/2.0/orders?page=2 HTTP/1.1\" 403 153 \"-\" \"okhttp/4.12.0\"",
            ),
            line("access.log", 21_880, b"198.51.100.4 - - [10/Mar/2026:10:20:53 +0000] \"POST /rest/2.0/cart HTTP/2.0\" 403 153 \"-\" \"Mozilla/5.0\""),
        ],
        timeline: timeline(
            at(9, 20, 0),
            300,
            &[
                0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 22, 31, 38, 41, 40, 43, 39, 36, 34, 37, 33, 30, 31, 29, 28, 30, 27, 25, 26, 22, 24, 21, 20,
                12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        ),
        timeline_step_secs: 300,
    }
}

fn client(
    address: &str,
    requests: u64,
    ok: u64,
    (status_401, status_403): (u64, u64),
    main_cause: &'static str,
    users: u64,
    (first, last): (Time, Time),
) -> ClientSummary {
    ClientSummary {
        client: Logged::new(address.as_bytes()),
        requests,
        ok,
        status_401,
        status_403,
        main_cause,
        users,
        origin: None,
        first,
        last,
        approximate: false,
    }
}

fn origin(text: &str) -> Origin {
    Origin { asn: Some(64_500), organization: Some(text.to_owned()), country: Some(text.to_owned()) }
}

/// Nothing was refused.
pub(super) fn quiet() -> Report {
    Report {
        input: input(12_345),
        totals: Totals { requests: 12_345, clients: 512, ..Totals::default() },
        windows: windows(0),
        limits: strings(&[
            "With cookie or bearer authentication, this format cannot tell a missing session from an expired one.",
        ]),
        ..Report::default()
    }
}

/// Somebody else's doing only.
pub(super) fn attack() -> Report {
    let stale = Incident {
        id: "20260310T0000-401-0badc0".to_owned(),
        verdict: Verdict::ClientSide,
        cause: "stale_credentials",
        cause_is_settled: false,
        confidence: 0.88,
        severity: Severity::Info,
        start: at(0, 0, 9),
        end: None,
        state: State::Ongoing,
        clients_affected: 1,
        clients_active: 1,
        clients_known_good: 1,
        users_affected: 1,
        requests_failed: 1_440,
        requests_total: 1_440,
        scope: Scope { path_prefix: strings(&["/caldav"]), ..Scope::default() },
        next_checks: strings(&["Tell the owner of the name to enter the new password on every device."]),
        ..stuffing()
    };
    Report {
        input: input(1_234_567),
        totals: Totals {
            requests: 1_234_567,
            clients: 9_876,
            status_401: 12_300,
            status_403: 45,
            failing_clients: 1_400,
            ..Totals::default()
        },
        event_causes: EventCauses {
            no_credentials: 4_100,
            incorrect_credentials: 8_200,
            unauthorized: 45,
            ..EventCauses::default()
        },
        incidents: vec![stale, stuffing(), scanner()],
        windows: windows(6),
        clients: vec![client(
            "192.0.2.9",
            6_001,
            1,
            (6_000, 0),
            "incorrect_credentials",
            5_120,
            (at(3, 12, 0), at(4, 40, 0)),
        )],
        ..Report::default()
    }
}

fn stuffing() -> Incident {
    Incident {
        id: "20260310T0312-401-5eedab".to_owned(),
        verdict: Verdict::Attack,
        cause: "credential_stuffing",
        cause_is_settled: false,
        confidence: 0.91,
        severity: Severity::Warning,
        status: 401,
        start: at(3, 12, 4),
        peak: at(3, 30, 0),
        end: Some(at(4, 40, 9)),
        detected_at: at(3, 13, 0),
        scope: Scope { path_prefix: strings(&["/login"]), method: strings(&["POST"]), ..Scope::default() },
        spared: Vec::new(),
        clients_affected: 61,
        clients_active: 90,
        clients_known_good: 0,
        users_affected: 5_120,
        requests_failed: 6_120,
        requests_total: 6_302,
        requests_failed_expected: 11.0,
        next_checks: strings(&[
            "Lock or slow the login endpoint for the networks concerned: `limit_req zone=login burst=5;`",
        ]),
        ..deploy_incident()
    }
}

fn scanner() -> Incident {
    Incident {
        id: "20260310T0101-403-5ca44e".to_owned(),
        verdict: Verdict::Attack,
        cause: "scanner",
        cause_is_settled: false,
        confidence: 0.99,
        status: 403,
        start: at(1, 1, 0),
        end: Some(at(1, 4, 12)),
        scope: Scope::default(),
        clients_affected: 1,
        clients_active: 1,
        users_affected: 0,
        requests_failed: 45,
        requests_total: 512,
        next_checks: Vec::new(),
        ..stuffing()
    }
}

/// Two faults at once, one of them still on and only suspected, and a scanner in between.
pub(super) fn two_faults() -> Report {
    let backend = Incident {
        id: "20260310T2211-401-ba5eba".to_owned(),
        cause: "auth_backend_down",
        cause_is_settled: false,
        confidence: 0.74,
        severity: Severity::Warning,
        state: State::Ongoing,
        status: 401,
        start: at(22, 11, 7),
        peak: at(23, 50, 0),
        end: None,
        detected_at: at(22, 41, 0),
        scope: Scope {
            path_prefix: strings(&["/api/v2/orders", "/api/v2/customers"]),
            vhost: strings(&["shop.example"]),
            ua_family: strings(&["iOS 19", "iOS 18", "okhttp/4.12.0"]),
            ..Scope::default()
        },
        spared: vec![spared("ua_family", "Firefox 115", 40, 0)],
        clients_affected: 1,
        clients_active: 3,
        clients_known_good: 1,
        users_affected: 1,
        requests_failed: 212,
        requests_total: 540,
        requests_failed_expected: 31.4,
        ruled_out: Vec::new(),
        samples: Vec::new(),
        timeline: timeline(
            at(21, 40, 0),
            60,
            &(0..140).map(|i: u64| if i < 31 { 0 } else { i / 20 }).collect::<Vec<_>>(),
        ),
        timeline_step_secs: 60,
        ..deploy_incident()
    };
    let mut report = deploy();
    report.incidents.push(backend);
    report.incidents.push(scanner());
    report
}

/// Thirty days in windows of five minutes with fifty incidents, a fifth of them faults.
pub(super) fn month() -> Report {
    let mut report = deploy();
    report.incidents = (0..50)
        .map(|i| {
            let incident = match i % 5 {
                0 => deploy_incident(),
                1 | 2 => stuffing(),
                _ => Incident { verdict: Verdict::ClientSide, ..stuffing() },
            };
            let failing: Vec<u64> = (0..60).map(|slice| 100 + slice * 7 % 43).collect();
            let start = Time(DAY + i * 50_000);
            let (end, step) = (Some(Time(start.0 + 12_000)), 300);
            let timeline = timeline(start, step, &failing);
            Incident {
                id: format!("{i:012x}"),
                start,
                peak: start,
                end,
                timeline,
                timeline_step_secs: step,
                ..incident
            }
        })
        .collect();
    report.windows = (0..8_640)
        .map(|i| Window { start: Time(DAY + i * 300), seconds: 300, ..windows(3)[i as usize % 24].clone() })
        .collect();
    report.input.end = Some(Time(DAY + 8_640 * 300));
    report
}

/// A log of which half does not fit its format, in two files, one of them broken.
pub(super) fn half_understood() -> Report {
    let mut report = quiet();
    let long =
        [b"192.0.2.1 - - [10/Mar/2026:10:20:52 +0000] \"GET /".as_slice(), &b"a".repeat(200), b" HTTP/1.1\" 2x0 12"]
            .concat();
    report.input = Input {
        files: vec![
            FileCoverage {
                path: "logs/access.log".to_owned(),
                lines: 100,
                parsed: 55,
                rejected: 40,
                blank: 5,
                bytes: 18_700,
                unread_bytes: 4_200_000_000,
                format: "combined".to_owned(),
                start: Some(at(1, 0, 0)),
                end: Some(at(2, 0, 0)),
                problem: None,
            },
            FileCoverage {
                path: "logs/access.log.1.gz".to_owned(),
                problem: Some("gzip stream ends early, after 0 bytes".to_owned()),
                ..FileCoverage::default()
            },
        ],
        lines: 100,
        parsed: 55,
        rejected: 40,
        blank: 5,
        rejections: vec![
            Rejected { reason: Reason::NoStatus, lines: 38, first: line("logs/access.log", 7, &long), column: 260 },
            Rejected {
                reason: Reason::NoTime,
                lines: 1,
                first: line("logs/access.log", 9, b"192.0.2.1 - - \"GET / HTTP/1.1\" 200 12"),
                column: 14,
            },
            Rejected { reason: Reason::NotJson, lines: 1, first: line("logs/access.log", 11, b""), column: 0 },
        ],
        start: Some(at(1, 0, 0)),
        end: Some(at(2, 0, 0)),
        lead: None,
        begins_late: false,
        error_logs: Vec::new(),
    };
    report.totals =
        Totals { requests: 55, clients: 3, status_401: 1, status_403: 0, failing_clients: 1, ..Totals::default() };
    report.event_causes = EventCauses { no_credentials: 1, ..EventCauses::default() };
    report
}

/// What strangers and broken tools may send: every ASCII byte, C1 controls, bidi and zero-width characters, escape
/// sequences, markup, formulas, invalid UTF-8, wide characters.
pub(super) fn hostile_bytes() -> Vec<u8> {
    let mut bytes: Vec<u8> =
        b"\x1b]0;title\x07\x1b[2J\x1b[31m<script>alert(1)</script>|`rm -rf`|=1+2,\"a\"\r\n[x](javascript:y)".to_vec();
    bytes.extend(0..=0x7f_u8);
    bytes.extend(
        "\u{80}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}\u{ad}漢字 e\u{301}\u{301}\u{a0}".as_bytes(),
    );
    bytes.extend(0x80..=0xff_u8);
    bytes
}

/// Hostile bytes in every field that can hold text: raw in the strings, as if a stage had forgotten to make them
/// inert, since the renderers must not depend on it.
pub(super) fn hostile() -> Report {
    let bytes = hostile_bytes();
    let raw = String::from_utf8_lossy(&bytes).into_owned();
    let texts = || vec![raw.clone(), inert(&bytes), raw.clone()];
    let scope = Scope {
        path_prefix: texts(),
        vhost: texts(),
        method: texts(),
        upstream: texts(),
        ua_family: texts(),
        client_net: texts(),
        client_net_origin: vec![origin(&raw)],
        http_version: texts(),
    };
    let incident = Incident {
        id: raw.clone(),
        scope,
        spared: vec![spared("vhost", &raw, 3, 0)],
        evidence: vec![
            evidence(true, &raw, &[("nan", f64::NAN), ("infinite", f64::INFINITY)]),
            evidence(false, &raw, &[]),
        ],
        ruled_out: vec![RuledOut { cause: "scanner", why: raw.clone() }],
        next_checks: vec![raw.clone()],
        samples: vec![line(&raw, 1, &bytes)],
        cause_is_settled: false,
        confidence: f64::NAN,
        requests_failed_expected: f64::NEG_INFINITY,
        ..deploy_incident()
    };
    let mut report = deploy();
    report.incidents = vec![incident.clone(), Incident { verdict: Verdict::Attack, ..incident }];
    for file in &mut report.input.files {
        file.path.clone_from(&raw);
        file.format.clone_from(&raw);
        file.problem = Some(raw.clone());
    }
    let rejected = |column| Rejected { reason: Reason::NoLiteral, lines: 1, first: line(&raw, 1, &bytes), column };
    report.input.rejections = vec![rejected(0), rejected(7), rejected(bytes.len() / 2), rejected(usize::MAX - 1)];
    let named = ClientSummary { client: Logged::new(&bytes), origin: Some(origin(&raw)), ..report.clients[0].clone() };
    report.clients.push(named);
    report.limits = texts();
    report
}
