//! Lines that a container's logger cut in pieces because they are longer than its buffer. Owns telling a piece that goes
//! on in the next line, and making one line of all; `wrappers.rs` takes off what is around it as ever.
//!
//! Docker's json-file ends the text of the last piece with a newline and says nothing of the others, so that a piece is
//! told by its missing newline and by its length: collectors that leave the newline away everywhere cut nothing. CRI
//! tags pieces with `P` and the last one with `F`.
//!
//! Both streams of a container are in one file, so that lines of the other one may stand between the pieces, up to
//! `GAP_BYTES_MAX` of them: whoever leaves a line open for longer has ended without ending it. What is together is told
//! by the stretches in which a line of either stream is open. A stretch that is longer than `STRETCH_BYTES_MAX` holds
//! no lines of a server, and each of its own is read by itself: so what becomes of a line is told by that many bytes
//! around it, wherever a text is cut.
//!
//! Sources: `daemon/logger/copier.go` of moby, <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>.

use super::wrappers;
use memchr::{memchr, memmem, memrchr};

/// Text between a piece and the next one of its line.
const GAP_BYTES_MAX: usize = 128 << 10;
/// Text in which a line of either stream is open: room for some of each that are as long as a line may be.
const STRETCH_BYTES_MAX: usize = 1 << 20;
/// Docker's buffer.
const DOCKER_PIECE_BYTES: usize = 16 << 10;

const DOCKER_BEFORE: &[u8] = b"{\"log\":\"";
const DOCKER_AFTER: &[u8] = b"\",\"stream\":\"";

/// The two of a container.
const STREAMS: [&[u8]; 2] = [b"stdout", b"stderr"];

/// A line as a container's logger wrote it.
struct Piece<'a> {
    /// Index in [`STREAMS`].
    stream: usize,
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
        let stream = stream_of(stream.get(..memchr(b'"', stream)?)?)?;
        let escapes = text.strip_suffix(b"n").unwrap_or_default().iter().rev().take_while(|b| **b == b'\\').count();
        Some(Self { stream, text, after, goes_on: escapes % 2 == 0 && line.len() >= DOCKER_PIECE_BYTES })
    }

    fn of_cri(line: &'a [u8]) -> Option<Self> {
        let text = wrappers::cri(line)?;
        let mut words = line.split(|b| *b == b' ').skip(1);
        let (stream, tag) = (stream_of(words.next()?)?, words.next()?);
        Some(Self { stream, text, after: b"", goes_on: tag == b"P" && may_go_on(line) })
    }
}

fn stream_of(name: &[u8]) -> Option<usize> {
    STREAMS.iter().position(|stream| *stream == name)
}

/// Whether a line may be a piece that goes on: a quick look.
fn may_go_on(line: &[u8]) -> bool {
    match line.first() {
        Some(b'{') => line.len() >= DOCKER_PIECE_BYTES,
        Some(b'0'..=b'9') => {
            line.get(4) == Some(&b'-') && line.get(..64).unwrap_or(line).windows(3).any(|w| w == b" P ")
        }
        _ => false,
    }
}

/// Which streams have a line open at a place in a text: for how many more bytes it stays so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open([usize; STREAMS.len()]);

impl Open {
    fn is_any(self) -> bool {
        self.0.iter().any(|left| *left > 0)
    }

    fn has(self, stream: usize) -> bool {
        self.0.get(stream).is_some_and(|left| *left > 0)
    }

    /// Moves on behind a line.
    fn pass(&mut self, line: &[u8]) {
        let piece = if self.is_any() || may_go_on(line) { Piece::of(line) } else { None };
        self.pass_piece(line, piece.as_ref());
    }

    fn pass_piece(&mut self, line: &[u8], piece: Option<&Piece<'_>>) {
        for (stream, left) in self.0.iter_mut().enumerate() {
            *left = match piece.filter(|piece| piece.stream == stream) {
                Some(piece) if piece.goes_on => GAP_BYTES_MAX,
                Some(_) => 0,
                None => left.saturating_sub(line.len() + 1),
            };
        }
    }
}

/// Where a text can be cut so that all in front of a line's start or of the end can be read without what is behind: at
/// the last place where no line is open. Amid a stretch that is too long it is the place asked for, with what is open
/// there. `before` is what is open where the text begins.
#[must_use]
pub fn cut(text: &[u8], at: usize, before: Open) -> (usize, Open) {
    let look_back = |bytes: usize| {
        let nearest = at.saturating_sub(bytes);
        // What is open there is told by as much in front of it as a gap may be.
        let known = text.get(..nearest.saturating_sub(GAP_BYTES_MAX)).unwrap_or(text);
        let mut start = memrchr(b'\n', known).map_or(0, |newline| newline + 1);
        let mut open = if start == 0 { before } else { Open::default() };
        let mut rest = text.get(start..at).unwrap_or_default();
        let mut closed = None;
        loop {
            if start >= nearest && !open.is_any() {
                closed = Some((start, Open::default()));
            }
            let Some(line) = next_line(&mut rest) else { return closed.ok_or(open) };
            open.pass(line);
            start = at.min(start + line.len() + 1);
        }
    };
    look_back(0).or_else(|_| look_back(STRETCH_BYTES_MAX)).unwrap_or_else(|open| (at, open))
}

/// Takes the first line off a text.
fn next_line<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let all = std::mem::take(text);
    let end = memchr(b'\n', all).unwrap_or(all.len());
    *text = all.get(end + 1..).unwrap_or_default();
    all.get(..end).filter(|_| !all.is_empty())
}

/// What is to be read at once.
#[derive(Debug, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// A line by itself.
    Line(&'a [u8]),
    /// Lines among which are pieces of one.
    Lines(Vec<&'a [u8]>),
}

/// The stretches of a text of whole lines, at whose beginning streams may be open amid a stretch that is too long.
#[must_use]
pub fn stretches(text: &[u8], open: Open) -> Stretches<'_> {
    Stretches { text, open, is_too_long: open.is_any(), apart: Vec::new().into_iter() }
}

/// See [`stretches`].
#[derive(Debug)]
pub struct Stretches<'a> {
    text: &'a [u8],
    open: Open,
    is_too_long: bool,
    /// Lines that turned out to be no stretch.
    apart: std::vec::IntoIter<&'a [u8]>,
}

impl<'a> Iterator for Stretches<'a> {
    type Item = Stretch<'a>;

    fn next(&mut self) -> Option<Stretch<'a>> {
        if let Some(line) = self.apart.next() {
            return Some(Stretch::Line(line));
        }
        let line = next_line(&mut self.text)?;
        self.open.pass(line);
        self.is_too_long &= self.open.is_any();
        if self.is_too_long || !self.open.is_any() {
            return Some(Stretch::Line(line));
        }
        let (mut lines, mut bytes) = (vec![line], line.len() + 1);
        while self.open.is_any() {
            if bytes > STRETCH_BYTES_MAX {
                self.is_too_long = true;
                self.apart = lines.into_iter();
                return self.next();
            }
            let Some(line) = next_line(&mut self.text) else { break };
            self.open.pass(line);
            bytes += line.len() + 1;
            lines.push(line);
        }
        Some(Stretch::Lines(lines))
    }
}

/// A line that was cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Indices of its pieces.
    pub pieces: Vec<usize>,
    /// The whole of it, with what was around its first and its last piece.
    pub line: Vec<u8>,
}

/// The lines of a stretch that were cut and are complete.
#[must_use]
pub fn joined(lines: &[&[u8]]) -> Vec<Joined> {
    let (mut open, mut begun, mut complete) = (Open::default(), STREAMS.map(|_| Joined::default()), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let piece = Piece::of(line);
        if let Some(piece) = &piece
            && let Some(joined) = begun.get_mut(piece.stream)
        {
            if open.has(piece.stream) {
                joined.line.extend(piece.text);
            } else {
                let front = line.get(..line.len() - piece.after.len()).unwrap_or_default();
                *joined = Joined { pieces: Vec::new(), line: front.to_vec() };
            }
            joined.pieces.push(at);
            if !piece.goes_on {
                joined.line.extend(piece.after);
                complete.extend(Some(std::mem::take(joined)).filter(|joined| joined.pieces.len() > 1));
            }
        }
        open.pass_piece(line, piece.as_ref());
    }
    complete
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn docker(text: &str, stream: &str) -> String {
        format!("{{\"log\":\"{text}\",\"stream\":\"{stream}\",\"time\":\"2026-03-10T10:20:52.1Z\"}}")
    }

    fn cri(text: &str, stream: &str, tag: &str) -> String {
        format!("2026-03-10T10:20:52.003Z {stream} {tag} {text}")
    }

    fn goes_on(line: &str) -> bool {
        let mut open = Open::default();
        open.pass(line.as_bytes());
        open.is_any()
    }

    fn join(lines: &[String]) -> Vec<(Vec<usize>, String)> {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        joined(&lines).into_iter().map(|j| (j.pieces, String::from_utf8(j.line).unwrap())).collect()
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
            (docker(&long, "stdin"), false),
            (format!("{{\"a\":\"{long}\"}}"), false),
            (cri("x", "stdout", "P"), true),
            (cri("x", "stdout", "F"), false),
            (cri("x P y", "stdout", "F"), false),
            (long, false),
            (String::new(), false),
        ] {
            assert_eq!(goes_on(&line), expected, "{}", &line[line.len().saturating_sub(90)..]);
        }
    }

    #[test]
    fn joined_is_what_was_cut_whatever_lies_between() {
        let texts = ["a".repeat(DOCKER_PIECE_BYTES), "b".repeat(DOCKER_PIECE_BYTES), "c\\n".to_owned()];
        let [a, b, c] = texts.each_ref().map(|text| docker(text, "stdout"));
        let whole = docker(&texts.concat(), "stdout");
        let [d, e] = [docker(&texts[0], "stderr"), docker("e\\n", "stderr")];
        let other = docker(&format!("{}e\\n", texts[0]), "stderr");
        assert_eq!(join(&[a.clone(), b.clone(), c.clone()]), [(vec![0, 1, 2], whole.clone())]);
        assert_eq!(
            join(&[a.clone(), d, "{}".to_owned(), b, e.clone(), c.clone()]),
            [(vec![1, 4], other), (vec![0, 3, 5], whole)],
        );
        assert_eq!(join(&[a, e, c.clone()]), [(vec![0, 2], docker(&format!("{}c\\n", texts[0]), "stdout"))]);
        assert_eq!(join(&[c]), []);
        let pieces =
            [cri("a ", "stdout", "P"), cri("x", "stderr", "F"), cri(" b", "stdout", "P"), cri("c", "stdout", "F")];
        assert_eq!(join(&pieces), [(vec![0, 2, 3], cri("a  bc", "stdout", "P"))]);
        assert_eq!(join(&pieces[..3]), [], "its end is missing");
    }

    #[test]
    fn a_line_that_never_ends_is_given_up() {
        let short = cri("x", "stderr", "F");
        let between = |bytes: usize| vec![short.as_str(); bytes / (short.len() + 1)].join("\n");
        let (begun, end) = (cri("a", "stdout", "P"), cri("b", "stdout", "F"));
        for (bytes, expected) in [(GAP_BYTES_MAX - 100, 1), (GAP_BYTES_MAX + 100, 0)] {
            let text = [&begun, between(bytes).as_str(), &end].join("\n");
            let lines: Vec<&[u8]> = text.as_bytes().split(|b| *b == b'\n').collect();
            assert_eq!(joined(&lines).len(), expected);
        }
        let text = format!("{begun}\n{}\n", between(2 * GAP_BYTES_MAX));
        assert_eq!(cut(text.as_bytes(), text.len(), Open::default()), (text.len(), Open::default()));
        let endless = format!("{begun}\n").repeat(2 * STRETCH_BYTES_MAX / begun.len());
        let (at, open) = cut(endless.as_bytes(), endless.len(), Open::default());
        assert!(at == endless.len() && open.is_any());
        assert!(stretches(endless.as_bytes(), Open::default()).all(|stretch| matches!(stretch, Stretch::Line(_))));
        let (mut lines, ended) = (0, format!("{endless}{end}\n{begun}\n{end}\n"));
        let last = stretches(ended.as_bytes(), Open::default()).inspect(|_| lines += 1).last();
        assert_eq!(last, Some(Stretch::Lines(vec![begun.as_bytes(), end.as_bytes()])));
        assert_eq!(lines, ended.lines().count() - 1);
    }

    /// Each line that is read alone or together, and what was joined.
    fn read(text: &[u8], open: Open) -> Vec<(usize, Vec<u8>)> {
        stretches(text, open)
            .flat_map(|stretch| match stretch {
                Stretch::Line(line) => vec![(1, line.to_vec())],
                Stretch::Lines(lines) => joined(&lines)
                    .into_iter()
                    .map(|joined| (joined.pieces.len(), joined.line))
                    .chain([(lines.len(), lines.concat())])
                    .collect(),
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_text_is_read_the_same_wherever_it_is_cut(
            records in prop::collection::vec((0_usize..7, 0_usize..100 << 10), 0..60), ends_open: bool,
        ) {
            let record = |(kind, len): &(usize, usize)| match (kind, "x".repeat(*len)) {
                (0, text) => docker(&text, "stdout"),
                (1, text) => docker(&text, "stderr"),
                (2, text) => docker(&format!("{text}\\n"), "stdout"),
                (3, text) => cri(&text, "stderr", "P"),
                (4, text) => cri(&text, "stderr", "F"),
                (5, text) => cri(&text, "stdout", "F"),
                (_, text) => text,
            };
            let mut text: Vec<u8> = records.iter().map(record).flat_map(|r| [r, "\n".to_owned()].concat().into_bytes()).collect();
            if ends_open {
                text.pop();
            }
            let whole = read(&text, Open::default());
            let starts: Vec<usize> = memchr::memchr_iter(b'\n', &text).map(|at| at + 1).chain([0]).collect();
            for at in &starts {
                let (at, open) = cut(&text, *at, Open::default());
                prop_assert_eq!(&[read(&text[..at], Open::default()), read(&text[at..], open)].concat(), &whole);
            }
            // As a stream, so many lines at a time.
            for size in 1..8 {
                let (mut held, mut open, mut all) = (Vec::new(), Open::default(), Vec::new());
                for arrived in text.split_inclusive(|b| *b == b'\n').collect::<Vec<_>>().chunks(size) {
                    held.extend(arrived.concat());
                    let (at, next) = cut(&held, held.len(), open);
                    let behind = held.split_off(at);
                    all.extend(read(&held, open));
                    (held, open) = (behind, next);
                }
                all.extend(read(&held, open));
                prop_assert_eq!(&all, &whole);
            }
        }
    }
}
