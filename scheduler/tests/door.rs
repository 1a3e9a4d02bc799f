//! The door: what is let in, to the last item that fits.

mod support;

use scheduler::{Action, Config, Event, ItemSpec, ModelKey, Refusal};
use support::*;

fn page(from: u64, count: u64, tenant: u64) -> Vec<ItemSpec> {
    (from..from + count).map(|n| bulk(n, tenant, 50)).collect()
}

/// Why a page isn't let in; `None` if it is.
fn refusal(world: &mut World, of: u64, items: Vec<ItemSpec>) -> Option<Refusal> {
    let answers = world.tell(Event::Submit { run: run(of), term: TERM, items });
    let reason = answers.iter().find_map(|action| match action {
        Action::Refused { reason, .. } => Some(*reason),
        _ => None,
    });
    world.check();
    reason
}

#[test]
fn a_page_that_just_fits_is_let_in_and_one_item_more_is_not() {
    let mut world = World::new(Config { max_items: 20, max_items_per_run: 12, ..Config::default() });
    assert_eq!(refusal(&mut world, 1, page(0, 12, 1)), None);
    assert_eq!(refusal(&mut world, 1, page(12, 1, 1)), Some(Refusal::RunFull));
    assert_eq!(refusal(&mut world, 1, page(0, 12, 1)), None, "what is outstanding already takes no room");
    assert_eq!(refusal(&mut world, 2, page(20, 9, 1)), Some(Refusal::QueueFull));
    assert_eq!(refusal(&mut world, 2, page(20, 8, 1)), None);
    assert_eq!(refusal(&mut world, 3, page(30, 1, 1)), Some(Refusal::QueueFull));
}

#[test]
fn an_item_without_tokens_is_taken_for_one_of_a_token() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![bulk(1, 1, 0)]);
    world.join(1, 1, 1);
    assert_eq!(world.holds(1)[0].padded_len, 1);
    world.check();
}

#[test]
fn no_more_tenants_are_known_than_may_be_until_one_that_idles_is_forgotten() {
    let mut world = World::new(Config { max_tenants: 2, ..Config::default() });
    assert_eq!(refusal(&mut world, 1, vec![bulk(1, 1, 50), bulk(2, 2, 50)]), None);
    assert_eq!(refusal(&mut world, 1, vec![bulk(3, 3, 50)]), Some(Refusal::TooManyNames));
    world.join(1, 1, 1);
    while !world.holds(1).is_empty() {
        world.finish(1, 1_000);
    }
    // Both idle now, at the counters that they had; the least of them lies at the floor once others are served.
    assert_eq!(refusal(&mut world, 1, vec![bulk(4, 1, 50), bulk(5, 2, 50)]), None);
    world.finish(1, 1_000);
    while !world.holds(1).is_empty() {
        world.finish(1, 1_000);
    }
    let refused = refusal(&mut world, 1, vec![bulk(6, 3, 50), bulk(7, 4, 50), bulk(8, 5, 50)]);
    assert_eq!(refused, Some(Refusal::TooManyNames), "three at once are more than two");
}

#[test]
fn no_more_models_and_runs_are_known_than_may_be() {
    let mut world = World::new(Config { max_models: 1, max_runs: 2, ..Config::default() });
    let other = ItemSpec { model: ModelKey(9), ..bulk(2, 1, 50) };
    assert_eq!(refusal(&mut world, 1, vec![bulk(1, 1, 50)]), None);
    assert_eq!(refusal(&mut world, 1, vec![other]), Some(Refusal::TooManyNames));
    assert_eq!(refusal(&mut world, 2, vec![bulk(2, 1, 50)]), None);
    assert_eq!(refusal(&mut world, 3, vec![bulk(3, 1, 50)]), Some(Refusal::TooManyNames));
    world.join(1, 1, 1);
    while !world.holds(1).is_empty() {
        world.finish(1, 1_000);
    }
    assert_eq!(refusal(&mut world, 3, vec![bulk(3, 1, 50)]), None, "a run that has nothing left makes room");
}
