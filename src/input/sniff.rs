//! What a file holds, told from its first bytes and never from its name. Reads nothing itself.

use super::codecs::Codec;

/// How many bytes a verdict is based on: enough for every magic number and a fair sample of text.
pub(crate) const SNIFF_BYTES: usize = 8192;

/// What the first bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing there.
    Empty,
    /// Text, beginning behind a UTF-8 byte-order mark of this length (0 or 3).
    Text { start: usize },
    /// Text in UTF-16, by its byte-order mark.
    Utf16,
    /// One packed text.
    Packed(Codec),
    /// Several files in one.
    Tar,
    /// Several files in one, with a directory at the end.
    Zip,
    /// A container that is known but not read: its name, and the command that unpacks `FILE`.
    Container { what: &'static str, command: &'static str },
    /// Anything else.
    Binary { what: &'static str },
}

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Where a magic number stands, what it is, what has it, and how to unpack that.
const CONTAINERS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"\x04\x22\x4d\x18", "lz4", "lz4cat FILE"),
    (0, b"\x1f\x9d", "compress (.Z)", "zcat FILE"),
    (0, b"LZIP\x01", "lzip", "lzip -dc FILE"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x -so FILE"),
    (0, b"LPKSHHRH", "systemd journal", "journalctl --file FILE -o cat"),
];

/// The same of what is read.
const READ: &[(usize, &[u8], Content)] = &[
    (0, b"\x1f\x8b", Content::Packed(Codec::Gzip)),
    (0, b"\x28\xb5\x2f\xfd", Content::Packed(Codec::Zstd)),
    (0, b"\xfd7zXZ\0", Content::Packed(Codec::Xz)),
    (4, b"1AY&SY", Content::Packed(Codec::Bzip2)),
    (257, b"ustar", Content::Tar),
    (0, b"PK\x03\x04", Content::Zip),
    (0, b"PK\x05\x06", Content::Zip),
];

/// Files that people take for logs, by their magic numbers; the rest is told by [`looks_like_text`].
const OTHERS: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an executable"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
];

/// Judges the first [`SNIFF_BYTES`] (or all, where there are fewer).
pub(crate) fn classify(head: &[u8]) -> Content {
    let has = |at: usize, magic: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if head.is_empty() {
        return Content::Empty;
    }
    if head.starts_with(UTF8_BOM) {
        return Content::Text { start: UTF8_BOM.len() };
    }
    if has(0, b"\xff\xfe") || has(0, b"\xfe\xff") {
        return Content::Utf16;
    }
    if let Some((_, _, content)) = READ.iter().find(|(at, magic, _)| has(*at, magic)) {
        return *content;
    }
    // zstd may begin with a frame to skip, of 16 kinds (RFC 8878, 3.1.2).
    if has(1, b"\x2a\x4d\x18") && head.first().is_some_and(|b| b >> 4 == 5) {
        return Content::Packed(Codec::Zstd);
    }
    if let Some(&(_, _, what, command)) = CONTAINERS.iter().find(|(at, magic, ..)| has(*at, magic)) {
        return Content::Container { what, command };
    }
    if let Some(&(_, what)) = OTHERS.iter().find(|(magic, _)| has(0, magic)) {
        return Content::Binary { what };
    }
    if looks_like_text(head) { Content::Text { start: 0 } } else { Content::Binary { what: "binary data" } }
}

/// Whether this could be a log, with all that real logs have: Latin-1, raw TLS handshakes, escape sequences, and long
/// runs of NUL after a crash or a truncation under a writer that does not append.
///
/// At most 3 in 10 bytes may be controls or invalid UTF-8. Latin-1 text has fewer; compressed or random bytes have
/// over half, records padded with NULs (wtmp, executables) more still.
fn looks_like_text(head: &[u8]) -> bool {
    /// Longer than any padding inside a record of wtmp (264 bytes).
    const PADDING_BYTES: usize = 512;
    let runs = head.chunk_by(|a, b| (*a == 0) == (*b == 0));
    let (mut odd, mut all) = (0, 0);
    for (i, run) in runs.enumerate() {
        let nuls = run.first() == Some(&0);
        if nuls && (i == 0 || run.len() >= PADDING_BYTES) {
            continue;
        }
        all += run.len();
        odd += if nuls { run.len() } else { odd_bytes(run) };
    }
    odd * 10 <= all * 3
}

fn odd_bytes(run: &[u8]) -> usize {
    let controls = run.iter().filter(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r' | 0x1b)).count();
    controls + run.utf8_chunks().map(|chunk| chunk.invalid().len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"192.0.2.1 - - [09/Mar/2026:11:20:52 +0000] \"GET / HTTP/1.1\" 200 612 \"-\" \"curl/8\"\n";

    #[test]
    fn text_is_text_with_all_that_happens_to_logs() {
        let text = Content::Text { start: 0 };
        let mut tls = LINE.to_vec();
        tls.extend_from_slice(b"192.0.2.1 - - [-] \"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\xd5\x8a\" 400 0\n");
        let latin1 = b"192.0.2.1 - J\xf6rg [09/Mar/2026] \"GET /caf\xe9 HTTP/1.1\" 401 0\n";
        let crashed = [LINE, &[0; 6000]].concat();
        let hole_first = [&[0; 3000], LINE].concat();
        let all_hole = [0; SNIFF_BYTES];
        for log in
            [LINE, &tls, latin1, &crashed, &hole_first, &all_hole, b"\n", b"{}", b"#Fields: date\r\n", b"BZh is a name"]
        {
            assert_eq!(classify(log), text, "{}", log.escape_ascii());
        }
        assert_eq!(classify(b"\xef\xbb\xbf192.0.2.1"), Content::Text { start: 3 });
        assert_eq!(classify(b""), Content::Empty);
    }

    #[test]
    fn text_that_a_sample_cuts_inside_a_character_is_text() {
        assert_eq!(classify(&"192.0.2.1 /\u{20ac}".as_bytes()[..13]), Content::Text { start: 0 });
    }

    #[test]
    fn binary_data_are_told_from_logs() {
        let random: Vec<u8> = (0_u32..8192).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut wtmp = Vec::new();
        for _ in 0..20 {
            let mut record = [0_u8; 384];
            record[0] = 7;
            record[8..13].copy_from_slice(b"pts/0");
            record[44..49].copy_from_slice(b"alice");
            record[76..85].copy_from_slice(b"192.0.2.1");
            wtmp.extend_from_slice(&record);
        }
        for data in
            [&random[..], &wtmp, b"\x7fELF\x02\x01", b"SQLite format 3\0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0"]
        {
            assert!(matches!(classify(data), Content::Binary { .. }), "{}", data[..32.min(data.len())].escape_ascii());
        }
    }

    #[test]
    fn containers_are_named() {
        let mut tar = vec![0; 512];
        tar[..10].copy_from_slice(b"access.log");
        tar[257..262].copy_from_slice(b"ustar");
        let read: [(&[u8], Content); 6] = [
            (b"\x28\xb5\x2f\xfd\0", Content::Packed(Codec::Zstd)),
            (b"\x53\x2a\x4d\x18\0", Content::Packed(Codec::Zstd)),
            (b"BZh91AY&SY\x01", Content::Packed(Codec::Bzip2)),
            (b"\xfd7zXZ\0\0", Content::Packed(Codec::Xz)),
            (b"PK\x03\x04\x14", Content::Zip),
            (&tar, Content::Tar),
        ];
        for (data, content) in read {
            assert_eq!(classify(data), content);
        }
        let cases: [(&[u8], &str); 2] = [(b"\x1f\x9d\x90", "compress (.Z)"), (b"\x04\x22\x4d\x18", "lz4")];
        for (data, name) in cases {
            assert!(matches!(classify(data), Content::Container { what, .. } if what == name), "{name}");
        }
        assert_eq!(classify(b"\x1f\x8b\x08"), Content::Packed(Codec::Gzip));
        assert_eq!(classify(b"\xff\xfeG\0E\0"), Content::Utf16);
    }
}
