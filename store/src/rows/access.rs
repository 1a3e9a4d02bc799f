//! Who has a project, and which projects an account was given.

use bincode::{Decode, Encode};
use domain::account::EMAIL_MAX_BYTES;
use domain::id::{AccountId, InvitationId, ProjectId, ShareLinkId, TenantId};
use domain::project::Actor;
use domain::sharing::{
    INVITATIONS_MAX, MEMBERS_MAX, ProjectRole, SHARE_LINK_NAME_MAX_CHARS, SHARE_LINKS_MAX, SHARED_MAX,
};

use super::SecretDigest;
use crate::error::StoreError;

/// Who has a project. Partition: the project.
///
/// This is the truth of who may see a project, apart from the tenant that pays for it: all of it stands in this one
/// row, so that somebody who is removed, and whoever accepts an invitation at that moment, meet in one
/// compare-and-set. A project that nobody shared has no row. It is bounded by [`AccessRow::check`] to some sixty
/// kibibytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccessRow {
    /// The project.
    pub project: ProjectId,
    /// Set by the store: one more with each update.
    pub version: u64,
    /// Who pays for it.
    pub tenant: TenantId,
    /// That tenant's account, once it has one.
    pub payer: Option<AccountId>,
    /// Everybody else who has it.
    pub members: Vec<MemberRow>,
    /// Those who are about to.
    pub invitations: Vec<InvitationRow>,
    /// Addresses that show it to whoever has them.
    pub links: Vec<ShareLinkRow>,
}

/// An account that has a project of another tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MemberRow {
    /// The account.
    pub account: AccountId,
    /// What it may do.
    pub role: ProjectRole,
    /// Since when, milliseconds since 1970 UTC. With the account it names this membership, apart from an earlier one.
    pub since_ms: u64,
}

/// An invitation that was mailed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct InvitationRow {
    /// Its id.
    pub invitation: InvitationId,
    /// The address that it was mailed to, as [`domain::account::Email`] spells it.
    pub email: String,
    /// What whoever accepts it may do.
    pub role: ProjectRole,
    /// What its token's secret is held against.
    pub secret: SecretDigest,
    /// Who invited.
    pub by: AccountId,
    /// When, milliseconds since 1970 UTC.
    pub invited_ms: u64,
    /// Until when it can be accepted, milliseconds since 1970 UTC: decided from, for days are counted through restarts.
    pub expires_ms: u64,
}

/// An address that shows a project to whoever has it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ShareLinkRow {
    /// Its id.
    pub link: ShareLinkId,
    /// What its maker calls it.
    pub name: String,
    /// What its token's secret is held against.
    pub secret: SecretDigest,
    /// What visitors may do.
    pub role: ProjectRole,
    /// The Argon2id hash of its password, as a PHC string.
    pub password: Option<String>,
    /// Who made it.
    pub by: Actor,
    /// When, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Until when it can be used, milliseconds since 1970 UTC: decided from.
    pub expires_ms: u64,
}

/// The projects of other tenants that an account was given. Partition: the account.
///
/// An index, so that they can be listed, and never a right: it names each project that the account is a member of by
/// its [`AccessRow`], and perhaps some that it is about to be, or was.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SharedRow {
    /// The account.
    pub account: AccountId,
    /// Set by the store: 0 where it was never written, one more with each update.
    pub version: u64,
    /// The projects.
    pub projects: Vec<SharedProject>,
}

/// A project that an account was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SharedProject {
    /// The project.
    pub project: ProjectId,
    /// The membership, as [`MemberRow::since_ms`] names it.
    pub since_ms: u64,
}

fn invalid<T>(detail: String) -> Result<T, StoreError> {
    Err(StoreError::Invalid { detail })
}

impl AccessRow {
    /// A project that its tenant has for itself.
    pub fn alone(tenant: TenantId, project: ProjectId) -> Self {
        let (members, invitations, links) = (Vec::new(), Vec::new(), Vec::new());
        Self { project, version: 0, tenant, payer: None, members, invitations, links }
    }

    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for more members, invitations or links than a project may have, or too long a text.
    pub fn check(&self) -> Result<(), StoreError> {
        let counts = (self.members.len(), self.invitations.len(), self.links.len());
        if counts.0 > MEMBERS_MAX || counts.1 > INVITATIONS_MAX || counts.2 > SHARE_LINKS_MAX {
            return invalid(format!("project {}: {counts:?} members, invitations and links", self.project));
        }
        let is_long = |link: &ShareLinkRow| link.name.chars().count() > SHARE_LINK_NAME_MAX_CHARS;
        if self.invitations.iter().any(|one| one.email.len() > EMAIL_MAX_BYTES) || self.links.iter().any(is_long) {
            return invalid(format!("project {}: an address or a name is too long", self.project));
        }
        Ok(())
    }

    /// An account's membership.
    pub fn member(&self, account: AccountId) -> Option<&MemberRow> {
        self.members.iter().find(|member| member.account == account)
    }
}

impl SharedRow {
    /// An account that was given nothing.
    pub fn nothing(account: AccountId) -> Self {
        Self { account, version: 0, projects: Vec::new() }
    }

    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for more projects than an account may be given.
    pub fn check(&self) -> Result<(), StoreError> {
        match self.projects.len() {
            0..=SHARED_MAX => Ok(()),
            many => invalid(format!("account {}: {many} shared projects", self.account)),
        }
    }
}

impl std::fmt::Debug for InvitationRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvitationRow")
            .field("invitation", &self.invitation)
            .field("role", &self.role)
            .field("expires_ms", &self.expires_ms)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ShareLinkRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShareLinkRow")
            .field("link", &self.link)
            .field("expires_ms", &self.expires_ms)
            .finish_non_exhaustive()
    }
}
