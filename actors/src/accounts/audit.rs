//! What is written down of the node as a whole: deeds that reach beyond an account of one's own.
//!
//! Each is written before it is done: what can't be written down is not done.

use cluster::body::leaving::ListAudit;
use domain::audit::{AUDIT_PAGE_MAX, AUDIT_PERIOD_MS, AuditAct, AuditEntry, AuditPage};
use domain::id::AuditId;
use domain::project::Actor;

use super::Result;
use crate::clock::wall_ms;
use crate::run::RunContext;
use crate::store_fault;

/// The period that 2024 began in: nothing was written down before.
const FIRST_PERIOD: u64 = 657;

/// Writes down what somebody is about to do.
///
/// # Errors
/// What the store says; then it must not be done.
pub(crate) async fn note(context: &RunContext, by: Actor, what: AuditAct) -> Result<()> {
    let id = AuditId(uuid::Uuid::now_v7().as_u128());
    append(context, AuditEntry { id, at_ms: id.at_ms(), by, what }).await
}

/// Writes an entry down; one that is there stays as it is.
pub(super) async fn append(context: &RunContext, entry: AuditEntry) -> Result<()> {
    context.records.audit_append(entry).await.map_err(|e| store_fault(&e))
}

/// A page of what was done, newest first.
///
/// # Errors
/// What the store says.
pub async fn page(context: &RunContext, ask: &ListAudit) -> Result<AuditPage> {
    let limit = ask.limit.clamp(1, AUDIT_PAGE_MAX);
    let (wanted, mut entries) = (limit as usize, Vec::new());
    let before = ask.before.unwrap_or(AuditId(u128::MAX));
    // A clock that was ahead may have written into the next one.
    let newest = (wall_ms() / AUDIT_PERIOD_MS + 1).min(before.period());
    let mut period = newest;
    while period >= FIRST_PERIOD && entries.len() <= wanted {
        let found = context.records.audit_page(period, before, limit + 1).await;
        entries.extend(found.map_err(|e| store_fault(&e))?);
        period -= 1;
    }
    let next = (entries.len() > wanted).then(|| entries[wanted - 1].id);
    entries.truncate(wanted);
    Ok(AuditPage { entries, next })
}
