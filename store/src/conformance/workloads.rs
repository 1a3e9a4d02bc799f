//! Users of a store who don't trust it: they repeat, read again, and count at the end.
//!
//! These run on working stores and on ones that refuse, lose and doubt; and they are how callers of the
//! port should treat [`Cas::Unknown`].

use std::sync::Arc;

use domain::id::{AccountId, Digest, RunId, TenantId};
use domain::run::{Progress, RunEvent};
use futures_util::future::join_all;

use super::edits::edit;
use super::{account_row, event, fresh, owner, project_row, run_row, segment, upload_row};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{
    AccountRow, Chunk, EditRow, EmailRow, EventAppend, LeaseKey, ProjectRow, RunRow, RunUpdate, SegmentRow, UploadRow,
    UploadState,
};

/// Tries before a workload is taken to hang.
const TRIES_MAX: u32 = 10_000;

/// Repeats a read or an idempotent write until it succeeds.
async fn settle<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..TRIES_MAX {
        if let Ok(value) = call().await {
            return value;
        }
    }
    panic!("{TRIES_MAX} tries failed");
}

/// Several writers add to one row; each addition is there once.
pub async fn every_update_counts_once(store: Arc<dyn Records>) {
    const WRITERS: usize = 4;
    const EACH: usize = 12;
    let row = insert_project(&store).await;
    join_all((0..WRITERS).map(async |writer| {
        for n in 0..EACH {
            add_author(&store, &row, format!("{writer}-{n}")).await;
        }
    }))
    .await;
    let last = settle(async || store.project_get(row.tenant, row.project).await).await.unwrap();
    let mut authors = last.book.authors;
    authors.sort();
    authors.dedup();
    assert_eq!(authors.len(), WRITERS * EACH);
    assert_eq!(last.version, 1 + (WRITERS * EACH) as u64, "each version is one addition");
}

async fn insert_project(store: &Arc<dyn Records>) -> ProjectRow {
    let row = project_row(TenantId(fresh()));
    for _ in 0..TRIES_MAX {
        match store.project_insert(row.clone(), None).await {
            // Ids are drawn once, so whatever stands there is ours.
            Ok(Cas::Applied(row) | Cas::Conflict(Some(row))) => return row,
            Ok(Cas::Conflict(None) | Cas::Unknown(_)) | Err(_) => {}
        }
    }
    panic!("a project could not be inserted");
}

async fn add_author(store: &Arc<dyn Records>, row: &ProjectRow, author: String) {
    for _ in 0..TRIES_MAX {
        let now = settle(async || store.project_get(row.tenant, row.project).await).await.unwrap();
        if now.book.authors.contains(&author) {
            return;
        }
        let mut change = now.clone();
        change.book.authors.push(author.clone());
        if let Ok(Cas::Applied(_)) = store.project_update(change, now.version, None).await {
            return;
        }
    }
    panic!("{author} could not be added");
}

/// One run writes events while two relays race; the project's log has each once, in order, without gaps.
pub async fn every_event_gets_one_number(store: Arc<dyn Records>) {
    const EVENTS: u32 = 24;
    let run = insert_run(&store).await;
    let write = async {
        for n in 1..=EVENTS {
            write_event(&store, &run, n).await;
        }
    };
    let relays = join_all((0..2).map(async |_| {
        for _ in 0..TRIES_MAX {
            if relay(&store, &run).await == u64::from(EVENTS) {
                return;
            }
        }
        panic!("the relay never ended");
    }));
    futures_util::join!(write, relays);
    let log = settle(async || store.events_after(run.project, 0, 1_000).await).await;
    let found: Vec<_> = log.iter().map(|event| (event.seq, event.progress.passages_done)).collect();
    let wanted: Vec<_> = (1..=EVENTS).map(|n| (u64::from(n), n)).collect();
    assert_eq!(found, wanted);
}

async fn insert_run(store: &Arc<dyn Records>) -> RunRow {
    let row = run_row();
    for _ in 0..TRIES_MAX {
        match store.run_insert(row.clone(), vec![]).await {
            Ok(Cas::Applied(row) | Cas::Conflict(Some(row))) => return row,
            Ok(Cas::Conflict(None) | Cas::Unknown(_)) | Err(_) => {}
        }
    }
    panic!("a run could not be inserted");
}

/// Moves the run to `n` passages and says so, once.
async fn write_event(store: &Arc<dyn Records>, run: &RunRow, n: u32) {
    for _ in 0..TRIES_MAX {
        let now = settle(async || store.run_get(run.run).await).await.unwrap();
        if now.progress.passages_done == n {
            return;
        }
        let row = RunRow { progress: Progress { passages_done: n, ..now.progress }, ..now.clone() };
        let events = vec![event(n)];
        let update = RunUpdate { row, expected_version: now.version, fence: None, segments: vec![], events };
        if let Ok(Cas::Applied(_)) = store.run_update(update).await {
            return;
        }
    }
    panic!("event {n} could not be written");
}

/// One turn of a relay; the last position of the outbox that stands in the log.
async fn relay(store: &Arc<dyn Records>, run: &RunRow) -> u64 {
    const BATCH: u32 = 5;
    let head = settle(async || store.events_head(run.project).await).await;
    let relayed = head.relayed_through(run.run);
    // What the log holds, the outbox may forget.
    settle(async || store.outbox_trim(run.run, relayed).await).await;
    let rows = settle(async || store.outbox(run.run, relayed, BATCH).await).await;
    let Some(last) = rows.last() else { return relayed };
    let through = last.position;
    let numbered = rows.into_iter().zip(head.next_seq..).map(|(row, seq)| RunEvent {
        seq,
        project: run.project,
        run: run.run,
        state: row.event.state,
        progress: row.event.progress,
    });
    let (project, expected_version, events) = (run.project, head.version, numbered.collect());
    let append = EventAppend { project, expected_version, run: run.run, through, events };
    match store.events_append(append).await {
        Ok(Cas::Applied(head)) => head.relayed_through(run.run),
        Ok(Cas::Conflict(_) | Cas::Unknown(_)) | Err(_) => relayed,
    }
}

/// Several editors append to one log, each for the version that they see; each edit is there once.
pub async fn every_edit_gets_one_version(store: Arc<dyn Records>) {
    const EDITORS: u32 = 3;
    const EACH: u32 = 8;
    let run = insert_run(&store).await.run;
    join_all((0..EDITORS).map(async |editor| {
        for n in 0..EACH {
            append_edit(&store, run, edit(editor * EACH + n)).await;
        }
    }))
    .await;
    let log = settle(async || store.edits(run, 0, 1_000).await).await;
    let versions: Vec<u64> = log.iter().map(|row| row.version).collect();
    assert_eq!(versions, (1..=u64::from(EDITORS * EACH)).collect::<Vec<_>>());
    let mut ids: Vec<u128> = log.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), log.len(), "none stands there twice");
}

async fn append_edit(store: &Arc<dyn Records>, run: RunId, row: EditRow) {
    let mut version = 0;
    for _ in 0..TRIES_MAX {
        match store.edit_append(run, row.clone(), version).await {
            Ok(Cas::Applied(_)) => return,
            Ok(Cas::Conflict(now)) => version = now.unwrap(),
            // For the same version: a repeat of what did happen is answered as applied.
            Ok(Cas::Unknown(_)) | Err(_) => {}
        }
    }
    panic!("an edit could not be appended");
}

/// Coordinators take a run from one another at every turn; its segments are named once each, in order.
pub async fn every_segment_is_named_once_whoever_holds_the_run(store: Arc<dyn Records>) {
    const SEGMENTS: u32 = 20;
    let run = insert_run(&store).await;
    join_all((0..3).map(async |_| {
        for _ in 0..TRIES_MAX {
            if coordinate(&store, &run, SEGMENTS).await {
                return;
            }
        }
        panic!("the run never ended");
    }))
    .await;
    let named = settle(async || store.segments(run.run).await).await;
    let wanted: Vec<_> = (0..SEGMENTS).map(|seq| SegmentRow { seq, segment: segment(seq) }).collect();
    assert_eq!(named, wanted);
}

/// Takes the lease and names a few segments; whether all are named.
async fn coordinate(store: &Arc<dyn Records>, run: &RunRow, wanted: u32) -> bool {
    let key = LeaseKey::Run(run.run);
    let me = owner();
    let seen = settle(async || store.lease_get(key).await).await;
    let lease = match store.lease_take(key, seen, me).await {
        Ok(Cas::Applied(lease)) => lease,
        // It may be ours: reading tells.
        Ok(Cas::Unknown(_)) => match settle(async || store.lease_get(key).await).await {
            Some(lease) if lease.owner == me => lease,
            _ => return false,
        },
        Ok(Cas::Conflict(_)) | Err(_) => return false,
    };
    for _ in 0..3 {
        let row = settle(async || store.run_get(run.run).await).await.unwrap();
        if row.segments == wanted {
            return true;
        }
        let segments = vec![segment(row.segments)];
        let (expected_version, fence) = (row.version, Some(lease.fence()));
        let update = RunUpdate { row, expected_version, fence, segments, events: vec![] };
        match store.run_update(update).await {
            Ok(Cas::Conflict(_)) => return false,
            Ok(Cas::Applied(_) | Cas::Unknown(_)) | Err(_) => {}
        }
    }
    false
}

/// Two writers send one file, each from where it believes the upload to stand; the chunks are the file's, in
/// order, each once.
pub async fn every_chunk_is_taken_once_whoever_sends(store: Arc<dyn Records>) {
    const CHUNKS: u64 = 24;
    let row = UploadRow { length: CHUNKS, ..upload_row(TenantId(fresh())) };
    for _ in 0..TRIES_MAX {
        if let Ok(Cas::Applied(_) | Cas::Conflict(Some(_))) = store.upload_insert(row.clone()).await {
            break;
        }
    }
    join_all((0..2).map(async |_| {
        for _ in 0..TRIES_MAX {
            if send_chunk(&store, &row).await == CHUNKS {
                return;
            }
        }
        panic!("the upload never ended");
    }))
    .await;
    let last = settle(async || store.upload_get(row.tenant, row.upload).await).await.unwrap();
    let chunks = (0..CHUNKS).map(chunk).collect();
    assert_eq!((last.version, last.state), (CHUNKS + 1, UploadState::Receiving { chunks }));
}

fn chunk(n: u64) -> Chunk {
    Chunk { digest: Digest::of(&n.to_le_bytes()), bytes: 1 }
}

/// Adds the next chunk, unless another writer does; how many there are.
async fn send_chunk(store: &Arc<dyn Records>, row: &UploadRow) -> u64 {
    let now = settle(async || store.upload_get(row.tenant, row.upload).await).await.unwrap();
    let (offset, version) = (now.offset(), now.version);
    let UploadState::Receiving { mut chunks } = now.state else { panic!("it ended by itself") };
    if offset < now.length {
        chunks.push(chunk(offset));
        let changed = UploadRow { state: UploadState::Receiving { chunks }, ..row.clone() };
        // Whatever comes of it, the next look tells.
        let _ = store.upload_update(changed, version).await;
    }
    offset
}

/// Several sign up with the same few addresses; each address ends with one account, and that account is there.
pub async fn every_address_gets_one_account(store: Arc<dyn Records>) {
    const ADDRESSES: usize = 3;
    const EACH: usize = 4;
    let emails: Vec<String> = (0..ADDRESSES).map(|_| format!("{}@example.org", fresh())).collect();
    let wants = emails.iter().flat_map(|email| (0..EACH).map(move |_| email));
    let came = join_all(wants.map(|email| sign_up(&store, email))).await;
    for (email, of) in emails.iter().zip(came.chunks(EACH)) {
        let row = settle(async || store.email_get(email).await).await.unwrap();
        assert!(of.iter().all(|account| *account == row.account), "{of:?}");
        let account = settle(async || store.account_get(row.account).await).await.unwrap();
        assert_eq!((&account.email, account.version), (email, 1));
    }
}

/// The account that an address has in the end.
async fn sign_up(store: &Arc<dyn Records>, email: &str) -> AccountId {
    let row = AccountRow { email: email.to_owned(), ..account_row() };
    for _ in 0..TRIES_MAX {
        let there = settle(async || store.email_get(email).await).await;
        let Some(owner) = there else {
            let _ = store.email_claim(EmailRow { email: email.to_owned(), version: 0, account: row.account }, 0).await;
            continue;
        };
        if owner.account != row.account {
            return owner.account;
        }
        // The address is ours: the account follows.
        if let Ok(Cas::Applied(_) | Cas::Conflict(Some(_))) = store.account_insert(row.clone(), None).await {
            return row.account;
        }
    }
    panic!("{email} could not be signed up");
}
