//! Accounts, whom addresses belong to, and what the node as a whole has of accounts.

use bincode::{Decode, Encode};
use domain::account::{
    AGENT_MAX_BYTES, AccountAct, AccountEvent, EMAIL_MAX_BYTES, PERSON_NAME_MAX_CHARS, SESSIONS_MAX, SystemRole,
};
use domain::id::{AccountId, Digest, ProjectId, SessionId, TenantId};
use domain::identity::{IDENTITIES_MAX, IDENTITY_MAX_BYTES};
use domain::language::Language;

use super::credential::{ApiKeyRow, SecondFactorRow};
use crate::blobs::BlobScope;
use crate::error::StoreError;

/// Mailed links that an account may have open: one a kind.
pub const LINKS_MAX: usize = 8;
/// Credentials that an account may have.
pub const CREDENTIALS_MAX: usize = 64;

/// Somebody who can sign in. Partition: the account.
///
/// All that decides whether somebody is let in stands in this one row, so that a change of it is one compare-and-set:
/// a password that is changed and the sessions that end with it are never seen one without the other. It is bounded by
/// [`AccountRow::check`] to some forty kibibytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountRow {
    /// Its id.
    pub account: AccountId,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// Who pays for what it does.
    pub tenant: TenantId,
    /// Its address, as [`domain::account::Email`] spells it. It is the account's if the [`EmailRow`] says so too.
    pub email: String,
    /// Somebody who reads that address' mail has said so.
    pub confirmed: bool,
    /// What its owner is called.
    pub name: String,
    /// The language of what it is told.
    pub language: Language,
    /// What it may do to the node.
    pub role: SystemRole,
    /// When it was made, milliseconds since 1970 UTC. Decided from where its address was never confirmed.
    pub created_ms: u64,
    /// What it signs in with.
    pub credentials: Vec<Credential>,
    /// Who is signed in.
    pub sessions: Vec<SessionRow>,
    /// Links that were mailed and not followed.
    pub links: Vec<MailedLink>,
    /// It is to be erased.
    pub leaving: Option<Leaving>,
    /// Its picture: a blob in its own scope.
    pub avatar: Option<Digest>,
    /// The newest archive of all that it has.
    pub export: Option<ExportRow>,
}

/// An archive of all that an account has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ExportRow {
    /// Its id, and that of the intent that looks after it.
    pub id: u128,
    /// When it was asked for, milliseconds since 1970 UTC. Shown, never decided from.
    pub asked_ms: u64,
    /// How it stands.
    pub state: ExportState,
}

/// How an archive stands. Its times are decided from, like a session's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ExportState {
    /// It is being written, or is to be.
    Running,
    /// A blob in the account's own scope.
    Ready {
        /// Which.
        digest: Digest,
        /// Its size.
        bytes: u64,
        /// Since when, milliseconds since 1970 UTC.
        ended_ms: u64,
    },
    /// It could not be written.
    Failed {
        /// A stable code.
        code: String,
        /// Since when, milliseconds since 1970 UTC.
        ended_ms: u64,
    },
}

impl AccountRow {
    /// Where blobs of its own lie: not those of its projects.
    pub fn scope(&self) -> BlobScope {
        BlobScope { tenant: self.tenant, project: ProjectId(self.account.0) }
    }
}

/// That an account is to be erased. Its time is decided from, like a session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Leaving {
    /// When that was asked for, milliseconds since 1970 UTC.
    pub asked_ms: u64,
    /// When it is erased, milliseconds since 1970 UTC.
    pub erase_at_ms: u64,
    /// The intent that does it.
    pub intent: u128,
    /// It has begun: nothing takes it back.
    pub begun: bool,
}

/// What an account signs in with. New kinds are appended.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Credential {
    /// A password.
    Password {
        /// Its Argon2id hash, as a PHC string.
        phc: String,
        /// When it was set, milliseconds since 1970 UTC. Shown, never decided from.
        set_ms: u64,
    },
    /// A key, for a program.
    Key(ApiKeyRow),
    /// A second factor, on or to be.
    SecondFactor(SecondFactorRow),
    /// Somebody that an identity provider vouches for. It is the account's if the [`IdentityRow`] says so too.
    Identity(Identity),
}

/// Somebody, as an identity provider knows them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Identity {
    /// The provider, as its tokens name it.
    pub issuer: String,
    /// Who that is there, for good.
    pub subject: String,
    /// What the provider called them when they were linked. Shown, never decided from.
    pub label: String,
    /// When that was, milliseconds since 1970 UTC. Shown, never decided from.
    pub linked_ms: u64,
}

impl Identity {
    /// What its [`IdentityRow`] is found by.
    pub fn key(&self) -> Digest {
        identity_key(&self.issuer, &self.subject)
    }

    /// Whether it says no more than a row may hold.
    pub(super) fn fits(&self) -> bool {
        [&self.issuer, &self.subject, &self.label].into_iter().all(|text| text.len() <= IDENTITY_MAX_BYTES)
    }
}

/// SHA-256 of an issuer and a subject: neither can hold the byte between them.
pub fn identity_key(issuer: &str, subject: &str) -> Digest {
    Digest::of(format!("{issuer}\0{subject}").as_bytes())
}

/// Whose an identity is. Partition: the identity.
///
/// Like an address, it names an account that is there or is about to be; one that is not there, or has no such
/// credential, has left it behind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IdentityRow {
    /// See [`identity_key`].
    pub identity: Digest,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// The account.
    pub account: AccountId,
}

/// SHA-256 of a secret of 256 random bits.
pub type SecretDigest = [u8; 32];

/// Somebody's being signed in. Its times are decided from, for days are counted through restarts: a clock that is
/// wrong ends it too early or too late.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SessionRow {
    /// Its id.
    pub session: SessionId,
    /// What its token's secret is held against.
    pub secret: SecretDigest,
    /// When it began, milliseconds since 1970 UTC.
    pub began_ms: u64,
    /// When it was last used, milliseconds since 1970 UTC; written now and then.
    pub seen_ms: u64,
    /// When the password was last said, milliseconds since 1970 UTC.
    pub proved_ms: u64,
    /// What the browser or program called itself.
    pub agent: String,
    /// Where it signed in from.
    pub address: String,
}

/// A link that was mailed. Partition: its account.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct MailedLink {
    /// What following it does.
    pub purpose: LinkPurpose,
    /// What its token's secret is held against.
    pub secret: SecretDigest,
    /// The address that it was mailed to.
    pub email: String,
    /// Until when it can be followed, milliseconds since 1970 UTC: decided from, like a session's times.
    pub expires_ms: u64,
}

/// What following a mailed link does. New kinds are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LinkPurpose {
    /// Confirms the account's address.
    Confirm,
    /// Sets another password.
    Reset,
    /// Makes the address that it was mailed to the account's.
    ChangeAddress,
}

/// Whose an address is. Partition: the address.
///
/// The one place where two accounts with one address could meet: whoever wants one writes here first. It names an
/// account that is there, or that is about to be; an account that is not there, or has another address by now, has
/// left it behind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EmailRow {
    /// The address, as [`domain::account::Email`] spells it.
    pub email: String,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// The account.
    pub account: AccountId,
}

/// What the node as a whole has of accounts. Partition: its own, of this one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SiteRow {
    /// Set by the store: 0 where it was never written, one more with each update.
    pub version: u64,
    /// The account that the node was claimed with, and when, milliseconds since 1970 UTC: local trust is over.
    pub claimed: Option<(AccountId, u64)>,
}

/// Something that is done with an account, to be written with the change that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccountEvent {
    /// When, milliseconds since 1970 UTC. Shown, never decided from.
    pub at_ms: u64,
    /// The network address that it was done from; empty where none is known.
    pub address: String,
    /// What.
    pub what: AccountAct,
}

impl NewAccountEvent {
    /// The event of the change that made the account's version `version`.
    pub fn numbered(self, version: u64) -> AccountEvent {
        AccountEvent { seq: version, at_ms: self.at_ms, address: self.address, what: self.what }
    }
}

impl AccountRow {
    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for more sessions, links or credentials than an account may have, or too long a text.
    pub fn check(&self) -> Result<(), StoreError> {
        let invalid = |detail: &str| Err(StoreError::Invalid { detail: format!("account {}: {detail}", self.account) });
        if self.email.is_empty() || self.email.len() > EMAIL_MAX_BYTES {
            return invalid("its address is none");
        }
        if self.name.chars().count() > PERSON_NAME_MAX_CHARS {
            return invalid("its name is too long");
        }
        if self.sessions.len() > SESSIONS_MAX || self.sessions.iter().any(|s| s.agent.len() > AGENT_MAX_BYTES) {
            return invalid("it has too many sessions, or one that says too much");
        }
        let fits = |credential: &Credential| match credential {
            Credential::Password { .. } => true,
            Credential::Key(key) => key.fits(),
            Credential::SecondFactor(factor) => factor.fits(),
            Credential::Identity(one) => one.fits(),
        };
        if !self.credentials.iter().all(fits) {
            return invalid("a credential of it is too long");
        }
        if self.identities().count() > IDENTITIES_MAX {
            return invalid("it has too many identities");
        }
        let crowded = self.links.len() > LINKS_MAX || self.credentials.len() > CREDENTIALS_MAX;
        if crowded { invalid("it has too many links or credentials") } else { Ok(()) }
    }

    /// The hash of its password.
    pub fn password(&self) -> Option<&str> {
        self.credentials.iter().find_map(|credential| match credential {
            Credential::Password { phc, .. } => Some(phc.as_str()),
            _ => None,
        })
    }

    /// Its keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKeyRow> {
        self.credentials.iter().filter_map(|credential| match credential {
            Credential::Key(key) => Some(key),
            _ => None,
        })
    }

    /// Its second factor, on or to be.
    pub fn second_factor(&self) -> Option<&SecondFactorRow> {
        self.credentials.iter().find_map(|credential| match credential {
            Credential::SecondFactor(factor) => Some(factor),
            _ => None,
        })
    }

    /// Puts a second factor in place of the one before, or takes that away.
    pub fn set_second_factor(&mut self, factor: Option<SecondFactorRow>) {
        self.credentials.retain(|credential| !matches!(credential, Credential::SecondFactor(_)));
        self.credentials.extend(factor.map(Credential::SecondFactor));
    }

    /// Whether it is being erased: nothing is done with it any more.
    pub fn is_going(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.begun)
    }

    /// Those that providers know it by.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.credentials.iter().filter_map(|credential| match credential {
            Credential::Identity(identity) => Some(identity),
            _ => None,
        })
    }
}

impl EmailRow {
    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for an address that is none.
    pub fn check(&self) -> Result<(), StoreError> {
        match self.email.len() {
            1..=EMAIL_MAX_BYTES => Ok(()),
            bytes => Err(StoreError::Invalid { detail: format!("an address of {bytes} bytes") }),
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { set_ms, .. } => f.debug_struct("Password").field("set_ms", set_ms).finish_non_exhaustive(),
            Self::Key(key) => key.fmt(f),
            Self::SecondFactor(factor) => factor.fmt(f),
            Self::Identity(identity) => f.debug_tuple("Identity").field(identity).finish(),
        }
    }
}

impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRow")
            .field("session", &self.session)
            .field("began_ms", &self.began_ms)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MailedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailedLink")
            .field("purpose", &self.purpose)
            .field("expires_ms", &self.expires_ms)
            .finish_non_exhaustive()
    }
}
