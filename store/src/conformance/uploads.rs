//! Promises of uploads.

use std::sync::Arc;

use domain::id::{Digest, ProjectId, TenantId, UploadId};

use super::{fresh, upload_row};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{CHUNK_MAX_BYTES, CHUNKS_MAX, Chunk, UPLOAD_METADATA_MAX_BYTES, UploadRow, UploadState};

fn with_chunks(row: &UploadRow, chunks: &[u64]) -> UploadRow {
    let chunk = |bytes: &u64| Chunk { digest: Digest::of(&bytes.to_le_bytes()), bytes: *bytes };
    UploadRow { state: UploadState::Receiving { chunks: chunks.iter().map(chunk).collect() }, ..row.clone() }
}

/// See the name.
pub async fn an_upload_is_read_as_it_was_inserted(store: Arc<dyn Records>) {
    let row = upload_row(TenantId(fresh()));
    assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(None));
    let inserted = store.upload_insert(row.clone()).await.unwrap().applied().unwrap();
    assert_eq!(inserted, UploadRow { version: 1, ..row.clone() });
    assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(Some(inserted.clone())));
    assert_eq!(store.upload_get(TenantId(fresh()), row.upload).await, Ok(None), "another tenant's");
    let second = UploadRow { file_name: "other.epub".into(), ..row };
    assert_eq!(store.upload_insert(second).await, Ok(Cas::Conflict(Some(inserted))));
}

/// See the name.
pub async fn of_two_writers_at_one_offset_one_goes_on(store: Arc<dyn Records>) {
    let row = store.upload_insert(upload_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let first = store.upload_update(with_chunks(&row, &[3]), 1).await.unwrap().applied().unwrap();
    assert_eq!((first.version, first.offset()), (2, 3));
    let late = store.upload_update(with_chunks(&row, &[4]), 1).await;
    assert_eq!(late, Ok(Cas::Conflict(Some(first.clone()))), "it is told how far the other one is");
    assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(Some(first)));
}

/// See the name.
pub async fn an_upload_keeps_its_digest_and_its_project(store: Arc<dyn Records>) {
    let row = store.upload_insert(upload_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let (digest, project) = (Digest::of(b"a book"), ProjectId(fresh()));
    let complete = UploadRow { state: UploadState::Complete { digest }, ..row.clone() };
    let complete = store.upload_update(complete, 1).await.unwrap().applied().unwrap();
    assert_eq!(complete.offset(), complete.length);
    let taken = UploadRow { state: UploadState::Taken { digest, project }, ..complete };
    let taken = store.upload_update(taken, 2).await.unwrap().applied().unwrap();
    assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(Some(taken)));
}

/// See the name.
pub async fn a_row_that_no_upload_can_have_is_refused_whole(store: Arc<dyn Records>) {
    let row = UploadRow { length: u64::MAX, ..upload_row(TenantId(fresh())) };
    let row = store.upload_insert(row).await.unwrap().applied().unwrap();
    let wrong = [
        with_chunks(&row, &[5, 0]),
        with_chunks(&row, &[CHUNK_MAX_BYTES + 1]),
        with_chunks(&row, &vec![1; CHUNKS_MAX + 1]),
        with_chunks(&UploadRow { length: 9, ..row.clone() }, &[5, 5]),
        UploadRow { metadata: "x".repeat(UPLOAD_METADATA_MAX_BYTES + 1), ..row.clone() },
    ];
    for wrong in wrong {
        let refused = store.upload_update(wrong.clone(), 1).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        let refused = store.upload_insert(UploadRow { upload: UploadId(fresh()), ..wrong }).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(Some(row.clone())));
    let most = with_chunks(&row, &vec![CHUNK_MAX_BYTES; CHUNKS_MAX]);
    store.upload_update(most, 1).await.unwrap().applied().expect("the limits themselves fit");
}

/// See the name.
pub async fn uploads_are_listed_oldest_first_and_bounded(store: Arc<dyn Records>) {
    let tenant = TenantId(fresh());
    for created_ms in [30, 10, 20] {
        let row = UploadRow { created_ms, ..upload_row(tenant) };
        store.upload_insert(row).await.unwrap().applied().unwrap();
    }
    store.upload_insert(upload_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    let ages = |rows: Vec<UploadRow>| rows.iter().map(|row| row.created_ms).collect::<Vec<_>>();
    assert_eq!(ages(store.upload_list(tenant, 10).await.unwrap()), [10, 20, 30]);
    assert_eq!(ages(store.upload_list(tenant, 2).await.unwrap()), [10, 20]);
}

/// See the name.
pub async fn a_removed_upload_is_gone_and_late_writers_are_told(store: Arc<dyn Records>) {
    let row = store.upload_insert(upload_row(TenantId(fresh()))).await.unwrap().applied().unwrap();
    for _ in 0..2 {
        assert_eq!(store.upload_remove(row.tenant, row.upload).await, Ok(()));
        assert_eq!(store.upload_get(row.tenant, row.upload).await, Ok(None));
    }
    assert_eq!(store.upload_update(with_chunks(&row, &[3]), 1).await, Ok(Cas::Conflict(None)));
    assert_eq!(store.upload_list(row.tenant, 10).await, Ok(vec![]));
}
