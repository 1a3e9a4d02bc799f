//! Work that somebody waits for: earliest deadline first.

use std::collections::BTreeSet;

use crate::arena::{Arena, Handle};
use crate::batch::{Chosen, Limits};
use crate::run::Runs;

/// Items looked at for one batch.
const LOOK_AHEAD: usize = 512;

/// Interactive items of one model, by when they are due, then by arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct InteractiveQueue {
    queue: BTreeSet<(u64, u64, Handle)>,
    arrived: u64,
}

impl InteractiveQueue {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Queues an item that is due at `due_ms`.
    pub(crate) fn push(&mut self, arena: &mut Arena, handle: Handle, bucket: usize, due_ms: u64) {
        let tokens = arena.get(handle).spec.tokens;
        let hot = &mut arena.hot[handle as usize];
        (hot.seq, hot.tokens, hot.bucket) = (self.arrived, tokens, bucket as u8);
        self.queue.insert((due_ms, self.arrived, handle));
        self.arrived += 1;
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, arena: &Arena, handle: Handle, due_ms: u64) {
        self.queue.remove(&(due_ms, arena.hot[handle as usize].seq, handle));
    }

    /// Items that are due by then, most urgent first.
    pub(crate) fn due_by(&self, due_ms: u64) -> impl Iterator<Item = Handle> + '_ {
        self.queue.range(..=(due_ms, u64::MAX, Handle::MAX)).map(|&(_, _, item)| item)
    }

    /// Whether an item that is due at `due_ms` stands in it.
    pub(crate) fn holds(&self, arena: &Arena, handle: Handle, due_ms: u64) -> bool {
        self.queue.contains(&(due_ms, arena.hot[handle as usize].seq, handle))
    }

    /// The most urgent item, and with it those next in urgency that are no longer and not much shorter.
    pub(crate) fn form(&mut self, arena: &Arena, runs: &Runs, limits: &Limits<'_>, out: &mut Chosen) {
        let Some(&(_, _, first)) = self.queue.first() else { return };
        let anchor = usize::from(arena.hot[first as usize].bucket);
        let cap = limits.cap(anchor);
        let mut taken = Vec::new();
        let mut tokens = 0;
        for &key in self.queue.iter().take(LOOK_AHEAD) {
            let hot = arena.hot[key.2 as usize];
            if usize::from(hot.bucket) > anchor || !limits.pads_little(anchor, taken.len(), tokens, hot.tokens) {
                continue;
            }
            tokens += u64::from(hot.tokens);
            taken.push(key);
            if taken.len() >= cap {
                break;
            }
        }
        for key in taken {
            self.queue.remove(&key);
            out.push(key.2, arena.hot[key.2 as usize].tokens, arena.assigned(key.2, runs));
        }
    }
}
