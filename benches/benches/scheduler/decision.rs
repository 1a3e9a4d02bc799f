//! How long one decision takes, against the prototype on the same trace, turn by turn in one run.
//!
//! Both sides do the same job, measured twice: when a device pulls (form a batch, lease its items, write the message
//! that names them), and the whole step that follows a finished batch (end its lease, and then all of the former; the
//! core also learns how long it took and retires its items). Only what the prototype has no notion of comes on top at
//! the core: the device's statement, its place among those that are ready, when the lease runs out and when the batch is
//! late. The prototype that only forms a batch, naming and leasing nothing, is shown beside.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::core::Core;
use crate::prototype::{Leasing, Prototype};
use crate::table::{Bar, Row, Table};
use crate::trace::{Traced, lognormal};

const DEPTH: usize = 65_536;
const ITEMS: usize = 400_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 5;

/// Adds the rows of decisions.
pub fn measure(table: &mut Table) {
    for tenants in [1, 16, 256] {
        let trace = lognormal(ITEMS, tenants, 42);
        let round = |_| {
            let bare = forming(&trace, tenants);
            [bare, leasing(&trace, tenants, false), leasing(&trace, tenants, true), pulls(&trace), steps(&trace)]
        };
        let rounds: Vec<[Vec<Duration>; 5]> = (0..ROUNDS).map(round).collect();
        let of = |side: usize, share: f64| {
            let mut each: Vec<f64> = rounds.iter().map(|round| quantile_us(&round[side], share)).collect();
            each.sort_by(f64::total_cmp);
            each[ROUNDS / 2]
        };
        for (side, rival, name) in
            [(3, 1, "pull: batch, lease, message"), (4, 2, "whole step: ack, retire, learn, then the pull")]
        {
            for (share, label) in [(0.5, "p50"), (0.99, "p99")] {
                let peer = of(rival, share);
                table.add(Row {
                    what: format!("decision {label}, {tenants} tenants, {DEPTH} queued; {name}"),
                    measured: of(side, share),
                    unit: "µs",
                    peers: vec![
                        ("prototype, the same job".to_owned(), peer),
                        ("prototype, forming alone".to_owned(), of(0, share)),
                    ],
                    bar: if label == "p99" { Bar::AtMost(peer) } else { Bar::Shown },
                });
            }
        }
    }
}

fn quantile_us(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[((sorted.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
}

fn refill(prototype: &mut Prototype, trace: &[Traced], next: &mut usize) {
    while *next < trace.len() && prototype.len() < DEPTH {
        prototype.push(trace[*next]);
        *next += 1;
    }
}

/// The prototype forms batches and no more.
fn forming(trace: &[Traced], tenants: u16) -> Vec<Duration> {
    let mut prototype = Prototype::new(usize::from(tenants), trace.len(), 4 * DEPTH as u64);
    let mut batch = Vec::with_capacity(4_096);
    let (mut next, mut times) = (0, Vec::new());
    while next < trace.len() {
        refill(&mut prototype, trace, &mut next);
        let began = Instant::now();
        prototype.batch(&mut batch);
        times.push(began.elapsed());
    }
    times
}

/// The prototype hands batches out, one at a time; `whole`: what comes back is part of the time.
fn leasing(trace: &[Traced], tenants: u16, whole: bool) -> Vec<Duration> {
    let mut leasing = Leasing::new(usize::from(tenants), trace, 4 * DEPTH as u64);
    let (mut next, mut times, mut held) = (0, Vec::new(), None);
    while next < trace.len() {
        refill(&mut leasing.prototype, trace, &mut next);
        let mut began = Instant::now();
        if let Some(lease) = held {
            black_box(leasing.done(lease));
        }
        if !whole {
            began = Instant::now();
        }
        let (lease, message) = leasing.pull();
        times.push(began.elapsed());
        black_box(message);
        held = Some(lease);
    }
    times
}

fn pulls(trace: &[Traced]) -> Vec<Duration> {
    let mut core = Core::new(trace, DEPTH);
    let mut times = Vec::new();
    while core.is_steady() {
        let offer = Core::offer_event(1);
        let began = Instant::now();
        let handed = core.pull(offer);
        times.push(began.elapsed());
        // The device takes its credit back, so that the next batch is decided when it pulls and not before.
        core.offer(0);
        if let Some(held) = handed {
            core.done(held);
        }
        core.refill();
    }
    times
}

fn steps(trace: &[Traced]) -> Vec<Duration> {
    let mut core = Core::new(trace, DEPTH);
    let mut held = core.offer(1);
    let mut times = Vec::new();
    while let Some(running) = held.filter(|_| core.is_steady()) {
        core.refill();
        let began = Instant::now();
        held = core.done(running);
        times.push(began.elapsed());
    }
    times
}
