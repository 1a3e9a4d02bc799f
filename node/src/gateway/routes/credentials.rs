//! Routes of keys for programs, of the second factor, and of the list of accounts.

use domain::account::AccountPage;
use domain::api_key::{ApiKeyList, ApiKeyRequest, NewApiKey};
use domain::second_factor::{Code, NewSecondFactor, RecoveryCodes, SecondFactor};
use warp::http::Method;

use super::super::credentials;
use super::accounts::WORDS;
use super::{CHANGE, Content, NO_BODY, Param, Permission, Route, query, schema};

const ACCOUNTS: &[Param] = &[
    query("after", "uuid", "The `next` of the page before."),
    query("limit", "1..200", "How many at most, 1 to 200; default 50."),
];

/// The routes.
#[rustfmt::skip]
pub(super) fn routes() -> Vec<Route> {
    use Content::{Empty, Json};
    use Permission::{Account as Signed, Admin, Recent};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "listKeys", method: get(), path: "/api/v1/account/keys", about: "The account's keys for programs, oldest first.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<ApiKeyList>)), handler: handler!(credentials::keys) },
        Route { id: "makeKey", method: post(), path: "/api/v1/account/keys", about: "Make a key for a program, which says its token in `Authorization: Bearer`. The token is told this once.",
            permission: Recent, limits: WORDS, params: &[], request: Json(schema::<ApiKeyRequest>), response: (201, Json(schema::<NewApiKey>)), handler: handler!(credentials::make_key) },
        Route { id: "revokeKey", method: Method::DELETE, path: "/api/v1/account/keys/{key}", about: "Revoke a key: it is worth nothing from now on, and streams that it opened end.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(credentials::revoke_key) },
        Route { id: "secondFactor", method: get(), path: "/api/v1/account/second-factor", about: "How the account's second factor stands.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<SecondFactor>)), handler: handler!(credentials::second_factor) },
        Route { id: "beginSecondFactor", method: post(), path: "/api/v1/account/second-factor", about: "Draw a secret for an authenticator app. It is on once a code of the app is said, within 15 minutes.",
            permission: Recent, limits: CHANGE, params: &[], request: Empty, response: (200, Json(schema::<NewSecondFactor>)), handler: handler!(credentials::begin_second_factor) },
        Route { id: "confirmSecondFactor", method: Method::PUT, path: "/api/v1/account/second-factor", about: "Turn the second factor on by a code of the app: every other session ends. The codes to recover with are told this once.",
            permission: Recent, limits: WORDS, params: &[], request: Json(schema::<Code>), response: (200, Json(schema::<RecoveryCodes>)), handler: handler!(credentials::confirm_second_factor) },
        Route { id: "removeSecondFactor", method: post(), path: "/api/v1/account/second-factor/remove", about: "Turn the second factor off by a code of it: every other session ends.",
            permission: Recent, limits: WORDS, params: &[], request: Json(schema::<Code>), response: (204, Empty), handler: handler!(credentials::remove_second_factor) },
        Route { id: "renewRecoveryCodes", method: post(), path: "/api/v1/account/second-factor/recovery-codes", about: "Draw other codes to recover with, by a code of the second factor. Those before are worth nothing from now on.",
            permission: Recent, limits: WORDS, params: &[], request: Json(schema::<Code>), response: (200, Json(schema::<RecoveryCodes>)), handler: handler!(credentials::renew_recovery_codes) },
        Route { id: "listAccounts", method: get(), path: "/api/v1/accounts/all", about: "The node's accounts, in the order of their ids.",
            permission: Admin, limits: NO_BODY, params: ACCOUNTS, request: Empty, response: (200, Json(schema::<AccountPage>)), handler: handler!(credentials::accounts) },
    ]
}
