//! The life of one analysis, as data.

use std::ops::RangeInclusive;

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

/// What a run may be asked to do otherwise than usual. What is left out keeps its default.
///
/// `passage_tokens` changes the items, and so what has to be encoded; the others change what is composed of the same
/// results. Equal revision, settings and model give equal files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RunSettings {
    /// Most tokens of a passage, 64 to 512.
    pub passage_tokens: u32,
    /// Words of the book that one panel stands for, about; 40 to 2,000.
    pub panel_words: u32,
    /// Most panels that one scene gets, 1 to 100.
    pub panels_per_scene_max: u32,
    /// No scene that a turn of the talk opens or ends is shorter, in words; 50 to 5,000.
    pub scene_min_words: u32,
    /// A longer scene is cut at its deepest valley, in words; at least twice `scene_min_words`, at most 20,000.
    pub scene_max_words: u32,
    /// Reading speed by which panels are timed, in words a minute; 60 to 600.
    pub reading_words_per_minute: u32,
    /// How often a name must stand in the book, 1 to 100.
    pub name_min_count: u32,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            passage_tokens: 512,
            panel_words: 180,
            panels_per_scene_max: 24,
            scene_min_words: 300,
            scene_max_words: 1_800,
            reading_words_per_minute: 200,
            name_min_count: 2,
        }
    }
}

impl RunSettings {
    /// Each setting: its name, what it is set to, and what it can be, for programs and for people.
    pub fn each(&self) -> [(&'static str, u32, RangeInclusive<u32>, &'static str); 7] {
        [
            ("passage_tokens", self.passage_tokens, 64..=512, "64 to 512"),
            ("panel_words", self.panel_words, 40..=2_000, "40 to 2000"),
            ("panels_per_scene_max", self.panels_per_scene_max, 1..=100, "1 to 100"),
            ("scene_min_words", self.scene_min_words, 50..=5_000, "50 to 5000"),
            ("scene_max_words", self.scene_max_words, 100..=20_000, "100 to 20000"),
            ("reading_words_per_minute", self.reading_words_per_minute, 60..=600, "60 to 600"),
            ("name_min_count", self.name_min_count, 1..=100, "1 to 100"),
        ]
    }

    /// The first setting that is out of its range, and the range.
    ///
    /// # Errors
    /// Its name and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match self.each().into_iter().find(|(_, value, range, _)| !range.contains(value)) {
            Some((name, _, _, wanted)) => Err((name, wanted)),
            None if self.scene_max_words < 2 * self.scene_min_words => {
                Err(("scene_max_words", "at least twice scene_min_words"))
            }
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_within_their_ranges_and_odd_ones_are_named() {
        assert_eq!(RunSettings::default().check(), Ok(()));
        let tight = RunSettings { scene_max_words: 400, ..RunSettings::default() };
        assert_eq!(tight.check().map_err(|(name, _)| name), Err("scene_max_words"));
        let small = RunSettings { passage_tokens: 8, ..RunSettings::default() };
        assert_eq!(small.check().map_err(|(name, _)| name), Err("passage_tokens"));
    }
}
