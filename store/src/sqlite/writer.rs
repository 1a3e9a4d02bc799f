//! The one writer: a thread that takes jobs from a bounded queue and commits them in groups.
//!
//! Each job runs in a savepoint of its own, so that one that fails takes nothing back from the others;
//! one commit, and so one sync, answers all. What a job saw of its neighbours in the group is not
//! durable before that, so refusals wait for the commit as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::hand::{Hand, Touched};
use super::sql_error;
use crate::error::StoreError;
use crate::failpoint::{self, Commit};

/// Jobs that may wait; whoever comes later waits for a place, up to the deadline.
pub(super) const QUEUE_MAX: usize = 1_024;
/// Jobs in one commit: bounds how long the first one waits for the rest to run.
const GROUP_MAX: usize = 256;

/// How a job ended.
#[derive(Debug, PartialEq)]
pub(super) enum Written<T> {
    /// Its result stands and, if it wrote, is durable.
    Done(T),
    /// Nothing was applied.
    Failed(StoreError),
    /// It may have been applied, now or until the commit that is under way ends.
    Doubtful(StoreError),
}

/// What a job wants done with what it wrote.
pub(super) enum Verdict<T> {
    /// Commit it.
    Keep(T),
    /// Take it back: the job was refused.
    Undo(T),
}

/// A job whose result type is hidden from the writer.
trait Job: Send {
    /// Whether its caller still waits; from then on the caller can't withdraw it.
    fn claim(&self) -> bool;
    /// Runs it; `Ok(true)`: what it wrote is to be kept.
    fn run(&mut self, connection: &Connection) -> Result<bool, StoreError>;
    /// The operation, if what it wrote is to be kept.
    fn wrote(&self) -> Option<&'static str>;
    /// What it may have changed of rows that are kept at hand.
    fn touched(&self) -> Touched;
    /// Answers its caller, after the commit or the failure of it.
    fn answer(self: Box<Self>, fate: &Fate);
}

/// What became of a group.
enum Fate {
    Committed,
    /// It was undone before the commit began.
    Lost(StoreError),
    /// The commit failed: what is on the disk is not known.
    Doubtful(StoreError),
}

const WAITING: u8 = 0;
const CLAIMED: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Decides the race between a deadline and the writer.
struct Claim(AtomicU8);

impl Claim {
    fn take(&self, state: u8) -> bool {
        self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Withdraws a job that has not begun when its caller gives up, by deadline or by being dropped.
struct Withdraw(Arc<Claim>);

impl Drop for Withdraw {
    fn drop(&mut self) {
        self.0.take(WITHDRAWN);
    }
}

struct TypedJob<T, F> {
    operation: &'static str,
    touched: Touched,
    claim: Arc<Claim>,
    work: Option<F>,
    result: Result<Verdict<T>, StoreError>,
    reply: oneshot::Sender<Written<T>>,
}

impl<T, F> Job for TypedJob<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<Verdict<T>, StoreError> + Send,
{
    fn claim(&self) -> bool {
        self.claim.take(CLAIMED)
    }

    fn run(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let Some(work) = self.work.take() else { return Ok(false) };
        let sql = |e| sql_error(self.operation, &e);
        connection.execute_batch("SAVEPOINT job").map_err(sql)?;
        self.result = work(connection);
        let keep = matches!(self.result, Ok(Verdict::Keep(_)));
        // A statement that ran out of space may have rolled back the whole group: no savepoint is left.
        if connection.is_autocommit() {
            return Err(self.result.as_ref().err().cloned().unwrap_or(StoreError::Full { operation: self.operation }));
        }
        let end = if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
        connection.execute_batch(end).map_err(sql)?;
        Ok(keep)
    }

    fn wrote(&self) -> Option<&'static str> {
        matches!(self.result, Ok(Verdict::Keep(_))).then_some(self.operation)
    }

    fn touched(&self) -> Touched {
        self.touched
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let written = match (self.result, fate) {
            (Ok(Verdict::Keep(value) | Verdict::Undo(value)), Fate::Committed) => Written::Done(value),
            (Err(error), _) => Written::Failed(error),
            (Ok(Verdict::Keep(_)), Fate::Doubtful(error)) => Written::Doubtful(error.clone()),
            (Ok(_), Fate::Doubtful(error) | Fate::Lost(error)) => Written::Failed(error.clone()),
        };
        // A caller that has gone needs no answer.
        let _ = self.reply.send(written);
    }
}

/// Handle of the writer thread. Dropping it lets the queue run dry and joins the thread.
pub(super) struct Writer {
    /// `None` only while dropping: a closed queue is what ends the thread.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    deadline: Duration,
}

impl Writer {
    /// Starts one, which takes out of `hand` what it changes.
    pub(super) fn start(connection: Connection, deadline: Duration, hand: Arc<Hand>) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, jobs, &hand))
            .map_err(|e| StoreError::from_io("starting the store's writer", &e))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), deadline })
    }

    /// Jobs that wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Runs `work`, which changes no rows that are kept at hand but what it `touched`, in the next group, and answers once
    /// that is committed.
    pub(super) async fn write<T, F>(&self, operation: &'static str, touched: Touched, work: F) -> Written<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<Verdict<T>, StoreError> + Send + 'static,
    {
        let Some(queue) = &self.queue else { return Written::Failed(StoreError::Closed) };
        let deadline = Instant::now() + self.deadline;
        let timeout = || StoreError::Timeout { operation, deadline_ms: self.deadline.as_millis() as u64 };
        let claim = Arc::new(Claim(AtomicU8::new(WAITING)));
        let withdraw = Withdraw(Arc::clone(&claim));
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { operation, touched, claim, work: Some(work), result: Err(StoreError::Closed), reply };

        match tokio::time::timeout_at(deadline, queue.reserve()).await {
            Err(_) => return Written::Failed(timeout()),
            Ok(Err(_)) => return Written::Failed(StoreError::Closed),
            Ok(Ok(place)) => place.send(Box::new(job)),
        }
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(written)) => written,
            // The writer is gone with the job in hand.
            Ok(Err(_)) => Written::Doubtful(StoreError::Closed),
            Err(_) if withdraw.0.take(WITHDRAWN) => Written::Failed(timeout()),
            Err(_) => Written::Doubtful(timeout()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>, hand: &Hand) {
    while let Some(first) = jobs.blocking_recv() {
        if !first.claim() {
            continue;
        }
        let mut group = Vec::new();
        let fate = match connection.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => run_group(connection, &mut group, first, &mut jobs),
            Err(error) => {
                group.push(first);
                Fate::Lost(explained(connection, sql_error("beginning a write", &error)))
            }
        };
        if let Fate::Lost(error) | Fate::Doubtful(error) = &fate {
            tracing::warn!(code = error.code(), %error, jobs = group.len(), "a group of writes failed");
        }
        // Before anybody knows: who is answered, and looks, must not find what was there before.
        group.iter().for_each(|job| hand.forget(job.touched()));
        for job in group {
            job.answer(&fate);
        }
    }
}

/// Runs what waits, up to the bound, and commits it.
fn run_group(
    connection: &Connection,
    group: &mut Vec<Box<dyn Job>>,
    first: Box<dyn Job>,
    jobs: &mut mpsc::Receiver<Box<dyn Job>>,
) -> Fate {
    let mut next = Some(first);
    let mut wrote = false;
    while let Some(mut job) = next {
        let ran = job.run(connection);
        group.push(job);
        match ran {
            Ok(kept) => wrote |= kept,
            Err(error) => {
                roll_back(connection);
                return Fate::Lost(error);
            }
        }
        next = if group.len() < GROUP_MAX { next_claimed(jobs) } else { None };
    }
    if !wrote {
        roll_back(connection);
        return Fate::Committed;
    }
    pass(group, Commit::Before);
    match connection.execute_batch("COMMIT") {
        Ok(()) => {
            pass(group, Commit::After);
            Fate::Committed
        }
        Err(error) => {
            roll_back(connection);
            Fate::Doubtful(explained(connection, sql_error("committing a write", &error)))
        }
    }
}

/// SQLite says of a write only that it failed. Whether the medium takes none at all, the log's file says to whoever
/// opens it for writing; no lock of SQLite's lies on that file, so opening and closing it loses none.
fn explained(connection: &Connection, error: StoreError) -> StoreError {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let (StoreError::Io { operation, .. }, Some(database)) = (&error, connection.path()) else { return error };
    match std::fs::OpenOptions::new().write(true).open(format!("{database}-wal")) {
        Err(refused) if matches!(refused.kind(), ReadOnlyFilesystem | PermissionDenied) => {
            StoreError::ReadOnly { operation }
        }
        _ => error,
    }
}

/// Passes the failpoints of all that a group writes.
fn pass(group: &[Box<dyn Job>], side: Commit) {
    group.iter().filter_map(|job| job.wrote()).for_each(|write| failpoint::commit(side, write));
}

fn next_claimed(jobs: &mut mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
    std::iter::from_fn(|| jobs.try_recv().ok()).find(|job| job.claim())
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a group of writes could not be rolled back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
        CREATE TABLE shelf (id INTEGER PRIMARY KEY);
        CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT,
            shelf INTEGER REFERENCES shelf (id) DEFERRABLE INITIALLY DEFERRED);
        PRAGMA foreign_keys = ON;";

    fn writer(deadline_ms: u64) -> (Writer, Connection, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.sqlite");
        let connection = super::super::open_to_write(&path).unwrap();
        connection.execute_batch(TABLE).unwrap();
        let writer = Writer::start(connection, Duration::from_millis(deadline_ms), Arc::new(Hand::new())).unwrap();
        (writer, Connection::open(path).unwrap(), dir)
    }

    fn add(connection: &Connection, sql: &str) -> Result<Verdict<()>, StoreError> {
        connection.execute_batch(sql).map(Verdict::Keep).map_err(|e| sql_error("adding a book", &e))
    }

    fn titles(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT title FROM book ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Starts a job that holds the writer until the sender is dropped or used, and waits till it runs.
    async fn hold(writer: &Arc<Writer>) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Written<()>>) {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (running, runs) = oneshot::channel();
        let job = tokio::spawn({
            let writer = Arc::clone(writer);
            async move {
                let hold = move |connection: &Connection| {
                    let _ = running.send(());
                    let _ = held.recv();
                    add(connection, "INSERT INTO book (title) VALUES ('first')")
                };
                writer.write("holding", Touched::Nothing, hold).await
            }
        });
        runs.await.unwrap();
        (release, job)
    }

    #[tokio::test]
    async fn jobs_that_wait_together_share_one_commit_and_fail_alone() {
        let (writer, reader, _dir) = writer(5_000);
        let writer = Arc::new(writer);
        let (release, held) = hold(&writer).await;
        let good = writer.write("good", Touched::Nothing, |c| add(c, "INSERT INTO book (title) VALUES ('good')"));
        let bad = writer.write("bad", Touched::Nothing, |c| {
            add(c, "INSERT INTO book (title) VALUES ('bad'); INSERT INTO nowhere VALUES (1)")
        });
        let refused = writer.write("refused", Touched::Nothing, |c| {
            add(c, "INSERT INTO book (title) VALUES ('refused')")?;
            Ok(Verdict::Undo(9))
        });
        let (good, bad, refused, ()) = tokio::join!(good, bad, refused, async {
            while writer.queued() < 3 {
                tokio::task::yield_now().await;
            }
            assert_eq!(titles(&reader), [""; 0], "nothing shows before the commit");
            release.send(()).unwrap();
        });
        assert_eq!(held.await.unwrap(), Written::Done(()));
        assert_eq!(good, Written::Done(()));
        assert!(matches!(bad, Written::Failed(_)), "{bad:?}");
        assert_eq!(refused, Written::Done(9));
        assert_eq!(titles(&reader), ["first", "good"]);
    }

    #[tokio::test]
    async fn a_failed_commit_is_doubtful_to_all_who_wrote_and_to_nobody_else() {
        let (writer, reader, _dir) = writer(5_000);
        let writer = Arc::new(writer);
        let (release, held) = hold(&writer).await;
        // The constraint is looked at when the commit begins.
        let dangling = writer
            .write("dangling", Touched::Nothing, |c| add(c, "INSERT INTO book (title, shelf) VALUES ('stray', 99)"));
        let refused = writer.write("refused", Touched::Nothing, |_| Ok(Verdict::Undo(())));
        let (dangling, refused, ()) = tokio::join!(dangling, refused, async {
            while writer.queued() < 2 {
                tokio::task::yield_now().await;
            }
            release.send(()).unwrap();
        });
        assert!(matches!(held.await.unwrap(), Written::Doubtful(_)));
        assert!(matches!(dangling, Written::Doubtful(_)));
        assert!(matches!(refused, Written::Failed(_)));
        assert_eq!(titles(&reader), [""; 0]);
        let next = writer.write("next", Touched::Nothing, |c| add(c, "INSERT INTO book (title) VALUES ('next')")).await;
        assert_eq!(next, Written::Done(()));
        assert_eq!(titles(&reader), ["next"]);
    }

    #[tokio::test]
    async fn a_deadline_withdraws_what_has_not_begun_and_doubts_what_has() {
        let (writer, reader, _dir) = writer(50);
        let writer = Arc::new(writer);
        let (release, held) = hold(&writer).await;
        let waiting = writer
            .write("waiting", Touched::Nothing, |c| add(c, "INSERT INTO book (title) VALUES ('withdrawn')"))
            .await;
        assert_eq!(waiting, Written::Failed(StoreError::Timeout { operation: "waiting", deadline_ms: 50 }));
        let held = held.await.unwrap();
        assert_eq!(held, Written::Doubtful(StoreError::Timeout { operation: "holding", deadline_ms: 50 }));
        release.send(()).unwrap();
        drop(Arc::into_inner(writer).expect("the last handle: its drop waits for the writer"));
        assert_eq!(titles(&reader), ["first"], "what was doubtful was applied, what was withdrawn was not");
    }

    #[tokio::test]
    async fn a_full_disk_is_said_so_and_writing_goes_on_once_there_is_space() {
        let (writer, reader, _dir) = writer(5_000);
        let limit = |pages: u32| {
            writer.write("limiting", Touched::Nothing, move |c| {
                c.pragma_update(None, "max_page_count", pages).map(Verdict::Undo).map_err(|e| sql_error("limiting", &e))
            })
        };
        assert_eq!(limit(1).await, Written::Done(()));
        let big = || {
            writer.write("filling", Touched::Nothing, |c| {
                add(c, "INSERT INTO book (title) VALUES (hex(zeroblob(100000)))")
            })
        };
        assert_eq!(big().await, Written::Failed(StoreError::Full { operation: "adding a book" }));
        assert_eq!(limit(1_000_000).await, Written::Done(()));
        assert_eq!(big().await, Written::Done(()));
        assert_eq!(titles(&reader).len(), 1);
    }
}
