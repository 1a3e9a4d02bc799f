//! A few read-only connections, used on the runtime's blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{BUSY_TIMEOUT, sql_error};
use crate::error::StoreError;

/// Reads that run at the same time; later ones wait for a place, up to the deadline.
pub(super) const READERS_MAX: usize = 4;

pub(super) struct Readers {
    path: PathBuf,
    places: Arc<Semaphore>,
    /// A std mutex: it is held for a push or a pop, never over an await.
    idle: Arc<Mutex<Vec<Connection>>>,
    deadline: Duration,
}

impl Readers {
    pub(super) fn new(path: &Path, deadline: Duration) -> Self {
        Self { path: path.to_owned(), places: Arc::new(Semaphore::new(READERS_MAX)), idle: Arc::default(), deadline }
    }

    /// Reads that run.
    pub(super) fn running(&self) -> usize {
        READERS_MAX.saturating_sub(self.places.available_permits())
    }

    /// Runs `work` on a connection that sees everything answered as applied before the call.
    pub(super) async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let deadline = Instant::now() + self.deadline;
        let timeout = || StoreError::Timeout { operation, deadline_ms: self.deadline.as_millis() as u64 };
        let place = tokio::time::timeout_at(deadline, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| timeout())?
            .map_err(|_| StoreError::Closed)?;
        let connection = match self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let interrupt = connection.get_interrupt_handle();
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let result = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            // Held until here, so that there are never more connections than places.
            drop(place);
            result
        });
        match tokio::time::timeout_at(deadline, read).await {
            Ok(Ok(result)) => result,
            Ok(Err(join)) => Err(StoreError::Io { operation, detail: join.to_string() }),
            Err(_) => {
                interrupt.interrupt();
                Err(timeout())
            }
        }
    }
}

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let sql = |e: rusqlite::Error| sql_error("opening the store to read", &e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
    Ok(connection)
}
