//! The stories of clients for the person at the help desk: an answer each, then what happened in order of time.

use super::page::{Page, Prose, Tone};
use crate::{
    model::story::{Outcome, Part, Run, Stories, Story},
    report::{
        renderers::Options,
        words::{self, clock_on, count, counted, duration, span},
    },
};

/// Runs shown from the front and from the end; the JSON has all.
const RUNS_FIRST: usize = 24;
const RUNS_LAST: usize = 8;
const LONGEST_TEXT: usize = 400;
const LONGEST_PATH: usize = 80;

/// All of them.
pub(in crate::report) fn render(stories: &Stories, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color, options.ascii);
    if stories.by_claimed_name && !stories.stories.is_empty() {
        let whose = "No client goes by that as an address or host name. These claimed it as a user name when they were \
                     refused, and anybody may type any name.";
        page.wrapped(0, 2, &Prose::new().text(whose));
        page.blank();
    }
    for (i, story) in stories.stories.iter().enumerate() {
        if i > 0 {
            page.blank();
        }
        client(&mut page, story);
        runs(&mut page, story);
        parts(&mut page, &story.incidents, options);
    }
    if stories.left_out > 0 {
        page.blank();
        let others = if stories.by_claimed_name { "who claimed it" } else { "with other user agents" };
        let more = format!(
            "and {} {others}; name a part of the user agent that is meant",
            counted(stories.left_out, "client", "clients")
        );
        page.wrapped(0, 2, &Prose::new().toned(Tone::Faint, &more));
    }
    super::coverage::limits(&mut page, &stories.limits);
    page.into_bytes()
}

/// Who, and the answer: how often refused, and for what.
fn client(page: &mut Page, story: &Story) {
    let refused = story.status_401 + story.status_403;
    let mut prose = Prose::new().toned(Tone::Strong, &story.client.inert()).text(": ");
    prose = match refused {
        0 => prose.toned(Tone::Good, "never refused"),
        _ => prose.toned(Tone::Bad, &format!("refused {} of {} times", count(refused), count(story.requests))),
    };
    let causes = by_cause(story);
    if !causes.is_empty() {
        prose = prose.text(": ").text(&causes.join(", "));
    }
    page.wrapped(0, 2, &prose);
    if !story.agent.is_empty() {
        page.wrapped(2, 4, &Prose::new().toned(Tone::Faint, &words::shorten(&story.agent.inert(), LONGEST_TEXT)));
    }
    let mut figures = Prose::new()
        .kept(&span(story.first, story.last))
        .text(": ")
        .kept(&counted(story.requests, "request", "requests"))
        .text(", ")
        .kept(&format!("{} served", count(story.ok)));
    for (number, what) in
        [(story.status_401, "with 401"), (story.status_403, "with 403"), (story.errors, "with 500 or above")]
    {
        if number > 0 {
            figures = figures.text(", ").kept(&format!("{} {what}", count(number)));
        }
    }
    page.wrapped(2, 4, &figures);
    began(page, story);
    if !story.claimed_users.is_empty() {
        let names: Vec<String> =
            story.claimed_users.iter().map(|name| words::shorten(&name.inert(), LONGEST_PATH)).collect();
        let more = (story.users as usize).saturating_sub(names.len());
        let more = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
        page.wrapped(2, 4, &Prose::new().text(&format!("claimed user names: {}{more}", names.join(", "))));
    }
}

/// When it began to fail, and what it had been served until then.
fn began(page: &mut Page, story: &Story) {
    let is_failure = |run: &&Run| matches!(run.outcome, Outcome::Refused | Outcome::Failed);
    let Some(first) = story.runs.iter().find(is_failure) else { return };
    let before: u64 = story.runs.iter().take_while(|run| !is_failure(run)).map(|run| run.requests).sum();
    let text = match before {
        0 => "failed from its first request on".to_owned(),
        _ => format!(
            "began to fail {}, {} after its first request and {} later",
            words::moment(first.start),
            duration(first.start.0.saturating_sub(story.first.0)),
            counted(before, "request", "requests")
        ),
    };
    page.wrapped(2, 4, &Prose::new().text(&text));
}

/// `server's fault 7`, the most frequent first.
fn by_cause(story: &Story) -> Vec<String> {
    let of = |id: &str| -> u64 {
        let own = story.runs.iter().filter(|run| run.cause == Some(id)).map(|run| run.requests).sum::<u64>();
        let folded: u64 = story.runs.iter().map(|run| run.challenges).sum();
        own + if id == "no_credentials" { folded } else { 0 }
    };
    let mut counts: Vec<(u64, &str)> =
        words::EVENT_CAUSES.iter().map(|words| (of(words.id), words.title)).filter(|(count, _)| *count > 0).collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(number, title)| format!("{title} {}", count(number))).collect()
}

fn runs(page: &mut Page, story: &Story) {
    let all = story.runs.len();
    let is_shown = |at: usize| at < RUNS_FIRST || at + RUNS_LAST >= all;
    for (at, own) in story.runs.iter().enumerate().filter(|(at, _)| is_shown(*at)) {
        if at == all.saturating_sub(RUNS_LAST) && at > RUNS_FIRST {
            let more = format!("{} more in the JSON output", count((at - RUNS_FIRST) as u64));
            page.wrapped(2, 4, &Prose::new().toned(Tone::Faint, &more));
        }
        run(page, own);
    }
    if story.runs_left_out > 0 {
        let more = format!("and {} after these", count(story.runs_left_out));
        page.wrapped(2, 4, &Prose::new().toned(Tone::Faint, &more));
    }
}

fn run(page: &mut Page, run: &Run) {
    let (what, tone) = match run.outcome {
        Outcome::Served => ("served", Tone::Good),
        Outcome::Refused => ("refused", Tone::Bad),
        Outcome::Failed => ("failed", Tone::Bad),
        Outcome::Other => ("other errors", Tone::Faint),
    };
    let status = run.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let time = if run.start == run.end { words::moment(run.start) } else { span(run.start, run.end) };
    let mut prose = Prose::new().kept(&time).text("  ").toned(tone, &format!("{what}{status}")).text(&format!(
        " {}",
        if run.requests == 1 { "once".to_owned() } else { format!("{} times", count(run.requests)) }
    ));
    if !run.paths.is_empty() {
        let path = |path: &crate::model::story::PathCount| {
            format!("{} ({})", words::shorten(&path.path.inert(), LONGEST_PATH), count(path.requests))
        };
        prose = prose.text(" on ").text(&run.paths.iter().map(path).collect::<Vec<_>>().join(", "));
    }
    for (number, what) in [
        (run.challenges, "answered 401 challenges"),
        (run.served_meanwhile, "served meanwhile"),
        (run.other_errors, "other errors"),
    ] {
        if number > 0 {
            prose = prose.text("; ").kept(&format!("{} {what}", count(number)));
        }
    }
    page.wrapped(2, 4, &prose);
    reasons(page, run);
}

/// Why it failed: the cause, what speaks for it, the incident, the error log's words.
fn reasons(page: &mut Page, run: &Run) {
    if let Some(cause) = run.cause.and_then(|id| words::EVENT_CAUSES.iter().find(|words| words.id == id)) {
        let why = run.why.as_ref().map(|why| format!(": {}", words::shorten(why, LONGEST_TEXT))).unwrap_or_default();
        page.wrapped(6, 8, &Prose::new().toned(Tone::Strong, cause.title).text(&why));
    }
    if let Some(last) = run.last_served_here.filter(|last| run.start.0 > last.0) {
        let before = duration(run.start.0 - last.0);
        page.wrapped(
            6,
            8,
            &Prose::new().text(&format!("last served there {}, {before} before", clock_on(last, run.start))),
        );
    }
    if let Some(incident) = &run.incident {
        page.wrapped(6, 8, &Prose::new().text(&format!("part of incident {}", words::shorten(incident, LONGEST_PATH))));
    }
    if let Some(said) = &run.error_log {
        page.wrapped(6, 8, &Prose::new().text(&format!("the error log says: {}", words::shorten(said, LONGEST_TEXT))));
    }
}

fn parts(page: &mut Page, parts: &[Part], options: &Options) {
    if parts.is_empty() {
        return;
    }
    page.heading("Incidents it was part of");
    for part in parts {
        let until = part.end.map_or_else(
            || format!("since {}, still on at the end of the log", words::moment(part.start)),
            |end| span(part.start, end),
        );
        let prose = Prose::new()
            .toned(Tone::Strong, words::verdict(part.verdict))
            .text(&format!(": {}, {} ", words::cause(part.cause, options.cause_title), part.status))
            .kept(&format!("(incident {}),", words::shorten(&part.id, LONGEST_PATH)))
            .text(&format!(
                " {until}; {}, {} of this one",
                counted(part.clients_affected, "client", "clients"),
                counted(part.requests, "request", "requests")
            ));
        page.wrapped(2, 4, &prose);
    }
}
