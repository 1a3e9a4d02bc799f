//! Gateway → core: how the stores stand, and what is done to look after them.

use bincode::{Decode, Encode};
use domain::health::{DatabasesHealth, MigrationsRun, SweepReport};
use domain::id::{Digest, ProjectId};
use domain::principal::Principal;

/// Measure the stores now.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetHealth {
    /// Who asks.
    pub principal: Principal,
}

/// How they stand.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct HealthReply {
    /// As measured.
    pub health: DatabasesHealth,
}

/// Bring the records' schema to the newest version. Done again it changes nothing.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunMigrations {
    /// Who asks.
    pub principal: Principal,
}

/// What that did.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct MigrationsReply {
    /// From which version to which.
    pub run: MigrationsRun,
}

/// Remove the blobs that nothing names.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SweepBlobs {
    /// Who asks.
    pub principal: Principal,
    /// Younger ones are left; what the node was told unless it is said here.
    pub grace_s: Option<u64>,
    /// Only look.
    pub dry_run: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SweepReply {
    /// And removed, unless it was only to look.
    pub report: SweepReport,
}

/// How a cover may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum CoverFormat {
    /// JPEG: everybody shows it.
    Jpeg,
    /// WebP, without loss.
    WebP,
    /// AVIF.
    Avif,
}

/// The cover of a project's book, made small.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetCover {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// It fits into a square with sides of so many pixels.
    pub edge_px: u32,
    /// What the asker can show, what it likes best first. Never empty.
    pub formats: Vec<CoverFormat>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CoverReply {
    /// Of the picture.
    pub digest: Digest,
    /// As what it came.
    pub format: CoverFormat,
    /// At most [`super::MAX_INLINE_BYTES`].
    pub bytes: Vec<u8>,
}
