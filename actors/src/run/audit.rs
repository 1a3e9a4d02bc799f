//! Proof that a run is whole: every item of its manifest stands in exactly one named segment.

use std::collections::HashMap;

use domain::id::{ItemId, RunId};
use domain::manifest::{Manifest, Segment};

use super::{Halt, MAX_OWN_BLOB_BYTES, decode};
use crate::storage::blob_scope;
use cluster::body::Scope;
use store::{Blobs, Records};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Distinct items of the manifest.
    pub items: usize,
    /// Named segments.
    pub segments: usize,
    /// Items in no segment.
    pub missing: Vec<ItemId>,
    /// Items in several segments, or twice in one.
    pub repeated: Vec<ItemId>,
    /// Items in a segment that the manifest does not know.
    pub foreign: Vec<ItemId>,
}

impl Audit {
    /// Nothing is missing, nothing is there twice.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.repeated.is_empty() && self.foreign.is_empty()
    }
}

/// Audits a run against its stored rows and blobs.
///
/// # Errors
/// [`Halt::Lost`] if the run or its manifest is not there; what the stores say.
pub async fn audit(records: &dyn Records, blobs: &dyn Blobs, run: RunId) -> Result<Audit, Halt> {
    let row = records.run_get(run).await?.ok_or(Halt::Lost)?;
    let scope = blob_scope(Scope { tenant: row.tenant, project: row.project });
    let manifest = row.manifest.ok_or(Halt::Lost)?;
    let manifest: Manifest = decode(&blobs.get(scope, manifest, MAX_OWN_BLOB_BYTES).await?)?;
    let mut counts: HashMap<ItemId, usize> = manifest.passages.iter().map(|p| (p.item, 0)).collect();
    let mut audit = Audit { items: counts.len(), ..Audit::default() };
    for row in records.segments(run).await? {
        let segment: Segment = decode(&blobs.get(scope, row.segment.digest, MAX_OWN_BLOB_BYTES).await?)?;
        audit.segments += 1;
        for (item, _) in segment.items {
            match counts.get_mut(&item) {
                Some(count) => *count += 1,
                None => audit.foreign.push(item),
            }
        }
    }
    audit.missing.extend(counts.iter().filter(|(_, count)| **count == 0).map(|(item, _)| *item));
    audit.repeated.extend(counts.iter().filter(|(_, count)| **count > 1).map(|(item, _)| *item));
    Ok(audit)
}
