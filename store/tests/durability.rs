//! What was acknowledged is there after kill -9, and nothing is there by half.
//!
//! The child is this test binary itself, started again; it is killed while eight tasks write.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use domain::id::{Digest, ProjectId, RunId, TenantId};
use domain::run::{Progress, RunState, Stage};
use store::conformance::{owner, project_row, run_row};
use store::rows::{LeaseKey, NewSegment, OutboxEvent, ProjectRow, RunRow, RunUpdate};
use store::{BlobScope, Cas, DataFolder, StoreError};

/// Names the folder to the child; without it the child's test does nothing.
const FOLDER: &str = "VISIOBOOK_STORE_TEST_FOLDER";
/// What it is to do there: `hold`, or a number that its rows get.
const TASK: &str = "VISIOBOOK_STORE_TEST_TASK";
const WRITERS: u128 = 8;
const ROUNDS: u128 = 4;
/// Acknowledgements after which a round's child is killed.
const ACKS: usize = 150;

fn start(folder: &Path, task: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(FOLDER, folder)
        .env(TASK, task)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The test harness prints lines of its own.
    (child, lines.filter_map(|line| line.strip_prefix("ack ").map(str::to_owned)))
}

/// One line, whole, however many tasks write.
fn acknowledge(what: &str) {
    std::io::stdout().lock().write_all(format!("\nack {what}\n").as_bytes()).unwrap();
}

#[test]
fn the_child() {
    let (Some(folder), Ok(task)) = (std::env::var_os(FOLDER), std::env::var(TASK)) else { return };
    let folder = Arc::new(DataFolder::open(folder).unwrap());
    acknowledge("open");
    if task == "hold" {
        // Until the parent kills this process, or goes away itself.
        loop {
            std::thread::park();
        }
    }
    let round: u128 = task.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| runtime.spawn(write_forever(Arc::clone(&folder), round * WRITERS + writer)))
        .collect();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}

fn scope(id: u128) -> BlobScope {
    BlobScope { tenant: TenantId(id), project: ProjectId(id) }
}

fn blob(id: u128, n: u32) -> Bytes {
    Bytes::from(format!("{id} {n} ").repeat(2_000))
}

/// Projects, blobs, and a run whose segments name those blobs, each acknowledged once it is durable.
async fn write_forever(folder: Arc<DataFolder>, id: u128) {
    let (records, blobs) = (folder.records(), folder.blobs());
    let row = RunRow { run: RunId(id), ..run_row() };
    let mut row = records.run_insert(row, vec![]).await.unwrap().applied().unwrap();
    let lease = records.lease_take(LeaseKey::Run(row.run), None, owner()).await.unwrap().applied().unwrap();
    for n in 0.. {
        let project = ProjectRow { project: ProjectId(n.into()), ..project_row(TenantId(id)) };
        records.project_insert(project, None).await.unwrap().applied().unwrap();
        acknowledge(&format!("project {id} {n}"));

        let info = blobs.put_bytes(scope(id), blob(id, n)).await.unwrap();
        acknowledge(&format!("blob {id} {n}"));

        row.progress = Progress { passages_done: n + 1, ..Progress::default() };
        let state = RunState::Working { stage: Stage::Understanding };
        let update = RunUpdate {
            expected_version: row.version,
            fence: Some(lease.fence()),
            segments: vec![NewSegment { digest: info.digest, items: n, tokens: info.bytes }],
            events: vec![OutboxEvent { state, progress: row.progress }],
            row,
        };
        row = records.run_update(update).await.unwrap().applied().unwrap();
        acknowledge(&format!("segment {id} {n}"));
    }
}

#[tokio::test]
async fn everything_acknowledged_is_there_after_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (mut child, mut acks) = start(dir.path(), &round.to_string());
        acknowledged.extend(acks.by_ref().take(ACKS));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it died counts as well.
        acknowledged.extend(acks);
        check(dir.path(), &acknowledged).await;
    }
    assert!(acknowledged.len() >= ROUNDS as usize * ACKS);
}

async fn check(path: &Path, acknowledged: &[String]) {
    let folder = DataFolder::open(path).unwrap();
    let (records, blobs) = (folder.records(), folder.blobs());
    let mut segments: BTreeMap<u128, u32> = BTreeMap::new();
    for line in acknowledged {
        let words: Vec<_> = line.split(' ').collect();
        let [kind, id, n] = words[..] else { continue };
        let (id, n): (u128, u32) = (id.parse().unwrap(), n.parse().unwrap());
        match kind {
            "project" => {
                let found = records.project_get(TenantId(id), ProjectId(n.into())).await.unwrap();
                assert_eq!(found.expect(line).version, 1);
            }
            "blob" => {
                let bytes = blob(id, n);
                let digest = Digest::of(&bytes);
                assert_eq!(blobs.get(scope(id), digest, u64::MAX).await.expect(line), bytes);
            }
            "segment" => *segments.entry(id).or_default() = n + 1,
            _ => panic!("{line}"),
        }
    }
    for (id, acknowledged) in segments {
        let row = records.run_get(RunId(id)).await.unwrap().unwrap();
        assert!(row.segments >= acknowledged, "run {id} names {} of {acknowledged} segments", row.segments);
        // Row, segments and outbox moved as one.
        assert_eq!(row.progress.passages_done, row.segments);
        assert_eq!(row.version, u64::from(row.segments) + 1);
        let named = records.segments(row.run).await.unwrap();
        assert!(named.iter().map(|segment| segment.seq).eq(0..row.segments));
        let outbox = records.outbox(row.run, 0, 10_000).await.unwrap();
        assert!(outbox.iter().map(|event| event.position).eq(1..row.outbox_next));
        assert_eq!(row.outbox_next, u64::from(row.segments) + 1);
        for segment in named {
            assert!(blobs.stat(scope(id), segment.segment.digest).await.unwrap().is_some(), "no segment names nothing");
        }
    }
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, mut acks) = start(dir.path(), "hold");
    assert_eq!(acks.next().as_deref(), Some("open"));
    let refused = DataFolder::open(dir.path()).err().expect("the child holds it");
    let StoreError::InUse { holder, .. } = &refused else { panic!("{refused}") };
    assert_eq!(holder.pid, Some(child.id()));
    assert!(refused.to_string().contains(&format!("process {}", child.id())), "{refused}");
    assert_eq!(refused.code(), "store-in-use");
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = DataFolder::open(dir.path()).expect("the kernel let go of a dead process's lock");
    let intact = folder.records().project_get(TenantId(1), ProjectId(1)).await;
    assert_eq!(intact, Ok(None));
}

#[tokio::test]
async fn a_lease_outlives_its_holders_process_and_can_be_taken_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, mut acks) = start(dir.path(), "0");
    // Each writer takes its lease before it names its first segment.
    acks.find(|ack| ack.starts_with("segment 0 ")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let (records, key) = (folder.records(), LeaseKey::Run(RunId(0)));
    let theirs = records.lease_get(key).await.unwrap().expect("it was taken");
    let mine = records.lease_take(key, Some(theirs), owner()).await.unwrap().applied().unwrap();
    assert!(mine.term > theirs.term);
    assert_eq!(records.lease_renew(key, theirs).await, Ok(Cas::Conflict(Some(mine))));
}
