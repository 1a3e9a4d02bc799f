//! Projects. Partition: tenant.

use domain::id::{ProjectId, TenantId};
use domain::project::Activity;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, compared, execute, int, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{ACTIVITY_MAX, NewAct, ProjectRow};

pub(super) fn get(
    connection: &Connection,
    tenant: TenantId,
    project: ProjectId,
) -> Result<Option<ProjectRow>, StoreError> {
    row(
        connection,
        "reading a project",
        "SELECT payload FROM projects WHERE tenant = ?1 AND project = ?2",
        params![tenant.0.to_be_bytes(), project.0.to_be_bytes()],
    )
}

pub(super) fn list(connection: &Connection, tenant: TenantId, limit: u32) -> Result<Vec<ProjectRow>, StoreError> {
    rows(
        connection,
        "listing projects",
        "SELECT payload FROM projects WHERE tenant = ?1 AND deleted = 0
         ORDER BY created_ms DESC, project DESC LIMIT ?2",
        params![tenant.0.to_be_bytes(), bounded(limit)],
    )
}

pub(super) fn insert(
    connection: &Connection,
    row: ProjectRow,
    act: Option<NewAct>,
) -> Result<Cas<ProjectRow>, StoreError> {
    let there = get(connection, row.tenant, row.project)?;
    compared(there, |row| row.version, None, || put(connection, ProjectRow { version: 1, ..row }, act))
}

pub(super) fn update(
    connection: &Connection,
    row: ProjectRow,
    expected_version: u64,
    act: Option<NewAct>,
) -> Result<Cas<ProjectRow>, StoreError> {
    let there = get(connection, row.tenant, row.project)?;
    let version = expected_version + 1;
    compared(there, |row| row.version, Some(expected_version), || put(connection, ProjectRow { version, ..row }, act))
}

pub(super) fn activity(
    connection: &Connection,
    tenant: TenantId,
    project: ProjectId,
    before: u64,
    limit: u32,
) -> Result<Vec<Activity>, StoreError> {
    rows(
        connection,
        "reading an activity",
        "SELECT payload FROM activity WHERE tenant = ?1 AND project = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4",
        params![tenant.0.to_be_bytes(), project.0.to_be_bytes(), int(before), bounded(limit)],
    )
}

pub(super) fn remove(connection: &Connection, tenant: TenantId, project: ProjectId) -> Result<(), StoreError> {
    if get(connection, tenant, project)?.is_some_and(|row| !row.deleted) {
        return Err(StoreError::Invalid { detail: format!("project {project} is not marked deleted") });
    }
    for sql in [
        "DELETE FROM activity WHERE tenant = ?1 AND project = ?2",
        "DELETE FROM projects WHERE tenant = ?1 AND project = ?2",
    ] {
        execute(connection, "removing a project", sql, params![tenant.0.to_be_bytes(), project.0.to_be_bytes()])?;
    }
    Ok(())
}

/// Writes the row, and what was done under its version.
pub(super) fn put(connection: &Connection, row: ProjectRow, act: Option<NewAct>) -> Result<ProjectRow, StoreError> {
    execute(
        connection,
        "writing a project",
        "INSERT OR REPLACE INTO projects (tenant, project, created_ms, deleted, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            row.tenant.0.to_be_bytes(),
            row.project.0.to_be_bytes(),
            int(row.created_ms),
            row.deleted,
            encode(&row)?
        ],
    )?;
    let Some(act) = act.map(|act| act.numbered(row.version)) else { return Ok(row) };
    let (tenant, project) = (row.tenant.0.to_be_bytes(), row.project.0.to_be_bytes());
    execute(
        connection,
        "writing an activity",
        "INSERT INTO activity (tenant, project, seq, payload) VALUES (?1, ?2, ?3, ?4)",
        params![tenant, project, int(act.seq), encode(&act)?],
    )?;
    execute(
        connection,
        "trimming an activity",
        "DELETE FROM activity WHERE tenant = ?1 AND project = ?2 AND seq <= ?3",
        params![tenant, project, int(act.seq.saturating_sub(ACTIVITY_MAX))],
    )?;
    Ok(row)
}
