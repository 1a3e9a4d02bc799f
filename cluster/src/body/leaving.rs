//! Gateway ↔ core: accounts that go, and the node's own log.

use bincode::{Decode, Encode};
use domain::audit::AuditPage;
use domain::belongings::DeletionRequest;
use domain::id::AuditId;
use domain::principal::Principal;

use super::accounts::Visitor;

/// Delete the asker's account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeaveAccount {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub visitor: Visitor,
    /// What shows that they mean it.
    pub request: DeletionRequest,
}

/// A deletion that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeavingReply {
    /// When the account is erased, milliseconds since 1970 UTC.
    pub erase_at_ms: u64,
}

/// What is written down of the node as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListAudit {
    /// Who asks.
    pub principal: Principal,
    /// Only entries before this one.
    pub before: Option<AuditId>,
    /// How many at most.
    pub limit: u32,
}

/// A page of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AuditLogReply {
    /// The page.
    pub page: AuditPage,
}
