//! What is asked beyond projects: analyses of texts, events of many projects, webhooks.

use cluster::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply};
use cluster::body::webhooks::WebhookSecretsReply;
use cluster::body::{Done, Fault};
use cluster::message::Message;
use domain::id::{TenantId, WebhookId};

use super::{CoreMessage, Shared};
use crate::analysis::{self, Asked, Stands};
use crate::{follow, webhooks};

impl Shared {
    pub(super) async fn answer_reach(&self, message: Message) -> Result<Message, Fault> {
        let context = &self.context;
        Ok(match message {
            Message::AnalyseText(ask) => self.analyse_text(ask).await?.into(),
            Message::AnalyseProject(ask) => self.analyse_project(ask).await?.into(),
            Message::GetAnalysis(ask) => analysis::status(context, ask).await?.into(),
            Message::FollowEvents(ask) => follow::events(context, &ask).await?.into(),
            Message::CreateWebhook(ask) => {
                let (webhook, reply) = webhooks::create(context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Notify { tenant: ask.principal.tenant, webhook });
                reply.into()
            }
            Message::CreateWebhookAs(ask) => {
                let reply = webhooks::create_as(context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Notify { tenant: ask.ask.principal.tenant, webhook: ask.webhook });
                reply.into()
            }
            Message::ListWebhooks(ask) => webhooks::list(context, ask.principal).await?.into(),
            Message::ReadWebhook(ask) => webhooks::read(context, ask.principal, ask.webhook).await?.into(),
            Message::PatchWebhook(ask) => {
                let reply = webhooks::patch(context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Notify { tenant: ask.principal.tenant, webhook: ask.webhook });
                reply.into()
            }
            Message::RemoveWebhook(ask) => {
                webhooks::remove(context, ask.principal, ask.webhook).await?;
                Done {}.into()
            }
            Message::GetWebhookSecrets(ask) => {
                webhooks::read(context, ask.principal, ask.webhook).await?;
                WebhookSecretsReply { secrets: webhooks::sign::secrets(&context.keys, ask.webhook) }.into()
            }
            other => return self.answer_accounts(other).await,
        })
    }

    /// Has a webhook looked after, if it is to be.
    pub(super) async fn mend_webhook(&self, tenant: TenantId, webhook: WebhookId) -> Result<(), Fault> {
        if webhooks::mend(&self.context, tenant, webhook).await? {
            let _ = self.me.cast(CoreMessage::Notify { tenant, webhook });
        }
        Ok(())
    }

    async fn analyse_text(&self, ask: AnalyseText) -> Result<AnalysisReply, Fault> {
        let (principal, kind, project, language) = (ask.principal, ask.kind, ask.project, ask.language);
        match analysis::text(&self.context, ask).await? {
            Asked::Answered(reply) => Ok(reply),
            Asked::Created(row, name) => {
                if let Some(fault) = language.and_then(|said| analysis::other_language(&row, said)) {
                    self.discard(principal, project, None, true).await?;
                    return Err(fault);
                }
                let _ = self.me.cast(CoreMessage::Drive(name));
                analysis::begun(&self.context, principal, kind, project, name.run).await
            }
        }
    }

    async fn analyse_project(&self, ask: AnalyseProject) -> Result<AnalysisReply, Fault> {
        match analysis::project(&self.context, &ask).await? {
            Stands::Answered(reply) => Ok(reply),
            Stands::Begin(kind) => {
                let name = self.begin(ask.principal, ask.project, &kind).await?;
                analysis::begun(&self.context, ask.principal, ask.kind, ask.project, name.run).await
            }
        }
    }
}
