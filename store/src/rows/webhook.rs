//! Addresses that are told of events.

use bincode::{Decode, Encode};
use domain::id::{ProjectId, RunId, TenantId, WebhookId};
use domain::webhook::{
    Delivery, OffReason, WEBHOOK_LOG_MAX, WEBHOOK_PROJECTS_MAX, WEBHOOK_URL_MAX_BYTES, WebhookEvents,
};

use crate::error::StoreError;

/// An address that is told of events. Partition: its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WebhookRow {
    /// The account that pays.
    pub tenant: TenantId,
    /// Its id.
    pub webhook: WebhookId,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// Where events are sent.
    pub url: String,
    /// The projects; all of the tenant's where none are named.
    pub projects: Option<Vec<ProjectId>>,
    /// Which events.
    pub events: WebhookEvents,
    /// When it was made, milliseconds since 1970 UTC. Shown, never decided from.
    pub created_ms: u64,
    /// Since when nothing is sent any more, milliseconds since 1970 UTC, and why.
    pub off: Option<(u64, OffReason)>,
    /// Since when no attempt went well, milliseconds since 1970 UTC: decided from, for days are counted through
    /// restarts. A clock that is wrong gives up too early or too late.
    pub failing_since_ms: Option<u64>,
    /// The event that is being delivered.
    pub pending: Option<PendingEvent>,
    /// The last attempts, newest first.
    pub log: Vec<Delivery>,
}

/// An event that is being delivered, or is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PendingEvent {
    /// The project.
    pub project: ProjectId,
    /// Its number in the project's log.
    pub seq: u64,
    /// When it was first sent, milliseconds since 1970 UTC. Shown, never decided from.
    pub first_ms: u64,
    /// Attempts so far, one that is under way among them.
    pub attempts: u32,
    /// Nobody sends it before this wall-clock time, milliseconds since 1970 UTC: whoever has begun an attempt has
    /// until then, and after a failure it is the pause.
    pub not_before_ms: u64,
}

/// How much of a project's log a webhook was told. Partition: the webhook's tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct WebhookMark {
    /// The last event that was told, or passed over.
    pub seq: u64,
    /// The run of that event, and a number for the state that it said: so that a change is told from progress.
    pub last: Option<(RunId, u8)>,
}

impl WebhookRow {
    /// What every adapter holds a row against before it writes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for more projects or attempts than a webhook may have, or too long an address.
    pub fn check(&self) -> Result<(), StoreError> {
        let invalid = |detail: &str| Err(StoreError::Invalid { detail: format!("webhook {}: {detail}", self.webhook) });
        if self.url.len() > WEBHOOK_URL_MAX_BYTES {
            return invalid("its address is too long");
        }
        if self.projects.as_ref().is_some_and(|projects| projects.len() > WEBHOOK_PROJECTS_MAX) {
            return invalid("it names too many projects");
        }
        if self.log.len() > WEBHOOK_LOG_MAX { invalid("it remembers too many attempts") } else { Ok(()) }
    }
}
