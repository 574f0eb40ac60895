//! What the error logs said to rows of the state and back: how far each was read, and messages by minute and client.
//! Times are the servers' own.

use super::{
    Error, add,
    logs::{cursor, put_row},
};
use crate::model::{
    coverage::ErrorLogCoverage,
    cursor::Cursor,
    logged::Logged,
    note::{Count, Level, Notes, Quote, Topic, When, Why},
    time::Time,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

/// An error log: how far it was read, and what was in it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorLog {
    /// How far.
    pub cursor: Cursor,
    /// What was in it; without its path, which is the cursor's.
    pub covered: ErrorLogCoverage,
    /// The least serious message.
    pub least: Option<Level>,
}

/// So many counts are kept; beyond, the earliest minutes are given up. A test need not write half a million.
const COUNTS_MAX: u32 = if cfg!(test) { 50 } else { 1 << 19 };
/// What is older than all that is remembered by a day is so in every zone.
const DAY_MINUTES: u32 = 24 * 60;

pub(super) fn all(db: &Connection) -> Result<Vec<ErrorLog>, Error> {
    let mut find = db.prepare("SELECT * FROM error_log ORDER BY id")?;
    Ok(find.query_map([], log)?.collect::<Result<_, _>>()?)
}

fn log(row: &Row<'_>) -> rusqlite::Result<ErrorLog> {
    let number = |name: &str| row.get::<_, i64>(name).map(|number| number as u64);
    let time = |name: &str| row.get::<_, Option<u32>>(name).map(|time| time.map(Time));
    let covered = ErrorLogCoverage {
        path: String::new(),
        bytes: number("bytes")?,
        lines: number("lines")?,
        parsed: number("parsed")?,
        noted: number("noted")?,
        rejected: number("rejected")?,
        blank: number("blank")?,
        start: time("first")?,
        end: time("last")?,
        problem: None,
    };
    let least: Option<u32> = row.get("least")?;
    let least = least.and_then(|least| Level::ALL.get(least as usize).copied());
    Ok(ErrorLog { cursor: cursor(row)?, covered, least })
}

pub(super) fn put(run: &Transaction<'_>, log: &ErrorLog) -> Result<(), Error> {
    let put = "INSERT OR REPLACE INTO error_log VALUES \
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    let covered = &log.covered;
    put_row(
        run,
        put,
        &log.cursor,
        params![
            covered.bytes as i64,
            covered.lines as i64,
            covered.parsed as i64,
            covered.noted as i64,
            covered.rejected as i64,
            covered.blank as i64,
            covered.start.map(|time| time.0),
            covered.end.map(|time| time.0),
            log.least.map(|least| least as u32),
        ],
    )
}

/// All messages that are remembered; the file of a quote is the log's id.
pub(super) fn notes(db: &Connection) -> Result<Notes, Error> {
    let mut notes = Notes::default();
    let mut places = BTreeMap::new();
    let mut find = db.prepare("SELECT * FROM topic ORDER BY id")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let why: String = row.get("why")?;
        let text = |name: &str| row.get::<_, Vec<u8>>(name).map(|text| Logged::new(&text));
        // A reason that only a newer program knows.
        let Some(why) = Why::ALL.into_iter().find(|known| known.id() == why) else { continue };
        places.insert(row.get::<_, i64>("id")?, notes.topics.len() as u32);
        notes.topics.push(Topic { why: Some(why), host: text("host")?, path: text("path")?, thing: text("thing")? });
        notes.quotes.push(Quote {
            time: Time(row.get("time")?),
            file: row.get("log")?,
            line: row.get::<_, i64>("line")? as u64,
            text: text("text")?,
        });
    }
    let mut find = db.prepare("SELECT minute, addr, topic, user, messages FROM note")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let Some(topic) = places.get(&row.get::<_, i64>(2)?) else { continue };
        let when = When { minute: row.get(0)?, addr: u128::from_be_bytes(row.get(1)?) };
        let count = Count { topic: *topic, user: row.get(3)?, messages: row.get(4)? };
        notes.counts.entry(when).or_default().push(count);
    }
    let left_out = db.query_row("SELECT value FROM fact WHERE name = ?1", [LEFT_OUT], |row| row.get(0)).optional()?;
    notes.left_out = left_out.unwrap_or(0_i64) as u64;
    Ok(notes)
}

/// The fact of how many messages were too many, and that of the minute before which they are.
const LEFT_OUT: &str = "notes_left_out";
const LEFT_OUT_BEFORE: &str = "notes_left_out_before";

/// Adds messages, and gives up those of long before `horizon` and those that are too many.
pub(super) fn add_notes(run: &Transaction<'_>, notes: &Notes, horizon: Time) -> Result<(), Error> {
    // The first message is quoted, among those that are remembered.
    let mut put_topic = run.prepare(
        "INSERT INTO topic (why, host, path, thing, time, log, line, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (why, host, path, thing) DO UPDATE SET time = ?5, log = ?6, line = ?7, text = ?8 \
         WHERE time < ?9 OR (?5, ?6, ?7) < (time, log, line)",
    )?;
    let mut find_topic = run.prepare("SELECT id FROM topic WHERE (why, host, path, thing) = (?1, ?2, ?3, ?4)")?;
    let mut ids: Vec<i64> = Vec::with_capacity(notes.topics.len());
    for (topic, quote) in notes.topics.iter().zip(&notes.quotes) {
        let why = topic.why.map(Why::id).unwrap_or_default();
        let (host, path, thing) = (topic.host.as_bytes(), topic.path.as_bytes(), topic.thing.as_bytes());
        let (line, text) = (quote.line as i64, quote.text.as_bytes());
        put_topic.execute(params![why, host, path, thing, quote.time.0, quote.file, line, text, horizon.0])?;
        ids.push(find_topic.query_row(params![why, host, path, thing], |row| row.get(0))?);
    }
    let mut put_note = run.prepare(
        "INSERT INTO note VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET messages = min(messages + ?5, 4294967295)",
    )?;
    for (when, counts) in &notes.counts {
        for count in counts {
            let Some(topic) = ids.get(count.topic as usize) else { continue };
            put_note.execute(params![when.minute, when.addr.to_be_bytes(), topic, count.user, count.messages])?;
        }
    }
    let mut left_out = notes.left_out as i64;
    let find = "SELECT minute FROM note ORDER BY minute DESC LIMIT 1 OFFSET ?1";
    let full: Option<u32> = run.query_row(find, [COUNTS_MAX], |row| row.get(0)).optional()?;
    if let Some(full) = full {
        let sum = "SELECT sum(messages) FROM note WHERE minute <= ?1";
        left_out += run.query_row(sum, [full], |row| row.get::<_, i64>(0))?;
        run.execute("DELETE FROM note WHERE minute <= ?1", [full])?;
    }
    add(run, LEFT_OUT, left_out)?;
    if left_out > 0 {
        let put = "INSERT OR REPLACE INTO fact SELECT ?1, coalesce(min(minute), 0) FROM note";
        run.execute(put, [LEFT_OUT_BEFORE])?;
    }
    let oldest = (horizon.0 / 60).saturating_sub(DAY_MINUTES);
    run.execute("DELETE FROM note WHERE minute < ?1", [oldest])?;
    run.execute("DELETE FROM topic WHERE id NOT IN (SELECT topic FROM note)", [])?;
    // What was left out of a time that nobody remembers is no news.
    let reset = "DELETE FROM fact WHERE name = ?1 AND (SELECT value FROM fact WHERE name = ?2) < ?3";
    run.execute(reset, params![LEFT_OUT, LEFT_OUT_BEFORE, oldest])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Change, Store};

    /// A message of one reason about each of some clients, each minute.
    fn notes(minutes: std::ops::Range<u32>, clients: u32, line: u64) -> Notes {
        let topic = Topic { why: Some(Why::ForbiddenByRule), path: Logged::new(b"/a"), ..Topic::default() };
        let quote = Quote { time: Time(minutes.start * 60), file: 1, line, text: Logged::new(b"\xff quoted") };
        let count = Count { topic: 0, user: 7, messages: 2 };
        let whens =
            minutes.flat_map(|minute| (0..clients).map(move |c| When { minute, addr: u128::MAX - u128::from(c) }));
        let counts = whens.map(|when| (when, vec![count])).collect();
        Notes { topics: vec![topic], quotes: vec![quote], counts, ..Notes::default() }
    }

    fn commit(store: &mut Store, notes: &Notes, horizon: u32) {
        let change = Change { notes: Some((notes.clone(), Time(horizon))), ..Change::default() };
        store.commit(&change).unwrap();
    }

    #[test]
    fn what_was_said_in_several_runs_is_as_if_it_was_said_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 0).unwrap();
        let (first, later) = (notes(5000..5004, 3, 9), notes(5002..5006, 2, 40));
        commit(&mut store, &later, 0);
        commit(&mut store, &first, 0);
        let mut expected = first;
        expected.absorb(later);
        assert_eq!(store.notes().unwrap(), expected);
        assert_eq!((expected.quotes[0].line, expected.counts.values().flatten().map(|c| c.messages).sum()), (9, 40));
    }

    #[test]
    fn what_is_too_much_or_too_old_is_given_up_by_whole_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 0).unwrap();
        commit(&mut store, &notes(5000..5020, 4, 1), 0);
        let kept = store.notes().unwrap();
        assert_eq!((kept.counts.len(), kept.left_out), (48, 64));
        assert_eq!(kept.counts.keys().next().map(|when| when.minute), Some(5008));
        // The next message on a topic is quoted where the first one is too old to be.
        commit(&mut store, &notes(9000..9001, 1, 70), 9000 * 60);
        let kept = store.notes().unwrap();
        assert_eq!((kept.counts.len(), kept.quotes[0].line), (1, 70));
        commit(&mut store, &Notes::default(), 20_000 * 60);
        assert_eq!(store.notes().unwrap(), Notes::default());
    }
}
