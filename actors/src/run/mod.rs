//! A run, from its row to its artefacts.
//!
//! A [`coordinator`] actor drives one run under a lease. What it may do is decided by the run's row alone;
//! it keeps nothing that the row, the manifest and the segments do not say, so another one can go on from
//! them at any moment.
//!
//! | module | stage |
//! |---|---|
//! | [`coordinator`] | the actor, and the order of the stages |
//! | [`row`] | the run's row: read, and moved by compare-and-set under the lease |
//! | [`reading`] | file → book, manifest, inputs |
//! | `inheriting` | what a run takes over from the one that it repeats |
//! | [`understanding`] | items to the scheduler, results into segments |
//! | [`composing`] | book and vectors → storyboard, files |
//! | [`audit`] | every manifest item stands in exactly one named segment |

pub mod audit;
pub mod composing;
pub mod coordinator;
mod inheriting;
pub mod reading;
pub mod row;
pub mod understanding;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::body::{Fault, Scope};
use domain::id::{Digest, RunId};
use domain::manifest::BLOB_CONFIG;
use store::{Blobs, Keyring, Records, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::accounts::Accounts;
use crate::analysis::Analyses;
use crate::edits::Boards;
use crate::entrance::Leader;
use crate::keeping::Keeping;
use crate::model::ModelSlot;
use crate::relay::Bells;
use crate::room::UploadPolicy;
use crate::store_fault;
use crate::webhooks::Webhooks;

/// Largest blob of our own making: manifest, inputs, segment, artefact.
pub const MAX_OWN_BLOB_BYTES: u64 = 1 << 30;

/// What every run of a core node shares.
pub struct RunContext {
    /// Rows.
    pub records: Arc<dyn Records>,
    /// Blobs.
    pub blobs: Arc<dyn Blobs>,
    /// What cursors, addresses and webhooks are signed with.
    pub keys: Arc<Keyring>,
    /// Wakes those who follow a project.
    pub bells: Bells,
    /// Where work is queued.
    pub scheduler: Leader,
    /// The node's model.
    pub model: ModelSlot,
    /// What uploads may cost.
    pub uploads: UploadPolicy,
    /// Texts that are asked about.
    pub analyses: Analyses,
    /// Addresses that are told of events.
    pub webhooks: Webhooks,
    /// Who signs up and in.
    pub accounts: Accounts,
    /// Storyboards that are being edited.
    pub boards: Boards,
    /// What looks after what is kept.
    pub keeping: Keeping,
    /// How long a deletion can be undone.
    pub undo_delete: Duration,
    /// Limits against hostile books.
    pub limits: book::Limits,
    /// The core node that answers go to.
    pub core: u128,
    /// Books that are read or composed at a time: both take a core and much memory.
    pub heavy: Arc<Semaphore>,
    /// Intents whose first steps are being taken now.
    pub beginning: Beginning,
    /// Why a run last had to wait for better times.
    pub trouble: watch::Sender<Option<Fault>>,
}

/// Intents whose first steps are being taken by a request of this node. Whoever mends must leave them
/// alone: half of a beginning looks like something that a crash left.
#[derive(Clone, Default)]
pub struct Beginning(Arc<Mutex<HashSet<u128>>>);

impl Beginning {
    /// Marks an intent until the guard is dropped.
    ///
    /// # Errors
    /// `conflict` while another request has it marked: two beginnings of one thing would undo each other.
    pub fn mark(&self, intent: u128) -> Result<BeginningGuard, Fault> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(intent) {
            true => Ok(BeginningGuard { of: self.clone(), intent }),
            false => Err(Fault::new("conflict", "somebody else is changing this project; try again").retry_after(200)),
        }
    }

    /// Whether an intent is marked.
    pub fn holds(&self, intent: u128) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&intent)
    }
}

/// Keeps an intent marked.
#[must_use = "the mark goes with the guard"]
pub struct BeginningGuard {
    of: Beginning,
    intent: u128,
}

impl Drop for BeginningGuard {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.intent);
    }
}

/// Which run, and where its blobs lie.
#[derive(Clone, Copy, Debug)]
pub struct RunName {
    /// The run.
    pub run: RunId,
    /// Its tenant and project.
    pub scope: Scope,
}

/// Why a run does not go on here.
#[derive(Debug)]
pub enum Halt {
    /// It can't go on anywhere: it fails with this code and reason.
    Fail(Fault),
    /// Somebody stopped it.
    Cancelled,
    /// Its lease is held by another coordinator, or its row is gone.
    Lost,
    /// The store or the scheduler can't be used now; another try later may do.
    Later(Fault),
}

impl From<StoreError> for Halt {
    /// What no later try can mend fails the run; all else waits for better times.
    fn from(error: StoreError) -> Self {
        use StoreError::{BlobMissing, BlobTooLarge, CorruptBlob, Invalid, PartitionFull, RowNewer};
        let lasting = matches!(
            error,
            BlobMissing { .. }
                | BlobTooLarge { .. }
                | CorruptBlob { .. }
                | Invalid { .. }
                | PartitionFull { .. }
                | RowNewer { .. }
        );
        let fault = store_fault(&error);
        if lasting { Self::Fail(fault) } else { Self::Later(fault) }
    }
}

impl RunContext {
    /// Encodes and stores a value; durable when this returns.
    pub(crate) async fn put<T: bincode::Encode>(&self, scope: Scope, value: &T) -> Result<Digest, Halt> {
        let bytes = bincode::encode_to_vec(value, BLOB_CONFIG)
            .map_err(|e| Halt::Fail(Fault::new("internal", format!("a value could not be encoded: {e}"))))?;
        self.put_bytes(scope, bytes).await
    }

    /// Stores bytes; durable when this returns.
    pub(crate) async fn put_bytes(&self, scope: Scope, bytes: Vec<u8>) -> Result<Digest, Halt> {
        let info = self.blobs.put_bytes(crate::storage::blob_scope(scope), bytes.into()).await?;
        Ok(info.digest)
    }

    /// Fetches and decodes a value of our own making.
    pub(crate) async fn get<T: bincode::Decode<()>>(&self, scope: Scope, digest: Digest) -> Result<T, Halt> {
        let bytes = self.blobs.get(crate::storage::blob_scope(scope), digest, MAX_OWN_BLOB_BYTES).await?;
        decode(&bytes)
    }
}

/// Decodes a stored value.
pub(crate) fn decode<T: bincode::Decode<()>>(bytes: &[u8]) -> Result<T, Halt> {
    match bincode::decode_from_slice(bytes, BLOB_CONFIG) {
        Ok((value, used)) if used == bytes.len() => Ok(value),
        Ok(_) => Err(Halt::Fail(Fault::new("store-corrupt-blob", "a stored value has bytes too many"))),
        Err(error) => {
            let detail = format!("a stored value can't be read ({error}): analyse the book again");
            Err(Halt::Fail(Fault::new("store-corrupt-blob", detail)))
        }
    }
}

fn stopping() -> Halt {
    Halt::Later(Fault::new("stopping", "the node is stopping"))
}

/// Leave to hold a book in memory and work on it, given to a few at a time.
pub(crate) async fn permit(context: &RunContext) -> Result<OwnedSemaphorePermit, Halt> {
    context.heavy.clone().acquire_owned().await.map_err(|_| stopping())
}

/// Runs work that takes a core for long, off the runtime that heartbeats live on. The permit goes with the
/// work: it can't be stopped half-way, even where nobody waits for it any more.
pub(crate) async fn heavy<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Halt> {
    let span = tracing::Span::current();
    let held = move || {
        let done = span.in_scope(work);
        drop(permit);
        done
    };
    tokio::task::spawn_blocking(held).await.map_err(|e| match e.is_cancelled() {
        true => stopping(),
        false => Halt::Fail(Fault::new("internal", "this book hit a defect of the program; its log says where")),
    })
}
