//! Arguments to configuration to pipeline to output to exit status. The only file that prints, exits and looks at
//! the environment.
#![expect(clippy::print_stderr, reason = "the one place where the program speaks beside its report")]

use authfault::{
    cli::{AnalyzeArgs, Cli, Command, DoctorArgs, DoctorOutput, ReadingArgs, When},
    detect::causes,
    input, parse,
    pipeline::{self, Analysis},
    progress::Progress,
    report::{self, out::Color},
};
use clap::{CommandFactory, Parser};
use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => analyze(&cli.analyze),
        Some(Command::Analyze(args)) => analyze(&args),
        Some(Command::Doctor(args)) => doctor(&args),
        Some(Command::Formats) => print(formats().as_bytes()),
        Some(Command::Causes { id }) => describe(id.as_deref()).and_then(|text| print(text.as_bytes())),
        Some(Command::Man) => manual().and_then(|page| print(&page)),
        Some(Command::Completions { shell }) => print(&completions(shell)),
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("authfault: {message}");
        ExitCode::from(2)
    })
}

fn analyze(args: &AnalyzeArgs) -> Result<ExitCode, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = args.options(cores, input::texts)?;
    let renderers = args.renderers()?;
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global().map_err(|e| e.to_string())?;

    let found = input::discover(&inputs(&args.paths, &args.reading, args.quiet)?);
    let total = found.files.iter().map(|f| f.size_bytes).sum();
    let is_shown = io::stderr().is_terminal() && !args.quiet && !args.no_progress;
    let analysis = pipeline::analyze(found, &options, &Progress::new(total, is_shown));

    for problem in &analysis.problems {
        eprintln!("authfault: {problem}");
    }
    if analysis.report.input.parsed == 0 && !analysis.problems.is_empty() {
        return Ok(ExitCode::from(2));
    }
    for (path, renderer) in renderers {
        let bytes = (renderer.render)(&analysis.report, &rendering(args, false));
        write_beside(path, &bytes).map_err(|e| format!("{}: cannot write the report: {e}", path.display()))?;
    }
    let renderer = report::renderer(args.output.id()).ok_or("no such renderer")?;
    print(&(renderer.render)(&analysis.report, &rendering(args, true)))?;
    Ok(status(args, &analysis))
}

/// What to read: the paths given, a pipe, or the usual places.
fn inputs(paths: &[PathBuf], reading: &ReadingArgs, quiet: bool) -> Result<Vec<PathBuf>, String> {
    if !paths.is_empty() {
        return Ok(paths.to_vec());
    }
    if let Some(config) = reading.server_config(input::texts)? {
        return Ok(config.access_logs.into_iter().map(|log| log.path).collect());
    }
    if is_piped_in() {
        return Ok(vec![PathBuf::from("-")]);
    }
    let places = input::usual_places();
    if places.is_empty() {
        return Err("no log named, nothing piped in, and no access logs in /var/log/nginx, /var/log/apache2 or /var/log/httpd\n\
             try: authfault /path/to/access.log\n\
             or:  zcat access.log.*.gz | authfault -"
            .to_owned());
    }
    if !quiet {
        let names: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
        eprintln!("authfault: no log named, reading {}", names.join(" and "));
    }
    Ok(places)
}

/// Whether somebody gives us something to read: a pipe, a file or a socket. Under cron and systemd standard input is
/// `/dev/null`, and that is nobody.
fn is_piped_in() -> bool {
    let metadata = io::stdin().as_fd().try_clone_to_owned().and_then(|stdin| File::from(stdin).metadata());
    metadata.is_ok_and(|m| m.is_file() || m.file_type().is_fifo() || m.file_type().is_socket())
}

fn rendering(args: &AnalyzeArgs, to_stdout: bool) -> report::Options {
    let mut options = report::Options::new(causes::title);
    options.ascii = args.ascii;
    options.width = terminal_width().unwrap_or(options.width);
    options.color = if to_stdout && wants_color(args.color) { Color::Ansi } else { Color::Off };
    options
}

fn wants_color(when: When) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// What the logs' formats can tell. 2 where a file could not be read, or no line of any was understood.
fn doctor(args: &DoctorArgs) -> Result<ExitCode, String> {
    let formats = args.reading.formats(input::texts)?;
    let found = input::discover(&inputs(&args.paths, &args.reading, false)?);
    let (diagnosis, problems) = pipeline::diagnose(found, &formats);
    for problem in &problems {
        eprintln!("authfault: {problem}");
    }
    let mut options = report::Options::new(causes::title);
    options.width = terminal_width().unwrap_or(options.width);
    options.color = if wants_color(args.color) { Color::Ansi } else { Color::Off };
    print(&match args.output {
        DoctorOutput::Terminal => report::diagnosis_page(&diagnosis, &options),
        DoctorOutput::Json => report::diagnosis_json(&diagnosis),
    })?;
    let is_read = problems.is_empty() && diagnosis.files.iter().any(|file| file.parsed > 0);
    Ok(ExitCode::from(if is_read { 0 } else { 2 }))
}

/// As the terminal says, where there is one; everything else gets the default width, the same everywhere.
fn terminal_width() -> Option<usize> {
    io::stdout().is_terminal().then(|| std::env::var("COLUMNS").ok()?.parse().ok())?
}

/// 2 where something could not be read, or nothing was there to be; unless a fault is on right now: that is more
/// urgent.
fn status(args: &AnalyzeArgs, analysis: &Analysis) -> ExitCode {
    use authfault::model::incident::{State, Verdict};
    let faults = || analysis.report.incidents.iter().filter(|i| i.verdict == Verdict::ServerSide);
    let is_open = faults().any(|i| i.state == State::Ongoing);
    let is_done = analysis.problems.is_empty() && analysis.report.input.parsed > 0;
    if !is_done && !is_open {
        return ExitCode::from(2);
    }
    ExitCode::from(u8::from(args.exit_code && faults().next().is_some()))
}

/// Prints data. A reader that has seen enough is no error.
fn print(bytes: &[u8]) -> Result<ExitCode, String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Writes to a file beside and renames it, so that nobody reads half a report.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn formats() -> String {
    let row = |format: &parse::Format| {
        let carries = format.carries().join(", ");
        format!("{:<20} {}\n  carries  {carries}\n  example  {}\n", format.id, format.title, format.example)
    };
    parse::FORMATS.iter().map(|format| row(format)).collect()
}

/// The list of causes, or all that is known of one.
fn describe(id: Option<&str>) -> Result<String, String> {
    let Some(id) = id else {
        return Ok(causes::all().map(|cause| format!("{:<24} {}\n", cause.id, cause.title)).collect());
    };
    let cause = causes::find(id).ok_or_else(|| format!("no cause is called `{id}`; `authfault causes` lists them"))?;
    let checks: String =
        cause.next_checks.iter().enumerate().map(|(i, check)| format!("  {}. {check}\n", i + 1)).collect();
    let technique = cause.technique.map_or_else(String::new, |t| format!("ATT&CK: {t}\n"));
    Ok(format!(
        "{}: {}\n{technique}\nLooks like: {}\n\nAgainst it: {}\n\nFalse positives: {}\n\nNext checks:\n{checks}",
        cause.id, cause.title, cause.looks_like, cause.against, cause.false_positives
    ))
}

fn manual() -> Result<Vec<u8>, String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(|e| e.to_string())?;
    Ok(page)
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "authfault", &mut script);
    script
}
