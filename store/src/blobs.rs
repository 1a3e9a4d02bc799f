//! The blobs port: immutable bytes, named by their digest within a project.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use domain::id::{Digest, ProjectId, TenantId};
use futures_util::stream::BoxStream;

use crate::error::StoreError;

/// Where a blob lives. No name is shared between projects, so that deleting one is deleting its scope and no
/// count of references can go wrong; [`Blobs::link`] lets two names share their bytes where the medium can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A blob in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// What it is.
    pub info: BlobInfo,
    /// When it was last put or linked, by the medium's clock, milliseconds since 1970 UTC; later where the medium
    /// touched it since, never earlier.
    pub changed_ms: u64,
}

/// While one of these lives, blobs are not removed: [`StoreError::Held`].
///
/// A removal that was begun before goes on. Whoever needs the blobs that some rows name takes the guard first and
/// reads the rows then, for rows stop naming blobs before these are removed.
#[must_use = "the hold goes with the guard"]
pub struct BlobHold(Holds);

/// How many hold the blobs of a store.
#[derive(Clone, Default)]
pub(crate) struct Holds(Arc<AtomicUsize>);

impl Holds {
    pub(crate) fn take(&self) -> BlobHold {
        self.0.fetch_add(1, Ordering::SeqCst);
        BlobHold(self.clone())
    }

    /// Refuses a removal while anybody holds the blobs.
    pub(crate) fn refuse(&self) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) > 0 { Err(StoreError::Held) } else { Ok(()) }
    }
}

impl Drop for BlobHold {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How blobs feel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHealth {
    /// How long it took to put a small blob durably.
    pub write_latency_us: u64,
    /// How long it took to read it.
    pub read_latency_us: u64,
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

    /// Makes a scope's place ready, durably, so that the first put there has less to do. Nobody needs to; it can be
    /// done again, and a crash leaves at most an empty place, which [`Blobs::delete_scope`] removes.
    async fn prepare(&self, scope: BlobScope) -> Result<(), StoreError>;

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

    /// At most `limit` scopes that hold or held blobs, in order, behind `after`.
    async fn scopes(&self, after: Option<BlobScope>, limit: u32) -> Result<Vec<BlobScope>, StoreError>;

    /// At most `limit` blobs of a scope, in order, behind `after`.
    async fn list(&self, scope: BlobScope, after: Option<Digest>, limit: u32) -> Result<Vec<BlobEntry>, StoreError>;

    /// Has blobs stay until the guard is dropped, for all who use them through this process.
    fn hold(&self) -> BlobHold;

    /// Puts a small blob durably into a scope of its own, reads it and removes it, and says how that went; an error is
    /// what any put would meet now. A crash leaves at most that blob.
    async fn health(&self) -> Result<BlobHealth, StoreError>;

    /// Removes a blob, durably; there need not be one.
    async fn delete(&self, scope: BlobScope, digest: Digest) -> Result<(), StoreError>;

    /// Removes a blob, durably, unless it was put or linked at or after `before_ms` by the medium's clock; whether it
    /// was removed. A put or a link of this process that ends at the same moment is either seen, and the blob stays, or
    /// comes after, and the blob is there again.
    async fn remove_older(&self, scope: BlobScope, digest: Digest, before_ms: u64) -> Result<bool, StoreError>;

    /// Removes all blobs of a scope, durably. Cut in the middle it leaves some of them.
    async fn delete_scope(&self, scope: BlobScope) -> Result<(), StoreError>;

    /// Removes what cut puts left behind; puts that are under way are left alone. How many were removed.
    async fn sweep_temporary(&self) -> Result<u64, StoreError>;
}
