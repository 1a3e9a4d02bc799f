//! What can be done with an account, as its log has it.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::SystemRole;
use crate::id::{AccountId, ApiKeyId, InvitationId, ProjectId, SessionId, ShareLinkId};
use crate::sharing::ProjectRole;

/// Something that was done with an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountEvent {
    /// The version that the account has since: numbers rise, with gaps.
    pub seq: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The network address that it was done from, where one is known.
    pub address: String,
    /// What.
    #[serde(flatten)]
    pub what: AccountAct,
}

/// What can be done with an account. New kinds are appended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum AccountAct {
    /// It was made, as the node's first one.
    Claimed,
    /// It was made, or made anew before its address was confirmed.
    SignedUp,
    /// Its address was confirmed.
    Confirmed,
    /// Somebody signed in.
    SignedIn {
        /// The session.
        session: SessionId,
    },
    /// Somebody tried to, with another password.
    SignInRefused,
    /// The password was said again.
    SaidAgain {
        /// The session.
        session: SessionId,
    },
    /// A session was ended.
    SessionEnded {
        /// The session.
        session: SessionId,
    },
    /// All sessions were ended.
    SessionsEnded,
    /// A link for another password was asked for.
    ResetAsked,
    /// The password was set by such a link.
    PasswordReset,
    /// The password was changed.
    PasswordChanged,
    /// Another address was asked for.
    AddressAsked {
        /// The address to be.
        email: String,
    },
    /// The address was changed.
    AddressChanged {
        /// The address before.
        before: String,
        /// The address since.
        email: String,
    },
    /// Name or language was changed.
    Changed,
    /// Another link to confirm the address was asked for.
    ConfirmAsked,
    /// The role was changed.
    RoleChanged {
        /// The role since.
        role: SystemRole,
        /// The admin that did it.
        by: AccountId,
    },
    /// The owner, an admin, changed another account's role.
    ChangedRole {
        /// The other account.
        of: AccountId,
        /// Its role since.
        role: SystemRole,
    },
    /// A key was made.
    KeyMade {
        /// The key.
        key: ApiKeyId,
    },
    /// A key was revoked.
    KeyRevoked {
        /// The key.
        key: ApiKeyId,
    },
    /// A secret was drawn for an authenticator app.
    SecondFactorBegun,
    /// From now on signing in takes a code.
    SecondFactorOn,
    /// From now on it takes none.
    SecondFactorOff,
    /// The password was right, and the code was not.
    CodeRefused,
    /// The password and a code of the app were right.
    CodeTaken,
    /// The password and a code to recover with were right: that code is used up.
    RecoveryCodeTaken {
        /// How many are left.
        left: u32,
    },
    /// Other codes to recover with took the place of those before.
    RecoveryCodesRenewed,
    /// The owner invited somebody to a project.
    Invited {
        /// The project.
        project: ProjectId,
        /// The address.
        email: String,
        /// What they may do once they accept.
        role: ProjectRole,
    },
    /// The owner withdrew an invitation.
    InvitationWithdrawn {
        /// The project.
        project: ProjectId,
        /// The invitation.
        invitation: InvitationId,
    },
    /// The owner accepted an invitation to a project.
    Joined {
        /// The project.
        project: ProjectId,
        /// What they may do.
        role: ProjectRole,
    },
    /// The owner left a project.
    Left {
        /// The project.
        project: ProjectId,
    },
    /// The owner gave another account another role in a project.
    ChangedMember {
        /// The project.
        project: ProjectId,
        /// The other account.
        member: AccountId,
        /// What it may do since.
        role: ProjectRole,
    },
    /// The owner removed another account from a project.
    RemovedMember {
        /// The project.
        project: ProjectId,
        /// The other account.
        member: AccountId,
    },
    /// The owner made a share link.
    ShareLinkMade {
        /// The project.
        project: ProjectId,
        /// The link.
        link: ShareLinkId,
    },
    /// The owner revoked a share link.
    ShareLinkRevoked {
        /// The project.
        project: ProjectId,
        /// The link.
        link: ShareLinkId,
    },
    /// The owner, an admin, looked at another account.
    LookedAt {
        /// The other account.
        of: AccountId,
    },
    /// An admin looked at the account.
    SeenByAdmin {
        /// The admin.
        by: AccountId,
    },
    /// The owner, an admin, made a backup, which holds every book.
    BackedUp,
    /// It was made for an identity that a provider vouched for.
    SignedUpAs {
        /// The provider.
        issuer: String,
    },
    /// An identity was added.
    IdentityLinked {
        /// The provider.
        issuer: String,
    },
    /// An identity was removed.
    IdentityUnlinked {
        /// The provider.
        issuer: String,
    },
    /// Its deletion was asked for, and everybody signed out. Signing in takes it back.
    DeletionAsked {
        /// When it is erased, milliseconds since 1970 UTC.
        erase_at_ms: u64,
    },
    /// An archive of all that it has was asked for.
    ExportAsked,
    /// It can be downloaded.
    ExportReady,
}
