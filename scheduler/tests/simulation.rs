//! The simulator keeps its own promises: a seed replays exactly, its checks change nothing, its traces replay, and it
//! notices a scheduler that breaks its word.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use scheduler::simulator::scenario::Arrivals;
use scheduler::simulator::{Options, Report, Scenario, plot, profiles, run};
use scheduler::trace;

/// A seed's scenario, cut short for a debug build.
fn short(seed: u64) -> Scenario {
    Scenario { min_events: 3_000, ..profiles::by_seed(seed, None) }
}

/// One in which leaders are lost all the time.
fn leaderless() -> Scenario {
    let mut scenario = short(3);
    scenario.faults.leader_loss_every_ms = 3_000.0;
    scenario
}

fn is_clean(report: &Report) {
    assert_eq!(report.broken, None, "{}{report}", report.log);
}

#[test]
fn every_kind_of_trouble_is_lived_through() {
    for seed in 0..profiles::KINDS.len() as u64 {
        let report = run(&short(seed), seed, Options::CHECKED);
        is_clean(&report);
        assert!(report.ended[0] > 0 && report.events >= 3_000, "{report}");
    }
}

#[test]
fn a_seed_replays_exactly_and_watching_changes_nothing() {
    for seed in [3, 11] {
        let scenario = short(seed);
        let first = run(&scenario, seed, Options::CHECKED);
        let again = run(&scenario, seed, Options::CHECKED);
        assert!(first == again, "seed {seed} lives differently the second time");
        let unwatched = run(&scenario, seed, Options::UNCHECKED);
        assert_eq!((first.events, first.ended, first.faulted), (unwatched.events, unwatched.ended, unwatched.faulted));
    }
}

#[test]
fn what_each_leader_was_told_replays_to_the_same_actions() {
    let report = run(&leaderless(), 3, Options { checks: true, replay: true, keep_trace: true });
    is_clean(&report);
    assert!(report.faulted.leader_losses > 0 && report.replayed > 200, "{report}");
    let replayed = trace::replay(report.trace.as_deref().unwrap(), |_, _, _| {}).unwrap();
    assert!(replayed.checks > 0 && !replayed.cut_off);
}

#[test]
fn the_picture_shows_every_panel_and_every_kind_of_mark() {
    let report = run(&leaderless(), 3, Options::CHECKED);
    let svg = plot::svg(&report);
    for shown in [
        "devices that run a batch",
        "bulk items queued at the leader",
        "interactive items queued there",
        "leader loss",
        "prefers-color-scheme:dark",
    ] {
        assert!(svg.contains(shown), "{shown}");
    }
    assert_eq!(svg.matches("<polyline").count(), 4);
}

#[test]
fn a_quiet_cluster_finishes_near_the_lower_bound() {
    let scenario = profiles::makespan(8, false);
    assert!(scenario.streams.iter().all(|stream| stream.arrivals == Arrivals::AtOnce));
    let report = run(&scenario, 1, Options::CHECKED);
    is_clean(&report);
    assert!((1.0..1.15).contains(&report.ratio()), "{report}");
}
