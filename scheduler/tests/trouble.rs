//! Thousands of steps of trouble on a seed: kills, hangs, errors, poison, want of memory, doubled, late and reordered
//! messages, cancelled runs, changing weights. A failing seed is in the panic's message, and replays exactly.

mod support;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use scheduler::{Config, State, step};
use support::trouble::live;
use support::*;

const STEPS: u64 = 4_000;

/// `SCHEDULER_SEED` alone; else the first `SCHEDULER_SEEDS`.
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    match number("SCHEDULER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SCHEDULER_SEEDS").unwrap_or(40),
    }
}

#[test]
fn every_accepted_item_ends_once_whatever_breaks() {
    let (mut ended, mut batches) = (0, 0);
    for seed in seeds() {
        let world = std::panic::catch_unwind(|| live(seed, STEPS));
        let world = world.unwrap_or_else(|_| panic!("seed {seed} breaks; run with SCHEDULER_SEED={seed}"));
        ended += world.ended.len();
        batches += world.state.snapshot().totals.batches;
    }
    println!("{ended} items ended in {batches} batches");
    assert!(ended > 1_000);
}

#[test]
fn the_same_events_give_the_same_actions() {
    for seed in 0..4 {
        let world = live(seed, 1_500);
        let mut state = State::new(*world.state.config(), TERM);
        let mut actions = Vec::new();
        for (event, now_ms) in world.history {
            step(&mut state, event, now_ms, &mut actions);
        }
        assert!(actions == world.actions, "seed {seed} replays differently");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_seed_holds_the_invariants(seed in any::<u64>(), steps in 50_u64..600) {
        live(seed, steps);
    }

    #[test]
    fn no_later_item_of_a_tenant_goes_ahead_more_often_than_the_age_bound(
        lens in prop::collection::vec(1_u32..=512, 50..600),
        bound in 1_u32..200,
        tenants in 1_u64..4,
    ) {
        let mut world = World::new(Config { age_bound_items: bound, ..Config::default() });
        let page = lens.iter().zip(0..).map(|(&len, n)| bulk(n, n % tenants, len)).collect();
        world.submit(1, page);
        world.join(1, 1, 1);
        let mut order = Vec::new();
        while !world.holds(1).is_empty() {
            let held = world.finish(1, 50_000);
            order.push(held.items);
            world.check();
        }
        let mut gone = std::collections::BTreeSet::new();
        for batch in order {
            // Items of one batch run together; whoever is left behind by it was overtaken.
            gone.extend(batch.iter().map(|(_, item)| u64::from(item.0.0[0]) | u64::from(item.0.0[1]) << 8));
            for tenant in 0..tenants {
                let oldest = (0..lens.len() as u64).find(|n| n % tenants == tenant && !gone.contains(n));
                if let Some(oldest) = oldest {
                    let ahead = gone.iter().filter(|&&n| n > oldest && n % tenants == tenant).count();
                    prop_assert!(ahead <= bound as usize, "{ahead} went ahead of {oldest}");
                }
            }
        }
        prop_assert_eq!(gone.len(), lens.len());
    }

    #[test]
    fn bisection_isolates_one_poison_item_of_any_batch(size in 2_u64..200, place in 0.0_f64..1.0) {
        let mut world = World::new(Config { max_attempts: 1, ..Config::default() });
        let poison = (place * size as f64) as u64;
        world.submit(1, (0..size).map(|n| bulk(n, 1, 16)).collect());
        world.join(1, 1, 1);
        let runs = world.run_out(poison);
        let halvings = (size as f64).log2().ceil() as u32;
        prop_assert!(runs <= 1 + 2 * halvings, "{runs} runs for {size} items");
        prop_assert_eq!(world.ended.values().filter(|&&end| end == End::Completed).count() as u64, size - 1);
    }
}
