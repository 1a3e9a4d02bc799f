//! What belongs to an account: leaving with all of it; and the node's own log.

use cluster::body::leaving::{LeaveAccount, ListAudit};
use domain::account::PlannedDeletion;
use domain::audit::AUDIT_PAGE_MAX;
use warp::http::StatusCode;
use warp::reply::Response;

use super::accounts::{visitor, with_cookie};
use super::handlers::json;
use super::problem::ApiError;
use super::projects::number;
use super::{Request, cookie};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Entries of a page, unless another number is asked for.
const ENTRIES_DEFAULT: u32 = 50;

/// `POST /api/v1/account/deletion`
pub async fn leave(mut request: Request) -> Result {
    let ask = LeaveAccount { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    let erase_at_ms = request.gateway.core.call(ask, request.context()).await?.erase_at_ms;
    let reply = json(StatusCode::OK, &PlannedDeletion { erase_at_ms });
    Ok(with_cookie(reply, &cookie::forget(request.gateway.auth.secure)))
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
