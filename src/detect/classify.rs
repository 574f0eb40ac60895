//! Every 401 and 403 by cause. Counts each once.
//!
//! A log says little about one refusal: whether a name was sent, what the client had been, and what it did
//! next. Where two causes cannot be told apart (an expired token and a missing one look alike) the past decides.

use super::{facts::Facts, history::Past};

/// The cause of one refusal: the fields of [`crate::model::report::EventCauses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventCause {
    NoCredentials,
    IncorrectCredentials,
    ExpiredSession,
    Unauthorized,
    ServerMisconfig,
}

impl EventCause {
    pub(crate) const ALL: [Self; 5] = [
        Self::NoCredentials,
        Self::IncorrectCredentials,
        Self::ExpiredSession,
        Self::Unauthorized,
        Self::ServerMisconfig,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::IncorrectCredentials => "incorrect_credentials",
            Self::ExpiredSession => "expired_session",
            Self::Unauthorized => "unauthorized",
            Self::ServerMisconfig => "server_misconfig",
        }
    }
}

/// The cause of each refusal, those of server-side incidents apart.
pub(crate) fn classify(facts: &Facts<'_>, pasts: &[Past]) -> Vec<EventCause> {
    let basic: Vec<bool> = routes_with_names(facts);
    facts
        .ledger
        .refusals
        .iter()
        .zip(pasts)
        .map(|(refusal, past)| {
            let shape = facts.shape(refusal.shape as usize);
            let route = facts.route(shape.route);
            if shape.status == 403 {
                EventCause::Unauthorized
            } else if refusal.user != 0 || route.logs_in {
                EventCause::IncorrectCredentials
            } else if past.challenged || basic.get(shape.route as usize).copied().unwrap_or(false) {
                EventCause::NoCredentials
            } else if past.stratum.is_some() || past.before {
                EventCause::ExpiredSession
            } else {
                EventCause::NoCredentials
            }
        })
        .collect()
}

/// Routes where names are logged: Basic or Digest authentication, whose first half is a 401 without one.
fn routes_with_names(facts: &Facts<'_>) -> Vec<bool> {
    let mut named = vec![false; facts.routes.len()];
    for shape in facts.shapes.iter().filter(|s| s.with_user) {
        if let Some(named) = named.get_mut(shape.route as usize) {
            *named = true;
        }
    }
    named
}
