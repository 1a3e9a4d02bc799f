//! Mail: what is written, and who carries it.
//!
//! Nothing that a visitor typed stands in a letter but the address that it goes to: else signing up in other people's
//! names would be a way to send them mail of one's own.

use std::time::Duration;

use async_trait::async_trait;
use domain::account::Secret;
use domain::language::Language;
use domain::text::Text;

/// Tries of a letter that is not taken now.
const TRIES: u32 = 5;
/// Each pause is so many times the one before.
const PAUSE_FACTOR: u32 = 5;

/// A letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Where to: as [`domain::account::Email`] spells it.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Lines of plain text.
    pub text: String,
}

/// Why a letter was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailError {
    /// It will never be: no such address, or a letter that the server does not want.
    Refused(String),
    /// It may be later.
    Later(String),
}

/// Who carries letters: the node hands it in, for nothing here knows SMTP.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a letter over. It ends within the mailer's own deadline. After an error the letter may have been taken.
    ///
    /// # Errors
    /// Why it was not taken.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// What a letter is about.
pub enum Letter<'a> {
    /// Confirm the address that signed up.
    Confirm(&'a Secret),
    /// Somebody signed up with an address that has an account.
    Known,
    /// Set another password.
    Reset(&'a Secret),
    /// The password is another one now.
    PasswordChanged,
    /// Confirm that this address is to be the account's.
    NewAddress(&'a Secret),
    /// Another address is to be the account's.
    AddressAsked,
    /// Another address is the account's.
    AddressChanged,
    /// Somebody is invited to a project.
    Invitation(&'a Secret),
    /// There is another way to sign in, or one less.
    WaysChanged,
    /// A program can act as the account from now on.
    KeyMade,
    /// The second factor is asked for from now on.
    SecondFactorOn,
    /// It is not any more.
    SecondFactorOff,
    /// The account is erased in so many days, unless somebody signs in.
    Leaving(u64),
    /// Somebody signed in: it is not.
    Stays,
    /// It is gone.
    Gone,
}

impl Letter<'_> {
    /// The letter to an address, from the node at `site`, an address without a slash at its end.
    pub fn to(&self, email: &str, language: Language, site: &str) -> Mail {
        let (subject, text, path, token) = match self {
            Self::Confirm(token) => (Text::MailConfirmSubject, Text::MailConfirm, "confirm", Some(token)),
            Self::Known => (Text::MailKnownSubject, Text::MailKnown, "forgot", None),
            Self::Reset(token) => (Text::MailResetSubject, Text::MailReset, "reset", Some(token)),
            Self::PasswordChanged => (Text::MailPasswordSubject, Text::MailPassword, "forgot", None),
            Self::NewAddress(token) => (Text::MailAddressSubject, Text::MailAddress, "confirm", Some(token)),
            Self::AddressAsked => (Text::MailAddressAskedSubject, Text::MailAddressAsked, "forgot", None),
            Self::WaysChanged => (Text::MailWaysSubject, Text::MailWays, "forgot", None),
            Self::KeyMade => (Text::MailKeySubject, Text::MailKey, "forgot", None),
            Self::SecondFactorOn => (Text::MailSecondOnSubject, Text::MailSecondOn, "forgot", None),
            Self::SecondFactorOff => (Text::MailSecondOffSubject, Text::MailSecondOff, "forgot", None),
            Self::Leaving(_) => (Text::MailLeavingSubject, Text::MailLeaving, "", None),
            Self::Stays => (Text::MailStaysSubject, Text::MailStays, "forgot", None),
            Self::Gone => (Text::MailGoneSubject, Text::MailGone, "", None),
            Self::AddressChanged => (Text::MailAddressChangedSubject, Text::MailAddressChanged, "forgot", None),
            Self::Invitation(token) => (Text::MailInvitationSubject, Text::MailInvitation, "invitation", Some(token)),
        };
        // Behind `#`: what stands there browsers send to nobody.
        let link = token.map_or_else(|| format!("{site}/{path}"), |token| format!("{site}/{path}#{}", token.0));
        let days = if let Self::Leaving(days) = self { *days } else { 0 };
        let text = language.text(text).replace("{link}", &link).replace("{site}", site);
        let text = text.replace("{days}", &days.to_string());
        Mail { to: email.to_owned(), subject: language.text(subject).to_owned(), text }
    }
}

/// Hands a letter over, and again after pauses that grow from `pause` on where it may be taken later.
///
/// # Errors
/// Why it was not taken in the end.
pub async fn post(mailer: &dyn Mailer, mail: &Mail, mut pause: Duration) -> Result<(), MailError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match mailer.send(mail).await {
            Err(MailError::Later(why)) if tries < TRIES => {
                tracing::warn!(why, tries, "a letter is sent again later");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(PAUSE_FACTOR);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Answers(Mutex<Vec<Result<(), MailError>>>);

    #[async_trait]
    impl Mailer for Answers {
        async fn send(&self, _: &Mail) -> Result<(), MailError> {
            self.0.lock().unwrap().pop().unwrap()
        }
    }

    async fn posted(mut answers: Vec<Result<(), MailError>>) -> (Result<(), MailError>, usize) {
        answers.reverse();
        let mailer = Answers(Mutex::new(answers));
        let mail = Letter::Known.to("a@b.org", Language::En, "https://books.example");
        let done = post(&mailer, &mail, Duration::from_millis(1)).await;
        (done, mailer.0.into_inner().unwrap().len())
    }

    #[tokio::test]
    async fn a_letter_is_sent_again_until_it_is_taken_or_refused() {
        let later = || Err(MailError::Later("451".into()));
        let refused = || Err(MailError::Refused("550".into()));
        assert_eq!(posted(vec![Ok(()), Ok(())]).await, (Ok(()), 1));
        assert_eq!(posted(vec![later(), later(), Ok(()), Ok(())]).await, (Ok(()), 1));
        assert_eq!(posted(vec![refused(), Ok(())]).await, (refused(), 1), "what is refused is refused");
        assert_eq!(posted(vec![later(), later(), later(), later(), later(), Ok(())]).await, (later(), 1));
    }

    #[test]
    fn every_letter_says_where_to_go_in_both_languages() {
        let token = Secret("vl_token".into());
        let letters = [
            Letter::Confirm(&token),
            Letter::Known,
            Letter::Reset(&token),
            Letter::PasswordChanged,
            Letter::NewAddress(&token),
            Letter::AddressAsked,
            Letter::AddressChanged,
            Letter::Invitation(&token),
            Letter::WaysChanged,
            Letter::KeyMade,
            Letter::SecondFactorOn,
            Letter::SecondFactorOff,
            Letter::Leaving(7),
            Letter::Stays,
            Letter::Gone,
        ];
        for (letter, language) in letters.iter().flat_map(|letter| [(letter, Language::En), (letter, Language::Fr)]) {
            let mail = letter.to("a@b.org", language, "https://books.example");
            assert!(mail.text.contains("https://books.example/") && !mail.text.contains('{'), "{}", mail.text);
            assert!(!mail.subject.is_empty() && !mail.subject.contains('\n'));
        }
        let mail = Letter::Reset(&token).to("a@b.org", Language::En, "https://books.example");
        assert!(mail.text.contains("https://books.example/reset#vl_token"), "{}", mail.text);
    }
}
