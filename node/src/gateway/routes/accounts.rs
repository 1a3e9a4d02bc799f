//! Routes of accounts.

use domain::account::{
    Account, AccountEventPage, AccountPatch, Claim, LinkUse, MailAddress, PasswordAgain, PasswordChange, PasswordReset,
    RoleChange, SessionList, SignIn, SignUp, SignedIn,
};
use warp::http::Method;

use super::super::accounts;
use super::super::rates::Rate;
use super::{ACTIVITY, CHANGE, Content, NO_BODY, Param, Permission, Route, RouteLimits, schema};

/// A few words, and a password that may wait for its turn to be hashed.
const PASSWORD: RouteLimits = RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 30_000, rate: Rate::Change };
/// A few words.
pub(super) const WORDS: RouteLimits =
    RouteLimits { body_bytes: Some(16 << 10), deadline_ms: 10_000, rate: Rate::Change };
const EMAIL: &[Param] =
    &[Param { name: "email", place: "query", required: true, about: "The account's mail address.", kind: "..254" }];

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    entrances().into_iter().chain(own()).chain(others()).collect()
}

/// What is there for whoever is not signed in.
#[rustfmt::skip]
fn entrances() -> Vec<Route> {
    use Content::{Empty, Json};
    use Permission::Public;
    let post = || Method::POST;
    vec![
        Route { id: "claimNode", method: post(), path: "/api/v1/auth/claim", about: "Make the node's first account, an admin, with the code that the node printed at its start.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<Claim>), response: (201, Json(schema::<SignedIn>)), handler: handler!(accounts::claim) },
        Route { id: "signUp", method: post(), path: "/api/v1/auth/sign-up", about: "Make an account: a link to confirm its address is mailed. Whether the address has one already nobody but its owner is told.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<SignUp>), response: (202, Empty), handler: handler!(accounts::sign_up) },
        Route { id: "confirmAddress", method: post(), path: "/api/v1/auth/confirm", about: "Confirm an address by a mailed link, and sign in.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<LinkUse>), response: (201, Json(schema::<SignedIn>)), handler: handler!(accounts::confirm) },
        Route { id: "signIn", method: post(), path: "/api/v1/auth/sign-in", about: "Begin a session, in a cookie; the one that the browser had ends.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<SignIn>), response: (201, Json(schema::<SignedIn>)), handler: handler!(accounts::sign_in) },
        Route { id: "forgotPassword", method: post(), path: "/api/v1/auth/forgot", about: "Mail a link to set another password, if an account has this address.",
            permission: Public, limits: WORDS, params: &[], request: Json(schema::<MailAddress>), response: (202, Empty), handler: handler!(accounts::forgot) },
        Route { id: "resetPassword", method: post(), path: "/api/v1/auth/reset", about: "Set another password by a mailed link: everybody is signed out.",
            permission: Public, limits: PASSWORD, params: &[], request: Json(schema::<PasswordReset>), response: (204, Empty), handler: handler!(accounts::reset) },
    ]
}

/// What belongs to whoever is signed in.
#[rustfmt::skip]
fn own() -> Vec<Route> {
    use Content::{Empty, Json, MergePatch};
    use Permission::{Account as Signed, Recent};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "signOut", method: post(), path: "/api/v1/auth/sign-out", about: "End this session.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(accounts::sign_out) },
        Route { id: "sayPassword", method: post(), path: "/api/v1/auth/again", about: "Say the password again: for ten minutes the session counts as just begun.",
            permission: Signed, limits: PASSWORD, params: &[], request: Json(schema::<PasswordAgain>), response: (204, Empty), handler: handler!(accounts::say_password) },
        Route { id: "confirmAgain", method: post(), path: "/api/v1/auth/confirm-again", about: "Mail the link to confirm the address once more.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (202, Empty), handler: handler!(accounts::confirm_again) },
        Route { id: "getAccount", method: get(), path: "/api/v1/account", about: "Who is signed in, and the token that requests under a cookie say in `X-CSRF-Token`.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<SignedIn>)), handler: handler!(accounts::get) },
        Route { id: "changeAccount", method: Method::PATCH, path: "/api/v1/account", about: "Change one's name or language.",
            permission: Signed, limits: WORDS, params: &[], request: MergePatch(schema::<AccountPatch>), response: (200, Json(schema::<Account>)), handler: handler!(accounts::patch) },
        Route { id: "changePassword", method: Method::PUT, path: "/api/v1/account/password", about: "Set another password: another session begins, and every other one ends.",
            permission: Signed, limits: PASSWORD, params: &[], request: Json(schema::<PasswordChange>), response: (200, Json(schema::<SignedIn>)), handler: handler!(accounts::change_password) },
        Route { id: "changeAddress", method: Method::PUT, path: "/api/v1/account/email", about: "Mail a link to another address that makes it the account's; the one so far is warned.",
            permission: Recent, limits: WORDS, params: &[], request: Json(schema::<MailAddress>), response: (202, Empty), handler: handler!(accounts::ask_address) },
        Route { id: "listSessions", method: get(), path: "/api/v1/account/sessions", about: "Where the account is signed in, the session used last first.",
            permission: Signed, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<SessionList>)), handler: handler!(accounts::sessions) },
        Route { id: "endSessions", method: Method::DELETE, path: "/api/v1/account/sessions", about: "Sign out everywhere.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(accounts::end_all) },
        Route { id: "endSession", method: Method::DELETE, path: "/api/v1/account/sessions/{session}", about: "End one session.",
            permission: Signed, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(accounts::end_one) },
        Route { id: "accountActivity", method: get(), path: "/api/v1/account/activity", about: "What was done with the account, newest first.",
            permission: Signed, limits: NO_BODY, params: ACTIVITY, request: Empty, response: (200, Json(schema::<AccountEventPage>)), handler: handler!(accounts::activity) },
    ]
}

/// What admins do with other accounts.
#[rustfmt::skip]
fn others() -> Vec<Route> {
    use Content::{Empty, Json};
    use Permission::Admin;
    vec![
        Route { id: "findAccount", method: Method::GET, path: "/api/v1/accounts", about: "The account of a mail address.",
            permission: Admin, limits: NO_BODY, params: EMAIL, request: Empty, response: (200, Json(schema::<Account>)), handler: handler!(accounts::find) },
        Route { id: "changeRole", method: Method::PUT, path: "/api/v1/accounts/{account}/role", about: "Say what an account may do to the node; one's own role another admin changes.",
            permission: Admin, limits: WORDS, params: &[], request: Json(schema::<RoleChange>), response: (200, Json(schema::<Account>)), handler: handler!(accounts::change_role) },
        Route { id: "activityOfAccount", method: Method::GET, path: "/api/v1/accounts/{account}/activity", about: "What was done with an account, newest first.",
            permission: Admin, limits: NO_BODY, params: ACTIVITY, request: Empty, response: (200, Json(schema::<AccountEventPage>)), handler: handler!(accounts::activity_of) },
    ]
}
