//! Coordinator ↔ scheduler: what is to be done for a run, and what came of it.

use bincode::{Decode, Encode};
use domain::id::{Digest, ItemId, RunId, TenantId, Term};
use domain::manifest::NumericProfile;
use domain::principal::Principal;
use domain::scheduling::{SchedulingView, SchedulingWaits, TenantShare};

use super::{Payload, Scope};

/// Most items in one [`SubmitItems`].
pub const MAX_SUBMIT_ITEMS: usize = 256;

/// Which weights, computed how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct ModelRef {
    /// Digest of the weights.
    pub digest: Digest,
    /// How floats are computed.
    pub profile: NumericProfile,
}

/// Work for the scheduler's queue. An item that is outstanding already is not taken twice.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SubmitItems {
    /// Whose items.
    pub run: RunId,
    /// The coordinator's lease on the run.
    pub run_term: Term,
    /// The core node whose coordinator asks, and is to be answered.
    pub core: u128,
    /// How the items are ordered against others.
    pub class: ItemClass,
    /// The results are of no use later than this from now; `None` for no such bound.
    pub deadline_in_ms: Option<u32>,
    /// Where their inputs lie.
    pub scope: Scope,
    /// The blob that holds the inputs.
    pub inputs: Digest,
    /// What they need.
    pub model: ModelRef,
    /// At most [`MAX_SUBMIT_ITEMS`].
    pub items: Vec<SubmittedItem>,
}

/// How items are ordered against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ItemClass {
    /// Somebody waits: earliest deadline first.
    Interactive,
    /// Fair among tenants.
    Bulk,
}

/// One item, by reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SubmittedItem {
    /// Its id.
    pub item: ItemId,
    /// Length of its input.
    pub tokens: u32,
    /// Byte offset of its record in the inputs blob.
    pub offset: u64,
    /// Length of the record, bytes.
    pub len: u32,
}

/// Answer to [`SubmitItems`]: all are taken, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SubmitReply {
    /// All are outstanding now.
    Taken,
    /// The queue is full; try again after this long.
    Full {
        /// Milliseconds.
        retry_after_ms: u32,
    },
    /// A newer coordinator speaks for this run: step down.
    StepDown,
}

/// Forget a run's items, queued and running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CancelItems {
    /// Which run.
    pub run: RunId,
    /// The coordinator's lease on it.
    pub run_term: Term,
}

/// Results of a run's items from one batch.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ItemsDone {
    /// Whose items.
    pub run: RunId,
    /// The scheduler's term.
    pub scheduler_term: Term,
    /// bincode of [`domain::manifest::Segment`].
    pub results: Payload,
}

/// Items that can't be done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ItemsFailed {
    /// Whose items.
    pub run: RunId,
    /// The scheduler's term.
    pub scheduler_term: Term,
    /// Which ones.
    pub items: Vec<ItemId>,
    /// Stable code of the last failure.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// [`SubmitItems`] of which some went wrong before, under this scheduler or another one.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SubmitMarked {
    /// The page.
    pub submit: SubmitItems,
    /// Marks of those items of the page that have any.
    pub marks: Vec<ItemMarks>,
}

/// What went wrong with an item so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ItemMarks {
    /// Which item.
    pub item: ItemId,
    /// Failures by itself.
    pub attempts: u8,
    /// Nodes that went while it was running: with two it is a suspect, and runs alone.
    pub crashes: u8,
}

/// Scheduler → coordinator: keep these marks, and hand the items in with them if you have to do it again.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ItemsMarked {
    /// Whose items.
    pub run: RunId,
    /// The scheduler's term.
    pub scheduler_term: Term,
    /// The marks as they are now.
    pub marks: Vec<ItemMarks>,
}

/// What is the scheduling like now? For whoever runs the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetScheduling {
    /// Who asks.
    pub principal: Principal,
}

/// Answer to [`GetScheduling`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SchedulingReply {
    /// The picture, as the scheduler's leader has it.
    pub scheduling: SchedulingView,
}

/// How long did items wait? For whoever runs the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetWaits {
    /// Who asks.
    pub principal: Principal,
}

/// Answer to [`GetWaits`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WaitsReply {
    /// As the scheduler's leader counted them.
    pub waits: SchedulingWaits,
}

/// From now on a tenant may have this much of the devices. From whoever runs the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SetShare {
    /// Who asks.
    pub principal: Principal,
    /// For whom.
    pub tenant: TenantId,
    /// How much.
    pub share: TenantShare,
}
