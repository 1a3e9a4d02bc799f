//! The ledger of what batches hold, how they end, and of whoever stands idle.

use super::{Broken, Check, Ledger, Live, Seen};
use crate::event::{ItemFailure, Lease};
use crate::item::Assigned;
use crate::simulator::device::CREDITS;
use crate::simulator::scenario::Memory;
use crate::simulator::sim::{Item, Sim};
use crate::state::State;

/// A worker that failed within this time may be resting.
const RESTS_AT_MOST_US: u64 = 25_000_000;

impl Ledger {
    #[expect(clippy::too_many_arguments, reason = "they are the fields of one action")]
    pub(super) fn hand_out(
        &mut self,
        sim: &mut Sim<'_>,
        core: &State,
        device: u32,
        lease: Lease,
        padded_len: u32,
        items: &[Assigned],
        hedge: bool,
    ) -> Check {
        let id = lease.batch.0;
        let known = &mut self.known[device as usize];
        let broken = |item: &Assigned, what| Err(Broken::Item { item: item.tag as u32, what });
        known.held.push(id);
        if known.held.len() > CREDITS as usize || known.draining || known.epoch != Some(lease.epoch) {
            return Err(Broken::Credits { device, batches: known.held.len() as u32 });
        }
        let failed_in = items.iter().map(|item| sim.items[item.tag as usize].failed_in).max().unwrap_or(0);
        if failed_in > 1 && items.len() as u32 > failed_in.div_ceil(2) {
            return broken(&items[0], "runs again in more than half of the batch that it failed in");
        }
        let model = items.first().map(|item| sim.runs[sim.items[item.tag as usize].run as usize].model);
        for assigned in items {
            let item = &mut sim.items[assigned.tag as usize];
            let run = &sim.runs[item.run as usize];
            if !item.outstanding {
                return broken(assigned, "was handed out and isn't outstanding");
            }
            if item.running > u8::from(hedge) || (hedge && item.running == 0) {
                return broken(assigned, "was handed out twice");
            }
            if item.tokens > padded_len || Some(run.model) != model {
                return broken(assigned, "was handed out in a batch that it doesn't fit");
            }
            item.running += 1;
            if item.running == 1 {
                item.batch = id;
                self.waiting[run.model as usize] -= 1;
            } else {
                item.twin = id;
            }
        }
        for assigned in items {
            self.leave_order(sim, assigned.tag as u32, false);
        }
        for assigned in items {
            self.check_order(sim, core, assigned.tag as u32)?;
        }
        let numbers = items.iter().map(|item| item.tag as u32).collect();
        self.live.insert(id, Live { device, lease, was: None, items: numbers });
        Ok(())
    }

    /// Nobody of this item's tenant was overtaken too often.
    fn check_order(&self, sim: &Sim<'_>, core: &State, number: u32) -> Check {
        let run = &sim.runs[sim.items[number as usize].run as usize];
        let Some(order) = self.orders.get(&(run.tenant, run.model)) else { return Ok(()) };
        let bound = core.config().age_bound_items;
        let overtaken = order.left.saturating_sub(order.head as u32);
        match order.items.get(order.head) {
            Some(&item) if overtaken > bound + order.dropped => Err(Broken::Overtaken { item, overtaken, bound }),
            _ => Ok(()),
        }
    }

    pub(super) fn adopt(
        &mut self,
        sim: &mut Sim<'_>,
        device: u32,
        was: Lease,
        lease: Lease,
        seen: &Seen,
        empty: bool,
    ) -> Check {
        if self.known[device as usize].held.contains(&lease.batch.0) {
            return Ok(());
        }
        let items = match seen {
            Seen::Ready { held, .. } => held.iter().find(|(held, _)| *held == was).map(|(_, items)| items.as_slice()),
            _ => None,
        };
        let items = if empty { Vec::new() } else { items.unwrap_or_default().to_vec() };
        let id = lease.batch.0;
        for &number in &items {
            if sim.items[number as usize].running > 0 {
                return Err(Broken::Item { item: number, what: "was adopted while it runs elsewhere" });
            }
            if !sim.items[number as usize].outstanding {
                self.accept(sim, number, false);
            }
            let item = &mut sim.items[number as usize];
            (item.running, item.batch) = (1, id);
            self.waiting[sim.runs[item.run as usize].model as usize] -= 1;
            // Taken out of the middle of its queue, not served in its turn.
            self.leave_order(sim, number, true);
        }
        self.known[device as usize].held.push(id);
        self.live.insert(id, Live { device, lease, was: Some(was), items });
        Ok(())
    }

    /// `done` is what must be delivered: what the batch held and is still wanted.
    pub(super) fn complete(&mut self, sim: &mut Sim<'_>, items: &[Assigned], unwanted: &[u32], done: &[u32]) -> Check {
        let wanted = items.len() - unwanted.len();
        if wanted != done.len() {
            let (core, ledger) = (wanted as u64, done.len() as u64);
            return Err(Broken::Count { what: "results to deliver", core, ledger });
        }
        for (place, assigned) in items.iter().enumerate() {
            let number = assigned.tag as u32;
            if unwanted.binary_search(&(place as u32)).is_ok() {
                continue;
            }
            let item = &sim.items[number as usize];
            if !item.outstanding {
                return Err(Broken::Item { item: number, what: "was delivered and isn't outstanding" });
            }
            // The same items on a late worker are of no use any more.
            if let Some(twin) = self.live.get(&item.batch).map(|live| live.items.clone()) {
                let id = item.batch;
                for other in twin {
                    let other = &mut sim.items[other as usize];
                    (other.running, other.batch, other.twin) = (0, 0, 0);
                    self.waiting[sim.runs[other.run as usize].model as usize] += u32::from(other.outstanding);
                }
                if let Some(live) = self.live.get_mut(&id) {
                    live.items.clear();
                }
            }
            self.end(sim, number);
        }
        Ok(())
    }

    pub(super) fn fail(&mut self, sim: &mut Sim<'_>, number: u32, reason: ItemFailure, seen: &Seen) -> Check {
        let item = &sim.items[number as usize];
        if !has_cause(sim, item, reason) {
            return Err(Broken::Innocent { item: number, reason });
        }
        if item.outstanding {
            if item.running > 0 {
                return Err(Broken::Item { item: number, what: "was given up while it runs" });
            }
            self.end(sim, number);
            return Ok(());
        }
        match seen {
            // Refused at the door, never accepted.
            Seen::Submit { items, .. } if items.contains(&number) => Ok(()),
            _ => Err(Broken::Item { item: number, what: "was given up and isn't outstanding" }),
        }
    }

    /// What takes time to look at: nobody idles beside work, and both books count the same.
    pub(in crate::simulator) fn check(&self, sim: &Sim<'_>, core: &State) -> Check {
        let live = self.live.values().map(|live| u64::from(self.known[live.device as usize].epoch.is_some())).sum();
        let what = "batches held";
        if core.batches.len() as u64 != live {
            return Err(Broken::Count { what, core: core.batches.len() as u64, ledger: live });
        }
        let terms = core.collect_until_ms.is_some();
        for (model, &waiting) in self.waiting.iter().enumerate() {
            let Some(&index) = core.model_of.get(&crate::item::ModelKey(model as u32)) else { continue };
            let of_core = &core.models[index as usize];
            let again: usize = of_core.again.iter().flat_map(|groups| groups.values()).map(|g| g.items.len()).sum();
            let core_waiting = u64::from(of_core.waiting[0].items + of_core.waiting[1].items);
            if core_waiting != u64::from(waiting) {
                let what = "items that wait";
                return Err(Broken::Count { what, core: core_waiting, ledger: waiting.into() });
            }
            let held_up = self.held_up(core, &of_core.bulk)?;
            let free = waiting - (again as u32 + held_up).min(waiting);
            if free == 0 || terms || sim.scenario.memory == Memory::Stated {
                continue;
            }
            let idle = self.known.iter().zip(&sim.devices).position(|(known, device)| {
                let rested = device.trouble_us == 0 || sim.now_us > device.trouble_us + RESTS_AT_MOST_US;
                known.epoch.is_some() && known.held.is_empty() && !known.draining && rested
            });
            if let Some(device) = idle {
                return Err(Broken::Idle { device: device as u32, model: model as u32, waiting: free });
            }
        }
        Ok(())
    }
}

/// Whether an item may be given up for this reason.
fn has_cause(sim: &Sim<'_>, item: &Item, reason: ItemFailure) -> bool {
    let config = &sim.scenario.config;
    match reason {
        ItemFailure::TooLong => item.tokens > config.max_item_tokens,
        ItemFailure::DeadlineMissed => item.deadline_ms > 0,
        ItemFailure::Error => item.poison || item.lone_errors >= config.max_attempts,
        ItemFailure::OutOfMemory => {
            sim.scenario.memory == Memory::Overstated && item.lone_errors >= config.max_attempts
        }
        ItemFailure::Crashes => item.deadly || item.crashes > config.suspect_after_crashes,
    }
}
