//! Scenarios by seed, and those that the bars are measured with.

use super::rng::Rng;
use super::scenario::{Arrivals, Faults, Lengths, Links, Memory, ModelProfile, Scenario, Stream};
use crate::config::Config;
use crate::cost::Cost;
use crate::item::Class;

/// Names of what a seed's scenario may be about, in the order in which seeds go through them.
pub const KINDS: [&str; 12] = [
    "calm",
    "flood",
    "kills",
    "leaders",
    "links",
    "poison",
    "memory",
    "models",
    "churn",
    "hangs",
    "coordinators",
    "chaos",
];

/// Things that happen in one simulation of [`by_seed`], at least.
pub const MIN_EVENTS: u64 = 20_000;

/// The scenario of a seed. Kinds take turns; sizes, speeds, bounds and loads are drawn. Every 40th seed has hundreds
/// of devices, every 1,000th has 10,000. `nodes` fixes the number of nodes, of four devices each.
pub fn by_seed(seed: u64, nodes: Option<u32>) -> Scenario {
    let mut rng = Rng::new(seed, 1_000);
    let kind = KINDS[(seed % KINDS.len() as u64) as usize];
    let devices = match nodes {
        Some(nodes) => nodes.clamp(1, 2_500) * 4,
        None if seed % 1_000 == 999 => 10_000,
        None if seed % 40 == 39 => rng.between(200, 1_000) as u32,
        None => rng.pick(&[1, 2, 3, 5, 8, 13, 24, 48]).unwrap_or(1),
    };
    let mut scenario = Scenario::quiet(kind, devices);
    scenario.min_events = MIN_EVENTS.max(u64::from(devices) * 24);
    scenario.devices_per_node = rng.between(1, 4) as u32;
    scenario.speed_spread = rng.pick(&[1.0, 2.0, 8.0]).unwrap_or(1.0);
    scenario.noise = 0.1 * rng.share();
    scenario.config = config(&mut rng, devices);
    let models_count = if kind == "models" { 4 } else { 1 + rng.below(2) as u32 };
    scenario.models = models(&mut rng, models_count);
    scenario.streams = streams(&scenario, kind, &mut rng);
    trouble(&mut scenario, kind, &mut rng);
    scenario
}

/// Bounds that bite, and pauses short enough to be lived through often.
fn config(rng: &mut Rng, devices: u32) -> Config {
    let many = devices > 100;
    Config {
        max_items: if many { 1 << 20 } else { rng.pick(&[2_000, 8_000, 65_536]).unwrap_or(65_536) },
        max_items_per_run: rng.pick(&[1_024, 2_048]).unwrap_or(2_048),
        max_batch_items: rng.pick(&[8, 32, 2_048]).unwrap_or(2_048),
        batch_budget_ms: rng.pick(&[60, 120, 250, 1_000]).unwrap_or(250),
        age_bound_items: rng.pick(&[64, 512, 4_096, 16_384]).unwrap_or(16_384),
        fairness_slack_batches: 0.5 * rng.share(),
        max_padding_share: rng.pick(&[0.05, 0.15, 0.4]).unwrap_or(0.15),
        min_lease_ms: 4_000,
        max_backoff_ms: 2_000,
        ..Config::default()
    }
}

fn models(rng: &mut Rng, count: u32) -> Vec<ModelProfile> {
    let model = |rng: &mut Rng| ModelProfile {
        cost: Cost { ns_per_token: 30_000.0 * (1.0 + 2.0 * rng.share()), ns_per_token_squared: 40.0 * rng.share() },
        load_ms: rng.between(100, 3_000) as u32,
        weights_bytes: rng.between(100, 1_500) << 20,
        bytes_per_padded_token: rng.between(20, 300) as u32 * 1_024,
    };
    (0..count.max(1)).map(|_| model(rng)).collect()
}

fn streams(scenario: &Scenario, kind: &str, rng: &mut Rng) -> Vec<Stream> {
    let lengths =
        rng.pick(&[Lengths::Passages, Lengths::Lognormal, Lengths::Even(1, 512)]).unwrap_or(Lengths::Passages);
    let capacity: f64 = (0..scenario.devices).map(|device| scenario.speed_of(device)).sum();
    let load = 0.5 + 0.45 * rng.share();
    let items = rng.pick(&[(10, 60), (50, 400), (300, 2_000)]).unwrap_or((50, 400));
    let run_ms = f64::from(items.0 + items.1) / 2.0 * scenario.mean_item_ms(lengths, 0);
    let every_ms = run_ms / (capacity * load);
    let bursts = rng.chance(0.3);
    let of = rng.between(2, 12) as u32;
    let arrivals = match bursts {
        true => Arrivals::Bursts { every_ms: every_ms * f64::from(of), of },
        false => Arrivals::Poisson { every_ms },
    };
    let bulk = Stream {
        name: "bulk",
        class: Class::Bulk,
        tenants: rng.pick(&[1, 3, 12, 60]).unwrap_or(3),
        zipf: 1.5 * rng.share(),
        runs: None,
        arrivals,
        items,
        lengths,
        model: None,
        deadline: rng.chance(0.2).then_some((0.3, 2_000, 30_000)),
    };
    let mut streams = vec![bulk];
    if kind == "flood" || rng.chance(0.2) {
        let flood = Stream {
            name: "flood",
            tenants: 1,
            zipf: 0.0,
            runs: Some(6 + rng.below(20) as u32),
            arrivals: Arrivals::Bursts { every_ms: 20.0 * every_ms, of: 6 },
            deadline: None,
            ..streams[0].clone()
        };
        streams.push(flood);
    }
    if rng.chance(0.7) {
        streams.push(Stream {
            name: "interactive",
            class: Class::Interactive,
            tenants: 5,
            zipf: 1.0,
            runs: None,
            arrivals: Arrivals::Poisson { every_ms: every_ms.max(30.0 / capacity) },
            items: (1, 12),
            lengths,
            model: None,
            deadline: rng.chance(0.5).then_some((0.5, 300, 5_000)),
        });
    }
    streams
}

/// Troubles of a kind; times are drawn so that a simulation meets a dozen or more of each.
fn trouble(scenario: &mut Scenario, kind: &str, rng: &mut Rng) {
    // About this long do the least events of a scenario take.
    let batch_ms = f64::from(scenario.config.batch_budget_ms) * 0.6;
    let lasts_ms = (scenario.min_events as f64 / 10.0 / f64::from(scenario.devices) * batch_ms).max(2_000.0);
    let mut often = |times: f64| lasts_ms / (times * (0.5 + rng.share()));
    let chaos = kind == "chaos";
    let of = |kinds: &[&str]| chaos || kinds.contains(&kind);
    let faults = &mut scenario.faults;
    if of(&["kills", "leaders", "churn"]) {
        faults.kill_every_ms = often(15.0);
        faults.node_kill_every_ms = often(4.0);
        faults.never_back = 0.05;
    }
    if of(&["leaders", "links"]) {
        faults.leader_loss_every_ms = often(4.0).max(4_000.0);
    }
    if of(&["links", "leaders"]) {
        faults.partition_every_ms = often(20.0);
    }
    if of(&["poison"]) {
        (faults.poison, faults.flaky, faults.rejected) = (0.001, 0.01, 0.01);
        faults.deadly = 0.0001;
    }
    if of(&["churn"]) {
        faults.drain_every_ms = often(12.0);
        faults.weight_every_ms = often(30.0);
        faults.limit_every_ms = often(30.0);
        faults.cancel_every_ms = often(20.0);
    }
    if of(&["hangs"]) {
        faults.hang_every_ms = often(8.0);
        faults.slow_every_ms = often(10.0);
        faults.straggling = 0.01;
    }
    if of(&["coordinators"]) {
        faults.coordinator_loss_every_ms = often(15.0);
        faults.cancel_every_ms = often(15.0);
    }
    if of(&["links"]) {
        scenario.links = Links { delay_us: 500, jitter_us: 2_000.0, duplicated: 0.02, reordered: 0.02, dropped: 0.001 };
    }
    scenario.memory = match kind {
        "memory" | "models" if often(1.0) > lasts_ms => Memory::Stated,
        "memory" => Memory::Overstated,
        "chaos" => Memory::Overstated,
        _ => Memory::Plenty,
    };
}

/// All work at once on devices of mixed speed, 40 batches a device and more: how near the makespan comes to what no
/// scheduler can beat. `faults` adds kills without return, hangs, partitions, stragglers and the loss of leaders.
pub fn makespan(devices: u32, faults: bool) -> Scenario {
    let mut scenario = Scenario::quiet(if faults { "makespan with faults" } else { "makespan" }, devices);
    // A slower model, so that many devices can be kept busy by a number of items that fits into memory.
    scenario.models[0].cost = Cost { ns_per_token: 100_000.0, ns_per_token_squared: 40.0 };
    scenario.config = Config {
        max_items: 1 << 22,
        max_runs: 1 << 16,
        max_workers: 1 << 16,
        min_lease_ms: 4_000,
        ..Config::default()
    };
    let lengths = Lengths::Passages;
    let capacity: f64 = (0..devices).map(|device| scenario.speed_of(device)).sum();
    let budget_ms = f64::from(scenario.config.batch_budget_ms);
    // Batches are a little under their budget, so this much work makes 40 of them a device and some more.
    let items = 44.0 * budget_ms * capacity / scenario.mean_item_ms(lengths, 0);
    let a_run = 1_500.0_f64.min(items / 4.0);
    scenario.streams = vec![Stream {
        name: "bulk",
        class: Class::Bulk,
        tenants: 50,
        zipf: 1.0,
        runs: Some((items / a_run).ceil() as u32),
        arrivals: Arrivals::AtOnce,
        items: (a_run as u32, a_run as u32),
        lengths,
        model: None,
        deadline: None,
    }];
    if faults {
        // Troubles last nearly as long as the work, which makes more than one event an item.
        scenario.min_events = items as u64;
        let lasts_ms = 12_000.0;
        let each = |share: f64| lasts_ms / (share * f64::from(devices)).max(1.0);
        scenario.faults = Faults {
            kill_every_ms: each(0.05),
            never_back: 0.5,
            hang_every_ms: each(0.01),
            partition_every_ms: each(0.02),
            straggling: 0.005,
            leader_loss_every_ms: 8_000.0,
            flaky: 0.002,
            ..Faults::default()
        };
    }
    scenario
}

/// A small tenant that hands in a run now and then, alone or beside one that floods the queue from the beginning.
pub fn small_tenant(devices: u32, flooded: bool) -> Scenario {
    let mut scenario = Scenario::quiet(if flooded { "beside a flooding tenant" } else { "alone" }, devices);
    scenario.speed_spread = 1.0;
    let lengths = Lengths::Passages;
    let capacity_ms_per_s = f64::from(devices) * 1_000.0;
    let small = Stream {
        name: "small",
        class: Class::Bulk,
        tenants: 1,
        zipf: 0.0,
        runs: Some(400),
        arrivals: Arrivals::Poisson { every_ms: 1_000.0 },
        items: (4, 12),
        lengths,
        model: None,
        deadline: None,
    };
    // Ten minutes of work, so that the flood is there as long as the small tenant comes.
    let items = 600.0 * capacity_ms_per_s / scenario.mean_item_ms(lengths, 0);
    let flood = Stream {
        name: "flooding",
        runs: Some((items / 4_000.0).ceil() as u32),
        arrivals: Arrivals::AtOnce,
        items: (4_000, 4_000),
        ..small.clone()
    };
    scenario.streams = if flooded { vec![small, flood] } else { vec![small] };
    scenario
}

/// Interactive items one after the other while bulk work saturates all devices.
pub fn interactive_beside_bulk(devices: u32) -> Scenario {
    let mut scenario = small_tenant(devices, true);
    scenario.name = "interactive beside bulk";
    scenario.streams[0] = Stream {
        name: "interactive",
        class: Class::Interactive,
        runs: Some(1_000),
        arrivals: Arrivals::Poisson { every_ms: 450.0 },
        items: (1, 3),
        ..scenario.streams[0].clone()
    };
    scenario
}
