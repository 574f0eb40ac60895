//! Numbers, times and verdicts in words, the same in every report. Owns the vocabulary; writes nothing.
//!
//! What comes from the model's strings is passed through unescaped: the result is text, never markup.

use crate::model::{
    coverage::FileCoverage,
    incident::{Scope, Verdict},
    report::{EventCauses, Input, Lead, Totals},
    time::Time,
};

/// `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A file's format in words; of a file that could not be read none was looked for.
#[must_use]
pub fn format_of(file: &FileCoverage) -> &str {
    match file.format.as_str() {
        "" if file.bytes == 0 && file.problem.is_some() => "not read",
        "" => "no known format",
        format => format,
    }
}

/// `1 client`, `2 clients`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// What stands before a number that is an estimate.
#[must_use]
pub fn about(approximate: bool) -> &'static str {
    if approximate { "about " } else { "" }
}

/// What the numbers rest on where memory did not hold every client.
#[must_use]
pub fn estimated(totals: &Totals) -> Option<String> {
    totals.approximate.then(|| {
        if totals.kept_one_in == 0 {
            return "Approximate: not even one client fitted into memory, so requests were only counted (--memory)"
                .to_owned();
        }
        format!(
            "Approximate: one in {} clients fitted into memory, so numbers of clients, and of the requests of an \
             incident, are estimates (--memory)",
            count(totals.kept_one_in)
        )
    })
}

/// What sums are of.
#[must_use]
pub fn extent(input: &Input) -> &'static str {
    if input.lead.is_some() { "The span asked for" } else { "The whole log" }
}

/// What a report is about where it is not all that was read: a sentence without its stop.
#[must_use]
pub fn judged_by(lead: &Lead) -> String {
    const TWO_WEEKS_SECS: u32 = 14 * 86_400;
    let is_short = lead.end.0.saturating_sub(lead.begin.0) < TWO_WEEKS_SECS;
    format!(
        "Reported is what follows {}; the {} before it, from {} on, {} its past{}",
        moment(lead.end),
        counted(lead.lines, "request", "requests"),
        clock_on(lead.begin, lead.end),
        if lead.lines == 1 { "is" } else { "are" },
        if is_short { ", too short to show what comes back each week" } else { "" }
    )
}

/// `2.5 %`, `63 %`: rounded, and with a digit more near the ends, so that only all is `100 %`, and only none is `0 %`.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole.max(1)));
    let rounded = |scale: u128| (part * scale * 2 + whole) / (whole * 2);
    match rounded(1000) {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        0 => "<0.1 %".to_owned(),
        1000 if part < whole => ">99.9 %".to_owned(),
        permille @ (1..100 | 990..1000) => format!("{}.{} %", permille / 10, permille % 10),
        _ => format!("{} %", rounded(100)),
    }
}

/// `45 s`, `3 min 20 s`, `1 h 56 min`, `3 d 4 h`; rounded, since a reader subtracts the clock times beside it.
#[must_use]
pub fn duration(secs: u32) -> String {
    let secs = match secs {
        0..600 => secs,
        600..86_400 => secs.saturating_add(30) / 60 * 60,
        _ => secs.saturating_add(1800) / 3600 * 3600,
    };
    let two = |big: u32, big_unit, small: u32, small_unit| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match secs {
        0..60 => format!("{secs} s"),
        60..600 => two(secs / 60, "min", secs % 60, "s"),
        600..3600 => format!("{} min", secs / 60),
        3600..86_400 => two(secs / 3600, "h", secs / 60 % 60, "min"),
        _ => two(secs / 86_400, "d", secs / 3600 % 24, "h"),
    }
}

/// `12.3 MB`, in powers of a thousand.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut scaled = bytes;
    let mut rest = 0;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while scaled >= 1000 {
        let Some(next) = units.next() else { break };
        rest = scaled % 1000 / 100;
        scaled /= 1000;
        unit = next;
    }
    if unit == "B" || scaled >= 100 { format!("{} {unit}", count(scaled)) } else { format!("{scaled}.{rest} {unit}") }
}

/// `2026-03-10`.
#[must_use]
pub fn date(time: Time) -> String {
    time.minute().chars().take(10).collect()
}

/// `10:20`.
#[must_use]
pub fn clock(time: Time) -> String {
    time.minute().chars().skip(11).collect()
}

/// `10:20:52`.
fn clock_with_seconds(time: Time) -> String {
    time.rfc3339().chars().skip(11).take(8).collect()
}

/// `2026-03-10 10:20 UTC`.
#[must_use]
pub fn moment(time: Time) -> String {
    format!("{} UTC", time.minute())
}

/// `2026-03-10 10:20:52`.
#[must_use]
pub fn with_seconds(time: Time) -> String {
    format!("{} {}", date(time), clock_with_seconds(time))
}

/// `10:20` on the day of another time, else `2026-03-10 10:20`.
#[must_use]
pub fn clock_on(time: Time, day_of: Time) -> String {
    time.minute_on(day_of)
}

/// `2026-03-10 10:20 to 12:16 UTC`: the date once where it is one, seconds where minutes would hide the length.
#[must_use]
pub fn span(start: Time, end: Time) -> String {
    if end.0.saturating_sub(start.0) < 600 && date(start) == date(end) {
        return format!("{} {} to {} UTC", date(start), clock_with_seconds(start), clock_with_seconds(end));
    }
    format!("{} to {} UTC", start.minute(), clock_on(end, start))
}

/// How sure, in words.
#[must_use]
pub fn likelihood(confidence: f64) -> &'static str {
    match confidence {
        c if c >= 0.95 => "very likely",
        c if c >= 0.8 => "likely",
        c if c >= 0.6 => "probably",
        _ => "possibly",
    }
}

/// How sure, in words and as a number; never rounded up to certainty.
#[must_use]
pub fn confidence(confidence: f64) -> String {
    let confidence = if confidence.is_finite() { confidence } else { 0.0 };
    // The small summand keeps 0.29, which is stored as a little less, from becoming 0.28.
    let shown = (confidence * 100.0 + 1e-6).floor().clamp(0.0, 99.0) / 100.0;
    format!("{} ({shown:.2})", likelihood(confidence))
}

/// Whose fault, in words.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ServerSide => "server-side",
        Verdict::Attack => "attack",
        Verdict::ClientSide => "client-side",
        Verdict::Undecided => "undecided",
    }
}

/// What a status does to a client: 401 and 403 refuse, the others fail.
#[must_use]
pub fn befell(status: u16) -> &'static str {
    if matches!(status, 401 | 403) { "refused" } else { "failed" }
}

/// The title of a cause, or its id in words where the registry has none.
#[must_use]
pub fn cause(id: &'static str, title: fn(&str) -> &'static str) -> String {
    match title(id) {
        "" => id.replace('_', " "),
        title => title.to_owned(),
    }
}

/// The words for an event cause: an id of `event_causes`.
#[derive(Clone, Copy, Debug)]
pub struct EventCauseWords {
    /// The id in the JSON report.
    pub id: &'static str,
    /// For a heading.
    pub title: &'static str,
    /// For a narrow column.
    pub short: &'static str,
    /// One sentence on what it means.
    pub meaning: &'static str,
}

impl EventCauseWords {
    /// How many failures have this cause.
    #[must_use]
    pub fn number(&self, causes: &EventCauses) -> u64 {
        match self.id {
            "no_credentials" => causes.no_credentials,
            "incorrect_credentials" => causes.incorrect_credentials,
            "expired_session" => causes.expired_session,
            "unauthorized" => causes.unauthorized,
            "server_misconfig" => causes.server_misconfig,
            _ => 0,
        }
    }
}

/// All event causes: ours first, since that is the question.
pub const EVENT_CAUSES: [EventCauseWords; 5] = [
    EventCauseWords {
        id: "server_misconfig",
        title: "server's fault",
        short: "server",
        meaning: "of clients that a server-side fault hit; there is nothing they can do",
    },
    EventCauseWords {
        id: "no_credentials",
        title: "no credentials",
        short: "no login",
        meaning: "no login was sent; often the normal first half of Basic authentication",
    },
    EventCauseWords {
        id: "incorrect_credentials",
        title: "wrong credentials",
        short: "wrong login",
        meaning: "a wrong password or an unknown user name",
    },
    EventCauseWords {
        id: "expired_session",
        title: "session over",
        short: "expired",
        meaning: "a session or token that was good before; logging in again helps",
    },
    EventCauseWords {
        id: "unauthorized",
        title: "not allowed",
        short: "not allowed",
        meaning: "this client may not have this: a rule, a missing right, a barred bot",
    },
];

/// The narrow word for an event cause; the id itself where it is a new one.
#[must_use]
pub fn event_cause_short(id: &'static str) -> &'static str {
    EVENT_CAUSES.iter().find(|words| words.id == id).map_or(id, |words| words.short)
}

/// The dimensions of a scope with their values, those that bound nothing left out.
#[must_use]
pub fn dimensions(scope: &Scope) -> Vec<(&'static str, &[String])> {
    [
        ("path_prefix", scope.path_prefix.as_slice()),
        ("vhost", &scope.vhost),
        ("method", &scope.method),
        ("upstream", &scope.upstream),
        ("ua_family", &scope.ua_family),
        ("client_net", &scope.client_net),
        ("http_version", &scope.http_version),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .collect()
}

/// What people call a dimension of a scope.
#[must_use]
pub fn dimension(name: &'static str) -> &'static str {
    match name {
        "path_prefix" => "path",
        "vhost" => "host",
        "ua_family" => "user agent",
        "client_net" => "network",
        "http_version" => "protocol",
        other => other,
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
#[must_use]
pub fn list(values: &[String], most: usize) -> String {
    match values {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] if values.len() <= most => format!("{} and {last}", head.join(", ")),
        _ => {
            let shown: Vec<&str> = values.iter().take(most).map(String::as_str).collect();
            format!("{} and {} more", shown.join(", "), count((values.len() - shown.len()) as u64))
        }
    }
}

/// What an incident hit, as it stands in a sentence: `on /rest/2.0 of shop.example for iOS 19`. All dimensions are
/// named, since leaving one out would claim too much; of their values only the first few.
#[must_use]
pub fn place(scope: &Scope, most_values: usize) -> String {
    let dimensions = dimensions(scope);
    let most_values = if dimensions.len() > 2 { 1 } else { most_values };
    let mut phrases = Vec::new();
    for (name, values) in dimensions {
        let preposition = match name {
            "path_prefix" => "on",
            "vhost" if phrases.is_empty() => "on",
            "vhost" => "of",
            "method" => "with",
            "upstream" => "via upstream",
            "ua_family" => "for",
            "client_net" => "from",
            _ => "over",
        };
        let short: Vec<String> = values.iter().map(|value| shorten(value, 40)).collect();
        phrases.push(format!("{preposition} {}", list(&short, most_values)));
    }
    if phrases.is_empty() { "on the whole site".to_owned() } else { phrases.join(" ") }
}

/// The first characters of a text, with an ellipsis where there were more.
#[must_use]
pub fn shorten(text: &str, most_chars: usize) -> String {
    if text.chars().count() <= most_chars {
        return text.to_owned();
    }
    text.chars().take(most_chars.saturating_sub(3)).chain("...".chars()).collect()
}

/// One column of a drawing, in eighths of its height; what is not zero shows.
#[must_use]
pub fn block(value: u64, most: u64) -> char {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let eighths = (u128::from(value) * 8).div_ceil(u128::from(most.max(1))) as usize;
    EIGHTHS.get(eighths.min(8)).copied().unwrap_or(' ')
}

/// A bar in whole columns; what is not zero shows.
#[must_use]
pub fn bar(part: u64, whole: u64, longest: usize) -> String {
    let columns = (u128::from(part) * longest as u128).div_ceil(u128::from(whole.max(1))) as usize;
    "█".repeat(columns.min(longest))
}

/// The words of a check, and its commands: what stands between backticks. A command gets a line of its own, never
/// broken, so that it can be copied; the words lose it where it stands at their end.
#[must_use]
pub fn split_commands(check: &str) -> (String, Vec<&str>) {
    let commands: Vec<&str> = check.split('`').skip(1).step_by(2).filter(|command| !command.is_empty()).collect();
    let at_the_end = check.trim_end().ends_with('`') && commands.len() == 1;
    match check.split_once('`') {
        Some((words, _)) if at_the_end => (words.trim_end().to_owned(), commands),
        // Commands in the middle of a sentence stay there: without them it would not be one.
        _ => (check.to_owned(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "client", "clients"), "1 client");
    }

    #[test]
    fn shares_reach_the_ends_only_there() {
        assert_eq!(share(0, 7), "0 %");
        assert_eq!(share(1, 100_000), "<0.1 %");
        assert_eq!(share(25, 1000), "2.5 %");
        assert_eq!(share(625, 1000), "63 %");
        assert_eq!(
            [share(624, 1000), share(2, 3), share(999, 10_000), share(989, 1000)],
            ["62 %", "67 %", "10 %", "99 %"]
        );
        assert_eq!([share(1, 2000), share(1, 2001), share(1, 800)], ["0.1 %", "<0.1 %", "0.1 %"]);
        assert_eq!([share(9_990, 10_000), share(9_999, 10_000)], ["99.9 %", ">99.9 %"]);
        assert_eq!(share(7, 7), "100 %");
        assert_eq!(share(0, 0), "0 %");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(
            [5, 60, 200, 900, 6939, 7200, 86_399, 270_000].map(duration),
            ["5 s", "1 min", "3 min 20 s", "15 min", "1 h 56 min", "2 h", "1 d", "3 d 3 h"]
        );
    }

    #[test]
    fn sizes_are_scaled() {
        assert_eq!([0, 999, 1500, 123_456, 12_345_678].map(size), ["0 B", "999 B", "1.5 kB", "123 kB", "12.3 MB"]);
    }

    #[test]
    fn a_span_names_its_day_once() {
        let start = Time(1_773_138_052);
        assert_eq!(span(start, Time(start.0 + 6960)), "2026-03-10 10:20 to 12:16 UTC");
        assert_eq!(span(start, Time(start.0 + 90)), "2026-03-10 10:20:52 to 10:22:22 UTC");
        assert_eq!(span(start, Time(start.0 + 86_400)), "2026-03-10 10:20 to 2026-03-11 10:20 UTC");
    }

    #[test]
    fn certainty_is_never_claimed() {
        assert_eq!(confidence(0.9999), "very likely (0.99)");
        assert_eq!(confidence(0.97), "very likely (0.97)");
        assert_eq!(confidence(0.29), "possibly (0.29)");
        assert_eq!(confidence(0.5), "possibly (0.50)");
    }

    #[test]
    fn places_read_as_sentences() {
        let mut scope = Scope::default();
        assert_eq!(place(&scope, 2), "on the whole site");
        scope.path_prefix = ["/a", "/b", "/c"].map(String::from).to_vec();
        scope.ua_family = vec!["iOS 19".to_owned()];
        assert_eq!(place(&scope, 2), "on /a, /b and 1 more for iOS 19");
        scope = Scope { vhost: vec!["shop.example".to_owned()], ..Scope::default() };
        assert_eq!(place(&scope, 2), "on shop.example");
    }

    #[test]
    fn a_command_at_the_end_gets_its_own_line() {
        assert_eq!(
            split_commands("Look at the rules: `nginx -T`"),
            ("Look at the rules:".to_owned(), vec!["nginx -T"])
        );
        assert_eq!(split_commands("`date -u`"), (String::new(), vec!["date -u"]));
        assert_eq!(split_commands("Compare `a` with b."), ("Compare `a` with b.".to_owned(), Vec::new()));
        assert_eq!(split_commands("Reload."), ("Reload.".to_owned(), Vec::new()));
    }
}
