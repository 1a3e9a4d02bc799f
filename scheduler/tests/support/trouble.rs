//! A life of trouble on a seed.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::TenantId;
use scheduler::{Class, Config, Event, Failure, ItemSpec, ModelKey, ModelOffer, NodeKey};

use super::*;

const WORKERS: u64 = 5;
const TENANTS: u64 = 5;
const OTHER_MODEL: ModelKey = ModelKey(2);

/// One model is loaded, the other is not; some devices have memory for one at a time.
fn ready_for_both(id: u64, epoch: u64, credits: u32) -> Event {
    let weights_bytes = 2 << 20;
    let sized = |model| ModelOffer { weights_bytes, bytes_per_padded_token: 64, ..offer(model) };
    Event::WorkerReady {
        worker: worker(id),
        node: NodeKey(1 + id / 2),
        epoch,
        credits,
        models: vec![sized(MODEL), ModelOffer { resident: false, ..sized(OTHER_MODEL) }],
        free_memory_bytes: [0, 3 << 20, 8 << 20][id as usize % 3],
        held: Vec::new(),
    }
}

struct Trouble {
    world: World,
    rng: Rng,
    /// Items of a page at most: in some lives devices have more to do than they can, in others they idle now and then.
    page: u64,
    next_item: u64,
    next_run: u64,
    epochs: BTreeMap<u64, u64>,
    late: Vec<Event>,
    limited: BTreeSet<TenantId>,
}

impl Trouble {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let config = Config {
            max_items: 600,
            max_items_per_run: 300,
            max_runs: 12,
            max_tenants: 4 + rng.below(3) as u32,
            max_batch_items: 1 + rng.below(40) as u32,
            age_bound_items: 20 + rng.below(200) as u32,
            fairness_slack_batches: rng.share(),
            max_attempts: 2,
            min_lease_ms: 2_000,
            hedge_after_ms: 20 + rng.below(200),
            hedge_share: 0.5 * rng.share(),
            ..Config::default()
        };
        Self {
            world: World::new(config),
            page: [5, 20, 60][rng.below(3) as usize],
            rng,
            next_item: 0,
            next_run: 1,
            epochs: BTreeMap::new(),
            late: Vec::new(),
            limited: BTreeSet::new(),
        }
    }

    fn is_poison(item: u64) -> bool {
        item % 97 == 13
    }

    /// An item of one of two tenants: more of them would seldom find room among those that are known.
    fn spec(&mut self, tenant: u64) -> ItemSpec {
        // Now and then an item that came before comes again.
        let n = if self.next_item > 50 && self.rng.chance(0.05) {
            self.next_item - 1 - self.rng.below(50)
        } else {
            self.next_item += 1;
            self.next_item
        };
        let mut spec = bulk(n, 1 + (tenant + self.rng.below(2)) % TENANTS, 1);
        if self.rng.chance(0.2) {
            spec.model = OTHER_MODEL;
        }
        // Most are short, and no two machines differ on it, as they may on logarithms.
        spec.tokens = (4 + self.rng.below(23) * self.rng.below(24)) as u32;
        if self.rng.chance(0.1) {
            spec.class = Class::Interactive;
        }
        if self.rng.chance(0.1) {
            spec.deadline_ms = Some(self.world.now_ms + self.rng.below(20_000));
        }
        spec
    }

    fn step(&mut self) {
        self.world.now_ms += self.rng.below(40);
        match self.rng.below(100) {
            0..20 => self.submit(),
            20..28 => self.join(),
            28..78 => self.answer(),
            78..80 => self.kill(),
            80..81 => self.cancel(),
            81..83 => {
                let (tenant, weight) =
                    (TenantId(u128::from(1 + self.rng.below(TENANTS))), 50 + self.rng.below(300) as u32);
                self.world.tell(Event::SetWeight { tenant, weight });
            }
            83..84 => {
                let id = 1 + self.rng.below(WORKERS);
                self.world.tell(Event::Drain { worker: worker(id) });
            }
            84..85 => {
                let tenant = TenantId(u128::from(1 + self.rng.below(TENANTS)));
                let device_ms_per_s = self.rng.chance(0.4).then(|| 50 * self.rng.below(6) as u32);
                self.limited.insert(tenant);
                self.world.tell(Event::SetLimit { tenant, device_ms_per_s });
            }
            85..92 => self.repeat_something_late(),
            _ => {
                self.world.now_ms += self.rng.below(500);
                self.world.tell(Event::Tick);
            }
        }
    }

    fn submit(&mut self) {
        let of = self.next_run + self.rng.below(4);
        let (count, tenant) = (1 + self.rng.below(self.page), self.rng.below(TENANTS));
        let mut items: Vec<_> = (0..count).map(|_| self.spec(tenant)).collect();
        items.sort_by_key(|spec| spec.item);
        items.dedup_by_key(|spec| spec.item);
        let event = Event::Submit { run: run(of), term: TERM, items };
        self.late.push(event.clone());
        self.world.tell(event);
    }

    fn join(&mut self) {
        let id = 1 + self.rng.below(WORKERS);
        let alive = self.world.epochs.contains_key(&worker(id));
        if alive && !self.rng.chance(0.2) {
            let event = ready_for_both(id, self.epochs[&id], 2);
            self.world.tell(event);
            return;
        }
        let credits = 1 + self.rng.below(2) as u32;
        self.join_anew(id, credits);
    }

    fn join_anew(&mut self, id: u64, credits: u32) {
        let epoch = self.epochs.entry(id).or_default();
        *epoch += 1;
        let event = ready_for_both(id, *epoch, credits);
        self.world.epochs.insert(worker(id), *epoch);
        self.world.hands.insert(worker(id), Vec::new());
        self.late.push(event.clone());
        self.world.tell(event);
    }

    fn answer(&mut self) {
        let busy: Vec<u64> = (1..=WORKERS).filter(|&id| !self.world.holds(id).is_empty()).collect();
        if busy.is_empty() {
            return;
        }
        let id = busy[self.rng.below(busy.len() as u64) as usize];
        let held = self.world.holds(id)[0].clone();
        let poisoned = held.items.iter().any(|(_, item)| {
            let mut number = [0; 8];
            number.copy_from_slice(&item.0.0[..8]);
            Self::is_poison(u64::from_le_bytes(number))
        });
        let padded = held.padded_len as usize * held.items.len();
        let failure = match () {
            () if poisoned => Some(Failure::Error),
            () if padded > 4_000 && held.items.len() > 1 => Some(Failure::OutOfMemory),
            () if self.rng.chance(0.03) => Some(Failure::Error),
            () if self.rng.chance(0.02) => Some(Failure::Rejected),
            () if self.rng.chance(0.02) => Some(Failure::Released),
            () => None,
        };
        let elapsed_us = (padded as f64 * (5.0 + 10.0 * self.rng.share())) as u64;
        let event = match failure {
            Some(failure) => Event::BatchFailed { worker: worker(id), lease: held.lease, failure },
            None => Event::BatchDone { worker: worker(id), lease: held.lease, elapsed_us },
        };
        self.late.push(event.clone());
        self.world.hands.get_mut(&worker(id)).expect("it is busy").remove(0);
        self.world.tell(event);
    }

    fn kill(&mut self) {
        let alive: Vec<u64> = (1..=WORKERS).filter(|&id| self.world.epochs.contains_key(&worker(id))).collect();
        if !alive.is_empty() {
            let id = alive[self.rng.below(alive.len() as u64) as usize];
            let epoch = self.world.epochs[&worker(id)];
            self.late.push(Event::WorkerLost { worker: worker(id), epoch });
            self.world.lose(id);
        }
    }

    fn cancel(&mut self) {
        let of = self.next_run + self.rng.below(4);
        self.world.tell(Event::CancelRun { run: run(of), term: TERM });
        self.next_run += 1;
    }

    /// A message that was seen before comes again: doubled, late, out of order.
    fn repeat_something_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let event = self.late[self.rng.below(self.late.len() as u64) as usize].clone();
        self.world.tell(event);
        if self.late.len() > 40 {
            self.late.drain(..20);
        }
    }

    /// Trouble ends: with one good worker everything comes to an end.
    fn settle(&mut self) {
        for tenant in std::mem::take(&mut self.limited) {
            self.world.tell(Event::SetLimit { tenant, device_ms_per_s: None });
        }
        for _ in 0..20_000 {
            if self.world.outstanding.is_empty() {
                break;
            }
            let busy: Vec<u64> = (1..=WORKERS + 1).filter(|&id| !self.world.holds(id).is_empty()).collect();
            match busy.first() {
                Some(&id) if id > WORKERS => drop(self.world.finish(id, 50_000)),
                Some(_) => self.answer(),
                None => {
                    if !self.world.epochs.contains_key(&worker(WORKERS + 1)) {
                        self.join_anew(WORKERS + 1, 1);
                    } else {
                        self.world.now_ms =
                            self.world.state.next_wake_ms().expect("outstanding work has a next moment");
                        self.world.tell(Event::Tick);
                    }
                }
            }
        }
        assert!(self.world.outstanding.is_empty(), "{} items are stuck", self.world.outstanding.len());
    }
}

/// One life of trouble; every invariant on the way.
pub fn live(seed: u64, steps: u64) -> World {
    let mut trouble = Trouble::new(seed);
    for count in 0..steps {
        trouble.step();
        if count % 8 == 0 {
            trouble.world.check();
        }
    }
    trouble.settle();
    trouble.world.check();
    trouble.world
}
