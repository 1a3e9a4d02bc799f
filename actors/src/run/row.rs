//! A run's row, moved by compare-and-set under the run's lease.

use std::sync::Arc;

use domain::run::RunState;
use store::Cas;
use store::rows::{LeaseKey, NewSegment, OutboxEvent, RunConflict, RunRow, RunUpdate};

use super::{Halt, RunContext, RunName};
use crate::clock::wall_ms;
use crate::lease::{self, Held};
use crate::relay::relay;

/// Tries after an outcome that is not known.
const MAX_TRIES: u32 = 5;

/// A run's row in the hands of the one coordinator that may change it.
pub struct OwnedRun {
    context: Arc<RunContext>,
    name: RunName,
    lease: Held,
    row: RunRow,
}

impl OwnedRun {
    /// Takes the run's lease, then reads its row.
    pub async fn take(context: Arc<RunContext>, name: RunName) -> Result<Self, Halt> {
        let lease = lease::acquire(context.records.clone(), LeaseKey::Run(name.run)).await?;
        let row = context.records.run_get(name.run).await?.ok_or(Halt::Lost)?;
        Ok(Self { context, name, lease, row })
    }

    /// The row as it stands.
    pub fn row(&self) -> &RunRow {
        &self.row
    }

    /// The lease that it is held under.
    pub fn lease(&self) -> &Held {
        &self.lease
    }

    /// Changes the row, names new segments, and tells those who follow: all or nothing.
    ///
    /// After an outcome that is not known the row itself is asked: it carries a version that only this
    /// holder can have written.
    pub async fn update(&mut self, change: impl Fn(&mut RunRow), segments: Vec<NewSegment>) -> Result<(), Halt> {
        let mut wanted = self.row.clone();
        change(&mut wanted);
        if wanted.state.is_final() {
            wanted.ended_ms = wanted.ended_ms.or_else(|| Some(wall_ms()));
        }
        let event = OutboxEvent { state: wanted.state.clone(), progress: wanted.progress };
        for tried in 0..MAX_TRIES {
            let update = RunUpdate {
                row: wanted.clone(),
                expected_version: self.row.version,
                fence: Some(self.lease.fence()),
                segments: segments.clone(),
                events: vec![event.clone()],
            };
            match self.context.records.run_update(update).await? {
                Cas::Applied(row) => return self.changed(row).await,
                // The try before this one did happen. A cancellation from outside would show in the state.
                Cas::Conflict(RunConflict::Version(row))
                    if tried > 0 && row.version == self.row.version + 1 && row.state == wanted.state =>
                {
                    return self.changed(*row).await;
                }
                Cas::Conflict(_) => return Err(Halt::Lost),
                Cas::Unknown(error) => tracing::warn!(%error, run = %self.name.run, "outcome of an update unknown"),
            }
        }
        Err(Halt::Later(cluster::body::Fault::new("store-timeout", "the store gives no certain answer")))
    }

    async fn changed(&mut self, row: RunRow) -> Result<(), Halt> {
        self.row = row;
        let (records, bells) = (self.context.records.as_ref(), &self.context.bells);
        Ok(relay(records, bells, self.name.scope.project, self.name.run).await?)
    }

    /// Reads the row anew: after an update that was broken off, nobody knows whether it happened.
    pub async fn refresh(&mut self) -> Result<(), Halt> {
        self.row = self.context.records.run_get(self.name.run).await?.ok_or(Halt::Lost)?;
        Ok(())
    }

    /// Moves the run to another state.
    pub async fn move_to(&mut self, state: RunState) -> Result<(), Halt> {
        self.update(|row| row.state = state.clone(), Vec::new()).await
    }

    /// Gives the lease back.
    pub async fn release(self) {
        self.lease.release().await;
    }
}
