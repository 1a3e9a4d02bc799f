//! A project's storyboard as it stands with its edits, and the edits themselves.

use cluster::body::work::{EditStoryboard, GetStoryboard, ListEdits};
use domain::edit::{EDITS_PAGE_MAX, EditEntry, EditRequest, UndoRequest};
use domain::id::{ProjectId, RunId};
use warp::http::StatusCode;
use warp::reply::Response;

use super::Request;
use super::handlers::{artefact_response, json};
use super::problem::ApiError;
use super::projects::number;

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Entries of a page, unless another number is asked for.
const PAGE_DEFAULT: u32 = 100;

/// `GET /api/v1/projects/{project}/storyboard`
pub async fn storyboard(request: Request) -> Result {
    let project: ProjectId = request.path_id(0)?;
    let ask = GetStoryboard {
        principal: request.principal,
        project,
        run: named_run(&request)?,
        version: number(&request, "version", 0..=u64::MAX)?,
        name: "storyboard.json".to_owned(),
    };
    let found = request.gateway.core.call(ask, request.context()).await?;
    artefact_response(request, project, &found, None).await
}

/// `GET /api/v1/projects/{project}/storyboard/edits`
pub async fn list(request: Request) -> Result {
    let ask = ListEdits {
        principal: request.principal,
        project: request.path_id(0)?,
        run: named_run(&request)?,
        after: number(&request, "after", 0..=u64::MAX)?.unwrap_or(0),
        limit: number(&request, "limit", 1..=u64::from(EDITS_PAGE_MAX))?.map_or(PAGE_DEFAULT, |limit| limit as u32),
    };
    let mut page = request.gateway.core.call(ask, request.context()).await?.page;
    page.entries.iter_mut().for_each(|edit| edit.by = request.told(edit.by));
    Ok(json(StatusCode::OK, &page))
}

/// `POST /api/v1/projects/{project}/storyboard/edits`
pub async fn edit(mut request: Request) -> Result {
    let EditRequest { run, version, edit } = request.json().await?;
    append(request, run, version, EditEntry::Edit { edit }).await
}

/// `POST /api/v1/projects/{project}/storyboard/undo`
pub async fn undo(mut request: Request) -> Result {
    let UndoRequest { run, version } = request.json().await?;
    append(request, run, version, EditEntry::Undo).await
}

/// `POST /api/v1/projects/{project}/storyboard/redo`
pub async fn redo(mut request: Request) -> Result {
    let UndoRequest { run, version } = request.json().await?;
    append(request, run, version, EditEntry::Redo).await
}

async fn append(request: Request, run: RunId, version: u64, entry: EditEntry) -> Result {
    let ask = EditStoryboard { principal: request.principal, project: request.path_id(0)?, run, version, entry };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.state))
}

fn named_run(request: &Request) -> Result<Option<RunId>> {
    let bad = |_| ApiError::new("bad-request", "`run` is the id of a run");
    request.query("run").map(str::parse).transpose().map_err(bad)
}
