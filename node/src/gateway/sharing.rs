//! Who has a project: members, invitations, share links.

use actors::clock::wall_ms;
use cluster::body::sharing::{
    AcceptInvitation, ChangeMember, InviteMember, ListMembers, MakeShareLink, OpenShareLink, RemoveMember,
    RevokeShareLink, WithdrawInvitation,
};
use domain::id::{InvitationId, ProjectId, ShareLinkId};
use domain::sharing::{MemberRole, ShareLinkList};
use warp::http::StatusCode;
use warp::reply::Response;

use super::accounts::{visitor, with_cookie};
use super::handlers::{empty, json, located};
use super::problem::ApiError;
use super::{Request, cookie};

type Result<T = Response> = std::result::Result<T, ApiError>;

fn listing(request: &Request) -> Result<ListMembers> {
    Ok(ListMembers { principal: request.asker, project: request.path_id(0)? })
}

/// `GET /api/v1/projects/{project}/members`
pub async fn members(request: Request) -> Result {
    let reply = request.gateway.core.call(listing(&request)?, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.members))
}

/// `PUT /api/v1/projects/{project}/members/{account}`
pub async fn change_member(mut request: Request) -> Result {
    let MemberRole { role } = request.json().await?;
    let (principal, visitor) = (request.asker, visitor(&request));
    let (project, member) = (request.path_id(0)?, request.path_id(1)?);
    let ask = ChangeMember { principal, visitor, project, member, role };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `DELETE /api/v1/projects/{project}/members/{account}`
pub async fn remove_member(request: Request) -> Result {
    let (principal, visitor) = (request.asker, visitor(&request));
    let (project, member) = (request.path_id(0)?, request.path_id(1)?);
    let ask = RemoveMember { principal, visitor, project, member };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/projects/{project}/invitations`
pub async fn invite(mut request: Request) -> Result {
    let body = request.json().await?;
    let project: ProjectId = request.path_id(0)?;
    let ask = InviteMember {
        principal: request.asker,
        visitor: visitor(&request),
        project,
        invitation: InvitationId(request.new_id()),
        request: body,
    };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    let location = format!("/api/v1/projects/{project}/invitations/{}", reply.invitation.id);
    Ok(located(json(StatusCode::CREATED, &reply.invitation), &location))
}

/// `DELETE /api/v1/projects/{project}/invitations/{invitation}`
pub async fn withdraw(request: Request) -> Result {
    let (principal, visitor) = (request.asker, visitor(&request));
    let (project, invitation) = (request.path_id(0)?, request.path_id(1)?);
    let ask = WithdrawInvitation { principal, visitor, project, invitation };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/invitations/accept`
pub async fn accept(mut request: Request) -> Result {
    let body = request.json().await?;
    let ask = AcceptInvitation { principal: request.asker, visitor: visitor(&request), request: body };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.joined))
}

/// `GET /api/v1/projects/{project}/links`
pub async fn links(request: Request) -> Result {
    let links = request.gateway.core.call(listing(&request)?, request.context()).await?.links;
    Ok(json(StatusCode::OK, &ShareLinkList { links }))
}

/// `POST /api/v1/projects/{project}/links`
pub async fn make_link(mut request: Request) -> Result {
    let body = request.json().await?;
    let project: ProjectId = request.path_id(0)?;
    let link = ShareLinkId(request.new_id());
    let (principal, visitor) = (request.asker, visitor(&request));
    let ask = MakeShareLink { principal, visitor, project, link, request: body };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    let location = format!("/api/v1/projects/{project}/links/{link}");
    Ok(located(json(StatusCode::CREATED, &reply.link), &location))
}

/// `DELETE /api/v1/projects/{project}/links/{link}`
pub async fn revoke_link(request: Request) -> Result {
    let (principal, visitor) = (request.asker, visitor(&request));
    let (project, link) = (request.path_id(0)?, request.path_id(1)?);
    let ask = RevokeShareLink { principal, visitor, project, link };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/links/open`: what shows that it was opened goes into a cookie, and nowhere else.
pub async fn open_link(mut request: Request) -> Result {
    let ask = OpenShareLink { visitor: visitor(&request), request: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    let valid_s = reply.opened.expires_ms.saturating_sub(wall_ms()) / 1_000;
    let kept = cookie::keep_opened(request.gateway.auth.secure, &reply.visit, reply.opened.project, valid_s);
    Ok(with_cookie(json(StatusCode::OK, &reply.opened), &kept))
}
