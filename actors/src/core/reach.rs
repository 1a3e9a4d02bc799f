//! What is asked beyond projects: analyses of texts, events of many projects, webhooks.

use cluster::body::Fault;
use cluster::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply};
use cluster::message::Message;

use super::{CoreMessage, Shared};
use crate::analysis::{self, Asked, Stands};

impl Shared {
    pub(super) async fn answer_reach(&self, message: Message) -> Result<Message, Fault> {
        let context = &self.context;
        Ok(match message {
            Message::AnalyseText(ask) => self.analyse_text(ask).await?.into(),
            Message::AnalyseProject(ask) => self.analyse_project(ask).await?.into(),
            Message::GetAnalysis(ask) => analysis::status(context, ask).await?.into(),
            other => return Err(Fault::unsupported(other.kind())),
        })
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
