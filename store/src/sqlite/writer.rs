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

use super::sql_error;
use crate::error::StoreError;

/// Jobs that may wait; whoever comes later waits for a place, up to the deadline.
const QUEUE_MAX: usize = 1_024;
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
    pub(super) fn start(connection: Connection, deadline: Duration) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, jobs))
            .map_err(|e| StoreError::from_io("starting the store's writer", &e))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), deadline })
    }

    /// Jobs that wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Runs `work` in the next group and answers once that is committed.
    pub(super) async fn write<T, F>(&self, operation: &'static str, work: F) -> Written<T>
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
        let job = TypedJob { operation, claim, work: Some(work), result: Err(StoreError::Closed), reply };

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

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = jobs.blocking_recv() {
        if !first.claim() {
            continue;
        }
        let mut group = Vec::new();
        let fate = match connection.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => run_group(connection, &mut group, first, &mut jobs),
            Err(error) => {
                group.push(first);
                Fate::Lost(sql_error("beginning a write", &error))
            }
        };
        if let Fate::Lost(error) | Fate::Doubtful(error) = &fate {
            tracing::warn!(code = error.code(), %error, jobs = group.len(), "a group of writes failed");
        }
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
    match connection.execute_batch("COMMIT") {
        Ok(()) => Fate::Committed,
        Err(error) => {
            roll_back(connection);
            Fate::Doubtful(sql_error("committing a write", &error))
        }
    }
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
