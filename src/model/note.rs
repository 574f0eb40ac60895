//! What a server's error log says about refusals: who was refused when, why, and which file or rule it names.
//!
//! Notes are counted by minute and client, so that their number is bounded by time and people and not by lines.

use super::{
    logged::Logged,
    time::{Time, joined},
};
use std::collections::BTreeMap;

/// How serious the server took a message, least first. nginx and Apache share the words of syslog (RFC 5424).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For developers; Apache's `trace1` to `trace8` as well.
    Debug,
    /// Of interest when looking for something: nginx's word on missing credentials is here.
    Info,
    /// Reloads and restarts.
    Notice,
    /// What may become an error.
    Warn,
    /// One request went wrong: nearly every word on a refusal is here.
    Error,
    /// Something is broken: a password file that may not be read.
    Crit,
    /// Worse.
    Alert,
    /// The server cannot go on.
    Emerg,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Debug, Self::Info, Self::Notice, Self::Warn, Self::Error, Self::Crit, Self::Alert, Self::Emerg];
}

/// What a message says of a request: why it was refused, or what broke on the way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No user name or password was sent.
    NoCredentials,
    /// The user is known, the password is another.
    WrongPassword,
    /// The user is not in the password file, the directory or the database.
    UnknownUser,
    /// Another scheme than the server wants, or a stale Digest nonce.
    WrongScheme,
    /// The user is who they say, and may not have this.
    NotAuthorized,
    /// The password or group file is missing or may not be read.
    CredentialsFile,
    /// The server may not read what was asked for.
    FilePermissions,
    /// A directory without an index page, which may not be listed.
    IndexForbidden,
    /// nginx's allow and deny.
    ForbiddenByRule,
    /// Apache's Require, Allow and Deny.
    ClientDenied,
    /// The configuration asks for a check that cannot be made.
    Misconfigured,
    /// The service that decides about requests failed or answered what it should not.
    AuthService,
    /// The LDAP directory could not be asked.
    Ldap,
    /// A server behind this one did not answer.
    Upstream,
    /// A token's signature does not fit any known key.
    TokenSignature,
    /// A token is not valid yet, or no longer.
    TokenTime,
    /// ModSecurity refused.
    WafDenied,
    /// A ModSecurity rule matched and let pass, or left the refusal to another.
    WafMatched,
    /// A client certificate is missing or was not accepted.
    Certificate,
    /// Over a limit of requests or connections.
    RateLimited,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::NoCredentials,
        Self::WrongPassword,
        Self::UnknownUser,
        Self::WrongScheme,
        Self::NotAuthorized,
        Self::CredentialsFile,
        Self::FilePermissions,
        Self::IndexForbidden,
        Self::ForbiddenByRule,
        Self::ClientDenied,
        Self::Misconfigured,
        Self::AuthService,
        Self::Ldap,
        Self::Upstream,
        Self::TokenSignature,
        Self::TokenTime,
        Self::WafDenied,
        Self::WafMatched,
        Self::Certificate,
        Self::RateLimited,
    ];

    /// Its name where programs read it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::WrongPassword => "wrong_password",
            Self::UnknownUser => "unknown_user",
            Self::WrongScheme => "wrong_scheme",
            Self::NotAuthorized => "not_authorized",
            Self::CredentialsFile => "credentials_file",
            Self::FilePermissions => "file_permissions",
            Self::IndexForbidden => "index_forbidden",
            Self::ForbiddenByRule => "forbidden_by_rule",
            Self::ClientDenied => "client_denied",
            Self::Misconfigured => "misconfigured",
            Self::AuthService => "auth_service",
            Self::Ldap => "ldap",
            Self::Upstream => "upstream",
            Self::TokenSignature => "token_signature",
            Self::TokenTime => "token_time",
            Self::WafDenied => "waf_denied",
            Self::WafMatched => "waf_matched",
            Self::Certificate => "certificate",
            Self::RateLimited => "rate_limited",
        }
    }

    /// In words that end a sentence such as "the error log says".
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NoCredentials => "no user name or password was sent",
            Self::WrongPassword => "wrong password",
            Self::UnknownUser => "user not found",
            Self::WrongScheme => "wrong scheme or stale nonce",
            Self::NotAuthorized => "user may not have this",
            Self::CredentialsFile => "password or group file missing or unreadable",
            Self::FilePermissions => "no permission to read the file",
            Self::IndexForbidden => "no index page, and listing is forbidden",
            Self::ForbiddenByRule => "access forbidden by rule",
            Self::ClientDenied => "client denied by server configuration",
            Self::Misconfigured => "the configuration contradicts itself",
            Self::AuthService => "the service that decides failed",
            Self::Ldap => "the LDAP directory could not be asked",
            Self::Upstream => "an upstream failed",
            Self::TokenSignature => "the token's signature was not accepted",
            Self::TokenTime => "the token is not valid yet, or expired",
            Self::WafDenied => "ModSecurity refused",
            Self::WafMatched => "a ModSecurity rule matched",
            Self::Certificate => "client certificate missing or not accepted",
            Self::RateLimited => "over a limit of requests or connections",
        }
    }

    /// Whether it can be why a request got this status.
    #[must_use]
    pub fn gives(self, status: u16) -> bool {
        match self {
            Self::NoCredentials | Self::WrongPassword | Self::UnknownUser | Self::WrongScheme => status == 401,
            Self::NotAuthorized | Self::TokenSignature | Self::TokenTime => matches!(status, 401 | 403),
            // nginx answers 403 where its password file is missing, and 500 where it may not read it, as Apache does.
            Self::CredentialsFile | Self::Misconfigured => matches!(status, 403 | 500),
            Self::FilePermissions | Self::IndexForbidden | Self::ForbiddenByRule | Self::ClientDenied => status == 403,
            Self::WafDenied => matches!(status, 401 | 403),
            Self::AuthService | Self::Ldap => matches!(status, 401 | 403 | 500),
            Self::Certificate => matches!(status, 400 | 403 | 495 | 496),
            Self::RateLimited => matches!(status, 403 | 429 | 503),
            Self::Upstream => matches!(status, 502..=504),
            Self::WafMatched => false,
        }
    }

    /// Whether it says that authentication itself is broken, whoever asks.
    #[must_use]
    pub fn breaks_authentication(self) -> bool {
        matches!(self, Self::CredentialsFile | Self::AuthService | Self::Ldap)
    }
}

/// What messages have in common but their time and client.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// What they say.
    pub why: Option<Why>,
    /// The host that was asked for, without a port; empty where the message does not say.
    pub host: Logged,
    /// The first segments of the path that was asked for; empty where the message does not say.
    pub path: Logged,
    /// The file, rule, zone or upstream that they name.
    pub thing: Logged,
}

/// The first message on a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quote {
    /// When.
    pub time: Time,
    /// Index into [`Notes::files`].
    pub file: u32,
    /// Counted from 1.
    pub line: u64,
    /// The line, cut.
    pub text: Logged,
}

/// Messages on one topic about one client in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// Index into [`Notes::topics`].
    pub topic: u32,
    /// A digest of the claimed user name; 0 for none.
    pub user: u32,
    /// How many.
    pub messages: u32,
}

/// A minute and a client's address as in [`super::tally::ClientKey::addr`]; 0 where the message names no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct When {
    /// Minutes since 1970, UTC.
    pub minute: u32,
    /// The client.
    pub addr: u128,
}

/// All that the error logs say. While they are read, times are the server's own, taken as UTC: the zone is known later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Each once.
    pub topics: Vec<Topic>,
    /// The first message on each topic.
    pub quotes: Vec<Quote>,
    /// Messages by minute and client.
    pub counts: BTreeMap<When, Vec<Count>>,
    /// The files, as they stand in reports.
    pub files: Vec<String>,
    /// Earliest and latest message of any kind.
    pub span: Option<(Time, Time)>,
    /// The least serious message seen tells down to where the server logs.
    pub least: Option<Level>,
    /// Messages that were too many to keep: those about the earliest minutes.
    pub left_out: u64,
}

impl Notes {
    /// Whether no error log was read, or nothing in one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Adds what others say; their quotes point into the same files.
    pub fn absorb(&mut self, other: Self) {
        let mut known: BTreeMap<Topic, u32> = self.topics.iter().cloned().zip(0..).collect();
        let mut places = Vec::with_capacity(other.topics.len());
        for (topic, quote) in other.topics.into_iter().zip(other.quotes) {
            let next = self.topics.len() as u32;
            let at = *known.entry(topic.clone()).or_insert(next);
            match self.quotes.get_mut(at as usize) {
                Some(first) => *first = quote.min(first.clone()),
                None => {
                    self.topics.push(topic);
                    self.quotes.push(quote);
                }
            }
            places.push(at);
        }
        for (when, counts) in other.counts {
            for count in counts {
                let Some(topic) = places.get(count.topic as usize) else { continue };
                self.count(when, Count { topic: *topic, ..count });
            }
        }
        self.span = joined(self.span, other.span);
        self.least = self.least.into_iter().chain(other.least).min();
        self.left_out += other.left_out;
    }

    /// The same with other times.
    #[must_use]
    pub fn moved(self, to: impl Fn(Time) -> Time) -> Self {
        let mut moved = Self { counts: BTreeMap::new(), span: self.span.map(|(a, b)| (to(a), to(b))), ..self };
        moved.quotes.iter_mut().for_each(|quote| quote.time = to(quote.time));
        for (when, counts) in self.counts {
            let minute = to(Time(when.minute.saturating_mul(60))).0 / 60;
            counts.into_iter().for_each(|count| moved.count(When { minute, ..when }, count));
        }
        moved
    }

    fn count(&mut self, when: When, count: Count) {
        let counts = self.counts.entry(when).or_default();
        match counts.iter_mut().find(|known| (known.topic, known.user) == (count.topic, count.user)) {
            Some(known) => known.messages = known.messages.saturating_add(count.messages),
            None => counts.push(count),
        }
    }
}
