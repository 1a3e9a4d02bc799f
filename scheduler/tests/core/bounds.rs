//! What the core remembers stays within bounds, whatever comes and goes.

use scheduler::{Config, Event};

use crate::support::*;

/// Somebody submits an item and takes it back, so often.
fn come_and_go(world: &mut World, times: u64, next: &mut u64) {
    for _ in 0..times {
        world.submit(*next, vec![bulk(*next, 1, 64)]);
        assert!(world.outstanding.contains(&(run(*next), item_id(*next))));
        world.tell(Event::CancelRun { run: run(*next), term: TERM });
        *next += 1;
    }
}

#[test]
fn a_tenant_whose_oldest_item_never_runs_is_remembered_by_its_items_and_not_by_those_that_went() {
    let mut world = World::new(Config { max_items: 1_100, age_bound_items: 64, ..Config::default() });
    world.join(1, 1, 1);
    // The one device never answers: the second item waits.
    world.submit(1, vec![bulk(1, 1, 64)]);
    world.submit(1, vec![bulk(2, 1, 64)]);
    let mut next = 10_000;
    // More may be remembered of a tenant with many items; then they go all at once.
    world.submit(3, (100..1_100).map(|n| bulk(n, 1, 64)).collect());
    come_and_go(&mut world, 4_800, &mut next);
    world.check();
    world.tell(Event::CancelRun { run: run(3), term: TERM });
    for _ in 0..4 {
        come_and_go(&mut world, 500, &mut next);
        world.check();
    }
    assert_eq!(world.outstanding.len(), 2);
}

#[test]
fn of_runs_that_idle_the_one_that_was_named_longest_ago_is_forgotten_first() {
    let mut world = World::new(Config { max_runs: 2, ..Config::default() });
    // Each is known by its end alone, and there is room for two.
    for named in 1..=4 {
        world.tell(Event::CancelRun { run: run(named), term: TERM });
    }
    for remembered in [3, 4] {
        world.submit(remembered, vec![bulk(remembered, 1, 64)]);
        assert!(world.outstanding.is_empty(), "run {remembered} has ended");
    }
    world.submit(1, vec![bulk(1, 1, 64)]);
    assert_eq!(world.outstanding.len(), 1);
    world.check();
}

#[test]
fn a_lease_lasts_as_many_times_as_long_as_its_batch_should_take() {
    let mut ends = Vec::new();
    for lease_factor in [10.0, 40.0] {
        let mut world = World::new(Config { min_lease_ms: 1, lease_factor, ..Config::default() });
        world.join(1, 1, 1);
        world.submit(1, vec![bulk(1, 1, 512)]);
        world.wait_until_hung(1);
        ends.push(world.now_ms);
    }
    // By the device's own word an item of 512 tokens takes 512 x 10 us + 512^2 x 20 ns, 10.4 ms.
    assert!((90..=130).contains(&ends[0]) && (380..=460).contains(&ends[1]), "{ends:?}");
}
