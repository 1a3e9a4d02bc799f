//! The only place where an error becomes an HTTP status and an RFC 9457 problem.

use cluster::body::Fault;
use cluster::envelope::Trace;
use domain::api::Problem;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// Why a request is not answered as hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: String,
    /// One sentence: what is wrong, and what to do.
    pub detail: String,
    /// Trying again makes sense after this long.
    pub retry_after_ms: Option<u32>,
    /// For a method that the path does not have: those that it has.
    pub allow: Option<String>,
}

impl ApiError {
    /// An error of the gateway's own.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Fault::new(code, detail).into()
    }

    /// The answer to whatever does not exist, or not for the asker.
    pub fn not_found() -> Self {
        Self::new("not-found", "there is nothing at this address")
    }

    /// The error as `application/problem+json`.
    pub fn into_response(self, trace: Trace) -> Response {
        let problem = Problem {
            kind: format!("urn:visiobook:problem:{}", self.code),
            title: title(self.status, &self.code).to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        if let Some(allow) = self.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        tracing::info!(%trace, status = problem.status, code = problem.code, "request refused");
        response
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let status = status(&fault.code);
        if status.is_server_error() {
            tracing::warn!(code = fault.code, detail = fault.detail, "request failed");
        }
        Self { status, code: fault.code, detail: fault.detail, retry_after_ms: fault.retry_after_ms, allow: None }
    }
}

/// The status of a code. Codes are listed in `docs/errors.md`.
fn status(code: &str) -> StatusCode {
    match code {
        "book-too-large" | "too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        "upload-broken" | "bad-request" | "upload-without-name" | "bad-cursor" => StatusCode::BAD_REQUEST,
        "not-found" | "project-not-found" | "run-not-found" | "revision-not-found" | "version-not-found"
        | "artefact-not-found" => StatusCode::NOT_FOUND,
        "precondition-failed" => StatusCode::PRECONDITION_FAILED,
        code if code.starts_with("edit-") => StatusCode::UNPROCESSABLE_ENTITY,
        "bad-name" | "bad-description" | "run-settings-invalid" => StatusCode::UNPROCESSABLE_ENTITY,
        "method-not-allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "foreign-origin" | "foreign-host" | "not-local" => StatusCode::FORBIDDEN,
        "run-in-progress" | "run-not-failed" | "run-not-read" | "revision-unchanged" | "too-many-revisions"
        | "storyboard-changed" | "nothing-to-undo" | "nothing-to-redo" | "too-many-edits" | "conflict" => {
            StatusCode::CONFLICT
        }
        "too-many-streams" => StatusCode::TOO_MANY_REQUESTS,
        "unsupported" => StatusCode::NOT_IMPLEMENTED,
        "store-full" => StatusCode::INSUFFICIENT_STORAGE,
        "unavailable" | "stopping" | "not-ready" | "store-read-only" | "store-timeout" | "store-locked"
        | "store-unavailable" | "store-closed" | "store-io" | "book-timeout" => StatusCode::SERVICE_UNAVAILABLE,
        code if code.starts_with("book-") => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title(status: StatusCode, code: &str) -> &'static str {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY if code.starts_with("book-") => "This book can't be read",
        StatusCode::INSUFFICIENT_STORAGE => "No space left",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_book_is_the_readers_fault_and_a_full_disk_ours() {
        assert_eq!(status("book-zip-bomb"), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status("store-full"), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(status("something-new"), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
