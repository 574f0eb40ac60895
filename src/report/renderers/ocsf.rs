//! Incidents for security lakes: Incident Findings of the Open Cybersecurity Schema Framework, a line each.
//!
//! <https://schema.ocsf.io/1.1.0/classes/incident_finding>. An incident makes two events in log time: it is created
//! when it could be told, and closed when it was over, or updated at the end of the log while it is still on. Both
//! hold the figures of the whole, and the same `finding_info_list[0].uid`.

use super::{
    Options, Renderer, ecs,
    json::{self, decimals},
};
use crate::{
    model::{
        incident::{Incident, Severity},
        report::{Input, Report},
        time::Time,
    },
    report::story,
};
use serde_json::{Value, json};

pub(super) const RENDERER: Renderer = Renderer {
    id: "ocsf",
    title: "incidents for a SIEM: OCSF Incident Findings (2005), a line each",
    extension: "ocsf.ndjson",
    is_shared: false,
    render,
};

const OCSF_VERSION: &str = "1.1.0";
const CATEGORY_FINDINGS: u32 = 2;
const CLASS_INCIDENT_FINDING: u32 = 2005;

/// What happens to an incident.
#[derive(Clone, Copy)]
enum Activity {
    Create,
    Update,
    Close,
}

impl Activity {
    fn id(self) -> u32 {
        match self {
            Self::Create => 1,
            Self::Update => 2,
            Self::Close => 3,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Close => "Close",
        }
    }

    /// The status after it: new until somebody takes it, resolved once the failures have ended.
    fn status(self) -> (u32, &'static str) {
        match self {
            Self::Create | Self::Update => (1, "New"),
            Self::Close => (4, "Resolved"),
        }
    }
}

fn render(report: &Report, options: &Options) -> Vec<u8> {
    let events = report.incidents.iter().flat_map(|incident| life(incident, &report.input, options));
    events.flat_map(|event| json::line(&event)).collect()
}

fn life(incident: &Incident, input: &Input, options: &Options) -> Vec<Value> {
    let mut events = vec![event(incident, input, options, Activity::Create, incident.detected_at)];
    match (incident.end, input.end) {
        (Some(end), _) => events.push(event(incident, input, options, Activity::Close, end)),
        (None, Some(end)) => events.push(event(incident, input, options, Activity::Update, end)),
        (None, None) => {}
    }
    events
}

fn event(incident: &Incident, input: &Input, options: &Options, activity: Activity, time: Time) -> Value {
    let title = story::title(incident, options.cause_title);
    let [what, why] = story::summary(incident, input, options.cause_title);
    let (severity_id, severity) = severity(incident.severity);
    let (confidence_id, confidence) = confidence(incident.confidence);
    let (status_id, status) = activity.status();
    let last = incident.end.or(input.end).unwrap_or(incident.start);
    json!({
        "category_uid": CATEGORY_FINDINGS,
        "category_name": "Findings",
        "class_uid": CLASS_INCIDENT_FINDING,
        "class_name": "Incident Finding",
        "activity_id": activity.id(),
        "activity_name": activity.name(),
        "type_uid": CLASS_INCIDENT_FINDING * 100 + activity.id(),
        "type_name": format!("Incident Finding: {}", activity.name()),
        // Never before it was created, though it may be over by then.
        "time": millis(time.max(incident.detected_at)),
        "start_time": millis(incident.start),
        "end_time": millis(last),
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "confidence_score": (decimals(incident.confidence, 2) * 100.0).round() as u64,
        "status_id": status_id,
        "status": status,
        "message": what,
        "desc": format!("{what} {why}"),
        // The class asks for somebody in charge; a log does not know who that is.
        "assignee_group": {"name": "unassigned"},
        "finding_info_list": [{
            "uid": incident.id,
            "title": title,
            "desc": format!("{what} {why}"),
            "types": [story::verdict(incident)],
            "created_time": millis(incident.detected_at),
            "first_seen_time": millis(incident.start),
            "last_seen_time": millis(last),
            "analytic": {"type_id": 1, "type": "Rule", "uid": incident.cause, "name": title},
        }],
        "metadata": {
            "version": OCSF_VERSION,
            "uid": format!("{}-{}", incident.id, activity.id()),
            "product": {"name": "authfault", "vendor_name": "authfault", "version": env!("CARGO_PKG_VERSION")},
        },
        "unmapped": {"http_status": incident.status, "authfault": ecs::details(incident)},
    })
}

/// OCSF counts time in milliseconds since 1970.
fn millis(time: Time) -> u64 {
    u64::from(time.0) * 1000
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Warning => (3, "Medium"),
        Severity::Critical => (5, "Critical"),
    }
}

fn confidence(confidence: f64) -> (u32, &'static str) {
    match confidence {
        c if c >= 0.8 => (3, "High"),
        c if c >= 0.6 => (2, "Medium"),
        _ => (1, "Low"),
    }
}
