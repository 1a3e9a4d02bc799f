//! Promises of projects.

use std::sync::Arc;

use domain::id::{ProjectId, TenantId};
use domain::language::Language;

use super::{fresh, project_row};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::ProjectRow;

/// See the name.
pub async fn a_project_is_read_as_it_was_inserted(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(None));
    let inserted = store.project_insert(row.clone()).await.unwrap().applied().unwrap();
    assert_eq!(inserted, ProjectRow { version: 1, ..row.clone() });
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(Some(inserted)));
    assert_eq!(store.project_get(TenantId(fresh()), row.project).await, Ok(None), "another tenant's");
}

/// See the name.
pub async fn a_second_insert_conflicts_and_shows_the_first(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    let first = store.project_insert(row.clone()).await.unwrap().applied().unwrap();
    let second = ProjectRow { title: "Another".into(), ..row };
    assert_eq!(store.project_insert(second).await, Ok(Cas::Conflict(Some(first))));
}

/// See the name.
pub async fn an_update_needs_the_current_version(store: Arc<dyn Records>) {
    let row = store.project_insert(project_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let change = ProjectRow { language: Some(Language::Fr), authors: vec!["A. Nonyme".into()], ..row.clone() };
    let changed = store.project_update(change.clone(), 1).await.unwrap().applied().unwrap();
    assert_eq!(changed, ProjectRow { version: 2, ..change });
    assert_eq!(store.project_update(row.clone(), 1).await, Ok(Cas::Conflict(Some(changed.clone()))), "too old");
    assert_eq!(store.project_update(row.clone(), 3).await, Ok(Cas::Conflict(Some(changed.clone()))), "too new");
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(Some(changed)));
}

/// See the name.
pub async fn updating_a_missing_project_conflicts_with_nothing(store: Arc<dyn Records>) {
    let row = project_row(TenantId(fresh()));
    assert_eq!(store.project_update(row.clone(), 0).await, Ok(Cas::Conflict(None)));
    assert_eq!(store.project_get(row.tenant, row.project).await, Ok(None));
}

/// See the name.
pub async fn a_list_is_one_tenants_newest_first_and_bounded(store: Arc<dyn Records>) {
    let tenant = TenantId(fresh());
    for created_ms in [30, 10, 20] {
        let row = ProjectRow { created_ms, ..project_row(tenant) };
        store.project_insert(row).await.unwrap().applied().unwrap();
    }
    store.project_insert(project_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let ages = |rows: Vec<ProjectRow>| rows.iter().map(|row| row.created_ms).collect::<Vec<_>>();
    assert_eq!(ages(store.project_list(tenant, 10).await.unwrap()), [30, 20, 10]);
    assert_eq!(ages(store.project_list(tenant, 2).await.unwrap()), [30, 20]);
    assert_eq!(ages(store.project_list(TenantId(fresh()), 10).await.unwrap()), [0; 0]);
}

/// See the name.
pub async fn a_deleted_project_is_not_listed_and_can_be_removed(store: Arc<dyn Records>) {
    let row = store.project_insert(project_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let (tenant, project) = (row.tenant, row.project);
    let refused = store.project_remove(tenant, project).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "it is not marked deleted: {refused:?}");
    let deleted = ProjectRow { deleted: true, ..row };
    let deleted = store.project_update(deleted, 1).await.unwrap().applied().unwrap();
    assert_eq!(store.project_list(tenant, 10).await, Ok(vec![]));
    assert_eq!(store.project_get(tenant, project).await, Ok(Some(deleted)), "still there for the repair");
    for _ in 0..2 {
        assert_eq!(store.project_remove(tenant, project).await, Ok(()));
        assert_eq!(store.project_get(tenant, project).await, Ok(None));
    }
    assert_eq!(store.project_remove(tenant, ProjectId(fresh())).await, Ok(()));
}
