//! How many later items of its own tenant go ahead of an item, against the bound that is set and without one.

use crate::core::Core;
use crate::table::{Bar, Row, Table};
use crate::trace::{Traced, lognormal};

const ITEMS: usize = 200_000;
const TENANTS: u16 = 16;
const DEPTH: usize = 4_096;
/// Low enough to bite at this depth.
const BOUND: u32 = 1_024;

/// Adds the row of overtaking.
pub fn measure(table: &mut Table) {
    let trace = lognormal(ITEMS, TENANTS, 42);
    let unbound = worst(&trace, 1 << 30);
    table.add(Row {
        what: format!("overtaking within a tenant, depth {DEPTH}, age bound {BOUND}"),
        measured: worst(&trace, BOUND) as f64,
        unit: "items",
        peers: vec![("without the rule".to_owned(), unbound as f64)],
        bar: Bar::AtMost(f64::from(BOUND)),
    });
}

/// The most later items of one tenant that went ahead of one of its items.
fn worst(trace: &[Traced], bound: u32) -> u32 {
    let mut places = Vec::with_capacity(trace.len());
    let mut counts = vec![0_u32; usize::from(TENANTS)];
    for item in trace {
        let count = &mut counts[usize::from(item.tenant)];
        places.push(*count);
        *count += 1;
    }
    let mut gone: Vec<Gone> = counts.iter().map(|&count| Gone(vec![0; count as usize + 1])).collect();
    let mut core = Core::with_age_bound(trace, DEPTH, bound);
    let mut held = core.offer(1);
    let mut worst = 0;
    while let Some(batch) = held {
        let ids: Vec<u64> = core.tags().collect();
        // All of a batch go together: none of them ahead of another.
        for &id in &ids {
            let (tenant, place) = (usize::from(trace[id as usize].tenant), places[id as usize]);
            worst = worst.max(gone[tenant].later_than(place));
        }
        for &id in &ids {
            gone[usize::from(trace[id as usize].tenant)].add(places[id as usize]);
        }
        core.refill();
        held = core.done(batch);
    }
    worst
}

/// Which of a tenant's items have gone, counted by place (P. Fenwick, 1994).
struct Gone(Vec<u32>);

impl Gone {
    fn add(&mut self, place: u32) {
        let mut at = place as usize + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn up_to(&self, place: usize) -> u32 {
        let (mut at, mut sum) = (place, 0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }

    fn later_than(&self, place: u32) -> u32 {
        self.up_to(self.0.len() - 1) - self.up_to(place as usize + 1)
    }
}
