//! What is written down of the node as a whole: deeds that reach beyond an account of one's own.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::account::SystemRole;
use crate::id::{AccountId, AuditId};
use crate::project::Actor;

/// Entries of one page, at most.
pub const AUDIT_PAGE_MAX: u32 = 200;
/// Entries of a partition are those of so many milliseconds: thirty days.
pub const AUDIT_PERIOD_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// Something that was done, without names or addresses: what it is about may have to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Its id: a UUID of version 7, whose time is that of the deed.
    pub id: AuditId,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What.
    #[serde(flatten)]
    pub what: AuditAct,
}

/// What is written down. New kinds are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum AuditAct {
    /// An account was given another role.
    RoleChanged {
        /// Which account.
        of: AccountId,
        /// Its role since.
        role: SystemRole,
    },
    /// Another account's log was read.
    ActivityRead {
        /// Whose.
        of: AccountId,
    },
    /// Another account was looked up by its address.
    AccountLookedUp {
        /// Which one was found.
        of: AccountId,
    },
    /// A backup was begun: it holds every book.
    BackupBegun,
    /// All that an account had was put into one file for it.
    DataExported {
        /// Whose.
        of: AccountId,
    },
    /// An account was erased with all that it had.
    AccountErased {
        /// Which it was.
        of: AccountId,
    },
    /// The accounts of the node were listed.
    AccountsListed,
}

/// A page of what was done.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Where it goes on: the `before` of the next request. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AuditId>,
}

impl AuditId {
    /// The time in it, milliseconds since 1970 UTC.
    pub fn at_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The partition of the entry that it names.
    pub fn period(self) -> u64 {
        self.at_ms() / AUDIT_PERIOD_MS
    }
}
