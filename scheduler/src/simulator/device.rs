//! Simulated devices: what they hold, how long a batch really takes, how it really ends.

mod running;

use std::collections::VecDeque;
use std::sync::Arc;

use domain::id::Term;

use super::leader::ToLeader;
use super::ledger::Broken;
use super::link::Lane;
use super::rng::Rng;
use super::scenario::{Memory, Scenario};
use super::sim::{Sim, What, worker_id};
use crate::event::{CancelReason, Event, Failure, HeldBatch, Lease, ModelOffer};
use crate::item::{Assigned, ModelKey, NodeKey};

/// Batches held at a time: one runs, one is staged.
pub(super) const CREDITS: u32 = 2;
/// What every device claims to take at once.
pub(super) const OFFERED_TOKENS: u32 = 16_384;
/// How often a worker presents itself.
const PRESENT_US: u64 = 1_000_000;
/// A link that is silent for so long counts as broken.
pub(super) const EVICTED_AFTER_US: u64 = 1_000_000;
/// Messages about batches that haven't come yet, and leases that have: how many a worker remembers.
const REMEMBERED: usize = 32;

/// What a worker is told.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Run {
        lease: Lease,
        model: ModelKey,
        padded_len: u32,
        items: Arc<[Assigned]>,
    },
    Cancel {
        lease: Lease,
        reason: CancelReason,
    },
    Adopted {
        was: Lease,
        lease: Lease,
    },
    Unload {
        model: ModelKey,
        term: Term,
    },
    /// The leader took this life for lost.
    Rejoin {
        epoch: u64,
    },
    /// It has drained.
    Leave {
        epoch: u64,
    },
    /// Somebody else leads.
    Follow {
        term: u64,
    },
}

/// A batch in a worker's hands.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) model: u32,
    pub(super) padded_len: u32,
    pub(super) items: Arc<[Assigned]>,
}

/// One device and the worker that runs it.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) node: u32,
    pub(super) speed: f64,
    memory_bytes: u64,
    /// Padded tokens that really fit, where the device overstates.
    fits_tokens: u32,
    pub(super) epoch: u64,
    /// Counts deaths, so that what was planned for an earlier life is not done.
    pub(super) life: u64,
    pub(super) up: bool,
    pub(super) hung: bool,
    pub(super) gone: bool,
    /// It adds to what the cluster can do.
    pub(super) counts: bool,
    pub(super) turn: u32,
    pub(super) held: VecDeque<Held>,
    pub(super) running: bool,
    outcome: Option<running::Outcome>,
    resident: Vec<u32>,
    pub(super) slow_until_us: u64,
    pub(super) slow_by: f64,
    pub(super) cut_until_us: u64,
    pub(super) cut_long: bool,
    term: u64,
    pub(super) draining: bool,
    /// Batches that reached it, by term and number.
    seen: VecDeque<(u64, u64)>,
    recalled: VecDeque<Lease>,
    pub(super) up_lane: Lane,
    pub(super) down_lane: Lane,
    /// When it last failed, so that the core may be resting it.
    pub(super) trouble_us: u64,
}

impl Device {
    pub(super) fn new(scenario: &Scenario, number: u32, rng: &mut Rng) -> Self {
        let weights = |of: fn(u64, u64) -> u64| {
            scenario.models.iter().map(|model| model.weights_bytes).reduce(of).unwrap_or_default()
        };
        let most = scenario.models.iter().map(|model| u64::from(model.bytes_per_padded_token)).max().unwrap_or(1);
        // From barely enough for the largest model and one long item, to all models and the largest batch.
        let least_bytes = weights(u64::max) + most * 1_024;
        let most_bytes = weights(|a, b| a + b) + most * u64::from(OFFERED_TOKENS);
        let memory_bytes = least_bytes + rng.below(most_bytes.saturating_sub(least_bytes) + 1);
        Self {
            node: number / scenario.devices_per_node.max(1),
            speed: scenario.speed_of(number),
            memory_bytes: (memory_bytes as f64 / 0.8) as u64,
            fits_tokens: rng.between(1_024, u64::from(OFFERED_TOKENS)) as u32,
            epoch: 0,
            life: 0,
            up: false,
            hung: false,
            gone: false,
            counts: false,
            turn: 0,
            held: VecDeque::new(),
            running: false,
            outcome: None,
            resident: if scenario.models.len() == 1 { vec![0] } else { Vec::new() },
            slow_until_us: 0,
            slow_by: 1.0,
            cut_until_us: 0,
            cut_long: false,
            term: 0,
            draining: false,
            seen: VecDeque::new(),
            recalled: VecDeque::new(),
            up_lane: Lane::default(),
            down_lane: Lane::default(),
            trouble_us: 0,
        }
    }

    /// Until when a message to or from it is held up; `None`: it is lost.
    pub(super) fn reach(&self, now_us: u64) -> Option<u64> {
        match now_us < self.cut_until_us {
            false => Some(0),
            true if self.cut_long => None,
            true => Some(self.cut_until_us),
        }
    }

    fn free_bytes(&self, scenario: &Scenario) -> u64 {
        let used: u64 = self.resident.iter().map(|&model| scenario.models[model as usize].weights_bytes).sum();
        self.memory_bytes.saturating_sub(used)
    }

    /// Puts a model's weights onto the device and throws the least recently used ones out for it. How long it takes.
    fn load(&mut self, scenario: &Scenario, model: u32) -> u64 {
        if let Some(place) = self.resident.iter().position(|&resident| resident == model) {
            self.resident.remove(place);
            self.resident.push(model);
            return 0;
        }
        let weights = scenario.models[model as usize].weights_bytes;
        while !self.resident.is_empty() && self.free_bytes(scenario) < weights {
            self.resident.remove(0);
        }
        self.resident.push(model);
        u64::from(scenario.models[model as usize].load_ms) * 1_000
    }

    fn remembers(&mut self, lease: Lease) -> bool {
        let name = (lease.term.n, lease.batch.0);
        if self.seen.contains(&name) {
            return true;
        }
        self.seen.push_back(name);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        false
    }
}

impl Sim<'_> {
    /// What a worker offers at this moment.
    fn ready(&self, number: u32) -> Event {
        let device = &self.devices[number as usize];
        let stated = self.scenario.memory == Memory::Stated;
        let offers = self.scenario.models.iter().enumerate().map(|(key, model)| ModelOffer {
            model: ModelKey(key as u32),
            resident: device.resident.contains(&(key as u32)),
            load_ms: model.load_ms,
            max_padded_tokens: OFFERED_TOKENS,
            weights_bytes: if stated { model.weights_bytes } else { 0 },
            bytes_per_padded_token: if stated { model.bytes_per_padded_token } else { 0 },
            prior: None,
        });
        let held = device.held.iter().map(|held| HeldBatch {
            lease: held.lease,
            model: ModelKey(held.model),
            padded_len: held.padded_len,
            items: held.items.to_vec(),
        });
        Event::WorkerReady {
            worker: worker_id(number),
            node: NodeKey(u64::from(device.node)),
            epoch: device.epoch,
            credits: CREDITS,
            models: offers.collect(),
            free_memory_bytes: if stated { device.free_bytes(self.scenario) } else { 0 },
            held: held.collect(),
        }
    }

    pub(super) fn present(&mut self, number: u32) {
        let event = self.ready(number);
        self.worker_says(number, ToLeader::Event(event));
    }

    pub(super) fn present_again(&mut self, number: u32, life: u64) {
        let device = &self.devices[number as usize];
        if device.life == life && device.up {
            self.present(number);
            self.queue.push(self.now_us + PRESENT_US, What::Present { device: number, life });
        }
    }

    pub(super) fn restart(&mut self, number: u32, life: u64) {
        let device = &mut self.devices[number as usize];
        if device.life != life || device.up || device.gone {
            return;
        }
        device.up = true;
        device.draining = false;
        device.epoch += 1;
        let epoch = device.epoch;
        self.log.note(self.now_us, "worker starts: device, epoch", [u64::from(number), epoch, 0]);
        self.count_in(number, true);
        self.present_again(number, life);
    }

    /// The process ends, with all that it holds.
    pub(super) fn stop(&mut self, number: u32) {
        let device = &mut self.devices[number as usize];
        if !device.up {
            return;
        }
        device.life += 1;
        device.up = false;
        if self.scenario.models.len() > 1 {
            device.resident.clear();
        }
        device.hung = false;
        self.drop_held(number);
        self.count_in(number, false);
    }

    /// Whatever it holds is of no use any more.
    pub(super) fn drop_held(&mut self, number: u32) {
        let device = &mut self.devices[number as usize];
        device.turn += 1;
        device.held.clear();
        device.recalled.clear();
        device.outcome = None;
        if std::mem::take(&mut device.running) {
            self.busy -= 1;
        }
    }

    /// A worker and the leader can reach each other again; if the leader gave it up meanwhile, it comes as a new one.
    pub(super) fn heal(&mut self, number: u32, life: u64) {
        let device = &mut self.devices[number as usize];
        if device.life != life || !device.up || self.now_us < device.cut_until_us {
            return;
        }
        if std::mem::take(&mut device.cut_long) {
            let hung = device.hung;
            self.count_in(number, !hung);
            self.rejoin(number);
        } else {
            self.present(number);
        }
    }

    fn rejoin(&mut self, number: u32) {
        self.drop_held(number);
        let device = &mut self.devices[number as usize];
        device.epoch += 1;
        device.draining = false;
        self.present(number);
    }

    pub(super) fn tell_worker(&mut self, number: u32, told: Told) {
        let device = &mut self.devices[number as usize];
        if !device.up || self.now_us < device.cut_until_us && device.cut_long {
            return;
        }
        match told {
            Told::Run { lease, model, padded_len, items } => {
                self.take(number, Held { lease, model: model.0, padded_len, items });
            }
            Told::Cancel { lease, reason } => self.called_back(number, lease, reason),
            Told::Adopted { was, lease } => {
                let held = device.held.iter_mut().find(|held| held.lease == was || held.lease == lease);
                match held {
                    Some(held) => held.lease = lease,
                    None => self.released(number, lease),
                }
            }
            Told::Unload { model, term } => {
                let runs = device.running && device.held.front().is_some_and(|held| held.model == model.0);
                if term.n >= device.term && !runs {
                    device.resident.retain(|&resident| resident != model.0);
                }
            }
            Told::Rejoin { epoch } if epoch == device.epoch => {
                if device.hung {
                    self.stop(number);
                    let life = self.devices[number as usize].life;
                    self.queue.push(self.now_us + 1_500_000, What::Restart { device: number, life });
                } else {
                    self.rejoin(number);
                }
            }
            Told::Leave { epoch } if epoch == device.epoch && device.draining => self.leave(number),
            Told::Rejoin { .. } | Told::Leave { .. } => {}
            Told::Follow { term } => {
                device.term = device.term.max(term);
                self.present(number);
            }
        }
    }

    fn take(&mut self, number: u32, held: Held) {
        let now_us = self.now_us;
        let device = &mut self.devices[number as usize];
        if held.lease.epoch != device.epoch || held.lease.term.n < device.term || device.remembers(held.lease) {
            return;
        }
        device.term = held.lease.term.n;
        self.log.note(
            now_us,
            "batch reaches worker: device, batch, items",
            [u64::from(number), held.lease.batch.0, held.items.len() as u64],
        );
        let device = &mut self.devices[number as usize];
        if let Some(place) = device.recalled.iter().position(|&lease| lease == held.lease) {
            device.recalled.remove(place);
            self.released(number, held.lease);
            return;
        }
        if !self.calm && self.fault_rng.chance(self.scenario.faults.rejected) {
            self.stats.faulted.rejected += 1;
            self.devices[number as usize].trouble_us = now_us;
            self.failed(number, held.lease, Failure::Rejected);
            return;
        }
        let device = &mut self.devices[number as usize];
        let of_term = device.held.iter().filter(|other| other.lease.term == held.lease.term).count();
        if of_term >= CREDITS as usize && self.scenario.links.duplicated + self.scenario.links.reordered == 0.0 {
            self.breaks(Broken::Credits { device: number, batches: of_term as u32 + 1 });
        }
        self.devices[number as usize].held.push_back(held);
        self.run_next(number);
    }

    fn called_back(&mut self, number: u32, lease: Lease, reason: CancelReason) {
        let device = &mut self.devices[number as usize];
        if lease.epoch != device.epoch {
            return;
        }
        let running = usize::from(device.running);
        let place = device.held.iter().position(|held| held.lease == lease);
        match place {
            Some(place) if place >= running => {
                device.held.remove(place);
                self.released(number, lease);
            }
            Some(_) if reason == CancelReason::Superseded => {
                // A device can't be stopped in the middle of a batch; its answer frees the credit.
            }
            Some(_) => {}
            None if !device.seen.contains(&(lease.term.n, lease.batch.0)) => {
                device.recalled.push_back(lease);
                if device.recalled.len() > REMEMBERED {
                    device.recalled.pop_front();
                }
            }
            None => {}
        }
    }

    fn released(&mut self, number: u32, lease: Lease) {
        self.stats.faulted.recalled += 1;
        self.failed(number, lease, Failure::Released);
    }

    fn failed(&mut self, number: u32, lease: Lease, failure: Failure) {
        let worker = worker_id(number);
        self.worker_says(number, ToLeader::Event(Event::BatchFailed { worker, lease, failure }));
    }

    /// A drained worker goes, and comes back after a while as a new one.
    fn leave(&mut self, number: u32) {
        let held = self.devices[number as usize].held.len();
        if held > 0 {
            self.breaks(Broken::Undrained { device: number, batches: held as u32 });
        }
        let epoch = self.devices[number as usize].epoch;
        self.stop(number);
        let lost = Event::WorkerLost { worker: worker_id(number), epoch };
        self.tell_leader_in(1_000, ToLeader::Event(lost));
        let life = self.devices[number as usize].life;
        let away_us = 1_000_000 + self.fault_rng.below(4_000_000);
        self.queue.push(self.now_us + away_us, What::Restart { device: number, life });
    }
}
