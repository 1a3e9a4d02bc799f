//! What came of a simulation.

use std::fmt;

use super::ledger::Broken;
use super::log::Log;
use super::scenario::{Arrivals, Scenario};
use super::sim::Sim;
use super::stats::{Histogram, Load};
use crate::event::ItemFailure;

/// How often each trouble was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faulted {
    /// Workers that died by themselves.
    pub kills: u64,
    /// Nodes that died.
    pub node_kills: u64,
    /// Workers that an item killed.
    pub deadly: u64,
    /// Devices that stopped.
    pub hangs: u64,
    /// Workers that the core took for hung.
    pub taken_for_hung: u64,
    /// Times that a device was slow for a while.
    pub slow: u64,
    /// Batches that took many times as long.
    pub stragglers: u64,
    /// Links that broke for a while.
    pub partitions: u64,
    /// Leaders lost.
    pub leader_losses: u64,
    /// Coordinators lost.
    pub coordinator_losses: u64,
    /// Runs cancelled.
    pub cancelled: u64,
    /// Weights changed.
    pub weight_changes: u64,
    /// Tenants' limits set and lifted.
    pub limit_changes: u64,
    /// Workers drained.
    pub drains: u64,
    /// Batches that failed.
    pub errors: u64,
    /// Batches that ran out of memory.
    pub out_of_memory: u64,
    /// Batches that a worker didn't take.
    pub rejected: u64,
    /// Batches that the core asked back for something urgent.
    pub called_back: u64,
    /// Batches let go before they began.
    pub recalled: u64,
    /// Pages refused.
    pub refused: u64,
    /// Messages that came twice.
    pub duplicated: u64,
    /// Messages that others overtook.
    pub reordered: u64,
    /// Messages that never came.
    pub dropped: u64,
    /// Items given up: too long, too late, failed, out of memory, crashed.
    pub given_up: [u64; 5],
}

impl Faulted {
    /// Each with its name.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let gave_up = |reason: ItemFailure| self.given_up[reason as usize];
        vec![
            ("workers killed", self.kills),
            ("nodes killed", self.node_kills),
            ("killed by an item", self.deadly),
            ("devices hung", self.hangs),
            ("taken for hung", self.taken_for_hung),
            ("slow for a while", self.slow),
            ("straggling batches", self.stragglers),
            ("partitions", self.partitions),
            ("leaders lost", self.leader_losses),
            ("coordinators lost", self.coordinator_losses),
            ("runs cancelled", self.cancelled),
            ("weights changed", self.weight_changes),
            ("limits changed", self.limit_changes),
            ("drains", self.drains),
            ("failed batches", self.errors),
            ("out of memory", self.out_of_memory),
            ("batches rejected", self.rejected),
            ("called back", self.called_back),
            ("let go unbegun", self.recalled),
            ("pages refused", self.refused),
            ("messages doubled", self.duplicated),
            ("overtaken", self.reordered),
            ("lost", self.dropped),
            ("items too long", gave_up(ItemFailure::TooLong)),
            ("items too late", gave_up(ItemFailure::DeadlineMissed)),
            ("items failed", gave_up(ItemFailure::Error)),
            ("items too large", gave_up(ItemFailure::OutOfMemory)),
            ("items that crashed", gave_up(ItemFailure::Crashes)),
        ]
    }

    /// Adds another simulation's.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.kills, other.kills),
            (&mut self.node_kills, other.node_kills),
            (&mut self.deadly, other.deadly),
            (&mut self.hangs, other.hangs),
            (&mut self.taken_for_hung, other.taken_for_hung),
            (&mut self.slow, other.slow),
            (&mut self.stragglers, other.stragglers),
            (&mut self.partitions, other.partitions),
            (&mut self.leader_losses, other.leader_losses),
            (&mut self.coordinator_losses, other.coordinator_losses),
            (&mut self.cancelled, other.cancelled),
            (&mut self.weight_changes, other.weight_changes),
            (&mut self.limit_changes, other.limit_changes),
            (&mut self.drains, other.drains),
            (&mut self.errors, other.errors),
            (&mut self.out_of_memory, other.out_of_memory),
            (&mut self.rejected, other.rejected),
            (&mut self.called_back, other.called_back),
            (&mut self.recalled, other.recalled),
            (&mut self.refused, other.refused),
            (&mut self.duplicated, other.duplicated),
            (&mut self.reordered, other.reordered),
            (&mut self.dropped, other.dropped),
        ];
        for (mine, theirs) in pairs {
            *mine += theirs;
        }
        self.given_up.iter_mut().zip(other.given_up).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// Quantiles of a time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// How many were measured.
    pub count: u64,
    /// Half are below.
    pub p50_ms: f64,
    /// All but one in a hundred are below.
    pub p99_ms: f64,
}

impl Times {
    fn of(histogram: &Histogram) -> Self {
        let (p50_ms, p99_ms) = (histogram.quantile_ms(0.5), histogram.quantile_ms(0.99));
        Self { count: histogram.len(), p50_ms, p99_ms }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:>9.1} ms   p99 {:>9.1} ms   of {}", self.p50_ms, self.p99_ms, self.count)
    }
}

/// One tenant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TenantReport {
    /// Its stream's name.
    pub stream: &'static str,
    /// From handing in an item to having its result.
    pub turnaround: Times,
    /// Device time of what it was given, on a device of speed 1.
    pub served_ms: f64,
}

/// What came of one simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The seed.
    pub seed: u64,
    /// Devices at the beginning.
    pub devices: u32,
    /// Things that happened.
    pub events: u64,
    /// Simulated time.
    pub simulated_ms: f64,
    /// From the first arrival to the last result.
    pub makespan_ms: f64,
    /// What no scheduler can beat: total unpadded cost by surviving capacity, or the longest item on the fastest
    /// device.
    pub bound_ms: f64,
    /// All work came at once, so that the ratio of these two says something.
    pub is_makespan: bool,
    /// Items accepted into segments, given up, cancelled.
    pub ended: [u64; 3],
    /// From handing in to handing out, of interactive and of bulk items.
    pub waits: [Times; 2],
    /// From handing in to the result, of interactive and of bulk items.
    pub turnaround: [Times; 2],
    /// By tenant; the first 64.
    pub tenants: Vec<TenantReport>,
    /// Batches handed out.
    pub batches: u64,
    /// Share of the tokens computed that was padding.
    pub padding_waste: f64,
    /// Mean share of what a batch could have held.
    pub fill: f64,
    /// Batches handed out twice, and of these the ones whose second answer came first.
    pub hedges: (u64, u64),
    /// Batches taken over by a new leader.
    pub adopted: u64,
    /// Times that a model's weights were loaded.
    pub loads: u64,
    /// Furthest that a backlogged tenant's counter was above the least one, in batches of its weight.
    pub spread_batches: f64,
    /// Troubles met.
    pub faulted: Faulted,
    /// Full checks made, and events replayed.
    pub full_checks: u64,
    /// Events whose replay gave the same actions.
    pub replayed: u64,
    /// Load over time.
    pub load: Load,
    /// What was broken.
    pub broken: Option<Broken>,
    /// What happened last.
    pub log: Log,
    /// What the last leader was told, where that was asked for.
    pub trace: Option<Vec<u8>>,
}

impl Report {
    pub(super) fn of(sim: Sim<'_>, seed: u64) -> Self {
        let stats = sim.stats;
        let makespan_ms = stats.last_us as f64 / 1e3;
        let bound_ms = bound_ms(sim.scenario, stats.cost_ms, stats.longest_ms, &stats.capacity);
        let tenants = sim.tenants.iter().take(64).map(|tenant| TenantReport {
            stream: sim.scenario.streams[tenant.stream as usize].name,
            turnaround: Times::of(&tenant.turnaround),
            served_ms: tenant.served_ms,
        });
        let waste = match stats.padded_tokens {
            0 => 0.0,
            padded => 1.0 - stats.tokens as f64 / padded as f64,
        };
        Self {
            scenario: sim.scenario.name,
            seed,
            devices: sim.scenario.devices,
            events: stats.events,
            simulated_ms: sim.now_us as f64 / 1e3,
            makespan_ms,
            bound_ms,
            is_makespan: sim.scenario.streams.iter().all(|stream| stream.arrivals == Arrivals::AtOnce),
            ended: stats.ended,
            waits: [Times::of(&stats.waits[0]), Times::of(&stats.waits[1])],
            turnaround: [Times::of(&stats.turnaround[0]), Times::of(&stats.turnaround[1])],
            tenants: tenants.collect(),
            batches: stats.batches,
            padding_waste: waste,
            fill: if stats.batches == 0 { 0.0 } else { stats.fill / stats.batches as f64 },
            hedges: (stats.hedges, stats.hedges_won),
            adopted: stats.adopted,
            loads: stats.loads,
            spread_batches: stats.spread,
            faulted: stats.faulted,
            full_checks: stats.full_checks,
            replayed: stats.replayed,
            load: stats.load,
            broken: sim.broken,
            log: sim.log,
            trace: sim.trace,
        }
    }

    /// The makespan by its lower bound.
    pub fn ratio(&self) -> f64 {
        if self.bound_ms > 0.0 { self.makespan_ms / self.bound_ms } else { 0.0 }
    }
}

/// When the capacity that was there could have done all the work.
fn bound_ms(scenario: &Scenario, cost_ms: f64, longest_ms: f64, capacity: &[(u64, f64)]) -> f64 {
    let fastest = (0..scenario.devices).map(|device| scenario.speed_of(device)).fold(f64::MIN_POSITIVE, f64::max);
    let mut left = cost_ms;
    let mut bound_ms = 0.0;
    for (place, &(at_us, speed)) in capacity.iter().enumerate() {
        let from_ms = at_us as f64 / 1e3;
        let until_ms = capacity.get(place + 1).map_or(f64::INFINITY, |&(at_us, _)| at_us as f64 / 1e3);
        let does = speed * (until_ms - from_ms);
        if speed > 0.0 && does >= left {
            bound_ms = from_ms + left / speed;
            break;
        }
        left -= does.max(0.0);
    }
    bound_ms.max(longest_ms / fastest)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, seed {}: {} devices, {} events, {:.1} s simulated",
            self.scenario,
            self.seed,
            self.devices,
            self.events,
            self.simulated_ms / 1e3
        )?;
        let [done, failed, cancelled] = self.ended;
        writeln!(f, "  items            {done} accepted, {failed} given up, {cancelled} cancelled")?;
        if self.is_makespan {
            writeln!(
                f,
                "  makespan         {:.1} s, lower bound {:.1} s, ratio {:.3}",
                self.makespan_ms / 1e3,
                self.bound_ms / 1e3,
                self.ratio()
            )?;
        }
        for (class, name) in ["interactive", "bulk"].into_iter().enumerate() {
            if self.turnaround[class].count > 0 {
                writeln!(f, "  {name:<16} waits  {}", self.waits[class])?;
                writeln!(f, "  {name:<16} result {}", self.turnaround[class])?;
            }
        }
        for (place, tenant) in
            self.tenants.iter().enumerate().filter(|(_, tenant)| tenant.turnaround.count > 0).take(12)
        {
            writeln!(f, "  tenant {place:<3} {:<12} {}", tenant.stream, tenant.turnaround)?;
        }
        writeln!(
            f,
            "  batches          {} of fill {:.1} %, padding {:.2} %",
            self.batches,
            self.fill * 100.0,
            self.padding_waste * 100.0
        )?;
        writeln!(
            f,
            "  hedges           {}, won {}; adopted {}; loads {}",
            self.hedges.0, self.hedges.1, self.adopted, self.loads
        )?;
        writeln!(f, "  counters         at most {:.2} batches above the least", self.spread_batches)?;
        writeln!(f, "  checked          {} times in full, {} events replayed", self.full_checks, self.replayed)?;
        let met: Vec<String> = self
            .faulted
            .named()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        writeln!(f, "  troubles         {}", if met.is_empty() { "none".to_owned() } else { met.join(", ") })
    }
}
