//! What is written down of the node as a whole. Partition: a period.

use domain::audit::AuditEntry;
use domain::id::AuditId;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, rows};
use crate::error::StoreError;

pub(super) fn append(connection: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO audit (period, id, payload) VALUES (?1, ?2, ?3)";
    let values = params![int(entry.id.period()), entry.id.0.to_be_bytes(), encode(entry)?];
    execute(connection, "writing the node's log", sql, values)
}

pub(super) fn page(
    connection: &Connection,
    period: u64,
    before: AuditId,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    rows(
        connection,
        "reading the node's log",
        "SELECT payload FROM audit WHERE period = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        params![int(period), before.0.to_be_bytes(), bounded(limit)],
    )
}
