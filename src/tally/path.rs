//! Paths to templates: `/users/123/cart?x=1` to `/users/:id/cart`. Owns the rules; keeps no text itself.
//!
//! Failures that are spread over many resources of one kind have to add up, and the number of distinct
//! templates has to stay small whatever strangers ask for. The first three segments are kept: no fault seen
//! so far needed a fourth to be told apart, and each segment more multiplies the shapes.

/// Segments kept of a path.
pub const SEGMENTS_MAX: usize = 3;
/// A segment longer than this is a token, not a name.
const SEGMENT_LEN_MAX: usize = 40;

/// File types that a server sends as they are; their names are replaced, since builds hash them.
const STATIC_TYPES: [&[u8]; 24] = [
    b"css", b"js", b"mjs", b"map", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"avif", b"ico", b"woff",
    b"woff2", b"ttf", b"eot", b"otf", b"mp3", b"mp4", b"webm", b"m4s", b"ts", b"pdf", b"zip",
];

/// The path without query and fragment.
#[must_use]
pub fn without_query(target: &[u8]) -> &[u8] {
    memchr::memchr2(b'?', b'#', target).map_or(target, |end| target.get(..end).unwrap_or(target))
}

/// As [`without_query`], where a query or fragment is known to begin after so many bytes; 64 for more than that.
#[inline(always)]
#[must_use]
pub fn before(target: &[u8], query: usize) -> &[u8] {
    match target.get(..query) {
        None => target,
        Some(path) if query < 64 => path,
        Some(_) => without_query(target),
    }
}

/// Writes the template of a request target into `out`, which is cleared first.
pub fn template(target: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let path = without_query(origin_form(target));
    if path.first() != Some(&b'/') {
        return write_without_numbers(path.get(..SEGMENT_LEN_MAX).unwrap_or(path), out);
    }
    let mut rest = path;
    for _ in 0..SEGMENTS_MAX {
        let Some(start) = rest.iter().position(|b| *b != b'/') else { break };
        let segment = Segment::first(rest.get(start..).unwrap_or_default());
        rest = rest.get(start + segment.text.len()..).unwrap_or_default();
        out.push(b'/');
        segment.write(rest.iter().all(|b| *b == b'/'), out);
    }
    if out.is_empty() {
        out.push(b'/');
    }
}

/// An absolute-form target (RFC 9112, section 3.2.2) reduced to its path.
fn origin_form(target: &[u8]) -> &[u8] {
    let scheme = target.iter().take(6).position(|b| !b.is_ascii_alphabetic()).unwrap_or(0);
    let Some(rest) = target.get(scheme..).and_then(|rest| rest.strip_prefix(b"://")) else { return target };
    memchr::memchr(b'/', rest).and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
}

/// Kinds of byte in a segment.
mod kind {
    pub(super) const DIGIT: u8 = 1;
    pub(super) const DOT: u8 = 2;
    /// Neither hexadecimal nor a hyphen.
    pub(super) const OTHER: u8 = 4;
    pub(super) const SLASH: u8 = 8;

    pub(super) static OF: [u8; 256] = {
        let (mut of, mut byte) = ([OTHER; 256], 0);
        while byte < of.len() {
            of[byte] = match byte as u8 {
                b'0'..=b'9' => DIGIT,
                b'a'..=b'f' | b'A'..=b'F' | b'-' => 0,
                b'.' => DOT | OTHER,
                b'/' => SLASH,
                _ => OTHER,
            };
            byte += 1;
        }
        of
    };
}

/// What stands between two slashes, looked at once.
struct Segment<'t> {
    text: &'t [u8],
    digits: usize,
    /// The kinds of its bytes.
    kinds: u8,
}

impl<'t> Segment<'t> {
    /// Up to the first slash.
    fn first(text: &'t [u8]) -> Self {
        let (mut len, mut digits, mut kinds) = (0, 0, 0);
        for byte in text {
            let kind = kind::OF.get(usize::from(*byte)).copied().unwrap_or_default();
            if kind == kind::SLASH {
                break;
            }
            len += 1;
            digits += usize::from(kind & kind::DIGIT);
            kinds |= kind;
        }
        Self { text: text.get(..len).unwrap_or_default(), digits, kinds }
    }

    fn has(&self, kind: u8) -> bool {
        self.kinds & kind != 0
    }

    /// All digits; or eight or more hexadecimal digits with a number among them (hashes, UUIDs); or too long for a name.
    fn is_id(&self) -> bool {
        let len = self.text.len();
        let is_hexadecimal = self.has(kind::DIGIT) && !self.has(kind::OTHER);
        len > SEGMENT_LEN_MAX || self.digits == len || (len >= 8 && is_hexadecimal)
    }

    fn write(&self, is_last: bool, out: &mut Vec<u8>) {
        if is_last
            && self.has(kind::DOT)
            && let Some(kind) = static_type(self.text)
        {
            out.extend_from_slice(b"*.");
            out.extend_from_slice(kind);
        } else if self.is_id() {
            out.extend_from_slice(b":id");
        } else if self.has(kind::DIGIT) {
            write_without_numbers(self.text, out);
        } else {
            out.extend_from_slice(self.text);
        }
    }
}

/// The extension, where the segment names a file that a server sends as it is.
fn static_type(segment: &[u8]) -> Option<&'static [u8]> {
    let dot = memchr::memrchr(b'.', segment).filter(|dot| *dot > 0)?;
    let extension = segment.get(dot + 1..)?;
    if extension.len() > 8 {
        return None;
    }
    let number = as_number(extension);
    let index = STATIC_NUMBERS.iter().position(|other| *other == number)?;
    // A NUL in front would not show in the number.
    STATIC_TYPES.get(index).copied().filter(|of_type| of_type.len() == extension.len())
}

/// [`STATIC_TYPES`], to be compared at once.
static STATIC_NUMBERS: [u64; STATIC_TYPES.len()] = {
    let (mut numbers, mut i) = ([0; STATIC_TYPES.len()], 0);
    while i < numbers.len() {
        numbers[i] = as_number(STATIC_TYPES[i]);
        i += 1;
    }
    numbers
};

/// Up to eight letters, in any case.
const fn as_number(text: &[u8]) -> u64 {
    let (mut number, mut i) = (0, 0);
    while i < text.len() {
        number = number << 8 | text[i].to_ascii_lowercase() as u64;
        i += 1;
    }
    number
}

/// Numbers of four digits or more inside a name are ids too (`page-3990`); shorter ones are versions and
/// releases (`v2`, `r419`), which faults do tell apart.
fn write_without_numbers(segment: &[u8], out: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some(first) = rest.first() {
        let is_digit = first.is_ascii_digit();
        let len = rest.iter().position(|b| b.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (run, after) = rest.split_at(len);
        out.extend_from_slice(if is_digit && len >= 4 { b":n" } else { run });
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::template;

    #[track_caller]
    fn check(target: &str, expected: &str) {
        let mut out = Vec::new();
        template(target.as_bytes(), &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn resources_of_a_kind_share_a_template() {
        check("/users/123/cart?x=/1", "/users/:id/cart");
        check("/o/7f3a9c01-aaaa-bbbb-cccc-1234567890ab", "/o/:id");
        check("/private/page-3990/edit", "/private/page-:n/edit");
        check("/static/r419/js/app.0e8a6c63.js", "/static/r419/js");
        check("/static/js/app.0e8a6c63.js", "/static/js/*.js");
        check("/rest/2.0/items/9", "/rest/2.0/items");
        check("/wp-login.php", "/wp-login.php");
        check("/a.b.WOFF2", "/*.woff2");
        check("/a.\0css", "/a.\0css");
        check("/a.css.morethan8", "/a.css.morethan8");
    }

    #[test]
    fn odd_targets_have_a_template() {
        check("/", "/");
        check("//", "/");
        check("", "");
        check("*", "*");
        check("http://example.com/a/b", "/a/b");
        check("https://example.com", "/");
        check("example.com:8443", "example.com::n");
        check("/a/.env", "/a/.env");
    }
}
