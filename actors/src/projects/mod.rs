//! What is done to projects, over the records port.
//!
//! Whatever touches several partitions leaves an intent first, and every step can be done again: whoever
//! finds the intent after a crash finishes the work, or clears away what was never acknowledged.
//!
//! | module | holds |
//! |---|---|
//! | here | making a project; what all of it shares |
//! | [`changes`] | words, archiving, deleting with time to think again, erasing |
//! | [`runs`] | beginning, repeating, cancelling and mending runs |
//! | [`revisions`] | another file as a project's book |
//! | [`listing`] | the list: filtered, sorted, searched, in pages |
//! | [`views`] | rows as their members see them |

pub mod changes;
pub mod listing;
pub mod revisions;
pub mod runs;
pub mod views;

use std::sync::Arc;

use cluster::body::projects::CreateProject;
use cluster::body::{Fault, Scope};
use domain::book::Book;
use domain::id::{Digest, ProjectId, RunId};
use domain::principal::Principal;
use domain::project::{Act, Actor};
use domain::run::RunState;
use store::rows::{IntentBody, IntentRow, LIST_MAX, NewAct, ProjectRow, RevisionRow, RunRow, shard_of};
use store::{Cas, StoreError};

use crate::clock::wall_ms;
use crate::room::{Coming, room};
use crate::run::{Halt, RunContext, RunName, heavy, permit};
use crate::storage::blob_scope;
use crate::store_fault;
use runs::{Plan, insert_run, new_run, run_intent, undo_run};

/// Tries of a compare-and-set that somebody else was faster at.
const MAX_TRIES: u32 = 8;

type Result<T> = std::result::Result<T, Fault>;

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

fn no_project() -> Fault {
    Fault::new("project-not-found", "there is no such project")
}

fn busy() -> Fault {
    Fault::new("conflict", "somebody else is changing this project; try again").retry_after(200)
}

/// What somebody does now.
fn act(principal: Principal, what: Act) -> Option<NewAct> {
    Some(NewAct { at_ms: wall_ms(), by: principal.proof.into(), what })
}

/// Makes a project of an uploaded book and its first run's row. The file is read before anything is
/// acknowledged; one that can't be read leaves nothing behind.
pub async fn create(context: &Arc<RunContext>, ask: &CreateProject) -> Result<(ProjectRow, RunName)> {
    let _beginning = context.beginning.mark(ask.project.0)?;
    create_marked(context, ask).await
}

/// The same under the project's mark, which the caller holds.
pub(crate) async fn create_marked(context: &Arc<RunContext>, ask: &CreateProject) -> Result<(ProjectRow, RunName)> {
    let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
    if let Some(row) = context.records.project_get(scope.tenant, scope.project).await.map_err(fault)? {
        return match (row.run, row.deleted || row.trash.is_some()) {
            (Some(run), false) => Ok((row, RunName { run, scope })),
            _ => Err(no_project()),
        };
    }
    let begun = match checked(context, scope, &ask.file_name, ask.book).await {
        Ok(book) => admit(context, scope, ask, book).await,
        Err(refused) => Err(refused),
    };
    if begun.is_err()
        && let Err(fault) = remove_upload(context, scope).await
    {
        tracing::warn!(%fault, project = %scope.project, "a refused upload could not be removed");
    }
    begun
}

/// Removes what was uploaded for a project that certainly does not exist.
async fn remove_upload(context: &RunContext, scope: Scope) -> Result<()> {
    match context.records.project_get(scope.tenant, scope.project).await.map_err(fault)? {
        None => context.blobs.delete_scope(blob_scope(scope)).await.map_err(fault),
        Some(_) => Ok(()),
    }
}

/// Begins a project of a book that was read, if there is room for it.
async fn admit(
    context: &Arc<RunContext>,
    scope: Scope,
    ask: &CreateProject,
    book: Book,
) -> Result<(ProjectRow, RunName)> {
    // Until the row is there: of two that ask for the last place, one gets it.
    let _room = room(context, scope.tenant, Coming::Book(ask.book, ask.book_bytes, ask.project)).await?;
    share(context, scope, ask.book).await?;
    insert(context, scope, ask, book).await
}

/// Lets a project's book share its bytes with another project of the tenant that has the same one.
async fn share(context: &RunContext, scope: Scope, book: Digest) -> Result<()> {
    let rows = context.records.project_list(scope.tenant, LIST_MAX).await.map_err(fault)?;
    let has_it = |row: &&ProjectRow| row.project != scope.project && row.books().any(|(digest, _)| digest == book);
    if let Some(row) = rows.iter().find(has_it) {
        let from = blob_scope(Scope { project: row.project, ..scope });
        // What is there stays where it can't be shared: it is gone by now, or damaged.
        if let Err(error) = context.blobs.link(from, blob_scope(scope), book).await {
            tracing::info!(%error, project = %scope.project, "a book that is there already is kept once more");
        }
    }
    Ok(())
}

/// The book of an upload, or why it is none.
async fn checked(context: &Arc<RunContext>, scope: Scope, file_name: &str, file: Digest) -> Result<Book> {
    let halted = |halt| match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    };
    let permit = permit(context).await.map_err(halted)?;
    let bytes = context.blobs.get(blob_scope(scope), file, context.limits.file_bytes).await.map_err(fault)?;
    let (name, limits) = (file_name.to_owned(), context.limits.clone());
    let read = heavy(permit, move || book::read(&name, &bytes, &limits)).await.map_err(halted)?;
    read.map_err(|e| Fault::new(e.code(), e.to_string()))
}

/// A book that was read, as a revision's row.
fn revision_row(book: Book, file_name: String, digest: Digest, bytes: u64) -> RevisionRow {
    RevisionRow {
        title: book.title,
        authors: book.authors,
        language: Some(book.language),
        format: Some(book.source.format),
        file_name,
        digest,
        bytes,
        added_ms: wall_ms(),
    }
}

/// Intent, run row, then the project's row: the one write that makes it all visible. What fails before
/// that is undone here as far as it goes, and the rest by whoever finds the intent.
async fn insert(
    context: &Arc<RunContext>,
    scope: Scope,
    ask: &CreateProject,
    book: Book,
) -> Result<(ProjectRow, RunName)> {
    let name = RunName { run: new_run(), scope };
    let _beginning = context.beginning.mark(name.run.0)?;
    let now_ms = wall_ms();
    let row = ProjectRow {
        tenant: scope.tenant,
        project: scope.project,
        version: 0,
        name: None,
        description: String::new(),
        archived: false,
        book: revision_row(book, ask.file_name.clone(), ask.book, ask.book_bytes),
        earlier_books: Vec::new(),
        created_ms: now_ms,
        changed_ms: now_ms,
        demo: ask.demo,
        trash: None,
        deleted: false,
        run: Some(name.run),
        earlier_runs: Vec::new(),
    };
    put_intent(context, name.run.0, run_intent(name)).await?;
    let plan = Plan::usual(1, ask.principal.proof.into());
    let inserted = match insert_run(context, name, plan).await {
        Ok(()) => insert_project(context, row, act(ask.principal, Act::Created { file: ask.file_name.clone() })).await,
        Err(fault) => Err(fault),
    };
    match inserted {
        Ok(row) => Ok((row, name)),
        Err(fault) => {
            undo_run(context, name).await;
            Err(fault)
        }
    }
}

async fn insert_project(context: &RunContext, row: ProjectRow, act: Option<NewAct>) -> Result<ProjectRow> {
    let (tenant, project) = (row.tenant, row.project);
    match context.records.project_insert(row, act).await.map_err(fault)? {
        Cas::Applied(row) => Ok(row),
        Cas::Conflict(_) => Err(busy()),
        // The row itself says whether it happened.
        Cas::Unknown(error) => {
            let found = context.records.project_get(tenant, project).await.map_err(fault)?;
            found.ok_or_else(|| fault(error))
        }
    }
}

pub(crate) async fn put_intent(context: &RunContext, id: u128, body: IntentBody) -> Result<()> {
    let row = IntentRow { id, shard: shard_of(id), body, created_ms: wall_ms() };
    context.records.intent_put(row).await.map_err(fault)
}

/// Removes an intent whose work is done.
pub async fn drop_intent(context: &RunContext, id: u128) -> Result<()> {
    context.records.intent_remove(shard_of(id), id).await.map_err(fault)
}

/// A project's row, if the asker's tenant has it and nobody deleted it.
pub async fn find(context: &RunContext, principal: Principal, project: ProjectId) -> Result<ProjectRow> {
    let row = find_deleted_too(context, principal, project).await?;
    if row.trash.is_some() { Err(no_project()) } else { Ok(row) }
}

/// A project's row, if the asker's tenant has it and it is not being erased.
pub async fn find_deleted_too(context: &RunContext, principal: Principal, project: ProjectId) -> Result<ProjectRow> {
    let row = context.records.project_get(principal.tenant, project).await.map_err(fault)?;
    row.filter(|row| !row.deleted).ok_or_else(no_project)
}

/// Which rows a change may be made to.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// A project that nobody deleted.
    Live,
    /// The same, while no run is under way but this one.
    Idle(RunId),
    /// One that may have been deleted, too.
    DeletedToo,
    /// One that may be being erased, too.
    Any,
}

async fn look(context: &RunContext, principal: Principal, project: ProjectId, of: Of) -> Result<ProjectRow> {
    match of {
        Of::Live => find(context, principal, project).await,
        Of::DeletedToo => find_deleted_too(context, principal, project).await,
        Of::Any => {
            let row = context.records.project_get(principal.tenant, project).await.map_err(fault)?;
            row.ok_or_else(no_project)
        }
        Of::Idle(run) => {
            let row = find(context, principal, project).await?;
            if row.run != Some(run) {
                runs::refuse_if_running(context, &row).await?;
            }
            Ok(row)
        }
    }
}

/// Changes a project's row by compare-and-set, and says what was done, all or nothing. `change` may be asked several
/// times; where it changes nothing and nothing was done, nothing is written.
///
/// # Errors
/// `precondition-failed` if the row has another version than `expected`; why there is no such row, and what `change`
/// says.
async fn change_row(
    context: &RunContext,
    principal: Principal,
    (project, of): (ProjectId, Of),
    expected: Option<u64>,
    change: impl Fn(&mut ProjectRow) -> Result<Option<NewAct>>,
) -> Result<ProjectRow> {
    let (mut wanted, mut refusal): (Option<ProjectRow>, _) = (None, busy());
    for _ in 0..MAX_TRIES {
        let row = look(context, principal, project, of).await?;
        // An outcome that was not known: what was wanted stands there.
        if wanted.take().is_some_and(|wanted| wanted == row) {
            return Ok(row);
        }
        if let Some(version) = expected.filter(|version| *version != row.version) {
            let detail = format!("the project is at version {} by now, not {version}: look at it again", row.version);
            return Err(Fault::new("precondition-failed", detail));
        }
        let mut changed = row.clone();
        let act = change(&mut changed)?;
        if changed == row && act.is_none() {
            return Ok(row);
        }
        changed.changed_ms = wall_ms();
        match context.records.project_update(changed.clone(), row.version, act).await.map_err(fault)? {
            Cas::Applied(row) => return Ok(row),
            Cas::Conflict(_) => {}
            Cas::Unknown(error) => {
                (wanted, refusal) = (Some(ProjectRow { version: row.version + 1, ..changed }), fault(error));
            }
        }
    }
    Err(refusal)
}

/// Writes down that something was done which changes nothing else of the project's row. What can't be written now is
/// not worth failing what was done.
pub async fn note(context: &RunContext, principal: Principal, project: ProjectId, what: Act) {
    let noted = change_row(context, principal, (project, Of::Live), None, |_| Ok(act(principal, what.clone())));
    if let Err(fault) = noted.await {
        tracing::warn!(%fault, %project, "what was done is missing from the project's activity");
    }
}

/// The runs of a project, newest first.
fn runs_of(row: &ProjectRow) -> impl Iterator<Item = RunId> + '_ {
    row.run.into_iter().chain(row.earlier_runs.iter().rev().copied())
}

/// The newest run of a project that finished.
pub(crate) async fn newest_ready(context: &RunContext, row: &ProjectRow) -> Result<Option<RunRow>> {
    for run in runs_of(row) {
        let run = context.records.run_get(run).await.map_err(fault)?;
        if let Some(run) = run.filter(|run| run.state == RunState::Ready) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

pub(crate) fn no_artefact(file: &str) -> Fault {
    Fault::new("artefact-not-found", format!("there is no {file} yet: it is made when the analysis is done"))
}

/// Who asked, as rows keep it.
fn actor(principal: Principal) -> Actor {
    principal.proof.into()
}
