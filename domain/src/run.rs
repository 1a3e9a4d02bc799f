//! The life of one analysis, as data.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{ProjectId, RunId};

/// A stage of a run. New ones are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The book's file is turned into chapters, sentences and passages.
    Reading,
    /// Passages are encoded on the devices.
    Understanding,
    /// Scenes, summaries, names and panels are made.
    Composing,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum RunState {
    /// Its row is durable; nothing has been done.
    Received,
    /// A stage is under way.
    Working {
        /// Which one.
        stage: Stage,
    },
    /// Its artefacts can be fetched.
    Ready,
    /// It can't go on.
    Failed {
        /// In which stage.
        stage: Stage,
        /// Stable code, such as `book-not-a-book`.
        code: String,
        /// One sentence for people: what is wrong and what to do.
        reason: String,
    },
    /// Somebody stopped it.
    Cancelled,
}

impl RunState {
    /// Nothing changes any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Ready | Self::Failed { .. } | Self::Cancelled)
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// Passages whose results are durable.
    pub passages_done: u32,
    /// Passages of the book; 0 until it is read.
    pub passages_total: u32,
    /// Tokens whose results are durable.
    pub tokens_done: u64,
    /// Tokens of the book; 0 until it is read.
    pub tokens_total: u64,
    /// Speed of encoding over the last seconds; 0 while unknown.
    pub tokens_per_s: u32,
}

/// Something that happened to a run, in the order of its project.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunEvent {
    /// Position in the project's log, from 1 with no gaps: the SSE event id.
    pub seq: u64,
    /// The project.
    pub project: ProjectId,
    /// The run.
    pub run: RunId,
    /// Where the run stands since.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
}
