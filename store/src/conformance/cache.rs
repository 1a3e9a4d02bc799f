//! Promises of a cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::join_all;

use super::fresh;
use crate::cache::{Bucket, Cache, NAME_MAX_BYTES, TTL_MAX, Taken, VALUE_MAX_BYTES};
use crate::error::StoreError;

/// Long enough for nothing to expire in a test.
const LONG: Duration = Duration::from_secs(600);
/// Until when what is waited for has come.
const PATIENCE: Duration = Duration::from_secs(10);

fn name() -> String {
    format!("conformance {:032x}", fresh())
}

/// See the name.
pub async fn a_value_is_read_as_it_was_put_last(store: Arc<dyn Cache>) {
    let (one, other) = (name(), name());
    assert_eq!(store.get(&one).await, Ok(None));
    for value in ["first", "", "second"] {
        store.put(&one, Bytes::from(value), LONG).await.unwrap();
        assert_eq!(store.get(&one).await, Ok(Some(Bytes::from(value))));
    }
    assert_eq!(store.get(&other).await, Ok(None));
    for _ in 0..2 {
        store.remove(&one).await.unwrap();
        assert_eq!(store.get(&one).await, Ok(None));
    }
}

/// See the name.
pub async fn a_value_is_gone_when_its_time_is_over_and_a_new_one_has_a_time_of_its_own(store: Arc<dyn Cache>) {
    let (short, renewed) = (name(), name());
    let ttl = Duration::from_millis(60);
    for name in [&short, &renewed] {
        store.put(name, Bytes::from_static(b"x"), ttl).await.unwrap();
    }
    let put = Instant::now();
    store.put(&renewed, Bytes::from_static(b"y"), LONG).await.unwrap();
    while store.get(&short).await.unwrap().is_some() {
        assert!(put.elapsed() < PATIENCE, "it never expires");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.get(&renewed).await, Ok(Some(Bytes::from_static(b"y"))));
}

/// See the name.
pub async fn what_is_too_large_is_refused_and_the_bounds_themselves_fit(store: Arc<dyn Cache>) {
    let invalid = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Invalid { .. }));
    let name = name();
    let long = format!("{name}{}", "n".repeat(NAME_MAX_BYTES - name.len()));
    let value = Bytes::from(vec![7; VALUE_MAX_BYTES]);
    store.put(&long, value.clone(), TTL_MAX).await.unwrap();
    assert_eq!(store.get(&long).await.unwrap().map(|value| value.len()), Some(VALUE_MAX_BYTES));
    store.remove(&long).await.unwrap();
    let more = Bytes::from(vec![7; VALUE_MAX_BYTES + 1]);
    assert!(invalid(store.put(&name, more.clone(), LONG).await));
    assert!(invalid(store.publish(&name, more).await));
    assert!(invalid(store.put(&format!("{long}n"), Bytes::new(), LONG).await));
    assert!(invalid(store.put("", Bytes::new(), LONG).await));
    assert!(invalid(store.put(&name, Bytes::new(), Duration::ZERO).await));
    assert!(invalid(store.put(&name, Bytes::new(), TTL_MAX + Duration::from_secs(1)).await));
    assert_eq!(store.get(&name).await, Ok(None));
    let second = Duration::from_secs(1);
    for (tokens, bucket) in [
        (3, Bucket { capacity: 2, refill: second }),
        (0, Bucket { capacity: 0, refill: second }),
        (1, Bucket { capacity: 2, refill: Duration::ZERO }),
    ] {
        assert!(invalid(store.take(&name, tokens, bucket).await.map(|_| ())), "{tokens} {bucket:?}");
    }
}

/// See the name.
pub async fn a_bucket_gives_what_it_holds_and_no_more_however_many_take(store: Arc<dyn Cache>) {
    // An hour a token: none comes back in the test.
    let bucket = Bucket { capacity: 40, refill: Duration::from_secs(3_600) };
    let (name, other) = (name(), self::name());
    let takes = join_all((0..100).map(|_| store.take(&name, 1, bucket))).await;
    let granted = takes.iter().filter(|taken| matches!(taken, Ok(Taken::Granted { .. }))).count();
    assert_eq!(granted, 40);
    let Ok(Taken::Wait { retry_after }) = store.take(&name, 2, bucket).await else { panic!("it is empty") };
    assert!(retry_after > Duration::from_secs(7_000) && retry_after < Duration::from_secs(7_201), "{retry_after:?}");
    assert_eq!(store.take(&other, 40, bucket).await, Ok(Taken::Granted { left: 0 }), "another bucket is full");
}

/// See the name.
pub async fn a_bucket_refills_by_and_by(store: Arc<dyn Cache>) {
    let bucket = Bucket { capacity: 2, refill: Duration::from_millis(40) };
    let name = name();
    assert_eq!(store.take(&name, 2, bucket).await, Ok(Taken::Granted { left: 0 }));
    let begun = Instant::now();
    let Ok(Taken::Wait { retry_after }) = store.take(&name, 2, bucket).await else {
        // A machine so slow that two came back meanwhile.
        assert!(begun.elapsed() >= Duration::from_millis(40));
        return;
    };
    assert!(retry_after <= Duration::from_millis(81), "{retry_after:?}");
    tokio::time::sleep(retry_after).await;
    let came = store.take(&name, 2, bucket).await;
    assert!(matches!(came, Ok(Taken::Granted { .. })), "{came:?}");
}

/// See the name.
pub async fn who_is_subscribed_hears_what_is_published_in_order_and_nobody_else_does(store: Arc<dyn Cache>) {
    let (topic, other) = (name(), name());
    store.publish(&topic, Bytes::from_static(b"early")).await.unwrap();
    let mut one = store.subscribe(&topic).await.unwrap();
    let mut two = store.subscribe(&topic).await.unwrap();
    let mut stranger = store.subscribe(&other).await.unwrap();
    for n in 0..20_u8 {
        store.publish(&topic, Bytes::copy_from_slice(&[n])).await.unwrap();
    }
    for listener in [&mut one, &mut two] {
        for n in 0..20_u8 {
            let heard = tokio::time::timeout(PATIENCE, listener.next()).await.expect("it comes");
            assert_eq!(heard, Some(Ok(Bytes::copy_from_slice(&[n]))));
        }
    }
    store.publish(&other, Bytes::from_static(b"theirs")).await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, stranger.next()).await.expect("it comes");
    assert_eq!(heard, Some(Ok(Bytes::from_static(b"theirs"))));
}

/// See the name.
pub async fn a_slow_subscriber_is_told_that_it_missed_some_and_goes_on(store: Arc<dyn Cache>) {
    let topic = name();
    let mut slow = store.subscribe(&topic).await.unwrap();
    for n in 0..10_000_u32 {
        store.publish(&topic, Bytes::copy_from_slice(&n.to_le_bytes())).await.unwrap();
    }
    let last = Bytes::copy_from_slice(&9_999_u32.to_le_bytes());
    let (mut told, mut heard) = (false, 0);
    loop {
        match tokio::time::timeout(PATIENCE, slow.next()).await.expect("it goes on").expect("it does not end") {
            Err(StoreError::Unavailable { .. }) => told = true,
            Err(other) => panic!("{other}"),
            Ok(message) => {
                heard += 1;
                if message == last {
                    break;
                }
            }
        }
    }
    assert!(told || heard == 10_000, "of 10,000 it heard {heard}, and nobody told it");
}

/// See the name.
pub async fn a_healthy_cache_says_how_it_feels(store: Arc<dyn Cache>) {
    let health = store.health().await.unwrap();
    assert!(health.bytes <= health.bytes_max, "{health:?}");
}
