//! What each medium does to text that is not our own. Owns every escape; knows no layout.
//!
//! All of them leave plain words alone. Those for terminals are idempotent; text for a file format is escaped once, by
//! its [`Out`](super::out::Out).

use crate::model::logged::inert;

/// An escape: text in, text out that cannot act in its medium.
pub type Escape = fn(&str) -> String;

/// For a terminal or a mail: nothing moves the cursor, changes a colour, hides or reverses text.
#[must_use]
pub fn terminal(text: &str) -> String {
    inert(text.as_bytes())
}

/// For a terminal that shows ASCII only: what is not printable ASCII becomes `\u{…}`.
#[must_use]
pub fn ascii(text: &str) -> String {
    terminal(text).chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

/// For a CSV file: a field after RFC 4180, which a spreadsheet does not take for a formula.
///
/// A leading `= + - @` starts a formula in the common spreadsheets; an apostrophe in front makes it text (OWASP,
/// "CSV Injection"). Numbers do not come here: see `Out::number`.
#[must_use]
pub fn csv(text: &str) -> String {
    let text = inert(text.as_bytes());
    let guard = if text.starts_with(['=', '+', '-', '@', '|', '%']) { "'" } else { "" };
    if text.contains(['"', ',', ';', '\'', ' ']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// For HTML and for SVG in it: text and quoted attribute values that open no element, end no quotes and are no entity.
#[must_use]
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in inert(text.as_bytes()).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// For Markdown as GitHub, GitLab, Jira and Slack read it, in running text and in cells of tables: every word that could
/// be more than a word there (a link, a mention, an emphasis, a tag) stands in a code span of its own.
///
/// Escaping with a backslash or an entity would not do: mentions and references are looked for in the text after it was
/// rendered, in which both are gone, and only code is left out of that search.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = inert(text.as_bytes());
    let words = text.split(' ').enumerate().map(|(i, word)| {
        let begin = word.trim_start_matches('(');
        // A bracket at the end that was opened within belongs to the word.
        let is_own = begin.len() == word.len() && begin.contains('(');
        let core = begin.trim_end_matches(|c| matches!(c, '.' | ',' | ';' | ':' | '?' | '!') || (c == ')' && !is_own));
        let is_item = i == 0 && core.len() < begin.len() && core.chars().all(|c| c.is_ascii_digit());
        if is_plain(core) && !is_item {
            return word.to_owned();
        }
        let before = word.len() - begin.len();
        let after = before + core.len();
        match (word.get(..before), word.get(before..after), word.get(after..)) {
            (Some(before), Some(core), Some(after)) if !is_item => format!("{before}{}{after}", markdown_code(core)),
            _ => markdown_code(word),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether no renderer of Markdown sees more in a word than the word.
fn is_plain(word: &str) -> bool {
    let followers = word.chars().skip(1).map(Some).chain([None]);
    !word.to_uppercase().starts_with("GH-")
        && word.chars().zip(followers).enumerate().all(|(i, (c, next))| match c {
            '%' if word.len() == 1 => true,
            // A host name becomes a link; `:name:` becomes a picture.
            '.' | ':' | '%' => i > 0 && next.is_none_or(|next| next.is_ascii_digit() || next == ','),
            '-' | '+' | '=' => word.len() > 1,
            '\'' | '"' | ',' | ';' | '(' | ')' => true,
            _ => c.is_ascii_alphanumeric() || !c.is_ascii(),
        })
}

/// For Markdown: the whole text in one code span.
///
/// A grave accent would end the span and a bar the cell of a table, and no way of writing them is understood
/// everywhere; so the one is shown as an apostrophe and the other as a broken bar.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = inert(text.as_bytes()).replace('`', "'").replace('|', "\u{a6}");
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// Whether a character could act on a terminal, hide text or change the order in which it is read; what
/// [`inert`] would escape.
#[must_use]
pub fn is_active(c: char) -> bool {
    // A backslash is the only character that inert gives back as itself and that starts an escape.
    !(' '..='~').contains(&c) && inert(c.encode_utf8(&mut [0; 4]).as_bytes()).starts_with('\\')
}

#[cfg(test)]
mod tests {
    use super::{ascii, csv, html, is_active, markdown, markdown_code, terminal};

    #[test]
    fn escapes_are_idempotent_and_leave_words_alone() {
        for escape in [terminal, ascii] {
            assert_eq!(escape("/rest/2.0 'quoted' \\x1b"), "/rest/2.0 'quoted' \\x1b");
            let once = escape("a\u{1b}[2J\u{202e}\u{e9}\u{7f}\u{9b}");
            assert_eq!(escape(&once), once);
            assert!(!once.chars().any(is_active));
        }
        assert_eq!(ascii("caf\u{e9}"), "caf\\u{e9}");
    }

    #[test]
    fn csv_fields_are_no_formulas() {
        assert_eq!(csv("/a"), "/a");
        assert_eq!(csv("=1+2"), "\"'=1+2\"");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv("a\r\nb"), "a\\x0d\\x0ab");
    }

    #[test]
    fn html_text_opens_nothing() {
        assert_eq!(html("a&lt;<b c='d'>\u{1b}"), "a&amp;lt;&lt;b c=&#39;d&#39;&gt;\\x1b");
    }

    #[test]
    fn in_markdown_what_could_act_is_code() {
        let plain = "32 of 32 clients (98 %) from 13:06, usually 2.5 % - it's \"so\", caf\u{e9}.";
        assert_eq!(markdown(plain), plain.replace(" - ", " `-` "));
        assert_eq!(markdown("refused on /api/v2, then (on) x_y."), "refused on `/api/v2`, then (on) `x_y`.");
        for active in [
            "@everyone",
            "<!here>",
            "#12",
            "!12",
            "GH-12",
            "~label",
            "%1",
            "$x$",
            "*a*",
            "_a_",
            "[a](b)",
            "evil.example",
            "http://evil.example",
            "<b>",
            "&lt",
            "a\\b",
            "-",
            "1.",
            "#",
        ] {
            assert_eq!(markdown(active), format!("`{active}`"));
        }
        assert_eq!(markdown(":smile:"), "`:smile`:");
        assert_eq!(markdown("a`b|c`"), "`a'b\u{a6}c'`");
        assert_eq!(markdown_code(" a ` b "), "`a ' b`");
    }
}
