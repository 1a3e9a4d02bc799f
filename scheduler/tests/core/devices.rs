//! Devices of unlike speed and memory, late ones, and tenants that may have only so much.

use domain::id::TenantId;
use scheduler::cost::Cost;
use scheduler::{Action, CancelReason, Config, Event, Failure, ItemSpec, ModelKey, ModelOffer};

use crate::support::*;

fn offering(world: &mut World, id: u64, models: Vec<ModelOffer>, free_memory_bytes: u64) {
    let Event::WorkerReady { worker, node, epoch, credits, held, .. } = ready(id, 1, 2) else { unreachable!() };
    world.epochs.insert(worker, 1);
    world.tell(Event::WorkerReady { worker, node, epoch, credits, models, free_memory_bytes, held });
}

fn speed(ns_per_token: f64) -> ModelOffer {
    ModelOffer { prior: Some(Cost { ns_per_token, ns_per_token_squared: 0.01 }), ..offer(MODEL) }
}

#[test]
fn scarce_work_goes_where_it_is_done_soonest() {
    let mut world = World::new(Config { max_batch_items: 1, ..Config::default() });
    offering(&mut world, 1, vec![speed(1_000_000.0)], 0);
    offering(&mut world, 2, vec![speed(1_000.0)], 0);
    world.submit(1, vec![bulk(1, 1, 100), bulk(2, 1, 100)]);
    assert_eq!((world.holds(1).len(), world.holds(2).len()), (0, 2), "staged at the fast one it is done sooner");
    world.submit(1, vec![bulk(3, 1, 100)]);
    assert_eq!(world.holds(1).len(), 1, "but nothing waits while a device idles");
    world.check();
}

#[test]
fn a_device_that_would_have_to_load_the_model_comes_after_one_that_is_free_sooner() {
    let mut world = World::new(Config { max_batch_items: 1, ..Config::default() });
    offering(&mut world, 1, vec![ModelOffer { resident: false, load_ms: 60_000, ..offer(MODEL) }], 0);
    offering(&mut world, 2, vec![offer(MODEL)], 0);
    world.submit(1, vec![bulk(1, 1, 100), bulk(2, 1, 100)]);
    assert_eq!((world.holds(1).len(), world.holds(2).len()), (0, 2));
    world.submit(1, vec![bulk(3, 1, 100)]);
    assert_eq!(world.holds(1).len(), 1);
    world.check();
}

/// A late batch on worker 1, and worker 2 that idles beside it.
fn late() -> World {
    let mut world = World::new(Config { hedge_share: 0.5, hedge_after_ms: 100, ..Config::default() });
    world.join(1, 1, 1);
    for n in 0..3 {
        world.submit(1, vec![bulk(n, 1, 500)]);
        world.now_ms += 10;
        world.finish(1, 10_000);
    }
    world.submit(1, vec![bulk(10, 1, 64), bulk(11, 1, 64)]);
    world.join(2, 1, 1);
    assert!(world.holds(2).is_empty());
    world.now_ms = world.state.next_wake_ms().unwrap();
    world.tell(Event::Tick);
    world.check();
    world
}

#[test]
fn a_late_batch_runs_again_on_an_idle_device_and_the_first_answer_counts() {
    for hedge_wins in [true, false] {
        let mut world = late();
        let run = world.answers.iter().find_map(|action| match action {
            Action::Run { hedge, items, .. } => Some((*hedge, items.len())),
            _ => None,
        });
        assert_eq!(run, Some((true, world.holds(1)[0].items.len())), "{:?}", world.answers);
        let (first, second) = if hedge_wins { (2, 1) } else { (1, 2) };
        let items = world.finish(first, 10_000).items;
        assert!(items.iter().all(|key| world.ended.get(key) == Some(&End::Completed)));
        let lease = world.holds(second)[0].lease;
        let asked = Action::CancelBatch { worker: worker(second), lease, reason: CancelReason::Superseded };
        assert!(world.answers.contains(&asked), "{:?}", world.answers);
        world.check();
        world.finish(second, 10_000);
        assert!(!world.answers.iter().any(|action| matches!(action, Action::Completed { .. })), "wanted once");
        world.check();
        let totals = world.state.snapshot().totals;
        assert_eq!((totals.hedges, totals.hedges_won), (1, u64::from(hedge_wins)));
    }
}

#[test]
fn when_one_of_two_fails_or_is_lost_the_other_has_the_items_alone() {
    for (gone, stays) in [(1, 2), (2, 1)] {
        for lost in [true, false] {
            let mut world = late();
            if lost {
                world.lose(gone);
            } else {
                world.fail(gone, Failure::Error);
            }
            world.check();
            assert_eq!(world.holds(stays).len(), 1);
            world.finish(stays, 10_000);
            world.check();
            assert!(world.outstanding.iter().all(|key| !world.ended.contains_key(key)));
            assert_eq!(world.end_of(1, 10), Some(End::Completed), "{gone} {lost}");
        }
    }
}

#[test]
fn cancelling_a_run_lets_both_of_a_hedged_pair_go() {
    let mut world = late();
    world.tell(Event::CancelRun { run: run(1), term: TERM });
    let asked = world.answers.iter().filter(|action| matches!(action, Action::CancelBatch { .. })).count();
    assert_eq!(asked, 2);
    world.check();
    world.fail(1, Failure::Released);
    world.check();
    world.finish(2, 10_000);
    world.check();
    assert_eq!(world.state.snapshot().leased_items, 0);
}

#[test]
fn hedges_stay_within_their_share_of_device_time() {
    let mut world = World::new(Config { hedge_after_ms: 10, ..Config::default() });
    world.join(1, 1, 1);
    world.join(2, 1, 1);
    for n in 0..200 {
        world.submit(1, vec![bulk(n, 1, 64)]);
        world.now_ms += 10_000;
        world.tell(Event::Tick);
        for id in [1, 2] {
            if !world.holds(id).is_empty() {
                world.finish(id, 10_000);
            }
        }
        world.check();
    }
    let totals = world.state.snapshot().totals;
    assert!((1..=4).contains(&totals.hedges), "{} hedges of 200 batches at 2 %", totals.hedges);
}

fn sized(model: u32, resident: bool) -> ModelOffer {
    let (model, weights_bytes) = (ModelKey(model), 6_000_000);
    ModelOffer { resident, weights_bytes, bytes_per_padded_token: 1_000, load_ms: 10, ..offer(model) }
}

#[test]
fn a_batch_fits_what_memory_is_free() {
    let mut world = World::new(Config::default());
    offering(&mut world, 1, vec![sized(1, true)], 4_000_000);
    world.submit(1, (0..100).map(|n| bulk(n, 1, 128)).collect());
    let held = &world.holds(1)[0];
    assert!(held.items.len() * held.padded_len as usize <= 3_600, "90 % of what is free");
    assert!(held.items.len() * held.padded_len as usize > 3_200);
    world.check();
}

#[test]
fn a_model_that_finds_no_room_waits_for_others_to_go_and_they_go_when_nothing_needs_them() {
    let mut world = World::new(Config::default());
    // One model is on the device; beside it there is no room for the other.
    offering(&mut world, 1, vec![sized(1, true), sized(2, false)], 4_000_000);
    let of = |model: u32, n: u64| scheduler::ItemSpec { model: ModelKey(model), ..bulk(n, 1, 128) };
    world.submit(1, vec![of(1, 1)]);
    world.submit(1, vec![of(2, 2)]);
    assert_eq!(world.holds(1).len(), 1, "the running batch needs the model that is there");
    world.check();
    world.finish(1, 1_000);
    let unload =
        world.answers.iter().position(|action| *action == Action::Unload { worker: worker(1), model: ModelKey(1) });
    let run = world.answers.iter().position(|action| matches!(action, Action::Run { .. }));
    assert!(unload.unwrap() < run.unwrap(), "{:?}", world.answers);
    assert_eq!(world.holds(1)[0].model, ModelKey(2));
    world.check();
    world.finish(1, 1_000);
    assert!(world.outstanding.is_empty());
}

#[test]
fn a_model_that_could_never_fit_is_not_taken() {
    let mut world = World::new(Config::default());
    offering(&mut world, 1, vec![ModelOffer { weights_bytes: 60_000_000, ..sized(1, false) }], 4_000_000);
    world.submit(1, vec![bulk(1, 1, 128)]);
    assert!(world.holds(1).is_empty());
    assert_eq!(world.state.snapshot().models[0].workers, 0);
    world.check();
}

#[test]
fn a_limited_tenant_gets_its_device_time_and_no_more_and_earns_no_credit_meanwhile() {
    let mut world = World::new(Config::default());
    world.tell(Event::SetLimit { tenant: TenantId(1), device_ms_per_s: Some(100) });
    world.join(1, 1, 1);
    world.submit(1, (0..2_000).map(|n| bulk(n, 1, 128)).collect());
    let cost_ms = 128.0 * (10_000.0 + 20.0 * 128.0) / 1e6;
    let mut served = 0;
    while world.now_ms < 20_000 {
        world.now_ms = world.state.next_wake_ms().map_or(world.now_ms + 100, |at| at.max(world.now_ms + 1));
        world.tell(Event::Tick);
        while !world.holds(1).is_empty() {
            let items = world.holds(1)[0].items.len();
            world.finish(1, (items as f64 * cost_ms * 1e3) as u64);
            served += items;
            world.check();
        }
    }
    let had_ms = served as f64 * cost_ms;
    assert!((1_800.0..2_700.0).contains(&had_ms), "{had_ms} ms of device time in 20 s at 100 ms a second");
    world.tell(Event::SetLimit { tenant: TenantId(1), device_ms_per_s: None });
    assert!(!world.holds(1).is_empty(), "without a limit it goes on");
    world.check();
}

#[test]
fn a_bulk_item_whose_deadline_lies_behind_more_than_can_be_done_is_refused_at_the_door() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    let due = |n: u64, deadline_ms: u64| scheduler::ItemSpec { deadline_ms: Some(deadline_ms), ..bulk(n, 1, 512) };
    // Each takes 10.4 ms, so that 38 of them can be done in 400 ms.
    world.submit(1, (0..60).map(|n| due(n, 400)).collect());
    assert_eq!(world.outstanding.len(), 38);
    let answered = world.answers.iter().filter(|action| matches!(action, Action::ItemFailed { .. })).count();
    assert_eq!(answered, 22);
    world.check();
}

#[test]
fn a_tenant_at_its_limit_is_not_served_though_another_one_is() {
    let mut world = World::new(Config { max_batch_items: 8, ..Config::default() });
    world.submit(1, (0..20).map(|n| bulk(n, 1, 128)).collect());
    world.tell(Event::SetLimit { tenant: TenantId(1), device_ms_per_s: Some(0) });
    world.join(1, 1, 1);
    assert!(world.holds(1).is_empty());
    world.submit(2, (100..120).map(|n| bulk(n, 2, 128)).collect());
    while !world.holds(1).is_empty() {
        assert!(world.finish(1, 10_000).items.iter().all(|(of, _)| *of == run(2)));
        world.check();
    }
    assert_eq!(world.outstanding.len(), 20, "what is limited waits");
}

#[test]
fn who_is_told_to_come_again_is_told_how_long_the_devices_take_for_as_much() {
    // A hundred items of 500 tokens, at 10 ms each by what the devices were timed at.
    for (workers, takes_ms) in [(1, 1_000), (2, 500)] {
        let mut world = World::new(Config { max_items: 15, ..Config::default() });
        (1..=workers).for_each(|id| world.join(id, 1, 1));
        world.submit(1, (0..10).map(|n| bulk(n, 1, 500)).collect());
        world.submit(2, (10..110).map(|n| bulk(n, 1, 500)).collect());
        let told = world.answers.iter().find_map(|action| match action {
            Action::Refused { retry_after_ms, .. } => Some(*retry_after_ms),
            _ => None,
        });
        assert_eq!(told, Some(takes_ms), "{workers} workers");
    }
}

#[test]
fn a_deadline_that_is_far_away_hurries_nothing() {
    for (deadline_ms, first) in [(3_600_000, 2), (600, 1)] {
        let mut world = World::new(Config { max_batch_items: 4, ..Config::default() });
        let due = ItemSpec { deadline_ms: Some(deadline_ms), ..bulk(1, 1, 64) };
        world.submit(1, [due].into_iter().chain((2..6).map(|n| bulk(n, 1, 300))).collect());
        world.now_ms = 200;
        world.join(1, 1, 1);
        assert_eq!(world.holds(1)[0].items[0].1, item_id(first), "due at {deadline_ms} ms");
        world.check();
    }
}

#[test]
fn a_device_that_cannot_take_the_longest_item_gets_none_of_that_model() {
    let longest = Config::default().max_item_tokens;
    for (max_padded_tokens, given) in [(longest - 1, false), (longest, true), (longest + 1, true)] {
        let mut world = World::new(Config::default());
        offering(&mut world, 1, vec![ModelOffer { max_padded_tokens, ..offer(MODEL) }], 0);
        world.submit(1, vec![bulk(1, 1, 8)]);
        assert_eq!(!world.holds(1).is_empty(), given, "{max_padded_tokens}");
        world.check();
    }
}
