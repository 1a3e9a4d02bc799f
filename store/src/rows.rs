//! The rows that the records port keeps, and what is asked of it.
//!
//! A row is stored as a versioned payload; adding a field means a new payload version beside the old
//! one (`sqlite/payload.rs`), never a change of an old one.

mod access;
mod account;
mod credential;
mod kept;
mod upload;
mod webhook;

use std::collections::BTreeMap;
use std::fmt;

use bincode::{Decode, Encode};
use domain::book::{Format, Warning};
use domain::edit::EditEntry;
use domain::id::{AccountId, Digest, ProjectId, RunId, TenantId, Term, UploadId, WebhookId};
use domain::language::Language;
use domain::project::{Act, Activity, Actor};
use domain::run::{Progress, RunEvent, RunSettings, RunState};

pub use access::{AccessRow, InvitationRow, MemberRow, ShareLinkRow, SharedProject, SharedRow};
pub use account::{
    AccountRow, CREDENTIALS_MAX, Credential, EmailRow, ExportRow, ExportState, Identity, IdentityRow, LINKS_MAX,
    Leaving, LinkPurpose, MailedLink, NewAccountEvent, SecretDigest, SessionRow, SiteRow, identity_key,
};
pub use credential::{ApiKeyRow, SecondFactorRow};
pub use kept::KeptRow;
pub use upload::{CHUNK_MAX_BYTES, CHUNKS_MAX, Chunk, UPLOAD_METADATA_MAX_BYTES, UploadRow, UploadState};
pub use webhook::{PendingEvent, WebhookMark, WebhookRow};

/// Rows that one list answers at most, whatever the caller asks for.
pub const LIST_MAX: u32 = 10_000;
/// Segments that one run may name.
pub const SEGMENTS_MAX: u32 = 100_000;
/// Segments and outbox events that one [`RunUpdate`] may carry together.
pub const BATCH_MAX: usize = 1_000;
/// Acts that are kept of a project: older ones are dropped as new ones come.
pub const ACTIVITY_MAX: u64 = 1_000;
/// Partitions that intents are spread over.
pub const INTENT_SHARDS: u16 = 16;

/// A project: one book that somebody works on. Partition: its tenant.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ProjectRow {
    /// The account that pays.
    pub tenant: TenantId,
    /// Its id.
    pub project: ProjectId,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// What people call it, where that is not the book's title.
    pub name: Option<String>,
    /// What people say of it.
    pub description: String,
    /// It was put aside.
    pub archived: bool,
    /// The newest file that was given as its book.
    pub book: RevisionRow,
    /// Those before it, oldest first: revision 1 is the first of them, or [`ProjectRow::book`] where there is none.
    pub earlier_books: Vec<RevisionRow>,
    /// When it was created, milliseconds since 1970 UTC. Shown and sorted by, never decided from.
    pub created_ms: u64,
    /// When it was last changed, likewise.
    pub changed_ms: u64,
    /// One of the demonstration books.
    pub demo: bool,
    /// Somebody deleted it, and may still change their mind.
    pub trash: Option<Trash>,
    /// It is being erased: it is listed no more, and an intent removes what belongs to it.
    pub deleted: bool,
    /// Its newest run.
    pub run: Option<RunId>,
    /// Runs before that one, oldest first, so that a deletion finds what they left.
    pub earlier_runs: Vec<RunId>,
}

/// A file that was given as a project's book.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RevisionRow {
    /// Title of the book; the file's name until it is read.
    pub title: String,
    /// Authors of the book; empty until it is read.
    pub authors: Vec<String>,
    /// Language of the book, once read.
    pub language: Option<Language>,
    /// Format of the file, once read.
    pub format: Option<Format>,
    /// Name of the uploaded file, without folders.
    pub file_name: String,
    /// The uploaded file.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// When it was added, milliseconds since 1970 UTC. Shown, never decided from.
    pub added_ms: u64,
}

/// A deletion that can be undone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Trash {
    /// When it was deleted, milliseconds since 1970 UTC. Shown, never decided from.
    pub at_ms: u64,
    /// When it is erased, milliseconds since 1970 UTC: the one wall-clock time that something is decided from, for a
    /// day is counted through restarts. A clock that is wrong erases too early or too late.
    pub erase_at_ms: u64,
    /// The intent that erases it.
    pub intent: u128,
}

impl ProjectRow {
    /// Number of its newest revision, from 1.
    pub fn revision(&self) -> u32 {
        self.earlier_books.len() as u32 + 1
    }

    /// A revision by its number.
    pub fn revision_of(&self, number: u32) -> Option<&RevisionRow> {
        match number.checked_sub(1)? as usize {
            at if at == self.earlier_books.len() => Some(&self.book),
            at => self.earlier_books.get(at),
        }
    }
}

impl ProjectRow {
    /// The files that were given as its book, with their sizes.
    pub fn books(&self) -> impl Iterator<Item = (Digest, u64)> + '_ {
        let rows = self.earlier_books.iter().chain(std::iter::once(&self.book));
        rows.map(|row| (row.digest, row.bytes))
    }
}

/// A run: one analysis of one revision of a project. Partition: the run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunRow {
    /// The account that pays.
    pub tenant: TenantId,
    /// Its project.
    pub project: ProjectId,
    /// Its id.
    pub run: RunId,
    /// Set by the store: 1 at first, one more with each update.
    pub version: u64,
    /// Where it stands.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
    /// What was odd about the book.
    pub warnings: Vec<Warning>,
    /// Blob: what it has to do, once read.
    pub manifest: Option<Digest>,
    /// Set by the store: how many segments it names.
    pub segments: u32,
    /// What can be fetched of it.
    pub artefacts: Vec<Artefact>,
    /// When it was created, milliseconds since 1970 UTC. Shown, never decided from.
    pub created_ms: u64,
    /// Set by the store: the position that its next outbox event gets, from 1.
    pub outbox_next: u64,
    /// Number of the revision that it analyses, from 1.
    pub revision: u32,
    /// What it was asked to do otherwise than usual.
    pub settings: RunSettings,
    /// The run that it repeats.
    pub of: Option<RunId>,
    /// Who asked for it.
    pub by: Actor,
    /// When it ended, milliseconds since 1970 UTC. Shown, never decided from.
    pub ended_ms: Option<u64>,
}

/// Something that somebody does to a project, on its way into the project's activity.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAct {
    /// When, milliseconds since 1970 UTC. Shown, never decided from.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What.
    pub what: Act,
}

impl NewAct {
    /// The act as it is kept, with the version that the project has since.
    pub fn numbered(self, version: u64) -> Activity {
        Activity { seq: version, at_ms: self.at_ms, by: self.by, what: self.what }
    }
}

/// An entry in the log of edits of a run's storyboard. Partition: the run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EditRow {
    /// Position in the log, from 1 with no gaps.
    pub version: u64,
    /// Drawn by whoever appends, so that an append whose outcome is not known can be repeated.
    pub id: u128,
    /// When, milliseconds since 1970 UTC. Shown, never decided from.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What.
    pub entry: EditEntry,
}

/// Something that a run made, kept as a blob of its project.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Artefact {
    /// Such as `storyboard.json`; unique within the run.
    pub name: String,
    /// The blob.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// A segment that a run update names: from then on its results are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NewSegment {
    /// Blob: bincode of [`domain::manifest::Segment`].
    pub digest: Digest,
    /// How many items it holds.
    pub items: u32,
    /// How many tokens those have.
    pub tokens: u64,
}

/// A segment that a run names. Partition: the run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SegmentRow {
    /// Position among the run's segments, from 0 with no gaps.
    pub seq: u32,
    /// What it is.
    pub segment: NewSegment,
}

/// Something that happened to a run, on its way to the project's event log.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct OutboxEvent {
    /// Where the run stands since.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
}

/// An event in a run's outbox. Partition: the run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct OutboxRow {
    /// Position in the run's outbox, from 1 with no gaps.
    pub position: u64,
    /// What happened.
    pub event: OutboxEvent,
}

/// One conditional batch on a run's partition: all of it happens, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct RunUpdate {
    /// The row as it shall be; the fields that the store sets are ignored.
    pub row: RunRow,
    /// Version that the row must have now.
    pub expected_version: u64,
    /// The run's lease must show this holder now. `None` only for what needs no lease, such as a
    /// reader's cancellation.
    pub fence: Option<Fence>,
    /// Segments to name, after those that are named.
    pub segments: Vec<NewSegment>,
    /// Events to put in the outbox.
    pub events: Vec<OutboxEvent>,
}

/// Proof that the writer still holds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Who holds it.
    pub owner: OwnerId,
    /// Under which term.
    pub term: Term,
}

/// Why a [`RunUpdate`] was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum RunConflict {
    /// Somebody updated the row first. This is how it stands.
    Version(Box<RunRow>),
    /// The run's lease is somebody else's, or nobody's. The writer has to step down.
    Fenced(Option<LeaseRow>),
    /// There is no such run.
    Gone,
}

/// Head of a project's event log. Partition: the project.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EventHead {
    /// One more with each append; 0 while the log is empty.
    pub version: u64,
    /// Position that the next event gets, from 1.
    pub next_seq: u64,
    /// For each run, the last position of its outbox that stands in the log.
    pub relayed: BTreeMap<RunId, u64>,
}

impl EventHead {
    /// The head of a log that nothing was ever appended to.
    pub fn empty() -> Self {
        Self { version: 0, next_seq: 1, relayed: BTreeMap::new() }
    }

    /// Last position of a run's outbox that stands in the log; 0 if none does.
    pub fn relayed_through(&self, run: RunId) -> u64 {
        self.relayed.get(&run).copied().unwrap_or(0)
    }
}

/// An append to a project's event log.
#[derive(Clone, Debug, PartialEq)]
pub struct EventAppend {
    /// The project.
    pub project: ProjectId,
    /// Version that the head must have now.
    pub expected_version: u64,
    /// The run whose outbox is relayed.
    pub run: RunId,
    /// Last position of that outbox that the events take in.
    pub through: u64,
    /// In order; the first has the head's `next_seq`, with no gaps after it.
    pub events: Vec<RunEvent>,
}

/// Who can hold a lease: one life of one process, named by its boot UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct OwnerId(pub u128);

impl OwnerId {
    /// The owner of a lease that was released.
    pub const NOBODY: Self = Self(0);
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&uuid::Uuid::from_u128(self.0), f)
    }
}

impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerId({self})")
    }
}

/// What is leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseKey {
    /// The right to coordinate a run. Partition: that run.
    Run(RunId),
    /// The right to schedule. A partition of its own.
    Scheduler,
}

/// A lease. It holds no time: a holder proves that it lives by renewing, and a challenger takes over
/// after it has seen the same row for long enough by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeaseRow {
    /// Who holds it; [`OwnerId::NOBODY`] once released.
    pub owner: OwnerId,
    /// Rises with each taking, over restarts and releases too.
    pub term: Term,
    /// How often it was renewed in this term.
    pub renewals: u64,
}

impl LeaseRow {
    /// It was released: it can be taken at once.
    pub fn is_free(&self) -> bool {
        self.owner == OwnerId::NOBODY
    }

    /// What its holder shows to write under it.
    pub fn fence(&self) -> Fence {
        Fence { owner: self.owner, term: self.term }
    }
}

/// Work over several partitions that was begun and must be finished, by whoever finds it. Every step
/// of it is idempotent. Partition: the shard.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IntentRow {
    /// Its id. A fixed function of the body makes repeated puts one.
    pub id: u128,
    /// The partition, below [`INTENT_SHARDS`]; see [`shard_of`].
    pub shard: u16,
    /// What is to be finished.
    pub body: IntentBody,
    /// When it was put, milliseconds since 1970 UTC. Shown, never decided from.
    pub created_ms: u64,
}

/// What an intent is to finish. New kinds are appended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum IntentBody {
    /// Bring a run to its end, its project's row and event log along with it.
    Run {
        /// The account that pays.
        tenant: TenantId,
        /// Its project.
        project: ProjectId,
        /// The run.
        run: RunId,
    },
    /// Remove all that belongs to a project, its row last.
    DeleteProject {
        /// The account that pays.
        tenant: TenantId,
        /// The project.
        project: ProjectId,
    },
    /// Remove an upload once it has expired, or what is left of one that has no row. It stands as long as the
    /// row does.
    Upload {
        /// The account that pays.
        tenant: TenantId,
        /// The upload.
        upload: UploadId,
    },
    /// Remove all that belongs to a project that was deleted, once that can't be undone any more.
    EraseProject {
        /// The account that pays.
        tenant: TenantId,
        /// The project.
        project: ProjectId,
        /// Not before this wall-clock time, milliseconds since 1970 UTC.
        not_before_ms: u64,
    },
    /// Look after a webhook. It stands as long as the webhook's row does.
    Webhook {
        /// The account that pays.
        tenant: TenantId,
        /// The webhook.
        webhook: WebhookId,
    },
    /// Remove an account with all that it has, once that can't be taken back any more; the account's row last.
    EraseAccount {
        /// The account.
        account: AccountId,
        /// Not before this wall-clock time, milliseconds since 1970 UTC.
        not_before_ms: u64,
    },
    /// Write the archive that an account asked for, and have it go when its time is over.
    Export {
        /// The account.
        account: AccountId,
    },
}

/// The shard of the intent with this id.
pub fn shard_of(id: u128) -> u16 {
    // An id's last bits are random in every UUID version.
    (id % u128::from(INTENT_SHARDS)) as u16
}
