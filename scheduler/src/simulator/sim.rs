//! The simulated world, and the loop that makes things happen in it.

use std::collections::BTreeMap;

use domain::id::{Digest, ItemId, RunId, TenantId, Term, WorkerId};

use super::coordinator::Run;
use super::device::Device;
use super::fault::Trouble;
use super::leader::{Leader, ToLeader};
use super::ledger::Broken;
use super::log::Log;
use super::queue::Queue;
use super::report::{Faulted, Report};
use super::rng::{Rng, Zipf};
use super::scenario::{Arrivals, Scenario};
use super::stats::{Histogram, Load, Sample};
use super::{Options, coordinator, device};
use crate::item::{Class, Marks};
use crate::model::rank;

/// Something that happens.
pub(super) enum What {
    /// A run comes, or several.
    Arrive { stream: u32 },
    /// A message reaches whoever leads.
    ToLeader(ToLeader),
    /// A message reaches a worker.
    ToWorker { device: u32, message: device::Told },
    /// A message reaches a run's coordinator.
    ToCoordinator { run: u32, message: coordinator::Told },
    /// A device is through with a batch, unless something came between.
    Finish { device: u32, turn: u32 },
    /// A worker says again that it is there.
    Present { device: u32, life: u64 },
    /// A worker's process starts.
    Restart { device: u32, life: u64 },
    /// A worker and the leader can reach each other again.
    Heal { device: u32, life: u64 },
    /// A coordinator writes what it has into a segment.
    Commit { run: u32, term: u64 },
    /// A coordinator may ask again.
    Pump { run: u32, term: u64 },
    /// A coordinator wonders why it hears nothing.
    Patience { run: u32, term: u64 },
    /// Another coordinator has taken a run's lease.
    CoordinatorUp { run: u32 },
    /// Time alone changes something in the core.
    Wake,
    /// Another leader has taken the lease.
    LeaderUp,
    /// Something goes wrong.
    Trouble(Trouble),
    /// Somebody looks at the load.
    Sample,
}

/// What becomes of an item, as its coordinator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    Sent,
    Buffered,
    Committed,
    Failed,
    Cancelled,
}

/// One item: how it is, what its coordinator knows, what the leader of the moment was seen doing with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) run: u32,
    pub(super) tokens: u32,
    pub(super) deadline_ms: u32,
    pub(super) poison: bool,
    pub(super) deadly: bool,
    pub(super) fate: Fate,
    pub(super) marks: Marks,
    pub(super) sent_us: u64,
    /// The present leader has accepted it and not ended it.
    pub(super) outstanding: bool,
    /// Live batches that hold it.
    pub(super) running: u8,
    /// The first of them, and the other one, where it is hedged.
    pub(super) batch: u64,
    pub(super) twin: u64,
    /// Its coordinator has handed it in to this leader; else it came with a batch that was adopted.
    pub(super) claimed: bool,
    /// It stands in its tenant's order of arrival.
    pub(super) ordered: bool,
    /// It was handed out, ever.
    pub(super) waited: bool,
    /// How many were in the batch that it last failed in, under this leader.
    pub(super) failed_in: u32,
    /// Its number among what its tenant brought to this leader.
    pub(super) seq: u32,
    /// Failures alone, and losses of a worker while it ran, in truth and ever.
    pub(super) lone_errors: u8,
    pub(super) crashes: u8,
}

/// A tenant's name in the world.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) stream: u32,
    pub(super) turnaround: Histogram,
    pub(super) served_ms: f64,
}

/// Counts and measurements.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) events: u64,
    pub(super) faulted: Faulted,
    pub(super) waits: [Histogram; 2],
    pub(super) turnaround: [Histogram; 2],
    pub(super) ended: [u64; 3],
    pub(super) cost_ms: f64,
    pub(super) longest_ms: f64,
    pub(super) last_us: u64,
    /// Speed of all devices that live, each time it changed.
    pub(super) capacity: Vec<(u64, f64)>,
    pub(super) batches: u64,
    pub(super) tokens: u64,
    pub(super) padded_tokens: u64,
    pub(super) fill: f64,
    pub(super) hedges: u64,
    pub(super) hedges_won: u64,
    pub(super) replayed: u64,
    pub(super) full_checks: u64,
    pub(super) adopted: u64,
    pub(super) loads: u64,
    pub(super) spread: f64,
    pub(super) load: Load,
}

/// The world.
pub(super) struct Sim<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) options: Options,
    pub(super) now_us: u64,
    pub(super) queue: Queue<What>,
    pub(super) work_rng: Rng,
    pub(super) fault_rng: Rng,
    pub(super) link_rng: Rng,
    pub(super) device_rng: Rng,
    pub(super) devices: Vec<Device>,
    pub(super) runs: Vec<Run>,
    pub(super) items: Vec<Item>,
    pub(super) tenants: Vec<Tenant>,
    zipfs: Vec<Zipf>,
    first_tenant: Vec<u32>,
    arriving: Vec<bool>,
    arrived: Vec<u32>,
    pub(super) active_runs: u32,
    pub(super) leader: Option<Leader>,
    pub(super) term: u64,
    pub(super) past: Vec<domain::scheduling::TermBegan>,
    pub(super) weights: BTreeMap<u32, u32>,
    /// Device milliseconds a second.
    pub(super) limits: BTreeMap<u32, u32>,
    pub(super) trace: Option<Vec<u8>>,
    /// Whatever is unfinished by then counts as stuck.
    pub(super) limit_ms: u64,
    /// Nothing more goes wrong.
    pub(super) calm: bool,
    pub(super) busy: u32,
    pub(super) alive_speed: f64,
    pub(super) alive: u32,
    pub(super) stats: Stats,
    pub(super) log: Log,
    pub(super) broken: Option<Broken>,
}

impl<'a> Sim<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64, options: Options) -> Self {
        let mut first_tenant = Vec::new();
        let mut tenants = Vec::new();
        for (stream, of) in scenario.streams.iter().enumerate() {
            first_tenant.push(tenants.len() as u32);
            let tenant = Tenant { stream: stream as u32, turnaround: Histogram::default(), served_ms: 0.0 };
            tenants.resize(tenants.len() + of.tenants.max(1) as usize, tenant);
        }
        Self {
            options,
            now_us: 0,
            queue: Queue::default(),
            work_rng: Rng::new(seed, 1),
            fault_rng: Rng::new(seed, 2),
            link_rng: Rng::new(seed, 3),
            device_rng: Rng::new(seed, 4),
            devices: Vec::new(),
            runs: Vec::new(),
            items: Vec::new(),
            tenants,
            zipfs: scenario.streams.iter().map(|stream| Zipf::new(stream.tenants, stream.zipf)).collect(),
            first_tenant,
            arriving: vec![true; scenario.streams.len()],
            arrived: vec![0; scenario.streams.len()],
            active_runs: 0,
            leader: None,
            term: 0,
            past: Vec::new(),
            weights: BTreeMap::new(),
            limits: BTreeMap::new(),
            trace: None,
            limit_ms: scenario.limit_ms,
            calm: false,
            busy: 0,
            alive_speed: 0.0,
            alive: 0,
            stats: Stats::default(),
            log: Log::default(),
            broken: None,
            scenario,
        }
    }

    /// Lets everything happen until all work is done, something is broken, or time is up.
    pub(super) fn live(mut self, seed: u64) -> Report {
        self.begin();
        while self.broken.is_none() {
            if self.is_over() {
                self.close();
                break;
            }
            let Some((at_us, what)) = self.queue.pop() else {
                self.breaks(Broken::Stuck { unfinished: self.active_runs });
                break;
            };
            self.now_us = at_us;
            if at_us / 1_000 > self.limit_ms {
                self.breaks(Broken::Stuck { unfinished: self.active_runs });
                break;
            }
            self.stats.events += 1;
            self.happen(what);
            if !self.calm && self.stats.events >= self.scenario.min_events && !self.arriving.contains(&true) {
                self.calm_down();
            }
        }
        if let Some(leader) = self.leader.take() {
            self.retire_leader(leader);
        }
        Report::of(self, seed)
    }

    fn begin(&mut self) {
        for stream in 0..self.scenario.streams.len() as u32 {
            self.queue.push(0, What::Arrive { stream });
        }
        self.lead(false);
        for number in 0..self.scenario.devices {
            let device = Device::new(self.scenario, number, &mut self.device_rng);
            self.devices.push(device);
            let at_us = self.device_rng.below(50_000);
            self.queue.push(at_us, What::Restart { device: number, life: 0 });
        }
        self.plan_troubles();
        self.queue.push(0, What::Sample);
    }

    fn is_over(&self) -> bool {
        self.active_runs == 0 && self.stats.events >= self.scenario.min_events && !self.arriving.contains(&true)
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrive { stream } => self.arrive(stream),
            What::ToLeader(message) => self.tell_leader(message),
            What::ToWorker { device, message } => self.tell_worker(device, message),
            What::ToCoordinator { run, message } => self.tell_coordinator(run, message),
            What::Finish { device, turn } => self.finish(device, turn),
            What::Present { device, life } => self.present_again(device, life),
            What::Restart { device, life } => self.restart(device, life),
            What::Heal { device, life } => self.heal(device, life),
            What::Commit { run, term } => self.commit(run, term),
            What::Pump { run, term } => self.pump_later(run, term),
            What::Patience { run, term } => self.lose_patience(run, term),
            What::CoordinatorUp { run } => self.coordinator_up(run),
            What::Wake => self.wake_leader(),
            What::LeaderUp => self.lead(true),
            What::Trouble(trouble) => self.trouble(trouble),
            What::Sample => self.sample(),
        }
    }

    fn arrive(&mut self, stream: u32) {
        let of = &self.scenario.streams[stream as usize];
        let at_once = match of.arrivals {
            Arrivals::AtOnce => of.runs.unwrap_or(1),
            Arrivals::Poisson { .. } => 1,
            Arrivals::Bursts { of, .. } => of,
        };
        for _ in 0..at_once {
            self.bring_run(stream);
        }
        self.arrived[stream as usize] += at_once;
        let mean_ms = match of.arrivals {
            Arrivals::AtOnce => None,
            Arrivals::Poisson { every_ms } | Arrivals::Bursts { every_ms, .. } => Some(every_ms),
        };
        let more = match of.runs {
            Some(runs) => self.arrived[stream as usize] < runs,
            None => self.stats.events < self.scenario.min_events,
        };
        match mean_ms {
            Some(mean_ms) if more => {
                let wait_us = (self.work_rng.exponential(mean_ms) * 1e3) as u64;
                self.queue.push(self.now_us + wait_us, What::Arrive { stream });
            }
            _ => self.arriving[stream as usize] = false,
        }
    }

    fn bring_run(&mut self, stream: u32) {
        let of = &self.scenario.streams[stream as usize];
        let rng = &mut self.work_rng;
        let tenant = self.first_tenant[stream as usize] + self.zipfs[stream as usize].draw(rng);
        let models = self.scenario.models.len() as u64;
        let model = of.model.unwrap_or_else(|| rng.below(models) as u32);
        let count = rng.between(u64::from(of.items.0), u64::from(of.items.1)) as u32;
        let within_ms = of.deadline.filter(|(share, _, _)| rng.chance(*share));
        let deadline_ms = within_ms.map_or(0, |(_, from, to)| self.now_us / 1_000 + rng.between(from, to)) as u32;
        let number = self.runs.len() as u32;
        let first = self.items.len() as u32;
        let cost = self.scenario.models[model as usize].cost;
        for _ in 0..count {
            let tokens = of.lengths.draw(&mut self.work_rng);
            let ms = cost.item_ns(tokens) / 1e6;
            self.stats.cost_ms += ms;
            self.stats.longest_ms = self.stats.longest_ms.max(ms);
            let poison = self.fault_rng.chance(self.scenario.faults.poison);
            let deadly = !poison && self.fault_rng.chance(self.scenario.faults.deadly);
            self.items.push(Item {
                run: number,
                tokens,
                deadline_ms,
                poison,
                deadly,
                fate: Fate::Waiting,
                marks: Marks::default(),
                sent_us: 0,
                outstanding: false,
                running: 0,
                batch: 0,
                twin: 0,
                claimed: false,
                ordered: false,
                waited: false,
                failed_in: 0,
                seq: 0,
                lone_errors: 0,
                crashes: 0,
            });
        }
        self.log.note(
            self.now_us,
            "run arrives: run, items, tenant",
            [u64::from(number), u64::from(count), u64::from(tenant)],
        );
        self.runs.push(Run::new(tenant, of.class, model, first, count));
        self.active_runs += 1;
        let up_us = self.now_us + self.link_rng.below(1_000);
        self.queue.push(up_us, What::Pump { run: number, term: 1 });
    }

    fn sample(&mut self) {
        let waiting = self.leader.as_ref().map_or([0, 0], |leader| {
            let of = |class| leader.core.models.iter().map(|model| model.waiting[rank(class)].items).sum();
            [of(Class::Interactive), of(Class::Bulk)]
        });
        let sample = Sample { at_us: self.now_us, busy: self.busy, alive: self.alive, waiting };
        self.stats.load.add(sample);
        self.queue.push(self.now_us + self.stats.load.every_us, What::Sample);
    }

    /// Something that must not be was seen.
    pub(super) fn breaks(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }

    /// Whether a device adds to what the cluster can do.
    pub(super) fn count_in(&mut self, device: u32, counts: bool) {
        let device = &mut self.devices[device as usize];
        if device.counts != counts {
            device.counts = counts;
            self.alive = self.alive.saturating_add_signed(if counts { 1 } else { -1 });
            self.alive_speed += if counts { device.speed } else { -device.speed };
            self.stats.capacity.push((self.now_us, self.alive_speed));
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_us / 1_000
    }
}

/// Names of the core for numbers of the simulator.
pub(super) fn worker_id(device: u32) -> WorkerId {
    WorkerId(u128::from(device) + 1)
}

pub(super) fn run_id(run: u32) -> RunId {
    RunId(u128::from(run) + 1)
}

pub(super) fn tenant_id(tenant: u32) -> TenantId {
    TenantId(u128::from(tenant) + 1)
}

/// An item id without hashing: distinct for distinct numbers, and spread like a digest.
pub(super) fn item_id(item: u32) -> ItemId {
    let mut bytes = [0; 32];
    let spread = u64::from(item).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_le_bytes());
    bytes[8..16].copy_from_slice(&u64::from(item).to_le_bytes());
    ItemId(Digest(bytes))
}

pub(super) fn term_of(n: u64) -> Term {
    Term { incarnation: 1, n }
}
