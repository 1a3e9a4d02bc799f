//! Uploads that can be broken off and gone on with: the tus protocol over envelopes and the bulk plane.
//!
//! A part's bytes go to the bulk plane in chunks of at most 8 MiB, each durable before the core is told of it.
//! Whatever came before a connection broke is kept: the offset says where to go on.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cluster::body::Fault;
use cluster::body::keyed::CreateUploadAs;
use cluster::body::uploads::{
    AbandonChunks, AppendUpload, ChunkRef, CreateUpload, GetUpload, MAX_CHUNK_BYTES, RemoveUpload, UploadReply,
    upload_scope,
};
use cluster::bulk::ByteStream;
use cluster::link::CallContext;
use domain::id::{Digest, UploadId};
use domain::principal::Principal;
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tracing::Instrument;
use warp::http::{HeaderName, HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::handlers::{empty, file_name, json};
use super::problem::ApiError;
use super::{Gateway, Request, tus};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// `OPTIONS /api/v1/uploads`, and of an upload
pub async fn options(request: Request) -> Result {
    if !request.path.is_empty() {
        request.path_id::<UploadId>(0)?;
    }
    let mut response = empty();
    set(&mut response, HeaderName::from_static("tus-version"), tus::VERSION);
    set(&mut response, HeaderName::from_static("tus-extension"), tus::EXTENSIONS);
    set(&mut response, HeaderName::from_static("tus-checksum-algorithm"), tus::CHECKSUMS);
    set(&mut response, HeaderName::from_static("tus-max-size"), &request.gateway.upload_limit_bytes.to_string());
    Ok(response)
}

/// `POST /api/v1/uploads`
pub async fn create(request: Request) -> Result {
    tus::check_version(&request.headers)?;
    if request.headers.contains_key("upload-defer-length") {
        return Err(ApiError::new("bad-request", "say the file's size as `Upload-Length`; it can't be said later"));
    }
    let length = tus::number(&request.headers, &tus::LENGTH)?;
    let metadata = tus::metadata(&request.headers)?;
    let ask = CreateUpload {
        principal: request.principal,
        file_name: file_name(metadata.file_name.as_deref().unwrap_or_default())?,
        metadata: metadata.raw,
        length,
        expected: metadata.digest,
    };
    let (core, context) = (&request.gateway.core, request.context());
    let reply = match request.made {
        Some(id) => core.call(CreateUploadAs { upload: UploadId(id), ask }, context).await?,
        None => core.call(ask, context).await?,
    };
    let mut response = json(StatusCode::CREATED, &reply.upload);
    set(&mut response, header::LOCATION, &format!("{}/{}", tus::PATH, reply.upload.id));
    said(&mut response, &reply);
    Ok(response)
}

/// `GET` and `HEAD /api/v1/uploads/{upload}`
pub async fn get(request: Request) -> Result {
    if request.headers.contains_key(&tus::RESUMABLE) {
        tus::check_version(&request.headers)?;
    }
    let ask = GetUpload { principal: request.principal, upload: request.path_id(0)? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    let mut response = json(StatusCode::OK, &reply.upload);
    said(&mut response, &reply);
    Ok(response)
}

/// `DELETE /api/v1/uploads/{upload}`
pub async fn remove(request: Request) -> Result {
    tus::check_version(&request.headers)?;
    let ask = RemoveUpload { principal: request.principal, upload: request.path_id(0)? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `PATCH /api/v1/uploads/{upload}`
///
/// A task of its own: a connection that breaks ends the body, and must not end the keeping of what came.
pub async fn append(request: Request) -> Result {
    let task = tokio::spawn(receive(request).in_current_span());
    task.await.map_err(|_| ApiError::new("internal", "a part could not be taken; the log says why"))?
}

async fn receive(mut request: Request) -> Result {
    tus::check_version(&request.headers)?;
    tus::check_part(&request.headers)?;
    let upload: UploadId = request.path_id(0)?;
    let offset = tus::number(&request.headers, &tus::OFFSET)?;
    let checksum = tus::checksum(&request.headers)?;
    let ask = GetUpload { principal: request.principal, upload };
    let now = request.gateway.core.call(ask, request.context()).await?;
    if now.upload.offset != offset {
        let detail = format!("this upload stands at {}, not at {offset}: go on from there", now.upload.offset);
        return Err(ApiError::new("upload-offset-mismatch", detail));
    }
    let left = now.upload.length - offset;
    if tus::number(&request.headers, &header::CONTENT_LENGTH).is_ok_and(|announced| announced > left) {
        return Err(too_long(left).into());
    }
    let body = std::mem::replace(&mut request.body, Box::pin(futures_util::stream::empty()));
    let body = Body::new(body, left, checksum.is_some());
    let (context, principal, gateway) = (request.context(), request.principal, request.gateway);
    let part =
        Part { gateway, principal, context, upload, offset, checksum, untaken: Vec::new(), has_told: false, last: now };
    let reply = part.take(&body).await?;
    let mut response = empty();
    said(&mut response, &reply);
    Ok(response)
}

/// A part that comes.
struct Part {
    gateway: Arc<Gateway>,
    principal: Principal,
    context: CallContext,
    upload: UploadId,
    /// Where the upload stands, as far as this part knows.
    offset: u64,
    checksum: Option<Digest>,
    /// Chunks that are durable and that the core has not been told of.
    untaken: Vec<ChunkRef>,
    /// The core was told of something.
    has_told: bool,
    last: UploadReply,
}

impl Part {
    /// Takes a part chunk by chunk; one with a checksum, all or nothing.
    async fn take(mut self, body: &Body) -> Result<UploadReply> {
        let taken = self.try_take(body).await;
        if taken.is_err() && !self.untaken.is_empty() {
            self.abandon().await;
        }
        taken.map(|()| self.last)
    }

    async fn try_take(&mut self, body: &Body) -> Result<()> {
        let scope = upload_scope(self.principal, self.upload);
        while body.has_more().await {
            let chunk = body.chunk(MAX_CHUNK_BYTES);
            let stored = self.gateway.bulk.put(scope, chunk, MAX_CHUNK_BYTES).await?;
            self.untaken.push(ChunkRef { digest: stored.digest, bytes: stored.bytes });
            if self.checksum.is_none() && !body.is_too_long().await {
                self.tell().await?;
            }
        }
        let (digest, broken) = body.end().await;
        if let Some(fault) = broken {
            return Err(fault.into());
        }
        if let (Some(expected), Some(digest)) = (self.checksum, digest)
            && expected != digest
        {
            let detail = format!("the part has digest {digest}, and {expected} was announced: send it again");
            return Err(ApiError::new("checksum-mismatch", detail));
        }
        // Without chunks too: a part that brings nothing new may be what puts a file together.
        if self.has_told && self.untaken.is_empty() { Ok(()) } else { self.tell().await }
    }

    /// Tells the core of the chunks that are durable.
    async fn tell(&mut self) -> Result<()> {
        let ask = AppendUpload {
            principal: self.principal,
            upload: self.upload,
            offset: self.offset,
            chunks: self.untaken.clone(),
        };
        self.last = self.gateway.core.call(ask, self.context).await?;
        self.offset = self.last.upload.offset;
        self.untaken.clear();
        self.has_told = true;
        Ok(())
    }

    /// Has chunks removed that were not taken. What can't be removed now goes with the upload.
    async fn abandon(&self) {
        let chunks = self.untaken.iter().map(|chunk| chunk.digest).collect();
        let ask = AbandonChunks { principal: self.principal, upload: self.upload, chunks };
        if let Err(fault) = self.gateway.core.call(ask, self.context).await {
            tracing::debug!(%fault, upload = %self.upload, "chunks that were not taken go with their upload");
        }
    }
}

fn too_long(left: u64) -> Fault {
    Fault::new("upload-too-long", format!("{left} bytes are left of what the upload announced, and more were sent"))
}

/// A part's body, cut into chunks on its way. Where it breaks off, the chunk at hand ends as if it were the
/// last one, and the break is told at the end.
struct Body(Arc<Mutex<Rest>>);

struct Rest {
    body: ByteStream,
    /// Of the last piece, what the chunk before did not take.
    carry: bytes::Bytes,
    /// Bytes that the upload still takes.
    left: u64,
    /// Where the part said its own digest; chunks are hashed where they are stored.
    hasher: Option<Sha256>,
    broken: Option<Fault>,
}

impl Body {
    fn new(body: ByteStream, left: u64, is_checked: bool) -> Self {
        let hasher = is_checked.then(Sha256::new);
        let rest = Rest { body, carry: bytes::Bytes::new(), left, hasher, broken: None };
        Self(Arc::new(Mutex::new(rest)))
    }

    /// Waits until there is a byte to take, or it is known that none comes.
    async fn has_more(&self) -> bool {
        self.0.lock().await.fill().await
    }

    /// The next bytes, at most so many.
    fn chunk(&self, max_bytes: u64) -> ByteStream {
        let rest = Arc::clone(&self.0);
        Box::pin(futures_util::stream::unfold((rest, max_bytes), |(rest, max)| async move {
            let piece = rest.lock().await.take(max).await?;
            let max = max - piece.len() as u64;
            Some((Ok::<_, Fault>(piece), (rest, max)))
        }))
    }

    async fn is_too_long(&self) -> bool {
        self.0.lock().await.broken.as_ref().is_some_and(|fault| fault.code == "upload-too-long")
    }

    /// The digest of all that came, if it is checked, and why it broke off if it did.
    async fn end(&self) -> (Option<Digest>, Option<Fault>) {
        let mut rest = self.0.lock().await;
        let digest = rest.hasher.take().map(|hasher| Digest(hasher.finalize().into()));
        (digest, rest.broken.take())
    }
}

impl Rest {
    async fn fill(&mut self) -> bool {
        while self.carry.is_empty() && self.broken.is_none() {
            match self.body.next().await {
                None => return false,
                Some(Err(fault)) => self.broken = Some(fault),
                Some(Ok(piece)) if piece.len() as u64 > self.left => self.broken = Some(too_long(self.left)),
                Some(Ok(piece)) => {
                    self.left -= piece.len() as u64;
                    self.carry = piece;
                }
            }
        }
        !self.carry.is_empty()
    }

    async fn take(&mut self, max_bytes: u64) -> Option<bytes::Bytes> {
        if max_bytes == 0 || !self.fill().await {
            return None;
        }
        let len = self.carry.len().min(usize::try_from(max_bytes).unwrap_or(usize::MAX));
        let piece = self.carry.split_to(len);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        Some(piece)
    }
}

/// What every answer about an upload says of it.
fn said(response: &mut Response, reply: &UploadReply) {
    let upload = &reply.upload;
    set(response, tus::OFFSET, &upload.offset.to_string());
    set(response, tus::LENGTH, &upload.length.to_string());
    let expires = UNIX_EPOCH.checked_add(Duration::from_millis(upload.expires_ms));
    // A date that the calendar of HTTP does not have is not said.
    if let Some(expires) = expires.filter(|_| upload.expires_ms < 253_402_300_800_000) {
        set(response, tus::EXPIRES, &httpdate::fmt_http_date(expires));
    }
    if !reply.metadata.is_empty() {
        set(response, tus::METADATA, &reply.metadata);
    }
    set(response, header::CACHE_CONTROL, "no-store");
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::TryStreamExt;

    use super::*;

    fn body(pieces: Vec<std::result::Result<&'static str, Fault>>, left: u64) -> Body {
        let pieces = pieces.into_iter().map(|piece| piece.map(Bytes::from));
        Body::new(Box::pin(futures_util::stream::iter(pieces)), left, true)
    }

    async fn chunks(body: &Body, max: u64) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        while body.has_more().await {
            let pieces: Vec<Bytes> = body.chunk(max).try_collect().await.unwrap();
            chunks.push(pieces.concat());
        }
        chunks
    }

    #[tokio::test]
    async fn a_body_is_cut_where_chunks_end_and_not_where_packets_do() {
        let body = body(vec![Ok("ab"), Ok(""), Ok("cdefg"), Ok("h")], 8);
        assert_eq!(chunks(&body, 3).await, [b"abc".as_slice(), b"def", b"gh"]);
        assert_eq!(body.end().await, (Some(Digest::of(b"abcdefgh")), None));
    }

    #[tokio::test]
    async fn what_came_before_a_break_is_a_chunk_and_the_break_is_told() {
        let fault = Fault::new("upload-broken", "cut");
        let body = body(vec![Ok("abcd"), Err(fault.clone()), Ok("never")], 100);
        assert_eq!(chunks(&body, 3).await, [b"abc".as_slice(), b"d"]);
        assert_eq!(body.end().await, (Some(Digest::of(b"abcd")), Some(fault)));
    }

    #[tokio::test]
    async fn bytes_beyond_what_was_announced_are_not_taken() {
        let body = body(vec![Ok("abc"), Ok("d")], 3);
        assert_eq!(chunks(&body, 100).await, [b"abc".as_slice()]);
        assert!(body.is_too_long().await);
    }
}
