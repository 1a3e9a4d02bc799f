//! Uploads. Partition: tenant.

use domain::id::{TenantId, UploadId};
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, compared, execute, int, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::UploadRow;

pub(super) fn get(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
) -> Result<Option<UploadRow>, StoreError> {
    row(
        connection,
        "reading an upload",
        "SELECT payload FROM uploads WHERE tenant = ?1 AND upload = ?2",
        params![tenant.0.to_be_bytes(), upload.0.to_be_bytes()],
    )
}

pub(super) fn list(connection: &Connection, tenant: TenantId, limit: u32) -> Result<Vec<UploadRow>, StoreError> {
    rows(
        connection,
        "listing uploads",
        "SELECT payload FROM uploads WHERE tenant = ?1 ORDER BY created_ms, upload LIMIT ?2",
        params![tenant.0.to_be_bytes(), bounded(limit)],
    )
}

pub(super) fn insert(connection: &Connection, row: UploadRow) -> Result<Cas<UploadRow>, StoreError> {
    row.check()?;
    let there = get(connection, row.tenant, row.upload)?;
    compared(there, |row| row.version, None, || put(connection, UploadRow { version: 1, ..row }))
}

pub(super) fn update(
    connection: &Connection,
    row: UploadRow,
    expected_version: u64,
) -> Result<Cas<UploadRow>, StoreError> {
    row.check()?;
    let there = get(connection, row.tenant, row.upload)?;
    let version = expected_version + 1;
    compared(there, |row| row.version, Some(expected_version), || put(connection, UploadRow { version, ..row }))
}

pub(super) fn remove(connection: &Connection, tenant: TenantId, upload: UploadId) -> Result<(), StoreError> {
    execute(
        connection,
        "removing an upload",
        "DELETE FROM uploads WHERE tenant = ?1 AND upload = ?2",
        params![tenant.0.to_be_bytes(), upload.0.to_be_bytes()],
    )
}

pub(super) fn put(connection: &Connection, row: UploadRow) -> Result<UploadRow, StoreError> {
    execute(
        connection,
        "writing an upload",
        "INSERT OR REPLACE INTO uploads (tenant, upload, created_ms, payload) VALUES (?1, ?2, ?3, ?4)",
        params![row.tenant.0.to_be_bytes(), row.upload.0.to_be_bytes(), int(row.created_ms), encode(&row)?],
    )?;
    Ok(row)
}
