//! The messages that bear on a refusal, as the servers' sources word them, and what each means. Owns that knowledge.
//!
//! To add one: where it belongs to a server, a line in its function; its real wording among the tests below.

use super::{Said, cut, nginx::Context, quoted};
use crate::model::note::Why;

/// Of nginx and its modules.
pub(super) fn of_nginx<'l>(message: &'l [u8], context: &Context<'l>) -> Option<Said<'l>> {
    let begins = |text: &[u8]| message.starts_with(text);
    if let Some(said) = of_modsecurity(message) {
        return Some(said);
    }
    if begins(b"user \"") {
        return of_nginx_user(message);
    }
    if begins(b"open() \"") || begins(b"openat() \"") || begins(b"stat() \"") || begins(b"opendir() \"") {
        return of_open(message, context);
    }
    if begins(b"\"") && message.ends_with(b" is forbidden (13: Permission denied)") {
        return Some(Said::naming(Why::FilePermissions, quoted(message)?));
    }
    if begins(b"no user/password was provided for ") {
        return Some(Said::new(Why::NoCredentials));
    }
    if begins(b"access forbidden by rule") {
        return Some(Said::new(Why::ForbiddenByRule));
    }
    if begins(b"directory index of \"") {
        return Some(Said::naming(Why::IndexForbidden, quoted(message)?));
    }
    if begins(b"auth request unexpected status: ") {
        let words = cut(message, b" while ").map_or(message, |(words, _)| words);
        return Some(Said::naming(Why::AuthService, words.get(b"auth request unexpected ".len()..)?));
    }
    if begins(b"limiting requests, ") || begins(b"limiting connections ") {
        return Some(Said::naming(Why::RateLimited, quoted(message)?));
    }
    if begins(b"client SSL certificate verify error: ") || begins(b"client sent no required SSL certificate") {
        return Some(Said::naming(Why::Certificate, within_parentheses(message)));
    }
    if is_upstream_failure(message) {
        return Some(of_upstream(context));
    }
    of_modules(message)
}

/// `user "X": password mismatch` and `user "X" was not found in "FILE"`. A name cannot hold a colon (RFC 7617), so what
/// ends the message is nginx's own.
fn of_nginx_user(message: &[u8]) -> Option<Said<'_>> {
    let text = message.strip_prefix(b"user \"")?;
    if let Some(user) = text.strip_suffix(b"\": password mismatch") {
        return Some(Said { user, ..Said::new(Why::WrongPassword) });
    }
    let words = b"\" was not found in \"";
    let at = memchr::memmem::rfind(text, words)?;
    let (user, file) = text.split_at(at);
    let file = file.get(words.len()..)?.strip_suffix(b"\"")?;
    Some(Said { user, ..Said::naming(Why::UnknownUser, file) })
}

/// A file that could not be opened. nginx has the same words for what was asked for and for a password file, which is
/// told by not being what was asked for.
fn of_open<'l>(message: &'l [u8], context: &Context<'l>) -> Option<Said<'l>> {
    let file = quoted(message)?;
    let is_missing = message.ends_with(b" failed (2: No such file or directory)");
    let is_forbidden = message.ends_with(b" failed (13: Permission denied)");
    match (is_asked_for(file, context.path) || is_page(file), is_missing, is_forbidden) {
        (true, _, true) => Some(Said::naming(Why::FilePermissions, file)),
        (false, true, _) | (false, _, true) => Some(Said::naming(Why::CredentialsFile, file)),
        _ => None,
    }
}

/// Whether a file has the name at the end of a path, with or without an extension that the server added.
fn is_asked_for(file: &[u8], path: &[u8]) -> bool {
    let asked = last_segment(path);
    let name = last_segment(file);
    path.is_empty() || (!asked.is_empty() && (name.starts_with(asked) || asked.contains(&b'%')))
}

/// Index, error and fallback pages are opened without being asked for by name, and so is what a rewrite leads to.
fn is_page(file: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 18] = [
        b"/", b".html", b".htm", b".php", b".xml", b".json", b".gz", b".css", b".js", b".map", b".png", b".jpg",
        b".gif", b".svg", b".webp", b".ico", b".woff2", b".pdf",
    ];
    ENDINGS.iter().any(|ending| file.ends_with(ending))
}

fn last_segment(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

fn is_upstream_failure(message: &[u8]) -> bool {
    message.starts_with(b"connect() failed (")
        || message.starts_with(b"connect() to ")
        || message.starts_with(b"upstream ")
        || message.starts_with(b"no live upstreams ")
        || message.starts_with(b"recv() failed (") && memchr::memmem::find(message, b" upstream").is_some()
}

/// A subrequest that fails is one that should have decided, or a part of a page; where it decides, nginx says so in a
/// line of its own ("auth request unexpected status").
fn of_upstream<'l>(context: &Context<'l>) -> Said<'l> {
    let decides = memchr::memmem::find(&context.subrequest.to_ascii_lowercase(), b"auth").is_some();
    Said::naming(if decides { Why::AuthService } else { Why::Upstream }, context.upstream)
}

/// Of modules for LDAP, PAM and OpenID Connect, which say what they want in the middle of a sentence.
fn of_modules(message: &[u8]) -> Option<Said<'_>> {
    let has = |text: &[u8]| memchr::memmem::find(message, text).is_some();
    if message.starts_with(b"http_auth_ldap: ") {
        let is_down = has(b"Can't contact LDAP server") || has(b"timed out") || has(b"connection") || has(b"(-1:");
        return is_down.then(|| Said::new(Why::Ldap));
    }
    if let Some(rest) = message.strip_prefix(b"PAM: user '") {
        let (user, rest) = cut(rest, b"' - ")?;
        return rest.starts_with(b"not authenticated").then(|| Said { user, ..Said::new(Why::WrongPassword) });
    }
    if !(message.starts_with(b"[lua] ") || message.starts_with(b"oidc_") || message.starts_with(b"auth jwt")) {
        return None;
    }
    if has(b"signature verification fail") || has(b"signature could not be validated") || has(b"signature mismatch") {
        Some(Said::new(Why::TokenSignature))
    } else if has(b"token expired") || has(b"not yet valid") || has(b"jwt expired") || has(b"'exp' claim expired") {
        Some(Said::new(Why::TokenTime))
    } else {
        None
    }
}

/// Of Apache and its modules: by number since 2.4, and by words before. `is_forbidden` is the system's word.
pub(super) fn of_apache(code: Option<u32>, is_forbidden: bool, message: &[u8]) -> Option<Said<'_>> {
    if let Some(said) = of_modsecurity(message) {
        return Some(said);
    }
    let after = |words: &[u8]| cut(message, words).map(|(_, rest)| rest).unwrap_or_default();
    match code {
        Some(1617) => user_and_path(message, Why::WrongPassword, MISMATCH),
        Some(1618) => user_and_path(message, Why::UnknownUser, NOT_FOUND),
        Some(1631) => user_and_path(message, Why::NotAuthorized, NOT_AUTHORIZED),
        Some(1790 | 1808) => {
            Some(Said { path: after(b" not found: "), user: digest_user(message), ..Said::new(Why::UnknownUser) })
        }
        Some(1794) => {
            let path = after(b": password mismatch: ");
            Some(Said { path, user: digest_user(message), ..Said::new(Why::WrongPassword) })
        }
        Some(1614 | 1776..=1778 | 1783 | 1788 | 1792) => Some(Said::new(Why::WrongScheme)),
        Some(1629) => Some(Said::new(Why::NoCredentials)),
        Some(1620) => Some(Said::naming(Why::CredentialsFile, after(b"password file: "))),
        Some(1665) => Some(Said::naming(Why::CredentialsFile, after(b"group file: "))),
        Some(1630 | 1797) => Some(denied(after(b"server configuration: "))),
        Some(27 | 670 | 1627 | 1796) => Some(Said::new(Why::Misconfigured)),
        Some(35 | 36) => Some(Said::naming(Why::FilePermissions, cut(after(b"(filesystem path '"), b"'")?.0)),
        Some(37) => Some(Said::naming(Why::FilePermissions, after(b"not accessible: "))),
        Some(132) => Some(Said::naming(Why::FilePermissions, after(b"server access: "))),
        Some(529) => Some(Said::naming(Why::FilePermissions, cut(message, b" pcfg_openfile")?.0)),
        Some(1275) => Some(Said::naming(Why::FilePermissions, after(b"for index: "))),
        Some(1276) => Some(Said::naming(Why::IndexForbidden, cut(after(b"serve directory "), b": ")?.0)),
        Some(1695) => Some(of_apache_ldap(message)),
        Some(957) => Some(Said::naming(Why::Upstream, cut(after(b"attempt to connect to "), b" ")?.0)),
        Some(1079 | 1102 | 1114) => Some(Said::naming(Why::Upstream, last_word(message))),
        Some(2039) => Some(Said::naming(Why::Certificate, after(b"): "))),
        Some(_) => None,
        None => of_old_apache(is_forbidden, message).or_else(|| of_modules(message)),
    }
}

/// Before 2.4 the same words came without a number.
fn of_old_apache(is_forbidden: bool, message: &[u8]) -> Option<Said<'_>> {
    let after = |words: &[u8]| message.strip_prefix(words);
    if message.starts_with(b"user ") {
        user_and_path(message, Why::WrongPassword, MISMATCH)
            .or_else(|| user_and_path(message, Why::NotAuthorized, NOT_AUTHORIZED))
            .or_else(|| user_and_path(message, Why::UnknownUser, NOT_FOUND))
    } else if let Some(file) = after(b"client denied by server configuration: ") {
        Some(denied(file))
    } else if let Some(file) = after(b"Could not open password file: ") {
        Some(Said::naming(Why::CredentialsFile, file))
    } else if let Some(directory) = after(b"Directory index forbidden by Options directive: ") {
        Some(Said::naming(Why::IndexForbidden, directory))
    } else if let Some(file) = after(b"file permissions deny server access: ") {
        Some(Said::naming(Why::FilePermissions, file))
    } else if let Some(path) = after(b"access to ").filter(|_| is_forbidden) {
        Some(Said { path: cut(path, b" denied")?.0, ..Said::new(Why::FilePermissions) })
    } else if message.starts_with(b"client used wrong authentication scheme: ") {
        Some(Said::new(Why::WrongScheme))
    } else {
        None
    }
}

const MISMATCH: &[u8] = b": authentication failure for \"";
const NOT_AUTHORIZED: &[u8] = b": authorization failure for \"";
const NOT_FOUND: &[u8] = b" not found: ";

/// `user X: authentication failure for "URI": Password Mismatch`, `user X not found: URI` and
/// `user X: authorization failure for "URI":`.
fn user_and_path<'l>(message: &'l [u8], why: Why, words: &[u8]) -> Option<Said<'l>> {
    let text = message.strip_prefix(b"user ")?;
    let (user, rest) = text.split_at(memchr::memmem::rfind(text, words)?);
    let path = rest.get(words.len()..)?.split(|b| *b == b'"').next().unwrap_or_default();
    Some(Said { user, path, ..Said::new(why) })
}

/// The name in ``user `X' in realm `R' not found`` and `user X: password mismatch`.
fn digest_user(message: &[u8]) -> &[u8] {
    let text = message.strip_prefix(b"user ").unwrap_or_default();
    let text = text.strip_prefix(b"`").unwrap_or(text);
    text.split(|b| matches!(b, b'\'' | b':' | b' ')).next().unwrap_or_default()
}

/// A file, or `uri /path` where there is none.
fn denied(thing: &[u8]) -> Said<'_> {
    match thing.strip_prefix(b"uri ") {
        Some(path) => Said { path, ..Said::new(Why::ClientDenied) },
        None => Said::naming(Why::ClientDenied, thing),
    }
}

/// `auth_ldap authenticate: user X authentication failed; URI /path [reason][what LDAP says]`.
fn of_apache_ldap(message: &[u8]) -> Said<'_> {
    let has = |text: &[u8]| memchr::memmem::find(message, text).is_some();
    let user =
        cut(message, b": user ").and_then(|(_, rest)| cut(rest, b" authentication failed")).map(|(user, _)| user);
    let path = cut(message, b"; URI ").and_then(|(_, rest)| rest.split(|b| *b == b' ').next());
    let why = if has(b"Can't contact LDAP server") || has(b"Timed out") || has(b"is unavailable") || has(b"is busy") {
        Why::Ldap
    } else if has(b"[User not found]") || has(b"[No such object]") {
        Why::UnknownUser
    } else {
        Why::WrongPassword
    };
    Said { user: user.unwrap_or_default(), path: path.unwrap_or_default(), ..Said::new(why) }
}

/// `ModSecurity: Access denied with code 403 … [id "942100"] … [uri "/x"]`, in nginx behind `[client …]`; version 2 in
/// Apache and version 3 in both.
fn of_modsecurity(message: &[u8]) -> Option<Said<'_>> {
    // Apache's brackets are off already; nginx's connector repeats the client.
    let text = match message.strip_prefix(b"[client ") {
        Some(rest) => cut(rest, b"] ")?.1,
        None => message,
    };
    let text = text.strip_prefix(b"ModSecurity: ")?;
    let why = if text.starts_with(b"Access denied ") { Why::WafDenied } else { Why::WafMatched };
    let tag = |name: &[u8]| cut(text, name).and_then(|(_, rest)| rest.split(|b| *b == b'"').next());
    let thing = tag(b" [id \"")?;
    // The path is quoted last, so that a forged one in the matched data does not come first.
    let path = memchr::memmem::rfind(text, b" [uri \"").and_then(|at| quoted(text.get(at..)?));
    Some(Said { path: path.unwrap_or_default(), ..Said::naming(why, thing) })
}

fn within_parentheses(message: &[u8]) -> &[u8] {
    cut(message, b"(").and_then(|(_, rest)| cut(rest, b")")).map(|(inner, _)| inner).unwrap_or_default()
}

fn last_word(message: &[u8]) -> &[u8] {
    message.rsplit(|b| *b == b' ').next().unwrap_or_default()
}
