//! The next checks of a cause, with what this incident is about put in.
//!
//! Commands are pasted into root's shell and paths come from strangers: a value that could end its quotes or act on
//! a terminal leaves the check out.

use super::causes;
use crate::model::{
    incident::{Incident, Verdict},
    time::Time,
};

/// How long before the first failure the server's own log is worth reading.
const LEAD_SECS: u32 = 1200;

/// The checks of an incident's cause, most telling first.
pub(crate) fn next(incident: &Incident, client: Option<&str>) -> Vec<String> {
    let Some(cause) = causes::find(incident.cause) else { return Vec::new() };
    let since = Time(incident.start.0.saturating_sub(LEAD_SECS)).minute() + ":00 UTC";
    let path = incident.scope.path_prefix.first().map_or("/", String::as_str);
    let values = [
        ("{path}", Some(path)),
        ("{vhost}", incident.scope.vhost.first().map(String::as_str)),
        ("{since}", Some(since.as_str())),
        ("{client}", client.filter(|_| incident.verdict != Verdict::ServerSide)),
    ];
    cause.next_checks.iter().filter_map(|check| filled(check, &values)).collect()
}

fn filled(check: &str, values: &[(&str, Option<&str>)]) -> Option<String> {
    let mut text = check.to_owned();
    for (placeholder, value) in values {
        if text.contains(placeholder) {
            text = text.replace(placeholder, value.filter(|value| is_harmless(value))?);
        }
    }
    Some(text)
}

/// Whether a value may stand between single quotes in a command.
pub(crate) fn is_harmless(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(|c| c.is_control() || matches!(c, '\'' | '`' | '\\' | '{'))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn a_value_that_could_act_leaves_the_check_out() {
        let check = "look: `grep '{path}' /var/log/nginx/error.log`";
        let with = |value| filled(check, &[("{path}", value)]);
        assert_eq!(with(Some("/api")).as_deref(), Some("look: `grep '/api' /var/log/nginx/error.log`"));
        assert_eq!(with(Some("/a'; reboot #")), None);
        assert_eq!(with(None), None);
    }
}
