//! How long a batch really takes, and how it really ends.

use super::{Device, Held};
use crate::event::{Event, Failure};
use crate::simulator::leader::ToLeader;
use crate::simulator::ledger::Broken;
use crate::simulator::scenario::Memory;
use crate::simulator::sim::{Sim, What, worker_id};

/// How a batch is going to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Done { elapsed_us: u64 },
    Failed(Failure),
    Dies,
}

impl Sim<'_> {
    /// Whether this is more than fits, on a device that said what fits.
    fn overcommits(&self, device: &Device, held: &Held) -> bool {
        let model = &self.scenario.models[held.model as usize];
        let padded = u64::from(held.padded_len) * held.items.len() as u64;
        let needs = model.weights_bytes + padded * u64::from(model.bytes_per_padded_token);
        self.scenario.memory == Memory::Stated && needs > device.memory_bytes
    }

    /// Starts the next batch, if there is one and none runs.
    pub(super) fn run_next(&mut self, number: u32) {
        let device = &self.devices[number as usize];
        if !device.up || device.hung || device.running {
            return;
        }
        let Some(held) = device.held.front().cloned() else { return };
        if self.overcommits(device, &held) {
            self.breaks(Broken::Overcommitted { device: number, batch: held.lease.batch.0 });
        }
        let load_us = self.devices[number as usize].load(self.scenario, held.model);
        self.stats.loads += u64::from(load_us > 0);
        let elapsed_us = self.true_us(number, &held);
        let outcome = self.outcome(number, &held, elapsed_us);
        let device = &mut self.devices[number as usize];
        device.running = true;
        device.outcome = Some(outcome);
        self.busy += 1;
        let takes_us = match outcome {
            Outcome::Done { elapsed_us } => elapsed_us,
            Outcome::Failed(_) | Outcome::Dies => elapsed_us / 3,
        };
        let turn = device.turn;
        self.queue.push(self.now_us + load_us + takes_us.max(1), What::Finish { device: number, turn });
        if load_us > 0 {
            self.present(number);
        }
    }

    /// What the core has to learn: the cost model, the device's speed, and chance.
    fn true_us(&mut self, number: u32, held: &Held) -> u64 {
        let device = &self.devices[number as usize];
        let cost = self.scenario.models[held.model as usize].cost;
        let mut us = cost.item_ns(held.padded_len) * held.items.len() as f64 / 1e3 / device.speed;
        us *= (self.scenario.noise * self.device_rng.normal()).exp();
        if self.now_us < device.slow_until_us {
            us *= device.slow_by;
        }
        if !self.calm && self.fault_rng.chance(self.scenario.faults.straggling) {
            self.stats.faulted.stragglers += 1;
            us *= 4.0 + self.fault_rng.exponential(6.0);
        }
        us as u64
    }

    fn outcome(&mut self, number: u32, held: &Held, elapsed_us: u64) -> Outcome {
        let padded = u64::from(held.padded_len) * held.items.len() as u64;
        let device = &self.devices[number as usize];
        if self.scenario.memory == Memory::Overstated && padded > u64::from(device.fits_tokens) {
            return Outcome::Failed(Failure::OutOfMemory);
        }
        let faults = &self.scenario.faults;
        if faults.deadly > 0.0 && held.items.iter().any(|item| self.items[item.tag as usize].deadly) {
            return Outcome::Dies;
        }
        if faults.poison > 0.0 && held.items.iter().any(|item| self.items[item.tag as usize].poison) {
            return Outcome::Failed(Failure::Error);
        }
        if !self.calm && self.fault_rng.chance(self.scenario.faults.flaky) {
            return Outcome::Failed(Failure::Error);
        }
        Outcome::Done { elapsed_us }
    }

    pub(in crate::simulator) fn finish(&mut self, number: u32, turn: u32) {
        let device = &mut self.devices[number as usize];
        if device.turn != turn || !device.up {
            return;
        }
        let (Some(outcome), Some(held)) = (device.outcome.take(), device.held.pop_front()) else { return };
        device.turn += 1;
        device.running = false;
        self.busy -= 1;
        let lease = held.lease;
        match outcome {
            Outcome::Done { elapsed_us } => {
                let worker = worker_id(number);
                self.worker_says(number, ToLeader::Event(Event::BatchDone { worker, lease, elapsed_us }));
            }
            Outcome::Failed(failure) => {
                self.count_failure(number, &held, failure);
                self.failed(number, lease, failure);
            }
            Outcome::Dies => {
                self.devices[number as usize].held.push_front(held);
                self.stats.faulted.deadly += 1;
                self.die(number, false);
                return;
            }
        }
        self.run_next(number);
    }

    fn count_failure(&mut self, number: u32, held: &Held, failure: Failure) {
        self.devices[number as usize].trouble_us = self.now_us;
        if failure == Failure::OutOfMemory {
            self.stats.faulted.out_of_memory += 1;
        } else {
            self.stats.faulted.errors += 1;
        }
        if let [item] = *held.items {
            let item = &mut self.items[item.tag as usize];
            item.lone_errors = item.lone_errors.saturating_add(1);
        }
    }
}
