//! What is kept for an account beside its work: an archive of all that it has; and that it goes with all of it.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::account::Secret;
use crate::health::JobTrouble;

/// Largest picture that is taken, bytes.
pub const AVATAR_MAX_BYTES: u64 = 2 << 20;
/// Sides of the picture that is kept.
pub const AVATAR_EDGE_PX: u32 = 256;

/// An archive of all that an account has, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DataExport {
    /// How it stands.
    pub state: ExportStands,
    /// When it was asked for, milliseconds since 1970 UTC.
    pub asked_ms: u64,
    /// Projects that are in it.
    pub projects: u64,
    /// Of so many; 0 until they are counted.
    pub projects_total: u64,
    /// Bytes that are written.
    pub bytes: u64,
    /// Until when it is kept, milliseconds since 1970 UTC, once it has ended.
    pub kept_until_ms: Option<u64>,
    /// Why it failed, if it did.
    pub trouble: Option<JobTrouble>,
}

/// How an archive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExportStands {
    /// It is being written, or waits for others to be.
    Running,
    /// It can be downloaded.
    Ready,
    /// It could not be written.
    Failed,
}

/// Delete one's own account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// The account's mail address, typed once more.
    pub email: String,
    /// The account's password, where it has one.
    #[serde(default)]
    pub password: Option<Secret>,
    /// A code of the second factor, where it is on.
    #[serde(default)]
    pub code: Option<Secret>,
}

/// A deletion that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedDeletion {
    /// When the account is erased with all that it has, milliseconds since 1970 UTC. Until then signing in takes it
    /// back.
    pub erase_at_ms: u64,
}
