//! Promises of the event log.

use std::sync::Arc;

use domain::id::{ProjectId, RunId};
use domain::run::{Progress, RunEvent, RunState};

use super::fresh;
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{EventAppend, EventHead};

/// An append of `count` events from `next_seq`, which take in the outbox through position `through`.
fn append(project: ProjectId, run: RunId, head: &EventHead, count: u64, through: u64) -> EventAppend {
    let event = |seq| RunEvent { seq, project, run, state: RunState::Received, progress: Progress::default() };
    let events = (head.next_seq..head.next_seq + count).map(event).collect();
    EventAppend { project, run, expected_version: head.version, through, events }
}

fn ids() -> (ProjectId, RunId) {
    (ProjectId(fresh()), RunId(fresh()))
}

/// See the name.
pub async fn an_empty_log_starts_at_one(store: Arc<dyn Records>) {
    let (project, run) = ids();
    let head = store.events_head(project).await.unwrap();
    assert_eq!((head.version, head.next_seq, head.relayed_through(run)), (0, 1, 0));
    assert_eq!(store.events_after(project, 0, 10).await, Ok(vec![]));
}

/// See the name.
pub async fn an_append_moves_head_and_watermark(store: Arc<dyn Records>) {
    let (project, run) = ids();
    let first = append(project, run, &EventHead::empty(), 2, 2);
    let head = store.events_append(first.clone()).await.unwrap().applied().unwrap();
    assert_eq!((head.version, head.next_seq, head.relayed_through(run)), (1, 3, 2));
    assert_eq!(store.events_head(project).await, Ok(head.clone()));
    assert_eq!(store.events_after(project, 0, 10).await, Ok(first.events));
    let other = RunId(fresh());
    let head = store.events_append(append(project, other, &head, 1, 5)).await.unwrap().applied().unwrap();
    assert_eq!((head.next_seq, head.relayed_through(run), head.relayed_through(other)), (4, 2, 5));
}

/// See the name.
pub async fn a_repeated_append_writes_nothing(store: Arc<dyn Records>) {
    let (project, run) = ids();
    let first = append(project, run, &EventHead::empty(), 3, 3);
    let head = store.events_append(first.clone()).await.unwrap().applied().unwrap();
    assert_eq!(store.events_append(first).await, Ok(Cas::Applied(head.clone())));
    let overlap = append(project, run, &head, 1, 2);
    assert_eq!(store.events_append(overlap).await, Ok(Cas::Applied(head)));
    assert_eq!(store.events_after(project, 0, 10).await.unwrap().len(), 3);
}

/// See the name.
pub async fn a_stale_append_conflicts_and_shows_the_head(store: Arc<dyn Records>) {
    let (project, run) = ids();
    let empty = EventHead::empty();
    let head = store.events_append(append(project, run, &empty, 1, 1)).await.unwrap().applied().unwrap();
    let stale = append(project, RunId(fresh()), &empty, 1, 1);
    assert_eq!(store.events_append(stale).await, Ok(Cas::Conflict(Some(head))));
    assert_eq!(store.events_after(project, 0, 10).await.unwrap().len(), 1);
}

/// See the name.
pub async fn an_append_that_leaves_a_gap_is_refused(store: Arc<dyn Records>) {
    let (project, run) = ids();
    let mut gap = append(project, run, &EventHead::empty(), 2, 2);
    gap.events[1].seq = 3;
    let mut stranger = append(project, run, &EventHead::empty(), 1, 1);
    stranger.events[0].project = ProjectId(fresh());
    for bad in [gap, stranger] {
        assert!(matches!(store.events_append(bad).await, Err(StoreError::Invalid { .. })));
    }
    assert_eq!(store.events_head(project).await, Ok(EventHead::empty()));
}

/// See the name.
pub async fn a_log_is_read_from_any_point_in_bounded_pieces(store: Arc<dyn Records>) {
    let (project, run) = ids();
    store.events_append(append(project, run, &EventHead::empty(), 5, 5)).await.unwrap().applied().unwrap();
    let read = |after, limit| {
        let store = Arc::clone(&store);
        async move {
            let events = store.events_after(project, after, limit).await.unwrap();
            events.iter().map(|event| event.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(read(0, 2).await, [1, 2]);
    assert_eq!(read(2, 2).await, [3, 4]);
    assert_eq!(read(4, 2).await, [5]);
    assert_eq!(read(5, 2).await, [0; 0]);
    assert_eq!(read(u64::MAX, 2).await, [0; 0], "a position from outside may be anything");
}

/// See the name.
pub async fn a_removed_log_starts_over(store: Arc<dyn Records>) {
    let (project, run) = ids();
    store.events_append(append(project, run, &EventHead::empty(), 2, 2)).await.unwrap().applied().unwrap();
    for _ in 0..2 {
        assert_eq!(store.events_remove(project).await, Ok(()));
    }
    assert_eq!(store.events_head(project).await, Ok(EventHead::empty()));
    assert_eq!(store.events_after(project, 0, 10).await, Ok(vec![]));
}
