use domain::account::{AccountAct, SystemRole};
use domain::api_key::{KeyScope, KeyScopes};
use domain::audit::{AuditAct, AuditEntry};
use domain::book::{Format, Warning};
use domain::edit::{Edit, EditEntry};
use domain::id::{
    AccountId, ApiKeyId, AuditId, Digest, InvitationId, ProjectId, RunId, SessionId, ShareLinkId, TenantId, Term,
    UploadId, WebhookId,
};
use domain::language::Language;
use domain::project::{Act, Actor};
use domain::run::{Progress, RunSettings, RunState, Stage};
use domain::sharing::ProjectRole;
use domain::webhook::{Delivery, OffReason, WebhookEvents};
use proptest::prelude::*;

use super::old::{Project1, Run1};
use super::*;
use crate::rows::{
    ApiKeyRow, Artefact, Chunk, Credential, ExportRow, ExportState, Identity, IntentBody, InvitationRow, Leaving,
    LinkPurpose, MailedLink, MemberRow, NewSegment, OutboxEvent, OwnerId, PendingEvent, RevisionRow, SecondFactorRow,
    SessionRow, ShareLinkRow, SharedProject, Trash, UploadState,
};

const PROGRESS: Progress =
    Progress { passages_done: 3, passages_total: 9, tokens_done: 300, tokens_total: 70_000, tokens_per_s: 12 };

fn old_project() -> Project1 {
    Project1 {
        tenant: TenantId(1),
        project: ProjectId(2),
        version: 3,
        title: "T".into(),
        authors: vec!["A".into()],
        language: Some(Language::Fr),
        format: Some(Format::Epub),
        file_name: "f".into(),
        book: Digest([9; 32]),
        book_bytes: 10,
        created_ms: 11,
        demo: true,
        deleted: false,
        run: Some(RunId(4)),
        earlier_runs: vec![RunId(5)],
    }
}

fn project() -> ProjectRow {
    let earlier = RevisionRow { file_name: "g".into(), ..ProjectRow::from(old_project()).book };
    ProjectRow {
        name: Some("N".into()),
        description: "D".into(),
        archived: true,
        changed_ms: 12,
        trash: Some(Trash { at_ms: 13, erase_at_ms: 14, intent: 15 }),
        earlier_books: vec![earlier],
        ..old_project().into()
    }
}

fn old_run() -> Run1 {
    Run1 {
        tenant: TenantId(1),
        project: ProjectId(2),
        run: RunId(4),
        version: 3,
        state: RunState::Failed { stage: Stage::Composing, code: "c".into(), reason: "r".into() },
        progress: PROGRESS,
        warnings: vec![Warning { code: "w".into(), detail: "d".into() }],
        manifest: Some(Digest([8; 32])),
        segments: 2,
        artefacts: vec![Artefact { name: "n".into(), digest: Digest([7; 32]), bytes: 6, media_type: "m".into() }],
        created_ms: 11,
        outbox_next: 5,
    }
}

fn run() -> RunRow {
    RunRow {
        revision: 2,
        settings: RunSettings { panel_words: 90, ..RunSettings::default() },
        of: Some(RunId(3)),
        by: Actor::Node,
        ended_ms: Some(16),
        ..old_run().into()
    }
}

fn upload(state: UploadState) -> UploadRow {
    UploadRow {
        tenant: TenantId(1),
        upload: UploadId(2),
        version: 3,
        file_name: "f".into(),
        metadata: "m".into(),
        length: 4,
        expected: Some(Digest([6; 32])),
        created_ms: 11,
        expires_ms: 12,
        state,
    }
}

fn webhook() -> WebhookRow {
    let delivery = Delivery {
        event: "e".into(),
        kind: "k".into(),
        at_ms: 10,
        attempt: 2,
        took_ms: 300,
        status: Some(500),
        problem: Some("p".into()),
    };
    WebhookRow {
        tenant: TenantId(1),
        webhook: WebhookId(3),
        version: 4,
        url: "u".into(),
        projects: Some(vec![ProjectId(2)]),
        events: WebhookEvents::All,
        created_ms: 11,
        off: Some((12, OffReason::Gone)),
        failing_since_ms: Some(13),
        pending: Some(PendingEvent { project: ProjectId(2), seq: 5, first_ms: 14, attempts: 2, not_before_ms: 15 }),
        log: vec![delivery],
    }
}

fn account() -> AccountRow {
    AccountRow {
        account: AccountId(1),
        version: 2,
        tenant: TenantId(3),
        email: "e".into(),
        confirmed: true,
        name: "n".into(),
        language: Language::Fr,
        role: SystemRole::Admin,
        created_ms: 11,
        credentials: vec![
            Credential::Password { phc: "p".into(), set_ms: 12 },
            Credential::Identity(Identity {
                issuer: "i".into(),
                subject: "s".into(),
                label: "l".into(),
                linked_ms: 17,
            }),
        ],
        sessions: vec![SessionRow {
            session: SessionId(4),
            secret: [5; 32],
            began_ms: 13,
            seen_ms: 14,
            proved_ms: 15,
            agent: "a".into(),
            address: "b".into(),
        }],
        links: vec![MailedLink {
            purpose: LinkPurpose::ChangeAddress,
            secret: [6; 32],
            email: "f".into(),
            expires_ms: 16,
        }],
        leaving: Some(Leaving { asked_ms: 18, erase_at_ms: 19, intent: 20, begun: true }),
        avatar: Some(Digest([7; 32])),
        export: Some(ExportRow {
            id: 21,
            asked_ms: 22,
            state: ExportState::Ready { digest: Digest([8; 32]), bytes: 23, ended_ms: 24 },
        }),
    }
}

fn key() -> Credential {
    Credential::Key(ApiKeyRow {
        key: ApiKeyId(7),
        secret: [9; 32],
        name: "k".into(),
        scopes: KeyScopes::of(&[KeyScope::Read, KeyScope::Operate]),
        made_ms: 12,
        used_ms: Some(13),
        ends_ms: 14,
    })
}

fn second_factor() -> Credential {
    Credential::SecondFactor(SecondFactorRow {
        sealed: vec![1, 2],
        begun_ms: 12,
        on_ms: Some(13),
        last_step: 300,
        recovery: vec![[8; 32]],
        wrong: 3,
        wrong_ms: 14,
    })
}

fn access() -> AccessRow {
    let invitation = InvitationRow {
        invitation: InvitationId(5),
        email: "e".into(),
        role: ProjectRole::Owner,
        secret: [6; 32],
        by: AccountId(1),
        invited_ms: 7,
        expires_ms: 8,
    };
    let link = ShareLinkRow {
        link: ShareLinkId(9),
        name: "l".into(),
        secret: [7; 32],
        role: ProjectRole::Viewer,
        password: Some("p".into()),
        by: Actor::Account(AccountId(1)),
        created_ms: 10,
        expires_ms: 11,
    };
    AccessRow {
        version: 3,
        payer: Some(AccountId(1)),
        members: vec![MemberRow { account: AccountId(4), role: ProjectRole::Editor, since_ms: 12 }],
        invitations: vec![invitation],
        links: vec![link],
        ..AccessRow::alone(TenantId(2), ProjectId(3))
    }
}

fn account_event(what: AccountAct) -> AccountEvent {
    AccountEvent { seq: 2, at_ms: 10, address: "b".into(), what }
}

fn hex<T: Payload>(row: &T) -> String {
    encode(row).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A payload's digest stands for its bytes where those are long.
fn digest<T: Payload>(row: &T) -> String {
    Digest::of(&encode(row).unwrap()).to_string()
}

/// What format 1 wrote.
fn first_format<T: Encode>(row: &T) -> Vec<u8> {
    [&1_u16.to_le_bytes()[..], &bincode::encode_to_vec(row, config()).unwrap()].concat()
}

#[test]
fn the_payload_formats_are_frozen() {
    // Golden: a change here would make every stored row unreadable. Make a new format instead.
    let lease = LeaseRow { owner: OwnerId(6), term: Term { incarnation: 1, n: 2 }, renewals: 300 };
    let state = RunState::Working { stage: Stage::Understanding };
    let event = OutboxEvent { state: state.clone(), progress: PROGRESS };
    let logged = RunEvent { seq: 1, project: ProjectId(2), run: RunId(4), state: RunState::Ready, progress: PROGRESS };
    let segment = NewSegment { digest: Digest([1; 32]), items: 2, tokens: 400 };
    let head = EventHead { version: 1, next_seq: 2, relayed: [(RunId(4), 7)].into() };
    let (tenant, project) = (TenantId(1), ProjectId(2));
    let intent = |body| IntentRow { id: 5, shard: 5, body, created_ms: 11 };
    let activity = Activity {
        seq: 9,
        at_ms: 10,
        by: Actor::Local,
        what: Act::Changed { name: Some("N".into()), described: true, archived: Some(false) },
    };
    let entry = EditEntry::Edit { edit: Edit::Split { panel: 300, at: 1 } };
    let found = [
        hex(&lease),
        hex(&OutboxRow { position: 1, event }),
        hex(&logged),
        hex(&SegmentRow { seq: 0, segment }),
        hex(&head),
        hex(&intent(IntentBody::Run { tenant, project, run: RunId(4) })),
        hex(&intent(IntentBody::DeleteProject { tenant, project })),
        hex(&intent(IntentBody::Upload { tenant, upload: UploadId(2) })),
        hex(&upload(UploadState::Receiving { chunks: vec![Chunk { digest: Digest([5; 32]), bytes: 4 }] })),
        hex(&upload(UploadState::Taken { digest: Digest([5; 32]), project })),
        hex(&intent(IntentBody::EraseProject { tenant, project, not_before_ms: 12 })),
        hex(&activity),
        hex(&EditRow { version: 1, id: 6, at_ms: 10, by: Actor::Local, entry }),
        hex(&intent(IntentBody::Webhook { tenant, webhook: WebhookId(3) })),
        hex(&webhook()),
        hex(&WebhookMark { seq: 300, last: Some((RunId(4), 100)) }),
        Digest::of(&first_format(&old_project())).to_string(),
        Digest::of(&first_format(&old_run())).to_string(),
        digest(&self::project()),
        digest(&run()),
        hex(&account()),
        hex(&AccountRow { credentials: vec![key()], sessions: vec![], links: vec![], ..account() }),
        hex(&AccountRow { credentials: vec![second_factor()], sessions: vec![], links: vec![], ..account() }),
        hex(&account_event(AccountAct::KeyRevoked { key: ApiKeyId(7) })),
        hex(&account_event(AccountAct::RecoveryCodesRenewed)),
        hex(&account_event(AccountAct::AddressChanged { before: "e".into(), email: "f".into() })),
        hex(&account_event(AccountAct::ChangedRole { of: AccountId(9), role: SystemRole::Operator })),
        hex(&EmailRow { email: "e".into(), version: 2, account: AccountId(1) }),
        hex(&IdentityRow { identity: Digest([4; 32]), version: 2, account: AccountId(1) }),
        hex(&AuditEntry {
            id: AuditId(5),
            at_ms: 10,
            by: Actor::Account(AccountId(1)),
            what: AuditAct::RoleChanged { of: AccountId(9), role: SystemRole::Operator },
        }),
        hex(&SiteRow { version: 1, claimed: Some((AccountId(1), 11)) }),
        hex(&EditRow { version: 1, id: 6, at_ms: 10, by: Actor::Account(AccountId(1)), entry: EditEntry::Undo }),
        hex(&access()),
        hex(&SharedRow {
            account: AccountId(1),
            version: 2,
            projects: vec![SharedProject { project: ProjectId(3), since_ms: 4 }],
        }),
        hex(&Activity { seq: 1, at_ms: 2, by: Actor::Somebody, what: Act::MemberRemoved { member: AccountId(3) } }),
    ];
    assert_eq!(found, GOLDEN);
}

const GOLDEN: [&str; 35] = [
    "0100060102fb2c01",
    "01000101010309fb2c01fc701101000c",
    "0100010204020309fb2c01fc701101000c",
    "010000010101010101010101010101010101010101010101010101010101010101010102fb9001",
    "01000102010407",
    "01000505000102040b",
    "010005050101020b",
    "010005050201020b",
    "01000102030166016d040106060606060606060606060606060606060606060606060606060606060606060b0c0001050505050505050505050505050505050505050505050505050505050505050504",
    "01000102030166016d040106060606060606060606060606060606060606060606060606060606060606060b0c02050505050505050505050505050505050505050505050505050505050505050502",
    "010005050301020c0b",
    "0100090a000101014e010100",
    "010001060a000007fb2c0101",
    "010005050401030b",
    "01000103040175010102010b010c02010d0102050e020f010165016b0a02fb2c0101fbf401010170",
    "0100fb2c01010464",
    "5f8b27723d648483d5f862bafe5a3bc404f25fbbd73aa81f27ec5ea581c3c093",
    "c1d11e5dfb0efe5a992aae4e90e50d01f75f14736c4e6b32d555d6d34b87345a",
    "2954417706f72996f89db6656284d1d2331a20e25bb1ed11528a83a324873cd5",
    "ea2061a07dc4d592768543a67a2d038d2db5a3e829042de16787b00836fa99de",
    "0100010203016501016e01020b020001700c0301690173016c11010405050505050505050505050505050505050505050505050505050505050505050d0e0f016101620102060606060606060606060606060606060606060606060606060606060606060601661001121314010107070707070707070707070707070707070707070707070707070707070707070115160108080808080808080808080808080808080808080808080808080808080808081718",
    "0100010203016501016e01020b0101070909090909090909090909090909090909090909090909090909090909090909016b050c010d0e000001121314010107070707070707070707070707070707070707070707070707070707070707070115160108080808080808080808080808080808080808080808080808080808080808081718",
    "0100010203016501016e01020b01020201020c010dfb2c01010808080808080808080808080808080808080808080808080808080808080808030e000001121314010107070707070707070707070707070707070707070707070707070707070707070115160108080808080808080808080808080808080808080808080808080808080808081718",
    "0100020a01621207",
    "0100020a016219",
    "0100020a01620c01650166",
    "0100020a0162100901",
    "010001650201",
    "010004040404040404040404040404040404040404040404040404040404040404040201",
    "0100050a0201000901",
    "01000101010b",
    "010001060a020101",
    "010003030201010104010c010501650206060606060606060606060606060606060606060606060606060606060606060107080109016c07070707070707070707070707070707070707070707070707070707070707070001017002010a0b",
    "01000102010304",
    "01000102030b03",
];

#[test]
fn a_row_survives_its_payload() {
    assert_eq!(decode::<ProjectRow>(&encode(&project()).unwrap()), Ok(project()));
    assert_eq!(decode::<RunRow>(&encode(&run()).unwrap()), Ok(run()));
}

#[test]
fn rows_of_the_first_format_are_still_read() {
    let read: ProjectRow = decode(&first_format(&old_project())).unwrap();
    assert_eq!((read.name.as_deref(), read.archived, read.trash, read.revision()), (None, false, None, 1));
    assert_eq!(read.revision_of(1).map(|book| (book.title.as_str(), book.digest)), Some(("T", Digest([9; 32]))));
    assert_eq!((read.run, read.earlier_runs, read.changed_ms), (Some(RunId(4)), vec![RunId(5)], 11));
    let read: RunRow = decode(&first_format(&old_run())).unwrap();
    assert_eq!((read.settings, read.revision, read.of), (RunSettings::default(), 1, None));
    assert_eq!((read.manifest, read.segments, read.outbox_next), (Some(Digest([8; 32])), 2, 5));
}

#[test]
fn a_newer_format_is_refused_not_guessed_at() {
    let mut bytes = encode(&run()).unwrap();
    bytes[0] = 3;
    assert_eq!(decode::<RunRow>(&bytes), Err(StoreError::RowNewer { kind: "run", found: 3, known: 2 }));
    bytes[0] = 0;
    assert!(matches!(decode::<RunRow>(&bytes), Err(StoreError::Corrupt { .. })));
}

proptest! {
    #[test]
    fn damaged_payloads_are_errors_not_panics(at in 0..100_usize, bit in 0..8_u8, cut in 0..200_usize) {
        let mut bytes = encode(&run()).unwrap();
        let len = bytes.len();
        bytes[at % len] ^= 1 << bit;
        bytes.truncate(cut);
        // A flipped bit may still be a row; a cut one never is.
        let decoded = decode::<RunRow>(&bytes);
        prop_assert!(cut >= len || decoded.is_err());
    }
}
