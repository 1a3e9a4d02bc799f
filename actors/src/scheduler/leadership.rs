//! Who leads the scheduling: whoever holds the scheduler's lease, for as long as it does.
//!
//! A leader that was stopped and wakes finds its lease run out and steps down; it leads again under a later
//! term once it has the lease again. Workers present themselves every second and coordinators hand in
//! again what brings no results, so a new leader finds out by itself what there is to do.

use std::sync::Arc;
use std::time::Duration;

use cluster::link::Wire;
use ractor::{Actor, ActorRef};
use store::Records;
use store::rows::LeaseKey;
use tokio::sync::watch;

use super::{SchedulerActor, SchedulerMessage, SchedulerStart};
use crate::entrance;
use crate::lease::{self, Held};

/// Pause after a store or an actor failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Leads whenever the lease can be had, until `stopping` turns true; then gives it back.
pub async fn lead(records: Arc<dyn Records>, scope: String, wire: Wire, mut stopping: watch::Receiver<bool>) {
    loop {
        match once(&records, &scope, wire, &mut stopping).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error, "this node can't lead the scheduling now");
                // Cut short by the node's stop, which the next round then finds at once.
                let _ = tokio::time::timeout(PAUSE, stopping.wait_for(|stop| *stop)).await;
            }
        }
    }
}

/// Leads for one term; true if the node stops.
async fn once(
    records: &Arc<dyn Records>,
    scope: &str,
    wire: Wire,
    stopping: &mut watch::Receiver<bool>,
) -> Result<bool, String> {
    let lease = tokio::select! {
        lease = lease::acquire(records.clone(), LeaseKey::Scheduler) => lease.map_err(|e| e.to_string())?,
        _ = stopping.wait_for(|stop| *stop) => return Ok(true),
    };
    let actor = start(scope, wire, &lease).await?;
    tracing::info!(term = ?lease.term(), "leading the scheduling");
    let stop = tokio::select! {
        () = lease.lost() => false,
        stop = stopping.wait_for(|stop| *stop) => stop.is_ok(),
    };
    actor.stop(Some("another term".to_owned()));
    if stop {
        lease.release().await;
    }
    Ok(stop)
}

async fn start(scope: &str, wire: Wire, lease: &Held) -> Result<ActorRef<SchedulerMessage>, String> {
    let term = lease.term();
    let config = scheduler::Config::default();
    let start = SchedulerStart { scope: scope.to_owned(), term, config, wire };
    let (actor, _) = Actor::spawn(None, SchedulerActor, start).await.map_err(|e| e.to_string())?;
    let name = format!("scheduler-{scope}-{}-{}", term.incarnation, term.n);
    entrance::open(scope, entrance::SCHEDULER, name, &actor, wire).await.map_err(|e| e.to_string())?;
    Ok(actor)
}
