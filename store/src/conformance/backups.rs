//! Promises of exporting and importing rows.

use std::collections::HashSet;
use std::sync::Arc;

use domain::account::AccountAct;
use domain::audit::{AuditAct, AuditEntry};
use domain::id::{AccountId, AuditId, Digest, ProjectId, RunId, TenantId, WebhookId};
use domain::project::{Act, Actor};
use domain::run::RunEvent;
use futures_util::TryStreamExt as _;

use super::access::access_row;
use super::edits::edit;
use super::{account_row, event, fresh, project_row, run_row, segment, upload_row, webhook_row};
use crate::records::{Cas, Records};
use crate::rows::{
    AccessRow, EmailRow, EventAppend, IdentityRow, IntentBody, IntentRow, KeptRow, NewAccountEvent, NewAct, ProjectRow,
    RunUpdate, SharedProject, SharedRow, SiteRow, WebhookMark, shard_of,
};

/// Kinds of rows that are kept.
const KINDS: usize = 20;

/// One row of each kind, put as users put them.
async fn fill(store: &Arc<dyn Records>) -> Ours {
    let run = store.run_insert(run_row(), vec![event(1), event(2)]).await.unwrap().applied().unwrap();
    let project = ProjectRow { tenant: run.tenant, project: run.project, ..project_row(run.tenant) };
    let by = run.by;
    let act = NewAct { at_ms: 5, by, what: Act::Created { file: "a.epub".into() } };
    let project = store.project_insert(project, Some(act)).await.unwrap().applied().unwrap();
    let update = RunUpdate {
        expected_version: run.version,
        fence: None,
        segments: vec![segment(1), segment(2)],
        events: vec![],
        row: run.clone(),
    };
    assert!(matches!(store.run_update(update).await, Ok(Cas::Applied(_))));
    assert!(matches!(store.edit_append(run.run, edit(3), 0).await, Ok(Cas::Applied(_))));
    let said = event(1);
    let said = RunEvent { seq: 1, project: run.project, run: run.run, state: said.state, progress: said.progress };
    let append =
        EventAppend { project: run.project, expected_version: 0, run: run.run, through: 1, events: vec![said] };
    assert!(matches!(store.events_append(append).await, Ok(Cas::Applied(_))));
    let upload = store.upload_insert(upload_row(run.tenant)).await.unwrap().applied().unwrap();
    let told = (run.project, WebhookMark { seq: 1, last: Some((run.run, 2)) });
    let webhook = store.webhook_insert(webhook_row(run.tenant), vec![told]).await.unwrap().applied().unwrap().webhook;
    let id = fresh();
    let body = IntentBody::Run { tenant: run.tenant, project: run.project, run: run.run };
    store.intent_put(IntentRow { id, shard: shard_of(id), body, created_ms: 9 }).await.unwrap();
    let signed_up = NewAccountEvent { at_ms: 5, address: "192.0.2.7".into(), what: AccountAct::SignedUp };
    let account = store.account_insert(account_row(), Some(signed_up)).await.unwrap().applied().unwrap();
    let email = EmailRow { email: account.email.clone(), version: 0, account: account.account };
    assert!(matches!(store.email_claim(email, 0).await, Ok(Cas::Applied(_))));
    let identity = IdentityRow { identity: Digest::of(b"a"), version: 0, account: account.account };
    let expected = store.identity_get(identity.identity).await.unwrap().map_or(0, |row| row.version);
    assert!(matches!(store.identity_claim(identity, expected).await, Ok(Cas::Applied(_))));
    let (by, of) = (Actor::Account(account.account), account.account);
    let entry = AuditEntry { id: AuditId(fresh()), at_ms: 5, by, what: AuditAct::DataExported { of } };
    store.audit_append(entry).await.unwrap();
    let site = store.site_get().await.unwrap();
    let claimed = SiteRow { claimed: Some((account.account, 9)), ..site };
    assert!(matches!(store.site_update(claimed, site.version).await, Ok(Cas::Applied(_))));
    let access = AccessRow { project: project.project, ..access_row() };
    assert!(matches!(store.access_update(access, 0).await, Ok(Cas::Applied(_))));
    let given = SharedProject { project: project.project, since_ms: 3 };
    let shared = SharedRow { projects: vec![given], ..SharedRow::nothing(account.account) };
    assert!(matches!(store.shared_update(shared, 0).await, Ok(Cas::Applied(_))));
    Ours {
        tenant: project.tenant,
        account: account.account,
        project: project.project,
        run: run.run,
        upload: upload.upload.0,
        webhook,
        intent: id,
    }
}

/// What a test put, on a server that others use too.
struct Ours {
    tenant: TenantId,
    project: ProjectId,
    run: RunId,
    upload: u128,
    webhook: WebhookId,
    intent: u128,
    account: AccountId,
}

impl Ours {
    /// Rows that stay as long as the store does.
    fn stays(row: &KeptRow) -> bool {
        matches!(row, KeptRow::Audit(_) | KeptRow::Site(_))
    }

    fn has(&self, row: &KeptRow) -> bool {
        match row {
            KeptRow::Project(row) => row.tenant == self.tenant,
            KeptRow::Activity { tenant, .. } => *tenant == self.tenant,
            KeptRow::Run(row) => row.run == self.run,
            KeptRow::Segment { run, .. } | KeptRow::Outbox { run, .. } | KeptRow::Edit { run, .. } => *run == self.run,
            KeptRow::EventHead { project, .. } => *project == self.project,
            KeptRow::Event(event) => event.project == self.project,
            KeptRow::Upload(row) => row.upload.0 == self.upload,
            KeptRow::Intent(row) => row.id == self.intent,
            KeptRow::Webhook(row) => row.webhook == self.webhook,
            KeptRow::WebhookMark { webhook, .. } => *webhook == self.webhook,
            KeptRow::Account(row) => row.account == self.account,
            KeptRow::AccountEvent { account, .. } => *account == self.account,
            KeptRow::Email(row) => row.account == self.account,
            KeptRow::Identity(row) => row.account == self.account,
            KeptRow::Audit(entry) => entry.by == Actor::Account(self.account),
            KeptRow::Site(row) => row.claimed.is_some_and(|(account, _)| account == self.account),
            KeptRow::Access(row) => row.project == self.project,
            KeptRow::Shared(row) => row.account == self.account,
        }
    }

    /// Removes all that can be removed, and makes the rest other than it was.
    async fn remove(&self, store: &Arc<dyn Records>) {
        let row = store.project_get(self.tenant, self.project).await.unwrap().unwrap();
        let version = row.version;
        let marked = store.project_update(ProjectRow { deleted: true, ..row }, version, None).await;
        assert!(matches!(marked, Ok(Cas::Applied(_))));
        store.project_remove(self.tenant, self.project).await.unwrap();
        store.access_remove(self.project).await.unwrap();
        store.shared_remove(self.account).await.unwrap();
        store.run_remove(self.run).await.unwrap();
        store.events_remove(self.project).await.unwrap();
        store.upload_remove(self.tenant, domain::id::UploadId(self.upload)).await.unwrap();
        store.webhook_remove(self.tenant, self.webhook).await.unwrap();
        store.intent_remove(shard_of(self.intent), self.intent).await.unwrap();
        let row = store.account_get(self.account).await.unwrap().unwrap();
        store.account_remove(self.account).await.unwrap();
        store.email_release(&row.email, self.account).await.unwrap();
        store.identity_release(Digest::of(b"a"), self.account).await.unwrap();
    }
}

async fn exported(store: &Arc<dyn Records>, ours: &Ours) -> Vec<KeptRow> {
    let pages: Vec<Vec<KeptRow>> = store.export().await.unwrap().try_collect().await.unwrap();
    pages.into_iter().flatten().filter(|row| ours.has(row)).collect()
}

/// See the name.
pub async fn an_export_holds_every_kind_of_row_and_an_import_gives_them_back(store: Arc<dyn Records>) {
    let ours = fill(&store).await;
    let rows = exported(&store, &ours).await;
    let kinds: HashSet<_> = rows.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), KINDS, "{rows:?}");
    ours.remove(&store).await;
    let left = exported(&store, &ours).await;
    assert!(left.len() == 2 && left.iter().all(Ours::stays), "all else was removed: {left:?}");
    for _ in 0..2 {
        store.import(rows.clone()).await.unwrap();
        assert_eq!(exported(&store, &ours).await, rows);
    }
    assert_eq!(store.segments(ours.run).await.unwrap().len(), 2);
    assert_eq!(store.events_after(ours.project, 0, 10).await.unwrap().len(), 1);
    let row = store.project_get(ours.tenant, ours.project).await.unwrap().unwrap();
    assert_eq!(store.activity(ours.tenant, ours.project, u64::MAX, 10).await.unwrap().len(), 1);
    assert_eq!(row.version, 1, "versions are as they were");
}

/// See the name.
pub async fn an_export_is_read_to_its_end_while_others_write(store: Arc<dyn Records>) {
    let ours = fill(&store).await;
    let mut pages = store.export().await.unwrap();
    ours.remove(&store).await;
    let mut rows = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        rows.extend(page.into_iter().filter(|row| ours.has(row)));
    }
    let kinds: HashSet<_> = rows.iter().map(std::mem::discriminant).collect();
    // Either all of it or what a walk met of it; never half of a run's partition.
    let segments = rows.iter().filter(|row| matches!(row, KeptRow::Segment { .. })).count();
    assert!(kinds.len() <= KINDS && (segments == 0 || segments == 2), "{rows:?}");
}

/// See the name.
pub async fn migrating_what_is_up_to_date_changes_nothing(store: Arc<dyn Records>) {
    let version = store.identity().schema_version;
    for _ in 0..2 {
        let migrated = store.migrate().await.unwrap();
        assert_eq!((migrated.from, migrated.to), (version, version));
    }
}
