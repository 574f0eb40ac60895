//! `map`, `reduce` and `spark-job`: from arguments to parts and from parts to a report.

use super::{error_logs, print, publish, write_beside};
#[cfg(feature = "parquet")]
use authfault::pipeline::Table;
use authfault::{
    cli::{MapArgs, ReduceArgs},
    geoip::Databases,
    input,
    pipeline::{self, Parts},
    progress::Progress,
};
use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What gives each task of a cluster its share.
const SPARK_JOB: &str = include_str!("../spark_job.py");

pub(super) fn spark_job() -> Result<ExitCode, String> {
    print(SPARK_JOB.as_bytes())
}

/// 2 where something could not be read; the part says so too.
pub(super) fn map(args: &MapArgs) -> Result<ExitCode, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let head =
        |path: &Path| fs::read(path).map_err(|e| format!("{}: cannot read the first lines: {e}", path.display()));
    let (options, mapping) = args.mapping(cores, input::texts, head)?;
    if args.analyze.files.is_empty() && io::stdout().is_terminal() {
        return Err("a part is not for reading; give a file to write it to with -o".to_owned());
    }
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global().map_err(|e| e.to_string())?;
    let (found, _, progress) = super::set_out(&args.analyze)?;
    let mapped = pipeline::map(found, &options, &mapping, &progress);
    for problem in &mapped.problems {
        eprintln!("authfault: {problem}");
    }
    match args.analyze.files.first() {
        Some(path) => {
            write_beside(path, &mapped.bytes).map_err(|e| format!("{}: cannot write the part: {e}", path.display()))?
        }
        None => {
            print(&mapped.bytes)?;
        }
    }
    Ok(if mapped.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

pub(super) fn reduce(args: &ReduceArgs) -> Result<ExitCode, String> {
    let parts = open(args)?;
    let args_of_report = args.reporting(parts.settings())?;
    let options = super::options(&args_of_report)?;
    let origins = Databases::open(&args_of_report.geoip)?;
    let is_shown = io::stderr().is_terminal() && !args.analyze.quiet && !args.analyze.no_progress;
    let progress = Progress::new(Some(parts.size_bytes()), is_shown);
    if let Some(path) = &args.merge_into {
        let (bytes, problems) = pipeline::merge_parts(parts, &options, env!("CARGO_PKG_VERSION"), &progress)?;
        for problem in &problems {
            eprintln!("authfault: {problem}");
        }
        write_beside(path, &bytes).map_err(|e| format!("{}: cannot write the part: {e}", path.display()))?;
        return Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) });
    }
    #[cfg(feature = "parquet")]
    if args.parquet.is_some() || args.parquet_hours.is_some() {
        return parquet(args, parts, &options, &progress);
    }
    let errors = input::discover_errors(&error_logs(&args_of_report)?);
    let analysis = pipeline::reduce(parts, errors, &options, &progress)?;
    publish(&args_of_report, &options, &origins, analysis)
}

#[cfg(feature = "parquet")]
fn parquet(
    args: &ReduceArgs,
    parts: Parts,
    options: &pipeline::Options,
    progress: &Progress,
) -> Result<ExitCode, String> {
    let wanted = [(Table::Requests, &args.parquet), (Table::Hours, &args.parquet_hours)];
    let mut files: Vec<(Table, &PathBuf, Vec<u8>)> =
        wanted.into_iter().filter_map(|(table, path)| Some((table, path.as_ref()?, Vec::new()))).collect();
    let tables = files.iter_mut().map(|(table, _, bytes)| (*table, bytes));
    let (kept, problems) = pipeline::write_tables(parts, options, progress, tables)?;
    for problem in &problems {
        eprintln!("authfault: {problem}");
    }
    if !kept.is_all() {
        eprintln!("authfault: not all clients are in the table: one in {} is, with all its requests", 1 << kept.level);
    }
    for (_, path, bytes) in &files {
        write_beside(path, bytes).map_err(|e| format!("{}: cannot write the table: {e}", path.display()))?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The parts, looked at; those that say nothing new are named.
fn open(args: &ReduceArgs) -> Result<Parts, String> {
    let mut paths = args.analyze.paths.clone();
    if paths.is_empty() && super::is_piped_in() {
        paths.push(PathBuf::from("-"));
    }
    if paths.is_empty() {
        return Err("no part named and nothing piped in; `authfault map` writes them".to_owned());
    }
    let expected = args.expect.as_ref().map(|path| {
        let text = fs::read(path).map_err(|e| format!("{}: cannot read the list of files: {e}", path.display()))?;
        Ok::<_, String>(text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
    });
    let expected: Option<Vec<Vec<u8>>> = expected.transpose()?;
    let parts = pipeline::open_parts(input::discover_parts(&paths), expected.as_deref())?;
    if !args.analyze.quiet {
        for spare in parts.spare() {
            eprintln!("authfault: {spare}");
        }
    }
    Ok(parts)
}
