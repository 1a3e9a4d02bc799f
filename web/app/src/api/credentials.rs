//! What shows who one is beside the password: the second factor, and keys for programs.

use domain::api_key::{ApiKeyList, ApiKeyRequest, NewApiKey};
use domain::id::ApiKeyId;
use domain::second_factor::{Code, NewSecondFactor, RecoveryCodes, SecondFactor};
use gloo_net::http::Method;

use super::{ApiError, Ask};

/// The refusal that wants a code of the second factor too.
pub const CODE_NEEDED: &str = "second-factor-needed";
/// The refusal of such a code.
pub const CODE_WRONG: &str = "second-factor-wrong";

/// How one's second factor stands.
pub async fn second_factor() -> Result<SecondFactor, ApiError> {
    Ask::get("/account/second-factor").read().await
}

/// Draws a secret for an app: the factor is on once a code of it is said.
pub async fn begin_second_factor() -> Result<NewSecondFactor, ApiError> {
    Ask::post("/account/second-factor").read().await
}

/// Turns the factor on, which the app knows by now.
pub async fn confirm_second_factor(code: &Code) -> Result<RecoveryCodes, ApiError> {
    Ask::new(Method::PUT, "/account/second-factor").json(code).read().await
}

pub async fn end_second_factor(code: &Code) -> Result<(), ApiError> {
    Ask::post("/account/second-factor/remove").json(code).done().await
}

/// Other codes to recover with, in place of those before.
pub async fn renew_recovery_codes(code: &Code) -> Result<RecoveryCodes, ApiError> {
    Ask::post("/account/second-factor/recovery-codes").json(code).read().await
}

/// One's keys, oldest first.
pub async fn keys() -> Result<ApiKeyList, ApiError> {
    Ask::get("/account/keys").read().await
}

pub async fn make_key(request: &ApiKeyRequest) -> Result<NewApiKey, ApiError> {
    Ask::post("/account/keys").json(request).read().await
}

pub async fn revoke_key(id: ApiKeyId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/account/keys/{id}")).done().await
}
