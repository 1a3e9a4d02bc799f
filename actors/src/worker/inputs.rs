//! Inputs of batches, fetched over the bulk plane and kept while they are of use.

use std::sync::Arc;

use bytes::Bytes;
use cluster::body::workers::BatchGroup;
use cluster::body::{Fault, Scope};
use cluster::bulk::{BulkPlane, fetch_whole};
use domain::id::Digest;
use domain::manifest::BLOB_CONFIG;
use domain::passage::PassageInput;

/// Largest inputs blob: far above any book's, far below any machine's memory.
const MAX_BLOB_BYTES: u64 = 256 << 20;
/// Blobs are let go, oldest first, when they hold more than this together.
const MAX_CACHE_BYTES: usize = 64 << 20;

/// The inputs blobs of the last runs.
pub(super) struct InputCache {
    bulk: Arc<dyn BulkPlane>,
    /// Used last at the end.
    blobs: Vec<(Scope, Digest, Bytes)>,
}

impl InputCache {
    pub(super) fn new(bulk: Arc<dyn BulkPlane>) -> Self {
        Self { bulk, blobs: Vec::new() }
    }

    /// The inputs of a batch, in its order.
    pub(super) async fn inputs_of(&mut self, groups: &[BatchGroup]) -> Result<Vec<PassageInput>, Fault> {
        let mut inputs = Vec::new();
        for group in groups {
            let blob = self.blob(group.scope, group.inputs).await?;
            for item in &group.items {
                let start = usize::try_from(item.offset).unwrap_or(usize::MAX);
                let record = blob.get(start..start.saturating_add(item.len as usize)).ok_or_else(bad_record)?;
                let (input, used) = bincode::decode_from_slice(record, BLOB_CONFIG).map_err(|_| bad_record())?;
                if used != record.len() {
                    return Err(bad_record());
                }
                inputs.push(input);
            }
        }
        Ok(inputs)
    }

    async fn blob(&mut self, scope: Scope, digest: Digest) -> Result<Bytes, Fault> {
        if let Some(at) = self.blobs.iter().position(|(s, d, _)| (*s, *d) == (scope, digest)) {
            let found = self.blobs.remove(at);
            let blob = found.2.clone();
            self.blobs.push(found);
            return Ok(blob);
        }
        let blob = Bytes::from(fetch_whole(self.bulk.as_ref(), scope, digest, MAX_BLOB_BYTES).await?);
        self.blobs.push((scope, digest, blob.clone()));
        while self.blobs.len() > 1 && self.blobs.iter().map(|(_, _, b)| b.len()).sum::<usize>() > MAX_CACHE_BYTES {
            self.blobs.remove(0);
        }
        Ok(blob)
    }
}

fn bad_record() -> Fault {
    Fault::new("bad-input-record", "an item's input is not where its manifest says: analyse the book again")
}
