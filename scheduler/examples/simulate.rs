//! Lives through simulations of the scheduler, or replays a trace, and closes with one line:
//! `N seeds, N events, N violations`. `cargo xtask simulate` starts it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use scheduler::simulator::report::Faulted;
use scheduler::simulator::{Options, Report, Scenario, plot, profiles, run};
use scheduler::trace;

/// Simulations of the scheduler
#[derive(Parser)]
struct Asked {
    /// How many seeds to live through
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This one seed, with its report; what a failing seed is replayed with
    #[arg(long)]
    seed: Option<u64>,
    /// Nodes of four devices each, for every seed; by default the seed decides
    #[arg(long)]
    nodes: Option<u32>,
    /// Devices of a named scenario, where nodes of four are too coarse
    #[arg(long, requires = "scenario", conflicts_with = "nodes")]
    devices: Option<u32>,
    /// Instead of a seed's own scenario: makespan, makespan-faults, small, flooded, interactive
    #[arg(long)]
    scenario: Option<String>,
    /// Replay a trace that a node recorded, or that --record wrote
    #[arg(long)]
    trace: Option<PathBuf>,
    /// With --trace: print each event with its actions in which this text occurs
    #[arg(long)]
    show: Option<String>,
    /// Write what the last leader of the seed was told
    #[arg(long)]
    record: Option<PathBuf>,
    /// Draw the load of the seed over time
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Check nothing, to see how fast it is
    #[arg(long)]
    unchecked: bool,
    /// Threads; one a processor by default
    #[arg(long)]
    threads: Option<usize>,
}

/// How many violations are printed with all that led to them.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let asked = Asked::parse();
    let outcome = match &asked.trace {
        Some(path) => replay(path, asked.show.as_deref()),
        None => simulate(&asked),
    };
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn scenario(asked: &Asked, seed: u64) -> Result<Scenario, String> {
    let devices = |usual| asked.devices.or(asked.nodes.map(|nodes| nodes.saturating_mul(4))).unwrap_or(usual).max(1);
    Ok(match asked.scenario.as_deref() {
        None => profiles::by_seed(seed, asked.nodes),
        Some("makespan") => profiles::makespan(devices(1_000), false),
        Some("makespan-faults") => profiles::makespan(devices(1_000), true),
        Some("small") => profiles::small_tenant(devices(4), false),
        Some("flooded") => profiles::small_tenant(devices(4), true),
        Some("interactive") => profiles::interactive_beside_bulk(devices(4)),
        Some(other) => return Err(format!("no scenario is called {other}")),
    })
}

/// Sums over seeds.
#[derive(Default)]
struct Sums {
    seeds: u64,
    events: u64,
    violations: u64,
    replayed: u64,
    full_checks: u64,
    adopted: u64,
    hedges: u64,
    faulted: Faulted,
}

fn simulate(asked: &Asked) -> Result<u64, String> {
    let seeds = match asked.seed {
        Some(seed) => seed..seed + 1,
        None => asked.from..asked.from + asked.seeds,
    };
    scenario(asked, seeds.start)?;
    let alone = asked.seed.is_some();
    let threads = asked.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let next = AtomicU64::new(seeds.start);
    let sums = Mutex::new(Sums::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, (seeds.end - seeds.start).max(1) as usize) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let Ok(scenario) = scenario(asked, seed) else { return };
                    let report = live(asked, &scenario, seed, alone);
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    take(&mut sums, &report, asked, alone);
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    let took_s = began.elapsed().as_secs_f64();
    if !alone {
        let met: Vec<String> = sums.faulted.named().iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!("met: {}", met.join(", "));
        println!("adopted batches {}, hedged batches {}", sums.adopted, sums.hedges);
    }
    println!(
        "{:.1} s on {threads} threads, {:.0} events a second, checks {}; {} full checks, {} events replayed",
        took_s,
        sums.events as f64 / took_s,
        if asked.unchecked { "off" } else { "on" },
        sums.full_checks,
        sums.replayed
    );
    println!("{} seeds, {} events, {} violations", sums.seeds, sums.events, sums.violations);
    Ok(sums.violations)
}

fn live(asked: &Asked, scenario: &Scenario, seed: u64, alone: bool) -> Report {
    let options = Options {
        checks: !asked.unchecked,
        // Replaying doubles the work: every eighth seed will do, and the one that is looked at.
        replay: !asked.unchecked && (alone || seed.is_multiple_of(8) || asked.record.is_some()),
        keep_trace: asked.record.is_some(),
    };
    run(scenario, seed, options)
}

fn take(sums: &mut Sums, report: &Report, asked: &Asked, alone: bool) {
    sums.seeds += 1;
    sums.events += report.events;
    sums.replayed += report.replayed;
    sums.full_checks += report.full_checks;
    sums.adopted += report.adopted;
    sums.hedges += report.hedges.0;
    sums.faulted.add(&report.faulted);
    if alone {
        print!("{report}");
        write_files(report, asked);
    }
    if let Some(broken) = &report.broken {
        sums.violations += 1;
        if sums.violations as usize <= SHOWN {
            let nodes = asked.nodes.map_or_else(String::new, |nodes| format!(" --nodes {nodes}"));
            let of = asked.scenario.as_ref().map_or_else(String::new, |name| format!(" --scenario {name}"));
            println!("{}VIOLATION in {}, seed {}: {broken}", report.log, report.scenario, report.seed);
            println!("  replay: cargo xtask simulate --seed {}{nodes}{of}\n", report.seed);
        } else {
            println!("VIOLATION in {}, seed {}: {broken}", report.scenario, report.seed);
        }
    }
}

fn write_files(report: &Report, asked: &Asked) {
    let write = |path: &Path, bytes: &[u8]| match std::fs::write(path, bytes) {
        Ok(()) => println!("  written          {}", path.display()),
        Err(error) => eprintln!("error: {} can't be written: {error}", path.display()),
    };
    if let Some(path) = &asked.svg {
        write(path, plot::svg(report).as_bytes());
    }
    if let (Some(path), Some(trace)) = (&asked.record, &report.trace) {
        write(path, trace);
    }
}

fn replay(path: &Path, show: Option<&str>) -> Result<u64, String> {
    let file = File::open(path).map_err(|error| format!("{} can't be opened: {error}", path.display()))?;
    let began = Instant::now();
    let mut seen = 0;
    let outcome = trace::replay(BufReader::new(file), |now_ms, event, actions| {
        seen += 1;
        if let Some(text) = show {
            let line = format!("{now_ms} ms {event:?} => {actions:?}");
            if line.contains(text) {
                println!("{line}");
            }
        }
    });
    let violations = match outcome {
        Ok(replayed) => {
            println!(
                "{} events and {} actions replayed in {:.1} s; {} digests agree{}",
                replayed.events,
                replayed.actions,
                began.elapsed().as_secs_f64(),
                replayed.checks,
                if replayed.cut_off { "; the last record is cut off" } else { "" }
            );
            println!("{:#?}", replayed.state.snapshot().totals);
            0
        }
        Err(error) => {
            println!("VIOLATION: {error}");
            1
        }
    };
    println!("1 seeds, {seen} events, {violations} violations");
    Ok(violations)
}
