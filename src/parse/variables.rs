//! What the variables of nginx and the directives of Apache stand for. Owns the two tables; reading a template is
//! in `template.rs`, cutting a line in `plan.rs`.
//!
//! Sources: <https://nginx.org/en/docs/varindex.html>,
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>.

use super::{strftime::Strftime, template::Directive, timestamp::Unit};

/// What a field of a line is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Client,
    User,
    Time(TimeKind),
    /// Method, target and protocol in one.
    Request,
    Method,
    Target,
    Protocol,
    Status,
    Bytes,
    Referer,
    Agent,
    ForwardedFor,
    Vhost,
    Upstream,
    /// Digits or `-`, not kept, but checked: they tell formats apart.
    Count,
    /// As [`Meaning::Count`], also with a fraction, or a list of such.
    Decimals,
    /// A time that is not kept: its shape tells its length.
    Pattern(Strftime),
    /// Anything, not kept.
    Skip,
}

/// How a time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    /// `10/Oct/2000:13:55:36 -0700`.
    Clf,
    /// ISO 8601.
    Iso,
    /// A count since 1970.
    Epoch(Unit),
    /// A piece of it or all, in the operator's shape.
    Shaped(Strftime),
}

/// How the text of an unquoted field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Without blanks.
    Word,
    /// Blanks may stand in it.
    Free,
    /// Words after `, ` or ` : `, as nginx lists upstreams and proxies list clients.
    List,
}

/// A field as a template names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) meaning: Meaning,
    /// Where two fields of a template mean the same, the lower one is kept.
    pub(super) rank: u8,
    pub(super) text: Text,
}

/// Added to the rank of a directive that is logged for some statuses only.
pub(super) const CONDITIONAL: u8 = 100;

fn variable(meaning: Meaning, rank: u8) -> Variable {
    let text = match meaning {
        Meaning::User | Meaning::Request | Meaning::Target | Meaning::Referer | Meaning::Agent => Text::Free,
        Meaning::ForwardedFor | Meaning::Upstream => Text::List,
        _ => Text::Word,
    };
    Variable { meaning, rank, text }
}

fn skip(text: Text) -> Variable {
    Variable { meaning: Meaning::Skip, rank: 0, text }
}

/// An nginx variable by its name. Names that the tables do not know are skipped: a `map` can define any.
pub(super) fn nginx(name: &str) -> Variable {
    match name {
        "remote_addr" => variable(Meaning::Client, 0),
        "the_real_ip" | "http_x_real_ip" => variable(Meaning::Client, 1),
        "realip_remote_addr" | "proxy_protocol_addr" => variable(Meaning::Client, 2),
        "remote_user" => variable(Meaning::User, 0),
        "time_local" => variable(Meaning::Time(TimeKind::Clf), 0),
        "time_iso8601" => variable(Meaning::Time(TimeKind::Iso), 1),
        "msec" => variable(Meaning::Time(TimeKind::Epoch(Unit::Seconds)), 2),
        "request" => variable(Meaning::Request, 0),
        "request_method" => variable(Meaning::Method, 0),
        "request_uri" => variable(Meaning::Target, 0),
        "uri" | "document_uri" => variable(Meaning::Target, 1),
        "server_protocol" => variable(Meaning::Protocol, 0),
        "status" => variable(Meaning::Status, 0),
        "body_bytes_sent" => variable(Meaning::Bytes, 0),
        "bytes_sent" => variable(Meaning::Bytes, 1),
        "proxy_add_x_forwarded_for" => variable(Meaning::ForwardedFor, 1),
        "host" => variable(Meaning::Vhost, 0),
        "server_name" => variable(Meaning::Vhost, 2),
        "upstream_addr" => variable(Meaning::Upstream, 0),
        "proxy_upstream_name" | "proxy_host" => variable(Meaning::Upstream, 1),
        "request_length" | "connection" | "connection_requests" | "pid" | "server_port" | "remote_port" => {
            variable(Meaning::Count, 0)
        }
        "request_time" | "connection_time" => variable(Meaning::Decimals, 0),
        // Headers and cookies of upstreams, and an HTTP date.
        "upstream_cache_last_modified" => skip(Text::Free),
        _ if UPSTREAM_TEXTS.iter().any(|start| name.starts_with(start)) => skip(Text::Free),
        _ if name.starts_with("upstream_") => match name.rsplit('_').next() {
            Some("time" | "length" | "sent" | "received") => {
                Variable { text: Text::List, ..variable(Meaning::Decimals, 0) }
            }
            _ => skip(Text::List),
        },
        _ => match name.strip_prefix("http_") {
            Some(header) => request_header(header),
            None if is_clients_address(name) => Variable { text: Text::List, ..variable(Meaning::Client, 3) },
            None => skip(if WORDS.contains(&name) { Text::Word } else { Text::Free }),
        },
    }
}

const UPSTREAM_TEXTS: [&str; 3] = ["upstream_http_", "upstream_cookie_", "upstream_trailer_"];

/// Whether a variable that an operator made, mostly by `map`, is called as an address of the client is: `$real_ip`,
/// `$clientRealIp`, `$ip_anonymized`, `$remote_addr_masked`. nginx itself has no such names.
fn is_clients_address(name: &str) -> bool {
    const WHOSE: [&str; 7] = ["real", "client", "remote", "user", "visitor", "source", "forwarded"];
    const MADE: [&str; 7] = ["anon", "mask", "hash", "trunc", "short", "pseudo", "obfus"];
    const COMPOUNDS: [&str; 4] = ["realip", "clientip", "remoteip", "realaddr"];
    const OTHERS: [&str; 6] = ["server", "proxy", "upstream", "binary", "port", "ssl_"];
    let name = name.to_ascii_lowercase();
    let has_any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let is_sent = ["arg_", "cookie_", "sent_"].iter().any(|start| name.starts_with(start));
    let has_address = name.split('_').any(|word| matches!(word, "ip" | "addr" | "address"));
    let is_clients = has_any(&COMPOUNDS) || has_address && (has_any(&WHOSE) || has_any(&MADE));
    is_clients && !is_sent && !has_any(&OTHERS)
}

/// Variables of nginx and of ingress-nginx whose values hold no blanks. What a `map` defines may hold some, and so
/// may `$anything`, which is ours (`formats/combined_plus.rs`).
const WORDS: &[&str] = &[
    "gzip_ratio",
    "hostname",
    "https",
    "nginx_version",
    "pipe",
    "req_id",
    "request_completion",
    "request_id",
    "scheme",
    "server_addr",
    "ssl_cipher",
    "ssl_protocol",
    "ssl_session_reused",
];

/// A request header, lower case with underscores.
fn request_header(name: &str) -> Variable {
    match name {
        "referer" => variable(Meaning::Referer, 0),
        "user_agent" => variable(Meaning::Agent, 0),
        "x_forwarded_for" => variable(Meaning::ForwardedFor, 0),
        "x_real_ip" | "true_client_ip" | "cf_connecting_ip" | "x_client_ip" => variable(Meaning::ForwardedFor, 2),
        "host" | "x_forwarded_host" => variable(Meaning::Vhost, 1),
        _ => skip(Text::Free),
    }
}

/// An Apache directive; none where mod_log_config, mod_logio and mod_ssl have no such letter.
pub(super) fn apache(directive: &Directive) -> Option<Variable> {
    let argument = directive.argument.as_deref().unwrap_or_default();
    let mut variable = match directive.name.as_str() {
        "a" if argument == "c" => variable(Meaning::Client, 2),
        "a" => variable(Meaning::Client, 1),
        "h" if argument == "c" => variable(Meaning::Client, 2),
        "h" => variable(Meaning::Client, 0),
        "u" => variable(Meaning::User, 0),
        "t" => time(argument),
        // WebSphere and Liberty: the time, or how long it took.
        "W" if argument == "t" => time(""),
        "W" => skip(Text::Word),
        "r" => variable(Meaning::Request, 0),
        "m" => variable(Meaning::Method, 0),
        "U" => variable(Meaning::Target, 0),
        "H" => variable(Meaning::Protocol, 0),
        // `%s` is the status of the original request by default, `%>s` the final one.
        "s" if directive.request == Some('>') => variable(Meaning::Status, 0),
        "s" => variable(Meaning::Status, 1),
        "b" | "B" => variable(Meaning::Bytes, 0),
        "O" => variable(Meaning::Bytes, 1),
        "v" => variable(Meaning::Vhost, 0),
        "V" => variable(Meaning::Vhost, 1),
        "i" => request_header(&argument.to_ascii_lowercase().replace('-', "_")),
        "e" | "n" => environment(argument),
        "I" | "S" | "D" | "k" | "p" | "^FB" => variable(Meaning::Count, 0),
        "C" | "c" | "o" | "f" | "x" | "^ti" | "^to" => skip(Text::Free),
        // `%F` is Tomcat's.
        "A" | "F" | "l" | "L" | "P" | "q" | "R" | "T" | "X" => skip(Text::Word),
        _ => return None,
    };
    if directive.conditional {
        variable.rank += CONDITIONAL;
        if matches!(variable.meaning, Meaning::Count | Meaning::Decimals) {
            variable.meaning = Meaning::Skip;
        }
    }
    Some(variable)
}

/// Variables that Apache's own modules set: mod_proxy_balancer's worker.
fn environment(name: &str) -> Variable {
    match name {
        "BALANCER_WORKER_NAME" => variable(Meaning::Upstream, 0),
        _ => skip(Text::Free),
    }
}

/// `%t` and `%{format}t`.
fn time(format: &str) -> Variable {
    let format = format.strip_prefix("begin").or_else(|| format.strip_prefix("end")).unwrap_or(format);
    let kind = match format.strip_prefix(':').unwrap_or(format) {
        "" => TimeKind::Clf,
        "sec" => TimeKind::Epoch(Unit::Seconds),
        "msec" => TimeKind::Epoch(Unit::Millis),
        "usec" => TimeKind::Epoch(Unit::Micros),
        shape => TimeKind::Shaped(Strftime::new(shape)),
    };
    variable(Meaning::Time(kind), 0)
}
