//! Opening a data folder: what it makes, and how it says no.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use bytes::Bytes;
use domain::id::{Digest, ProjectId, TenantId};
use store::{BlobScope, DataFolder, StoreError};

const SCOPE: BlobScope = BlobScope { tenant: TenantId::LOCAL, project: ProjectId(7) };

fn refusal(path: impl AsRef<std::path::Path>) -> StoreError {
    DataFolder::open(path).err().expect("it can't be opened")
}

#[test]
fn a_new_folder_is_made_with_its_parents_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("share/visiobook");
    let folder = DataFolder::open(&path).unwrap();
    assert_eq!(folder.path(), path.canonicalize().unwrap());
    for made in [&path, &dir.path().join("share")] {
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_store_keeps_its_identity() {
    let dir = tempfile::tempdir().unwrap();
    let first = DataFolder::open(dir.path()).unwrap().identity();
    assert_eq!((first.incarnation, first.schema_version), (1, 1));
    assert_eq!(DataFolder::open(dir.path()).unwrap().identity(), first);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(DataFolder::open(other.path()).unwrap().identity().store_id, first.store_id);
}

#[test]
fn the_folder_stays_locked_until_the_last_handle_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let (records, blobs) = (folder.records(), folder.blobs());
    drop(folder);
    for held in [Box::new(records) as Box<dyn std::any::Any>, Box::new(blobs)] {
        let StoreError::InUse { holder, .. } = refusal(dir.path()) else { panic!("it is in use") };
        assert_eq!(holder.pid, Some(std::process::id()));
        drop(held);
    }
    DataFolder::open(dir.path()).expect("nobody holds it now");
}

#[test]
fn a_file_in_the_way_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    assert_eq!(refusal(&file), StoreError::PathIsFile { path: file.clone() });
    assert_eq!(refusal(file.join("below/it")), StoreError::PathIsFile { path: file });
}

#[test]
fn an_unwritable_place_is_named() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: to root everything is writable");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let error = refusal(dir.path().join("new"));
    assert_eq!(error.code(), "store-unwritable");
    assert!(matches!(error, StoreError::Unwritable { path, .. } if path == dir.path().join("new")));
}

#[test]
fn what_is_not_a_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("records.sqlite");
    let garbage = "no database at all ".repeat(400);
    fs::write(&database, &garbage).unwrap();
    assert_eq!(refusal(dir.path()).code(), "store-corrupt");
    assert_eq!(fs::read_to_string(&database).unwrap(), garbage);
}

/// Files below `blobs`, by path.
fn blob_files(folder: &DataFolder) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.path().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[tokio::test]
async fn a_blob_that_the_disk_has_changed_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let digest = folder.blobs().put_bytes(SCOPE, Bytes::from_static(b"chapter one")).await.unwrap().digest;
    let files = blob_files(&folder);
    assert_eq!(files.len(), 1);
    fs::write(&files[0], b"chapter 0ne").unwrap();
    assert_eq!(folder.blobs().get(SCOPE, digest, 100).await, Err(StoreError::CorruptBlob { digest }));
    folder.blobs().put_bytes(SCOPE, Bytes::from_static(b"chapter one")).await.unwrap();
    folder.blobs().get(SCOPE, digest, 100).await.expect("putting it again heals it");
}

#[tokio::test]
async fn refused_puts_leave_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let blobs = folder.blobs();
    let source = |len: usize| -> store::BlobSource {
        Box::pin(futures_util::stream::iter([Ok(Bytes::from(vec![7; len])), Ok(Bytes::from(vec![8; len]))]))
    };
    for len in [10, 3 << 20] {
        blobs.put(SCOPE, source(len), len as u64, None).await.expect_err("over the limit");
        blobs.put(SCOPE, source(len), u64::MAX, Some(Digest::of(b"else"))).await.expect_err("not as announced");
    }
    assert_eq!(blob_files(&folder), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn what_dropped_puts_leave_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let left = {
        let folder = DataFolder::open(dir.path()).unwrap();
        let blobs = folder.blobs();
        for sweeps in [true, false] {
            let (pieces, mut received) = tokio::sync::mpsc::channel(1);
            let source = Box::pin(futures_util::stream::poll_fn(move |context| received.poll_recv(context)));
            let putting = tokio::spawn({
                let blobs = folder.blobs();
                async move { blobs.put(SCOPE, source, u64::MAX, None).await }
            });
            for _ in 0..4 {
                pieces.send(Ok(Bytes::from(vec![7; 1 << 20]))).await.unwrap();
            }
            drop(pieces.reserve().await.unwrap());
            putting.abort();
            putting.await.expect_err("it was aborted");
            if sweeps {
                assert_eq!(blobs.sweep_temporary().await, Ok(1));
                assert_eq!(blob_files(&folder), [] as [PathBuf; 0]);
            }
        }
        blob_files(&folder).len()
    };
    assert_eq!(left, 1, "the second is left to the next process");
    assert_eq!(blob_files(&DataFolder::open(dir.path()).unwrap()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_healthy_store_says_how_it_feels() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    for _ in 0..2 {
        let health = folder.records().health().await.unwrap();
        assert!(health.write_latency_us > 0 && health.bytes > 0);
        assert_eq!(health.writes_queued, 0);
    }
}
