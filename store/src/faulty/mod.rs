//! A wrapper for either port that fails as a real store would, on a seed.
//!
//! Two plans: at random, from a seed, so that a failure replays; or exactly at the n-th write, so that a
//! test can go through every point of a procedure and fail it there.

mod blobs;
mod cache;
mod records;

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::StoreError;

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is applied, and the call says so.
    Refuse,
    /// Nothing is applied, and the call says that it does not know.
    Lose,
    /// It is applied, and the call says that it does not know.
    Doubt,
}

impl Fault {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Refuse, Self::Lose, Self::Doubt];
}

/// When to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// Not at all: only count the writes.
    Never,
    /// In `permille` of a thousand calls, drawn from `seed` in the order of the calls. Reads are refused;
    /// writes fail in any way.
    Random {
        /// Replays the same failures for the same order of calls.
        seed: u64,
        /// From 0 to 1,000.
        permille: u16,
    },
    /// At the `nth` write, counted from 0, and never else.
    Nth {
        /// Which write.
        nth: u64,
        /// How it fails.
        fault: Fault,
    },
}

/// A port that fails by plan, around one that works.
pub struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    faults: Faults,
    /// A std mutex: held to draw, never over an await.
    state: Mutex<State>,
}

struct State {
    random: u64,
    writes: u64,
    injected: u64,
}

impl<T: ?Sized> Faulty<T> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<T>, faults: Faults) -> Self {
        let random = if let Faults::Random { seed, .. } = faults { seed } else { 0 };
        Self { inner, faults, state: Mutex::new(State { random, writes: 0, injected: 0 }) }
    }

    /// How many writes were asked for.
    pub fn writes(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).writes
    }

    /// How many calls were made to fail.
    pub fn injected(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).injected
    }

    /// The fault of the read at hand, if any: reads are only refused.
    fn fail_read(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.faults {
            Faults::Random { permille, .. } if state.draw() % 1_000 < u64::from(permille) => {
                state.injected += 1;
                Err(injected())
            }
            _ => Ok(()),
        }
    }

    /// The fault of the write at hand, if any.
    fn write_fault(&self) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = state.writes;
        state.writes += 1;
        let fault = match self.faults {
            Faults::Random { permille, .. } if state.draw() % 1_000 < u64::from(permille) => {
                Some(Fault::ALL[(state.draw() % Fault::ALL.len() as u64) as usize])
            }
            Faults::Nth { nth: at, fault } if at == nth => Some(fault),
            _ => None,
        };
        state.injected += u64::from(fault.is_some());
        fault
    }

    /// An idempotent write under the plan.
    async fn apply<R>(&self, write: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
        match self.write_fault() {
            None => write.await,
            Some(Fault::Refuse | Fault::Lose) => Err(injected()),
            Some(Fault::Doubt) => {
                write.await?;
                Err(injected())
            }
        }
    }
}

impl State {
    /// SplitMix64 (Steele, Lea and Flood 2014, figure 15).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn injected() -> StoreError {
    StoreError::Unavailable { detail: "a fault that a test injected".into() }
}
