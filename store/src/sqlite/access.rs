//! Who has a project, and which projects an account was given. Partitions: project, account.

use domain::id::{AccountId, ProjectId};
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{execute, row};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{AccessRow, SharedRow};

pub(super) fn get(connection: &Connection, project: ProjectId) -> Result<Option<AccessRow>, StoreError> {
    let sql = "SELECT payload FROM access WHERE project = ?1";
    row(connection, "reading who has a project", sql, params![project.0.to_be_bytes()])
}

pub(super) fn update(
    connection: &Connection,
    row: AccessRow,
    expected_version: u64,
) -> Result<Cas<AccessRow>, StoreError> {
    row.check()?;
    let there = get(connection, row.project)?;
    if there.as_ref().map_or(0, |there| there.version) != expected_version {
        return Ok(Cas::Conflict(there));
    }
    put(connection, AccessRow { version: expected_version + 1, ..row }).map(Cas::Applied)
}

pub(super) fn put(connection: &Connection, row: AccessRow) -> Result<AccessRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO access (project, payload) VALUES (?1, ?2)";
    let values = params![row.project.0.to_be_bytes(), encode(&row)?];
    execute(connection, "writing who has a project", sql, values)?;
    Ok(row)
}

pub(super) fn remove(connection: &Connection, project: ProjectId) -> Result<(), StoreError> {
    let sql = "DELETE FROM access WHERE project = ?1";
    execute(connection, "removing who has a project", sql, params![project.0.to_be_bytes()])
}

pub(super) fn shared(connection: &Connection, account: AccountId) -> Result<SharedRow, StoreError> {
    let sql = "SELECT payload FROM shared WHERE account = ?1";
    let found = row(connection, "reading what was shared", sql, params![account.0.to_be_bytes()])?;
    Ok(found.unwrap_or_else(|| SharedRow::nothing(account)))
}

pub(super) fn update_shared(
    connection: &Connection,
    row: SharedRow,
    expected_version: u64,
) -> Result<Cas<SharedRow>, StoreError> {
    row.check()?;
    let there = shared(connection, row.account)?;
    if there.version != expected_version {
        return Ok(Cas::Conflict(Some(there)));
    }
    put_shared(connection, SharedRow { version: expected_version + 1, ..row }).map(Cas::Applied)
}

pub(super) fn put_shared(connection: &Connection, row: SharedRow) -> Result<SharedRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO shared (account, payload) VALUES (?1, ?2)";
    execute(connection, "writing what was shared", sql, params![row.account.0.to_be_bytes(), encode(&row)?])?;
    Ok(row)
}

pub(super) fn remove_shared(connection: &Connection, account: AccountId) -> Result<(), StoreError> {
    let sql = "DELETE FROM shared WHERE account = ?1";
    execute(connection, "removing what was shared", sql, params![account.0.to_be_bytes()])
}
