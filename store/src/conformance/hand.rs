//! Promises of what is at hand: an adapter may have nothing there, but nothing that is out of date.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::id::{AccountId, ProjectId, TenantId};
use domain::run::{RunEvent, RunState};
use futures_util::FutureExt as _;

use super::access::access_row;
use super::{account_row, event, fresh, project_row, run_row};
use crate::records::{Cas, Records};
use crate::rows::{AccessRow, AccountRow, EventAppend, EventHead, KeptRow, ProjectRow, RunRow, RunUpdate};

/// Rows that may be at hand, by what they are found by.
struct Rows {
    store: Arc<dyn Records>,
    project: ProjectRow,
    run: RunRow,
    account: AccountRow,
    access: AccessRow,
}

impl Rows {
    fn drawn(store: &Arc<dyn Records>) -> Self {
        let store = Arc::clone(store);
        let project = project_row(TenantId(fresh()));
        Self { store, project, run: run_row(), account: account_row(), access: access_row() }
    }

    /// Reads each of them, and holds what is at hand against what is there, before and since.
    async fn look(&self) -> (Option<ProjectRow>, Option<RunRow>, EventHead, Option<AccountRow>, Option<AccessRow>) {
        let (store, project) = (&self.store, &self.project);
        for _ in 0..2 {
            let at_hand = store.project_at_hand(project.tenant, project.project);
            let there = store.project_get(project.tenant, project.project).await.unwrap();
            assert!(at_hand.is_none_or(|row| Some(&*row) == there.as_ref()));
            let (at_hand, there) = (store.run_at_hand(self.run.run), store.run_get(self.run.run).await.unwrap());
            assert!(at_hand.is_none_or(|row| Some(&*row) == there.as_ref()));
            let at_hand = store.events_head_at_hand(project.project);
            let there = store.events_head(project.project).await.unwrap();
            assert!(at_hand.is_none_or(|head| *head == there));
            let at_hand = store.account_at_hand(self.account.account);
            let there = store.account_get(self.account.account).await.unwrap();
            assert!(at_hand.is_none_or(|row| Some(&*row) == there.as_ref()));
            let at_hand = store.access_at_hand(self.access.project);
            let there = store.access_get(self.access.project).await.unwrap();
            assert!(at_hand.is_none_or(|row| *row == there));
        }
        (
            store.project_get(project.tenant, project.project).await.unwrap(),
            store.run_get(self.run.run).await.unwrap(),
            store.events_head(project.project).await.unwrap(),
            store.account_get(self.account.account).await.unwrap(),
            store.access_get(self.access.project).await.unwrap(),
        )
    }
}

/// See the name.
pub async fn what_is_at_hand_is_what_is_there(store: Arc<dyn Records>) {
    let rows = Rows::drawn(&store);
    let Rows { project, run, account, access, .. } = &rows;
    assert_eq!(rows.look().await, (None, None, EventHead::empty(), None, None));

    let project = store.project_insert(project.clone(), None).await.unwrap().applied().unwrap();
    let run = store.run_insert(run.clone(), vec![]).await.unwrap().applied().unwrap();
    let account = store.account_insert(account.clone(), None).await.unwrap().applied().unwrap();
    let access = store.access_update(access.clone(), 0).await.unwrap().applied().unwrap();
    let (project_id, run_id, said) = (project.project, run.run, event(1));
    let said = RunEvent { seq: 1, project: project_id, run: run_id, state: said.state, progress: said.progress };
    let append = EventAppend { project: project_id, expected_version: 0, run: run_id, through: 1, events: vec![said] };
    let head = store.events_append(append).await.unwrap().applied().unwrap();
    let all = (Some(project.clone()), Some(run.clone()), head.clone(), Some(account.clone()), Some(access.clone()));
    assert_eq!(rows.look().await, all);

    let named = ProjectRow { name: Some("Ferry".into()), deleted: true, ..project };
    let project = store.project_update(named, 1, None).await.unwrap().applied().unwrap();
    let update = RunUpdate {
        row: RunRow { state: RunState::Cancelled, ..run },
        expected_version: 1,
        fence: None,
        segments: vec![],
        events: vec![],
    };
    let run = store.run_update(update).await.unwrap().applied().unwrap();
    let ended = AccountRow { sessions: vec![], ..account };
    let account = store.account_update(ended, 1, None).await.unwrap().applied().unwrap();
    let access = store.access_update(AccessRow { members: vec![], ..access }, 1).await.unwrap().applied().unwrap();
    let all = (Some(project.clone()), Some(run.clone()), head, Some(account.clone()), Some(access.clone()));
    assert_eq!(rows.look().await, all);

    store.project_remove(project.tenant, project.project).await.unwrap();
    store.run_remove(run.run).await.unwrap();
    store.events_remove(project.project).await.unwrap();
    store.account_remove(account.account).await.unwrap();
    store.access_remove(access.project).await.unwrap();
    assert_eq!(rows.look().await, (None, None, EventHead::empty(), None, None));
}

/// Many look while one changes: whoever began to look after a change was answered finds it, or a later one.
pub async fn whoever_looks_after_a_change_was_answered_finds_it(store: Arc<dyn Records>) {
    const READERS: usize = 6;
    const CHANGES: u64 = 150;
    let account = store.account_insert(account_row(), None).await.unwrap().applied().unwrap();
    let access = store.access_update(access_row(), 0).await.unwrap().applied().unwrap();
    let (answered, done) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let readers = (0..READERS).map(|_| {
        let (store, answered, done) = (Arc::clone(&store), Arc::clone(&answered), Arc::clone(&done));
        let (account, project) = (account.account, access.project);
        tokio::spawn(async move {
            while !done.load(Ordering::Acquire) {
                let least = answered.load(Ordering::Acquire);
                let (one, other) = versions(&store, account, project).await;
                assert!(one >= least && other >= least, "{one} and {other}, where {least} was answered before");
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for version in 1..=CHANGES {
        let (account, access) = tokio::join!(
            store.account_update(account.clone(), version, None),
            store.access_update(access.clone(), version),
        );
        assert!(matches!((account.unwrap(), access.unwrap()), (Cas::Applied(_), Cas::Applied(_))));
        answered.store(version + 1, Ordering::Release);
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Versions of two rows, from what is at hand where it is.
async fn versions(store: &Arc<dyn Records>, account: AccountId, project: ProjectId) -> (u64, u64) {
    let one = match store.account_at_hand(account) {
        Some(row) => row.version,
        None => store.account_get(account).await.unwrap().unwrap().version,
    };
    let other = match store.access_at_hand(project) {
        Some(row) => row.as_ref().as_ref().unwrap().version,
        None => store.access_get(project).await.unwrap().unwrap().version,
    };
    (one, other)
}

/// A caller that goes away in the middle of a change leaves nothing out of date behind, whatever became of it.
pub async fn a_change_that_nobody_waited_for_is_found_too(store: Arc<dyn Records>) {
    let mut row = store.account_insert(account_row(), None).await.unwrap().applied().unwrap();
    for _ in 0..50 {
        store.account_get(row.account).await.unwrap();
        // Asked once, then dropped: the job is in the queue, or already under way.
        let _ = store.account_update(row.clone(), row.version, None).now_or_never();
        // Behind it in the queue: answered when it is over.
        let other = store.account_insert(account_row(), None).await.unwrap();
        assert!(matches!(other, Cas::Applied(_)));
        let at_hand = store.account_at_hand(row.account).map(|row| row.version);
        let found = store.account_get(row.account).await.unwrap().unwrap();
        assert!(at_hand.is_none_or(|version| version == found.version), "{at_hand:?}");
        // What stands there, by whoever can't have it from memory.
        let refused = store.account_update(row.clone(), u64::MAX, None).await.unwrap();
        assert_eq!(refused, Cas::Conflict(Some(found.clone())));
        row = found;
    }
}

/// See the name.
pub async fn what_is_imported_takes_the_place_of_what_was_at_hand(store: Arc<dyn Records>) {
    let account = store.account_insert(account_row(), None).await.unwrap().applied().unwrap();
    let access = store.access_update(access_row(), 0).await.unwrap().applied().unwrap();
    assert_eq!(store.account_get(account.account).await, Ok(Some(account.clone())));
    assert_eq!(store.access_get(access.project).await, Ok(Some(access.clone())));
    let account = AccountRow { sessions: vec![], version: 7, ..account };
    let access = AccessRow { members: vec![], version: 7, ..access };
    store.import(vec![KeptRow::Account(account.clone()), KeptRow::Access(access.clone())]).await.unwrap();
    assert!(store.account_at_hand(account.account).is_none_or(|row| *row == account));
    assert!(store.access_at_hand(access.project).is_none_or(|row| row.as_ref() == &Some(access.clone())));
    assert_eq!(store.account_get(account.account).await, Ok(Some(account)));
    assert_eq!(store.access_get(access.project).await, Ok(Some(access)));
}
