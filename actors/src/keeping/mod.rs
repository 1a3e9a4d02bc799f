//! Looking after what is kept: backups, blobs that nothing names, how the stores stand, small pictures of covers.
//!
//! | module | holds |
//! |---|---|
//! | here | what all of it shares |
//! | [`backups`] | an archive of all that the core keeps, as a stream |
//! | [`jobs`] | how far a backup or a sweep is |
//! | `named` | the blobs that rows name |
//! | [`sweep`] | removing those that nothing names |
//! | [`health`] | how the stores stand; migrations |
//! | [`covers`] | the covers of books, made small |

pub mod backups;
pub mod covers;
pub mod health;
pub mod jobs;
mod named;
pub mod sweep;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::health::SweepTotals;
use jobs::JobBoard;
use store::Cache;
use tokio::sync::Semaphore;

/// What looks after what is kept.
pub struct Keeping {
    /// What may be lost at any time.
    pub cache: Arc<dyn Cache>,
    /// How often blobs that nothing names are looked for.
    pub sweep_every: Duration,
    /// Blobs that changed within it are left: somebody may be about to name them.
    pub grace: Duration,
    /// The shortest grace that may be asked for: nothing only where nobody writes.
    pub grace_min: Duration,
    /// How far long jobs are.
    pub jobs: JobBoard,
    totals: Mutex<SweepTotals>,
    one_sweep: Semaphore,
}

impl Keeping {
    /// Keeps with `cache`, and sweeps so often, leaving what is younger than `grace`.
    pub fn new(cache: Arc<dyn Cache>, sweep_every: Duration, grace: Duration, grace_min: Duration) -> Self {
        let (jobs, totals, one_sweep) = (JobBoard::default(), Mutex::default(), Semaphore::new(1));
        Self { cache, sweep_every, grace, grace_min, jobs, totals, one_sweep }
    }

    /// The same where others write meanwhile: no shorter grace may be asked for.
    #[must_use]
    pub fn with_grace_min(self, grace_min: Duration) -> Self {
        Self { grace_min, ..self }
    }

    /// What sweeping has removed since the node started.
    pub fn swept(&self) -> SweepTotals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
