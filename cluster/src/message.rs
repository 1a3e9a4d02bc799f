//! The append-only table of message kinds.
//!
//! A kind's number and the fields of its type never change; what must say more gets a new kind. Golden
//! bytes of every kind are kept in `tests/golden-v1.txt`, and a test fails when one of them moves.

use crate::body::accounts::{
    AccountEventsReply, AccountReply, AskAddress, AskReset, Authenticate, AuthenticatedReply, BeginSession,
    ChangePassword, ChangeRole, ClaimNode, ConfirmAgain, EndSessions, FindAccount, FollowLink, ListAccountEvents,
    ListSessions, PatchAccount, ReadAccount, ResetPassword, SayPassword, SessionReply, SessionsReply, SignUpAccount,
};
use crate::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply, GetAnalysis};
use crate::body::credentials::{
    AccountsReply, BeginSecondFactor, ConfirmSecondFactor, KeyReply, KeysReply, ListAccounts, ListKeys, MakeKey,
    ReadSecondFactor, RecoveryCodesReply, RemoveSecondFactor, RenewRecoveryCodes, RevokeKey, SecondFactorBegun,
    SecondFactorReply,
};
use crate::body::exports::{
    AvatarReply, BeginExport, ExportReply, GetAvatar, GetExport, PutAvatar, RemoveAvatar, SignExport,
};
use crate::body::files::{OpenSigned, SignFile, SignedFileReply, SignedReply};
use crate::body::follow::{FollowEvents, FollowedEvents};
use crate::body::identities::{
    BeginFlow, EndFlow, FlowBegan, FlowEnded, IdentitiesReply, ListIdentities, UnlinkIdentity,
};
use crate::body::keeping::{
    CoverReply, GetCover, GetHealth, HealthReply, MigrationsReply, RunMigrations, SweepBlobs, SweepReply,
};
use crate::body::keyed::{BeginRunAs, CreateUploadAs, CreateWebhookAs};
use crate::body::leaving::{AuditLogReply, LeaveAccount, LeavingReply, ListAudit};
use crate::body::projects::{
    ArtefactReply, CancelRun, CreateProject, DeleteProject, EventsAfter, EventsReply, GetArtefact, GetProject,
    ListProjects, ProjectReply, ProjectsReply, RunReply, StartRun,
};
use crate::body::runs::{
    CancelItems, GetScheduling, GetWaits, ItemsDone, ItemsFailed, ItemsMarked, SchedulingReply, SetShare, SubmitItems,
    SubmitMarked, SubmitReply, WaitsReply,
};
use crate::body::sharing::{
    AcceptInvitation, ChangeMember, InvitationReply, InviteMember, JoinedReply, LinkOpenedReply, ListMembers,
    MakeShareLink, MembersReply, NoteBackup, OpenShareLink, QueryShared, ReachProject, ReachedReply, RemoveMember,
    RevokeShareLink, ShareLinkReply, SharedPageReply, WithdrawInvitation,
};
use crate::body::uploads::{
    AbandonChunks, AppendUpload, CreateFromUpload, CreateUpload, GetUpload, RemoveUpload, UploadReply,
};
use crate::body::webhooks::{
    CreateWebhook, GetWebhookSecrets, ListWebhooks, PatchWebhook, ReadWebhook, RemoveWebhook, WebhookReply,
    WebhookSecretsReply, WebhooksReply,
};
use crate::body::work::{
    ActivityReply, AuditReply, AuditRun, BeginRun, DiscardProject, EditStateReply, EditStoryboard, EditsReply,
    GetRunFile, GetStoryboard, ListActivity, ListEdits, ListRevisions, ListRuns, PatchProject, ProjectPageReply,
    QueryProjects, ReadProject, ReadRun, RestoreProject, ReviseFromUpload, ReviseProject, RevisionsReply, RunsReply,
    WholeProjectReply, WholeRunReply,
};
use crate::body::workers::{
    BatchDone, BatchFailed, CancelBatch, DeviceStands, DevicesReply, DrainWorker, GetDevices, LeaderBegan, RunBatch,
    UnloadModel, WorkerDrained, WorkerPresent, WorkerReady,
};
use crate::body::{Done, Fault};
use crate::envelope::{EnvelopeError, WIRE_CONFIG, decode_exactly};

macro_rules! messages {
    ($($kind:literal $name:ident;)*) => {
        /// Everything that can be said between roles.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $(#[doc = concat!("Kind ", stringify!($kind), ".")] $name($name),)*
            /// A kind that this version does not know; requests of it are answered `unsupported`.
            Unknown(u16),
        }

        impl Message {
            /// The number of this kind.
            pub fn kind(&self) -> u16 {
                match self {
                    $(Self::$name(_) => $kind,)*
                    Self::Unknown(kind) => *kind,
                }
            }

            /// Every kind that this version knows, in order of the table.
            pub const KINDS: &[(u16, &str)] = &[$(($kind, stringify!($name))),*];

            pub(crate) fn encode_body(&self) -> Result<Vec<u8>, bincode::error::EncodeError> {
                match self {
                    $(Self::$name(body) => bincode::encode_to_vec(body, WIRE_CONFIG),)*
                    Self::Unknown(_) => Ok(Vec::new()),
                }
            }

            pub(crate) fn decode_body(kind: u16, body: &[u8]) -> Result<Self, EnvelopeError> {
                match kind {
                    $($kind => decode_exactly(body).map(Self::$name),)*
                    _ => Ok(Self::Unknown(kind)),
                }
            }
        }

        $(impl From<$name> for Message {
            fn from(body: $name) -> Self { Self::$name(body) }
        }
        impl TryFrom<Message> for $name {
            type Error = Message;
            fn try_from(message: Message) -> Result<Self, Message> {
                match message {
                    Message::$name(body) => Ok(body),
                    other => Err(other),
                }
            }
        })*
    };
}

messages! {
    1 Fault;
    2 Done;

    10 CreateProject;
    11 ListProjects;
    12 GetProject;
    13 DeleteProject;
    14 StartRun;
    15 CancelRun;
    16 EventsAfter;
    17 GetArtefact;
    20 ProjectReply;
    21 ProjectsReply;
    22 RunReply;
    23 EventsReply;
    24 ArtefactReply;

    30 SubmitItems;
    31 SubmitReply;
    32 CancelItems;
    33 ItemsDone;
    34 ItemsFailed;
    35 SubmitMarked;
    36 ItemsMarked;
    37 GetScheduling;
    38 SchedulingReply;

    40 WorkerReady;
    41 RunBatch;
    42 BatchDone;
    43 BatchFailed;
    44 CancelBatch;
    45 DrainWorker;
    46 LeaderBegan;
    47 WorkerPresent;
    48 WorkerDrained;

    50 GetWaits;
    51 WaitsReply;
    52 SetShare;
    53 UnloadModel;
    54 DeviceStands;
    55 GetDevices;
    56 DevicesReply;
    57 CreateUpload;
    58 GetUpload;
    59 AppendUpload;
    60 AbandonChunks;
    61 RemoveUpload;
    62 UploadReply;
    63 CreateFromUpload;
    64 SignFile;
    65 SignedReply;
    66 OpenSigned;
    67 SignedFileReply;

    70 QueryProjects;
    71 ReadProject;
    72 PatchProject;
    73 DiscardProject;
    74 RestoreProject;
    75 ReviseProject;
    76 ListRevisions;
    77 ListRuns;
    78 ReadRun;
    79 BeginRun;
    80 GetRunFile;
    81 AuditRun;
    82 ListActivity;
    83 EditStoryboard;
    84 ListEdits;
    85 GetStoryboard;
    90 ProjectPageReply;
    91 WholeProjectReply;
    92 RevisionsReply;
    93 RunsReply;
    94 WholeRunReply;
    95 AuditReply;
    96 ActivityReply;
    97 EditStateReply;
    98 EditsReply;

    110 AnalyseText;
    111 AnalyseProject;
    112 GetAnalysis;
    113 AnalysisReply;
    114 FollowEvents;
    115 FollowedEvents;
    116 CreateWebhook;
    117 ListWebhooks;
    118 ReadWebhook;
    119 PatchWebhook;
    120 RemoveWebhook;
    121 GetWebhookSecrets;
    122 WebhookReply;
    123 WebhooksReply;
    124 WebhookSecretsReply;
    140 GetHealth;
    141 HealthReply;
    142 RunMigrations;
    143 MigrationsReply;
    144 SweepBlobs;
    145 SweepReply;
    146 GetCover;
    147 CoverReply;
    160 ReviseFromUpload;

    170 Authenticate;
    171 SignUpAccount;
    172 ClaimNode;
    173 BeginSession;
    174 EndSessions;
    175 ListSessions;
    176 FollowLink;
    177 ConfirmAgain;
    178 AskReset;
    179 ResetPassword;
    180 ChangePassword;
    181 SayPassword;
    182 ReadAccount;
    183 PatchAccount;
    184 AskAddress;
    185 ListAccountEvents;
    186 FindAccount;
    187 ChangeRole;
    195 AuthenticatedReply;
    196 SessionReply;
    197 AccountReply;
    198 SessionsReply;
    199 AccountEventsReply;

    230 CreateUploadAs;
    231 CreateWebhookAs;
    232 BeginRunAs;

    240 MakeKey;
    241 ListKeys;
    242 RevokeKey;
    243 ListAccounts;
    244 ReadSecondFactor;
    245 BeginSecondFactor;
    246 ConfirmSecondFactor;
    247 RemoveSecondFactor;
    248 RenewRecoveryCodes;
    253 KeyReply;
    254 KeysReply;
    255 AccountsReply;
    256 SecondFactorReply;
    257 SecondFactorBegun;
    258 RecoveryCodesReply;
    260 ReachProject;
    261 ReachedReply;
    262 ListMembers;
    263 MembersReply;
    264 ChangeMember;
    265 RemoveMember;
    266 InviteMember;
    267 InvitationReply;
    268 WithdrawInvitation;
    269 AcceptInvitation;
    270 JoinedReply;
    271 MakeShareLink;
    272 ShareLinkReply;
    273 RevokeShareLink;
    274 OpenShareLink;
    275 LinkOpenedReply;
    276 QueryShared;
    277 SharedPageReply;
    278 NoteBackup;

    280 BeginFlow;
    281 EndFlow;
    282 ListIdentities;
    283 UnlinkIdentity;
    284 FlowBegan;
    285 FlowEnded;
    286 IdentitiesReply;
    287 LeaveAccount;
    288 LeavingReply;
    289 ListAudit;
    290 AuditLogReply;
    292 BeginExport;
    293 GetExport;
    294 ExportReply;
    295 SignExport;
    296 PutAvatar;
    297 GetAvatar;
    298 AvatarReply;
    299 RemoveAvatar;
}

/// A message that is answered, and by what.
pub trait Request: Into<Message> {
    /// The answer when all is well; otherwise a [`Fault`].
    type Reply: TryFrom<Message, Error = Message>;
}

macro_rules! requests {
    ($($request:ident => $reply:ident;)*) => {
        $(impl Request for $request { type Reply = $reply; })*
    };
}

requests! {
    CreateProject => ProjectReply;
    ListProjects => ProjectsReply;
    GetProject => ProjectReply;
    DeleteProject => Done;
    StartRun => RunReply;
    CancelRun => RunReply;
    EventsAfter => EventsReply;
    GetArtefact => ArtefactReply;
    SubmitItems => SubmitReply;
    SubmitMarked => SubmitReply;
    GetScheduling => SchedulingReply;
    GetWaits => WaitsReply;
    SetShare => Done;
    GetDevices => DevicesReply;
    CreateUpload => UploadReply;
    CreateUploadAs => UploadReply;
    CreateWebhookAs => WebhookReply;
    BeginRunAs => WholeRunReply;
    GetUpload => UploadReply;
    AppendUpload => UploadReply;
    AbandonChunks => Done;
    RemoveUpload => Done;
    CreateFromUpload => ProjectReply;
    SignFile => SignedReply;
    OpenSigned => SignedFileReply;
    QueryProjects => ProjectPageReply;
    ReadProject => WholeProjectReply;
    PatchProject => WholeProjectReply;
    DiscardProject => Done;
    RestoreProject => WholeProjectReply;
    ReviseProject => WholeProjectReply;
    ReviseFromUpload => WholeProjectReply;
    ListRevisions => RevisionsReply;
    ListRuns => RunsReply;
    ReadRun => WholeRunReply;
    BeginRun => WholeRunReply;
    GetRunFile => ArtefactReply;
    AuditRun => AuditReply;
    ListActivity => ActivityReply;
    EditStoryboard => EditStateReply;
    ListEdits => EditsReply;
    GetStoryboard => ArtefactReply;
    AnalyseText => AnalysisReply;
    AnalyseProject => AnalysisReply;
    GetAnalysis => AnalysisReply;
    FollowEvents => FollowedEvents;
    CreateWebhook => WebhookReply;
    ListWebhooks => WebhooksReply;
    ReadWebhook => WebhookReply;
    PatchWebhook => WebhookReply;
    RemoveWebhook => Done;
    GetWebhookSecrets => WebhookSecretsReply;
    GetHealth => HealthReply;
    RunMigrations => MigrationsReply;
    SweepBlobs => SweepReply;
    GetCover => CoverReply;
    Authenticate => AuthenticatedReply;
    SignUpAccount => Done;
    ClaimNode => SessionReply;
    BeginSession => SessionReply;
    EndSessions => Done;
    ListSessions => SessionsReply;
    FollowLink => SessionReply;
    ConfirmAgain => Done;
    AskReset => Done;
    ResetPassword => Done;
    ChangePassword => SessionReply;
    SayPassword => Done;
    ReadAccount => AccountReply;
    PatchAccount => AccountReply;
    AskAddress => Done;
    ListAccountEvents => AccountEventsReply;
    FindAccount => AccountReply;
    ChangeRole => AccountReply;
    MakeKey => KeyReply;
    ListKeys => KeysReply;
    RevokeKey => Done;
    ListAccounts => AccountsReply;
    ReadSecondFactor => SecondFactorReply;
    BeginSecondFactor => SecondFactorBegun;
    ConfirmSecondFactor => RecoveryCodesReply;
    RemoveSecondFactor => Done;
    RenewRecoveryCodes => RecoveryCodesReply;
    ReachProject => ReachedReply;
    ListMembers => MembersReply;
    ChangeMember => Done;
    RemoveMember => Done;
    InviteMember => InvitationReply;
    WithdrawInvitation => Done;
    AcceptInvitation => JoinedReply;
    MakeShareLink => ShareLinkReply;
    RevokeShareLink => Done;
    OpenShareLink => LinkOpenedReply;
    QueryShared => SharedPageReply;
    NoteBackup => Done;
    BeginFlow => FlowBegan;
    EndFlow => FlowEnded;
    ListIdentities => IdentitiesReply;
    UnlinkIdentity => Done;
    LeaveAccount => LeavingReply;
    ListAudit => AuditLogReply;
    BeginExport => ExportReply;
    GetExport => ExportReply;
    SignExport => SignedReply;
    PutAvatar => Done;
    GetAvatar => AvatarReply;
    RemoveAvatar => Done;
}
