//! The blobs port: immutable bytes, named by their digest within a project.

use async_trait::async_trait;
use bytes::Bytes;
use domain::id::{Digest, ProjectId, TenantId};
use futures_util::stream::BoxStream;

use crate::error::StoreError;

/// Where a blob lives. No name is shared between projects, so that deleting one is deleting its scope and no
/// count of references can go wrong; [`Blobs::link`] lets two names share their bytes where the medium can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobScope {
    /// The account that pays.
    pub tenant: TenantId,
    /// The project, or the upload whose chunks these are: their ids never meet.
    pub project: ProjectId,
}

/// What is known of a blob without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name: SHA-256 of its bytes.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// Bytes on their way into a store. Its errors become [`StoreError::SourceBroken`].
pub type BlobSource = BoxStream<'static, std::io::Result<Bytes>>;

/// Bytes on their way out of a store.
pub type BlobStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// Immutable bytes by digest.
///
/// Every method is idempotent: repeat after an error. A blob is there whole, under its own digest, or
/// not at all. Each step on the medium below has a deadline; how long a source may stay silent is its
/// maker's to bound.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores what `source` gives, at most `limit_bytes` of it, and names it by its digest, which has to
    /// be `expected` where one is given.
    ///
    /// The blob is durable when this returns. A put that is cut by an error, a drop or a crash leaves
    /// at most a temporary object, which nobody can read and [`Blobs::sweep_temporary`] removes; or,
    /// if it was cut after publishing, the whole blob.
    async fn put(
        &self,
        scope: BlobScope,
        source: BlobSource,
        limit_bytes: u64,
        expected: Option<Digest>,
    ) -> Result<BlobInfo, StoreError>;

    /// The same for bytes that are in memory.
    async fn put_bytes(&self, scope: BlobScope, bytes: Bytes) -> Result<BlobInfo, StoreError> {
        let limit_bytes = bytes.len() as u64;
        let source = Box::pin(futures_util::stream::once(async move { Ok(bytes) }));
        self.put(scope, source, limit_bytes, None).await
    }

    /// A whole blob of at most `limit_bytes`, its digest checked: [`StoreError::CorruptBlob`] if the
    /// medium has changed it, [`StoreError::BlobMissing`] if there is none.
    async fn get(&self, scope: BlobScope, digest: Digest, limit_bytes: u64) -> Result<Bytes, StoreError>;

    /// Bytes `range.start..range.end` of a blob, in pieces of bounded size. The range is cut to the
    /// blob. The digest is not checked: a piece does not show it.
    async fn get_range(
        &self,
        scope: BlobScope,
        digest: Digest,
        range: std::ops::Range<u64>,
    ) -> Result<BlobStream, StoreError>;

    /// Makes a blob of one scope one of another too, durably; one that is there gives way to it. The medium
    /// shares the bytes where it can (hard links on a file system) and copies them where it can't; either way
    /// the two names go on without one another.
    ///
    /// Whoever shares bytes shares their damage, so they are held against the digest first:
    /// [`StoreError::CorruptBlob`], and nothing is changed. [`StoreError::BlobMissing`] if `from` has none. A
    /// crash leaves the blob of `to` as it was, or linked.
    async fn link(&self, from: BlobScope, to: BlobScope, digest: Digest) -> Result<BlobInfo, StoreError>;

    /// Size of a blob; `None` if there is none.
    async fn stat(&self, scope: BlobScope, digest: Digest) -> Result<Option<BlobInfo>, StoreError>;

    /// Removes a blob, durably; there need not be one.
    async fn delete(&self, scope: BlobScope, digest: Digest) -> Result<(), StoreError>;

    /// Removes all blobs of a scope, durably. Cut in the middle it leaves some of them.
    async fn delete_scope(&self, scope: BlobScope) -> Result<(), StoreError>;

    /// Removes what cut puts left behind; puts that are under way are left alone. How many were removed.
    async fn sweep_temporary(&self) -> Result<u64, StoreError>;
}
