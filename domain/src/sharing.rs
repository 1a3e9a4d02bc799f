//! Projects of several people: members and their roles, invitations, share links.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::account::Secret;
use crate::id::{AccountId, InvitationId, ProjectId, ShareLinkId};
use crate::project::Project;

/// Members of a project, at most, its payer aside.
pub const MEMBERS_MAX: usize = 100;
/// Invitations of a project that are open at a time.
pub const INVITATIONS_MAX: usize = 50;
/// Share links of a project at a time.
pub const SHARE_LINKS_MAX: usize = 50;
/// Longest name of a share link, characters.
pub const SHARE_LINK_NAME_MAX_CHARS: usize = 100;
/// Projects that can be shared with one account.
pub const SHARED_MAX: usize = 500;
/// Shortest time that a share link can be valid, seconds.
pub const SHARE_LINK_VALID_MIN_S: u32 = 3_600;
/// Longest time that a share link can be valid, seconds: a year.
pub const SHARE_LINK_VALID_MAX_S: u32 = 366 * 86_400;

/// What somebody may do with a project, each role all that the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProjectRole {
    /// Sees it.
    Viewer,
    /// Changes what it holds.
    Editor,
    /// Says who may, and deletes it.
    Owner,
}

/// A project, as whoever asks has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProjectAs {
    /// The project.
    #[serde(flatten)]
    pub project: Project,
    /// What whoever asks may do with it.
    pub role: ProjectRole,
    /// Whoever asks is no member: a share link shows it to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub visits: bool,
}

/// A page of a list of projects, as whoever asks has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProjectAsPage {
    /// In the order that was asked for; newest first otherwise.
    pub projects: Vec<ProjectAs>,
    /// How many the whole list holds now.
    pub total: u32,
    /// Where the list goes on: the `cursor` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody who has a project.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// Their account.
    pub account: AccountId,
    /// What they are called.
    pub name: String,
    /// Their mail address; owners alone are told it, and everybody their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they may do.
    pub role: ProjectRole,
    /// Since when, milliseconds since 1970 UTC; absent for the payer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// They pay for the project: they stay its owner.
    pub payer: bool,
    /// It is whoever asks.
    pub you: bool,
}

/// An invitation that was mailed, and neither accepted nor withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The address that it was mailed to.
    pub email: String,
    /// What whoever accepts it may do.
    pub role: ProjectRole,
    /// Who invited.
    pub by: AccountId,
    /// When, milliseconds since 1970 UTC.
    pub invited_ms: u64,
    /// Until when it can be accepted, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}

/// Who has a project.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Members {
    /// The payer first, then in the order in which they joined.
    pub members: Vec<Member>,
    /// Who was invited, the newest first; owners alone are told.
    pub invitations: Vec<Invitation>,
}

/// Another role of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberRole {
    /// The role from now on.
    pub role: ProjectRole,
}

/// Somebody to be invited.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    /// The address that the invitation is mailed to.
    pub email: String,
    /// What whoever accepts it may do.
    pub role: ProjectRole,
}

/// An invitation that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitationUse {
    /// What stands in the link behind `#`.
    pub token: Secret,
}

/// What an invitation led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Joined {
    /// The project.
    pub project: ProjectId,
    /// What one may do with it.
    pub role: ProjectRole,
}

/// An address that shows a project to whoever has it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShareLink {
    /// Its id.
    pub id: ShareLinkId,
    /// What its maker calls it.
    pub name: String,
    /// It wants a password.
    pub password: bool,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Until when it can be used, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}

/// The share links of a project.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShareLinkList {
    /// Those that can be used, the newest first.
    pub links: Vec<ShareLink>,
}

/// A share link to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShareLinkRequest {
    /// What it is called: one line of 1 to 100 characters. Visitors are not shown it.
    pub name: String,
    /// What visitors have to say: 10 to 256 characters that are not easily guessed. Left out for none.
    #[serde(default)]
    pub password: Option<Secret>,
    /// How long it can be used, seconds: from an hour (3,600) to a year (31,622,400).
    #[cfg_attr(feature = "schema", schemars(range(min = 3_600, max = 31_622_400)))]
    pub valid_s: u32,
}

/// A share link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewShareLink {
    /// The link.
    pub link: ShareLink,
    /// The address of a page of this node that opens it. It is told this once.
    pub url: Secret,
}

/// A share link that is opened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShareLinkUse {
    /// What stands in the link behind `#`.
    pub token: Secret,
    /// Its password, where it has one.
    #[serde(default)]
    pub password: Option<Secret>,
}

/// What a share link opened: a cookie came along that shows this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenedLink {
    /// The project.
    pub project: ProjectId,
    /// Until when the cookie is good, milliseconds since 1970 UTC; then the link is opened again.
    pub expires_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_all_that_the_one_before_may() {
        assert!(ProjectRole::Viewer < ProjectRole::Editor && ProjectRole::Editor < ProjectRole::Owner);
    }
}
