//! Promises of blobs.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use domain::id::{Digest, ProjectId, TenantId};
use futures_util::{TryStreamExt as _, stream};

use super::fresh;
use crate::blobs::{BlobInfo, BlobScope, BlobSource, Blobs};
use crate::error::StoreError;

fn scope() -> BlobScope {
    BlobScope { tenant: TenantId(fresh()), project: ProjectId(fresh()) }
}

/// A source that gives these pieces.
fn source(pieces: Vec<io::Result<Bytes>>) -> BlobSource {
    Box::pin(stream::iter(pieces))
}

/// `len` bytes that don't repeat in step with any piece.
fn patterned(len: usize) -> Bytes {
    (0..len).map(|i| (i % 251) as u8).collect()
}

async fn range(store: &Arc<dyn Blobs>, scope: BlobScope, digest: Digest, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<Bytes> = store.get_range(scope, digest, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// See the name.
pub async fn a_blob_is_read_as_it_was_put(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(3_000));
    let info = store.put_bytes(scope, bytes.clone()).await.unwrap();
    assert_eq!(info, BlobInfo { digest: Digest::of(&bytes), bytes: 3_000 });
    assert_eq!(store.stat(scope, info.digest).await, Ok(Some(info)));
    assert_eq!(store.get(scope, info.digest, 3_000).await, Ok(bytes));
}

/// See the name.
pub async fn an_empty_blob_is_a_blob(store: Arc<dyn Blobs>) {
    let scope = scope();
    let info = store.put(scope, source(vec![]), 0, None).await.unwrap();
    assert_eq!(info, BlobInfo { digest: Digest::of(b""), bytes: 0 });
    assert_eq!(store.stat(scope, info.digest).await, Ok(Some(info)));
    assert_eq!(store.get(scope, info.digest, 0).await, Ok(Bytes::new()));
}

/// See the name.
pub async fn a_blob_in_many_pieces_is_one(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(5 << 20));
    let sizes = [1, 70_000, 3 << 20];
    let mut rest = bytes.clone();
    let mut pieces: Vec<_> = sizes.map(|size| Ok(rest.split_to(size))).into();
    pieces.extend([Ok(Bytes::new()), Ok(rest)]);
    let expected = Some(Digest::of(&bytes));
    let info = store.put(scope, source(pieces), bytes.len() as u64, expected).await.unwrap();
    assert_eq!(store.get(scope, info.digest, u64::MAX).await, Ok(bytes));
}

/// See the name.
pub async fn the_same_bytes_are_one_blob_however_often_they_are_put(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(100_000));
    let puts = (0..8).map(|_| store.put_bytes(scope, bytes.clone()));
    let infos = futures_util::future::try_join_all(puts).await.unwrap();
    assert!(infos.iter().all(|info| *info == infos[0]));
    assert_eq!(store.get(scope, infos[0].digest, 100_000).await, Ok(bytes));
    store.delete(scope, infos[0].digest).await.unwrap();
    assert_eq!(store.stat(scope, infos[0].digest).await, Ok(None));
}

/// See the name.
pub async fn a_blob_over_the_limit_is_refused_and_leaves_nothing(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(100));
    let pieces = || source(vec![Ok(bytes.slice(..60)), Ok(bytes.slice(60..))]);
    let refused = store.put(scope, pieces(), 99, None).await;
    assert_eq!(refused, Err(StoreError::BlobTooLarge { limit_bytes: 99 }));
    assert_eq!(store.stat(scope, Digest::of(&bytes)).await, Ok(None));
    store.put(scope, pieces(), 100, None).await.expect("the limit itself fits");
}

/// See the name.
pub async fn bytes_that_are_not_what_was_announced_are_refused(store: Arc<dyn Blobs>) {
    let (scope, bytes, expected) = (scope(), patterned(100), Digest::of(b"else"));
    let found = Digest::of(&bytes);
    let refused = store.put(scope, source(vec![Ok(bytes)]), 100, Some(expected)).await;
    assert_eq!(refused, Err(StoreError::DigestMismatch { expected, found }));
    assert_eq!(store.stat(scope, expected).await, Ok(None));
    assert_eq!(store.stat(scope, found).await, Ok(None));
}

/// See the name.
pub async fn a_source_that_breaks_off_leaves_nothing(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(100));
    let broken = vec![Ok(bytes.clone()), Err(io::ErrorKind::ConnectionReset.into())];
    let refused = store.put(scope, source(broken), 1_000, None).await;
    assert!(matches!(refused, Err(StoreError::SourceBroken { .. })));
    assert_eq!(store.stat(scope, Digest::of(&bytes)).await, Ok(None));
}

/// See the name.
pub async fn a_range_is_cut_to_the_blob(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(3 << 20));
    let digest = store.put_bytes(scope, bytes.clone()).await.unwrap().digest;
    let end = bytes.len() as u64;
    assert_eq!(range(&store, scope, digest, 0..end).await, bytes);
    assert_eq!(range(&store, scope, digest, 10..20).await, bytes[10..20]);
    let across = (1 << 20) - 5..(2 << 20) + 5;
    assert_eq!(range(&store, scope, digest, across.clone()).await, bytes[across.start as usize..across.end as usize]);
    assert_eq!(range(&store, scope, digest, end - 7..u64::MAX).await, bytes[bytes.len() - 7..]);
    assert_eq!(range(&store, scope, digest, end..end + 1).await, b"");
    assert_eq!(range(&store, scope, digest, 20..20).await, b"");
}

/// See the name.
pub async fn a_missing_blob_is_named(store: Arc<dyn Blobs>) {
    let (scope, digest) = (scope(), Digest::of(b"never put"));
    assert_eq!(store.stat(scope, digest).await, Ok(None));
    assert_eq!(store.get(scope, digest, 10).await, Err(StoreError::BlobMissing { digest }));
    let error = store.get_range(scope, digest, 0..10).await.err();
    assert_eq!(error, Some(StoreError::BlobMissing { digest }));
}

/// See the name.
pub async fn a_reader_may_bound_what_it_takes(store: Arc<dyn Blobs>) {
    let scope = scope();
    let digest = store.put_bytes(scope, patterned(100)).await.unwrap().digest;
    assert_eq!(store.get(scope, digest, 99).await, Err(StoreError::BlobTooLarge { limit_bytes: 99 }));
}

/// See the name.
pub async fn scopes_share_nothing(store: Arc<dyn Blobs>) {
    let one = scope();
    let sibling = BlobScope { project: ProjectId(fresh()), ..one };
    let stranger = BlobScope { tenant: TenantId(fresh()), ..one };
    let digest = store.put_bytes(one, patterned(100)).await.unwrap().digest;
    assert_eq!(store.stat(sibling, digest).await, Ok(None));
    assert_eq!(store.stat(stranger, digest).await, Ok(None));
    for scope in [sibling, stranger] {
        store.put_bytes(scope, patterned(100)).await.unwrap();
    }
    store.put_bytes(one, patterned(200)).await.unwrap();
    for _ in 0..2 {
        store.delete_scope(one).await.unwrap();
    }
    assert_eq!(store.stat(one, digest).await, Ok(None));
    assert_eq!(store.stat(one, Digest::of(&patterned(200))).await, Ok(None));
    for scope in [sibling, stranger] {
        assert_eq!(store.get(scope, digest, 100).await, Ok(patterned(100)));
    }
    store.put_bytes(one, patterned(100)).await.expect("a deleted scope can be used again");
}

/// See the name.
pub async fn a_scope_that_was_prepared_is_as_any_other(store: Arc<dyn Blobs>) {
    let scope = scope();
    for _ in 0..2 {
        store.prepare(scope).await.unwrap();
    }
    assert_eq!(store.list(scope, None, 10).await, Ok(vec![]));
    let digest = store.put_bytes(scope, patterned(100)).await.unwrap().digest;
    store.prepare(scope).await.unwrap();
    assert_eq!(store.get(scope, digest, 100).await, Ok(patterned(100)));
    store.delete_scope(scope).await.unwrap();
    assert_eq!(store.stat(scope, digest).await, Ok(None));
    store.put_bytes(scope, patterned(100)).await.expect("and used again after its removal");
    store.prepare(scope).await.unwrap();
    store.delete_scope(scope).await.unwrap();
    let left = store.scopes(None, u32::MAX).await.unwrap();
    assert!(!left.contains(&scope), "nothing of it is left");
}

/// See the name.
pub async fn a_linked_blob_outlives_the_scope_that_it_came_from(store: Arc<dyn Blobs>) {
    let (from, bytes) = (scope(), patterned(100_000));
    let to = BlobScope { project: ProjectId(fresh()), ..from };
    let info = store.put_bytes(from, bytes.clone()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.link(from, to, info.digest).await, Ok(info));
        assert_eq!(store.get(to, info.digest, 100_000).await, Ok(bytes.clone()));
    }
    assert_eq!(store.link(from, from, info.digest).await, Ok(info), "a link to itself changes nothing");
    store.delete_scope(from).await.unwrap();
    assert_eq!(store.stat(from, info.digest).await, Ok(None));
    assert_eq!(store.get(to, info.digest, 100_000).await, Ok(bytes));
    assert_eq!(store.sweep_temporary().await, Ok(0), "nothing is left beside");
}

/// See the name.
pub async fn a_link_takes_the_place_of_a_blob_that_is_there(store: Arc<dyn Blobs>) {
    let (one, two) = (scope(), scope());
    let digest = store.put_bytes(one, patterned(100)).await.unwrap().digest;
    store.put_bytes(two, patterned(100)).await.unwrap();
    store.link(one, two, digest).await.unwrap();
    store.delete(one, digest).await.unwrap();
    assert_eq!(store.get(two, digest, 100).await, Ok(patterned(100)));
    store.put_bytes(one, patterned(100)).await.unwrap();
    store.delete(two, digest).await.unwrap();
    assert_eq!(store.get(one, digest, 100).await, Ok(patterned(100)));
}

/// See the name.
pub async fn only_what_is_there_can_be_linked(store: Arc<dyn Blobs>) {
    let (from, to) = (scope(), scope());
    let digest = Digest::of(b"never put");
    assert_eq!(store.link(from, to, digest).await, Err(StoreError::BlobMissing { digest }));
    assert_eq!(store.stat(to, digest).await, Ok(None));
}

/// See the name.
pub async fn deleting_is_idempotent(store: Arc<dyn Blobs>) {
    let scope = scope();
    let digest = store.put_bytes(scope, patterned(100)).await.unwrap().digest;
    for _ in 0..2 {
        assert_eq!(store.delete(scope, digest).await, Ok(()));
        assert_eq!(store.stat(scope, digest).await, Ok(None));
    }
    assert_eq!(store.delete(self::scope(), digest).await, Ok(()));
}

/// See the name.
pub async fn a_sweep_leaves_a_put_under_way_alone(store: Arc<dyn Blobs>) {
    let (scope, bytes) = (scope(), patterned(4 << 20));
    let (pieces, mut received) = tokio::sync::mpsc::channel(1);
    let putting = {
        let (store, expected) = (Arc::clone(&store), Some(Digest::of(&bytes)));
        let source = Box::pin(stream::poll_fn(move |context| received.poll_recv(context)));
        tokio::spawn(async move { store.put(scope, source, u64::MAX, expected).await })
    };
    for piece in [bytes.slice(..3 << 20), bytes.slice(3 << 20..)] {
        pieces.send(Ok(piece)).await.unwrap();
        // There is a place again once the put has taken the piece.
        drop(pieces.reserve().await.unwrap());
        store.sweep_temporary().await.unwrap();
    }
    drop(pieces);
    let info = putting.await.unwrap().unwrap();
    assert_eq!(store.get(scope, info.digest, u64::MAX).await, Ok(bytes));
}

/// See the name.
pub async fn scopes_and_blobs_are_listed_in_order_and_in_pages(store: Arc<dyn Blobs>) {
    let tenant = TenantId(fresh());
    let mut scopes: Vec<BlobScope> = (0..5).map(|_| BlobScope { tenant, ..scope() }).collect();
    scopes.sort();
    for scope in &scopes {
        store.put_bytes(*scope, patterned(10)).await.unwrap();
    }
    let mut digests = Vec::new();
    for len in 1..=7 {
        digests.push(store.put_bytes(scopes[2], patterned(len)).await.unwrap().digest);
    }
    digests.push(Digest::of(&patterned(10)));
    digests.sort_unstable();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.scopes(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        listed.extend(page.into_iter().filter(|scope| scope.tenant == tenant));
    }
    assert_eq!(listed, scopes);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(scopes[2], after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.info.digest);
        listed.extend(page);
    }
    assert_eq!(listed.iter().map(|entry| entry.info.digest).collect::<Vec<_>>(), digests);
    assert!(listed.iter().all(|entry| (1..=10).contains(&entry.info.bytes)));
    assert_eq!(store.list(scope(), None, 10).await, Ok(vec![]), "of a scope that never was");
}

/// When a blob was changed last, by the list.
async fn changed_ms(store: &Arc<dyn Blobs>, scope: BlobScope) -> u64 {
    store.list(scope, None, 10).await.unwrap()[0].changed_ms
}

/// See the name.
pub async fn a_blob_that_is_put_or_linked_again_has_changed(store: Arc<dyn Blobs>) {
    let (from, to) = (scope(), scope());
    let digest = store.put_bytes(from, patterned(100)).await.unwrap().digest;
    let first = changed_ms(&store, from).await;
    assert!(first > 1_600_000_000_000, "milliseconds since 1970");
    let moved = |now: u64| now > first + 20;
    let mut tries = 0..1_000;
    // The medium's clock may be coarse.
    while !moved(changed_ms(&store, from).await) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        store.put_bytes(from, patterned(100)).await.unwrap();
        tries.next().expect("a put is seen in the end");
    }
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    let second = changed_ms(&store, from).await;
    store.link(from, to, digest).await.unwrap();
    assert!(changed_ms(&store, to).await > second, "what was linked is as new as what was put");
}

/// See the name.
pub async fn while_blobs_are_held_none_is_removed(store: Arc<dyn Blobs>) {
    let scope = scope();
    let digest = store.put_bytes(scope, patterned(100)).await.unwrap().digest;
    let (one, two) = (store.hold(), store.hold());
    drop(one);
    assert_eq!(store.delete(scope, digest).await, Err(StoreError::Held));
    assert_eq!(store.delete_scope(scope).await, Err(StoreError::Held));
    store.put_bytes(scope, patterned(200)).await.expect("putting goes on");
    assert_eq!(store.get(scope, digest, 100).await, Ok(patterned(100)));
    drop(two);
    store.delete(scope, digest).await.unwrap();
    store.delete_scope(scope).await.unwrap();
    assert_eq!(store.list(scope, None, 10).await, Ok(vec![]));
}

/// See the name.
pub async fn a_healthy_store_says_how_it_feels(store: Arc<dyn Blobs>) {
    let health = store.health().await.unwrap();
    assert!(health.write_latency_us > 0 && health.read_latency_us > 0, "{health:?}");
}

/// See the name.
pub async fn only_what_is_old_is_removed_as_old(store: Arc<dyn Blobs>) {
    let scope = scope();
    let digest = store.put_bytes(scope, patterned(100)).await.unwrap().digest;
    let changed = changed_ms(&store, scope).await;
    assert_eq!(store.remove_older(scope, digest, changed).await, Ok(false), "it is not older than itself");
    assert_eq!(store.get(scope, digest, 100).await, Ok(patterned(100)));
    let hold = store.hold();
    assert_eq!(store.remove_older(scope, digest, changed + 1).await, Err(StoreError::Held));
    drop(hold);
    assert_eq!(store.remove_older(scope, digest, changed + 1).await, Ok(true));
    assert_eq!(store.remove_older(scope, digest, u64::MAX).await, Ok(false), "there is none");
}
