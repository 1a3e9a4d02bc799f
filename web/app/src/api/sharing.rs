//! Projects of several people: members, invitations, share links.

use domain::id::{AccountId, InvitationId, ProjectId, ShareLinkId};
use domain::sharing::{
    InvitationRequest, InvitationUse, Joined, MemberRole, Members, NewShareLink, OpenedLink, ShareLinkList,
    ShareLinkRequest, ShareLinkUse,
};
use gloo_net::http::Method;

use super::{ApiError, Ask};

/// Who has a project.
pub async fn members(id: ProjectId) -> Result<Members, ApiError> {
    Ask::get(format!("/projects/{id}/members")).read().await
}

/// Gives a member another role.
pub async fn change_member(id: ProjectId, member: AccountId, role: MemberRole) -> Result<(), ApiError> {
    Ask::new(Method::PUT, format!("/projects/{id}/members/{member}")).json(&role).done().await
}

/// Removes a member, or leaves.
pub async fn remove_member(id: ProjectId, member: AccountId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/projects/{id}/members/{member}")).done().await
}

/// Has an invitation mailed, in place of an earlier one to the same address.
pub async fn invite(id: ProjectId, request: &InvitationRequest) -> Result<(), ApiError> {
    Ask::post(format!("/projects/{id}/invitations")).json(request).done().await
}

pub async fn withdraw_invitation(id: ProjectId, invitation: InvitationId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/projects/{id}/invitations/{invitation}")).done().await
}

pub async fn accept_invitation(invitation: &InvitationUse) -> Result<Joined, ApiError> {
    Ask::post("/invitations/accept").json(invitation).read().await
}

/// The share links of a project that can be used, the newest first.
pub async fn share_links(id: ProjectId) -> Result<ShareLinkList, ApiError> {
    Ask::get(format!("/projects/{id}/links")).read().await
}

pub async fn make_share_link(id: ProjectId, request: &ShareLinkRequest) -> Result<NewShareLink, ApiError> {
    Ask::post(format!("/projects/{id}/links")).json(request).read().await
}

pub async fn revoke_share_link(id: ProjectId, link: ShareLinkId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/projects/{id}/links/{link}")).done().await
}

/// Opens a share link: from then on this browser may see its project, for a while.
pub async fn open_share_link(link: &ShareLinkUse) -> Result<OpenedLink, ApiError> {
    Ask::post("/links/open").json(link).read().await
}
