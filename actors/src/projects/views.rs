//! Rows as the members of their project see them.

use cluster::body::{Fault, Scope};
use domain::api::{BookFile, ProjectView, RunView};
use domain::id::ProjectId;
use domain::project::{Deleted, Project, Revision, Run, RunFile};
use store::rows::{ProjectRow, RevisionRow, RunRow};

use super::{Result, fault};
use crate::run::{RunContext, RunName};

fn book_file(row: &RevisionRow) -> BookFile {
    BookFile { name: row.file_name.clone(), digest: row.digest, bytes: row.bytes, format: row.format }
}

/// A project as the first messages show it.
pub async fn view(context: &RunContext, row: &ProjectRow) -> Result<ProjectView> {
    Ok(ProjectView {
        id: row.project,
        title: row.book.title.clone(),
        authors: row.book.authors.clone(),
        language: row.book.language,
        created_ms: row.created_ms,
        demo: row.demo,
        book: book_file(&row.book),
        run: newest_run(context, row).await?,
    })
}

/// A project, whole.
pub async fn whole(context: &RunContext, row: &ProjectRow) -> Result<Project> {
    Ok(put_together(row, newest_run(context, row).await?))
}

/// The same from memory; `None` where its run is not at hand.
pub(crate) fn whole_at_once(context: &RunContext, row: &ProjectRow) -> Option<Project> {
    let Some(run) = row.run else { return Some(put_together(row, None)) };
    // In the order in which they are read else.
    let seq = context.records.events_head_at_hand(row.project)?.next_seq - 1;
    let run = context.records.run_at_hand(run)?;
    Some(put_together(row, run_view(&run, row.project, seq)))
}

fn put_together(row: &ProjectRow, run: Option<RunView>) -> Project {
    Project {
        id: row.project,
        version: row.version,
        name: row.name.clone().unwrap_or_else(|| row.book.title.clone()),
        named: row.name.is_some(),
        description: row.description.clone(),
        archived: row.archived,
        title: row.book.title.clone(),
        authors: row.book.authors.clone(),
        language: row.book.language,
        created_ms: row.created_ms,
        changed_ms: row.changed_ms,
        demo: row.demo,
        deleted: row.trash.map(|trash| Deleted { at_ms: trash.at_ms, erased_after_ms: trash.erase_at_ms }),
        book: book_file(&row.book),
        revision: row.revision(),
        run,
    }
}

/// A revision.
pub fn revision_view(number: u32, row: &RevisionRow) -> Revision {
    Revision {
        number,
        added_ms: row.added_ms,
        title: row.title.clone(),
        authors: row.authors.clone(),
        language: row.language,
        book: book_file(row),
    }
}

/// A run, whole. `seq` is the last event of its project that was there before the row was read.
pub fn whole_run(row: RunRow, seq: u64) -> Run {
    let file = |artefact: store::rows::Artefact| RunFile {
        name: artefact.name,
        bytes: artefact.bytes,
        media_type: artefact.media_type,
    };
    Run {
        id: row.run,
        revision: row.revision,
        settings: row.settings,
        of: row.of,
        by: row.by,
        created_ms: row.created_ms,
        ended_ms: row.ended_ms,
        state: row.state,
        progress: row.progress,
        warnings: row.warnings,
        files: row.artefacts.into_iter().map(file).collect(),
        seq,
    }
}

async fn newest_run(context: &RunContext, row: &ProjectRow) -> Result<Option<RunView>> {
    let Some(run) = row.run else { return Ok(None) };
    find_run(context, RunName { run, scope: Scope { tenant: row.tenant, project: row.project } }).await
}

/// A run as its project's members see it.
pub async fn view_run(context: &RunContext, name: RunName) -> Result<RunView> {
    let missing = || Fault::new("run-not-found", "there is no such run");
    find_run(context, name).await?.ok_or_else(missing)
}

/// The log's head is read first: a row that is newer than the head only means that an event comes whose
/// news is known already.
async fn find_run(context: &RunContext, name: RunName) -> Result<Option<RunView>> {
    let seq = last_event(context, name.scope.project).await?;
    let row = context.records.run_get(name.run).await.map_err(fault)?;
    Ok(row.and_then(|row| run_view(&row, name.scope.project, seq)))
}

/// A run as its project's members see it; none that is another project's.
fn run_view(row: &RunRow, project: ProjectId, seq: u64) -> Option<RunView> {
    (row.project == project).then(|| RunView {
        id: row.run,
        state: row.state.clone(),
        progress: row.progress,
        warnings: row.warnings.clone(),
        seq,
    })
}

/// Number of the last event of a project's log.
pub async fn last_event(context: &RunContext, project: ProjectId) -> Result<u64> {
    Ok(context.records.events_head(project).await.map_err(fault)?.next_seq - 1)
}
