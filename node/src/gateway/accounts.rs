//! Accounts: signing up, in and out, and what belongs to whoever is signed in.

use cluster::body::accounts::{
    AskAddress, AskReset, BeginSession, ChangePassword, ChangeRole, ClaimNode, ConfirmAgain, EndSessions, FindAccount,
    FollowLink, ListAccountEvents, ListSessions, PatchAccount, ReadAccount, ResetPassword, SayPassword, SessionReply,
    SignUpAccount, Visitor, WhichSessions,
};
use domain::account::{ACCOUNT_PAGE_MAX, AGENT_MAX_BYTES, SessionList, SignedIn};
use domain::id::AccountId;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::access::csrf_token;
use super::handlers::{empty, json};
use super::problem::ApiError;
use super::projects::number;
use super::{Request, cookie};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Events of a page, unless another number is asked for.
const EVENTS_DEFAULT: u32 = 50;

/// Whoever sent a request, as accounts' logs know them.
pub(super) fn visitor(request: &Request) -> Visitor {
    let agent = request.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agent = agent[..agent.floor_char_boundary(AGENT_MAX_BYTES)].to_owned();
    Visitor { address: request.caller.address.to_string(), agent }
}

/// What was asked is being done, or not: the answer tells nothing.
fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

/// A session that began: its token goes into a cookie, and nowhere else.
fn signed_in(request: &Request, reply: SessionReply, status: StatusCode) -> Response {
    let body = SignedIn { csrf_token: csrf_token(&reply.token), account: reply.account };
    with_cookie(json(status, &body), &cookie::keep(request.gateway.auth.secure, &reply.token))
}

pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// `POST /api/v1/auth/claim`
pub async fn claim(mut request: Request) -> Result {
    let ask = ClaimNode { visitor: visitor(&request), request: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(signed_in(&request, reply, StatusCode::CREATED))
}

/// `POST /api/v1/auth/sign-up`
pub async fn sign_up(mut request: Request) -> Result {
    let ask = SignUpAccount { visitor: visitor(&request), request: request.json().await? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(accepted())
}

/// `POST /api/v1/auth/confirm`
pub async fn confirm(mut request: Request) -> Result {
    let ask = FollowLink { visitor: visitor(&request), request: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(signed_in(&request, reply, StatusCode::CREATED))
}

/// `POST /api/v1/auth/sign-in`
pub async fn sign_in(mut request: Request) -> Result {
    let instead_of = request.way.credential.cookie().cloned();
    let ask = BeginSession { visitor: visitor(&request), request: request.json().await?, instead_of };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(signed_in(&request, reply, StatusCode::CREATED))
}

/// `POST /api/v1/auth/sign-out`
pub async fn sign_out(request: Request) -> Result {
    let Some(signed) = request.principal.signed() else { return Ok(empty()) };
    let ask = ending(&request, WhichSessions::One(signed.session));
    request.gateway.core.call(ask, request.context()).await?;
    Ok(with_cookie(empty(), &cookie::forget(request.gateway.auth.secure)))
}

fn ending(request: &Request, which: WhichSessions) -> EndSessions {
    EndSessions { principal: request.principal, visitor: visitor(request), which }
}

/// `POST /api/v1/auth/forgot`
pub async fn forgot(mut request: Request) -> Result {
    let ask = AskReset { visitor: visitor(&request), request: request.json().await? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(accepted())
}

/// `POST /api/v1/auth/reset`
pub async fn reset(mut request: Request) -> Result {
    let ask = ResetPassword { visitor: visitor(&request), request: request.json().await? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/auth/again`
pub async fn say_password(mut request: Request) -> Result {
    let ask = SayPassword { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/auth/confirm-again`
pub async fn confirm_again(request: Request) -> Result {
    let ask = ConfirmAgain { principal: request.principal, visitor: visitor(&request) };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(accepted())
}

/// `GET /api/v1/account`
pub async fn get(request: Request) -> Result {
    let ask = ReadAccount { principal: request.principal };
    let account = request.gateway.core.call(ask, request.context()).await?.account;
    let csrf_token = request.way.credential.cookie().map(csrf_token).unwrap_or_default();
    Ok(json(StatusCode::OK, &SignedIn { account, csrf_token }))
}

/// `PATCH /api/v1/account`
pub async fn patch(mut request: Request) -> Result {
    let ask = PatchAccount { principal: request.principal, visitor: visitor(&request), patch: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.account))
}

/// `PUT /api/v1/account/password`
pub async fn change_password(mut request: Request) -> Result {
    let ask =
        ChangePassword { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(signed_in(&request, reply, StatusCode::OK))
}

/// `PUT /api/v1/account/email`
pub async fn ask_address(mut request: Request) -> Result {
    let ask = AskAddress { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(accepted())
}

/// `GET /api/v1/account/sessions`
pub async fn sessions(request: Request) -> Result {
    let ask = ListSessions { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &SessionList { sessions: reply.sessions }))
}

/// `DELETE /api/v1/account/sessions`
pub async fn end_all(request: Request) -> Result {
    let ask = ending(&request, WhichSessions::All);
    request.gateway.core.call(ask, request.context()).await?;
    Ok(with_cookie(empty(), &cookie::forget(request.gateway.auth.secure)))
}

/// `DELETE /api/v1/account/sessions/{session}`
pub async fn end_one(request: Request) -> Result {
    let ask = ending(&request, WhichSessions::One(request.path_id(0)?));
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `GET /api/v1/account/activity`
pub async fn activity(request: Request) -> Result {
    events(request, None).await
}

/// `GET /api/v1/accounts/{account}/activity`
pub async fn activity_of(request: Request) -> Result {
    let account = request.path_id(0)?;
    events(request, Some(account)).await
}

async fn events(request: Request, account: Option<AccountId>) -> Result {
    let limit = number(&request, "limit", 1..=u64::from(ACCOUNT_PAGE_MAX))?.map_or(EVENTS_DEFAULT, |n| n as u32);
    let before = number(&request, "before", 0..=u64::MAX)?;
    let ask = ListAccountEvents { principal: request.principal, account, before, limit };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.page))
}

/// `GET /api/v1/accounts`
pub async fn find(request: Request) -> Result {
    let email = request.query("email").unwrap_or_default().to_owned();
    let ask = FindAccount { principal: request.principal, email };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.account))
}

/// `PUT /api/v1/accounts/{account}/role`
pub async fn change_role(mut request: Request) -> Result {
    let account = request.path_id(0)?;
    let ask = ChangeRole {
        principal: request.principal,
        visitor: visitor(&request),
        account,
        request: request.json().await?,
    };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.account))
}
