//! The records port: typed rows, each method on one partition.

use std::sync::Arc;

use async_trait::async_trait;
use domain::account::AccountEvent;
use domain::audit::AuditEntry;
use domain::id::{AccountId, AuditId, Digest, ProjectId, RunId, TenantId, UploadId, WebhookId};
use domain::project::Activity;
use domain::run::RunEvent;
use futures_util::stream::BoxStream;

use crate::error::StoreError;
use crate::rows::{
    AccessRow, AccountRow, EditRow, EmailRow, EventAppend, EventHead, IdentityRow, IntentRow, KeptRow, LeaseKey,
    LeaseRow, NewAccountEvent, NewAct, OutboxEvent, OutboxRow, OwnerId, ProjectRow, RunConflict, RunRow, RunUpdate,
    SegmentRow, SharedRow, SiteRow, UploadRow, WebhookMark, WebhookRow,
};

/// How a compare-and-set ended.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "only Applied means that it happened"]
pub enum Cas<T, C = Option<T>> {
    /// It happened and is durable. The row as it now stands.
    Applied(T),
    /// It did not happen, for the row is not what was expected: this is how it stands (`None`: there
    /// is no such row).
    Conflict(C),
    /// It happened, or did not, or may yet within the deadline that passed: read the row again before
    /// anything else is decided. Why it is not known.
    Unknown(StoreError),
}

impl<T, C> Cas<T, C> {
    /// The row, if it was applied.
    pub fn applied(self) -> Option<T> {
        match self {
            Self::Applied(row) => Some(row),
            Self::Conflict(_) | Self::Unknown(_) => None,
        }
    }
}

/// What a store is, fixed while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Made when the store was made; survives backups.
    pub store_id: u128,
    /// Which life of the store this is: one more with each restored backup.
    pub incarnation: u64,
    /// Version of the schema.
    pub schema_version: u32,
}

/// What migrating a store did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Version of the schema before.
    pub from: u32,
    /// And since; the same where nothing was to be done.
    pub to: u32,
}

/// Rows on their way into a backup, some at a time.
pub type RowStream = BoxStream<'static, Result<Vec<KeptRow>, StoreError>>;

/// How a store feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// How long one durable write took, queueing included.
    pub write_latency_us: u64,
    /// How long one read took, waiting for a place included.
    pub read_latency_us: u64,
    /// Writes that were waiting.
    pub writes_queued: u32,
    /// How many may wait.
    pub writes_max: u32,
    /// Reads that ran.
    pub reads_running: u32,
    /// How many may run.
    pub reads_max: u32,
    /// Bytes of the database and its log.
    pub bytes: u64,
}

/// Typed repositories over one store.
///
/// - Each method touches **one partition**, which it names; work over several is an [`IntentRow`] with
///   idempotent steps.
/// - `Err` from a compare-and-set: nothing was applied. [`Cas::Unknown`]: read again, then decide.
/// - `Err` from an idempotent write (`-> Result<()>`): it may or may not have happened; repeat it.
/// - What is answered as applied is durable: a crash of process or machine does not lose it. A crash
///   in the middle of a call leaves all of the call or nothing of it.
/// - Every call ends within the adapter's deadline.
#[async_trait]
pub trait Records: Send + Sync {
    /// What this store is.
    fn identity(&self) -> StoreIdentity;

    /// How many rows are at hand, and what they take, as far as is counted, bytes.
    fn at_hand(&self) -> (u64, u64) {
        (0, 0)
    }

    /// What [`Self::project_get`] would find now, where that is in memory: nothing is waited for. `None` says nothing,
    /// and an adapter that others write beside may always say it; the same holds for the next four.
    fn project_at_hand(&self, _tenant: TenantId, _project: ProjectId) -> Option<Arc<ProjectRow>> {
        None
    }

    /// What [`Self::run_get`] would find.
    fn run_at_hand(&self, _run: RunId) -> Option<Arc<RunRow>> {
        None
    }

    /// What [`Self::events_head`] would find.
    fn events_head_at_hand(&self, _project: ProjectId) -> Option<Arc<EventHead>> {
        None
    }

    /// What [`Self::account_get`] would find.
    fn account_at_hand(&self, _account: AccountId) -> Option<Arc<AccountRow>> {
        None
    }

    /// What [`Self::access_get`] would find, also that there is none.
    fn access_at_hand(&self, _project: ProjectId) -> Option<Arc<Option<AccessRow>>> {
        None
    }

    /// Writes a probe durably and says how that went; an error is what any write would meet now.
    /// Partition: the probe's own. A crash leaves nothing that matters.
    async fn health(&self) -> Result<Health, StoreError>;

    /// Brings the schema to the newest version that this program knows. Done again it changes nothing; cut in the
    /// middle, it leaves the schema before or after the migration at hand.
    async fn migrate(&self) -> Result<Migrated, StoreError>;

    // -- backups --------------------------------------------------------------------------------

    /// Every row of every partition but leases, which a restored store has no holders of. An adapter that can gives
    /// them as they stood at one moment, which is after the call and before its answer; SQLite does.
    async fn export(&self) -> Result<RowStream, StoreError>;

    /// Writes rows as they are, versions included, over any that are there: for a store that was just made and that
    /// nobody else uses. At most [`crate::rows::LIST_MAX`] rows, all or nothing. Idempotent: repeat after an error.
    async fn import(&self, rows: Vec<KeptRow>) -> Result<(), StoreError>;

    /// Makes a store that was just made the next life of another one. Holds from its next opening on. Idempotent.
    async fn adopt(&self, store_id: u128, incarnation: u64) -> Result<(), StoreError>;

    // -- projects -------------------------------------------------------------------------------

    /// A project's row. Partition: tenant.
    async fn project_get(&self, tenant: TenantId, project: ProjectId) -> Result<Option<ProjectRow>, StoreError>;

    /// At most `limit` projects of a tenant, newest first; those that are being erased are left out. Partition:
    /// tenant.
    async fn project_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<ProjectRow>, StoreError>;

    /// Adds a project if there is none of that id; its version becomes 1. What was done is kept with it, all or
    /// nothing. Partition: tenant.
    ///
    /// After `Unknown` the row is there whole or not at all; inserting it again conflicts with itself,
    /// and the conflict carries it.
    async fn project_insert(&self, row: ProjectRow, act: Option<NewAct>) -> Result<Cas<ProjectRow>, StoreError>;

    /// Replaces a project if its version is `expected_version`; the version rises by one. What was done is kept
    /// under the new version, all or nothing; of older acts only [`crate::rows::ACTIVITY_MAX`] versions are kept.
    /// Partition: tenant.
    ///
    /// After `Unknown` the row is the old one or the new one: the version tells, if nobody else writes.
    async fn project_update(
        &self,
        row: ProjectRow,
        expected_version: u64,
        act: Option<NewAct>,
    ) -> Result<Cas<ProjectRow>, StoreError>;

    /// At most `limit` acts on a project with a number below `before`, newest first. Partition: tenant.
    async fn activity(
        &self,
        tenant: TenantId,
        project: ProjectId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Activity>, StoreError>;

    /// Removes a project that is marked deleted, with its activity; refuses one that is not
    /// ([`StoreError::Invalid`]). Idempotent: repeat after an error. Partition: tenant. The last step of a deletion;
    /// nothing else that belongs to the project is touched.
    async fn project_remove(&self, tenant: TenantId, project: ProjectId) -> Result<(), StoreError>;

    // -- runs -----------------------------------------------------------------------------------

    /// A run's row. Partition: run.
    async fn run_get(&self, run: RunId) -> Result<Option<RunRow>, StoreError>;

    /// Adds a run and its first outbox events if there is none of that id; its version becomes 1. All
    /// or nothing. Partition: run.
    ///
    /// After `Unknown` row and events are there or neither is; inserting again conflicts with itself.
    async fn run_insert(&self, row: RunRow, events: Vec<OutboxEvent>) -> Result<Cas<RunRow>, StoreError>;

    /// One conditional batch: the row, new segments and outbox events, if the version is the expected
    /// one and the lease shows the fence. All or nothing. Partition: run.
    ///
    /// This is where results are accepted: once it is applied, the items of the named segments are
    /// done. After `Unknown` the row's version and segment count tell whether they are; segment blobs
    /// that it would have named are harmless until then.
    async fn run_update(&self, update: RunUpdate) -> Result<Cas<RunRow, RunConflict>, StoreError>;

    /// All segments that a run names, in order; at most [`crate::rows::SEGMENTS_MAX`]. Partition: run.
    async fn segments(&self, run: RunId) -> Result<Vec<SegmentRow>, StoreError>;

    /// At most `limit` outbox events with a position above `after`, in order. Partition: run.
    async fn outbox(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// Drops outbox events up to and with position `through`, once the project's log holds them.
    /// Idempotent: repeat after an error. Partition: run.
    async fn outbox_trim(&self, run: RunId, through: u64) -> Result<(), StoreError>;

    /// Appends to the log of edits of a run's storyboard, if it has `expected_version` entries; the row's version
    /// becomes the next one. An entry that stands there already under the same id is answered as applied: so whoever
    /// doubts may simply repeat. The conflict is the log's version, `None` where there is no such run. Partition: run.
    ///
    /// After `Unknown` the entry is there or not: its id tells.
    async fn edit_append(
        &self,
        run: RunId,
        row: EditRow,
        expected_version: u64,
    ) -> Result<Cas<EditRow, Option<u64>>, StoreError>;

    /// At most `limit` edits with a version above `after`, in order. Partition: run.
    async fn edits(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EditRow>, StoreError>;

    /// Removes a run's row, segments, outbox, edits and lease, all or nothing. Idempotent: repeat after an
    /// error. Partition: run. A coordinator that still lives is fenced from then on.
    async fn run_remove(&self, run: RunId) -> Result<(), StoreError>;

    // -- the event log of a project ---------------------------------------------------------------

    /// Head of a project's log; [`EventHead::empty`] if there is none yet. Partition: project.
    async fn events_head(&self, project: ProjectId) -> Result<EventHead, StoreError>;

    /// Appends events and moves the run's watermark, all or nothing, if the head has the expected
    /// version. If the watermark already takes them in, nothing is written and the head is answered as
    /// applied: so a relay that doubts may simply repeat. Partition: project.
    ///
    /// After `Unknown` all of the events are there or none is; the watermark tells.
    async fn events_append(&self, append: EventAppend) -> Result<Cas<EventHead>, StoreError>;

    /// At most `limit` events with a sequence number above `after`, in order. Partition: project.
    async fn events_after(&self, project: ProjectId, after: u64, limit: u32) -> Result<Vec<RunEvent>, StoreError>;

    /// Removes a project's log and its head. Idempotent: repeat after an error. Partition: project.
    async fn events_remove(&self, project: ProjectId) -> Result<(), StoreError>;

    // -- uploads ----------------------------------------------------------------------------------

    /// An upload's row. Partition: tenant.
    async fn upload_get(&self, tenant: TenantId, upload: UploadId) -> Result<Option<UploadRow>, StoreError>;

    /// At most `limit` uploads of a tenant, oldest first, expired ones too. Partition: tenant.
    async fn upload_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<UploadRow>, StoreError>;

    /// Adds an upload if there is none of that id; its version becomes 1. [`StoreError::Invalid`] for a row
    /// that fails [`UploadRow::check`]. Partition: tenant.
    ///
    /// After `Unknown` the row is there whole or not at all.
    async fn upload_insert(&self, row: UploadRow) -> Result<Cas<UploadRow>, StoreError>;

    /// Replaces an upload if its version is `expected_version`; the version rises by one. Checked as by
    /// [`Records::upload_insert`]. Partition: tenant.
    ///
    /// This is where bytes are acknowledged: once it is applied, the chunks that the row names are the
    /// upload's. After `Unknown` the row's version and state tell whether they are; chunk blobs that it would
    /// have named are harmless until then, and must not be removed before the deadline is over.
    async fn upload_update(&self, row: UploadRow, expected_version: u64) -> Result<Cas<UploadRow>, StoreError>;

    /// Removes an upload's row; its blobs are not touched. Idempotent: repeat after an error. Partition: tenant.
    /// A writer that still sends finds no row from then on.
    async fn upload_remove(&self, tenant: TenantId, upload: UploadId) -> Result<(), StoreError>;

    // -- webhooks ---------------------------------------------------------------------------------

    /// A webhook's row. Partition: tenant.
    async fn webhook_get(&self, tenant: TenantId, webhook: WebhookId) -> Result<Option<WebhookRow>, StoreError>;

    /// At most `limit` webhooks of a tenant, oldest first. Partition: tenant.
    async fn webhook_list(&self, tenant: TenantId, limit: u32) -> Result<Vec<WebhookRow>, StoreError>;

    /// Adds a webhook and how much of each project's log it is not told, if there is none of that id; its version
    /// becomes 1. All or nothing. [`StoreError::Invalid`] for a row that fails [`WebhookRow::check`], or more than
    /// [`crate::rows::LIST_MAX`] marks. Partition: tenant.
    ///
    /// After `Unknown` row and marks are there or none is.
    async fn webhook_insert(
        &self,
        row: WebhookRow,
        marks: Vec<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError>;

    /// Replaces a webhook if its version is `expected_version`, and sets a mark along with it, all or nothing; the
    /// version rises by one. Checked as by [`Records::webhook_insert`]. Partition: tenant.
    ///
    /// This is how an attempt is claimed, and how it is told that an event was delivered. After `Unknown` the row's
    /// version tells, if nobody else writes; an event whose delivery was not written down is delivered again.
    async fn webhook_update(
        &self,
        row: WebhookRow,
        expected_version: u64,
        mark: Option<(ProjectId, WebhookMark)>,
    ) -> Result<Cas<WebhookRow>, StoreError>;

    /// Removes a webhook and its marks, all or nothing. Idempotent: repeat after an error. Partition: tenant.
    async fn webhook_remove(&self, tenant: TenantId, webhook: WebhookId) -> Result<(), StoreError>;

    /// At most `limit` marks of a webhook, by project. Partition: tenant.
    async fn webhook_marks(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<(ProjectId, WebhookMark)>, StoreError>;

    /// Removes a webhook's mark for a project that is gone. Idempotent: repeat after an error. Partition: tenant.
    async fn webhook_mark_remove(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        project: ProjectId,
    ) -> Result<(), StoreError>;

    // -- accounts ---------------------------------------------------------------------------------

    /// An account's row. Partition: account.
    async fn account_get(&self, account: AccountId) -> Result<Option<AccountRow>, StoreError>;

    /// Adds an account if there is none of that id; its version becomes 1. What was done is kept with it, all or
    /// nothing. [`StoreError::Invalid`] for a row that fails [`AccountRow::check`]. Partition: account.
    ///
    /// After `Unknown` the row is there whole or not at all.
    async fn account_insert(
        &self,
        row: AccountRow,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError>;

    /// Replaces an account if its version is `expected_version`; the version rises by one. What was done is kept under
    /// the new version, all or nothing, and never removed. Checked as by [`Records::account_insert`]. Partition:
    /// account.
    ///
    /// This is where somebody is signed in, and where sessions end: once it is applied, whoever reads the row knows.
    /// After `Unknown` the row is the old one or the new one.
    async fn account_update(
        &self,
        row: AccountRow,
        expected_version: u64,
        event: Option<NewAccountEvent>,
    ) -> Result<Cas<AccountRow>, StoreError>;

    /// At most `limit` things that were done with an account, with a number below `before`, newest first. Partition:
    /// account.
    async fn account_events(
        &self,
        account: AccountId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<AccountEvent>, StoreError>;

    /// Removes an account and its log, all or nothing. Idempotent: repeat after an error. Partition: account.
    async fn account_remove(&self, account: AccountId) -> Result<(), StoreError>;

    /// At most `limit` accounts with an id above `after`, in the order of their ids. Goes over all partitions: for
    /// whoever looks after the node.
    async fn account_list(&self, after: AccountId, limit: u32) -> Result<Vec<AccountRow>, StoreError>;

    /// Whose an address is. Partition: the address.
    async fn email_get(&self, email: &str) -> Result<Option<EmailRow>, StoreError>;

    /// Makes an address an account's, if its row has `expected_version` (0: there is none); the version rises by one.
    /// [`StoreError::Invalid`] for a row that fails [`EmailRow::check`]. Partition: the address.
    ///
    /// Of two that want an address one gets it. After `Unknown` the row says who did.
    async fn email_claim(&self, row: EmailRow, expected_version: u64) -> Result<Cas<EmailRow>, StoreError>;

    /// Leaves an address to whoever wants it, if it is this account's. Idempotent: repeat after an error. Partition:
    /// the address.
    async fn email_release(&self, email: &str, account: AccountId) -> Result<(), StoreError>;

    /// Whose an identity is. Partition: the identity.
    async fn identity_get(&self, identity: Digest) -> Result<Option<IdentityRow>, StoreError>;

    /// Makes an identity an account's, if its row has `expected_version` (0: there is none); the version rises by one.
    /// Partition: the identity.
    ///
    /// Of two that want an identity one gets it. After `Unknown` the row says who did.
    async fn identity_claim(&self, row: IdentityRow, expected_version: u64) -> Result<Cas<IdentityRow>, StoreError>;

    /// Leaves an identity to whoever wants it, if it is this account's. Idempotent: repeat after an error. Partition:
    /// the identity.
    async fn identity_release(&self, identity: Digest, account: AccountId) -> Result<(), StoreError>;

    /// Writes down what was done, for good. Idempotent: repeat after an error; an id that is there stays as it is.
    /// Partition: the period of its id.
    async fn audit_append(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// At most `limit` entries of a period with an id below `before`, newest first. Partition: the period.
    async fn audit_page(&self, period: u64, before: AuditId, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// The node's own row; the default where it was never written. Partition: its own.
    async fn site_get(&self) -> Result<SiteRow, StoreError>;

    /// Replaces the node's own row if its version is `expected_version`; the version rises by one. Partition: its own.
    ///
    /// After `Unknown` the row is the old one or the new one.
    async fn site_update(&self, row: SiteRow, expected_version: u64) -> Result<Cas<SiteRow>, StoreError>;

    // -- sharing ----------------------------------------------------------------------------------

    /// Who has a project; `None` where its tenant has it for itself. Partition: project.
    async fn access_get(&self, project: ProjectId) -> Result<Option<AccessRow>, StoreError>;

    /// Replaces who has a project if the row's version is `expected_version` (0: there is none); the version rises by
    /// one. [`StoreError::Invalid`] for a row that fails [`AccessRow::check`]. Partition: project.
    ///
    /// This is where somebody gets a project, and where they lose it: once it is applied, whoever reads the row knows.
    /// After `Unknown` the row is the old one or the new one.
    async fn access_update(&self, row: AccessRow, expected_version: u64) -> Result<Cas<AccessRow>, StoreError>;

    /// Removes who has a project that is being erased. Idempotent: repeat after an error. Partition: project.
    async fn access_remove(&self, project: ProjectId) -> Result<(), StoreError>;

    /// Which projects an account was given; none where that was never written. Partition: account.
    async fn shared_get(&self, account: AccountId) -> Result<SharedRow, StoreError>;

    /// Replaces which projects an account was given if the row's version is `expected_version`; the version rises by
    /// one. [`StoreError::Invalid`] for a row that fails [`SharedRow::check`]. Partition: account.
    ///
    /// After `Unknown` the row is the old one or the new one.
    async fn shared_update(&self, row: SharedRow, expected_version: u64) -> Result<Cas<SharedRow>, StoreError>;

    /// Removes which projects an account was given that is being erased. Idempotent: repeat after an error. Partition:
    /// account.
    async fn shared_remove(&self, account: AccountId) -> Result<(), StoreError>;

    // -- leases -----------------------------------------------------------------------------------

    /// A lease, if it was ever taken. Partition: the key's.
    async fn lease_get(&self, key: LeaseKey) -> Result<Option<LeaseRow>, StoreError>;

    /// Takes a lease for `owner` under the next term, if it is exactly what was `seen` (`None`: never
    /// taken). Whether it may be taken is the caller's to know, by its own clock. Partition: the key's.
    ///
    /// After `Unknown` the lease shows `owner` or does not; until it is read nobody may act under it.
    async fn lease_take(
        &self,
        key: LeaseKey,
        seen: Option<LeaseRow>,
        owner: OwnerId,
    ) -> Result<Cas<LeaseRow>, StoreError>;

    /// Renews a lease if it is exactly `mine`. Partition: the key's.
    ///
    /// A conflict means that it is lost: step down. After `Unknown` read it: one renewal more, under
    /// the same owner and term, is still the caller's.
    async fn lease_renew(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError>;

    /// Leaves a lease to whoever wants it, if its owner and term are those of `mine`. The row stays, so
    /// that terms go on rising. Partition: the key's.
    ///
    /// After `Unknown` the caller holds nothing, whatever the row says: it lapses like any other.
    async fn lease_release(&self, key: LeaseKey, mine: LeaseRow) -> Result<Cas<LeaseRow>, StoreError>;

    // -- intents ----------------------------------------------------------------------------------

    /// Puts an intent; one of the same id is replaced. Idempotent: repeat after an error. Partition:
    /// shard. Put it before the first step of the work.
    async fn intent_put(&self, row: IntentRow) -> Result<(), StoreError>;

    /// At most `limit` intents of a shard, oldest first. Partition: shard.
    async fn intent_list(&self, shard: u16, limit: u32) -> Result<Vec<IntentRow>, StoreError>;

    /// Removes an intent, after the last step of the work. Idempotent: repeat after an error.
    /// Partition: shard. If it comes back after a crash, the steps are only repeated.
    async fn intent_remove(&self, shard: u16, id: u128) -> Result<(), StoreError>;
}
