//! Bytes that a stranger wrote. Owns the one type that keeps them apart from our own text.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Bytes from a log: a path, a user agent, a user name, a whole line.
///
/// There is no `Display` and no `Deref`, so that writing one straight into a report does not compile:
/// every renderer has to choose an escape.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Logged(Box<[u8]>);

impl Logged {
    /// Takes the bytes as they stood in the log.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes as they stood in the log, unescaped.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing was logged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text in which no byte can act: what is not valid UTF-8 becomes `\xHH`, and so does every control,
    /// zero-width and bidirectional character (as its code point). Not yet fit for markup.
    #[must_use]
    pub fn inert(&self) -> String {
        inert(&self.0)
    }
}

impl std::fmt::Debug for Logged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.inert())
    }
}

impl JsonSchema for Logged {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Logged".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "What a stranger wrote: bytes that are not UTF-8 and characters that act are written as escapes."
        })
    }
}

/// JSON can carry any character, so here only invalid UTF-8 is escaped; serde escapes the controls.
impl Serialize for Logged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.inert())
    }
}

/// See [`Logged::inert`].
#[must_use]
pub fn inert(bytes: &[u8]) -> String {
    use std::fmt::Write;
    // Nearly every text is plain.
    if let Ok(text) = str::from_utf8(bytes)
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_active(c) {
                // Writing to a String cannot fail.
                let _ = if (c as u32) < 0x100 {
                    write!(out, "\\x{:02x}", c as u32)
                } else {
                    write!(out, "\\u{{{:x}}}", c as u32)
                };
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Whether a character could act on a terminal, hide text or change the order in which it is read.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn nothing_active_survives() {
        assert_eq!(inert(b"/a\x1b[31mb"), "/a\\x1b[31mb");
        assert_eq!(inert("a\u{202e}b\u{200b}".as_bytes()), "a\\u{202e}b\\u{200b}");
        assert_eq!(inert(b"caf\xc3\xa9 \xff"), "caf\u{e9} \\xff");
        assert_eq!(inert(b"\xc2\x9b31m"), "\\x9b31m");
    }
}
