//! A project as it is worked on: its own name and words, its revisions, its runs, and who did what.

use bincode::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize};

use crate::api::{BookFile, RunView};
use crate::book::Warning;
use crate::id::{AccountId, InvitationId, ProjectId, RunId, ShareLinkId};
use crate::language::Language;
use crate::principal::Proof;
use crate::run::{Progress, RunSettings, RunState};
use crate::sharing::ProjectRole;

/// Longest name of a project, in characters.
pub const NAME_MAX_CHARS: usize = 200;
/// Longest description, in characters.
pub const DESCRIPTION_MAX_CHARS: usize = 4_000;
/// Most projects of one page of a list.
pub const PAGE_MAX: u32 = 500;
/// Projects of a page unless another number is asked for.
pub const PAGE_DEFAULT: u32 = 100;
/// Longest text that is searched for, in characters.
pub const SEARCH_MAX_CHARS: usize = 200;

/// A project, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// One more with each change of what people set: the first part of the ETag.
    pub version: u64,
    /// What people call it: the book's title until somebody names it otherwise.
    pub name: String,
    /// Somebody gave it that name.
    pub named: bool,
    /// What people say of it; empty at first.
    pub description: String,
    /// It was put aside: lists leave it out unless they are asked for it.
    pub archived: bool,
    /// Title of the book.
    pub title: String,
    /// Authors of the book.
    pub authors: Vec<String>,
    /// Language of the book.
    pub language: Option<Language>,
    /// When it was created, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// When it was last changed, milliseconds since 1970 UTC.
    pub changed_ms: u64,
    /// It is one of the demonstration books.
    pub demo: bool,
    /// It was deleted, and can be restored for a while.
    pub deleted: Option<Deleted>,
    /// The file of its newest revision.
    pub book: BookFile,
    /// Number of that revision, from 1.
    pub revision: u32,
    /// Its newest run.
    pub run: Option<RunView>,
}

/// When a project was deleted, and until when that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// From then on it is erased with all that it holds, milliseconds since 1970 UTC.
    pub erased_after_ms: u64,
}

/// What is to be changed of a project, as a JSON merge patch (RFC 7396): what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    /// Another name of at most 200 characters; `null` goes back to the book's title.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub name: Option<Option<String>>,
    /// Another description of at most 4,000 characters; `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub description: Option<Option<String>>,
    /// Whether it is put aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// Tells `null` from what is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Which projects a list holds, by whether they were put aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// Those that were not put aside.
    #[default]
    Active,
    /// Those that were.
    Archived,
    /// Both.
    All,
    /// Those that were deleted and can be restored.
    Deleted,
    /// Other people's that whoever asks is a member of.
    Shared,
}

/// State of a project's newest run, as a list is filtered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateFilter {
    /// Received, nothing done yet.
    Received,
    /// Some stage is under way.
    Working,
    /// Done.
    Ready,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl StateFilter {
    /// Whether a run in this state is meant.
    pub fn takes(self, state: &RunState) -> bool {
        match state {
            RunState::Received => self == Self::Received,
            RunState::Working { .. } => self == Self::Working,
            RunState::Ready => self == Self::Ready,
            RunState::Failed { .. } => self == Self::Failed,
            RunState::Cancelled => self == Self::Cancelled,
        }
    }
}

/// What a list is sorted by; ties go by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// When the project was created.
    #[default]
    Created,
    /// When it was last changed.
    Changed,
    /// Its name, case and accents aside.
    Name,
}

/// What is asked of a list of projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ProjectQuery {
    /// Put aside or not.
    pub shown: Shown,
    /// Only those whose newest run stands like this.
    pub state: Option<StateFilter>,
    /// Only books in this language.
    pub language: Option<Language>,
    /// Only those that hold all of these words in name, title, authors, description or file name, case and accents
    /// aside; empty for all.
    pub search: String,
    /// What comes first.
    pub sort: Sort,
    /// The other way round: oldest first, or from Z to A.
    pub reversed: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProjectPage {
    /// In the order that was asked for; newest first otherwise.
    pub projects: Vec<Project>,
    /// How many the whole list holds now.
    pub total: u32,
    /// Where the list goes on: the `cursor` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A run, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Which revision of the book it analyses.
    pub revision: u32,
    /// What it was asked to do otherwise than usual.
    pub settings: RunSettings,
    /// The run that it repeats, whose results it takes over where they are the same.
    pub of: Option<RunId>,
    /// Who asked for it.
    pub by: Actor,
    /// When, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// When it ended, milliseconds since 1970 UTC; absent while it has not.
    pub ended_ms: Option<u64>,
    /// Where it stands.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
    /// What was odd about the book.
    pub warnings: Vec<Warning>,
    /// What can be fetched of it.
    pub files: Vec<RunFile>,
    /// Where to follow from: this takes in every project event up to this one. It may know more, if an event is still
    /// on its way.
    pub seq: u64,
}

/// A file that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunFile {
    /// Such as `storyboard.json`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// What a run is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RunRequest {
    /// What it is to do otherwise than usual.
    pub settings: RunSettings,
    /// Number of the revision to analyse; the newest unless one is named.
    pub revision: Option<u32>,
}

/// Whether every item of a run stands in exactly one of its named segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunAudit {
    /// Nothing is missing, repeated or foreign.
    pub clean: bool,
    /// Distinct items of the manifest.
    pub items: u32,
    /// Named segments.
    pub segments: u32,
    /// Items in no segment.
    pub missing: u32,
    /// Items in several segments, or twice in one.
    pub repeated: u32,
    /// Items in a segment that the manifest does not know.
    pub foreign: u32,
}

/// The runs of a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunList {
    /// Newest first.
    pub runs: Vec<Run>,
}

/// A file that was given as the project's book.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Revision {
    /// From 1.
    pub number: u32,
    /// When it was added, milliseconds since 1970 UTC.
    pub added_ms: u64,
    /// Title of the book.
    pub title: String,
    /// Authors of the book.
    pub authors: Vec<String>,
    /// Language of the book.
    pub language: Option<Language>,
    /// The file.
    pub book: BookFile,
}

/// The revisions of a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevisionList {
    /// Newest first.
    pub revisions: Vec<Revision>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Whoever sits at the machine.
    Local,
    /// The node itself.
    Node,
    /// An account.
    Account(AccountId),
    /// Somebody of whom whoever asks is not told more.
    Somebody,
}

impl From<Proof> for Actor {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Session(signed) => Self::Account(signed.account),
            Proof::Key(keyed) => Self::Account(keyed.account),
            // Nobody gets as far as doing something.
            Proof::LocalTrust | Proof::Nobody => Self::Local,
            Proof::Visit(_) => Self::Somebody,
            Proof::Node => Self::Node,
        }
    }
}

/// Something that somebody did to a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// The version that the project has since: numbers rise, with gaps.
    pub seq: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What.
    #[serde(flatten)]
    pub what: Act,
}

/// What can be done to a project. New kinds are appended.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Act {
    /// It was made of a file.
    Created {
        /// The file's name.
        file: String,
    },
    /// Its words were changed, or it was put aside or taken up again.
    Changed {
        /// The name since then, where that was changed.
        name: Option<String>,
        /// Its description was changed.
        described: bool,
        /// Whether it is put aside since, where that was changed.
        archived: Option<bool>,
    },
    /// It was deleted.
    Deleted,
    /// That was undone.
    Restored,
    /// Another file was given as its book, and its analysis begun.
    Revised {
        /// Number of the new revision.
        revision: u32,
        /// The file's name.
        file: String,
        /// The run.
        run: RunId,
    },
    /// An analysis was asked for.
    RunStarted {
        /// The run.
        run: RunId,
        /// Which revision it analyses.
        revision: u32,
        /// The run that it repeats.
        of: Option<RunId>,
    },
    /// An analysis was stopped.
    RunCancelled {
        /// The run.
        run: RunId,
    },
    /// Somebody was invited.
    Invited {
        /// The invitation.
        invitation: InvitationId,
        /// What they may do once they accept.
        role: ProjectRole,
    },
    /// An invitation was withdrawn.
    InvitationWithdrawn {
        /// The invitation.
        invitation: InvitationId,
    },
    /// Somebody accepted an invitation.
    Joined {
        /// What they may do.
        role: ProjectRole,
    },
    /// A member was given another role.
    MemberChanged {
        /// Their account.
        member: AccountId,
        /// What they may do since.
        role: ProjectRole,
    },
    /// A member was removed.
    MemberRemoved {
        /// Their account.
        member: AccountId,
    },
    /// A member left.
    Left,
    /// A share link was made.
    ShareLinkMade {
        /// The link.
        link: ShareLinkId,
    },
    /// A share link was revoked.
    ShareLinkRevoked {
        /// The link.
        link: ShareLinkId,
    },
}

/// A page of what was done to a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityPage {
    /// Newest first.
    pub activity: Vec<Activity>,
    /// Where it goes on: the `before` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_state_is_met_by_one_state_only() {
        let all = [
            StateFilter::Received,
            StateFilter::Working,
            StateFilter::Ready,
            StateFilter::Failed,
            StateFilter::Cancelled,
        ];
        let failed = RunState::Failed { stage: crate::run::Stage::Reading, code: "c".into(), reason: "r".into() };
        for state in [RunState::Received, RunState::Ready, RunState::Cancelled, failed] {
            assert_eq!(all.iter().filter(|filter| filter.takes(&state)).count(), 1, "{state:?}");
        }
    }
}
