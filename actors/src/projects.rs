//! What is done to projects, over the records port.
//!
//! Whatever touches several partitions leaves an intent first, and every step can be done again: whoever
//! finds the intent after a crash finishes the work, or clears away what was never acknowledged.

use std::sync::Arc;

use cluster::body::projects::{ArtefactReply, CreateProject};
use cluster::body::{Fault, Scope};
use domain::api::{BookFile, ProjectView, RunView};
use domain::book::Book;
use domain::id::{ProjectId, RunId};
use domain::principal::Principal;
use domain::run::{Progress, RunState};
use store::rows::{IntentBody, IntentRow, LIST_MAX, OutboxEvent, ProjectRow, RunRow, RunUpdate, shard_of};
use store::{Cas, StoreError};

use crate::clock::wall_ms;
use crate::relay::relay;
use crate::run::{Halt, RunContext, RunName, heavy, permit};
use crate::storage::blob_scope;
use crate::uploads::Coming;
use crate::{store_fault, uploads};

/// Tries of a compare-and-set that somebody else was faster at.
const MAX_TRIES: u32 = 8;
/// Runs of one project that are kept.
const MAX_RUNS: usize = 100;

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

/// Makes a project of an uploaded book and its first run's row. The file is read before anything is
/// acknowledged; one that can't be read leaves nothing behind.
pub async fn create(context: &Arc<RunContext>, ask: &CreateProject) -> Result<(ProjectRow, RunName)> {
    let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
    let _beginning = context.beginning.mark(ask.project.0)?;
    if let Some(row) = context.records.project_get(scope.tenant, scope.project).await.map_err(fault)? {
        return match (row.run, row.deleted) {
            (Some(run), false) => Ok((row, RunName { run, scope })),
            _ => Err(no_project()),
        };
    }
    let begun = match checked(context, scope, ask).await {
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

/// Begins a project of a book that was read, if there is room for it. Its bytes are those of another project
/// of the tenant, where one has the same book.
async fn admit(
    context: &Arc<RunContext>,
    scope: Scope,
    ask: &CreateProject,
    book: Book,
) -> Result<(ProjectRow, RunName)> {
    // Held until the row is there: of two that ask for the last place, one gets it.
    let _room = uploads::room(context, scope.tenant, Coming::Book(ask.book, ask.book_bytes)).await?;
    let rows = context.records.project_list(scope.tenant, LIST_MAX).await.map_err(fault)?;
    if let Some(row) = rows.iter().find(|row| row.books().any(|(digest, _)| digest == ask.book)) {
        let from = blob_scope(Scope { project: row.project, ..scope });
        // What is there stays where it can't be shared: it is gone by now, or damaged.
        if let Err(error) = context.blobs.link(from, blob_scope(scope), ask.book).await {
            tracing::info!(%error, project = %scope.project, "a book that is there already is kept once more");
        }
    }
    insert(context, scope, ask, book).await
}

/// The book of an upload, or why it is none.
async fn checked(context: &Arc<RunContext>, scope: Scope, ask: &CreateProject) -> Result<Book> {
    let halted = |halt| match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    };
    let permit = permit(context).await.map_err(halted)?;
    let bytes = context.blobs.get(blob_scope(scope), ask.book, context.limits.file_bytes).await.map_err(fault)?;
    let (name, limits) = (ask.file_name.clone(), context.limits.clone());
    let read = heavy(permit, move || book::read(&name, &bytes, &limits)).await.map_err(halted)?;
    read.map_err(|e| Fault::new(e.code(), e.to_string()))
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
    let row = ProjectRow {
        tenant: scope.tenant,
        project: scope.project,
        version: 0,
        title: book.title,
        authors: book.authors,
        language: Some(book.language),
        format: Some(book.source.format),
        file_name: ask.file_name.clone(),
        book: ask.book,
        book_bytes: ask.book_bytes,
        created_ms: wall_ms(),
        demo: ask.demo,
        deleted: false,
        run: Some(name.run),
        earlier_runs: Vec::new(),
    };
    put_intent(context, name.run.0, run_intent(name)).await?;
    let inserted = match insert_run(context, name).await {
        Ok(()) => insert_project(context, row).await,
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

async fn insert_project(context: &RunContext, row: ProjectRow) -> Result<ProjectRow> {
    let (tenant, project) = (row.tenant, row.project);
    match context.records.project_insert(row).await.map_err(fault)? {
        Cas::Applied(row) => Ok(row),
        Cas::Conflict(_) => Err(busy()),
        // The row itself says whether it happened.
        Cas::Unknown(error) => {
            let found = context.records.project_get(tenant, project).await.map_err(fault)?;
            found.ok_or_else(|| fault(error))
        }
    }
}

/// Removes a run that nobody was told of, if its project certainly does not name it; otherwise its intent
/// finds out.
async fn undo_run(context: &RunContext, name: RunName) {
    if let Err(fault) = try_undo_run(context, name).await {
        tracing::warn!(%fault, run = %name.run, "a run that did not begin is left to its intent");
    }
}

async fn try_undo_run(context: &RunContext, name: RunName) -> Result<()> {
    let project = context.records.project_get(name.scope.tenant, name.scope.project).await.map_err(fault)?;
    if project.is_some_and(|row| row.run == Some(name.run)) {
        return Ok(());
    }
    context.records.run_remove(name.run).await.map_err(fault)?;
    drop_intent(context, name.run.0).await
}

fn new_run() -> RunId {
    RunId(uuid::Uuid::now_v7().as_u128())
}

fn run_intent(name: RunName) -> IntentBody {
    IntentBody::Run { tenant: name.scope.tenant, project: name.scope.project, run: name.run }
}

pub(crate) async fn put_intent(context: &RunContext, id: u128, body: IntentBody) -> Result<()> {
    let row = IntentRow { id, shard: shard_of(id), body, created_ms: wall_ms() };
    context.records.intent_put(row).await.map_err(fault)
}

/// Makes a run's row; one that is there already stays as it is.
pub async fn insert_run(context: &RunContext, name: RunName) -> Result<()> {
    let row = RunRow {
        tenant: name.scope.tenant,
        project: name.scope.project,
        run: name.run,
        version: 0,
        state: RunState::Received,
        progress: Progress::default(),
        warnings: Vec::new(),
        manifest: None,
        segments: 0,
        artefacts: Vec::new(),
        created_ms: wall_ms(),
        outbox_next: 0,
    };
    let event = OutboxEvent { state: RunState::Received, progress: Progress::default() };
    match context.records.run_insert(row, vec![event]).await.map_err(fault)? {
        Cas::Applied(_) | Cas::Conflict(_) => Ok(()),
        Cas::Unknown(error) => Err(fault(error)),
    }
}

/// A project's row, if the asker's tenant has it and it is not being deleted.
pub async fn find(context: &RunContext, principal: Principal, project: ProjectId) -> Result<ProjectRow> {
    let row = context.records.project_get(principal.tenant, project).await.map_err(fault)?;
    row.filter(|row| !row.deleted).ok_or_else(no_project)
}

/// Makes another run the project's newest, unless one is under way.
pub async fn start_run(context: &RunContext, principal: Principal, project: ProjectId) -> Result<(RunView, RunName)> {
    let name = RunName { run: new_run(), scope: Scope { tenant: principal.tenant, project } };
    refuse_if_running(context, &find(context, principal, project).await?).await?;
    let _beginning = context.beginning.mark(name.run.0)?;
    put_intent(context, name.run.0, run_intent(name)).await?;
    let begun = match insert_run(context, name).await {
        Ok(()) => point_to(context, principal, name).await,
        Err(fault) => Err(fault),
    };
    match begun {
        Ok(()) => Ok((view_run(context, name).await?, name)),
        Err(fault) => {
            undo_run(context, name).await;
            Err(fault)
        }
    }
}

async fn refuse_if_running(context: &RunContext, row: &ProjectRow) -> Result<()> {
    let Some(current) = row.run else { return Ok(()) };
    match context.records.run_get(current).await.map_err(fault)? {
        Some(run) if !run.state.is_final() => {
            Err(Fault::new("run-in-progress", "this book is being analysed; cancel that run first"))
        }
        _ => Ok(()),
    }
}

/// Makes a run its project's newest one.
async fn point_to(context: &RunContext, principal: Principal, name: RunName) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let row = find(context, principal, name.scope.project).await?;
        if row.run == Some(name.run) {
            return Ok(());
        }
        refuse_if_running(context, &row).await?;
        let mut changed = row.clone();
        changed.earlier_runs.extend(changed.run.replace(name.run));
        let surplus = changed.earlier_runs.len().saturating_sub(MAX_RUNS);
        for old in changed.earlier_runs.drain(..surplus) {
            context.records.run_remove(old).await.map_err(fault)?;
        }
        match context.records.project_update(changed, row.version).await.map_err(fault)? {
            Cas::Applied(_) => return Ok(()),
            // Somebody was faster, or it is not known: the row says on the next round.
            Cas::Conflict(_) | Cas::Unknown(_) => {}
        }
    }
    Err(busy())
}

/// Ends a run that nobody drives; one that has ended stays as it is.
pub async fn cancel_row(context: &RunContext, run: RunId) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let Some(row) = context.records.run_get(run).await.map_err(fault)? else { return Ok(()) };
        if row.state.is_final() {
            return Ok(());
        }
        let (project, progress, version) = (row.project, row.progress, row.version);
        let update = RunUpdate {
            row: RunRow { state: RunState::Cancelled, ..row },
            expected_version: version,
            fence: None,
            segments: Vec::new(),
            events: vec![OutboxEvent { state: RunState::Cancelled, progress }],
        };
        if let Cas::Applied(_) = context.records.run_update(update).await.map_err(fault)? {
            return relay(context.records.as_ref(), &context.bells, project, run).await.map_err(fault);
        }
    }
    Err(busy())
}

/// Marks a project as deleted; from then on nobody finds it. [`erase`] removes what it holds.
pub async fn mark_deleted(context: &RunContext, principal: Principal, project: ProjectId) -> Result<ProjectRow> {
    for _ in 0..MAX_TRIES {
        let row = context.records.project_get(principal.tenant, project).await.map_err(fault)?;
        let row = row.ok_or_else(no_project)?;
        if row.deleted {
            return Ok(row);
        }
        put_intent(context, project.0, IntentBody::DeleteProject { tenant: principal.tenant, project }).await?;
        let changed = ProjectRow { deleted: true, ..row.clone() };
        match context.records.project_update(changed, row.version).await.map_err(fault)? {
            Cas::Applied(row) => return Ok(row),
            Cas::Conflict(_) => {}
            Cas::Unknown(error) => return Err(fault(error)),
        }
    }
    Err(busy())
}

/// Removes all that a project holds, its row last. Done again, it finds less to do.
pub async fn erase(context: &RunContext, scope: Scope) -> Result<()> {
    if let Some(row) = context.records.project_get(scope.tenant, scope.project).await.map_err(fault)? {
        if !row.deleted {
            // The mark never took effect: the deletion was not acknowledged.
            return drop_intent(context, scope.project.0).await;
        }
        for run in row.earlier_runs.iter().copied().chain(row.run) {
            context.records.run_remove(run).await.map_err(fault)?;
            drop_intent(context, run.0).await?;
        }
    }
    context.blobs.delete_scope(blob_scope(scope)).await.map_err(fault)?;
    context.records.events_remove(scope.project).await.map_err(fault)?;
    context.records.project_remove(scope.tenant, scope.project).await.map_err(fault)?;
    drop_intent(context, scope.project.0).await
}

/// Removes an intent whose work is done.
pub async fn drop_intent(context: &RunContext, id: u128) -> Result<()> {
    context.records.intent_remove(shard_of(id), id).await.map_err(fault)
}

/// What a run's intent calls for.
pub enum Mend {
    /// The run is to be driven.
    Drive,
    /// Nothing: it has ended, or never began.
    Drop,
}

/// Finds out what a run's intent calls for, and does again what a crash may have left out.
pub async fn mend_run(context: &RunContext, name: RunName) -> Result<Mend> {
    let project = context.records.project_get(name.scope.tenant, name.scope.project).await.map_err(fault)?;
    let Some(project) = project else {
        // The project was never acknowledged; its upload goes with it.
        context.records.run_remove(name.run).await.map_err(fault)?;
        context.blobs.delete_scope(blob_scope(name.scope)).await.map_err(fault)?;
        return Ok(Mend::Drop);
    };
    if project.run != Some(name.run) {
        if !project.earlier_runs.contains(&name.run) {
            context.records.run_remove(name.run).await.map_err(fault)?;
        }
        return Ok(Mend::Drop);
    }
    if project.deleted {
        return Ok(Mend::Drop);
    }
    match context.records.run_get(name.run).await.map_err(fault)? {
        Some(run) if run.state.is_final() => {
            let (records, bells) = (context.records.as_ref(), &context.bells);
            relay(records, bells, name.scope.project, name.run).await.map_err(fault)?;
            Ok(Mend::Drop)
        }
        Some(_) => Ok(Mend::Drive),
        None => insert_run(context, name).await.map(|()| Mend::Drive),
    }
}

/// All projects of a tenant, newest first.
pub async fn list(context: &RunContext, principal: Principal) -> Result<Vec<ProjectView>> {
    let mut rows = context.records.project_list(principal.tenant, LIST_MAX).await.map_err(fault)?;
    rows.retain(|row| !row.deleted);
    rows.sort_by_key(|row| std::cmp::Reverse((row.created_ms, row.project)));
    let mut views = Vec::with_capacity(rows.len());
    for row in &rows {
        views.push(view(context, row).await?);
    }
    Ok(views)
}

/// A project as its members see it.
pub async fn view(context: &RunContext, row: &ProjectRow) -> Result<ProjectView> {
    let run = match row.run {
        Some(run) => {
            let name = RunName { run, scope: Scope { tenant: row.tenant, project: row.project } };
            find_run(context, name).await?
        }
        None => None,
    };
    Ok(ProjectView {
        id: row.project,
        title: row.title.clone(),
        authors: row.authors.clone(),
        language: row.language,
        created_ms: row.created_ms,
        demo: row.demo,
        book: BookFile { name: row.file_name.clone(), digest: row.book, bytes: row.book_bytes, format: row.format },
        run,
    })
}

/// A run as its project's members see it.
pub async fn view_run(context: &RunContext, name: RunName) -> Result<RunView> {
    let missing = || Fault::new("run-not-found", "there is no such run");
    find_run(context, name).await?.ok_or_else(missing)
}

/// The log's head is read first: a row that is newer than the head only means that an event comes whose
/// news is known already.
async fn find_run(context: &RunContext, name: RunName) -> Result<Option<RunView>> {
    let head = context.records.events_head(name.scope.project).await.map_err(fault)?;
    let row = context.records.run_get(name.run).await.map_err(fault)?;
    Ok(row.filter(|row| row.project == name.scope.project).map(|row| RunView {
        id: row.run,
        state: row.state,
        progress: row.progress,
        warnings: row.warnings,
        seq: head.next_seq - 1,
    }))
}

/// Where a file of the newest run that finished lies.
pub async fn artefact(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    file: &str,
) -> Result<ArtefactReply> {
    let row = find(context, principal, project).await?;
    for run in row.run.into_iter().chain(row.earlier_runs.iter().rev().copied()) {
        let Some(run) = context.records.run_get(run).await.map_err(fault)? else { continue };
        if run.state != RunState::Ready {
            continue;
        }
        if let Some(found) = run.artefacts.into_iter().find(|artefact| artefact.name == file) {
            return Ok(ArtefactReply { digest: found.digest, bytes: found.bytes, media_type: found.media_type });
        }
    }
    let detail = format!("there is no {file} yet: it is made when the analysis is done");
    Err(Fault::new("artefact-not-found", detail))
}
