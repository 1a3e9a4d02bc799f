//! Threads that hash passwords, behind everybody else who wants the processor.
//!
//! A hash takes a core for some 25 ms, which is a hundred times what answering a request takes. On threads like all
//! others, whoever asks for something while people sign in would wait for a slice of the processor to end. So a hash is
//! computed in processor time that nobody else wants: a thread of that kind makes way the moment that another one wakes
//! up. Where all of the processor is wanted all the time, that could take for ever: what is not there after [`PATIENCE`]
//! is computed once more by a thread that only stands back a little ([`NICE`]), and whichever is first counts. One
//! thread that changes from the first kind to the second would need a privilege.
//!
//! All of them keep the memory that Argon2 wants: to have it anew each time is to have the system clear it, under a lock
//! that every other thread's memory needs too. They have it before they stand back, so that no other thread waits for
//! one that holds this lock and gets no time.

#![allow(unsafe_code, reason = "no safe wrapper sets a thread's policy, which is one call to the system")]

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argon2::Block;
use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a hash may take in processor time that nobody else wants.
const PATIENCE: Duration = Duration::from_millis(500);
/// How much the others stand back: where the processor is all taken they still get a third of what another thread gets.
const NICE: i32 = 5;
/// How much a thread can.
const NICE_MAX: i32 = 19;
/// How long a thread that has nothing to do stays, and its memory with it.
const REST: Duration = Duration::from_secs(60);

/// What Argon2 works in.
pub(super) type Memory = Vec<Block>;

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

/// The threads, which begin as jobs come: those of two runtimes that have nothing else. How many jobs may wait is the
/// caller's to bound.
pub(super) struct Threads {
    /// Those that take what nobody else wants.
    idle: Option<Runtime>,
    /// As many of them as have nothing to do. No job queues for one: it could be over before its turn comes.
    resting: Arc<Semaphore>,
    /// Those that do what takes the first too long.
    sure: Option<Runtime>,
    /// When it has been too long.
    patience: Duration,
}

/// Nobody waits any more for what was to be done.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Threads {
    /// So many of either kind, with memory of so many blocks each.
    pub(super) fn new(count: usize, blocks: usize) -> Self {
        Self::with_patience(count, blocks, PATIENCE)
    }

    fn with_patience(count: usize, blocks: usize, patience: Duration) -> Self {
        let count = count.max(1);
        let (idle, sure) = (runtime(count, blocks, take_what_is_left), runtime(count, blocks, stand_back));
        Self { idle, resting: Arc::new(Semaphore::new(count)), sure, patience }
    }

    /// Has a thread do something, or two of them the same; `None` where none can, or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Memory) -> T + Send + Sync + 'static,
    ) -> Option<T> {
        let (idle, sure) = (self.idle.as_ref()?, self.sure.as_ref()?);
        let (work, is_over) = (Arc::new(work), Arc::new(AtomicBool::new(false)));
        let _over = Over(is_over.clone());
        let begin = |threads: &Runtime, rests: Option<OwnedSemaphorePermit>| {
            let (work, is_over) = (work.clone(), is_over.clone());
            threads.spawn_blocking(move || {
                let _rests = rests;
                let is_wanted = !is_over.load(Ordering::Relaxed);
                is_wanted.then(|| MEMORY.with_borrow_mut(|memory| work(memory)))
            })
        };
        let first = async {
            match self.resting.clone().acquire_owned().await {
                Ok(rests) => begin(idle, Some(rests)).await,
                // It is never closed.
                Err(_) => std::future::pending().await,
            }
        };
        let mut first = pin!(first);
        let done = match tokio::time::timeout(self.patience, &mut first).await {
            Ok(done) => done,
            Err(_) => {
                let second = begin(sure, None);
                tokio::select! { done = first => done, done = second => done }
            }
        };
        // What a panic says may hold what was hashed.
        done.map_err(|_| tracing::error!("hashing a password panicked")).ok().flatten()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for threads in [self.idle.take(), self.sure.take()].into_iter().flatten() {
            // Whoever drops it may be a task, which must not wait.
            threads.shutdown_background();
        }
    }
}

fn runtime(count: usize, blocks: usize, stand: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Option<Runtime> {
    let prepare = move || {
        MEMORY.with_borrow_mut(|memory| memory.resize(blocks, Block::new()));
        if let Err(error) = stand() {
            tracing::warn!(%error, "hashing passwords is as important to the system as all else");
        }
    };
    let mut threads = Builder::new_current_thread();
    threads.max_blocking_threads(count).thread_keep_alive(REST).thread_name("passwords");
    let begun = threads.on_thread_start(prepare).build();
    begun.map_err(|error| tracing::error!(%error, "there are no threads to hash passwords")).ok()
}

/// This thread gets what nobody else wants of the processor; where that is not allowed, less than others.
fn take_what_is_left() -> io::Result<()> {
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: the system only reads `none`; 0 is the thread that asks.
    let said = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) };
    if said == 0 { Ok(()) } else { stand_back() }
}

/// This thread gets less than others.
fn stand_back() -> io::Result<()> {
    // On Linux this is of the thread alone.
    Ok(setpriority_process(None, (getpriority_process(None)? + NICE).min(NICE_MAX))?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Threads of which the first kind does it all, however busy the machine is.
    fn patient(count: usize) -> Threads {
        Threads::with_patience(count, 8, Duration::from_secs(3_600))
    }

    #[tokio::test]
    async fn threads_do_what_is_asked_in_order_and_outlive_what_panics() {
        let threads = patient(1);
        assert_eq!(threads.run(|memory| memory.len()).await, Some(8));
        let (one, broken, other) = tokio::join!(
            threads.run(|memory| {
                memory.resize(9, Block::new());
                1
            }),
            threads.run(|_| -> u8 { panic!("as planned") }),
            threads.run(|memory| memory.len()),
        );
        assert_eq!((one, broken, other), (Some(1), None, Some(9)), "the memory stays");
    }

    /// How the system treats this thread: its policy, and how nice it is.
    fn standing() -> (i32, i32) {
        // SAFETY: nothing is handed over; 0 is the thread that asks.
        let policy = unsafe { libc::sched_getscheduler(0) };
        (policy, getpriority_process(None).unwrap())
    }

    #[tokio::test]
    async fn threads_stand_back_and_those_that_asked_do_not() {
        let before = standing();
        let (theirs, _) = patient(2).run(|_| standing()).await.unwrap();
        assert_eq!((theirs, standing()), (libc::SCHED_IDLE, before));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_done_once_more_with_more_of_the_processor() {
        let threads = Threads::new(1, 8);
        let (let_go, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let held = Arc::new(Mutex::new(held));
        let sure = (libc::SCHED_OTHER, (standing().1 + NICE).min(NICE_MAX));
        // Until the thread that stands back is at it: on a busy machine it may not have come to the first ones at all.
        while begun.try_recv().is_err() {
            let (held, begin) = (held.clone(), begin.clone());
            let done = threads.run(move |_| {
                let (policy, nice) = standing();
                if policy == libc::SCHED_IDLE {
                    let _ = begin.send(());
                    // Until the test is over.
                    let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(Duration::from_secs(60));
                }
                (policy, nice)
            });
            assert_eq!(done.await, Some(sure));
        }
        // Others find no thread at rest, and get theirs too.
        assert_eq!(threads.run(|_| standing().0).await, Some(libc::SCHED_OTHER));
        drop(let_go);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whichever_of_two_is_first_everybody_is_answered() {
        let threads = Arc::new(Threads::with_patience(2, 8, Duration::ZERO));
        let asked: Vec<_> = (0..2_000)
            .map(|nth| {
                let threads = threads.clone();
                tokio::spawn(async move { threads.run(move |_| nth).await })
            })
            .collect();
        for (nth, one) in asked.into_iter().enumerate() {
            assert_eq!(one.await.unwrap(), Some(nth));
        }
    }
}
