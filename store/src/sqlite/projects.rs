//! Projects. Partition: tenant.

use domain::id::{ProjectId, TenantId};
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::ProjectRow;

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

pub(super) fn insert(connection: &Connection, row: ProjectRow) -> Result<Cas<ProjectRow>, StoreError> {
    match get(connection, row.tenant, row.project)? {
        Some(there) => Ok(Cas::Conflict(Some(there))),
        None => put(connection, ProjectRow { version: 1, ..row }).map(Cas::Applied),
    }
}

pub(super) fn update(
    connection: &Connection,
    row: ProjectRow,
    expected_version: u64,
) -> Result<Cas<ProjectRow>, StoreError> {
    match get(connection, row.tenant, row.project)? {
        Some(there) if there.version == expected_version => {
            put(connection, ProjectRow { version: expected_version + 1, ..row }).map(Cas::Applied)
        }
        there => Ok(Cas::Conflict(there)),
    }
}

pub(super) fn remove(connection: &Connection, tenant: TenantId, project: ProjectId) -> Result<(), StoreError> {
    if get(connection, tenant, project)?.is_some_and(|row| !row.deleted) {
        return Err(StoreError::Invalid { detail: format!("project {project} is not marked deleted") });
    }
    execute(
        connection,
        "removing a project",
        "DELETE FROM projects WHERE tenant = ?1 AND project = ?2",
        params![tenant.0.to_be_bytes(), project.0.to_be_bytes()],
    )
}

fn put(connection: &Connection, row: ProjectRow) -> Result<ProjectRow, StoreError> {
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
    Ok(row)
}
