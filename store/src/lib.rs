//! What Visiobook keeps: the ports that everyone else speaks to, and their embedded adapters.
//!
//! Three ports: [`Records`] holds small rows that change by compare-and-set, [`Blobs`] holds immutable
//! bytes by digest, [`Cache`] holds what may be lost at any time. The first two say at each method what a crash, or an outcome that is not known, leaves
//! behind. [`DataFolder`] opens the embedded pair on one machine: SQLite and plain files under one
//! locked folder.
//!
//! This crate never decides what the rows mean: it knows no stages, no scheduling and no HTTP. It reads
//! no wall clock, for leases are timed by those who hold and challenge them; times in rows are the
//! caller's. It never answers "applied" before the bytes are synced.
//!
//! | module | holds |
//! |---|---|
//! | [`rows`] | the rows, and what is asked of them |
//! | [`records`] | the records port, and how a compare-and-set ends |
//! | [`blobs`] | the blobs port |
//! | [`cache`], `memory` | the cache port, and its adapter in this process's memory |
//! | [`backup`] | one checked archive of all that a store keeps, and a store out of it |
//! | [`folder`] | the data folder of one machine, and its lock |
//! | `sqlite` | the records port over one SQLite file |
//! | `fs` | the blobs port over plain files |
//! | [`keyring`] | the keys that cursors, addresses and webhooks are signed with |
//! | [`faulty`] | a wrapper for either port that fails on a seed |
//! | [`failpoint`] | steps at which a test kills the process (feature `failpoints`) |
//! | `conformance` | what every adapter has to pass (feature `conformance`) |
//! | [`error`] | everything that can go wrong, with stable codes |

pub mod backup;
pub mod blobs;
pub mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod failpoint;
pub mod faulty;
pub mod folder;
mod fs;
pub mod keyring;
mod memory;
pub mod records;
pub mod rows;
mod sqlite;

pub use blobs::{BlobEntry, BlobHealth, BlobHold, BlobInfo, BlobScope, BlobSource, BlobStream, Blobs};
pub use cache::{Bucket, Cache, CacheHealth, Taken};
pub use error::{Holder, StoreError};
pub use faulty::{Fault, Faults, Faulty};
pub use folder::DataFolder;
pub use keyring::{Keyring, Purpose, Signed};
pub use memory::MemoryCache;
pub use records::{Cas, Health, Migrated, Records, RowStream, StoreIdentity};
