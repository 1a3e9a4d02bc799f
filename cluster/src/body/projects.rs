//! Gateway → core: projects, runs, events, artefacts.

use bincode::{Decode, Encode};
use domain::api::{ProjectView, RunView};
use domain::id::{Digest, ProjectId, RunId};
use domain::principal::Principal;
use domain::run::RunEvent;

/// Make a project of an uploaded file and start its first run. Asked again with the same id, it gives the
/// same project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateProject {
    /// Who asks.
    pub principal: Principal,
    /// Made by the gateway before the upload, so that the bytes could go to their scope.
    pub project: ProjectId,
    /// The file's name, without folders.
    pub file_name: String,
    /// The uploaded bytes, already durable on the bulk plane.
    pub book: Digest,
    /// How many.
    pub book_bytes: u64,
    /// It is one of the demonstration books.
    pub demo: bool,
}

/// All projects of the asker's tenant, newest first.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ListProjects {
    /// Who asks.
    pub principal: Principal,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
}

/// Remove a project with all that it holds. Asked again, it is done already.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct DeleteProject {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub project: ProjectId,
}

/// Analyse the project's book once more. Refused while a run is under way.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct StartRun {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
}

/// Stop a run. A run that has ended stays as it is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CancelRun {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Which of its runs.
    pub run: RunId,
}

/// Events of a project after a sequence number; waits for the first one if there is none yet.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct EventsAfter {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// The last event that the asker knows.
    pub after: u64,
    /// How many at most; at least 1.
    pub limit: u32,
    /// How long to wait for the first one. An empty answer after that is no error.
    pub wait_ms: u32,
}

/// Where the artefact of the project's newest finished run lies.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct GetArtefact {
    /// Who asks.
    pub principal: Principal,
    /// Which project.
    pub project: ProjectId,
    /// Such as `storyboard.json`.
    pub name: String,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ProjectReply {
    /// As its members see it.
    pub project: ProjectView,
}

/// Projects.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ProjectsReply {
    /// Newest first.
    pub projects: Vec<ProjectView>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunReply {
    /// As the project's members see it.
    pub run: RunView,
}

/// Events.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct EventsReply {
    /// In order, without gaps.
    pub events: Vec<RunEvent>,
}

/// An artefact, to be fetched from the bulk plane.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ArtefactReply {
    /// Its bytes.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
    /// Such as `application/json`.
    pub media_type: String,
}
