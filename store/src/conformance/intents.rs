//! Promises of intents.

use std::sync::Arc;

use domain::id::{ProjectId, RunId, TenantId};

use super::fresh;
use crate::error::StoreError;
use crate::records::Records;
use crate::rows::{INTENT_SHARDS, IntentBody, IntentRow, shard_of};

fn intent(shard: u16, created_ms: u64) -> IntentRow {
    let (tenant, project, run) = (TenantId(fresh()), ProjectId(fresh()), RunId(fresh()));
    IntentRow { id: fresh(), shard, body: IntentBody::Run { tenant, project, run }, created_ms }
}

/// The intents of a shard that are among `mine`: others may use the same server.
async fn listed(store: &Arc<dyn Records>, shard: u16, mine: &[&IntentRow]) -> Vec<u128> {
    let rows = store.intent_list(shard, 10_000).await.unwrap();
    rows.iter().filter(|row| mine.contains(row)).map(|row| row.id).collect()
}

/// See the name.
pub async fn intents_are_listed_oldest_first_until_removed(store: Arc<dyn Records>) {
    let (late, early, elsewhere) = (intent(3, 20), intent(3, 10), intent(4, 5));
    let all = [&late, &early, &elsewhere];
    for row in all {
        assert_eq!(store.intent_put(row.clone()).await, Ok(()));
    }
    assert_eq!(listed(&store, 3, &all).await, [early.id, late.id]);
    assert_eq!(listed(&store, 4, &all).await, [elsewhere.id]);
    assert_eq!(store.intent_list(3, 1).await.unwrap().len(), 1);
    for _ in 0..2 {
        assert_eq!(store.intent_remove(3, early.id).await, Ok(()));
        assert_eq!(listed(&store, 3, &all).await, [late.id]);
    }
}

/// See the name.
pub async fn an_intent_put_twice_is_one(store: Arc<dyn Records>) {
    let id = fresh();
    let first = IntentRow { id, shard: shard_of(id), ..intent(0, 10) };
    let second = IntentRow {
        body: IntentBody::DeleteProject { tenant: TenantId(fresh()), project: ProjectId(fresh()) },
        ..first.clone()
    };
    store.intent_put(first.clone()).await.unwrap();
    store.intent_put(second.clone()).await.unwrap();
    let found = store.intent_list(first.shard, 10_000).await.unwrap();
    let found: Vec<_> = found.into_iter().filter(|row| row.id == id).collect();
    assert_eq!(found, [second]);
}

/// See the name.
pub async fn a_shard_out_of_range_is_refused(store: Arc<dyn Records>) {
    let refused = store.intent_put(intent(INTENT_SHARDS, 10)).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
}
