//! How much may be kept, and for how long.

use super::common::http::{get, request, upload};
use super::common::{ENGLISH, Server, files_below, sample, visiobook};
use super::{begin, offset, patterned, send, try_begin};

#[test]
fn an_upload_that_nobody_goes_on_with_is_cleared_away() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__STORE__UPLOAD_EXPIRY_S", "1");
    let server = Server::start_with(data.path(), &mut command);
    let upload = begin(&server.address, "a.bin", 20, "");
    assert_eq!(send(&server.address, &upload, 0, b"ten bytes.", &[]).status, 204);
    let mut seen = Vec::new();
    while seen.last() != Some(&404) {
        let answer = get(&server.address, &upload);
        if seen.last() != Some(&answer.status) {
            seen.push(answer.status);
        }
    }
    assert!(seen == [200, 410, 404] || seen == [410, 404] || seen == [200, 404], "{seen:?}");
    let late = send(&server.address, &upload, 10, b"ten bytes.", &[]);
    assert_eq!((late.status, late.code().as_str()), (404, "upload-not-found"));
    while !files_below(&data.path().join("blobs")).is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_tenants_books_and_uploads_have_a_quota_that_deleting_frees() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__STORE__QUOTA_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let first = begin(&server.address, "a.bin", 700_000, "");
    let second = try_begin(&server.address, "b.bin", 700_000, "");
    assert_eq!((second.status, second.code().as_str()), (413, "quota-exceeded"), "what is announced counts");
    let other = begin(&server.address, "c.bin", 300_000, "");
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let padded = format!("{}\n", "The lamp burned low while they talked of the ferry. ".repeat(2_000));
    let refused = upload(&server.address, "whole.txt", padded.as_bytes());
    assert_eq!((refused.status, refused.code().as_str()), (413, "quota-exceeded"), "a book in one piece counts too");
    assert!(files_below(&data.path().join("blobs")).is_empty(), "and leaves nothing");
    for freed in [&first, &other] {
        assert_eq!(request(&server.address, "DELETE", freed, &[("tus-resumable", "1.0.0")], &[]).status, 204);
    }
    assert_eq!(upload(&server.address, "winter.epub", &book).status, 201);
    assert_eq!(upload(&server.address, "again.epub", &book).status, 201);
    begin(&server.address, "d.bin", (1 << 20) - book.len(), "");
    assert_eq!(try_begin(&server.address, "e.bin", 1, "").status, 413, "the book counts, and it counts once");
}

/// A file system of a few megabytes, where this process may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(dir.path()).output();
        mounted.is_ok_and(|mount| mount.status.success()).then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.path().display());
    }
}

/// A folder of blobs that can be made read-only while the node runs: bound to itself, so that it is a mount.
struct Bound(std::path::PathBuf);

impl Bound {
    fn mount(folder: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let bound = std::process::Command::new("mount").arg("--bind").arg(&folder).arg(&folder).output();
        bound.is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }

    /// `ro` or `rw`.
    fn remount(&self, how: &str) {
        let mut mount = std::process::Command::new("mount");
        let done = mount.args(["-o", &format!("remount,bind,{how}")]).arg(&self.0).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.display());
    }
}

#[test]
fn while_the_folder_takes_no_writes_uploads_are_told_so_and_go_on_by_themselves_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let Some(blobs) = Bound::mount(data.path().join("blobs")) else {
        println!("skipped: this process may not mount anything");
        return;
    };
    let server = Server::start(data.path());
    let address = &server.address;
    let file = patterned(2 << 20);
    let path = begin(address, "a.bin", file.len(), "");
    assert_eq!(send(address, &path, 0, &file[..1 << 20], &[]).status, 204);
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    blobs.remount("ro");
    let part = send(address, &path, 1 << 20, &file[1 << 20..], &[]);
    assert_eq!((part.status, part.code().as_str()), (503, "store-read-only"), "{part:?}");
    let whole = upload(address, "winter.epub", &book);
    assert_eq!((whole.status, whole.code().as_str()), (503, "store-read-only"), "{whole:?}");
    assert_eq!(offset(address, &path), 1 << 20, "reading goes on");
    assert_eq!(get(address, "/api/v1/projects").json()["total"], 0);
    blobs.remount("rw");
    assert_eq!(send(address, &path, 1 << 20, &file[1 << 20..], &[]).status, 204);
    assert_eq!(get(address, &path).json()["digest"], domain::id::Digest::of(&file).to_string());
    assert_eq!(upload(address, "winter.epub", &book).status, 201);
    drop(server);
}

#[test]
fn on_a_full_disk_an_upload_stands_still_and_goes_on_by_itself_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this process may not mount a small file system");
        return;
    };
    let file = patterned(4 << 20);
    let server = Server::start(&disk.0.path().join("data"));
    let upload = begin(&server.address, "a.bin", file.len(), "");
    assert_eq!(send(&server.address, &upload, 0, &file[..1 << 20], &[]).status, 204);
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 16 << 20]).expect_err("the disk is smaller than that");
    let full = send(&server.address, &upload, 1 << 20, &file[1 << 20..], &[]);
    assert_eq!((full.status, full.code().as_str()), (507, "store-full"));
    assert_eq!(offset(&server.address, &upload), 1 << 20, "what was acknowledged is there, and no more");
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(send(&server.address, &upload, 1 << 20, &file[1 << 20..2 << 20], &[]).status, 204);
    assert_eq!(send(&server.address, &upload, 2 << 20, &file[2 << 20..], &[]).status, 204);
    assert_eq!(get(&server.address, &upload).json()["digest"], domain::id::Digest::of(&file).to_string());
}
