//! A GPU worker: one device, one thread, its models. CPU cores count as devices.
//!
//! The device's thread is a thread of its own, so that no amount of arithmetic starves the runtime that
//! answers heartbeats. Two batches are held at a time: while one runs, the next one's inputs are fetched
//! over the bulk plane, so the device never waits for bytes.
//!
//! What it holds, and what it answered last, it keeps in its `hands`: a scheduler that begins to lead asks for it,
//! so that nothing that runs is lost or done twice. A worker that is to stop drains: it asks for nothing more, gives
//! back what has not begun, and goes when the scheduler says that nothing of it is left.

mod device;
mod gauge;
mod hands;
mod inputs;
mod shelf;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cluster::body::runs::ModelRef;
use cluster::body::workers::{
    BatchDone, BatchFailed, BatchFailure, BatchGroup, BatchLease, BatchResults, DeviceStands, DrainWorker, RunBatch,
    WorkerPresent, WorkerReady,
};
use cluster::body::{Fault, MAX_INLINE_BYTES, Payload};
use cluster::bulk::{BulkPlane, once};
use cluster::envelope::Envelope;
use cluster::link::Link;
use cluster::message::Message;
use domain::id::{Term, WorkerId};
use domain::manifest::{BLOB_CONFIG, Segment};
use domain::passage::Encoded;
use domain::scheduling::DeviceLoad;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use crate::entrance::{self, Leader, Said, answer};

use device::{DeviceThread, Finished, Job, Outcome};
use gauge::Gauge;
use hands::Hands;
use inputs::InputCache;
use shelf::Shelf;
pub use shelf::{LoadEncoder, Loaded, ServedModel};

/// Batches held at a time: one runs, one is staged.
const CREDITS: usize = 2;
/// How often a worker presents itself.
const PRESENT: Duration = Duration::from_secs(1);
/// A batch that took this long may have cost its worker the scheduler's trust: its lease is 30 s at least.
const TAKEN_FOR_HUNG: Duration = Duration::from_secs(25);
/// Models that may be asked to go between two batches.
const MOST_UNLOADS: usize = 6;
/// Largest result of one batch.
const MAX_RESULT_BYTES: u64 = 256 << 20;

/// What a worker needs to start.
pub struct WorkerStart {
    /// Its id.
    pub worker: WorkerId,
    /// The node that it runs on.
    pub node: u128,
    /// Scope of the process groups.
    pub scope: String,
    /// Whom it works for.
    pub scheduler: Leader,
    /// Where inputs come from and large results go.
    pub bulk: Arc<dyn BulkPlane>,
    /// The device, by name.
    pub device: String,
    /// Workers that share the device's memory, this one included.
    pub memory_shares: u32,
    /// The models that it runs; the first is loaded at once, the others when they are first wanted.
    pub models: Vec<ServedModel>,
    /// Turns true when the first model is loaded; the fault if it can't be.
    pub loaded: watch::Sender<Option<Result<(), Fault>>>,
}

/// The actor.
pub struct Worker;

/// The actor's state.
pub struct WorkerState {
    orders: mpsc::Sender<Order>,
    recalled: Recalled,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    report: Report,
}

/// What the scheduler wants done, in this order.
enum Order {
    Run(RunBatch),
    Unload(ModelRef),
}

/// Batches that the scheduler wants back if they have not begun.
type Recalled = Arc<Mutex<HashSet<BatchLease>>>;

/// How a worker speaks to its scheduler.
#[derive(Clone)]
struct Report {
    worker: WorkerId,
    /// Raised when the scheduler may have taken the worker for hung, which then comes back as a new one.
    epoch: Arc<AtomicU64>,
    scheduler: Leader,
    bulk: Arc<dyn BulkPlane>,
    node: u128,
    device: String,
    memory_shares: u32,
    gauge: Arc<Gauge>,
    hands: Arc<Mutex<Hands>>,
    draining: Arc<AtomicBool>,
}

/// Has a worker give back or finish what it holds and stop, as long as that takes no longer than `within`; stopped
/// it is in any case, and what it still held then runs elsewhere.
pub async fn drain(actor: &ActorRef<Link>, worker: WorkerId, within: Duration) {
    let _ = actor.cast(Link::Cast(Envelope::new(DrainWorker { worker, epoch: 0 })));
    if actor.wait(Some(within)).await.is_err() {
        tracing::warn!(%worker, "a worker did not drain in time; what it holds runs again elsewhere");
        actor.stop(None);
    }
}

impl Actor for Worker {
    type Msg = Link;
    type State = WorkerState;
    type Arguments = WorkerStart;

    async fn pre_start(&self, me: ActorRef<Link>, start: WorkerStart) -> Result<WorkerState, ActorProcessingErr> {
        entrance::show(&start.scope, entrance::WORKER, &me);
        let epoch = Arc::new(AtomicU64::new(1));
        // Beside the batches, what has to go before one of them.
        let (orders, inbox) = mpsc::channel(CREDITS + MOST_UNLOADS);
        let recalled = Recalled::default();
        let gauge = Arc::<Gauge>::default();
        let shelf = Shelf::new(start.models);
        let device = DeviceThread::start(start.worker, shelf, recalled.clone(), gauge.clone())?;
        let report = Report {
            worker: start.worker,
            epoch,
            scheduler: start.scheduler,
            bulk: start.bulk,
            node: start.node,
            device: start.device,
            memory_shares: start.memory_shares.max(1),
            gauge,
            hands: Arc::default(),
            draining: Arc::default(),
        };
        let presenting = tokio::spawn(present(report.clone(), device.loaded.clone(), start.loaded));
        let feeding = tokio::spawn(feed(report.clone(), inbox, device.jobs));
        let reporting = tokio::spawn(tell(report.clone(), device.outcomes, me));
        Ok(WorkerState { orders, recalled, tasks: vec![presenting, feeding, reporting], report })
    }

    async fn handle(&self, me: ActorRef<Link>, link: Link, state: &mut WorkerState) -> Result<(), ActorProcessingErr> {
        let said = Said::from_link(link);
        match said.envelope.message {
            Message::RunBatch(batch) => {
                state.report.hands().took(&batch);
                // The scheduler knows how many are held; one too many is its mistake, and is told so.
                if let Err(mpsc::error::TrySendError::Full(Order::Run(batch))) =
                    state.orders.try_send(Order::Run(batch))
                {
                    let fault = Fault::new("worker-full", "more batches than this worker holds");
                    state.report.failed(batch.lease, BatchFailure::Rejected, fault);
                }
            }
            Message::UnloadModel(unload) => {
                // Where too much is asked at once it stays, and loading finds room for itself.
                let _ = state.orders.try_send(Order::Unload(unload.model));
            }
            Message::CancelBatch(cancel) => {
                let mut recalled = state.recalled.lock().unwrap_or_else(PoisonError::into_inner);
                if recalled.len() < 64 {
                    recalled.insert(cancel.lease);
                }
            }
            Message::LeaderBegan(began) => state.report.present_in_full(began.term),
            Message::DrainWorker(_) => state.report.drain(),
            Message::WorkerDrained(drained) => {
                if state.report.is_draining() && drained.epoch == state.report.epoch() {
                    me.stop(Some("drained".to_owned()));
                }
            }
            other => {
                if let Some(reply) = said.reply {
                    answer(reply, Term::default(), Err(Fault::unsupported(other.kind())));
                }
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Link>, state: &mut WorkerState) -> Result<(), ActorProcessingErr> {
        for task in &state.tasks {
            task.abort();
        }
        Ok(())
    }
}

/// Names a batch in logs: its number, its first run and item, and how many items it has.
fn batch_span(lease: BatchLease, groups: &[BatchGroup]) -> tracing::Span {
    let items = groups.iter().map(|group| group.items.len()).sum::<usize>();
    let first = groups.first().and_then(|group| Some((group.run, group.items.first()?.item)));
    let (run, item) = first.map_or_else(Default::default, |(run, item)| (run.to_string(), item.0.to_string()));
    tracing::info_span!("batch", batch = lease.batch, items, run, item)
}

/// Presents the worker once its model is loaded, and every second from then on.
async fn present(
    report: Report,
    mut device: watch::Receiver<Option<Result<(), Fault>>>,
    loaded: watch::Sender<Option<Result<(), Fault>>>,
) {
    let outcome = match device.wait_for(Option::is_some).await {
        Ok(found) => found.clone(),
        Err(_) => return,
    };
    let usable = matches!(outcome, Some(Ok(())));
    let _ = loaded.send(outcome);
    if !usable {
        return;
    }
    report.hands().may_be_presented();
    report.present_in_full(Term::default());
    let mut beat = tokio::time::interval(PRESENT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        beat.tick().await;
        report.scheduler.cast(report.ready(report.hands().running()), Term::default());
        report.scheduler.cast(DeviceStands { load: report.load() }, Term::default());
        if report.is_draining() {
            // A scheduler that leads since does not know it.
            report.drain();
        }
    }
}

/// Fetches the inputs of each batch and hands it to the device, one ahead of what runs.
async fn feed(report: Report, mut inbox: mpsc::Receiver<Order>, jobs: mpsc::Sender<Job>) {
    let mut cache = InputCache::new(report.bulk.clone());
    while let Some(order) = inbox.recv().await {
        let batch = match order {
            Order::Run(batch) => batch,
            Order::Unload(model) => match jobs.send(Job::Unload(model)).await {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let taken = Instant::now();
        let span = batch_span(batch.lease, &batch.groups);
        match cache.inputs_of(&batch.groups).instrument(span).await {
            Ok(inputs) => {
                let longest = inputs.iter().map(|input| input.tokens.len()).max().unwrap_or(0);
                report.hands().padded_to(batch.lease, longest as u32);
                let RunBatch { lease, model, groups } = batch;
                let batch = device::Batch { lease, model, groups, inputs, taken };
                if jobs.send(Job::Run(batch)).await.is_err() {
                    return;
                }
            }
            Err(fault) => {
                // What is worth another try is nobody's fault; the rest is the items' own.
                let lasting = fault.retry_after_ms.is_none();
                let failure = if lasting { BatchFailure::Error } else { BatchFailure::Rejected };
                report.failed(batch.lease, failure, fault);
            }
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Sends what the device gives to the scheduler. A device that can't be used any more takes its worker
/// with it, so that the scheduler sees it leave.
async fn tell(report: Report, mut finished: mpsc::Receiver<Finished>, me: ActorRef<Link>) {
    while let Some(Finished { outcome, taken }) = finished.recv().await {
        match outcome {
            Outcome::Done { lease, groups, encoded, elapsed_us } => match report.results(groups, encoded).await {
                Ok(groups) => {
                    report.done(BatchDone { worker: report.worker, lease, elapsed_us, groups });
                }
                Err(fault) => report.failed(lease, BatchFailure::Rejected, fault),
            },
            Outcome::Failed { lease, failure, fault } => report.failed(lease, failure, fault),
        }
        if taken.elapsed() >= TAKEN_FOR_HUNG {
            report.epoch.fetch_add(1, Ordering::Relaxed);
        }
    }
    me.stop(Some("the device ended".to_owned()));
}

impl Report {
    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    fn ready(&self, held: Vec<BatchLease>) -> WorkerReady {
        let gauge::Reading { free_bytes, offers, .. } = self.gauge.read();
        WorkerReady {
            worker: self.worker,
            epoch: self.epoch(),
            credits: CREDITS as u32,
            free_bytes: free_bytes / u64::from(self.memory_shares),
            models: offers,
            held,
        }
    }

    /// What whoever watches sees of the device.
    fn load(&self) -> DeviceLoad {
        let reading = self.gauge.read();
        let resident = reading.offers.iter().filter(|offer| offer.resident);
        DeviceLoad {
            worker: self.worker,
            device: self.device.clone(),
            batches: reading.batches,
            tokens: reading.tokens,
            computed_tokens: reading.computed_tokens,
            busy_us: micros(reading.busy),
            gaps_us: micros(reading.gaps),
            free_bytes: reading.free_bytes,
            total_bytes: reading.total_bytes,
            weights_bytes: resident.clone().map(|offer| offer.weights_bytes).sum(),
            resident_models: resident.count() as u32,
        }
    }

    /// Says what the worker is and holds, and says again what an earlier leader may not have heard or passed on.
    fn present_in_full(&self, leader: Term) {
        // Held all the while, so that no answer comes between what is said to be held and what is answered.
        let hands = self.hands();
        let Some(held) = hands.held_for(leader) else { return };
        let ready = self.ready(held.iter().map(|work| work.lease).collect());
        self.scheduler.cast(WorkerPresent { ready, node: self.node, held }, leader);
        for done in hands.answered_before(leader) {
            self.scheduler.cast(done, leader);
        }
        if self.is_draining() {
            self.drain();
        }
    }

    fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.scheduler.cast(DrainWorker { worker: self.worker, epoch: self.epoch() }, Term::default());
    }

    fn done(&self, done: BatchDone) {
        let mut hands = self.hands();
        hands.answered(&done);
        let term = done.lease.term;
        self.scheduler.cast(done, term);
    }

    fn failed(&self, lease: BatchLease, failure: BatchFailure, fault: Fault) {
        self.hands().gave_back(lease);
        tracing::debug!(worker = %self.worker, batch = lease.batch, ?failure, %fault, "batch not done");
        let Fault { code, detail, .. } = fault;
        self.scheduler.cast(BatchFailed { worker: self.worker, lease, failure, code, detail }, lease.term);
    }

    /// Results by run: in the message while they are small together, else over the bulk plane.
    async fn results(&self, groups: Vec<BatchGroup>, encoded: Vec<Encoded>) -> Result<Vec<BatchResults>, Fault> {
        let mut encoded = encoded.into_iter();
        let mut results = Vec::with_capacity(groups.len());
        let mut room = MAX_INLINE_BYTES;
        for group in groups {
            let ids = group.items.iter().map(|item| item.item);
            let segment = Segment { items: ids.zip(encoded.by_ref()).collect() };
            let bytes = bincode::encode_to_vec(&segment, BLOB_CONFIG)
                .map_err(|e| Fault::new("internal", format!("results could not be encoded: {e}")))?;
            let payload = match room.checked_sub(bytes.len()) {
                Some(rest) => {
                    room = rest;
                    Payload::Inline(bytes)
                }
                None => Payload::Bulk(self.bulk.put(group.scope, once(bytes), MAX_RESULT_BYTES).await?.digest),
            };
            results.push(BatchResults { run: group.run, results: payload });
        }
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use async_trait::async_trait;
    use cluster::body::Scope;
    use cluster::body::workers::BatchItem;
    use cluster::bulk::{ByteStream, Fetched, Stored};
    use cluster::link::Wire;
    use domain::id::{Digest, ItemId, ProjectId, RunId, TenantId};
    use futures_util::TryStreamExt;

    use super::*;

    /// Keeps what is put.
    #[derive(Default)]
    struct Kept(Mutex<Vec<(Scope, Vec<u8>)>>);

    #[async_trait]
    impl BulkPlane for Kept {
        async fn put(&self, scope: Scope, body: ByteStream, _: u64) -> Result<Stored, Fault> {
            let bytes = body.try_collect::<Vec<_>>().await?.concat();
            let stored = Stored { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
            self.0.lock().unwrap().push((scope, bytes));
            Ok(stored)
        }

        async fn get(&self, _: Scope, digest: Digest, _: Option<Range<u64>>) -> Result<Fetched, Fault> {
            Err(Fault::new("blob-not-found", digest.to_string()))
        }
    }

    fn group(number: u8) -> BatchGroup {
        let scope = Scope { tenant: TenantId::LOCAL, project: ProjectId(number.into()) };
        let item = BatchItem { item: ItemId(Digest([number; 32])), offset: 0, len: 1 };
        BatchGroup { run: RunId(number.into()), scope, inputs: Digest([0; 32]), items: vec![item] }
    }

    #[tokio::test]
    async fn results_that_are_too_large_together_go_over_the_bulk_plane() {
        let kept = Arc::new(Kept::default());
        let report = Report {
            worker: WorkerId(1),
            epoch: Arc::new(AtomicU64::new(1)),
            scheduler: Leader { scope: "nobody".to_owned(), wire: Wire::Memory },
            bulk: kept.clone(),
            node: 1,
            device: "cpu".to_owned(),
            memory_shares: 1,
            gauge: Arc::default(),
            hands: Arc::default(),
            draining: Arc::default(),
        };
        // Each needs more than half of what a message may hold.
        let vectors = Encoded { passage: vec![u16::MAX; 8], sentences: vec![u16::MAX; MAX_INLINE_BYTES / 5] };
        let groups = vec![group(1), group(2), group(3)];
        let results = report.results(groups, vec![vectors.clone(), vectors.clone(), vectors]).await.unwrap();
        let inline = |result: &BatchResults| matches!(result.results, Payload::Inline(_));
        assert_eq!(results.iter().map(inline).collect::<Vec<_>>(), [true, false, false]);
        let kept = kept.0.lock().unwrap();
        assert_eq!(kept.iter().map(|(scope, _)| scope.project).collect::<Vec<_>>(), [ProjectId(2), ProjectId(3)]);
        let (segment, _): (Segment, usize) = bincode::decode_from_slice(&kept[1].1, BLOB_CONFIG).unwrap();
        assert_eq!(segment.items[0].0, ItemId(Digest([3; 32])));
        assert_eq!(results[1].results, Payload::Bulk(Digest::of(&kept[0].1)));
    }
}
