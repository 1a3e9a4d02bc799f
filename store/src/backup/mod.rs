//! One checked archive of all that a store keeps, out of any adapter of the ports and into any.
//!
//! # The file
//! A zstd-compressed tar that the usual tools read (`zstd -dc FILE | tar -t`), between two frames that they skip:
//!
//! ```text
//! header    zstd skippable frame: "visiobook-backup 1\n", the format's number
//! body      zstd frame of a tar:
//!   about.json                      the format, who made it when, of which store
//!   records/NNNNNNNN                rows, some at a time (`codec`)
//!   keys                            signing keys, encrypted under a passphrase (`sealed`); only where one was given
//!   blobs/TENANT/PROJECT/DIGEST     blobs; the same bytes twice with one tenant stand there once
//!   manifest.json                   every member before it with size and SHA-256, and the blobs that are copies
//! trailer   zstd skippable frame: SHA-256 of everything before it
//! ```
//!
//! # Why it fits together
//! Blobs are durable before a row names them, and removed after rows have stopped naming them. So: hold the blobs
//! ([`crate::Blobs::hold`]), export the rows, then list and copy what blobs there are; each blob that an exported row
//! names is among them. The node goes on meanwhile.
//!
//! Leases are left out: nobody holds anything in a restored store, and its terms are above all earlier ones by its
//! incarnation.
//!
//! | module | holds |
//! |---|---|
//! | `frame` | header, trailer, and the digest over all |
//! | `codec` | rows as bytes |
//! | `sealed` | the keys under a passphrase |
//! | `pack` | a store into an archive |
//! | `unpack` | an archive into a data folder |

mod codec;
mod frame;
mod pack;
mod sealed;
mod unpack;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::Digest;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

pub use frame::{Checked, Tail, check};
pub use pack::{Packed, Source, pack};
pub use sealed::{PASSPHRASE_MIN_CHARS, Passphrase};
pub use unpack::{KeysFound, Restored, restore};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

const ABOUT: &str = "about.json";
const MANIFEST: &str = "manifest.json";
const KEYS: &str = "keys";
const RECORDS: &str = "records";
const BLOBS: &str = "blobs";

/// What went wrong with a backup, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("{} is no backup of Visiobook", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// A newer program made it.
    #[error("the backup has format {found} and this program knows {known}: restore it with the newer version")]
    Newer {
        /// Format of the backup.
        found: u32,
        /// Newest format that this program knows.
        known: u32,
    },
    /// It ends too early.
    #[error("the backup ends before its end: it was not written whole, or not copied whole; use another copy")]
    Truncated,
    /// Its bytes are not those that were written.
    #[error("the backup is damaged ({detail}): use another copy")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// There is something in the folder already.
    #[error("{} is not empty: a backup is restored into a new or empty folder only; name another one", path.display())]
    FolderNotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The keys can't be opened.
    #[error("the passphrase does not open the keys of this backup: give the one that it was made with, or none")]
    PassphraseWrong,
    /// The passphrase can be guessed.
    #[error("the passphrase is too short: {PASSPHRASE_MIN_CHARS} characters at least")]
    PassphraseShort,
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{operation} failed: {detail}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The system's words.
        detail: String,
    },
}

impl BackupError {
    /// Stable code for programs, logs and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABackup { .. } => "backup-not-one",
            Self::Newer { .. } => "backup-newer",
            Self::Truncated => "backup-truncated",
            Self::Damaged { .. } => "backup-damaged",
            Self::FolderNotEmpty { .. } => "backup-folder-not-empty",
            Self::PassphraseWrong => "backup-passphrase-wrong",
            Self::PassphraseShort => "backup-passphrase-short",
            Self::Store(error) => error.code(),
            Self::Io { .. } => "backup-io",
        }
    }

    fn io(operation: &'static str, error: &std::io::Error) -> Self {
        match StoreError::from_io(operation, error) {
            StoreError::Io { operation, detail } => Self::Io { operation, detail },
            other => Self::Store(other),
        }
    }

    fn damaged(detail: impl Into<String>) -> Self {
        Self::Damaged { detail: detail.into() }
    }
}

/// How far a restoration is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Size of the archive.
    pub total_bytes: AtomicU64,
    /// Bytes of it that were held against its digest.
    pub checked_bytes: AtomicU64,
    /// Bytes of it that were unpacked.
    pub unpacked_bytes: AtomicU64,
}

impl Progress {
    fn add(counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// The first member: what the archive is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    format: u32,
    /// Version of the program that made it.
    program: String,
    made_ms: u64,
    /// In hexadecimal, for JSON's numbers are too short.
    store_id: String,
    incarnation: u64,
    schema_version: u32,
}

/// The last member: what all others have to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Manifest {
    members: Vec<Member>,
    /// Blobs whose bytes stand in the archive under another name.
    copies: Vec<Copied>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    path: String,
    bytes: u64,
    sha256: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Copied {
    path: String,
    of: String,
}
