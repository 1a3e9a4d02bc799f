//! Accounts: signing up, in and out, and what belongs to whoever is signed in.

use std::cell::RefCell;

use domain::account::{
    Account, AccountEventPage, AccountPatch, Claim, LinkUse, MailAddress, PasswordAgain, PasswordChange, PasswordReset,
    SessionList, SignIn, SignUp, SignedIn,
};
use domain::id::{AccountId, SessionId};
use gloo_net::http::Method;

use super::{ApiError, Ask};

/// Events of a page of an account's log.
pub(super) const EVENTS: u32 = 30;

/// What requests that change something say of the session, and whose it is.
struct Csrf {
    account: AccountId,
    token: String,
}

thread_local! {
    static CSRF: RefCell<Option<Csrf>> = const { RefCell::new(None) };
}

/// What requests that change something say of the session; `None` where nobody is signed in.
pub fn csrf() -> Option<(&'static str, String)> {
    let token = CSRF.with_borrow(|csrf| csrf.as_ref().map(|csrf| csrf.token.clone()));
    token.map(|token| ("x-csrf-token", token))
}

/// Somebody is signed in, as far as is known here.
pub fn is_signed_in() -> bool {
    CSRF.with_borrow(Option::is_some)
}

fn remember(signed_in: SignedIn) -> SignedIn {
    CSRF.set(Some(Csrf { account: signed_in.account.id, token: signed_in.csrf_token.clone() }));
    signed_in
}

/// Fetches the session's token anew: another tab may have begun another session. `false` if there is none any more, or
/// if it is somebody else's: what was asked for in the name of one is not done in the name of another.
pub async fn renew_csrf() -> bool {
    let Ok(found) = Ask::get("/account").read_once::<SignedIn>().await else { return false };
    let same = CSRF.with_borrow(|csrf| csrf.as_ref().is_none_or(|csrf| csrf.account == found.account.id));
    if same {
        remember(found);
    }
    same
}

/// Who is signed in.
pub async fn account() -> Result<SignedIn, ApiError> {
    let found = Ask::get("/account").read().await;
    if found.as_ref().is_err_and(ApiError::is_unsigned) {
        CSRF.take();
    }
    found.map(remember)
}

pub async fn claim(claim: &Claim) -> Result<SignedIn, ApiError> {
    Ask::post("/auth/claim").json(claim).read().await.map(remember)
}

pub async fn sign_in(sign_in: &SignIn) -> Result<SignedIn, ApiError> {
    Ask::post("/auth/sign-in").json(sign_in).read().await.map(remember)
}

pub async fn sign_up(sign_up: &SignUp) -> Result<(), ApiError> {
    Ask::post("/auth/sign-up").json(sign_up).done().await
}

pub async fn confirm(link: &LinkUse) -> Result<SignedIn, ApiError> {
    Ask::post("/auth/confirm").json(link).read().await.map(remember)
}

/// Has the link to confirm the address mailed once more.
pub async fn confirm_again() -> Result<(), ApiError> {
    Ask::post("/auth/confirm-again").done().await
}

pub async fn forgot(address: &MailAddress) -> Result<(), ApiError> {
    Ask::post("/auth/forgot").json(address).done().await
}

pub async fn reset(reset: &PasswordReset) -> Result<(), ApiError> {
    Ask::post("/auth/reset").json(reset).done().await
}

/// Says the password again: for a while the session counts as just begun.
pub async fn say_password(again: &PasswordAgain) -> Result<(), ApiError> {
    Ask::post("/auth/again").json(again).done().await
}

pub async fn sign_out() -> Result<(), ApiError> {
    let done = Ask::post("/auth/sign-out").done().await;
    forget_if(done)
}

/// Nobody is signed in here any more.
pub(super) fn forget() {
    CSRF.take();
}

/// Who has signed out is not signed in here any more; who could not still is.
fn forget_if(done: Result<(), ApiError>) -> Result<(), ApiError> {
    if done.as_ref().err().is_none_or(ApiError::is_unsigned) {
        forget();
    }
    done
}

pub async fn change_account(patch: &AccountPatch) -> Result<Account, ApiError> {
    Ask::new(Method::PATCH, "/account").json(patch).read().await
}

/// Sets another password: this browser gets another session, and every other one ends.
pub async fn change_password(change: &PasswordChange) -> Result<SignedIn, ApiError> {
    Ask::new(Method::PUT, "/account/password").json(change).read().await.map(remember)
}

/// Has a link mailed to another address that makes it the account's.
pub async fn change_address(address: &MailAddress) -> Result<(), ApiError> {
    Ask::new(Method::PUT, "/account/email").json(address).done().await
}

/// Where the account is signed in, the session used last first.
pub async fn sessions() -> Result<SessionList, ApiError> {
    Ask::get("/account/sessions").read().await
}

pub async fn end_session(id: SessionId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/account/sessions/{id}")).done().await
}

/// Signs out everywhere, here too.
pub async fn end_sessions() -> Result<(), ApiError> {
    forget_if(Ask::new(Method::DELETE, "/account/sessions").done().await)
}

/// What was done with the account, newest first.
pub async fn account_activity(before: Option<u64>) -> Result<AccountEventPage, ApiError> {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    Ask::get(format!("/account/activity?limit={EVENTS}{before}")).read().await
}
