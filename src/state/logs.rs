//! Logs to rows of the state and back: how far each was read, what was in it.

use super::Error;
use crate::model::{
    cursor::{Cursor, Digest, Stamp},
    event::Reason,
    tally::{ChunkCoverage, RejectedHere},
    time::Time,
};
use rusqlite::{Connection, Row, ToSql, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A log: how far it was read, and what was in it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// How far.
    pub cursor: Cursor,
    /// What was in it, as one chunk, its formats left out.
    pub coverage: ChunkCoverage,
    /// Lines understood, by id of the format.
    pub formats: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
struct Rejection {
    reason: String,
    lines: u64,
    line: u32,
    column: usize,
    text: Vec<u8>,
}

pub(super) fn all(db: &Connection) -> Result<Vec<Log>, Error> {
    let mut find = db.prepare("SELECT * FROM log ORDER BY id")?;
    Ok(find.query_map([], log)?.collect::<Result<_, _>>()?)
}

fn log(row: &Row<'_>) -> rusqlite::Result<Log> {
    let number = |name: &str| row.get::<_, i64>(name).map(|number| number as u64);
    let time = |name: &str| row.get::<_, Option<u32>>(name).map(|time| time.map(Time));
    let rejections: Vec<Rejection> = json(&row.get::<_, String>("rejections")?)?;
    Ok(Log {
        cursor: cursor(row)?,
        coverage: ChunkCoverage {
            bytes: number("bytes")?,
            lines: number("lines")?,
            parsed: number("parsed")?,
            blank: number("blank")?,
            span: time("first")?.zip(time("last")?),
            rejected: rejections.into_iter().filter_map(rejected).collect(),
            ..ChunkCoverage::default()
        },
        formats: json(&row.get::<_, String>("formats")?)?,
    })
}

/// The first columns of a row for a log of any kind.
pub(super) fn cursor(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    let number = |name: &str| row.get::<_, i64>(name).map(|number| number as u64);
    Ok(Cursor {
        id: row.get("id")?,
        path: row.get("path")?,
        seen: Stamp {
            device: number("device")?,
            inode: number("inode")?,
            size_bytes: number("size_bytes")?,
            modified_ns: row.get("modified_ns")?,
        },
        head: row.get::<_, Digest>("head")?,
        head_bytes: row.get("head_bytes")?,
        tail: row.get::<_, Digest>("tail")?,
        tail_bytes: row.get("tail_bytes")?,
        offset: number("offset")?,
        at_end: row.get("at_end")?,
    })
}

/// The same to be written.
fn cursor_params(cursor: &Cursor) -> [Box<dyn ToSql + '_>; 12] {
    [
        Box::new(cursor.id),
        Box::new(&cursor.path),
        Box::new(cursor.seen.device as i64),
        Box::new(cursor.seen.inode as i64),
        Box::new(cursor.seen.size_bytes as i64),
        Box::new(cursor.seen.modified_ns),
        Box::new(cursor.head),
        Box::new(cursor.head_bytes),
        Box::new(cursor.tail),
        Box::new(cursor.tail_bytes),
        Box::new(cursor.offset as i64),
        Box::new(cursor.at_end),
    ]
}

/// All columns of a row, those of the cursor first.
pub(super) fn put_row(run: &Transaction<'_>, put: &str, cursor: &Cursor, more: &[&dyn ToSql]) -> Result<(), Error> {
    let first = cursor_params(cursor);
    let all: Vec<&dyn ToSql> = first.iter().map(AsRef::as_ref).chain(more.iter().copied()).collect();
    run.execute(put, all.as_slice())?;
    Ok(())
}

fn rejected(kept: Rejection) -> Option<(Reason, RejectedHere)> {
    let reason = Reason::ALL.into_iter().find(|reason| reason.text() == kept.reason)?;
    let Rejection { lines, line, column, text, .. } = kept;
    Some((reason, RejectedHere { lines, line, column, text: text.into() }))
}

pub(super) fn put(run: &Transaction<'_>, log: &Log) -> Result<(), Error> {
    let coverage = &log.coverage;
    let rejections = coverage.rejected.iter().map(|(reason, here)| Rejection {
        reason: reason.text().to_owned(),
        lines: here.lines,
        line: here.line,
        column: here.column,
        text: here.text.to_vec(),
    });
    let rejections: Vec<Rejection> = rejections.collect();
    let rejected: u64 = rejections.iter().map(|r| r.lines).sum();
    let put = "INSERT OR REPLACE INTO log VALUES \
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    put_row(
        run,
        put,
        &log.cursor,
        params![
            coverage.bytes as i64,
            coverage.lines as i64,
            coverage.parsed as i64,
            rejected as i64,
            coverage.blank as i64,
            coverage.span.map(|(first, _)| first.0),
            coverage.span.map(|(_, last)| last.0),
            text(&log.formats)?,
            text(&rejections)?,
        ],
    )
}

pub(super) fn text<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn json<'t, T: Deserialize<'t>>(text: &'t str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}
