//! What to do about a line that no format reads. Owns telling an error log from an access log in a format of the
//! operator's own, and finding the keys of JSON lines by their values.

use crate::{
    errorlog::{Collector, Line},
    parse::{self, ClfMemo, Readers, Scratch, Settings, Slot},
};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// Depth to which objects are looked into, and keys that are named.
const DEPTH_MAX: usize = 3;
const KEYS_SHOWN: usize = 12;

/// In words.
pub(super) fn on(line: &[u8]) -> String {
    if is_of_error_log(line) {
        return "this is an error log: give it beside the access log, with --error-log".to_owned();
    }
    let object = line.iter().position(|b| *b == b'{').and_then(|start| line.get(start..));
    match object.and_then(|object| serde_json::from_slice(object).ok()) {
        Some(object @ Value::Object(_)) => on_json(line, &object),
        _ => "give the format as the server's configuration has it, with --log-format 'log_format …' (nginx) or \
              'LogFormat …' (Apache), or the configuration itself with --server-config; `authfault formats` shows a line \
              of each format that is known"
            .to_owned(),
    }
}

/// Whether nginx or Apache wrote it to an error log.
pub(super) fn is_of_error_log(line: &[u8]) -> bool {
    !matches!(Collector::default().read(line, 0, 1), Line::Unknown | Line::Blank)
}

fn on_json(line: &[u8], object: &Value) -> String {
    let mut values = Vec::new();
    collect(object, "", DEPTH_MAX, &mut values);
    let first = |wanted: fn(&str, &str) -> bool| values.iter().find(|(key, text)| wanted(key, text));
    let status = first(|key, text| is_status(text) && is_status_key(key)).or_else(|| first(|_, text| is_status(text)));
    let found = [
        (Slot::Client, first(|_, text| is_address(text))),
        (Slot::Time, first(|_, text| is_time(text))),
        (Slot::Status, status),
    ];
    let mut fields: Vec<(String, Slot)> =
        found.into_iter().filter_map(|(slot, value)| Some((value?.0.clone(), slot))).collect();
    if reads(line, &fields) {
        // What is known anyhow need not be named.
        for at in (0..fields.len()).rev() {
            let mut fewer = fields.clone();
            fewer.remove(at);
            fields = if reads(line, &fewer) { fewer } else { fields };
        }
        let options = fields.iter().map(|(key, slot)| format!("--json-field {}={key}", slot.name()));
        return format!("name its keys: {}", options.collect::<Vec<_>>().join(" "));
    }
    let keys: Vec<&str> = values.iter().take(KEYS_SHOWN).map(|(key, _)| key.as_str()).collect();
    format!(
        "name the keys of client, time and status, such as --json-field client=KEY, if it has them; its keys are {}",
        keys.join(", ")
    )
}

/// Whether the line is read with these keys.
fn reads(line: &[u8], fields: &[(String, Slot)]) -> bool {
    let Some(json) = parse::by_id("json") else { return false };
    let settings = Settings { json_fields: fields.to_vec(), ..Settings::default() };
    Readers::new(settings).known(json).parse(line, &mut Scratch::default()).is_ok()
}

/// The keys of texts and numbers, a dot between those of nested objects, but for keys that a shell would not leave alone.
fn collect(value: &Value, path: &str, depth: usize, values: &mut Vec<(String, String)>) {
    let is_plain = |key: &&String| key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b));
    match value {
        Value::Object(members) if depth > 0 => {
            for (key, value) in members.iter().filter(|(key, _)| is_plain(key)) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(value, &path, depth - 1, values);
            }
        }
        Value::String(text) => values.push((path.to_owned(), text.clone())),
        Value::Number(number) => values.push((path.to_owned(), number.to_string())),
        _ => {}
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok()
}

fn is_time(text: &str) -> bool {
    text.len() >= 10 && parse::any_form(text.as_bytes(), &mut ClfMemo::default()).is_ok()
}

fn is_status(text: &str) -> bool {
    text.len() == 3 && text.parse().is_ok_and(|status: u16| (100..600).contains(&status))
}

fn is_status_key(key: &str) -> bool {
    ["status", "code", "rc"].iter().any(|word| key.to_ascii_lowercase().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suggested_helps() {
        for (line, expected) in [
            (
                r#"{"when":"2026-03-10T10:20:52Z","peer":{"addr":"192.0.2.7:5123"},"took":117,"rc":401,"what":"/app"}"#,
                "name its keys: --json-field client=peer.addr --json-field time=when --json-field status=rc",
            ),
            (
                r#"{"time":"2026-03-10T10:20:52Z","peer":"192.0.2.7","status":401}"#,
                "name its keys: --json-field client=peer",
            ),
            (
                r#"{"time":"2026-03-10T10:20:52Z","a\" b":"192.0.2.7","status":401}"#,
                "name the keys of client, time and status, such as --json-field client=KEY, if it has them; its keys are \
                 status, time",
            ),
            (
                r#"2026/03/10 11:20:52 [error] 12#12: *1 user "x": password mismatch, client: 192.0.2.7, server: x"#,
                "this is an error log: give it beside the access log, with --error-log",
            ),
        ] {
            assert_eq!(on(line.as_bytes()), expected);
        }
        assert!(on(b"192.0.2.7 | 10.03.2026 11:20 | GET / | 401").contains("--log-format"));
        assert!(on(&b"{\"a\":".repeat(1000)).contains("--log-format"));
    }
}
