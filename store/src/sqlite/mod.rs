//! The embedded records store: one SQLite file, in WAL mode, synced at every commit.
//!
//! | module | holds |
//! |---|---|
//! | `writer` | the one writing thread, and its group commits |
//! | `readers` | read-only connections |
//! | `hand` | rows in memory, as long as they are what stands on the disk |
//! | `migrate` | the schema, forward only |
//! | `payload` | rows as bytes |
//! | `export` | rows into a backup, and out of one |
//! | `projects`, `runs`, `edits`, `events`, `uploads`, `leases`, `intents` | each port method as SQL |
//! | `port` | the port itself: which of those runs where |

mod access;
mod accounts;
mod audit;
mod edits;
mod events;
mod export;
mod hand;
mod identities;
mod intents;
mod leases;
pub(crate) mod migrate;
pub(crate) mod payload;
mod port;
mod projects;
mod readers;
mod runs;
mod uploads;
mod webhooks;
mod writer;

use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};

use crate::error::StoreError;
use crate::failpoint;
use crate::folder::FolderLock;
use crate::records::{Cas, StoreIdentity};
use crate::rows::LIST_MAX;
use hand::{Hand, Table, Touched};
use readers::Readers;
use std::sync::Arc;
use writer::{Verdict, Writer, Written};

/// Name of the database file in the data folder.
pub(crate) const DATABASE_FILE: &str = "records.sqlite";

/// How long SQLite itself waits for another program's lock. Ours never wait for one another.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// The log is cut back to this after a burst.
const WAL_LIMIT_BYTES: u32 = 64 << 20;

/// The records port over SQLite.
pub(crate) struct Sqlite {
    // Order matters: fields are dropped from the top. The writer's connection closes last of the
    // two, which folds the log into the database, and only then is the folder let go.
    readers: Readers,
    writer: Writer,
    hand: Arc<Hand>,
    identity: StoreIdentity,
    path: PathBuf,
    _lock: Arc<FolderLock>,
}

impl Sqlite {
    /// Opens or makes the database of a locked data folder. Blocks.
    pub(crate) fn open(lock: Arc<FolderLock>, deadline: Duration) -> Result<Self, StoreError> {
        let path = lock.folder().join(DATABASE_FILE);
        let mut connection = open_to_write(&path)?;
        let identity = migrate::migrate(&mut connection, &path)?;
        // SQLite syncs the folder for its log, not for the database file itself.
        crate::folder::sync_folder(lock.folder())?;
        let hand = Arc::new(Hand::new());
        Ok(Self {
            readers: Readers::new(&path, deadline),
            writer: Writer::start(connection, deadline, Arc::clone(&hand))?,
            hand,
            identity,
            path,
            _lock: lock,
        })
    }

    /// A row that is at hand, or the one that a reader finds, which is at hand from then on.
    async fn found<K, R, F>(
        &self,
        (table, key): (&Table<K, R>, K),
        operation: &'static str,
        work: F,
    ) -> Result<Option<R>, StoreError>
    where
        K: Copy + Eq + Hash + Send + Sync + 'static,
        R: Clone + Send + Sync + 'static,
        F: FnOnce(&Connection) -> Result<Option<R>, StoreError> + Send + 'static,
    {
        if let Some(row) = table.get(&key) {
            return Ok(Some(Arc::unwrap_or_clone(row)));
        }
        let ticket = table.ticket(&key);
        let found = self.readers.read(operation, work).await?;
        if let Some(row) = &found {
            table.keep(key, ticket, Arc::new(row.clone()));
        }
        Ok(found)
    }

    /// A compare-and-set: what it answers as applied is kept, a conflict is undone.
    async fn cas<T, C, F>(&self, operation: &'static str, touched: Touched, work: F) -> Result<Cas<T, C>, StoreError>
    where
        T: Send + 'static,
        C: Send + 'static,
        F: FnOnce(&Connection) -> Result<Cas<T, C>, StoreError> + Send + 'static,
    {
        debug_assert!(failpoint::lists(operation), "`{operation}` is not in the list of failpoints");
        let written = self.writer.write(operation, touched, |connection| {
            Ok(match work(connection)? {
                applied @ Cas::Applied(_) => Verdict::Keep(applied),
                refused => Verdict::Undo(refused),
            })
        });
        match written.await {
            Written::Done(cas) => Ok(cas),
            Written::Failed(error) => Err(error),
            Written::Doubtful(error) => Ok(Cas::Unknown(error)),
        }
    }

    /// An idempotent write.
    async fn apply<F>(&self, operation: &'static str, touched: Touched, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    {
        debug_assert!(failpoint::lists(operation), "`{operation}` is not in the list of failpoints");
        match self.writer.write(operation, touched, |connection| work(connection).map(Verdict::Keep)).await {
            Written::Done(()) => Ok(()),
            Written::Failed(error) | Written::Doubtful(error) => Err(error),
        }
    }
}

fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let sql = |e: rusqlite::Error| match sql_error("opening the store", &e) {
        StoreError::Io { detail, .. } => StoreError::Unwritable { path: path.to_owned(), detail },
        other => other,
    };
    let connection = Connection::open(path).map_err(sql)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sql)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES).map_err(sql)?;
    Ok(connection)
}

/// What SQLite's refusal means.
fn sql_error(operation: &'static str, error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // Types or counts that don't fit: the file is not what the schema says.
        return StoreError::Corrupt { detail: format!("{operation}: {error}") };
    };
    match failure.code {
        ErrorCode::DiskFull => StoreError::Full { operation },
        // The log's index can't grow: what a full disk looks like from there.
        _ if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full { operation },
        ErrorCode::ReadOnly => StoreError::ReadOnly { operation },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked { operation },
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::Corrupt { detail: format!("{operation}: {error}") }
        }
        _ => StoreError::Io { operation, detail: format!("{error} (SQLite {})", failure.extended_code) },
    }
}

/// Numbers in columns: SQLite's are signed. Larger ones than it has sort with the largest.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The bound of a list.
fn bounded(limit: u32) -> u32 {
    limit.min(LIST_MAX)
}

/// The compare of a compare-and-set: writes where what is there has the version that was expected, `None` for nothing
/// there.
fn compared<T>(
    there: Option<T>,
    version: impl Fn(&T) -> u64,
    expected: Option<u64>,
    write: impl FnOnce() -> Result<T, StoreError>,
) -> Result<Cas<T>, StoreError> {
    if there.as_ref().map(version) == expected { write().map(Cas::Applied) } else { Ok(Cas::Conflict(there)) }
}

/// The payloads that a query finds, decoded.
fn rows<T: payload::Payload>(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<T>, StoreError> {
    let error = |e: rusqlite::Error| sql_error(operation, &e);
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    let mut found = statement.query(params).map_err(error)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(error)? {
        let bytes = row.get_ref(0).map_err(error)?;
        let bytes = bytes.as_blob().map_err(|e| StoreError::Corrupt { detail: format!("{operation}: {e}") })?;
        rows.push(payload::decode(bytes)?);
    }
    Ok(rows)
}

/// The one row that a query finds, if any.
fn row<T: payload::Payload>(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Option<T>, StoreError> {
    Ok(rows(connection, operation, sql, params)?.pop())
}

/// Runs one statement.
fn execute(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<(), StoreError> {
    let error = |e: rusqlite::Error| sql_error(operation, &e);
    connection.prepare_cached(sql).map_err(error)?.execute(params).map_err(error)?;
    Ok(())
}
