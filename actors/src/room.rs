//! Room for what a tenant sends: what it keeps already, and what is on its way.
//!
//! What was granted room and has no row yet stands in memory, so that of two that ask for the last place one gets it,
//! and neither waits for the other's row to be durable. It is looked at before the rows are read: whatever left it by
//! then has its row. The quota of several nodes can be overdrawn by what they grant at one moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::body::Fault;
use domain::id::{Digest, ProjectId, TenantId, UploadId};
use store::rows::{LIST_MAX, ProjectRow, UploadRow, UploadState};

use crate::clock::{ms, wall_ms};
use crate::run::RunContext;
use crate::store_fault;

/// Uploads that one tenant may have open.
const MAX_UPLOADS: usize = 256;

/// What uploads may cost.
pub struct UploadPolicy {
    /// What a tenant's books and open uploads may hold together, bytes.
    pub quota_bytes: u64,
    /// How long an upload stays after something last came.
    pub expiry: Duration,
    /// Rows are counted one at a time, so that two countings don't both find the last place.
    counting: tokio::sync::Mutex<()>,
    granted: Mutex<Granted>,
}

/// What has room and may have no row yet.
#[derive(Default)]
struct Granted {
    last: u64,
    coming: HashMap<u64, (TenantId, Coming)>,
}

/// What a tenant is to find room for.
#[derive(Clone, Copy)]
pub(crate) enum Coming {
    /// An upload of so many bytes.
    Upload(UploadId, u64),
    /// A project's book, its size, and the scope that it comes from: an upload of that id is counted no more.
    Book(Digest, u64, ProjectId),
}

/// Room that was granted, until this is dropped: by then there is a row, or there never will be.
#[must_use = "the room goes with the guard"]
pub(crate) struct Room<'a> {
    policy: &'a UploadPolicy,
    key: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.policy.granted().coming.remove(&self.key);
    }
}

impl UploadPolicy {
    /// A policy.
    pub fn new(quota_bytes: u64, expiry: Duration) -> Self {
        Self { quota_bytes, expiry, counting: tokio::sync::Mutex::new(()), granted: Mutex::default() }
    }

    /// When an upload that something came for now is given up.
    pub(crate) fn expires_ms(&self) -> u64 {
        wall_ms().saturating_add(ms(self.expiry))
    }

    fn granted(&self) -> MutexGuard<'_, Granted> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a tenant was granted and has not used yet.
    fn granted_to(&self, tenant: TenantId) -> Vec<Coming> {
        self.granted().coming.values().filter(|(of, _)| *of == tenant).map(|(_, coming)| *coming).collect()
    }

    fn grant(&self, tenant: TenantId, coming: Coming) -> Room<'_> {
        let mut granted = self.granted();
        granted.last += 1;
        let key = granted.last;
        granted.coming.insert(key, (tenant, coming));
        Room { policy: self, key }
    }
}

/// Finds room for what comes. A book that lies in several projects counts once, an open upload with the size that it
/// announced.
///
/// # Errors
/// `too-many-uploads`, `quota-exceeded`, and what the store says.
pub(crate) async fn room(context: &RunContext, tenant: TenantId, coming: Coming) -> Result<Room<'_>, Fault> {
    let policy = &context.uploads;
    let _counting = policy.counting.lock().await;
    let granted = policy.granted_to(tenant);
    let projects = context.records.project_list(tenant, LIST_MAX).await.map_err(|e| store_fault(&e))?;
    let uploads = context.records.upload_list(tenant, LIST_MAX).await.map_err(|e| store_fault(&e))?;
    let kept = Kept::count(&projects, &uploads, &granted, coming);
    if let Coming::Upload(..) = coming
        && kept.uploads > MAX_UPLOADS
    {
        let detail = format!("{MAX_UPLOADS} uploads are open; remove some, or wait until they expire");
        return Err(Fault::new("too-many-uploads", detail));
    }
    let (wanted, quota) = (kept.bytes, policy.quota_bytes);
    if wanted > quota {
        let detail = format!("books and uploads would take {wanted} bytes, and {quota} are allowed: delete some first");
        return Err(Fault::new("quota-exceeded", detail));
    }
    Ok(policy.grant(tenant, coming))
}

/// What a tenant would keep with all that comes.
struct Kept {
    /// Uploads that have a row, or will have one.
    uploads: usize,
    bytes: u64,
}

impl Kept {
    fn count(projects: &[ProjectRow], uploads: &[UploadRow], granted: &[Coming], coming: Coming) -> Self {
        let mut books: BTreeMap<Digest, u64> = projects.iter().flat_map(ProjectRow::books).collect();
        let is_open = |row: &&UploadRow| !matches!(row.state, UploadState::Taken { .. });
        let mut open: BTreeMap<u128, u64> =
            uploads.iter().filter(is_open).map(|row| (row.upload.0, row.length)).collect();
        let mut rows: BTreeSet<u128> = uploads.iter().map(|row| row.upload.0).collect();
        for coming in granted.iter().copied().chain([coming]) {
            match coming {
                Coming::Upload(upload, bytes) => {
                    rows.insert(upload.0);
                    open.entry(upload.0).or_insert(bytes);
                }
                Coming::Book(digest, bytes, from) => {
                    books.insert(digest, bytes);
                    open.remove(&from.0);
                }
            }
        }
        Self { uploads: rows.len(), bytes: books.into_values().chain(open.into_values()).fold(0, u64::saturating_add) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(upload: u128, length: u64, state: UploadState) -> UploadRow {
        UploadRow {
            tenant: TenantId::LOCAL,
            upload: UploadId(upload),
            version: 1,
            file_name: "a".to_owned(),
            metadata: String::new(),
            length,
            expected: None,
            created_ms: 0,
            expires_ms: 0,
            state,
        }
    }

    fn counted(uploads: &[UploadRow], granted: &[Coming], coming: Coming) -> (usize, u64) {
        let kept = Kept::count(&[], uploads, granted, coming);
        (kept.uploads, kept.bytes)
    }

    #[test]
    fn what_is_on_its_way_counts_once_with_its_row_or_without() {
        let receiving = UploadState::Receiving { chunks: Vec::new() };
        let coming = Coming::Upload(UploadId(9), 5);
        assert_eq!(counted(&[], &[], coming), (1, 5));
        assert_eq!(counted(&[], &[Coming::Upload(UploadId(1), 70)], coming), (2, 75));
        let there = [row(1, 70, receiving)];
        assert_eq!(counted(&there, &[Coming::Upload(UploadId(1), 70)], coming), (2, 75));
    }

    #[test]
    fn a_book_that_comes_of_an_upload_is_counted_as_one_of_the_two() {
        let digest = Digest::of(b"book");
        let complete = [row(1, 70, UploadState::Complete { digest })];
        let book = Coming::Book(digest, 70, ProjectId(1));
        assert_eq!(counted(&complete, &[], book), (1, 70));
        assert_eq!(counted(&complete, &[book], Coming::Upload(UploadId(2), 5)), (2, 75));
        assert_eq!(counted(&[], &[book], book), (0, 70), "the same book twice is one");
        let taken = [row(1, 70, UploadState::Taken { digest, project: ProjectId(3) })];
        assert_eq!(counted(&taken, &[], Coming::Upload(UploadId(2), 5)), (2, 5), "its row counts, its bytes don't");
    }
}
