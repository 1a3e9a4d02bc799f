//! Rows as they go into a backup and come out of one.

use domain::account::AccountEvent;
use domain::audit::AuditEntry;
use domain::id::{AccountId, ProjectId, RunId, TenantId, WebhookId};
use domain::project::Activity;
use domain::run::RunEvent;

use super::{
    AccessRow, AccountRow, EditRow, EmailRow, EventHead, IdentityRow, IntentRow, OutboxRow, ProjectRow, RunRow,
    SegmentRow, SharedRow, SiteRow, UploadRow, WebhookMark, WebhookRow,
};

/// Any row, with its partition where it does not say that itself.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptRow {
    /// A project.
    Project(ProjectRow),
    /// Something that was done to a project.
    Activity {
        /// The account that pays.
        tenant: TenantId,
        /// The project.
        project: ProjectId,
        /// What was done.
        act: Activity,
    },
    /// A run.
    Run(RunRow),
    /// A segment that a run names.
    Segment {
        /// The run.
        run: RunId,
        /// The segment.
        row: SegmentRow,
    },
    /// An event in a run's outbox.
    Outbox {
        /// The run.
        run: RunId,
        /// The event.
        row: OutboxRow,
    },
    /// An edit of a run's storyboard.
    Edit {
        /// The run.
        run: RunId,
        /// The edit.
        row: EditRow,
    },
    /// The head of a project's event log.
    EventHead {
        /// The project.
        project: ProjectId,
        /// The head.
        head: EventHead,
    },
    /// An event of a project's log.
    Event(RunEvent),
    /// An upload.
    Upload(UploadRow),
    /// An intent.
    Intent(IntentRow),
    /// An address that is told of events.
    Webhook(WebhookRow),
    /// How much of a project's log a webhook was told.
    WebhookMark {
        /// The account that pays.
        tenant: TenantId,
        /// The webhook.
        webhook: WebhookId,
        /// The project.
        project: ProjectId,
        /// How much.
        mark: WebhookMark,
    },
    /// An account.
    Account(AccountRow),
    /// Something that was done with an account.
    AccountEvent {
        /// The account.
        account: AccountId,
        /// What was done.
        event: AccountEvent,
    },
    /// Whose an address is.
    Email(EmailRow),
    /// What the node as a whole has of accounts.
    Site(SiteRow),
    /// Who has a project.
    Access(AccessRow),
    /// Which projects an account was given.
    Shared(SharedRow),
    /// Whose an identity is.
    Identity(IdentityRow),
    /// Something that the node as a whole has written down.
    Audit(AuditEntry),
}
