//! What can be tuned about a storyboard.

use crate::StoryError;

/// How long scenes and panels are, and how fast people read. The same settings, book and vectors give the
/// same storyboard, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// No valley of cohesion starts or ends a scene shorter than this. Marked breaks always stand.
    pub scene_min_words: u32,
    /// As [`Settings::scene_min_words`], in sentences.
    pub scene_min_sentences: u32,
    /// A longer stretch is cut at its deepest valley, however shallow, unless it is one running exchange
    /// of dialogue.
    pub scene_max_words: u32,
    /// Words on either side of a gap that are compared to measure cohesion.
    pub cohesion_block_words: u32,
    /// Words of the book that one panel stands for, about.
    pub panel_words: u32,
    /// Most panels that one scene gets.
    pub panels_per_scene_max: u32,
    /// Words of evidence at which a panel takes no further sentence.
    pub panel_evidence_words: u32,
    /// Reading speed by which panels are timed.
    pub reading_words_per_minute: u32,
    /// The least time that a panel stands.
    pub panel_min_ms: u32,
    /// The most time that a panel stands.
    pub panel_max_ms: u32,
    /// How often a name must stand in the book.
    pub name_min_count: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scene_min_words: 300,
            scene_min_sentences: 5,
            scene_max_words: 1_800,
            cohesion_block_words: 140,
            panel_words: 180,
            panels_per_scene_max: 24,
            panel_evidence_words: 60,
            reading_words_per_minute: 200,
            panel_min_ms: 2_500,
            panel_max_ms: 30_000,
            name_min_count: 2,
        }
    }
}

impl Settings {
    /// Refuses settings under which no storyboard could be made.
    pub(crate) fn validate(&self) -> Result<(), StoryError> {
        let bad = |name, rule| Err(StoryError::BadSetting { name, rule });
        match self {
            s if s.scene_max_words < s.scene_min_words.saturating_mul(2) => {
                bad("scene_max_words", "at least twice scene_min_words")
            }
            s if s.cohesion_block_words == 0 => bad("cohesion_block_words", "at least 1"),
            s if s.panel_words == 0 => bad("panel_words", "at least 1"),
            s if s.panels_per_scene_max == 0 => bad("panels_per_scene_max", "at least 1"),
            s if s.reading_words_per_minute == 0 => bad("reading_words_per_minute", "at least 1"),
            s if s.panel_max_ms < s.panel_min_ms => bad("panel_max_ms", "at least panel_min_ms"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Settings::default().validate(), Ok(()));
    }

    #[test]
    fn settings_that_contradict_themselves_are_refused_by_name() {
        let settings = Settings { scene_max_words: 10, ..Settings::default() };
        let error = settings.validate().unwrap_err();
        assert_eq!(error.code(), "story-bad-setting");
        assert!(error.to_string().contains("scene_max_words"));
    }
}
