//! Promises of projects.

use std::sync::Arc;

use domain::id::{ProjectId, TenantId};
use domain::project::{Act, Actor};

use super::{fresh, project_row};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{ACTIVITY_MAX, NewAct, ProjectRow};

/// See the name.
pub async fn a_project_is_read_as_it_was_inserted(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(None));
    let inserted = store.project_insert(row.clone(), None).await.unwrap().applied().unwrap();
    assert_eq!(inserted, ProjectRow { version: 1, ..row.clone() });
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(Some(inserted)));
    assert_eq!(store.project_get(TenantId(fresh()), row.project).await, Ok(None), "another tenant's");
}

/// See the name.
pub async fn a_second_insert_conflicts_and_shows_the_first(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    let first = store.project_insert(row.clone(), None).await.unwrap().applied().unwrap();
    let second = ProjectRow { name: Some("Another".into()), ..row };
    assert_eq!(store.project_insert(second, None).await, Ok(Cas::Conflict(Some(first))));
}

/// See the name.
pub async fn an_update_needs_the_current_version(store: Arc<dyn Records>) {
    let row = store.project_insert(project_row(TenantId(fresh())), None).await.unwrap().applied().unwrap();
    let change = ProjectRow { description: "Read twice".into(), archived: true, ..row.clone() };
    let changed = store.project_update(change.clone(), 1, None).await.unwrap().applied().unwrap();
    assert_eq!(changed, ProjectRow { version: 2, ..change });
    assert_eq!(store.project_update(row.clone(), 1, None).await, Ok(Cas::Conflict(Some(changed.clone()))), "too old");
    assert_eq!(store.project_update(row.clone(), 3, None).await, Ok(Cas::Conflict(Some(changed.clone()))), "too new");
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(Some(changed)));
}

/// See the name.
pub async fn updating_a_missing_project_conflicts_with_nothing(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    assert_eq!(store.project_update(row.clone(), 0, None).await, Ok(Cas::Conflict(None)));
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(None));
}

/// See the name.
pub async fn a_list_is_one_tenants_newest_first_and_bounded(store: Arc<dyn Records>) {
    let tenant = TenantId(fresh());
    for created_ms in [30, 10, 20] {
        let row = ProjectRow { created_ms, ..project_row(tenant) };
        store.project_insert(row, None).await.unwrap().applied().unwrap();
    }
    store.project_insert(project_row(TenantId(fresh())), None).await.unwrap().applied().unwrap();
    let ages = |rows: Vec<ProjectRow>| rows.iter().map(|row| row.created_ms).collect::<Vec<_>>();
    assert_eq!(ages(store.project_list(tenant, 10).await.unwrap()), [30, 20, 10]);
    assert_eq!(ages(store.project_list(tenant, 2).await.unwrap()), [30, 20]);
    assert_eq!(ages(store.project_list(TenantId(fresh()), 10).await.unwrap()), [0; 0]);
}

/// See the name.
pub async fn a_deleted_project_is_not_listed_and_can_be_removed(store: Arc<dyn Records>) {
    let row = store.project_insert(project_row(TenantId(fresh())), None).await.unwrap().applied().unwrap();
    let (tenant, project) = (row.tenant, row.project);
    let refused = store.project_remove(tenant, project).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "it is not marked deleted: {refused:?}");
    let deleted = ProjectRow { deleted: true, ..row };
    let deleted = store.project_update(deleted, 1, None).await.unwrap().applied().unwrap();
    assert_eq!(store.project_list(tenant, 10).await, Ok(vec![]));
    assert_eq!(store.project_get(tenant, project).await, Ok(Some(deleted)), "still there for the repair");
    for _ in 0..2 {
        assert_eq!(store.project_remove(tenant, project).await, Ok(()));
        assert_eq!(store.project_get(tenant, project).await, Ok(None));
    }
    assert_eq!(store.project_remove(tenant, ProjectId(fresh())).await, Ok(()));
}

fn act(what: Act) -> Option<NewAct> {
    Some(NewAct { at_ms: 5, by: Actor::Local, what })
}

/// See the name.
pub async fn acts_are_kept_with_the_change_that_they_name(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    let (tenant, project) = (row.tenant, row.project);
    let created = act(Act::Created { file: "nights.epub".into() });
    let row = store.project_insert(row, created.clone()).await.unwrap().applied().unwrap();
    let again = store.project_insert(row.clone(), created).await;
    assert_eq!(again, Ok(Cas::Conflict(Some(row.clone()))));
    let row = store.project_update(row, 1, None).await.unwrap().applied().unwrap();
    let row = store.project_update(row, 2, act(Act::Deleted)).await.unwrap().applied().unwrap();
    assert!(matches!(store.project_update(row.clone(), 1, act(Act::Restored)).await, Ok(Cas::Conflict(Some(_)))));
    let all = store.activity(tenant, project, u64::MAX, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|act| (act.seq, &act.what)).collect::<Vec<_>>(),
        [(3, &Act::Deleted), (1, &Act::Created { file: "nights.epub".into() })]
    );
    assert_eq!(store.activity(tenant, project, 3, 10).await.unwrap(), all[1..]);
    assert_eq!(store.activity(tenant, project, u64::MAX, 1).await.unwrap(), all[..1]);
    assert_eq!(store.activity(TenantId(fresh()), project, u64::MAX, 10).await, Ok(vec![]), "another tenant's");
    store.project_update(ProjectRow { deleted: true, ..row }, 3, None).await.unwrap().applied().unwrap();
    store.project_remove(tenant, project).await.unwrap();
    assert_eq!(store.activity(tenant, project, u64::MAX, 10).await, Ok(vec![]));
}

/// See the name.
pub async fn old_acts_make_room_for_new_ones(store: Arc<dyn Records>) {
    let mut row = project_row(TenantId(fresh()));
    let (tenant, project) = (row.tenant, row.project);
    row = store.project_insert(row, act(Act::Restored)).await.unwrap().applied().unwrap();
    for version in 1..=ACTIVITY_MAX + 2 {
        row = store.project_update(row, version, act(Act::Restored)).await.unwrap().applied().unwrap();
    }
    let kept = store.activity(tenant, project, u64::MAX, 10_000).await.unwrap();
    assert_eq!(kept.len() as u64, ACTIVITY_MAX);
    assert_eq!(kept.first().map(|act| act.seq), Some(ACTIVITY_MAX + 3));
}
