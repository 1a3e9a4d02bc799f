//! Uploads that can be broken off and gone on with.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Digest, ProjectId, UploadId};

/// An upload, as whoever sends it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UploadView {
    /// Its id.
    pub id: UploadId,
    /// The file's name, without folders.
    pub name: String,
    /// Size of the whole file, as it was announced.
    pub length: u64,
    /// Bytes that are kept: where to go on.
    pub offset: u64,
    /// SHA-256 of the file, once all of it is there and checked.
    pub digest: Option<Digest>,
    /// The project that was made of it.
    pub project: Option<ProjectId>,
    /// When it is cleared away unless something comes, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}
