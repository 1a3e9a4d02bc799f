//! Uploads that go on where they were broken off (tus 1.0.0), and the books made of them.

use domain::api::ProjectView;
use domain::id::{ProjectId, UploadId};
use domain::project::Project;
use domain::upload::UploadView;
use gloo_net::http::Method;

use super::{ApiError, Ask, ROOT};
use crate::browser;

/// The protocol's version, sent with every request of it.
pub const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

/// Begins an upload of so many bytes.
pub async fn create_upload(name: &str, bytes: u64) -> Result<UploadView, ApiError> {
    let metadata = format!("filename {}", browser::base64(name.as_bytes()));
    let ask = Ask::post("/uploads").header(TUS.0, TUS.1).header("upload-length", bytes.to_string());
    ask.header("upload-metadata", metadata).read().await
}

/// How far an upload is.
pub async fn upload(id: UploadId) -> Result<UploadView, ApiError> {
    Ask::get(format!("/uploads/{id}")).read().await
}

/// Gives an upload up.
pub async fn remove_upload(id: UploadId) -> Result<(), ApiError> {
    Ask::new(Method::DELETE, format!("/uploads/{id}")).header(TUS.0, TUS.1).done().await
}

/// Makes a project of a complete upload.
pub async fn create_project(id: UploadId) -> Result<ProjectView, ApiError> {
    Ask::post(format!("/projects?upload={id}")).long().read().await
}

/// Takes a complete upload as a project's next file.
pub async fn add_revision(project: ProjectId, id: UploadId) -> Result<Project, ApiError> {
    Ask::post(format!("/projects/{project}/revisions?upload={id}")).long().read().await
}

/// Where to send parts of an upload.
pub fn upload_url(id: UploadId) -> String {
    format!("{ROOT}/uploads/{id}")
}
