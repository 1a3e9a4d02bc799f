//! Accounts: who can sign in, what they may do, and what is written down of it.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use self::act::{AccountAct, AccountEvent};
use crate::id::{AccountId, SessionId};
use crate::language::Language;

mod act;

/// Longest mail address, bytes (RFC 5321, 4.5.3.1.3).
pub const EMAIL_MAX_BYTES: usize = 254;
/// Longest part of it before the `@`, bytes.
pub const EMAIL_LOCAL_MAX_BYTES: usize = 64;
/// Shortest password, characters.
pub const PASSWORD_MIN_CHARS: usize = 10;
/// Longest password, characters.
pub const PASSWORD_MAX_CHARS: usize = 256;
/// Longest name of a person, characters.
pub const PERSON_NAME_MAX_CHARS: usize = 100;
/// Sessions that an account may have at a time.
pub const SESSIONS_MAX: usize = 32;
/// Longest description of a browser or program that is kept, bytes.
pub const AGENT_MAX_BYTES: usize = 200;
/// Entries of one page of an account's log, at most.
pub const ACCOUNT_PAGE_MAX: u32 = 200;

/// A mail address in the one spelling that it is compared in: ASCII, in lower case.
///
/// Of what RFC 5321 allows, quoted local parts, addresses by number and letters beyond ASCII are left out: the first
/// two are nobody's, and the last have spellings that look alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Email(String);

impl Email {
    /// The address in `text`, white space round it aside; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ').to_ascii_lowercase();
        let (local, domain) = text.split_once('@')?;
        let is_atom = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
        };
        let is_label = |part: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            (1..=63).contains(&part.len()) && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
        };
        let fits = text.len() <= EMAIL_MAX_BYTES && local.len() <= EMAIL_LOCAL_MAX_BYTES;
        let is_one = fits && local.split('.').all(is_atom) && domain.split('.').all(is_label) && domain.contains('.');
        is_one.then_some(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password, a token or a code: text that no debug output shows.
#[derive(Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "password" })
    }
}

/// What an account may do to the node, each role all that the one before may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SystemRole {
    /// Uses it.
    #[default]
    User,
    /// Runs it, and sees nobody's books.
    Operator,
    /// Says who may.
    Admin,
}

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its mail address.
    pub email: String,
    /// Somebody who reads that address' mail has said so.
    pub confirmed: bool,
    /// What its owner is called.
    pub name: String,
    /// The language of what it is told.
    pub language: Language,
    /// What it may do to the node.
    pub role: SystemRole,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: u64,
}

/// Somebody's being signed in, on one browser or in one program.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When it began, milliseconds since 1970 UTC.
    pub began_ms: u64,
    /// When it was last used, milliseconds since 1970 UTC, to within five minutes.
    pub seen_ms: u64,
    /// When it ends at the latest, milliseconds since 1970 UTC.
    pub ends_ms: u64,
    /// What the browser or program called itself.
    pub agent: String,
    /// Where it signed in from.
    pub address: String,
    /// It is the one that asks.
    pub current: bool,
}

/// The sessions of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionList {
    /// The one used last first.
    pub sessions: Vec<Session>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// What every request that changes something says in `X-CSRF-Token`, where a cookie says who asks.
    pub csrf_token: String,
}

/// An account to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// Its mail address, which is asked to confirm.
    pub email: String,
    /// Its password: 10 to 256 characters that are not easily guessed.
    pub password: Secret,
    /// What its owner is called: one line of 1 to 100 characters.
    pub name: String,
    /// The language of what it is told; English unless one is named.
    #[serde(default)]
    pub language: Option<Language>,
}

/// The first account, an admin.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The code that the node printed at its start.
    pub code: Secret,
    /// Its mail address.
    pub email: String,
    /// Its password: 10 to 256 characters that are not easily guessed.
    pub password: Secret,
    /// What its owner is called: one line of 1 to 100 characters.
    pub name: String,
    /// The language of what it is told; English unless one is named.
    #[serde(default)]
    pub language: Option<Language>,
}

/// Who wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account's mail address.
    pub email: String,
    /// Its password.
    pub password: Secret,
    /// A code of the account's second factor, where it has one.
    #[serde(default)]
    pub code: Option<Secret>,
}

/// A mail address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MailAddress {
    /// The address.
    pub email: String,
}

/// A mailed link that is followed, by whoever has the account's password: who signed up with a stranger's address, or
/// mistyped their own, has their link read by somebody who does not.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkUse {
    /// What stands in the link behind `#`.
    pub token: Secret,
    /// The account's password.
    pub password: Secret,
    /// A code of the account's second factor, where it has one.
    #[serde(default)]
    pub code: Option<Secret>,
}

/// Another password, by a mailed link.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// What stands in the link behind `#`.
    pub token: Secret,
    /// The password from now on: 10 to 256 characters that are not easily guessed.
    pub password: Secret,
}

/// The password, said again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordAgain {
    /// The account's password.
    pub password: Secret,
    /// A code of the account's second factor, where it has one.
    #[serde(default)]
    pub code: Option<Secret>,
}

/// Another password.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password so far.
    pub current: Secret,
    /// The password from now on: 10 to 256 characters that are not easily guessed.
    pub password: Secret,
    /// A code of the account's second factor, where it has one.
    #[serde(default)]
    pub code: Option<Secret>,
}

/// What is to be otherwise with an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// Another name: one line of 1 to 100 characters.
    pub name: Option<String>,
    /// Another language.
    pub language: Option<Language>,
}

/// Another role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// The role from now on.
    pub role: SystemRole,
}

/// A page of the node's accounts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountPage {
    /// In the order of their ids.
    pub accounts: Vec<Account>,
    /// Where it goes on: the `after` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AccountId>,
}

/// A page of what was done with an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountEventPage {
    /// Newest first.
    pub events: Vec<AccountEvent>,
    /// Where it goes on: the `before` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let parsed = Email::parse("  Anna.Lamp+books@Example.ORG ").unwrap();
        assert_eq!(parsed.as_str(), "anna.lamp+books@example.org");
        assert_eq!(Email::parse(parsed.as_str()), Some(parsed));
    }

    #[test]
    fn what_is_no_address_is_none() {
        let long = format!("{}@example.org", "a".repeat(EMAIL_LOCAL_MAX_BYTES + 1));
        let longer = format!("a@{}org", "example.".repeat(32));
        for text in [
            "",
            "@",
            "a@",
            "@b.org",
            "a@b",
            "a b@c.org",
            "a@b@c.org",
            ".a@b.org",
            "a.@b.org",
            "a..b@c.org",
            "\"a\"@b.org",
            "a@[127.0.0.1]",
            "a@-b.org",
            "a@b-.org",
            "a@b..org",
            "a@b.org\r\nBcc: c@d.org",
            "é@b.org",
            "a@b.org\0",
            "a@exаmple.org",
            &long,
            &longer,
        ] {
            assert_eq!(Email::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let ask = SignIn { email: "a@b.org".into(), password: Secret("correct horse".into()), code: None };
        assert!(!format!("{ask:?}").contains("horse"));
    }
}
