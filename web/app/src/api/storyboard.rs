//! Storyboards with their edits.

use domain::edit::{EditPage, EditRequest, EditState, EditedStoryboard, UndoRequest};
use domain::id::{ProjectId, RunId};

use super::{ApiError, Ask};

/// A run's storyboard as it stands with its edits.
pub async fn storyboard(id: ProjectId, run: RunId) -> Result<EditedStoryboard, ApiError> {
    Ask::get(format!("/projects/{id}/storyboard?run={run}")).long().read().await
}

/// The same as it stood after so many of its edits.
pub async fn storyboard_at(id: ProjectId, run: RunId, version: u64) -> Result<EditedStoryboard, ApiError> {
    Ask::get(format!("/projects/{id}/storyboard?run={run}&version={version}")).long().read().await
}

/// Changes it.
pub async fn edit(id: ProjectId, request: &EditRequest) -> Result<EditState, ApiError> {
    Ask::post(format!("/projects/{id}/storyboard/edits")).json(request).read().await
}

/// Takes the newest change back.
pub async fn undo(id: ProjectId, request: &UndoRequest) -> Result<EditState, ApiError> {
    Ask::post(format!("/projects/{id}/storyboard/undo")).json(request).read().await
}

/// Brings the change back that was last taken back.
pub async fn redo(id: ProjectId, request: &UndoRequest) -> Result<EditState, ApiError> {
    Ask::post(format!("/projects/{id}/storyboard/redo")).json(request).read().await
}

/// At most `limit` changes after version `after`, oldest first.
pub async fn edits(id: ProjectId, run: RunId, after: u64, limit: u64) -> Result<EditPage, ApiError> {
    Ask::get(format!("/projects/{id}/storyboard/edits?run={run}&after={after}&limit={limit}")).read().await
}
