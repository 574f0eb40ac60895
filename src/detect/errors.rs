//! What the error log says about incidents: evidence for and against, the file or the rule that it names, and the
//! cause where its words settle it.
//!
//! Which messages are about an incident is decided in `hearing`.

use super::{
    cause, causes,
    checks::is_harmless,
    facts::Facts,
    hearing::{Heard, Party, Voice, hear, hear_at, knows_clients},
};
use crate::model::{
    coverage::LineRef,
    incident::{Evidence, Incident, RuledOut, Scope, Severity, Verdict},
    logged::Logged,
    note::{Level, Notes, Quote, When, Why},
    time::Time,
};
use std::collections::{BTreeMap, BTreeSet};

/// Adds to each incident what the error log says about it, and settles cause and verdict where that does. The check of
/// what it names becomes the first of the next checks; the others follow the cause, so they are to be written after.
pub(crate) fn weigh(facts: &Facts<'_>, notes: &Notes, incidents: &mut [Incident], parties: &[Party]) {
    if notes.is_empty() {
        return;
    }
    let knows_clients = knows_clients(facts.ledger, notes);
    for (incident, party) in incidents.iter_mut().zip(parties) {
        let heard = hear(facts, notes, incident, Some(party).filter(|_| knows_clients));
        tell(notes, incident, &heard, knows_clients);
    }
}

/// Takes waves that turned out to be the server's fault into a fault that is told already: the same cause at the same
/// time is one fault. `faults` incidents come first; what was taken in is left out, with its party.
pub(crate) fn absorb(incidents: &mut Vec<Incident>, parties: &mut Vec<Party>, faults: usize) {
    let mut at = faults;
    while at < incidents.len() {
        let (told, waves) = incidents.split_at_mut(at);
        let wave = waves.first().filter(|wave| wave.verdict == Verdict::ServerSide && wave.cause_is_settled);
        let same = wave.and_then(|wave| {
            let index = told.iter().take(faults).position(|fault| is_same(fault, wave))?;
            told.get_mut(index).map(|fault| (fault, wave, index))
        });
        let Some((fault, wave, index)) = same else {
            at += 1;
            continue;
        };
        widen(fault, wave);
        incidents.remove(at);
        let more = parties.remove(at);
        if let (Some(party), Some(fault)) = (parties.get_mut(index), incidents.get_mut(index)) {
            fault.clients_affected = party.join(more) as u64;
            fault.clients_active = fault.clients_active.max(fault.clients_affected);
        }
    }
}

fn is_same(fault: &Incident, wave: &Incident) -> bool {
    let ends_before = |a: &Incident, b: &Incident| a.end.is_some_and(|end| end < b.start);
    fault.cause_is_settled
        && (fault.cause, fault.status) == (wave.cause, wave.status)
        && !ends_before(fault, wave)
        && !ends_before(wave, fault)
}

fn widen(fault: &mut Incident, wave: &Incident) {
    fault.start = fault.start.min(wave.start);
    fault.end = fault.end.zip(wave.end).map(|(a, b)| a.max(b));
    if wave.scope.path_prefix.is_empty() {
        fault.scope.path_prefix.clear();
    } else if !fault.scope.path_prefix.is_empty() {
        fault.scope.path_prefix.extend(wave.scope.path_prefix.iter().cloned());
        fault.scope.path_prefix.sort();
        fault.scope.path_prefix.dedup();
    }
    fault.requests_failed += wave.requests_failed;
    fault.requests_total += wave.requests_failed;
}

/// Adds what is said at some minutes about some clients.
pub(crate) fn tell_of(notes: &Notes, incident: &mut Incident, told: &BTreeSet<When>) {
    let heard = hear_at(notes, &incident.scope, told);
    tell(notes, incident, &heard, true);
}

/// What is said at some minutes about a client that got this status, in words.
pub(crate) fn words(notes: &Notes, told: &BTreeSet<When>, status: u16) -> Option<String> {
    let heard = hear_at(notes, &Scope::default(), told);
    let said = heard.iter().filter(|(why, _)| why.gives(status));
    let words: Vec<String> = said
        .map(|(why, voice)| format!("{} ({}){}", why.text(), times(voice.messages), named(*why, voice, &heard)))
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Puts what was heard into an incident.
fn tell(notes: &Notes, incident: &mut Incident, heard: &Heard<'_>, knows_clients: bool) {
    let mut ranked: Vec<(Why, &Voice<'_>)> =
        heard.iter().filter(|(why, _)| why.gives(incident.status)).map(|(why, voice)| (*why, voice)).collect();
    ranked.sort_by_key(|(why, voice)| (std::cmp::Reverse(voice.messages), *why));
    let Some((why, voice)) = ranked.first().copied().filter(|(_, voice)| !is_sparse(incident, voice)) else {
        incident.evidence.extend(silence(notes, incident, &ranked));
        return;
    };
    settle_verdict(incident, why, voice);
    let inferred = incident.cause;
    settle_cause(incident, why, voice);
    let mut points = vec![said(incident, &ranked, heard, knows_clients)];
    points.extend(alternative(incident, inferred));
    incident.evidence.splice(0..0, points);
    if incident.verdict == Verdict::ServerSide || why == Why::WafDenied {
        incident.next_checks.extend(first_check(why, voice, heard));
    }
    let first = voice.topics.iter().filter_map(|topic| notes.quotes.get(*topic as usize)).min();
    if let Some(quote) = first {
        let at = incident.samples.len().min(1);
        incident.samples.insert(at, line(notes, quote));
    }
}

/// A message as a line of its file.
pub(crate) fn line(notes: &Notes, quote: &Quote) -> LineRef {
    let file = notes.files.get(quote.file as usize).cloned().unwrap_or_default();
    LineRef { file, line: quote.line, text: quote.text.clone() }
}

/// The messages in words and figures.
fn said(incident: &Incident, ranked: &[(Why, &Voice<'_>)], heard: &Heard<'_>, knows_clients: bool) -> Evidence {
    const REASONS_MAX: usize = 3;
    let (messages, addresses, users) = sums(ranked);
    let reasons: Vec<String> = ranked
        .iter()
        .take(REASONS_MAX)
        .map(|(why, voice)| format!("{} ({}){}", why.text(), times(voice.messages), named(*why, voice, heard)))
        .collect();
    let names = if users > 0 { format!(" and {users} user {}", plural(users, "name", "names")) } else { String::new() };
    let how = if knows_clients { "" } else { "; matched by time and path, since it knows clients by other addresses" };
    let text = format!(
        "the error log says: {}, of {addresses} {}{names}{how}",
        reasons.join("; "),
        plural(addresses, "address", "addresses")
    );
    let mut figures = BTreeMap::from([
        ("error_log_messages", messages as f64),
        ("error_log_addresses", addresses as f64),
        ("error_log_users", users as f64),
    ]);
    figures.extend(ranked.iter().map(|(why, voice)| (why.id(), voice.messages as f64)));
    let supports = ranked.first().is_some_and(|(why, voice)| speaks_for(incident, *why, voice));
    Evidence { supports, text, figures }
}

fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Messages, addresses and user names.
fn sums(ranked: &[(Why, &Voice<'_>)]) -> (u64, usize, usize) {
    let addresses: BTreeSet<u128> = ranked.iter().flat_map(|(_, voice)| voice.addrs.iter().copied()).collect();
    let users: BTreeSet<u32> = ranked.iter().flat_map(|(_, voice)| voice.users.iter().copied()).collect();
    (ranked.iter().map(|(_, voice)| voice.messages).sum(), addresses.len().max(1), users.len())
}

/// `, naming FILE and 3 more`.
fn named(why: Why, voice: &Voice<'_>, heard: &Heard<'_>) -> String {
    let (Some(thing), count) = (rule_or_file(why, voice, heard), voice.things.len()) else { return String::new() };
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    format!(", naming {}{more}", thing.inert())
}

/// What is named; where a ModSecurity rule only adds up what others found, the one of those that matches most.
fn rule_or_file<'n>(why: Why, voice: &Voice<'n>, heard: &Heard<'n>) -> Option<&'n Logged> {
    let thing = voice.thing()?;
    // Of the OWASP Core Rule Set: blocking evaluation and correlation.
    let only_adds_up = [&b"949"[..], b"959", b"980"].iter().any(|range| thing.as_bytes().starts_with(range));
    let matched = heard.get(&Why::WafMatched).filter(|_| why == Why::WafDenied && only_adds_up);
    matched.and_then(Voice::thing).or(Some(thing))
}

/// Whether a reason fits what is said of an incident.
fn speaks_for(incident: &Incident, why: Why, voice: &Voice<'_>) -> bool {
    match incident.verdict {
        Verdict::ServerSide => is_decisive(incident, voice) && cause_of(why, voice, incident).is_some(),
        _ => !is_the_servers_own(why),
    }
}

/// Whether messages account for half of the failures, or of the clients.
fn is_decisive(incident: &Incident, voice: &Voice<'_>) -> bool {
    voice.messages * 2 >= incident.requests_failed || voice.addrs.len() as u64 * 2 >= incident.clients_affected.max(1)
}

/// Whether they account for so little that most of the refusals have no word.
fn is_sparse(incident: &Incident, voice: &Voice<'_>) -> bool {
    !is_decisive(incident, voice) && voice.messages * 5 < incident.requests_failed
}

/// Whether a reason is nobody's doing but the server's, whoever is refused for it.
fn is_the_servers_own(why: Why) -> bool {
    why.breaks_authentication() || why == Why::FilePermissions
}

/// Many addresses refused because the server cannot read its own files or reach its own services are a fault of the
/// server, also where the access log alone shows a wave of no known-good clients.
fn settle_verdict(incident: &mut Incident, why: Why, voice: &Voice<'_>) {
    const ADDRESSES_MIN: usize = 5;
    if is_the_servers_own(why)
        && incident.verdict != Verdict::ServerSide
        && voice.addrs.len() >= ADDRESSES_MIN
        && voice.messages * 2 >= incident.requests_failed
    {
        incident.verdict = Verdict::ServerSide;
        incident.severity = Severity::Critical;
    }
}

/// Causes that say how a fault is spread rather than what it is: the error log does not speak against them.
const BY_SHAPE: [&str; 5] =
    ["partial_rollout", "bad_upstream", "slow_burn", "session_store_flush", "login_backend_down"];

/// The cause that a reason stands for; none where it may have many.
fn cause_of(why: Why, voice: &Voice<'_>, incident: &Incident) -> Option<&'static str> {
    /// So many people do not forget their passwords at once.
    const USERS_MIN: usize = 4;
    let of_a_network = !incident.scope.client_net.is_empty();
    let of_many = voice.users.len() >= USERS_MIN && voice.users.len() as u64 * 3 >= incident.clients_affected;
    match why {
        Why::CredentialsFile => Some("credentials_store_lost"),
        Why::UnknownUser | Why::WrongPassword => of_many.then_some("credentials_store_lost"),
        Why::NotAuthorized => of_many.then_some("access_rule"),
        Why::ForbiddenByRule | Why::ClientDenied => Some(if of_a_network { "allowlist_typo" } else { "deny_rule" }),
        Why::FilePermissions => Some("file_permissions"),
        Why::IndexForbidden => Some("deploy_route_block"),
        Why::Misconfigured => Some("access_rule"),
        Why::AuthService | Why::Ldap => Some("auth_backend_down"),
        Why::TokenSignature => Some("signing_key_rotated"),
        Why::TokenTime => Some("clock_skew"),
        Why::WafDenied => Some(if of_a_network { "waf_network_block" } else { "waf_false_positive" }),
        Why::NoCredentials
        | Why::WrongScheme
        | Why::Upstream
        | Why::WafMatched
        | Why::Certificate
        | Why::RateLimited => None,
    }
}

/// Sets the cause of a server-side incident where the messages settle it.
fn settle_cause(incident: &mut Incident, why: Why, voice: &Voice<'_>) {
    if incident.verdict == Verdict::ServerSide
        && let Some(cause) = cause_of(why, voice, incident).filter(|_| is_decisive(incident, voice))
        && !BY_SHAPE.contains(&incident.cause)
    {
        incident.cause = cause;
        incident.cause_is_settled = true;
    }
}

/// What the access log alone had said, where that is another cause.
fn alternative(incident: &mut Incident, inferred: &'static str) -> Option<Evidence> {
    if inferred == incident.cause {
        return None;
    }
    if causes::covers(inferred, incident.cause) {
        // No disagreement: the error log decides what the access log left open.
        incident.evidence.retain(|e| cause::open_question(inferred) != Some(e.text.as_str()));
        return None;
    }
    let why = "the access log alone suggests it, and the error log says otherwise".to_owned();
    incident.ruled_out.insert(0, RuledOut { cause: inferred, why });
    let text = format!("the access log alone suggests another cause: {}", causes::title(inferred));
    Some(Evidence { supports: false, text, figures: BTreeMap::new() })
}

/// That a log which covers the time has no word on most refusals: servers log their own, so it was another's decision.
fn silence(notes: &Notes, incident: &Incident, ranked: &[(Why, &Voice<'_>)]) -> Option<Evidence> {
    const LOGGED_WHERE_SO: [&str; 4] = ["credentials_store_lost", "file_permissions", "deny_rule", "allowlist_typo"];
    let (first, last) = notes.span?;
    let is_covered = first <= incident.start && incident.start <= last && notes.least <= Some(Level::Error);
    if incident.verdict != Verdict::ServerSide || !is_covered {
        return None;
    }
    let (messages, _, _) = sums(ranked);
    let nothing = if messages == 0 { "nothing".to_owned() } else { format!("something only {}", times(messages)) };
    let text = format!(
        "the error log covers this time and says {nothing} about these refusals: rules, missing files and password files \
         leave a word there; a return 403, an auth_request or the application does not"
    );
    let supports = !LOGGED_WHERE_SO.contains(&incident.cause);
    Some(Evidence { supports, text, figures: BTreeMap::from([("error_log_messages", messages as f64)]) })
}

/// The check of what the messages name: for many files of one folder, that folder.
fn first_check(why: Why, voice: &Voice<'_>, heard: &Heard<'_>) -> Option<String> {
    let thing = rule_or_file(why, voice, heard)?.inert();
    let folder = (why == Why::ClientDenied).then(|| common_folder(voice)).flatten();
    check(why, &folder.unwrap_or(thing))
}

/// The deepest folder that holds all files named; none where there is one file, or nothing in common.
fn common_folder(voice: &Voice<'_>) -> Option<String> {
    let mut things = voice.things.keys().map(|thing| thing.inert());
    let mut common = things.next().filter(|_| voice.things.len() > 1)?;
    for thing in things {
        if thing.strip_prefix(&common).is_some_and(|rest| rest.starts_with('/')) {
            continue;
        }
        let alike = common.bytes().zip(thing.bytes()).take_while(|(a, b)| a == b).count();
        let slash = common.bytes().take(alike).rposition(|b| b == b'/').unwrap_or(0);
        common.truncate(slash);
    }
    (!common.is_empty()).then_some(common)
}

/// A check for a thing by name. Names of files hold what strangers asked for, so one that could act is left out.
fn check(why: Why, thing: &str) -> Option<String> {
    let is_file = thing.starts_with('/');
    let is_rule = !thing.is_empty() && thing.bytes().all(|b| b.is_ascii_digit());
    let is_service = thing.starts_with("http://") || thing.starts_with("https://");
    let text = match why {
        Why::CredentialsFile if is_file => {
            format!(
                "The error log names this password file: is it there, and may the worker read it? `namei -l '{thing}'`"
            )
        }
        Why::UnknownUser if is_file => {
            format!(
                "Names are looked up in this file: is it whole? `ls -lL --time-style=full-iso '{thing}'; wc -l '{thing}'`"
            )
        }
        Why::FilePermissions if is_file => {
            format!("The error log names what may not be read: may the worker get there? `namei -l '{thing}'`")
        }
        Why::IndexForbidden if is_file => {
            format!("The error log names a folder without an index page: is it complete? `ls -la '{thing}'`")
        }
        Why::ClientDenied if is_file => {
            format!(
                "Apache names what it denies: which Directory, Location or .htaccess covers it? `namei -l '{thing}'`"
            )
        }
        Why::WafDenied if is_rule => format!(
            "The error log names this ModSecurity rule: what does it look for? `grep -RsnE 'id:.?{thing}' /etc/modsecurity /etc/nginx /etc/httpd /etc/apache2 /usr/share/modsecurity-crs`"
        ),
        Why::AuthService if is_service => {
            format!("Does the service that the error log names answer? `curl -sS -m 5 -D - -o /dev/null '{thing}'`")
        }
        _ => return None,
    };
    is_harmless(thing).then_some(text)
}

/// What the error logs leave open: they may be those of another time.
pub(crate) fn limits(notes: &Notes, span: Option<(Time, Time)>) -> Option<String> {
    let ((first, last), (from, to)) = (notes.span?, span?);
    (last < from || first > to)
        .then(|| format!("the error log is of another time: {} to {} UTC", first.minute(), last.minute()))
}
