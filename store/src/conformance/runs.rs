//! Promises of runs, their segments and outboxes.

use std::sync::Arc;

use domain::book::Warning;
use domain::id::Digest;
use domain::run::{RunState, Stage};

use super::{event, owner, run_row, segment};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{Artefact, BATCH_MAX, LeaseKey, OutboxRow, RunConflict, RunRow, RunUpdate, SegmentRow};

async fn inserted(store: &Arc<dyn Records>) -> RunRow {
    store.run_insert(run_row(), vec![]).await.unwrap().applied().unwrap()
}

/// An update that changes nothing yet, without a fence.
fn update(row: &RunRow) -> RunUpdate {
    RunUpdate { row: row.clone(), expected_version: row.version, fence: None, segments: vec![], events: vec![] }
}

/// See the name.
pub async fn a_run_starts_with_its_events(store: Arc<dyn Records>) {
    let row = run_row();
    assert_eq!(store.run_get(row.run).await, Ok(None));
    let first = store.run_insert(row.clone(), vec![event(0)]).await.unwrap().applied().unwrap();
    assert_eq!(first, RunRow { version: 1, outbox_next: 2, ..row.clone() });
    assert_eq!(store.run_get(row.run).await, Ok(Some(first.clone())));
    assert_eq!(store.outbox(row.run, 0, 10).await, Ok(vec![OutboxRow { position: 1, event: event(0) }]));
    let second = store.run_insert(row.clone(), vec![event(1)]).await;
    assert_eq!(second, Ok(Cas::Conflict(Some(first))));
    assert_eq!(store.outbox(row.run, 0, 10).await.unwrap().len(), 1);
}

/// See the name.
pub async fn an_update_numbers_segments_and_events(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let change = RunRow {
        state: RunState::Working { stage: Stage::Understanding },
        warnings: vec![Warning { code: "empty-chapter".into(), detail: "Chapter 3 is empty.".into() }],
        manifest: Some(Digest::of(b"manifest")),
        artefacts: vec![Artefact {
            name: "storyboard.json".into(),
            digest: Digest::of(b"{}"),
            bytes: 2,
            media_type: "application/json".into(),
        }],
        ..row
    };
    let first = RunUpdate {
        segments: vec![segment(1), segment(2)],
        events: vec![event(1), event(2)],
        ..update(&RunRow { segments: 77, outbox_next: 77, ..change.clone() })
    };
    let now = store.run_update(first).await.unwrap().applied().unwrap();
    assert_eq!(now, RunRow { version: 2, segments: 2, outbox_next: 3, ..change });
    let second = RunUpdate { segments: vec![segment(3)], events: vec![event(3)], ..update(&now) };
    let now = store.run_update(second).await.unwrap().applied().unwrap();
    assert_eq!((now.version, now.segments, now.outbox_next), (3, 3, 4));
    assert_eq!(store.run_get(now.run).await, Ok(Some(now.clone())));
    let named = (0..3).map(|seq| SegmentRow { seq, segment: segment(seq + 1) }).collect();
    assert_eq!(store.segments(now.run).await, Ok(named));
    let rest = (2..4).map(|n| OutboxRow { position: n, event: event(n as u32) }).collect();
    assert_eq!(store.outbox(now.run, 1, 10).await, Ok(rest));
    assert_eq!(store.outbox(now.run, 0, 1).await.unwrap().len(), 1);
}

/// See the name.
pub async fn a_stale_update_changes_nothing_at_all(store: Arc<dyn Records>) {
    let old = inserted(&store).await;
    let now = store.run_update(update(&old)).await.unwrap().applied().unwrap();
    let stale = RunUpdate { segments: vec![segment(1)], events: vec![event(1)], ..update(&old) };
    let conflict = Cas::Conflict(RunConflict::Version(Box::new(now.clone())));
    assert_eq!(store.run_update(stale).await, Ok(conflict));
    assert_eq!(store.run_get(old.run).await, Ok(Some(now)));
    assert_eq!(store.segments(old.run).await, Ok(vec![]));
    assert_eq!(store.outbox(old.run, 0, 10).await, Ok(vec![]));
}

/// See the name.
pub async fn a_fenced_update_is_refused_after_takeover(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let key = LeaseKey::Run(row.run);
    let lease = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let mine = |row: &RunRow| RunUpdate { fence: Some(lease.fence()), segments: vec![segment(1)], ..update(row) };
    let row = store.run_update(mine(&row)).await.unwrap().applied().unwrap();
    let lease = store.lease_renew(key, lease).await.unwrap().applied().unwrap();
    let row = store.run_update(mine(&row)).await.unwrap().applied().expect("a renewal keeps the fence");

    let theirs = store.lease_take(key, Some(lease), owner()).await.unwrap().applied().unwrap();
    let refused = store.run_update(mine(&row)).await;
    assert_eq!(refused, Ok(Cas::Conflict(RunConflict::Fenced(Some(theirs)))));
    assert_eq!(store.run_get(row.run).await, Ok(Some(row.clone())));
    assert_eq!(store.segments(row.run).await.unwrap().len(), 2);
    let accepted = RunUpdate { fence: Some(theirs.fence()), ..update(&row) };
    store.run_update(accepted).await.unwrap().applied().expect("the new holder goes on");
}

/// See the name.
pub async fn a_fence_fails_once_its_lease_is_released_or_gone(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let key = LeaseKey::Run(row.run);
    let lease = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let free = store.lease_release(key, lease).await.unwrap().applied().unwrap();
    for fence in [lease.fence(), free.fence()] {
        let refused = store.run_update(RunUpdate { fence: Some(fence), ..update(&row) }).await;
        assert_eq!(refused, Ok(Cas::Conflict(RunConflict::Fenced(Some(free)))));
    }
    let other = inserted(&store).await;
    let refused = store.run_update(RunUpdate { fence: Some(lease.fence()), ..update(&other) }).await;
    assert_eq!(refused, Ok(Cas::Conflict(RunConflict::Fenced(None))), "another run's lease proves nothing");
}

/// See the name.
pub async fn an_update_of_a_missing_run_says_so(store: Arc<dyn Records>) {
    let row = run_row();
    assert_eq!(store.run_update(update(&row)).await, Ok(Cas::Conflict(RunConflict::Gone)));
    assert_eq!(store.run_get(row.run).await, Ok(None));
}

/// See the name.
pub async fn an_oversized_batch_is_refused_whole(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let full = RunUpdate { events: vec![event(1); BATCH_MAX], ..update(&row) };
    let over = RunUpdate { segments: vec![segment(1)], ..full.clone() };
    assert!(matches!(store.run_update(over).await, Err(StoreError::Invalid { .. })));
    assert_eq!(store.run_get(row.run).await, Ok(Some(row)));
    store.run_update(full).await.unwrap().applied().expect("the bound itself fits");
}

/// See the name.
pub async fn an_outbox_is_trimmed_and_goes_on_counting(store: Arc<dyn Records>) {
    let row = store.run_insert(run_row(), vec![event(1), event(2), event(3)]).await.unwrap().applied().unwrap();
    for _ in 0..2 {
        assert_eq!(store.outbox_trim(row.run, 2).await, Ok(()));
        assert_eq!(store.outbox(row.run, 0, 10).await, Ok(vec![OutboxRow { position: 3, event: event(3) }]));
    }
    store.run_update(RunUpdate { events: vec![event(4)], ..update(&row) }).await.unwrap().applied().unwrap();
    assert_eq!(store.outbox(row.run, 3, 10).await, Ok(vec![OutboxRow { position: 4, event: event(4) }]));
}

/// See the name.
pub async fn removing_a_run_leaves_nothing_of_it(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let key = LeaseKey::Run(row.run);
    let lease = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let full = RunUpdate { segments: vec![segment(1)], events: vec![event(1)], ..update(&row) };
    let row = store.run_update(full).await.unwrap().applied().unwrap();
    let neighbour = inserted(&store).await;
    for _ in 0..2 {
        assert_eq!(store.run_remove(row.run).await, Ok(()));
    }
    assert_eq!(store.run_get(row.run).await, Ok(None));
    assert_eq!(store.segments(row.run).await, Ok(vec![]));
    assert_eq!(store.outbox(row.run, 0, 10).await, Ok(vec![]));
    assert_eq!(store.lease_get(key).await, Ok(None));
    let late = RunUpdate { fence: Some(lease.fence()), ..update(&row) };
    assert_eq!(store.run_update(late).await, Ok(Cas::Conflict(RunConflict::Gone)));
    assert_eq!(store.run_get(neighbour.run).await, Ok(Some(neighbour)));
}
