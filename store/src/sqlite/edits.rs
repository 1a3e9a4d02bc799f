//! Edits of storyboards. Partition: run.

use domain::edit::ENTRIES_MAX;
use domain::id::RunId;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, row, rows, runs};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::EditRow;

pub(super) fn append(
    connection: &Connection,
    run: RunId,
    row: EditRow,
    expected_version: u64,
) -> Result<Cas<EditRow, Option<u64>>, StoreError> {
    if runs::get(connection, run)?.is_none() {
        return Ok(Cas::Conflict(None));
    }
    if let Some(there) = next(connection, run, expected_version)?.filter(|there| there.id == row.id) {
        return Ok(Cas::Applied(there));
    }
    let version = version(connection, run)?;
    if version != expected_version {
        return Ok(Cas::Conflict(Some(version)));
    }
    if version >= ENTRIES_MAX {
        return Err(StoreError::PartitionFull { partition: "edits of a storyboard", limit: ENTRIES_MAX });
    }
    let row = EditRow { version: version + 1, ..row };
    execute(
        connection,
        "appending an edit",
        "INSERT INTO edits (run, version, payload) VALUES (?1, ?2, ?3)",
        params![run.0.to_be_bytes(), int(row.version), encode(&row)?],
    )?;
    Ok(Cas::Applied(row))
}

/// The entry after a version.
fn next(connection: &Connection, run: RunId, version: u64) -> Result<Option<EditRow>, StoreError> {
    Ok(after(connection, run, version, 1)?.pop().filter(|row| row.version == version + 1))
}

/// How many entries there are.
fn version(connection: &Connection, run: RunId) -> Result<u64, StoreError> {
    let last: Option<EditRow> = row(
        connection,
        "reading edits",
        "SELECT payload FROM edits WHERE run = ?1 ORDER BY version DESC LIMIT 1",
        params![run.0.to_be_bytes()],
    )?;
    Ok(last.map_or(0, |last| last.version))
}

pub(super) fn after(connection: &Connection, run: RunId, after: u64, limit: u32) -> Result<Vec<EditRow>, StoreError> {
    rows(
        connection,
        "reading edits",
        "SELECT payload FROM edits WHERE run = ?1 AND version > ?2 ORDER BY version LIMIT ?3",
        params![run.0.to_be_bytes(), int(after), bounded(limit)],
    )
}
