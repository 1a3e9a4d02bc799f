//! Devices that run out of memory and that hold several models, behind the real scheduler.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use cluster::body::runs::ModelRef;
use cluster::link::Wire;
use domain::id::Digest;
use support::{MODEL, World};

const OTHER: ModelRef = ModelRef { digest: Digest([8; 32]), ..MODEL };

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_runs_out_of_memory_gets_less_and_every_item_is_done_once() {
    let world = World::new(1, Wire::Memory, None).await;
    // Eight items of up to 219 tokens make a batch; the device holds two of the longest.
    world.devices.shrink(500);
    let mut run = world.run(1, 0..200).await;
    run.hand_in().await;
    run.until_missing(0).await;
    assert!(world.devices.refused() > 0, "at first more was asked of it");
    assert!(world.devices.runs().values().all(|runs| *runs == 1), "{:?}", world.devices.runs());
    let view = world.until(|view| view.totals.completed == 200).await;
    assert!(view.totals.reruns > 0 && view.totals.failed == 0, "{:?}", view.totals);
    // What it learnt it keeps: the next run is asked for less from the start.
    let refused = world.devices.refused();
    let mut again = world.run(1, 1_000..1_200).await;
    again.hand_in().await;
    again.until_missing(0).await;
    assert!(world.devices.refused() - refused <= refused, "{refused}, then {}", world.devices.refused());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_loaded_when_it_is_wanted_and_both_stay_where_memory_is_not_short() {
    let mut world = World::new(0, Wire::Memory, None).await;
    world.add_worker_with(vec![MODEL, OTHER], false).await;
    world.until_devices(|devices| devices.iter().map(|load| load.resident_models).eq([1])).await;
    let (mut first, mut second) = (world.run(1, 0..20).await, world.run_on(OTHER, 2, 100..120).await);
    first.hand_in().await;
    second.hand_in().await;
    first.until_missing(0).await;
    second.until_missing(0).await;
    world.until_devices(|devices| devices.iter().map(|load| load.resident_models).eq([2])).await;
    world.until_devices(|devices| devices[0].tokens > 0 && devices[0].batches >= 2 && devices[0].busy_us > 0).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_memory_holds_one_model_the_other_goes_before_it_is_loaded() {
    let mut world = World::new(0, Wire::Memory, None).await;
    world.add_worker_with(vec![MODEL, OTHER], true).await;
    for (turn, model) in [MODEL, OTHER, MODEL, OTHER].into_iter().enumerate() {
        let first = turn as u32 * 100;
        let mut run = world.run_on(model, 1, first..first + 10).await;
        run.hand_in().await;
        run.until_missing(0).await;
    }
    assert_eq!(world.devices.most_loaded(), 1);
    world.stop().await;
}
