//! Opening a data folder: what it makes, and how it says no.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use domain::id::{Digest, ProjectId, TenantId};
use store::conformance::project_row;
use store::{BlobScope, Cas, DataFolder, StoreError};

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
    assert_eq!((first.incarnation, first.schema_version), (1, 8));
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

/// A file system of a few megabytes, where this process may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(dir.path()).output();
        mount.is_ok_and(|mount| mount.status.success()).then(|| Self(dir))
    }

    fn fill(&self) {
        fs::write(self.0.path().join("ballast"), vec![0; 16 << 20]).expect_err("it is smaller than that");
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.path().display());
    }
}

#[tokio::test]
async fn on_a_full_disk_every_write_says_so_and_goes_on_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this process may not mount a small file system");
        return;
    };
    let path = disk.0.path().join("data");
    disk.fill();
    assert_eq!(refusal(&path).code(), "store-full");
    disk.free();
    let folder = DataFolder::open(&path).expect("the refusal left nothing in the way");
    let (records, blobs) = (folder.records(), folder.blobs());
    let row = project_row(TenantId::LOCAL);
    let bytes = Bytes::from(vec![7; 300_000]);
    disk.fill();
    let insert = records.project_insert(row.clone(), None).await;
    let (Ok(Cas::Unknown(why)) | Err(why)) = insert else { panic!("{insert:?}") };
    assert_eq!(why.code(), "store-full");
    assert_eq!(records.project_get(row.tenant, row.project).await, Ok(None), "reading goes on");
    assert_eq!(records.health().await.unwrap_err().code(), "store-full");
    assert_eq!(blobs.put_bytes(SCOPE, bytes.clone()).await.unwrap_err().code(), "store-full");
    assert_eq!(blob_files(&folder), [] as [PathBuf; 0], "and takes up none of what is left");
    disk.free();
    records.project_insert(row, None).await.unwrap().applied().expect("it goes on by itself");
    blobs.put_bytes(SCOPE, bytes).await.expect("it goes on by itself");
    records.health().await.unwrap();
}

#[tokio::test]
async fn a_book_that_two_projects_have_lies_on_the_disk_once_and_a_damaged_one_is_not_shared() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let blobs = folder.blobs();
    let digest = blobs.put_bytes(SCOPE, Bytes::from_static(b"chapter one")).await.unwrap().digest;
    let other = BlobScope { project: ProjectId(8), ..SCOPE };
    blobs.put_bytes(other, Bytes::from_static(b"chapter one")).await.unwrap();
    let inodes = || blob_files(&folder).iter().map(|file| fs::metadata(file).unwrap().ino()).collect::<Vec<_>>();
    assert!(inodes().len() == 2 && inodes()[0] != inodes()[1]);
    blobs.link(SCOPE, other, digest).await.unwrap();
    assert!(inodes().len() == 2 && inodes()[0] == inodes()[1], "two names, one file");

    let third = BlobScope { project: ProjectId(9), ..SCOPE };
    fs::write(&blob_files(&folder)[0], b"chapter 0ne").unwrap();
    assert_eq!(blobs.link(SCOPE, third, digest).await, Err(StoreError::CorruptBlob { digest }));
    assert_eq!(blob_files(&folder).len(), 2, "nothing new");
}
