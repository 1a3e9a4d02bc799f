//! The door: what is let in, to the last item that fits.

use scheduler::{Action, Class, Config, Event, ItemFailure, ItemSpec, ModelKey, Refusal};

use crate::support::*;

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
fn an_item_that_would_just_be_done_by_its_deadline_is_let_in_and_one_that_would_not_is_refused() {
    for (deadline_ms, reason) in
        [(110, None), (109, Some(ItemFailure::DeadlineMissed)), (100, Some(ItemFailure::DeadlineMissed))]
    {
        let mut world = World::new(Config::default());
        world.join(1, 1, 1);
        world.now_ms = 100;
        // 500 · (10,000 + 20 · 500) ns are 10 ms.
        world.submit(1, vec![ItemSpec { deadline_ms: Some(deadline_ms), ..bulk(1, 1, 500) }]);
        let failed = world.answers.iter().find_map(|action| match action {
            Action::ItemFailed { reason, .. } => Some(*reason),
            _ => None,
        });
        assert_eq!(failed, reason, "by {deadline_ms} ms");
        world.check();
    }
}

#[test]
fn an_interactive_item_has_to_wait_for_those_that_are_due_before_it() {
    for (deadline_ms, reason) in [(150, None), (149, Some(ItemFailure::DeadlineMissed))] {
        let mut world = World::new(Config::default());
        world.join(1, 1, 1);
        world.now_ms = 100;
        let item =
            |n, deadline_ms| ItemSpec { class: Class::Interactive, deadline_ms: Some(deadline_ms), ..bulk(n, 1, 500) };
        // One runs; each of the four that wait takes 10 ms.
        (1..=5).for_each(|n| world.submit(1, vec![item(n, 145)]));
        world.submit(1, vec![item(6, deadline_ms)]);
        let failed = world.answers.iter().find_map(|action| match action {
            Action::ItemFailed { reason, .. } => Some(*reason),
            _ => None,
        });
        assert_eq!(failed, reason, "by {deadline_ms} ms");
        world.check();
    }
}

#[test]
fn what_is_refused_is_told_to_come_when_as_much_as_it_asks_for_is_done() {
    let asked = |workers: u64, items: u64| {
        let mut world = World::new(Config { max_items: 1, ..Config::default() });
        (1..=workers).for_each(|id| world.join(id, 1, 1));
        let items = (0..items).map(|n| bulk(n, 1, 500)).collect();
        let answers = world.tell(Event::Submit { run: run(1), term: TERM, items });
        let [Action::Refused { retry_after_ms, .. }] = *answers else { panic!("{answers:?}") };
        retry_after_ms
    };
    assert_eq!([asked(1, 20), asked(2, 20), asked(1, 40)], [200, 100, 400], "each takes 10 ms");
    assert_eq!([asked(1, 2), asked(0, 2)], [50, 1_000], "never at once, nor soon where nobody serves the model");
}

#[test]
fn an_item_without_tokens_is_taken_for_one_of_a_token() {
    let mut world = World::new(Config::default());
    world.submit(1, vec![bulk(1, 1, 0)]);
    world.join(1, 1, 1);
    assert_eq!(world.holds(1)[0].padded_len, 1);
    world.check();
}

/// A world that knows the tenants 1 to `small`, which were served and idle, and 9, whose flood went on since.
fn idling_beside_a_flood(max_tenants: u32, small: u64) -> World {
    let mut world = World::new(Config { max_tenants, max_batch_items: 4, ..Config::default() });
    world.submit(1, (1..=small).map(|n| bulk(n, n, 50)).chain(page(100, 60, 9)).collect());
    world.join(1, 1, 1);
    for _ in 0..8 {
        world.finish(1, 20_000);
    }
    assert!((1..=small).all(|n| world.end_of(1, n) == Some(End::Completed)), "the small ones were served");
    world
}

#[test]
fn no_more_tenants_are_known_than_may_be_and_one_that_idles_makes_room() {
    let mut world = idling_beside_a_flood(2, 1);
    let both = vec![bulk(1, 1, 50), bulk(2, 2, 50)];
    assert_eq!(refusal(&mut world, 2, both), Some(Refusal::TooManyNames), "1 can't make room for itself");
    assert_eq!(refusal(&mut world, 2, vec![bulk(2, 2, 50)]), None, "1 is forgotten");
    assert_eq!(refusal(&mut world, 2, vec![bulk(1, 1, 50)]), Some(Refusal::TooManyNames), "2 and 9 have work");
    assert_eq!(refusal(&mut world, 2, vec![bulk(3, 2, 50), bulk(4, 9, 50)]), None, "who is known needs no room");
}

#[test]
fn a_tenant_that_comes_makes_no_room_for_others_of_its_page() {
    let mut world = idling_beside_a_flood(3, 2);
    assert_eq!(refusal(&mut world, 2, vec![bulk(1, 1, 50), bulk(3, 3, 50)]), None, "2 is forgotten");
    assert_eq!(refusal(&mut world, 2, vec![bulk(4, 1, 50)]), None);
    assert_eq!(refusal(&mut world, 2, vec![bulk(5, 2, 50)]), Some(Refusal::TooManyNames), "1, 3 and 9 have work");
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
