//! Who asks.

use bincode::{Decode, Encode};

use crate::account::SystemRole;
use crate::api_key::KeyScopes;
use crate::id::{AccountId, ApiKeyId, ProjectId, SessionId, ShareLinkId, TenantId};

/// Who asks, as the gateway made sure of it. Every handler takes one; every row carries its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Principal {
    /// The tenant that pays for what is asked: where a project is another's, whose member asks, the project's.
    pub tenant: TenantId,
    /// How it was made sure.
    pub proof: Proof,
}

/// How the gateway knows who asks. New kinds are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Proof {
    /// The request came over loopback to a node that trusts whoever sits at its machine.
    LocalTrust,
    /// The node itself: demonstration books, commands of the same process.
    Node,
    /// It does not.
    Nobody,
    /// Somebody signed in.
    Session(Signed),
    /// A program has a key of somebody's.
    Key(Keyed),
    /// Somebody opened a share link.
    Visit(Visit),
}

/// A share link that was opened: it shows one project, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Visit {
    /// The project.
    pub project: ProjectId,
    /// The link.
    pub link: ShareLinkId,
}

/// A key, and what its account was when the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Keyed {
    /// The account.
    pub account: AccountId,
    /// The key.
    pub key: ApiKeyId,
    /// What the account may do to the node.
    pub role: SystemRole,
    /// The account's address is confirmed.
    pub confirmed: bool,
    /// What the key is for.
    pub scopes: KeyScopes,
}

/// A session, and what its account was when the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Signed {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// What the account may do to the node.
    pub role: SystemRole,
    /// The account's address is confirmed.
    pub confirmed: bool,
    /// When the password was last said, milliseconds since 1970 UTC.
    pub proved_ms: u64,
}

impl Principal {
    /// Whoever sits at this machine.
    pub const LOCAL: Self = Self { tenant: TenantId::LOCAL, proof: Proof::LocalTrust };
    /// The node itself, acting for the local tenant.
    pub const NODE: Self = Self { tenant: TenantId::LOCAL, proof: Proof::Node };
    /// Whoever it is: they have nothing here.
    pub const NOBODY: Self = Self { tenant: TenantId::NONE, proof: Proof::Nobody };

    /// The account that asks, by a session or a key, if one does.
    pub fn account(&self) -> Option<AccountId> {
        match self.proof {
            Proof::Session(signed) => Some(signed.account),
            Proof::Key(keyed) => Some(keyed.account),
            Proof::LocalTrust | Proof::Node | Proof::Nobody | Proof::Visit(_) => None,
        }
    }

    /// The session that asks, if one does.
    pub fn signed(&self) -> Option<Signed> {
        match self.proof {
            Proof::Session(signed) => Some(signed),
            Proof::LocalTrust | Proof::Node | Proof::Nobody | Proof::Key(_) | Proof::Visit(_) => None,
        }
    }
}
