//! What whoever runs a node sees of its scheduling: the live picture behind `/api/v1/scheduling` and `/metrics`.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{TenantId, Term, WorkerId};

/// The scheduling at one moment, and sums since its leader began.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SchedulingView {
    /// The term that is led under.
    pub term: Term,
    /// Items queued, paused for another try, or with a worker.
    pub outstanding_items: u32,
    /// Of these, items that somebody waits for, queued.
    pub queued_interactive: u32,
    /// Items queued fairly.
    pub queued_bulk: u32,
    /// Items that came back from a worker and are to be run again.
    pub queued_again: u32,
    /// Items with workers.
    pub leased_items: u32,
    /// The models that work is known for.
    pub models: Vec<ModelLoad>,
    /// The devices.
    pub workers: Vec<WorkerLoad>,
    /// Sums since this term began.
    pub totals: SchedulingTotals,
    /// Changes of term, oldest first.
    pub terms: Vec<TermBegan>,
}

/// What waits for one model.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelLoad {
    /// The beginning of its digest, and its numeric profile, such as `3f2a90c1-bf16`.
    pub model: String,
    /// Items that wait.
    pub queued: u32,
    /// Device time that they are predicted to take.
    pub backlog_device_seconds: f64,
    /// The same, shared among the workers that serve it: what an autoscaler steers by. None while nobody serves it.
    pub backlog_seconds: Option<f64>,
    /// Workers that serve it and take work.
    pub workers: u32,
    /// Fairly queued items by tenant, those with most first, a bounded number of them.
    pub tenants: Vec<TenantLoad>,
}

/// What waits of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantLoad {
    /// Whose.
    pub tenant: TenantId,
    /// Items that wait.
    pub queued: u32,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerLoad {
    /// Which.
    pub worker: WorkerId,
    /// Its life.
    pub epoch: u64,
    /// Batches that it has.
    pub held: u32,
    /// Batches that it would hold.
    pub credits: u32,
    /// It gets nothing more.
    pub draining: bool,
    /// Share of the time since it came that it computed.
    pub busy_share: f64,
}

/// Sums since the term began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SchedulingTotals {
    /// Items taken in.
    pub accepted: u64,
    /// Items whose results were delivered.
    pub completed: u64,
    /// Items given up.
    pub failed: u64,
    /// Items dropped with their run.
    pub cancelled: u64,
    /// Batches handed out.
    pub batches: u64,
    /// Batches handed out again, after an error or for want of memory.
    pub reruns: u64,
    /// Batches taken over from an earlier leader.
    pub adopted: u64,
    /// Batches handed out a second time because their worker was late.
    pub hedges: u64,
    /// Pages of items that were told to come again.
    pub refused: u64,
    /// Answers that came too late to count.
    pub stale: u64,
    /// Share of the computed tokens that was padding.
    pub padding_waste: f64,
    /// Mean share of its limit that a batch filled.
    pub batch_fill: f64,
}

/// Leadership changed hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TermBegan {
    /// The term that began.
    pub term: Term,
    /// When, on the clock of its leader: milliseconds since its machine booted.
    pub at_ms: u64,
    /// Batches that were running and were taken over.
    pub adopted_batches: u32,
    /// The items in them.
    pub adopted_items: u32,
}
