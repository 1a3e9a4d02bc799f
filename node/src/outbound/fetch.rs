//! Small answers over HTTP, each over a connection of its own to an address that was checked.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::dial::{DialError, Dialler};

/// Largest head of an answer.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// Largest body of an answer.
const MAX_BODY_BYTES: usize = 256 << 10;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The talk broke off, or is none.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// The answer has too many bytes.
    #[error("the answer has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
}

fn broken(error: impl std::fmt::Display) -> FetchError {
    FetchError::Broken(error.to_string())
}

/// Sends a request whose address is whole, and reads the answer. No redirect is followed. How long it may take is the
/// caller's to bound.
///
/// # Errors
/// Why there is no answer; one of any status is one.
pub async fn fetch(dialler: &Dialler, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
    let (mut parts, body) = request.into_parts();
    let target = dialler.understand(&parts.uri.to_string()).map_err(DialError::from)?;
    let line = dialler.dial(&target).await?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(line)).await.map_err(broken)?;
    parts.uri = target.url[url::Position::BeforePath..url::Position::AfterQuery].parse().map_err(broken)?;
    let host = &target.url[url::Position::BeforeHost..url::Position::AfterPort];
    parts.headers.insert(header::HOST, HeaderValue::from_str(host).map_err(broken)?);
    parts
        .headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("visiobook/", env!("CARGO_PKG_VERSION"))));
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    // The connection goes with this function, however far the answer is.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let answer = sender.send_request(Request::from_parts(parts, Full::new(Bytes::from(body)))).await;
    let (parts, body) = answer.map_err(broken)?.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| {
        let is_large = error.is::<http_body_util::LengthLimitError>();
        if is_large { FetchError::TooLarge } else { broken(error) }
    })?;
    Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
}
