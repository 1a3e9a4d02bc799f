//! Uploads that can be gone on with.

use bincode::{Decode, Encode};
use domain::id::{Digest, ProjectId, TenantId, UploadId};

use crate::error::StoreError;

/// Largest chunk of an upload.
pub const CHUNK_MAX_BYTES: u64 = 8 << 20;
/// Chunks that one upload may have: bounds its row, whatever crumbs a client sends.
pub const CHUNKS_MAX: usize = 4_096;
/// Longest metadata that is kept as the client sent it.
pub const UPLOAD_METADATA_MAX_BYTES: usize = 4_096;

/// A file that is being sent. Its bytes lie as blobs in a scope of the upload's own, a chunk each; what this
/// row names is there, what it does not name was never acknowledged. Partition: its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct UploadRow {
    /// The account that pays.
    pub tenant: TenantId,
    /// Its id. Random: it can't be guessed.
    pub upload: UploadId,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// The file's name, without folders.
    pub file_name: String,
    /// What the client said of the file, in its own form, to be said back.
    pub metadata: String,
    /// Size of the whole file, as announced.
    pub length: u64,
    /// SHA-256 of the whole file, if it was announced.
    pub expected: Option<Digest>,
    /// When it was begun, milliseconds since 1970 UTC. Shown, never decided from.
    pub created_ms: u64,
    /// When it is cleared away unless something comes, milliseconds since 1970 UTC: decided from, for a day
    /// is counted through restarts. A clock that is wrong clears away too early or too late.
    pub expires_ms: u64,
    /// How far it is.
    pub state: UploadState,
}

/// How far an upload is. New ones are appended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum UploadState {
    /// Bytes come, a chunk after the other.
    Receiving {
        /// In order; together they are the file's beginning.
        chunks: Vec<Chunk>,
    },
    /// All of it is there, as one blob with this name.
    Complete {
        /// SHA-256 of the file.
        digest: Digest,
    },
    /// A project was begun with it, or is to be. Asked again, the same project is meant.
    Taken {
        /// SHA-256 of the file.
        digest: Digest,
        /// The project.
        project: ProjectId,
    },
}

/// A piece of an upload, immutable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Chunk {
    /// The blob.
    pub digest: Digest,
    /// Its size: at least 1, at most [`CHUNK_MAX_BYTES`].
    pub bytes: u64,
}

impl UploadRow {
    /// Bytes that are kept: where the client goes on.
    pub fn offset(&self) -> u64 {
        match &self.state {
            UploadState::Receiving { chunks } => chunks.iter().fold(0, |sum, chunk| sum.saturating_add(chunk.bytes)),
            UploadState::Complete { .. } | UploadState::Taken { .. } => self.length,
        }
    }

    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for more bytes than were announced, a chunk without bytes or of too many, too
    /// many chunks, or metadata that is too long.
    pub fn check(&self) -> Result<(), StoreError> {
        let invalid = |detail: &str| Err(StoreError::Invalid { detail: format!("upload {}: {detail}", self.upload) });
        if self.metadata.len() > UPLOAD_METADATA_MAX_BYTES {
            return invalid("its metadata is too long");
        }
        let UploadState::Receiving { chunks } = &self.state else { return Ok(()) };
        if chunks.len() > CHUNKS_MAX {
            return invalid("it has too many chunks");
        }
        if chunks.iter().any(|chunk| chunk.bytes == 0 || chunk.bytes > CHUNK_MAX_BYTES) {
            return invalid("a chunk is empty or too large");
        }
        if self.offset() > self.length { invalid("it has more bytes than were announced") } else { Ok(()) }
    }
}
