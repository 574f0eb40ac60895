//! What is usual to rows of the state and back.

use super::Error;
use crate::model::usual::{Part, Rates, Usual};
use rusqlite::{Connection, Row, Transaction, params};

/// The fact beside the rows; it is there when they were ever written.
pub(super) const BUSIEST: &str = "usual_busiest";

pub(super) fn all(db: &Connection, busiest: u32) -> Result<Usual, Error> {
    let mut find = db.prepare("SELECT * FROM usual")?;
    let part = |row: &Row<'_>| {
        let part = Part { host: row.get("host")?, path: row.get("path")? };
        let share = [row.get("share_401")?, row.get("share_403")?, row.get("share_failed")?];
        let spread = [row.get("spread_401")?, row.get("spread_403")?, row.get("spread_failed")?];
        Ok((part, Rates { share, spread }))
    };
    Ok(Usual { parts: find.query_map([], part)?.collect::<Result<_, _>>()?, busiest })
}

pub(super) fn put(run: &Transaction<'_>, usual: &Usual) -> Result<(), Error> {
    run.execute("DELETE FROM usual", [])?;
    let mut put = run.prepare("INSERT INTO usual VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for (Part { host, path }, Rates { share, spread }) in &usual.parts {
        put.execute(params![host, path, share[0], share[1], share[2], spread[0], spread[1], spread[2]])?;
    }
    run.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", params![BUSIEST, usual.busiest])?;
    Ok(())
}
