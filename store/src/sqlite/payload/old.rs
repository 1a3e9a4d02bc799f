//! Formats that are read, and written no more.

use bincode::{Decode, Encode};
use domain::book::{Format, Warning};
use domain::id::{Digest, ProjectId, RunId, TenantId};
use domain::language::Language;
use domain::project::Actor;
use domain::run::{Progress, RunSettings, RunState};

use crate::rows::{Artefact, ProjectRow, RevisionRow, RunRow};

/// Format 1 of a project: before names, archiving, undo and revisions.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Project1 {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub version: u64,
    pub title: String,
    pub authors: Vec<String>,
    pub language: Option<Language>,
    pub format: Option<Format>,
    pub file_name: String,
    pub book: Digest,
    pub book_bytes: u64,
    pub created_ms: u64,
    pub demo: bool,
    pub deleted: bool,
    pub run: Option<RunId>,
    pub earlier_runs: Vec<RunId>,
}

impl From<Project1> for ProjectRow {
    fn from(old: Project1) -> Self {
        let book = RevisionRow {
            title: old.title,
            authors: old.authors,
            language: old.language,
            format: old.format,
            file_name: old.file_name,
            digest: old.book,
            bytes: old.book_bytes,
            added_ms: old.created_ms,
        };
        Self {
            tenant: old.tenant,
            project: old.project,
            version: old.version,
            name: None,
            description: String::new(),
            archived: false,
            book,
            earlier_books: Vec::new(),
            created_ms: old.created_ms,
            changed_ms: old.created_ms,
            demo: old.demo,
            trash: None,
            deleted: old.deleted,
            run: old.run,
            earlier_runs: old.earlier_runs,
        }
    }
}

/// Format 1 of a run: before settings, revisions and repeats.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Run1 {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub run: RunId,
    pub version: u64,
    pub state: RunState,
    pub progress: Progress,
    pub warnings: Vec<Warning>,
    pub manifest: Option<Digest>,
    pub segments: u32,
    pub artefacts: Vec<Artefact>,
    pub created_ms: u64,
    pub outbox_next: u64,
}

impl From<Run1> for RunRow {
    fn from(old: Run1) -> Self {
        Self {
            tenant: old.tenant,
            project: old.project,
            run: old.run,
            version: old.version,
            state: old.state,
            progress: old.progress,
            warnings: old.warnings,
            manifest: old.manifest,
            segments: old.segments,
            artefacts: old.artefacts,
            created_ms: old.created_ms,
            outbox_next: old.outbox_next,
            revision: 1,
            settings: RunSettings::default(),
            of: None,
            by: Actor::Local,
            ended_ms: None,
        }
    }
}
