//! What always holds, written once: tests and simulations check all of it, debug builds the sums after every event.

use domain::id::{ItemId, RunId, TenantId, WorkerId};

use crate::arena::Phase;
use crate::cost::Sums;
use crate::event::BatchId;
use crate::fairness::{BulkQueue, span_max};
use crate::item::{Class, ModelKey};
use crate::model::{Model, rank};
use crate::state::State;

/// A broken invariant. Always a fault of the scheduler, never of who talks to it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Items were made or lost.
    #[error(
        "{what}: {left} on one side, {right} on the other; replay the events that led here and look for the step that moved one side only"
    )]
    Sum {
        /// Which sum.
        what: &'static str,
        /// One side.
        left: u64,
        /// The other.
        right: u64,
    },
    /// An item isn't in the one place that it says it is in.
    #[error("item {item:?} of run {run} isn't in the one place where it says it is")]
    Misplaced {
        /// Its run.
        run: RunId,
        /// Which item.
        item: ItemId,
    },
    /// A tenant's counter left its window.
    #[error(
        "the counter of tenant {tenant} for model {model:?} lies outside its window: floor {floor}, counter {counter}, ceiling {ceiling}"
    )]
    Unfair {
        /// Which model.
        model: ModelKey,
        /// Which tenant.
        tenant: TenantId,
        /// Least counter of a backlogged tenant.
        floor: u64,
        /// This tenant's.
        counter: u64,
        /// The most that it may be.
        ceiling: u64,
    },
    /// More later items than allowed went ahead of one.
    #[error(
        "{overtaken} later items of tenant {tenant} for model {model:?} went ahead of its oldest; the bound is {bound}"
    )]
    Overtaken {
        /// Which model.
        model: ModelKey,
        /// Which tenant.
        tenant: TenantId,
        /// How many went ahead.
        overtaken: u64,
        /// How many may.
        bound: u64,
    },
    /// A worker holds more than it may, or batches that don't know it.
    #[error("worker {worker} holds {held} batches of {credits} and the leases don't agree")]
    Credits {
        /// Which worker.
        worker: WorkerId,
        /// Batches that it holds.
        held: u32,
        /// Batches that it may.
        credits: u32,
    },
    /// A device idles beside work that it could do.
    #[error("worker {worker} idles while model {model:?}, which it serves, has work")]
    Idle {
        /// Which worker.
        worker: WorkerId,
        /// Which model.
        model: ModelKey,
    },
    /// A lease has no end, or a batch that isn't running has one.
    #[error("batch {batch:?} is running and has no time at which it is given up, or the other way round")]
    Lease {
        /// Which batch.
        batch: BatchId,
    },
    /// A device was given more than its memory holds.
    #[error("worker {worker} needs {needs} bytes for what it holds and has {spare}")]
    Memory {
        /// Which worker.
        worker: WorkerId,
        /// Bytes of the largest batch that it holds.
        needs: i64,
        /// Bytes beside the weights.
        spare: i64,
    },
    /// Hedges took more than their share.
    #[error("{hedged_ms} ms of device time went to hedges; {budget_ms} ms may")]
    Hedges {
        /// Predicted time of all hedges.
        hedged_ms: u64,
        /// Their share of all time handed out.
        budget_ms: u64,
    },
    /// A structure outgrew its bound.
    #[error("{what} holds {len}, its bound is {bound}")]
    Unbounded {
        /// Which structure.
        what: &'static str,
        /// What it holds.
        len: u64,
        /// What it may.
        bound: u64,
    },
}

impl Violation {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sum { .. } => "scheduler.sum",
            Self::Misplaced { .. } => "scheduler.misplaced",
            Self::Unfair { .. } => "scheduler.unfair",
            Self::Overtaken { .. } => "scheduler.overtaken",
            Self::Credits { .. } => "scheduler.credits",
            Self::Idle { .. } => "scheduler.idle",
            Self::Lease { .. } => "scheduler.lease",
            Self::Memory { .. } => "scheduler.memory",
            Self::Hedges { .. } => "scheduler.hedges",
            Self::Unbounded { .. } => "scheduler.unbounded",
        }
    }
}

/// Everything. Linear in what is outstanding; holds between events.
pub fn check(state: &State) -> Result<(), Violation> {
    check_sums(state)?;
    bounds(state)?;
    places(state)?;
    leases(state)?;
    memory(state)?;
    hedges(state)?;
    for model in &state.models {
        tenants(state, model)?;
        buckets(&model.bulk)?;
    }
    idleness(state)
}

/// The sums alone. Linear in models, of which there are few.
pub fn check_sums(state: &State) -> Result<(), Violation> {
    let totals = &state.totals;
    let ended = totals.completed + totals.failed + totals.cancelled;
    equal("items accepted, and ended or outstanding", totals.accepted, ended + state.arena.len() as u64)?;
    equal("items found by name, and outstanding", state.arena.named() as u64, state.arena.len() as u64)?;
    let waiting: u64 = state.models.iter().flat_map(|model| &model.waiting).map(|w| u64::from(w.items)).sum();
    // Leased items of a cancelled run keep their place in the batch and are outstanding no more.
    let placed = waiting + u64::from(state.leased);
    if placed < state.arena.len() as u64 {
        return Err(Violation::Sum {
            what: "items outstanding, and waiting or leased",
            left: state.arena.len() as u64,
            right: placed,
        });
    }
    Ok(())
}

fn equal(what: &'static str, left: u64, right: u64) -> Result<(), Violation> {
    if left == right { Ok(()) } else { Err(Violation::Sum { what, left, right }) }
}

fn bounds(state: &State) -> Result<(), Violation> {
    let config = &state.config;
    let mut sizes = vec![
        ("the queue", state.arena.len() as u64, u64::from(config.max_items)),
        ("the runs", state.runs.iter().count() as u64, u64::from(config.max_runs)),
        ("the models", state.models.len() as u64, u64::from(config.max_models)),
        ("the workers", state.workers.iter().count() as u64, u64::from(config.max_workers)),
        ("the weights", state.weights.len() as u64, u64::from(config.max_tenants)),
    ];
    for model in &state.models {
        sizes.push(("the tenants of a model", model.bulk.slot_of.len() as u64, u64::from(config.max_tenants)));
    }
    for run in state.runs.iter() {
        sizes.push(("a run", u64::from(run.outstanding), u64::from(config.max_items_per_run)));
    }
    match sizes.into_iter().find(|(_, len, bound)| len > bound) {
        Some((what, len, bound)) => Err(Violation::Unbounded { what, len, bound }),
        None => Ok(()),
    }
}

/// Every item is in the one place that it names, and every place holds only such items.
fn places(state: &State) -> Result<(), Violation> {
    let mut counted = [0_u64; 3];
    let mut waiting = vec![[Sums::default(); 2]; state.models.len()];
    for (item, entry) in state.arena.iter() {
        let model = &state.models[entry.model as usize];
        let class = entry.spec.class;
        let phase = state.arena.phase(item);
        let there = match phase {
            Phase::Free => false,
            Phase::Queued => {
                counted[0] += 1;
                match class {
                    Class::Interactive => model.interactive.holds(&state.arena, item, entry.due_ms),
                    Class::Bulk => {
                        let hot = state.arena.hot[item as usize];
                        model.bulk.tenants[hot.tenant as usize].id == entry.spec.tenant
                            && hot.tokens == entry.spec.tokens
                            && model.bulk.tenants[hot.tenant as usize].arrivals.holds(hot.seq)
                    }
                }
            }
            Phase::Again(number) => {
                counted[1] += 1;
                model.again[rank(class)].get(&(entry.ready_ms, number)).is_some_and(|group| group.items.contains(&item))
            }
            Phase::Leased(batch) => {
                counted[2] += 1;
                state.batches.get(&batch).is_some_and(|batch| batch.items.contains(&item))
            }
        };
        if matches!(phase, Phase::Queued | Phase::Again(_)) {
            waiting[entry.model as usize][rank(class)].add(state.arena.hot[item as usize].tokens);
        }
        let indexed = state.arena.find(state.arena.run_slot(item), &entry.spec.item) == Some(item);
        let listed = state.arena.is_cancelled(item) && matches!(phase, Phase::Leased(_)) || indexed;
        if !there || !listed {
            return Err(Violation::Misplaced { run: entry.run, item: entry.spec.item });
        }
    }
    let queued: u64 = state.models.iter().map(|m| m.interactive.len() as u64 + u64::from(m.bulk.len)).sum();
    let again: usize =
        state.models.iter().flat_map(|m| &m.again).flat_map(|groups| groups.values()).map(|g| g.items.len()).sum();
    equal("items that say they are queued", counted[0], queued)?;
    equal("items that say they came back", counted[1], again as u64)?;
    equal("items that say they are leased", counted[2], u64::from(state.leased))?;
    let in_runs: u64 = state.runs.iter().map(|run| u64::from(run.outstanding)).sum();
    equal("items of all runs", state.arena.len() as u64, in_runs)?;
    for run in state.runs.iter() {
        equal("items of a run", u64::from(run.outstanding), run.items(&state.arena).count() as u64)?;
    }
    for (sums, there) in state.models.iter().flat_map(|model| &model.waiting).zip(waiting.iter().flatten()) {
        equal("items that wait", u64::from(sums.items), u64::from(there.items))?;
        equal("tokens that wait", sums.tokens, there.tokens)?;
        equal("squares of tokens that wait", sums.tokens_squared, there.tokens_squared)?;
    }
    Ok(())
}

/// Credits and leases add up.
fn leases(state: &State) -> Result<(), Violation> {
    let mut held = 0;
    for (slot, worker) in state.workers.iter() {
        let count = worker.held.len() as u32;
        held += worker.held.len();
        let known = worker.held.iter().all(|id| {
            state.batches.get(id).is_some_and(|batch| batch.worker == slot && batch.lease.epoch == worker.epoch)
        });
        let ready = worker.offers.iter().enumerate().all(|(index, offer)| {
            let ready = &state.models[offer.model as usize].ready;
            let may = worker.takes_work() && state.room(worker, index).is_some();
            offer.ready_key.is_some_and(|key| ready.holds(key, slot)) == may
        });
        if !known || !ready || count > state.config.max_credits {
            return Err(Violation::Credits { worker: worker.id, held: count, credits: worker.credits });
        }
        for (place, id) in worker.held.iter().enumerate() {
            let expires_ms = state.batches.get(id).and_then(|batch| batch.expires_ms);
            let listed = expires_ms.is_some_and(|at_ms| state.expiries.contains(&(at_ms, *id)));
            if listed != expires_ms.is_some() || (place == 0 && !listed) {
                return Err(Violation::Lease { batch: *id });
            }
        }
    }
    equal("batches held by workers", held as u64, state.batches.len() as u64)?;
    let leased: usize = state.batches.values().filter(|batch| !batch.hedge).map(|batch| batch.items.len()).sum();
    equal("items in batches", leased as u64, u64::from(state.leased))
}

/// What is on a device, and the largest batch that it holds, fit its memory.
fn memory(state: &State) -> Result<(), Violation> {
    for (_, worker) in state.workers.iter().filter(|(_, worker)| !worker.overbooked) {
        let Some(spare) = worker.spare_bytes else { continue };
        let held = worker.held.iter().filter_map(|id| state.batches.get(id));
        let needs = held.map(|batch| batch.activation_bytes).max().unwrap_or(0);
        if needs > 0 && needs > spare {
            return Err(Violation::Memory { worker: worker.id, needs, spare });
        }
    }
    Ok(())
}

/// Hedges stay within their budget.
fn hedges(state: &State) -> Result<(), Violation> {
    let budget = state.config.hedge_share * state.handed_ns;
    if state.hedged_ns > budget {
        return Err(Violation::Hedges { hedged_ms: (state.hedged_ns / 1e6) as u64, budget_ms: (budget / 1e6) as u64 });
    }
    for (id, batch) in &state.batches {
        let Some(twin) = batch.twin else { continue };
        let other = state.batches.get(&twin);
        if !other.is_some_and(|other| other.twin == Some(*id) && other.hedge != batch.hedge) {
            return Err(Violation::Lease { batch: *id });
        }
    }
    Ok(())
}

/// Counters stay in their windows, and nobody is overtaken too often.
fn tenants(state: &State, model: &Model) -> Result<(), Violation> {
    let bulk = &model.bulk;
    let span_max = span_max(u64::from(state.config.max_items), u64::from(state.config.age_bound_items)) + 1;
    let too_long = bulk.tenants.iter().filter(|tenant| tenant.arrivals.span() as u64 > span_max).count();
    equal("tenants of which too many gone items are remembered", too_long as u64, 0)?;
    let backlogged = bulk.tenants.iter().filter(|tenant| tenant.backlog > 0 && !tenant.parked);
    for tenant in backlogged {
        let ceiling = bulk.floor.saturating_add(tenant.window);
        if tenant.counter < bulk.floor || tenant.counter > ceiling {
            let (floor, counter) = (bulk.floor, tenant.counter);
            return Err(Violation::Unfair { model: model.key, tenant: tenant.id, floor, counter, ceiling });
        }
        let bound = u64::from(state.config.age_bound_items);
        let overtaken = tenant.overtaken();
        if overtaken > bound + tenant.dropped {
            return Err(Violation::Overtaken { model: model.key, tenant: tenant.id, overtaken, bound });
        }
        let queued = tenant.arrivals.iter().count() as u64;
        equal("items of a tenant", queued, u64::from(tenant.backlog))?;
        equal("arrivals of a tenant", tenant.arrivals.next_seq(), tenant.left + queued)?;
    }
    Ok(())
}

/// Buckets hold what their tenants' lanes hold, and the ranking knows of every tenant where it has items.
fn buckets(bulk: &BulkQueue) -> Result<(), Violation> {
    for (index, bucket) in bulk.buckets.iter().enumerate() {
        let mut len = 0;
        for tenant in &bulk.tenants {
            let lane = &tenant.lanes[index];
            let here = lane.count(&tenant.arrivals);
            equal("items of a lane", here, u64::from(lane.live))?;
            equal("lanes with a queued item at the front", u64::from(lane.front().is_some()), u64::from(here > 0))?;
            equal("lanes that hold items", tenant.filled >> index & 1, u64::from(here > 0))?;
            len += if tenant.parked { 0 } else { here };
        }
        equal("items in a bucket that may be served", u64::from(bucket.len), len)?;
    }
    equal("items in all buckets", bulk.buckets.iter().map(|b| u64::from(b.len)).sum(), u64::from(bulk.servable))?;
    equal("rankings in order", u64::from(bulk.ranking.is_sound()), 1)?;
    for (slot, rank) in bulk.ranking.iter() {
        let tenant = &bulk.tenants[slot as usize];
        equal("counter of a tenant and where it is ranked", tenant.counter, rank.counter)?;
        equal(
            "buckets of a tenant and where it is ranked",
            if tenant.parked { 0 } else { tenant.filled },
            rank.buckets,
        )?;
    }
    let weights = bulk.tenants.iter().filter(|tenant| tenant.rank.is_ranked()).map(|tenant| u64::from(tenant.weight));
    equal("weights of tenants in the ranking", bulk.ranked_weight, weights.sum())?;
    let ranked = bulk.tenants.iter().filter(|tenant| tenant.backlog > 0 && !tenant.parked).count();
    equal("tenants that can be served", bulk.ranking.iter().count() as u64, ranked as u64)
}

/// No device that could take work stands beside work that it could do.
fn idleness(state: &State) -> Result<(), Violation> {
    if state.collect_until_ms.is_some() {
        return Ok(());
    }
    for (_, worker) in state.workers.iter().filter(|(_, worker)| worker.takes_work()) {
        for offer in &worker.offers {
            let model = &state.models[offer.model as usize];
            if offer.ready_key.is_some() && model.has_work(state.now_ms) {
                return Err(Violation::Idle { worker: worker.id, model: model.key });
            }
        }
    }
    Ok(())
}
