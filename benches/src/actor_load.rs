//! Work through the scheduler's real actor: handed in, batched, run by workers that do nothing, and its results at the
//! core. All messages of the product, none left out; beside it, one ractor cast alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::entrance::{self, Said};
use actors::scheduler::shares::Shares;
use actors::scheduler::{SchedulerActor, SchedulerMessage, SchedulerStart};
use anyhow::{Context, Result, ensure};
use cluster::body::runs::{ItemClass, ModelRef, SubmitItems, SubmitReply, SubmittedItem};
use cluster::body::workers::{BatchDone, BatchResults, OfferedModel, RunBatch, WorkerReady};
use cluster::body::{Payload, Scope};
use cluster::link::{Address, CallContext, Link, Wire};
use cluster::message::Message;
use domain::id::{Digest, ItemId, ProjectId, RunId, TenantId, Term, WorkerId};
use domain::manifest::NumericProfile;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use rustix::time::{ClockId, clock_gettime};
use scheduler::Config;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

const PAGE: usize = 256;
const WORKERS: u128 = 8;
const RUNS: u128 = 4;
/// Items of each run that are outstanding at most, as a coordinator has it.
const OUTSTANDING: usize = 1_024;
const CASTS: u64 = 1_000_000;
const TERM: Term = Term { incarnation: 1, n: 1 };
const MODEL: ModelRef = ModelRef { digest: Digest([1; 32]), profile: NumericProfile::Double };

/// What a round of work came to.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// Processor time of the whole process for each item, microseconds.
    pub us_an_item: f64,
    /// How many items its batches had.
    pub items_a_batch: f64,
}

/// The runtime that all of it is measured on.
///
/// # Errors
/// If the system has no threads to give.
pub fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Bytes that look like a digest's and differ where the number does.
pub fn item_id(number: u64) -> ItemId {
    let mut bytes = [0; 32];
    for (at, word) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17 * at as u32);
        *word = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_le_bytes();
    }
    ItemId(Digest(bytes))
}

/// Processor time of this process, microseconds.
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Whoever counts results for the coordinators.
struct Core;

/// What coordinators may still have outstanding, by run.
type Room = Arc<Vec<Semaphore>>;

impl Actor for Core {
    type Msg = Link;
    type State = Room;
    type Arguments = Room;

    async fn pre_start(&self, _: ActorRef<Link>, room: Room) -> Result<Room, ActorProcessingErr> {
        Ok(room)
    }

    async fn handle(&self, _: ActorRef<Link>, link: Link, room: &mut Room) -> Result<(), ActorProcessingErr> {
        if let Message::ItemsDone(done) = Said::from_link(link).envelope.message
            && let Payload::Inline(bytes) = done.results
        {
            // The worker below says with each run's results how many they are.
            let items = bytes.first().map_or(0, |&items| usize::from(items));
            room[done.run.0 as usize].add_permits(items);
        }
        Ok(())
    }
}

/// A worker whose device takes no time.
struct Worker(WorkerId, Address, Arc<AtomicU64>);

impl Actor for Worker {
    type Msg = Link;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Link>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Link>, link: Link, (): &mut ()) -> Result<(), ActorProcessingErr> {
        if let Message::RunBatch(RunBatch { lease, groups, .. }) = Said::from_link(link).envelope.message {
            self.2.fetch_add(1, Ordering::Relaxed);
            let done = |run, items: usize| BatchResults { run, results: Payload::Inline(vec![items as u8]) };
            let groups = groups.iter().map(|group| done(group.run, group.items.len())).collect();
            self.1.cast(BatchDone { worker: self.0, lease, elapsed_us: 10_000, groups }, lease.term);
        }
        Ok(())
    }
}

/// Takes `items` items through the actor in batches of at most `batch`.
///
/// # Errors
/// If anything of it does not come back.
pub async fn through_the_actor(items: usize, batch: u32) -> Result<Spent> {
    let core_id = uuid::Uuid::new_v4().as_u128();
    let scope = format!("bench-{core_id:x}");
    let config = Config { max_batch_items: batch, batch_budget_ms: 60_000, ..Config::default() };
    let (term, wire) = (TERM, Wire::Memory);
    let start = SchedulerStart {
        scope: scope.clone(),
        term,
        config,
        wire,
        follows: None,
        trace: None,
        shares: Shares::default(),
    };
    let (scheduler, _) = Actor::spawn(None, SchedulerActor, start).await?;
    let name = format!("scheduler-{scope}");
    let entrance = entrance::open(&scope, entrance::SCHEDULER, name, &scheduler, Wire::Memory).await?;
    let room: Room = Arc::new((0..RUNS).map(|_| Semaphore::new(OUTSTANDING)).collect());
    let (core, _) = Actor::spawn(Some(entrance::core_name(core_id)), Core, room.clone()).await?;
    entrance::show(&scope, entrance::CORE, &core);
    let batches = Arc::new(AtomicU64::new(0));
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let id = WorkerId(core_id ^ number);
        let worker = Worker(id, entrance.clone(), batches.clone());
        let (actor, _) = Actor::spawn(Some(entrance::worker_name(id)), worker, ()).await?;
        entrance::show(&scope, entrance::WORKER, &actor);
        entrance.cast(ready(id), TERM);
        workers.push(actor);
    }
    let began_us = cpu_us();
    let share = items / RUNS as usize;
    let coordinators = (0..RUNS).map(|run| coordinate(RunId(run), share, core_id, &entrance, &room));
    for outcome in futures_util::future::join_all(coordinators).await {
        outcome?;
    }
    let spent_us = cpu_us() - began_us;
    stop(&scheduler, workers, &core);
    let items = (share / PAGE * PAGE * RUNS as usize) as f64;
    Ok(Spent { us_an_item: spent_us / items, items_a_batch: items / batches.load(Ordering::Relaxed) as f64 })
}

fn stop(scheduler: &ActorRef<SchedulerMessage>, workers: Vec<ActorRef<Link>>, core: &ActorRef<Link>) {
    scheduler.stop(None);
    core.stop(None);
    for worker in workers {
        worker.stop(None);
    }
}

fn ready(worker: WorkerId) -> WorkerReady {
    let offer = OfferedModel {
        model: MODEL,
        resident: true,
        load_ms: 0,
        max_padded_tokens: 65_536,
        weights_bytes: 0,
        bytes_per_padded_token: 0,
        ns_per_token: 100,
    };
    WorkerReady { worker, epoch: 1, credits: 2, free_bytes: 0, models: vec![offer], held: Vec::new() }
}

/// Hands in a run's items, a page whenever there is room for one, and waits for all results.
async fn coordinate(run: RunId, share: usize, core: u128, scheduler: &Address, room: &Room) -> Result<()> {
    let room = &room[run.0 as usize];
    for page in 0..share / PAGE {
        room.acquire_many(PAGE as u32).await?.forget();
        let items = (0..PAGE).map(|at| {
            let number = page * PAGE + at;
            let tokens = 300 + (number * 37 % 200) as u32;
            SubmittedItem { item: item_id(number as u64), tokens, offset: number as u64 * 1_024, len: 1_024 }
        });
        let submit = SubmitItems {
            run,
            run_term: TERM,
            core,
            class: ItemClass::Bulk,
            deadline_in_ms: None,
            scope: Scope { tenant: TenantId(run.0), project: ProjectId(run.0) },
            inputs: Digest([2; 32]),
            model: MODEL,
            items: items.collect(),
        };
        let answer = scheduler.call(submit, CallContext::within(Duration::from_secs(10))).await?;
        ensure!(answer == SubmitReply::Taken, "{answer:?}");
    }
    let rest = room.acquire_many(OUTSTANDING as u32);
    tokio::time::timeout(Duration::from_secs(30), rest).await.context("results are missing")??.forget();
    Ok(())
}

/// Takes a number and does nothing with it but to count.
struct Idle;

impl Actor for Idle {
    type Msg = u64;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<u64>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(&self, me: ActorRef<u64>, _: u64, seen: &mut u64) -> Result<(), ActorProcessingErr> {
        *seen += 1;
        if *seen == CASTS {
            me.stop(None);
        }
        Ok(())
    }
}

/// Processor time of one cast to an actor that only counts, microseconds.
///
/// # Errors
/// If the actor can't be started.
pub async fn one_cast() -> Result<f64> {
    let (actor, ended) = Actor::spawn(None, Idle, ()).await?;
    let began = cpu_us();
    for number in 0..CASTS {
        actor.cast(number)?;
    }
    ended.await?;
    Ok((cpu_us() - began) / CASTS as f64)
}
