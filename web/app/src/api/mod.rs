//! The client of `/api/v1`: one function a request, every failure a value.

mod accounts;
mod projects;
mod storyboard;
mod uploads;

pub use accounts::*;
pub use projects::*;
pub use storyboard::*;
pub use uploads::*;

use domain::api::{NodeInfo, Problem};
use domain::text::Text;
use gloo_net::http::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::AbortSignal;

use crate::i18n::Tr;

/// Root of the interface.
pub const ROOT: &str = "/api/v1";

/// Sent with every request that changes something: a form of another site can't set it.
pub const GUARD: (&str, &str) = ("x-visiobook", "1");

/// How long an answer is waited for.
const PATIENCE_MS: u32 = 30_000;
/// The same where the node looks through a whole book first.
const LONG_PATIENCE_MS: u32 = 150_000;

/// Why a request gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The node did not answer.
    Unreachable,
    /// The node refused, and says why.
    Refused(Box<Problem>),
    /// Something answered that is no problem document: a proxy, or a node of another version.
    Unexpected { status: u16 },
    /// The answer is not what this version of the page can read.
    Unreadable,
}

impl ApiError {
    /// From the status and body of an answer that is not a success.
    pub fn from_answer(status: u16, body: &str) -> Self {
        serde_json::from_str(body).map_or(Self::Unexpected { status }, |problem| Self::Refused(Box::new(problem)))
    }

    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status == 404,
            Self::Unexpected { status } => *status == 404,
            Self::Unreachable | Self::Unreadable => false,
        }
    }

    /// Nobody is signed in, or no more.
    pub fn is_unsigned(&self) -> bool {
        matches!(self.code(), "sign-in-needed" | "session-ended")
    }

    /// The code of the node's refusal; empty where it has none.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(problem) => &problem.code,
            _ => "",
        }
    }

    /// What to tell the visitor.
    pub fn message(&self, tr: Tr) -> String {
        match self {
            Self::Unreachable => tr.t(Text::ErrorUnreachable).to_owned(),
            Self::Refused(problem) => match (known(&problem.code), &*problem.detail) {
                (Some(text), _) => tr.t(text).to_owned(),
                (None, "") => problem.title.clone(),
                (None, detail) => detail.to_owned(),
            },
            Self::Unexpected { status } => tr.fill(Text::ErrorUnexpected, &[("status", &status.to_string())]),
            Self::Unreadable => tr.t(Text::ErrorUnreadable).to_owned(),
        }
    }
}

/// Refusals that visitors meet in the course of things, in their own language and with what can be done on the page.
fn known(code: &str) -> Option<Text> {
    Some(match code {
        "quota-exceeded" => Text::ErrorQuota,
        "too-many-uploads" => Text::ErrorUploads,
        "store-full" => Text::ErrorFull,
        "run-in-progress" => Text::ErrorRunning,
        "revision-unchanged" => Text::ErrorUnchanged,
        "sign-in-refused" => Text::ErrorSignIn,
        "too-many-attempts" => Text::ErrorAttempts,
        "mailed-link-invalid" => Text::ErrorMailedLink,
        _ => return None,
    })
}

/// What this node is and what it trusts.
pub async fn node() -> Result<NodeInfo, ApiError> {
    Ask::get("/node").read().await
}

/// A request on its way to being made.
struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    patience_ms: u32,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>) -> Self {
        let headers = vec![("accept", "application/json".to_owned())];
        Self { method, path: path.into(), headers, body: None, patience_ms: PATIENCE_MS }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body of JSON. What we send can always be written.
    fn json(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_string(value).ok();
        Self { body, ..self }.header("content-type", "application/json")
    }

    /// The node looks through a whole book before it answers.
    fn long(self) -> Self {
        Self { patience_ms: LONG_PATIENCE_MS, ..self }
    }

    /// Sends it; what comes back is a success.
    async fn send(self) -> Result<Response, ApiError> {
        let changes = self.method != Method::GET;
        let signal = AbortSignal::timeout_with_u32(self.patience_ms);
        let mut request = Request::get(&format!("{ROOT}{}", self.path)).method(self.method).abort_signal(Some(&signal));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if changes {
            request = request.header(GUARD.0, GUARD.1);
            if let Some((name, token)) = csrf() {
                request = request.header(name, &token);
            }
        }
        let sent = match self.body {
            Some(body) => request.body(body).map_err(|_| ApiError::Unreachable)?.send().await,
            None => request.send().await,
        };
        let answer = sent.map_err(|_| ApiError::Unreachable)?;
        if answer.ok() {
            return Ok(answer);
        }
        let body = answer.text().await.unwrap_or_default();
        Err(ApiError::from_answer(answer.status(), &body))
    }

    async fn read<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let body = self.send().await?.text().await.map_err(|_| ApiError::Unreachable)?;
        serde_json::from_str(&body).map_err(|_| ApiError::Unreadable)
    }

    async fn done(self) -> Result<(), ApiError> {
        self.send().await.map(|_| ())
    }
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
    fn a_refusal_that_is_common_is_told_in_the_visitors_language() {
        let body =
            r#"{"type":"t","title":"T","status":413,"code":"quota-exceeded","detail":"9 bytes and 8 are allowed"}"#;
        let error = ApiError::from_answer(413, body);
        assert_eq!(error.message(Tr(Language::Fr)), Language::Fr.text(Text::ErrorQuota));
        assert_eq!(error.code(), "quota-exceeded");
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
