//! Intents. Partition: shard.

use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, rows};
use crate::error::StoreError;
use crate::rows::{INTENT_SHARDS, IntentRow};

pub(super) fn put(connection: &Connection, row: &IntentRow) -> Result<(), StoreError> {
    if row.shard >= INTENT_SHARDS {
        return Err(StoreError::Invalid { detail: format!("shard {} of {INTENT_SHARDS}", row.shard) });
    }
    execute(
        connection,
        "putting an intent",
        "INSERT OR REPLACE INTO intents (shard, id, created_ms, payload) VALUES (?1, ?2, ?3, ?4)",
        params![row.shard, row.id.to_be_bytes(), int(row.created_ms), encode(row)?],
    )
}

pub(super) fn list(connection: &Connection, shard: u16, limit: u32) -> Result<Vec<IntentRow>, StoreError> {
    rows(
        connection,
        "listing intents",
        "SELECT payload FROM intents WHERE shard = ?1 ORDER BY created_ms, id LIMIT ?2",
        params![shard, bounded(limit)],
    )
}

pub(super) fn remove(connection: &Connection, shard: u16, id: u128) -> Result<(), StoreError> {
    execute(
        connection,
        "removing an intent",
        "DELETE FROM intents WHERE shard = ?1 AND id = ?2",
        params![shard, id.to_be_bytes()],
    )
}
