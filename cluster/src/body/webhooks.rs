//! Gateway ↔ core: addresses that are told of what happens to runs.

use bincode::{Decode, Encode};
use domain::id::WebhookId;
use domain::principal::Principal;
use domain::webhook::{Webhook, WebhookPatch, WebhookRequest, WebhookSecret};

/// Tell an address of events from now on.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct CreateWebhook {
    /// Who asks.
    pub principal: Principal,
    /// What is to be told where.
    pub request: WebhookRequest,
}

/// The webhooks of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListWebhooks {
    /// Who asks.
    pub principal: Principal,
}

/// One webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadWebhook {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub webhook: WebhookId,
}

/// Change a webhook, or switch it on or off.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct PatchWebhook {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub webhook: WebhookId,
    /// What is to be otherwise.
    pub patch: WebhookPatch,
}

/// Tell an address nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RemoveWebhook {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub webhook: WebhookId,
}

/// What a webhook's deliveries are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GetWebhookSecrets {
    /// Who asks.
    pub principal: Principal,
    /// Which one.
    pub webhook: WebhookId,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WebhookReply {
    /// As it stands.
    pub webhook: Webhook,
}

/// Webhooks.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WebhooksReply {
    /// Oldest first.
    pub webhooks: Vec<Webhook>,
}

/// Secrets of a webhook.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct WebhookSecretsReply {
    /// The newest first.
    pub secrets: Vec<WebhookSecret>,
}
