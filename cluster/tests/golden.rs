//! Golden bytes: what one version says, every later one must understand.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "examples/reach.rs"]
mod reach;

use std::collections::BTreeMap;

use cluster::body::files::{OpenSigned, SignFile, SignedFileReply, SignedReply};
use cluster::body::projects::{
    ArtefactReply, CancelRun, CreateProject, DeleteProject, EventsAfter, EventsReply, GetArtefact, GetProject,
    ListProjects, ProjectReply, ProjectsReply, RunReply, StartRun,
};
use cluster::body::runs::{
    CancelItems, GetScheduling, GetWaits, ItemClass, ItemMarks, ItemsDone, ItemsFailed, ItemsMarked, ModelRef,
    SchedulingReply, SetShare, SubmitItems, SubmitMarked, SubmitReply, SubmittedItem, WaitsReply,
};
use cluster::body::uploads::{
    AbandonChunks, AppendUpload, ChunkRef, CreateFromUpload, CreateUpload, GetUpload, RemoveUpload, UploadReply,
};
use cluster::body::work::{
    ActivityReply, AuditReply, AuditRun, BeginRun, DiscardProject, EditStateReply, EditStoryboard, EditsReply,
    GetRunFile, GetStoryboard, ListActivity, ListEdits, ListRevisions, ListRuns, PatchProject, ProjectPageReply,
    QueryProjects, ReadProject, ReadRun, RestoreProject, ReviseFromUpload, ReviseProject, RevisionsReply, RunKind,
    RunsReply, WholeProjectReply, WholeRunReply,
};
use cluster::body::workers::{
    BatchDone, BatchFailed, BatchFailure, BatchGroup, BatchItem, BatchLease, BatchResults, CancelBatch, DeviceStands,
    DevicesReply, DrainWorker, GetDevices, HeldWork, LeaderBegan, OfferedModel, RunBatch, UnloadModel, WorkerDrained,
    WorkerPresent, WorkerReady,
};
use cluster::body::{Done, Fault, Payload, Scope};
use cluster::envelope::{Envelope, Trace};
use cluster::message::Message;
use domain::api::{BookFile, ProjectView, RunView};
use domain::book::{Format, Warning};
use domain::edit::{Edit, EditEntry, EditPage, EditState, EditVersion, Shot};
use domain::id::{Digest, ItemId, ProjectId, RunId, TenantId, Term, UploadId, WorkerId};
use domain::language::Language;
use domain::manifest::NumericProfile;
use domain::principal::Principal;
use domain::project::{
    Act, Activity, ActivityPage, Actor, Deleted, Project, ProjectPage, ProjectPatch, ProjectQuery, Revision, Run,
    RunFile, Shown, Sort, StateFilter,
};
use domain::run::{Progress, RunEvent, RunSettings, RunState, Stage};
use domain::scheduling::{
    DeviceLoad, ModelLoad, ModelWaits, SchedulingTotals, SchedulingView, SchedulingWaits, TenantLoad, TenantShare,
    TenantWaits, TermBegan, WaitSum, WorkerLoad,
};
use domain::upload::UploadView;

#[path = "examples/accounts.rs"]
mod accounts;
#[path = "examples/belongings.rs"]
mod belongings;
#[path = "examples/credentials.rs"]
mod credentials;
#[path = "examples/keeping.rs"]
mod keeping;
#[path = "examples/keyed.rs"]
mod keyed;
#[path = "examples/sharing.rs"]
mod sharing;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden-v1.txt");

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

const PROJECT: ProjectId = ProjectId(0x0123_4567);
const RUN: RunId = RunId(0x89ab_cdef);
const UPLOAD: UploadId = UploadId(0x0f0f_0f0f);
const WORKER: WorkerId = WorkerId(7);
const TERM: Term = Term { incarnation: 1, n: 300 };
const WHO: Principal = Principal::LOCAL;
const SCOPE: Scope = Scope { tenant: TenantId::LOCAL, project: PROJECT };
const LEASE: BatchLease = BatchLease { batch: 70_000, attempt: 2, term: TERM, epoch: 9 };

fn model() -> ModelRef {
    ModelRef { digest: digest(3), profile: NumericProfile::Bf16 }
}

fn progress() -> Progress {
    Progress { passages_done: 3, passages_total: 9, tokens_done: 900, tokens_total: 4_500, tokens_per_s: 1_234 }
}

fn run_view() -> RunView {
    let state = RunState::Failed { stage: Stage::Reading, code: "book-empty".into(), reason: "é".into() };
    let warnings = vec![Warning { code: "empty-chapter".into(), detail: "one".into() }];
    RunView { id: RUN, state, progress: progress(), warnings, seq: 12 }
}

fn project_view() -> ProjectView {
    ProjectView {
        id: PROJECT,
        title: "Title".into(),
        authors: vec!["A".into()],
        language: Some(Language::Fr),
        created_ms: 1_700_000_000_000,
        demo: true,
        book: BookFile { name: "b.epub".into(), digest: digest(1), bytes: 5, format: Some(Format::Epub) },
        run: Some(run_view()),
    }
}

fn of_projects() -> Vec<Message> {
    let event = RunEvent { seq: 1, project: PROJECT, run: RUN, state: RunState::Ready, progress: progress() };
    vec![
        CreateProject {
            principal: WHO,
            project: PROJECT,
            file_name: "b.epub".into(),
            book: digest(1),
            book_bytes: 300,
            demo: false,
        }
        .into(),
        ListProjects { principal: WHO }.into(),
        GetProject { principal: WHO, project: PROJECT }.into(),
        DeleteProject { principal: WHO, project: PROJECT }.into(),
        StartRun { principal: WHO, project: PROJECT }.into(),
        CancelRun { principal: WHO, project: PROJECT, run: RUN }.into(),
        EventsAfter { principal: WHO, project: PROJECT, after: 4, limit: 256, wait_ms: 15_000 }.into(),
        GetArtefact { principal: WHO, project: PROJECT, name: "book.json".into() }.into(),
        ProjectReply { project: project_view() }.into(),
        ProjectsReply { projects: vec![project_view()] }.into(),
        RunReply { run: run_view() }.into(),
        EventsReply { events: vec![event] }.into(),
        ArtefactReply { digest: digest(2), bytes: 77, media_type: "application/json".into() }.into(),
    ]
}

fn of_runs() -> Vec<Message> {
    let item = SubmittedItem { item: ItemId(digest(4)), tokens: 511, offset: 70_000, len: 1_500 };
    let submit = SubmitItems {
        run: RUN,
        run_term: TERM,
        core: 5,
        class: ItemClass::Bulk,
        deadline_in_ms: Some(250),
        scope: SCOPE,
        inputs: digest(6),
        model: model(),
        items: vec![item],
    };
    let marks = vec![ItemMarks { item: ItemId(digest(4)), attempts: 1, crashes: 2 }];
    vec![
        submit.clone().into(),
        SubmitReply::Full { retry_after_ms: 250 }.into(),
        CancelItems { run: RUN, run_term: TERM }.into(),
        ItemsDone { run: RUN, scheduler_term: TERM, results: Payload::Inline(vec![1, 2, 3]) }.into(),
        ItemsFailed {
            run: RUN,
            scheduler_term: TERM,
            items: vec![ItemId(digest(4))],
            code: "c".into(),
            detail: "d".into(),
        }
        .into(),
        SubmitMarked { submit, marks: marks.clone() }.into(),
        ItemsMarked { run: RUN, scheduler_term: TERM, marks }.into(),
        GetScheduling { principal: WHO }.into(),
        SchedulingReply { scheduling: scheduling() }.into(),
        GetWaits { principal: WHO }.into(),
        WaitsReply { waits: waits() }.into(),
        SetShare {
            principal: WHO,
            tenant: TenantId::LOCAL,
            share: TenantShare { weight: 200, device_ms_per_s: Some(500) },
        }
        .into(),
    ]
}

fn scheduling() -> SchedulingView {
    SchedulingView {
        term: TERM,
        outstanding_items: 500,
        queued_interactive: 1,
        queued_bulk: 2,
        queued_again: 3,
        leased_items: 4,
        models: vec![ModelLoad {
            model: "03030303-bf16".into(),
            queued: 5,
            backlog_device_seconds: 1.5,
            backlog_seconds: Some(0.5),
            workers: 3,
            tenants: vec![TenantLoad { tenant: TenantId::LOCAL, queued: 6 }],
        }],
        workers: vec![WorkerLoad { worker: WORKER, epoch: 9, held: 1, credits: 2, draining: true, busy_share: 0.25 }],
        totals: SchedulingTotals { accepted: 7, padding_waste: 0.125, ..SchedulingTotals::default() },
        terms: vec![TermBegan { term: TERM, at_ms: 70_000, adopted_batches: 1, adopted_items: 64 }],
    }
}

fn waits() -> SchedulingWaits {
    let sum = |items| WaitSum { items, total_ms: 70_000, counts: vec![1, items] };
    let tenants = vec![TenantWaits { tenant: TenantId::LOCAL, interactive: sum(2), bulk: sum(300) }];
    let model = ModelWaits { model: "03030303-bf16".into(), interactive: sum(4), bulk: sum(5), tenants };
    SchedulingWaits { models: vec![model] }
}

fn of_workers() -> Vec<Message> {
    let offer = OfferedModel {
        model: model(),
        resident: true,
        load_ms: 900,
        max_padded_tokens: 2_048,
        weights_bytes: 1,
        bytes_per_padded_token: 2,
        ns_per_token: 3,
    };
    let item = BatchItem { item: ItemId(digest(4)), offset: 70_000, len: 1_500 };
    let groups = vec![BatchGroup { run: RUN, scope: SCOPE, inputs: digest(6), items: vec![item] }];
    let ready =
        WorkerReady { worker: WORKER, epoch: 9, credits: 2, free_bytes: 8, models: vec![offer], held: vec![LEASE] };
    let held = vec![HeldWork { lease: LEASE, model: model(), padded_len: 300, groups: groups.clone() }];
    vec![
        ready.clone().into(),
        RunBatch { lease: LEASE, model: model(), groups }.into(),
        BatchDone {
            worker: WORKER,
            lease: LEASE,
            elapsed_us: 250_000,
            groups: vec![BatchResults { run: RUN, results: Payload::Bulk(digest(8)) }],
        }
        .into(),
        BatchFailed {
            worker: WORKER,
            lease: LEASE,
            failure: BatchFailure::Rejected,
            code: "c".into(),
            detail: "d".into(),
        }
        .into(),
        CancelBatch { lease: LEASE }.into(),
        DrainWorker { worker: WORKER, epoch: 9 }.into(),
        LeaderBegan { term: TERM }.into(),
        WorkerPresent { ready, node: 11, held }.into(),
        WorkerDrained { worker: WORKER, epoch: 9 }.into(),
        UnloadModel { worker: WORKER, model: model() }.into(),
        DeviceStands { load: device() }.into(),
        GetDevices { principal: WHO }.into(),
        DevicesReply { devices: vec![device()] }.into(),
    ]
}

fn device() -> DeviceLoad {
    DeviceLoad {
        worker: WORKER,
        device: "cuda:0".into(),
        batches: 3,
        tokens: 70_000,
        computed_tokens: 70_300,
        busy_us: 1_000_000,
        gaps_us: 251,
        free_bytes: 1 << 33,
        total_bytes: 1 << 34,
        weights_bytes: 1 << 28,
        resident_models: 2,
    }
}

fn of_uploads() -> Vec<Message> {
    let upload = UploadView {
        id: UPLOAD,
        name: "b.epub".into(),
        length: 70_000,
        offset: 300,
        digest: Some(digest(1)),
        project: Some(PROJECT),
        expires_ms: 1_700_000_000_000,
    };
    vec![
        CreateUpload {
            principal: WHO,
            file_name: "b.epub".into(),
            metadata: "filename Yi5lcHVi".into(),
            length: 70_000,
            expected: Some(digest(1)),
        }
        .into(),
        GetUpload { principal: WHO, upload: UPLOAD }.into(),
        AppendUpload {
            principal: WHO,
            upload: UPLOAD,
            offset: 300,
            chunks: vec![ChunkRef { digest: digest(2), bytes: 5 }],
        }
        .into(),
        AbandonChunks { principal: WHO, upload: UPLOAD, chunks: vec![digest(2)] }.into(),
        RemoveUpload { principal: WHO, upload: UPLOAD }.into(),
        UploadReply { upload, metadata: "filename Yi5lcHVi".into() }.into(),
        CreateFromUpload { principal: WHO, upload: UPLOAD }.into(),
        SignFile { principal: WHO, project: PROJECT, name: "book.json".into(), valid_s: 600 }.into(),
        SignedReply { token: "t".into(), expires_ms: 1_700_000_000_000 }.into(),
        OpenSigned { token: "t".into() }.into(),
        SignedFileReply {
            scope: SCOPE,
            name: "book.json".into(),
            file: ArtefactReply { digest: digest(2), bytes: 77, media_type: "application/json".into() },
            expires_ms: 1_700_000_000_000,
        }
        .into(),
    ]
}

fn project() -> Project {
    Project {
        id: PROJECT,
        version: 300,
        name: "Name".into(),
        named: true,
        description: "D".into(),
        archived: true,
        title: "Title".into(),
        authors: vec!["A".into()],
        language: Some(Language::Fr),
        created_ms: 1_700_000_000_000,
        changed_ms: 1_700_000_000_001,
        demo: true,
        deleted: Some(Deleted { at_ms: 1, erased_after_ms: 2 }),
        book: project_view().book,
        revision: 2,
        run: Some(run_view()),
    }
}

fn run() -> Run {
    Run {
        id: RUN,
        revision: 2,
        settings: RunSettings::default(),
        of: Some(RunId(5)),
        by: Actor::Node,
        created_ms: 11,
        ended_ms: Some(12),
        state: RunState::Ready,
        progress: progress(),
        warnings: Vec::new(),
        files: vec![RunFile { name: "book.json".into(), bytes: 7, media_type: "application/json".into() }],
        seq: 12,
    }
}

fn asked_of_projects() -> Vec<Message> {
    let query = ProjectQuery {
        shown: Shown::Archived,
        state: Some(StateFilter::Ready),
        language: Some(Language::En),
        search: "é".into(),
        sort: Sort::Name,
        reversed: true,
    };
    let patch = ProjectPatch { name: Some(None), description: Some(Some("D".into())), archived: Some(true) };
    vec![
        QueryProjects { principal: WHO, query, limit: 300, cursor: Some("c".into()) }.into(),
        ReadProject { principal: WHO, project: PROJECT }.into(),
        PatchProject { principal: WHO, project: PROJECT, expected: Some(300), patch }.into(),
        DiscardProject { principal: WHO, project: PROJECT, expected: None, at_once: true }.into(),
        RestoreProject { principal: WHO, project: PROJECT }.into(),
        ReviseProject {
            principal: WHO,
            project: PROJECT,
            upload: ProjectId(9),
            file_name: "b.epub".into(),
            book: digest(1),
            book_bytes: 300,
        }
        .into(),
        ReviseFromUpload { principal: WHO, project: PROJECT, upload: UPLOAD }.into(),
        ListRevisions { principal: WHO, project: PROJECT }.into(),
        ListRuns { principal: WHO, project: PROJECT }.into(),
        ReadRun { principal: WHO, project: PROJECT, run: RUN }.into(),
        BeginRun { principal: WHO, project: PROJECT, kind: RunKind::Again { run: RUN } }.into(),
        GetRunFile { principal: WHO, project: PROJECT, run: RUN, name: "book.json".into() }.into(),
        AuditRun { principal: WHO, project: PROJECT, run: RUN }.into(),
        ListActivity { principal: WHO, project: PROJECT, before: Some(300), limit: 50 }.into(),
        EditStoryboard {
            principal: WHO,
            project: PROJECT,
            run: RUN,
            version: 3,
            entry: EditEntry::Edit { edit: Edit::Shot { panel: 300, shot: Some(Shot::Insert) } },
        }
        .into(),
        ListEdits { principal: WHO, project: PROJECT, run: None, after: 3, limit: 50 }.into(),
        GetStoryboard {
            principal: WHO,
            project: PROJECT,
            run: Some(RUN),
            version: Some(3),
            name: "storyboard.json".into(),
        }
        .into(),
    ]
}

fn told_of_projects() -> Vec<Message> {
    let page = ProjectPage { projects: vec![project()], total: 1, next: Some("n".into()) };
    let revision = Revision {
        number: 2,
        added_ms: 11,
        title: "Title".into(),
        authors: vec!["A".into()],
        language: Some(Language::Fr),
        book: project_view().book,
    };
    let act =
        Activity { seq: 3, at_ms: 10, by: Actor::Local, what: Act::RunStarted { run: RUN, revision: 2, of: None } };
    let state = EditState { run: RUN, version: 4, can_undo: true, can_redo: false };
    let entry = EditVersion { version: 4, at_ms: 10, by: Actor::Local, entry: EditEntry::Undo };
    vec![
        ProjectPageReply { page }.into(),
        WholeProjectReply { project: project() }.into(),
        RevisionsReply { revisions: vec![revision] }.into(),
        RunsReply { runs: vec![run()] }.into(),
        WholeRunReply { run: run() }.into(),
        AuditReply { items: 300, segments: 2, missing: 1, repeated: 0, foreign: 0 }.into(),
        ActivityReply { page: ActivityPage { activity: vec![act], next: Some(3) } }.into(),
        EditStateReply { state: state.clone() }.into(),
        EditsReply { page: EditPage { state, entries: vec![entry] } }.into(),
    ]
}

/// One message of each kind.
fn examples() -> Vec<Message> {
    let mut all = vec![Fault::new("unavailable", "no answer").retry_after(1_000).into(), Done {}.into()];
    all.extend(of_projects());
    all.extend(of_runs());
    all.extend(of_workers());
    all.extend(of_uploads());
    all.extend(asked_of_projects());
    all.extend(told_of_projects());
    let accounts = [accounts::examples(), credentials::examples(), sharing::examples(), belongings::examples()];
    all.extend(accounts.into_iter().flatten());
    all.extend(reach::examples());
    all.extend(keeping::examples());
    all.extend(keyed::examples());
    all
}

fn envelope(message: Message) -> Envelope {
    Envelope { term: TERM, deadline_ms: 10_000, trace: Trace(0xfeed), ..Envelope::new(message) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `VISIOBOOK_BLESS=1 cargo test -p cluster` adds lines for new kinds; it never changes one that is kept.
#[test]
fn kept_bytes_stay_as_they_are_and_mean_what_they_meant() {
    let text = std::fs::read_to_string(KEPT).unwrap_or_default();
    let mut kept: BTreeMap<u16, String> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(kind, bytes)| (kind.parse().unwrap(), bytes.to_owned()))
        .collect();
    for message in examples() {
        let (kind, bytes) = (message.kind(), envelope(message.clone()).to_bytes().unwrap());
        if std::env::var_os("VISIOBOOK_BLESS").is_some() {
            kept.entry(kind).or_insert_with(|| hex(&bytes));
        }
        assert_eq!(kept.get(&kind), Some(&hex(&bytes)), "the bytes of kind {kind} moved, or were never kept");
        assert_eq!(Envelope::from_bytes(&bytes).unwrap(), envelope(message));
    }
    if std::env::var_os("VISIOBOOK_BLESS").is_some() {
        let lines: Vec<String> = kept.iter().map(|(kind, bytes)| format!("{kind} {bytes}\n")).collect();
        std::fs::write(KEPT, lines.concat()).unwrap();
    }
}

#[test]
fn there_is_an_example_of_every_kind() {
    let mut shown: Vec<u16> = examples().iter().map(Message::kind).collect();
    shown.sort_unstable();
    let known: Vec<u16> = Message::KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(shown, known);
}

#[test]
fn an_unknown_kind_is_a_message_and_not_an_error() {
    let bytes = Envelope::new(Message::Unknown(60_000)).to_bytes().unwrap();
    assert_eq!(Envelope::from_bytes(&bytes).unwrap().message, Message::Unknown(60_000));
}

#[test]
fn bytes_too_many_or_too_few_are_refused() {
    let bytes = envelope(Done {}.into()).to_bytes().unwrap();
    let mut more = bytes.clone();
    more.push(0);
    assert!(Envelope::from_bytes(&more).is_err());
    assert!(Envelope::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Envelope::from_bytes(&[]).is_err());
    assert!(Envelope::from_bytes(&[0xff; 64]).is_err());
}
