//! The blobs that something names, a project or upload at a time.

use std::collections::HashSet;

use cluster::body::{Fault, Scope};
use domain::id::{AccountId, Digest, RunId, UploadId};
use domain::manifest::Manifest;
use store::StoreError;
use store::rows::{ProjectRow, UploadRow, UploadState};

use crate::accounts::exports;
use crate::run::{Halt, RunContext};
use crate::storage::blob_scope;
use crate::store_fault;

/// What is known of the blobs of a project or upload.
#[derive(Debug, PartialEq)]
pub(super) enum Named {
    /// These are named, and no others.
    These(HashSet<Digest>),
    /// Nothing may be said of them now, and why.
    LeaveAlone(&'static str),
}

/// The blobs of a scope that a row names, or something in this node's memory does.
pub(super) async fn named(context: &RunContext, scope: Scope) -> Result<Named, Fault> {
    let store = |e: StoreError| store_fault(&e);
    let id = scope.project.0;
    if context.beginning.holds(id) {
        return Ok(Named::LeaveAlone("a request is changing it"));
    }
    let mut digests: HashSet<Digest> = context.boards.kept_in(scope).into_iter().collect();
    if let Some(upload) = context.records.upload_get(scope.tenant, UploadId(id)).await.map_err(store)? {
        digests.extend(of_upload(&upload));
    }
    if let Some(account) = context.records.account_get(AccountId(id)).await.map_err(store)?
        && account.scope() == blob_scope(scope)
    {
        let Some(own) = exports::named(&account) else {
            return Ok(Named::LeaveAlone("an archive of somebody's data is being written"));
        };
        digests.extend(own);
    }
    let Some(project) = context.records.project_get(scope.tenant, scope.project).await.map_err(store)? else {
        return Ok(Named::These(digests));
    };
    if project.deleted {
        return Ok(Named::LeaveAlone("it is being erased"));
    }
    digests.extend(project.books().map(|(digest, _)| digest));
    for run in runs(&project) {
        if !of_run(context, scope, run, &mut digests).await? {
            return Ok(Named::LeaveAlone("what one of its runs names can't be read"));
        }
    }
    Ok(Named::These(digests))
}

fn of_upload(row: &UploadRow) -> Vec<Digest> {
    match &row.state {
        UploadState::Receiving { chunks } => chunks.iter().map(|chunk| chunk.digest).chain(row.expected).collect(),
        UploadState::Complete { digest } | UploadState::Taken { digest, .. } => vec![*digest],
    }
}

fn runs(project: &ProjectRow) -> impl Iterator<Item = RunId> + '_ {
    project.earlier_runs.iter().copied().chain(project.run)
}

/// Adds what a run names; `false` where its manifest can't be read, which names blobs too.
async fn of_run(context: &RunContext, scope: Scope, run: RunId, into: &mut HashSet<Digest>) -> Result<bool, Fault> {
    let store = |e: StoreError| store_fault(&e);
    let Some(row) = context.records.run_get(run).await.map_err(store)? else { return Ok(true) };
    into.extend(row.artefacts.iter().map(|artefact| artefact.digest));
    into.extend(context.records.segments(run).await.map_err(store)?.iter().map(|row| row.segment.digest));
    let Some(digest) = row.manifest else { return Ok(true) };
    if into.contains(&digest) {
        // A run that repeats another one shares its manifest, and all that this names.
        return Ok(true);
    }
    match context.get::<Manifest>(scope, digest).await {
        Ok(manifest) => {
            into.extend([digest, manifest.book, manifest.inputs]);
            Ok(true)
        }
        Err(Halt::Later(fault)) => Err(fault),
        Err(_) => Ok(false),
    }
}
