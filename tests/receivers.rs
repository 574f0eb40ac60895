//! Those who are told, as they are: Alertmanager and promtool where they are installed, a mail server of the test's own.
//!
//! AUTHFAULT_REQUIRE with `alertmanager` or `promtool` in it turns their skipping into a failure.

use crate::support::{
    Run, authfault, gunzip, is_required, log_with_ongoing_fault,
    mailserver::{MailServer, Security},
    put,
    receiver::Receiver,
    tls::Authority,
    workshop,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A run whose clock is soon after the log's end, over a log with a fault that is still on.
fn check(folder: &Path, channel: &str, now: &str) -> Run {
    put(folder, "access.log", &gunzip(&log_with_ongoing_fault()));
    put(folder, "check.toml", format!("paths = ['access.log']\nstale_after = '0s'\n{channel}").as_bytes());
    let mut command = authfault();
    command.current_dir(folder).args(["check", "--state", "state", "--config", "check.toml", "--now", now]);
    command.env("MAIL_PASSWORD", "s3cret");
    Run::of(&command.output().unwrap())
}

const AT_NOON: &str = "2026-03-10T17:00:00Z";

#[test]
fn a_mail_server_gets_the_mail_and_whoever_it_does_not_know_is_said() {
    let server = MailServer::start("nobody@", Security::None);
    let folder = workshop();
    let channel = |to: &str| {
        format!(
            "[[notify]]\ntype = 'smtp'\nurl = 'smtp://127.0.0.1:{}'\nto = ['{to}']\nattempts = 1\n\
             from = 'Authfault <authfault@example.org>'\nuser = 'authfault'\ntoken_env = 'MAIL_PASSWORD'\n",
            server.port
        )
    };
    let refused = check(folder.path(), &channel("nobody@example.org"), AT_NOON);
    assert_eq!(refused.err, "authfault: smtp: RCPT: the server answered 550; the next run tries again\n");
    assert_eq!(server.delivered(), []);
    let later = check(folder.path(), &channel("oncall@example.org"), AT_NOON);
    assert_eq!((later.code, later.err.as_str()), (Some(2), ""), "{later:?}");
    let [mail] = <[_; 1]>::try_from(server.delivered()).unwrap();
    let login = format!("AUTH PLAIN {}", STANDARD.encode("\0authfault\0s3cret"));
    let expected =
        ["EHLO authfault", &login, "MAIL FROM:<authfault@example.org>", "RCPT TO:<oncall@example.org>", "DATA", "QUIT"];
    assert_eq!(mail.commands, expected);
    let (head, body) = mail.text.split_once("\n\n").unwrap();
    assert!(
        head.starts_with("From: Authfault <authfault@example.org>\nTo: oncall@example.org\nSubject: CRITICAL "),
        "{head}"
    );
    assert!(head.contains("\nDate: 10 Mar 2026 17:00:00 +0000\nMessage-ID: <"), "{head}");
    let text = STANDARD.decode(body.replace('\n', "")).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("SERVER-SIDE"));
}

#[test]
fn a_mail_server_elsewhere_must_offer_encryption_and_one_that_hangs_is_left() {
    let server = MailServer::start("nobody@", Security::None);
    let folder = workshop();
    // By a name that is not known to be this host's own.
    let plain = format!("[[notify]]\ntype = 'smtp'\nurl = 'smtp://127.0.0.2:{}'\nattempts = 1\n", server.port);
    let people = "to = ['oncall@example.org']\nfrom = 'a@example.org'\n";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!(
        "[[notify]]\ntype = 'smtp'\nurl = 'smtp://127.0.0.1:{}'\nattempts = 1\ntimeout_secs = 1\n",
        listener.local_addr().unwrap().port()
    );
    for (channel, said) in [(plain, "no connection: connection refused"), (hangs, "no answer in time")] {
        let run = check(folder.path(), &format!("{channel}{people}"), AT_NOON);
        assert_eq!(run.err, format!("authfault: smtp: {said}; the next run tries again\n"));
    }
    assert_eq!(server.delivered(), []);
}

/// Whoever is trusted beside it: the own authority is, and nobody whom it does not vouch for.
#[test]
fn channels_speak_tls_with_whom_their_ca_vouches_for_and_with_nobody_else() {
    const YEARS_YET: i32 = 2999;
    const LONG_GONE: i32 = 2001;
    let (own, other) = (Authority::new(), Authority::new());
    let folder = workshop();
    put(folder.path(), "own.pem", own.pem.as_bytes());
    put(folder.path(), "other.pem", other.pem.as_bytes());
    let trusts_own = "ca_file = 'own.pem'\n";
    let cases = [
        ("is trusted", trusts_own, own.server("127.0.0.1", YEARS_YET), true),
        ("is another's", trusts_own, other.server("127.0.0.1", YEARS_YET), false),
        ("is nobody's whom browsers know", "", own.server("127.0.0.1", YEARS_YET), false),
        ("is for another host", trusts_own, own.server("mail.example.org", YEARS_YET), false),
        ("is of long ago", trusts_own, own.server("127.0.0.1", LONG_GONE), false),
        ("is trusted by one who trusts another", "ca_file = 'other.pem'\n", own.server("127.0.0.1", YEARS_YET), false),
    ];
    for (what, ca, server, is_accepted) in cases {
        let receiver = Receiver::secured(server.clone());
        let at_once = MailServer::start("nobody@", Security::AtOnce(server.clone()));
        let later = MailServer::start("nobody@", Security::StartTls(server));
        let channel = |kind: &str, name: &str, url: &str| {
            format!("[[notify]]\ntype = '{kind}'\nname = '{name}'\nurl = '{url}'\nattempts = 1\n{ca}")
        };
        let mail =
            "to = ['oncall@example.org']\nfrom = 'a@example.org'\nuser = 'authfault'\ntoken_env = 'MAIL_PASSWORD'\n";
        let channels = [
            channel("webhook", "https", &format!("https://{}/hook", receiver.address())),
            channel("smtp", "smtps", &format!("smtps://127.0.0.1:{}", at_once.port)) + mail,
            channel("smtp", "starttls", &format!("smtp://127.0.0.1:{}", later.port)) + mail,
        ];
        // Each time anew, with all that there is to tell.
        let _ = fs::remove_dir_all(folder.path().join("state"));
        let run = check(folder.path(), &channels.concat(), AT_NOON);
        let deliveries = [receiver.posted().len(), at_once.delivered().len(), later.delivered().len()];
        if !is_accepted {
            let refused = ["https", "smtps", "starttls"].map(|name| {
                format!(
                    "authfault: {name}: no secure connection: its certificate was not accepted; the next run tries again\n"
                )
            });
            assert_eq!((run.err, deliveries), (refused.concat(), [0; 3]), "a certificate that {what}");
            continue;
        }
        assert_eq!((run.err.as_str(), deliveries), ("", [1; 3]), "a certificate that {what}");
        let said = |server: &MailServer| server.delivered()[0].commands.join(" ");
        assert!(said(&at_once).starts_with("EHLO authfault AUTH PLAIN "), "{}", said(&at_once));
        assert!(said(&later).starts_with("EHLO authfault STARTTLS EHLO authfault AUTH PLAIN "), "{}", said(&later));
    }
}

/// A program that ends with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program is there; where it must be and is not, the test fails.
fn is_installed(program: &str, name: &str) -> bool {
    let is_there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(is_there || !is_required(name), "{program} is required, and not there");
    if !is_there {
        eprintln!("skipped: {program} is not installed");
    }
    is_there
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body of an answer to GET; nothing while nobody answers.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

/// The real one holds one alert for a fault however often it is shown, and lets it go at the end that it is given.
#[test]
fn alertmanager_itself_takes_the_alert() {
    if !is_installed("prometheus-alertmanager", "alertmanager") {
        return;
    }
    let folder = workshop();
    let rules = put(folder.path(), "am.yml", b"route: {receiver: none}\nreceivers: [{name: none}]\n");
    let port = free_port();
    let log = File::create(folder.path().join("am.log")).unwrap();
    let daemon = Command::new("prometheus-alertmanager")
        .arg(format!("--config.file={}", rules.display()))
        .arg(format!("--storage.path={}", folder.path().join("am").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let _daemon = Daemon(daemon);
    let is_ready = || get(port, "/-/ready").is_some();
    let waited = (0..100).find(|_| {
        is_ready() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    });
    assert!(waited.is_some(), "{}", fs::read_to_string(folder.path().join("am.log")).unwrap());

    // Its end must lie ahead of Alertmanager's clock, which is the real one.
    let channel = format!(
        "[[notify]]\ntype = 'alertmanager'\nurl = 'http://127.0.0.1:{port}'\nlabels = {{ site = 'shop' }}\n\
         ends_after_secs = 4000000000\n"
    );
    let alerts =
        || -> Vec<Value> { serde_json::from_str(&get(port, "/api/v2/alerts").expect("it answers")).expect("JSON") };
    for now in ["2026-03-10T16:55:00Z", AT_NOON] {
        let run = check(folder.path(), &channel, now);
        assert_eq!((run.code, run.err.as_str()), (Some(2), ""), "{run:?}");
        let alerts = alerts();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        let labels = &alerts[0]["labels"];
        assert_eq!((&labels["alertname"], &labels["site"]), (&"Authfault".into(), &"shop".into()), "{labels}");
        assert_eq!(alerts[0]["status"]["state"], "active");
        assert!(alerts[0]["annotations"]["summary"].as_str().unwrap().starts_with("SERVER-SIDE FAULT: "));
    }
}

#[test]
fn promtool_has_nothing_to_say_against_the_figures() {
    if !is_installed("promtool", "promtool") {
        return;
    }
    let folder = workshop();
    let run = check(folder.path(), "[[notify]]\ntype = 'textfile'\nfile = 'authfault.prom'\n", AT_NOON);
    assert_eq!(run.code, Some(2), "{run:?}");
    let figures = File::open(folder.path().join("authfault.prom")).unwrap();
    let verdict = Command::new("promtool").args(["check", "metrics"]).stdin(figures).output().unwrap();
    assert!(verdict.status.success(), "{verdict:?}");
    assert!(verdict.stderr.is_empty() && verdict.stdout.is_empty(), "{verdict:?}");
}
