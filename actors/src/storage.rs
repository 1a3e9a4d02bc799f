//! The bulk plane over the blobs port.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use cluster::body::{Fault, Scope};
use cluster::bulk::{BulkPlane, ByteStream, Fetched, Stored};
use domain::health::Jobs;
use domain::id::Digest;
use futures_util::StreamExt;
use store::{BlobScope, Blobs, Keyring, Records, StoreError};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::keeping::backups::Backups;
use crate::keeping::jobs::JobBoard;
use crate::store_fault;

/// Serves the bulk plane from a core's own blobs.
pub struct StorageBulk {
    blobs: Arc<dyn Blobs>,
    backups: Option<Backups>,
}

impl StorageBulk {
    /// A bulk plane over `blobs`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self { blobs, backups: None }
    }

    /// The same, with backups of these records, blobs and keys.
    pub fn with_backups(self, records: Arc<dyn Records>, keys: Arc<Keyring>, program: &str, jobs: JobBoard) -> Self {
        let backups = Backups::new(records, self.blobs.clone(), keys, program, jobs);
        Self { backups: Some(backups), ..self }
    }
}

/// The store's words for a project.
pub fn blob_scope(scope: Scope) -> BlobScope {
    BlobScope { tenant: scope.tenant, project: scope.project }
}

#[async_trait]
impl BulkPlane for StorageBulk {
    async fn put(&self, scope: Scope, body: ByteStream, limit_bytes: u64) -> Result<Stored, Fault> {
        // The port takes io errors; the fault itself is kept aside, so that its code is not lost on the way.
        let broken: Arc<Mutex<Option<Fault>>> = Arc::default();
        let aside = broken.clone();
        let source = body.then(move |chunk| {
            let aside = aside.clone();
            async move {
                match chunk {
                    Ok(bytes) => Ok(bytes),
                    Err(fault) => {
                        let error = std::io::Error::other(fault.to_string());
                        *aside.lock().await = Some(fault);
                        Err(error)
                    }
                }
            }
        });
        match self.blobs.put(blob_scope(scope), Box::pin(source), limit_bytes, None).await {
            Ok(info) => Ok(Stored { digest: info.digest, bytes: info.bytes }),
            Err(error @ StoreError::SourceBroken { .. }) => {
                Err(broken.lock().await.take().unwrap_or_else(|| Fault::new("upload-broken", error.to_string())))
            }
            Err(error) => Err(store_fault(&error)),
        }
    }

    async fn get(&self, scope: Scope, digest: Digest, range: Option<Range<u64>>) -> Result<Fetched, Fault> {
        let scope = blob_scope(scope);
        let found = self.blobs.stat(scope, digest).await.map_err(|e| store_fault(&e))?;
        let Some(info) = found else {
            return Err(Fault::new("blob-not-found", format!("there is no blob {digest}")));
        };
        let range = range.unwrap_or(0..info.bytes);
        let body = self.blobs.get_range(scope, digest, range).await.map_err(|e| store_fault(&e))?;
        let body = body.map(|chunk| chunk.map_err(|e| store_fault(&e)));
        Ok(Fetched { total_bytes: info.bytes, body: Box::pin(body) })
    }

    async fn backup(&self, passphrase: Option<String>) -> Result<ByteStream, Fault> {
        match &self.backups {
            Some(backups) => backups.stream(passphrase.map(Zeroizing::new)).await,
            None => Err(Fault::new("unsupported", "backups are made by a core")),
        }
    }

    async fn jobs(&self) -> Result<Jobs, Fault> {
        let jobs = self.backups.as_ref().map(Backups::jobs);
        jobs.ok_or_else(|| Fault::new("unsupported", "long jobs are done by a core"))
    }
}
