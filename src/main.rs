//! Arguments to configuration to pipeline to output to exit status. The only file that prints, exits and looks at
//! the environment.
#![expect(clippy::print_stderr, reason = "the one place where the program speaks beside its report")]

use authfault::{
    cli::{self, AnalyzeArgs, BacktestArgs, Cli, Command, DoctorArgs, DoctorOutput, ExplainArgs, ReadingArgs, When},
    detect::causes,
    geoip::Databases,
    input::{self, Discovery},
    model::{logged::inert, report::Report},
    notify::Message,
    parse,
    pipeline::{self, Analysis, Formats},
    privacy::{self, Scheme},
    progress::Progress,
    report::{self, Names, Renderer, out::Color, words::counted},
};
use clap::{CommandFactory, Parser};
use std::{
    cell::OnceCell,
    fs::{self, File, Permissions},
    io::{self, IsTerminal, Write},
    os::{
        fd::AsFd,
        unix::ffi::{OsStrExt, OsStringExt},
        unix::fs::{FileTypeExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

#[path = "main/check.rs"]
mod check;
#[path = "main/fleet.rs"]
mod fleet;

/// Where a key for pseudonyms may stand instead of in a file.
const KEY_VARIABLE: &str = "AUTHFAULT_ANONYMIZE_KEY";

/// There are only four thousand million addresses: a key that can be guessed hides none of them.
const SHORTEST_KEY_BYTES: usize = 16;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let outcome = match cli.command {
        None => ask_for_command(&cli.analyze.paths).and_then(|()| analyze(&cli.analyze)),
        Some(Command::Analyze(args)) => analyze(&args),
        Some(Command::Check(args)) => Ok(check::check(&args)),
        Some(Command::Backtest(args)) => backtest(&args),
        Some(Command::Status(args)) => check::status(&args),
        Some(Command::History(args)) => check::history(&args),
        Some(Command::Explain(args)) => explain(&args),
        Some(Command::Map(args)) => fleet::map(&args),
        Some(Command::Reduce(args)) => fleet::reduce(&args),
        Some(Command::SparkJob) => fleet::spark_job(),
        Some(Command::Doctor(args)) => doctor(&args),
        Some(Command::Formats) => print(formats().as_bytes()),
        Some(Command::Causes { id }) => describe(id.as_deref()).and_then(|text| print(text.as_bytes())),
        Some(Command::Schema) => print(&report::schema()),
        Some(Command::Man { command }) => manual(command.as_deref()).and_then(|page| print(&page)),
        Some(Command::Completions { shell }) => print(&completions(shell)),
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("authfault: {message}");
        ExitCode::from(2)
    })
}

/// Help and version are asked for; the rest is a usage error, which for a monitoring plugin means that it knows nothing.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_check = std::env::args_os().nth(1).is_some_and(|command| command == "check");
    // A terminal that is gone is no reason to end otherwise.
    let _ = error.print();
    match (error.use_stderr(), is_check) {
        (false, _) => ExitCode::SUCCESS,
        (true, true) => ExitCode::from(3),
        (true, false) => ExitCode::from(2),
    }
}

/// Says so where the first path leads nowhere and is nearly a command.
///
/// # Errors
/// It is one, behind options.
fn ask_for_command(paths: &[PathBuf]) -> Result<(), String> {
    let Some(path) = paths.first().filter(|path| !path.exists()) else { return Ok(()) };
    let Some(command) = cli::nearest_command(path) else { return Ok(()) };
    if path.as_os_str() == command.as_str() {
        return Err(format!(
            "there is no file `{command}`; the command comes before all options: authfault {command} ..."
        ));
    }
    eprintln!("authfault: did you mean the command `{command}`?");
    Ok(())
}

fn analyze(args: &AnalyzeArgs) -> Result<ExitCode, String> {
    let options = options(args)?;
    args.renderers()?;
    let origins = Databases::open(&args.geoip)?;
    let (found, errors, progress) = set_out(args)?;
    publish(args, &options, &origins, pipeline::analyze(found, errors, &options, &progress))
}

/// Says what went wrong, writes the files, prints the report.
fn publish(
    args: &AnalyzeArgs,
    options: &pipeline::Options,
    origins: &Databases,
    mut analysis: Analysis,
) -> Result<ExitCode, String> {
    let renderers = args.renderers()?;
    let scheme = scheme(args)?;
    for problem in &analysis.problems {
        eprintln!("authfault: {problem}");
    }
    if let Some(copies) = analysis.copies.as_ref().filter(|_| !args.quiet) {
        eprintln!("authfault: {copies}");
    }
    if analysis.report.input.parsed == 0 && !analysis.problems.is_empty() {
        return Ok(ExitCode::from(2));
    }
    let status = status(args, &analysis);
    origins.label(&mut analysis.report);
    let report = match &args.incident {
        Some(id) => analysis.report.of_incident(id)?,
        None => analysis.report,
    };
    let pages = Pages { report: &report, args, format: &options.format, scheme, hidden: OnceCell::new() };
    pages.write(&renderers)?;
    print(&pages.rendered(args.output, true))?;
    Ok(status)
}

/// A report on its way to bytes, with its people hidden where they are to be.
struct Pages<'r> {
    report: &'r Report,
    args: &'r AnalyzeArgs,
    format: &'r Formats,
    scheme: Scheme,
    hidden: OnceCell<Report>,
}

impl Pages<'_> {
    fn rendered(&self, renderer: &Renderer, to_stdout: bool) -> Vec<u8> {
        let hides_people = self.args.hides_people(renderer);
        let shown = if hides_people { self.hidden.get_or_init(|| self.hide()) } else { self.report };
        let names = match (hides_people, &self.scheme) {
            (false, _) => Names::AsLogged,
            (true, Scheme::Numbered) => Names::Numbered,
            (true, Scheme::Keyed(_)) => Names::Keyed,
        };
        (renderer.render)(shown, &report::Options { names, ..rendering(self.args, to_stdout) })
    }

    fn hide(&self) -> Report {
        let read = |line: &_| pipeline::reread(line, self.report, self.format, |event| event.into());
        privacy::anonymized(self.report, self.scheme.clone(), &read)
    }

    fn write(&self, renderers: &[(&PathBuf, &Renderer)]) -> Result<(), String> {
        for (path, renderer) in renderers {
            write_beside(path, &self.rendered(renderer, false))
                .map_err(|e| format!("{}: cannot write the report: {e}", path.display()))?;
        }
        Ok(())
    }
}

/// The files that a check writes.
fn write_reports(
    renderers: &[(&PathBuf, &'static Renderer)],
    report: &Report,
    args: &AnalyzeArgs,
    format: &Formats,
) -> Result<(), String> {
    let pages = Pages { report, args, format, scheme: scheme(args)?, hidden: OnceCell::new() };
    pages.write(renderers)
}

/// How people are named where they are not named as in the log.
fn scheme(args: &AnalyzeArgs) -> Result<Scheme, String> {
    let (secret, origin) = match &args.anonymize_key_file {
        Some(path) => {
            let origin = path.display().to_string();
            (fs::read(path).map_err(|e| format!("{origin}: cannot read the key: {e}"))?, origin)
        }
        None => match std::env::var_os(KEY_VARIABLE) {
            Some(secret) => (secret.into_vec(), KEY_VARIABLE.to_owned()),
            None => return Ok(Scheme::Numbered),
        },
    };
    let secret = secret.trim_ascii();
    if secret.len() < SHORTEST_KEY_BYTES {
        return Err(format!(
            "{origin}: expected a key of at least {SHORTEST_KEY_BYTES} bytes, found {}; \
             `openssl rand -base64 32` makes one",
            secret.len()
        ));
    }
    Ok(Scheme::Keyed(secret.to_vec()))
}

/// 2 where nobody fits, or something could not be read.
fn explain(args: &ExplainArgs) -> Result<ExitCode, String> {
    let (who, args) = (&args.who, args.checked()?);
    let options = options(args)?;
    let (found, errors, progress) = set_out(args)?;
    let told = pipeline::explain(found, errors, &options, &progress, who);

    for problem in &told.problems {
        eprintln!("authfault: {problem}");
    }
    if told.stories.stories.is_empty() && told.kept.is_nobody() {
        return Err("the requests of no client fit into --memory; give it more".to_owned());
    }
    if told.stories.stories.is_empty() {
        let agent = who.agent.as_ref().map(|agent| format!(" with `{agent}` in its user agent")).unwrap_or_default();
        let whom = inert(format!("`{}`{agent}", who.address).as_bytes());
        return Err(format!(
            "none of the {} requests is by {whom}, nor was any refused under that user name{}; give an address as it \
             stands in the log",
            told.parsed,
            if told.kept.is_all() { "" } else { ", of the clients that fitted into --memory" }
        ));
    }
    let bytes = match args.output.id {
        "json" => report::stories_for_programs(&told.stories),
        _ => report::stories_for_people(&told.stories, &rendering(args, true)),
    };
    print(&bytes)?;
    Ok(if told.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// 2 where something could not be read.
fn backtest(args: &BacktestArgs) -> Result<ExitCode, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = args.plan(cores, input::texts)?;
    rayon::ThreadPoolBuilder::new().num_threads(plan.reading.threads).build_global().map_err(|e| e.to_string())?;
    let (found, _, progress) = set_out(&args.analyze)?;
    let replay =
        pipeline::backtest(found, &plan, &progress, &|report, incident| check::account(report, incident, false));
    for problem in &replay.problems {
        eprintln!("authfault: {problem}");
    }
    let Some((from, to)) = replay.span else {
        return Err("no line was understood, so there is nothing to replay".to_owned());
    };
    let mut text = format!(
        "{} would have been sent by {} checks ({} of them full looks) from {} to {} UTC\n",
        counted(replay.news.len() as u64, "message", "messages"),
        replay.checks,
        replay.looks,
        from.minute(),
        to.minute()
    );
    for (when, news) in &replay.news {
        text += &format!("{} UTC  {}\n", when.minute(), Message::new(news).subject);
    }
    text += "\nFaults by other values of --confidence (missed: told when they were over)\n";
    text += "         critical  missed  suspected  first critical\n";
    for trial in &replay.trials {
        let first = trial.first.map_or("-".to_owned(), |first| format!("{} UTC", first.minute()));
        let (critical, missed, suspected) = (trial.faults, trial.missed, trial.suspected);
        text += &format!("  {:<5}  {critical:>8}  {missed:>6}  {suspected:>9}  {first}\n", trial.confidence);
    }
    print(text.as_bytes())?;
    Ok(if replay.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn options(args: &AnalyzeArgs) -> Result<pipeline::Options, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = args.options(cores, input::texts)?;
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global().map_err(|e| e.to_string())?;
    Ok(options)
}

/// Access logs, error logs, and how far reading has come.
fn set_out(args: &AnalyzeArgs) -> Result<(Discovery, Discovery, Progress), String> {
    let found = input::discover(&inputs(&args.paths, &args.reading, args.quiet)?);
    let total = found.files.iter().map(|f| f.size_bytes).sum();
    let is_shown = io::stderr().is_terminal() && !args.quiet && !args.no_progress;
    Ok((found, input::discover_errors(&error_logs(args)?), Progress::new(total, is_shown)))
}

/// The error logs named, or else those that the server's configuration names and that are there.
fn error_logs(args: &AnalyzeArgs) -> Result<Vec<PathBuf>, String> {
    if !args.error_logs.is_empty() {
        return Ok(args.error_logs.clone());
    }
    let config = args.reading.server_config(input::texts)?;
    let named = config.into_iter().flat_map(|config| config.error_logs).map(|log| log.path);
    Ok(named.filter(|path| path.exists()).collect())
}

/// What to read: the paths given, a pipe, or the usual places.
fn inputs(paths: &[PathBuf], reading: &ReadingArgs, quiet: bool) -> Result<Vec<PathBuf>, String> {
    if !paths.is_empty() {
        // Not of what a shell puts in the place of `<(...)`, which leads to a pipe that has a writer.
        let is_pipe = |path: &&PathBuf| fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_fifo());
        for path in paths.iter().filter(is_pipe).filter(|_| !quiet) {
            let name = inert(path.as_os_str().as_bytes());
            eprintln!("authfault: {name}: a named pipe: waiting for whoever writes to it, until they are done");
        }
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
    options.is_single = args.incident.is_some();
    options.zone = args.reading.zone.filter(|zone| !zone.is_utc());
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

/// As the terminal is, or as COLUMNS says; what is no terminal gets the default width, the same everywhere.
fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size::terminal_size_of(stdout).map(|(width, _)| usize::from(width.0)))
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
    // As any program would make it: what others may do with it is for the umask to say.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(directory)?;
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
    // What a report fills in is the reader's to put in here.
    let bare = |check: &str| {
        let word = |name: &str| name.trim_matches(['{', '}']).to_uppercase();
        causes::PLACEHOLDERS.iter().fold(check.to_owned(), |text, name| text.replace(name, &word(name)))
    };
    let checks = cause.next_checks.iter().enumerate().map(|(i, check)| format!("  {}. {}\n", i + 1, bare(check)));
    let checks: String = checks.collect();
    let technique = cause.technique.map_or_else(String::new, |t| format!("ATT&CK: {t}\n"));
    Ok(format!(
        "{}: {}\n{technique}\nLooks like: {}\n\nAgainst it: {}\n\nFalse positives: {}\n\nNext checks:\n{checks}",
        cause.id, cause.title, cause.looks_like, cause.against, cause.false_positives
    ))
}

/// The page of a subcommand, or of the whole.
fn manual(name: Option<&str>) -> Result<Vec<u8>, String> {
    let mut command = Cli::command();
    // Gives subcommands their full names.
    command.build();
    if let Some(name) = name {
        command = command.find_subcommand(name).cloned().ok_or_else(|| format!("there is no subcommand {name}"))?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|e| e.to_string())?;
    Ok(page)
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "authfault", &mut script);
    script
}
