//! Holding and taking over leases without a wall clock.
//!
//! A holder stops itself 1.5 s after it *sent* its last renewal that succeeded; a challenger takes over
//! after it saw the lease unchanged for 2 s. Both count by their own time since boot, so no two clocks are
//! ever compared, and a holder is always gone before its challenger begins.

use std::sync::Arc;
use std::time::Duration;

use domain::id::Term;
use store::rows::{Fence, LeaseKey, LeaseRow, OwnerId};
use store::{Cas, Records, StoreError};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::clock::since_boot;

/// How long a lease holds after the renewal that was sent last.
pub const HOLD: Duration = Duration::from_millis(1_500);
/// How long a challenger must see no change.
pub const CHALLENGE: Duration = Duration::from_millis(2_000);
/// How often a holder renews.
const RENEW: Duration = Duration::from_millis(400);
/// How often a challenger looks.
const LOOK: Duration = Duration::from_millis(100);

/// A lease that is held. Dropping it stops the renewals; [`Held::release`] also tells the others.
pub struct Held {
    records: Arc<dyn Records>,
    key: LeaseKey,
    fence: Fence,
    lost: watch::Receiver<bool>,
    stop: Option<oneshot::Sender<()>>,
    keeper: tokio::task::JoinHandle<LeaseRow>,
}

impl Held {
    /// What a conditional write must still find.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The term that this holder writes under.
    pub fn term(&self) -> Term {
        self.fence.term
    }

    /// Returns once the lease is no longer held.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Gives the lease back, so that the next one need not wait. If that fails, it waits: no harm done.
    pub async fn release(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let Ok(row) = (&mut self.keeper).await else { return };
        if let Err(error) = self.records.lease_release(self.key, row).await {
            tracing::debug!(%error, key = ?self.key, "a lease was left to run out");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Takes a lease: at once if it is free, else after its holder was silent for [`CHALLENGE`].
///
/// # Errors
/// Whatever the store says; the caller tries again later.
pub async fn acquire(records: Arc<dyn Records>, key: LeaseKey) -> Result<Held, StoreError> {
    let owner = OwnerId(uuid::Uuid::new_v4().as_u128());
    let mut seen: Option<LeaseRow> = records.lease_get(key).await?;
    let mut since = since_boot();
    let mut doubtful = Duration::ZERO;
    loop {
        let free = seen.is_none_or(|row| row.is_free());
        if free || since_boot().saturating_sub(since) >= CHALLENGE {
            let sent = since_boot();
            match records.lease_take(key, seen, owner).await? {
                Cas::Applied(row) => return Ok(keep(records, key, row, sent)),
                Cas::Conflict(_) => {}
                Cas::Unknown(error) => {
                    tracing::warn!(%error, ?key, "whether a lease was taken is unknown");
                    doubtful = sent;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
        let now = records.lease_get(key).await?;
        if let Some(row) = now.filter(|row| row.owner == owner) {
            // Our own take, of unknown outcome, did happen: it counts from when it was sent.
            if since_boot() < doubtful + HOLD {
                return Ok(keep(records, key, row, doubtful));
            }
        }
        if now != seen {
            (seen, since) = (now, since_boot());
        }
    }
}

fn keep(records: Arc<dyn Records>, key: LeaseKey, row: LeaseRow, sent: Duration) -> Held {
    let (stop, stopped) = oneshot::channel();
    let (tell, lost) = watch::channel(false);
    let keeper = tokio::spawn(renew(records.clone(), key, row, sent, stopped, tell));
    Held { records, key, fence: row.fence(), lost, stop: Some(stop), keeper }
}

async fn renew(
    records: Arc<dyn Records>,
    key: LeaseKey,
    mut row: LeaseRow,
    sent: Duration,
    mut stopped: oneshot::Receiver<()>,
    tell: watch::Sender<bool>,
) -> LeaseRow {
    let mut until = sent + HOLD;
    loop {
        tokio::select! {
            _ = &mut stopped => return row,
            () = tokio::time::sleep(RENEW) => {}
        }
        let sent = since_boot();
        let left = until.saturating_sub(sent);
        match timeout(left, records.lease_renew(key, row)).await {
            Ok(Ok(Cas::Applied(renewed))) => (row, until) = (renewed, sent + HOLD),
            Ok(Ok(Cas::Conflict(_))) => break,
            // It may have happened: what the row says now decides.
            Ok(Ok(Cas::Unknown(_)) | Err(_)) => {
                if let Ok(Ok(Some(now))) = timeout(left, records.lease_get(key)).await
                    && now.fence() == row.fence()
                {
                    row = now;
                }
            }
            Err(_) => {}
        }
        if since_boot() >= until {
            break;
        }
    }
    tracing::warn!(?key, term = ?row.term, "a lease was lost");
    let _ = tell.send(true);
    row
}
