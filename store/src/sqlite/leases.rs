//! Leases. Partition: the run's, or the scheduler's own.

use domain::id::Term;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{execute, row};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{LeaseKey, LeaseRow, OwnerId};

pub(super) fn get(connection: &Connection, key: LeaseKey) -> Result<Option<LeaseRow>, StoreError> {
    row(connection, "reading a lease", "SELECT payload FROM leases WHERE key = ?1", params![bytes(key)])
}

pub(super) fn take(
    connection: &Connection,
    incarnation: u64,
    key: LeaseKey,
    seen: Option<LeaseRow>,
    owner: OwnerId,
) -> Result<Cas<LeaseRow>, StoreError> {
    if owner == OwnerId::NOBODY {
        return Err(StoreError::Invalid { detail: "nobody can't take a lease".into() });
    }
    let there = get(connection, key)?;
    if there != seen {
        return Ok(Cas::Conflict(there));
    }
    let first = Term { incarnation, n: 1 };
    let term = there.map_or(first, |lease| lease.term.next().max(first));
    put(connection, key, LeaseRow { owner, term, renewals: 0 }).map(Cas::Applied)
}

pub(super) fn renew(connection: &Connection, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
    match get(connection, key)? {
        Some(there) if there == mine && !mine.is_free() => {
            put(connection, key, LeaseRow { renewals: mine.renewals + 1, ..mine }).map(Cas::Applied)
        }
        there => Ok(Cas::Conflict(there)),
    }
}

pub(super) fn release(connection: &Connection, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
    match get(connection, key)? {
        // However many renewals were in flight: the term is the holder's own.
        Some(there) if there.fence() == mine.fence() && !mine.is_free() => {
            put(connection, key, LeaseRow { owner: OwnerId::NOBODY, ..there }).map(Cas::Applied)
        }
        there => Ok(Cas::Conflict(there)),
    }
}

pub(super) fn remove(connection: &Connection, key: LeaseKey) -> Result<(), StoreError> {
    execute(connection, "removing a lease", "DELETE FROM leases WHERE key = ?1", params![bytes(key)])
}

fn put(connection: &Connection, key: LeaseKey, lease: LeaseRow) -> Result<LeaseRow, StoreError> {
    execute(
        connection,
        "writing a lease",
        "INSERT OR REPLACE INTO leases (key, payload) VALUES (?1, ?2)",
        params![bytes(key), encode(&lease)?],
    )?;
    Ok(lease)
}

fn bytes(key: LeaseKey) -> Vec<u8> {
    match key {
        LeaseKey::Run(run) => [b"run".as_slice(), &run.0.to_be_bytes()].concat(),
        LeaseKey::Scheduler => b"scheduler".to_vec(),
    }
}
