//! What goes wrong, and when.

use super::device::EVICTED_AFTER_US;
use super::leader::ToLeader;
use super::sim::{Sim, What, tenant_id, worker_id};
use crate::event::Event;

/// From the loss of a leader to the next one's first step, at least.
const LEASE_US: u64 = 2_000_000;
/// From the death of a process until its links say so, at most.
const NOTICED_US: u64 = 1_000_000;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Kill,
    KillNode,
    Hang,
    Slow,
    Partition,
    LeaderLoss,
    CoordinatorLoss,
    Cancel,
    Weight,
    Limit,
    Drain,
}

const ALL: [Trouble; 11] = [
    Trouble::Kill,
    Trouble::KillNode,
    Trouble::Hang,
    Trouble::Slow,
    Trouble::Partition,
    Trouble::LeaderLoss,
    Trouble::CoordinatorLoss,
    Trouble::Cancel,
    Trouble::Weight,
    Trouble::Limit,
    Trouble::Drain,
];

impl Sim<'_> {
    fn every_ms(&self, trouble: Trouble) -> f64 {
        let faults = &self.scenario.faults;
        match trouble {
            Trouble::Kill => faults.kill_every_ms,
            Trouble::KillNode => faults.node_kill_every_ms,
            Trouble::Hang => faults.hang_every_ms,
            Trouble::Slow => faults.slow_every_ms,
            Trouble::Partition => faults.partition_every_ms,
            Trouble::LeaderLoss => faults.leader_loss_every_ms,
            Trouble::CoordinatorLoss => faults.coordinator_loss_every_ms,
            Trouble::Cancel => faults.cancel_every_ms,
            Trouble::Weight => faults.weight_every_ms,
            Trouble::Limit => faults.limit_every_ms,
            Trouble::Drain => faults.drain_every_ms,
        }
    }

    pub(super) fn plan_troubles(&mut self) {
        for trouble in ALL {
            self.plan_trouble(trouble);
        }
    }

    fn plan_trouble(&mut self, trouble: Trouble) {
        let every_ms = self.every_ms(trouble);
        if every_ms > 0.0 {
            let wait_us = (self.fault_rng.exponential(every_ms) * 1e3) as u64;
            self.queue.push(self.now_us + wait_us, What::Trouble(trouble));
        }
    }

    /// No more troubles are made; those that are under way run their course.
    pub(super) fn calm_down(&mut self) {
        self.calm = true;
        self.limit_ms = self.limit_ms.min(self.now_ms() + self.scenario.settle_ms);
        self.log.note(self.now_us, "troubles end", [0; 3]);
        for tenant in std::mem::take(&mut self.limits).into_keys() {
            let lifted = Event::SetLimit { tenant: tenant_id(tenant), device_ms_per_s: None };
            self.tell_leader_in(1_000, ToLeader::Event(lifted));
        }
    }

    /// A tenant may have no more than a part of what the devices do, or nothing for a while; one that is limited already
    /// may have everything again.
    fn change_limit(&mut self) {
        let tenant = self.fault_rng.below(self.tenants.len() as u64) as u32;
        let all_ms_per_s = 1_000 * u64::from(self.scenario.devices);
        let device_ms_per_s = match self.limits.remove(&tenant) {
            Some(_) => None,
            None if self.fault_rng.chance(0.2) => Some(0),
            None => Some(self.fault_rng.between(50, all_ms_per_s) as u32),
        };
        if let Some(device_ms_per_s) = device_ms_per_s {
            self.limits.insert(tenant, device_ms_per_s);
        }
        self.stats.faulted.limit_changes += 1;
        let event = Event::SetLimit { tenant: tenant_id(tenant), device_ms_per_s };
        self.tell_leader_in(500, ToLeader::Event(event));
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if self.calm {
            return;
        }
        let device = self.fault_rng.below(self.devices.len() as u64) as u32;
        match trouble {
            Trouble::Kill => {
                let gone = self.fault_rng.chance(self.scenario.faults.never_back);
                self.stats.faulted.kills += u64::from(self.devices[device as usize].up);
                self.die(device, gone);
            }
            Trouble::KillNode => self.kill_node(device),
            Trouble::Hang => self.hang(device),
            Trouble::Slow => self.slow(device),
            Trouble::Partition => self.partition(device),
            Trouble::LeaderLoss => self.fail_over(),
            Trouble::CoordinatorLoss | Trouble::Cancel => {
                let run = self.fault_rng.below(self.runs.len() as u64) as u32;
                let late = self.runs.len().saturating_sub(64) as u32;
                // Early runs are over: mostly one of the late ones is meant.
                let run = late + run.saturating_sub(late);
                match trouble {
                    Trouble::Cancel => self.cancel(run),
                    _ => self.lose_coordinator(run),
                }
            }
            Trouble::Weight => {
                let tenant = self.fault_rng.below(self.tenants.len() as u64) as u32;
                let weight = self.fault_rng.between(25, 400) as u32;
                self.stats.faulted.weight_changes += 1;
                self.weights.insert(tenant, weight);
                let event = Event::SetWeight { tenant: tenant_id(tenant), weight };
                self.tell_leader_in(500, ToLeader::Event(event));
            }
            Trouble::Limit => self.change_limit(),
            Trouble::Drain => self.drain(device),
        }
        self.plan_trouble(trouble);
    }

    /// A worker's process dies. Its links say so at once or when it has been silent for too long.
    pub(super) fn die(&mut self, device: u32, gone: bool) {
        if !self.devices[device as usize].up {
            return;
        }
        self.log.note(self.now_us, "worker dies: device", [u64::from(device), 0, 0]);
        self.stats.load.mark(self.now_us, "kill");
        let epoch = self.devices[device as usize].epoch;
        let left = self.devices.iter().filter(|device| !device.gone).count();
        self.devices[device as usize].gone = gone && left * 2 > self.devices.len() && left > 1;
        self.stop(device);
        let silent_us = if self.fault_rng.chance(0.5) { 2_000 } else { self.fault_rng.below(NOTICED_US) };
        let lost = Event::WorkerLost { worker: worker_id(device), epoch };
        self.tell_leader_in(silent_us, ToLeader::Event(lost));
        let life = self.devices[device as usize].life;
        let away_us = 500_000 + self.fault_rng.below(5_000_000);
        self.queue.push(self.now_us + away_us, What::Restart { device, life });
    }

    fn kill_node(&mut self, device: u32) {
        let node = self.devices[device as usize].node;
        let gone = self.fault_rng.chance(self.scenario.faults.never_back);
        self.stats.faulted.node_kills += 1;
        for device in 0..self.devices.len() as u32 {
            if self.devices[device as usize].node == node {
                self.die(device, gone);
            }
        }
    }

    /// The device stops in the middle of what it does; its worker goes on saying that it is there.
    fn hang(&mut self, number: u32) {
        let device = &mut self.devices[number as usize];
        if !device.up || device.hung || !device.running {
            return;
        }
        device.hung = true;
        device.turn += 1;
        self.stats.faulted.hangs += 1;
        self.stats.load.mark(self.now_us, "hang");
        self.log.note(self.now_us, "device hangs: device", [u64::from(number), 0, 0]);
        self.count_in(number, false);
    }

    fn slow(&mut self, number: u32) {
        let lasts_us = 2_000_000 + self.fault_rng.below(10_000_000);
        let by = 2.0 + self.fault_rng.exponential(3.0);
        let device = &mut self.devices[number as usize];
        (device.slow_until_us, device.slow_by) = (self.now_us + lasts_us, by);
        self.stats.faulted.slow += 1;
    }

    fn partition(&mut self, number: u32) {
        let lasts_us = match self.fault_rng.chance(0.4) {
            true => self.fault_rng.below(EVICTED_AFTER_US),
            false => EVICTED_AFTER_US + self.fault_rng.below(6_000_000),
        };
        let device = &mut self.devices[number as usize];
        if !device.up || self.now_us < device.cut_until_us {
            return;
        }
        device.cut_until_us = self.now_us + lasts_us;
        device.cut_long = lasts_us >= EVICTED_AFTER_US;
        let (life, epoch, long) = (device.life, device.epoch, device.cut_long);
        self.stats.faulted.partitions += 1;
        self.stats.load.mark(self.now_us, "partition");
        self.log.note(self.now_us, "cut off: device, for us", [u64::from(number), lasts_us, 0]);
        self.queue.push(self.now_us + lasts_us, What::Heal { device: number, life });
        if long {
            self.count_in(number, false);
            let lost = Event::WorkerLost { worker: worker_id(number), epoch };
            self.tell_leader_in(EVICTED_AFTER_US, ToLeader::Event(lost));
        }
    }

    fn fail_over(&mut self) {
        if self.leader.is_none() {
            return;
        }
        self.log.note(self.now_us, "leader lost: term", [self.term, 0, 0]);
        self.stats.faulted.leader_losses += 1;
        self.stats.load.mark(self.now_us, "leader loss");
        self.lose_leader();
        // Half of the time it hands over, else its lease has to run out.
        let handed_over = self.fault_rng.chance(0.5);
        let wait_us = if handed_over { 20_000 } else { LEASE_US } + self.fault_rng.below(500_000);
        self.queue.push(self.now_us + wait_us, What::LeaderUp);
    }

    fn drain(&mut self, number: u32) {
        let device = &mut self.devices[number as usize];
        let others = self.alive > 1;
        if !device.up || device.draining || !others {
            return;
        }
        device.draining = true;
        self.stats.faulted.drains += 1;
        self.log.note(self.now_us, "drain: device", [u64::from(number), 0, 0]);
        self.tell_leader_in(300, ToLeader::Event(Event::Drain { worker: worker_id(number) }));
    }
}
