//! What admins see of other accounts, and do with them.

use domain::account::{Account, AccountEventPage, AccountPage, RoleChange};
use domain::id::AccountId;
use gloo_net::http::Method;

use super::accounts::EVENTS;
use super::{ApiError, Ask};
use crate::browser;

/// Accounts of a page.
const ACCOUNTS: u32 = 50;

/// The node's accounts after one, in the order of their ids.
pub async fn accounts(after: Option<AccountId>) -> Result<AccountPage, ApiError> {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    Ask::get(format!("/accounts/all?limit={ACCOUNTS}{after}")).read().await
}

/// The account of a mail address.
pub async fn find_account(email: &str) -> Result<Account, ApiError> {
    Ask::get(format!("/accounts?email={}", browser::escaped(email))).read().await
}

/// Says what an account may do to the node.
pub async fn change_role(id: AccountId, change: &RoleChange) -> Result<Account, ApiError> {
    Ask::new(Method::PUT, format!("/accounts/{id}/role")).json(change).read().await
}

/// What was done with an account, newest first.
pub async fn activity_of(id: AccountId, before: Option<u64>) -> Result<AccountEventPage, ApiError> {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    Ask::get(format!("/accounts/{id}/activity?limit={EVENTS}{before}")).read().await
}
