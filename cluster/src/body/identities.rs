//! Gateway ↔ core: signing in with an identity provider's word.

use bincode::{Decode, Encode};
use domain::account::{Account, Secret};
use domain::id::Digest;
use domain::identity::IdentityList;
use domain::principal::Principal;

use super::accounts::Visitor;

/// What somebody goes to the provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum VisitPurpose {
    /// To sign in.
    SignIn,
    /// To add the identity to the account that they are signed in to.
    Link,
    /// To show once more that it is them.
    Again,
}

/// Begin a visit to the provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BeginVisit {
    /// Who asks: nobody, to sign in.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// What for.
    pub purpose: VisitPurpose,
    /// The path of the page that the browser is sent to in the end.
    pub to: Option<String>,
}

/// End a visit: the browser came back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EndVisit {
    /// From where.
    pub visitor: Visitor,
    /// Which visit.
    pub state: Secret,
    /// What the browser has kept of its beginning.
    pub binding: Option<Secret>,
    /// What the provider gave for it.
    pub code: Option<Secret>,
    /// Or why it did not.
    pub error: Option<String>,
    /// The token of the session that the same browser has.
    pub session: Option<Secret>,
}

/// The identities of the asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListIdentities {
    /// Who asks.
    pub principal: Principal,
}

/// Remove an identity from the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct UnlinkIdentity {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// Which.
    pub identity: Digest,
}

/// A visit that began.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VisitBegan {
    /// Where the browser has to go.
    pub url: String,
    /// What it has to keep until it comes back.
    pub binding: Secret,
}

/// A visit that ended well.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VisitEnded {
    /// The path of the page that the browser is sent to.
    pub to: String,
    /// The token of the session that began, if one did.
    pub token: Option<Secret>,
    /// The account.
    pub account: Account,
}

/// The identities of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IdentitiesReply {
    /// All of them.
    pub list: IdentityList,
}
