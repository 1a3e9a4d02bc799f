//! The embedded blobs store: plain files, through opendal's `Operator`.
//!
//! A blob is written to a temporary object while it is hashed, and renamed to
//! `objects/TENANT/PROJECT/DIGEST` when all of it is there. opendal syncs a file before it closes it,
//! but never the folder that a rename put it in: after a power cut the name could be gone though the
//! put was acknowledged. So each put ends with the blob's folder being synced here, and those above it up to
//! `objects` unless [`places`] knows that they need it no more.

mod incoming;
mod listing;
mod places;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::id::{Digest, ProjectId, TenantId};
use futures_util::{StreamExt as _, TryStreamExt as _};
use opendal::services::Fs;
use opendal::{ErrorKind, Operator, Writer};
use sha2::{Digest as _, Sha256};
use tokio::sync::RwLock;

use crate::blobs::{BlobEntry, BlobHealth, BlobHold, BlobInfo, BlobScope, BlobSource, BlobStream, Blobs, Holds};
use crate::error::StoreError;
use crate::failpoint;
use crate::folder::{FolderLock, sync_folder};
use incoming::{Incoming, Temporary};
use places::Places;

/// Name of the folder of the blobs in the data folder.
const BLOBS: &str = "blobs";
/// Name of the folder of published blobs below it.
const OBJECTS: &str = "objects";
/// Pieces that are read and written at once.
const PIECE_BYTES: usize = 1 << 20;
/// Longer pieces are hashed on a blocking thread, to keep the runtime's free.
const HASH_INLINE_MAX_BYTES: usize = 256 << 10;
/// Slowest medium on which syncing a large file does not count as hanging.
const SYNC_MIN_BYTES_PER_S: u64 = 8 << 20;

/// The blobs port over a folder.
pub(crate) struct FsBlobs {
    operator: Operator,
    root: PathBuf,
    incoming: Arc<Incoming>,
    deadline: Duration,
    holds: Holds,
    /// Names are given by whoever reads this, and taken from what is old by whoever writes it.
    naming: RwLock<()>,
    places: Places,
    _lock: Arc<FolderLock>,
}

impl FsBlobs {
    /// Opens or makes the blobs of a locked data folder, and sweeps what earlier processes left. Blocks.
    pub(crate) fn open(lock: Arc<FolderLock>, deadline: Duration) -> Result<Self, StoreError> {
        let root = lock.folder().join(BLOBS);
        let io = |e: std::io::Error| StoreError::from_io_at("opening the blobs", &root, &e);
        std::fs::create_dir_all(root.join(OBJECTS)).map_err(io)?;
        let incoming = Incoming::open(&root).map_err(io)?;
        let swept = incoming.sweep().map_err(io)?;
        if swept > 0 {
            tracing::info!(files = swept, "swept blobs that an earlier process had not finished");
        }
        let parts = incoming.parts();
        let (Some(root_text), Some(parts_text)) = (root.to_str(), parts.to_str()) else {
            return Err(StoreError::Unwritable { path: root, detail: "its name is not UTF-8".into() });
        };
        let service = Fs::default().root(root_text).atomic_write_dir(parts_text);
        let operator = Operator::new(service).map_err(|e| opendal_error("opening the blobs", &e))?;
        sync_folder(&root)?;
        sync_folder(lock.folder())?;
        Ok(Self {
            operator,
            root,
            incoming: Arc::new(incoming),
            deadline,
            holds: Holds::default(),
            naming: RwLock::default(),
            places: Places::default(),
            _lock: lock,
        })
    }

    /// One step on the medium, within the deadline.
    async fn step<T>(
        &self,
        operation: &'static str,
        step: impl Future<Output = opendal::Result<T>>,
    ) -> Result<T, StoreError> {
        within(self.deadline, operation, step).await?.map_err(|e| opendal_error(operation, &e))
    }

    /// Writes the source to a temporary, hashing on the way. The file is synced when this returns.
    async fn receive(
        &self,
        temporary: &Temporary,
        mut source: BlobSource,
        limit_bytes: u64,
    ) -> Result<BlobInfo, StoreError> {
        const OPERATION: &str = "writing a blob";
        let open = self.operator.writer_with(&temporary.key).chunk(PIECE_BYTES);
        let mut writer = self.step(OPERATION, async { open.await }).await?;
        let mut hasher = Sha256::new();
        let mut bytes: u64 = 0;
        let received = async {
            while let Some(piece) = source.next().await {
                let piece = piece.map_err(|e| StoreError::SourceBroken { detail: e.to_string() })?;
                bytes += piece.len() as u64;
                if bytes > limit_bytes {
                    return Err(StoreError::BlobTooLarge { limit_bytes });
                }
                hasher = hash(std::mem::take(&mut hasher), piece.clone()).await?;
                self.step(OPERATION, writer.write(piece)).await?;
                failpoint::pass("a blob's first bytes are written");
            }
            Ok(())
        }
        .await;
        if let Err(error) = received {
            // What can't be removed now is swept later.
            let _ = self.step(OPERATION, writer.abort()).await;
            return Err(error);
        }
        self.close(writer, bytes).await?;
        failpoint::pass("a blob is synced");
        Ok(BlobInfo { digest: Digest(hasher.finalize().into()), bytes })
    }

    /// Writes out what is left, and syncs the file.
    async fn close(&self, mut writer: Writer, bytes: u64) -> Result<(), StoreError> {
        const OPERATION: &str = "syncing a blob";
        let patience = self.deadline + Duration::from_secs(bytes / SYNC_MIN_BYTES_PER_S);
        // opendal syncs on the thread that polls it: on a runtime's own, a large file would stop whatever
        // else runs there for as long as the disk takes.
        let runtime = tokio::runtime::Handle::current();
        let closing = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                let closed = writer.close().await;
                if closed.is_err() {
                    // On a full disk the rest of a blob is the last thing to leave lying about.
                    let _ = writer.abort().await;
                }
                closed
            })
        });
        match within(patience, OPERATION, closing).await? {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(opendal_error(OPERATION, &error)),
            Err(join) => Err(StoreError::Io { operation: OPERATION, detail: join.to_string() }),
        }
    }

    /// Gives a temporary its name, durably.
    async fn publish(&self, temporary: &Temporary, scope: BlobScope, digest: Digest) -> Result<(), StoreError> {
        let key = object_key(scope, digest);
        {
            let _naming = self.naming.read().await;
            self.step("publishing a blob", self.operator.rename(&temporary.key, &key)).await?;
            failpoint::pass("a blob is renamed");
        }
        let seen = self.places.look(scope);
        let scope_folder = self.root.join(scope_key(scope));
        // The scope; and its tenant and `objects`, unless these are known to have it for good.
        let folders = if seen.is_durable { 1 } else { 3 };
        self.blocking("syncing a folder of blobs", move || {
            scope_folder.ancestors().take(folders).try_for_each(sync_folder)
        })
        .await?;
        self.places.learn(scope, seen);
        failpoint::pass("a blob's folders are synced");
        Ok(())
    }

    /// Holds a blob against its name, piece by piece.
    async fn verify(&self, scope: BlobScope, digest: Digest) -> Result<BlobInfo, StoreError> {
        let info = self.stat(scope, digest).await?.ok_or(StoreError::BlobMissing { digest })?;
        let mut pieces = self.get_range(scope, digest, 0..info.bytes).await?;
        let mut hasher = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            hasher = hash(hasher, piece).await?;
        }
        if Digest(hasher.finalize().into()) == digest { Ok(info) } else { Err(StoreError::CorruptBlob { digest }) }
    }

    /// Gives a blob a second name, a temporary one; `false` where the file system can't.
    async fn link_temporary(&self, from: BlobScope, digest: Digest, temporary: &Temporary) -> Result<bool, StoreError> {
        const OPERATION: &str = "linking a blob";
        use std::io::ErrorKind::{CrossesDevices, NotFound, PermissionDenied, TooManyLinks, Unsupported};
        let (blob, beside) = (self.root.join(object_key(from, digest)), self.root.join(&temporary.key));
        self.blocking(OPERATION, move || match std::fs::hard_link(blob, beside) {
            Ok(()) => {
                failpoint::pass("a blob has a second name");
                Ok(true)
            }
            Err(error) => match error.kind() {
                NotFound => Err(StoreError::BlobMissing { digest }),
                CrossesDevices | PermissionDenied | TooManyLinks | Unsupported => Ok(false),
                _ => Err(StoreError::from_io(OPERATION, &error)),
            },
        })
        .await
    }

    /// Runs `work` on a blocking thread, within the deadline.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match within(self.deadline, operation, tokio::task::spawn_blocking(work)).await? {
            Ok(result) => result,
            Err(join) => Err(StoreError::Io { operation, detail: join.to_string() }),
        }
    }

    /// Makes a removal below `folder` durable; the folder itself may be gone.
    async fn sync_removal(&self, folder: PathBuf) -> Result<(), StoreError> {
        self.blocking("syncing a folder of blobs", move || if folder.is_dir() { sync_folder(&folder) } else { Ok(()) })
            .await
    }
}

#[async_trait]
impl Blobs for FsBlobs {
    async fn put(
        &self,
        scope: BlobScope,
        source: BlobSource,
        limit_bytes: u64,
        expected: Option<Digest>,
    ) -> Result<BlobInfo, StoreError> {
        let temporary = self.incoming.begin();
        let info = self.receive(&temporary, source, limit_bytes).await?;
        let published = match expected {
            Some(expected) if expected != info.digest => {
                Err(StoreError::DigestMismatch { expected, found: info.digest })
            }
            _ => self.publish(&temporary, scope, info.digest).await,
        };
        if let Err(error) = published {
            // What can't be removed now is swept later.
            let _ = self.step("removing a temporary blob", self.operator.delete(&temporary.key)).await;
            return Err(error);
        }
        Ok(info)
    }

    async fn prepare(&self, scope: BlobScope) -> Result<(), StoreError> {
        const OPERATION: &str = "making a folder of blobs";
        let seen = self.places.look(scope);
        if seen.is_durable {
            return Ok(());
        }
        let folder = self.root.join(scope_key(scope));
        let (tenant, objects) = (self.root.join(OBJECTS).join(scope.tenant.to_string()), self.root.join(OBJECTS));
        self.blocking(OPERATION, move || {
            std::fs::create_dir_all(&folder).map_err(|e| StoreError::from_io_at(OPERATION, &folder, &e))
        })
        .await?;
        // At a time: a disk that takes a while to sync takes hardly longer for two.
        let syncs = [tenant, objects].map(|folder| self.blocking(OPERATION, move || sync_folder(&folder)));
        futures_util::future::try_join_all(syncs).await?;
        self.places.learn(scope, seen);
        Ok(())
    }

    async fn get(&self, scope: BlobScope, digest: Digest, limit_bytes: u64) -> Result<Bytes, StoreError> {
        let info = self.stat(scope, digest).await?.ok_or(StoreError::BlobMissing { digest })?;
        if info.bytes > limit_bytes {
            return Err(StoreError::BlobTooLarge { limit_bytes });
        }
        let mut pieces = self.get_range(scope, digest, 0..info.bytes).await?;
        let mut bytes = BytesMut::with_capacity(info.bytes as usize);
        let mut hasher = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
            hasher = hash(hasher, piece).await?;
        }
        if Digest(hasher.finalize().into()) != digest {
            return Err(StoreError::CorruptBlob { digest });
        }
        Ok(bytes.freeze())
    }

    async fn get_range(
        &self,
        scope: BlobScope,
        digest: Digest,
        range: std::ops::Range<u64>,
    ) -> Result<BlobStream, StoreError> {
        const OPERATION: &str = "reading a blob";
        let info = self.stat(scope, digest).await?.ok_or(StoreError::BlobMissing { digest })?;
        let end = range.end.min(info.bytes);
        if range.start >= end {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        let key = object_key(scope, digest);
        let open = self.operator.reader_with(&key).chunk(PIECE_BYTES);
        let reader = self.step(OPERATION, async { open.await }).await?;
        let pieces = self.step(OPERATION, reader.into_bytes_stream(range.start..end)).await?;
        let deadline = self.deadline;
        Ok(Box::pin(futures_util::stream::try_unfold(pieces, move |mut pieces| async move {
            match within(deadline, OPERATION, pieces.try_next()).await? {
                Ok(piece) => Ok(piece.map(|piece| (piece, pieces))),
                Err(error) => Err(StoreError::from_io(OPERATION, &error)),
            }
        })))
    }

    async fn link(&self, from: BlobScope, to: BlobScope, digest: Digest) -> Result<BlobInfo, StoreError> {
        let info = self.verify(from, digest).await?;
        let temporary = self.incoming.begin();
        if !self.link_temporary(from, digest, &temporary).await? {
            let pieces = self.get_range(from, digest, 0..info.bytes).await?;
            let source = Box::pin(pieces.map_err(std::io::Error::other));
            return self.put(to, source, info.bytes, Some(digest)).await;
        }
        let published = self.publish(&temporary, to, digest).await;
        // A rename between two names of one file leaves both.
        let _ = self.step("removing a temporary blob", self.operator.delete(&temporary.key)).await;
        published.map(|()| info)
    }

    async fn stat(&self, scope: BlobScope, digest: Digest) -> Result<Option<BlobInfo>, StoreError> {
        let key = object_key(scope, digest);
        let stat = within(self.deadline, "looking for a blob", self.operator.stat(&key)).await?;
        match stat {
            Ok(found) => Ok(Some(BlobInfo { digest, bytes: found.content_length() })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(opendal_error("looking for a blob", &error)),
        }
    }

    async fn scopes(&self, after: Option<BlobScope>, limit: u32) -> Result<Vec<BlobScope>, StoreError> {
        let objects = self.root.join(OBJECTS);
        self.blocking(listing::OPERATION, move || listing::scopes(&objects, after, limit)).await
    }

    async fn list(&self, scope: BlobScope, after: Option<Digest>, limit: u32) -> Result<Vec<BlobEntry>, StoreError> {
        let folder = self.root.join(scope_key(scope));
        self.blocking(listing::OPERATION, move || listing::blobs(&folder, after, limit)).await
    }

    fn hold(&self) -> BlobHold {
        self.holds.take()
    }

    async fn health(&self) -> Result<BlobHealth, StoreError> {
        let scope = BlobScope { tenant: TenantId(u128::MAX), project: ProjectId(uuid::Uuid::new_v4().as_u128()) };
        let begun = Instant::now();
        let put = self.put_bytes(scope, Bytes::from_static(b"how do you feel?")).await?;
        let write_latency_us = begun.elapsed().as_micros() as u64;
        let begun = Instant::now();
        self.get(scope, put.digest, put.bytes).await?;
        let read_latency_us = begun.elapsed().as_micros() as u64;
        match self.delete_scope(scope).await {
            // While a backup is made the probe stays; the next sweep of what nobody names removes it.
            Ok(()) | Err(StoreError::Held) => Ok(BlobHealth { write_latency_us, read_latency_us }),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, scope: BlobScope, digest: Digest) -> Result<(), StoreError> {
        self.holds.refuse()?;
        self.step("removing a blob", self.operator.delete(&object_key(scope, digest))).await?;
        failpoint::pass("a blob is removed");
        self.sync_removal(self.root.join(scope_key(scope))).await?;
        failpoint::pass("a blob's removal is synced");
        Ok(())
    }

    async fn remove_older(&self, scope: BlobScope, digest: Digest, before_ms: u64) -> Result<bool, StoreError> {
        self.holds.refuse()?;
        let path = self.root.join(object_key(scope, digest));
        let removed = {
            let _naming = self.naming.write().await;
            self.blocking("removing an old blob", move || listing::remove_older(&path, before_ms)).await?
        };
        if removed {
            self.sync_removal(self.root.join(scope_key(scope))).await?;
        }
        Ok(removed)
    }

    async fn delete_scope(&self, scope: BlobScope) -> Result<(), StoreError> {
        self.holds.refuse()?;
        let _going = self.places.going(scope);
        let key = scope_key(scope);
        let delete = self.operator.delete_with(&key).recursive(true);
        self.step("removing a project's blobs", async { delete.await }).await?;
        failpoint::pass("a scope of blobs is removed");
        self.sync_removal(self.root.join(OBJECTS).join(scope.tenant.to_string())).await?;
        failpoint::pass("a scope's removal is synced");
        Ok(())
    }

    async fn sweep_temporary(&self) -> Result<u64, StoreError> {
        const OPERATION: &str = "sweeping temporary blobs";
        let incoming = Arc::clone(&self.incoming);
        self.blocking(OPERATION, move || incoming.sweep().map_err(|e| StoreError::from_io(OPERATION, &e))).await
    }
}

fn scope_key(scope: BlobScope) -> String {
    format!("{OBJECTS}/{}/{}/", scope.tenant, scope.project)
}

fn object_key(scope: BlobScope, digest: Digest) -> String {
    format!("{}{digest}", scope_key(scope))
}

async fn within<T>(
    deadline: Duration,
    operation: &'static str,
    step: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let timeout = |_| StoreError::Timeout { operation, deadline_ms: deadline.as_millis() as u64 };
    tokio::time::timeout(deadline, step).await.map_err(timeout)
}

async fn hash(mut hasher: Sha256, piece: Bytes) -> Result<Sha256, StoreError> {
    if piece.len() <= HASH_INLINE_MAX_BYTES {
        hasher.update(&piece);
        return Ok(hasher);
    }
    let hashed = tokio::task::spawn_blocking(move || {
        hasher.update(&piece);
        hasher
    });
    hashed.await.map_err(|e| StoreError::Io { operation: "hashing a blob", detail: e.to_string() })
}

/// What opendal's refusal means: the system's own error, where it carries one.
fn opendal_error(operation: &'static str, error: &opendal::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(io) = found.downcast_ref::<std::io::Error>() {
            return StoreError::from_io(operation, io);
        }
        cause = found.source();
    }
    StoreError::Io { operation, detail: error.to_string() }
}
