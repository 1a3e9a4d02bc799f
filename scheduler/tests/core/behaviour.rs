//! What the scheduler promises, a sentence a test.

use std::collections::BTreeSet;

use domain::id::{TenantId, Term};
use scheduler::{Action, CancelReason, Class, Config, Event, Failure, ItemFailure, ItemSpec, NodeKey, Refusal, step};

use crate::support::*;

fn interactive(n: u64, tokens: u32, deadline_ms: Option<u64>) -> ItemSpec {
    ItemSpec { class: Class::Interactive, deadline_ms, ..bulk(n, 9, tokens) }
}

#[test]
fn a_worker_that_pulls_gets_whatever_there_is() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![bulk(1, 1, 100)]);
    world.join(1, 1, 2);
    assert_eq!(world.holds(1).len(), 1, "one item is enough for a device that idles");
    world.finish(1, 1_000);
    assert_eq!(world.end_of(1, 1), Some(End::Completed));
    world.check();
}

#[test]
fn a_batch_holds_items_of_like_length_within_memory_and_time() {
    let mut world = World::new(Config::default());
    let mut rng = Rng::new(3);
    world.submit(1, (0..2_000).map(|n| bulk(n, 1, rng.tokens(120.0))).collect());
    world.join(1, 1, 1);
    while !world.holds(1).is_empty() {
        let held = &world.holds(1)[0];
        let padded = held.padded_len as usize * held.items.len();
        assert!(padded <= 16_384);
        let len = f64::from(held.padded_len);
        let predicted_ms = held.items.len() as f64 * len * (10_000.0 + 20.0 * len) / 1e6;
        assert!(held.items.len() == 1 || predicted_ms <= 250.0, "{predicted_ms} ms");
        let elapsed_us = (predicted_ms * 1e3) as u64;
        world.finish(1, elapsed_us);
        world.check();
    }
    assert!(world.outstanding.is_empty());
    let totals = world.state.snapshot().totals;
    assert!(totals.padding_waste() < 0.1, "padding {}", totals.padding_waste());
}

#[test]
fn a_worker_holds_as_many_batches_as_it_has_credits_and_idle_ones_come_first() {
    let mut world = World::new(Config { max_batch_items: 4, ..Config::default() });
    world.join(1, 1, 2);
    world.join(2, 1, 2);
    world.submit(1, (0..8).map(|n| bulk(n, 1, 64)).collect());
    assert_eq!((world.holds(1).len(), world.holds(2).len()), (1, 1));
    world.submit(1, (8..100).map(|n| bulk(n, 1, 64)).collect());
    assert_eq!((world.holds(1).len(), world.holds(2).len()), (2, 2));
    world.check();
}

#[test]
fn submitting_again_what_is_outstanding_changes_nothing() {
    let mut world = World::new(Config::default());
    let page: Vec<_> = (0..10).map(|n| bulk(n, 1, 50)).collect();
    world.submit(1, page.clone());
    let answers = world.tell(Event::Submit { run: run(1), term: TERM, items: page });
    assert_eq!(answers, [Action::Accepted { run: run(1), accepted: 0, duplicates: 10 }]);
    world.check();
}

#[test]
fn a_full_queue_refuses_the_whole_page_and_says_when_to_come_again() {
    let mut world = World::new(Config { max_items: 15, max_items_per_run: 12, ..Config::default() });
    let page = |from: u64| (from..from + 10).map(|n| bulk(n, 1, 50)).collect::<Vec<_>>();
    world.submit(1, page(0));
    let [Action::Refused { reason: Refusal::RunFull, retry_after_ms, .. }] =
        *world.tell(Event::Submit { run: run(1), term: TERM, items: page(10) })
    else {
        panic!("{:?}", world.answers)
    };
    assert!(retry_after_ms > 0);
    let answers = world.tell(Event::Submit { run: run(2), term: TERM, items: page(10) });
    assert!(matches!(answers, [Action::Refused { reason: Refusal::QueueFull, .. }]), "{answers:?}");
    world.check();
}

#[test]
fn an_older_coordinator_is_told_to_step_down() {
    let mut world = World::new(Config::default());
    world.tell(Event::Submit { run: run(1), term: TERM.next(), items: vec![bulk(1, 1, 9)] });
    let answers = world.tell(Event::Submit { run: run(1), term: TERM, items: vec![bulk(2, 1, 9)] });
    assert!(matches!(answers, [Action::Refused { reason: Refusal::StaleTerm, retry_after_ms: 0, .. }]));
    world.check();
}

#[test]
fn an_item_that_no_device_takes_or_that_is_too_late_fails_at_the_door() {
    let mut world = World::new(Config::default());
    world.now_ms = 1_000;
    let late = ItemSpec { deadline_ms: Some(900), ..bulk(2, 1, 50) };
    let answers =
        world.tell(Event::Submit { run: run(1), term: TERM, items: vec![bulk(1, 1, 513), late, bulk(3, 1, 50)] });
    let reasons: Vec<_> = answers
        .iter()
        .filter_map(|action| match action {
            Action::ItemFailed { item, reason } => Some((item.tag, *reason)),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [(1, ItemFailure::TooLong), (2, ItemFailure::DeadlineMissed)]);
    assert_eq!(world.state.snapshot().outstanding_items, 1);
    world.check();
}

#[test]
fn a_queued_item_is_given_up_when_its_deadline_passes() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![ItemSpec { deadline_ms: Some(500), ..bulk(1, 1, 50) }, interactive(2, 50, Some(700))]);
    assert_eq!(world.state.next_wake_ms(), Some(500));
    world.now_ms = 600;
    world.tell(Event::Tick);
    assert_eq!(world.end_of(1, 1), Some(End::Failed(ItemFailure::DeadlineMissed)));
    assert_eq!(world.end_of(1, 2), None);
    world.check();
}

#[test]
fn interactive_work_goes_first_and_asks_a_staged_batch_back() {
    let mut world = World::new(Config { max_batch_items: 4, ..Config::default() });
    world.join(1, 1, 2);
    world.submit(1, (0..40).map(|n| bulk(n, 1, 64)).collect());
    let staged = world.holds(1)[1].clone();
    world.submit(2, vec![interactive(100, 64, None)]);
    let recall = Action::CancelBatch { worker: worker(1), lease: staged.lease, reason: CancelReason::Recalled };
    assert!(world.answers.contains(&recall));
    world.hands.get_mut(&worker(1)).expect("it is there").remove(1);
    world.tell(Event::BatchFailed { worker: worker(1), lease: staged.lease, failure: Failure::Released });
    assert_eq!(world.holds(1)[1].items, [(run(2), item_id(100))]);
    world.finish(1, 1_000);
    world.finish(1, 1_000);
    assert_eq!(world.end_of(2, 100), Some(End::Completed));
    assert_eq!(world.holds(1)[0].items, staged.items, "what was asked back is next, with no attempt lost");
    assert_eq!(world.holds(1)[0].lease.attempt, 1);
    world.check();
}

#[test]
fn among_interactive_items_the_earliest_deadline_goes_first() {
    let mut world = World::new(Config { max_batch_items: 1, ..Config::default() });
    world.submit(1, vec![interactive(1, 64, Some(9_000)), interactive(2, 64, Some(5_000)), interactive(3, 64, None)]);
    world.join(1, 1, 1);
    let order: Vec<_> = (0..3).map(|_| world.finish(1, 1_000).items[0].1).collect();
    assert_eq!(order, [item_id(3), item_id(2), item_id(1)]);
}

#[test]
fn losing_a_worker_brings_its_items_back_at_once() {
    let mut world = World::new(Config { max_batch_items: 8, ..Config::default() });
    world.join(1, 1, 2);
    world.submit(1, (0..16).map(|n| bulk(n, 1, 64)).collect());
    world.join(2, 1, 2);
    world.lose(1);
    assert_eq!(world.holds(2).len(), 2);
    world.check();
    world.finish(2, 1_000);
    world.finish(2, 1_000);
    assert!(world.outstanding.is_empty());
    world.check();
}

#[test]
fn an_answer_under_a_lease_of_the_past_changes_nothing() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    world.submit(1, vec![bulk(1, 1, 64)]);
    let old = world.holds(1)[0].clone();
    world.join(1, 2, 1);
    let late = Event::BatchDone { worker: worker(1), lease: old.lease, elapsed_us: 10 };
    assert!(world.tell(late).is_empty(), "{:?}", world.answers);
    assert_eq!(world.state.snapshot().totals.stale, 1);
    let held = world.finish(1, 1_000);
    let again = Event::BatchDone { worker: worker(1), lease: held.lease, elapsed_us: 10 };
    assert!(world.tell(again).is_empty(), "a result is wanted once");
    assert!(world.tell(ready(1, 1, 2)).is_empty());
    world.check();
}

#[test]
fn items_that_two_workers_died_on_run_alone_and_are_given_up_when_they_kill_again() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![bulk(1, 1, 64), bulk(2, 1, 64)]);
    for id in 1..=2 {
        world.join(id, 1, 1);
        assert_eq!(world.holds(id)[0].items.len(), 2);
        world.lose(id);
    }
    let mut next = 3;
    while world.end_of(1, 1).is_none() {
        world.join(next, 1, 1);
        let held = world.holds(next)[0].items.clone();
        assert_eq!(held.len(), 1, "a suspect runs alone");
        if held[0].1 == item_id(1) {
            world.lose(next);
        } else {
            world.finish(next, 1_000);
            if !world.holds(next).is_empty() {
                world.lose(next);
            }
        }
        next += 1;
        assert!(next < 10);
    }
    assert_eq!(world.end_of(1, 1), Some(End::Failed(ItemFailure::Crashes)));
    assert_eq!(world.end_of(1, 2), Some(End::Completed));
    world.check();
}

#[test]
fn a_poison_item_is_isolated_by_bisection_and_innocents_lose_no_attempt() {
    for poison in [0, 17, 63] {
        let mut world = World::new(Config { max_attempts: 1, ..Config::default() });
        world.submit(1, (0..64).map(|n| bulk(n, 1, 64)).collect());
        world.join(1, 1, 1);
        assert_eq!(world.holds(1)[0].items.len(), 64);
        let runs = world.run_out(poison);
        assert_eq!(world.end_of(1, poison), Some(End::Failed(ItemFailure::Error)));
        let completed = world.ended.values().filter(|&&end| end == End::Completed).count();
        assert_eq!(completed, 63);
        assert!(runs - 1 <= 2 * 6, "{} extra runs", runs - 1);
    }
}

#[test]
fn running_out_of_memory_halves_what_the_device_is_given_and_loses_nothing() {
    let mut world = World::new(Config::default());
    world.submit(1, (0..600).map(|n| bulk(n, 1, 128)).collect());
    world.join(1, 1, 1);
    let first = world.fail(1, Failure::OutOfMemory);
    let size = first.items.len();
    let mut largest = 0;
    while !world.holds(1).is_empty() {
        largest = largest.max(world.holds(1)[0].items.len());
        world.finish(1, 100_000);
    }
    assert!(largest <= size.div_ceil(2), "{largest} after {size} was too much");
    assert!(world.ended.values().all(|&end| end == End::Completed) && world.outstanding.is_empty());
    world.check();
}

#[test]
fn a_worker_that_lets_its_lease_run_out_is_taken_for_lost() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    world.submit(1, vec![bulk(1, 1, 64)]);
    world.wait_until_hung(1);
    assert_eq!(world.now_ms, 30_000);
    assert!(world.answers.contains(&Action::WorkerHung { worker: worker(1), epoch: 1 }), "{:?}", world.answers);
    assert!(world.tell(ready(1, 1, 1)).is_empty(), "that life is over");
    world.join(1, 2, 1);
    world.finish(1, 1_000);
    assert_eq!(world.end_of(1, 1), Some(End::Completed));
    world.check();
}

#[test]
fn a_worker_whose_batches_keep_failing_rests() {
    let mut world = World::new(Config { max_batch_items: 1, ..Config::default() });
    world.submit(1, (0..10).map(|n| bulk(n, 1, 64)).collect());
    world.join(1, 1, 1);
    world.fail(1, Failure::Error);
    world.fail(1, Failure::Error);
    assert!(world.holds(1).is_empty());
    while world.holds(1).is_empty() {
        world.now_ms = world.state.next_wake_ms().expect("the rest has an end");
        world.tell(Event::Tick);
    }
    assert!((200..=10_000).contains(&world.now_ms), "it rested {} ms", world.now_ms);
    world.check();
}

#[test]
fn a_draining_worker_finishes_or_hands_back_and_says_when_it_is_empty() {
    let mut world = World::new(Config { max_batch_items: 4, ..Config::default() });
    world.join(1, 1, 2);
    world.submit(1, (0..12).map(|n| bulk(n, 1, 64)).collect());
    let staged = world.holds(1)[1].lease;
    let answers = world.tell(Event::Drain { worker: worker(1) });
    assert_eq!(answers, [Action::CancelBatch { worker: worker(1), lease: staged, reason: CancelReason::Draining }]);
    world.hands.get_mut(&worker(1)).expect("it is there").remove(1);
    world.tell(Event::BatchFailed { worker: worker(1), lease: staged, failure: Failure::Released });
    world.finish(1, 1_000);
    assert!(world.answers.contains(&Action::Drained { worker: worker(1), epoch: 1 }));
    world.join(2, 1, 2);
    while !world.holds(2).is_empty() {
        world.finish(2, 1_000);
    }
    assert!(world.outstanding.is_empty(), "draining loses nothing");
    world.check();
}

#[test]
fn cancelling_a_run_removes_its_items_and_lets_its_batches_go() {
    let mut world = World::new(Config { max_batch_items: 4, ..Config::default() });
    world.join(1, 1, 2);
    world.submit(1, (0..12).map(|n| bulk(n, 1, 64)).collect());
    world.submit(2, vec![bulk(100, 2, 64)]);
    let leases: BTreeSet<_> = world.holds(1).iter().map(|held| held.lease.batch).collect();
    let answers = world.tell(Event::CancelRun { run: run(1), term: TERM }).to_vec();
    let asked: BTreeSet<_> = answers
        .iter()
        .filter_map(|action| match action {
            Action::CancelBatch { lease, reason: CancelReason::RunCancelled, .. } => Some(lease.batch),
            _ => None,
        })
        .collect();
    assert_eq!(asked, leases);
    world.check();
    world.finish(1, 1_000);
    assert!(!world.answers.iter().any(|action| matches!(action, Action::Completed { .. })));
    world.fail(1, Failure::Released);
    assert_eq!(world.holds(1)[0].items, [(run(2), item_id(100))]);
    let answers = world.tell(Event::Submit { run: run(1), term: TERM, items: vec![bulk(1, 1, 64)] });
    assert!(matches!(answers, [Action::Refused { reason: Refusal::Cancelled, .. }]));
    let next = Term { n: TERM.n + 1, ..TERM };
    let answers = world.tell(Event::Submit { run: run(1), term: next, items: vec![bulk(1, 1, 64)] });
    assert!(matches!(answers[0], Action::Accepted { accepted: 1, .. }));
    world.check();
}

#[test]
fn a_small_tenant_is_served_beside_a_flooding_one_without_waiting_for_the_flood() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    let mut rng = Rng::new(5);
    world.submit(1, (0..2_000).map(|n| bulk(n, 1, rng.tokens(120.0))).collect());
    world.finish(1, 200_000);
    world.submit(2, vec![bulk(9_000, 2, 100)]);
    world.finish(1, 200_000);
    assert!(world.holds(1)[0].items.contains(&(run(2), item_id(9_000))), "it is in the next batch that is formed");
}

#[test]
fn tenants_with_long_queues_are_given_device_time_within_one_batch_of_one_another() {
    let mut world = World::new(Config { max_items_per_run: 20_000, ..Config::default() });
    let mut rng = Rng::new(8);
    for tenant in 0..6 {
        let median = [60.0, 120.0, 300.0][tenant as usize % 3];
        world.submit(tenant, (0..9_000).map(|n| bulk(tenant * 10_000 + n, tenant, rng.tokens(median))).collect());
    }
    let tokens_of: std::collections::BTreeMap<_, _> = world
        .history
        .iter()
        .flat_map(|(event, _)| match event {
            Event::Submit { items, .. } => items.as_slice(),
            _ => &[],
        })
        .map(|spec| (spec.item, f64::from(spec.tokens)))
        .collect();
    // The device is as fast as it says, so that the prediction by which tenants are charged is the truth.
    let cost_ms = |tokens: f64| tokens * (10_000.0 + 20.0 * tokens) / 1e6;
    world.join(1, 1, 1);
    let mut served_ms = [0.0_f64; 6];
    for _ in 0..100 {
        let padded_len = f64::from(world.holds(1)[0].padded_len);
        let elapsed_ms = cost_ms(padded_len) * world.holds(1)[0].items.len() as f64;
        for (of, item) in world.finish(1, (elapsed_ms * 1e3) as u64).items {
            served_ms[of.0 as usize] += cost_ms(tokens_of[&item]);
        }
        let most = served_ms.iter().copied().fold(0.0, f64::max);
        let least = served_ms.iter().copied().fold(f64::MAX, f64::min);
        assert!(most - least <= 250.0 * 1.25, "{served_ms:?}");
    }
    world.check();
}

#[test]
fn twice_the_weight_gives_twice_the_service() {
    let mut world = World::new(Config { max_items_per_run: 20_000, ..Config::default() });
    for tenant in 1..=2 {
        let page = (0..12_000).map(|n| bulk(tenant * 100_000 + n, tenant, 100)).collect();
        world.submit(tenant, page);
    }
    world.tell(Event::SetWeight { tenant: TenantId(2), weight: 200 });
    world.join(1, 1, 1);
    let mut served = [0_u64; 3];
    for _ in 0..100 {
        let held = world.finish(1, 200_000);
        for (of, _) in held.items {
            served[of.0 as usize] += 1;
        }
    }
    let ratio = served[2] as f64 / served[1] as f64;
    assert!((1.7..2.3).contains(&ratio), "{ratio}");
    world.check();
}

#[test]
fn work_goes_to_the_device_that_has_the_model() {
    let mut world = World::new(Config::default());
    for id in 1..=2 {
        let models = vec![scheduler::ModelOffer { resident: id == 2, ..offer(MODEL) }];
        world.epochs.insert(worker(id), 1);
        let Event::WorkerReady { node, held, .. } = ready(id, 1, 2) else { unreachable!() };
        let (worker, free_memory_bytes) = (worker(id), 0);
        world.tell(Event::WorkerReady { worker, node, epoch: 1, credits: 2, models, free_memory_bytes, held });
    }
    world.submit(1, vec![bulk(1, 1, 64)]);
    assert_eq!((world.holds(1).len(), world.holds(2).len()), (0, 1));
}

#[test]
fn two_devices_of_one_node_that_go_down_with_it_are_one_suspicion() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![bulk(1, 1, 64), bulk(2, 1, 64)]);
    for id in 1..=3 {
        world.epochs.insert(worker(id), 1);
        let Event::WorkerReady { worker, epoch, models, held, .. } = ready(id, 1, 1) else { unreachable!() };
        let (node, free_memory_bytes) = (NodeKey(7), 0);
        world.tell(Event::WorkerReady { worker, node, epoch, credits: 1, models, free_memory_bytes, held });
        assert_eq!(world.holds(id)[0].items.len(), 2, "nobody is suspected yet");
        world.lose(id);
        world.check();
    }
}

#[test]
fn device_time_that_deadlines_took_is_no_debt_that_starves_their_tenant_later() {
    let mut world = World::new(Config { max_items_per_run: 20_000, ..Config::default() });
    world.submit(1, (0..6_000).map(|n| bulk(n, 1, 256)).collect());
    let due = |n: u64| ItemSpec { deadline_ms: Some(400), ..bulk(n, 2, 128) };
    world.join(1, 1, 1);
    for round in 1..40 {
        // Always in danger, and so always first.
        world.submit(2, (0..40).map(|n| due(round * 1_000 + n)).collect());
        world.submit(2, vec![bulk(500_000 + round, 2, 256)]);
        world.finish(1, 100_000);
        world.check();
    }
}

#[test]
fn only_who_holds_a_lease_ends_it_and_only_that_very_lease() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    world.submit(1, vec![bulk(1, 1, 64)]);
    world.join(2, 1, 1);
    let lease = world.holds(1)[0].lease;
    let later = Term { n: TERM.n + 1, ..TERM };
    let forged = [
        (2, lease),
        (1, scheduler::Lease { attempt: lease.attempt + 1, ..lease }),
        (1, scheduler::Lease { epoch: lease.epoch + 1, ..lease }),
        (1, scheduler::Lease { term: later, ..lease }),
    ];
    for (id, lease) in forged {
        let done = Event::BatchDone { worker: worker(id), lease, elapsed_us: 10 };
        assert!(world.tell(done).is_empty(), "{id} {lease:?}");
    }
    assert_eq!(world.state.snapshot().totals.stale, 4);
    world.finish(1, 1_000);
    assert_eq!(world.end_of(1, 1), Some(End::Completed));
}

#[test]
fn short_items_do_not_join_long_ones_only_because_there_is_room() {
    let mut world = World::new(Config::default());
    let long = (0..4).map(|n| bulk(n, 1, 500));
    world.submit(1, long.chain((10..50).map(|n| bulk(n, 1, 10))).collect());
    world.join(1, 1, 1);
    while !world.holds(1).is_empty() {
        let held = &world.holds(1)[0];
        let lengths = held.items.iter().map(|(_, item)| if u64::from(item.0.0[0]) < 4 { 500 } else { 10 });
        let tokens: u32 = lengths.sum();
        assert!(f64::from(tokens) >= 0.85 * f64::from(held.padded_len * held.items.len() as u32));
        world.finish(1, 1_000);
    }
    assert!(world.outstanding.is_empty());
}

#[test]
fn a_cancel_by_whoever_drove_a_run_before_comes_too_late() {
    let mut world = World::new(Config::default());
    world.tell(Event::Submit { run: run(1), term: TERM.next(), items: vec![bulk(1, 1, 64)] });
    let mut actions = Vec::new();
    step(&mut world.state, Event::CancelRun { run: run(1), term: TERM }, 10, &mut actions);
    assert_eq!(actions, []);
    let totals = world.state.snapshot().totals;
    assert_eq!((totals.stale, totals.cancelled), (1, 0));
    world.check();
    world.tell(Event::CancelRun { run: run(1), term: TERM.next() });
    assert_eq!(world.state.snapshot().totals.cancelled, 1);
    world.check();
}
