//! Lines that a container's logger cut in pieces because they are longer than its buffer. Owns telling a piece that goes
//! on in the next line, and making one line of all; `wrappers.rs` takes off what is around it as ever.
//!
//! Docker's json-file ends the text of the last piece with a newline and says nothing of the others, so that a piece is
//! told by its missing newline and by its length: collectors that leave the newline away everywhere cut nothing. CRI
//! tags pieces with `P` and the last one with `F`.
//!
//! Pieces are joined where they follow each other and are of one stream, up to [`JOINED_BYTES_MAX`]. A run of pieces
//! that is longer is no line of a server, and each of them is a line of its own: so what becomes of a line is told by
//! that many bytes around it, wherever a text is cut.
//!
//! Sources: `daemon/logger/copier.go` of moby, <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>.

use super::wrappers;
use memchr::{memchr, memmem, memrchr};

/// All pieces of a line, with what is around them.
pub const JOINED_BYTES_MAX: usize = 256 << 10;
/// Docker's buffer.
const DOCKER_PIECE_BYTES: usize = 16 << 10;

const DOCKER_BEFORE: &[u8] = b"{\"log\":\"";
const DOCKER_AFTER: &[u8] = b"\",\"stream\":\"";

/// A line as a container's logger wrote it.
struct Piece<'a> {
    stream: &'a [u8],
    text: &'a [u8],
    /// What stands behind the text.
    after: &'a [u8],
    goes_on: bool,
}

impl<'a> Piece<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        Self::of_docker(line).or_else(|| Self::of_cri(line))
    }

    fn of_docker(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(DOCKER_BEFORE)?;
        let (text, after) = rest.split_at_checked(memmem::rfind(rest, DOCKER_AFTER)?)?;
        let stream = after.get(DOCKER_AFTER.len()..)?;
        let stream = stream.get(..memchr(b'"', stream)?)?;
        let escapes = text.strip_suffix(b"n").unwrap_or_default().iter().rev().take_while(|b| **b == b'\\').count();
        Some(Self { stream, text, after, goes_on: escapes % 2 == 0 && line.len() >= DOCKER_PIECE_BYTES })
    }

    fn of_cri(line: &'a [u8]) -> Option<Self> {
        let text = wrappers::cri(line)?;
        let mut words = line.split(|b| *b == b' ').skip(1);
        let (stream, tag) = (words.next()?, words.next()?);
        Some(Self { stream, text, after: b"", goes_on: tag == b"P" })
    }
}

/// Whether a line is a piece that goes on in the next one.
#[must_use]
pub fn goes_on(line: &[u8]) -> bool {
    let may = match line.first() {
        Some(b'{') => line.len() >= DOCKER_PIECE_BYTES,
        Some(b'0'..=b'9') => {
            line.get(4) == Some(&b'-') && line.get(..64).unwrap_or(line).windows(3).any(|w| w == b" P ")
        }
        _ => false,
    };
    may && Piece::of(line).is_some_and(|piece| piece.goes_on)
}

/// One line of its pieces; none where they are of several streams.
#[must_use]
pub fn join(pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let (first, others) = pieces.split_first()?;
    let start = Piece::of(first)?;
    let mut joined = first.get(..first.len() - start.after.len())?.to_vec();
    let mut after = start.after;
    for piece in others {
        let piece = Piece::of(piece).filter(|piece| piece.stream == start.stream)?;
        joined.extend(piece.text);
        after = piece.after;
    }
    joined.extend(after);
    Some(joined)
}

/// Where the pieces begin that end in front of a byte, so that it can be read from there; the byte itself where it is
/// not amid pieces. None where they are too many to be one line.
#[must_use]
pub fn line_start(text: &[u8], at: usize) -> Option<usize> {
    let mut start = at;
    while let Some(line) = last_line(text.get(..start)?).filter(|line| goes_on(line)) {
        start -= line.len() + 1;
        if at - start > JOINED_BYTES_MAX {
            return None;
        }
    }
    Some(start)
}

/// The last line of a text that ends with a newline, as far as it can be a piece.
fn last_line(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b"\n")?;
    let near = text.get(text.len().saturating_sub(JOINED_BYTES_MAX + 1)..)?;
    match memrchr(b'\n', near) {
        Some(newline) => near.get(newline + 1..),
        None => (near.len() == text.len()).then_some(near),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker(text: &str, stream: &str) -> String {
        format!("{{\"log\":\"{text}\",\"stream\":\"{stream}\",\"time\":\"2026-03-10T10:20:52.1Z\"}}")
    }

    fn cri(text: &str, tag: &str) -> String {
        format!("2026-03-10T10:20:52.003Z stdout {tag} {text}")
    }

    #[test]
    fn pieces_are_told_by_their_tag_or_by_a_missing_newline_at_full_length() {
        let long = "x".repeat(DOCKER_PIECE_BYTES);
        for (line, expected) in [
            (docker(&long, "stdout"), true),
            (docker(&format!("{long}\\\\n"), "stdout"), true),
            (docker(&format!("{long}\\n"), "stdout"), false),
            (docker(&format!("{long}\\\\\\n"), "stdout"), false),
            (docker("short", "stdout"), false),
            (format!("{{\"a\":\"{long}\"}}"), false),
            (cri("x", "P"), true),
            (cri("x", "F"), false),
            (cri("x P y", "F"), false),
            (long, false),
            (String::new(), false),
        ] {
            assert_eq!(goes_on(line.as_bytes()), expected, "{}", &line[line.len().saturating_sub(90)..]);
        }
    }

    #[test]
    fn joined_is_what_was_cut() {
        let texts = ["a".repeat(DOCKER_PIECE_BYTES), "b".repeat(DOCKER_PIECE_BYTES), "c\\n".to_owned()];
        let pieces = texts.each_ref().map(|text| docker(text, "stdout"));
        let joined = join(&pieces.each_ref().map(String::as_bytes));
        assert_eq!(joined, Some(docker(&texts.concat(), "stdout").into_bytes()));
        let pieces = [cri("a ", "P"), cri(" b", "P"), cri("c", "F")];
        assert_eq!(join(&pieces.each_ref().map(String::as_bytes)), Some(cri("a  bc", "P").into_bytes()));
        let strange = docker("c\\n", "stderr");
        assert_eq!(join(&[docker(&texts[0], "stdout").as_bytes(), strange.as_bytes()]), None);
        assert_eq!(join(&[cri("a", "P").as_bytes(), b"{}"]), None);
    }

    #[test]
    fn a_text_is_cut_in_front_of_pieces_unless_they_have_no_end() {
        let text = format!("{}\n{}\n{}\n{}\n", cri("w", "F"), cri("x", "P"), cri("y", "P"), cri("z", "F"));
        let starts: Vec<usize> =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i + 1)).collect();
        let cuts: Vec<_> = starts.iter().map(|at| line_start(text.as_bytes(), *at)).collect();
        assert_eq!(cuts, [0, 1, 1, 1, 4].map(|line| Some(starts[line])));
        let endless = format!("{}\n", cri("x", "P")).repeat(JOINED_BYTES_MAX / 30);
        assert_eq!(line_start(endless.as_bytes(), endless.len()), None);
    }
}
