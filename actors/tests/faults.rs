//! Uploads, revisions, erasures and runs on stores that fail between every two steps: whichever write of records or
//! of blobs is refused, lost or doubted, whoever repeats what failed ends where they would have been.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod failing;

use std::sync::Arc;

use actors::projects::{self, changes, revisions, runs};
use actors::relay::relay;
use actors::run::{RunContext, RunName};
use actors::storage::blob_scope;
use actors::uploads;
use bytes::Bytes;
use cluster::body::projects::CreateProject;
use cluster::body::uploads::{
    AppendUpload, ChunkRef, CreateFromUpload, CreateUpload, GetUpload, RemoveUpload, UploadReply, upload_scope,
};
use cluster::body::work::{ReviseProject, RunKind};
use cluster::body::{Fault as Refusal, Scope};
use cluster::message::Message;
use domain::id::{Digest, ProjectId, UploadId};
use domain::run::RunState;
use failing::{WHO, acts, context, settle};
use store::rows::INTENT_SHARDS;
use store::{Blobs, Cas, DataFolder, Fault, Faults, Faulty, Records, StoreError};

/// A book that can be read, and no other one.
fn book(number: usize) -> Bytes {
    let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ";
    let text =
        format!("Chapter One\n\nThe keeper wrote {number} on the door. {0}\n\nChapter Two\n\n{0}\n", said.repeat(40));
    text.into_bytes().into()
}

fn new_project() -> ProjectId {
    ProjectId(uuid::Uuid::now_v7().as_u128())
}

/// A store's error, as the client is told of it.
fn refused(error: &StoreError) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}

/// Which of the two ports fails.
#[derive(Clone, Copy, Debug)]
enum Port {
    Records,
    Blobs,
}

/// A core of which one port fails by plan, and how many writes that port has seen.
fn on(data: &DataFolder, port: Port, faults: Faults) -> (Arc<RunContext>, Box<dyn Fn() -> u64>) {
    let plain = context(data, Faults::Never);
    match port {
        Port::Records => {
            let records: Arc<Faulty<dyn Records>> = Arc::new(Faulty::new(data.records(), faults));
            (Arc::new(RunContext { records: records.clone(), ..plain }), Box::new(move || records.writes()))
        }
        Port::Blobs => {
            let blobs: Arc<Faulty<dyn Blobs>> = Arc::new(Faulty::new(data.blobs(), faults));
            (Arc::new(RunContext { blobs: blobs.clone(), ..plain }), Box::new(move || blobs.writes()))
        }
    }
}

/// Does some work once on stores that hold, to count its writes, and then once for each of these writes and each way
/// in which it can fail.
async fn for_each_write(data: &DataFolder, work: impl AsyncFn(Arc<RunContext>, usize, String)) {
    let mut number = 0;
    for port in [Port::Records, Port::Blobs] {
        let (counted, writes) = on(data, port, Faults::Never);
        number += 1;
        work(counted, number, format!("{port:?}, no fault")).await;
        let writes = writes();
        assert!(writes >= 1, "{port:?}");
        for fault in Fault::ALL {
            for nth in 0..writes {
                number += 1;
                let (failing, _) = on(data, port, Faults::Nth { nth, fault });
                work(failing, number, format!("{port:?}: {fault:?} of write {nth} of {writes}")).await;
            }
        }
    }
}

async fn said(context: &RunContext, message: impl Into<Message>) -> Result<UploadReply, Refusal> {
    match uploads::answer(context, message.into()).await? {
        Message::UploadReply(reply) => Ok(reply),
        other => panic!("{}", other.kind()),
    }
}

/// Sends the part of a file up to `to`, as a client does: it asks where the upload stands and goes on from there.
async fn send(context: &RunContext, upload: UploadId, file: &Bytes, to: usize) -> Result<UploadReply, Refusal> {
    let now = said(context, GetUpload { principal: WHO, upload }).await?;
    let at = now.upload.offset as usize;
    let mut chunks = Vec::new();
    if at < to {
        let scope = blob_scope(upload_scope(WHO, upload));
        let stored = context.blobs.put_bytes(scope, file.slice(at..to)).await.map_err(|e| refused(&e))?;
        chunks.push(ChunkRef { digest: stored.digest, bytes: stored.bytes });
    }
    said(context, AppendUpload { principal: WHO, upload, offset: at as u64, chunks }).await
}

async fn begun(context: &RunContext, file: &Bytes) -> UploadId {
    let ask = || CreateUpload {
        principal: WHO,
        file_name: "lamp.txt".to_owned(),
        metadata: String::new(),
        length: file.len() as u64,
        expected: Some(Digest::of(file)),
    };
    settle(async || said(context, ask()).await).await.upload.id
}

#[tokio::test]
async fn an_upload_becomes_one_project_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    for_each_write(&data, async |context, number, told| {
        let file = book(number);
        let upload = begun(&context, &file).await;
        for to in [file.len() / 2, file.len()] {
            let stands = settle(async || send(&context, upload, &file, to).await).await;
            assert_eq!(stands.upload.offset, to as u64, "{told}");
        }
        // A part that brings nothing new puts together what a failure left apart.
        let whole = settle(async || send(&context, upload, &file, file.len()).await).await;
        assert_eq!(whole.upload.digest, Some(Digest::of(&file)), "{told}");
        let ask = CreateFromUpload { principal: WHO, upload };
        let (row, name) = settle(async || uploads::create_project(&context, &ask).await).await;
        let again = uploads::create_project(&context, &ask).await.unwrap();
        assert_eq!((again.0.project, again.1.run), (row.project, name.run), "{told}");
        let scope = blob_scope(Scope { tenant: WHO.tenant, project: row.project });
        assert_eq!(data.blobs().get(scope, Digest::of(&file), 1 << 20).await.as_ref(), Ok(&file), "{told}");
        assert_eq!(acts(data.records().as_ref(), row.project).await, ["created"], "{told}");
        let listed = data.records().project_list(WHO.tenant, 1_000).await.unwrap();
        assert_eq!(listed.iter().filter(|row| row.book.digest == Digest::of(&file)).count(), 1, "{told}");
        let stored = data.records().run_get(name.run).await.unwrap().map(|run| run.state);
        assert_eq!(stored, Some(RunState::Received), "{told}");
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    for_each_write(&data, async |context, number, told| {
        let file = book(number);
        let upload = begun(&context, &file).await;
        settle(async || send(&context, upload, &file, 100).await).await;
        settle(async || {
            match uploads::answer(&context, RemoveUpload { principal: WHO, upload }.into()).await {
                // An earlier try came as far as its row.
                Err(refusal) if refusal.code == "upload-not-found" => Ok(()),
                other => other.map(drop),
            }
        })
        .await;
        assert_eq!(data.records().upload_get(WHO.tenant, upload).await, Ok(None), "{told}");
        // What a try left lying goes when the intents are looked through, and the intent with it.
        uploads::mend(&holding(&data), WHO.tenant, upload).await.unwrap();
        let scope = blob_scope(upload_scope(WHO, upload));
        let chunk = Digest::of(&file[..100]);
        assert_eq!(data.blobs().stat(scope, chunk).await, Ok(None), "{told}");
        assert!(!intents(&data).await.contains(&upload.0), "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_beginning_that_fails_leaves_nothing_that_stays_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let ask = || CreateUpload {
        principal: WHO,
        file_name: "lamp.txt".to_owned(),
        metadata: String::new(),
        length: 100,
        expected: None,
    };
    for_each_write(&data, async |context, _, told| {
        let known = |rows: Vec<store::rows::UploadRow>| rows.into_iter().map(|row| row.upload.0).collect::<Vec<_>>();
        let before = known(data.records().upload_list(WHO.tenant, 1_000).await.unwrap());
        let answer = said(&context, ask()).await;
        let (rows, intents) =
            (known(data.records().upload_list(WHO.tenant, 1_000).await.unwrap()), intents(&data).await);
        for row in rows.iter().filter(|row| !before.contains(row)) {
            assert!(intents.contains(row), "{told}: a row that nothing clears away");
        }
        if let Ok(reply) = answer {
            assert!(rows.contains(&reply.upload.id.0), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_that_a_crash_left_without_its_intent_goes_with_a_sweep_once_it_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let context = holding(&data);
    let row = |upload: u128, expires_ms: u64| store::rows::UploadRow {
        tenant: WHO.tenant,
        upload: UploadId(upload),
        version: 0,
        file_name: "lamp.txt".to_owned(),
        metadata: String::new(),
        length: 100,
        expected: None,
        created_ms: 1,
        expires_ms,
        state: store::rows::UploadState::Receiving { chunks: Vec::new() },
    };
    for (upload, expires_ms) in [(7, 2), (8, u64::MAX >> 1)] {
        let inserted = context.records.upload_insert(row(upload, expires_ms)).await.unwrap();
        assert!(matches!(inserted, Cas::Applied(_)));
        context.blobs.prepare(blob_scope(upload_scope(WHO, UploadId(upload)))).await.unwrap();
    }
    let sweep = |dry_run| cluster::body::keeping::SweepBlobs { principal: WHO, grace_s: None, dry_run };
    actors::keeping::sweep::asked(&context, &sweep(true)).await.unwrap();
    let left = async || data.records().upload_list(WHO.tenant, 10).await.unwrap().len();
    assert_eq!(left().await, 2, "it only looked");
    actors::keeping::sweep::asked(&context, &sweep(false)).await.unwrap();
    assert_eq!(left().await, 1);
    assert_eq!(data.records().upload_get(WHO.tenant, UploadId(7)).await, Ok(None));
}

#[tokio::test]
async fn of_many_that_ask_for_the_last_room_at_a_time_no_more_get_it_than_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let uploads = actors::room::UploadPolicy::new(1_000, std::time::Duration::from_secs(3_600));
    let context = RunContext { uploads, ..holding(&data) };
    let begin = || async {
        let ask = CreateUpload {
            principal: WHO,
            file_name: "lamp.txt".to_owned(),
            metadata: String::new(),
            length: 300,
            expected: None,
        };
        said(&context, ask).await
    };
    let answers = futures_util::future::join_all((0..20).map(|_| begin())).await;
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(refused.clone().all(|refusal| refusal.code == "quota-exceeded"), "{answers:?}");
    assert_eq!(refused.count(), 17, "three of 300 bytes are in 1,000");
    let first = answers.iter().find_map(|answer| answer.as_ref().ok()).unwrap().upload.id;
    uploads::answer(&context, RemoveUpload { principal: WHO, upload: first }.into()).await.unwrap();
    assert!(begin().await.is_ok(), "what was removed makes room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_is_asked_for_again_while_its_first_try_is_cleared_away_keeps_its_book() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let context = Arc::new(holding(&data));
    for number in 0..40 {
        let file = book(number);
        let upload = begun(&context, &file).await;
        send(&context, upload, &file, file.len()).await.unwrap();
        // What a crash leaves: the upload names a project that is not there, and an intent its run.
        let row = context.records.upload_get(WHO.tenant, upload).await.unwrap().unwrap();
        let (project, digest, version) = (new_project(), Digest::of(&file), row.version);
        let taken = store::rows::UploadRow { state: store::rows::UploadState::Taken { digest, project }, ..row };
        assert!(matches!(context.records.upload_update(taken, version).await.unwrap(), Cas::Applied(_)));
        let scope = Scope { tenant: WHO.tenant, project };
        let first = RunName { run: domain::id::RunId(number as u128 + 1), scope };
        let mending = tokio::spawn({
            let context = context.clone();
            async move {
                tokio::time::sleep(std::time::Duration::from_micros(number as u64 * 150)).await;
                runs::mend_run(&context, first).await
            }
        });
        let made = uploads::create_project(&context, &CreateFromUpload { principal: WHO, upload }).await;
        mending.await.unwrap().unwrap();
        assert_eq!(made.unwrap().0.project, project);
        let found = data.blobs().stat(blob_scope(scope), digest).await.unwrap();
        assert!(found.is_some(), "the book of an acknowledged project is gone, {number}");
    }
}

/// A core whose stores hold.
fn holding(data: &DataFolder) -> RunContext {
    context(data, Faults::Never)
}

async fn intents(data: &DataFolder) -> Vec<u128> {
    let mut ids = Vec::new();
    for shard in 0..INTENT_SHARDS {
        ids.extend(data.records().intent_list(shard, 10_000).await.unwrap().iter().map(|intent| intent.id));
    }
    ids
}

/// A project whose first run has ended.
async fn project(data: &DataFolder, number: usize) -> (ProjectId, RunName) {
    let context = Arc::new(holding(data));
    let (project, bytes) = (new_project(), book(1_000_000 + number));
    let scope = blob_scope(Scope { tenant: WHO.tenant, project });
    let stored = data.blobs().put_bytes(scope, bytes).await.unwrap();
    let ask = CreateProject {
        principal: WHO,
        project,
        file_name: "lamp.txt".to_owned(),
        book: stored.digest,
        book_bytes: stored.bytes,
        demo: false,
    };
    let (_, run) = projects::create(&context, &ask).await.unwrap();
    runs::cancel_row(&context, run.run).await.unwrap();
    (project, run)
}

#[tokio::test]
async fn a_revision_is_added_once_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    for_each_write(&data, async |context, number, told| {
        let (project, first) = project(&data, number).await;
        let bytes = book(number);
        settle(async || {
            let row = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap();
            if row.revision() == 2 {
                // The try whose answer was an error had gone through.
                return Ok(());
            }
            let upload = new_project();
            let scope = blob_scope(Scope { tenant: WHO.tenant, project: upload });
            let stored = context.blobs.put_bytes(scope, bytes.clone()).await.map_err(|e| refused(&e))?;
            let (file_name, book) = ("lamp2.txt".to_owned(), stored.digest);
            let ask = ReviseProject { principal: WHO, project, upload, file_name, book, book_bytes: stored.bytes };
            revisions::revise(&context, &ask).await.map(drop)
        })
        .await;
        let row = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap();
        assert_eq!((row.revision(), row.book.digest), (2, Digest::of(&bytes)), "{told}");
        assert_eq!(row.earlier_runs, [first.run], "{told}");
        assert_eq!(acts(data.records().as_ref(), project).await, ["created", "revised"], "{told}");
        let scope = blob_scope(Scope { tenant: WHO.tenant, project });
        assert_eq!(data.blobs().get(scope, row.book.digest, 1 << 20).await, Ok(bytes), "{told}");
        let run = data.records().run_get(row.run.unwrap()).await.unwrap().unwrap();
        assert_eq!((run.state, run.revision), (RunState::Received, 2), "{told}");
    })
    .await;
}

#[tokio::test]
async fn an_erasure_leaves_nothing_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    for_each_write(&data, async |context, number, told| {
        let (project, run) = project(&data, number).await;
        let scope = Scope { tenant: WHO.tenant, project };
        settle(async || changes::mark_deleted(&context, WHO, project, None).await).await;
        let book = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap().book.digest;
        assert!(intents(&data).await.contains(&project.0), "{told}: whoever looks through the intents finds it");
        settle(async || changes::erase(&context, scope).await).await;
        assert_eq!(data.records().project_get(WHO.tenant, project).await, Ok(None), "{told}");
        assert_eq!(data.records().run_get(run.run).await, Ok(None), "{told}");
        assert_eq!(data.records().events_after(project, 0, 10).await, Ok(vec![]), "{told}");
        assert_eq!(data.blobs().stat(blob_scope(scope), book).await, Ok(None), "{told}");
        let left = intents(&data).await;
        assert!(!left.contains(&project.0) && !left.contains(&run.run.0), "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_run_is_begun_cancelled_and_tried_again_once_whichever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    // Runs write no blobs before they are driven.
    let (counted, writes) = on(&data, Port::Records, Faults::Never);
    let (again, _) = project(&data, 0).await;
    run_twice(&counted, again, &data, "no fault").await;
    let writes = writes();
    assert!(writes >= 8, "{writes}");
    for fault in Fault::ALL {
        for nth in 0..writes {
            let (failing, _) = on(&data, Port::Records, Faults::Nth { nth, fault });
            let (project, _) = project(&data, 1 + nth as usize).await;
            run_twice(&failing, project, &data, &format!("{fault:?} of write {nth}")).await;
        }
    }
}

/// Begins a run, cancels it, tries it again and cancels that; what failed is repeated.
async fn run_twice(context: &RunContext, project: ProjectId, data: &DataFolder, told: &str) {
    let first = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap().run.unwrap();
    let kind = RunKind::Again { run: first };
    let mut made = vec![first];
    for _ in 0..2 {
        let begun = settle(async || match runs::begin(context, WHO, project, &kind).await {
            // The try whose answer was an error had gone through.
            Err(refusal) if refusal.code == "run-in-progress" => {
                let row = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap();
                Ok(row.run.unwrap())
            }
            other => other.map(|name| name.run),
        });
        let run = begun.await;
        made.push(run);
        settle(async || runs::cancel_row(context, run).await).await;
        relay(data.records().as_ref(), &context.bells, project, run).await.unwrap();
    }
    let row = data.records().project_get(WHO.tenant, project).await.unwrap().unwrap();
    let kept: Vec<_> = row.earlier_runs.iter().copied().chain(row.run).collect();
    assert_eq!(kept, made, "{told}");
    let events = data.records().events_after(project, 0, 100).await.unwrap();
    assert!(events.iter().zip(1..).all(|(event, seq)| event.seq == seq), "{told}: {events:?}");
    for run in &made {
        let states: Vec<_> = events.iter().filter(|event| event.run == *run).map(|event| event.state.clone()).collect();
        assert_eq!(states, [RunState::Received, RunState::Cancelled], "{told}");
    }
}
