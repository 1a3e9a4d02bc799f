//! Messages about analyses, webhooks and those who follow many projects.

use cluster::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply, GetAnalysis};
use cluster::body::follow::{FollowEvents, FollowedEvents, RingMark};
use cluster::body::webhooks::{
    CreateWebhook, GetWebhookSecrets, ListWebhooks, PatchWebhook, ReadWebhook, RemoveWebhook, WebhookReply,
    WebhookSecretsReply, WebhooksReply,
};
use cluster::body::{Payload, Scope};
use cluster::message::Message;
use domain::analysis::{AnalysisId, AnalysisKind};
use domain::id::{TenantId, WebhookId};
use domain::language::Language;
use domain::principal::Principal;
use domain::run::{Progress, RunEvent, RunState};
use domain::webhook::{
    Delivery, OffReason, Webhook, WebhookEvents, WebhookPatch, WebhookRequest, WebhookSecret, WebhookStanding,
};

use super::{PROJECT, RUN, digest};

const WEBHOOK: WebhookId = WebhookId(0x7e7e);
const PRINCIPAL: Principal = Principal::LOCAL;

fn webhook(standing: WebhookStanding) -> Webhook {
    let delivery = Delivery {
        event: "evt_1".into(),
        kind: "run.ready".into(),
        at_ms: 300,
        attempt: 2,
        took_ms: 40,
        status: Some(500),
        problem: Some("webhook-status".into()),
    };
    Webhook {
        id: WEBHOOK,
        url: "https://example.org/hook".into(),
        projects: Some(vec![PROJECT]),
        events: WebhookEvents::All,
        created_ms: 1,
        standing,
        deliveries: vec![delivery],
    }
}

pub fn examples() -> Vec<Message> {
    let scope = Scope { tenant: TenantId::LOCAL, project: PROJECT };
    let id = AnalysisId { kind: AnalysisKind::ExtractScenes, project: PROJECT, run: RUN };
    let event = RunEvent { seq: 9, project: PROJECT, run: RUN, state: RunState::Ready, progress: Progress::default() };
    let since = Some(RingMark { life: 5, count: 300 });
    let request =
        WebhookRequest { url: "https://example.org/hook".into(), projects: None, events: WebhookEvents::States };
    let patch = WebhookPatch { url: None, events: Some(WebhookEvents::All), active: Some(false) };
    let failing = WebhookStanding::Failing { since_ms: 1, attempts: 2, next_attempt_ms: 3 };
    let off = WebhookStanding::Off { since_ms: 4, reason: OffReason::Gone };
    vec![
        AnalyseText {
            principal: PRINCIPAL,
            kind: AnalysisKind::Semantic,
            project: PROJECT,
            text: Payload::Inline(b"Il neige.".to_vec()),
            text_bytes: 9,
            language: Some(Language::Fr),
        }
        .into(),
        AnalyseProject { principal: PRINCIPAL, kind: AnalysisKind::Summarize, project: PROJECT, revision: Some(2) }
            .into(),
        GetAnalysis { principal: PRINCIPAL, id }.into(),
        AnalysisReply { id: Some(id), ready: true, scope, json: Payload::Bulk(digest(3)), json_bytes: 400_000 }.into(),
        FollowEvents {
            principal: PRINCIPAL,
            since,
            named: Some(vec![PROJECT]),
            known: vec![(PROJECT, 8)],
            limit: 256,
            wait_ms: 15_000,
        }
        .into(),
        FollowedEvents { events: vec![event], begun: vec![(PROJECT, 8)], since }.into(),
        CreateWebhook { principal: PRINCIPAL, request }.into(),
        ListWebhooks { principal: PRINCIPAL }.into(),
        ReadWebhook { principal: PRINCIPAL, webhook: WEBHOOK }.into(),
        PatchWebhook { principal: PRINCIPAL, webhook: WEBHOOK, patch }.into(),
        RemoveWebhook { principal: PRINCIPAL, webhook: WEBHOOK }.into(),
        GetWebhookSecrets { principal: PRINCIPAL, webhook: WEBHOOK }.into(),
        WebhookReply { webhook: webhook(failing) }.into(),
        WebhooksReply { webhooks: vec![webhook(WebhookStanding::Active), webhook(off)] }.into(),
        WebhookSecretsReply { secrets: vec![WebhookSecret { key_id: "0a0b0c0d".into(), secret: "whsec_AAAA".into() }] }
            .into(),
    ]
}
