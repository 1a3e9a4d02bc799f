//! Promises of leases.

use std::sync::Arc;

use domain::id::RunId;

use super::{fresh, owner};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{LeaseKey, LeaseRow, OwnerId};

fn key() -> LeaseKey {
    LeaseKey::Run(RunId(fresh()))
}

/// See the name.
pub async fn a_lease_is_taken_once(store: Arc<dyn Records>) {
    let (key, me) = (key(), owner());
    assert_eq!(store.lease_get(key).await, Ok(None));
    let mine = store.lease_take(key, None, me).await.unwrap().applied().unwrap();
    assert_eq!((mine.owner, mine.renewals, mine.term.n), (me, 0, 1));
    assert_eq!(mine.term.incarnation, store.identity().incarnation);
    assert_eq!(store.lease_get(key).await, Ok(Some(mine)));
    assert_eq!(store.lease_take(key, None, owner()).await, Ok(Cas::Conflict(Some(mine))));
    let nobody = store.lease_take(key, Some(mine), OwnerId::NOBODY).await;
    assert!(matches!(nobody, Err(StoreError::Invalid { .. })));
}

/// See the name.
pub async fn a_renewal_defeats_a_challenger_who_saw_less(store: Arc<dyn Records>) {
    let key = key();
    let seen = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let renewed = store.lease_renew(key, seen).await.unwrap().applied().unwrap();
    assert_eq!(renewed, LeaseRow { renewals: 1, ..seen });
    assert_eq!(store.lease_take(key, Some(seen), owner()).await, Ok(Cas::Conflict(Some(renewed))));
    assert_eq!(store.lease_renew(key, seen).await, Ok(Cas::Conflict(Some(renewed))), "a renewal counts once");
}

/// See the name.
pub async fn a_takeover_raises_the_term_and_defeats_the_old_holder(store: Arc<dyn Records>) {
    let key = key();
    let old = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let new = store.lease_take(key, Some(old), owner()).await.unwrap().applied().unwrap();
    assert!(new.term > old.term);
    assert_eq!(store.lease_renew(key, old).await, Ok(Cas::Conflict(Some(new))));
    assert_eq!(store.lease_release(key, old).await, Ok(Cas::Conflict(Some(new))));
    assert_eq!(store.lease_take(key, Some(old), old.owner).await, Ok(Cas::Conflict(Some(new))));
    assert_eq!(store.lease_get(key).await, Ok(Some(new)));
}

/// See the name.
pub async fn a_released_lease_keeps_its_term(store: Arc<dyn Records>) {
    let key = key();
    let mine = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    store.lease_renew(key, mine).await.unwrap().applied().unwrap();
    let free = store.lease_release(key, mine).await.unwrap().applied().expect("renewals in flight don't matter");
    assert!(free.is_free());
    assert_eq!(store.lease_renew(key, free).await, Ok(Cas::Conflict(Some(free))), "nobody renews");
    let next = store.lease_take(key, Some(free), owner()).await.unwrap().applied().unwrap();
    assert!(next.term > mine.term);
}

/// See the name.
pub async fn the_schedulers_lease_is_apart_from_the_runs(store: Arc<dyn Records>) {
    store.lease_take(key(), None, owner()).await.unwrap().applied().unwrap();
    let seen = store.lease_get(LeaseKey::Scheduler).await.unwrap();
    let mine = store.lease_take(LeaseKey::Scheduler, seen, owner()).await.unwrap().applied().unwrap();
    assert_eq!(store.lease_get(LeaseKey::Scheduler).await, Ok(Some(mine)));
    store.lease_release(LeaseKey::Scheduler, mine).await.unwrap().applied().unwrap();
}

/// See the name.
pub async fn of_many_challengers_one_wins(store: Arc<dyn Records>) {
    let key = key();
    let old = store.lease_take(key, None, owner()).await.unwrap().applied().unwrap();
    let challengers: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.lease_take(key, Some(old), owner()).await.unwrap().applied() })
        })
        .collect();
    let mut winners = Vec::new();
    for challenger in challengers {
        winners.extend(challenger.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.lease_get(key).await.unwrap(), winners.pop());
}
