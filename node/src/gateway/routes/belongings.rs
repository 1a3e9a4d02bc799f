//! Routes of what belongs to an account: identities, leaving; and of the node's own log.

use domain::api::FileLink;
use domain::audit::AuditPage;
use domain::belongings::{AVATAR_MAX_BYTES, DataExport, DeletionRequest, PlannedDeletion};
use domain::identity::{IdentityList, ProviderAddress, ProviderFlow};
use warp::http::Method;

use super::super::rates::Rate;
use super::super::{belongings, identities};
use super::{CHANGE, Content, NO_BODY, Param, Permission, Route, RouteLimits, schema};

/// Nothing is said, and the identity provider may take its time.
const FLOW: RouteLimits = RouteLimits { body_bytes: Some(0), deadline_ms: 70_000, rate: Rate::Change };
/// The same with a few words.
const FLOW_FROM: RouteLimits = RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 70_000, rate: Rate::Change };
const BEGIN: &[Param] = &[Param {
    name: "to",
    place: "query",
    required: false,
    about: "The path of the page that the browser is sent to in the end.",
    kind: "..512",
}];
const RETURN: &[Param] = &[
    Param { name: "state", place: "query", required: false, about: "Which flow.", kind: "string" },
    Param { name: "code", place: "query", required: false, about: "What the provider gives for it.", kind: "string" },
    Param { name: "error", place: "query", required: false, about: "Why it gives nothing.", kind: "string" },
];
const AUDIT: &[Param] = &[
    Param { name: "before", place: "query", required: false, about: "Only entries before this one.", kind: "uuid" },
    Param { name: "limit", place: "query", required: false, about: "How many at most.", kind: "1..200" },
];
/// A few words, and a password that may wait for its turn to be hashed.
const PASSWORD: RouteLimits = RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 30_000, rate: Rate::Change };
/// A picture.
const PICTURE: RouteLimits =
    RouteLimits { body_bytes: Some(AVATAR_MAX_BYTES), deadline_ms: 30_000, rate: Rate::Change };

/// The routes.
#[rustfmt::skip]
pub(super) fn routes() -> Vec<Route> {
    use Content::{Bytes, BytesOf, Empty, Json, OptionalJson};
    use Permission::{Account as Signed, Admin, Public, Recent};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "beginFlow", method: get(), path: "/api/v1/auth/oidc/begin", about: "Send the browser to the identity provider, to sign in with its word.",
            permission: Public, limits: FLOW, params: BEGIN, request: Empty, response: (303, Empty), handler: handler!(identities::begin) },
        Route { id: "endFlow", method: get(), path: "/api/v1/auth/oidc/return", about: "Where the provider sends the browser back to: begins a session, or adds the identity. Browsers are shown a page where it fails.",
            permission: Public, limits: FLOW, params: RETURN, request: Empty, response: (303, Empty), handler: handler!(identities::end) },
        Route { id: "flowAgain", method: post(), path: "/api/v1/auth/oidc/again", about: "Have the provider ask anew: in place of saying the password again. The page sends the browser to the address.",
            permission: Signed, limits: FLOW_FROM, params: &[], request: OptionalJson(schema::<ProviderFlow>), response: (200, Json(schema::<ProviderAddress>)), handler: handler!(identities::again) },
        Route { id: "linkIdentity", method: post(), path: "/api/v1/account/identities", about: "Begin to add an identity to the account. The page sends the browser to the address.",
            permission: Recent, limits: FLOW_FROM, params: &[], request: OptionalJson(schema::<ProviderFlow>), response: (200, Json(schema::<ProviderAddress>)), handler: handler!(identities::link) },
        Route { id: "listIdentities", method: get(), path: "/api/v1/account/identities", about: "The identities that the account is linked with.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<IdentityList>)), handler: handler!(identities::list) },
        Route { id: "unlinkIdentity", method: Method::DELETE, path: "/api/v1/account/identities/{identity}", about: "Remove an identity; every other session ends.",
            permission: Recent, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(identities::unlink) },
        Route { id: "leave", method: post(), path: "/api/v1/account/deletion", about: "Delete the account: everybody is signed out at once, and in a week it is erased with all that it has, unless somebody signs in.",
            permission: Recent, limits: PASSWORD, params: &[], request: Json(schema::<DeletionRequest>), response: (200, Json(schema::<PlannedDeletion>)), handler: handler!(belongings::leave) },
        Route { id: "beginExport", method: post(), path: "/api/v1/account/export", about: "Begin an archive of all that the account has, in place of an earlier one.",
            permission: Recent, limits: CHANGE.counted(Rate::Costly), params: &[], request: Empty, response: (202, Json(schema::<DataExport>)), handler: handler!(belongings::begin_export) },
        Route { id: "getExport", method: get(), path: "/api/v1/account/export", about: "How far the archive is.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<DataExport>)), handler: handler!(belongings::export) },
        Route { id: "linkExport", method: post(), path: "/api/v1/account/export/link", about: "An address of the archive that can be followed for an hour.",
            permission: Recent, limits: CHANGE, params: &[], request: Empty, response: (201, Json(schema::<FileLink>)), handler: handler!(belongings::link_export) },
        Route { id: "putAvatar", method: Method::PUT, path: "/api/v1/account/avatar", about: "Set the account's picture: PNG, JPEG or WebP.",
            permission: Signed, limits: PICTURE, params: &[], request: Bytes, response: (204, Empty), handler: handler!(belongings::put_avatar) },
        Route { id: "getAvatar", method: get(), path: "/api/v1/account/avatar", about: "The account's picture, 256 pixels square.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, BytesOf(belongings::AVATAR)), handler: handler!(belongings::avatar) },
        Route { id: "removeAvatar", method: Method::DELETE, path: "/api/v1/account/avatar", about: "Remove the account's picture.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(belongings::remove_avatar) },
        Route { id: "audit", method: get(), path: "/api/v1/audit", about: "What was done that reaches beyond an account of one's own, newest first.",
            permission: Admin, limits: NO_BODY, params: AUDIT, request: Empty, response: (200, Json(schema::<AuditPage>)), handler: handler!(belongings::audit) },
    ]
}
