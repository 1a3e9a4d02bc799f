//! The client of `/api/v1`: one function a request, every failure a value.

mod accounts;
mod admin;
mod belongings;
mod credentials;
mod identities;
mod projects;
mod sharing;
mod storyboard;
mod uploads;

pub use accounts::*;
pub use admin::*;
pub use belongings::*;
pub use credentials::*;
pub use identities::*;
pub use projects::*;
pub use sharing::*;
pub use storyboard::*;
pub use uploads::*;

use std::mem::replace;

use domain::api::{NodeInfo, Problem};
use domain::text::Text;
use gloo_net::http::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, File};

use crate::account::again;
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

    /// Whoever is signed in is not who the page takes them for.
    pub fn is_of_another(&self) -> bool {
        self.is_unsigned() || matches!(self.code(), "csrf-token-needed" | "address-unconfirmed" | "account-needed")
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
        "password-weak" => Text::ErrorPasswordWeak,
        "password-wrong" => Text::ErrorPasswordWrong,
        "claim-code-wrong" => Text::ErrorClaimCode,
        "claimed-already" => Text::ErrorClaimed,
        "claim-needed" => Text::ErrorClaimNeeded,
        "bad-email" => Text::FaultEmail,
        "bad-name" => Text::FaultName,
        "sign-in-needed" | "session-ended" => Text::ErrorUnsigned,
        "address-unconfirmed" => Text::ErrorUnconfirmed,
        "sign-in-again" => Text::ErrorAgain,
        "forbidden" => Text::ErrorForbidden,
        "own-role" => Text::ErrorOwnRole,
        "account-not-found" => Text::ErrorAccountUnknown,
        "address-differs" => Text::ErrorAddressDiffers,
        "admin-hands-over" => Text::ErrorHandOver,
        "avatar-unreadable" => Text::ErrorPicture,
        CODE_NEEDED => Text::ErrorCodeNeeded,
        CODE_WRONG => Text::ErrorCodeWrong,
        "invitation-for-another" => Text::ErrorInvitationForAnother,
        "invitation-not-found" => Text::ErrorInvitationGone,
        "payer-stays" => Text::ErrorPayerStays,
        "share-link-over" => Text::ErrorShareOver,
        "share-password-wrong" => Text::ErrorSharePassword,
        "too-many-members" => Text::ErrorTooManyMembers,
        "too-many-invitations" => Text::ErrorTooManyInvitations,
        "too-many-share-links" => Text::ErrorTooManyLinks,
        "too-many-shared" => Text::ErrorTooManyShared,
        "too-many-keys" => Text::ErrorTooManyKeys,
        "too-many-identities" => Text::FlowTooMany,
        "last-credential" => Text::IdentityLast,
        "oidc-off" => Text::FlowOff,
        "oidc-unavailable" => Text::FlowUnavailable,
        "second-factor-on" => Text::ErrorFactorOn,
        "second-factor-off" => Text::ErrorFactorOff,
        "account-leaving" => Text::ErrorAccountLeaving,
        "export-running" => Text::ErrorExportRunning,
        "rate-limited" => Text::ErrorAttempts,
        "unavailable" => Text::ErrorBusy,
        "conflict" => Text::ErrorConflict,
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
    body: Option<JsValue>,
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
        let body = serde_json::to_string(value).ok().map(JsValue::from);
        Self { body, ..self }.header("content-type", "application/json")
    }

    /// With a file, as it is.
    fn file(self, file: File) -> Self {
        Self { body: Some(file.into()), ..self }.header("content-type", "application/octet-stream")
    }

    /// The node looks through a whole book before it answers.
    fn long(self) -> Self {
        Self { patience_ms: LONG_PATIENCE_MS, ..self }
    }

    /// Sends it; what comes back is a success. What the node wants before that is seen to, once each: another token
    /// where another tab began another session, the password where it was said too long ago.
    async fn send(self) -> Result<Response, ApiError> {
        let (mut renewed, mut proved) = (false, false);
        loop {
            let error = match self.send_once().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let seen_to = match error.code() {
                "csrf-token-needed" if !replace(&mut renewed, true) => renew_csrf().await,
                "sign-in-again" if !replace(&mut proved, true) => again::ask().await,
                _ => false,
            };
            if !seen_to {
                return Err(error);
            }
        }
    }

    async fn send_once(&self) -> Result<Response, ApiError> {
        let changes = self.method != Method::GET;
        let signal = AbortSignal::timeout_with_u32(self.patience_ms);
        let url = format!("{ROOT}{}", self.path);
        let mut request = Request::get(&url).method(self.method.clone()).abort_signal(Some(&signal));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if changes {
            request = request.header(GUARD.0, GUARD.1);
            if let Some((name, token)) = csrf() {
                request = request.header(name, &token);
            }
        }
        let sent = match self.body.clone() {
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
        parse(self.send().await?).await
    }

    /// What comes back, as it is.
    async fn bytes(self) -> Result<Vec<u8>, ApiError> {
        self.send().await?.binary().await.map_err(|_| ApiError::Unreachable)
    }

    /// The same, with nothing seen to.
    async fn read_once<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        parse(self.send_once().await?).await
    }

    async fn done(self) -> Result<(), ApiError> {
        self.send().await.map(|_| ())
    }
}

async fn parse<T: DeserializeOwned>(answer: Response) -> Result<T, ApiError> {
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
    fn a_refusal_that_is_common_is_told_in_the_visitors_language() {
        let body =
            r#"{"type":"t","title":"T","status":413,"code":"quota-exceeded","detail":"9 bytes and 8 are allowed"}"#;
        let error = ApiError::from_answer(413, body);
        assert_eq!(error.message(Tr(Language::Fr)), Language::Fr.text(Text::ErrorQuota));
        assert_eq!(error.code(), "quota-exceeded");
    }

    #[test]
    fn who_is_signed_in_is_asked_anew_when_the_node_takes_them_for_somebody_else() {
        let refused = |status: u16, code: &str| {
            let problem = format!(r#"{{"type":"t","title":"T","status":{status},"code":"{code}","detail":"d"}}"#);
            ApiError::from_answer(status, &problem)
        };
        for (status, code) in [(401, "sign-in-needed"), (401, "session-ended")] {
            assert!(refused(status, code).is_unsigned() && refused(status, code).is_of_another(), "{code}");
        }
        let other = refused(403, "csrf-token-needed");
        assert!(!other.is_unsigned() && other.is_of_another());
        for code in ["sign-in-refused", "sign-in-again", "password-wrong", "forbidden"] {
            let refused = refused(403, code);
            assert!(!refused.is_unsigned() && !refused.is_of_another(), "{code}");
            assert_ne!(refused.message(Tr(Language::Fr)), "d", "{code} is told in the visitor's language");
        }
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
