//! Gateway ↔ core: archives of all that an account has, and its picture.

use bincode::{Decode, Encode};
use domain::belongings::DataExport;
use domain::id::Digest;
use domain::principal::Principal;

use super::accounts::Visitor;

/// Write an archive of all that the asker's account has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BeginExport {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
}

/// How the archive of the asker's account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetExport {
    /// Who asks.
    pub principal: Principal,
}

/// An archive, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ExportReply {
    /// As it stands.
    pub export: DataExport,
}

/// Sign an address of the archive of the asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignExport {
    /// Who asks.
    pub principal: Principal,
}

/// Make a file that was stored in the account's own scope its picture.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PutAvatar {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The file.
    pub sent: Digest,
}

/// The picture of the asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetAvatar {
    /// Who asks.
    pub principal: Principal,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AvatarReply {
    /// Of the picture.
    pub digest: Digest,
    /// A JPEG file of at most [`super::MAX_INLINE_BYTES`].
    pub bytes: Vec<u8>,
}

/// Remove the picture of the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RemoveAvatar {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
}
