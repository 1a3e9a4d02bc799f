//! Gateway ↔ core: keys for programs, the second factor, and the list of accounts.

use bincode::{Decode, Encode};
use domain::account::{AccountPage, Secret};
use domain::api_key::{ApiKey, ApiKeyRequest};
use domain::id::{AccountId, ApiKeyId};
use domain::principal::Principal;
use domain::second_factor::{Code, SecondFactor};

use super::accounts::Visitor;

/// Make a key of the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MakeKey {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The key to be.
    pub request: ApiKeyRequest,
}

/// The keys of the asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListKeys {
    /// Who asks.
    pub principal: Principal,
}

/// Revoke a key of the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RevokeKey {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// Which.
    pub key: ApiKeyId,
}

/// A page of the node's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListAccounts {
    /// Who asks.
    pub principal: Principal,
    /// The last account that is known.
    pub after: Option<AccountId>,
    /// How many at most.
    pub limit: u32,
}

/// How the second factor of the asker's account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadSecondFactor {
    /// Who asks.
    pub principal: Principal,
}

/// Draw a secret for an authenticator app of the asker's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BeginSecondFactor {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
}

/// Turn the second factor on, which the app knows by now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ConfirmSecondFactor {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// A code of the app.
    pub request: Code,
}

/// Turn the second factor off.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RemoveSecondFactor {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// A code of it.
    pub request: Code,
}

/// Draw other codes to recover with.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RenewRecoveryCodes {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// A code of the second factor.
    pub request: Code,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeyReply {
    /// The key.
    pub key: ApiKey,
    /// What shows who has it, from now on.
    pub token: Secret,
}

/// Keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeysReply {
    /// Oldest first.
    pub keys: Vec<ApiKey>,
}

/// Accounts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountsReply {
    /// A page of them.
    pub page: AccountPage,
}

/// How a second factor stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SecondFactorReply {
    /// How it does.
    pub second_factor: SecondFactor,
}

/// A secret for an authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SecondFactorBegun {
    /// In Base32.
    pub secret: Secret,
    /// As an `otpauth` address.
    pub uri: Secret,
}

/// Codes to recover with.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RecoveryCodesReply {
    /// Each works once.
    pub codes: Vec<Secret>,
}
