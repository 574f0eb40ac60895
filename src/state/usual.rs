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
        let four = |what: &str| -> rusqlite::Result<[f64; 4]> {
            let of = |fate: &str| row.get(format!("{what}_{fate}").as_str());
            Ok([of("401")?, of("403")?, of("failed")?, of("unserved")?])
        };
        let (share, spread) = (four("share")?, four("spread")?);
        Ok((part, Rates { share, spread }))
    };
    Ok(Usual { parts: find.query_map([], part)?.collect::<Result<_, _>>()?, busiest })
}

pub(super) fn put(run: &Transaction<'_>, usual: &Usual) -> Result<(), Error> {
    run.execute("DELETE FROM usual", [])?;
    let mut put = run.prepare("INSERT INTO usual VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for (Part { host, path }, rates) in &usual.parts {
        let ([a, b, c, d], [e, f, g, h]) = (rates.share, rates.spread);
        put.execute(params![host, path, a, b, c, d, e, f, g, h])?;
    }
    run.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", params![BUSIEST, usual.busiest])?;
    Ok(())
}
