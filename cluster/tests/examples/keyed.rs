//! Of making something by an id that the asker chose.

use cluster::body::keyed::{BeginRunAs, CreateUploadAs, CreateWebhookAs};
use cluster::body::uploads::CreateUpload;
use cluster::body::webhooks::CreateWebhook;
use cluster::body::work::{BeginRun, RunKind};
use cluster::message::Message;
use domain::id::WebhookId;
use domain::webhook::{WebhookEvents, WebhookRequest};

use super::{PROJECT, RUN, UPLOAD, WHO, digest};

pub fn examples() -> Vec<Message> {
    let upload = CreateUpload {
        principal: WHO,
        file_name: "é.epub".into(),
        metadata: "filename w6kuZXB1Yg==".into(),
        length: 300,
        expected: Some(digest(4)),
    };
    let (url, events) = ("https://books.example/é".to_owned(), WebhookEvents::default());
    let webhook =
        CreateWebhook { principal: WHO, request: WebhookRequest { url, projects: Some(vec![PROJECT]), events } };
    let run = BeginRun { principal: WHO, project: PROJECT, kind: RunKind::Again { run: RUN } };
    vec![
        CreateUploadAs { upload: UPLOAD, ask: upload }.into(),
        CreateWebhookAs { webhook: WebhookId(0x7e7f), ask: webhook }.into(),
        BeginRunAs { run: RUN, ask: run }.into(),
    ]
}
