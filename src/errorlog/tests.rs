//! Lines as servers write them, each beside what it must be taken for, and beside those some that must not.

use super::{Collector, Line, address, entry, seconds};
use crate::model::note::{Level, Why};

/// The head of each server's lines.
const NGINX: &str = "2026/03/10 11:20:52 [error] 7#7: *19 ";
const APACHE: &str = "[Tue Mar 10 11:20:52.017402 2026] [auth_basic:error] [pid 7:tid 9] [client 192.0.2.7:57251] ";
/// What nginx adds to each message about a request.
const CONTEXT: &str = ", client: 192.0.2.7, server: www.example.org, request: \"GET /wiki/a?b=c HTTP/1.1\", host: \"www.example.org:8443\"";

/// Why, the thing named, the user and the path.
fn said(line: &str) -> Option<(Why, String, String, String)> {
    let entry = entry(line.as_bytes()).unwrap_or_else(|| panic!("no error line: {line}"));
    let said = entry.said?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let path = if said.path.is_empty() { entry.path } else { said.path };
    Some((said.why, text(said.thing), text(said.user), text(path)))
}

#[track_caller]
fn check(line: &str, why: Why, thing: &str, user: &str, path: &str) {
    assert_eq!(said(line), Some((why, thing.to_owned(), user.to_owned(), path.to_owned())), "{line}");
}

#[test]
fn nginx_and_its_modules() {
    use Why::{
        AuthService, Certificate, CredentialsFile, FilePermissions, ForbiddenByRule, IndexForbidden, Ldap,
        NoCredentials, RateLimited, TokenSignature, TokenTime, UnknownUser, Upstream, WafDenied, WafMatched,
        WrongPassword,
    };
    for (message, why, thing, user) in [
        ("user \"mira\": password mismatch", WrongPassword, "", "mira"),
        ("user \"mira\" was not found in \"/etc/nginx/.htpasswd\"", UnknownUser, "/etc/nginx/.htpasswd", "mira"),
        ("no user/password was provided for basic authentication", NoCredentials, "", ""),
        (
            "open() \"/etc/nginx/.htpasswd\" failed (2: No such file or directory)",
            CredentialsFile,
            "/etc/nginx/.htpasswd",
            "",
        ),
        ("open() \"/etc/nginx/staff\" failed (13: Permission denied)", CredentialsFile, "/etc/nginx/staff", ""),
        ("open() \"/srv/www/wiki/a\" failed (13: Permission denied)", FilePermissions, "/srv/www/wiki/a", ""),
        ("open() \"/srv/www/wiki/a.html\" failed (13: Permission denied)", FilePermissions, "/srv/www/wiki/a.html", ""),
        ("stat() \"/srv/www/wiki/a\" failed (13: Permission denied)", FilePermissions, "/srv/www/wiki/a", ""),
        (
            "\"/srv/www/wiki/a/index.html\" is forbidden (13: Permission denied)",
            FilePermissions,
            "/srv/www/wiki/a/index.html",
            "",
        ),
        ("access forbidden by rule", ForbiddenByRule, "", ""),
        ("directory index of \"/srv/www/wiki/a/\" is forbidden", IndexForbidden, "/srv/www/wiki/a/", ""),
        ("auth request unexpected status: 502 while sending to client", AuthService, "status: 502", ""),
        ("limiting requests, excess: 5.940 by zone \"login\"", RateLimited, "login", ""),
        ("limiting connections by zone \"addr\"", RateLimited, "addr", ""),
        (
            "client SSL certificate verify error: (10:certificate has expired) while reading client request headers",
            Certificate,
            "10:certificate has expired",
            "",
        ),
        ("client sent no required SSL certificate while reading client request headers", Certificate, "", ""),
        ("connect() failed (111: Connection refused) while connecting to upstream", Upstream, "", ""),
        (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            Upstream,
            "",
            "",
        ),
        ("no live upstreams while connecting to upstream", Upstream, "", ""),
        ("http_auth_ldap: ldap_result() failed (-1: Can't contact LDAP server)", Ldap, "", ""),
        ("http_auth_ldap: Authentication timed out", Ldap, "", ""),
        ("PAM: user 'mira' - not authenticated: Authentication failure", WrongPassword, "", "mira"),
        (
            "[lua] openidc.lua:1053: openidc_load_jwt_and_verify_crypto(): jwt signature verification failed: invalid key",
            TokenSignature,
            "",
            "",
        ),
        ("[lua] openidc.lua:471: openidc_validate_id_token(): id_token not yet valid: nbf", TokenTime, "", ""),
        ("[lua] access.lua:12: token expired", TokenTime, "", ""),
        (
            "[client 192.0.2.7] ModSecurity: Access denied with code 403 (phase 2). Matched \"Operator `Ge' with parameter `5' against variable `TX:ANOMALY_SCORE' (Value: `8' ) [file \"/etc/nginx/crs/949.conf\"] [line \"80\"] [id \"949110\"] [rev \"\"] [msg \"Inbound Anomaly Score Exceeded\"] [hostname \"www.example.org\"] [uri \"/wiki/a\"] [unique_id \"1\"] [ref \"\"]",
            WafDenied,
            "949110",
            "",
        ),
        (
            "[client 192.0.2.7] ModSecurity: Warning. detected SQLi using libinjection. [file \"/etc/nginx/crs/942.conf\"] [line \"45\"] [id \"942100\"] [uri \"/wiki/a\"]",
            WafMatched,
            "942100",
            "",
        ),
    ] {
        check(&format!("{NGINX}{message}{CONTEXT}"), why, thing, user, "/wiki/a");
    }
}

#[test]
fn nginx_says_which_service_decides() {
    let context = ", client: 192.0.2.7, server: www.example.org, request: \"GET /wiki/a HTTP/1.1\", subrequest: \"/_auth\", upstream: \"http://127.0.0.1:9000/check\", host: \"www.example.org\"";
    let message = "connect() failed (111: Connection refused) while connecting to upstream";
    check(&format!("{NGINX}{message}{context}"), Why::AuthService, "http://127.0.0.1:9000/check", "", "/wiki/a");
    let context = context.replace("/_auth", "/fragment");
    check(&format!("{NGINX}{message}{context}"), Why::Upstream, "http://127.0.0.1:9000/check", "", "/wiki/a");
}

#[test]
fn apache_2_4_by_number() {
    use Why::{
        Certificate, ClientDenied, CredentialsFile, FilePermissions, IndexForbidden, Ldap, Misconfigured,
        NoCredentials, NotAuthorized, UnknownUser, Upstream, WafDenied, WrongPassword, WrongScheme,
    };
    for (message, why, thing, user, path) in [
        (
            "AH01617: user mira: authentication failure for \"/wiki/a\": Password Mismatch",
            WrongPassword,
            "",
            "mira",
            "/wiki/a",
        ),
        ("AH01618: user mira not found: /wiki/a", UnknownUser, "", "mira", "/wiki/a"),
        (
            "AH01618: user mira not found: /wiki/a, referer: https://www.example.org/",
            UnknownUser,
            "",
            "mira",
            "/wiki/a",
        ),
        ("AH01790: user `mira' in realm `staff' not found: /wiki/a", UnknownUser, "", "mira", "/wiki/a"),
        ("AH01794: user mira: password mismatch: /wiki/a", WrongPassword, "", "mira", "/wiki/a"),
        ("AH01614: client used wrong authentication scheme: /wiki/a", WrongScheme, "", "", ""),
        ("AH01788: realm mismatch - got `a' but expected `b'", WrongScheme, "", "", ""),
        ("AH01776: invalid nonce abc received - length is not 52", WrongScheme, "", "", ""),
        ("AH01629: authorization failure (no authenticated user): /wiki/a", NoCredentials, "", "", ""),
        ("AH01630: client denied by server configuration: /srv/www/wiki/a", ClientDenied, "/srv/www/wiki/a", "", ""),
        ("AH01797: client denied by server configuration: uri /wiki/a", ClientDenied, "", "", "/wiki/a"),
        ("AH01631: user mira: authorization failure for \"/wiki/a\": ", NotAuthorized, "", "mira", "/wiki/a"),
        ("AH01627: AuthType Basic configured without corresponding module", Misconfigured, "", "", ""),
        ("AH01665: Could not open group file: /etc/apache2/groups", CredentialsFile, "/etc/apache2/groups", "", ""),
        (
            "AH01276: Cannot serve directory /srv/www/wiki/: No matching DirectoryIndex (index.html) found, and server-generated directory index forbidden by Options directive",
            IndexForbidden,
            "/srv/www/wiki/",
            "",
            "",
        ),
        (
            "AH00037: Symbolic link not allowed or link target not accessible: /srv/www/wiki",
            FilePermissions,
            "/srv/www/wiki",
            "",
            "",
        ),
        ("AH00957: HTTP: attempt to connect to 127.0.0.1:8080 (127.0.0.1) failed", Upstream, "127.0.0.1:8080", "", ""),
        ("AH01114: HTTP: failed to make connection to backend: 127.0.0.1", Upstream, "127.0.0.1", "", ""),
        (
            "AH02039: Certificate Verification: Error (10): certificate has expired",
            Certificate,
            "certificate has expired",
            "",
            "",
        ),
        (
            "AH01695: auth_ldap authenticate: user mira authentication failed; URI /wiki/a [LDAP: ldap_simple_bind() failed][Can't contact LDAP server]",
            Ldap,
            "",
            "mira",
            "/wiki/a",
        ),
        (
            "AH01695: auth_ldap authenticate: user mira authentication failed; URI /wiki/a [User not found][No such object]",
            UnknownUser,
            "",
            "mira",
            "/wiki/a",
        ),
        (
            "AH01695: auth_ldap authenticate: user mira authentication failed; URI /wiki/a [ldap_simple_bind() failed][Invalid credentials]",
            WrongPassword,
            "",
            "mira",
            "/wiki/a",
        ),
        (
            "[client 192.0.2.7] ModSecurity: Access denied with code 403 (phase 2). Pattern match \"x\" at ARGS:q. [file \"/usr/share/modsecurity-crs/rules/REQUEST-941.conf\"] [line \"56\"] [id \"941100\"] [data \"[uri \\x22/no\\x22]\"] [hostname \"www.example.org\"] [uri \"/wiki/a\"] [unique_id \"Wx\"]",
            WafDenied,
            "941100",
            "",
            "/wiki/a",
        ),
    ] {
        check(&format!("{APACHE}{message}"), why, thing, user, path);
    }
}

#[test]
fn apache_puts_the_systems_error_in_front() {
    let head = "[Tue Mar 10 11:20:52.017402 2026] [authn_file:error] [pid 7:tid 9] ";
    check(
        &format!(
            "{head}(13)Permission denied: [client 192.0.2.7:5] AH01620: Could not open password file: /srv/htpasswd"
        ),
        Why::CredentialsFile,
        "/srv/htpasswd",
        "",
        "",
    );
    check(
        &format!(
            "{head}(13)Permission denied: [client 192.0.2.7:5] AH00035: access to /wiki/a denied (filesystem path '/srv/www/wiki/a') because search permissions are missing on a component of the path"
        ),
        Why::FilePermissions,
        "/srv/www/wiki/a",
        "",
        "",
    );
    check(
        &format!(
            "{head}(13)Permission denied: [client 192.0.2.7:5] AH00529: /srv/www/.htaccess pcfg_openfile: unable to check htaccess file, ensure it is readable and that '/srv/www/' is executable"
        ),
        Why::FilePermissions,
        "/srv/www/.htaccess",
        "",
        "",
    );
    check(
        &format!(
            "{head}(13)Permission denied: [client 192.0.2.7:5] AH00132: file permissions deny server access: /srv/www/wiki/a"
        ),
        Why::FilePermissions,
        "/srv/www/wiki/a",
        "",
        "",
    );
}

#[test]
fn apache_2_2_by_words() {
    let head = "[Tue Mar 10 11:20:52 2026] [error] [client 192.0.2.7] ";
    for (message, why, thing, user, path) in [
        (
            "user mira: authentication failure for \"/wiki/a\": Password Mismatch",
            Why::WrongPassword,
            "",
            "mira",
            "/wiki/a",
        ),
        ("user mira not found: /wiki/a", Why::UnknownUser, "", "mira", "/wiki/a"),
        ("client denied by server configuration: /srv/www/wiki", Why::ClientDenied, "/srv/www/wiki", "", ""),
        (
            "(2)No such file or directory: Could not open password file: /srv/htpasswd",
            Why::CredentialsFile,
            "/srv/htpasswd",
            "",
            "",
        ),
        (
            "Directory index forbidden by Options directive: /srv/www/wiki/",
            Why::IndexForbidden,
            "/srv/www/wiki/",
            "",
            "",
        ),
        ("(13)Permission denied: access to /wiki/a denied", Why::FilePermissions, "", "", "/wiki/a"),
        (
            "(13)Permission denied: file permissions deny server access: /srv/www/a",
            Why::FilePermissions,
            "/srv/www/a",
            "",
            "",
        ),
        ("client used wrong authentication scheme: /wiki/a", Why::WrongScheme, "", "", ""),
        (
            "ModSecurity: Access denied with code 403 (phase 2). [file \"/x\"] [id \"960015\"] [uri \"/wiki/a\"]",
            Why::WafDenied,
            "960015",
            "",
            "/wiki/a",
        ),
    ] {
        check(&format!("{head}{message}"), why, thing, user, path);
    }
}

#[test]
fn clients_and_hosts_are_found() {
    let of = |line: &str| {
        let entry = entry(line.as_bytes()).unwrap();
        (address(entry.client), String::from_utf8_lossy(entry.host).into_owned(), entry.level)
    };
    let v4 = address(b"192.0.2.7");
    assert_eq!(
        of(&format!("{NGINX}access forbidden by rule{CONTEXT}")),
        (v4, "www.example.org".to_owned(), Level::Error)
    );
    assert_eq!(of(&format!("{APACHE}AH01618: user a not found: /")), (v4, String::new(), Level::Error));
    let v6 = address(b"2001:db8::7");
    assert_eq!(of("[Tue Mar 10 11:20:52.1 2026] [core:crit] [pid 7] [client 2001:db8::7:443] AH00035: x").0, v6);
    assert_eq!(of("[Tue Mar 10 11:20:52 2026] [error] [client 2001:db8::7] x").0, v6);
    assert_eq!(of("[Tue Mar 10 11:20:52.1 2026] [core:info] [pid 7] [vhost www.example.org] x").1, "www.example.org");
    assert_eq!(of("2026/03/10 11:20:52 [notice] 7#7: signal process started"), (0, String::new(), Level::Notice));
    let syslog = format!("<187>Mar 10 11:20:52 web1 nginx: {NGINX}access forbidden by rule{CONTEXT}");
    assert_eq!(of(&syslog).0, v4);
}

#[test]
fn what_says_nothing_about_a_refusal_is_passed_over() {
    for message in [
        "open() \"/srv/www/wiki/a\" failed (2: No such file or directory)",
        "open() \"/srv/www/404.html\" failed (2: No such file or directory)",
        "\"/srv/www/wiki/a/index.html\" is not found (2: No such file or directory)",
        "client intended to send too large body: 1048577 bytes",
        "SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share)",
        "the user said: access forbidden by rule",
    ] {
        assert_eq!(said(&format!("{NGINX}{message}{CONTEXT}")), None, "{message}");
    }
    for message in [
        "AH00128: File does not exist: /srv/www/a",
        "AH01071: Got error 'PHP message: client denied by server configuration: /'",
    ] {
        assert_eq!(said(&format!("{APACHE}{message}")), None, "{message}");
    }
}

/// Requests and names are quoted as they came: what they say of themselves must not become what the server says.
#[test]
fn a_request_cannot_speak_for_the_server() {
    check(
        &format!("{NGINX}user \"x\": password mismatch\" was not found in \"/f\"{CONTEXT}"),
        Why::UnknownUser,
        "/f",
        "x\": password mismatch",
        "/wiki/a",
    );
    check(
        &format!("{APACHE}AH01618: user x: authentication failure for \"/b\" not found: /wiki/a"),
        Why::UnknownUser,
        "",
        "x: authentication failure for \"/b\"",
        "/wiki/a",
    );
    let forged = "2026/03/10 11:20:52 [error] 7#7: *1 access forbidden by rule, client: 192.0.2.7, server: a, request: \"GET /x\", host: \"forged.example\" HTTP/1.1\", host: \"www.example.org\"";
    assert_eq!(entry(forged.as_bytes()).unwrap().client, b"192.0.2.7");
}

fn read(lines: &[String], limits: Option<(usize, usize)>) -> crate::model::note::Notes {
    let mut collector = Collector::default();
    if let Some((counts, topics)) = limits {
        collector = collector.limited(counts, topics);
    }
    for (number, line) in lines.iter().enumerate() {
        let _ = collector.read(line.as_bytes(), 0, number as u64 + 1);
    }
    collector.finish(vec!["error.log".to_owned()])
}

#[test]
fn messages_are_counted_by_minute_and_client() {
    let line = |second: u32, user: &str| {
        format!("2026/03/10 11:20:{second:02} [error] 7#7: *1 user \"{user}\": password mismatch{CONTEXT}")
    };
    let notes = read(&[line(9, "a"), line(3, "a"), line(4, "b")], None);
    assert_eq!((notes.topics.len(), notes.counts.len(), notes.quotes[0].line), (1, 1, 2));
    let counts: Vec<u32> = notes.counts.values().flatten().map(|c| c.messages).collect();
    assert_eq!(counts, [2, 1]);
    assert_eq!(notes.topics[0].path.as_bytes(), b"/wiki/a");
}

/// Whatever the order of lines, the same latest minutes are kept whole.
#[test]
fn a_flood_is_cut_at_its_earliest_minutes() {
    let line = |minute: u32, client: u32| {
        format!(
            "2026/03/10 11:{minute:02}:00 [error] 7#7: *1 access forbidden by rule, client: 192.0.2.{client}, server: a"
        )
    };
    let mut lines: Vec<String> = (0..40).flat_map(|i| (0..5).map(move |client| line(i, client))).collect();
    let forth = read(&lines, Some((50, 10)));
    lines.reverse();
    let back = read(&lines, Some((50, 10)));
    assert_eq!((&forth.counts, forth.left_out, forth.counts.len()), (&back.counts, back.left_out, 50));
    assert_eq!(forth.left_out, 150);
    assert_eq!(forth.counts.keys().next().map(|when| when.minute % 60), Some(30));
}

#[test]
fn a_flood_of_paths_ends_in_one_topic() {
    let line = |i: u32| {
        format!(
            "2026/03/10 11:20:00 [error] 7#7: *1 access forbidden by rule, client: 192.0.2.7, server: a, request: \"GET /{i} HTTP/1.1\""
        )
    };
    let notes = read(&(0..50).map(line).collect::<Vec<_>>(), Some((1000, 10)));
    assert_eq!(notes.topics.len(), 11);
    assert!(notes.topics[10].path.is_empty());
    assert_eq!(notes.counts.values().flatten().map(|c| c.messages).sum::<u32>(), 50);
}

#[test]
fn no_line_stops_the_reader() {
    let mut collector = Collector::default();
    let whole = format!("{NGINX}user \"a\" was not found in \"/f\"{CONTEXT}");
    let old =
        format!("{APACHE}AH01695: auth_ldap authenticate: user a authentication failed; URI / [x][y], referer: z");
    for line in [&whole, &old] {
        for end in 0..=line.len() {
            let _ = collector.read(&line.as_bytes()[..end], 0, 1);
            let _ = collector.read(&line.as_bytes()[end..], 0, 1);
        }
    }
    for odd in [
        &b"\xff\xfe"[..],
        b"[[[[",
        b"[]",
        b"] [",
        b"2026/03/10 11:20:52 []",
        b"[Tue Mar 10 11:20:52 2026] [error] ((((",
        b"\x1b[2J",
    ] {
        let _ = collector.read(odd, 0, 1);
    }
    assert_eq!(collector.read(b"  \t", 0, 1), Line::Blank);
    assert_eq!(collector.read(b"at line 3", 0, 1), Line::Unknown);
    let endless = [NGINX.as_bytes(), b"user \"", &vec![b'"'; 4 << 20]].concat();
    assert!(matches!(collector.read(&endless, 0, 1), Line::Other(_)));
}

#[test]
fn days_are_counted_rightly() {
    assert_eq!(seconds((1970, 1, 1), (0, 0, 0)), Some(0));
    assert_eq!(seconds((2000, 2, 29), (0, 0, 0)), Some(951_782_400));
    assert_eq!(seconds((2026, 3, 10), (10, 20, 52)), Some(1_773_138_052));
    for (date, time) in
        [((2026, 13, 1), (0, 0, 0)), ((2026, 0, 1), (0, 0, 0)), ((2026, 4, 31), (0, 0, 0)), ((2026, 1, 1), (24, 0, 0))]
    {
        assert_eq!(seconds(date, time), None, "{date:?} {time:?}");
    }
}

#[test]
fn addresses_are_those_of_the_ledger() {
    assert_eq!(address(b"192.0.2.7"), 0xffff_c000_0207);
    assert_eq!(address(b"2001:db8::7"), 0x2001_0db8_u128 << 96 | 7);
    assert_eq!(address(b"unix:"), 0);
}

#[test]
fn what_is_no_error_line_is_none() {
    for line in [
        &b""[..],
        b"PHP Fatal error:  Uncaught Error in /srv/app.php:12",
        b"  thrown in /srv/app.php on line 12",
        b"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] \"GET / HTTP/1.1\" 200 5",
        b"2026/03/10 11:20:52 no level",
        b"2026/03/10",
        b"[",
        b"[Tue Mar 10 11:20:52 2026]",
        b"[Tue Mar 10 11:20:52 2026] [loud] x",
        b"[Tue Mar 99 11:20:52 2026] [error] x",
    ] {
        assert_eq!(entry(line), None, "{}", String::from_utf8_lossy(line));
    }
}
