//! The cache of one process, in its memory: moka for what expires, broadcast channels for topics.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use moka::Expiry;
use moka::sync::Cache as Moka;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::cache::{
    Bucket, Cache, CacheHealth, MessageStream, Taken, VALUE_MAX_BYTES, check_name, check_ttl, check_value,
};
use crate::error::StoreError;

/// What a value costs beside its bytes and its name.
const OVERHEAD_BYTES: usize = 128;
/// Buckets that are kept; of more, those that were used least lately are full again.
const BUCKETS_MAX: u64 = 100_000;
/// A bucket that nobody took from for this long, twice the longest time to refill one token, is forgotten.
const BUCKET_IDLE: Duration = Duration::from_secs(2 * 24 * 3_600);
/// Topics that are published to or listened to.
const TOPICS_MAX: u64 = 10_000;
/// A topic that nobody asked for for this long is forgotten; who listens still gets what comes to the old one.
const TOPIC_IDLE: Duration = Duration::from_secs(3_600);
/// Messages that a subscriber may be behind.
const MESSAGES_MAX: usize = 256;

/// The cache port in this process's memory.
pub struct MemoryCache {
    values: Moka<String, Value>,
    /// Each behind a lock of its own, so that taking from one changes nothing of the cache.
    buckets: Moka<String, Arc<Mutex<Level>>>,
    topics: Moka<String, Arc<broadcast::Sender<Bytes>>>,
    bytes_max: u64,
}

#[derive(Clone)]
struct Value {
    bytes: Bytes,
    until: Instant,
}

/// A bucket: what it held, and when.
#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

/// Has moka let a value go when its time is over.
struct ByValue;

impl Expiry<String, Value> for ByValue {
    fn expire_after_create(&self, _: &String, value: &Value, now: Instant) -> Option<Duration> {
        Some(value.until.saturating_duration_since(now))
    }

    fn expire_after_update(&self, _: &String, value: &Value, now: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(value.until.saturating_duration_since(now))
    }
}

impl MemoryCache {
    /// A cache whose values take at most `bytes_max`, as far as is counted; room for one of the largest at least.
    pub fn new(bytes_max: u64) -> Self {
        let bytes_max = bytes_max.max(2 * VALUE_MAX_BYTES as u64);
        let weigh = |name: &String, value: &Value| {
            u32::try_from(name.len() + value.bytes.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        Self {
            values: Moka::builder().max_capacity(bytes_max).weigher(weigh).expire_after(ByValue).build(),
            buckets: Moka::builder().max_capacity(BUCKETS_MAX).time_to_idle(BUCKET_IDLE).build(),
            topics: Moka::builder().max_capacity(TOPICS_MAX).time_to_idle(TOPIC_IDLE).build(),
            bytes_max,
        }
    }

    fn topic(&self, topic: &str) -> Arc<broadcast::Sender<Bytes>> {
        self.topics.get_with_by_ref(topic, || Arc::new(broadcast::channel(MESSAGES_MAX).0))
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        check_name(name)?;
        let found = self.values.get(name).filter(|value| Instant::now() < value.until);
        Ok(found.map(|value| value.bytes))
    }

    async fn put(&self, name: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        check_name(name)?;
        check_value(&value)?;
        check_ttl(ttl)?;
        // A part of a larger buffer would keep all of that in memory.
        let bytes = Bytes::copy_from_slice(&value);
        self.values.insert(name.to_owned(), Value { bytes, until: Instant::now() + ttl });
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        check_name(name)?;
        self.values.invalidate(name);
        Ok(())
    }

    async fn take(&self, name: &str, tokens: u32, bucket: Bucket) -> Result<Taken, StoreError> {
        check_name(name)?;
        bucket.check(tokens)?;
        let full = || Arc::new(Mutex::new(Level { tokens: f64::from(bucket.capacity), at: Instant::now() }));
        let level = self.buckets.get_with_by_ref(name, full);
        let mut level = level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (tokens, taken) = bucket.take(level.tokens, now.saturating_duration_since(level.at), tokens);
        *level = Level { tokens, at: now };
        Ok(taken)
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), StoreError> {
        check_name(topic)?;
        check_value(&message)?;
        if let Some(sender) = self.topics.get(topic) {
            // Nobody listens: nobody is to be told.
            let _ = sender.send(message);
        }
        Ok(())
    }

    async fn subscribe(&self, topic: &str) -> Result<MessageStream, StoreError> {
        check_name(topic)?;
        let sender = self.topic(topic);
        let receiver = sender.subscribe();
        // The sender goes along, so that a topic lives as long as it is listened to.
        Ok(Box::pin(stream::unfold((receiver, sender), |(mut receiver, sender)| async move {
            let said = match receiver.recv().await {
                Ok(message) => Ok(message),
                Err(RecvError::Lagged(missed)) => {
                    Err(StoreError::Unavailable { detail: format!("a slow subscriber missed {missed} messages") })
                }
                Err(RecvError::Closed) => return None,
            };
            Some((said, (receiver, sender)))
        })))
    }

    async fn health(&self) -> Result<CacheHealth, StoreError> {
        let begun = Instant::now();
        let name = format!("probe {}", uuid::Uuid::new_v4());
        self.put(&name, Bytes::from_static(b"?"), Duration::from_secs(60)).await?;
        let found = self.get(&name).await?;
        self.remove(&name).await?;
        if found.is_none() {
            return Err(StoreError::Unavailable { detail: "the cache forgets at once".into() });
        }
        let latency_us = begun.elapsed().as_micros() as u64;
        Ok(CacheHealth { latency_us, bytes: self.values.weighted_size(), bytes_max: self.bytes_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_never_take_more_than_they_may() {
        let cache = MemoryCache::new(0);
        let value = Bytes::from(vec![7; VALUE_MAX_BYTES / 4]);
        for n in 0..100 {
            cache.put(&n.to_string(), value.clone(), Duration::from_secs(60)).await.unwrap();
        }
        cache.values.run_pending_tasks();
        let health = cache.health().await.unwrap();
        assert!(health.bytes <= health.bytes_max, "{health:?}");
        assert!(health.bytes > health.bytes_max / 2, "{health:?}");
    }
}
