//! Gateway ↔ core: signing in with an identity provider's word.

use bincode::{Decode, Encode};
use domain::account::{Account, Secret};
use domain::id::Digest;
use domain::identity::IdentityList;
use domain::principal::Principal;

use super::accounts::Visitor;

/// What somebody goes to the provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum FlowPurpose {
    /// To sign in.
    SignIn,
    /// To add the identity to the account that they are signed in to.
    Link,
    /// To show once more that it is them.
    Again,
}

/// Begin a flow to the provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BeginFlow {
    /// Who asks: nobody, to sign in.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// What for.
    pub purpose: FlowPurpose,
    /// The path of the page that the browser is sent to in the end.
    pub to: Option<String>,
}

/// End a flow: the browser came back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EndFlow {
    /// From where.
    pub visitor: Visitor,
    /// Which flow.
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

/// A flow that began.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FlowBegan {
    /// Where the browser has to go.
    pub url: String,
    /// What it has to keep until it comes back.
    pub binding: Secret,
}

/// A flow that ended well.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FlowEnded {
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
