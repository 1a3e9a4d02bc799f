//! How long items waited before they were first handed out: by class, and by tenant.

use std::collections::BTreeMap;

use domain::id::TenantId;
use domain::scheduling::{WAIT_BOUNDS, WaitSum};

use crate::arena::Handle;
use crate::state::State;

/// Waits of one kind of item, counted by doublings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    total_ms: u64,
    /// The last one counts what waited longer than every bound.
    counts: [u64; WAIT_BOUNDS + 1],
}

impl Waits {
    #[inline]
    pub(crate) fn add(&mut self, wait_ms: u32) {
        self.total_ms += u64::from(wait_ms);
        // The first bound is 8 ms, each is twice the one before.
        let doublings = (u32::BITS - (wait_ms.max(1) - 1).leading_zeros()).saturating_sub(3);
        self.counts[(doublings as usize).min(WAIT_BOUNDS)] += 1;
    }

    /// Something of each of its cache lines, for no other end than to have looked.
    #[inline]
    pub(crate) fn seen(&self) -> u64 {
        self.total_ms ^ self.counts[WAIT_BOUNDS / 2] ^ self.counts[WAIT_BOUNDS]
    }

    pub(crate) fn sum(&self) -> WaitSum {
        WaitSum { items: self.counts.iter().sum(), total_ms: self.total_ms, counts: self.counts.to_vec() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }
}

/// Waits of one model's interactive items; those of bulk items lie with their queues.
#[derive(Clone, Debug, Default)]
pub(crate) struct InteractiveWaits {
    pub(crate) all: Waits,
    /// Of as many tenants as may be known.
    pub(crate) tenants: BTreeMap<TenantId, Waits>,
}

impl State {
    /// Notes how long these interactive items waited, which leave the queue for the first time.
    pub(crate) fn note_waits(&mut self, model: usize, items: &[Handle]) {
        let waits = &mut self.models[model].waits;
        for &item in items {
            let wait_ms = (self.now_ms as u32).wrapping_sub(self.arena.name(item).since_ms);
            waits.all.add(wait_ms);
            let tenant = self.arena.get(item).spec.tenant;
            let known = &mut waits.tenants;
            if known.len() < self.config.max_tenants as usize || known.contains_key(&tenant) {
                known.entry(tenant).or_default().add(wait_ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_under_the_least_bound_that_it_keeps() {
        let mut waits = Waits::default();
        for wait_ms in [0, 8, 9, 16, 17, 262_144, 262_145, u32::MAX] {
            waits.add(wait_ms);
        }
        let sum = waits.sum();
        assert_eq!(sum.items, 8);
        assert_eq!(sum.counts[..3], [2, 2, 1]);
        assert_eq!(sum.counts[WAIT_BOUNDS - 1..], [1, 2]);
        assert_eq!(WaitSum::bound_ms(0), 8);
        assert_eq!(WaitSum::bound_ms(WAIT_BOUNDS - 1), 262_144);
        assert_eq!(sum.within_ms(0.25), Some(8));
        assert_eq!(sum.within_ms(0.5), Some(16));
        assert_eq!(sum.within_ms(1.0), None, "longer than every bound");
    }
}
