//! What can be done with an account by filling in a form: its fields, and the request that it makes.

use domain::account::{
    AccountPatch, Claim, LinkUse, MailAddress, PasswordAgain, PasswordChange, PasswordReset, SignIn, SignUp,
};
use domain::language::Language;
use domain::text::Text;

use super::field::{Blame, Field, Filled, Kind, ONE_TIME, field};
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

    /// The same, with one for a code of the second factor where the node wants it.
    pub fn fields_with(self, code: bool) -> Vec<Field> {
        let code = Some(ONE_TIME).filter(|_| code);
        self.fields().iter().copied().chain(code).collect()
    }

    /// Which field refusals are about.
    pub fn blame(self) -> Blame {
        match self {
            Self::Password => {
                &[("password-wrong", "current"), ("password-weak", "password"), (api::CODE_WRONG, "one-time")]
            }
            _ => &[
                ("bad-email", "email"),
                ("bad-name", "name"),
                ("claim-code-wrong", "code"),
                ("password-weak", "password"),
                ("password-wrong", "password"),
                ("sign-in-refused", "password"),
                (api::CODE_WRONG, "one-time"),
            ],
        }
    }

    /// Asks the node to do it.
    pub async fn send(self, filled: &Filled) -> Result<(), ApiError> {
        let (email, name, password) = (filled.text("email"), filled.text("name"), filled.secret("password"));
        let (language, token, code) = (Some(filled.language), filled.token.clone(), filled.one_time());
        match self {
            Self::Claim => {
                let claim = Claim { code: filled.secret("code"), email, password, name, language };
                api::claim(&claim).await.map(drop)
            }
            Self::SignIn => api::sign_in(&SignIn { email, password, code }).await.map(drop),
            Self::SignUp => api::sign_up(&SignUp { email, password, name, language }).await,
            Self::Confirm => api::confirm(&LinkUse { token, password, code }).await.map(drop),
            Self::Forgot => api::forgot(&MailAddress { email }).await,
            Self::Reset => api::reset(&PasswordReset { token, password }).await,
            Self::Again => api::say_password(&PasswordAgain { password, code }).await,
            Self::Profile => {
                let language = Language::from_tag(&filled.text("language"));
                api::change_account(&AccountPatch { name: Some(name), language }).await.map(drop)
            }
            Self::Address => api::change_address(&MailAddress { email }).await,
            Self::Password => {
                let change = PasswordChange { current: filled.secret("current"), password, code };
                api::change_password(&change).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::account::{PASSWORD_MAX_CHARS, PERSON_NAME_MAX_CHARS};

    use super::super::field::blamed;
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
        assert_eq!(filled.faults(Deed::Claim.fields()), wrong);
        let values = vec![("email", "anna@example.org".to_owned()), ("password", "x".into())];
        assert!(Filled::new(values, Language::En, None).faults(Deed::SignIn.fields()).is_empty());
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
        let at = |deed: Deed, code| blamed(&deed.fields_with(false), deed.blame(), code);
        assert_eq!(at(Deed::Password, "password-wrong"), Some("current"));
        assert_eq!(at(Deed::Password, "password-weak"), Some("password"));
        assert_eq!(at(Deed::SignIn, "sign-in-refused"), Some("password"));
        assert_eq!(at(Deed::Forgot, "password-weak"), None, "it has no such field");
        assert_eq!(at(Deed::Claim, "too-many-attempts"), None);
        assert_eq!(at(Deed::SignIn, api::CODE_WRONG), None, "no code was asked for");
        let fields = Deed::SignIn.fields_with(true);
        assert_eq!(blamed(&fields, Deed::SignIn.blame(), api::CODE_WRONG), Some("one-time"));
    }
}
