//! A tenant that comes back from idling beside others that kept the devices busy.

use domain::id::TenantId;
use scheduler::{Action, CancelReason, Class, Config, Event, Failure};

use crate::support::*;

/// Items of the flooding tenant.
const FLOOD: u64 = 1;
/// About as long as a passage gets.
const LONG: u32 = 490;

/// So many workers, each with a running batch and a staged one of the flooding tenant, and more of it queued. What made
/// way may be put off for one batch.
fn flooded(workers: u64) -> World {
    flooded_with(workers, 1.0)
}

/// The same, with so many batches for which it may be put off.
fn flooded_with(workers: u64, saved_batches: f64) -> World {
    let mut world = World::new(Config { saved_batches, ..Config::default() });
    for id in 1..=workers {
        world.join(id, 1, 2);
    }
    world.submit(FLOOD, (0..1_000).map(|n| bulk(n, FLOOD, LONG)).collect());
    assert!((1..=workers).all(|id| world.holds(id).len() == 2));
    world
}

/// The batch that the last event asked a worker to let go.
fn asked_back(world: &World) -> Option<(u64, Held)> {
    let lease = world.answers.iter().find_map(|action| match action {
        Action::CancelBatch { lease, reason: CancelReason::Recalled, .. } => Some(*lease),
        _ => None,
    })?;
    let hands = world.hands.iter().find_map(|(id, held)| Some((id, held.iter().find(|held| held.lease == lease)?)));
    hands.map(|(id, held)| (id.0 as u64, held.clone()))
}

/// A worker lets its staged batch go.
fn release(world: &mut World, id: u64) {
    let staged = world.hands.get_mut(&worker(id)).expect("it is there").remove(1);
    world.tell(Event::BatchFailed { worker: worker(id), lease: staged.lease, failure: Failure::Released });
}

fn of_run(held: &Held, of: u64) -> usize {
    held.items.iter().filter(|(owner, _)| *owner == run(of)).count()
}

#[test]
fn a_tenant_that_comes_back_has_a_staged_batch_make_way_and_all_its_lengths_share_the_next_one() {
    let mut world = flooded(1);
    let tokens = [480, 300, 485, 490, 120, 470];
    world.submit(2, tokens.iter().zip(5_000..).map(|(&tokens, n)| bulk(n, 2, tokens)).collect());
    let (id, staged) = asked_back(&world).expect("a staged batch is asked back");
    assert_eq!(staged.lease, world.holds(id)[1].lease);
    release(&mut world, id);
    let next = world.holds(id)[1].clone();
    assert_eq!(of_run(&next, 2), tokens.len(), "nothing of it is left for a later batch");
    assert_eq!(next.items.len(), tokens.len(), "nobody else's items make it longer");
    world.finish(id, 232_000);
    assert_eq!(world.holds(id)[1].items, staged.items, "what made way is next, with no attempt lost");
    assert_eq!(world.holds(id)[1].lease.attempt, 1);
    world.check();
}

#[test]
fn of_two_that_come_back_at_a_time_each_has_all_its_lengths_served_together() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 1);
    world.submit(FLOOD, (0..1_000).map(|n| bulk(n, FLOOD, LONG)).collect());
    let tokens = [480, 300, 485, 490, 120, 470];
    for tenant in [2, 3] {
        world.submit(tenant, tokens.iter().zip(tenant * 5_000..).map(|(&tokens, n)| bulk(n, tenant, tokens)).collect());
    }
    // Neither is behind the other, and both are behind the tenant that was served meanwhile.
    for (served, other) in [(2, 3), (3, 2)] {
        world.finish(1, 232_000);
        let next = &world.holds(1)[0];
        assert_eq!((of_run(next, served), of_run(next, other)), (tokens.len(), 0));
    }
    world.check();
}

#[test]
fn a_newcomer_that_has_little_shares_a_short_batch_with_others() {
    let mut world = flooded(1);
    let full = world.holds(1)[0].items.len();
    world.submit(2, vec![bulk(5_000, 2, LONG)]);
    release(&mut world, 1);
    let next = &world.holds(1)[1];
    assert_eq!((of_run(next, 2), next.items.len()), (1, full / 4), "a quarter of {full}");
    world.check();
}

/// What an item of the longest takes.
const ITEM_MS: u64 = 10;

/// The flooding tenant, and tenant 2 beside it, on one device without a staged batch.
struct Beside {
    world: World,
    next: u64,
    full: usize,
}

impl Beside {
    fn new(saved_batches: f64) -> Self {
        let mut world = World::new(Config { saved_batches, max_items_per_run: 16_384, ..Config::default() });
        world.join(1, 1, 1);
        world.submit(FLOOD, (0..16_000).map(|n| bulk(n, FLOOD, LONG)).collect());
        let full = world.holds(1)[0].items.len();
        Self { world, next: 20_000, full }
    }

    /// Tenant 2 hands so many items in.
    fn comes(&mut self, items: usize) {
        let page = (self.next..self.next + items as u64).map(|n| bulk(n, 2, LONG)).collect();
        self.next += items as u64;
        self.world.submit(2, page);
    }

    /// One batch ends; how many items of the next one are tenant 2's, and how many it has.
    fn next_batch(&mut self) -> (usize, usize) {
        let ms = ITEM_MS * self.world.holds(1)[0].items.len() as u64;
        self.world.now_ms += ms;
        self.world.finish(1, ms * 1_000);
        let held = &self.world.holds(1)[0];
        (of_run(held, 2), held.items.len())
    }

    fn idles(&mut self, idle_ms: u64) {
        let until_ms = self.world.now_ms + idle_ms;
        while self.world.now_ms < until_ms {
            self.next_batch();
        }
    }
}

/// How many batches in a row tenant 2 has to itself when it comes with ten batches' worth after it idled so long.
fn ahead_after_idling(idle_ms: u64, saved_batches: f64) -> f64 {
    let mut beside = Beside::new(saved_batches);
    beside.comes(1);
    while beside.next_batch().0 == 0 {}
    beside.idles(idle_ms);
    beside.comes(10 * beside.full);
    let mut given = 0;
    loop {
        let (own, all) = beside.next_batch();
        given += own;
        if own < all {
            beside.world.check();
            return given as f64 / beside.full as f64;
        }
    }
}

#[test]
fn what_was_a_tenants_due_while_it_idled_goes_ahead_when_it_comes_back_up_to_a_bound() {
    let without = ahead_after_idling(10_000, 0.0);
    // Half of the device is its due: 1,000 ms of it in 2,000, which are four batches of 250 ms.
    for (idle_ms, most, batches) in [(10_000, 4.0, 4.0), (10_000, 2.0, 2.0), (2_000, 40.0, 4.0)] {
        let saved = ahead_after_idling(idle_ms, most) - without;
        assert!((saved - batches).abs() < 1.2, "{saved} batches ahead after {idle_ms} ms, at most {most}");
    }
}

#[test]
fn one_that_comes_and_goes_gets_no_more_in_all_than_if_it_had_stayed() {
    for (burst, idle_ms) in [(1, 100), (4, 400), (2, 2_000), (8, 1_000)] {
        let mut beside = Beside::new(4.0);
        let (mut own, mut all) = (0, 0);
        for _ in 0..12 {
            beside.comes(burst * beside.full);
            while beside.world.outstanding.iter().any(|(of, _)| *of == run(2)) {
                let (of_it, items) = beside.next_batch();
                (own, all) = (own + of_it, all + items);
            }
            let until_ms = beside.world.now_ms + idle_ms;
            while beside.world.now_ms < until_ms {
                all += beside.next_batch().1;
            }
        }
        let ahead = own as f64 - all as f64 / 2.0;
        let most = 4.0 * beside.full as f64;
        assert!(ahead <= most, "{own} of {all} items, {burst} batches after {idle_ms} ms each time");
        beside.world.check();
    }
}

#[test]
fn what_another_batch_made_way_for_does_not_make_way_itself() {
    let mut world = flooded(1);
    world.submit(2, vec![bulk(5_000, 2, LONG)]);
    release(&mut world, 1);
    world.submit(3, vec![bulk(6_000, 3, LONG)]);
    assert_eq!(asked_back(&world), None);
    world.check();
}

#[test]
fn what_made_way_once_makes_way_again_only_while_what_can_be_saved_would_have_taken() {
    // A batch takes 250 ms.
    for (saved_batches, now_ms, again) in [(1.0, 240, true), (1.0, 260, false), (2.0, 490, true), (2.0, 510, false)] {
        let mut world = flooded_with(1, saved_batches);
        world.submit(2, vec![bulk(5_000, 2, LONG)]);
        let (_, made_way) = asked_back(&world).expect("a staged batch is asked back");
        release(&mut world, 1);
        world.now_ms = now_ms;
        world.finish(1, 232_000);
        assert_eq!(world.holds(1)[1].items, made_way.items);
        world.submit(3, vec![bulk(6_000, 3, LONG)]);
        assert_eq!(asked_back(&world).is_some(), again, "at {now_ms} ms, {saved_batches} batches");
        world.check();
    }
}

#[test]
fn a_batch_that_is_about_to_begin_is_not_asked_back() {
    let mut world = flooded(2);
    world.now_ms = 100;
    world.finish(1, 232_000);
    world.now_ms = 230;
    world.submit(2, vec![bulk(5_000, 2, LONG)]);
    let (id, _) = asked_back(&world).expect("what the other worker runs lasts longer");
    assert_eq!(id, 1);
    world.check();
}

#[test]
fn a_tenant_that_is_not_behind_waits_for_its_turn() {
    let mut world = World::new(Config::default());
    // Twenty times the share: a batch hardly moves its counter.
    world.tell(Event::SetWeight { tenant: TenantId(u128::from(FLOOD)), weight: 2_000 });
    world.join(1, 1, 2);
    world.submit(FLOOD, (0..1_000).map(|n| bulk(n, FLOOD, LONG)).collect());
    world.submit(2, vec![bulk(5_000, 2, LONG)]);
    assert_eq!(asked_back(&world), None);
    world.check();
}

#[test]
fn a_tenant_that_comes_back_with_a_flood_of_its_own_is_hurried_only_until_it_has_caught_up() {
    let mut world = flooded(4);
    world.submit(2, (5_000..6_000).map(|n| bulk(n, 2, LONG)).collect());
    let mut made_way = 0;
    while let Some((id, _)) = asked_back(&world) {
        made_way += 1;
        release(&mut world, id);
    }
    assert!((1..=2).contains(&made_way), "{made_way} batches made way for it");
    world.check();
}

/// Two batches' worth of a newcomer: one is handed out, and a second one is asked back for the rest.
fn second_asked_back() -> (World, u64, Held) {
    let mut world = flooded(2);
    world.submit(2, (5_000..5_027).map(|n| bulk(n, 2, LONG)).collect());
    let (first, made_way) = asked_back(&world).expect("for the first part");
    release(&mut world, first);
    let (second, _) = asked_back(&world).expect("for the rest");
    assert_ne!(first, second);
    (world, second, made_way)
}

#[test]
fn the_rest_of_a_newcomers_work_goes_ahead_of_what_made_way_for_it() {
    let (mut world, second, _) = second_asked_back();
    world.now_ms = 100;
    release(&mut world, second);
    assert!(of_run(&world.holds(second)[1], 2) > 0);
    world.check();
}

#[test]
fn what_made_way_is_not_put_off_for_longer_than_a_batch() {
    let (mut world, second, made_way) = second_asked_back();
    world.now_ms = 300;
    release(&mut world, second);
    assert_eq!(world.holds(second)[1].items, made_way.items);
    world.check();
}

#[test]
fn a_recall_that_came_too_late_does_not_keep_the_next_one_from_being_asked() {
    let mut world = flooded(2);
    world.submit(2, vec![bulk(5_000, 2, LONG)]);
    let (late, _) = asked_back(&world).expect("one is asked back");
    // The worker has begun it before the word came; its credit takes the newcomer's item, behind that batch.
    world.finish(late, 1_000);
    assert_eq!(of_run(&world.holds(late)[1], 2), 1);
    world.submit(3, vec![bulk(6_000, 3, LONG)]);
    assert!(asked_back(&world).is_some(), "for the next newcomer another one is asked");
    world.check();
}

#[test]
fn the_snapshot_tells_how_long_items_of_each_class_and_tenant_waited() {
    let mut world = World::new(Config { max_batch_items: 1, ..Config::default() });
    world.submit(1, vec![bulk(1, 7, 64)]);
    world.submit(2, vec![scheduler::ItemSpec { class: Class::Interactive, ..bulk(2, 8, 64) }]);
    world.now_ms = 20;
    world.join(1, 1, 2);
    world.submit(1, vec![bulk(3, 7, 64)]);
    world.now_ms = 1_020;
    world.finish(1, 1_000);
    // Of a tenant whose items all wait still there is nothing to tell.
    world.submit(3, vec![bulk(4, 9, 64)]);
    let model = &world.state.snapshot().models[0];
    let [interactive, bulk] = &model.waits;
    assert_eq!((interactive.items, interactive.total_ms), (1, 20));
    assert_eq!((bulk.items, bulk.total_ms), (2, 1_020));
    assert_eq!((bulk.within_ms(0.5), bulk.within_ms(0.99)), (Some(32), Some(1_024)));
    let by_tenant: Vec<_> = model
        .tenant_waits
        .iter()
        .map(|(tenant, class, waits)| (tenant.0, *class, waits.items, waits.total_ms))
        .collect();
    assert_eq!(by_tenant, [(7, Class::Bulk, 2, 1_020), (8, Class::Interactive, 1, 20)]);
}
