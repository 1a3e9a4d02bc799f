//! What is done to uploads, over the records and blobs ports.
//!
//! An upload's chunks lie in a scope of its own. They are acknowledged when a compare-and-set of its row names
//! them, and not before; whatever else lies in the scope goes with it. An intent stands as long as the row
//! does: whoever mends finds by it what has expired and what a crash left half removed. Requests about one
//! upload come one at a time on a node ([`crate::run::Beginning`]); on several, the row's version decides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::body::uploads::{
    AbandonChunks, AppendUpload, CreateFromUpload, CreateUpload, GetUpload, RemoveUpload, UploadReply,
};
use cluster::body::work::{ReviseFromUpload, ReviseProject};
use cluster::body::{Done, Fault, Scope, projects::CreateProject};
use cluster::message::Message;
use domain::id::{Digest, ProjectId, TenantId, UploadId};
use domain::upload::UploadView;
use futures_util::StreamExt;
use store::rows::{CHUNK_MAX_BYTES, CHUNKS_MAX, Chunk, IntentBody, ProjectRow, UploadRow, UploadState};
use store::{BlobScope, BlobSource, Cas, StoreError, failpoint};

use crate::accounts::sharing::own_tenant;
use crate::clock::wall_ms;
use crate::projects::{self, drop_intent, put_intent, revisions};
use crate::room::{Coming, room};
use crate::run::{BeginningGuard, RunContext, RunName};
use crate::storage::blob_scope;
use crate::{keyed, store_fault};

/// How often, and with what pause, a project's mark is tried for.
const MARK_TRIES: u32 = 40;
const MARK_PAUSE: Duration = Duration::from_millis(50);

type Result<T> = std::result::Result<T, Fault>;

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

fn no_upload() -> Fault {
    Fault::new("upload-not-found", "there is no such upload; begin another one")
}

/// Where an upload's blobs lie: in a scope of its own, for ids of uploads and of projects never meet.
fn scope(tenant: TenantId, upload: UploadId) -> BlobScope {
    blob_scope(Scope { tenant, project: ProjectId(upload.0) })
}

fn mark(context: &RunContext, upload: UploadId) -> Result<BeginningGuard> {
    context.beginning.mark(upload.0).map_err(|_| {
        Fault::new("upload-busy", "another request is sending to this upload; ask how far it is, then go on")
            .retry_after(1_000)
    })
}

pub(crate) fn reply(row: &UploadRow) -> UploadReply {
    let (digest, project) = match row.state {
        UploadState::Receiving { .. } => (None, None),
        UploadState::Complete { digest } => (Some(digest), None),
        UploadState::Taken { digest, project } => (Some(digest), Some(project)),
    };
    let upload = UploadView {
        id: row.upload,
        name: row.file_name.clone(),
        length: row.length,
        offset: row.offset(),
        digest,
        project,
        expires_ms: row.expires_ms,
    };
    UploadReply { upload, metadata: row.metadata.clone() }
}

/// Answers a message about uploads; [`create_project`] is apart, for it starts a run.
///
/// # Errors
/// `unsupported` for any other message.
pub async fn answer(context: &RunContext, message: Message) -> Result<Message> {
    Ok(match message {
        Message::CreateUpload(ask) => create(context, ask, UploadId(uuid::Uuid::new_v4().as_u128())).await?.into(),
        Message::CreateUploadAs(ask) => keyed::upload(context, ask).await?.into(),
        Message::GetUpload(ask) => get(context, &ask).await?.into(),
        Message::AppendUpload(ask) => append(context, &ask).await?.into(),
        Message::AbandonChunks(ask) => abandon(context, &ask).await?.into(),
        Message::RemoveUpload(ask) => remove(context, &ask).await?.into(),
        other => return Err(Fault::unsupported(other.kind())),
    })
}

/// Begins an upload of a given id.
pub(crate) async fn create(context: &RunContext, ask: CreateUpload, upload: UploadId) -> Result<UploadReply> {
    if ask.length > context.limits.file_bytes {
        let detail = format!("a book may have {} bytes at most", context.limits.file_bytes);
        return Err(Fault::new("too-large", detail));
    }
    let tenant = ask.principal.tenant;
    let _room = room(context, tenant, Coming::Upload(upload, ask.length)).await?;
    let row = UploadRow {
        tenant,
        upload,
        version: 0,
        file_name: ask.file_name,
        metadata: ask.metadata,
        length: ask.length,
        expected: ask.expected,
        created_ms: wall_ms(),
        expires_ms: context.uploads.expires_ms(),
        state: UploadState::Receiving { chunks: Vec::new() },
    };
    let _beginning = mark(context, upload)?;
    // All at a time: one commit does for intent and row, and the first part finds its folder made. A row without its
    // intent, which a crash can leave where a store keeps no order, holds nothing, and goes with a sweep.
    let (intended, inserted, prepared) = tokio::join!(
        put_intent(context, upload.0, IntentBody::Upload { tenant, upload }),
        context.records.upload_insert(row),
        context.blobs.prepare(scope(tenant, upload)),
    );
    if let Err(error) = prepared {
        tracing::debug!(%error, %upload, "the first part makes the folder");
    }
    match inserted.map_err(fault)? {
        Cas::Applied(row) => match intended {
            Ok(()) => Ok(reply(&row)),
            Err(refused) => {
                context.records.upload_remove(tenant, upload).await.map_err(fault)?;
                Err(refused)
            }
        },
        Cas::Conflict(_) => Err(Fault::new("conflict", "two uploads drew one id; try again").retry_after(0)),
        // If it happened after all, nobody knows its id: it expires.
        Cas::Unknown(error) => Err(fault(error)),
    }
}

/// An upload's row, if the asker's tenant has it and it has not expired.
async fn find(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<UploadRow> {
    let row = context.records.upload_get(tenant, upload).await.map_err(fault)?.ok_or_else(no_upload)?;
    if row.expires_ms <= wall_ms() {
        return Err(Fault::new(
            "upload-expired",
            "nothing came for too long, so this upload was given up; begin another one",
        ));
    }
    Ok(row)
}

async fn get(context: &RunContext, ask: &GetUpload) -> Result<UploadReply> {
    find(context, ask.principal.tenant, ask.upload).await.map(|row| reply(&row))
}

async fn append(context: &RunContext, ask: &AppendUpload) -> Result<UploadReply> {
    let _one_at_a_time = mark(context, ask.upload)?;
    let row = find(context, ask.principal.tenant, ask.upload).await?;
    let appended = try_append(context, row, ask).await;
    if let Err(fault) = &appended
        && fault.retry_after_ms.is_none()
    {
        let refused: Vec<Digest> = ask.chunks.iter().map(|chunk| chunk.digest).collect();
        drop_unnamed(context, ask.principal.tenant, ask.upload, &refused).await?;
    }
    finish(context, appended?).await.map(|row| reply(&row))
}

/// Names chunks in the row, all or none.
async fn try_append(context: &RunContext, row: UploadRow, ask: &AppendUpload) -> Result<UploadRow> {
    let offset = row.offset();
    if offset != ask.offset {
        let detail = format!("this upload stands at {offset}, not at {}: go on from there", ask.offset);
        return Err(Fault::new("upload-offset-mismatch", detail));
    }
    let UploadState::Receiving { chunks } = &row.state else { return Ok(row) };
    if ask.chunks.is_empty() {
        return Ok(row);
    }
    let more = ask.chunks.iter().fold(0, |sum: u64, chunk| sum.saturating_add(chunk.bytes));
    if more > row.length - offset || ask.chunks.iter().any(|chunk| chunk.bytes == 0 || chunk.bytes > CHUNK_MAX_BYTES) {
        return Err(Fault::new("upload-too-long", "these are more bytes than the upload announced"));
    }
    if chunks.len() + ask.chunks.len() > CHUNKS_MAX {
        let detail = format!("an upload has {CHUNKS_MAX} pieces at most; begin again and send larger ones");
        return Err(Fault::new("upload-too-many-pieces", detail));
    }
    let named = ask.chunks.iter().map(|chunk| Chunk { digest: chunk.digest, bytes: chunk.bytes });
    let (version, tenant) = (row.version, row.tenant);
    let chunks: Vec<Chunk> = chunks.iter().copied().chain(named.clone()).collect();
    for chunk in named {
        // Another writer's refusal may have removed it: what is not there must not be acknowledged.
        let found = context.blobs.stat(scope(tenant, ask.upload), chunk.digest).await.map_err(fault)?;
        if found.map(|info| info.bytes) != Some(chunk.bytes) {
            let detail = "two requests sent to this upload at a time; ask how far it is, then go on";
            return Err(Fault::new("upload-offset-mismatch", detail));
        }
    }
    let state = match chunks[..] {
        // A file of one chunk is put together by naming it, in the same write.
        [only] if only.bytes == row.length && row.expected.is_none_or(|expected| expected == only.digest) => {
            UploadState::Complete { digest: only.digest }
        }
        _ => UploadState::Receiving { chunks },
    };
    let changed = UploadRow { state, expires_ms: context.uploads.expires_ms(), ..row };
    update(context, changed, version).await
}

/// Moves a row on by compare-and-set; an outcome that is not known is looked up.
async fn update(context: &RunContext, changed: UploadRow, version: u64) -> Result<UploadRow> {
    let lost = || Fault::new("upload-offset-mismatch", "another request was faster; ask how far it is, then go on");
    match context.records.upload_update(changed.clone(), version).await.map_err(fault)? {
        Cas::Applied(row) => Ok(row),
        Cas::Conflict(None) => Err(no_upload()),
        Cas::Conflict(Some(_)) => Err(lost()),
        Cas::Unknown(error) => {
            let found = context.records.upload_get(changed.tenant, changed.upload).await.map_err(fault)?;
            match found {
                Some(row) if row.version == version + 1 && row.state == changed.state => Ok(row),
                // It may still happen within the store's deadline: nothing is removed.
                _ => Err(fault(error).retry_after(1_000)),
            }
        }
    }
}

/// Once the last byte is there: one blob of all chunks, if it is what was announced. Done again it finds less
/// to do. A file that is not what was announced is removed with its upload.
async fn finish(context: &RunContext, row: UploadRow) -> Result<UploadRow> {
    let UploadState::Receiving { chunks } = row.state.clone() else { return Ok(row) };
    if row.offset() < row.length {
        return Ok(row);
    }
    let put_together = match chunks[..] {
        [chunk] => match row.expected {
            Some(expected) if expected != chunk.digest => {
                Err(StoreError::DigestMismatch { expected, found: chunk.digest })
            }
            _ => Ok(chunk.digest),
        },
        _ => put_together(context, &row, &chunks).await,
    };
    failpoint::pass("an upload's chunks are one blob");
    let digest = match put_together {
        Ok(digest) => digest,
        Err(StoreError::DigestMismatch { expected, found }) => {
            erase(context, row.tenant, row.upload).await?;
            let detail = format!("the file has digest {found}, and {expected} was announced: send it again");
            return Err(Fault::new("upload-digest-mismatch", detail));
        }
        Err(error) => return Err(fault(error)),
    };
    let version = row.version;
    let complete = update(context, UploadRow { state: UploadState::Complete { digest }, ..row }, version).await?;
    failpoint::pass("an upload is complete");
    let mut obsolete: Vec<Digest> = chunks.iter().map(|chunk| chunk.digest).filter(|chunk| *chunk != digest).collect();
    obsolete.sort_unstable();
    obsolete.dedup();
    for chunk in obsolete {
        if let Err(error) = context.blobs.delete(scope(complete.tenant, complete.upload), chunk).await {
            tracing::debug!(%error, upload = %complete.upload, "a chunk goes with its upload");
        }
    }
    Ok(complete)
}

/// The chunks as one blob, each held against its digest on the way.
async fn put_together(
    context: &RunContext,
    row: &UploadRow,
    chunks: &[Chunk],
) -> std::result::Result<Digest, StoreError> {
    let scope = scope(row.tenant, row.upload);
    let (blobs, chunks) = (Arc::clone(&context.blobs), chunks.to_vec());
    let source = futures_util::stream::iter(chunks).then(move |chunk| {
        let blobs = Arc::clone(&blobs);
        async move {
            let read: std::result::Result<Bytes, StoreError> = blobs.get(scope, chunk.digest, chunk.bytes).await;
            read.map_err(std::io::Error::other)
        }
    });
    let source: BlobSource = Box::pin(source);
    let info = context.blobs.put(scope, source, row.length, row.expected).await?;
    if info.bytes == row.length {
        return Ok(info.digest);
    }
    Err(StoreError::Corrupt { detail: format!("upload {} has {} bytes of {}", row.upload, info.bytes, row.length) })
}

async fn abandon(context: &RunContext, ask: &AbandonChunks) -> Result<Done> {
    let _one_at_a_time = mark(context, ask.upload)?;
    find(context, ask.principal.tenant, ask.upload).await?;
    drop_unnamed(context, ask.principal.tenant, ask.upload, &ask.chunks).await?;
    Ok(Done {})
}

/// Removes those of some chunks that the row does not name. The caller holds the upload's mark.
async fn drop_unnamed(context: &RunContext, tenant: TenantId, upload: UploadId, chunks: &[Digest]) -> Result<()> {
    let row = context.records.upload_get(tenant, upload).await.map_err(fault)?;
    let named: Vec<Digest> = match row.map(|row| row.state) {
        Some(UploadState::Receiving { chunks }) => chunks.iter().map(|chunk| chunk.digest).collect(),
        Some(UploadState::Complete { digest } | UploadState::Taken { digest, .. }) => vec![digest],
        None => Vec::new(),
    };
    for chunk in chunks.iter().filter(|chunk| !named.contains(chunk)) {
        match context.blobs.delete(scope(tenant, upload), *chunk).await {
            // It goes with its upload.
            Err(StoreError::Held) => {}
            removed => removed.map_err(fault)?,
        }
    }
    Ok(())
}

async fn remove(context: &RunContext, ask: &RemoveUpload) -> Result<Done> {
    let _one_at_a_time = mark(context, ask.upload)?;
    find(context, ask.principal.tenant, ask.upload).await?;
    erase(context, ask.principal.tenant, ask.upload).await.map(|()| Done {})
}

/// Row, bytes, intent, in this order: a row never names bytes that are gone, and the intent stays until all
/// else is. The caller holds the upload's mark.
async fn erase(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<()> {
    context.records.upload_remove(tenant, upload).await.map_err(fault)?;
    match context.blobs.delete_scope(scope(tenant, upload)).await {
        // While a backup is made the bytes stay; whoever finds the intent removes them.
        Err(StoreError::Held) => return Ok(()),
        removed => removed.map_err(fault)?,
    }
    drop_intent(context, upload.0).await
}

/// Removes an upload whose owner goes, whatever its state.
///
/// # Errors
/// `unavailable` while a request is about it, and what the stores say.
pub(crate) async fn discard(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<()> {
    let _one_at_a_time = context.beginning.mark(upload.0)?;
    erase(context, tenant, upload).await
}

/// What an upload's intent calls for: nothing while the upload lives, else its removal.
pub async fn mend(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<()> {
    // Looked at without its mark first: whoever sends to an upload that lives must not find it taken.
    if lives(context, tenant, upload).await? {
        return Ok(());
    }
    // A request that is about it now decides itself; the next look comes in seconds.
    let Ok(_one_at_a_time) = context.beginning.mark(upload.0) else { return Ok(()) };
    if lives(context, tenant, upload).await? {
        return Ok(());
    }
    tracing::info!(%upload, "an upload is cleared away");
    erase(context, tenant, upload).await
}

/// Removes an upload that nobody went on with and that no intent was left for.
pub(crate) async fn mend_expired(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<()> {
    match context.records.upload_get(tenant, upload).await.map_err(fault)? {
        Some(row) if row.expires_ms <= wall_ms() => mend(context, tenant, upload).await,
        _ => Ok(()),
    }
}

async fn lives(context: &RunContext, tenant: TenantId, upload: UploadId) -> Result<bool> {
    let row = context.records.upload_get(tenant, upload).await.map_err(fault)?;
    Ok(row.is_some_and(|row| row.expires_ms > wall_ms()))
}

/// Makes a project of a complete upload. The upload names the project before that is begun: whoever asks
/// again, after any failure, gets the same one. What is no book is removed with its upload.
pub async fn create_project(context: &Arc<RunContext>, ask: &CreateFromUpload) -> Result<(ProjectRow, RunName)> {
    let _one_at_a_time = mark(context, ask.upload)?;
    let tenant = ask.principal.tenant;
    let row = finish(context, find(context, tenant, ask.upload).await?).await?;
    let (digest, project) = match row.state {
        UploadState::Receiving { .. } => return Err(incomplete(&row)),
        UploadState::Taken { digest, project } => (digest, project),
        UploadState::Complete { digest } => {
            let project = ProjectId(uuid::Uuid::now_v7().as_u128());
            let taken = UploadRow { state: UploadState::Taken { digest, project }, ..row.clone() };
            update(context, taken, row.version).await?;
            failpoint::pass("an upload is a project's");
            (digest, project)
        }
    };
    let ask = CreateProject {
        principal: ask.principal,
        project,
        file_name: row.file_name,
        book: digest,
        book_bytes: row.length,
        demo: false,
    };
    let (from, to) = (scope(tenant, row.upload), blob_scope(Scope { tenant, project }));
    // Before anything is put there: what a crash left of an earlier try may be being cleared away.
    let _project = mark_soon(context, project).await?;
    let known = context.records.project_get(tenant, project).await.map_err(fault)?;
    if known.is_none() {
        match context.blobs.link(from, to, digest).await {
            Ok(_) => failpoint::pass("an upload's bytes are linked"),
            // It was a project's, and that is gone again.
            Err(StoreError::BlobMissing { .. }) => return Err(no_upload()),
            Err(error) => return Err(fault(error)),
        }
    }
    let made = projects::create_marked(context, &ask).await;
    let spent = match &made {
        Ok(_) => context.blobs.delete_scope(from).await.map_err(fault),
        Err(refused) if is_no_book(refused) => erase(context, tenant, row.upload).await,
        Err(_) => Ok(()),
    };
    if let Err(fault) = spent {
        tracing::debug!(%fault, upload = %row.upload, "an upload's bytes go when it expires");
    }
    made.map_err(|refused| if refused.code == "project-not-found" { no_upload() } else { refused })
}

/// Marks a project; whoever mends is waited for.
async fn mark_soon(context: &RunContext, project: ProjectId) -> Result<BeginningGuard> {
    for _ in 0..MARK_TRIES {
        if let Ok(mark) = context.beginning.mark(project.0) {
            return Ok(mark);
        }
        tokio::time::sleep(MARK_PAUSE).await;
    }
    context.beginning.mark(project.0)
}

/// Takes a complete upload's file as a project's book, and begins its analysis. The upload names the project once that
/// is done: whoever asks again is given no other run. What is no book, or the book that the project has, is removed
/// with its upload; after any other refusal the upload stays, so that nobody has to send it again.
pub async fn revise_project(context: &Arc<RunContext>, ask: &ReviseFromUpload) -> Result<Option<RunName>> {
    let _one_at_a_time = mark(context, ask.upload)?;
    // An upload is the asker's own, whoever has the project.
    let tenant = own_tenant(context, &ask.principal).await?;
    let row = finish(context, find(context, tenant, ask.upload).await?).await?;
    let digest = match row.state {
        UploadState::Receiving { .. } => return Err(incomplete(&row)),
        UploadState::Taken { project, .. } if project == ask.project => return Ok(None),
        UploadState::Taken { .. } => return Err(no_upload()),
        UploadState::Complete { digest } => digest,
    };
    let from = Scope { tenant, project: ProjectId(row.upload.0) };
    let revise = ReviseProject {
        principal: ask.principal,
        project: ask.project,
        upload: from.project,
        file_name: row.file_name.clone(),
        book: digest,
        book_bytes: row.length,
    };
    let revised = revisions::accept(context, &revise, from).await;
    let (upload, version) = (row.upload, row.version);
    let spent = match &revised {
        Ok(_) => {
            let taken = UploadRow { state: UploadState::Taken { digest, project: ask.project }, ..row };
            match update(context, taken, version).await {
                Ok(_) => context.blobs.delete_scope(scope(tenant, upload)).await.map_err(fault),
                Err(fault) => Err(fault),
            }
        }
        Err(refused) if is_no_book(refused) || refused.code == "revision-unchanged" => {
            erase(context, tenant, upload).await
        }
        Err(_) => Ok(()),
    };
    if let Err(fault) = spent {
        tracing::debug!(%fault, %upload, "an upload goes when it expires");
    }
    revised.map(Some)
}

fn incomplete(row: &UploadRow) -> Fault {
    let detail = format!("{} of {} bytes are there; send the rest", row.offset(), row.length);
    Fault::new("upload-incomplete", detail)
}

/// The file is to blame, and no later try mends that.
fn is_no_book(refused: &Fault) -> bool {
    refused.code.starts_with("book-") && refused.code != "book-timeout"
}
