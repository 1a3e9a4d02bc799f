//! What is asked of projects beyond the first messages.

use cluster::body::keeping::{HealthReply, MigrationsReply, SweepReply};
use cluster::body::work::{
    ActivityReply, DiscardProject, EditStateReply, EditsReply, ProjectPageReply, RevisionsReply, RunKind, RunsReply,
    WholeProjectReply, WholeRunReply,
};
use cluster::body::{Done, Fault, Scope};
use cluster::message::Message;
use domain::id::{ProjectId, RunId};
use domain::principal::Principal;
use domain::project::ActivityPage;
use store::rows::ProjectRow;

use super::{CoreMessage, Shared};
use crate::edits;
use crate::keeping::{covers, health, sweep};
use crate::projects::views::{last_event, whole, whole_run};
use crate::projects::{self, changes, listing, revisions, runs};
use crate::run::RunName;
use crate::{store_fault, uploads};

/// Acts of one page.
const ACTIVITY_PAGE_MAX: u32 = 200;

impl Shared {
    pub(super) async fn answer_work(&self, message: Message) -> Result<Message, Fault> {
        let context = self.context.as_ref();
        Ok(match message {
            Message::QueryProjects(ask) => {
                let cursor = ask.cursor.as_deref();
                let page = listing::page(context, ask.principal, &ask.query, ask.limit, cursor).await?;
                ProjectPageReply { page }.into()
            }
            Message::ReadProject(ask) => {
                self.whole(&projects::find_deleted_too(context, ask.principal, ask.project).await?).await?
            }
            Message::PatchProject(ask) => {
                let row = changes::patch(context, ask.principal, ask.project, ask.expected, &ask.patch).await?;
                self.whole(&row).await?
            }
            Message::DiscardProject(DiscardProject { principal, project, expected, at_once }) => {
                self.discard(principal, project, expected, at_once).await?.into()
            }
            Message::RestoreProject(ask) => {
                self.whole(&changes::restore(context, ask.principal, ask.project).await?).await?
            }
            Message::ReviseProject(ask) => {
                let name = revisions::revise(&self.context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Drive(name));
                self.whole(&projects::find(context, ask.principal, ask.project).await?).await?
            }
            Message::ReviseFromUpload(ask) => {
                if let Some(name) = uploads::revise_project(&self.context, &ask).await? {
                    let _ = self.me.cast(CoreMessage::Drive(name));
                }
                self.whole(&projects::find(context, ask.principal, ask.project).await?).await?
            }
            Message::ListRevisions(ask) => {
                RevisionsReply { revisions: revisions::list(context, ask.principal, ask.project).await? }.into()
            }
            Message::ListRuns(ask) => {
                RunsReply { runs: runs::history(context, ask.principal, ask.project).await? }.into()
            }
            Message::ReadRun(ask) => self.whole_run(ask.principal, ask.project, ask.run).await?,
            Message::BeginRun(ask) => {
                let name = self.begin(ask.principal, ask.project, &ask.kind).await?;
                self.whole_run(ask.principal, ask.project, name.run).await?
            }
            Message::BeginRunAs(ask) => {
                let name = runs::begin_as(context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Drive(name));
                self.whole_run(ask.ask.principal, ask.ask.project, name.run).await?
            }
            Message::GetRunFile(ask) => {
                runs::run_file(context, ask.principal, ask.project, ask.run, &ask.name).await?.into()
            }
            Message::AuditRun(ask) => runs::audited(context, ask.principal, ask.project, ask.run).await?.into(),
            Message::ListActivity(ask) => {
                let page = self.activity(ask.principal, ask.project, ask.before, ask.limit).await?;
                ActivityReply { page }.into()
            }
            Message::EditStoryboard(ask) => EditStateReply { state: edits::append(context, &ask).await? }.into(),
            Message::ListEdits(ask) => EditsReply { page: edits::page(context, &ask).await? }.into(),
            Message::GetStoryboard(ask) => edits::storyboard(context, &ask).await?.into(),
            Message::GetHealth(_) => HealthReply { health: health::measured(context).await }.into(),
            Message::RunMigrations(_) => MigrationsReply { run: health::migrated(context).await? }.into(),
            Message::SweepBlobs(ask) => SweepReply { report: sweep::asked(context, &ask).await? }.into(),
            Message::GetCover(ask) => covers::cover(&self.context, &ask).await?.into(),
            other => return self.answer_reach(other).await,
        })
    }

    async fn whole(&self, row: &ProjectRow) -> Result<Message, Fault> {
        Ok(WholeProjectReply { project: whole(&self.context, row).await? }.into())
    }

    async fn whole_run(&self, principal: Principal, project: ProjectId, run: RunId) -> Result<Message, Fault> {
        let row = projects::find(&self.context, principal, project).await?;
        let seq = last_event(&self.context, project).await?;
        Ok(WholeRunReply { run: whole_run(runs::run_row(&self.context, &row, run).await?, seq) }.into())
    }

    pub(super) async fn begin(
        &self,
        principal: Principal,
        project: ProjectId,
        kind: &RunKind,
    ) -> Result<RunName, Fault> {
        let name = runs::begin(&self.context, principal, project, kind).await?;
        let _ = self.me.cast(CoreMessage::Drive(name));
        Ok(name)
    }

    /// Deletes a project: for good where nothing is to be undone, else so that it can be restored for a while.
    pub(super) async fn discard(
        &self,
        principal: Principal,
        project: ProjectId,
        expected: Option<u64>,
        at_once: bool,
    ) -> Result<Done, Fault> {
        let context = self.context.as_ref();
        let _beginning = context.beginning.mark(project.0)?;
        if at_once || context.undo_delete.is_zero() {
            let row = changes::mark_deleted(context, principal, project, expected).await?;
            // From here on it is deleted for everybody; what can't be erased now is erased by its intent.
            if let Err(fault) = self.erase(Scope { tenant: row.tenant, project }).await {
                tracing::warn!(%fault, %project, "a deleted project is erased later");
            }
            return Ok(Done {});
        }
        let row = changes::discard(context, principal, project, expected).await?;
        // A run that can't be stopped now is stopped by its intent.
        if let Some(run) = row.run
            && let Err(fault) = self.cancel(run).await
        {
            tracing::warn!(%fault, %project, "the run of a deleted project is stopped later");
        }
        Ok(Done {})
    }

    async fn activity(
        &self,
        principal: Principal,
        project: ProjectId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<ActivityPage, Fault> {
        projects::find_deleted_too(&self.context, principal, project).await?;
        let (before, limit) = (before.unwrap_or(u64::MAX), limit.clamp(1, ACTIVITY_PAGE_MAX));
        let records = &self.context.records;
        let found = records.activity(principal.tenant, project, before, limit + 1).await;
        let mut activity = found.map_err(|e| store_fault(&e))?;
        let next = (activity.len() > limit as usize).then(|| activity[limit as usize - 1].seq);
        activity.truncate(limit as usize);
        Ok(ActivityPage { activity, next })
    }
}
