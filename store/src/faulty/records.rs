//! Records that fail by plan.

use std::sync::Arc;

use async_trait::async_trait;
use domain::account::AccountEvent;
use domain::audit::AuditEntry;
use domain::id::{AccountId, AuditId, Digest, ProjectId, RunId, TenantId, UploadId, WebhookId};
use domain::project::Activity;
use domain::run::RunEvent;

use super::{Fault, Faulty, injected};
use crate::error::StoreError;
use crate::records::{Cas, Health, Migrated, Records, RowStream, StoreIdentity};
use crate::rows::{
    AccessRow, AccountRow, EditRow, EmailRow, EventAppend, EventHead, IdentityRow, IntentRow, KeptRow, LeaseKey,
    LeaseRow, NewAccountEvent, NewAct, OutboxEvent, OutboxRow, OwnerId, ProjectRow, RunConflict, RunRow, RunUpdate,
    SegmentRow, SharedRow, SiteRow, UploadRow, WebhookMark, WebhookRow,
};

impl Faulty<dyn Records> {
    /// A compare-and-set under the plan.
    async fn cas<T, C>(
        &self,
        write: impl Future<Output = Result<Cas<T, C>, StoreError>>,
    ) -> Result<Cas<T, C>, StoreError> {
        match self.write_fault() {
            None => write.await,
            Some(Fault::Refuse) => Err(injected()),
            Some(Fault::Lose) => Ok(Cas::Unknown(injected())),
            Some(Fault::Doubt) => write.await.map(|_| Cas::Unknown(injected())),
        }
    }
}

#[async_trait]
impl Records for Faulty<dyn Records> {
    fn identity(&self) -> StoreIdentity {
        self.inner.identity()
    }

    // A read that fails has nothing at hand.

    fn project_at_hand(&self, tenant: TenantId, project: ProjectId) -> Option<Arc<ProjectRow>> {
        self.fail_read().ok()?;
        self.inner.project_at_hand(tenant, project)
    }

    fn run_at_hand(&self, run: RunId) -> Option<Arc<RunRow>> {
        self.fail_read().ok()?;
        self.inner.run_at_hand(run)
    }

    fn events_head_at_hand(&self, project: ProjectId) -> Option<Arc<EventHead>> {
        self.fail_read().ok()?;
        self.inner.events_head_at_hand(project)
    }

    fn account_at_hand(&self, account: AccountId) -> Option<Arc<AccountRow>> {
        self.fail_read().ok()?;
        self.inner.account_at_hand(account)
    }

    fn access_at_hand(&self, project: ProjectId) -> Option<Arc<Option<AccessRow>>> {
        self.fail_read().ok()?;
        self.inner.access_at_hand(project)
    }

    fn at_hand(&self) -> (u64, u64) {
        self.inner.at_hand()
    }

    async fn health(&self) -> Result<Health, StoreError> {
        self.fail_read()?;
        self.inner.health().await
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.apply(self.inner.migrate()).await
    }

    async fn export(&self) -> Result<RowStream, StoreError> {
        self.fail_read()?;
        self.inner.export().await
    }

    async fn import(&self, rows: Vec<KeptRow>) -> Result<(), StoreError> {
        self.apply(self.inner.import(rows)).await
    }

    async fn adopt(&self, store_id: u128, incarnation: u64) -> Result<(), StoreError> {
        self.apply(self.inner.adopt(store_id, incarnation)).await
    }

    async fn project_get(&self, tenant: TenantId, project: ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        self.fail_read()?;
        self.inner.project_get(tenant, project).await
    }

    async fn project_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<ProjectRow>, StoreError> {
        self.fail_read()?;
        self.inner.project_list(tenant, limit).await
    }

    async fn project_insert(&self, row: ProjectRow, act: Option<NewAct>) -> Result<Cas<ProjectRow>, StoreError> {
        self.cas(self.inner.project_insert(row, act)).await
    }

    async fn project_update(
        &self,
        row: ProjectRow,
        expected_version: u64,
        act: Option<NewAct>,
    ) -> Result<Cas<ProjectRow>, StoreError> {
        self.cas(self.inner.project_update(row, expected_version, act)).await
    }

    async fn activity(
        &self,
        tenant: TenantId,
        project: ProjectId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Activity>, StoreError> {
        self.fail_read()?;
        self.inner.activity(tenant, project, before, limit).await
    }

    async fn project_remove(&self, tenant: TenantId, project: ProjectId) -> Result<(), StoreError> {
        self.apply(self.inner.project_remove(tenant, project)).await
    }

    async fn run_get(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        self.fail_read()?;
        self.inner.run_get(run).await
    }

    async fn run_insert(&self, row: RunRow, events: Vec<OutboxEvent>) -> Result<Cas<RunRow>, StoreError> {
        self.cas(self.inner.run_insert(row, events)).await
    }

    async fn run_update(&self, update: RunUpdate) -> Result<Cas<RunRow, RunConflict>, StoreError> {
        self.cas(self.inner.run_update(update)).await
    }

    async fn segments(&self, run: RunId) -> Result<Vec<SegmentRow>, StoreError> {
        self.fail_read()?;
        self.inner.segments(run).await
    }

    async fn outbox(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.fail_read()?;
        self.inner.outbox(run, after, limit).await
    }

    async fn outbox_trim(&self, run: RunId, through: u64) -> Result<(), StoreError> {
        self.apply(self.inner.outbox_trim(run, through)).await
    }

    async fn edit_append(
        &self,
        run: RunId,
        row: EditRow,
        expected_version: u64,
    ) -> Result<Cas<EditRow, Option<u64>>, StoreError> {
        self.cas(self.inner.edit_append(run, row, expected_version)).await
    }

    async fn edits(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EditRow>, StoreError> {
        self.fail_read()?;
        self.inner.edits(run, after, limit).await
    }

    async fn run_remove(&self, run: RunId) -> Result<(), StoreError> {
        self.apply(self.inner.run_remove(run)).await
    }

    async fn events_head(&self, project: ProjectId) -> Result<EventHead, StoreError> {
        self.fail_read()?;
        self.inner.events_head(project).await
    }

    async fn events_append(&self, append: EventAppend) -> Result<Cas<EventHead>, StoreError> {
        self.cas(self.inner.events_append(append)).await
    }

    async fn events_after(&self, project: ProjectId, after: u64, limit: u32) -> Result<Vec<RunEvent>, StoreError> {
        self.fail_read()?;
        self.inner.events_after(project, after, limit).await
    }

    async fn events_remove(&self, project: ProjectId) -> Result<(), StoreError> {
        self.apply(self.inner.events_remove(project)).await
    }

    async fn upload_get(&self, tenant: TenantId, upload: UploadId) -> Result<Option<UploadRow>, StoreError> {
        self.fail_read()?;
        self.inner.upload_get(tenant, upload).await
    }

    async fn upload_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<UploadRow>, StoreError> {
        self.fail_read()?;
        self.inner.upload_list(tenant, limit).await
    }

    async fn upload_insert(&self, row: UploadRow) -> Result<Cas<UploadRow>, StoreError> {
        self.cas(self.inner.upload_insert(row)).await
    }

    async fn upload_update(&self, row: UploadRow, expected_version: u64) -> Result<Cas<UploadRow>, StoreError> {
        self.cas(self.inner.upload_update(row, expected_version)).await
    }

    async fn upload_remove(&self, tenant: TenantId, upload: UploadId) -> Result<(), StoreError> {
        self.apply(self.inner.upload_remove(tenant, upload)).await
    }

    async fn webhook_get(&self, tenant: TenantId, webhook: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
        self.fail_read()?;
        self.inner.webhook_get(tenant, webhook).await
    }

    async fn webhook_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<WebhookRow>, StoreError> {
        self.fail_read()?;
        self.inner.webhook_list(tenant, limit).await
    }

    async fn webhook_insert(
        &self,
        row: WebhookRow,
        marks: Vec<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError> {
        self.cas(self.inner.webhook_insert(row, marks)).await
    }

    async fn webhook_update(
        &self,
        row: WebhookRow,
        expected_version: u64,
        mark: Option<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError> {
        self.cas(self.inner.webhook_update(row, expected_version, mark)).await
    }

    async fn webhook_remove(&self, tenant: TenantId, webhook: WebhookId) -> Result<(), StoreError> {
        self.apply(self.inner.webhook_remove(tenant, webhook)).await
    }

    async fn webhook_marks(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<(ProjectId, WebhookMark)>, StoreError> {
        self.fail_read()?;
        self.inner.webhook_marks(tenant, webhook, limit).await
    }

    async fn webhook_mark_remove(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        project: ProjectId,
    ) -> Result<(), StoreError> {
        self.apply(self.inner.webhook_mark_remove(tenant, webhook, project)).await
    }

    async fn account_get(&self, account: AccountId) -> Result<Option<AccountRow>, StoreError> {
        self.fail_read()?;
        self.inner.account_get(account).await
    }

    async fn account_insert(
        &self,
        row: AccountRow,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError> {
        self.cas(self.inner.account_insert(row, event)).await
    }

    async fn account_update(
        &self,
        row: AccountRow,
        expected_version: u64,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError> {
        self.cas(self.inner.account_update(row, expected_version, event)).await
    }

    async fn account_events(
        &self,
        account: AccountId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<AccountEvent>, StoreError> {
        self.fail_read()?;
        self.inner.account_events(account, before, limit).await
    }

    async fn account_remove(&self, account: AccountId) -> Result<(), StoreError> {
        self.apply(self.inner.account_remove(account)).await
    }

    async fn account_list(&self, after: AccountId, limit: u32) -> Result<Vec<AccountRow>, StoreError> {
        self.fail_read()?;
        self.inner.account_list(after, limit).await
    }

    async fn email_get(&self, email: &str) -> Result<Option<EmailRow>, StoreError> {
        self.fail_read()?;
        self.inner.email_get(email).await
    }

    async fn email_claim(&self, row: EmailRow, expected_version: u64) -> Result<Cas<EmailRow>, StoreError> {
        self.cas(self.inner.email_claim(row, expected_version)).await
    }

    async fn email_release(&self, email: &str, account: AccountId) -> Result<(), StoreError> {
        self.apply(self.inner.email_release(email, account)).await
    }

    async fn identity_get(&self, identity: Digest) -> Result<Option<IdentityRow>, StoreError> {
        self.fail_read()?;
        self.inner.identity_get(identity).await
    }

    async fn identity_claim(&self, row: IdentityRow, expected_version: u64) -> Result<Cas<IdentityRow>, StoreError> {
        self.cas(self.inner.identity_claim(row, expected_version)).await
    }

    async fn identity_release(&self, identity: Digest, account: AccountId) -> Result<(), StoreError> {
        self.apply(self.inner.identity_release(identity, account)).await
    }

    async fn audit_append(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.apply(self.inner.audit_append(entry)).await
    }

    async fn audit_page(&self, period: u64, before: AuditId, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.fail_read()?;
        self.inner.audit_page(period, before, limit).await
    }

    async fn site_get(&self) -> Result<SiteRow, StoreError> {
        self.fail_read()?;
        self.inner.site_get().await
    }

    async fn site_update(&self, row: SiteRow, expected_version: u64) -> Result<Cas<SiteRow>, StoreError> {
        self.cas(self.inner.site_update(row, expected_version)).await
    }

    async fn access_get(&self, project: ProjectId) -> Result<Option<AccessRow>, StoreError> {
        self.fail_read()?;
        self.inner.access_get(project).await
    }

    async fn access_update(&self, row: AccessRow, expected_version: u64) -> Result<Cas<AccessRow>, StoreError> {
        self.cas(self.inner.access_update(row, expected_version)).await
    }

    async fn access_remove(&self, project: ProjectId) -> Result<(), StoreError> {
        self.apply(self.inner.access_remove(project)).await
    }

    async fn shared_get(&self, account: AccountId) -> Result<SharedRow, StoreError> {
        self.fail_read()?;
        self.inner.shared_get(account).await
    }

    async fn shared_update(&self, row: SharedRow, expected_version: u64) -> Result<Cas<SharedRow>, StoreError> {
        self.cas(self.inner.shared_update(row, expected_version)).await
    }

    async fn shared_remove(&self, account: AccountId) -> Result<(), StoreError> {
        self.apply(self.inner.shared_remove(account)).await
    }

    async fn lease_get(&self, key: LeaseKey) -> Result<Option<LeaseRow>, StoreError> {
        self.fail_read()?;
        self.inner.lease_get(key).await
    }

    async fn lease_take(
        &self,
        key: LeaseKey,
        seen: Option<LeaseRow>,
        owner: OwnerId,
    ) -> Result<Cas<LeaseRow>, StoreError> {
        self.cas(self.inner.lease_take(key, seen, owner)).await
    }

    async fn lease_renew(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
        self.cas(self.inner.lease_renew(key, mine)).await
    }

    async fn lease_release(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError> {
        self.cas(self.inner.lease_release(key, mine)).await
    }

    async fn intent_put(&self, row: IntentRow) -> Result<(), StoreError> {
        self.apply(self.inner.intent_put(row)).await
    }

    async fn intent_list(&self, shard: u16, limit: u32) -> Result<Vec<IntentRow>, StoreError> {
        self.fail_read()?;
        self.inner.intent_list(shard, limit).await
    }

    async fn intent_remove(&self, shard: u16, id: u128) -> Result<(), StoreError> {
        self.apply(self.inner.intent_remove(shard, id)).await
    }
}
