//! Accounts: signing up, in and out.

use std::cell::RefCell;

use domain::account::{Claim, LinkUse, MailAddress, PasswordReset, SignIn, SignUp, SignedIn};

use super::{ApiError, Ask};

thread_local! {
    static CSRF: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What requests that change something say of the session; `None` where nobody is signed in.
pub fn csrf() -> Option<(&'static str, String)> {
    let token = CSRF.with_borrow(String::clone);
    (!token.is_empty()).then_some(("x-csrf-token", token))
}

fn remember(signed_in: SignedIn) -> SignedIn {
    CSRF.set(signed_in.csrf_token.clone());
    signed_in
}

/// Who is signed in.
pub async fn account() -> Result<SignedIn, ApiError> {
    let found = Ask::get("/account").read().await;
    if found.is_err() {
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

pub async fn forgot(address: &MailAddress) -> Result<(), ApiError> {
    Ask::post("/auth/forgot").json(address).done().await
}

pub async fn reset(reset: &PasswordReset) -> Result<(), ApiError> {
    Ask::post("/auth/reset").json(reset).done().await
}

pub async fn sign_out() -> Result<(), ApiError> {
    let done = Ask::post("/auth/sign-out").done().await;
    CSRF.take();
    done
}
