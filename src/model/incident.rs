//! What happened, whose fault, why.

use super::{coverage::LineRef, time::Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Ours: the only verdict that pages anybody.
    ServerSide,
    /// Somebody tries to get in.
    Attack,
    /// Theirs: a stale password, a rule that works as meant.
    ClientSide,
    /// The log cannot tell.
    Undecided,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing to do now.
    Info,
    /// Look at it in working hours.
    Warning,
    /// Users are locked out.
    Critical,
}

/// Whether it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Over before the log ends.
    Ended,
    /// Still on at the end of the log.
    Ongoing,
}

/// The smallest description of what is hit that holds. Values of one dimension are alternatives, dimensions
/// combine; all empty is the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Scope {
    /// Such as `/api/v2`: the path itself and what lies below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_prefix: Vec<String>,
    /// Virtual hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vhost: Vec<String>,
    /// Request methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub method: Vec<String>,
    /// Upstream addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// Such as `iOS 19`, `Firefox 115`, `okhttp/4.12.0`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ua_family: Vec<String>,
    /// CIDR; `::/0` for all IPv6.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_net: Vec<String>,
    /// Where the networks are from, one by one, where a database was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_net_origin: Vec<Origin>,
    /// Such as `HTTP/2.0`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_version: Vec<String>,
}

/// Where an address is from, as far as the operator's database knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Origin {
    /// The number of its autonomous system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Whose that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// ISO 3166 code, or a name where the database has no code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Origin {
    /// `AS64500 Example Net, DE`; empty where nothing is known.
    #[must_use]
    pub fn text(&self) -> String {
        let system = [self.asn.map(|asn| format!("AS{asn}")), self.organization.clone()];
        let system = system.into_iter().flatten().collect::<Vec<_>>().join(" ");
        [Some(system).filter(|text| !text.is_empty()), self.country.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A part of the traffic that could have been hit and was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spared {
    /// A field name of [`Scope`].
    pub dimension: &'static str,
    /// Its value.
    pub value: String,
    /// Distinct clients seen there during the incident.
    pub clients: u64,
    /// Of them, those that met the failing status there.
    pub failing: u64,
    /// Whether the counts beside are estimates, since not every client was kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// One thing that speaks for the likely cause, or against it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Whether it supports the likely cause.
    pub supports: bool,
    /// In words.
    pub text: String,
    /// The numbers in it, by name.
    pub figures: BTreeMap<&'static str, f64>,
}

/// A cause that was considered and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuledOut {
    /// Its id in the registry of causes.
    pub cause: &'static str,
    /// Why it is not that.
    pub why: String,
}

/// A slice of the incident's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelinePoint {
    /// Its start.
    pub time: Time,
    /// Requests in scope.
    pub requests: u64,
    /// Of them, those with the failing status.
    pub failed: u64,
    /// Distinct clients in scope.
    pub active_clients: u64,
    /// Of them, those that met the failing status.
    pub failing_clients: u64,
    /// Whether the counts beside are estimates, since not every client was kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// Many failures that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Incident {
    /// The same for the same incident in every run.
    pub id: String,
    /// Whose fault.
    pub verdict: Verdict,
    /// The likely cause: an id of the registry of causes.
    pub cause: &'static str,
    /// Whether the server's error log settles the cause; otherwise it is inferred from the access log.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cause_is_settled: bool,
    /// How sure of the verdict, 0 to 1.
    pub confidence: f64,
    /// How bad.
    pub severity: Severity,
    /// Whether it is over.
    pub state: State,
    /// The failing status.
    pub status: u16,
    /// The first failure that belongs to it.
    pub start: Time,
    /// The start of the minute or slice with the most failing clients.
    pub peak: Time,
    /// The second after the last failure; none while it is still on at the end of the log.
    pub end: Option<Time>,
    /// The earliest log time at which this could have been said with the same confidence.
    pub detected_at: Time,
    /// What it hit.
    pub scope: Scope,
    /// What it spared.
    pub spared: Vec<Spared>,
    /// Distinct clients that met the failing status because of the fault; strangers and bots left out.
    pub clients_affected: u64,
    /// Distinct clients in scope meanwhile.
    pub clients_active: u64,
    /// Distinct clients affected that had been served there at another time.
    pub clients_known_good: u64,
    /// Distinct user names among the failures (claimed names).
    pub users_affected: u64,
    /// Requests in scope with the failing status.
    pub requests_failed: u64,
    /// Requests in scope.
    pub requests_total: u64,
    /// Failures that the usual rate would have given.
    pub requests_failed_expected: f64,
    /// Whether the counts beside are estimates, since not every client was kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
    /// What speaks for and against the likely cause.
    pub evidence: Vec<Evidence>,
    /// What else was considered.
    pub ruled_out: Vec<RuledOut>,
    /// What to do next, most telling first.
    pub next_checks: Vec<String>,
    /// The first lines of it.
    pub samples: Vec<LineRef>,
    /// Its course, a few dozen slices with some time before and after.
    pub timeline: Vec<TimelinePoint>,
    /// Seconds of one slice of the timeline.
    pub timeline_step_secs: u32,
}
