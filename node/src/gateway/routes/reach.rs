//! Routes of texts that are analysed by themselves, of webhooks, and of those who follow many projects.

use domain::analysis::{Analysis, AnalysisRequest};
use domain::follow::{FollowedMessage, FollowerMessage};
use domain::webhook::{Webhook, WebhookList, WebhookPatch, WebhookRequest, WebhookSecrets};
use warp::http::Method;

use super::super::{analyses, follow, webhooks};
use super::{CHANGE, Content, NO_BODY, Permission, Rate, Route, RouteLimits, SMALL_BODY, THOROUGH, schema};

/// A text. Somebody waits for the answer, and the devices may be busy.
const TEXT: RouteLimits = RouteLimits { body_bytes: Some(TEXT_BODY_BYTES), deadline_ms: 60_000, rate: Rate::Costly };
/// A text of 4 MiB as JSON, where control characters and others take up to six bytes.
const TEXT_BODY_BYTES: u64 = 8 << 20;

/// The routes.
#[rustfmt::skip]
pub(super) fn routes() -> Vec<Route> {
    use Content::{Empty, Json, JsonOrLater, MergePatch, WebSocket};
    use Permission::{ProjectRead, Tenant};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "listWebhooks", method: get(), path: "/api/v1/webhooks", about: "The addresses that are told of events.",
            permission: Tenant, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<WebhookList>)), handler: handler!(webhooks::list) },
        Route { id: "createWebhook", method: post(), path: "/api/v1/webhooks", about: "Tell an address of the runs' events from now on.",
            permission: Tenant, limits: SMALL_BODY, params: &[], request: Json(schema::<WebhookRequest>), response: (201, Json(schema::<Webhook>)), handler: handler!(webhooks::create) },
        Route { id: "getWebhook", method: get(), path: "/api/v1/webhooks/{webhook}", about: "One webhook, with its last deliveries.",
            permission: Tenant, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<Webhook>)), handler: handler!(webhooks::get) },
        Route { id: "changeWebhook", method: Method::PATCH, path: "/api/v1/webhooks/{webhook}", about: "Change a webhook, or switch it on or off.",
            permission: Tenant, limits: SMALL_BODY, params: &[], request: MergePatch(schema::<WebhookPatch>), response: (200, Json(schema::<Webhook>)), handler: handler!(webhooks::patch) },
        Route { id: "deleteWebhook", method: Method::DELETE, path: "/api/v1/webhooks/{webhook}", about: "Tell an address nothing more.",
            permission: Tenant, limits: CHANGE, params: &[], request: Empty, response: (204, Empty), handler: handler!(webhooks::remove) },
        Route { id: "webhookSecrets", method: get(), path: "/api/v1/webhooks/{webhook}/secrets", about: "What the webhook's deliveries are signed with, one secret for each of the node's keys.",
            permission: Tenant, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<WebhookSecrets>)), handler: handler!(webhooks::secrets) },
        Route { id: "followEvents", method: get(), path: "/api/v1/events/ws", about: "Events of many projects over a WebSocket: say `follow`, and be told.",
            permission: Tenant, limits: NO_BODY, params: &[], request: Empty, response: (101, WebSocket(schema::<FollowerMessage>, schema::<FollowedMessage>)), handler: handler!(follow::socket) },
        Route { id: "analyseSemantic", method: post(), path: "/api/v1/analysis/semantic", about: "Vectors of a text, or of a project's revision: a small text is answered at once.",
            permission: Tenant, limits: TEXT, params: &[], request: Json(schema::<AnalysisRequest>), response: (200, JsonOrLater(schema::<Analysis>)), handler: handler!(analyses::semantic) },
        Route { id: "analyseScenes", method: post(), path: "/api/v1/analysis/extract-scenes", about: "Scenes of a text, or of a project's revision, and who is named in them.",
            permission: Tenant, limits: TEXT, params: &[], request: Json(schema::<AnalysisRequest>), response: (200, JsonOrLater(schema::<Analysis>)), handler: handler!(analyses::extract_scenes) },
        Route { id: "analyseSummary", method: post(), path: "/api/v1/analysis/summarize", about: "The sentences that stand for each scene of a text, or of a project's revision.",
            permission: Tenant, limits: TEXT, params: &[], request: Json(schema::<AnalysisRequest>), response: (200, JsonOrLater(schema::<Analysis>)), handler: handler!(analyses::summarize) },
        Route { id: "analysisStatus", method: get(), path: "/api/v1/analysis/status/{analysis}", about: "How an analysis stands, with its result once it is ready.",
            permission: ProjectRead, limits: THOROUGH, params: &[], request: Empty, response: (200, Json(schema::<Analysis>)), handler: handler!(analyses::status) },
    ]
}
