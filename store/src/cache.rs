//! The cache port: what may be lost at any time, and is never the truth.
//!
//! Three things: *values* with an expiry, *buckets* of tokens that refill, *topics* that are published to. Whatever
//! is decided from a cache must also be right when it is empty, and whoever can't reach it goes on without.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::error::StoreError;

/// Longest name of a value, bucket or topic, bytes.
pub const NAME_MAX_BYTES: usize = 512;
/// Largest value and message, bytes.
pub const VALUE_MAX_BYTES: usize = 4 << 20;
/// Longest time that a value may stay.
pub const TTL_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How a bucket of tokens fills. All who take from a bucket have to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Tokens that it holds at most, and at first: 1 to 1,000,000.
    pub capacity: u32,
    /// Time for one token to come back: 1 ms to a day.
    pub refill: Duration,
}

/// What came of taking tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "tokens that were not granted must not be used"]
pub enum Taken {
    /// They are taken; so many are left.
    Granted {
        /// Whole tokens.
        left: u32,
    },
    /// Too few are there, and none was taken: enough will be after this long, if nobody else takes any.
    Wait {
        /// At least a millisecond.
        retry_after: Duration,
    },
}

/// Messages of a topic. [`StoreError::Unavailable`] in the stream: a subscriber was too slow and missed some, and must
/// look at the truth anew; the stream goes on behind that.
pub type MessageStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// How a cache feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheHealth {
    /// How long it took to put a value, read it and remove it.
    pub latency_us: u64,
    /// Bytes of values and their names, as far as is counted.
    pub bytes: u64,
    /// How many there may be.
    pub bytes_max: u64,
}

/// What may be lost at any time.
///
/// `Err` never stands for "not there". A name that is empty or longer than [`NAME_MAX_BYTES`], a value longer than
/// [`VALUE_MAX_BYTES`], a time of nothing or beyond [`TTL_MAX`] are [`StoreError::Invalid`]. Names of values, buckets
/// and topics don't meet.
#[async_trait]
pub trait Cache: Send + Sync {
    /// A value that was put and has not expired. It may be gone earlier.
    async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError>;

    /// Keeps a value, in place of another, for at most `ttl`. Idempotent.
    async fn put(&self, name: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError>;

    /// Forgets a value; there need not be one. Idempotent.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// Takes `tokens` from a bucket, all or none; a bucket that nobody took from lately is full. After `Err` they may
    /// or may not be taken. More tokens than the bucket holds are [`StoreError::Invalid`].
    async fn take(&self, name: &str, tokens: u32, bucket: Bucket) -> Result<Taken, StoreError>;

    /// Sends a message to those who are subscribed to a topic now; it is kept for nobody else.
    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), StoreError>;

    /// Messages that are published from the answer on, in order for each publisher.
    async fn subscribe(&self, topic: &str) -> Result<MessageStream, StoreError>;

    /// How it feels; an error is what any call would meet now.
    async fn health(&self) -> Result<CacheHealth, StoreError>;
}

/// What every adapter holds a name against.
///
/// # Errors
/// [`StoreError::Invalid`].
pub fn check_name(name: &str) -> Result<(), StoreError> {
    match name.len() {
        1..=NAME_MAX_BYTES => Ok(()),
        bytes => Err(StoreError::Invalid { detail: format!("a name of {bytes} bytes in the cache") }),
    }
}

/// What every adapter holds a value or a message against.
///
/// # Errors
/// [`StoreError::Invalid`].
pub fn check_value(value: &Bytes) -> Result<(), StoreError> {
    match value.len() {
        0..=VALUE_MAX_BYTES => Ok(()),
        bytes => Err(StoreError::Invalid { detail: format!("a value of {bytes} bytes in the cache") }),
    }
}

/// What every adapter holds a time to stay against.
///
/// # Errors
/// [`StoreError::Invalid`].
pub fn check_ttl(ttl: Duration) -> Result<(), StoreError> {
    if ttl.is_zero() || ttl > TTL_MAX {
        return Err(StoreError::Invalid { detail: format!("a value that is to stay for {ttl:?}") });
    }
    Ok(())
}

impl Bucket {
    /// What every adapter holds a bucket and what is wanted of it against.
    ///
    /// # Errors
    /// [`StoreError::Invalid`].
    pub fn check(&self, tokens: u32) -> Result<(), StoreError> {
        let day = Duration::from_secs(24 * 3_600);
        let fits = (1..=1_000_000).contains(&self.capacity)
            && (Duration::from_millis(1)..=day).contains(&self.refill)
            && tokens <= self.capacity;
        if fits { Ok(()) } else { Err(StoreError::Invalid { detail: format!("{tokens} tokens of {self:?}") }) }
    }

    /// Takes tokens from a bucket that held `level` (in tokens) `since` ago; the level since, and what came of it.
    pub(crate) fn take(&self, level: f64, since: Duration, tokens: u32) -> (f64, Taken) {
        let refilled = since.as_secs_f64() / self.refill.as_secs_f64();
        let level = (level + refilled).min(f64::from(self.capacity));
        let left = level - f64::from(tokens);
        if left >= 0.0 {
            return (left, Taken::Granted { left: left as u32 });
        }
        let wait = Duration::from_secs_f64(-left * self.refill.as_secs_f64());
        // Up to the next millisecond: who comes back then finds enough.
        let retry_after = Duration::from_millis(wait.as_millis() as u64 + 1);
        (level, Taken::Wait { retry_after })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However tokens are asked for: over any time no more are granted than it held and what came back meanwhile.
        #[test]
        fn a_bucket_never_grants_more_than_it_held_and_got(
            capacity in 1_u32..50,
            refill_ms in 1_u64..500,
            asks in prop::collection::vec((0_u64..400, 1_u32..20), 1..200),
        ) {
            let bucket = Bucket { capacity, refill: Duration::from_millis(refill_ms) };
            let (mut level, mut granted, mut elapsed) = (f64::from(capacity), 0_u64, 0_u64);
            for (wait_ms, tokens) in asks {
                let tokens = tokens.min(capacity);
                elapsed += wait_ms;
                let (after, taken) = bucket.take(level, Duration::from_millis(wait_ms), tokens);
                level = after;
                prop_assert!((0.0..=f64::from(capacity)).contains(&level));
                match taken {
                    Taken::Granted { .. } => granted += u64::from(tokens),
                    Taken::Wait { retry_after } => {
                        let (_, then) = bucket.take(level, retry_after, tokens);
                        let came = matches!(then, Taken::Granted { .. });
                        prop_assert!(came, "{:?} was too short", retry_after);
                    }
                }
                let most = u64::from(capacity) + elapsed / refill_ms + 1;
                prop_assert!(granted <= most, "{granted} of {most}");
            }
        }
    }
}
