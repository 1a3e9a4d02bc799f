//! A tenant's items of one length, as they lie for a batch to be copied from.

use std::collections::VecDeque;

use crate::arena::{Handle, Name};
use crate::arrivals::Arrivals;

/// Gone items that a lane may hold beyond as many as it has queued.
const LANE_SLACK: usize = 32;

/// An item as it stands in a queue: one cache line with all that handing it out needs, so that a batch is written from
/// lanes as they lie.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Queued {
    pub(crate) name: Name,
    /// Its number among its tenant's arrivals.
    pub(crate) seq: u64,
    pub(crate) handle: Handle,
    /// At most 65,535, as [`Config`](crate::Config) has it.
    pub(crate) tokens: u16,
}

const _: () = assert!(size_of::<Queued>() == 64);

/// A tenant's items in one bucket, by arrival. Those that left from the middle are noticed when they come to the
/// front, and swept out when they are the most.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Queued>,
    /// Those that are still queued.
    pub(crate) live: u32,
}

impl Lane {
    /// The next item.
    #[inline]
    pub(crate) fn front(&self) -> Option<&Queued> {
        self.queue.front()
    }

    /// The first so many that stand here.
    #[inline]
    pub(crate) fn first(&self, items: usize) -> impl Iterator<Item = &Queued> {
        self.queue.iter().take(items)
    }

    /// Whether some that stand here are queued no more.
    #[inline]
    pub(crate) fn has_gone(&self) -> bool {
        self.queue.len() > self.live as usize
    }

    /// Leaves a queued item at the front.
    pub(crate) fn trim(&mut self, arrivals: &Arrivals) {
        while self.queue.front().is_some_and(|item| !arrivals.holds(item.seq)) {
            self.queue.pop_front();
        }
        if self.queue.len() > 2 * self.live as usize + LANE_SLACK {
            self.queue.retain(|item| arrivals.holds(item.seq));
        }
    }

    /// What is queued here, for checks.
    pub(crate) fn count(&self, arrivals: &Arrivals) -> u64 {
        self.queue.iter().filter(|item| arrivals.holds(item.seq)).count() as u64
    }
}
