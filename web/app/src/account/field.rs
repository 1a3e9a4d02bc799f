//! The fields of forms, what is wrong with what was written in them, and what was filled in.

use domain::account::{Email, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PERSON_NAME_MAX_CHARS, Secret};
use domain::language::Language;
use domain::text::Text;

/// One of several things to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: &'static str,
    pub label: Text,
    /// What it means, where a word does not say it.
    pub about: Option<Text>,
}

/// What goes into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Email,
    Code,
    /// A code of an authenticator app, or one to recover with.
    OneTime,
    /// A code of an authenticator app.
    AppCode,
    Password,
    NewPassword,
    /// A new one, or none.
    OptionalPassword,
    /// What something is called: a line.
    Line,
    /// Words that have to be repeated: the form says which.
    Repeat,
    Language,
    /// One of these.
    Choice(&'static [Choice]),
    /// One or several of these.
    Checks(&'static [Choice]),
}

impl Kind {
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::NewPassword | Self::OptionalPassword)
    }

    /// What is wrong with what was written. Whether a password is easily guessed is for the node to judge.
    pub fn fault(self, value: &str) -> Option<Text> {
        let chars = value.chars().count();
        match self {
            Self::Language | Self::Choice(_) => None,
            Self::OptionalPassword if value.is_empty() => None,
            Self::Checks(_) if value.is_empty() => Some(Text::FaultNoChoice),
            _ if value.trim().is_empty() => Some(Text::FaultEmpty),
            Self::Email => Email::parse(value).is_none().then_some(Text::FaultEmail),
            Self::Name | Self::Line => {
                (value.trim().chars().count() > PERSON_NAME_MAX_CHARS).then_some(Text::FaultName)
            }
            Self::NewPassword | Self::OptionalPassword if chars < PASSWORD_MIN_CHARS => Some(Text::FaultPasswordShort),
            Self::NewPassword | Self::OptionalPassword if chars > PASSWORD_MAX_CHARS => Some(Text::FaultPasswordLong),
            _ => None,
        }
    }
}

/// A field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: Text,
    pub kind: Kind,
    /// What browsers may fill in (HTML, "autofill").
    pub fill: &'static str,
    pub hint: Option<Text>,
}

/// A field of that name and kind.
pub const fn field(name: &'static str, label: Text, kind: Kind, fill: &'static str, hint: Option<Text>) -> Field {
    Field { name, label, kind, fill, hint }
}

/// For the second factor.
pub const ONE_TIME: Field =
    field("one-time", Text::FieldOneTime, Kind::OneTime, "one-time-code", Some(Text::HintOneTime));

/// Codes of refusals, each with the field that it is about.
pub type Blame = &'static [(&'static str, &'static str)];

/// What is wrong, field by field.
pub type Faults = Vec<(&'static str, Text)>;

/// What was filled in.
#[derive(Clone, PartialEq)]
pub struct Filled {
    values: Vec<(&'static str, String)>,
    /// Of the page.
    pub language: Language,
    /// What the mailed link carried.
    pub token: Secret,
}

impl Filled {
    pub fn new(values: Vec<(&'static str, String)>, language: Language, token: Option<Secret>) -> Self {
        Self { values, language, token: token.unwrap_or_default() }
    }

    pub fn text(&self, name: &str) -> String {
        self.values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub fn secret(&self, name: &str) -> Secret {
        Secret(self.text(name))
    }

    /// A secret that may be left out.
    pub fn secret_if_any(&self, name: &str) -> Option<Secret> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(Secret)
    }

    /// The code of the second factor, as it is typed off an app or a sheet: in groups.
    pub fn one_time(&self) -> Option<Secret> {
        let code: String = self.text(ONE_TIME.name).split_whitespace().collect();
        Some(code).filter(|code| !code.is_empty()).map(Secret)
    }

    /// The same where there is no form without one.
    pub fn code(&self) -> domain::second_factor::Code {
        domain::second_factor::Code { code: self.one_time().unwrap_or_default() }
    }

    /// What was chosen among several.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.text(name).split_whitespace().map(str::to_owned).collect()
    }

    /// What is wrong with it.
    pub fn faults(&self, fields: &[Field]) -> Faults {
        let fault = |field: &Field| Some((field.name, field.kind.fault(&self.text(field.name))?));
        fields.iter().filter_map(fault).collect()
    }
}

/// The field that a refusal is about, if it is about one of these.
pub fn blamed(fields: &[Field], blame: Blame, code: &str) -> Option<&'static str> {
    let named = |field: &&Field| blame.iter().any(|(of, name)| *of == code && *name == field.name);
    fields.iter().find(named).map(|field| field.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_may_be_left_out_is_one_if_it_is_there() {
        assert_eq!(Kind::OptionalPassword.fault(""), None);
        assert_eq!(Kind::OptionalPassword.fault("short"), Some(Text::FaultPasswordShort));
        assert_eq!(Kind::OptionalPassword.fault("a lamp upon the ferry"), None);
    }

    #[test]
    fn a_code_is_sent_without_the_gaps_that_it_is_shown_with() {
        let filled = |code: &str| Filled::new(vec![("one-time", code.to_owned())], Language::En, None);
        assert_eq!(filled(" 123 456 ").one_time(), Some(Secret("123456".into())));
        assert_eq!(filled("  ").one_time(), None);
    }

    #[test]
    fn what_was_chosen_among_several_is_a_list_of_one_at_least() {
        let kind = Kind::Checks(&[]);
        assert_eq!((kind.fault(""), kind.fault("read")), (Some(Text::FaultNoChoice), None));
        let filled = Filled::new(vec![("scopes", "read write".to_owned())], Language::En, None);
        assert_eq!(filled.list("scopes"), ["read", "write"]);
    }

    #[test]
    fn a_refusal_is_about_a_field_that_the_form_has() {
        let blame: Blame = &[("code-wrong", "one-time"), ("password-wrong", "password")];
        assert_eq!(blamed(&[ONE_TIME], blame, "code-wrong"), Some("one-time"));
        assert_eq!(blamed(&[ONE_TIME], blame, "password-wrong"), None);
    }
}
