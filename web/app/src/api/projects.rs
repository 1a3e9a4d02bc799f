//! Projects, their files, runs and activity.

use domain::api::RunView;
use domain::id::{ProjectId, RunId};
use domain::project::{ActivityPage, Project, ProjectPatch, RevisionList, Run, RunAudit, RunList, RunRequest};
use domain::sharing::{ProjectAs, ProjectAsPage};
use gloo_net::http::Method;

use super::{ApiError, Ask, ROOT};

/// A page of the shelf: `query` as it stands in an address.
pub async fn projects(query: &str) -> Result<ProjectAsPage, ApiError> {
    Ask::get(format!("/projects?{query}")).read().await
}

/// One project, and what one may do with it.
pub async fn project(id: ProjectId) -> Result<ProjectAs, ApiError> {
    Ask::get(format!("/projects/{id}")).read().await
}

/// Names, describes or archives a project, if what people set of it is still at `version`.
pub async fn change(id: ProjectId, version: u64, patch: &ProjectPatch) -> Result<Project, ApiError> {
    let ask = Ask::new(Method::PATCH, format!("/projects/{id}")).json(patch);
    ask.header("if-match", tag(version)).read().await
}

/// Deletes a project, if what people set of it is still at `version`.
pub async fn delete(id: ProjectId, version: u64) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/projects/{id}")).header("if-match", tag(version)).done().await
}

/// Erases a project, deleted or not, at once and for good.
pub async fn erase(id: ProjectId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/projects/{id}?erase=now")).done().await
}

/// Brings a deleted project back.
pub async fn restore(id: ProjectId) -> Result<Project, ApiError> {
    Ask::post(format!("/projects/{id}/restore")).read().await
}

/// The files that were given as the project's book.
pub async fn revisions(id: ProjectId) -> Result<RevisionList, ApiError> {
    Ask::get(format!("/projects/{id}/revisions")).read().await
}

/// The runs that are kept.
pub async fn runs(id: ProjectId) -> Result<RunList, ApiError> {
    Ask::get(format!("/projects/{id}/runs")).read().await
}

/// Starts a run.
pub async fn start_run(id: ProjectId, request: &RunRequest) -> Result<Run, ApiError> {
    Ask::post(format!("/projects/{id}/runs")).json(request).read().await
}

/// Tries a run again that failed or was cancelled.
pub async fn retry_run(id: ProjectId, run: RunId) -> Result<Run, ApiError> {
    Ask::post(format!("/projects/{id}/runs/{run}/retry")).read().await
}

/// Stops a run.
pub async fn cancel_run(id: ProjectId, run: RunId) -> Result<RunView, ApiError> {
    Ask::post(format!("/projects/{id}/runs/{run}/cancel")).read().await
}

/// Whether a run's results are whole.
pub async fn audit_run(id: ProjectId, run: RunId) -> Result<RunAudit, ApiError> {
    Ask::get(format!("/projects/{id}/runs/{run}/audit")).long().read().await
}

/// What was done to a project, newest first.
pub async fn activity(id: ProjectId, before: Option<u64>) -> Result<ActivityPage, ApiError> {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    Ask::get(format!("/projects/{id}/activity?limit=30{before}")).read().await
}

/// Where to follow a project's events after `seq`.
pub fn events_url(id: ProjectId, seq: u64) -> String {
    format!("{ROOT}/projects/{id}/events?after={seq}")
}

/// Where to fetch one of the newest finished run's files, with the edits.
pub fn file_url(id: ProjectId, name: &str) -> String {
    format!("{ROOT}/projects/{id}/files/{name}")
}

/// Where to fetch one of a run's files, as the run made it.
pub fn run_file_url(id: ProjectId, run: RunId, name: &str) -> String {
    format!("{ROOT}/projects/{id}/runs/{run}/files/{name}")
}

/// The ETag that stands for a version of what people set.
fn tag(version: u64) -> String {
    format!("\"{version}\"")
}
