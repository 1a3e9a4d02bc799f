//! Webhooks, and how much each was told. Partition: tenant.

use domain::id::{ProjectId, TenantId, WebhookId};
use rusqlite::{Connection, params};

use super::payload::{decode, encode};
use super::{bounded, compared, execute, int, row, rows, sql_error};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{LIST_MAX, WebhookMark, WebhookRow};

pub(super) fn get(
    connection: &Connection,
    tenant: TenantId,
    webhook: WebhookId,
) -> Result<Option<WebhookRow>, StoreError> {
    row(
        connection,
        "reading a webhook",
        "SELECT payload FROM webhooks WHERE tenant = ?1 AND webhook = ?2",
        params![tenant.0.to_be_bytes(), webhook.0.to_be_bytes()],
    )
}

pub(super) fn list(connection: &Connection, tenant: TenantId, limit: u32) -> Result<Vec<WebhookRow>, StoreError> {
    rows(
        connection,
        "listing webhooks",
        "SELECT payload FROM webhooks WHERE tenant = ?1 ORDER BY created_ms, webhook LIMIT ?2",
        params![tenant.0.to_be_bytes(), bounded(limit)],
    )
}

pub(super) fn insert(
    connection: &Connection,
    row: WebhookRow,
    marks: &[(ProjectId, WebhookMark)],
) -> Result<Cas<WebhookRow>, StoreError> {
    row.check()?;
    if marks.len() > LIST_MAX as usize {
        return Err(StoreError::Invalid { detail: format!("{} marks at a time", marks.len()) });
    }
    let there = get(connection, row.tenant, row.webhook)?;
    compared(
        there,
        |row| row.version,
        None,
        || {
            for (project, mark) in marks {
                put_mark(connection, row.tenant, row.webhook, *project, mark)?;
            }
            put(connection, WebhookRow { version: 1, ..row })
        },
    )
}

pub(super) fn update(
    connection: &Connection,
    row: WebhookRow,
    expected_version: u64,
    mark: Option<(ProjectId, WebhookMark)>,
) -> Result<Cas<WebhookRow>, StoreError> {
    row.check()?;
    let there = get(connection, row.tenant, row.webhook)?;
    compared(
        there,
        |row| row.version,
        Some(expected_version),
        || {
            if let Some((project, mark)) = mark {
                put_mark(connection, row.tenant, row.webhook, project, &mark)?;
            }
            put(connection, WebhookRow { version: expected_version + 1, ..row })
        },
    )
}

pub(super) fn remove(connection: &Connection, tenant: TenantId, webhook: WebhookId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM webhook_marks WHERE tenant = ?1 AND webhook = ?2",
        "DELETE FROM webhooks WHERE tenant = ?1 AND webhook = ?2",
    ] {
        execute(connection, "removing a webhook", sql, params![tenant.0.to_be_bytes(), webhook.0.to_be_bytes()])?;
    }
    Ok(())
}

pub(super) fn marks(
    connection: &Connection,
    tenant: TenantId,
    webhook: WebhookId,
    limit: u32,
) -> Result<Vec<(ProjectId, WebhookMark)>, StoreError> {
    let failed = |e: rusqlite::Error| sql_error("reading what a webhook was told", &e);
    let sql = "SELECT project, payload FROM webhook_marks WHERE tenant = ?1 AND webhook = ?2 ORDER BY project LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let among = params![tenant.0.to_be_bytes(), webhook.0.to_be_bytes(), bounded(limit)];
    let found = statement.query_map(among, |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?)));
    let mut marks = Vec::new();
    for pair in found.map_err(failed)? {
        let (project, payload) = pair.map_err(failed)?;
        marks.push((ProjectId(u128::from_be_bytes(project)), decode(&payload)?));
    }
    Ok(marks)
}

pub(super) fn mark_remove(
    connection: &Connection,
    tenant: TenantId,
    webhook: WebhookId,
    project: ProjectId,
) -> Result<(), StoreError> {
    execute(
        connection,
        "removing what a webhook was told",
        "DELETE FROM webhook_marks WHERE tenant = ?1 AND webhook = ?2 AND project = ?3",
        params![tenant.0.to_be_bytes(), webhook.0.to_be_bytes(), project.0.to_be_bytes()],
    )
}

pub(super) fn put(connection: &Connection, row: WebhookRow) -> Result<WebhookRow, StoreError> {
    execute(
        connection,
        "writing a webhook",
        "INSERT OR REPLACE INTO webhooks (tenant, webhook, created_ms, payload) VALUES (?1, ?2, ?3, ?4)",
        params![row.tenant.0.to_be_bytes(), row.webhook.0.to_be_bytes(), int(row.created_ms), encode(&row)?],
    )?;
    Ok(row)
}

pub(super) fn put_mark(
    connection: &Connection,
    tenant: TenantId,
    webhook: WebhookId,
    project: ProjectId,
    mark: &WebhookMark,
) -> Result<(), StoreError> {
    execute(
        connection,
        "writing what a webhook was told",
        "INSERT OR REPLACE INTO webhook_marks (tenant, webhook, project, payload) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.0.to_be_bytes(), webhook.0.to_be_bytes(), project.0.to_be_bytes(), encode(mark)?],
    )
}
