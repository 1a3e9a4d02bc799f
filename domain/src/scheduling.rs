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

/// How a device stands by its own account, with sums since its worker came.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceLoad {
    /// Whose.
    pub worker: WorkerId,
    /// As its node calls it, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Batches that it ran.
    pub batches: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// The same with padding, where the device computes it.
    pub computed_tokens: u64,
    /// Time that it computed, microseconds.
    pub busy_us: u64,
    /// Time between the end of a batch and the start of the next, microseconds.
    pub gaps_us: u64,
    /// Memory that is free while nothing runs, bytes; 0 where it does not tell.
    pub free_bytes: u64,
    /// All that it has.
    pub total_bytes: u64,
    /// Memory of the weights that are on it.
    pub weights_bytes: u64,
    /// Models that are on it.
    pub resident_models: u32,
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

/// Bounds by which waits are counted: 8 ms, and each twice the one before.
pub const WAIT_BOUNDS: usize = 16;

/// How long items waited before they were first handed to a device, summed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitSum {
    /// How many items.
    pub items: u64,
    /// Their waits together.
    pub total_ms: u64,
    /// Of these items, how many waited at most 8 ms, of the others at most 16 ms, and so on; last those that waited
    /// longer than every bound.
    pub counts: Vec<u64>,
}

impl WaitSum {
    /// A bound.
    pub fn bound_ms(number: usize) -> u64 {
        8 << number
    }

    /// The least bound that this share of the items kept; none if they kept none, or there are no items.
    pub fn within_ms(&self, share: f64) -> Option<u64> {
        let wanted = (self.items as f64 * share).ceil().max(1.0) as u64;
        let mut kept = 0;
        for (number, count) in self.counts.iter().enumerate().take(WAIT_BOUNDS) {
            kept += count;
            if kept >= wanted {
                return Some(Self::bound_ms(number));
            }
        }
        None
    }
}

/// How long items waited since the leader began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SchedulingWaits {
    /// By model.
    pub models: Vec<ModelWaits>,
}

/// How long items for one model waited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelWaits {
    /// As in [`ModelLoad`].
    pub model: String,
    /// Items that somebody waited for.
    pub interactive: WaitSum,
    /// Fairly queued ones.
    pub bulk: WaitSum,
    /// By tenant, those with the most items first, a bounded number of them.
    pub tenants: Vec<TenantWaits>,
}

/// How long items of one tenant waited.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantWaits {
    /// Whose.
    pub tenant: TenantId,
    /// Items that somebody waited for.
    pub interactive: WaitSum,
    /// Fairly queued ones.
    pub bulk: WaitSum,
}

/// What a tenant may have of the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantShare {
    /// Share against others that have work too; 100 is normal, 200 gets twice the device time.
    pub weight: u32,
    /// At most so many milliseconds of device time a second, over all devices; none for as much as there is.
    pub device_ms_per_s: Option<u32>,
}

impl Default for TenantShare {
    fn default() -> Self {
        Self { weight: 100, device_ms_per_s: None }
    }
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
