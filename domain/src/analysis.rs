//! What can be asked of a text by itself, or of a project's revision, and what is answered.
//!
//! Offsets named `start` and `end` are bytes of a chapter's text; those of a source range count in the file. A text
//! that was sent is one chapter, and its source is the text itself, as UTF-8.

use std::fmt;
use std::str::FromStr;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Digest, ParseIdError, ProjectId, RunId};
use crate::language::Language;
use crate::run::{Progress, RunState};
use crate::storyboard::{Boundary, Evidence};

/// A text of at most this many passages is answered at once.
pub const AT_ONCE_PASSAGES: usize = 8;
/// Largest text that can be sent by itself, bytes of UTF-8; longer ones are uploaded as books.
pub const TEXT_MAX_BYTES: usize = 4 << 20;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AnalysisKind {
    /// Vectors of passages and sentences.
    Semantic,
    /// Scenes, and who is named in them.
    ExtractScenes,
    /// The sentences that stand for each scene.
    Summarize,
}

impl AnalysisKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Semantic, Self::ExtractScenes, Self::Summarize];

    /// As addresses spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::ExtractScenes => "extract-scenes",
            Self::Summarize => "summarize",
        }
    }
}

/// Names an analysis that takes its time: what was asked, and the run that it waits for. There is no row behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct AnalysisId {
    /// What was asked.
    pub kind: AnalysisKind,
    /// The project.
    pub project: ProjectId,
    /// The run.
    pub run: RunId,
}

impl fmt::Display for AnalysisId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.kind.name(), self.project, self.run)
    }
}

impl FromStr for AnalysisId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = ParseIdError { expected: "the id of an analysis" };
        let mut parts = text.split('.');
        let (Some(kind), Some(project), Some(run), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error);
        };
        let kind = AnalysisKind::ALL.into_iter().find(|known| known.name() == kind).ok_or(error)?;
        Ok(Self { kind, project: project.parse()?, run: run.parse()? })
    }
}

/// A text, or a project's revision: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AnalysisRequest {
    /// The text, at most 4 MiB of UTF-8.
    pub text: Option<String>,
    /// What the text is written in; found in the text where it is left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Language>"))]
    pub language: Option<String>,
    /// A project, in place of a text.
    pub project: Option<ProjectId>,
    /// Number of the project's revision; the newest unless one is named.
    pub revision: Option<u32>,
}

/// How an analysis stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Analysis {
    /// The `id` of its status; nothing where it was answered at once and nothing is kept of it.
    pub id: Option<String>,
    /// What was asked.
    pub kind: AnalysisKind,
    /// Where it stands.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
    /// The project whose run it waits for, or stands on.
    pub project: Option<ProjectId>,
    /// That run.
    pub run: Option<RunId>,
    /// What was found, once it is ready.
    pub result: Option<AnalysisResult>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum AnalysisResult {
    /// Vectors.
    Semantic(Semantics),
    /// Scenes.
    ExtractScenes(FoundScenes),
    /// Sentences that stand for the whole.
    Summarize(FoundSummary),
}

/// Vectors of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Semantics {
    /// Language of the text.
    pub language: Language,
    /// Digest of the model's weights: vectors of two models can't be compared.
    pub model: Digest,
    /// How floats were computed: `f32`, `bf16`, or `double` for the stand-in that understands nothing.
    pub profile: String,
    /// Values to a vector.
    pub dim: u32,
    /// In order of the text.
    pub passages: Vec<SemanticPassage>,
    /// In order of the text. Of texts that are answered at once only; empty for a project.
    pub sentences: Vec<SemanticSentence>,
}

/// A stretch of whole sentences, at most 512 tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SemanticPassage {
    /// Position in the text, from 0.
    pub index: u32,
    /// Where it stands.
    pub range: TextRange,
    /// Unit vector: little-endian 32-bit floats in Base64.
    pub vector: String,
    /// The passages that are nearest to it in meaning, nearest first: at most three.
    pub nearest: Vec<Neighbour>,
}

/// A sentence, with what it means in its passage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SemanticSentence {
    /// The sentence, and where it stands.
    pub evidence: Evidence,
    /// Unit vector: little-endian 32-bit floats in Base64.
    pub vector: String,
}

/// Another passage, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Neighbour {
    /// Its index.
    pub passage: u32,
    /// Cosine of the two vectors, in steps of 1/4096.
    pub cosine: f32,
}

/// A stretch of a chapter, and where it stood in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextRange {
    /// Index of the chapter.
    pub chapter: u32,
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// File of the source that it begins in.
    pub source_href: String,
    /// First byte in that file.
    pub source_start: u64,
    /// One past the last byte, where the stretch ends in the same file.
    pub source_end: Option<u64>,
}

/// Scenes of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundScenes {
    /// Language of the text.
    pub language: Language,
    /// In order; together they are the text.
    pub scenes: Vec<FoundScene>,
}

/// A scene. What no rule finds (place, time of day) is not claimed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundScene {
    /// Position in the text, from 0.
    pub index: u32,
    /// Where it stands.
    pub range: TextRange,
    /// Why it starts there.
    pub boundary: Boundary,
    /// Who and what is named in it, commonest in the whole text first.
    pub names: Vec<String>,
    /// One or two of its sentences.
    pub summary: Vec<Evidence>,
    /// Panels that its storyboard has.
    pub panels: u32,
}

/// An extractive summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundSummary {
    /// Language of the text.
    pub language: Language,
    /// In order of the text: whole sentences of it, none written anew.
    pub sentences: Vec<SummarySentence>,
}

/// A sentence that stands for its scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SummarySentence {
    /// Index of the scene.
    pub scene: u32,
    /// The sentence, and where it stands.
    pub evidence: Evidence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_is_found_again_by_its_id_and_by_no_other_text() {
        for kind in AnalysisKind::ALL {
            let id = AnalysisId { kind, project: ProjectId(7), run: RunId(8) };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let id = AnalysisId { kind: AnalysisKind::Summarize, project: ProjectId(7), run: RunId(8) }.to_string();
        for wrong in ["", "summarize", &format!("{id}."), &id.replace("summarize", "sum"), &id[..id.len() - 1]] {
            assert!(wrong.parse::<AnalysisId>().is_err(), "{wrong}");
        }
    }
}
