//! What only a whole cluster shows: makespan, the small tenant, interactive work, and the simulator's own speed. All of
//! it is simulated with the real core, and so the same on every machine, but for the speed.

use std::time::Instant;

use anyhow::{Result, ensure};
use scheduler::simulator::report::Report;
use scheduler::simulator::{Options, Scenario, profiles, run};

use crate::table::{Bar, Row, Table};

const SEED: u64 = 7;
/// Devices of the row of interactive work.
const DEVICES: u32 = 4;
/// Device counts of the rows of the small tenant, ...
const SMALL_DEVICES: [u32; 4] = [1, 2, 4, 8];
/// ... of each of which the worst of these seeds counts.
const SMALL_SEEDS: [u64; 5] = [1, 2, 3, 7, 11];

/// Adds the rows that a simulation gives.
pub fn measure(table: &mut Table) -> Result<()> {
    for devices in SMALL_DEVICES {
        small(table, devices)?;
    }
    interactive(table)?;
    makespans(table)?;
    speed(table)
}

fn live(scenario: &Scenario, options: Options) -> Result<Report> {
    live_seed(scenario, SEED, options)
}

fn live_seed(scenario: &Scenario, seed: u64, options: Options) -> Result<Report> {
    let report = run(scenario, seed, options);
    ensure!(report.broken.is_none(), "{report}");
    Ok(report)
}

/// One tenant's p99 beside a flooding one, of the seed that comes nearest to its bar or exceeds it by most.
fn small(table: &mut Table, devices: u32) -> Result<()> {
    let scenario = profiles::small_tenant(devices, true);
    let slack_ms = 1.2 * f64::from(scenario.config.batch_budget_ms);
    let of_small = |report: &Report| {
        let times = report.tenants.iter().filter(|tenant| tenant.stream == "small");
        times.map(|tenant| tenant.turnaround.p99_ms).fold(0.0, f64::max)
    };
    let mut worst: Option<(f64, f64, f64)> = None;
    for seed in SMALL_SEEDS {
        let alone = live_seed(&profiles::small_tenant(devices, false), seed, Options::UNCHECKED)?;
        let beside = live_seed(&scenario, seed, Options::UNCHECKED)?;
        let found = (of_small(&beside), of_small(&alone), beside.makespan_ms);
        if worst.is_none_or(|worst| found.0 - found.1 > worst.0 - worst.1) {
            worst = Some(found);
        }
    }
    let (measured, alone, backlog) = worst.unwrap_or_default();
    table.add(Row {
        what: format!("small tenant's p99 beside a flooding one, {devices} devices"),
        measured,
        unit: "ms",
        peers: vec![("alone".to_owned(), alone), ("whole backlog, first come first served".to_owned(), backlog)],
        bar: Bar::AtMost(alone + slack_ms),
    });
    Ok(())
}

fn interactive(table: &mut Table) -> Result<()> {
    let scenario = profiles::interactive_beside_bulk(DEVICES);
    let (bulk_ms, interactive_ms) = (scenario.config.batch_budget_ms, scenario.config.interactive_budget_ms);
    let report = live(&scenario, Options::CHECKED)?;
    table.add(Row {
        what: format!("interactive p99 with bulk saturated, {DEVICES} devices"),
        measured: report.turnaround[0].p99_ms,
        unit: "ms",
        peers: vec![("whole backlog, first come first served".to_owned(), report.makespan_ms)],
        bar: Bar::AtMost(1.3 * f64::from(bulk_ms + interactive_ms)),
    });
    Ok(())
}

fn makespans(table: &mut Table) -> Result<()> {
    for (devices, faults, bar) in [(1_000, false, 1.10), (10_000, false, 1.15), (1_000, true, 1.25)] {
        let report = live(&profiles::makespan(devices, faults), Options::UNCHECKED)?;
        let against = if faults { "surviving capacity, with faults" } else { "its lower bound" };
        let a_device = report.batches as f64 / f64::from(devices);
        table.add(Row {
            what: format!("makespan against {against}, {devices} devices, {a_device:.0} batches a device"),
            measured: report.ratio(),
            unit: "×",
            peers: Vec::new(),
            bar: Bar::AtMost(bar),
        });
    }
    Ok(())
}

fn speed(table: &mut Table) -> Result<()> {
    let scenario = profiles::makespan(1_000, false);
    for (options, what, bar) in
        [(Options::UNCHECKED, "checks off", Bar::AtLeast(500.0)), (Options::CHECKED, "checks on", Bar::Shown)]
    {
        let began = Instant::now();
        let report = live(&scenario, options)?;
        table.add(Row {
            what: format!("simulator, {what}"),
            measured: report.events as f64 / began.elapsed().as_secs_f64() / 1e3,
            unit: "k events/s",
            peers: Vec::new(),
            bar,
        });
    }
    Ok(())
}
