//! The registry of causes: for each what it looks like, what speaks against it and what to do next. Decides nothing.
//!
//! To add a cause, add one entry to the table of its file: `server_side` (ours), `attack` or `client_side`.
//! Nothing else lists causes, except the test below that holds the ids of the contract.
//!
//! # Next checks
//!
//! A check is words, then at most one command, between backticks and at the end. Commands are for a root shell (a
//! glob under `/var/log` must be expanded by somebody who may look there) and fit Debian and RHEL alike, with nginx
//! or Apache: what is absent is passed over. What the reader has to put in is in `CAPITALS`. [`PLACEHOLDERS`] are
//! filled by the caller; a check that needs a value which the log does not have is left out, and at least three
//! remain of every cause.
//!
//! Paths, hosts and clients were written by strangers, and commands are pasted into root shells. In a command a
//! placeholder always stands between single quotes, so a value without control characters, `'` and the backtick is
//! safe there. With any other value, the check must be left out as well.

mod attack;
mod client_side;
mod server_side;

use crate::model::incident::Verdict;

/// One cause of many 401s or 403s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// As in the JSON report: never renamed.
    pub id: &'static str,
    /// Lower-case words for people, short enough for a heading.
    pub title: &'static str,
    /// Whose fault it is.
    pub verdict: Verdict,
    /// What it looks like in an access log.
    pub looks_like: &'static str,
    /// What speaks against it.
    pub against: &'static str,
    /// What looks the same and is something else.
    pub false_positives: &'static str,
    /// The MITRE ATT&CK technique, for attacks.
    pub technique: Option<&'static str>,
    /// What to do next, most telling first. The module's documentation says how they are written.
    pub next_checks: &'static [&'static str],
}

/// What the caller puts into [`Cause::next_checks`].
///
/// - `{path}`: the path prefix that is hit, `/` for the whole site; begins with a slash.
/// - `{vhost}`: the virtual host, without port; not known to every log.
/// - `{since}`: some time before the first failure, as `2026-03-10 10:00:00 UTC`, which `find -newerct`,
///   `journalctl --since` and `git log --since` all read.
/// - `{client}`: the address of the busiest client; none where it is not an IP address or clients are anonymised.
pub const PLACEHOLDERS: [&str; 4] = ["{path}", "{vhost}", "{since}", "{client}"];

/// Every cause: the server's first.
pub fn all() -> impl Iterator<Item = &'static Cause> {
    [server_side::CAUSES, attack::CAUSES, client_side::CAUSES].into_iter().flatten()
}

/// The cause of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Cause> {
    all().find(|cause| cause.id == id)
}

/// Whether a cause is the wider name of another, for where the log cannot tell it from its neighbours.
#[must_use]
pub fn covers(wide: &str, narrow: &str) -> bool {
    let narrower: &[&str] = match wide {
        "credentials_rejected" => &["credentials_store_lost", "auth_backend_down"],
        "sessions_invalidated" => &["session_store_flush", "signing_key_rotated", "clock_skew"],
        "access_rule" => &["deny_rule", "deploy_route_block", "file_permissions"],
        "waf_or_network_block" => &["waf_false_positive", "waf_network_block", "allowlist_typo"],
        _ => &[],
    };
    narrower.contains(&narrow)
}

/// The title of the cause of that id; empty where there is none.
#[must_use]
pub fn title(id: &str) -> &'static str {
    find(id).map_or("", |cause| cause.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const CONTRACT: [(Verdict, &[&str]); 3] = [
        (
            Verdict::ServerSide,
            &[
                "credentials_store_lost",
                "auth_backend_down",
                "login_backend_down",
                "signing_key_rotated",
                "session_store_flush",
                "clock_skew",
                "deny_rule",
                "deploy_route_block",
                "file_permissions",
                "waf_false_positive",
                "waf_network_block",
                "allowlist_typo",
                "partial_rollout",
                "bad_upstream",
                "slow_burn",
                "unknown",
                "credentials_rejected",
                "sessions_invalidated",
                "access_rule",
                "waf_or_network_block",
            ],
        ),
        (Verdict::Attack, &["brute_force", "credential_stuffing", "password_spray", "scanner", "bot_swarm"]),
        (
            Verdict::ClientSide,
            &[
                "stale_credentials",
                "token_refresh",
                "restricted_page",
                "crawler_blocked",
                "rate_limit",
                "hotlink_block",
                "password_expiry",
                "relogin_wave",
                "monitor_probe",
                "visitors",
            ],
        ),
    ];

    /// What stands between backticks, if anything does.
    fn command(check: &str) -> Option<&str> {
        check.split('`').nth(1)
    }

    #[test]
    fn the_contract_is_kept() {
        for (verdict, ids) in CONTRACT {
            for id in ids {
                assert!(find(id).is_some_and(|cause| cause.verdict == verdict), "{id}");
            }
        }
        assert_eq!(find("no_such_cause"), None);
        assert_eq!(title("no_such_cause"), "");
    }

    #[test]
    fn ids_and_titles_are_unique() {
        let ids: BTreeSet<_> = all().map(|cause| cause.id).collect();
        let titles: BTreeSet<_> = all().map(|cause| cause.title).collect();
        assert_eq!((ids.len(), titles.len()), (all().count(), all().count()));
    }

    #[test]
    fn every_cause_is_complete() {
        for cause in all() {
            let id = cause.id;
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{id}");
            assert!(!cause.title.is_empty() && cause.title.chars().count() <= 48, "{id}: {}", cause.title);
            for text in [cause.looks_like, cause.against, cause.false_positives] {
                assert!(text.ends_with('.') && text.len() > 20, "{id}: {text:?}");
            }
            assert_eq!(cause.technique.is_some(), cause.verdict == Verdict::Attack, "{id}");
            assert!((3..=6).contains(&cause.next_checks.len()), "{id}");
            let unconditional = cause.next_checks.iter().filter(|c| !c.contains("{vhost}") && !c.contains("{client}"));
            assert!(unconditional.count() >= 3, "{id}: too few checks for a log without virtual hosts");
        }
    }

    #[test]
    fn a_check_is_words_then_at_most_one_command() {
        for cause in all() {
            for check in cause.next_checks {
                let ticks = check.matches('`').count();
                assert!(ticks == 0 && check.ends_with('.') || ticks == 2 && check.ends_with('`'), "{check}");
                assert!(check.starts_with(|c: char| c.is_uppercase()), "{check}");
                assert!(command(check).is_none_or(|c| c.len() <= 150), "{check}");
                assert!(!check.contains("  ") && !check.contains('\n'), "{check}");
            }
        }
    }

    #[test]
    fn placeholders_are_known_and_quoted_in_commands() {
        for cause in all() {
            for check in cause.next_checks {
                let bare = PLACEHOLDERS.iter().fold((*check).to_owned(), |text, known| text.replace(known, ""));
                assert!(!bare.contains(['{', '}']), "{check}");
                for unquoted in command(check).unwrap_or_default().split('\'').step_by(2) {
                    assert!(!unquoted.contains('{'), "{check}");
                }
            }
        }
    }
}
