//! The tables of `authfault reduce --parquet` and `--parquet-hours`: all requests are in them, other programs can read
//! them, and what the README asks of them has the answer that the report gives.
//!
//! DuckDB and Spark are asked by `AUTHFAULT_SPARK_PYTHON`, the Python that `.ci/run` makes below target/, or python3. Where
//! that has no duckdb or no pyspark the test skips, unless AUTHFAULT_REQUIRE names it.

use crate::support::{fixture, gunzip, is_required, put, root, run_in, workshop};
use datasketches::hll::{HllSketch, HllUnion};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Row, RowAccessor},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// Parts of two hosts in a folder, the tables of both as `requests.parquet` and `hours.parquet`, and the report on them.
fn tables(folder: &Path) -> Value {
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
    let both = ["--parquet", "requests.parquet", "--parquet-hours", "hours.parquet", "www1.afpart", "www2.afpart"];
    let run = run_in(folder, ["reduce"].iter().chain(&both));
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    run_in(folder, ["reduce", "--output", "json", "www1.afpart", "www2.afpart"]).report()
}

/// Its rows, and what it says of itself.
fn read(table: &Path) -> (Vec<Row>, [String; 2]) {
    let reader = SerializedFileReader::new(File::open(table).unwrap()).unwrap();
    let about = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let [schema, kept] = about.as_slice() else { panic!("{about:?}") };
    assert_eq!([schema.key.as_str(), kept.key.as_str()], ["authfault.schema", "authfault.kept_one_in"]);
    let said = [schema, kept].map(|pair| pair.value.clone().unwrap());
    (reader.get_row_iter(None).unwrap().map(Result::unwrap).collect(), said)
}

#[test]
fn each_request_is_a_row() {
    let dir = workshop();
    let report = tables(dir.path());
    let (rows, said) = read(&dir.path().join("requests.parquet"));
    assert_eq!(said, ["authfault-requests/1", "1"]);
    let (mut statuses, mut odd, mut users) = ([0_u64; 3], 0, BTreeSet::new());
    for row in rows {
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

/// What is said of an hour is what its requests say.
#[test]
fn each_hour_has_its_requests_and_clients() {
    let dir = workshop();
    let report = tables(dir.path());
    let (rows, said) = read(&dir.path().join("hours.parquet"));
    assert_eq!(said, ["authfault-hours/1", "1"]);
    let mut expected: BTreeMap<_, (i64, BTreeSet<[String; 2]>)> = BTreeMap::new();
    for row in read(&dir.path().join("requests.parquet")).0 {
        let [client, agent, host, path] = [1, 2, 3, 4].map(|column| row.get_string(column).unwrap().clone());
        let hour = row.get_timestamp_millis(0).unwrap() / 3_600_000 * 3_600_000;
        let own = expected.entry((hour, host, path, row.get_int(8).unwrap())).or_default();
        own.0 += 1;
        own.1.insert([client, agent]);
    }
    assert_eq!(rows.len(), expected.len());
    let mut sketches = Vec::new();
    for row in &rows {
        let [host, path] = [1, 2].map(|column| row.get_string(column).unwrap().clone());
        let kind = (row.get_timestamp_millis(0).unwrap(), host, path, row.get_int(3).unwrap());
        let (requests, clients) = expected.remove(&kind).expect("a row of its own");
        assert_eq!((row.get_long(4).unwrap(), row.get_long(5).unwrap()), (requests, clients.len() as i64), "{row}");
        let sketch = HllSketch::deserialize(row.get_bytes(6).unwrap().data()).unwrap();
        assert_eq!(sketch.composite_estimate().round() as usize, clients.len(), "few are told exactly: {row}");
        sketches.push(sketch);
    }
    let union = |sketches: &mut dyn Iterator<Item = &HllSketch>| {
        let mut union = HllUnion::new(12).unwrap();
        sketches.for_each(|sketch| union.update(sketch));
        union.composite_estimate()
    };
    let estimate = union(&mut sketches.iter());
    assert_eq!(estimate, union(&mut sketches.iter().rev()));
    let clients = report["totals"]["clients"].as_f64().unwrap();
    assert!((estimate / clients - 1.0).abs() < 3.0 * 0.01625, "{estimate} for {clients}");
}

/// A question in the README.
fn question(number: usize) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let rest = readme.split("```sql\n").nth(number).expect("a question in the README");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// What a Python program answers about the tables in a folder; none where Python has not what it imports.
fn answer(module: &str, script: &str, folder: &Path, question: &str) -> Option<String> {
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
    command.args(["-c", script]).arg(folder).arg(question).env("SPARK_LOCAL_IP", "127.0.0.1");
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
    let report = tables(dir.path());
    let script = "import duckdb, sys\n\
        db = duckdb.connect()\n\
        db.execute(f\"CREATE VIEW requests AS SELECT * FROM '{sys.argv[1]}/requests.parquet'\")\n\
        print(*db.execute(sys.argv[2]).fetchone())";
    if let Some(answer) = answer("duckdb", script, dir.path(), &question(1)) {
        assert_eq!(answer, expected(&report));
    }
}

/// All rows of an answer, a line each.
const SPARK: &str = "import sys\n\
    from pyspark.sql import SparkSession\n\
    spark = SparkSession.builder.master('local[1]').config('spark.ui.enabled', False).getOrCreate()\n\
    for name in 'requests', 'hours':\n\
    \x20   spark.read.parquet(f'file://{sys.argv[1]}/{name}.parquet').createOrReplaceTempView(name)\n\
    for row in spark.sql(sys.argv[2]).collect():\n\
    \x20   print(*row)";

#[test]
fn spark_sql_answers_what_the_report_says() {
    let dir = workshop();
    let report = tables(dir.path());
    if let Some(answer) = answer("pyspark", SPARK, dir.path(), &question(1)) {
        assert_eq!(answer, expected(&report));
    }
}

/// Spark reads the sketches, merges them, and cannot tell them from those that it makes itself of the same clients.
#[test]
fn spark_sql_merges_the_sketches() {
    let dir = workshop();
    tables(dir.path());
    let Some(answer_of_hours) = answer("pyspark", SPARK, dir.path(), &question(2)) else { return };
    let exact = "SELECT path, sum(CAST(status IN (401, 403) AS INT)), \
            count(DISTINCT CASE WHEN status IN (401, 403) THEN concat(client, ' ', user_agent) END) \
        FROM requests GROUP BY path";
    let of_requests = answer("pyspark", SPARK, dir.path(), exact).unwrap();
    let told: BTreeMap<&str, [f64; 2]> = of_requests.lines().map(numbers).collect();
    assert!(answer_of_hours.lines().count() > 3, "{answer_of_hours}");
    for (path, [requests, clients]) in answer_of_hours.lines().map(numbers) {
        assert_eq!(requests, told[path][0], "{path}");
        assert!((clients - told[path][1]).abs() <= 0.05 * told[path][1], "{path}: {clients} for {}", told[path][1]);
    }
    let with_own = "SELECT hll_sketch_estimate(ours), hll_sketch_estimate(hll_union(ours, theirs)) \
        FROM (SELECT hll_union_agg(clients_hll) AS ours FROM hours), \
            (SELECT hll_sketch_agg(concat(client, ' ', user_agent), 12) AS theirs FROM requests)";
    let with_own = answer("pyspark", SPARK, dir.path(), with_own).unwrap();
    let (ours, both) = with_own.split_once(' ').unwrap();
    assert_eq!(ours, both);
}

/// A path and what is said of it.
fn numbers(line: &str) -> (&str, [f64; 2]) {
    let (rest, clients) = line.rsplit_once(' ').unwrap();
    let (path, requests) = rest.rsplit_once(' ').unwrap();
    (path, [requests, clients].map(|number| number.parse().unwrap()))
}
