//! A real nginx whose password file is emptied while fifty people use it, and what authfault says of its log.
//!
//! Needs nginx and libfaketime and is skipped where they are not installed, unless AUTHFAULT_REQUIRE names `nginx`.

use crate::support::{
    fixture, incidents, report,
    truth::{brief, seconds},
    workshop,
};
use serde_json::Value;
use std::process::Command;

/// Exit code of the script where the server is not installed.
const MISSING: i32 = 77;

/// A fault must be dated by at most so much beside the moment of the deed.
const ONSET_SECS: i64 = 120;

#[test]
fn a_password_file_emptied_under_a_running_server_is_found() {
    let dir = workshop();
    let script = fixture("realserver/live_nginx.py");
    let output = Command::new("python3").arg("-B").arg(&script).arg(dir.path()).output();
    let required = std::env::var("AUTHFAULT_REQUIRE").is_ok_and(|list| list.contains("nginx"));
    let missing = match &output {
        Ok(output) if output.status.code() == Some(MISSING) => {
            String::from_utf8_lossy(&output.stderr).trim().to_owned()
        }
        Ok(_) => String::new(),
        Err(error) => format!("python3: {error}"),
    };
    if !missing.is_empty() {
        assert!(!required, "AUTHFAULT_REQUIRE asks for nginx: {missing}");
        eprintln!("skipped: {missing}");
        return;
    }
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth: Value = serde_json::from_slice(&output.stdout).expect("the script prints a line of JSON");
    let report = report([dir.path().join("access.log")]);

    assert_eq!(report["input"]["parsed"], truth["lines"], "every line that nginx wrote is understood");
    let faults = incidents(&report, "server_side");
    let [fault] = faults.as_slice() else {
        panic!("one fault, not {:?}", faults.iter().map(|f| brief(f)).collect::<Vec<_>>())
    };
    assert_eq!(fault["status"], 401, "{}", brief(fault));
    let causes = ["credentials_store_lost", "credentials_rejected", "auth_backend_down"];
    assert!(causes.contains(&fault["cause"].as_str().unwrap()), "{}", brief(fault));
    let delay = seconds(&fault["start"]) - seconds(&truth["onset"]);
    assert!(delay.abs() <= ONSET_SECS, "dated {delay} s after the deed: {}", brief(fault));
    assert_eq!(fault["state"], "ongoing", "{}", brief(fault));
    let (found, refused) = (fault["clients_affected"].as_i64().unwrap(), truth["clients"].as_i64().unwrap());
    assert!((found - refused).abs() <= 1 + refused / 10, "{found} clients found, {refused} were refused");
}
