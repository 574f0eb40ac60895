//! The table of `authfault reduce --parquet`: all requests are in it, other programs can read it, and what the README asks
//! of it has the answer that the report gives.
//!
//! DuckDB and Spark are asked by `AUTHFAULT_SPARK_PYTHON`, the Python that `.ci/run` makes below target/, or python3. Where
//! that has no duckdb or no pyspark the test skips, unless AUTHFAULT_REQUIRE names it.

use crate::support::{fixture, gunzip, is_required, put, root, run_in, workshop};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// Parts of two hosts, the table of both, and the report on them.
fn table(folder: &Path) -> (PathBuf, Value) {
    let logs = [fixture("incidents/credentials_store_lost.log.gz"), fixture("incidents/deny_rule.log.gz")];
    for (log, host) in logs.iter().zip(["www1", "www2"]) {
        let mut text = gunzip(log);
        // Not UTF-8, a control character, and a user.
        text.extend(
            b"192.0.2.9 - \xff\x1b[2J [10/Mar/2026:12:00:00 +0000] \"GET /\xfe HTTP/1.1\" 401 5 \"-\" \"\x07\xfd\"\n",
        );
        put(folder, &format!("{host}.log"), &text);
        let run = run_in(folder, ["map", "--host", host, "-o", &format!("{host}.afpart"), &format!("{host}.log")]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    let run = run_in(folder, ["reduce", "--parquet", "requests.parquet", "www1.afpart", "www2.afpart"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    let report = run_in(folder, ["reduce", "--output", "json", "www1.afpart", "www2.afpart"]).report();
    (folder.join("requests.parquet"), report)
}

#[test]
fn each_request_is_a_row() {
    let dir = workshop();
    let (path, report) = table(dir.path());
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let about = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let told: Vec<_> = about.iter().map(|pair| (pair.key.as_str(), pair.value.as_deref().unwrap())).collect();
    assert_eq!(told, [("authfault.schema", "authfault-requests/1"), ("authfault.kept_one_in", "1")]);
    let (mut statuses, mut odd, mut users) = ([0_u64; 3], 0, BTreeSet::new());
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let status = row.get_int(8).unwrap();
        statuses[0] += 1;
        statuses[1] += u64::from(status == 401);
        statuses[2] += u64::from(status == 403);
        odd += u64::from(row.get_string(2).unwrap() == "\\x07\\xfd");
        let user = row.get_string(9).unwrap();
        if !user.is_empty() {
            assert!(matches!(status, 401 | 403), "{row}");
            users.insert(user.clone());
        }
        let mut texts = (1..8).chain([9]).map(|column| row.get_string(column).unwrap());
        assert!(texts.all(|text| !text.contains('\u{1b}')), "{row}");
    }
    let totals = ["requests", "status_401", "status_403"].map(|key| report["totals"][key].as_u64().unwrap());
    assert_eq!(statuses, totals);
    assert_eq!(odd, 2, "of each host one");
    assert!(users.len() > 5, "{users:?}");
}

/// The question in the README.
fn question() -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```sql\n").expect("a question in the README");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// What a Python program with `requests` answers; none where Python has not what it imports.
fn answer(module: &str, script: &str, table: &Path) -> Option<String> {
    let named = std::env::var_os("AUTHFAULT_SPARK_PYTHON").map(PathBuf::from);
    let made = root().join("target/spark/bin/python");
    let python = named.unwrap_or(if made.exists() { made } else { PathBuf::from("python3") });
    let has = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if !has.is_ok_and(|has| has.status.success()) {
        assert!(!is_required(module), "{module} is required, and {} has it not", python.display());
        eprintln!("skipped: {} has no {module}", python.display());
        return None;
    }
    let mut command = Command::new(&python);
    command.args(["-c", script]).arg(table).arg(question()).env("SPARK_LOCAL_IP", "127.0.0.1");
    let output = command.env("PYSPARK_PYTHON", &python).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn expected(report: &Value) -> String {
    let totals = ["requests", "clients", "failing_clients"].map(|key| report["totals"][key].to_string());
    totals.join(" ")
}

#[test]
fn duckdb_answers_what_the_report_says() {
    let dir = workshop();
    let (path, report) = table(dir.path());
    let script = "import duckdb, sys\n\
        db = duckdb.connect()\n\
        db.execute(f\"CREATE VIEW requests AS SELECT * FROM '{sys.argv[1]}'\")\n\
        print(*db.execute(sys.argv[2]).fetchone())";
    if let Some(answer) = answer("duckdb", script, &path) {
        assert_eq!(answer, expected(&report));
    }
}

#[test]
fn spark_sql_answers_what_the_report_says() {
    let dir = workshop();
    let (path, report) = table(dir.path());
    let script = "import sys\n\
        from pyspark.sql import SparkSession\n\
        spark = SparkSession.builder.master('local[1]').config('spark.ui.enabled', False).getOrCreate()\n\
        spark.read.parquet('file://' + sys.argv[1]).createOrReplaceTempView('requests')\n\
        print(*spark.sql(sys.argv[2]).first())";
    if let Some(answer) = answer("pyspark", script, &path) {
        assert_eq!(answer, expected(&report));
    }
}
