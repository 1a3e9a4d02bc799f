//! Addresses that are told of events.

use cluster::body::keyed::CreateWebhookAs;
use cluster::body::webhooks::{
    CreateWebhook, GetWebhookSecrets, ListWebhooks, PatchWebhook, ReadWebhook, RemoveWebhook,
};
use domain::id::WebhookId;
use domain::webhook::{WebhookList, WebhookPatch, WebhookRequest, WebhookSecrets};
use warp::http::StatusCode;
use warp::reply::Response;

use super::Request;
use super::handlers::{empty, json, located};
use super::problem::ApiError;

type Result<T = Response> = std::result::Result<T, ApiError>;

/// `GET /api/v1/webhooks`
pub async fn list(request: Request) -> Result {
    let ask = ListWebhooks { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &WebhookList { webhooks: reply.webhooks }))
}

/// `POST /api/v1/webhooks`
pub async fn create(mut request: Request) -> Result {
    let asked: WebhookRequest = request.json().await?;
    let ask = CreateWebhook { principal: request.principal, request: asked };
    let (core, context) = (&request.gateway.core, request.context());
    let reply = match request.made {
        Some(id) => core.call(CreateWebhookAs { webhook: WebhookId(id), ask }, context).await?,
        None => core.call(ask, context).await?,
    };
    let location = format!("/api/v1/webhooks/{}", reply.webhook.id);
    Ok(located(json(StatusCode::CREATED, &reply.webhook), &location))
}

/// `GET /api/v1/webhooks/{webhook}`
pub async fn get(request: Request) -> Result {
    let ask = ReadWebhook { principal: request.principal, webhook: request.path_id(0)? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.webhook))
}

/// `PATCH /api/v1/webhooks/{webhook}`
pub async fn patch(mut request: Request) -> Result {
    let patch: WebhookPatch = request.json().await?;
    let ask = PatchWebhook { principal: request.principal, webhook: request.path_id(0)?, patch };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.webhook))
}

/// `DELETE /api/v1/webhooks/{webhook}`
pub async fn remove(request: Request) -> Result {
    let ask = RemoveWebhook { principal: request.principal, webhook: request.path_id(0)? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `GET /api/v1/webhooks/{webhook}/secrets`
pub async fn secrets(request: Request) -> Result {
    let ask = GetWebhookSecrets { principal: request.principal, webhook: request.path_id(0)? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &WebhookSecrets { secrets: reply.secrets }))
}
