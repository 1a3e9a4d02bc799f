//! The bulk plane: streams of bytes, by digest, beside the control plane.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use domain::health::Jobs;
use domain::id::Digest;
use futures_util::stream::BoxStream;

use crate::body::{Fault, Scope};

/// A stream of bytes that may break off.
pub type ByteStream = BoxStream<'static, Result<Bytes, Fault>>;

/// Bytes that are now durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Their digest: from now on their name.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

/// Bytes on their way to whoever asked.
pub struct Fetched {
    /// Size of the whole blob, whatever range was asked for.
    pub total_bytes: u64,
    /// The bytes.
    pub body: ByteStream,
}

/// Where large things pass. Served by core nodes, who alone touch the stores; on a one-process node the
/// calls go straight to them.
#[async_trait]
pub trait BulkPlane: Send + Sync {
    /// Stores a stream. When this returns, the bytes are durable; when it fails, none are kept.
    ///
    /// # Errors
    /// `too-large` beyond `limit_bytes`; the stream's own fault; `store-…` codes.
    async fn put(&self, scope: Scope, body: ByteStream, limit_bytes: u64) -> Result<Stored, Fault>;

    /// Opens a blob, or a range of its bytes.
    ///
    /// # Errors
    /// `blob-not-found`; `store-…` codes.
    async fn get(&self, scope: Scope, digest: Digest, range: Option<Range<u64>>) -> Result<Fetched, Fault>;

    /// An archive of all that the core keeps, with its signing keys sealed under a passphrase where one is given. It
    /// ends with its own digest: what ends otherwise broke off.
    ///
    /// # Errors
    /// `backup-running` while another one is made, `backup-passphrase-short`; `store-…` codes; `unsupported` where no
    /// core is behind it.
    async fn backup(&self, passphrase: Option<String>) -> Result<ByteStream, Fault> {
        drop(passphrase);
        Err(Fault::new("unsupported", "backups are made by a core"))
    }

    /// How far a backup or a sweep is, or how the last one ended: of a stream that broke off, why it did.
    ///
    /// # Errors
    /// `unsupported` where no core is behind it.
    async fn jobs(&self) -> Result<Jobs, Fault> {
        Err(Fault::new("unsupported", "long jobs are done by a core"))
    }
}

/// Collects a whole blob of at most `limit_bytes`.
///
/// # Errors
/// `too-large`, and whatever [`BulkPlane::get`] gives.
pub async fn fetch_whole(
    bulk: &dyn BulkPlane,
    scope: Scope,
    digest: Digest,
    limit_bytes: u64,
) -> Result<Vec<u8>, Fault> {
    use futures_util::TryStreamExt;
    let mut fetched = bulk.get(scope, digest, None).await?;
    if fetched.total_bytes > limit_bytes {
        let detail = format!("blob {digest} has {} bytes, more than {limit_bytes}", fetched.total_bytes);
        return Err(Fault::new("too-large", detail));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(fetched.total_bytes).unwrap_or_default());
    while let Some(chunk) = fetched.body.try_next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A stream of bytes that are at hand.
pub fn once(bytes: impl Into<Bytes>) -> ByteStream {
    let bytes = bytes.into();
    Box::pin(futures_util::stream::once(async move { Ok(bytes) }))
}
