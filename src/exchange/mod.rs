//! Shards as bytes, to be kept between runs or passed between machines. Owns the form and its check on reading; knows
//! neither files nor databases.
//!
//! ```text
//! "AFSH"  version u16  crc u32  body length u64 │ body
//! body:   names  agents  clients  shapes  visits  settled  refusals  samples  counted
//! ```
//!
//! Numbers before the body are little-endian, in it LEB128; texts stand behind their length. A served request takes four
//! to five bytes: the seconds since the one before it, its client, its shape. Texts and refusals come on top. What was
//! written by another version, cut, or changed on the way is refused: nothing that is decoded points outside the shard
//! that it came with.
//!
//! [`part`] is the other form, for travelling: a ledger in columns, packed, with what was read to make it. `parquet`, where
//! it is built in, writes a third for other programs, which this one does not read.

mod columns;
mod envelope;
mod fold;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod part;
mod read;
mod write;

pub use fold::fold;

use crate::model::tally::Shard;
use envelope::Form;

/// Raised when the form changes, so that an older program refuses what it would misread.
const FORM: Form = Form { magic: b"AFSH", version: 2 };

/// Why bytes are not a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Something else altogether.
    #[error("it is something else")]
    Other,
    /// Written by another version.
    #[error("its form has version {0}, which this program does not know")]
    Version(u16),
    /// Ends before its end, or goes on after it.
    #[error("it is cut, or goes on behind its end")]
    Length,
    /// Not what was written.
    #[error("it is no longer what was written")]
    Checksum,
    /// Whole and unchanged, and yet it makes no sense.
    #[error("it has a number that points nowhere")]
    Nonsense,
}

/// A shard in its form.
#[must_use]
pub fn encode(shard: &Shard) -> Vec<u8> {
    FORM.seal(|out| write::body(shard, out))
}

/// The shard that was encoded.
///
/// # Errors
/// Anything else, however it came about.
pub fn decode(bytes: &[u8]) -> Result<Shard, Damage> {
    read::body(FORM.open(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            event::Event,
            tally::{Ledger, Place},
            time::Time,
        },
        tally::{Accumulator, build},
    };
    use proptest::prelude::*;

    /// Shards of a day with addresses of both kinds, host names, refusals and times out of order.
    fn shards(requests: &[(u8, u8, u16)]) -> Vec<Shard> {
        let mut accumulator = Accumulator::default();
        for (line, (who, what, when)) in requests.iter().enumerate() {
            let client = match who % 3 {
                0 => format!("192.0.2.{who}"),
                1 => format!("2001:db8::{who}"),
                _ => format!("host{who}.example.org"),
            };
            let (path, agent) = (format!("/area{}", what % 7), format!("agent/{}", who % 5));
            let event = Event {
                time: Time(1_773_000_000 + u32::from(*when) * 3),
                client: client.as_bytes(),
                user: if what % 2 == 0 { b"ada" } else { b"" },
                method: b"GET",
                target: path.as_bytes(),
                protocol: b"HTTP/1.1",
                status: [200, 401, 403, 500][usize::from(what % 4)],
                agent: agent.as_bytes(),
                ..Event::default()
            };
            accumulator.add(&event, b"the line \xff", Place { file: 7, chunk: 0, line: line as u32 });
        }
        accumulator.finish().take().0
    }

    /// What a ledger holds, comparable.
    fn content(ledger: &Ledger) -> String {
        format!("{ledger:?}")
    }

    proptest! {
        #[test]
        fn what_comes_back_is_what_was_given(requests in prop::collection::vec(any::<(u8, u8, u16)>(), 0..200)) {
            let kept = shards(&requests);
            let back: Vec<Shard> = kept.iter().map(|shard| decode(&encode(shard)).unwrap()).collect();
            prop_assert_eq!(format!("{kept:?}"), format!("{back:?}"));
        }

        #[test]
        fn folding_changes_no_ledger(
            a in prop::collection::vec(any::<(u8, u8, u16)>(), 0..100),
            b in prop::collection::vec(any::<(u8, u8, u16)>(), 0..100),
        ) {
            let both: Vec<Shard> = [shards(&a), shards(&b)].concat();
            let whole = build(both);
            let folded = fold(&whole, Time(0), Time(u32::MAX)).unwrap();
            prop_assert_eq!(content(&build(vec![folded])), content(&whole));
        }

        /// A day taken out of a whole is what a whole of that day alone would be.
        #[test]
        fn folding_a_part_leaves_nothing_of_the_rest(
            requests in prop::collection::vec(any::<(u8, u8, u16)>(), 0..200), from: u16, until: u16,
        ) {
            let at = |step: u16| Time(1_773_000_000 + u32::from(step) * 3);
            let part: Vec<_> = requests.iter().copied().filter(|r| r.2 >= from && r.2 < until).collect();
            let (folded, alone) = (fold(&build(shards(&requests)), at(from), at(until)).unwrap(), build(shards(&part)));
            let back = build(vec![folded]);
            prop_assert_eq!(&back.visits.len(), &alone.visits.len());
            prop_assert_eq!((&back.clients, &back.shapes, back.span), (&alone.clients, &alone.shapes, alone.span));
            prop_assert_eq!((&back.names, &back.agents, &back.visits), (&alone.names, &alone.agents, &alone.visits));
        }

        /// A ledger, as a part and back, is the same ledger, whatever its days.
        #[test]
        fn a_part_says_all_that_its_ledger_does(requests in prop::collection::vec(any::<(u8, u8, u16)>(), 0..200)) {
            let mut shards = shards(&requests);
            shards.iter_mut().flat_map(|shard| &mut shard.refusals).for_each(|refusal| refusal.place.file = 0);
            shards.iter_mut().flat_map(|shard| &mut shard.samples).for_each(|(_, sample)| sample.place.file = 0);
            let whole = build(shards);
            let header = part::Header { sources: vec![part::Source::default()], ..part::Header::default() };
            let bytes = part::write(&header, &whole);
            let opened = part::open(&bytes).unwrap();
            prop_assert_eq!(&opened.header, &header);
            let (shard, left_out) = opened.rows((Time(0), Time(u32::MAX))).unwrap();
            prop_assert_eq!((content(&build(vec![shard])), left_out), (content(&whole), 0));
            prop_assert_eq!(opened.rows((Time(0), Time(1))).unwrap().1, requests.len() as u64);
        }

        /// With a checksum that fits, so that the reader itself is what is tried.
        #[test]
        fn no_columns_however_wrong_make_the_reader_fall(at in 0_usize..2000, value: u8) {
            let whole = build(shards(&[(1, 1, 1), (2, 2, 2), (3, 3, 3), (0, 1, 9)]));
            let (words, ranks) = columns::write_words(&whole);
            let day = columns::write_days(&whole, &ranks).next().unwrap();
            for wrong in 0..4 {
                let mut blocks = [words.clone(), day.clients.clone(), day.visits.clone(), day.refusals.clone()];
                let at = at % blocks[wrong].len();
                blocks[wrong][at] = value;
                let [words, clients, visits, refusals] = blocks;
                let (Ok(words), Ok(clients)) = (columns::read_words(&words), columns::read_clients(&clients)) else {
                    continue;
                };
                let Ok(mut rows) = columns::Rows::new(words, vec![clients]) else { continue };
                if rows.read_day((0, day.number), &visits, &refusals, 8).is_ok() {
                    prop_assert!(build(vec![rows.finish()]).clients.len() < 1000);
                }
            }
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0_usize..2000, change in 1_u8..=255) {
            let mut bytes = encode(&shards(&[(1, 1, 1), (2, 2, 2), (3, 3, 3)])[0]);
            let at = at % bytes.len();
            bytes[at] ^= change;
            prop_assert!(decode(&bytes).is_err());
        }

        /// With a checksum that fits, so that the reader itself is what is tried.
        #[test]
        fn no_body_however_wrong_makes_the_reader_fall(at in 0_usize..2000, value: u8, cut in 0_usize..400) {
            let mut out = write::Out::default();
            write::body(&shards(&[(1, 1, 1), (2, 2, 2), (3, 3, 3), (0, 1, 9)])[0], &mut out);
            let mut body = out.0;
            let at = at % body.len();
            body[at] = value;
            body.truncate(body.len() - cut.min(body.len()) * usize::from(cut < 200));
            if let Ok(shard) = read::body(&body) {
                prop_assert!(build(vec![shard]).clients.len() < 1000);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let bytes = encode(&shards(&[(1, 1, 1)])[0]);
        assert_eq!(decode(b"SQLite").err(), Some(Damage::Other));
        assert_eq!(decode(&bytes[..bytes.len() - 1]).err(), Some(Damage::Length));
        assert_eq!(decode(&[&bytes[..], b"x"].concat()).err(), Some(Damage::Length));
        let mut newer = bytes.clone();
        newer[4] = 99;
        assert_eq!(decode(&newer).err(), Some(Damage::Version(99)));
    }

    #[test]
    fn a_request_takes_five_bytes_or_less() {
        let requests: Vec<(u8, u8, u16)> =
            (0..20_000_u32).map(|i| ((i * 7 % 251) as u8, (i % 60) as u8, i as u16)).collect();
        let few = encode(&shards(&requests[..10_000])[0]).len();
        let served: Vec<(u8, u8, u16)> = requests.iter().map(|(who, what, when)| (*who, what & !3, *when)).collect();
        let more = encode(&shards(&served)[0]).len();
        assert!(more < 20_000 * 5 + 10_000, "{more} bytes for 20,000 requests, {few} for the first half with refusals");
    }
}
