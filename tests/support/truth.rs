//! What is known of a log, held against what the program says of it.

use serde_json::Value;

/// A span of log time in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Span {
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// A time as RFC 3339 with any offset, in seconds since 1970.
pub(crate) fn seconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    time.timestamp()
}

/// The span of an incident of a report; to the end of the log where it is still on.
pub(crate) fn span(incident: &Value, report: &Value) -> Span {
    let end = if incident["end"].is_null() { seconds(&report["input"]["end"]) + 1 } else { seconds(&incident["end"]) };
    Span { from: seconds(&incident["start"]), to: end }
}

/// The strings of a list, or a string alone.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// An incident in a few words, for messages.
pub(crate) fn brief(incident: &Value) -> String {
    format!(
        "{} {} {} {}..{} {} clients {}",
        incident["verdict"].as_str().unwrap_or("?"),
        incident["cause"].as_str().unwrap_or("?"),
        incident["status"],
        incident["start"].as_str().unwrap_or("?"),
        incident["end"].as_str().unwrap_or("on"),
        incident["clients_affected"],
        incident["scope"]
    )
}
