//! Gateway ↔ core: accounts, and who asks.

use bincode::{Decode, Encode};
use domain::account::{
    Account, AccountEventPage, AccountPatch, Claim, LinkUse, MailAddress, PasswordAgain, PasswordChange, PasswordReset,
    RoleChange, Secret, Session, SignIn, SignUp,
};
use domain::id::{AccountId, SessionId};
use domain::principal::Principal;

/// Whoever sent a request, as the gateway sees them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Visitor {
    /// Their network address, without a port; empty where none is known.
    pub address: String,
    /// What their browser or program calls itself, cut to what is kept.
    pub agent: String,
}

/// Who is it that has this token, of a session or of a key?
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Authenticate {
    /// The token.
    pub token: Secret,
}

/// Make an account, once its address is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignUpAccount {
    /// Who asks.
    pub visitor: Visitor,
    /// The account to be.
    pub request: SignUp,
}

/// Make the node's first account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClaimNode {
    /// Who asks.
    pub visitor: Visitor,
    /// The account to be.
    pub request: Claim,
}

/// Begin a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BeginSession {
    /// Who asks.
    pub visitor: Visitor,
    /// What they know.
    pub request: SignIn,
    /// The token of the session that the same browser has; it ends.
    pub instead_of: Option<Secret>,
}

/// Which sessions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum WhichSessions {
    /// This one.
    One(SessionId),
    /// Every one.
    All,
}

/// End sessions of the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EndSessions {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// Which.
    pub which: WhichSessions,
}

/// The sessions of the asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListSessions {
    /// Who asks.
    pub principal: Principal,
}

/// Do what a mailed link is for, confirm an address or change it, and begin a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FollowLink {
    /// Who asks.
    pub visitor: Visitor,
    /// The link's token, and the account's password.
    pub request: LinkUse,
}

/// Mail a link to confirm the asker's address once more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ConfirmAgain {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
}

/// Mail a link to set another password, if an account has this address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AskReset {
    /// Who asks.
    pub visitor: Visitor,
    /// Whose.
    pub request: MailAddress,
}

/// Set another password by a mailed link.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ResetPassword {
    /// Who asks.
    pub visitor: Visitor,
    /// Link and password.
    pub request: PasswordReset,
}

/// Set another password, knowing the one so far.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChangePassword {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// Both passwords.
    pub request: PasswordChange,
}

/// Say the password again, for what wants a sign-in that is not long ago.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SayPassword {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The password.
    pub request: PasswordAgain,
}

/// The asker's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadAccount {
    /// Who asks.
    pub principal: Principal,
}

/// Change the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PatchAccount {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// What is to be otherwise.
    pub patch: AccountPatch,
}

/// Mail a link to another address that makes it the account's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AskAddress {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// The address to be.
    pub request: MailAddress,
}

/// What was done with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListAccountEvents {
    /// Who asks.
    pub principal: Principal,
    /// Which account; the asker's own unless an admin names one.
    pub account: Option<AccountId>,
    /// Only those with a number below this.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// The account of an address, for an admin.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FindAccount {
    /// Who asks.
    pub principal: Principal,
    /// The address.
    pub email: String,
}

/// Give an account another role.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChangeRole {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// Which account.
    pub account: AccountId,
    /// The role.
    pub request: RoleChange,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AuthenticatedReply {
    /// As handlers take them.
    pub principal: Principal,
}

/// A session that began.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionReply {
    /// What shows whose it is, from now on.
    pub token: Secret,
    /// The account.
    pub account: Account,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountReply {
    /// As it stands.
    pub account: Account,
}

/// Sessions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionsReply {
    /// The one used last first.
    pub sessions: Vec<Session>,
}

/// What was done with an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountEventsReply {
    /// A page of it.
    pub page: AccountEventPage,
}
