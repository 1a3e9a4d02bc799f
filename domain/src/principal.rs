//! Who asks.

use bincode::{Decode, Encode};

use crate::id::TenantId;

/// Who asks, as the gateway made sure of it. Every handler takes one; every row carries its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Principal {
    /// The account that pays for what is asked.
    pub tenant: TenantId,
    /// How it was made sure.
    pub proof: Proof,
}

/// How the gateway knows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Proof {
    /// The request came over loopback to a node that trusts whoever sits at its machine.
    LocalTrust,
    /// The node itself: demonstration books, commands of the same process.
    Node,
}

impl Principal {
    /// Whoever sits at this machine.
    pub const LOCAL: Self = Self { tenant: TenantId::LOCAL, proof: Proof::LocalTrust };
    /// The node itself, acting for the local tenant.
    pub const NODE: Self = Self { tenant: TenantId::LOCAL, proof: Proof::Node };
}
