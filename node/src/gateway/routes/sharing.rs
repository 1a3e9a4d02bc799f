//! Routes of who has a project.

use domain::sharing::{
    Invitation, InvitationRequest, InvitationUse, Joined, MemberRole, Members, NewShareLink, OpenedLink, ShareLinkList,
    ShareLinkRequest, ShareLinkUse,
};
use warp::http::Method;

use super::super::rates::Rate;
use super::super::sharing;
use super::{CHANGE, Content, NO_BODY, Permission, Route, RouteLimits, schema};

/// A few words, and a password that may wait for its turn to be hashed.
const PASSWORD: RouteLimits = RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 30_000, rate: Rate::Change };
/// A few words.
const WORDS: RouteLimits = RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 10_000, rate: Rate::Change };

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    of_members().into_iter().chain(of_links()).collect()
}

/// Members and invitations.
#[rustfmt::skip]
fn of_members() -> Vec<Route> {
    use Content::{Empty, Json};
    use Permission::{ProjectMember, ProjectOwn, Tenant};
    vec![
        Route { id: "listMembers", method: Method::GET, path: "/api/v1/projects/{project}/members", about: "Who has the project; owners are told who was invited, too.",
            permission: ProjectMember, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<Members>)), handler: handler!(sharing::members) },
        Route { id: "changeMember", method: Method::PUT, path: "/api/v1/projects/{project}/members/{account}", about: "Give a member another role; the payer stays an owner.",
            permission: ProjectOwn, limits: WORDS, params: &[], request: Json(schema::<MemberRole>), response: (204, Empty), handler: handler!(sharing::change_member) },
        Route { id: "removeMember", method: Method::DELETE, path: "/api/v1/projects/{project}/members/{account}", about: "Remove a member, which owners may, or leave: at once, also from open streams.",
            permission: ProjectMember, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(sharing::remove_member) },
        Route { id: "inviteMember", method: Method::POST, path: "/api/v1/projects/{project}/invitations", about: "Mail an invitation, in place of an earlier one to the same address. Whether that has an account nobody is told.",
            permission: ProjectOwn, limits: WORDS, params: &[], request: Json(schema::<InvitationRequest>), response: (201, Json(schema::<Invitation>)), handler: handler!(sharing::invite) },
        Route { id: "withdrawInvitation", method: Method::DELETE, path: "/api/v1/projects/{project}/invitations/{invitation}", about: "Withdraw an invitation: its link opens nothing from then on.",
            permission: ProjectOwn, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(sharing::withdraw) },
        Route { id: "acceptInvitation", method: Method::POST, path: "/api/v1/invitations/accept", about: "Accept an invitation by its link, with the account whose address was invited.",
            permission: Tenant, limits: WORDS, params: &[], request: Json(schema::<InvitationUse>), response: (200, Json(schema::<Joined>)), handler: handler!(sharing::accept) },
    ]
}

/// Share links.
#[rustfmt::skip]
fn of_links() -> Vec<Route> {
    use Content::{Empty, Json, JsonOnce};
    use Permission::{ProjectOwn, Public};
    vec![
        Route { id: "listShareLinks", method: Method::GET, path: "/api/v1/projects/{project}/links", about: "The share links that can be used, newest first.",
            permission: ProjectOwn, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<ShareLinkList>)), handler: handler!(sharing::links) },
        Route { id: "makeShareLink", method: Method::POST, path: "/api/v1/projects/{project}/links", about: "Make an address that shows the project to whoever has it, with a password if so wished. It is told this once.",
            permission: ProjectOwn, limits: PASSWORD, params: &[], request: Json(schema::<ShareLinkRequest>), response: (201, JsonOnce(schema::<NewShareLink>)), handler: handler!(sharing::make_link) },
        Route { id: "revokeShareLink", method: Method::DELETE, path: "/api/v1/projects/{project}/links/{link}", about: "Revoke a share link: it opens nothing from then on, and shows nothing more.",
            permission: ProjectOwn, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(sharing::revoke_link) },
        Route { id: "openShareLink", method: Method::POST, path: "/api/v1/links/open", about: "Open a share link: a cookie comes along that shows its project, and nothing else, for at most four hours.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<ShareLinkUse>), response: (200, Json(schema::<OpenedLink>)), handler: handler!(sharing::open_link) },
    ]
}
