//! The visitor's language: texts from the one table, and numbers, sizes and times as that language writes them.

use domain::language::Language;
use domain::sharing::ProjectRole;
use domain::text::Text;
use js_sys::{Array, Date, Object, Reflect};
use yew::prelude::*;

use crate::browser;

const REMEMBERED: &str = "visiobook.language";

/// Speaks one language. Cheap to copy, so that every function that words something takes one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tr(pub Language);

impl Tr {
    /// What somebody may do with a project.
    pub fn project_role(self, role: ProjectRole) -> &'static str {
        self.t(match role {
            ProjectRole::Viewer => Text::ProjectRoleViewer,
            ProjectRole::Editor => Text::ProjectRoleEditor,
            ProjectRole::Owner => Text::ProjectRoleOwner,
        })
    }

    pub fn t(self, key: Text) -> &'static str {
        self.0.text(key)
    }

    /// The text with each `{name}` replaced by its value.
    pub fn fill(self, key: Text, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.t(key);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
            rest = tail;
        }
        out + rest
    }

    /// `one` or `many` as the language's grammar asks for `n` things; `{n}` in the text becomes the number.
    pub fn count(self, n: u64, one: Text, many: Text) -> String {
        let singular = match self.0 {
            Language::En => n == 1,
            Language::Fr => n < 2,
        };
        self.fill(if singular { one } else { many }, &[("n", &self.number(n))])
    }

    /// With thousands grouped.
    pub fn number(self, n: u64) -> String {
        let separator = match self.0 {
            Language::En => ',',
            Language::Fr => '\u{202f}',
        };
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    /// One decimal, with the language's decimal mark.
    fn tenths(self, tenths: u64) -> String {
        let mark = match self.0 {
            Language::En => '.',
            Language::Fr => ',',
        };
        format!("{}{mark}{}", self.number(tenths / 10), tenths % 10)
    }

    /// A file's size.
    pub fn bytes(self, bytes: u64) -> String {
        let (kilo, mega) = (Text::UnitKilobytes, Text::UnitMegabytes);
        match bytes {
            0..1_000 => self.fill(Text::UnitBytes, &[("n", &bytes.to_string())]),
            1_000..1_000_000 => self.fill(kilo, &[("n", &self.number(bytes.div_ceil(1_000)))]),
            _ => self.fill(mega, &[("n", &self.tenths(bytes.div_ceil(100_000)))]),
        }
    }

    /// How long a panel stands.
    pub fn seconds(self, duration_ms: u32) -> String {
        self.fill(Text::UnitSeconds, &[("n", &self.tenths(u64::from(duration_ms).div_ceil(100)))])
    }

    /// A length of time to the minute, for a whole board.
    pub fn minutes(self, duration_ms: u64) -> String {
        let minutes = duration_ms.div_ceil(60_000);
        match minutes {
            0..60 => self.fill(Text::UnitMinutes, &[("n", &minutes.to_string())]),
            _ => self.hours(minutes),
        }
    }

    /// How long a run will still take. Rounded more the longer it is, so that it does not flicker.
    pub fn time_left(self, seconds: u64) -> String {
        let spell = match seconds {
            0..5 => return self.t(Text::TimeLeftMoment).to_owned(),
            5..60 => self.fill(Text::UnitWholeSeconds, &[("n", &(seconds.div_ceil(5) * 5).to_string())]),
            60..3_540 => self.fill(Text::UnitMinutes, &[("n", &seconds.div_ceil(60).to_string())]),
            _ => self.hours(seconds.div_ceil(300) * 5),
        };
        self.fill(Text::TimeLeft, &[("time", &spell)])
    }

    /// How long something took, seconds.
    pub fn spell(self, seconds: u64) -> String {
        match seconds {
            0..60 => self.fill(Text::UnitWholeSeconds, &[("n", &seconds.to_string())]),
            _ => self.minutes(seconds.saturating_mul(1_000)),
        }
    }

    fn hours(self, minutes: u64) -> String {
        let (hours, minutes) = ((minutes / 60).to_string(), (minutes % 60).to_string());
        self.fill(Text::UnitHours, &[("h", &hours), ("m", &minutes)])
    }

    /// A moment in the visitor's own time zone.
    pub fn moment(self, since_1970_ms: u64) -> String {
        let date = Date::new(&(since_1970_ms as f64).into());
        let options = Object::new();
        for (key, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
            // Setting a property of a fresh plain object can't fail; without it the date only reads longer.
            let _ = Reflect::set(&options, &key.into(), &value.into());
        }
        date.to_locale_string(self.0.tag(), &options).into()
    }
}

/// The language in use, and how to change it.
#[derive(Clone, PartialEq)]
pub struct I18n {
    pub tr: Tr,
    pub choose: Callback<Language>,
}

/// The language in use.
#[hook]
pub fn use_tr() -> Tr {
    use_i18n().tr
}

/// The language in use, and how to change it.
#[hook]
pub fn use_i18n() -> I18n {
    use_context::<I18n>().expect("the shell provides the language to every component")
}

/// Keeps the language: remembered, else the browser's first that we speak, else English.
#[hook]
pub fn use_language_state() -> I18n {
    let language = use_state(detect);
    use_effect_with(*language, |language| browser::set_document_language(language.tag()));
    let choose = {
        let language = language.clone();
        Callback::from(move |choice: Language| {
            browser::remember(REMEMBERED, choice.tag());
            language.set(choice);
        })
    };
    I18n { tr: Tr(*language), choose }
}

fn detect() -> Language {
    let remembered = browser::recall(REMEMBERED).and_then(|tag| Language::from_tag(&tag));
    remembered.or_else(|| first_spoken(browser::languages())).unwrap_or(Language::En)
}

fn first_spoken(wanted: Array) -> Option<Language> {
    wanted.iter().filter_map(|tag| tag.as_string()).find_map(|tag| Language::from_tag(&tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Tr = Tr(Language::En);
    const FR: Tr = Tr(Language::Fr);

    /// The no-break spaces before units, as plain ones.
    fn spaced(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn numbers_are_grouped_as_each_language_does() {
        assert_eq!(EN.number(0), "0");
        assert_eq!(EN.number(999), "999");
        assert_eq!(EN.number(1_234_567), "1,234,567");
        assert_eq!(FR.number(12_345), "12\u{202f}345");
    }

    #[test]
    fn zero_is_plural_in_english_and_singular_in_french() {
        assert_eq!(EN.count(0, Text::PanelOne, Text::PanelMany), "0 panels");
        assert_eq!(EN.count(1, Text::PanelOne, Text::PanelMany), "1 panel");
        assert_eq!(FR.count(0, Text::PanelOne, Text::PanelMany), "0 case");
        assert_eq!(FR.count(2, Text::PanelOne, Text::PanelMany), "2 cases");
    }

    #[test]
    fn time_left_is_rounded_more_the_longer_it_is() {
        assert_eq!(spaced(EN.time_left(0)), "a moment left");
        assert_eq!(spaced(EN.time_left(41)), "about 45 s left");
        assert_eq!(spaced(EN.time_left(61)), "about 2 min left");
        assert_eq!(spaced(EN.time_left(3_539)), "about 59 min left");
        assert_eq!(spaced(EN.time_left(3_601)), "about 1 h 5 min left");
        assert_eq!(spaced(FR.time_left(7_200)), "encore 2 h 0 min environ");
    }

    #[test]
    fn sizes_carry_the_units_of_the_language() {
        assert_eq!(spaced(EN.bytes(812)), "812 bytes");
        assert_eq!(spaced(EN.bytes(12_001)), "13 kB");
        assert_eq!(spaced(FR.bytes(3_250_000)), "3,3 Mo");
    }

    #[test]
    fn durations_keep_a_tenth_of_a_second() {
        assert_eq!(spaced(EN.seconds(6_450)), "6.5 s");
        assert_eq!(spaced(FR.seconds(2_000)), "2,0 s");
        assert_eq!(spaced(EN.minutes(61 * 60_000)), "1 h 1 min");
    }

    #[test]
    fn every_text_has_the_same_blanks_in_both_languages() {
        let blanks = |text: &str| {
            let mut names: Vec<String> =
                text.split('{').skip(1).filter_map(|t| t.split_once('}')).map(|(name, _)| name.to_owned()).collect();
            names.sort();
            names.dedup();
            names
        };
        for key in Text::ALL {
            assert_eq!(blanks(EN.t(*key)), blanks(FR.t(*key)), "{key:?}");
            assert!(!EN.t(*key).is_empty() && !FR.t(*key).is_empty(), "{key:?}");
        }
    }
}
