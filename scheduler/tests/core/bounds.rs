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

/// Tenants whose passages are a few of one length before many shorter ones, each with lengths of its own.
fn few_long_before_many_short(world: &mut World, rng: &mut Rng) {
    let mut next = 0;
    for tenant in 1..=34 + rng.below(60) {
        let (long, short, few) = (100 + rng.below(400) as u32, 4 + rng.below(60) as u32, 1 + rng.below(4));
        let mut items = Vec::new();
        for nth in 0..12 + rng.below(12) {
            let is_long = nth < few || rng.chance(0.2);
            items.push(bulk(next, tenant, if is_long { long } else { short }));
            next += 1;
        }
        world.submit(tenant, items);
    }
}

#[test]
fn a_free_device_gets_work_whoever_the_age_bound_holds_back() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        // So tight that all who have the lengths of which a batch is to be may be held back at once: one seed in fifty.
        let config = Config {
            max_batch_items: 1,
            age_bound_items: 2 + rng.below(2) as u32,
            bucket_growth: 1.02,
            fairness_slack_batches: 0.005,
            saved_batches: 0.0,
            ..Config::default()
        };
        let mut world = World::new(config);
        world.join(1, 1, 1);
        few_long_before_many_short(&mut world, &mut rng);
        while !world.outstanding.is_empty() {
            assert!(!world.holds(1).is_empty(), "seed {seed}: {} wait", world.outstanding.len());
            world.now_ms += 1;
            world.finish(1, 1_000);
        }
        world.check();
    }
}
