//! Prometheus Alertmanager, API v2. It is shown the live cases after every run: an alert that is not shown again ends
//! by itself, at an end that is ours to say, since runs are further apart than Alertmanager expects.

use super::{Channel, Failure, Kind, Standing, http::Target};
use crate::model::{
    blindness::Blindness,
    case::{Case, Level},
    time::Time,
};
use std::collections::BTreeMap;

pub(super) const KIND: Kind = Kind {
    id: "alertmanager",
    title: "alerts to Alertmanager (/api/v2/alerts)",
    make: |settings, secrets| {
        let target = Target::new(settings, secrets)?.below("/api/v2/alerts");
        let ends_after_secs = settings.ends_after_secs.unwrap_or(ENDS_AFTER_SECS);
        Ok(Box::new(Alertmanager { target, labels: settings.labels.clone().unwrap_or_default(), ends_after_secs }))
    },
};

/// Three runs of a cron job every ten minutes.
const ENDS_AFTER_SECS: u32 = 1800;

struct Alertmanager {
    target: Target,
    labels: BTreeMap<String, String>,
    ends_after_secs: u32,
}

impl Channel for Alertmanager {
    fn show(&self, standing: &Standing<'_>) -> Result<(), Failure> {
        let ends = Time(standing.now.0.saturating_add(self.ends_after_secs));
        let live = standing.live.iter().map(|case| self.alert(case, ends));
        let ended = standing.ended.iter().map(|case| self.alert(case, standing.now));
        let blind = standing.blindness.map(|blindness| self.blind(blindness, blindness.end.unwrap_or(ends)));
        let alerts: Vec<serde_json::Value> = live.chain(ended).chain(blind).collect();
        if alerts.is_empty() {
            return Ok(());
        }
        self.target.post(&serde_json::Value::from(alerts).to_string())
    }

    fn is_told(&self) -> bool {
        false
    }
}

impl Alertmanager {
    /// Under another name, so that it can be sent elsewhere.
    fn blind(&self, blindness: &Blindness, ends: Time) -> serde_json::Value {
        let mut labels = self.labels.clone();
        labels.insert("alertname".to_owned(), "AuthfaultBlind".to_owned());
        labels.insert("incident".to_owned(), blindness.id.clone());
        serde_json::json!({
            "labels": labels,
            "annotations": {
                "summary": blindness.headline(),
                "description": super::blind_text(blindness),
                "level": Level::Unknown.id(),
            },
            "startsAt": blindness.start.rfc3339(),
            "endsAt": ends.rfc3339(),
        })
    }

    /// Labels are what an alert is known by, so only what never changes is one; the rest are annotations.
    fn alert(&self, case: &Case, ends: Time) -> serde_json::Value {
        let mut labels = self.labels.clone();
        labels.insert("alertname".to_owned(), "Authfault".to_owned());
        labels.insert("incident".to_owned(), case.id.clone());
        let verdict = serde_json::to_value(case.verdict).unwrap_or_default();
        labels.insert("verdict".to_owned(), verdict.as_str().unwrap_or_default().to_owned());
        labels.insert("status".to_owned(), case.status.to_string());
        serde_json::json!({
            "labels": labels,
            "annotations": {
                "summary": case.headline(),
                "description": super::text(case),
                "cause": case.cause,
                "level": case.level().id(),
                "clients": case.clients.to_string(),
            },
            "startsAt": case.start.rfc3339(),
            "endsAt": ends.rfc3339(),
        })
    }
}
