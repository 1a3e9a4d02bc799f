//! Who leads the scheduling: whoever holds the lease that is handed in here, for as long as it does.
//!
//! A leader that was stopped and wakes finds its lease run out and steps down; it leads again under a later
//! term once it has the lease again. One that follows another says so to all workers and cores: within a
//! collection window workers say what they run, which is taken over, and coordinators hand in again what is
//! outstanding.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cluster::body::workers::LeaderBegan;
use cluster::link::{Address, Wire};
use domain::id::Term;
use domain::scheduling::TermBegan;
use ractor::{Actor, ActorRef, pg};
use scheduler::Config;
use store::Records;
use store::rows::LeaseKey;
use tokio::sync::watch;

use super::recording::TraceSettings;
use super::shares::Shares;
use super::{SchedulerActor, SchedulerMessage, SchedulerStart};
use crate::clock::since_boot_ms;
use crate::entrance;
use crate::lease::{self, Held};

/// Pause after a store or an actor failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a leader that steps down may take to say what it knows of earlier terms.
const LAST_WORD: Duration = Duration::from_millis(200);

/// Where leadership comes from.
#[async_trait]
pub trait LeasePort: Send + Sync {
    /// Waits until leadership can be had, and takes it.
    ///
    /// # Errors
    /// One sentence; it is asked again later.
    async fn acquire(&self) -> Result<Box<dyn Leadership>, String>;
}

/// Leadership for one term. Dropping it lets it run out.
#[async_trait]
pub trait Leadership: Send + Sync {
    /// The term: above those of all earlier leaders.
    fn term(&self) -> Term;
    /// Returns once it is no longer held.
    async fn lost(&self);
    /// Gives it back, so that the next one need not wait.
    async fn release(self: Box<Self>);
}

/// Leadership by the lease in the records store.
pub struct StoredLease(pub Arc<dyn Records>);

#[async_trait]
impl LeasePort for StoredLease {
    async fn acquire(&self) -> Result<Box<dyn Leadership>, String> {
        let held = lease::acquire(self.0.clone(), LeaseKey::Scheduler).await.map_err(|e| e.to_string())?;
        Ok(Box::new(held))
    }
}

#[async_trait]
impl Leadership for Held {
    fn term(&self) -> Term {
        Held::term(self)
    }

    async fn lost(&self) {
        Held::lost(self).await;
    }

    async fn release(self: Box<Self>) {
        Held::release(*self).await;
    }
}

/// What a node leads with.
#[derive(Clone)]
pub struct Lead {
    /// Scope of the process groups.
    pub scope: String,
    /// How envelopes travel.
    pub wire: Wire,
    /// Limits and policy.
    pub config: Config,
    /// Where to record what the core is told.
    pub trace: Option<TraceSettings>,
    /// What is set for tenants while the node runs.
    pub shares: Shares,
}

/// Leads whenever it can, until `stopping` turns true; then gives leadership back.
pub async fn lead(port: Arc<dyn LeasePort>, with: Lead, mut stopping: watch::Receiver<bool>) {
    let mut past = Vec::new();
    loop {
        match once(port.as_ref(), &with, &mut past, &mut stopping).await {
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
    port: &dyn LeasePort,
    with: &Lead,
    past: &mut Vec<TermBegan>,
    stopping: &mut watch::Receiver<bool>,
) -> Result<bool, String> {
    let lease = tokio::select! {
        lease = port.acquire() => lease?,
        _ = stopping.wait_for(|stop| *stop) => return Ok(true),
    };
    let term = lease.term();
    let began = TermBegan { term, at_ms: since_boot_ms(), adopted_batches: 0, adopted_items: 0 };
    let actor = start(with, term, past.clone()).await?;
    let stop = tokio::select! {
        () = lease.lost() => false,
        stop = stopping.wait_for(|stop| *stop) => stop.is_ok(),
    };
    if let Ok(ractor::rpc::CallResult::Success(last)) = actor.call(SchedulerMessage::Snapshot, Some(LAST_WORD)).await {
        *past = if last.terms.is_empty() { vec![began] } else { last.terms };
    }
    tracing::info!(?term, stop, "leading the scheduling no more");
    // What it does after this is nobody's: its leases are of an older term.
    let _ = actor.stop_and_wait(Some("another term".to_owned()), Some(LAST_WORD)).await;
    if stop {
        lease.release().await;
    }
    Ok(stop)
}

async fn start(with: &Lead, term: Term, past: Vec<TermBegan>) -> Result<ActorRef<SchedulerMessage>, String> {
    let Lead { scope, wire, config, trace, shares } = with.clone();
    // The first one of all has nobody's work to take over.
    let follows = (term.n > 1 || !past.is_empty()).then_some(past);
    let follower = follows.is_some();
    let start = SchedulerStart { scope: scope.clone(), term, config, wire, follows, trace, shares };
    let (actor, _) = Actor::spawn(None, SchedulerActor, start).await.map_err(|e| e.to_string())?;
    let name = format!("scheduler-{scope}-{}-{}", term.incarnation, term.n);
    entrance::open(&scope, entrance::SCHEDULER, name, &actor, wire).await.map_err(|e| e.to_string())?;
    tracing::info!(?term, follower, "leading the scheduling");
    for group in [entrance::WORKER, entrance::CORE] {
        for member in pg::get_scoped_members(&scope, &group.to_owned()) {
            Address::new(ActorRef::from(member), wire).cast(LeaderBegan { term }, term);
        }
    }
    Ok(actor)
}
