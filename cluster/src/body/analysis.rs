//! Gateway ↔ core: what is asked of a text by itself, or of a project's revision.

use bincode::{Decode, Encode};
use domain::analysis::{AnalysisId, AnalysisKind};
use domain::id::ProjectId;
use domain::language::Language;
use domain::principal::Principal;

use super::{Payload, Scope};

/// Analyse a text: at once if it is small, else as the book of a new project.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AnalyseText {
    /// Who asks.
    pub principal: Principal,
    /// What is asked.
    pub kind: AnalysisKind,
    /// Where the text's blobs lie, and the project that it becomes if it is not small.
    pub project: ProjectId,
    /// The text, UTF-8. One on the bulk plane is never small.
    pub text: Payload,
    /// Its size, bytes.
    pub text_bytes: u64,
    /// What it is written in, if whoever asks knows.
    pub language: Option<Language>,
}

/// Analyse a project's revision.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct AnalyseProject {
    /// Who asks.
    pub principal: Principal,
    /// What is asked.
    pub kind: AnalysisKind,
    /// The project.
    pub project: ProjectId,
    /// Number of the revision; the newest where none is named.
    pub revision: Option<u32>,
}

/// How does an analysis stand?
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct GetAnalysis {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub id: AnalysisId,
}

/// How an analysis stands.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AnalysisReply {
    /// Which one; nothing where it was answered at once.
    pub id: Option<AnalysisId>,
    /// The result is there.
    pub ready: bool,
    /// Where the answer lies if it is on the bulk plane. That of a small text stays for half a minute.
    pub scope: Scope,
    /// JSON of [`domain::analysis::Analysis`].
    pub json: Payload,
    /// Its size, bytes.
    pub json_bytes: u64,
}
