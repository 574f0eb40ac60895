//! What authfault promises to those who run it, tried on the built program (and, where a promise is about code, on
//! the library and its source). Unit tests stand beside what they test, in `src/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

mod support; // running the program, reading its report, logs to feed it

// For the person on call
mod cli; // what may be typed, exit codes, messages, where output goes
mod errorlog; // what the server's error log settles, and what it leaves alone
mod explain; // the story of one client
mod formats; // formats, what operators may say of them, and every odd line
mod geoip; // labels from databases that the operator names
mod incidents; // each cause in a small log that ships, and a quiet twin beside it
mod privacy; // what is passed on names nobody
mod readme; // what the README shows is what happens
mod span; // a span is judged by what came before it, and counted alone

// From cron
mod check; // what a run says, to whom, and with which exit code
mod gate; // what is told later because most runs only store what is new
mod receivers; // real receivers of messages, and a mail server
mod simulation; // days of log with rotations, missed runs and kills

// For other programs
mod schema; // the JSON report by its schema, ECS and OCSF by what they require

// Beyond one machine
mod fleet; // parts give the report of one reading, and what is missing, doubled or damaged is named
#[cfg(feature = "parquet")]
mod parquet; // the table of all requests, and what DuckDB and Spark SQL say of it
mod spark; // the same on a real cluster, where pyspark and Java are installed

// What holds for every log
mod agreement; // threads, files, pieces, order, pipes and gzip change nothing
mod fast_path; // the fast parser says what its slow twin says
mod hostile; // logs written by an enemy
mod memory; // --memory holds, and what it leaves out is counted or estimated

// Logs that were not made for these tests
mod conformance; // the test suites of other tools, where AUTHFAULT_DATA names them
mod data; // larger logs with known truth, where AUTHFAULT_DATA names them
mod live_nginx; // a real nginx that loses its password file while it serves
mod realserver; // kept logs of real nginx and Apache servers

// For those who change the code
mod tidy; // the walls between modules
