//! Promises of edits of storyboards.

use std::sync::Arc;

use domain::edit::{Edit, EditEntry};
use domain::id::RunId;
use domain::project::Actor;

use super::{fresh, run_row};
use crate::records::{Cas, Records};
use crate::rows::EditRow;

/// An edit of its own id.
pub(super) fn edit(panel: u32) -> EditRow {
    let entry = EditEntry::Edit { edit: Edit::Hide { panel, hidden: true } };
    EditRow { version: 0, id: fresh(), at_ms: 7, by: Actor::Local, entry }
}

async fn a_run(store: &Arc<dyn Records>) -> RunId {
    store.run_insert(run_row(), vec![]).await.unwrap().applied().unwrap().run
}

/// See the name.
pub async fn edits_are_numbered_and_read_in_order(store: Arc<dyn Records>) {
    let run = a_run(&store).await;
    assert_eq!(store.edits(run, 0, 10).await, Ok(vec![]));
    let mut made = Vec::new();
    for version in 0..3 {
        made.push(store.edit_append(run, edit(version as u32), version).await.unwrap().applied().unwrap());
    }
    assert_eq!(made.iter().map(|row| row.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.edits(run, 0, 10).await, Ok(made.clone()));
    assert_eq!(store.edits(run, 1, 1).await, Ok(made[1..2].to_vec()));
}

/// See the name.
pub async fn an_edit_made_for_another_version_changes_nothing(store: Arc<dyn Records>) {
    let run = a_run(&store).await;
    let first = store.edit_append(run, edit(1), 0).await.unwrap().applied().unwrap();
    assert_eq!(store.edit_append(run, edit(2), 0).await, Ok(Cas::Conflict(Some(1))), "too old");
    assert_eq!(store.edit_append(run, edit(2), 2).await, Ok(Cas::Conflict(Some(1))), "too new");
    assert_eq!(store.edits(run, 0, 10).await, Ok(vec![first]));
}

/// See the name.
pub async fn an_edit_that_is_repeated_stands_once(store: Arc<dyn Records>) {
    let run = a_run(&store).await;
    let row = edit(1);
    let first = store.edit_append(run, row.clone(), 0).await.unwrap();
    assert_eq!(store.edit_append(run, row.clone(), 0).await, Ok(first.clone()));
    store.edit_append(run, edit(2), 1).await.unwrap().applied().unwrap();
    assert_eq!(store.edit_append(run, row, 0).await, Ok(first), "whoever came after it");
    assert_eq!(store.edits(run, 0, 10).await.unwrap().len(), 2);
}

/// See the name.
pub async fn edits_go_with_their_run(store: Arc<dyn Records>) {
    assert_eq!(store.edit_append(RunId(fresh()), edit(1), 0).await, Ok(Cas::Conflict(None)), "no such run");
    let run = a_run(&store).await;
    store.edit_append(run, edit(1), 0).await.unwrap().applied().unwrap();
    store.run_remove(run).await.unwrap();
    assert_eq!(store.edits(run, 0, 10).await, Ok(vec![]));
    assert_eq!(store.edit_append(run, edit(1), 1).await, Ok(Cas::Conflict(None)));
}
