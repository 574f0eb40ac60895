//! What each medium does to text that is not our own. Owns every escape; knows no layout.
//!
//! All of them leave plain words alone and are idempotent, so that escaping twice does no harm.

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
/// "CSV Injection"). Numbers do not come here: see `Out::number`. Idempotence is not needed: a field is escaped once.
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

/// Whether a character could act on a terminal, hide text or change the order in which it is read; what
/// [`inert`] would escape.
#[must_use]
pub fn is_active(c: char) -> bool {
    // A backslash is the only character that inert gives back as itself and that starts an escape.
    !(' '..='~').contains(&c) && inert(c.encode_utf8(&mut [0; 4]).as_bytes()).starts_with('\\')
}

#[cfg(test)]
mod tests {
    use super::{ascii, csv, is_active, terminal};

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
}
