//! Another file as a project's book: a translation's next draft, a better scan.
//!
//! The upload lies in a scope of its own until it is accepted, so that one that is refused can be removed whole and
//! takes nothing of the project along. It is then linked into the project's blobs; row, run and activity change in one
//! compare-and-set.

use std::sync::Arc;

use cluster::body::work::ReviseProject;
use cluster::body::{Fault, Scope};
use domain::id::{Digest, ProjectId};
use domain::principal::Principal;
use domain::project::Revision;
use store::failpoint;
use store::rows::ProjectRow;

use super::runs::{Plan, refuse_if_running, start};
use super::views::revision_view;
use super::{Result, actor, checked, fault, find, revision_row, share};
use crate::room::{Coming, room};
use crate::run::{RunContext, RunName};
use crate::storage::blob_scope;

/// Revisions that a project may have.
const MAX_REVISIONS: u32 = 100;

/// Takes an uploaded file as the project's book, and begins its analysis. Whatever comes of it, the upload's own
/// scope is removed.
///
/// # Errors
/// `revision-unchanged`, `too-many-revisions`, `quota-exceeded`, `run-in-progress`, and why the file is no book.
pub async fn revise(context: &Arc<RunContext>, ask: &ReviseProject) -> Result<RunName> {
    let upload = Scope { tenant: ask.principal.tenant, project: ask.upload };
    let taken = context.records.project_get(upload.tenant, upload.project).await.map_err(fault)?;
    if taken.is_some() {
        return Err(Fault::new("bad-request", "an upload lies in a scope of its own"));
    }
    let revised = accept(context, ask, upload).await;
    if let Err(fault) = context.blobs.delete_scope(blob_scope(upload)).await {
        tracing::warn!(%fault, "the scope of an upload could not be removed");
    }
    revised
}

/// The same without the removal: the file lies in the scope of `upload`.
pub(crate) async fn accept(context: &Arc<RunContext>, ask: &ReviseProject, upload: Scope) -> Result<RunName> {
    let row = find(context, ask.principal, ask.project).await?;
    refuse_if_running(context, &row).await?;
    refuse_if_known(&row, ask.book)?;
    let book = checked(context, upload, &ask.file_name, ask.book).await?;
    let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
    // Until the row is there: of two that ask for the last place, one gets it.
    let _room = room(context, scope.tenant, Coming::Book(ask.book, ask.book_bytes, ask.upload)).await?;
    context.blobs.link(blob_scope(upload), blob_scope(scope), ask.book).await.map_err(fault)?;
    failpoint::pass("a revision is linked");
    share(context, scope, ask.book).await?;
    let added = revision_row(book, ask.file_name.clone(), ask.book, ask.book_bytes);
    let plan = Plan::usual(row.revision() + 1, actor(ask.principal));
    start(context, ask.principal, ask.project, plan, Some(added)).await
}

/// Refuses a file that the project has already, and one revision too many.
pub(super) fn refuse_if_known(row: &ProjectRow, file: Digest) -> Result<()> {
    if row.book.digest == file {
        let detail = "this is the file that the project has already; begin another run to analyse it again";
        return Err(Fault::new("revision-unchanged", detail));
    }
    if row.revision() >= MAX_REVISIONS {
        let detail = format!("a project has at most {MAX_REVISIONS} revisions; make another project of this file");
        return Err(Fault::new("too-many-revisions", detail));
    }
    Ok(())
}

/// The revisions of a project, newest first.
pub async fn list(context: &RunContext, principal: Principal, project: ProjectId) -> Result<Vec<Revision>> {
    let row = find(context, principal, project).await?;
    let numbers = (1..=row.revision()).rev();
    Ok(numbers.filter_map(|number| Some(revision_view(number, row.revision_of(number)?))).collect())
}
