//! Time of one scheduling decision, against the prototype remade, on the same trace in the same run.
//!
//! The prototype forms a batch and nothing else. The core's decision is a whole [`step`]: it ends a lease, learns from
//! it, forms the next batch, gives the lease and writes the message. Both get the same budget of padded tokens and are
//! refilled to the same depth after every batch.

mod prototype;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::id::{Digest, ItemId, RunId, TenantId, Term, WorkerId};
use scheduler::cost::Cost;
use scheduler::{Action, Class, Config, Event, ItemSpec, Lease, ModelKey, ModelOffer, State, step};

use prototype::{BUDGET, Prototype, Traced, trace};

const ITEMS: usize = 400_000;
const TERM: Term = Term { incarnation: 1, n: 1 };
const WORKER: WorkerId = WorkerId(1);

/// What a run over the trace shows.
struct Shown {
    decisions: Vec<Duration>,
    waste: f64,
    items: usize,
}

impl Shown {
    fn quantile(&self, q: f64) -> Duration {
        let mut sorted = self.decisions.clone();
        sorted.sort_unstable();
        sorted[((sorted.len() - 1) as f64 * q) as usize]
    }

    fn line(&self, who: &str, tenants: u16, depth: usize) {
        println!(
            "{who:>9}: {tenants:>3} tenants, depth {depth:>6}: waste {:5.2} %, {:>5} batches, decision p50 {:>9.1?} p99 {:>9.1?}",
            100.0 * self.waste,
            self.decisions.len(),
            self.quantile(0.5),
            self.quantile(0.99),
        );
    }
}

fn run_prototype(trace: &[Traced], tenants: u16, depth: usize) -> Shown {
    let mut prototype = Prototype::new(usize::from(tenants), trace.len(), 4 * depth as u64);
    let (mut next, mut done, mut real, mut padded) = (0, 0, 0_u64, 0_u64);
    let mut decisions = Vec::new();
    let mut batch = Vec::with_capacity(4_096);
    while done < trace.len() {
        while next < trace.len() && prototype.len() < depth {
            prototype.push(trace[next]);
            next += 1;
        }
        let began = Instant::now();
        prototype.batch(&mut batch);
        decisions.push(began.elapsed());
        done += batch.len();
        let longest = batch.iter().map(|item| u64::from(item.len)).max().unwrap_or(0);
        real += batch.iter().map(|item| u64::from(item.len)).sum::<u64>();
        padded += longest * batch.len() as u64;
    }
    Shown { decisions, waste: 1.0 - real as f64 / padded as f64, items: done }
}

/// The core with one device that pulls.
struct Core {
    state: State,
    actions: Vec<Action>,
    now_ms: u64,
    submitted: usize,
}

impl Core {
    fn new(depth: usize) -> Self {
        let config = Config {
            max_items: 2 * depth as u32 + 8_192,
            max_items_per_run: u32::MAX,
            age_bound_items: 4 * depth as u32,
            batch_budget_ms: 60_000,
            max_batch_items: 4_096,
            max_credits: 1,
            ..Config::default()
        };
        let mut core = Self { state: State::new(config, TERM), actions: Vec::new(), now_ms: 0, submitted: 0 };
        let models = vec![ModelOffer {
            model: ModelKey(1),
            resident: true,
            load_ms: 0,
            max_padded_tokens: BUDGET as u32,
            weights_bytes: 0,
            bytes_per_padded_token: 0,
            prior: Some(Cost { ns_per_token: 1_000.0, ns_per_token_squared: 0.001 }),
        }];
        core.tell(Event::WorkerReady { worker: WORKER, epoch: 1, credits: 1, models, free_memory_bytes: 0 });
        core
    }

    fn tell(&mut self, event: Event) {
        self.actions.clear();
        step(&mut self.state, event, self.now_ms, &mut self.actions);
    }

    fn submit(&mut self, page: &[Traced]) {
        let items = page.iter().map(|item| spec(*item)).collect();
        self.submitted += page.len();
        self.tell(Event::Submit { run: RunId(1), term: TERM, items });
    }

    fn handed_out(&self) -> Option<(Lease, u32, usize)> {
        self.actions.iter().find_map(|action| match action {
            Action::Run { lease, padded_len, items, .. } => Some((*lease, *padded_len, items.len())),
            _ => None,
        })
    }
}

fn spec(item: Traced) -> ItemSpec {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&item.id.to_le_bytes());
    ItemSpec {
        item: ItemId(Digest(id)),
        tenant: TenantId(u128::from(item.tenant)),
        model: ModelKey(1),
        class: Class::Bulk,
        tokens: u32::from(item.len),
        deadline_ms: None,
        tag: u64::from(item.id),
    }
}

fn run_core(trace: &[Traced], depth: usize) -> Shown {
    let mut core = Core::new(depth);
    // A first item occupies the device, so that the first measured decision sees the full depth.
    core.submit(&trace[..1]);
    let mut lease = core.handed_out();
    let mut next = 1;
    let mut decisions = Vec::new();
    while let Some((held, padded_len, items)) = lease {
        let queued = core.state.snapshot().queued_bulk as usize;
        let until = trace.len().min(next + depth.saturating_sub(queued));
        if until > next {
            core.submit(&trace[next..until]);
            next = until;
        }
        core.now_ms += 10;
        let elapsed_us = u64::from(padded_len) * items as u64;
        let began = Instant::now();
        core.tell(Event::BatchDone { worker: WORKER, lease: held, elapsed_us });
        decisions.push(began.elapsed());
        lease = core.handed_out();
    }
    let totals = core.state.snapshot().totals;
    Shown { decisions, waste: totals.padding_waste(), items: totals.completed as usize }
}

fn compare(criterion: &mut Criterion) {
    for tenants in [1, 16, 256] {
        let trace = trace(ITEMS, tenants, 42);
        for depth in [1_024, 4_096, 65_536] {
            let prototype = run_prototype(&trace, tenants, depth);
            let core = run_core(&trace, depth);
            assert_eq!((prototype.items, core.items), (ITEMS, ITEMS));
            prototype.line("prototype", tenants, depth);
            core.line("core", tenants, depth);
        }
    }
    let trace = trace(60_000, 16, 42);
    let mut group = criterion.benchmark_group("decisions over 60,000 items, 16 tenants, depth 4,096");
    group.sample_size(10);
    group.bench_function(BenchmarkId::from_parameter("prototype"), |b| {
        b.iter_custom(|rounds| {
            (0..rounds).map(|_| run_prototype(&trace, 16, 4_096).decisions.iter().sum::<Duration>()).sum()
        });
    });
    group.bench_function(BenchmarkId::from_parameter("core"), |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| run_core(&trace, 4_096).decisions.iter().sum::<Duration>()).sum());
    });
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
