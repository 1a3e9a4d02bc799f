//! Promises of webhooks.

use std::sync::Arc;

use domain::id::{ProjectId, RunId, TenantId, WebhookId};
use domain::webhook::{Delivery, WEBHOOK_LOG_MAX, WEBHOOK_PROJECTS_MAX, WEBHOOK_URL_MAX_BYTES};

use super::{fresh, webhook_row};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{PendingEvent, WebhookMark, WebhookRow};

fn mark(seq: u64) -> WebhookMark {
    WebhookMark { seq, last: Some((RunId(7), 3)) }
}

fn delivery(attempt: u32) -> Delivery {
    Delivery {
        event: "evt".into(),
        kind: "run.ready".into(),
        at_ms: 1,
        attempt,
        took_ms: 2,
        status: Some(204),
        problem: None,
    }
}

/// See the name.
pub async fn a_webhook_is_read_as_it_was_inserted_with_what_it_is_not_told(store: Arc<dyn Records>) {
    let row = webhook_row(TenantId(fresh()));
    let (tenant, webhook) = (row.tenant, row.webhook);
    assert_eq!(store.webhook_get(tenant, webhook).await, Ok(None));
    let mut marks = vec![(ProjectId(fresh()), mark(4)), (ProjectId(fresh()), mark(0))];
    let inserted = store.webhook_insert(row.clone(), marks.clone()).await.unwrap().applied().unwrap();
    assert_eq!(inserted, WebhookRow { version: 1, ..row.clone() });
    assert_eq!(store.webhook_get(tenant, webhook).await, Ok(Some(inserted.clone())));
    marks.sort_unstable_by_key(|(project, _)| *project);
    assert_eq!(store.webhook_marks(tenant, webhook, 10).await, Ok(marks.clone()));
    assert_eq!(store.webhook_marks(tenant, webhook, 1).await, Ok(vec![marks[0]]));
    assert_eq!(store.webhook_get(TenantId(fresh()), webhook).await, Ok(None), "another tenant's");
    let second = WebhookRow { url: "https://other.example/".into(), ..row };
    assert_eq!(store.webhook_insert(second, vec![(marks[0].0, mark(9))]).await, Ok(Cas::Conflict(Some(inserted))));
    assert_eq!(store.webhook_marks(tenant, webhook, 10).await, Ok(marks), "a conflict writes no mark");
}

/// See the name.
pub async fn of_two_that_begin_an_attempt_one_does(store: Arc<dyn Records>) {
    let row = store.webhook_insert(webhook_row(TenantId(fresh())), vec![]).await.unwrap().applied().unwrap();
    let project = ProjectId(fresh());
    let claim = |attempts| {
        let pending = PendingEvent { project, seq: 1, first_ms: 5, attempts, not_before_ms: 6 };
        WebhookRow { pending: Some(pending), ..row.clone() }
    };
    let first = store.webhook_update(claim(1), 1, None).await.unwrap().applied().unwrap();
    assert_eq!(first.version, 2);
    let late = store.webhook_update(claim(2), 1, Some((project, mark(1)))).await;
    assert_eq!(late, Ok(Cas::Conflict(Some(first.clone()))));
    assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![]), "nothing of the late one happened");
    let told = WebhookRow { pending: None, log: vec![delivery(1)], ..first };
    let told = store.webhook_update(told, 2, Some((project, mark(1)))).await.unwrap().applied().unwrap();
    assert_eq!(store.webhook_get(row.tenant, row.webhook).await, Ok(Some(told)));
    assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![(project, mark(1))]));
}

/// See the name.
pub async fn a_row_that_no_webhook_can_have_is_refused_whole(store: Arc<dyn Records>) {
    let row = store.webhook_insert(webhook_row(TenantId(fresh())), vec![]).await.unwrap().applied().unwrap();
    let wrong = [
        WebhookRow { url: "x".repeat(WEBHOOK_URL_MAX_BYTES + 1), ..row.clone() },
        WebhookRow { projects: Some(vec![ProjectId(1); WEBHOOK_PROJECTS_MAX + 1]), ..row.clone() },
        WebhookRow { log: vec![delivery(1); WEBHOOK_LOG_MAX + 1], ..row.clone() },
    ];
    for wrong in wrong {
        let refused = store.webhook_update(wrong.clone(), 1, Some((ProjectId(2), mark(1)))).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        let refused = store.webhook_insert(WebhookRow { webhook: WebhookId(fresh()), ..wrong }, vec![]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.webhook_get(row.tenant, row.webhook).await, Ok(Some(row.clone())));
    assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![]));
}

/// See the name.
pub async fn webhooks_are_listed_oldest_first_and_bounded(store: Arc<dyn Records>) {
    let tenant = TenantId(fresh());
    for created_ms in [30, 10, 20] {
        let row = WebhookRow { created_ms, ..webhook_row(tenant) };
        store.webhook_insert(row, vec![]).await.unwrap().applied().unwrap();
    }
    store.webhook_insert(webhook_row(TenantId(fresh())), vec![]).await.unwrap().applied().unwrap();
    let ages = |rows: Vec<WebhookRow>| rows.iter().map(|row| row.created_ms).collect::<Vec<_>>();
    assert_eq!(ages(store.webhook_list(tenant, 10).await.unwrap()), [10, 20, 30]);
    assert_eq!(ages(store.webhook_list(tenant, 2).await.unwrap()), [10, 20]);
}

/// See the name.
pub async fn a_removed_webhook_leaves_nothing_and_late_attempts_are_told(store: Arc<dyn Records>) {
    let (one, two) = (ProjectId(fresh()), ProjectId(fresh()));
    let marks = vec![(one, mark(1)), (two, mark(2))];
    let row = store.webhook_insert(webhook_row(TenantId(fresh())), marks).await.unwrap().applied().unwrap();
    assert_eq!(store.webhook_mark_remove(row.tenant, row.webhook, one).await, Ok(()));
    assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![(two, mark(2))]));
    for _ in 0..2 {
        assert_eq!(store.webhook_remove(row.tenant, row.webhook).await, Ok(()));
        assert_eq!(store.webhook_get(row.tenant, row.webhook).await, Ok(None));
        assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![]));
    }
    assert_eq!(store.webhook_update(row.clone(), 1, Some((one, mark(3)))).await, Ok(Cas::Conflict(None)));
    assert_eq!(store.webhook_marks(row.tenant, row.webhook, 10).await, Ok(vec![]));
}
