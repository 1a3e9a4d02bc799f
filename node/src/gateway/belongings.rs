//! What belongs to an account: an archive of all of it, a picture, leaving; and the node's own log.

use cluster::body::Scope;
use cluster::body::exports::{BeginExport, GetAvatar, GetExport, PutAvatar, RemoveAvatar, SignExport};
use cluster::body::leaving::{LeaveAccount, ListAudit};
use domain::api::FileLink;
use domain::audit::AUDIT_PAGE_MAX;
use domain::belongings::{AVATAR_MAX_BYTES, PlannedDeletion};
use domain::id::ProjectId;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::access::unconfirmed;
use super::accounts::{visitor, with_cookie};
use super::download::is_fresh;
use super::handlers::{empty, json};
use super::problem::ApiError;
use super::projects::number;
use super::{Request, cookie};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// What a picture is sent as.
pub const AVATAR: &str = "image/jpeg";
/// Entries of a page, unless another number is asked for.
const ENTRIES_DEFAULT: u32 = 50;

/// `POST /api/v1/account/deletion`
pub async fn leave(mut request: Request) -> Result {
    let ask = LeaveAccount { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    let erase_at_ms = request.gateway.core.call(ask, request.context()).await?.erase_at_ms;
    let reply = json(StatusCode::OK, &PlannedDeletion { erase_at_ms });
    Ok(with_cookie(reply, &cookie::forget(request.gateway.auth.secure)))
}

/// `POST /api/v1/account/export`
pub async fn begin_export(request: Request) -> Result {
    let ask = BeginExport { principal: request.principal, visitor: visitor(&request) };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::ACCEPTED, &reply.export))
}

/// `GET /api/v1/account/export`
pub async fn export(request: Request) -> Result {
    let ask = GetExport { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.export))
}

/// `POST /api/v1/account/export/link`
pub async fn link_export(request: Request) -> Result {
    let ask = SignExport { principal: request.principal };
    let signed = request.gateway.core.call(ask, request.context()).await?;
    let link = FileLink { path: format!("/api/v1/files/{}", signed.token), expires_ms: signed.expires_ms };
    Ok(json(StatusCode::CREATED, &link))
}

/// `PUT /api/v1/account/avatar`
pub async fn put_avatar(mut request: Request) -> Result {
    let needed = || ApiError::new("account-needed", "this is about an account, and nobody is signed in to one");
    let signed = request.principal.signed().ok_or_else(needed)?;
    if !signed.confirmed {
        return Err(unconfirmed());
    }
    let scope = Scope { tenant: request.principal.tenant, project: ProjectId(signed.account.0) };
    let body = request.take_body();
    let stored = request.gateway.bulk.put(scope, body, AVATAR_MAX_BYTES).await?;
    let ask = PutAvatar { principal: request.principal, visitor: visitor(&request), sent: stored.digest };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `GET /api/v1/account/avatar`
pub async fn avatar(request: Request) -> Result {
    let ask = GetAvatar { principal: request.principal };
    let found = request.gateway.core.call(ask, request.context()).await?;
    let etag = format!("\"{}\"", found.digest);
    let mut response = match is_fresh(&request.headers, &etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => found.bytes.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(AVATAR));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // A picture needs nothing, whatever somebody would have it be.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

/// `DELETE /api/v1/account/avatar`
pub async fn remove_avatar(request: Request) -> Result {
    let ask = RemoveAvatar { principal: request.principal, visitor: visitor(&request) };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `GET /api/v1/audit`
pub async fn audit(request: Request) -> Result {
    let limit = number(&request, "limit", 1..=u64::from(AUDIT_PAGE_MAX))?.map_or(ENTRIES_DEFAULT, |n| n as u32);
    let bad = |_| ApiError::new("bad-request", "`before` is an entry's id");
    let before = request.query("before").map(str::parse).transpose().map_err(bad)?;
    let ask = ListAudit { principal: request.principal, before, limit };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.page))
}
