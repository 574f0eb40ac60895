//! A report without persons: pseudonyms for clients and users, networks no finer than /24 and /48, no queries.
//!
//! Works on the report before it is rendered, so that no renderer can forget it. Lines of the log are the hard part,
//! since anything may stand in them: a sample is written anew from the fields that are known to be harmless or were
//! replaced, and of a line that nobody understood only its shape is left. What is left out cannot leak.
//!
//! What stays: host names, paths (without queries, mail addresses and names of owners), user agents, times and sizes.

mod names;
mod scrub;

pub use names::Scheme;

use crate::model::{
    coverage::LineRef,
    event::Event,
    incident::{Incident, Spared},
    logged::{Logged, inert},
    report::Report,
    time::Time,
};
use names::{Kind, Names};

/// What a line of the log says, as far as it may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    time: Time,
    client: String,
    user: String,
    vhost: String,
    method: String,
    target: String,
    protocol: String,
    status: u16,
    bytes: u64,
    agent: String,
    upstream: String,
}

impl From<Event<'_>> for Fields {
    fn from(event: Event<'_>) -> Self {
        Self {
            time: event.time,
            client: inert(event.client),
            user: inert(event.user),
            vhost: inert(event.vhost),
            method: inert(event.method),
            target: inert(event.target),
            protocol: inert(event.protocol),
            status: event.status,
            bytes: event.bytes,
            agent: inert(event.agent),
            upstream: inert(event.upstream),
        }
    }
}

/// The report without persons. `read` tells what a sample line says; where it cannot, only the line's shape is kept.
#[must_use]
pub fn anonymized(report: &Report, scheme: Scheme, read: &dyn Fn(&LineRef) -> Option<Fields>) -> Report {
    let mut report = report.clone();
    let names = &mut Names::new(scheme);
    for client in &report.clients {
        names.expect_client(&client.client.inert());
    }
    for file in &mut report.input.files {
        file.path = scrub::text(names, &file.path);
        file.problem = file.problem.take().map(|problem| scrub::text(names, &problem));
    }
    for log in &mut report.input.error_logs {
        log.path = scrub::text(names, &log.path);
        log.problem = log.problem.take().map(|problem| scrub::text(names, &problem));
    }
    for incident in &mut report.incidents {
        self::incident(names, incident, read);
    }
    for rejected in &mut report.input.rejections {
        shape_of(names, &mut rejected.first);
    }
    for client in &mut report.clients {
        let name = names.of_address(&client.client.inert());
        client.client = Logged::new(name.as_bytes());
    }
    for limit in &mut report.limits {
        *limit = scrub::text(names, limit);
    }
    report
}

fn incident(names: &mut Names, incident: &mut Incident, read: &dyn Fn(&LineRef) -> Option<Fields>) {
    let scope = &mut incident.scope;
    for (dimension, values) in [
        ("upstream", &mut scope.upstream),
        ("vhost", &mut scope.vhost),
        ("client_net", &mut scope.client_net),
        ("path_prefix", &mut scope.path_prefix),
        ("ua_family", &mut scope.ua_family),
        ("method", &mut scope.method),
        ("http_version", &mut scope.http_version),
    ] {
        for value in values.iter_mut() {
            *value = part(names, dimension, value);
        }
        values.dedup();
    }
    for Spared { dimension, value, .. } in &mut incident.spared {
        *value = part(names, dimension, value);
    }
    let evidence = incident.evidence.iter_mut().map(|evidence| &mut evidence.text);
    let others = incident.ruled_out.iter_mut().map(|other| &mut other.why);
    for text in evidence.chain(others) {
        *text = scrub::text(names, text);
    }
    for text in &mut incident.next_checks {
        *text = check(names, text);
    }
    for line in &mut incident.samples {
        match read(line) {
            Some(fields) => {
                line.file = scrub::text(names, &line.file);
                line.text = Logged::new(retold(names, &fields).as_bytes());
            }
            None => shape_of(names, line),
        }
    }
}

/// A command with a pseudonym in it finds nothing, so what it stands in says that.
fn check(names: &mut Names, text: &str) -> String {
    let scrubbed = scrub::text(names, text);
    let commands = |text: &str| text.split('`').skip(1).step_by(2).collect::<String>();
    match commands(text) == commands(&scrubbed) {
        true => scrubbed,
        false => scrubbed.replacen('`', "(what was replaced here must be put back) `", 1),
    }
}

/// A value of one dimension of a scope.
fn part(names: &mut Names, dimension: &str, value: &str) -> String {
    match dimension {
        "upstream" => upstream(names, value),
        "vhost" if value.parse::<std::net::IpAddr>().is_ok() => names.of(Kind::Host, value),
        "client_net" => scrub::network(value).unwrap_or_else(|| scrub::text(names, value)),
        _ => scrub::text(names, value),
    }
}

/// Addresses of upstreams get names that say so; their ports stay.
fn upstream(names: &mut Names, value: &str) -> String {
    let address = value.rsplit_once(':').map_or(value, |(address, _)| address).trim_matches(['[', ']']);
    if address.parse::<std::net::IpAddr>().is_ok() {
        names.of(Kind::Upstream, address);
    }
    scrub::text(names, value)
}

fn shape_of(names: &mut Names, line: &mut LineRef) {
    line.file = scrub::text(names, &line.file);
    line.text = Logged::new(&scrub::shape(line.text.as_bytes()));
}

/// A line written anew, much as the combined format has it: host, client, user, time, request, status, size, agent,
/// upstream. Referring pages are left out: their queries are those of others.
fn retold(names: &mut Names, fields: &Fields) -> String {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let vhost = if fields.vhost.is_empty() { String::new() } else { part(names, "vhost", &fields.vhost) + " " };
    let client = names.of_address(&fields.client);
    let user = if fields.user.is_empty() { String::new() } else { names.of(Kind::User, &fields.user) };
    let agent = scrub::text(names, &without_versions_like_addresses(&fields.agent));
    let upstream =
        if fields.upstream.is_empty() { String::new() } else { format!(" {}", upstream(names, &fields.upstream)) };
    format!(
        "{vhost}{client} - {} [{}] \"{} {} {}\" {} {} \"-\" \"{}\"{upstream}",
        or_dash(user),
        fields.time.rfc3339(),
        or_dash(fields.method.clone()),
        or_dash(target(names, &fields.target)),
        fields.protocol,
        fields.status,
        fields.bytes,
        or_dash(agent.replace('"', "'"))
    )
}

/// The path alone: no scheme and host (which may hold a name and a password), no query, no parameters, no token.
fn target(names: &mut Names, target: &str) -> String {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if scheme.len() <= 5 => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        _ => target,
    };
    let path = path.split(['?', '#', ';', ' ', '"']).next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').map(|segment| if is_token(segment) { "*" } else { segment }).collect();
    scrub::text(names, &segments.join("/"))
}

/// A segment that is no word: a key, a signature, a session. Escaped bytes may be anybody's name.
fn is_token(segment: &str) -> bool {
    let digits = segment.chars().filter(char::is_ascii_digit).count();
    segment.len() > 40 || (segment.len() >= 12 && digits >= 3) || segment.contains('\\')
}

/// `Chrome/142.0.0.0` looks like an address behind a slash; its zeros are left out.
fn without_versions_like_addresses(agent: &str) -> String {
    agent.replace(".0.0.0", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::ClientSummary;

    fn event() -> Event<'static> {
        Event {
            zoneless: false,
            time: Time(1_773_138_052),
            client: b"192.0.2.7",
            user: b"alice",
            vhost: b"shop.example",
            method: b"GET",
            target: b"/users/alice/reset/9f8e7d6c5b4a3f2e1d?token=secret",
            protocol: b"HTTP/1.1",
            status: 401,
            bytes: 179,
            referer: b"https://mail.example/?to=alice",
            agent: b"Mozilla/5.0 (compatible; bot@example.org) Chrome/142.0.0.0",
            forwarded_for: b"198.51.100.3",
            upstream: b"10.0.0.11:8080",
        }
    }

    #[test]
    fn a_line_is_told_anew_without_its_people() {
        let names = &mut Names::new(Scheme::Numbered);
        assert_eq!(
            retold(names, &Fields::from(event())),
            "shop.example client-1 - user-1 [2026-03-10T10:20:52Z] \"GET /users/user-1/reset/* HTTP/1.1\" 401 179 \"-\" \
             \"Mozilla/5.0 (compatible; user-2) Chrome/142\" upstream-1:8080"
        );
        let absolute = Event { target: b"http://alice:pw@shop.example/a;jsessionid=1", ..event() };
        assert!(retold(names, &Fields::from(absolute)).contains("\"GET /a HTTP/1.1\""));
    }

    #[test]
    fn a_command_that_cannot_work_as_it_stands_says_so() {
        let names = &mut Names::new(Scheme::Numbered);
        assert_eq!(
            check(names, "Find it: `grep -wF '192.0.2.7' access.log`"),
            "Find it: (what was replaced here must be put back) `grep -wF 'client-1' access.log`"
        );
        for other in ["Which rules? `nginx -T`", "Tell them."] {
            assert_eq!(check(names, other), other);
        }
        assert_eq!(check(names, "Ask 192.0.2.7: `date`"), "Ask client-1: `date`");
    }

    #[test]
    fn a_client_has_one_name_all_over_the_report() {
        let client = |client: &[u8]| ClientSummary {
            client: Logged::new(client),
            requests: 1,
            ok: 0,
            status_401: 1,
            status_403: 0,
            main_cause: "unauthorized",
            users: 1,
            origin: None,
            first: Time(0),
            last: Time(0),
            approximate: false,
        };
        let mut report = Report {
            clients: vec![client(b"192.0.2.8"), client(b"192.0.2.7"), client(b"pc7.example.org")],
            ..Report::default()
        };
        report.limits = vec!["seen from 192.0.2.7 and PC7.example.org.".to_owned()];
        let hidden = anonymized(&report, Scheme::Numbered, &|_| None);
        assert_eq!(hidden.clients[1].client.inert(), "client-2");
        assert_eq!(hidden.limits, ["seen from client-2 and client-3."]);
        assert_eq!(hidden, anonymized(&report, Scheme::Numbered, &|_| None), "the same report, the same names");
    }
}
