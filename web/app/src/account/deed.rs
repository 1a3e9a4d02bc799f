//! What can be done with an account by filling in a form: its fields, what is wrong with what was written in them, and
//! the request that it makes.

use domain::account::{
    AccountPatch, Claim, Email, LinkUse, MailAddress, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PERSON_NAME_MAX_CHARS,
    PasswordAgain, PasswordChange, PasswordReset, Secret, SignIn, SignUp,
};
use domain::language::Language;
use domain::text::Text;

use crate::api::{self, ApiError};

/// What a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Claim,
    SignIn,
    SignUp,
    Confirm,
    Forgot,
    Reset,
    /// Says the password again.
    Again,
    /// Name and language.
    Profile,
    Address,
    Password,
}

/// What goes into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Email,
    Code,
    Password,
    NewPassword,
    Language,
}

impl Kind {
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::NewPassword)
    }

    /// What is wrong with what was written. Whether a password is easily guessed is for the node to judge.
    pub fn fault(self, value: &str) -> Option<Text> {
        let chars = value.chars().count();
        match self {
            Self::Language => None,
            _ if value.trim().is_empty() => Some(Text::FaultEmpty),
            Self::Email => Email::parse(value).is_none().then_some(Text::FaultEmail),
            Self::Name => (value.trim().chars().count() > PERSON_NAME_MAX_CHARS).then_some(Text::FaultName),
            Self::NewPassword if chars < PASSWORD_MIN_CHARS => Some(Text::FaultPasswordShort),
            Self::NewPassword if chars > PASSWORD_MAX_CHARS => Some(Text::FaultPasswordLong),
            Self::NewPassword | Self::Password | Self::Code => None,
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

const fn field(name: &'static str, label: Text, kind: Kind, fill: &'static str, hint: Option<Text>) -> Field {
    Field { name, label, kind, fill, hint }
}

const EMAIL: Field = field("email", Text::FieldEmail, Kind::Email, "username", None);
const NEW_EMAIL: Field = field("email", Text::FieldNewEmail, Kind::Email, "email", None);
const NAME: Field = field("name", Text::FieldName, Kind::Name, "name", None);
const CODE: Field = field("code", Text::FieldCode, Kind::Code, "one-time-code", Some(Text::HintClaimCode));
const PASSWORD: Field = field("password", Text::FieldPassword, Kind::Password, "current-password", None);
const CURRENT: Field = field("current", Text::FieldCurrentPassword, Kind::Password, "current-password", None);
const FIRST_PASSWORD: Field =
    field("password", Text::FieldPassword, Kind::NewPassword, "new-password", Some(Text::HintNewPassword));
const NEW_PASSWORD: Field = Field { label: Text::FieldNewPassword, ..FIRST_PASSWORD };
const LANGUAGE: Field = field("language", Text::FieldLanguage, Kind::Language, "off", Some(Text::HintMailLanguage));

impl Deed {
    /// Begins the ids of its form's elements.
    pub fn id(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::Confirm => "confirm",
            Self::Forgot => "forgot",
            Self::Reset => "reset",
            Self::Again => "again",
            Self::Profile => "profile",
            Self::Address => "address",
            Self::Password => "password",
        }
    }

    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Claim => &[CODE, EMAIL, NAME, FIRST_PASSWORD],
            Self::SignIn => &[EMAIL, PASSWORD],
            Self::SignUp => &[EMAIL, NAME, FIRST_PASSWORD],
            Self::Confirm | Self::Again => &[PASSWORD],
            Self::Forgot => &[EMAIL],
            Self::Reset => &[NEW_PASSWORD],
            Self::Profile => &[NAME, LANGUAGE],
            Self::Address => &[NEW_EMAIL],
            Self::Password => &[CURRENT, NEW_PASSWORD],
        }
    }

    /// What the button says.
    pub fn label(self) -> Text {
        match self {
            Self::Claim => Text::ClaimTitle,
            Self::SignIn => Text::SignInTitle,
            Self::SignUp => Text::SignUpTitle,
            Self::Confirm => Text::ConfirmTitle,
            Self::Forgot | Self::Address => Text::AddressDo,
            Self::Reset => Text::ResetTitle,
            Self::Again => Text::AgainDo,
            Self::Profile => Text::Save,
            Self::Password => Text::PasswordDo,
        }
    }

    /// It is reached by a mailed link, which it needs.
    pub fn needs_link(self) -> bool {
        matches!(self, Self::Confirm | Self::Reset)
    }

    /// The field that a refusal is about, if it is about one.
    pub fn field_of(self, code: &str) -> Option<&'static str> {
        let name = match code {
            "bad-email" => "email",
            "bad-name" => "name",
            "claim-code-wrong" => "code",
            "password-wrong" if self == Self::Password => "current",
            "password-weak" | "password-wrong" | "sign-in-refused" => "password",
            _ => return None,
        };
        self.fields().iter().map(|field| field.name).find(|field| *field == name)
    }
}

/// What was filled in.
#[derive(Clone, PartialEq)]
pub struct Filled {
    values: Vec<(&'static str, String)>,
    /// Of the page.
    language: Language,
    /// What the mailed link carried.
    token: Secret,
}

impl Filled {
    pub fn new(values: Vec<(&'static str, String)>, language: Language, token: Option<Secret>) -> Self {
        Self { values, language, token: token.unwrap_or_default() }
    }

    pub fn text(&self, name: &str) -> String {
        self.values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn secret(&self, name: &str) -> Secret {
        Secret(self.text(name))
    }

    /// What is wrong with it, field by field.
    pub fn faults(&self, deed: Deed) -> Vec<(&'static str, Text)> {
        let fault = |field: &Field| Some((field.name, field.kind.fault(&self.text(field.name))?));
        deed.fields().iter().filter_map(fault).collect()
    }

    /// Asks the node to do it.
    pub async fn send(&self, deed: Deed) -> Result<(), ApiError> {
        let (email, name, password) = (self.text("email"), self.text("name"), self.secret("password"));
        let (language, token) = (Some(self.language), self.token.clone());
        match deed {
            Deed::Claim => {
                let claim = Claim { code: self.secret("code"), email, password, name, language };
                api::claim(&claim).await.map(drop)
            }
            Deed::SignIn => api::sign_in(&SignIn { email, password, code: None }).await.map(drop),
            Deed::SignUp => api::sign_up(&SignUp { email, password, name, language }).await,
            Deed::Confirm => api::confirm(&LinkUse { token, password, code: None }).await.map(drop),
            Deed::Forgot => api::forgot(&MailAddress { email }).await,
            Deed::Reset => api::reset(&PasswordReset { token, password }).await,
            Deed::Again => api::say_password(&PasswordAgain { password, code: None }).await,
            Deed::Profile => {
                let language = Language::from_tag(&self.text("language"));
                api::change_account(&AccountPatch { name: Some(name), language }).await.map(drop)
            }
            Deed::Address => api::change_address(&MailAddress { email }).await,
            Deed::Password => {
                let change = PasswordChange { current: self.secret("current"), password, code: None };
                api::change_password(&change).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Deed; 10] = [
        Deed::Claim,
        Deed::SignIn,
        Deed::SignUp,
        Deed::Confirm,
        Deed::Forgot,
        Deed::Reset,
        Deed::Again,
        Deed::Profile,
        Deed::Address,
        Deed::Password,
    ];

    #[test]
    fn every_form_has_its_own_id_and_each_of_its_fields_once() {
        let mut ids: Vec<&str> = ALL.iter().map(|deed| deed.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for deed in ALL {
            let mut names: Vec<&str> = deed.fields().iter().map(|field| field.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert!(count > 0 && names.len() == count, "{deed:?}");
        }
    }

    #[test]
    fn browsers_are_told_which_passwords_are_new() {
        for deed in ALL {
            for field in deed.fields().iter().filter(|field| field.kind.is_secret()) {
                let fill = if field.kind == Kind::NewPassword { "new-password" } else { "current-password" };
                assert_eq!(field.fill, fill, "{deed:?}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_each_field() {
        let values = vec![("code", " ".to_owned()), ("email", "anna".into()), ("name", "A".into())];
        let filled = Filled::new(values, Language::En, None);
        let wrong = [("code", Text::FaultEmpty), ("email", Text::FaultEmail), ("password", Text::FaultEmpty)];
        assert_eq!(filled.faults(Deed::Claim), wrong);
        let values = vec![("email", "anna@example.org".to_owned()), ("password", "x".into())];
        assert!(Filled::new(values, Language::En, None).faults(Deed::SignIn).is_empty());
    }

    #[test]
    fn a_new_password_has_ten_characters_and_an_old_one_is_taken_as_it_is() {
        assert_eq!(Kind::NewPassword.fault("éééééééé9"), Some(Text::FaultPasswordShort));
        assert_eq!(Kind::NewPassword.fault("éééééééé10"), None);
        assert_eq!(Kind::NewPassword.fault(&"a".repeat(PASSWORD_MAX_CHARS + 1)), Some(Text::FaultPasswordLong));
        assert_eq!(Kind::Password.fault("short"), None);
        assert_eq!(Kind::Name.fault(&"é".repeat(PERSON_NAME_MAX_CHARS + 1)), Some(Text::FaultName));
    }

    #[test]
    fn a_refusal_is_shown_at_the_field_that_it_is_about() {
        assert_eq!(Deed::Password.field_of("password-wrong"), Some("current"));
        assert_eq!(Deed::Password.field_of("password-weak"), Some("password"));
        assert_eq!(Deed::SignIn.field_of("sign-in-refused"), Some("password"));
        assert_eq!(Deed::Forgot.field_of("password-weak"), None, "it has no such field");
        assert_eq!(Deed::Claim.field_of("too-many-attempts"), None);
    }
}
