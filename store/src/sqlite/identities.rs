//! Whose identities are. Partition: the identity.

use domain::id::{AccountId, Digest};
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{execute, row};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::IdentityRow;

pub(super) fn get(connection: &Connection, identity: Digest) -> Result<Option<IdentityRow>, StoreError> {
    let sql = "SELECT payload FROM identities WHERE identity = ?1";
    row(connection, "reading whose an identity is", sql, params![identity.0])
}

pub(super) fn claim(
    connection: &Connection,
    row: IdentityRow,
    expected_version: u64,
) -> Result<Cas<IdentityRow>, StoreError> {
    let there = get(connection, row.identity)?;
    if there.as_ref().map_or(0, |there| there.version) != expected_version {
        return Ok(Cas::Conflict(there));
    }
    put(connection, IdentityRow { version: expected_version + 1, ..row }).map(Cas::Applied)
}

pub(super) fn put(connection: &Connection, row: IdentityRow) -> Result<IdentityRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO identities (identity, payload) VALUES (?1, ?2)";
    execute(connection, "writing whose an identity is", sql, params![row.identity.0, encode(&row)?])?;
    Ok(row)
}

pub(super) fn release(connection: &Connection, identity: Digest, account: AccountId) -> Result<(), StoreError> {
    match get(connection, identity)? {
        Some(there) if there.account == account => {
            let sql = "DELETE FROM identities WHERE identity = ?1";
            execute(connection, "releasing an identity", sql, params![identity.0])
        }
        _ => Ok(()),
    }
}
