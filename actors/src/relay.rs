//! From a run's outbox to its project's event log, and on to those who wait.
//!
//! A run's row and its outbox change together; the log of a project is another partition. The relay carries
//! events over and numbers them; the log's head says how far each run's outbox was carried, so that carrying
//! twice adds nothing, and a crash in between loses nothing.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ProjectId, RunId};
use domain::run::RunEvent;
use store::rows::EventAppend;
use store::{Cas, Records, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::rings::Rings;

/// Events carried over at a time.
const PAGE: u32 = 256;
/// Rounds before the relay leaves the rest to the next one.
const MAX_ROUNDS: u32 = 64;
/// Waiters are spread over this many bells, so that a busy project wakes few others.
const BELLS: usize = 64;

/// Rings when a project's log may have grown. A ring says nothing; the log does.
#[derive(Clone)]
pub struct Bells(Arc<Vec<watch::Sender<u64>>>, Rings);

impl Default for Bells {
    fn default() -> Self {
        Self(Arc::new((0..BELLS).map(|_| watch::channel(0).0).collect()), Rings::default())
    }
}

impl Bells {
    fn of(&self, project: ProjectId) -> &watch::Sender<u64> {
        &self.0[(project.0 % BELLS as u128) as usize]
    }

    /// Wakes whoever waits for the project's events.
    pub fn ring(&self, project: ProjectId) {
        self.of(project).send_modify(|count| *count = count.wrapping_add(1));
        self.1.ring(project);
    }

    /// Which projects rang lately, for those who follow many.
    pub fn rings(&self) -> &Rings {
        &self.1
    }
}

/// Carries all events of a run's outbox over to its project's log.
///
/// # Errors
/// Whatever the store says; nothing is lost by trying again.
pub async fn relay(records: &dyn Records, bells: &Bells, project: ProjectId, run: RunId) -> Result<(), StoreError> {
    for _ in 0..MAX_ROUNDS {
        let head = records.events_head(project).await?;
        let rows = records.outbox(run, head.relayed_through(run), PAGE).await?;
        let Some(last) = rows.last() else {
            // An append whose outcome was not known may be what emptied it.
            bells.ring(project);
            return Ok(());
        };
        let through = last.position;
        let numbered = (head.next_seq..).zip(rows);
        let events = numbered.map(|(seq, row)| RunEvent {
            seq,
            project,
            run,
            state: row.event.state,
            progress: row.event.progress,
        });
        let append = EventAppend { project, expected_version: head.version, run, through, events: events.collect() };
        match records.events_append(append).await? {
            Cas::Applied(_) => {
                store::failpoint::pass("a run's events are relayed");
                bells.ring(project);
                records.outbox_trim(run, through).await?;
            }
            // Another relay was faster, or it is not known: the head tells on the next round.
            Cas::Conflict(_) | Cas::Unknown(_) => {}
        }
    }
    Ok(())
}

/// Events after a sequence number, waiting for the first one until `wait` is over.
///
/// # Errors
/// Whatever the store says.
pub async fn events_after(
    records: &dyn Records,
    bells: &Bells,
    project: ProjectId,
    after: u64,
    limit: u32,
    wait: Duration,
) -> Result<Vec<RunEvent>, StoreError> {
    let until = Instant::now() + wait;
    let mut bell = bells.of(project).subscribe();
    loop {
        // Looked at first, so that a ring between the question and the wait is not missed.
        bell.mark_unchanged();
        let events = records.events_after(project, after, limit).await?;
        if !events.is_empty() || Instant::now() >= until {
            return Ok(events);
        }
        let _ = tokio::time::timeout_at(until, bell.changed()).await;
    }
}
