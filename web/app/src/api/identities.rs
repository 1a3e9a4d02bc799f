//! Identities that a provider vouches for, and the way there and back.

use domain::id::Digest;
use domain::identity::{IdentityList, ProviderAddress, ProviderFlow};
use gloo_net::http::Method;

use super::{ApiError, Ask, ROOT};
use crate::browser;

/// Where the browser goes to sign in with the provider's word, and to come back to `path` of the page.
pub fn provider_url(path: &str) -> String {
    format!("{ROOT}/auth/oidc/begin?to={}", browser::escaped(path))
}

/// Has the provider ask anew, in place of saying the password again.
pub async fn ask_provider_again(flow: &ProviderFlow) -> Result<ProviderAddress, ApiError> {
    Ask::post("/auth/oidc/again").json(flow).long().read().await
}

/// Begins to add an identity to the account.
pub async fn link_identity(flow: &ProviderFlow) -> Result<ProviderAddress, ApiError> {
    Ask::post("/account/identities").json(flow).long().read().await
}

/// The identities of the account, and whether it has a password too.
pub async fn identities() -> Result<IdentityList, ApiError> {
    Ask::get("/account/identities").read().await
}

pub async fn unlink_identity(id: Digest) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/account/identities/{id}")).done().await
}
