//! Making something by an id that the asker chose: done again it makes nothing, and answers with what is there.
//!
//! With another request than the first time it is `idempotency-mismatch`.

use bincode::{Decode, Encode};
use domain::id::{RunId, UploadId, WebhookId};

use super::uploads::CreateUpload;
use super::webhooks::CreateWebhook;
use super::work::BeginRun;

/// Begins an upload of this id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateUploadAs {
    /// Its id.
    pub upload: UploadId,
    /// What it is to be.
    pub ask: CreateUpload,
}

/// Makes a webhook of this id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateWebhookAs {
    /// Its id.
    pub webhook: WebhookId,
    /// What it is to be.
    pub ask: CreateWebhook,
}

/// Begins a run of this id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BeginRunAs {
    /// Its id.
    pub run: RunId,
    /// What it is to do.
    pub ask: BeginRun,
}
