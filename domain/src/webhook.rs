//! Addresses that are told of what happens to runs.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{ProjectId, WebhookId};
use crate::run::{RunEvent, RunState, Stage};

/// Webhooks that a tenant may have.
pub const WEBHOOKS_MAX: usize = 32;
/// Projects that one webhook may name.
pub const WEBHOOK_PROJECTS_MAX: usize = 100;
/// Longest address, bytes.
pub const WEBHOOK_URL_MAX_BYTES: usize = 2_048;
/// Attempts that a webhook remembers.
pub const WEBHOOK_LOG_MAX: usize = 20;

/// Which events are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebhookEvents {
    /// A run begins, comes to another stage, or ends.
    #[default]
    States,
    /// Whatever a project's event log holds: progress too.
    All,
}

/// A webhook to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where events are sent: `https`, at most 2,048 bytes, without user or password.
    pub url: String,
    /// The projects, at most 100; all of the tenant's, those to come too, where none are named.
    #[serde(default)]
    pub projects: Option<Vec<ProjectId>>,
    /// Which events.
    #[serde(default)]
    pub events: WebhookEvents,
}

/// What is to be otherwise with a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct WebhookPatch {
    /// Another address.
    pub url: Option<String>,
    /// Other events.
    pub events: Option<WebhookEvents>,
    /// `false` switches it off; `true` on again, and it goes on with what it missed.
    pub active: Option<bool>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: String,
    /// The projects; all where none are named.
    pub projects: Option<Vec<ProjectId>>,
    /// Which events.
    pub events: WebhookEvents,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// How it does.
    pub standing: WebhookStanding,
    /// The last attempts, newest first: at most 20.
    pub deliveries: Vec<Delivery>,
}

/// How a webhook does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "standing")]
pub enum WebhookStanding {
    /// The last attempt, if there was one, went well.
    Active,
    /// An event could not be delivered yet; it is tried again.
    Failing {
        /// Since when, milliseconds since 1970 UTC.
        since_ms: u64,
        /// Attempts at the event that waits.
        attempts: u32,
        /// When the next one comes, milliseconds since 1970 UTC.
        next_attempt_ms: u64,
    },
    /// Nothing is sent any more.
    Off {
        /// Since when, milliseconds since 1970 UTC.
        since_ms: u64,
        /// Why.
        reason: OffReason,
    },
}

/// Why a webhook is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OffReason {
    /// Somebody switched it off.
    Asked,
    /// It failed for too long.
    Failing,
    /// The address answered 410: there will be nothing there any more.
    Gone,
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Which attempt at this event, from 1.
    pub attempt: u32,
    /// How long it took, milliseconds.
    pub took_ms: u32,
    /// What the address answered; nothing if it did not.
    pub status: Option<u16>,
    /// What went wrong: a stable code; nothing if all went well.
    pub problem: Option<String>,
}

/// What deliveries are signed with, under one of the node's keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookSecret {
    /// The node's key that it is derived from.
    pub key_id: String,
    /// `whsec_` and 32 bytes in Base64.
    pub secret: String,
}

/// Answer to a list request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookList {
    /// Oldest first.
    pub webhooks: Vec<Webhook>,
}

/// Secrets of a webhook: one for each key that the node still has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookSecrets {
    /// The newest first.
    pub secrets: Vec<WebhookSecret>,
}

/// What is sent to the address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// The same each time that this event is sent.
    pub id: String,
    /// Such as `run.ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was first sent, milliseconds since 1970 UTC.
    pub timestamp: u64,
    /// The event, as the project's log has it.
    pub data: RunEvent,
}

impl WebhookEvent {
    /// The id of an event of a project's log.
    pub fn id_of(event: &RunEvent) -> String {
        format!("evt_{}_{}", event.project, event.seq)
    }

    /// The type of an event: by the state that the run is in.
    pub fn kind_of(state: &RunState) -> &'static str {
        match state {
            RunState::Received => "run.received",
            RunState::Working { stage: Stage::Reading } => "run.reading",
            RunState::Working { stage: Stage::Understanding } => "run.understanding",
            RunState::Working { stage: Stage::Composing } => "run.composing",
            RunState::Ready => "run.ready",
            RunState::Failed { .. } => "run.failed",
            RunState::Cancelled => "run.cancelled",
        }
    }
}
