//! Gateway → core: uploads that can be gone on with, and projects made of them.
//!
//! The bytes go by the bulk plane, a chunk a blob, into the upload's own scope; these messages only say which
//! chunks there are now.

use bincode::{Decode, Encode};
use domain::id::{Digest, ProjectId, UploadId};
use domain::principal::Principal;
use domain::upload::UploadView;

/// Largest chunk of an upload.
pub const MAX_CHUNK_BYTES: u64 = 8 << 20;

/// Begin an upload.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateUpload {
    /// Who asks.
    pub principal: Principal,
    /// The file's name, without folders.
    pub file_name: String,
    /// What the client said of the file, to be said back in the same form.
    pub metadata: String,
    /// Size of the file.
    pub length: u64,
    /// SHA-256 of the file, if it is known.
    pub expected: Option<Digest>,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetUpload {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub upload: UploadId,
}

/// A piece of an upload, durable on the bulk plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChunkRef {
    /// Its digest.
    pub digest: Digest,
    /// Its size, at most [`MAX_CHUNK_BYTES`].
    pub bytes: u64,
}

/// Take chunks into an upload, if it stands at `offset`: all of them or none. Refused ones are removed. When
/// the last byte is there the file is put together, checked and published before this is answered.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AppendUpload {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub upload: UploadId,
    /// Where the first chunk begins.
    pub offset: u64,
    /// In order.
    pub chunks: Vec<ChunkRef>,
}

/// Remove chunks that were put for an upload and are not to be taken. What the upload names stays.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AbandonChunks {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub upload: UploadId,
    /// Their digests.
    pub chunks: Vec<Digest>,
}

/// Remove an upload with all its bytes. Asked again, it is done already.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RemoveUpload {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub upload: UploadId,
}

/// Make a project of an upload that is complete and start its first run. Asked again, it gives the same
/// project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateFromUpload {
    /// Who asks.
    pub principal: Principal,
    /// Of which one.
    pub upload: UploadId,
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct UploadReply {
    /// As whoever sends it sees it.
    pub upload: UploadView,
    /// What the client said of the file, as it said it.
    pub metadata: String,
}

/// The scope of an upload's blobs on the bulk plane: its own, apart from every project's.
pub fn upload_scope(principal: Principal, upload: UploadId) -> super::Scope {
    super::Scope { tenant: principal.tenant, project: ProjectId(upload.0) }
}
