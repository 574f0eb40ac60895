//! When checks were blind, to rows of the state and back.

use super::Error;
use crate::model::{blindness::Blindness, time::Time};
use rusqlite::{Connection, Row, Transaction, params};

pub(super) fn all(db: &Connection) -> Result<Vec<Blindness>, Error> {
    let mut find = db.prepare("SELECT * FROM blindness ORDER BY start, id")?;
    let blindness = |row: &Row<'_>| {
        let time = |name: &str| row.get::<_, Option<u32>>(name).map(|time| time.map(Time));
        Ok(Blindness {
            id: row.get("id")?,
            start: Time(row.get("start")?),
            end: time("end")?,
            runs: row.get("runs")?,
            told_at: time("told_at")?,
            troubles: row.get("troubles")?,
        })
    };
    Ok(find.query_map([], blindness)?.collect::<Result<_, _>>()?)
}

const KEPT_SECS: u32 = 366 * 86_400;

/// Puts one, and forgets those that were over a year before it.
pub(super) fn put(run: &Transaction<'_>, blindness: &Blindness) -> Result<(), Error> {
    let Blindness { id, start, end, runs, told_at, troubles } = blindness;
    let (end, told_at) = (end.map(|end| end.0), told_at.map(|at| at.0));
    let put = "INSERT OR REPLACE INTO blindness VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    run.execute(put, params![id, start.0, end, runs, told_at, troubles])?;
    run.execute("DELETE FROM blindness WHERE end < ?1", [start.0.saturating_sub(KEPT_SECS)])?;
    Ok(())
}
