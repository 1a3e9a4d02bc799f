//! What is asked of a text by itself, or of a project's revision.

use cluster::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply, GetAnalysis};
use cluster::body::projects::ArtefactReply;
use cluster::body::{Payload, Scope};
use cluster::bulk::once;
use cluster::link::CallContext;
use domain::analysis::{AnalysisId, AnalysisKind, AnalysisRequest, TEXT_MAX_BYTES};
use domain::id::ProjectId;
use domain::language::Language;
use domain::principal::Principal;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::download::{self, Sending};
use super::handlers::located;
use super::membership::reach_named;
use super::problem::ApiError;
use super::routes::Permission;
use super::{Gateway, Request};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Texts up to this size go with the message; none that is larger is answered at once.
const INLINE_TEXT_BYTES: usize = 64 << 10;
/// When to ask again how an analysis stands, seconds.
const ASK_AGAIN_S: u32 = 2;

/// `POST /api/v1/analysis/semantic`
pub async fn semantic(request: Request) -> Result {
    analyse(request, AnalysisKind::Semantic).await
}

/// `POST /api/v1/analysis/extract-scenes`
pub async fn extract_scenes(request: Request) -> Result {
    analyse(request, AnalysisKind::ExtractScenes).await
}

/// `POST /api/v1/analysis/summarize`
pub async fn summarize(request: Request) -> Result {
    analyse(request, AnalysisKind::Summarize).await
}

async fn analyse(mut request: Request, kind: AnalysisKind) -> Result {
    let asked: AnalysisRequest = request.json().await?;
    let both = || ApiError::new("bad-request", "say either `text` (with `language`, if you know it) or `project`");
    let reply = match (asked.text, asked.project) {
        (Some(text), None) if asked.revision.is_none() => {
            let language = asked.language.as_deref().map(language).transpose()?;
            let (gateway, asker) = (request.gateway.clone(), (request.principal, request.context()));
            analyse_text(&gateway, asker, kind, text, language).await?
        }
        (None, Some(project)) if asked.language.is_none() => {
            let (gateway, asker, context) = (request.gateway.clone(), request.asker, request.context());
            let principal = reach_named(&gateway, asker, project, Permission::ProjectWrite, context).await?;
            let ask = AnalyseProject { principal, kind, project, revision: asked.revision };
            gateway.core.call(ask, context).await?
        }
        _ => return Err(both()),
    };
    answer(request, reply, StatusCode::ACCEPTED).await
}

fn language(said: &str) -> Result<Language> {
    match said {
        "en" => Ok(Language::En),
        "fr" => Ok(Language::Fr),
        _ => Err(ApiError::new("language-unsupported", "`language` is `en` or `fr`: no others are read")),
    }
}

async fn analyse_text(
    gateway: &Gateway,
    (principal, context): (Principal, CallContext),
    kind: AnalysisKind,
    text: String,
    language: Option<Language>,
) -> Result<AnalysisReply> {
    let project = ProjectId(uuid::Uuid::now_v7().as_u128());
    let scope = Scope { tenant: principal.tenant, project };
    if !text.contains(char::is_alphabetic) {
        return Err(ApiError::new("text-empty", "there is no sentence in this text; send some prose"));
    }
    if text.len() > TEXT_MAX_BYTES {
        let detail = format!("a text may have {} MiB; upload what is longer as a book", TEXT_MAX_BYTES >> 20);
        return Err(ApiError::new("text-too-long", detail));
    }
    let text_bytes = text.len() as u64;
    let text = if text.len() <= INLINE_TEXT_BYTES {
        Payload::Inline(text.into_bytes())
    } else {
        let body = once(text.into_bytes());
        Payload::Bulk(gateway.bulk.put(scope, body, text_bytes).await?.digest)
    };
    let ask = AnalyseText { principal, kind, project, text, text_bytes, language };
    Ok(gateway.core.call(ask, context).await?)
}

/// `GET /api/v1/analysis/status/{analysis}`
pub async fn status(request: Request) -> Result {
    let id: AnalysisId = request.path_id(0)?;
    let ask = GetAnalysis { principal: request.principal, id };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    answer(request, reply, StatusCode::OK).await
}

/// What is there, or where it will be.
async fn answer(request: Request, reply: AnalysisReply, later: StatusCode) -> Result {
    let mut response = match reply.json {
        Payload::Inline(bytes) => {
            let mut response = Response::new(bytes.into());
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Payload::Bulk(digest) => {
            let media_type = "application/json".to_owned();
            let file = ArtefactReply { digest, bytes: reply.json_bytes, media_type };
            let caching = "private, no-cache".to_owned();
            let sending = Sending { scope: reply.scope, file: &file, attachment: None, caching };
            download::send(&request.gateway, &request.headers, sending).await?
        }
    };
    if let (Some(id), false) = (reply.id, reply.ready) {
        *response.status_mut() = later;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_S));
        return Ok(located(response, &format!("/api/v1/analysis/status/{id}")));
    }
    Ok(response)
}
