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

/// Writes the template of a request target into `out`, which is cleared first.
pub fn template(target: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let path = without_query(origin_form(target));
    if path.first() != Some(&b'/') {
        return write_without_numbers(path.get(..SEGMENT_LEN_MAX).unwrap_or(path), out);
    }
    let mut segments = path.split(|b| *b == b'/').filter(|s| !s.is_empty()).peekable();
    for _ in 0..SEGMENTS_MAX {
        let Some(segment) = segments.next() else { break };
        out.push(b'/');
        write_segment(segment, segments.peek().is_none(), out);
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

fn write_segment(segment: &[u8], is_last: bool, out: &mut Vec<u8>) {
    let is_name = |b: &u8| !b.is_ascii_digit() && *b != b'.';
    if segment.len() <= SEGMENT_LEN_MAX && segment.iter().all(is_name) {
        // Most segments; none of what follows would find anything in it.
        out.extend_from_slice(segment);
    } else if is_last && let Some(kind) = static_type(segment) {
        out.extend_from_slice(b"*.");
        out.extend_from_slice(kind);
    } else if is_id(segment) {
        out.extend_from_slice(b":id");
    } else {
        write_without_numbers(segment, out);
    }
}

/// The extension, where the segment names a file that a server sends as it is.
fn static_type(segment: &[u8]) -> Option<&'static [u8]> {
    let dot = memchr::memrchr(b'.', segment).filter(|dot| *dot > 0)?;
    let extension = segment.get(dot + 1..)?;
    STATIC_TYPES.iter().find(|t| t.eq_ignore_ascii_case(extension)).copied()
}

/// All digits; or eight or more hexadecimal digits with a number among them (hashes, UUIDs); or too long for a name.
fn is_id(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|b| b.is_ascii_digit()).count();
    let hexadecimal = || segment.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    segment.len() > SEGMENT_LEN_MAX || digits == segment.len() || (segment.len() >= 8 && digits > 0 && hexadecimal())
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
