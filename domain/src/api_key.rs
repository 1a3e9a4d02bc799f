//! Keys of accounts, for programs.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::account::Secret;
use crate::id::ApiKeyId;

/// Keys that an account may have.
pub const KEYS_MAX: usize = 32;
/// Longest time that a key may be good for, seconds: a year and a day.
pub const KEY_VALID_MAX_S: u64 = 366 * 24 * 3_600;
/// How long a key is good for, unless told otherwise, seconds: 90 days.
pub const KEY_VALID_S: u64 = 90 * 24 * 3_600;

/// What a key is for. It never allows more than the account may itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyScope {
    /// Seeing projects and all that they hold.
    Read,
    /// Changing them, and making new ones.
    Write,
    /// Running the node, where the account is an operator's.
    Operate,
    /// Backups, where the account is an admin's.
    Administer,
}

/// Several of these.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct KeyScopes(u8);

impl KeyScopes {
    const ALL: [KeyScope; 4] = [KeyScope::Read, KeyScope::Write, KeyScope::Operate, KeyScope::Administer];

    /// These.
    pub fn of(scopes: &[KeyScope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | 1 << *scope as u8))
    }

    /// Whether one is among them.
    pub fn has(self, scope: KeyScope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Each of them, in the order of [`KeyScope`].
    pub fn list(self) -> Vec<KeyScope> {
        Self::ALL.into_iter().filter(|scope| self.has(*scope)).collect()
    }
}

impl std::fmt::Debug for KeyScopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.list().fmt(f)
    }
}

/// A key of an account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub scopes: Vec<KeyScope>,
    /// When it was made, milliseconds since 1970 UTC.
    pub made_ms: u64,
    /// When it was last used, milliseconds since 1970 UTC, to within five minutes.
    pub used_ms: Option<u64>,
    /// When it ends, milliseconds since 1970 UTC.
    pub ends_ms: u64,
}

/// The keys of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyList {
    /// Oldest first.
    pub keys: Vec<ApiKey>,
}

/// A key to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// What its owner calls it: one line of 1 to 100 characters.
    pub name: String,
    /// What it is for: one thing at least.
    pub scopes: Vec<KeyScope>,
    /// How long it is good for, seconds: at most 366 days, 90 unless told otherwise.
    #[serde(default)]
    pub valid_s: Option<u64>,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewApiKey {
    /// The key.
    pub key: ApiKey,
    /// What a program says in `Authorization: Bearer`. It is told this once.
    pub token: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set() {
        let scopes = KeyScopes::of(&[KeyScope::Administer, KeyScope::Read, KeyScope::Read]);
        assert_eq!(scopes.list(), [KeyScope::Read, KeyScope::Administer]);
        assert!(scopes.has(KeyScope::Read) && !scopes.has(KeyScope::Write) && !scopes.has(KeyScope::Operate));
        assert_eq!(KeyScopes::default().list(), []);
        assert_eq!(KeyScopes::of(&KeyScopes::ALL).list(), KeyScopes::ALL);
    }
}
