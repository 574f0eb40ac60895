//! Cases to rows of the state and back.

use super::{
    Error,
    logs::{json, text},
};
use crate::model::{
    case::{Account, Case, Phase},
    incident::Verdict,
    time::Time,
};
use rusqlite::{Connection, Row, Transaction, params};

pub(super) fn all(db: &Connection) -> Result<Vec<Case>, Error> {
    let mut find = db.prepare("SELECT * FROM incident ORDER BY start, id")?;
    Ok(find.query_map([], case)?.collect::<Result<_, _>>()?)
}

fn case(row: &Row<'_>) -> rusqlite::Result<Case> {
    let number = |name: &str| row.get::<_, i64>(name).map(|number| number as u64);
    let time = |name: &str| row.get::<_, Option<u32>>(name).map(|time| time.map(Time));
    let verdict: Verdict = json(&format!("\"{}\"", row.get::<_, String>("verdict")?))?;
    let phase: String = row.get("phase")?;
    Ok(Case {
        id: row.get("id")?,
        verdict,
        status: row.get("status")?,
        cause: row.get("cause")?,
        scope: json(&row.get::<_, String>("scope")?)?,
        phase: Phase::ALL.into_iter().find(|known| known.id() == phase).unwrap_or(Phase::Resolved),
        confidence: row.get("confidence")?,
        start: Time(row.get("start")?),
        end: time("end")?,
        clients: number("clients")?,
        requests: number("requests")?,
        returns: row.get("returns")?,
        missing_since: time("missing_since")?,
        told_at: time("told_at")?,
        told_clients: number("told_clients")?,
        account: Account { headline: row.get("headline")?, text: row.get("text")?, json: row.get("json")? },
        remark: row.get("remark")?,
    })
}

pub(super) fn put(run: &Transaction<'_>, case: &Case) -> Result<(), Error> {
    let put = "INSERT OR REPLACE INTO incident VALUES \
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    run.execute(
        put,
        params![
            case.id,
            text(&case.verdict)?.trim_matches('"'),
            case.status,
            case.cause,
            text(&case.scope)?,
            case.phase.id(),
            case.confidence,
            case.start.0,
            case.end.map(|end| end.0),
            case.clients as i64,
            case.requests as i64,
            case.returns,
            case.missing_since.map(|at| at.0),
            case.told_at.map(|at| at.0),
            case.told_clients as i64,
            case.account.headline,
            case.account.text,
            case.account.json,
            case.remark,
        ],
    )?;
    Ok(())
}
