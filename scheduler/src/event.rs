//! What the core is told, and what it answers. One message a batch, never one an item.

use std::sync::Arc;

use bincode::{Decode, Encode};
use domain::id::{RunId, TenantId, Term, WorkerId};
use domain::scheduling::TermBegan;

use crate::cost::Cost;
use crate::item::{Assigned, ItemSpec, Marks, ModelKey, NodeKey};

/// Numbers the batches of one scheduler term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct BatchId(pub u64);

/// The right to run one batch once. A worker hands it back whole with its answer; an answer whose lease isn't the
/// one that is held is from the past and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Lease {
    /// Which batch.
    pub batch: BatchId,
    /// How often these items have been handed out together, this time included.
    pub attempt: u16,
    /// The life of the worker that it was given to.
    pub epoch: u64,
    /// The scheduler that gave it.
    pub term: Term,
}

/// One model that a worker can run.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct ModelOffer {
    /// Which one.
    pub model: ModelKey,
    /// Its weights are on the device.
    pub resident: bool,
    /// What loading it costs when it isn't.
    pub load_ms: u32,
    /// Items × longest length that the device takes at once. An offer below
    /// [`Config::max_item_tokens`](crate::Config::max_item_tokens) is not taken: it couldn't hold one long item.
    pub max_padded_tokens: u32,
    /// Memory the weights take while they aren't resident; 0 when unknown.
    pub weights_bytes: u64,
    /// Predicted activations a padded token; 0 when unknown.
    pub bytes_per_padded_token: u32,
    /// What the worker knows of its speed, from an earlier life or a warm-up.
    pub prior: Option<Cost>,
}

/// A batch in a worker's hands, as it tells a scheduler that may not know of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HeldBatch {
    /// The right it is held under.
    pub lease: Lease,
    /// With which model it runs.
    pub model: ModelKey,
    /// Length that its items are padded to.
    pub padded_len: u32,
    /// As they were handed out, in that order.
    pub items: Vec<Assigned>,
}

/// Why a worker did not finish a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Failure {
    /// The device was out of memory. Halves what this device is given at this length.
    OutOfMemory,
    /// The model failed on it. The batch is bisected until the guilty item stands alone.
    Error,
    /// The worker did not take it (full, stopping, model missing). Nobody is guilty; the worker rests a while.
    Rejected,
    /// It had not begun, and was let go because [`Action::CancelBatch`] asked for it.
    Released,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Event {
    /// A coordinator hands in a page of items. Taken whole or refused whole; items that are already outstanding are
    /// counted, not doubled; items that can't be done at all are failed one by one.
    Submit {
        /// The run they belong to.
        run: RunId,
        /// The coordinator's run term; an older one than the highest seen is refused.
        term: Term,
        /// The page.
        items: Vec<ItemSpec>,
    },
    /// This scheduler follows another one. For [`Config::collection_window_ms`](crate::Config::collection_window_ms)
    /// it hands out nothing: workers say what they hold, which is adopted, and coordinators hand in again what is
    /// outstanding. Without this event work is handed out from the first moment.
    TakeOver {
        /// Changes of term that the shell knows of, oldest first; this one is added.
        past: Vec<TermBegan>,
    },
    /// A worker says that it is there, or that what it offers has changed. Absolute, so that a repeated or late
    /// copy does no harm.
    WorkerReady {
        /// Which device.
        worker: WorkerId,
        /// On which node. An item is suspected of killing workers when it was running on two nodes that went.
        node: NodeKey,
        /// Its life; grows with each restart. A higher one loses the batches of the lower.
        epoch: u64,
        /// Batches that it will hold at once, the running one included.
        credits: u32,
        /// What it can run.
        models: Vec<ModelOffer>,
        /// Device memory that is free while nothing runs, resident models counted as used; 0 when unknown.
        free_memory_bytes: u64,
        /// What it holds, the running batch first. Batches of an older scheduler are adopted while they can be;
        /// those that nobody needs are asked back.
        held: Vec<HeldBatch>,
    },
    /// A batch is finished, its results are on their way.
    BatchDone {
        /// Who ran it.
        worker: WorkerId,
        /// The lease it was run under.
        lease: Lease,
        /// Device time, without waiting in the worker's stage.
        elapsed_us: u64,
    },
    /// A batch is not finished and won't be.
    BatchFailed {
        /// Who had it.
        worker: WorkerId,
        /// The lease it was held under.
        lease: Lease,
        /// Why.
        failure: Failure,
    },
    /// A worker is gone: its link broke, or it was silent for too long.
    WorkerLost {
        /// Which device.
        worker: WorkerId,
        /// The life that ended.
        epoch: u64,
    },
    /// A run needs nothing more. Later submissions under this term or an older one are refused.
    CancelRun {
        /// Which run.
        run: RunId,
        /// The term of whoever cancels.
        term: Term,
    },
    /// A tenant's share against others changes from now on; 100 is normal, 200 twice as much.
    SetWeight {
        /// Which tenant.
        tenant: TenantId,
        /// At least 1.
        weight: u32,
    },
    /// A tenant is given at most so much device time from now on, whatever its weight and however idle the devices;
    /// `None` lifts the limit. Interactive items are counted and not held up.
    SetLimit {
        /// Which tenant.
        tenant: TenantId,
        /// Device milliseconds a second, over all devices and models.
        device_ms_per_s: Option<u32>,
    },
    /// Give this worker nothing more. [`Action::Drained`] follows when it holds nothing.
    Drain {
        /// Which device.
        worker: WorkerId,
    },
    /// Time has passed. [`State::next_wake_ms`](crate::State::next_wake_ms) says when the next one is of use.
    Tick,
}

/// Why a page was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// The queue is full.
    QueueFull,
    /// The run has as much outstanding as it may.
    RunFull,
    /// Too many tenants, runs or models are known at once.
    TooManyNames,
    /// A newer coordinator speaks for this run: step down. Don't retry.
    StaleTerm,
    /// The run was cancelled under this term or a later one. Don't retry.
    Cancelled,
}

/// Why an item was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ItemFailure {
    /// Longer than any device takes.
    TooLong,
    /// No time is left to do it before its deadline.
    DeadlineMissed,
    /// It failed by itself as often as is allowed.
    Error,
    /// It fits no device even by itself.
    OutOfMemory,
    /// Workers died running it alone.
    Crashes,
}

/// Why a batch is to be let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CancelReason {
    /// Something more urgent goes ahead of it. Answer [`Failure::Released`] if it has not begun, else run on.
    Recalled,
    /// Nobody needs its results.
    RunCancelled,
    /// The worker drains. Answer [`Failure::Released`] if it has not begun, else finish it.
    Draining,
    /// Its lease ran out; whatever comes of it is ignored.
    Expired,
    /// Its items are done or running elsewhere. Answer [`Failure::Released`] if it can be stopped, else run on; the
    /// answer only frees the credit.
    Superseded,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Action {
    /// Hand a batch to a worker.
    Run {
        /// To whom.
        worker: WorkerId,
        /// Under what right.
        lease: Lease,
        /// With which model.
        model: ModelKey,
        /// Length that every item is padded to.
        padded_len: u32,
        /// What to run; answers come in this order.
        items: Arc<[Assigned]>,
        /// The same items run on another worker, which is late with them: whichever answers first counts.
        hedge: bool,
    },
    /// A batch that a worker held under another scheduler is this one's now. Whoever does not hold it any more answers
    /// [`Failure::Released`].
    Adopted {
        /// Whose.
        worker: WorkerId,
        /// The lease it was held under.
        was: Lease,
        /// The lease it is held under now. An answer under the old one is taken as well.
        lease: Lease,
    },
    /// Make room: let go of a model's weights before the next batch is loaded. No batch that the worker holds needs it.
    Unload {
        /// Whom.
        worker: WorkerId,
        /// Which model.
        model: ModelKey,
    },
    /// The results of a batch are wanted, once: deliver those of `items`. A late or doubled `BatchDone` brings no such
    /// action, and its results are dropped.
    Completed {
        /// Which batch.
        batch: BatchId,
        /// All items of the batch, in its order.
        items: Arc<[Assigned]>,
        /// Positions of those whose results nobody wants any more, ascending: their run was cancelled.
        unwanted: Vec<u32>,
    },
    /// Something went wrong with these items that a later scheduler should know: their coordinators hand them in again
    /// with these marks.
    Marked {
        /// Which, and what is known of them now.
        items: Vec<(Assigned, Marks)>,
    },
    /// A page was taken.
    Accepted {
        /// Whose.
        run: RunId,
        /// Items that are now outstanding because of it.
        accepted: u32,
        /// Items that were outstanding before.
        duplicates: u32,
    },
    /// A page was not taken, none of it.
    Refused {
        /// Whose.
        run: RunId,
        /// Why.
        reason: Refusal,
        /// When to try again; 0 where retrying is of no use.
        retry_after_ms: u64,
    },
    /// An item is given up and no longer outstanding.
    ItemFailed {
        /// Which one.
        item: Assigned,
        /// Why.
        reason: ItemFailure,
    },
    /// Ask a worker to let a batch go.
    CancelBatch {
        /// Whom.
        worker: WorkerId,
        /// What it holds.
        lease: Lease,
        /// Why.
        reason: CancelReason,
    },
    /// A worker let a lease run out and is taken for lost. It comes back with a higher epoch.
    WorkerHung {
        /// Which device.
        worker: WorkerId,
        /// The life that is taken for lost.
        epoch: u64,
    },
    /// A draining worker holds nothing any more.
    Drained {
        /// Which device.
        worker: WorkerId,
        /// Its life.
        epoch: u64,
    },
}
