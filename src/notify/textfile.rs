//! A file for the textfile collector of Prometheus' node_exporter, written beside and renamed. No label holds what a
//! stranger chose.

use super::{Channel, Failure, Kind, Standing};
use crate::model::case::{Case, Level};
use std::{fmt::Write, fs, io, os::unix::fs::PermissionsExt, path::PathBuf};

pub(super) const KIND: Kind = Kind {
    id: "textfile",
    title: "figures for the textfile collector of Prometheus",
    make: |settings, _| {
        let path = settings.file.clone().ok_or("expected file = \"….prom\"")?;
        if path.extension().is_none_or(|extension| extension != "prom") {
            return Err("expected a file that ends in .prom: node_exporter reads no other".to_owned());
        }
        Ok(Box::new(Textfile { path }))
    },
};

struct Textfile {
    path: PathBuf,
}

impl Channel for Textfile {
    fn show(&self, standing: &Standing<'_>) -> Result<(), Failure> {
        if standing.is_broken {
            // How old the file is tells that there was no run.
            return Ok(());
        }
        let failed = |error: io::Error| Failure(format!("the file cannot be written: {}", error.kind()));
        let beside = self.path.with_extension("prom.new");
        fs::write(&beside, text(standing)).map_err(failed)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }

    fn is_told(&self) -> bool {
        false
    }
}

/// The exposition format, version 0.0.4.
pub(super) fn text(standing: &Standing<'_>) -> String {
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, rows: &[(&str, f64)]| {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a String cannot fail.
        let _ = write!(out, "# HELP authfault_{name} {help}\n# TYPE authfault_{name} {kind}\n");
        for (labels, value) in rows {
            let _ = writeln!(out, "authfault_{name}{labels} {value}");
        }
    };
    let count = |level: Level| standing.live.iter().filter(|case| case.level() == level).count() as f64;
    metric(
        "incidents",
        "Incidents that are not over.",
        &[("{level=\"warning\"}", count(Level::Warning)), ("{level=\"critical\"}", count(Level::Critical))],
    );
    let clients = |case: &&Case| case.level() == Level::Critical;
    let hit: u64 = standing.live.iter().copied().filter(clients).map(|case| case.clients).sum();
    metric("clients_hit", "Clients hit by faults of the server that are not over.", &[("", hit as f64)]);
    metric("status", "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", &[("", f64::from(standing.level.status()))]);
    metric("last_run_timestamp_seconds", "When this was written.", &[("", f64::from(standing.now.0))]);
    for (name, help, value) in &standing.figures {
        metric(name, help, &[("", *value)]);
    }
    out
}
