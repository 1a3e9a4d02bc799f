//! What belongs to an account: an archive of all that it has, a picture, leaving; and the node's own log.

use domain::api::FileLink;
use domain::audit::AuditPage;
use domain::belongings::{DataExport, DeletionRequest, PlannedDeletion};
use domain::id::AuditId;
use gloo_net::http::Method;
use web_sys::File;

use super::accounts::forget;
use super::{ApiError, Ask};

/// Entries of a page of the node's log.
const ENTRIES: u32 = 50;

/// `None` for what is not there.
fn if_any<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}

/// How far the archive of all that one has is, if one was asked for.
pub async fn export() -> Result<Option<DataExport>, ApiError> {
    if_any(Ask::get("/account/export").read().await)
}

/// Begins an archive, in place of an earlier one.
pub async fn begin_export() -> Result<DataExport, ApiError> {
    Ask::post("/account/export").read().await
}

/// An address of the archive, which is good for a while.
pub async fn link_export() -> Result<FileLink, ApiError> {
    Ask::post("/account/export/link").read().await
}

/// Deletes the account: from then on nobody is signed in here.
pub async fn delete_account(request: &DeletionRequest) -> Result<PlannedDeletion, ApiError> {
    let planned = Ask::post("/account/deletion").json(request).read().await?;
    forget();
    Ok(planned)
}

/// The account's picture, if it has one: a JPEG.
pub async fn picture() -> Result<Option<Vec<u8>>, ApiError> {
    if_any(Ask::get("/account/avatar").bytes().await)
}

pub async fn put_picture(file: File) -> Result<(), ApiError> {
    Ask::new(Method::PUT, "/account/avatar").file(file).done().await
}

pub async fn remove_picture() -> Result<(), ApiError> {
    Ask::new(Method::DELETE, "/account/avatar").done().await
}

/// What was done that reaches beyond an account of one's own, newest first.
pub async fn audit(before: Option<AuditId>) -> Result<AuditPage, ApiError> {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    Ask::get(format!("/audit?limit={ENTRIES}{before}")).read().await
}
