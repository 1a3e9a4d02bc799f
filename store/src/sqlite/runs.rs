//! Runs, with their segments and outboxes. Partition: run.

use domain::id::RunId;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, leases, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{
    BATCH_MAX, Fence, LeaseKey, LeaseRow, NewSegment, OutboxEvent, OutboxRow, RunConflict, RunRow, RunUpdate,
    SEGMENTS_MAX, SegmentRow,
};

pub(super) fn get(connection: &Connection, run: RunId) -> Result<Option<RunRow>, StoreError> {
    row(connection, "reading a run", "SELECT payload FROM runs WHERE run = ?1", params![run.0.to_be_bytes()])
}

pub(super) fn insert(
    connection: &Connection,
    row: RunRow,
    events: Vec<OutboxEvent>,
) -> Result<Cas<RunRow>, StoreError> {
    check_batch(events.len())?;
    if let Some(there) = get(connection, row.run)? {
        return Ok(Cas::Conflict(Some(there)));
    }
    let row = RunRow { version: 1, segments: 0, outbox_next: 1, ..row };
    write(connection, row, Vec::new(), events).map(Cas::Applied)
}

pub(super) fn update(connection: &Connection, update: RunUpdate) -> Result<Cas<RunRow, RunConflict>, StoreError> {
    check_batch(update.segments.len() + update.events.len())?;
    let run = update.row.run;
    let Some(there) = get(connection, run)? else { return Ok(Cas::Conflict(RunConflict::Gone)) };
    if let Some(fence) = update.fence {
        let lease = leases::get(connection, LeaseKey::Run(run))?;
        if !holds(fence, lease) {
            return Ok(Cas::Conflict(RunConflict::Fenced(lease)));
        }
    }
    if there.version != update.expected_version {
        return Ok(Cas::Conflict(RunConflict::Version(Box::new(there))));
    }
    let row =
        RunRow { version: there.version + 1, segments: there.segments, outbox_next: there.outbox_next, ..update.row };
    write(connection, row, update.segments, update.events).map(Cas::Applied)
}

pub(super) fn segments(connection: &Connection, run: RunId) -> Result<Vec<SegmentRow>, StoreError> {
    rows(
        connection,
        "listing segments",
        "SELECT payload FROM segments WHERE run = ?1 ORDER BY seq LIMIT ?2",
        params![run.0.to_be_bytes(), SEGMENTS_MAX],
    )
}

pub(super) fn outbox(
    connection: &Connection,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    rows(
        connection,
        "reading an outbox",
        "SELECT payload FROM outbox WHERE run = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
        params![run.0.to_be_bytes(), int(after), bounded(limit)],
    )
}

pub(super) fn outbox_trim(connection: &Connection, run: RunId, through: u64) -> Result<(), StoreError> {
    execute(
        connection,
        "trimming an outbox",
        "DELETE FROM outbox WHERE run = ?1 AND position <= ?2",
        params![run.0.to_be_bytes(), int(through)],
    )
}

pub(super) fn remove(connection: &Connection, run: RunId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM segments WHERE run = ?1",
        "DELETE FROM outbox WHERE run = ?1",
        "DELETE FROM edits WHERE run = ?1",
        "DELETE FROM runs WHERE run = ?1",
    ] {
        execute(connection, "removing a run", sql, params![run.0.to_be_bytes()])?;
    }
    leases::remove(connection, LeaseKey::Run(run))
}

fn holds(fence: Fence, lease: Option<LeaseRow>) -> bool {
    lease.is_some_and(|lease| !lease.is_free() && lease.fence() == fence)
}

fn check_batch(size: usize) -> Result<(), StoreError> {
    if size > BATCH_MAX {
        return Err(StoreError::Invalid { detail: format!("a batch of {size}; {BATCH_MAX} is the most") });
    }
    Ok(())
}

/// Writes the row with its new segments and events, numbering them.
fn write(
    connection: &Connection,
    mut row: RunRow,
    segments: Vec<NewSegment>,
    events: Vec<OutboxEvent>,
) -> Result<RunRow, StoreError> {
    let run = row.run.0.to_be_bytes();
    for segment in segments {
        if row.segments >= SEGMENTS_MAX {
            return Err(StoreError::PartitionFull { partition: "segments of a run", limit: SEGMENTS_MAX.into() });
        }
        let segment = SegmentRow { seq: row.segments, segment };
        execute(
            connection,
            "naming a segment",
            "INSERT INTO segments (run, seq, payload) VALUES (?1, ?2, ?3)",
            params![run, segment.seq, encode(&segment)?],
        )?;
        row.segments += 1;
    }
    for event in events {
        let event = OutboxRow { position: row.outbox_next, event };
        execute(
            connection,
            "writing to an outbox",
            "INSERT INTO outbox (run, position, payload) VALUES (?1, ?2, ?3)",
            params![run, int(event.position), encode(&event)?],
        )?;
        row.outbox_next += 1;
    }
    execute(
        connection,
        "writing a run",
        "INSERT OR REPLACE INTO runs (run, payload) VALUES (?1, ?2)",
        params![run, encode(&row)?],
    )?;
    Ok(row)
}
