//! `check`, `status` and `history`: from arguments to what is printed, delivered and returned. The only user of the
//! clock.

use super::{KEY_VARIABLE, error_logs, print, write_reports};
use authfault::{
    cli::{CheckArgs, Config, StateArgs, Watch},
    detect::causes,
    model::{
        blindness::Blindness,
        case::{Account, Case, Event, Level},
        incident::Incident,
        report::Report,
        time::Time,
    },
    notify::{self, Configured, Message, Standing},
    pipeline::{self, Figures, Outcome, Word},
    progress::Progress,
    report,
    state::{Store, memo},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

/// The channel that is always there.
const STDOUT: &str = "standard output";
/// After so many runs a message that does not arrive is given up: a week of runs every five minutes.
const ATTEMPTS_MAX: u32 = 2000;

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    checked(args).unwrap_or_else(|message| {
        if args.nagios {
            // A plugin's line is read from standard output.
            let _ = print(format!("AUTHFAULT UNKNOWN - {message}\n").as_bytes());
        } else {
            eprintln!("authfault: {message}");
        }
        ExitCode::from(Level::Unknown.status())
    })
}

fn checked(args: &CheckArgs) -> Result<ExitCode, String> {
    let mut channels = Vec::new();
    let mut completed = None;
    if let Some(path) = &args.config {
        let config = Config::read(path)?;
        completed = Some(config.complete(std::env::args_os().collect())?);
        channels = config.notify;
    }
    let args = completed.as_ref().unwrap_or(args);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut watch = args.watch(channels, cores, authfault::input::texts)?;
    watch.ask.now = args.now.unwrap_or_else(clock);
    if watch.ask.paths.is_empty() {
        let named = watch.reporting.reading.server_config(authfault::input::texts)?;
        let named = named.map(|config| config.access_logs.into_iter().map(|log| log.path).collect());
        watch.ask.paths = named.unwrap_or_else(authfault::input::usual_places);
    }
    watch.ask.error_logs = error_logs(&watch.reporting)?;
    if watch.ask.paths.is_empty() {
        return Err("no log named, and no access logs in /var/log/nginx, /var/log/apache2 or /var/log/httpd\n\
             try: authfault check /path/to/access.log"
            .to_owned());
    }
    let renderers = watch.reporting.renderers()?;
    let secrets = |name: &str| std::env::var(name).ok().filter(|_| name != KEY_VARIABLE);
    let channels = watch.channels.iter().map(|settings| Configured::new(settings, &secrets));
    let channels = channels.collect::<Result<Vec<_>, _>>()?;
    for (at, channel) in channels.iter().enumerate() {
        if channel.name == STDOUT || channels.iter().take(at).any(|other| other.name == channel.name) {
            return Err(format!("notify: two channels are called `{}`; give one of them another name", channel.name));
        }
    }
    rayon::ThreadPoolBuilder::new().num_threads(watch.ask.reading.threads).build_global().map_err(|e| e.to_string())?;
    let folder = folder(watch.state.as_deref(), !args.dry_run)?;
    let failed = |error: authfault::state::Error| format!("{}: {error}", folder.display());
    let broken = |error: authfault::state::Error| {
        let message = failed(error);
        if !args.dry_run {
            tell_broken(&message, &watch, &channels, &folder);
        }
        message
    };
    let open = if args.dry_run { Store::rehearse } else { Store::open };
    let mut store = open(&folder, args.wait).map_err(&broken)?;

    let tell = |report: &Report, incident: &Incident| account(report, incident, watch.reporting.ascii);
    let post = |word: Word<'_>| posted(word, &channels, !args.nagios);
    let outcome =
        pipeline::check(&mut store, &watch.ask, &Progress::new(None, false), &tell, &post).map_err(&broken)?;
    // A report that cannot be written keeps no message back.
    let write = |report| write_reports(&renderers, report, &watch.reporting, &watch.ask.reading.format);
    let is_written = outcome
        .report
        .as_ref()
        .is_none_or(|report| write(report).inspect_err(|message| eprintln!("authfault: {message}")).is_ok());
    if args.dry_run {
        return rehearse(&outcome, &channels, args.nagios);
    }
    let is_delivered = deliver(&store, &channels, args.nagios, &outcome).map_err(failed)?;
    let is_shown = show(&channels, &outcome, watch.ask.now);
    let level = match outcome.level {
        // Nothing else says that nobody would have been told.
        Level::Ok if !(is_delivered && is_shown && is_written) => Level::Unknown,
        level => level,
    };
    speak(args, &watch, &outcome, level)?;
    Ok(ExitCode::from(level.status()))
}

/// Tells that the state cannot be used, when two runs in a row could not and as a reminder. Nothing can be kept to be
/// tried again, so where nobody is reached the next run begins anew.
fn tell_broken(message: &str, watch: &Watch, channels: &[Configured], folder: &Path) {
    let before = memo::recall(folder);
    let (blind, sight) = pipeline::without_state(before.clone(), message, &watch.ask);
    let told: Vec<&Configured> = channels.iter().filter(|channel| channel.is_told()).collect();
    let is_reached = sight.as_ref().is_none_or(|sight| {
        let message = Message::of_sight(sight);
        let failures = told.iter().filter_map(|channel| Some((channel, channel.tell(&message).err()?)));
        let failed = failures.inspect(|(channel, failure)| eprintln!("authfault: {}: {}", channel.name, failure.0));
        failed.count() < told.len().max(1)
    });
    let standing = Standing {
        level: Level::Unknown,
        live: vec![],
        ended: vec![],
        blindness: blind.as_ref().filter(|blind| blind.told_at.is_some()),
        is_broken: true,
        now: watch.ask.now,
        figures: vec![],
    };
    show_all(channels, &standing);
    if let Err(error) = memo::note(folder, if is_reached { blind.as_ref() } else { before.as_ref() }) {
        eprintln!("authfault: {}: cannot note that this was told: {error}", folder.display());
    }
}

/// An incident in words, in the width of a mail.
pub(super) fn account(report: &Report, incident: &Incident, ascii: bool) -> Account {
    let options = report::Options { ascii, width: 78, ..report::Options::new(causes::title) };
    Account {
        headline: report::incident_in_a_line(incident, &options),
        text: report::incident_for_people(incident, report, &options),
        json: report::incident_for_programs(incident),
    }
}

fn clock() -> Time {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time(u32::try_from(since_1970.as_secs()).unwrap_or(u32::MAX))
}

/// The folder of the state: as said, or the first of the usual ones that is there, or can be made where it may be.
fn folder(named: Option<&Path>, may_make: bool) -> Result<PathBuf, String> {
    if let Some(folder) = named {
        return Ok(folder.to_owned());
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd gives several with colons between them; ours is the first.
    if let Some(given) = std::env::var("STATE_DIRECTORY").ok().filter(|given| !given.is_empty()) {
        return Ok(PathBuf::from(given.split(':').next().unwrap_or_default()));
    }
    let system = PathBuf::from("/var/lib/authfault");
    if system.is_dir() || (may_make && std::fs::create_dir(&system).is_ok()) {
        return Ok(system);
    }
    let home = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    home.map(|home| home.join("authfault"))
        .ok_or_else(|| "no folder for the state; give one with --state DIR".to_owned())
}

/// What there is to say, and how serious that is.
fn message(word: Word<'_>) -> (Message, Level) {
    match word {
        Word::Case(news) => (Message::new(news), news.level()),
        Word::Sight(sight) => (Message::of_sight(sight), Level::Unknown),
    }
}

/// The messages that something to say becomes. What is wrong with the logs is printed at once, by every run that finds it
/// changed, and needs none there.
fn posted(word: Word<'_>, channels: &[Configured], prints: bool) -> Vec<(String, String)> {
    let prints = prints && matches!(word, Word::Case(_));
    let (message, level) = message(word);
    let message = message.to_json();
    let told = channels.iter().filter(|channel| channel.is_told() && level >= channel.level);
    let names = told.map(|channel| channel.name.clone()).chain(prints.then(|| STDOUT.to_owned()));
    names.map(|name| (name, message.clone())).collect()
}

/// Delivers what is waiting, also from runs before. Gives whether all of it arrived.
fn deliver(
    store: &Store,
    channels: &[Configured],
    is_nagios: bool,
    outcome: &Outcome,
) -> Result<bool, authfault::state::Error> {
    let mut down: Vec<&str> = Vec::new();
    let pending = store.pending()?;
    let waiting: Vec<_> = pending.iter().filter_map(|p| Some((p, Message::from_json(&p.message)?))).collect();
    if !is_nagios {
        print_messages(store, &waiting, outcome)?;
    }
    for (pending, message) in &waiting {
        let Some(channel) = channels.iter().find(|channel| channel.name == pending.channel) else {
            // A channel that is no longer configured gets nothing; standard output was served, or will be.
            if pending.channel != STDOUT {
                store.delivered(pending.id)?;
            }
            continue;
        };
        if down.contains(&channel.name.as_str()) {
            store.failed(pending.id)?;
            continue;
        }
        match channel.tell(message) {
            Ok(()) => store.delivered(pending.id)?,
            Err(failure) if pending.attempts >= ATTEMPTS_MAX => {
                eprintln!("authfault: {}: {}; given up: {}", channel.name, failure.0, message.subject);
                store.delivered(pending.id)?;
            }
            Err(failure) => {
                eprintln!("authfault: {}: {}; the next run tries again", channel.name, failure.0);
                down.push(&channel.name);
                store.failed(pending.id)?;
            }
        }
    }
    Ok(down.is_empty())
}

/// The first line becomes a mail's subject, so it agrees with the exit status: first what is as serious, or where only
/// something else is over, how things stand. An attack is a line.
fn print_messages(
    store: &Store,
    waiting: &[(&authfault::state::Pending, Message)],
    outcome: &Outcome,
) -> Result<(), authfault::state::Error> {
    let mut own: Vec<_> = waiting.iter().filter(|(pending, _)| pending.channel == STDOUT).collect();
    let is_as_serious = |message: &Message| message.subject.starts_with(outcome.level.id());
    own.sort_by_key(|(_, message)| (!is_as_serious(message), message.level != Level::Critical.id()));
    let is_open = matches!(outcome.level, Level::Warning | Level::Critical);
    let mut text = String::new();
    if is_open && own.first().is_some_and(|(_, message)| !is_as_serious(message)) {
        text += &format!("{}: {}\n", outcome.level.id(), summary(outcome));
    }
    for (_, message) in &own {
        text += &format!("{}\n", message.subject);
        if message.level == Level::Critical.id() && message.event != Event::Withdrawn.id() {
            text += &format!("\n{}\n\n", message.text);
        }
    }
    let more = outcome.cases.iter().filter(|case| case.is_live()).count();
    if more > 1 && !own.is_empty() {
        text += &format!("{more} incidents are not over; `authfault status` lists them\n");
    }
    if print(text.as_bytes()).is_ok() {
        for (pending, _) in own {
            store.delivered(pending.id)?;
        }
    }
    Ok(())
}

/// What is said beside the messages: troubles that are news, the plugin's line, how things stand. The level is the one
/// that the exit status tells.
fn speak(args: &CheckArgs, watch: &Watch, outcome: &Outcome, level: Level) -> Result<(), String> {
    let mut text = String::new();
    let stand = match level == outcome.level {
        true => summary(outcome),
        false => format!("a message or a report is not where it belongs; {}", summary(outcome)),
    };
    if args.nagios {
        text = format!("AUTHFAULT {} - {stand} | {}\n", level.id(), perfdata(outcome, watch.ask.now));
    } else {
        let (is_news, is_blind) = (outcome.troubles_are_news, !outcome.troubles.is_empty());
        let stands = format!("{}: {stand}\n", level.id());
        // The first line agrees with the exit status: what is open decides over what can or cannot be read.
        let stands_first = is_news && level != if is_blind { Level::Unknown } else { Level::Ok };
        if stands_first {
            text += &stands;
        }
        if is_news || args.verbose {
            for trouble in &outcome.troubles {
                text += &format!("UNKNOWN: {}\n", trouble.text);
            }
        }
        if is_news && !is_blind {
            text += if stands_first { "The logs can be read again\n" } else { "OK: the logs can be read again\n" };
        }
        if args.verbose && !stands_first {
            text += &stands;
        }
    }
    print(text.as_bytes()).map(|_| ())
}

/// How things stand, in a line.
fn summary(outcome: &Outcome) -> String {
    let live: Vec<&Case> = outcome.cases.iter().filter(|case| case.is_live()).collect();
    let worst = live.iter().max_by_key(|case| (case.level(), case.clients));
    let figures = &outcome.figures;
    let days = figures.since.zip(figures.log_end).map(|(since, end)| f64::from(end.0 - since.0.min(end.0)) / 86_400.0);
    let baseline = days.map(|days| format!(", baseline: {days:.1} days")).unwrap_or_default();
    let text = match (worst, outcome.troubles.first()) {
        (Some(case), _) if live.len() > 1 => format!("{} and {} more", case.headline(), live.len() - 1),
        (Some(case), _) => case.headline(),
        (None, Some(trouble)) => trouble.text.clone(),
        (None, None) => "no incident is open".to_owned(),
    };
    // A bar would begin the performance data.
    let looked = if figures.is_look || figures.lines == 0 { "" } else { ", nothing unusual in them" };
    format!("{text} ({} new lines{looked}{baseline})", figures.lines).replace('|', "/")
}

/// As the guidelines of the monitoring plugins have it.
fn perfdata(outcome: &Outcome, now: Time) -> String {
    let count = |level: Level| outcome.cases.iter().filter(|case| case.level() == level).count();
    let Figures { lines_total, parsed_total, log_end, .. } = outcome.figures;
    let age = log_end.map_or("U".to_owned(), |end| format!("{}s", now.0.saturating_sub(end.0)));
    format!(
        "faults={};;0:0;0 warnings={};0:0;;0 lines={lines_total}c unparsed={}c log_age={age}",
        count(Level::Critical),
        count(Level::Warning),
        lines_total - parsed_total,
    )
}

/// Shows how things stand to those channels that want to know. Gives whether all of them do.
fn show(channels: &[Configured], outcome: &Outcome, now: Time) -> bool {
    let figures = &outcome.figures;
    let ended = outcome.news.iter().filter(|news| news.event.is_last()).map(|news| news.case.id.as_str());
    let ended: Vec<&str> = ended.collect();
    let mut shown = vec![
        ("lines_total", "Lines read.", figures.lines_total as f64),
        ("lines_unparsed_total", "Lines not understood.", (figures.lines_total - figures.parsed_total) as f64),
    ];
    if let Some(end) = figures.log_end {
        shown.push(("last_log_timestamp_seconds", "The latest time in the log.", f64::from(end.0)));
    }
    let sighted = outcome.sight.as_ref().map(|sight| &sight.blindness);
    let blind = outcome.blindness.as_ref().filter(|blindness| blindness.told_at.is_some());
    let standing = Standing {
        level: outcome.level,
        live: outcome.cases.iter().filter(|case| case.is_live()).collect(),
        ended: outcome.cases.iter().filter(|case| ended.contains(&case.id.as_str())).collect(),
        blindness: sighted.or(blind),
        is_broken: false,
        now,
        figures: shown,
    };
    show_all(channels, &standing)
}

/// Gives whether all that want to know do.
fn show_all(channels: &[Configured], standing: &Standing<'_>) -> bool {
    let mut is_shown = true;
    for channel in channels.iter().filter(|channel| !channel.is_told()) {
        if let Err(failure) = channel.show(standing) {
            eprintln!("authfault: {}: {}; the next run tries again", channel.name, failure.0);
            is_shown = false;
        }
    }
    is_shown
}

/// What would be told to whom.
fn rehearse(outcome: &Outcome, channels: &[Configured], is_nagios: bool) -> Result<ExitCode, String> {
    let mut text = String::new();
    for word in outcome.news.iter().map(Word::Case).chain(outcome.sight.iter().map(Word::Sight)) {
        let subject = message(word).0.subject;
        for (channel, _) in posted(word, channels, !is_nagios) {
            text += &format!("would tell {channel}: {subject}\n");
        }
    }
    for channel in channels.iter().filter(|channel| !channel.is_told()) {
        text += &format!("would show {} how things stand\n", channel.name);
    }
    for trouble in &outcome.troubles {
        text += &format!("UNKNOWN: {}\n", trouble.text);
    }
    text += &format!("{}: {}\n", outcome.level.id(), summary(outcome));
    print(text.as_bytes())?;
    Ok(ExitCode::from(outcome.level.status()))
}

/// The cases that are not over.
pub(super) fn status(args: &StateArgs) -> Result<ExitCode, String> {
    let (store, folder) = looked_at(args)?;
    let failed = |error: authfault::state::Error| format!("{}: {error}", folder.display());
    let cases: Vec<Case> = store.cases().map_err(failed)?.into_iter().filter(Case::is_live).collect();
    let blind: Vec<Blindness> = store.blindness().map_err(failed)?.into_iter().filter(Blindness::is_live).collect();
    if args.json {
        return print(notify::listed(&cases, &blind).as_bytes());
    }
    let level = pipeline::level(&cases, !blind.is_empty());
    let count = match cases.len() {
        0 => "no incident is open".to_owned(),
        1 => "1 incident is not over".to_owned(),
        many => format!("{many} incidents are not over"),
    };
    let time = |name: &str| store.fact(name).map(|at| at.map_or("never".to_owned(), |at| Time(at as u32).rfc3339()));
    let (run, end) = (time("last_run").map_err(failed)?, time("log_end").map_err(failed)?);
    let mut text = format!("{}: {count}; last run {run}, log until {end}\n", level.id());
    let waiting = store.pending().map_err(failed)?.len();
    if waiting > 0 {
        text += &format!("{waiting} messages are still to be delivered\n");
    }
    text += &cases.iter().map(line).chain(blind.iter().map(blind_line)).collect::<String>();
    print(text.as_bytes())
}

/// All cases, the latest first.
pub(super) fn history(args: &StateArgs) -> Result<ExitCode, String> {
    let (store, folder) = looked_at(args)?;
    let failed = |error: authfault::state::Error| format!("{}: {error}", folder.display());
    let (mut cases, mut blind) = (store.cases().map_err(failed)?, store.blindness().map_err(failed)?);
    cases.reverse();
    blind.reverse();
    if args.json {
        return print(notify::listed(&cases, &blind).as_bytes());
    }
    let lines = cases.iter().map(|case| (case.start, line(case)));
    let mut lines: Vec<(Time, String)> = lines.chain(blind.iter().map(|it| (it.start, blind_line(it)))).collect();
    lines.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
    let text = match lines.as_slice() {
        [] => "no incident is known\n".to_owned(),
        lines => lines.iter().map(|(_, line)| line.as_str()).collect(),
    };
    print(text.as_bytes())
}

fn looked_at(args: &StateArgs) -> Result<(Store, PathBuf), String> {
    let folder = folder(args.folder.as_deref(), false)?;
    let store = Store::look(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok((store, folder))
}

fn line(case: &Case) -> String {
    format!("{}  {:<10}  {}\n", case.id, case.phase.id(), case.headline())
}

fn blind_line(blindness: &Blindness) -> String {
    format!("{}  {:<10}  {}\n", blindness.id, blindness.phase(), blindness.headline())
}
