//! What runs: the actors of a node, a file a role.
//!
//! Roles speak in envelopes ([`cluster::envelope`]) through the one long-lived actor that each shows to
//! the others; everything behind it is local. The core's side holds the stores; workers hold none and see
//! only the bulk plane. Nothing here reads a configuration or knows HTTP: `node` wires it all.
//!
//! | module | holds |
//! |---|---|
//! | [`core`] | the core's gateway actor: answers requests, finds coordinators, mends what a crash left |
//! | [`projects`] | what is done to projects, over the records port |
//! | [`links`] | addresses of files that may be followed for a while |
//! | [`room`] | how much a tenant may keep, and what is on its way |
//! | [`uploads`] | what is done to uploads that can be gone on with |
//! | [`keyed`] | making something by an id that the asker chose |
//! | [`analysis`] | what is asked of a text by itself, or of a project's revision |
//! | [`edits`] | edits of storyboards: appended, undone, shown |
//! | [`keeping`] | looking after what is kept: backups, orphans, health, covers |
//! | [`run`] | a run's coordinator and its stages |
//! | [`scheduler`] | the thin shell round the scheduler's pure core |
//! | [`worker`] | a GPU worker: one device, one thread, one model |
//! | [`storage`] | the bulk plane over the blobs port |
//! | [`relay`] | from a run's outbox to its project's event log |
//! | [`rings`], [`follow`] | which logs grew, and events of many projects at a time |
//! | [`webhooks`] | addresses that are told of events |
//! | [`accounts`] | who signs up and in, and what that is worth |
//! | [`hand`] | what a core can say at once, from memory |
//! | [`lease`] | holding and taking over leases without a wall clock |
//! | [`entrance`] | the actor that other roles see, and its process group |
//! | [`clock`] | time since boot |
//! | [`model`] | the model as the reading stage needs it |

pub mod accounts;
pub mod analysis;
pub mod clock;
pub mod core;
pub mod edits;
pub mod entrance;
pub mod follow;
pub mod hand;
pub mod keeping;
pub mod keyed;
pub mod lease;
pub mod links;
pub mod model;
pub mod projects;
pub mod relay;
pub mod rings;
pub mod room;
pub mod run;
pub mod scheduler;
pub mod storage;
pub mod uploads;
pub mod webhooks;
pub mod worker;

use cluster::body::Fault;
use store::StoreError;

/// A store's error as other roles are told of it.
pub(crate) fn store_fault(error: &StoreError) -> Fault {
    let fault = match error {
        StoreError::BlobMissing { .. } => Fault::new("blob-not-found", error.to_string()),
        StoreError::BlobTooLarge { .. } => Fault::new("too-large", error.to_string()),
        _ => Fault::new(error.code(), error.to_string()),
    };
    if error.is_transient() { fault.retry_after(1_000) } else { fault }
}
