//! Gateway → core: addresses of files that may be followed for a while.

use bincode::{Decode, Encode};
use domain::id::ProjectId;
use domain::principal::Principal;

use super::Scope;
use super::projects::ArtefactReply;

/// Sign an address of a file of the project's newest finished run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SignFile {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Such as `storyboard.json`.
    pub name: String,
    /// How long it may be followed.
    pub valid_s: u32,
}

/// What stands in the address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedReply {
    /// Says which file, until when, and the signature; an address takes it as it is.
    pub token: String,
    /// Until when it may be followed, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}

/// Which file a signed address means.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OpenSigned {
    /// As it stood in the address.
    pub token: String,
}

/// A file, to be fetched from the bulk plane.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SignedFileReply {
    /// Where it lies.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub file: ArtefactReply,
    /// Until when the address may be followed, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}
