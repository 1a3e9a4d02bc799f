//! Making something by an id that the asker chose: what is there already is answered with, if it is what is asked for.
//! Uploads are here; runs and webhooks beside how else they are made.

use cluster::body::Fault;
use cluster::body::keyed::CreateUploadAs;
use cluster::body::uploads::UploadReply;

use crate::run::RunContext;
use crate::{store_fault, uploads};

/// What is told to whoever asks for what another request made.
pub fn other_request() -> Fault {
    Fault::new("idempotency-mismatch", "this key was used for another request: take a new key for a new one")
}

/// Begins an upload of a given id.
///
/// # Errors
/// `idempotency-mismatch`, and as where it chooses its own id.
pub(crate) async fn upload(
    context: &RunContext,
    CreateUploadAs { upload, ask }: CreateUploadAs,
) -> Result<UploadReply, Fault> {
    let found = context.records.upload_get(ask.principal.tenant, upload).await;
    let Some(row) = found.map_err(|error| store_fault(&error))? else {
        return uploads::create(context, ask, upload).await;
    };
    let there = (&row.file_name, &row.metadata, row.length, row.expected);
    let is_same = there == (&ask.file_name, &ask.metadata, ask.length, ask.expected);
    if is_same { Ok(uploads::reply(&row)) } else { Err(other_request()) }
}
