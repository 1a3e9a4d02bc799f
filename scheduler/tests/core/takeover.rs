//! A scheduler that follows another one.

use domain::id::Term;
use scheduler::{
    Action, CancelReason, Config, Event, Failure, HeldBatch, Lease, Marks, ModelKey, ModelOffer, State, step,
};

use crate::support::*;

/// A scheduler of the next term, and what a first one's only worker holds.
struct After {
    state: State,
    actions: Vec<Action>,
    held: Vec<HeldBatch>,
    page: Vec<scheduler::ItemSpec>,
}

/// What was handed out, as a worker would tell of it.
fn held(actions: &[Action]) -> Vec<HeldBatch> {
    let run = |action: &Action| match action {
        Action::Run { lease, model, padded_len, items, .. } => {
            Some(HeldBatch { lease: *lease, model: *model, padded_len: *padded_len, items: items.to_vec() })
        }
        _ => None,
    };
    actions.iter().filter_map(run).collect()
}

/// A worker presents itself with these batches in its hands.
fn ready_with(id: u64, credits: u32, batches: &[HeldBatch]) -> Event {
    let mut event = ready(id, 1, credits);
    if let Event::WorkerReady { held, .. } = &mut event {
        *held = batches.to_vec();
    }
    event
}

fn term() -> Term {
    TERM.next()
}

impl After {
    /// Forty items of which the worker holds two batches of eight.
    fn new() -> Self {
        let config = Config { max_batch_items: 8, ..Config::default() };
        let mut before = World::new(config);
        let page: Vec<_> = (0..40).map(|n| bulk(n, 1, 64)).collect();
        before.join(1, 1, 2);
        before.submit(1, page.clone());
        let held = held(&before.actions);
        assert_eq!(held.len(), 2);
        let mut after = Self { state: State::new(config, term()), actions: Vec::new(), held, page };
        after.tell(Event::TakeOver { past: Vec::new() }, 0);
        after
    }

    fn tell(&mut self, event: Event, now_ms: u64) -> &[Action] {
        self.actions.clear();
        step(&mut self.state, event, now_ms, &mut self.actions);
        scheduler::invariants::check(&self.state).unwrap();
        &self.actions
    }

    fn present(&mut self, now_ms: u64) -> Vec<(Lease, Lease)> {
        let event = ready_with(1, 2, &self.held);
        let adopted = |action: &Action| match action {
            Action::Adopted { was, lease, .. } => Some((*was, *lease)),
            _ => None,
        };
        self.tell(event, now_ms).iter().filter_map(adopted).collect()
    }

    fn hand_in(&mut self, now_ms: u64) -> (u32, u32) {
        let event = Event::Submit { run: run(1), term: TERM, items: self.page.clone() };
        let answer = |action: &Action| match action {
            Action::Accepted { accepted, duplicates, .. } => Some((*accepted, *duplicates)),
            _ => None,
        };
        self.tell(event, now_ms).iter().find_map(answer).unwrap()
    }

    fn handed_out(&self) -> usize {
        self.actions.iter().filter(|action| matches!(action, Action::Run { .. })).count()
    }
}

#[test]
fn running_batches_are_adopted_whether_workers_or_coordinators_come_first() {
    for workers_first in [true, false] {
        let mut after = After::new();
        let leases = if workers_first {
            let leases = after.present(10);
            assert_eq!(after.hand_in(20), (24, 16));
            leases
        } else {
            assert_eq!(after.hand_in(10), (40, 0));
            after.present(20)
        };
        assert_eq!(leases.len(), 2);
        assert!(leases.iter().all(|(was, now)| was.term == TERM && now.term == term()));
        let snapshot = after.state.snapshot();
        assert_eq!((snapshot.leased_items, snapshot.queued_bulk), (16, 24));
        assert_eq!(snapshot.terms[0].adopted_batches, 2);
        assert_eq!(snapshot.terms[0].adopted_items, 16);
        // Under the old lease or the new one: a worker may not have heard of it yet.
        for (lease, now_ms) in [(leases[0].0, 30), (leases[1].1, 40)] {
            let done = Event::BatchDone { worker: worker(1), lease, elapsed_us: 1_000 };
            let [Action::Completed { items, unwanted, .. }] = after.tell(done, now_ms) else {
                panic!("{:?}", after.actions)
            };
            assert_eq!((items.len(), unwanted.len()), (8, 0));
        }
        assert_eq!(after.state.snapshot().totals.completed, 16);
    }
}

#[test]
fn nothing_is_handed_out_before_the_collection_window_ends() {
    let mut after = After::new();
    after.hand_in(10);
    after.tell(ready(2, 1, 1), 20);
    assert_eq!(after.handed_out(), 0);
    assert_eq!(after.state.next_wake_ms(), Some(300));
    after.tell(Event::Tick, 300);
    assert_eq!(after.handed_out(), 1);
}

#[test]
fn an_adopted_item_that_no_coordinator_claims_is_delivered_and_never_run_again() {
    let mut after = After::new();
    let leases = after.present(10);
    let failed = Event::BatchFailed { worker: worker(1), lease: leases[0].1, failure: Failure::Error };
    after.tell(failed, 400);
    assert_eq!(after.handed_out(), 0);
    after.tell(Event::BatchDone { worker: worker(1), lease: leases[1].1, elapsed_us: 1_000 }, 500);
    assert!(matches!(after.actions[0], Action::Completed { .. }));
    assert_eq!(after.state.snapshot().outstanding_items, 0);
}

#[test]
fn a_claimed_item_of_an_adopted_batch_runs_again_when_the_worker_goes() {
    let mut after = After::new();
    after.present(10);
    after.hand_in(20);
    after.tell(Event::WorkerLost { worker: worker(1), epoch: 1 }, 400);
    assert_eq!(after.state.snapshot().outstanding_items, 40);
    after.tell(ready(2, 1, 2), 410);
    assert_eq!(after.handed_out(), 2);
}

#[test]
fn what_a_coordinator_claims_runs_on_the_model_that_its_batch_was_for() {
    let mut after = After::new();
    after.present(10);
    for spec in &mut after.page {
        spec.model = ModelKey(9);
    }
    after.hand_in(20);
    after.tell(Event::WorkerLost { worker: worker(1), epoch: 1 }, 400);
    after.tell(ready(2, 1, 4), 410);
    assert_eq!(after.handed_out(), 2, "the adopted ones, and none of those that were only queued");
}

#[test]
fn what_a_coordinator_claims_is_no_longer_and_no_shorter_than_any_may_be() {
    let waiting_when_claimed_as = |tokens: u32| {
        let mut after = After::new();
        after.present(10);
        after.page.truncate(16);
        after.page.iter_mut().for_each(|spec| spec.tokens = tokens);
        assert_eq!(after.hand_in(20), (0, 16));
        after.tell(Event::WorkerLost { worker: worker(1), epoch: 1 }, 400);
        after.state.snapshot().models
    };
    let longest = Config::default().max_item_tokens;
    assert_eq!(waiting_when_claimed_as(u32::MAX), waiting_when_claimed_as(longest));
    assert_eq!(waiting_when_claimed_as(0), waiting_when_claimed_as(1));
    assert_ne!(waiting_when_claimed_as(1), waiting_when_claimed_as(longest));
}

#[test]
fn a_batch_that_finds_no_room_is_asked_back_and_one_that_just_fits_is_adopted() {
    for (max_items, adopted) in [(15, 8), (16, 16)] {
        let mut after = After::new();
        after.state = State::new(Config { max_items, max_batch_items: 8, ..Config::default() }, term());
        after.tell(Event::TakeOver { past: Vec::new() }, 0);
        after.present(10);
        let asked = |action: &&Action| matches!(action, Action::CancelBatch { .. });
        assert_eq!(after.actions.iter().filter(asked).count(), usize::from(adopted == 8));
        assert_eq!(after.state.snapshot().leased_items, adopted);
    }
}

#[test]
fn what_runs_on_two_workers_is_adopted_once_and_asked_back_from_the_other() {
    let mut after = After::new();
    after.present(10);
    let again = ready_with(2, 2, &after.held[..1]);
    let answers = after.tell(again, 20).to_vec();
    let asked = |action: &Action| matches!(action, Action::CancelBatch { reason: CancelReason::Superseded, .. });
    assert!(answers.iter().any(asked), "{answers:?}");
    let Action::Adopted { lease, .. } = answers[0] else { panic!("{answers:?}") };
    after.tell(Event::BatchFailed { worker: worker(2), lease, failure: Failure::Released }, 30);
    assert_eq!(after.state.snapshot().leased_items, 16);
}

#[test]
fn what_was_asked_back_is_not_hedged_however_late_it_is() {
    let mut after = After::new();
    let leases = after.present(10);
    let again = ready_with(2, 2, &after.held[..1]);
    after.tell(again, 20);
    for (_, lease) in leases {
        after.tell(Event::BatchDone { worker: worker(1), lease, elapsed_us: 1_000 }, 30);
    }
    // Two devices idle, and the third says nothing of the batch of which no item is wanted any more.
    after.tell(ready(3, 1, 2), 40);
    for now_ms in [300, 600, 1_200, 2_400] {
        after.tell(Event::Tick, now_ms);
        assert_eq!(after.handed_out(), 0, "at {now_ms} ms");
    }
}

#[test]
fn a_batch_of_this_term_that_is_not_known_is_asked_back() {
    let mut after = After::new();
    after.held[0].lease.term = term();
    after.present(10);
    let unknown = after.held[0].lease;
    let asked = Action::CancelBatch { worker: worker(1), lease: unknown, reason: CancelReason::Superseded };
    assert!(after.actions.contains(&asked), "{:?}", after.actions);
}

#[test]
fn coordinators_learn_what_the_next_scheduler_should_know_of_an_item() {
    let config = Config { max_batch_items: 1, suspect_after_crashes: 2, ..Config::default() };
    let mut world = World::new(config);
    world.submit(1, vec![bulk(1, 1, 64)]);
    world.join(1, 1, 1);
    world.lose(1);
    let marks = world.answers.iter().find_map(|action| match action {
        Action::Marked { items } => Some(items[0].1),
        _ => None,
    });
    assert_eq!(marks, Some(Marks { attempts: 0, crashes: 1 }));
    // Handed in again with its marks, one more crash makes it a suspect that runs alone.
    let mut after = World::new(Config::default());
    let marked = scheduler::ItemSpec { marks: marks.unwrap(), ..bulk(1, 1, 64) };
    after.submit(1, vec![marked, bulk(2, 1, 64)]);
    after.join(1, 1, 1);
    after.lose(1);
    after.join(2, 1, 2);
    assert!(after.holds(2).iter().all(|held| held.items.len() == 1), "{:?}", after.holds(2));
}

#[test]
fn what_an_adopted_batch_takes_is_no_room_for_another_models_weights() {
    let mut after = After::new();
    let mut event = ready_with(1, 4, &after.held);
    if let Event::WorkerReady { models, free_memory_bytes, .. } = &mut event {
        // Eight items of 64 tokens take 512 kB while they run; beside the second model's weights 300 kB are left.
        models[0].bytes_per_padded_token = 1_000;
        let (weights_bytes, bytes_per_padded_token) = (1_000_000, 100);
        models.push(ModelOffer { resident: false, weights_bytes, bytes_per_padded_token, ..offer(ModelKey(2)) });
        *free_memory_bytes = 1_444_500;
    }
    let adopted = |action: &&Action| matches!(action, Action::Adopted { .. });
    assert_eq!(after.tell(event, 10).iter().filter(adopted).count(), 2);
    let item = scheduler::ItemSpec { model: ModelKey(2), ..bulk(100, 1, 64) };
    after.tell(Event::Submit { run: run(2), term: term(), items: vec![item] }, 20);
    after.tell(Event::Tick, 300);
    assert_eq!(after.handed_out(), 0, "{:?}", after.actions);
    let leases: Vec<Lease> = after.held.iter().map(|held| held.lease).collect();
    for lease in leases {
        assert_eq!(after.handed_out(), 0, "{:?}", after.actions);
        after.tell(Event::BatchDone { worker: worker(1), lease, elapsed_us: 1_000 }, 310);
    }
    assert_eq!(after.handed_out(), 1, "{:?}", after.actions);
}

#[test]
fn a_worker_that_presents_itself_again_keeps_what_it_was_given_and_nothing_else() {
    let mut world = World::new(Config::default());
    world.join(1, 1, 2);
    world.submit(1, vec![bulk(1, 1, 64)]);
    let given = held(&world.actions);
    let mut unknown = given[0].clone();
    unknown.lease.batch.0 += 1;
    let again = ready_with(1, 2, &[given[0].clone(), unknown.clone()]);
    let superseded = Action::CancelBatch { worker: worker(1), lease: unknown.lease, reason: CancelReason::Superseded };
    assert_eq!(world.tell(again), [superseded]);
    world.finish(1, 1_000);
    assert_eq!(world.end_of(1, 1), Some(End::Completed));
    world.check();
}

#[test]
fn an_earlier_life_of_a_worker_is_counted_as_late_and_changes_nothing() {
    let mut world = World::new(Config::default());
    world.join(1, 5, 1);
    world.submit(1, vec![bulk(1, 1, 64)]);
    assert!(world.tell(ready(1, 3, 1)).is_empty());
    assert_eq!(world.state.snapshot().totals.stale, 1);
    world.finish(1, 1_000);
    assert_eq!(world.end_of(1, 1), Some(End::Completed));
}

#[test]
fn how_long_adopted_batches_will_take_is_known_where_work_waits() {
    let mut before = World::new(Config { max_batch_items: 32, ..Config::default() });
    before.join(1, 1, 1);
    before.submit(1, (0..32).map(|n| bulk(n, 1, 128)).collect());
    before.join(2, 1, 1);
    before.submit(1, vec![bulk(100, 1, 490)]);
    let [many, long] = held(&before.actions).try_into().unwrap();
    let mut state = State::new(Config { collection_window_ms: 15, ..Config::default() }, term());
    let mut actions = Vec::new();
    step(&mut state, Event::TakeOver { past: Vec::new() }, 0, &mut actions);
    for (id, batch) in [(1, many), (2, long)] {
        step(&mut state, ready_with(id, 2, &[batch]), 10, &mut actions);
    }
    step(&mut state, Event::Tick, 20, &mut actions);
    actions.clear();
    let page = Event::Submit { run: run(2), term: term(), items: vec![bulk(200, 2, 64)] };
    step(&mut state, page, 20, &mut actions);
    // One item of 490 tokens is done sooner than 32 of 128, though not sooner than one of these.
    let given = |action: &Action| matches!(action, Action::Run { worker: to, .. } if *to == worker(2));
    assert!(actions.iter().any(given), "{actions:?}");
    scheduler::invariants::check(&state).unwrap();
}

#[test]
fn what_a_worker_holds_is_adopted_when_it_comes_late_too() {
    let mut after = After::new();
    after.tell(Event::Tick, 1_000);
    assert_eq!(after.present(1_010).len(), 2);
    assert_eq!(after.state.snapshot().leased_items, 16);
}

#[test]
fn a_worker_that_holds_more_than_its_memory_is_said_to_hold_keeps_it_and_gets_nothing_else() {
    let mut after = After::new();
    // Room for the longest item that there may be, and half of what each of these takes.
    after.held.iter_mut().for_each(|batch| batch.padded_len = 128);
    let mut event = ready_with(1, 4, &after.held);
    if let Event::WorkerReady { models, free_memory_bytes, .. } = &mut event {
        models[0].bytes_per_padded_token = 1_000;
        *free_memory_bytes = 600_000;
    }
    after.tell(event, 10);
    assert_eq!(after.state.snapshot().leased_items, 16);
    after.tell(Event::Tick, 1_000);
    let item = Event::Submit { run: run(2), term: term(), items: vec![bulk(100, 1, 64)] };
    after.tell(item, 1_010);
    assert_eq!(after.handed_out(), 0, "{:?}", after.actions);
}
