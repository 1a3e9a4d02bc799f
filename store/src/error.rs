//! What can go wrong in a store, each with what to do about it.

use std::path::{Path, PathBuf};

use domain::id::Digest;

/// Who holds a data folder, as its lock file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process id; absent in the instant before a new holder has written it.
    pub pid: Option<u32>,
    /// Its command, as far as it said.
    pub program: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid} ({})", self.program),
            None => f.write_str("another process"),
        }
    }
}

/// Everything a store call can answer besides its result.
///
/// From a compare-and-set it means that **nothing was applied**; where that is not known the call
/// answers [`crate::Cas::Unknown`] instead. From an idempotent write it means "repeat it".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The data folder's path names a file.
    #[error("{} is a file, and a data folder is needed: name another path", path.display())]
    PathIsFile {
        /// The path.
        path: PathBuf,
    },
    /// The folder can't be made or written.
    #[error("{} can't be written ({detail}): check its owner and permissions, or name another folder", path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// Another process has the data folder.
    #[error("{} is in use by {holder}: stop it first, or name another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it.
        holder: Holder,
    },
    /// The database belongs to another program.
    #[error("{} is a database of another program: name another folder", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// A newer program has migrated the database.
    #[error("the store has schema {found} and this program knows {known}: run the newer version")]
    SchemaNewer {
        /// Version in the database.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// A newer program wrote this row.
    #[error("a {kind} row has format {found} and this program knows {known}: run the newer version")]
    RowNewer {
        /// Which rows.
        kind: &'static str,
        /// Format of the row.
        found: u16,
        /// Newest format that this program knows.
        known: u16,
    },
    /// Others than their owner can read the signing keys.
    #[error("{} can be read by others (mode {mode:03o}): `chmod 600` it, and rotate the keys", path.display())]
    KeysExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The signing keys are no keys.
    #[error("the signing keys can't be used ({detail}): give secrets of 64 hexadecimal digits, the newest first")]
    KeysMalformed {
        /// What is wrong; never a part of a key.
        detail: String,
    },
    /// No space is left.
    #[error("no space left for {operation}: free some")]
    Full {
        /// What was being written.
        operation: &'static str,
    },
    /// The store's file system takes no writes.
    #[error("the store is read-only ({operation}): make its file system writable again")]
    ReadOnly {
        /// What was being written.
        operation: &'static str,
    },
    /// Another program keeps the database locked.
    #[error("another program keeps the database locked ({operation}): close it")]
    Locked {
        /// What was being done.
        operation: &'static str,
    },
    /// The database is damaged.
    #[error("the database is damaged ({detail}): restore a backup")]
    Corrupt {
        /// What was found.
        detail: String,
    },
    /// A blob's bytes are not those that its name says.
    #[error("blob {digest} is damaged: upload it again or restore a backup")]
    CorruptBlob {
        /// Its name.
        digest: Digest,
    },
    /// There is no such blob.
    #[error("there is no blob {digest}")]
    BlobMissing {
        /// The name that was asked for.
        digest: Digest,
    },
    /// A blob is larger than the caller allows.
    #[error("more than the {limit_bytes} bytes that are allowed")]
    BlobTooLarge {
        /// The caller's limit.
        limit_bytes: u64,
    },
    /// The bytes that came are not those that were announced.
    #[error("the bytes have digest {found}, and {expected} was announced: send them again")]
    DigestMismatch {
        /// As announced.
        expected: Digest,
        /// As computed.
        found: Digest,
    },
    /// The stream that a blob was read from broke off.
    #[error("the source of the blob broke off: {detail}")]
    SourceBroken {
        /// Its own words.
        detail: String,
    },
    /// The deadline passed.
    #[error("{operation} took longer than {deadline_ms} ms: try again")]
    Timeout {
        /// What was asked for.
        operation: &'static str,
        /// The deadline.
        deadline_ms: u64,
    },
    /// A partition holds as much as it may.
    #[error("{partition} holds the most it may ({limit} rows)")]
    PartitionFull {
        /// Which kind of partition.
        partition: &'static str,
        /// Its bound.
        limit: u64,
    },
    /// The request contradicts itself: a fault of the calling code.
    #[error("a store request makes no sense: {detail}")]
    Invalid {
        /// How.
        detail: String,
    },
    /// A backup is being made.
    #[error("a backup is being made, and nothing is removed meanwhile: try again when it is done")]
    Held,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The store can't be reached now.
    #[error("the store is not available ({detail}): try again")]
    Unavailable {
        /// Why.
        detail: String,
    },
    /// Any other failure of the machine below.
    #[error("{operation} failed: {detail}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The system's words.
        detail: String,
    },
}

impl StoreError {
    /// Stable code for programs, logs and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PathIsFile { .. } => "store-path-is-file",
            Self::Unwritable { .. } => "store-unwritable",
            Self::InUse { .. } => "store-in-use",
            Self::Foreign { .. } => "store-foreign",
            Self::SchemaNewer { .. } => "store-schema-newer",
            Self::RowNewer { .. } => "store-row-newer",
            Self::KeysExposed { .. } => "store-keys-exposed",
            Self::KeysMalformed { .. } => "store-keys-malformed",
            Self::Full { .. } => "store-full",
            Self::ReadOnly { .. } => "store-read-only",
            Self::Locked { .. } => "store-locked",
            Self::Corrupt { .. } => "store-corrupt",
            Self::CorruptBlob { .. } => "store-corrupt-blob",
            Self::BlobMissing { .. } => "store-blob-missing",
            Self::BlobTooLarge { .. } => "store-blob-too-large",
            Self::DigestMismatch { .. } => "store-digest-mismatch",
            Self::SourceBroken { .. } => "store-source-broken",
            Self::Timeout { .. } => "store-timeout",
            Self::PartitionFull { .. } => "store-partition-full",
            Self::Invalid { .. } => "store-invalid",
            Self::Held => "store-held",
            Self::Closed => "store-closed",
            Self::Unavailable { .. } => "store-unavailable",
            Self::Io { .. } => "store-io",
        }
    }

    /// The same call may well succeed later, with nothing changed by people.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Held | Self::Locked { .. } | Self::Timeout { .. } | Self::Unavailable { .. } | Self::Io { .. }
        )
    }

    /// What the operating system's refusal means for `operation`.
    pub(crate) fn from_io(operation: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { operation },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { operation },
            _ => Self::Io { operation, detail: error.to_string() },
        }
    }

    /// The same, where the path is what matters to whoever reads the message.
    pub(crate) fn from_io_at(operation: &'static str, path: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Self::Unwritable { path: path.to_owned(), detail: error.to_string() }
            }
            _ => match Self::from_io(operation, error) {
                Self::Io { detail, .. } => Self::Io { operation, detail: format!("{}: {detail}", path.display()) },
                other => other,
            },
        }
    }
}
