//! Who asks, and what they may: the one place where a route's permission is enforced.
//!
//! [`guard`](super::guard) has let the request in; here a credential becomes a principal, and the principal is held
//! against the route before anything of the body is looked at. `docs/security.md` is the policy in words.

use actors::accounts::token::TokenKind;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster::body::accounts::Authenticate;
use cluster::link::CallContext;
use domain::account::{Secret, SystemRole};
use domain::id::{AccountId, ProjectId};
use domain::principal::{Keyed, Principal, Proof, Signed};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::{broadcast, watch};
use warp::http::{HeaderMap, Method, header};

use super::problem::ApiError;
use super::routes::{ByKey, Permission};
use super::{Gateway, cookie};

/// Says a request's CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// How long signing in counts as recent, milliseconds.
const RECENT_MS: u64 = 10 * 60 * 1_000;

/// How this gateway knows who asks.
pub struct Auth {
    /// Whoever sits at the machine is trusted while there is no account.
    pub local_trust: bool,
    /// The node has its first account. It never turns back.
    pub claimed: watch::Receiver<bool>,
    /// Accounts of which something was revoked.
    pub revoked: broadcast::Sender<AccountId>,
    /// Projects of which somebody may have lost something.
    pub unshared: broadcast::Sender<ProjectId>,
    /// Cookies are for TLS only.
    pub secure: bool,
    /// What the identity provider is called, where there is one.
    pub provider: Option<String>,
    /// Who has it is the node itself: a command that opened the data folder.
    pub own_secret: Option<Secret>,
}

impl Auth {
    /// Whether whoever sits at the machine is trusted now.
    pub fn trusts_local(&self) -> bool {
        self.local_trust && !*self.claimed.borrow()
    }
}

/// What shows who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    None,
    /// A session's token, from a cookie: a browser sends it by itself, whoever made it ask.
    Cookie(Secret),
    /// What a program says.
    Bearer(Secret),
}

impl Credential {
    /// What a request's headers show. With a bearer's credential, a cookie is not looked at.
    pub fn of(headers: &HeaderMap, secure: bool) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let text = value.to_str().unwrap_or_default();
            let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            return Self::Bearer(Secret(if is_bearer { rest.trim().to_owned() } else { String::new() }));
        }
        cookie::session(headers, secure).map_or(Self::None, Self::Cookie)
    }

    /// The token of a cookie.
    pub fn cookie(&self) -> Option<&Secret> {
        match self {
            Self::Cookie(token) => Some(token),
            Self::None | Self::Bearer(_) => None,
        }
    }
}

fn needed() -> ApiError {
    ApiError::new("sign-in-needed", "sign in first")
}

/// Who asks; `local` is whoever sits at the machine, where that may be who it is.
///
/// # Errors
/// `session-ended` for a session that is over, with word to the browser to forget it; `key-invalid` for a key that is
/// none any more, `sign-in-needed` for another bearer's credential; what the core says.
pub async fn identify(
    gateway: &Gateway,
    credential: &Credential,
    local: Option<Principal>,
    context: CallContext,
) -> Result<Principal, ApiError> {
    let auth = &gateway.auth;
    // While whoever sits at the machine is trusted there is no session either.
    match (credential, local.filter(|_| auth.trusts_local())) {
        (Credential::Bearer(token), _) => match &auth.own_secret {
            Some(own) if same(own, token) => Ok(Principal::NODE),
            _ if token.0.starts_with(TokenKind::Key.prefix()) => authenticate(gateway, token, context).await,
            // A session's token is good in its cookie only, where a page says the CSRF token beside it.
            _ => Err(needed()),
        },
        (_, Some(local)) => Ok(local),
        (Credential::Cookie(token), None) => {
            authenticate(gateway, token, context).await.map_err(|error| match error.code.as_str() {
                "session-ended" => error.with_header(header::SET_COOKIE, cookie::forget(auth.secure)),
                _ => error,
            })
        }
        (Credential::None, None) => Ok(Principal::NOBODY),
    }
}

/// Who has a token: said at once where that is at hand, else by the core.
async fn authenticate(gateway: &Gateway, token: &Secret, context: CallContext) -> Result<Principal, ApiError> {
    if let Some(principal) = gateway.at_hand.as_ref().and_then(|at_hand| at_hand.authenticate(token)) {
        return Ok(principal);
    }
    Ok(gateway.core.call(Authenticate { token: token.clone() }, context).await?.principal)
}

/// Whether a principal may use a route of this permission at a time, milliseconds since 1970 UTC.
///
/// # Errors
/// `sign-in-needed`, `account-needed`, `address-unconfirmed`, `sign-in-again`, `forbidden`.
pub fn authorise(permission: Permission, principal: &Principal, now_ms: u64) -> Result<(), ApiError> {
    match (permission, principal.proof) {
        (Permission::Public, _) => Ok(()),
        (_, Proof::Nobody) => Err(needed()),
        (Permission::Account | Permission::Recent, Proof::LocalTrust | Proof::Node) => {
            Err(ApiError::new("account-needed", "this is about an account, and nobody is signed in to one"))
        }
        (_, Proof::LocalTrust | Proof::Node) => Ok(()),
        // It is held against its link where the project is known.
        (_, Proof::Visit(_)) => Err(needed()),
        (permission, Proof::Session(signed)) => authorise_session(permission, signed, now_ms),
        (permission, Proof::Key(keyed)) => authorise_key(permission, keyed),
    }
}

/// Whether a route is one for whoever asks, where that is a program with a key.
///
/// # Errors
/// `key-not-enough`.
pub fn check_scope(by_key: ByKey, principal: &Principal) -> Result<(), ApiError> {
    let Proof::Key(keyed) = principal.proof else { return Ok(()) };
    match by_key {
        ByKey::Any => Ok(()),
        ByKey::Scope(scope) if keyed.scopes.has(scope) => Ok(()),
        ByKey::Scope(_) => Err(ApiError::new("key-not-enough", "this key was made for other things: make another one")),
        ByKey::Never => {
            let detail = "accounts are looked after by whoever is signed in to one, and never by a key: sign in";
            Err(ApiError::new("key-not-enough", detail))
        }
    }
}

/// A key allows no more than its account may; what it is for besides says [`check_scope`].
fn authorise_key(permission: Permission, keyed: Keyed) -> Result<(), ApiError> {
    let least = match permission {
        Permission::Operator => SystemRole::Operator,
        Permission::Admin => SystemRole::Admin,
        _ => SystemRole::User,
    };
    match keyed.confirmed {
        false => Err(unconfirmed()),
        true if keyed.role < least => Err(forbidden()),
        true => Ok(()),
    }
}

/// What is said to an account whose address nobody has confirmed.
pub(super) fn unconfirmed() -> ApiError {
    ApiError::new("address-unconfirmed", "confirm your address first: a link was mailed to it")
}

fn forbidden() -> ApiError {
    ApiError::new("forbidden", "your account may not do this")
}

fn authorise_session(permission: Permission, signed: Signed, now_ms: u64) -> Result<(), ApiError> {
    let confirmed = || match signed.confirmed {
        true => Ok(()),
        false => Err(unconfirmed()),
    };
    let recent = || match now_ms.saturating_sub(signed.proved_ms) < RECENT_MS {
        true => Ok(()),
        false => Err(ApiError::new("sign-in-again", "it is long ago that you signed in: say your password again")),
    };
    let role = |least| match signed.role >= least {
        true => Ok(()),
        false => Err(forbidden()),
    };
    match permission {
        Permission::Public | Permission::Account => Ok(()),
        Permission::Recent => recent(),
        Permission::Tenant
        | Permission::ProjectRead
        | Permission::ProjectMember
        | Permission::ProjectWrite
        | Permission::ProjectOwn => confirmed(),
        Permission::Operator => confirmed().and_then(|()| role(SystemRole::Operator)),
        Permission::Admin => confirmed().and_then(|()| role(SystemRole::Admin)).and_then(|()| recent()),
    }
}

/// Holds a request that changes something, and that a browser may have been made to send, against its CSRF token.
///
/// # Errors
/// `csrf-token-needed`.
pub fn check_csrf(
    permission: Permission,
    method: &Method,
    credential: &Credential,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    // What is public does nothing in anybody's name.
    let (true, Credential::Cookie(token)) = (changes && permission != Permission::Public, credential) else {
        return Ok(());
    };
    let said = headers.get(CSRF_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
    if csrf_token(token).as_bytes().ct_eq(said).into() {
        return Ok(());
    }
    let detail = "say in `X-CSRF-Token` what `GET /api/v1/account` tells as `csrf_token`";
    Err(ApiError::new("csrf-token-needed", detail))
}

/// A session's CSRF token: told by nothing but the session's own, which no page of another site can read.
pub fn csrf_token(token: &Secret) -> String {
    let digest = Sha256::new().chain_update(b"visiobook csrf v1\n").chain_update(token.0.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

fn same(one: &Secret, other: &Secret) -> bool {
    let digest = |secret: &Secret| Sha256::digest(secret.0.as_bytes());
    digest(one).as_slice().ct_eq(digest(other).as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_bearers_credential_goes_before_a_cookie() {
        let both = headers(&[("cookie", "visiobook-session=vs_a"), ("authorization", "Bearer x")]);
        assert_eq!(Credential::of(&both, false), Credential::Bearer(Secret("x".into())));
        let other = headers(&[("authorization", "Basic eDp5"), ("cookie", "visiobook-session=vs_a")]);
        assert_eq!(Credential::of(&other, false), Credential::Bearer(Secret(String::new())), "which nobody has");
        let cookie = headers(&[("cookie", "a=b; visiobook-session=vs_a")]);
        assert_eq!(Credential::of(&cookie, false), Credential::Cookie(Secret("vs_a".into())));
        assert_eq!(Credential::of(&cookie, true), Credential::None, "a cookie of the plain name is none under TLS");
    }

    #[test]
    fn what_changes_something_under_a_cookie_says_its_token() {
        let token = Secret("vs_a".into());
        let (cookie, said) = (Credential::Cookie(token.clone()), csrf_token(&token));
        let check = |permission, method: Method, credential: &Credential, said: &str| {
            check_csrf(permission, &method, credential, &headers(&[(CSRF_HEADER, said)])).map_err(|error| error.code)
        };
        let refused = Err("csrf-token-needed".to_owned());
        assert_eq!(check(Permission::Tenant, Method::POST, &cookie, &said), Ok(()));
        assert_eq!(check(Permission::Tenant, Method::POST, &cookie, "x"), refused);
        assert_eq!(
            check_csrf(Permission::Tenant, &Method::PUT, &cookie, &HeaderMap::new()).map_err(|e| e.code),
            refused
        );
        let other = csrf_token(&Secret("vs_b".into()));
        assert_eq!(check(Permission::Account, Method::DELETE, &cookie, &other), refused, "another session's");
        assert_eq!(check(Permission::Tenant, Method::GET, &cookie, "x"), Ok(()));
        assert_eq!(check(Permission::Public, Method::POST, &cookie, "x"), Ok(()));
        assert_eq!(check(Permission::Tenant, Method::POST, &Credential::Bearer(token), "x"), Ok(()));
    }
}
