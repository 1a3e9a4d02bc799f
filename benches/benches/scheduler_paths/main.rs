//! What each path through the scheduler's core costs, by Criterion: whoever changes it sees which one became dearer.
//!
//! `cargo xtask bench scheduler_paths [-- FILTER]`
//!
//! All of them start from the same state: 16,384 items queued over 16 tenants in runs of 1,024, 64 devices with two
//! batches each.

use std::collections::VecDeque;
use std::hint::black_box;

use benches::actor_load::item_id;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::id::{RunId, TenantId, Term, WorkerId};
use scheduler::cost::Cost;
use scheduler::{
    Action, Class, Config, Event, Failure, HeldBatch, ItemSpec, Lease, Marks, ModelKey, ModelOffer, NodeKey, State,
    step,
};

const TENANTS: u64 = 16;
const RUN_ITEMS: u64 = 1_024;
const WORKERS: u64 = 64;
const MODEL: ModelKey = ModelKey(0);
const TERM: Term = Term { incarnation: 1, n: 1 };

/// A state and what its last event gave.
#[derive(Clone)]
struct World {
    state: State,
    actions: Vec<Action>,
    now_ms: u64,
}

impl World {
    fn tell(&mut self, event: Event) {
        self.actions.clear();
        self.now_ms += 1;
        step(&mut self.state, event, self.now_ms, &mut self.actions);
    }

    /// What the last event handed out.
    fn handed(&self) -> Vec<(WorkerId, Lease)> {
        let handed = |action: &Action| match action {
            Action::Run { worker, lease, .. } => Some((*worker, *lease)),
            _ => None,
        };
        self.actions.iter().filter_map(handed).collect()
    }

    fn new(term: Term) -> Self {
        Self { state: State::new(Config::default(), term), actions: Vec::with_capacity(1_024), now_ms: 0 }
    }
}

fn item(number: u64, tenant: u64, class: Class) -> ItemSpec {
    ItemSpec {
        item: item_id(number),
        tenant: TenantId(u128::from(tenant)),
        model: MODEL,
        class,
        tokens: 16 + (number.wrapping_mul(0x9e37_79b9) >> 7) as u32 % 490,
        deadline_ms: None,
        marks: Marks::default(),
        tag: number,
    }
}

fn page(run: u64, first: u64, items: u64, class: Class) -> Event {
    let items = (first..first + items).map(|number| item(number, run % TENANTS, class)).collect();
    Event::Submit { run: RunId(u128::from(run)), term: TERM, items }
}

/// A page that is to be done by then.
fn urgent_page(run: u64, first: u64, items: u64, deadline_ms: u64) -> Event {
    let mut page = page(run, first, items, Class::Interactive);
    if let Event::Submit { items, .. } = &mut page {
        for item in items {
            item.deadline_ms = Some(deadline_ms);
        }
    }
    page
}

fn ready(worker: u64, credits: u32, held: Vec<HeldBatch>) -> Event {
    let offer = ModelOffer {
        model: MODEL,
        resident: true,
        load_ms: 0,
        max_padded_tokens: 16_384,
        weights_bytes: 0,
        bytes_per_padded_token: 0,
        prior: Some(Cost { ns_per_token: 1_000.0, ns_per_token_squared: 0.01 }),
    };
    Event::WorkerReady {
        worker: WorkerId(u128::from(worker)),
        node: NodeKey(worker),
        epoch: 1,
        credits,
        models: vec![offer],
        free_memory_bytes: 0,
        held,
    }
}

/// What the last device was given, in the order in which it came.
struct Given {
    world: World,
    worker: WorkerId,
    held: Vec<HeldBatch>,
}

impl Given {
    fn lease(&self) -> Lease {
        self.held[0].lease
    }

    /// A copy with room to grow: one as tight as its contents would measure the moving of all of them.
    fn roomy(&self) -> World {
        let mut world = self.world.clone();
        let run = 1_000;
        world.tell(page(run, 1 << 42, 2 * RUN_ITEMS, Class::Bulk));
        world.tell(page(run + 1, 1 << 43, 64, Class::Interactive));
        for run in [run, run + 1] {
            world.tell(Event::CancelRun { run: RunId(u128::from(run)), term: TERM });
        }
        world
    }
}

/// Every device at work, and the queue filled up again.
fn busy() -> Given {
    let mut world = World::new(TERM);
    let runs = 2 * TENANTS;
    for run in 0..runs {
        world.tell(page(run, run * RUN_ITEMS, RUN_ITEMS, Class::Bulk));
    }
    let mut held = Vec::new();
    for worker in 0..WORKERS {
        world.tell(ready(worker, 2, Vec::new()));
        held.clear();
        for action in &world.actions {
            if let Action::Run { lease, model, padded_len, items, .. } = action {
                let items = items.to_vec();
                held.push(HeldBatch { lease: *lease, model: *model, padded_len: *padded_len, items });
            }
        }
    }
    Given { world, worker: WorkerId(u128::from(WORKERS - 1)), held }
}

/// One device late with its batch, all others idle beside an empty queue; enough was done before that a hedge is within
/// its budget.
fn late() -> World {
    let mut world = World::new(TERM);
    for run in 0..2 * TENANTS {
        world.tell(page(run, run * RUN_ITEMS, RUN_ITEMS, Class::Bulk));
    }
    let mut held = VecDeque::new();
    for worker in 0..WORKERS {
        world.tell(ready(worker, 1, Vec::new()));
        held.extend(world.handed());
    }
    while held.len() > 1 {
        let Some((worker, lease)) = held.pop_front() else { break };
        world.tell(Event::BatchDone { worker, lease, elapsed_us: 16_000 });
        held.extend(world.handed());
    }
    world.now_ms += 10_000;
    world
}

fn paths(criterion: &mut Criterion) {
    let given = busy();
    let queued = given.world.state.snapshot().queued_bulk;
    println!(
        "{queued} items queued, {} held by the last device",
        given.held.iter().map(|b| b.items.len()).sum::<usize>()
    );
    let mut group = criterion.benchmark_group("scheduler");
    let mut path = |name: &str, make: &dyn Fn() -> Event| {
        group.bench_function(name, |bencher| {
            let setup = || (given.roomy(), make());
            let told = |(mut world, event): (World, Event)| {
                world.tell(event);
                // Handed back, so that dropping the state is not measured.
                world
            };
            bencher.iter_batched(setup, told, BatchSize::LargeInput);
        });
    };
    let (worker, lease) = (given.worker, given.lease());
    let run = RunId(3);
    path("admit a page of 256", &|| page(3, 1 << 40, 256, Class::Bulk));
    path("admit a page of 256 with a deadline", &|| urgent_page(99, 1 << 40, 256, 3_600_000));
    path("refuse a page of more than a run may have", &|| page(3, 1 << 40, 2_048, Class::Bulk));
    path("pull: a device more", &|| ready(WORKERS, 1, Vec::new()));
    path("present again, nothing new", &|| ready(WORKERS - 1, 2, Vec::new()));
    path("done: acknowledge, learn, hand out", &|| Event::BatchDone { worker, lease, elapsed_us: 20_000 });
    path("fail: bisect", &|| Event::BatchFailed { worker, lease, failure: Failure::Error });
    path("out of memory: halve", &|| Event::BatchFailed { worker, lease, failure: Failure::OutOfMemory });
    path("lose a device", &|| Event::WorkerLost { worker, epoch: 1 });
    path("recall: a page that somebody waits for", &|| page(99, 1 << 41, 16, Class::Interactive));
    path("cancel a run of 1,024", &|| Event::CancelRun { run, term: TERM });
    path("drain", &|| Event::Drain { worker });
    path("tick, nothing due", &|| Event::Tick);
    group.bench_function("take over a device", |bencher| {
        let setup = || {
            let mut world = World::new(TERM.next());
            world.tell(Event::TakeOver { past: Vec::new() });
            (world, ready(WORKERS - 1, 2, given.held.clone()))
        };
        let told = |(mut world, event): (World, Event)| {
            world.tell(event);
            world
        };
        bencher.iter_batched(setup, told, BatchSize::LargeInput);
    });
    let late = late();
    group.bench_function("hedge a late batch", |bencher| {
        let told = |mut world: World| {
            world.tell(Event::Tick);
            assert_eq!(world.handed().len(), 1, "the late batch runs a second time");
            world
        };
        bencher.iter_batched(|| late.clone(), told, BatchSize::LargeInput);
    });
    group.bench_function("snapshot", |bencher| bencher.iter(|| black_box(given.world.state.snapshot())));
    group.finish();
}

criterion_group!(benches, paths);
criterion_main!(benches);
