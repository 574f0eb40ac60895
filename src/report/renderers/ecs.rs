//! Incidents for Elastic and what speaks its language: a document of the Elastic Common Schema per line.
//!
//! <https://www.elastic.co/guide/en/ecs/8.17/ecs-field-reference.html>. What the schema has no field for stands under
//! `authfault`. A document may be sent again: `event.id` is the same for the same incident.

use super::{
    Options, Renderer,
    json::{self, decimals},
};
use crate::{
    model::{
        incident::{Incident, Severity, Verdict},
        report::{Input, Report},
    },
    report::{story, words},
};
use serde_json::{Value, json};

pub(super) const RENDERER: Renderer = Renderer {
    id: "ecs",
    title: "incidents for a SIEM: Elastic Common Schema, a line each",
    extension: "ecs.ndjson",
    is_shared: false,
    render,
};

const ECS_VERSION: &str = "8.17.0";

fn render(report: &Report, options: &Options) -> Vec<u8> {
    report.incidents.iter().flat_map(|incident| json::line(&document(incident, &report.input, options))).collect()
}

fn document(incident: &Incident, input: &Input, options: &Options) -> Value {
    let [what, why] = story::summary(incident, input, options.cause_title);
    let secs = u64::from(story::seconds(incident, input));
    let end = incident.end.map(|end| json!({ "end": end })).unwrap_or_default();
    let mut document = json!({
        "@timestamp": incident.detected_at,
        "ecs": {"version": ECS_VERSION},
        "message": format!("{what} {why}"),
        "tags": ["authfault", verdict(incident.verdict)],
        "event": {
            "kind": "alert",
            "category": ["web", "authentication"],
            "type": ["info"],
            "outcome": "failure",
            "module": "authfault",
            "dataset": "authfault.incident",
            "id": incident.id,
            "severity": severity(incident.severity),
            "start": incident.start,
            "duration": secs * 1_000_000_000,
            "reason": words::cause(incident.cause, options.cause_title),
        },
        "rule": {
            "id": incident.cause,
            "name": words::cause(incident.cause, options.cause_title),
            "category": verdict(incident.verdict),
        },
        "http": {"response": {"status_code": incident.status}},
        "observer": {"vendor": "authfault", "product": "authfault", "version": env!("CARGO_PKG_VERSION")},
        "authfault": details(incident),
    });
    put(&mut document, "event", &end);
    // These fields hold one value each; a scope of several stands in full under `authfault.scope`.
    for (values, outer, field) in [
        (&incident.scope.path_prefix, "url", "path"),
        (&incident.scope.vhost, "url", "domain"),
        (&incident.scope.http_version, "http", "version"),
    ] {
        if let [only] = values.as_slice() {
            put(&mut document, outer, &json!({ field: only.strip_prefix("HTTP/").unwrap_or(only) }));
        }
    }
    document
}

/// What neither schema has a field for.
pub(super) fn details(incident: &Incident) -> Value {
    let texts = |supports| {
        let side = incident.evidence.iter().filter(|one| one.supports == supports);
        side.map(|one| one.text.as_str()).collect::<Vec<_>>()
    };
    json!({
        "verdict": incident.verdict,
        "cause": incident.cause,
        "confidence": decimals(incident.confidence, 3),
        "state": incident.state,
        "peak": incident.peak,
        "scope": incident.scope,
        "clients": {
            "affected": incident.clients_affected,
            "active": incident.clients_active,
            "known_good": incident.clients_known_good,
        },
        "users": {"affected": incident.users_affected},
        "requests": {
            "failed": incident.requests_failed,
            "total": incident.requests_total,
            "failed_expected": decimals(incident.requests_failed_expected, 1),
        },
        "evidence": {"for": texts(true), "against": texts(false)},
        "next_checks": incident.next_checks,
    })
}

/// Adds keys to an object within an object.
fn put(document: &mut Value, outer: &str, keys: &Value) {
    let (Some(document), Some(keys)) = (document.as_object_mut(), keys.as_object()) else { return };
    let inner = document.entry(outer).or_insert_with(|| json!({}));
    if let Some(inner) = inner.as_object_mut() {
        inner.extend(keys.clone());
    }
}

/// The id of a verdict, as in the JSON report.
fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ServerSide => "server_side",
        Verdict::Attack => "attack",
        Verdict::ClientSide => "client_side",
        Verdict::Undecided => "undecided",
    }
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Critical => 3,
    }
}
