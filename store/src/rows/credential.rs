//! What an account has besides its password: keys for programs, and a second factor.

use bincode::{Decode, Encode};
use domain::account::PERSON_NAME_MAX_CHARS;
use domain::api_key::KeyScopes;
use domain::id::ApiKeyId;
use domain::second_factor::RECOVERY_CODES;

use super::SecretDigest;

/// Longest sealed secret of a second factor, bytes.
const SEALED_MAX_BYTES: usize = 128;

/// A key, for a program.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ApiKeyRow {
    /// Its id.
    pub key: ApiKeyId,
    /// What its token's secret is held against.
    pub secret: SecretDigest,
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub scopes: KeyScopes,
    /// When it was made, milliseconds since 1970 UTC. Shown, never decided from.
    pub made_ms: u64,
    /// When it was last used, milliseconds since 1970 UTC; written now and then.
    pub used_ms: Option<u64>,
    /// When it ends, milliseconds since 1970 UTC: decided from, like a session's times.
    pub ends_ms: u64,
}

/// Codes of an authenticator app (RFC 6238: SHA-1, 30 s, six digits), and codes to recover with.
///
/// A code that was taken and the step it was for stand in one row with what it let in, so that of two who say the same
/// code one is let in.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SecondFactorRow {
    /// What the app was told, sealed under the node's keys for this account.
    pub sealed: Vec<u8>,
    /// When the app was told, milliseconds since 1970 UTC: until it is on, that holds for a while only.
    pub begun_ms: u64,
    /// Since when signing in takes a code, milliseconds since 1970 UTC.
    pub on_ms: Option<u64>,
    /// The newest step, of 30 seconds since 1970 UTC, that a code was taken for: none before it is taken any more.
    pub last_step: u64,
    /// SHA-256 of the codes to recover with that were not used, each of 130 random bits.
    pub recovery: Vec<SecretDigest>,
    /// Wrong codes since the last right one.
    pub wrong: u32,
    /// When the last of them was said, milliseconds since 1970 UTC.
    pub wrong_ms: u64,
}

impl ApiKeyRow {
    /// Whether an account can have it.
    pub(super) fn fits(&self) -> bool {
        self.name.chars().count() <= PERSON_NAME_MAX_CHARS
    }
}

impl SecondFactorRow {
    /// Whether an account can have it.
    pub(super) fn fits(&self) -> bool {
        self.sealed.len() <= SEALED_MAX_BYTES && self.recovery.len() <= RECOVERY_CODES
    }
}

impl std::fmt::Debug for ApiKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyRow")
            .field("key", &self.key)
            .field("scopes", &self.scopes)
            .field("ends_ms", &self.ends_ms)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SecondFactorRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactorRow")
            .field("on_ms", &self.on_ms)
            .field("last_step", &self.last_step)
            .field("recovery", &self.recovery.len())
            .field("wrong", &self.wrong)
            .finish_non_exhaustive()
    }
}
