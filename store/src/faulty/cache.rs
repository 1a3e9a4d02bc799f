//! A cache that fails by plan.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Faulty;
use crate::cache::{Bucket, Cache, CacheHealth, MessageStream, Taken};
use crate::error::StoreError;

#[async_trait]
impl Cache for Faulty<dyn Cache> {
    async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        self.fail_read()?;
        self.inner.get(name).await
    }

    async fn put(&self, name: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.apply(self.inner.put(name, value, ttl)).await
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.apply(self.inner.remove(name)).await
    }

    async fn take(&self, name: &str, tokens: u32, bucket: Bucket) -> Result<Taken, StoreError> {
        self.apply(self.inner.take(name, tokens, bucket)).await
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), StoreError> {
        self.apply(self.inner.publish(topic, message)).await
    }

    async fn subscribe(&self, topic: &str) -> Result<MessageStream, StoreError> {
        self.fail_read()?;
        self.inner.subscribe(topic).await
    }

    async fn health(&self) -> Result<CacheHealth, StoreError> {
        self.fail_read()?;
        self.inner.health().await
    }
}
