//! `Idempotency-Key`: a request that is sent again, since nobody knows what became of it, makes nothing twice.
//!
//! Two things uphold that. What is made gets an id that follows from account, route and key: made again, it is there
//! already, whatever died meanwhile, and the core answers with it. And the answer is kept for a day, so that the same
//! request gets the same answer, byte for byte; that may be lost at any time, and then only the first holds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actors::keyed::other_request;
use async_trait::async_trait;
use bytes::Bytes;
use cluster::body::Fault;
use domain::id::{Digest, TenantId};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::body::Body;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use warp::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use warp::reply::Response;

use super::Request;
use super::problem::ApiError;
use super::routes::{Param, Route};

/// The header, as the document has it.
pub const KEY: Param = Param {
    name: "idempotency-key",
    place: "header",
    required: false,
    about: "Anything of the client's own, 1 to 255 visible characters, another one for each thing that is to be made: \
            sent again with the same request within a day, it gets the same answer, and nothing is made twice.",
    kind: "/[!-~]{1,255}/",
};
/// Longest key.
const KEY_MAX: usize = 255;
/// Largest answer that is kept.
const ANSWER_MAX_BYTES: u64 = 256 << 10;
/// When to ask again for what is being made, milliseconds.
const AGAIN_MS: u32 = 1_000;

/// Keeps answers for a day, or less.
#[async_trait]
pub trait Kept: Send + Sync {
    /// What was kept under a name; `None` too where that can't be said.
    async fn get(&self, name: &str) -> Option<Bytes>;
    /// Keeps something under a name.
    async fn put(&self, name: &str, value: Bytes);
}

/// Requests with keys.
pub struct Keyed {
    kept: Arc<dyn Kept>,
    /// Those that are being answered.
    running: Mutex<HashSet<Digest>>,
}

/// An answer, as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    /// Tells its request from others.
    request: Digest,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A key that is in use, until it is dropped.
struct InUse<'a> {
    keyed: &'a Keyed,
    name: Digest,
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.keyed.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Keyed {
    /// Keeps answers in `kept`.
    pub fn new(kept: Arc<dyn Kept>) -> Self {
        Self { kept, running: Mutex::default() }
    }

    fn begin(&self, name: Digest) -> Result<InUse<'_>, ApiError> {
        if self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(name) {
            return Ok(InUse { keyed: self, name });
        }
        let detail = "the first request of this key is still being answered; ask again";
        Err(ApiError { retry_after_ms: Some(AGAIN_MS), ..ApiError::new("idempotency-running", detail) })
    }

    async fn find(&self, name: Digest) -> Option<Answer> {
        serde_json::from_slice(&self.kept.get(&format!("answer/{name}")).await?).ok()
    }

    async fn keep(&self, name: Digest, answer: &Answer) {
        if let Ok(bytes) = serde_json::to_vec(answer) {
            self.kept.put(&format!("answer/{name}"), bytes.into()).await;
        }
    }
}

/// What is told where a book went before it was a project's: under an id that was used before, what an earlier try
/// left is cleared away, and the book may have come in between.
pub fn cleared_away(request: &Request, fault: Fault) -> ApiError {
    if request.made.is_none() || fault.code != "blob-not-found" {
        return fault.into();
    }
    Fault::new("conflict", "what an earlier try left is being cleared away; send it again").retry_after(AGAIN_MS).into()
}

/// Answers a request; one with a key, on a route that makes something, once.
///
/// # Errors
/// `bad-request` for what is no key, `idempotency-mismatch`, `idempotency-running`, and whatever the route says.
pub async fn once(mut request: Request, route: &Route) -> Result<Response, ApiError> {
    let Some(key) = key(&request.headers)?.filter(|_| route.creates()) else {
        return (route.handler)(request).await;
    };
    let gateway = request.gateway.clone();
    let name = named(request.asker.tenant, "", &key);
    // Until there is an answer.
    let _in_use = gateway.keyed.begin(name)?;
    let head = head_of(&request, route);
    let heard = Arc::new(Mutex::new(head));
    if let Some(answer) = gateway.keyed.find(name).await {
        let mut body = heard_along(&mut request, &heard);
        while let Some(chunk) = body.next().await {
            chunk?;
        }
        return if digest(&heard) == answer.request { again(&answer) } else { Err(other_request().into()) };
    }
    request.made = Some(id(named(request.asker.tenant, route.id, &key)));
    request.body = heard_along(&mut request, &heard);
    let response = (route.handler)(request).await?;
    kept(&gateway.keyed, name, digest(&heard), response).await
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut keys = headers.get_all(KEY.name).iter();
    let (Some(key), more) = (keys.next(), keys.next()) else { return Ok(None) };
    let is_visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    match key.to_str().ok().filter(|key| (1..=KEY_MAX).contains(&key.len())).filter(is_visible) {
        Some(key) if more.is_none() => Ok(Some(key.to_owned())),
        _ => Err(ApiError::new("bad-request", "`Idempotency-Key` is one word of 1 to 255 visible characters")),
    }
}

/// A name that no other account, route and key have.
fn named(tenant: TenantId, route: &str, key: &str) -> Digest {
    let mut text = b"visiobook idempotency 1\0".to_vec();
    text.extend(tenant.0.to_be_bytes());
    for part in [route, key] {
        text.extend((part.len() as u64).to_be_bytes());
        text.extend(part.as_bytes());
    }
    Digest::of(&text)
}

/// An id of the form that the rest have (RFC 9562, version 8).
fn id(name: Digest) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&name.0[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().as_u128()
}

/// All that tells a request from others but its body. Each part says how long it is.
fn head_of(request: &Request, route: &Route) -> Sha256 {
    let mut hash = Sha256::new();
    let query = request.query.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let headers = ["content-type", "upload-length", "upload-metadata"]
        .map(|name| request.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes));
    let path = request.path.iter().map(String::as_str);
    let words = std::iter::once(route.id).chain(path).chain(query).map(str::as_bytes);
    for part in words.chain(headers) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(u64::MAX.to_be_bytes());
    hash
}

/// The body of a request, hashed on its way.
fn heard_along(request: &mut Request, heard: &Arc<Mutex<Sha256>>) -> cluster::bulk::ByteStream {
    let heard = heard.clone();
    Box::pin(request.take_body().inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            heard.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        }
    }))
}

fn digest(heard: &Mutex<Sha256>) -> Digest {
    Digest(heard.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize().into())
}

/// Keeps an answer where something was made, and gives it.
async fn kept(keyed: &Keyed, name: Digest, request: Digest, response: Response) -> Result<Response, ApiError> {
    let is_small = response.body().size_hint().upper().is_some_and(|bytes| bytes <= ANSWER_MAX_BYTES);
    if !response.status().is_success() || !is_small {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let broken = |_| ApiError::new("internal", "an answer could not be put together");
    let bytes = body.collect().await.map_err(broken)?.to_bytes();
    let headers = parts.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let answer = Answer {
        request,
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    keyed.keep(name, &answer).await;
    Ok(Response::from_parts(parts, bytes.into()))
}

/// An answer that was given before.
fn again(answer: &Answer) -> Result<Response, ApiError> {
    let mut response = Response::new(answer.body.clone().into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_visible_word() {
        let of = |keys: &[&str]| {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(KEY.name, HeaderValue::from_bytes(key.as_bytes()).unwrap());
            }
            key(&headers).map_err(|error| error.code)
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["\"8e03978e\""]), Ok(Some("\"8e03978e\"".to_owned())));
        for wrong in [&[""][..], &["two words"], &["é"], &["a", "b"], &[&"k".repeat(256)]] {
            assert_eq!(of(wrong), Err("bad-request".to_owned()), "{wrong:?}");
        }
    }

    #[test]
    fn no_two_accounts_routes_or_keys_share_an_id() {
        let names = [(1, "a", "b"), (2, "a", "b"), (1, "ab", ""), (1, "", "ab"), (1, "a", "c")];
        let ids: HashSet<u128> = names.map(|(tenant, route, key)| id(named(TenantId(tenant), route, key))).into();
        assert_eq!(ids.len(), names.len());
        let one = uuid::Uuid::from_u128(id(named(TenantId(1), "a", "b")));
        assert_eq!((one.get_version_num(), one.get_variant()), (8, uuid::Variant::RFC4122));
    }
}
