//! Everything that a renderer may show: `authfault-report/1`.

use super::{
    coverage::{ErrorLogCoverage, FileCoverage, LineRef, Rejected},
    incident::{Incident, Origin},
    logged::Logged,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The answer of one run. The same input gives the same report: no clock, host name or thread count inside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How much of the input this rests on.
    pub input: Input,
    /// The sums.
    pub totals: Totals,
    /// Every 401 and 403 once, by cause.
    pub event_causes: EventCauses,
    /// All of them, whatever the verdict: server-side ones first, then by start. One that began before the span asked
    /// for and lasted into it is told from its beginning on.
    pub incidents: Vec<Incident>,
    /// The course of the whole log.
    pub windows: Vec<Window>,
    /// The clients with the most failures, most first.
    pub clients: Vec<ClientSummary>,
    /// What this log cannot tell, one sentence each.
    pub limits: Vec<String>,
}

impl Report {
    /// The same with one incident alone.
    ///
    /// # Errors
    /// No incident has this id; which ones there are, in words.
    pub fn of_incident(mut self, id: &str) -> Result<Self, String> {
        if self.incidents.iter().all(|incident| incident.id != id) {
            let ids: Vec<&str> = self.incidents.iter().map(|incident| incident.id.as_str()).collect();
            return Err(match ids.as_slice() {
                [] => format!("no incident is called `{id}`: none was found in this log"),
                _ => format!("no incident is called `{id}`; found were {}", ids.join(", ")),
            });
        }
        self.incidents.retain(|incident| incident.id == id);
        Ok(self)
    }
}

/// How much of the input was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// Each file, sorted by path.
    pub files: Vec<FileCoverage>,
    /// Lines in all.
    pub lines: u64,
    /// Lines understood.
    pub parsed: u64,
    /// Lines not understood.
    pub rejected: u64,
    /// Empty lines and comments.
    pub blank: u64,
    /// Why lines were not understood, most frequent first.
    #[serde(serialize_with = "rejections")]
    #[schemars(with = "Vec<RejectedView<'static>>")]
    pub rejections: Vec<Rejected>,
    /// Earliest time.
    pub start: Option<Time>,
    /// Latest time.
    pub end: Option<Time>,
    /// What was read before the span asked for, as its past: it is judged by, and not counted in what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// Whether requests before the span asked for and its lead were left out: what they would have told of who is known
    /// good is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub begins_late: bool,
    /// Each error log that was read beside, sorted by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_logs: Vec<ErrorLogCoverage>,
}

/// The time before the span that a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lead {
    /// Its first request.
    pub begin: Time,
    /// Where the span begins.
    pub end: Time,
    /// Lines understood in it.
    pub lines: u64,
}

/// Sums over the span that the report is about, which is the whole input where none was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Lines understood.
    pub requests: u64,
    /// Distinct clients: address with user agent, or address alone where the log has no agent.
    pub clients: u64,
    /// 401s.
    pub status_401: u64,
    /// 403s.
    pub status_403: u64,
    /// Distinct clients with at least one 401 or 403.
    pub failing_clients: u64,
    /// Whether the numbers of clients are estimates, since not every one was kept; the others are exact all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
    /// One client in how many was kept, where not every one was; absent where not even one fitted.
    #[serde(skip_serializing_if = "is_at_most_one")]
    pub kept_one_in: u64,
}

fn is_at_most_one(number: &u64) -> bool {
    *number <= 1
}

/// Every 401 and 403 counted once; the sum is `status_401 + status_403`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventCauses {
    /// Nothing was sent to log in with; often the normal first half of Basic authentication.
    pub no_credentials: u64,
    /// A wrong password or an unknown user.
    pub incorrect_credentials: u64,
    /// A session or token that was good and is over.
    pub expired_session: u64,
    /// Known or unknown, this one may not have this.
    pub unauthorized: u64,
    /// Belongs to a server-side incident.
    pub server_misconfig: u64,
    /// Whether the proportions are those of the clients that were kept; the sum is exact all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// A slice of the whole log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Window {
    /// Its start.
    pub start: Time,
    /// Its length.
    pub seconds: u32,
    /// Requests in it.
    pub requests: u64,
    /// Distinct clients in it.
    pub clients: u64,
    /// 401s in it.
    pub status_401: u64,
    /// 403s in it.
    pub status_403: u64,
    /// Distinct clients with at least one 401 or 403 in it.
    pub failing_clients: u64,
    /// Whether the numbers of clients are estimates, since not every one was kept; the others are exact all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// One address and its failures, over all its user agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClientSummary {
    /// Address or host name.
    pub client: Logged,
    /// Its requests.
    pub requests: u64,
    /// Of them, those that were served (1xx to 3xx).
    pub ok: u64,
    /// 401s.
    pub status_401: u64,
    /// 403s.
    pub status_403: u64,
    /// The cause of most of its failures: a field name of [`EventCauses`].
    pub main_cause: &'static str,
    /// Distinct user names (claimed on a 401).
    pub users: u64,
    /// Where it is from, where a database was asked and knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// First request.
    pub first: Time,
    /// Last request.
    pub last: Time,
    /// Whether user agents of it may be missing from the counts, since not every client was kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// Lines that were not understood, for one reason.
// The contract's shape of a rejection: the column stays out of `first`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rejected")]
struct RejectedView<'a> {
    /// Why, in a few words.
    reason: &'static str,
    /// How many.
    lines: u64,
    /// Byte offset in the first of them at which it stopped fitting its nearest format.
    column: usize,
    /// The first of them.
    first: &'a LineRef,
}

fn rejections<S: Serializer>(rejected: &[Rejected], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rejected.iter().map(|r| RejectedView {
        reason: r.reason.text(),
        lines: r.lines,
        column: r.column,
        first: &r.first,
    }))
}
