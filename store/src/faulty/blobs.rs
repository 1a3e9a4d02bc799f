//! Blobs that fail by plan.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use domain::id::Digest;

use super::Faulty;
use crate::blobs::{BlobEntry, BlobHealth, BlobHold, BlobInfo, BlobScope, BlobSource, BlobStream, Blobs};
use crate::error::StoreError;

#[async_trait]
impl Blobs for Faulty<dyn Blobs> {
    async fn put(
        &self,
        scope: BlobScope,
        source: BlobSource,
        limit_bytes: u64,
        expected: Option<Digest>,
    ) -> Result<BlobInfo, StoreError> {
        self.apply(self.inner.put(scope, source, limit_bytes, expected)).await
    }

    async fn prepare(&self, scope: BlobScope) -> Result<(), StoreError> {
        self.apply(self.inner.prepare(scope)).await
    }

    async fn get(&self, scope: BlobScope, digest: Digest, limit_bytes: u64) -> Result<Bytes, StoreError> {
        self.fail_read()?;
        self.inner.get(scope, digest, limit_bytes).await
    }

    async fn get_range(&self, scope: BlobScope, digest: Digest, range: Range<u64>) -> Result<BlobStream, StoreError> {
        self.fail_read()?;
        self.inner.get_range(scope, digest, range).await
    }

    async fn link(&self, from: BlobScope, to: BlobScope, digest: Digest) -> Result<BlobInfo, StoreError> {
        self.apply(self.inner.link(from, to, digest)).await
    }

    async fn stat(&self, scope: BlobScope, digest: Digest) -> Result<Option<BlobInfo>, StoreError> {
        self.fail_read()?;
        self.inner.stat(scope, digest).await
    }

    async fn scopes(&self, after: Option<BlobScope>, limit: u32) -> Result<Vec<BlobScope>, StoreError> {
        self.fail_read()?;
        self.inner.scopes(after, limit).await
    }

    async fn list(&self, scope: BlobScope, after: Option<Digest>, limit: u32) -> Result<Vec<BlobEntry>, StoreError> {
        self.fail_read()?;
        self.inner.list(scope, after, limit).await
    }

    fn hold(&self) -> BlobHold {
        self.inner.hold()
    }

    async fn health(&self) -> Result<BlobHealth, StoreError> {
        self.fail_read()?;
        self.inner.health().await
    }

    async fn delete(&self, scope: BlobScope, digest: Digest) -> Result<(), StoreError> {
        self.apply(self.inner.delete(scope, digest)).await
    }

    async fn remove_older(&self, scope: BlobScope, digest: Digest, before_ms: u64) -> Result<bool, StoreError> {
        self.apply(self.inner.remove_older(scope, digest, before_ms)).await
    }

    async fn delete_scope(&self, scope: BlobScope) -> Result<(), StoreError> {
        self.apply(self.inner.delete_scope(scope)).await
    }

    async fn sweep_temporary(&self) -> Result<u64, StoreError> {
        self.apply(self.inner.sweep_temporary()).await
    }
}
