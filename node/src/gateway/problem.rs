//! The only place where an error becomes an HTTP status and an RFC 9457 problem.

use cluster::body::Fault;
use cluster::envelope::Trace;
use domain::api::Problem;
use warp::http::{HeaderName, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// The tus protocol's own status for a part that is not what its checksum says.
const CHECKSUM_MISMATCH: u16 = 460;

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
    /// Headers that belong to the answer, such as `Allow`.
    pub headers: Vec<(HeaderName, String)>,
}

impl ApiError {
    /// An error of the gateway's own.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Fault::new(code, detail).into()
    }

    /// The same, with a header.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
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
            instance: format!("urn:visiobook:request:{trace}"),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            // HTTP wants a way in named; browsers ask nobody for this one.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"visiobook\""));
        }
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
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
        Self {
            status,
            code: fault.code,
            detail: fault.detail,
            retry_after_ms: fault.retry_after_ms,
            headers: Vec::new(),
        }
    }
}

/// The status of a code that is about accounts and who asks.
fn of_accounts(code: &str) -> Option<StatusCode> {
    Some(match code {
        "oidc-state-unknown" | "oidc-refused" | "oidc-unknown" => StatusCode::FORBIDDEN,
        "oidc-off" | "identity-not-found" => StatusCode::NOT_FOUND,
        "export-running" => StatusCode::CONFLICT,
        "export-not-found" | "avatar-not-found" => StatusCode::NOT_FOUND,
        "avatar-unreadable" | "address-differs" => StatusCode::UNPROCESSABLE_ENTITY,
        "admin-hands-over" | "account-leaving" => StatusCode::CONFLICT,
        "oidc-taken" | "last-credential" | "too-many-identities" => StatusCode::CONFLICT,
        "oidc-answer-invalid" => StatusCode::BAD_GATEWAY,
        "oidc-unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "sign-in-needed" | "session-ended" | "sign-in-refused" | "key-invalid" | "second-factor-needed" => {
            StatusCode::UNAUTHORIZED
        }
        "forbidden"
        | "account-needed"
        | "address-unconfirmed"
        | "sign-in-again"
        | "csrf-token-needed"
        | "key-not-enough"
        | "password-wrong"
        | "second-factor-wrong"
        | "claim-code-wrong"
        | "claim-needed"
        | "mailed-link-invalid" => StatusCode::FORBIDDEN,
        "invitation-for-another" | "share-password-needed" | "share-password-wrong" => StatusCode::FORBIDDEN,
        "member-not-found" | "invitation-not-found" | "share-link-not-found" | "share-link-over" => {
            StatusCode::NOT_FOUND
        }
        "payer-stays" | "too-many-members" | "too-many-invitations" | "too-many-share-links" | "too-many-shared" => {
            StatusCode::CONFLICT
        }
        "account-not-found" | "session-not-found" | "key-not-found" => StatusCode::NOT_FOUND,
        "claimed-already" | "own-role" | "second-factor-on" | "second-factor-off" => StatusCode::CONFLICT,
        "password-weak" | "bad-email" | "key-settings-invalid" => StatusCode::UNPROCESSABLE_ENTITY,
        "too-many-attempts" | "too-many-keys" => StatusCode::TOO_MANY_REQUESTS,
        _ => return None,
    })
}

/// The status of a code. Codes are listed in `docs/errors.md`.
fn status(code: &str) -> StatusCode {
    if let Some(status) = of_accounts(code) {
        return status;
    }
    match code {
        "book-too-large"
        | "too-large"
        | "upload-too-long"
        | "upload-too-many-pieces"
        | "quota-exceeded"
        | "text-too-long" => StatusCode::PAYLOAD_TOO_LARGE,
        "upload-broken" | "bad-request" | "upload-without-name" | "bad-cursor" => StatusCode::BAD_REQUEST,
        "not-found" | "project-not-found" | "run-not-found" | "revision-not-found" | "version-not-found"
        | "artefact-not-found" | "upload-not-found" | "webhook-not-found" | "cover-not-found" => StatusCode::NOT_FOUND,
        "precondition-failed" => StatusCode::PRECONDITION_FAILED,
        code if code.starts_with("edit-") => StatusCode::UNPROCESSABLE_ENTITY,
        "not-acceptable" => StatusCode::NOT_ACCEPTABLE,
        "bad-name"
        | "bad-description"
        | "run-settings-invalid"
        | "text-empty"
        | "language-unsupported"
        | "webhook-url-refused"
        | "backup-passphrase-short" => StatusCode::UNPROCESSABLE_ENTITY,
        "method-not-allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "foreign-origin" | "foreign-host" | "not-local" | "tls-required" | "link-invalid" => StatusCode::FORBIDDEN,
        "run-in-progress"
        | "run-not-failed"
        | "run-not-read"
        | "revision-unchanged"
        | "too-many-revisions"
        | "storyboard-changed"
        | "nothing-to-undo"
        | "nothing-to-redo"
        | "backup-running"
        | "sweep-running"
        | "too-many-edits"
        | "conflict"
        | "upload-offset-mismatch"
        | "upload-incomplete" => StatusCode::CONFLICT,
        "upload-expired" | "link-expired" => StatusCode::GONE,
        "tus-version" => StatusCode::PRECONDITION_FAILED,
        "range-not-satisfiable" => StatusCode::RANGE_NOT_SATISFIABLE,
        "unsupported-media-type" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "upload-digest-mismatch" => StatusCode::UNPROCESSABLE_ENTITY,
        "upload-busy" => StatusCode::LOCKED,
        "checksum-mismatch" => StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST),
        "idempotency-running" => StatusCode::CONFLICT,
        "idempotency-mismatch" => StatusCode::UNPROCESSABLE_ENTITY,
        "too-many-streams" | "too-many-uploads" | "too-many-webhooks" | "rate-limited" => StatusCode::TOO_MANY_REQUESTS,
        "upgrade-required" => StatusCode::UPGRADE_REQUIRED,
        "unsupported" => StatusCode::NOT_IMPLEMENTED,
        "store-full" => StatusCode::INSUFFICIENT_STORAGE,
        "unavailable" | "analysis-busy" | "stopping" | "not-ready" | "store-read-only" | "store-timeout"
        | "store-locked" | "store-unavailable" | "store-held" | "store-closed" | "store-io" | "book-timeout" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        code if code.starts_with("book-") => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title(status: StatusCode, code: &str) -> &'static str {
    match status {
        _ if status.as_u16() == CHECKSUM_MISMATCH => "Checksum Mismatch",
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
