//! Event logs of projects. Partition: project.

use domain::id::ProjectId;
use domain::run::RunEvent;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{BATCH_MAX, EventAppend, EventHead};

pub(super) fn head(connection: &Connection, project: ProjectId) -> Result<EventHead, StoreError> {
    let head = row(
        connection,
        "reading the head of an event log",
        "SELECT payload FROM event_heads WHERE project = ?1",
        params![project.0.to_be_bytes()],
    )?;
    Ok(head.unwrap_or_else(EventHead::empty))
}

pub(super) fn append(connection: &Connection, append: EventAppend) -> Result<Cas<EventHead>, StoreError> {
    let mut head = head(connection, append.project)?;
    if head.relayed_through(append.run) >= append.through {
        return Ok(Cas::Applied(head));
    }
    if head.version != append.expected_version {
        return Ok(Cas::Conflict(Some(head)));
    }
    append.check(head.next_seq)?;
    let project = append.project.0.to_be_bytes();
    for event in &append.events {
        execute(
            connection,
            "appending to an event log",
            "INSERT INTO events (project, seq, payload) VALUES (?1, ?2, ?3)",
            params![project, int(event.seq), encode(event)?],
        )?;
    }
    head.version += 1;
    head.next_seq += append.events.len() as u64;
    head.relayed.insert(append.run, append.through);
    execute(
        connection,
        "moving the head of an event log",
        "INSERT OR REPLACE INTO event_heads (project, payload) VALUES (?1, ?2)",
        params![project, encode(&head)?],
    )?;
    Ok(Cas::Applied(head))
}

pub(super) fn after(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: u32,
) -> Result<Vec<RunEvent>, StoreError> {
    rows(
        connection,
        "reading an event log",
        "SELECT payload FROM events WHERE project = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        params![project.0.to_be_bytes(), int(after), bounded(limit)],
    )
}

pub(super) fn remove(connection: &Connection, project: ProjectId) -> Result<(), StoreError> {
    for sql in ["DELETE FROM events WHERE project = ?1", "DELETE FROM event_heads WHERE project = ?1"] {
        execute(connection, "removing an event log", sql, params![project.0.to_be_bytes()])?;
    }
    Ok(())
}

impl EventAppend {
    /// Refuses events that would leave a gap or a stranger in the log.
    fn check(&self, next_seq: u64) -> Result<(), StoreError> {
        let fits =
            |(event, seq): (&RunEvent, u64)| event.seq == seq && event.run == self.run && event.project == self.project;
        if self.events.len() > BATCH_MAX || !self.events.iter().zip(next_seq..).all(fits) {
            return Err(StoreError::Invalid {
                detail: format!(
                    "{} events for project {} do not follow on {} as events of run {}",
                    self.events.len(),
                    self.project,
                    next_seq - 1,
                    self.run
                ),
            });
        }
        Ok(())
    }
}
