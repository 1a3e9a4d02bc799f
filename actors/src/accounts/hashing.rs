//! Threads that hash passwords, behind everybody else who wants the processor.
//!
//! A hash takes a core for some 25 ms, which is a hundred times what answering a request takes. On threads like all
//! others, whoever asks for something while people sign in would wait for a slice of the processor to end. These say to
//! the system that they can wait ([`NICE`]), and keep the memory that Argon2 wants: to have it anew each time is to
//! have the system clear it, under a lock that every other thread's memory needs too.

use std::cell::RefCell;
use std::time::Duration;

use argon2::Block;
use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};

/// How much these threads stand back: where the processor is all taken they still get a third of what another thread
/// gets.
const NICE: i32 = 5;
/// How much a thread can.
const NICE_MAX: i32 = 19;
/// How long a thread that has nothing to do stays, and its memory with it.
const REST: Duration = Duration::from_secs(10);

/// What Argon2 works in.
pub(super) type Memory = Vec<Block>;

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

/// The threads, which begin as jobs come: those of a runtime that has nothing else. How many jobs may wait is the
/// caller's to bound.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn new(count: usize) -> Self {
        let mut threads = Builder::new_current_thread();
        threads.max_blocking_threads(count.max(1)).thread_keep_alive(REST).thread_name("passwords");
        let begun = threads.on_thread_start(stand_back).build();
        let failed = |error| tracing::error!(%error, "there are no threads to hash passwords");
        Self(begun.map_err(failed).ok())
    }

    /// Has a thread do something; `None` where none can, or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let done = self.0.as_ref()?.spawn_blocking(move || MEMORY.with_borrow_mut(work)).await;
        // What a panic says may hold what was hashed.
        done.map_err(|_| tracing::error!("hashing a password panicked")).ok()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            // Whoever drops it may be a task, which must not wait.
            threads.shutdown_background();
        }
    }
}

fn stand_back() {
    // On Linux this is of the thread alone.
    let stood_back = getpriority_process(None).and_then(|now| setpriority_process(None, (now + NICE).min(NICE_MAX)));
    if let Err(error) = stood_back {
        tracing::warn!(%error, "hashing passwords is as important to the system as all else");
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
