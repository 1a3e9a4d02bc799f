//! The client of `/api/v1`: one function a request, every failure a value.

use domain::api::{NodeInfo, Problem, ProjectList, ProjectView, RunView};
use domain::id::{ProjectId, RunId};
use domain::storyboard::Storyboard;
use domain::text::Text;
use gloo_net::http::{Method, Request, RequestBuilder, Response};

use crate::i18n::Tr;

/// Root of the interface.
pub const ROOT: &str = "/api/v1";

/// Sent with every request that changes something: a form of another site can't set it.
pub const GUARD: (&str, &str) = ("x-visiobook", "1");

/// Why a request gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The node did not answer.
    Unreachable,
    /// The node refused, and says why.
    Refused(Problem),
    /// Something answered that is no problem document: a proxy, or a node of another version.
    Unexpected { status: u16 },
    /// The answer is not what this version of the page can read.
    Unreadable,
}

impl ApiError {
    /// From the status and body of an answer that is not a success.
    pub fn from_answer(status: u16, body: &str) -> Self {
        serde_json::from_str(body).map_or(Self::Unexpected { status }, Self::Refused)
    }

    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status == 404,
            Self::Unexpected { status } => *status == 404,
            Self::Unreachable | Self::Unreadable => false,
        }
    }

    /// What to tell the visitor.
    pub fn message(&self, tr: Tr) -> String {
        match self {
            Self::Unreachable => tr.t(Text::ErrorUnreachable).to_owned(),
            Self::Refused(problem) if problem.detail.is_empty() => problem.title.clone(),
            Self::Refused(problem) => problem.detail.clone(),
            Self::Unexpected { status } => tr.fill(Text::ErrorUnexpected, &[("status", &status.to_string())]),
            Self::Unreadable => tr.t(Text::ErrorUnreadable).to_owned(),
        }
    }
}

/// What this node is and what it trusts.
pub async fn node() -> Result<NodeInfo, ApiError> {
    read(send(Method::GET, "/node").await?).await
}

/// Every book on the shelf.
pub async fn projects() -> Result<ProjectList, ApiError> {
    read(send(Method::GET, "/projects").await?).await
}

/// One book.
pub async fn project(id: ProjectId) -> Result<ProjectView, ApiError> {
    read(send(Method::GET, &format!("/projects/{id}")).await?).await
}

/// Takes a book off the shelf, with all that was made of it.
pub async fn delete(id: ProjectId) -> Result<(), ApiError> {
    send(Method::DELETE, &format!("/projects/{id}")).await.map(|_| ())
}

/// Starts a run.
pub async fn start_run(id: ProjectId) -> Result<RunView, ApiError> {
    read(send(Method::POST, &format!("/projects/{id}/runs")).await?).await
}

/// Stops a run.
pub async fn cancel_run(id: ProjectId, run: RunId) -> Result<RunView, ApiError> {
    read(send(Method::POST, &format!("/projects/{id}/runs/{run}/cancel")).await?).await
}

/// The storyboard of a run that is ready.
pub async fn storyboard(id: ProjectId) -> Result<Storyboard, ApiError> {
    read(send(Method::GET, &format!("/projects/{id}/storyboard")).await?).await
}

/// Where to upload a book of this file name.
pub fn upload_url(file_name: &str) -> String {
    format!("{ROOT}/projects?name={}", js_sys::encode_uri_component(file_name))
}

/// Where to follow a project's events after `seq`.
pub fn events_url(id: ProjectId, seq: u64) -> String {
    format!("{ROOT}/projects/{id}/events?after={seq}")
}

/// Where to fetch one of a project's files.
pub fn file_url(id: ProjectId, name: &str) -> String {
    format!("{ROOT}/projects/{id}/files/{name}")
}

async fn send(method: Method, path: &str) -> Result<Response, ApiError> {
    let changes = method != Method::GET;
    let mut request: RequestBuilder =
        Request::get(&format!("{ROOT}{path}")).method(method).header("accept", "application/json");
    if changes {
        request = request.header(GUARD.0, GUARD.1);
    }
    let answer = request.send().await.map_err(|_| ApiError::Unreachable)?;
    if answer.ok() {
        return Ok(answer);
    }
    let body = answer.text().await.unwrap_or_default();
    Err(ApiError::from_answer(answer.status(), &body))
}

async fn read<T: serde::de::DeserializeOwned>(answer: Response) -> Result<T, ApiError> {
    let body = answer.text().await.map_err(|_| ApiError::Unreachable)?;
    serde_json::from_str(&body).map_err(|_| ApiError::Unreadable)
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;

    const EN: Tr = Tr(Language::En);

    #[test]
    fn a_problem_document_is_told_in_its_own_words() {
        let body = r#"{"type":"urn:visiobook:problem:book-not-a-book","title":"Not a book","status":422,
            "code":"book-not-a-book","detail":"The file is an image. Upload an EPUB or a text file."}"#;
        let error = ApiError::from_answer(422, body);
        assert_eq!(error.message(EN), "The file is an image. Upload an EPUB or a text file.");
        assert!(!error.is_not_found());
    }

    #[test]
    fn an_answer_that_is_no_problem_document_still_gives_a_message() {
        let error = ApiError::from_answer(502, "<html>Bad gateway</html>");
        assert_eq!(error, ApiError::Unexpected { status: 502 });
        assert!(error.message(EN).contains("502"));
    }

    #[test]
    fn a_missing_project_is_told_from_other_refusals() {
        let body =
            r#"{"type":"urn:visiobook:problem:x","title":"No such project","status":404,"code":"x","detail":""}"#;
        let error = ApiError::from_answer(404, body);
        assert!(error.is_not_found());
        assert_eq!(error.message(EN), "No such project");
        assert!(ApiError::from_answer(404, "").is_not_found());
        assert!(!ApiError::Unreachable.is_not_found());
    }
}
