//! What is done to projects, their revisions and runs.

use cluster::body::keyed::BeginRunAs;
use cluster::body::projects::ArtefactReply;
use cluster::body::sharing::QueryShared;
use cluster::body::work::{
    AuditRun, BeginRun, DiscardProject, GetRunFile, ListActivity, ListRevisions, ListRuns, PatchProject, QueryProjects,
    ReadProject, ReadRun, RestoreProject, ReviseFromUpload, ReviseProject, RunKind,
};
use domain::book::Format;
use domain::id::{ProjectId, RunId};
use domain::project::{
    PAGE_DEFAULT, PAGE_MAX, Project, ProjectPatch, ProjectQuery, RevisionList, RunAudit, RunList, RunRequest,
    Shown as Which,
};
use domain::sharing::{ProjectAs, ProjectAsPage, ProjectRole};
use serde::de::DeserializeOwned;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

use super::Request;
use super::handlers::{artefact_response, empty, file_name, json, located};
use super::problem::ApiError;
use super::shown::Shown;

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Acts of a page of activity, unless another number is asked for.
const ACTIVITY_DEFAULT: u32 = 50;

/// `GET /api/v1/projects`
pub async fn list(request: Request) -> Result {
    let query = ProjectQuery {
        shown: choice(&request, "shown")?.unwrap_or_default(),
        state: choice(&request, "state")?,
        language: choice(&request, "language")?,
        search: request.query("search").unwrap_or_default().to_owned(),
        sort: choice(&request, "sort")?.unwrap_or_default(),
        reversed: choice(&request, "reversed")?.unwrap_or_default(),
    };
    let limit = number(&request, "limit", 1..=u64::from(PAGE_MAX))?.map_or(PAGE_DEFAULT, |limit| limit as u32);
    let cursor = request.query("cursor").map(str::to_owned);
    let (principal, core, context) = (request.principal, &request.gateway.core, request.context());
    let (page, roles) = match query.shown {
        // Whoever has no account was given nothing.
        Which::Shared if principal.account().is_some() => {
            let reply = core.call(QueryShared { principal, query, limit, cursor }, context).await?;
            (reply.page, reply.roles)
        }
        _ => {
            let page = core.call(QueryProjects { principal, query, limit, cursor }, context).await?.page;
            let roles = vec![ProjectRole::Owner; page.projects.len()];
            (page, roles)
        }
    };
    let theirs = |(project, role)| ProjectAs { project, role, visits: false };
    let projects = page.projects.into_iter().zip(roles).map(theirs).collect();
    Ok(json(StatusCode::OK, &ProjectAsPage { projects, total: page.total, next: page.next }))
}

/// A query parameter that is one of a few words, as JSON spells them.
fn choice<T: DeserializeOwned>(request: &Request, name: &str) -> Result<Option<T>> {
    let Some(text) = request.query(name) else { return Ok(None) };
    let spelt = serde_json::from_value(text.into()).or_else(|_| serde_json::from_str(text));
    spelt.map(Some).map_err(|_| {
        let said: String = text.chars().take(40).collect();
        ApiError::new("bad-request", format!("`{name}` can't be `{said}`: the API's document says what it can be"))
    })
}

/// A query parameter that is a number within a range.
pub(super) fn number(request: &Request, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>> {
    let Some(text) = request.query(name) else { return Ok(None) };
    let found = text.parse().ok().filter(|number| range.contains(number));
    let wanted = || format!("`{name}` is a number from {} to {}", range.start(), range.end());
    found.map(Some).ok_or_else(|| ApiError::new("bad-request", wanted()))
}

fn is_deleted() -> ApiError {
    let detail = "this project was deleted; POST to its `restore` brings it back while that can be undone";
    ApiError::new("project-not-found", detail)
}

/// `GET /api/v1/projects/{project}`
pub async fn get(request: Request) -> Result {
    let (principal, project) = (request.principal, request.path_id(0)?);
    if let Some(rows) = request.gateway.at_hand.as_ref().and_then(|at_hand| at_hand.rows(principal, project)) {
        if rows.is_deleted() {
            return Err(is_deleted());
        }
        let shown = request.gateway.shown.shown(project, request.role, request.visits(), rows)?;
        return Ok(shown.answer(&request.headers, StatusCode::OK));
    }
    let project = request.gateway.core.call(ReadProject { principal, project }, request.context()).await?.project;
    if project.deleted.is_some() {
        return Err(is_deleted());
    }
    Ok(Shown::of(&request.as_theirs(project))?.answer(&request.headers, StatusCode::OK))
}

/// `PATCH /api/v1/projects/{project}`
pub async fn patch(mut request: Request) -> Result {
    let patch: ProjectPatch = request.json().await?;
    let expected = expected_version(&request.headers)?;
    let ask = PatchProject { principal: request.principal, project: request.path_id(0)?, expected, patch };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(Shown::of(&request.as_theirs(reply.project))?.answer(&HeaderMap::new(), StatusCode::OK))
}

/// `DELETE /api/v1/projects/{project}`
pub async fn delete(request: Request) -> Result {
    let at_once = match request.query("erase") {
        None => false,
        Some("now") => true,
        Some(_) => return Err(ApiError::new("bad-request", "`erase` can only be `now`")),
    };
    let expected = expected_version(&request.headers)?;
    let ask = DiscardProject { principal: request.principal, project: request.path_id(0)?, expected, at_once };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/projects/{project}/restore`
pub async fn restore(request: Request) -> Result {
    let ask = RestoreProject { principal: request.principal, project: request.path_id(0)? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(Shown::of(&request.as_theirs(reply.project))?.answer(&HeaderMap::new(), StatusCode::OK))
}

/// `GET /api/v1/projects/{project}/revisions`
pub async fn revisions(request: Request) -> Result {
    let ask = ListRevisions { principal: request.principal, project: request.path_id(0)? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &RevisionList { revisions: reply.revisions }))
}

/// `POST /api/v1/projects/{project}/revisions`: of the body, or of an upload that is complete.
pub async fn revise(mut request: Request) -> Result {
    let project = match request.query("upload") {
        Some(upload) => {
            let upload = upload.parse().map_err(|_| ApiError::new("upload-not-found", "there is no such upload"))?;
            let ask = ReviseFromUpload { principal: request.principal, project: request.path_id(0)?, upload };
            request.gateway.core.call(ask, request.context()).await?.project
        }
        None => revise_from_body(&mut request).await?,
    };
    Ok(Shown::of(&request.as_theirs(project))?.answer(&HeaderMap::new(), StatusCode::CREATED))
}

/// The bytes go to a scope of their own, where the core checks them.
async fn revise_from_body(request: &mut Request) -> Result<Project> {
    let file_name = file_name(request.query("name").unwrap_or_default())?;
    let project: ProjectId = request.path_id(0)?;
    let ask = ReadProject { principal: request.principal, project };
    request.gateway.core.call(ask, request.context()).await?;
    let upload = ProjectId(request.new_id());
    let limit = request.gateway.upload_limit_bytes;
    let body = request.take_body();
    let stored = request.gateway.bulk.put(request.scope(upload), body, limit).await?;
    let ask = ReviseProject {
        principal: request.principal,
        project,
        upload,
        file_name,
        book: stored.digest,
        book_bytes: stored.bytes,
    };
    Ok(request.gateway.core.call(ask, request.context()).await?.project)
}

/// `GET /api/v1/projects/{project}/revisions/{revision}/file`
pub async fn revision_file(request: Request) -> Result {
    let (project, number): (ProjectId, u32) = (request.path_id(0)?, request.path_id(1)?);
    let ask = ListRevisions { principal: request.principal, project };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    let missing = || ApiError::new("revision-not-found", "the project has no revision of this number");
    let revision = reply.revisions.into_iter().find(|revision| revision.number == number).ok_or_else(missing)?;
    let media_type = revision.book.format.map_or("application/octet-stream", Format::media_type).to_owned();
    let file = ArtefactReply { digest: revision.book.digest, bytes: revision.book.bytes, media_type };
    artefact_response(request, project, &file, Some(&revision.book.name)).await
}

/// `GET /api/v1/projects/{project}/runs`
pub async fn runs(request: Request) -> Result {
    let ask = ListRuns { principal: request.principal, project: request.path_id(0)? };
    let mut runs = request.gateway.core.call(ask, request.context()).await?.runs;
    runs.iter_mut().for_each(|run| run.by = request.told(run.by));
    Ok(json(StatusCode::OK, &RunList { runs }))
}

/// `GET /api/v1/projects/{project}/runs/{run}`
pub async fn run(request: Request) -> Result {
    let ask = ReadRun { principal: request.principal, project: request.path_id(0)?, run: request.path_id(1)? };
    let mut run = request.gateway.core.call(ask, request.context()).await?.run;
    run.by = request.told(run.by);
    Ok(json(StatusCode::OK, &run))
}

/// `POST /api/v1/projects/{project}/runs`
pub async fn start_run(mut request: Request) -> Result {
    let RunRequest { settings, revision } = request.optional_json().await?.unwrap_or_default();
    begin(request, RunKind::With { settings, revision }).await
}

/// `POST /api/v1/projects/{project}/runs/{run}/retry`
pub async fn retry_run(request: Request) -> Result {
    let run = request.path_id(1)?;
    begin(request, RunKind::Again { run }).await
}

async fn begin(request: Request, kind: RunKind) -> Result {
    let project: ProjectId = request.path_id(0)?;
    let ask = BeginRun { principal: request.principal, project, kind };
    let (core, context) = (&request.gateway.core, request.context());
    let reply = match request.made {
        Some(id) => core.call(BeginRunAs { run: RunId(id), ask }, context).await?,
        None => core.call(ask, context).await?,
    };
    let location = format!("/api/v1/projects/{project}/runs/{}", reply.run.id);
    Ok(located(json(StatusCode::CREATED, &reply.run), &location))
}

/// `GET /api/v1/projects/{project}/runs/{run}/files/{name}`
pub async fn run_file(request: Request) -> Result {
    let project: ProjectId = request.path_id(0)?;
    let (run, name): (RunId, String) = (request.path_id(1)?, request.path_id(2)?);
    let ask = GetRunFile { principal: request.principal, project, run, name: name.clone() };
    let found = request.gateway.core.call(ask, request.context()).await?;
    artefact_response(request, project, &found, Some(&name)).await
}

/// `GET /api/v1/projects/{project}/runs/{run}/audit`
pub async fn audit(request: Request) -> Result {
    let ask = AuditRun { principal: request.principal, project: request.path_id(0)?, run: request.path_id(1)? };
    let found = request.gateway.core.call(ask, request.context()).await?;
    let audit = RunAudit {
        clean: found.missing == 0 && found.repeated == 0 && found.foreign == 0,
        items: found.items,
        segments: found.segments,
        missing: found.missing,
        repeated: found.repeated,
        foreign: found.foreign,
    };
    Ok(json(StatusCode::OK, &audit))
}

/// `GET /api/v1/projects/{project}/activity`
pub async fn activity(request: Request) -> Result {
    let limit = number(&request, "limit", 1..=200)?.map_or(ACTIVITY_DEFAULT, |limit| limit as u32);
    let before = number(&request, "before", 0..=u64::MAX)?;
    let ask = ListActivity { principal: request.principal, project: request.path_id(0)?, before, limit };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.page))
}

/// The version that `If-Match` demands; `None` where it demands none.
///
/// # Errors
/// `precondition-failed` for a tag that no project of ours ever had, `bad-request` for several.
fn expected_version(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    if text.contains(',') {
        return Err(ApiError::new("bad-request", "name one ETag in `If-Match`: the one that you have"));
    }
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = inside.and_then(|tag| tag.split('-').next()?.parse().ok());
    let detail = "this is not the ETag that the project has: look at it again";
    version.map(Some).ok_or_else(|| ApiError::new("precondition-failed", detail))
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn if_match(value: &'static str) -> std::result::Result<Option<u64>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        expected_version(&headers).map_err(|error| error.code)
    }

    #[test]
    fn if_match_names_one_strong_tag_of_ours_or_any() {
        assert_eq!(if_match("\"12-0123456789abcdef\""), Ok(Some(12)));
        assert_eq!(if_match("\"12\""), Ok(Some(12)));
        assert_eq!(if_match("*"), Ok(None));
        assert_eq!(if_match("W/\"12-0123456789abcdef\""), Err("precondition-failed".into()));
        assert_eq!(if_match("\"other\""), Err("precondition-failed".into()));
        assert_eq!(if_match("\"1-a\", \"2-b\""), Err("bad-request".into()));
        assert_eq!(expected_version(&HeaderMap::new()).map_err(|error| error.code), Ok(None));
    }
}
