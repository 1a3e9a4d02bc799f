//! A project's words, putting it aside, and deleting it with time to think again.
//!
//! Deleting marks the row and leaves an intent that is due when the time to undo is over. Each deletion has an intent
//! of its own, named in the row: one that comes due after an undo finds another name there, or none, and is dropped.
//! Erasing begins with one compare-and-set, so of an undo and an erasure at the same moment one wins.

use cluster::body::{Fault, Scope};
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::project::{Act, DESCRIPTION_MAX_CHARS, NAME_MAX_CHARS, ProjectPatch};
use store::rows::{IntentBody, IntentRow, NewAct, ProjectRow, Trash};
use store::{Cas, failpoint};

use super::{Of, Result, act, change_row, drop_intent, fault, find_deleted_too, look, put_intent};
use crate::accounts::sharing;
use crate::clock::wall_ms;
use crate::run::RunContext;
use crate::storage::blob_scope;

/// Changes what people say of a project.
///
/// # Errors
/// `precondition-failed`, `bad-name`, `bad-description`, `project-not-found`.
pub async fn patch(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    expected: Option<u64>,
    patch: &ProjectPatch,
) -> Result<ProjectRow> {
    let patch = cleaned(patch)?;
    let change = |row: &mut ProjectRow| Ok(applied(row, &patch, principal));
    change_row(context, principal, (project, Of::Live), expected, change).await
}

/// The patch with its texts trimmed, if they can be used.
fn cleaned(patch: &ProjectPatch) -> Result<ProjectPatch> {
    let bad = |code, detail: String| Err(Fault::new(code, detail));
    let name = match &patch.name {
        Some(Some(name)) => {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
                return bad("bad-name", format!("a name has one line of 1 to {NAME_MAX_CHARS} characters"));
            }
            Some(Some(name.to_owned()))
        }
        other => other.clone(),
    };
    let description = match &patch.description {
        Some(Some(text)) => {
            let text = text.trim();
            let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            if text.chars().count() > DESCRIPTION_MAX_CHARS || text.chars().any(is_odd) {
                return bad("bad-description", format!("a description has at most {DESCRIPTION_MAX_CHARS} characters"));
            }
            Some((!text.is_empty()).then(|| text.to_owned()))
        }
        other => other.clone(),
    };
    Ok(ProjectPatch { name, description, archived: patch.archived })
}

/// Applies a patch, and says what it changed.
fn applied(row: &mut ProjectRow, patch: &ProjectPatch, principal: Principal) -> Option<NewAct> {
    let before = row.clone();
    if let Some(name) = &patch.name {
        row.name = name.clone().filter(|name| *name != row.book.title);
    }
    if let Some(description) = &patch.description {
        row.description = description.clone().unwrap_or_default();
    }
    if let Some(archived) = patch.archived {
        row.archived = archived;
    }
    if *row == before {
        return None;
    }
    let name = (row.name != before.name).then(|| row.name.clone().unwrap_or_else(|| row.book.title.clone()));
    let archived = (row.archived != before.archived).then_some(row.archived);
    act(principal, Act::Changed { name, described: row.description != before.description, archived })
}

/// Deletes a project so that it can be restored until the time to undo is over. One that is deleted already stays as
/// it is.
///
/// # Errors
/// `precondition-failed`, `project-not-found`.
pub async fn discard(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    expected: Option<u64>,
) -> Result<ProjectRow> {
    let row = find_deleted_too(context, principal, project).await?;
    if row.trash.is_some() {
        return Ok(row);
    }
    let intent = uuid::Uuid::new_v4().as_u128();
    let at_ms = wall_ms();
    let erase_at_ms = at_ms.saturating_add(context.undo_delete.as_millis() as u64);
    let body = IntentBody::EraseProject { tenant: principal.tenant, project, not_before_ms: erase_at_ms };
    put_intent(context, intent, body).await?;
    let changed = change_row(context, principal, (project, Of::DeletedToo), expected, |row| {
        // Somebody may have been faster: then theirs holds, and this intent finds nothing to do.
        let is_first = row.trash.is_none();
        row.trash = row.trash.or(Some(Trash { at_ms, erase_at_ms, intent }));
        Ok(act(principal, Act::Deleted).filter(|_| is_first))
    });
    let row = changed.await?;
    failpoint::pass("a project is marked deleted");
    Ok(row)
}

/// Undoes a deletion. A project that nobody deleted stays as it is.
///
/// # Errors
/// `project-not-found` once it is being erased.
pub async fn restore(context: &RunContext, principal: Principal, project: ProjectId) -> Result<ProjectRow> {
    let deleted = find_deleted_too(context, principal, project).await?.trash;
    let restored = change_row(context, principal, (project, Of::DeletedToo), None, |row| {
        let was_deleted = row.trash.take().is_some();
        Ok(act(principal, Act::Restored).filter(|_| was_deleted))
    });
    let row = restored.await?;
    failpoint::pass("a project is restored");
    if let Some(trash) = deleted
        && let Err(fault) = drop_intent(context, trash.intent).await
    {
        tracing::debug!(%fault, %project, "the intent of a deletion that was undone is dropped when it is due");
    }
    Ok(row)
}

/// Marks a project as being erased; from then on nobody finds it. [`erase`] removes what it holds.
///
/// # Errors
/// `precondition-failed`, `project-not-found`.
pub async fn mark_deleted(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    expected: Option<u64>,
) -> Result<ProjectRow> {
    let row = look(context, principal, project, Of::Any).await?;
    if row.deleted {
        return Ok(row);
    }
    put_intent(context, project.0, IntentBody::DeleteProject { tenant: principal.tenant, project }).await?;
    let marked = change_row(context, principal, (project, Of::Any), expected, |row| {
        row.deleted = true;
        Ok(None)
    });
    let row = marked.await?;
    failpoint::pass("a project is marked to be erased");
    Ok(row)
}

/// What an intent to erase a deleted project calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    NotYet,
    /// The project is marked: erase it.
    Erase,
    /// Nothing any more.
    Never,
}

/// Finds out what an intent to erase a project calls for, and marks the project where it is due.
///
/// # Errors
/// What the store says; the intent stays for the next look.
pub async fn due(context: &RunContext, intent: &IntentRow, scope: Scope, not_before_ms: u64) -> Result<Due> {
    if wall_ms() < not_before_ms {
        return Ok(Due::NotYet);
    }
    let row = context.records.project_get(scope.tenant, scope.project).await.map_err(fault)?;
    match row {
        Some(row) if row.deleted => Ok(Due::Erase),
        Some(row) if row.trash.is_some_and(|trash| trash.intent == intent.id) => {
            let marked = ProjectRow { deleted: true, ..row.clone() };
            match context.records.project_update(marked, row.version, None).await.map_err(fault)? {
                Cas::Applied(_) => Ok(Due::Erase),
                // Restored at this very moment, or not known: the next look tells.
                Cas::Conflict(_) | Cas::Unknown(_) => Ok(Due::NotYet),
            }
        }
        _ => Ok(Due::Never),
    }
}

/// Removes all that a project holds, its row last. Done again, it finds less to do.
///
/// # Errors
/// What the store says; what is left is removed by the project's intent.
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
    failpoint::pass("a project's runs are erased");
    context.blobs.delete_scope(blob_scope(scope)).await.map_err(fault)?;
    // A run that was cancelled while it wrote leaves what it had of a blob.
    context.blobs.sweep_temporary().await.map_err(fault)?;
    failpoint::pass("a project's blobs are erased");
    context.records.events_remove(scope.project).await.map_err(fault)?;
    sharing::erase(context, scope.project).await?;
    context.records.project_remove(scope.tenant, scope.project).await.map_err(fault)?;
    drop_intent(context, scope.project.0).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ProjectPatch {
        ProjectPatch { name: Some(Some(name.to_owned())), ..ProjectPatch::default() }
    }

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert_eq!(cleaned(&named("  Le prêt d’hiver ")), Ok(named("Le prêt d’hiver")));
        for bad in ["", "   ", "two\nlines", &"x".repeat(201)] {
            assert_eq!(cleaned(&named(bad)).map_err(|fault| fault.code), Err("bad-name".to_owned()), "{bad:?}");
        }
        let none = ProjectPatch { name: Some(None), ..ProjectPatch::default() };
        assert_eq!(cleaned(&none), Ok(none));
    }

    #[test]
    fn a_description_may_have_lines_but_no_control_characters_and_an_empty_one_is_none() {
        let described =
            |text: &str| ProjectPatch { description: Some(Some(text.to_owned())), ..ProjectPatch::default() };
        assert_eq!(cleaned(&described("a\nb")), Ok(described("a\nb")));
        assert_eq!(cleaned(&described(" ")).map(|patch| patch.description), Ok(Some(None)));
        assert!(cleaned(&described("\u{7}")).is_err());
        assert!(cleaned(&described(&"é".repeat(4_000))).is_ok());
        assert!(cleaned(&described(&"é".repeat(4_001))).is_err());
    }
}
