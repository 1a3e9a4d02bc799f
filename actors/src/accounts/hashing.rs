//! Threads that hash passwords, behind everybody else who wants the processor.
//!
//! A hash takes a core for some 25 ms, which is a hundred times what answering a request takes. On threads like all
//! others, whoever asks for something while people sign in would wait for a slice of the processor to end. These say to
//! the system that they can wait ([`NICE`]), and keep the memory that Argon2 wants: to have it anew each time is to
//! have the system clear it, under a lock that every other thread's memory needs too.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use argon2::Block;
use rustix::process::{getpriority_process, setpriority_process};
use tokio::sync::oneshot;

/// How much these threads stand back: where the processor is all taken they still get a tenth of what another thread
/// gets.
const NICE: i32 = 10;
/// How much a thread can.
const NICE_MAX: i32 = 19;
/// How long a thread that has nothing to do keeps its memory.
const REST: Duration = Duration::from_secs(10);

/// What Argon2 works in.
pub(super) type Memory = Vec<Block>;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads, which begin with the first job and end with the last handle.
pub(super) struct Threads {
    count: usize,
    queue: OnceLock<Arc<Queue>>,
}

/// Jobs that wait. How many there may be is the caller's to bound.
#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    came: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl Threads {
    pub(super) fn new(count: usize) -> Self {
        Self { count: count.max(1), queue: OnceLock::new() }
    }

    /// Has a thread do something; `None` where none can, or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Whoever asked may have gone.
            let _ = tell.send(work(memory));
        });
        let queue = self.queue.get_or_init(|| begin(self.count));
        queue.lock().waiting.push_back(job);
        queue.came.notify_one();
        told.await.ok()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.get() {
            queue.lock().closed = true;
            queue.came.notify_all();
        }
    }
}

fn begin(count: usize) -> Arc<Queue> {
    let queue = Arc::new(Queue::default());
    for _ in 0..count {
        let its = queue.clone();
        if let Err(error) = std::thread::Builder::new().name("passwords".into()).spawn(move || work(&its)) {
            tracing::error!(%error, "a thread that hashes passwords could not be started");
        }
    }
    queue
}

fn work(queue: &Queue) {
    // On Linux this is of the thread alone.
    let stood_back = getpriority_process(None).and_then(|now| setpriority_process(None, (now + NICE).min(NICE_MAX)));
    if let Err(error) = stood_back {
        tracing::warn!(%error, "hashing passwords is as important to the system as all else");
    }
    let mut memory = Memory::new();
    while let Some(job) = queue.next(&mut memory) {
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` once there are to be no more. Memory is given back where none comes for long.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            let waited = self.came.wait_timeout(jobs, REST).unwrap_or_else(PoisonError::into_inner);
            if waited.1.timed_out() {
                *memory = Memory::new();
            }
            jobs = waited.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn threads_do_what_is_asked_in_order_and_outlive_what_panics() {
        let threads = Threads::new(1);
        assert_eq!(threads.run(|memory| memory.len()).await, Some(0));
        let (one, broken, other) = tokio::join!(
            threads.run(|memory| {
                memory.resize(8, Block::new());
                1
            }),
            threads.run(|_| -> u8 { panic!("as planned") }),
            threads.run(|memory| memory.len()),
        );
        assert_eq!((one, broken, other), (Some(1), None, Some(8)), "the memory stays");
    }

    #[tokio::test]
    async fn threads_stand_back_and_those_that_asked_do_not() {
        let nice = || getpriority_process(None).unwrap();
        let before = nice();
        let theirs = Threads::new(2).run(move |_| nice()).await.unwrap();
        assert_eq!((theirs, nice()), ((before + NICE).min(NICE_MAX), before));
    }
}
