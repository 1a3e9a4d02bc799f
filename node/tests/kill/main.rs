//! The node is killed at every named step, while uploads, edits and runs are under way; what it had answered is
//! there when it is back.
//!
//! `every_step` takes each failpoint once; one that no client gets the node to pass fails it. `random_rounds` takes
//! as many as `VISIOBOOK_KILL_ROUNDS` says, on a seed (`cargo xtask kill-rounds`).
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod accounts;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod exports;
mod leaving;
mod ledger;
mod verify;

use std::os::unix::process::ExitStatusExt as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::Client;
use common::{Server, visiobook};
use ledger::Ledger;
use store::failpoint;

/// Rounds that go on beside one another.
const LANES: usize = 3;
/// How long a node may take to get to its point, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(600);

/// Which point, and the how manieth time that it is passed.
#[derive(Clone, Debug)]
struct Round {
    point: String,
    nth: u64,
}

impl Round {
    /// Kills a node there and holds the next one against what the first had answered.
    fn play(&self) {
        let data = tempfile::tempdir().unwrap();
        if accounts::concerns(&self.point) {
            return self.play_accounts(data.path());
        }
        let ledger = Ledger::default();
        assert!(self.use_until_killed(data.path(), &ledger), "it was never passed {} times", self.nth);
        let server = Server::start_with(data.path(), &mut slow());
        verify::verify(&server.address, &ledger);
        // And what was taken up again is as durable as the rest.
        server.running.kill();
        let server = Server::start_with(data.path(), &mut slow());
        verify::verify(&server.address, &ledger);
    }

    /// The same with people who have accounts.
    fn play_accounts(&self, data: &Path) {
        let (told, enough) = (accounts::TheirLedger::default(), AtomicBool::new(false));
        let mut server = Server::start_with(data, &mut self.doomed());
        let address = server.address.clone();
        let people = accounts::People { address: &address, data, told: &told, enough: &enough };
        let died = std::thread::scope(|scope| {
            scope.spawn(|| people.live());
            died(&mut server, &enough)
        });
        assert!(died, "it was never passed {} times", self.nth);
        for _ in 0..2 {
            let server = Server::start_with(data, &mut slow());
            accounts::verify(&server.address, &told);
            server.running.kill();
        }
    }

    /// A node that dies at the point.
    fn doomed(&self) -> std::process::Command {
        let mut command = slow();
        command.env(failpoint::POINT_VARIABLE, &self.point).env(failpoint::NTH_VARIABLE, self.nth.to_string());
        command
    }

    /// Whether the node died at the point.
    fn use_until_killed(&self, data: &Path, ledger: &Ledger) -> bool {
        // Some points lie before the first request.
        let Some(mut server) = Server::try_start_with(data, &mut self.doomed()) else { return true };
        let (numbers, enough) = (AtomicU64::new(0), AtomicBool::new(false));
        let address = server.address.clone();
        let client = || Client { address: &address, ledger, numbers: &numbers, enough: &enough };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| client().projects());
            }
            scope.spawn(|| client().uploads());
            scope.spawn(|| client().webhooks());
            died(&mut server, &enough)
        })
    }
}

/// Waits until a node ends, for a while; whether it was killed. Then it is to be left alone.
fn died(server: &mut Server, enough: &AtomicBool) -> bool {
    let until = Instant::now() + PATIENCE;
    let ended = loop {
        match server.running.0.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if Instant::now() > until => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    enough.store(true, Ordering::SeqCst);
    ended.is_some_and(|status| status.signal() == Some(9))
}

/// A node whose runs take long enough to be met under way.
fn slow() -> std::process::Command {
    let mut command = visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "20").env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    command.env("VISIOBOOK__WEBHOOKS__ALLOW_HTTP", "true").env("VISIOBOOK__WEBHOOKS__PORTS", "[]");
    command.env("VISIOBOOK__WEBHOOKS__ALLOW_NETWORKS", "[\"127.0.0.0/8\"]");
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", accounts::CODE);
    command
}

/// Plays rounds, some beside one another, and tells all that failed.
fn play(rounds: &[Round]) {
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(round) = rounds.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    let began = Instant::now();
                    let played = std::panic::catch_unwind(AssertUnwindSafe(|| round.play()));
                    println!(
                        "{round:?}: {:.1} s, {}",
                        began.elapsed().as_secs_f64(),
                        if played.is_ok() { "ok" } else { "FAILED" }
                    );
                    if played.is_err() {
                        failed.lock().unwrap().push(round.clone());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} rounds failed: {failed:?}", failed.len(), rounds.len());
}

#[test]
fn a_node_that_is_killed_at_any_step_has_what_it_answered_when_it_is_back() {
    // The scheduler takes its lease before the first request, the first run takes the second one.
    // An account is confirmed by its first update, its keys are made by the two that follow, one is revoked by the fourth.
    let nths = |point: &str| match point {
        point if point.contains("taking a lease") => &[2][..],
        point if point.ends_with("updating an account") => &[1, 2, 4],
        _ => &[1],
    };
    let only = std::env::var("VISIOBOOK_KILL_ONLY").ok();
    let points = failpoint::all().into_iter().filter(|point| only.as_ref().is_none_or(|only| point.contains(only)));
    let rounds = points.flat_map(|point| nths(&point).iter().map(move |nth| Round { nth: *nth, point: point.clone() }));
    let rounds: Vec<Round> = rounds.collect();
    play(&rounds);
}

#[test]
#[ignore = "takes minutes: `cargo xtask kill-rounds`"]
fn random_rounds() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = number("VISIOBOOK_KILL_ROUNDS").unwrap_or(200);
    let seed = number("VISIOBOOK_KILL_SEED").unwrap_or(1);
    println!("seed {seed}: VISIOBOOK_KILL_SEED replays the same points");
    let points = failpoint::all();
    let mut state = seed;
    // SplitMix64 (Steele, Lea and Flood 2014, figure 15).
    let mut draw = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let rounds: Vec<Round> = (0..rounds)
        .map(|_| Round { point: points[draw(points.len() as u64) as usize].clone(), nth: 1 + draw(6) })
        // A node is claimed once.
        .map(|round| if round.point.ends_with("claiming the node") { Round { nth: 1, ..round } } else { round })
        .collect();
    play(&rounds);
}
