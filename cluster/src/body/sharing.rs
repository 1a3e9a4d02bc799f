//! Gateway ↔ core: who has a project, and who is about to.

use bincode::{Decode, Encode};
use domain::account::Secret;
use domain::id::{AccountId, InvitationId, ProjectId, ShareLinkId};
use domain::principal::Principal;
use domain::project::{ProjectPage, ProjectQuery};
use domain::sharing::{
    Invitation, InvitationRequest, InvitationUse, Joined, Members, NewShareLink, OpenedLink, ProjectRole, ShareLink,
    ShareLinkRequest, ShareLinkUse,
};

use super::accounts::Visitor;

/// What may this asker do with a project? The asker is named with their own tenant.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReachProject {
    /// Who asks; nobody, where only a share link tells.
    pub principal: Principal,
    /// The project.
    pub project: ProjectId,
    /// What opening a share link gave.
    pub visit: Option<Secret>,
}

/// As whom the asker goes on. Where the project is nothing to them it is as themselves, and they find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReachedReply {
    /// With the tenant that has the project.
    pub principal: Principal,
    /// What they may do.
    pub role: ProjectRole,
    /// Until when at the latest, milliseconds since 1970 UTC.
    pub until_ms: Option<u64>,
}

/// Who has a project?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListMembers {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// The project.
    pub project: ProjectId,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MembersReply {
    /// They.
    pub members: Members,
    /// The share links that can be used, the newest first; owners alone are told.
    pub links: Vec<ShareLink>,
}

/// Give a member another role.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChangeMember {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// Whom.
    pub member: AccountId,
    /// The role from now on.
    pub role: ProjectRole,
}

/// Remove a member; oneself too.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RemoveMember {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// Whom.
    pub member: AccountId,
}

/// Invite a mail address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InviteMember {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// The invitation to be.
    pub invitation: InvitationId,
    /// Whom, and as what.
    pub request: InvitationRequest,
}

/// An invitation that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InvitationReply {
    /// It.
    pub invitation: Invitation,
}

/// Withdraw an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WithdrawInvitation {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// Which.
    pub invitation: InvitationId,
}

/// Accept an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AcceptInvitation {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The link's token.
    pub request: InvitationUse,
}

/// What it led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct JoinedReply {
    /// It.
    pub joined: Joined,
}

/// Make a share link.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MakeShareLink {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// The link to be.
    pub link: ShareLinkId,
    /// How it is to be.
    pub request: ShareLinkRequest,
}

/// A share link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ShareLinkReply {
    /// It, and the address that is told once.
    pub link: NewShareLink,
}

/// Revoke a share link.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RevokeShareLink {
    /// Who asks, with their own tenant.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The project.
    pub project: ProjectId,
    /// Which.
    pub link: ShareLinkId,
}

/// Open a share link.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OpenShareLink {
    /// Who asks.
    pub visitor: Visitor,
    /// Token and password.
    pub request: ShareLinkUse,
}

/// A share link that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LinkOpenedReply {
    /// What shows that it was.
    pub visit: Secret,
    /// What it shows.
    pub opened: OpenedLink,
}

/// A page of the projects that others gave the asker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueryShared {
    /// Who asks.
    pub principal: Principal,
    /// Which of them, in which order.
    pub query: ProjectQuery,
    /// How many at most.
    pub limit: u32,
    /// Where it goes on.
    pub cursor: Option<String>,
}

/// A page of projects that others gave the asker.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SharedPageReply {
    /// The projects.
    pub page: ProjectPage,
    /// What the asker may do with each.
    pub roles: Vec<ProjectRole>,
}

/// Write down that an admin makes a backup.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NoteBackup {
    /// Who.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
}
