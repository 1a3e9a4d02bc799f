//! What the gateway keeps in a cache: buckets of tokens, and answers that may be asked for again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use store::{Bucket, Cache, MemoryCache, Taken};

use crate::config::RatesConfig;
use crate::gateway::keyed::{Kept, Keyed};
use crate::gateway::rates::{Buckets, Rates};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// What all of them may take, bytes.
const KEPT_MAX_BYTES: u64 = 32 << 20;

/// Buckets in a cache. Where it can't be reached everything is granted, which is told once.
struct CacheBuckets {
    cache: Arc<dyn Cache>,
    troubled: AtomicBool,
}

/// Buckets of which none is ever empty.
struct Bottomless;

/// Counts requests as a node is set to, in its own memory.
pub fn rates(config: &RatesConfig) -> Rates {
    let buckets: Arc<dyn Buckets> = if config.enabled {
        // Buckets only: they have a bound of their own.
        let cache = Arc::new(MemoryCache::new(0));
        Arc::new(CacheBuckets { cache, troubled: AtomicBool::new(false) })
    } else {
        Arc::new(Bottomless)
    };
    Rates::new(buckets, config.allowances())
}

/// Keeps answers of requests that name a key, in memory.
pub fn keyed() -> Keyed {
    Keyed::new(Arc::new(CacheAnswers(MemoryCache::new(KEPT_MAX_BYTES))))
}

struct CacheAnswers(MemoryCache);

#[async_trait]
impl Kept for CacheAnswers {
    async fn get(&self, name: &str) -> Option<Bytes> {
        self.0.get(name).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an answer that may be kept can't be looked for");
            None
        })
    }

    async fn put(&self, name: &str, value: Bytes) {
        if let Err(error) = self.0.put(name, value, KEPT).await {
            tracing::warn!(%error, "an answer is not kept");
        }
    }
}

#[async_trait]
impl Buckets for CacheBuckets {
    async fn take(&self, name: &str, burst: u32, refill: Duration) -> Option<Duration> {
        match self.cache.take(name, 1, Bucket { capacity: burst, refill }).await {
            Ok(Taken::Granted { .. }) => {
                self.troubled.store(false, Ordering::Relaxed);
                None
            }
            Ok(Taken::Wait { retry_after }) => Some(retry_after),
            Err(error) => {
                if !self.troubled.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "requests are not counted");
                }
                None
            }
        }
    }
}

#[async_trait]
impl Buckets for Bottomless {
    async fn take(&self, _: &str, _: u32, _: Duration) -> Option<Duration> {
        None
    }
}
