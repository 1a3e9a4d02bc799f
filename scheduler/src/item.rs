//! What there is to do: one item is one input of one model.

use bincode::{Decode, Encode};
use domain::id::{ItemId, RunId, TenantId};
use serde::{Deserialize, Serialize};

/// A model, or a CPU stage that is scheduled like one. The shell decides what each number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
pub struct ModelKey(pub u32);

/// A node, for telling devices of one machine from those of others. The shell decides what each number stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
pub struct NodeKey(pub u64);

/// What went wrong with an item so far; its coordinator keeps it for when another scheduler takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Marks {
    /// Failures by itself.
    pub attempts: u8,
    /// Nodes that went while it was running.
    pub crashes: u8,
}

/// How an item is ordered against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody waits: earliest deadline first, ahead of all bulk work.
    Interactive,
    /// Fair among tenants.
    Bulk,
}

/// An item as it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ItemSpec {
    /// Names the work; one (run, item) is outstanding once at most.
    pub item: ItemId,
    /// Who is charged.
    pub tenant: TenantId,
    /// What runs it.
    pub model: ModelKey,
    /// How it is ordered.
    pub class: Class,
    /// Its length, known because tokenizing comes before scheduling.
    pub tokens: u32,
    /// On the clock that is handed to [`step`](crate::step()); an item that can't meet it is failed, not run late.
    pub deadline_ms: Option<u64>,
    /// What went wrong with it under earlier schedulers.
    pub marks: Marks,
    /// Opaque here: the shell finds its input by it.
    pub tag: u64,
}

/// An item as it is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Assigned {
    /// Whose it is.
    pub run: RunId,
    /// Which work it is.
    pub item: ItemId,
    /// What the shell said with it.
    pub tag: u64,
}
