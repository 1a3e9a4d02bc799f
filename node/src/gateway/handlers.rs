//! What each route does. Handlers speak to the core in envelopes, move bytes over the bulk plane, and
//! know nothing else.

use cluster::body::files::{OpenSigned, SignFile};
use cluster::body::projects::{ArtefactReply, CancelRun, CreateProject, GetArtefact};
use cluster::body::uploads::CreateFromUpload;
use domain::api::{FileLink, NodeInfo, ProjectView};
use domain::id::{ProjectId, RunId};
use serde::Serialize;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::download::{self, Sending};
use super::problem::ApiError;
use super::{Request, keyed, openapi as document};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// How long a signed address may be followed, unless told otherwise.
const LINK_VALID_S: u32 = 3_600;
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
        local_trust: request.gateway.auth.trusts_local(),
        claimed: *request.gateway.auth.claimed.borrow(),
        identity_provider: request.gateway.auth.provider.clone(),
        upload_limit_bytes: request.gateway.upload_limit_bytes,
        undo_delete_s: request.gateway.undo_delete_s,
        formats: [".epub", ".pdf", ".docx", ".html", ".htm", ".md", ".txt"].map(str::to_owned).to_vec(),
    };
    Ok(json(StatusCode::OK, &info))
}

/// `POST /api/v1/projects`: of the body, or of an upload that is complete.
pub async fn create(request: Request) -> Result {
    let project = match request.query("upload") {
        Some(upload) => {
            let upload = upload.parse().map_err(|_| ApiError::new("upload-not-found", "there is no such upload"))?;
            let ask = CreateFromUpload { principal: request.principal, upload };
            request.gateway.core.call(ask, request.context()).await?.project
        }
        None => create_from_body(request).await?,
    };
    let location = format!("/api/v1/projects/{}", project.id);
    Ok(located(json(StatusCode::CREATED, &project), &location))
}

/// The bytes go to the bulk plane first; the core checks them before it makes
/// the project, and removes them if they are no book.
async fn create_from_body(mut request: Request) -> Result<ProjectView> {
    let file_name = file_name(request.query("name").unwrap_or_default())?;
    let project = ProjectId(request.new_id());
    let scope = request.scope(project);
    let limit = request.gateway.upload_limit_bytes;
    let body = request.take_body();
    let stored = request.gateway.bulk.put(scope, body, limit).await?;
    let ask = CreateProject {
        principal: request.principal,
        project,
        file_name: file_name.clone(),
        book: stored.digest,
        book_bytes: stored.bytes,
        demo: false,
    };
    let made = request.gateway.core.call(ask, request.context()).await;
    let made = made.map_err(|fault| keyed::cleared_away(&request, fault))?.project;
    // What was there already may be another book's.
    if made.book.digest != stored.digest || made.book.name != file_name {
        return Err(actors::keyed::other_request().into());
    }
    Ok(made)
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
    let sending = Sending {
        scope: request.scope(project),
        file: found,
        attachment: download,
        // The next run, or an edit, gives the name to other bytes.
        caching: "private, no-cache".to_owned(),
    };
    download::send(&request.gateway, &request.headers, sending).await
}

/// `POST /api/v1/projects/{project}/files/{name}/link`
pub async fn link(request: Request) -> Result {
    let valid_s = match request.query("valid_s") {
        None => LINK_VALID_S,
        Some(text) => text.parse().map_err(|_| ApiError::new("bad-request", "`valid_s` is a number of seconds"))?,
    };
    let (project, name) = (request.path_id(0)?, request.path_id(1)?);
    let ask = SignFile { principal: request.principal, project, name, valid_s };
    let signed = request.gateway.core.call(ask, request.context()).await?;
    let link = FileLink { path: format!("/api/v1/files/{}", signed.token), expires_ms: signed.expires_ms };
    Ok(json(StatusCode::CREATED, &link))
}

/// `GET /api/v1/files/{token}`
pub async fn signed_file(request: Request) -> Result {
    let ask = OpenSigned { token: request.path_id(0)? };
    let found = request.gateway.core.call(ask, request.context()).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let left_s = (u128::from(found.expires_ms).saturating_sub(now.as_millis())) / 1_000;
    let sending = Sending {
        scope: found.scope,
        file: &found.file,
        attachment: Some(&found.name),
        caching: format!("private, max-age={left_s}, immutable"),
    };
    download::send(&request.gateway, &request.headers, sending).await
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
