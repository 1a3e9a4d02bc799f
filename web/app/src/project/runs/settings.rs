//! The settings of a run as a form has them: texts that are to become numbers within their ranges. Pure.

use std::ops::RangeInclusive;

use domain::run::RunSettings;
use domain::text::Text;

/// How many settings there are.
pub const COUNT: usize = 7;

/// What each setting is called, in the order of [`RunSettings::each`].
pub const LABELS: [Text; COUNT] = [
    Text::SettingPassage,
    Text::SettingPanelWords,
    Text::SettingPanelsMax,
    Text::SettingSceneMin,
    Text::SettingSceneMax,
    Text::SettingReading,
    Text::SettingNames,
];

/// Why a form can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// What is written for the setting at this place is no number of its range.
    Number(usize),
    /// Scenes could not be cut.
    Scenes,
}

/// What each setting can be.
pub fn ranges() -> [RangeInclusive<u32>; COUNT] {
    RunSettings::default().each().map(|(_, _, range, _)| range)
}

/// The settings as texts.
pub fn written(settings: &RunSettings) -> [String; COUNT] {
    settings.each().map(|(_, value, ..)| value.to_string())
}

/// The settings that are written, if they can be.
pub fn read(texts: &[String; COUNT]) -> Result<RunSettings, Unfit> {
    let mut values = [0_u32; COUNT];
    for (at, range) in ranges().into_iter().enumerate() {
        let value = texts[at].trim().parse().ok().filter(|value| range.contains(value));
        values[at] = value.ok_or(Unfit::Number(at))?;
    }
    let [passage_tokens, panel_words, panels_per_scene_max, scene_min_words, scene_max_words, reading, names] = values;
    let settings = RunSettings {
        passage_tokens,
        panel_words,
        panels_per_scene_max,
        scene_min_words,
        scene_max_words,
        reading_words_per_minute: reading,
        name_min_count: names,
    };
    settings.check().map(|()| settings).map_err(|_| Unfit::Scenes)
}

/// The settings that are not the usual ones: their place and value.
pub fn unusual(settings: &RunSettings) -> Vec<(usize, u32)> {
    let usual = RunSettings::default().each();
    let pairs = settings.each().into_iter().zip(usual).enumerate();
    pairs.filter(|(_, (set, usual))| set.1 != usual.1).map(|(at, (set, _))| (at, set.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let settings = RunSettings { panel_words: 90, reading_words_per_minute: 260, ..RunSettings::default() };
        assert_eq!(read(&written(&settings)), Ok(settings));
        assert_eq!(unusual(&settings), [(1, 90), (5, 260)]);
        assert_eq!(unusual(&RunSettings::default()), []);
    }

    #[test]
    fn the_setting_that_is_no_number_of_its_range_is_named() {
        let with = |at: usize, text: &str| {
            let mut texts = written(&RunSettings::default());
            texts[at] = text.to_owned();
            read(&texts)
        };
        assert_eq!(with(0, "513"), Err(Unfit::Number(0)));
        assert_eq!(with(6, ""), Err(Unfit::Number(6)));
        assert_eq!(with(1, "1.5"), Err(Unfit::Number(1)));
        assert_eq!(with(4, "400"), Err(Unfit::Scenes));
        assert!(with(2, " 30 ").is_ok());
    }
}
