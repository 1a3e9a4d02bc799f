//! What each route does. Handlers speak to the core in envelopes, move bytes over the bulk plane, and
//! know nothing else.

use cluster::body::projects::{ArtefactReply, CancelRun, CreateProject, GetArtefact};
use domain::api::NodeInfo;
use domain::id::{ProjectId, RunId};
use futures_util::TryStreamExt;
use serde::Serialize;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::problem::ApiError;
use super::{Request, openapi as document};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Longest file name that is kept.
const MAX_NAME_BYTES: usize = 255;

/// `GET /health/live`
pub async fn live(_: Request) -> Result {
    Ok(empty())
}

/// `GET /health/ready`
pub async fn ready(request: Request) -> Result {
    if *request.gateway.stopping.borrow() {
        return Err(ApiError::new("stopping", "the node is stopping"));
    }
    if !*request.gateway.ready.borrow() {
        return Err(ApiError::new("not-ready", "the model is still being loaded; try again in a few seconds"));
    }
    Ok(empty())
}

/// `GET /api/v1/openapi.json`
pub async fn openapi(_: Request) -> Result {
    Ok(json(StatusCode::OK, &document::document()))
}

/// `GET /api/v1/node`
pub async fn node(request: Request) -> Result {
    let info = NodeInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        local_trust: true,
        upload_limit_bytes: request.gateway.upload_limit_bytes,
        formats: [".epub", ".pdf", ".docx", ".html", ".htm", ".md", ".txt"].map(str::to_owned).to_vec(),
    };
    Ok(json(StatusCode::OK, &info))
}

/// `POST /api/v1/projects`: the bytes go to the bulk plane first; the core checks them before it makes
/// the project, and removes them if they are no book.
pub async fn create(mut request: Request) -> Result {
    let file_name = file_name(request.query("name").unwrap_or_default())?;
    let project = ProjectId(uuid::Uuid::now_v7().as_u128());
    let scope = request.scope(project);
    let limit = request.gateway.upload_limit_bytes;
    let body = request.take_body();
    let stored = request.gateway.bulk.put(scope, body, limit).await?;
    let ask = CreateProject {
        principal: request.principal,
        project,
        file_name,
        book: stored.digest,
        book_bytes: stored.bytes,
        demo: false,
    };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(located(json(StatusCode::CREATED, &reply.project), &format!("/api/v1/projects/{project}")))
}

/// The answer with the address of what was made.
pub(super) fn located(mut response: Response, location: &str) -> Response {
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The last part of what a browser or program calls the file, without control characters.
pub(super) fn file_name(given: &str) -> Result<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim();
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name == "." || name == ".." {
        let detail = "say the file's name: POST /api/v1/projects?name=book.epub (at most 255 bytes)";
        return Err(ApiError::new("upload-without-name", detail));
    }
    Ok(name.to_owned())
}

/// `POST /api/v1/projects/{project}/runs/{run}/cancel`
pub async fn cancel_run(request: Request) -> Result {
    let run: RunId = request.path_id(1)?;
    let ask = CancelRun { principal: request.principal, project: request.path_id(0)?, run };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.run))
}

/// `GET /api/v1/projects/{project}/files/{name}`
pub async fn file(request: Request) -> Result {
    let project = request.path_id(0)?;
    let name: String = request.path_id(1)?;
    let ask = GetArtefact { principal: request.principal, project, name: name.clone() };
    let found = request.gateway.core.call(ask, request.context()).await?;
    artefact_response(request, project, &found, Some(&name)).await
}

/// The bytes of an artefact, to be saved under a name where one is given.
pub(super) async fn artefact_response(
    request: Request,
    project: ProjectId,
    found: &ArtefactReply,
    download: Option<&str>,
) -> Result {
    let etag = format!("\"{}\"", found.digest);
    if is_fresh(&request.headers, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        cache_headers(response.headers_mut(), &etag);
        return Ok(response);
    }
    let fetched = request.gateway.bulk.get(request.scope(project), found.digest, None).await?;
    let body = sync_wrapper::SyncStream::new(fetched.body.map_err(|fault| std::io::Error::other(fault.to_string())));
    let mut response = warp::reply::stream(body).into_response();
    artefact_headers(response.headers_mut(), found, &etag, download);
    Ok(response)
}

fn artefact_headers(headers: &mut HeaderMap, found: &ArtefactReply, etag: &str, download: Option<&str>) {
    cache_headers(headers, etag);
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &found.media_type);
    set(header::CONTENT_LENGTH, &found.bytes.to_string());
    if let Some(name) = download {
        // A storyboard.html holds a stranger's text: it is saved, never run in our origin.
        set(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    }
}

fn cache_headers(headers: &mut HeaderMap, etag: &str) {
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

pub(super) fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut response = warp::reply::with_status(warp::reply::json(value), status).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn empty() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_keeps_nothing_of_a_path() {
        assert_eq!(file_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(file_name("C:\\books\\a b.epub").unwrap(), "a b.epub");
        assert!(file_name("..").is_err());
        assert!(file_name("a/").is_err());
        assert!(file_name(&"x".repeat(300)).is_err());
    }
}
