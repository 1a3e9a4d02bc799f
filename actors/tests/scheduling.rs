//! The real scheduler actor and real workers on the real runtime: what survives a change of leadership, draining, a
//! flooding neighbour, a cancel; and a trace that replays.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use actors::scheduler::recording::TraceSettings;
use actors::worker::drain;
use cluster::body::runs::GetScheduling;
use cluster::link::{CallContext, Wire};
use domain::id::Term;
use domain::principal::Principal;
use domain::scheduling::TenantShare;
use support::World;

/// Every item was run on a device exactly once.
fn assert_run_once(world: &World, items: u32) {
    let runs = world.devices.runs();
    assert_eq!(runs.len(), items as usize, "not every item was run");
    let twice: Vec<_> = runs.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "run more than once: {twice:?}");
}

async fn survives_a_change_of_leadership(wire: Wire) {
    let world = World::new(3, wire, None).await;
    world.devices.hold();
    let mut run = world.run(1, 0..400).await;
    run.hand_in().await;
    world.until(|view| view.workers.iter().all(|worker| worker.held == 2)).await;
    world.depose();
    let view = world.until(|view| view.term.n == 2 && view.totals.adopted == 6).await;
    let change = view.terms.last().unwrap();
    assert_eq!((change.term.n, change.adopted_batches, change.adopted_items), (2, 6, 48));
    world.devices.go();
    run.until_missing(0).await;
    assert_run_once(&world, 400);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_run_while_leadership_changes_are_taken_over_and_not_done_twice() {
    survives_a_change_of_leadership(Wire::Memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_taken_over_between_nodes_too() {
    survives_a_change_of_leadership(Wire::Bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_while_nobody_leads_is_not_done_twice() {
    let world = World::new(2, Wire::Memory, None).await;
    world.devices.hold();
    let mut run = world.run(1, 0..100).await;
    run.hand_in().await;
    world.until(|view| view.workers.iter().all(|worker| worker.held == 2)).await;
    let vacant = world.interregnum().await;
    world.devices.go();
    world.begun(4).await;
    while world.devices.batches() < 4 {
        tokio::task::yield_now().await;
    }
    drop(vacant);
    run.until_missing(0).await;
    assert_run_once(&world, 100);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_while_nobody_leads_waits_for_the_next_leader_and_no_longer_than_it_would() {
    let world = World::new(1, Wire::Memory, None).await;
    let leader = world.leader.clone();
    let ask = move |within| {
        let (ask, leader) = (GetScheduling { principal: Principal::NODE }, leader.clone());
        async move { leader.call(ask, CallContext::within(within)).await }
    };
    let vacant = world.interregnum().await;
    // The last leader may still be seen for a moment.
    while !matches!(ask(Duration::from_millis(50)).await, Err(fault) if fault.detail.contains("no scheduler leads")) {}
    let waits = tokio::spawn(ask(Duration::from_secs(30)));
    tokio::task::yield_now().await;
    drop(vacant);
    assert_eq!(waits.await.unwrap().unwrap().scheduling.term.n, 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_that_changes_again_and_again_loses_nothing() {
    let world = World::new(3, Wire::Memory, None).await;
    let mut run = world.run(1, 0..3_000).await;
    run.hand_in().await;
    for term in 2..=5 {
        run.until_missing(3_000 - 500 * (term as usize - 1)).await;
        world.depose();
        world.until(|view| view.term.n == term).await;
    }
    run.until_missing(0).await;
    let view = world.until(|view| view.outstanding_items == 0).await;
    let terms: Vec<u64> = view.terms.iter().map(|change| change.term.n).collect();
    assert_eq!(terms, [1, 2, 3, 4, 5]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_drains_finishes_or_gives_back_and_nothing_is_lost_or_done_twice() {
    let world = World::new(2, Wire::Memory, None).await;
    world.devices.hold();
    let mut run = world.run(1, 0..200).await;
    run.hand_in().await;
    world.until(|view| view.workers.iter().all(|worker| worker.held == 2)).await;
    world.begun(2).await;
    let (worker, actor) = world.workers[0].clone();
    let draining = tokio::spawn(async move { drain(&actor, worker, Duration::from_secs(60)).await });
    world.until(|view| view.workers.iter().any(|load| load.worker == worker && load.draining)).await;
    world.devices.go();
    draining.await.unwrap();
    run.until_missing(0).await;
    assert_run_once(&world, 200);
    let view = world.until(|view| view.workers.iter().all(|load| load.worker != worker)).await;
    assert_eq!((view.totals.failed, view.totals.reruns), (0, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_run_does_not_wait_for_a_flooding_one() {
    let world = World::new(1, Wire::Memory, None).await;
    world.devices.hold();
    let mut flood = world.run(1, 0..1_800).await;
    flood.hand_in().await;
    world.begun(1).await;
    let mut small = world.run(2, 10_000..10_032).await;
    small.hand_in().await;
    let before = world.devices.batches();
    world.devices.go();
    small.until_missing(0).await;
    let batches = world.devices.batches() - before;
    // Four batches of its own, as many of the other's in turn, those that were handed out before, and one that may
    // have ended while its results came in; of some two hundred and thirty.
    assert!(batches <= 16, "{batches} batches until the small run was done");
    flood.until_missing(0).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_may_have_is_set_at_run_time_and_outlasts_a_leader() {
    let world = World::new(1, Wire::Bytes, None).await;
    world.set_share(1, TenantShare { device_ms_per_s: Some(0), ..TenantShare::default() }).await;
    let mut held_up = world.run(1, 0..40).await;
    for term in [1, 2] {
        world.until(|view| view.term.n == term).await;
        held_up.hand_in().await;
        let mut other = world.run(2, 1_000 * term as u32..1_000 * term as u32 + 200).await;
        other.hand_in().await;
        other.until_missing(0).await;
        let begun = world.devices.runs().keys().filter(|number| **number < 1_000).count();
        assert_eq!(begun, 0, "of a tenant that may have nothing");
        world.until(|view| view.queued_bulk == 40).await;
        if term == 1 {
            world.depose();
        }
    }
    world.set_share(1, TenantShare::default()).await;
    held_up.until_missing(0).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_takes_no_more_device_time_than_what_had_begun() {
    let world = World::new(1, Wire::Memory, None).await;
    world.devices.hold();
    let gone = world.run(1, 0..1_000).await;
    gone.hand_in().await;
    world.begun(1).await;
    gone.cancel();
    world.until(|view| view.queued_bulk == 0).await;
    let mut kept = world.run(2, 5_000..5_100).await;
    kept.hand_in().await;
    world.devices.go();
    kept.until_missing(0).await;
    let view = world.until(|view| view.outstanding_items == 0 && view.leased_items == 0).await;
    let of_cancelled = world.devices.runs().keys().filter(|number| **number < 1_000).count();
    assert!(
        of_cancelled <= 8,
        "{of_cancelled} items of the cancelled run were run: more than the batch that had begun"
    );
    assert_eq!(view.totals.cancelled, 1_000);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_scheduler_was_told_replays_to_the_same_actions() {
    let folder = tempfile::tempdir().unwrap();
    let settings = TraceSettings { path: folder.path().join("node.trace"), max_bytes: 64 << 20 };
    let world = World::new(2, Wire::Memory, Some(settings.clone())).await;
    let mut run = world.run(1, 0..600).await;
    run.hand_in().await;
    run.until_missing(300).await;
    world.depose();
    run.until_missing(0).await;
    world.until(|view| view.outstanding_items == 0).await;
    world.stop().await;
    let mut completed = 0;
    for n in [1, 2] {
        let file = File::open(settings.file_of(Term { incarnation: 1, n })).unwrap();
        let replayed = scheduler::trace::replay(BufReader::new(file), |_, _, _| {}).unwrap();
        assert!(replayed.events > 0 && replayed.checks > 0 && !replayed.cut_off, "term {n}");
        completed += replayed.state.snapshot().totals.completed;
    }
    assert!(completed >= 600, "{completed} items were completed in the traces");
}
