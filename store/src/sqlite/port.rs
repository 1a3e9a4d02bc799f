//! The records port: reads on the readers, writes through the writer.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::account::AccountEvent;
use domain::audit::AuditEntry;
use domain::id::{AccountId, AuditId, Digest, ProjectId, RunId, TenantId, UploadId, WebhookId};
use domain::project::Activity;
use domain::run::RunEvent;
use rusqlite::params;

use super::hand::Touched;
use super::readers::READERS_MAX;
use super::writer::{QUEUE_MAX, Verdict, Written};
use super::{
    Sqlite, access, accounts, audit, edits, events, execute, export, identities, intents, leases, migrate, projects,
    runs, uploads, webhooks,
};
use crate::error::StoreError;
use crate::records::{Cas, Health, Migrated, Records, RowStream, StoreIdentity};
use crate::rows::{
    AccessRow, AccountRow, EditRow, EmailRow, EventAppend, EventHead, IdentityRow, IntentRow, KeptRow, LeaseKey,
    LeaseRow, NewAccountEvent, NewAct, OutboxEvent, OutboxRow, OwnerId, ProjectRow, RunConflict, RunRow, RunUpdate,
    SegmentRow, SharedRow, SiteRow, UploadRow, WebhookMark, WebhookRow,
};

#[async_trait]
impl Records for Sqlite {
    fn identity(&self) -> StoreIdentity {
        self.identity
    }

    fn project_at_hand(&self, tenant: TenantId, project: ProjectId) -> Option<Arc<ProjectRow>> {
        self.hand.projects.get(&(tenant, project))
    }

    fn run_at_hand(&self, run: RunId) -> Option<Arc<RunRow>> {
        self.hand.runs.get(&run)
    }

    fn events_head_at_hand(&self, project: ProjectId) -> Option<Arc<EventHead>> {
        self.hand.heads.get(&project)
    }

    fn account_at_hand(&self, account: AccountId) -> Option<Arc<AccountRow>> {
        self.hand.accounts.get(&account)
    }

    fn access_at_hand(&self, project: ProjectId) -> Option<Arc<Option<AccessRow>>> {
        self.hand.access.get(&project)
    }

    fn at_hand(&self) -> (u64, u64) {
        self.hand.size()
    }

    async fn health(&self) -> Result<Health, StoreError> {
        let writes_queued = self.writer.queued() as u32;
        let begun = Instant::now();
        self.apply("probing the store", Touched::Nothing, |c| {
            let sql = "INSERT INTO meta (key, value) VALUES ('probe', randomblob(8))
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            execute(c, "probing the store", sql, params![])
        })
        .await?;
        let write_latency_us = begun.elapsed().as_micros() as u64;
        let log = self.path.with_extension("sqlite-wal");
        let mut bytes = 0;
        for path in [&self.path, &log] {
            bytes += tokio::fs::metadata(path).await.map_or(0, |found| found.len());
        }
        let (reads_running, begun) = (self.readers.running() as u32, Instant::now());
        self.readers.read("probing the store", migrate::version).await?;
        Ok(Health {
            write_latency_us,
            read_latency_us: begun.elapsed().as_micros() as u64,
            writes_queued,
            writes_max: QUEUE_MAX as u32,
            reads_running,
            reads_max: READERS_MAX as u32,
            bytes,
        })
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        match self.writer.write("migrating the store", Touched::All, |c| migrate::pending(c).map(Verdict::Keep)).await {
            Written::Done(migrated) => Ok(migrated),
            Written::Failed(error) | Written::Doubtful(error) => Err(error),
        }
    }

    async fn export(&self) -> Result<RowStream, StoreError> {
        export::export(&self.path).await
    }

    async fn import(&self, rows: Vec<KeptRow>) -> Result<(), StoreError> {
        self.apply("importing the records", Touched::All, move |c| export::import(c, &rows)).await
    }

    async fn adopt(&self, store_id: u128, incarnation: u64) -> Result<(), StoreError> {
        self.apply("taking another store's identity", Touched::Nothing, move |c| {
            export::adopt(c, store_id, incarnation)
        })
        .await
    }

    async fn project_get(&self, tenant: TenantId, project: ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        let kept = (&self.hand.projects, (tenant, project));
        self.found(kept, "reading a project", move |c| projects::get(c, tenant, project)).await
    }

    async fn project_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<ProjectRow>, StoreError> {
        self.readers.read("listing projects", move |c| projects::list(c, tenant, limit)).await
    }

    async fn project_insert(&self, row: ProjectRow, act: Option<NewAct>) -> Result<Cas<ProjectRow>, StoreError> {
        self.cas("adding a project", Touched::Project(row.tenant, row.project), move |c| projects::insert(c, row, act))
            .await
    }

    async fn project_update(
        &self,
        row: ProjectRow,
        expected_version: u64,
        act: Option<NewAct>,
    ) -> Result<Cas<ProjectRow>, StoreError> {
        self.cas("updating a project", Touched::Project(row.tenant, row.project), move |c| {
            projects::update(c, row, expected_version, act)
        })
        .await
    }

    async fn activity(
        &self,
        tenant: TenantId,
        project: ProjectId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Activity>, StoreError> {
        self.readers.read("reading an activity", move |c| projects::activity(c, tenant, project, before, limit)).await
    }

    async fn project_remove(&self, tenant: TenantId, project: ProjectId) -> Result<(), StoreError> {
        self.apply("removing a project", Touched::Project(tenant, project), move |c| {
            projects::remove(c, tenant, project)
        })
        .await
    }

    async fn run_get(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        self.found((&self.hand.runs, run), "reading a run", move |c| runs::get(c, run)).await
    }

    async fn run_insert(&self, row: RunRow, events: Vec<OutboxEvent>) -> Result<Cas<RunRow>, StoreError> {
        self.cas("adding a run", Touched::Run(row.run), move |c| runs::insert(c, row, events)).await
    }

    async fn run_update(&self, update: RunUpdate) -> Result<Cas<RunRow, RunConflict>, StoreError> {
        self.cas("updating a run", Touched::Run(update.row.run), move |c| runs::update(c, update)).await
    }

    async fn segments(&self, run: RunId) -> Result<Vec<SegmentRow>, StoreError> {
        self.readers.read("listing segments", move |c| runs::segments(c, run)).await
    }

    async fn outbox(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.readers.read("reading an outbox", move |c| runs::outbox(c, run, after, limit)).await
    }

    async fn outbox_trim(&self, run: RunId, through: u64) -> Result<(), StoreError> {
        self.apply("trimming an outbox", Touched::Nothing, move |c| runs::outbox_trim(c, run, through)).await
    }

    async fn edit_append(
        &self,
        run: RunId,
        row: EditRow,
        expected_version: u64,
    ) -> Result<Cas<EditRow, Option<u64>>, StoreError> {
        self.cas("appending an edit", Touched::Nothing, move |c| edits::append(c, run, row, expected_version)).await
    }

    async fn edits(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EditRow>, StoreError> {
        self.readers.read("reading edits", move |c| edits::after(c, run, after, limit)).await
    }

    async fn run_remove(&self, run: RunId) -> Result<(), StoreError> {
        self.apply("removing a run", Touched::Run(run), move |c| runs::remove(c, run)).await
    }

    async fn events_head(&self, project: ProjectId) -> Result<EventHead, StoreError> {
        let kept = (&self.hand.heads, project);
        let found = self.found(kept, "reading the head of an event log", move |c| events::head(c, project).map(Some));
        found.await.map(|head| head.unwrap_or_else(EventHead::empty))
    }

    async fn events_append(&self, append: EventAppend) -> Result<Cas<EventHead>, StoreError> {
        self.cas("appending to an event log", Touched::Head(append.project), move |c| events::append(c, append)).await
    }

    async fn events_after(&self, project: ProjectId, after: u64, limit: u32) -> Result<Vec<RunEvent>, StoreError> {
        self.readers.read("reading an event log", move |c| events::after(c, project, after, limit)).await
    }

    async fn events_remove(&self, project: ProjectId) -> Result<(), StoreError> {
        self.apply("removing an event log", Touched::Head(project), move |c| events::remove(c, project)).await
    }

    async fn upload_get(&self, tenant: TenantId, upload: UploadId) -> Result<Option<UploadRow>, StoreError> {
        self.readers.read("reading an upload", move |c| uploads::get(c, tenant, upload)).await
    }

    async fn upload_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<UploadRow>, StoreError> {
        self.readers.read("listing uploads", move |c| uploads::list(c, tenant, limit)).await
    }

    async fn upload_insert(&self, row: UploadRow) -> Result<Cas<UploadRow>, StoreError> {
        self.cas("adding an upload", Touched::Nothing, move |c| uploads::insert(c, row)).await
    }

    async fn upload_update(&self, row: UploadRow, expected_version: u64) -> Result<Cas<UploadRow>, StoreError> {
        self.cas("updating an upload", Touched::Nothing, move |c| uploads::update(c, row, expected_version)).await
    }

    async fn upload_remove(&self, tenant: TenantId, upload: UploadId) -> Result<(), StoreError> {
        self.apply("removing an upload", Touched::Nothing, move |c| uploads::remove(c, tenant, upload)).await
    }

    async fn webhook_get(&self, tenant: TenantId, webhook: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
        self.readers.read("reading a webhook", move |c| webhooks::get(c, tenant, webhook)).await
    }

    async fn webhook_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<WebhookRow>, StoreError> {
        self.readers.read("listing webhooks", move |c| webhooks::list(c, tenant, limit)).await
    }

    async fn webhook_insert(
        &self,
        row: WebhookRow,
        marks: Vec<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError> {
        self.cas("adding a webhook", Touched::Nothing, move |c| webhooks::insert(c, row, &marks)).await
    }

    async fn webhook_update(
        &self,
        row: WebhookRow,
        expected_version: u64,
        mark: Option<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError> {
        self.cas("updating a webhook", Touched::Nothing, move |c| webhooks::update(c, row, expected_version, mark))
            .await
    }

    async fn webhook_remove(&self, tenant: TenantId, webhook: WebhookId) -> Result<(), StoreError> {
        self.apply("removing a webhook", Touched::Nothing, move |c| webhooks::remove(c, tenant, webhook)).await
    }

    async fn webhook_marks(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<(ProjectId, WebhookMark)>, StoreError> {
        self.readers.read("reading what a webhook was told", move |c| webhooks::marks(c, tenant, webhook, limit)).await
    }

    async fn webhook_mark_remove(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        project: ProjectId,
    ) -> Result<(), StoreError> {
        self.apply("removing what a webhook was told", Touched::Nothing, move |c| {
            webhooks::mark_remove(c, tenant, webhook, project)
        })
        .await
    }

    async fn account_get(&self, account: AccountId) -> Result<Option<AccountRow>, StoreError> {
        self.found((&self.hand.accounts, account), "reading an account", move |c| accounts::get(c, account)).await
    }

    async fn account_insert(
        &self,
        row: AccountRow,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError> {
        self.cas("adding an account", Touched::Account(row.account), move |c| accounts::insert(c, row, event)).await
    }

    async fn account_update(
        &self,
        row: AccountRow,
        expected_version: u64,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError> {
        self.cas("updating an account", Touched::Account(row.account), move |c| {
            accounts::update(c, row, expected_version, event)
        })
        .await
    }

    async fn account_events(
        &self,
        account: AccountId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<AccountEvent>, StoreError> {
        self.readers.read("reading an account's log", move |c| accounts::events(c, account, before, limit)).await
    }

    async fn account_remove(&self, account: AccountId) -> Result<(), StoreError> {
        self.apply("removing an account", Touched::Account(account), move |c| accounts::remove(c, account)).await
    }

    async fn account_list(&self, after: AccountId, limit: u32) -> Result<Vec<AccountRow>, StoreError> {
        self.readers.read("listing accounts", move |c| accounts::list(c, after, limit)).await
    }

    async fn email_get(&self, email: &str) -> Result<Option<EmailRow>, StoreError> {
        let email = email.to_owned();
        self.readers.read("reading whose an address is", move |c| accounts::email(c, &email)).await
    }

    async fn email_claim(&self, row: EmailRow, expected_version: u64) -> Result<Cas<EmailRow>, StoreError> {
        self.cas("claiming an address", Touched::Nothing, move |c| accounts::claim_email(c, row, expected_version))
            .await
    }

    async fn email_release(&self, email: &str, account: AccountId) -> Result<(), StoreError> {
        let email = email.to_owned();
        self.apply("releasing an address", Touched::Nothing, move |c| accounts::release_email(c, &email, account)).await
    }

    async fn identity_get(&self, identity: Digest) -> Result<Option<IdentityRow>, StoreError> {
        self.readers.read("reading whose an identity is", move |c| identities::get(c, identity)).await
    }

    async fn identity_claim(&self, row: IdentityRow, expected_version: u64) -> Result<Cas<IdentityRow>, StoreError> {
        self.cas("claiming an identity", Touched::Nothing, move |c| identities::claim(c, row, expected_version)).await
    }

    async fn identity_release(&self, identity: Digest, account: AccountId) -> Result<(), StoreError> {
        self.apply("releasing an identity", Touched::Nothing, move |c| identities::release(c, identity, account)).await
    }

    async fn audit_append(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.apply("writing the node's log", Touched::Nothing, move |c| audit::append(c, &entry)).await
    }

    async fn audit_page(&self, period: u64, before: AuditId, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.readers.read("reading the node's log", move |c| audit::page(c, period, before, limit)).await
    }

    async fn site_get(&self) -> Result<SiteRow, StoreError> {
        self.readers.read("reading the node's row", accounts::site).await
    }

    async fn site_update(&self, row: SiteRow, expected_version: u64) -> Result<Cas<SiteRow>, StoreError> {
        self.cas("claiming the node", Touched::Nothing, move |c| accounts::update_site(c, row, expected_version)).await
    }

    async fn access_get(&self, project: ProjectId) -> Result<Option<AccessRow>, StoreError> {
        let kept = (&self.hand.access, project);
        let found = self.found(kept, "reading who has a project", move |c| access::get(c, project).map(Some));
        found.await.map(Option::flatten)
    }

    async fn access_update(&self, row: AccessRow, expected_version: u64) -> Result<Cas<AccessRow>, StoreError> {
        self.cas("changing who has a project", Touched::Access(row.project), move |c| {
            access::update(c, row, expected_version)
        })
        .await
    }

    async fn access_remove(&self, project: ProjectId) -> Result<(), StoreError> {
        self.apply("removing who has a project", Touched::Access(project), move |c| access::remove(c, project)).await
    }

    async fn shared_get(&self, account: AccountId) -> Result<SharedRow, StoreError> {
        self.readers.read("reading what was shared", move |c| access::shared(c, account)).await
    }

    async fn shared_update(&self, row: SharedRow, expected_version: u64) -> Result<Cas<SharedRow>, StoreError> {
        self.cas("changing what was shared", Touched::Nothing, move |c| access::update_shared(c, row, expected_version))
            .await
    }

    async fn shared_remove(&self, account: AccountId) -> Result<(), StoreError> {
        self.apply("removing what was shared", Touched::Nothing, move |c| access::remove_shared(c, account)).await
    }

    async fn lease_get(&self, key: LeaseKey) -> Result<Option<LeaseRow>, StoreError> {
        self.readers.read("reading a lease", move |c| leases::get(c, key)).await
    }

    async fn lease_take(
        &self,
        key: LeaseKey,
        seen: Option<LeaseRow>,
        owner: OwnerId,
    ) -> Result<Cas<LeaseRow>, StoreError> {
        let incarnation = self.identity.incarnation;
        self.cas("taking a lease", Touched::Nothing, move |c| leases::take(c, incarnation, key, seen, owner)).await
    }

    async fn lease_renew(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
        self.cas("renewing a lease", Touched::Nothing, move |c| leases::renew(c, key, mine)).await
    }

    async fn lease_release(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
        self.cas("releasing a lease", Touched::Nothing, move |c| leases::release(c, key, mine)).await
    }

    async fn intent_put(&self, row: IntentRow) -> Result<(), StoreError> {
        self.apply("putting an intent", Touched::Nothing, move |c| intents::put(c, &row)).await
    }

    async fn intent_list(&self, shard: u16, limit: u32) -> Result<Vec<IntentRow>, StoreError> {
        self.readers.read("listing intents", move |c| intents::list(c, shard, limit)).await
    }

    async fn intent_remove(&self, shard: u16, id: u128) -> Result<(), StoreError> {
        self.apply("removing an intent", Touched::Nothing, move |c| intents::remove(c, shard, id)).await
    }
}
