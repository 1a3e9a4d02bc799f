//! How a node's stores stand, and what looking after them did.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// Whether something can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StoreState {
    /// It works.
    Good,
    /// It works, slowly or nearly filled up.
    Strained,
    /// It can't be used now.
    Bad,
}

/// How one store stands, as it was just measured.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DatabaseHealth {
    /// Whether it can be used.
    pub state: StoreState,
    /// Time of a durable write, microseconds, waiting included; of a cache, of a value put, read and removed.
    pub write_latency_us: Option<u64>,
    /// Time of a read, likewise.
    pub read_latency_us: Option<u64>,
    /// Writes that wait.
    pub queued: Option<u32>,
    /// How many may.
    pub queue_max: Option<u32>,
    /// Reads that run.
    pub pool_used: Option<u32>,
    /// How many may.
    pub pool_max: Option<u32>,
    /// Bytes that it takes, where it knows.
    pub bytes: Option<u64>,
    /// How many it may take, where that is bounded.
    pub bytes_max: Option<u64>,
    /// Version of its schema, where it has one.
    pub schema_version: Option<u32>,
    /// What is wrong, in one sentence with its code.
    pub trouble: Option<String>,
}

/// How the stores of a node stand, as they were measured.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DatabasesHealth {
    /// The worst of them, the cache aside: without it everything works.
    pub state: StoreState,
    /// Rows.
    pub records: DatabaseHealth,
    /// Bytes by digest.
    pub blobs: DatabaseHealth,
    /// What may be lost at any time.
    pub cache: DatabaseHealth,
    /// Which life of the store this is: a restored backup begins a new one. In decimal, for it may exceed what JSON's
    /// numbers hold exactly.
    pub incarnation: String,
    /// What sweeping has removed since the node started.
    pub swept: SweepTotals,
}

/// How the stores of a node stood a moment ago: all who ask within a second share what was measured for the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeasuredHealth {
    /// As they were measured.
    #[serde(flatten)]
    pub health: DatabasesHealth,
    /// How long ago, milliseconds.
    pub age_ms: u32,
}

/// How a node stands, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeHealth {
    /// The stores.
    pub stores: StoreState,
    /// Books can be analysed: a device has its model.
    pub ready: bool,
    /// Version of the product.
    pub version: String,
    /// How long ago the stores were measured, milliseconds.
    pub age_ms: u32,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It is under way.
    Running,
    /// It did what it was to do.
    Done,
    /// It did not.
    Failed,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobTrouble {
    /// Stable code.
    pub code: String,
    /// What happened, and what to do.
    pub detail: String,
}

/// Something that a node does for its stores and that may take long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    /// How far it is.
    pub state: JobState,
    /// When it began, milliseconds since 1970 UTC.
    pub began_ms: u64,
    /// When it ended, if it has.
    pub ended_ms: Option<u64>,
    /// Projects and uploads that it went through so far.
    pub scopes: u64,
    /// Blobs that it went through so far.
    pub blobs: u64,
    /// Bytes so far: of an archive, those that were handed out; of a sweep, those that were removed, or would be.
    pub bytes: u64,
    /// Why it failed, if it did.
    pub trouble: Option<JobTrouble>,
}

/// The long jobs of a node: those under way, else the last ones since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Jobs {
    /// A backup.
    pub backup: Option<Job>,
    /// A sweep of blobs that nothing names.
    pub sweep: Option<Job>,
}

/// What running migrations did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MigrationsRun {
    /// Version of the schema before.
    pub from: u32,
    /// And since; the same where nothing was to be done.
    pub to: u32,
}

/// What a sweep found, and removed unless it was only to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepReport {
    /// It only looked.
    pub dry_run: bool,
    /// Projects and uploads that blobs lie for.
    pub scopes: u64,
    /// Blobs that something names.
    pub named: u64,
    /// Blobs that nothing names, and that are too young to be removed.
    pub young: u64,
    /// Blobs that nothing names, and that were removed, or would be.
    pub orphans: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
    /// Projects that were left alone: they are being changed, or something that names blobs can't be read.
    pub left_alone: u64,
    /// The first hundred of the orphans.
    pub first: Vec<Orphan>,
}

/// A blob that nothing names.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Orphan {
    /// The account that pays.
    pub tenant: crate::id::TenantId,
    /// The project or upload that it lies for.
    pub project: crate::id::ProjectId,
    /// The blob.
    pub digest: crate::id::Digest,
    /// Its size.
    pub bytes: u64,
}

/// What sweeping has removed since a node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepTotals {
    /// Sweeps that ended.
    pub sweeps: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What to make of a backup.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// Seals the signing keys; without it they are left out. Eight characters at least.
    #[serde(default)]
    pub passphrase: Option<String>,
}
