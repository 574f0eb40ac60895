//! The story of one client: what it was served, when it began to fail, and why.

use super::{incident::Verdict, logged::Logged, time::Time};
use serde::Serialize;

/// What can be told about those that an operator asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stories {
    /// One for each client, those with the most refusals first.
    pub stories: Vec<Story>,
    /// Clients that fit what was asked for and are not among them.
    pub left_out: u64,
    /// Nobody goes by what was asked for as an address or host name: these claimed it as a user name when they were
    /// refused.
    pub by_claimed_name: bool,
    /// What this log cannot tell, one sentence each.
    pub limits: Vec<String>,
}

/// One client: an address with a user agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// Address or host name.
    pub client: Logged,
    /// Its user agent; empty where none is logged.
    pub agent: Logged,
    /// Its requests.
    pub requests: u64,
    /// Of them, those that were served (1xx to 3xx).
    pub ok: u64,
    /// 401s.
    pub status_401: u64,
    /// 403s.
    pub status_403: u64,
    /// 500 and above.
    pub errors: u64,
    /// Names that refused requests claimed, the most frequent first; a few of them.
    pub claimed_users: Vec<Logged>,
    /// Distinct names claimed.
    pub users: u64,
    /// First request.
    pub first: Time,
    /// Last request.
    pub last: Time,
    /// What happened, in order of time.
    pub runs: Vec<Run>,
    /// Runs after those, which were too many.
    pub runs_left_out: u64,
    /// The incidents that it was part of.
    pub incidents: Vec<Part>,
}

/// How requests went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Below 400.
    Served,
    /// 401 or 403.
    Refused,
    /// 500 or above.
    Failed,
    /// Other errors of the client's: 404 and the like.
    Other,
}

/// Requests in a row that went the same way for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its first request.
    pub start: Time,
    /// Its last request.
    pub end: Time,
    /// How they went.
    pub outcome: Outcome,
    /// The status of refusals and failures; none where it varies.
    pub status: Option<u16>,
    /// Requests that went so.
    pub requests: u64,
    /// Requests in between that were served, for a run of refusals or failures.
    pub served_meanwhile: u64,
    /// 401s in between that were answered right away: the normal first half of a login.
    pub challenges: u64,
    /// Requests in between that got another error, such as 404.
    pub other_errors: u64,
    /// Path templates, the most frequent first and files of pages last; a few of them.
    pub paths: Vec<PathCount>,
    /// When the client had last been served at such a place, before a run of refusals.
    pub last_served_here: Option<Time>,
    /// Of refusals: a field name of [`super::report::EventCauses`].
    pub cause: Option<&'static str>,
    /// Why that cause, in words.
    pub why: Option<String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// What the error log says about these requests.
    pub error_log: Option<String>,
}

/// How often something of a path was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathCount {
    /// The path's first segments, ids and file names replaced.
    pub path: Logged,
    /// Requests.
    pub requests: u64,
}

/// An incident that a client was part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// As in the report.
    pub id: String,
    /// Whose fault.
    pub verdict: Verdict,
    /// The likely cause: an id of the registry of causes.
    pub cause: &'static str,
    /// The failing status.
    pub status: u16,
    /// The first failure that belongs to it.
    pub start: Time,
    /// The second after the last failure; none while it is still on at the end of the log.
    pub end: Option<Time>,
    /// Clients hit in all.
    pub clients_affected: u64,
    /// This client's requests that belong to it.
    pub requests: u64,
}
