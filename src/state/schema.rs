//! The tables of the state, and how an older state becomes a newer one.

use super::Error;
use rusqlite::Connection;

/// One step for each version: the state of version `n` has had the first `n` of them. A step is never changed once it
/// was released; a change is another step.
const STEPS: &[&str] = &[
    "
    -- A log, how far it was read, and what was in it (model::cursor, model::tally::ChunkCoverage).
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL,
        device INTEGER NOT NULL, inode INTEGER NOT NULL, size_bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
        head BLOB NOT NULL, head_bytes INTEGER NOT NULL,
        tail BLOB NOT NULL, tail_bytes INTEGER NOT NULL,
        offset INTEGER NOT NULL, at_end INTEGER NOT NULL,
        bytes INTEGER NOT NULL, lines INTEGER NOT NULL, parsed INTEGER NOT NULL, rejected INTEGER NOT NULL,
        blank INTEGER NOT NULL,
        first INTEGER, last INTEGER,
        formats TEXT NOT NULL, rejections TEXT NOT NULL
    ) STRICT;
    -- Requests, in the form of the exchange folder.
    CREATE TABLE piece (
        id INTEGER PRIMARY KEY,
        level INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL,
        shard BLOB NOT NULL
    ) STRICT;
    -- model::case::Case.
    CREATE TABLE incident (
        id TEXT PRIMARY KEY,
        verdict TEXT NOT NULL, status INTEGER NOT NULL, cause TEXT NOT NULL, scope TEXT NOT NULL,
        phase TEXT NOT NULL, confidence REAL NOT NULL,
        start INTEGER NOT NULL, end INTEGER,
        clients INTEGER NOT NULL, requests INTEGER NOT NULL, returns INTEGER NOT NULL,
        missing_since INTEGER, told_at INTEGER, told_clients INTEGER NOT NULL,
        headline TEXT NOT NULL, text TEXT NOT NULL, json TEXT NOT NULL
    ) STRICT;
    -- What a channel has not delivered yet.
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        channel TEXT NOT NULL,
        message TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- Numbers and words that stand alone.
    CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY) STRICT;
",
    "
    -- model::usual::Usual, as it was when all requests were looked at last.
    CREATE TABLE usual (
        host BLOB NOT NULL, path BLOB NOT NULL,
        share_401 REAL NOT NULL, share_403 REAL NOT NULL, share_failed REAL NOT NULL, share_unserved REAL NOT NULL,
        spread_401 REAL NOT NULL, spread_403 REAL NOT NULL, spread_failed REAL NOT NULL, spread_unserved REAL NOT NULL,
        PRIMARY KEY (host, path)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- An error log, how far it was read, and what was in it (model::cursor, model::coverage::ErrorLogCoverage).
    CREATE TABLE error_log (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL,
        device INTEGER NOT NULL, inode INTEGER NOT NULL, size_bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
        head BLOB NOT NULL, head_bytes INTEGER NOT NULL,
        tail BLOB NOT NULL, tail_bytes INTEGER NOT NULL,
        offset INTEGER NOT NULL, at_end INTEGER NOT NULL,
        bytes INTEGER NOT NULL, lines INTEGER NOT NULL, parsed INTEGER NOT NULL, noted INTEGER NOT NULL,
        rejected INTEGER NOT NULL, blank INTEGER NOT NULL,
        first INTEGER, last INTEGER,
        least INTEGER
    ) STRICT;
    -- model::note::Topic with its Quote, whose file is an error log's id.
    CREATE TABLE topic (
        id INTEGER PRIMARY KEY,
        why TEXT NOT NULL, host BLOB NOT NULL, path BLOB NOT NULL, thing BLOB NOT NULL,
        time INTEGER NOT NULL, log INTEGER NOT NULL, line INTEGER NOT NULL, text BLOB NOT NULL,
        UNIQUE (why, host, path, thing)
    ) STRICT;
    -- model::note::Count.
    CREATE TABLE note (
        minute INTEGER NOT NULL, addr BLOB NOT NULL, topic INTEGER NOT NULL, user INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        PRIMARY KEY (minute, addr, topic, user)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- When it was is said by the times of a case; its headline had that too.
    ALTER TABLE incident ADD COLUMN remark TEXT NOT NULL DEFAULT '';
    UPDATE incident SET headline = substr(headline, 1, instr(headline, ' since 20') - 1)
        WHERE instr(headline, ' since 20') > 0;
",
    "
    -- model::blindness::Blindness.
    CREATE TABLE blindness (
        id TEXT PRIMARY KEY,
        start INTEGER NOT NULL, end INTEGER, runs INTEGER NOT NULL, told_at INTEGER, troubles TEXT NOT NULL
    ) STRICT;
",
];

/// The version that this program writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// The version of a state; 0 for an empty one.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a state to this program's version, or refuses one that is ahead of it.
pub(super) fn migrate(db: &mut Connection) -> Result<(), Error> {
    let found = version(db)?;
    if found > VERSION {
        return Err(Error::Newer { found, known: VERSION });
    }
    let steps = STEPS.iter().zip(1_i64..).skip(usize::try_from(found).unwrap_or(0));
    for (step, version) in steps {
        let change = db.transaction()?;
        change.execute_batch(step)?;
        change.pragma_update(None, "user_version", version)?;
        change.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever version made a state, what is in it stays.
    #[test]
    fn a_state_of_any_version_becomes_one_of_this() {
        const CASE: &str = "INSERT INTO incident VALUES ('1a', 'server_side', 403, 'deny_rule', '{}', 'ongoing', 0.9, \
            1773138052, NULL, 6, 9, 0, NULL, NULL, 0, 'SERVER-SIDE FAULT: 6 clients refused (403) on /a";
        // Before version 4 a headline said when it was, and there were no remarks.
        const OLDER: &str = " since 2026-03-10 10:20 UTC, still on at the log''s end, 10:30', 'text', '{}')";
        const NEWER: &str = "', 'text', '{}', '')";
        for old in 1..VERSION {
            let mut db = Connection::open_in_memory().unwrap();
            for step in STEPS.iter().take(old as usize) {
                db.execute_batch(step).unwrap();
            }
            db.pragma_update(None, "user_version", old).unwrap();
            db.execute_batch(&format!("{CASE}{}", if old < 4 { OLDER } else { NEWER })).unwrap();
            migrate(&mut db).unwrap();
            assert_eq!(version(&db).unwrap(), VERSION);
            let cases = crate::state::cases::all(&db).unwrap();
            let expected = "SERVER-SIDE FAULT: 6 clients refused (403) on /a since 2026-03-10 10:20 UTC, still on";
            assert_eq!(cases.iter().map(|case| case.headline()).collect::<Vec<_>>(), [expected]);
        }
    }
}
