//! The model as the reading stage needs it: a tokenizer and a name, loaded beside everything else.

use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::runs::ModelRef;
use tokio::sync::watch;

/// A model that can be used for reading.
#[derive(Clone)]
pub struct ReadingModel {
    /// What workers must have to run its items.
    pub reference: ModelRef,
    /// Its tokenizer.
    pub tokenizer: Arc<gpu::Tokenizer>,
}

/// The node's model, once it is loaded, or why it can't be.
pub type ModelSlot = watch::Receiver<Option<Result<ReadingModel, Fault>>>;

/// Waits until the model is loaded.
///
/// # Errors
/// Why it can't be; `stopping` if the node ends before.
pub async fn loaded(slot: &ModelSlot) -> Result<ReadingModel, Fault> {
    let mut slot = slot.clone();
    match slot.wait_for(Option::is_some).await {
        Ok(found) => found.clone().unwrap_or_else(|| Err(stopping())),
        Err(_) => Err(stopping()),
    }
}

fn stopping() -> Fault {
    Fault::new("stopping", "the node is stopping")
}
