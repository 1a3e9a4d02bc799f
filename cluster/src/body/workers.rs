//! Scheduler ↔ worker: who is there, what to run, what came of it.

use bincode::{Decode, Encode};
use domain::id::{Digest, ItemId, RunId, Term, WorkerId};
use domain::principal::Principal;
use domain::scheduling::DeviceLoad;

use super::runs::ModelRef;
use super::{Payload, Scope};

/// A worker presents itself: on start, and again every second, which keeps its leases alive.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WorkerReady {
    /// Which worker.
    pub worker: WorkerId,
    /// Grows with each start of the worker; answers from an older epoch are ignored.
    pub epoch: u64,
    /// Batches that it holds at a time: one running, the rest staged.
    pub credits: u32,
    /// Device memory not in use, bytes; 0 when unknown.
    pub free_bytes: u64,
    /// Models that it can run.
    pub models: Vec<OfferedModel>,
    /// Batches that it is running or has staged, for a scheduler that takes over.
    pub held: Vec<BatchLease>,
}

/// One model that a worker can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OfferedModel {
    /// Which one.
    pub model: ModelRef,
    /// Its weights are on the device.
    pub resident: bool,
    /// What loading it costs when it isn't, milliseconds.
    pub load_ms: u32,
    /// Items × longest length that the device takes at once.
    pub max_padded_tokens: u32,
    /// Memory that the weights take while they aren't resident; 0 when unknown.
    pub weights_bytes: u64,
    /// Predicted activations a padded token; 0 when unknown.
    pub bytes_per_padded_token: u32,
    /// What a token costs by the worker's own warm-up, nanoseconds; 0 when unknown.
    pub ns_per_token: u32,
}

/// Names one execution of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct BatchLease {
    /// Number of the batch within the scheduler's term.
    pub batch: u64,
    /// How often these items have been handed out together, this time included.
    pub attempt: u16,
    /// The scheduler's term.
    pub term: Term,
    /// The worker's epoch.
    pub epoch: u64,
}

/// Run a batch.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunBatch {
    /// Its name, to be given back with the answer.
    pub lease: BatchLease,
    /// What to run it on.
    pub model: ModelRef,
    /// The items, a group a run.
    pub groups: Vec<BatchGroup>,
}

/// Items of one run within a batch.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BatchGroup {
    /// Whose items.
    pub run: RunId,
    /// Where their inputs lie.
    pub scope: Scope,
    /// The blob that holds the inputs.
    pub inputs: Digest,
    /// The items.
    pub items: Vec<BatchItem>,
}

/// One item of a batch, by reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BatchItem {
    /// Its id.
    pub item: ItemId,
    /// Byte offset of its record in the inputs blob.
    pub offset: u64,
    /// Length of the record, bytes.
    pub len: u32,
}

/// A batch is done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BatchDone {
    /// Which worker.
    pub worker: WorkerId,
    /// Which batch.
    pub lease: BatchLease,
    /// Time that the device took, microseconds.
    pub elapsed_us: u64,
    /// Results, a group a run.
    pub groups: Vec<BatchResults>,
}

/// Results of one run's items within a batch.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BatchResults {
    /// Whose items.
    pub run: RunId,
    /// bincode of [`domain::manifest::Segment`].
    pub results: Payload,
}

/// Why a batch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BatchFailure {
    /// The device had not enough memory for it.
    OutOfMemory,
    /// The device, the model or an input is broken.
    Error,
    /// The worker could not start it (stopping, or its inputs could not be fetched).
    Rejected,
    /// It had not begun, and was let go because the scheduler asked for it.
    Released,
}

/// A batch failed.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BatchFailed {
    /// Which worker.
    pub worker: WorkerId,
    /// Which batch.
    pub lease: BatchLease,
    /// Why.
    pub failure: BatchFailure,
    /// Stable code of the error.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// Let go of a batch that has not started; one that runs is finished and its answer ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CancelBatch {
    /// Which batch.
    pub lease: BatchLease,
}

/// Worker → scheduler: give me nothing more; I stop when what I hold is done. Said to a worker, it is to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DrainWorker {
    /// Which worker.
    pub worker: WorkerId,
    /// Its epoch.
    pub epoch: u64,
}

/// Scheduler → workers and cores: somebody leads anew. Workers answer with [`WorkerPresent`], coordinators hand in
/// again what is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeaderBegan {
    /// The term that began.
    pub term: Term,
}

/// A worker presents itself in full: when it starts, and to a scheduler that begins to lead.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WorkerPresent {
    /// As it presents itself every second.
    pub ready: WorkerReady,
    /// The node that it runs on: what kills several of its devices at once is one crash.
    pub node: u128,
    /// The batches of `ready.held`, in that order, the one that runs first.
    pub held: Vec<HeldWork>,
}

/// A batch in a worker's hands. Its answer may be on its way already: then it is said again.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct HeldWork {
    /// The lease that it was given under.
    pub lease: BatchLease,
    /// What it runs on.
    pub model: ModelRef,
    /// Length that its items are padded to; 0 while its inputs are not there yet.
    pub padded_len: u32,
    /// The items, a group a run.
    pub groups: Vec<BatchGroup>,
}

/// Scheduler → worker that drains: it holds nothing any more, and may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WorkerDrained {
    /// Which worker.
    pub worker: WorkerId,
    /// Its epoch.
    pub epoch: u64,
}

/// Scheduler → worker: let a model's weights go before the next batch. No batch that it holds needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct UnloadModel {
    /// Which worker.
    pub worker: WorkerId,
    /// Which model.
    pub model: ModelRef,
}

/// How do the devices stand? For whoever watches; asked of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetDevices {
    /// Who asks.
    pub principal: Principal,
}

/// Answer to [`GetDevices`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct DevicesReply {
    /// By the worker's id.
    pub devices: Vec<DeviceLoad>,
}

/// Worker → scheduler, every second: how its device stands, for whoever watches. Nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct DeviceStands {
    /// Sums and memory.
    pub load: DeviceLoad,
}
