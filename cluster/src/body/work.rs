//! Gateway → core: what is done to projects, beyond making and removing them.

use bincode::{Decode, Encode};
use domain::edit::{EditEntry, EditPage, EditState};
use domain::id::{Digest, ProjectId, RunId, UploadId};
use domain::principal::Principal;
use domain::project::{ActivityPage, Project, ProjectPage, ProjectPatch, ProjectQuery, Revision, Run};
use domain::run::RunSettings;

/// A page of the projects of the asker's tenant.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct QueryProjects {
    /// Who asks.
    pub principal: Principal,
    /// Which, and in what order.
    pub query: ProjectQuery,
    /// How many at most.
    pub limit: u32,
    /// Where an earlier page said that it goes on.
    pub cursor: Option<String>,
}

/// One project, whole. One that was deleted is found too while that can be undone.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReadProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
}

/// Change what people say of a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct PatchProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
    /// Only if it has this version.
    pub expected: Option<u64>,
    /// What is to be changed.
    pub patch: ProjectPatch,
}

/// Delete a project. That can be undone for a while, unless it is to be erased at once.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct DiscardProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
    /// Only if it has this version.
    pub expected: Option<u64>,
    /// Leave nothing to undo.
    pub at_once: bool,
}

/// Undo the deletion of a project. Asked again, it is there already.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RestoreProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
}

/// Take an uploaded file as the project's book from now on, and analyse it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReviseProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
    /// Where the upload lies: a scope that no project has, so that one that is refused can be removed whole.
    pub upload: ProjectId,
    /// The file's name, without folders.
    pub file_name: String,
    /// The uploaded bytes.
    pub book: Digest,
    /// How many.
    pub book_bytes: u64,
}

/// Take a complete upload's file as the project's book from now on, and analyse it. Asked again once that is done, it
/// gives the project as it stands.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReviseFromUpload {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Of which upload.
    pub upload: UploadId,
}

/// The revisions of a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ListRevisions {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
}

/// The runs of a project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ListRuns {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
}

/// One run, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReadRun {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Which of its runs.
    pub run: RunId,
}

/// What kind of run is to begin.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum RunKind {
    /// With these settings, of this revision or the newest.
    With {
        /// What it is to do otherwise than usual.
        settings: RunSettings,
        /// Number of a revision.
        revision: Option<u32>,
    },
    /// As a run that failed or was cancelled, from where that one was.
    Again {
        /// That run.
        run: RunId,
    },
}

/// Analyse a book. Refused while a run is under way.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct BeginRun {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// How.
    pub kind: RunKind,
}

/// Where a file of one run lies, as the run made it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetRunFile {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Which of its runs.
    pub run: RunId,
    /// Such as `book.json`.
    pub name: String,
}

/// Prove that a run is whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AuditRun {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Which of its runs.
    pub run: RunId,
}

/// What was done to a project, newest first.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ListActivity {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Only what has a lower number; `None` from the newest on.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Append to the edits of a storyboard.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct EditStoryboard {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// The run that composed it.
    pub run: RunId,
    /// The version that the asker saw.
    pub version: u64,
    /// What is to be appended.
    pub entry: EditEntry,
}

/// The edits of a storyboard.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ListEdits {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// The run that composed it; `None` for the newest that finished.
    pub run: Option<RunId>,
    /// Only entries with a higher version.
    pub after: u64,
    /// How many at most.
    pub limit: u32,
}

/// Where a storyboard lies as it stands with its edits.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetStoryboard {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// The run that composed it; `None` for the newest that finished.
    pub run: Option<RunId>,
    /// As it stood at this version; `None` for now.
    pub version: Option<u64>,
    /// `storyboard.json` or `storyboard.html`.
    pub name: String,
}

/// A page of projects.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ProjectPageReply {
    /// As asked.
    pub page: ProjectPage,
}

/// A project, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WholeProjectReply {
    /// As its members see it.
    pub project: Project,
}

/// Revisions.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RevisionsReply {
    /// Newest first.
    pub revisions: Vec<Revision>,
}

/// Runs.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunsReply {
    /// Newest first.
    pub runs: Vec<Run>,
}

/// A run, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WholeRunReply {
    /// As its project's members see it.
    pub run: Run,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AuditReply {
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

/// What was done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ActivityReply {
    /// As asked.
    pub page: ActivityPage,
}

/// How the edits stand.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct EditStateReply {
    /// After what was asked.
    pub state: EditState,
}

/// Edits.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct EditsReply {
    /// As asked.
    pub page: EditPage,
}
