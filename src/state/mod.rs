//! What is remembered between runs: how far each log was read, the requests of the last days, the cases, and what is
//! still to be delivered. Owns the database, its lock and its invariant; decides nothing about logs or incidents.
//!
//! One transaction per run moves positions, requests, cases and messages together, so that a run that is killed has
//! either happened or not. The database is SQLite in WAL mode: [`Store::look`] reads it at any time, also while a run
//! is writing. Messages leave the state only once they were delivered, so that one may arrive twice, but none is lost.
//!
//! The invariant, checked before every commit: for each log `lines = parsed + rejected + blank`, and over all of them
//! the lines understood are the requests kept and those that were dropped with their age.

mod blindness;
mod cases;
mod errors;
mod logs;
pub mod memo;
mod schema;
mod usual;

pub use errors::ErrorLog;
pub use logs::Log;

use crate::{
    exchange::{self, Damage},
    model::{blindness::Blindness, case::Case, note::Notes, tally::Shard, time::Time, usual::Usual},
};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, config::DbConfig, params,
};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

const DATABASE: &str = "authfault.sqlite";
/// What was committed and waits for its place in the database, where SQLite looks for it.
const WAL: &str = "authfault.sqlite-wal";
const LOCK: &str = "lock";
/// So much waits at most: each run begins by reading it.
const WAL_BYTES_MAX: u64 = 2 << 20;
/// How long a reader waits for a writer, and the other way round.
const BUSY: Duration = Duration::from_secs(5);

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be made or written to.
    #[error("cannot use the state folder: {0}; give another one with --state DIR")]
    Folder(io::Error),
    /// There is nothing yet.
    #[error("no state here yet; `authfault check` makes one")]
    Absent,
    /// An older program wrote it, and only a run changes it.
    #[error("the state is of an older version; the next `authfault check` brings it up to date")]
    Older,
    /// Another run is at it.
    #[error("another run is still at work on this state; it was waited for, and this run did nothing")]
    Locked,
    /// A newer program wrote it.
    #[error("the state has version {found}, this program knows {known}; update authfault, or give another --state DIR")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A piece of it is not what was written.
    #[error("the state is damaged ({0}); move the folder away, and the next run begins anew")]
    Damaged(Damage),
    /// Lines were read that were not counted, or the other way round.
    #[error(
        "the state does not add up ({0}), so nothing was changed; move the folder away, and the next run begins anew"
    )]
    DoesNotAddUp(String),
    /// SQLite says no.
    #[error("the state cannot be used: {why}{advice}", why = .0, advice = advice(.0))]
    Database(#[from] rusqlite::Error),
}

/// What to do where SQLite names the trouble alone.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => "; is the disk full?",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; move the folder away, and the next run begins anew"
        }
        _ => "",
    }
}

/// The state, opened.
pub struct Store {
    db: Connection,
    folder: PathBuf,
    /// Held until the end of the run.
    _lock: Option<File>,
}

/// A stretch of requests, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its key.
    pub id: i64,
    /// How often it was folded from smaller ones.
    pub level: u32,
    /// Requests in it.
    pub requests: u64,
    /// The earliest of them.
    pub first: Time,
    /// The latest of them.
    pub last: Time,
    /// Bytes that it takes.
    pub size_bytes: u64,
}

/// A message that was not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its key.
    pub id: i64,
    /// For which channel.
    pub channel: String,
    /// Whatever the channel understands.
    pub message: String,
    /// How many runs have tried.
    pub attempts: u32,
}

/// What a run changes, all of it or nothing.
#[derive(Debug, Default)]
pub struct Change {
    /// Every log that was seen, as it stands now. An id of 0 is given one.
    pub logs: Vec<Log>,
    /// Logs to forget.
    pub forgotten_logs: Vec<u32>,
    /// Every error log that was seen, as it stands now.
    pub error_logs: Vec<ErrorLog>,
    /// Error logs to forget: nothing quotes them.
    pub forgotten_error_logs: Vec<u32>,
    /// What they say that is new, with the horizon of what is remembered.
    pub notes: Option<(Notes, Time)>,
    /// Pieces that go, folded into others or with their age.
    pub dropped_pieces: Vec<i64>,
    /// Requests that went with their age, or were never kept for it.
    pub dropped_requests: u64,
    /// New pieces, each with how often it was folded.
    pub pieces: Vec<(u32, Shard)>,
    /// Cases that changed.
    pub cases: Vec<Case>,
    /// When checks were blind last, where this run changes it.
    pub blindness: Option<Blindness>,
    /// Cases to forget.
    pub forgotten_cases: Vec<String>,
    /// Messages by channel.
    pub messages: Vec<(String, String)>,
    /// What is usual, where it was learnt anew.
    pub usual: Option<Usual>,
    /// Facts by name.
    pub facts: Vec<(&'static str, i64)>,
    /// Words by name.
    pub words: Vec<(&'static str, String)>,
}

impl Store {
    /// Opens the state in a folder for a run, making it where there is none, and keeps other runs out.
    ///
    /// # Errors
    /// Another run did not end within `wait_secs`, or the state cannot be used.
    pub fn open(folder: &Path, wait_secs: u32) -> Result<Self, Error> {
        make_private(folder).map_err(Error::Folder)?;
        let lock = lock(&folder.join(LOCK), wait_secs)?;
        let mut db = Connection::open(folder.join(DATABASE))?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        // What was committed survives a crash of the machine.
        db.pragma_update(None, "synchronous", "FULL")?;
        // Most runs change little: their pages wait for a later run to move them, which spares each run two of its
        // three waits for the disk. SQLite's own way would leave a log at its greatest length, and each run would read
        // and move all of it again.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        schema::migrate(&mut db)?;
        Ok(Self { db, folder: folder.to_owned(), _lock: Some(lock) })
    }

    /// Opens it for a run that changes nothing: one that would make the state has it in memory.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn rehearse(folder: &Path, wait_secs: u32) -> Result<Self, Error> {
        if folder.join(DATABASE).exists() {
            return Self::open(folder, wait_secs);
        }
        let mut db = Connection::open_in_memory()?;
        schema::migrate(&mut db)?;
        Ok(Self { db, folder: folder.to_owned(), _lock: None })
    }

    /// Opens it to look at, at any time.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn look(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(DATABASE);
        if !path.exists() {
            return Err(Error::Absent);
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(BUSY)?;
        match schema::version(&db)? {
            schema::VERSION => Ok(Self { db, folder: folder.to_owned(), _lock: None }),
            // A run is making it just now.
            0 => Err(Error::Absent),
            found if found < schema::VERSION => Err(Error::Older),
            found => Err(Error::Newer { found, known: schema::VERSION }),
        }
    }

    /// All logs that are known.
    ///
    /// # Errors
    /// The database cannot be read, as for all that follows.
    pub fn logs(&self) -> Result<Vec<Log>, Error> {
        logs::all(&self.db)
    }

    /// All error logs that are known.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn error_logs(&self) -> Result<Vec<ErrorLog>, Error> {
        errors::all(&self.db)
    }

    /// What they said, in the servers' own times; the file of a quote is the log's id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn notes(&self) -> Result<Notes, Error> {
        errors::notes(&self.db)
    }

    /// All cases, by start.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        cases::all(&self.db)
    }

    /// When checks could not tell how things stand, by start; last is what was noted beside the database, if anything.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn blindness(&self) -> Result<Vec<Blindness>, Error> {
        let mut all = blindness::all(&self.db)?;
        all.extend(memo::recall(&self.folder));
        Ok(all)
    }

    /// A number.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<i64>, Error> {
        let find = "SELECT value FROM fact WHERE name = ?1";
        Ok(self.db.query_row(find, [name], |row| row.get(0)).optional()?)
    }

    /// A word; empty where there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn word(&self, name: &str) -> Result<String, Error> {
        let find = "SELECT value FROM fact WHERE name = ?1";
        Ok(self.db.query_row(find, [name], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    /// What is usual, as it was learnt last; none before that.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn usual(&self) -> Result<Option<Usual>, Error> {
        let busiest = self.fact(usual::BUSIEST)?;
        busiest.map(|busiest| usual::all(&self.db, busiest as u32)).transpose()
    }

    /// What pieces there are, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pieces(&self) -> Result<Vec<Piece>, Error> {
        let find = "SELECT id, level, requests, first, last, length(shard) FROM piece ORDER BY last, id";
        let mut find = self.db.prepare(find)?;
        let piece = |row: &rusqlite::Row<'_>| {
            Ok(Piece {
                id: row.get(0)?,
                level: row.get(1)?,
                requests: row.get::<_, i64>(2)? as u64,
                first: Time(row.get(3)?),
                last: Time(row.get(4)?),
                size_bytes: row.get::<_, i64>(5)? as u64,
            })
        };
        Ok(find.query_map([], piece)?.collect::<Result<_, _>>()?)
    }

    /// The requests of a piece.
    ///
    /// # Errors
    /// They are not what was written.
    pub fn shard(&self, piece: i64) -> Result<Shard, Error> {
        let bytes: Vec<u8> = self.db.query_row("SELECT shard FROM piece WHERE id = ?1", [piece], |row| row.get(0))?;
        exchange::decode(&bytes).map_err(Error::Damaged)
    }

    /// What is still to be delivered, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pending(&self) -> Result<Vec<Pending>, Error> {
        let mut find = self.db.prepare("SELECT id, channel, message, attempts FROM outbox ORDER BY id")?;
        let pending = |row: &rusqlite::Row<'_>| {
            Ok(Pending { id: row.get(0)?, channel: row.get(1)?, message: row.get(2)?, attempts: row.get(3)? })
        };
        Ok(find.query_map([], pending)?.collect::<Result<_, _>>()?)
    }

    /// A message has arrived.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn delivered(&self, message: i64) -> Result<(), Error> {
        self.db.execute("DELETE FROM outbox WHERE id = ?1", [message])?;
        Ok(())
    }

    /// A message has not arrived, and stays.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn failed(&self, message: i64) -> Result<(), Error> {
        self.db.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?1", [message])?;
        Ok(())
    }

    /// Makes a change, all of it or nothing.
    ///
    /// # Errors
    /// It would not add up, or the database cannot be written; nothing is changed then.
    pub fn commit(&mut self, change: &Change) -> Result<(), Error> {
        let run = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for log in &change.logs {
            logs::put(&run, log)?;
        }
        for log in &change.forgotten_logs {
            dropped_with(&run, *log)?;
        }
        for log in &change.error_logs {
            errors::put(&run, log)?;
        }
        if let Some((notes, horizon)) = &change.notes {
            errors::add_notes(&run, notes, *horizon)?;
        }
        for log in &change.forgotten_error_logs {
            run.execute("DELETE FROM error_log WHERE id = ?1", [log])?;
        }
        for piece in &change.dropped_pieces {
            run.execute("DELETE FROM piece WHERE id = ?1", [piece])?;
        }
        for (level, shard) in &change.pieces {
            put_piece(&run, *level, shard)?;
        }
        for case in &change.cases {
            cases::put(&run, case)?;
        }
        if let Some(blindness) = &change.blindness {
            blindness::put(&run, blindness)?;
        }
        for case in &change.forgotten_cases {
            run.execute("DELETE FROM incident WHERE id = ?1", [case])?;
        }
        for (channel, message) in &change.messages {
            run.execute("INSERT INTO outbox (channel, message) VALUES (?1, ?2)", [channel, message])?;
        }
        if let Some(usual) = &change.usual {
            usual::put(&run, usual)?;
        }
        add(&run, "dropped_requests", change.dropped_requests as i64)?;
        for (name, value) in &change.facts {
            run.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", params![name, value])?;
        }
        for (name, value) in &change.words {
            run.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", params![name, value])?;
        }
        adds_up(&run)?;
        run.commit()?;
        // The note is in the database now. One that stays is only told of once more.
        let _ = memo::note(&self.folder, None);
        self.settle();
        Ok(())
    }

    /// Puts what was committed in its place where it has grown long. It is safe where it is, so what keeps it there (a
    /// reader, a full disk) is for a later run.
    fn settle(&self) {
        if fs::metadata(self.folder.join(WAL)).is_ok_and(|wal| wal.len() > WAL_BYTES_MAX) {
            let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

/// Requests that are only counted are requests too.
fn put_piece(run: &Transaction<'_>, level: u32, shard: &Shard) -> Result<(), Error> {
    let times = || {
        shard.visits.iter().flat_map(|(bucket, visits)| {
            visits.iter().map(move |visit| u32::from(*bucket) << 16 | u32::from(visit.second))
        })
    };
    let counted = shard.counted.span.map(|(first, last)| [first.0, last.0]);
    let ends = || times().chain(counted.into_iter().flatten());
    let (Some(first), Some(last)) = (ends().min(), ends().max()) else { return Ok(()) };
    let requests = times().count() as u64 + shard.counted.all().requests;
    let put = "INSERT INTO piece (level, requests, first, last, shard) VALUES (?1, ?2, ?3, ?4, ?5)";
    run.execute(put, params![level, requests as i64, first, last, exchange::encode(shard)])?;
    Ok(())
}

/// A log is forgotten; what was understood of it stays in the sum.
fn dropped_with(run: &Transaction<'_>, log: u32) -> Result<(), Error> {
    let find = "SELECT parsed FROM log WHERE id = ?1";
    let parsed: Option<i64> = run.query_row(find, [log], |row| row.get(0)).optional()?;
    run.execute("DELETE FROM log WHERE id = ?1", [log])?;
    add(run, "forgotten_parsed", parsed.unwrap_or(0))
}

fn add(run: &Transaction<'_>, name: &str, number: i64) -> Result<(), Error> {
    let put = "INSERT INTO fact VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2";
    run.execute(put, params![name, number])?;
    Ok(())
}

/// See the top of this file.
fn adds_up(run: &Transaction<'_>) -> Result<(), Error> {
    let number = |query: &str| run.query_row(query, [], |row| row.get::<_, i64>(0));
    let odd = |table: &str| number(&format!("SELECT count(*) FROM {table} WHERE lines <> parsed + rejected + blank"));
    let odd = odd("log")? + odd("error_log")?;
    let fact = |name: &str| number(&format!("SELECT coalesce((SELECT value FROM fact WHERE name = '{name}'), 0)"));
    let understood = number("SELECT coalesce(sum(parsed), 0) FROM log")? + fact("forgotten_parsed")?;
    let kept = number("SELECT coalesce(sum(requests), 0) FROM piece")? + fact("dropped_requests")?;
    if odd > 0 || understood != kept {
        return Err(Error::DoesNotAddUp(format!("{understood} lines understood, {kept} requests counted")));
    }
    Ok(())
}

/// Logs tell who came when: the state is for its owner alone.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes the lock, waiting a while for whoever has it. The system lets go of it when a run ends, however it ends.
fn lock(path: &PathBuf, wait_secs: u32) -> Result<File, Error> {
    const STEP: Duration = Duration::from_millis(100);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(Error::Folder)?;
    for _ in 0..=wait_secs.saturating_mul(10) {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(STEP),
            Err(TryLockError::Error(error)) => return Err(Error::Folder(error)),
        }
    }
    Err(Error::Locked)
}
